/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of receives over restarts: kept with their deadlines by an orderly stop,
 * gone with a power loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"

static void restart(struct rig *r, struct peer *p)
{
	peer_free(p);
	rig_restart(r);
	peer_open(p, r, SESSION_AWS);
}

static void sends(struct peer *p, const char *queue, int n)
{
	for (int i = 0; i < n; i++) {
		char body[16];
		snprintf(body, sizeof(body), "m%d", i);
		peer_send(p, queue, body, true);
	}
}

/* What a receive of ten gets, its bodies one after the other. */
static struct seen *received(struct peer *p, const char *queue, int64_t lease_ms, char bodies[64])
{
	peer_receive(p, queue, 10, 0, lease_ms);
	struct seen *s = peer_next(p);
	size_t n = s->count, at = 0;
	bodies[0] = 0;
	for (size_t i = 0; i < n; i++) {
		at += (size_t)snprintf(bodies + at, 64 - at, "%s", s->body);
		assert_true(at < 64);
		if (i + 1 < n)
			s = peer_next(p);
	}
	return s;
}

static void kept_with_deadline(struct rig *r)
{
	struct peer p;
	struct queue_stat st;
	char bodies[64];
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	sends(&p, "q", 4);
	peer_receive(&p, "q", 1, 0, 10000); /* m0 */
	struct receipt deleted = peer_next(&p)->receipt;
	peer_receive(&p, "q", 1, 0, 20000); /* m1 */
	int64_t first_ms = peer_next(&p)->first_received_ms;
	peer_receive(&p, "q", 1, 0, 30000); /* m2 */
	struct receipt extended = peer_next(&p)->receipt;
	restart(r, &p);

	engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
	assert_int_equal(st.leased, 3);
	assert_int_equal(st.received_leased, 3);
	assert_int_equal(st.ready, 1);
	received(&p, "q", 0, bodies);
	assert_string_equal(bodies, "m3");
	engine_settle_ref(r->engine, p.session, 50, VIEW("q"), &deleted, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_extend_ref(r->engine, p.session, 51, VIEW("q"), &extended, 60000);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	rig_wait(r, 18500);
	received(&p, "q", 0, bodies);
	assert_string_equal(bodies, "m3");
	rig_wait(r, 600); /* 20 s after the receive, the second of the restart included */
	struct seen *s = received(&p, "q", 0, bodies);
	assert_string_equal(bodies, "m1m3");
	rig_wait(r, 20000);
	peer_receive(&p, "q", 1, 0, 0);
	s = peer_next(&p);
	assert_int_equal(s->received, 3); /* before the restart, and twice after it */
	assert_int_equal(s->first_received_ms, first_ms);
	rig_wait(r, 30000);
	received(&p, "q", 0, bodies);
	assert_string_equal(bodies, "m1m2m3"); /* back at their own places */
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_kept_with_deadline(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES | STORE_ORDER, NULL, kept_with_deadline);
}

/* Leases spread over a backlog that only the store has, of two queues, over several
 * restarts; a session's are not kept. */
static void kept_in_backlog(struct rig *r)
{
	struct peer p, amqp;
	char bodies[64];
	uint64_t a = 0;
	peer_open(&p, r, SESSION_AWS);
	peer_open(&amqp, r, SESSION_AMQP091);
	peer_queue(&p, "a", true);
	peer_queue(&p, "b", true);
	for (int i = 0; i < 9; i++) {
		sends(&p, "a", 1);
		sends(&p, "b", 1);
	}
	for (int i = 0; i < 3; i++) {
		peer_get(&amqp, "a");
		peer_receive(&p, "a", 1, 0, 10000);
		peer_next(&p);
	}
	for (uint64_t n = 1; n; a += n) /* a page or two at a time */
		n = received(&p, "b", 10000, bodies)->count;
	assert_int_equal(a, 9);
	peer_free(&amqp);
	for (int i = 0; i < 3; i++)
		restart(r, &p);
	received(&p, "b", 30000, bodies);
	assert_string_equal(bodies, "");
	a = 0;
	for (uint64_t n = 1; n; a += n)
		n = received(&p, "a", 10000, bodies)->count;
	assert_int_equal(a, 6);
	rig_wait(r, 10000);
	peer_receive(&p, "b", 1, 0, 30000);
	assert_int_equal(peer_next(&p)->received, 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_kept_in_backlog(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.window_entries = 4;
	o.load_entries = 2;
	rig_over(STORE_SURVIVES | STORE_ORDER, &o, kept_in_backlog);
}

/* A queue that went, a message that went: nothing comes back. */
static void gone_meanwhile(struct rig *r)
{
	struct peer p;
	char bodies[64];
	struct engine_counters c;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	sends(&p, "q", 3);
	received(&p, "q", 5000, bodies);
	restart(r, &p);
	engine_queue_purge(r->engine, p.session, 70, VIEW("q"), true);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	engine_counters(r->engine, &c);
	assert_int_equal(c.leases, 0);
	sends(&p, "q", 1);
	received(&p, "q", 5000, bodies);
	restart(r, &p);
	engine_queue_delete(r->engine, p.session, 71, VIEW("q"), false, false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	restart(r, &p);
	engine_counters(r->engine, &c);
	assert_int_equal(c.leases, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_gone_meanwhile(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES | STORE_ORDER, NULL, gone_meanwhile);
}

/* After a power loss all is visible at once, also what an earlier stop had kept. */
static void test_power_loss(void **state)
{
	struct rig r = {0};
	struct peer p;
	char bodies[64];
	(void)state;
	rig_open(&r, RIG_CRASH);
	peer_open(&p, &r, SESSION_AWS);
	peer_queue(&p, "q", true);
	sends(&p, "q", 2);
	received(&p, "q", 600000, bodies);
	restart(&r, &p);
	received(&p, "q", 600000, bodies);
	assert_string_equal(bodies, "");
	peer_free(&p);
	rig_power_loss(&r);
	peer_open(&p, &r, SESSION_AWS);
	received(&p, "q", 600000, bodies);
	assert_string_equal(bodies, "m0m1");
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_with_deadline),
		cmocka_unit_test(test_kept_in_backlog),
		cmocka_unit_test(test_gone_meanwhile),
		cmocka_unit_test(test_power_loss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
