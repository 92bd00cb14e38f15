/* SPDX-License-Identifier: Apache-2.0 */
/* What events mean to the model. */
#include "sim.h"

enum { RECEIVE_MS = 5000, REMOTE_SETTLE_MS = 15000, SETTLE_TRIES = 50 };

const char *const QUEUE[QUEUES] = {"q.0", "q.1", "q.2", "auto", "transient", "mine"};

uint64_t pick(struct sim *s, uint64_t n)
{
	return rng_below(&s->rng, n);
}

bool chance(struct sim *s, unsigned percent)
{
	return pick(s, 100) < percent;
}

bool sim_remote(const struct sim *s)
{
	return s->o.kind == RIG_REMOTE;
}

bool sim_owned(const struct sim *s, int queue)
{
	return sim_remote(s) && queue < Q_TRANSIENT;
}

struct copy *copy_of(struct sim *s, int message, int queue)
{
	sim_must(s, message >= 0 && message < s->n_messages);
	return &s->copies[message][queue];
}

void first_forget_queue(struct sim_peer *p, int queue)
{
	for (int i = 0; i < PATHS; i++)
		p->first_seen[queue][i] = -1;
}

void first_forget(struct sim *s)
{
	for (int i = 0; i < PEERS; i++)
		for (int q = 0; q < QUEUES; q++)
			first_forget_queue(&s->peers[i], q);
}

void copy_removed(struct sim *s, struct copy *c, uint64_t key)
{
	c->settled = true;
	c->settled_ms = s->rig.now.mono_ms;
	c->held = HELD_NOBODY;
	c->by = key;
}

/* ---- questions and answers ---- */

struct asked *ask(struct sim *s, struct sim_peer *p, enum verb verb)
{
	if (p->n_asked == ASKED_MAX)
		return NULL;
	engine_time(s->rig.engine, s->rig.now);
	struct asked *a = &p->asked[p->n_asked++];
	*a = (struct asked){
		.cmd = ++p->p.cmd, .key = ++s->next_key, .verb = verb, .at_ms = s->rig.now.mono_ms};
	return a;
}

static int asked_find(const struct sim_peer *p, uint64_t cmd)
{
	int i = 0;
	while (i < p->n_asked && p->asked[i].cmd != cmd)
		i++;
	return i;
}

static void asked_take(struct sim_peer *p, int i)
{
	memmove(&p->asked[i], &p->asked[i + 1], (size_t)(--p->n_asked - i) * sizeof(*p->asked));
}

void asked_forget(struct sim_peer *p, uint64_t cmd)
{
	int i = asked_find(p, cmd);
	if (i < p->n_asked)
		asked_take(p, i);
}

static void removal_answered(struct sim *s, uint64_t key, bool ok)
{
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			struct copy *c = &s->copies[m][q];
			if (c->by != key)
				continue;
			c->by = 0;
			c->reported |= ok;
			c->unsure |= !ok;
		}
}

/* A remote store's delete by an old handle may be one of nothing (SQS standard). */
static void delete_answered(struct sim *s, const struct asked *a, enum code code)
{
	struct copy *c = copy_of(s, a->message, a->queue);
	bool sure = !sim_owned(s, a->queue) || (a->current && !s->o.loose);
	if (code == CODE_OK && sure)
		c->settled = c->reported = true;
	else if (code == CODE_OK || code == CODE_UNAVAILABLE)
		c->unsure = true;
	else
		return; /* of another queue, or none */
	c->settled_in = 0;
	/* A session that held it has a ghost now. */
	if (!a->by_session || c->reported || c->unsure)
		c->held = HELD_NOBODY;
}

static void answered(struct sim *s, struct sim_peer *p, const struct seen *e)
{
	int i = asked_find(p, e->cmd);
	sim_must(s, i < p->n_asked);      /* S10: once */
	sim_must(s, p->aws || i == 0);    /* S10: in order */
	struct asked a = p->asked[i];
	asked_take(p, i);
	sim_trace(s, "peer %d verb %d is answered %d (%s %d)", (int)(p - s->peers), (int)a.verb, (int)e->code,
		  QUEUE[a.queue], a.message);
	sim_must(s, e->code != CODE_UNAVAILABLE || s->faults || sim_remote(s) || a.refused);
	sim_must(s, e->code == CODE_UNAVAILABLE || !a.refused); /* S14 */
	switch (a.verb) {
	case ASK_CONSUME:
		p->consumer = e->consumer;
		if (e->code != CODE_OK)
			p->credit = 0;
		return;
	case ASK_DELETE:
		delete_answered(s, &a, e->code);
		return;
	case ASK_EXTEND:
		if (e->code == CODE_OK && !sim_owned(s, a.queue)) {
			struct copy *c = copy_of(s, a.message, a.queue);
			c->held = HELD_RECEIVE;
			c->delivered = true; /* in an earlier life, which may not be on disk */
			c->lease = 0;
			c->until_ms = a.at_ms + RECEIVE_MS;
		}
		return;
	case ASK_REMOVAL:
		removal_answered(s, a.key, e->code == CODE_OK);
		return;
	case ASK_BIND:
		s->binding[a.topic][a.pattern][a.queue] = false;
		if (e->code == CODE_UNAVAILABLE)
			s->bound[a.topic][a.pattern][a.queue] = BOUND_UNKNOWN;
		return;
	case ASK_COMMIT:
		tx_answered(s, p, &a, e->code == CODE_OK);
		return;
	case ASK_SUBSCRIBE:
		subscription_answered(s, &a, e);
		return;
	case ASK_RECEIVE:
	case ASK_OTHER:
		return;
	}
}

/* ---- messages ---- */

static int message_of(struct sim *s, const struct seen *e, int *queue)
{
	int message = -1;
	struct queue_stat st;
	sim_must(s, sscanf(e->body, "%d", &message) == 1);
	for (int q = 0; q < QUEUES; q++)
		if (engine_queue_stat(s->rig.engine, VIEW("/"), view_str(QUEUE[q]), &st) &&
		    st.uid == e->receipt.queue)
			*queue = q;
	return message;
}

static void handed_may(struct sim *s, struct copy *c, const struct seen *e, int queue)
{
	sim_must(s, c->sent);                           /* S11 */
	sim_must(s, c->due_ms <= s->rig.now.wall_ms);   /* S11 */
	sim_must(s, !c->vanished || s->after_crash || sim_remote(s)); /* S12 */
	if (s->o.loose && sim_owned(s, queue))
		return;
	if (c->held == HELD_RECEIVE && c->until_ms <= e->at_ms)
		c->held = HELD_NOBODY;
	if (c->held == HELD_COMMITTING)
		c->held = HELD_NOBODY;
	bool late = sim_owned(s, queue) && e->at_ms >= c->settled_ms + REMOTE_SETTLE_MS;
	sim_must(s, c->held == HELD_NOBODY);            /* S2 */
	sim_must(s, !c->reported);                      /* S3 */
	sim_must(s, !c->settled || s->after_crash || c->unsure || late); /* S3 */
}

static void order_check(struct sim *s, struct sim_peer *p, const struct copy *c, const struct seen *e, int message,
			int queue)
{
	/* What a transaction brings appears when it is done: later ones may have come before. */
	if (c->delivered || c->delayed || c->group || e->redelivered || sim_owned(s, queue))
		return;
	sim_must(s, s->order[message] > p->first_seen[queue][c->path]); /* S4 */
	p->first_seen[queue][c->path] = s->order[message];
}

static uint32_t held_by(const struct sim_peer *p, uint64_t consumer, bool committing)
{
	uint32_t held = 0;
	for (int i = 0; i < p->n_leases; i++)
		held += p->leases[i].consumer == consumer && (committing || !p->leases[i].commit);
	return held;
}

/* The consumer of p has got a message of its queue. */
static void turn_check(struct sim *s, const struct sim_peer *p, const struct seen *e, int queue)
{
	for (int i = 0; i < PEERS; i++) {
		const struct sim_peer *o = &s->peers[i];
		if (!o->open || !o->consumer || o->queue != queue)
			continue;
		bool may = !o->stuck && (o->no_ack || held_by(o, o->consumer, true) < o->credit);
		if (queue == Q_SINGLE)
			sim_must(s, o->consumer == e->consumer || o->consumer != s->active);
		else
			sim_must(s, !may || o->priority <= p->priority);
	}
	if (queue == Q_SINGLE)
		s->active = e->consumer;
}

static void leased(struct sim *s, struct sim_peer *p, const struct seen *e, int message, int queue)
{
	sim_must(s, !e->consumer || held_by(p, e->consumer, false) < p->credit); /* S5 */
	sim_must(s, p->n_leases < LEASES_MAX);
	p->leases[p->n_leases++] =
		(struct lease_note){.lease = e->lease, .consumer = e->consumer, .message = message, .queue = queue};
}

/* By a consumer, a get or a ReceiveMessage. */
static void handed(struct sim *s, struct sim_peer *p, const struct seen *e)
{
	int queue = -1;
	int message = message_of(s, e, &queue);
	sim_must(s, queue >= 0);
	struct copy *c = copy_of(s, message, queue);
	sim_trace(s, "peer %d %s %s message %d received %d delivered %d failed %d%s", (int)(p - s->peers),
		  e->kind == EVENT_DELIVERED ? "delivered" : "received", QUEUE[queue], message, e->received,
		  e->delivered, e->failed, e->redelivered ? " again" : "");
	handed_may(s, c, e, queue);
	form_check(s, c, e, queue);
	if (e->kind == EVENT_DELIVERED) {
		sim_must(s, !p->stuck && p->credit); /* S5 */
		turn_check(s, p, e, queue); /* S15 */
		order_check(s, p, c, e, message, queue);
	}
	tx_seen(c);
	c->delivered = true;
	c->settled = false; /* back after a power loss */
	c->lease = e->lease;
	if (p->aws) {
		c->held = HELD_RECEIVE;
		c->until_ms = e->at_ms + RECEIVE_MS;
		s->receipts[s->n_receipts++ % RECEIPTS_MAX] =
			(struct held_receipt){e->receipt, e->lease, message, queue};
	} else if (e->lease) {
		c->held = HELD_CONSUMER;
		leased(s, p, e, message, queue);
	} else {
		copy_removed(s, c, 0); /* no-ack */
	}
}

static void published(struct sim *s, const struct seen *e)
{
	sim_trace(s, "message %d published %d", (int)e->tag, (int)e->how);
	sim_must(s, s->refused[e->tag] == (e->how == PUBLISHED_FAILED) || s->faults); /* S14 */
	sim_must(s, e->how == PUBLISHED_STORED || (e->how == PUBLISHED_FAILED && (s->faults || s->refused[e->tag])) ||
			    (e->how == PUBLISHED_REJECTED && s->o.loose));
	for (int q = 0; q < QUEUES; q++) {
		struct copy *c = copy_of(s, (int)e->tag, q);
		sim_must(s, !c->sent || (!c->confirmed && !c->failed)); /* S1 */
		if (e->how == PUBLISHED_STORED)
			c->confirmed = true;
		else
			c->failed = true; /* S9: it may be there or not */
	}
}

static void look_at(struct sim *s, struct sim_peer *p, const struct seen *e)
{
	switch (e->kind) {
	case EVENT_PUBLISHED:
		published(s, e);
		return;
	case EVENT_DELIVERED:
		handed(s, p, e);
		return;
	case EVENT_RECEIVED:
		if (e->nth == 0)
			answered(s, p, e);
		if (e->count)
			handed(s, p, e);
		return;
	case EVENT_DONE:
		answered(s, p, e);
		return;
	case EVENT_CANCELLED:
		sim_must(s, p->credit);
		p->credit = 0;
		p->consumer = 0;
		return;
	default:
		return;
	}
}

/* The peer whose next event was raised first; NULL: none has any. */
static struct sim_peer *look_next(struct sim *s)
{
	struct sim_peer *first = NULL;
	uint64_t order = UINT64_MAX;
	for (int i = 0; i < PEERS; i++) {
		const struct peer *p = &s->peers[i].p;
		if (s->peers[i].open && p->at < p->n && p->v[p->at].order < order) {
			order = p->v[p->at].order;
			first = &s->peers[i];
		}
	}
	return first;
}

void look(struct sim *s)
{
	struct sim_peer *p;
	while ((p = look_next(s))) {
		struct seen e = p->p.v[p->p.at++];
		if (p->p.at == p->p.n)
			p->p.at = p->p.n = 0;
		look_at(s, p, &e);
	}
	queues_look(s);
}

void turn(struct sim *s)
{
	if (sim_remote(s)) {
		s->rig.now.mono_ms += 3;
		s->rig.now.wall_ms += 3;
	}
	rig_turn(&s->rig);
	look(s);
}

static bool answers_open(const struct sim *s)
{
	for (int i = 0; i < PEERS; i++)
		for (int k = 0; s->peers[i].open && k < s->peers[i].n_asked; k++)
			if (s->peers[i].asked[k].verb != ASK_RECEIVE)
				return true;
	return false;
}

/* A remote store is never at rest, and answers some things at the third try. */
void settle(struct sim *s)
{
	for (int i = 0; i < SETTLE_TRIES && (i == 0 || (sim_remote(s) && answers_open(s))); i++) {
		rig_settle(&s->rig);
		look(s);
	}
}
