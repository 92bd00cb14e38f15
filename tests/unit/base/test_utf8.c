/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/utf8.h"

static const struct { struct view v; bool ok; } rows[] = {
	{{NULL, 0}, true},
	{VIEW("plain ascii, longer than eight"), true},
	{VIEW("\x00"), true},
	{VIEW("\x7f"), true},
	{VIEW("\xc2\x80"), true},             /* U+0080 */
	{VIEW("\xdf\xbf"), true},             /* U+07FF */
	{VIEW("\xe0\xa0\x80"), true},         /* U+0800 */
	{VIEW("\xed\x9f\xbf"), true},         /* U+D7FF */
	{VIEW("\xee\x80\x80"), true},         /* U+E000 */
	{VIEW("\xef\xbf\xbf"), true},         /* U+FFFF */
	{VIEW("\xf0\x90\x80\x80"), true},     /* U+10000 */
	{VIEW("\xf4\x8f\xbf\xbf"), true},     /* U+10FFFF */
	{VIEW("\xd0\x9f\xd1\x80\xd0\xb8 1234567 \xe2\x82\xac"), true},
	{VIEW("\x80"), false},                /* tail alone */
	{VIEW("\xc0\x80"), false},            /* overlong NUL */
	{VIEW("\xc1\xbf"), false},            /* overlong */
	{VIEW("\xe0\x9f\xbf"), false},        /* overlong */
	{VIEW("\xf0\x8f\xbf\xbf"), false},    /* overlong */
	{VIEW("\xed\xa0\x80"), false},        /* surrogate U+D800 */
	{VIEW("\xed\xbf\xbf"), false},        /* surrogate U+DFFF */
	{VIEW("\xf4\x90\x80\x80"), false},    /* U+110000 */
	{VIEW("\xf5\x80\x80\x80"), false},
	{VIEW("\xff"), false},
	{VIEW("\xfe"), false},
	{VIEW("\xc2"), false},                /* cut */
	{VIEW("\xe2\x82"), false},
	{VIEW("\xf0\x9f\x92"), false},
	{VIEW("\xe2\x28\xa1"), false},        /* second is no tail */
	{VIEW("\xe2\x82\x28"), false},        /* third is none */
	{VIEW("\xf0\x9f\x92\x28"), false},    /* fourth is none */
	{VIEW("12345678\x80"), false},        /* behind a whole word */
	{VIEW("1234567\xc3"), false},
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (utf8_valid(rows[i].v) != rows[i].ok)
			fail_msg("row %zu", i);
}

/* Every code point, encoded by the definition, is well-formed; its neighbours
 * in length are not. */
static void every_code_point(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x110000; c++) {
		uint8_t b[4];
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
		for (size_t i = n; i-- > 0;)
			b[i] = (uint8_t)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
		b[0] = (uint8_t)(n == 1 ? c : lead[n] | c >> (6 * (n - 1)));
		bool ok = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
		if (utf8_next(view_of(b, n)) != (ok ? n : 0))
			fail_msg("U+%X", c);
		if (n > 1 && utf8_next(view_of(b, n - 1)) != 0)
			fail_msg("U+%X cut", c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(every_code_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
