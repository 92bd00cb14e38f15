/* SPDX-License-Identifier: Apache-2.0 */
/* Random clients against the engine and its stores, and a model that knows only
 * what was promised. Files: model.c (what events mean), client.c (what clients
 * do), tx.c (transactions), definition.c (queues and bindings that come and go),
 * subscription.c (the same for subscriptions), life.c (restarts, faults, the end),
 * test_engine.c (runs).
 *
 *  S1  every confirmed publish is answered once; a confirmed durable message is
 *      never lost, power loss included
 *  S2  at any time one holder a message and queue
 *  S3  what was settled and reported settled is never handed out again; what was
 *      settled without an answer only after a power loss
 *  S4  each consumer sees the first deliveries of a queue in publish order (of one
 *      topic, or of those sent to it, when fan-out takes several turns)
 *  S5  a consumer never holds more than its credit, and gets nothing while its
 *      connection is not writable
 *  S6  receipts of an earlier life act on their own message or none
 *  S7  after a drain nothing is left: no entry, no lease, no question open, and
 *      after the next start no file of a body either
 *  S8  the engine's own invariants (engine_check: counts, bytes, conservation)
 *  S9  a disk that fails for a while fails publishes, and nothing else is lost
 *  S10 every verb that asks gets one answer, an AMQP session's in order
 *  S11 nothing is handed out before its delay is over, or where no binding or
 *      subscription leads; each copy has the form of what led it there
 *  S12 a transaction is all or nothing, power loss included: of its durable messages
 *      all come or none, and what it settled comes back with none of them only
 *  S13 what a receive holds stays held over an orderly restart
 *  S14 subscriptions are listed as they were made; a publish or commit whose envelopes
 *      cannot be made leaves nothing
 *  S15 a consumer gets nothing while one of a higher priority has credit; of the consumers
 *      of SINGLE one gets messages until it goes
 * S2–S4 and S12 need a store that keeps leases (or the engine to keep them): they
 * are not asked of a remote one that loses leases and doubles messages. */
#ifndef MQB_TESTS_SIMULATION_SIM_H
#define MQB_TESTS_SIMULATION_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig/envelopes.h"
#include "rig/rig.h"

enum { PEERS = 5, STEPS = 400, MESSAGES_MAX = STEPS * 2, LEASES_MAX = 256, RECEIPTS_MAX = 256, ASKED_MAX = 256 };
enum { STAGED_MAX = 16, CUT_MAX = 256 };
/* The first three, and AUTO until its last consumer goes, are durable; SINGLE has one
 * active consumer; MINE is exclusive to whom declared it. */
enum { Q_SINGLE = 2, Q_AUTO, Q_TRANSIENT, Q_MINE, QUEUES };
enum { BIND_DIRECT, BIND_TOPIC, BIND_TOPICS, PATTERNS = 3 };
/* How it was published: order holds for each, when a fan-out goes on over turns. */
enum path { PATH_SENT, PATH_ALL, PATH_TOPIC, PATHS = PATH_TOPIC + BIND_TOPICS };

enum form { FORM_ANY, FORM_RAW, FORM_WRAPPED };

/* COMMITTING: nobody's once the commit that releases it is done. */
enum held_by { HELD_NOBODY, HELD_CONSUMER, HELD_RECEIVE, HELD_COMMITTING };

/* One copy: what the model knows of a message in a queue. */
struct copy {
	bool sent, confirmed, failed, durable, settled, reported, delivered;
	bool unsure;      /* a removal was answered with a failure: done or not */
	bool delayed;
	int path;         /* 0 as long as one order holds for all */
	enum form form;
	bool seen;        /* handed out at least once */
	bool vanished;    /* of a commit that failed */
	bool came_back;   /* handed out after settled_in took it out */
	uint64_t group, settled_in; /* commits that put it there, that took it out: asked.key; 0: none */
	enum held_by held;
	uint64_t lease;   /* of the holder */
	uint64_t by;      /* who removes it, and waits for the answer: asked.key */
	int64_t until_ms; /* HELD_RECEIVE */
	int64_t due_ms;   /* wall */
	int64_t settled_ms;
};

enum verb {
	ASK_OTHER,
	ASK_RECEIVE,
	ASK_CONSUME,
	ASK_DELETE,
	ASK_EXTEND,
	ASK_REMOVAL,
	ASK_BIND,
	ASK_COMMIT,
	ASK_SUBSCRIBE,
};

/* A verb whose answer is still to come. */
struct asked {
	uint64_t cmd, key; /* key: unique in the run */
	int64_t at_ms;
	enum verb verb;
	int message, queue; /* of a receipt */
	bool by_session;    /* a session held that message */
	bool current;       /* the receipt was that of the present holder */
	int topic, pattern; /* ASK_BIND, ASK_SUBSCRIBE */
	bool refused;       /* ASK_COMMIT: an envelope cannot be made */
};

struct lease_note {
	uint64_t lease, consumer;
	int message, queue;
	bool staged; /* settled in the open transaction: */
	enum outcome_kind kind;
	uint64_t commit; /* key of the commit on its way */
};

/* What a publish was asked to do; its routes are those of when it is done. */
struct publish_plan {
	int id, queue, topic, key; /* queue: PLAN_TOPIC for one through a topic */
	int64_t delay_ms;
	bool durable;
};
enum { PLAN_TOPIC = -1, TOPIC_ALL = -1 };

struct held_receipt {
	struct receipt receipt;
	uint64_t lease;
	int message, queue;
};

struct sim_peer {
	struct peer p;
	bool open, aws, stuck; /* stuck: not writable */
	uint64_t consumer;
	int queue;       /* of the consumer */
	int64_t priority; /* likewise */
	uint32_t credit; /* 0: no consumer */
	bool no_ack, tx;
	struct publish_plan staged[STAGED_MAX];
	int n_staged;
	struct lease_note leases[LEASES_MAX];
	int n_leases;
	struct asked asked[ASKED_MAX];
	int n_asked;
	int64_t first_seen[QUEUES][PATHS]; /* order of the latest message whose first delivery it saw */
};

enum bound { BOUND_NO, BOUND_YES, BOUND_UNKNOWN };

/* Of a topic and a queue. */
struct subscribed {
	enum bound is;
	int policy; /* POLICY of subscription.c */
	bool raw;
	bool asking; /* an answer is to come */
	char id[40]; /* empty: nobody has said it */
};

struct sim_options {
	enum rig_store kind;
	bool faults; /* this run's disk fails now and then */
	bool loose;  /* the remote store loses leases, doubles and refuses messages */
	bool wide;   /* any fan-out takes several turns */
};

struct sim {
	struct rig rig;
	struct rng rng;
	uint64_t seed, next_key;
	struct sim_options o;
	struct sim_peer peers[PEERS];
	struct copy copies[MESSAGES_MAX][QUEUES];
	int n_messages;
	int64_t order[MESSAGES_MAX]; /* in which they were published or committed */
	int64_t next_order;
	struct held_receipt receipts[RECEIPTS_MAX];
	int n_receipts;
	bool exists[QUEUES];
	enum bound bound[BIND_TOPICS][PATTERNS][QUEUES];
	bool binding[BIND_TOPICS][PATTERNS][QUEUES]; /* its answer is to come */
	struct subscribed subscribed[BIND_TOPICS][QUEUES];
	struct rig_envelopes envelopes;
	bool refused[MESSAGES_MAX]; /* its envelopes could not be made */
	int owner;        /* of MINE */
	uint64_t active;  /* consumer of SINGLE that got the last message; 0: none has */
	bool faults;      /* the disk has failed */
	bool after_crash; /* bare settlements of before may have been lost */
	uint64_t cut[CUT_MAX]; /* commits that were never answered: asked.key */
	int n_cut;
	bool trace;
	int step;
};

#define sim_must(s, cond)                                                                         \
	do {                                                                                      \
		if (!(cond))                                                                      \
			fail_msg("%s seed %llu step %d: %s (%s:%d)", rig_store_name((s)->rig.kind), \
				 (unsigned long long)(s)->seed, (s)->step, #cond, __FILE__, __LINE__); \
	} while (0)
#define sim_trace(s, ...)                                                                         \
	do {                                                                                      \
		if ((s)->trace) {                                                                 \
			printf("step %d ", (s)->step);                                            \
			printf(__VA_ARGS__);                                                      \
			printf("\n");                                                             \
		}                                                                                 \
	} while (0)

extern const char *const QUEUE[QUEUES];

/* model.c */
uint64_t pick(struct sim *s, uint64_t n);
bool chance(struct sim *s, unsigned percent);
bool sim_remote(const struct sim *s);
/* The store, not the engine, has its leases and its order. */
bool sim_owned(const struct sim *s, int queue);
struct copy *copy_of(struct sim *s, int message, int queue);
void look(struct sim *s);
void turn(struct sim *s);
void settle(struct sim *s); /* until nothing moves */
/* A verb is about to be called with this cmd; NULL: too many are open. */
struct asked *ask(struct sim *s, struct sim_peer *p, enum verb verb);
void asked_forget(struct sim_peer *p, uint64_t cmd);
/* A copy is taken out by a verb that `key` waits for (0: nobody). */
void copy_removed(struct sim *s, struct copy *c, uint64_t key);
void first_forget(struct sim *s); /* counters were undone: order starts anew */
void first_forget_queue(struct sim_peer *p, int queue);

/* client.c */
void do_open(struct sim *s, struct sim_peer *p);
void do_close(struct sim *s, struct sim_peer *p);
void client_step(struct sim *s, struct sim_peer *p);

/* It is done now; group: of which commit, 0: of none. */
void publish_sent(struct sim *s, const struct publish_plan *p, uint64_t group);

/* Chooses to have no memory for an envelope among these copies (group 0: of one message). */
bool envelopes_refuse(struct sim *s, int first, uint64_t group);

/* tx.c */
void tx_step(struct sim *s, struct sim_peer *p);
void tx_answered(struct sim *s, struct sim_peer *p, const struct asked *a, bool ok);
void tx_cut(struct sim *s, struct sim_peer *p); /* its connection goes */
void tx_seen(struct copy *c);                   /* is handed out */
void tx_check(struct sim *s);                   /* S12, at the end */

/* definition.c */
void declare_all(struct sim *s);
void queues_look(struct sim *s); /* which of them have gone by themselves */
void definition_step(struct sim *s, struct sim_peer *p);
/* Where a message to this topic and key goes. */
enum bound route_of(const struct sim *s, int topic, int key, int queue);
extern const char *const TOPIC[BIND_TOPICS];
extern const char *const ROUTING_KEY[BIND_TOPICS][PATTERNS];

/* subscription.c */
/* A message with this number to this topic: whether its subscription brings it to the queue. */
enum bound subscription_of(const struct sim *s, int topic, int message, int queue, enum form *form);
void subscription_step(struct sim *s, struct sim_peer *p);
void subscription_answered(struct sim *s, const struct asked *a, const struct seen *e);
void subscriptions_unsure(struct sim *s); /* those whose answer never came */
void subscriptions_check(struct sim *s);
void form_check(struct sim *s, const struct copy *c, const struct seen *e, int queue);

/* life.c */
void do_fault(struct sim *s);
void life_ends(struct sim *s, bool crash);
void drain(struct sim *s);

#endif
