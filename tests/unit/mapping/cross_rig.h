/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the cross-protocol table share: messages with a bag for a
 * header (the raw bytes are a pointer to it) and resending what was received. */
#ifndef MQB_TESTS_MAPPING_CROSS_RIG_H
#define MQB_TESTS_MAPPING_CROSS_RIG_H

#include "mapping/cross.h"

#define SENT_MS INT64_C(1700000000123)

extern const struct codecs rig_codecs;
/* A codec that finds every header malformed. */
extern const struct codecs rig_codecs_malformed;

/* One reference. The bag is borrowed as long as the message lives. */
struct message *rig_amqp(const struct bag *bag, struct view body, const char *exchange, const char *key);
struct message *rig_sqs(const struct sqs_attributes *at, struct view body);
/* What an SQS reader gets of m, sent again as it is by an SQS sender. */
struct message *rig_resend(const struct message *m, struct arena *a);
const struct sqs_attribute *rig_find(const struct sqs_attributes *at, const char *name);
/* Its value as a C string in the arena; NULL: there is none. */
const char *rig_text(const struct sqs_attributes *at, const char *name, struct arena *a);

#endif
