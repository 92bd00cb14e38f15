/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of engine_priv.h, recounted. Costs a walk over everything that
 * is resident: for tests, simulations and fuzzers. */
#include "engine/engine_priv.h"

struct recount {
	uint64_t ready, leased, delayed, pending, stored, bytes, stored_body, ready_body;
	uint64_t last_pos;
};

static void count_entry(struct recount *c, const struct queue *q, const struct entry *en)
{
	must(en->queue == q && en->message);
	bool stored = en->stored != STORED_NEVER && en->stored != STORED_REMOTE && !en->uncounted;
	uint64_t body = body_bytes(en->message->body);
	c->stored += stored;
	c->stored_body += stored ? body : 0;
	c->ready_body += en->state == ENTRY_READY ? body : 0;
	c->bytes += message_cost(en->message);
	must(!en->indexed || map64_find(&q->engine->by_pos, en->pos) == en);
	must((en->stored == STORED_UNSENT || en->stored == STORED_IN_BATCH) == (en->dest != NULL));
	must(!en->dest || en->dest->ctx == en);
	must((en->state == ENTRY_LEASED) == (en->lease != NULL));
	must(!en->lease || en->lease->entry == en);
}

static void count_ready(struct recount *c, const struct queue *q)
{
	const struct lane *l = &q->lane;
	const struct link *lists[] = {&l->ready, &l->after};
	uint64_t window = 0;
	for (size_t i = 0; i < 2; i++) {
		c->last_pos = 0;
		for (const struct link *k = lists[i]->next; k != lists[i]; k = k->next) {
			const struct entry *en = LIST_ENTRY(k, struct entry, link);
			must(en->state == ENTRY_READY && en->pos > c->last_pos);
			must(i || !l->behind_n || en->pos <= l->behind_from);
			c->last_pos = en->pos;
			window += en->in_window;
			c->ready++;
			count_entry(c, q, en);
		}
	}
	for (size_t i = 0; i < l->returned.n; i++) {
		const struct entry *en = HEAP_ENTRY(l->returned.v[i], struct entry, back);
		must(en->state == ENTRY_READY);
		window += en->in_window;
		c->ready++;
		count_entry(c, q, en);
	}
	must(window == l->window_n);
}

static void check_queue(const struct queue *q)
{
	struct recount c = {0};
	uint64_t out = 0;
	count_ready(&c, q);
	for (const struct link *k = q->leased.next; k != &q->leased; k = k->next) {
		must(LIST_ENTRY(k, struct entry, link)->state == ENTRY_LEASED);
		c.leased++;
		count_entry(&c, q, LIST_ENTRY(k, struct entry, link));
	}
	for (size_t i = 0; i < q->due.n; i++) {
		const struct entry *en = HEAP_ENTRY(q->due.v[i], struct entry, due);
		must(en->state == ENTRY_DELAYED);
		c.delayed++;
		count_entry(&c, q, en);
	}
	for (const struct link *k = q->pending.next; k != &q->pending; k = k->next) {
		must(LIST_ENTRY(k, struct entry, link)->state == ENTRY_PENDING);
		c.pending++;
		count_entry(&c, q, LIST_ENTRY(k, struct entry, link));
	}
	must(q->n_pending == c.pending);
	must(q->n_ready == c.ready + q->lane.behind_n + q->lane.spilled.n);
	must(q->n_leased == c.leased && q->n_delayed >= c.delayed);
	if (q->remote)
		return;
	uint64_t unread = q->n_delayed - c.delayed; /* the delayed lane is still being read */
	must(q->stored_n == c.stored + q->lane.behind_n + unread);
	must(q->lane.behind_n || q->lane.spilled.n || unread || (q->bytes == c.bytes && q->stored_body == c.stored_body));
	must(q->lane.ready_body == c.ready_body);
	const struct entry *first = lane_first(&q->lane); /* E10 */
	must(!first || !first->deadline_ms || list_linked(&q->upkeep) || heap_has(&q->expiry));
	for (int i = 0; i < REMOVAL_REASONS; i++)
		out += q->out[i];
	must(q->in == out + q->n_ready + q->n_leased + q->n_delayed + q->n_pending);
}

/* E11 */
static void check_rings(const struct queue *q)
{
	uint32_t consumers = 0, sole = 0;
	int64_t above = 0;
	for (const struct link *g = q->rings.next; g != &q->rings; g = g->next) {
		const struct ring *r = LIST_ENTRY(g, struct ring, link);
		must(!list_empty(&r->waiters) && (g == q->rings.next || r->priority < above));
		above = r->priority;
	}
	above = INT64_MAX;
	for (const struct link *k = q->consumers.next; k != &q->consumers; k = k->next) {
		const struct consumer *c = LIST_ENTRY(k, struct consumer, queue_link);
		must(c->waiter.ring->priority <= above);
		above = c->waiter.ring->priority;
		consumers++;
		sole += slot_id(&c->slot) == q->sole_consumer;
	}
	must(consumers == q->n_consumers && sole == (q->sole_consumer != 0));
	must(!q->effective.single_active || !consumers || sole);
}

static void check_consumers(const struct engine *e)
{
	uint32_t at = 0;
	const struct session *s;
	while ((s = slots_next(&e->sessions, &at))) {
		uint32_t shared = 0;
		for (const struct link *k = s->leases.next; k != &s->leases; k = k->next)
			shared += LIST_ENTRY(k, struct lease, session_link)->consumer != 0;
		must(shared == s->shared_held);
		for (const struct link *k = s->consumers.next; k != &s->consumers; k = k->next) {
			const struct consumer *c = LIST_ENTRY(k, struct consumer, session_link);
			uint32_t held = 0;
			for (const struct link *i = s->leases.next; i != &s->leases; i = i->next)
				held += LIST_ENTRY(i, struct lease, session_link)->consumer == slot_id(&c->slot);
			must(held == c->held);
		}
	}
}

/* E9 */
static void check_subscriptions(const struct engine *e)
{
	size_t at = 0, v_at = 0, of_vhosts = 0, of_topics = 0;
	uint64_t uid;
	struct subscription *s;
	struct topic *t;
	struct vhost *v;
	while ((s = map64_next(&e->subscriptions, &at, &uid))) {
		must(s->uid == uid && map64_find(&e->topics, s->topic->uid) == s->topic);
		must(mapv_find(&s->topic->vhost->subscriptions, view_str(s->id)) == s);
		must(subscription_find(s->topic, s->queue) == s);
	}
	at = 0;
	while ((t = map64_next(&e->topics, &at, &uid))) {
		must(!t->subscribers == !subscriptions_count(t));
		of_topics += subscriptions_count(t);
	}
	while ((v = mapv_next(&e->vhosts, &v_at)))
		of_vhosts += v->subscriptions.n;
	must(of_topics == e->subscriptions.n && of_vhosts == e->subscriptions.n);
}

void engine_check(const struct engine *e)
{
	size_t at = 0;
	uint64_t key, leases = 0, spilled = 0;
	const struct queue *q;
	while ((q = map64_next(&e->queues, &at, &key))) {
		check_queue(q);
		check_rings(q);
		leases += q->n_leases;
		spilled += q->lane.spilled.n;
	}
	must(spilled == e->spill.n);
	must(leases <= e->leases.live); /* ghosts of deleted queues are the rest */
	check_consumers(e);
	check_subscriptions(e);
}
