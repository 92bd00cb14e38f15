/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of subscriptions: SNS's own and, one for each topic and queue, bindings,
 * in the order of their ids. A sorted list of each vhost, and of the topic that
 * was listed last, is kept until something changes, so a page costs what it shows. */
#include <stdlib.h>

#include "base/crypto.h"
#include "engine/engine_priv.h"
#include "mapping/router.h"

struct listed {
	char id[SUBSCRIPTION_ID_BYTES];
	struct subscription *own; /* NULL: bindings of: */
	uint32_t topic, queue;
};

void listing_fini(struct listing *l)
{
	free(l->v);
	*l = (struct listing){.n = 0};
}

static void digest_part(struct digest *d, struct view v)
{
	uint8_t n[4];
	be32_put(n, (uint32_t)v.n);
	digest_add(d, view_of(n, sizeof(n)));
	digest_add(d, v);
}

/* A UUID of version 8, which a random one (version 4) never equals. */
static void bound_id(const struct topic *t, const struct queue *q, char out[SUBSCRIPTION_ID_BYTES])
{
	uint8_t sha[32];
	struct digest *d = digest_sha256();
	digest_part(d, VIEW("bindings"));
	digest_part(d, t->vhost->name);
	digest_part(d, t->name);
	digest_part(d, q->name);
	digest_end(d, sha);
	sha[6] = (uint8_t)((sha[6] & 0x0f) | 0x80);
	sha[8] = (uint8_t)((sha[8] & 0x3f) | 0x80);
	uuid_format(sha, out);
}

/* Exclusive and unlisted queues are nobody else's business (DESIGN §5). */
static bool queue_shown(const struct queue *q)
{
	return !q->exclusive && !q->server_named;
}

static struct listed *listing_add(struct listing *l)
{
	l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	memset(&l->v[l->n], 0, sizeof(*l->v));
	return &l->v[l->n++];
}

static void add_bound(struct listing *l, uint32_t topic, const struct queue *q)
{
	struct listed *x = listing_add(l);
	x->topic = topic;
	x->queue = q->uid;
}

static void add_own(struct listing *l, struct subscription *s)
{
	struct listed *x = listing_add(l);
	memcpy(x->id, s->id, sizeof(x->id));
	x->own = s;
}

static int by_ends(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int c = (x->topic > y->topic) - (x->topic < y->topic);
	return c ? c : (x->queue > y->queue) - (x->queue < y->queue);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->id, ((const struct listed *)b)->id);
}

/* Several bindings between two ends are one; they get their id here. */
static void listing_close(struct engine *e, struct listing *l)
{
	size_t n = 0;
	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), by_ends);
	for (size_t i = 0; i < l->n; i++) {
		struct listed *x = &l->v[i];
		if (!x->own && n && by_ends(x, &l->v[n - 1]) == 0)
			continue;
		if (!x->own)
			bound_id(map64_find(&e->topics, x->topic), map64_find(&e->queues, x->queue), x->id);
		l->v[n++] = *x;
	}
	l->n = n;
	qsort(l->v, l->n, sizeof(*l->v), by_id);
}

/* false: it has to be filled again. */
static bool listing_fresh(struct listing *l, const struct vhost *v, uint32_t topic)
{
	if (l->changes == v->changes && l->topic == topic)
		return true;
	l->n = 0;
	l->topic = topic;
	l->changes = v->changes;
	return false;
}

static const struct listing *listing_of_vhost(struct engine *e, struct vhost *v)
{
	struct listing *l = &v->all;
	struct subscription *s;
	struct queue *q;
	size_t at = 0, i;
	if (listing_fresh(l, v, 0))
		return l;
	while ((s = mapv_next(&v->subscriptions, &at)))
		add_own(l, s);
	at = 0;
	while ((q = mapv_next(&v->queues, &at))) {
		struct bound *b;
		i = 0;
		while (queue_shown(q) && (b = mapv_next(&q->bindings, &i)))
			add_bound(l, b->topic, q);
	}
	listing_close(e, l);
	return l;
}

struct bound_walk {
	struct listing *listing;
	struct topic *topic;
};

static void bound_each(void *ctx, struct view key, const struct table *arguments, uint64_t destination)
{
	struct bound_walk *w = ctx;
	struct engine *e = w->topic->engine;
	(void)key;
	(void)arguments;
	const struct queue *q = destination_is_topic(destination) ? NULL : map64_find(&e->queues, destination);
	if (q && queue_shown(q))
		add_bound(w->listing, w->topic->uid, q);
}

static const struct listing *listing_of_topic(struct vhost *v, struct topic *t)
{
	struct listing *l = &v->of_topic;
	struct bound_walk w = {l, t};
	struct subscription *s;
	size_t at = 0;
	if (listing_fresh(l, v, t->uid))
		return l;
	while (t->subscribers && (s = mapv_next(&t->subscribers->by_queue, &at)))
		add_own(l, s);
	router_each(t->router, bound_each, &w);
	listing_close(t->engine, l);
	return l;
}

/* The first one behind `after`. */
static size_t listing_seek(const struct listing *l, struct view after)
{
	size_t low = 0, high = l->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (view_cmp(view_str(l->v[middle].id), after) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static const struct listed *listing_find(const struct listing *l, struct view id)
{
	size_t at = listing_seek(l, id);
	return at && view_is(id, l->v[at - 1].id) ? &l->v[at - 1] : NULL;
}

static void listed_stat(struct engine *e, const struct vhost *v, const struct listed *x, struct subscription_stat *out)
{
	if (x->own) {
		subscription_stat_fill(x->own, out);
		return;
	}
	const struct topic *t = map64_find(&e->topics, x->topic);
	const struct queue *q = map64_find(&e->queues, x->queue);
	must(t && q);
	*out = (struct subscription_stat){
		.id = view_str(x->id), .bound = true, .vhost = v->name, .topic = t->name, .queue = q->name};
}

void engine_subscriptions_each(struct engine *e, struct view vhost, struct view topic, struct view after,
			       bool (*each)(void *ctx, const struct subscription_stat *s), void *ctx)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	struct topic *t = v && topic.n ? topic_find(v, topic) : NULL;
	struct subscription_stat stat;
	if (!v || (topic.n && !t))
		return;
	const struct listing *l = t ? listing_of_topic(v, t) : listing_of_vhost(e, v);
	for (size_t i = listing_seek(l, after); i < l->n; i++) {
		listed_stat(e, v, &l->v[i], &stat);
		if (!each(ctx, &stat))
			return;
	}
}

bool engine_subscription_find(struct engine *e, struct view vhost, struct view id,
			      void (*found)(void *ctx, const struct subscription_stat *s), void *ctx)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	struct subscription *own = v ? mapv_find(&v->subscriptions, id) : NULL;
	struct subscription_stat stat;
	if (!v)
		return false;
	if (own) {
		subscription_stat_fill(own, &stat);
	} else {
		const struct listed *x = listing_find(listing_of_vhost(e, v), id);
		if (!x)
			return false;
		listed_stat(e, v, x, &stat);
	}
	found(ctx, &stat);
	return true;
}

bool subscription_is_bound(struct engine *e, struct vhost *v, struct view id)
{
	return listing_find(listing_of_vhost(e, v), id) != NULL;
}

void engine_bindings_each(const struct engine *e, struct view vhost, struct view topic, struct view queue,
			  void (*each)(void *ctx, struct view key, const struct table *arguments), void *ctx)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	const struct topic *t = v ? topic_find(v, topic) : NULL;
	const struct queue *q = v ? queue_find(v, queue) : NULL;
	if (t && q)
		router_each_to(t->router, destination_of_queue(q), each, ctx);
}
