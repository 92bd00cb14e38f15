/* SPDX-License-Identifier: Apache-2.0 */
/* Transient messages past the memory mark (engine.md §3, the spill gate). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig/rig.h"
#include "support/store_crash.h"

enum { N = 200, WINDOW = 8, PAGE = 4, HIGH = 4000, LOW = 2000 };

static void options_tight(struct engine_options *o)
{
	engine_options_default(o);
	o->window_entries = WINDOW;
	o->load_entries = PAGE;
	o->resident_high_bytes = HIGH;
	o->resident_low_bytes = LOW;
}

static struct engine_counters counters(struct rig *r)
{
	struct engine_counters c;
	engine_counters(r->engine, &c);
	return c;
}

static uint64_t ready(struct rig *r, const char *queue)
{
	struct queue_stat st;
	assert_true(engine_queue_stat(r->engine, VIEW("/"), view_str(queue), &st));
	return st.ready;
}

static int number(const struct seen *s)
{
	return (int)strtol(s->body, NULL, 10);
}

static void send(struct peer *p, const char *queue, int id, bool durable)
{
	char body[32];
	snprintf(body, sizeof(body), "%d", id);
	struct message *m = rig_message(p->rig, body, durable);
	engine_send(p->rig->engine, p->session, view_str(queue), m, 0, -1, 0);
	message_unref(m);
}

/* N messages to q; durable(i) says which. Most of them are not in memory afterwards. */
static void filled(struct rig *r, struct peer *p, bool durable_queue, bool (*durable)(int i))
{
	peer_open(p, r, SESSION_AMQP091);
	peer_queue(p, "q", durable_queue);
	for (int i = 0; i < N; i++) {
		send(p, "q", i, durable(i));
		if (i % 7 == 0)
			rig_turn(r);
	}
	rig_settle(r);
	assert_int_equal(ready(r, "q"), N);
	assert_true(counters(r).spilled > 0);
	assert_true(counters(r).entries < N / 2);
}

static bool never(int i)
{
	(void)i;
	return false;
}

static bool by_threes(int i)
{
	return i / 3 % 2;
}

static void drained_in_order(struct rig *r, struct peer *p, int from, int to)
{
	peer_consume(p, "q", 3, false);
	for (int i = from; i < to; i++) {
		struct seen *s = peer_next(p);
		assert_int_equal(s->kind, EVENT_DELIVERED);
		assert_int_equal(number(s), i);
		assert_false(s->redelivered);
		peer_settle(p, s->lease, OUTCOME_ACCEPT, false);
	}
	rig_settle(r);
	assert_int_equal(ready(r, "q"), 0);
	assert_int_equal(counters(r).spilled, 0);
	assert_int_equal(counters(r).entries, 0);
	assert_int_equal(counters(r).resident_bytes, 0);
}

static void transient_queue(struct rig *r)
{
	struct peer p;
	filled(r, &p, false, never);
	assert_true(counters(r).resident_bytes < 2 * HIGH);
	drained_in_order(r, &p, 0, N);
	peer_close(&p, CLOSE_ORDERLY);
}

/* Durable ones wait in the store, the others in the scratch file: one order all the same. */
static void mixed_queue(struct rig *r)
{
	struct peer p;
	filled(r, &p, true, by_threes);
	drained_in_order(r, &p, 0, N);
	peer_close(&p, CLOSE_ORDERLY);
}

static void purge_and_delete(struct rig *r)
{
	struct peer p;
	filled(r, &p, false, never);
	engine_queue_purge(r->engine, p.session, 1, VIEW("q"), false);
	for (int i = 0; i < N; i++)
		send(&p, "q", i, false); /* while the purge is on its way */
	assert_int_equal(peer_next(&p)->count, N);
	assert_int_equal(ready(r, "q"), N);
	for (int i = 0; i < N / 2; i++) {
		struct seen *s = peer_get(&p, "q");
		assert_int_equal(number(s), i);
		peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	}
	engine_queue_delete(r->engine, p.session, 2, VIEW("q"), false, false);
	assert_int_equal(peer_next(&p)->count, N / 2);
	rig_settle(r);
	assert_int_equal(counters(r).spilled, 0);
	assert_int_equal(counters(r).entries, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

/* What is read back and returned keeps its place; a purge while a page comes. */
static void returned_and_purged(struct rig *r)
{
	struct peer p;
	filled(r, &p, false, never);
	peer_consume(&p, "q", 20, false);
	rig_settle(r);
	uint64_t leases[20];
	for (int i = 0; i < 20; i++)
		leases[i] = peer_next(&p)->lease;
	for (int i = 19; i >= 0; i--)
		peer_settle(&p, leases[i], OUTCOME_RELEASE, true);
	for (int i = 0; i < 20; i++) {
		struct seen *s = peer_next(&p);
		assert_int_equal(number(s), i);
		assert_true(s->redelivered);
		peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	}
	engine_queue_purge(r->engine, p.session, 1, VIEW("q"), false);
	rig_settle(r);
	assert_int_equal(ready(r, "q"), 0);
	assert_int_equal(counters(r).spilled, 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_settle(r);
	peer_open(&p, r, SESSION_AMQP091);
	send(&p, "q", 7, false);
	rig_settle(r);
	peer_close(&p, CLOSE_ORDERLY);
}

/* One copy of the body for all queues of a publish. */
static void many_queues(struct rig *r)
{
	enum { QUEUES = 5 };
	struct peer p;
	char name[16];
	peer_open(&p, r, SESSION_AMQP091);
	for (int q = 0; q < QUEUES; q++) {
		snprintf(name, sizeof(name), "q%d", q);
		peer_queue(&p, name, false);
		peer_bind(&p, "amq.fanout", name, "");
	}
	for (int i = 0; i < N; i++) {
		char body[32];
		snprintf(body, sizeof(body), "%d", i);
		struct message *m = rig_message(r, body, false);
		engine_publish(r->engine, p.session, VIEW("amq.fanout"), VIEW(""), m, 0, 0);
		message_unref(m);
	}
	rig_settle(r);
	assert_true(counters(r).spilled > QUEUES * N / 2);
	for (int q = 0; q < QUEUES; q++) {
		snprintf(name, sizeof(name), "q%d", q);
		for (int i = 0; i < N; i++) {
			struct seen *s = peer_get(&p, name);
			assert_int_equal(number(s), i);
			peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
		}
	}
	assert_int_equal(counters(r).resident_bytes, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void over(void (*body)(struct rig *r))
{
	struct engine_options o;
	options_tight(&o);
	rig_over(STORE_ORDER, &o, body);
}

static void test_transient_queue(void **state)
{
	(void)state;
	over(transient_queue);
}

static void test_mixed_queue(void **state)
{
	(void)state;
	over(mixed_queue);
}

static void test_purge_and_delete(void **state)
{
	(void)state;
	over(purge_and_delete);
}

static void test_returned_and_purged(void **state)
{
	(void)state;
	over(returned_and_purged);
}

static void test_many_queues(void **state)
{
	(void)state;
	over(many_queues);
}

/* A disk that takes nothing: messages stay in memory, none is lost, and order holds. */
static void test_disk_fails(void **state)
{
	struct rig r = {0};
	struct peer p;
	(void)state;
	options_tight(&r.options);
	rig_open(&r, RIG_CRASH);
	peer_open(&p, &r, SESSION_AMQP091);
	peer_queue(&p, "q", false);
	for (int i = 0; i < N; i++) {
		if (i == N / 2)
			store_crash_fault(r.crash, CRASH_ENOSPC, 1, 5);
		send(&p, "q", i, false);
		rig_turn(&r);
	}
	assert_true(store_crash_hit(r.crash));
	rig_settle(&r);
	assert_int_equal(ready(&r, "q"), N);
	drained_in_order(&r, &p, 0, N);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* Transient messages do not survive a restart, wherever they were. */
static void test_restart(void **state)
{
	struct rig r = {0};
	struct peer p;
	(void)state;
	options_tight(&r.options);
	rig_open(&r, RIG_SQLITE);
	filled(&r, &p, true, by_threes);
	peer_free(&p);
	rig_restart(&r);
	peer_open(&p, &r, SESSION_AMQP091);
	assert_int_equal(counters(&r).spilled, 0);
	int durable = 0;
	for (int i = 0; i < N; i++)
		durable += by_threes(i);
	assert_int_equal(ready(&r, "q"), durable);
	for (int i = 0; i < N; i++) {
		if (!by_threes(i))
			continue;
		struct seen *s = peer_get(&p, "q");
		assert_int_equal(number(s), i);
		peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	}
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transient_queue),     cmocka_unit_test(test_mixed_queue),
		cmocka_unit_test(test_purge_and_delete),    cmocka_unit_test(test_returned_and_purged),
		cmocka_unit_test(test_many_queues),         cmocka_unit_test(test_disk_fails),
		cmocka_unit_test(test_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
