/* SPDX-License-Identifier: Apache-2.0 */
/* A message for many queues goes on over turns (engine.md §8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rig/rig.h"

enum { WIDE = 40, AT_ONCE = 8, A_TURN = 4 };

static const char *name_of(int i)
{
	static char name[16];
	snprintf(name, sizeof(name), "q%d", i);
	return name;
}

static void options_wide(struct engine_options *o)
{
	engine_options_default(o);
	o->fanout_max = AT_ONCE;
	o->fanout_turn = A_TURN;
}

/* A fanout topic with WIDE queues, every other one durable. */
static void wide_open(struct rig *r, struct peer *p)
{
	peer_open(p, r, SESSION_AMQP091);
	peer_topic(p, "t", TOPIC_FANOUT);
	for (int i = 0; i < WIDE; i++) {
		peer_queue(p, name_of(i), i % 2);
		peer_bind(p, "t", name_of(i), "");
	}
}

static void publish(struct peer *p, const char *topic, const char *body, uint64_t tag)
{
	struct message *m = rig_message(p->rig, body, true);
	assert_true(engine_publish(p->rig->engine, p->session, view_str(topic), VIEW(""), m, PUBLISH_CONFIRM, tag));
	message_unref(m);
}

static uint64_t ready(struct rig *r, int i)
{
	struct queue_stat st;
	assert_true(engine_queue_stat(r->engine, VIEW("/"), view_str(name_of(i)), &st));
	return st.ready;
}

static uint64_t waiting(struct rig *r)
{
	struct engine_counters c;
	engine_counters(r->engine, &c);
	return c.fanouts;
}

static void body_is(struct peer *p, int queue, const char *body)
{
	struct seen *s = peer_get(p, name_of(queue));
	assert_int_equal(s->count, 1);
	assert_string_equal(s->body, body);
	peer_settle(p, s->lease, OUTCOME_ACCEPT, false);
}

static void published(struct peer *p, uint64_t tag)
{
	struct seen *s = peer_next(p);
	assert_int_equal(s->kind, EVENT_PUBLISHED);
	assert_int_equal(s->tag, tag);
	assert_int_equal(s->how, PUBLISHED_STORED);
}

/* Turn by turn, the confirm after the last queue; a narrow one behind it waits. */
static void goes_on_over_turns(struct rig *r)
{
	struct peer p, other;
	wide_open(r, &p);
	peer_open(&other, r, SESSION_AMQP091);
	publish(&p, "t", "first", 1);
	publish(&p, "t", "second", 2);
	assert_int_equal(waiting(r), 2);
	assert_int_equal(ready(r, 0), 0);
	for (int done = A_TURN; done < WIDE; done += A_TURN) {
		assert_int_equal(p.n - p.at, 0); /* not confirmed */
		rig_turn(r);
		uint64_t n = 0;
		for (int i = 0; i < WIDE; i++)
			n += ready(r, i);
		assert_int_equal(n, done);
	}
	publish(&other, "amq.fanout", "x", 9); /* another topic does not wait */
	published(&other, 9);
	published(&p, 1);
	published(&p, 2);
	assert_int_equal(waiting(r), 0);
	for (int i = 0; i < WIDE; i++) {
		body_is(&p, i, "first");
		body_is(&p, i, "second");
	}
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

/* What happens to queues, bindings and the topic meanwhile. */
static void world_changes_meanwhile(struct rig *r)
{
	struct peer p;
	wide_open(r, &p);
	publish(&p, "t", "m", 1);
	engine_unbind(r->engine, p.session, 100, &(struct binding_spec){
		.source = VIEW("t"), .destination = view_str(name_of(WIDE - 1)), .key = VIEW("")});
	engine_queue_delete(r->engine, p.session, 101, view_str(name_of(WIDE - 2)), false, false);
	engine_queue_declare(r->engine, p.session, 102, &(struct queue_spec){.name = view_str(name_of(WIDE - 2))});
	publish(&p, "t", "after", 2);
	engine_topic_delete(r->engine, p.session, 103, VIEW("t"), false);
	uint64_t tags[2] = {0};
	for (size_t i = 0, n = 0; i < 6; i++) {
		const struct seen *s = peer_next(&p);
		if (s->kind == EVENT_PUBLISHED)
			tags[n++] = s->tag;
		else
			assert_int_equal(s->code, CODE_OK);
	}
	assert_true(tags[0] == 1 && tags[1] == 2);
	assert_int_equal(waiting(r), 0);
	assert_int_equal(ready(r, WIDE - 1), 1); /* it was bound at the first publish */
	assert_int_equal(ready(r, WIDE - 2), 0); /* not the queue that it was */
	assert_int_equal(ready(r, 0), 2);
	peer_close(&p, CLOSE_ORDERLY);
}

/* A commit reaches all its queues at once, behind what was published before. */
static void commit_comes_behind(struct rig *r)
{
	struct peer p;
	wide_open(r, &p);
	publish(&p, "t", "first", 1);
	engine_tx_begin(r->engine, p.session, 7);
	engine_tx_use(r->engine, p.session, 7);
	struct message *m = rig_message(r, "second", true);
	engine_publish(r->engine, p.session, VIEW("t"), VIEW(""), m, 0, 0);
	message_unref(m);
	engine_tx_use(r->engine, p.session, 0);
	engine_tx_commit(r->engine, p.session, 50, 7);
	assert_int_equal(waiting(r), 0);
	assert_int_equal(peer_pending(&p), 2);
	p.at += 2;
	for (int i = 0; i < WIDE; i++) {
		body_is(&p, i, "first");
		body_is(&p, i, "second");
	}
	peer_close(&p, CLOSE_ORDERLY);
}

/* The publisher leaves, and the engine ends, in the middle. */
static void publisher_leaves(struct rig *r)
{
	struct peer p;
	wide_open(r, &p);
	publish(&p, "t", "m", 1);
	rig_turn(r);
	peer_close(&p, CLOSE_LOST);
	rig_settle(r);
	for (int i = 0; i < WIDE; i++)
		assert_int_equal(ready(r, i), 1);
}

/* Many of them shut the store gate, so that publishers wait. */
static void gate_shuts(struct rig *r)
{
	struct peer p;
	wide_open(r, &p);
	assert_false(engine_store_full(r->engine));
	for (uint64_t i = 1; i <= 100; i++)
		publish(&p, "t", "m", i);
	assert_true(engine_store_full(r->engine));
	rig_settle(r);
	assert_false(engine_store_full(r->engine));
	peer_close(&p, CLOSE_ORDERLY);
}

static void over(void (*body)(struct rig *r))
{
	struct engine_options o;
	options_wide(&o);
	rig_over(STORE_ORDER, &o, body);
}

static void test_goes_on_over_turns(void **state)
{
	(void)state;
	over(goes_on_over_turns);
}

static void test_world_changes_meanwhile(void **state)
{
	(void)state;
	over(world_changes_meanwhile);
}

static void test_commit_comes_behind(void **state)
{
	(void)state;
	over(commit_comes_behind);
}

static void test_publisher_leaves(void **state)
{
	(void)state;
	over(publisher_leaves);
}

static void test_gate_shuts(void **state)
{
	struct engine_options o;
	(void)state;
	options_wide(&o);
	o.store_high_bytes = 60000;
	o.store_low_bytes = 30000;
	rig_over(STORE_ORDER, &o, gate_shuts);
}

/* A power loss between the first queue and the last: never confirmed, never half a message. */
static void test_power_loss(void **state)
{
	struct rig r = {0};
	struct peer p;
	(void)state;
	options_wide(&r.options);
	rig_open(&r, RIG_CRASH);
	wide_open(&r, &p);
	publish(&p, "t", "m", 1);
	rig_turn(&r);
	rig_turn(&r);
	assert_int_equal(p.n - p.at, 0);
	peer_free(&p);
	rig_power_loss(&r);
	assert_int_equal(waiting(&r), 0);
	peer_open(&p, &r, SESSION_AMQP091);
	publish(&p, "t", "again", 2);
	published(&p, 2);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_over_turns), cmocka_unit_test(test_world_changes_meanwhile),
		cmocka_unit_test(test_commit_comes_behind), cmocka_unit_test(test_publisher_leaves),
		cmocka_unit_test(test_gate_shuts),          cmocka_unit_test(test_power_loss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
