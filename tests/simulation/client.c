/* SPDX-License-Identifier: Apache-2.0 */
/* What clients do: publish, take, settle, go away. */
#include "mapping/sqs_attributes.h"
#include "sim.h"

void do_open(struct sim *s, struct sim_peer *p)
{
	memset(p, 0, sizeof(*p));
	p->aws = chance(s, 30);
	peer_open(&p->p, &s->rig, p->aws ? SESSION_AWS : SESSION_AMQP091);
	p->open = true;
	if (!p->aws && chance(s, 30)) {
		p->tx = true;
		engine_tx_begin(s->rig.engine, p->p.session, 1);
		engine_tx_use(s->rig.engine, p->p.session, 1);
	}
	for (int q = 0; q < QUEUES; q++)
		first_forget_queue(p, q);
}

void do_close(struct sim *s, struct sim_peer *p)
{
	look(s);
	sim_trace(s, "peer %d closes", (int)(p - s->peers));
	tx_cut(s, p);
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
		if (a->verb == ASK_SUBSCRIBE) {
			s->subscribed[a->topic][a->queue].is = BOUND_UNKNOWN;
			s->subscribed[a->topic][a->queue].asking = false;
		}
	}
	p->n_leases = p->n_asked = p->n_staged = 0;
	p->credit = 0;
	p->consumer = 0;
	/* What a dropped receive, or a get, had taken goes back as if never handed out. */
	first_forget(s);
	queues_look(s);
}

/* As SQS sends it, with its number modulo three as an attribute. */
static struct message *message_make(struct sim *s, int id, bool durable)
{
	char body[400], residue[2] = {(char)('0' + id % 3), 0};
	const struct sqs_attributes at = {.v = {{VIEW("n"), VIEW("Number"), view_str(residue)}}, .n = 1};
	struct buf raw;
	uint8_t uuid[16];
	rng_uuid(&s->rig.rng, uuid);
	buf_init(&raw, 256);
	sqs_attributes_encode(&at, &raw);
	snprintf(body, sizeof(body), "%d %*d", id, (int)pick(s, 300), 7);
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_SQS, .durable = durable, .id = uuid,
							       .sent_ms = s->rig.now.wall_ms,
							       .user = VIEW("guest"), .raw = buf_view(&raw)},
					body_of(view_str(body)));
	buf_fini(&raw);
	return m;
}

static struct copy *sent(struct sim *s, const struct publish_plan *p, int queue, uint64_t group)
{
	struct copy *c = &s->copies[p->id][queue];
	*c = (struct copy){.sent = true, .durable = p->durable && queue < Q_TRANSIENT, .form = FORM_RAW, .group = group};
	if (s->o.wide)
		c->path = p->queue != PLAN_TOPIC ? PATH_SENT : p->topic == TOPIC_ALL ? PATH_ALL : PATH_TOPIC + p->topic;
	return c;
}

static void sent_queue(struct sim *s, const struct publish_plan *p, uint64_t group)
{
	if (!s->exists[p->queue])
		return; /* gone since it was staged */
	struct copy *c = sent(s, p, p->queue, group);
	c->delayed = p->delay_ms > 0;
	if (c->delayed)
		c->due_ms = s->rig.now.wall_ms + p->delay_ms;
}

/* Bindings first: what they match comes as it is. */
static void sent_topic(struct sim *s, const struct publish_plan *p, int queue, uint64_t group)
{
	enum form form;
	enum bound b = route_of(s, p->topic, p->key, queue), by = subscription_of(s, p->topic, p->id, queue, &form);
	if (b == BOUND_NO && by == BOUND_NO)
		return;
	struct copy *c = sent(s, p, queue, group);
	c->unsure = b != BOUND_YES && by != BOUND_YES;
	if (b != BOUND_YES)
		c->form = b == BOUND_UNKNOWN ? FORM_ANY : form;
}

void publish_sent(struct sim *s, const struct publish_plan *p, uint64_t group)
{
	s->order[p->id] = s->next_order++;
	if (p->queue != PLAN_TOPIC) {
		sent_queue(s, p, group);
		return;
	}
	for (int q = 0; q < QUEUES; q++)
		if (p->topic != TOPIC_ALL)
			sent_topic(s, p, q, group);
		else if (s->exists[q] && q != Q_MINE)
			sent(s, p, q, group);
}

bool envelopes_refuse(struct sim *s, int first, uint64_t group)
{
	bool wrapped = false;
	for (int m = first; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			const struct copy *c = &s->copies[m][q];
			if (!c->sent || c->group != group)
				continue;
			if (c->form == FORM_ANY)
				return false; /* who knows */
			wrapped |= c->form == FORM_WRAPPED;
		}
	/* Those of a wide one are made in its turns. */
	if (!wrapped || s->o.wide || !chance(s, 10))
		return false;
	s->envelopes.fail = s->envelopes.made + 1;
	return true;
}

static void publish_refuse(struct sim *s, int id)
{
	s->refused[id] = true;
	for (int q = 0; q < QUEUES; q++)
		s->copies[id][q].sent = false;
}

static struct publish_plan plan_make(struct sim *s)
{
	struct publish_plan p = {.id = s->n_messages++, .queue = PLAN_TOPIC, .delay_ms = -1, .durable = chance(s, 75)};
	uint64_t how = pick(s, 100);
	if (how < 25) {
		p.topic = TOPIC_ALL;
	} else if (how < 55) {
		p.topic = (int)pick(s, BIND_TOPICS);
		p.key = (int)pick(s, PATTERNS);
	} else {
		do
			p.queue = (int)pick(s, QUEUES);
		while (!s->exists[p.queue]);
		p.delay_ms = chance(s, 10) ? 1 + (int64_t)pick(s, 4000) : -1;
	}
	return p;
}

static void do_publish(struct sim *s, struct sim_peer *p)
{
	if (s->n_messages == MESSAGES_MAX || (p->tx && p->n_staged == STAGED_MAX))
		return;
	struct publish_plan plan = plan_make(s);
	struct engine *e = s->rig.engine;
	struct message *m = message_make(s, plan.id, plan.durable);
	if (!m)
		return; /* its body could not be written: the head says so, and nobody else hears of it */
	unsigned flags = p->tx ? 0 : PUBLISH_CONFIRM;
	bool all = plan.topic == TOPIC_ALL;
	engine_time(e, s->rig.now);
	if (p->tx)
		p->staged[p->n_staged++] = plan;
	else
		publish_sent(s, &plan, 0);
	if (!p->tx && envelopes_refuse(s, plan.id, 0))
		publish_refuse(s, plan.id);
	if (plan.queue != PLAN_TOPIC)
		engine_send(e, p->p.session, view_str(QUEUE[plan.queue]), m, flags, plan.delay_ms, (uint64_t)plan.id);
	else
		engine_publish(e, p->p.session, all ? VIEW("all") : view_str(TOPIC[plan.topic]),
			       all ? VIEW("k") : view_str(ROUTING_KEY[plan.topic][plan.key]), m, flags,
			       (uint64_t)plan.id);
	s->envelopes.fail = 0;
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
	p->priority = chance(s, 60) ? 0 : (int64_t)pick(s, 3) - 1;
	engine_consume(s->rig.engine, p->p.session, a->cmd,
		       &(struct consumer_spec){.queue = view_str(QUEUE[p->queue]), .credit = p->credit,
					       .no_ack = p->no_ack, .exclusive = chance(s, 10),
					       .priority = p->priority});
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
	struct lease_note *l = &p->leases[i];
	struct copy *c = copy_of(s, l->message, l->queue);
	if (l->staged || l->commit)
		return;
	bool release = chance(s, 30);
	enum outcome_kind kind = release ? OUTCOME_RELEASE : chance(s, 80) ? OUTCOME_ACCEPT : OUTCOME_DEAD_LETTER;
	peer_settle(&p->p, l->lease, kind, release && chance(s, 50));
	if (p->tx) {
		l->staged = true;
		l->kind = kind;
		return;
	}
	if (c->lease == l->lease) {
		c->held = HELD_NOBODY;
		if (!release && !c->settled)
			copy_removed(s, c, 0);
	}
	*l = p->leases[--p->n_leases];
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
	else if (p->tx && what < 30)
		tx_step(s, p);
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
