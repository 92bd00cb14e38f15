/* SPDX-License-Identifier: Apache-2.0 */
/* Purges against what is on its way: pages, appends, the delayed lane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "held.h"
#include "rig/rig.h"
#include "support/store_crash.h"

enum { SMALL = 100 };

static struct engine_options small_window(void)
{
	struct engine_options o;
	engine_options_default(&o);
	o.window_entries = 10;
	o.load_entries = 5;
	return o;
}

static void send_unawaited(struct peer *p, const char *body, uint64_t tag)
{
	struct message *m = rig_message(p->rig, body, true);
	engine_send(p->rig->engine, p->session, VIEW("q"), m, PUBLISH_CONFIRM, -1, tag);
	message_unref(m);
}

static void fill(struct peer *p, int n)
{
	for (int i = 0; i < n; i++)
		peer_send(p, "q", "old", true);
}

/* A page that was asked for before the purge and comes after it brings nothing back. */
static void page_on_its_way(struct rig *r)
{
	struct peer p, other;
	peer_open(&p, r, SESSION_AMQP091);
	peer_open(&other, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	fill(&p, SMALL);
	peer_consume(&p, "q", 8, false); /* takes the window's head, a page is wanted */
	while (p.at < p.n)
		peer_settle(&p, p.v[p.at++].lease, OUTCOME_ACCEPT, false);
	rig_turn(r);
	held_begin(r);
	while (p.at < p.n)
		peer_settle(&p, p.v[p.at++].lease, OUTCOME_ACCEPT, false);
	held_turns(r);
	size_t held_n = p.n;
	engine_queue_purge(r->engine, other.session, 5, VIEW("q"), false);
	send_unawaited(&other, "new", 6);
	held_turns(r);
	held_end(r);
	for (size_t i = 0; i < p.n; i++) {
		if (i >= held_n)
			assert_string_equal(p.v[i].body, "new");
		if (i >= p.at)
			peer_settle(&p, p.v[i].lease, OUTCOME_ACCEPT, false);
	}
	rig_settle(r);
	struct queue_stat st;
	engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
	assert_int_equal(st.ready, 0);
	assert_int_equal(st.leased, 0);
	assert_int_equal(st.bytes, 0);
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_page_on_its_way(void **state)
{
	struct engine_options o = small_window();
	(void)state;
	rig_over(STORE_ORDER, &o, page_on_its_way);
}

/* Bytes are those of what is left. */
static void bytes_follow(struct rig *r)
{
	struct peer p;
	struct queue_stat st;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	struct message *m = rig_message(r, "late", true);
	engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, 60000, 1);
	peer_next(&p);
	fill(&p, SMALL);
	engine_queue_purge(r->engine, p.session, 5, VIEW("q"), false);
	assert_int_equal(peer_next(&p)->count, SMALL);
	engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
	assert_int_equal(st.bytes, message_cost(m));
	assert_int_equal(st.delayed, 1);
	rig_wait(r, 60000);
	assert_int_equal(peer_get(&p, "q")->count, 1);
	peer_settle(&p, p.v[p.at - 1].lease, OUTCOME_ACCEPT, false);
	peer_send(&p, "q", "late", true);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&p);
		rig_restart(r);
		peer_open(&p, r, SESSION_AMQP091);
	}
	engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
	assert_int_equal(st.bytes, message_cost(m)); /* the row on disk says the same */
	message_unref(m);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_bytes_follow(void **state)
{
	struct engine_options o = small_window();
	(void)state;
	rig_over(STORE_ORDER, &o, bytes_follow);
}

/* Appends that only the store would have had fail after their queue was purged. */
static void test_append_fails_after_purge(void **state)
{
	struct rig r = {.options = small_window()};
	struct peer p;
	(void)state;
	rig_open(&r, RIG_CRASH);
	peer_open(&p, &r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	fill(&p, 12);
	rig_settle(&r);
	held_begin(&r);
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	for (uint64_t i = 0; i < 5; i++)
		send_unawaited(&p, "x", 100 + i);
	held_turns(&r); /* they have failed, nobody knows */
	engine_queue_purge(r.engine, p.session, 5, VIEW("q"), false);
	held_pass(&r);
	held_end(&r);
	int failed = 0;
	for (; p.at < p.n; p.at++)
		failed += p.v[p.at].kind == EVENT_PUBLISHED && p.v[p.at].how == PUBLISHED_FAILED;
	assert_int_equal(failed, 5);
	assert_int_equal(peer_get(&p, "q")->count, 0);
	peer_send(&p, "q", "after", true);
	assert_string_equal(peer_get(&p, "q")->body, "after");
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* SQS's purge right after a start, while the delayed lane is still being read. */
static void delayed_lane_unread(struct rig *r)
{
	struct peer p;
	struct queue_stat st;
	peer_open(&p, r, SESSION_AWS);
	peer_queue(&p, "q", true);
	for (uint64_t i = 0; i < 20; i++) {
		struct message *m = rig_message(r, "late", true);
		engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, 60000, i);
		message_unref(m);
		peer_next(&p);
	}
	peer_free(&p);
	rig_restart_unsettled(r);
	peer_open(&p, r, SESSION_AWS);
	engine_queue_purge(r->engine, p.session, 5, VIEW("q"), true);
	assert_int_equal(peer_next(&p)->count, 20);
	engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
	assert_int_equal(st.delayed, 0);
	rig_wait(r, 61000);
	peer_receive(&p, "q", 1, 0, 1000);
	assert_int_equal(peer_next(&p)->count, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_delayed_lane_unread(void **state)
{
	struct engine_options o = small_window();
	(void)state;
	rig_over(STORE_SURVIVES | STORE_ORDER, &o, delayed_lane_unread);
}

/* The answer waits for the disk. */
static void answered_after_commit(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", true);
	fill(&p, 3);
	held_begin(r);
	engine_queue_purge(r->engine, p.session, 5, VIEW("q"), false);
	held_turns(r);
	assert_int_equal(p.n, p.at);
	held_end(r);
	assert_int_equal(peer_next(&p)->count, 3);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_answered_after_commit(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, answered_after_commit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_on_its_way),
		cmocka_unit_test(test_bytes_follow),
		cmocka_unit_test(test_append_fails_after_purge),
		cmocka_unit_test(test_delayed_lane_unread),
		cmocka_unit_test(test_answered_after_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
