/* SPDX-License-Identifier: Apache-2.0 */
/* Does a branch of a policy match a message (sqs-sns.md §15)?
 *
 * A leaf matches where one field of its name does. Leaves whose fields lie in arrays
 * must agree: in an array that two of them share, both fields lie in the same
 * element. That is decided over the elements that hold matching fields only:
 *
 *     sets(element) = what matches directly in it, joined with one set of each
 *                     array in it
 *     sets(array)   = the sets of all its elements (one is chosen)
 *
 * where a set is the leaves that can match together, as bits, and only sets that
 * no other contains are kept. The branch matches when the outermost scope has the
 * set of all. SETS_MAX is what eight leaves can need at most; past it sets are let go,
 * which can only make a message not match. */
#include "mapping/filter_priv.h"

enum { SETS_MAX = 70 };

/* ---- conditions ---- */

/* `*` stands for any run of characters, `\*` for itself. */
static bool wildcard_matches(struct view pattern, struct view text)
{
	struct view retry_pattern = VIEW_NONE, retry_text = VIEW_NONE;
	bool retry = false;

	while (text.n || pattern.n) {
		bool literal = pattern.n > 1 && pattern.p[0] == '\\' && (pattern.p[1] == '*' || pattern.p[1] == '\\');

		if (!literal && pattern.n && pattern.p[0] == '*') {
			pattern = view_skip(pattern, 1);
			retry = true;
			retry_pattern = pattern;
			retry_text = text;
		} else if (text.n && pattern.n && pattern.p[literal] == text.p[0]) {
			pattern = view_skip(pattern, 1 + (size_t)literal);
			text = view_skip(text, 1);
		} else if (retry && retry_text.n) {
			text = retry_text = view_skip(retry_text, 1);
			pattern = retry_pattern;
		} else {
			return false;
		}
	}
	return true;
}

static bool text_matches(const struct filter_condition *c, struct view text)
{
	switch (c->op) {
	case FILTER_PREFIX:
		return view_starts(text, c->value.text);
	case FILTER_SUFFIX:
		return view_ends(text, c->value.text);
	case FILTER_IGNORE_CASE:
		return filter_equal_ignoring_case(text, c->value.text);
	case FILTER_WILDCARD:
		return wildcard_matches(c->value.text, text);
	case FILTER_CIDR:
		return filter_cidr_holds(&c->cidr, text);
	default:
		return false;
	}
}

/* One that looks at a single value; NOT looks at a group of them. */
static bool condition_matches(const struct filter_condition *c, const struct filter_value *v)
{
	switch (c->op) {
	case FILTER_EQUAL:
		return filter_value_equal(&c->value, v);
	case FILTER_RANGE:
		return v->kind == FILTER_IS_NUMBER && v->number >= c->range.low && v->number <= c->range.high;
	case FILTER_PRESENT:
		return true;
	case FILTER_ABSENT:
	case FILTER_NOT:
		return false;
	default:
		return v->kind == FILTER_IS_STRING && text_matches(c, v->text);
	}
}

static bool is_listed(const struct filter_condition *not, const struct filter_value *v)
{
	for (size_t i = 0; i < not->list.n; i++)
		if (condition_matches(&not->list.v[i], v))
			return true;
	return false;
}

/* ---- leaves ---- */

/* Walks the fields of a leaf's name. */
struct walk {
	const struct filter_leaf *leaf;
	const struct filter_field *next;
	const void *group;
	bool not_ok; /* an anything-but holds for all of `group` */
};

/* anything-but on an array: none of its elements is listed. */
static bool group_passes(const struct filter_leaf *l, const struct filter_field *first)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct filter_field *f = first;
		bool listed = false;

		if (l->v[i].op != FILTER_NOT)
			continue;
		for (; f && !listed && (f == first || (f->group && f->group == first->group)); f = f->same)
			listed = f->none || (filter_field_is(f, l->name) && is_listed(&l->v[i], &f->value));
		if (!listed)
			return true;
	}
	return false;
}

static bool field_matches(struct walk *w, const struct filter_field *f)
{
	if (!f->group || f->group != w->group)
		w->not_ok = group_passes(w->leaf, f);
	w->group = f->group;
	if (w->not_ok)
		return true;
	for (size_t i = 0; i < w->leaf->n; i++)
		if (condition_matches(&w->leaf->v[i], &f->value))
			return true;
	return false;
}

/* The next field that satisfies the leaf, or NULL. */
static const struct filter_field *walk_next(struct walk *w)
{
	while (w->next) {
		const struct filter_field *f = w->next;

		w->next = f->same;
		if (filter_field_is(f, w->leaf->name) && field_matches(w, f))
			return f;
	}
	return NULL;
}

static struct walk walk_of(const struct filter_leaf *l, const struct filter_fields *x)
{
	return (struct walk){.leaf = l, .next = filter_fields_find(x, l->hash)};
}

/* No field has the name: is the leaf about that? */
static bool absent_matches(const struct filter_leaf *l, const struct filter_fields *x, enum filter_scope scope)
{
	bool asks = false;

	for (size_t i = 0; i < l->n; i++) {
		asks |= l->v[i].op == FILTER_ABSENT && x->absent;
		/* An attribute has no other way of being null. */
		asks |= scope == FILTER_ATTRIBUTES && l->v[i].op == FILTER_EQUAL &&
			l->v[i].value.kind == FILTER_IS_NULL;
	}
	if (!asks)
		return false;
	for (const struct filter_field *f = filter_fields_find(x, l->hash); f; f = f->same)
		if (filter_field_is(f, l->name))
			return false;
	return true;
}

/* ---- arrays ---- */

struct sets {
	uint64_t v[SETS_MAX];
	size_t n;
};

struct agree {
	uint64_t stamp;
	struct filter_element top; /* stands for what lies in no array */
};

/* Keeps *s without sets that another contains. */
static void sets_add(struct sets *s, uint64_t set)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if ((s->v[i] & set) == set)
			return;
	for (size_t i = 0; i < s->n; i++)
		if ((s->v[i] & set) != s->v[i])
			s->v[n++] = s->v[i];
	if (n < SETS_MAX)
		s->v[n++] = set;
	s->n = n;
}

static void touch(struct agree *g, struct filter_element *e, uint64_t bits);

static void array_touch(struct agree *g, struct filter_array *array)
{
	struct filter_element *outer = array->outer ? array->outer : &g->top;

	if (array->stamp == g->stamp)
		return;
	array->stamp = g->stamp;
	array->touched = NULL;
	touch(g, outer, 0);
	array->next_touched = outer->touched;
	outer->touched = array;
}

/* Marks the element and all that it lies in. */
static void touch(struct agree *g, struct filter_element *e, uint64_t bits)
{
	if (e->stamp != g->stamp) {
		e->stamp = g->stamp;
		e->direct = 0;
		e->touched = NULL;
		if (e->array) {
			array_touch(g, e->array);
			e->next_touched = e->array->touched;
			e->array->touched = e;
		}
	}
	e->direct |= bits;
}

static void element_sets(const struct filter_element *e, struct sets *out);

static void array_sets(const struct filter_array *array, struct sets *out)
{
	out->n = 0;
	for (const struct filter_element *e = array->touched; e; e = e->next_touched) {
		struct sets s;

		element_sets(e, &s);
		for (size_t i = 0; i < s.n; i++)
			sets_add(out, s.v[i]);
	}
}

static void element_sets(const struct filter_element *e, struct sets *out)
{
	out->v[0] = e->direct;
	out->n = 1;
	for (const struct filter_array *array = e->touched; array; array = array->next_touched) {
		struct sets before = *out, s;

		array_sets(array, &s);
		out->n = 0;
		for (size_t i = 0; i < before.n; i++)
			for (size_t j = 0; j < s.n; j++)
				sets_add(out, before.v[i] | s.v[j]);
	}
}

/* Leaves of `bits`, each of which matches somewhere in an array: do they together? */
static bool leaves_agree(const struct filter_branch *b, struct filter_fields *x, uint64_t bits)
{
	struct agree g = {.stamp = ++x->stamp};
	struct sets s;

	for (size_t i = 0; i < b->n; i++) {
		struct walk w = walk_of(b->leaves[i], x);
		const struct filter_field *f;

		while (bits >> i & 1 && (f = walk_next(&w)))
			touch(&g, f->element, (uint64_t)1 << i);
	}
	element_sets(&g.top, &s);
	for (size_t i = 0; i < s.n; i++)
		if (s.v[i] == bits)
			return true;
	return false;
}

bool filter_branch_matches(const struct filter_policy *p, const struct filter_branch *b, struct filter_input *in)
{
	struct filter_fields *x = filter_fields_of(in, p->scope);
	uint64_t in_arrays = 0;

	if (!x)
		return false;
	for (size_t i = 0; i < b->n; i++) {
		struct walk w = walk_of(b->leaves[i], x);
		const struct filter_field *f = walk_next(&w);

		if (!f && !absent_matches(b->leaves[i], x, p->scope))
			return false;
		bool inside = f && f->element;
		while (f && f->element)
			f = walk_next(&w);
		if (inside && !f)
			in_arrays |= (uint64_t)1 << i;
	}
	return (in_arrays & (in_arrays - 1)) == 0 || leaves_agree(b, x, in_arrays);
}
