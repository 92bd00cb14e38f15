/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue does without being asked (engine.md §6, rabbitmq.md 3.13–3.15):
 * messages expire at its head, the oldest go when it is too long, and a queue that
 * nobody uses is deleted.
 *
 * A queue to which any of this can happen is `kept`. Whenever its ready lane changes
 * it is put into engine.upkeep, and looked at once those who wait for its messages
 * have been served: a message is handed over rather than dropped, one whose TTL is 0
 * included. Between turns engine.expiries has each queue by the deadline of its head,
 * engine.unused each queue that expires itself and has no consumer. */
#include <stdlib.h>

#include "engine/engine_priv.h"

enum { UPKEEP_TURN = 4096, UPKEEP_RETRY_MS = 1000 };

/* A message that a full queue refused and that goes on as a dead letter. */
struct refusal {
	struct link link;
	uint32_t queue;
	struct message *message;
};

static uint64_t most(int64_t limit)
{
	return limit == QUEUE_UNLIMITED ? UINT64_MAX : (uint64_t)limit;
}

static uint64_t ready_bytes(const struct queue *q)
{
	return q->lane.ready_body + q->lane.behind_body + q->lane.spilled.body;
}

static bool too_long(const struct queue *q)
{
	const struct queue_effective *f = &q->effective;
	return f->overflow == OVERFLOW_DROP_HEAD &&
	       (q->n_ready > most(f->length_max) || ready_bytes(q) > most(f->bytes_max));
}

void queue_keep(struct queue *q)
{
	const struct queue_effective *f = &q->effective;
	q->kept = !q->remote && !q->deleted &&
		  (q->expiring || f->length_max != QUEUE_UNLIMITED || f->bytes_max != QUEUE_UNLIMITED);
	queue_upkeep_want(q);
}

void queue_upkeep_want(struct queue *q)
{
	if (q->kept && !list_linked(&q->upkeep))
		list_push_back(&q->engine->upkeep, &q->upkeep);
}

/* ---- deadlines ---- */

int64_t queue_deadline(const struct queue *q, const struct message *m, int64_t due_ms)
{
	uint64_t ttl_ms = most(q->effective.ttl_ms);
	if (m->has_ttl && (uint64_t)m->ttl_ms < ttl_ms)
		ttl_ms = (uint64_t)m->ttl_ms;
	if (ttl_ms == UINT64_MAX)
		return 0;
	return (due_ms ? due_ms : q->engine->now.wall_ms) + (int64_t)ttl_ms;
}

void queue_expiring(struct queue *q, int64_t deadline_ms)
{
	if (!deadline_ms || q->expiring)
		return;
	q->expiring = true;
	queue_keep(q);
}

static bool is_over(const struct entry *en)
{
	return en->deadline_ms && en->deadline_ms <= en->queue->engine->now.wall_ms;
}

bool entry_expired(const struct entry *en)
{
	return is_over(en) && en->pos < en->queue->engine->fresh_from;
}

/* ---- one queue ---- */

static bool head_goes(const struct entry *en, enum death_reason *why)
{
	*why = is_over(en) ? DEATH_EXPIRED : DEATH_MAXLEN;
	return *why == DEATH_EXPIRED || too_long(en->queue);
}

static void expiry_arm(struct queue *q, int64_t wall_ms)
{
	heap_remove(&q->engine->expiries, &q->expiry);
	if (wall_ms)
		heap_push(&q->engine->expiries, &q->expiry, (uint64_t)wall_ms);
}

static void queue_look(struct queue *q, uint32_t *left)
{
	struct engine *e = q->engine;
	struct entry *en;
	enum death_reason why;
	while ((en = lane_first(&q->lane)) && head_goes(en, &why)) {
		if (!*left) {
			e->more = true;
			queue_upkeep_want(q);
			return;
		}
		--*left;
		if (!dead_letter(en, why)) {
			list_remove(&q->upkeep);
			expiry_arm(q, e->now.wall_ms + UPKEEP_RETRY_MS);
			return;
		}
	}
	list_remove(&q->upkeep); /* what it did itself wants no second look */
	if (!en)
		lane_want(q);
	if (q->expiring && !(q->n_ready + q->n_leased + q->n_delayed + q->n_pending)) {
		q->expiring = false;
		queue_keep(q);
	}
	expiry_arm(q, en ? en->deadline_ms : 0);
}

static void refusals_run(struct engine *e)
{
	struct link *first;
	while ((first = list_first(&e->refusals))) {
		struct refusal *r = LIST_ENTRY(first, struct refusal, link);
		struct queue *q = map64_find(&e->queues, r->queue);
		list_remove(first);
		if (q)
			dead_letter_refused(q, r->message);
		message_unref(r->message);
		free(r);
	}
}

void refusals_free(struct engine *e)
{
	LIST_EACH(&e->refusals, k) {
		struct refusal *r = LIST_ENTRY(k, struct refusal, link);
		message_unref(r->message);
		free(r);
	}
}

void upkeep_run(struct engine *e)
{
	struct link waiting, *first;
	uint32_t left = UPKEEP_TURN;
	list_init(&waiting);
	do {
		refusals_run(e);
		while (left && (first = list_first(&e->upkeep))) {
			struct queue *q = LIST_ENTRY(first, struct queue, upkeep);
			list_remove(first);
			if (list_linked(&q->active))
				list_push_back(&waiting, first); /* somebody is to be served first */
			else
				queue_look(q, &left);
		}
	} while (!list_empty(&e->refusals));
	list_splice_back(&e->upkeep, &waiting);
}

void upkeep_due(struct engine *e)
{
	struct heap_node *n;
	while ((n = heap_min(&e->expiries)) && n->key <= (uint64_t)e->now.wall_ms) {
		heap_pop(&e->expiries);
		queue_upkeep_want(HEAP_ENTRY(n, struct queue, expiry));
	}
	while ((n = heap_min(&e->unused)) && n->key <= (uint64_t)e->now.mono_ms) {
		struct queue *q = HEAP_ENTRY(n, struct queue, unused);
		if (list_empty(&q->receives))
			queue_destroy(q, REMOVED_QUEUE_DELETED, NULL);
		else
			queue_used(q);
	}
}

void queue_upkeep_end(struct queue *q)
{
	q->kept = false;
	list_remove(&q->upkeep);
	heap_remove(&q->engine->expiries, &q->expiry);
	heap_remove(&q->engine->unused, &q->unused);
}

/* rabbitmq.md 3.14 */
void queue_used(struct queue *q)
{
	struct engine *e = q->engine;
	heap_remove(&e->unused, &q->unused);
	if (q->effective.expires_ms && !q->n_consumers && !q->deleted)
		heap_push(&e->unused, &q->unused, (uint64_t)(e->now.mono_ms + q->effective.expires_ms));
}

/* ---- queues that refuse ---- */

/* Full, once those who wait have been given what is there already. */
static bool is_full(struct queue *q, const struct message *m)
{
	const struct queue_effective *f = &q->effective;
	if (f->overflow == OVERFLOW_DROP_HEAD ||
	    (f->length_max == QUEUE_UNLIMITED && f->bytes_max == QUEUE_UNLIMITED))
		return false;
	uint64_t ready = q->n_ready < UINT32_MAX ? q->n_ready : UINT32_MAX;
	uint64_t taken = waiters_demand(q, (uint32_t)ready);
	uint64_t bytes = taken < ready ? ready_bytes(q) : 0;
	return ready - (taken < ready ? taken : ready) + 1 > most(f->length_max) ||
	       bytes + body_bytes(m->body) > most(f->bytes_max);
}

bool queue_accepts(struct queue *q, struct message *m, struct publish *p)
{
	if (!is_full(q, m))
		return true;
	if (p)
		p->rejected = true;
	if (q->effective.overflow == OVERFLOW_REJECT_DEAD_LETTER) {
		struct refusal *r = mem_zalloc(sizeof(*r));
		r->queue = q->uid;
		r->message = message_ref(m);
		list_push_back(&q->engine->refusals, &r->link);
	}
	return false;
}
