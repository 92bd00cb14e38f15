/* SPDX-License-Identifier: Apache-2.0 */
/* The attribute mqb.p: what of a 0-9-1 message has no attribute of its own.
 *
 *   {"v":1,"p":{property: value},"h":[[name, wire type, value]],
 *    "t":{promoted name: wire type},"x":exchange,"k":routing key,"u":user-id}
 *
 * Written straight into a buffer here; cross_unpack.c reads it. Text is a JSON string;
 * bytes that are not UTF-8 where text is usual are {"b": base64}. Values by wire
 * type: bytes base64 · decimal [scale, unscaled] · time seconds · void null ·
 * array [[type, value]] · table [[name, type, value]] · a number that is not
 * finite "nan", "inf", "-inf". */
#include <inttypes.h>
#include <math.h>

#include "base/crypto.h"
#include "mapping/cross_priv.h"
#include "mapping/json_text.h"

/* Largest mqb.p written: every byte of a header of 128 MiB escaped. Real ones are
 * bounded by what the head accepted as a content header. */
#define PACKED_BYTES_MAX ((size_t)1 << 30)

#define PROPERTY(name, bit, member) {name, bit, offsetof(struct bag, member)}
const struct cross_property cross_properties[CROSS_PROPERTIES] = {
	PROPERTY("content-type", BAG_CONTENT_TYPE, content_type),
	PROPERTY("content-encoding", BAG_CONTENT_ENCODING, content_encoding),
	PROPERTY("correlation-id", BAG_CORRELATION_ID, correlation_id),
	PROPERTY("reply-to", BAG_REPLY_TO, reply_to),
	PROPERTY("expiration", BAG_EXPIRATION, expiration),
	PROPERTY("message-id", BAG_MESSAGE_ID, message_id),
	PROPERTY("type", BAG_TYPE, type),
	PROPERTY("user-id", BAG_USER_ID, user_id),
	PROPERTY("app-id", BAG_APP_ID, app_id),
	PROPERTY("cluster-id", BAG_CLUSTER_ID, cluster_id),
};

static bool mode_is_said(const struct bag *b)
{
	return (b->has & BAG_DELIVERY_MODE) && b->delivery_mode != 2;
}

static bool priority_is_said(const struct bag *b)
{
	return (b->has & BAG_PRIORITY) && b->priority != 0;
}

static bool properties_empty(const struct bag *b)
{
	uint32_t strings = 0;

	for (size_t i = 0; i < CROSS_PROPERTIES; i++)
		strings |= cross_properties[i].bit;
	return !(b->has & (strings & ~(uint32_t)BAG_USER_ID)) && !(b->has & BAG_TIMESTAMP) &&
	       !mode_is_said(b) && !priority_is_said(b);
}

bool cross_packed_empty(const struct cross_packed *p)
{
	return properties_empty(&p->bag) && p->bag.headers.n == 0 && p->n_types == 0 &&
	       p->exchange.n == 0 && !(p->bag.has & BAG_USER_ID);
}

static void base64_write(struct buf *out, struct view bytes)
{
	buf_add_u8(out, '"');
	base64_add(out, bytes);
	buf_add_u8(out, '"');
}

static void text_write(struct buf *out, struct view text)
{
	if (utf8_valid(text)) {
		json_text_add(out, text);
		return;
	}
	buf_add_str(out, "{\"b\":");
	base64_write(out, text);
	buf_add_u8(out, '}');
}

static void real_write(struct buf *out, double d)
{
	size_t from = out->n;

	if (isnan(d))
		buf_add_str(out, "\"nan\"");
	else if (isinf(d))
		buf_add_str(out, d < 0 ? "\"-inf\"" : "\"inf\"");
	else
		buf_printf(out, "%.17g", d);
	/* "-0" read as a JSON integer would lose its sign */
	if (d == 0 && view_is(view_skip(buf_view(out), from), "-0"))
		buf_add_str(out, ".0");
}

static void value_write(struct buf *out, const struct value *v);

/* [[name, type, value], …], or [[type, value], …] of an array. */
static void fields_write(struct buf *out, const struct field *v, size_t n, bool named)
{
	buf_add_u8(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_add_str(out, i ? ",[" : "[");
		if (named) {
			text_write(out, v[i].name);
			buf_add_u8(out, ',');
		}
		buf_printf(out, "\"%c\",", v[i].value.type);
		value_write(out, &v[i].value);
		buf_add_u8(out, ']');
	}
	buf_add_u8(out, ']');
}

static void value_write(struct buf *out, const struct value *v)
{
	switch (v->type) {
	case VALUE_VOID:
		buf_add_str(out, "null");
		return;
	case VALUE_BOOL:
		buf_add_str(out, v->boolean ? "true" : "false");
		return;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		real_write(out, v->d);
		return;
	case VALUE_DECIMAL:
		buf_printf(out, "[%u,%" PRId32 "]", v->decimal.scale, v->decimal.unscaled);
		return;
	case VALUE_STRING:
		text_write(out, v->s);
		return;
	case VALUE_BYTES:
		base64_write(out, v->s);
		return;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		fields_write(out, v->table.v, v->table.n, v->type == VALUE_TABLE);
		return;
	default: /* integers and time */
		buf_printf(out, "%" PRId64, v->i);
	}
}

static void member(struct buf *out, const char *name)
{
	buf_printf(out, "%s\"%s\":", out->p[out->n - 1] == '{' ? "" : ",", name);
}

static void properties_write(struct buf *out, const struct bag *b)
{
	member(out, "p");
	buf_add_u8(out, '{');
	for (size_t i = 0; i < CROSS_PROPERTIES; i++) {
		const struct cross_property *p = &cross_properties[i];

		if (!(b->has & p->bit) || p->bit == BAG_USER_ID)
			continue;
		member(out, p->name);
		text_write(out, *(const struct view *)(const void *)((const char *)b + p->at));
	}
	if (mode_is_said(b)) {
		member(out, "delivery-mode");
		buf_printf(out, "%u", b->delivery_mode);
	}
	if (priority_is_said(b)) {
		member(out, "priority");
		buf_printf(out, "%u", b->priority);
	}
	if (b->has & BAG_TIMESTAMP) {
		member(out, "timestamp");
		buf_printf(out, "%" PRId64, (int64_t)b->timestamp);
	}
	buf_add_u8(out, '}');
}

static void origin_write(struct buf *out, const struct cross_packed *p)
{
	if (p->exchange.n) {
		member(out, "x");
		text_write(out, p->exchange);
		if (p->key.n) {
			member(out, "k");
			text_write(out, p->key);
		}
	}
	if (p->bag.has & BAG_USER_ID) {
		member(out, "u");
		text_write(out, p->bag.user_id);
	}
}

struct view cross_packed_write(const struct cross_packed *p, struct arena *a)
{
	struct buf out;

	buf_init(&out, PACKED_BYTES_MAX);
	buf_add_str(&out, "{\"v\":1");
	if (!properties_empty(&p->bag))
		properties_write(&out, &p->bag);
	if (p->bag.headers.n) {
		member(&out, "h");
		fields_write(&out, p->bag.headers.v, p->bag.headers.n, true);
	}
	if (p->n_types) {
		member(&out, "t");
		buf_add_u8(&out, '{');
		for (size_t i = 0; i < p->n_types; i++) {
			buf_add_str(&out, i ? "," : "");
			json_text_add(&out, p->types[i].name);
			buf_printf(&out, ":\"%c\"", p->types[i].wire);
		}
		buf_add_u8(&out, '}');
	}
	origin_write(&out, p);
	buf_add_u8(&out, '}');
	struct view text = arena_copy(a, buf_view(&out));
	buf_fini(&out);
	return text;
}
