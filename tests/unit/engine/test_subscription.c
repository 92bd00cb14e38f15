/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of SNS's own (DESIGN §6, sqs-sns.md §13): who gets a copy and in
 * which form, when several lead to one queue, in transactions, when the queue or
 * the envelope is missing, and that they stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "held.h"
#include "rig/envelopes.h"
#include "rig/rig.h"
#include "support/store_crash.h"

static struct rig_envelopes envelopes;
static struct engine_options options;

static void over(uint32_t caps, void (*body)(struct rig *r))
{
	rig_envelopes_init(&envelopes);
	engine_options_default(&options);
	options.envelopes = &envelopes.maker;
	rig_over(caps, &options, body);
}

static void again(struct rig *r, struct peer *p, enum session_kind kind)
{
	peer_free(p);
	rig_restart(r);
	peer_open(p, r, kind);
}

static void subscribe_ask(struct peer *p, const char *topic, const char *queue, const struct attribute *v, size_t n)
{
	engine_subscribe(p->rig->engine, p->session, ++p->cmd,
			 &(struct subscription_spec){.topic = view_str(topic), .queue = view_str(queue),
						     .topic_arn = VIEW("arn"), .attributes = v, .n_attributes = n});
}

static struct seen *subscribe(struct peer *p, const char *topic, const char *queue, const char *name, const char *value)
{
	struct attribute a = {view_str(name), view_str(value)};
	subscribe_ask(p, topic, queue, &a, name ? 1 : 0);
	return peer_next(p);
}

static struct seen *raw(struct peer *p, const char *topic, const char *queue)
{
	return subscribe(p, topic, queue, "RawMessageDelivery", "true");
}

static struct seen *set(struct peer *p, const char *id, const char *name, const char *value)
{
	struct attribute a = {view_str(name), view_str(value)};
	engine_subscription_attributes_set(p->rig->engine, p->session, ++p->cmd, view_str(id), &a, 1);
	return peer_next(p);
}

static void unsubscribe(struct peer *p, const char *id)
{
	engine_unsubscribe(p->rig->engine, p->session, ++p->cmd, view_str(id));
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

static struct seen *publish(struct peer *p, const char *topic, const char *body, unsigned flags)
{
	struct message *m = rig_message(p->rig, body, true);
	engine_publish(p->rig->engine, p->session, view_str(topic), VIEW("k"), m, PUBLISH_CONFIRM | flags, ++p->cmd);
	message_unref(m);
	return peer_next(p);
}

/* What the queue holds, one message after the other, is taken out. */
static void expect(struct peer *p, const char *queue, const char *const *bodies, size_t n)
{
	for (size_t i = 0; i <= n; i++) {
		engine_get(p->rig->engine, p->session, ++p->cmd, view_str(queue), true);
		struct seen *s = peer_next(p);
		assert_int_equal(s->count, i < n);
		if (i < n)
			assert_string_equal(s->body, bodies[i]);
	}
}

#define EXPECT(p, queue, ...) \
	expect(p, queue, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define EXPECT_NONE(p, queue) expect(p, queue, NULL, 0)

static struct topic_stat stat(struct rig *r, const char *topic)
{
	struct topic_stat st;
	assert_true(engine_topic_stat(r->engine, VIEW("/"), view_str(topic), &st));
	return st;
}

static void bind_topic(struct peer *p, const char *from, const char *to)
{
	engine_bind(p->rig->engine, p->session, ++p->cmd,
		    &(struct binding_spec){
			    .source = view_str(from), .destination = view_str(to), .to_topic = true});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

/* A topic and three queues; c is bound. */
static void scene(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	peer_topic(p, "t", TOPIC_FANOUT);
	peer_queue(p, "a", true);
	peer_queue(p, "b", true);
	peer_queue(p, "c", true);
	peer_bind(p, "t", "c", "");
}

static void forms(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	assert_int_equal(subscribe(&p, "t", "a", NULL, NULL)->code, CODE_OK);
	assert_int_equal(raw(&p, "t", "b")->code, CODE_OK);
	assert_int_equal(subscribe(&p, "t", "c", NULL, NULL)->code, CODE_OK); /* bound wins */
	uint32_t made = envelopes.made;
	assert_int_equal(publish(&p, "t", "1", 0)->how, PUBLISHED_STORED);
	assert_int_equal(envelopes.made, made + 1);
	assert_int_equal(envelopes.shared, envelopes.done);
	EXPECT(&p, "a", "1 in a");
	EXPECT(&p, "b", "1");
	EXPECT(&p, "c", "1");
	engine_unbind(r->engine, p.session, ++p.cmd,
		      &(struct binding_spec){.source = VIEW("t"), .destination = VIEW("c")});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(publish(&p, "t", "2", PUBLISH_MANDATORY)->kind, EVENT_PUBLISHED);
	EXPECT(&p, "c", "2 in c");
	assert_int_equal(stat(r, "t").subscriptions, 3);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_forms(void **state)
{
	(void)state;
	over(STORE_ORDER, forms);
}

/* The copies of one publish share its id, and are told apart as copies always are. */
static void ids(struct rig *r)
{
	struct peer p;
	uint8_t id[16], of_a[16];
	scene(&p, r);
	subscribe(&p, "t", "a", NULL, NULL);
	struct message *m = rig_message(r, "m", true);
	memcpy(id, m->id, sizeof(id));
	engine_publish(r->engine, p.session, VIEW("t"), VIEW(""), m, PUBLISH_CONFIRM, ++p.cmd);
	message_unref(m);
	assert_int_equal(peer_next(&p)->how, PUBLISHED_STORED);
	memcpy(of_a, peer_get(&p, "a")->id, sizeof(of_a));
	const uint8_t *of_c = peer_get(&p, "c")->id;
	assert_memory_equal(of_a, id, 12);
	assert_memory_equal(of_c, id, 12);
	assert_memory_not_equal(of_a, of_c, 16);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_ids(void **state)
{
	(void)state;
	over(STORE_ORDER, ids);
}

static void same_again(struct rig *r)
{
	struct peer p;
	char id[64];
	scene(&p, r);
	struct seen *s = raw(&p, "t", "a");
	assert_true(s->created);
	assert_int_equal(strlen(s->name), 36);
	snprintf(id, sizeof(id), "%.36s", s->name);
	s = raw(&p, "t", "a");
	assert_int_equal(s->code, CODE_OK);
	assert_false(s->created);
	assert_string_equal(s->name, id);
	assert_int_equal(subscribe(&p, "t", "a", NULL, NULL)->code, CODE_OK);
	assert_int_equal(subscribe(&p, "t", "a", "RawMessageDelivery", "false")->code, CODE_DIFFERENT);
	assert_int_equal(subscribe(&p, "none", "a", NULL, NULL)->code, CODE_NOT_FOUND);
	assert_string_not_equal(subscribe(&p, "t", "b", "RawMessageDelivery", "false")->name, id);
	assert_int_equal(subscribe(&p, "t", "b", NULL, NULL)->code, CODE_OK);
	unsubscribe(&p, id);
	unsubscribe(&p, id);
	assert_int_equal(set(&p, id, "RawMessageDelivery", "true")->code, CODE_NOT_FOUND);
	s = raw(&p, "t", "a");
	assert_true(s->created);
	assert_string_not_equal(s->name, id);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_same_again(void **state)
{
	(void)state;
	over(0, same_again);
}

static void attributes_take_effect(struct rig *r)
{
	struct peer p;
	char id[64];
	scene(&p, r);
	snprintf(id, sizeof(id), "%.36s", subscribe(&p, "t", "a", NULL, NULL)->name);
	publish(&p, "t", "1", 0);
	assert_int_equal(set(&p, id, "RawMessageDelivery", "true")->code, CODE_OK);
	publish(&p, "t", "2", 0);
	assert_int_equal(set(&p, id, "RawMessageDelivery", "")->code, CODE_OK);
	publish(&p, "t", "3", 0);
	/* What cannot be understood changes nothing. */
	assert_int_equal(set(&p, id, "RedrivePolicy", "{}")->code, CODE_INVALID);
	publish(&p, "t", "4", 0);
	EXPECT(&p, "a", "1 in a", "2", "3 in a", "4 in a");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_attributes_take_effect(void **state)
{
	(void)state;
	over(STORE_ORDER, attributes_take_effect);
}

/* t leads to u and to itself; the subscriptions of both count, each queue once. */
static void through_topics(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	peer_topic(&p, "u", TOPIC_FANOUT);
	bind_topic(&p, "t", "u");
	bind_topic(&p, "u", "t");
	raw(&p, "t", "a");
	subscribe(&p, "u", "a", NULL, NULL);
	subscribe(&p, "u", "b", NULL, NULL);
	subscribe(&p, "t", "c", NULL, NULL);
	/* Subscribed to u, where the publish begins, bound to t: raw. */
	publish(&p, "u", "1", 0);
	EXPECT(&p, "c", "1");
	EXPECT(&p, "b", "1 in b");
	assert_int_equal(peer_get(&p, "a")->count, 1);
	publish(&p, "t", "2", 0);
	EXPECT(&p, "a", "2");
	EXPECT(&p, "b", "2 in b");
	EXPECT(&p, "c", "2");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_through_topics(void **state)
{
	(void)state;
	over(STORE_ORDER, through_topics);
}

static void missing_queue(struct rig *r)
{
	struct peer p;
	static const char dead[] = "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:b\"}";
	char id[64];
	peer_open(&p, r, SESSION_AMQP091);
	peer_topic(&p, "t", TOPIC_FANOUT);
	snprintf(id, sizeof(id), "%.36s", raw(&p, "t", "a")->name); /* there is none yet */
	struct seen *s = publish(&p, "t", "1", PUBLISH_MANDATORY);
	assert_int_equal(s->kind, EVENT_RETURNED);
	assert_int_equal(peer_next(&p)->how, PUBLISHED_STORED);
	struct topic_stat st = stat(r, "t");
	assert_int_equal(st.dropped, 1);
	assert_int_equal(st.unroutable, 1);
	peer_queue(&p, "a", true);
	publish(&p, "t", "2", 0);
	EXPECT(&p, "a", "2");
	engine_queue_delete(r->engine, p.session, ++p.cmd, VIEW("a"), false, false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(stat(r, "t").subscriptions, 1);
	assert_int_equal(set(&p, id, "RedrivePolicy", dead)->code, CODE_OK);
	publish(&p, "t", "3", 0); /* b is missing too */
	assert_int_equal(stat(r, "t").dropped, 2);
	peer_queue(&p, "b", true);
	publish(&p, "t", "4", 0);
	EXPECT(&p, "b", "4");
	peer_queue(&p, "a", true);
	publish(&p, "t", "5", 0);
	EXPECT(&p, "a", "5");
	EXPECT_NONE(&p, "b");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_missing_queue(void **state)
{
	(void)state;
	over(STORE_ORDER, missing_queue);
}

static void topic_goes(struct rig *r)
{
	struct peer p;
	char id[64];
	scene(&p, r);
	snprintf(id, sizeof(id), "%.36s", raw(&p, "t", "a")->name);
	engine_topic_delete(r->engine, p.session, ++p.cmd, VIEW("t"), true);
	assert_int_equal(peer_next(&p)->code, CODE_IN_USE);
	engine_topic_delete(r->engine, p.session, ++p.cmd, VIEW("t"), false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(set(&p, id, "RawMessageDelivery", "true")->code, CODE_NOT_FOUND);
	if (rig_has(r->kind, STORE_SURVIVES))
		again(r, &p, SESSION_AMQP091);
	peer_topic(&p, "t", TOPIC_FANOUT);
	assert_int_equal(stat(r, "t").subscriptions, 0);
	publish(&p, "t", "1", 0);
	EXPECT_NONE(&p, "a");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_topic_goes(void **state)
{
	(void)state;
	over(STORE_ORDER, topic_goes);
}

/* It goes with the last of its bindings and subscriptions, not before. */
static void auto_delete(struct rig *r)
{
	struct peer p;
	struct topic_stat st;
	char id[64];
	peer_open(&p, r, SESSION_AMQP091);
	engine_topic_declare(r->engine, p.session, ++p.cmd,
			     &(struct topic_spec){.name = VIEW("t"), .type = TOPIC_FANOUT, .auto_delete = true});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	peer_queue(&p, "q", false);
	peer_bind(&p, "t", "q", "");
	snprintf(id, sizeof(id), "%.36s", raw(&p, "t", "other")->name);
	engine_queue_delete(r->engine, p.session, ++p.cmd, VIEW("q"), false, false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(stat(r, "t").subscriptions, 1);
	unsubscribe(&p, id);
	assert_false(engine_topic_stat(r->engine, VIEW("/"), VIEW("t"), &st));
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_auto_delete(void **state)
{
	(void)state;
	over(0, auto_delete);
}

static struct seen *commit(struct peer *p, const char *topic, const char *const *bodies, size_t n)
{
	struct rig *r = p->rig;
	for (size_t i = 0; i < n; i++) {
		struct message *m = rig_message(r, bodies[i], true);
		engine_publish(r->engine, p->session, view_str(topic), VIEW("k"), m, 0, 0);
		message_unref(m);
	}
	engine_tx_commit(r->engine, p->session, ++p->cmd, 1);
	return peer_next(p);
}

static void transactions(struct rig *r)
{
	struct peer p, tx;
	scene(&p, r);
	peer_open(&tx, r, SESSION_AMQP091);
	subscribe(&p, "t", "a", NULL, NULL);
	raw(&p, "t", "b");
	engine_tx_begin(r->engine, tx.session, 1);
	engine_tx_use(r->engine, tx.session, 1);
	assert_int_equal(commit(&tx, "t", (const char *[]){"1", "2"}, 2)->code, CODE_OK);
	EXPECT(&p, "a", "1 in a", "2 in a");
	EXPECT(&p, "b", "1", "2");
	EXPECT(&p, "c", "1", "2");
	peer_close(&tx, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_transactions(void **state)
{
	(void)state;
	over(STORE_ORDER, transactions);
}

/* No memory for one copy: the publish, or the transaction, did not happen at all. */
static void envelope_fails(struct rig *r)
{
	struct peer p, tx;
	scene(&p, r);
	peer_open(&tx, r, SESSION_AMQP091);
	subscribe(&p, "t", "a", NULL, NULL);
	subscribe(&p, "t", "b", NULL, NULL);
	envelopes.fail = envelopes.made + 2;
	struct seen *s = publish(&p, "t", "1", 0);
	assert_int_equal(s->how, PUBLISHED_FAILED);
	assert_int_equal(s->code, CODE_UNAVAILABLE);
	peer_send(&p, "c", "held", true);
	uint64_t lease = peer_get(&tx, "c")->lease;
	engine_tx_begin(r->engine, tx.session, 1);
	engine_tx_use(r->engine, tx.session, 1);
	envelopes.fail = envelopes.made + 4;
	peer_settle(&tx, lease, OUTCOME_ACCEPT, false);
	assert_int_equal(commit(&tx, "t", (const char *[]){"2", "3"}, 2)->code, CODE_UNAVAILABLE);
	envelopes.fail = 0;
	EXPECT_NONE(&p, "a");
	EXPECT_NONE(&p, "b");
	EXPECT_NONE(&p, "c");
	peer_settle(&tx, lease, OUTCOME_RELEASE, false); /* still its own */
	assert_int_equal(commit(&tx, "t", (const char *[]){"4"}, 1)->code, CODE_OK);
	assert_int_equal(envelopes.shared, envelopes.done);
	EXPECT(&p, "a", "4 in a");
	EXPECT(&p, "c", "held", "4");
	peer_close(&tx, CLOSE_ORDERLY);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		again(r, &p, SESSION_AMQP091);
		EXPECT_NONE(&p, "a");
		EXPECT(&p, "b", "4 in b");
	}
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_envelope_fails(void **state)
{
	(void)state;
	over(STORE_ORDER, envelope_fails);
}

static void stays(struct rig *r)
{
	struct peer p;
	char kept[64], gone[64];
	struct seen *s;
	scene(&p, r);
	engine_topic_declare(r->engine, p.session, ++p.cmd,
			     &(struct topic_spec){.name = VIEW("fleeting"), .type = TOPIC_FANOUT});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	snprintf(kept, sizeof(kept), "%.36s", raw(&p, "t", "a")->name);
	snprintf(gone, sizeof(gone), "%.36s", raw(&p, "t", "b")->name);
	raw(&p, "amq.topic", "b");
	raw(&p, "fleeting", "b");
	set(&p, kept, "RawMessageDelivery", "false");
	unsubscribe(&p, gone);
	again(r, &p, SESSION_AMQP091);
	assert_int_equal(stat(r, "t").subscriptions, 1);
	assert_string_equal(subscribe(&p, "t", "a", NULL, NULL)->name, kept);
	s = subscribe(&p, "t", "b", NULL, NULL);
	assert_true(s->created);
	assert_string_not_equal(s->name, kept); /* from the same seed */
	publish(&p, "t", "1", 0);
	EXPECT(&p, "a", "1 in a");
	publish(&p, "amq.topic", "2", 0);
	EXPECT(&p, "b", "1 in b", "2");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_stays(void **state)
{
	(void)state;
	over(STORE_SURVIVES, stays);
}

/* What was answered is there after a power loss; what was not may be or not. */
static void test_power_loss(void **state)
{
	struct rig r = {0};
	struct peer p;
	char id[64];
	(void)state;
	rig_envelopes_init(&envelopes);
	engine_options_default(&r.options);
	r.options.envelopes = &envelopes.maker;
	rig_open(&r, RIG_CRASH);
	scene(&p, &r);
	snprintf(id, sizeof(id), "%.36s", raw(&p, "t", "a")->name);
	subscribe_ask(&p, "t", "b", NULL, 0);
	engine_run(r.engine, r.now);
	peer_free(&p);
	rig_power_loss(&r);
	peer_open(&p, &r, SESSION_AMQP091);
	assert_string_equal(raw(&p, "t", "a")->name, id);
	assert_true(subscribe(&p, "t", "b", NULL, NULL)->created);
	publish(&p, "t", "1", 0);
	EXPECT(&p, "a", "1");
	EXPECT(&p, "b", "1 in b");
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

/* One that did not reach the disk is none, for who found it neither. */
static void test_failed_subscribe(void **state)
{
	struct rig r = {0};
	struct peer p, other;
	(void)state;
	rig_open(&r, RIG_CRASH);
	scene(&p, &r);
	peer_open(&other, &r, SESSION_AMQP091);
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	held_begin(&r);
	subscribe_ask(&p, "t", "a", NULL, 0);
	held_turns(&r);
	subscribe_ask(&other, "t", "a", NULL, 0);
	held_turns(&r);
	held_end(&r);
	assert_int_equal(peer_next(&p)->code, CODE_UNAVAILABLE);
	assert_int_equal(peer_next(&other)->code, CODE_UNAVAILABLE);
	assert_int_equal(stat(&r, "t").subscriptions, 0);
	assert_true(subscribe(&p, "t", "a", NULL, NULL)->created);
	peer_close(&other, CLOSE_ORDERLY);
	peer_close(&p, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_attributes_take_effect),
		cmocka_unit_test(test_through_topics),
		cmocka_unit_test(test_missing_queue),
		cmocka_unit_test(test_topic_goes),
		cmocka_unit_test(test_auto_delete),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_envelope_fails),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_failed_subscribe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
