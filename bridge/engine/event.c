/* SPDX-License-Identifier: Apache-2.0 */
/* The event queue. Verbs and dispatch put compact notes in; engine_run raises
 * them one after the other, so that a head may call any verb from inside an
 * event. A note names sessions and leases by id: what is gone by then is not
 * told any more. */
#include <stdlib.h>

#include "engine/engine_priv.h"

struct note *note_new(struct engine *e, enum event_kind kind)
{
	struct note *n = e->free_notes;
	if (n)
		e->free_notes = n->next;
	else
		n = mem_alloc(sizeof(*n));
	memset(n, 0, offsetof(struct note, leases));
	n->kind = (uint8_t)kind;
	return n;
}

void note_push(struct engine *e, struct note *n)
{
	n->next = NULL;
	if (e->notes_tail)
		e->notes_tail->next = n;
	else
		e->notes = n;
	e->notes_tail = n;
}

/* Nobody is told; its leases go back when its turn comes (note_raise). */
void note_cancel(struct engine *e, uint64_t session, uint64_t cmd)
{
	for (struct note *n = e->notes; n; n = n->next)
		if (n->kind == EVENT_RECEIVED && !n->ask && n->session == session && n->tag == cmd)
			n->session = 0;
}

static void note_free(struct engine *e, struct note *n)
{
	message_unref(n->message);
	if (n->ask)
		ask_free(n->ask);
	free(n->error);
	n->next = e->free_notes;
	e->free_notes = n;
}

static void delivery_fill(struct delivery *d, const struct lease *l)
{
	const struct entry *en = l->entry;
	const struct queue *q = l->queue;
	d->lease = slot_id(&l->slot);
	d->message = en->message;
	d->origin = en->origin;
	d->received = en->received;
	d->delivered = en->delivered;
	d->failed = en->failed;
	d->redelivered = en->received + en->delivered > 1;
	d->counts = q->effective.quorum;
	d->first_received_ms = en->first_received_ms;
	const struct queue *source = en->origin != q->uid ? map64_find(&q->engine->queues, en->origin) : NULL;
	d->queue = q->name;
	d->source = source ? source->name : VIEW_NONE;
	d->receipt.queue = q->uid;
	d->receipt.pos = en->pos;
	d->receipt.receive = l->receive;
	d->receipt.boot = q->engine->boot;
	d->receipt.at_ms = q->engine->now.wall_ms;
	d->receipt.handle_n = l->handle_n;
	if (l->handle_n)
		memcpy(d->receipt.handle, l->handle, l->handle_n);
}

static void raise_delivered(struct engine *e, struct session *s, const struct note *n)
{
	struct lease *l = slots_find(&e->leases, n->lease);
	struct consumer *c = slots_find(&e->consumers, n->id);
	if (!l)
		return;
	if (!l->entry || !c) {
		/* Purged, or its consumer was cancelled between: nobody will settle it. */
		if (l->entry)
			l->entry->delivered--;
		lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE});
		return;
	}
	struct event ev = {.kind = EVENT_DELIVERED, .session = n->session, .session_ctx = s->ctx};
	ev.delivered.consumer = n->id;
	ev.delivered.consumer_ctx = c->ctx;
	delivery_fill(&ev.delivered.d, l);
	if (n->no_ack)
		ev.delivered.d.lease = 0;
	s->connection->event(s->connection->ctx, &ev);
	/* The head may have closed all of it from inside the event. */
	if (n->no_ack && (l = slots_find(&e->leases, n->lease)))
		lease_accept(l);
}

static void raise_done(struct session *s, const struct note *n)
{
	const struct ask *a = n->ask;
	struct event ev = {.kind = EVENT_DONE, .session = n->session, .session_ctx = s->ctx};
	ev.done.cmd = a->cmd;
	ev.done.error = &a->error;
	ev.done.name = a->name;
	ev.done.created = a->created;
	ev.done.count = a->count;
	ev.done.consumers = a->consumers;
	ev.done.id = a->id;
	s->connection->event(s->connection->ctx, &ev);
}

/* The answer of a get (an ask) or of a ReceiveMessage. */
static void raise_received(struct engine *e, struct session *s, const struct note *n)
{
	static const struct error ok;
	struct delivery d[RECEIVE_MAX];
	size_t count = 0;
	for (uint32_t i = 0; i < n->n; i++) {
		struct lease *l = slots_find(&e->leases, n->leases[i]);
		if (!l || !l->entry)
			continue;
		memset(&d[count], 0, offsetof(struct delivery, receipt));
		delivery_fill(&d[count++], l);
	}
	bool no_ack = n->ask && n->no_ack;
	if (no_ack && count)
		d[0].lease = 0;
	struct event ev = {.kind = EVENT_RECEIVED, .session = n->session, .session_ctx = s->ctx};
	ev.received.cmd = n->ask ? n->ask->cmd : n->tag;
	ev.received.error = n->ask ? &n->ask->error : n->error ? n->error : &ok;
	ev.received.v = d;
	ev.received.n = count;
	ev.received.ready = n->id;
	s->connection->event(s->connection->ctx, &ev);
	struct lease *l = no_ack && n->n ? slots_find(&e->leases, n->leases[0]) : NULL;
	if (l)
		lease_accept(l);
}

static void raise_published(struct session *s, const struct note *n)
{
	static const struct error ok;
	struct event ev = {.kind = EVENT_PUBLISHED, .session = n->session, .session_ctx = s->ctx};
	ev.published.tag = n->tag;
	ev.published.how = n->how;
	ev.published.error = n->error ? n->error : &ok;
	s->connection->event(s->connection->ctx, &ev);
}

static void raise_simple(struct session *s, const struct note *n)
{
	struct event ev = {.kind = n->kind, .session = n->session, .session_ctx = s->ctx};
	if (n->kind == EVENT_RETURNED) {
		ev.returned.tag = n->tag;
		ev.returned.message = n->message;
	} else {
		ev.cancelled.consumer = n->id;
		ev.cancelled.consumer_ctx = (void *)(uintptr_t)n->tag;
		ev.cancelled.why = "queue deleted";
	}
	s->connection->event(s->connection->ctx, &ev);
}

static void note_raise(struct engine *e, const struct note *n)
{
	struct session *s = session_find(e, n->session);
	if (n->kind == EVENT_BLOCKED || n->kind == EVENT_UNBLOCKED) {
		alarm_raise(e, n);
		return;
	}
	if (!s) {
		/* A ReceiveMessage's leases belong to nobody: as if never received. */
		engine_receive_undo(e, n->session, n->leases, n->n);
		return;
	}
	switch ((enum event_kind)n->kind) {
	case EVENT_DONE:
		raise_done(s, n);
		return;
	case EVENT_PUBLISHED:
		raise_published(s, n);
		return;
	case EVENT_DELIVERED:
		if (n->message)
			reply_raise(e, s, n);
		else
			raise_delivered(e, s, n);
		return;
	case EVENT_RECEIVED:
		raise_received(e, s, n);
		return;
	case EVENT_RETURNED:
	case EVENT_CANCELLED:
		raise_simple(s, n);
		return;
	case EVENT_LEASE_ENDED:
	case EVENT_BLOCKED:
	case EVENT_UNBLOCKED:
		break;
	}
	must(false);
}

void notes_raise(struct engine *e)
{
	struct note *n;
	while ((n = e->notes)) {
		e->notes = n->next;
		if (!e->notes)
			e->notes_tail = NULL;
		note_raise(e, n);
		note_free(e, n);
	}
	sated_resume(e);
}

void notes_free(struct engine *e)
{
	struct note *n;
	while ((n = e->notes)) {
		e->notes = n->next;
		note_free(e, n);
	}
	while ((n = e->free_notes)) {
		e->free_notes = n->next;
		free(n);
	}
	e->notes_tail = NULL;
}
