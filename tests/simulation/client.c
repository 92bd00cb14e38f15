/* SPDX-License-Identifier: Apache-2.0 */
/* What clients do: publish, take, settle, go away. */
#include "sim.h"

void do_open(struct sim *s, struct sim_peer *p)
{
	memset(p, 0, sizeof(*p));
	p->aws = chance(s, 30);
	peer_open(&p->p, &s->rig, p->aws ? SESSION_AWS : SESSION_AMQP091);
	p->open = true;
	for (int q = 0; q < QUEUES; q++)
		first_forget_queue(p, q);
}

void do_close(struct sim *s, struct sim_peer *p)
{
	look(s);
	sim_trace(s, "peer %d closes", (int)(p - s->peers));
	peer_close(&p->p, chance(s, 50) ? CLOSE_LOST : CLOSE_ORDERLY);
	p->open = false;
	for (int i = 0; i < p->n_leases; i++) {
		struct copy *c = copy_of(s, p->leases[i].message, p->leases[i].queue);
		if (c->lease == p->leases[i].lease)
			c->held = HELD_NOBODY;
	}
	for (int i = 0; i < p->n_asked; i++) {
		const struct asked *a = &p->asked[i];
		if (a->verb == ASK_BIND)
			s->bound[a->topic][a->pattern][a->queue] = BOUND_UNKNOWN;
	}
	p->n_leases = p->n_asked = 0;
	p->credit = 0;
	/* What a dropped receive, or a get, had taken goes back as if never handed out. */
	first_forget(s);
	queues_look(s);
}

static struct message *message_make(struct sim *s, int id, bool durable)
{
	char body[400];
	snprintf(body, sizeof(body), "%d %*d", id, (int)pick(s, 300), 7);
	return rig_message(&s->rig, body, durable);
}

static struct copy *sent(struct sim *s, int id, int queue, bool durable, int path)
{
	struct copy *c = &s->copies[id][queue];
	*c = (struct copy){.sent = true, .durable = durable && queue < Q_TRANSIENT, .path = s->o.wide ? path : 0};
	return c;
}

static void publish_topic(struct sim *s, struct sim_peer *p, struct message *m, int id, int topic)
{
	int key = (int)pick(s, PATTERNS);
	for (int q = 0; q < QUEUES; q++) {
		enum bound b = route_of(s, topic, key, q);
		if (b != BOUND_NO)
			sent(s, id, q, m->durable, PATH_TOPIC + topic)->unsure = b != BOUND_YES;
	}
	engine_publish(s->rig.engine, p->p.session, view_str(TOPIC[topic]), view_str(ROUTING_KEY[topic][key]), m,
		       PUBLISH_CONFIRM, (uint64_t)id);
}

static void publish_fanout(struct sim *s, struct sim_peer *p, struct message *m, int id)
{
	for (int q = 0; q < QUEUES; q++)
		if (s->exists[q] && q != Q_MINE)
			sent(s, id, q, m->durable, PATH_ALL);
	engine_publish(s->rig.engine, p->p.session, VIEW("all"), VIEW("k"), m, PUBLISH_CONFIRM, (uint64_t)id);
}

static void send_one(struct sim *s, struct sim_peer *p, struct message *m, int id)
{
	int q;
	do
		q = (int)pick(s, QUEUES);
	while (!s->exists[q]);
	int64_t delay_ms = chance(s, 10) ? 1 + (int64_t)pick(s, 4000) : -1;
	sent(s, id, q, m->durable, PATH_SENT);
	if (delay_ms > 0) {
		s->copies[id][q].delayed = true;
		s->copies[id][q].due_ms = s->rig.now.wall_ms + delay_ms;
	}
	engine_send(s->rig.engine, p->p.session, view_str(QUEUE[q]), m, PUBLISH_CONFIRM, delay_ms, (uint64_t)id);
}

static void do_publish(struct sim *s, struct sim_peer *p)
{
	if (s->n_messages == MESSAGES_MAX)
		return;
	int id = s->n_messages++;
	struct message *m = message_make(s, id, chance(s, 75));
	uint64_t how = pick(s, 100);
	engine_time(s->rig.engine, s->rig.now);
	if (how < 25)
		publish_fanout(s, p, m, id);
	else if (how < 45)
		publish_topic(s, p, m, id, (int)pick(s, BIND_TOPICS));
	else
		send_one(s, p, m, id);
	message_unref(m);
}

static void do_consume(struct sim *s, struct sim_peer *p)
{
	struct asked *a = p->credit ? NULL : ask(s, p, ASK_CONSUME);
	if (!a)
		return;
	p->queue = (int)pick(s, QUEUES);
	p->no_ack = chance(s, 20);
	p->credit = 1 + (uint32_t)pick(s, 20);
	engine_consume(s->rig.engine, p->p.session, a->cmd,
		       &(struct consumer_spec){.queue = view_str(QUEUE[p->queue]), .credit = p->credit,
					       .no_ack = p->no_ack, .exclusive = chance(s, 10)});
}

static void do_cancel(struct sim *s, struct sim_peer *p)
{
	struct asked *a = p->consumer ? ask(s, p, ASK_OTHER) : NULL;
	if (!a)
		return;
	engine_cancel(s->rig.engine, p->p.session, a->cmd, p->consumer);
	p->consumer = 0;
	p->credit = 0;
	queues_look(s);
}

static void do_get(struct sim *s, struct sim_peer *p)
{
	struct asked *a = p->n_leases < LEASES_MAX / 2 ? ask(s, p, ASK_OTHER) : NULL;
	if (a)
		engine_get(s->rig.engine, p->p.session, a->cmd, view_str(QUEUE[pick(s, QUEUES)]), chance(s, 30));
}

static void do_settle(struct sim *s, struct sim_peer *p)
{
	if (!p->n_leases)
		return;
	int i = (int)pick(s, (uint64_t)p->n_leases);
	struct lease_note l = p->leases[i];
	struct copy *c = copy_of(s, l.message, l.queue);
	bool release = chance(s, 30);
	enum outcome_kind kind = release ? OUTCOME_RELEASE : chance(s, 80) ? OUTCOME_ACCEPT : OUTCOME_DEAD_LETTER;
	peer_settle(&p->p, l.lease, kind, release && chance(s, 50));
	if (c->lease == l.lease) {
		c->held = HELD_NOBODY;
		if (!release && !c->settled)
			copy_removed(s, c, 0);
	}
	p->leases[i] = p->leases[--p->n_leases];
}

static void do_stuck(struct sim *s, struct sim_peer *p)
{
	p->stuck = !p->stuck;
	engine_connection_writable(s->rig.engine, p->p.conn, !p->stuck);
}

static void do_receive(struct sim *s, struct sim_peer *p)
{
	struct asked *a = ask(s, p, ASK_RECEIVE);
	if (!a)
		return;
	engine_receive(s->rig.engine, p->p.session, a->cmd, view_str(QUEUE[pick(s, QUEUES)]),
		       1 + (uint32_t)pick(s, 10), chance(s, 50) ? 500 : 0, 5000);
}

static void do_receive_cancel(struct sim *s, struct sim_peer *p)
{
	for (int i = 0; i < p->n_asked; i++)
		if (p->asked[i].verb == ASK_RECEIVE) {
			uint64_t cmd = p->asked[i].cmd;
			engine_receive_cancel(s->rig.engine, p->p.session, cmd);
			asked_forget(p, cmd);
			return;
		}
}

static bool receipt_pick(struct sim *s, struct held_receipt *h)
{
	int n = s->n_receipts < RECEIPTS_MAX ? s->n_receipts : RECEIPTS_MAX;
	if (n)
		*h = s->receipts[pick(s, (uint64_t)n)];
	return n > 0;
}

/* The answer never reached the peer. */
static void do_undo(struct sim *s, struct sim_peer *p)
{
	struct held_receipt h;
	if (!receipt_pick(s, &h))
		return;
	settle(s);
	struct copy *c = copy_of(s, h.message, h.queue);
	if (!h.lease || c->held != HELD_RECEIVE || c->lease != h.lease)
		return;
	engine_receive_undo(s->rig.engine, p->p.session, &h.lease, 1);
	c->held = HELD_NOBODY;
	c->delivered = false;
	first_forget(s);
}

/* Deletes or extends by a receipt of any age; awaited, because in between the
 * model would not know who holds the message. */
static void do_receipt(struct sim *s, struct sim_peer *p)
{
	struct held_receipt h;
	if (!receipt_pick(s, &h))
		return;
	settle(s);
	bool delete = chance(s, 70);
	struct asked *a = ask(s, p, delete ? ASK_DELETE : ASK_EXTEND);
	if (!a)
		return;
	const struct copy *c = copy_of(s, h.message, h.queue);
	a->message = h.message;
	a->queue = h.queue;
	a->by_session = c->held == HELD_CONSUMER;
	/* Far enough from its end that a remote store gets it in time. */
	a->current = c->held == HELD_RECEIVE && c->lease == h.lease && c->until_ms > s->rig.now.mono_ms + 1000;
	if (delete)
		engine_settle_ref(s->rig.engine, p->p.session, a->cmd, view_str(QUEUE[h.queue]), &h.receipt,
				  &(struct outcome){.kind = OUTCOME_ACCEPT});
	else
		engine_extend_ref(s->rig.engine, p->p.session, a->cmd, view_str(QUEUE[h.queue]), &h.receipt, 5000);
	settle(s);
}

static void aws_step(struct sim *s, struct sim_peer *p, uint64_t what)
{
	if (what < 50)
		do_receive(s, p);
	else if (what < 85)
		do_receipt(s, p);
	else if (what < 92)
		do_undo(s, p);
	else
		do_receive_cancel(s, p);
}

static void amqp_step(struct sim *s, struct sim_peer *p, uint64_t what)
{
	if (what < 20)
		do_consume(s, p);
	else if (what < 75)
		do_settle(s, p);
	else if (what < 85)
		do_get(s, p);
	else if (what < 90)
		do_cancel(s, p);
	else
		do_stuck(s, p);
}

void client_step(struct sim *s, struct sim_peer *p)
{
	uint64_t what = pick(s, 100);
	if (what < 42)
		do_publish(s, p);
	else if (p->aws)
		aws_step(s, p, pick(s, 100));
	else
		amqp_step(s, p, pick(s, 100));
}
