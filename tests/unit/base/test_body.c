/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/body.h"
#include "base/message.h"

enum { LARGE = 5 * BODY_CHUNK + 123 };

static uint8_t *large_bytes(void)
{
	struct rng rng;
	uint8_t *p = mem_alloc(LARGE);

	rng_seed(&rng, 3);
	fill(&rng, p, LARGE);
	return p;
}

static void check_body(const struct body *b, struct view want)
{
	uint64_t at = 0;
	uint8_t *copy = mem_alloc(want.n);

	assert_int_equal(body_bytes(b), want.n);
	for (struct view v; (v = body_piece(b, at)).n; at += v.n)
		assert_true(view_eq(v, view_head(view_skip(want, at), v.n)));
	assert_int_equal(at, want.n);
	body_copy(b, copy);
	assert_true(view_eq(view_of(copy, want.n), want));
	free(copy);
}

/* Whatever was announced and however the bytes come, the content is the same. */
static void holds_what_was_appended(void **state)
{
	static const uint64_t announced[] = {0, 1, 100, BODY_CHUNK - 1, BODY_CHUNK,
					     BODY_CHUNK + 1, LARGE, UINT64_MAX};
	uint8_t *bytes = large_bytes();
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4);
	for (size_t i = 0; i < COUNT(announced); i++) {
		struct body *b = body_new(announced[i]);
		size_t n = 0;
		while (n < LARGE) {
			size_t len = rng_below(&rng, 100000);
			len = len < LARGE - n ? len : LARGE - n;
			assert_true(body_append(b, view_of(bytes + n, len)));
			n += len;
			if (rng_below(&rng, 3) == 0)
				check_body(b, view_of(bytes, n));
		}
		check_body(b, view_of(bytes, LARGE));
		body_unref(b);
	}
	free(bytes);
}

static void pieces_start_anywhere_and_stay(void **state)
{
	uint8_t *bytes = large_bytes();
	struct body *b = body_new(1000);
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	body_append(b, view_of(bytes, 500));
	struct view early = body_piece(b, 0);
	body_append(b, view_of(bytes + 500, LARGE - 500));
	assert_ptr_equal(body_piece(b, 0).p, early.p);
	for (int i = 0; i < 2000; i++) {
		uint64_t at = rng_below(&rng, LARGE);
		struct view v = body_piece(b, at);
		assert_true(v.n > 0 && v.n <= BODY_CHUNK && at + v.n <= LARGE);
		assert_memory_equal(v.p, bytes + at, v.n);
	}
	check_view(body_piece(b, LARGE), VIEW_NONE);
	check_view(body_piece(b, UINT64_MAX), VIEW_NONE);
	body_unref(b);
	free(bytes);
}

static void small_bodies_of_and_null(void **state)
{
	(void)state;
	struct body *b = body_of(VIEW("hello"));
	check_body(b, VIEW("hello"));
	assert_ptr_equal(body_ref(b), b);
	body_unref(b);
	check_body(b, VIEW("hello"));
	body_unref(b);
	b = body_of(VIEW_NONE);
	check_body(b, VIEW_NONE);
	body_unref(b);
	body_unref(NULL);
	assert_int_equal(body_bytes(NULL), 0);
	check_view(body_piece(NULL, 0), VIEW_NONE);
}

static struct message *message_example(struct body *body)
{
	static const uint8_t id[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x4c, 0xde,
				       0x8f, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};
	char exchange[] = "orders", key[] = "a.b", raw[] = "r\0w"; /* gone afterwards */
	struct message_spec spec = {
		.raw_kind = RAW_AMQP091,
		.priority = 7,
		.durable = true,
		.id = id,
		.sent_ms = 1700000000123,
		.exchange = view_str(exchange),
		.key = view_str(key),
		.raw = view_of(raw, 3),
	};
	return message_new(&spec, body);
}

static void message_copies_its_views_and_takes_the_body(void **state)
{
	(void)state;
	struct body *body = body_of(VIEW("body"));
	struct message *m = message_example(body_ref(body));
	check_view(m->exchange, VIEW("orders"));
	check_view(m->key, VIEW("a.b"));
	check_view(m->user, VIEW_NONE);
	check_view(m->raw, VIEW("r\0w"));
	assert_int_equal(m->raw_kind, RAW_AMQP091);
	assert_int_equal(m->priority, 7);
	assert_true(m->durable);
	assert_true(m->sent_ms == 1700000000123);
	assert_ptr_equal(m->body, body);
	assert_int_equal(message_cost(m), sizeof(*m) + 6 + 3 + 3 + 4);
	assert_ptr_equal(message_ref(m), m);
	message_unref(m);
	assert_int_equal(m->refs, 1);
	message_unref(m);
	message_unref(NULL);
	check_body(body, VIEW("body")); /* the message's reference is gone, ours is not */
	body_unref(body);
	m = message_example(NULL);
	assert_int_equal(message_cost(m), sizeof(*m) + 12);
	message_unref(m);
}

static void copy_ids_are_uuids_and_differ_by_origin(void **state)
{
	uint8_t seen[200][16];
	char text[37];

	(void)state;
	struct message *m = message_example(NULL);
	for (uint32_t i = 0; i < COUNT(seen); i++) {
		message_copy_id(m, i, seen[i]);
		assert_int_equal(seen[i][6] & 0xf0, 0x40);
		assert_int_equal(seen[i][8] & 0xc0, 0x80);
		for (uint32_t j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], 16);
	}
	uuid_format(m->id, text);
	assert_string_equal(text, "01234567-89ab-4cde-8f01-23456789abcd");
	message_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_appended),
		cmocka_unit_test(pieces_start_anywhere_and_stay),
		cmocka_unit_test(small_bodies_of_and_null),
		cmocka_unit_test(message_copies_its_views_and_takes_the_body),
		cmocka_unit_test(copy_ids_are_uuids_and_differ_by_origin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
