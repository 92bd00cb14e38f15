/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing: one append with its list of queues, one for each copy in an
 * envelope, and the account of when all of it may be answered (engine.md §5,
 * rabbitmq.md 2.10, 4.1–4.2, 4.8). */
#include <stdlib.h>

#include "engine/engine_priv.h"

enum { PUBLISH_SLAB = 128 };
static const char NO_MEMORY[] = "no memory for the copies of subscriptions";

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

static bool goes_to_store(const struct queue *q, const struct message *m)
{
	return q->remote || (q->stored && m->durable);
}

void publish_enqueue(struct engine *e, struct queue **v, size_t n, struct message *m, const struct arrival *a)
{
	uint32_t stored = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		stored += goes_to_store(v[i], m);
	struct store_dest *dests = stored ? journal_dests(e, stored) : NULL;
	for (size_t i = 0; i < n; i++)
		queue_enqueue(v[i], goes_to_store(v[i], m) ? &dests[at++] : NULL, m, a);
	if (stored)
		journal_append(e, m, dests, stored, a->publish);
}

/* The same inside a commit: entries wait for the group (tx.c). */
static void enqueue_pending(struct engine *e, struct queue **v, size_t n, struct message *m,
			    const struct publish_call *c)
{
	uint32_t stored = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		stored += goes_to_store(v[i], m);
	struct store_dest *dests = stored ? journal_dests(e, stored) : NULL;
	for (size_t i = 0; i < n; i++)
		tx_enqueue(c, v[i], goes_to_store(v[i], m) ? &dests[at++] : NULL, m);
	if (stored)
		journal_append(e, m, dests, stored, NULL);
}

static void wrapped_free(struct route *r)
{
	for (size_t i = 0; i < r->n_wrapped; i++)
		message_unref(r->wrapped[i].message);
	r->n_wrapped = 0;
}

/* All of them before anything is enqueued: a publish happens as a whole or not at all. */
static bool wrapped_make(struct engine *e, struct route *r, const struct message *m)
{
	void *shared = NULL;
	size_t i = 0;
	while (i < r->n_wrapped && (r->wrapped[i].message = subscription_wrap(r->wrapped[i].subscription, m, &shared)))
		i++;
	if (shared)
		e->options.envelopes->done(e->options.envelopes->ctx, shared);
	return i == r->n_wrapped;
}

static void publish_fail(struct engine *e, uint64_t session, const struct publish_call *c, const char *why)
{
	struct error err;
	error_set(&err, CODE_UNAVAILABLE, "%s", why);
	if (c->commit)
		tx_fail(c->commit, why);
	else
		publish_refuse(e, session, c->tag, &err);
}

static void route_enqueue(struct engine *e, struct route *r, const struct publish_call *c, struct publish *p)
{
	const struct arrival a = {.publish = p, .delay_ms = c->delay_ms, .origin = c->origin};
	if (r->n && c->commit)
		enqueue_pending(e, r->queues, r->n, c->message, c);
	else if (r->n)
		publish_enqueue(e, r->queues, r->n, c->message, &a);
	for (size_t i = 0; i < r->n_wrapped; i++) {
		struct wrapped *w = &r->wrapped[i];
		if (c->commit)
			enqueue_pending(e, &w->queue, 1, w->message, c);
		else
			publish_enqueue(e, &w->queue, 1, w->message, &a);
	}
}

/* Full queues are left out. */
static void route_accept(struct route *r, struct message *m, struct publish *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->n; i++)
		if (queue_accepts(r->queues[i], m, p))
			r->queues[kept++] = r->queues[i];
	r->n = kept;
	kept = 0;
	for (size_t i = 0; i < r->n_wrapped; i++) {
		struct wrapped *w = &r->wrapped[i];
		if (queue_accepts(w->queue, w->message, p))
			r->wrapped[kept++] = *w;
		else
			message_unref(w->message);
	}
	r->n_wrapped = kept;
}

/* t: the topic it was published to; NULL: sent to a queue. */
static void publish_to(struct session *s, const struct publish_call *c, struct topic *t, struct route *r)
{
	struct engine *e = s->engine;
	uint64_t id = slot_id(&s->slot);
	bool routed = r->n || r->n_wrapped;
	size_t replies = c->send ? replies_send(e, s->connection->vhost, c->message) : 0;
	e->counters.published++;
	if (!routed) {
		e->counters.unroutable += !replies;
		if (c->flags & PUBLISH_MANDATORY)
			publish_return(e, id, c->tag, c->message);
	}
	/* Behind what is on its way to many queues, and like it when there are many. */
	bool waits = routed && t && !c->commit && fanout_due(t, r->n + r->n_wrapped);
	if (routed && !positions_left(e)) {
		publish_fail(e, id, c, "no positions: the store has not answered");
	} else if (!waits && !wrapped_make(e, r, c->message)) {
		publish_fail(e, id, c, NO_MEMORY);
	} else {
		struct publish *p = !c->commit && c->flags & PUBLISH_CONFIRM ? publish_new(e, id, c->tag) : NULL;
		if (waits) {
			fanout_add(t, c->message, p, r);
		} else {
			route_accept(r, c->message, p);
			route_enqueue(e, r, c, p);
		}
		if (p)
			publish_finish(e, p, STORE_OK);
	}
	wrapped_free(r);
	if (!c->commit)
		upkeep_run(e);
}

void publish_run(struct session *s, const struct publish_call *c)
{
	struct engine *e = s->engine;
	struct vhost *v = s->connection->vhost;
	struct route *r = &e->route;
	struct topic *t = c->send ? NULL : topic_find(v, c->topic);
	if (c->flags & PUBLISH_COPIES)
		keys_read(e, c->send ? c->topic : c->key, c->message);
	else
		keys_one(&e->keys, c->send ? c->topic : c->key);
	if (t)
		route_walk(e, t, c->message);
	else if (c->send)
		route_named(e, v);
	else
		route_none(r);
	publish_to(s, c, t, r);
}

static void route_skip(struct route *r, const struct republish *p)
{
	size_t kept = 0;
	if (!p->skips)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (!p->skips(p->ctx, r->queues[i]))
			r->queues[kept++] = r->queues[i];
	r->n = kept;
	kept = 0;
	for (size_t i = 0; i < r->n_wrapped; i++)
		if (!p->skips(p->ctx, r->wrapped[i].queue))
			r->wrapped[kept++] = r->wrapped[i];
	r->n_wrapped = kept;
}

bool republish_run(struct engine *e, const struct republish *p, size_t *n)
{
	struct route *r = &e->route;
	struct topic *t = p->topic.n ? topic_find(p->vhost, p->topic) : NULL;
	struct publish_call c = {.commit = p->commit, .message = p->message, .delay_ms = -1, .origin = p->origin};
	if (t && !p->commit)
		fanout_finish(t); /* what it accepted before goes before */
	if (p->copies)
		keys_with_copies(&e->keys, p->key, p->copies);
	else
		keys_one(&e->keys, p->key);
	if (t)
		route_walk(e, t, p->message);
	else if (!p->topic.n)
		route_named(e, p->vhost);
	else
		route_none(r);
	route_skip(r, p);
	bool made = wrapped_make(e, r, p->message);
	if (made)
		route_accept(r, p->message, NULL);
	*n = r->n + r->n_wrapped;
	if (made)
		route_enqueue(e, r, &c, p->publish);
	else if (p->commit)
		tx_fail(p->commit, NO_MEMORY);
	wrapped_free(r);
	return made;
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
