/* SPDX-License-Identifier: Apache-2.0 */
/* Where a message goes: a walk over the graph of topics, each once, to queues,
 * each once (rabbitmq.md 2.10, 4.1). What bindings say comes first; then the
 * subscriptions of every topic that was visited add the queues that are not in it
 * yet, so that a bound queue gets the message as it is (DESIGN §6). A topic
 * without subscriptions costs one look at a pointer. One that leads nowhere itself,
 * by its bindings or subscriptions, leads to its alternate, if there is one
 * (rabbitmq.md 2.16). */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/filter_attributes.h"

void route_fini(struct route *r)
{
	free(r->queues);
	free(r->wrapped);
	free(r->walk);
	free(r->subscribed);
	*r = (struct route){.n = 0};
}

/* false: it has been here. */
static bool queue_visit(struct engine *e, struct queue *q)
{
	if (q->visited == e->stamp)
		return false;
	q->visited = e->stamp;
	return true;
}

static void route_add(struct route *r, struct queue *q)
{
	if (r->n == r->cap)
		r->queues = mem_grow(r->queues, &r->cap, r->n + 1, sizeof(*r->queues));
	r->queues[r->n++] = q;
}

void route_none(struct route *r)
{
	r->n = r->n_wrapped = r->n_walk = r->n_subscribed = 0;
}

void route_named(struct engine *e, struct vhost *v)
{
	e->stamp++;
	route_none(&e->route);
	for (size_t i = 0; i < e->keys.n; i++) {
		struct queue *q = queue_find(v, e->keys.v[i]);
		if (q && queue_visit(e, q))
			route_add(&e->route, q);
	}
}

static void topic_visit(struct engine *e, struct route *r, struct topic *t)
{
	if (!t || t->visited == e->stamp)
		return;
	t->visited = e->stamp;
	r->walk = mem_grow(r->walk, &r->cap_walk, r->n_walk + 1, sizeof(*r->walk));
	r->walk[r->n_walk++] = t;
	if (!t->subscribers)
		return;
	r->subscribed = mem_grow(r->subscribed, &r->cap_subscribed, r->n_subscribed + 1, sizeof(*r->subscribed));
	r->subscribed[r->n_subscribed++] = t;
}

static void route_visit(struct engine *e, struct route *r, uint64_t destination)
{
	if (destination_is_topic(destination)) {
		topic_visit(e, r, map64_find(&e->topics, destination & UINT32_MAX));
		return;
	}
	struct queue *q = map64_find(&e->queues, destination);
	if (q && queue_visit(e, q))
		route_add(r, q);
}

/* What headers and some hashing exchanges look at; decoded at the first of them. */
struct route_headers {
	bool decoded;
	struct bag bag;
};

static const struct bag *message_bag(struct engine *e, const struct message *m, struct route_headers *h)
{
	const struct codecs *c = e->options.codecs;
	const struct header_codec *codec = c ? c->of[m->raw_kind] : NULL;
	if (!h->decoded) {
		memset(&h->bag, 0, sizeof(h->bag));
		if (codec && !codec->decode(m->raw, &e->scratch, &h->bag))
			memset(&h->bag, 0, sizeof(h->bag));
		h->decoded = true;
	}
	return &h->bag;
}

/* To one of its destinations by what its rule names; CC and BCC count for nothing. */
static void hash_match(struct engine *e, const struct topic *t, const struct message *m, struct route_headers *h)
{
	struct view key = e->keys.v[0];
	if (t->hash.by != HASH_KEY) {
		buf_clear(&e->hashed);
		hash_rule_apply(&t->hash, message_bag(e, m, h), &e->hashed);
		key = buf_view(&e->hashed);
	}
	router_match(t->router, key, NULL, &e->cursor);
}

static void subscription_visit(struct engine *e, struct route *r, struct subscription *s)
{
	struct queue *q = subscription_target(s);
	if (!q) {
		s->topic->dropped++;
		return;
	}
	if (!queue_visit(e, q))
		return;
	if (s->rules.raw || !e->options.envelopes) {
		route_add(r, q);
		return;
	}
	r->wrapped = mem_grow(r->wrapped, &r->cap_wrapped, r->n_wrapped + 1, sizeof(*r->wrapped));
	r->wrapped[r->n_wrapped++] = (struct wrapped){.queue = q, .subscription = s};
}

/* What filter policies look at, filled in at the first that asks. */
struct route_facts {
	struct filter_input input;
	bool filled;
};

static void facts_fill(struct engine *e, const struct filter_index *x, const struct message *m, struct route_facts *f)
{
	static const struct codecs none;
	f->input.arena = &e->scratch;
	if (f->filled || !(filter_index_needs(x, FILTER_ATTRIBUTES) || filter_index_needs(x, FILTER_BODY)))
		return;
	filter_attributes_of(e->options.codecs ? e->options.codecs : &none, m, &e->scratch, &f->input);
	f->filled = true;
}

/* Who of them gets the message: uids, valid until the next match. */
static const uint64_t *subscribers_match(struct engine *e, const struct topic *t, const struct message *m,
					 struct route_facts *f, size_t *n)
{
	struct filter_index *x = t->subscribers->filters;
	facts_fill(e, x, m, f);
	return filter_index_match(x, &f->input, n);
}

static void subscribers_visit(struct engine *e, struct route *r, struct topic *t, const struct message *m,
			      struct route_facts *f)
{
	size_t n;
	const uint64_t *uids = subscribers_match(e, t, m, f, &n);
	t->filtered += filter_index_count(t->subscribers->filters) - n;
	for (size_t i = 0; i < n; i++)
		subscription_visit(e, r, map64_find(&e->subscriptions, uids[i]));
}

/* No binding of this topic matched. What else it leads to counts, even when nothing
 * lies behind that. */
static void alternate_visit(struct engine *e, struct route *r, struct topic *t, const struct message *m,
			    struct route_facts *f)
{
	size_t n = 0;
	if (t->subscribers)
		subscribers_match(e, t, m, f, &n);
	if (!n)
		topic_visit(e, r, topic_find(t->vhost, t->alternate));
}

/* What has matched; false: nothing. */
static bool cursor_visit(struct engine *e, struct route *r)
{
	uint64_t found[64];
	size_t n;
	bool matched = false;
	while ((n = router_next(&e->cursor, found, 64))) {
		matched = true;
		for (size_t i = 0; i < n; i++)
			route_visit(e, r, found[i]);
	}
	return matched;
}

/* To what its bindings name; false: none of them matched. */
static bool bindings_visit(struct engine *e, struct route *r, struct topic *t, const struct message *m,
			   struct route_headers *h)
{
	bool matched = false;
	size_t n;
	switch (t->type) {
	case TOPIC_RANDOM:
		n = router_bindings(t->router);
		if (n)
			route_visit(e, r, router_pick(t->router, (size_t)rng_below(&e->rng, n)));
		return n > 0;
	case TOPIC_CONSISTENT_HASH:
		hash_match(e, t, m, h);
		return cursor_visit(e, r);
	case TOPIC_HEADERS:
		router_match(t->router, e->keys.v[0], &message_bag(e, m, h)->headers, &e->cursor);
		return cursor_visit(e, r);
	default:
		for (size_t k = 0; k < (t->type == TOPIC_FANOUT ? 1 : e->keys.n); k++) {
			router_match(t->router, e->keys.v[k], NULL, &e->cursor);
			matched |= cursor_visit(e, r);
		}
		return matched;
	}
}

void route_walk(struct engine *e, struct topic *first, const struct message *m)
{
	struct route *r = &e->route;
	struct route_headers headers = {.decoded = false};
	struct route_facts facts = {.filled = false};
	e->stamp++;
	route_none(r);
	topic_visit(e, r, first);
	while (r->n_walk) {
		struct topic *t = r->walk[--r->n_walk];
		if (!bindings_visit(e, r, t, m, &headers) && t->alternate.n)
			alternate_visit(e, r, t, m, &facts);
	}
	for (size_t i = 0; i < r->n_subscribed; i++)
		subscribers_visit(e, r, r->subscribed[i], m, &facts);
	first->published++;
	first->unroutable += !r->n && !r->n_wrapped;
	arena_reset(&e->scratch);
}
