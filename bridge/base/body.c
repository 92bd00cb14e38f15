/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk is filled before the next one begins, and all but the first are of
 * BODY_CHUNK bytes, so a byte's chunk follows from its offset:
 *
 *   [0 .. first_cap)                     behind the struct
 *   [first_cap + i * BODY_CHUNK .. )     chunks[i]
 *
 * Bytes never move once they are in: a piece stays good while the body lives. */
#include "base/body.h"

#include <stdlib.h>

#include "base/blob.h"
#include "base/log.h"

struct body {
	uint32_t refs;
	uint32_t first_cap;
	uint64_t n;
	struct blob *blob; /* NULL: the bytes are here */
	uint8_t **chunks; /* owned, and each of them */
	size_t chunks_n, chunks_cap;
	uint8_t first[];
};

struct body *body_new(uint64_t announced)
{
	uint32_t cap = announced < BODY_CHUNK ? (uint32_t)announced : BODY_CHUNK;
	struct body *b = malloc(sizeof(*b) + cap);

	if (!b)
		return NULL;
	*b = (struct body){.refs = 1, .first_cap = cap};
	return b;
}

struct body *body_of(struct view bytes)
{
	struct body *b = body_new(bytes.n);

	if (b && !body_append(b, bytes)) {
		body_unref(b);
		return NULL;
	}
	return b;
}

/* Chunks for `need` bytes in all; false leaves what is there usable. */
static bool chunks_grow(struct body *b, uint64_t need)
{
	while (b->first_cap + (uint64_t)b->chunks_n * BODY_CHUNK < need) {
		if (b->chunks_n == b->chunks_cap) {
			size_t cap = b->chunks_cap ? b->chunks_cap * 2 : 4;
			uint8_t **v = realloc(b->chunks, cap * sizeof(*v));
			if (!v)
				return false;
			b->chunks = v;
			b->chunks_cap = cap;
		}
		uint8_t *chunk = malloc(BODY_CHUNK);
		if (!chunk)
			return false;
		b->chunks[b->chunks_n++] = chunk;
	}
	return true;
}

/* The place of `offset` and how far its chunk reaches. */
static uint8_t *chunk_at(const struct body *b, uint64_t offset, size_t *room)
{
	if (offset < b->first_cap) {
		*room = (size_t)(b->first_cap - offset);
		return (uint8_t *)(uintptr_t)b->first + offset;
	}
	uint64_t rest = offset - b->first_cap;
	size_t in = (size_t)(rest % BODY_CHUNK);
	*room = BODY_CHUNK - in;
	return b->chunks[rest / BODY_CHUNK] + in;
}

bool body_append(struct body *b, struct view bytes)
{
	if (!chunks_grow(b, b->n + bytes.n))
		return false;
	while (bytes.n) {
		size_t room;
		uint8_t *p = chunk_at(b, b->n, &room);
		struct view part = view_head(bytes, room);
		memcpy(p, part.p, part.n);
		b->n += part.n;
		bytes = view_skip(bytes, part.n);
	}
	return true;
}

uint8_t *body_room(struct body *b, size_t *n)
{
	if (!chunks_grow(b, b->n + 1))
		return NULL;
	return chunk_at(b, b->n, n);
}

void body_filled(struct body *b, size_t n)
{
	b->n += n;
}

struct body *body_outside(struct blob *blob, uint64_t bytes)
{
	struct body *b = body_new(0);

	if (!b) {
		blob_unref(blob);
		return NULL;
	}
	b->blob = blob;
	b->n = bytes;
	return b;
}

struct blob *body_blob(const struct body *b)
{
	return b ? b->blob : NULL;
}

struct body *body_ref(struct body *b)
{
	must(b->refs > 0 && b->refs < UINT32_MAX);
	b->refs++;
	return b;
}

void body_unref(struct body *b)
{
	if (!b)
		return;
	must(b->refs > 0);
	if (--b->refs)
		return;
	for (size_t i = 0; i < b->chunks_n; i++)
		free(b->chunks[i]);
	free(b->chunks);
	if (b->blob)
		blob_unref(b->blob);
	free(b);
}

uint64_t body_bytes(const struct body *b)
{
	return b ? b->n : 0;
}

uint64_t body_cost(const struct body *b)
{
	return body_blob(b) ? 0 : body_bytes(b);
}

struct view body_piece(const struct body *b, uint64_t offset)
{
	size_t room;

	if (!b || offset >= b->n)
		return VIEW_NONE;
	must(!b->blob);
	uint8_t *p = chunk_at(b, offset, &room);
	uint64_t left = b->n - offset;
	return (struct view){p, room < left ? room : (size_t)left};
}

bool body_copy(const struct body *b, uint8_t *dst)
{
	uint64_t offset = 0;

	if (body_blob(b))
		return blob_read_now(b->blob, 0, dst, (size_t)b->n);
	for (struct view v; (v = body_piece(b, offset)).n; offset += v.n)
		memcpy(dst + offset, v.p, v.n);
	return true;
}
