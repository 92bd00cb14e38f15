/* SPDX-License-Identifier: Apache-2.0 */
/* An engine on a store of choice, a virtual clock, and peers that write down
 * every event: what engine tests and the simulation stand on. */
#ifndef MQB_TESTS_RIG_H
#define MQB_TESTS_RIG_H

#include "base/rng.h"
#include "engine/engine.h"

/* RIG_CRASH: sqlite on a disk in memory that can lose power (support/store_crash.h). */
enum rig_store { RIG_MEMORY, RIG_SQLITE, RIG_SQLITE_THREAD, RIG_CRASH, RIG_REMOTE, RIG_STORES };

/* What a test relies on; it runs over every store that has it (DESIGN §9). */
bool rig_has(enum rig_store store, uint32_t caps);
const char *rig_store_name(enum rig_store store);

struct store_crash;
struct rig;
/* Runs `body` on a fresh rig for each store that has the capabilities; options may be NULL. */
void rig_over(uint32_t caps, const struct engine_options *options, void (*body)(struct rig *r));

struct rig {
	enum rig_store kind;
	char dir[64]; /* of the sqlite stores */
	bool outside; /* bodies of durable messages are files, in stores on disk; before rig_open */
	struct store_crash *crash;
	struct blobs *blobs; /* NULL: none, bodies are in memory */
	uint64_t lives;
	struct store *store, *spill;
	struct engine *engine;
	struct now now;
	struct rng rng;
	struct engine_options options;
	uint64_t events; /* raised so far */
	uint32_t check_every, turns; /* engine_check each so many turns; 0: each one */
};

struct seen {
	enum event_kind kind;
	uint64_t cmd, tag, lease, consumer, count, consumers, ready;
	enum code code;
	char text[256];
	char name[256]; /* queue_declare */
	char body[64];  /* delivered, received, returned: its first bytes */
	uint64_t body_bytes;
	size_t nth;     /* received: which of them */
	bool created, redelivered;
	enum published_how how;
	uint16_t received, delivered, failed;
	int64_t first_received_ms;
	struct receipt receipt;
	uint8_t id[16];
	uint64_t order; /* among all events of the rig */
	int64_t at_ms;  /* mono, when it was raised */
};

/* A connection with one session; its events in order. */
struct peer {
	struct rig *rig;
	uint64_t conn, session;
	struct seen *v;
	size_t n, cap, at; /* at: next one to be looked at */
	uint64_t cmd;      /* last one used */
};

void rig_open(struct rig *r, enum rig_store kind);
/* Stops the engine and store and starts them again on the same data (a clean
 * stop: everything submitted is done). */
void rig_restart(struct rig *r);
/* The same, up to the first turn: what the store is asked at start is on its way. */
void rig_restart_unsettled(struct rig *r);
/* RIG_CRASH: the machine loses power in the middle of whatever is going on, and
 * comes back. Peers are gone (peer_free). */
void rig_power_loss(struct rig *r);
void rig_close(struct rig *r);
/* One loop turn; rig_settle: turns until nothing moves. */
void rig_turn(struct rig *r);
void rig_settle(struct rig *r);
void rig_wait(struct rig *r, int64_t ms); /* moves the clock, then settles */

void peer_open(struct peer *p, struct rig *r, enum session_kind kind);
void peer_close(struct peer *p, enum close_how how);
void peer_free(struct peer *p); /* after rig_restart or peer_close */
/* The next event; fails the test when there is none after settling. */
struct seen *peer_next(struct peer *p);
/* Events not yet looked at, after settling. */
size_t peer_pending(struct peer *p);

/* NULL: its body is to be a file, and the disk does not take it. */
struct message *rig_message(struct rig *r, const char *body, bool durable);
/* Restarts an engine that has no entries: then no file is there either. */
void rig_no_files(struct rig *r);
/* Verbs with their answer awaited. */
struct seen *peer_queue(struct peer *p, const char *name, bool durable);
struct seen *peer_topic(struct peer *p, const char *name, enum topic_type type);
struct seen *peer_bind(struct peer *p, const char *topic, const char *queue, const char *key);
void peer_send(struct peer *p, const char *queue, const char *body, bool durable); /* confirmed and awaited */
uint64_t peer_consume(struct peer *p, const char *queue, uint32_t credit, bool no_ack);
struct seen *peer_get(struct peer *p, const char *queue);
void peer_receive(struct peer *p, const char *queue, uint32_t n, int64_t wait_ms, int64_t lease_ms);
void peer_settle(struct peer *p, uint64_t lease, enum outcome_kind kind, bool failed);

#endif
