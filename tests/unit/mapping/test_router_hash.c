/* SPDX-License-Identifier: Apache-2.0 */
/* Consistent hashing: shares as weights, and what moves when somebody comes or goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "mapping/hash_rule.h"
#include "mapping/queue_arguments.h"
#include "mapping/router.h"

enum { KEYS = 20000, DESTINATIONS = 6 };

static uint64_t match(const struct router *r, int i, struct router_cursor *c)
{
	char key[32];
	uint64_t found = 0;
	snprintf(key, sizeof(key), "key%d", i);
	router_match(r, view_str(key), NULL, c);
	assert_true(router_next(c, &found, 1) <= 1);
	return found;
}

/* found[i]: where key i goes; share[d]: how many go to d. */
static void spread(const struct router *r, uint64_t found[KEYS], size_t share[DESTINATIONS])
{
	struct router_cursor c = {0};
	for (size_t d = 0; d < DESTINATIONS; d++)
		share[d] = 0;
	for (int i = 0; i < KEYS; i++) {
		found[i] = match(r, i, &c);
		assert_true(found[i] < DESTINATIONS);
		share[found[i]]++;
	}
	router_cursor_fini(&c);
}

static void about(size_t got, double wanted)
{
	assert_true((double)got > wanted * 0.93 && (double)got < wanted * 1.07);
}

static void test_weights(void **state)
{
	static const char *const weights[DESTINATIONS] = {NULL, "1", "1", "2", "+04", "2"};
	static uint64_t before[KEYS], after[KEYS];
	size_t share[DESTINATIONS];
	struct router *r = router_new(ROUTER_HASH);
	struct router_cursor c = {0};
	(void)state;
	assert_int_equal(match(r, 1, &c), 0); /* nobody there */
	router_cursor_fini(&c);
	for (size_t d = 1; d < DESTINATIONS; d++)
		assert_true(router_add(r, view_str(weights[d]), NULL, d));
	spread(r, before, share);
	about(share[1], KEYS * 0.1);
	about(share[3], KEYS * 0.2);
	about(share[4], KEYS * 0.4);
	router_remove(r, VIEW("2"), NULL, 5); /* its share goes to the others, theirs stays */
	spread(r, after, share);
	assert_int_equal(share[5], 0);
	about(share[4], KEYS * 0.5);
	for (int i = 0; i < KEYS; i++)
		assert_true(before[i] == 5 || before[i] == after[i]);
	assert_true(router_add(r, VIEW("9"), NULL, 1)); /* the oldest binding counts */
	spread(r, before, share);
	assert_memory_equal(before, after, sizeof(before));
	router_remove(r, VIEW("1"), NULL, 1);
	spread(r, after, share);
	about(share[1], KEYS * 9 / 16.0);
	assert_true(router_remove_destination(r, 1) == 1);
	router_free(r);
}

static void test_keys(void **state)
{
	static const struct {
		const char *key, *text; /* NULL: taken */
	} rows[] = {
		{"1", NULL}, {"+2", NULL}, {"01", NULL}, {"99999999999999999999999", NULL},
		{"abc", "The binding key must be an integer: <<\"abc\">>"},
		{"", "The binding key must be an integer: <<>>"},
		{" 1", "The binding key must be an integer: <<\" 1\">>"},
		{"1.5", "The binding key must be an integer: <<\"1.5\">>"},
		{"+", "The binding key must be an integer: <<\"+\">>"},
		{"0", "The binding key must be greater than 0"},
		{"-1", "The binding key must be greater than 0"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error e = {.code = CODE_OK};
		assert_int_equal(binding_key_check(ROUTER_HASH, view_str(rows[i].key), &e), rows[i].text ? CODE_INVALID : CODE_OK);
		if (rows[i].text)
			assert_string_equal(e.text, rows[i].text);
		assert_int_equal(binding_key_check(ROUTER_DIRECT, view_str(rows[i].key), &e), CODE_OK);
	}
}

#define S(name, text) {VIEW_LIT(name), {.type = VALUE_STRING, .s = VIEW_LIT(text)}}
#define VIEW_LIT(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}

static void test_rule_check(void **state)
{
	struct field both[] = {S("hash-header", "h"), S("hash-property", "message_id")};
	struct field other[] = {S("hash-property", "app_id")}, good[] = {S("hash-property", "timestamp")};
	struct field number[] = {{VIEW_LIT("hash-header"), {.type = VALUE_I32, .i = 1}}};
	const struct {
		struct table t;
		const char *text;
	} rows[] = {
		{{both, 2}, "hash-header and hash-property are mutually exclusive"},
		{{other, 1}, "Unsupported property: app_id"},
		{{number, 1}, "invalid type 'signedint' for arg 'hash-header'"},
		{{good, 1}, NULL},
		{{both, 1}, NULL},
		{{NULL, 0}, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error e = {.code = CODE_OK};
		assert_int_equal(hash_rule_check(&rows[i].t, &e), rows[i].text ? CODE_INVALID : CODE_OK);
		if (rows[i].text)
			assert_string_equal(e.text, rows[i].text);
	}
	assert_int_equal(hash_rule_check(NULL, &(struct error){.code = CODE_OK}), CODE_OK);
	assert_int_equal(hash_rule_of(NULL).by, HASH_KEY);
}

static bool hashed_alike(const struct hash_rule *rule, const struct bag *a, const struct bag *b)
{
	struct buf x, y;
	buf_init(&x, 1000);
	buf_init(&y, 1000);
	hash_rule_apply(rule, a, &x);
	hash_rule_apply(rule, b, &y);
	bool alike = view_eq(buf_view(&x), buf_view(&y));
	buf_fini(&x);
	buf_fini(&y);
	return alike;
}

static void test_rule(void **state)
{
	struct field one[] = {S("h", "x")}, two[] = {S("h", "y")}, number[] = {{VIEW_LIT("h"), {.type = VALUE_I32, .i = 5}}};
	struct field none[] = {{VIEW_LIT("h"), {.type = VALUE_VOID}}};
	struct bag x = {.has = BAG_HEADERS | BAG_MESSAGE_ID, .message_id = VIEW("m"), .headers = {one, 1}};
	struct bag y = {.has = BAG_HEADERS | BAG_TIMESTAMP, .timestamp = 7, .headers = {two, 1}};
	struct bag n = {.has = BAG_HEADERS, .headers = {number, 1}}, v = {.has = BAG_HEADERS, .headers = {none, 1}}, e = {.has = 0};
	const struct hash_rule header = {.by = HASH_HEADER, .header = VIEW("h")}, id = {.by = HASH_MESSAGE_ID};
	const struct hash_rule correlation = {.by = HASH_CORRELATION_ID}, time = {.by = HASH_TIMESTAMP};
	(void)state;
	assert_true(hashed_alike(&header, &x, &x));
	assert_false(hashed_alike(&header, &x, &y));
	assert_false(hashed_alike(&header, &x, &n));
	assert_false(hashed_alike(&header, &v, &e));
	assert_false(hashed_alike(&id, &x, &y));
	assert_true(hashed_alike(&id, &y, &e));
	assert_true(hashed_alike(&correlation, &x, &y));
	assert_false(hashed_alike(&time, &x, &y));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_rule_check),
		cmocka_unit_test(test_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
