/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the 0-9-1 head. One `struct conn` a connection, owned by its
 * wire; one `struct channel` a channel number in use, owned by the connection;
 * consumers, unsettled deliveries and a publish under way belong to the channel.
 *
 * Order of answers on a channel: a method that asks the engine leaves a `struct
 * asked` behind; the engine answers in the same order. Methods that may overtake
 * nothing wait in `held` while something is asked (rabbitmq.md 1.27). */
#ifndef MQB_AMQP_V091_PRIV_H
#define MQB_AMQP_V091_PRIV_H

#include <stdlib.h>

#include "amqp/v091.h"
#include "amqp/v091_codec_priv.h"
#include "amqp/v091_frame_priv.h"
#include "base/blob.h"
#include "base/map.h"

enum {
	/* rabbitmq-c does not know them: rabbitmq.md 1.18; 4.28, for RabbitMQ's own AMQP 1.0 */
	METHOD_UPDATE_SECRET = 0x000A0046,
	METHOD_UPDATE_SECRET_OK = 0x000A0047,
	METHOD_CREDIT = 0x003C00C8,
	METHOD_CREDIT_OK = 0x003C00C9,
	METHOD_CREDIT_DRAINED = 0x003C00CA,
	EARLY_BYTES_MAX = 64 * 1024, /* may come while credentials are checked */
	HEADER_BYTES_MAX = 4 << 20,  /* properties made for a message of another family */
	HELD_READ_MAX = 1 << 20,     /* may still come after reading was to stop */
	SLICE_BYTES = 256 * 1024,    /* of large contents, a turn and connection */
};

/* Replaces an owned copy. */
static inline void view_keep(struct view *to, struct view v)
{
	uint8_t *p = v.n ? mem_alloc(v.n) : NULL;

	if (v.n)
		memcpy(p, v.p, v.n);
	free((void *)(uintptr_t)to->p);
	*to = view_of(p, v.n);
}

static inline void view_free(struct view *v)
{
	free((void *)(uintptr_t)v->p);
	*v = VIEW_NONE;
}

/* PROTOCOL ─header─► START ─start-ok─► AUTH ─► TUNE ─tune-ok─► OPEN ─open─► RUNNING
 * any ─► CLOSING (connection.close sent) ─close-ok, time─► CLOSED
 * before RUNNING ─► SILENT (refused without a word) ─time─► CLOSED */
enum conn_state {
	CONN_PROTOCOL,
	CONN_START,
	CONN_AUTH,
	CONN_TUNE,
	CONN_OPEN,
	CONN_RUNNING,
	CONN_CLOSING,
	CONN_SILENT,
	CONN_CLOSED, /* nothing is read or written any more */
	CONN_STATES,
};

/* What the client says it can (rabbitmq.md 1.7). */
struct client {
	bool close_on_refusal, cancel_notify, blocked;
	bool mixes; /* looks at the channel of each frame of a content */
};

struct conn {
	struct v091_env *env;
	struct wire *wire;
	struct now now; /* of the last call that brought one */
	enum conn_state state;
	struct parser parser;
	uint8_t protocol[8], protocol_n;
	uint16_t channel_max, heartbeat;
	uint32_t frame_max;
	struct client client;
	bool amqplain; /* mechanism in use */
	const char *blocked; /* why publishers are not read; NULL: they are */
	bool blocked_said;
	int64_t deadline_ms; /* of the state; 0: counts from the next tick */
	int64_t beat_ms;     /* last heartbeat sent */
	uint64_t ticket;     /* access_authenticate under way */
	struct view user, vhost; /* owned */
	uint64_t engine;     /* connection at the engine's; 0: none */
	struct map64 channels;
	struct channel *last; /* most recent one looked up; may be NULL */
	uint32_t over;        /* channels with too much held */
	uint32_t behind;      /* contents whose octets come faster than the disk takes them */
	uint32_t storing;     /* contents that are complete and not on disk yet */
	bool close_waits;     /* connection.close has come behind these, or behind a large content */
	bool wire_full;       /* the driver says so */
	struct channel *replaying; /* whose held frames are being done; NULL when it went away */
	struct buf replay_rest;    /* what that one left behind */
	size_t replay_at;
	struct map64 senders; /* channel → struct sender: a large content is on its way */
	struct link sending;  /* the same, in turn */
	struct link ready;    /* in env->sending: its out-queue takes another slice */
	size_t parcels, slices; /* of all senders; slices: in memory or on their way there */
	struct buf early;     /* came while credentials were checked */
	amqp_pool_t pool;     /* of the method being handled */
	struct arena scratch; /* messages of other families on their way out */
};

enum channel_state {
	CHANNEL_OPEN,
	CHANNEL_FAILING, /* an error waits for the answers before it */
	CHANNEL_CLOSING, /* channel.close sent: only close and close-ok count */
};

/* A method whose answer the engine owes. */
struct asked {
	struct asked *next;
	uint64_t cmd;
	uint32_t method;
	bool nowait;
	bool server_named; /* queue.declare */
	struct consumer *consumer;
	/* Success only; errors are handled before. */
	void (*answer)(struct channel *ch, const struct asked *a, const struct event *ev);
};

struct failure {
	uint16_t code;
	uint32_t method;
	char text[SHORTSTR_MAX + 1]; /* whole reply text */
};

struct consumer {
	uint64_t id; /* 0: not confirmed yet */
	struct link cancelled; /* linked: the engine took it, the client is told after its delete-ok */
	bool no_ack, cancelling;
	uint8_t tag_n;
	uint8_t tag[];
};

/* A delivery that the client has to settle. */
struct unsettled {
	uint64_t tag, lease; /* lease 0: settled */
};

/* Ring in tag order; the first one in it is unsettled. */
struct unsettled_ring {
	struct unsettled *v;
	uint32_t first, n, cap; /* cap is a power of two */
	uint32_t live;
};

/* NONE ─publish─► HEADER ─► BODY ─► NONE
 *                             └─ of a body outside of memory ─► STORING ─► NONE */
enum content_state { CONTENT_NONE, CONTENT_HEADER, CONTENT_BODY, CONTENT_STORING };

/* A publish whose content is arriving. */
struct content {
	enum content_state state;
	bool mandatory, immediate;
	bool discard; /* too large: read, not kept */
	bool longer;  /* than was announced */
	uint8_t exchange_n, key_n;
	uint8_t exchange[SHORTSTR_MAX], key[SHORTSTR_MAX];
	uint64_t size, got;
	struct buf header; /* flags and properties */
	struct body *body; /* NULL: nothing has come, or it is in `write` */
	struct channel *channel;
	bool outside; /* goes out of memory as it comes */
	bool behind;  /* the disk is: counted in conn->behind */
	struct blob_write write;
};

/* Publisher confirms. ring[tag & (cap - 1)] for first ≤ tag < next. */
struct confirms {
	bool on;
	uint64_t next, first; /* first: the lowest unfinished tag */
	uint8_t *ring;        /* 1: finished */
	size_t cap;
	uint64_t *acks, *nacks; /* of this turn */
	size_t n_acks, cap_acks, n_nacks, cap_nacks;
};

/* A channel's consumer of amq.rabbitmq.reply-to. */
struct reply_consumer {
	uint8_t tag_n, address_n;
	uint8_t tag[SHORTSTR_MAX], address[64];
};

enum { GRANTS = 4 };
struct grant {
	enum access_verb verb;
	int64_t at_ms;
	size_t n;
	uint8_t name[];
};

struct channel {
	struct conn *conn;
	uint16_t id;
	enum channel_state state;
	uint64_t session; /* 0: closed at the engine's */
	struct asked *asked, **asked_end;
	uint64_t cmd_next;
	uint32_t naming; /* server-named declares among the asked */
	uint32_t deleting; /* queue.delete among the asked */
	struct failure *failure;
	struct buf held;
	size_t held_at;
	bool over; /* counted in conn->over */
	uint64_t tag_next;
	uint32_t prefetch; /* of new consumers; 0: no limit */
	struct mapv consumers;
	struct link cancelled; /* consumers */
	struct reply_consumer *reply; /* NULL: none */
	struct unsettled_ring unsettled;
	struct content *content; /* from the first publish on */
	struct confirms confirms;
	struct tx *tx; /* NULL: the channel is not transactional */
	struct link unflushed;
	struct grant *grants[GRANTS];
	uint8_t grant_at;
	struct view last_queue; /* owned */
};

/* Inside an event: the turn's time, where the driver tells it. */
static inline void v091_conn_now(struct conn *c)
{
	if (c->wire->now)
		c->now = *c->wire->now;
}

/* ---- v091_connection.c: states, time, frames in -------------------------------- */
void v091_conn_input(struct conn *c, struct view in);
void v091_conn_enter(struct conn *c, enum conn_state state);
void v091_conn_silent(struct conn *c);  /* rabbitmq.md 1.9, 1.10, 1.12 */
void v091_conn_finish(struct conn *c);  /* flush what is written, close the socket */
void v091_conn_release(struct conn *c); /* everything the engine holds for it */
void v091_conn_arm(struct conn *c);     /* when the next tick is due */
void v091_conn_writable(struct conn *c); /* tells the engine, as things stand */
void v091_conn_pause(struct conn *c);   /* or read on, as what waits says */
/* Channel 0, RUNNING or later. */
void v091_on_connection_close(struct conn *c, const void *m);
void v091_on_connection_close_ok(struct conn *c, const void *m);
/* The close that waited for publishes, when the last of them is done. */
void v091_conn_close_look(struct conn *c);
void v091_on_update_secret(struct conn *c, const void *m);

/* ---- v091_handshake.c ------------------------------------------------------------ */
void v091_handshake_protocol(struct conn *c, struct view *in);
void v091_on_start_ok(struct conn *c, const void *m);
void v091_on_tune_ok(struct conn *c, const void *m);
void v091_on_connection_open(struct conn *c, const void *m);

/* ---- v091_methods.c --------------------------------------------------------------- */
/* f: a whole method frame. */
void v091_method_on_connection(struct conn *c, const struct frame *f);
void v091_method_on_channel(struct channel *ch, const struct frame *f);
/* May be dispatched while answers are outstanding. */
bool v091_method_pipelines(uint32_t id);
/* RabbitMQ knows the method (4.28); else the socket is closed (1.22). */
bool v091_method_known(uint32_t id);
void v091_method_unknown(struct conn *c, const struct frame *f);
uint32_t v091_frame_method(const struct frame *f); /* class and method; 0: too short */
/* Are the arguments of a known method its own? false: the connection failed. */
bool v091_method_sound(struct conn *c, const struct frame *f);

/* ---- v091_channel.c ----------------------------------------------------------------- */
void v091_channel_frame(struct conn *c, const struct frame *f);
/* Frees it; the session goes back to the engine. */
void v091_channel_free(struct channel *ch);
void v091_channel_session_end(struct channel *ch);
/* Forgets what was asked, and a failure that waited for it. */
void v091_channel_asked_drop(struct channel *ch);
void v091_channel_release_held(struct channel *ch);
/* Notes that the engine owes an answer; its cmd is what to ask with. */
struct asked *v091_channel_ask(struct channel *ch, uint32_t method, bool nowait,
			  void (*answer)(struct channel *, const struct asked *, const struct event *));
void v091_on_channel_open(struct channel *ch, const void *m);
void v091_on_channel_close(struct channel *ch, const void *m);
void v091_on_channel_close_ok(struct channel *ch, const void *m);
void v091_on_channel_flow(struct channel *ch, const void *m);
void v091_on_access_request(struct channel *ch, const void *m);
void v091_channel_events(void *ctx, const struct event *ev);

/* ---- v091_error.c --------------------------------------------------------------------- */
void v091_conn_fail(struct conn *c, uint16_t code, uint32_t method, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same, and the peer is told also before RUNNING. */
void v091_conn_say(struct conn *c, uint16_t code, uint32_t method, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Arguments that are not what the method has. */
void v091_conn_fail_decode(struct conn *c, uint32_t method, struct view arguments);
/* Bad frame or unexpected one: "type 1, all octets = <<…>>" and what (may be NULL). */
void v091_conn_fail_frame(struct conn *c, uint16_t code, const struct frame *f, const char *what);
void v091_channel_fail(struct channel *ch, uint16_t code, uint32_t method, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* What the engine said, at once: whatever was asked behind it is forgotten. */
void v091_channel_refuse(struct channel *ch, uint32_t method, const struct error *e);
/* The failure that waited for the answers before it. */
void v091_channel_fail_now(struct channel *ch);

/* ---- v091_send.c ------------------------------------------------------------------------ */
void v091_send_method(struct conn *c, uint16_t channel, uint32_t id, void *m);
void v091_send_heartbeat(struct conn *c);
struct args {
	size_t n;
	uint8_t b[4 + 3 * (SHORTSTR_MAX + 1) + 16]; /* three short strings and some numbers */
};
void v091_args_start(struct args *a, uint32_t method);
void v091_args_u8(struct args *a, uint8_t v);
void v091_args_u16(struct args *a, uint16_t v);
void v091_args_u32(struct args *a, uint32_t v);
void v091_args_u64(struct args *a, uint64_t v);
void v091_args_short(struct args *a, struct view v); /* cut to 255 */
void v091_send_args(struct conn *c, uint16_t channel, const struct args *a);
/* A message of another family in our clothes. */
struct crossed {
	struct view raw;
	bool body_replaced;
	struct view body;
};
struct span {
	uint64_t at, n;
};
/* Octets of a body as whole body frames. */
void v091_send_body(struct conn *c, struct out *out, uint16_t channel, struct body *b, struct span octets);
/* Octets of a full slice: whole frames of the negotiated size. */
uint64_t v091_slice_bytes(const struct conn *c);
/* A message as one reader gets it: another family's in 0-9-1 terms, a quorum queue's
 * with the count of its failures when that is told. */
struct dressed {
	bool changed; /* crossed says how; else the publisher's own octets */
	struct crossed crossed;
	struct buf raw;
	struct view exchange, key;
};
void v091_dress(struct channel *ch, const struct delivery *d, bool told, struct dressed *out);
void v091_dressed_fini(struct channel *ch, struct dressed *x);

/* The method and the message's content, which may follow in slices; crossed may be NULL. */
void v091_send_content(struct channel *ch, const struct args *a, const struct message *m,
		  const struct crossed *x);

/* ---- v091_slice.c: large contents -------------------------------------------------------- */
/* Where the channel's next bytes go: behind its large contents, if it has any. */
struct out *v091_out(struct conn *c, uint16_t channel);
/* Method and header are in v091_out; the body follows. Takes a reference of its own. */
void v091_parcel_add(struct channel *ch, struct body *b);
/* Frames of other channels may go between those of a content. */
bool v091_mixes(const struct conn *c);
/* All channels wait behind a large content. */
bool v091_all_wait(const struct conn *c);
/* Too much waits behind large contents: the connection should not be read. */
bool v091_senders_full(const struct conn *c);
void v091_senders_free(struct conn *c);
/* One slice of each connection that can take it. True: the engine has work by it. */
bool v091_slices_send(struct v091_env *env);

/* ---- v091_define.c ------------------------------------------------------------------------ */
void v091_on_exchange_declare(struct channel *ch, const void *m);
void v091_on_exchange_delete(struct channel *ch, const void *m);
void v091_on_exchange_bind(struct channel *ch, const void *m);
void v091_on_exchange_unbind(struct channel *ch, const void *m);
void v091_on_queue_declare(struct channel *ch, const void *m);
void v091_on_queue_delete(struct channel *ch, const void *m);
void v091_on_queue_purge(struct channel *ch, const void *m);
void v091_on_queue_bind(struct channel *ch, const void *m);
void v091_on_queue_unbind(struct channel *ch, const void *m);
/* "" means the queue declared last; false: there was none, the channel failed (3.1). */
bool v091_queue_named(struct channel *ch, uint32_t method, struct view *queue);

/* ---- v091_grant.c -------------------------------------------------------------------------- */
enum resource { RESOURCE_QUEUE, RESOURCE_EXCHANGE };
/* May the user? false: the channel failed (rabbitmq.md 5.1, 5.2). */
bool v091_grant_check(struct channel *ch, uint32_t method, enum access_verb verb, enum resource kind,
		 struct view name);
void v091_grants_free(struct channel *ch);

/* ---- v091_publish.c, v091_confirm.c ---------------------------------------------------------- */
void v091_on_publish(struct channel *ch, const void *m);
void v091_content_frame(struct channel *ch, const struct frame *f);
bool v091_content_expected(const struct channel *ch);
void v091_content_free(struct channel *ch);
/* All of it has come, and it is not on disk: what the channel sends has to wait. */
bool v091_content_storing(const struct channel *ch);
void v091_publish_answered(struct channel *ch, const struct event *ev);
void v091_publish_returned(struct channel *ch, const struct event *ev);
void v091_on_confirm_select(struct channel *ch, const void *m);
uint64_t v091_confirm_next(struct channel *ch); /* the tag of this publish; 0: confirms are off */
void v091_confirm_done(struct channel *ch, uint64_t tag, bool stored);
void v091_confirms_free(struct channel *ch);

/* ---- v091_consume.c, v091_settle.c -------------------------------------------------------------- */
void v091_on_consume(struct channel *ch, const void *m);
void v091_on_cancel(struct channel *ch, const void *m);
void v091_consume_ok(struct channel *ch, struct view tag);
void v091_cancel_ok(struct channel *ch, struct view tag);
void v091_tag_generate(struct rng *rng, struct buf *out); /* of a consumer that gave none */
void v091_on_get(struct channel *ch, const void *m);
void v091_on_qos(struct channel *ch, const void *m);
void v091_delivered(struct channel *ch, const struct event *ev);
void v091_cancelled(struct channel *ch, const struct event *ev);
/* Tells of those that v091_cancelled held back. */
void v091_cancelled_tell(struct channel *ch);
void v091_consumers_free(struct channel *ch);
uint64_t v091_unsettled_add(struct channel *ch, uint64_t lease); /* the delivery's tag */
/* Puts back what was settled; v ascends by tag. */
void v091_unsettled_restore(struct channel *ch, const struct unsettled *v, size_t n);
void v091_unsettled_free(struct channel *ch);
void v091_on_ack(struct channel *ch, const void *m);
void v091_on_nack(struct channel *ch, const void *m);
void v091_on_reject(struct channel *ch, const void *m);
void v091_on_recover(struct channel *ch, const void *m);
void v091_on_recover_async(struct channel *ch, const void *m);

/* ---- v091_reply.c: direct reply-to (rabbitmq.md 4.26) ------------------------------------------------ */
bool v091_reply_wanted(struct view queue); /* consume from it */
void v091_reply_consume(struct channel *ch, const amqp_basic_consume_t *m);
bool v091_reply_cancel(struct channel *ch, const amqp_basic_cancel_t *m); /* false: not its tag */
void v091_reply_delivered(struct channel *ch, const struct event *ev);
/* What stands for reply_to in messages from here; empty: there is no consumer. */
struct view v091_reply_address(const struct channel *ch);
void v091_reply_free(struct channel *ch);

/* ---- v091_tx.c ------------------------------------------------------------------------------------ */
void v091_on_tx_select(struct channel *ch, const void *m);
void v091_on_tx_commit(struct channel *ch, const void *m);
void v091_on_tx_rollback(struct channel *ch, const void *m);
/* Settled in the channel's transaction; a rollback puts it back. */
void v091_tx_note(struct channel *ch, const struct unsettled *u);
/* What is settled between the two is settled at once; t is NULL for a channel without. */
struct tx *v091_tx_leave(struct channel *ch);
void v091_tx_back(struct channel *ch, struct tx *t);
void v091_tx_free(struct channel *ch);

#endif
