/* SPDX-License-Identifier: Apache-2.0 */
/* SQS message attributes as bytes, and their MD5 (sqs-sns.md §5). Format, numbers
 * big-endian:
 *
 *   version (1)  count (1)
 *   count ×  name length (2) name  type length (2) type  value length (4) value
 *   three ×  length (4) bytes      trace header, group id, deduplication id
 *   version 2, three × the same    subject, content type, more attributes
 *
 * Nothing to keep is no bytes at all, and version 2 only where it says something.
 * There is one encoding of a struct: what decodes encodes to the same bytes. */
#include "mapping/sqs_attributes.h"

#include "base/crypto.h"

enum { VERSION = 1, VERSION_SNS = 2, MD5_BYTES = 16, MD5_TEXT = 1, MD5_BINARY = 2 };

/* ---- bytes ----------------------------------------------------------------- */

static bool is_of_sns(const struct sqs_attributes *a)
{
	return a->subject.n || a->content_type.n || a->more.n;
}

static bool is_empty(const struct sqs_attributes *a)
{
	return a->n == 0 && a->trace_header.n == 0 && a->group_id.n == 0 && a->dedup_id.n == 0 && !is_of_sns(a);
}

static bool put_short(struct buf *out, struct view v)
{
	if (v.n > UINT16_MAX)
		return false;
	buf_add_u16(out, (uint16_t)v.n);
	return buf_add(out, v);
}

static bool put_long(struct buf *out, struct view v)
{
	if (v.n > UINT32_MAX)
		return false;
	buf_add_u32(out, (uint32_t)v.n);
	return buf_add(out, v);
}

bool sqs_attributes_encode(const struct sqs_attributes *a, struct buf *out)
{
	if (a->n > SQS_ATTRIBUTES_MAX)
		return false;
	if (is_empty(a))
		return true;
	buf_add_u8(out, is_of_sns(a) ? VERSION_SNS : VERSION);
	buf_add_u8(out, (uint8_t)a->n);
	for (size_t i = 0; i < a->n; i++)
		if (!sqs_attributes_more_add(out, &a->v[i]))
			return false;
	if (!put_long(out, a->trace_header) || !put_long(out, a->group_id) || !put_long(out, a->dedup_id))
		return false;
	return !is_of_sns(a) ||
	       (put_long(out, a->subject) && put_long(out, a->content_type) && put_long(out, a->more));
}

bool sqs_attributes_more_add(struct buf *out, const struct sqs_attribute *at)
{
	return put_short(out, at->name) && put_short(out, at->type) && put_long(out, at->value);
}

static struct view take_short(struct reader *r)
{
	return reader_bytes(r, reader_u16(r));
}

static struct view take_long(struct reader *r)
{
	return reader_bytes(r, reader_u32(r));
}

static struct sqs_attribute take_attribute(struct reader *r)
{
	struct sqs_attribute at;
	at.name = take_short(r);
	at.type = take_short(r);
	at.value = take_long(r);
	return at;
}

bool sqs_attributes_more(struct view *rest, struct sqs_attribute *out)
{
	struct reader r = reader_of(*rest);
	if (rest->n == 0)
		return false;
	*out = take_attribute(&r);
	*rest = r.v;
	return !r.bad;
}

const struct sqs_attribute *sqs_attributes_all(const struct sqs_attributes *a, struct arena *arena, size_t *n)
{
	struct view rest = a->more;
	struct sqs_attribute one;

	*n = a->n;
	if (!rest.n)
		return a->v;
	while (sqs_attributes_more(&rest, &one))
		++*n;
	struct sqs_attribute *v = arena_alloc(arena, *n * sizeof(*v)), *next = v + a->n;
	memcpy(v, a->v, a->n * sizeof(*v));
	for (rest = a->more; sqs_attributes_more(&rest, &one);)
		*next++ = one;
	return v;
}

static bool more_well_formed(struct view more)
{
	struct reader r = reader_of(more);
	while (r.v.n && !r.bad)
		take_attribute(&r);
	return !r.bad;
}

bool sqs_attributes_decode(struct view raw, struct sqs_attributes *out)
{
	struct reader r = reader_of(raw);
	*out = (struct sqs_attributes){0};
	if (raw.n == 0)
		return true;
	struct sqs_attributes a = {0};
	uint8_t version = reader_u8(&r);
	if (version != VERSION && version != VERSION_SNS)
		return false;
	a.n = reader_u8(&r);
	if (a.n > SQS_ATTRIBUTES_MAX)
		return false;
	for (size_t i = 0; i < a.n; i++)
		a.v[i] = take_attribute(&r);
	a.trace_header = take_long(&r);
	a.group_id = take_long(&r);
	a.dedup_id = take_long(&r);
	if (version == VERSION_SNS) {
		a.subject = take_long(&r);
		a.content_type = take_long(&r);
		a.more = take_long(&r);
	}
	if (r.bad || r.v.n || is_empty(&a) || is_of_sns(&a) != (version == VERSION_SNS) || !more_well_formed(a.more))
		return false;
	*out = a;
	return true;
}

/* ---- MD5 ------------------------------------------------------------------- */

static void digest_string(struct digest *d, struct view v)
{
	uint8_t n[4];
	be32_put(n, (uint32_t)v.n);
	digest_add(d, view_of(n, sizeof n));
	digest_add(d, v);
}

static void digest_attribute(struct digest *d, const struct sqs_attribute *a)
{
	uint8_t kind = view_starts(a->type, VIEW("Binary")) ? MD5_BINARY : MD5_TEXT;
	digest_string(d, a->name);
	digest_string(d, a->type);
	digest_add(d, view_of(&kind, 1));
	digest_string(d, a->value);
}

/* Before it in the order of the digest: by name, then by place. */
static bool comes_before(const struct sqs_attribute *a, const struct sqs_attribute *b)
{
	int c = view_cmp(a->name, b->name);
	return c < 0 || (c == 0 && a < b);
}

/* The first one behind `last` (NULL: of all), or NULL. */
static const struct sqs_attribute *next_in_order(const struct sqs_attribute *v, size_t n,
						 const struct sqs_attribute *last)
{
	const struct sqs_attribute *best = NULL;
	for (size_t i = 0; i < n; i++) {
		bool behind = !last || comes_before(last, &v[i]);
		if (behind && (!best || comes_before(&v[i], best)))
			best = &v[i];
	}
	return best;
}

void sqs_attributes_md5(const struct sqs_attribute *v, size_t n, char out[33])
{
	uint8_t md5[MD5_BYTES];
	struct digest *d = digest_md5();
	const struct sqs_attribute *a = NULL;
	while ((a = next_in_order(v, n, a)))
		digest_attribute(d, a);
	digest_end(d, md5);
	hex_encode(view_of(md5, sizeof md5), out);
}
