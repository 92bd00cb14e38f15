/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by journal.c (towards the store) and journal_done.c (back from it). */
#ifndef MQB_ENGINE_JOURNAL_PRIV_H
#define MQB_ENGINE_JOURNAL_PRIV_H

#include "engine/journal.h"

/* store_op.mark. OF_GROUP: part of a group of several; the group's end says what
 * became of it. REPUBLISH: part of a group that is tried again until the store has
 * it (journal_republish.c); CLEAN goes ahead of its appends then, END closes it. */
enum { MARK_OF_GROUP = 1, MARK_BARRIER, MARK_REPUBLISH, MARK_REPUBLISH_CLEAN, MARK_REPUBLISH_END };

/* store_op.ctx of an append. */
struct append_info {
	struct publish *publish;
	uint32_t live; /* destinations that are not cancelled */
	uint64_t cost;
};

struct jbatch *jbatch_new(struct engine *e);
void jbatch_recycle(struct jbatch *b);
struct store_op *jbatch_op(struct jbatch *b, enum store_op_kind kind);
/* A copy of *from at the end of `to`, with all it points to; entries follow it. */
void jbatch_op_move(struct jbatch *to, const struct store_op *from);
/* Between verbs: positions in the batch being built (journal_mark_point) change. */
void journal_compact(struct engine *e);
void journal_done(struct store_batch *batch, void *ctx);
/* One destination of a submitted append: it is stored, or will not be. */
void dest_outcome(struct engine *e, struct store_op *op, struct store_dest *d);
static inline bool dest_done(const struct store_dest *d)
{
	return d->dead || dest_forgotten(d);
}
/* Copies an operation to the end of what has to be tried again. */
struct store_op *journal_keep(struct engine *e, const struct store_op *op);
void republish_done(struct engine *e, struct store_op *op);

#endif
