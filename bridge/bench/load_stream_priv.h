/* SPDX-License-Identifier: Apache-2.0 */
/* Publishers and at most one consuming connection, one thread around ppoll:
 *
 *   stream_declare ─► stream_open ─► stream_until ... ─► stream_close ─► stream_delete
 *
 * A publisher has a slab of ready frames that differ only in their stamp (µs,
 * sequence) and, for a topic exchange, their key, so that a batch of publishes is
 * some stores and one write. What a write leaves over goes first next time. */
#ifndef MQB_BENCH_LOAD_STREAM_PRIV_H
#define MQB_BENCH_LOAD_STREAM_PRIV_H

#include "bench/load_case.h"
#include "bench/load_topic.h"
#include "bench/load_wire.h"

enum { STREAM_PUBLISHERS_MAX = 64 };

struct stream;

struct publisher {
	struct stream *stream;
	struct load_conn *conn;
	uint8_t *slab;
	size_t unit, units;
	struct publish_places at;
	size_t left_at, left; /* bytes of the slab not yet written */
	uint64_t sent, low, waiting; /* tags: last sent, all confirmed up to; unconfirmed */
	uint64_t *sent_us;           /* by tag, 0 once confirmed */
};

struct stream {
	const struct load_options *o;
	const struct load_case *what;
	struct publisher publishers[STREAM_PUBLISHERS_MAX];
	struct load_conn *consumer;
	struct topic_load *topic;  /* NULL where there are no patterns */
	uint64_t publish_max;      /* no more than so many; 0: no bound */
	uint64_t now_us, start_us; /* of this round; of the run */
	uint64_t published, confirmed, delivered;
	uint64_t copies; /* deliveries that the published ones lead to */
	uint64_t acked, last_tag, next_seq;
	struct histogram latency;
};

/* what is borrowed and may differ from o's. */
struct stream *stream_new(const struct load_options *o, const struct load_case *what);
void stream_free(struct stream *s);
/* Queues, exchange and bindings, anew. */
void stream_declare(struct stream *s, struct load_conn *control);
void stream_delete(struct stream *s, struct load_conn *control);
void stream_open(struct stream *s);
void stream_close(struct stream *s);
/* Until that time, or *counter (of s) is goal; goal 0: the time alone. */
void stream_until(struct stream *s, uint64_t end_us, const uint64_t *counter, uint64_t goal);
struct stream_name {
	char text[32];
};
struct stream_name stream_queue_name(uint32_t i);
extern const char stream_exchange[];

#endif
