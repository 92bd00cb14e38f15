/* SPDX-License-Identifier: Apache-2.0 */
/* Alternate exchanges (rabbitmq.md 2.16): entered when a topic itself leads nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "declare.h"
#include "rig/rig.h"

static void topic_with(struct peer *p, const char *name, enum topic_type type, const char *alternate)
{
	struct field f = {VIEW("alternate-exchange"), {.type = VALUE_STRING, .s = view_str(alternate)}};
	struct table t = {&f, 1};
	engine_topic_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct topic_spec){.name = view_str(name), .type = type, .durable = true, .arguments = &t});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

static void link_topics(struct peer *p, const char *from, const char *to, const char *key)
{
	engine_bind(p->rig->engine, p->session, ++p->cmd,
		    &(struct binding_spec){.source = view_str(from), .destination = view_str(to), .to_topic = true,
					   .key = view_str(key)});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

/* Mandatory and confirmed; whether it came back. */
static bool returned(struct peer *p, const char *topic, const char *key)
{
	uint8_t id[16];
	rng_uuid(&p->rig->rng, id);
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_AMQP091, .durable = true, .id = id,
							       .exchange = view_str(topic), .key = view_str(key)},
					body_of(VIEW("m")));
	engine_publish(p->rig->engine, p->session, view_str(topic), view_str(key), m,
		       PUBLISH_CONFIRM | PUBLISH_MANDATORY, ++p->cmd);
	message_unref(m);
	struct seen *s = peer_next(p);
	bool back = s->kind == EVENT_RETURNED;
	if (back)
		s = peer_next(p);
	assert_int_equal(s->kind, EVENT_PUBLISHED);
	assert_int_equal(s->how, PUBLISHED_STORED);
	return back;
}

static void again(struct rig *r, struct peer *p)
{
	peer_free(p);
	rig_restart(r);
	peer_open(p, r, SESSION_AMQP091);
}

/* t ─ k ─► q;  t ⇢ spare ⇢ last; what is bound counts, after a restart too. */
static void chain(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	topic_with(&p, "t", TOPIC_DIRECT, "spare");
	peer_queue(&p, "q", true);
	peer_queue(&p, "s", true);
	peer_queue(&p, "l", true);
	peer_bind(&p, "t", "q", "k");
	assert_true(returned(&p, "t", "other")); /* no such alternate yet */
	topic_with(&p, "spare", TOPIC_DIRECT, "last");
	topic_with(&p, "last", TOPIC_FANOUT, "t"); /* round and round */
	peer_bind(&p, "spare", "s", "other");
	peer_bind(&p, "last", "l", "");
	again(r, &p);
	assert_false(returned(&p, "t", "k"));
	assert_false(returned(&p, "t", "other"));
	assert_false(returned(&p, "t", "third"));
	assert_int_equal(ready_in(r, "q"), 1);
	assert_int_equal(ready_in(r, "s"), 1);
	assert_int_equal(ready_in(r, "l"), 1);
	engine_queue_delete(r->engine, p.session, ++p.cmd, VIEW("l"), false, false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_true(returned(&p, "t", "third")); /* the cycle ends */
	peer_close(&p, CLOSE_ORDERLY);
}

/* A binding that leads to a topic with nothing behind it is one that matched. */
static void empty_topic_counts(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	topic_with(&p, "t", TOPIC_DIRECT, "amq.fanout");
	peer_topic(&p, "empty", TOPIC_DIRECT);
	link_topics(&p, "t", "empty", "k");
	peer_queue(&p, "s", true);
	peer_bind(&p, "amq.fanout", "s", "");
	assert_true(returned(&p, "t", "k"));
	assert_false(returned(&p, "t", "other"));
	assert_int_equal(ready_in(r, "s"), 1);
	peer_close(&p, CLOSE_ORDERLY);
}

/* In the middle of a graph: the topic that matches nothing leads on, the queue is reached once. */
static void inner_topic(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_topic(&p, "first", TOPIC_FANOUT);
	topic_with(&p, "inner", TOPIC_DIRECT, "amq.fanout");
	link_topics(&p, "first", "inner", "");
	link_topics(&p, "first", "amq.fanout", "");
	peer_queue(&p, "s", true);
	peer_bind(&p, "amq.fanout", "s", "");
	assert_false(returned(&p, "first", "k"));
	assert_int_equal(ready_in(r, "s"), 1);
	topic_with(&p, "nowhere", TOPIC_DIRECT, ""); /* the default exchange has no bindings */
	assert_true(returned(&p, "nowhere", "s"));
	peer_close(&p, CLOSE_ORDERLY);
}

static void subscribe(struct peer *p, const char *policy)
{
	struct attribute v[] = {{VIEW("RawMessageDelivery"), VIEW("true")}, {VIEW("FilterPolicy"), view_str(policy)}};
	engine_subscribe(p->rig->engine, p->session, ++p->cmd,
			 &(struct subscription_spec){.topic = VIEW("t"), .queue = VIEW("q"), .topic_arn = VIEW("arn"),
						     .attributes = v, .n_attributes = 2});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

/* A subscription that takes the message is a way out of the topic; one whose policy
 * does not is none. */
static void subscriptions_count(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	topic_with(&p, "t", TOPIC_DIRECT, "amq.fanout");
	peer_queue(&p, "q", true);
	peer_queue(&p, "s", true);
	peer_bind(&p, "amq.fanout", "s", "");
	subscribe(&p, "{\"routing-key\":[\"mine\"]}");
	assert_false(returned(&p, "t", "mine"));
	assert_int_equal(ready_in(r, "q"), 1);
	assert_int_equal(ready_in(r, "s"), 0);
	assert_false(returned(&p, "t", "other"));
	assert_int_equal(ready_in(r, "q"), 1);
	assert_int_equal(ready_in(r, "s"), 1);
	struct topic_stat st;
	assert_true(engine_topic_stat(r->engine, VIEW("/"), VIEW("t"), &st));
	assert_int_equal(st.filtered, 1);
	assert_int_equal(st.unroutable, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_chain(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, NULL, chain);
}

static void test_empty_topic_counts(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, NULL, empty_topic_counts);
}

static void test_inner_topic(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, NULL, inner_topic);
}

static void test_subscriptions_count(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, codec_options(), subscriptions_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_empty_topic_counts),
		cmocka_unit_test(test_inner_topic),
		cmocka_unit_test(test_subscriptions_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
