/* SPDX-License-Identifier: Apache-2.0 */
/* What the unit tests of SNS share: one rig, one connection, requests as forms. */
#ifndef MQB_TESTS_UNIT_AWS_SNS_RIG_H
#define MQB_TESTS_UNIT_AWS_SNS_RIG_H

#include "rig/aws_rig.h"

#define TOPIC_ARN "arn:aws:sns:eu-west-1:000000000000:t"
#define QUEUE_ARN "arn:aws:sqs:eu-west-1:000000000000:q"

extern struct aws_rig sns_rig;

/* With a topic t and a queue q; signer may be NULL. */
void sns_rig_open(const struct signer *signer);
void sns_rig_close(void);
/* A form of SNS (Version is added), signed by guest unless key says otherwise. */
struct aws_answer sns_call(const char *form);
struct aws_answer sns_call_as(const char *key, const char *form);
struct aws_answer sqs_call(const char *json_action, const char *json);
/* Status 200 and the text in the answer. */
void sns_good(const char *form, const char *text);
/* An error of that status and code with that text. */
void sns_refused(const char *form, int status, const char *code, const char *text);
bool sns_has(struct view v, const char *text);
/* Subscribes q to t; its ARN, in a static buffer. */
const char *sns_subscribed(const char *more);
/* The one message in q: its body, valid until the next call; deleted. "" when there is none. */
const char *sns_received(struct view *whole);

#endif
