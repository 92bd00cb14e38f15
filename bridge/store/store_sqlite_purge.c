/* SPDX-License-Identifier: Apache-2.0 */
/* Purges (engine.md §8). A small one is done at once. A large one writes one
 * marker row and is answered; from then on loads jump over what it covers, and
 * slices in transactions of their own reclaim the rows, also after a restart.
 * An entry is there if no marker covers it: of the marker's queue and lane, not
 * behind `upto`, not in `keep`. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_sqlite_priv.h"

enum { LANE_ANY = -1, LANES = 256, AT_ONCE = 128 /* entries reclaimed inside the operation */ };

/* First index of keep with a position >= pos. */
static size_t keep_from(const struct sq_marker *m, uint64_t pos)
{
	size_t low = 0, high = m->n_keep;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (m->keep[mid] < pos)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool kept(const struct sq_marker *m, uint64_t pos)
{
	size_t i = keep_from(m, pos);
	return i < m->n_keep && m->keep[i] == pos;
}

static bool covers(const struct sq_marker *m, uint32_t queue, uint8_t lane, uint64_t pos)
{
	return m->queue == queue && (m->lane == LANE_ANY || m->lane == lane) && pos <= m->upto &&
	       !kept(m, pos);
}

uint64_t sq_purged(const struct sq *s, uint32_t queue, uint8_t lane, uint64_t pos)
{
	if (!map64_find(&s->marked, queue))
		return 0;
	for (size_t i = 0; i < s->n_markers; i++) {
		const struct sq_marker *m = &s->markers[i];
		if (!covers(m, queue, lane, pos))
			continue;
		size_t next = keep_from(m, pos + 1);
		return next < m->n_keep && m->keep[next] <= m->upto ? m->keep[next] : m->upto + 1;
	}
	return 0;
}

/* ---- the list of markers ---- */

static void marked_count(struct sq *s, uint32_t queue, intptr_t change)
{
	intptr_t n = (intptr_t)map64_find(&s->marked, queue) + change;
	if (n)
		map64_put(&s->marked, queue, (void *)n);
	else
		map64_remove(&s->marked, queue);
}

static void list_add(struct sq *s, struct sq_marker *m)
{
	if (s->n_markers == s->cap_markers)
		s->markers = mem_grow(s->markers, &s->cap_markers, s->n_markers + 1, sizeof(*s->markers));
	s->markers[s->n_markers++] = *m;
	marked_count(s, m->queue, 1);
}

static void list_remove_first(struct sq *s)
{
	marked_count(s, s->markers[0].queue, -1);
	free(s->markers[0].keep);
	memmove(s->markers, s->markers + 1, --s->n_markers * sizeof(*s->markers));
}

void sq_markers_free(struct sq *s)
{
	for (size_t i = 0; i < s->n_markers; i++)
		free(s->markers[i].keep);
	free(s->markers);
	map64_fini(&s->marked);
	s->markers = NULL;
	s->n_markers = s->cap_markers = 0;
}

static void *keep_blob(const struct sq_marker *m)
{
	uint8_t *p = mem_alloc(m->n_keep * 8 + 1);
	for (size_t i = 0; i < m->n_keep; i++)
		be64_put(p + i * 8, m->keep[i]);
	return p;
}

int sq_markers_read(struct sq *s)
{
	sqlite3_stmt *st = s->st[SQ_PURGE_LIST];
	int rc;
	sq_markers_free(s);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct view keep = sq_column_view(st, 4);
		struct sq_marker m = {
			.id = sqlite3_column_int64(st, 0),
			.queue = (uint32_t)sqlite3_column_int64(st, 1),
			.lane = sqlite3_column_int(st, 2),
			.upto = (uint64_t)sqlite3_column_int64(st, 3),
			.keep = mem_alloc(keep.n + 1),
			.n_keep = keep.n / 8,
		};
		for (size_t i = 0; i < m.n_keep; i++)
			m.keep[i] = be64_get(keep.p + i * 8);
		list_add(s, &m);
	}
	s->markers_touched = false;
	return sq_end(s, SQ_PURGE_LIST, rc);
}

/* ---- reclaiming ---- */

/* The lane to go on with; LANES: none left. */
static int lane_next(struct sq *s, struct sq_marker *m)
{
	sqlite3_stmt *st = s->st[SQ_PURGE_LANE];
	if (m->lane != LANE_ANY) {
		m->scan_lane = m->scan_lane == LANES ? LANES : m->lane;
		return SQLITE_OK;
	}
	sqlite3_bind_int64(st, 1, m->queue);
	sqlite3_bind_int(st, 2, m->scan_lane);
	int rc = sqlite3_step(st);
	int lane = rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL ?
			   sqlite3_column_int(st, 0) :
			   LANES;
	if (lane != m->scan_lane)
		m->scan_after = 0;
	m->scan_lane = lane;
	return sq_end(s, SQ_PURGE_LANE, rc);
}

/* Up to `max` positions the marker looks at, from where it stands. */
static int positions(struct sq *s, const struct sq_marker *m, uint64_t *pos, size_t max, size_t *n)
{
	sqlite3_stmt *st = s->st[SQ_PURGE_SCAN];
	int rc;
	*n = 0;
	sqlite3_bind_int64(st, 1, m->queue);
	sqlite3_bind_int(st, 2, m->scan_lane);
	sqlite3_bind_int64(st, 3, (int64_t)m->scan_after);
	sqlite3_bind_int64(st, 4, (int64_t)m->upto);
	sqlite3_bind_int64(st, 5, (int64_t)max);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		pos[(*n)++] = (uint64_t)sqlite3_column_int64(st, 0);
	return sq_end(s, SQ_PURGE_SCAN, rc);
}

/* Looks at up to `max` entries and removes those that are not kept. The marker
 * is finished when its scan_lane is LANES. */
static int reclaim(struct sq *s, struct sq_marker *m, size_t max)
{
	uint64_t *pos = mem_alloc(max * sizeof(*pos));
	int rc = SQLITE_OK;
	while (rc == SQLITE_OK && max > 0) {
		size_t n = 0;
		rc = lane_next(s, m);
		if (rc != SQLITE_OK || m->scan_lane == LANES)
			break;
		rc = positions(s, m, pos, max, &n);
		for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
			if (!kept(m, pos[i]))
				rc = sq_entry_remove(s, pos[i]);
		if (n == max)
			m->scan_after = pos[n - 1];
		else if (m->lane == LANE_ANY)
			m->scan_lane++, m->scan_after = 0;
		else
			m->scan_lane = LANES;
		max -= n;
	}
	free(pos);
	return rc;
}

int sq_purge_slice(struct sq *s)
{
	int rc = sq_step(s, SQ_BEGIN);
	if (rc == SQLITE_OK)
		rc = reclaim(s, &s->markers[0], s->o.slice_entries);
	bool finished = s->markers[0].scan_lane == LANES;
	if (rc == SQLITE_OK && finished) {
		sqlite3_bind_int64(s->st[SQ_PURGE_REMOVE], 1, s->markers[0].id);
		rc = sq_step(s, SQ_PURGE_REMOVE);
	}
	if (rc == SQLITE_OK)
		rc = sq_step(s, SQ_COMMIT);
	if (rc == SQLITE_OK && finished)
		list_remove_first(s);
	if (rc == SQLITE_OK)
		rc = sq_files_settle(s);
	return rc;
}

/* ---- operations ---- */

static int marker_write(struct sq *s, struct sq_marker *m)
{
	sqlite3_stmt *st = s->st[SQ_PURGE_ADD];
	void *blob = keep_blob(m);
	sqlite3_bind_int64(st, 1, m->queue);
	sqlite3_bind_int(st, 2, m->lane);
	sqlite3_bind_int64(st, 3, (int64_t)m->upto);
	sq_bind_view(st, 4, view_of(blob, m->n_keep * 8));
	int rc = sq_step(s, SQ_PURGE_ADD);
	free(blob);
	m->id = sqlite3_last_insert_rowid(s->h);
	return rc;
}

int sq_purge_op(struct sq *s, const struct store_op *op)
{
	bool whole = op->purge.whole_queue;
	struct sq_marker m = {
		.queue = op->purge.queue,
		.lane = whole ? LANE_ANY : op->purge.lane,
		.upto = whole && op->purge.upto == 0 ? INT64_MAX : op->purge.upto,
		.keep = mem_alloc(op->purge.n_keep * sizeof(*m.keep) + 1),
		.n_keep = op->purge.n_keep,
	};
	int rc = SQLITE_OK;
	if (m.upto > INT64_MAX)
		m.upto = INT64_MAX;
	if (m.n_keep)
		memcpy(m.keep, op->purge.keep, m.n_keep * sizeof(*m.keep));
	if (whole) {
		sqlite3_bind_int64(s->st[SQ_ROW_REMOVE], 1, m.queue);
		rc = sq_step(s, SQ_ROW_REMOVE);
	}
	if (rc == SQLITE_OK)
		rc = reclaim(s, &m, AT_ONCE);
	if (rc == SQLITE_OK && m.scan_lane != LANES) {
		rc = marker_write(s, &m);
		if (rc == SQLITE_OK) {
			s->markers_touched = true;
			list_add(s, &m);
			return rc;
		}
	}
	free(m.keep);
	return rc;
}

static int spare(struct sq *s, struct sq_marker *m, uint64_t pos)
{
	size_t at = keep_from(m, pos);
	m->keep = mem_realloc(m->keep, (m->n_keep + 1) * sizeof(*m->keep));
	memmove(m->keep + at + 1, m->keep + at, (m->n_keep - at) * sizeof(*m->keep));
	m->keep[at] = pos;
	m->n_keep++;
	s->markers_touched = true;
	void *blob = keep_blob(m);
	sqlite3_bind_int64(s->st[SQ_PURGE_KEEP], 1, m->id);
	sq_bind_view(s->st[SQ_PURGE_KEEP], 2, view_of(blob, m->n_keep * 8));
	int rc = sq_step(s, SQ_PURGE_KEEP);
	free(blob);
	return rc;
}

int sq_purge_spare(struct sq *s, uint32_t queue, uint8_t lane, uint64_t pos)
{
	int rc = SQLITE_OK;
	if (!map64_find(&s->marked, queue))
		return rc;
	for (size_t i = 0; rc == SQLITE_OK && i < s->n_markers; i++)
		if (covers(&s->markers[i], queue, lane, pos))
			rc = spare(s, &s->markers[i], pos);
	return rc;
}
