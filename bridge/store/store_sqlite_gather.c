/* SPDX-License-Identifier: Apache-2.0 */
/* See store_sqlite_gather.h. A file of ours is followed in the same allocation
 * by the file of the VFS below, which does the work. */
#include "store/store_sqlite_gather.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"

/* SQLite's unix VFS cuts the length of a write to 17 bits. */
enum { GATHER_BYTES = 120 * 1024 };

struct gather {
	sqlite3_vfs vfs;
	sqlite3_vfs *under;
	char name[32];
};

struct gather_file {
	sqlite3_file base;
	bool gathers;
	uint8_t *bytes; /* owned; NULL until the first write */
	int n;
	sqlite3_int64 at; /* where they belong */
	int failed; /* the code of a gathered write that did not arrive: nothing works any more */
	_Alignas(8) uint8_t under[];
};

static sqlite3_file *under(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)((struct gather_file *)(void *)f)->under;
}

static struct gather_file *file_of(sqlite3_file *f)
{
	return (struct gather_file *)(void *)f;
}

/* ---- what a file does itself ---- */

/* An error stays: SQLite does not listen to every call's, but it does to a sync's,
 * and the file must not look sound to whoever comes before that. */
static int spill(struct gather_file *g)
{
	int n = g->n;
	sqlite3_file *u = under(&g->base);
	g->n = 0;
	if (n && !g->failed)
		g->failed = u->pMethods->xWrite(u, g->bytes, n, g->at);
	return g->failed;
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct gather_file *g = file_of(f);
	if (at != g->at + g->n || n > GATHER_BYTES - g->n)
		spill(g);
	if (g->failed)
		return g->failed;
	if (g->gathers && !g->bytes)
		g->bytes = malloc(GATHER_BYTES);
	if (!g->bytes || n > GATHER_BYTES)
		return under(f)->pMethods->xWrite(under(f), p, n, at);
	if (!g->n)
		g->at = at;
	memcpy(g->bytes + g->n, p, (size_t)n);
	g->n += n;
	return SQLITE_OK;
}

static int file_close(sqlite3_file *f)
{
	struct gather_file *g = file_of(f);
	int rc = spill(g);
	int closed = under(f)->pMethods->xClose(under(f));
	free(g->bytes);
	g->bytes = NULL;
	return rc != SQLITE_OK ? rc : closed;
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int rc = spill(file_of(f));
	return rc != SQLITE_OK ? rc : under(f)->pMethods->xRead(under(f), p, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = spill(file_of(f));
	return rc != SQLITE_OK ? rc : under(f)->pMethods->xTruncate(under(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
	int rc = spill(file_of(f));
	return rc != SQLITE_OK ? rc : under(f)->pMethods->xSync(under(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	int rc = spill(file_of(f));
	return rc != SQLITE_OK ? rc : under(f)->pMethods->xFileSize(under(f), out);
}

/* ---- what it hands on ---- */

static int file_lock(sqlite3_file *f, int level)
{
	return under(f)->pMethods->xLock(under(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
	return under(f)->pMethods->xUnlock(under(f), level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
	return under(f)->pMethods->xCheckReservedLock(under(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	return under(f)->pMethods->xFileControl(under(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
	return under(f)->pMethods->xSectorSize(under(f));
}

static int file_character(sqlite3_file *f)
{
	return under(f)->pMethods->xDeviceCharacteristics(under(f));
}

/* Version 1: no shared memory. The store's one connection is exclusive and keeps
 * the index of the log to itself. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_character,
};

/* ---- the VFS ---- */

static sqlite3_vfs *below(sqlite3_vfs *v)
{
	return ((struct gather *)v->pAppData)->under;
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct gather_file *g = file_of(f);
	*g = (struct gather_file){.gathers = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)};
	under(f)->pMethods = NULL;
	int rc = below(v)->xOpen(below(v), name, under(f), flags, out_flags);
	if (under(f)->pMethods)
		g->base.pMethods = &methods;
	return rc;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	return below(v)->xDelete(below(v), name, sync_dir);
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	return below(v)->xAccess(below(v), name, flags, out);
}

static int vfs_path(sqlite3_vfs *v, const char *name, int n, char *out)
{
	return below(v)->xFullPathname(below(v), name, n, out);
}

static int vfs_random(sqlite3_vfs *v, int n, char *out)
{
	return below(v)->xRandomness(below(v), n, out);
}

static int vfs_sleep(sqlite3_vfs *v, int us)
{
	return below(v)->xSleep(below(v), us);
}

static int vfs_time(sqlite3_vfs *v, double *out)
{
	return below(v)->xCurrentTime(below(v), out);
}

static int vfs_last_error(sqlite3_vfs *v, int n, char *out)
{
	return below(v)->xGetLastError ? below(v)->xGetLastError(below(v), n, out) : 0;
}

struct gather *gather_new(const char *under_name)
{
	sqlite3_vfs *below_us = sqlite3_vfs_find(under_name);
	if (!below_us)
		return NULL;
	struct gather *g = mem_zalloc(sizeof(*g));
	g->under = below_us;
	snprintf(g->name, sizeof(g->name), "mqb-%p", (void *)g); /* a store has its own */
	g->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = (int)sizeof(struct gather_file) + below_us->szOsFile,
		.mxPathname = below_us->mxPathname,
		.zName = g->name,
		.pAppData = g,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	must(sqlite3_vfs_register(&g->vfs, 0) == SQLITE_OK);
	return g;
}

const char *gather_name(const struct gather *g)
{
	return g->name;
}

void gather_free(struct gather *g)
{
	if (!g)
		return;
	sqlite3_vfs_unregister(&g->vfs);
	free(g);
}
