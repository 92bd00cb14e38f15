/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes of JSON strings (RFC 8259 §7). */
#include "mapping/json_string.h"

struct unescaping {
	enum json_halves halves;
	bool bad;
};

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits; -1: they are not. */
static int32_t hex4(struct view v)
{
	int32_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = i < v.n ? hex_digit(v.p[i]) : -1;
		if (digit < 0)
			return -1;
		n = n << 4 | digit;
	}
	return n;
}

static size_t utf8_put(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* \uXXXX or a surrogate pair of them at the front of v, which moves behind it. */
static size_t unicode_put(struct unescaping *r, struct view *v, uint8_t *out)
{
	int32_t c = hex4(view_skip(*v, 2)), low;

	*v = view_skip(*v, 6);
	if (c >= 0xd800 && c < 0xdc00 && view_starts(*v, VIEW("\\u")) &&
	    (low = hex4(view_skip(*v, 2))) >= 0xdc00 && low < 0xe000) {
		*v = view_skip(*v, 6);
		return utf8_put(out, 0x10000 + ((uint32_t)(c - 0xd800) << 10 | (uint32_t)(low - 0xdc00)));
	}
	r->bad |= c < 0 || (c >= 0xd800 && c < 0xe000 && r->halves == JSON_HALVES_REFUSED);
	return r->bad ? 0 : utf8_put(out, (uint32_t)c);
}

/* The escape at the front of v. Never longer than what it stands for. */
static size_t escape_put(struct unescaping *r, struct view *v, uint8_t *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = v->n > 1 ? v->p[1] : 0;
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u')
		return unicode_put(r, v, out);
	*v = view_skip(*v, 2);
	r->bad |= !at;
	*out = at ? (uint8_t)to[at - from] : 0;
	return 1;
}

bool json_unescape(struct view raw, enum json_halves halves, struct arena *a, struct view *out)
{
	struct unescaping r = {.halves = halves};
	uint8_t *p = arena_alloc(a, raw.n);
	size_t n = 0;

	while (raw.n && !r.bad) {
		const uint8_t *backslash = memchr(raw.p, '\\', raw.n);
		struct view part = view_head(raw, backslash ? (size_t)(backslash - raw.p) : raw.n);

		view_put(p + n, part);
		n += part.n;
		raw = view_skip(raw, part.n);
		if (raw.n)
			n += escape_put(&r, &raw, p + n);
	}
	*out = view_of(p, n);
	return !r.bad;
}
