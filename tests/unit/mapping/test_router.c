/* SPDX-License-Identifier: Apache-2.0 */
/* The router's door for every kind: identity, removal, iteration, cursors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "mapping/router.h"
#include "values.h"

static const enum router_kind kinds[] = {ROUTER_DIRECT, ROUTER_FANOUT, ROUTER_TOPIC, ROUTER_HEADERS};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static int by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Sorted, each once; handed over in pieces of 3. */
static size_t matched(const struct router *r, struct view key, uint64_t *out, size_t max)
{
	struct router_cursor c = {0};
	size_t n = 0, got, kept = 0;
	router_match(r, key, NULL, &c);
	while ((got = router_next(&c, out + n, max - n < 3 ? max - n : 3)))
		n += got;
	assert_int_equal(router_next(&c, out, 1), 0);
	router_cursor_fini(&c);
	if (n)
		qsort(out, n, sizeof *out, by_id);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || out[i] != out[i - 1])
			out[kept++] = out[i];
	return kept;
}

static void check_matched(const struct router *r, const char *key, size_t n, const uint64_t *want)
{
	uint64_t got[64];
	assert_int_equal(matched(r, view_str(key), got, 64), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], want[i]);
}

static void test_direct(void **state)
{
	(void)state;
	struct router *r = router_new(ROUTER_DIRECT);
	assert_true(router_add(r, VIEW("a"), NULL, 1));
	assert_true(router_add(r, VIEW("a"), NULL, 2));
	assert_true(router_add(r, VIEW("b"), NULL, 1));
	assert_true(router_add(r, VIEW(""), NULL, 3));
	check_matched(r, "a", 2, (uint64_t[]){1, 2});
	check_matched(r, "b", 1, (uint64_t[]){1});
	check_matched(r, "", 1, (uint64_t[]){3});
	check_matched(r, "c", 0, NULL);
	assert_int_equal(router_remove_destination(r, 1), 2);
	check_matched(r, "a", 1, (uint64_t[]){2});
	check_matched(r, "b", 0, NULL);
	router_free(r);
}

static void test_fanout(void **state)
{
	(void)state;
	struct router *r = router_new(ROUTER_FANOUT);
	check_matched(r, "x", 0, NULL);
	assert_true(router_add(r, VIEW("a"), NULL, 5));
	assert_true(router_add(r, VIEW("b"), NULL, 5));
	assert_true(router_add(r, VIEW(""), NULL, 4));
	check_matched(r, "anything", 2, (uint64_t[]){4, 5});
	assert_true(router_remove(r, VIEW("a"), NULL, 5));
	check_matched(r, "", 2, (uint64_t[]){4, 5});
	assert_true(router_remove(r, VIEW("b"), NULL, 5));
	check_matched(r, "", 1, (uint64_t[]){4});
	router_free(r);
}

static void test_free_of_none(void **state)
{
	(void)state;
	router_free(NULL);
}

/* rabbitmq.md 2.11: (key, arguments, destination), arguments in any order, with
 * their types. */
static void test_identity(void **state)
{
	(void)state;
	const struct table one = TABLE(FIELD("x", INT_OF(VALUE_I64, 1)), FIELD("s", STR("v")));
	const struct table same = TABLE(FIELD("s", STR("v")), FIELD("x", INT_OF(VALUE_U64, 1)));
	const struct table others[] = {
		TABLE(FIELD("x", INT_OF(VALUE_I64, 2)), FIELD("s", STR("v"))),
		TABLE(FIELD("x", INT_OF(VALUE_I32, 1)), FIELD("s", STR("v"))),
		TABLE(FIELD("x", INT_OF(VALUE_I64, 1)), FIELD("s", BYTES("v"))),
		TABLE(FIELD("x", INT_OF(VALUE_I64, 1))),
		TABLE(FIELD("x", NOTHING), FIELD("s", STR("v"))),
		TABLE(FIELD("x", BOOL(true)), FIELD("s", STR("v"))),
		TABLE(FIELD("x", REAL(1.0)), FIELD("s", STR("v"))),
		TABLE(FIELD("x", FLOAT(1.0)), FIELD("s", STR("v"))),
		TABLE(FIELD("x", DECIMAL(0, 1)), FIELD("s", STR("v"))),
		TABLE(FIELD("x", CONTAINER(VALUE_ARRAY, FIELD("", INT_OF(VALUE_I8, 1)))), FIELD("s", STR("v"))),
		TABLE(FIELD("x", CONTAINER(VALUE_TABLE, FIELD("", INT_OF(VALUE_I8, 1)))), FIELD("s", STR("v"))),
	};
	const struct table empty = {NULL, 0};
	for (size_t k = 0; k < KINDS; k++) {
		struct router *r = router_new(kinds[k]);
		size_t n = 0;
		assert_true(router_add(r, VIEW("k"), NULL, 1));
		assert_false(router_add(r, VIEW("k"), &empty, 1));
		assert_true(router_add(r, VIEW("k"), &one, 1));
		assert_false(router_add(r, VIEW("k"), &one, 1));
		assert_false(router_add(r, VIEW("k"), &same, 1));
		assert_true(router_add(r, VIEW("k"), &one, 2));
		assert_true(router_add(r, VIEW("l"), &one, 1));
		for (size_t i = 0; i < sizeof others / sizeof others[0]; i++, n++)
			assert_true(router_add(r, VIEW("k"), &others[i], 1));
		assert_int_equal(router_bindings(r), n + 4);
		assert_true(router_remove(r, VIEW("k"), &same, 1));
		assert_false(router_remove(r, VIEW("k"), &one, 1));
		for (size_t i = 0; i < n; i++)
			assert_true(router_remove(r, VIEW("k"), &others[i], 1));
		assert_int_equal(router_bindings(r), 3);
		assert_true(router_reaches(r, 2));
		assert_int_equal(router_remove_destination(r, 2), 1);
		assert_int_equal(router_remove_destination(r, 2), 0);
		assert_false(router_reaches(r, 2));
		assert_true(router_reaches(r, 1));
		router_free(r);
	}
}

struct seen {
	size_t n;
	uint64_t destinations;
	bool saw_arguments;
};

static void count(void *ctx, struct view key, const struct table *arguments, uint64_t destination)
{
	struct seen *s = ctx;
	s->n++;
	s->destinations += destination;
	assert_true(view_is(key, "k") || view_is(key, "l.*.#"));
	const struct value *v = table_find(arguments, VIEW("nested"));
	if (!v)
		return;
	s->saw_arguments = true;
	assert_int_equal(v->type, VALUE_TABLE);
	assert_true(view_is(v->table.v[0].name, "in"));
	assert_true(view_is(v->table.v[0].value.s, "side"));
	assert_int_equal(table_find(arguments, VIEW("a"))->i, 7);
}

static void test_each_gives_back_what_was_added(void **state)
{
	(void)state;
	const struct table t = TABLE(FIELD("nested", CONTAINER(VALUE_TABLE, FIELD("in", STR("side")))),
				     FIELD("a", INT_OF(VALUE_U8, 7)));
	for (size_t k = 0; k < KINDS; k++) {
		struct router *r = router_new(kinds[k]);
		struct seen s = {0};
		router_add(r, VIEW("k"), NULL, 10);
		router_add(r, VIEW("k"), &t, 20);
		router_add(r, VIEW("l.*.#"), NULL, 30);
		router_each(r, count, &s);
		assert_int_equal(s.n, 3);
		assert_int_equal(s.destinations, 60);
		assert_true(s.saw_arguments);
		router_free(r);
	}
}

static void test_cursor_keeps_its_array(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct router *r = router_new(kinds[k]);
		struct router_cursor c = {0};
		for (uint64_t d = 1; d <= 200; d++)
			router_add(r, VIEW("k.k"), NULL, d);
		router_match(r, VIEW("k.k"), NULL, &c);
		const uint64_t *found = c.found;
		for (int i = 0; i < 100; i++) {
			router_match(r, VIEW("k.k"), NULL, &c);
			assert_int_equal(c.n, 200);
			assert_ptr_equal(c.found, found);
		}
		router_cursor_fini(&c);
		router_free(r);
	}
}

/* Enough that a scan of the other destinations' bindings would be noticed:
 * 40,000 removals among 40,000 bindings of one key. */
static void test_removing_a_destination_is_no_scan(void **state)
{
	(void)state;
	enum { MANY = 40000 };
	for (size_t k = 0; k < KINDS; k++) {
		struct router *r = router_new(kinds[k]);
		uint64_t start = clock_mono_us();
		for (uint64_t d = 1; d <= MANY; d++)
			router_add(r, VIEW("k"), NULL, d);
		for (uint64_t d = 1; d <= MANY; d++)
			assert_int_equal(router_remove_destination(r, d), 1);
		assert_int_equal(router_bindings(r), 0);
		assert_true(clock_mono_us() - start < 5000000);
		router_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_fanout),
		cmocka_unit_test(test_free_of_none),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_each_gives_back_what_was_added),
		cmocka_unit_test(test_cursor_keeps_its_array),
		cmocka_unit_test(test_removing_a_destination_is_no_scan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
