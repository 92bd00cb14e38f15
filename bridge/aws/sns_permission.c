/* SPDX-License-Identifier: Apache-2.0 */
/* SNS AddPermission and RemovePermission: statements of a topic's Policy, kept and
 * shown. They open nothing: permissions are those of the broker (DESIGN §5). Get- and
 * PutDataProtectionPolicy: kept and shown. */
#include "aws/sns_priv.h"

#include <stdlib.h>

#define PROTECTION_ATTRIBUTE "mqb.data-protection-policy"
enum { PROTECTION_BYTES_MAX = 30720 };

/* What a statement may allow on a topic. */
static bool is_topic_action(struct view name)
{
	static const char *const names[] = {"*",
					    "GetTopicAttributes",
					    "SetTopicAttributes",
					    "AddPermission",
					    "RemovePermission",
					    "DeleteTopic",
					    "Subscribe",
					    "ListSubscriptionsByTopic",
					    "Publish",
					    "Receive"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (view_is(name, names[i]))
			return true;
	return false;
}

/* A new reference. */
static json_t *policy_of(struct aws_call *c)
{
	struct view text = sns_topic_policy(c);
	json_t *policy = json_loadb((const char *)text.p, text.n, 0, NULL);

	if (json_is_object(policy) && json_is_array(json_object_get(policy, "Statement")))
		return policy;
	json_decref(policy);
	return json_pack("{s:s, s:[]}", "Version", "2008-10-17", "Statement");
}

/* Its place; the size when there is none. */
static size_t statement_find(const json_t *statements, struct view label)
{
	size_t i;
	const json_t *statement;

	json_array_foreach(statements, i, statement)
		if (view_is(label, json_string_value(json_object_get(statement, "Sid"))))
			break;
	return i;
}

/* One is a string, several an array, as AWS writes them. */
static json_t *one_or_many(json_t *all)
{
	if (json_array_size(all) != 1)
		return all;
	json_t *one = json_incref(json_array_get(all, 0));
	json_decref(all);
	return one;
}

static json_t *statement_new(struct aws_call *c, struct view label)
{
	const struct arg *accounts = args_get(&c->args, "AWSAccountId"), *actions = args_get(&c->args, "ActionName");
	struct view arn = sns_topic_arn(c, c->topic.vhost, c->topic.name);
	json_t *who = json_array(), *what = json_array();

	for (size_t i = 0; i < accounts->n; i++)
		json_array_append_new(who, json_string(arena_printf(c->arena, "arn:aws:iam::%.*s:root",
								    VIEW_ARG(accounts->texts[i]))));
	for (size_t i = 0; i < actions->n; i++)
		json_array_append_new(what, json_string(arena_printf(c->arena, "SNS:%.*s", VIEW_ARG(actions->texts[i]))));
	return json_pack("{s:s%, s:s, s:{s:o}, s:o, s:s%}", "Sid", (const char *)label.p, label.n, "Effect", "Allow",
			 "Principal", "AWS", one_or_many(who), "Action", one_or_many(what), "Resource",
			 (const char *)arn.p, arn.n);
}

static bool texts_legal(const struct arg *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		if (!texts->texts[i].n || !sqs_text_legal(texts->texts[i]))
			return false;
	return texts->n > 0;
}

static bool permission_check(struct aws_call *c, const json_t *policy, struct view label, struct refusal *f)
{
	const struct arg *actions = args_get(&c->args, "ActionName");

	if (!label.n || !sqs_text_legal(label))
		return sns_invalid(c, f, "Label");
	if (!texts_legal(args_get(&c->args, "AWSAccountId")))
		return sns_invalid(c, f, "AWSAccountId");
	if (!texts_legal(actions))
		return sns_invalid(c, f, "ActionName");
	if (statement_find(json_object_get(policy, "Statement"), label) < json_array_size(json_object_get(policy, "Statement")))
		return sns_invalid(c, f, "Statement already exists");
	for (size_t i = 0; i < actions->n; i++)
		if (!is_topic_action(actions->texts[i]))
			return sns_invalid(c, f, "Policy statement action out of service scope!");
	return true;
}

/* Frees policy. */
static void policy_store(struct aws_call *c, json_t *policy)
{
	char *text = json_dumps(policy, JSON_COMPACT);
	struct attribute at = {VIEW("Policy"), arena_copy(c->arena, view_str(text))};

	free(text);
	json_decref(policy);
	if (!aws_call_engage(c, 1))
		return;
	c->event = sns_on_done;
	engine_topic_attributes_set(c->aws->engine, c->session->id, c->cmd, c->topic.name, &at, 1);
}

void sns_add_permission(struct aws_call *c)
{
	struct view label = args_get(&c->args, "Label")->text;
	struct refusal f;

	if (!sns_topic_find(c, "TopicArn", ACCESS_CONFIGURE, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	json_t *policy = policy_of(c);
	if (!permission_check(c, policy, label, &f)) {
		json_decref(policy);
		aws_call_refuse(c, &f);
		return;
	}
	json_array_append_new(json_object_get(policy, "Statement"), statement_new(c, label));
	policy_store(c, policy);
}

void sns_remove_permission(struct aws_call *c)
{
	struct refusal f;

	if (!sns_topic_find(c, "TopicArn", ACCESS_CONFIGURE, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	json_t *policy = policy_of(c), *statements = json_object_get(policy, "Statement");
	json_array_remove(statements, statement_find(statements, args_get(&c->args, "Label")->text));
	policy_store(c, policy);
}

/* ---- data protection ---- */

void sns_get_data_protection_policy(struct aws_call *c)
{
	struct view v = VIEW_NONE;
	struct refusal f;

	if (!sns_topic_see(c, "ResourceArn", &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	engine_topic_attribute(c->aws->engine, c->topic.vhost, c->topic.name, VIEW(PROTECTION_ATTRIBUTE), &v);
	reply_begin(c);
	if (v.n)
		reply_text(c, "DataProtectionPolicy", v);
	reply_end(c);
}

void sns_put_data_protection_policy(struct aws_call *c)
{
	struct attribute at = {.name = VIEW(PROTECTION_ATTRIBUTE)};
	struct refusal f;
	json_t *j;

	if (!sns_topic_find(c, "ResourceArn", ACCESS_CONFIGURE, &f) ||
	    !sns_required(c, "DataProtectionPolicy", &at.value, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	j = at.value.n ? json_loadb((const char *)at.value.p, at.value.n, 0, NULL) : NULL;
	bool ok = at.value.n <= PROTECTION_BYTES_MAX && (at.value.n == 0 || json_is_object(j));
	json_decref(j);
	if (!ok) {
		sns_invalid(c, &f, "DataProtectionPolicy");
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = sns_on_done;
	engine_topic_attributes_set(c->aws->engine, c->session->id, c->cmd, c->topic.name, &at, 1);
}
