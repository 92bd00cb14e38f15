/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of the file system; a file's name is its number in hexadecimal. */
#include "store/blob_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

enum {
	NAME_DIGITS = 16,
	PUSH_BYTES = 8 * 1024 * 1024, /* the kernel starts to write after so many: the sync then waits for few */
};

struct disk {
	struct blob_disk door;
	int fd; /* of the directory */
};

struct open_file {
	int fd;
	uint64_t pushed; /* bytes the kernel was asked to write */
};

static int fd_of(struct blob_disk *d)
{
	return ((struct disk *)(void *)d)->fd;
}

static void name_of(uint64_t id, char name[NAME_DIGITS + 1])
{
	snprintf(name, NAME_DIGITS + 1, "%016llx", (unsigned long long)id);
}

static int open_as(struct blob_disk *d, uint64_t id, int flags, void **file)
{
	char name[NAME_DIGITS + 1];
	struct open_file *f;

	name_of(id, name);
	int fd = openat(fd_of(d), name, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	f = mem_zalloc(sizeof(*f));
	f->fd = fd;
	*file = f;
	return 0;
}

static int disk_create(struct blob_disk *d, uint64_t id, void **file)
{
	return open_as(d, id, O_WRONLY | O_CREAT | O_EXCL, file);
}

static int disk_open(struct blob_disk *d, uint64_t id, void **file)
{
	return open_as(d, id, O_RDONLY, file);
}

static int disk_write(struct blob_disk *d, void *file, uint64_t at, struct view bytes)
{
	struct open_file *f = file;

	(void)d;
	while (bytes.n) {
		ssize_t n = pwrite(f->fd, bytes.p, bytes.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		at += (uint64_t)n;
		bytes = view_skip(bytes, (size_t)n);
	}
	if (at - f->pushed >= PUSH_BYTES) {
		/* A hint; what fails shows at the sync. */
		sync_file_range(f->fd, (off_t)f->pushed, (off_t)(at - f->pushed), SYNC_FILE_RANGE_WRITE);
		f->pushed = at;
	}
	return 0;
}

static int disk_sync(struct blob_disk *d, void *file)
{
	(void)d;
	return fdatasync(((struct open_file *)file)->fd) == 0 ? 0 : errno;
}

static void disk_close(struct blob_disk *d, void *file)
{
	(void)d;
	close(((struct open_file *)file)->fd);
	free(file);
}

static int disk_sync_names(struct blob_disk *d)
{
	return fsync(fd_of(d)) == 0 ? 0 : errno;
}

static int disk_read(struct blob_disk *d, void *file, uint64_t at, uint8_t *dst, size_t n)
{
	(void)d;
	while (n) {
		ssize_t got = pread(((struct open_file *)file)->fd, dst, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? errno : ENODATA;
		at += (uint64_t)got;
		dst += got;
		n -= (size_t)got;
	}
	return 0;
}

static int disk_size(struct blob_disk *d, uint64_t id, uint64_t *bytes)
{
	char name[NAME_DIGITS + 1];
	struct stat st;

	name_of(id, name);
	if (fstatat(fd_of(d), name, &st, 0) != 0)
		return errno;
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static int disk_remove(struct blob_disk *d, uint64_t id)
{
	char name[NAME_DIGITS + 1];

	name_of(id, name);
	return unlinkat(fd_of(d), name, 0) == 0 ? 0 : errno;
}

/* false: not a name of ours. */
static bool id_of(const char *name, uint64_t *id)
{
	*id = 0;
	for (int i = 0; i < NAME_DIGITS; i++) {
		char c = name[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		*id = *id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return name[NAME_DIGITS] == 0;
}

static int disk_list(struct blob_disk *d, void (*each)(void *ctx, uint64_t id), void *ctx)
{
	int fd = openat(fd_of(d), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *at;
	uint64_t id;

	if (!dir) {
		int rc = errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	errno = 0;
	while ((at = readdir(dir)) != NULL)
		if (id_of(at->d_name, &id))
			each(ctx, id);
	int rc = errno;
	closedir(dir);
	return rc;
}

static void disk_free(struct blob_disk *d)
{
	close(fd_of(d));
	free(d);
}

/* The directory itself has to be there after a loss of power, too. */
static int parent_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int rc = fsync(fd) == 0 ? 0 : errno;
	close(fd);
	return rc;
}

static int dir_open(const char *dir, int *fd)
{
	size_t n = strlen(dir) + sizeof("/bodies");
	char *path = mem_alloc(n);
	int rc = 0;

	snprintf(path, n, "%s/bodies", dir);
	if (mkdir(path, 0700) == 0)
		rc = parent_sync(dir);
	else if (errno != EEXIST)
		rc = errno;
	*fd = rc ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && *fd < 0)
		rc = errno;
	free(path);
	return rc;
}

struct blob_disk *blob_disk_open(const char *dir, struct error *e)
{
	struct disk *d;
	int fd, rc = dir_open(dir, &fd);

	if (rc) {
		error_set(e, CODE_UNAVAILABLE, "%s/bodies: %s", dir, strerror(rc));
		return NULL;
	}
	d = mem_zalloc(sizeof(*d));
	d->fd = fd;
	d->door = (struct blob_disk){
		.create = disk_create, .write = disk_write, .sync = disk_sync, .close = disk_close,
		.sync_names = disk_sync_names, .open = disk_open, .read = disk_read, .size = disk_size, .remove = disk_remove,
		.list = disk_list, .free = disk_free,
	};
	return &d->door;
}
