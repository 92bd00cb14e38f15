/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP head and form decoder. The first byte seeds how the rest is cut, and
 * whether the handler answers at once. Fed again in one piece, the same bytes
 * must make the same requests: where they were cut must not matter. */
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/rng.h"
#include "net/http.h"

struct fuzz {
	struct http_service service;
	struct wire wire;
	struct now now;
	bool later;
	struct http_request *kept;
	uint64_t digest;
};

static void mix(struct fuzz *f, struct view v)
{
	f->digest = f->digest * 1099511628211u + hash_view(v) + v.n;
}

static void answer(struct fuzz *f, struct http_request *r)
{
	struct http_header echo = {VIEW("X"), r->path};

	mix(f, r->method);
	mix(f, r->path);
	mix(f, r->query);
	mix(f, r->body);
	for (size_t i = 0; i < r->n_headers; i++) {
		mix(f, r->headers[i].name);
		mix(f, r->headers[i].value);
	}
	http_respond(r, 200, &echo, 1, r->body);
}

static void on_request(void *env, struct http_request *r, struct now now)
{
	struct fuzz *f = env;

	(void)now;
	if (f->later)
		f->kept = r;
	else
		answer(f, r);
}

static void on_cancelled(void *env, struct http_request *r)
{
	struct fuzz *f = env;

	must(f->kept == r);
	f->kept = NULL;
}

static void settle(struct fuzz *f)
{
	for (;;) {
		struct http_request *r = f->kept;

		f->kept = NULL;
		if (r)
			answer(f, r);
		else if (!f->wire.closing && f->wire.tick_at_ms <= f->now.mono_ms)
			http_head.tick(f->wire.head, f->now);
		else
			return;
	}
}

/* Returns a digest of the requests. */
static uint64_t feed(struct view bytes, uint64_t seed, bool later)
{
	struct fuzz f = {.later = later};
	struct rng rng;

	f.service = (struct http_service){.env = &f, .head_max = 4096, .body_max = 4096,
					  .request = on_request, .cancelled = on_cancelled};
	f.now = (struct now){1, 1};
	out_init(&f.wire.out);
	f.wire.tick_at_ms = INT64_MAX;
	f.wire.head = http_head.open(&f.service, &f.wire, f.now);
	rng_seed(&rng, seed);
	while (bytes.n) {
		size_t n = seed ? 1 + (size_t)rng_below(&rng, 64) : bytes.n;
		struct view piece = view_head(bytes, n);

		http_head.input(f.wire.head, piece, f.now);
		bytes = view_skip(bytes, piece.n);
		if (!seed || rng_below(&rng, 2))
			settle(&f);
		out_consume(&f.wire.out, f.wire.out.bytes / 2);
		f.wire.flushed(f.wire.head);
	}
	settle(&f);
	http_head.close(f.wire.head, WIRE_PEER_CLOSED);
	out_fini(&f.wire.out);
	return f.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view bytes = view_of(p, n);
	struct http_pair *pairs;
	struct arena a;

	if (!n)
		return 0;
	log_set_level(LOG_ERROR);
	bytes = view_skip(bytes, 1);
	must(feed(bytes, 1 + (uint64_t)(p[0] >> 1), p[0] & 1) == feed(bytes, 0, false));
	arena_init(&a);
	if (http_form_decode(bytes, &a, &pairs) >= 0)
		must(a.total <= 32 + bytes.n + sizeof *pairs * (bytes.n + 2));
	arena_fini(&a);
	return 0;
}
