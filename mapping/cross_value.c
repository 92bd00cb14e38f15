/* SPDX-License-Identifier: Apache-2.0 */
/* One header value ⇄ one SQS attribute (docs/cross-protocol.md, "Properties and
 * headers"). An attribute gives back a string, an int64, a double or bytes; any
 * other wire type is noted beside it (mqb.p, member t). */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mapping/cross_priv.h"

enum { NUMBER_TEXT_MAX = 64 };

/* Ranges of the integer wire types; the widest is what an attribute gives back. */
static const struct {
	char wire;
	int64_t min, max;
} ranges[] = {
	{VALUE_I8, INT8_MIN, INT8_MAX},    {VALUE_U8, 0, UINT8_MAX},
	{VALUE_I16, INT16_MIN, INT16_MAX}, {VALUE_U16, 0, UINT16_MAX},
	{VALUE_I32, INT32_MIN, INT32_MAX}, {VALUE_U32, 0, UINT32_MAX},
	{VALUE_I64, INT64_MIN, INT64_MAX}, {VALUE_U64, INT64_MIN, INT64_MAX},
};

/* The shortest decimal text that reads back as the same number. */
static struct view real_text(double d, bool single, struct arena *a)
{
	char text[NUMBER_TEXT_MAX];

	for (int digits = single ? 6 : 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
			break;
	}
	return arena_copy(a, view_str(text));
}

/* Number text → value: int64 if it is integral, else double, else string. */
static struct value number_value(struct view text, struct arena *a)
{
	struct value as_string = {.type = VALUE_STRING, .s = text};

	if (text.n == 0 || text.n > NUMBER_TEXT_MAX * 4)
		return as_string;
	for (size_t i = 0; i < text.n; i++)
		if (!strchr("0123456789+-.eE", text.p[i]) || !text.p[i])
			return as_string;

	const char *s = arena_cstr(a, text);
	char *end;

	errno = 0;
	long long i = strtoll(s, &end, 10);
	if (*end == '\0' && errno == 0)
		return (struct value){.type = VALUE_I64, .i = i};
	double d = strtod(s, &end);
	if (*end != '\0' || end == s || !isfinite(d))
		return as_string;
	/* 2^63 itself is the first double that no int64 holds. */
	if (d == trunc(d) && d >= -0x1p63 && d < 0x1p63)
		return (struct value){.type = VALUE_I64, .i = (int64_t)d};
	return (struct value){.type = VALUE_DOUBLE, .d = d};
}

static bool number_of_integer(const struct value *v, struct arena *a, struct view *text)
{
	*text = view_str(arena_printf(a, "%" PRId64, v->i));
	return true;
}

static bool number_of_real(const struct value *v, struct arena *a, struct view *text)
{
	if (!isfinite(v->d))
		return false;
	*text = real_text(v->d, v->type == VALUE_FLOAT, a);
	return true;
}

/* Seconds on the wire, milliseconds in the attribute. */
static bool number_of_time(const struct value *v, struct arena *a, struct view *text)
{
	if (v->i > INT64_MAX / 1000 || v->i < INT64_MIN / 1000)
		return false;
	*text = view_str(arena_printf(a, "%" PRId64, v->i * 1000));
	return true;
}

static bool attribute_text(const struct value *v, struct arena *a, struct sqs_attribute *out)
{
	switch (v->type) {
	case VALUE_STRING:
	case VALUE_BYTES:
		out->type = v->type == VALUE_STRING ? VIEW("String") : VIEW("Binary");
		out->value = v->s;
		return true;
	case VALUE_BOOL:
		out->type = VIEW("String");
		out->value = v->boolean ? VIEW("true") : VIEW("false");
		return true;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		out->type = VIEW("Number");
		return number_of_real(v, a, &out->value);
	case VALUE_TIME:
		out->type = VIEW("Number");
		return number_of_time(v, a, &out->value);
	default:
		out->type = VIEW("Number");
		return value_is_integer(v) && number_of_integer(v, a, &out->value);
	}
}

bool cross_value_to_attribute(struct view name, const struct value *v, struct arena *a,
			      struct sqs_attribute *out, char *wire)
{
	struct sqs_attributes one = {.n = 1};

	if (!attribute_text(v, a, out))
		return false;
	out->name = name;
	one.v[0] = *out;
	if (sqs_attributes_check(&one, NULL) != CODE_OK || view_starts(name, VIEW("mqb.")))
		return false;

	struct value back = cross_value_from_attribute(out, 0, a);
	*wire = back.type == v->type ? 0 : v->type;
	return true;
}

/* A Number that is known to have had another wire type; false: it does not fit any more. */
static bool number_as(const struct sqs_attribute *at, char wire, struct arena *a, struct value *v)
{
	if (wire == VALUE_FLOAT || wire == VALUE_DOUBLE) {
		if (v->type == VALUE_STRING)
			return false;
		const char *text = arena_cstr(a, at->value);
		v->d = wire == VALUE_FLOAT ? (double)strtof(text, NULL) : strtod(text, NULL);
		v->type = wire;
		return true;
	}
	if (v->type != VALUE_I64)
		return false;
	if (wire == VALUE_TIME) {
		if (v->i % 1000)
			return false;
		v->i /= 1000;
		v->type = wire;
		return true;
	}
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (ranges[i].wire == wire && v->i >= ranges[i].min && v->i <= ranges[i].max) {
			v->type = wire;
			return true;
		}
	return false;
}

struct value cross_value_from_attribute(const struct sqs_attribute *at, char wire, struct arena *a)
{
	struct value string = {.type = VALUE_STRING, .s = at->value};

	if (view_starts(at->type, VIEW("Binary")))
		return (struct value){.type = VALUE_BYTES, .s = at->value};
	if (view_starts(at->type, VIEW("Number"))) {
		struct value v = number_value(at->value, a);

		if (wire)
			number_as(at, wire, a, &v);
		return v;
	}
	if (wire == VALUE_BOOL && (view_is(at->value, "true") || view_is(at->value, "false")))
		return (struct value){.type = VALUE_BOOL, .boolean = view_is(at->value, "true")};
	return string;
}
