/* SPDX-License-Identifier: Apache-2.0 */
/* SNS GetSubscriptionAttributes and SetSubscriptionAttributes. A binding shows the
 * filter policy that it is, or why it is none. */
#include "aws/sns_priv.h"

static void shown_if(struct aws_call *c, const char *name, struct view v)
{
	if (v.n)
		reply_attribute(c, name, v);
}

static struct view principal(struct aws_call *c, const struct sns_subscription *s)
{
	struct view user = sns_subscription_attribute(s, SUBSCRIBER_ATTRIBUTE);
	const char *account = sns_account(c, s->vhost);

	if (!user.n)
		return view_str(arena_printf(c->arena, "arn:aws:iam::%s:root", account));
	user = shown(c, user);
	return view_str(arena_printf(c->arena, "arn:aws:iam::%s:user/%.*s", account, VIEW_ARG(user)));
}

static void policy_write(struct aws_call *c, struct view policy, struct view scope)
{
	if (!policy.n)
		return;
	reply_attribute(c, "FilterPolicy", policy);
	reply_attribute(c, "FilterPolicyScope", scope.n ? scope : VIEW("MessageAttributes"));
}

static void own_write(struct aws_call *c, const struct sns_subscription *s)
{
	struct view raw = sns_subscription_attribute(s, "RawMessageDelivery");

	reply_attribute(c, "RawMessageDelivery", raw.n ? raw : VIEW("false"));
	policy_write(c, sns_subscription_attribute(s, "FilterPolicy"), sns_subscription_attribute(s, "FilterPolicyScope"));
	shown_if(c, "RedrivePolicy", sns_subscription_attribute(s, "RedrivePolicy"));
	shown_if(c, "DeliveryPolicy", sns_subscription_attribute(s, "DeliveryPolicy"));
	shown_if(c, "SubscriptionRoleArn", sns_subscription_attribute(s, "SubscriptionRoleArn"));
	shown_if(c, "ReplayPolicy", sns_subscription_attribute(s, "ReplayPolicy"));
}

void sns_get_subscription_attributes(struct aws_call *c)
{
	struct view policy = VIEW_NONE, why = VIEW_NONE;
	struct sns_subscription s;
	struct refusal f;

	if (!sns_subscription_find(c, &s, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (s.bound)
		sns_binding_policy(c, &s, &policy, &why);
	reply_begin(c);
	reply_attributes_open(c);
	reply_attribute(c, "SubscriptionArn", s.arn);
	reply_attribute(c, "TopicArn", s.topic_arn);
	reply_attribute(c, "Owner", view_str(sns_account(c, s.vhost)));
	reply_attribute(c, "Protocol", VIEW("sqs"));
	reply_attribute(c, "Endpoint", aws_queue_arn(c, s.vhost, s.queue));
	reply_attribute(c, "PendingConfirmation", VIEW("false"));
	reply_attribute(c, "ConfirmationWasAuthenticated", VIEW("true"));
	reply_attribute(c, "SubscriptionPrincipal", principal(c, &s));
	if (s.bound) {
		reply_attribute(c, "RawMessageDelivery", VIEW("true"));
		policy_write(c, policy, VIEW_NONE);
		shown_if(c, "mqb-approximate", why);
	} else {
		own_write(c, &s);
	}
	reply_attributes_close(c);
	reply_end(c);
}

/* ---- SetSubscriptionAttributes ---- */

static bool change_check(struct aws_call *c, struct sns_subscription *s, struct attribute *at, struct refusal *f)
{
	struct view policy, scope;

	if (!sns_subscription_find(c, s, f) || !sns_required(c, "AttributeName", &at->name, f) ||
	    !sns_subscription_attribute_check(c, "", at, f) || !sns_subscription_may_change(c, s, f))
		return false;
	policy = sns_subscription_attribute(s, "FilterPolicy");
	scope = sns_subscription_attribute(s, "FilterPolicyScope");
	if (view_is(at->name, "FilterPolicy"))
		policy = at->value = sns_filter_is_none(at->value) ? VIEW_NONE : at->value;
	else if (view_is(at->name, "FilterPolicyScope"))
		scope = at->value;
	else
		return true;
	return sns_filter_check(c, "", policy, scope, f);
}

void sns_set_subscription_attributes(struct aws_call *c)
{
	struct attribute at = {.value = args_get(&c->args, "AttributeValue")->text};
	struct sns_subscription s;
	struct refusal f;

	if (!change_check(c, &s, &at, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = sns_on_done;
	engine_subscription_attributes_set(c->aws->engine, c->session->id, c->cmd, s.id, &at, 1);
}
