/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to others while a long queue is purged, deleted, drained, given back
 * or read at start (engine.md §8): they get on, turn by turn. Not timed:
 * MQBRIDGE_LOAD_COUNT sets how many messages, MQBRIDGE_LOAD_TIMES=1 prints the CPU
 * time of the longest turn of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "rig/rig.h"

enum { COUNT = 20000, BODY = 1024, FILL_TURN = 500, A_FEW_TURNS = 6, WAIT_TURNS = 1000000 };

static uint64_t count;
static double longest_ms;

static double cpu_ms(void)
{
	struct rusage u;
	getrusage(RUSAGE_THREAD, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void turn(struct rig *r)
{
	double before = cpu_ms();
	rig_turn(r);
	double ms = cpu_ms() - before;
	longest_ms = ms > longest_ms ? ms : longest_ms;
	r->now.mono_ms++;
	r->now.wall_ms++;
	if (r->kind == RIG_SQLITE_THREAD)
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

static void timed(const char *what, double before)
{
	double ms = cpu_ms() - before; /* the verb itself belongs to a turn */
	longest_ms = ms > longest_ms ? ms : longest_ms;
	if (getenv("MQBRIDGE_LOAD_TIMES"))
		printf("%-28s longest turn %.1f ms\n", what, longest_ms);
}

static void send(struct peer *p, const char *queue, struct message *m, uint64_t tag)
{
	engine_send(p->rig->engine, p->session, view_str(queue), m, tag ? PUBLISH_CONFIRM : 0, -1, tag);
}

static struct message *large(struct rig *r, bool durable)
{
	char body[BODY + 1];
	memset(body, 'x', BODY);
	body[BODY] = 0;
	return rig_message(r, body, durable);
}

/* A durable queue "long" with `count` messages, "other" with a consumer of q's. */
static void filled(struct rig *r, struct peer *p, struct peer *q, bool durable)
{
	r->check_every = 1000;
	peer_open(p, r, SESSION_AMQP091);
	peer_open(q, r, SESSION_AMQP091);
	peer_queue(p, "long", true);
	peer_queue(q, "other", true);
	peer_consume(q, "other", 100, false);
	for (uint64_t i = 0; i < count; i++) {
		struct message *m = large(r, durable);
		send(p, "long", m, 0);
		message_unref(m);
		if (i % FILL_TURN == 0)
			turn(r);
		while (engine_store_full(r->engine))
			turn(r);
	}
	rig_settle(r);
	longest_ms = 0;
}

/* One message goes through the other queue, confirmed and delivered, in a few turns. */
static void others_get_on(struct rig *r, struct peer *q)
{
	struct message *m = rig_message(r, "m", true);
	uint64_t tag = ++q->cmd, lease = 0;
	bool stored = false;
	send(q, "other", m, tag);
	message_unref(m);
	int turns = r->kind == RIG_SQLITE_THREAD ? WAIT_TURNS : A_FEW_TURNS;
	for (int i = 0; i < turns && !(stored && lease); i++) {
		turn(r);
		for (; q->at < q->n; q->at++) {
			stored |= q->v[q->at].kind == EVENT_PUBLISHED && q->v[q->at].tag == tag;
			if (q->v[q->at].kind == EVENT_DELIVERED)
				lease = q->v[q->at].lease;
		}
	}
	assert_true(stored && lease);
	peer_settle(q, lease, OUTCOME_ACCEPT, false);
}

static uint64_t ready(struct rig *r, const char *queue)
{
	struct queue_stat st;
	return engine_queue_stat(r->engine, VIEW("/"), view_str(queue), &st) ? st.ready : 0;
}

static void end(struct peer *p, struct peer *q)
{
	peer_close(p, CLOSE_ORDERLY);
	peer_close(q, CLOSE_ORDERLY);
}

static void purged(struct rig *r, bool durable)
{
	struct peer p, q;
	filled(r, &p, &q, durable);
	assert_int_equal(ready(r, "long"), count);
	double before = cpu_ms();
	engine_queue_purge(r->engine, p.session, 9, VIEW("long"), false);
	rig_turn(r);
	timed(durable ? "purge, durable" : "purge, transient", before);
	for (int i = 0; i < 20; i++)
		others_get_on(r, &q);
	timed("  and what follows", cpu_ms());
	assert_int_equal(peer_next(&p)->count, count);
	assert_int_equal(ready(r, "long"), 0);
	end(&p, &q);
}

static void purge_durable(struct rig *r)
{
	purged(r, true);
}

static void purge_transient(struct rig *r)
{
	purged(r, false);
}

static void deleted(struct rig *r)
{
	struct peer p, q;
	filled(r, &p, &q, true);
	double before = cpu_ms();
	engine_queue_delete(r->engine, p.session, 9, VIEW("long"), false, false);
	rig_turn(r);
	timed("delete", before);
	for (int i = 0; i < 20; i++)
		others_get_on(r, &q);
	timed("  and what follows", cpu_ms());
	assert_int_equal(peer_next(&p)->count, count);
	end(&p, &q);
}

/* By a consumer that takes all it can get. */
static void drained(struct rig *r)
{
	struct peer p, q;
	filled(r, &p, &q, true);
	engine_consume(r->engine, p.session, 9, &(struct consumer_spec){
		.queue = VIEW("long"), .credit = UINT32_MAX, .no_ack = true});
	uint64_t got = 0;
	for (int i = 0; i < WAIT_TURNS && got <= count; i++) {
		if (i % 16 == 0)
			others_get_on(r, &q);
		else
			turn(r);
		got += p.n - p.at;
		p.at = p.n = 0;
	}
	timed("drain", cpu_ms());
	assert_int_equal(got, count + 1); /* and the answer to consume */
	assert_int_equal(ready(r, "long"), 0);
	end(&p, &q);
}

/* Everything is in one consumer's hands when its connection is lost. */
static void returned(struct rig *r)
{
	struct peer p, q, holder;
	filled(r, &p, &q, true);
	peer_open(&holder, r, SESSION_AMQP091);
	engine_consume(r->engine, holder.session, 9, &(struct consumer_spec){
		.queue = VIEW("long"), .credit = UINT32_MAX});
	for (int i = 0; i < WAIT_TURNS && holder.n <= count; i++)
		turn(r);
	assert_int_equal(holder.n, count + 1);
	longest_ms = 0;
	double before = cpu_ms();
	peer_close(&holder, CLOSE_LOST);
	rig_turn(r);
	timed("connection lost, all unacked", before);
	for (int i = 0; i < 5; i++)
		others_get_on(r, &q);
	timed("  and what follows", cpu_ms());
	assert_int_equal(ready(r, "long"), count);
	end(&p, &q);
}

/* ---- a slow consumer ---- */

enum { MARK = 128 * 1024, HIGH = 2 << 20, LOW = 1 << 20, WINDOW = 1 << 20, SEND_TURN = 250, TAKE_TURNS = 20 };

/* A socket that takes MARK now and then, and a driver's way to say so. */
struct slow {
	struct rig *rig;
	uint64_t conn, unsent, n, next;
};

static void slow_event(void *ctx, const struct event *ev)
{
	struct slow *s = ctx;
	uint64_t id;
	if (ev->kind != EVENT_DELIVERED)
		return;
	struct view body = body_piece(ev->delivered.d.message->body, 0);
	memcpy(&id, body.p, sizeof(id));
	assert_int_equal(id, s->next++); /* in order, none missing */
	s->unsent += body.n;
	s->n++;
	if (s->unsent > MARK)
		engine_connection_writable(s->rig->engine, s->conn, false);
}

static void slow_open(struct slow *s, struct rig *r)
{
	*s = (struct slow){.rig = r};
	s->conn = engine_connection_open(r->engine, &(struct connection_spec){
		.kind = SESSION_AMQP091, .vhost = VIEW("/"), .user = VIEW("guest"), .event = slow_event, .ctx = s});
	uint64_t session = engine_session_open(r->engine, s->conn, NULL);
	engine_consume(r->engine, session, 1, &(struct consumer_spec){
		.queue = VIEW("long"), .credit = UINT32_MAX, .no_ack = true});
}

static void slow_takes(struct slow *s)
{
	s->unsent = 0;
	engine_connection_writable(s->rig->engine, s->conn, true);
}

static void numbered(struct peer *p, uint64_t id, bool durable)
{
	uint8_t body[BODY] = {0};
	uint8_t uuid[16];
	memcpy(body, &id, sizeof(id));
	rng_uuid(&p->rig->rng, uuid);
	struct message *m = message_new(&(struct message_spec){.durable = durable, .id = uuid},
					body_of(view_of(body, sizeof(body))));
	send(p, "long", m, 0);
	message_unref(m);
}

static void memory_is_bounded(struct rig *r)
{
	struct engine_counters c;
	engine_counters(r->engine, &c);
	assert_true(c.resident_bytes < HIGH + WINDOW + MARK);
	assert_true(c.batch_bytes < r->options.store_high_bytes + 2 * SEND_TURN * 2 * BODY);
}

/* Durable and transient ones by turns, far more than memory may hold, behind a
 * consumer that takes a little; in the end it takes all. */
static void slow_consumer(struct rig *r)
{
	struct peer p;
	struct slow s;
	r->check_every = 1000;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "long", true);
	slow_open(&s, r);
	for (uint64_t id = 0, i = 0; id < count; i++) {
		for (int k = 0; k < SEND_TURN && id < count && !engine_store_full(r->engine); k++, id++)
			numbered(&p, id, id / 100 % 2);
		turn(r);
		if (i % TAKE_TURNS == 0)
			slow_takes(&s);
		memory_is_bounded(r);
	}
	assert_true(s.n < count / 2);
	for (int i = 0; i < WAIT_TURNS && s.n < count; i++) {
		slow_takes(&s);
		turn(r);
		memory_is_bounded(r);
	}
	assert_int_equal(s.n, count);
	timed("slow consumer", cpu_ms());
	engine_connection_close(r->engine, s.conn, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

/* A start reads rows, not messages. */
static void restarted(struct rig *r)
{
	struct peer p, q;
	struct engine_counters c;
	filled(r, &p, &q, true);
	end(&p, &q);
	double before = cpu_ms();
	rig_restart(r);
	timed("restart", before);
	engine_counters(r->engine, &c);
	assert_int_equal(c.loads, 0);
	assert_int_equal(c.entries, 0);
	assert_int_equal(ready(r, "long"), count);
}

static void over_with(void (*body)(struct rig *r), uint32_t caps, const struct engine_options *o)
{
	static const enum rig_store kinds[] = {RIG_MEMORY, RIG_SQLITE_THREAD};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct rig r = {0};
		if (!rig_has(kinds[i], caps))
			continue;
		if (o)
			r.options = *o;
		rig_open(&r, kinds[i]);
		body(&r);
		rig_close(&r);
	}
}

static void over(void (*body)(struct rig *r), uint32_t caps)
{
	over_with(body, caps, NULL);
}

static void test_slow_consumer(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.window_bytes = WINDOW;
	o.load_bytes = MARK;
	o.resident_high_bytes = HIGH;
	o.resident_low_bytes = LOW;
	o.store_high_bytes = 2 << 20;
	o.store_low_bytes = 1 << 20;
	over_with(slow_consumer, 0, &o);
}

static void test_purge(void **state)
{
	(void)state;
	over(purge_durable, 0);
	over(purge_transient, 0);
}

static void test_delete(void **state)
{
	(void)state;
	over(deleted, 0);
}

static void test_drain(void **state)
{
	(void)state;
	over(drained, 0);
}

static void test_returned(void **state)
{
	(void)state;
	over(returned, 0);
}

static void test_restart(void **state)
{
	(void)state;
	over(restarted, STORE_SURVIVES);
}

int main(void)
{
	const char *n = getenv("MQBRIDGE_LOAD_COUNT");
	count = n ? strtoull(n, NULL, 10) : COUNT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_purge),    cmocka_unit_test(test_delete),  cmocka_unit_test(test_drain),
		cmocka_unit_test(test_returned), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_slow_consumer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
