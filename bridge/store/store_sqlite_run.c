/* SPDX-License-Identifier: Apache-2.0 */
/* A run of jobs is one transaction: everything that was queued when the writer
 * came round, within bounds. Batches and loads are done in their order, so a
 * load sees what was submitted before it; their outcomes count only after the
 * commit.
 *
 *   run ── every group fits ──► commit ──► OK
 *    │                            └ fails ─► sq_fail: all FAILED, connection closed
 *    └ a group is refused ─► undo, run again carefully: each group in a savepoint
 *
 *   failed ── sq_recover, with back-off ──► sound again */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store_sqlite_priv.h"

enum {
	REMOVAL_RUN_MIN = 4,     /* so many neighbours are removed by one statement */
	SLICE_EVERY = 16,        /* runs between two slices of reclaim under load */
	COUNT_FREE_AFTER = 4096, /* removed entries before free pages are counted */
	VACUUM_PAGES = 256,      /* given back at a time */
	VACUUM_CUT = 64,         /* times, and then the file is cut */
};

static bool refused(int rc)
{
	return (rc & 0xff) == SQLITE_CONSTRAINT || (rc & 0xff) == SQLITE_TOOBIG;
}

/* ---- outcomes ---- */

static void group_result(struct store_op *ops, size_t n, enum store_result result)
{
	for (size_t i = 0; i < n; i++) {
		ops[i].result = (uint8_t)result;
		for (uint32_t d = 0; ops[i].kind == OP_APPEND && d < ops[i].append.n_dests; d++)
			ops[i].append.dests[d].result = (uint8_t)result;
	}
}

static void all_failed(struct job *first)
{
	for (struct job *j = first; j; j = j->next) {
		if (j->kind == JOB_BATCH) {
			group_result(j->batch->ops, j->batch->n, STORE_FAILED);
		} else if (j->kind == JOB_LOAD) {
			sq_loaded_free(&j->out);
			j->out = (struct store_loaded){.load = &j->load, .failed = true};
		}
	}
}

static void enter_state(struct sq *s, enum store_state state, const char *why)
{
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->state_changed |= s->state != state;
	s->state = state;
}

/* Nothing is confirmed from here on until sq_recover succeeds. */
static void sq_fail(struct sq *s, int rc)
{
	char why[256];
	snprintf(why, sizeof(why), "%s (code %d)", s->h ? sqlite3_errmsg(s->h) : sqlite3_errstr(rc), rc);
	log_error("store.failed", "file=\"%s\" error=\"%s\"", s->path, why);
	sq_shut(s);
	sq_markers_free(s);
	s->vacuuming = false;
	s->retry_us = (int64_t)clock_mono_us() + (int64_t)s->backoff_ms * 1000;
	s->backoff_ms = s->backoff_ms * 2 < s->o.retry_ms_max ? s->backoff_ms * 2 : s->o.retry_ms_max;
	enter_state(s, (rc & 0xff) == SQLITE_FULL ? STATE_FULL : STATE_FAILED, why);
}

bool sq_recover(struct sq *s, bool now)
{
	if (!now && (int64_t)clock_mono_us() < s->retry_us)
		return false;
	int rc = sq_reopen(s, s->state != STATE_FULL);
	if (rc == SQLITE_OK && (rc = sq_files_settle(s)) != SQLITE_OK)
		sq_shut(s);
	if (rc == SQLITE_OK) {
		log_info("store.recovered", "file=\"%s\"", s->path);
		enter_state(s, STATE_OK, "");
		return true;
	}
	log_warn("store.retry", "file=\"%s\" error=\"%s\" code=%d", s->path, sqlite3_errstr(rc), rc);
	s->retry_us = (int64_t)clock_mono_us() + (int64_t)s->backoff_ms * 1000;
	s->backoff_ms = s->backoff_ms * 2 < s->o.retry_ms_max ? s->backoff_ms * 2 : s->o.retry_ms_max;
	return false;
}

/* ---- groups ---- */

static int op_do(struct sq *s, struct store_op *op)
{
	op->result = STORE_OK;
	switch (op->kind) {
	case OP_NONE:
		return SQLITE_OK;
	case OP_APPEND:
		return sq_append(s, op);
	case OP_REMOVE:
	case OP_MARK:
	case OP_DUE:
	case OP_MOVE:
		return sq_entry_op(s, op);
	case OP_QUEUE_ROW:
		return sq_row_put(s, &op->row);
	case OP_PURGE:
		return sq_purge_op(s, op);
	case OP_DEF_PUT:
	case OP_DEF_DELETE:
	case OP_META:
		return sq_def_op(s, op);
	default:
		return SQ_REFUSE; /* of stores that own leases */
	}
}

/* How many of the ops from here on remove one position after the other. */
static size_t removal_run(const struct store_op *ops, size_t n)
{
	size_t k = 0;
	while (k < n && ops[k].kind == OP_REMOVE && ops[k].entry.pos == ops[0].entry.pos + k)
		k++;
	return k;
}

static int group_do(struct sq *s, struct store_op *ops, size_t n)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; rc == SQLITE_OK && i < n;) {
		size_t run = removal_run(ops + i, n - i);
		if (run < REMOVAL_RUN_MIN) {
			rc = op_do(s, &ops[i++]);
			continue;
		}
		rc = sq_entry_remove_run(s, ops[i].entry.pos, run);
		for (size_t end = i + run; i < end; i++)
			ops[i].result = STORE_OK;
	}
	return rc;
}

static int group_do_careful(struct sq *s, struct store_op *ops, size_t n)
{
	int rc = sq_step(s, SQ_GROUP_BEGIN);
	if (rc != SQLITE_OK)
		return rc;
	rc = group_do(s, ops, n);
	if (refused(rc)) {
		/* A version conflict is an everyday answer, a taken position is not. */
		if (sqlite3_errcode(s->h) != SQLITE_OK)
			log_warn("store.refused", "op=%u ops=%zu error=\"%s\"", ops[0].kind, n,
				 sqlite3_errmsg(s->h));
		group_result(ops, n, STORE_REFUSED);
		rc = sq_step(s, SQ_GROUP_UNDO);
		if (rc == SQLITE_OK && s->markers_touched)
			rc = sq_markers_read(s);
	}
	return rc == SQLITE_OK ? sq_step(s, SQ_GROUP_END) : rc;
}

static int batch_do(struct sq *s, struct store_batch *b, bool careful)
{
	size_t start = 0;
	int rc = SQLITE_OK;
	if (!careful) /* one refused undoes all of them: no need to keep groups apart */
		return group_do(s, b->ops, b->n);
	for (size_t i = 0; rc == SQLITE_OK && i < b->n; i++) {
		if (!b->ops[i].group_end && i + 1 < b->n)
			continue;
		size_t n = i + 1 - start;
		rc = group_do_careful(s, b->ops + start, n);
		start = i + 1;
	}
	return rc;
}

/* ---- runs ---- */

/* A load that cannot be read for its own reasons fails alone. */
static int load_do(struct sq *s, struct job *j)
{
	int rc = sq_load(s, j);
	return (rc & 0xff) == SQLITE_NOMEM ? SQLITE_OK : rc;
}

static int run_once(struct sq *s, struct job *first, bool careful)
{
	bool writing = false;
	int rc = SQLITE_OK;
	for (struct job *j = first; rc == SQLITE_OK && j; j = j->next) {
		if (j->kind == JOB_LOAD) {
			rc = load_do(s, j);
			continue;
		}
		if (!writing) {
			rc = sq_step(s, SQ_BEGIN);
			writing = rc == SQLITE_OK;
		}
		if (rc == SQLITE_OK)
			rc = batch_do(s, j->batch, careful);
	}
	if (rc == SQLITE_OK && writing)
		rc = sq_step(s, SQ_COMMIT);
	if (rc != SQLITE_OK || !writing)
		return rc;
	s->backoff_ms = s->o.retry_ms;
	s->markers_touched = false;
	return rc;
}

/* Back to before the run, to do it again. */
static int undo(struct sq *s, struct job *first)
{
	for (struct job *j = first; j; j = j->next)
		if (j->kind == JOB_LOAD)
			sq_loaded_free(&j->out);
	int rc = sqlite3_exec(s->h, "ROLLBACK", NULL, NULL, NULL);
	return rc == SQLITE_OK && s->markers_touched ? sq_markers_read(s) : rc;
}

void sq_run(struct sq *s, struct job *first)
{
	int rc;
	if (sq_failed(s)) {
		all_failed(first);
		return;
	}
	rc = run_once(s, first, false);
	if (refused(rc)) {
		rc = undo(s, first);
		if (rc == SQLITE_OK)
			rc = run_once(s, first, true);
	}
	if (rc != SQLITE_OK) {
		sq_fail(s, rc);
		all_failed(first);
		return;
	}
	rc = sq_files_settle(s); /* committed all the same; sq_recover settles it */
	if (rc != SQLITE_OK)
		sq_fail(s, rc);
}

/* ---- between runs ---- */

static int64_t free_bytes(struct sq *s)
{
	return sq_number(s, SQ_FREE_PAGES) * SQ_PAGE_BYTES;
}

static int checkpoint(struct sq *s)
{
	s->wal_pages = 0;
	return sqlite3_wal_checkpoint_v2(s->h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int vacuum(struct sq *s)
{
	char sql[64];
	if (!s->vacuuming) {
		s->removed = 0;
		s->vacuuming = free_bytes(s) > 2 * (int64_t)s->o.slack_bytes;
		return SQLITE_OK;
	}
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	int rc = sqlite3_exec(s->h, sql, NULL, NULL, NULL);
	s->vacuuming = rc == SQLITE_OK && free_bytes(s) > (int64_t)s->o.slack_bytes;
	/* The log of it is short, and only a checkpoint cuts the file: now and then of a
	 * large one, for somebody may wait for the room. */
	bool cut = !s->vacuuming || ++s->vacuum_steps % VACUUM_CUT == 0;
	return rc == SQLITE_OK && cut ? checkpoint(s) : rc;
}

bool sq_untidy(const struct sq *s)
{
	return s->h && (s->n_markers || s->vacuuming || s->removed >= COUNT_FREE_AFTER ||
			s->wal_pages >= (int)s->o.checkpoint_pages || s->n_found);
}

void sq_tidy(struct sq *s, bool idle)
{
	int rc = SQLITE_OK;
	if (sq_failed(s))
		return;
	if (s->wal_pages >= (int)s->o.checkpoint_pages) {
		rc = checkpoint(s);
	} else if (s->n_markers && (idle || ++s->runs_since_slice >= SLICE_EVERY)) {
		s->runs_since_slice = 0;
		rc = sq_purge_slice(s);
	} else if (idle && s->n_found) {
		rc = sq_files_sweep(s);
	} else if (idle && (s->vacuuming || s->removed >= COUNT_FREE_AFTER)) {
		rc = vacuum(s);
	}
	if (rc != SQLITE_OK)
		sq_fail(s, rc);
}
