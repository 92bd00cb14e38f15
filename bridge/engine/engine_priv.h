/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own structs. Who owns what:
 *
 *   engine ─ vhosts ─ queues ─ entries (resident ones), lanes, waiters
 *                   └ topics ─ router (bindings), subscriptions
 *          └ connections ─ sessions ─ consumers, receives, asks, leases
 *          └ journal ─ batches (operations on their way to the store)
 *
 * Invariants (checked by engine_check, run by tests and the simulation):
 *  E1  an entry is in exactly one place by its state: READY in its queue's lane,
 *      DELAYED in its queue's due heap, LEASED in its queue's leased list and with a
 *      lease, PENDING in its queue's pending list
 *  E2  an entry has at most one lease, and that lease points back
 *  E3  queue.n_ready = resident ready entries + behind_n + spilled.n; n_leased, n_delayed likewise
 *  E4  positions in lane.ready ascend and, while something is behind, are below behind_from
 *  E5  a publish is answered once, when its last unfinished entry is committed or removed
 *  E6  an UNSENT entry's dest lies in the batch being built; an IN_BATCH one's in a submitted batch
 *  E7  consumer.held = its leases (ghosts included); held ≤ limit when it was handed the last
 *  E8  stored_n of a queue = entries the store holds once everything submitted is done
 *  E9  a subscription is in its engine, its vhost and its topic, or in none of them
 *  E10 a queue whose first message has a deadline is in engine.upkeep or in engine.expiries
 *  E11 queue.rings are those with waiters, highest priority first; of a single active queue
 *      with consumers one is the sole consumer, and it is one of its own */
#ifndef MQB_ENGINE_PRIV_H
#define MQB_ENGINE_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/rng.h"
#include "engine/attributes.h"
#include "engine/engine.h"
#include "engine/journal.h"
#include "engine/slots.h"
#include "engine/subscription.h"
#include "mapping/hash_rule.h"
#include "mapping/queue_effective.h"
#include "mapping/router.h"

struct queue;
struct topic;
struct session;
struct lease;

/* PENDING: of a commit that is on its way to the store. */
enum entry_state { ENTRY_READY, ENTRY_LEASED, ENTRY_DELAYED, ENTRY_PENDING, ENTRY_STATES };
enum entry_stored {
	STORED_NEVER,    /* transient, or its append failed */
	STORED_UNSENT,   /* append in the batch being built */
	STORED_IN_BATCH, /* append submitted */
	STORED_YES,
	STORED_REMOTE,   /* the store owns it and its lease */
};

struct entry {
	union {
		struct link link;     /* READY, in lane.ready or lane.after; LEASED, in queue.leased;
				   * PENDING, in queue.pending */
		struct heap_node due; /* DELAYED */
	};
	struct heap_node back; /* READY, in lane.returned instead of a list */
	struct queue *queue;
	struct message *message;
	struct lease *lease;      /* LEASED */
	struct store_dest *dest;  /* UNSENT, IN_BATCH */
	struct publish *publish;  /* its publisher still waits for this entry */
	uint64_t pos;
	uint32_t op;              /* UNSENT: its append in the batch being built */
	uint8_t state, stored;
	bool indexed;             /* engine.by_pos holds it */
	bool in_window;           /* counts in lane.window_* */
	bool vanish;              /* its append failed: goes away instead of back */
	bool uncounted;           /* off queue.stored_n: a commit removes it */
	uint16_t received, delivered, failed;
	uint32_t origin;
	int64_t first_received_ms; /* wall; 0: never */
	int64_t due_ms;            /* wall; DELAYED */
	int64_t deadline_ms;       /* wall; expires at the head of its lane; 0: never */
};

struct lease {
	struct slot_head slot;
	struct heap_node deadline; /* ReceiveMessage only */
	struct link session_link;  /* sessions that own it; receives own none */
	struct entry *entry;       /* NULL: ghost, somebody removed the entry */
	struct queue *queue;
	struct session *session;   /* NULL: a ReceiveMessage's */
	uint64_t consumer;         /* id; 0: basic.get */
	bool committing;           /* settled by a commit on its way; survives its session */
	uint32_t receive;          /* ReceiveMessage: which receive of the entry */
	uint64_t boot;             /* in which life that was */
	uint8_t handle_n;          /* remote stores */
	uint8_t *handle;           /* owned */
};

/* One publish that wants an answer; pooled. */
struct publish {
	uint64_t session, tag;
	uint32_t unfinished; /* entries, plus one while it is still being routed */
	bool failed, rejected;
	struct publish *next_free;
};

/* Transient messages of a lane that only the spill store has (spill.c). */
struct spilled {
	uint64_t from;     /* the next page begins here; what is before it is in memory or gone */
	uint64_t n;        /* 0: none */
	uint64_t body;     /* octets of their bodies */
	uint64_t arrivals; /* since the page was asked for */
	bool loading;
};

struct lane {
	struct link ready;     /* arrivals, ascending */
	struct heap returned;  /* released and singly loaded ones, by position */
	struct link after;     /* arrivals that cannot be paged, while something is behind */
	uint64_t behind_from, behind_to; /* positions of what only the store has */
	uint64_t behind_n;     /* how many; 0: nothing behind */
	uint32_t window_n;
	uint64_t window_bytes;
	uint64_t ready_body, behind_body; /* octets of bodies: resident ones, those that only the store has */
	bool loading;
	bool unread;           /* the store may have more than was counted */
	uint64_t load_arrivals; /* paged arrivals since the load was asked for */
	uint64_t purged_upto;  /* what a page brings up to here was purged meanwhile */
	uint64_t *gone;        /* positions removed while a load is on its way */
	size_t n_gone, cap_gone;
	struct spilled spilled;
};

/* Towards the spill store. */
struct spill_batch;
struct spill {
	struct store *store; /* NULL: there is none */
	enum store_state state;
	struct spill_batch *building, *free;
	uint32_t submitted;
	uint64_t bytes; /* handed over and not written */
	uint64_t n;     /* messages that only it has */
};

/* SQS hands out no more in one answer. */
enum { RECEIVE_MAX = 10 };
/* Tag of a load for one receipt; its position is the rest. Others: the queue's uid (lease_keep.c
 * marks its own). */
#define LOAD_REF (1ULL << 63)
enum { BINDING_KEY_MAX = 256 * 1024 };
/* Leases, and delayed entries, whose time has come and that one turn deals with. */
enum { EXPIRE_TURN = 4096 };

enum removal { REMOVED_ACKED, REMOVED_REJECTED, REMOVED_PURGED, REMOVED_FAILED, REMOVED_LOST, REMOVED_RETENTION,
	       REMOVED_QUEUE_DELETED, REMOVED_EXPIRED, REMOVED_MAXLEN, REMOVED_DEAD_LETTERED, REMOVAL_REASONS };

/* Who waits at one consumer priority, in turn. Owned by the queue; those of other
 * priorities than 0 live as long as they have consumers. */
struct ring {
	struct link link;    /* in queue.rings while it has waiters */
	struct link waiters; /* struct waiter */
	struct link all;     /* in queue.more_rings */
	int64_t priority;
	uint32_t n_consumers; /* in more_rings */
};

struct queue {
	struct engine *engine;
	struct vhost *vhost;
	struct view name; /* owned, as is everything below */
	char *wire;       /* wire name */
	uint32_t uid;
	bool durable, exclusive, auto_delete, server_named, legacy_open, aws_open;
	bool stored;      /* durable and not exclusive: its entries may be */
	bool remote;      /* stored, in a store that owns leases */
	bool had_consumer, deleted;
	uint64_t owner;   /* connection of an exclusive queue */
	struct link owner_link;
	uint64_t sole_consumer; /* the exclusive or the active one: nobody else's turn comes; 0: none */
	struct arena arena; /* arguments */
	struct table arguments;
	struct attributes attributes;
	char *redrive_to;     /* wire name of its dead letter queue (redrive.c); NULL: none */
	uint32_t redrive_max; /* 0: none */
	struct queue_effective effective; /* what it does; aliases the two above */
	int64_t created_ms, modified_ms;
	struct link retaining; /* in engine.retaining: has a retention */

	struct lane lane;
	struct heap due;      /* DELAYED, by due_ms */
	struct heap_node due_node; /* in engine.due, keyed by the first of `due` */
	struct link leased, pending; /* entries */
	uint32_t n_leases;    /* leases that point here, ghosts included: it outlives its deletion for them */
	uint64_t n_ready, n_leased, n_delayed, n_pending, bytes;
	uint64_t n_received_leased; /* by ReceiveMessage */
	uint64_t in, out[REMOVAL_REASONS];

	struct link rings;    /* those with waiters, highest priority first */
	struct ring ring;     /* of priority 0; the others are in more_rings: */
	struct link more_rings;
	struct link active;   /* in engine.active: has entries and waiters */
	struct link consumers; /* struct consumer.queue_link; by priority, then as they came */
	struct link receives;  /* struct receive.queue_link, in the ring or not */
	uint32_t n_consumers;
	bool remote_loading;

	uint64_t visited; /* stamp of the last publish that came by */
	uint64_t stored_n, stored_bytes, stored_body, stored_delayed;
	bool kept;     /* upkeep.c looks at it when its ready lane changes */
	bool expiring; /* some message of it may have a deadline */
	struct link upkeep;      /* in engine.upkeep */
	struct heap_node expiry; /* in engine.expiries: deadline of the first, wall */
	struct heap_node unused; /* in engine.unused: when it is deleted, mono */
	uint64_t handed_up_to, crash_handed;
	struct link dirty;    /* in journal.dirty: its row changed */
	struct link stalled;  /* in engine.stalled: what it wants to load has to wait */
	bool delayed_stalled; /* its delayed lane too, from here on: */
	uint64_t delayed_after, delayed_purged_upto;
	struct link pending_refs; /* struct pending_ref waiting for a single load */
	struct mapv bindings;     /* by definition key: struct bound, those that lead here */
};

/* A binding as its destination remembers it. */
struct bound {
	uint32_t topic; /* uid of the source */
	bool stored;    /* has a definition */
	struct view key; /* definition key, in this allocation */
};

struct topic {
	struct engine *engine;
	struct vhost *vhost;
	struct view name;
	uint32_t uid;
	char *wire;
	enum topic_type type;
	bool durable, auto_delete, internal, predeclared, had_binding, legacy_open, aws_open;
	bool stored; /* has a definition; a predeclared one only once it has attributes */
	struct arena arena;
	struct table arguments;
	struct hash_rule hash; /* consistent hash; aliases the arguments */
	struct view alternate; /* where to what it has no binding for goes; aliases the arguments */
	struct attributes attributes;
	struct router *router;
	struct fanout *fanout; /* messages on their way to many queues; NULL: none */
	struct subscribers *subscribers; /* NULL: none */
	uint64_t visited; /* stamp of the last publish that came by */
	struct mapv bindings; /* by definition key: struct bound, those that lead here */
	uint64_t published, unroutable; /* to it */
	uint64_t filtered, dropped;     /* of its subscriptions */
};

struct vhost {
	struct view name;
	struct mapv queues, topics;
	struct mapv wires, topic_wires;
	struct mapv subscriptions; /* by id */
	struct mapv replies;       /* by address */
	uint64_t changes;          /* of what subscription lists show; never 0 */
	struct listing all, of_topic;
};

/* Somebody who waits for entries of a queue: a consumer or a receive. */
struct waiter {
	struct link link;  /* in ring.waiters */
	struct ring *ring; /* where it stands when it waits */
	bool is_receive;
};

struct consumer {
	struct slot_head slot;
	struct waiter waiter;
	struct link queue_link, session_link;
	struct session *session;
	struct queue *queue;
	void *ctx;
	uint32_t limit, held;
	bool no_ack, active;
};

struct receive {
	struct slot_head slot;
	struct waiter waiter;
	struct link queue_link, session_link;
	struct link answering;     /* in engine.answering: has got something this turn */
	struct heap_node deadline; /* in engine.receive_deadlines */
	struct session *session;
	struct queue *queue;
	uint64_t cmd;
	uint32_t want, got;
	int64_t lease_ms;
	bool get, no_ack; /* get: basic.get, leases belong to the session */
	bool waits;       /* an empty queue does not end it */
	struct ask *ask;         /* get: its place among the session's answers */
	uint64_t remains;        /* get: ready ones behind the one it got */
	uint64_t leases[RECEIVE_MAX];
};

/* Where direct replies of a session come in. */
struct reply {
	struct slot_head slot;
	struct session *session;
	struct view address; /* owned */
	void *ctx;
	uint64_t visited; /* stamp of the last publish that came by */
};

/* Copies in a subscription's form. */
struct wrapped {
	struct queue *queue;
	const struct subscription *subscription;
	struct message *message; /* NULL: not made yet */
};

/* Where a publish goes; each queue once. Reused by the next one. */
struct route {
	struct queue **queues; /* the message itself */
	size_t n, cap;
	struct wrapped *wrapped;
	size_t n_wrapped, cap_wrapped;
	struct topic **walk;   /* topics that are still to be visited */
	size_t n_walk, cap_walk;
	struct topic **subscribed; /* visited ones that have subscriptions */
	size_t n_subscribed, cap_subscribed;
};

/* How a message comes into queues. */
struct arrival {
	struct publish *publish; /* whoever waits for it; NULL: nobody */
	int64_t delay_ms;        /* visible later; -1: as the queue says */
	uint32_t origin;         /* 0: new. Else the queue that it leaves for this one */
	uint16_t received, delivered, failed;
};

/* Routing keys of a publish, its own first; the same one may be there again. Views
 * into the message or the call. Reused by the next one. */
struct keys {
	struct view *v;
	size_t n, cap;
};

/* A publish or send as it was asked for; views and message are borrowed. */
struct publish_call {
	struct tx_commit *commit; /* NULL: on its own */
	bool send;                /* topic is a queue */
	struct view topic, key;
	struct message *message;
	unsigned flags;
	int64_t delay_ms;
	uint32_t origin;          /* as in struct arrival */
	uint64_t tag;
};

/* One answer that a session is owed; answers leave in order. */
struct ask {
	struct link link; /* in session.asks until it is raised */
	struct link all;  /* in engine.asks until it is freed */
	struct engine *engine;
	struct session *session; /* NULL: closed meanwhile */
	uint64_t session_id;
	uint64_t cmd;
	bool ready, received; /* received: answer with EVENT_RECEIVED */
	bool created, no_ack;
	uint32_t waits; /* operations on their way to the store */
	struct error error;
	struct view name; /* owned */
	uint64_t count, consumers, id;
	uint64_t lease;   /* get */
	/* uid made by it: goes away when the commit fails */
	uint32_t undo_queue, undo_topic, undo_subscription;
	uint32_t on_queue, on_topic, on_subscription; /* uid that it found: fails with whoever made it */
	struct pending_ref *ref;
};

struct connection {
	struct slot_head slot;
	struct link sessions;
	enum session_kind kind;
	bool writable;
	struct link queues; /* exclusive ones: struct queue.owner_link */
	uint64_t handed;    /* bytes of deliveries that it has not been told of */
	struct link sated;  /* in engine.sated: gets no more until it was told of these */
	struct vhost *vhost;
	struct view user; /* owned */
	void (*event)(void *ctx, const struct event *ev);
	void *ctx;
};

struct session {
	struct slot_head slot;
	struct engine *engine;
	struct link link; /* connection.sessions */
	struct link consumers, receives, leases, asks, txs;
	struct tx *tx; /* what is published and settled belongs to; NULL: none */
	struct connection *connection;
	struct reply *reply; /* NULL: none */
	void *ctx;
	bool stuck; /* not writable */
	uint32_t shared_limit, shared_held; /* basic.qos global; UINT32_MAX: none */
};

/* A queued event, compact; expanded when raised. */
struct note {
	struct note *next;
	uint8_t kind; /* enum event_kind */
	uint8_t how;
	bool no_ack;
	uint64_t session, id, lease, tag;
	struct message *message; /* one reference */
	struct ask *ask;         /* owned */
	struct error *error;     /* owned */
	uint32_t n;
	uint64_t leases[RECEIVE_MAX];
};

struct engine {
	struct engine_options options;
	struct store *store;
	bool remote;
	struct now now;
	struct rng rng;
	struct slots connections, sessions, consumers, receives, leases, replies;
	struct mapv vhosts;
	struct map64 queues;   /* by uid */
	struct map64 topics;   /* by uid */
	struct map64 subscriptions; /* by uid */
	struct map64 by_pos;   /* entries that a receipt may name */
	struct link active;    /* queues with something to dispatch */
	struct link asks;      /* all of them */
	struct link stalled;   /* queues that could not load; tried again at: */
	int64_t stalled_at_ms; /* mono */
	struct link answering; /* receives that have got something this turn */
	struct link retaining; /* queues with a retention; swept slowly */
	struct link upkeep;    /* queues to be looked at before the turn is over */
	struct link refusals;  /* messages that full queues did not take */
	struct heap expiries, unused; /* queues */
	uint64_t fresh_from;   /* positions from here on had no chance yet to be handed over */
	struct link fanouts;   /* struct fanout: lists that are not empty */
	struct spill spill;
	uint64_t resident_bytes; /* entries, and their messages once each */
	bool crowded;          /* past resident_high_bytes: lanes keep a page each */
	struct link sated;     /* connections whose deliveries wait to be raised */
	uint32_t deliver_left; /* of this turn */
	const char *alarm;     /* NULL: none */
	uint64_t fanout_bytes; /* what waits in them, as the store gate counts it */
	int64_t sweep_ms;      /* mono; of the next sweep */
	struct heap lease_deadlines, receive_deadlines, due;
	struct note *notes, *notes_tail, *free_notes;
	struct publish *free_publishes;
	struct entry *free_entries;
	struct journal journal;
	struct router_cursor cursor;
	struct arena scratch;
	struct arena letter;   /* of the dead letter that is being made */
	struct arena slabs; /* of entries and publishes; never reset */
	uint64_t stamp;        /* of the current publish */
	struct route route;    /* of the current publish */
	struct keys keys;      /* of the current publish */
	struct buf hashed;     /* what a topic of it hashes */
	uint64_t next_pos, pos_limit;
	uint32_t next_uid, uid_limit;
	uint64_t boot;
	struct keeping *keeping; /* while engine_new takes up leases of the life before */
	bool reserving, uid_reserving, store_full;
	enum store_state store_state;
	struct engine_counters counters;
	bool more;             /* this run stopped at a bound */
};

/* entry.c */
struct entry *entry_new(struct queue *q, struct message *m, uint64_t pos);
/* Takes it out of wherever it is, finishes its publish, tells the store, frees it. */
void entry_remove(struct entry *e, enum removal why);
/* The same without a remove operation: a purge or deletion covers it. */
void entry_drop(struct entry *e, enum removal why);
void entry_finish(struct entry *e, bool ok); /* its publish need not wait for it any more */
void entry_index(struct entry *e);
/* PENDING: its append will not be written; it stays where it is. */
void entry_unsent(struct entry *e);

/* lane.c */
void lane_init(struct lane *l);
void lane_fini(struct lane *l);
bool lane_pages(const struct queue *q, const struct message *m); /* a new arrival stays in the store only */
void lane_arrive(struct entry *e);
void lane_return(struct entry *e);
void lane_take_out(struct entry *e);
struct entry *lane_first(const struct lane *l); /* NULL: none resident in turn */
void lane_want(struct queue *q);                /* loads a page when due */
void lane_loaded(struct queue *q, const struct store_loaded *l);
void lane_gone(struct queue *q, uint64_t pos);
bool lane_is_behind(const struct lane *l); /* of the store */
bool lane_is_paged(const struct lane *l); /* some of it is not in memory, wherever it is */
bool lane_is_full(const struct queue *q);
void lane_page_back(struct entry *en); /* read back: to its own place, in the window */
void lane_one_less(struct queue *q, const struct message *m); /* of those that only the store had */
void queue_stall(struct queue *q); /* its load has to wait for the store */
void queues_resume(struct engine *e);
struct entry *lane_adopt(struct queue *q, const struct store_entry *s);

/* lease.c */
struct lease *lease_new(struct entry *e, struct session *s, uint64_t consumer);
void lease_end(struct lease *l); /* frees it; the entry's state is the caller's business */
void lease_release(struct lease *l, const struct outcome *o);
void lease_accept(struct lease *l);
void lease_leave(struct lease *l, enum close_how how);
void lease_settle(struct lease *l, const struct outcome *o);
void lease_deadline(struct lease *l, int64_t ms);
void leases_expire(struct engine *e);

/* lease_keep.c */
enum code leases_restore(struct engine *e, struct error *err);
bool load_is_kept(const struct store_loaded *l);
void leases_loaded(struct queue *q, const struct store_loaded *l); /* load_is_kept */

/* alarm.c */
void alarm_tell(struct engine *e, struct connection *c); /* a connection that has just come */
void alarm_raise(struct engine *e, const struct note *n);

/* ring.c */
void rings_init(struct queue *q);
struct ring *ring_ref(struct queue *q, int64_t priority); /* for one more consumer */
void ring_unref(struct ring *g);                          /* it has gone */
void waiter_enter(struct queue *q, struct waiter *w);     /* the last of its ring, unless it waits there */
void waiter_turn(struct waiter *w);                       /* one that waits: behind the others of its ring */
void waiter_leave(struct waiter *w);
struct waiter *waiter_first(const struct queue *q); /* of the highest priority; NULL: nobody waits */

/* dispatch.c */
void sated_resume(struct engine *e); /* every delivery has been raised */
void queue_poke(struct queue *q); /* something may be handed out */
void waiter_join(struct queue *q, struct waiter *w);
bool receives_full(const struct queue *q); /* as many in flight as may be */
bool receive_may(const struct receive *r);
void receives_resume(struct queue *q); /* nothing keeps them back any more */
void consumer_poke(struct consumer *c);
/* After the consumer that alone took has gone: the next of a single active queue. */
void sole_next(struct queue *q);
void consumer_free(struct consumer *c);
void receive_free(struct receive *r);
void receive_answer(struct receive *r);
void dispatch_run(struct engine *e);
void receives_expire(struct engine *e);
bool consumer_may(const struct consumer *c);
void consumer_hand(struct consumer *c, struct entry *en);
void receive_take(struct receive *r, struct entry *en);
bool waiter_serve(struct queue *q, struct entry *en); /* false: nobody can take it now */
uint32_t waiters_demand(struct queue *q, uint32_t max);
void waiters_empty(struct queue *q); /* answers receives that do not wait */

/* remote.c */
void remote_want(struct queue *q);
void remote_loaded(struct engine *e, const struct store_loaded *l);
void remote_release(struct lease *l, int64_t delay_ms);
void remote_remove(struct lease *l);
void remote_renew(struct lease *l);
void remote_lost(struct engine *e, uint32_t queue, struct view handle);

/* ref.c */
void refs_loaded(struct queue *q, const struct store_loaded *l);
void refs_end(struct queue *q);

/* queue.c */
struct queue *queue_find(struct vhost *v, struct view name);
struct queue *queue_make(struct engine *e, struct vhost *v, struct view name, uint32_t uid, bool fifo);
void queue_free(struct queue *q);
void queue_forget(struct queue *q); /* resident entries, at the engine's end */
/* Definitions, bindings, consumers, entries. a (may be NULL) waits for the commit. */
void queue_destroy(struct queue *q, enum removal why, struct ask *a);

/* queue_purge.c */
/* Every entry, whatever its state. keep_leased (AMQP purge): those in nobody's hands. */
void queue_drop_all(struct queue *q, enum removal why, bool keep_leased);
uint64_t queue_purge(struct queue *q, bool with_leased, struct ask *a); /* a waits for the commit */
void queue_bytes_recount(struct queue *q); /* nothing unless all of it is resident */
void queue_adopt_delayed(struct queue *q, const struct store_loaded *l);
void queue_load_delayed(struct queue *q, uint64_t after);
enum code queue_access(struct session *s, struct view name, struct queue **out, struct error *e);
void queue_stored(struct queue *q, const struct message *m, int by); /* ±1: the store has one more, or less */
void dest_arrive(struct store_dest *d, const struct arrival *a); /* where from, and its counters */
void queue_dest_fill(struct queue *q, struct store_dest *d, struct message *m, int64_t due_ms);
/* All but the counts. */
void queue_dest_place(struct queue *q, struct store_dest *d, const struct message *m, int64_t due_ms);
void entry_delay(struct entry *en);
void queue_enqueue(struct queue *q, struct store_dest *d, struct message *m, const struct arrival *a);
void queues_due(struct engine *e);
void queue_due_rearm(struct queue *q);
bool entry_retained(const struct entry *en); /* false: older than its queue keeps messages */
void queues_sweep(struct engine *e);
void queue_consumer_gone(struct queue *q);

/* queue_attributes.c */
void queue_effective(struct queue *q);
void queue_attributes_put(struct queue *q, const struct attribute *v, size_t n);
/* Owned by the queue; what was given, else SQS default. */
bool queue_attribute_get(const struct queue *q, struct view name, struct view *value);

/* topic.c */
struct topic *topic_find(struct vhost *v, struct view name);
/* NULL: another one has its wire name. */
struct topic *topic_make(struct engine *e, struct vhost *v, struct view name, enum topic_type type, uint32_t uid);
void topic_free(struct topic *t);
void topic_destroy(struct topic *t, struct ask *a);
/* What its arguments ask for; after each change of them. */
void topic_effective(struct topic *t);
/* Its bindings go over to a router of that type. */
void topic_retype(struct topic *t, enum topic_type type);
/* It is there after a restart, so what leads from it and to it may be. */
bool topic_lasts(const struct topic *t);
/* It may have been used for the last time: auto-delete. */
void topic_unused(struct topic *t);
const char *topic_type_name(enum topic_type type);

/* binding.c */
/* false: it was there already. Definition not included. */
bool binding_add(struct topic *t, const struct binding_spec *b, uint64_t destination, struct view key);
void bindings_drop(struct engine *e, struct mapv *bindings, uint64_t destination);
void bindings_of_source_drop(struct topic *t);
bool binding_key(struct vhost *v, const struct binding_spec *b, struct buf *out);
uint64_t destination_of_queue(const struct queue *q);
uint64_t destination_of_topic(const struct topic *t);
bool destination_is_topic(uint64_t destination);

/* definitions.c */
enum { DEFINITION_VERSION = 1 };
void definition_put_queue(struct queue *q, struct ask *a);
void definition_put_topic(struct topic *t, struct ask *a);
void definition_put_binding(struct topic *t, const struct binding_spec *b, struct view key, struct ask *a);
void definition_put_subscription(struct subscription *s, struct ask *a);
void definition_delete(struct engine *e, const char *kind, struct vhost *v, struct view name, struct ask *a);

/* definitions_load.c */
enum code definitions_load(struct engine *e, struct error *err);

/* session.c */
void connection_poke(struct connection *c); /* its consumers may take something again */
struct session *session_find(struct engine *e, uint64_t id);
struct ask *ask_new(struct session *s, uint64_t cmd);
void ask_ready(struct ask *a);
void ask_error(struct ask *a, enum code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ask_name(struct ask *a, struct view name); /* copies */
void ask_free(struct ask *a);
bool session_unordered(const struct session *s);

/* event.c */
struct note *note_new(struct engine *e, enum event_kind kind);
void note_push(struct engine *e, struct note *n);
void note_cancel(struct engine *e, uint64_t session, uint64_t cmd); /* of a receive */
void notes_raise(struct engine *e);
void notes_free(struct engine *e);

/* tx.c */
struct tx_commit;
void tx_stage_publish(struct session *s, const struct publish_call *p);
void tx_stage_settle(struct session *s, uint64_t lease, const struct outcome *o);
void tx_enqueue(const struct publish_call *call, struct queue *q, struct store_dest *d, struct message *m);
void tx_done(struct engine *e, struct tx_commit *c, bool ok);
void tx_commit_free(struct tx_commit *c); /* unanswered, at the engine's end */
void tx_fail(struct tx_commit *c, const char *why); /* nothing of it happens */
void txs_free(struct session *s);

/* dead_letter.c */
enum death_reason { DEATH_REJECTED, DEATH_EXPIRED, DEATH_MAXLEN, DEATH_DELIVERY_LIMIT };
/* Out of its queue, whatever its state, and on to the queue's dead letter topic if
 * it has one; its lease ends. false: no positions or no memory left, nothing happened. */
bool dead_letter(struct entry *en, enum death_reason why);
/* The same as part of a commit: the entry stays until that is done. */
void dead_letter_pending(struct entry *en, enum death_reason why, struct tx_commit *c);

/* route.c */
/* These fill e->route by e->keys. */
void route_walk(struct engine *e, struct topic *first, const struct message *m); /* counts at the topic */
void route_named(struct engine *e, struct vhost *v); /* to the queues of that name: the default exchange */
void route_none(struct route *r);
void route_fini(struct route *r);

/* reply.c */
void reply_close(struct session *s);
bool reply_named(struct view name); /* one of the names that stand for replies */
/* Queue.declare of such a name. */
void reply_declare(struct ask *a, const struct vhost *v, struct view name);
/* To those addresses among e->keys; how many. */
size_t replies_send(struct engine *e, const struct vhost *v, struct message *m);
void reply_raise(struct engine *e, struct session *s, const struct note *n);

/* keys.c */
void keys_one(struct keys *k, struct view key);
void keys_with_copies(struct keys *k, struct view key, const struct bag *bag); /* those that its headers add */
/* The same from the message. */
void keys_read(struct engine *e, struct view key, const struct message *m);

/* What a full queue refused. */
void dead_letter_refused(struct queue *q, struct message *m);

/* redrive.c */
void redrive_read(struct queue *q); /* its RedrivePolicy has changed */
bool redrive_due(const struct entry *en);
bool redrive(struct entry *en); /* of one that is due. false: no positions left, nothing happened */

/* upkeep.c */
void queue_keep(struct queue *q);        /* its limits have changed */
void queue_upkeep_want(struct queue *q); /* its ready lane has changed */
void queue_upkeep_end(struct queue *q);
void upkeep_due(struct engine *e); /* whose time has come */
void upkeep_run(struct engine *e); /* between dispatch and its repetition, and after a publish */
void refusals_free(struct engine *e);
/* Of a copy that arrives now, or when its delay is over; 0: none. */
int64_t queue_deadline(const struct queue *q, const struct message *m, int64_t due_ms);
void queue_expiring(struct queue *q, int64_t deadline_ms); /* a copy with this deadline (0: none) comes */
bool entry_expired(const struct entry *en); /* too late to be handed over */
void queue_used(struct queue *q);           /* declared, asked for messages, left by a consumer */
/* false: it is full, p (may be NULL) is rejected, and the message goes on if the queue says so. */
bool queue_accepts(struct queue *q, struct message *m, struct publish *p);

/* publish.c */
/* A message that the engine itself publishes; topic empty: to the queue `key`. */
struct republish {
	struct vhost *vhost;
	struct view topic, key;
	uint32_t origin;           /* as in struct arrival */
	const struct bag *copies;  /* whose further keys it goes by too; NULL: by none */
	struct message *message;   /* borrowed */
	struct publish *publish;   /* whoever still waits for what it replaces; NULL: nobody */
	struct tx_commit *commit;  /* NULL: on its own */
	bool (*skips)(const void *ctx, const struct queue *q); /* queues that must not get it; NULL: none */
	const void *ctx;
};
/* *n: into how many queues, 0 also when there is no such topic. false: nothing happened,
 * for want of memory; a commit has failed with it. */
bool republish_run(struct engine *e, const struct republish *r, size_t *n);
void publish_run(struct session *s, const struct publish_call *c);
/* One append for all queues that keep it on disk; the others get it at once. */
void publish_enqueue(struct engine *e, struct queue **v, size_t n, struct message *m, const struct arrival *a);
struct publish *publish_new(struct engine *e, uint64_t session, uint64_t tag);
void publish_finish(struct engine *e, struct publish *p, enum store_result r);

/* spill.c */
void spill_init(struct engine *e);
bool spill_takes(const struct queue *q); /* the next transient arrival goes there */
void spill_add(struct queue *q, struct message *m, const struct arrival *a);
void spill_want(struct queue *q); /* asks for a page */
void spill_drop(struct queue *q, enum removal why); /* all that a queue has there */
void spill_flush(struct engine *e);
bool spill_idle(const struct engine *e);
void spill_fini(struct engine *e);

/* fanout.c */
bool fanout_due(const struct topic *t, size_t n); /* a message for n queues has to wait in its topic's list */
void fanout_add(struct topic *t, struct message *m, struct publish *p, const struct route *r);
void fanouts_run(struct engine *e);
void fanout_finish(struct topic *t); /* all that waits, at once */
void fanout_orphan(struct topic *t); /* the topic goes, what it accepted does not */
void fanouts_free(struct engine *e);

/* engine.c */
struct vhost *vhost_get(struct engine *e, struct view name); /* made when missing */
uint64_t position_next(struct engine *e);
uint32_t uid_next(struct engine *e);
bool positions_left(const struct engine *e);
bool uids_left(const struct engine *e);

#endif
