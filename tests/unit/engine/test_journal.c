/* SPDX-License-Identifier: Apache-2.0 */
/* The journal while the store works: when the loop has to come back for its sake,
 * and what it keeps of what came and went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "engine/engine_priv.h"
#include "held.h"
#include "rig/rig.h"

enum { LONG_MS = 1000, ROUNDS = 40, EACH = 300, BATCH_MAX = 8000 };

static void send_to(struct peer *p, const char *queue, const char *body, uint64_t tag)
{
	struct message *m = rig_message(p->rig, body, true);
	engine_send(p->rig->engine, p->session, view_str(queue), m, PUBLISH_CONFIRM, -1, tag);
	message_unref(m);
}

static void send_durable(struct peer *p, uint64_t tag)
{
	send_to(p, "q", "x", tag);
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

/* Thousands that come and go behind a batch in flight, and of each round one that
 * stays, one transaction of two and one definition: memory holds what stays, and
 * it is stored in order. */
static void test_what_is_cancelled_goes(void **state)
{
	(void)state;
	struct rig r = {0};
	struct peer p, tx;
	char text[32];
	rig_open(&r, RIG_SQLITE);
	peer_open(&p, &r, SESSION_AMQP091);
	peer_open(&tx, &r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	peer_queue(&p, "keep", true);
	peer_consume(&p, "q", UINT32_MAX, true);
	held_begin(&r);
	send_to(&p, "keep", "first", 1);
	rig_turn(&r);
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < EACH; k++)
			send_durable(&p, 2);
		snprintf(text, sizeof(text), "kept %d", i);
		send_to(&p, "keep", text, 3);
		snprintf(text, sizeof(text), "queue %d", i);
		engine_queue_declare(r.engine, p.session, 4, &(struct queue_spec){.name = view_str(text), .durable = true});
		engine_tx_begin(r.engine, tx.session, 1);
		engine_tx_use(r.engine, tx.session, 1);
		send_to(&tx, "keep", "a", 0);
		send_to(&tx, "keep", "b", 0);
		engine_tx_commit(r.engine, tx.session, 5, 1);
		rig_turn(&r);
	}
	assert_true(r.engine->journal.building->batch.n < BATCH_MAX);
	assert_true(r.engine->counters.elided >= (ROUNDS - 1) * EACH);
	held_end(&r);
	peer_free(&p);
	peer_free(&tx);
	rig_restart(&r);
	peer_open(&p, &r, SESSION_AMQP091);
	assert_string_equal(peer_get(&p, "keep")->body, "first");
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(text, sizeof(text), "kept %d", i);
		assert_string_equal(peer_get(&p, "keep")->body, text);
		assert_string_equal(peer_get(&p, "keep")->body, "a");
		assert_string_equal(peer_get(&p, "keep")->body, "b");
		snprintf(text, sizeof(text), "queue %d", i);
		engine_queue_declare(r.engine, p.session, 6, &(struct queue_spec){.name = view_str(text), .passive = true});
		assert_int_equal(peer_next(&p)->code, CODE_OK);
	}
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_hurry_while_the_store_works),
		cmocka_unit_test(test_what_is_cancelled_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
