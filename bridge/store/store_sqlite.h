/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store: one SQLite file in WAL mode, one writer, group commit
 * (engine.md §11, DESIGN §4). */
#ifndef MQB_STORE_STORE_SQLITE_H
#define MQB_STORE_STORE_SQLITE_H

#include "base/error.h"
#include "store/store.h"

struct store_sqlite_options {
	const char *dir;     /* data directory; must exist; locked against a second process */
	bool threaded;       /* own writer thread; false: inside submit (tests, simulation) */
	int synchronous;     /* 2 FULL (default), 1 NORMAL, 0 OFF */
	const char *vfs;     /* NULL: the default one (fault injection names its own) */
};

/* NULL and *e on failure (locked, newer schema, damaged, not writable). */
struct store *store_sqlite_open(const struct store_sqlite_options *o, struct error *e);

#endif
