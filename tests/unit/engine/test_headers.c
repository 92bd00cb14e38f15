/* SPDX-License-Identifier: Apache-2.0 */
/* Headers topics in the engine: what a message says by its codec, x-match at bind,
 * bindings that differ in their arguments alone (rabbitmq.md 2.1, 2.11, 2.15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "mapping/cross.h"
#include "rig/rig.h"
#include "unit/mapping/values.h"

static const struct codecs codecs = {{[RAW_SQS] = &sqs_header_codec}};
static struct engine_options options;

static struct seen *bind(struct peer *p, const char *from, const char *to, const struct table *arguments, bool to_topic)
{
	engine_bind(p->rig->engine, p->session, ++p->cmd,
		    &(struct binding_spec){.source = view_str(from), .destination = view_str(to), .to_topic = to_topic,
					   .arguments = arguments});
	return peer_next(p);
}

static void unbind(struct peer *p, const char *from, const char *to, const struct table *arguments)
{
	engine_unbind(p->rig->engine, p->session, ++p->cmd,
		      &(struct binding_spec){
			      .source = view_str(from), .destination = view_str(to), .arguments = arguments});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

/* A message of a kind with these bytes as its header; how many reached `queue`. */
static uint64_t reached(struct peer *p, const char *topic, enum raw_kind kind, struct view raw, const char *queue)
{
	struct rig *r = p->rig;
	static const uint8_t id[16] = {1};
	struct message *m = message_new(
		&(struct message_spec){.raw_kind = kind, .id = id, .sent_ms = r->now.wall_ms, .raw = raw},
		body_of(VIEW("m")));
	assert_non_null(m);
	engine_publish(r->engine, p->session, view_str(topic), VIEW("key"), m, PUBLISH_CONFIRM, ++p->cmd);
	message_unref(m);
	assert_int_equal(peer_next(p)->kind, EVENT_PUBLISHED);
	uint64_t n = 0;
	for (;;) {
		engine_get(r->engine, p->session, ++p->cmd, view_str(queue), true);
		if (!peer_next(p)->count)
			return n;
		n++;
	}
}

static struct view raw_of(struct sqs_attribute attribute, struct buf *raw)
{
	const struct sqs_attributes at = {.v = {attribute}, .n = 1};
	buf_clear(raw);
	assert_true(sqs_attributes_encode(&at, raw));
	return buf_view(raw);
}

static void routes(struct rig *r)
{
	struct peer p;
	struct buf raw;
	const struct table pages = TABLE(FIELD("pages", INT_OF(VALUE_I8, 12)));
	const struct table none = {NULL, 0};
	peer_open(&p, r, SESSION_AMQP091);
	buf_init(&raw, 4096);
	peer_queue(&p, "q", false);
	assert_int_equal(bind(&p, "amq.headers", "q", &pages, false)->code, CODE_OK);
	const struct sqs_attribute twelve = {VIEW("pages"), VIEW("Number"), VIEW("12")};
	const struct sqs_attribute text = {VIEW("pages"), VIEW("String"), VIEW("12")};
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, raw_of(twelve, &raw), "q"), 1);
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, raw_of(text, &raw), "q"), 0);
	/* Without headers, with a kind that nobody reads, with bytes that say nothing. */
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, VIEW_NONE, "q"), 0);
	assert_int_equal(bind(&p, "amq.headers", "q", &none, false)->code, CODE_OK);
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, VIEW_NONE, "q"), 1);
	assert_int_equal(reached(&p, "amq.headers", RAW_STOMP, VIEW("a:1\n"), "q"), 1);
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, VIEW("\x07"), "q"), 1);
	/* Both bindings match: once. Through a second headers topic: still once. */
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, raw_of(twelve, &raw), "q"), 1);
	assert_int_equal(bind(&p, "amq.match", "amq.headers", &pages, true)->code, CODE_OK);
	assert_int_equal(bind(&p, "amq.match", "q", &pages, false)->code, CODE_OK);
	assert_int_equal(reached(&p, "amq.match", RAW_SQS, raw_of(twelve, &raw), "q"), 1);
	buf_fini(&raw);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_routes(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, &options, routes);
}

static void x_match(struct rig *r)
{
	static const char text[] = "Invalid x-match field value <<\"bogus\">>; expected all, any, all-with-x, or any-with-x";
	const struct table bogus = TABLE(FIELD("x-match", STR("bogus")));
	struct peer p;
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q", false);
	for (int i = 0; i < 2; i++) {
		struct seen *s = i ? bind(&p, "amq.match", "amq.fanout", &bogus, true)
				   : bind(&p, "amq.headers", "q", &bogus, false);
		assert_int_equal(s->code, CODE_INVALID);
		assert_string_equal(s->text, text);
	}
	/* What is missing is said first; other types do not look; unbinding does not. */
	assert_int_equal(bind(&p, "amq.headers", "none", &bogus, false)->code, CODE_NOT_FOUND);
	assert_int_equal(bind(&p, "amq.direct", "q", &bogus, false)->code, CODE_OK);
	unbind(&p, "amq.headers", "q", &bogus);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_x_match(void **state)
{
	(void)state;
	rig_over(STORE_ORDER, &options, x_match);
}

/* Arguments are the same in any order and with the same types; what is unbound
 * stays so after a restart, what is not is there again. */
static void unbound_for_good(struct rig *r)
{
	const struct table one = TABLE(FIELD("a", INT_OF(VALUE_I32, 1)), FIELD("b", INT_OF(VALUE_I32, 2)));
	const struct table turned = TABLE(FIELD("b", INT_OF(VALUE_I32, 2)), FIELD("a", INT_OF(VALUE_I32, 1)));
	const struct table wide = TABLE(FIELD("a", INT_OF(VALUE_I64, 1)), FIELD("b", INT_OF(VALUE_I32, 2)));
	const struct table any = TABLE(FIELD("x-match", STR("any")), FIELD("a", INT_OF(VALUE_I32, 1)));
	struct peer p;
	struct buf raw;
	peer_open(&p, r, SESSION_AMQP091);
	buf_init(&raw, 4096);
	peer_queue(&p, "kept", true);
	peer_queue(&p, "gone", true);
	assert_int_equal(bind(&p, "amq.headers", "gone", &any, false)->code, CODE_OK);
	unbind(&p, "amq.headers", "gone", &any);
	assert_int_equal(bind(&p, "amq.headers", "gone", &one, false)->code, CODE_OK);
	unbind(&p, "amq.headers", "gone", &turned);
	assert_int_equal(bind(&p, "amq.headers", "kept", &any, false)->code, CODE_OK);
	assert_int_equal(bind(&p, "amq.headers", "kept", &one, false)->code, CODE_OK);
	unbind(&p, "amq.headers", "kept", &wide);
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AMQP091);
	const struct view said = raw_of((struct sqs_attribute){VIEW("a"), VIEW("Number"), VIEW("1")}, &raw);
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, said, "kept"), 1);
	const struct sqs_attributes both = {.v = {{VIEW("a"), VIEW("Number"), VIEW("1")},
						  {VIEW("b"), VIEW("Number"), VIEW("2")}},
					    .n = 2};
	buf_clear(&raw);
	assert_true(sqs_attributes_encode(&both, &raw));
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, buf_view(&raw), "kept"), 1);
	assert_int_equal(peer_get(&p, "gone")->count, 0);
	unbind(&p, "amq.headers", "kept", &any);
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, buf_view(&raw), "kept"), 1);
	unbind(&p, "amq.headers", "kept", &turned);
	assert_int_equal(reached(&p, "amq.headers", RAW_SQS, buf_view(&raw), "kept"), 0);
	buf_fini(&raw);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_unbound_for_good(void **state)
{
	(void)state;
	rig_over(STORE_SURVIVES, &options, unbound_for_good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_x_match),
		cmocka_unit_test(test_unbound_for_good),
	};
	engine_options_default(&options);
	options.codecs = &codecs;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
