/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails and loses power on order, as a SQLite VFS in memory. Give
 * its name to store_sqlite_options.vfs; the directory then holds the lock file
 * only, and the content outlives the store, not the process.
 *
 * The model is Linux: a write is seen at once by every reader and is durable
 * after the next successful sync of that file. A failed sync leaves what it was
 * to sync visible but no longer pending, so a later sync that succeeds does not
 * make it durable: only writing it again does. Creating and deleting files is
 * durable at once for SQLite's; for files of large bodies (store_crash_disk) after
 * the next sync of names: before it a loss of power takes new files away and
 * brings removed ones back. Usable from several threads. */
#ifndef MQB_TESTS_SUPPORT_STORE_CRASH_H
#define MQB_TESTS_SUPPORT_STORE_CRASH_H

#include "base/view.h"
#include "store/blob_disk.h"

enum crash_fault {
	CRASH_NONE,
	CRASH_EIO,    /* the call fails, nothing is written */
	CRASH_ENOSPC, /* a write fails for want of room; others go through */
	CRASH_SHORT,  /* half of a write arrives, then EIO */
	CRASH_SYNC,   /* a sync fails; other calls go through */
	CRASH_POWER,  /* the call never returns to a living machine: store_crash_power_loss */
};

struct store_crash;

/* Registers the VFS `name` (unique in the process; copied). */
struct store_crash *store_crash_new(const char *name, uint64_t seed);
/* The same disk for files of large bodies. They outlive it, too. */
struct blob_disk *store_crash_disk(struct store_crash *c);
/* How many of these there are now. */
size_t store_crash_blobs(struct store_crash *c);
/* The store must be closed. */
void store_crash_free(struct store_crash *c);

/* Writing calls (write, truncate, sync; of names: create, remove) since store_crash_new. */
uint64_t store_crash_calls(const struct store_crash *c);
/* The n-th writing call from now on (1: the next), and `times` - 1 after it,
 * meet this fault. CRASH_ENOSPC and CRASH_SYNC pass over calls they do not
 * concern and wait for the next that they do. */
void store_crash_fault(struct store_crash *c, enum crash_fault fault, uint64_t nth, uint64_t times);
/* A fault has met a call since store_crash_fault. */
bool store_crash_hit(const struct store_crash *c);
/* Everything not durable is gone; every call fails until store_crash_restart. */
void store_crash_power_loss(struct store_crash *c);
/* Of what is not durable, a random part of the pages survives a power loss
 * (default: none). */
void store_crash_tear(struct store_crash *c, bool on);
/* The machine is up again: files opened from now on work; faults are cleared. */
void store_crash_restart(struct store_crash *c);

#endif
