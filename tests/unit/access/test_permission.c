/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: rabbitmq.md 5.1. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool may;
	} rows[] = {
		{".*", "anything", true},
		{".*", "", true},
		{"", "anything", false},
		{"", "", false},
		{"^$", "", true},
		{"^$", "q", false},
		{"ord", "my-orders", true}, /* not anchored */
		{"^ord", "my-orders", false},
		{"^ord", "orders", true},
		{"^amq\\.gen.*", "amq.gen-x", true},
		{"^amq\\.gen.*", "amqxgen-x", false},
		{"^(a|b)$", "b", true},
		{"^(?!secret).*$", "secret-q", false}, /* PCRE, not POSIX */
		{"^(?!secret).*$", "open-q", true},
		{"amq.default", "amq.default", true},
		{"caf\xc3\xa9", "caf\xc3\xa9", true},
		{"^.$", "\xff", true}, /* bytes */
		{"(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false}, /* runs into the limit */
	};
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	assert_int_equal(user_put(&f, "u", NULL, NULL), CODE_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(permission_put(&f, "u", "/", rows[i].pattern), CODE_OK);
		for (int again = 0; again < 2; again++) /* decided, then from the cache */
			for (int verb = ACCESS_CONFIGURE; verb <= ACCESS_READ; verb++)
				if (access_may(f.access, VIEW("u"), VIEW("/"), (enum access_verb)verb,
					       view_str(rows[i].name)) != rows[i].may)
					fail_msg("row %zu", i);
	}
	fixture_close(&f);
}

static void test_verbs_users_vhosts(void **state)
{
	struct access_permission p, put = {VIEW("u"), VIEW("v"), VIEW("^c"), VIEW("^w"), VIEW("^r")};
	struct answer a = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	assert_int_equal(user_put(&f, "u", NULL, NULL), CODE_OK);
	access_vhost_put(f.access, VIEW("v"), VIEW_NONE, answer_take, &a);
	access_permission_put(f.access, &put, answer_take, &a);
	fixture_run(&f);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.code, CODE_OK);
	assert_true(access_may(f.access, VIEW("u"), VIEW("v"), ACCESS_CONFIGURE, VIEW("c1")));
	assert_false(access_may(f.access, VIEW("u"), VIEW("v"), ACCESS_CONFIGURE, VIEW("w1")));
	assert_true(access_may(f.access, VIEW("u"), VIEW("v"), ACCESS_WRITE, VIEW("w1")));
	assert_true(access_may(f.access, VIEW("u"), VIEW("v"), ACCESS_READ, VIEW("r1")));
	assert_false(access_may(f.access, VIEW("u"), VIEW("v"), ACCESS_READ, VIEW("w1")));
	assert_true(access_may_enter(f.access, VIEW("u"), VIEW("v")));
	assert_false(access_may_enter(f.access, VIEW("u"), VIEW("/")));
	assert_false(access_may(f.access, VIEW("u"), VIEW("/"), ACCESS_READ, VIEW("r1")));
	assert_false(access_may(f.access, VIEW("nobody"), VIEW("v"), ACCESS_READ, VIEW("r1")));
	assert_true(access_permission_find(f.access, VIEW("u"), VIEW("v"), &p));
	assert_true(view_is(p.write, "^w"));
	/* a NUL does not move the border between user and vhost */
	assert_false(access_may_enter(f.access, VIEW("u\0v"), VIEW("")));
	assert_false(access_may_enter(f.access, VIEW("u\0"), VIEW("v")));
	fixture_close(&f);
}

/* A cached answer does not outlive the permission it came from. */
static void test_change_empties_the_cache(void **state)
{
	struct answer a = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	user_put(&f, "u", NULL, NULL);
	for (int i = 0; i < 50; i++) {
		permission_put(&f, "u", "/", i % 2 ? "^q" : "^x");
		assert_int_equal(access_may(f.access, VIEW("u"), VIEW("/"), ACCESS_READ, VIEW("q1")), i % 2);
	}
	access_permission_delete(f.access, VIEW("u"), VIEW("/"), answer_take, &a);
	fixture_run(&f);
	answer_is(&a, CODE_OK);
	assert_false(access_may(f.access, VIEW("u"), VIEW("/"), ACCESS_READ, VIEW("q1")));
	fixture_close(&f);
}

/* More questions than the table holds, long names: same answers as without it. */
static void test_cache_is_exact(void **state)
{
	char name[400];
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	f.options.decisions_max = 8;
	fixture_restart(&f);
	user_put(&f, "u", NULL, NULL);
	permission_put(&f, "u", "/", "7$");
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 500; i++) {
			int n = snprintf(name, sizeof name, "%0*d", 1 + i % 300, i);

			assert_int_equal(access_may(f.access, VIEW("u"), VIEW("/"), ACCESS_WRITE,
						    view_of(name, (size_t)n)),
					 i % 10 == 7);
		}
	fixture_close(&f);
}

static void test_refused(void **state)
{
	char *longest = malloc(5001);
	struct fixture f;

	(void)state;
	memset(longest, 'a', 5000);
	longest[5000] = 0;
	fixture_open(&f, false);
	user_put(&f, "u", NULL, NULL);
	assert_int_equal(permission_put(&f, "u", "/", "("), CODE_INVALID);
	assert_int_equal(permission_put(&f, "u", "/", "*"), CODE_INVALID);
	assert_int_equal(permission_put(&f, "u", "/", "[a"), CODE_INVALID);
	assert_int_equal(permission_put(&f, "u", "/", longest), CODE_INVALID);
	assert_int_equal(permission_put(&f, "nobody", "/", ".*"), CODE_NOT_FOUND);
	assert_int_equal(permission_put(&f, "u", "nowhere", ".*"), CODE_NOT_FOUND);
	assert_false(access_may_enter(f.access, VIEW("u"), VIEW("/")));
	free(longest);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_verbs_users_vhosts),
		cmocka_unit_test(test_change_empties_the_cache),
		cmocka_unit_test(test_cache_is_exact),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
