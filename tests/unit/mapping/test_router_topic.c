/* SPDX-License-Identifier: Apache-2.0 */
/* The topic trie against rows, against the plain recursion of topic_model.h, and
 * against the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "mapping/router.h"
#include "topic_model.h"

/* rabbitmq.md 2.14 */
static const struct {
	const char *pattern, *key;
	bool match;
} rows[] = {
	{"a", "a", true},
	{"a", "b", false},
	{"a", "a.a", false},
	{"a.#", "a", true},
	{"a.#", "a.b", true},
	{"a.#", "a.b.c", true},
	{"a.#", "ab", false},
	{"#.a", "a", true},
	{"#.a", "b.c.a", true},
	{"#.a", "a.b", false},
	{"a.*", "a", false},
	{"a.*", "a.b", true},
	{"a.*", "a.", true},
	{"a.*", "a.b.c", false},
	{"*.a.*", "x.a.y", true},
	{"#", "", true},
	{"#", "a.b.c", true},
	{"#", ".", true},
	{"", "", true},
	{"", "a", false},
	{"*", "", false}, /* the empty key has no word */
	{"*", "a", true},
	{"*.*", ".", true},
	{".", ".", true},
	{".", "", false},
	{"*.#", "", false},
	{"#.*", "", false},
	{"#.*", "a", true},
	{"*.#.*", "a", false},
	{"*.#.*", "a.b", true},
	{"#.#", "", true},
	{"#.*.#", "a", true},
	{"#.*.#", "", false},
	{"a.#.b", "a.b", true},
	{"a.#.b", "a.x.y.b", true},
	{"a.#.b", "a.b.c", false},
	{"a..b", "a..b", true},
	{"a..b", "a.b", false},
	{"a.*.b", "a..b", true},
	{"a.#.b", "a..b", true},
	{"##", "a", false}, /* neither word is special unless alone */
	{"a*", "ab", false},
	{"*", "#", true},
	{"a", "*", false},
};

static bool trie_matches(const struct router *r, struct view key)
{
	struct router_cursor c = {0};
	uint64_t id = 0;
	router_match(r, key, NULL, &c);
	size_t n = router_next(&c, &id, 1);
	router_cursor_fini(&c);
	return n == 1;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct view pattern = view_str(rows[i].pattern), key = view_str(rows[i].key);
		struct router *r = router_new(ROUTER_TOPIC);
		router_add(r, pattern, NULL, 1);
		if (trie_matches(r, key) != rows[i].match || model_matches(pattern, key) != rows[i].match)
			fail_msg("pattern \"%s\", key \"%s\"", rows[i].pattern, rows[i].key);
		assert_true(router_remove(r, pattern, NULL, 1));
		assert_false(trie_matches(r, key));
		router_free(r);
	}
}

/* The n-th text of words from an alphabet: 0 is "", then all of one word, … */
static struct view nth_text(size_t n, const char *const *words, size_t n_words, char *out)
{
	size_t len = 0;
	while (n) {
		const char *w = words[(n - 1) % n_words];
		n = (n - 1) / n_words;
		len += (size_t)snprintf(out + len, 40 - len, "%s%s", w, n ? "." : "");
	}
	return view_of(out, len);
}

/* Every pattern of up to 4 words over {a, b, *, #, empty} × every key of up to 5
 * words over {a, b, empty}: each pattern alone, then all of them in one trie. */
static void test_exhaustive(void **state)
{
	(void)state;
	static const char *const pattern_words[] = {"a", "b", "*", "#", ""};
	static const char *const key_words[] = {"a", "b", ""};
	enum { PATTERNS = 1 + 5 + 25 + 125 + 625, KEYS = 1 + 3 + 9 + 27 + 81 + 243 };
	struct router *all = router_new(ROUTER_TOPIC);
	struct router_cursor c = {0};
	char p[40], k[40];
	static uint64_t found[2 * PATTERNS];
	for (size_t i = 0; i < PATTERNS; i++)
		router_add(all, nth_text(i, pattern_words, 5, p), NULL, i);
	for (size_t j = 0; j < KEYS; j++) {
		static bool hit[PATTERNS];
		struct view key = nth_text(j, key_words, 3, k);
		memset(hit, 0, sizeof hit);
		router_match(all, key, NULL, &c);
		size_t n = router_next(&c, found, 2 * PATTERNS);
		for (size_t i = 0; i < n; i++)
			hit[found[i]] = true;
		for (size_t i = 0; i < PATTERNS; i++)
			if (hit[i] != model_matches(nth_text(i, pattern_words, 5, p), key))
				fail_msg("pattern %zu \"%.*s\", key \"%.*s\"", i,
					 VIEW_ARG(nth_text(i, pattern_words, 5, p)), VIEW_ARG(key));
	}
	router_cursor_fini(&c);
	router_free(all);
}

enum { POOL = 60, IDS = 8 };

struct model {
	char text[POOL][40];
	struct view pattern[POOL];
	bool bound[POOL][IDS];
	size_t n;
};

static void check_model(const struct router *r, const struct model *m, struct view key, struct router_cursor *c)
{
	bool want[IDS] = {false}, got[IDS] = {false};
	uint64_t id;
	for (size_t i = 0; i < POOL; i++) {
		bool matches = model_matches(m->pattern[i], key);
		for (size_t d = 0; d < IDS; d++)
			want[d] |= matches && m->bound[i][d];
	}
	router_match(r, key, NULL, c);
	while (router_next(c, &id, 1))
		got[id] = true;
	assert_memory_equal(want, got, sizeof want);
	assert_int_equal(router_bindings(r), m->n);
}

static void change(struct router *r, struct model *m, struct rng *rng)
{
	size_t i = rng_below(rng, POOL), d = rng_below(rng, IDS);
	if (rng_below(rng, 50) == 0) {
		size_t n = 0;
		for (i = 0; i < POOL; i++) {
			n += m->bound[i][d];
			m->bound[i][d] = false;
		}
		assert_int_equal(router_remove_destination(r, d), n);
		m->n -= n;
	} else if (rng_below(rng, 2)) {
		assert_int_equal(router_add(r, m->pattern[i], NULL, d), !m->bound[i][d]);
		m->n += !m->bound[i][d];
		m->bound[i][d] = true;
	} else {
		assert_int_equal(router_remove(r, m->pattern[i], NULL, d), m->bound[i][d]);
		m->n -= m->bound[i][d];
		m->bound[i][d] = false;
	}
}

static void test_random_changes(void **state)
{
	(void)state;
	static const char *const words[] = {"a", "b", "c", "*", "#", ""};
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rng rng;
		struct model m = {.n = 0};
		struct router *r = router_new(ROUTER_TOPIC);
		struct router_cursor c = {0};
		char key[40];
		rng_seed(&rng, seed);
		for (size_t i = 0; i < POOL; i++) /* distinct */
			m.pattern[i] = nth_text(i * 131 + rng_below(&rng, 131), words, 6, m.text[i]);
		for (int step = 0; step < 400; step++) {
			change(r, &m, &rng);
			check_model(r, &m, nth_text(rng_below(&rng, 400), words, 3, key), &c);
		}
		router_cursor_fini(&c);
		router_free(r);
	}
}

/* A pattern of 64 times `#.a`, a key of 127 `a`: plain recursion would take
 * longer than the universe has. */
static void test_many_hashes_do_not_explode(void **state)
{
	(void)state;
	char pattern[256] = "", key[256] = "";
	for (int i = 0; i < 64; i++)
		memcpy(pattern + 4 * i, i < 63 ? "#.a." : "#.b", i < 63 ? 4 : 3);
	for (int i = 0; i < 127; i++)
		memcpy(key + 2 * i, i < 126 ? "a." : "a", i < 126 ? 2 : 1);
	struct router *r = router_new(ROUTER_TOPIC);
	router_add(r, view_str(pattern), NULL, 1);
	uint64_t start = clock_mono_us();
	assert_false(trie_matches(r, view_str(key)));
	assert_true(clock_mono_us() - start < 100000);
	key[strlen(key) - 1] = 'b';
	assert_true(trie_matches(r, view_str(key)));
	router_free(r);
}

/* Patterns and keys of a hundred thousand words: depth is no stack. */
static void test_long_patterns(void **state)
{
	(void)state;
	enum { WORDS = 100000 };
	char *text = malloc(2 * WORDS);
	assert_non_null(text);
	for (size_t i = 0; i < WORDS; i++)
		memcpy(text + 2 * i, "x.", 2);
	struct view v = view_of(text, 2 * WORDS - 1);
	struct router *r = router_new(ROUTER_TOPIC);
	router_add(r, v, NULL, 1);
	router_add(r, VIEW("x.#"), NULL, 2);
	assert_true(trie_matches(r, v));
	assert_true(router_remove(r, v, NULL, 1));
	router_add(r, v, NULL, 1);
	router_free(r);
	free(text);
}

static double us_a_match(const struct router *r, struct view key, size_t want)
{
	enum { ROUNDS = 20000 };
	struct router_cursor c = {0};
	uint64_t start = clock_mono_us();
	for (int i = 0; i < ROUNDS; i++) {
		router_match(r, key, NULL, &c);
		assert_int_equal(c.n, want);
	}
	router_cursor_fini(&c);
	return (double)(clock_mono_us() - start) / ROUNDS;
}

/* 10,000 bindings spread over 100 destinations; one, ten or a hundred match. */
static void test_cost_follows_what_matches(void **state)
{
	(void)state;
	struct router *r = router_new(ROUTER_TOPIC);
	char key[64];
	for (unsigned i = 0; i < 10000; i++) {
		int n = i % 100 == 99 ? snprintf(key, sizeof key, "all.*.u%u", i / 1000)
				      : snprintf(key, sizeof key, "orders.eu.c%u.created", i);
		router_add(r, view_of(key, (size_t)n), NULL, i % 100 == 99 ? i : i % 100);
	}
	double one = us_a_match(r, VIEW("orders.eu.c7.created"), 1);
	double ten = us_a_match(r, VIEW("all.x.u3"), 10);
	double none = us_a_match(r, VIEW("orders.us.c7.created"), 0);
	print_message("10,000 bindings: 1 match %.2f us, 10 %.2f us, none %.2f us\n", one, ten, none);
	assert_true(one < 100 && ten < 100 && none < 100);
	router_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_exhaustive),
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_many_hashes_do_not_explode),
		cmocka_unit_test(test_long_patterns),
		cmocka_unit_test(test_cost_follows_what_matches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
