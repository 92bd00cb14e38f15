/* SPDX-License-Identifier: Apache-2.0 */
/* The two threads and what they do to the disk. After the first failure of a
 * file nothing more is written to it: what a failed sync was to bring to the
 * medium may never come there, whatever a later one says. */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/blobs_priv.h"

struct blob_job *blob_job_new(enum blob_job_kind kind, struct blob_file *f)
{
	struct blob_job *j = mem_zalloc(sizeof(*j));
	j->kind = kind;
	j->file = f;
	return j;
}

static void jobs_add(struct blob_jobs *q, struct blob_job *j)
{
	j->next = NULL;
	*q->last = j;
	q->last = &j->next;
}

static struct blob_job *jobs_take_first(struct blob_jobs *q)
{
	struct blob_job *j = q->first;
	q->first = j->next;
	if (!q->first)
		q->last = &q->first;
	return j;
}

struct blob_job *blob_jobs_take(struct keeper *k)
{
	pthread_mutex_lock(&k->mutex);
	struct blob_job *first = k->outbox.first;
	k->outbox.first = NULL;
	k->outbox.last = &k->outbox.first;
	pthread_mutex_unlock(&k->mutex);
	return first;
}

/* ---- the work ---- */

static void failed(struct blob_file *f, const char *what, int rc)
{
	f->failed = true;
	log_error("body.failed", "file=%016llx call=%s error=\"%s\"", (unsigned long long)f->blob.id, what,
		  strerror(rc));
}

static void do_write(struct keeper *k, struct blob_job *j)
{
	struct blob_file *f = j->file;
	uint64_t at = 0;
	int rc = 0;
	if (!f->created && !f->failed) {
		rc = k->disk->create(k->disk, f->blob.id, &f->disk_file);
		f->created = rc == 0;
		if (rc)
			failed(f, "create", rc);
	}
	for (struct view v; !f->failed && (v = body_piece(j->bytes, at)).n; at += v.n) {
		rc = k->disk->write(k->disk, f->disk_file, j->at + at, v);
		if (rc)
			failed(f, "write", rc);
	}
}

static void do_end(struct keeper *k, struct blob_job *j)
{
	struct blob_file *f = j->file;
	int rc = 0;
	bool sync = f->created && !j->give_up && !k->o.unsynced;
	if (!f->failed && sync && (rc = k->disk->sync(k->disk, f->disk_file)) != 0)
		failed(f, "sync", rc);
	if (f->created)
		k->disk->close(k->disk, f->disk_file);
	f->disk_file = NULL;
	if (!f->failed && sync && (rc = k->disk->sync_names(k->disk)) != 0)
		failed(f, "sync_names", rc);
	j->failed = f->failed || !f->created;
}

static int read_into(struct keeper *k, const struct blob_job *j, void *open, struct body *b)
{
	size_t n;
	for (size_t at = 0; at < j->n; at += n) {
		uint8_t *room = body_room(b, &n);
		if (!room)
			return ENOMEM;
		n = n < j->n - at ? n : j->n - at;
		int rc = k->disk->read(k->disk, open, j->at + at, room, n);
		if (rc)
			return rc;
		body_filled(b, n);
	}
	return 0;
}

static void do_read(struct keeper *k, struct blob_job *j)
{
	struct body *b = body_new(j->n);
	void *open;
	int rc = b ? k->disk->open(k->disk, j->file->blob.id, &open) : ENOMEM;
	if (!rc) {
		rc = read_into(k, j, open, b);
		k->disk->close(k->disk, open);
	}
	j->bytes = rc ? NULL : b;
	if (!rc)
		return;
	body_unref(b);
	log_error("body.unreadable", "file=%016llx error=\"%s\"", (unsigned long long)j->file->blob.id,
		  strerror(rc));
}

static void do_remove(struct keeper *k, const struct blob_job *j)
{
	int rc = k->disk->remove(k->disk, j->id);
	if (rc && rc != ENOENT) /* the sweep at the next start finds it */
		log_warn("body.remove", "file=%016llx error=\"%s\"", (unsigned long long)j->id, strerror(rc));
}

static void job_do(struct keeper *k, struct blob_job *j)
{
	switch (j->kind) {
	case BLOB_WRITE:
		do_write(k, j);
		return;
	case BLOB_END:
		do_end(k, j);
		return;
	case BLOB_READ:
		do_read(k, j);
		return;
	case BLOB_REMOVE:
		do_remove(k, j);
		return;
	}
}

static void job_done(struct keeper *k, struct blob_job *j)
{
	if (j->kind == BLOB_REMOVE) {
		free(j);
		return;
	}
	pthread_mutex_lock(&k->mutex);
	bool call = !k->outbox.first && k->wake;
	jobs_add(&k->outbox, j);
	if (call)
		k->wake(k->wake_ctx);
	pthread_mutex_unlock(&k->mutex);
}

/* ---- the threads ---- */

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct keeper *k = w->keeper;
	pthread_mutex_lock(&k->mutex);
	for (;;) {
		if (w->inbox.first) {
			struct blob_job *j = jobs_take_first(&w->inbox);
			pthread_mutex_unlock(&k->mutex);
			job_do(k, j);
			job_done(k, j);
			pthread_mutex_lock(&k->mutex);
		} else if (k->stop) {
			break;
		} else {
			pthread_cond_wait(&w->work, &k->mutex);
		}
	}
	pthread_mutex_unlock(&k->mutex);
	return NULL;
}

void blob_job_submit(struct keeper *k, struct blob_job *j)
{
	struct worker *w = j->kind == BLOB_READ ? &k->reader : &k->writer;
	pthread_mutex_lock(&k->mutex);
	bool runs = w->runs;
	if (runs) {
		jobs_add(&w->inbox, j);
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&k->mutex);
	if (runs)
		return;
	job_do(k, j);
	job_done(k, j);
}

static bool worker_start(struct worker *w)
{
	w->runs = pthread_create(&w->thread, NULL, worker_main, w) == 0;
	return w->runs;
}

static void worker_init(struct keeper *k, struct worker *w)
{
	w->keeper = k;
	w->inbox.last = &w->inbox.first;
	pthread_cond_init(&w->work, NULL);
}

bool workers_start(struct keeper *k)
{
	worker_init(k, &k->writer);
	worker_init(k, &k->reader);
	return !k->o.threaded || (worker_start(&k->writer) && worker_start(&k->reader));
}

static void worker_stop(struct worker *w)
{
	if (!w->runs)
		return;
	pthread_join(w->thread, NULL);
	w->runs = false; /* what still comes is done at once */
}

void workers_stop(struct keeper *k)
{
	pthread_mutex_lock(&k->mutex);
	k->stop = true;
	pthread_cond_signal(&k->writer.work);
	pthread_cond_signal(&k->reader.work);
	pthread_mutex_unlock(&k->mutex);
	worker_stop(&k->writer);
	worker_stop(&k->reader);
}
