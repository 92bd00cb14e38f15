/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/error.h"
#include "base/value.h"

static void integers_compare_by_value(void **state)
{
	static const char integers[] = "bBsuIilL";

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(integers); i++) {
		struct value a = {.type = integers[i], .i = 42};
		assert_true(value_is_integer(&a));
		for (size_t j = 0; j + 1 < sizeof(integers); j++) {
			struct value b = {.type = integers[j], .i = 42};
			assert_true(value_eq(&a, &b));
			b.i = 43;
			assert_false(value_eq(&a, &b));
		}
		struct value other[] = {{.type = VALUE_TIME, .i = 42},
					{.type = VALUE_DOUBLE, .d = 42},
					{.type = VALUE_BOOL, .boolean = true},
					{.type = VALUE_STRING, .s = VIEW("42")}};
		for (size_t j = 0; j < COUNT(other); j++) {
			assert_false(value_is_integer(&other[j]));
			assert_false(value_eq(&a, &other[j]));
		}
	}
}

static void the_rest_compares_by_kind(void **state)
{
	struct value s = {.type = VALUE_STRING, .s = VIEW("x")};
	struct value x = {.type = VALUE_BYTES, .s = VIEW("x")};
	struct value f = {.type = VALUE_FLOAT, .d = 1.5}, d = {.type = VALUE_DOUBLE, .d = 1.5};
	struct value v = {.type = VALUE_VOID};
	struct value t = {.type = VALUE_BOOL, .boolean = true}, u = {.type = VALUE_BOOL};
	struct value m = {.type = VALUE_DECIMAL, .decimal = {2, 314}}, n = m;
	struct value odd = {.type = '?'};

	(void)state;
	assert_true(value_eq(&s, &s));
	assert_false(value_eq(&s, &x));
	assert_true(value_eq(&f, &d));
	assert_true(value_eq(&v, &v));
	assert_false(value_eq(&v, &u));
	assert_false(value_eq(&t, &u));
	assert_true(value_eq(&m, &n));
	n.decimal.scale = 3;
	assert_false(value_eq(&m, &n));
	assert_false(value_eq(&odd, &odd));
}

static void nested_tables(void **state)
{
	char name[] = "inner", text[] = "deep";
	struct field deep[] = {{view_str(name), {.type = VALUE_STRING, .s = view_str(text)}}};
	struct field list[] = {{VIEW_NONE, {.type = VALUE_TABLE, .table = {deep, 1}}},
			       {VIEW_NONE, {.type = VALUE_I32, .i = -1}}};
	struct field top[] = {{VIEW("a"), {.type = VALUE_ARRAY, .table = {list, 2}}},
			      {VIEW("n"), {.type = VALUE_U8, .i = 200}},
			      {VIEW("a"), {.type = VALUE_VOID}}};
	struct table t = {top, 3};
	struct arena a;

	(void)state;
	arena_init(&a);
	struct table copy = table_copy(&a, &t);
	struct value before = {.type = VALUE_TABLE, .table = {top, 3}};
	struct value after = {.type = VALUE_TABLE, .table = {copy.v, copy.n}};
	assert_true(value_eq(&before, &after));
	text[0] = 'D'; /* the copy has nothing of the original's */
	name[0] = 'I';
	assert_false(value_eq(&before, &after));
	const struct value *found = table_find(&copy, VIEW("a"));
	assert_ptr_equal(found, &copy.v[0].value); /* the first of that name */
	check_view(found->table.v[0].value.table.v[0].name, VIEW("inner"));
	check_view(found->table.v[0].value.table.v[0].value.s, VIEW("deep"));
	assert_null(table_find(&copy, VIEW("b")));
	after.table.n = 2;
	assert_false(value_eq(&before, &after));
	struct table none = {0};
	assert_int_equal(table_copy(&a, &none).n, 0);
	arena_fini(&a);
}

/* rabbitmq.md 3.4 */
static void type_names_are_rabbitmqs(void **state)
{
	static const struct { char type; const char *name; } rows[] = {
		{'b', "byte"}, {'B', "unsignedbyte"}, {'s', "short"}, {'u', "unsignedshort"},
		{'I', "signedint"}, {'i', "unsignedint"}, {'l', "long"}, {'L', "long"},
		{'d', "double"}, {'f', "float"}, {'S', "longstr"}, {'t', "bool"},
		{'V', "void"}, {'D', "decimal"}, {'x', "binary"}, {'T', "timestamp"},
		{'A', "array"}, {'F', "table"}, {'?', "unknown"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(value_type_name(rows[i].type), rows[i].name);
}

static void errors_are_cut_to_fit(void **state)
{
	char large[400];
	struct error e;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = 0;
	assert_int_equal(error_set(&e, CODE_LIMIT, "%d queues", 5), CODE_LIMIT);
	assert_int_equal(e.code, CODE_LIMIT);
	assert_string_equal(e.text, "5 queues");
	error_set(&e, CODE_INVALID, "%s", large);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_int_equal(error_set(NULL, CODE_LOCKED, "x"), CODE_LOCKED);
	for (int c = 0; c < CODES; c++) {
		assert_non_null(code_name((enum code)c));
		assert_string_not_equal(code_name((enum code)c), "unknown");
	}
	assert_string_equal(code_name((enum code)999), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_compare_by_value),
		cmocka_unit_test(the_rest_compares_by_kind),
		cmocka_unit_test(nested_tables),
		cmocka_unit_test(type_names_are_rabbitmqs),
		cmocka_unit_test(errors_are_cut_to_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
