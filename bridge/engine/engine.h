/* SPDX-License-Identifier: Apache-2.0 */
/* The engine door (engine.md §9): SQS/SNS semantics for every protocol head.
 *
 * Handles are 64-bit ids, never pointers; 0 is none. The only pointers that
 * cross are `struct message *` (one reference, see each place) and byte views
 * that the callee copies before it returns.
 *
 * A *connection* is a peer with a user and a vhost; exclusive queues belong to
 * it, and it is writable or not. A *session* (an AMQP channel, an HTTP caller)
 * lies in one connection; leases, consumers and transactions belong to it.
 *
 * No verb raises an event: events are queued and raised by engine_run, in the
 * loop's ENGINE phase. A head may call verbs from inside an event. A verb with a
 * `cmd` gets exactly one EVENT_DONE (or the event it names) with that cmd; the
 * answers of one session come in the order of its verbs. A publish has no cmd:
 * its `tag` comes back in EVENT_PUBLISHED if it asked (PUBLISH_CONFIRM) or was refused.
 *
 * The engine knows no clock: `now` is handed in by engine_run, and by engine_time
 * when verbs are called after a wait. */
#ifndef MQB_ENGINE_ENGINE_H
#define MQB_ENGINE_ENGINE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/header_codec.h"
#include "base/message.h"
#include "base/value.h"
#include "base/view.h"
#include "store/store.h"

struct engine;

enum session_kind {
	SESSION_AMQP091,
	SESSION_AMQP10,
	SESSION_STOMP,
	SESSION_AWS,
	SESSION_ADMIN,
};

/* Every limit is a setting of the daemon with this default. */
struct engine_options {
	uint32_t window_entries;     /* resident head of a lane; 16384 */
	uint64_t window_bytes;       /* 32 MiB */
	uint32_t load_entries;       /* entries a page; 512 */
	uint64_t load_bytes;         /* 4 MiB */
	uint64_t resident_high_bytes; /* of messages in memory: then a lane keeps only a page; 128 MiB */
	uint64_t resident_low_bytes; /* 96 MiB */
	uint64_t store_high_bytes;   /* handed to the writer and not committed; 64 MiB */
	uint64_t store_low_bytes;    /* 32 MiB */
	uint32_t batch_ops_max;      /* operations in one batch; 20000 */
	uint32_t deliver_turn;       /* deliveries a turn; 4096 */
	uint64_t deliver_bytes;      /* to a connection before its out-queue is asked; 256 KiB */
	uint32_t in_flight_max;      /* of a queue, by ReceiveMessage; 120000 */
	uint32_t fanout_max;         /* queues that a publish reaches in its own turn; 256 */
	uint32_t fanout_turn;        /* queues a turn reached by wider ones; 4096 */
	struct store *spill;         /* borrowed; for transient messages past that mark; NULL: they stay */
	uint64_t seed;               /* ids */
	const struct codecs *codecs; /* headers exchanges look into headers; may be NULL */
	const struct envelope_maker *envelopes; /* borrowed; NULL: subscriptions deliver raw only */
};

/* Makes the message that a subscription without raw delivery puts into its queue
 * (cross-protocol.md, The SNS envelope). The engine knows neither regions nor keys. */
struct subscription_stat;
struct envelope_maker {
	void *ctx;
	/* One reference, owned by the caller, with m's id, sent time and durability; NULL:
	 * memory is gone, and the publish fails as a whole. `shared` is zero at the first
	 * subscription of a publish, and the maker's own until `done`: what all of them share. */
	struct message *(*make)(void *ctx, const struct message *m, const struct subscription_stat *s, void **shared);
	void (*done)(void *ctx, void *shared); /* only when it is set */
};

void engine_options_default(struct engine_options *o);

/* Reads definitions and rows from the store (before traffic), creates what a
 * new data directory lacks. Borrows the store. NULL and *e when the definitions
 * cannot be read. */
struct engine *engine_new(const struct engine_options *o, struct store *store, struct now now,
			  struct error *e);
/* The ordered stop, when nobody asks for anything any more: leases of receives go to
 * the store (in batches, until engine_idle), and the next engine_new has them again. */
void engine_leases_keep(struct engine *e);
/* Everything that was raised is gone; connections need not be closed. */
void engine_free(struct engine *e);

/* The time for the verbs that follow; the loop calls it before the first READ of a turn. */
void engine_time(struct engine *e, struct now now);
/* ENGINE phase: takes the store's completions, moves time, dispatches, raises
 * events until there are none or the turn's bounds are reached (then true). */
bool engine_run(struct engine *e, struct now now);
/* STORE phase: hands the turn's batch to the store. */
void engine_flush(struct engine *e);
/* Mono ms of the next deadline; INT64_MAX: none. */
int64_t engine_next_ms(const struct engine *e);
/* Nothing pending: no batch, no event, nothing unfinished in the store. */
bool engine_idle(const struct engine *e);
/* Past the store gate: connections that publish should not be read. */
bool engine_store_full(const struct engine *e);
/* The memory and disk gates: why a connection that publishes is not read any more,
 * "low on memory"; NULL: no reason. A text that stays. Connections learn of it by
 * EVENT_BLOCKED and EVENT_UNBLOCKED, those that are opened meanwhile too. */
void engine_alarm(struct engine *e, const char *reason);
/* The engine's own gates, their marks and where they stand. */
struct engine_gates {
	bool store_full; /* publishers wait for the disk */
	uint64_t store_bytes, store_high_bytes, store_low_bytes;
	bool crowded;    /* lanes keep a page in memory, transient arrivals behind it spill */
	uint64_t resident_bytes, resident_high_bytes, resident_low_bytes;
};
void engine_gates(const struct engine *e, struct engine_gates *out);

/* ---- vhosts -------------------------------------------------------------- */

/* Creates the predeclared exchanges of a vhost (rabbitmq.md 2.1) unless there. */
void engine_vhost_add(struct engine *e, struct view vhost);
bool engine_vhost_has(const struct engine *e, struct view vhost);

/* ---- connections and sessions --------------------------------------------- */

struct event;
struct connection_spec {
	enum session_kind kind;
	struct view vhost, user;
	void (*event)(void *ctx, const struct event *ev);
	void *ctx; /* handed to `event` */
};

enum close_how {
	CLOSE_ORDERLY, /* leases go back, `failed` unchanged for closed channels */
	CLOSE_LOST,    /* leases go back with failed + 1 */
};

uint64_t engine_connection_open(struct engine *e, const struct connection_spec *spec);
/* Closes its sessions, deletes its exclusive queues (before anything later can
 * see them). No event of it is raised afterwards. */
void engine_connection_close(struct engine *e, uint64_t conn, enum close_how how);
void engine_connection_writable(struct engine *e, uint64_t conn, bool writable);
/* The same for one session: its consumers get nothing while it is not. */
void engine_session_writable(struct engine *e, uint64_t session, bool writable);
uint64_t engine_session_open(struct engine *e, uint64_t conn, void *ctx);
/* Leases go back, consumers go, an open transaction is dropped. No event of it afterwards. */
void engine_session_close(struct engine *e, uint64_t session, enum close_how how);

/* ---- definitions ----------------------------------------------------------- */

/* Their numbers are kept on disk. */
enum topic_type { TOPIC_DIRECT, TOPIC_FANOUT, TOPIC_TOPIC, TOPIC_HEADERS, TOPIC_CONSISTENT_HASH, TOPIC_RANDOM, TOPIC_TYPES };

/* A string attribute of the SQS/SNS side. */
struct attribute {
	struct view name, value;
};

/* Whose equivalence rules a declare follows; the other side of what it makes stays
 * open until that side's first declare fills it (DESIGN §5). */
enum side { SIDE_LEGACY, SIDE_AWS };

struct topic_spec {
	struct view name;
	enum side side;
	enum topic_type type; /* legacy side; CreateTopic's is a fanout until a legacy declare says otherwise */
	bool durable, auto_delete, internal, passive;
	const struct table *arguments;      /* declared, legacy side; NULL: none */
	const struct attribute *attributes; /* AWS side; those that were given */
	size_t n_attributes;
};

/* DONE carries created. AWS side: DIFFERENT when it exists with other values of attributes given. */
void engine_topic_declare(struct engine *e, uint64_t session, uint64_t cmd, const struct topic_spec *s);
/* Its bindings and subscriptions go with it. */
void engine_topic_delete(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool if_unused);
/* SetTopicAttributes, tags: an empty value takes an attribute away. DONE after the commit. */
void engine_topic_attributes_set(struct engine *e, uint64_t session, uint64_t cmd, struct view name,
				 const struct attribute *v, size_t n);

struct queue_spec {
	struct view name; /* true name; empty: the engine makes one (amq.gen-…) */
	enum side side;
	bool durable, exclusive, auto_delete, passive;
	const struct table *arguments;      /* legacy side */
	const struct attribute *attributes; /* AWS side; those that were given */
	size_t n_attributes;
};

/* DONE carries name, ready, consumers (rabbitmq.md 3.2). ENGINE_REPLY_TO itself and the
 * addresses that are open are answered for, passive or not, and never made. */
void engine_queue_declare(struct engine *e, uint64_t session, uint64_t cmd, const struct queue_spec *s);
/* DONE carries ready. */
void engine_queue_delete(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool if_unused,
			 bool if_empty);
/* DONE carries how many were removed. with_leased: SQS PurgeQueue. */
void engine_queue_purge(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool with_leased);

/* SetQueueAttributes: an empty value takes an attribute away. DONE after the commit. */
void engine_queue_attributes_set(struct engine *e, uint64_t session, uint64_t cmd, struct view name,
				 const struct attribute *v, size_t n);

struct binding_spec {
	struct view source;      /* topic */
	struct view destination; /* queue, or topic with to_topic */
	bool to_topic;
	struct view key;
	const struct table *arguments;
};

void engine_bind(struct engine *e, uint64_t session, uint64_t cmd, const struct binding_spec *b);
void engine_unbind(struct engine *e, uint64_t session, uint64_t cmd, const struct binding_spec *b);

/* Subscriptions of SNS's own (DESIGN §6): a topic's messages into a queue, by a
 * filter policy, raw or in an envelope. A queue gets one copy of a message: the
 * topic's own if a binding matches, else a subscription's. The queue may be
 * missing, now or later: then its copy goes to the subscription's dead-letter
 * queue, or nowhere. Attributes that the engine reads: FilterPolicy,
 * FilterPolicyScope, RawMessageDelivery, RedrivePolicy; the head has checked them. */
struct subscription_spec {
	struct view topic;     /* true name */
	struct view queue;     /* true name of the endpoint, in the same vhost */
	struct view topic_arn; /* as the caller named it: its region and account */
	const struct attribute *attributes;
	size_t n_attributes;
};

/* DONE carries name = the id (36 characters) and created; the same topic and queue
 * again: the same id, DIFFERENT when the attributes differ. NOT_FOUND: no such topic. */
void engine_subscribe(struct engine *e, uint64_t session, uint64_t cmd, const struct subscription_spec *s);
/* DONE: OK also when there is none; REFUSED for the id of bindings. */
void engine_unsubscribe(struct engine *e, uint64_t session, uint64_t cmd, struct view id);
/* An empty value takes an attribute away. NOT_FOUND; REFUSED for the id of bindings. */
void engine_subscription_attributes_set(struct engine *e, uint64_t session, uint64_t cmd, struct view id,
					const struct attribute *v, size_t n);

/* ---- publishing -------------------------------------------------------------- */

enum publish_flag {
	PUBLISH_CONFIRM = 1,   /* answer with PUBLISHED in any case */
	PUBLISH_MANDATORY = 2, /* RETURNED when nothing matched */
	PUBLISH_COPIES = 4,    /* its headers name further keys (base/header_codec.h), or queues of a send */
};

/* Routes at once, in call order. Takes its own references. An unroutable
 * confirmed publish is PUBLISHED stored (rabbitmq.md 4.8). false: the topic does
 * not take it, and PUBLISHED will say why. */
bool engine_publish(struct engine *e, uint64_t session, struct view topic, struct view key, struct message *m,
		    unsigned flags, uint64_t tag);
/* To one queue by true name: the default exchange and SendMessage. delay_ms > 0:
 * visible later, -1: the queue's own delay. A missing queue is unroutable, but REJECTED for SESSION_AWS. */
void engine_send(struct engine *e, uint64_t session, struct view queue, struct message *m, unsigned flags,
		 int64_t delay_ms, uint64_t tag);

/* ---- consuming --------------------------------------------------------------- */

/* Direct reply-to (rabbitmq.md 4.26). What is sent by name to `address` (engine_send,
 * PUBLISH_COPIES too) comes to the session at once as EVENT_DELIVERED without a lease,
 * whatever it can take; it is never stored, and for PUBLISH_MANDATORY nobody takes it.
 * The caller makes an address that nobody guesses: ENGINE_REPLY_TO, a point, the rest.
 * Other vhosts do not see it. Answered at once; false: the session has one, or
 * somebody else has the address. It ends with its session. */
#define ENGINE_REPLY_TO "amq.rabbitmq.reply-to"
bool engine_reply_open(struct engine *e, uint64_t session, struct view address, void *ctx);
void engine_reply_close(struct engine *e, uint64_t session);

struct consumer_spec {
	struct view queue;
	uint32_t credit;  /* messages it may hold unsettled; UINT32_MAX: no limit */
	bool no_ack;      /* settled when handed over */
	bool exclusive;
	int64_t priority; /* the highest one that has credit is served (rabbitmq.md 3.20) */
	uint64_t shared;  /* credit pool that it shares (engine_credit_pool); 0: its own */
	void *ctx;        /* comes back in its events */
};

/* DONE carries the consumer id; deliveries start after that event. Of the consumers of a
 * single active queue one gets deliveries until it goes (rabbitmq.md 3.21). */
void engine_consume(struct engine *e, uint64_t session, uint64_t cmd, const struct consumer_spec *s);
/* Adds n to what it may still receive beyond replacement by settling (AMQP 1.0,
 * STOMP); 0-9-1 sets the limit with engine_prefetch. */
void engine_prefetch(struct engine *e, uint64_t consumer, uint32_t limit);
/* A limit shared by all consumers of a session that name it: basic.qos global. */
void engine_session_prefetch(struct engine *e, uint64_t session, uint32_t limit);
/* DONE after the last delivery; leases stay. */
void engine_cancel(struct engine *e, uint64_t session, uint64_t cmd, uint64_t consumer);

/* One message or none, at once: RECEIVED with n 0 or 1 and ready = what remains. */
void engine_get(struct engine *e, uint64_t session, uint64_t cmd, struct view queue, bool no_ack);
/* ReceiveMessage: RECEIVED with up to n ≤ 10; waits up to wait_ms; leases with a deadline.
 * LIMIT when the queue has in_flight_max of them and wait_ms is 0. */
void engine_receive(struct engine *e, uint64_t session, uint64_t cmd, struct view queue, uint32_t n,
		    int64_t wait_ms /* -1: the queue's */, int64_t lease_ms /* -1: the queue's */);
/* The caller is gone: RECEIVED does not come any more. */
void engine_receive_cancel(struct engine *e, uint64_t session, uint64_t cmd);
/* The answer of `cmd` never reached the peer: leases back, counters undone. */
void engine_receive_undo(struct engine *e, uint64_t session, const uint64_t *leases, size_t n);
/* The reader's protocol cannot carry this message: dead-lettered as rejected. false: its queue
 * has no rule for that, the lease stays. */
bool engine_receive_reject(struct engine *e, uint64_t lease);

enum outcome_kind { OUTCOME_ACCEPT, OUTCOME_RELEASE, OUTCOME_DEAD_LETTER };

struct outcome {
	enum outcome_kind kind;
	bool failed;      /* RELEASE: counts as a failed delivery */
	int64_t delay_ms; /* RELEASE: visible later */
};

/* Leases of this session; unknown ids are ignored (their entry went away). No answer. */
void engine_settle(struct engine *e, uint64_t session, const uint64_t *leases, size_t n,
		   const struct outcome *o);

/* Transactions (engine.md §5): publishes and settlements of a session are staged
 * under a transaction's id until it is committed; a session may have several.
 * After commit or rollback the id stays, with nothing staged. */
void engine_tx_begin(struct engine *e, uint64_t session, uint64_t tx);
/* Publishes and settlements that follow belong to it; 0: to none. */
void engine_tx_use(struct engine *e, uint64_t session, uint64_t tx);
/* Routes, then all or nothing. DONE once it is stored; CODE_UNAVAILABLE: nothing
 * of it happened, the leases are the session's as before. */
void engine_tx_commit(struct engine *e, uint64_t session, uint64_t cmd, uint64_t tx);
enum rollback_how {
	ROLLBACK_KEEP,    /* leases settled in it are unsettled again (0-9-1, STOMP) */
	ROLLBACK_RELEASE, /* they go back, failed + 1 (AMQP 1.0) */
};
void engine_tx_rollback(struct engine *e, uint64_t session, uint64_t cmd, uint64_t tx, enum rollback_how how);

/* A durable reference to one receive of one message; heads seal it into an
 * opaque text (mapping/receipt.h). */
struct receipt {
	uint32_t queue;   /* uid */
	uint64_t pos;
	uint32_t receive; /* which receive of it */
	uint64_t boot;    /* boot epoch of the process that made it */
	int64_t at_ms;    /* wall; when that was */
	uint8_t handle_n; /* remote stores: their own handle */
	uint8_t handle[200];
};

/* DONE: OK also when the message is gone. */
void engine_settle_ref(struct engine *e, uint64_t session, uint64_t cmd, struct view queue,
		       const struct receipt *r, const struct outcome *o);
/* Visibility to now + ms; 0: visible at once. DONE: NOT_FOUND when it is gone; LIMIT: more than
 * 12 hours after the receive. */
void engine_extend_ref(struct engine *e, uint64_t session, uint64_t cmd, struct view queue,
		       const struct receipt *r, int64_t ms);

/* ---- looking ------------------------------------------------------------------ */

struct queue_stat {
	struct view name;
	uint32_t uid;
	bool durable, exclusive, auto_delete, listed; /* listed: shown by ListQueues */
	uint64_t ready, leased, delayed, consumers, bytes;
	uint64_t received_leased; /* those of `leased` that ReceiveMessage took */
	int64_t created_ms, modified_ms;
};

struct topic_stat {
	struct view name;
	enum topic_type type;
	bool durable, internal, auto_delete;
	uint64_t bindings, subscriptions; /* SNS's own */
	/* Since the start: published to it, of these without a queue; copies that a filter
	 * policy kept back, copies whose queue was missing. */
	uint64_t published, unroutable, filtered, dropped;
};

/* A subscription as lists show it; views valid during the call. */
struct subscription_stat {
	struct view id;    /* of bindings: made from vhost, topic and queue, always the same */
	bool bound;        /* the bindings of one queue to one topic: raw, read-only over SNS */
	struct view vhost, topic, queue; /* true names */
	struct view topic_arn;           /* empty for bindings */
	const struct attribute *attributes;
	size_t n_attributes;
};

/* Snapshots in name order, for lists and status; views valid during the call. */
void engine_queues_each(const struct engine *e, struct view vhost,
			void (*each)(void *ctx, const struct queue_stat *q), void *ctx);
void engine_topics_each(const struct engine *e, struct view vhost,
			void (*each)(void *ctx, const struct topic_stat *t), void *ctx);
/* In the order of their ids, those after `after` (empty: from the first). topic empty: of all
 * topics. Ends when `each` answers false. */
void engine_subscriptions_each(struct engine *e, struct view vhost, struct view topic, struct view after,
			       bool (*each)(void *ctx, const struct subscription_stat *s), void *ctx);
bool engine_subscription_find(struct engine *e, struct view vhost, struct view id,
			      void (*found)(void *ctx, const struct subscription_stat *s), void *ctx);
/* The bindings of a queue to a topic, any order. */
void engine_bindings_each(const struct engine *e, struct view vhost, struct view topic, struct view queue,
			  void (*each)(void *ctx, struct view key, const struct table *arguments), void *ctx);
bool engine_topic_stat(const struct engine *e, struct view vhost, struct view name, struct topic_stat *out);
/* Attribute that was given to a topic; false: absent. Valid until the next verb. */
bool engine_topic_attribute(const struct engine *e, struct view vhost, struct view topic, struct view name,
			    struct view *value);
bool engine_topic_by_wire(const struct engine *e, struct view vhost, struct view wire, struct view *name);
bool engine_queue_stat(const struct engine *e, struct view vhost, struct view name, struct queue_stat *out);
/* Effective SQS attribute of a queue; false: absent. Valid until the next verb. */
bool engine_queue_attribute(const struct engine *e, struct view vhost, struct view queue, struct view name,
			    struct view *value);
/* What the legacy side declared it with (x-mqb-… settings are read from there);
 * NULL: no such queue. Valid until the next verb. */
const struct table *engine_queue_arguments(const struct engine *e, struct view vhost, struct view queue);
/* Where a queue's dead letters go. */
struct queue_dead_letters {
	bool legacy;        /* by a legacy declare's dead letter exchange, not by RedrivePolicy */
	struct view target; /* true name of that one queue; empty: none, or it depends */
	int64_t max;        /* receives, in the terms of maxReceiveCount; 0: no such limit */
};
/* false: no such queue. Valid until the next verb. */
bool engine_queue_dead_letters(const struct engine *e, struct view vhost, struct view queue,
			       struct queue_dead_letters *out);
/* True name behind a wire name (mapping/names.h), if any resource has it. */
bool engine_queue_by_wire(const struct engine *e, struct view vhost, struct view wire, struct view *name);

struct engine_counters {
	uint64_t published, delivered, settled, elided, returned, unroutable, stored, removed, loads;
	uint64_t connections, sessions, queues, topics, entries, leases;
	uint64_t batch_bytes; /* handed to the writer and not committed */
	uint64_t fanouts;     /* messages on their way to many queues */
	uint64_t resident_bytes; /* of messages in memory */
	uint64_t spilled;     /* transient messages that only the spill store has */
	uint64_t replies;     /* addresses that are open */
	uint64_t replied;     /* messages handed to them */
};
void engine_counters(const struct engine *e, struct engine_counters *out);
/* Recounts what is resident against every invariant; stops the process on a
 * mismatch. For tests, simulations and fuzzers. */
void engine_check(const struct engine *e);

/* ---- events ------------------------------------------------------------------- */

enum event_kind {
	EVENT_DONE,
	EVENT_PUBLISHED,
	EVENT_RETURNED,
	EVENT_DELIVERED,
	EVENT_RECEIVED,
	EVENT_CANCELLED, /* by the engine: queue deleted */
	EVENT_LEASE_ENDED, /* taken from the session: purged by SQS, lost by a remote store */
	EVENT_BLOCKED, /* of a connection, no session: engine_alarm */
	EVENT_UNBLOCKED,
};

enum published_how { PUBLISHED_STORED, PUBLISHED_REJECTED, PUBLISHED_FAILED };

struct delivery {
	uint64_t lease; /* 0: no_ack */
	struct message *message; /* borrowed until the event returns; ref to keep */
	uint32_t origin;
	uint16_t received, delivered, failed; /* this hand-over included */
	bool redelivered;
	bool counts; /* its queue tells how often it failed: x-delivery-count (rabbitmq.md 3.23) */
	int64_t first_received_ms; /* wall; ReceiveMessage only */
	struct view queue; /* true name */
	struct view source; /* true name of the queue that it died in, or was moved from; empty: none */
	struct receipt receipt; /* ReceiveMessage only */
};

struct event {
	enum event_kind kind;
	uint64_t session;
	void *session_ctx;
	union {
		struct {
			uint64_t cmd;
			const struct error *error; /* error->code CODE_OK: success */
			struct view name;   /* queue_declare, subscribe */
			bool created;       /* declare: it was not there before */
			uint64_t count;     /* ready or removed messages */
			uint64_t consumers;
			uint64_t id;        /* consumer */
		} done;
		struct {
			uint64_t tag;
			enum published_how how;
			const struct error *error;
		} published;
		struct {
			uint64_t tag;
			struct message *message; /* borrowed; topic and key are in it */
		} returned;
		struct {
			uint64_t consumer;
			void *consumer_ctx;
			struct delivery d;
		} delivered;
		struct {
			uint64_t cmd;
			const struct error *error;
			const struct delivery *v;
			size_t n;
			uint64_t ready; /* what remains ready */
		} received;
		struct {
			uint64_t consumer;
			void *consumer_ctx;
			const char *why;
		} cancelled;
		struct {
			uint64_t lease;
		} lease_ended;
		struct {
			const char *reason; /* stays */
		} blocked;
	};
};

#endif
