/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the head writes: method frames by rabbitmq-c's encoder, the hot
 * ones (deliver, get-ok, return, ack) by hand, and contents: the publisher's
 * header bytes unchanged, the body by reference, cut to the negotiated size. */
#include "amqp/v091_priv.h"

#include "base/log.h"

enum {
	METHOD_ROOM = 2048, /* the largest is connection.start; short strings bound the others */
	HEADER_FIXED = 12,  /* class, weight, body size */
	HEADER_INLINE = 8192, /* header bytes that are reserved together with the method */
};

static uint8_t *frame_put(uint8_t *p, uint8_t type, uint16_t channel, size_t size)
{
	p[0] = type;
	be16_put(p + 1, channel);
	be32_put(p + 3, (uint32_t)size);
	return p + 7;
}

void v091_send_method(struct conn *c, uint16_t channel, uint32_t id, void *m)
{
	struct out *out = &c->wire->out;
	uint8_t *p = out_reserve(out, METHOD_ROOM);
	int n = amqp_encode_method(id, m, (amqp_bytes_t){METHOD_ROOM - 12, p + 11});

	must(n >= 0);
	be32_put(frame_put(p, TYPE_METHOD, channel, (size_t)n + 4), id);
	p[11 + n] = FRAME_END;
	out_commit(out, (size_t)n + 12);
	wire_touch(c->wire);
}

void v091_send_heartbeat(struct conn *c)
{
	static const uint8_t beat[] = {TYPE_HEARTBEAT, 0, 0, 0, 0, 0, 0, FRAME_END};

	out_add(&c->wire->out, view_of(beat, sizeof(beat)));
	wire_touch(c->wire);
}

void v091_args_start(struct args *a, uint32_t method)
{
	be32_put(a->b, method);
	a->n = 4;
}

void v091_args_u8(struct args *a, uint8_t v)
{
	a->b[a->n++] = v;
}

void v091_args_u16(struct args *a, uint16_t v)
{
	be16_put(a->b + a->n, v);
	a->n += 2;
}

void v091_args_u32(struct args *a, uint32_t v)
{
	be32_put(a->b + a->n, v);
	a->n += 4;
}

void v091_args_u64(struct args *a, uint64_t v)
{
	be64_put(a->b + a->n, v);
	a->n += 8;
}

void v091_args_short(struct args *a, struct view v)
{
	size_t n = v.n < SHORTSTR_MAX ? v.n : SHORTSTR_MAX;

	a->b[a->n] = (uint8_t)n;
	if (n)
		memcpy(a->b + a->n + 1, v.p, n);
	a->n += n + 1;
}

void v091_send_args(struct conn *c, uint16_t channel, const struct args *a)
{
	struct out *out = &c->wire->out;
	uint8_t *p = out_reserve(out, a->n + FRAME_OVERHEAD);

	p = frame_put(p, TYPE_METHOD, channel, a->n);
	memcpy(p, a->b, a->n);
	p[a->n] = FRAME_END;
	out_commit(out, a->n + FRAME_OVERHEAD);
	wire_touch(c->wire);
}

/* Octets of a message as this reader gets them: a body, or bytes in its place. */
struct octets {
	struct body *body;
	struct view replaced;
	uint64_t n;
};

static void send_body(struct channel *ch, const struct octets *o)
{
	static const uint8_t end = FRAME_END;
	struct out *out = &ch->conn->wire->out;
	uint64_t piece_max = ch->conn->frame_max - FRAME_OVERHEAD;

	for (uint64_t at = 0; at < o->n;) {
		uint64_t n = o->n - at < piece_max ? o->n - at : piece_max;
		uint8_t *p = out_reserve(out, 7);

		frame_put(p, TYPE_BODY, ch->id, (size_t)n);
		out_commit(out, 7);
		if (o->body)
			out_body(out, o->body, at, n);
		else
			out_add(out, view_of(o->replaced.p + at, (size_t)n));
		out_add(out, view_of(&end, 1));
		at += n;
	}
}

/* Method and header frame in one piece of the out-queue where they fit. */
static void send_head(struct channel *ch, const struct args *a, struct view raw, uint64_t body_n)
{
	static const uint8_t end = FRAME_END;
	struct out *out = &ch->conn->wire->out;
	bool inlined = raw.n <= HEADER_INLINE;
	uint8_t *start = out_reserve(out, a->n + FRAME_OVERHEAD + 7 + HEADER_FIXED +
						  (inlined ? raw.n + 1 : 0));
	uint8_t *p = frame_put(start, TYPE_METHOD, ch->id, a->n);

	memcpy(p, a->b, a->n);
	p += a->n;
	*p++ = FRAME_END;
	p = frame_put(p, TYPE_HEADER, ch->id, HEADER_FIXED + raw.n);
	be16_put(p, AMQP_BASIC_CLASS);
	be16_put(p + 2, 0);
	be64_put(p + 4, body_n);
	p += HEADER_FIXED;
	if (inlined) {
		memcpy(p, raw.p, raw.n);
		p += raw.n;
		*p++ = FRAME_END;
	}
	out_commit(out, (size_t)(p - start));
	if (!inlined) {
		out_add(out, raw);
		out_add(out, view_of(&end, 1));
	}
}

void v091_send_content(struct channel *ch, const struct args *a, const struct message *m,
		  const struct crossed *x)
{
	static const uint8_t no_properties[2];
	struct octets o = {.body = m->body, .n = body_bytes(m->body)};
	struct view raw = x ? x->raw : m->raw_kind == RAW_AMQP091 ? m->raw : VIEW_NONE;

	if (!raw.n)
		raw = view_of(no_properties, sizeof(no_properties));
	if (x && x->body_replaced)
		o = (struct octets){.replaced = x->body, .n = x->body.n};
	send_head(ch, a, raw, o.n);
	send_body(ch, &o);
	wire_touch(ch->conn->wire);
}
