/* SPDX-License-Identifier: Apache-2.0 */
#include "http_rig.h"

#include <stdlib.h>

static void on_sent(void *ctx, bool ok)
{
	struct http_rig *h = ctx;

	if (ok)
		h->sent_ok++;
	else
		h->sent_lost++;
}

/* "METHOD path?query n=headers host=… body" */
static void answer(struct http_rig *h, struct http_request *r)
{
	struct http_header type = {VIEW("X-Test"), VIEW("a\r\nInjected: b")};
	struct view host = http_header_find(r, "HOST");
	struct buf text;

	buf_init(&text, 1 << 24);
	buf_printf(&text, "%.*s %.*s?%.*s n=%zu host=%.*s ", VIEW_ARG(r->method), VIEW_ARG(r->path),
		   VIEW_ARG(r->query), r->n_headers, VIEW_ARG(host));
	buf_add(&text, r->body);
	if (h->with_sent) {
		r->sent = on_sent;
		r->sent_ctx = h;
	}
	if (h->empty_answers)
		http_respond(r, 204, NULL, 0, VIEW_NONE);
	else
		http_respond(r, 200, &type, 1, buf_view(&text));
	buf_fini(&text);
}

static void on_request(void *env, struct http_request *r, struct now now)
{
	struct http_rig *h = env;

	(void)now;
	h->requests++;
	if (h->later)
		h->kept = r;
	else
		answer(h, r);
}

static void on_cancelled(void *env, struct http_request *r)
{
	struct http_rig *h = env;

	h->cancelled++;
	if (h->kept == r)
		h->kept = NULL;
}

void http_rig_init(struct http_rig *h)
{
	bool later = h->later, with_sent = h->with_sent, empty = h->empty_answers;
	struct http_service service = h->service;

	*h = (struct http_rig){.later = later, .with_sent = with_sent, .empty_answers = empty};
	h->service = service;
	h->service.env = h;
	h->service.request = on_request;
	h->service.cancelled = on_cancelled;
	if (!h->service.head_max)
		h->service.head_max = 8192;
	if (!h->service.body_max)
		h->service.body_max = 65536;
	h->now = (struct now){1000, 784111777000}; /* RFC 9110's example date */
	out_init(&h->wire.out);
	buf_init(&h->out, 1 << 26);
	h->wire.tick_at_ms = INT64_MAX;
	h->wire.now = &h->now;
	h->wire.head = http_head.open(&h->service, &h->wire, h->now);
}

void http_rig_close(struct http_rig *h, enum wire_end end)
{
	http_head.close(h->wire.head, end);
	h->wire.head = NULL;
}

void http_rig_fini(struct http_rig *h)
{
	if (h->wire.head)
		http_rig_close(h, WIRE_LOST);
	out_fini(&h->wire.out);
	buf_fini(&h->out);
}

void http_rig_flush(struct http_rig *h)
{
	struct iovec iov[8];
	int n;

	while ((n = out_iov(&h->wire.out, iov, 8)) > 0) {
		for (int i = 0; i < n; i++) {
			buf_add(&h->out, view_of(iov[i].iov_base, iov[i].iov_len));
			out_consume(&h->wire.out, iov[i].iov_len);
		}
		h->wire.flushed(h->wire.head);
	}
}

void http_rig_settle(struct http_rig *h)
{
	for (;;) {
		if (h->kept) {
			struct http_request *r = h->kept;

			h->kept = NULL;
			answer(h, r);
		} else if (!h->wire.closing && h->wire.tick_at_ms <= h->now.mono_ms) {
			http_head.tick(h->wire.head, h->now);
		} else {
			return;
		}
	}
}

void http_rig_input(struct http_rig *h, struct view bytes)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1); /* the bytes are gone after input */

	memcpy(copy, bytes.p, bytes.n);
	http_head.input(h->wire.head, view_of(copy, bytes.n), h->now);
	free(copy);
}

void http_rig_feed(struct http_rig *h, struct view bytes, uint64_t cut)
{
	struct rng rng;

	rng_seed(&rng, cut);
	while (bytes.n) {
		size_t n = cut == 0 ? bytes.n : cut == 1 ? 1 : 1 + (size_t)rng_below(&rng, 40);
		struct view piece = view_head(bytes, n);

		http_rig_input(h, piece);
		bytes = view_skip(bytes, piece.n);
		if (cut < 2 || rng_below(&rng, 2))
			http_rig_settle(h);
	}
	http_rig_settle(h);
	http_rig_flush(h);
}
