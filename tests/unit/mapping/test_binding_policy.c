/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings as filter policies (mapping.md §3.3 B, §3.4): the texts, and, over whole
 * small universes, that a policy passes exactly what the router routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "filters.h"
#include "mapping/binding_policy.h"
#include "topic_model.h"

/* ---- a message of a key and headers, as policies see it ---- */

enum { VIRTUAL = 12 };

struct seen {
	struct arena arena;
	struct filter_attribute v[VIRTUAL];
	struct filter_input in;
};

static void text_put(struct seen *s, const char *name, enum filter_type type, struct view value)
{
	s->v[s->in.n_attributes++] = (struct filter_attribute){.name = view_str(name), .type = type, .value = value};
}

static void array_put(struct seen *s, const char *name, const struct view *v, size_t n)
{
	s->v[s->in.n_attributes++] = (struct filter_attribute){
		.name = view_str(name), .type = FILTER_STRING_ARRAY, .elements = v, .n_elements = n};
}

static void seen_key(struct seen *s, struct view key)
{
	struct routing_tokens t;

	routing_tokens_of(key, &s->arena, &t);
	text_put(s, "rk", FILTER_STRING, t.rk);
	text_put(s, "rk2", FILTER_STRING, t.rk);
	text_put(s, "n", FILTER_NUMBER, view_str(arena_printf(&s->arena, "%zu", t.words)));
	array_put(s, "tails", t.tails, t.n_tails);
	array_put(s, "t1", t.places, t.n_places);
	array_put(s, "t2", t.places, t.n_places);
	array_put(s, "t3", t.places, t.n_places);
}

static void seen_headers(struct seen *s, const struct table *headers)
{
	static const char *const names[] = {"h1", "h2", "h3", "h4", "h5"};
	struct view *tokens;
	size_t n = header_tokens_of(headers, &s->arena, &tokens);

	for (size_t i = 0; i < 5; i++)
		array_put(s, names[i], tokens, n);
}

static void seen_init(struct seen *s)
{
	*s = (struct seen){.in = {.arena = &s->arena}};
	arena_init(&s->arena);
	s->in.attributes = s->v;
}

static void seen_reset(struct seen *s)
{
	arena_reset(&s->arena);
	s->in = (struct filter_input){.attributes = s->v, .arena = &s->arena};
}

/* ---- texts ---- */

static void check_text(enum router_kind kind, const struct binding_view *v, size_t n, const char *want)
{
	enum binding_verdict verdict;
	const char *why;
	struct buf b;

	buf_init(&b, 1 << 20);
	verdict = binding_policy(kind, v, n, &b, &why);
	const char *got = verdict == BINDING_ALL ? "all" : verdict == BINDING_EXACT ? buf_cstr(&b) : why;
	if (strcmp(got, want) != 0)
		fail_msg("%.*s: got %s, want %s", VIEW_ARG(v[0].key), got, want);
	assert_true((why != NULL) == (verdict == BINDING_APPROXIMATE));
	assert_int_equal(b.n, verdict == BINDING_EXACT ? strlen(want) : 0);
	buf_fini(&b);
}

static void topic_texts(void **state)
{
	static const char *const rows[][2] = {
		{"#", "all"},
		{"#.#", "all"},
		{"a.b", "{\"rk\":[\".a.b.\"]}"},
		{"", "{\"rk\":[\".\"]}"},
		{"a.#", "{\"rk\":[{\"prefix\":\".a.\"}]}"},
		{"#.b", "{\"rk2\":[{\"suffix\":\".b.\"}]}"},
		{"#.a.b.#", "{\"tails\":[{\"prefix\":\".a.b.\"}]}"},
		{"a.*.c", "{\"rk\":[{\"prefix\":\".a.\"}],\"rk2\":[{\"suffix\":\".c.\"}],\"n\":[{\"numeric\":[\"=\",3]}]}"},
		{"a.#.b.c", "{\"rk\":[{\"prefix\":\".a.\"}],\"rk2\":[{\"suffix\":\".b.c.\"}],\"n\":[{\"numeric\":[\">=\",3]}]}"},
		{"order.*.eu.#",
		 "{\"rk\":[{\"prefix\":\".order.\"}],\"n\":[{\"numeric\":[\">=\",3]}],\"t1\":[\"2=eu\"]}"},
		{"#.*.x.*", "{\"n\":[{\"numeric\":[\">=\",3]}],\"t1\":[\"-2=x\"]}"},
		{"*", "{\"n\":[{\"numeric\":[\"=\",1]}]}"},
		{"*.#", "{\"n\":[{\"numeric\":[\">=\",1]}]}"},
		{"a\".b\\%", "{\"rk\":[\".a%22.b%5C%25.\"]}"},
		{"\xd1\x8f\xff", "{\"rk\":[\".\xd1\x8f%FF.\"]}"},
		{"#.a.#.b", "a pattern with two # and words beside or between them has no filter policy"},
		{"*.a.*.a.*.a.*.a.*", "a pattern with more than three words among its wildcards has no filter policy"},
		{"a.*.b.*.b.*.b.*.c", "its bindings together look at more attributes than a filter policy may"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_text(ROUTER_TOPIC, &(struct binding_view){view_str(rows[i][0]), NULL}, 1, rows[i][1]);
}

static void merged_texts(void **state)
{
	static const struct binding_view v[] = {
		{VIEW("a"), NULL}, {VIEW("b.#"), NULL}, {VIEW("a"), NULL}, {VIEW("*.x"), NULL}, {VIEW("*.x"), NULL}, {VIEW("#"), NULL}};

	(void)state;
	check_text(ROUTER_TOPIC, v, 3, "{\"rk\":[\".a.\",{\"prefix\":\".b.\"}]}");
	check_text(ROUTER_TOPIC, v, 5,
		   "{\"$or\":[{\"rk\":[\".a.\",{\"prefix\":\".b.\"}]},"
		   "{\"rk2\":[{\"suffix\":\".x.\"}],\"n\":[{\"numeric\":[\"=\",2]}]}]}");
	check_text(ROUTER_TOPIC, v, 6, "all");
	check_text(ROUTER_FANOUT, v, 2, "all");
	check_text(ROUTER_DIRECT, v, 4, "{\"rk\":[\".a.\",\".b.#.\",\".*.x.\"]}");
	check_text(ROUTER_DIRECT, v, 0, "no message passes its bindings, which no filter policy can say");
	/* one that passes everything decides, also behind one without a policy */
	check_text(ROUTER_TOPIC, (struct binding_view[]){{VIEW("#.a.#.b"), NULL}, {VIEW("#"), NULL}}, 2, "all");
}

static void too_many(void **state)
{
	struct binding_view v[10000];
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < 10000; i++)
		v[i] = (struct binding_view){view_str(arena_printf(&a, "k%zu%s", i, i < 5000 ? "" : ".*")), NULL};
	check_text(ROUTER_TOPIC, v, 10000, "its bindings together have more combinations than a filter policy may");
	check_text(ROUTER_TOPIC, v + 5000, 5000, "its bindings together have more combinations than a filter policy may");
	arena_fini(&a);
}

#define I(x) {.type = VALUE_I32, .i = (x)}
#define S(x) {.type = VALUE_STRING, .s = VIEW(x)}

static void headers_text(struct field *v, size_t n, const char *want)
{
	struct table t = {v, n};

	check_text(ROUTER_HEADERS, &(struct binding_view){VIEW("k"), &t}, 1, want);
}

static void headers_texts(void **state)
{
	struct field f[] = {{VIEW("x-match"), S("all")}, {VIEW("a"), S("v\"")}, {VIEW("b="), I(5)},
			    {VIEW("x-c"), {.type = VALUE_VOID}}, {VIEW("d"), {.type = VALUE_DOUBLE, .d = 2}},
			    {VIEW("e"), {.type = VALUE_BOOL}}, {VIEW("f"), I(1)}, {VIEW("g"), I(1)}};
	struct field twice[] = {{VIEW("a"), I(1)}, {VIEW("a"), I(2)}};

	(void)state;
	headers_text(f, 3, "{\"h1\":[\"a=s:v%22\"],\"h2\":[\"b%3D=i:5\"]}");
	headers_text(f, 4, "{\"h1\":[\"a=s:v%22\"],\"h2\":[\"b%3D=i:5\"]}");
	headers_text(f, 6, "{\"h1\":[\"a=s:v%22\"],\"h2\":[\"b%3D=i:5\"],\"h3\":[\"d=i:2\"],\"h4\":[\"e=b:0\"]}");
	headers_text(f, 8, "more than five arguments that must all match have no filter policy");
	headers_text(f, 1, "all");
	f[0].value.s = VIEW("all-with-x");
	headers_text(f, 4, "{\"h1\":[\"a=s:v%22\"],\"h2\":[\"b%3D=i:5\"],\"h3\":[\"x-c\"]}");
	f[0].value.s = VIEW("any-with-x");
	headers_text(f, 8, "{\"h1\":[\"a=s:v%22\",\"b%3D=i:5\",\"x-c\",\"d=i:2\",\"e=b:0\",\"f=i:1\",\"g=i:1\"]}");
	f[0].value.s = VIEW("any");
	headers_text(f, 1, "no message passes its bindings, which no filter policy can say");
	f[4].value.d = 2.5;
	headers_text(f, 8, "tables, arrays, decimals and fractions among the arguments have no filter policy");
	headers_text(twice, 2, "an argument that is there twice has no filter policy");
	check_text(ROUTER_HEADERS, &(struct binding_view){VIEW("k"), NULL}, 1, "all");
}

/* ---- topic: every pattern, every key ---- */

enum { PATTERN_WORDS = 5, KEY_WORDS = 6 };

/* The number-th text over `alphabet` of `words` words. */
static struct view text_numbered(const char *const *alphabet, size_t letters, size_t words, size_t number, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < words; i++, number /= letters) {
		if (i)
			out[n++] = '.';
		for (const char *c = alphabet[number % letters]; *c; c++)
			out[n++] = *c;
	}
	return view_of(out, n);
}

static size_t power(size_t base, size_t n)
{
	return n ? base * power(base, n - 1) : 1;
}

struct universe {
	const char *const *letters; /* of keys; patterns add `*` and `#` behind them */
	size_t n;
	size_t pattern_words, key_words;
	size_t n_keys;
	struct view *keys;
	struct seen *seen;
};

static void universe_open(struct universe *u, struct arena *a)
{
	for (size_t words = 0; words <= u->key_words; words++)
		u->n_keys += power(u->n, words);
	u->keys = arena_alloc(a, u->n_keys * sizeof(*u->keys));
	u->seen = calloc(u->n_keys, sizeof(*u->seen));
	size_t at = 0;
	for (size_t words = 0; words <= u->key_words; words++)
		for (size_t i = 0; i < power(u->n, words); i++, at++) {
			char text[64];

			u->keys[at] = arena_copy(a, text_numbered(u->letters, u->n, words, i, text));
			seen_init(&u->seen[at]);
			seen_key(&u->seen[at], u->keys[at]);
		}
}

static void universe_close(struct universe *u)
{
	for (size_t i = 0; i < u->n_keys; i++)
		arena_fini(&u->seen[i].arena);
	free(u->seen);
}

/* The keys that a router with these bindings routes, against the policy. */
static void compare_keys(struct universe *u, const struct binding_view *v, size_t n, const char *policy)
{
	struct filter_policy *p = filters_policy(policy, FILTER_ATTRIBUTES);
	struct router *r = router_new(ROUTER_TOPIC);
	struct router_cursor c = {0};

	for (size_t i = 0; i < n; i++)
		router_add(r, v[i].key, NULL, 1);
	for (size_t i = 0; i < u->n_keys; i++) {
		uint64_t id;

		router_match(r, u->keys[i], NULL, &c);
		bool routed = router_next(&c, &id, 1) > 0;
		if (filter_policy_matches(p, &u->seen[i].in) != routed)
			fail_msg("%.*s, %s: key %.*s routed %d", VIEW_ARG(v[0].key), policy, VIEW_ARG(u->keys[i]), routed);
	}
	router_cursor_fini(&c);
	router_free(r);
	filter_policy_free(p);
}

static void every_pattern(struct universe *u, size_t *exact, size_t *approximate)
{
	const char *alphabet[8] = {NULL};
	struct buf b;

	memcpy(alphabet, u->letters, u->n * sizeof(*alphabet));
	alphabet[u->n] = "*";
	alphabet[u->n + 1] = "#";
	buf_init(&b, 1 << 16);
	for (size_t words = 1; words <= u->pattern_words; words++)
		for (size_t i = 0; i < power(u->n + 2, words); i++) {
			char text[64];
			const char *why;
			struct binding_view v = {text_numbered(alphabet, u->n + 2, words, i, text), NULL};

			buf_clear(&b);
			enum binding_verdict verdict = binding_policy(ROUTER_TOPIC, &v, 1, &b, &why);
			*exact += verdict != BINDING_APPROXIMATE;
			*approximate += verdict == BINDING_APPROXIMATE;
			if (verdict == BINDING_EXACT)
				compare_keys(u, &v, 1, buf_cstr(&b));
			for (size_t k = 0; verdict == BINDING_ALL && k < u->n_keys; k++)
				assert_true(model_matches(v.key, u->keys[k]));
		}
	buf_fini(&b);
}

static void topic_every(void **state)
{
	static const char *const letters[] = {"a", "b"};
	struct universe u = {letters, 2, PATTERN_WORDS, KEY_WORDS, .n_keys = 0};
	size_t exact = 0, approximate = 0;
	struct arena a;

	(void)state;
	arena_init(&a);
	universe_open(&u, &a);
	every_pattern(&u, &exact, &approximate);
	assert_int_equal(exact + approximate, 4 + 16 + 64 + 256 + 1024);
	assert_int_equal(exact, 1188); /* mapping.md §3.3 */
	universe_close(&u);
	arena_fini(&a);
}

/* Empty words among them. */
static void topic_empty_words(void **state)
{
	static const char *const letters[] = {"a", ""};
	struct universe u = {letters, 2, 4, 5, .n_keys = 0};
	size_t exact = 0, approximate = 0;
	struct arena a;

	(void)state;
	arena_init(&a);
	universe_open(&u, &a);
	every_pattern(&u, &exact, &approximate);
	assert_true(exact > 300);
	universe_close(&u);
	arena_fini(&a);
}

static void topic_merged(void **state)
{
	enum { ROUNDS = 400, BINDINGS = 5 };
	static const char *const letters[] = {"a", "b"}, *const alphabet[] = {"a", "b", "*", "#"};
	struct universe u = {letters, 2, PATTERN_WORDS, KEY_WORDS, .n_keys = 0};
	size_t exact = 0;
	struct arena a;
	struct rng rng;
	struct buf b;

	(void)state;
	arena_init(&a);
	buf_init(&b, 1 << 16);
	rng_seed(&rng, 7);
	universe_open(&u, &a);
	for (size_t round = 0; round < ROUNDS; round++) {
		struct binding_view v[BINDINGS] = {{VIEW_NONE, NULL}};
		char text[BINDINGS][64];
		size_t n = 2 + rng_below(&rng, BINDINGS - 1);
		const char *why;

		for (size_t i = 0; i < n; i++) {
			size_t words = rng_below(&rng, PATTERN_WORDS + 1);

			v[i].key = text_numbered(alphabet, 4, words, rng_below(&rng, power(4, words)), text[i]);
		}
		buf_clear(&b);
		if (binding_policy(ROUTER_TOPIC, v, n, &b, &why) != BINDING_EXACT)
			continue;
		exact++;
		compare_keys(&u, v, n, buf_cstr(&b));
	}
	assert_true(exact > ROUNDS / 4);
	universe_close(&u);
	buf_fini(&b);
	arena_fini(&a);
}

/* ---- headers: every binding of up to three arguments, every message ---- */

static const struct value values[] = {
	{.type = VALUE_VOID}, I(1), S("1"), {.type = VALUE_BOOL, .boolean = true}, {.type = VALUE_DOUBLE, .d = 1},
	{.type = VALUE_DOUBLE, .d = 1.5}, {.type = VALUE_TIME, .i = -1}, {.type = VALUE_BYTES, .s = VIEW("1")},
};
enum { VALUES = sizeof(values) / sizeof(values[0]), NAMES = 3 };
static const char *const header_names[NAMES] = {"a", "b", "x-c"};

/* Each name absent, or with one of the values. */
static size_t headers_numbered(size_t number, struct field *out)
{
	size_t n = 0;

	for (size_t i = 0; i < NAMES; i++, number /= VALUES + 1)
		if (number % (VALUES + 1))
			out[n++] = (struct field){view_str(header_names[i]), values[number % (VALUES + 1) - 1]};
	return n;
}

static void compare_headers(const struct table *binding, struct seen *seen)
{
	struct binding_view v = {VIEW("k"), binding};
	struct filter_policy *p = NULL;
	struct router *r = router_new(ROUTER_HEADERS);
	struct router_cursor c = {0};
	const char *why;
	struct buf b;

	buf_init(&b, 1 << 16);
	router_add(r, v.key, binding, 1);
	enum binding_verdict verdict = binding_policy(ROUTER_HEADERS, &v, 1, &b, &why);
	if (verdict == BINDING_EXACT)
		p = filters_policy(buf_cstr(&b), FILTER_ATTRIBUTES);
	for (size_t i = 0; verdict != BINDING_APPROXIMATE && i < power(VALUES + 1, NAMES); i++) {
		struct field f[NAMES];
		struct table headers = {f, headers_numbered(i, f)};
		uint64_t id;

		router_match(r, VIEW("k"), &headers, &c);
		bool routed = router_next(&c, &id, 1) > 0;
		if ((p ? filter_policy_matches(p, &seen[i].in) : true) != routed)
			fail_msg("%s, message %zu: routed %d", buf_cstr(&b), i, routed);
	}
	filter_policy_free(p);
	router_cursor_fini(&c);
	router_free(r);
	buf_fini(&b);
}

static void headers_every(void **state)
{
	static const char *const kinds[] = {"all", "any", "all-with-x", "any-with-x"};
	size_t n = power(VALUES + 1, NAMES);
	struct seen *seen = calloc(n, sizeof(*seen));

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct field f[NAMES];
		struct table headers = {f, headers_numbered(i, f)};

		seen_init(&seen[i]);
		seen_headers(&seen[i], &headers);
	}
	for (size_t i = 0; i < n * 4; i++) {
		struct field f[NAMES + 1];
		struct table binding = {f, headers_numbered(i / 4, f)};

		f[binding.n++] = (struct field){VIEW("x-match"), {.type = VALUE_STRING, .s = view_str(kinds[i % 4])}};
		compare_headers(&binding, seen);
	}
	for (size_t i = 0; i < n; i++)
		arena_fini(&seen[i].arena);
	free(seen);
}

/* A header that is there twice: the first counts, as for the router. */
static void headers_twice(void **state)
{
	struct field f[] = {{VIEW("a"), I(1)}, {VIEW("a"), I(2)}}, second = {VIEW("a"), I(2)};
	struct table headers = {f, 2};
	struct view *tokens;
	struct seen s;

	(void)state;
	seen_init(&s);
	assert_int_equal(header_tokens_of(&headers, &s.arena, &tokens), 2);
	seen_reset(&s);
	seen_headers(&s, &headers);
	struct filter_policy *p = filters_policy("{\"h1\":[\"a=i:2\"]}", FILTER_ATTRIBUTES);
	assert_false(filter_policy_matches(p, &s.in));
	headers = (struct table){&second, 1};
	seen_reset(&s);
	seen_headers(&s, &headers);
	assert_true(filter_policy_matches(p, &s.in));
	filter_policy_free(p);
	arena_fini(&s.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topic_texts),   cmocka_unit_test(merged_texts),      cmocka_unit_test(too_many),
		cmocka_unit_test(headers_texts), cmocka_unit_test(topic_every),       cmocka_unit_test(topic_empty_words),
		cmocka_unit_test(topic_merged),  cmocka_unit_test(headers_every), cmocka_unit_test(headers_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
