/* SPDX-License-Identifier: Apache-2.0 */
/* The AMQP 0-9-1 head: RabbitMQ's dialect (behaviour/rabbitmq.md). */
#ifndef MQB_AMQP_V091_H
#define MQB_AMQP_V091_H

#include "access/access.h"
#include "base/header_codec.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/wire.h"
#include "engine/engine.h"
#include "mapping/cross.h"

/* Who gets frames of other channels between those of a content: clients known to
 * take it, all, none. */
enum v091_interleave { V091_INTERLEAVE_KNOWN, V091_INTERLEAVE_ALWAYS, V091_INTERLEAVE_NEVER };

struct v091_options {
	uint16_t channel_max;      /* 2047 */
	uint32_t frame_max;        /* 131072 */
	uint16_t heartbeat;        /* seconds; 60 */
	uint64_t message_bytes_max; /* 128 MiB */
	int64_t handshake_ms;      /* until connection.open; 10000 */
	int64_t silent_close_ms;   /* 3000, rabbitmq.md 1.9, 1.12 */
	int64_t closing_ms;        /* wait for the peer's close-ok; 30000 */
	int64_t grant_ms;          /* a channel remembers a permission so long; 5000 */
	uint32_t held_bytes_max;   /* pipelined behind an unanswered method, a channel, before
				    * the connection is not read any more; 1 MiB */
	enum v091_interleave interleave; /* KNOWN */
	uint64_t reply_bytes_max;  /* of a connection's out-queue: direct replies beyond are dropped; 64 MiB */
	const char *version;       /* of RabbitMQ, as advertised: "3.13.7" */
};

void v091_options_default(struct v091_options *o);

/* Shared by all connections of the head; borrowed by them. Zero what is not set. */
struct v091_env {
	struct engine *engine;
	struct access *access;
	const struct codecs *codecs;
	struct rng *rng; /* ids of messages, consumer tags */
	struct blobs *blobs; /* where large durable bodies go; NULL: they stay in memory */
	struct v091_options options;
	struct cross_settings cross; /* of queues whose arguments say nothing else */
	struct link unflushed; /* the head's own: channels with confirms to send, */
	struct link sending;   /* connections with a slice of a large content to send */
};

/* env: struct v091_env * */
extern const struct wire_head v091_head;
/* To be called in every turn after engine_run and before the WRITE phase: the
 * turn's confirms, merged, after its deliveries (engine.md §5), then slices of
 * large contents. The driver has to call wire.flushed for these. True: another
 * turn is wanted at once. */
bool v091_turn_end(struct v091_env *env);
/* RAW_AMQP091: property flags and properties, as in a content header frame. */
extern const struct header_codec v091_codec;

#endif
