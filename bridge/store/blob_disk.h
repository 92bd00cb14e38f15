/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of large bodies ask of a disk: a directory of files named by
 * number. The one here is a directory of the file system; tests have a disk that
 * fails and loses power on order. Answers are 0 or an errno. Calls come from
 * several threads, those on one open file from one at a time. */
#ifndef MQB_STORE_BLOB_DISK_H
#define MQB_STORE_BLOB_DISK_H

#include "base/error.h"
#include "base/view.h"

struct blob_disk {
	/* A new file, open for writing. EEXIST: there is one. */
	int (*create)(struct blob_disk *d, uint64_t id, void **file);
	/* All of it, at `at`, or an error and any part of it. */
	int (*write)(struct blob_disk *d, void *file, uint64_t at, struct view bytes);
	/* Everything written is on the medium. */
	int (*sync)(struct blob_disk *d, void *file);
	void (*close)(struct blob_disk *d, void *file);
	/* Every file that was created, and every removal, is on the medium. */
	int (*sync_names)(struct blob_disk *d);
	/* For reading. */
	int (*open)(struct blob_disk *d, uint64_t id, void **file);
	/* ENODATA: the file ends before. */
	int (*read)(struct blob_disk *d, void *file, uint64_t at, uint8_t *dst, size_t n);
	int (*size)(struct blob_disk *d, uint64_t id, uint64_t *bytes);
	int (*remove)(struct blob_disk *d, uint64_t id);
	int (*list)(struct blob_disk *d, void (*each)(void *ctx, uint64_t id), void *ctx);
	void (*free)(struct blob_disk *d);
};

/* The directory `bodies` in `dir`, made when absent. NULL and *e. */
struct blob_disk *blob_disk_open(const char *dir, struct error *e);

#endif
