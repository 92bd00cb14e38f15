/* SPDX-License-Identifier: Apache-2.0 */
/* Files of large bodies (engine.md §3; docs/decisions/0005-large-bodies.md). The
 * loop writes and reads through base/blob.h; the store that keeps rows says which
 * files its rows refer to. Two threads do the work, one writes, syncs and
 * removes, one reads, so that a sync never delays a delivery.
 *
 * A file goes away when neither a body in memory nor a row refers to it. */
#ifndef MQB_STORE_BLOBS_H
#define MQB_STORE_BLOBS_H

#include "base/blob.h"
#include "store/blob_disk.h"

/* A limit of 0 is its default. */
struct blobs_options {
	bool threaded;      /* own threads; false: inside the calls, told by poll (tests, simulation) */
	bool unsynced;      /* a crash may lose every body */
	uint64_t bytes_min; /* 256 KiB */
	uint64_t ahead_max; /* 4 MiB */
	uint64_t full_bytes; /* of all bodies, waiting for the disk: then blobs_full; 64 MiB */
	uint64_t seed;      /* names */
};

/* Takes the disk, also when it fails (NULL and *e). */
struct blobs *blobs_open(const struct blobs_options *o, struct blob_disk *disk, struct error *e);
/* Nothing may refer to a blob any more. Finishes what was begun. */
void blobs_close(struct blobs *b);
/* Called from any thread when poll has something to do; NULL: nobody. */
void blobs_wake(struct blobs *b, void (*wake)(void *ctx), void *ctx);
/* Raises what has been done. Returns how many answers. */
int blobs_poll(struct blobs *b);
/* Nothing is asked that is not answered. */
bool blobs_idle(const struct blobs *b);
/* Publishers should not be read. */
bool blobs_full(const struct blobs *b);

/* ---- for stores, from their threads ---- */

/* Whose rows: those that are found again at the next start (of one store), or
 * those of a scratch file (of one, too). */
enum blobs_rows { BLOBS_ROWS, BLOBS_SCRATCH };

/* A row refers to it, or will when what is being written is committed. */
void blobs_keep(struct blobs *b, uint64_t id, enum blobs_rows whose);
/* No row refers to it, and never will after a crash either. */
void blobs_drop(struct blobs *b, uint64_t id, enum blobs_rows whose);
/* The scratch file is gone. */
void blobs_scratch_end(struct blobs *b);
/* The body of a row that was read: one reference. NULL: *missing, there is no such
 * file of this size; else it could not be looked at, or memory is gone. */
struct body *blobs_body(struct blobs *b, uint64_t id, uint64_t bytes, bool *missing);
/* Every file there is; before traffic. false: the disk cannot tell. */
bool blobs_list(struct blobs *b, void (*each)(void *ctx, uint64_t id), void *ctx);

#endif
