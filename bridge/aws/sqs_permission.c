/* SPDX-License-Identifier: Apache-2.0 */
/* SQS AddPermission and RemovePermission: statements of the queue's attribute
 * Policy, as AWS writes them (sqs-sns.md §3). They are kept and shown; who may do
 * what here is decided by users and their permissions alone. */
#include "aws/aws_priv.h"

#include <stdlib.h>

#include "mapping/names.h"

enum { LABEL_MAX = 80, ACTIONS_MAX = 7, POLICY_BYTES_MAX = 8192 };

static bool label_check(struct aws_call *c, struct view label, struct refusal *f)
{
	bool ok = label.n && label.n <= LABEL_MAX;

	if (!label.n)
		return refuse_missing(c, f, "Label");
	for (size_t i = 0; ok && i < label.n; i++) {
		uint8_t ch = label.p[i];

		ok = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || ch == '-' ||
		     ch == '_';
	}
	struct view v = shown(c, label);
	return ok || refuse(c, f, FAULT_PARAMETER,
			    "Value %.*s for parameter Label is invalid. Reason: Can only include alphanumeric characters, "
			    "hyphens, or underscores. 1 to 80 in length.",
			    VIEW_ARG(v));
}

static bool actions_check(struct aws_call *c, const struct arg *actions, struct refusal *f)
{
	static const char *const names[] = {
		"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
		"GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
	};

	if (!actions->n)
		return refuse_missing(c, f, "Actions");
	if (actions->n > ACTIONS_MAX)
		return refuse(c, f, FAULT_OVER_LIMIT, "%zu Actions were found, maximum allowed is 7.", actions->n);
	for (size_t i = 0; i < actions->n; i++) {
		bool known = false;

		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			known |= view_is(actions->texts[i], names[k]);
		struct view v = shown(c, actions->texts[i]);
		if (!known)
			return refuse(c, f, FAULT_PARAMETER,
				      "Value SQS:%.*s for parameter ActionName is invalid. Reason: Please refer to the "
				      "appropriate WSDL for a list of valid actions. ",
				      VIEW_ARG(v));
	}
	return true;
}

static bool accounts_check(struct aws_call *c, const struct arg *accounts, struct refusal *f)
{
	if (!accounts->n)
		return refuse_missing(c, f, "AWSAccountIds");
	for (size_t i = 0; i < accounts->n; i++) {
		bool ok = accounts->texts[i].n == ACCOUNT_DIGITS;

		for (size_t k = 0; ok && k < ACCOUNT_DIGITS; k++)
			ok = accounts->texts[i].p[k] >= '0' && accounts->texts[i].p[k] <= '9';
		struct view v = shown(c, accounts->texts[i]);
		if (!ok)
			return refuse(c, f, FAULT_PARAMETER,
				      "Value %.*s for parameter PrincipalId is invalid. Reason: Unable to verify.",
				      VIEW_ARG(v));
	}
	return true;
}

/* ---- the policy ---- */

/* A new reference; NULL: the queue has none. */
static json_t *policy_of(struct aws_call *c)
{
	struct view v;
	json_t *policy = NULL;

	if (engine_queue_attribute(c->aws->engine, c->queue.vhost, c->queue.name, VIEW("Policy"), &v))
		policy = json_loadb((const char *)v.p, v.n, 0, NULL);
	if (json_is_object(policy))
		return policy;
	json_decref(policy);
	return NULL;
}

/* Its statements as an array, made so when it has only one; borrowed. */
static json_t *statements_of(json_t *policy)
{
	json_t *v = json_object_get(policy, "Statement");

	if (json_is_array(v))
		return v;
	json_t *all = json_array();
	if (v)
		json_array_append(all, v);
	json_object_set_new(policy, "Statement", all);
	return all;
}

static json_t *text_json(struct view v)
{
	return json_stringn((const char *)v.p, v.n);
}

/* Where the statement of that label is; the number of them when it is not there. */
static size_t statement_find(const json_t *statements, struct view label)
{
	const json_t *one;
	size_t i;

	json_array_foreach(statements, i, one) {
		const json_t *sid = json_object_get(one, "Sid");

		if (json_is_string(sid) && view_eq(view_of(json_string_value(sid), json_string_length(sid)), label))
			return i;
	}
	return json_array_size(statements);
}

/* Several are a list, one is itself. */
static json_t *one_or_more(struct aws_call *c, const char *prefix, const struct arg *names, const char *suffix)
{
	json_t *all = json_array();

	for (size_t i = 0; i < names->n; i++)
		json_array_append_new(all, json_string(arena_printf(c->arena, "%s%.*s%s", prefix,
								    VIEW_ARG(names->texts[i]), suffix)));
	if (names->n > 1)
		return all;
	json_t *one = json_incref(json_array_get(all, 0));
	json_decref(all);
	return one;
}

static json_t *statement_new(struct aws_call *c, struct view label)
{
	const struct arg *accounts = args_get(&c->args, "AWSAccountIds");
	const struct arg *actions = args_get(&c->args, "Actions");
	json_t *s = json_object(), *principal = json_object();

	json_object_set_new(principal, "AWS", one_or_more(c, "arn:aws:iam::", accounts, ":root"));
	json_object_set_new(s, "Sid", text_json(label));
	json_object_set_new(s, "Effect", json_string("Allow"));
	json_object_set_new(s, "Principal", principal);
	json_object_set_new(s, "Action", one_or_more(c, "SQS:", actions, ""));
	json_object_set_new(s, "Resource", text_json(aws_queue_arn(c, c->queue.vhost, c->queue.name)));
	return s;
}

static json_t *policy_new(struct aws_call *c)
{
	struct view arn = aws_queue_arn(c, c->queue.vhost, c->queue.name);
	json_t *policy = json_object();

	json_object_set_new(policy, "Version", json_string("2008-10-17"));
	json_object_set_new(policy, "Id",
			    json_string(arena_printf(c->arena, "%.*s/SQSDefaultPolicy", VIEW_ARG(arn))));
	return policy;
}

/* Without a statement there is no policy. */
static void policy_store(struct aws_call *c, json_t *policy)
{
	struct attribute a = {VIEW("Policy"), VIEW_NONE};
	char *text = json_array_size(statements_of(policy)) ? json_dumps(policy, JSON_COMPACT) : NULL;
	struct refusal f;

	if (text)
		a.value = arena_copy(c->arena, view_str(text));
	free(text);
	if (a.value.n > POLICY_BYTES_MAX) {
		refuse(c, &f, FAULT_OVER_LIMIT, "The policy would be longer than %d bytes.", POLICY_BYTES_MAX);
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = aws_on_done;
	engine_queue_attributes_set(c->aws->engine, c->session->id, c->cmd, c->queue.name, &a, 1);
}

void sqs_add_permission(struct aws_call *c)
{
	struct view label = args_get(&c->args, "Label")->text;
	struct refusal f;

	if (!label_check(c, label, &f) || !accounts_check(c, args_get(&c->args, "AWSAccountIds"), &f) ||
	    !actions_check(c, args_get(&c->args, "Actions"), &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	json_t *policy = policy_of(c);
	if (!policy)
		policy = policy_new(c);
	json_t *statements = statements_of(policy);
	if (statement_find(statements, label) < json_array_size(statements)) {
		refuse(c, &f, FAULT_PARAMETER, "Value %.*s for parameter Label is invalid. Reason: Already exists.",
		       VIEW_ARG(label));
		aws_call_refuse(c, &f);
	} else {
		json_array_append_new(statements, statement_new(c, label));
		policy_store(c, policy);
	}
	json_decref(policy);
}

void sqs_remove_permission(struct aws_call *c)
{
	struct view label = args_get(&c->args, "Label")->text;
	struct refusal f;

	if (!label_check(c, label, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	json_t *policy = policy_of(c);
	json_t *statements = policy ? statements_of(policy) : NULL;
	size_t at = statement_find(statements, label);
	if (at == json_array_size(statements)) {
		refuse(c, &f, FAULT_PARAMETER, "Value %.*s for parameter Label is invalid. Reason: can't find label.",
		       VIEW_ARG(label));
		aws_call_refuse(c, &f);
	} else {
		json_array_remove(statements, at);
		policy_store(c, policy);
	}
	json_decref(policy);
}
