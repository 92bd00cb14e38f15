/* SPDX-License-Identifier: Apache-2.0 */
/* Names and accounts (DESIGN §5): true names ⇄ SQS/SNS wire names, ARNs, queue
 * URLs, account ids. Pure; injective without a registry. Vectors: docs/naming.md. */
#ifndef MQB_MAPPING_NAMES_H
#define MQB_MAPPING_NAMES_H

#include "base/buf.h"

enum name_kind { NAME_QUEUE, NAME_TOPIC };
enum { NAME_QUEUE_MAX = 80, NAME_TOPIC_MAX = 256, ACCOUNT_DIGITS = 12 };

/* Writes the wire name and a NUL; returns its length. Never fails. */
size_t name_to_wire(enum name_kind kind, struct view true_name, bool fifo, char out[NAME_TOPIC_MAX + 1]);
/* The name is what CreateQueue/CreateTopic would take as it is. */
bool name_is_legal(enum name_kind kind, struct view name);
/* 12 digits of a vhost: "/" is 000000000000; every other one is 1 + (the first 8
 * bytes of SHA-256("vhost", NUL, name) as a big-endian number) mod (10^12 - 1). */
void name_account(struct view vhost, char out[ACCOUNT_DIGITS + 1]);
/* arn:aws:sqs:REGION:ACCOUNT:name, appended. */
bool name_arn(struct buf *out, enum name_kind kind, struct view region, struct view account, struct view wire);
/* "ACCOUNT/name" at the end of any queue URL form (sqs-sns.md 1.5); the name
 * percent-decoded. false: no such form. decoded is cleared and gets the name's
 * bytes; account aliases url and is empty for the form /queue/name. */
bool name_from_queue_url(struct view url, struct view *account, struct buf *decoded);

#endif
