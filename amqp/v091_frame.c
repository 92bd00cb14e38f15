/* SPDX-License-Identifier: Apache-2.0 */
/* The frame parser; see v091_frame_priv.h.
 *
 *   HEAD ──method, header, …──► WHOLE ──end──► HEAD
 *    │ └──body──► BODY ──► BODY_END ──end──► HEAD
 *    └──too large──► SKIP ──────────────────► HEAD */
#include "amqp/v091_frame_priv.h"

#include "base/log.h"

void v091_parser_init(struct parser *p, uint32_t frame_max)
{
	memset(p, 0, sizeof(*p));
	v091_parser_limit(p, frame_max);
}

void v091_parser_fini(struct parser *p)
{
	buf_fini(&p->kept);
}

void v091_parser_limit(struct parser *p, uint32_t frame_max)
{
	struct buf old = p->kept;

	p->size_max = frame_max;
	buf_init(&p->kept, (size_t)frame_max + 1);
	buf_fini(&old);
}

/* The seven octets are complete: what kind of frame is this? */
static enum frame_result head_done(struct parser *p, struct frame *out)
{
	struct frame *f = &p->frame;

	memset(f, 0, sizeof(*f));
	f->type = p->head[0];
	f->channel = be16_get(p->head + 1);
	f->size = be32_get(p->head + 3);
	p->have = 0;
	p->left = f->size;
	buf_clear(&p->kept);
	if (f->size > p->size_max) {
		p->state = PARSE_SKIP;
		*out = *f;
		return FRAME_TOO_LARGE;
	}
	p->state = f->type == TYPE_BODY ? (f->size ? PARSE_BODY : PARSE_BODY_END) : PARSE_WHOLE;
	return FRAME_NEED;
}

static enum frame_result take_head(struct parser *p, struct view *in, struct frame *out)
{
	size_t n = sizeof(p->head) - p->have;

	if (n > in->n)
		n = in->n;
	memcpy(p->head + p->have, in->p, n);
	p->have = (uint8_t)(p->have + n);
	*in = view_skip(*in, n);
	return p->have == sizeof(p->head) ? head_done(p, out) : FRAME_NEED;
}

/* payload has size + 1 octets: the last is the end marker. */
static enum frame_result whole_done(struct parser *p, const uint8_t *payload, struct frame *out)
{
	*out = p->frame;
	out->bytes = view_of(payload, out->size);
	out->snippet = view_head(out->bytes, SNIPPET_MAX);
	out->last = true;
	out->end = payload[out->size];
	p->state = PARSE_HEAD;
	return out->end == FRAME_END ? FRAME_READY : FRAME_BAD_END;
}

static enum frame_result take_whole(struct parser *p, struct view *in, struct frame *out)
{
	size_t want = (size_t)p->frame.size + 1 - p->kept.n;
	const uint8_t *start = in->p;

	if (p->kept.n == 0 && in->n >= want) {
		*in = view_skip(*in, want);
		return whole_done(p, start, out);
	}
	if (want > in->n)
		want = in->n;
	must(buf_add(&p->kept, view_head(*in, want)));
	*in = view_skip(*in, want);
	if (p->kept.n < (size_t)p->frame.size + 1)
		return FRAME_NEED;
	return whole_done(p, p->kept.p, out);
}

static void snippet_add(struct parser *p, struct view piece)
{
	size_t at = p->frame.size - p->left, n = piece.n;

	if (at >= SNIPPET_MAX)
		return;
	if (n > SNIPPET_MAX - at)
		n = SNIPPET_MAX - at;
	memcpy(p->snippet + at, piece.p, n);
}

static void piece_fill(struct parser *p, struct view piece, struct frame *out)
{
	size_t n = p->frame.size - p->left;

	*out = p->frame;
	out->bytes = piece;
	out->snippet = view_of(p->snippet, n < SNIPPET_MAX ? n : SNIPPET_MAX);
}

/* The end octet is in->p[0]. */
static enum frame_result piece_last(struct parser *p, struct view piece, struct view *in,
				    struct frame *out)
{
	piece_fill(p, piece, out);
	out->last = true;
	out->end = in->p[0];
	*in = view_skip(*in, 1);
	p->state = PARSE_HEAD;
	return out->end == FRAME_END ? FRAME_READY : FRAME_BAD_END;
}

static enum frame_result take_body(struct parser *p, struct view *in, struct frame *out)
{
	struct view piece = view_head(*in, p->left);

	snippet_add(p, piece);
	p->left -= (uint32_t)piece.n;
	*in = view_skip(*in, piece.n);
	if (p->left == 0 && in->n)
		return piece_last(p, piece, in, out);
	if (p->left == 0)
		p->state = PARSE_BODY_END;
	piece_fill(p, piece, out);
	return FRAME_READY;
}

static void take_skip(struct parser *p, struct view *in)
{
	if (in->n <= p->left) {
		p->left -= (uint32_t)in->n;
		*in = VIEW_NONE;
		return;
	}
	*in = view_skip(*in, (size_t)p->left + 1);
	p->state = PARSE_HEAD;
}

enum frame_result v091_parser_next(struct parser *p, struct view *in, struct frame *out)
{
	while (in->n) {
		enum frame_result r = FRAME_NEED;

		switch (p->state) {
		case PARSE_HEAD:
			r = take_head(p, in, out);
			break;
		case PARSE_WHOLE:
			r = take_whole(p, in, out);
			break;
		case PARSE_BODY:
			r = take_body(p, in, out);
			break;
		case PARSE_BODY_END:
			r = piece_last(p, VIEW_NONE, in, out);
			break;
		case PARSE_SKIP:
			take_skip(p, in);
			break;
		}
		if (r != FRAME_NEED)
			return r;
	}
	return FRAME_NEED;
}
