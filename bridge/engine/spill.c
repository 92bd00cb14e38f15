/* SPDX-License-Identifier: Apache-2.0 */
/* Transient messages that memory has no room for (engine.md §3, the spill gate).
 * While the engine is crowded, a lane keeps a page; transient arrivals behind it
 * go to a store of their own, a scratch file without sync that is emptied at each
 * start. A page that is read back leaves that store at once: from then on its
 * messages are ordinary transient ones, and nothing else has to know.
 *
 *   arrival ── crowded, lane full ──► append ──► only the spill store has it
 *                                      │ failed: back into its lane
 *   somebody waits ──► load ──► page into the lane's heap, its rows removed
 *
 *  P1  what a lane has there are the positions from spilled.from on; a page brings
 *      nothing before it (purged, or read already)
 *  P2  a message is counted in spilled.n or has an entry, never both
 * Confirms do not wait: a transient message is confirmed when it is enqueued. */
#include <stdlib.h>
#include <time.h>

#include "engine/engine_priv.h"

enum { SPILL_DEPTH = 2 };

static const struct timespec POLL_PAUSE = {.tv_nsec = 100000};

struct spill_batch {
	struct store_batch batch;
	struct engine *engine;
	struct arena arena; /* destinations */
	uint64_t bytes;     /* of its messages */
	struct spill_batch *next_free;
};

static void spill_done(struct store_batch *b, void *ctx);

static struct spill_batch *building(struct engine *e)
{
	struct spill *s = &e->spill;
	if (s->building)
		return s->building;
	struct spill_batch *b = s->free;
	if (b) {
		s->free = b->next_free;
	} else {
		b = mem_zalloc(sizeof(*b));
		arena_init(&b->arena);
		b->engine = e;
		b->batch.done = spill_done;
		b->batch.ctx = b;
	}
	s->building = b;
	return b;
}

static struct store_op *op_new(struct spill_batch *b, enum store_op_kind kind)
{
	struct store_batch *s = &b->batch;
	s->ops = mem_grow(s->ops, &s->cap, s->n + 1, sizeof(*s->ops));
	struct store_op *op = &s->ops[s->n++];
	memset(op, 0, sizeof(*op));
	op->kind = (uint8_t)kind;
	op->group_end = true;
	return op;
}

/* One append for the queues of one publish, which come one after the other. */
static struct store_dest *dest_new(struct engine *e, struct message *m)
{
	struct spill_batch *b = building(e);
	struct store_op *op = b->batch.n ? &b->batch.ops[b->batch.n - 1] : NULL;
	if (!op || op->kind != OP_APPEND || op->append.message != m) {
		op = op_new(b, OP_APPEND);
		op->append.message = message_ref(m);
		b->bytes += message_cost(m);
		e->spill.bytes += message_cost(m);
	}
	uint32_t n = op->append.n_dests;
	if ((n & (n - 1)) == 0) { /* full: 0, 1, 2, 4 … */
		struct store_dest *more = arena_alloc(&b->arena, (n ? 2 * n : 1) * sizeof(*more));
		if (n)
			memcpy(more, op->append.dests, n * sizeof(*more));
		op->append.dests = more;
	}
	return &op->append.dests[op->append.n_dests++];
}

static void position_remove(struct queue *q, uint64_t pos)
{
	struct store_op *op = op_new(building(q->engine), OP_REMOVE);
	op->entry.queue = q->uid;
	op->entry.pos = pos;
}

/* ---- in ---- */

bool spill_takes(const struct queue *q)
{
	const struct engine *e = q->engine;
	if (!e->crowded || !e->spill.store || e->spill.state >= STATE_FULL)
		return false;
	return lane_is_paged(&q->lane) || lane_is_full(q);
}

void spill_add(struct queue *q, struct message *m, const struct arrival *a)
{
	struct engine *e = q->engine;
	struct spilled *s = &q->lane.spilled;
	struct store_dest *d = dest_new(e, m);
	queue_dest_place(q, d, m, 0);
	dest_arrive(d, a);
	if (!s->n)
		s->from = d->pos;
	s->n++;
	s->body += body_bytes(m->body);
	s->arrivals++;
	e->spill.n++;
	q->n_ready++;
	queue_upkeep_want(q);
	q->bytes += message_cost(m);
	queue_poke(q);
}

static void spilled_less(struct queue *q, const struct message *m)
{
	struct spilled *s = &q->lane.spilled;
	uint64_t n = body_bytes(m->body);
	s->n--;
	s->body -= n < s->body ? n : s->body;
	q->engine->spill.n--;
}

/* It was not written: memory keeps it after all. */
static void dest_kept(struct engine *e, struct message *m, const struct store_dest *d)
{
	struct queue *q = map64_find(&e->queues, d->queue);
	if (!q || !q->lane.spilled.n || d->pos < q->lane.spilled.from)
		return; /* purged meanwhile */
	position_remove(q, d->pos); /* a commit that failed late may be in the file */
	spilled_less(q, m);
	struct entry *en = entry_new(q, m, d->pos);
	en->stored = STORED_NEVER;
	en->origin = d->origin;
	en->received = d->received;
	en->delivered = d->delivered;
	en->failed = d->failed;
	en->deadline_ms = d->deadline_ms;
	entry_index(en);
	lane_return(en);
	queue_poke(q);
}

static void spill_done(struct store_batch *batch, void *ctx)
{
	struct spill_batch *b = ctx;
	struct engine *e = b->engine;
	struct spill *s = &e->spill;
	s->submitted--;
	for (size_t i = 0; i < batch->n; i++) {
		struct store_op *op = &batch->ops[i];
		if (op->kind != OP_APPEND)
			continue; /* a row that stays is before spilled.from, and read by nobody */
		for (uint32_t k = 0; k < op->append.n_dests; k++)
			if (op->append.dests[k].result != STORE_OK)
				dest_kept(e, op->append.message, &op->append.dests[k]);
		message_unref(op->append.message);
	}
	s->bytes -= b->bytes;
	b->bytes = 0;
	batch->n = 0;
	arena_reset(&b->arena);
	b->next_free = s->free;
	s->free = b;
}

static void submit(struct engine *e)
{
	struct spill *s = &e->spill;
	struct spill_batch *b = s->building;
	if (!b || !b->batch.n)
		return;
	s->building = NULL;
	s->submitted++;
	b->batch.bytes = b->bytes;
	s->store->ops->submit(s->store, &b->batch);
}

void spill_flush(struct engine *e)
{
	if (e->spill.submitted < SPILL_DEPTH)
		submit(e);
}

/* ---- out ---- */

void spill_want(struct queue *q)
{
	struct engine *e = q->engine;
	struct spilled *s = &q->lane.spilled;
	if (s->loading)
		return;
	submit(e); /* the page has to see it */
	s->loading = true;
	s->arrivals = 0;
	e->counters.loads++;
	e->spill.store->ops->load(e->spill.store, &(struct store_load){
		.queue = q->uid, .lane = LANE_READY, .after = s->from - 1,
		.n = e->options.load_entries, .bytes = e->options.load_bytes, .tag = q->uid,
	});
}

static void page_in(struct queue *q, const struct store_entry *l)
{
	struct engine *e = q->engine;
	struct spilled *s = &q->lane.spilled;
	if (!s->n || l->pos < s->from || map64_find(&e->by_pos, l->pos)) {
		message_unref(l->message);
		return;
	}
	position_remove(q, l->pos);
	s->from = l->pos + 1;
	spilled_less(q, l->message);
	struct entry *en = lane_adopt(q, l);
	en->stored = STORED_NEVER;
	lane_page_back(en);
}

/* The store's word stands: what it lacks is not waited for. */
static void recount(struct queue *q)
{
	struct spilled *s = &q->lane.spilled;
	if (s->n <= s->arrivals)
		return;
	uint64_t missing = s->n - s->arrivals;
	log_warn("queue.recounted", "queue=%u missing=%llu spilled=true", q->uid, (unsigned long long)missing);
	s->n -= missing;
	q->engine->spill.n -= missing;
	s->body = s->n ? s->body : 0;
	q->n_ready -= missing;
	q->out[REMOVED_LOST] += missing;
	queue_bytes_recount(q);
}

static void on_loaded(void *ctx, const struct store_loaded *l)
{
	struct engine *e = ctx;
	struct queue *q = map64_find(&e->queues, l->load->tag);
	if (!q) {
		for (size_t i = 0; i < l->n; i++)
			message_unref(l->entries[i].message);
		return;
	}
	q->lane.spilled.loading = false;
	for (size_t i = 0; i < l->n; i++)
		page_in(q, &l->entries[i]);
	if (l->failed)
		queue_stall(q);
	else if (l->end)
		recount(q);
	queue_upkeep_want(q);
	queue_poke(q);
}

void spill_drop(struct queue *q, enum removal why)
{
	struct engine *e = q->engine;
	struct spilled *s = &q->lane.spilled;
	if (!s->n)
		return;
	q->n_ready -= s->n;
	q->out[why] += s->n;
	e->spill.n -= s->n;
	s->n = s->body = 0;
	s->from = e->next_pos;
	struct store_op *op = op_new(building(e), OP_PURGE);
	op->purge.queue = q->uid;
	op->purge.lane = LANE_READY;
	op->purge.upto = e->next_pos - 1;
}

/* ---- life ---- */

static void on_state(void *ctx, enum store_state state, const char *why)
{
	struct engine *e = ctx;
	log_warn("spill.state", "state=%d why=\"%s\"", (int)state, why ? why : "");
	e->spill.state = state;
}

void spill_init(struct engine *e)
{
	struct store *s = e->options.spill;
	e->spill.store = s;
	if (s)
		s->sink = (struct store_sink){.ctx = e, .loaded = on_loaded, .state = on_state};
}

bool spill_idle(const struct engine *e)
{
	const struct spill *s = &e->spill;
	return !s->store || (!s->submitted && !(s->building && s->building->batch.n) && s->store->ops->idle(s->store));
}

static void batch_free(struct spill_batch *b)
{
	for (size_t i = 0; i < b->batch.n; i++)
		if (b->batch.ops[i].kind == OP_APPEND)
			message_unref(b->batch.ops[i].append.message);
	arena_fini(&b->arena);
	free(b->batch.ops);
	free(b);
}

void spill_fini(struct engine *e)
{
	struct spill *s = &e->spill;
	if (!s->store)
		return;
	while (s->submitted)
		if (!s->store->ops->poll(s->store))
			nanosleep(&POLL_PAUSE, NULL);
	if (s->building)
		batch_free(s->building);
	while (s->free) {
		struct spill_batch *b = s->free;
		s->free = b->next_free;
		batch_free(b);
	}
	s->store->sink = (struct store_sink){.ctx = NULL};
}
