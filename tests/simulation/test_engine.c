/* SPDX-License-Identifier: Apache-2.0 */
/* Random clients against the engine and its stores, with restarts and power
 * losses, a virtual clock, and a model that knows only what was promised:
 *
 *  S1  every confirmed publish is answered once; a confirmed durable message is
 *      never lost, power loss included
 *  S2  at any time one holder a message and queue
 *  S3  what was settled and reported settled is never handed out again; what was
 *      settled without an answer only after a power loss
 *  S4  each consumer sees the first deliveries of a queue in publish order
 *  S5  a consumer never holds more than its credit
 *  S6  receipts of an earlier life act on their own message or none
 *  S9  a disk that fails for a while fails publishes, and nothing else is lost
 *  S7  after a drain nothing is left: no entry, no lease
 *  S8  the engine's own invariants (engine_check, every turn)
 *
 * MQBRIDGE_SIM_SEED=n replays one run, MQBRIDGE_SIM_RUNS=n sets how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "rig/rig.h"
#include "support/store_crash.h"

enum { QUEUES = 4, PEERS = 5, STEPS = 400, MESSAGES_MAX = STEPS * 2 };
static const char *const QUEUE[QUEUES] = {"q.0", "q.1", "q.2", "transient"};

enum held_by { HELD_NOBODY, HELD_CONSUMER, HELD_RECEIVE };

/* One copy: what the model knows of a message in a queue. */
struct copy {
	bool sent, confirmed, failed, durable, settled, reported, delivered;
	bool unsure; /* a delete was answered with a failure: done or not */
	enum held_by held;
	int peer;
	int64_t until_ms;
};

struct lease_note {
	uint64_t lease;
	int message, queue;
};

struct held_receipt {
	struct receipt receipt;
	int message, queue;
};

struct sim_peer {
	struct peer p;
	bool open, aws;
	uint64_t consumer;
	int queue;        /* of the consumer */
	uint32_t credit, held;
	struct lease_note leases[64];
	int n_leases;
	int first_seen[QUEUES]; /* highest message whose first delivery it saw */
};

struct sim {
	struct rig rig;
	struct rng rng;
	uint64_t seed;
	struct sim_peer peers[PEERS];
	struct copy copies[MESSAGES_MAX][QUEUES];
	int n_messages;
	struct held_receipt receipts[256];
	int n_receipts;
	bool with_faults; /* this run's disk fails now and then */
	bool faults;      /* it has */
	bool after_crash; /* bare settlements of before may have been lost */
	int step;
};

#define sim_must(s, cond)                                                                         \
	do {                                                                                      \
		if (!(cond))                                                                      \
			fail_msg("seed %llu step %d: %s", (unsigned long long)(s)->seed, (s)->step, #cond); \
	} while (0)

static uint64_t pick(struct sim *s, uint64_t n)
{
	return rng_below(&s->rng, n);
}

static bool chance(struct sim *s, unsigned percent)
{
	return pick(s, 100) < percent;
}

/* ---- what events mean to the model ---- */

static struct copy *copy_of(struct sim *s, int message, int queue)
{
	sim_must(s, message >= 0 && message < s->n_messages);
	return &s->copies[message][queue];
}

static int message_of(struct sim *s, const struct seen *e, int *queue)
{
	int message = -1;
	sim_must(s, sscanf(e->body, "%d", &message) == 1);
	for (int q = 0; q < QUEUES; q++)
		if (s->rig.engine && e->receipt.queue) {
			struct queue_stat st;
			if (engine_queue_stat(s->rig.engine, VIEW("/"), view_str(QUEUE[q]), &st) &&
			    st.uid == e->receipt.queue)
				*queue = q;
		}
	return message;
}

static void seen_handed(struct sim *s, int peer, const struct seen *e, enum held_by by, int64_t until_ms)
{
	int queue = -1;
	int message = message_of(s, e, &queue);
	sim_must(s, queue >= 0);
	struct copy *c = copy_of(s, message, queue);
	if (getenv("MQBRIDGE_SIM_TRACE"))
		printf("step %d peer %d %s %s message %d received %d delivered %d failed %d%s\n", s->step, peer,
		       by == HELD_CONSUMER ? "delivered" : "received", QUEUE[queue], message, e->received,
		       e->delivered, e->failed, e->redelivered ? " again" : "");
	sim_must(s, c->sent);
	if (c->held == HELD_RECEIVE && c->until_ms <= e->at_ms)
		c->held = HELD_NOBODY;
	sim_must(s, c->held == HELD_NOBODY);                          /* S2 */
	sim_must(s, !c->reported);                                    /* S3 */
	sim_must(s, !c->settled || s->after_crash);                   /* S3 */
	if (by == HELD_CONSUMER && !c->delivered && !e->redelivered) {
		sim_must(s, message > s->peers[peer].first_seen[queue]); /* S4 */
		s->peers[peer].first_seen[queue] = message;
	}
	c->delivered = true;
	c->settled = false; /* back after a power loss */
	c->held = by;
	c->peer = peer;
	c->until_ms = until_ms;
	struct sim_peer *p = &s->peers[peer];
	if (by == HELD_CONSUMER) {
		sim_must(s, p->held < p->credit && p->n_leases < 64); /* S5 */
		p->held++;
		p->leases[p->n_leases++] = (struct lease_note){e->lease, message, queue};
	} else {
		s->receipts[s->n_receipts++ % 256] = (struct held_receipt){e->receipt, message, queue};
	}
}

static void seen_published(struct sim *s, const struct seen *e)
{
	if (getenv("MQBRIDGE_SIM_TRACE"))
		printf("step %d message %d published %d\n", s->step, (int)e->tag, (int)e->how);
	sim_must(s, e->how == PUBLISHED_STORED || (e->how == PUBLISHED_FAILED && s->faults));
	for (int q = 0; q < QUEUES; q++) {
		struct copy *c = copy_of(s, (int)e->tag, q);
		sim_must(s, !c->sent || (!c->confirmed && !c->failed)); /* S1 */
		if (e->how == PUBLISHED_STORED)
			c->confirmed = true;
		else
			c->failed = true; /* S9: it may be there or not */
	}
}

static void look_at(struct sim *s, int peer, const struct seen *e)
{
	if (e->kind == EVENT_PUBLISHED)
		seen_published(s, e);
	else if (e->kind == EVENT_DELIVERED)
		seen_handed(s, peer, e, HELD_CONSUMER, 0);
	else if (e->kind == EVENT_RECEIVED && e->count)
		seen_handed(s, peer, e, HELD_RECEIVE, e->at_ms + 5000);
	else if (e->kind == EVENT_DONE && e->consumer)
		s->peers[peer].consumer = e->consumer;
}

/* The peer whose next event was raised first; -1: none has any. */
static int look_next(const struct sim *s)
{
	int first = -1;
	uint64_t order = UINT64_MAX;
	for (int i = 0; i < PEERS; i++) {
		const struct peer *p = &s->peers[i].p;
		if (s->peers[i].open && p->at < p->n && p->v[p->at].order < order) {
			order = p->v[p->at].order;
			first = i;
		}
	}
	return first;
}

static void look(struct sim *s)
{
	int i;
	while ((i = look_next(s)) >= 0) {
		struct peer *p = &s->peers[i].p;
		struct seen e = p->v[p->at++];
		if (p->at == p->n)
			p->at = p->n = 0;
		look_at(s, i, &e);
	}
}

static void turn(struct sim *s)
{
	rig_turn(&s->rig);
	look(s);
}

static void settle(struct sim *s)
{
	rig_settle(&s->rig);
	look(s);
}

/* ---- what clients do ---- */

static void first_forget(struct sim_peer *p)
{
	for (int q = 0; q < QUEUES; q++)
		p->first_seen[q] = -1;
}

static void do_open(struct sim *s, struct sim_peer *p)
{
	memset(p, 0, sizeof(*p));
	p->aws = chance(s, 30);
	peer_open(&p->p, &s->rig, p->aws ? SESSION_AWS : SESSION_AMQP091);
	p->open = true;
	first_forget(p);
}

static void forget_leases(struct sim *s, struct sim_peer *p)
{
	for (int i = 0; i < p->n_leases; i++)
		copy_of(s, p->leases[i].message, p->leases[i].queue)->held = HELD_NOBODY;
	p->n_leases = 0;
	p->held = 0;
}

static void do_close(struct sim *s, struct sim_peer *p)
{
	look(s);
	peer_close(&p->p, chance(s, 50) ? CLOSE_LOST : CLOSE_ORDERLY);
	p->open = false;
	forget_leases(s, p);
	/* What a dropped receive had taken goes back as if never handed out. */
	for (int i = 0; p->aws && i < PEERS; i++)
		first_forget(&s->peers[i]);
}

static void do_publish(struct sim *s, struct sim_peer *p)
{
	if (s->n_messages == MESSAGES_MAX)
		return;
	char body[400];
	int id = s->n_messages++;
	bool durable = chance(s, 75), fanout = chance(s, 30);
	int queue = (int)pick(s, QUEUES);
	snprintf(body, sizeof(body), "%d %*d", id, (int)pick(s, 300), 7);
	struct message *m = rig_message(&s->rig, body, durable);
	for (int q = 0; q < QUEUES; q++)
		if (fanout || q == queue)
			s->copies[id][q] = (struct copy){.sent = true, .durable = durable && q != QUEUES - 1};
	if (fanout)
		engine_publish(s->rig.engine, p->p.session, VIEW("all"), VIEW("k"), m, PUBLISH_CONFIRM, (uint64_t)id);
	else
		engine_send(s->rig.engine, p->p.session, view_str(QUEUE[queue]), m, PUBLISH_CONFIRM, -1, (uint64_t)id);
	message_unref(m);
}

static void do_consume(struct sim *s, struct sim_peer *p)
{
	if (p->aws || p->credit)
		return;
	p->queue = (int)pick(s, QUEUES);
	p->credit = 1 + (uint32_t)pick(s, 20);
	engine_consume(s->rig.engine, p->p.session, 1,
		       &(struct consumer_spec){.queue = view_str(QUEUE[p->queue]), .credit = p->credit});
}

static void do_settle(struct sim *s, struct sim_peer *p)
{
	if (!p->n_leases)
		return;
	int i = (int)pick(s, (uint64_t)p->n_leases);
	struct lease_note l = p->leases[i];
	struct copy *c = copy_of(s, l.message, l.queue);
	bool release = chance(s, 30);
	peer_settle(&p->p, l.lease, release ? OUTCOME_RELEASE : OUTCOME_ACCEPT, release && chance(s, 50));
	c->held = HELD_NOBODY;
	c->settled = !release || c->reported; /* reported: it held a ghost */
	p->leases[i] = p->leases[--p->n_leases];
	p->held--;
}

static void do_receive(struct sim *s, struct sim_peer *p)
{
	int q = (int)pick(s, QUEUES);
	if (!p->aws)
		return;
	engine_receive(s->rig.engine, p->p.session, 1000000 + pick(s, 1000000), view_str(QUEUE[q]),
		       1 + (uint32_t)pick(s, 10), chance(s, 50) ? 500 : 0, 5000);
}

/* Deletes or extends by a receipt of any age; deletes are awaited, so that the
 * model knows whether they were reported. */
static void do_receipt(struct sim *s, struct sim_peer *p)
{
	int n = s->n_receipts < 256 ? s->n_receipts : 256;
	if (!n || !p->aws)
		return;
	struct held_receipt h = s->receipts[pick(s, (uint64_t)n)];
	struct copy *c = copy_of(s, h.message, h.queue);
	settle(s);
	bool held_by_session = c->held == HELD_CONSUMER;
	size_t before = p->p.n;
	if (chance(s, 70)) {
		engine_settle_ref(s->rig.engine, p->p.session, 5, view_str(QUEUE[h.queue]), &h.receipt,
				  &(struct outcome){.kind = OUTCOME_ACCEPT});
		rig_settle(&s->rig);
		for (size_t i = before; i < p->p.n; i++) {
			if (p->p.v[i].kind != EVENT_DONE || p->p.v[i].cmd != 5)
				continue;
			if (p->p.v[i].code == CODE_OK)
				c->settled = c->reported = true;
			else
				c->unsure = true;
		}
		/* A session that held it has a ghost now. */
		if (!held_by_session || c->reported || c->unsure)
			c->held = HELD_NOBODY;
	} else {
		int64_t until_ms = s->rig.now.mono_ms + 5000;
		engine_extend_ref(s->rig.engine, p->p.session, 6, view_str(QUEUE[h.queue]), &h.receipt, 5000);
		rig_settle(&s->rig);
		for (size_t i = before; i < p->p.n; i++)
			if (p->p.v[i].kind == EVENT_DONE && p->p.v[i].cmd == 6 && p->p.v[i].code == CODE_OK) {
				c->held = HELD_RECEIVE;
				c->until_ms = until_ms;
			}
	}
	look(s);
}

static void do_fault(struct sim *s)
{
	static const enum crash_fault faults[] = {CRASH_EIO, CRASH_ENOSPC, CRASH_SHORT, CRASH_SYNC};
	if (s->rig.kind != RIG_CRASH || !s->with_faults)
		return;
	s->faults = true;
	if (getenv("MQBRIDGE_SIM_TRACE"))
		printf("step %d fault\n", s->step);
	store_crash_fault(s->rig.crash, faults[pick(s, 4)], 1 + pick(s, 20), 1 + pick(s, 6));
}

/* ---- restarts ---- */

static void declare_all(struct sim *s)
{
	struct peer p;
	peer_open(&p, &s->rig, SESSION_AMQP091);
	peer_topic(&p, "all", TOPIC_FANOUT);
	for (int q = 0; q < QUEUES; q++) {
		assert_int_equal(peer_queue(&p, QUEUE[q], q != QUEUES - 1)->code, CODE_OK);
		assert_int_equal(peer_bind(&p, "all", QUEUE[q], "")->code, CODE_OK);
	}
	peer_close(&p, CLOSE_ORDERLY);
}

static void life_ends(struct sim *s, bool crash)
{
	if (s->rig.crash)
		store_crash_fault(s->rig.crash, CRASH_NONE, 1, 0);
	if (!crash)
		settle(s);
	for (int i = 0; i < PEERS; i++) {
		if (s->peers[i].open)
			peer_free(&s->peers[i].p);
		s->peers[i].open = false;
		s->peers[i].n_leases = 0;
	}
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			struct copy *c = &s->copies[m][q];
			c->held = HELD_NOBODY;
			c->delivered = false; /* `redelivered` may be lost with the last batch */
			if (!c->durable)
				c->sent = c->confirmed = false;
		}
	s->after_crash |= crash;
	if (getenv("MQBRIDGE_SIM_TRACE"))
		printf("step %d %s\n", s->step, crash ? "power loss" : "restart");
	if (crash)
		rig_power_loss(&s->rig);
	else
		rig_restart(&s->rig);
	declare_all(s);
}

/* ---- the end ---- */

static void drain(struct sim *s)
{
	if (s->rig.crash)
		store_crash_fault(s->rig.crash, CRASH_NONE, 1, 0);
	for (int i = 0; i < PEERS; i++)
		if (s->peers[i].open)
			do_close(s, &s->peers[i]);
	rig_wait(&s->rig, 10000); /* every receive's lease is over */
	struct peer p;
	peer_open(&p, &s->rig, SESSION_AMQP091);
	for (int q = 0; q < QUEUES; q++) {
		int last = -1;
		for (;;) {
			struct seen *e = peer_get(&p, QUEUE[q]);
			if (!e->count)
				break;
			int id;
			sim_must(s, sscanf(e->body, "%d", &id) == 1);
			struct copy *c = copy_of(s, id, q);
			sim_must(s, c->sent && !c->reported && (!c->settled || s->after_crash));
			sim_must(s, id > last); /* everything is back at its own place */
			last = id;
			c->sent = false;
			peer_settle(&p, e->lease, OUTCOME_ACCEPT, false);
		}
	}
	for (int m = 0; m < s->n_messages; m++)
		for (int q = 0; q < QUEUES; q++) {
			const struct copy *c = &s->copies[m][q];
			if (c->sent && c->confirmed && !c->settled && !c->unsure)
				fail_msg("seed %llu: message %d of %s was confirmed and is lost",
					 (unsigned long long)s->seed, m, QUEUE[q]); /* S1 */
		}
	rig_settle(&s->rig);
	struct engine_counters counters;
	engine_counters(s->rig.engine, &counters);
	sim_must(s, counters.entries == 0 && counters.leases == 0); /* S7 */
	peer_close(&p, CLOSE_ORDERLY);
}

static void step(struct sim *s)
{
	struct sim_peer *p = &s->peers[pick(s, PEERS)];
	uint64_t what = pick(s, 100);
	if (!p->open) {
		do_open(s, p);
		return;
	}
	if (what < 35)
		do_publish(s, p);
	else if (what < 42)
		do_consume(s, p);
	else if (what < 62)
		do_settle(s, p);
	else if (what < 72)
		do_receive(s, p);
	else if (what < 80)
		do_receipt(s, p);
	else if (what < 82)
		do_close(s, p);
	else if (what < 84) {
		s->rig.now.mono_ms += 1 + (int64_t)pick(s, 3000);
		s->rig.now.wall_ms += 1;
	} else if (what < 86) {
		do_fault(s);
	}
	if (chance(s, 60))
		turn(s);
	if (rig_has(s->rig.kind, STORE_SURVIVES) && pick(s, 1000) < 6)
		life_ends(s, s->rig.kind == RIG_CRASH && chance(s, 70));
}

static void run(enum rig_store kind, uint64_t seed, bool with_faults)
{
	struct sim *s = mem_zalloc(sizeof(*s));
	s->with_faults = with_faults;
	s->seed = seed;
	rng_seed(&s->rng, seed);
	engine_options_default(&s->rig.options);
	s->rig.options.seed = seed;
	s->rig.options.window_entries = 2 + (uint32_t)pick(s, 40);
	s->rig.options.load_entries = 1 + (uint32_t)pick(s, 10);
	s->rig.options.deliver_turn = 1 + (uint32_t)pick(s, 50);
	rig_open(&s->rig, kind);
	declare_all(s);
	for (s->step = 0; s->step < STEPS; s->step++)
		step(s);
	drain(s);
	rig_close(&s->rig);
	free(s);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);
	return v ? strtoull(v, NULL, 10) : otherwise;
}

static void runs(enum rig_store kind, uint64_t n, bool with_faults)
{
	uint64_t only = setting("MQBRIDGE_SIM_SEED", 0);
	n = setting("MQBRIDGE_SIM_RUNS", n);
	if (only)
		run(kind, only, with_faults);
	for (uint64_t seed = 1; !only && seed <= n; seed++)
		run(kind, seed, with_faults);
}

static void test_memory(void **state)
{
	(void)state;
	runs(RIG_MEMORY, 150, false);
}

static void test_power_loss(void **state)
{
	(void)state;
	runs(RIG_CRASH, 100, false);
}

static void test_failing_disk(void **state)
{
	(void)state;
	runs(RIG_CRASH, 50, true);
}

static void test_writer_thread(void **state)
{
	(void)state;
	runs(RIG_SQLITE_THREAD, 5, false);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_failing_disk),
		cmocka_unit_test(test_writer_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
