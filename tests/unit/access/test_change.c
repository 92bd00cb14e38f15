/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of users, vhosts and keys; restarts; the store's refusals. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_memory.h"
#include "store/store_sqlite.h"

static void count(void *ctx, const struct access_user *u)
{
	(void)u;
	++*(int *)ctx;
}

static void key_count(void *ctx, const struct access_key *k)
{
	assert_ptr_equal(k->secret.p, NULL); /* lists show no secrets */
	++*(int *)ctx;
}

static void permission_count(void *ctx, const struct access_permission *p)
{
	(void)p;
	++*(int *)ctx;
}

static int users(const struct fixture *f)
{
	int n = 0;

	access_users_each(f->access, count, &n);
	return n;
}

static int keys(const struct fixture *f)
{
	int n = 0;

	access_keys_each(f->access, key_count, &n);
	return n;
}

static int permissions(const struct fixture *f)
{
	int n = 0;

	access_permissions_each(f->access, permission_count, &n);
	return n;
}

static void test_first_start(void **state)
{
	struct access_key k;
	struct view vhost;
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	for (int life = 0; life < 2; life++) {
		assert_int_equal(users(&f), 1);
		assert_int_equal(permissions(&f), 1);
		assert_true(access_user_has_tag(f.access, VIEW("guest"), "administrator"));
		assert_false(access_user_has_tag(f.access, VIEW("guest"), "admin"));
		assert_true(access_may_enter(f.access, VIEW("guest"), VIEW("/")));
		assert_true(access_key_find(f.access, VIEW("guest"), &k));
		assert_true(view_is(k.secret, "guest") && view_is(k.user, "guest") && view_is(k.vhost, "/"));
		assert_string_equal(access_vhost_account(f.access, VIEW("/")), "000000000000");
		assert_true(access_vhost_of_account(f.access, VIEW("000000000000"), &vhost));
		assert_true(view_is(vhost, "/"));
		assert_int_equal(f.n_vhosts, 0);
		fixture_restart(&f);
	}
	fixture_close(&f);
}

static void test_user_life(void **state)
{
	struct answer a = {0};
	struct access_user u;
	struct access_key_made made;
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	assert_int_equal(user_put(&f, "u", "p", " monitoring , ,management"), CODE_OK);
	assert_int_equal(permission_put(&f, "u", "/", ".*"), CODE_OK);
	access_key_create(f.access, VIEW("u"), VIEW("/"), &made, answer_take, &a);
	fixture_run(&f);
	answer_is(&a, CODE_OK);
	assert_true(access_user_find(f.access, VIEW("u"), &u));
	assert_true(view_is(u.tags, "monitoring,management"));
	assert_false(u.loopback_only);
	assert_int_equal(login(&f, "u", "p", false), CODE_OK);
	/* what is not given stays */
	assert_int_equal(user_put(&f, "u", NULL, ""), CODE_OK);
	assert_int_equal(login(&f, "u", "p", false), CODE_OK);
	assert_false(access_user_has_tag(f.access, VIEW("u"), "monitoring"));
	fixture_restart(&f);
	assert_int_equal(login(&f, "u", "p", false), CODE_OK);
	assert_int_equal(keys(&f), 2);
	/* permissions and keys go with the user */
	a.n = 0;
	access_user_delete(f.access, VIEW("u"), answer_take, &a);
	fixture_run(&f);
	answer_is(&a, CODE_OK);
	for (int life = 0; life < 2; life++) {
		assert_int_equal(users(&f), 1);
		assert_int_equal(keys(&f), 1);
		assert_int_equal(permissions(&f), 1);
		assert_int_equal(login(&f, "u", "p", false), CODE_REFUSED);
		fixture_restart(&f);
	}
	fixture_close(&f);
}

static void test_user_refused(void **state)
{
	char name[300] = {0};
	struct answer a = {0};
	struct fixture f;

	(void)state;
	memset(name, 'n', 256);
	fixture_open(&f, false);
	assert_int_equal(user_put(&f, "", "p", ""), CODE_INVALID);
	assert_int_equal(user_put(&f, name, "p", ""), CODE_INVALID);
	assert_int_equal(user_put(&f, "a\nb", "p", ""), CODE_INVALID);
	assert_int_equal(user_put(&f, "\xff", "p", ""), CODE_INVALID);
	assert_int_equal(user_put(&f, "u", "", ""), CODE_INVALID);
	assert_int_equal(user_put(&f, "u", "p", "a\tb"), CODE_INVALID);
	assert_int_equal(user_put(&f, "guest", NULL, "monitoring"), CODE_INVALID);
	access_user_delete(f.access, VIEW("guest"), answer_take, &a);
	fixture_run(&f);
	answer_is(&a, CODE_INVALID);
	assert_int_equal(users(&f), 1);
	/* with a second administrator it may go */
	assert_int_equal(user_put(&f, "root", "p", "administrator"), CODE_OK);
	assert_int_equal(user_put(&f, "guest", NULL, "monitoring"), CODE_OK);
	assert_int_equal(user_put(&f, "root", NULL, ""), CODE_INVALID);
	name[255] = 0;
	assert_int_equal(user_put(&f, name, "p", ""), CODE_OK);
	assert_int_equal(login(&f, name, "p", true), CODE_OK);
	fixture_close(&f);
}

static void test_not_found(void **state)
{
	struct answer a[4] = {0};
	struct access_key_made made;
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	access_user_delete(f.access, VIEW("u"), answer_take, &a[0]);
	access_key_delete(f.access, VIEW("k"), answer_take, &a[1]);
	access_key_create(f.access, VIEW("u"), VIEW("/"), &made, answer_take, &a[2]);
	access_permission_delete(f.access, VIEW("u"), VIEW("/"), answer_take, &a[3]);
	fixture_run(&f);
	for (int i = 0; i < 4; i++)
		answer_is(&a[i], CODE_NOT_FOUND);
	fixture_close(&f);
}

/* Hashes may come back in any order; the changes do not change places. */
static void test_order(void **state)
{
	struct answer a[5] = {0};
	struct access_permission all = {VIEW("u"), VIEW("/"), VIEW("a"), VIEW("a"), VIEW("a")};
	struct offloaded first;
	struct fixture f;

	(void)state;
	fixture_open(&f, true);
	access_user_put(f.access, VIEW("u"), VIEW("one"), VIEW("first"), answer_take, &a[0]);
	access_permission_put(f.access, &all, answer_take, &a[1]);
	access_user_put(f.access, VIEW("u"), VIEW("two"), VIEW("second"), answer_take, &a[2]);
	access_user_delete(f.access, VIEW("u"), answer_take, &a[3]);
	access_user_put(f.access, VIEW("u"), VIEW("three"), VIEW_NONE, answer_take, &a[4]);
	assert_int_equal(f.n_work, 3);
	first = f.work[0];
	f.work[0] = f.work[2];
	f.work[2] = first;
	fixture_run(&f);
	for (int i = 0; i < 5; i++)
		assert_int_equal(a[i].n, 0);
	fixture_work(&f);
	fixture_run(&f);
	for (int i = 0; i < 5; i++)
		answer_is(&a[i], CODE_OK);
	assert_false(access_may_enter(f.access, VIEW("u"), VIEW("/")));
	assert_false(access_user_has_tag(f.access, VIEW("u"), "second"));
	assert_int_equal(login(&f, "u", "three", false), CODE_OK);
	fixture_close(&f);
}

static void test_vhosts(void **state)
{
	struct answer a = {0};
	struct view vhost;
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	access_vhost_put(f.access, VIEW("one"), VIEW_NONE, answer_take, &a);
	access_vhost_put(f.access, VIEW("two"), VIEW_NONE, answer_take, &a); /* proposes the same account */
	access_vhost_put(f.access, VIEW("two"), VIEW_NONE, answer_take, &a); /* is there */
	access_vhost_put(f.access, VIEW(""), VIEW_NONE, answer_take, &a);
	fixture_run(&f);
	assert_int_equal(a.n, 4);
	assert_int_equal(a.code, CODE_INVALID);
	assert_int_equal(f.n_vhosts, 2);
	assert_string_equal(f.last_vhost, "two");
	for (int life = 0; life < 2; life++) {
		assert_string_equal(access_vhost_account(f.access, VIEW("one")), "000000000777");
		assert_string_equal(access_vhost_account(f.access, VIEW("two")), "000000000778");
		assert_true(access_vhost_of_account(f.access, VIEW("000000000778"), &vhost));
		assert_true(view_is(vhost, "two"));
		assert_false(access_vhost_of_account(f.access, VIEW("000000000779"), &vhost));
		assert_null(access_vhost_account(f.access, VIEW("three")));
		fixture_restart(&f);
	}
	a.n = 0;
	access_vhost_put(f.access, VIEW("one"), VIEW("000000000778"), answer_take, &a); /* that of another */
	fixture_run(&f);
	assert_int_equal(a.code, CODE_EXISTS);
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = {"", "12345678901", "12345678901x"};
		access_vhost_put(f.access, VIEW("one"), view_str(bad[i]), answer_take, &a);
		fixture_run(&f);
		assert_int_equal(a.code, CODE_INVALID);
	}
	access_vhost_put(f.access, VIEW("one"), VIEW("123456789012"), answer_take, &a);
	access_vhost_put(f.access, VIEW("one"), VIEW("123456789012"), answer_take, &a); /* its own */
	access_vhost_put(f.access, VIEW("three"), VIEW("000000000777"), answer_take, &a); /* free again */
	fixture_run(&f);
	assert_int_equal(a.code, CODE_OK);
	fixture_restart(&f);
	assert_string_equal(access_vhost_account(f.access, VIEW("one")), "123456789012");
	assert_string_equal(access_vhost_account(f.access, VIEW("three")), "000000000777");
	fixture_close(&f);
}

static void test_keys(void **state)
{
	struct access_key_made made, two;
	struct answer a = {0};
	struct access_key k;
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	access_key_create(f.access, VIEW("guest"), VIEW("/"), &made, answer_take, &a);
	access_key_create(f.access, VIEW("guest"), VIEW("/"), &two, answer_take, &a);
	assert_false(access_key_find(f.access, view_str(made.id), &k)); /* not stored yet */
	fixture_run(&f);
	assert_int_equal(a.n, 2);
	assert_int_equal(strlen(made.id), 20);
	assert_int_equal(strlen(made.secret), 40);
	assert_string_not_equal(made.id, two.id);
	assert_string_not_equal(made.secret, two.secret);
	fixture_restart(&f);
	assert_true(access_key_find(f.access, view_str(made.id), &k));
	assert_true(view_is(k.secret, made.secret));
	/* another master key: listed, refused */
	f.options.master_key[0] ^= 1;
	fixture_restart(&f);
	assert_false(access_key_find(f.access, view_str(made.id), &k));
	assert_int_equal(keys(&f), 3);
	f.options.master_key[0] ^= 1;
	fixture_restart(&f);
	a.n = 0;
	access_key_delete(f.access, view_str(made.id), answer_take, &a);
	fixture_run(&f);
	answer_is(&a, CODE_OK);
	assert_false(access_key_find(f.access, view_str(made.id), &k));
	assert_true(access_key_find(f.access, view_str(two.id), &k));
	fixture_close(&f);
}

/* Neither the password nor the secret of a key can be read in the store. */
static void look_for(void *ctx, struct view key, struct view value, uint64_t version)
{
	(void)key;
	(void)version;
	assert_null(memmem(value.p, value.n, ctx, strlen(ctx)));
}

static void test_nothing_in_clear(void **state)
{
	struct access_key_made made;
	struct answer a = {0};
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	user_put(&f, "u", "correct horse", "");
	access_key_create(f.access, VIEW("u"), VIEW("/"), &made, answer_take, &a);
	fixture_run(&f);
	f.store->ops->defs(f.store, VIEW("user"), look_for, "correct horse");
	f.store->ops->defs(f.store, VIEW("key"), look_for, made.secret);
	fixture_close(&f);
}

/* ---- a store that says no ---- */

struct no_store {
	struct store base; /* first */
	struct store *under;
	enum store_result says;
	struct store_batch *held;
};

static void no_submit(struct store *s, struct store_batch *b)
{
	((struct no_store *)s)->held = b;
}

static int no_poll(struct store *s)
{
	struct no_store *n = (struct no_store *)s;
	struct store_batch *b = n->held;

	if (!b)
		return 0;
	n->held = NULL;
	for (size_t i = 0; i < b->n; i++)
		b->ops[i].result = (uint8_t)n->says;
	b->done(b, b->ctx);
	return 1;
}

static bool no_idle(const struct store *s)
{
	return !((const struct no_store *)s)->held;
}

static bool no_defs(struct store *s, struct view kind,
		    void (*each)(void *ctx, struct view key, struct view value, uint64_t version), void *ctx)
{
	struct no_store *n = (struct no_store *)s;

	return n->under->ops->defs(n->under, kind, each, ctx);
}

static const struct store_ops no_ops = {
	.name = "no", .submit = no_submit, .poll = no_poll, .idle = no_idle, .defs = no_defs};

static void test_store_says_no(void **state)
{
	static const struct {
		enum store_result says;
		enum code code;
	} rows[] = {{STORE_FAILED, CODE_UNAVAILABLE},
		    {STORE_RETRY_LATER, CODE_UNAVAILABLE},
		    {STORE_REFUSED, CODE_INVALID}};
	struct no_store no = {.base.ops = &no_ops};
	struct error e;
	struct fixture f;

	(void)state;
	fixture_open(&f, false);
	no.under = f.store;
	f.store = &no.base;
	fixture_restart(&f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		no.says = rows[i].says;
		assert_int_equal(user_put(&f, "u", "p", ""), rows[i].code);
		assert_int_equal(users(&f), 1); /* memory did not change */
		assert_int_equal(login(&f, "guest", "guest", true), CODE_OK);
	}
	/* freed with a batch in the store, which comes back later */
	access_vhost_put(f.access, VIEW("v"), VIEW_NONE, answer_take, NULL);
	access_poll(f.access, f.now);
	assert_non_null(no.held);
	access_free(f.access);
	no_poll(&no.base);
	/* the first start fails with it */
	f.store = store_memory_open();
	no.under->ops->close(no.under);
	no.under = f.store;
	assert_null(access_new(&f.options, &no.base, &e));
	assert_int_equal(e.code, CODE_INVALID);
	f.access = NULL;
	fixture_close(&f);
}

/* ---- definitions of another program ---- */

static void stored(struct store_batch *b, void *ctx)
{
	(void)b;
	*(bool *)ctx = true;
}

static void definition_put(struct store *s, const char *kind, const char *key, const char *value)
{
	bool done = false;
	struct store_op op = {.kind = OP_DEF_PUT, .group_end = true};
	struct store_batch b = {.ops = &op, .n = 1, .cap = 1, .done = stored, .ctx = &done};

	op.def.kind = view_str(kind);
	op.def.key = view_str(key);
	op.def.value = view_str(value);
	op.def.expected = DEF_ANY;
	s->ops->submit(s, &b);
	while (!done)
		s->ops->poll(s);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *kind, *key, *value;
		enum code code;
	} rows[] = {
		{"user", "u", "{\"v\":2}", CODE_UNSUPPORTED},
		{"user", "u", "{}", CODE_INVALID},
		{"user", "u", "nonsense", CODE_INVALID},
		{"user", "u", "", CODE_INVALID},
		{"user", "u", "[1]", CODE_INVALID},
		{"user", "u", "{\"v\":1,\"password\":{\"algorithm\":\"rot13\",\"salt\":\"\",\"hash\":\"\"}}", CODE_INVALID},
		{"user", "u", "{\"v\":1,\"password\":{\"algorithm\":\"scrypt-14-8-1\",\"salt\":\"AA\",\"hash\":\"AA\"}}",
		 CODE_INVALID},
		{"vhost", "v", "{\"v\":1,\"account\":\"12\"}", CODE_INVALID},
		{"vhost", "v", "{\"v\":1,\"account\":\"00000000000x\"}", CODE_INVALID},
		{"permission", "u", "{\"v\":1,\"user\":\"u\",\"vhost\":\"v\"}", CODE_INVALID},
		{"key", "k", "{\"v\":1}", CODE_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct access_options o = fixture_options();
		struct store *s = store_memory_open();
		struct error e = {0};
		struct access *a;

		definition_put(s, rows[i].kind, rows[i].key, rows[i].value);
		a = access_new(&o, s, &e);
		if (a || e.code != rows[i].code)
			fail_msg("row %zu: %s", i, e.text);
		s->ops->close(s);
	}
}

/* ---- on disk ---- */

static void test_restart_sqlite(void **state)
{
	char dir[] = "/tmp/mqb-access-XXXXXX", path[64];
	struct store_sqlite_options o = {.synchronous = 0};
	struct error e = {0};
	struct fixture f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	o.dir = dir;
	fixture_open(&f, false);
	for (int threaded = 0; threaded < 2; threaded++) {
		access_free(f.access);
		f.store->ops->close(f.store);
		o.threaded = threaded;
		f.store = store_sqlite_open(&o, &e);
		if (!f.store)
			fail_msg("%s", e.text);
		f.access = access_new(&f.options, f.store, &e);
		assert_non_null(f.access);
		if (!threaded)
			assert_int_equal(user_put(&f, "u", "p", ""), CODE_OK);
		assert_int_equal(login(&f, "u", "p", false), CODE_OK);
		assert_int_equal(login(&f, "guest", "guest", true), CODE_OK);
	}
	assert_int_equal(user_put(&f, "w", "p", ""), CODE_OK);
	fixture_close(&f);
	snprintf(path, sizeof path, "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void test_master_key(void **state)
{
	char dir[] = "/tmp/mqb-access-XXXXXX", path[64];
	uint8_t one[32] = {0}, two[32] = {0}, none[32] = {0};
	struct error e = {0};
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/master.key", dir);
	assert_true(access_master_key_load(dir, one, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(st.st_nlink, 1);
	assert_true(access_master_key_load(dir, two, &e));
	assert_memory_equal(one, two, 32);
	assert_memory_not_equal(one, none, 32);
	assert_int_equal(chmod(path, 0644), 0);
	assert_false(access_master_key_load(dir, two, &e));
	assert_int_equal(e.code, CODE_REFUSED);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_false(access_master_key_load(dir, two, &e));
	assert_int_equal(e.code, CODE_INVALID);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left there */
	assert_false(access_master_key_load(dir, two, &e));
	assert_int_equal(e.code, CODE_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_start),
		cmocka_unit_test(test_user_life),
		cmocka_unit_test(test_user_refused),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_vhosts),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_nothing_in_clear),
		cmocka_unit_test(test_store_says_no),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_restart_sqlite),
		cmocka_unit_test(test_master_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
