/* SPDX-License-Identifier: Apache-2.0 */
/* JSON token by token: every token of a text, written as one line, and no end to
 * errors once there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mapping/json_reader.h"

static const char *const names[] = {"{", "}", "[", "]", "k:", "s:", "n:", "true", "false", "null", "end", "error"};

/* Tokens with blanks between; of keys, strings and numbers the value too. */
static void tokens(const char *json, size_t depth, const char *want)
{
	struct json_reader r, copy;
	enum json_token t;
	struct arena a;
	struct buf b;

	arena_init(&a);
	buf_init(&b, 4096);
	json_reader_init(&r, view_str(json), &a, depth);
	do {
		copy = r;
		t = json_reader_next(&r);
		assert_int_equal(json_reader_next(&copy), t);
		buf_printf(&b, "%s%s", b.n ? " " : "", names[t]);
		if (t >= TOKEN_KEY && t <= TOKEN_NUMBER)
			buf_add(&b, r.value);
	} while (t != TOKEN_END && t != TOKEN_ERROR);
	assert_int_equal(json_reader_next(&r), t);
	assert_true(t != TOKEN_ERROR || r.why[0]);
	if (strcmp(buf_cstr(&b), want) != 0)
		fail_msg("%s: got %s, want %s", json, buf_cstr(&b), want);
	buf_fini(&b);
	arena_fini(&a);
}

static void all_tokens(void **state)
{
	static const char *const rows[][2] = {
		{"{}", "{ } end"},
		{" [ ] ", "[ ] end"},
		{"{\"a\":[1,{\"b\":null}],\"c\":true}", "{ k:a [ n:1 { k:b null } ] k:c true } end"},
		{"\"x\"", "s:x end"},
		{"-0.5e+10", "n:-0.5e+10 end"},
		{"1e400", "n:1e400 end"},
		{"\"\\u00e9\\ud83d\\ude00\\\\\\/\"", "s:\xc3\xa9\xf0\x9f\x98\x80\\/ end"},
		{"\"\\ud800x\"", "s:\xed\xa0\x80x end"},
		{"", "error"},
		{"{", "{ error"},
		{"{\"a\"", "{ error"},
		{"{\"a\":", "{ k:a error"},
		{"{\"a\":1", "{ k:a n:1 error"},
		{"{\"a\":1,}", "{ k:a n:1 error"},
		{"[1,]", "[ n:1 error"},
		{"[1}", "[ n:1 error"},
		{"[,1]", "[ error"},
		{"01", "error"},
		{"1.", "error"},
		{"-", "error"},
		{"1e", "error"},
		{"+1", "error"},
		{"tru", "error"},
		{"truex", "error"},
		{"\"a", "error"},
		{"\"a\\", "error"},
		{"\"a\\\"", "error"},
		{"\"\\u12\"", "error"},
		{"\"\x01\"", "error"},
		{"\"\xc3\"", "error"},
		{"1 1", "n:1 error"},
		{"{} x", "{ } error"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tokens(rows[i][0], JSON_READER_DEPTH_MAX, rows[i][1]);
}

static void depth(void **state)
{
	(void)state;
	tokens("[[{\"a\":1}]]", 3, "[ [ { k:a n:1 } ] ] end");
	tokens("[[{\"a\":[]}]]", 3, "[ [ { k:a error");
}

static void skipping(void **state)
{
	struct json_reader r;
	struct arena a;

	(void)state;
	arena_init(&a);
	json_reader_init(&r, VIEW("[{\"a\":[1,{}]},2,{"), &a, 10);
	json_reader_next(&r);
	assert_true(json_reader_skip(&r, json_reader_next(&r)));
	assert_true(json_reader_skip(&r, json_reader_next(&r)));
	assert_true(view_is(r.value, "2"));
	assert_false(json_reader_skip(&r, json_reader_next(&r)));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_tokens),
		cmocka_unit_test(depth),
		cmocka_unit_test(skipping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
