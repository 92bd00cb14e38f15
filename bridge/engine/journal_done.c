/* SPDX-License-Identifier: Apache-2.0 */
/* What the store says of a batch. An append that failed takes its waiting
 * entries away (engine.md §5: entries already handed out vanish when settled);
 * a removal or counter that failed is kept for a later batch. */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "engine/journal_priv.h"

static bool op_failed(const struct store_op *op)
{
	return op->result == STORE_FAILED || op->result == STORE_RETRY_LATER;
}

static void dest_uncount(struct queue *q, const struct store_op *op, const struct store_dest *d)
{
	struct entry *en = dest_entry(d);
	if (en && en->uncounted) {
		en->uncounted = false; /* the commit that was to remove it did so already */
		return;
	}
	if (d->lane == LANE_DELAYED)
		q->stored_delayed--;
	queue_stored(q, op->append.message, -1);
}

static void dest_failed(struct engine *e, struct store_op *op, struct store_dest *d)
{
	struct entry *en = dest_entry(d);
	struct queue *q = map64_find(&e->queues, d->queue);
	if (q && !q->remote && !en && d->pos <= q->lane.purged_upto)
		return; /* only the store would have had it, and a purge took it */
	if (q && !q->remote) {
		/* A commit that failed late may be on the disk all the same. */
		journal_remove(q, d->pos);
		dest_uncount(q, op, d);
	}
	if (!en) {
		/* Only the store would have had it. */
		if (q && !q->remote) {
			q->n_ready--;
			lane_one_less(q, op->append.message);
			q->bytes -= message_cost(op->append.message);
			q->out[REMOVED_FAILED]++;
		}
		return;
	}
	en->stored = STORED_NEVER;
	en->dest = NULL;
	entry_finish(en, false);
	if (en->state == ENTRY_LEASED || en->state == ENTRY_PENDING)
		en->vanish = true;
	else
		entry_remove(en, REMOVED_FAILED);
}

static void dest_stored(struct engine *e, struct store_dest *d)
{
	struct entry *en = dest_entry(d);
	e->counters.stored++;
	if (!en)
		return;
	en->stored = STORED_YES;
	en->dest = NULL;
	entry_finish(en, true);
}

void dest_outcome(struct engine *e, struct store_op *op, struct store_dest *d)
{
	const struct append_info *info = op->ctx;
	bool resident = d->ctx != NULL;
	if (d->result == STORE_OK)
		dest_stored(e, d);
	else
		dest_failed(e, op, d);
	if (!resident && info->publish)
		publish_finish(e, info->publish, d->result);
}

static bool dest_again(const struct store_dest *d)
{
	return d->result == STORE_RETRY_LATER && !dest_done(d);
}

static bool append_again(struct engine *e, struct store_op *op)
{
	/* Remote stores may ask for one destination again: it becomes an append of its own. */
	struct append_info *info = op->ctx;
	uint32_t n = 0;
	for (uint32_t i = 0; i < op->append.n_dests; i++)
		n += dest_again(&op->append.dests[i]);
	if (!n)
		return false;
	struct store_dest *again = journal_dests(e, n);
	uint32_t at = 0;
	for (uint32_t i = 0; i < op->append.n_dests; i++)
		if (dest_again(&op->append.dests[i])) {
			again[at] = op->append.dests[i];
			again[at++].result = STORE_PENDING;
		}
	journal_append(e, op->append.message, again, n, info->publish);
	return true;
}

static void append_done(struct engine *e, struct store_op *op)
{
	struct append_info *info = op->ctx;
	e->journal.bytes -= info->cost;
	for (uint32_t i = 0; i < op->append.n_dests; i++) {
		struct store_dest *d = &op->append.dests[i];
		if (!dest_done(d) && d->result != STORE_RETRY_LATER)
			dest_outcome(e, op, d);
	}
	if (op->mark != MARK_OF_GROUP)
		append_again(e, op);
	message_unref(op->append.message);
}

static void ask_done(struct store_op *op)
{
	struct ask *a = op->ctx;
	if (!a)
		return;
	a->waits--;
	if (op->result != STORE_OK && op->result != STORE_LOST)
		ask_error(a, CODE_UNAVAILABLE, "the store did not take the change");
	else if (!a->waits)
		ask_ready(a);
}

struct store_op *journal_keep(struct engine *e, const struct store_op *op)
{
	struct journal *j = &e->journal;
	if (!j->retry)
		j->retry = jbatch_new(e);
	jbatch_op_move(j->retry, op);
	j->retry_at_ms = e->now.mono_ms + JOURNAL_RETRY_MS;
	struct store_op *kept = &j->retry->batch.ops[j->retry->batch.n - 1];
	kept->result = STORE_PENDING;
	return kept;
}

/* Whoever waited has been told, but for the end of a group, whose ctx goes along. */
static void keep_for_retry(struct engine *e, const struct store_op *op)
{
	struct store_op *kept = journal_keep(e, op);
	if (op->kind != OP_NONE)
		kept->ctx = NULL;
}

/* A remote store carries out a group one by one: its appends are there, so the
 * removals that it puts off are tried until they are done, and the group ends then. */
static bool group_goes_on(struct engine *e, const struct store_op *first, const struct store_op *end)
{
	bool left = false;
	for (const struct store_op *op = end; e->remote && op > first && !op[-1].group_end; op--)
		if (op[-1].kind == OP_REMOVE && op_failed(&op[-1])) {
			keep_for_retry(e, &op[-1]);
			left = true;
		}
	if (left)
		keep_for_retry(e, end);
	return left;
}

static void group_done(struct engine *e, const struct store_op *first, struct store_op *end)
{
	if (end->result != STORE_OK || !group_goes_on(e, first, end))
		tx_done(e, end->ctx, end->result == STORE_OK);
}

static void op_done(struct engine *e, const struct store_op *first, struct store_op *op)
{
	if (op->mark >= MARK_REPUBLISH) {
		republish_done(e, op);
		return;
	}
	switch (op->kind) {
	case OP_NONE:
		if (op->mark == MARK_BARRIER)
			ask_done(op);
		else if (op->ctx)
			group_done(e, first, op);
		return;
	case OP_APPEND:
		append_done(e, op);
		return;
	case OP_QUEUE_ROW: {
		struct queue *q = map64_find(&e->queues, op->row.uid);
		if (op_failed(op) && q)
			journal_row(q);
		return;
	}
	case OP_DEF_PUT:
		ask_done(op);
		return;
	case OP_DEF_DELETE:
		if (op_failed(op))
			keep_for_retry(e, op);
		ask_done(op);
		return;
	case OP_META:
		if (op_failed(op))
			keep_for_retry(e, op);
		return;
	default:
		if (op->mark == MARK_OF_GROUP)
			return; /* the group's end tells */
		/* A remote purge knows no position: later it would take what is new. */
		if (op_failed(op) && !(op->kind == OP_PURGE && e->remote))
			keep_for_retry(e, op);
		else if (op->kind == OP_REMOVE)
			e->counters.removed++;
		ask_done(op);
		return;
	}
}

static void reservations_done(struct engine *e, const struct store_op *op)
{
	if (op->kind != OP_META || op->result != STORE_OK)
		return;
	if (view_is(op->def.key, "pos_limit")) {
		e->pos_limit = be64_get(op->def.value.p);
		e->reserving = false;
	} else if (view_is(op->def.key, "uid_limit")) {
		e->uid_limit = (uint32_t)be64_get(op->def.value.p);
		e->uid_reserving = false;
	}
}

void journal_done(struct store_batch *batch, void *ctx)
{
	struct jbatch *b = ctx;
	struct engine *e = b->engine;
	e->journal.submitted--;
	for (size_t i = 0; i < batch->n; i++) {
		reservations_done(e, &batch->ops[i]);
		op_done(e, batch->ops, &batch->ops[i]);
	}
	jbatch_recycle(b);
}
