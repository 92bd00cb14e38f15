/* SPDX-License-Identifier: Apache-2.0 */
/* A published message: immutable, reference-counted, one allocation beside its
 * body. It keeps its publisher's own header bytes (`raw`); whoever needs their
 * meaning asks the codec of that kind (header_codec.h). The same struct is what
 * every head, the engine and the stores hand around. */
#ifndef MQB_BASE_MESSAGE_H
#define MQB_BASE_MESSAGE_H

#include "base/body.h"
#include "base/view.h"

enum raw_kind {
	RAW_NONE = 0,
	RAW_AMQP091 = 1, /* content header payload from the property flags on */
	RAW_AMQP10 = 2,  /* sections as sent */
	RAW_STOMP = 3,   /* header lines */
	RAW_SQS = 4,     /* attributes, mapping/sqs_attributes.h */
	RAW_KINDS = 5,
};

struct message {
	uint32_t refs;
	uint8_t raw_kind; /* enum raw_kind */
	uint8_t priority;
	bool durable;     /* its publisher asked for it */
	bool has_ttl;     /* said until it has arrived: copies keep a deadline of their own */
	int64_t ttl_ms;   /* has_ttl */
	uint32_t entries; /* the engine's: how many of its entries hold it */
	uint8_t id[16];   /* random (UUID version 4); copies: message_copy_id */
	int64_t sent_ms;  /* wall clock at publish */
	struct body *body;
	/* All four lie in this allocation. */
	struct view exchange; /* true name of the topic, empty: sent to a queue */
	struct view key;      /* routing key */
	struct view user;     /* publisher's user name */
	struct view raw;
};

struct message_spec {
	enum raw_kind raw_kind;
	uint8_t priority;
	bool durable, has_ttl;
	int64_t ttl_ms;
	const uint8_t *id; /* 16 bytes; required */
	int64_t sent_ms;
	struct view exchange, key, user, raw; /* copied */
};

/* Takes the caller's reference to `body` (also when it fails). One reference,
 * owned by the caller. NULL when memory is gone. */
struct message *message_new(const struct message_spec *spec, struct body *body);
struct message *message_ref(struct message *m);
void message_unref(struct message *m); /* NULL allowed */
/* Bytes it occupies: struct, views and body. */
uint64_t message_cost(const struct message *m);
/* SQS MessageId of the copy in one queue: the message's id with the copy's
 * origin mixed in (the uid of the queue it was first put in; of a dead letter, that
 * it died in); a valid UUID. */
void message_copy_id(const struct message *m, uint32_t origin, uint8_t out[16]);
/* 36 characters and a NUL. */
void uuid_format(const uint8_t id[16], char out[37]);

#endif
