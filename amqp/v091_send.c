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
	struct out *out = v091_out(c, channel);
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
	struct out *out = v091_out(c, channel);
	uint8_t *p = out_reserve(out, a->n + FRAME_OVERHEAD);

	p = frame_put(p, TYPE_METHOD, channel, a->n);
	memcpy(p, a->b, a->n);
	p[a->n] = FRAME_END;
	out_commit(out, a->n + FRAME_OVERHEAD);
	wire_touch(c->wire);
}

/* Octets of a body frame. */
static uint64_t piece_max(const struct conn *c)
{
	uint64_t n = c->frame_max - FRAME_OVERHEAD;

	return n < SLICE_BYTES ? n : SLICE_BYTES;
}

uint64_t v091_slice_bytes(const struct conn *c)
{
	uint64_t piece = piece_max(c);

	return SLICE_BYTES / piece * piece;
}

static void body_frame(struct out *out, uint16_t channel, uint64_t n)
{
	frame_put(out_reserve(out, 7), TYPE_BODY, channel, (size_t)n);
	out_commit(out, 7);
}

static void body_frame_end(struct out *out)
{
	static const uint8_t end = FRAME_END;

	out_add(out, view_of(&end, 1));
}

void v091_send_body(struct conn *c, struct out *out, uint16_t channel, struct body *b, struct span octets)
{
	uint64_t piece, max = piece_max(c);

	for (; octets.n; octets.at += piece, octets.n -= piece) {
		piece = octets.n < max ? octets.n : max;
		body_frame(out, channel, piece);
		out_body(out, b, octets.at, piece);
		body_frame_end(out);
	}
}

/* Octets in the place of a body. */
static void send_octets(struct conn *c, struct out *out, uint16_t channel, struct view v)
{
	while (v.n) {
		struct view piece = view_head(v, piece_max(c));

		body_frame(out, channel, piece.n);
		out_add(out, piece);
		body_frame_end(out);
		v = view_skip(v, piece.n);
	}
}

/* Method and header frame in one piece of the out-queue where they fit. */
static void send_head(struct out *out, uint16_t channel, const struct args *a, struct view raw, uint64_t body_n)
{
	bool inlined = raw.n <= HEADER_INLINE;
	uint8_t *start = out_reserve(out, a->n + FRAME_OVERHEAD + 7 + HEADER_FIXED +
						  (inlined ? raw.n + 1 : 0));
	uint8_t *p = frame_put(start, TYPE_METHOD, channel, a->n);

	memcpy(p, a->b, a->n);
	p += a->n;
	*p++ = FRAME_END;
	p = frame_put(p, TYPE_HEADER, channel, HEADER_FIXED + raw.n);
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
		body_frame_end(out);
	}
}

void v091_send_content(struct channel *ch, const struct args *a, const struct message *m,
		  const struct crossed *x)
{
	static const uint8_t no_properties[2];
	struct conn *c = ch->conn;
	struct out *out = v091_out(c, ch->id);
	struct view raw = x ? x->raw : m->raw_kind == RAW_AMQP091 ? m->raw : VIEW_NONE;
	bool replaced = x && x->body_replaced;
	uint64_t n = replaced ? x->body.n : body_bytes(m->body);
	struct buf seen;

	buf_init(&seen, raw.n);
	if (!raw.n)
		raw = view_of(no_properties, sizeof(no_properties));
	else if (v091_bcc_hidden(raw)) {
		v091_bcc_strip(raw, &seen);
		raw = buf_view(&seen);
	}
	send_head(out, ch->id, a, raw, n);
	buf_fini(&seen);
	if (replaced)
		send_octets(c, out, ch->id, x->body);
	else if (n <= v091_slice_bytes(c) && !body_blob(m->body))
		v091_send_body(c, out, ch->id, m->body, (struct span){0, n});
	else
		v091_parcel_add(ch, m->body);
	wire_touch(c->wire);
}
