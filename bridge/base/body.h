/* SPDX-License-Identifier: Apache-2.0 */
/* A message body: a reference-counted chain of chunks, filled once while the
 * bytes arrive, read-only afterwards. The first chunk lies behind the struct,
 * so a body of up to BODY_CHUNK bytes is one allocation. Memory grows with the
 * bytes that have come, never with what a peer announced (engine.md §3).
 * The bytes of a large body may lie outside of memory instead (blob.h): then
 * there are no pieces, and who wants them reads through the blob.
 * Not thread-safe in its count: only the loop thread refs and unrefs; another
 * thread may read the bytes while somebody holds a reference for it. */
#ifndef MQB_BASE_BODY_H
#define MQB_BASE_BODY_H

#include "base/view.h"

enum { BODY_CHUNK = 64 * 1024 };

struct body;

/* One reference, owned by the caller. `announced` sizes the first chunk only,
 * capped at BODY_CHUNK. NULL when memory is gone. */
struct body *body_new(uint64_t announced);
/* A finished body that holds a copy of the bytes. NULL when memory is gone. */
struct body *body_of(struct view bytes);
/* false when memory is gone; the body keeps what it had. */
bool body_append(struct body *b, struct view bytes);
/* Room for bytes that the caller puts there itself: at least one, *n of them in
 * one piece, counted by body_filled. NULL when memory is gone. */
uint8_t *body_room(struct body *b, size_t *n);
void body_filled(struct body *b, size_t n);
/* A body whose bytes the blob has. Takes the blob's reference, also when it fails. */
struct blob;
struct body *body_outside(struct blob *blob, uint64_t bytes);
/* Borrowed; NULL: the bytes are in memory. */
struct blob *body_blob(const struct body *b);
struct body *body_ref(struct body *b);
void body_unref(struct body *b); /* NULL allowed */
uint64_t body_bytes(const struct body *b); /* NULL: 0 */
uint64_t body_cost(const struct body *b);  /* of them in memory */
/* The contiguous piece that starts at `offset`; empty at the end. Of a body in memory. */
struct view body_piece(const struct body *b, uint64_t offset);
/* Copies all of it; dst has room for body_bytes. Waits for the disk when it lies
 * outside of memory; false: it cannot be read. */
bool body_copy(const struct body *b, uint8_t *dst);

#endif
