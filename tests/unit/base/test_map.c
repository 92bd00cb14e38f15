/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>

#include "base/map.h"

enum { KEYS = 3000 };

static char things[KEYS + 1]; /* values are their addresses */

/* SipHash-2-4 reference vectors: key 00..0f, input 00..n-1. */
static void siphash_vectors(void **state)
{
	static const struct { size_t n; uint64_t want; } rows[] = {
		{0, 0x726fdb47dd0e0e31u},  {1, 0x74f839c593dc67fdu},  {2, 0x0d6c8009d9a94f5au},
		{3, 0x85676696d7fb7e2du},  {4, 0xcf2794e0277187b7u},  {5, 0x18765564cd99a68du},
		{6, 0xcbc9466e58fee3ceu},  {7, 0xab0200f58b01d137u},  {8, 0x93f5f5799a932462u},
		{15, 0xa129ca6149be45e5u}, {63, 0x958a324ceb064572u},
	};
	uint8_t in[64];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	hash_seed(0x0706050403020100u, 0x0f0e0d0c0b0a0908u);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(hash_view(view_of(in, rows[i].n)) == rows[i].want);
	assert_true(hash_u64(0x0706050403020100u) == 0x93f5f5799a932462u);
	hash_seed(0, 0);
}

static void check64(const struct map64 *m, char *const model[KEYS])
{
	size_t at = 0, n = 0, want = 0;
	uint64_t key;

	for (void *v; (v = map64_next(m, &at, &key)); n++)
		assert_ptr_equal(v, model[key]);
	for (uint64_t k = 0; k < KEYS; k++) {
		assert_ptr_equal(map64_find(m, k), model[k]);
		want += model[k] != NULL;
	}
	assert_int_equal(n, want);
	assert_int_equal(m->n, want);
	assert_true(m->n * 10 <= m->cap * 7);
}

static void map64_behaves_like_an_array(void **state)
{
	struct rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 6; seed++) {
		char *model[KEYS] = {0};
		struct map64 m = {0};
		rng_seed(&rng, seed);
		assert_null(map64_find(&m, 1));
		assert_null(map64_remove(&m, 1));
		for (int i = 0; i < 30000; i++) {
			/* grows in the first half, shrinks in the second */
			uint64_t key = rng_below(&rng, KEYS);
			if (rng_below(&rng, 100) < (i < 15000 ? 70u : 25u)) {
				model[key] = &things[1 + rng_below(&rng, KEYS)];
				map64_put(&m, key, model[key]);
			} else {
				assert_ptr_equal(map64_remove(&m, key), model[key]);
				model[key] = NULL;
			}
			if (i % 3000 == 0)
				check64(&m, model);
		}
		check64(&m, model);
		for (uint64_t k = 0; k < KEYS; k++)
			map64_remove(&m, k);
		assert_int_equal(m.n, 0);
		assert_int_equal(m.cap, 16); /* walking it is cheap again */
		map64_fini(&m);
		assert_null(map64_find(&m, 1));
	}
}

struct named {
	char name[24];
	size_t index;
};

static struct view name_of(const struct named *x)
{
	return view_str(x->name);
}

static void mapv_behaves_like_an_array(void **state)
{
	static struct named names[KEYS];
	bool in[KEYS] = {false};
	struct mapv m = {0};
	struct rng rng;
	size_t n = 0, at = 0, seen = 0;

	(void)state;
	for (size_t i = 0; i < KEYS; i++) { /* names[0] is the empty name */
		if (i)
			snprintf(names[i].name, sizeof(names[i].name), "q.%zu", i);
		names[i].index = i;
	}
	rng_seed(&rng, 99);
	for (int i = 0; i < 40000; i++) {
		struct named *x = &names[rng_below(&rng, KEYS)];
		if (rng_below(&rng, 100) < (i < 20000 ? 60u : 40u)) {
			mapv_put(&m, name_of(x), x);
			n += !in[x->index];
			in[x->index] = true;
		} else {
			void *held = mapv_remove(&m, name_of(x));
			assert_ptr_equal(held, in[x->index] ? x : NULL);
			n -= in[x->index];
			in[x->index] = false;
		}
		assert_int_equal(m.n, n);
	}
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(mapv_find(&m, name_of(&names[i])), in[i] ? &names[i] : NULL);
	assert_null(mapv_find(&m, VIEW("no such name")));
	for (struct named *x; (x = mapv_next(&m, &at)); seen++) {
		assert_true(in[x->index]);
		in[x->index] = false; /* seen once only */
	}
	assert_int_equal(seen, n);
	mapv_fini(&m);
}

static void put_replaces_value_and_key(void **state)
{
	char first[] = "key", second[] = "key";
	struct mapv m = {0};

	(void)state;
	mapv_put(&m, view_str(first), &things[1]);
	mapv_put(&m, view_str(second), &things[2]);
	first[0] = 'x'; /* the first owner of the key is gone */
	assert_ptr_equal(mapv_find(&m, VIEW("key")), &things[2]);
	assert_int_equal(m.n, 1);
	mapv_fini(&m);
}

static void put_null(void)
{
	struct map64 m = {0};
	map64_put(&m, 1, NULL);
}

static void a_null_value_is_a_bug(void **state)
{
	(void)state;
	check_aborts(put_null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_vectors),
		cmocka_unit_test(map64_behaves_like_an_array),
		cmocka_unit_test(mapv_behaves_like_an_array),
		cmocka_unit_test(put_replaces_value_and_key),
		cmocka_unit_test(a_null_value_is_a_bug),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
