/* SPDX-License-Identifier: Apache-2.0 */
/* The SNS notification envelope (sqs-sns.md §14) and the string that is signed. */
#ifndef MQB_MAPPING_SNS_ENVELOPE_H
#define MQB_MAPPING_SNS_ENVELOPE_H

#include "base/buf.h"
#include "mapping/sqs_attributes.h"

enum { SNS_SUBJECT_CHARS_MAX = 100, SNS_TIMESTAMP_CHARS = 24 };

struct sns_envelope {
	struct view message_id; /* 36 characters; SNS's own, one a publish */
	struct view topic_arn, subject /* empty: none */, message;
	struct view timestamp;  /* 2012-05-02T00:54:06.655Z */
	struct view signature_version, signature, certificate_url; /* empty version: no signature fields */
	struct view unsubscribe_url;
	struct view sequence;   /* FIFO; else empty */
	const struct sqs_attribute *attributes;
	size_t n_attributes;
};

/* The JSON text, members in AWS's order. Every text is legal SQS text. */
void sns_envelope_write(const struct sns_envelope *v, struct buf *out);
/* The same in three parts: only the middle one differs between the subscriptions
 * of a topic. */
void sns_envelope_head(const struct sns_envelope *v, struct buf *out);
void sns_envelope_unsubscribe(struct view url, struct buf *out);
void sns_envelope_tail(const struct sns_envelope *v, struct buf *out);
/* What is signed: name and value of each member, a line each. */
void sns_envelope_to_sign(const struct sns_envelope *v, struct buf *out);
/* 24 characters and a NUL. */
void sns_timestamp(int64_t wall_ms, char out[SNS_TIMESTAMP_CHARS + 1]);
/* Legal as a Subject: ≤ 100 characters of printable ASCII, no blank at its start (SNS Publish). */
bool sns_subject_legal(struct view subject);

#endif
