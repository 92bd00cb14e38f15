/* SPDX-License-Identifier: Apache-2.0 */
/* A whole 0-9-1 head with engine and memory store behind it, fed with arbitrary
 * octets, after the handshake or from the first one. The first octet of the
 * input says which, and how the rest is cut. In the end nothing may be left. */
#include <stdlib.h>

#include "amqp/v091.h"
#include "base/arena.h"
#include "base/log.h"
#include "mapping/names.h"
#include "store/store_memory.h"

enum { HANDSHAKEN = 0x80, TURNS = 64, TICKS = 6 };

static struct access *access_room; /* made once: its hashes are slow by design */
static struct codecs codecs;
static struct rng rng;

struct world {
	struct store *store;
	struct v091_env env;
	struct now now;
	struct wire wire;
	void *head; /* NULL: closed */
};

static void turn(struct world *w)
{
	engine_run(w->env.engine, w->now);
	access_poll(access_room, w->now);
	v091_turn_end(&w->env);
	engine_flush(w->env.engine);
	out_consume(&w->wire.out, w->wire.out.bytes);
	if (w->head && w->wire.closing) {
		v091_head.close(w->head, WIRE_PEER_CLOSED);
		w->head = NULL;
	}
}

static void give(struct world *w, struct view v)
{
	uint8_t *copy;

	if (!w->head || w->wire.closing || !v.n)
		return;
	copy = mem_alloc(v.n);
	memcpy(copy, v.p, v.n);
	w->wire.last_read_ms = w->now.mono_ms;
	v091_head.input(w->head, view_of(copy, v.n), w->now);
	free(copy);
}

static void world_open(struct world *w)
{
	struct engine_options o;
	struct error e;

	memset(w, 0, sizeof(*w));
	w->now = (struct now){1000, 1700000000000};
	w->store = store_memory_open();
	engine_options_default(&o);
	o.codecs = &codecs;
	w->env = (struct v091_env){.access = access_room, .codecs = &codecs, .rng = &rng};
	v091_options_default(&w->env.options);
	w->env.options.held_bytes_max = 4096;
	w->env.options.message_bytes_max = 100000;
	w->env.engine = engine_new(&o, w->store, w->now, &e);
	must(w->env.engine);
	engine_vhost_add(w->env.engine, VIEW("/"));
	out_init(&w->wire.out);
	w->wire.loopback = true;
	w->wire.now = &w->now;
	w->wire.tick_at_ms = INT64_MAX;
	w->wire.last_read_ms = w->wire.last_write_ms = w->now.mono_ms;
	w->head = v091_head.open(&w->env, &w->wire, w->now);
}

static void handshake(struct world *w)
{
	give(w, VIEW("AMQP\0\0\x09\x01"));
	give(w, VIEW("\1\0\0\0\0\0\x24\0\x0a\0\x0b\0\0\0\0\5PLAIN\0\0\0\x0c\0guest\0guest\5en_US\xce"));
	while (!access_idle(access_room))
		turn(w);
	give(w, VIEW("\1\0\0\0\0\0\x0c\0\x0a\0\x1f\0\x08\0\0\x20\0\0\x02\xce"));
	give(w, VIEW("\1\0\0\0\0\0\x08\0\x0a\0\x28\1/\0\0\xce"));
	give(w, VIEW("\1\0\1\0\0\0\5\0\x14\0\x0a\0\xce"));
	turn(w);
}

static void world_close(struct world *w)
{
	struct engine_counters k;

	if (w->head)
		v091_head.close(w->head, WIRE_LOST);
	w->head = NULL;
	for (int i = 0; i < TURNS || !access_idle(access_room); i++)
		turn(w);
	engine_counters(w->env.engine, &k);
	must(k.connections == 0 && k.sessions == 0 && k.leases == 0);
	out_fini(&w->wire.out);
	engine_free(w->env.engine);
	w->store->ops->close(w->store);
}

static void start(void)
{
	static struct access_options o = {
		.default_user = VIEW("guest"),
		.default_pass = VIEW("guest"),
		.remember_ms = INT64_MAX / 2,
		.account_of = name_account,
	};
	struct error e;

	log_set_level(LOG_ERROR);
	rng_seed(&rng, 1);
	codecs.of[RAW_AMQP091] = &v091_codec;
	access_room = access_new(&o, store_memory_open(), &e);
	must(access_room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world w;
	struct view in = view_of(data, n);
	size_t piece;

	if (!n)
		return 0;
	if (!access_room)
		start();
	world_open(&w);
	if (data[0] & HANDSHAKEN)
		handshake(&w);
	piece = data[0] & 0x7F ? data[0] & 0x7F : n;
	for (in = view_skip(in, 1); in.n; in = view_skip(in, piece)) {
		give(&w, view_head(in, piece));
		if (piece % 2)
			turn(&w);
	}
	turn(&w);
	for (int i = 0; i < TICKS && w.head; i++) {
		w.now.mono_ms += 1000;
		w.now.wall_ms += 1000;
		if (w.wire.tick_at_ms <= w.now.mono_ms)
			v091_head.tick(w.head, w.now);
		turn(&w);
	}
	world_close(&w);
	return 0;
}
