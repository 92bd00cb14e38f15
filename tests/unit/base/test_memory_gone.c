/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a peer sizes answers instead of aborting when memory is gone: each
 * scenario runs again and again with the 1st, 2nd, … allocation failing, until
 * one run gets by without. The linker sends malloc and realloc through here. */
#include "check.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/message.h"

void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);

static int fail_at; /* 1: the next one; 0: none */
static bool failed;

static bool fails_now(void)
{
	if (fail_at == 0 || --fail_at)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails_now() ? NULL : __real_realloc(p, n);
}

/* Returns how many allocations the scenario has, each shown to be able to fail. */
static int each_failure(void (*scenario)(void))
{
	for (int i = 1;; i++) {
		fail_at = i;
		failed = false;
		scenario();
		fail_at = 0;
		if (!failed)
			return i - 1;
	}
}

static uint8_t bytes[10 * BODY_CHUNK];

static void body_scenario(void)
{
	struct body *b = body_new(100);

	if (!b) {
		assert_true(failed);
		return;
	}
	uint64_t n = 0;
	for (int i = 0; i < 9; i++) {
		if (body_append(b, view_of(bytes + n, BODY_CHUNK)))
			n += BODY_CHUNK;
		else
			assert_true(failed);
		assert_int_equal(body_bytes(b), n); /* it keeps what it had */
	}
	for (uint64_t at = 0; at < n; at++) {
		struct view v = body_piece(b, at);
		assert_memory_equal(v.p, bytes + at, v.n);
		at += v.n - 1;
	}
	body_unref(b);
}

static void bodies_keep_what_they_had(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 41);
	fill(&rng, bytes, sizeof(bytes));
	/* the body, nine chunks, the index of chunks three times (4, 8, 16) */
	assert_int_equal(each_failure(body_scenario), 1 + 9 + 3);
}

static void message_scenario(void)
{
	static const uint8_t id[16];
	struct message_spec spec = {.id = id, .key = VIEW("k")};
	struct body *body = body_of(VIEW("x"));

	if (!body)
		return;
	body_ref(body);
	struct message *m = message_new(&spec, body); /* takes one, whatever happens */
	assert_int_equal(m == NULL, failed);
	message_unref(m);
	assert_int_equal(body_bytes(body), 1); /* ours */
	body_unref(body);
}

static void messages_take_their_body_also_then(void **state)
{
	(void)state;
	assert_int_equal(each_failure(message_scenario), 2);
}

static void body_of_scenario(void)
{
	struct body *b = body_of(view_of(bytes, 3 * BODY_CHUNK));

	assert_int_equal(b == NULL, failed);
	body_unref(b);
}

static void copies_come_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_int_equal(each_failure(body_of_scenario), 1 + 2 + 1);
}

static void buf_scenario(void)
{
	struct buf b, sealed;
	bool ok;

	buf_init(&b, 1 << 20);
	buf_init(&sealed, 1 << 20);
	ok = buf_add_str(&b, "kept");
	size_t kept = b.n;
	ok = ok && buf_printf(&b, "%0500d", 1);
	assert_int_equal(ok, !failed);
	assert_int_equal(b.overflow, failed);
	assert_int_equal(b.n, failed ? kept : kept + 500);
	ok = base64_add(&sealed, buf_view(&b));
	assert_int_equal(ok, !sealed.overflow);
	buf_fini(&b);
	buf_fini(&sealed);
}

static void buffers_overflow(void **state)
{
	(void)state;
	/* first, printf's own text, growth, the encoded */
	assert_int_equal(each_failure(buf_scenario), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_keep_what_they_had),
		cmocka_unit_test(messages_take_their_body_also_then),
		cmocka_unit_test(copies_come_whole_or_not_at_all),
		cmocka_unit_test(buffers_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
