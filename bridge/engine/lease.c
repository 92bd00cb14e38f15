/* SPDX-License-Identifier: Apache-2.0 */
/* Leases (engine.md §1): who has an entry, and what ends it. */
#include <stdlib.h>

#include "engine/engine_priv.h"

struct lease *lease_new(struct entry *en, struct session *s, uint64_t consumer)
{
	struct queue *q = en->queue;
	struct lease *l = slots_new(&q->engine->leases);
	l->entry = en;
	l->queue = q;
	l->session = s;
	l->consumer = consumer;
	l->boot = q->engine->boot;
	list_init(&l->session_link);
	if (s)
		list_push_back(&s->leases, &l->session_link);
	else
		q->n_received_leased++;
	en->state = ENTRY_LEASED;
	en->lease = l;
	list_push_back(&q->leased, &en->link);
	q->n_leases++;
	q->n_leased++;
	return l;
}

/* The consumer that held it may take another. */
static void lease_credit(struct lease *l)
{
	struct engine *e = l->queue->engine;
	struct consumer *c = slots_find(&e->consumers, l->consumer);
	struct session *s = l->session;
	if (!l->consumer || !s)
		return;
	if (c)
		c->held--;
	bool was_full = s->shared_held >= s->shared_limit;
	s->shared_held--;
	if (c)
		consumer_poke(c);
	if (!was_full)
		return;
	LIST_EACH(&s->consumers, k)
		consumer_poke(LIST_ENTRY(k, struct consumer, session_link));
}

void lease_end(struct lease *l)
{
	struct engine *e = l->queue->engine;
	if (l->entry)
		l->entry->lease = NULL;
	if (!l->session && receives_full(l->queue)) {
		l->queue->n_received_leased--;
		receives_resume(l->queue);
	} else if (!l->session) {
		l->queue->n_received_leased--;
	}
	heap_remove(&e->lease_deadlines, &l->deadline);
	list_remove(&l->session_link);
	lease_credit(l);
	free(l->handle);
	struct queue *q = l->queue;
	slots_free(&e->leases, l);
	if (--q->n_leases == 0 && q->deleted)
		queue_free(q);
}

void lease_accept(struct lease *l)
{
	struct entry *en = l->entry;
	if (en && en->stored == STORED_REMOTE)
		remote_remove(l);
	lease_end(l);
	if (en)
		entry_remove(en, REMOVED_ACKED);
}

/* The session has no more to do with it. */
static void lease_detach(struct lease *l)
{
	list_remove(&l->session_link);
	lease_credit(l);
	if (l->session)
		l->queue->n_received_leased++;
	l->session = NULL;
	l->consumer = 0;
	l->receive = 0;
}

static void lease_hide(struct lease *l, int64_t ms)
{
	lease_detach(l);
	lease_deadline(l, ms);
}

/* Its session closes: back, unless a commit that is on its way decides. */
void lease_leave(struct lease *l, enum close_how how)
{
	bool failed = how == CLOSE_LOST || l->queue->effective.quorum; /* rabbitmq.md 3.23 */
	if (l->committing)
		lease_detach(l);
	else
		lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE, .failed = failed});
}

/* The entry goes back to its place, or away if nothing stands behind it. */
static void entry_back(struct entry *en)
{
	struct queue *q = en->queue;
	if (en->vanish) {
		entry_remove(en, REMOVED_FAILED);
		return;
	}
	list_remove(&en->link);
	q->n_leased--;
	q->n_ready++;
	lane_return(en);
	queue_poke(q);
}

/* rabbitmq.md 3.23 */
static bool failed_too_often(const struct entry *en)
{
	int64_t max = en->queue->effective.failed_max;
	return max != QUEUE_UNLIMITED && en->failed > max && !en->vanish;
}

void lease_release(struct lease *l, const struct outcome *o)
{
	struct entry *en = l->entry;
	if (!en) {
		lease_end(l);
		return;
	}
	if (o->failed && en->failed < UINT16_MAX) {
		en->failed++;
		if (failed_too_often(en) && dead_letter(en, DEATH_DELIVERY_LIMIT))
			return;
		if (en->stored == STORED_YES || en->stored == STORED_IN_BATCH)
			journal_mark(en);
		else if (en->stored == STORED_UNSENT)
			en->dest->failed = en->failed;
	}
	if (en->stored == STORED_REMOTE) {
		remote_release(l, o->delay_ms);
		lease_end(l);
		entry_remove(en, REMOVED_LOST);
		return;
	}
	if (o->delay_ms > 0) {
		lease_hide(l, o->delay_ms);
		return;
	}
	lease_end(l);
	entry_back(en);
}

static void lease_reject(struct lease *l)
{
	struct entry *en = l->entry;
	if (!en) {
		lease_end(l);
	} else if (en->vanish) {
		lease_end(l);
		entry_remove(en, REMOVED_FAILED);
	} else if (!dead_letter(en, DEATH_REJECTED)) {
		lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE});
	}
}

void lease_settle(struct lease *l, const struct outcome *o)
{
	switch (o->kind) {
	case OUTCOME_ACCEPT:
		lease_accept(l);
		return;
	case OUTCOME_RELEASE:
		lease_release(l, o);
		return;
	case OUTCOME_DEAD_LETTER:
		lease_reject(l);
		return;
	}
	must(false);
}

void lease_deadline(struct lease *l, int64_t ms)
{
	struct engine *e = l->queue->engine;
	heap_remove(&e->lease_deadlines, &l->deadline);
	heap_push(&e->lease_deadlines, &l->deadline, (uint64_t)(e->now.mono_ms + ms));
}

void leases_expire(struct engine *e)
{
	struct heap_node *n;
	uint32_t left = EXPIRE_TURN;
	while ((n = heap_min(&e->lease_deadlines)) && n->key <= (uint64_t)e->now.mono_ms) {
		if (!left--) {
			e->more = true;
			return;
		}
		struct lease *l = HEAP_ENTRY(n, struct lease, deadline);
		if (l->entry && l->entry->stored == STORED_REMOTE)
			remote_renew(l);
		else if (!l->entry && l->session)
			heap_remove(&e->lease_deadlines, n); /* a ghost is its session's to settle */
		else
			lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE});
	}
}
