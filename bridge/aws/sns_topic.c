/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of a request: ARNs in and out, permission, AWS's words for what is wrong
 * with them (sqs-sns.md §11, §17: the form of an ARN is judged before anything is
 * looked up). */
#include "aws/sns_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mapping/names.h"

bool sns_invalid(struct aws_call *c, struct refusal *f, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return refuse(c, f, FAULT_INTERNAL, NULL);
	refuse(c, f, FAULT_SNS_PARAMETER, "Invalid parameter: %s", text);
	free(text);
	return false;
}

bool sns_required(struct aws_call *c, const char *parameter, struct view *out, struct refusal *f)
{
	const struct arg *arg = args_get(&c->args, parameter);

	*out = arg->text;
	return arg->set || refuse(c, f, FAULT_SNS_VALIDATION,
				  "1 validation error detected: Value null at '%c%s' failed to satisfy constraint: "
				  "Member must not be null",
				  tolower((unsigned char)parameter[0]), parameter + 1);
}

bool sns_refuse_engine(struct aws_call *c, struct refusal *f, const struct error *e)
{
	switch (e->code) {
	case CODE_NOT_FOUND:
		return refuse(c, f, FAULT_SNS_TOPIC_MISSING, NULL);
	case CODE_REFUSED:
	case CODE_LOCKED:
		return refuse(c, f, FAULT_SNS_ACCESS, "%s", e->text);
	case CODE_UNAVAILABLE:
		return refuse(c, f, FAULT_UNAVAILABLE, NULL);
	default:
		return sns_invalid(c, f, "%s", e->text);
	}
}

void sns_on_done(struct aws_call *c, const struct event *ev)
{
	struct refusal f;

	if (ev->done.error->code != CODE_OK) {
		sns_refuse_engine(c, &f, ev->done.error);
		aws_call_refuse(c, &f);
		return;
	}
	reply_begin(c);
	reply_end(c);
}

bool sns_is_telephone(struct view v)
{
	if (v.n && v.p[0] == '+')
		v = view_skip(v, 1);
	if (v.n < 2 || v.n > 15 || v.p[0] == '0')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return true;
}

/* ---- ARNs ---- */

bool sns_arn_parse(struct aws_call *c, const char *parameter, struct view text, struct sns_arn *out, struct refusal *f)
{
	struct view parts[6], rest = text;

	*out = (struct sns_arn){0};
	for (bool last = false; !last; out->n++) {
		const uint8_t *colon = rest.n ? memchr(rest.p, ':', rest.n) : NULL;
		struct view part = colon ? view_head(rest, (size_t)(colon - rest.p)) : rest;

		last = !colon;
		if (out->n < 6)
			parts[out->n] = part;
		else if (out->n == 6)
			out->id = rest;
		rest = colon ? view_skip(rest, part.n + 1) : VIEW_NONE;
	}
	if (out->n < 6)
		return sns_invalid(c, f, "%s Reason: An ARN must have at least 6 elements, not %zu", parameter, out->n);
	out->service = parts[2];
	out->region = parts[3];
	out->account = parts[4];
	out->resource = parts[5];
	return view_is(parts[0], "arn") || sns_invalid(c, f, "%s", parameter);
}

bool sns_vhost_of(struct aws_call *c, struct view account, struct view *vhost)
{
	if (!access_vhost_of_account(c->aws->access, account, vhost))
		return false;
	*vhost = arena_copy(c->arena, *vhost);
	return true;
}

const char *sns_account(struct aws_call *c, struct view vhost)
{
	const char *account = access_vhost_account(c->aws->access, vhost);

	return account ? account : "000000000000";
}

struct view sns_topic_arn(struct aws_call *c, struct view vhost, struct view true_name)
{
	char wire[NAME_TOPIC_MAX + 1];
	struct buf *out = &c->aws->scratch;

	name_to_wire(NAME_TOPIC, true_name, false, wire);
	buf_clear(out);
	name_arn(out, NAME_TOPIC, c->region, view_str(sns_account(c, vhost)), view_str(wire));
	return arena_copy(c->arena, buf_view(out));
}

bool sns_topic_of(struct aws_call *c, const char *parameter, struct view text, struct aws_topic *out, bool *there,
		  struct refusal *f)
{
	struct topic_stat stat;
	struct sns_arn arn;

	*there = false;
	if (!sns_arn_parse(c, parameter, text, &arn, f))
		return false;
	/* AWS answers so to an ARN of another region (recorded) */
	if (!view_is(arn.service, "sns") || !view_eq(arn.region, c->region) || arn.n != 6)
		return sns_invalid(c, f, "%s", parameter);
	*out = (struct aws_topic){.name = arn.resource, .vhost = c->vhost, .arn = text, .account = arn.account};
	if (!sns_vhost_of(c, arn.account, &out->vhost))
		return true;
	engine_topic_by_wire(c->aws->engine, out->vhost, arn.resource, &out->name);
	*there = out->name.n && engine_topic_stat(c->aws->engine, out->vhost, out->name, &stat);
	out->name = arena_copy(c->arena, out->name);
	if (*there)
		out->arn = sns_topic_arn(c, out->vhost, out->name); /* whatever partition was named */
	return true;
}

/* ---- permission ---- */

bool sns_may(struct aws_call *c, enum access_verb verb, struct view vhost, struct view name, struct view arn,
	     struct refusal *f)
{
	if (access_may(c->aws->access, c->user, vhost, verb, name))
		return true;
	struct view user = shown(c, c->user), what = shown(c, arn);

	return refuse(c, f, FAULT_SNS_ACCESS,
		      "User: arn:aws:iam::%s:user/%.*s is not authorized to perform: SNS:%s on resource: %.*s",
		      sns_account(c, vhost), VIEW_ARG(user), c->action->name, VIEW_ARG(what));
}

static bool topic_named(struct aws_call *c, const char *parameter, struct refusal *f)
{
	struct view text;
	bool there;

	if (!sns_required(c, parameter, &text, f) || !sns_topic_of(c, parameter, text, &c->topic, &there, f))
		return false;
	return there || refuse(c, f, FAULT_SNS_TOPIC_MISSING, NULL);
}

bool sns_topic_find(struct aws_call *c, const char *parameter, enum access_verb verb, struct refusal *f)
{
	return topic_named(c, parameter, f) && sns_may(c, verb, c->topic.vhost, c->topic.name, c->topic.arn, f);
}

bool sns_topic_see(struct aws_call *c, const char *parameter, struct refusal *f)
{
	return topic_named(c, parameter, f) &&
	       (aws_may_see(c, c->topic.vhost, c->topic.name) ||
		sns_may(c, ACCESS_READ, c->topic.vhost, c->topic.name, c->topic.arn, f));
}
