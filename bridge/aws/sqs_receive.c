/* SPDX-License-Identifier: Apache-2.0 */
/* SQS ReceiveMessage. The answer is written inside the engine's event, where the
 * messages are borrowed. Its leases go back with their counters undone when the
 * answer cannot be handed to the socket, when the caller is gone, and for what
 * comes behind a message too large to share an answer. */
#include "aws/aws_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/log.h"
#include "mapping/receipt.h"

enum system_name {
	SYSTEM_SENDER = 1 << 0,
	SYSTEM_SENT = 1 << 1,
	SYSTEM_COUNT = 1 << 2,
	SYSTEM_FIRST = 1 << 3,
	SYSTEM_GROUP = 1 << 4,
	SYSTEM_DEDUP = 1 << 5,
	SYSTEM_SEQUENCE = 1 << 6,
	SYSTEM_TRACE = 1 << 7,
	SYSTEM_SOURCE = 1 << 8,
	SYSTEM_ALL = (1 << 9) - 1,
};

static const struct {
	const char *name;
	unsigned bits;
} system_names[] = {
	{"All", SYSTEM_ALL},
	{"SenderId", SYSTEM_SENDER},
	{"SentTimestamp", SYSTEM_SENT},
	{"ApproximateReceiveCount", SYSTEM_COUNT},
	{"ApproximateFirstReceiveTimestamp", SYSTEM_FIRST},
	{"MessageGroupId", SYSTEM_GROUP},
	{"MessageDeduplicationId", SYSTEM_DEDUP},
	{"SequenceNumber", SYSTEM_SEQUENCE},
	{"AWSTraceHeader", SYSTEM_TRACE},
	{"DeadLetterQueueSourceArn", SYSTEM_SOURCE},
};

/* What was asked for. */
struct receiving {
	unsigned system; /* enum system_name */
	const struct arg *names;
	uint32_t n;
	int64_t wait_ms, lease_ms;
	struct cross_settings cross;
};

/* An answer on its way to the socket, and the leases in it. */
struct handover {
	struct link link;
	struct aws *aws;
	uint64_t session;
	size_t n;
	uint64_t leases[SQS_BATCH_MAX];
};

/* ---- asking ---- */

static bool names_take(struct aws_call *c, const struct arg *names, struct receiving *rc, struct refusal *f)
{
	for (size_t i = 0; i < names->n; i++) {
		unsigned bits = 0;

		for (size_t k = 0; k < sizeof(system_names) / sizeof(system_names[0]); k++)
			if (view_is(names->texts[i], system_names[k].name))
				bits = system_names[k].bits;
		struct view name = shown(c, names->texts[i]);
		if (!bits)
			return refuse(c, f, FAULT_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", VIEW_ARG(name));
		rc->system |= bits;
	}
	return true;
}

/* Over AWS JSON both parameters count, over Query the older one wins (recorded:
 * test_message_system_attribute_names_with_attribute_names). */
static bool system_take(struct aws_call *c, struct receiving *rc, struct refusal *f)
{
	const struct arg *older = args_get(&c->args, "AttributeNames");
	const struct arg *names = args_get(&c->args, "MessageSystemAttributeNames");

	return names_take(c, older, rc, f) &&
	       ((c->wire == WIRE_QUERY && older->n) || names_take(c, names, rc, f));
}

static bool number_in(const struct arg *v, int64_t min, int64_t max)
{
	return !v->set || (v->number >= min && v->number <= max);
}

static bool receiving_take(struct aws_call *c, struct receiving *rc, struct refusal *f)
{
	const struct arg *n = args_get(&c->args, "MaxNumberOfMessages");
	const struct arg *wait = args_get(&c->args, "WaitTimeSeconds");
	const struct arg *hide = args_get(&c->args, "VisibilityTimeout");

	if (!number_in(n, 1, SQS_BATCH_MAX))
		return refuse(c, f, FAULT_PARAMETER,
			      "Value %" PRId64 " for parameter MaxNumberOfMessages is invalid. Reason: Must be between "
			      "1 and 10, if provided.",
			      n->number);
	if (!number_in(wait, 0, SQS_WAIT_S_MAX))
		return refuse(c, f, FAULT_PARAMETER,
			      "Value %" PRId64 " for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= "
			      "20, if provided.",
			      wait->number);
	if (!number_in(hide, 0, SQS_VISIBILITY_S_MAX))
		return refuse(c, f, FAULT_PARAMETER,
			      "Value %" PRId64 " for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and "
			      "<= 43200, if provided.",
			      hide->number);
	rc->n = n->set ? (uint32_t)n->number : 1;
	rc->wait_ms = wait->set ? wait->number * 1000 : -1;
	rc->lease_ms = hide->set ? hide->number * 1000 : -1;
	rc->names = args_get(&c->args, "MessageAttributeNames");
	return system_take(c, rc, f);
}

/* ---- one message ---- */

/* All, .*, a name, or a prefix with .* */
static bool name_wanted(const struct arg *names, struct view name)
{
	for (size_t i = 0; i < names->n; i++) {
		struct view want = names->texts[i];

		if (view_is(want, "All") || view_is(want, ".*") || view_eq(want, name))
			return true;
		if (view_ends(want, VIEW(".*")) && view_starts(name, view_head(want, want.n - 2)))
			return true;
	}
	return false;
}

static void attribute_write(struct aws_call *c, const struct sqs_attribute *at)
{
	reply_entry_open(c, "MessageAttribute", at->name);
	if (view_starts(at->type, VIEW("Binary"))) {
		buf_clear(&c->aws->scratch);
		base64_add(&c->aws->scratch, at->value);
		reply_text(c, "BinaryValue", buf_view(&c->aws->scratch));
	} else {
		reply_text(c, "StringValue", at->value);
	}
	reply_text(c, "DataType", at->type);
	reply_entry_close(c, "MessageAttribute");
}

/* MD5 is over what is returned (sqs-sns.md §3 ReceiveMessage). */
static void attributes_write(struct aws_call *c, const struct receiving *rc, const struct sqs_attributes *all)
{
	struct sqs_attribute v[SQS_ATTRIBUTES_MAX];
	char md5[33];
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (name_wanted(rc->names, all->v[i].name))
			v[n++] = all->v[i];
	if (n == 0)
		return;
	sqs_attributes_md5(v, n, md5);
	reply_text(c, "MD5OfMessageAttributes", view_str(md5));
	reply_map_open(c, "MessageAttributes");
	for (size_t i = 0; i < n; i++)
		attribute_write(c, &v[i]);
	reply_map_close(c);
}

static void system_write(struct aws_call *c, const char *name, struct view v)
{
	if (v.n)
		reply_entry_text(c, "Attribute", view_str(name), v);
}

static void system_number(struct aws_call *c, const char *name, int64_t v)
{
	system_write(c, name, view_str(arena_printf(c->arena, "%" PRId64, v)));
}

static void systems_write(struct aws_call *c, unsigned which, const struct delivery *d,
			  const struct sqs_attributes *a)
{
	/* Absent altogether when nothing that was asked for is there. */
	unsigned there = SYSTEM_SENDER | SYSTEM_SENT | SYSTEM_COUNT | SYSTEM_FIRST;

	there |= (a->group_id.n ? SYSTEM_GROUP : 0) | (a->dedup_id.n ? SYSTEM_DEDUP : 0) |
		 (a->trace_header.n ? SYSTEM_TRACE : 0) | (d->source.n ? SYSTEM_SOURCE : 0);
	which &= there;
	if (!which)
		return;
	reply_map_open(c, "Attributes");
	if (which & SYSTEM_SENDER)
		system_write(c, "SenderId", d->message->user.n ? d->message->user : VIEW("anonymous"));
	if (which & SYSTEM_SENT)
		system_number(c, "SentTimestamp", d->message->sent_ms);
	if (which & SYSTEM_COUNT)
		system_number(c, "ApproximateReceiveCount", (int64_t)d->received + d->delivered);
	if (which & SYSTEM_FIRST)
		system_number(c, "ApproximateFirstReceiveTimestamp", d->first_received_ms);
	if (which & SYSTEM_GROUP)
		system_write(c, "MessageGroupId", a->group_id);
	if (which & SYSTEM_DEDUP)
		system_write(c, "MessageDeduplicationId", a->dedup_id);
	if (which & SYSTEM_TRACE)
		system_write(c, "AWSTraceHeader", a->trace_header);
	if (which & SYSTEM_SOURCE)
		system_write(c, "DeadLetterQueueSourceArn", aws_queue_arn(c, c->queue.vhost, d->source));
	reply_map_close(c);
}

static void receipt_write(struct aws_call *c, const struct receipt *r)
{
	struct receipt_fields f = {
		.queue = r->queue,
		.pos = r->pos,
		.receive = r->receive,
		.boot = r->boot,
		.at_ms = r->at_ms,
		.handle = view_of(r->handle, r->handle_n),
	};

	buf_clear(&c->aws->scratch);
	receipt_seal(c->aws->o.receipt_key, &f, &c->aws->scratch);
	reply_text(c, "ReceiptHandle", buf_view(&c->aws->scratch));
}

static void message_write(struct aws_call *c, const struct receiving *rc, const struct delivery *d,
			  const struct cross_sqs *m)
{
	uint8_t id[16], md5[16];
	char uuid[37], hex[33];

	message_copy_id(d->message, d->origin, id);
	uuid_format(id, uuid);
	crypto_md5(m->body, md5);
	hex_encode(view_of(md5, sizeof(md5)), hex);
	reply_item_open(c, "Message");
	reply_text(c, "MessageId", view_str(uuid));
	receipt_write(c, &d->receipt);
	reply_text(c, "MD5OfBody", view_str(hex));
	reply_text(c, "Body", m->body);
	systems_write(c, rc->system, d, &m->attributes);
	attributes_write(c, rc, &m->attributes);
	reply_item_close(c, "Message");
}

/* ---- the answer ---- */

static void handover_sent(void *ctx, bool ok)
{
	struct handover *h = ctx;

	if (!ok) {
		h->aws->counters.receives_undone++;
		engine_receive_undo(h->aws->engine, h->session, h->leases, h->n);
	}
	list_remove(&h->link);
	free(h);
}

static struct handover *handover_new(struct aws_call *c)
{
	struct handover *h = mem_zalloc(sizeof(*h));

	h->aws = c->aws;
	h->session = c->session->id;
	list_init(&h->link);
	list_push_back(&c->aws->handovers, &h->link);
	c->r->sent = handover_sent;
	c->r->sent_ctx = h;
	return h;
}

void aws_handovers_free(struct aws *a)
{
	LIST_EACH(&a->handovers, l)
		free(LIST_ENTRY(l, struct handover, link));
}

void sqs_receive_undo(struct aws_call *c, const struct delivery *v, size_t n)
{
	uint64_t leases[SQS_BATCH_MAX];

	for (size_t i = 0; i < n; i++)
		leases[i] = v[i].lease;
	if (n)
		engine_receive_undo(c->aws->engine, c->session->id, leases, n);
}

/* body = text and the bytes are not: dead-lettered. Where the queue has no rule for
 * that, losing it would be the alternative: it goes out as base64, marked. */
static bool illegal_rejected(const struct aws_call *c, const struct delivery *d)
{
	bool rejected = engine_receive_reject(c->aws->engine, d->lease);

	log_warn("cross.body_illegal", "queue=\"%.*s\" text=\"x-mqb-body is text and the body is not: %s\"",
		 VIEW_ARG(c->queue.name), rejected ? "dead-lettered" : "sent as base64");
	return rejected;
}

/* Writes messages until one does not fit any more; returns how many were dealt with. */
static size_t messages_write(struct aws_call *c, const struct delivery *v, size_t n)
{
	const struct receiving *rc = c->state;
	struct handover *h = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		struct cross_sqs m;

		/* A body larger than SQS allows goes alone, also one that is in base64. */
		if (h && body_bytes(v[i].message->body) > SQS_MESSAGE_BYTES_MAX)
			break;
		aws_cross(c, &rc->cross, v[i].message, &m);
		if (m.illegal && illegal_rejected(c, &v[i]))
			continue;
		if (h && m.body.n > SQS_MESSAGE_BYTES_MAX)
			break;
		if (!h) {
			h = handover_new(c);
			reply_list_open(c, "Messages", NULL);
		}
		message_write(c, rc, &v[i], &m);
		h->leases[h->n++] = v[i].lease;
		if (m.body.n > SQS_MESSAGE_BYTES_MAX) {
			i++;
			break;
		}
	}
	/* No Messages at all when there are none (sqs-sns.md 1.8). */
	if (h)
		reply_list_close(c, NULL);
	return i;
}

/* Memory is gone: as if the caller had never seen the answer. */
static void unsendable(struct aws_call *c)
{
	struct handover *h = c->r->sent_ctx;

	c->r->sent = NULL;
	handover_sent(h, false);
	aws_call_refuse(c, &(struct refusal){.fault = FAULT_UNAVAILABLE});
}

/* All bodies are in memory, but for those behind a message that goes alone. */
static void answer(struct aws_call *c, const struct delivery *v, size_t n)
{
	reply_begin(c);
	size_t done = messages_write(c, v, n);
	sqs_receive_undo(c, v + done, n - done);
	if (c->aws->reply.overflow)
		unsendable(c);
	else
		reply_end(c);
}

static void on_received(struct aws_call *c, const struct event *ev)
{
	const struct error *e = ev->received.error;
	struct refusal f;

	if (e && e->code != CODE_OK) {
		refuse_engine(c, &f, e);
		aws_call_refuse(c, &f);
		return;
	}
	if (ev->received.n == 0 || !sqs_fetch(c, ev->received.v, ev->received.n, answer))
		answer(c, ev->received.v, ev->received.n);
}

static void on_gone(struct aws_call *c)
{
	engine_receive_cancel(c->aws->engine, c->session->id, c->cmd);
	c->waiting = 0;
}

void sqs_receive_message(struct aws_call *c)
{
	struct receiving *rc = arena_alloc(c->arena, sizeof(*rc));
	struct refusal f;

	if (!receiving_take(c, rc, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	aws_cross_settings(c, &rc->cross);
	c->state = rc;
	c->event = on_received;
	c->cancel = on_gone;
	engine_receive(c->aws->engine, c->session->id, c->cmd, c->queue.name, rc->n, rc->wait_ms, rc->lease_ms);
}
