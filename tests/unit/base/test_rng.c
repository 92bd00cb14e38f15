/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/clock.h"
#include "base/rng.h"

/* First outputs of the reference implementation from the state {1, 2, 3, 4}. */
static void xoshiro_vectors(void **state)
{
	static const uint64_t want[] = {
		11520u,
		0u,
		1509978240u,
		1215971899390074240u,
		1216172134540287360u,
		607988272756665600u,
		16172922978634559625u,
		8476171486693032832u,
		10595114339597558777u,
		2904607092377533576u,
	};
	struct rng r = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++)
		assert_true(rng_next(&r) == want[i]);
}

static void a_seed_gives_the_same_run(void **state)
{
	struct rng a, b, c;

	(void)state;
	rng_seed(&a, 0); /* zero is as good as any */
	rng_seed(&b, 0);
	rng_seed(&c, 1);
	assert_true(rng_next(&a) == rng_next(&b));
	assert_true(rng_next(&a) == rng_next(&b));
	assert_true(rng_next(&a) != rng_next(&c));
}

static void below_stays_below_and_is_even(void **state)
{
	uint32_t hits[10] = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 5);
	for (int i = 0; i < 100000; i++)
		hits[rng_below(&r, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(hits[i], 9500, 10500); /* five sigma */
	uint32_t low = 0; /* a plain remainder would give 5000 */
	for (int i = 0; i < 10000; i++)
		low += rng_below(&r, 3ull << 62) < 1ull << 62;
	assert_in_range(low, 3100, 3570);
	for (int i = 0; i < 1000; i++) {
		assert_true(rng_below(&r, 1) == 0);
		assert_true(rng_below(&r, (1ull << 63) + 1) <= 1ull << 63);
		assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
	}
}

static void uuids_say_version_4(void **state)
{
	uint8_t a[16], b[16];
	struct rng r;

	(void)state;
	rng_seed(&r, 6);
	for (int i = 0; i < 100; i++) {
		rng_uuid(&r, a);
		rng_uuid(&r, b);
		assert_memory_not_equal(a, b, 16);
		assert_int_equal(a[6] >> 4, 4);
		assert_int_equal(a[8] >> 6, 2);
	}
}

static void secrets_fill_the_whole_range(void **state)
{
	uint8_t all[1000] = {0}, one[1000];

	(void)state;
	for (int i = 0; i < 10; i++) { /* a byte is 0 ten times: never */
		random_secret(one, sizeof(one));
		for (size_t j = 0; j < sizeof(all); j++)
			all[j] |= one[j];
	}
	for (size_t j = 0; j < sizeof(all); j++)
		assert_int_not_equal(all[j], 0);
	random_secret(one, 0);
}

static void clocks_agree(void **state)
{
	(void)state;
	uint64_t us = clock_mono_us();
	struct now a = clock_now(), b = clock_now();
	assert_true(b.mono_ms >= a.mono_ms);
	assert_true((uint64_t)a.mono_ms >= us / 1000);
	assert_true((uint64_t)a.mono_ms <= clock_mono_us() / 1000);
	assert_true(a.wall_ms > 1600000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xoshiro_vectors),
		cmocka_unit_test(a_seed_gives_the_same_run),
		cmocka_unit_test(below_stays_below_and_is_even),
		cmocka_unit_test(uuids_say_version_4),
		cmocka_unit_test(secrets_fill_the_whole_range),
		cmocka_unit_test(clocks_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
