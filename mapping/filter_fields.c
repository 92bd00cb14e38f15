/* SPDX-License-Identifier: Apache-2.0 */
/* A message as filter policies see it: scalars by name. Of attributes the name is
 * the attribute's; of a body it is the path, keys joined by dots, arrays looked
 * through (sqs-sns.md §15). Paths are never written out: a name is compared from
 * its end upwards, and found by a hash that grows key by key, so a long key above
 * many others costs its length once.
 *
 *     {"a": [{"b": 1}, {"b": 2}], "c": 3}
 *      a.b = 1 in element 0, a.b = 2 in element 1, c = 3 in none
 *
 * Invariants
 *  1. Fields of one hash are chained by `same` in the order of the message.
 *  2. All of it lies in the input's arena or aliases the message. */
#include "mapping/filter_priv.h"

#include "base/map.h"
#include "mapping/cross_priv.h"

/* Both scopes of one message, each when first asked for. */
struct filter_parsed {
	bool done[2];
	struct filter_fields *fields[2];
};

/* ---- names ---- */

static uint64_t hash_more(uint64_t h, struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		h = (h ^ v.p[i]) * 0x100000001b3u;
	return h;
}

static uint64_t hash_start(void)
{
	return hash_view(VIEW("filter"));
}

uint64_t filter_name_hash(struct view name)
{
	return hash_more(hash_start(), name);
}

static uint64_t hash_in(const struct filter_object *outer, struct view key)
{
	return outer ? hash_more(hash_more(outer->hash, VIEW(".")), key) : filter_name_hash(key);
}

bool filter_field_is(const struct filter_field *f, struct view name)
{
	struct view key = f->key;

	for (const struct filter_object *o = f->outer;; o = o->outer) {
		if (!view_ends(name, key))
			return false;
		name.n -= key.n;
		if (!o)
			return name.n == 0;
		if (name.n == 0 || name.p[--name.n] != '.')
			return false;
		key = o->key;
	}
}

/* ---- collecting ---- */

struct collect {
	struct arena *a;
	struct filter_field *first, **end;
	size_t n;
};

static struct filter_field *field_add(struct collect *c, struct view key, struct filter_value value)
{
	struct filter_field *f = arena_alloc(c->a, sizeof(*f));

	f->key = key;
	f->value = value;
	*c->end = f;
	c->end = &f->next;
	c->n++;
	return f;
}

static void field_file(struct filter_fields *x, struct filter_field *f)
{
	struct filter_field **bucket = &x->buckets[f->hash & x->mask], *head = *bucket;

	while (head && head->hash != f->hash)
		head = head->next;
	f->next = NULL;
	if (head) {
		head->last->same = f;
		head->last = f;
		return;
	}
	f->next = *bucket;
	f->last = f;
	*bucket = f;
	x->n++;
}

static struct filter_fields *fields_new(const struct collect *c)
{
	struct filter_fields *x = arena_alloc(c->a, sizeof(*x));
	size_t buckets = 8;

	while (buckets < c->n * 2)
		buckets *= 2;
	x->mask = buckets - 1;
	x->buckets = arena_alloc(c->a, buckets * sizeof(struct filter_field *));
	for (struct filter_field *f = c->first, *next; f; f = next) {
		next = f->next;
		field_file(x, f);
	}
	return x;
}

const struct filter_field *filter_fields_find(const struct filter_fields *x, uint64_t hash)
{
	const struct filter_field *f = x->buckets[hash & x->mask];

	while (f && f->hash != hash)
		f = f->next;
	return f;
}

/* ---- attributes ---- */

static bool is_scalar(enum json_token t)
{
	return t >= TOKEN_STRING && t <= TOKEN_NULL;
}

/* The elements of an array as sent; false: it is none. What is no scalar is left out. */
static bool elements_read(struct collect *c, const struct filter_attribute *at, size_t *n)
{
	struct filter_field **before = c->end;
	size_t n_before = c->n;
	struct json_reader r;
	enum json_token t;

	json_reader_init(&r, at->value, c->a, JSON_READER_DEPTH_MAX);
	t = json_reader_next(&r);
	if (t != TOKEN_ARRAY)
		return false;
	while ((t = json_reader_next(&r)) != TOKEN_ARRAY_END && t != TOKEN_ERROR) {
		if (is_scalar(t))
			field_add(c, at->name, filter_value_of(t, r.value));
		else if (!json_reader_skip(&r, t))
			break;
	}
	*n = c->n - n_before;
	if (t == TOKEN_ARRAY_END && json_reader_next(&r) == TOKEN_END)
		return true;
	c->end = before;
	*c->end = NULL;
	c->n = n_before;
	return false;
}

static void array_add(struct collect *c, const struct filter_attribute *at)
{
	struct filter_value nothing = {.kind = FILTER_IS_NOTHING};
	size_t n = at->value.n ? 0 : at->n_elements;

	for (size_t i = 0; i < n; i++)
		field_add(c, at->name, filter_value_of(TOKEN_STRING, at->elements[i]));
	if ((at->value.n && !elements_read(c, at, &n)) || n == 0)
		field_add(c, at->name, nothing)->none = true;
}

static void attribute_add(struct collect *c, const struct filter_attribute *at)
{
	struct filter_field **from = c->end;

	if (at->type == FILTER_STRING_ARRAY)
		array_add(c, at);
	else
		field_add(c, at->name,
			  filter_value_of(at->type == FILTER_NUMBER ? TOKEN_NUMBER : TOKEN_STRING, at->value));
	for (struct filter_field *f = *from; f; f = f->next) {
		f->hash = filter_name_hash(at->name);
		f->group = at->type == FILTER_STRING_ARRAY ? at : NULL;
	}
}

static struct filter_fields *attributes_collect(struct filter_input *in)
{
	struct collect c = {.a = in->arena};
	bool own = false;

	c.end = &c.first;
	for (size_t i = 0; i < in->n_attributes; i++) {
		attribute_add(&c, &in->attributes[i]);
		own |= !in->attributes[i].implied;
	}
	struct filter_fields *x = fields_new(&c);
	x->absent = own;
	return x;
}

/* ---- bodies ---- */

/* What is open while reading. The values in it have the path (object, key). */
struct frame {
	struct frame *outer;
	struct filter_array *array; /* NULL: an object is open */
	const struct filter_object *object;
	struct view key;
	struct filter_element *element; /* an object lies in it */
	const void *group;              /* of an array: the outermost of those directly in each other */
};

/* The element that the value at hand lies in, or is; NULL: none. */
static struct filter_element *element_of(struct frame *f, struct arena *a)
{
	if (!f->array)
		return f->element;
	struct filter_element *e = arena_alloc(a, sizeof(*e));
	e->array = f->array;
	return e;
}

static struct frame *array_open(struct frame *f, struct arena *a)
{
	struct frame *inner = arena_alloc(a, sizeof(*inner));

	inner->array = arena_alloc(a, sizeof(*inner->array));
	inner->array->outer = element_of(f, a);
	inner->object = f->object;
	inner->key = f->key;
	inner->group = f->array ? f->group : inner->array;
	inner->outer = f;
	return inner;
}

static struct frame *object_open(struct frame *f, struct arena *a)
{
	struct filter_object *o = arena_alloc(a, sizeof(*o));
	struct frame *inner = arena_alloc(a, sizeof(*inner));

	*o = (struct filter_object){f->object, f->key, hash_in(f->object, f->key)};
	*inner = (struct frame){.outer = f, .object = o, .element = element_of(f, a)};
	return inner;
}

static void scalar_add(struct frame *f, enum json_token t, struct view text, struct collect *c)
{
	struct filter_field *field = field_add(c, f->key, filter_value_of(t, text));

	field->outer = f->object;
	field->hash = hash_in(f->object, f->key);
	field->element = element_of(f, c->a);
	field->group = f->array ? f->group : NULL;
}

/* false: no JSON object. */
static bool body_read(struct view body, struct collect *c)
{
	struct frame outermost = {.outer = NULL}, *f = &outermost;
	struct json_reader r;
	enum json_token t;

	json_reader_init(&r, body, c->a, JSON_READER_DEPTH_MAX);
	if (json_reader_next(&r) != TOKEN_OBJECT)
		return false;
	while (f) {
		t = json_reader_next(&r);
		if (t == TOKEN_ERROR)
			return false;
		if (t == TOKEN_KEY)
			f->key = r.value;
		else if (t == TOKEN_OBJECT)
			f = object_open(f, c->a);
		else if (t == TOKEN_ARRAY)
			f = array_open(f, c->a);
		else if (t == TOKEN_OBJECT_END || t == TOKEN_ARRAY_END)
			f = f->outer;
		else
			scalar_add(f, t, r.value, c);
	}
	return json_reader_next(&r) == TOKEN_END;
}

/* What an SQS reader would not get as text is none here either. */
static bool body_legal(struct view body)
{
	return body.n > 0 && body.n <= FILTER_BODY_MAX && sqs_text_legal(body);
}

static struct filter_fields *body_collect(struct filter_input *in)
{
	struct collect c = {.a = in->arena};

	c.end = &c.first;
	if (in->pieces && body_bytes(in->pieces) <= FILTER_BODY_MAX)
		cross_body_flat(in->pieces, in->arena, &in->body); /* unreadable: empty */
	if (!body_legal(in->body) || !body_read(in->body, &c))
		return NULL;
	struct filter_fields *x = fields_new(&c);
	x->absent = true;
	return x;
}

struct filter_fields *filter_fields_of(struct filter_input *in, enum filter_scope scope)
{
	if (!in->parsed)
		in->parsed = arena_alloc(in->arena, sizeof(*in->parsed));
	if (!in->parsed->done[scope])
		in->parsed->fields[scope] = scope == FILTER_BODY ? body_collect(in) : attributes_collect(in);
	in->parsed->done[scope] = true;
	return in->parsed->fields[scope];
}
