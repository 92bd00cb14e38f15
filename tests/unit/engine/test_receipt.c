/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts and counters over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/rig.h"

/* A consumer that keeps its message hidden goes on doing so over a restart. */
static void extended_again(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "m", true);
	peer_receive(&p, "q", 1, 0, 30000);
	struct receipt receipt = peer_next(&p)->receipt;
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AWS);
	for (uint64_t i = 0; i < 3; i++) {
		engine_extend_ref(r->engine, p.session, i, VIEW("q"), &receipt, 10000);
		assert_int_equal(peer_next(&p)->code, CODE_OK);
		rig_wait(r, 9000);
		peer_receive(&p, "q", 1, 0, 1000);
		assert_int_equal(peer_next(&p)->count, 0);
	}
	engine_settle_ref(r->engine, p.session, 9, VIEW("q"), &receipt, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	struct engine_counters c;
	engine_counters(r->engine, &c);
	assert_int_equal(c.leases, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_extended_again(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES | STORE_ORDER, NULL, extended_again);
}

/* After a restart all that was handed up to counts as delivered once; what was
 * delayed then never was. */
static void delayed_was_never_delivered(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	struct message *m = rig_message(r, "late", true);
	engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, 60000, 1);
	message_unref(m);
	peer_next(&p);
	peer_send(&p, "q", "now", true);
	peer_receive(&p, "q", 1, 0, 30000);
	assert_string_equal(peer_next(&p)->body, "now");
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AWS);
	rig_wait(r, 30000); /* the lease is over */
	peer_receive(&p, "q", 1, 0, 300000);
	struct seen *s = peer_next(&p);
	assert_string_equal(s->body, "now");
	assert_true(s->redelivered);
	rig_wait(r, 60000);
	peer_receive(&p, "q", 1, 0, 30000);
	s = peer_next(&p);
	assert_string_equal(s->body, "late");
	assert_false(s->redelivered);
	assert_int_equal(s->received + s->delivered, 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_delayed_was_never_delivered(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES | STORE_ORDER, NULL, delayed_was_never_delivered);
}

static enum code extend(struct peer *p, const struct receipt *receipt, int64_t ms)
{
	engine_extend_ref(p->rig->engine, p->session, ++p->cmd, VIEW("q"), receipt, ms);
	return peer_next(p)->code;
}

/* Twelve hours from the receive, however often it is extended, and over a restart. */
static void twelve_hours(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "m", true);
	peer_receive(&p, "q", 1, 0, 30000);
	struct receipt receipt = peer_next(&p)->receipt;
	assert_int_equal(extend(&p, &receipt, 43200000), CODE_OK);
	rig_wait(r, 10000);
	assert_int_equal(extend(&p, &receipt, 43200000), CODE_LIMIT);
	assert_int_equal(extend(&p, &receipt, 43191000), CODE_LIMIT);
	assert_int_equal(extend(&p, &receipt, 43190000), CODE_OK);
	rig_wait(r, 43189000);
	assert_int_equal(extend(&p, &receipt, 2000), CODE_LIMIT);
	peer_receive(&p, "q", 1, 0, 30000);
	assert_int_equal(peer_next(&p)->count, 0); /* what was refused changed nothing */
	rig_wait(r, 2000);
	assert_int_equal(extend(&p, &receipt, 1000), CODE_LIMIT); /* hidden again neither */
	assert_int_equal(extend(&p, &receipt, 0), CODE_OK);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&p);
		rig_restart(r);
		peer_open(&p, r, SESSION_AWS);
		assert_int_equal(extend(&p, &receipt, 1000), CODE_LIMIT);
	}
	peer_receive(&p, "q", 1, 0, 30000);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->count, 1);
	receipt = s->receipt;
	assert_int_equal(extend(&p, &receipt, 43200000), CODE_OK); /* each receive has its own */
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_twelve_hours(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, twelve_hours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extended_again),
		cmocka_unit_test(test_twelve_hours),
		cmocka_unit_test(test_delayed_was_never_delivered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
