/* SPDX-License-Identifier: Apache-2.0 */
/* The inverted index. Each branch of a policy is filed under one of its leaves, the
 * one that will be met least: under each of its values when they are exact or
 * prefixes, else under "the name is there"; a branch that asks for absence alone is
 * tried always. A message looks up what it holds, and only the branches found so
 * are evaluated in full.
 *
 *     names: store ── values:   "a", 5 …        → branches
 *                  ├─ prefixes: "ab", "abc" …   → branches
 *                  └─ present                   → branches
 *
 * Invariants
 *  1. A branch is filed in one bucket for each condition of its leaf, or in one
 *     `present` or `always`; filed[i].bucket->v[filed[i].at] points back.
 *  2. A bucket of values or prefixes exists as long as it holds a branch, a name as
 *     long as it has a bucket or its `present` holds one.
 *  3. Prefixes are filed by at most PREFIX_MAX bytes; lengths[n] counts the buckets
 *     of prefixes of n bytes. */
#include "mapping/filter_index.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "mapping/filter_priv.h"

enum { PREFIX_MAX = 255, KEY_TEXT = 's', KEY_NUMBER = 'n', KEY_WORD = 'w' };
/* What filing there costs, for one branch that is there already. */
enum { WEIGHT_VALUE = 1, WEIGHT_PREFIX = 4, WEIGHT_PRESENT = 64 };

struct indexed_branch;

struct bucket {
	struct filing {
		struct indexed_branch *branch;
		size_t which; /* of its filings */
	} *v;
	size_t n, cap;
	struct indexed_name *name; /* NULL: `always` */
	enum bucket_kind { BUCKET_VALUE, BUCKET_PREFIX, BUCKET_PRESENT, BUCKET_ALWAYS } kind;
	struct view key; /* VALUE, PREFIX: lies behind the struct */
};

/* A name may share its hash with others; they are chained. */
struct indexed_name {
	struct indexed_name *next;
	uint64_t hash;
	struct mapv values, prefixes; /* struct bucket */
	uint32_t lengths[PREFIX_MAX + 1];
	size_t length_max;
	struct bucket present;
	struct view name; /* lies behind the struct */
};

struct indexed_branch {
	struct entry *entry;
	const struct filter_branch *branch;
	uint64_t stamp; /* of the match that tried it last */
	size_t n;
	struct filed {
		struct bucket *bucket;
		size_t at;
	} filed[];
};

struct entry {
	uint64_t id;
	const struct filter_policy *policy; /* NULL: matches everything */
	uint64_t stamp; /* of the match that found it */
	size_t at;      /* in `all`, when policy is NULL */
	size_t n;
	struct indexed_branch *branches[];
};

struct side {
	size_t policies;
	struct map64 names; /* struct indexed_name by hash */
	struct bucket always;
};

struct filter_index {
	struct map64 entries; /* struct entry by id */
	struct entry **all;   /* without a policy */
	size_t n_all, cap_all;
	struct side sides[2]; /* by scope */
	struct buf key;       /* scratch */
	uint64_t stamp;
	size_t tried;
	uint64_t *found;
	size_t n_found, cap_found;
};

struct filter_index *filter_index_new(void)
{
	struct filter_index *x = mem_zalloc(sizeof(*x));

	buf_init(&x->key, SIZE_MAX);
	for (size_t i = 0; i < 2; i++)
		x->sides[i].always.kind = BUCKET_ALWAYS;
	return x;
}

/* ---- names ---- */

static struct indexed_name *name_find(const struct side *s, uint64_t hash, struct view name)
{
	struct indexed_name *n = map64_find(&s->names, hash);

	while (n && !view_eq(n->name, name))
		n = n->next;
	return n;
}

static struct indexed_name *name_get(struct side *s, const struct filter_leaf *l)
{
	struct indexed_name *n = name_find(s, l->hash, l->name);

	if (n)
		return n;
	n = mem_zalloc(sizeof(*n) + l->name.n);
	view_put((uint8_t *)(n + 1), l->name);
	n->name = view_of(n + 1, l->name.n);
	n->hash = l->hash;
	n->present.kind = BUCKET_PRESENT;
	n->present.name = n;
	n->next = map64_find(&s->names, l->hash);
	map64_put(&s->names, l->hash, n);
	return n;
}

static void name_drop_unused(struct side *s, struct indexed_name *n)
{
	struct indexed_name *first = map64_find(&s->names, n->hash), **at = &first;

	if (n->values.n || n->prefixes.n || n->present.n)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	if (first)
		map64_put(&s->names, n->hash, first);
	else
		map64_remove(&s->names, n->hash);
	mapv_fini(&n->values);
	mapv_fini(&n->prefixes);
	free(n->present.v);
	free(n);
}

/* ---- buckets ---- */

static struct view value_key(struct filter_index *x, const struct filter_value *v)
{
	buf_clear(&x->key);
	switch (v->kind) {
	case FILTER_IS_STRING:
		buf_add_u8(&x->key, KEY_TEXT);
		buf_add(&x->key, v->text);
		break;
	case FILTER_IS_NUMBER:
		buf_add_u8(&x->key, KEY_NUMBER);
		buf_add(&x->key, view_of(&v->number, sizeof(v->number)));
		break;
	default:
		buf_add_u8(&x->key, KEY_WORD);
		buf_add_u8(&x->key, (uint8_t)v->kind);
		break;
	}
	return buf_view(&x->key);
}

static struct view condition_key(struct filter_index *x, const struct filter_condition *c)
{
	return c->op == FILTER_PREFIX ? view_head(c->value.text, PREFIX_MAX) : value_key(x, &c->value);
}

static struct bucket *bucket_find(const struct indexed_name *n, enum bucket_kind kind, struct view key)
{
	return mapv_find(kind == BUCKET_PREFIX ? &n->prefixes : &n->values, key);
}

static struct bucket *bucket_get(struct indexed_name *n, enum bucket_kind kind, struct view key)
{
	struct bucket *b = bucket_find(n, kind, key);

	if (b)
		return b;
	b = mem_zalloc(sizeof(*b) + key.n);
	view_put((uint8_t *)(b + 1), key);
	b->key = view_of(b + 1, key.n);
	b->kind = kind;
	b->name = n;
	mapv_put(kind == BUCKET_PREFIX ? &n->prefixes : &n->values, b->key, b);
	if (kind == BUCKET_PREFIX) {
		n->lengths[key.n]++;
		n->length_max = key.n > n->length_max ? key.n : n->length_max;
	}
	return b;
}

static void bucket_free(struct bucket *b)
{
	struct indexed_name *n = b->name;

	mapv_remove(b->kind == BUCKET_PREFIX ? &n->prefixes : &n->values, b->key);
	if (b->kind == BUCKET_PREFIX)
		n->lengths[b->key.n]--;
	while (n->length_max && !n->lengths[n->length_max])
		n->length_max--;
	free(b->v);
	free(b);
}

static void file_in(struct bucket *b, struct indexed_branch *branch)
{
	if (b->n == b->cap)
		b->v = mem_grow(b->v, &b->cap, b->n + 1, sizeof(*b->v));
	branch->filed[branch->n] = (struct filed){b, b->n};
	b->v[b->n++] = (struct filing){branch, branch->n++};
}

static void file_out(struct side *s, const struct filed *f)
{
	struct bucket *b = f->bucket;
	struct indexed_name *name = b->name;

	b->v[f->at] = b->v[--b->n];
	b->v[f->at].branch->filed[b->v[f->at].which].at = f->at;
	if (b->n == 0 && (b->kind == BUCKET_VALUE || b->kind == BUCKET_PREFIX))
		bucket_free(b);
	if (name)
		name_drop_unused(s, name);
}

/* ---- which leaf ---- */

static enum bucket_kind condition_kind(const struct filter_condition *c, enum filter_scope scope)
{
	bool null = c->op == FILTER_EQUAL && c->value.kind == FILTER_IS_NULL;

	if (c->op == FILTER_ABSENT || (null && scope == FILTER_ATTRIBUTES))
		return BUCKET_ALWAYS; /* may match where the name is not there */
	if (c->op == FILTER_EQUAL)
		return BUCKET_VALUE;
	return c->op == FILTER_PREFIX ? BUCKET_PREFIX : BUCKET_PRESENT;
}

/* PRESENT, or ALWAYS, as soon as one condition needs it. */
static enum bucket_kind leaf_kind(const struct filter_leaf *l, enum filter_scope scope)
{
	enum bucket_kind worst = BUCKET_VALUE;

	for (size_t i = 0; i < l->n; i++) {
		enum bucket_kind kind = condition_kind(&l->v[i], scope);

		worst = kind > worst ? kind : worst;
	}
	return worst;
}

static size_t condition_weight(struct filter_index *x, const struct indexed_name *n, const struct filter_condition *c)
{
	enum bucket_kind kind = c->op == FILTER_PREFIX ? BUCKET_PREFIX : BUCKET_VALUE;
	const struct bucket *b = n ? bucket_find(n, kind, condition_key(x, c)) : NULL;

	return (1 + (b ? b->n : 0)) * (kind == BUCKET_PREFIX ? WEIGHT_PREFIX : WEIGHT_VALUE);
}

/* What filing one more under this leaf would cost messages. */
static size_t leaf_weight(struct filter_index *x, const struct side *s, const struct filter_leaf *l,
			  enum bucket_kind kind)
{
	const struct indexed_name *n = name_find(s, l->hash, l->name);
	size_t weight = 0;

	if (kind == BUCKET_ALWAYS)
		return SIZE_MAX;
	if (kind == BUCKET_PRESENT)
		return (1 + (n ? n->present.n : 0)) * WEIGHT_PRESENT;
	for (size_t i = 0; i < l->n; i++)
		weight += condition_weight(x, n, &l->v[i]);
	return weight;
}

static const struct filter_leaf *leaf_choose(struct filter_index *x, const struct side *s,
					     const struct filter_branch *b, enum filter_scope scope)
{
	const struct filter_leaf *best = b->leaves[0];
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < b->n; i++) {
		size_t weight = leaf_weight(x, s, b->leaves[i], leaf_kind(b->leaves[i], scope));

		if (weight < least)
			best = b->leaves[i];
		least = weight < least ? weight : least;
	}
	return best;
}

/* ---- adding and removing ---- */

static struct indexed_branch *branch_add(struct filter_index *x, struct entry *e, const struct filter_branch *b)
{
	struct side *s = &x->sides[e->policy->scope];
	const struct filter_leaf *l = leaf_choose(x, s, b, e->policy->scope);
	enum bucket_kind kind = leaf_kind(l, e->policy->scope);
	size_t n = kind == BUCKET_PRESENT || kind == BUCKET_ALWAYS ? 1 : l->n;
	struct indexed_branch *branch = mem_zalloc(sizeof(*branch) + n * sizeof(*branch->filed));

	branch->entry = e;
	branch->branch = b;
	if (kind == BUCKET_ALWAYS)
		file_in(&s->always, branch);
	else if (kind == BUCKET_PRESENT)
		file_in(&name_get(s, l)->present, branch);
	else
		for (size_t i = 0; i < n; i++)
			file_in(bucket_get(name_get(s, l), condition_kind(&l->v[i], e->policy->scope),
					   condition_key(x, &l->v[i])),
				branch);
	return branch;
}

void filter_index_add(struct filter_index *x, const struct filter_policy *p, uint64_t id)
{
	size_t n = p ? p->n : 0;
	struct entry *e = mem_zalloc(sizeof(*e) + n * sizeof(struct indexed_branch *));

	must(!map64_find(&x->entries, id));
	*e = (struct entry){.id = id, .policy = p, .at = x->n_all, .n = n};
	map64_put(&x->entries, id, e);
	for (size_t i = 0; i < n; i++)
		e->branches[i] = branch_add(x, e, &p->branches[i]);
	if (p) {
		x->sides[p->scope].policies++;
		return;
	}
	x->all = mem_grow(x->all, &x->cap_all, x->n_all + 1, sizeof(struct entry *));
	x->all[x->n_all++] = e;
}

static void entry_free(struct filter_index *x, struct entry *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct indexed_branch *b = e->branches[i];

		for (size_t j = 0; j < b->n; j++)
			file_out(&x->sides[e->policy->scope], &b->filed[j]);
		free(b);
	}
	if (e->policy) {
		x->sides[e->policy->scope].policies--;
	} else {
		x->all[e->at] = x->all[--x->n_all];
		x->all[e->at]->at = e->at;
	}
	free(e);
}

void filter_index_remove(struct filter_index *x, uint64_t id)
{
	struct entry *e = map64_remove(&x->entries, id);

	if (e)
		entry_free(x, e);
}

void filter_index_free(struct filter_index *x)
{
	struct entry *e;
	size_t at = 0;
	uint64_t id;

	if (!x)
		return;
	while ((e = map64_next(&x->entries, &at, &id)))
		entry_free(x, e);
	map64_fini(&x->entries);
	for (size_t i = 0; i < 2; i++) {
		must(x->sides[i].names.n == 0 && x->sides[i].always.n == 0);
		map64_fini(&x->sides[i].names);
		free(x->sides[i].always.v);
	}
	buf_fini(&x->key);
	free(x->all);
	free(x->found);
	free(x);
}

size_t filter_index_count(const struct filter_index *x)
{
	return x->entries.n;
}

bool filter_index_needs(const struct filter_index *x, enum filter_scope scope)
{
	return x->sides[scope].policies > 0;
}

size_t filter_index_tried(const struct filter_index *x)
{
	return x->tried;
}

/* ---- matching ---- */

static void found_add(struct filter_index *x, uint64_t id)
{
	x->found = mem_grow(x->found, &x->cap_found, x->n_found + 1, sizeof(*x->found));
	x->found[x->n_found++] = id;
}

static void bucket_try(struct filter_index *x, const struct bucket *b, struct filter_input *in)
{
	for (size_t i = 0; b && i < b->n; i++) {
		struct indexed_branch *branch = b->v[i].branch;
		struct entry *e = branch->entry;

		if (e->stamp == x->stamp || branch->stamp == x->stamp)
			continue;
		branch->stamp = x->stamp;
		x->tried++;
		if (!filter_branch_matches(e->policy, branch->branch, in))
			continue;
		e->stamp = x->stamp;
		found_add(x, e->id);
	}
}

static void prefixes_try(struct filter_index *x, const struct indexed_name *n, struct view text,
			 struct filter_input *in)
{
	for (size_t i = 0; i <= n->length_max && i <= text.n; i++)
		if (n->lengths[i])
			bucket_try(x, bucket_find(n, BUCKET_PREFIX, view_head(text, i)), in);
}

/* Fields of one hash: those that have this name. */
static void name_try(struct filter_index *x, const struct indexed_name *n, const struct filter_field *f,
		     struct filter_input *in)
{
	bool there = false;

	for (; f; f = f->same) {
		if (!filter_field_is(f, n->name))
			continue;
		there = true;
		if (n->values.n && f->value.kind != FILTER_IS_NOTHING)
			bucket_try(x, bucket_find(n, BUCKET_VALUE, value_key(x, &f->value)), in);
		if (f->value.kind == FILTER_IS_STRING)
			prefixes_try(x, n, f->value.text, in);
	}
	if (there)
		bucket_try(x, &n->present, in);
}

static void side_try(struct filter_index *x, enum filter_scope scope, struct filter_input *in)
{
	const struct side *s = &x->sides[scope];
	const struct filter_fields *fields = s->policies ? filter_fields_of(in, scope) : NULL;

	if (!fields)
		return;
	for (size_t i = 0; s->names.n && i <= fields->mask; i++)
		for (const struct filter_field *f = fields->buckets[i]; f; f = f->next)
			for (const struct indexed_name *n = map64_find(&s->names, f->hash); n; n = n->next)
				name_try(x, n, f, in);
	bucket_try(x, &s->always, in);
}

const uint64_t *filter_index_match(struct filter_index *x, struct filter_input *in, size_t *n)
{
	x->stamp++;
	x->tried = 0;
	x->n_found = 0;
	for (size_t i = 0; i < x->n_all; i++)
		found_add(x, x->all[i]->id);
	side_try(x, FILTER_ATTRIBUTES, in);
	side_try(x, FILTER_BODY, in);
	*n = x->n_found;
	return x->found;
}
