/* SPDX-License-Identifier: Apache-2.0 */
/* Topic: a trie over the words of the patterns (rabbitmq.md 2.14).
 *
 * A pattern is split at dots; the empty pattern and the empty key have no word
 * at all, which is why "*" does not match the empty key (RabbitMQ 3.10 does the
 * same, measured). Before it enters the trie, each run of `*` and `#` that has a
 * `#` becomes its `*`s and then one `#`, which matches the same keys.
 *
 *        root ── orders ── * ── created        orders.*.created
 *                 └─ # (stays while words come) ── eu    orders.#.eu
 *
 * Matching walks the key once, holding the set of nodes reached so far; a node
 * is in the set at most once a word, so the work is at most words × nodes
 * whatever the number of `#`. A `#` node's own bindings match at once, and only
 * one with something behind it stays in the set. */
#include <stdlib.h>

#include "base/arena.h"
#include "mapping/router_priv.h"

struct node {
	struct node *parent;
	struct mapv words; /* struct node by word */
	struct node *star, *hash;
	struct places places;
	uint64_t step, match; /* stamps of topic_scratch */
	bool is_hash;
	struct view word; /* lies behind the struct */
};

static struct node *node_new(struct node *parent, struct view word)
{
	struct node *n = mem_zalloc(sizeof *n + word.n);
	if (word.n)
		memcpy(n + 1, word.p, word.n);
	n->word = view_of(n + 1, word.n);
	n->parent = parent;
	return n;
}

static bool node_has_children(const struct node *n)
{
	return n->star || n->hash || n->words.n;
}

static void node_free(struct node *n)
{
	mapv_fini(&n->words);
	free(n->places.v);
	free(n);
}

/* Any child of n, taken out of it; NULL: none. */
static struct node *node_take_child(struct node *n)
{
	struct node *child = n->star ? n->star : n->hash;
	size_t at = 0;
	if (!child)
		child = mapv_next(&n->words, &at);
	if (!child)
		return NULL;
	if (child == n->star)
		n->star = NULL;
	else if (child == n->hash)
		n->hash = NULL;
	else
		mapv_remove(&n->words, child->word);
	return child;
}

/* Frees up to and including the root, deepest first; no recursion, a pattern
 * has as many words as its sender liked. */
void topic_fini(struct router *r)
{
	struct node *n = r->root;
	while (n) {
		struct node *child = node_take_child(n);
		if (child) {
			n = child;
			continue;
		}
		struct node *parent = n->parent;
		node_free(n);
		n = parent;
	}
	free(r->scratch.now);
	free(r->scratch.next);
}

void topic_init(struct router *r)
{
	r->root = node_new(NULL, VIEW_NONE);
}

/* The next word of *rest; false: none. `*more` says that a dot followed. */
static bool word_next(struct view *rest, bool *more, struct view *word)
{
	if (!*more)
		return false;
	const uint8_t *dot = rest->n ? memchr(rest->p, '.', rest->n) : NULL;
	size_t n = dot ? (size_t)(dot - rest->p) : rest->n;
	*word = view_head(*rest, n);
	*more = dot != NULL;
	*rest = view_skip(*rest, dot ? n + 1 : n);
	return true;
}

static struct node *node_child(struct node *n, struct view word)
{
	struct node *child = mapv_find(&n->words, word);
	if (!child) {
		child = node_new(n, word);
		mapv_put(&n->words, child->word, child);
	}
	return child;
}

static struct node *node_star(struct node *n)
{
	if (!n->star)
		n->star = node_new(n, VIEW("*"));
	return n->star;
}

static struct node *node_hash(struct node *n)
{
	if (!n->hash) {
		n->hash = node_new(n, VIEW("#"));
		n->hash->is_hash = true;
	}
	return n->hash;
}

void topic_add(struct router *r, struct binding *b)
{
	struct node *n = r->root;
	struct view rest = b->key, word;
	bool more = rest.n > 0, hash = false;
	while (word_next(&rest, &more, &word)) {
		if (view_is(word, "#")) {
			hash = true;
		} else if (view_is(word, "*")) {
			n = node_star(n); /* before a pending `#`, see above */
		} else {
			n = node_child(hash ? node_hash(n) : n, word);
			hash = false;
		}
	}
	if (hash)
		n = node_hash(n);
	b->where = n;
	places_add(&n->places, b);
}

void topic_remove(struct router *r, struct binding *b)
{
	struct node *n = b->where;
	places_remove(&n->places, b);
	while (n != r->root && n->places.n == 0 && !node_has_children(n)) {
		struct node *parent = n->parent;
		if (parent->star == n)
			parent->star = NULL;
		else if (parent->hash == n)
			parent->hash = NULL;
		else
			mapv_remove(&parent->words, n->word);
		node_free(n);
		n = parent;
	}
}

/* ---- matching ------------------------------------------------------------ */

struct active {
	struct topic_scratch *s;
	struct router_cursor *c;
	size_t n; /* in s->next */
};

static void active_push(struct active *a, struct node *n)
{
	struct topic_scratch *s = a->s;
	if (a->n == s->next_cap)
		s->next = mem_grow(s->next, &s->next_cap, a->n + 1, sizeof(struct node *));
	s->next[a->n++] = n;
}

/* n is reached after the words so far; so is its `#`, which may match none. */
static void active_add(struct active *a, struct node *n)
{
	if (n->step == a->s->step)
		return;
	n->step = a->s->step;
	if (n->is_hash && n->match != a->s->match) {
		n->match = a->s->match;
		places_found(&n->places, a->c);
	}
	if (!n->is_hash || node_has_children(n))
		active_push(a, n);
	if (n->hash)
		active_add(a, n->hash); /* one deep: a `#` has no `#` below it */
}

static void active_step(struct active *a, struct node *n, struct view word)
{
	struct node *child = n->words.n ? mapv_find(&n->words, word) : NULL;
	if (child)
		active_add(a, child);
	if (n->star)
		active_add(a, n->star);
	if (n->is_hash)
		active_add(a, n);
}

static void scratch_swap(struct topic_scratch *s)
{
	struct node **v = s->now;
	size_t cap = s->now_cap;
	s->now = s->next;
	s->now_cap = s->next_cap;
	s->next = v;
	s->next_cap = cap;
}

void topic_match(struct router *r, struct router_cursor *c)
{
	struct topic_scratch *s = &r->scratch;
	struct active a = {s, c, 0};
	struct view rest = c->key, word;
	bool more = rest.n > 0;
	s->match++;
	s->step++;
	active_add(&a, r->root);
	while (a.n && word_next(&rest, &more, &word)) {
		size_t n = a.n;
		scratch_swap(s);
		s->step++;
		a.n = 0;
		for (size_t i = 0; i < n; i++)
			active_step(&a, s->now[i], word);
	}
	for (size_t i = 0; i < a.n; i++) {
		if (!s->next[i]->is_hash)
			places_found(&s->next[i]->places, c);
	}
}
