/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered before the store has it, and what only after (DESIGN §4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "held.h"
#include "rig/rig.h"
#include "support/store_crash.h"

static void declare(struct peer *p, uint64_t cmd)
{
	engine_queue_declare(p->rig->engine, p->session, cmd, &(struct queue_spec){.name = VIEW("q"), .durable = true});
}

static void declare_topic(struct peer *p, uint64_t cmd)
{
	engine_topic_declare(p->rig->engine, p->session, cmd,
			     &(struct topic_spec){.name = VIEW("t"), .type = TOPIC_DIRECT, .durable = true});
}

static void bind(struct peer *p, uint64_t cmd)
{
	engine_bind(p->rig->engine, p->session, cmd,
		    &(struct binding_spec){.source = VIEW("amq.direct"), .destination = VIEW("q"), .key = VIEW("k")});
}

/* Whoever declares what somebody else's declare is still writing waits with it. */
static void second_waits_too(struct rig *r)
{
	static void (*const verbs[])(struct peer *p, uint64_t cmd) = {declare, declare_topic, bind};
	struct peer first, second;
	peer_open(&first, r, SESSION_AMQP091);
	peer_open(&second, r, SESSION_AMQP091);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		held_begin(r);
		verbs[i](&first, 1);
		held_turns(r);
		verbs[i](&second, 2);
		held_turns(r);
		assert_int_equal(first.n, first.at);
		assert_int_equal(second.n, second.at);
		held_end(r);
		assert_int_equal(peer_next(&first)->code, CODE_OK);
		assert_int_equal(peer_next(&second)->code, CODE_OK);
	}
	peer_close(&second, CLOSE_ORDERLY);
	peer_close(&first, CLOSE_ORDERLY);
}

static void test_second_waits_too(void **state)
{
	(void)state;
	rig_over(0, NULL, second_waits_too);
}

/* Neither is told of success when the write fails, and a bind that is tried
 * again is written again. */
static void test_failed_definitions(void **state)
{
	struct rig r = {0};
	struct peer first, second;
	(void)state;
	rig_open(&r, RIG_CRASH);
	peer_open(&first, &r, SESSION_AMQP091);
	peer_open(&second, &r, SESSION_AMQP091);
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	held_begin(&r);
	declare(&first, 1);
	held_turns(&r);
	declare(&second, 2);
	held_turns(&r);
	held_end(&r);
	assert_int_equal(peer_next(&first)->code, CODE_UNAVAILABLE);
	assert_int_equal(peer_next(&second)->code, CODE_UNAVAILABLE);
	declare(&first, 3);
	assert_true(peer_next(&first)->created);
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	bind(&first, 4);
	assert_int_equal(peer_next(&first)->code, CODE_UNAVAILABLE);
	bind(&first, 5);
	assert_int_equal(peer_next(&first)->code, CODE_OK);
	peer_free(&first);
	peer_free(&second);
	rig_restart(&r);
	peer_open(&first, &r, SESSION_AMQP091);
	struct message *m = rig_message(&r, "routed", true);
	engine_publish(r.engine, first.session, VIEW("amq.direct"), VIEW("k"), m, PUBLISH_CONFIRM, 7);
	message_unref(m);
	assert_int_equal(peer_next(&first)->how, PUBLISHED_STORED);
	assert_string_equal(peer_get(&first, "q")->body, "routed");
	peer_close(&first, CLOSE_ORDERLY);
	rig_close(&r);
}

/* A delete that finds its message gone, while the removal is on its way, waits for it. */
static void second_delete_waits(struct rig *r)
{
	struct peer p, other;
	peer_open(&p, r, SESSION_AWS);
	peer_open(&other, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "m", true);
	peer_receive(&p, "q", 1, 0, 30000);
	struct receipt receipt = peer_next(&p)->receipt;
	held_begin(r);
	engine_settle_ref(r->engine, p.session, 1, VIEW("q"), &receipt, &(struct outcome){.kind = OUTCOME_ACCEPT});
	held_turns(r);
	engine_settle_ref(r->engine, other.session, 2, VIEW("q"), &receipt, &(struct outcome){.kind = OUTCOME_ACCEPT});
	held_turns(r);
	assert_int_equal(p.n, p.at);
	assert_int_equal(other.n, other.at);
	held_end(r);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(peer_next(&other)->code, CODE_OK);
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_second_delete_waits(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, second_delete_waits);
}

/* A consume behind a verb that waits for the store: when its queue goes meanwhile
 * it fails; nobody is told of a cancelled consumer that it never heard of. */
static void queue_gone_before_consume_ok(struct rig *r)
{
	struct peer p, other;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&other, r, SESSION_AMQP091);
	peer_queue(&other, "c", false);
	held_begin(r);
	declare(&p, 1);
	engine_consume(r->engine, p.session, 2, &(struct consumer_spec){.queue = VIEW("c"), .credit = 1});
	engine_queue_delete(r->engine, other.session, 3, VIEW("c"), false, false);
	held_turns(r);
	held_end(r);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_DONE);
	assert_int_equal(s->cmd, 1);
	s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_DONE);
	assert_int_equal(s->cmd, 2);
	assert_int_equal(s->code, CODE_NOT_FOUND);
	assert_int_equal(s->consumer, 0);
	assert_int_equal(peer_pending(&p), 0);
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_queue_gone_before_consume_ok(void **state)
{
	(void)state;
	rig_over(0, NULL, queue_gone_before_consume_ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_waits_too),
		cmocka_unit_test(test_failed_definitions),
		cmocka_unit_test(test_second_delete_waits),
		cmocka_unit_test(test_queue_gone_before_consume_ok),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
