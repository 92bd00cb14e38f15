/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: append, remove, counters, a change of place. */
#include "store/store_sqlite_priv.h"

static int add(struct sq *s, const struct store_dest *d, const struct sq_body *body)
{
	sqlite3_stmt *st = s->st[SQ_ENTRY_ADD];
	sqlite3_bind_int64(st, 1, (int64_t)d->pos);
	sqlite3_bind_int64(st, 2, d->queue);
	sqlite3_bind_int(st, 3, d->lane);
	sqlite3_bind_int64(st, 4, d->origin);
	sqlite3_bind_int(st, 5, d->received);
	sqlite3_bind_int(st, 6, d->delivered);
	sqlite3_bind_int(st, 7, d->failed);
	sqlite3_bind_int64(st, 8, d->due_ms);
	sqlite3_bind_int64(st, 9, d->deadline_ms);
	sq_bind_view(st, 11, buf_view(&s->header));
	if (body->id) {
		sqlite3_bind_int64(st, 10, body->id);
		sqlite3_bind_null(st, 12);
	} else {
		sqlite3_bind_null(st, 10);
		sq_bind_view(st, 12, body->inline_bytes);
	}
	return sq_step(s, SQ_ENTRY_ADD);
}

int sq_append(struct sq *s, struct store_op *op)
{
	struct sq_body body;
	int rc;
	if (!sq_header_encode(&s->header, op->append.message))
		return SQ_REFUSE;
	rc = sq_body_place(s, op, &body);
	for (uint32_t i = 0; rc == SQLITE_OK && i < op->append.n_dests; i++) {
		struct store_dest *d = &op->append.dests[i];
		d->result = STORE_OK;
		if (d->dead)
			continue;
		rc = sq_purge_spare(s, d->queue, d->lane, d->pos);
		if (rc == SQLITE_OK)
			rc = add(s, d, &body);
	}
	return rc;
}

int sq_entry_remove(struct sq *s, uint64_t pos)
{
	sqlite3_stmt *st = s->st[SQ_ENTRY_BODY];
	int64_t body_id = 0;
	sqlite3_bind_int64(st, 1, (int64_t)pos);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		body_id = sqlite3_column_int64(st, 0);
	bool there = rc == SQLITE_ROW;
	rc = sq_end(s, SQ_ENTRY_BODY, rc);
	if (rc != SQLITE_OK || !there)
		return rc;
	sqlite3_bind_int64(s->st[SQ_ENTRY_REMOVE], 1, (int64_t)pos);
	rc = sq_step(s, SQ_ENTRY_REMOVE);
	s->removed++;
	if (rc == SQLITE_OK && body_id)
		rc = sq_body_drop(s, body_id);
	return rc;
}

int sq_entry_remove_run(struct sq *s, uint64_t first, size_t n)
{
	static const enum sq_stmt both[] = {SQ_RUN_BODIES, SQ_RUN_REMOVE};
	sqlite3_stmt *bodies = s->st[SQ_RUN_BODIES];
	int rc, dropped = SQLITE_OK;
	for (size_t i = 0; i < 2; i++) {
		sqlite3_bind_int64(s->st[both[i]], 1, (int64_t)first);
		sqlite3_bind_int64(s->st[both[i]], 2, (int64_t)(first + n - 1));
	}
	while (dropped == SQLITE_OK && (rc = sqlite3_step(bodies)) == SQLITE_ROW)
		dropped = sq_body_drop(s, sqlite3_column_int64(bodies, 0));
	rc = sq_end(s, SQ_RUN_BODIES, rc);
	if (rc == SQLITE_OK)
		rc = dropped;
	if (rc == SQLITE_OK)
		rc = sq_step(s, SQ_RUN_REMOVE);
	if (rc == SQLITE_OK)
		s->removed += sqlite3_changes(s->h);
	return rc;
}

/* *there: a row, and no purge hides it. */
static int is_there(struct sq *s, uint64_t pos, bool *there)
{
	sqlite3_stmt *st = s->st[SQ_ENTRY_WHERE];
	sqlite3_bind_int64(st, 1, (int64_t)pos);
	int rc = sqlite3_step(st);
	*there = rc == SQLITE_ROW && !sq_purged(s, (uint32_t)sqlite3_column_int64(st, 0),
						(uint8_t)sqlite3_column_int(st, 1), pos);
	return sq_end(s, SQ_ENTRY_WHERE, rc);
}

static int place(struct sq *s, const struct store_op *op)
{
	bool due = op->kind == OP_DUE;
	enum sq_stmt which = due ? SQ_ENTRY_DUE : SQ_ENTRY_MOVE;
	uint64_t pos2 = op->entry.pos2 ? op->entry.pos2 : op->entry.pos;
	sqlite3_bind_int64(s->st[which], 1, (int64_t)op->entry.pos);
	sqlite3_bind_int64(s->st[which], 2, (int64_t)pos2);
	sqlite3_bind_int(s->st[which], 3, op->entry.lane2);
	sqlite3_bind_int64(s->st[which], 4, due ? op->entry.due_ms : (int64_t)op->entry.queue2);
	int rc = sq_purge_spare(s, due ? op->entry.queue : op->entry.queue2, op->entry.lane2, pos2);
	return rc != SQLITE_OK ? rc : sq_step(s, which);
}

static int mark(struct sq *s, const struct store_op *op)
{
	sqlite3_stmt *st = s->st[SQ_ENTRY_MARK];
	sqlite3_bind_int64(st, 1, (int64_t)op->entry.pos);
	sqlite3_bind_int(st, 2, op->entry.received);
	sqlite3_bind_int(st, 3, op->entry.delivered);
	sqlite3_bind_int(st, 4, op->entry.failed);
	return sq_step(s, SQ_ENTRY_MARK);
}

int sq_entry_op(struct sq *s, struct store_op *op)
{
	bool there;
	if (op->kind == OP_REMOVE)
		return sq_entry_remove(s, op->entry.pos);
	int rc = is_there(s, op->entry.pos, &there);
	if (rc != SQLITE_OK)
		return rc;
	if (!there) {
		op->result = STORE_LOST;
		return SQLITE_OK;
	}
	return op->kind == OP_MARK ? mark(s, op) : place(s, op);
}
