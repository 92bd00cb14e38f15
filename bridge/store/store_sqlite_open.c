/* SPDX-License-Identifier: Apache-2.0 */
/* The file: lock, pragmas, schema, statements.
 *
 * entry is a log in order of position (rowid = position), with one index on
 * (queue, lane), whose implied third part is the position. Bodies that are
 * shared or large are rows of `body`; `body_ref` counts who uses them, apart so
 * that counting never rewrites a body. key_id and nonce (encryption), producer
 * and sequence, original, msg_group and annotations are reserved: no release
 * writes them yet, and a later one needs no rewrite of the table. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_sqlite_priv.h"

enum {
	SCHEMA_VERSION = 2,
	APPLICATION_ID = 0x4d514252, /* "MQBR" */
};

static const char schema[] =
	"CREATE TABLE entry(pos INTEGER PRIMARY KEY, queue INTEGER NOT NULL, lane INTEGER NOT NULL,"
	" origin INTEGER NOT NULL, received INTEGER NOT NULL, delivered INTEGER NOT NULL,"
	" failed INTEGER NOT NULL, due INTEGER NOT NULL, deadline INTEGER NOT NULL,"
	" body_id INTEGER, key_id INTEGER, nonce BLOB, producer INTEGER, sequence INTEGER,"
	" original BLOB, msg_group BLOB, annotations BLOB, header BLOB NOT NULL, body BLOB);"
	"CREATE INDEX entry_lane ON entry(queue, lane);"
	"CREATE TABLE body(id INTEGER PRIMARY KEY, key_id INTEGER, nonce BLOB, bytes BLOB NOT NULL);"
	"CREATE TABLE body_ref(id INTEGER PRIMARY KEY, refs INTEGER NOT NULL);"
	"CREATE TABLE queue_row(uid INTEGER PRIMARY KEY, entries INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, delayed INTEGER NOT NULL, handed_up_to INTEGER NOT NULL, first_pos INTEGER NOT NULL,"
	" last_pos INTEGER NOT NULL, body_bytes INTEGER NOT NULL, expiring INTEGER NOT NULL);"
	"CREATE TABLE def(kind BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
	" version INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
	"CREATE TABLE purge(id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, lane INTEGER NOT NULL,"
	" upto INTEGER NOT NULL, keep BLOB NOT NULL);";

static const char *const statements[SQ_STMTS] = {
	[SQ_BEGIN] = "BEGIN IMMEDIATE",
	[SQ_COMMIT] = "COMMIT",
	[SQ_GROUP_BEGIN] = "SAVEPOINT work",
	[SQ_GROUP_UNDO] = "ROLLBACK TO work",
	[SQ_GROUP_END] = "RELEASE work",
	[SQ_ENTRY_ADD] = "INSERT INTO entry(pos, queue, lane, origin, received, delivered, failed, due,"
			 " deadline, body_id, header, body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
	[SQ_ENTRY_REMOVE] = "DELETE FROM entry WHERE pos=?1",
	[SQ_ENTRY_BODY] = "SELECT body_id FROM entry WHERE pos=?1",
	[SQ_RUN_REMOVE] = "DELETE FROM entry WHERE pos BETWEEN ?1 AND ?2",
	[SQ_RUN_BODIES] = "SELECT body_id FROM entry WHERE pos BETWEEN ?1 AND ?2 AND body_id IS NOT NULL",
	[SQ_ENTRY_WHERE] = "SELECT queue, lane FROM entry WHERE pos=?1",
	[SQ_ENTRY_MARK] = "UPDATE entry SET received=?2, delivered=?3, failed=?4 WHERE pos=?1",
	[SQ_ENTRY_DUE] = "UPDATE entry SET pos=?2, lane=?3, due=?4 WHERE pos=?1",
	[SQ_ENTRY_MOVE] = "UPDATE entry SET pos=?2, lane=?3, queue=?4 WHERE pos=?1",
	[SQ_ENTRY_LOAD] = "SELECT pos, origin, received, delivered, failed, due, deadline, body_id, header,"
			  " body FROM entry INDEXED BY entry_lane"
			  " WHERE queue=?1 AND lane=?2 AND pos>?3 ORDER BY pos",
	[SQ_BODY_ADD] = "INSERT INTO body(id, bytes) VALUES(?1, ?2)",
	[SQ_BODY_READ] = "SELECT bytes FROM body WHERE id=?1",
	[SQ_BODY_REMOVE] = "DELETE FROM body WHERE id=?1",
	[SQ_BODY_REFS] = "SELECT refs FROM body_ref WHERE id=?1",
	[SQ_BODY_REFS_ADD] = "INSERT INTO body_ref(id, refs) VALUES(?1, ?2)",
	[SQ_BODY_REFS_SET] = "UPDATE body_ref SET refs=?2 WHERE id=?1",
	[SQ_BODY_REFS_REMOVE] = "DELETE FROM body_ref WHERE id=?1",
	[SQ_ROW_PUT] = "REPLACE INTO queue_row VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[SQ_ROW_REMOVE] = "DELETE FROM queue_row WHERE uid=?1",
	[SQ_ROW_LIST] = "SELECT uid, entries, bytes, delayed, handed_up_to, first_pos, last_pos,"
			" body_bytes, expiring FROM queue_row",
	[SQ_DEF_VERSION] = "SELECT version FROM def WHERE kind=?1 AND key=?2",
	[SQ_DEF_VERSION_MAX] = "SELECT ifnull(max(version), 0) FROM def",
	[SQ_DEF_PUT] = "REPLACE INTO def(kind, key, value, version) VALUES(?1,?2,?3,?4)",
	[SQ_DEF_REMOVE] = "DELETE FROM def WHERE kind=?1 AND key=?2",
	[SQ_DEF_LIST] = "SELECT key, value, version FROM def WHERE kind=?1 ORDER BY key",
	[SQ_PURGE_ADD] = "INSERT INTO purge(queue, lane, upto, keep) VALUES(?1,?2,?3,?4)",
	[SQ_PURGE_KEEP] = "UPDATE purge SET keep=?2 WHERE id=?1",
	[SQ_PURGE_REMOVE] = "DELETE FROM purge WHERE id=?1",
	[SQ_PURGE_LIST] = "SELECT id, queue, lane, upto, keep FROM purge ORDER BY id",
	[SQ_PURGE_LANE] = "SELECT min(lane) FROM entry INDEXED BY entry_lane WHERE queue=?1 AND lane>=?2",
	[SQ_PURGE_SCAN] = "SELECT pos FROM entry INDEXED BY entry_lane"
			  " WHERE queue=?1 AND lane=?2 AND pos>?3 AND pos<=?4 ORDER BY pos LIMIT ?5",
	[SQ_FREE_PAGES] = "PRAGMA freelist_count",
};

int sq_end(struct sq *s, enum sq_stmt which, int rc)
{
	int r = sqlite3_reset(s->st[which]);
	if (rc == SQLITE_DONE || rc == SQLITE_ROW)
		return r;
	return r != SQLITE_OK ? r : rc;
}

int sq_step(struct sq *s, enum sq_stmt which)
{
	return sq_end(s, which, sqlite3_step(s->st[which]));
}

void sq_bind_view(sqlite3_stmt *st, int at, struct view v)
{
	/* An empty view may have no pointer, which SQLite would read as NULL. */
	sqlite3_bind_blob64(st, at, v.n ? (const void *)v.p : "", v.n, SQLITE_STATIC);
}

struct view sq_column_view(sqlite3_stmt *st, int at)
{
	const void *p = sqlite3_column_blob(st, at);
	return view_of(p, p ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

int sq_lock(const char *dir, struct error *e)
{
	char *path = sqlite3_mprintf("%s/lock", dir);
	must(path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	sqlite3_free(path);
	if (fd < 0) {
		error_set(e, CODE_UNAVAILABLE, "data directory %s: %s", dir, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		char pid[32] = "";
		ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? strcspn(pid, "\n") : 0] = 0;
		error_set(e, CODE_IN_USE, "data directory %s is in use by process %s", dir,
			  pid[0] ? pid : "(unknown)");
		close(fd);
		return -1;
	}
	/* Whose lock it is: for the text above; the lock itself is the flock. */
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
		log_warn("store.lock_note", "dir=\"%s\" error=\"%s\"", dir, strerror(errno));
	return fd;
}

/* ---- opening ---- */

static int pragma(struct sq *s, const char *name, int64_t value)
{
	char *sql = sqlite3_mprintf("PRAGMA %s=%lld", name, (long long)value);
	if (!sql)
		return SQLITE_NOMEM;
	int rc = sqlite3_exec(s->h, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc;
}

static int number(struct sq *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->h, sql, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			*out = sqlite3_column_int64(st, 0);
	}
	int r = sqlite3_finalize(st);
	return r != SQLITE_OK ? r : rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int on_commit(void *ctx, sqlite3 *h, const char *name, int pages)
{
	(void)h;
	(void)name;
	((struct sq *)ctx)->wal_pages = pages;
	return SQLITE_OK;
}

/* Before the first table: what cannot be changed later. */
static int settings(struct sq *s, bool fresh)
{
	int rc = SQLITE_OK;
	if (fresh)
		rc = pragma(s, "page_size", SQ_PAGE_BYTES);
	if (rc == SQLITE_OK && fresh)
		rc = sqlite3_exec(s->h, "PRAGMA auto_vacuum=INCREMENTAL", NULL, NULL, NULL);
	if (rc == SQLITE_OK && fresh)
		rc = pragma(s, "application_id", APPLICATION_ID);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = pragma(s, "synchronous", s->o.synchronous);
	if (rc == SQLITE_OK)
		rc = pragma(s, "cache_size", -(int64_t)(s->o.cache_bytes / 1024));
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
	/* What was deleted is zeroed where that costs no write: some builds of SQLite
	 * rewrite every freed page otherwise, a fifth more bytes for late acks. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, "PRAGMA secure_delete=FAST", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_wal_autocheckpoint(s->h, 0);
	if (rc == SQLITE_OK)
		sqlite3_wal_hook(s->h, on_commit, s);
	return rc;
}

int64_t sq_number(struct sq *s, enum sq_stmt which)
{
	int rc = sqlite3_step(s->st[which]);
	int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(s->st[which], 0) : 0;
	return sq_end(s, which, rc) == SQLITE_OK ? n : 0;
}

/* Version 2: what length limits and expiry count. */
static const char from_1[] =
	"ALTER TABLE queue_row ADD COLUMN body_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_row ADD COLUMN expiring INTEGER NOT NULL DEFAULT 0;"
	"UPDATE queue_row SET body_bytes = (SELECT ifnull(sum(ifnull(length(e.body), length(b.bytes))), 0)"
	" FROM entry e LEFT JOIN body b ON b.id=e.body_id WHERE e.queue=queue_row.uid AND e.lane=0);";

/* To SCHEMA_VERSION, as a whole. */
static int change(struct sq *s, const char *statements_of_it)
{
	char sql[64];
	int rc = sqlite3_exec(s->h, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, statements_of_it, NULL, NULL, NULL);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", SCHEMA_VERSION);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, "COMMIT", NULL, NULL, NULL);
	return rc;
}

static int prepare(struct sq *s)
{
	for (int i = 0; i < SQ_STMTS; i++) {
		int rc = sqlite3_prepare_v3(s->h, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &s->st[i], NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* What the file is; refuses what is not ours or from a later release. */
static int identify(struct sq *s, int64_t *version_found, struct error *e)
{
	int64_t app = 0, version = 0, tables = 0;
	int rc = number(s, "PRAGMA application_id", &app);
	if (rc == SQLITE_OK)
		rc = number(s, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = number(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != SQLITE_OK)
		return rc;
	if (app != APPLICATION_ID && (app || tables)) {
		error_set(e, CODE_INVALID, "%s is a database of another application", s->path);
		return SQLITE_MISMATCH;
	}
	if (version > SCHEMA_VERSION) {
		error_set(e, CODE_UNSUPPORTED,
			  "%s has schema version %lld, this program knows %d: use a newer one",
			  s->path, (long long)version, SCHEMA_VERSION);
		return SQLITE_MISMATCH;
	}
	*version_found = version;
	return SQLITE_OK;
}

/* A sync that failed in an earlier life may have left a hole in the log that the
 * kernel's cache still covers; what is written behind it would be lost with the
 * power. So everything in the log is written to the file once more and synced,
 * and the log starts from zero. It is short: checkpoint_pages. */
static int log_renew(struct sq *s)
{
	return sqlite3_wal_checkpoint_v2(s->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int sq_open(struct sq *s, struct error *e)
{
	int64_t version = 0;
	int rc = sqlite3_open_v2(s->path, &s->h,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_PRIVATECACHE,
				 s->gather ? gather_name(s->gather) : s->o.vfs);
	if (s->h)
		sqlite3_extended_result_codes(s->h, 1);
	/* One process, one connection: with this before the first read the index of
	 * the log lies in our own memory. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = identify(s, &version, e);
	bool fresh = version == 0; /* also a creation that a crash cut short */
	if (rc == SQLITE_OK)
		rc = settings(s, fresh);
	if (rc == SQLITE_OK && !fresh)
		rc = log_renew(s);
	if (rc == SQLITE_OK && version < SCHEMA_VERSION)
		rc = change(s, fresh ? schema : from_1);
	if (rc == SQLITE_OK)
		rc = prepare(s);
	if (rc == SQLITE_OK)
		rc = sq_def_version_read(s);
	if (rc == SQLITE_OK)
		rc = sq_markers_read(s);
	if (rc == SQLITE_OK)
		return rc;
	if (rc != SQLITE_MISMATCH)
		error_set(e, CODE_UNAVAILABLE, "%s: %s", s->path,
			  s->h ? sqlite3_errmsg(s->h) : sqlite3_errstr(rc));
	sq_shut(s);
	return rc;
}

void sq_shut(struct sq *s)
{
	for (int i = 0; i < SQ_STMTS; i++) {
		sqlite3_finalize(s->st[i]);
		s->st[i] = NULL;
	}
	must(sqlite3_close(s->h) == SQLITE_OK);
	s->h = NULL;
	s->wal_pages = 0;
}

void sq_clear(struct sq *s)
{
	static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
	sqlite3_vfs *vfs = sqlite3_vfs_find(s->o.vfs);
	char path[1024];
	for (size_t i = 0; vfs && i < sizeof(parts) / sizeof(*parts); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s%s", s->path, parts[i]) < sizeof(path))
			vfs->xDelete(vfs, path, 0);
}

static int check(struct sq *s)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->h, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			rc = view_is(sq_column_view(st, 0), "ok") ? SQLITE_OK : SQLITE_CORRUPT;
	}
	int r = sqlite3_finalize(st);
	return rc != SQLITE_OK ? rc : r;
}

/* Beyond what sq_open does: the structure is checked, and one small transaction
 * goes all the way. */
int sq_reopen(struct sq *s, bool check_all)
{
	int rc = sq_open(s, NULL);
	char sql[64];
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", SCHEMA_VERSION);
	if (rc != SQLITE_OK)
		return rc;
	if (check_all)
		rc = check(s);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->h, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		sq_shut(s);
	return rc;
}
