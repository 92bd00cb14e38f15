/* SPDX-License-Identifier: Apache-2.0 */
/* The out-queue against a flat array: every write goes to both, what the iovecs
 * show must be the array's front, and consuming drops the same bytes of both. */
#include "check.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/out.h"

enum { MODEL_MAX = 4 << 20, BODY_BYTES = 3 * BODY_CHUNK + 777 };

struct pair {
	struct out out;
	uint8_t *model;
	size_t at, n; /* unconsumed: model[at .. n) */
};

static void pair_add(struct pair *p, struct view v)
{
	assert_true(p->n + v.n <= MODEL_MAX);
	if (v.n)
		memcpy(p->model + p->n, v.p, v.n);
	p->n += v.n;
}

static size_t check_front(const struct pair *p, int max)
{
	struct iovec iov[64];
	size_t seen = 0;
	int n = out_iov(&p->out, iov, max);

	assert_true(n <= max);
	assert_int_equal(p->out.bytes, p->n - p->at);
	assert_int_equal(p->out.total, p->n);
	for (int i = 0; i < n; i++) {
		assert_true(iov[i].iov_len > 0);
		assert_true(seen + iov[i].iov_len <= p->n - p->at);
		assert_memory_equal(iov[i].iov_base, p->model + p->at + seen, iov[i].iov_len);
		seen += iov[i].iov_len;
	}
	if (n < max)
		assert_int_equal(seen, p->n - p->at);
	return seen;
}

static void step(struct pair *p, struct rng *rng, struct body *body, const uint8_t *body_flat)
{
	uint8_t bytes[3000];
	size_t len = rng_below(rng, sizeof(bytes));

	fill(rng, bytes, len);
	switch (rng_below(rng, 7)) {
	case 0:
	case 1:
		out_add(&p->out, view_of(bytes, len));
		pair_add(p, view_of(bytes, len));
		break;
	case 2: { /* reserve more than is used */
		uint8_t *room = out_reserve(&p->out, len + 500);
		if (len)
			memcpy(room, bytes, len);
		out_commit(&p->out, len);
		pair_add(p, view_of(bytes, len));
		break;
	}
	case 3: {
		uint64_t from = rng_below(rng, BODY_BYTES);
		uint64_t n = rng_below(rng, rng_below(rng, 2) ? 2000 : BODY_BYTES);
		n = n < BODY_BYTES - from ? n : BODY_BYTES - from;
		out_body(&p->out, body, from, n);
		pair_add(p, view_of(body_flat + from, n));
		break;
	}
	case 4: { /* what was gathered elsewhere */
		struct out other;
		out_init(&other);
		out_add(&other, view_of(bytes, len));
		out_body(&other, body, 7, BODY_CHUNK);
		out_add(&other, view_of(bytes, len / 2));
		out_move(&p->out, &other);
		assert_int_equal(other.bytes, 0);
		assert_int_equal(out_iov(&other, &(struct iovec){0}, 1), 0);
		pair_add(p, view_of(bytes, len));
		pair_add(p, view_of(body_flat + 7, BODY_CHUNK));
		pair_add(p, view_of(bytes, len / 2));
		break;
	}
	default: {
		size_t seen = check_front(p, 1 + (int)rng_below(rng, 64));
		size_t n = rng_below(rng, 3) ? seen : rng_below(rng, seen + 1);
		out_consume(&p->out, n);
		p->at += n;
	}
	}
}

static void behaves_like_a_flat_array(void **state)
{
	struct rng rng;
	uint8_t *flat = mem_alloc(BODY_BYTES);
	struct pair p = {.model = mem_alloc(MODEL_MAX)};

	(void)state;
	rng_seed(&rng, 11);
	fill(&rng, flat, BODY_BYTES);
	struct body *body = body_of(view_of(flat, BODY_BYTES));
	for (uint64_t seed = 0; seed < 60; seed++) {
		rng_seed(&rng, seed);
		out_init(&p.out);
		p.at = p.n = 0;
		for (int i = 0; i < 300 && p.n + BODY_BYTES < MODEL_MAX; i++)
			step(&p, &rng, body, flat);
		check_front(&p, 64);
		if (seed % 2) {
			out_consume(&p.out, p.out.bytes);
			assert_null(p.out.tail);
		}
		out_fini(&p.out); /* with or without unsent bytes: no leak */
	}
	body_unref(body);
	free(flat);
	free(p.model);
}

static void headers_and_bodies_share_chunks(void **state)
{
	static uint8_t bytes[4096];
	struct iovec iov[64];
	struct out o;

	(void)state;
	struct body *body = body_of(view_of(bytes, sizeof(bytes)));
	out_init(&o);
	for (int i = 0; i < 20; i++) {
		out_add(&o, VIEW("deliver"));
		out_add(&o, VIEW("header")); /* merges with the one before */
		out_body(&o, body, 0, sizeof(bytes));
	}
	assert_int_equal(out_iov(&o, iov, 64), 40);
	for (int i = 2; i < 40; i += 2)
		assert_ptr_equal(iov[i].iov_base, (char *)iov[i - 2].iov_base + 13);
	body_unref(body); /* the queue's references keep it */
	assert_ptr_equal(iov[1].iov_base, iov[39].iov_base);
	out_consume(&o, o.bytes);
	out_fini(&o);
}

static void one_large_write_is_whole(void **state)
{
	enum { N = 300000 };
	struct pair p = {.model = mem_alloc(MODEL_MAX)};
	uint8_t *bytes = mem_alloc(N);
	struct rng rng;

	(void)state;
	rng_seed(&rng, 12);
	fill(&rng, bytes, N);
	out_init(&p.out);
	out_add(&p.out, view_of(bytes, N));
	pair_add(&p, view_of(bytes, N));
	assert_int_equal(check_front(&p, 64), N);
	out_add(&p.out, VIEW_NONE);
	assert_int_equal(p.out.bytes, N);
	assert_non_null(out_reserve(&p.out, 64 * 1024));
	out_commit(&p.out, 0);
	assert_int_equal(p.out.bytes, N);
	out_fini(&p.out);
	free(bytes);
	free(p.model);
}

static void consume_too_much(void)
{
	struct out o;
	out_init(&o);
	out_add(&o, VIEW("abc"));
	out_consume(&o, 4);
}

static void body_too_far(void)
{
	struct out o;
	out_init(&o);
	out_body(&o, body_of(VIEW("abc")), 1, 3);
}

static void commit_too_much(void)
{
	struct out o;
	out_init(&o);
	out_reserve(&o, 10);
	out_commit(&o, 1 << 20);
}

static void misuse_is_a_bug(void **state)
{
	(void)state;
	check_aborts(consume_too_much);
	check_aborts(body_too_far);
	check_aborts(commit_too_much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_a_flat_array),
		cmocka_unit_test(headers_and_bodies_share_chunks),
		cmocka_unit_test(one_large_write_is_whole),
		cmocka_unit_test(misuse_is_a_bug),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
