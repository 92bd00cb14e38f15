/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions as SNS shows them: SNS's own, and the bindings of AMQP clients, one
 * for each queue bound to a topic, read-only here (DESIGN §6). */
#include "aws/sns_priv.h"

#include "mapping/binding_policy.h"
#include "mapping/names.h"

static struct view text_copy(struct aws_call *c, struct view v)
{
	return v.n ? arena_copy(c->arena, v) : VIEW_NONE;
}

static void attributes_copy(struct aws_call *c, const struct subscription_stat *from, struct sns_subscription *to)
{
	struct attribute *v = arena_alloc(c->arena, from->n_attributes * sizeof(*v));

	for (size_t i = 0; i < from->n_attributes; i++)
		v[i] = (struct attribute){text_copy(c, from->attributes[i].name), text_copy(c, from->attributes[i].value)};
	to->attributes = v;
	to->n_attributes = from->n_attributes;
}

void sns_subscription_copy(struct aws_call *c, const struct subscription_stat *from, struct sns_subscription *to)
{
	*to = (struct sns_subscription){
		.bound = from->bound,
		.id = text_copy(c, from->id),
		.vhost = text_copy(c, from->vhost),
		.topic = text_copy(c, from->topic),
		.queue = text_copy(c, from->queue),
		.topic_arn = text_copy(c, from->topic_arn),
	};
	attributes_copy(c, from, to);
	if (!to->topic_arn.n)
		to->topic_arn = sns_topic_arn(c, to->vhost, to->topic);
	to->arn = view_str(arena_printf(c->arena, "%.*s:%.*s", VIEW_ARG(to->topic_arn), VIEW_ARG(to->id)));
}

struct view sns_subscription_attribute(const struct sns_subscription *s, const char *name)
{
	for (size_t i = 0; i < s->n_attributes; i++)
		if (view_is(s->attributes[i].name, name))
			return s->attributes[i].value;
	return VIEW_NONE;
}

void sns_subscription_row(struct aws_call *c, const struct sns_subscription *s)
{
	reply_item_open(c, "member");
	reply_text(c, "SubscriptionArn", s->arn);
	reply_text(c, "Owner", view_str(sns_account(c, s->vhost)));
	reply_text(c, "Protocol", VIEW("sqs"));
	reply_text(c, "Endpoint", aws_queue_arn(c, s->vhost, s->queue));
	reply_text(c, "TopicArn", s->topic_arn);
	reply_item_close(c, "member");
}

/* ---- the one of a request ---- */

struct finding {
	struct aws_call *c;
	struct sns_subscription *out;
};

static void found(void *ctx, const struct subscription_stat *s)
{
	struct finding *f = ctx;

	sns_subscription_copy(f->c, s, f->out);
}

bool sns_subscription_find(struct aws_call *c, struct sns_subscription *out, struct refusal *f)
{
	struct finding finding = {c, out};
	struct view text, vhost;
	struct sns_arn arn;

	text = args_get(&c->args, "SubscriptionArn")->text;
	if (!text.n)
		return sns_invalid(c, f, "SubscriptionArn Reason: no value for required parameter");
	if (!sns_arn_parse(c, "SubscriptionArn", text, &arn, f))
		return false;
	if (arn.n == 6)
		return sns_invalid(c, f, "SubscriptionId");
	if (arn.id.n != UUID_CHARS || !sns_vhost_of(c, arn.account, &vhost) ||
	    !engine_subscription_find(c->aws->engine, vhost, arn.id, found, &finding))
		return refuse(c, f, FAULT_SNS_SUBSCRIPTION_MISSING, NULL);
	c->topic = (struct aws_topic){.name = out->topic, .vhost = vhost, .arn = out->topic_arn};
	return c->by_link || aws_may_see(c, vhost, out->topic) ||
	       sns_may(c, ACCESS_READ, vhost, out->topic, out->arn, f);
}

bool sns_subscription_may_change(struct aws_call *c, const struct sns_subscription *s, struct refusal *f)
{
	if (s->bound)
		return refuse(c, f, FAULT_SNS_ACCESS,
			      "Subscription %.*s is a binding of AMQP clients and read-only over SNS: unbind the queue "
			      "over AMQP",
			      VIEW_ARG(s->arn));
	return c->by_link || (sns_may(c, ACCESS_READ, s->vhost, s->topic, s->topic_arn, f) &&
			      sns_may(c, ACCESS_WRITE, s->vhost, s->queue, aws_queue_arn(c, s->vhost, s->queue), f));
}

/* ---- bindings as a policy ---- */

struct bindings {
	struct aws_call *c;
	struct binding_view *v;
	size_t n, cap;
};

static void binding_take(void *ctx, struct view key, const struct table *arguments)
{
	struct bindings *b = ctx;

	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 8;
		struct binding_view *v = arena_alloc(b->c->arena, cap * sizeof(*v));

		if (b->n)
			memcpy(v, b->v, b->n * sizeof(*v));
		b->v = v;
		b->cap = cap;
	}
	struct table *copy = arena_alloc(b->c->arena, sizeof(*copy));
	if (arguments)
		*copy = table_copy(b->c->arena, arguments);
	b->v[b->n++] = (struct binding_view){text_copy(b->c, key), arguments ? copy : NULL};
}

static const enum router_kind router_kinds[TOPIC_TYPES] = {
	[TOPIC_DIRECT] = ROUTER_DIRECT,
	[TOPIC_FANOUT] = ROUTER_FANOUT,
	[TOPIC_TOPIC] = ROUTER_TOPIC,
	[TOPIC_HEADERS] = ROUTER_HEADERS,
	[TOPIC_CONSISTENT_HASH] = ROUTER_HASH,
	[TOPIC_RANDOM] = ROUTER_RANDOM,
};

void sns_binding_policy(struct aws_call *c, const struct sns_subscription *s, struct view *policy, struct view *why)
{
	struct bindings b = {.c = c};
	const char *reason = "";
	struct topic_stat stat;

	*policy = *why = VIEW_NONE;
	if (!engine_topic_stat(c->aws->engine, s->vhost, s->topic, &stat))
		return;
	engine_bindings_each(c->aws->engine, s->vhost, s->topic, s->queue, binding_take, &b);
	buf_clear(&c->aws->scratch);
	switch (binding_policy(router_kinds[stat.type], b.v, b.n, &c->aws->scratch, &reason)) {
	case BINDING_ALL:
		break;
	case BINDING_EXACT:
		*policy = arena_copy(c->arena, buf_view(&c->aws->scratch));
		break;
	case BINDING_APPROXIMATE:
		*why = arena_copy(c->arena, view_str(reason));
		break;
	}
}
