/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: nothing before commit, everything in one step, all or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"
#include "support/store_crash.h"

enum { TX = 1 };

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

static void open_tx(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	engine_tx_begin(r->engine, p->session, TX);
	engine_tx_use(r->engine, p->session, TX);
}

static void send(struct peer *p, const char *queue, const char *body, bool durable)
{
	struct message *m = rig_message(p->rig, body, durable);
	engine_send(p->rig->engine, p->session, view_str(queue), m, 0, -1, 0);
	message_unref(m);
}

static struct seen *commit(struct peer *p)
{
	engine_tx_commit(p->rig->engine, p->session, ++p->cmd, TX);
	return peer_next(p);
}

static uint64_t ready(struct rig *r, const char *queue)
{
	struct queue_stat st;
	rig_settle(r);
	assert_true(engine_queue_stat(r->engine, VIEW("/"), view_str(queue), &st));
	return st.ready;
}

static void a_delay_begins_at_commit(struct rig *r)
{
	struct peer p;
	open_tx(&p, r);
	peer_queue(&p, "q", true);
	struct message *m = rig_message(r, "later", true);
	engine_send(r->engine, p.session, VIEW("q"), m, 0, 1000, 0);
	message_unref(m);
	assert_int_equal(commit(&p)->code, CODE_OK);
	assert_int_equal(ready(r, "q"), 0);
	rig_wait(r, 1000);
	assert_int_equal(ready(r, "q"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void publishes_appear_at_commit(struct rig *r)
{
	struct peer p, other;
	peer_open(&other, r, SESSION_AMQP091);
	peer_queue(&other, "q", true);
	peer_queue(&other, "t", false);
	open_tx(&p, r);
	send(&p, "q", "a", true);
	send(&p, "q", "b", false);
	send(&p, "t", "c", true);
	send(&p, "q", "d", true);
	assert_int_equal(ready(r, "q"), 0);
	assert_int_equal(commit(&p)->code, CODE_OK);
	assert_int_equal(ready(r, "q"), 3);
	assert_int_equal(ready(r, "t"), 1);
	const char *order[] = {"a", "b", "d"};
	for (int i = 0; i < 3; i++)
		assert_string_equal(peer_get(&other, "q")->body, order[i]);
	assert_int_equal(commit(&p)->code, CODE_OK); /* empty */
	send(&p, "q", "e", true);
	engine_tx_rollback(r->engine, p.session, 50, TX, ROLLBACK_KEEP);
	assert_int_equal(peer_next(&p)->cmd, 50);
	assert_int_equal(commit(&p)->code, CODE_OK);
	assert_int_equal(ready(r, "q"), 0);
	peer_close(&p, CLOSE_ORDERLY);
	peer_close(&other, CLOSE_ORDERLY);
}

static void test_publishes_appear_at_commit(void **state)
{
	(void)state;
	over(STORE_GROUPS_ATOMIC, publishes_appear_at_commit);
}

static void test_a_delay_begins_at_commit(void **state)
{
	(void)state;
	over(STORE_GROUPS_ATOMIC, a_delay_begins_at_commit);
}

static void acks_count_at_commit(struct rig *r)
{
	struct peer p, other;
	peer_open(&other, r, SESSION_AMQP091);
	peer_queue(&other, "q", true);
	peer_send(&other, "q", "a", true);
	peer_send(&other, "q", "b", true);
	peer_send(&other, "q", "c", false);
	open_tx(&p, r);
	peer_consume(&p, "q", 10, false);
	uint64_t lease[3];
	for (int i = 0; i < 3; i++)
		lease[i] = peer_next(&p)->lease;
	peer_settle(&p, lease[0], OUTCOME_ACCEPT, false);
	engine_tx_rollback(r->engine, p.session, 60, TX, ROLLBACK_KEEP);
	assert_int_equal(peer_next(&p)->cmd, 60);
	assert_int_equal(peer_pending(&p), 0); /* still its own, not handed out again */
	peer_settle(&p, lease[0], OUTCOME_ACCEPT, false);
	peer_settle(&p, lease[1], OUTCOME_RELEASE, true);
	peer_settle(&p, lease[2], OUTCOME_ACCEPT, false);
	assert_int_equal(peer_pending(&p), 0);
	assert_int_equal(commit(&p)->code, CODE_OK);
	struct seen *s = peer_next(&p);
	assert_string_equal(s->body, "b");
	assert_true(s->redelivered);
	peer_close(&p, CLOSE_LOST); /* b unsettled in an open transaction */
	assert_int_equal(ready(r, "q"), 1);
	peer_close(&other, CLOSE_ORDERLY);
}

static void test_acks_count_at_commit(void **state)
{
	(void)state;
	over(STORE_GROUPS_ATOMIC, acks_count_at_commit);
}

/* The session goes while its commit is on the way: the commit stands. */
static void close_during_commit(struct rig *r)
{
	struct peer p, other;
	peer_open(&other, r, SESSION_AMQP091);
	peer_queue(&other, "q", true);
	peer_queue(&other, "gone", true);
	peer_send(&other, "q", "old", true);
	open_tx(&p, r);
	peer_consume(&p, "q", 1, false);
	uint64_t lease = peer_next(&p)->lease;
	peer_settle(&p, lease, OUTCOME_ACCEPT, false);
	send(&p, "q", "new", true);
	send(&p, "gone", "x", true);
	engine_tx_commit(r->engine, p.session, 1, TX);
	engine_queue_delete(r->engine, other.session, 2, VIEW("gone"), false, false);
	peer_close(&p, CLOSE_LOST);
	assert_int_equal(peer_next(&other)->code, CODE_OK);
	assert_int_equal(ready(r, "q"), 1);
	assert_string_equal(peer_get(&other, "q")->body, "new");
	peer_close(&other, CLOSE_ORDERLY);
	rig_settle(r);
}

static void test_close_during_commit(void **state)
{
	(void)state;
	over(STORE_GROUPS_ATOMIC, close_during_commit);
}

static void failed_commit_changes_nothing(struct rig *r)
{
	struct peer p, other;
	if (!r->crash)
		return;
	peer_open(&other, r, SESSION_AMQP091);
	peer_queue(&other, "q", true);
	peer_send(&other, "q", "old", true);
	open_tx(&p, r);
	peer_consume(&p, "q", 1, false);
	uint64_t lease = peer_next(&p)->lease;
	rig_wait(r, 100);
	peer_settle(&p, lease, OUTCOME_ACCEPT, false);
	send(&p, "q", "new", true);
	store_crash_fault(r->crash, CRASH_EIO, 1, 1);
	assert_int_equal(commit(&p)->code, CODE_UNAVAILABLE);
	assert_int_equal(ready(r, "q"), 0);
	/* The lease is the session's as before. */
	peer_settle(&p, lease, OUTCOME_ACCEPT, false);
	assert_int_equal(commit(&p)->code, CODE_OK);
	peer_free(&p);
	peer_free(&other);
	rig_restart(r);
	assert_int_equal(ready(r, "q"), 0);
}

static void test_failed_commit_changes_nothing(void **state)
{
	(void)state;
	over(STORE_GROUPS_ATOMIC | STORE_SURVIVES, failed_commit_changes_nothing);
}

/* A sync that fails leaves the whole commit in the file, readable: it must not be
 * there when the store has recovered, for the engine undoes it. */
static void what_was_answered_is_so(uint64_t nth, uint64_t times)
{
	struct rig r = {0};
	struct peer p;
	rig_open(&r, RIG_CRASH);
	open_tx(&p, &r);
	peer_queue(&p, "in", true);
	peer_queue(&p, "out", true);
	send(&p, "in", "m", true);
	assert_int_equal(commit(&p)->code, CODE_OK);
	peer_consume(&p, "in", 1, false);
	peer_settle(&p, peer_next(&p)->lease, OUTCOME_ACCEPT, false);
	send(&p, "out", "m", true);
	rig_wait(&r, 100);
	store_crash_fault(r.crash, CRASH_EIO, nth, times);
	bool done = commit(&p)->code == CODE_OK;
	rig_wait(&r, 5000); /* it has recovered and written what it had to */
	peer_free(&p);
	rig_power_loss(&r);
	assert_int_equal(ready(&r, "in"), !done);
	assert_int_equal(ready(&r, "out"), done);
	rig_close(&r);
}

static void test_what_was_answered_is_so(void **state)
{
	(void)state;
	for (uint64_t nth = 1; nth < 8; nth++)
		for (uint64_t times = 1; times < 8; times++)
			what_was_answered_is_so(nth, times);
}

/* A power loss at every write of a commit: all of it or nothing. */
static void test_commit_is_atomic(void **state)
{
	(void)state;
	for (uint64_t nth = 1; nth < 12; nth++) {
		struct rig r = {0};
		struct peer p;
		rig_open(&r, RIG_CRASH);
		peer_open(&p, &r, SESSION_AMQP091);
		peer_queue(&p, "in", true);
		peer_queue(&p, "out", true);
		peer_send(&p, "in", "m", true);
		peer_free(&p);
		rig_wait(&r, 100);
		open_tx(&p, &r);
		peer_consume(&p, "in", 1, false);
		peer_settle(&p, peer_next(&p)->lease, OUTCOME_ACCEPT, false);
		send(&p, "out", "m", true);
		store_crash_fault(r.crash, CRASH_POWER, nth, 1);
		engine_tx_commit(r.engine, p.session, 1, TX);
		for (int i = 0; i < 5; i++)
			rig_turn(&r);
		peer_free(&p);
		rig_power_loss(&r);
		assert_int_equal(ready(&r, "in") + ready(&r, "out"), 1);
		rig_close(&r);
	}
}

/* The append of a commit is still to be handed over when one of its queues goes. */
static void a_queue_goes_during_commit(struct rig *r)
{
	static const char *const names[] = {"a", "b", "c"};
	struct peer p, other;
	peer_open(&other, r, SESSION_AMQP091);
	peer_topic(&other, "all", TOPIC_FANOUT);
	for (int i = 0; i < 3; i++) {
		peer_queue(&other, names[i], true);
		peer_bind(&other, "all", names[i], "");
	}
	open_tx(&p, r);
	struct message *m = rig_message(r, "m", true);
	engine_publish(r->engine, p.session, VIEW("all"), VIEW(""), m, 0, 0);
	message_unref(m);
	engine_tx_commit(r->engine, p.session, ++p.cmd, TX);
	engine_queue_delete(r->engine, other.session, ++other.cmd, VIEW("b"), false, false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(peer_next(&other)->code, CODE_OK);
	for (int i = 0; i < 3; i += 2) {
		peer_settle(&other, peer_get(&other, names[i])->lease, OUTCOME_ACCEPT, false);
		peer_send(&other, names[i], "next", true);
	}
	rig_settle(r);
	peer_free(&p);
	peer_free(&other);
	rig_restart(r);
	for (int i = 0; i < 3; i += 2) {
		peer_open(&other, r, SESSION_AMQP091);
		assert_string_equal(peer_get(&other, names[i])->body, "next");
		assert_int_equal(peer_get(&other, names[i])->count, 0);
		peer_close(&other, CLOSE_ORDERLY);
	}
}

static void test_a_queue_goes_during_commit(void **state)
{
	(void)state;
	over(STORE_GROUPS_ATOMIC | STORE_SURVIVES, a_queue_goes_during_commit);
}

static void mandatory_returns_before_the_answer(struct rig *r)
{
	struct peer p;
	open_tx(&p, r);
	struct message *m = rig_message(r, "lost", true);
	engine_send(r->engine, p.session, VIEW("nowhere"), m, PUBLISH_MANDATORY, -1, 4);
	engine_publish(r->engine, p.session, VIEW("missing"), VIEW("k"), m, 0, 5);
	message_unref(m);
	struct seen *s = peer_next(&p); /* at once: 0-9-1 closes the channel */
	assert_int_equal(s->kind, EVENT_PUBLISHED);
	assert_int_equal(s->code, CODE_NOT_FOUND);
	engine_tx_commit(r->engine, p.session, 9, TX);
	s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_RETURNED);
	assert_int_equal(s->tag, 4);
	assert_int_equal(peer_next(&p)->cmd, 9);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_mandatory_returns_before_the_answer(void **state)
{
	(void)state;
	over(0, mandatory_returns_before_the_answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publishes_appear_at_commit),
		cmocka_unit_test(test_a_delay_begins_at_commit),
		cmocka_unit_test(test_acks_count_at_commit),
		cmocka_unit_test(test_close_during_commit),
		cmocka_unit_test(test_failed_commit_changes_nothing),
		cmocka_unit_test(test_what_was_answered_is_so),
		cmocka_unit_test(test_commit_is_atomic),
		cmocka_unit_test(test_a_queue_goes_during_commit),
		cmocka_unit_test(test_mandatory_returns_before_the_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
