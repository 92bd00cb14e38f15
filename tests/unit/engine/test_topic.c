/* SPDX-License-Identifier: Apache-2.0 */
/* A topic's two sides: what CreateTopic makes and a legacy declare fills, and the
 * other way round (DESIGN §5, sqs-sns.md §11); its attributes, wire name, counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "held.h"
#include "rig/rig.h"
#include "support/store_crash.h"

static struct seen *create(struct peer *p, const char *name, const char *attribute, const char *value)
{
	struct attribute a = {view_str(attribute), view_str(value)};
	engine_topic_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct topic_spec){.name = view_str(name), .side = SIDE_AWS,
						  .attributes = &a, .n_attributes = attribute ? 1 : 0});
	return peer_next(p);
}

static struct seen *declare(struct peer *p, const char *name, enum topic_type type, bool durable)
{
	engine_topic_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct topic_spec){.name = view_str(name), .type = type, .durable = durable});
	return peer_next(p);
}

static void publish(struct peer *p, const char *topic, const char *key)
{
	struct message *m = rig_message(p->rig, "m", true);
	engine_publish(p->rig->engine, p->session, view_str(topic), view_str(key), m, PUBLISH_CONFIRM, ++p->cmd);
	message_unref(m);
	assert_int_equal(peer_next(p)->how, PUBLISHED_STORED);
}

static uint64_t ready(struct rig *r, const char *queue)
{
	struct queue_stat st;
	rig_settle(r);
	assert_true(engine_queue_stat(r->engine, VIEW("/"), view_str(queue), &st));
	return st.ready;
}

static struct topic_stat stat(struct rig *r, const char *topic)
{
	struct topic_stat st;
	assert_true(engine_topic_stat(r->engine, VIEW("/"), view_str(topic), &st));
	return st;
}

static const char *attribute(struct rig *r, const char *topic, const char *name)
{
	static char text[64];
	struct view v;
	if (!engine_topic_attribute(r->engine, VIEW("/"), view_str(topic), view_str(name), &v))
		return "";
	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(v));
	return text;
}

static void again(struct rig *r, struct peer *p, enum session_kind kind)
{
	peer_free(p);
	rig_restart(r);
	peer_open(p, r, kind);
}

static void created(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	assert_true(create(&p, "t", "DisplayName", "a")->created);
	struct topic_stat st = stat(r, "t");
	assert_true(st.durable);
	assert_int_equal(st.type, TOPIC_FANOUT);
	assert_false(create(&p, "t", "DisplayName", "a")->created);
	assert_int_equal(create(&p, "t", NULL, NULL)->code, CODE_OK);
	assert_int_equal(create(&p, "t", "SignatureVersion", "1")->code, CODE_OK); /* the default */
	assert_int_equal(create(&p, "t", "DisplayName", "b")->code, CODE_DIFFERENT);
	assert_int_equal(create(&p, "t", "KmsMasterKeyId", "k")->code, CODE_DIFFERENT);
	assert_string_equal(attribute(r, "t", "DisplayName"), "a");
	assert_string_equal(attribute(r, "t", "KmsMasterKeyId"), "");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_created(void **state)
{
	(void)state;
	rig_over(0, NULL, created);
}

/* The first legacy declare says what it is; its bindings go on. */
static void legacy_fills(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	create(&p, "t", "DisplayName", "a");
	peer_queue(&p, "q", true);
	peer_bind(&p, "t", "q", "a.*");
	publish(&p, "t", "x");
	assert_int_equal(ready(r, "q"), 1);
	assert_int_equal(declare(&p, "t", TOPIC_TOPIC, false)->code, CODE_OK);
	publish(&p, "t", "x");
	assert_int_equal(ready(r, "q"), 1);
	publish(&p, "t", "a.b");
	assert_int_equal(ready(r, "q"), 2);
	assert_int_equal(declare(&p, "t", TOPIC_FANOUT, false)->code, CODE_DIFFERENT);
	assert_int_equal(declare(&p, "t", TOPIC_TOPIC, true)->code, CODE_DIFFERENT);
	assert_int_equal(create(&p, "t", "DisplayName", "a")->code, CODE_OK);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		again(r, &p, SESSION_AWS);
		assert_false(stat(r, "t").durable);
		assert_string_equal(attribute(r, "t", "DisplayName"), "a");
		assert_int_equal(declare(&p, "t", TOPIC_FANOUT, false)->code, CODE_DIFFERENT);
		publish(&p, "t", "x");
		assert_int_equal(ready(r, "q"), 2);
		publish(&p, "t", "a.c");
		assert_int_equal(ready(r, "q"), 3);
	}
	engine_unbind(r->engine, p.session, ++p.cmd,
		      &(struct binding_spec){.source = VIEW("t"), .destination = VIEW("q"), .key = VIEW("a.*")});
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(stat(r, "t").bindings, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_legacy_fills(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, legacy_fills);
}

/* What is wrong fills nothing. */
static void legacy_must_be_right(struct rig *r)
{
	struct peer p;
	struct field wrong = {VIEW("alternate-exchange"), {.type = VALUE_I32, .i = 1}};
	const struct table arguments = {&wrong, 1};
	peer_open(&p, r, SESSION_AMQP091);
	create(&p, "t", NULL, NULL);
	engine_topic_declare(r->engine, p.session, ++p.cmd,
			     &(struct topic_spec){.name = VIEW("t"), .type = TOPIC_DIRECT, .arguments = &arguments});
	assert_int_not_equal(peer_next(&p)->code, CODE_OK);
	assert_int_equal(stat(r, "t").type, TOPIC_FANOUT);
	assert_int_equal(declare(&p, "t", TOPIC_HEADERS, true)->code, CODE_OK);
	assert_int_equal(stat(r, "t").type, TOPIC_HEADERS);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_legacy_must_be_right(void **state)
{
	(void)state;
	rig_over(0, NULL, legacy_must_be_right);
}

/* An exchange's AWS side is open until the first CreateTopic. */
static void aws_fills(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_topic(&p, "t", TOPIC_DIRECT);
	struct seen *s = create(&p, "t", "DisplayName", "a");
	assert_int_equal(s->code, CODE_OK);
	assert_false(s->created);
	assert_int_equal(create(&p, "t", "DisplayName", "b")->code, CODE_DIFFERENT);
	assert_int_equal(create(&p, "amq.topic", "DisplayName", "p")->code, CODE_OK);
	assert_int_equal(peer_topic(&p, "t", TOPIC_DIRECT)->code, CODE_OK);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		again(r, &p, SESSION_AMQP091);
		assert_int_equal(create(&p, "t", "DisplayName", "b")->code, CODE_DIFFERENT);
		assert_int_equal(create(&p, "amq.topic", "DisplayName", "b")->code, CODE_DIFFERENT);
		assert_string_equal(attribute(r, "amq.topic", "DisplayName"), "p");
		assert_int_equal(stat(r, "t").type, TOPIC_DIRECT);
		assert_int_equal(stat(r, "amq.topic").type, TOPIC_TOPIC);
	}
	engine_topic_delete(r->engine, p.session, ++p.cmd, VIEW("amq.topic"), false);
	assert_int_equal(peer_next(&p)->code, CODE_REFUSED);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_aws_fills(void **state)
{
	(void)state;
	rig_over(0, NULL, aws_fills);
}

static struct seen *set(struct peer *p, const char *topic, const char *name, const char *value)
{
	struct attribute a = {view_str(name), view_str(value)};
	engine_topic_attributes_set(p->rig->engine, p->session, ++p->cmd, view_str(topic), &a, 1);
	return peer_next(p);
}

static void attributes(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AWS);
	assert_int_equal(set(&p, "t", "DisplayName", "a")->code, CODE_NOT_FOUND);
	create(&p, "t", "DisplayName", "a");
	assert_int_equal(set(&p, "t", "Policy", "{}")->code, CODE_OK);
	assert_int_equal(set(&p, "t", "DisplayName", "b")->code, CODE_OK);
	assert_string_equal(attribute(r, "t", "DisplayName"), "b");
	assert_int_equal(set(&p, "t", "DisplayName", "")->code, CODE_OK);
	assert_string_equal(attribute(r, "t", "DisplayName"), "");
	assert_int_equal(create(&p, "t", "DisplayName", "")->code, CODE_OK); /* empty is none */
	if (rig_has(r->kind, STORE_SURVIVES)) {
		again(r, &p, SESSION_AWS);
		assert_string_equal(attribute(r, "t", "DisplayName"), "");
		assert_string_equal(attribute(r, "t", "Policy"), "{}");
	}
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_attributes(void **state)
{
	(void)state;
	rig_over(0, NULL, attributes);
}

static void wire_names(struct rig *r)
{
	struct peer p;
	struct view name;
	peer_open(&p, r, SESSION_AMQP091);
	peer_topic(&p, "orders", TOPIC_DIRECT);
	assert_true(engine_topic_by_wire(r->engine, VIEW("/"), VIEW("orders"), &name));
	assert_true(view_is(name, "orders"));
	assert_false(engine_topic_by_wire(r->engine, VIEW("/"), VIEW("amq.topic"), &name));
	assert_false(engine_queue_by_wire(r->engine, VIEW("/"), VIEW("orders"), &name));
	engine_topic_delete(r->engine, p.session, ++p.cmd, VIEW("orders"), false);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	assert_false(engine_topic_by_wire(r->engine, VIEW("/"), VIEW("orders"), &name));
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_wire_names(void **state)
{
	(void)state;
	rig_over(0, NULL, wire_names);
}

static void counters(struct rig *r)
{
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_topic(&p, "t", TOPIC_DIRECT);
	peer_queue(&p, "q", true);
	peer_bind(&p, "t", "q", "k");
	publish(&p, "t", "k");
	publish(&p, "t", "k");
	publish(&p, "t", "other");
	struct topic_stat st = stat(r, "t");
	assert_int_equal(st.published, 3);
	assert_int_equal(st.unroutable, 1);
	assert_int_equal(st.filtered + st.dropped + st.subscriptions, 0);
	assert_int_equal(st.bindings, 1);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_counters(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, NULL, counters);
}

/* A CreateTopic that did not reach the disk made nothing, for who found it neither. */
static void test_failed_create(void **state)
{
	struct rig r = {0};
	struct peer first, second;
	struct topic_stat st;
	(void)state;
	rig_open(&r, RIG_CRASH);
	peer_open(&first, &r, SESSION_AWS);
	peer_open(&second, &r, SESSION_AWS);
	const struct topic_spec spec = {.name = VIEW("t"), .side = SIDE_AWS};
	store_crash_fault(r.crash, CRASH_EIO, 1, 1);
	held_begin(&r);
	engine_topic_declare(r.engine, first.session, 1, &spec);
	held_turns(&r);
	engine_topic_declare(r.engine, second.session, 2, &spec);
	held_turns(&r);
	held_end(&r);
	assert_int_equal(peer_next(&first)->code, CODE_UNAVAILABLE);
	assert_int_equal(peer_next(&second)->code, CODE_UNAVAILABLE);
	assert_false(engine_topic_stat(r.engine, VIEW("/"), VIEW("t"), &st));
	engine_topic_declare(r.engine, first.session, 3, &spec);
	assert_true(peer_next(&first)->created);
	peer_close(&second, CLOSE_ORDERLY);
	peer_close(&first, CLOSE_ORDERLY);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_created),
		cmocka_unit_test(test_legacy_fills),
		cmocka_unit_test(test_legacy_must_be_right),
		cmocka_unit_test(test_aws_fills),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_wire_names),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_failed_create),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
