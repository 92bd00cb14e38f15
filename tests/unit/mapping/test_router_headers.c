/* SPDX-License-Identifier: Apache-2.0 */
/* The index of headers against rows measured on RabbitMQ 3.10, against the rule of
 * headers_model.h, and against the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "headers_model.h"
#include "mapping/router.h"

#define ALL FIELD("x-match", STR("all"))
#define ANY FIELD("x-match", STR("any"))
#define ALL_X FIELD("x-match", STR("all-with-x"))
#define ANY_X FIELD("x-match", STR("any-with-x"))
#define I(name, n) FIELD(name, INT_OF(VALUE_I32, n))
#define NONE {NULL, 0}

/* rabbitmq.md 2.15; each is also a row of tests/clients/amqp_route.py. */
static const struct match_row {
	struct table arguments, headers;
	bool match;
} rows[] = {
	{NONE, NONE, true},
	{NONE, TABLE(I("a", 1)), true},
	{TABLE(ALL), NONE, true},
	{TABLE(ALL), TABLE(I("a", 1)), true},
	{TABLE(ANY), NONE, false},
	{TABLE(ANY), TABLE(I("a", 1)), false},
	{TABLE(ANY, I("x-a", 1)), TABLE(I("x-a", 1)), false},
	{TABLE(ALL, I("x-a", 1)), NONE, true},
	{TABLE(ALL, I("x", 1)), NONE, false},
	{TABLE(ALL_X), NONE, true},
	{TABLE(ALL_X), TABLE(I("x-match", 1)), true},
	{TABLE(ANY_X), TABLE(FIELD("x-match", STR("any-with-x"))), false},
	{TABLE(ALL_X, I("x-a", 1)), NONE, false},
	{TABLE(ALL_X, I("x-a", 1)), TABLE(I("x-a", 1)), true},
	{TABLE(ALL_X, FIELD("x-a", NOTHING)), TABLE(I("x-a", 1)), true},
	{TABLE(ANY_X, I("x-a", 1), I("b", 1)), TABLE(I("x-a", 1)), true},
	{TABLE(I("a", 1), I("b", 2)), TABLE(I("b", 2), I("a", 1), I("c", 3)), true},
	{TABLE(I("a", 1), I("b", 2)), TABLE(I("a", 1)), false},
	{TABLE(I("a", 1), I("b", 2)), TABLE(I("a", 1), I("b", 3)), false},
	{TABLE(ANY, I("a", 1), I("b", 2)), TABLE(I("a", 1), I("b", 3)), true},
	{TABLE(ANY, I("a", 1), I("b", 2)), TABLE(I("a", 2), I("b", 1)), false},
	{TABLE(FIELD("a", NOTHING)), TABLE(FIELD("a", STR("x"))), true},
	{TABLE(FIELD("a", NOTHING)), TABLE(FIELD("a", NOTHING)), true},
	{TABLE(FIELD("a", NOTHING)), TABLE(I("b", 1)), false},
	{TABLE(I("a", 1)), TABLE(FIELD("a", NOTHING)), false},
	/* Of several of one name the n-th meets the n-th. */
	{TABLE(I("a", 1), I("a", 1)), TABLE(I("a", 1)), false},
	{TABLE(I("a", 1), I("a", 1)), TABLE(I("a", 1), I("a", 1)), true},
	{TABLE(I("a", 1)), TABLE(I("a", 2), I("a", 1)), false},
	{TABLE(I("a", 1)), TABLE(I("a", 1), I("a", 2)), true},
	{TABLE(I("a", 1), I("a", 2)), TABLE(I("a", 2), I("a", 1)), false},
	{TABLE(ANY, I("a", 1), I("a", 2)), TABLE(I("a", 2)), false},
	{TABLE(ANY, I("a", 1), I("a", 2)), TABLE(I("a", 2), I("a", 2)), true},
	{TABLE(FIELD("a", NOTHING), I("a", 1)), TABLE(I("a", 5), I("a", 1)), true},
	{TABLE(ALL, ANY, I("a", 1), I("b", 1)), TABLE(I("a", 1)), false},
	{TABLE(ANY, ALL, I("a", 1), I("b", 1)), TABLE(I("a", 1)), true},
};

static bool index_matches(const struct router *r, const struct table *headers)
{
	struct router_cursor c = {0};
	router_match(r, VIEW("any key"), headers, &c);
	size_t n = c.n;
	router_cursor_fini(&c);
	return n == 1;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct router *r = router_new(ROUTER_HEADERS);
		router_add(r, VIEW(""), &rows[i].arguments, 1);
		if (index_matches(r, &rows[i].headers) != rows[i].match ||
		    model_reaches(&rows[i].arguments, &rows[i].headers) != rows[i].match)
			fail_msg("row %zu", i);
		assert_true(router_remove(r, VIEW(""), &rows[i].arguments, 1));
		assert_false(index_matches(r, &rows[i].headers));
		router_free(r);
	}
}

static void test_no_table_is_an_empty_one(void **state)
{
	(void)state;
	struct router *r = router_new(ROUTER_HEADERS);
	router_add(r, VIEW(""), NULL, 1);
	assert_true(index_matches(r, NULL));
	router_free(r);
}

/* Classes of values that match each other, and no other class. */
#define CLASS_MAX 16
static const struct value classes[][CLASS_MAX] = {
	{INT_OF(VALUE_I8, 1), INT_OF(VALUE_U8, 1), INT_OF(VALUE_I16, 1), INT_OF(VALUE_U16, 1), INT_OF(VALUE_I32, 1),
	 INT_OF(VALUE_U32, 1), INT_OF(VALUE_I64, 1), INT_OF(VALUE_U64, 1), FLOAT(1.0), REAL(1.0), INT_OF(VALUE_TIME, 1)},
	{INT_OF(VALUE_I32, 0), REAL(0.0), REAL(-0.0)},
	{INT_OF(VALUE_I64, 1LL << 60), REAL(0x1p60), INT_OF(VALUE_TIME, 1LL << 60)},
	{INT_OF(VALUE_I64, -1), INT_OF(VALUE_U64, -1), REAL(-1.0)},
	{INT_OF(VALUE_TIME, -1)}, /* 2^64 - 1 */
	{INT_OF(VALUE_TIME, INT64_MIN), REAL(0x1p63)},
	{INT_OF(VALUE_I64, INT64_MIN), REAL(-0x1p63)},
	{REAL(0x1p64)},
	{FLOAT(0.100000001490116119384765625), REAL(0.100000001490116119384765625)},
	{REAL(0.1)},
	{STR("1"), BYTES("1")},
	{STR(""), BYTES("")},
	{BOOL(true)},
	{BOOL(false)},
	{DECIMAL(0, 1)},
	{DECIMAL(1, 10)},
	{{.type = VALUE_ARRAY}, {.type = VALUE_TABLE}},
	{CONTAINER(VALUE_ARRAY, FIELD("", INT_OF(VALUE_I32, 1)))},
	{CONTAINER(VALUE_ARRAY, FIELD("", INT_OF(VALUE_I64, 1))), CONTAINER(VALUE_ARRAY, FIELD("", INT_OF(VALUE_U64, 1)))},
	{CONTAINER(VALUE_ARRAY, FIELD("", REAL(1.0)))},
	{CONTAINER(VALUE_ARRAY, FIELD("", STR("1")))},
	{CONTAINER(VALUE_ARRAY, FIELD("", BYTES("1")))},
	{CONTAINER(VALUE_TABLE, FIELD("", INT_OF(VALUE_I32, 1)))},
	{CONTAINER(VALUE_TABLE, FIELD("a", INT_OF(VALUE_I32, 1)), FIELD("b", NOTHING))},
	{CONTAINER(VALUE_TABLE, FIELD("b", NOTHING), FIELD("a", INT_OF(VALUE_I32, 1)))},
};
enum { CLASSES = sizeof classes / sizeof classes[0] };

/* Each value bound alone; its class tells who is reached. */
static void test_values(void **state)
{
	(void)state;
	struct router *r = router_new(ROUTER_HEADERS);
	struct router_cursor c = {0};
	size_t of_class[CLASSES] = {0};
	for (size_t i = 0; i < CLASSES; i++) {
		for (size_t j = 0; j < CLASS_MAX && classes[i][j].type; j++) {
			struct field f = {VIEW("k"), classes[i][j]};
			of_class[i] += router_add(r, VIEW(""), &(struct table){&f, 1}, i);
		}
	}
	for (size_t i = 0; i < CLASSES; i++) {
		for (size_t j = 0; j < CLASS_MAX && classes[i][j].type; j++) {
			struct field f = {VIEW("k"), classes[i][j]};
			router_match(r, VIEW(""), &(struct table){&f, 1}, &c);
			if (c.n != of_class[i])
				fail_msg("class %zu, value %zu: %zu found", i, j, c.n);
			for (size_t k = 0; k < c.n; k++)
				assert_int_equal(c.found[k], i);
		}
	}
	router_cursor_fini(&c);
	router_free(r);
}

static void test_random_scripts(void **state)
{
	(void)state;
	static uint8_t script[6000];
	struct rng rng;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		rng_seed(&rng, seed);
		for (size_t i = 0; i < sizeof script; i++)
			script[i] = (uint8_t)rng_below(&rng, 256);
		headers_script(view_of(script, sizeof script));
	}
}

/* ---- cost -------------------------------------------------------------------------- */

/* {tenant: shared, kind: one of 100, id: its own}; messages carry all three. */
static struct router *many_bound(size_t n)
{
	struct router *r = router_new(ROUTER_HEADERS);
	for (size_t i = 0; i < n; i++) {
		struct field f[] = {FIELD("tenant", STR("one")), FIELD("kind", INT_OF(VALUE_I32, (int64_t)i % 100)),
				    FIELD("id", INT_OF(VALUE_I32, (int64_t)i))};
		router_add(r, VIEW(""), &(struct table){f, 3}, i);
	}
	return r;
}

static double us_a_match(size_t n)
{
	enum { ROUNDS = 20000 };
	struct router *r = many_bound(n);
	struct router_cursor c = {0};
	const struct table headers = TABLE(FIELD("id", INT_OF(VALUE_I64, 42)), FIELD("tenant", STR("one")),
					   FIELD("other", STR("x")), FIELD("kind", INT_OF(VALUE_I32, 42)));
	uint64_t start = clock_mono_us();
	for (int i = 0; i < ROUNDS; i++) {
		router_match(r, VIEW(""), &headers, &c);
		assert_int_equal(c.n, 1);
	}
	double us = (double)(clock_mono_us() - start) / ROUNDS;
	router_cursor_fini(&c);
	router_free(r);
	return us;
}

/* A scan, or counting what shares a header, would cost a thousand times as much. */
static void test_cost_is_of_what_matches(void **state)
{
	(void)state;
	double few = us_a_match(100), many = us_a_match(100000);
	print_message("a match among 100 bindings %.2f us, among 100000 %.2f us\n", few, many);
	assert_true(many < 10 * few + 5);
}

static void test_steady_state_keeps_its_memory(void **state)
{
	(void)state;
	struct router *r = many_bound(1000);
	struct router_cursor c = {0};
	const struct table headers = TABLE(FIELD("tenant", STR("one")), FIELD("kind", INT_OF(VALUE_I32, 7)),
					   FIELD("id", INT_OF(VALUE_I32, 107)));
	router_match(r, VIEW(""), &headers, &c);
	const uint64_t *found = c.found;
	for (int i = 0; i < 100; i++) {
		router_match(r, VIEW(""), &headers, &c);
		assert_int_equal(c.n, 1);
		assert_int_equal(found[0], 107);
		assert_ptr_equal(c.found, found);
	}
	router_cursor_fini(&c);
	router_free(r);
}

/* One binding with 40,000 fields of one name: numbering them is no square. */
static void test_many_of_one_name(void **state)
{
	(void)state;
	enum { MANY = 40000 };
	struct field *f = calloc(MANY, sizeof *f);
	assert_non_null(f);
	for (size_t i = 0; i < MANY; i++)
		f[i] = (struct field){VIEW("a"), INT_OF(VALUE_I32, (int64_t)i)};
	const struct table t = {f, MANY};
	struct router *r = router_new(ROUTER_HEADERS);
	uint64_t start = clock_mono_us();
	router_add(r, VIEW(""), &t, 1);
	assert_true(index_matches(r, &t));
	f[MANY - 1].value.i = -1;
	assert_false(index_matches(r, &t));
	assert_true(clock_mono_us() - start < 2000000);
	router_free(r);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_table_is_an_empty_one),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_random_scripts),
		cmocka_unit_test(test_cost_is_of_what_matches),
		cmocka_unit_test(test_steady_state_keeps_its_memory),
		cmocka_unit_test(test_many_of_one_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
