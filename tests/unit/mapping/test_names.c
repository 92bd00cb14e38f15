/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of docs/naming.md, and that the rule is injective and legal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "mapping/names.h"

static const struct {
	enum name_kind kind;
	const char *name;
	size_t n;
	bool fifo;
	const char *wire;
} vectors[] = {
	{NAME_QUEUE, "orders", 6, false,
	 "orders"},
	{NAME_QUEUE, "Orders_2-eu", 11, false,
	 "Orders_2-eu"},
	{NAME_QUEUE, "orders.created", 14, false,
	 "orders-created-xvh7yldzis"},
	{NAME_QUEUE, "orders-created", 14, false,
	 "orders-created"},
	{NAME_QUEUE, "a/b/c", 5, false,
	 "a-b-c-qtm7ughax4"},
	{NAME_QUEUE, "jms.queue>>x", 12, false,
	 "jms-queue-x-mhhojvkwye"},
	{NAME_QUEUE, "--a--b--", 8, false,
	 "--a--b--"},
	{NAME_QUEUE, ".--a..b--.", 10, false,
	 "a-b-lyp2ecwwc3"},
	{NAME_QUEUE, "\xd0\xb7\xd0\xb0\xd0\xba\xd0\xb0\xd0\xb7\xd1\x8b", 12, false,
	 "-feqgr3s6yu"},
	{NAME_QUEUE, "\xd0\xbe\xd1\x87\xd0\xb5\xd1\x80\xd0\xb5\xd0\xb4\xd1\x8c-1", 16, false,
	 "1-jioqqypdvw"},
	{NAME_QUEUE, "\xff\xfe", 2, false,
	 "-g3vki6mpnm"},
	{NAME_QUEUE, "caf\xe9", 4, false,
	 "caf-fogc2nxh6r"},
	{NAME_QUEUE, "", 0, false,
	 "-vodekfxtwr"},
	{NAME_QUEUE, "...", 3, false,
	 "-fd7cnmm4pt"},
	{NAME_QUEUE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 80, false,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{NAME_QUEUE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 81, false,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-h73l23hzxd"},
	{NAME_QUEUE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaa", 255, false,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bldzjfyxym"},
	{NAME_QUEUE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbbbbbb", 89, false,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-5edpr2fpc4"},
	{NAME_QUEUE, "a.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.b"
	 "a.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.b"
	 "a.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.b"
	 "a.b", 255, false,
	 "a-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-b-d5ztw7tmq3"},
	{NAME_QUEUE, "orders-abcdefghij", 17, false,
	 "orders-abcdefghij-b4of7l2ecb"},
	{NAME_QUEUE, "orders-abcdefghi1", 17, false,
	 "orders-abcdefghi1"},
	{NAME_QUEUE, "orders-abcdefghijk", 18, false,
	 "orders-abcdefghijk"},
	{NAME_QUEUE, "-abcdefghij", 11, false,
	 "abcdefghij-zgrbyyyuo7"},
	{NAME_QUEUE, "abcdefghij", 10, false,
	 "abcdefghij"},
	{NAME_QUEUE, "orders.fifo", 11, true,
	 "orders.fifo"},
	{NAME_QUEUE, "orders.fifo", 11, false,
	 "orders-fifo-hisoetgmy2"},
	{NAME_QUEUE, "orders", 6, true,
	 "orders-gfzpcirrfy.fifo"},
	{NAME_QUEUE, "or.ders.fifo", 12, true,
	 "or-ders-fifo-l7sqzchump.fifo"},
	{NAME_QUEUE, "orders-abcdefghij.fifo", 22, true,
	 "orders-abcdefghij-fifo-lqtk5vijpw.fifo"},
	{NAME_QUEUE, ".fifo", 5, true,
	 "fifo-6umvswg6fs.fifo"},
	{NAME_QUEUE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.fifo", 80, true,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.fifo"},
	{NAME_QUEUE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.fifo", 81, true,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-yzgwpnnmcb.fifo"},
	{NAME_QUEUE, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "xxx", 255, true,
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-h6gex7ywam.fifo"},
	{NAME_TOPIC, "orders", 6, false,
	 "orders"},
	{NAME_TOPIC, "amq.direct", 10, false,
	 "amq-direct-nzxh6nd7lp"},
	{NAME_TOPIC, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaa", 256, false,
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaa"},
	{NAME_TOPIC, "a.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.b"
	 "a.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.b"
	 "a.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.ba.b"
	 "a.b", 255, false,
	 "a-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-b"
	 "a-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-b"
	 "a-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-urct2r7"
	 "c4z"},
	{NAME_TOPIC, "prices.fifo", 11, true,
	 "prices.fifo"},
	{NAME_TOPIC, "", 0, false,
	 "-ompt77vhqx"},
};

static const struct {
	const char *vhost;
	size_t n;
	const char *account;
} accounts[] = {
	{"/", 1, "000000000000"},
	{"", 0, "524820938289"},
	{"test", 4, "242462553369"},
	{"prod/eu", 7, "692969719122"},
	{"Test", 4, "129092007810"},
	{"\xd0\xb2\xd0\xb8\xd1\x82\xd1\x80\xd0\xb8\xd0\xbd\xd0\xb0", 14, "497355464477"},
	{"\xff", 1, "983686480012"},
};

static void test_vectors(void **state)
{
	(void)state;
	char wire[NAME_TOPIC_MAX + 1];
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct view name = view_of(vectors[i].name, vectors[i].n);
		size_t n = name_to_wire(vectors[i].kind, name, vectors[i].fifo, wire);
		assert_string_equal(wire, vectors[i].wire);
		assert_int_equal(n, strlen(vectors[i].wire));
		assert_true(name_is_legal(vectors[i].kind, view_of(wire, n)));
	}
}

static void test_accounts(void **state)
{
	(void)state;
	char account[ACCOUNT_DIGITS + 1];
	for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
		name_account(view_of(accounts[i].vhost, accounts[i].n), account);
		assert_string_equal(account, accounts[i].account);
	}
}

static void test_legal(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool queue, topic;
	} rows[] = {
		{"a", true, true},	    {"A_b-9", true, true},	 {"", false, false},
		{"a.b", false, false},	    {"a.fifo", true, true},	 {".fifo", false, false},
		{"a.fifo.fifo", false, false}, {"a.FIFO", false, false}, {"\xd0\xb0", false, false},
		{"-abcdefghij", true, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(name_is_legal(NAME_QUEUE, view_str(rows[i].name)), rows[i].queue);
		assert_int_equal(name_is_legal(NAME_TOPIC, view_str(rows[i].name)), rows[i].topic);
	}
	uint8_t name[300];
	memset(name, 'a', sizeof name);
	assert_true(name_is_legal(NAME_QUEUE, view_of(name, 80)));
	assert_false(name_is_legal(NAME_QUEUE, view_of(name, 81)));
	assert_true(name_is_legal(NAME_TOPIC, view_of(name, 256)));
	assert_false(name_is_legal(NAME_TOPIC, view_of(name, 257)));
}

struct taken {
	size_t n;
	char wire[NAME_TOPIC_MAX + 1];
	uint8_t name[256];
};

/* Names likely to collide: few characters, endings that look like a hash, and
 * wire names of earlier ones. */
static size_t random_name(struct rng *rng, const struct taken *earlier, uint8_t *out)
{
	static const char few[] = "aab--./_2.fifo";
	size_t n = rng_below(rng, rng_below(rng, 20) ? 14 : 256);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)few[rng_below(rng, sizeof few - 1)];
	if (earlier && rng_below(rng, 3) == 0) {
		n = strlen(earlier->wire);
		memcpy(out, earlier->wire, n);
		if (n && rng_below(rng, 2))
			out[rng_below(rng, n)] = '.';
	} else if (n >= 5 && rng_below(rng, 3) == 0) {
		memcpy(out + n - 5, ".fifo", 5);
	}
	return n < 255 ? n : 255;
}

/* One wire name, one true name; standard and FIFO may not meet either. */
static void test_injective(void **state)
{
	(void)state;
	enum { NAMES = 40000 };
	struct mapv by_wire = {0};
	struct rng rng;
	struct taken *last = NULL;
	rng_seed(&rng, 5);
	for (int i = 0; i < NAMES; i++) {
		struct taken *t = mem_zalloc(sizeof *t);
		enum name_kind kind = NAME_QUEUE;
		t->n = random_name(&rng, last, t->name);
		struct view name = view_of(t->name, t->n);
		size_t n = name_to_wire(kind, name, rng_below(&rng, 2), t->wire);
		assert_true(name_is_legal(kind, view_of(t->wire, n)));
		struct taken *other = mapv_find(&by_wire, view_of(t->wire, n));
		if (other) {
			assert_true(view_eq(name, view_of(other->name, other->n)));
			free(t);
			continue;
		}
		mapv_put(&by_wire, view_of(t->wire, n), t);
		last = t;
	}
	assert_true(by_wire.n > NAMES / 4);
	struct taken *t;
	size_t at = 0;
	while ((t = mapv_next(&by_wire, &at)))
		free(t);
	mapv_fini(&by_wire);
}

static void test_arn(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 200);
	assert_true(name_arn(&b, NAME_QUEUE, VIEW("eu-west-1"), VIEW("000000000000"), VIEW("q")));
	assert_true(view_is(buf_view(&b), "arn:aws:sqs:eu-west-1:000000000000:q"));
	buf_clear(&b);
	assert_true(name_arn(&b, NAME_TOPIC, VIEW("r"), VIEW("1"), VIEW("t.fifo")));
	assert_true(view_is(buf_view(&b), "arn:aws:sns:r:1:t.fifo"));
	buf_fini(&b);
}

/* sqs-sns.md 1.5; name NULL: no such form. */
static const struct {
	const char *url, *account, *name;
} urls[] = {
	{"http://localhost:9324/000000000000/orders", "000000000000", "orders"},
	{"https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo", "123456789012", "orders.fifo"},
	{"http://sqs.us-east-1.localhost:4566/000000000000/q", "000000000000", "q"},
	{"http://eu-west-1.queue.localhost/000000000000/q", "000000000000", "q"},
	{"http://queue.localhost/000000000000/q", "000000000000", "q"},
	{"http://localhost:4566/queue/us-east-1/000000000000/q", "000000000000", "q"},
	{"/queue/us-east-1/000000000000/q", "000000000000", "q"},
	{"/000000000000/q", "000000000000", "q"},
	{"000000000000/q", "", NULL},
	{"localhost:9324/000000000000/q", "000000000000", "q"},
	{"http://localhost:9324/queue/q", "", "q"},
	{"/queue/q", "", "q"},
	{"/000000000000/a%2Fb%2fc%25%D0%B0%00", "000000000000", "a/b/c%\xd0\xb0"},
	{"/000000000000/a.b>c+d", "000000000000", "a.b>c+d"},
	{"/000000000000/q?Action=SendMessage&x=/y/z", "000000000000", "q"},
	{"/000000000000/q#part", "000000000000", "q"},
	{"/000000000000/a%2", "", NULL},
	{"/000000000000/a%", "", NULL},
	{"/000000000000/a%zz", "", NULL},
	{"/000000000000/", "", NULL},
	{"//q", "", NULL},
	{"http://localhost:9324/q", "", NULL},
	{"http://localhost:9324", "", NULL},
	{"http://", "", NULL},
	{"://", "", NULL},
	{"q", "", NULL},
	{"", "", NULL},
};

static void test_queue_urls(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 256);
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct view account = VIEW_NONE;
		bool ok = name_from_queue_url(view_str(urls[i].url), &account, &b);
		if (ok != (urls[i].name != NULL))
			fail_msg("%s", urls[i].url);
		if (!ok)
			continue;
		assert_true(view_is(account, urls[i].account));
		/* the one row with a NUL ends in it */
		assert_true(b.n >= strlen(urls[i].name));
		assert_memory_equal(b.p, urls[i].name, strlen(urls[i].name));
		assert_int_equal(b.n, strlen(urls[i].name) + (strstr(urls[i].url, "%00") != NULL));
	}
	buf_fini(&b);
	buf_init(&b, 3);
	struct view account;
	assert_false(name_from_queue_url(VIEW("/1/long"), &account, &b));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	 cmocka_unit_test(test_accounts), cmocka_unit_test(test_legal),
		cmocka_unit_test(test_injective), cmocka_unit_test(test_arn),	  cmocka_unit_test(test_queue_urls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
