/* SPDX-License-Identifier: Apache-2.0 */
/* What queues do by themselves: messages expire, queues are cut, refuse, count
 * failures and expire, over every store, paged out or not, over restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "declare.h"
#include "rig/rig.h"
#include "unit/mapping/values.h"

#define DEAD FIELD("x-dead-letter-exchange", STR("")), FIELD("x-dead-letter-routing-key", STR("dead"))
static const struct table ttl = TABLE(DEAD, FIELD("x-message-ttl", INT_OF(VALUE_I32, 60000)));
static const struct table plain = TABLE(DEAD);
static const struct table two = TABLE(DEAD, FIELD("x-max-length", INT_OF(VALUE_I32, 2)));
static const struct table ten_bytes = TABLE(DEAD, FIELD("x-max-length-bytes", INT_OF(VALUE_I32, 10)));
static const struct table refuses = TABLE(DEAD, FIELD("x-max-length", INT_OF(VALUE_I32, 2)),
					  FIELD("x-overflow", STR("reject-publish-dlx")));
static const struct table expires = TABLE(FIELD("x-expires", INT_OF(VALUE_I32, 5000)));
static const struct table once = TABLE(DEAD, FIELD("x-queue-type", STR("quorum")),
				       FIELD("x-delivery-limit", INT_OF(VALUE_I32, 1)));

static void open_with(struct peer *p, struct rig *r, const struct table *arguments)
{
	peer_open(p, r, SESSION_AMQP091);
	declare_with(p, "q", arguments);
	peer_queue(p, "dead", true);
}

/* Numbers n … n + count - 1, every third one transient; confirmed together. */
static void send_numbers(struct peer *p, int n, int count)
{
	for (int i = n; i < n + count; i++) {
		char body[16];
		snprintf(body, sizeof(body), "%d", i);
		struct message *m = rig_message(p->rig, body, i % 3 != 0);
		engine_send(p->rig->engine, p->session, VIEW("q"), m, PUBLISH_CONFIRM, -1, ++p->cmd);
		message_unref(m);
	}
	for (int i = 0; i < count; i++)
		assert_int_equal(peer_next(p)->kind, EVENT_PUBLISHED);
}

static void send_ttl(struct peer *p, const char *body, int64_t ttl_ms)
{
	uint8_t id[16];
	rng_uuid(&p->rig->rng, id);
	struct message *m = message_new(&(struct message_spec){.durable = true, .id = id, .sent_ms = p->rig->now.wall_ms,
							       .has_ttl = true, .ttl_ms = ttl_ms},
					body_of(view_str(body)));
	engine_send(p->rig->engine, p->session, VIEW("q"), m, PUBLISH_CONFIRM, -1, ++p->cmd);
	message_unref(m);
}

/* All that is ready, taken out, is n, n + 1, … */
static void expect_numbers(struct peer *p, const char *queue, int n, int count)
{
	for (int i = n; i < n + count; i++) {
		struct seen *s = peer_get(p, queue);
		assert_int_equal(s->count, 1);
		assert_int_equal((int)strtol(s->body, NULL, 10), i);
		peer_settle(p, s->lease, OUTCOME_ACCEPT, false);
	}
	assert_int_equal(peer_get(p, queue)->count, 0);
}

static void again(struct peer *p, struct rig *r)
{
	peer_free(p);
	rig_restart(r);
	peer_open(p, r, SESSION_AMQP091);
}

/* ---- expiry ---- */

static void expires_in_order(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &ttl);
	send_numbers(&p, 0, 30);
	rig_wait(r, 50000);
	assert_int_equal(ready_in(r, "q"), 30);
	assert_true(engine_next_ms(r->engine) <= r->now.mono_ms + 10000);
	rig_wait(r, 10000);
	assert_int_equal(ready_in(r, "q"), 0);
	expect_numbers(&p, "dead", 0, 30);
	peer_close(&p, CLOSE_ORDERLY);
}

static void head_only(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &plain);
	peer_send(&p, "q", "stays", true);
	send_ttl(&p, "goes", 100);
	peer_next(&p);
	rig_wait(r, 200);
	assert_int_equal(ready_in(r, "q"), 2);
	struct seen *s = peer_get(&p, "q");
	assert_string_equal(s->body, "stays");
	uint64_t lease = s->lease;
	assert_int_equal(ready_in(r, "dead"), 1);
	rig_wait(r, 1000);
	peer_settle(&p, lease, OUTCOME_RELEASE, false);
	assert_int_equal(ready_in(r, "q"), 1); /* it has no deadline */
	peer_close(&p, CLOSE_ORDERLY);
}

static void never_while_leased(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &plain);
	send_ttl(&p, "m", 5000);
	peer_next(&p);
	struct seen *s = peer_get(&p, "q");
	uint64_t lease = s->lease;
	rig_wait(r, 6000);
	assert_int_equal(ready_in(r, "dead"), 0);
	peer_settle(&p, lease, OUTCOME_RELEASE, false);
	assert_int_equal(ready_in(r, "dead"), 1);
	assert_int_equal(ready_in(r, "q"), 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void zero_is_at_once(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &plain);
	send_ttl(&p, "lost", 0);
	assert_int_equal(ready_in(r, "dead"), 1);
	assert_int_equal(peer_next(&p)->kind, EVENT_PUBLISHED);
	peer_consume(&p, "q", 1, false);
	send_ttl(&p, "taken", 0);
	struct seen *s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_DELIVERED); /* before it is on disk */
	assert_string_equal(s->body, "taken");
	assert_int_equal(ready_in(r, "dead"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void over_a_restart(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &plain);
	send_ttl(&p, "m", 5000);
	peer_next(&p);
	peer_send(&p, "q", "stays", true);
	again(&p, r);
	assert_int_equal(ready_in(r, "dead"), 0);
	rig_wait(r, 5000);
	assert_int_equal(ready_in(r, "dead"), 1); /* though nobody asked */
	send_ttl(&p, "n", 100);
	peer_next(&p);
	peer_free(&p);
	rig_restart(r); /* a second passes */
	assert_int_equal(ready_in(r, "dead"), 1);
	assert_int_equal(ready_in(r, "q"), 2);
}

static void test_expiry(void **state)
{
	struct engine_options small = *codec_options();
	(void)state;
	small.window_entries = 4;
	small.load_entries = 3;
	rig_over(STORE_ORDER, codec_options(), expires_in_order);
	rig_over(STORE_ORDER, &small, expires_in_order);
	rig_over(STORE_ORDER, codec_options(), head_only);
	rig_over(STORE_ORDER, codec_options(), never_while_leased);
	rig_over(STORE_ORDER, codec_options(), zero_is_at_once);
	rig_over(STORE_SURVIVES, codec_options(), over_a_restart);
	rig_over(STORE_SURVIVES, &small, over_a_restart);
}

/* ---- length ---- */

static void cut_to_two(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &two);
	send_numbers(&p, 0, 20);
	assert_int_equal(ready_in(r, "q"), 2);
	expect_numbers(&p, "dead", 0, 18);
	struct seen *s = peer_get(&p, "q");
	uint64_t lease = s->lease;
	send_numbers(&p, 20, 1);
	assert_int_equal(ready_in(r, "q"), 2);
	peer_settle(&p, lease, OUTCOME_RELEASE, false); /* the oldest is the one too many */
	assert_int_equal(ready_in(r, "q"), 2);
	expect_numbers(&p, "dead", 18, 1);
	expect_numbers(&p, "q", 19, 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void cut_by_bytes(struct rig *r)
{
	struct peer p;
	open_with(&p, r, &ten_bytes);
	peer_send(&p, "q", "aaaa", true);
	peer_send(&p, "q", "bbbb", true);
	peer_send(&p, "q", "cc", true);
	assert_int_equal(ready_in(r, "q"), 3);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		again(&p, r);
		assert_int_equal(ready_in(r, "q"), 3);
	}
	peer_send(&p, "q", "d", true);
	assert_int_equal(ready_in(r, "q"), 3);
	assert_string_equal(peer_get(&p, "dead")->body, "aaaa");
	peer_close(&p, CLOSE_ORDERLY);
}

static void refuses_what_is_new(struct rig *r)
{
	static const enum published_how how[] = {PUBLISHED_STORED, PUBLISHED_STORED, PUBLISHED_REJECTED};
	struct peer p;
	open_with(&p, r, &refuses);
	for (int i = 0; i < 3; i++) {
		struct message *m = rig_message(r, i == 0 ? "0" : i == 1 ? "1" : "2", true);
		engine_send(r->engine, p.session, VIEW("q"), m, PUBLISH_CONFIRM, -1, ++p.cmd);
		message_unref(m);
	}
	for (int i = 0; i < 3; i++) {
		struct seen *s = peer_next(&p);
		int tag = (int)(s->tag - p.cmd + 2);
		assert_int_equal(s->how, how[tag]);
	}
	expect_numbers(&p, "dead", 2, 1);
	expect_numbers(&p, "q", 0, 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_length(void **state)
{
	struct engine_options small = *codec_options();
	(void)state;
	small.window_entries = 4;
	small.load_entries = 3;
	rig_over(STORE_ORDER, codec_options(), cut_to_two);
	rig_over(STORE_ORDER, &small, cut_to_two);
	rig_over(STORE_ORDER, codec_options(), cut_by_bytes);
	rig_over(STORE_ORDER, codec_options(), refuses_what_is_new);
}

/* ---- failures ---- */

static void fails_too_often(struct rig *r)
{
	struct peer p, other;
	open_with(&p, r, &once);
	peer_open(&other, r, SESSION_AMQP091);
	peer_send(&p, "q", "m", true);
	peer_settle(&p, peer_get(&p, "q")->lease, OUTCOME_RELEASE, false); /* no failure */
	peer_settle(&p, peer_get(&p, "q")->lease, OUTCOME_RELEASE, true);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&other);
		again(&p, r);
		peer_open(&other, r, SESSION_AMQP091);
	}
	struct seen *s = peer_get(&other, "q");
	assert_int_equal(s->failed, 1);
	peer_close(&other, CLOSE_ORDERLY); /* counts on a quorum queue */
	assert_int_equal(ready_in(r, "q"), 0);
	assert_int_equal(ready_in(r, "dead"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_failures(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, codec_options(), fails_too_often);
}

/* ---- unused queues ---- */

static bool there(struct rig *r)
{
	struct queue_stat st;
	return engine_queue_stat(r->engine, VIEW("/"), VIEW("q"), &st);
}

static void goes_unused(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	declare_with(&p, "q", &expires);
	rig_wait(r, 4000);
	assert_int_equal(peer_get(&p, "q")->count, 0); /* renews */
	rig_wait(r, 4000);
	assert_true(there(r));
	uint64_t consumer = peer_consume(&p, "q", 1, false);
	rig_wait(r, 20000);
	assert_true(there(r));
	engine_cancel(r->engine, p.session, ++p.cmd, consumer);
	peer_next(&p);
	rig_wait(r, 4000);
	peer_receive(&p, "q", 1, 6000, 1000); /* waits beyond it */
	rig_wait(r, 5500);
	assert_true(there(r));
	if (rig_has(r->kind, STORE_SURVIVES)) {
		again(&p, r);
		rig_wait(r, 4000);
		assert_true(there(r)); /* its time begins anew */
	}
	rig_wait(r, 12000);
	assert_false(there(r));
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_unused(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, codec_options(), goes_unused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_unused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
