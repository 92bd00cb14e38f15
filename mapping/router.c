/* SPDX-License-Identifier: Apache-2.0 */
/* The router's door: identity of bindings, index by destination, dispatch to
 * the kind. See router_priv.h for the invariants. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "mapping/router_priv.h"

struct router *router_new(enum router_kind kind)
{
	struct router *r = mem_zalloc(sizeof *r);
	r->kind = kind;
	if (kind == ROUTER_TOPIC)
		topic_init(r);
	else if (kind == ROUTER_HEADERS)
		headers_init(r);
	return r;
}

enum router_kind router_kind(const struct router *r)
{
	return r->kind;
}

/* ---- places -------------------------------------------------------------- */

void places_add(struct places *p, struct binding *b)
{
	if (p->n == p->cap)
		p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof *p->v);
	b->at = p->n;
	p->v[p->n++] = (struct place){b->target->id, b};
}

void places_remove(struct places *p, struct binding *b)
{
	must(b->at < p->n && p->v[b->at].binding == b);
	p->v[b->at] = p->v[--p->n];
	p->v[b->at].binding->at = b->at;
}

void places_found(const struct places *p, struct router_cursor *c)
{
	if (p->n == 0)
		return;
	uint64_t *to = cursor_room(c, p->n);
	for (size_t i = 0; i < p->n; i++)
		to[i] = p->v[i].destination;
	c->n += p->n;
}

uint64_t *cursor_room(struct router_cursor *c, size_t n)
{
	if (c->cap - c->n < n)
		c->found = mem_grow(c->found, &c->cap, c->n + n, sizeof *c->found);
	return c->found + c->n;
}

/* ---- targets ------------------------------------------------------------- */

static struct target *target_get(struct router *r, uint64_t id)
{
	struct target *t = map64_find(&r->by_id, id);
	if (t)
		return t;
	t = mem_zalloc(sizeof *t);
	t->id = id;
	list_init(&t->bindings);
	if (r->n_targets == r->cap_targets)
		r->targets = mem_grow(r->targets, &r->cap_targets, r->n_targets + 1, sizeof *r->targets);
	t->at = r->n_targets;
	r->targets[r->n_targets++] = t;
	map64_put(&r->by_id, id, t);
	return t;
}

static void target_free_if_empty(struct router *r, struct target *t)
{
	if (!list_empty(&t->bindings))
		return;
	map64_remove(&r->by_id, t->id);
	r->targets[t->at] = r->targets[--r->n_targets];
	r->targets[t->at]->at = t->at;
	free(t);
}

/* ---- bindings ------------------------------------------------------------ */

/* destination (8), length of the key (8), key, arguments */
enum { IDENTITY_KEY = 16 };

static void identity_init(struct buf *out, struct view key, const struct table *sorted, uint64_t destination)
{
	buf_init(out, SIZE_MAX);
	buf_add_u64(out, destination);
	buf_add_u64(out, key.n);
	buf_add(out, key);
	if (sorted->n)
		arguments_identity(out, sorted);
	must(!out->overflow);
}

/* Takes `sorted`. */
static struct binding *binding_new(struct view identity, size_t key_n, struct table sorted, struct target *t)
{
	struct binding *b = mem_zalloc(sizeof *b + identity.n);
	memcpy(b + 1, identity.p, identity.n);
	b->identity = view_of(b + 1, identity.n);
	b->key = view_head(view_skip(b->identity, IDENTITY_KEY), key_n);
	b->arguments = sorted;
	b->target = t;
	list_push_back(&t->bindings, &b->of_target);
	return b;
}

static void binding_free(struct binding *b)
{
	arguments_free(&b->arguments);
	free(b);
}

static void binding_drop(struct router *r, struct binding *b)
{
	if (r->kind == ROUTER_DIRECT)
		direct_remove(r, b);
	else if (r->kind == ROUTER_TOPIC)
		topic_remove(r, b);
	else if (r->kind == ROUTER_HEADERS)
		headers_remove(r, b);
	else if (r->kind == ROUTER_RANDOM)
		places_remove(&r->all, b);
	mapv_remove(&r->identity, b->identity);
	list_remove(&b->of_target);
	r->n--;
	binding_free(b);
}

bool router_add(struct router *r, struct view key, const struct table *arguments, uint64_t destination)
{
	struct table sorted = arguments_copy(arguments);
	struct buf identity;
	identity_init(&identity, key, &sorted, destination);
	bool new = !mapv_find(&r->identity, buf_view(&identity));
	if (new) {
		struct target *t = target_get(r, destination);
		struct binding *b = binding_new(buf_view(&identity), key.n, sorted, t);
		mapv_put(&r->identity, b->identity, b);
		if (r->kind == ROUTER_DIRECT)
			direct_add(r, b);
		else if (r->kind == ROUTER_TOPIC)
			topic_add(r, b);
		else if (r->kind == ROUTER_HEADERS)
			headers_add(r, b);
		else if (r->kind == ROUTER_RANDOM)
			places_add(&r->all, b);
		r->n++;
	} else {
		arguments_free(&sorted);
	}
	buf_fini(&identity);
	return new;
}

bool router_remove(struct router *r, struct view key, const struct table *arguments, uint64_t destination)
{
	struct table sorted = arguments_copy(arguments);
	struct buf identity;
	identity_init(&identity, key, &sorted, destination);
	struct binding *b = mapv_find(&r->identity, buf_view(&identity));
	buf_fini(&identity);
	arguments_free(&sorted);
	if (!b)
		return false;
	struct target *t = b->target;
	binding_drop(r, b);
	target_free_if_empty(r, t);
	return true;
}

size_t router_remove_destination(struct router *r, uint64_t destination)
{
	struct target *t = map64_find(&r->by_id, destination);
	size_t n = 0;
	if (!t)
		return 0;
	LIST_EACH(&t->bindings, l) {
		binding_drop(r, LIST_ENTRY(l, struct binding, of_target));
		n++;
	}
	target_free_if_empty(r, t);
	return n;
}

void router_free(struct router *r)
{
	if (!r)
		return;
	if (r->kind == ROUTER_DIRECT)
		direct_fini(r);
	else if (r->kind == ROUTER_TOPIC)
		topic_fini(r);
	else if (r->kind == ROUTER_HEADERS)
		headers_fini(r);
	for (size_t i = 0; i < r->n_targets; i++) {
		LIST_EACH(&r->targets[i]->bindings, l)
			binding_free(LIST_ENTRY(l, struct binding, of_target));
		free(r->targets[i]);
	}
	free(r->targets);
	free(r->all.v);
	mapv_fini(&r->identity);
	map64_fini(&r->by_id);
	free(r);
}

size_t router_bindings(const struct router *r)
{
	return r->n;
}

bool router_reaches(const struct router *r, uint64_t destination)
{
	return map64_find(&r->by_id, destination) != NULL;
}

void router_each(const struct router *r,
		 void (*each)(void *ctx, struct view key, const struct table *arguments, uint64_t destination),
		 void *ctx)
{
	for (size_t i = 0; i < r->n_targets; i++) {
		LIST_EACH(&r->targets[i]->bindings, l) {
			struct binding *b = LIST_ENTRY(l, struct binding, of_target);
			each(ctx, b->key, &b->arguments, r->targets[i]->id);
		}
	}
}

void router_each_to(const struct router *r, uint64_t destination,
		    void (*each)(void *ctx, struct view key, const struct table *arguments), void *ctx)
{
	struct target *t = map64_find(&r->by_id, destination);
	if (!t)
		return;
	LIST_EACH(&t->bindings, l) {
		struct binding *b = LIST_ENTRY(l, struct binding, of_target);
		each(ctx, b->key, &b->arguments);
	}
}

/* ---- matching ------------------------------------------------------------ */

/* rabbitmq.md 2.13: the key is ignored; each destination once. */
static void fanout_match(const struct router *r, struct router_cursor *c)
{
	uint64_t *to = cursor_room(c, r->n_targets);
	for (size_t i = 0; i < r->n_targets; i++)
		to[i] = r->targets[i]->id;
	c->n += r->n_targets;
}

void router_match(const struct router *r, struct view key, const struct table *headers,
		  struct router_cursor *c)
{
	c->router = r;
	c->key = key;
	c->headers = headers;
	c->n = c->at = 0;
	if (r->n == 0)
		return;
	switch (r->kind) {
	case ROUTER_DIRECT:
		direct_match(r, c);
		break;
	case ROUTER_FANOUT:
		fanout_match(r, c);
		break;
	case ROUTER_TOPIC:
		/* Stamps and scratch change; what the router says does not. */
		topic_match((struct router *)(uintptr_t)r, c);
		break;
	case ROUTER_HEADERS:
		headers_match((struct router *)(uintptr_t)r, c);
		break;
	case ROUTER_HASH:
		hash_match(r, c);
		break;
	case ROUTER_RANDOM:
		break;
	}
}

uint64_t router_pick(const struct router *r, size_t n)
{
	must(n < r->all.n);
	return r->all.v[n].destination;
}

size_t router_next(struct router_cursor *c, uint64_t *out, size_t max)
{
	size_t n = c->n - c->at < max ? c->n - c->at : max;
	if (n)
		memcpy(out, c->found + c->at, n * sizeof *out);
	c->at += n;
	return n;
}

void router_cursor_fini(struct router_cursor *c)
{
	free(c->found);
	*c = (struct router_cursor){0};
}
