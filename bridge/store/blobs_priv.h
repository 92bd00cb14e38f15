/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the body files.
 *
 *   loop                       writer            reader
 *   add, end ─► WRITE … END ─► create, write, sync
 *   read ──────────────────────────────────────► READ
 *   poll ◄──────────── done ◄──┴─────────────────┘
 *
 * Jobs of one thread are done in their order. A job belongs to whoever holds it:
 * the loop, an inbox, its thread, the outbox, the loop again.
 *
 * Invariants:
 *  1. a `struct blob_file` is in `files` as long as anybody in memory refers to it;
 *  2. its file is removed when the last of these goes and no row keeps it, or at
 *     blobs_drop when nobody in memory refers to it;
 *  3. `disk_file`, `created` and `failed` of a file are the writer's alone. */
#ifndef MQB_STORE_BLOBS_PRIV_H
#define MQB_STORE_BLOBS_PRIV_H

#include <pthread.h>

#include "base/map.h"
#include "base/rng.h"
#include "store/blobs.h"

struct keeper;

struct blob_file {
	struct blob blob;
	struct keeper *keeper;
	uint32_t refs; /* mutex */
	bool kept;     /* mutex; by rows that outlive us */
	bool scratch;  /* mutex; by rows of a scratch file, which hold a reference */
	void *disk_file;
	bool created, failed;
};

enum blob_job_kind { BLOB_WRITE, BLOB_END, BLOB_READ, BLOB_REMOVE };

struct upload;

struct blob_job {
	struct blob_job *next;
	enum blob_job_kind kind;
	bool failed;
	bool give_up;          /* END: of an aborted body */
	struct blob_file *file;     /* a reference; REMOVE: NULL */
	struct upload *upload; /* WRITE, END */
	struct body *bytes;    /* WRITE: the loop's reference; READ: the answer */
	uint64_t at;           /* WRITE, READ */
	size_t n;              /* READ */
	struct blob_read *read; /* the loop's; NULL: cancelled */
	uint64_t id;           /* REMOVE */
};

struct blob_jobs {
	struct blob_job *first, **last;
};

struct worker {
	struct keeper *keeper;
	pthread_t thread;
	bool runs;
	pthread_cond_t work;
	struct blob_jobs inbox; /* keeper's mutex */
};

struct keeper {
	struct blobs door;
	struct blobs_options o;
	struct blob_disk *disk;
	struct rng rng;   /* the loop's */
	uint64_t waiting; /* bytes of all uploads; the loop's */
	size_t open;      /* jobs that poll has to raise; the loop's */
	pthread_mutex_t mutex;
	struct map64 files;
	struct worker writer, reader;
	struct blob_jobs outbox;
	bool stop;
	void (*wake)(void *ctx);
	void *wake_ctx;
};

static inline struct keeper *keeper_of(const struct blobs *b)
{
	return (struct keeper *)(uintptr_t)b;
}

/* ---- blobs.c ---- */
void blob_file_unref(struct blob_file *f);
struct blob_file *blob_file_ref(struct blob_file *f);
/* A new one, with one reference; the upload's. */
struct blob_file *blob_file_new(struct keeper *k);

/* ---- blobs_write.c ---- */
extern const struct blobs_ops blobs_write_ops;
void upload_raise(struct keeper *k, struct blob_job *j);

/* ---- blobs_work.c: the threads ---- */
bool workers_start(struct keeper *k);
void workers_stop(struct keeper *k);
struct blob_job *blob_job_new(enum blob_job_kind kind, struct blob_file *f);
/* Takes the job. The loop's own are counted in `open` by the caller. */
void blob_job_submit(struct keeper *k, struct blob_job *j);
struct blob_job *blob_jobs_take(struct keeper *k);

#endif
