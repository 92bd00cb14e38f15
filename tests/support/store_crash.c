/* SPDX-License-Identifier: Apache-2.0 */
/* Every file keeps what readers see (`now`), what a power loss leaves
 * (`durable`), and the changes between them in order (`pending`). A handle
 * remembers the life of the machine it was opened in; a power loss begins a new
 * one, so handles of the old fail for ever. */
#include "support/store_crash.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"

enum { PAGE = 512, FILES_MAX = 2048 };

struct image {
	uint8_t *p;
	size_t n, cap;
};

struct change {
	struct change *next;
	bool truncate;
	size_t at, n; /* truncate: at is the new length */
	uint8_t bytes[];
};

struct file {
	char *name; /* NULL: free */
	bool blob;  /* of a large body, and then: */
	bool named; /* its name is on the medium */
	bool gone;  /* removed, but not on the medium */
	struct image now, durable;
	struct change *first, **last;
};

struct store_crash {
	sqlite3_vfs vfs;
	pthread_mutex_t mutex;
	struct file files[FILES_MAX];
	struct rng rng;
	uint64_t calls, from; /* faults meet calls from this one on */
	enum crash_fault fault;
	uint64_t left; /* faults still to meet calls */
	bool hit, tear, down;
	unsigned life;
};

struct handle {
	sqlite3_file base;
	struct store_crash *crash;
	struct file *file;
	unsigned life;
	bool delete_on_close;
};

/* ---- images and changes ---- */

static void image_resize(struct image *m, size_t n)
{
	if (n > m->cap)
		m->p = mem_grow(m->p, &m->cap, n, 1);
	if (n > m->n)
		memset(m->p + m->n, 0, n - m->n);
	m->n = n;
}

static void image_write(struct image *m, size_t at, const uint8_t *bytes, size_t n)
{
	if (at + n > m->n)
		image_resize(m, at + n);
	memcpy(m->p + at, bytes, n);
}

static void image_set(struct image *m, const struct image *from)
{
	image_resize(m, 0);
	if (from->n)
		image_write(m, 0, from->p, from->n);
}

static void image_apply(struct image *m, const struct change *c)
{
	if (c->truncate)
		image_resize(m, c->at);
	else
		image_write(m, c->at, c->bytes, c->n);
}

static void file_change(struct file *f, bool truncate, size_t at, const void *bytes, size_t n)
{
	struct change *c = mem_alloc(sizeof(*c) + n);
	*c = (struct change){.truncate = truncate, .at = at, .n = n};
	if (n)
		memcpy(c->bytes, bytes, n);
	*f->last = c;
	f->last = &c->next;
	image_apply(&f->now, c);
}

static void file_forget(struct file *f)
{
	while (f->first) {
		struct change *next = f->first->next;
		free(f->first);
		f->first = next;
	}
	f->last = &f->first;
}

static void file_sync(struct file *f)
{
	for (const struct change *c = f->first; c; c = c->next)
		image_apply(&f->durable, c);
	file_forget(f);
}

static void file_remove(struct file *f)
{
	file_forget(f);
	free(f->name);
	free(f->now.p);
	free(f->durable.p);
	*f = (struct file){0};
}

/* Some pages of what was never synced reach the platter after all. */
static void file_tear(struct store_crash *c, struct file *f)
{
	for (const struct change *g = f->first; g; g = g->next) {
		if (g->truncate) {
			if (rng_below(&c->rng, 2))
				image_apply(&f->durable, g);
			continue;
		}
		for (size_t at = 0; at < g->n; at += PAGE) {
			size_t n = g->n - at < PAGE ? g->n - at : PAGE;
			if (rng_below(&c->rng, 2))
				image_write(&f->durable, g->at + at, g->bytes + at, n);
		}
	}
}

/* Whether a blob is there after a loss of power, and again under its name. */
static bool name_survives(struct store_crash *c, struct file *f)
{
	bool there = f->named;
	if (c->tear && f->named == f->gone)
		there = rng_below(&c->rng, 2);
	f->named = true;
	f->gone = false;
	return there;
}

static void lose_power(struct store_crash *c)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file *f = &c->files[i];
		if (!f->name)
			continue;
		if (f->blob && !name_survives(c, f)) {
			file_remove(f);
			continue;
		}
		if (c->tear)
			file_tear(c, f);
		file_forget(f);
		image_set(&f->now, &f->durable);
	}
	c->down = true;
	c->life++;
}

/* ---- faults ---- */

/* Counts a writing call and says which fault it meets. */
static enum crash_fault meet(struct store_crash *c, bool is_write, bool is_sync)
{
	enum crash_fault fault = c->fault;
	c->calls++;
	if (fault == CRASH_NONE || c->calls < c->from || c->left == 0)
		return CRASH_NONE;
	if ((fault == CRASH_ENOSPC && !is_write) || (fault == CRASH_SYNC && !is_sync))
		return CRASH_NONE;
	if (fault == CRASH_SHORT && !is_write)
		fault = CRASH_EIO;
	c->left--;
	c->hit = true;
	if (fault == CRASH_POWER)
		lose_power(c);
	return fault;
}

static struct handle *handle_of(sqlite3_file *f)
{
	return (struct handle *)(void *)f;
}

/* Locks; false (unlocked): the machine of this handle is gone. */
static bool enter(struct handle *h)
{
	pthread_mutex_lock(&h->crash->mutex);
	if (h->crash->down || h->life != h->crash->life) {
		pthread_mutex_unlock(&h->crash->mutex);
		return false;
	}
	return true;
}

static int leave(struct handle *h, int rc)
{
	pthread_mutex_unlock(&h->crash->mutex);
	return rc;
}

/* ---- the methods of an open file ---- */

static int x_close(sqlite3_file *file)
{
	struct handle *h = handle_of(file);
	if (h->delete_on_close && enter(h)) {
		file_remove(h->file);
		leave(h, SQLITE_OK);
	}
	return SQLITE_OK;
}

static int x_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	struct handle *h = handle_of(file);
	if (!enter(h))
		return SQLITE_IOERR_READ;
	const struct image *m = &h->file->now;
	size_t have = (size_t)at < m->n ? m->n - (size_t)at : 0;
	size_t take = have < (size_t)n ? have : (size_t)n;
	memset(out, 0, (size_t)n);
	if (take)
		memcpy(out, m->p + at, take);
	return leave(h, take < (size_t)n ? SQLITE_IOERR_SHORT_READ : SQLITE_OK);
}

static int x_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct handle *h = handle_of(file);
	if (!enter(h))
		return SQLITE_IOERR_WRITE;
	switch (meet(h->crash, true, false)) {
	case CRASH_NONE:
		file_change(h->file, false, (size_t)at, bytes, (size_t)n);
		return leave(h, SQLITE_OK);
	case CRASH_ENOSPC:
		return leave(h, SQLITE_FULL);
	case CRASH_SHORT:
		file_change(h->file, false, (size_t)at, bytes, (size_t)n / 2);
		return leave(h, SQLITE_IOERR_WRITE);
	default:
		return leave(h, SQLITE_IOERR_WRITE);
	}
}

static int x_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct handle *h = handle_of(file);
	if (!enter(h))
		return SQLITE_IOERR_TRUNCATE;
	if (meet(h->crash, false, false) != CRASH_NONE)
		return leave(h, SQLITE_IOERR_TRUNCATE);
	file_change(h->file, true, (size_t)size, NULL, 0);
	return leave(h, SQLITE_OK);
}

static int x_sync(sqlite3_file *file, int flags)
{
	struct handle *h = handle_of(file);
	(void)flags;
	if (!enter(h))
		return SQLITE_IOERR_FSYNC;
	switch (meet(h->crash, false, true)) {
	case CRASH_NONE:
		file_sync(h->file);
		return leave(h, SQLITE_OK);
	case CRASH_POWER:
		return leave(h, SQLITE_IOERR_FSYNC);
	default:
		file_forget(h->file); /* visible, and no longer pending */
		return leave(h, SQLITE_IOERR_FSYNC);
	}
}

static int x_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct handle *h = handle_of(file);
	if (!enter(h))
		return SQLITE_IOERR_FSTAT;
	*size = (sqlite3_int64)h->file->now.n;
	return leave(h, SQLITE_OK);
}

static int x_lock(sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK; /* one process, one connection */
}

static int x_reserved(sqlite3_file *file, int *out)
{
	(void)file;
	*out = 0;
	return SQLITE_OK;
}

static int x_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int x_sector(sqlite3_file *file)
{
	(void)file;
	return PAGE;
}

static int x_traits(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, /* no shared memory: the store locks exclusively */
	.xClose = x_close,
	.xRead = x_read,
	.xWrite = x_write,
	.xTruncate = x_truncate,
	.xSync = x_sync,
	.xFileSize = x_size,
	.xLock = x_lock,
	.xUnlock = x_lock,
	.xCheckReservedLock = x_reserved,
	.xFileControl = x_control,
	.xSectorSize = x_sector,
	.xDeviceCharacteristics = x_traits,
};

/* ---- the methods of the file system ---- */

static struct file *file_find(struct store_crash *c, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (c->files[i].name && !c->files[i].gone && strcmp(c->files[i].name, name) == 0)
			return &c->files[i];
	return NULL;
}

static struct file *file_add(struct store_crash *c, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file *f = &c->files[i];
		if (f->name)
			continue;
		size_t n = strlen(name) + 1;
		f->name = memcpy(mem_alloc(n), name, n);
		f->last = &f->first;
		return f;
	}
	return NULL;
}

static int x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct store_crash *c = vfs->pAppData;
	struct handle *h = handle_of(file);
	*h = (struct handle){.crash = c};
	pthread_mutex_lock(&c->mutex);
	h->life = c->life;
	h->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
	if (!c->down) {
		h->file = name ? file_find(c, name) : NULL;
		if (!h->file && (flags & SQLITE_OPEN_CREATE))
			h->file = file_add(c, name ? name : "(temporary)");
	}
	pthread_mutex_unlock(&c->mutex);
	if (!h->file)
		return SQLITE_CANTOPEN;
	h->base.pMethods = &methods;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	struct store_crash *c = vfs->pAppData;
	int rc = SQLITE_IOERR_DELETE;
	(void)sync_dir;
	pthread_mutex_lock(&c->mutex);
	if (!c->down && meet(c, false, false) == CRASH_NONE) {
		struct file *f = file_find(c, name);
		rc = f ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
		if (f)
			file_remove(f);
	}
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

static int x_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct store_crash *c = vfs->pAppData;
	pthread_mutex_lock(&c->mutex);
	const struct file *f = file_find(c, name);
	/* An empty journal is as good as none (what the Unix VFS answers, too). */
	*out = f && (flags != SQLITE_ACCESS_EXISTS || f->now.n > 0);
	pthread_mutex_unlock(&c->mutex);
	return SQLITE_OK;
}

static int x_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	(void)vfs;
	sqlite3_snprintf(n, out, "%s", name);
	return SQLITE_OK;
}

static int x_random(sqlite3_vfs *vfs, int n, char *out)
{
	struct store_crash *c = vfs->pAppData;
	pthread_mutex_lock(&c->mutex);
	for (int i = 0; i < n; i++)
		out[i] = (char)rng_below(&c->rng, 256);
	pthread_mutex_unlock(&c->mutex);
	return n;
}

static int x_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int x_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	*out = 2460000.5; /* nothing the store does asks for the day */
	return SQLITE_OK;
}

static int x_last_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	(void)n;
	(void)out;
	return 0;
}

/* ---- files of large bodies ---- */

struct crash_disk {
	struct blob_disk door;
	struct store_crash *crash;
	unsigned life;
};

struct blob_handle {
	struct file *file;
};

static struct store_crash *crash_of(struct blob_disk *d)
{
	return ((struct crash_disk *)(void *)d)->crash;
}

/* Locks; false (unlocked): the machine it was opened on is gone. */
static bool disk_enter(struct blob_disk *d)
{
	struct store_crash *c = crash_of(d);
	pthread_mutex_lock(&c->mutex);
	if (!c->down && ((struct crash_disk *)(void *)d)->life == c->life)
		return true;
	pthread_mutex_unlock(&c->mutex);
	return false;
}

static int disk_leave(struct blob_disk *d, int rc)
{
	pthread_mutex_unlock(&crash_of(d)->mutex);
	return rc;
}

static int errno_of(enum crash_fault fault)
{
	return fault == CRASH_NONE ? 0 : fault == CRASH_ENOSPC ? ENOSPC : EIO;
}

static struct file *blob_find(struct blob_disk *d, uint64_t id)
{
	char name[32];
	sqlite3_snprintf(sizeof(name), name, "blob %llu", (unsigned long long)id);
	return file_find(crash_of(d), name);
}

static int disk_create(struct blob_disk *d, uint64_t id, void **file)
{
	char name[32];
	if (!disk_enter(d))
		return EIO;
	int rc = errno_of(meet(crash_of(d), true, false));
	if (rc)
		return disk_leave(d, rc);
	if (blob_find(d, id))
		return disk_leave(d, EEXIST);
	sqlite3_snprintf(sizeof(name), name, "blob %llu", (unsigned long long)id);
	struct file *f = file_add(crash_of(d), name);
	must(f);
	f->blob = true;
	struct blob_handle *h = mem_alloc(sizeof(*h));
	h->file = f;
	*file = h;
	return disk_leave(d, 0);
}

static int disk_write(struct blob_disk *d, void *file, uint64_t at, struct view bytes)
{
	if (!disk_enter(d))
		return EIO;
	enum crash_fault fault = meet(crash_of(d), true, false);
	size_t n = fault == CRASH_NONE ? bytes.n : fault == CRASH_SHORT ? bytes.n / 2 : 0;
	if (n)
		file_change(((struct blob_handle *)file)->file, false, (size_t)at, bytes.p, n);
	return disk_leave(d, errno_of(fault));
}

static int disk_sync(struct blob_disk *d, void *file)
{
	if (!disk_enter(d))
		return EIO;
	enum crash_fault fault = meet(crash_of(d), false, true);
	struct file *f = ((struct blob_handle *)file)->file;
	if (fault == CRASH_NONE)
		file_sync(f);
	else if (fault != CRASH_POWER)
		file_forget(f);
	return disk_leave(d, errno_of(fault));
}

static void disk_close(struct blob_disk *d, void *file)
{
	(void)d;
	free(file);
}

static int disk_sync_names(struct blob_disk *d)
{
	if (!disk_enter(d))
		return EIO;
	struct store_crash *c = crash_of(d);
	int rc = errno_of(meet(c, false, true));
	for (size_t i = 0; !rc && i < FILES_MAX; i++) {
		struct file *f = &c->files[i];
		if (!f->name || !f->blob)
			continue;
		f->named = true;
		if (f->gone)
			file_remove(f);
	}
	return disk_leave(d, rc);
}

static int disk_open(struct blob_disk *d, uint64_t id, void **file)
{
	if (!disk_enter(d))
		return EIO;
	if (!blob_find(d, id))
		return disk_leave(d, ENOENT);
	struct blob_handle *h = mem_alloc(sizeof(*h));
	h->file = blob_find(d, id);
	*file = h;
	return disk_leave(d, 0);
}

static int disk_read(struct blob_disk *d, void *file, uint64_t at, uint8_t *dst, size_t n)
{
	if (!disk_enter(d))
		return EIO;
	const struct file *f = ((struct blob_handle *)file)->file;
	if (f->now.n < at + n)
		return disk_leave(d, ENODATA);
	memcpy(dst, f->now.p + at, n);
	return disk_leave(d, 0);
}

static int disk_size(struct blob_disk *d, uint64_t id, uint64_t *bytes)
{
	if (!disk_enter(d))
		return EIO;
	const struct file *f = blob_find(d, id);
	*bytes = f ? f->now.n : 0;
	return disk_leave(d, f ? 0 : ENOENT);
}

static int disk_remove(struct blob_disk *d, uint64_t id)
{
	if (!disk_enter(d))
		return EIO;
	struct file *f = blob_find(d, id);
	int rc = f ? errno_of(meet(crash_of(d), false, false)) : ENOENT;
	if (!rc && f->named)
		f->gone = true;
	else if (!rc)
		file_remove(f);
	return disk_leave(d, rc);
}

static int disk_list(struct blob_disk *d, void (*each)(void *ctx, uint64_t id), void *ctx)
{
	if (!disk_enter(d))
		return EIO;
	const struct store_crash *c = crash_of(d);
	uint64_t ids[FILES_MAX];
	size_t n = 0;
	for (size_t i = 0; i < FILES_MAX; i++)
		if (c->files[i].name && c->files[i].blob && !c->files[i].gone)
			ids[n++] = strtoull(c->files[i].name + strlen("blob "), NULL, 10);
	disk_leave(d, 0);
	for (size_t i = 0; i < n; i++)
		each(ctx, ids[i]);
	return 0;
}

static void disk_free(struct blob_disk *d)
{
	free(d);
}

struct blob_disk *store_crash_disk(struct store_crash *c)
{
	struct crash_disk *d = mem_zalloc(sizeof(*d));
	d->crash = c;
	d->life = c->life;
	d->door = (struct blob_disk){
		.create = disk_create, .write = disk_write, .sync = disk_sync, .close = disk_close,
		.sync_names = disk_sync_names, .open = disk_open, .read = disk_read, .size = disk_size, .remove = disk_remove,
		.list = disk_list, .free = disk_free,
	};
	return &d->door;
}

size_t store_crash_blobs(struct store_crash *c)
{
	size_t n = 0;
	pthread_mutex_lock(&c->mutex);
	for (size_t i = 0; i < FILES_MAX; i++)
		n += c->files[i].name && c->files[i].blob && !c->files[i].gone;
	pthread_mutex_unlock(&c->mutex);
	return n;
}

/* ---- the test's side ---- */

struct store_crash *store_crash_new(const char *name, uint64_t seed)
{
	struct store_crash *c = mem_zalloc(sizeof(*c));
	size_t n = strlen(name) + 1;
	rng_seed(&c->rng, seed);
	pthread_mutex_init(&c->mutex, NULL);
	c->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 1024,
		.zName = memcpy(mem_alloc(n), name, n),
		.pAppData = c,
		.xOpen = x_open,
		.xDelete = x_delete,
		.xAccess = x_access,
		.xFullPathname = x_path,
		.xRandomness = x_random,
		.xSleep = x_sleep,
		.xCurrentTime = x_time,
		.xGetLastError = x_last_error,
	};
	must(sqlite3_vfs_register(&c->vfs, 0) == SQLITE_OK);
	return c;
}

void store_crash_free(struct store_crash *c)
{
	sqlite3_vfs_unregister(&c->vfs);
	for (size_t i = 0; i < FILES_MAX; i++)
		if (c->files[i].name)
			file_remove(&c->files[i]);
	free((void *)(uintptr_t)c->vfs.zName);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

uint64_t store_crash_calls(const struct store_crash *c)
{
	struct store_crash *w = (struct store_crash *)(uintptr_t)c;
	pthread_mutex_lock(&w->mutex);
	uint64_t n = c->calls;
	pthread_mutex_unlock(&w->mutex);
	return n;
}

void store_crash_fault(struct store_crash *c, enum crash_fault fault, uint64_t nth, uint64_t times)
{
	pthread_mutex_lock(&c->mutex);
	c->fault = fault;
	c->from = c->calls + nth;
	c->left = times;
	c->hit = false;
	pthread_mutex_unlock(&c->mutex);
}

bool store_crash_hit(const struct store_crash *c)
{
	struct store_crash *w = (struct store_crash *)(uintptr_t)c;
	pthread_mutex_lock(&w->mutex);
	bool hit = c->hit;
	pthread_mutex_unlock(&w->mutex);
	return hit;
}

void store_crash_power_loss(struct store_crash *c)
{
	pthread_mutex_lock(&c->mutex);
	lose_power(c);
	pthread_mutex_unlock(&c->mutex);
}

void store_crash_tear(struct store_crash *c, bool on)
{
	pthread_mutex_lock(&c->mutex);
	c->tear = on;
	pthread_mutex_unlock(&c->mutex);
}

void store_crash_restart(struct store_crash *c)
{
	pthread_mutex_lock(&c->mutex);
	c->down = false;
	c->fault = CRASH_NONE;
	c->hit = false;
	pthread_mutex_unlock(&c->mutex);
}
