/* SPDX-License-Identifier: Apache-2.0 */
/* x-match of bindings (rabbitmq.md 2.15), and values as RabbitMQ's texts show them:
 * every text here is RabbitMQ 3.10's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mapping/erlang_text.h"
#include "mapping/queue_arguments.h"
#include "values.h"

#define NOT_ONE_OF(shown) "Invalid x-match field value " shown "; expected all, any, all-with-x, or any-with-x"
#define NOT_TEXT(type, shown) "Invalid x-match field type " type " (value " shown "); expected longstr"

/* text NULL: accepted. */
static const struct check_row {
	struct value x_match;
	const char *text;
} rows[] = {
	{STR("all"), NULL},
	{STR("any"), NULL},
	{STR("all-with-x"), NULL},
	{STR("any-with-x"), NULL},
	{STR("bogus"), NOT_ONE_OF("<<\"bogus\">>")},
	{STR("ALL"), NOT_ONE_OF("<<\"ALL\">>")},
	{STR(""), NOT_ONE_OF("<<>>")},
	{STR("a\"b\\c"), NOT_ONE_OF("<<\"a\\\"b\\\\c\">>")},
	{STR("a\n"), NOT_ONE_OF("<<\"a\\n\">>")},
	{STR("\t\b\v\f\r\x1b"), NOT_ONE_OF("<<\"\\t\\b\\v\\f\\r\\e\">>")},
	{STR("b\n\x01"), NOT_ONE_OF("<<98,10,1>>")},
	{STR("\0"), NOT_ONE_OF("<<0>>")},
	{STR("\x7f"), NOT_ONE_OF("<<127>>")},
	{STR("\xc2\x80"), NOT_ONE_OF("<<194,128>>")},
	{STR("\xff\xfe"), NOT_ONE_OF("<<\"\xff\xfe\">>")},
	{BYTES("all"), NOT_TEXT("binary", "<<\"all\">>")},
	{INT_OF(VALUE_I32, 1), NOT_TEXT("signedint", "1")},
	{INT_OF(VALUE_I8, -1), NOT_TEXT("byte", "-1")},
	{INT_OF(VALUE_U64, -1), NOT_TEXT("long", "-1")},
	{INT_OF(VALUE_TIME, -1), NOT_TEXT("timestamp", "18446744073709551615")},
	{BOOL(true), NOT_TEXT("bool", "true")},
	{BOOL(false), NOT_TEXT("bool", "false")},
	{NOTHING, NOT_TEXT("void", "undefined")},
	{DECIMAL(2, 150), NOT_TEXT("decimal", "{2,150}")},
	{DECIMAL(2, -150), NOT_TEXT("decimal", "{2,4294967146}")},
	{FLOAT(0.100000001490116119384765625), NOT_TEXT("float", "0.10000000149011612")},
	{{.type = VALUE_ARRAY}, NOT_TEXT("array", "[]")},
	{{.type = VALUE_TABLE}, NOT_TEXT("table", "[]")},
	{CONTAINER(VALUE_ARRAY, FIELD("", STR("all")), FIELD("", INT_OF(VALUE_I32, 1))),
	 NOT_TEXT("array", "[{longstr,<<\"all\">>},{signedint,1}]")},
	{CONTAINER(VALUE_TABLE, FIELD("a", STR("b"))), NOT_TEXT("table", "[{<<\"a\">>,longstr,<<\"b\">>}]")},
	/* On one line, where RabbitMQ breaks it. */
	{CONTAINER(VALUE_ARRAY, FIELD("", CONTAINER(VALUE_ARRAY, FIELD("", NOTHING))),
		   FIELD("", CONTAINER(VALUE_TABLE, FIELD("k", BOOL(false))))),
	 NOT_TEXT("array", "[{array,[{void,undefined}]},{table,[{<<\"k\">>,bool,false}]}]")},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct field f[] = {FIELD("a", STR("b")), {VIEW("x-match"), rows[i].x_match}};
		const struct table t = {f, 2};
		struct error e = {CODE_OK, ""};
		enum code code = binding_arguments_check(ROUTER_HEADERS, &t, &e);
		assert_int_equal(code, rows[i].text ? CODE_INVALID : CODE_OK);
		if (rows[i].text)
			assert_string_equal(e.text, rows[i].text);
		assert_int_equal(binding_arguments_check(ROUTER_TOPIC, &t, &e), CODE_OK);
	}
}

static void test_nothing_said(void **state)
{
	(void)state;
	const struct table t = TABLE(FIELD("x-matched", STR("bogus")));
	struct error e;
	assert_int_equal(binding_arguments_check(ROUTER_HEADERS, NULL, &e), CODE_OK);
	assert_int_equal(binding_arguments_check(ROUTER_HEADERS, &t, &e), CODE_OK);
}

/* Longer than an error's text. */
static void test_long_values_are_cut(void **state)
{
	(void)state;
	char octets[400];
	struct error e;
	memset(octets, 'x', sizeof octets);
	struct field f = {VIEW("x-match"), {.type = VALUE_STRING, .s = {(const uint8_t *)octets, sizeof octets}}};
	const struct table t = {&f, 1};
	assert_int_equal(binding_arguments_check(ROUTER_HEADERS, &t, &e), CODE_INVALID);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	assert_memory_equal(e.text, "Invalid x-match field value <<\"xxxx", 34);
}

static const struct {
	double d;
	const char *text;
} reals[] = {
	{0.0, "0.0"}, {-0.0, "-0.0"}, {100.0, "100.0"}, {1000.0, "1.0e3"}, {12345.0, "12345.0"}, {15000.0, "1.5e4"},
	{99999.0, "99999.0"}, {1234567.0, "1234567.0"}, {123456.789, "123456.789"}, {1000000.5, "1000000.5"},
	{123456789012345.6, "123456789012345.6"}, {1e15, "1.0e15"}, {9007199254740992.0, "9.007199254740992e15"},
	{123456789012345680.0, "1.2345678901234568e17"}, {1e22, "1.0e22"}, {1.5e300, "1.5e300"}, {0.1, "0.1"},
	{0.001, "0.001"}, {0.0001, "0.0001"}, {0.00012345, "1.2345e-4"}, {1e-5, "1.0e-5"}, {-1.5e-10, "-1.5e-10"},
	{5e-324, "5.0e-324"}, {-1.7976931348623157e308, "-1.7976931348623157e308"},
};

static void test_reals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
		const struct value v = REAL(reals[i].d);
		struct buf b;
		buf_init(&b, 64);
		erlang_text(&v, &b);
		assert_string_equal(buf_cstr(&b), reals[i].text);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_long_values_are_cut),
		cmocka_unit_test(test_reals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
