/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed, byte for byte (AWS: "Create a signed AWS API request"), as for
 * every service but S3: the path is encoded once more, the hash is of the body
 * that came, whatever a header says about it. */
#include "aws/aws_sigv4.h"

#include <stdlib.h>
#include <strings.h>

#include "base/crypto.h"

/* ---- encoding ---- */

static bool unreserved(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || b == '-' || b == '.' ||
	       b == '_' || b == '~';
}

/* RFC 3986 §2.1, upper case; `also` stays as it is. */
static void encode_add(struct buf *out, struct view v, char also)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t from = 0;

	if (!v.n)
		return;
	for (size_t i = 0; i < v.n; i++) {
		uint8_t b = v.p[i];

		if (unreserved(b) || b == (uint8_t)also)
			continue;
		buf_add(out, view_of(v.p + from, i - from));
		buf_add(out, view_of((char[]){'%', hex[b >> 4], hex[b & 15]}, 3));
		from = i + 1;
	}
	buf_add(out, view_of(v.p + from, v.n - from));
}

/* ---- the path ---- */

/* . or .. or empty segments */
bool sigv4_path_differs(const struct sigv4_request *r)
{
	struct view path = r->path;

	return path.n && (memmem(path.p, path.n, "//", 2) || memmem(path.p, path.n, "/.", 2));
}

/* RFC 3986 §5.2.4, and empty segments go. */
static struct view path_plain(struct view path, struct arena *a)
{
	uint8_t *p = arena_alloc(a, path.n + 1);
	size_t n = 0;
	bool slash = path.n && path.p[path.n - 1] == '/';

	while (path.n) {
		const uint8_t *at = memchr(path.p, '/', path.n);
		struct view segment = view_head(path, at ? (size_t)(at - path.p) : path.n);

		path = view_skip(path, segment.n + 1);
		if (view_is(segment, "..")) {
			while (n && p[--n] != '/')
				;
		} else if (segment.n && !view_is(segment, ".")) {
			p[n++] = '/';
			view_put(p + n, segment);
			n += segment.n;
		}
	}
	if (slash || n == 0)
		p[n++] = '/';
	return view_of(p, n);
}

static void path_add(const struct sigv4_request *r, bool normalize, struct arena *a, struct buf *out)
{
	struct view path = r->path;

	if (normalize && sigv4_path_differs(r))
		path = path_plain(path, a);
	if (path.n == 0)
		path = VIEW("/");
	encode_add(out, path, '/');
	buf_add_u8(out, '\n');
}

/* ---- the query ---- */

static int by_name(const void *a, const void *b)
{
	const struct http_pair *x = a, *y = b;
	int c = view_cmp(x->name, y->name);

	return c ? c : view_cmp(x->value, y->value);
}

static struct view encoded(struct view v, struct arena *a)
{
	struct buf b = {.p = arena_alloc(a, 3 * v.n + 1), .cap = 3 * v.n + 1, .max = 3 * v.n + 1};

	encode_add(&b, v, '-');
	return buf_view(&b);
}

static void query_add(const struct sigv4_request *r, struct arena *a, struct buf *out)
{
	struct http_pair *v = r->n_query ? arena_alloc(a, r->n_query * sizeof(*v)) : NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n_query; i++)
		if (!view_is(r->query[i].name, "X-Amz-Signature"))
			v[n++] = (struct http_pair){encoded(r->query[i].name, a), encoded(r->query[i].value, a)};
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_u8(out, '&');
		buf_add(out, v[i].name);
		buf_add_u8(out, '=');
		buf_add(out, v[i].value);
	}
	buf_add_u8(out, '\n');
}

/* ---- headers ---- */

/* Blanks at the ends go, runs of them inside are one space. */
static void value_add(struct buf *out, struct view v)
{
	bool any = false, gap = false;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t b = v.p[i];

		if (b == ' ' || b == '\t' || b == '\r' || b == '\n') {
			gap = any;
			continue;
		}
		if (gap)
			buf_add_u8(out, ' ');
		buf_add_u8(out, b);
		any = true;
		gap = false;
	}
}

static void header_add(const struct sigv4_request *r, struct view name, struct buf *out)
{
	bool any = false;

	buf_add(out, name);
	buf_add_u8(out, ':');
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (h->name.n != name.n || strncasecmp((const char *)h->name.p, (const char *)name.p, name.n) != 0)
			continue;
		if (any)
			buf_add_u8(out, ',');
		value_add(out, h->value);
		any = true;
	}
	buf_add_u8(out, '\n');
}

static void headers_add(const struct sigv4_request *r, struct view list, struct buf *out)
{
	struct view rest = list;

	while (rest.n) {
		const uint8_t *at = memchr(rest.p, ';', rest.n);
		struct view name = view_head(rest, at ? (size_t)(at - rest.p) : rest.n);

		rest = view_skip(rest, name.n + 1);
		header_add(r, name, out);
	}
	buf_add_u8(out, '\n');
	buf_add(out, list);
	buf_add_u8(out, '\n');
}

/* ---- together ---- */

static void hash_add(struct buf *out, const uint8_t hash[32])
{
	char hex[SIGV4_HEX + 1];

	hex_encode(view_of(hash, 32), hex);
	buf_add(out, view_of(hex, SIGV4_HEX));
}

void sigv4_canonical(const struct sigv4_request *r, const struct sigv4 *s, bool normalize, struct arena *a,
		     struct buf *out)
{
	uint8_t hash[32];

	buf_add(out, r->method);
	buf_add_u8(out, '\n');
	path_add(r, normalize, a, out);
	query_add(r, a, out);
	headers_add(r, s->signed_headers, out);
	crypto_sha256(r->body, hash);
	hash_add(out, hash);
}

void sigv4_string_to_sign(const struct sigv4 *s, const uint8_t canonical_sha256[32], struct buf *out)
{
	buf_add_str(out, "AWS4-HMAC-SHA256\n");
	buf_add_str(out, s->time);
	buf_add_u8(out, '\n');
	buf_add(out, s->scope);
	buf_add_u8(out, '\n');
	hash_add(out, canonical_sha256);
}

void sigv4_signing_key(struct view secret, const struct sigv4 *s, uint8_t key[32])
{
	struct buf first;

	buf_init(&first, secret.n + 4);
	buf_add_str(&first, "AWS4");
	buf_add(&first, secret);
	crypto_hmac_sha256(buf_view(&first), s->date, key);
	explicit_bzero(first.p, first.n);
	buf_fini(&first);
	crypto_hmac_sha256(view_of(key, 32), s->region, key);
	crypto_hmac_sha256(view_of(key, 32), s->service, key);
	crypto_hmac_sha256(view_of(key, 32), s->terminator, key);
}

void sigv4_signature(const uint8_t key[32], struct view string_to_sign, char hex[SIGV4_HEX + 1])
{
	uint8_t mac[32];

	crypto_hmac_sha256(view_of(key, 32), string_to_sign, mac);
	hex_encode(view_of(mac, sizeof(mac)), hex);
}
