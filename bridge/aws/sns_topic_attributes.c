/* SPDX-License-Identifier: Apache-2.0 */
/* SNS GetTopicAttributes and SetTopicAttributes, and what attributes a topic may
 * have (sqs-sns.md §11). Kept and shown, not acted on: Policy, DeliveryPolicy, the
 * encryption key, feedback roles, TracingConfig. */
#include "aws/sns_priv.h"
#include "base/utf8.h"

#include <stdio.h>

enum attribute_kind {
	KIND_TEXT,
	KIND_DISPLAY,   /* 100 characters */
	KIND_JSON,      /* an object */
	KIND_ONE_TWO,   /* SignatureVersion */
	KIND_TRACING,
	KIND_PERCENT,   /* 0 to 100 */
};

enum { DISPLAY_CHARS_MAX = 100, NAME_CHARS_MAX = 64 };

static const struct attribute_row {
	const char *name;
	enum attribute_kind kind;
} rows[] = {
	{"DisplayName", KIND_DISPLAY},
	{"Policy", KIND_JSON},
	{"DeliveryPolicy", KIND_JSON},
	{"KmsMasterKeyId", KIND_TEXT},
	{"SignatureVersion", KIND_ONE_TWO},
	{"TracingConfig", KIND_TRACING},
};

/* LambdaSuccessFeedbackRoleArn, SQSFailureFeedbackRoleArn, HTTPSuccessFeedbackSampleRate, … */
static bool feedback_kind(struct view name, enum attribute_kind *kind)
{
	static const char *const protocols[] = {"HTTP", "Firehose", "Lambda", "Application", "SQS"};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		struct view rest = view_str(protocols[i]);

		if (!view_starts(name, rest))
			continue;
		rest = view_skip(name, rest.n);
		*kind = view_is(rest, "SuccessFeedbackSampleRate") ? KIND_PERCENT : KIND_TEXT;
		return *kind == KIND_PERCENT || view_is(rest, "SuccessFeedbackRoleArn") ||
		       view_is(rest, "FailureFeedbackRoleArn");
	}
	return false;
}

static bool kind_find(struct view name, enum attribute_kind *kind)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (view_is(name, rows[i].name)) {
			*kind = rows[i].kind;
			return true;
		}
	return feedback_kind(name, kind);
}

static bool is_object(struct view text)
{
	json_t *j = json_loadb((const char *)text.p, text.n, 0, NULL);
	bool ok = json_is_object(j);

	json_decref(j);
	return ok;
}

static bool value_ok(enum attribute_kind kind, struct view v)
{
	int64_t n;

	if (v.n && !sqs_text_legal(v))
		return false;
	switch (kind) {
	case KIND_TEXT:
		return true;
	case KIND_DISPLAY:
		return utf8_characters(v) <= DISPLAY_CHARS_MAX;
	case KIND_JSON:
		return v.n == 0 || is_object(v);
	case KIND_ONE_TWO:
		return view_is(v, "1") || view_is(v, "2");
	case KIND_TRACING:
		return view_is(v, "Active") || view_is(v, "PassThrough");
	case KIND_PERCENT:
		return arg_int_parse(v, &n) && n >= 0 && n <= 100;
	}
	return false;
}

bool sns_topic_attribute_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f)
{
	enum attribute_kind kind;
	struct view name = shown(c, at->name);

	if (at->name.n > NAME_CHARS_MAX || !kind_find(at->name, &kind))
		return sns_invalid(c, f, "%sAttributeName", prefix);
	return value_ok(kind, at->value) || sns_invalid(c, f, "%s%.*s", prefix, VIEW_ARG(name));
}

struct view sns_topic_attribute_default(struct view name)
{
	return view_is(name, "SignatureVersion") ? VIEW("1")
	       : view_is(name, "TracingConfig")	 ? VIEW("PassThrough")
						 : VIEW_NONE;
}

/* ---- GetTopicAttributes ---- */

static const char delivery_policy[] =
	"{\"http\":{\"defaultHealthyRetryPolicy\":{\"minDelayTarget\":20,\"maxDelayTarget\":20,\"numRetries\":3,"
	"\"numMaxDelayRetries\":0,\"numNoDelayRetries\":0,\"numMinDelayRetries\":0,\"backoffFunction\":\"linear\"},"
	"\"disableSubscriptionOverrides\":false,"
	"\"defaultRequestPolicy\":{\"headerContentType\":\"text/plain; charset=UTF-8\"}}}";

/* What AWS gives a topic that has none (recorded). */
static struct view default_policy(struct aws_call *c, struct view arn)
{
	return view_str(arena_printf(
		c->arena,
		"{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{\"Sid\":"
		"\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":["
		"\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\",\"SNS:AddPermission\",\"SNS:RemovePermission\","
		"\"SNS:DeleteTopic\",\"SNS:Subscribe\",\"SNS:ListSubscriptionsByTopic\",\"SNS:Publish\"],"
		"\"Resource\":\"%.*s\",\"Condition\":{\"StringEquals\":{\"AWS:SourceOwner\":\"%s\"}}}]}",
		VIEW_ARG(arn), sns_account(c, c->topic.vhost)));
}

static struct view given(struct aws_call *c, const char *name)
{
	struct view v;

	return engine_topic_attribute(c->aws->engine, c->topic.vhost, c->topic.name, view_str(name), &v) ? v : VIEW_NONE;
}

static void given_write(struct aws_call *c, const char *name)
{
	struct view v = given(c, name);

	if (v.n)
		reply_attribute(c, name, v);
}

static void feedback_write(struct aws_call *c)
{
	static const char *const protocols[] = {"HTTP", "Firehose", "Lambda", "Application", "SQS"};
	static const char *const parts[] = {"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate",
					    "FailureFeedbackRoleArn"};
	char name[NAME_CHARS_MAX];

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
			snprintf(name, sizeof(name), "%s%s", protocols[i], parts[k]);
			given_write(c, name);
		}
}

struct view sns_topic_policy(struct aws_call *c)
{
	struct view policy = given(c, "Policy");

	return policy.n ? policy : default_policy(c, sns_topic_arn(c, c->topic.vhost, c->topic.name));
}

static bool count_one(void *ctx, const struct subscription_stat *s)
{
	(void)s;
	++*(size_t *)ctx;
	return true;
}

void sns_get_topic_attributes(struct aws_call *c)
{
	struct refusal f;
	struct view arn;
	size_t subscriptions = 0;

	if (!sns_topic_see(c, "TopicArn", &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	arn = sns_topic_arn(c, c->topic.vhost, c->topic.name);
	engine_subscriptions_each(c->aws->engine, c->topic.vhost, c->topic.name, VIEW_NONE, count_one, &subscriptions);
	reply_begin(c);
	reply_attributes_open(c);
	reply_attribute(c, "TopicArn", arn);
	reply_attribute(c, "Owner", view_str(sns_account(c, c->topic.vhost)));
	reply_attribute(c, "Policy", sns_topic_policy(c));
	reply_attribute(c, "DisplayName", given(c, "DisplayName"));
	reply_attribute(c, "SubscriptionsConfirmed", view_str(arena_printf(c->arena, "%zu", subscriptions)));
	reply_attribute(c, "SubscriptionsPending", VIEW("0"));
	reply_attribute(c, "SubscriptionsDeleted", VIEW("0"));
	reply_attribute(c, "EffectiveDeliveryPolicy", view_str(delivery_policy));
	given_write(c, "DeliveryPolicy");
	given_write(c, "SignatureVersion");
	given_write(c, "TracingConfig");
	given_write(c, "KmsMasterKeyId");
	feedback_write(c);
	reply_attributes_close(c);
	reply_end(c);
}

/* ---- SetTopicAttributes ---- */

void sns_set_topic_attributes(struct aws_call *c)
{
	struct attribute at = {.value = args_get(&c->args, "AttributeValue")->text};
	struct refusal f;

	if (!sns_topic_find(c, "TopicArn", ACCESS_CONFIGURE, &f) || !sns_required(c, "AttributeName", &at.name, &f) ||
	    !sns_topic_attribute_check(c, "", &at, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = sns_on_done;
	engine_topic_attributes_set(c->aws->engine, c->session->id, c->cmd, c->topic.name, &at, 1);
}
