/* SPDX-License-Identifier: Apache-2.0 */
/* The AMQP 0-9-1 head: RabbitMQ's dialect (behaviour/rabbitmq.md). */
#ifndef MQB_AMQP_V091_H
#define MQB_AMQP_V091_H

#include "access/access.h"
#include "base/header_codec.h"
#include "base/rng.h"
#include "base/wire.h"
#include "engine/engine.h"
#include "mapping/cross.h"

struct v091_options {
	uint16_t channel_max;      /* 2047 */
	uint32_t frame_max;        /* 131072 */
	uint16_t heartbeat;        /* seconds; 60 */
	uint64_t message_bytes_max; /* 128 MiB */
	int64_t handshake_ms;      /* until connection.open; 10000 */
	int64_t silent_close_ms;   /* 3000, rabbitmq.md 1.9, 1.12 */
	const char *version;       /* of RabbitMQ, as advertised: "3.13.7" */
};

void v091_options_default(struct v091_options *o);

/* Shared by all connections of the head; borrowed by them. */
struct v091_env {
	struct engine *engine;
	struct access *access;
	const struct codecs *codecs;
	struct rng *rng; /* ids of messages, consumer tags */
	struct v091_options options;
};

/* env: struct v091_env * */
extern const struct wire_head v091_head;
/* RAW_AMQP091: property flags and properties, as in a content header frame. */
extern const struct header_codec v091_codec;

#endif
