/* SPDX-License-Identifier: Apache-2.0 */
/* Direct reply-to (rabbitmq.md 4.26) and its older sister, the short-lived exclusive
 * reply queue: nothing of either is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"

enum { SHORT_LIVED = 2000, AT_ONCE = 100 };
static const char ADDRESS[] = ENGINE_REPLY_TO ".address";

static void send_to(struct peer *p, const char *name, const char *body, unsigned flags)
{
	struct message *m = rig_message(p->rig, body, true);
	engine_send(p->rig->engine, p->session, view_str(name), m, flags, -1, ++p->cmd);
	message_unref(m);
}

static struct engine_counters counters(struct rig *r)
{
	struct engine_counters c;
	engine_counters(r->engine, &c);
	return c;
}

static void delivered(struct peer *p, const char *body)
{
	struct seen *s = peer_next(p);
	assert_int_equal(s->kind, EVENT_DELIVERED);
	assert_int_equal(s->lease, 0);
	assert_false(s->redelivered);
	assert_string_equal(s->body, body);
}

static void open_at(struct peer *p, const char *address)
{
	assert_true(engine_reply_open(p->rig->engine, p->session, view_str(address), NULL));
}

/* In order, whatever the requester can take; unroutable for whoever asks; never stored. */
static void comes_at_once(struct rig *r)
{
	struct peer asks, answers;
	peer_open(&asks, r, SESSION_AMQP091);
	peer_open(&answers, r, SESSION_AMQP091);
	open_at(&asks, ADDRESS);
	assert_false(engine_reply_open(r->engine, asks.session, VIEW("another"), NULL));
	assert_false(engine_reply_open(r->engine, answers.session, view_str(ADDRESS), NULL));
	engine_connection_writable(r->engine, asks.conn, false);
	send_to(&answers, ADDRESS, "1", 0);
	send_to(&answers, ADDRESS, "2", PUBLISH_MANDATORY | PUBLISH_CONFIRM);
	delivered(&asks, "1");
	delivered(&asks, "2");
	assert_int_equal(peer_next(&answers)->kind, EVENT_RETURNED);
	assert_int_equal(peer_next(&answers)->how, PUBLISHED_STORED);
	send_to(&answers, ENGINE_REPLY_TO ".somebody", "x", PUBLISH_MANDATORY);
	assert_int_equal(peer_next(&answers)->kind, EVENT_RETURNED);
	assert_int_equal(counters(r).replied, 2);
	assert_int_equal(counters(r).unroutable, 1);
	assert_int_equal(counters(r).entries, 0);
	assert_int_equal(peer_pending(&asks), 0);
	peer_close(&answers, CLOSE_ORDERLY);
	peer_close(&asks, CLOSE_ORDERLY);
	assert_int_equal(counters(r).replies, 0);
}

static enum code declared(struct peer *p, const char *name, bool passive)
{
	engine_queue_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct queue_spec){.name = view_str(name), .durable = true, .passive = passive});
	struct seen *s = peer_next(p);
	if (s->code == CODE_OK) {
		assert_string_equal(s->name, name);
		assert_int_equal(s->count, 0);
		assert_int_equal(s->consumers, 1);
	}
	return s->code;
}

static void is_declared(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	for (int passive = 0; passive < 2; passive++) {
		assert_int_equal(declared(&p, ENGINE_REPLY_TO, passive), CODE_OK);
		assert_int_equal(declared(&p, ADDRESS, passive), CODE_NOT_FOUND);
		assert_int_equal(declared(&p, ENGINE_REPLY_TO "x", passive), CODE_NOT_FOUND);
		open_at(&p, ADDRESS);
		assert_int_equal(declared(&p, ADDRESS, passive), CODE_OK);
		engine_reply_close(r->engine, p.session);
	}
	assert_int_equal(counters(r).queues, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

/* What was sent and not yet raised goes with the address. */
static void ends_meanwhile(struct rig *r)
{
	struct peer asks, answers;
	peer_open(&asks, r, SESSION_AMQP091);
	peer_open(&answers, r, SESSION_AMQP091);
	open_at(&asks, ADDRESS);
	send_to(&answers, ADDRESS, "lost", 0);
	engine_reply_close(r->engine, asks.session);
	open_at(&asks, ENGINE_REPLY_TO ".next");
	assert_int_equal(peer_pending(&asks), 0);
	send_to(&answers, ENGINE_REPLY_TO ".next", "lost", 0);
	engine_session_close(r->engine, asks.session, CLOSE_ORDERLY);
	rig_settle(r);
	assert_int_equal(peer_pending(&asks), 0);
	assert_int_equal(counters(r).replies, 0);
	peer_close(&answers, CLOSE_ORDERLY);
	peer_close(&asks, CLOSE_LOST);
}

/* A reply of a transaction comes with its commit. */
static void in_a_transaction(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	open_at(&p, ADDRESS);
	engine_tx_begin(r->engine, p.session, 1);
	engine_tx_use(r->engine, p.session, 1);
	send_to(&p, ADDRESS, "reply", 0);
	assert_int_equal(peer_pending(&p), 0);
	engine_tx_commit(r->engine, p.session, ++p.cmd, 1);
	delivered(&p, "reply");
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	peer_close(&p, CLOSE_ORDERLY);
}

/* Requesters with an exclusive queue each, the old way: used once, gone with the connection. */
static void short_lived_queues(struct rig *r)
{
	struct peer answers, asks[AT_ONCE];
	const struct engine_counters before = counters(r);
	peer_open(&answers, r, SESSION_AMQP091);
	r->check_every = 1000;
	for (int round = 0; round < SHORT_LIVED / AT_ONCE; round++) {
		for (int i = 0; i < AT_ONCE; i++) {
			peer_open(&asks[i], r, SESSION_AMQP091);
			engine_queue_declare(r->engine, asks[i].session, ++asks[i].cmd,
					     &(struct queue_spec){.exclusive = true, .auto_delete = i % 2});
			char name[256];
			snprintf(name, sizeof(name), "%s", peer_next(&asks[i])->name);
			peer_consume(&asks[i], name, UINT32_MAX, true);
			send_to(&answers, name, "reply", 0);
			if (i % 3 == 0) /* for nobody */
				send_to(&answers, name, "late", 0);
		}
		rig_settle(r);
		for (int i = 0; i < AT_ONCE; i++) {
			delivered(&asks[i], "reply");
			peer_close(&asks[i], i % 5 ? CLOSE_ORDERLY : CLOSE_LOST);
		}
	}
	peer_close(&answers, CLOSE_ORDERLY);
	rig_settle(r);
	const struct engine_counters after = counters(r);
	assert_int_equal(after.connections, before.connections);
	assert_int_equal(after.sessions, before.sessions);
	assert_int_equal(after.queues, before.queues);
	assert_int_equal(after.entries, 0);
	assert_int_equal(after.leases, 0);
	assert_int_equal(after.resident_bytes, 0);
	assert_int_equal(after.batch_bytes, 0);
}

static void test_comes_at_once(void **state)
{
	(void)state;
	rig_over(0, NULL, comes_at_once);
}

static void test_is_declared(void **state)
{
	(void)state;
	rig_over(0, NULL, is_declared);
}

static void test_ends_meanwhile(void **state)
{
	(void)state;
	rig_over(0, NULL, ends_meanwhile);
}

static void test_in_a_transaction(void **state)
{
	(void)state;
	rig_over(0, NULL, in_a_transaction);
}

static void test_short_lived_queues(void **state)
{
	(void)state;
	rig_over(0, NULL, short_lived_queues);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_at_once),    cmocka_unit_test(test_is_declared),
		cmocka_unit_test(test_ends_meanwhile),   cmocka_unit_test(test_in_a_transaction),
		cmocka_unit_test(test_short_lived_queues),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
