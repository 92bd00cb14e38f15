/* SPDX-License-Identifier: Apache-2.0 */
/* The door between a transport and a protocol head. A head is sans-I/O: bytes
 * in by `input`, bytes out into wire->out, time by `tick`. Whoever drives it
 * (net, a unit test, a fuzzer, the simulation) owns the wire and the order:
 *
 *   open → (input | tick | engine events)* → close
 *
 * Rules for a head:
 *  - it consumes all of `input` or keeps what it needs; afterwards the bytes are gone
 *  - it never blocks, never frees itself; `close` is the last call and frees it
 *  - after it has written to wire->out outside of input/tick/close (that is, in an
 *    engine event) it calls wire_touch, so that the driver flushes in its WRITE phase
 *  - `closing` asks the driver to flush and close; nothing is read any more
 *    unless `draining` is also set (reads go on, to see the peer's close-ok)
 *  - `paused` asks the driver not to read until it is cleared (wire_touch too)
 *  - `publishes` is set once the peer has published something: such a connection
 *    is not read while the store gate is shut (loop_hooks.publishers_wait)
 *  - `published` is set at each publish; the driver clears it. Who publishes while
 *    an alarm stands (loop_hooks.alarm) is not read until its end
 *  - a tick_at_ms that moved nearer outside of open/input/tick: wire_touch too
 */
#ifndef MQB_BASE_WIRE_H
#define MQB_BASE_WIRE_H

#include "base/clock.h"
#include "base/out.h"

struct wire {
	struct out out;
	bool closing, draining, paused, publishes, published;
	bool loopback;        /* the peer is on this machine */
	int64_t tick_at_ms;   /* mono; call tick then; INT64_MAX: never */
	int64_t last_read_ms; /* mono; kept by the driver, for heartbeats; while the
			       * driver does not read, it is moved along before a tick */
	int64_t last_write_ms;
	char peer[112];       /* "ip:port -> ip:port", RabbitMQ's connection name */
	const struct now *now; /* the turn's time; NULL where the driver has none */
	void (*touched)(struct wire *); /* set by the driver */
	/* Told by the driver when out.bytes crosses wire_high up (at once, from
	 * wire_touch) or falls below wire_low (WRITE); set by the head; may be NULL. */
	void (*writable)(void *head, bool writable);
	/* Told by the driver in WRITE after bytes of out were handed to the socket;
	 * set by the head; may be NULL. */
	void (*flushed)(void *head);
	void *head;
};

enum wire_end {
	WIRE_PEER_CLOSED, /* orderly end of stream, or our own close was flushed */
	WIRE_LOST,        /* reset, time-out, write error */
	WIRE_SHUTDOWN,    /* the daemon stops; grace is over */
};

struct wire_head {
	const char *name;
	/* env is what the daemon registered with the listener. Returns the head. */
	void *(*open)(void *env, struct wire *w, struct now now);
	void (*input)(void *head, struct view bytes, struct now now);
	void (*tick)(void *head, struct now now);
	/* The daemon wants to stop: say the protocol's own goodbye (may be NULL). */
	void (*stop)(void *head, struct now now);
	void (*close)(void *head, enum wire_end end);
};

static inline void wire_touch(struct wire *w)
{
	if (w->touched)
		w->touched(w);
}

#endif
