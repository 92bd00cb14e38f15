/* SPDX-License-Identifier: Apache-2.0 */
/* Values as filter policies compare them. No libc number parsing: it would lose
 * digits and follow the locale. */
#include "mapping/filter_priv.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "base/utf8.h"

/* ---- numbers ---- */

enum { MILLIONTHS = 6, EXPONENT_MAX = 1000000000 };
/* 10^36 millionths. */
#define NUMBER_LIMIT ((filter_number)1000000000000000000 * 1000000000000000000)

struct decimal {
	struct view whole, fraction; /* digits */
	bool negative;
	int64_t exponent;
};

static struct view digits_cut(struct view *v)
{
	size_t n = 0;

	while (n < v->n && isdigit(v->p[n]))
		n++;
	struct view digits = view_head(*v, n);
	*v = view_skip(*v, n);
	return digits;
}

static bool sign_cut(struct view *v)
{
	bool negative = v->n && v->p[0] == '-';

	if (negative || (v->n && v->p[0] == '+'))
		*v = view_skip(*v, 1);
	return negative;
}

static bool exponent_read(struct view v, int64_t *out)
{
	bool negative = sign_cut(&v);
	struct view digits = digits_cut(&v);

	if (!digits.n || v.n)
		return false;
	*out = 0;
	for (size_t i = 0; i < digits.n && *out < EXPONENT_MAX; i++)
		*out = *out * 10 + (digits.p[i] - '0');
	if (negative)
		*out = -*out;
	return true;
}

static bool decimal_read(struct view v, struct decimal *d)
{
	*d = (struct decimal){.negative = sign_cut(&v)};
	d->whole = digits_cut(&v);
	if (v.n && v.p[0] == '.') {
		v = view_skip(v, 1);
		d->fraction = digits_cut(&v);
	}
	if (d->whole.n + d->fraction.n == 0)
		return false;
	if (v.n && (v.p[0] == 'e' || v.p[0] == 'E'))
		return exponent_read(view_skip(v, 1), &d->exponent);
	return v.n == 0;
}

bool filter_number_of(struct view text, filter_number *out)
{
	filter_number n = 0;
	struct decimal d;

	if (!decimal_read(text, &d))
		return false;
	size_t digits = d.whole.n + d.fraction.n;
	/* Power of ten, in millionths, of the digit at hand. */
	int64_t power = (int64_t)d.whole.n - 1 + d.exponent + MILLIONTHS;
	for (size_t i = 0; i < digits && power >= 0 && n < NUMBER_LIMIT; i++, power--)
		n = n * 10 + ((i < d.whole.n ? d.whole.p[i] : d.fraction.p[i - d.whole.n]) - '0');
	size_t seen = (size_t)((int64_t)d.whole.n - 1 + d.exponent + MILLIONTHS - power);
	if (power == -1 && seen < digits &&
	    (seen < d.whole.n ? d.whole.p[seen] : d.fraction.p[seen - d.whole.n]) >= '5')
		n++;
	for (; power >= 0 && n && n < NUMBER_LIMIT; power--)
		n *= 10;
	n = n < NUMBER_LIMIT ? n : NUMBER_LIMIT;
	*out = d.negative ? -n : n;
	return true;
}

/* ---- letters ---- */

/* Capital letters of a range and how far the small ones are; 0 and 1: capital and
 * small alternate, and capitals are the even or the odd ones. */
static const struct {
	uint32_t from, to, shift;
} letters[] = {
	{'A', 'Z', 32},       {0xc0, 0xd6, 32},    {0xd8, 0xde, 32},   {0x100, 0x12f, 0},
	{0x132, 0x137, 0},    {0x139, 0x148, 1},   {0x14a, 0x177, 0},  {0x179, 0x17e, 1},
	{0x386, 0x386, 38},   {0x388, 0x38a, 37},  {0x38c, 0x38c, 64}, {0x38e, 0x38f, 63},
	{0x391, 0x3ab, 32},   {0x400, 0x40f, 80},  {0x410, 0x42f, 32}, {0x460, 0x481, 0},
	{0x48a, 0x4bf, 0},    {0x4c1, 0x4ce, 1},   {0x4d0, 0x52f, 0},  {0x531, 0x556, 48},
	{0x1e00, 0x1e95, 0},  {0x1ea0, 0x1eff, 0}, {0xff21, 0xff3a, 32},
};

static uint32_t lower(uint32_t c)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (c < letters[i].from || c > letters[i].to)
			continue;
		if (letters[i].shift > 1)
			return c + letters[i].shift;
		return letters[i].shift == (c & 1) ? c + 1 : c;
	}
	return c;
}

/* The first character, which is cut off; a byte of malformed text stands for itself. */
static uint32_t character_cut(struct view *v)
{
	static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	size_t n = utf8_next(*v);
	uint32_t c = n ? v->p[0] & mask[n] : 0x110000u + v->p[0];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (v->p[i] & 0x3f);
	*v = view_skip(*v, n ? n : 1);
	return c;
}

bool filter_equal_ignoring_case(struct view a, struct view b)
{
	while (a.n && b.n)
		if (lower(character_cut(&a)) != lower(character_cut(&b)))
			return false;
	return a.n == b.n;
}

/* ---- values ---- */

struct filter_value filter_value_of(enum json_token t, struct view text)
{
	struct filter_value v = {.kind = FILTER_IS_NOTHING, .text = text};

	switch (t) {
	case TOKEN_STRING:
		v.kind = FILTER_IS_STRING;
		break;
	case TOKEN_NUMBER:
		if (filter_number_of(text, &v.number))
			v.kind = FILTER_IS_NUMBER;
		break;
	case TOKEN_TRUE:
		v.kind = FILTER_IS_TRUE;
		break;
	case TOKEN_FALSE:
		v.kind = FILTER_IS_FALSE;
		break;
	case TOKEN_NULL:
		v.kind = FILTER_IS_NULL;
		break;
	default:
		break;
	}
	return v;
}

bool filter_value_equal(const struct filter_value *a, const struct filter_value *b)
{
	if (a->kind != b->kind || a->kind == FILTER_IS_NOTHING)
		return false;
	if (a->kind == FILTER_IS_STRING)
		return view_eq(a->text, b->text);
	return a->kind != FILTER_IS_NUMBER || a->number == b->number;
}

/* ---- addresses ---- */

/* Its bytes, 0: none. */
static uint8_t address_read(struct view text, uint8_t out[16])
{
	char s[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof(s) || memchr(text.p, 0, text.n))
		return 0;
	memcpy(s, text.p, text.n);
	s[text.n] = '\0';
	if (inet_pton(AF_INET, s, out) == 1)
		return 4;
	return inet_pton(AF_INET6, s, out) == 1 ? 16 : 0;
}

const char *filter_cidr_parse(struct view text, struct filter_cidr *out)
{
	const uint8_t *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	struct view address = view_head(text, slash ? (size_t)(slash - text.p) : 0);
	struct view mask = slash ? view_skip(text, address.n + 1) : VIEW_NONE;
	bool negative = mask.n > 1 && mask.p[0] == '-';
	struct view digits = negative ? view_skip(mask, 1) : mask;
	int64_t bits = 0;

	*out = (struct filter_cidr){.bytes = 0};
	if (!slash || mask.n == 0 || memchr(mask.p, '/', mask.n))
		return "Malformed CIDR, one '/' required";
	if (!isdigit(digits.p[0]) || !exponent_read(digits, &bits))
		return "Malformed CIDR, mask bits must be an integer";
	if (negative && bits)
		return "Malformed CIDR, mask bits must not be negative";
	out->bytes = address_read(address, out->address);
	if (!out->bytes)
		return "Nonstandard IP address: ";
	if (bits > out->bytes * 8)
		return out->bytes == 4 ? "IPv4 mask bits must be < 32" : "IPv6 mask bits must be < 128";
	out->bits = (uint8_t)bits;
	return NULL;
}

bool filter_cidr_holds(const struct filter_cidr *c, struct view text)
{
	uint8_t address[16], whole = c->bits / 8, rest = c->bits % 8;

	if (address_read(text, address) != c->bytes || memcmp(address, c->address, whole) != 0)
		return false;
	return !rest || (address[whole] ^ c->address[whole]) >> (8 - rest) == 0;
}
