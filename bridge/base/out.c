/* SPDX-License-Identifier: Apache-2.0 */
/* See out.h for the invariants. A byte segment points into a chunk; a run of
 * protocol bytes that follows a body goes on in the same chunk:
 *
 *   ring:   [bytes c1 0..90) [body A 0..4096) [bytes c1 90..170) [body B …)
 *   chunk c1: ..........................170 used | room
 */
#include "base/out.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

enum {
	OUT_CHUNK = 16 * 1024,
	OUT_RESERVE_MAX = 64 * 1024,
	OUT_COPY_MAX = 1024, /* bodies up to here are copied: cheaper than an iovec */
	OUT_RING_MIN = 16,
	OUT_RING_KEEP = 64, /* segments an idle out-queue may keep room for */
};

struct out_chunk {
	uint32_t refs; /* segments in it, and one while it is the tail */
	uint32_t used, cap;
	uint8_t bytes[];
};

struct out_segment {
	struct body *body; /* NULL: bytes of `chunk` */
	struct out_chunk *chunk;
	uint64_t offset; /* in body or chunk, of the first unsent byte */
	uint64_t n;      /* unsent, > 0 */
};

static void chunk_unref(struct out_chunk *c)
{
	if (c && --c->refs == 0)
		free(c);
}

static void segment_free(struct out_segment *s)
{
	body_unref(s->body);
	chunk_unref(s->chunk);
}

static struct out_segment *segment_at(const struct out *o, size_t i)
{
	return &o->ring[(o->at + i) & (o->cap - 1)];
}

void out_init(struct out *o)
{
	*o = (struct out){0};
}

void out_fini(struct out *o)
{
	for (size_t i = 0; i < o->n; i++)
		segment_free(segment_at(o, i));
	chunk_unref(o->tail);
	free(o->ring);
	out_init(o);
}

static void ring_grow(struct out *o)
{
	size_t cap = o->cap ? o->cap * 2 : OUT_RING_MIN;
	struct out_segment *ring = mem_alloc(cap * sizeof(*ring));

	for (size_t i = 0; i < o->n; i++)
		ring[i] = *segment_at(o, i);
	free(o->ring);
	o->ring = ring;
	o->cap = cap;
	o->at = 0;
}

static void segment_push(struct out *o, struct out_segment s)
{
	if (o->n == o->cap)
		ring_grow(o);
	o->n++;
	*segment_at(o, o->n - 1) = s;
	o->bytes += s.n;
	o->total += s.n;
}

static size_t tail_room(const struct out *o)
{
	return o->tail ? o->tail->cap - o->tail->used : 0;
}

static void tail_new(struct out *o, size_t n)
{
	size_t cap = n > OUT_CHUNK ? n : OUT_CHUNK;
	struct out_chunk *c = mem_alloc(sizeof(*c) + cap);

	*c = (struct out_chunk){.refs = 1, .cap = (uint32_t)cap};
	chunk_unref(o->tail);
	o->tail = c;
}

uint8_t *out_reserve(struct out *o, size_t n)
{
	must(n <= OUT_RESERVE_MAX);
	if (tail_room(o) < n || !o->tail)
		tail_new(o, n);
	return o->tail->bytes + o->tail->used;
}

void out_commit(struct out *o, size_t used)
{
	struct out_chunk *c = o->tail;

	if (used == 0)
		return;
	must(c && used <= tail_room(o));
	struct out_segment *last = o->n ? segment_at(o, o->n - 1) : NULL;
	if (last && last->chunk == c) { /* then it ends at c->used */
		last->n += used;
		o->bytes += used;
		o->total += used;
	} else {
		c->refs++;
		segment_push(o, (struct out_segment){.chunk = c, .offset = c->used, .n = used});
	}
	c->used += (uint32_t)used;
}

void out_add(struct out *o, struct view v)
{
	while (v.n) {
		size_t room = tail_room(o);
		if (room == 0)
			room = v.n < OUT_RESERVE_MAX ? v.n : OUT_RESERVE_MAX;
		struct view part = view_head(v, room);
		memcpy(out_reserve(o, part.n), part.p, part.n);
		out_commit(o, part.n);
		v = view_skip(v, part.n);
	}
}

void out_body(struct out *o, struct body *b, uint64_t offset, uint64_t n)
{
	if (n == 0)
		return;
	must(offset <= body_bytes(b) && n <= body_bytes(b) - offset);
	if (n > OUT_COPY_MAX) {
		segment_push(o, (struct out_segment){
					.body = body_ref(b), .offset = offset, .n = n});
		return;
	}
	while (n) {
		struct view v = view_head(body_piece(b, offset), (size_t)n);
		out_add(o, v);
		offset += v.n;
		n -= v.n;
	}
}

void out_move(struct out *o, struct out *from)
{
	for (size_t i = 0; i < from->n; i++)
		segment_push(o, *segment_at(from, i));
	from->n = 0;
	out_fini(from);
}

static struct view segment_piece(const struct out_segment *s, uint64_t done)
{
	uint64_t left = s->n - done;

	if (s->chunk)
		return view_of(s->chunk->bytes + s->offset + done, (size_t)left);
	return view_head(body_piece(s->body, s->offset + done), (size_t)left);
}

int out_iov(const struct out *o, struct iovec *iov, int max)
{
	int n = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct out_segment *s = segment_at(o, i);
		for (uint64_t done = 0; done < s->n;) {
			if (n >= max)
				return n;
			struct view v = segment_piece(s, done);
			iov[n++] = (struct iovec){(void *)(uintptr_t)v.p, v.n};
			done += v.n;
		}
	}
	return n;
}

/* Everything is sent: an idle connection keeps no chunk and no large ring. */
static void drained(struct out *o)
{
	chunk_unref(o->tail);
	o->tail = NULL;
	o->at = 0;
	if (o->cap > OUT_RING_KEEP) {
		free(o->ring);
		o->ring = NULL;
		o->cap = 0;
	}
}

void out_consume(struct out *o, uint64_t n)
{
	must(n <= o->bytes);
	o->bytes -= n;
	while (n) {
		struct out_segment *s = segment_at(o, 0);
		if (n < s->n) {
			s->offset += n;
			s->n -= n;
			return;
		}
		n -= s->n;
		segment_free(s);
		o->at = (o->at + 1) & (o->cap - 1);
		o->n--;
	}
	if (o->n == 0)
		drained(o);
}
