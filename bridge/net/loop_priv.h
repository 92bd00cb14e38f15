/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the loop: what loop.c (the turn), listener.c and connection.c share.
 *
 * A connection is in the loop's `conns` from accept until REAP. Its states:
 *
 *   OPEN ──conn_end──► FLUSH ──all handed to the socket──► LINGER ──► DEAD
 *     └──────────────────┴── lost, or out of time ────────────────────►┘
 *
 *   OPEN    it has a head; bytes flow
 *   FLUSH   the head is gone; what it left in wire.out is still being sent
 *   LINGER  our half is shut; bytes are read and dropped until the peer's end,
 *           because closing a socket with unread bytes resets it
 *   DEAD    in `dead`, freed in REAP
 *
 * Invariants: (1) a head is called by the driver only while OPEN, and is never
 * on the stack when conn_end runs; (2) `interest` is what epoll watches: reading
 * is dropped when an event comes that must not be read, writing when an event
 * comes with nothing to write, so that a flapping gate costs no system call;
 * (3) a connection with something to flush, re-arm or close is in `touched`. */
#ifndef MQB_NET_LOOP_PRIV_H
#define MQB_NET_LOOP_PRIV_H

#include <uv.h>

#include "base/heap.h"
#include "base/list.h"
#include "net/loop.h"

enum {
	READ_BYTES = 128 * 1024, /* one read a connection a turn, at most this; stays in the cache */
	WRITE_TURN_BYTES = 4 * 1024 * 1024, /* then the others' turn */
	WRITE_IOVECS = 256,
	ACCEPT_TURN = 128,
	LISTEN_BACKLOG = 4096,
	LISTEN_RETRY_MS = 100, /* without a single descriptor left */
	LOOP_SIGNALS = 3
};

struct listener {
	uv_poll_t poll;
	struct loop *l;
	struct link link;
	struct listener_spec spec; /* host is not kept */
	int fd;                    /* -1: unlistened */
	bool waiting;              /* for a descriptor */
	uint32_t n_conns;
};

enum conn_state { CONN_OPEN, CONN_FLUSH, CONN_LINGER, CONN_DEAD };

struct conn {
	struct wire wire;
	uv_poll_t poll;
	struct listener *lst;
	struct loop *l;
	struct link all;     /* conns or dead */
	struct link touched; /* WRITE has something to look at */
	struct link gated;   /* not read because of the store gate or an alarm */
	uint32_t alarm_seen; /* loop.alarms when it was last read */
	struct heap_node due;
	int64_t deadline_ms; /* of closing, FLUSH and LINGER; INT64_MAX: none */
	int fd;
	int interest;        /* UV_READABLE | UV_WRITABLE */
	enum conn_state state;
	bool blocked;        /* the socket takes no more until it says so */
	bool high;           /* past wire_high, head told */
	bool flooded;        /* past out_max */
	bool eof;            /* the peer has ended its half */
	bool broken;         /* a write failed; the rest of the input is still read */
};

struct loop {
	uv_loop_t uv;
	uv_check_t check;
	uv_idle_t idle;
	uv_timer_t timer;
	uv_async_t async;
	uv_signal_t signals[LOOP_SIGNALS];
	struct loop_hooks hooks;
	struct now now;      /* this turn's */
	bool fresh;          /* now was read in this turn */
	bool gate;           /* hooks.publishers_wait of this turn */
	bool alarm;          /* hooks.alarm of this turn */
	uint32_t alarms;     /* how many there have been */
	bool again;          /* another turn at once */
	bool stopping, stop_heads, close_heads;
	uint32_t signalled;  /* bits of signals[] */
	int64_t armed_ms;    /* what the timer is set to */
	int spare_fd;        /* given up for one accept when descriptors are out; -1: gone */
	int64_t retry_ms;    /* listeners that wait for a descriptor; INT64_MAX: none */
	uint32_t n_heads;
	struct heap due;
	struct link listeners, conns, dead, touched, gated;
	struct link offloaded; /* finished, done not called */
	uint8_t read_buf[READ_BYTES];
};

/* The turn's time; the first caller of a turn reads the clock. */
struct now loop_now(struct loop *l);

void listener_retry(struct loop *l);
void listener_close(struct listener *lst);

/* Takes fd. */
void conn_open(struct listener *lst, int fd, const struct sockaddr_storage *peer);
/* Tells the head, then flushes what is left or dies. */
void conn_end(struct conn *c, enum wire_end end);
void conn_touch(struct conn *c);
/* STORE: a gate has opened; read again unless the other one is shut. */
void conn_ungate(struct conn *c);
/* WRITE: flush, follow `closing`, re-arm time and interest. */
void conn_write(struct conn *c);
/* TIMERS: its `due` has come and it was taken out of the heap. */
void conn_due(struct conn *c);
/* REAP: the descriptor now, the memory when libuv lets go of it. */
void conn_reap(struct conn *c);

#endif
