/* SPDX-License-Identifier: Apache-2.0 */
#include "amqp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "mapping/names.h"

/* Of a durable message that leaves memory; the scripts' ordinary ones are smaller. */
enum { OUTSIDE_BYTES = 300000 };
enum { TURNS_MAX = 100000, TURNS_STILL = 1000, FRAME_ROOM = 300 * 1024 };

/* ---- the process ------------------------------------------------------------- */

/* The memory store, but for a batch that script.store_fails has refused. */
static const struct store_ops *inner;
static struct store_ops failing;
static struct script *owner;
static struct store_batch *refused;

static void failing_submit(struct store *s, struct store_batch *b)
{
	if (!owner->store_fails) {
		inner->submit(s, b);
		return;
	}
	owner->store_fails = false;
	refused = b;
}

static int failing_poll(struct store *s)
{
	int n = inner->poll(s);

	if (refused) {
		struct store_batch *b = refused;

		refused = NULL;
		for (size_t i = 0; i < b->n; i++) {
			b->ops[i].result = STORE_FAILED;
			for (uint32_t k = 0; b->ops[i].kind == OP_APPEND && k < b->ops[i].append.n_dests; k++)
				b->ops[i].append.dests[k].result = STORE_FAILED;
		}
		b->done(b, b->ctx);
		n++;
	}
	return n;
}

static bool failing_idle(const struct store *s)
{
	return !refused && inner->idle(s);
}

static struct store *store_open(struct script *s)
{
	struct store *store = store_memory_open();

	owner = s;
	inner = store->ops;
	failing = *inner;
	failing.submit = failing_submit;
	failing.poll = failing_poll;
	failing.idle = failing_idle;
	store->ops = &failing;
	return store;
}

void script_open(struct script *s)
{
	struct error e = {.code = CODE_OK};
	struct engine_options eo;
	struct access_options ao = {
		.default_user = VIEW("guest"),
		.default_pass = VIEW("guest"),
		.master_key = {7},
		.account_of = name_account,
	};

	memset(s, 0, sizeof(*s));
	log_set_level(LOG_ERROR);
	s->now = (struct now){1000, 1700000000000};
	rng_seed(&s->rng, 11);
	rng_seed(&s->cuts, 12);
	s->codecs.of[RAW_AMQP091] = &v091_codec;
	s->store = store_open(s);
	s->access = access_new(&ao, s->store, &e);
	if (!s->access)
		fail_msg("access: %s", e.text);
	engine_options_default(&eo);
	eo.codecs = &s->codecs;
	s->engine = engine_new(&eo, s->store, s->now, &e);
	if (!s->engine)
		fail_msg("engine: %s", e.text);
	engine_vhost_add(s->engine, VIEW("/"));
	s->disk = store_crash_new("wire", 1);
	s->blobs = blobs_open(&(struct blobs_options){.bytes_min = OUTSIDE_BYTES, .seed = 5},
			      store_crash_disk(s->disk), &e);
	s->env = (struct v091_env){.engine = s->engine, .access = s->access, .codecs = &s->codecs,
				   .rng = &s->rng, .blobs = s->blobs};
	v091_options_default(&s->env.options);
	script_settle(s);
}

void script_close(struct script *s)
{
	while (s->peers && !s->failed)
		peer_drop(s->peers);
	engine_free(s->engine);
	access_free(s->access);
	s->store->ops->close(s->store);
	if (s->failed)
		return; /* peers are left, and what they hold */
	blobs_close(s->blobs);
	store_crash_free(s->disk);
}

static void peer_read(struct peer *p)
{
	struct out *o = &p->wire.out;
	struct iovec iov;
	size_t before = p->n;

	p->touched = false;
	while (out_iov(o, &iov, 1)) {
		p->got = mem_grow(p->got, &p->cap, p->n + iov.iov_len, 1);
		memcpy(p->got + p->n, iov.iov_base, iov.iov_len);
		p->n += iov.iov_len;
		out_consume(o, iov.iov_len);
		p->wire.last_write_ms = p->script->now.mono_ms;
	}
	if (p->n > before && p->wire.flushed)
		p->wire.flushed(p->wire.head);
}

static void peer_end(struct peer *p, enum wire_end end)
{
	struct peer **at = &p->script->peers;

	v091_head.close(p->head, end);
	peer_read(p);
	p->head = NULL;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

void script_turn(struct script *s)
{
	if (!s->hold_blobs)
		blobs_poll(s->blobs);
	if (!s->hold_engine) {
		engine_run(s->engine, s->now);
		access_poll(s->access, s->now);
		v091_turn_end(&s->env);
		engine_flush(s->engine);
	}
	for (struct peer *p = s->peers, *next; p; p = next) {
		next = p->next;
		peer_read(p);
		if (p->wire.closing)
			peer_end(p, WIRE_PEER_CLOSED);
	}
}

static bool peers_touched(const struct script *s)
{
	const struct peer *p = s->peers;

	while (p && !p->touched)
		p = p->next;
	return p != NULL;
}

void script_settle(struct script *s)
{
	int turns = 0;

	script_turn(s);
	while (!engine_idle(s->engine) || !access_idle(s->access) || peers_touched(s) ||
	       (!s->hold_blobs && !blobs_idle(s->blobs))) {
		script_turn(s);
		assert_true(++turns < TURNS_MAX);
		if (turns > TURNS_STILL) /* something waits for its time: to be stored again */
			s->now.mono_ms++;
	}
	script_turn(s);
}

void script_wait(struct script *s, int64_t ms)
{
	int64_t until = s->now.mono_ms + ms;

	while (s->now.mono_ms < until) {
		s->now.mono_ms++;
		s->now.wall_ms++;
		for (struct peer *p = s->peers, *next; p; p = next) {
			next = p->next;
			if (p->wire.tick_at_ms <= s->now.mono_ms)
				v091_head.tick(p->head, s->now);
		}
		script_turn(s);
	}
	script_settle(s);
}

/* ---- cleaning up ----------------------------------------------------------------- */

struct leftover {
	struct script *s;
	uint64_t session, cmd;
	char names[64][256];
	size_t n;
};

static void note_queue(void *ctx, const struct queue_stat *q)
{
	struct leftover *l = ctx;

	assert_int_equal(q->leased, 0);
	snprintf(l->names[l->n++], 256, "%.*s", VIEW_ARG(q->name));
}

static void note_topic(void *ctx, const struct topic_stat *t)
{
	struct leftover *l = ctx;

	if (!view_starts(t->name, VIEW("amq.")))
		snprintf(l->names[l->n++], 256, "%.*s", VIEW_ARG(t->name));
}

static void ignore(void *ctx, const struct event *ev)
{
	(void)ctx;
	(void)ev;
}

void script_clean(struct script *s)
{
	struct connection_spec spec = {.kind = SESSION_ADMIN, .vhost = VIEW("/"), .user = VIEW("guest"), .event = ignore};
	uint64_t conn = engine_connection_open(s->engine, &spec);
	struct leftover l = {.s = s};

	while (s->peers)
		peer_drop(s->peers);
	script_settle(s);
	l.session = engine_session_open(s->engine, conn, NULL);
	engine_queues_each(s->engine, VIEW("/"), note_queue, &l);
	for (size_t i = 0; i < l.n; i++)
		engine_queue_delete(s->engine, l.session, ++l.cmd, view_str(l.names[i]), false, false);
	l.n = 0;
	engine_topics_each(s->engine, VIEW("/"), note_topic, &l);
	for (size_t i = 0; i < l.n; i++)
		engine_topic_delete(s->engine, l.session, ++l.cmd, view_str(l.names[i]), false);
	script_settle(s);
	engine_connection_close(s->engine, conn, CLOSE_ORDERLY);
}

/* ---- what a peer sends --------------------------------------------------------------- */

static void touched(struct wire *w)
{
	((struct peer *)(void *)((char *)w - offsetof(struct peer, wire)))->touched = true;
}

void peer_connect(struct peer *p, struct script *s)
{
	memset(p, 0, sizeof(*p));
	p->script = s;
	p->frame_max = 131072;
	out_init(&p->wire.out);
	p->wire.loopback = true;
	p->wire.now = &s->now;
	p->wire.touched = touched;
	p->wire.tick_at_ms = INT64_MAX;
	p->wire.last_read_ms = p->wire.last_write_ms = s->now.mono_ms;
	snprintf(p->wire.peer, sizeof(p->wire.peer), "127.0.0.1:1 -> 127.0.0.1:2");
	p->head = v091_head.open(&s->env, &p->wire, s->now);
	p->next = s->peers;
	s->peers = p;
}

void peer_drop(struct peer *p)
{
	if (p->head)
		peer_end(p, WIRE_LOST);
	out_fini(&p->wire.out);
	free(p->got);
	p->got = NULL;
	script_settle(p->script);
}

static size_t cut(struct script *s, size_t left)
{
	switch (s->split) {
	case SPLIT_OCTETS:
		return 1;
	case SPLIT_RANDOM: {
		size_t n = 1 + (size_t)rng_below(&s->cuts, 40);

		return n < left ? n : left;
	}
	default:
		return left;
	}
}

void peer_bytes(struct peer *p, struct view v)
{
	/* A copy of exactly this size, so that a sanitizer sees a read past it. */
	while (v.n && p->head && !p->wire.closing) {
		size_t n = cut(p->script, v.n);
		uint8_t *copy = mem_alloc(n);

		memcpy(copy, v.p, n);
		p->wire.last_read_ms = p->script->now.mono_ms;
		v091_head.input(p->head, view_of(copy, n), p->script->now);
		memset(copy, 0xEE, n);
		free(copy);
		v = view_skip(v, n);
	}
}

static void frame_add(struct buf *b, uint8_t type, uint16_t channel, struct view payload)
{
	buf_add_u8(b, type);
	buf_add_u16(b, channel);
	buf_add_u32(b, (uint32_t)payload.n);
	buf_add(b, payload);
	buf_add_u8(b, 0xCE);
}

void peer_frame(struct peer *p, uint8_t type, uint16_t channel, struct view payload)
{
	struct buf b;

	buf_init(&b, FRAME_ROOM);
	frame_add(&b, type, channel, payload);
	peer_bytes(p, buf_view(&b));
	buf_fini(&b);
}

static void short_add(struct buf *b, const char *text)
{
	buf_add_u8(b, (uint8_t)strlen(text));
	buf_add_str(b, text);
}

static void args_add(struct buf *b, const char *layout, va_list ap)
{
	for (; *layout; layout++) {
		const struct view *table;
		const char *text;

		switch (*layout) {
		case 'o':
			buf_add_u8(b, (uint8_t)va_arg(ap, int));
			break;
		case 'h':
			buf_add_u16(b, (uint16_t)va_arg(ap, int));
			break;
		case 'l':
			buf_add_u32(b, (uint32_t)va_arg(ap, int));
			break;
		case 'L':
			buf_add_u64(b, (uint64_t)va_arg(ap, int));
			break;
		case 's':
			short_add(b, va_arg(ap, const char *));
			break;
		case 'S':
			text = va_arg(ap, const char *);
			buf_add_u32(b, (uint32_t)strlen(text));
			buf_add_str(b, text);
			break;
		default:
			table = va_arg(ap, const struct view *);
			buf_add_u32(b, table ? (uint32_t)table->n : 0);
			buf_add(b, table ? *table : VIEW_NONE);
		}
	}
}

static void method_add(struct buf *out, uint16_t channel, uint32_t id, const char *layout, va_list ap)
{
	struct buf b;

	buf_init(&b, FRAME_ROOM);
	buf_add_u32(&b, id);
	args_add(&b, layout, ap);
	frame_add(out, 1, channel, buf_view(&b));
	buf_fini(&b);
}

void say(struct peer *p, uint16_t channel, uint32_t id, const char *layout, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, FRAME_ROOM);
	va_start(ap, layout);
	method_add(&b, channel, id, layout, ap);
	va_end(ap);
	peer_bytes(p, buf_view(&b));
	buf_fini(&b);
}

static void content_add(struct buf *out, const struct peer *p, uint16_t channel, struct view raw, struct view body)
{
	struct buf b;

	buf_init(&b, FRAME_ROOM);
	buf_add_u32(&b, 60u << 16);
	buf_add_u64(&b, body.n);
	buf_add(&b, raw.n ? raw : VIEW("\0\0"));
	frame_add(out, 2, channel, buf_view(&b));
	buf_fini(&b);
	while (body.n) {
		struct view piece = view_head(body, p->frame_max - 8);

		frame_add(out, 3, channel, piece);
		body = view_skip(body, piece.n);
	}
}

void say_content(struct peer *p, uint16_t channel, struct view raw, struct view body)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	content_add(&b, p, channel, raw, body);
	peer_bytes(p, buf_view(&b));
	buf_fini(&b);
}

void say_publish(struct peer *p, uint16_t channel, const char *exchange, const char *key, const char *body)
{
	say(p, channel, PUBLISH, "hsso", 0, exchange, key, 0);
	say_content(p, channel, VIEW_NONE, view_str(body));
}

/* ---- what a peer expects ------------------------------------------------------------------ */

static void dump(const char *what, struct view v)
{
	fprintf(stderr, "%s (%zu):", what, v.n);
	for (size_t i = 0; i < v.n && i < 400; i++)
		fprintf(stderr, v.p[i] >= 32 && v.p[i] < 127 ? "%c" : "\\%02x", v.p[i]);
	fprintf(stderr, "\n");
}

void expect_bytes(struct peer *p, struct view v)
{
	script_settle(p->script);
	struct view got = view_head(view_of(p->got + p->at, p->n - p->at), v.n);

	if (!view_eq(got, v)) {
		dump("expected", v);
		dump("got", view_of(p->got + p->at, p->n - p->at));
		fail();
	}
	p->at += v.n;
}

void expect(struct peer *p, uint16_t channel, uint32_t id, const char *layout, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, FRAME_ROOM);
	va_start(ap, layout);
	method_add(&b, channel, id, layout, ap);
	va_end(ap);
	expect_bytes(p, buf_view(&b));
	buf_fini(&b);
}

void expect_content(struct peer *p, uint16_t channel, struct view raw, struct view body)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	content_add(&b, p, channel, raw, body);
	expect_bytes(p, buf_view(&b));
	buf_fini(&b);
}

void expect_deliver(struct peer *p, const char *tag, uint64_t n, bool again, const char *key, const char *body)
{
	expect(p, 1, DELIVER, "sLoss", tag, (int)n, again, "", key);
	expect_content(p, 1, VIEW_NONE, view_str(body));
}

void expect_channel_close(struct peer *p, uint16_t channel, uint16_t code, const char *text, uint32_t id)
{
	expect(p, channel, CHANNEL_CLOSE, "hshh", code, text, (int)(id >> 16), (int)(id & 0xFFFF));
}

void expect_channel_fail(struct peer *p, uint16_t channel, uint16_t code, const char *text, uint32_t id)
{
	expect_channel_close(p, channel, code, text, id);
	say(p, channel, CHANNEL_CLOSE_OK, "");
}

void expect_fail(struct peer *p, uint16_t code, const char *text, uint32_t id)
{
	expect(p, 0, CLOSE, "hshh", code, text, (int)(id >> 16), (int)(id & 0xFFFF));
	say(p, 0, CLOSE_OK, "");
	expect_end(p);
}

void expect_nothing(struct peer *p)
{
	script_settle(p->script);
	if (p->at != p->n) {
		dump("expected nothing, got", view_of(p->got + p->at, p->n - p->at));
		fail();
	}
}

void expect_end(struct peer *p)
{
	expect_nothing(p);
	assert_null(p->head);
	peer_drop(p);
}

/* ---- commonest steps -------------------------------------------------------------------------- */

/* Whatever frame comes next is taken as it is. */
static void skip_frame(struct peer *p)
{
	script_settle(p->script);
	assert_true(p->n - p->at > 8);
	p->at += be32_get(p->got + p->at + 3) + 8;
	assert_true(p->at <= p->n);
}

void peer_login(struct peer *p, struct script *s)
{
	static const uint8_t can[] = "\x0c" "capabilitiesF\0\0\0\x6f"
				     "\x1c" "authentication_failure_closet\1"
				     "\x16" "consumer_cancel_notifyt\1"
				     "\x12" "connection.blockedt\1"
				     "\x12" "publisher_confirmst\1"
				     "\x0a" "basic.nackt\1";
	struct view table = view_of(can, sizeof(can) - 1);
	char response[] = "\0guest\0guest";

	peer_connect(p, s);
	peer_bytes(p, VIEW("AMQP\0\0\x09\x01"));
	skip_frame(p);
	{
		struct buf b;

		buf_init(&b, 1024);
		buf_add_u32(&b, START_OK);
		buf_add_u32(&b, (uint32_t)table.n);
		buf_add(&b, table);
		short_add(&b, "PLAIN");
		buf_add_u32(&b, sizeof(response) - 1);
		buf_add(&b, view_of(response, sizeof(response) - 1));
		short_add(&b, "en_US");
		peer_frame(p, 1, 0, buf_view(&b));
		buf_fini(&b);
	}
	expect(p, 0, TUNE, "hlh", 2047, 131072, 60);
	say(p, 0, TUNE_OK, "hlh", 2047, 131072, 0);
	say(p, 0, OPEN, "sso", "/", "", 0);
	expect(p, 0, OPEN_OK, "s", "");
}

void open_channel(struct peer *p, uint16_t channel)
{
	say(p, channel, CHANNEL_OPEN, "s", "");
	expect(p, channel, CHANNEL_OPEN_OK, "S", "");
}

void peer_open(struct peer *p, struct script *s)
{
	peer_login(p, s);
	open_channel(p, 1);
}

void peer_bye(struct peer *p)
{
	say(p, 0, CLOSE, "hshh", 200, "bye", 0, 0);
	expect(p, 0, CLOSE_OK, "");
	expect_end(p);
}

void declare(struct peer *p, const char *queue)
{
	say(p, 1, QUEUE_DECLARE, "hsoT", 0, queue, 0, NULL);
	expect(p, 1, QUEUE_DECLARE_OK, "sll", queue, 0, 0);
}

void consume(struct peer *p, const char *queue, const char *tag, bool no_ack)
{
	say(p, 1, CONSUME, "hssoT", 0, queue, tag, no_ack ? 2 : 0, NULL);
	expect(p, 1, CONSUME_OK, "s", tag);
}

/* ---- runner ---------------------------------------------------------------------------------------- */

struct run {
	const struct script_row *row;
	enum split split;
};
static struct script shared;

static int group_open(void **state)
{
	(void)state;
	script_open(&shared);
	return 0;
}

static int group_close(void **state)
{
	(void)state;
	script_close(&shared);
	return 0;
}

static void run_one(void **state)
{
	const struct run *r = *state;

	if (shared.failed) /* its peers lay on a stack that is gone */
		script_open(&shared);
	shared.failed = true;
	shared.split = r->split;
	shared.hold_engine = false;
	shared.store_fails = false;
	v091_options_default(&shared.env.options);
	r->row->run(&shared);
	script_clean(&shared);
	shared.failed = false;
}

int scripts_run(const char *group, const struct script_row *rows, size_t n)
{
	static const char *const names[SPLITS] = {"whole", "octets", "random"};
	struct CMUnitTest *tests = mem_zalloc(n * SPLITS * sizeof(*tests));
	struct run *runs = mem_zalloc(n * SPLITS * sizeof(*runs));
	char (*labels)[96] = mem_zalloc(n * SPLITS * sizeof(*labels));
	int failed;

	for (size_t i = 0; i < n * SPLITS; i++) {
		runs[i] = (struct run){&rows[i / SPLITS], (enum split)(i % SPLITS)};
		snprintf(labels[i], sizeof(labels[i]), "%s (%s)", runs[i].row->name, names[i % SPLITS]);
		tests[i] = (struct CMUnitTest){labels[i], run_one, NULL, NULL, &runs[i]};
	}
	failed = _cmocka_run_group_tests(group, tests, n * SPLITS, group_open, group_close);
	free(tests);
	free(runs);
	free(labels);
	return failed;
}
