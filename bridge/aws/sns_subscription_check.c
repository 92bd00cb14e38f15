/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of subscriptions as Subscribe and SetSubscriptionAttributes take them:
 * names, values, AWS's words (sqs-sns.md §13, §15). */
#include "aws/sns_priv.h"

#include <strings.h>

#include "mapping/json_reader.h"

static bool is_word(struct view v, const char *word)
{
	return v.n == strlen(word) && strncasecmp((const char *)v.p, word, v.n) == 0;
}

static bool raw_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f)
{
	struct view v = shown(c, at->value);

	if (!is_word(at->value, "true") && !is_word(at->value, "false"))
		return sns_invalid(c, f, "%sRawMessageDelivery: Invalid value [%.*s]. Must be true or false.", prefix,
				   VIEW_ARG(v));
	at->value = is_word(at->value, "true") ? VIEW("true") : VIEW("false");
	return true;
}

static bool scope_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f)
{
	struct view v = shown(c, at->value);

	return view_is(at->value, "MessageAttributes") || view_is(at->value, "MessageBody") ||
	       sns_invalid(c, f,
			   "%sFilterPolicyScope: Invalid value [%.*s]. Please use either MessageBody or "
			   "MessageAttributes",
			   prefix, VIEW_ARG(v));
}

/* The queue of a dead letter ARN, which the caller must be able to write to. */
static bool dead_letter_check(struct aws_call *c, const char *prefix, const json_t *policy, struct refusal *f)
{
	const json_t *text = json_object_get(policy, "deadLetterTargetArn");
	struct aws_queue queue = {.name = VIEW_NONE};
	struct refusal ignored;
	struct sns_arn arn;
	struct view vhost;

	if (!json_is_string(text) ||
	    !sns_arn_parse(c, "", view_of(json_string_value(text), json_string_length(text)), &arn, &ignored) ||
	    arn.n != 6 || !view_is(arn.service, "sqs"))
		return sns_invalid(c, f, "%sRedrivePolicy: deadLetterTargetArn is an invalid arn", prefix);
	if (!sns_vhost_of(c, arn.account, &vhost) || !view_eq(vhost, c->topic.vhost))
		return sns_invalid(c, f, "%sRedrivePolicy: deadLetterTargetArn is not of the topic's account", prefix);
	if (!aws_queue_named(c, vhost, arn.resource, &queue))
		queue.name = arn.resource;
	return sns_may(c, ACCESS_WRITE, vhost, queue.name, aws_queue_arn(c, vhost, queue.name), f);
}

/* What is wrong with a JSON text, in AWS's words. */
static struct view json_fault(struct aws_call *c, struct view text)
{
	struct json_reader r;
	enum json_token t;

	json_reader_init(&r, text, c->arena, JSON_READER_DEPTH_MAX);
	do
		t = json_reader_next(&r);
	while (t != TOKEN_END && t != TOKEN_ERROR);
	return shown(c, arena_copy(c->arena, view_str(t == TOKEN_ERROR ? r.why : "")));
}

static bool redrive_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f)
{
	bool ok;

	if (!at->value.n)
		return true; /* takes it away */
	json_t *j = json_loadb((const char *)at->value.p, at->value.n, 0, NULL);
	if (!j) {
		struct view why = json_fault(c, at->value);

		ok = sns_invalid(c, f, "%sRedrivePolicy: failed to parse JSON. %.*s", prefix, VIEW_ARG(why));
	} else {
		ok = dead_letter_check(c, prefix, j, f);
	}
	json_decref(j);
	return ok;
}

bool sns_filter_is_none(struct view policy)
{
	json_t *j = policy.n ? json_loadb((const char *)policy.p, policy.n, 0, NULL) : NULL;
	bool none = policy.n == 0 || (json_is_object(j) && json_object_size(j) == 0);

	json_decref(j);
	return none;
}

bool sns_filter_check(struct aws_call *c, const char *prefix, struct view policy, struct view scope, struct refusal *f)
{
	struct filter_policy *p;
	struct error e;

	if (sns_filter_is_none(policy))
		return true;
	p = filter_policy_parse(policy, view_is(scope, "MessageBody") ? FILTER_BODY : FILTER_ATTRIBUTES,
				&c->aws->o.filter, &e);
	if (!p) {
		struct view text = shown(c, view_str(e.text));

		return sns_invalid(c, f, "%s%.*s", prefix, VIEW_ARG(text));
	}
	filter_policy_free(p);
	return true;
}

bool sns_subscription_attribute_check(struct aws_call *c, const char *prefix, struct attribute *at, struct refusal *f)
{
	static const char *const plain[] = {"FilterPolicy", "DeliveryPolicy", "SubscriptionRoleArn", "ReplayPolicy"};

	if (view_is(at->name, "RawMessageDelivery"))
		return raw_check(c, prefix, at, f);
	if (view_is(at->name, "FilterPolicyScope"))
		return scope_check(c, prefix, at, f);
	if (view_is(at->name, "RedrivePolicy"))
		return redrive_check(c, prefix, at, f);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (view_is(at->name, plain[i]))
			return !at->value.n || sqs_text_legal(at->value) || sns_invalid(c, f, "%s%s", prefix, plain[i]);
	return sns_invalid(c, f, "%sAttributeName", prefix);
}
