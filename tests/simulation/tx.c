/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what a peer has staged, and all or nothing of it. */
#include "sim.h"

/* ---- commit and rollback ---- */

static void lease_committing(struct sim *s, struct lease_note *l, uint64_t key)
{
	struct copy *c = copy_of(s, l->message, l->queue);
	l->staged = false;
	l->commit = key;
	if (c->lease != l->lease || c->held != HELD_CONSUMER)
		return; /* a ghost: somebody else took it out */
	if (l->kind == OUTCOME_RELEASE) {
		c->held = HELD_COMMITTING;
		return;
	}
	copy_removed(s, c, key);
	c->settled_in = key;
}

static void do_commit(struct sim *s, struct sim_peer *p)
{
	struct asked *a = ask(s, p, ASK_COMMIT);
	if (!a)
		return;
	sim_trace(s, "peer %d commits %d messages", (int)(p - s->peers), p->n_staged);
	for (int i = 0; i < p->n_staged; i++)
		publish_sent(s, &p->staged[i], a->key);
	p->n_staged = 0;
	for (int i = 0; i < p->n_leases; i++)
		if (p->leases[i].staged)
			lease_committing(s, &p->leases[i], a->key);
	a->refused = envelopes_refuse(s, 0, a->key);
	engine_tx_commit(s->rig.engine, p->p.session, a->cmd, 1);
	s->envelopes.fail = 0;
}

static void lease_gone(struct sim_peer *p, int i)
{
	p->leases[i] = p->leases[--p->n_leases];
}

static void do_rollback(struct sim *s, struct sim_peer *p)
{
	struct asked *a = ask(s, p, ASK_OTHER);
	if (!a)
		return;
	bool keep = chance(s, 60);
	p->n_staged = 0;
	for (int i = p->n_leases - 1; i >= 0; i--) {
		struct lease_note *l = &p->leases[i];
		struct copy *c = copy_of(s, l->message, l->queue);
		if (!l->staged)
			continue;
		l->staged = false;
		if (keep)
			continue;
		if (c->lease == l->lease && c->held == HELD_CONSUMER)
			c->held = HELD_NOBODY;
		lease_gone(p, i);
	}
	engine_tx_rollback(s->rig.engine, p->p.session, a->cmd, 1, keep ? ROLLBACK_KEEP : ROLLBACK_RELEASE);
}

void tx_step(struct sim *s, struct sim_peer *p)
{
	if (chance(s, 75))
		do_commit(s, p);
	else
		do_rollback(s, p);
}

/* ---- answers ---- */

static void copies_committed(struct sim *s, uint64_t key)
{
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			struct copy *c = &s->copies[m][q];
			c->confirmed |= c->group == key;
			if (c->by == key) {
				c->by = 0;
				c->reported = true;
			}
		}
}

static void copies_failed(struct sim *s, uint64_t key)
{
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			struct copy *c = &s->copies[m][q];
			if (c->group == key) {
				sim_must(s, !c->seen || sim_remote(s)); /* S12 */
				c->failed = c->vanished = true;
			}
			if (c->by == key) {
				c->by = 0;
				c->settled = false;
				c->settled_in = 0;
				c->held = HELD_CONSUMER;
				c->unsure = true; /* a power loss may show that it was done */
			}
		}
}

void tx_answered(struct sim *s, struct sim_peer *p, const struct asked *a, bool ok)
{
	(ok ? copies_committed : copies_failed)(s, a->key);
	for (int i = p->n_leases - 1; i >= 0; i--) {
		struct lease_note *l = &p->leases[i];
		struct copy *c = copy_of(s, l->message, l->queue);
		if (l->commit != a->key)
			continue;
		l->commit = 0;
		if (ok) {
			if (c->lease == l->lease && c->held == HELD_COMMITTING)
				c->held = HELD_NOBODY;
			lease_gone(p, i);
		} else if (c->lease == l->lease && c->held == HELD_COMMITTING) {
			c->held = HELD_CONSUMER;
		}
	}
}

void tx_cut(struct sim *s, struct sim_peer *p)
{
	for (int i = 0; i < p->n_asked; i++) {
		if (p->asked[i].verb != ASK_COMMIT)
			continue;
		uint64_t key = p->asked[i].key;
		if (s->n_cut < CUT_MAX)
			s->cut[s->n_cut++] = key;
		for (int m = 0; m < s->n_messages; m++)
			for (int q = 0; q < QUEUES; q++)
				s->copies[m][q].unsure |= s->copies[m][q].by == key;
	}
}

/* ---- all or nothing ---- */

void tx_seen(struct copy *c)
{
	c->seen = true;
	c->came_back |= c->settled && c->settled_in;
}

enum happened { HAPPENED_UNKNOWN, HAPPENED, HAPPENED_NOT };

/* By its messages: those that everything which came later left alone. */
static enum happened group_happened(struct sim *s, uint64_t key)
{
	enum happened h = HAPPENED_UNKNOWN;
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			const struct copy *c = &s->copies[m][q];
			bool known = c->seen || (!c->settled && !c->unsure);
			if (c->group != key || !c->durable || !known)
				continue;
			sim_must(s, h == HAPPENED_UNKNOWN || h == (c->seen ? HAPPENED : HAPPENED_NOT)); /* S12 */
			h = c->seen ? HAPPENED : HAPPENED_NOT;
		}
	return h;
}

static void group_check(struct sim *s, uint64_t key)
{
	enum happened h = group_happened(s, key);
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			const struct copy *c = &s->copies[m][q];
			if (c->settled_in != key || !c->durable)
				continue;
			sim_must(s, h != HAPPENED || !c->came_back);    /* S12 */
			sim_must(s, h != HAPPENED_NOT || c->came_back); /* S12 */
		}
}

void tx_check(struct sim *s)
{
	for (int i = 0; !sim_remote(s) && i < s->n_cut; i++)
		group_check(s, s->cut[i]);
}
