/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's sense of time: when the loop has to come back for its sake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/rig.h"

enum { LONG_MS = 1000 };

static void send_durable(struct peer *p, uint64_t tag)
{
	struct message *m = rig_message(p->rig, "x", true);
	engine_send(p->rig->engine, p->session, VIEW("q"), m, PUBLISH_CONFIRM, -1, tag);
	message_unref(m);
}

static void later(struct rig *r, int64_t ms)
{
	r->now.mono_ms += ms;
	r->now.wall_ms += ms;
	engine_time(r->engine, r->now);
}

/* While a batch is with a slow store the loop sleeps: what gathers behind it waits
 * for the store's answer, however long ago it was due. */
static void test_no_hurry_while_the_store_works(void **state)
{
	(void)state;
	struct rig r = {0};
	struct peer p;
	rig_open(&r, RIG_SQLITE); /* done inside submit, answered by the next poll */
	peer_open(&p, &r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	rig_settle(&r);
	send_durable(&p, 1);
	rig_turn(&r);
	send_durable(&p, 2);
	later(&r, LONG_MS);
	assert_true(engine_next_ms(r.engine) > r.now.mono_ms);
	rig_settle(&r);
	assert_int_equal(peer_pending(&p), 2);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_hurry_while_the_store_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
