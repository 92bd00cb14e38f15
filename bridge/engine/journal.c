/* SPDX-License-Identifier: Apache-2.0 */
/* Building and submitting batches; what comes back is journal_done.c's. */
#include "engine/journal.h"

#include <stdlib.h>

#include "engine/engine_priv.h"
#include "engine/journal_priv.h"

void journal_init(struct engine *e)
{
	list_init(&e->journal.dirty);
}

static void jbatch_free(struct jbatch *b)
{
	if (!b)
		return;
	arena_fini(&b->arena);
	free(b->batch.ops);
	free(b);
}

static void jbatch_drop(struct jbatch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->batch.n; i++)
		if (b->batch.ops[i].kind == OP_APPEND)
			message_unref(b->batch.ops[i].append.message);
		else if (b->batch.ops[i].kind == OP_NONE && b->batch.ops[i].ctx &&
			 b->batch.ops[i].mark != MARK_BARRIER)
			tx_commit_free(b->batch.ops[i].ctx);
	jbatch_free(b);
}

void journal_fini(struct engine *e)
{
	struct journal *j = &e->journal;
	jbatch_drop(j->building);
	jbatch_drop(j->retry);
	while (j->free) {
		struct jbatch *b = j->free;
		j->free = b->next_free;
		jbatch_free(b);
	}
}

struct jbatch *jbatch_new(struct engine *e)
{
	struct journal *j = &e->journal;
	struct jbatch *b = j->free;
	if (b) {
		j->free = b->next_free;
	} else {
		b = mem_zalloc(sizeof(*b));
		arena_init(&b->arena);
	}
	b->engine = e;
	b->batch.done = journal_done;
	b->batch.ctx = b;
	return b;
}

void jbatch_recycle(struct jbatch *b)
{
	struct journal *j = &b->engine->journal;
	if (b->merged)
		jbatch_recycle(b->merged);
	b->merged = NULL;
	arena_reset(&b->arena);
	b->batch.n = 0;
	b->batch.bytes = 0;
	b->live = 0;
	b->next_free = j->free;
	j->free = b;
}

static struct jbatch *building(struct engine *e)
{
	if (!e->journal.building)
		e->journal.building = jbatch_new(e);
	return e->journal.building;
}

struct store_op *jbatch_op(struct jbatch *b, enum store_op_kind kind)
{
	struct store_batch *s = &b->batch;
	if (s->n == s->cap)
		s->ops = mem_grow(s->ops, &s->cap, s->n + 1, sizeof(*s->ops));
	struct store_op *op = &s->ops[s->n++];
	memset(op, 0, sizeof(*op));
	op->kind = (uint8_t)kind;
	op->group_end = true;
	b->live++;
	return op;
}

static const char FORGOTTEN;

void dest_forget(struct store_dest *d)
{
	d->ctx = (void *)(uintptr_t)&FORGOTTEN;
}

bool dest_forgotten(const struct store_dest *d)
{
	return d->ctx == &FORGOTTEN;
}

struct entry *dest_entry(const struct store_dest *d)
{
	return dest_forgotten(d) ? NULL : d->ctx;
}

struct store_dest *journal_dests(struct engine *e, uint32_t n)
{
	return arena_alloc(&building(e)->arena, n * sizeof(struct store_dest));
}

/* What an append weighs for the store gate: the message once, a row a copy. */
static uint64_t append_cost(const struct message *m, uint32_t n)
{
	return message_cost(m) + (uint64_t)n * 64;
}

void journal_append(struct engine *e, struct message *m, struct store_dest *dests, uint32_t n, struct publish *p)
{
	struct jbatch *b = building(e);
	struct store_op *op = jbatch_op(b, OP_APPEND);
	struct append_info *info = arena_alloc(&b->arena, sizeof(*info));
	info->publish = p;
	info->live = n;
	info->cost = append_cost(m, n);
	op->append.message = message_ref(m);
	op->append.dests = dests;
	op->append.n_dests = n;
	op->ctx = info;
	b->batch.bytes += info->cost;
	e->journal.bytes += info->cost;
	uint32_t index = (uint32_t)(b->batch.n - 1);
	for (uint32_t i = 0; i < n; i++)
		if (dest_entry(&dests[i]))
			dest_entry(&dests[i])->op = index;
}

void journal_cancel(struct entry *en)
{
	struct engine *e = en->queue->engine;
	struct jbatch *b = e->journal.building;
	must(en->stored == STORED_UNSENT && b && en->op < b->batch.n);
	struct store_op *op = &b->batch.ops[en->op];
	struct append_info *info = op->ctx;
	must(op->kind == OP_APPEND && info->live > 0);
	en->dest->dead = true;
	en->dest->ctx = NULL;
	e->counters.elided++;
	if (--info->live > 0)
		return;
	b->batch.bytes -= info->cost;
	e->journal.bytes -= info->cost;
	message_unref(op->append.message);
	op->kind = OP_NONE;
	op->ctx = NULL;
	if (--b->live == 0) {
		b->batch.n = 0;
		arena_reset(&b->arena);
	}
}

void journal_remove(struct queue *q, uint64_t pos)
{
	struct store_op *op = jbatch_op(building(q->engine), OP_REMOVE);
	op->entry.queue = q->uid;
	op->entry.pos = pos;
}

size_t journal_mark_point(const struct engine *e)
{
	return e->journal.building ? e->journal.building->batch.n : 0;
}

void journal_wait(struct engine *e, size_t mark, struct ask *a)
{
	struct jbatch *b = e->journal.building;
	for (size_t i = mark; b && i < b->batch.n; i++) {
		if (b->batch.ops[i].kind != OP_REMOVE)
			continue;
		b->batch.ops[i].ctx = a;
		a->waits++;
	}
}

void journal_barrier(struct engine *e, struct ask *a)
{
	const struct journal *j = &e->journal;
	if (!j->submitted && !j->retry && !(j->building && j->building->live))
		return;
	struct store_op *op = jbatch_op(building(e), OP_NONE);
	op->mark = MARK_BARRIER;
	op->ctx = a;
	a->waits++;
}

bool journal_close_group(struct engine *e, size_t mark, struct tx_commit *c)
{
	struct jbatch *b = e->journal.building;
	if (!b || b->batch.n == mark)
		return false;
	for (size_t i = mark; i < b->batch.n; i++) {
		b->batch.ops[i].group_end = false;
		b->batch.ops[i].mark = MARK_OF_GROUP;
	}
	/* Carries the outcome; to the store it is a cancelled operation. */
	jbatch_op(b, OP_NONE)->ctx = c;
	return true;
}

void journal_abandon(struct engine *e, size_t mark)
{
	struct jbatch *b = e->journal.building;
	for (size_t i = mark; b && i < b->batch.n; i++) {
		struct store_op *op = &b->batch.ops[i];
		struct append_info *info = op->ctx;
		must(op->kind == OP_APPEND);
		b->batch.bytes -= info->cost;
		e->journal.bytes -= info->cost;
		message_unref(op->append.message);
		b->live--;
	}
	if (b)
		b->batch.n = mark;
}

void journal_mark(struct entry *en)
{
	struct store_op *op = jbatch_op(building(en->queue->engine), OP_MARK);
	op->entry.queue = en->queue->uid;
	op->entry.pos = en->pos;
	op->entry.received = en->received;
	op->entry.delivered = en->delivered;
	op->entry.failed = en->failed;
}

void journal_due(struct entry *en)
{
	struct store_op *op = jbatch_op(building(en->queue->engine), OP_DUE);
	op->entry.queue = en->queue->uid;
	op->entry.lane = LANE_DELAYED;
	op->entry.lane2 = LANE_READY;
	op->entry.pos = en->pos;
	op->entry.due_ms = en->due_ms;
}

void journal_purge(struct queue *q, uint8_t lane, uint64_t upto, const uint64_t *keep, size_t n, struct ask *a)
{
	struct jbatch *b = building(q->engine);
	uint64_t *copy = NULL;
	if (n) {
		copy = arena_alloc(&b->arena, n * sizeof(*copy));
		memcpy(copy, keep, n * sizeof(*copy));
	}
	struct store_op *op = jbatch_op(b, OP_PURGE);
	op->purge.queue = q->uid;
	op->purge.lane = lane;
	op->purge.upto = upto;
	op->purge.keep = copy;
	op->purge.n_keep = n;
	op->ctx = a;
	a->waits++;
}

void journal_purge_queue(struct queue *q)
{
	struct store_op *op = jbatch_op(building(q->engine), OP_PURGE);
	op->purge.queue = q->uid;
	op->purge.whole_queue = true;
	op->purge.upto = UINT64_MAX >> 1;
}

void journal_handle(struct queue *q, enum store_op_kind kind, struct view handle, int64_t ms)
{
	struct jbatch *b = building(q->engine);
	struct view copy = arena_copy(&b->arena, handle);
	struct store_op *op = jbatch_op(b, kind);
	op->entry.queue = q->uid;
	op->entry.handle = copy;
	op->entry.ms = ms;
}

void journal_definition(struct engine *e, const char *kind, struct view key, struct view value, bool put, struct ask *a)
{
	struct jbatch *b = building(e);
	struct view key_copy = arena_copy(&b->arena, key), value_copy = arena_copy(&b->arena, value);
	struct store_op *op = jbatch_op(b, put ? OP_DEF_PUT : OP_DEF_DELETE);
	op->def.kind = view_str(kind);
	op->def.key = key_copy;
	op->def.value = value_copy;
	op->def.expected = DEF_ANY;
	op->ctx = a;
	if (a)
		a->waits++;
}

void journal_meta(struct engine *e, const char *key, uint64_t value)
{
	struct jbatch *b = building(e);
	uint8_t bytes[8];
	be64_put(bytes, value);
	struct view copy = arena_copy(&b->arena, view_of(bytes, sizeof(bytes)));
	struct store_op *op = jbatch_op(b, OP_META);
	op->def.kind = VIEW("meta");
	op->def.key = view_str(key);
	op->def.value = copy;
	op->def.expected = DEF_ANY;
}

void journal_row(struct queue *q)
{
	struct journal *j = &q->engine->journal;
	if (!q->stored || q->remote || q->deleted || list_linked(&q->dirty))
		return;
	list_push_back(&j->dirty, &q->dirty);
	if (!j->dirty_since_ms)
		j->dirty_since_ms = q->engine->now.mono_ms;
}

static void rows_add(struct engine *e, struct jbatch *b)
{
	LIST_EACH(&e->journal.dirty, l) {
		struct queue *q = LIST_ENTRY(l, struct queue, dirty);
		list_remove(l);
		struct store_op *op = jbatch_op(b, OP_QUEUE_ROW);
		op->row = (struct store_queue_row){
			.uid = q->uid,
			.entries = q->stored_n,
			.bytes = q->stored_bytes,
			.body_bytes = q->stored_body,
			.expiring = q->expiring,
			.delayed = q->stored_delayed,
			.handed_up_to = q->handed_up_to,
			.last_pos = e->next_pos,
		};
	}
	e->journal.dirty_since_ms = 0;
}

/* Entries whose append goes out now can no longer be elided. */
static void appends_leave(struct jbatch *b)
{
	for (size_t i = 0; i < b->batch.n; i++) {
		struct store_op *op = &b->batch.ops[i];
		if (op->kind != OP_APPEND)
			continue;
		for (uint32_t d = 0; d < op->append.n_dests; d++) {
			struct store_dest *dest = &op->append.dests[d];
			struct entry *en = dest_entry(dest);
			if (op->mark == MARK_REPUBLISH && dest_done(dest))
				dest->dead = true; /* removed while it waited for another try */
			else if (en)
				en->stored = STORED_IN_BATCH;
		}
	}
}

static bool rows_due(const struct engine *e)
{
	const struct journal *j = &e->journal;
	return j->dirty_since_ms && e->now.mono_ms >= j->dirty_since_ms + JOURNAL_ROW_MS;
}

/* What has to be tried again goes ahead of what is being built, in one batch
 * with it, so that the rows behind both are true. */
static void retry_merge(struct engine *e, struct jbatch *b)
{
	struct journal *j = &e->journal;
	struct jbatch *r = j->retry;
	struct store_batch *s = &b->batch;
	size_t n = r->batch.n;
	s->ops = mem_grow(s->ops, &s->cap, s->n + n, sizeof(*s->ops));
	memmove(s->ops + n, s->ops, s->n * sizeof(*s->ops));
	memcpy(s->ops, r->batch.ops, n * sizeof(*s->ops));
	s->n += n;
	b->live += r->live;
	b->merged = r; /* its arena holds what the operations point to */
	j->retry = NULL;
}

/* Closes the batch being built with the rows of what it changed. */
static void building_submit(struct engine *e)
{
	struct jbatch *b = building(e);
	if (e->journal.retry)
		retry_merge(e, b);
	rows_add(e, b);
	e->journal.building = NULL;
	appends_leave(b);
	e->journal.submitted++;
	e->store->ops->submit(e->store, &b->batch);
}

static bool retry_waits(const struct engine *e)
{
	return e->journal.retry && e->now.mono_ms < e->journal.retry_at_ms;
}

void journal_flush(struct engine *e)
{
	struct journal *j = &e->journal;
	journal_compact(e);
	bool crowded = j->building && j->building->live >= e->options.batch_ops_max;
	if ((j->submitted >= JOURNAL_DEPTH && !crowded) || retry_waits(e))
		return;
	if (j->retry || (j->building && j->building->live) || rows_due(e))
		building_submit(e);
}

bool journal_submit_now(struct engine *e)
{
	struct journal *j = &e->journal;
	if (j->retry)
		return false;
	if (j->building && j->building->live)
		building_submit(e);
	return true;
}

bool journal_idle(const struct engine *e)
{
	const struct journal *j = &e->journal;
	return !j->submitted && !j->retry && !(j->building && j->building->live) && list_empty(&j->dirty);
}

/* The time at which journal_flush would do something that it does not do now. */
int64_t journal_next_ms(const struct engine *e)
{
	const struct journal *j = &e->journal;
	if (j->submitted >= JOURNAL_DEPTH)
		return INT64_MAX; /* the store's answer comes first, and wakes the loop */
	if (j->retry)
		return j->retry_at_ms;
	return j->dirty_since_ms ? j->dirty_since_ms + JOURNAL_ROW_MS : INT64_MAX;
}
