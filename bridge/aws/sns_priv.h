/* SPDX-License-Identifier: Apache-2.0 */
/* What the SNS files of the AWS head share. */
#ifndef MQB_AWS_SNS_PRIV_H
#define MQB_AWS_SNS_PRIV_H

#include "aws/aws_priv.h"
#include "mapping/filter_policy.h"

/* Attributes that no list shows. */
#define SUBSCRIBER_ATTRIBUTE "mqb.user" /* who subscribed */
#define UUID_CHARS 36

/* ---- ARNs, topics (sns_topic.c) ---- */

struct sns_arn {
	size_t n; /* parts between colons; those behind the sixth are its id */
	struct view service, region, account, resource, id;
};

/* A parameter that a request must have; the text is AWS's. */
bool sns_required(struct aws_call *c, const char *parameter, struct view *out, struct refusal *f);
/* Six parts at least, in AWS's words. */
bool sns_arn_parse(struct aws_call *c, const char *parameter, struct view text, struct sns_arn *out, struct refusal *f);
/* The vhost behind an account; false: there is none. */
bool sns_vhost_of(struct aws_call *c, struct view account, struct view *vhost);
/* The topic of an ARN, which must be of the caller's region; true also without such a
 * topic: then *there is false and its name the ARN's. */
bool sns_topic_of(struct aws_call *c, const char *parameter, struct view text, struct aws_topic *out, bool *there,
		  struct refusal *f);
/* The topic of the request's parameter into c->topic: there, and the caller may. */
bool sns_topic_find(struct aws_call *c, const char *parameter, enum access_verb verb, struct refusal *f);
/* The same for who only looks: any permission will do. */
bool sns_topic_see(struct aws_call *c, const char *parameter, struct refusal *f);
/* Its ARN in the caller's region, in the arena. */
struct view sns_topic_arn(struct aws_call *c, struct view vhost, struct view true_name);
const char *sns_account(struct aws_call *c, struct view vhost);
bool sns_may(struct aws_call *c, enum access_verb verb, struct view vhost, struct view name, struct view arn,
	     struct refusal *f);
bool sns_refuse_engine(struct aws_call *c, struct refusal *f, const struct error *e);
/* "Invalid parameter: " and the text. */
bool sns_invalid(struct aws_call *c, struct refusal *f, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A telephone number: digits behind an optional plus (E.164). */
bool sns_is_telephone(struct view v);
/* The event of an action with one command and no output. */
void sns_on_done(struct aws_call *c, const struct event *ev);

/* ---- attributes of topics (sns_topic_attributes.c) ---- */

/* Checks one; `prefix` goes in front of what AWS says ("Attributes Reason: " or ""). */
bool sns_topic_attribute_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f);
/* The Policy of c->topic, or AWS's default one; in the arena or valid until the next verb. */
struct view sns_topic_policy(struct aws_call *c);
/* What a topic shows of one that nobody gave. */
struct view sns_topic_attribute_default(struct view name);

/* ---- tags (sns_tags.c) ---- */

/* The tags of a request as one attribute; false: refused. *out is empty when there are none. */
bool sns_tags_pack(struct aws_call *c, const struct arg *tags, struct view *out, struct refusal *f);
/* Every tag given is there with that value. */
bool sns_tags_within(const struct arg *tags, struct view packed);

/* ---- subscriptions (sns_subscription.c) ---- */

struct sns_subscription {
	bool bound;
	struct view id, vhost, topic, queue; /* true names */
	struct view topic_arn, arn;
	const struct attribute *attributes;
	size_t n_attributes;
};

/* Copied into the arena, with the ARNs a caller sees. */
void sns_subscription_copy(struct aws_call *c, const struct subscription_stat *from, struct sns_subscription *to);
struct view sns_subscription_attribute(const struct sns_subscription *s, const char *name);
/* The one of SubscriptionArn; false: refused, also when the caller may not see its topic. */
bool sns_subscription_find(struct aws_call *c, struct sns_subscription *out, struct refusal *f);
/* Read on the topic, write on the queue, and not one of bindings: what changes it needs. */
bool sns_subscription_may_change(struct aws_call *c, const struct sns_subscription *s, struct refusal *f);
/* The five members that lists have. */
void sns_subscription_row(struct aws_call *c, const struct sns_subscription *s);
/* What bindings are as a filter policy; else why there is none. Both empty: all passes. */
void sns_binding_policy(struct aws_call *c, const struct sns_subscription *s, struct view *policy, struct view *why);

/* ---- attributes of subscriptions (sns_subscription_check.c) ---- */

/* Checks and normalizes one by itself. */
bool sns_subscription_attribute_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f);
/* A policy within its scope; an empty one is none. */
bool sns_filter_check(struct aws_call *c, const char *prefix, struct view policy, struct view scope, struct refusal *f);
bool sns_filter_is_none(struct view policy);

/* ---- messages (sns_message.c) ---- */

struct sns_message {
	struct view id; /* of a batch entry */
	struct view body, subject, key;
	struct view raw;  /* as the message keeps attributes */
	size_t bytes;     /* as SNS counts them */
	char message_id[UUID_CHARS + 1];
	struct refusal refusal;
};

/* Checks one message in AWS's order; `entry` is its number in a batch, from 1, or 0. */
bool sns_message_take(struct aws_call *c, const struct args *in, size_t entry, struct sns_message *out,
		      struct refusal *f);

#endif
