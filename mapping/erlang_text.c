/* SPDX-License-Identifier: Apache-2.0 */
/* io_lib's ~p for what a field table can hold, measured on RabbitMQ 3.10; where
 * that breaks a long term into lines, this does not. Recursion follows the nesting
 * of a value, which its decoder has limited, and ends when *out is full. */
#include "mapping/erlang_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { REAL_TEXT_MAX = 40, REAL_DIGITS_MAX = 17 };

/* What follows the backslash; 0: the octet needs none. */
static char escape_of(uint8_t octet)
{
	static const char plain[] = "\t\b\v\f\r\n\x1b\"\\", escapes[] = "tbvfrne\"\\";
	const char *at = octet ? strchr(plain, octet) : NULL;
	return at ? escapes[at - plain] : 0;
}

/* Printable in ISO 8859-1, which is what Erlang asks. */
static bool is_text(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!escape_of(v.p[i]) && (v.p[i] < 0x20 || (v.p[i] > 0x7e && v.p[i] < 0xa0)))
			return false;
	return v.n > 0;
}

static void octets_text(struct view v, struct buf *out)
{
	bool text = is_text(v);
	buf_add_str(out, text ? "<<\"" : "<<");
	for (size_t i = 0; i < v.n && !out->overflow; i++) {
		char escape = escape_of(v.p[i]);
		if (!text)
			buf_printf(out, i ? ",%u" : "%u", v.p[i]);
		else if (escape)
			buf_printf(out, "\\%c", escape);
		else
			buf_add_u8(out, v.p[i]);
	}
	buf_add_str(out, text ? "\">>" : ">>");
}

/* The fewest digits that read back as the same number, always with a point; with
 * an exponent where that is shorter or integers are no longer exact. */
static void real_text(double d, struct buf *out)
{
	char power[REAL_TEXT_MAX], plain[REAL_TEXT_MAX];
	int digits = 0;
	if (!isfinite(d)) {
		buf_printf(out, "%g", d);
		return;
	}
	do
		snprintf(power, sizeof power, "%.*e", digits, d);
	while (strtod(power, NULL) != d && ++digits < REAL_DIGITS_MAX);
	char *e = strchr(power, 'e');
	int exponent = (int)strtol(e + 1, NULL, 10);
	int decimals = digits > exponent ? digits - exponent : 1;
	snprintf(e, REAL_TEXT_MAX - (size_t)(e - power), "%se%d", digits ? "" : ".0", exponent);
	size_t n = (size_t)snprintf(plain, sizeof plain, "%.*f", d == 0 ? 1 : decimals, d);
	buf_add_str(out, n <= strlen(power) && fabs(d) < 0x1p53 ? plain : power);
}

static void fields_text(const struct value *v, struct buf *out)
{
	buf_add_u8(out, '[');
	for (size_t i = 0; i < v->table.n && !out->overflow; i++) {
		const struct field *f = &v->table.v[i];
		buf_add_str(out, i ? ",{" : "{");
		if (v->type == VALUE_TABLE) {
			octets_text(f->name, out);
			buf_add_u8(out, ',');
		}
		buf_printf(out, "%s,", value_type_name(f->value.type));
		erlang_text(&f->value, out);
		buf_add_u8(out, '}');
	}
	buf_add_u8(out, ']');
}

void erlang_text(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_VOID:
		buf_add_str(out, "undefined");
		break;
	case VALUE_BOOL:
		buf_add_str(out, v->boolean ? "true" : "false");
		break;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		real_text(v->d, out);
		break;
	case VALUE_DECIMAL: /* RabbitMQ reads it without a sign */
		buf_printf(out, "{%u,%" PRIu32 "}", v->decimal.scale, (uint32_t)v->decimal.unscaled);
		break;
	case VALUE_STRING:
	case VALUE_BYTES:
		octets_text(v->s, out);
		break;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		fields_text(v, out);
		break;
	case VALUE_TIME:
		buf_printf(out, "%" PRIu64, (uint64_t)v->i);
		break;
	default:
		buf_printf(out, "%" PRId64, v->i);
		break;
	}
}
