/* SPDX-License-Identifier: Apache-2.0 */
/* An AND/OR tree as read → the policy: branches of leaves, all in one allocation.
 * The same code runs twice, first to count its bytes, then to fill them. */
#include "mapping/filter_priv.h"

#include <stdlib.h>

#include "base/log.h"

struct build {
	struct arena *scratch; /* while counting */
	uint8_t *p;            /* while filling */
	size_t used;
	const struct filter_leaf *leaves[FILTER_LEAVES_MAX]; /* of the branch at hand */
	size_t n;
	struct filter_branch *branches; /* room for all, while filling */
	size_t n_branches;
	bool too_many;
};

/* What is left to expand behind the items at hand. */
struct later {
	const struct filter_read_item *item;
	const struct later *next;
};

static void *take(struct build *b, size_t n)
{
	void *p = b->p ? b->p + b->used : arena_alloc(b->scratch, n);

	b->used += (n + 15) & ~(size_t)15;
	return p;
}

static struct view take_copy(struct build *b, struct view v)
{
	uint8_t *p = take(b, v.n);

	view_put(p, v);
	return view_of(p, v.n);
}

/* ---- leaves ---- */

static struct view name_take(struct build *b, const struct filter_path *path)
{
	size_t n = 0;

	for (const struct filter_path *at = path; at; at = at->outer)
		n += at->key.n + (at->outer != NULL);
	uint8_t *p = take(b, n), *end = p + n;
	for (const struct filter_path *at = path; at; at = at->outer) {
		end -= at->key.n;
		view_put(end, at->key);
		if (at->outer)
			*--end = '.';
	}
	return view_of(p, n);
}

static void condition_take(struct build *b, const struct filter_condition *from, struct filter_condition *to)
{
	*to = *from;
	switch (from->op) {
	case FILTER_EQUAL:
	case FILTER_PREFIX:
	case FILTER_SUFFIX:
	case FILTER_IGNORE_CASE:
	case FILTER_WILDCARD:
		to->value.text = from->value.kind == FILTER_IS_STRING ? take_copy(b, from->value.text) : VIEW_NONE;
		break;
	case FILTER_NOT:
		to->list.v = take(b, from->list.n * sizeof(*to->list.v));
		for (size_t i = 0; i < from->list.n; i++)
			condition_take(b, &from->list.v[i], &to->list.v[i]);
		break;
	case FILTER_RANGE:
	case FILTER_CIDR:
	case FILTER_PRESENT:
	case FILTER_ABSENT:
		break;
	}
}

/* Once, however many branches have it. */
static const struct filter_leaf *leaf_take(struct build *b, struct filter_read_leaf *from)
{
	if (from->built)
		return from->built;
	struct filter_leaf *leaf = take(b, sizeof(*leaf));
	struct filter_condition *v = take(b, from->n * sizeof(*v));

	for (size_t i = 0; i < from->n; i++)
		condition_take(b, &from->v[i], &v[i]);
	leaf->name = name_take(b, &from->path);
	leaf->hash = filter_name_hash(leaf->name);
	leaf->n = from->n;
	leaf->v = v;
	from->built = leaf;
	return leaf;
}

static void leaves_forget(const struct filter_read_group *g)
{
	for (; g; g = g->next)
		for (const struct filter_read_item *item = g->first; item; item = item->next) {
			if (item->leaf)
				item->leaf->built = NULL;
			else
				leaves_forget(item->alternatives);
		}
}

/* ---- branches ---- */

static void branch_take(struct build *b)
{
	const struct filter_leaf **leaves = take(b, b->n * sizeof(*leaves));

	memcpy(leaves, b->leaves, b->n * sizeof(*leaves));
	if (b->branches)
		b->branches[b->n_branches] = (struct filter_branch){leaves, b->n};
	b->n_branches++;
}

static void expand(struct build *b, const struct filter_read_item *item, const struct later *later);

/* The same name again takes the place of the earlier one, as in AWS's own rules. */
static void expand_leaf(struct build *b, const struct filter_read_item *item, const struct later *later)
{
	const struct filter_leaf *leaf = leaf_take(b, item->leaf);
	size_t i = 0, n = b->n;

	while (i < n && !(b->leaves[i]->hash == leaf->hash && view_eq(b->leaves[i]->name, leaf->name)))
		i++;
	if (i == FILTER_LEAVES_MAX) {
		b->too_many = true;
		return;
	}
	const struct filter_leaf *before = b->leaves[i];
	b->leaves[i] = leaf;
	b->n += i == n;
	expand(b, item->next, later);
	b->leaves[i] = before;
	b->n = n;
}

/* Recursion is as deep as a branch has items: leaves are limited, and every OR at
 * least doubles the combinations, or lies in one more level of JSON. */
static void expand(struct build *b, const struct filter_read_item *item, const struct later *later)
{
	if (b->too_many)
		return;
	if (!item && !later) {
		branch_take(b);
	} else if (!item) {
		expand(b, later->item, later->next);
	} else if (item->leaf) {
		expand_leaf(b, item, later);
	} else {
		struct later rest = {item->next, later};

		for (const struct filter_read_group *g = item->alternatives; g; g = g->next)
			expand(b, g->first, &rest);
	}
}

struct filter_policy *filter_policy_build(const struct filter_read_group *g, enum filter_scope scope,
					  struct arena *scratch)
{
	struct build count = {.scratch = scratch}, fill = {.scratch = NULL};

	leaves_forget(g);
	expand(&count, g->first, NULL);
	if (count.too_many)
		return NULL;
	size_t head = (sizeof(struct filter_policy) + 15) & ~(size_t)15;
	size_t branches = (count.n_branches * sizeof(struct filter_branch) + 15) & ~(size_t)15;
	struct filter_policy *p = mem_alloc(head + branches + count.used);

	fill.branches = (struct filter_branch *)(void *)((uint8_t *)p + head);
	fill.p = (uint8_t *)p + head + branches;
	leaves_forget(g);
	expand(&fill, g->first, NULL);
	must(fill.used == count.used && fill.n_branches == count.n_branches);
	*p = (struct filter_policy){scope, fill.n_branches, fill.branches};
	return p;
}
