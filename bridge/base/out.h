/* SPDX-License-Identifier: Apache-2.0 */
/* The out-queue of a connection: protocol bytes are copied in, bodies are held
 * by reference, net takes iovecs out. Sans-I/O heads write here; a test reads
 * it flat. Segments lie in a ring; protocol bytes lie in chunks that several
 * segments may share, so that header, body, header, body costs no allocation
 * each. Invariants: `bytes` is the sum of all segments' unsent bytes, none of
 * which is empty; a segment that names a body or a chunk holds one reference
 * until it is consumed; drained, it holds no chunk. For the loop thread only. */
#ifndef MQB_BASE_OUT_H
#define MQB_BASE_OUT_H

#include <sys/uio.h>

#include "base/body.h"
#include "base/buf.h"

struct out_segment;
struct out_chunk;
struct out {
	struct out_segment *ring; /* cap is 0 or a power of two */
	size_t at, n, cap;        /* first segment, how many */
	struct out_chunk *tail;   /* where bytes are appended, or NULL */
	uint64_t bytes;
	uint64_t total; /* ever written into it */
};

void out_init(struct out *o);
void out_fini(struct out *o);
/* Copies; appends to the last segment when it has room. */
void out_add(struct out *o, struct view v);
/* Room for n contiguous bytes at the tail, to be filled by the caller at once
 * and committed with out_commit(used <= n). n <= 64 KiB. */
uint8_t *out_reserve(struct out *o, size_t n);
void out_commit(struct out *o, size_t used);
/* n bytes of the body from offset, which it has; by reference (small ones are
 * copied). Takes a reference of its own. */
void out_body(struct out *o, struct body *b, uint64_t offset, uint64_t n);
/* Appends all of `from` without a copy of bytes; `from` is empty afterwards. */
void out_move(struct out *o, struct out *from);
/* Fills up to `max` iovecs from the front; returns how many. */
int out_iov(const struct out *o, struct iovec *iov, int max);
void out_consume(struct out *o, uint64_t n);

#endif
