/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's own AMQP 0-9-1: just enough to declare a case's queues, then
 * bytes in, events out, with no allocation and no look-up per message.
 *
 * A `load_conn` is one connection with one channel (1). It blocks until load_start,
 * and is small; from then to load_stop it is non-blocking: load_read feeds complete frames to
 * the handler, load_flush writes what waits in `out`. Anything unexpected, a close
 * from the server above all, ends the process with its text (load_run gives a run one
 * of its own): a benchmark with errors has no result. */
#ifndef MQB_BENCH_LOAD_WIRE_H
#define MQB_BENCH_LOAD_WIRE_H

#include "bench/load_target.h"

enum {
	LOAD_IN_BYTES = 256 * 1024,
	LOAD_OUT_BYTES = 256 * 1024,
	LOAD_SETUP_BYTES = 8 * 1024, /* of the way in, until load_start */
	LOAD_STAMP_BYTES = 16,
};

struct load_conn;

/* What the measured part hears of; a stamp is the body's first 16 bytes. */
struct load_events {
	void (*delivered)(void *ctx, uint64_t delivery_tag, const uint8_t *stamp);
	void (*confirmed)(void *ctx, uint64_t tag, bool multiple);
};

struct load_conn {
	int fd;
	bool streaming; /* anything may be on its way */
	const struct load_events *events;
	void *ctx;
	uint8_t *in;
	size_t in_start, in_end, in_size;
	uint8_t *out; /* from load_start on: acknowledgements and small methods, not publishes */
	size_t out_start, out_end;
	uint64_t delivery_tag; /* of the delivery whose content is arriving */
	uint64_t body_left;
	bool stamped;
	uint8_t stamp[LOAD_STAMP_BYTES]; /* its first bytes, once they are here */
};

/* Ends the process with a line on standard error. */
__attribute__((noreturn, format(printf, 1, 2))) void load_fail(const char *format, ...);

/* Connects, logs in, opens channel 1. */
struct load_conn *load_open(const struct load_target *t);
/* Politely, so that the server is done with all that was sent; frees c. */
void load_close(struct load_conn *c);

/* ---- synchronous, before load_start ---- */
struct queue_spec {
	const char *name;
	bool durable, quorum;
};
void load_queue_declare(struct load_conn *c, const struct queue_spec *q);
/* Deleting what is not there is no error. */
void load_queue_delete(struct load_conn *c, const char *name);
void load_exchange_declare(struct load_conn *c, const char *name, const char *type);
void load_exchange_delete(struct load_conn *c, const char *name);
void load_bind(struct load_conn *c, const char *queue, const char *exchange, const char *key);
/* basic.get; false: the queue is empty. The message goes back when c closes. */
bool load_get(struct load_conn *c, const char *queue);
void load_confirm_select(struct load_conn *c);
void load_qos(struct load_conn *c, uint16_t prefetch);
void load_consume(struct load_conn *c, const char *queue, bool no_ack);

/* ---- the measured part ---- */
void load_start(struct load_conn *c, const struct load_events *events, void *ctx);
void load_stop(struct load_conn *c);  /* blocks again, and what waited is written */
void load_read(struct load_conn *c); /* one read, every complete frame in it */
void load_ack(struct load_conn *c, uint64_t delivery_tag, bool multiple);
bool load_flush(struct load_conn *c); /* false: bytes are left */

/* A publish as it goes over the wire; the body follows its stamp's place. */
struct publish_spec {
	const char *exchange, *key;
	bool persistent;
	size_t body_bytes;
};
/* Where in a publish its routing key and the stamp of its body lie. */
struct publish_places {
	size_t key, stamp;
};
/* Frames of one publish into p (which may be NULL to count). Returns the length. */
size_t load_publish_encode(const struct publish_spec *s, uint8_t *p, struct publish_places *at);

#endif
