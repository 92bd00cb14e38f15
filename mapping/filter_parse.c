/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a filter policy → an AND/OR tree of leaves, in the order and with the
 * texts in which AWS finds faults (sqs-sns.md §15): first while reading, from front
 * to back, then keys, then combinations. */
#include <ctype.h>

#include "base/utf8.h"
#include "mapping/filter_priv.h"

enum { SHOWN_MAX = 100 };

/* ---- errors ---- */

/* No more than SHOWN_MAX bytes, cut at a character. */
static struct view shorten(struct view v)
{
	size_t n = 0, more;

	while (n < v.n && (more = utf8_next(view_skip(v, n))) && n + more <= SHOWN_MAX)
		n += more;
	return view_head(v, n);
}

bool filter_refuse(struct filter_reading *x, const char *before, struct view shown, const char *after)
{
	error_set(x->e, CODE_INVALID, "FilterPolicy: %s%.*s%s", before, VIEW_ARG(shorten(shown)), after);
	return false;
}

bool filter_refuse_token(struct filter_reading *x, enum json_token t, const char *text)
{
	if (t == TOKEN_ERROR)
		return filter_refuse(x, "failed to parse JSON. ", VIEW_NONE, x->r.why);
	return filter_refuse(x, text, VIEW_NONE, "");
}

/* ---- the tree ---- */

struct parse {
	struct filter_reading x;
	struct filter_limits limits;
};

/* Where an object is: its path, and how deep a leaf in it counts. */
struct level {
	const struct filter_path *path;
	uint64_t depth;
	bool alternative; /* in an object of $or */
};

static bool object_read(struct parse *p, const struct level *l, struct filter_read_group *g);

static struct filter_read_group *group_new(struct parse *p)
{
	struct filter_read_group *g = arena_alloc(p->x.a, sizeof(*g));

	g->end = &g->first;
	g->combinations = 1;
	return g;
}

static struct filter_read_item *item_add(struct parse *p, struct filter_read_group *g)
{
	struct filter_read_item *item = arena_alloc(p->x.a, sizeof(*item));

	*g->end = item;
	g->end = &item->next;
	return item;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* ---- leaves ---- */

/* One value of a leaf. false: refused. */
static bool value_read(struct parse *p, enum json_token t, struct filter_condition *out)
{
	switch (t) {
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case TOKEN_TRUE:
	case TOKEN_FALSE:
	case TOKEN_NULL:
		out->op = FILTER_EQUAL;
		out->value = filter_value_of(t, p->x.r.value);
		return true;
	case TOKEN_OBJECT:
		return filter_condition_read(&p->x, out);
	default:
		return filter_refuse_token(&p->x, t, "Match value must be String, number, true, false, or null");
	}
}

struct listed {
	struct filter_condition condition;
	struct listed *next;
};

/* Behind '['. */
static bool leaf_read(struct parse *p, const struct level *l, struct view key, struct filter_read_group *g)
{
	struct filter_read_leaf *leaf = arena_alloc(p->x.a, sizeof(*leaf));
	struct listed *first = NULL, **end = &first;
	enum json_token t;

	while ((t = json_reader_next(&p->x.r)) != TOKEN_ARRAY_END) {
		*end = arena_alloc(p->x.a, sizeof(**end));
		if (!value_read(p, t, &(*end)->condition))
			return false;
		end = &(*end)->next;
		leaf->n++;
	}
	if (leaf->n == 0)
		return filter_refuse(&p->x, "Empty arrays are not allowed", VIEW_NONE, "");
	leaf->path = (struct filter_path){l->path, key};
	leaf->v = arena_alloc(p->x.a, leaf->n * sizeof(*leaf->v));
	for (size_t i = 0; first; first = first->next)
		leaf->v[i++] = first->condition;
	item_add(p, g)->leaf = leaf;
	g->combinations = times(g->combinations, times(leaf->n, l->depth));
	return true;
}

/* ---- $or ---- */

static bool is_reserved(struct view key)
{
	static const char *const names[] = {"exactly", "prefix", "suffix",   "numeric",          "anything-but",
					    "exists",  "cidr",   "wildcard", "equals-ignore-case"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (view_is(key, names[i]))
			return true;
	return false;
}

/* The reader is behind the key. $or is an OR only before an array of two objects or
 * more, none with a reserved key; else an ordinary key (sqs-sns.md §15). */
static bool is_or(struct json_reader ahead)
{
	enum json_token t = json_reader_next(&ahead);
	size_t objects = 0;

	if (t != TOKEN_ARRAY)
		return false;
	for (; (t = json_reader_next(&ahead)) == TOKEN_OBJECT; objects++) {
		while ((t = json_reader_next(&ahead)) == TOKEN_KEY)
			if (is_reserved(ahead.value) || !json_reader_skip(&ahead, json_reader_next(&ahead)))
				return false;
		if (t != TOKEN_OBJECT_END)
			return false;
	}
	return t == TOKEN_ARRAY_END && objects >= 2;
}

static bool or_read(struct parse *p, const struct level *l, struct filter_read_group *g)
{
	struct level inside = {l->path, l->depth, true};
	struct filter_read_group *first = NULL, **end = &first;
	uint64_t combinations = 0;

	json_reader_next(&p->x.r); /* '[', as is_or has seen */
	while (json_reader_next(&p->x.r) == TOKEN_OBJECT) {
		*end = group_new(p);
		if (!object_read(p, &inside, *end))
			return false;
		if (__builtin_add_overflow(combinations, (*end)->combinations, &combinations))
			combinations = UINT64_MAX;
		end = &(*end)->next;
	}
	item_add(p, g)->alternatives = first;
	g->combinations = times(g->combinations, combinations);
	return true;
}

/* ---- objects ---- */

static bool nested(struct parse *p)
{
	error_set(p->x.e, CODE_INVALID, "Filter policy scope MessageAttributes does not support nested filter policy");
	return false;
}

static bool member_read(struct parse *p, const struct level *l, struct view key, struct filter_read_group *g)
{
	enum json_token t = json_reader_next(&p->x.r);

	if (t == TOKEN_ARRAY)
		return p->x.scope == FILTER_ATTRIBUTES && l->path ? nested(p) : leaf_read(p, l, key, g);
	if (t != TOKEN_OBJECT)
		return t == TOKEN_ERROR ? filter_refuse_token(&p->x, t, "")
					: filter_refuse(&p->x, "\"", key, "\" must be an object or an array");

	struct filter_path *path = arena_alloc(p->x.a, sizeof(*path));
	*path = (struct filter_path){l->path, key};
	return object_read(p, &(struct level){path, l->depth + 1, l->alternative}, g);
}

/* Behind '{'. */
static bool object_read(struct parse *p, const struct level *l, struct filter_read_group *g)
{
	enum json_token t;
	size_t keys = 0;

	for (; (t = json_reader_next(&p->x.r)) == TOKEN_KEY; keys++) {
		struct view key = p->x.r.value;

		if (view_is(key, "$or") && is_or(p->x.r)) {
			if (!or_read(p, l, g))
				return false;
			continue;
		}
		if (l->alternative && is_reserved(key))
			return filter_refuse(&p->x, "", key,
					     " is Ruler reserved fieldName which cannot be used inside $or.");
		if (!member_read(p, l, key, g))
			return false;
	}
	if (t != TOKEN_OBJECT_END)
		return filter_refuse_token(&p->x, t, "");
	return keys || filter_refuse(&p->x, "Empty objects are not allowed", VIEW_NONE, "");
}

/* Keys of the policy itself, one that comes twice once; at most `max` + 1. */
static size_t keys_count(struct view json, struct arena *a, size_t max)
{
	struct view *seen = arena_alloc(a, (max + 1) * sizeof(*seen));
	struct json_reader r;
	size_t n = 0;

	json_reader_init(&r, json, a, FILTER_DEPTH_MAX);
	json_reader_next(&r);
	while (n <= max && json_reader_next(&r) == TOKEN_KEY) {
		size_t i = 0;

		while (i < n && !view_eq(seen[i], r.value))
			i++;
		if (i == n)
			seen[n++] = r.value;
		json_reader_skip(&r, json_reader_next(&r));
	}
	return n;
}

struct filter_read_group *filter_policy_read(struct view json, enum filter_scope scope,
					     const struct filter_limits *l, struct arena *a, struct error *e)
{
	struct parse p = {.x = {.scope = scope, .extended = l->extended, .a = a, .e = e}, .limits = *l};
	struct filter_read_group *g = group_new(&p);
	enum json_token t;

	json_reader_init(&p.x.r, json, a, FILTER_DEPTH_MAX);
	if ((t = json_reader_next(&p.x.r)) != TOKEN_OBJECT) {
		filter_refuse_token(&p.x, t, "Filter is not an object");
		return NULL;
	}
	if (!object_read(&p, &(struct level){NULL, 1, false}, g))
		return NULL;
	if ((t = json_reader_next(&p.x.r)) != TOKEN_END) {
		filter_refuse_token(&p.x, t, "");
		return NULL;
	}
	if (keys_count(json, a, l->keys_max) > l->keys_max) {
		error_set(e, CODE_INVALID, "FilterPolicy: Filter policy can not have more than %u keys", l->keys_max);
		return NULL;
	}
	if (g->combinations > l->combinations_max) {
		filter_refuse(&p.x, "Filter policy is too complex", VIEW_NONE, "");
		return NULL;
	}
	return g;
}
