/* SPDX-License-Identifier: Apache-2.0 */
/* The redrive rule: what was received as often as it may moves when it is about to
 * be received once more, as it is, over every store that leaves leases to the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "declare.h"
#include "rig/rig.h"

#define POLICY(max) \
	"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":" max "}"

static void create(struct peer *p, const char *name, const char *policy)
{
	const struct attribute v[] = {{VIEW("RedrivePolicy"), view_str(policy)}, {VIEW("VisibilityTimeout"), VIEW("0")}};
	engine_queue_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct queue_spec){.name = view_str(name), .durable = true, .side = SIDE_AWS,
						  .attributes = v, .n_attributes = policy[0] ? 2 : 0});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

static struct seen receive(struct peer *p, const char *queue)
{
	peer_receive(p, queue, 1, 0, 0);
	struct seen s = *peer_next(p);
	rig_settle(p->rig); /* visible again */
	return s;
}

static void moves_when_due(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	create(&p, "dead", "");
	create(&p, "q", POLICY("\"2\""));
	peer_send(&p, "q", "m", true);
	struct seen first = receive(&p, "q");
	assert_int_equal(receive(&p, "q").received, 2);
	assert_int_equal(ready_in(r, "dead"), 0);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&p);
		rig_restart(r);
		peer_open(&p, r, SESSION_AWS);
		assert_int_equal(receive(&p, "q").count, 1); /* counters of receives are lazy */
		while (receive(&p, "q").count)
			;
	}
	assert_int_equal(receive(&p, "q").count, 0);
	assert_int_equal(ready_in(r, "q"), 0);
	assert_int_equal(ready_in(r, "dead"), 1);
	struct seen s = receive(&p, "dead");
	assert_int_equal(s.received, 3);
	assert_memory_equal(s.id, first.id, sizeof(first.id));
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&p);
		rig_restart(r);
		peer_open(&p, r, SESSION_AWS);
		s = receive(&p, "dead");
		assert_int_equal(s.count, 1);
		assert_memory_equal(s.id, first.id, sizeof(first.id));
	}
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_moves_when_due(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, moves_when_due);
}

static void stays_without_a_target(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	create(&p, "q", POLICY("1"));
	peer_send(&p, "q", "m", true);
	for (int i = 1; i < 4; i++)
		assert_int_equal(receive(&p, "q").received, i);
	create(&p, "dead", "");
	assert_int_equal(receive(&p, "q").count, 0);
	assert_int_equal(ready_in(r, "dead"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_stays_without_a_target(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, stays_without_a_target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_when_due),
		cmocka_unit_test(test_stays_without_a_target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
