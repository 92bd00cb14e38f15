/* SPDX-License-Identifier: Apache-2.0 */
/* A SQLite VFS over another one that joins neighbouring writes. SQLite writes
 * the log of a transaction as a header of 24 bytes and a page, for every page; a
 * system call costs more than what it writes. Of the database file and its log,
 * what is written lies in memory until it has come to GATHER_BYTES, or something
 * needs it in the file:
 *
 *   write, next to what is gathered ──► gathered
 *   write elsewhere, read, sync, truncate, size, close ──► to the file first
 *
 * So a process that dies between a commit and a sync loses that commit: only for
 * synchronous = FULL, where a commit is a sync. A gathered write that fails makes
 * every later call on that file fail, so also the sync without which the commit
 * does not count; the store then closes the connection and opens another. */
#ifndef MQB_STORE_STORE_SQLITE_GATHER_H
#define MQB_STORE_STORE_SQLITE_GATHER_H

struct gather;

/* Registered with SQLite over `under` (NULL: the default VFS). NULL: there is no
 * such VFS. */
struct gather *gather_new(const char *under);
const char *gather_name(const struct gather *g); /* for sqlite3_open_v2 */
void gather_free(struct gather *g);              /* its files are closed; NULL allowed */

#endif
