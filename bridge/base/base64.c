/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, base32 and hex (RFC 4648). */
#include "base/crypto.h"

static const char standard[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool encode(struct buf *out, struct view v, const char *digits, bool padded)
{
	size_t rest = v.n % 3;
	size_t tail = rest == 0 ? 0 : padded ? 4 : rest + 1;

	if (v.n / 3 > (SIZE_MAX - 4) / 4) {
		out->overflow = true;
		return false;
	}
	uint8_t *p = buf_reserve(out, v.n / 3 * 4 + tail);
	if (!p)
		return false;
	uint8_t *start = p;
	size_t i;
	for (i = 0; i + 3 <= v.n; i += 3) {
		uint32_t w = (uint32_t)v.p[i] << 16 | (uint32_t)v.p[i + 1] << 8 | v.p[i + 2];
		*p++ = (uint8_t)digits[w >> 18];
		*p++ = (uint8_t)digits[w >> 12 & 63];
		*p++ = (uint8_t)digits[w >> 6 & 63];
		*p++ = (uint8_t)digits[w & 63];
	}
	if (rest) {
		uint32_t w = (uint32_t)v.p[i] << 16;
		if (rest == 2)
			w |= (uint32_t)v.p[i + 1] << 8;
		*p++ = (uint8_t)digits[w >> 18];
		*p++ = (uint8_t)digits[w >> 12 & 63];
		if (rest == 2)
			*p++ = (uint8_t)digits[w >> 6 & 63];
		for (size_t pad = rest; padded && pad < 3; pad++)
			*p++ = '=';
	}
	out->n += (size_t)(p - start);
	return true;
}

bool base64_add(struct buf *out, struct view v)
{
	return encode(out, v, standard, true);
}

bool base64url_add(struct buf *out, struct view v)
{
	return encode(out, v, url_safe, false);
}

/* 0 .. 63, or -1. */
static int digit(uint8_t c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (uint8_t)c62)
		return 62;
	return c == (uint8_t)c63 ? 63 : -1;
}

/* Takes padding off; false when there is some and it is not the right one. */
static bool unpad(struct view *v)
{
	size_t pad = 0;

	while (pad < 2 && v->n > pad && v->p[v->n - 1 - pad] == '=')
		pad++;
	if (pad && v->n % 4 != 0)
		return false;
	v->n -= pad;
	return v->n % 4 != 1;
}

static bool decode(struct buf *out, struct view v, const char *digits)
{
	if (!unpad(&v))
		return false;
	uint8_t *p = buf_reserve(out, v.n / 4 * 3 + (v.n % 4 ? v.n % 4 - 1 : 0));
	if (!p)
		return false;
	uint8_t *start = p;
	uint32_t w = 0;
	int bits = 0;
	for (size_t i = 0; i < v.n; i++) {
		int d = digit(v.p[i], digits[62], digits[63]);
		if (d < 0)
			return false;
		w = w << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*p++ = (uint8_t)(w >> bits);
		}
	}
	out->n += (size_t)(p - start);
	return true;
}

bool base64_decode(struct buf *out, struct view v)
{
	return decode(out, v, standard);
}

bool base64url_decode(struct buf *out, struct view v)
{
	return decode(out, v, url_safe);
}

void hex_encode(struct view v, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < v.n; i++) {
		*out++ = digits[v.p[i] >> 4];
		*out++ = digits[v.p[i] & 15];
	}
	*out = 0;
}

size_t base32_encode(struct view v, char *out, size_t max)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t n = 0;
	uint32_t w = 0;
	int bits = 0;

	for (size_t i = 0; i < v.n && n < max; i++) {
		w = w << 8 | v.p[i];
		for (bits += 8; bits >= 5 && n < max; bits -= 5)
			out[n++] = digits[w >> (bits - 5) & 31];
	}
	if (bits > 0 && n < max)
		out[n++] = digits[w << (5 - bits) & 31];
	out[n] = 0;
	return n;
}
