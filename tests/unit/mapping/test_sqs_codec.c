/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of an SQS message as properties and headers, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mapping/cross.h"
#include "values.h"

#define ATTRIBUTE(name, type, value) {VIEW(name), VIEW(type), VIEW(value)}

static struct bag decode(const struct sqs_attributes *at, struct buf *raw, struct arena *a)
{
	struct bag bag;
	buf_init(raw, 65536);
	assert_true(sqs_attributes_encode(at, raw));
	assert_true(sqs_header_codec.decode(buf_view(raw), a, &bag));
	return bag;
}

static void test_attributes_are_headers(void **state)
{
	(void)state;
	const struct sqs_attributes at = {
		.v = {ATTRIBUTE("format", "String", "pdf"), ATTRIBUTE("pages", "Number", "12"),
		      ATTRIBUTE("raw", "Binary", "\x01"), ATTRIBUTE("content-type", "String", "text/plain")},
		.n = 4,
		.group_id = VIEW("g"),
	};
	struct arena a;
	struct buf raw;
	arena_init(&a);
	const struct bag bag = decode(&at, &raw, &a);
	const struct table wanted = TABLE(FIELD("format", STR("pdf")), FIELD("pages", INT_OF(VALUE_I64, 12)),
					  FIELD("raw", BYTES("\x01")), FIELD("MessageGroupId", STR("g")));
	assert_int_equal(bag.has, BAG_HEADERS | BAG_CONTENT_TYPE);
	assert_true(view_is(bag.content_type, "text/plain"));
	assert_int_equal(bag.headers.n, wanted.n);
	for (size_t i = 0; i < wanted.n; i++) {
		assert_true(view_eq(bag.headers.v[i].name, wanted.v[i].name));
		assert_true(value_eq(&bag.headers.v[i].value, &wanted.v[i].value));
	}
	buf_fini(&raw);
	arena_fini(&a);
}

static void test_nothing_and_malformed(void **state)
{
	(void)state;
	struct bag bag;
	struct arena a;
	arena_init(&a);
	assert_true(sqs_header_codec.decode(VIEW_NONE, &a, &bag));
	assert_int_equal(bag.has, 0);
	assert_int_equal(bag.headers.n, 0);
	assert_false(sqs_header_codec.decode(VIEW("\x07"), &a, &bag));
	arena_fini(&a);
}

/* What no attribute can say goes by mqb.p. */
static void test_round_trip(void **state)
{
	(void)state;
	const struct table headers = TABLE(FIELD("s", STR("v")), FIELD("i", INT_OF(VALUE_I8, 1)), FIELD("none", NOTHING),
					   FIELD("t", CONTAINER(VALUE_TABLE, FIELD("in", BOOL(true)))));
	const struct bag bag = {.has = BAG_HEADERS | BAG_PRIORITY, .priority = 3, .headers = headers};
	struct bag back;
	struct arena a;
	struct buf raw;
	arena_init(&a);
	buf_init(&raw, 65536);
	assert_true(sqs_header_codec.encode(&bag, &raw));
	assert_true(sqs_header_codec.decode(buf_view(&raw), &a, &back));
	assert_int_equal(back.has, bag.has);
	assert_int_equal(back.priority, 3);
	assert_int_equal(back.headers.n, headers.n);
	for (size_t i = 0; i < headers.n; i++) {
		const struct value *v = table_find(&back.headers, headers.v[i].name);
		assert_non_null(v);
		assert_int_equal(v->type, headers.v[i].value.type);
		assert_true(value_eq(v, &headers.v[i].value));
	}
	buf_fini(&raw);
	buf_init(&raw, 4);
	assert_false(sqs_header_codec.encode(&bag, &raw));
	buf_fini(&raw);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes_are_headers),
		cmocka_unit_test(test_nothing_and_malformed),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
