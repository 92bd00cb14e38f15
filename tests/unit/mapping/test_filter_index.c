/* SPDX-License-Identifier: Apache-2.0 */
/* The index of filter policies: finds what evaluating each would, and looks at few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "filters.h"
#include "mapping/filter_index.h"

enum { MANY = 10000 };

static size_t matches(struct filter_index *x, const char *message, enum filter_scope scope, uint64_t *first)
{
	struct filter_attribute v[FILTERS_ATTRIBUTES];
	struct arena a;
	size_t n;

	arena_init(&a);
	struct filter_input in = filters_input(message, scope, &a, v);
	const uint64_t *ids = filter_index_match(x, &in, &n);
	*first = n ? ids[0] : 0;
	arena_fini(&a);
	return n;
}

/* `pattern` with `with` for each tilde. */
static void fill(struct buf *out, const char *pattern, const char *with)
{
	for (; *pattern; pattern++)
		if (*pattern == '~')
			buf_add_str(out, with);
		else
			buf_add_u8(out, (uint8_t)*pattern);
}

static const char *numbered(struct buf *out, const char *pattern, unsigned number)
{
	char with[16];

	snprintf(with, sizeof(with), "%u", number);
	buf_clear(out);
	fill(out, pattern, with);
	return buf_cstr(out);
}

/* MANY policies made from a pattern with a number; a message made so finds one,
 * having evaluated no more than `most`. */
static void few_tried(const char *pattern, const char *message, enum filter_scope scope, size_t most)
{
	struct filter_index *x = filter_index_new();
	struct filter_policy **p = calloc(MANY, sizeof(struct filter_policy *));
	struct buf text;
	uint64_t id;

	buf_init(&text, 4096);
	for (unsigned i = 0; i < MANY; i++) {
		p[i] = filters_policy(numbered(&text, pattern, i), scope);
		filter_index_add(x, p[i], i + 1);
	}
	for (unsigned i = 0; i < MANY; i += 1237) {
		assert_int_equal(matches(x, numbered(&text, message, i), scope, &id), 1);
		assert_int_equal(id, i + 1);
		assert_in_range(filter_index_tried(x), 1, most);
	}
	filter_index_free(x);
	for (unsigned i = 0; i < MANY; i++)
		filter_policy_free(p[i]);
	free(p);
	buf_fini(&text);
}

static void many(void **state)
{
	(void)state;
	few_tried("{\"a\":[\"v~\"]}", "a=v~|b=x", FILTER_ATTRIBUTES, 1);
	few_tried("{\"a\":[~]}", "a#~.0", FILTER_ATTRIBUTES, 1);
	few_tried("{\"a\":[{\"numeric\":[\"=\",~]}]}", "a#~", FILTER_ATTRIBUTES, 1);
	few_tried("{\"a\":[{\"prefix\":\"v~.\"}]}", "a=v~.x", FILTER_ATTRIBUTES, 1);
	few_tried("{\"k~\":[{\"exists\":true}]}", "k~=x", FILTER_ATTRIBUTES, 1);
	/* under the condition that tells them apart, not the one they share */
	few_tried("{\"s\":[\"same\"],\"u\":[\"v~\"],\"z\":[{\"exists\":false}]}", "s=same|u=v~", FILTER_ATTRIBUTES, 2);
	few_tried("{\"d\":{\"s\":[{\"anything-but\":\"x\"}],\"u\":[\"v~\"]}}", "{\"d\":[{\"s\":\"a\",\"u\":\"v~\"}]}",
		  FILTER_BODY, 1);
	few_tried("{\"s\":[1],\"$or\":[{\"a\":[~]},{\"b\":[\"w~\"]}]}", "a#~|s#1", FILTER_ATTRIBUTES, 2);
}

static void everything(void **state)
{
	struct filter_index *x = filter_index_new();
	struct filter_policy *p = filters_policy("{\"a\":[1]}", FILTER_ATTRIBUTES);
	struct filter_policy *q = filters_policy("{\"a\":[1]}", FILTER_BODY);
	uint64_t id;

	(void)state;
	assert_false(filter_index_needs(x, FILTER_ATTRIBUTES));
	assert_int_equal(matches(x, "a#1", FILTER_ATTRIBUTES, &id), 0);
	filter_index_add(x, NULL, 7);
	filter_index_add(x, NULL, 8);
	filter_index_add(x, p, 9);
	filter_index_add(x, q, UINT64_MAX);
	assert_int_equal(filter_index_count(x), 4);
	assert_true(filter_index_needs(x, FILTER_ATTRIBUTES));
	assert_true(filter_index_needs(x, FILTER_BODY));
	assert_int_equal(matches(x, "a#1", FILTER_ATTRIBUTES, &id), 3);
	assert_int_equal(matches(x, "{\"a\":1}", FILTER_BODY, &id), 3);
	assert_int_equal(matches(x, "{\"a\":2}", FILTER_BODY, &id), 2);
	filter_index_remove(x, 7);
	filter_index_remove(x, 7);
	assert_int_equal(matches(x, "a#2", FILTER_ATTRIBUTES, &id), 1);
	assert_int_equal(id, 8);
	filter_index_remove(x, 8);
	filter_index_remove(x, 9);
	assert_false(filter_index_needs(x, FILTER_ATTRIBUTES));
	assert_int_equal(matches(x, "a#1", FILTER_ATTRIBUTES, &id), 0);
	filter_index_free(x);
	filter_index_free(NULL);
	filter_policy_free(p);
	filter_policy_free(q);
}

/* ---- a random crowd against evaluating each ---- */

enum { CROWD = 60, STEPS = 3000 };

static const char *const leaves[] = {
	"\"~\":[\"x\"]",
	"\"~\":[\"x\",\"y\",\"x\"]",
	"\"~\":[1,{\"prefix\":\"x\"}]",
	"\"~\":[{\"prefix\":\"xy\"},{\"prefix\":\"\"}]",
	"\"~\":[{\"suffix\":\"y\"}]",
	"\"~\":[{\"exists\":false}]",
	"\"~\":[{\"exists\":true}]",
	"\"~\":[{\"anything-but\":[\"x\"]}]",
	"\"~\":[null]",
	"\"~\":[{\"numeric\":[\">\",0,\"<\",2]},true]",
};
static const char *const values[] = {"=x", "=y", "=xy", "=xyz", "#1", "#2", "@[]", "@[\"x\",\"z\"]", "@[true,null]"};

#define PICK(list) (list)[rng_below(r, sizeof(list) / sizeof((list)[0]))]

static void leaf_write(struct rng *r, struct buf *b)
{
	char name[2] = {(char)('a' + rng_below(r, 3)), '\0'};

	fill(b, PICK(leaves), name);
}

static struct filter_policy *crowd_policy(struct rng *r)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_add_str(&b, "{");
	leaf_write(r, &b);
	if (rng_below(r, 2)) {
		buf_add_str(&b, ",");
		leaf_write(r, &b);
	}
	if (rng_below(r, 3) == 0) {
		buf_add_str(&b, ",\"$or\":[{");
		leaf_write(r, &b);
		buf_add_str(&b, "},{");
		leaf_write(r, &b);
		buf_add_str(&b, "}]");
	}
	buf_add_str(&b, "}");
	struct filter_policy *p = filters_policy(buf_cstr(&b), FILTER_ATTRIBUTES);
	buf_fini(&b);
	return p;
}

static void crowd_message(struct rng *r, char *out, size_t n)
{
	size_t at = 0;

	out[0] = '\0';
	for (char name = 'a'; name < 'd'; name++)
		if (rng_below(r, 3))
			at += (size_t)snprintf(out + at, n - at, "%s%c%s", at ? "|" : "", name, PICK(values));
}

static void crowd_check(struct filter_index *x, struct filter_policy **p, const char *message)
{
	struct filter_attribute v[FILTERS_ATTRIBUTES];
	struct arena a;
	size_t n, want = 0;

	arena_init(&a);
	struct filter_input in = filters_attributes(message, &a, v);
	const uint64_t *ids = filter_index_match(x, &in, &n);
	for (size_t i = 0; i < CROWD; i++)
		want += p[i] && filter_policy_matches(p[i], &in);
	assert_int_equal(n, want);
	for (size_t i = 0; i < n; i++) {
		assert_true(filter_policy_matches(p[ids[i]], &in));
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	arena_fini(&a);
}

static void crowd(void **state)
{
	struct filter_policy *p[CROWD] = {NULL};
	struct filter_index *x = filter_index_new();
	struct rng rng;

	(void)state;
	rng_seed(&rng, 42);
	for (int step = 0; step < STEPS; step++) {
		size_t i = rng_below(&rng, CROWD);
		char message[128];

		if (p[i])
			filter_index_remove(x, i);
		filter_policy_free(p[i]);
		p[i] = rng_below(&rng, 4) ? crowd_policy(&rng) : NULL;
		if (p[i])
			filter_index_add(x, p[i], i);
		crowd_message(&rng, message, sizeof(message));
		crowd_check(x, p, message);
	}
	filter_index_free(x);
	for (size_t i = 0; i < CROWD; i++)
		filter_policy_free(p[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
		cmocka_unit_test(everything),
		cmocka_unit_test(crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
