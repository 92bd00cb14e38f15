/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of a store that owns leases: what reaches a consumer comes by a load,
 * what is settled goes back by its handle, what nobody takes is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"
#include "support/store_remote_fake.h"

static uint32_t uid_of(struct rig *r, const char *queue)
{
	struct queue_stat st;
	assert_true(engine_queue_stat(r->engine, VIEW("/"), view_str(queue), &st));
	return st.uid;
}

static void open_with_queue(struct rig *r, struct peer *p, enum session_kind kind)
{
	memset(r, 0, sizeof(*r));
	rig_open(r, RIG_REMOTE);
	peer_open(p, r, kind);
	assert_int_equal(peer_queue(p, "q", true)->code, CODE_OK);
}

static void test_publish_consume_ack(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	for (int i = 0; i < 20; i++)
		peer_send(&p, "q", "m", true);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 20);
	peer_consume(&p, "q", 5, false);
	for (int i = 0; i < 20; i++) {
		struct seen *s = peer_next(&p);
		assert_int_equal(s->kind, EVENT_DELIVERED);
		assert_true(fake_leased(r.store, uid_of(&r, "q")) <= 5); /* the free credit, no more */
		peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	}
	assert_int_equal(peer_pending(&p), 0);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

static void test_lost_connection_gives_back(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	for (int i = 0; i < 5; i++)
		peer_send(&p, "q", "m", true);
	peer_consume(&p, "q", 5, false);
	assert_int_equal(peer_pending(&p), 5);
	assert_int_equal(fake_leased(r.store, uid_of(&r, "q")), 5);
	peer_close(&p, CLOSE_LOST);
	rig_settle(&r);
	assert_int_equal(fake_visible(r.store, uid_of(&r, "q")), 5);
	rig_close(&r);
}

/* What a session holds is renewed for as long as it holds it. */
static void test_leases_are_renewed(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	peer_send(&p, "q", "m", true);
	peer_consume(&p, "q", 1, false);
	struct seen *s = peer_next(&p);
	uint64_t lease = s->lease;
	for (int i = 0; i < 40; i++)
		rig_wait(&r, 9000);
	assert_int_equal(fake_leased(r.store, uid_of(&r, "q")), 1);
	assert_int_equal(peer_pending(&p), 0);
	peer_settle(&p, lease, OUTCOME_ACCEPT, false);
	rig_settle(&r);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* Another process's message arrives; a lost lease comes again; settling the lost
 * one is a silent success. */
static void test_second_writer_and_lost_lease(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	peer_consume(&p, "q", 2, false);
	struct message *m = rig_message(&r, "theirs", true);
	fake_put(r.store, uid_of(&r, "q"), m);
	message_unref(m);
	rig_wait(&r, 2000);
	struct seen *s = peer_next(&p);
	assert_string_equal(s->body, "theirs");
	uint64_t lost = s->lease;
	fake_drop_leases(r.store, uid_of(&r, "q"));
	rig_wait(&r, 2000);
	s = peer_next(&p);
	assert_string_equal(s->body, "theirs");
	uint64_t again = s->lease;
	peer_settle(&p, lost, OUTCOME_ACCEPT, false);
	rig_settle(&r);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 1);
	peer_settle(&p, again, OUTCOME_ACCEPT, false);
	rig_settle(&r);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

static void test_retries_until_done(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	fake_options(r.store)->retry = 400;
	for (int i = 0; i < 30; i++) {
		struct message *m = rig_message(&r, "m", true);
		engine_send(r.engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, -1, (uint64_t)i);
		message_unref(m);
	}
	for (int i = 0; i < 50; i++)
		rig_wait(&r, 500);
	for (int i = 0; i < 30; i++)
		assert_int_equal(peer_next(&p)->how, PUBLISHED_STORED);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 30);
	peer_consume(&p, "q", 100, false);
	for (int i = 0; i < 30; i++)
		peer_settle(&p, peer_next(&p)->lease, OUTCOME_ACCEPT, false);
	for (int i = 0; i < 50; i++)
		rig_wait(&r, 500);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

static void test_refused_append_is_rejected(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	fake_options(r.store)->refuse = 1000;
	struct message *m = rig_message(&r, "m", true);
	engine_send(r.engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, -1, 3);
	message_unref(m);
	assert_int_equal(peer_next(&p)->how, PUBLISHED_REJECTED);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

static void test_receive_delete_extend(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AWS);
	peer_receive(&p, "q", 1, 0, 30000);
	assert_int_equal(peer_next(&p)->count, 0);
	peer_send(&p, "q", "m", true);
	peer_receive(&p, "q", 1, 0, 10000);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->count, 1);
	assert_true(s->receipt.handle_n > 0);
	struct receipt first = s->receipt;
	engine_extend_ref(r.engine, p.session, 7, VIEW("q"), &first, 60000);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	rig_wait(&r, 30000);
	peer_receive(&p, "q", 1, 0, 30000);
	assert_int_equal(peer_next(&p)->count, 0);
	engine_settle_ref(r.engine, p.session, 8, VIEW("q"), &first, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	rig_settle(&r);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* A lost lease is still its session's to settle: until then it counts. */
static void test_lost_lease_keeps_its_credit(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AMQP091);
	fake_options(r.store)->tell_lost = 1000;
	peer_send(&p, "q", "m", true);
	peer_consume(&p, "q", 1, false);
	uint64_t lease = peer_next(&p)->lease;
	fake_drop_leases(r.store, uid_of(&r, "q"));
	for (int i = 0; i < 10; i++)
		rig_wait(&r, 9000);
	assert_int_equal(peer_pending(&p), 0);
	peer_settle(&p, lease, OUTCOME_ACCEPT, false);
	assert_string_equal(peer_next(&p)->body, "m");
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* A remote purge takes all that is there when it is done, so one that failed is
 * not done later on, when there are new messages. */
static void test_failed_purge(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AWS);
	fake_options(r.store)->retry = 1000;
	engine_queue_purge(r.engine, p.session, 9, VIEW("q"), true);
	assert_int_equal(peer_next(&p)->code, CODE_UNAVAILABLE);
	fake_options(r.store)->retry = 0;
	for (uint64_t i = 0; i < 20; i++) {
		struct message *m = rig_message(&r, "m", true);
		engine_send(r.engine, p.session, VIEW("q"), m, 0, -1, i);
		message_unref(m);
	}
	rig_wait(&r, 5000);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 20);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

static void test_purge(void **state)
{
	struct rig r;
	struct peer p;
	(void)state;
	open_with_queue(&r, &p, SESSION_AWS);
	for (int i = 0; i < 5; i++)
		peer_send(&p, "q", "m", true);
	engine_queue_purge(r.engine, p.session, 9, VIEW("q"), true);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(fake_count(r.store, uid_of(&r, "q")), 0);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish_consume_ack),
		cmocka_unit_test(test_lost_connection_gives_back),
		cmocka_unit_test(test_leases_are_renewed),
		cmocka_unit_test(test_second_writer_and_lost_lease),
		cmocka_unit_test(test_retries_until_done),
		cmocka_unit_test(test_refused_append_is_rejected),
		cmocka_unit_test(test_receive_delete_extend),
		cmocka_unit_test(test_lost_lease_keeps_its_credit),
		cmocka_unit_test(test_purge),
		cmocka_unit_test(test_failed_purge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
