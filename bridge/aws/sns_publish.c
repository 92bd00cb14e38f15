/* SPDX-License-Identifier: Apache-2.0 */
/* SNS Publish and PublishBatch: the topic is an exchange, the message attribute
 * `routing-key` its routing key; answered once every copy is stored. */
#include "aws/sns_priv.h"

struct publishing {
	size_t n;
	struct sns_message v[SQS_BATCH_MAX];
};

/* ---- publishing ---- */

static struct message *message_of(struct aws_call *c, struct sns_message *o)
{
	struct body *body = body_of(o->body);
	uint8_t id[16];

	rng_uuid(c->aws->rng, id);
	uuid_format(id, o->message_id);
	return !body ? NULL
		     : message_new(&(struct message_spec){
					   .raw_kind = RAW_SQS,
					   .durable = true,
					   .id = id,
					   .sent_ms = c->now.wall_ms,
					   .exchange = c->topic.name,
					   .key = o->key,
					   .user = c->user,
					   .raw = o->raw,
				   },
				   body);
}

/* The tag of message i is cmd + i. */
static void publish_all(struct aws_call *c, struct publishing *p)
{
	if (!aws_call_engage(c, p->n))
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct message *m = message_of(c, &p->v[i]);

		if (!m) {
			p->v[i].refusal.fault = FAULT_UNAVAILABLE;
			c->waiting--;
			continue;
		}
		engine_publish(c->aws->engine, c->session->id, c->topic.name, p->v[i].key, m, PUBLISH_CONFIRM,
			       c->cmd + i);
		message_unref(m);
	}
}

static void outcome_take(struct aws_call *c, const struct event *ev)
{
	struct publishing *p = c->state;
	struct sns_message *o = &p->v[ev->published.tag - c->cmd];

	if (ev->published.how == PUBLISHED_STORED)
		return;
	if (ev->published.error && ev->published.error->code != CODE_OK)
		sns_refuse_engine(c, &o->refusal, ev->published.error);
	else
		o->refusal.fault = FAULT_UNAVAILABLE;
}

/* ---- Publish ---- */

static void single_answer(struct aws_call *c)
{
	const struct publishing *p = c->state;

	if (p->v[0].refusal.fault != FAULT_NONE) {
		aws_call_refuse(c, &p->v[0].refusal);
		return;
	}
	reply_begin(c);
	reply_text(c, "MessageId", view_str(p->v[0].message_id));
	reply_end(c);
}

static void on_single(struct aws_call *c, const struct event *ev)
{
	outcome_take(c, ev);
	single_answer(c);
}

static bool telephone_refuse(struct aws_call *c, struct view number, struct refusal *f)
{
	struct view v = shown(c, number);

	if (!sns_is_telephone(number))
		return sns_invalid(c, f, "PhoneNumber Reason: %.*s is not valid to publish to", VIEW_ARG(v));
	return sns_invalid(c, f, "PhoneNumber Reason: text messages are not offered by this version");
}

/* The ARN of a topic may come as TargetArn as well. */
static bool target_find(struct aws_call *c, struct refusal *f)
{
	const struct arg *topic = args_get(&c->args, "TopicArn"), *target = args_get(&c->args, "TargetArn");

	if (!topic->set && !target->set)
		return sns_invalid(c, f, "TopicArn or TargetArn Reason: no value for required parameter");
	if (topic->set)
		return sns_topic_find(c, "TopicArn", ACCESS_WRITE, f);
	if (target->text.n && memmem(target->text.p, target->text.n, ":endpoint/", 10))
		return sns_invalid(c, f, "TargetArn Reason: No endpoint found for the target arn specified");
	return sns_topic_find(c, "TargetArn", ACCESS_WRITE, f);
}

static bool not_internal(struct aws_call *c, struct refusal *f)
{
	struct topic_stat stat;

	return !engine_topic_stat(c->aws->engine, c->topic.vhost, c->topic.name, &stat) || !stat.internal ||
	       refuse(c, f, FAULT_SNS_ACCESS, "Topic %.*s is an internal exchange: nobody publishes to it",
		      VIEW_ARG(c->topic.arn));
}

void sns_publish(struct aws_call *c)
{
	struct publishing *p = arena_alloc(c->arena, sizeof(*p));
	const struct arg *number = args_get(&c->args, "PhoneNumber");
	struct refusal f;

	if (!sns_message_take(c, &c->args, 0, &p->v[0], &f) ||
	    (number->set && !telephone_refuse(c, number->text, &f)) || !target_find(c, &f) || !not_internal(c, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	p->n = 1;
	c->state = p;
	c->event = on_single;
	publish_all(c, p);
	if (c->r && c->waiting == 0)
		single_answer(c);
}

/* ---- PublishBatch ---- */

enum { ENTRY_ID_MAX = 80 };

static bool id_check(struct aws_call *c, struct view id, struct refusal *f)
{
	struct view v = shown(c, id);
	bool ok = id.n > 0;

	if (id.n > ENTRY_ID_MAX)
		return refuse(c, f, FAULT_SNS_BATCH_ID, "The Id of a batch entry in the batch request is too long: %.*s",
			      VIEW_ARG(v));
	for (size_t i = 0; ok && i < id.n; i++)
		ok = (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'A' && id.p[i] <= 'Z') ||
		     (id.p[i] >= 'a' && id.p[i] <= 'z') || id.p[i] == '-' || id.p[i] == '_';
	return ok || refuse(c, f, FAULT_SNS_BATCH_ID,
			    "The Id of a batch entry in the batch request contains an impermissible character: %.*s",
			    VIEW_ARG(v));
}

static bool ids_check(struct aws_call *c, const struct arg *entries, struct refusal *f)
{
	for (size_t i = 0; i < entries->n; i++)
		for (size_t k = 0; k < i; k++)
			if (view_eq(args_get(&entries->entries[i], "Id")->text,
				    args_get(&entries->entries[k], "Id")->text))
				return refuse(c, f, FAULT_SNS_BATCH_IDS, NULL);
	for (size_t i = 0; i < entries->n; i++)
		if (!id_check(c, args_get(&entries->entries[i], "Id")->text, f))
			return false;
	return true;
}

/* What is wrong with one entry refuses them all (recorded). */
static bool publish_batch_check(struct aws_call *c, struct publishing *p, struct refusal *f)
{
	const struct arg *entries = args_get(&c->args, "PublishBatchRequestEntries");
	size_t bytes = 0;

	if (entries->n > SQS_BATCH_MAX)
		return refuse(c, f, FAULT_SNS_BATCH_TOO_MANY, NULL);
	if (!sns_topic_find(c, "TopicArn", ACCESS_WRITE, f) || !not_internal(c, f))
		return false;
	if (entries->n == 0)
		return refuse(c, f, FAULT_SNS_BATCH_EMPTY, NULL);
	if (!ids_check(c, entries, f))
		return false;
	p->n = entries->n;
	for (size_t i = 0; i < p->n; i++) {
		p->v[i].id = args_get(&entries->entries[i], "Id")->text;
		if (!sns_message_take(c, &entries->entries[i], i + 1, &p->v[i], f))
			return false;
		bytes += p->v[i].bytes;
	}
	return bytes <= c->aws->o.sns_message_bytes_max || refuse(c, f, FAULT_SNS_BATCH_TOO_LONG, NULL);
}

/* Both lists are always there. */
static void batch_answer(struct aws_call *c)
{
	const struct publishing *p = c->state;

	reply_begin(c);
	reply_list_open(c, "Successful", "Successful");
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].refusal.fault != FAULT_NONE)
			continue;
		reply_item_open(c, "member");
		reply_text(c, "Id", p->v[i].id);
		reply_text(c, "MessageId", view_str(p->v[i].message_id));
		reply_item_close(c, "member");
	}
	reply_list_close(c, "Successful");
	reply_list_open(c, "Failed", "Failed");
	for (size_t i = 0; i < p->n; i++) {
		const struct refusal *f = &p->v[i].refusal;

		if (f->fault == FAULT_NONE)
			continue;
		reply_item_open(c, "member");
		reply_text(c, "Id", p->v[i].id);
		reply_text(c, "Code", view_str(fault_row(f->fault)->code));
		reply_text(c, "Message", shown(c, refusal_text(c, f)));
		reply_bool(c, "SenderFault", !fault_row(f->fault)->receiver);
		reply_item_close(c, "member");
	}
	reply_list_close(c, "Failed");
	reply_end(c);
}

static void on_entry(struct aws_call *c, const struct event *ev)
{
	outcome_take(c, ev);
	if (c->waiting == 0)
		batch_answer(c);
}

void sns_publish_batch(struct aws_call *c)
{
	struct publishing *p = arena_alloc(c->arena, sizeof(*p));
	struct refusal f;

	if (!publish_batch_check(c, p, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	c->state = p;
	c->event = on_entry;
	publish_all(c, p);
	if (c->r && c->waiting == 0)
		batch_answer(c);
}
