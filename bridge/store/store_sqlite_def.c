/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions and the queues' rows. Versions of definitions come from one
 * counter, so a deleted and re-made one never meets an old expectation. */
#include "store/store_sqlite_priv.h"

int sq_def_version_read(struct sq *s)
{
	sqlite3_stmt *st = s->st[SQ_DEF_VERSION_MAX];
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && (uint64_t)sqlite3_column_int64(st, 0) > s->def_version)
		s->def_version = (uint64_t)sqlite3_column_int64(st, 0);
	return sq_end(s, SQ_DEF_VERSION_MAX, rc);
}

/* The version that is there; 0: none. */
static int version_get(struct sq *s, const struct store_op *op, uint64_t *version)
{
	sqlite3_stmt *st = s->st[SQ_DEF_VERSION];
	sq_bind_view(st, 1, op->def.kind);
	sq_bind_view(st, 2, op->def.key);
	int rc = sqlite3_step(st);
	*version = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return sq_end(s, SQ_DEF_VERSION, rc);
}

static int put(struct sq *s, struct store_op *op, struct view kind)
{
	sqlite3_stmt *st = s->st[SQ_DEF_PUT];
	op->def.version = ++s->def_version;
	sq_bind_view(st, 1, kind);
	sq_bind_view(st, 2, op->def.key);
	sq_bind_view(st, 3, op->def.value);
	sqlite3_bind_int64(st, 4, (int64_t)op->def.version);
	return sq_step(s, SQ_DEF_PUT);
}

int sq_def_op(struct sq *s, struct store_op *op)
{
	uint64_t version;
	if (op->kind == OP_META)
		return put(s, op, VIEW("meta"));
	if (op->def.expected != DEF_ANY) {
		int rc = version_get(s, op, &version);
		if (rc != SQLITE_OK)
			return rc;
		if (version != op->def.expected)
			return SQ_REFUSE;
	}
	if (op->kind == OP_DEF_PUT)
		return put(s, op, op->def.kind);
	sq_bind_view(s->st[SQ_DEF_REMOVE], 1, op->def.kind);
	sq_bind_view(s->st[SQ_DEF_REMOVE], 2, op->def.key);
	return sq_step(s, SQ_DEF_REMOVE);
}

int sq_defs(struct sq *s, struct view kind,
	    void (*each)(void *ctx, struct view key, struct view value, uint64_t version), void *ctx)
{
	sqlite3_stmt *st = s->st[SQ_DEF_LIST];
	int rc;
	sq_bind_view(st, 1, kind);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		each(ctx, sq_column_view(st, 0), sq_column_view(st, 1),
		     (uint64_t)sqlite3_column_int64(st, 2));
	return sq_end(s, SQ_DEF_LIST, rc);
}

int sq_row_put(struct sq *s, const struct store_queue_row *row)
{
	sqlite3_stmt *st = s->st[SQ_ROW_PUT];
	sqlite3_bind_int64(st, 1, row->uid);
	sqlite3_bind_int64(st, 2, (int64_t)row->entries);
	sqlite3_bind_int64(st, 3, (int64_t)row->bytes);
	sqlite3_bind_int64(st, 4, (int64_t)row->delayed);
	sqlite3_bind_int64(st, 5, (int64_t)row->handed_up_to);
	sqlite3_bind_int64(st, 6, (int64_t)row->first_pos);
	sqlite3_bind_int64(st, 7, (int64_t)row->last_pos);
	sqlite3_bind_int64(st, 8, (int64_t)row->body_bytes);
	sqlite3_bind_int(st, 9, row->expiring);
	return sq_step(s, SQ_ROW_PUT);
}

int sq_rows(struct sq *s, void (*each)(void *ctx, const struct store_queue_row *row), void *ctx)
{
	sqlite3_stmt *st = s->st[SQ_ROW_LIST];
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_queue_row row = {
			.uid = (uint32_t)sqlite3_column_int64(st, 0),
			.entries = (uint64_t)sqlite3_column_int64(st, 1),
			.bytes = (uint64_t)sqlite3_column_int64(st, 2),
			.delayed = (uint64_t)sqlite3_column_int64(st, 3),
			.handed_up_to = (uint64_t)sqlite3_column_int64(st, 4),
			.first_pos = (uint64_t)sqlite3_column_int64(st, 5),
			.last_pos = (uint64_t)sqlite3_column_int64(st, 6),
			.body_bytes = (uint64_t)sqlite3_column_int64(st, 7),
			.expiring = sqlite3_column_int(st, 8) != 0,
		};
		each(ctx, &row);
	}
	return sq_end(s, SQ_ROW_LIST, rc);
}
