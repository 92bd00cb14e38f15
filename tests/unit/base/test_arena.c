/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>

#include "base/arena.h"

static void hands_out_zeroed_aligned_memory_that_does_not_overlap(void **state)
{
	struct { uint8_t *p; size_t n; uint8_t mark; } v[300];
	struct arena a;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	arena_init(&a);
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < COUNT(v); i++) {
			/* now and then one larger than any block */
			v[i].n = rng_below(&rng, i % 50 == 7 ? 200000 : 600);
			v[i].mark = (uint8_t)(i + 1);
			v[i].p = arena_alloc(&a, v[i].n);
			assert_int_equal((uintptr_t)v[i].p % 16, 0);
			for (size_t j = 0; j < v[i].n; j++)
				assert_int_equal(v[i].p[j], 0);
			memset(v[i].p, v[i].mark, v[i].n);
		}
		for (size_t i = 0; i < COUNT(v); i++)
			for (size_t j = 0; j < v[i].n; j++)
				assert_int_equal(v[i].p[j], v[i].mark);
		assert_true(a.total > 0);
		arena_reset(&a);
		assert_int_equal(a.total, 0);
	}
	arena_fini(&a);
}

static void a_giant_does_not_stay_after_reset(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20); /* the first block of all */
	arena_reset(&a);
	assert_null(a.blocks);
	memset(arena_alloc(&a, 10), 1, 10);
	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20); /* behind a normal one */
	arena_reset(&a);
	assert_non_null(a.blocks);
	arena_fini(&a);
}

static void copies_text(void **state)
{
	char want[600];
	struct arena a;

	(void)state;
	arena_init(&a);
	check_view(arena_copy(&a, VIEW("a\0b")), VIEW("a\0b"));
	check_view(arena_copy(&a, VIEW_NONE), VIEW_NONE);
	assert_string_equal(arena_cstr(&a, VIEW("abc")), "abc");
	assert_string_equal(arena_cstr(&a, VIEW_NONE), "");
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	memset(want, 'y', sizeof(want) - 1);
	want[sizeof(want) - 1] = 0;
	assert_string_equal(arena_printf(&a, "%s", want), want);
	arena_fini(&a);
}

static void mem_grow_doubles_or_takes_what_is_needed(void **state)
{
	size_t cap = 0;

	(void)state;
	uint32_t *v = mem_grow(NULL, &cap, 1, sizeof(*v));
	assert_int_equal(cap, 8);
	v[7] = 77;
	v = mem_grow(v, &cap, 9, sizeof(*v));
	assert_int_equal(cap, 16);
	assert_int_equal(v[7], 77);
	v = mem_grow(v, &cap, 1000, sizeof(*v));
	assert_int_equal(cap, 1000);
	v[999] = 1;
	free(v);
}

static void grow_past_all_memory(void)
{
	size_t cap = 0;
	free(mem_grow(NULL, &cap, SIZE_MAX / 4, 8));
}

static void alloc_past_all_memory(void)
{
	struct arena a;
	arena_init(&a);
	arena_alloc(&a, SIZE_MAX - 3);
}

static void memory_gone_aborts(void **state)
{
	(void)state;
	check_aborts(grow_past_all_memory);
	check_aborts(alloc_past_all_memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_zeroed_aligned_memory_that_does_not_overlap),
		cmocka_unit_test(a_giant_does_not_stay_after_reset),
		cmocka_unit_test(copies_text),
		cmocka_unit_test(mem_grow_doubles_or_takes_what_is_needed),
		cmocka_unit_test(memory_gone_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
