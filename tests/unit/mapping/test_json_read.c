/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader against jansson, on texts of every kind and on mutations of them, and
 * what it answers of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "mapping/json_read.h"

static bool same(const struct jvalue *v, json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_NULL:
		return v->kind == JV_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return v->kind == JV_BOOL && v->number == json_is_true(j);
	case JSON_INTEGER:
		return v->kind == JV_INTEGER && v->number == json_integer_value(j);
	case JSON_REAL:
		return v->kind == JV_REAL;
	case JSON_STRING:
		return v->kind == JV_TEXT &&
		       view_eq(v->text, view_of(json_string_value(j), json_string_length(j)));
	case JSON_ARRAY:
		break;
	case JSON_OBJECT: {
		const char *name;
		json_t *member;
		size_t n = 0;
		json_object_foreach(j, name, member) {
			const struct jvalue *m = json_read_member(v, name);
			if (!m || !json_read_is_last(m) || !same(m, member))
				return false;
		}
		for (const struct jvalue *m = v->first; m; m = m->next)
			n += json_read_is_last(m);
		return v->kind == JV_OBJECT && n == json_object_size(j);
	}
	}
	const struct jvalue *item = v->first;
	for (size_t i = 0; i < json_array_size(j); i++, item = item->next)
		if (!item || !same(item, json_array_get(j, i)))
			return false;
	return v->kind == JV_ARRAY && !item && v->n == json_array_size(j);
}

/* Both accept it and mean the same, or both refuse it. */
static void compare(struct view text)
{
	struct arena a;
	json_error_t why;
	arena_init(&a);
	/* In a block of its own, so that a read past its end is seen. */
	uint8_t *p = malloc(text.n ? text.n : 1);
	assert_non_null(p);
	view_put(p, text);
	const struct jvalue *v = json_read(view_of(p, text.n), &a);
	json_t *j = json_loadb((const char *)p, text.n, JSON_ALLOW_NUL, &why);
	bool too_large = !j && json_error_code(&why) == json_error_numeric_overflow;
	if (!too_large && (!v != !j || (v && !same(v, j))))
		fail_msg("%.*s: %s", VIEW_ARG(text), v ? j ? "differs" : "taken" : "refused");
	json_decref(j);
	free(p);
	arena_fini(&a);
}

static const char *const texts[] = {
	"{}", "[]", " {\t}\n ", "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\":1,}", "{,}", "{\"a\"}",
	"{\"a\":}", "{a:1}", "{1:1}", "[1 2]", "[1]x", "[1][2]", "null", "1", "\"a\"", "true",
	"[null,true,false]", "[nul]", "[nullx]", "[True]",
	"[0,-0,1,-1,12345678901,9223372036854775807,-9223372036854775808]",
	"[9223372036854775808]", "[-9223372036854775809]", "[99999999999999999999999]",
	"[01]", "[-]", "[+1]", "[1.]", "[.5]", "[0.5,1e3,1E+3,1e-3,-0.0]", "[1e]", "[1e+]", "[0x1]",
	"[\"\",\"a\",\"a b\",\"0123456789abcdef\"]", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\x\"]", "[\"\\\"]",
	"[\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"]", "[\"\\ud83d\"]", "[\"\\ude00\"]", "[\"\\ud83d\\u0041\"]",
	"[\"\\ud83dx\"]", "[\"\\u12\"]", "[\"\\u12g4\"]", "[\"\\u0000\"]", "{\"\\u0000\":1}", "{\"a\\u0000b\":1}",
	"[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]", "[\"\xc3\"]", "[\"\xff\"]", "[\"\xed\xa0\x80\"]",
	"[\"01234567\xc0\xaf\"]", "[\"a\x01\"]", "[\"a\n\"]", "[\"0123456\x1f\"]", "[\"\x7f\"]", "[\"open",
	"[\"\xc3\\u00a9\"]", "{\"a\":1,\"b\":2,\"a\":3}", "{\"\":[{\"a\":[[]]}]}", "{\"a\":{\"b\":{\"c\":[1,{\"d\":null}]}}}",
	"{\"QueueUrl\":\"http://x/1/q\",\"Entries\":[{\"Id\":\"1\",\"MessageBody\":\"a\\nb\",\"DelaySeconds\":5}]}",
};

enum { TEXTS = sizeof texts / sizeof *texts, MUTATIONS = 400, MUTANT_MAX = 256 };

static void reads_what_jansson_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++)
		compare(view_str(texts[i]));
	compare(view_of("[\0]", 3));
	compare(view_of("[1]\0", 4));
}

/* A stop at every distance from the front, with other stops behind it. */
static void plain_runs_end_where_they_should(void **state)
{
	(void)state;
	static const uint8_t stops[] = {'"', '\\', 0, 1, 0x1f, 0x80, 0xff};
	uint8_t text[40];
	for (size_t s = 0; s < sizeof stops; s++)
		for (size_t at = 0; at < sizeof text; at++) {
			for (size_t i = 0; i < sizeof text; i++)
				text[i] = (uint8_t)(i < at ? "! #[]~\x7fz"[i % 8] : stops[(s + i) % sizeof stops]);
			text[at] = stops[s];
			assert_int_equal(utf8_plain(view_of(text, sizeof text)), at);
			assert_int_equal(utf8_plain(view_of(text, at)), at);
		}
	assert_int_equal(utf8_plain(VIEW_NONE), 0);
}

static void mutations_are_read_alike(void **state)
{
	(void)state;
	static const char bytes[] = "{}[]\",:\\u0/ \n1-.eEtfn\x01\x80\xc3\xed\xf0";
	struct rng rng;
	rng_seed(&rng, 1);
	for (size_t i = 0; i < TEXTS; i++)
		for (int k = 0; k < MUTATIONS; k++) {
			uint8_t mutant[MUTANT_MAX];
			size_t n = strlen(texts[i]);
			memcpy(mutant, texts[i], n);
			for (uint64_t edits = rng_below(&rng, 3) + 1; edits && n; edits--) {
				size_t at = rng_below(&rng, n);
				if (rng_below(&rng, 4) == 0) {
					memmove(mutant + at, mutant + at + 1, n - at - 1);
					n--;
				} else {
					mutant[at] = (uint8_t)bytes[rng_below(&rng, sizeof bytes - 1)];
				}
			}
			compare(view_of(mutant, n));
		}
}

static void limits_hold(void **state)
{
	(void)state;
	struct arena a;
	struct buf b;
	arena_init(&a);
	buf_init(&b, 1 << 20);
	for (int depth = JSON_READ_DEPTH_MAX; depth <= JSON_READ_DEPTH_MAX + 1; depth++) {
		buf_clear(&b);
		for (int i = 0; i < depth; i++)
			buf_add_u8(&b, '[');
		for (int i = 0; i < depth; i++)
			buf_add_u8(&b, ']');
		assert_int_equal(json_read(buf_view(&b), &a) != NULL, depth == JSON_READ_DEPTH_MAX);
	}
	for (int n = JSON_READ_VALUES_MAX; n <= JSON_READ_VALUES_MAX + 1; n++) {
		buf_clear(&b);
		buf_add_u8(&b, '[');
		for (int i = 0; i < n; i++)
			buf_add_str(&b, i ? ",0" : "0");
		buf_add_u8(&b, ']');
		assert_int_equal(json_read(buf_view(&b), &a) != NULL, n == JSON_READ_VALUES_MAX);
	}
	buf_fini(&b);
	arena_fini(&a);
}

static void plain_texts_are_not_copied(void **state)
{
	(void)state;
	struct arena a;
	struct view json = VIEW("{\"a\":\"plain \xc3\xa9\",\"b\":\"a\\nb\"}");
	arena_init(&a);
	const struct jvalue *v = json_read(json, &a);
	assert_non_null(v);
	assert_ptr_equal(json_read_member(v, "a")->text.p, json.p + 6);
	assert_true(view_is(json_read_member(v, "b")->text, "a\nb"));
	assert_null(json_read_member(v, "c"));
	assert_null(json_read_member(json_read_member(v, "a"), "b"));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_jansson_reads),
		cmocka_unit_test(plain_runs_end_where_they_should),
		cmocka_unit_test(mutations_are_read_alike),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(plain_texts_are_not_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
