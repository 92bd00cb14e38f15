/* SPDX-License-Identifier: Apache-2.0 */
/* SQS message attributes: the struct, AWS's checks and MD5 (sqs-sns.md §3, §5),
 * and the bytes they are kept as (message.raw of kind RAW_SQS). */
#ifndef MQB_MAPPING_SQS_ATTRIBUTES_H
#define MQB_MAPPING_SQS_ATTRIBUTES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { SQS_ATTRIBUTES_MAX = 10 };

struct sqs_attribute {
	struct view name;
	struct view type;  /* "String", "Number", "Binary", with custom suffix */
	struct view value; /* decoded bytes for Binary */
};

struct sqs_attributes {
	struct sqs_attribute v[SQS_ATTRIBUTES_MAX];
	size_t n;
	/* System attributes and FIFO facts that travel with the message. */
	struct view trace_header, group_id, dedup_id;
	struct view subject;      /* of an SNS Publish */
	struct view content_type; /* of a body that the broker made: an SNS envelope; no attribute of SQS */
	struct view more;         /* attributes of an SNS Publish beyond ten, encoded (sqs_attributes_more) */
};

/* Appends; nothing when all is empty. false: a part is too long, or *out is full. */
bool sqs_attributes_encode(const struct sqs_attributes *a, struct buf *out);
/* No bytes: no attributes. */
bool sqs_attributes_decode(struct view raw, struct sqs_attributes *out); /* views alias raw */
/* Appends one attribute to what becomes `more`. false: a part is too long, or *out is full. */
bool sqs_attributes_more_add(struct buf *out, const struct sqs_attribute *at);
/* The next one of `more`, taken off *rest; false: there are no more. */
bool sqs_attributes_more(struct view *rest, struct sqs_attribute *out);
/* All of them, those beyond ten too: *n, of *a itself or in the arena. */
const struct sqs_attribute *sqs_attributes_all(const struct sqs_attributes *a, struct arena *arena, size_t *n);
/* n is how many a caller named, which may be more than the struct can hold. */
enum code sqs_attributes_count_check(size_t n, struct error *e);
/* AWS's rules for names, types, values; CODE_INVALID with AWS's text. */
enum code sqs_attributes_check(const struct sqs_attributes *a, struct error *e);
/* 32 hex digits and a NUL, over the attributes given (already in any order). */
void sqs_attributes_md5(const struct sqs_attribute *v, size_t n, char out[33]);
/* Characters SQS allows in a body or a String value. */
bool sqs_text_legal(struct view text);

#endif
