/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of AMQP 0-9-1 (0-9-1 §4.2.3) as an incremental parser over byte runs
 * of any split. Method, header and heartbeat frames come out whole; body frames
 * come out in pieces that alias the input, so that body bytes are copied once
 * only, into the message.
 *
 * Invariants:
 *  1. a whole frame aliases the input when it lies in it, else the parser's buffer;
 *     either is valid until the next call
 *  2. no more than size_max bytes are ever kept
 *  3. after FRAME_TOO_LARGE and FRAME_BAD_END the parser goes on behind that frame */
#ifndef MQB_AMQP_V091_FRAME_PRIV_H
#define MQB_AMQP_V091_FRAME_PRIV_H

#include "base/buf.h"

enum {
	TYPE_METHOD = 1,
	TYPE_HEADER = 2,
	TYPE_BODY = 3,
	TYPE_HEARTBEAT = 8,
	FRAME_END = 0xCE,
	FRAME_OVERHEAD = 8, /* seven octets before, one behind */
	FRAME_MIN_MAX = 4096,
	SNIPPET_MAX = 16,
};

struct frame {
	uint8_t type;
	uint16_t channel;
	uint32_t size;      /* of the payload, as announced */
	struct view bytes;  /* payload, or the piece of a body frame */
	bool last;          /* whole frame, or the last piece of a body frame */
	uint8_t end;        /* what stood where FRAME_END belongs (FRAME_BAD_END) */
	struct view snippet; /* first octets of the payload, for error texts */
};

enum frame_result {
	FRAME_NEED,  /* the input is used up */
	FRAME_READY, /* *out is a frame or a piece */
	FRAME_TOO_LARGE,
	FRAME_BAD_END,
};

enum parser_state { PARSE_HEAD, PARSE_WHOLE, PARSE_BODY, PARSE_BODY_END, PARSE_SKIP };

struct parser {
	enum parser_state state;
	uint8_t head[7], have;
	uint32_t size_max; /* payload octets tolerated */
	uint32_t left;     /* payload octets (and, in PARSE_SKIP, the end octet) to come */
	struct frame frame;
	uint8_t snippet[SNIPPET_MAX];
	struct buf kept;
};

void v091_parser_init(struct parser *p, uint32_t frame_max);
void v091_parser_fini(struct parser *p);
/* Negotiated; a frame up to 8 octets over it is tolerated (rabbitmq.md 1.23). */
void v091_parser_limit(struct parser *p, uint32_t frame_max);
/* Takes from the front of *in what belongs to the next frame or piece. */
enum frame_result v091_parser_next(struct parser *p, struct view *in, struct frame *out);

#endif
