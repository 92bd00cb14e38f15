/* SPDX-License-Identifier: Apache-2.0 */
/* SQS message attributes: bytes, MD5 vectors (sqs-sns.md §5), AWS's checks and
 * texts (§3 SendMessage), legal characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mapping/sqs_attributes.h"

#define ATTRIBUTE(n, t, v) {VIEW(n), VIEW(t), VIEW(v)}

static bool same(const struct sqs_attributes *a, const struct sqs_attributes *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!view_eq(a->v[i].name, b->v[i].name) || !view_eq(a->v[i].type, b->v[i].type) ||
		    !view_eq(a->v[i].value, b->v[i].value))
			return false;
	return a->n == b->n && view_eq(a->trace_header, b->trace_header) &&
	       view_eq(a->group_id, b->group_id) && view_eq(a->dedup_id, b->dedup_id) &&
	       view_eq(a->subject, b->subject) && view_eq(a->content_type, b->content_type) &&
	       view_eq(a->more, b->more);
}

static void check_round_trip(const struct sqs_attributes *a)
{
	struct buf b;
	struct sqs_attributes back;
	buf_init(&b, 10000);
	assert_true(sqs_attributes_encode(a, &b));
	assert_true(sqs_attributes_decode(buf_view(&b), &back));
	assert_true(same(a, &back));
	for (size_t n = 1; n < b.n; n++)
		assert_false(sqs_attributes_decode(view_of(b.p, n), &back));
	if (b.n) {
		buf_add_u8(&b, 0);
		assert_false(sqs_attributes_decode(buf_view(&b), &back));
	}
	buf_fini(&b);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct sqs_attributes a = {.n = 2,
				   .v = {ATTRIBUTE("a", "String", "text"), ATTRIBUTE("b", "Binary.x", "\0\xff")}};
	check_round_trip(&a);
	a.trace_header = VIEW("Root=1-2");
	check_round_trip(&a);
	a.group_id = VIEW("g");
	a.dedup_id = VIEW("d");
	check_round_trip(&a);
	a.n = 0;
	check_round_trip(&a);
	check_round_trip(&(struct sqs_attributes){0});
}

/* What only SNS says: its own version of the bytes, and one only where it is said. */
static void test_sns_round_trip(void **state)
{
	(void)state;
	struct sqs_attributes a = {.subject = VIEW("hello")};
	struct sqs_attribute one = ATTRIBUTE("eleven", "Number", "11"), got;
	struct buf more;
	check_round_trip(&a);
	a.content_type = VIEW("application/json");
	check_round_trip(&a);
	buf_init(&more, 1000);
	assert_true(sqs_attributes_more_add(&more, &one));
	assert_true(sqs_attributes_more_add(&more, &one));
	a.more = buf_view(&more);
	check_round_trip(&a);
	struct view rest = a.more;
	for (int i = 0; i < 2; i++) {
		assert_true(sqs_attributes_more(&rest, &got));
		assert_true(view_is(got.name, "eleven") && view_is(got.type, "Number") && view_is(got.value, "11"));
	}
	assert_false(sqs_attributes_more(&rest, &got));
	buf_fini(&more);
}

static void test_random_round_trip(void **state)
{
	(void)state;
	static const uint8_t bytes[64];
	struct rng r;
	rng_seed(&r, 21);
	for (int i = 0; i < 500; i++) {
		struct sqs_attributes a = {.n = rng_below(&r, SQS_ATTRIBUTES_MAX + 1)};
		for (size_t k = 0; k < a.n; k++)
			a.v[k] = (struct sqs_attribute){view_of(bytes, rng_below(&r, 9)), view_of(bytes, rng_below(&r, 9)),
							view_of(bytes, rng_below(&r, 65))};
		a.group_id = view_of(bytes, rng_below(&r, 3));
		check_round_trip(&a);
	}
}

static void test_refused_bytes(void **state)
{
	(void)state;
	const struct view rows[] = {
		VIEW("\x02\x00\0\0\0\0\0\0\0\0\0\0\0\0"), /* version */
		VIEW("\x02\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), /* says nothing of SNS */
		VIEW("\x02\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x07"), /* no attributes */
		VIEW("\x01\x0b\0\0\0\0\0\0\0\0\0\0\0\0"), /* eleven */
		VIEW("\x01\x00\0\0\0\0\0\0\0\0\0\0\0\0"), /* nothing, which is no bytes */
		VIEW("\x01\x00\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
	};
	struct sqs_attributes a;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_false(sqs_attributes_decode(rows[i], &a));
	struct buf b;
	static uint8_t big[70000];
	buf_init(&b, 1000000);
	a = (struct sqs_attributes){.n = 1, .v = {{view_of(big, 65536), VIEW("String"), VIEW("v")}}};
	assert_false(sqs_attributes_encode(&a, &b));
	a.n = SQS_ATTRIBUTES_MAX + 1;
	assert_false(sqs_attributes_encode(&a, &b));
	buf_fini(&b);
}

static void test_md5(void **state)
{
	(void)state;
	static const struct {
		struct sqs_attribute v[3];
		size_t n;
		const char *md5;
	} rows[] = {
		{{ATTRIBUTE("timestamp", "Number", "1493147359900")}, 1, "235c5c510d26fb653d073faed50ae77c"},
		{{ATTRIBUTE("MyAttribute", "String", "foobar")}, 1, "adb59cd4678ea5a855436b949cd07ab6"},
		{{ATTRIBUTE("Hello", "String", "There"), ATTRIBUTE("General", "String", "Kenobi"),
		  ATTRIBUTE("Help.Me", "String", "Me")},
		 3,
		 "4c360f3fdafd970e05fae2f149d997f5"},
		/* of the rule itself, by other means: name, type, 2, bytes */
		{{ATTRIBUTE("b", "Binary.gif", "\0\1\2")}, 1, "c150faa7198e870c8225ae7c632f2b32"},
		{{{VIEW_NONE, VIEW_NONE, VIEW_NONE}}, 0, "d41d8cd98f00b204e9800998ecf8427e"},
	};
	char md5[33];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		sqs_attributes_md5(rows[i].v, rows[i].n, md5);
		assert_string_equal(md5, rows[i].md5);
	}
}

#define CHARACTERS                                                             \
	"Message (user) attributes name can only contain upper and lower score characters, digits, "          \
	"periods, hyphens and underscores. "
#define RESERVED                                                               \
	"You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are "        \
	"reserved for internal use. Additionally, they cannot start or end with '.'."
#define TYPE                                                                   \
	"The type of message (user) attribute 'a' is invalid. You must use only the following supported "     \
	"type prefixes: Binary, Number, String."
#define CAST "Can't cast the value of message (user) attribute 'a' to a number."
#define LEGAL                                                                  \
	"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "          \
	"#xE000 to #xFFFD | #x10000 to #x10FFFF"

static const struct {
	struct sqs_attribute a;
	const char *text; /* NULL: accepted */
} checks[] = {
	{ATTRIBUTE("a", "String", "v"), NULL},
	{ATTRIBUTE("A_b-c.9", "String.custom", "v"), NULL},
	{ATTRIBUTE("a", "Binary.gif", "\0"), NULL},
	{ATTRIBUTE("awsome", "String", "v"), NULL},
	{ATTRIBUTE("ErrorDetails", "String", ""),
	 "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."},
	{ATTRIBUTE("a", "Binary", ""), "Message (user) attribute 'a' must contain a non-empty value of type 'Binary'."},
	{ATTRIBUTE("a", "Number.int", ""), "Message (user) attribute 'a' must contain a non-empty value of type 'Number'."},
	{ATTRIBUTE("a b", "String", "v"), CHARACTERS},
	{ATTRIBUTE("\xc3\xa9", "String", "v"), CHARACTERS},
	{ATTRIBUTE("AWS.x", "String", "v"), RESERVED},
	{ATTRIBUTE("aMaZoN.x", "String", "v"), RESERVED},
	{ATTRIBUTE(".x", "String", "v"), RESERVED},
	{ATTRIBUTE("x.", "String", "v"), RESERVED},
	{ATTRIBUTE("x..y", "String", "v"), "Message attribute name can not have successive '.' character."},
	{ATTRIBUTE("", "String", "v"), "Message (user) attribute names must not be empty."},
	{ATTRIBUTE("a", "", "v"), "Message (user) attribute 'a' must contain a non-empty attribute type."},
	{ATTRIBUTE("a", "Stringy", "v"), TYPE},
	{ATTRIBUTE("a", "string", "v"), TYPE},
	{ATTRIBUTE("a", "Custom.String", "v"), TYPE},
	{ATTRIBUTE("a", "String.a b", "v"), TYPE},
	{ATTRIBUTE("a", "String", "\0"), LEGAL},
	{ATTRIBUTE("a", "String.x", "\xff"), LEGAL},
	{ATTRIBUTE("a", "Number", "0"), NULL},
	{ATTRIBUTE("a", "Number", "-12.50"), NULL},
	{ATTRIBUTE("a", "Number", "+.5"), NULL},
	{ATTRIBUTE("a", "Number", "5."), NULL},
	{ATTRIBUTE("a", "Number", "1e10"), NULL},
	{ATTRIBUTE("a", "Number", "1.5E-100"), NULL},
	{ATTRIBUTE("a", "Number", "9e127"), NULL},
	{ATTRIBUTE("a", "Number", "1e128"), CAST},
	{ATTRIBUTE("a", "Number", "1e-128"), NULL},
	{ATTRIBUTE("a", "Number", "1e-129"), CAST},
	{ATTRIBUTE("a", "Number", "0e99999999999999999999"), NULL},
	{ATTRIBUTE("a", "Number", "1e99999999999999999999"), CAST},
	{ATTRIBUTE("a", "Number", "1e-99999999999999999999"), CAST},
	{ATTRIBUTE("a", "Number", "12345678901234567890123456789012345678"), NULL},
	{ATTRIBUTE("a", "Number", "123456789012345678901234567890123456789"), CAST},
	{ATTRIBUTE("a", "Number", "0.0012345678901234567890123456789012345678"), NULL},
	{ATTRIBUTE("a", "Number", "1234567890123456789012345678901234567800000"), NULL},
	{ATTRIBUTE("a", "Number", "1.00000000000000000000000000000000000000000000"), NULL},
	{ATTRIBUTE("a", "Number", "abc"), CAST},
	{ATTRIBUTE("a", "Number", "1 "), CAST},
	{ATTRIBUTE("a", "Number", " 1"), CAST},
	{ATTRIBUTE("a", "Number", "1e"), CAST},
	{ATTRIBUTE("a", "Number", "1e+"), CAST},
	{ATTRIBUTE("a", "Number", "."), CAST},
	{ATTRIBUTE("a", "Number", "-"), CAST},
	{ATTRIBUTE("a", "Number", "e5"), CAST},
	{ATTRIBUTE("a", "Number", "0x10"), CAST},
	{ATTRIBUTE("a", "Number", "1.2.3"), CAST},
	{ATTRIBUTE("a", "Number", "NaN"), CAST},
	{ATTRIBUTE("a", "Number", "1\0"), CAST},
};

static void test_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		struct error e = {0};
		struct sqs_attributes a = {.n = 1, .v = {checks[i].a}};
		enum code code = sqs_attributes_check(&a, &e);
		if (code != (checks[i].text ? CODE_INVALID : CODE_OK))
			fail_msg("row %zu: %s", i, e.text);
		if (checks[i].text)
			assert_string_equal(e.text, checks[i].text);
	}
}

static void test_lengths_and_counts(void **state)
{
	(void)state;
	static uint8_t text[300];
	struct error e;
	struct sqs_attributes a = {.n = 1, .v = {ATTRIBUTE("a", "String", "v")}};
	memset(text, 'a', sizeof text);
	memcpy(text, "String.", 7);
	a.v[0].name = view_of(text, 256);
	a.v[0].type = view_of(text, 256);
	assert_int_equal(sqs_attributes_check(&a, &e), CODE_OK);
	a.v[0].name.n = 257;
	assert_int_equal(sqs_attributes_check(&a, &e), CODE_INVALID);
	assert_string_equal(e.text, "Message (user) attribute names must be shorter than 256 Bytes");
	a.v[0].name.n = 1;
	a.v[0].type.n = 257;
	assert_int_equal(sqs_attributes_check(&a, &e), CODE_INVALID);
	assert_string_equal(e.text, "Message (user) attribute types must be shorter than 256 Bytes");
	assert_int_equal(sqs_attributes_count_check(10, &e), CODE_OK);
	assert_int_equal(sqs_attributes_count_check(11, &e), CODE_INVALID);
	assert_string_equal(e.text, "Number of message attributes [11] exceeds the allowed maximum [10].");
	a = (struct sqs_attributes){.n = 2, .v = {ATTRIBUTE("a", "String", "v"), ATTRIBUTE("a", "Number", "1")}};
	assert_int_equal(sqs_attributes_check(&a, &e), CODE_INVALID);
	assert_string_equal(e.text, "Message (user) attribute name 'a' already exists.");
	assert_int_equal(sqs_attributes_check(&(struct sqs_attributes){0}, &e), CODE_OK);
}

/* Writes a code point as UTF-8, surrogates too. */
static size_t utf8_put(uint32_t c, uint8_t *out)
{
	if (c < 0x80)
		return out[0] = (uint8_t)c, 1;
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)((0xf00u >> n) & 0xff) | (uint8_t)c;
	return n;
}

static bool legal_code_point(uint32_t c)
{
	return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
	       (c >= 0x10000 && c <= 0x10FFFF);
}

static void test_legal_characters(void **state)
{
	(void)state;
	uint8_t text[6] = "x";
	for (uint32_t c = 0; c <= 0x110000; c++) {
		size_t n = 1 + utf8_put(c, text + 1);
		text[n] = 'y';
		if (sqs_text_legal(view_of(text, n + 1)) != legal_code_point(c) ||
		    sqs_text_legal(view_of(text, n)) != legal_code_point(c))
			fail_msg("U+%04X", c);
	}
	assert_true(sqs_text_legal(VIEW_NONE));
	assert_false(sqs_text_legal(VIEW("\x80")));
	assert_false(sqs_text_legal(VIEW("\xef\xbf")));
	assert_false(sqs_text_legal(VIEW("\xc0\x80")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_sns_round_trip),
		cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_refused_bytes), cmocka_unit_test(test_md5),
		cmocka_unit_test(test_checks),	      cmocka_unit_test(test_lengths_and_counts),
		cmocka_unit_test(test_legal_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
