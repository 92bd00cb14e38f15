/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/buf.h"

static void writes_in_network_order(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_true(buf_add_u8(&b, 0x01));
	assert_true(buf_add_u16(&b, 0x0203));
	assert_true(buf_add_u32(&b, 0x04050607));
	assert_true(buf_add_u64(&b, 0x08090a0b0c0d0e0f));
	check_view(buf_view(&b), VIEW("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"));

	struct reader r = reader_of(buf_view(&b));
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_true(reader_u64(&r) == 0x08090a0b0c0d0e0f);
	assert_false(r.bad);
	assert_int_equal(r.v.n, 0);
	buf_fini(&b);
}

static void overflow_keeps_the_content_and_sticks(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_true(buf_add_str(&b, "12345"));
	assert_false(buf_add_u32(&b, 1));
	assert_true(b.overflow);
	check_view(buf_view(&b), VIEW("12345"));
	assert_false(buf_add_u8(&b, '6')); /* it would fit */
	assert_false(buf_add(&b, VIEW_NONE));
	assert_null(buf_cstr(&b));
	check_view(buf_view(&b), VIEW("12345"));
	buf_clear(&b);
	assert_true(buf_add_str(&b, "12345678")); /* exactly the maximum */
	assert_false(b.overflow);
	assert_null(buf_cstr(&b));
	assert_false(b.overflow); /* asking for a string is no write */
	assert_null(buf_reserve(&b, SIZE_MAX));
	buf_fini(&b);
}

static void an_empty_maximum_takes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_true(buf_add(&b, VIEW_NONE));
	assert_non_null(buf_reserve(&b, 0));
	assert_false(buf_add_u8(&b, 1));
	buf_fini(&b);
}

static void printf_small_large_and_too_large(void **state)
{
	char want[1001];
	struct buf b;

	(void)state;
	memset(want, 'x', 1000);
	want[1000] = 0;
	buf_init(&b, 1010);
	assert_true(buf_printf(&b, "%s=%d ", "n", 42));
	assert_true(buf_printf(&b, "%s", want));
	check_view(view_head(buf_view(&b), 5), VIEW("n=42 "));
	check_view(view_skip(buf_view(&b), 5), view_str(want));
	assert_true(buf_printf(&b, "%d", 12345)); /* to the last byte */
	assert_false(buf_printf(&b, "%d", 1));
	assert_true(b.overflow);
	buf_clear(&b);
	assert_false(buf_printf(&b, "%s%s", want, want));
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

static void cstr_does_not_count_its_nul(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 16);
	assert_string_equal(buf_cstr(&b), "");
	buf_add_str(&b, "abc");
	assert_string_equal(buf_cstr(&b), "abc");
	assert_int_equal(b.n, 3);
	buf_add_str(&b, "d");
	assert_string_equal(buf_cstr(&b), "abcd");
	buf_fini(&b);
}

static void reading_past_the_end_is_bad_for_good(void **state)
{
	(void)state;
	struct reader r = reader_of(VIEW("\x01\x02\x03"));
	assert_int_equal(reader_u16(&r), 0x0102);
	assert_int_equal(reader_u16(&r), 0);
	assert_true(r.bad);
	assert_int_equal(reader_u8(&r), 0); /* there is one byte, but r is bad */
	assert_null(reader_bytes(&r, 1).p);
	check_view(reader_bytes(&r, 0), VIEW_NONE);
	r = reader_of(VIEW_NONE);
	check_view(reader_bytes(&r, 0), VIEW_NONE);
	assert_false(r.bad);
	assert_true(reader_u64(&r) == 0);
	assert_true(r.bad);
	r = reader_of(VIEW("abc"));
	check_view(reader_bytes(&r, SIZE_MAX), VIEW_NONE);
	assert_true(r.bad);
}

/* Random writes and drops against a flat array. */
static void behaves_like_a_flat_array(void **state)
{
	enum { MAX = 700 };
	static uint8_t model[MAX];
	struct rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		size_t n = 0;
		struct buf b;
		rng_seed(&rng, seed);
		buf_init(&b, MAX);
		for (int step = 0; step < 200; step++) {
			uint8_t bytes[128];
			size_t len = rng_below(&rng, sizeof(bytes) + 1);
			fill(&rng, bytes, len);
			if (rng_below(&rng, 3) == 0) {
				buf_consume(&b, len);
				len = len < n ? len : n;
				memmove(model, model + len, n - len);
				n -= len;
			} else if (buf_add(&b, view_of(bytes, len))) {
				assert_true(n + len <= MAX);
				memcpy(model + n, bytes, len);
				n += len;
			} else {
				assert_true(n + len > MAX);
				buf_clear(&b);
				n = 0;
			}
			check_view(buf_view(&b), view_of(model, n));
		}
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_in_network_order),
		cmocka_unit_test(overflow_keeps_the_content_and_sticks),
		cmocka_unit_test(an_empty_maximum_takes_nothing),
		cmocka_unit_test(printf_small_large_and_too_large),
		cmocka_unit_test(cstr_does_not_count_its_nul),
		cmocka_unit_test(reading_past_the_end_is_bad_for_good),
		cmocka_unit_test(behaves_like_a_flat_array),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
