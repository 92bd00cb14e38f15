/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, sessions and the answers they are owed. A session's answers
 * leave in the order of its verbs; the callers behind an AWS or admin session
 * are independent of each other, so theirs leave when ready. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_priv.h"

struct session *session_find(struct engine *e, uint64_t id)
{
	return slots_find(&e->sessions, id);
}

bool session_unordered(const struct session *s)
{
	enum session_kind k = s->connection->kind;
	return k == SESSION_AWS || k == SESSION_ADMIN;
}

uint64_t engine_connection_open(struct engine *e, const struct connection_spec *spec)
{
	struct vhost *v = mapv_find(&e->vhosts, spec->vhost);
	if (!v)
		return 0;
	struct connection *c = slots_new(&e->connections);
	list_init(&c->sessions);
	list_init(&c->queues);
	list_init(&c->sated);
	c->kind = spec->kind;
	c->writable = true;
	c->vhost = v;
	c->user = (struct view){mem_alloc(spec->user.n + 1), spec->user.n};
	view_put((uint8_t *)(uintptr_t)c->user.p, spec->user);
	c->event = spec->event;
	c->ctx = spec->ctx;
	alarm_tell(e, c);
	return slot_id(&c->slot);
}

uint64_t engine_session_open(struct engine *e, uint64_t conn, void *ctx)
{
	struct connection *c = slots_find(&e->connections, conn);
	if (!c)
		return 0;
	struct session *s = slots_new(&e->sessions);
	list_init(&s->consumers);
	list_init(&s->receives);
	list_init(&s->leases);
	list_init(&s->asks);
	list_init(&s->txs);
	list_push_back(&c->sessions, &s->link);
	s->engine = e;
	s->connection = c;
	s->ctx = ctx;
	s->shared_limit = UINT32_MAX;
	return slot_id(&s->slot);
}

static void session_free(struct engine *e, struct session *s, enum close_how how)
{
	/* Consumers first: what goes back must not come to this session again. */
	LIST_EACH(&s->consumers, c)
		LIST_ENTRY(c, struct consumer, session_link)->active = false;
	LIST_EACH(&s->receives, r)
		receive_free(LIST_ENTRY(r, struct receive, session_link));
	reply_close(s);
	txs_free(s);
	LIST_EACH(&s->leases, l)
		lease_leave(LIST_ENTRY(l, struct lease, session_link), how);
	LIST_EACH(&s->asks, a) {
		struct ask *ask = LIST_ENTRY(a, struct ask, link);
		list_remove(a);
		ask->session = NULL;
		if (!ask->waits && !ask->ref)
			ask_free(ask);
	}
	LIST_EACH(&s->consumers, c)
		consumer_free(LIST_ENTRY(c, struct consumer, session_link));
	list_remove(&s->link);
	slots_free(&e->sessions, s);
}

void engine_session_close(struct engine *e, uint64_t session, enum close_how how)
{
	struct session *s = session_find(e, session);
	if (s)
		session_free(e, s, how);
}

void engine_connection_close(struct engine *e, uint64_t conn, enum close_how how)
{
	struct connection *c = slots_find(&e->connections, conn);
	if (!c)
		return;
	LIST_EACH(&c->sessions, s)
		session_free(e, LIST_ENTRY(s, struct session, link), how);
	LIST_EACH(&c->queues, q)
		queue_destroy(LIST_ENTRY(q, struct queue, owner_link), REMOVED_QUEUE_DELETED, NULL);
	list_remove(&c->sated);
	free((void *)(uintptr_t)c->user.p);
	slots_free(&e->connections, c);
}

void connection_poke(struct connection *c)
{
	LIST_EACH(&c->sessions, l) {
		struct session *s = LIST_ENTRY(l, struct session, link);
		LIST_EACH(&s->consumers, k)
			consumer_poke(LIST_ENTRY(k, struct consumer, session_link));
	}
}

void engine_connection_writable(struct engine *e, uint64_t conn, bool writable)
{
	struct connection *c = slots_find(&e->connections, conn);
	if (!c || c->writable == writable)
		return;
	c->writable = writable;
	if (writable)
		connection_poke(c);
}

void engine_session_writable(struct engine *e, uint64_t session, bool writable)
{
	struct session *s = session_find(e, session);
	if (!s || s->stuck == !writable)
		return;
	s->stuck = !writable;
	if (!writable)
		return;
	LIST_EACH(&s->consumers, k)
		consumer_poke(LIST_ENTRY(k, struct consumer, session_link));
}

/* ---- answers ---- */

struct ask *ask_new(struct session *s, uint64_t cmd)
{
	struct ask *a = mem_zalloc(sizeof(*a));
	list_init(&a->link);
	a->session = s;
	a->session_id = slot_id(&s->slot);
	a->engine = s->engine;
	a->cmd = cmd;
	list_push_back(&s->asks, &a->link);
	list_push_back(&s->engine->asks, &a->all);
	return a;
}

void ask_name(struct ask *a, struct view name)
{
	uint8_t *copy = mem_alloc(name.n + 1);
	view_put(copy, name);
	a->name = view_of(copy, name.n);
}

void ask_free(struct ask *a)
{
	list_remove(&a->link);
	list_remove(&a->all);
	free((void *)(uintptr_t)a->name.p);
	free(a);
}

static void ask_raise(struct ask *a)
{
	struct engine *e = a->engine;
	list_remove(&a->link);
	/* A consumer may receive from here on: its consume-ok is ahead in the queue. */
	struct consumer *c = a->id ? slots_find(&e->consumers, a->id) : NULL;
	if (c && a->error.code == CODE_OK) {
		c->active = true;
		consumer_poke(c);
	}
	struct note *n = note_new(e, a->received ? EVENT_RECEIVED : EVENT_DONE);
	n->session = a->session_id;
	n->ask = a;
	if (a->received) {
		n->id = a->count;
		n->no_ack = a->no_ack;
		n->n = a->lease ? 1 : 0;
		n->leases[0] = a->lease;
	}
	note_push(e, n);
}

static void asks_advance(struct session *s)
{
	struct link *first;
	while ((first = list_first(&s->asks))) {
		struct ask *a = LIST_ENTRY(first, struct ask, link);
		if (!a->ready)
			return;
		ask_raise(a);
	}
}

/* Who found what now turns out not to exist. */
static void followers_fail(struct engine *e, const struct ask *maker)
{
	LIST_EACH(&e->asks, k) {
		struct ask *a = LIST_ENTRY(k, struct ask, all);
		bool follows = (a->on_queue && a->on_queue == maker->undo_queue) ||
			       (a->on_topic && a->on_topic == maker->undo_topic) ||
			       (a->on_subscription && a->on_subscription == maker->undo_subscription);
		if (follows && a->waits)
			error_set(&a->error, maker->error.code, "%s", maker->error.text);
	}
}

/* A definition that did not reach the disk does not exist. */
static void ask_undo(struct ask *a)
{
	struct queue *q = a->undo_queue ? map64_find(&a->engine->queues, a->undo_queue) : NULL;
	struct topic *t = a->undo_topic ? map64_find(&a->engine->topics, a->undo_topic) : NULL;
	struct subscription *s =
		a->undo_subscription ? map64_find(&a->engine->subscriptions, a->undo_subscription) : NULL;
	if (q || t || s)
		followers_fail(a->engine, a);
	if (s)
		subscription_destroy(s, NULL);
	if (q)
		queue_destroy(q, REMOVED_FAILED, NULL);
	if (t)
		topic_destroy(t, NULL);
	a->undo_queue = a->undo_topic = a->undo_subscription = 0;
}

void ask_ready(struct ask *a)
{
	if (a->waits)
		return;
	a->ready = true;
	if (a->error.code != CODE_OK)
		ask_undo(a);
	struct session *s = a->session;
	if (!s)
		ask_free(a);
	else if (session_unordered(s))
		ask_raise(a);
	else
		asks_advance(s);
}

void ask_error(struct ask *a, enum code code, const char *fmt, ...)
{
	if (a->error.code == CODE_OK) {
		va_list ap;
		va_start(ap, fmt);
		a->error.code = code;
		vsnprintf(a->error.text, sizeof(a->error.text), fmt, ap);
		va_end(ap);
	}
	ask_ready(a);
}
