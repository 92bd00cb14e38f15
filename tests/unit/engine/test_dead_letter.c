/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters in the engine: out of one queue and into others in one step, over
 * every store, through failures and power loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "declare.h"
#include "held.h"
#include "rig/rig.h"
#include "support/store_crash.h"
#include "unit/mapping/values.h"

static const struct table to_dead = TABLE(FIELD("x-dead-letter-exchange", STR("")),
					  FIELD("x-dead-letter-routing-key", STR("dead")));
static const struct table to_topic = TABLE(FIELD("x-dead-letter-exchange", STR("dlx")));

static void open_queues(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	declare_with(p, "q", &to_dead);
	peer_queue(p, "dead", true);
}

static void reject_next(struct peer *p, const char *queue)
{
	struct seen *s = peer_get(p, queue);
	assert_int_equal(s->count, 1);
	peer_settle(p, s->lease, OUTCOME_DEAD_LETTER, false);
	rig_settle(p->rig);
}

static void rejected_goes_on(struct rig *r)
{
	struct peer p;
	open_queues(&p, r);
	peer_send(&p, "q", "a", true);
	reject_next(&p, "q");
	assert_int_equal(peer_get(&p, "q")->count, 0);
	struct seen *s = peer_get(&p, "dead");
	assert_string_equal(s->body, "a");
	assert_false(s->redelivered);
	peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	rig_settle(r);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_rejected_goes_on(void **state)
{
	(void)state;
	rig_over(0, codec_options(), rejected_goes_on);
}

/* By a topic to two queues, one of them transient; a transient message too. */
static void fans_out(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	declare_with(&p, "q", &to_topic);
	peer_topic(&p, "dlx", TOPIC_FANOUT);
	peer_queue(&p, "d1", true);
	peer_queue(&p, "d2", false);
	peer_bind(&p, "dlx", "d1", "");
	peer_bind(&p, "dlx", "d2", "");
	peer_send(&p, "q", "a", true);
	peer_send(&p, "q", "b", false);
	reject_next(&p, "q");
	reject_next(&p, "q");
	assert_int_equal(ready_in(r, "d1"), 2);
	assert_int_equal(ready_in(r, "d2"), 2);
	assert_int_equal(ready_in(r, "q"), 0);
	engine_topic_delete(r->engine, p.session, 99, VIEW("dlx"), false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	peer_send(&p, "q", "c", true);
	reject_next(&p, "q"); /* nowhere to go: dropped */
	assert_int_equal(ready_in(r, "q"), 0);
	assert_int_equal(ready_in(r, "d1"), 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_fans_out(void **state)
{
	(void)state;
	rig_over(STORE_GROUPS_ATOMIC, codec_options(), fans_out);
}

/* Nothing of it is gone after a power loss: it is in one of the two queues. */
static void test_power_loss(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct rig r = {.options = *codec_options()};
		struct peer p;
		rig_open(&r, RIG_CRASH);
		open_queues(&p, &r);
		peer_send(&p, "q", "a", true);
		struct seen *s = peer_get(&p, "q");
		peer_settle(&p, s->lease, OUTCOME_DEAD_LETTER, false);
		for (int i = 0; i < turns; i++)
			rig_turn(&r);
		peer_free(&p);
		rig_power_loss(&r);
		assert_int_equal(ready_in(&r, "q") + ready_in(&r, "dead"), 1);
		rig_close(&r);
	}
}

/* A disk that fails: the letter is out at once, on disk when the disk is back. */
static void test_failing_disk(void **state)
{
	(void)state;
	for (int taken = 0; taken < 2; taken++) {
		struct rig r = {.options = *codec_options()};
		struct peer p;
		rig_open(&r, RIG_CRASH);
		open_queues(&p, &r);
		peer_send(&p, "q", "a", true);
		struct seen *s = peer_get(&p, "q");
		store_crash_fault(r.crash, CRASH_EIO, 1, 3);
		peer_settle(&p, s->lease, OUTCOME_DEAD_LETTER, false);
		rig_turn(&r);
		rig_turn(&r);
		if (taken) {
			uint64_t cmd = ++p.cmd;
			engine_get(r.engine, p.session, cmd, VIEW("dead"), true);
			rig_turn(&r);
		}
		rig_settle(&r);
		assert_int_equal(ready_in(&r, "dead"), taken ? 0 : 1);
		peer_free(&p);
		rig_power_loss(&r);
		assert_int_equal(ready_in(&r, "q"), 0);
		assert_int_equal(ready_in(&r, "dead"), taken ? 0 : 1);
		rig_close(&r);
	}
}

/* The publisher of what is dead-lettered before it is stored waits for the copy. */
static void publisher_waits(struct rig *r)
{
	struct peer p;
	open_queues(&p, r);
	peer_consume(&p, "q", 1, false);
	held_begin(r);
	struct message *m = rig_message(r, "a", true);
	engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, -1, 77);
	message_unref(m);
	engine_run(r->engine, r->now); /* delivered, not yet handed to the store */
	assert_int_equal(p.n, p.at + 1);
	struct seen *s = &p.v[p.at++];
	assert_int_equal(s->kind, EVENT_DELIVERED);
	peer_settle(&p, s->lease, OUTCOME_DEAD_LETTER, false);
	held_turns(r);
	assert_int_equal(p.n, p.at);
	held_end(r);
	s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_PUBLISHED);
	assert_int_equal(s->tag, 77);
	assert_int_equal(ready_in(r, "dead"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_publisher_waits(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES, codec_options(), publisher_waits);
}

/* In a transaction: with its commit. */
static void with_a_commit(struct rig *r)
{
	struct peer p, tx;
	open_queues(&p, r);
	peer_open(&tx, r, SESSION_AMQP091);
	peer_send(&p, "q", "a", true);
	struct seen *s = peer_get(&tx, "q");
	uint64_t lease = s->lease;
	engine_tx_begin(r->engine, tx.session, 1);
	engine_tx_use(r->engine, tx.session, 1);
	peer_settle(&tx, lease, OUTCOME_DEAD_LETTER, false);
	assert_int_equal(ready_in(r, "dead"), 0);
	engine_tx_commit(r->engine, tx.session, 5, 1);
	assert_int_equal(peer_next(&tx)->code, CODE_OK);
	assert_int_equal(ready_in(r, "dead"), 1);
	assert_string_equal(peer_get(&p, "dead")->body, "a");
	peer_close(&tx, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_with_a_commit(void **state)
{
	(void)state;
	rig_over(STORE_GROUPS_ATOMIC, codec_options(), with_a_commit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rejected_goes_on),
		cmocka_unit_test(test_fans_out),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_failing_disk),
		cmocka_unit_test(test_publisher_waits),
		cmocka_unit_test(test_with_a_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
