/* SPDX-License-Identifier: Apache-2.0 */
/* SQS messages as a 0-9-1 reader gets them: values, properties, forged and
 * malformed mqb.p, ids and times of what was born in SQS. */
#include "cross_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

#define ATTR(n, t, v) {VIEW(n), VIEW(t), VIEW(v)}

static const struct cross_facts facts = {
	.queue = VIEW("work.queue"),
	.id = {0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, 16},
};

/* The message stays referenced by nobody: its bytes are copied into the arena. */
static struct cross_legacy cross(struct sqs_attributes at, const struct cross_settings *s)
{
	static const struct cross_settings standing;
	struct cross_legacy out;
	struct message *m = rig_sqs(&at, VIEW("hello"));

	assert_true(cross_to_amqp091(s ? s : &standing, &rig_codecs, m, &facts, &arena, &out));
	out.bag.headers = table_copy(&arena, &out.bag.headers);
	out.bag.content_type = arena_copy(&arena, out.bag.content_type);
	out.bag.correlation_id = arena_copy(&arena, out.bag.correlation_id);
	out.bag.reply_to = arena_copy(&arena, out.bag.reply_to);
	out.bag.type = arena_copy(&arena, out.bag.type);
	out.bag.message_id = arena_copy(&arena, out.bag.message_id);
	out.exchange = arena_copy(&arena, out.exchange);
	out.key = arena_copy(&arena, out.key);
	message_unref(m);
	return out;
}

static void born_in_sqs(void **state)
{
	struct cross_legacy out = cross((struct sqs_attributes){0}, NULL);

	(void)state;
	assert_false(out.body_replaced);
	assert_int_equal(out.bag.has, BAG_DELIVERY_MODE | BAG_MESSAGE_ID | BAG_TIMESTAMP);
	assert_int_equal(out.bag.delivery_mode, 2);
	assert_true(view_is(out.bag.message_id, "a1b2c3d4-e5f6-4708-890a-0b0c0d0e0f10"));
	assert_int_equal(out.bag.timestamp, SENT_MS / 1000);
	assert_int_equal(out.exchange.n, 0);
	assert_true(view_is(out.key, "work.queue"));
	assert_int_equal(out.bag.headers.n, 0);
}

static const struct {
	const char *type;
	const char *text;
	struct value expected;
} values[] = {
	{"String", "v", {.type = VALUE_STRING, .s = VIEW("v")}},
	{"String.custom", "v", {.type = VALUE_STRING, .s = VIEW("v")}},
	{"Number", "12", {.type = VALUE_I64, .i = 12}},
	{"Number.int", "-12", {.type = VALUE_I64, .i = -12}},
	{"Number", "+7", {.type = VALUE_I64, .i = 7}},
	{"Number", "12.0", {.type = VALUE_I64, .i = 12}},
	{"Number", "1e3", {.type = VALUE_I64, .i = 1000}},
	{"Number", "1.25", {.type = VALUE_DOUBLE, .d = 1.25}},
	{"Number", "9223372036854775807", {.type = VALUE_I64, .i = INT64_MAX}},
	{"Number", "9223372036854775808", {.type = VALUE_DOUBLE, .d = 9223372036854775808.0}},
	{"Number", "nan", {.type = VALUE_STRING, .s = VIEW("nan")}},
	{"Number", "0x10", {.type = VALUE_STRING, .s = VIEW("0x10")}},
	{"Number", "1-2", {.type = VALUE_STRING, .s = VIEW("1-2")}},
	{"Number", "1e999", {.type = VALUE_STRING, .s = VIEW("1e999")}},
	{"Binary", "\xff\xfe", {.type = VALUE_BYTES, .s = VIEW("\xff\xfe")}},
	{"Binary.png", "x", {.type = VALUE_BYTES, .s = VIEW("x")}},
};

static void attribute_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct sqs_attributes at = {
			.v = {{VIEW("h"), view_str(values[i].type), view_str(values[i].text)}}, .n = 1};
		struct cross_legacy out = cross(at, NULL);
		const struct value *v = table_find(&out.bag.headers, VIEW("h"));

		if (!v || v->type != values[i].expected.type || !value_eq(v, &values[i].expected))
			fail_msg("%s %s: type %c", values[i].type, values[i].text, v ? v->type : '-');
	}
}

static void properties_of_attributes(void **state)
{
	struct sqs_attributes at = {
		.v = {ATTR("contentType", "String", "second"), ATTR("content-type", "String", "text/plain"),
		      ATTR("correlation-id", "String", "c"), ATTR("reply-to", "String.x", "r"),
		      ATTR("traceparent", "String", "00-1")},
		.n = 5,
		.trace_header = VIEW("Root=1"),
		.group_id = VIEW("g"),
	};
	struct cross_legacy out = cross(at, NULL);

	(void)state;
	assert_true(view_is(out.bag.content_type, "text/plain"));
	assert_true(view_is(out.bag.correlation_id, "c"));
	assert_true(view_is(out.bag.reply_to, "r"));
	assert_non_null(table_find(&out.bag.headers, VIEW("traceparent")));
	assert_true(view_is(table_find(&out.bag.headers, VIEW("X-Amzn-Trace-Id"))->s, "Root=1"));
	assert_true(view_is(table_find(&out.bag.headers, VIEW("MessageGroupId"))->s, "g"));
	assert_non_null(table_find(&out.bag.headers, VIEW("contentType")));
	assert_null(table_find(&out.bag.headers, VIEW("content-type")));
	assert_true(out.bag.has & BAG_HEADERS);
}

static void content_type(void **state)
{
	struct sqs_attributes at = {.v = {ATTR("contentType", "String", "application/json")}, .n = 1};
	struct cross_settings s = {.default_content_type = VIEW("text/plain")};

	(void)state;
	assert_true(view_is(cross(at, &s).bag.content_type, "application/json"));
	assert_true(view_is(cross((struct sqs_attributes){0}, &s).bag.content_type, "text/plain"));
	assert_false(cross((struct sqs_attributes){0}, NULL).bag.has & BAG_CONTENT_TYPE);
}

/* Too long for a short string: it stays as a header. */
static void long_property(void **state)
{
	char text[301] = {0};
	struct sqs_attributes at = {.n = 1};

	(void)state;
	memset(text, 'x', 300);
	at.v[0] = (struct sqs_attribute){VIEW("correlation-id"), VIEW("String"), view_str(text)};
	struct cross_legacy out = cross(at, NULL);
	assert_false(out.bag.has & BAG_CORRELATION_ID);
	assert_int_equal(table_find(&out.bag.headers, VIEW("correlation-id"))->s.n, 300);
}

static struct cross_legacy cross_packed(const char *json)
{
	struct sqs_attributes at = {.v = {{VIEW("mqb.p"), VIEW("String"), view_str(json)}}, .n = 1};

	return cross(at, NULL);
}

/* What only a broker may say counts for nothing from an SQS sender. */
static void forged_facts(void **state)
{
	struct cross_legacy out = cross_packed(
		"{\"v\":1,\"p\":{\"user-id\":\"root\",\"message-id\":\"mine\",\"timestamp\":5},"
		"\"h\":[[\"x-death\",\"A\",[[\"F\",[[\"count\",\"l\",9]]]]],[\"x-first-death-queue\",\"S\",\"q\"],"
		"[\"x-last-death-reason\",\"S\",\"r\"],[\"kept\",\"S\",\"v\"]],"
		"\"x\":\"amq.topic\",\"k\":\"forged\",\"u\":\"root\"}");

	(void)state;
	assert_false(out.bag.has & BAG_USER_ID);
	assert_true(view_is(out.bag.message_id, "mine"));
	assert_int_equal(out.bag.timestamp, 5);
	assert_int_equal(out.bag.headers.n, 1);
	assert_non_null(table_find(&out.bag.headers, VIEW("kept")));
	assert_int_equal(out.exchange.n, 0);
	assert_true(view_is(out.key, "work.queue"));
}

static void malformed_packed(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"v\":2}",
		"{\"v\":\"1\"}",
		"{\"v\":1,\"v\":1}",
		"{\"v\":1} x",
		"{\"v\":1,\"h\":{}}",
		"{\"v\":1,\"h\":[[\"a\",\"S\"]]}",
		"{\"v\":1,\"h\":[[\"a\",\"SS\",\"v\"]]}",
		"{\"v\":1,\"h\":[[\"a\",\"Q\",1]]}",
		"{\"v\":1,\"h\":[[\"a\",\"b\",128]]}",
		"{\"v\":1,\"h\":[[\"a\",\"I\",\"1\"]]}",
		"{\"v\":1,\"h\":[[\"a\",\"I\",99999999999]]}",
		"{\"v\":1,\"h\":[[\"a\",\"x\",\"***\"]]}",
		"{\"v\":1,\"h\":[[\"a\",\"S\",{\"b\":\"***\"}]]}",
		"{\"v\":1,\"h\":[[\"a\",\"S\",{\"c\":\"aGk=\"}]]}",
		"{\"v\":1,\"h\":[[\"a\",\"D\",[256,1]]]}",
		"{\"v\":1,\"h\":[[\"a\",\"d\",\"many\"]]}",
		"{\"v\":1,\"h\":[[\"a\",\"V\",0]]}",
		"{\"v\":1,\"h\":[[\"a\",\"F\",[[\"b\",\"S\"]]]]}",
		"{\"v\":1,\"h\":[[7,\"S\",\"v\"]]}",
		"{\"v\":1,\"p\":[]}",
		"{\"v\":1,\"p\":{\"type\":1}}",
		"{\"v\":1,\"p\":{\"priority\":256}}",
		"{\"v\":1,\"p\":{\"priority\":-1}}",
		"{\"v\":1,\"p\":{\"timestamp\":\"now\"}}",
		"{\"v\":1,\"t\":[]}",
		"{\"v\":1,\"t\":{\"a\":\"long\"}}",
		"{\"v\":1,\"x\":1}",
		"{\"v\":1,\"u\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cross_legacy out = cross_packed(texts[i]);
		const struct value *v = table_find(&out.bag.headers, VIEW("mqb.p"));

		if (!v || v->type != VALUE_STRING || !view_is(v->s, texts[i]))
			fail_msg("taken for a good one: %s", texts[i]);
		assert_int_equal(out.bag.headers.n, 1);
	}
}

/* Deeper than any table may be. */
static void deep_packed(void **state)
{
	struct buf json;

	(void)state;
	buf_init(&json, 1 << 20);
	buf_add_str(&json, "{\"v\":1,\"h\":[[\"a\",\"A\",");
	for (int i = 0; i < 200; i++)
		buf_add_str(&json, "[[\"A\",");
	buf_add_str(&json, "[]");
	for (int i = 0; i < 200; i++)
		buf_add_str(&json, "]]");
	buf_add_str(&json, "]]}");
	struct cross_legacy out = cross_packed(buf_cstr(&json));
	assert_non_null(table_find(&out.bag.headers, VIEW("mqb.p")));
	buf_fini(&json);
}

/* "where attribute and mqb.p disagree the attribute wins" */
static void attribute_wins(void **state)
{
	struct sqs_attributes at = {
		.v = {ATTR("content-type", "String", "text/html"), ATTR("a", "String", "new"),
		      ATTR("n", "Number", "1000"), ATTR("b", "String", "maybe"),
		      ATTR("mqb.p", "String",
			   "{\"v\":1,\"p\":{\"content-type\":\"text/plain\",\"type\":\"t\"},\"h\":[[\"a\",\"S\",\"old\"]],"
			   "\"t\":{\"n\":\"b\",\"b\":\"t\"}}")},
		.n = 5,
	};
	struct cross_legacy out = cross(at, NULL);

	(void)state;
	assert_true(view_is(out.bag.content_type, "text/html"));
	assert_true(out.bag.has & BAG_TYPE);
	assert_true(view_is(table_find(&out.bag.headers, VIEW("a"))->s, "new"));
	assert_int_equal(table_find(&out.bag.headers, VIEW("n"))->type, VALUE_I64);
	assert_int_equal(table_find(&out.bag.headers, VIEW("b"))->type, VALUE_STRING);
	assert_int_equal(out.bag.headers.n, 3);
}

static void sequence_number(void **state)
{
	struct cross_facts f = facts;
	struct sqs_attributes at = {.group_id = VIEW("g"), .dedup_id = VIEW("d")};
	struct cross_settings s = {0};
	struct message *m = rig_sqs(&at, VIEW("x"));
	struct cross_legacy out;

	(void)state;
	f.sequence = 42;
	assert_true(cross_to_amqp091(&s, &rig_codecs, m, &f, &arena, &out));
	assert_true(view_is(table_find(&out.bag.headers, VIEW("SequenceNumber"))->s, "00000000000000000042"));
	assert_true(view_is(table_find(&out.bag.headers, VIEW("MessageDeduplicationId"))->s, "d"));
	message_unref(m);
}

/* SQS → SQS: nothing is touched. */
static void same_family(void **state)
{
	struct sqs_attributes at = {.v = {ATTR("mqb.enc", "String", "base64"), ATTR("n", "Number.x", "01")}, .n = 2};
	struct message *m = rig_sqs(&at, VIEW("aGk="));
	struct cross_settings s = {.body = CROSS_BODY_BASE64};
	struct cross_sqs out;

	(void)state;
	assert_true(cross_to_sqs(&s, &rig_codecs, m, &arena, &out));
	assert_true(view_is(out.body, "aGk="));
	assert_int_equal(out.attributes.n, 2);
	assert_string_equal(rig_text(&out.attributes, "n", &arena), "01");
	assert_false(out.guessed);
	message_unref(m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Subject is the type; an envelope is JSON; attributes beyond ten are headers as well. */
static void born_in_sns(void **state)
{
	struct sqs_attribute eleventh = ATTR("eleven", "Number", "11");
	struct sqs_attributes at = {.v = {ATTR("content-type", "String", "text/plain")}, .n = 1, .subject = VIEW("news")};
	struct cross_legacy out;
	struct buf more;

	(void)state;
	buf_init(&more, 1000);
	assert_true(sqs_attributes_more_add(&more, &eleventh));
	at.more = buf_view(&more);
	out = cross(at, NULL);
	assert_true((out.bag.has & BAG_TYPE) && view_is(out.bag.type, "news"));
	assert_true(view_is(out.bag.content_type, "text/plain"));
	assert_int_equal(out.bag.headers.n, 1);
	assert_int_equal(table_find(&out.bag.headers, VIEW("eleven"))->i, 11);
	buf_fini(&more);

	struct cross_settings s = {.default_content_type = VIEW("text/plain")};
	out = cross((struct sqs_attributes){.content_type = VIEW("application/json")}, &s);
	assert_true(view_is(out.bag.content_type, "application/json"));
	assert_int_equal(out.bag.headers.n, 0);
}

/* Twelve attributes of SNS before an SQS reader: nine, and the others packed. */
static void more_than_ten(void **state)
{
	struct sqs_attributes at = {.n = SQS_ATTRIBUTES_MAX};
	struct sqs_attribute eleventh = ATTR("k", "Number", "1.5"), twelfth = ATTR("l", "Binary", "\1");
	static const struct cross_settings standing;
	struct cross_sqs out;
	struct buf more;

	(void)state;
	buf_init(&more, 1000);
	for (size_t i = 0; i < at.n; i++)
		at.v[i] = (struct sqs_attribute){view_of("abcdefghij" + i, 1), VIEW("String"), VIEW("v")};
	assert_true(sqs_attributes_more_add(&more, &eleventh));
	assert_true(sqs_attributes_more_add(&more, &twelfth));
	at.more = buf_view(&more);
	struct message *m = rig_sqs(&at, VIEW("hello"));
	assert_true(cross_to_sqs(&standing, &rig_codecs, m, &arena, &out));
	assert_int_equal(out.attributes.n, SQS_ATTRIBUTES_MAX);
	assert_true(view_is(out.attributes.v[8].name, "i"));
	assert_string_equal(rig_text(&out.attributes, "mqb.p", &arena),
			    "{\"v\":1,\"h\":[[\"j\",\"S\",\"v\"],[\"k\",\"d\",1.5],[\"l\",\"x\",\"AQ==\"]]}");
	message_unref(m);

	/* one that is there already is kept */
	at.v[9] = (struct sqs_attribute){VIEW("mqb.p"), VIEW("String"),
					 VIEW("{\"v\":1,\"p\":{\"priority\":3},\"h\":[[\"z\",\"V\",null]]}")};
	m = rig_sqs(&at, VIEW("hello"));
	assert_true(cross_to_sqs(&standing, &rig_codecs, m, &arena, &out));
	assert_int_equal(out.attributes.n, SQS_ATTRIBUTES_MAX);
	assert_string_equal(rig_text(&out.attributes, "mqb.p", &arena),
			    "{\"v\":1,\"p\":{\"priority\":3},\"h\":[[\"z\",\"V\",null],[\"k\",\"d\",1.5],[\"l\",\"x\",\"AQ==\"]]}");
	message_unref(m);
	buf_fini(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(born_in_sqs),	      T(attribute_values), T(properties_of_attributes),
		T(content_type),      T(long_property),	   T(forged_facts),
		T(malformed_packed),  T(deep_packed),	   T(attribute_wins),
		T(sequence_number),   T(same_family),	   T(born_in_sns),
		T(more_than_ten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
