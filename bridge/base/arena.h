/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocator for what lives no longer than one request or one turn.
 * Small allocations abort when memory is gone (STYLE: errors). */
#ifndef MQB_BASE_ARENA_H
#define MQB_BASE_ARENA_H

#include "base/view.h"

struct arena_block;
struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* in the newest block */
	size_t total;               /* bytes handed out since the last reset */
};

void arena_init(struct arena *a);
/* Frees all but one block. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);
/* Zeroed, aligned to 16. Never NULL. */
void *arena_alloc(struct arena *a, size_t n);
struct view arena_copy(struct arena *a, struct view v);
char *arena_cstr(struct arena *a, struct view v);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* malloc family that aborts when memory is gone: for sizes no peer decides. */
void *mem_alloc(size_t n);
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);
/* Array growth: when *cap < need doubles *cap (to at least `need`) and returns the
 * moved array; else returns p. */
void *mem_grow(void *p, size_t *cap, size_t need, size_t item);

#endif
