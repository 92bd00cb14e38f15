/* SPDX-License-Identifier: Apache-2.0 */
/* Memory grows by doubling up to the maximum the buffer was born with. When
 * memory is gone a writer fails as if the maximum were reached: what fills a
 * buffer is often sized by a peer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_CAP_MIN = 64 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
}

/* Room for `need` bytes in all; need <= max. */
static bool buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap < BUF_CAP_MIN ? BUF_CAP_MIN : b->cap;

	if (need <= b->cap && b->p)
		return true;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max)
		cap = b->max;
	uint8_t *p = realloc(b->p, cap ? cap : 1);
	if (!p)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->overflow)
		return NULL;
	if (n > b->max - b->n || !buf_grow(b, b->n + n)) {
		b->overflow = true;
		return NULL;
	}
	return b->p + b->n;
}

bool buf_add(struct buf *b, struct view v)
{
	uint8_t *p = buf_reserve(b, v.n);

	if (!p)
		return false;
	if (v.n)
		memcpy(p, v.p, v.n);
	b->n += v.n;
	return true;
}

bool buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, view_str(s));
}

bool buf_add_u8(struct buf *b, uint8_t v)
{
	return buf_add(b, (struct view){&v, 1});
}

bool buf_add_u16(struct buf *b, uint16_t v)
{
	uint8_t p[2];
	be16_put(p, v);
	return buf_add(b, (struct view){p, sizeof(p)});
}

bool buf_add_u32(struct buf *b, uint32_t v)
{
	uint8_t p[4];
	be32_put(p, v);
	return buf_add(b, (struct view){p, sizeof(p)});
}

bool buf_add_u64(struct buf *b, uint64_t v)
{
	uint8_t p[8];
	be64_put(p, v);
	return buf_add(b, (struct view){p, sizeof(p)});
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list args, again;
	bool ok = false;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		ok = buf_add(b, view_of(small, (size_t)n));
	} else if (n >= 0) {
		/* vsnprintf writes a NUL too; it must not count against max. */
		char *large = malloc((size_t)n + 1);
		if (large) {
			vsnprintf(large, (size_t)n + 1, fmt, again);
			ok = buf_add(b, view_of(large, (size_t)n));
			free(large);
		}
	}
	va_end(again);
	if (!ok)
		b->overflow = true;
	return ok;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	if (n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
	if (b->overflow || b->n >= b->max || !buf_grow(b, b->n + 1))
		return NULL;
	b->p[b->n] = 0;
	return (const char *)b->p;
}

struct view reader_bytes(struct reader *r, size_t n)
{
	if (r->bad || n > r->v.n) {
		r->bad = true;
		return VIEW_NONE;
	}
	struct view v = {r->v.p, n};
	if (n) { /* NULL + 0 is not for us */
		r->v.p += n;
		r->v.n -= n;
	}
	return v;
}

uint8_t reader_u8(struct reader *r)
{
	struct view v = reader_bytes(r, 1);
	return r->bad ? 0 : v.p[0];
}

uint16_t reader_u16(struct reader *r)
{
	struct view v = reader_bytes(r, 2);
	return r->bad ? 0 : be16_get(v.p);
}

uint32_t reader_u32(struct reader *r)
{
	struct view v = reader_bytes(r, 4);
	return r->bad ? 0 : be32_get(v.p);
}

uint64_t reader_u64(struct reader *r)
{
	struct view v = reader_bytes(r, 8);
	return r->bad ? 0 : be64_get(v.p);
}
