/* SPDX-License-Identifier: Apache-2.0 */
/* Single active queues and consumer priorities (rabbitmq.md 3.20, 3.21): who gets
 * what, and who is next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "declare.h"

static struct field single[] = {{VIEW("x-single-active-consumer"), {.type = VALUE_BOOL, .boolean = true}}};
static const struct table SINGLE = {single, 1};

static uint64_t consume_at(struct peer *p, const char *queue, int64_t priority, uint32_t credit)
{
	engine_consume(p->rig->engine, p->session, ++p->cmd,
		       &(struct consumer_spec){.queue = view_str(queue), .credit = credit, .priority = priority});
	struct seen *s = peer_next(p);
	assert_int_equal(s->kind, EVENT_DONE);
	assert_int_equal(s->code, CODE_OK);
	return s->consumer;
}

static uint64_t expect_delivery(struct peer *p, const char *body)
{
	struct seen *s = peer_next(p);
	assert_int_equal(s->kind, EVENT_DELIVERED);
	assert_string_equal(s->body, body);
	return s->lease;
}

static void cancel(struct peer *p, uint64_t consumer)
{
	engine_cancel(p->rig->engine, p->session, ++p->cmd, consumer);
	assert_int_equal(peer_next(p)->kind, EVENT_DONE);
}

enum { ONE, TWO, THREE, SENDER, PEERS };

static void peers_open(struct peer p[PEERS], struct rig *r)
{
	for (int i = 0; i < PEERS; i++)
		peer_open(&p[i], r, SESSION_AMQP091);
}

static void peers_close(struct peer p[PEERS], int from)
{
	for (int i = from; i < PEERS; i++)
		peer_close(&p[i], CLOSE_ORDERLY);
}

static void nobody_gets(struct peer p[PEERS])
{
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(peer_pending(&p[i]), 0);
}

static void one_at_a_time(struct rig *r)
{
	struct peer p[PEERS];
	peers_open(p, r);
	declare_with(&p[SENDER], "q", &SINGLE);
	uint64_t first = consume_at(&p[ONE], "q", 0, 1);
	consume_at(&p[TWO], "q", 0, 10);
	consume_at(&p[THREE], "q", 4, 10);
	peer_send(&p[SENDER], "q", "a", true);
	peer_send(&p[SENDER], "q", "b", true);
	peer_settle(&p[ONE], expect_delivery(&p[ONE], "a"), OUTCOME_ACCEPT, false);
	uint64_t held = expect_delivery(&p[ONE], "b");
	peer_send(&p[SENDER], "q", "c", true);
	nobody_gets(p); /* the credit is used up, and still nobody else's turn comes */
	cancel(&p[ONE], first);
	expect_delivery(&p[THREE], "c"); /* the highest priority takes over */
	peer_settle(&p[ONE], held, OUTCOME_RELEASE, false);
	expect_delivery(&p[THREE], "b");
	consume_at(&p[ONE], "q", 9, 10); /* who is active stays so */
	peer_send(&p[SENDER], "q", "d", true);
	expect_delivery(&p[THREE], "d");
	nobody_gets(p);
	peers_close(p, ONE);
}

static void test_one_at_a_time(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, one_at_a_time);
}

/* What it held comes first and in order, whether its channel or its connection goes. */
static void next_after_close(struct rig *r)
{
	struct peer p[PEERS];
	peers_open(p, r);
	declare_with(&p[SENDER], "q", &SINGLE);
	consume_at(&p[ONE], "q", 0, 2);
	consume_at(&p[ONE], "q", 0, 2); /* goes with it, never active */
	consume_at(&p[TWO], "q", 0, 2);
	consume_at(&p[THREE], "q", 0, 10);
	static const char *const BODIES[] = {"a", "b", "c"};
	for (int i = 0; i < 3; i++)
		peer_send(&p[SENDER], "q", BODIES[i], true);
	expect_delivery(&p[ONE], "a");
	expect_delivery(&p[ONE], "b");
	nobody_gets(p);
	engine_session_close(r->engine, p[ONE].session, CLOSE_ORDERLY);
	expect_delivery(&p[TWO], "a");
	expect_delivery(&p[TWO], "b");
	nobody_gets(p);
	peer_close(&p[TWO], CLOSE_LOST);
	for (int i = 0; i < 3; i++)
		expect_delivery(&p[THREE], BODIES[i]);
	peer_close(&p[ONE], CLOSE_ORDERLY);
	peers_close(p, THREE);
}

static void test_next_after_close(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, next_after_close);
}

static void no_exclusive_one(struct rig *r)
{
	struct peer p[PEERS];
	peers_open(p, r);
	declare_with(&p[SENDER], "q", &SINGLE);
	for (int i = 0; i < 2; i++) {
		engine_consume(r->engine, p[ONE].session, ++p[ONE].cmd,
			       &(struct consumer_spec){.queue = VIEW("q"), .credit = 1, .exclusive = true});
		struct seen *s = peer_next(&p[ONE]);
		assert_int_equal(s->code, CODE_REFUSED);
		assert_string_equal(s->text, "queue 'q' in vhost '/' in exclusive use");
		consume_at(&p[TWO], "q", 0, 1);
	}
	peers_close(p, ONE);
}

static void test_no_exclusive_one(void **state)
{
	(void)state;
	rig_over(0, NULL, no_exclusive_one);
}

/* A receive gets nothing while a consumer is active, from the first to the last one. */
static void receive_after_the_last(struct rig *r)
{
	struct peer p[PEERS], aws;
	peers_open(p, r);
	peer_open(&aws, r, SESSION_AWS);
	declare_with(&p[SENDER], "q", &SINGLE);
	uint64_t first = consume_at(&p[ONE], "q", 0, 1), second = consume_at(&p[TWO], "q", 0, 1);
	peer_send(&p[SENDER], "q", "a", true);
	peer_send(&p[SENDER], "q", "b", true);
	peer_send(&p[SENDER], "q", "c", true);
	expect_delivery(&p[ONE], "a");
	peer_receive(&aws, "q", 10, 0, 30000);
	assert_int_equal(peer_next(&aws)->count, 0);
	peer_receive(&aws, "q", 10, 20000, 30000);
	assert_int_equal(peer_pending(&aws), 0);
	cancel(&p[ONE], first);
	expect_delivery(&p[TWO], "b");
	assert_int_equal(peer_pending(&aws), 0);
	cancel(&p[TWO], second);
	rig_wait(r, 2000);
	struct seen *s = peer_next(&aws);
	assert_int_equal(s->count, 1);
	assert_string_equal(s->body, "c");
	peer_close(&aws, CLOSE_ORDERLY);
	peers_close(p, ONE);
}

static void test_receive_after_the_last(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, receive_after_the_last);
}

/* Made by CreateQueue and consumed before a legacy client says what it is. */
static void declared_while_consumed(struct rig *r)
{
	struct peer p[PEERS], aws;
	peers_open(p, r);
	peer_open(&aws, r, SESSION_AWS);
	engine_queue_declare(r->engine, aws.session, ++aws.cmd, &(struct queue_spec){.name = VIEW("q"), .side = SIDE_AWS, .durable = true});
	assert_int_equal(peer_next(&aws)->code, CODE_OK);
	consume_at(&p[ONE], "q", 0, 1);
	consume_at(&p[TWO], "q", 0, 1);
	declare_with(&p[SENDER], "q", &SINGLE);
	peer_send(&p[SENDER], "q", "a", true);
	peer_send(&p[SENDER], "q", "b", true);
	expect_delivery(&p[ONE], "a");
	nobody_gets(p);
	peer_close(&aws, CLOSE_ORDERLY);
	peers_close(p, ONE);
}

static void test_declared_while_consumed(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, declared_while_consumed);
}

/* Those of a queue that goes are told, none becomes active meanwhile. */
static void queue_gone(struct rig *r)
{
	struct peer p[PEERS];
	peers_open(p, r);
	declare_with(&p[SENDER], "q", &SINGLE);
	consume_at(&p[ONE], "q", 0, 1);
	consume_at(&p[TWO], "q", -1, 1);
	peer_send(&p[SENDER], "q", "a", true);
	peer_send(&p[SENDER], "q", "b", true);
	expect_delivery(&p[ONE], "a");
	engine_queue_delete(r->engine, p[SENDER].session, ++p[SENDER].cmd, VIEW("q"), false, false);
	assert_int_equal(peer_next(&p[SENDER])->kind, EVENT_DONE);
	assert_int_equal(peer_next(&p[ONE])->kind, EVENT_CANCELLED);
	assert_int_equal(peer_next(&p[TWO])->kind, EVENT_CANCELLED);
	nobody_gets(p);
	peers_close(p, ONE);
}

static void test_queue_gone(void **state)
{
	(void)state;
	rig_over(0, NULL, queue_gone);
}

static void highest_first(struct rig *r)
{
	struct peer p[PEERS];
	static const char *const BODIES[] = {"a", "b", "c", "d"};
	peers_open(p, r);
	peer_queue(&p[SENDER], "q", true);
	consume_at(&p[ONE], "q", -3, 1);
	consume_at(&p[TWO], "q", 0, 1);
	uint64_t high = consume_at(&p[THREE], "q", INT64_MAX, 2);
	for (int i = 0; i < 4; i++)
		peer_send(&p[SENDER], "q", BODIES[i], true);
	uint64_t lease = expect_delivery(&p[THREE], "a");
	expect_delivery(&p[THREE], "b");
	uint64_t of_two = expect_delivery(&p[TWO], "c");
	expect_delivery(&p[ONE], "d");
	peer_settle(&p[THREE], lease, OUTCOME_ACCEPT, false);
	peer_settle(&p[TWO], of_two, OUTCOME_ACCEPT, false);
	peer_send(&p[SENDER], "q", "e", true);
	expect_delivery(&p[THREE], "e");
	peer_send(&p[SENDER], "q", "f", true);
	of_two = expect_delivery(&p[TWO], "f");
	cancel(&p[THREE], high); /* its ring goes */
	peer_settle(&p[TWO], of_two, OUTCOME_ACCEPT, false);
	peer_send(&p[SENDER], "q", "g", true);
	expect_delivery(&p[TWO], "g");
	nobody_gets(p);
	peers_close(p, ONE);
}

static void test_highest_first(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, highest_first);
}

/* In turn among equals; a receive waits at 0. */
static void receive_between(struct rig *r)
{
	struct peer p[PEERS], aws;
	peers_open(p, r);
	peer_open(&aws, r, SESSION_AWS);
	peer_queue(&p[SENDER], "q", true);
	consume_at(&p[ONE], "q", 1, 1);
	consume_at(&p[TWO], "q", 1, 1);
	consume_at(&p[THREE], "q", -1, 1);
	peer_receive(&aws, "q", 1, 20000, 30000);
	peer_send(&p[SENDER], "q", "a", true);
	peer_send(&p[SENDER], "q", "b", true);
	assert_int_equal(peer_pending(&aws), 0);
	expect_delivery(&p[ONE], "a");
	expect_delivery(&p[TWO], "b");
	peer_send(&p[SENDER], "q", "c", true);
	assert_string_equal(peer_next(&aws)->body, "c");
	peer_send(&p[SENDER], "q", "d", true);
	expect_delivery(&p[THREE], "d");
	peer_close(&aws, CLOSE_ORDERLY);
	peers_close(p, ONE);
}

static void test_receive_between(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, receive_between);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_next_after_close),
		cmocka_unit_test(test_no_exclusive_one),
		cmocka_unit_test(test_receive_after_the_last),
		cmocka_unit_test(test_declared_while_consumed),
		cmocka_unit_test(test_queue_gone),
		cmocka_unit_test(test_highest_first),
		cmocka_unit_test(test_receive_between),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
