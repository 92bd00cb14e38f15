/* SPDX-License-Identifier: Apache-2.0 */
/* Who may log in, and what it costs. */
#include "fixture.h"

static void test_first_start(void **state)
{
	static const struct {
		const char *user, *password;
		bool loopback;
		enum code code;
	} rows[] = {
		{"guest", "guest", true, CODE_OK},
		{"guest", "guest", false, CODE_REFUSED}, /* rabbitmq.md 1.16 */
		{"guest", "Guest", true, CODE_REFUSED},
		{"guest", "", true, CODE_REFUSED},
		{"guest", "guest2", true, CODE_REFUSED},
		{"nobody", "guest", true, CODE_REFUSED},
		{"", "", true, CODE_REFUSED},
	};
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (login(&f, rows[i].user, rows[i].password, rows[i].loopback) != rows[i].code)
			fail_msg("row %zu", i);
	assert_true(access_idle(f.access));
	fixture_close(&f);
}

static void test_default_user_anywhere(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	assert_int_equal(login(&f, "guest", "guest", false), CODE_REFUSED);
	/* only the first start looks at the option */
	f.options.default_user_anywhere = true;
	fixture_restart(&f);
	assert_int_equal(login(&f, "guest", "guest", false), CODE_REFUSED);
	/* a password of its own opens it, its own name as password does not */
	assert_int_equal(user_put(&f, "guest", "guest", NULL), CODE_OK);
	assert_int_equal(login(&f, "guest", "guest", false), CODE_REFUSED);
	assert_int_equal(user_put(&f, "guest", "secret", NULL), CODE_OK);
	assert_int_equal(login(&f, "guest", "secret", false), CODE_OK);
	assert_int_equal(login(&f, "guest", "guest", true), CODE_REFUSED);
	fixture_close(&f);
}

/* A success is remembered: no second hash, until it is old or the user changes. */
static void test_remembered(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	assert_int_equal(login(&f, "guest", "guest", true), CODE_OK);
	assert_int_equal(f.n_hashed, 1);
	assert_int_equal(login(&f, "guest", "guest", true), CODE_OK);
	assert_int_equal(f.n_hashed, 1);
	/* remembered or not, the address counts */
	assert_int_equal(login(&f, "guest", "guest", false), CODE_REFUSED);
	assert_int_equal(f.n_hashed, 1);
	/* failures are not remembered */
	assert_int_equal(login(&f, "guest", "wrong", true), CODE_REFUSED);
	assert_int_equal(login(&f, "guest", "wrong", true), CODE_REFUSED);
	assert_int_equal(f.n_hashed, 3);
	f.now.mono_ms += 5 * 60 * 1000;
	assert_int_equal(login(&f, "guest", "guest", true), CODE_OK);
	assert_int_equal(f.n_hashed, 4);
	assert_int_equal(user_put(&f, "guest", "other", NULL), CODE_OK); /* hashes once itself */
	assert_int_equal(login(&f, "guest", "guest", true), CODE_REFUSED);
	assert_int_equal(login(&f, "guest", "other", true), CODE_OK);
	assert_int_equal(f.n_hashed, 7);
	fixture_close(&f);
}

/* A thousand reconnects with one credential: one hash. */
static void test_shared_hash(void **state)
{
	struct answer answers[1000] = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	for (int i = 0; i < 1000; i++)
		access_authenticate(f.access, VIEW("guest"), VIEW("guest"), i % 2, answer_take, &answers[i]);
	fixture_run(&f);
	assert_int_equal(f.n_work, 1);
	assert_int_equal(answers[0].n, 0);
	fixture_work(&f);
	fixture_run(&f);
	for (int i = 0; i < 1000; i++)
		answer_is(&answers[i], i % 2 ? CODE_OK : CODE_REFUSED);
	fixture_close(&f);
}

static void test_forget(void **state)
{
	struct answer early = {0}, late = {0}, stays = {0};
	uint64_t ticket, ticket2;
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	ticket = access_authenticate(f.access, VIEW("guest"), VIEW("guest"), true, answer_take, &early);
	ticket2 = access_authenticate(f.access, VIEW("guest"), VIEW("guest"), true, answer_take, &late);
	access_authenticate(f.access, VIEW("guest"), VIEW("guest"), true, answer_take, &stays);
	assert_int_not_equal(ticket, ticket2);
	access_forget(f.access, ticket);
	fixture_run(&f);
	access_forget(f.access, ticket2);
	access_forget(f.access, 12345);
	fixture_work(&f);
	fixture_run(&f);
	assert_int_equal(early.n, 0);
	assert_int_equal(late.n, 0);
	answer_is(&stays, CODE_OK);
	assert_true(access_idle(f.access));
	fixture_close(&f);
}

/* The user changes while the hash of his old password is being compared. */
static void test_changed_meanwhile(void **state)
{
	struct answer asked = {0}, put = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	access_user_put(f.access, VIEW("guest"), VIEW("new"), VIEW_NONE, answer_take, &put);
	access_authenticate(f.access, VIEW("guest"), VIEW("guest"), true, answer_take, &asked);
	fixture_run(&f);
	assert_int_equal(f.n_work, 2);
	/* both results come in one turn: the change is stored first, the login is judged anew */
	fixture_work(&f);
	for (int i = 0; i < 3; i++) {
		fixture_run(&f);
		fixture_work(&f);
	}
	fixture_run(&f);
	answer_is(&put, CODE_OK);
	assert_int_equal(asked.n, 1);
	assert_int_equal(login(&f, "guest", "guest", true), CODE_REFUSED);
	assert_int_equal(login(&f, "guest", "new", true), CODE_OK);
	fixture_close(&f);
}

static void test_too_many(void **state)
{
	struct answer a = {0}, b = {0}, c = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	f.options.hashing_max = 2;
	fixture_restart(&f);
	access_authenticate(f.access, VIEW("guest"), VIEW("1"), true, answer_take, &a);
	access_authenticate(f.access, VIEW("guest"), VIEW("2"), true, answer_take, &b);
	access_authenticate(f.access, VIEW("guest"), VIEW("3"), true, answer_take, &c);
	fixture_run(&f);
	answer_is(&c, CODE_LIMIT);
	fixture_work(&f);
	fixture_run(&f);
	answer_is(&a, CODE_REFUSED);
	answer_is(&b, CODE_REFUSED);
	assert_int_equal(login(&f, "guest", "guest", true), CODE_OK);
	fixture_close(&f);
}

/* Unknown users are hashed like known ones. */
static void test_unknown_user_costs_the_same(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	assert_int_equal(login(&f, "nobody", "x", true), CODE_REFUSED);
	assert_int_equal(f.n_hashed, 1);
	assert_int_equal(user_put(&f, "keyless", NULL, NULL), CODE_OK);
	assert_int_equal(f.n_hashed, 1);
	assert_int_equal(login(&f, "keyless", "x", true), CODE_REFUSED);
	assert_int_equal(f.n_hashed, 2);
	fixture_close(&f);
}

/* Freed with everything under way: nobody is called, nothing leaks (sanitizer). */
static void test_free_under_way(void **state)
{
	struct answer a = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	access_authenticate(f.access, VIEW("guest"), VIEW("1"), true, answer_take, &a);
	fixture_run(&f);
	access_authenticate(f.access, VIEW("guest"), VIEW("2"), true, answer_take, &a);
	access_user_put(f.access, VIEW("u"), VIEW("p"), VIEW_NONE, answer_take, &a);
	access_vhost_put(f.access, VIEW("v"), VIEW_NONE, answer_take, &a);
	assert_false(access_idle(f.access));
	fixture_close(&f);
	assert_int_equal(a.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_start),
		cmocka_unit_test(test_default_user_anywhere),
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_shared_hash),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_changed_meanwhile),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_unknown_user_costs_the_same),
		cmocka_unit_test(test_free_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
