/* SPDX-License-Identifier: Apache-2.0 */
/* Names and accounts by DESIGN §5; vectors and reasons in docs/naming.md.
 *
 * Why it is injective: a wire name that ends in `-` and ten base32 characters
 * (before `.fifo`) always comes from the hash of the true name, never from a true
 * name that stayed itself. */
#include "mapping/names.h"

#include "base/crypto.h"

enum { HASH_CHARS = 10, FIFO_N = 5, SHA256_BYTES = 32 };
static const uint64_t ACCOUNTS = 1000000000000; /* 10^12 */

static bool is_legal_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

static bool is_base32(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

static size_t max_of(enum name_kind kind)
{
	return kind == NAME_QUEUE ? NAME_QUEUE_MAX : NAME_TOPIC_MAX;
}

static bool all_legal(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_legal_char(v.p[i]))
			return false;
	return v.n > 0;
}

static struct view without_fifo(struct view name)
{
	return view_ends(name, VIEW(".fifo")) ? view_head(name, name.n - FIFO_N) : name;
}

bool name_is_legal(enum name_kind kind, struct view name)
{
	return name.n <= max_of(kind) && all_legal(without_fifo(name));
}

static bool ends_like_hash(struct view v)
{
	if (v.n < HASH_CHARS + 1 || v.p[v.n - HASH_CHARS - 1] != '-')
		return false;
	for (size_t i = v.n - HASH_CHARS; i < v.n; i++)
		if (!is_base32(v.p[i]))
			return false;
	return true;
}

static bool stays_itself(enum name_kind kind, struct view name, bool fifo)
{
	struct view stem = without_fifo(name);
	return name_is_legal(kind, name) && fifo == (stem.n != name.n) && !ends_like_hash(stem);
}

/* Legal characters, every other byte a hyphen, runs of them merged, none at
 * either end, at most max bytes. May be empty. */
static size_t stem_write(struct view name, size_t max, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < name.n && n < max; i++) {
		char c = is_legal_char(name.p[i]) ? (char)name.p[i] : '-';
		if (c == '-' && (n == 0 || out[n - 1] == '-'))
			continue;
		out[n++] = c;
	}
	while (n && out[n - 1] == '-')
		n--;
	return n;
}

/* SHA-256(what, NUL, name). */
static void hash_of(const char *what, struct view name, uint8_t out[SHA256_BYTES])
{
	struct digest *d = digest_sha256();
	digest_add(d, view_of(what, strlen(what) + 1));
	digest_add(d, name);
	digest_end(d, out);
}

size_t name_to_wire(enum name_kind kind, struct view true_name, bool fifo, char out[NAME_TOPIC_MAX + 1])
{
	size_t n = true_name.n;
	if (stays_itself(kind, true_name, fifo)) {
		memcpy(out, true_name.p, n);
		out[n] = '\0';
		return n;
	}
	uint8_t sha[SHA256_BYTES];
	hash_of(kind == NAME_QUEUE ? "queue" : "topic", true_name, sha);
	n = stem_write(true_name, max_of(kind) - 1 - HASH_CHARS - (fifo ? FIFO_N : 0), out);
	out[n++] = '-';
	n += base32_encode(view_of(sha, sizeof sha), out + n, HASH_CHARS);
	if (fifo) {
		memcpy(out + n, ".fifo", FIFO_N);
		n += FIFO_N;
	}
	out[n] = '\0';
	return n;
}

void name_account(struct view vhost, char out[ACCOUNT_DIGITS + 1])
{
	uint64_t number = 0;
	if (!view_is(vhost, "/")) {
		uint8_t sha[SHA256_BYTES];
		hash_of("vhost", vhost, sha);
		number = be64_get(sha) % (ACCOUNTS - 1) + 1;
	}
	for (size_t i = ACCOUNT_DIGITS; i-- > 0; number /= 10)
		out[i] = (char)('0' + number % 10);
	out[ACCOUNT_DIGITS] = '\0';
}

bool name_arn(struct buf *out, enum name_kind kind, struct view region, struct view account, struct view wire)
{
	buf_add_str(out, kind == NAME_QUEUE ? "arn:aws:sqs:" : "arn:aws:sns:");
	buf_add(out, region);
	buf_add_u8(out, ':');
	buf_add(out, account);
	buf_add_u8(out, ':');
	return buf_add(out, wire);
}

/* ---- queue URLs ---------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: a percent sign without two hex digits, or *out is full. */
static bool percent_decode(struct view v, struct buf *out)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		if (c == '%') {
			int high = i + 2 < v.n ? hex_digit(v.p[i + 1]) : -1;
			int low = i + 2 < v.n ? hex_digit(v.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		buf_add_u8(out, c);
	}
	return !out->overflow;
}

/* The path of a URL without scheme, host, query and fragment. */
static struct view path_of(struct view url)
{
	size_t n = 0;
	while (n < url.n && url.p[n] != '?' && url.p[n] != '#')
		n++;
	url.n = n;
	const uint8_t *scheme = n ? memmem(url.p, n, "://", 3) : NULL;
	if (!scheme)
		return url;
	url = view_skip(url, (size_t)(scheme - url.p) + 3);
	const uint8_t *slash = url.n ? memchr(url.p, '/', url.n) : NULL;
	return slash ? view_skip(url, (size_t)(slash - url.p)) : VIEW_NONE;
}

/* Cuts the part behind the last slash off *path; false: there is no slash. */
static bool last_part(struct view *path, struct view *part)
{
	const uint8_t *slash = path->n ? memrchr(path->p, '/', path->n) : NULL;
	if (!slash)
		return false;
	size_t at = (size_t)(slash - path->p);
	*part = view_skip(*path, at + 1);
	path->n = at;
	return true;
}

bool name_from_queue_url(struct view url, struct view *account, struct buf *decoded)
{
	struct view path = path_of(url), name, owner;
	buf_clear(decoded);
	if (!last_part(&path, &name) || !last_part(&path, &owner) || name.n == 0 || owner.n == 0)
		return false;
	/* Exactly /queue/name names no account (sqs-sns.md 1.5). */
	*account = path.n == 0 && view_is(owner, "queue") ? VIEW_NONE : owner;
	return percent_decode(name, decoded);
}
