/* SPDX-License-Identifier: Apache-2.0 */
/* The key that seals secrets: 32 random bytes in DIR/master.key, mode 0600. It
 * is written beside, synced and linked into place, so that it is there whole or
 * not at all, and never replaced by a second process. */
#include "access/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"

enum { MASTER_KEY = 32, PATH_BYTES = 4096 };

/* 1: read, 0: there is none, -1: failed. */
static int key_read(const char *path, uint8_t key[MASTER_KEY], struct error *e)
{
	uint8_t extra;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), ok = -1;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) != 0)
		error_set(e, CODE_UNAVAILABLE, "%s: %s", path, strerror(errno));
	else if (st.st_mode & 077)
		error_set(e, CODE_REFUSED, "%s: readable by others; its mode must be 0600", path);
	else if (read(fd, key, MASTER_KEY) != MASTER_KEY || read(fd, &extra, 1) != 0)
		error_set(e, CODE_INVALID, "%s: is not a key of %d bytes", path, MASTER_KEY);
	else
		ok = 1;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool bytes_write(int fd, const uint8_t *p, size_t n)
{
	return write(fd, p, n) == (ssize_t)n && fsync(fd) == 0;
}

static bool dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool key_make(const char *dir, const char *path, struct error *e)
{
	uint8_t key[MASTER_KEY];
	char fresh[PATH_BYTES];
	bool ok = false;
	int fd;

	snprintf(fresh, sizeof fresh, "%s/master.key.XXXXXX", dir);
	fd = mkostemp(fresh, O_CLOEXEC); /* mode 0600 */
	if (fd >= 0) {
		random_secret(key, sizeof key);
		ok = bytes_write(fd, key, sizeof key) && (link(fresh, path) == 0 || errno == EEXIST) &&
		     dir_sync(dir);
		explicit_bzero(key, sizeof key);
	}
	if (!ok)
		error_set(e, CODE_UNAVAILABLE, "%s: %s", path, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(fresh);
	}
	return ok;
}

bool access_master_key_load(const char *dir, uint8_t key[32], struct error *e)
{
	char path[PATH_BYTES];
	int there;

	if ((size_t)snprintf(path, sizeof path, "%s/master.key", dir) + sizeof ".XXXXXX" > sizeof path) {
		error_set(e, CODE_INVALID, "data directory: path too long");
		return false;
	}
	there = key_read(path, key, e);
	if (there == 0 && key_make(dir, path, e))
		there = key_read(path, key, e);
	return there == 1;
}
