/* SPDX-License-Identifier: Apache-2.0 */
/* Guards before rabbitmq-c, and the codec of content headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "amqp/v091.h"
#include "amqp/v091_codec_priv.h"

#define LIT(s) {(const uint8_t *)(s), sizeof(s) - 1}

/* A copy of exactly that size: a read past its end is seen by the sanitizer. */
static struct view exact(struct view v)
{
	uint8_t *p = mem_alloc(v.n ? v.n : 1);

	if (v.n)
		memcpy(p, v.p, v.n);
	return view_of(p, v.n);
}

static void test_table_guard(void **state)
{
	static const struct {
		struct view bytes;
		enum guard result;
	} rows[] = {
		{LIT("\0\0\0\0"), GUARD_OK},
		{LIT("\0\0\0\3\1aV"), GUARD_OK},
		{LIT("\0\0\0\2\0V"), GUARD_OK}, /* an empty name */
		{LIT("\0\0\0\x0d\1aF\0\0\0\4\1bt\1VV"), GUARD_BAD},
		{LIT("\0\0\0\x0b\1aF\0\0\0\4\1bt\1"), GUARD_OK},
		{LIT("\0\0\0\x0a\1aA\0\0\0\3Vt\1"), GUARD_OK},
		{LIT(""), GUARD_BAD},
		{LIT("\0\0\0"), GUARD_BAD},
		{LIT("\0\0\0\1"), GUARD_BAD},
		{LIT("\0\0\0\1\1"), GUARD_BAD},
		{LIT("\0\0\0\2\1a"), GUARD_BAD},
		{LIT("\0\0\0\3\1at"), GUARD_BAD},
		{LIT("\0\0\0\3\1ay"), GUARD_BAD},          /* unknown kind */
		{LIT("\0\0\0\7\1aF\0\0\0\4\1bt\1"), GUARD_BAD}, /* inner table past the outer one */
		{LIT("\0\0\0\7\1aA\0\0\0\1V"), GUARD_BAD},
		{LIT("\0\0\0\7\1aS\xff\xff\xff\xff"), GUARD_BAD},
		{LIT("\xff\xff\xff\xff\1aV"), GUARD_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view v = exact(rows[i].bytes);
		struct reader r = reader_of(v);

		assert_int_equal(v091_table_guard(&r), rows[i].result);
		free((void *)(uintptr_t)v.p);
	}
}

/* Fixed kinds: one octet less than they need is refused. */
static void test_fixed_kinds(void **state)
{
	static const struct {
		char kind;
		uint8_t size;
	} kinds[] = {{'V', 0}, {'t', 1}, {'b', 1}, {'B', 1}, {'s', 2}, {'u', 2}, {'I', 4}, {'i', 4},
		     {'f', 4}, {'D', 5}, {'l', 8}, {'L', 8}, {'d', 8}, {'T', 8}};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint8_t b[32] = {0, 0, 0, (uint8_t)(3 + kinds[i].size), 1, 'k', (uint8_t)kinds[i].kind};
		struct reader r = reader_of(view_of(b, 7u + kinds[i].size));

		assert_int_equal(v091_table_guard(&r), GUARD_OK);
		if (!kinds[i].size)
			continue;
		b[3]--;
		r = reader_of(view_of(b, 6u + kinds[i].size));
		assert_int_equal(v091_table_guard(&r), GUARD_BAD);
	}
}

static void nest(struct buf *b, unsigned levels, char kind)
{
	uint32_t step = kind == 'F' ? 7 : 5;

	for (unsigned i = levels; i-- > 0;) {
		if (kind == 'F' || i == levels - 1)
			buf_add(b, VIEW("\1k"));
		buf_add_u8(b, (uint8_t)kind);
		buf_add_u32(b, i * step);
	}
}

static void test_depth(void **state)
{
	static const struct {
		unsigned levels;
		char kind;
		enum guard result;
	} rows[] = {
		{99, 'F', GUARD_OK}, {100, 'F', GUARD_DEEP}, {18000, 'F', GUARD_DEEP},
		{99, 'A', GUARD_OK}, {100, 'A', GUARD_DEEP}, {25000, 'A', GUARD_DEEP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b, whole;
		struct reader r;

		buf_init(&b, 1 << 20);
		buf_init(&whole, 1 << 20);
		nest(&b, rows[i].levels, rows[i].kind);
		buf_add_u32(&whole, (uint32_t)b.n);
		buf_add(&whole, buf_view(&b));
		r = reader_of(buf_view(&whole));
		assert_int_equal(v091_table_guard(&r), rows[i].result);
		buf_fini(&b);
		buf_fini(&whole);
	}
}

static void test_layout(void **state)
{
	static const struct {
		const char *layout;
		struct view bytes;
		enum guard result;
	} rows[] = {
		{"", LIT(""), GUARD_OK},
		{"", LIT("\0"), GUARD_BAD},
		{"ohlL", LIT("\1\0\2\0\0\0\3\0\0\0\0\0\0\0\4"), GUARD_OK},
		{"ohlL", LIT("\1\0\2\0\0\0\3\0\0\0\0\0\0\0"), GUARD_BAD},
		{"ss", LIT("\1a\0"), GUARD_OK},
		{"ss", LIT("\1a"), GUARD_BAD},
		{"s", LIT("\2a"), GUARD_BAD},
		{"S", LIT("\0\0\0\2ab"), GUARD_OK},
		{"S", LIT("\0\0\0\2abc"), GUARD_BAD},
		{"S", LIT("\xff\xff\xff\xff" "abc"), GUARD_BAD},
		{"hsoT", LIT("\0\0\1q\0\0\0\0\0"), GUARD_OK},
		{"hsoT", LIT("\0\0\1q\0\0\0\0\0\0"), GUARD_BAD},
		{"hsoT", LIT("\0\0\1q\0\0\0\0\1"), GUARD_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view v = exact(rows[i].bytes);

		assert_int_equal(v091_layout_check(rows[i].layout, v), rows[i].result);
		free((void *)(uintptr_t)v.p);
	}
}

static void test_scan(void **state)
{
	static const struct view raw =
		LIT("\xff\xfc\2ct\2ce\0\0\0\x0b\1aV\2CCA\0\0\0\0\2\7\1c\5reply\003100\1m\0\0\0\0\0\0\0\5\1t\5guest\1a\1c");
	static const struct {
		struct view raw;
		enum guard result;
	} rows[] = {
		{LIT("\0\0"), GUARD_OK},
		{LIT(""), GUARD_BAD},
		{LIT("\0"), GUARD_BAD},
		{LIT("\0\0\0"), GUARD_BAD},     /* something behind */
		{LIT("\0\2"), GUARD_OK},        /* a flag of no property */
		{LIT("\0\1\0\0"), GUARD_BAD},   /* another flags word */
		{LIT("\0\1\0\1\0\0"), GUARD_BAD},
		{LIT("\0\1\x80\0"), GUARD_BAD},
		{LIT("\0\1"), GUARD_BAD},
		{LIT("\x80\0"), GUARD_BAD},
		{LIT("\x80\0\2a"), GUARD_BAD},
		{LIT("\x10\0"), GUARD_BAD},
		{LIT("\0\x40\0\0\0\0\0\0\0"), GUARD_BAD},
		{LIT("\x20\0\0\0\0\1"), GUARD_BAD},
	};
	struct properties p;

	(void)state;
	assert_int_equal(v091_properties_scan(raw, &p), GUARD_OK);
	assert_int_equal(p.delivery_mode, 2);
	assert_int_equal(p.priority, 7);
	assert_true(p.cc || p.bcc);
	assert_true(p.has_expiration && view_is(p.expiration, "100"));
	assert_true(p.has_user_id && view_is(p.user_id, "guest"));
	assert_true(view_is(p.reply_to, "reply"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view v = exact(rows[i].raw);

		assert_int_equal(v091_properties_scan(v, &p), rows[i].result);
		free((void *)(uintptr_t)v.p);
	}
}

/* Every property and every kind of value, there and back. */
static void test_round_trip(void **state)
{
	static const struct view raws[] = {
		LIT("\0\0"),
		LIT("\x20\0\0\0\0\0"), /* an empty table is not an absent one */
		LIT("\xff\xfc\2ct\2ce\0\0\0\3\1aV\2\7\1c\5reply\003100\1m\0\0\0\0\0\0\0\5\1t\5guest\1a\1c"),
		LIT("\x20\0\0\0\0\x6f"
		    "\1tt\1\1bb\xff\1BB\xff\1ss\xff\xfe\1uu\xff\xfe\1II\xff\xff\xff\xfe\1ii\xff\xff\xff\xfe"
		    "\1ll\xff\xff\xff\xff\xff\xff\xff\xfe\1LL\x7f\xff\xff\xff\xff\xff\xff\xff\1ff\x3f\x80\0\0"
		    "\1dd\x3f\xf0\0\0\0\0\0\0\1DD\2\xff\xff\xff\7\1TT\0\0\0\0\x65\0\0\0\1SS\0\0\0\1a"
		    "\1xx\0\0\0\1\0"),
		LIT("\x20\0\0\0\0\x18\1AA\0\0\0\3Vt\1\1FF\0\0\0\7\1kF\0\0\0\0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		struct arena a;
		struct bag bag;
		struct buf out;

		arena_init(&a);
		buf_init(&out, 4096);
		assert_true(v091_codec.decode(raws[i], &a, &bag));
		assert_true(v091_codec.encode(&bag, &out));
		assert_true(view_eq(buf_view(&out), raws[i]));
		arena_fini(&a);
		buf_fini(&out);
	}
}

static void test_values(void **state)
{
	static const struct view raw = LIT("\x20\0\0\0\0\x21" "\1bb\xff\1uu\xff\xfe\1TT\0\0\0\0\x65\0\0\0\1SS\0\0\0\2hi\1tt\1");
	struct arena a;
	struct bag bag;
	const struct value *v;

	(void)state;
	arena_init(&a);
	assert_true(v091_codec.decode(raw, &a, &bag));
	assert_int_equal(bag.has, BAG_HEADERS);
	assert_int_equal(bag.headers.n, 5);
	v = table_find(&bag.headers, VIEW("b"));
	assert_true(v && v->type == VALUE_I8 && v->i == -1);
	v = table_find(&bag.headers, VIEW("u"));
	assert_true(v && v->type == VALUE_U16 && v->i == 65534);
	v = table_find(&bag.headers, VIEW("T"));
	assert_true(v && v->type == VALUE_TIME && v->i == 0x65000000);
	v = table_find(&bag.headers, VIEW("S"));
	assert_true(v && view_is(v->s, "hi"));
	v = table_find(&bag.headers, VIEW("t"));
	assert_true(v && v->type == VALUE_BOOL && v->boolean);
	arena_fini(&a);
}

/* What the format cannot say is refused, not cut. */
static void test_encode_limits(void **state)
{
	uint8_t text[256];
	struct buf out;
	struct field f = {.value.type = VALUE_VOID};
	struct bag bag = {.has = BAG_TYPE};
	struct field deep[120];

	(void)state;
	memset(text, 't', sizeof(text));
	buf_init(&out, 4096);
	bag.type = view_of(text, 255);
	assert_true(v091_codec.encode(&bag, &out));
	bag.type = view_of(text, 256);
	assert_false(v091_codec.encode(&bag, &out));
	bag = (struct bag){.has = BAG_HEADERS, .headers = {&f, 1}};
	f.name = view_of(text, 255);
	assert_true(v091_codec.encode(&bag, &out));
	f.name = view_of(text, 256);
	assert_false(v091_codec.encode(&bag, &out));
	f.name = VIEW("n");
	f.value.type = '?';
	assert_false(v091_codec.encode(&bag, &out));
	for (size_t i = 0; i < 120; i++)
		deep[i] = (struct field){.name = VIEW("d"),
					 .value = {.type = VALUE_TABLE, .table = {i ? &deep[i - 1] : NULL, i ? 1 : 0}}};
	bag.headers = (struct table){&deep[90], 1};
	assert_true(v091_codec.encode(&bag, &out));
	bag.headers = (struct table){&deep[119], 1};
	assert_false(v091_codec.encode(&bag, &out));
	buf_fini(&out);
	buf_init(&out, 8); /* no room */
	bag = (struct bag){.has = BAG_TYPE, .type = VIEW("longer than that")};
	assert_false(v091_codec.encode(&bag, &out));
	buf_fini(&out);
}

/* Header BCC behind its flag: readers and decoders do not see the first of that name, an encoder keeps it. */
static void test_bcc(void **state)
{
	static const struct {
		struct view raw, seen;
		bool hidden;
	} rows[] = {
		{LIT("\x20\2\0\0\0\x0f\1at\1\3BCCA\0\0\0\2t\1"), LIT("\x20\0\0\0\0\4\1at\1"), true},
		{LIT("\x20\2\0\0\0\x0f\3BCCA\0\0\0\2t\1\1at\1"), LIT("\x20\0\0\0\0\4\1at\1"), true},
		{LIT("\x60\2\1e\0\0\0\x09\3BCCA\0\0\0\0"), LIT("\x60\0\1e\0\0\0\0"), true},
		{LIT("\x20\2\0\0\0\4\1at\1"), LIT("\x20\2\0\0\0\4\1at\1"), false}, /* its publisher's own flag */
		{LIT("\0\2"), LIT("\0\2"), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view raw = exact(rows[i].raw);
		struct arena a;
		struct bag bag;
		struct buf out;

		assert_true(v091_bcc_hidden(raw));
		buf_init(&out, 1000);
		v091_bcc_strip(raw, &out);
		assert_true(view_eq(buf_view(&out), rows[i].seen));
		buf_fini(&out);
		arena_init(&a);
		assert_true(v091_codec.decode(raw, &a, &bag));
		assert_null(table_find(&bag.headers, VIEW("BCC")));
		assert_int_equal((bag.has & BAG_BCC) != 0, rows[i].hidden);
		buf_init(&out, 1000);
		assert_true(v091_codec.encode(&bag, &out));
		assert_int_equal(v091_bcc_hidden(buf_view(&out)), rows[i].hidden);
		if (rows[i].hidden) {
			struct buf seen;

			buf_init(&seen, 1000);
			v091_bcc_strip(buf_view(&out), &seen);
			assert_true(view_eq(buf_view(&seen), rows[i].seen));
			buf_fini(&seen);
		}
		buf_fini(&out);
		arena_fini(&a);
		free((void *)(uintptr_t)raw.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_guard), cmocka_unit_test(test_fixed_kinds), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_layout),      cmocka_unit_test(test_scan),        cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_values),      cmocka_unit_test(test_encode_limits),
		cmocka_unit_test(test_bcc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
