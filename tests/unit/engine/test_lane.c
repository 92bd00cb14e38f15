/* SPDX-License-Identifier: Apache-2.0 */
/* The window of a lane, its pages, and a store that cannot be read for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "held.h"
#include "rig/rig.h"
#include "support/store_crash.h"

enum { KIB = 1024 };

/* Large messages count by their bytes, also when pages are read behind a slow consumer. */
static void bytes_bound_the_window(struct rig *r)
{
	struct peer p;
	struct engine_counters c;
	char *body = calloc(1, 10 * KIB + 1);
	memset(body, 'x', 10 * KIB);
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	for (int i = 0; i < 200; i++)
		peer_send(&p, "q", body, true);
	free(body);
	peer_consume(&p, "q", 1, false);
	for (int i = 0; i < 100; i++) {
		peer_settle(&p, peer_next(&p)->lease, OUTCOME_ACCEPT, false);
		engine_counters(r->engine, &c);
		assert_true(c.entries <= 16); /* the window and a page */
	}
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_bytes_bound_the_window(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.window_bytes = 100 * KIB;
	o.load_bytes = 40 * KIB;
	rig_over(STORE_ORDER, &o, bytes_bound_the_window);
}

static void paged_queue(struct rig *r, struct peer *p, enum rig_store kind)
{
	memset(r, 0, sizeof(*r));
	engine_options_default(&r->options);
	r->options.window_entries = 4;
	r->options.load_entries = 2;
	rig_open(r, kind);
	peer_open(p, r, SESSION_AMQP091);
	peer_queue(p, "q", true);
	for (int i = 0; i < 20; i++)
		peer_send(p, "q", "m", true);
	peer_consume(p, "q", 4, false);
	rig_settle(r);
}

/* Removals wait to be tried again, so no page can be asked for: a get in that
 * moment is answered later, but it is. */
static void test_page_while_the_store_fails(void **state)
{
	struct rig r;
	struct peer p, other;
	(void)state;
	paged_queue(&r, &p, RIG_CRASH);
	peer_open(&other, &r, SESSION_AMQP091);
	store_crash_fault(r.crash, CRASH_EIO, 1, 3);
	for (int i = 0; i < 4; i++)
		peer_settle(&p, p.v[p.at++].lease, OUTCOME_ACCEPT, false);
	for (int i = 0; i < 3; i++)
		rig_turn(&r);
	engine_get(r.engine, other.session, 9, VIEW("q"), false);
	rig_wait(&r, 1000);
	assert_int_equal(peer_next(&other)->count, 1);
	int got = 0;
	for (; peer_pending(&p); got++)
		peer_settle(&p, peer_next(&p)->lease, OUTCOME_ACCEPT, false);
	assert_int_equal(got, 15);
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* A receipt whose message only the store has: no success while the store cannot
 * be asked. */
static void test_receipt_while_the_store_fails(void **state)
{
	struct rig r;
	struct peer p, aws;
	struct receipt receipt = {0};
	(void)state;
	memset(&r, 0, sizeof(r));
	rig_open(&r, RIG_CRASH);
	peer_open(&aws, &r, SESSION_AWS);
	peer_queue(&aws, "q", true);
	for (int i = 0; i < 4; i++)
		peer_send(&aws, "q", "m", true);
	peer_receive(&aws, "q", 1, 0, 1000);
	receipt = peer_next(&aws)->receipt;
	peer_free(&aws);
	rig_restart(&r); /* all of it is in the store only */
	peer_open(&aws, &r, SESSION_AWS);
	peer_open(&p, &r, SESSION_AMQP091);
	peer_queue(&p, "other", true);
	peer_send(&p, "other", "m", true);
	struct seen *s = peer_get(&p, "other");
	peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	rig_turn(&r);
	rig_turn(&r); /* the removal waits for its second try */
	engine_settle_ref(r.engine, aws.session, 1, VIEW("q"), &receipt, &(struct outcome){.kind = OUTCOME_ACCEPT});
	bool deleted = peer_next(&aws)->code == CODE_OK;
	rig_wait(&r, 1000);
	peer_receive(&aws, "q", 10, 0, 1000);
	assert_int_equal(peer_next(&aws)->count, deleted ? 3 : 4);
	peer_close(&aws, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* Delayed messages that came due while older ones were still in the store only
 * are in the pages too: they are neither counted nor handed out twice. */
static void due_behind_pages(struct rig *r)
{
	enum { N = 12, LATE = 8 };
	struct peer p;
	struct queue_stat st;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	for (int i = 0; i < N; i++)
		peer_send(&p, "q", "m", true);
	for (uint64_t i = 0; i < LATE; i++) {
		struct message *m = rig_message(r, "late", true);
		engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, 10, i);
		message_unref(m);
		peer_next(&p);
	}
	rig_wait(r, 20);
	engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
	assert_int_equal(st.ready, N + LATE);
	peer_consume(&p, "q", 1, false);
	for (int i = 0; i < N + LATE; i++) {
		engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
		assert_int_equal(st.ready + st.leased, N + LATE - i);
		struct seen *s = peer_next(&p);
		assert_string_equal(s->body, i < N ? "m" : "late");
		peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
		rig_settle(r);
	}
	assert_int_equal(peer_pending(&p), 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_due_behind_pages(void **state)
{
	struct engine_options o;
	(void)state;
	engine_options_default(&o);
	o.window_entries = 4;
	o.load_entries = 3;
	rig_over(STORE_ORDER, &o, due_behind_pages);
}

/* The last message that only the store had goes by its receipt: transient ones
 * that waited behind it are next. */
static void gap_closed_by_receipt(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	peer_send(&p, "q", "stored", true);
	peer_receive(&p, "q", 1, 0, 1000);
	struct receipt receipt = peer_next(&p)->receipt;
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AWS);
	peer_send(&p, "q", "transient", false);
	engine_settle_ref(r->engine, p.session, 1, VIEW("q"), &receipt, &(struct outcome){.kind = OUTCOME_ACCEPT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_string_equal(peer_get(&p, "q")->body, "transient");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_gap_closed_by_receipt(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES | STORE_ORDER, NULL, gap_closed_by_receipt);
}

/* ... or it was never stored: its append failed. */
static void test_gap_closed_by_failure(void **state)
{
	struct rig r;
	struct peer p, other;
	(void)state;
	paged_queue(&r, &p, RIG_CRASH);
	peer_open(&other, &r, SESSION_AMQP091);
	engine_queue_purge(r.engine, other.session, 1, VIEW("q"), false);
	assert_int_equal(peer_next(&other)->code, CODE_OK);
	for (int i = 0; i < 4; i++)
		peer_send(&other, "q", "resident", true);
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	for (uint64_t i = 0; i < 2; i++) {
		struct message *m = rig_message(&r, i ? "transient" : "fails", !i);
		engine_send(r.engine, other.session, VIEW("q"), m, PUBLISH_CONFIRM, -1, 100 + i);
		message_unref(m);
	}
	rig_settle(&r);
	other.at = other.n;
	for (int i = 0; i < 4; i++)
		assert_string_equal(peer_get(&other, "q")->body, "resident");
	assert_string_equal(peer_get(&other, "q")->body, "transient");
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_bound_the_window),
		cmocka_unit_test(test_page_while_the_store_fails),
		cmocka_unit_test(test_receipt_while_the_store_fails),
		cmocka_unit_test(test_due_behind_pages),
		cmocka_unit_test(test_gap_closed_by_receipt),
		cmocka_unit_test(test_gap_closed_by_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
