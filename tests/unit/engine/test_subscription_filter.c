/* SPDX-License-Identifier: Apache-2.0 */
/* Filter policies of subscriptions: they decide at once, over restarts, beside
 * bindings, and for many queues over turns (DESIGN §6, sqs-sns.md §15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mapping/cross.h"
#include "mapping/sqs_attributes.h"
#include "rig/envelopes.h"
#include "rig/rig.h"

enum { WIDE = 40, AT_ONCE = 8, A_TURN = 4 };

static const struct codecs codecs = {{[RAW_SQS] = &sqs_header_codec}};
static struct rig_envelopes envelopes;
static struct engine_options options;

static void over(uint32_t caps, void (*body)(struct rig *r))
{
	rig_envelopes_init(&envelopes);
	engine_options_default(&options);
	options.envelopes = &envelopes.maker;
	options.codecs = &codecs;
	rig_over(caps, &options, body);
}

static struct seen *subscribe(struct peer *p, const char *topic, const char *queue, const char *policy,
			      const char *scope)
{
	struct attribute v[] = {{VIEW("RawMessageDelivery"), VIEW("true")},
				{VIEW("FilterPolicy"), view_str(policy)},
				{VIEW("FilterPolicyScope"), view_str(scope)}};
	engine_subscribe(p->rig->engine, p->session, ++p->cmd,
			 &(struct subscription_spec){.topic = view_str(topic), .queue = view_str(queue),
						     .topic_arn = VIEW("arn"), .attributes = v, .n_attributes = 3});
	return peer_next(p);
}

static struct seen *set(struct peer *p, const char *id, const char *name, const char *value)
{
	struct attribute a = {view_str(name), view_str(value)};
	engine_subscription_attributes_set(p->rig->engine, p->session, ++p->cmd, view_str(id), &a, 1);
	return peer_next(p);
}

/* An SQS message with one attribute. */
static void publish(struct peer *p, const char *topic, const char *name, const char *value, const char *body)
{
	struct rig *r = p->rig;
	const struct sqs_attributes at = {.v = {{view_str(name), VIEW("String"), view_str(value)}}, .n = 1};
	struct buf raw;
	uint8_t id[16];
	rng_uuid(&r->rng, id);
	buf_init(&raw, 4096);
	assert_true(sqs_attributes_encode(&at, &raw));
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_SQS, .durable = true, .id = id,
							       .sent_ms = r->now.wall_ms, .raw = buf_view(&raw)},
					body_of(view_str(body)));
	buf_fini(&raw);
	engine_publish(r->engine, p->session, view_str(topic), VIEW_NONE, m, PUBLISH_CONFIRM, ++p->cmd);
	message_unref(m);
	assert_int_equal(peer_next(p)->how, PUBLISHED_STORED);
}

/* How many it holds; they are taken out. */
static uint64_t drained(struct peer *p, const char *queue)
{
	for (uint64_t n = 0;; n++) {
		engine_get(p->rig->engine, p->session, ++p->cmd, view_str(queue), true);
		if (!peer_next(p)->count)
			return n;
	}
}

static struct topic_stat stat(struct rig *r, const char *topic)
{
	struct topic_stat st;
	assert_true(engine_topic_stat(r->engine, VIEW("/"), view_str(topic), &st));
	return st;
}

static void scene(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	peer_topic(p, "t", TOPIC_FANOUT);
	peer_queue(p, "a", true);
	peer_queue(p, "b", true);
}

static void at_once(struct rig *r)
{
	struct peer p;
	char id[64];
	scene(&p, r);
	snprintf(id, sizeof(id), "%.36s", subscribe(&p, "t", "a", "{\"k\":[\"v\"]}", "")->name);
	subscribe(&p, "t", "b", "{\"n\":[1]}", "MessageBody");
	publish(&p, "t", "k", "v", "{\"n\":1}");
	assert_int_equal(drained(&p, "a"), 1);
	assert_int_equal(drained(&p, "b"), 1);
	publish(&p, "t", "k", "w", "{\"n\":2}");
	assert_int_equal(drained(&p, "a") + drained(&p, "b"), 0);
	struct topic_stat st = stat(r, "t");
	assert_int_equal(st.filtered, 2);
	assert_int_equal(st.unroutable, 1);
	assert_int_equal(set(&p, id, "FilterPolicy", "{\"k\":[\"w\"]}")->code, CODE_OK);
	publish(&p, "t", "k", "v", "x");
	assert_int_equal(drained(&p, "a"), 0);
	publish(&p, "t", "k", "w", "x");
	assert_int_equal(drained(&p, "a"), 1);
	/* What cannot be read changes nothing. */
	assert_int_equal(set(&p, id, "FilterPolicy", "{\"k\":\"v\"}")->code, CODE_INVALID);
	publish(&p, "t", "k", "v", "x");
	assert_int_equal(drained(&p, "a"), 0);
	assert_int_equal(set(&p, id, "FilterPolicy", "")->code, CODE_OK);
	publish(&p, "t", "k", "v", "x");
	assert_int_equal(drained(&p, "a"), 1);
	assert_int_equal(subscribe(&p, "t", "c", "{\"k\":\"v\"}", "")->code, CODE_INVALID);
	assert_int_equal(stat(r, "t").subscriptions, 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_at_once(void **state)
{
	(void)state;
	over(STORE_ORDER, at_once);
}

/* A policy says nothing about what bindings bring. */
static void beside_bindings(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	subscribe(&p, "t", "a", "{\"k\":[\"v\"]}", "");
	peer_bind(&p, "t", "a", "");
	publish(&p, "t", "k", "w", "x");
	assert_int_equal(drained(&p, "a"), 1);
	publish(&p, "t", "k", "v", "x");
	assert_int_equal(drained(&p, "a"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_beside_bindings(void **state)
{
	(void)state;
	over(STORE_ORDER, beside_bindings);
}

static void stays(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	subscribe(&p, "t", "a", "{\"k\":[\"v\"]}", "");
	subscribe(&p, "t", "b", "{\"n\":[1]}", "MessageBody");
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AMQP091);
	publish(&p, "t", "k", "v", "{\"n\":2}");
	publish(&p, "t", "k", "w", "{\"n\":1}");
	publish(&p, "t", "k", "w", "{\"n\":1}");
	assert_int_equal(drained(&p, "a"), 1);
	assert_int_equal(drained(&p, "b"), 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_stays(void **state)
{
	(void)state;
	over(STORE_SURVIVES, stays);
}

/* ---- a policy that no longer parses ---- */

struct definition {
	struct buf key, value;
};

static void note_definition(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct definition *d = ctx;
	(void)version;
	buf_add(&d->key, key);
	buf_add(&d->value, value);
}

static void stored(struct store_batch *b, void *ctx)
{
	(void)b;
	*(bool *)ctx = true;
}

/* Behind the engine's back. */
static void definition_write(struct rig *r, const struct definition *d)
{
	bool done = false;
	struct store_op op = {.kind = OP_DEF_PUT, .group_end = true};
	struct store_batch batch = {.ops = &op, .n = 1, .done = stored, .ctx = &done};
	op.def.kind = VIEW("subscription");
	op.def.key = buf_view(&d->key);
	op.def.value = buf_view(&d->value);
	op.def.expected = DEF_ANY;
	r->store->ops->submit(r->store, &batch);
	while (!done)
		r->store->ops->poll(r->store);
	assert_int_equal(op.result, STORE_OK);
}

static void test_unreadable(void **state)
{
	struct rig r = {0};
	struct peer p;
	struct definition d;
	struct error e = {.code = CODE_OK};
	(void)state;
	rig_open(&r, RIG_MEMORY);
	scene(&p, &r);
	subscribe(&p, "t", "a", "{\"k\":[\"v\"]}", "");
	buf_init(&d.key, 4096);
	buf_init(&d.value, 4096);
	assert_true(r.store->ops->defs(r.store, VIEW("subscription"), note_definition, &d));
	uint8_t *at = memmem(d.value.p, d.value.n, "[\"v\"]", 5);
	assert_non_null(at);
	*at = '{';
	definition_write(&r, &d);
	peer_close(&p, CLOSE_ORDERLY);
	rig_settle(&r);
	engine_free(r.engine);
	assert_null(engine_new(&r.options, r.store, r.now, &e));
	assert_int_equal(e.code, CODE_INVALID);
	assert_non_null(strstr(e.text, "subscription"));
	assert_non_null(strstr(e.text, "'t'"));
	*at = '[';
	definition_write(&r, &d);
	r.engine = engine_new(&r.options, r.store, r.now, &e);
	assert_non_null(r.engine);
	buf_fini(&d.key);
	buf_fini(&d.value);
	rig_close(&r);
}

/* ---- many of them ---- */

static const char *name_of(int i)
{
	static char name[16];
	snprintf(name, sizeof(name), "q%d", i);
	return name;
}

static void wide_open(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	peer_topic(p, "t", TOPIC_FANOUT);
	for (int i = 0; i < WIDE; i++) {
		peer_queue(p, name_of(i), i % 2);
		engine_subscribe(r->engine, p->session, ++p->cmd,
				 &(struct subscription_spec){
					 .topic = VIEW("t"), .queue = view_str(name_of(i)), .topic_arn = VIEW("arn")});
		assert_int_equal(peer_next(p)->code, CODE_OK);
	}
}

static void publish_plain(struct peer *p, const char *body)
{
	struct message *m = rig_message(p->rig, body, true);
	engine_publish(p->rig->engine, p->session, VIEW("t"), VIEW_NONE, m, PUBLISH_CONFIRM, ++p->cmd);
	message_unref(m);
}

/* Envelopes for many queues are made turn by turn; what follows comes behind them. */
static void over_turns(struct rig *r)
{
	struct peer p;
	char text[32];
	wide_open(&p, r);
	uint32_t made = envelopes.made;
	publish_plain(&p, "1");
	publish_plain(&p, "2");
	assert_int_equal(envelopes.made, made);
	rig_turn(r);
	assert_in_range(envelopes.made, made + 1, made + A_TURN);
	assert_int_equal(peer_next(&p)->how, PUBLISHED_STORED);
	assert_int_equal(peer_next(&p)->how, PUBLISHED_STORED);
	assert_int_equal(envelopes.made, made + 2 * WIDE);
	assert_int_equal(envelopes.shared, envelopes.done);
	for (int i = 0; i < WIDE; i++)
		for (int k = 1; k <= 2; k++) {
			struct seen *s = peer_get(&p, name_of(i));
			snprintf(text, sizeof(text), "%d in %s", k, name_of(i));
			assert_string_equal(s->body, text);
			peer_settle(&p, s->lease, OUTCOME_ACCEPT, false);
		}
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_over_turns(void **state)
{
	(void)state;
	rig_envelopes_init(&envelopes);
	engine_options_default(&options);
	options.envelopes = &envelopes.maker;
	options.fanout_max = AT_ONCE;
	options.fanout_turn = A_TURN;
	rig_over(STORE_ORDER, &options, over_turns);
}

/* In the middle a copy fails, a subscription goes, the topic goes: answered, failed
 * in the first case, and nothing is left. */
static void over_turns_cut(struct rig *r)
{
	struct peer p;
	wide_open(&p, r);
	envelopes.fail = envelopes.made + WIDE / 2;
	publish_plain(&p, "1");
	assert_int_equal(peer_next(&p)->how, PUBLISHED_FAILED);
	envelopes.fail = 0;
	assert_int_equal(stat(r, "t").dropped, WIDE / 2 + 1);
	publish_plain(&p, "2");
	rig_turn(r);
	engine_topic_delete(r->engine, p.session, ++p.cmd, VIEW("t"), false);
	struct seen *s = peer_next(&p);
	if (s->kind == EVENT_PUBLISHED)
		s = peer_next(&p);
	assert_int_equal(s->kind, EVENT_DONE);
	rig_settle(r);
	assert_int_equal(envelopes.shared, envelopes.done);
	struct engine_counters c;
	engine_counters(r->engine, &c);
	assert_int_equal(c.fanouts, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_over_turns_cut(void **state)
{
	(void)state;
	rig_envelopes_init(&envelopes);
	engine_options_default(&options);
	options.envelopes = &envelopes.maker;
	options.fanout_max = AT_ONCE;
	options.fanout_turn = A_TURN;
	rig_over(STORE_ORDER, &options, over_turns_cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_beside_bindings),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_over_turns),
		cmocka_unit_test(test_over_turns_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
