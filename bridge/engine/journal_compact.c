/* SPDX-License-Identifier: Apache-2.0 */
/* What was cancelled leaves the batch being built. While the store works, or
 * stalls, messages come and go in memory alone: each leaves a cancelled append
 * behind, at some hundred thousand a second, and the store gate does not count
 * them. So once most of a batch is cancelled the rest moves to a new one. */
#include "engine/engine_priv.h"
#include "engine/journal_priv.h"

enum { COMPACT_OPS_MIN = 4096 };

static void append_move(struct jbatch *to, struct store_op *op)
{
	const struct append_info *info = op->ctx;
	size_t bytes = op->append.n_dests * sizeof(struct store_dest);
	struct store_dest *dests = arena_alloc(&to->arena, bytes);
	op->ctx = memcpy(arena_alloc(&to->arena, sizeof(*info)), info, sizeof(*info));
	memcpy(dests, op->append.dests, bytes);
	for (uint32_t i = 0; i < op->append.n_dests; i++) {
		struct entry *en = dest_entry(&dests[i]);
		if (!en)
			continue;
		en->dest = &dests[i];
		en->op = (uint32_t)to->batch.n;
	}
	op->append.dests = dests;
}

void jbatch_op_move(struct jbatch *to, const struct store_op *from)
{
	struct arena *a = &to->arena;
	struct store_op op = *from;
	switch ((enum store_op_kind)op.kind) {
	case OP_APPEND:
		append_move(to, &op);
		break;
	case OP_PURGE: {
		struct view keep = view_of(op.purge.keep, op.purge.n_keep * sizeof(*op.purge.keep));
		op.purge.keep = (const void *)arena_copy(a, keep).p;
		break;
	}
	case OP_DEF_PUT:
	case OP_DEF_DELETE:
	case OP_META:
		op.def.key = arena_copy(a, op.def.key);
		op.def.value = arena_copy(a, op.def.value);
		break;
	case OP_NONE:
	case OP_QUEUE_ROW:
		break;
	case OP_REMOVE:
	case OP_MOVE:
	case OP_MARK:
	case OP_DUE:
	case OP_EXTEND:
	case OP_RELEASE:
		op.entry.handle = arena_copy(a, op.entry.handle);
		break;
	}
	*jbatch_op(to, op.kind) = op;
}

/* The end of a group of several is an operation without kind that has a ctx, or that mark. */
static bool cancelled(const struct store_op *op)
{
	return op->kind == OP_NONE && !op->ctx && op->mark != MARK_REPUBLISH_END;
}

void journal_compact(struct engine *e)
{
	struct jbatch *b = e->journal.building;
	if (!b || b->batch.n < COMPACT_OPS_MIN || b->live > b->batch.n / 2)
		return;
	struct jbatch *to = jbatch_new(e);
	for (size_t i = 0; i < b->batch.n; i++)
		if (!cancelled(&b->batch.ops[i]))
			jbatch_op_move(to, &b->batch.ops[i]);
	must(to->live == b->live);
	to->batch.bytes = b->batch.bytes;
	e->journal.building = to;
	jbatch_recycle(b);
}
