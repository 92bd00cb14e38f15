/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in files of their own (docs/decisions/0005-large-bodies.md). The row of
 * `body` with the file's number, negated, has its size in its bytes, and its row
 * of `body_ref` counts the entries, also those of other messages with that body.
 *
 * Invariants:
 *  1. the file is whole and on the medium before its first row is written;
 *  2. while a transaction that touches its count is on its way the file is kept;
 *     after the commit, or after a failure once the database has been read again,
 *     what the rows say is told: kept, or dropped;
 *  3. so a file without a row is left by a crash only, and the sweep finds it. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_sqlite_priv.h"

enum { SIZE_BYTES = 8 };

static enum blobs_rows whose(const struct sq *s)
{
	return s->o.scratch ? BLOBS_SCRATCH : BLOBS_ROWS;
}

static uint64_t file_of(int64_t id)
{
	return (uint64_t)-id;
}

void sq_file_touch(struct sq *s, int64_t id)
{
	if (s->n_touched == s->cap_touched)
		s->touched = mem_grow(s->touched, &s->cap_touched, s->n_touched + 1, sizeof(*s->touched));
	s->touched[s->n_touched++] = file_of(id);
}

static int row_add(struct sq *s, int64_t id, const struct body *b, uint32_t live)
{
	uint8_t size[SIZE_BYTES];
	be64_put(size, body_bytes(b));
	sqlite3_bind_int64(s->st[SQ_BODY_ADD], 1, id);
	sq_bind_view(s->st[SQ_BODY_ADD], 2, view_of(size, sizeof(size)));
	int rc = sq_step(s, SQ_BODY_ADD);
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_ADD], 1, id);
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_ADD], 2, live);
	return rc != SQLITE_OK ? rc : sq_step(s, SQ_BODY_REFS_ADD);
}

int sq_file_place(struct sq *s, const struct body *b, uint32_t live, int64_t *id)
{
	int64_t refs;
	must(s->o.blobs);
	*id = -(int64_t)body_blob(b)->id;
	blobs_keep(s->o.blobs, body_blob(b)->id, whose(s));
	sq_file_touch(s, *id);
	int rc = sq_body_refs(s, *id, &refs);
	if (rc != SQLITE_OK || refs == 0)
		return rc != SQLITE_OK ? rc : row_add(s, *id, b, live);
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_SET], 1, *id);
	sqlite3_bind_int64(s->st[SQ_BODY_REFS_SET], 2, refs + live);
	return sq_step(s, SQ_BODY_REFS_SET);
}

/* A file that is not there although a row names it: somebody removed it, or the
 * store is not synced. Its message cannot be had; the others can. */
int sq_file_read(struct sq *s, int64_t id, struct view row, struct body **out)
{
	bool missing = !s->o.blobs;
	if (row.n != SIZE_BYTES)
		return SQLITE_CORRUPT;
	*out = missing ? NULL : blobs_body(s->o.blobs, file_of(id), be64_get(row.p), &missing);
	if (*out)
		return SQLITE_OK;
	if (!missing)
		return SQLITE_NOMEM;
	log_error("store.body_missing", "file=%016llx", (unsigned long long)file_of(id));
	return SQLITE_NOTFOUND;
}

int sq_files_settle(struct sq *s)
{
	while (s->n_touched) {
		uint64_t file = s->touched[s->n_touched - 1];
		int64_t refs;
		int rc = sq_body_refs(s, -(int64_t)file, &refs);
		if (rc != SQLITE_OK)
			return rc;
		if (refs == 0)
			blobs_drop(s->o.blobs, file, whose(s));
		s->n_touched--;
	}
	return SQLITE_OK;
}

static void one_found(void *ctx, uint64_t id)
{
	struct sq *s = ctx;
	if (s->n_found == s->cap_found)
		s->found = mem_grow(s->found, &s->cap_found, s->n_found + 1, sizeof(*s->found));
	s->found[s->n_found++] = id;
}

bool sq_files_list(struct sq *s)
{
	return !s->o.blobs || s->o.scratch || blobs_list(s->o.blobs, one_found, s);
}

int sq_files_sweep(struct sq *s)
{
	for (uint32_t i = 0; s->n_found && i < s->o.slice_entries; i++) {
		uint64_t file = s->found[s->n_found - 1];
		int64_t refs;
		int rc = sq_body_refs(s, -(int64_t)file, &refs);
		if (rc != SQLITE_OK)
			return rc;
		if (refs == 0) {
			log_info("store.body_swept", "file=%016llx", (unsigned long long)file);
			blobs_drop(s->o.blobs, file, whose(s));
		}
		s->n_found--;
	}
	return SQLITE_OK;
}
