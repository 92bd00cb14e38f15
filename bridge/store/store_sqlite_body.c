/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies outside their entry's row: those that several queues share, and large
 * ones (so that a change of the row does not rewrite them). A body's id is the
 * position of its first entry, which is never used twice; a negative one is that
 * of a file (store_sqlite_file.c). */
#include "base/log.h"
#include "store/store_sqlite_priv.h"

enum {
	BODY_MAX = 900 * 1000 * 1000, /* SQLite's limit of a row is 10^9 */
	FLAT_KEEP = 1024 * 1024,      /* scratch larger than this is given back */
};

/* The body in one piece: its own chunk, or copied into the scratch. */
static bool in_one_piece(struct sq *s, const struct body *b, struct view *out)
{
	uint64_t n = body_bytes(b);
	*out = n ? body_piece(b, 0) : VIEW_NONE;
	if (out->n == n)
		return true;
	buf_clear(&s->flat);
	uint8_t *p = buf_reserve(&s->flat, n);
	if (!p)
		return false;
	body_copy(b, p);
	s->flat.n = n;
	*out = buf_view(&s->flat);
	return true;
}

static uint32_t live_dests(const struct store_op *op, int64_t *first)
{
	uint32_t n = 0;
	for (uint32_t i = op->append.n_dests; i-- > 0;)
		if (!op->append.dests[i].dead) {
			*first = (int64_t)op->append.dests[i].pos;
			n++;
		}
	return n;
}

int sq_body_place(struct sq *s, const struct store_op *op, struct sq_body *out)
{
	const struct body *b = op->append.message->body;
	uint64_t bytes = body_bytes(b);
	int64_t id = 0;
	uint32_t live = live_dests(op, &id);
	struct view v;

	*out = (struct sq_body){VIEW_NONE, 0};
	if (live == 0)
		return SQLITE_OK;
	if (body_blob(b))
		return sq_file_place(s, b, live, &out->id);
	if (bytes > BODY_MAX)
		return SQ_REFUSE;
	if (s->flat.cap > FLAT_KEEP)
		buf_fini(&s->flat);
	if (!in_one_piece(s, b, &v))
		return SQLITE_NOMEM;
	if (bytes < s->o.apart_bytes_min && (live == 1 || bytes < s->o.share_bytes_min)) {
		out->inline_bytes = v;
		return SQLITE_OK;
	}
	out->id = id;
	sqlite3_bind_int64(s->st[SQ_BODY_ADD], 1, id);
	sq_bind_view(s->st[SQ_BODY_ADD], 2, v);
	int rc = sq_step(s, SQ_BODY_ADD);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_ADD], 1, id);
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_ADD], 2, live);
	return sq_step(s, SQ_BODY_REFS_ADD);
}

int sq_body_refs(struct sq *s, int64_t id, int64_t *refs)
{
	sqlite3_stmt *st = s->st[SQ_BODY_REFS];
	sqlite3_bind_int64(st, 1, id);
	int rc = sqlite3_step(st);
	*refs = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	return sq_end(s, SQ_BODY_REFS, rc);
}

int sq_body_drop(struct sq *s, int64_t id)
{
	int64_t refs;
	int rc = sq_body_refs(s, id, &refs);
	if (rc != SQLITE_OK)
		return rc;
	if (id < 0)
		sq_file_touch(s, id);
	if (refs > 1) {
		sqlite3_bind_int64(s->st[SQ_BODY_REFS_SET], 1, id);
		sqlite3_bind_int64(s->st[SQ_BODY_REFS_SET], 2, refs - 1);
		return sq_step(s, SQ_BODY_REFS_SET);
	}
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_REMOVE], 1, id);
	rc = sq_step(s, SQ_BODY_REFS_REMOVE);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s->st[SQ_BODY_REMOVE], 1, id);
	return sq_step(s, SQ_BODY_REMOVE);
}

int sq_body_read(struct sq *s, int64_t id, struct body **out)
{
	sqlite3_stmt *st = s->st[SQ_BODY_READ];
	sqlite3_bind_int64(st, 1, id);
	int rc = sqlite3_step(st);
	*out = NULL;
	if (rc == SQLITE_ROW && id < 0) {
		int r = sq_file_read(s, id, sq_column_view(st, 0), out);
		rc = sq_end(s, SQ_BODY_READ, rc);
		return rc != SQLITE_OK ? rc : r;
	}
	if (rc == SQLITE_ROW) {
		*out = body_of(sq_column_view(st, 0));
		rc = sq_end(s, SQ_BODY_READ, rc);
		return rc != SQLITE_OK || *out ? rc : SQLITE_NOMEM;
	}
	rc = sq_end(s, SQ_BODY_READ, rc);
	return rc != SQLITE_OK ? rc : SQLITE_CORRUPT; /* an entry names it */
}
