/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded, as query strings and AWS Query bodies have
 * it. One allocation for the pairs, one for the decoded bytes. */
#include "net/http.h"

enum { PAIRS_MAX = 65536 };

static int hex_value(uint8_t b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* Decodes v to *at and moves it on; false when a % is not followed by two digits. */
static bool decode(struct view v, uint8_t **at, struct view *out)
{
	uint8_t *p = *at;

	for (size_t i = 0; i < v.n; i++) {
		int high, low;

		if (v.p[i] != '%') {
			*p++ = v.p[i] == '+' ? ' ' : v.p[i];
			continue;
		}
		if (v.n - i < 3)
			return false;
		high = hex_value(v.p[i + 1]);
		low = hex_value(v.p[i + 2]);
		if (high < 0 || low < 0)
			return false;
		*p++ = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*out = view_of(*at, (size_t)(p - *at));
	*at = p;
	return true;
}

static size_t find(struct view v, char b)
{
	const uint8_t *p = v.n ? memchr(v.p, b, v.n) : NULL;

	return p ? (size_t)(p - v.p) : v.n;
}

int http_form_decode(struct view form, struct arena *a, struct http_pair **out)
{
	size_t n = 1, used = 0;
	struct http_pair *pairs;
	uint8_t *at;

	*out = NULL;
	for (size_t i = 0; i < form.n; i++)
		n += form.p[i] == '&';
	if (n > PAIRS_MAX)
		return -1;
	pairs = arena_alloc(a, n * sizeof *pairs);
	at = arena_alloc(a, form.n + 1);
	while (form.n) {
		struct view piece = view_head(form, find(form, '&'));
		size_t equals = find(piece, '=');

		form = view_skip(form, piece.n + 1);
		if (!piece.n)
			continue;
		if (!decode(view_head(piece, equals), &at, &pairs[used].name) ||
		    !decode(view_skip(piece, equals + 1), &at, &pairs[used].value))
			return -1;
		used++;
	}
	*out = pairs;
	return (int)used;
}
