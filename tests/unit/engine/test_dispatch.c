/* SPDX-License-Identifier: Apache-2.0 */
/* Turns are bounded, and the bound is shared; routes are as wide as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rig/rig.h"

static void deep_queue(struct peer *p, const char *name, int n)
{
	peer_queue(p, name, false);
	for (int i = 0; i < n; i++)
		peer_send(p, name, "m", false);
}

/* A queue with more than a turn's work does not keep the others waiting. */
static void busy_queue_and_another(struct rig *r)
{
	struct peer busy, other;
	peer_open(&busy, r, SESSION_AMQP091);
	peer_open(&other, r, SESSION_AMQP091);
	deep_queue(&busy, "busy", 500);
	deep_queue(&other, "other", 1);
	size_t before = busy.n;
	for (int i = 0; i < 2; i++) {
		struct peer *p = i ? &other : &busy;
		engine_consume(r->engine, p->session, 1000,
			       &(struct consumer_spec){.queue = i ? VIEW("other") : VIEW("busy"),
						       .credit = UINT32_MAX, .no_ack = true});
	}
	for (int i = 0; i < 5; i++)
		rig_turn(r);
	assert_true(busy.n - before < 200); /* or nothing was bounded */
	struct seen last = other.v[other.n - 1];
	assert_int_equal(last.kind, EVENT_DELIVERED);
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&busy, CLOSE_ORDERLY);
}

static void test_busy_queue_and_another(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.deliver_turn = 20;
	rig_over(0, &o, busy_queue_and_another);
}

static size_t delivered_of(const struct peer *p, const char *body)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].kind == EVENT_DELIVERED && !strcmp(p->v[i].body, body);
	return n;
}

/* One connection consumes from several deep queues, in two sessions: what it may have in a
 * turn goes round them. */
static void consumers_of_a_connection(struct rig *r)
{
	enum { N = 6, DEPTH = 100, TURNS = 12 };
	struct peer p;
	char name[16];
	peer_open(&p, r, SESSION_AMQP091);
	uint64_t other = engine_session_open(r->engine, p.conn, &p);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "q%d", i);
		peer_queue(&p, name, false);
		for (int k = 0; k < DEPTH; k++)
			peer_send(&p, name, name, false);
	}
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "q%d", i);
		engine_consume(r->engine, i % 2 ? other : p.session, 1000, &(struct consumer_spec){
			.queue = view_str(name), .credit = UINT32_MAX, .no_ack = true});
	}
	for (int i = 0; i < TURNS; i++)
		rig_turn(r);
	size_t all = 0, least = SIZE_MAX;
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "q%d", i);
		size_t n = delivered_of(&p, name);
		all += n;
		least = n < least ? n : least;
	}
	assert_true(all > 0 && all < N * DEPTH); /* or nothing was bounded */
	assert_true(least * N * 2 >= all);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_consumers_of_a_connection(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.deliver_bytes = 1000;
	o.deliver_turn = 20;
	rig_over(0, &o, consumers_of_a_connection);
}

/* However many exchanges one is bound to, all of them get the message. */
static void many_exchanges(struct rig *r)
{
	enum { N = 400 };
	struct peer p;
	char name[16];
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", false);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		engine_topic_declare(r->engine, p.session, 1,
				     &(struct topic_spec){.name = view_str(name), .type = TOPIC_FANOUT});
		engine_bind(r->engine, p.session, 2, &(struct binding_spec){
			.source = VIEW("amq.fanout"), .destination = view_str(name), .to_topic = true});
		snprintf(name, sizeof(name), "q%d", i);
		engine_queue_declare(r->engine, p.session, 3, &(struct queue_spec){.name = view_str(name)});
		char topic[16];
		snprintf(topic, sizeof(topic), "t%d", i);
		engine_bind(r->engine, p.session, 4, &(struct binding_spec){
			.source = view_str(topic), .destination = view_str(name)});
	}
	rig_settle(r);
	struct message *m = rig_message(r, "m", false);
	engine_publish(r->engine, p.session, VIEW("amq.fanout"), VIEW(""), m, 0, 1);
	message_unref(m);
	rig_settle(r);
	struct engine_counters c;
	engine_counters(r->engine, &c);
	assert_int_equal(c.entries, N);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_many_exchanges(void **state)
{
	(void)state;
	rig_over(0, NULL, many_exchanges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busy_queue_and_another),
		cmocka_unit_test(test_consumers_of_a_connection),
		cmocka_unit_test(test_many_exchanges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
