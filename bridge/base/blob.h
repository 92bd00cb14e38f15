/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies outside of memory: the door of what keeps them (store/blobs.h is
 * a directory of files) to those who write and read them. A *blob* is the bytes of
 * one finished body, immutable, counted; struct body holds it (body_outside).
 *
 * A body that arrives is handed in as it comes and leaves memory at once:
 *
 *   blob_begin → blob_add* → blob_end → done    or   blob_abort, at any time before
 *
 * Everything here is for the loop thread; answers come from the keeper's poll,
 * never from inside a call. The requests lie in their askers. */
#ifndef MQB_BASE_BLOB_H
#define MQB_BASE_BLOB_H

#include "base/body.h"

/* A body on its way out of memory. */
struct blob_write {
	/* Fewer bytes wait than before; may be NULL. */
	void (*moved)(struct blob_write *w);
	/* It is on disk: a body, one reference, the asker's. NULL: it could not be
	 * written, and nothing is left of it. */
	void (*done)(struct blob_write *w, struct body *body);
	uint64_t waiting; /* bytes on their way to the disk */
	void *upload;     /* the keeper's; NULL: not begun, done or aborted */
};

/* A piece of a blob on its way into memory. */
struct blob_read {
	/* A body in memory, one reference, the asker's; NULL: it cannot be read. */
	void (*done)(struct blob_read *r, struct body *piece);
	void *job; /* the keeper's; NULL: nothing is being read */
};

struct blob {
	const struct blob_ops *ops;
	uint64_t id; /* not 0; never given twice */
};

struct blob_ops {
	void (*unref)(struct blob *b);
	void (*read)(struct blob *b, uint64_t offset, size_t n, struct blob_read *r);
	void (*cancel)(struct blob *b, struct blob_read *r);
	bool (*read_now)(struct blob *b, uint64_t offset, uint8_t *dst, size_t n);
};

struct blobs {
	const struct blobs_ops *ops;
	uint64_t bytes_min; /* of a durable body that should lie here */
	uint64_t ahead_max; /* bytes of one body that may wait in memory before its sender should */
};

struct blobs_ops {
	void (*begin)(struct blobs *b, struct blob_write *w);
	bool (*add)(struct blob_write *w, struct view bytes);
	void (*end)(struct blob_write *w);
	void (*abort)(struct blob_write *w);
};

static inline void blob_begin(struct blobs *b, struct blob_write *w)
{
	b->ops->begin(b, w);
}

/* Copies. false: memory is gone; abort it. */
static inline bool blob_add(struct blobs *b, struct blob_write *w, struct view bytes)
{
	return b->ops->add(w, bytes);
}

static inline void blob_end(struct blobs *b, struct blob_write *w)
{
	b->ops->end(w);
}

/* Also while `done` is awaited: it does not come. */
static inline void blob_abort(struct blobs *b, struct blob_write *w)
{
	if (w->upload)
		b->ops->abort(w);
}

/* From any thread. */
static inline void blob_unref(struct blob *b)
{
	b->ops->unref(b);
}

/* n bytes from offset, which it has. */
static inline void blob_read(struct blob *b, uint64_t offset, size_t n, struct blob_read *r)
{
	b->ops->read(b, offset, n, r);
}

static inline void blob_cancel(struct blob *b, struct blob_read *r)
{
	if (r->job)
		b->ops->cancel(b, r);
}

/* The same, waiting for the disk; false: it cannot be read. From any thread. */
static inline bool blob_read_now(struct blob *b, uint64_t offset, uint8_t *dst, size_t n)
{
	return b->ops->read_now(b, offset, dst, n);
}

#endif
