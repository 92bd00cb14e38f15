/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive parser over one view. `bad` stays set once anything is wrong, and
 * then nothing is read any more. */
#include "mapping/json_read.h"

#include "base/utf8.h"
#include "mapping/json_string.h"

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
	if (escaped && !json_unescape(text, JSON_HALVES_REFUSED, r->arena, &text))
		r->bad = true;
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
