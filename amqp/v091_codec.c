/* SPDX-License-Identifier: Apache-2.0 */
/* Content headers (0-9-1 §4.2.6.1): flags and properties. `v091_codec` gives
 * them a meaning for the other rooms; properties_scan looks for what the broker
 * itself needs of a publish, without decoding any headers. */
#include "amqp/v091_codec_priv.h"

#include "amqp/v091.h"
#include "base/log.h"

enum { PROPERTY_POOL = 1024, FLAG_CONTINUED = 1 };

/* The fourteen properties in wire order, highest flag first. */
enum {
	P_CONTENT_TYPE = AMQP_BASIC_CONTENT_TYPE_FLAG,
	P_CONTENT_ENCODING = AMQP_BASIC_CONTENT_ENCODING_FLAG,
	P_HEADERS = AMQP_BASIC_HEADERS_FLAG,
	P_DELIVERY_MODE = AMQP_BASIC_DELIVERY_MODE_FLAG,
	P_PRIORITY = AMQP_BASIC_PRIORITY_FLAG,
	P_CORRELATION_ID = AMQP_BASIC_CORRELATION_ID_FLAG,
	P_REPLY_TO = AMQP_BASIC_REPLY_TO_FLAG,
	P_EXPIRATION = AMQP_BASIC_EXPIRATION_FLAG,
	P_MESSAGE_ID = AMQP_BASIC_MESSAGE_ID_FLAG,
	P_TIMESTAMP = AMQP_BASIC_TIMESTAMP_FLAG,
	P_TYPE = AMQP_BASIC_TYPE_FLAG,
	P_USER_ID = AMQP_BASIC_USER_ID_FLAG,
	P_APP_ID = AMQP_BASIC_APP_ID_FLAG,
	P_CLUSTER_ID = AMQP_BASIC_CLUSTER_ID_FLAG,
};

static struct view short_string(struct reader *r)
{
	return reader_bytes(r, reader_u8(r));
}

/* Class basic has one word of flags; the bit between the last of them and the
 * continuation is ignored, as RabbitMQ does. */
static uint16_t flags_take(struct reader *r)
{
	uint16_t flags = reader_u16(r);

	if (flags & FLAG_CONTINUED)
		r->bad = true;
	return flags;
}

static enum guard headers_scan(struct reader *r, struct properties *out)
{
	struct view start = r->v;
	enum guard g = v091_table_guard(r);

	if (g == GUARD_OK) {
		out->headers = view_head(start, start.n - r->v.n);
		out->cc = v091_table_field(out->headers, VIEW("CC"), NULL);
		out->bcc = v091_table_field(out->headers, VIEW("BCC"), &out->bcc_field);
	}
	return g;
}

/* Properties behind the priority, all but one of them short strings. */
static void tail_scan(struct reader *r, uint16_t flags, struct properties *out)
{
	for (uint16_t flag = P_CORRELATION_ID; flag >= P_CLUSTER_ID; flag = (uint16_t)(flag >> 1)) {
		struct view s;

		if (!(flags & flag))
			continue;
		if (flag == P_TIMESTAMP) {
			reader_u64(r);
			continue;
		}
		s = short_string(r);
		if (flag == P_REPLY_TO) {
			out->reply_to = s;
		} else if (flag == P_EXPIRATION) {
			out->has_expiration = true;
			out->expiration = s;
		} else if (flag == P_USER_ID) {
			out->has_user_id = true;
			out->user_id = s;
		}
	}
}

enum guard v091_properties_scan(struct view raw, struct properties *out)
{
	struct reader r = reader_of(raw);
	uint16_t flags = flags_take(&r);
	enum guard g;

	memset(out, 0, sizeof(*out));
	if (flags & P_CONTENT_TYPE)
		short_string(&r);
	if (flags & P_CONTENT_ENCODING)
		short_string(&r);
	if (flags & P_HEADERS) {
		g = headers_scan(&r, out);
		if (g != GUARD_OK)
			return g;
	}
	if (flags & P_DELIVERY_MODE)
		out->delivery_mode = reader_u8(&r);
	if (flags & P_PRIORITY)
		out->priority = reader_u8(&r);
	tail_scan(&r, flags, out);
	return r.bad || r.v.n ? GUARD_BAD : GUARD_OK;
}

/* One row a property that is a short string. */
static const struct text_row {
	uint16_t flag;
	uint32_t bit;
	size_t wire, bag;
} texts[] = {
#define TEXT(FLAG, BIT, member)                                                                    \
	{FLAG, BIT, offsetof(amqp_basic_properties_t, member), offsetof(struct bag, member)}
	TEXT(P_CONTENT_TYPE, BAG_CONTENT_TYPE, content_type),
	TEXT(P_CONTENT_ENCODING, BAG_CONTENT_ENCODING, content_encoding),
	TEXT(P_CORRELATION_ID, BAG_CORRELATION_ID, correlation_id),
	TEXT(P_REPLY_TO, BAG_REPLY_TO, reply_to),
	TEXT(P_EXPIRATION, BAG_EXPIRATION, expiration),
	TEXT(P_MESSAGE_ID, BAG_MESSAGE_ID, message_id),
	TEXT(P_TYPE, BAG_TYPE, type),
	TEXT(P_USER_ID, BAG_USER_ID, user_id),
	TEXT(P_APP_ID, BAG_APP_ID, app_id),
	TEXT(P_CLUSTER_ID, BAG_CLUSTER_ID, cluster_id),
#undef TEXT
};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static void bag_fill(const amqp_basic_properties_t *p, struct arena *a, struct bag *out)
{
	for (size_t i = 0; i < TEXTS; i++) {
		amqp_bytes_t b;

		if (!(p->_flags & texts[i].flag))
			continue;
		memcpy(&b, (const char *)p + texts[i].wire, sizeof(b));
		*(struct view *)(void *)((char *)out + texts[i].bag) = view_in(b);
		out->has |= texts[i].bit;
	}
	if (p->_flags & P_HEADERS) {
		out->headers = v091_table_in(&p->headers, a);
		out->has |= BAG_HEADERS;
	}
	if (p->_flags & P_DELIVERY_MODE) {
		out->delivery_mode = p->delivery_mode;
		out->has |= BAG_DELIVERY_MODE;
	}
	if (p->_flags & P_PRIORITY) {
		out->priority = p->priority;
		out->has |= BAG_PRIORITY;
	}
	if (p->_flags & P_TIMESTAMP) {
		out->timestamp = p->timestamp;
		out->has |= BAG_TIMESTAMP;
	}
}

void v091_reply_to_put(struct view raw, const struct properties *p, struct view reply_to, struct buf *out)
{
	size_t at = (size_t)(p->reply_to.p - raw.p);

	buf_add(out, view_head(raw, at - 1));
	buf_add_u8(out, (uint8_t)reply_to.n);
	buf_add(out, reply_to);
	buf_add(out, view_skip(raw, at + p->reply_to.n));
}

void v091_bcc_strip(struct view raw, struct buf *out)
{
	struct properties p;
	size_t at = out->n, length;

	if (v091_properties_scan(raw, &p) != GUARD_OK || !p.bcc) {
		buf_add(out, raw); /* the flag is its publisher's own */
		return;
	}
	length = (size_t)(p.headers.p - raw.p);
	buf_add(out, view_head(raw, length));
	buf_add_u32(out, be32_get(p.headers.p) - (uint32_t)p.bcc_field.n);
	buf_add(out, view_of(p.headers.p + 4, (size_t)(p.bcc_field.p - p.headers.p) - 4));
	buf_add(out, view_skip(raw, (size_t)(p.bcc_field.p - raw.p) + p.bcc_field.n));
	if (!out->overflow)
		out->p[at + 1] &= (uint8_t)~V091_FLAG_BCC;
}

static void bcc_take(struct bag *bag)
{
	struct table *t = &bag->headers;

	for (size_t i = 0; i < t->n; i++) {
		if (!view_is(t->v[i].name, "BCC"))
			continue;
		bag->bcc = t->v[i].value;
		bag->has |= BAG_BCC;
		memmove(&t->v[i], &t->v[i + 1], (--t->n - i) * sizeof(*t->v));
		return;
	}
}

static bool codec_decode(struct view raw, struct arena *a, struct bag *out)
{
	struct properties seen;
	void *decoded;
	amqp_pool_t pool;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (v091_properties_scan(raw, &seen) != GUARD_OK)
		return false;
	init_amqp_pool(&pool, PROPERTY_POOL);
	ok = amqp_decode_properties(AMQP_BASIC_CLASS, &pool, bytes_out(raw), &decoded) >= 0;
	if (ok)
		bag_fill(decoded, a, out);
	if (ok && v091_bcc_hidden(raw))
		bcc_take(out);
	empty_amqp_pool(&pool);
	return ok;
}

/* Fills *p; false: a short string over 255 octets or a table that cannot be written. */
static bool properties_fill(const struct bag *bag, amqp_pool_t *pool, amqp_basic_properties_t *p)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < TEXTS; i++) {
		const struct view *v = (const void *)((const char *)bag + texts[i].bag);
		amqp_bytes_t b = bytes_out(*v);

		if (!(bag->has & texts[i].bit))
			continue;
		if (v->n > SHORTSTR_MAX)
			return false;
		memcpy((char *)p + texts[i].wire, &b, sizeof(b));
		p->_flags |= texts[i].flag;
	}
	if (bag->has & BAG_HEADERS) {
		p->_flags |= P_HEADERS;
		if (!v091_table_out(&bag->headers, pool, &p->headers))
			return false;
	}
	if (bag->has & BAG_DELIVERY_MODE) {
		p->_flags |= P_DELIVERY_MODE;
		p->delivery_mode = bag->delivery_mode;
	}
	if (bag->has & BAG_PRIORITY) {
		p->_flags |= P_PRIORITY;
		p->priority = bag->priority;
	}
	if (bag->has & BAG_TIMESTAMP) {
		p->_flags |= P_TIMESTAMP;
		p->timestamp = bag->timestamp;
	}
	return true;
}

static size_t properties_room(const struct bag *bag)
{
	size_t room = 2 + 1 + 1 + 8;

	for (size_t i = 0; i < TEXTS; i++)
		if (bag->has & texts[i].bit)
			room += 1 + ((const struct view *)(const void *)((const char *)bag + texts[i].bag))->n;
	if (bag->has & BAG_HEADERS)
		room += v091_table_room(&bag->headers);
	return room;
}

/* Header BCC back, before any other of that name. */
static void bcc_put(struct bag *bag, amqp_pool_t *pool)
{
	struct table t = {amqp_pool_alloc(pool, (bag->headers.n + 1) * sizeof(*t.v)), bag->headers.n};

	must(t.v);
	if (t.n)
		memcpy(t.v + 1, bag->headers.v, t.n * sizeof(*t.v));
	t.v[0] = (struct field){VIEW("BCC"), bag->bcc};
	t.n++;
	bag->headers = t;
	bag->has |= BAG_HEADERS;
}

static bool codec_encode(const struct bag *given, struct buf *out)
{
	struct bag bag = *given;
	amqp_basic_properties_t p;
	amqp_pool_t pool;
	size_t start = out->n;
	bool ok;

	init_amqp_pool(&pool, PROPERTY_POOL);
	if (bag.has & BAG_BCC)
		bcc_put(&bag, &pool);
	ok = properties_fill(&bag, &pool, &p);
	if (ok) {
		size_t room = properties_room(&bag);
		uint8_t *at = buf_reserve(out, room);
		int n = at ? amqp_encode_properties(AMQP_BASIC_CLASS, &p, (amqp_bytes_t){room, at}) : -1;

		ok = n >= 0;
		if (ok)
			out->n += (size_t)n;
		if (ok && bag.has & BAG_BCC)
			out->p[start + 1] |= V091_FLAG_BCC;
	}
	empty_amqp_pool(&pool);
	return ok;
}

const struct header_codec v091_codec = {.decode = codec_decode, .encode = codec_encode};
