/* SPDX-License-Identifier: Apache-2.0 */
/* Properties and headers of 0-9-1 as SQS attributes: types, order, limits, mqb.p. */
#include "cross_rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* The attributes of a message with these headers on an exchange ("" default). */
static struct sqs_attributes cross(struct bag *bag, struct field *v, size_t n, const struct cross_settings *s,
				   const char *exchange)
{
	static const struct cross_settings standing;
	struct cross_sqs out;
	struct error e;

	bag->headers = (struct table){v, n};
	if (n)
		bag->has |= BAG_HEADERS;
	if (!(bag->has & BAG_CONTENT_TYPE)) {
		bag->content_type = VIEW("text/plain");
		bag->has |= BAG_CONTENT_TYPE;
	}
	struct message *m = rig_amqp(bag, VIEW("hi"), exchange, "key");
	assert_true(cross_to_sqs(s ? s : &standing, &rig_codecs, m, &arena, &out));
	message_unref(m);
	if (sqs_attributes_check(&out.attributes, &e) != CODE_OK)
		fail_msg("SQS would refuse them: %s", e.text);
	return out.attributes;
}

#define I(t, x) {.type = (t), .i = (x)}
#define S(x) {.type = VALUE_STRING, .s = VIEW(x)}

static struct field nested[] = {{VIEW("in"), I(VALUE_I32, 7)}, {VIEW("s"), S("t")}};

/* One header each: the attribute, or what h of mqb.p says. */
static const struct row {
	const char *name;
	struct value v;
	const char *type, *text; /* the attribute; NULL: packed */
	const char *packed;      /* mqb.p; NULL: there is none */
} rows[] = {
	{"h", S("v"), "String", "v", NULL},
	{"h", S(""), NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"S\",\"\"]]}"},
	{"h", S("a\x01"), NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"S\",\"a\\u0001\"]]}"},
	{"h", S("\xff"), NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"S\",{\"b\":\"/w==\"}]]}"},
	{"h", {.type = VALUE_BOOL, .boolean = true}, "String", "true", "{\"v\":1,\"t\":{\"h\":\"t\"}}"},
	{"h", {.type = VALUE_BOOL}, "String", "false", "{\"v\":1,\"t\":{\"h\":\"t\"}}"},
	{"h", I(VALUE_I64, -5), "Number", "-5", NULL},
	{"h", I(VALUE_I64, INT64_MIN), "Number", "-9223372036854775808", NULL},
	{"h", I(VALUE_I32, 5), "Number", "5", "{\"v\":1,\"t\":{\"h\":\"I\"}}"},
	{"h", I(VALUE_I8, -1), "Number", "-1", "{\"v\":1,\"t\":{\"h\":\"b\"}}"},
	{"h", I(VALUE_U64, -1), "Number", "-1", "{\"v\":1,\"t\":{\"h\":\"L\"}}"},
	{"h", {.type = VALUE_DOUBLE, .d = 1.5}, "Number", "1.5", NULL},
	{"h", {.type = VALUE_DOUBLE, .d = 0.1}, "Number", "0.1", NULL},
	{"h", {.type = VALUE_DOUBLE, .d = 2}, "Number", "2", "{\"v\":1,\"t\":{\"h\":\"d\"}}"},
	{"h", {.type = VALUE_DOUBLE, .d = NAN}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"d\",\"nan\"]]}"},
	{"h", {.type = VALUE_DOUBLE, .d = -INFINITY}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"d\",\"-inf\"]]}"},
	/* beyond what an SQS Number may be */
	{"h", {.type = VALUE_DOUBLE, .d = 1e200}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"d\",9.9999999999999997e+199]]}"},
	{"h", {.type = VALUE_FLOAT, .d = 0.5}, "Number", "0.5", "{\"v\":1,\"t\":{\"h\":\"f\"}}"},
	{"h", I(VALUE_TIME, 1700000000), "Number", "1700000000000", "{\"v\":1,\"t\":{\"h\":\"T\"}}"},
	{"h", I(VALUE_TIME, INT64_MAX), NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"T\",9223372036854775807]]}"},
	{"h", {.type = VALUE_BYTES, .s = VIEW("\0\xff")}, "Binary", NULL, NULL},
	{"h", {.type = VALUE_BYTES, .s = VIEW("")}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"x\",\"\"]]}"},
	{"h", {.type = VALUE_VOID}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"V\",null]]}"},
	{"h", {.type = VALUE_DECIMAL, .decimal = {2, -314}}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"D\",[2,-314]]]}"},
	{"h", {.type = VALUE_TABLE, .table = {nested, 2}}, NULL, NULL,
	 "{\"v\":1,\"h\":[[\"h\",\"F\",[[\"in\",\"I\",7],[\"s\",\"S\",\"t\"]]]]}"},
	{"h", {.type = VALUE_ARRAY, .table = {nested, 1}}, NULL, NULL, "{\"v\":1,\"h\":[[\"h\",\"A\",[[\"I\",7]]]]}"},
	/* names that SQS or the table reserves, or that mean a property */
	{"a b", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"a b\",\"S\",\"v\"]]}"},
	{".a", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\".a\",\"S\",\"v\"]]}"},
	{"a..b", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"a..b\",\"S\",\"v\"]]}"},
	{"AWS.a", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"AWS.a\",\"S\",\"v\"]]}"},
	{"Amazon.a", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"Amazon.a\",\"S\",\"v\"]]}"},
	{"mqb.enc", S("base64"), NULL, NULL, "{\"v\":1,\"h\":[[\"mqb.enc\",\"S\",\"base64\"]]}"},
	{"mqb.p", S("{}"), NULL, NULL, "{\"v\":1,\"h\":[[\"mqb.p\",\"S\",\"{}\"]]}"},
	{"\xff", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[{\"b\":\"/w==\"},\"S\",\"v\"]]}"},
	{"content-type", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"content-type\",\"S\",\"v\"]]}"},
	{"contentType", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"contentType\",\"S\",\"v\"]]}"},
	{"correlation-id", S("v"), NULL, NULL, "{\"v\":1,\"h\":[[\"correlation-id\",\"S\",\"v\"]]}"},
};

static void single_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct bag bag = {0};
		struct field f = {view_str(r->name), r->v};
		struct sqs_attributes at = cross(&bag, &f, 1, NULL, "");
		const struct sqs_attribute *found = strcmp(r->name, "content-type") ? rig_find(&at, r->name) : NULL;
		const char *packed = rig_text(&at, "mqb.p", &arena);

		if (strcmp(r->name, "mqb.p") == 0)
			found = NULL;
		if ((found != NULL) != (r->type != NULL))
			fail_msg("row %zu: %s", i, found ? "promoted" : "not promoted");
		if (found && (!view_is(found->type, r->type) || (r->text && !view_is(found->value, r->text))))
			fail_msg("row %zu: %.*s %.*s", i, VIEW_ARG(found->type), VIEW_ARG(found->value));
		if ((packed != NULL) != (r->packed != NULL) || (packed && strcmp(packed, r->packed) != 0))
			fail_msg("row %zu: mqb.p %s", i, packed ? packed : "absent");
	}
}

static void properties(void **state)
{
	struct bag bag = {
		.has = BAG_CONTENT_TYPE | BAG_CONTENT_ENCODING | BAG_DELIVERY_MODE | BAG_PRIORITY | BAG_CORRELATION_ID |
		       BAG_REPLY_TO | BAG_EXPIRATION | BAG_MESSAGE_ID | BAG_TIMESTAMP | BAG_TYPE | BAG_USER_ID |
		       BAG_APP_ID | BAG_CLUSTER_ID,
		.content_type = VIEW("text/plain"),
		.content_encoding = VIEW(""),
		.delivery_mode = 1,
		.priority = 4,
		.correlation_id = VIEW("c"),
		.reply_to = VIEW("r"),
		.expiration = VIEW("1000"),
		.message_id = VIEW("m"),
		.timestamp = 1700000000,
		.type = VIEW("t"),
		.user_id = VIEW("guest"),
		.app_id = VIEW("a"),
		.cluster_id = VIEW("cl"),
	};
	struct sqs_attributes at = cross(&bag, NULL, 0, NULL, "orders");

	(void)state;
	assert_string_equal(rig_text(&at, "content-type", &arena), "text/plain");
	assert_string_equal(rig_text(&at, "correlation-id", &arena), "c");
	assert_string_equal(rig_text(&at, "reply-to", &arena), "r");
	assert_string_equal(rig_text(&at, "mqb.p", &arena),
			    "{\"v\":1,\"p\":{\"content-encoding\":\"\",\"expiration\":\"1000\",\"message-id\":\"m\","
			    "\"type\":\"t\",\"app-id\":\"a\",\"cluster-id\":\"cl\",\"delivery-mode\":1,\"priority\":4,"
			    "\"timestamp\":1700000000},\"x\":\"orders\",\"k\":\"key\",\"u\":\"guest\"}");
	assert_int_equal(at.n, 4);
}

/* delivery_mode 2, priority 0 and the default exchange leave nothing to say. */
static void nothing_left(void **state)
{
	struct bag bag = {.has = BAG_DELIVERY_MODE | BAG_PRIORITY, .delivery_mode = 2, .priority = 0};
	struct sqs_attributes at = cross(&bag, NULL, 0, NULL, "");

	(void)state;
	assert_null(rig_find(&at, "mqb.p"));
	assert_int_equal(at.n, 1);
}

static void illegal_property(void **state)
{
	struct bag bag = {.has = BAG_CORRELATION_ID, .correlation_id = VIEW("\xff")};
	struct sqs_attributes at = cross(&bag, NULL, 0, NULL, "");

	(void)state;
	assert_null(rig_find(&at, "correlation-id"));
	assert_string_equal(rig_text(&at, "mqb.p", &arena),
			    "{\"v\":1,\"p\":{\"correlation-id\":{\"b\":\"/w==\"}}}");
}

static void trace_header(void **state)
{
	struct bag bag = {0};
	struct field f[] = {{VIEW("X-Amzn-Trace-Id"), S("Root=1-a")}, {VIEW("a"), S("b")}};
	struct sqs_attributes at = cross(&bag, f, 2, NULL, "");

	(void)state;
	assert_true(view_is(at.trace_header, "Root=1-a"));
	assert_null(rig_find(&at, "X-Amzn-Trace-Id"));
	assert_null(rig_find(&at, "mqb.p"));
	assert_non_null(rig_find(&at, "a"));
}

static void fill(struct field *f, char names[][24], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "h%zu", i);
		f[i] = (struct field){view_str(names[i]), S("v")};
	}
}

/* traceparent, content-type, correlation-id, reply-to, then the publisher's order;
 * nine when mqb.p is needed, ten when it isn't. */
static void order_and_room(void **state)
{
	struct field f[12];
	char names[12][24];
	struct bag bag = {.has = BAG_CORRELATION_ID | BAG_REPLY_TO, .correlation_id = VIEW("c"), .reply_to = VIEW("r")};
	static const char *const expected[] = {"traceparent", "content-type", "correlation-id", "reply-to", "h0",
					       "h1",	      "h2",	      "h3",		"h4",	    "mqb.p"};

	(void)state;
	fill(f, names, 12);
	f[11].name = VIEW("traceparent");
	struct sqs_attributes at = cross(&bag, f, 12, NULL, "");
	assert_int_equal(at.n, 10);
	for (size_t i = 0; i < 10; i++)
		assert_true(view_is(at.v[i].name, expected[i]));
	assert_string_equal(rig_text(&at, "mqb.p", &arena),
			    "{\"v\":1,\"h\":[[\"h5\",\"S\",\"v\"],[\"h6\",\"S\",\"v\"],[\"h7\",\"S\",\"v\"],"
			    "[\"h8\",\"S\",\"v\"],[\"h9\",\"S\",\"v\"],[\"h10\",\"S\",\"v\"]]}");

	struct bag plain = {0};
	at = cross(&plain, f, 9, NULL, "");
	assert_int_equal(at.n, 10);
	assert_null(rig_find(&at, "mqb.p"));
	assert_non_null(rig_find(&at, "h8"));
}

/* A mark takes a place too. */
static void room_with_mark(void **state)
{
	struct field f[10];
	char names[10][24];
	struct bag bag = {.has = BAG_CONTENT_TYPE, .content_type = VIEW("application/octet-stream")};

	(void)state;
	fill(f, names, 10);
	struct sqs_attributes at = cross(&bag, f, 8, NULL, "");
	assert_int_equal(at.n, 10);
	assert_null(rig_find(&at, "mqb.p"));
	struct bag again = {.has = BAG_CONTENT_TYPE, .content_type = VIEW("application/octet-stream")};
	at = cross(&again, f, 9, NULL, "");
	assert_int_equal(at.n, 10);
	assert_non_null(rig_find(&at, "mqb.p"));
	assert_non_null(rig_find(&at, "mqb.enc"));
	assert_non_null(rig_find(&at, "h6"));
	assert_null(rig_find(&at, "h7"));
}

static void promote_list(void **state)
{
	static const struct view names[] = {VIEW("h2"), VIEW("nowhere"), VIEW("correlation-id"), VIEW("h0"), VIEW("h2")};
	struct cross_settings s = {.promote = names, .n_promote = 5};
	struct field f[3];
	char texts[3][24];
	struct bag bag = {.has = BAG_CORRELATION_ID, .correlation_id = VIEW("c")};

	(void)state;
	fill(f, texts, 3);
	struct sqs_attributes at = cross(&bag, f, 3, &s, "");
	assert_int_equal(at.n, 4);
	assert_true(view_is(at.v[0].name, "h2"));
	assert_true(view_is(at.v[1].name, "correlation-id"));
	assert_true(view_is(at.v[2].name, "h0"));
	assert_string_equal(rig_text(&at, "mqb.p", &arena),
			    "{\"v\":1,\"p\":{\"content-type\":\"text/plain\"},\"h\":[[\"h1\",\"S\",\"v\"]]}");
}

/* Twice the same name: the first is the attribute, the second is kept in mqb.p. */
static void same_name_twice(void **state)
{
	struct bag bag = {0};
	struct field f[] = {{VIEW("a"), S("1")}, {VIEW("a"), S("2")}};
	struct sqs_attributes at = cross(&bag, f, 2, NULL, "");

	(void)state;
	assert_string_equal(rig_text(&at, "a", &arena), "1");
	assert_string_equal(rig_text(&at, "mqb.p", &arena), "{\"v\":1,\"h\":[[\"a\",\"S\",\"2\"]]}");
}

/* What would pass 1 MiB is packed; the next that fits is not. */
static void size_limit(void **state)
{
	char *big = malloc(1 << 20);
	struct bag bag = {0};

	(void)state;
	memset(big, 'x', 1 << 20);
	struct field f[] = {
		{VIEW("big"), {.type = VALUE_STRING, .s = view_of(big, 1 << 20)}},
		{VIEW("small"), S("v")},
	};
	struct sqs_attributes at = cross(&bag, f, 2, NULL, "");
	assert_null(rig_find(&at, "big"));
	assert_non_null(rig_find(&at, "small"));
	assert_non_null(rig_find(&at, "mqb.p"));
	free(big);
}

static void settings_of_a_queue(void **state)
{
	struct field v[] = {
		{VIEW("x-mqb-body"), S("base64")},
		{VIEW("x-mqb-promote"), S(" a, b ,,c")},
		{VIEW("x-mqb-content-type"), S("text/plain")},
	};
	struct table t = {v, 3};
	struct cross_settings s = {0};

	(void)state;
	cross_settings_read(&t, &arena, &s);
	assert_int_equal(s.body, CROSS_BODY_BASE64);
	assert_int_equal(s.n_promote, 3);
	assert_true(view_is(s.promote[0], "a") && view_is(s.promote[1], "b") && view_is(s.promote[2], "c"));
	assert_true(view_is(s.default_content_type, "text/plain"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(single_headers), T(properties),      T(nothing_left),	  T(illegal_property),
		T(trace_header),   T(order_and_room),  T(room_with_mark), T(promote_list),
		T(same_name_twice), T(size_limit),     T(settings_of_a_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
