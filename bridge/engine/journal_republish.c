/* SPDX-License-Identifier: Apache-2.0 */
/* Groups that move a message on: appends, then the removal of what they replace,
 * then an end mark. Nobody waits for them who could try again, so the journal
 * does: a group that failed goes into the next batch as it was, its entries going
 * about their business meanwhile. Since a commit that failed late may be on the
 * disk all the same, removals of the new positions go ahead of a second try. */
#include "engine/engine_priv.h"
#include "engine/journal_priv.h"

void journal_close_republish(struct engine *e, size_t mark)
{
	struct jbatch *b = e->journal.building;
	if (!b || b->batch.n <= mark)
		return;
	for (size_t i = mark; i < b->batch.n; i++) {
		b->batch.ops[i].group_end = false;
		b->batch.ops[i].mark = MARK_REPUBLISH;
	}
	struct store_op *end = jbatch_op(b, OP_NONE);
	end->mark = MARK_REPUBLISH_END;
}

static bool again(enum store_result r)
{
	return r == STORE_FAILED || r == STORE_RETRY_LATER;
}

static void clean_keep(struct engine *e, const struct store_dest *d)
{
	struct store_op op = {.kind = OP_REMOVE, .mark = MARK_REPUBLISH_CLEAN};
	op.entry.queue = d->queue;
	op.entry.pos = d->pos;
	journal_keep(e, &op);
}

static void append_keep(struct engine *e, struct store_op *op)
{
	for (uint32_t i = 0; !e->remote && i < op->append.n_dests; i++)
		if (!dest_done(&op->append.dests[i]))
			clean_keep(e, &op->append.dests[i]);
	journal_keep(e, op);
}

static void append_done(struct engine *e, struct store_op *op)
{
	const struct append_info *info = op->ctx;
	bool more = false;
	for (uint32_t i = 0; i < op->append.n_dests; i++) {
		struct store_dest *d = &op->append.dests[i];
		if (dest_done(d))
			continue;
		if (again(d->result)) {
			more = true;
			continue;
		}
		if (d->result != STORE_OK)
			log_error("queue.dead_letter_refused", "queue=%u", d->queue);
		dest_outcome(e, op, d);
		d->dead = true; /* done with, should the others be tried again */
	}
	if (more) {
		append_keep(e, op);
		return;
	}
	e->journal.bytes -= info->cost;
	message_unref(op->append.message);
}

/* Will the end of its group be kept too? */
static bool end_kept(const struct store_op *op)
{
	while (op->mark != MARK_REPUBLISH_END)
		op++;
	return again(op->result);
}

/* What an append replaced. Where the append will never be, it goes all the same. */
static void replaced_keep(struct engine *e, const struct store_op *op)
{
	bool grouped = end_kept(op);
	struct store_op *kept = journal_keep(e, op);
	if (grouped)
		return;
	kept->mark = 0;
	kept->group_end = true;
}

void republish_done(struct engine *e, struct store_op *op)
{
	if (op->mark == MARK_REPUBLISH_CLEAN)
		return; /* append_keep makes new ones */
	if (op->kind == OP_APPEND) {
		append_done(e, op);
	} else if (op->mark == MARK_REPUBLISH_END) {
		if (again(op->result))
			journal_keep(e, op);
	} else if (op->kind == OP_NONE) {
		return; /* an append that was cancelled */
	} else if (again(op->result) || op->result == STORE_REFUSED) {
		replaced_keep(e, op);
	} else if (op->kind == OP_REMOVE) {
		e->counters.removed++;
	}
}
