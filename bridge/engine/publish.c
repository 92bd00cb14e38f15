/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing: a walk over the graph of topics to queues, each once, one append
 * with its list of queues, and the account of when it may be answered
 * (engine.md §5, rabbitmq.md 2.10, 4.1–4.2, 4.8). */
#include <stdlib.h>

#include "engine/engine_priv.h"

enum { PUBLISH_SLAB = 128 };

struct publish *publish_new(struct engine *e, uint64_t session, uint64_t tag)
{
	if (!e->free_publishes) {
		struct publish *slab = arena_alloc(&e->slabs, PUBLISH_SLAB * sizeof(*slab));
		for (int i = 0; i < PUBLISH_SLAB; i++) {
			slab[i].next_free = e->free_publishes;
			e->free_publishes = &slab[i];
		}
	}
	struct publish *p = e->free_publishes;
	e->free_publishes = p->next_free;
	*p = (struct publish){.session = session, .tag = tag, .unfinished = 1};
	return p;
}

void publish_finish(struct engine *e, struct publish *p, enum store_result r)
{
	if (r == STORE_REFUSED)
		p->rejected = true;
	else if (r != STORE_OK)
		p->failed = true;
	must(p->unfinished > 0);
	if (--p->unfinished)
		return;
	struct note *n = note_new(e, EVENT_PUBLISHED);
	n->session = p->session;
	n->tag = p->tag;
	n->how = p->rejected ? PUBLISHED_REJECTED : p->failed ? PUBLISHED_FAILED : PUBLISHED_STORED;
	note_push(e, n);
	p->next_free = e->free_publishes;
	e->free_publishes = p;
}

static void publish_refuse(struct engine *e, uint64_t session, uint64_t tag, const struct error *why)
{
	struct note *n = note_new(e, EVENT_PUBLISHED);
	n->session = session;
	n->tag = tag;
	n->how = why->code == CODE_UNAVAILABLE ? PUBLISHED_FAILED : PUBLISHED_REJECTED;
	n->error = mem_alloc(sizeof(*n->error));
	*n->error = *why;
	note_push(e, n);
}

static void publish_return(struct engine *e, uint64_t session, uint64_t tag, struct message *m)
{
	struct note *n = note_new(e, EVENT_RETURNED);
	n->session = session;
	n->tag = tag;
	n->message = message_ref(m);
	e->counters.returned++;
	note_push(e, n);
}

/* Queues of a route that need the store come first in `dests`. */
struct route {
	struct queue **v;
	size_t n, cap;
};

static void route_visit(struct engine *e, struct route *r, uint64_t destination, size_t *depth)
{
	if (destination >> 32) {
		struct topic *t = map64_find(&e->topics, destination & UINT32_MAX);
		if (t && t->visited != e->stamp) {
			t->visited = e->stamp;
			e->walk = mem_grow(e->walk, &e->walk_cap, *depth + 1, sizeof(*e->walk));
			e->walk[(*depth)++] = t;
		}
		return;
	}
	struct queue *q = map64_find(&e->queues, destination);
	if (!q || q->visited == e->stamp)
		return;
	q->visited = e->stamp;
	r->v = e->route;
	if (r->n == e->route_cap)
		r->v = e->route = mem_grow(e->route, &e->route_cap, r->n + 1, sizeof(*e->route));
	r->v[r->n++] = q;
}

/* What headers exchanges look at; decoded at the first of them. */
struct route_headers {
	bool decoded;
	struct bag bag;
};

static const struct table *message_headers(struct engine *e, const struct topic *t, const struct message *m,
					    struct route_headers *h)
{
	const struct codecs *c = e->options.codecs;
	const struct header_codec *codec = c ? c->of[m->raw_kind] : NULL;
	if (t->type != TOPIC_HEADERS)
		return NULL;
	if (!h->decoded) {
		memset(&h->bag, 0, sizeof(h->bag));
		if (codec && !codec->decode(m->raw, &e->scratch, &h->bag))
			h->bag.headers = (struct table){NULL, 0};
		h->decoded = true;
	}
	return &h->bag.headers;
}

static void route_topic(struct engine *e, struct topic *first, struct view key, const struct message *m,
			struct route *r)
{
	size_t depth = 0;
	uint64_t found[64];
	struct route_headers headers = {.decoded = false};
	e->stamp++;
	route_visit(e, r, destination_of_topic(first), &depth);
	while (depth) {
		struct topic *t = e->walk[--depth];
		router_match(t->router, key, message_headers(e, t, m, &headers), &e->cursor);
		size_t n;
		while ((n = router_next(&e->cursor, found, 64)))
			for (size_t i = 0; i < n; i++)
				route_visit(e, r, found[i], &depth);
	}
	arena_reset(&e->scratch);
}

static bool goes_to_store(const struct queue *q, const struct message *m)
{
	return q->remote || (q->stored && m->durable);
}

void publish_enqueue(struct engine *e, struct queue **v, size_t n, struct message *m, struct publish *p,
		     int64_t delay_ms)
{
	uint32_t stored = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		stored += goes_to_store(v[i], m);
	struct store_dest *dests = stored ? journal_dests(e, stored) : NULL;
	for (size_t i = 0; i < n; i++)
		queue_enqueue(v[i], goes_to_store(v[i], m) ? &dests[at++] : NULL, m, p, delay_ms);
	if (stored)
		journal_append(e, m, dests, stored, p);
}

/* The same inside a commit: entries wait for the group (tx.c). */
static void enqueue_pending(struct engine *e, struct queue **v, size_t n, const struct publish_call *c)
{
	uint32_t stored = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		stored += goes_to_store(v[i], c->message);
	struct store_dest *dests = stored ? journal_dests(e, stored) : NULL;
	for (size_t i = 0; i < n; i++)
		tx_enqueue(c->commit, v[i], goes_to_store(v[i], c->message) ? &dests[at++] : NULL, c->message,
			   c->delay_ms);
	if (stored)
		journal_append(e, c->message, dests, stored, NULL);
}

/* t: the topic it was published to; NULL: sent to a queue. */
static void publish_to(struct session *s, const struct publish_call *c, struct topic *t, struct queue **v, size_t n)
{
	struct engine *e = s->engine;
	uint64_t id = slot_id(&s->slot);
	e->counters.published++;
	if (!n) {
		e->counters.unroutable++;
		if (c->flags & PUBLISH_MANDATORY)
			publish_return(e, id, c->tag, c->message);
	}
	if (n && !positions_left(e)) {
		publish_refuse(e, id, c->tag,
			       &(struct error){CODE_UNAVAILABLE, "no positions: the store has not answered"});
		return;
	}
	if (c->commit) {
		enqueue_pending(e, v, n, c);
		return;
	}
	struct publish *p = c->flags & PUBLISH_CONFIRM ? publish_new(e, id, c->tag) : NULL;
	if (n && t && fanout_due(t, n))
		fanout_add(t, c->message, p, v, n);
	else if (n)
		publish_enqueue(e, v, n, c->message, p, c->delay_ms);
	if (p)
		publish_finish(e, p, STORE_OK);
}

void publish_run(struct session *s, const struct publish_call *c)
{
	struct engine *e = s->engine;
	struct vhost *v = s->connection->vhost;
	if (c->send) {
		struct queue *q = queue_find(v, c->topic);
		publish_to(s, c, NULL, &q, q ? 1 : 0);
		return;
	}
	struct topic *t = topic_find(v, c->topic);
	struct route r = {.v = e->route};
	if (t && c->commit)
		fanout_finish(t); /* before it in every queue */
	if (t)
		route_topic(e, t, c->key, c->message, &r);
	publish_to(s, c, t, r.v, r.n);
}

static size_t route_find(struct engine *e, const struct republish *p, struct route *r)
{
	size_t kept = 0;
	struct topic *t = p->topic.n ? topic_find(p->vhost, p->topic) : NULL;
	struct queue *q = p->topic.n ? NULL : queue_find(p->vhost, p->key);
	if (t)
		fanout_finish(t); /* what it accepted before goes before */
	r->v = e->route;
	if (t)
		route_topic(e, t, p->key, p->message, r);
	else if (q)
		route_visit(e, r, destination_of_queue(q), &(size_t){0});
	for (size_t i = 0; i < r->n; i++)
		if (!p->skips || !p->skips(p->ctx, r->v[i]))
			r->v[kept++] = r->v[i];
	return kept;
}

size_t republish_run(struct engine *e, const struct republish *p)
{
	struct route r = {.n = 0};
	e->stamp++;
	size_t n = route_find(e, p, &r);
	if (n && p->commit)
		enqueue_pending(e, r.v, n, &(struct publish_call){
			.commit = p->commit, .message = p->message, .delay_ms = -1});
	else if (n)
		publish_enqueue(e, r.v, n, p->message, p->publish, -1);
	return n;
}

static void publish_call(struct session *s, const struct publish_call *c)
{
	if (s->tx)
		tx_stage_publish(s, c);
	else
		publish_run(s, c);
}

/* What is refused at once, in a transaction too: 0-9-1 closes the channel. */
static bool topic_takes(struct session *s, struct view topic, uint64_t tag)
{
	struct view vhost = s->connection->vhost->name;
	struct topic *t = topic_find(s->connection->vhost, topic);
	struct error err;
	if (t && !t->internal)
		return true;
	if (t)
		error_set(&err, CODE_REFUSED, "cannot publish to internal exchange '%.*s' in vhost '%.*s'",
			  VIEW_ARG(topic), VIEW_ARG(vhost));
	else
		error_set(&err, CODE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", VIEW_ARG(topic), VIEW_ARG(vhost));
	publish_refuse(s->engine, slot_id(&s->slot), tag, &err);
	return false;
}

bool engine_publish(struct engine *e, uint64_t session, struct view topic, struct view key, struct message *m,
		    unsigned flags, uint64_t tag)
{
	struct session *s = session_find(e, session);
	if (!s || !topic_takes(s, topic, tag))
		return false;
	publish_call(s, &(struct publish_call){
		.topic = topic, .key = key, .message = m, .flags = flags, .delay_ms = -1, .tag = tag});
	return true;
}

void engine_send(struct engine *e, uint64_t session, struct view queue, struct message *m, unsigned flags,
		 int64_t delay_ms, uint64_t tag)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	if (s->connection->kind == SESSION_AWS && !queue_find(s->connection->vhost, queue)) {
		struct error err;
		error_set(&err, CODE_NOT_FOUND, "no queue '%.*s'", VIEW_ARG(queue));
		publish_refuse(e, session, tag, &err);
		return;
	}
	publish_call(s, &(struct publish_call){
		.send = true, .topic = queue, .message = m, .flags = flags, .delay_ms = delay_ms, .tag = tag});
}
