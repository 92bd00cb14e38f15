/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of receives over a clean restart (engine.md §1). The ordered stop writes
 * them as definitions of the kind "leases": a version byte, the boot epoch of the
 * life that wrote them, and a record of RECORD_BYTES for each. The next life, and
 * only the next, loads their entries before anybody can ask for a message, and
 * leases them again until the same time. A life that ended otherwise has left
 * none, so its messages are visible at once. */
#include <stdlib.h>
#include <time.h>

#include "engine/engine_priv.h"

#define KIND "leases"
#define LOAD_KEPT (1ULL << 62)

enum { VERSION = 1, HEAD_BYTES = 9, RECORD_BYTES = 44, RECORDS_MAX = 8192, PAGE = 64, QUIET_POLLS = 100000 };

static const struct timespec POLL_PAUSE = {.tv_nsec = 100000};

/* ---- the stop ---- */

static bool keepable(const struct lease *l)
{
	const struct entry *en = l->entry;
	return !l->session && en && !en->vanish && en->stored != STORED_NEVER && en->stored != STORED_REMOTE &&
	       heap_has(&l->deadline);
}

static void record_put(struct buf *b, const struct engine *e, const struct lease *l)
{
	const struct entry *en = l->entry;
	int64_t left_ms = (int64_t)l->deadline.key - e->now.mono_ms;
	buf_add_u32(b, l->queue->uid);
	buf_add_u64(b, en->pos);
	buf_add_u32(b, l->receive);
	buf_add_u64(b, l->boot);
	buf_add_u64(b, (uint64_t)(e->now.wall_ms + left_ms));
	buf_add_u64(b, (uint64_t)en->first_received_ms);
	buf_add_u16(b, en->received);
	buf_add_u16(b, en->delivered);
}

static void chunk_begin(struct engine *e, struct buf *b)
{
	buf_clear(b);
	buf_add_u8(b, VERSION);
	buf_add_u64(b, e->boot);
}

static void chunk_write(struct engine *e, const struct buf *b, uint32_t number)
{
	uint8_t key[4];
	be32_put(key, number);
	journal_definition(e, KIND, view_of(key, sizeof(key)), buf_view(b), true, NULL);
}

void engine_leases_keep(struct engine *e)
{
	struct lease *l;
	struct buf b;
	uint32_t at = 0, number = 0, n = 0;
	if (e->remote)
		return;
	buf_init(&b, HEAD_BYTES + RECORD_BYTES * RECORDS_MAX);
	chunk_begin(e, &b);
	while ((l = slots_next(&e->leases, &at))) {
		if (!keepable(l))
			continue;
		record_put(&b, e, l);
		if (++n % RECORDS_MAX == 0) {
			chunk_write(e, &b, number++);
			chunk_begin(e, &b);
		}
	}
	if (n % RECORDS_MAX)
		chunk_write(e, &b, number);
	buf_fini(&b);
}

/* ---- the start ---- */

struct kept {
	uint32_t queue, receive;
	uint64_t pos, boot;
	int64_t until_ms, first_received_ms; /* wall */
	uint16_t received, delivered;
};

/* One walk over what was kept, in the order of queue and position. */
struct keeping {
	struct engine *engine;
	struct kept *v;
	size_t n, cap, at;
	bool answered, failed;
};

static int kept_cmp(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	if (x->queue != y->queue)
		return x->queue < y->queue ? -1 : 1;
	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

static void chunk_read(struct keeping *k, struct view value)
{
	struct reader r = reader_of(value);
	if (reader_u8(&r) != VERSION || reader_u64(&r) + 1 != k->engine->boot)
		return;
	while (r.v.n >= RECORD_BYTES) {
		k->v = mem_grow(k->v, &k->cap, k->n + 1, sizeof(*k->v));
		struct kept *x = &k->v[k->n];
		x->queue = reader_u32(&r);
		x->pos = reader_u64(&r);
		x->receive = reader_u32(&r);
		x->boot = reader_u64(&r);
		x->until_ms = (int64_t)reader_u64(&r);
		x->first_received_ms = (int64_t)reader_u64(&r);
		x->received = reader_u16(&r);
		x->delivered = reader_u16(&r);
		if (x->until_ms > k->engine->now.wall_ms)
			k->n++;
	}
}

/* Read once: a later life must not find it again. */
static void on_chunk(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct keeping *k = ctx;
	(void)version;
	chunk_read(k, value);
	journal_definition(k->engine, KIND, key, VIEW_NONE, false, NULL);
}

/* Out of what only the store has, into its receiver's hands. */
static void lease_again(struct queue *q, const struct kept *x, const struct store_entry *s)
{
	struct entry *en = lane_adopt(q, s);
	q->n_ready--;
	lane_one_less(q, en->message);
	en->received = x->received;
	en->delivered = x->delivered;
	en->first_received_ms = x->first_received_ms;
	struct lease *l = lease_new(en, NULL, 0);
	l->receive = x->receive;
	l->boot = x->boot;
	lease_deadline(l, x->until_ms - q->engine->now.wall_ms);
}

/* The lease kept of this position, if any; those before it have lost their entries. */
static const struct kept *kept_upto(struct keeping *k, uint32_t queue, uint64_t pos)
{
	while (k->at < k->n && k->v[k->at].queue == queue && k->v[k->at].pos < pos)
		k->at++;
	const struct kept *x = &k->v[k->at];
	return k->at < k->n && x->queue == queue && x->pos == pos ? x : NULL;
}

void leases_loaded(struct queue *q, const struct store_loaded *loaded)
{
	struct keeping *k = q->engine->keeping;
	for (size_t i = 0; i < loaded->n; i++) {
		const struct store_entry *s = &loaded->entries[i];
		const struct kept *x = k ? kept_upto(k, q->uid, s->pos) : NULL;
		if (!x || !q->lane.behind_n) {
			message_unref(s->message);
			continue;
		}
		lease_again(q, x, s);
		k->at++;
	}
	if (!k)
		return; /* given up meanwhile */
	k->answered = true;
	k->failed = loaded->failed;
	if (loaded->end || !loaded->n)
		kept_upto(k, q->uid, UINT64_MAX);
}

/* false: the store does not answer. */
static bool page_await(struct keeping *k)
{
	struct engine *e = k->engine;
	for (int i = 0; i < QUIET_POLLS && !k->answered; i++)
		if (!e->store->ops->poll(e->store))
			nanosleep(&POLL_PAUSE, NULL);
	return k->answered && !k->failed;
}

static bool page_load(struct keeping *k)
{
	const struct kept *x = &k->v[k->at];
	struct engine *e = k->engine;
	if (!map64_find(&e->queues, x->queue)) {
		k->at++;
		return true;
	}
	k->answered = k->failed = false;
	e->store->ops->load(e->store, &(struct store_load){
		.queue = x->queue, .lane = LANE_READY, .after = x->pos - 1, .n = PAGE,
		.bytes = e->options.load_bytes, .tag = LOAD_KEPT | x->queue,
	});
	return page_await(k);
}

bool load_is_kept(const struct store_loaded *l)
{
	return l->load->tag & LOAD_KEPT && !(l->load->tag & LOAD_REF);
}

enum code leases_restore(struct engine *e, struct error *err)
{
	struct keeping k = {.engine = e};
	if (e->remote)
		return CODE_OK;
	if (!e->store->ops->defs(e->store, VIEW(KIND), on_chunk, &k)) {
		free(k.v);
		return error_set(err, CODE_UNAVAILABLE, "the store's leases cannot be read");
	}
	if (k.n)
		qsort(k.v, k.n, sizeof(*k.v), kept_cmp);
	e->keeping = &k;
	while (k.at < k.n)
		if (!page_load(&k)) {
			log_warn("leases.lost", "text=\"messages in flight are visible at once\" n=%zu", k.n - k.at);
			break;
		}
	e->keeping = NULL;
	free(k.v);
	return CODE_OK;
}
