/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings and form bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http.h"

struct row {
	const char *form;
	int n; /* -1: malformed */
	const char *pairs; /* name|value; each */
};

static const struct row rows[] = {
	{"", 0, ""},
	{"a=b", 1, "a|b;"},
	{"Action=SendMessage&MessageBody=hello+world%21", 2, "Action|SendMessage;MessageBody|hello world!;"},
	{"a=1&a=2&b", 3, "a|1;a|2;b|;"},
	{"=x&y=", 2, "|x;y|;"},
	{"&&a=b&", 1, "a|b;"},
	{"a==b=c", 1, "a|=b=c;"},
	{"%61%3D=%26%2b+", 1, "a=|&+ ;"},
	{"k=%D0%96%d0%96", 1, "k|\xd0\x96\xd0\x96;"},
	{"a=%", -1, NULL},
	{"a=%4", -1, NULL},
	{"a=%4&b=1", -1, NULL},
	{"a=%zz", -1, NULL},
	{"%g0=1", -1, NULL},
	{"ok=1&a=%4g", -1, NULL},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct http_pair *pairs;
		struct arena a;
		struct buf text;
		int n;

		arena_init(&a);
		buf_init(&text, 4096);
		n = http_form_decode(view_str(rows[i].form), &a, &pairs);
		if (n != rows[i].n)
			fail_msg("%s: %d", rows[i].form, n);
		for (int k = 0; k < n; k++)
			buf_printf(&text, "%.*s|%.*s;", VIEW_ARG(pairs[k].name), VIEW_ARG(pairs[k].value));
		if (n >= 0 && !view_is(buf_view(&text), rows[i].pairs))
			fail_msg("%s: %.*s", rows[i].form, VIEW_ARG(buf_view(&text)));
		buf_fini(&text);
		arena_fini(&a);
	}
}

static void test_nul_stays(void **state)
{
	struct http_pair *pairs;
	struct arena a;

	(void)state;
	arena_init(&a);
	assert_int_equal(http_form_decode(VIEW("a=x%00y"), &a, &pairs), 1);
	assert_true(view_eq(pairs[0].value, VIEW("x\0y")));
	arena_fini(&a);
}

/* Ampersands alone must not buy a lot of memory. */
static void test_too_many(void **state)
{
	static uint8_t form[1 << 20];
	struct http_pair *pairs;
	struct arena a;

	(void)state;
	memset(form, '&', sizeof form);
	arena_init(&a);
	assert_int_equal(http_form_decode(view_of(form, sizeof form), &a, &pairs), -1);
	assert_true(a.total < 1 << 20);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul_stays),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
