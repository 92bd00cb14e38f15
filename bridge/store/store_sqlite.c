/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the SQLite store: jobs in, outcomes out, and the writer thread
 * between. Without a thread a job is done inside submit or load, its outcome
 * still waits for poll. `waiting` is the loop's alone: what it handed in and has
 * not been told about. */
#include "store/store_sqlite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/store_sqlite_priv.h"

enum { IDLE_US = 20 * 1000 }; /* without work for so long the writer tidies up */

struct queue {
	struct job *first, **last;
};

struct sqlite_store {
	struct store store;
	struct sq sq;
	int64_t last_run_us; /* the writer's */
	int lock_fd;
	size_t waiting;
	pthread_t thread;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t work;   /* to the writer */
	pthread_cond_t rest;   /* from the writer: it is at rest */
	struct queue inbox, outbox;
	bool busy; /* the writer is using `sq` */
	bool hold; /* once the inbox is empty it must not begin anything */
	bool stop;
};

static struct sqlite_store *sqlite_of(struct store *s)
{
	return (struct sqlite_store *)(void *)s;
}

/* ---- queues of jobs ---- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct queue *q, struct job *j)
{
	j->next = NULL;
	*q->last = j;
	q->last = &j->next;
}

static struct job *queue_take(struct queue *q)
{
	struct job *first = q->first;
	queue_init(q);
	return first;
}

/* What goes into one transaction: at least one job. */
static struct job *queue_take_run(struct queue *q, const struct store_sqlite_options *o)
{
	struct job *first = q->first, *j = first;
	uint64_t ops = 0, bytes = 0;
	for (;;) {
		ops += j->kind == JOB_BATCH ? j->batch->n : j->load.n;
		bytes += j->kind == JOB_BATCH ? j->batch->bytes : j->load.bytes / 4; /* rarely full */
		if (!j->next || ops >= o->run_ops_max || bytes >= o->run_bytes_max)
			break;
		j = j->next;
	}
	q->first = j->next;
	if (!q->first)
		q->last = &q->first;
	j->next = NULL;
	return first;
}

/* ---- outcomes ---- */

static struct job *state_job(struct sq *s)
{
	if (!s->state_changed)
		return NULL;
	struct job *j = mem_zalloc(sizeof(*j));
	j->kind = JOB_STATE;
	j->state = s->state;
	memcpy(j->why, s->why, sizeof(j->why));
	s->state_changed = false;
	return j;
}

/* Puts a finished run, and a change of state before it, into the outbox. True
 * when the loop has to be woken. */
static bool finish(struct sqlite_store *s, struct job *first)
{
	bool was_empty = !s->outbox.first;
	struct job *state = state_job(&s->sq);
	if (state)
		queue_add(&s->outbox, state);
	while (first) {
		struct job *next = first->next;
		queue_add(&s->outbox, first);
		first = next;
	}
	return was_empty && s->outbox.first;
}

static void wake(struct sqlite_store *s)
{
	if (s->store.wake)
		s->store.wake(s->store.wake_ctx);
}

static void raise_job(struct sqlite_store *s, struct job *j)
{
	const struct store_sink *sink = &s->store.sink;
	if (j->kind == JOB_STATE) {
		if (sink->state)
			sink->state(sink->ctx, j->state, j->why);
		return;
	}
	s->waiting--;
	if (j->kind == JOB_BATCH) {
		j->batch->done(j->batch, j->batch->ctx);
	} else if (sink->loaded) {
		sink->loaded(sink->ctx, &j->out); /* its messages are the engine's now */
		free(j->out.entries);
	} else {
		sq_loaded_free(&j->out);
	}
}

/* ---- the writer ---- */

static void wait_until(struct sqlite_store *s, int64_t mono_us)
{
	struct timespec at = {.tv_sec = (time_t)(mono_us / 1000000),
			      .tv_nsec = (long)(mono_us % 1000000) * 1000};
	pthread_cond_timedwait(&s->work, &s->mutex, &at);
}

/* When the writer has something to do of its own, were nothing handed in:
 * trying again after a failure, tidying once it has been idle for a while. */
static int64_t own_work_us(const struct sqlite_store *s)
{
	if (s->hold)
		return INT64_MAX;
	if (sq_failed(&s->sq))
		return s->sq.retry_us;
	return sq_untidy(&s->sq) ? s->last_run_us + IDLE_US : INT64_MAX;
}

/* Waits for work. Called and returns with the mutex held. */
static void writer_wait(struct sqlite_store *s, int64_t until_us)
{
	s->busy = false;
	pthread_cond_broadcast(&s->rest);
	if (until_us != INT64_MAX)
		wait_until(s, until_us);
	else
		pthread_cond_wait(&s->work, &s->mutex);
}

static void writer_post(struct sqlite_store *s, struct job *run)
{
	if (!run && !s->sq.state_changed)
		return;
	pthread_mutex_lock(&s->mutex);
	bool call = finish(s, run);
	pthread_mutex_unlock(&s->mutex);
	if (call)
		wake(s);
}

/* The writer's turn without the mutex: a run, or with none its own work. */
static void writer_turn(struct sqlite_store *s, struct job *run)
{
	if (sq_failed(&s->sq))
		sq_recover(&s->sq, false);
	else if (!run)
		sq_tidy(&s->sq, true);
	if (run)
		sq_run(&s->sq, run);
	writer_post(s, run);
	if (!run)
		return;
	sq_tidy(&s->sq, false); /* the run's outcomes are already on their way */
	writer_post(s, NULL);
	s->last_run_us = (int64_t)clock_mono_us();
}

static void *writer_main(void *arg)
{
	struct sqlite_store *s = arg;
	pthread_mutex_lock(&s->mutex);
	for (;;) {
		struct job *run = NULL;
		if (s->inbox.first) {
			run = queue_take_run(&s->inbox, &s->sq.o);
		} else if (s->stop) {
			break;
		} else {
			int64_t at = own_work_us(s);
			if (at == INT64_MAX || at > (int64_t)clock_mono_us()) {
				writer_wait(s, at);
				continue;
			}
		}
		s->busy = true;
		pthread_mutex_unlock(&s->mutex);
		writer_turn(s, run);
		pthread_mutex_lock(&s->mutex);
	}
	s->busy = false;
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* The caller may use `sq` until sq_give. */
static void sq_take(struct sqlite_store *s)
{
	if (!s->sq.o.threaded)
		return;
	pthread_mutex_lock(&s->mutex);
	s->hold = true;
	while (s->inbox.first || s->busy)
		pthread_cond_wait(&s->rest, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

static void sq_give(struct sqlite_store *s)
{
	if (!s->sq.o.threaded)
		return;
	pthread_mutex_lock(&s->mutex);
	s->hold = false;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
}

/* ---- the door ---- */

static void job_add(struct sqlite_store *s, struct job *j)
{
	s->waiting++;
	if (!s->sq.o.threaded) {
		sq_run(&s->sq, j);
		sq_tidy(&s->sq, false);
		if (finish(s, j))
			wake(s);
		return;
	}
	pthread_mutex_lock(&s->mutex);
	bool sleeping = !s->busy;
	queue_add(&s->inbox, j);
	pthread_mutex_unlock(&s->mutex);
	if (sleeping)
		pthread_cond_signal(&s->work);
}

static void sqlite_submit(struct store *s, struct store_batch *b)
{
	struct job *j = mem_zalloc(sizeof(*j));
	j->kind = JOB_BATCH;
	j->batch = b;
	job_add(sqlite_of(s), j);
}

static void sqlite_load(struct store *s, const struct store_load *l)
{
	struct job *j = mem_zalloc(sizeof(*j));
	j->kind = JOB_LOAD;
	j->load = *l;
	job_add(sqlite_of(s), j);
}

static void sqlite_load_cancel(struct store *store, uint64_t tag)
{
	struct sqlite_store *s = sqlite_of(store);
	pthread_mutex_lock(&s->mutex);
	for (struct job *j = s->inbox.first; j; j = j->next)
		if (j->kind == JOB_LOAD && j->load.tag == tag)
			j->cancelled = true;
	pthread_mutex_unlock(&s->mutex);
}

static int raise_all(struct sqlite_store *s)
{
	int n = 0;
	pthread_mutex_lock(&s->mutex);
	struct job *j = queue_take(&s->outbox);
	pthread_mutex_unlock(&s->mutex);
	for (struct job *next; j; j = next, n++) {
		next = j->next;
		raise_job(s, j);
		free(j);
	}
	return n;
}

static int sqlite_poll(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);
	int n = raise_all(s);
	if (!s->sq.o.threaded) { /* the writer's own work */
		if (sq_failed(&s->sq))
			sq_recover(&s->sq, true);
		else if (n == 0)
			sq_tidy(&s->sq, true);
		if (finish(s, NULL))
			wake(s);
	}
	return n;
}

static bool sqlite_idle(const struct store *s)
{
	return ((const struct sqlite_store *)(const void *)s)->waiting == 0;
}

static bool sqlite_rows(struct store *store, void (*each)(void *ctx, const struct store_queue_row *row),
			void *ctx)
{
	struct sqlite_store *s = sqlite_of(store);
	sq_take(s);
	int rc = sq_failed(&s->sq) ? SQLITE_IOERR : sq_rows(&s->sq, each, ctx);
	sq_give(s);
	if (rc != SQLITE_OK)
		log_error("store.rows", "error=\"%s\"", sqlite3_errstr(rc));
	return rc == SQLITE_OK;
}

static bool sqlite_defs(struct store *store, struct view kind,
			void (*each)(void *ctx, struct view key, struct view value, uint64_t version),
			void *ctx)
{
	struct sqlite_store *s = sqlite_of(store);
	sq_take(s);
	int rc = sq_failed(&s->sq) ? SQLITE_IOERR : sq_defs(&s->sq, kind, each, ctx);
	sq_give(s);
	if (rc != SQLITE_OK)
		log_error("store.defs", "error=\"%s\"", sqlite3_errstr(rc));
	return rc == SQLITE_OK;
}

static void store_free(struct sqlite_store *s)
{
	sq_shut(&s->sq);
	if (s->sq.o.scratch)
		sq_clear(&s->sq);
	if (s->sq.o.scratch && s->sq.o.blobs)
		blobs_scratch_end(s->sq.o.blobs);
	gather_free(s->sq.gather);
	sq_markers_free(&s->sq);
	free(s->sq.touched);
	free(s->sq.found);
	buf_fini(&s->sq.header);
	buf_fini(&s->sq.flat);
	free(s->sq.path);
	free((void *)(uintptr_t)s->sq.o.dir);
	free((void *)(uintptr_t)s->sq.o.vfs);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->rest);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

static void sqlite_close(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);
	if (s->sq.o.threaded) {
		pthread_mutex_lock(&s->mutex);
		s->stop = true;
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(s->thread, NULL);
		s->sq.o.threaded = false; /* what `done` submits now is done at once */
	}
	while (raise_all(s))
		;
	store_free(s);
}

static const struct store_ops sqlite_ops = {
	.name = "sqlite",
	.caps = STORE_ORDER | STORE_PRIORITY | STORE_BROWSE | STORE_EXACT_COUNTS |
		STORE_GROUPS_ATOMIC | STORE_MOVE | STORE_TTL | STORE_SURVIVES,
	.submit = sqlite_submit,
	.load = sqlite_load,
	.load_cancel = sqlite_load_cancel,
	.poll = sqlite_poll,
	.idle = sqlite_idle,
	.rows = sqlite_rows,
	.defs = sqlite_defs,
	.close = sqlite_close,
};

/* ---- opening ---- */

void store_sqlite_options_default(struct store_sqlite_options *o, const char *dir)
{
	*o = (struct store_sqlite_options){.dir = dir, .threaded = true, .synchronous = 2};
}

static void defaults(struct store_sqlite_options *o)
{
	const uint64_t mib = 1024 * 1024;
	o->run_ops_max = o->run_ops_max ? o->run_ops_max : 20000;
	o->run_bytes_max = o->run_bytes_max ? o->run_bytes_max : 8 * mib;
	o->checkpoint_pages = o->checkpoint_pages ? o->checkpoint_pages : 1000;
	o->slice_entries = o->slice_entries ? o->slice_entries : 500;
	o->share_bytes_min = o->share_bytes_min ? o->share_bytes_min : 1024;
	o->apart_bytes_min = o->apart_bytes_min ? o->apart_bytes_min : 4096;
	o->slack_bytes = o->slack_bytes ? o->slack_bytes : 64 * mib;
	o->cache_bytes = o->cache_bytes ? o->cache_bytes : 32 * mib;
	o->retry_ms = o->retry_ms ? o->retry_ms : 100;
	o->retry_ms_max = o->retry_ms_max ? o->retry_ms_max : 5000;
}

static char *copy(const char *text)
{
	size_t n = strlen(text) + 1;
	return memcpy(mem_alloc(n), text, n);
}

static char *path_of(const struct store_sqlite_options *o)
{
	const char *name = o->scratch ? "spill.db" : "mqbridge.db";
	size_t n = strlen(o->dir) + strlen(name) + 2;
	char *path = mem_alloc(n);
	snprintf(path, n, "%s/%s", o->dir, name);
	return path;
}

static void sq_init(struct sq *s, const struct store_sqlite_options *o)
{
	s->o = *o;
	defaults(&s->o);
	s->o.dir = copy(o->dir);
	s->o.vfs = o->vfs ? copy(o->vfs) : NULL;
	s->backoff_ms = s->o.retry_ms;
	/* A commit that is not synced has to be the kernel's at once. */
	if (s->o.synchronous >= 2)
		s->gather = gather_new(s->o.vfs);
	buf_init(&s->header, UINT32_MAX);
	buf_init(&s->flat, UINT32_MAX);
	s->path = path_of(o);
}

static void sync_init(struct sqlite_store *s)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->rest, &attr);
	pthread_condattr_destroy(&attr);
	queue_init(&s->inbox);
	queue_init(&s->outbox);
}

struct store *store_sqlite_open(const struct store_sqlite_options *o, struct error *e)
{
	/* Nobody asks SQLite how much it allocated; counting takes a mutex each time.
	 * Refused, and of no matter, once SQLite is in use. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	struct sqlite_store *s = mem_zalloc(sizeof(*s));
	s->store.ops = &sqlite_ops;
	sq_init(&s->sq, o);
	sync_init(s);
	s->lock_fd = o->scratch ? -1 : sq_lock(o->dir, e);
	if (o->scratch)
		sq_clear(&s->sq);
	if ((s->lock_fd < 0 && !o->scratch) || sq_open(&s->sq, e) != SQLITE_OK) {
		store_free(s);
		return NULL;
	}
	if (!sq_files_list(&s->sq)) {
		error_set(e, CODE_UNAVAILABLE, "the files of large bodies in %s cannot be listed", o->dir);
		store_free(s);
		return NULL;
	}
	if (o->threaded && pthread_create(&s->thread, NULL, writer_main, s) != 0) {
		error_set(e, CODE_UNAVAILABLE, "no thread for the store");
		store_free(s);
		return NULL;
	}
	return &s->store;
}
