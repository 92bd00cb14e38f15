/* SPDX-License-Identifier: Apache-2.0 */
/* SQS SendMessage and SendMessageBatch: checks in AWS's order (sqs-sns.md §3),
 * one engine send for each entry, the answer once every one is stored. */
#include "aws/aws_priv.h"

#include <inttypes.h>

#include "base/crypto.h"
#include "base/log.h"

enum { HEX_MD5 = 33, UUID_TEXT = 37 };

/* One message: what was asked, then what became of it. */
struct outgoing {
	struct view id; /* of a batch entry */
	struct view body;
	struct sqs_attributes attributes;
	size_t bytes;     /* as SQS counts them */
	int64_t delay_ms; /* -1: the queue's own */
	struct refusal refusal;
	char message_id[UUID_TEXT], md5_body[HEX_MD5], md5_attributes[HEX_MD5], md5_system[HEX_MD5];
};

struct sending {
	size_t n;
	struct outgoing v[SQS_BATCH_MAX];
};

/* ---- checks ---- */

/* AWS has another beginning of the same text inside a batch. */
static bool too_long(struct aws_call *c, struct refusal *f, int64_t max, bool batch)
{
	return refuse(c, f, FAULT_PARAMETER,
		      "One or more parameters %s. Reason: Message must be shorter than %" PRId64 " bytes.",
		      batch ? "cannot be validated" : "are invalid", max);
}

static bool is_punctuation(uint8_t ch)
{
	return ch > 0x20 && ch < 0x7f;
}

static bool id_check(struct aws_call *c, const struct arg *id, const char *name, struct refusal *f)
{
	bool ok = id->text.n > 0 && id->text.n <= 128;

	for (size_t i = 0; ok && i < id->text.n; i++)
		ok = is_punctuation(id->text.p[i]);
	struct view v = shown(c, id->text);
	return ok || refuse(c, f, FAULT_PARAMETER,
			    "Value %.*s for parameter %s is invalid. Reason: %s can only include alphanumeric and "
			    "punctuation characters. 1 to 128 in length.",
			    VIEW_ARG(v), name, name);
}

/* Group ids are taken on standard queues (fair queues), deduplication ids are not. */
static bool ids_take(struct aws_call *c, const struct args *in, struct outgoing *out, struct refusal *f)
{
	const struct arg *group = args_get(in, "MessageGroupId");
	const struct arg *dedup = args_get(in, "MessageDeduplicationId");

	if (group->set && !id_check(c, group, "MessageGroupId", f))
		return false;
	out->attributes.group_id = group->text;
	if (!dedup->set)
		return true;
	if (!id_check(c, dedup, "MessageDeduplicationId", f))
		return false;
	struct view v = shown(c, dedup->text);
	return refuse(c, f, FAULT_PARAMETER,
		      "Value %.*s for parameter MessageDeduplicationId is invalid. Reason: The request includes a "
		      "parameter that is not valid for this queue type.",
		      VIEW_ARG(v));
}

static bool delay_take(struct aws_call *c, const struct arg *delay, struct outgoing *out, struct refusal *f)
{
	out->delay_ms = delay->set ? delay->number * 1000 : -1;
	return !delay->set || (delay->number >= 0 && delay->number <= SQS_DELAY_S_MAX) ||
	       refuse(c, f, FAULT_PARAMETER,
		      "Value %" PRId64 " for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 "
		      "and <= 900.",
		      delay->number);
}

static bool attributes_take(struct aws_call *c, const struct arg *in, struct outgoing *out, struct refusal *f)
{
	struct error e;

	if (sqs_attributes_count_check(in->n, &e) != CODE_OK)
		return refuse(c, f, FAULT_PARAMETER, "%s", e.text);
	for (size_t i = 0; i < in->n; i++) {
		const struct arg_attribute *at = &in->attributes[i];

		out->attributes.v[i] = (struct sqs_attribute){at->name, at->type, at->value};
	}
	out->attributes.n = in->n;
	if (sqs_attributes_check(&out->attributes, &e) != CODE_OK)
		return refuse(c, f, FAULT_PARAMETER, "%s", e.text);
	return true;
}

/* Only AWSTraceHeader, a String; the header X-Amzn-Trace-Id of the request says the same. */
static bool system_take(struct aws_call *c, const struct arg *in, struct outgoing *out, struct refusal *f)
{
	struct view header = http_header_find(c->r, "X-Amzn-Trace-Id");

	for (size_t i = 0; i < in->n; i++) {
		const struct arg_attribute *at = &in->attributes[i];
		struct view name = shown(c, at->name);

		if (!view_is(at->name, "AWSTraceHeader"))
			return refuse(c, f, FAULT_PARAMETER,
				      "Message system attribute name '%.*s' is invalid.", VIEW_ARG(name));
		if (!view_is(at->type, "String") || at->value.n == 0 || !sqs_text_legal(at->value))
			return refuse(c, f, FAULT_PARAMETER,
				      "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of "
				      "type 'String'.");
		out->attributes.trace_header = at->value;
	}
	if (in->n) {
		struct sqs_attribute trace = {VIEW("AWSTraceHeader"), VIEW("String"), out->attributes.trace_header};

		sqs_attributes_md5(&trace, 1, out->md5_system);
	} else if (header.n && sqs_text_legal(header)) {
		out->attributes.trace_header = header;
	}
	return true;
}

/* Body, names, types and values; system attributes are free. */
static size_t bytes_of(const struct args *in)
{
	const struct arg *attributes = args_get(in, "MessageAttributes");
	size_t n = args_get(in, "MessageBody")->text.n;

	for (size_t i = 0; i < attributes->n; i++)
		n += attributes->attributes[i].name.n + attributes->attributes[i].type.n +
		     attributes->attributes[i].value.n;
	return n;
}

static bool message_take(struct aws_call *c, const struct args *in, bool batch, struct outgoing *out,
			 struct refusal *f)
{
	int64_t max = aws_queue_number(c, &c->queue, "MaximumMessageSize", SQS_MESSAGE_BYTES_MAX);

	out->body = args_get(in, "MessageBody")->text;
	out->bytes = bytes_of(in);
	if (out->body.n == 0)
		return refuse_missing(c, f, "MessageBody");
	if (out->body.n > (uint64_t)max)
		return too_long(c, f, max, batch);
	if (!sqs_text_legal(out->body))
		return refuse(c, f, FAULT_CONTENTS, NULL);
	if (!delay_take(c, args_get(in, "DelaySeconds"), out, f) || !ids_take(c, in, out, f) ||
	    !attributes_take(c, args_get(in, "MessageAttributes"), out, f) ||
	    !system_take(c, args_get(in, "MessageSystemAttributes"), out, f))
		return false;
	return out->bytes <= (uint64_t)max || too_long(c, f, max, batch);
}

/* ---- sending ---- */

static struct message *message_of(struct aws_call *c, struct outgoing *o)
{
	struct buf *raw = &c->aws->scratch;
	uint8_t id[16], copy[16];

	rng_uuid(c->aws->rng, id);
	buf_clear(raw);
	must(sqs_attributes_encode(&o->attributes, raw));
	struct body *body = body_of(o->body);
	struct message *m = !body ? NULL
				  : message_new(&(struct message_spec){
							.raw_kind = RAW_SQS,
							.durable = true,
							.id = id,
							.sent_ms = c->now.wall_ms,
							.key = c->queue.name,
							.user = c->user,
							.raw = buf_view(raw),
						},
						body);
	if (!m)
		return NULL;

	uint8_t md5[16];
	message_copy_id(m, c->queue.uid, copy);
	uuid_format(copy, o->message_id);
	crypto_md5(o->body, md5);
	hex_encode(view_of(md5, sizeof(md5)), o->md5_body);
	if (o->attributes.n)
		sqs_attributes_md5(o->attributes.v, o->attributes.n, o->md5_attributes);
	return m;
}

/* Sends those that were not refused; the tag of entry i is cmd + i. */
static void send_all(struct aws_call *c, struct sending *s)
{
	size_t good = 0;

	for (size_t i = 0; i < s->n; i++)
		good += s->v[i].refusal.fault == FAULT_NONE;
	if (good && !aws_call_engage(c, s->n))
		return;
	c->waiting = good;
	for (size_t i = 0; i < s->n; i++) {
		struct outgoing *o = &s->v[i];

		if (o->refusal.fault != FAULT_NONE)
			continue;
		struct message *m = message_of(c, o);
		if (!m) {
			o->refusal.fault = FAULT_UNAVAILABLE;
			c->waiting--;
			continue;
		}
		engine_send(c->aws->engine, c->session->id, c->queue.name, m, PUBLISH_CONFIRM, o->delay_ms,
			    c->cmd + i);
		message_unref(m);
	}
}

static void outcome_take(struct aws_call *c, const struct event *ev)
{
	struct sending *s = c->state;
	struct outgoing *o = &s->v[ev->published.tag - c->cmd];

	if (ev->published.how == PUBLISHED_STORED)
		return;
	if (ev->published.error && ev->published.error->code != CODE_OK)
		refuse_engine(c, &o->refusal, ev->published.error);
	else
		o->refusal.fault = FAULT_UNAVAILABLE;
}

/* ---- answers ---- */

static void result_write(struct aws_call *c, const struct outgoing *o)
{
	if (o->id.n)
		reply_text(c, "Id", o->id);
	reply_text(c, "MessageId", view_str(o->message_id));
	reply_text(c, "MD5OfMessageBody", view_str(o->md5_body));
	if (o->md5_attributes[0])
		reply_text(c, "MD5OfMessageAttributes", view_str(o->md5_attributes));
	if (o->md5_system[0])
		reply_text(c, "MD5OfMessageSystemAttributes", view_str(o->md5_system));
}

static void single_answer(struct aws_call *c)
{
	const struct sending *s = c->state;
	const struct outgoing *o = &s->v[0];

	if (o->refusal.fault != FAULT_NONE) {
		aws_call_refuse(c, &o->refusal);
		return;
	}
	reply_begin(c);
	result_write(c, o);
	reply_end(c);
}

static void batch_answer(struct aws_call *c)
{
	const struct sending *s = c->state;
	size_t failed = 0;

	reply_begin(c);
	for (size_t i = 0; i < s->n; i++)
		failed += s->v[i].refusal.fault != FAULT_NONE;
	if (failed < s->n) {
		reply_list_open(c, "Successful", NULL);
		for (size_t i = 0; i < s->n; i++) {
			if (s->v[i].refusal.fault != FAULT_NONE)
				continue;
			reply_item_open(c, "SendMessageBatchResultEntry");
			result_write(c, &s->v[i]);
			reply_item_close(c, "SendMessageBatchResultEntry");
		}
		reply_list_close(c, NULL);
	}
	if (failed) {
		reply_list_open(c, "Failed", NULL);
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].refusal.fault != FAULT_NONE)
				batch_failed(c, s->v[i].id, &s->v[i].refusal);
		reply_list_close(c, NULL);
	}
	reply_end(c);
}

static void on_single(struct aws_call *c, const struct event *ev)
{
	outcome_take(c, ev);
	single_answer(c);
}

static void on_entry(struct aws_call *c, const struct event *ev)
{
	outcome_take(c, ev);
	if (c->waiting == 0)
		batch_answer(c);
}

void sqs_send_message(struct aws_call *c)
{
	struct sending *s = arena_alloc(c->arena, sizeof(*s));
	struct refusal f;

	if (!message_take(c, &c->args, false, &s->v[0], &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	s->n = 1;
	c->state = s;
	c->event = on_single;
	send_all(c, s);
	if (c->r && c->waiting == 0)
		single_answer(c);
}

void sqs_send_message_batch(struct aws_call *c)
{
	struct sending *s = arena_alloc(c->arena, sizeof(*s));
	const struct arg *entries;
	struct refusal f;
	size_t bytes = 0;

	if (!batch_check(c, "SendMessageBatchRequestEntry", &entries, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	s->n = entries->n;
	for (size_t i = 0; i < s->n; i++) {
		s->v[i].id = args_get(&entries->entries[i], "Id")->text;
		message_take(c, &entries->entries[i], true, &s->v[i], &s->v[i].refusal);
		bytes += s->v[i].bytes;
	}
	if (bytes > SQS_MESSAGE_BYTES_MAX) {
		refuse(c, &f, FAULT_BATCH_TOO_LONG,
		       "Batch requests cannot be longer than 1048576 bytes. You have sent %zu bytes.", bytes);
		aws_call_refuse(c, &f);
		return;
	}
	c->state = s;
	c->event = on_entry;
	send_all(c, s);
	if (c->r && c->waiting == 0)
		batch_answer(c);
}
