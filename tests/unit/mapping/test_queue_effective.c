/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue does, from what each side said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mapping/queue_effective.h"

static struct queue_effective of(struct field *arguments, size_t n, struct field *attributes, size_t m, bool legacy)
{
	struct table a = {arguments, n}, b = {attributes, m};
	struct queue_effective out;
	queue_effective_compute(&(struct queue_sources){&a, &b, legacy}, &out);
	return out;
}

static struct field number(const char *name, int64_t i)
{
	return (struct field){view_str(name), {.type = VALUE_I32, .i = i}};
}

static struct field text(const char *name, const char *s)
{
	return (struct field){view_str(name), {.type = VALUE_STRING, .s = view_str(s)}};
}

static struct field attribute(const char *name, const char *s)
{
	return (struct field){view_str(name), {.type = VALUE_BYTES, .s = view_str(s)}};
}

static void test_nothing_said(void **state)
{
	struct queue_effective e = of(NULL, 0, NULL, 0, true);
	(void)state;
	assert_int_equal(e.retention_ms, 0);
	assert_int_equal(e.visibility_ms, 30000);
	assert_int_equal(e.ttl_ms, QUEUE_UNLIMITED);
	assert_int_equal(e.length_max, QUEUE_UNLIMITED);
	assert_int_equal(e.bytes_max, QUEUE_UNLIMITED);
	assert_int_equal(e.failed_max, QUEUE_UNLIMITED);
	assert_int_equal(e.expires_ms, 0);
	assert_false(e.dead_letters || e.dead_letter_rekeyed || e.quorum);
	assert_int_equal(of(NULL, 0, NULL, 0, false).retention_ms, 345600000);
}

static void test_attributes(void **state)
{
	struct field given[] = {attribute("DelaySeconds", "7"), attribute("MessageRetentionPeriod", "60"),
				attribute("VisibilityTimeout", "0"), attribute("ReceiveMessageWaitTimeSeconds", "20")};
	struct queue_effective e = of(NULL, 0, given, 4, true);
	(void)state;
	assert_int_equal(e.delay_ms, 7000);
	assert_int_equal(e.retention_ms, 60000); /* said, though a legacy client declared it */
	assert_int_equal(e.visibility_ms, 0);
	assert_int_equal(e.wait_ms, 20000);
}

static void test_arguments(void **state)
{
	struct field given[] = {number("x-message-ttl", 0), number("x-expires", 5), number("x-max-length", 3),
				number("x-max-length-bytes", 4), text("x-dead-letter-exchange", ""),
				text("x-dead-letter-routing-key", "k"), number("x-delivery-limit", 2)};
	struct queue_effective e = of(given, 7, NULL, 0, true);
	(void)state;
	assert_int_equal(e.ttl_ms, 0);
	assert_int_equal(e.expires_ms, 5);
	assert_int_equal(e.length_max, 3);
	assert_int_equal(e.bytes_max, 4);
	assert_true(e.dead_letters && e.dead_letter_rekeyed);
	assert_int_equal(e.dead_letter_topic.n, 0);
	assert_true(view_is(e.dead_letter_key, "k"));
	assert_int_equal(e.failed_max, QUEUE_UNLIMITED); /* a classic queue has none */
}

static void test_values_of_another_kind_say_nothing(void **state)
{
	struct field given[] = {text("x-message-ttl", "5"), number("x-dead-letter-exchange", 1),
				text("x-dead-letter-routing-key", "k"), number("x-max-length", -1)};
	struct queue_effective e = of(given, 4, NULL, 0, true);
	(void)state;
	assert_int_equal(e.ttl_ms, QUEUE_UNLIMITED);
	assert_int_equal(e.length_max, QUEUE_UNLIMITED);
	assert_false(e.dead_letters || e.dead_letter_rekeyed);
}

static void test_overflow_and_quorum(void **state)
{
	static const struct {
		const char *overflow, *type;
		enum queue_overflow classic;
	} rows[] = {
		{"drop-head", "classic", OVERFLOW_DROP_HEAD},
		{"reject-publish", "classic", OVERFLOW_REJECT},
		{"reject-publish-dlx", "classic", OVERFLOW_REJECT_DEAD_LETTER},
		{"reject-publish", "quorum", OVERFLOW_REJECT},
		{"reject-publish-dlx", "quorum", OVERFLOW_DROP_HEAD},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct field given[] = {text("x-overflow", rows[i].overflow), text("x-queue-type", rows[i].type),
					number("x-delivery-limit", 0)};
		struct queue_effective e = of(given, 3, NULL, 0, true);
		assert_int_equal(e.overflow, rows[i].classic);
		assert_int_equal(e.quorum, strcmp(rows[i].type, "quorum") == 0);
		assert_int_equal(e.failed_max, e.quorum ? 0 : QUEUE_UNLIMITED);
	}
}

static void test_single_active(void **state)
{
	static const struct {
		struct value value;
		bool single;
	} rows[] = {
		{{.type = VALUE_BOOL, .boolean = true}, true},
		{{.type = VALUE_BOOL, .boolean = false}, false},
		{{.type = VALUE_I32, .i = 1}, false},
	};
	(void)state;
	assert_false(of(NULL, 0, NULL, 0, true).single_active);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct field given = {VIEW("x-single-active-consumer"), rows[i].value};
		assert_int_equal(of(&given, 1, NULL, 0, true).single_active, rows[i].single);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_values_of_another_kind_say_nothing),
		cmocka_unit_test(test_overflow_and_quorum),
		cmocka_unit_test(test_single_active),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
