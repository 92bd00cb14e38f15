/* SPDX-License-Identifier: Apache-2.0 */
/* The store door (engine.md §10): where entries and definitions live.
 *
 * Two kinds of store, told apart by STORE_OWNS_LEASES:
 *  - local (memory, sqlite): the engine owns order, leases and counters; `load`
 *    reads entries after a position; operations take effect in submission order
 *    and a load sees everything submitted before it.
 *  - remote (aws; the tests' fake): the store owns leases; `load` answers leased
 *    entries with an opaque handle; no order between groups.
 *
 * Everything is asynchronous: submit and load return at once, their outcome is
 * raised by `poll`, on the caller's thread, never from inside submit or load.
 *
 * Ownership: a batch belongs to the store from submit until its `done` is
 * called; then to its submitter again. Messages inside hold a reference taken by
 * the submitter, who drops it in `done`. The store's own thread touches no
 * reference count. Messages in a `loaded` event are the engine's: one reference each.
 *
 * Positions: a broker-wide 63-bit number, given by the engine, used once (also
 * for entries that were never stored: the engine reserves blocks durably through
 * OP_META). In local stores (queue, lane, position) is an entry's key, and a
 * position alone names the entry.
 *
 * A group (up to and including the op with group_end, or the batch's last) is
 * written in one transaction or not at all; groups of one batch may share a
 * transaction. When one of its ops is refused (version conflict, position taken,
 * body too large, an op of the other kind of store) all its ops are REFUSED.
 *
 * Local stores, on an entry that is not there (never stored, removed, purged):
 * REMOVE is OK, for it is as good as done; MARK, DUE and MOVE are LOST and the
 * rest of their group goes on. DUE and MOVE with pos2 0 or pos2 = pos keep the
 * position. */
#ifndef MQB_STORE_STORE_H
#define MQB_STORE_STORE_H

#include "base/message.h"
#include "base/view.h"

enum store_cap {
	STORE_OWNS_LEASES = 1 << 0,
	STORE_ORDER = 1 << 1,         /* hands out in position order */
	STORE_PRIORITY = 1 << 2,
	STORE_BROWSE = 1 << 3,
	STORE_SELECT = 1 << 4,
	STORE_EXACT_COUNTS = 1 << 5,
	STORE_GROUPS_ATOMIC = 1 << 6,
	STORE_MOVE = 1 << 7,
	STORE_TTL = 1 << 8,
	STORE_SURVIVES = 1 << 9,      /* keeps durable entries over a restart */
};

enum store_result {
	STORE_PENDING = 0,
	STORE_OK,
	STORE_LOST,        /* the lease behind the handle is gone */
	STORE_RETRY_LATER, /* nothing happened; the same op may be tried again */
	STORE_REFUSED,     /* never will be (too large, illegal, version conflict) */
	STORE_FAILED,      /* disk full, fsync failed: the group is not written */
};

/* Lanes of a queue; positions order the entries of one lane. */
enum { LANE_READY = 0, LANE_DELAYED = 255 };

/* One copy of a message in one queue. */
struct store_dest {
	uint32_t queue;      /* uid */
	uint8_t lane;
	uint8_t result;      /* enum store_result, set by the store */
	bool dead;           /* cancelled before submit: skip */
	uint16_t received, delivered, failed;
	uint32_t origin;     /* message_copy_id */
	uint64_t pos;        /* local stores; 0 for remote ones */
	int64_t due_ms;      /* wall clock; 0: at once */
	int64_t deadline_ms; /* wall clock; 0: none */
	void *ctx;           /* the submitter's */
};

enum store_op_kind {
	OP_NONE = 0,  /* cancelled */
	OP_APPEND,    /* one message, its list of queues */
	OP_REMOVE,    /* by position (local) or handle (remote) */
	OP_MARK,      /* counters of an entry */
	OP_DUE,       /* entry changes lane and position: pos → pos2 in lane2, due_ms */
	OP_MOVE,      /* entry goes to another queue: pos → queue2, lane2, pos2 */
	OP_QUEUE_ROW, /* counts of a queue */
	OP_PURGE,     /* all entries of (queue, lane) up to a position, less keep[] */
	OP_EXTEND,    /* remote: lease deadline */
	OP_RELEASE,   /* remote: lease ends, visible after delay */
	OP_DEF_PUT,   /* a definition */
	OP_DEF_DELETE,
	OP_META,      /* a small durable counter or secret: like a definition of kind "meta" */
};

/* Exact counters of a queue, one row (engine.md §3). */
struct store_queue_row {
	uint32_t uid;
	uint64_t entries, bytes;      /* stored durable ones, every lane */
	uint64_t body_bytes;          /* octets of their bodies alone */
	bool expiring;                /* one of them may have a deadline */
	uint64_t delayed;             /* of these, in LANE_DELAYED */
	uint64_t handed_up_to;        /* after a crash all up to it count as delivered once */
	uint64_t first_pos, last_pos; /* hints: extent of the ready lane; 0: empty */
};

struct store_op {
	uint8_t kind;   /* enum store_op_kind */
	uint8_t result; /* enum store_result, set by the store */
	bool group_end;
	uint8_t mark;   /* the submitter's */
	union {
		struct {
			struct message *message;
			struct store_dest *dests; /* owned by the batch's submitter */
			uint32_t n_dests;
		} append;
		struct {
			uint32_t queue;
			uint64_t pos;
			struct view handle; /* remote; valid until done */
			uint16_t received, delivered, failed; /* MARK */
			uint8_t lane, lane2;
			uint32_t queue2;      /* MOVE */
			uint64_t pos2;        /* DUE, MOVE */
			int64_t due_ms;       /* DUE; wall clock */
			int64_t ms;           /* EXTEND: new lease length; RELEASE: delay */
		} entry;
		struct store_queue_row row;
		struct {
			uint32_t queue;
			uint8_t lane;
			bool whole_queue;     /* every lane, and its row */
			uint64_t upto;        /* with whole_queue 0: all that is there now */
			const uint64_t *keep; /* ascending positions that stay; valid until done */
			size_t n_keep;
		} purge;
		struct {
			struct view kind, key, value; /* valid until done */
			uint64_t expected;    /* version that must be there; 0: none may be; DEF_ANY:
			                       * any. OP_META always means DEF_ANY. */
			uint64_t version;     /* set by the store; only ever grows */
		} def;
	};
	void *ctx; /* the submitter's */
};

#define DEF_ANY UINT64_MAX

struct store_batch {
	struct store_op *ops;
	size_t n, cap;
	uint64_t bytes; /* what the submitter reckons; for its own gate */
	/* Raised by poll once every op has a result. */
	void (*done)(struct store_batch *b, void *ctx);
	void *ctx;
	struct store_batch *next; /* the store's, while it owns the batch */
};

struct store_entry {
	uint64_t pos;
	uint32_t queue, origin;
	uint8_t lane;
	uint16_t received, delivered, failed;
	int64_t due_ms, deadline_ms;
	struct message *message;
	struct view handle;      /* remote: opaque, valid during the event */
	int64_t lease_until_ms;  /* remote: mono */
};

struct store_load {
	uint32_t queue;
	uint8_t lane;
	uint64_t after;  /* local: entries with a larger position */
	uint32_t n;
	uint64_t bytes;  /* stop after the entry that passes it (at least one comes) */
	int64_t wait_ms; /* remote: long poll */
	int64_t lease_ms; /* remote: lease asked for */
	uint64_t tag;    /* handed back */
};

struct store_loaded {
	const struct store_load *load;
	struct store_entry *entries; /* ascending by position (local) */
	size_t n;
	bool end;    /* local: nothing behind the last one at the time of the read */
	bool failed; /* could not be read; ask again later */
};

enum store_state { STATE_OK, STATE_SLOW, STATE_FULL, STATE_FAILED };

/* Up-calls, raised by poll only. Any may be NULL. */
struct store_sink {
	void *ctx;
	void (*loaded)(void *ctx, const struct store_loaded *l);
	void (*lease_lost)(void *ctx, uint32_t queue, struct view handle);
	void (*arrived)(void *ctx, uint32_t queue);
	void (*state)(void *ctx, enum store_state state, const char *why);
	/* A definition was changed by somebody else (remote). */
	void (*def_changed)(void *ctx, struct view kind, struct view key);
};

struct store;
struct store_ops {
	const char *name;
	uint32_t caps;
	void (*submit)(struct store *s, struct store_batch *b);
	void (*load)(struct store *s, const struct store_load *l);
	void (*load_cancel)(struct store *s, uint64_t tag); /* its loaded event still comes, maybe empty */
	/* Raises what has completed since. Returns how many events. */
	int (*poll)(struct store *s);
	/* Nothing submitted is still unfinished or unpolled. */
	bool (*idle)(const struct store *s);
	/* Reads rows written by OP_QUEUE_ROW; called before traffic. false: not all could
	 * be read, and nobody may go on as if there were no more. */
	bool (*rows)(struct store *s, void (*each)(void *ctx, const struct store_queue_row *row), void *ctx);
	/* Definitions; called before traffic and for start-up reads. false: as above. */
	bool (*defs)(struct store *s, struct view kind,
		     void (*each)(void *ctx, struct view key, struct view value, uint64_t version), void *ctx);
	/* Finishes what was submitted, raises its outcomes, then frees. */
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	struct store_sink sink;
	/* Called from any thread when poll has something to do; may be NULL. */
	void (*wake)(void *ctx);
	void *wake_ctx;
};

#endif
