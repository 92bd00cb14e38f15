/* SPDX-License-Identifier: Apache-2.0 */
/* Crossing between protocol families: the one table of design/cross-protocol.md.
 * Pure functions over a message and a codec table; results live in the arena or
 * alias the message. */
#ifndef MQB_MAPPING_CROSS_H
#define MQB_MAPPING_CROSS_H

#include "base/arena.h"
#include "base/header_codec.h"
#include "mapping/sqs_attributes.h"

enum cross_body { CROSS_BODY_AUTO, CROSS_BODY_TEXT, CROSS_BODY_BASE64 };

struct cross_settings {
	enum cross_body body;             /* queue setting `body` */
	struct view default_content_type; /* SQS → 0-9-1 when none is said */
	const struct view *promote;       /* queue setting `promote`; NULL: the standing order */
	size_t n_promote;
};

/* The queue's settings among its declared arguments (x-mqb-body, x-mqb-promote,
 * x-mqb-content-type) over what *s holds; results alias the table or the arena.
 * A value of a wrong kind is no setting. */
void cross_settings_read(const struct table *arguments, struct arena *a, struct cross_settings *s);

struct cross_sqs {
	struct view body;               /* legal SQS text */
	struct sqs_attributes attributes; /* ten at most; without `more` */
	struct view subject; /* of its SNS envelope: what SNS was told, else a legal 0-9-1 type */
	bool illegal;   /* body = text and the bytes are not: here as base64 */
	bool guessed;   /* body = auto decided by the bytes, not by what was declared */
	bool as_base64; /* what auto produced */
	bool unreadable; /* the body lies outside of memory and cannot be had: not to be shown */
};

/* Any message → what an SQS reader gets. false: raw header is malformed (the
 * body is still filled, attributes are empty). */
bool cross_to_sqs(const struct cross_settings *s, const struct codecs *codecs, const struct message *m,
		  struct arena *a, struct cross_sqs *out);

struct cross_legacy {
	struct bag bag;      /* what a 0-9-1 reader sees */
	bool body_replaced;  /* body below instead of the message's own bytes */
	struct view body;
	struct view exchange, key; /* where it came from, as told to the reader */
};

/* Facts about the copy that a reader of another family may see. */
struct cross_facts {
	struct view queue; /* true name */
	uint8_t id[16];    /* MessageId of the copy */
	uint64_t sequence; /* 0: none */
};

/* RAW_SQS by the same table: attributes ⇄ properties and headers, whatever the body
 * is. A headers exchange reads SQS messages by it. */
extern const struct header_codec sqs_header_codec;

/* A message of another family (RAW_SQS) → what an AMQP 0-9-1 reader gets. false:
 * its header is malformed, or its body lies outside of memory and cannot be had. */
bool cross_to_amqp091(const struct cross_settings *s, const struct codecs *codecs, const struct message *m,
		      const struct cross_facts *f, struct arena *a, struct cross_legacy *out);

#endif
