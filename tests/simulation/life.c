/* SPDX-License-Identifier: Apache-2.0 */
/* Faults, restarts, power losses, and the end of a run. */
#include "sim.h"

#include "support/store_crash.h"
#include "support/store_remote_fake.h"

static void faults_end(struct sim *s)
{
	if (s->rig.crash)
		store_crash_fault(s->rig.crash, CRASH_NONE, 1, 0);
	if (sim_remote(s)) {
		struct fake_options *o = fake_options(s->rig.store);
		o->retry = o->refuse = o->lose = o->duplicate = 0;
	}
}

static void remote_fault(struct sim *s)
{
	struct queue_stat st;
	if (!s->o.loose || !engine_queue_stat(s->rig.engine, VIEW("/"), view_str(QUEUE[pick(s, 3)]), &st))
		return;
	fake_drop_leases(s->rig.store, st.uid);
}

void do_fault(struct sim *s)
{
	static const enum crash_fault faults[] = {CRASH_EIO, CRASH_ENOSPC, CRASH_SHORT, CRASH_SYNC};
	if (sim_remote(s))
		remote_fault(s);
	if (s->rig.kind != RIG_CRASH || !s->o.faults)
		return;
	s->faults = true;
	sim_trace(s, "fault");
	store_crash_fault(s->rig.crash, faults[pick(s, 4)], 1 + pick(s, 20), 1 + pick(s, 6));
}

/* ---- restarts ---- */

/* An orderly stop keeps what a receive holds, in queues that stay (S13). */
static bool kept(struct sim *s, const struct copy *c, int queue, bool crash)
{
	return !crash && c->held == HELD_RECEIVE && c->durable && queue < Q_TRANSIENT && s->exists[queue] &&
	       c->until_ms > s->rig.now.mono_ms;
}

static void copies_forget(struct sim *s, bool crash)
{
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			struct copy *c = &s->copies[m][q];
			/* `redelivered` may be lost with the last batch; what is held comes back late. */
			c->delivered = kept(s, c, q, crash);
			if (!c->delivered)
				c->held = HELD_NOBODY;
			c->by = 0;
			c->lease = 0;
			if (!c->durable)
				c->sent = c->confirmed = false;
		}
}

static void bindings_forget(struct sim *s, bool crash)
{
	for (int t = 0; t < BIND_TOPICS; t++)
		for (int i = 0; i < PATTERNS; i++)
			for (int q = 0; q < QUEUES; q++) {
				if (q >= Q_TRANSIENT)
					s->bound[t][i][q] = BOUND_NO;
				else if (crash && (s->binding[t][i][q] || !s->exists[q]))
					s->bound[t][i][q] = BOUND_UNKNOWN;
				s->binding[t][i][q] = false;
			}
}

void life_ends(struct sim *s, bool crash)
{
	faults_end(s);
	if (!crash)
		settle(s);
	for (int i = 0; i < PEERS; i++) {
		struct sim_peer *p = &s->peers[i];
		if (p->open) {
			tx_cut(s, p);
			peer_free(&p->p);
		}
		p->open = false;
		p->n_leases = p->n_asked = p->n_staged = 0;
	}
	copies_forget(s, crash);
	bindings_forget(s, crash);
	subscriptions_unsure(s);
	memset(s->exists, 0, sizeof(s->exists));
	s->after_crash |= crash;
	sim_trace(s, "%s", crash ? "power loss" : "restart");
	if (crash)
		rig_power_loss(&s->rig);
	else
		rig_restart(&s->rig);
	s->active = 0; /* ids begin anew */
	subscriptions_check(s);
	declare_all(s);
}

/* ---- the end ---- */

static void drain_queue(struct sim *s, struct peer *p, int q)
{
	int64_t last[PATHS];
	for (int i = 0; i < PATHS; i++)
		last[i] = -1;
	for (;;) {
		struct seen *e = peer_get(p, QUEUE[q]);
		int id;
		if (!e->count)
			return;
		sim_must(s, sscanf(e->body, "%d", &id) == 1);
		struct copy *c = copy_of(s, id, q);
		sim_trace(s, "drained %s message %d", QUEUE[q], id);
		bool again = s->after_crash || c->unsure || sim_owned(s, q);
		sim_must(s, (s->o.loose && sim_owned(s, q)) || (c->sent && !c->reported && (!c->settled || again)));
		sim_must(s, !c->vanished || again);
		/* Everything is back at its own place. */
		bool unordered = sim_owned(s, q) || c->delayed || (s->o.wide && c->group);
		sim_must(s, unordered || s->order[id] > last[c->path]);
		last[c->path] = unordered ? last[c->path] : s->order[id];
		tx_seen(c);
		form_check(s, c, e, q);
		c->sent = false;
		peer_settle(p, e->lease, OUTCOME_ACCEPT, false);
	}
}

static void nothing_lost(struct sim *s)
{
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			const struct copy *c = &s->copies[m][q];
			if (c->sent && c->confirmed && !c->settled && !c->unsure)
				fail_msg("%s seed %llu: message %d of %s was confirmed and is lost",
					 rig_store_name(s->rig.kind), (unsigned long long)s->seed, m, QUEUE[q]); /* S1 */
		}
}

void drain(struct sim *s)
{
	struct engine_counters counters;
	struct peer p;
	faults_end(s);
	settle(s);
	for (int i = 0; i < (sim_remote(s) ? 5 : 1); i++)
		rig_wait(&s->rig, 1000); /* every receive is answered, also behind a store's long poll */
	look(s);
	subscriptions_check(s);
	for (int i = 0; i < PEERS; i++) {
		sim_must(s, !s->peers[i].open || !s->peers[i].n_asked); /* S10: each of them */
		if (s->peers[i].open)
			do_close(s, &s->peers[i]);
	}
	for (int i = 0; i < (sim_remote(s) ? 8 : 1); i++)
		rig_wait(&s->rig, 10000); /* every lease is over, every delay */
	peer_open(&p, &s->rig, SESSION_AMQP091);
	for (int q = 0; q < QUEUES; q++)
		if (s->exists[q])
			drain_queue(s, &p, q);
	nothing_lost(s);
	tx_check(s);
	rig_settle(&s->rig);
	engine_check(s->rig.engine);
	engine_counters(s->rig.engine, &counters);
	sim_must(s, counters.entries == 0 && counters.leases == 0); /* S7 */
	peer_close(&p, CLOSE_ORDERLY);
}
