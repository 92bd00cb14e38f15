/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store: one SQLite file in WAL mode, one writer, group commit
 * (engine.md §11, DESIGN §4). docs/decisions/0001-sqlite-layout.md has the
 * measurements behind the layout and the defaults. */
#ifndef MQB_STORE_STORE_SQLITE_H
#define MQB_STORE_STORE_SQLITE_H

#include "base/error.h"
#include "store/blobs.h"
#include "store/store.h"

/* A limit of 0 is its default. */
struct store_sqlite_options {
	const char *dir;     /* data directory; must exist; locked against a second process */
	bool scratch;        /* a file of its own, without sync, emptied when it is opened; the directory
			      * is the lock of another store */
	bool threaded;       /* own writer thread; false: inside submit (tests, simulation) */
	int synchronous;     /* 2 FULL (default), 1 NORMAL, 0 OFF */
	struct blobs *blobs; /* files of large bodies; borrowed; NULL: none come */
	const char *vfs;     /* NULL: the default one (fault injection names its own) */
	uint32_t run_ops_max;        /* operations in one transaction; 20000 */
	uint64_t run_bytes_max;      /* bodies in one transaction; 8 MiB */
	uint32_t checkpoint_pages;   /* of the log; then they go to the file; 1000 */
	uint32_t slice_entries;      /* reclaimed at a time after a purge; 500 */
	uint64_t share_bytes_min;    /* body kept once for several queues from here on; 1 KiB */
	uint64_t apart_bytes_min;    /* body outside its row from here on; 4 KiB */
	uint64_t slack_bytes;        /* free room kept in the file; 64 MiB */
	uint64_t cache_bytes;        /* page cache; 32 MiB */
	uint32_t retry_ms, retry_ms_max; /* back-off after a failure; 100, 5000 */
};

/* NULL and *e on failure (locked, newer schema, damaged, not writable). The
 * options and their strings are copied. `synchronous` has no default of its own:
 * store_sqlite_options_default sets 2. */
struct store *store_sqlite_open(const struct store_sqlite_options *o, struct error *e);
void store_sqlite_options_default(struct store_sqlite_options *o, const char *dir);

#endif
