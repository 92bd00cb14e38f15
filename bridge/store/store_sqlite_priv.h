/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the SQLite store.
 *
 *   loop thread                      writer thread (or the loop, not threaded)
 *   submit, load ──► inbox ────────► sq_run: a run of jobs, one transaction
 *   poll ◄────────── outbox ◄─────── outcomes
 *
 * `struct sq` (the database side) is touched by one thread at a time: the
 * writer, or the caller of defs/rows while the writer rests. `struct job` goes
 * round with its batch or load; whoever holds it owns it.
 *
 * Invariants:
 *  1. an outcome reaches the outbox only after the commit it depends on;
 *  2. after a failed statement, commit or sync the connection is closed, and
 *     until sq_recover has proven the file sound every job fails;
 *  3. reference counts of what was submitted are never touched here; messages
 *     of a load are made here and handed over with their one reference. */
#ifndef MQB_STORE_STORE_SQLITE_PRIV_H
#define MQB_STORE_STORE_SQLITE_PRIV_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/map.h"
#include "store/store_sqlite.h"
#include "store/store_sqlite_gather.h"

enum { SQ_PAGE_BYTES = 8192 };

enum sq_stmt {
	SQ_BEGIN,
	SQ_COMMIT,
	SQ_GROUP_BEGIN,
	SQ_GROUP_UNDO,
	SQ_GROUP_END,
	SQ_ENTRY_ADD,
	SQ_ENTRY_REMOVE,
	SQ_ENTRY_BODY,
	SQ_RUN_REMOVE,
	SQ_RUN_BODIES,
	SQ_ENTRY_WHERE,
	SQ_ENTRY_MARK,
	SQ_ENTRY_DUE,
	SQ_ENTRY_MOVE,
	SQ_ENTRY_LOAD,
	SQ_BODY_ADD,
	SQ_BODY_READ,
	SQ_BODY_REMOVE,
	SQ_BODY_REFS,
	SQ_BODY_REFS_ADD,
	SQ_BODY_REFS_SET,
	SQ_BODY_REFS_REMOVE,
	SQ_ROW_PUT,
	SQ_ROW_REMOVE,
	SQ_ROW_LIST,
	SQ_DEF_VERSION,
	SQ_DEF_VERSION_MAX,
	SQ_DEF_PUT,
	SQ_DEF_REMOVE,
	SQ_DEF_LIST,
	SQ_PURGE_ADD,
	SQ_PURGE_KEEP,
	SQ_PURGE_REMOVE,
	SQ_PURGE_LIST,
	SQ_PURGE_LANE,
	SQ_PURGE_SCAN,
	SQ_FREE_PAGES,
	SQ_STMTS,
};

/* A purge that is answered and not yet reclaimed (engine.md §8). */
struct sq_marker {
	int64_t id;
	uint32_t queue;
	int lane; /* -1: every lane */
	uint64_t upto;
	uint64_t *keep; /* ascending */
	size_t n_keep;
	int scan_lane; /* how far the reclaim has come */
	uint64_t scan_after;
};

struct sq {
	struct store_sqlite_options o;
	char *path;
	struct gather *gather; /* owned; NULL: the VFS of the options as it is */
	sqlite3 *h; /* NULL: failed, see sq_recover */
	sqlite3_stmt *st[SQ_STMTS];
	struct buf header; /* scratch: header blob of the message being written */
	struct buf flat;   /* scratch: a body that lies in several chunks */
	uint64_t *touched; /* body files whose count a transaction changed */
	size_t n_touched, cap_touched;
	uint64_t *found; /* body files there were at start, to be compared with the rows */
	size_t n_found, cap_found;
	struct sq_marker *markers;
	size_t n_markers, cap_markers;
	struct map64 marked; /* queue → how many markers it has, as a pointer */
	bool markers_touched; /* in this transaction: read again after an undo */
	uint64_t def_version; /* highest given in this life */
	int wal_pages;
	uint64_t removed; /* entries since free pages were last counted */
	bool vacuuming;
	uint32_t vacuum_steps;
	enum store_state state;
	char why[256];
	int64_t retry_us; /* mono; when to try again */
	uint32_t backoff_ms;
	unsigned runs_since_slice;
	bool state_changed; /* to be told by an up-call */
};

enum job_kind { JOB_BATCH, JOB_LOAD, JOB_STATE };

struct job {
	struct job *next;
	enum job_kind kind;
	bool cancelled;
	struct store_batch *batch;
	struct store_load load;
	struct store_loaded out; /* entries: owned until raised */
	enum store_state state;
	char why[256];
};

/* ---- store_sqlite_open.c: the connection ---- */

/* Opens (creates) the file, checks version, prepares. 0, or a SQLite code and *e. */
int sq_open(struct sq *s, struct error *e);
void sq_shut(struct sq *s);
/* Its files are gone; nothing is open. */
void sq_clear(struct sq *s);
/* The number a one-number statement answers; 0 when it fails. */
int64_t sq_number(struct sq *s, enum sq_stmt which);
/* Closed, reopened, checked, synced and written to: SQLITE_OK when sound. */
int sq_reopen(struct sq *s, bool check);
/* The data directory's lock: a descriptor, or -1 and *e. */
int sq_lock(const char *dir, struct error *e);

/* Steps a statement that answers nothing, and resets it. */
int sq_step(struct sq *s, enum sq_stmt which);
/* Resets and hands on rc; SQLITE_DONE and SQLITE_ROW become SQLITE_OK. */
int sq_end(struct sq *s, enum sq_stmt which, int rc);
void sq_bind_view(sqlite3_stmt *st, int at, struct view v);
struct view sq_column_view(sqlite3_stmt *st, int at);

/* ---- store_sqlite_run.c: runs of jobs, failure, idle work ---- */

/* One transaction at most; every job has its outcome afterwards. */
void sq_run(struct sq *s, struct job *first);
void sq_job_free(struct job *j);
/* Nothing can be done until sq_recover succeeds. */
static inline bool sq_failed(const struct sq *s)
{
	return s->h == NULL;
}
/* One attempt when its time has come (or `now`): true once sound again. */
bool sq_recover(struct sq *s, bool now);
/* Between runs: a checkpoint when the log is long; a slice of reclaim. */
void sq_tidy(struct sq *s, bool idle);
/* sq_tidy(idle) has more to do. */
bool sq_untidy(const struct sq *s);

/* ---- store_sqlite_entry.c, _body.c, _load.c, _def.c, _purge.c ----
 * All return a SQLite code. SQ_REFUSE: this group cannot be written. */
#define SQ_REFUSE SQLITE_CONSTRAINT

int sq_append(struct sq *s, struct store_op *op);
int sq_entry_op(struct sq *s, struct store_op *op);
/* Removes the row, and its share of a body. */
int sq_entry_remove(struct sq *s, uint64_t pos);
/* n positions from first on, those that are there. */
int sq_entry_remove_run(struct sq *s, uint64_t first, size_t n);

struct sq_body {
	struct view inline_bytes; /* when it lies in the row */
	int64_t id;               /* else its row in `body`; 0: in the row */
};
int sq_body_place(struct sq *s, const struct store_op *op, struct sq_body *out);
int sq_body_drop(struct sq *s, int64_t id);
/* A new body with the bytes of row `id`. SQLITE_NOTFOUND: its file is gone. */
int sq_body_read(struct sq *s, int64_t id, struct body **out);

/* store_sqlite_file.c: bodies in files of their own. Their id is the file's, negated. */
int sq_file_place(struct sq *s, const struct body *b, uint32_t live, int64_t *id);
int sq_file_read(struct sq *s, int64_t id, struct view row, struct body **out);
/* The count of the file's rows changes in this transaction. */
void sq_file_touch(struct sq *s, int64_t id);
/* After a commit, or once sound again: the files' keeper learns what the rows say. */
int sq_files_settle(struct sq *s);
/* At start: notes the files there are; then compares some of them with the rows. */
bool sq_files_list(struct sq *s);
int sq_files_sweep(struct sq *s);
int sq_body_refs(struct sq *s, int64_t id, int64_t *refs);

bool sq_header_encode(struct buf *b, const struct message *m);
/* Views into `blob`. false: not a header of a version we know. */
bool sq_header_decode(struct view blob, struct message_spec *spec);

int sq_load(struct sq *s, struct job *j);
void sq_loaded_free(struct store_loaded *l);

int sq_row_put(struct sq *s, const struct store_queue_row *row);
int sq_rows(struct sq *s, void (*each)(void *ctx, const struct store_queue_row *row), void *ctx);
int sq_def_op(struct sq *s, struct store_op *op);
int sq_def_version_read(struct sq *s);
int sq_defs(struct sq *s, struct view kind,
	    void (*each)(void *ctx, struct view key, struct view value, uint64_t version), void *ctx);

int sq_purge_op(struct sq *s, const struct store_op *op);
/* 0: the entry is there; else the next position that may be. */
uint64_t sq_purged(const struct sq *s, uint32_t queue, uint8_t lane, uint64_t pos);
/* An entry is written where a purge that is not reclaimed would hide it. */
int sq_purge_spare(struct sq *s, uint32_t queue, uint8_t lane, uint64_t pos);
int sq_markers_read(struct sq *s);
void sq_markers_free(struct sq *s);
/* Reclaims up to slice_entries in a transaction of its own. */
int sq_purge_slice(struct sq *s);

#endif
