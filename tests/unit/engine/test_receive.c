/* SPDX-License-Identifier: Apache-2.0 */
/* Receives that wait: behind an exclusive consumer, on a queue that goes away,
 * on a session that closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/rig.h"

static uint64_t consume_exclusive(struct peer *p, const char *queue)
{
	engine_consume(p->rig->engine, p->session, ++p->cmd,
		       &(struct consumer_spec){.queue = view_str(queue), .credit = 1, .exclusive = true});
	struct seen *s = peer_next(p);
	assert_int_equal(s->code, CODE_OK);
	return s->consumer;
}

static void queue_gone_while_blocked(struct rig *r)
{
	struct peer p, aws;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&aws, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	consume_exclusive(&p, "q");
	peer_receive(&aws, "q", 10, 5000, 30000);
	assert_int_equal(peer_pending(&aws), 0);
	engine_queue_delete(r->engine, p.session, 50, VIEW("q"), false, false);
	assert_int_equal(peer_next(&aws)->count, 0); /* at once */
	rig_wait(r, 6000);
	assert_int_equal(peer_pending(&aws), 0); /* and once */
	peer_close(&aws, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_queue_gone_while_blocked(void **state)
{
	(void)state;
	rig_over(0, NULL, queue_gone_while_blocked);
}

/* While an exclusive consumer is active a receive gets nothing, also one that was
 * there before it; when it goes the receive goes on (engine.md §4). */
static void exclusive_consumer_first(struct rig *r)
{
	struct peer p, aws, sender;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&aws, r, SESSION_AWS);
	peer_open(&sender, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	peer_receive(&aws, "q", 10, 20000, 30000);
	assert_int_equal(peer_pending(&aws), 0);
	uint64_t consumer = consume_exclusive(&p, "q");
	peer_send(&sender, "q", "one", true);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_DELIVERED);
	peer_send(&sender, "q", "two", true);
	assert_int_equal(peer_pending(&aws), 0);
	engine_cancel(r->engine, p.session, 60, consumer);
	peer_next(&p);
	rig_wait(r, 2000);
	s = peer_next(&aws);
	assert_int_equal(s->count, 1);
	assert_string_equal(s->body, "two");
	peer_close(&sender, CLOSE_ORDERLY);
	peer_close(&aws, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_exclusive_consumer_first(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, exclusive_consumer_first);
}

/* A dropped receive was never a receive: nothing of it is counted. */
static void dropped_is_uncounted(struct rig *r)
{
	struct peer p, aws;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&aws, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "m", true);
	peer_receive(&aws, "q", 1, 0, 30000);
	struct seen *s = peer_next(&aws);
	engine_receive_undo(r->engine, aws.session, &s->lease, 1);
	rig_wait(r, 5000);
	peer_receive(&aws, "q", 1, 0, 30000);
	s = peer_next(&aws);
	assert_int_equal(s->received, 1);
	assert_false(s->redelivered);
	assert_int_equal(s->first_received_ms, r->now.wall_ms);
	peer_close(&aws, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_dropped_is_uncounted(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, dropped_is_uncounted);
}

/* With in_flight_max in flight a short poll is refused, a long one waits for room
 * or its time-out; a batch stops there; sessions' leases do not count. */
static void in_flight_limit(struct rig *r)
{
	struct peer p, aws;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&aws, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	for (int i = 0; i < 6; i++)
		peer_send(&p, "q", "m", true);
	peer_get(&p, "q");
	peer_receive(&aws, "q", 10, 0, 30000);
	struct seen *s = peer_next(&aws);
	assert_int_equal(s->count, 3);
	struct receipt receipt = s->receipt;
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(peer_next(&aws)->nth, i);
	peer_receive(&aws, "q", 1, 0, 30000);
	assert_int_equal(peer_next(&aws)->code, CODE_LIMIT);
	peer_receive(&aws, "q", 1, 1000, 30000);
	rig_wait(r, 900);
	assert_int_equal(peer_pending(&aws), 0);
	rig_wait(r, 100);
	s = peer_next(&aws);
	assert_int_equal(s->code, CODE_OK);
	assert_int_equal(s->count, 0);
	peer_receive(&aws, "q", 10, 20000, 60000);
	assert_int_equal(peer_pending(&aws), 0);
	engine_settle_ref(r->engine, aws.session, 900, VIEW("q"), &receipt, &(struct outcome){.kind = OUTCOME_ACCEPT});
	for (int i = 0; i < 2; i++) { /* the receive, and its room, in either order */
		s = peer_next(&aws);
		assert_int_equal(s->code, CODE_OK);
		assert_int_equal(s->count, s->kind == EVENT_RECEIVED);
	}
	peer_receive(&aws, "q", 10, 0, 60000);
	assert_int_equal(peer_next(&aws)->code, CODE_LIMIT);
	assert_int_equal(peer_get(&p, "q")->count, 1); /* nobody else is kept back */
	peer_close(&aws, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_in_flight_limit(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.in_flight_max = 3;
	rig_over(STORE_ORDER, &o, in_flight_limit);
}

/* A purge by SQS takes what is in flight too, and keeps nothing for it. */
static void purge_ends_leases(struct rig *r)
{
	struct peer p;
	struct engine_counters c;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "m", true);
	peer_receive(&p, "q", 1, 0, 43200000);
	assert_int_equal(peer_next(&p)->count, 1);
	engine_queue_purge(r->engine, p.session, 5, VIEW("q"), true);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_counters(r->engine, &c);
	assert_int_equal(c.leases, 0);
	peer_send(&p, "q", "m", true);
	peer_receive(&p, "q", 1, 0, 43200000);
	assert_int_equal(peer_next(&p)->count, 1);
	engine_queue_delete(r->engine, p.session, 6, VIEW("q"), false, false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_counters(r->engine, &c);
	assert_int_equal(c.leases, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_purge_ends_leases(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, purge_ends_leases);
}

/* After a cancel RECEIVED does not come, not even one that was decided already. */
static void cancelled_after_answer(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	if (rig_has(r->kind, STORE_ORDER))
		peer_receive(&p, "q", 1, 0, 1000);
	peer_receive(&p, "none", 1, 0, 1000);
	for (uint64_t cmd = p.cmd - 1; cmd <= p.cmd; cmd++)
		engine_receive_cancel(r->engine, p.session, cmd);
	assert_int_equal(peer_pending(&p), 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_cancelled_after_answer(void **state)
{
	(void)state;
	rig_over(0, NULL, cancelled_after_answer);
}

/* One that does not wait is answered though an exclusive consumer came after it. */
static void excluded_meanwhile(struct rig *r)
{
	struct peer p, aws;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&aws, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "m", true);
	peer_receive(&aws, "q", 1, 0, 1000);
	consume_exclusive(&p, "q");
	assert_int_equal(peer_next(&aws)->kind, EVENT_RECEIVED);
	peer_close(&aws, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_excluded_meanwhile(void **state)
{
	(void)state;
	rig_over(0, NULL, excluded_meanwhile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_flight_limit),
		cmocka_unit_test(test_queue_gone_while_blocked),
		cmocka_unit_test(test_exclusive_consumer_first),
		cmocka_unit_test(test_dropped_is_uncounted),
		cmocka_unit_test(test_purge_ends_leases),
		cmocka_unit_test(test_cancelled_after_answer),
		cmocka_unit_test(test_excluded_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
