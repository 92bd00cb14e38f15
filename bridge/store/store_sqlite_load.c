/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a page of a lane. Entries that a purge has marked are jumped over: the
 * scan starts again behind them, at the next one that may be there. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_sqlite_priv.h"

void sq_loaded_free(struct store_loaded *l)
{
	for (size_t i = 0; i < l->n; i++)
		message_unref(l->entries[i].message);
	free(l->entries);
	l->entries = NULL;
	l->n = 0;
}

/* The message of the row the statement stands on. */
static int message_read(struct sq *s, sqlite3_stmt *st, struct message **out)
{
	struct message_spec spec;
	struct body *body;
	if (!sq_header_decode(sq_column_view(st, 8), &spec))
		return SQLITE_CORRUPT;
	if (sqlite3_column_type(st, 7) != SQLITE_NULL) {
		int rc = sq_body_read(s, sqlite3_column_int64(st, 7), &body);
		if (rc != SQLITE_OK)
			return rc;
	} else {
		body = body_of(sq_column_view(st, 9));
	}
	*out = body ? message_new(&spec, body) : NULL;
	return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static int entry_read(struct sq *s, sqlite3_stmt *st, const struct store_load *load,
		      struct store_entry *e)
{
	*e = (struct store_entry){
		.pos = (uint64_t)sqlite3_column_int64(st, 0),
		.queue = load->queue,
		.origin = (uint32_t)sqlite3_column_int64(st, 1),
		.lane = load->lane,
		.received = (uint16_t)sqlite3_column_int(st, 2),
		.delivered = (uint16_t)sqlite3_column_int(st, 3),
		.failed = (uint16_t)sqlite3_column_int(st, 4),
		.due_ms = sqlite3_column_int64(st, 5),
		.deadline_ms = sqlite3_column_int64(st, 6),
	};
	return message_read(s, st, &e->message);
}

static void scan_from(sqlite3_stmt *st, const struct store_load *load, uint64_t after)
{
	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, load->queue);
	sqlite3_bind_int(st, 2, load->lane);
	sqlite3_bind_int64(st, 3, (int64_t)after);
}

/* SQLITE_ROW on the next entry that no purge hides. */
static int next_row(struct sq *s, sqlite3_stmt *st, const struct store_load *load)
{
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint64_t skip = sq_purged(s, load->queue, load->lane,
					  (uint64_t)sqlite3_column_int64(st, 0));
		if (!skip)
			break;
		scan_from(st, load, skip - 1);
	}
	return rc;
}

int sq_load(struct sq *s, struct job *j)
{
	const struct store_load *load = &j->load;
	struct store_loaded *out = &j->out;
	sqlite3_stmt *st = s->st[SQ_ENTRY_LOAD];
	uint64_t bytes = 0;
	size_t cap = 0;
	int rc;

	*out = (struct store_loaded){.load = load};
	if (j->cancelled)
		return SQLITE_OK;
	scan_from(st, load, load->after);
	while ((rc = next_row(s, st, load)) == SQLITE_ROW) {
		if (out->n == load->n || (out->n && bytes >= load->bytes))
			break;
		if (out->n == cap)
			out->entries = mem_grow(out->entries, &cap, cap + 1, sizeof(*out->entries));
		int r = entry_read(s, st, load, &out->entries[out->n]);
		if (r == SQLITE_NOTFOUND)
			continue;
		if (r != SQLITE_OK) {
			sq_end(s, SQ_ENTRY_LOAD, SQLITE_DONE);
			sq_loaded_free(out);
			out->failed = true;
			return r;
		}
		bytes += message_cost(out->entries[out->n++].message);
	}
	out->end = rc == SQLITE_DONE;
	rc = sq_end(s, SQ_ENTRY_LOAD, rc);
	if (rc != SQLITE_OK) {
		sq_loaded_free(out);
		out->failed = true;
	}
	return rc;
}
