/* SPDX-License-Identifier: Apache-2.0 */
/* The gates as the engine sees them (engine.md §3): alarms told to connections, and
 * how much a connection is handed before its out-queue is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig/rig.h"

static void told(struct peer *p, enum event_kind kind)
{
	assert_int_equal(peer_next(p)->kind, kind);
	assert_int_equal(peer_pending(p), 0);
}

static void edges_are_told(struct rig *r)
{
	struct peer a, b, gone;
	peer_open(&a, r, SESSION_AMQP091);
	peer_open(&gone, r, SESSION_AWS);
	engine_alarm(r->engine, NULL);
	assert_int_equal(peer_pending(&a), 0);
	engine_alarm(r->engine, "low on memory");
	peer_close(&gone, CLOSE_LOST);
	told(&a, EVENT_BLOCKED);
	engine_alarm(r->engine, "low on memory & disk"); /* no edge */
	assert_int_equal(peer_pending(&a), 0);
	peer_open(&b, r, SESSION_AMQP091); /* who comes meanwhile */
	told(&b, EVENT_BLOCKED);
	engine_alarm(r->engine, NULL);
	told(&a, EVENT_UNBLOCKED);
	told(&b, EVENT_UNBLOCKED);
	/* Over before anybody was told. */
	engine_alarm(r->engine, "low on disk");
	engine_alarm(r->engine, NULL);
	told(&a, EVENT_UNBLOCKED);
	told(&b, EVENT_UNBLOCKED);
	peer_close(&a, CLOSE_ORDERLY);
	peer_close(&b, CLOSE_ORDERLY);
}

static void test_edges_are_told(void **state)
{
	(void)state;
	rig_over(0, NULL, edges_are_told);
}

/* A socket that takes nothing, with a mark as the driver has it. */
struct slow {
	struct rig *rig;
	uint64_t conn, bytes, n;
};

enum { BODY = 10000, MARK = 128 * 1024, HANDED = 256 * 1024, MESSAGES = 400 };

static void slow_event(void *ctx, const struct event *ev)
{
	struct slow *s = ctx;
	if (ev->kind != EVENT_DELIVERED)
		return;
	s->n++;
	s->bytes += body_bytes(ev->delivered.d.message->body);
	if (s->bytes > MARK)
		engine_connection_writable(s->rig->engine, s->conn, false);
}

/* No-ack, unlimited credit: what lies in the out-queue is bounded all the same, and
 * nothing is lost of what comes later. */
static void slow_consumer_is_bounded(struct rig *r)
{
	struct peer p;
	struct slow s = {.rig = r};
	char body[BODY + 1];
	memset(body, 'x', BODY);
	body[BODY] = 0;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", false);
	for (int i = 0; i < MESSAGES; i++)
		peer_send(&p, "q", body, false);
	s.conn = engine_connection_open(r->engine, &(struct connection_spec){
		.kind = SESSION_AMQP091, .vhost = VIEW("/"), .user = VIEW("guest"), .event = slow_event, .ctx = &s});
	uint64_t session = engine_session_open(r->engine, s.conn, NULL);
	engine_consume(r->engine, session, 1, &(struct consumer_spec){
		.queue = VIEW("q"), .credit = UINT32_MAX, .no_ack = true});
	rig_settle(r);
	assert_true(s.n > 0);
	assert_true(s.bytes <= MARK + HANDED + BODY);
	while (s.n < MESSAGES) {
		uint64_t before = s.n;
		s.bytes = 0; /* the socket took it */
		engine_connection_writable(r->engine, s.conn, true);
		rig_settle(r);
		assert_true(s.n > before);
		assert_true(s.bytes <= MARK + HANDED + BODY);
	}
	engine_connection_close(r->engine, s.conn, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_slow_consumer_is_bounded(void **state)
{
	(void)state;
	rig_over(0, NULL, slow_consumer_is_bounded);
}

/* Sated, but writable: the turn goes on until the queue is empty. */
static void fast_consumer_gets_all(struct rig *r)
{
	struct peer p, q;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", false);
	for (int i = 0; i < 20; i++)
		peer_send(&p, "q", "0123456789", false);
	peer_open(&q, r, SESSION_AMQP091);
	engine_consume(r->engine, q.session, 1, &(struct consumer_spec){
		.queue = VIEW("q"), .credit = UINT32_MAX, .no_ack = true});
	rig_turn(r);
	assert_int_equal(q.n, 21);
	peer_close(&q, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_fast_consumer_gets_all(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.deliver_bytes = 100;
	rig_over(STORE_ORDER, &o, fast_consumer_gets_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges_are_told),
		cmocka_unit_test(test_slow_consumer_is_bounded),
		cmocka_unit_test(test_fast_consumer_gets_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
