/* SPDX-License-Identifier: Apache-2.0 */
/* What filter policies see of messages of every family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cross_rig.h"
#include "filters.h"
#include "mapping/filter_attributes.h"

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

static bool passes(const struct codecs *codecs, const struct message *m, enum filter_scope scope, const char *policy)
{
	struct filter_policy *p = filters_policy(policy, scope);
	struct filter_input in;

	filter_attributes_of(codecs, m, &arena, &in);
	bool matches = filter_policy_matches(p, &in);
	filter_policy_free(p);
	return matches;
}

static void check(const struct message *m, enum filter_scope scope, const char *policy, bool want)
{
	if (passes(&rig_codecs, m, scope, policy) != want)
		fail_msg("%s: want %d", policy, want);
}

#define I(t, x) {.type = (t), .i = (x)}
#define S(x) {.type = VALUE_STRING, .s = VIEW(x)}

static struct field headers[] = {
	{VIEW("kind"), S("order")},
	{VIEW("flag"), {.type = VALUE_BOOL, .boolean = true}},
	{VIEW("count"), I(VALUE_I32, 5)},
	{VIEW("part"), {.type = VALUE_DOUBLE, .d = 0.5}},
	{VIEW("when"), I(VALUE_TIME, 2)},
	{VIEW("raw"), {.type = VALUE_BYTES, .s = VIEW("x")}},
	{VIEW("empty"), S("")},
	{VIEW("kind"), S("second")},
	{VIEW("AWS.no"), S("x")},
	{VIEW("a1"), S("x")},
	{VIEW("a2"), S("x")},
	{VIEW("a3"), S("x")},
	{VIEW("a4"), S("x")},
	{VIEW("a5"), S("x")},
	{VIEW("a6"), S("x")},
	{VIEW("a7"), S("x")},
	{VIEW("rk2"), S("mine")},
};

static void amqp(void **state)
{
	static const struct {
		const char *policy;
		bool match;
	} rows[] = {
		{"{\"kind\":[\"order\"]}", true},
		{"{\"kind\":[\"second\"]}", false},
		{"{\"flag\":[\"true\"]}", true},
		{"{\"count\":[5],\"part\":[0.5],\"when\":[2000]}", true},
		{"{\"raw\":[{\"exists\":false}],\"empty\":[{\"exists\":false}],\"AWS.no\":[{\"exists\":false}]}", true},
		{"{\"a7\":[\"x\"]}", true}, /* beyond the tenth */
		{"{\"content-type\":[\"text/plain\"],\"correlation-id\":[\"c\"]}", true},
		{"{\"routing-key\":[\"order.eu.new\"],\"rk\":[\".order.eu.new.\"],\"n\":[3]}", true},
		{"{\"rk2\":[\"mine\"]}", true},
		{"{\"rk2\":[\".order.eu.new.\"]}", false}, /* the publisher's own wins */
		{"{\"tails\":[{\"prefix\":\".eu.\"}],\"t1\":[\"0=order\"],\"t2\":[\"-1=new\"],\"t3\":[\"1=eu\"]}", true},
		{"{\"h1\":[\"kind=s:order\"],\"h2\":[\"flag=b:1\"],\"h3\":[\"count=i:5\"],\"h4\":[\"empty=s:\"],"
		 "\"h5\":[\"when=i:2\"]}",
		 true},
		{"{\"h1\":[\"kind=s:second\"]}", false}, /* a headers exchange looks at the first */
		{"{\"h1\":[\"part\"]}", true},
		{"{\"h1\":[{\"prefix\":\"part=\"}]}", false},
	};
	struct bag bag = {
		.has = BAG_CONTENT_TYPE | BAG_CORRELATION_ID | BAG_HEADERS,
		.content_type = VIEW("text/plain"),
		.correlation_id = VIEW("c"),
		.headers = {headers, sizeof(headers) / sizeof(headers[0])},
	};

	(void)state;
	struct message *m = rig_amqp(&bag, VIEW("{\"a\":[1]}"), "x", "order.eu.new");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(m, FILTER_ATTRIBUTES, rows[i].policy, rows[i].match);
	check(m, FILTER_BODY, "{\"a\":[1]}", true);
	assert_true(passes(&rig_codecs_malformed, m, FILTER_ATTRIBUTES, "{\"n\":[3]}"));
	assert_false(passes(&rig_codecs_malformed, m, FILTER_ATTRIBUTES, "{\"kind\":[\"order\"]}"));
	assert_false(passes(&rig_codecs_malformed, m, FILTER_BODY, "{\"a\":[1]}"));
	message_unref(m);
}

/* Text bodies only: what SQS readers would get as base64 is none. */
static void amqp_bodies(void **state)
{
	static const struct {
		struct view type, encoding;
		const char *body;
		bool match;
	} rows[] = {
		{VIEW("application/json"), {NULL, 0}, "{\"a\":1}", true},
		{{NULL, 0}, {NULL, 0}, "{\"a\":1}", true},
		{VIEW("application/octet-stream"), {NULL, 0}, "{\"a\":1}", false},
		{VIEW("application/json"), VIEW("gzip"), "{\"a\":1}", false},
		{VIEW("application/json"), {NULL, 0}, "{\"a\":1,\"b\":\"\xff\"}", false},
		{VIEW("application/json"), {NULL, 0}, "{\"a\":1,\"b\":\"\xef\xbf\xbf\"}", false},
		{VIEW("application/json"), {NULL, 0}, "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bag bag = {.content_type = rows[i].type, .content_encoding = rows[i].encoding};

		bag.has = (bag.content_type.n ? BAG_CONTENT_TYPE : 0u) | (bag.content_encoding.n ? BAG_CONTENT_ENCODING : 0u);
		struct message *m = rig_amqp(&bag, view_str(rows[i].body), "x", "k");
		check(m, FILTER_BODY, "{\"a\":[1]}", rows[i].match);
		message_unref(m);
	}
}

/* As the SNS publisher of no routing key sent it. */
static struct message *sns(const struct sqs_attributes *at, struct view body)
{
	static const uint8_t id[16] = {1};
	struct message *m = rig_sqs(at, body);
	struct message *own = message_new(
		&(struct message_spec){.raw_kind = RAW_SQS, .id = id, .exchange = VIEW("x"), .raw = m->raw}, body_of(body));

	message_unref(m);
	return own;
}

static void sqs(void **state)
{
	struct sqs_attributes at = {
		.v = {{VIEW("s"), VIEW("String"), VIEW("x")},
		      {VIEW("l"), VIEW("String.label"), VIEW("x")},
		      {VIEW("n"), VIEW("Number.int"), VIEW("5.0")},
		      {VIEW("a"), VIEW("String.Array"), VIEW("[\"x\",2]")},
		      {VIEW("b"), VIEW("Binary"), VIEW("x")}},
		.n = 5,
	};

	(void)state;
	struct message *m = sns(&at, VIEW("{\"a\":\"x\"}"));
	check(m, FILTER_ATTRIBUTES, "{\"s\":[\"x\"],\"l\":[\"x\"],\"n\":[5],\"a\":[2]}", true);
	check(m, FILTER_ATTRIBUTES, "{\"b\":[{\"exists\":true}]}", false);
	/* no routing key: nothing made of it, so absence means what it does in AWS */
	check(m, FILTER_ATTRIBUTES, "{\"rk\":[{\"exists\":false}],\"routing-key\":[{\"exists\":false}]}", true);
	check(m, FILTER_ATTRIBUTES, "{\"h1\":[\"s=s:x\"],\"h2\":[\"n=i:5\"]}", true);
	check(m, FILTER_BODY, "{\"a\":[\"x\"]}", true);
	message_unref(m);
	at.v[at.n++] = (struct sqs_attribute){VIEW("mqb.enc"), VIEW("String"), VIEW("base64")};
	m = sns(&at, VIEW("{\"a\":\"x\"}"));
	check(m, FILTER_BODY, "{\"a\":[\"x\"]}", false);
	message_unref(m);
	at = (struct sqs_attributes){.n = 0};
	m = sns(&at, VIEW("x"));
	check(m, FILTER_ATTRIBUTES, "{\"s\":[{\"exists\":false}]}", false);
	message_unref(m);
}

/* As many headers as a frame holds: in proportion, and the last one is seen. */
static void many_headers(void **state)
{
	enum { MANY = 30000 };
	struct field *v = calloc(MANY, sizeof(*v));
	struct bag bag = {.has = BAG_HEADERS, .headers = {v, MANY}};

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		v[i] = (struct field){view_str(arena_printf(&arena, "h-%zu", i)), I(VALUE_I32, (int)i)};
	struct message *m = rig_amqp(&bag, VIEW("x"), "x", "k");
	check(m, FILTER_ATTRIBUTES, "{\"h-29999\":[29999],\"h1\":[\"h-29999=i:29999\"]}", true);
	message_unref(m);
	free(v);
}

/* An SNS message may have more than ten. */
static void beyond_ten(void **state)
{
	struct sqs_attribute eleventh = {VIEW("k"), VIEW("Number"), VIEW("11")};
	struct sqs_attributes at = {.v = {{VIEW("s"), VIEW("String"), VIEW("x")}}, .n = 1};
	struct buf more;

	(void)state;
	buf_init(&more, 1000);
	assert_true(sqs_attributes_more_add(&more, &eleventh));
	at.more = buf_view(&more);
	struct message *m = sns(&at, VIEW("x"));
	check(m, FILTER_ATTRIBUTES, "{\"s\":[\"x\"],\"k\":[11]}", true);
	check(m, FILTER_ATTRIBUTES, "{\"k\":[12]}", false);
	message_unref(m);
	buf_fini(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(amqp, setup, teardown),
		cmocka_unit_test_setup_teardown(amqp_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(sqs, setup, teardown),
		cmocka_unit_test_setup_teardown(many_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(beyond_ten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
