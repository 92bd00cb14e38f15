/* SPDX-License-Identifier: Apache-2.0 */
/* A growable run of bytes that is born with a maximum. Writers return false and
 * set `overflow` once the maximum would be passed; the content stays as it was
 * before the failing call, and every later write fails too, so a caller may
 * check once at the end. */
#ifndef MQB_BASE_BUF_H
#define MQB_BASE_BUF_H

#include <endian.h>

#include "base/view.h"

struct buf {
	uint8_t *p;
	size_t n, cap, max;
	bool overflow;
};

/* max in bytes; no allocation yet. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
/* Empties the content and the overflow mark, keeps the memory. */
void buf_clear(struct buf *b);
/* Room for n more bytes at p + n, or NULL. The caller adds to b->n himself. */
uint8_t *buf_reserve(struct buf *b, size_t n);
bool buf_add(struct buf *b, struct view v);
bool buf_add_str(struct buf *b, const char *s);
bool buf_add_u8(struct buf *b, uint8_t v);
/* Network byte order. */
bool buf_add_u16(struct buf *b, uint16_t v);
bool buf_add_u32(struct buf *b, uint32_t v);
bool buf_add_u64(struct buf *b, uint64_t v);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drops n bytes from the front (moves the rest: once a turn, not once a frame). */
void buf_consume(struct buf *b, size_t n);
/* NUL-terminates without counting the NUL; NULL when out of room or overflowed. */
const char *buf_cstr(struct buf *b);

static inline struct view buf_view(const struct buf *b)
{
	return (struct view){b->p, b->n};
}

/* Reading, network byte order; the caller has checked the length. */
static inline uint16_t be16_get(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t be32_get(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t be64_get(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline void be16_put(uint8_t *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void be32_put(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void be64_put(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

/* Bounded reader over a view: any read past the end sets `bad` and yields 0. */
struct reader {
	struct view v;
	bool bad;
};

static inline struct reader reader_of(struct view v)
{
	return (struct reader){v, false};
}
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct view reader_bytes(struct reader *r, size_t n);

#endif
