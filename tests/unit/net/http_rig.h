/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP head without a socket: bytes in, cut as the test wants, bytes out.
 * The handler answers at once or after the input, with the request as text. */
#ifndef TESTS_UNIT_NET_HTTP_RIG_H
#define TESTS_UNIT_NET_HTTP_RIG_H

#include "base/rng.h"
#include "net/http.h"

struct http_rig {
	struct http_service service;
	struct wire wire;
	struct now now;
	bool later;     /* the handler keeps the request */
	bool with_sent; /* it asks to be told */
	bool empty_answers; /* 204 */
	struct http_request *kept;
	int requests, cancelled, sent_ok, sent_lost;
	struct buf out; /* all that was written, in order */
};

void http_rig_init(struct http_rig *h);
void http_rig_fini(struct http_rig *h);
void http_rig_input(struct http_rig *h, struct view bytes);
/* Answers what is kept, ticks what is due, until nothing moves. */
void http_rig_settle(struct http_rig *h);
/* Consumes wire.out into h->out and says so to the head. */
void http_rig_flush(struct http_rig *h);
void http_rig_close(struct http_rig *h, enum wire_end end);

/* All of it in pieces: 0 at once, 1 byte by byte, else random from the seed. The
 * output as text in h->out. */
void http_rig_feed(struct http_rig *h, struct view bytes, uint64_t cut);

#endif
