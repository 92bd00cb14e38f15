/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets what (engine.md §4): all waiters of a queue, consumers with credit
 * and receives, stand in a ring for each priority (ring.c) and take one entry each
 * in turn. While a queue has a sole consumer, exclusive or single active, only that
 * one and basic.get take. Runs in the ENGINE phase only, over queues that have both
 * entries and waiters. */
#include "engine/engine_priv.h"

void queue_poke(struct queue *q)
{
	if (list_linked(&q->active) || list_empty(&q->rings))
		return;
	if (q->n_ready || q->remote)
		list_push_back(&q->engine->active, &q->active);
}

void waiter_join(struct queue *q, struct waiter *w)
{
	waiter_enter(q, w);
	queue_poke(q);
}

/* While it is another one's queue nobody else's turn comes (rabbitmq.md 3.21, 4.12). */
static bool sole_other(const struct consumer *c)
{
	return c->queue->sole_consumer && c->queue->sole_consumer != slot_id(&c->slot);
}

bool consumer_may(const struct consumer *c)
{
	const struct session *s = c->session;
	if (!c->active || s->stuck || !s->connection->writable || list_linked(&s->connection->sated) ||
	    sole_other(c))
		return false;
	return c->no_ack || (c->held < c->limit && s->shared_held < s->shared_limit);
}

void consumer_poke(struct consumer *c)
{
	if (consumer_may(c))
		waiter_join(c->queue, &c->waiter);
}

static void handed(struct entry *en)
{
	struct queue *q = en->queue;
	q->engine->counters.delivered++;
	if (en->stored != STORED_NEVER && en->pos > q->handed_up_to) {
		q->handed_up_to = en->pos;
		journal_row(q);
	}
}

/* Who stands behind c, of its session and of its connection, is the first to be poked
 * when there may be more. */
static void turn_pass(struct consumer *c)
{
	struct session *s = c->session;
	list_remove(&s->consumers);
	list_insert_before(c->session_link.next, &s->consumers);
	list_remove(&s->connection->sessions);
	list_insert_before(s->link.next, &s->connection->sessions);
}

/* The socket gate counts bytes once they are written, which is when the event is
 * raised: until then a connection gets no more than this. */
static void handed_count(struct consumer *c, const struct message *m, struct engine *e)
{
	struct connection *conn = c->session->connection;
	conn->handed += message_cost(m);
	if (conn->handed < e->options.deliver_bytes || list_linked(&conn->sated))
		return;
	list_push_back(&e->sated, &conn->sated);
	turn_pass(c);
}

void sated_resume(struct engine *e)
{
	struct link *first;
	while ((first = list_first(&e->sated))) {
		struct connection *c = LIST_ENTRY(first, struct connection, sated);
		list_remove(first);
		c->handed = 0;
		connection_poke(c);
	}
}

/* The entry has just been taken out of its place. */
void consumer_hand(struct consumer *c, struct entry *en)
{
	struct engine *e = en->queue->engine;
	struct lease *l = lease_new(en, c->session, slot_id(&c->slot));
	c->held++;
	c->session->shared_held++;
	if (en->delivered < UINT16_MAX)
		en->delivered++;
	handed(en);
	handed_count(c, en->message, e);
	struct note *n = note_new(e, EVENT_DELIVERED);
	n->session = slot_id(&c->session->slot);
	n->id = slot_id(&c->slot);
	n->lease = slot_id(&l->slot);
	n->no_ack = c->no_ack;
	note_push(e, n);
}

void receive_take(struct receive *r, struct entry *en)
{
	struct engine *e = en->queue->engine;
	uint16_t *counter = r->get ? &en->delivered : &en->received;
	struct lease *l = lease_new(en, r->get ? r->session : NULL, 0);
	if (*counter < UINT16_MAX)
		(*counter)++;
	if (!r->get) {
		l->receive = en->received;
		if (!en->first_received_ms)
			en->first_received_ms = e->now.wall_ms;
		lease_deadline(l, r->lease_ms);
		if (en->stored != STORED_REMOTE)
			entry_index(en);
	}
	handed(en);
	r->remains = en->queue->n_ready;
	r->leases[r->got++] = slot_id(&l->slot);
	if (!list_linked(&r->answering))
		list_push_back(&e->answering, &r->answering);
}

bool receives_full(const struct queue *q)
{
	return q->n_received_leased >= q->engine->options.in_flight_max;
}

/* While there is a sole consumer ReceiveMessage gets nothing (engine.md §4),
 * nor past the most that may be in flight (sqs-sns.md §4). */
bool receive_may(const struct receive *r)
{
	return r->get || (!r->queue->sole_consumer && !receives_full(r->queue));
}

static bool waiter_may(const struct waiter *w)
{
	return w->is_receive ? receive_may(LIST_ENTRY(w, struct receive, waiter))
			     : consumer_may(LIST_ENTRY(w, struct consumer, waiter));
}

void receives_resume(struct queue *q)
{
	LIST_EACH(&q->receives, k) {
		struct receive *r = LIST_ENTRY(k, struct receive, queue_link);
		if (r->got < r->want)
			waiter_join(q, &r->waiter);
	}
}

/* Out of the ring until something changes; who cannot wait for that is answered. */
static void waiter_drop(struct waiter *w)
{
	struct receive *r = LIST_ENTRY(w, struct receive, waiter);
	waiter_leave(w);
	if (w->is_receive && !r->waits && !r->got)
		receive_answer(r);
}

/* The next able waiter; NULL when there is none. */
static struct waiter *waiter_next(struct queue *q)
{
	struct waiter *w;
	while ((w = waiter_first(q)) && !waiter_may(w))
		waiter_drop(w);
	return w;
}

/* After its share: in turn again, or out until something changes. */
static void waiter_served(struct waiter *w, bool more)
{
	if (more)
		waiter_turn(w);
	else
		waiter_leave(w);
}

bool waiter_serve(struct queue *q, struct entry *en)
{
	struct waiter *w = waiter_next(q);
	if (!w)
		return false;
	if (!w->is_receive) {
		struct consumer *c = LIST_ENTRY(w, struct consumer, waiter);
		consumer_hand(c, en);
		waiter_served(w, consumer_may(c));
		return true;
	}
	struct receive *r = LIST_ENTRY(w, struct receive, waiter);
	receive_take(r, en);
	waiter_served(w, r->got < r->want);
	return true;
}

static uint32_t waiter_demand(struct waiter *w, uint32_t max)
{
	if (w->is_receive) {
		struct receive *r = LIST_ENTRY(w, struct receive, waiter);
		return r->want - r->got;
	}
	struct consumer *c = LIST_ENTRY(w, struct consumer, waiter);
	return c->no_ack || c->limit - c->held > max ? max : c->limit - c->held;
}

uint32_t waiters_demand(struct queue *q, uint32_t max)
{
	uint32_t want = 0;
	LIST_EACH(&q->rings, g) {
		LIST_EACH(&LIST_ENTRY(g, struct ring, link)->waiters, l) {
			struct waiter *w = LIST_ENTRY(l, struct waiter, link);
			want += waiter_may(w) ? waiter_demand(w, max) : 0;
			if (want >= max)
				return max;
		}
	}
	return want;
}

void waiters_empty(struct queue *q)
{
	LIST_EACH(&q->ring.waiters, l) { /* receives stand nowhere else */
		struct waiter *w = LIST_ENTRY(l, struct waiter, link);
		struct receive *r = LIST_ENTRY(w, struct receive, waiter);
		if (w->is_receive && !r->waits && !r->got)
			receive_answer(r);
	}
}

/* true: there is more to do for this queue at once. */
static bool queue_dispatch(struct queue *q, uint32_t *budget)
{
	if (q->remote) {
		remote_want(q);
		return false;
	}
	while (!list_empty(&q->rings)) {
		struct entry *en = lane_first(&q->lane);
		if (!en) {
			lane_want(q);
			if (!lane_is_paged(&q->lane))
				waiters_empty(q);
			return false;
		}
		if (!*budget)
			return true;
		--*budget;
		if (!entry_retained(en)) {
			entry_remove(en, REMOVED_RETENTION);
			continue;
		}
		if (entry_expired(en)) {
			if (!dead_letter(en, DEATH_EXPIRED))
				return false;
			continue;
		}
		if (!waiter_next(q))
			return false;
		if (redrive_due(en)) {
			if (!redrive(en))
				return false;
			continue;
		}
		lane_take_out(en);
		q->n_ready--;
		waiter_serve(q, en);
	}
	lane_want(q);
	return false;
}

void dispatch_run(struct engine *e)
{
	struct link *first;
	bool spent = false;
	while (!spent && (first = list_first(&e->active))) {
		struct queue *q = LIST_ENTRY(first, struct queue, active);
		list_remove(first);
		if (queue_dispatch(q, &e->deliver_left)) {
			list_push_back(&e->active, first); /* the others are before it in the next turn */
			spent = e->more = true;
		}
	}
	while ((first = list_first(&e->answering)))
		receive_answer(LIST_ENTRY(first, struct receive, answering));
}

void receives_expire(struct engine *e)
{
	struct heap_node *n;
	while ((n = heap_min(&e->receive_deadlines)) && n->key <= (uint64_t)e->now.mono_ms)
		receive_answer(HEAP_ENTRY(n, struct receive, deadline));
}
