/* SPDX-License-Identifier: Apache-2.0 */
/* Direct reply-to (rabbitmq.md 4.26): an address of a session that is no queue. What
 * is sent there becomes an event, in order with the others, and is gone; nobody
 * waits for it, and nothing of it is stored. An address is in its vhost's map and in
 * its session, or in neither; a note names it by id, so that what is raised after its
 * end is dropped. */
#include <stdlib.h>

#include "engine/engine_priv.h"

bool engine_reply_open(struct engine *e, uint64_t session, struct view address, void *ctx)
{
	struct session *s = session_find(e, session);
	if (!s || s->reply || mapv_find(&s->connection->vhost->replies, address))
		return false;
	struct reply *r = slots_new(&e->replies);
	uint8_t *copy = mem_alloc(address.n + 1);
	view_put(copy, address);
	r->address = view_of(copy, address.n);
	r->session = s;
	r->ctx = ctx;
	s->reply = r;
	mapv_put(&s->connection->vhost->replies, r->address, r);
	return true;
}

void reply_close(struct session *s)
{
	struct reply *r = s->reply;
	if (!r)
		return;
	s->reply = NULL;
	mapv_remove(&s->connection->vhost->replies, r->address);
	free((void *)(uintptr_t)r->address.p);
	slots_free(&s->engine->replies, r);
}

void engine_reply_close(struct engine *e, uint64_t session)
{
	struct session *s = session_find(e, session);
	if (s)
		reply_close(s);
}

bool reply_named(struct view name)
{
	return view_starts(name, VIEW(ENGINE_REPLY_TO));
}

void reply_declare(struct ask *a, const struct vhost *v, struct view name)
{
	if (view_is(name, ENGINE_REPLY_TO) || mapv_find(&v->replies, name)) {
		ask_name(a, name);
		a->consumers = 1;
	} else {
		error_set(&a->error, CODE_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", VIEW_ARG(name), VIEW_ARG(v->name));
	}
	ask_ready(a);
}

size_t replies_send(struct engine *e, const struct vhost *v, struct message *m)
{
	size_t sent = 0;
	for (size_t i = 0; i < e->keys.n; i++) {
		struct reply *r = reply_named(e->keys.v[i]) ? mapv_find(&v->replies, e->keys.v[i]) : NULL;
		if (!r || r->visited == e->stamp)
			continue;
		r->visited = e->stamp;
		struct note *n = note_new(e, EVENT_DELIVERED);
		n->session = slot_id(&r->session->slot);
		n->id = slot_id(&r->slot);
		n->message = message_ref(m);
		note_push(e, n);
		sent++;
	}
	e->counters.replied += sent;
	return sent;
}

void reply_raise(struct engine *e, struct session *s, const struct note *n)
{
	struct reply *r = slots_find(&e->replies, n->id);
	if (!r)
		return;
	struct event ev = {.kind = EVENT_DELIVERED, .session = n->session, .session_ctx = s->ctx};
	ev.delivered.consumer_ctx = r->ctx;
	ev.delivered.d.message = n->message;
	ev.delivered.d.delivered = 1;
	ev.delivered.d.queue = r->address;
	s->connection->event(s->connection->ctx, &ev);
}
