/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that move on by themselves: rejected, expired, cut, failed too often or
 * refused, through restarts, power losses and disks that fail. One model: a message
 * is in one queue or in none.
 *
 *  L1  a confirmed durable message that nobody acknowledged is there at the end, once,
 *      whatever way it went
 *  L2  no message is ever in two queues, nor twice in one
 *  L3  one that was acknowledged comes back after a power loss only
 *  L4  a queue that is cut never shows more than its limit between turns, unless its
 *      head has still to be read from the store
 *  L5  at the end nothing is left: no entry, no lease (and engine_check holds)
 * MQBRIDGE_SIM_SEED, _RUNS, _KIND as for the other simulation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "rig/rig.h"
#include "support/store_crash.h"
#include "unit/mapping/values.h"

enum { STEPS = 500, MESSAGES_MAX = STEPS, HELD_MAX = 32, DRAIN_ROUNDS = 50, SHORT_MAX = 4 };

#define TO(queue) FIELD("x-dead-letter-exchange", STR("")), FIELD("x-dead-letter-routing-key", STR(queue))
static const struct table work = TABLE(TO("retry"));
static const struct table retry = TABLE(TO("work"), FIELD("x-message-ttl", INT_OF(VALUE_I32, 1500)));
static const struct table jobs = TABLE(TO("parked"), FIELD("x-queue-type", STR("quorum")),
				       FIELD("x-delivery-limit", INT_OF(VALUE_I32, 1)));
static const struct table cut = TABLE(TO("parked"), FIELD("x-max-length", INT_OF(VALUE_I32, SHORT_MAX)));
static const struct table full = TABLE(TO("parked"), FIELD("x-max-length", INT_OF(VALUE_I32, SHORT_MAX)),
				       FIELD("x-overflow", STR("reject-publish")));
static const struct table none = {NULL, 0};

enum { Q_CUT = 3, Q_FULL, Q_PARKED, QUEUES };
static const struct {
	const char *name;
	const struct table *arguments;
} QUEUE[QUEUES] = {{"work", &work}, {"retry", &retry}, {"jobs", &jobs}, {"cut", &cut}, {"full", &full}, {"parked", &none}};

struct message_state {
	bool durable, confirmed, unsure, acked, seen;
};

struct sim {
	struct rig rig;
	struct rng rng;
	uint64_t seed;
	bool faults;
	struct peer p;
	struct message_state m[MESSAGES_MAX];
	int n, step;
	struct {
		uint64_t lease;
		int message, queue;
	} held[HELD_MAX];
	int n_held;
	bool crashed;
};

#define sim_must(s, cond)                                                                          \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg("%s seed %llu step %d: %s (line %d)", rig_store_name((s)->rig.kind), \
				 (unsigned long long)(s)->seed, (s)->step, #cond, __LINE__);       \
	} while (0)

static uint64_t pick(struct sim *s, uint64_t n)
{
	return rng_below(&s->rng, n);
}

static int id_of(struct sim *s, const struct seen *e)
{
	int id = (int)strtol(e->body, NULL, 10);
	sim_must(s, id >= 0 && id < s->n);
	return id;
}

static int queue_of(struct sim *s, uint32_t uid)
{
	struct queue_stat st;
	for (int q = 0; q < QUEUES; q++)
		if (engine_queue_stat(s->rig.engine, VIEW("/"), view_str(QUEUE[q].name), &st) && st.uid == uid)
			return q;
	sim_must(s, false);
	return -1;
}

static void published(struct sim *s, const struct seen *e)
{
	struct message_state *m = &s->m[e->tag];
	m->confirmed = e->how == PUBLISHED_STORED;
	m->unsure = e->how == PUBLISHED_FAILED;
}

static void received(struct sim *s, const struct seen *e)
{
	if (!e->count)
		return;
	struct message_state *m = &s->m[id_of(s, e)];
	sim_must(s, !m->acked || s->crashed); /* L3 */
	for (int i = 0; i < s->n_held; i++)
		sim_must(s, s->held[i].message != id_of(s, e)); /* L2 */
	sim_must(s, s->n_held < HELD_MAX);
	s->held[s->n_held].lease = e->lease;
	s->held[s->n_held].queue = queue_of(s, e->receipt.queue);
	s->held[s->n_held++].message = id_of(s, e);
}

static void look(struct sim *s)
{
	while (s->p.at < s->p.n) {
		struct seen e = s->p.v[s->p.at++];
		if (e.kind == EVENT_PUBLISHED)
			published(s, &e);
		else if (e.kind == EVENT_RECEIVED)
			received(s, &e);
	}
	s->p.at = s->p.n = 0;
}

static void lengths_check(struct sim *s)
{
	struct queue_stat st;
	sim_must(s, engine_queue_stat(s->rig.engine, VIEW("/"), view_str(QUEUE[Q_CUT].name), &st));
	sim_must(s, s->faults || st.ready <= SHORT_MAX || s->rig.kind == RIG_CRASH); /* L4 */
}

static void declare_all(struct sim *s)
{
	peer_open(&s->p, &s->rig, SESSION_AMQP091);
	for (int q = 0; q < QUEUES; q++) {
		struct queue_spec spec = {
			.name = view_str(QUEUE[q].name), .durable = true, .arguments = QUEUE[q].arguments};
		struct seen *e;
		do {
			engine_queue_declare(s->rig.engine, s->p.session, ++s->p.cmd, &spec);
			e = peer_next(&s->p);
		} while (e->code == CODE_UNAVAILABLE);
		sim_must(s, e->code == CODE_OK);
	}
}

/* ---- steps ---- */

static void do_publish(struct sim *s)
{
	char body[64];
	int id = s->n++;
	s->m[id] = (struct message_state){.durable = pick(s, 4) > 0};
	snprintf(body, sizeof(body), "%d %*d", id, (int)pick(s, 40), 7);
	struct message *m = rig_message(&s->rig, body, s->m[id].durable);
	engine_time(s->rig.engine, s->rig.now);
	engine_send(s->rig.engine, s->p.session, view_str(QUEUE[pick(s, QUEUES)].name), m, PUBLISH_CONFIRM, -1, (uint64_t)id);
	message_unref(m);
}

static void do_get(struct sim *s)
{
	if (s->n_held >= HELD_MAX / 2)
		return;
	engine_time(s->rig.engine, s->rig.now);
	engine_get(s->rig.engine, s->p.session, ++s->p.cmd, view_str(QUEUE[pick(s, QUEUES)].name), false);
	rig_turn(&s->rig);
	look(s);
}

static void do_settle(struct sim *s)
{
	if (!s->n_held)
		return;
	int i = (int)pick(s, (uint64_t)s->n_held);
	uint64_t how = pick(s, 10);
	engine_time(s->rig.engine, s->rig.now);
	peer_settle(&s->p, s->held[i].lease,
		    how < 3   ? OUTCOME_ACCEPT
		    : how < 7 ? OUTCOME_DEAD_LETTER
			      : OUTCOME_RELEASE,
		    how < 9);
	struct message_state *m = &s->m[s->held[i].message];
	m->acked |= how < 3;
	m->unsure |= how >= 3 && how < 7 && s->held[i].queue == Q_PARKED; /* which drops it */
	s->held[i] = s->held[--s->n_held];
}

static void faults_end(struct sim *s)
{
	if (s->rig.crash)
		store_crash_fault(s->rig.crash, CRASH_NONE, 1, 0);
}

static void life_ends(struct sim *s, bool crash)
{
	faults_end(s);
	if (!crash)
		rig_settle(&s->rig);
	look(s);
	for (int i = 0; i < s->n; i++)
		s->m[i].unsure |= !s->m[i].durable || !s->m[i].confirmed;
	peer_free(&s->p);
	s->n_held = 0;
	s->crashed |= crash;
	if (crash)
		rig_power_loss(&s->rig);
	else
		rig_restart(&s->rig);
	declare_all(s);
}

static void step(struct sim *s)
{
	static const enum crash_fault faults[] = {CRASH_EIO, CRASH_ENOSPC, CRASH_SHORT, CRASH_SYNC};
	uint64_t what = pick(s, 1000);
	if (what < 350 && s->n < MESSAGES_MAX)
		do_publish(s);
	else if (what < 600)
		do_get(s);
	else if (what < 900)
		do_settle(s);
	else if (what < 970)
		s->rig.now.mono_ms += (int64_t)what, s->rig.now.wall_ms += (int64_t)what;
	else if (what < 985 && s->faults)
		store_crash_fault(s->rig.crash, faults[pick(s, 4)], 1 + pick(s, 20), 1 + pick(s, 6));
	else if (what > 993 && rig_has(s->rig.kind, STORE_SURVIVES))
		life_ends(s, s->rig.kind == RIG_CRASH && pick(s, 3));
	if (pick(s, 10) < 6) {
		rig_turn(&s->rig);
		look(s);
		lengths_check(s);
	}
}

/* ---- the end ---- */

static bool drain_once(struct sim *s)
{
	bool any = false;
	for (int q = 0; q < QUEUES; q++)
		for (;;) {
			struct seen *e = peer_get(&s->p, QUEUE[q].name);
			if (!e->count)
				break;
			struct message_state *m = &s->m[id_of(s, e)];
			sim_must(s, !m->seen); /* L2 */
			sim_must(s, !m->acked || s->crashed);
			m->seen = any = true;
			peer_settle(&s->p, e->lease, OUTCOME_ACCEPT, false);
		}
	return any;
}

static void drain(struct sim *s)
{
	struct engine_counters counters;
	faults_end(s);
	rig_settle(&s->rig);
	look(s);
	peer_close(&s->p, CLOSE_ORDERLY);
	peer_open(&s->p, &s->rig, SESSION_AMQP091);
	for (int i = 0; i < DRAIN_ROUNDS && (drain_once(s) || i < 3); i++)
		rig_wait(&s->rig, 2000);
	for (int i = 0; i < s->n; i++)
		if (s->m[i].confirmed && !s->m[i].acked && !s->m[i].unsure && !s->m[i].seen)
			fail_msg("%s seed %llu: message %d was confirmed and is lost", rig_store_name(s->rig.kind),
				 (unsigned long long)s->seed, i); /* L1 */
	rig_settle(&s->rig);
	engine_counters(s->rig.engine, &counters);
	sim_must(s, counters.entries == 0 && counters.leases == 0); /* L5 */
	peer_close(&s->p, CLOSE_ORDERLY);
}

static void run(enum rig_store kind, bool faults, uint64_t seed)
{
	struct sim *s = mem_zalloc(sizeof(*s));
	s->seed = seed;
	s->faults = faults;
	rng_seed(&s->rng, seed);
	engine_options_default(&s->rig.options);
	s->rig.options.seed = seed;
	s->rig.options.window_entries = 2 + (uint32_t)pick(s, 20);
	s->rig.options.load_entries = 1 + (uint32_t)pick(s, 6);
	rig_open(&s->rig, kind);
	s->rig.check_every = 3;
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

static void runs(const char *name, enum rig_store kind, bool faults, uint64_t n)
{
	const char *only_kind = getenv("MQBRIDGE_SIM_KIND");
	uint64_t only = setting("MQBRIDGE_SIM_SEED", 0);
	if (only_kind && strcmp(only_kind, name) != 0)
		return;
	n = setting("MQBRIDGE_SIM_RUNS", n);
	for (uint64_t seed = only ? only : 1; seed <= (only ? only : n); seed++)
		run(kind, faults, seed);
}

static void test_memory(void **state)
{
	(void)state;
	runs("memory", RIG_MEMORY, false, 200);
}

static void test_power_loss(void **state)
{
	(void)state;
	runs("crash", RIG_CRASH, false, 100);
}

static void test_failing_disk(void **state)
{
	(void)state;
	runs("faults", RIG_CRASH, true, 100);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_failing_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
