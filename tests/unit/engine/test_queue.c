/* SPDX-License-Identifier: Apache-2.0 */
/* Queues, leases and order, over every store that keeps order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"

/* Runs `body` over each store that has the capabilities. */
static void over(uint32_t caps, void (*body)(struct rig *r))
{
	for (int k = 0; k < RIG_STORES; k++) {
		struct rig r = {0};
		if (!rig_has((enum rig_store)k, caps))
			continue;
		rig_open(&r, (enum rig_store)k);
		body(&r);
		rig_close(&r);
	}
}

static void expect_body(const struct seen *s, const char *body)
{
	assert_string_equal(s->body, body);
}

static void declare_rules(struct rig *r)
{
	struct peer p, other;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&other, r, SESSION_AMQP091);
	struct seen *s = peer_queue(&p, "q", true);
	assert_int_equal(s->code, CODE_OK);
	assert_true(s->created);
	s = peer_queue(&p, "q", true);
	assert_int_equal(s->code, CODE_OK);
	assert_false(s->created);
	s = peer_queue(&p, "q", false);
	assert_int_equal(s->code, CODE_DIFFERENT);
	assert_string_equal(s->text, "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but "
				     "current is 'true'");
	engine_queue_declare(r->engine, p.session, 9, &(struct queue_spec){.name = VIEW("none"), .passive = true});
	s = peer_next(&p);
	assert_int_equal(s->code, CODE_NOT_FOUND);
	assert_string_equal(s->text, "no queue 'none' in vhost '/'");
	engine_queue_declare(r->engine, p.session, 10, &(struct queue_spec){.exclusive = true});
	s = peer_next(&p);
	assert_int_equal(s->code, CODE_OK);
	assert_int_equal(strlen(s->name), 30);
	char name[256];
	snprintf(name, sizeof(name), "%s", s->name);
	assert_int_equal(peer_get(&other, name)->code, CODE_LOCKED);
	peer_close(&p, CLOSE_ORDERLY);
	assert_int_equal(peer_get(&other, name)->code, CODE_NOT_FOUND);
	peer_close(&other, CLOSE_ORDERLY);
}

static void test_declare_rules(void **state)
{
	(void)state;
	over(0, declare_rules);
}

static void order_and_requeue(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	for (int i = 0; i < 5; i++) {
		char body[16];
		snprintf(body, sizeof(body), "m%d", i);
		peer_send(&p, "q", body, i % 2);
	}
	peer_consume(&p, "q", 3, false);
	uint64_t lease[3];
	for (int i = 0; i < 3; i++) {
		struct seen *s = peer_next(&p);
		assert_int_equal(s->kind, EVENT_DELIVERED);
		assert_int_equal(s->body[1], '0' + i);
		assert_false(s->redelivered);
		lease[i] = s->lease;
	}
	assert_int_equal(peer_pending(&p), 0); /* credit is spent */
	/* Released out of order: back to their own places, before what waits. */
	peer_settle(&p, lease[1], OUTCOME_RELEASE, true);
	struct seen *s = peer_next(&p);
	expect_body(s, "m1");
	assert_true(s->redelivered);
	assert_int_equal(s->failed, 1);
	peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	expect_body(peer_next(&p), "m3");
	peer_settle(&p, lease[2], OUTCOME_DEAD_LETTER, false);
	expect_body(peer_next(&p), "m4");
	peer_close(&p, CLOSE_LOST);
	/* What was held is back, in order, marked. */
	peer_open(&p, r, SESSION_AMQP091);
	const char *left[] = {"m0", "m3", "m4"};
	for (int i = 0; i < 3; i++) {
		s = peer_get(&p, "q");
		expect_body(s, left[i]);
		assert_true(s->redelivered);
		assert_int_equal(s->ready, 2 - i);
	}
	assert_int_equal(peer_get(&p, "q")->count, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_order_and_requeue(void **state)
{
	(void)state;
	over(STORE_ORDER, order_and_requeue);
}

static void survives(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	peer_topic(&p, "t", TOPIC_TOPIC);
	peer_bind(&p, "t", "q", "a.#");
	peer_send(&p, "q", "durable", true);
	peer_send(&p, "q", "transient", false);
	struct message *m = rig_message(r, "routed", true);
	engine_publish(r->engine, p.session, VIEW("t"), VIEW("a.b"), m, PUBLISH_CONFIRM, 77);
	message_unref(m);
	assert_int_equal(peer_next(&p)->tag, 77);
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AMQP091);
	engine_queue_declare(r->engine, p.session, 1, &(struct queue_spec){.name = VIEW("q"), .passive = true});
	assert_int_equal(peer_next(&p)->count, 2);
	expect_body(peer_get(&p, "q"), "durable");
	expect_body(peer_get(&p, "q"), "routed");
	assert_int_equal(peer_get(&p, "q")->count, 0);
	m = rig_message(r, "again", true);
	engine_publish(r->engine, p.session, VIEW("t"), VIEW("a"), m, PUBLISH_CONFIRM, 78);
	message_unref(m);
	assert_int_equal(peer_next(&p)->tag, 78);
	expect_body(peer_get(&p, "q"), "again");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_survives_restart(void **state)
{
	(void)state;
	over(STORE_SURVIVES, survives);
}

static void receive_and_receipts(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_receive(&p, "q", 1, 5000, 30000); /* waits */
	assert_int_equal(peer_pending(&p), 0);
	struct message *m = rig_message(r, "one", true);
	engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, 0, 1);
	message_unref(m);
	assert_int_equal(peer_pending(&p), 2);
	struct seen *s = peer_next(&p), *published = peer_next(&p);
	if (s->kind == EVENT_PUBLISHED) {
		struct seen *swap = s;
		s = published;
		published = swap;
	}
	expect_body(s, "one");
	assert_int_equal(s->received, 1);
	struct receipt first = s->receipt;
	peer_receive(&p, "q", 1, 0, 30000);
	assert_int_equal(peer_next(&p)->count, 0); /* hidden */
	rig_wait(r, 30001);
	peer_receive(&p, "q", 1, 0, 30000);
	s = peer_next(&p);
	assert_int_equal(s->received, 2);
	assert_true(s->redelivered);
	struct receipt second = s->receipt;
	/* An old receipt does not shorten a later receive's lease, but deletes. */
	engine_extend_ref(r->engine, p.session, 2, VIEW("q"), &first, 0);
	assert_int_equal(peer_next(&p)->code, CODE_NOT_FOUND);
	engine_extend_ref(r->engine, p.session, 3, VIEW("q"), &second, 0);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	peer_receive(&p, "q", 1, 0, 1000);
	assert_int_equal(peer_next(&p)->received, 3);
	engine_settle_ref(r->engine, p.session, 4, VIEW("q"), &first, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	rig_wait(r, 2000);
	peer_receive(&p, "q", 1, 0, 1000);
	assert_int_equal(peer_next(&p)->count, 0);
	engine_settle_ref(r->engine, p.session, 5, VIEW("q"), &second, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_extend_ref(r->engine, p.session, 6, VIEW("q"), &second, 5);
	assert_int_equal(peer_next(&p)->code, CODE_NOT_FOUND);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_receive_and_receipts(void **state)
{
	(void)state;
	over(STORE_ORDER, receive_and_receipts);
}

static void receipt_after_restart(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	for (int i = 0; i < 3; i++) {
		char body[16];
		snprintf(body, sizeof(body), "m%d", i);
		peer_send(&p, "q", body, true);
	}
	peer_receive(&p, "q", 3, 0, 500); /* over before the restart is */
	struct receipt r1 = {0}, r2 = {0};
	for (int i = 0; i < 3; i++) {
		struct seen *s = peer_next(&p);
		if (i == 1)
			r1 = s->receipt;
		if (i == 2)
			r2 = s->receipt;
	}
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AWS);
	/* Nothing is resident yet: the receipt finds its message in the store. */
	engine_settle_ref(r->engine, p.session, 1, VIEW("q"), &r1, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_extend_ref(r->engine, p.session, 2, VIEW("q"), &r2, 10000);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	peer_receive(&p, "q", 10, 0, 60000);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->count, 1);
	expect_body(s, "m0");
	rig_wait(r, 10001);
	peer_receive(&p, "q", 10, 0, 60000);
	s = peer_next(&p);
	assert_int_equal(s->count, 1);
	expect_body(s, "m2");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_receipt_after_restart(void **state)
{
	(void)state;
	over(STORE_SURVIVES, receipt_after_restart);
}

static void pages(struct rig *r)
{
	enum { N = 300 };
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	for (int i = 0; i < N; i++) {
		char body[16];
		snprintf(body, sizeof(body), "%d", i);
		peer_send(&p, "q", body, i % 7 != 3);
	}
	struct engine_counters c;
	engine_counters(r->engine, &c);
	assert_true(c.entries < 120); /* a head, and the transient ones */
	peer_consume(&p, "q", 5, false);
	for (int i = 0; i < N; i++) {
		char body[16];
		snprintf(body, sizeof(body), "%d", i);
		struct seen *s = peer_next(&p);
		expect_body(s, body);
		peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	}
	assert_int_equal(peer_pending(&p), 0);
	engine_counters(r->engine, &c);
	assert_int_equal(c.entries, 0);
	assert_true(c.loads > 5);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_pages(void **state)
{
	(void)state;
	for (int k = 0; k < RIG_REMOTE; k++) {
		struct rig r = {0};
		engine_options_default(&r.options);
		r.options.window_entries = 40;
		r.options.load_entries = 16;
		rig_open(&r, (enum rig_store)k);
		pages(&r);
		rig_close(&r);
	}
}

static void purge_and_delete(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	for (int i = 0; i < 10; i++)
		peer_send(&p, "q", "m", true);
	struct seen *s = peer_get(&p, "q");
	uint64_t lease = s->lease;
	engine_queue_purge(r->engine, p.session, 1, VIEW("q"), false);
	assert_int_equal(peer_next(&p)->count, 9);
	peer_settle(&p, lease, OUTCOME_RELEASE, false);
	s = peer_get(&p, "q");
	assert_int_equal(s->count, 1);
	engine_queue_purge(r->engine, p.session, 2, VIEW("q"), true);
	peer_next(&p);
	peer_settle(&p, s->lease, OUTCOME_RELEASE, false);
	assert_int_equal(peer_get(&p, "q")->count, 0);
	peer_send(&p, "q", "after", true);
	peer_consume(&p, "q", 10, false);
	assert_int_equal(peer_next(&p)->kind, EVENT_DELIVERED);
	engine_queue_delete(r->engine, p.session, 3, VIEW("q"), true, false);
	assert_int_equal(peer_next(&p)->code, CODE_IN_USE);
	engine_queue_delete(r->engine, p.session, 4, VIEW("q"), false, false);
	assert_int_equal(peer_next(&p)->kind, EVENT_CANCELLED);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(peer_queue(&p, "q", false)->count, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_purge_and_delete(void **state)
{
	(void)state;
	over(STORE_ORDER, purge_and_delete);
}

static void delays(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	struct message *m = rig_message(r, "late", true);
	engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, 60000, 1);
	message_unref(m);
	assert_int_equal(peer_next(&p)->how, PUBLISHED_STORED);
	peer_send(&p, "q", "now", true);
	peer_receive(&p, "q", 10, 0, 1000000);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->count, 1);
	expect_body(s, "now");
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&p);
		rig_restart(r);
		peer_open(&p, r, SESSION_AWS);
		peer_receive(&p, "q", 10, 0, 1000000);
		assert_int_equal(peer_next(&p)->count, 0); /* "now" is still in flight */
	}
	rig_wait(r, 30000);
	peer_receive(&p, "q", 10, 20000, 1000000);
	assert_int_equal(peer_pending(&p), 0);
	rig_wait(r, 19900);
	assert_int_equal(peer_pending(&p), 0);
	rig_wait(r, 100);
	assert_int_equal(peer_next(&p)->count, 0);
	peer_receive(&p, "q", 10, 20000, 1000000);
	rig_wait(r, 10000);
	expect_body(peer_next(&p), "late");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_delays(void **state)
{
	(void)state;
	over(STORE_ORDER, delays);
}

static void retention(struct rig *r)
{
	struct peer p;
	struct attribute a = {VIEW("MessageRetentionPeriod"), VIEW("60")};
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "legacy", true); /* without limit */
	engine_queue_declare(r->engine, p.session, 1,
			     &(struct queue_spec){.name = VIEW("q"), .side = SIDE_AWS, .durable = true});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_queue_attributes_set(r->engine, p.session, 2, VIEW("q"), &a, 1);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	peer_send(&p, "q", "old", true);
	peer_send(&p, "legacy", "kept", true);
	rig_wait(r, 30000);
	peer_send(&p, "q", "young", true);
	rig_wait(r, 31000);
	peer_receive(&p, "q", 10, 0, 1000);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->count, 1);
	expect_body(s, "young");
	rig_wait(r, 100000); /* nobody reads: swept */
	struct queue_stat st;
	assert_true(engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st));
	assert_int_equal(st.ready + st.leased, 0);
	peer_receive(&p, "legacy", 10, 0, 1000);
	expect_body(peer_next(&p), "kept");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_retention(void **state)
{
	(void)state;
	over(STORE_ORDER, retention);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_declare_rules),
		cmocka_unit_test(test_order_and_requeue),
		cmocka_unit_test(test_survives_restart),
		cmocka_unit_test(test_receive_and_receipts),
		cmocka_unit_test(test_receipt_after_restart),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_purge_and_delete),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_retention),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
