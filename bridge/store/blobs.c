/* SPDX-License-Identifier: Apache-2.0 */
/* The files that somebody in memory refers to, what rows keep, reading, and the
 * door. See blobs_priv.h for the invariants. */
#include "store/blobs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/blobs_priv.h"

enum { ID_BITS = 62 }; /* rows name them with a sign */

/* ---- files ---- */

static struct blob_file *file_of(struct blob *b)
{
	return (struct blob_file *)(void *)b;
}

struct blob_file *blob_file_ref(struct blob_file *f)
{
	pthread_mutex_lock(&f->keeper->mutex);
	f->refs++;
	pthread_mutex_unlock(&f->keeper->mutex);
	return f;
}

static void remove_later(struct keeper *k, uint64_t id)
{
	struct blob_job *j = blob_job_new(BLOB_REMOVE, NULL);
	j->id = id;
	blob_job_submit(k, j);
}

void blob_file_unref(struct blob_file *f)
{
	struct keeper *k = f->keeper;
	pthread_mutex_lock(&k->mutex);
	must(f->refs > 0);
	bool last = --f->refs == 0;
	bool unwanted = last && !f->kept;
	if (last)
		map64_remove(&k->files, f->blob.id);
	pthread_mutex_unlock(&k->mutex);
	if (unwanted)
		remove_later(k, f->blob.id);
	if (last)
		free(f);
}

static void blob_unref_op(struct blob *b)
{
	blob_file_unref(file_of(b));
}

static void blob_read_op(struct blob *b, uint64_t offset, size_t n, struct blob_read *r)
{
	struct blob_file *f = file_of(b);
	struct blob_job *j = blob_job_new(BLOB_READ, blob_file_ref(f));
	must(!r->job);
	j->at = offset;
	j->n = n;
	j->read = r;
	r->job = j;
	f->keeper->open++;
	blob_job_submit(f->keeper, j);
}

static void blob_cancel_op(struct blob *b, struct blob_read *r)
{
	struct blob_job *j = r->job;
	(void)b;
	j->read = NULL;
	r->job = NULL;
}

static bool blob_read_now_op(struct blob *b, uint64_t offset, uint8_t *dst, size_t n)
{
	struct blob_disk *d = file_of(b)->keeper->disk;
	void *open;
	int rc = d->open(d, b->id, &open);
	if (!rc) {
		rc = d->read(d, open, offset, dst, n);
		d->close(d, open);
	}
	if (rc)
		log_error("body.unreadable", "file=%016llx error=\"%s\"", (unsigned long long)b->id, strerror(rc));
	return rc == 0;
}

static const struct blob_ops blob_file_ops = {
	.unref = blob_unref_op,
	.read = blob_read_op,
	.cancel = blob_cancel_op,
	.read_now = blob_read_now_op,
};

/* With the mutex held. */
static struct blob_file *file_add(struct keeper *k, uint64_t id, bool kept)
{
	struct blob_file *f = mem_zalloc(sizeof(*f));
	f->blob = (struct blob){&blob_file_ops, id};
	f->keeper = k;
	f->refs = 1;
	f->kept = kept;
	map64_put(&k->files, id, f);
	return f;
}

struct blob_file *blob_file_new(struct keeper *k)
{
	uint64_t id;
	pthread_mutex_lock(&k->mutex);
	do
		id = rng_next(&k->rng) >> (64 - ID_BITS);
	while (id == 0 || map64_find(&k->files, id));
	struct blob_file *f = file_add(k, id, false);
	pthread_mutex_unlock(&k->mutex);
	return f;
}

/* ---- what rows say ---- */

void blobs_keep(struct blobs *b, uint64_t id, enum blobs_rows whose)
{
	struct keeper *k = keeper_of(b);
	pthread_mutex_lock(&k->mutex);
	struct blob_file *f = map64_find(&k->files, id);
	must(f); /* the message that is being written refers to it */
	if (whose == BLOBS_ROWS) {
		f->kept = true;
	} else if (!f->scratch) {
		f->scratch = true;
		f->refs++;
	}
	pthread_mutex_unlock(&k->mutex);
}

static void scratch_drop(struct keeper *k, uint64_t id)
{
	pthread_mutex_lock(&k->mutex);
	struct blob_file *f = map64_find(&k->files, id);
	bool held = f && f->scratch;
	if (held)
		f->scratch = false;
	pthread_mutex_unlock(&k->mutex);
	if (held)
		blob_file_unref(f);
}

void blobs_drop(struct blobs *b, uint64_t id, enum blobs_rows whose)
{
	struct keeper *k = keeper_of(b);
	if (whose == BLOBS_SCRATCH) {
		scratch_drop(k, id);
		return;
	}
	pthread_mutex_lock(&k->mutex);
	struct blob_file *f = map64_find(&k->files, id);
	if (f)
		f->kept = false;
	pthread_mutex_unlock(&k->mutex);
	if (!f)
		remove_later(k, id);
}

/* Any file that a scratch row refers to; 0: none. */
static uint64_t scratch_any(struct keeper *k)
{
	struct blob_file *f;
	size_t at = 0;
	uint64_t id = 0;
	pthread_mutex_lock(&k->mutex);
	while (!id && (f = map64_next(&k->files, &at, NULL)))
		id = f->scratch ? f->blob.id : 0;
	pthread_mutex_unlock(&k->mutex);
	return id;
}

void blobs_scratch_end(struct blobs *b)
{
	uint64_t id;
	while ((id = scratch_any(keeper_of(b))))
		scratch_drop(keeper_of(b), id);
}

struct body *blobs_body(struct blobs *b, uint64_t id, uint64_t bytes, bool *missing)
{
	struct keeper *k = keeper_of(b);
	uint64_t there = 0;
	int rc = k->disk->size(k->disk, id, &there);
	*missing = rc == ENOENT || (rc == 0 && there != bytes);
	if (rc || *missing)
		return NULL;
	pthread_mutex_lock(&k->mutex);
	struct blob_file *f = map64_find(&k->files, id);
	if (f)
		f->refs++;
	else
		f = file_add(k, id, true);
	pthread_mutex_unlock(&k->mutex);
	return body_outside(&f->blob, bytes);
}

bool blobs_list(struct blobs *b, void (*each)(void *ctx, uint64_t id), void *ctx)
{
	struct blob_disk *d = keeper_of(b)->disk;
	int rc = d->list(d, each, ctx);
	if (rc)
		log_error("body.list", "error=\"%s\"", strerror(rc));
	return rc == 0;
}

/* ---- answers ---- */

static void read_raise(struct blob_job *j)
{
	struct blob_read *r = j->read;
	if (!r) {
		body_unref(j->bytes);
		return;
	}
	r->job = NULL;
	r->done(r, j->bytes);
}

int blobs_poll(struct blobs *b)
{
	struct keeper *k = keeper_of(b);
	struct blob_job *j = blob_jobs_take(k);
	int n = 0;
	for (struct blob_job *next; j; j = next, n++) {
		struct blob_file *f = j->file;
		next = j->next;
		k->open--;
		if (j->kind == BLOB_READ)
			read_raise(j);
		else
			upload_raise(k, j);
		if (f)
			blob_file_unref(f);
		free(j);
	}
	return n;
}

bool blobs_idle(const struct blobs *b)
{
	return keeper_of(b)->open == 0;
}

bool blobs_full(const struct blobs *b)
{
	const struct keeper *k = keeper_of(b);
	return k->waiting >= k->o.full_bytes;
}

/* ---- life ---- */

static void defaults(struct keeper *k, const struct blobs_options *o)
{
	const uint64_t mib = 1024 * 1024;
	k->o = *o;
	k->o.full_bytes = o->full_bytes ? o->full_bytes : 64 * mib;
	k->door.bytes_min = o->bytes_min ? o->bytes_min : mib / 4;
	k->door.ahead_max = o->ahead_max ? o->ahead_max : 4 * mib;
}

struct blobs *blobs_open(const struct blobs_options *o, struct blob_disk *disk, struct error *e)
{
	struct keeper *k = mem_zalloc(sizeof(*k));
	k->door.ops = &blobs_write_ops;
	k->disk = disk;
	defaults(k, o);
	rng_seed(&k->rng, o->seed);
	pthread_mutex_init(&k->mutex, NULL);
	k->outbox.last = &k->outbox.first;
	if (!workers_start(k)) {
		error_set(e, CODE_UNAVAILABLE, "no thread for large bodies");
		blobs_close(&k->door);
		return NULL;
	}
	return &k->door;
}

void blobs_wake(struct blobs *b, void (*wake)(void *ctx), void *ctx)
{
	struct keeper *k = keeper_of(b);
	pthread_mutex_lock(&k->mutex);
	k->wake = wake;
	k->wake_ctx = ctx;
	pthread_mutex_unlock(&k->mutex);
}

void blobs_close(struct blobs *b)
{
	struct keeper *k = keeper_of(b);
	workers_stop(k);
	while (blobs_poll(b))
		workers_stop(k); /* what that removed */
	must(k->files.n == 0);
	map64_fini(&k->files);
	pthread_cond_destroy(&k->writer.work);
	pthread_cond_destroy(&k->reader.work);
	pthread_mutex_destroy(&k->mutex);
	k->disk->free(k->disk);
	free(k);
}
