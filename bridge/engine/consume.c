/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of those who take messages: consume, get, receive, settle. */
#include "engine/engine_priv.h"

/* Behind its equals, before those of a lower priority. */
static void consumer_place(struct queue *q, struct consumer *c)
{
	struct link *at = &q->consumers;
	while (at->prev != &q->consumers &&
	       LIST_ENTRY(at->prev, struct consumer, queue_link)->waiter.ring->priority < c->waiter.ring->priority)
		at = at->prev;
	list_insert_before(at, &c->queue_link);
}

/* Of a single active queue nobody can be the exclusive consumer, a quorum queue
 * takes no notice of the wish (rabbitmq.md 3.21). */
static bool consume_refused(const struct queue *q, bool exclusive)
{
	if (q->effective.single_active)
		return exclusive && !q->effective.quorum;
	return q->sole_consumer || (exclusive && q->n_consumers);
}

/* rabbitmq.md 3.21: the first of the highest priority; whoever is active stays so. */
void sole_next(struct queue *q)
{
	struct link *first = list_first(&q->consumers);
	if (!first || q->deleted || q->sole_consumer || !q->effective.single_active)
		return;
	struct consumer *c = LIST_ENTRY(first, struct consumer, queue_link);
	q->sole_consumer = slot_id(&c->slot);
	consumer_poke(c);
}

void engine_consume(struct engine *e, uint64_t session, uint64_t cmd, const struct consumer_spec *spec)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct queue *q;
	if (queue_access(s, spec->queue, &q, &a->error) != CODE_OK) {
		ask_ready(a);
		return;
	}
	if (consume_refused(q, spec->exclusive)) {
		ask_error(a, CODE_REFUSED, "queue '%.*s' in vhost '%.*s' in exclusive use", VIEW_ARG(q->name),
			  VIEW_ARG(q->vhost->name));
		return;
	}
	struct consumer *c = slots_new(&e->consumers);
	c->session = s;
	c->queue = q;
	c->ctx = spec->ctx;
	c->limit = spec->credit;
	c->no_ack = spec->no_ack;
	c->waiter.ring = ring_ref(q, spec->priority);
	list_init(&c->waiter.link);
	consumer_place(q, c);
	list_push_back(&s->consumers, &c->session_link);
	q->n_consumers++;
	q->had_consumer = true;
	queue_used(q);
	a->id = slot_id(&c->slot);
	if (spec->exclusive && !q->effective.single_active)
		q->sole_consumer = a->id;
	sole_next(q);
	ask_ready(a);
}

void consumer_free(struct consumer *c)
{
	struct queue *q = c->queue;
	waiter_leave(&c->waiter);
	ring_unref(c->waiter.ring);
	list_remove(&c->queue_link);
	list_remove(&c->session_link);
	q->n_consumers--;
	if (q->sole_consumer == slot_id(&c->slot)) {
		q->sole_consumer = 0;
		sole_next(q);
		if (!q->sole_consumer)
			receives_resume(q);
	}
	slots_free(&q->engine->consumers, c);
	queue_used(q);
	queue_consumer_gone(q);
}

void engine_cancel(struct engine *e, uint64_t session, uint64_t cmd, uint64_t consumer)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct consumer *c = slots_find(&e->consumers, consumer);
	if (c && c->session == s)
		consumer_free(c);
	ask_ready(a);
}

void engine_prefetch(struct engine *e, uint64_t consumer, uint32_t limit)
{
	struct consumer *c = slots_find(&e->consumers, consumer);
	if (!c)
		return;
	c->limit = limit;
	consumer_poke(c);
}

void engine_session_prefetch(struct engine *e, uint64_t session, uint32_t limit)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	s->shared_limit = limit;
	LIST_EACH(&s->consumers, k)
		consumer_poke(LIST_ENTRY(k, struct consumer, session_link));
}

static struct receive *receive_new(struct session *s, struct queue *q, uint64_t cmd, uint32_t n)
{
	struct receive *r = slots_new(&s->engine->receives);
	r->session = s;
	r->queue = q;
	r->cmd = cmd;
	r->want = n;
	r->waiter.is_receive = true;
	r->waiter.ring = &q->ring;
	list_init(&r->waiter.link);
	list_init(&r->answering);
	list_push_back(&s->receives, &r->session_link);
	list_push_back(&q->receives, &r->queue_link);
	return r;
}

static void receive_unlink(struct receive *r)
{
	struct engine *e = r->session->engine;
	waiter_leave(&r->waiter);
	list_remove(&r->answering);
	list_remove(&r->session_link);
	list_remove(&r->queue_link);
	heap_remove(&e->receive_deadlines, &r->deadline);
	slots_free(&e->receives, r);
}

/* Without an answer; what it got goes back, as if never received. */
void receive_free(struct receive *r)
{
	struct engine *e = r->session->engine;
	if (!r->get)
		engine_receive_undo(e, slot_id(&r->session->slot), r->leases, r->got);
	receive_unlink(r);
}

void receive_answer(struct receive *r)
{
	struct engine *e = r->session->engine;
	if (r->get) {
		struct ask *a = r->ask;
		a->count = r->got ? r->remains : r->queue->n_ready;
		a->lease = r->got ? r->leases[0] : 0;
		a->no_ack = r->no_ack;
		ask_ready(a);
		receive_unlink(r);
		return;
	}
	struct note *n = note_new(e, EVENT_RECEIVED);
	n->session = slot_id(&r->session->slot);
	n->tag = r->cmd;
	n->id = r->queue->n_ready;
	if (!r->got && !r->waits && receives_full(r->queue)) {
		n->error = mem_alloc(sizeof(*n->error));
		error_set(n->error, CODE_LIMIT, "the queue has as many messages in flight as it may");
	}
	n->n = r->got;
	memcpy(n->leases, r->leases, r->got * sizeof(*r->leases));
	note_push(e, n);
	receive_unlink(r);
}

/* It may be served in this turn's ENGINE phase at the earliest. */
static void receive_wait(struct receive *r, int64_t wait_ms)
{
	struct engine *e = r->session->engine;
	struct queue *q = r->queue;
	r->waits = wait_ms > 0;
	if (r->waits)
		heap_push(&e->receive_deadlines, &r->deadline, (uint64_t)(e->now.mono_ms + wait_ms));
	waiter_join(q, &r->waiter);
	if (!r->waits && (!receive_may(r) || (!q->n_ready && !q->remote)))
		receive_answer(r);
}

/* rabbitmq.md 3.21: of a classic one anybody may get, whoever is active. */
static bool get_refused(const struct queue *q, struct error *e)
{
	if (!q->effective.single_active || !q->effective.quorum)
		return false;
	error_set(e, CODE_LOCKED,
		  "cannot obtain access to locked queue '%.*s' in vhost '%.*s'. basic.get operations are not supported "
		  "by quorum queues with single active consumer",
		  VIEW_ARG(q->name), VIEW_ARG(q->vhost->name));
	return true;
}

void engine_get(struct engine *e, uint64_t session, uint64_t cmd, struct view queue, bool no_ack)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	a->received = true;
	struct queue *q;
	if (queue_access(s, queue, &q, &a->error) != CODE_OK || get_refused(q, &a->error)) {
		ask_ready(a);
		return;
	}
	queue_used(q);
	struct receive *r = receive_new(s, q, cmd, 1);
	r->get = true;
	r->no_ack = no_ack;
	r->ask = a;
	receive_wait(r, 0);
}

void engine_receive(struct engine *e, uint64_t session, uint64_t cmd, struct view queue, uint32_t n,
		    int64_t wait_ms, int64_t lease_ms)
{
	struct session *s = session_find(e, session);
	struct queue *q;
	struct error err = {.code = CODE_OK};
	if (!s)
		return;
	if (queue_access(s, queue, &q, &err) != CODE_OK) {
		struct note *note = note_new(e, EVENT_RECEIVED);
		note->session = session;
		note->tag = cmd;
		note->error = mem_alloc(sizeof(err));
		*note->error = err;
		note_push(e, note);
		return;
	}
	queue_used(q);
	struct receive *r = receive_new(s, q, cmd, n < RECEIVE_MAX ? n : RECEIVE_MAX);
	r->lease_ms = lease_ms < 0 ? q->effective.visibility_ms : lease_ms;
	receive_wait(r, wait_ms < 0 ? q->effective.wait_ms : wait_ms);
}

void engine_receive_cancel(struct engine *e, uint64_t session, uint64_t cmd)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	LIST_EACH(&s->receives, k) {
		struct receive *r = LIST_ENTRY(k, struct receive, session_link);
		if (r->cmd == cmd && !r->get) {
			receive_free(r);
			return;
		}
	}
	note_cancel(e, session, cmd); /* answered already, in this turn */
}

void engine_receive_undo(struct engine *e, uint64_t session, const uint64_t *leases, size_t n)
{
	(void)session;
	for (size_t i = 0; i < n; i++) {
		struct lease *l = slots_find(&e->leases, leases[i]);
		if (!l || l->session)
			continue;
		if (l->entry && l->entry->received && --l->entry->received == 0)
			l->entry->first_received_ms = 0;
		lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE});
	}
}

bool engine_receive_reject(struct engine *e, uint64_t lease)
{
	struct lease *l = slots_find(&e->leases, lease);
	if (!l || l->session || !l->entry || !l->queue->effective.dead_letters)
		return false;
	lease_settle(l, &(struct outcome){.kind = OUTCOME_DEAD_LETTER});
	return true;
}

void engine_settle(struct engine *e, uint64_t session, const uint64_t *leases, size_t n, const struct outcome *o)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	for (size_t i = 0; i < n; i++) {
		struct lease *l = slots_find(&e->leases, leases[i]);
		if (!l || l->session != s || l->committing)
			continue;
		e->counters.settled++;
		if (s->tx)
			tx_stage_settle(s, leases[i], o);
		else
			lease_settle(l, o);
	}
}
