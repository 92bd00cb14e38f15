/* SPDX-License-Identifier: Apache-2.0 */
/* The loop and its turn (DESIGN §3). libuv lives behind this header. A turn:
 *
 *   READ    socket reads, up to a bound per connection, go to the heads' input
 *   TIMERS  heads whose tick_at_ms has come
 *   ENGINE  hooks.engine: completions, dispatch, events into the heads
 *   STORE   hooks.store: the turn's batch goes to the writer
 *   WRITE   one writev for each connection that was touched
 *   REAP    closed connections are freed
 *
 * Nothing is walked that is not ready. When hooks.engine answers true (more to
 * do) the next turn follows without waiting.
 *
 * What is not read: a connection whose head set `paused`; one that publishes,
 * while hooks.publishers_wait says so; one that has published during an alarm, until
 * its end; one that has more than out_max bytes of
 * answers unsent (its peer sends and does not read). The kernel's window does
 * the rest. `closing` flushes, ends our half of the stream, tells the head and
 * waits up to linger_ms for the peer's end, so that a last answer isn't lost to
 * a reset. */
#ifndef MQB_NET_LOOP_H
#define MQB_NET_LOOP_H

#include "base/error.h"
#include "base/wire.h"

struct loop;

struct loop_hooks {
	void *ctx;
	bool (*engine)(void *ctx, struct now now);   /* true: wants another turn at once */
	void (*store)(void *ctx);
	int64_t (*next_ms)(void *ctx);               /* mono; INT64_MAX: none */
	bool (*publishers_wait)(void *ctx);          /* may be NULL */
	void (*signal)(void *ctx, int signum);       /* SIGTERM, SIGINT, SIGHUP; in ENGINE */
	void (*turn)(void *ctx, struct now now);     /* the turn's time, before its first READ; may be NULL */
	bool (*alarm)(void *ctx);                    /* publishers are to stop; may be NULL */
};

/* Copies hooks. Ignores SIGPIPE for the process. NULL and *e when the system refuses. */
struct loop *loop_new(const struct loop_hooks *hooks, struct error *e);
/* Waits for offloaded work and calls what is left of its `done`; closes every
 * connection (WIRE_SHUTDOWN). Free what those touch afterwards. */
void loop_free(struct loop *l);
/* Until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* From any thread: one more turn soon. */
void loop_wake(struct loop *l);

struct listener_spec {
	const char *host; /* numeric address */
	int port;         /* 0: a free one */
	const struct wire_head *head;
	void *env;
	/* Here 0 stands for the default. */
	uint64_t wire_high, wire_low; /* out-queue marks; 128 KiB and 32 KiB */
	uint64_t out_max;             /* unsent bytes past which a peer is not read; 1 MiB */
	int64_t linger_ms;            /* wait for the peer at our close; 5 s */
	uint32_t connections_max;     /* of this listener; 65536 */
};

/* Copies spec. The bound port, or -1 and *e (text names the address; the code is CODE_IN_USE when taken). */
int loop_listen(struct loop *l, const struct listener_spec *spec, struct error *e);
/* No new connections; the open ones stay. */
void loop_unlisten(struct loop *l);
/* Calls stop of every head; later ones with close(WIRE_SHUTDOWN). */
void loop_stop_heads(struct loop *l);
void loop_close_heads(struct loop *l);
/* Connections that have a head. */
uint32_t loop_connections(const struct loop *l);

/* work(arg) on a pool thread, then done(arg) in a later turn. Matches access_options.offload. */
void loop_offload(void *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
