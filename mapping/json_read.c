/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive parser over one view. `bad` stays set once anything is wrong, and
 * then nothing is read any more. */
#include "mapping/json_read.h"

#include "base/utf8.h"

struct reading {
	const uint8_t *p, *end;
	struct arena *arena;
	uint32_t depth, values;
	bool bad;
};

static void value_read(struct reading *r, struct jvalue *v);

/* ---- bytes ---- */

/* 0 at the end: no token begins with it. */
static uint8_t peek(struct reading *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
	return r->p < r->end && !r->bad ? *r->p : 0;
}

static bool take(struct reading *r, uint8_t c)
{
	if (peek(r) != c)
		return false;
	r->p++;
	return true;
}

static void expect_word(struct reading *r, struct view word)
{
	if (view_starts(view_of(r->p, (size_t)(r->end - r->p)), word))
		r->p += word.n;
	else
		r->bad = true;
}

/* ---- strings ---- */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits; -1: they are not. */
static int32_t hex4(struct view v)
{
	int32_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = i < v.n ? hex_digit(v.p[i]) : -1;
		if (digit < 0)
			return -1;
		n = n << 4 | digit;
	}
	return n;
}

static size_t utf8_put(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* \uXXXX or a surrogate pair of them at the front of v, which moves behind it. */
static size_t unicode_put(struct reading *r, struct view *v, uint8_t *out)
{
	int32_t c = hex4(view_skip(*v, 2)), low;

	*v = view_skip(*v, 6);
	if (c >= 0xd800 && c < 0xdc00 && view_starts(*v, VIEW("\\u")) &&
	    (low = hex4(view_skip(*v, 2))) >= 0xdc00 && low < 0xe000) {
		*v = view_skip(*v, 6);
		return utf8_put(out, 0x10000 + ((uint32_t)(c - 0xd800) << 10 | (uint32_t)(low - 0xdc00)));
	}
	r->bad |= c < 0 || (c >= 0xd800 && c < 0xe000);
	return r->bad ? 0 : utf8_put(out, (uint32_t)c);
}

/* The escape at the front of v. Never longer than what it stands for. */
static size_t escape_put(struct reading *r, struct view *v, uint8_t *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = v->n > 1 ? v->p[1] : 0;
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u')
		return unicode_put(r, v, out);
	*v = view_skip(*v, 2);
	r->bad |= !at;
	*out = at ? (uint8_t)to[at - from] : 0;
	return 1;
}

static struct view unescaped(struct reading *r, struct view raw)
{
	uint8_t *out = arena_alloc(r->arena, raw.n);
	size_t n = 0;

	while (raw.n && !r->bad) {
		const uint8_t *backslash = memchr(raw.p, '\\', raw.n);
		struct view part = view_head(raw, backslash ? (size_t)(backslash - raw.p) : raw.n);
		view_put(out + n, part);
		n += part.n;
		raw = view_skip(raw, part.n);
		if (raw.n)
			n += escape_put(r, &raw, out + n);
	}
	return view_of(out, n);
}

/* Behind the opening quote. */
static struct view string_read(struct reading *r)
{
	const uint8_t *from = r->p;
	bool escaped = false, wide = false;

	for (;;) {
		r->p += utf8_plain(view_of(r->p, (size_t)(r->end - r->p)));
		if (r->p == r->end || *r->p < 0x20) {
			r->bad = true;
			return VIEW_NONE;
		}
		if (*r->p == '"')
			break;
		wide |= *r->p >= 0x80;
		if (*r->p == '\\') {
			escaped = true;
			r->p += r->end - r->p > 1; /* also \" */
		}
		r->p++;
	}
	struct view text = view_of(from, (size_t)(r->p++ - from));
	if (escaped)
		text = unescaped(r, text);
	r->bad |= wide && !utf8_valid(text);
	return text;
}

/* ---- numbers ---- */

static size_t digits(struct reading *r)
{
	const uint8_t *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return (size_t)(r->p - from);
}

static void integer_of(struct reading *r, struct jvalue *v)
{
	bool negative = v->text.p[0] == '-';
	uint64_t n = 0, max = negative ? (uint64_t)1 << 63 : INT64_MAX;

	for (size_t i = negative; i < v->text.n; i++) {
		uint64_t digit = (uint64_t)(v->text.p[i] - '0');
		if (n > (max - digit) / 10) {
			r->bad = true;
			return;
		}
		n = n * 10 + digit;
	}
	v->number = (int64_t)(negative ? 0 - n : n);
}

static void number_read(struct reading *r, struct jvalue *v)
{
	const uint8_t *from = r->p;

	v->kind = JV_INTEGER;
	r->p += *r->p == '-';
	bool zero = r->p < r->end && *r->p == '0';
	size_t n = digits(r);
	r->bad |= n == 0 || (zero && n > 1);
	if (r->p < r->end && *r->p == '.') {
		v->kind = JV_REAL;
		r->p++;
		r->bad |= digits(r) == 0;
	}
	if (r->p < r->end && (*r->p | 0x20) == 'e') {
		v->kind = JV_REAL;
		r->p++;
		r->p += r->p < r->end && (*r->p == '+' || *r->p == '-');
		r->bad |= digits(r) == 0;
	}
	v->text = view_of(from, (size_t)(r->p - from));
	if (v->kind == JV_INTEGER && !r->bad)
		integer_of(r, v);
}

/* ---- values ---- */

static struct jvalue *item_new(struct reading *r, struct jvalue *parent, struct jvalue *last)
{
	struct jvalue *item = arena_alloc(r->arena, sizeof(*item));

	r->bad |= ++r->values > JSON_READ_VALUES_MAX;
	*(last ? &last->next : &parent->first) = item;
	parent->n++;
	return item;
}

static void items_read(struct reading *r, struct jvalue *v, uint8_t close)
{
	struct jvalue *last = NULL;

	if (take(r, close))
		return;
	do {
		last = item_new(r, v, last);
		if (v->kind == JV_OBJECT) {
			if (!take(r, '"')) {
				r->bad = true;
				return;
			}
			last->name = string_read(r);
			r->bad |= !take(r, ':') || (last->name.n && memchr(last->name.p, 0, last->name.n));
		}
		value_read(r, last);
	} while (take(r, ','));
	r->bad |= !take(r, close);
}

static void value_read(struct reading *r, struct jvalue *v)
{
	uint8_t c = peek(r);

	switch (c) {
	case '"':
		r->p++;
		v->kind = JV_TEXT;
		v->text = string_read(r);
		return;
	case '{':
	case '[':
		r->p++;
		v->kind = c == '{' ? JV_OBJECT : JV_ARRAY;
		if (++r->depth > JSON_READ_DEPTH_MAX)
			r->bad = true;
		else
			items_read(r, v, c == '{' ? '}' : ']');
		r->depth--;
		return;
	case 't':
	case 'f':
		v->kind = JV_BOOL;
		v->number = c == 't';
		expect_word(r, c == 't' ? VIEW("true") : VIEW("false"));
		return;
	case 'n':
		expect_word(r, VIEW("null"));
		return;
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			number_read(r, v);
		else
			r->bad = true;
	}
}

struct jvalue *json_read(struct view json, struct arena *a)
{
	struct reading r = {.p = json.p, .end = json.p + json.n, .arena = a};
	struct jvalue *top = arena_alloc(a, sizeof(*top));

	if (!json.n)
		return NULL;
	value_read(&r, top);
	bool whole = peek(&r) == 0 && r.p == r.end;
	return whole && !r.bad && (top->kind == JV_OBJECT || top->kind == JV_ARRAY) ? top : NULL;
}

struct jvalue *json_read_member(const struct jvalue *object, const char *name)
{
	struct jvalue *found = NULL;
	struct view wanted = view_str(name);

	for (struct jvalue *m = object->kind == JV_OBJECT ? object->first : NULL; m; m = m->next)
		if (view_eq(m->name, wanted))
			found = m;
	return found;
}

bool json_read_is_last(const struct jvalue *member)
{
	for (const struct jvalue *m = member->next; m; m = m->next)
		if (view_eq(m->name, member->name))
			return false;
	return true;
}
