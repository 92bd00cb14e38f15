/* SPDX-License-Identifier: Apache-2.0 */
/* The frame parser: the same frames however the octets are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "amqp/v091_frame_priv.h"
#include "base/arena.h"
#include "base/rng.h"

enum { LIMIT = 4096 };

/* What came out, written as text; pieces of one body frame are put together. */
struct log {
	char text[4096];
	size_t n;
	struct buf body;
};

static void note(struct log *l, const char *what, const struct frame *f, struct view bytes)
{
	l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s %u/%u/%u ", what, f->type, f->channel, f->size);
	for (size_t i = 0; i < bytes.n && i < 8; i++)
		l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%02x", bytes.p[i]);
	l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "\n");
}

static void feed(struct parser *p, struct log *l, struct view in)
{
	struct frame f;
	enum frame_result r;

	while ((r = v091_parser_next(p, &in, &f)) != FRAME_NEED) {
		if (r == FRAME_TOO_LARGE) {
			note(l, "large", &f, VIEW_NONE);
		} else if (r == FRAME_BAD_END) {
			note(l, "end", &f, view_of(&f.end, 1));
			buf_clear(&l->body);
		} else if (f.type != TYPE_BODY) {
			assert_true(f.last);
			note(l, "frame", &f, f.bytes);
		} else {
			assert_true(buf_add(&l->body, f.bytes));
			if (f.last) {
				assert_int_equal(l->body.n, f.size);
				assert_true(view_eq(f.snippet, view_head(buf_view(&l->body), SNIPPET_MAX)));
				note(l, "body", &f, buf_view(&l->body));
				buf_clear(&l->body);
			}
		}
	}
	assert_int_equal(in.n, 0);
}

static void frame_add(struct buf *b, uint8_t type, uint16_t channel, uint32_t size, uint8_t end)
{
	buf_add_u8(b, type);
	buf_add_u16(b, channel);
	buf_add_u32(b, size);
	for (uint32_t i = 0; i < size; i++)
		buf_add_u8(b, (uint8_t)(i + channel));
	buf_add_u8(b, end);
}

static void stream(struct buf *b)
{
	buf_init(b, 1 << 20);
	frame_add(b, TYPE_METHOD, 1, 4, FRAME_END);
	frame_add(b, TYPE_HEARTBEAT, 0, 0, FRAME_END);
	frame_add(b, TYPE_HEADER, 2, 14, FRAME_END);
	frame_add(b, TYPE_BODY, 2, 0, FRAME_END);
	frame_add(b, TYPE_BODY, 2, 1, FRAME_END);
	frame_add(b, TYPE_BODY, 3, LIMIT, FRAME_END);
	frame_add(b, TYPE_METHOD, 4, LIMIT, FRAME_END);
	frame_add(b, TYPE_METHOD, 5, LIMIT + 1, FRAME_END); /* skipped */
	frame_add(b, TYPE_BODY, 6, LIMIT + 1000, 0);        /* skipped */
	frame_add(b, TYPE_BODY, 7, 20, 0xCF);
	frame_add(b, TYPE_METHOD, 8, 20, 0);
	frame_add(b, 99, 9, 3, FRAME_END);
	frame_add(b, TYPE_METHOD, 10, 2, FRAME_END);
}

static const char expected[] =
	"frame 1/1/4 01020304\n"
	"frame 8/0/0 \n"
	"frame 2/2/14 0203040506070809\n"
	"body 3/2/0 \n"
	"body 3/2/1 02\n"
	"body 3/3/4096 030405060708090a\n"
	"frame 1/4/4096 0405060708090a0b\n"
	"large 1/5/4097 \n"
	"large 3/6/5096 \n"
	"end 3/7/20 cf\n"
	"end 1/8/20 00\n"
	"frame 99/9/3 090a0b\n"
	"frame 1/10/2 0a0b\n";

static void run(struct rng *cuts, uint64_t most)
{
	struct parser p;
	struct log l = {.n = 0};
	struct buf b;
	struct view left;

	stream(&b);
	buf_init(&l.body, 1 << 20);
	v091_parser_init(&p, LIMIT);
	for (left = buf_view(&b); left.n;) {
		size_t n = most ? 1 + (size_t)rng_below(cuts, most) : left.n;
		struct view piece = view_head(left, n);
		uint8_t *copy = mem_alloc(piece.n); /* exactly as large, so that reads past it show */

		memcpy(copy, piece.p, piece.n);
		feed(&p, &l, view_of(copy, piece.n));
		free(copy);
		left = view_skip(left, n);
	}
	assert_string_equal(l.text, expected);
	v091_parser_fini(&p);
	buf_fini(&l.body);
	buf_fini(&b);
}

static void test_cuts(void **state)
{
	struct rng cuts;

	(void)state;
	rng_seed(&cuts, 3);
	run(&cuts, 0);
	run(&cuts, 1);
	for (int i = 0; i < 200; i++)
		run(&cuts, 1 + rng_below(&cuts, 3000));
}

/* A frame that lies in the input is not copied. */
static void test_aliases(void **state)
{
	struct parser p;
	struct frame f;
	struct buf b;
	struct view in;

	(void)state;
	buf_init(&b, 1000);
	frame_add(&b, TYPE_METHOD, 1, 40, FRAME_END);
	frame_add(&b, TYPE_BODY, 1, 40, FRAME_END);
	in = buf_view(&b);
	v091_parser_init(&p, LIMIT);
	assert_int_equal(v091_parser_next(&p, &in, &f), FRAME_READY);
	assert_ptr_equal(f.bytes.p, b.p + 7);
	assert_int_equal(v091_parser_next(&p, &in, &f), FRAME_READY);
	assert_ptr_equal(f.bytes.p, b.p + 48 + 7);
	assert_true(f.last);
	assert_null(p.kept.p);
	v091_parser_fini(&p);
	buf_fini(&b);
}

static void test_limit_grows(void **state)
{
	struct parser p;
	struct frame f;
	struct buf b;
	struct view in;

	(void)state;
	buf_init(&b, 1 << 20);
	frame_add(&b, TYPE_METHOD, 1, 5000, FRAME_END);
	v091_parser_init(&p, LIMIT);
	in = buf_view(&b);
	assert_int_equal(v091_parser_next(&p, &in, &f), FRAME_TOO_LARGE);
	assert_int_equal(v091_parser_next(&p, &in, &f), FRAME_NEED);
	v091_parser_limit(&p, 131072);
	for (in = buf_view(&b); in.n > 1;) {
		struct view one = view_head(in, 1);

		assert_int_equal(v091_parser_next(&p, &one, &f), FRAME_NEED);
		in = view_skip(in, 1);
	}
	assert_int_equal(v091_parser_next(&p, &in, &f), FRAME_READY);
	assert_int_equal(f.size, 5000);
	v091_parser_fini(&p);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_limit_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
