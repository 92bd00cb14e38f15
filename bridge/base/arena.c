/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks double from ARENA_BLOCK_MIN to ARENA_BLOCK_MAX. What does not fit a
 * block of that size gets one of its own, which is put behind the newest, so
 * that the newest goes on filling. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { ARENA_BLOCK_MIN = 4096, ARENA_BLOCK_MAX = 64 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t cap;
	_Alignas(ARENA_ALIGN) uint8_t bytes[];
};

_Noreturn static void memory_gone(size_t n)
{
	log_error("memory.gone", "bytes=%zu", n);
	abort();
}

void *mem_alloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		memory_gone(n);
	return p;
}

void *mem_zalloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);
	if (!p)
		memory_gone(n);
	return p;
}

void *mem_realloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);
	if (!q)
		memory_gone(n);
	return q;
}

void *mem_grow(void *p, size_t *cap, size_t need, size_t item)
{
	size_t want = *cap ? *cap * 2 : 8;
	size_t bytes;

	if (need <= *cap)
		return p;
	if (want < need)
		want = need;
	if (__builtin_mul_overflow(want, item, &bytes))
		memory_gone(SIZE_MAX);
	*cap = want;
	return mem_realloc(p, bytes);
}

void arena_init(struct arena *a)
{
	*a = (struct arena){0};
}

static void blocks_free(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;

	if (keep) {
		blocks_free(keep->next);
		keep->next = NULL;
		if (keep->cap > ARENA_BLOCK_MAX) { /* one giant must not stay for ever */
			free(keep);
			a->blocks = NULL;
		}
	}
	a->used = a->total = 0;
}

void arena_fini(struct arena *a)
{
	blocks_free(a->blocks);
	arena_init(a);
}

static struct arena_block *block_new(size_t cap)
{
	size_t bytes;

	if (__builtin_add_overflow(cap, sizeof(struct arena_block), &bytes))
		memory_gone(cap);
	struct arena_block *b = mem_alloc(bytes);
	b->cap = cap;
	b->next = NULL;
	return b;
}

/* A block for n bytes; the caller finds it in a->blocks or gets it returned
 * when it is one of its own. */
static struct arena_block *block_for(struct arena *a, size_t n)
{
	size_t cap = a->blocks ? a->blocks->cap * 2 : ARENA_BLOCK_MIN;

	if (cap > ARENA_BLOCK_MAX)
		cap = ARENA_BLOCK_MAX;
	if (n > cap / 2 && a->blocks) {
		struct arena_block *own = block_new(n);
		own->next = a->blocks->next;
		a->blocks->next = own;
		return own;
	}
	struct arena_block *b = block_new(n > cap ? n : cap);
	b->next = a->blocks;
	a->blocks = b;
	a->used = 0;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t room = a->blocks ? a->blocks->cap - a->used : 0;
	uint8_t *p;

	if (n > SIZE_MAX - ARENA_ALIGN)
		memory_gone(n);
	size_t size = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (size == 0)
		size = ARENA_ALIGN;
	if (size <= room) {
		p = a->blocks->bytes + a->used;
		a->used += size;
	} else {
		struct arena_block *b = block_for(a, size);
		p = b->bytes;
		if (b == a->blocks)
			a->used = size;
	}
	a->total += size;
	memset(p, 0, size);
	return p;
}

struct view arena_copy(struct arena *a, struct view v)
{
	if (v.n == 0)
		return VIEW_NONE;
	uint8_t *p = arena_alloc(a, v.n);
	memcpy(p, v.p, v.n);
	return (struct view){p, v.n};
}

char *arena_cstr(struct arena *a, struct view v)
{
	char *p = arena_alloc(a, v.n + 1);
	if (v.n)
		memcpy(p, v.p, v.n);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	char small[256];
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	must(n >= 0);
	char *p = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		memcpy(p, small, (size_t)n);
	else
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}
