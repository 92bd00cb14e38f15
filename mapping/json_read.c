/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a text, put together from its tokens. */
#include "mapping/json_read.h"

#include "mapping/json_reader.h"

/* What is open, the innermost first. */
struct open {
	struct open *outer;
	struct jvalue *value, *last;
};

static bool integer_of(struct view digits, int64_t *out)
{
	bool negative = digits.p[0] == '-';
	uint64_t n = 0, max = negative ? (uint64_t)1 << 63 : INT64_MAX;

	for (size_t i = negative; i < digits.n; i++) {
		uint64_t digit = (uint64_t)(digits.p[i] - '0');
		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = (int64_t)(negative ? 0 - n : n);
	return true;
}

static bool number_is_real(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '.' || (v.p[i] | 0x20) == 'e')
			return true;
	return false;
}

static bool value_fill(struct jvalue *v, enum json_token t, struct view text)
{
	v->text = text;
	switch (t) {
	case TOKEN_STRING:
		v->kind = JV_TEXT;
		return true;
	case TOKEN_NUMBER:
		v->kind = number_is_real(text) ? JV_REAL : JV_INTEGER;
		return v->kind == JV_REAL || integer_of(text, &v->number);
	case TOKEN_TRUE:
	case TOKEN_FALSE:
		v->kind = JV_BOOL;
		v->number = t == TOKEN_TRUE;
		return true;
	case TOKEN_OBJECT:
	case TOKEN_ARRAY:
		v->kind = t == TOKEN_OBJECT ? JV_OBJECT : JV_ARRAY;
		return true;
	default:
		return t == TOKEN_NULL;
	}
}

static struct jvalue *item_new(struct open *o, struct view name, struct arena *a)
{
	struct jvalue *item = arena_alloc(a, sizeof(*item));

	item->name = name;
	if (!o)
		return item;
	*(o->last ? &o->last->next : &o->value->first) = item;
	o->last = item;
	o->value->n++;
	return item;
}

static struct open *open_new(struct open *outer, struct jvalue *v, struct arena *a)
{
	struct open *o = arena_alloc(a, sizeof(*o));

	o->outer = outer;
	o->value = v;
	return o;
}

static bool name_legal(struct view name)
{
	return !name.n || !memchr(name.p, 0, name.n);
}

/* The tokens behind the top's first one. false: malformed, or past a limit. */
static bool items_read(struct json_reader *r, struct jvalue *top, struct arena *a)
{
	struct open *o = open_new(NULL, top, a);
	struct view name = VIEW_NONE;

	for (size_t values = 0; o;) {
		enum json_token t = json_reader_next(r);
		if (t == TOKEN_OBJECT_END || t == TOKEN_ARRAY_END) {
			o = o->outer;
			continue;
		}
		if (t == TOKEN_KEY && name_legal(r->value)) {
			name = r->value;
			continue;
		}
		struct jvalue *v = item_new(o, name, a);
		name = VIEW_NONE;
		if (++values > JSON_READ_VALUES_MAX || !value_fill(v, t, r->value))
			return false;
		if (v->kind == JV_OBJECT || v->kind == JV_ARRAY)
			o = open_new(o, v, a);
	}
	return json_reader_next(r) == TOKEN_END;
}

struct jvalue *json_read(struct view json, struct arena *a)
{
	struct json_reader r;
	struct jvalue *top = arena_alloc(a, sizeof(*top));

	json_reader_init(&r, json, a, JSON_READ_DEPTH_MAX);
	r.halves = JSON_HALVES_REFUSED;
	enum json_token t = json_reader_next(&r);
	if ((t != TOKEN_OBJECT && t != TOKEN_ARRAY) || !value_fill(top, t, r.value))
		return NULL;
	return items_read(&r, top, a) ? top : NULL;
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
