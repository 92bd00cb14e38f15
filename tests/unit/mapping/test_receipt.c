/* SPDX-License-Identifier: Apache-2.0 */
/* Receipt handles: what is sealed opens, nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mapping/receipt.h"

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[32] = "0123456789abcdef0123456789abcdf";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void random_fields(struct rng *r, struct receipt_fields *f, uint8_t handle[200])
{
	for (int i = 0; i < 200; i++)
		handle[i] = (uint8_t)rng_next(r);
	*f = (struct receipt_fields){
		.queue = (uint32_t)rng_next(r),
		.pos = rng_next(r),
		.receive = (uint32_t)rng_next(r),
		.boot = rng_next(r),
		.at_ms = (int64_t)rng_next(r),
		.handle = view_of(handle, rng_below(r, 201)),
	};
}

static void test_round_trip(void **state)
{
	(void)state;
	struct rng r;
	struct buf text, again, scratch;
	struct receipt_fields f, back;
	uint8_t handle[200];
	rng_seed(&r, 3);
	buf_init(&text, RECEIPT_TEXT_MAX);
	buf_init(&again, RECEIPT_TEXT_MAX);
	buf_init(&scratch, RECEIPT_TEXT_MAX);
	for (int i = 0; i < 2000; i++) {
		random_fields(&r, &f, handle);
		buf_clear(&text);
		buf_clear(&again);
		assert_true(receipt_seal(key, &f, &text));
		assert_true(receipt_seal(key, &f, &again));
		assert_true(view_eq(buf_view(&text), buf_view(&again)));
		/* the extended client library splits at "-..s3BucketName..-" */
		for (size_t c = 0; c < text.n; c++)
			assert_non_null(strchr(url_safe, text.p[c]));
		assert_true(receipt_open(key, buf_view(&text), &scratch, &back));
		assert_int_equal(back.queue, f.queue);
		assert_int_equal(back.pos, f.pos);
		assert_int_equal(back.receive, f.receive);
		assert_int_equal(back.boot, f.boot);
		assert_int_equal(back.at_ms, f.at_ms);
		assert_true(view_eq(back.handle, f.handle));
		assert_false(receipt_open(other_key, buf_view(&text), &scratch, &back));
	}
	buf_fini(&text);
	buf_fini(&again);
	buf_fini(&scratch);
}

/* Each byte of the text replaced by each other value; each shortening; one more. */
static void test_every_corruption_is_refused(void **state)
{
	(void)state;
	const char *handles[] = {"", "a", "ab", "abc"};
	struct buf text, scratch;
	struct receipt_fields back;
	buf_init(&text, RECEIPT_TEXT_MAX + 8);
	buf_init(&scratch, RECEIPT_TEXT_MAX);
	for (size_t h = 0; h < 4; h++) {
		struct receipt_fields f = {7, 1234567, 2, 99, 1700000000000, view_str(handles[h])};
		buf_clear(&text);
		assert_true(receipt_seal(key, &f, &text));
		for (size_t i = 0; i < text.n; i++) {
			uint8_t was = text.p[i];
			for (int c = 0; c < 256; c++) {
				text.p[i] = (uint8_t)c;
				assert_int_equal(receipt_open(key, buf_view(&text), &scratch, &back), c == was);
			}
			text.p[i] = was;
			assert_false(receipt_open(key, view_of(text.p, i), &scratch, &back));
		}
		buf_add_u8(&text, '=');
		assert_false(receipt_open(key, buf_view(&text), &scratch, &back));
		buf_add(&text, VIEW("==="));
		assert_false(receipt_open(key, buf_view(&text), &scratch, &back));
	}
	buf_fini(&text);
	buf_fini(&scratch);
}

static void test_not_a_handle(void **state)
{
	(void)state;
	char longest[RECEIPT_TEXT_MAX + 5];
	struct buf scratch;
	struct receipt_fields back;
	memset(longest, 'A', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	const char *texts[] = {"", "garbage", "AAAA", "....", "a b c d ", longest, longest + 4};
	buf_init(&scratch, 1000);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_false(receipt_open(key, view_str(texts[i]), &scratch, &back));
		assert_int_equal(back.queue, 0);
		assert_int_equal(back.handle.n, 0);
	}
	buf_fini(&scratch);
}

static void test_limits(void **state)
{
	(void)state;
	uint8_t handle[201] = {0};
	struct receipt_fields f = {.handle = view_of(handle, 201)};
	struct buf text;
	buf_init(&text, 1000);
	assert_false(receipt_seal(key, &f, &text));
	f.handle.n = 200;
	assert_true(receipt_seal(key, &f, &text));
	assert_true(text.n <= RECEIPT_TEXT_MAX);
	buf_fini(&text);
	buf_init(&text, 10);
	assert_false(receipt_seal(key, &f, &text));
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_corruption_is_refused),
		cmocka_unit_test(test_not_a_handle),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
