/* SPDX-License-Identifier: Apache-2.0 */
/* Checks against the table of well-formed sequences (Unicode 15, table 3-7):
 * only the second byte has ranges that depend on the first. */
#include "base/utf8.h"

#include <endian.h>

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

static bool second_ok(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf; /* no overlong */
	case 0xed:
		return second >= 0x80 && second <= 0x9f; /* no surrogate */
	case 0xf0:
		return second >= 0x90 && second <= 0xbf; /* no overlong */
	case 0xf4:
		return second >= 0x80 && second <= 0x8f; /* <= U+10FFFF */
	default:
		return is_tail(second);
	}
}

size_t utf8_next(struct view v)
{
	size_t len;

	if (v.n == 0)
		return 0;
	uint8_t first = v.p[0];
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		len = 2;
	else if (first < 0xf0)
		len = 3;
	else if (first < 0xf5)
		len = 4;
	else
		return 0;
	if (v.n < len || !second_ok(first, v.p[1]))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!is_tail(v.p[i]))
			return 0;
	return len;
}

bool utf8_valid(struct view v)
{
	size_t i = 0;

	while (i < v.n) {
		uint64_t word;
		/* Eight ASCII bytes at a time: most text is. */
		if (v.n - i >= sizeof(word)) {
			memcpy(&word, v.p + i, sizeof(word));
			if (!(word & 0x8080808080808080u)) {
				i += sizeof(word);
				continue;
			}
		}
		size_t len = utf8_next((struct view){v.p + i, v.n - i});
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

#define EACH(byte) (0x0101010101010101u * (byte))

/* Eight bytes at a time. In `stop` the top bit of a byte is set where it is not plain;
 * a borrow may set others too, but only behind a true one. */
size_t utf8_plain(struct view v)
{
	size_t i = 0;

	for (; v.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, v.p + i, sizeof(word));
		word = le64toh(word);
		uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
		uint64_t stop = (word | ((word - EACH(0x20)) & ~word) | ((quote - EACH(1)) & ~quote) |
				 ((backslash - EACH(1)) & ~backslash)) &
				EACH(0x80);
		if (stop)
			return i + (size_t)__builtin_ctzll(stop) / 8;
	}
	while (i < v.n && v.p[i] >= 0x20 && v.p[i] < 0x80 && v.p[i] != '"' && v.p[i] != '\\')
		i++;
	return i;
}

size_t utf8_characters(struct view v)
{
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++)
		n += (v.p[i] & 0xc0) != 0x80;
	return n;
}
