/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes: never owns, never NUL-terminated. */
#ifndef MQB_BASE_VIEW_H
#define MQB_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *p;
	size_t n;
};

/* View of a string literal, without its NUL. */
#define VIEW(lit) ((struct view){(const uint8_t *)(lit), sizeof(lit) - 1})
#define VIEW_NONE ((struct view){NULL, 0})
/* For printf("%.*s", VIEW_ARG(v)). */
#define VIEW_ARG(v) (int)(v).n, (const char *)((v).p ? (const void *)(v).p : "")

static inline struct view view_of(const void *p, size_t n)
{
	return (struct view){(const uint8_t *)p, n};
}

static inline struct view view_str(const char *s)
{
	return (struct view){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool view_eq(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Copies to dst; an empty view may have no pointer. */
static inline void view_put(uint8_t *dst, struct view v)
{
	if (v.n)
		memcpy(dst, v.p, v.n);
}

static inline bool view_is(struct view a, const char *s)
{
	return view_eq(a, view_str(s));
}

static inline bool view_starts(struct view a, struct view prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

static inline bool view_ends(struct view a, struct view suffix)
{
	return a.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline struct view view_skip(struct view a, size_t n)
{
	return n >= a.n ? VIEW_NONE : (struct view){a.p + n, a.n - n};
}

static inline struct view view_head(struct view a, size_t n)
{
	return (struct view){a.p, n < a.n ? n : a.n};
}

/* Byte order, shorter first on a tie: <0, 0, >0. */
static inline int view_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
