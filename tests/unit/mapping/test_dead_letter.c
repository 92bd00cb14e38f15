/* SPDX-License-Identifier: Apache-2.0 */
/* x-death: what a death adds to a bag, and the cycle rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "mapping/dead_letter.h"
#include "unit/mapping/values.h"

static const struct death DEATH = {
	.reason = "expired",
	.queue = {(const uint8_t *)"q", 1},
	.exchange = {(const uint8_t *)"e", 1},
	.key = {(const uint8_t *)"k", 1},
	.time_s = 7,
};

static void equal(const struct table *got, const struct table *wanted)
{
	const struct value a = {.type = VALUE_TABLE, .table = {got->v, got->n}};
	const struct value b = {.type = VALUE_TABLE, .table = {wanted->v, wanted->n}};
	assert_true(value_eq(&a, &b));
}

#define EVENT(count, reason, queue)                                                                        \
	FIELD("", CONTAINER(VALUE_TABLE, FIELD("count", INT_OF(VALUE_I64, count)), FIELD("reason", STR(reason)), \
			    FIELD("queue", STR(queue))))

static void test_first_death(void **state)
{
	struct arena a;
	const struct table headers = TABLE(FIELD("z", BOOL(true)), FIELD("CC", CONTAINER(VALUE_ARRAY, FIELD("", STR("c")))));
	struct bag bag = {.has = BAG_HEADERS | BAG_EXPIRATION, .expiration = VIEW("90"), .headers = headers};
	const struct table wanted = TABLE(
		FIELD("CC", CONTAINER(VALUE_ARRAY, FIELD("", STR("c")))),
		FIELD("x-death",
		      CONTAINER(VALUE_ARRAY,
				FIELD("", CONTAINER(VALUE_TABLE, FIELD("count", INT_OF(VALUE_I64, 1)),
						    FIELD("reason", STR("expired")), FIELD("queue", STR("q")),
						    FIELD("time", INT_OF(VALUE_TIME, 7)), FIELD("exchange", STR("e")),
						    FIELD("routing-keys",
							  CONTAINER(VALUE_ARRAY, FIELD("", STR("k")), FIELD("", STR("c")))),
						    FIELD("original-expiration", STR("90")))))),
		FIELD("x-first-death-exchange", STR("e")), FIELD("x-first-death-queue", STR("q")),
		FIELD("x-first-death-reason", STR("expired")), FIELD("x-last-death-exchange", STR("e")),
		FIELD("x-last-death-queue", STR("q")), FIELD("x-last-death-reason", STR("expired")),
		FIELD("z", BOOL(true)));
	(void)state;
	arena_init(&a);
	dead_letter_mark(&bag, &DEATH, &a);
	equal(&bag.headers, &wanted);
	assert_int_equal(bag.has, BAG_HEADERS);
	arena_fini(&a);
}

static void test_again(void **state)
{
	struct arena a;
	const struct table headers = TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(2, "rejected", "o"),
								      EVENT(3, "expired", "q"), EVENT(9, "expired", "q"))));
	const struct table wanted =
		TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY,
						 FIELD("", CONTAINER(VALUE_TABLE, FIELD("count", INT_OF(VALUE_I64, 4)),
								     FIELD("queue", STR("q")), FIELD("reason", STR("expired")))),
						 EVENT(2, "rejected", "o"))));
	struct bag bag = {.has = BAG_HEADERS, .headers = headers};
	(void)state;
	arena_init(&a);
	dead_letter_mark(&bag, &DEATH, &a);
	bag.headers.n = 1; /* without x-last-death-* */
	equal(&bag.headers, &wanted);
	arena_fini(&a);
}

static void test_another_key(void **state)
{
	struct arena a;
	struct death d = DEATH;
	const struct table headers = TABLE(FIELD("CC", CONTAINER(VALUE_ARRAY, FIELD("", STR("c")))), FIELD("x-death", STR("?")));
	struct bag bag = {.has = BAG_HEADERS, .headers = headers};
	(void)state;
	arena_init(&a);
	d.rekeyed = true;
	dead_letter_mark(&bag, &d, &a);
	assert_null(table_find(&bag.headers, VIEW("CC")));
	assert_null(table_find(&bag.headers, VIEW("x-first-death-queue")));
	assert_int_equal(table_find(&bag.headers, VIEW("x-death"))->table.n, 1);
	arena_fini(&a);
}

static void test_cycles(void **state)
{
	const struct {
		struct table headers;
		bool cycle;
	} rows[] = {
		{{NULL, 0}, false},
		{TABLE(FIELD("x-death", STR("q"))), false},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(1, "expired", "q")))), true},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(1, "expired", "o")))), false},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(1, "maxlen", "o"), EVENT(1, "expired", "q")))), true},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(1, "rejected", "o"), EVENT(1, "expired", "q")))), false},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(1, "expired", "q"), EVENT(1, "rejected", "o")))), true},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, EVENT(1, "rejected", "q")))), false},
		{TABLE(FIELD("x-death", CONTAINER(VALUE_ARRAY, FIELD("", STR("?")), EVENT(1, "expired", "q")))), false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(dead_letter_cycles(&rows[i].headers, VIEW("q")), rows[i].cycle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_death),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_cycles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
