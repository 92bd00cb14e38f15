/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits at a queue, a ring for each consumer priority (rabbitmq.md 3.20): the
 * highest one that has somebody is served, in turn within it. Receives stand at
 * priority 0, whose ring lies in the queue; that is the only one almost always. */
#include <stdlib.h>

#include "engine/engine_priv.h"

static void ring_init(struct ring *g, int64_t priority)
{
	g->priority = priority;
	list_init(&g->link);
	list_init(&g->waiters);
	list_init(&g->all);
}

void rings_init(struct queue *q)
{
	list_init(&q->rings);
	list_init(&q->more_rings);
	ring_init(&q->ring, 0);
}

static struct ring *ring_find(struct queue *q, int64_t priority)
{
	if (!priority)
		return &q->ring;
	LIST_EACH(&q->more_rings, k) {
		struct ring *g = LIST_ENTRY(k, struct ring, all);
		if (g->priority == priority)
			return g;
	}
	return NULL;
}

struct ring *ring_ref(struct queue *q, int64_t priority)
{
	struct ring *g = ring_find(q, priority);
	if (!g) {
		g = mem_zalloc(sizeof(*g));
		ring_init(g, priority);
		list_push_back(&q->more_rings, &g->all);
	}
	g->n_consumers++;
	return g;
}

void ring_unref(struct ring *g)
{
	if (--g->n_consumers || !g->priority)
		return;
	must(list_empty(&g->waiters));
	list_remove(&g->all);
	free(g);
}

/* It has its first waiter. */
static void ring_enter(struct queue *q, struct ring *g)
{
	struct link *at = q->rings.next;
	while (at != &q->rings && LIST_ENTRY(at, struct ring, link)->priority > g->priority)
		at = at->next;
	list_insert_before(at, &g->link);
}

void waiter_enter(struct queue *q, struct waiter *w)
{
	if (list_linked(&w->link))
		return;
	if (list_empty(&w->ring->waiters))
		ring_enter(q, w->ring);
	list_push_back(&w->ring->waiters, &w->link);
}

void waiter_turn(struct waiter *w)
{
	list_remove(&w->link);
	list_push_back(&w->ring->waiters, &w->link);
}

void waiter_leave(struct waiter *w)
{
	list_remove(&w->link);
	if (list_empty(&w->ring->waiters))
		list_remove(&w->ring->link);
}

struct waiter *waiter_first(const struct queue *q)
{
	struct link *g = list_first(&q->rings);
	return g ? LIST_ENTRY(list_first(&LIST_ENTRY(g, struct ring, link)->waiters), struct waiter, link) : NULL;
}
