/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's rules for message attributes and text, with its words (sqs-sns.md §3
 * SendMessage). Where no answer of SQS itself is known, the text is SNS's for
 * the same fault. */
#include "base/crypto.h"
#include "mapping/sqs_attributes.h"

enum {
	NAME_BYTES_MAX = 256,
	TYPE_BYTES_MAX = 256,
	NUMBER_DIGITS_MAX = 38,
	NUMBER_EXPONENT_MAX = 128, /* |value| < 10^128 */
	EXPONENT_CAP = 1000000,    /* more than any text could make up for */
};

/* ---- text ------------------------------------------------------------------ */

/* #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF, well-formed UTF-8. */
bool sqs_text_legal(struct view text)
{
	for (size_t i = 0; i < text.n; i++) {
		i += utf8_plain(view_skip(text, i));
		if (i >= text.n)
			break;
		uint8_t c = text.p[i];
		if (c < 0x20 && c != 0x9 && c != 0xA && c != 0xD)
			return false;
		/* U+FFFE and U+FFFF */
		if (c == 0xEF && i + 2 < text.n && text.p[i + 1] == 0xBF && text.p[i + 2] >= 0xBE)
			return false;
	}
	return utf8_valid(text);
}

/* ---- names and types ------------------------------------------------------- */

static bool is_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

static bool all_name_chars(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_name_char(v.p[i]))
			return false;
	return true;
}

/* prefix in lower case; any casing of it is reserved. */
static bool starts_nocase(struct view v, struct view prefix)
{
	if (v.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++) {
		uint8_t c = v.p[i];
		if ((c >= 'A' && c <= 'Z' ? c + 0x20 : c) != prefix.p[i])
			return false;
	}
	return true;
}

static enum code name_check(struct view name, struct error *e)
{
	if (name.n == 0)
		return error_set(e, CODE_INVALID, "Message (user) attribute names must not be empty.");
	if (name.n > NAME_BYTES_MAX)
		return error_set(e, CODE_INVALID,
				 "Message (user) attribute names must be shorter than 256 Bytes");
	if (!all_name_chars(name))
		return error_set(e, CODE_INVALID,
				 "Message (user) attributes name can only contain upper and lower score "
				 "characters, digits, periods, hyphens and underscores. ");
	if (starts_nocase(name, VIEW("aws.")) || starts_nocase(name, VIEW("amazon.")) ||
	    name.p[0] == '.' || name.p[name.n - 1] == '.')
		return error_set(e, CODE_INVALID,
				 "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. "
				 "These strings are reserved for internal use. Additionally, they cannot "
				 "start or end with '.'.");
	if (memmem(name.p, name.n, "..", 2))
		return error_set(e, CODE_INVALID,
				 "Message attribute name can not have successive '.' character.");
	return CODE_OK;
}

/* "String", "Number" or "Binary" of a type with or without a custom suffix; NULL. */
static const char *type_base(struct view type)
{
	static const char *const bases[] = {"String", "Number", "Binary"};
	for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
		struct view base = view_str(bases[i]);
		if (view_starts(type, base) && (type.n == base.n || type.p[base.n] == '.'))
			return bases[i];
	}
	return NULL;
}

static enum code type_check(const struct sqs_attribute *a, const char *base, struct error *e)
{
	if (a->type.n == 0)
		return error_set(e, CODE_INVALID,
				 "Message (user) attribute '%.*s' must contain a non-empty attribute type.",
				 VIEW_ARG(a->name));
	if (!base || !all_name_chars(a->type))
		return error_set(e, CODE_INVALID,
				 "The type of message (user) attribute '%.*s' is invalid. You must use only "
				 "the following supported type prefixes: Binary, Number, String.",
				 VIEW_ARG(a->name));
	if (a->type.n > TYPE_BYTES_MAX)
		return error_set(e, CODE_INVALID,
				 "Message (user) attribute types must be shorter than 256 Bytes");
	return CODE_OK;
}

/* ---- numbers --------------------------------------------------------------- */

struct scan {
	struct view rest;
	bool any;     /* a digit */
	bool nonzero; /* a digit other than 0 */
	long digits;  /* from the first to the last one that is not 0 */
	long zeros;   /* behind it */
	long places;  /* digits of the whole part, from the first one that is not 0;
	               * negative: zeros behind the point before it */
};

static bool scan_char(struct scan *s, const char *set, uint8_t *c)
{
	if (s->rest.n == 0 || !s->rest.p[0] || !strchr(set, s->rest.p[0]))
		return false;
	*c = s->rest.p[0];
	s->rest = view_skip(s->rest, 1);
	return true;
}

static void scan_digits(struct scan *s, bool whole)
{
	uint8_t c;
	while (scan_char(s, "0123456789", &c)) {
		s->any = true;
		if (c != '0') {
			s->digits += s->zeros + 1;
			s->zeros = 0;
			s->nonzero = true;
		} else if (s->nonzero) {
			s->zeros++;
		}
		if (whole && s->nonzero)
			s->places++;
		if (!whole && !s->nonzero)
			s->places--;
	}
}

/* false: "e" without digits. */
static bool scan_exponent(struct scan *s, long *exponent)
{
	uint8_t c, sign = '+';
	*exponent = 0;
	if (!scan_char(s, "eE", &c))
		return true;
	scan_char(s, "+-", &sign);
	if (!scan_char(s, "0123456789", &c))
		return false;
	do {
		if (*exponent < EXPONENT_CAP)
			*exponent = *exponent * 10 + (c - '0');
	} while (scan_char(s, "0123456789", &c));
	if (sign == '-')
		*exponent = -*exponent;
	return true;
}

/* Up to 38 significant digits, magnitude from 10^-128 to below 10^128. */
static bool number_legal(struct view text)
{
	struct scan s = {.rest = text};
	uint8_t c;
	long exponent;
	scan_char(&s, "+-", &c);
	scan_digits(&s, true);
	if (scan_char(&s, ".", &c))
		scan_digits(&s, false);
	if (!s.any || !scan_exponent(&s, &exponent) || s.rest.n)
		return false;
	if (!s.nonzero)
		return true;
	long magnitude = s.places + exponent; /* value = 0.d… × 10^magnitude */
	return s.digits <= NUMBER_DIGITS_MAX && magnitude <= NUMBER_EXPONENT_MAX &&
	       magnitude > -NUMBER_EXPONENT_MAX;
}

/* ---- values ---------------------------------------------------------------- */

static enum code value_check(const struct sqs_attribute *a, const char *base, struct error *e)
{
	if (a->value.n == 0)
		return error_set(e, CODE_INVALID,
				 "Message (user) attribute '%.*s' must contain a non-empty value of type '%s'.",
				 VIEW_ARG(a->name), base);
	if (base[0] == 'S' && !sqs_text_legal(a->value))
		return error_set(e, CODE_INVALID,
				 "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
				 "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
	if (base[0] == 'N' && !number_legal(a->value))
		return error_set(e, CODE_INVALID,
				 "Can't cast the value of message (user) attribute '%.*s' to a number.",
				 VIEW_ARG(a->name));
	return CODE_OK;
}

static enum code unique_check(const struct sqs_attributes *a, size_t at, struct error *e)
{
	for (size_t i = 0; i < at; i++)
		if (view_eq(a->v[i].name, a->v[at].name))
			return error_set(e, CODE_INVALID,
					 "Message (user) attribute name '%.*s' already exists.",
					 VIEW_ARG(a->v[at].name));
	return CODE_OK;
}

enum code sqs_attributes_count_check(size_t n, struct error *e)
{
	if (n <= SQS_ATTRIBUTES_MAX)
		return CODE_OK;
	return error_set(e, CODE_INVALID, "Number of message attributes [%zu] exceeds the allowed maximum [%d].",
			 n, SQS_ATTRIBUTES_MAX);
}

enum code sqs_attributes_check(const struct sqs_attributes *a, struct error *e)
{
	enum code code = sqs_attributes_count_check(a->n, e);
	for (size_t i = 0; i < a->n && !code; i++) {
		const char *base = type_base(a->v[i].type);
		code = name_check(a->v[i].name, e);
		if (!code)
			code = unique_check(a, i, e);
		if (!code)
			code = type_check(&a->v[i], base, e);
		if (!code)
			code = value_check(&a->v[i], base, e);
	}
	return code;
}
