/* SPDX-License-Identifier: Apache-2.0 */
/* SQS DeleteMessage, ChangeMessageVisibility and their batches: one shape for
 * all four, an entry's receipt opened and handed to the engine. */
#include "aws/aws_priv.h"

#include <inttypes.h>

#include "mapping/receipt.h"

struct settlement {
	struct view id, handle;
	struct receipt receipt;
	int64_t visibility_ms;
	struct refusal refusal;
};

struct settling {
	bool extend; /* change visibility, else delete */
	const char *element; /* of a successful batch entry */
	size_t n;
	struct settlement v[SQS_BATCH_MAX];
};

/* ---- checks ---- */

static bool receipt_take(struct aws_call *c, struct settlement *s, struct refusal *f)
{
	struct receipt_fields fields;

	if (s->handle.n == 0)
		return refuse_missing(c, f, "ReceiptHandle");
	if (!receipt_open(c->aws->o.receipt_key, s->handle, &c->aws->scratch, &fields) ||
	    fields.queue != c->queue.uid || fields.handle.n > sizeof(s->receipt.handle)) {
		struct view v = shown(c, s->handle);

		return refuse(c, f, FAULT_RECEIPT, "The input receipt handle \"%.*s\" is not a valid receipt handle.",
			      VIEW_ARG(v));
	}
	s->receipt.queue = fields.queue;
	s->receipt.pos = fields.pos;
	s->receipt.receive = fields.receive;
	s->receipt.boot = fields.boot;
	s->receipt.at_ms = fields.at_ms;
	s->receipt.handle_n = (uint8_t)fields.handle.n;
	if (fields.handle.n)
		memcpy(s->receipt.handle, fields.handle.p, fields.handle.n);
	return true;
}

static bool visibility_take(struct aws_call *c, const struct args *in, struct settlement *s, struct refusal *f)
{
	const struct arg *v = args_get(in, "VisibilityTimeout");

	if (!v->set)
		return refuse_missing(c, f, "VisibilityTimeout");
	s->visibility_ms = v->number * 1000;
	return (v->number >= 0 && v->number <= SQS_VISIBILITY_S_MAX) ||
	       refuse(c, f, FAULT_PARAMETER,
		      "Value %" PRId64 " for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be "
		      "an integer between 0 and 43200.",
		      v->number);
}

static bool settlement_take(struct aws_call *c, const struct args *in, bool extend, struct settlement *s,
			    struct refusal *f)
{
	s->handle = args_get(in, "ReceiptHandle")->text;
	return receipt_take(c, s, f) && (!extend || visibility_take(c, in, s, f));
}

/* ---- the engine ---- */

static void settle_all(struct aws_call *c)
{
	struct settling *st = c->state;
	struct outcome accept = {.kind = OUTCOME_ACCEPT};
	struct engine *e = c->aws->engine;
	size_t good = 0;

	for (size_t i = 0; i < st->n; i++)
		good += st->v[i].refusal.fault == FAULT_NONE;
	if (good && !aws_call_engage(c, st->n))
		return;
	c->waiting = good;
	for (size_t i = 0; i < st->n; i++) {
		struct settlement *s = &st->v[i];

		if (s->refusal.fault != FAULT_NONE)
			continue;
		if (st->extend)
			engine_extend_ref(e, c->session->id, c->cmd + i, c->queue.name, &s->receipt,
					  s->visibility_ms);
		else
			engine_settle_ref(e, c->session->id, c->cmd + i, c->queue.name, &s->receipt, &accept);
	}
}

static void refusal_of(struct aws_call *c, struct settlement *s, const struct error *e)
{
	struct view handle = shown(c, s->handle);

	switch (e->code) {
	case CODE_NOT_FOUND:
	case CODE_REFUSED:
	case CODE_LOCKED:
		refuse(c, &s->refusal, FAULT_PARAMETER,
		       "Value %.*s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
		       "available for visibility timeout change.",
		       VIEW_ARG(handle));
		return;
	case CODE_EXPIRED:
		refuse(c, &s->refusal, FAULT_PARAMETER,
		       "Value %.*s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
		       VIEW_ARG(handle));
		return;
	case CODE_LIMIT:
		refuse(c, &s->refusal, FAULT_PARAMETER,
		       "Value %" PRId64 " for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout "
		       "for the message is beyond the limit [43200 seconds].",
		       s->visibility_ms / 1000);
		return;
	default:
		refuse_engine(c, &s->refusal, e);
	}
}

static void outcome_take(struct aws_call *c, const struct event *ev)
{
	struct settling *st = c->state;

	if (ev->done.error->code != CODE_OK)
		refusal_of(c, &st->v[ev->done.cmd - c->cmd], ev->done.error);
}

/* ---- single ---- */

static void single_answer(struct aws_call *c)
{
	const struct settling *st = c->state;

	if (st->v[0].refusal.fault != FAULT_NONE) {
		aws_call_refuse(c, &st->v[0].refusal);
		return;
	}
	reply_begin(c);
	reply_end(c);
}

static void on_single(struct aws_call *c, const struct event *ev)
{
	outcome_take(c, ev);
	single_answer(c);
}

static void settle_one(struct aws_call *c, bool extend)
{
	struct settling *st = arena_alloc(c->arena, sizeof(*st));
	struct refusal f;

	if (!settlement_take(c, &c->args, extend, &st->v[0], &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	st->extend = extend;
	st->n = 1;
	c->state = st;
	c->event = on_single;
	settle_all(c);
}

void sqs_delete_message(struct aws_call *c)
{
	settle_one(c, false);
}

void sqs_change_visibility(struct aws_call *c)
{
	settle_one(c, true);
}

/* ---- batch ---- */

static void batch_answer(struct aws_call *c)
{
	const struct settling *st = c->state;
	size_t failed = 0;

	reply_begin(c);
	for (size_t i = 0; i < st->n; i++)
		failed += st->v[i].refusal.fault != FAULT_NONE;
	if (failed < st->n) {
		reply_list_open(c, "Successful", NULL);
		for (size_t i = 0; i < st->n; i++) {
			if (st->v[i].refusal.fault != FAULT_NONE)
				continue;
			reply_item_open(c, st->element);
			reply_text(c, "Id", st->v[i].id);
			reply_item_close(c, st->element);
		}
		reply_list_close(c, NULL);
	}
	if (failed) {
		reply_list_open(c, "Failed", NULL);
		for (size_t i = 0; i < st->n; i++)
			if (st->v[i].refusal.fault != FAULT_NONE)
				batch_failed(c, st->v[i].id, &st->v[i].refusal);
		reply_list_close(c, NULL);
	}
	reply_end(c);
}

static void on_entry(struct aws_call *c, const struct event *ev)
{
	outcome_take(c, ev);
	if (c->waiting == 0)
		batch_answer(c);
}

static void settle_batch(struct aws_call *c, bool extend, const char *entry_shape, const char *element)
{
	struct settling *st = arena_alloc(c->arena, sizeof(*st));
	const struct arg *entries;
	struct refusal f;

	if (!batch_check(c, entry_shape, &entries, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	st->extend = extend;
	st->element = element;
	st->n = entries->n;
	for (size_t i = 0; i < st->n; i++) {
		st->v[i].id = args_get(&entries->entries[i], "Id")->text;
		settlement_take(c, &entries->entries[i], extend, &st->v[i], &st->v[i].refusal);
	}
	c->state = st;
	c->event = on_entry;
	settle_all(c);
	if (c->r && c->waiting == 0)
		batch_answer(c);
}

void sqs_delete_message_batch(struct aws_call *c)
{
	settle_batch(c, false, "DeleteMessageBatchRequestEntry", "DeleteMessageBatchResultEntry");
}

void sqs_change_visibility_batch(struct aws_call *c)
{
	settle_batch(c, true, "ChangeMessageVisibilityBatchRequestEntry",
		     "ChangeMessageVisibilityBatchResultEntry");
}
