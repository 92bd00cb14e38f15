/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's own sums: addresses, the bindings of case g against a router
 * that knows nothing of how they were made, latencies, frames, runs that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/load_case.h"
#include "bench/load_topic.h"
#include "bench/load_wire.h"
#include "base/buf.h"

struct address {
	const char *uri;
	bool good;
	enum load_protocol protocol;
	const char *host, *user, *password, *vhost;
	uint16_t port;
};

static const struct address addresses[] = {
	{"amqp://localhost", true, LOAD_AMQP, "localhost", "guest", "guest", "/", 5672},
	{"amqp://127.0.0.1:1234/", true, LOAD_AMQP, "127.0.0.1", "guest", "guest", "/", 1234},
	{"amqp://u:p@h:1/v", true, LOAD_AMQP, "h", "u", "p", "v", 1},
	{"amqp://u@h/%2f", true, LOAD_AMQP, "h", "u", "", "/", 5672},
	{"amqp://a%40b:p%3ac%2F@h/x%20y", true, LOAD_AMQP, "h", "a@b", "p:c/", "x y", 5672},
	{"amqp://u:p@q@h", true, LOAD_AMQP, "h", "u", "p@q", "/", 5672},
	{"amqp://[::1]:65535", true, LOAD_AMQP, "::1", "guest", "guest", "/", 65535},
	{"amqp://[::1]", true, LOAD_AMQP, "::1", "guest", "guest", "/", 5672},
	{"http://AKIA:secret@127.0.0.1", true, LOAD_SQS, "127.0.0.1", "AKIA", "secret", "/", 9324},
	{"http://127.0.0.1:4566/", true, LOAD_SQS, "127.0.0.1", "guest", "guest", "/", 4566},
	{.uri = "http://127.0.0.1:4566/queue"},
	{.uri = "amqps://h"},
	{.uri = "127.0.0.1:5672"},
	{.uri = "amqp://"},
	{.uri = "amqp://:5672"},
	{.uri = "amqp://h:"},
	{.uri = "amqp://h:0"},
	{.uri = "amqp://h:65536"},
	{.uri = "amqp://h:-1"},
	{.uri = "amqp://h:56x"},
	{.uri = "amqp://[::1]x"},
	{.uri = "amqp://u%@h"},
	{.uri = "amqp://u%4@h"},
	{.uri = "amqp://u%00:p@h"},
	{.uri = "amqp://h/%zz"},
};

static void addresses_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		const struct address *a = &addresses[i];
		struct load_target t;
		struct error e = {0};
		if (load_target_parse(a->uri, &t, &e) != a->good)
			fail_msg("%s: %s", a->uri, a->good ? e.text : "taken");
		if (!a->good)
			continue;
		assert_int_equal(t.protocol, a->protocol);
		assert_string_equal(t.host, a->host);
		assert_string_equal(t.user, a->user);
		assert_string_equal(t.password, a->password);
		assert_string_equal(t.vhost, a->vhost);
		assert_int_equal(t.port, a->port);
	}
}

/* A topic pattern over words, the plain way. */
static bool matches(const char *pattern, const char *key)
{
	size_t n = strcspn(pattern, "."), m = strcspn(key, ".");
	if (!*pattern)
		return !*key;
	if (n == 1 && *pattern == '#')
		return (!pattern[n] ? true : matches(pattern + 2, key)) ||
		       (*key && matches(pattern, key + m + (key[m] == '.')));
	if (!*key || !((n == 1 && *pattern == '*') || (n == m && memcmp(pattern, key, n) == 0)))
		return false;
	if (!pattern[n] || !key[m])
		return pattern[n] == key[m] || !strcmp(pattern + n, ".#");
	return matches(pattern + n + 1, key + m + 1);
}

enum { QUEUES = 100, STEP = 97 };

static void topic_copies_are_what_the_bindings_lead_to(void **state)
{
	(void)state;
	struct topic_load *t = calloc(1, sizeof *t);
	char (*patterns)[TOPIC_PATTERN_MAX] = calloc(TOPIC_BINDINGS, sizeof *patterns);
	assert_non_null(t);
	assert_non_null(patterns);
	topic_load_init(t, QUEUES);
	for (uint32_t i = 0; i < TOPIC_BINDINGS; i++)
		topic_pattern(i, patterns[i]);
	for (uint32_t key = 0; key < TOPIC_KEYS; key += STEP) {
		bool reached[QUEUES] = {false};
		int n = 0;
		assert_int_equal(strlen(t->keys[key]), TOPIC_KEY_BYTES);
		for (uint32_t i = 0; i < TOPIC_BINDINGS; i++) {
			uint32_t queue = topic_queue_of(i, QUEUES);
			assert_true(queue < QUEUES);
			if (matches(patterns[i], t->keys[key]) && !reached[queue]) {
				reached[queue] = true;
				n++;
			}
		}
		assert_int_equal(n, t->copies[key]);
	}
	assert_in_range(t->copies_all, TOPIC_KEYS * 24 / 10, TOPIC_KEYS * 25 / 10);
	free(patterns);
	free(t);
}

static void histogram_is_within_its_step(void **state)
{
	(void)state;
	struct histogram h = {0};
	assert_int_equal(histogram_at(&h, 0.5), 0);
	for (uint64_t us = 1; us <= 100000; us++)
		histogram_add(&h, us);
	for (int percent = 1; percent < 100; percent++) {
		uint64_t exact = (uint64_t)percent * 1000, got = histogram_at(&h, percent / 100.0);
		assert_in_range(got, exact, exact + exact / 60 + 1);
	}
	histogram_add(&h, UINT64_MAX);
	assert_true(histogram_at(&h, 1) > 100000);
}

static void a_publish_has_its_key_and_stamp_where_it_says(void **state)
{
	(void)state;
	struct publish_spec spec = {"exchange", "key", true, 200000};
	struct publish_places at;
	size_t n = load_publish_encode(&spec, NULL, &at);
	uint8_t *p = calloc(1, n);
	assert_non_null(p);
	assert_int_equal(load_publish_encode(&spec, p, &at), n);
	assert_memory_equal(p + at.key, "key", 3);
	assert_int_equal(p[at.key - 1], 3);
	assert_int_equal(p[at.stamp - 7], 3);
	assert_int_equal(p[at.stamp], 'x');
	size_t frames = 0, body = 0;
	for (size_t i = 0; i < n; frames++) {
		uint32_t size = be32_get(p + i + 3);
		body += p[i] == 3 ? size : 0;
		assert_int_equal(p[i + 7 + size], 0xCE);
		i += size + 8;
	}
	assert_int_equal(frames, 4);
	assert_int_equal(body, spec.body_bytes);
	free(p);
}

/* Nobody listens on port 1. */
static void a_run_that_fails_says_so(void **state)
{
	(void)state;
	static struct load_result result;
	struct load_options o = {.what = load_case_find("a"), .body_bytes = 16, .seconds = 1};
	assert_true(load_target_parse("amqp://127.0.0.1:1", &o.target, NULL));
	assert_false(load_run(&o, &result));
	assert_int_equal(result.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(topic_copies_are_what_the_bindings_lead_to),
		cmocka_unit_test(histogram_is_within_its_step),
		cmocka_unit_test(a_publish_has_its_key_and_stamp_where_it_says),
		cmocka_unit_test(a_run_that_fails_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
