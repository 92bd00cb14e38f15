/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies outside of memory, for a receive: read back one after the other before
 * its answer is written. Meanwhile the call waits, as for the engine; the fetch
 * holds a reference to each message, and outlives the call's arena, which goes
 * with the answer. */
#include <stdlib.h>

#include "aws/aws_priv.h"

#include "base/blob.h"
#include "base/list.h"
#include "base/log.h"

struct fetch {
	struct aws_call *c;
	struct blob_read read;
	size_t n, at; /* at: the one that is being read */
	struct delivery v[SQS_BATCH_MAX];
	void (*then)(struct aws_call *c, const struct delivery *v, size_t n);
	void *state; /* the action's own, and its cancel, given back at the end */
	void (*cancel)(struct aws_call *c);
};

static void fetch_free(struct fetch *f)
{
	for (size_t i = 0; i < f->n; i++)
		message_unref(f->v[i].message);
	free(f);
}

static void fetch_done(struct aws_call *c)
{
	struct fetch *f = c->state;

	c->state = f->state;
	c->cancel = f->cancel;
	if (f->at)
		f->then(c, f->v, f->at);
	else
		aws_call_refuse(c, &(struct refusal){.fault = FAULT_UNAVAILABLE});
	fetch_free(f);
}

/* The peer is gone: nobody has seen these. */
static void fetch_gone(struct aws_call *c)
{
	struct fetch *f = c->state;

	blob_cancel(body_blob(f->v[f->at].message->body), &f->read);
	sqs_receive_undo(c, f->v, f->n);
	fetch_free(f);
	c->waiting = 0;
}

static bool is_outside(const struct delivery *d)
{
	return body_blob(d->message->body) != NULL;
}

/* Asks for the next body; false: all are here. */
static bool fetch_next(struct fetch *f)
{
	while (f->at < f->n && !is_outside(&f->v[f->at]))
		f->at++;
	if (f->at == f->n)
		return false;
	struct body *b = f->v[f->at].message->body;
	blob_read(body_blob(b), 0, (size_t)body_bytes(b), &f->read);
	return true;
}

/* The same message with its body in memory. */
static struct message *message_with(const struct message *m, struct body *body)
{
	return message_new(&(struct message_spec){
				   .raw_kind = (enum raw_kind)m->raw_kind,
				   .priority = m->priority,
				   .durable = m->durable,
				   .id = m->id,
				   .sent_ms = m->sent_ms,
				   .exchange = m->exchange,
				   .key = m->key,
				   .user = m->user,
				   .raw = m->raw,
			   },
			   body);
}

/* From the first that cannot be had on, nothing is answered; a fault, not
 * emptiness, when it is the first of all. */
static void fetched(struct blob_read *r, struct body *piece)
{
	struct fetch *f = LIST_ENTRY(r, struct fetch, read);
	struct message *m = piece ? message_with(f->v[f->at].message, piece) : NULL;

	if (m) {
		message_unref(f->v[f->at].message);
		f->v[f->at].message = m;
		if (fetch_next(f))
			return;
	}
	sqs_receive_undo(f->c, f->v + f->at, f->n - f->at);
	aws_call_waited(f->c, fetch_done);
}

/* How many go into one answer: one that is larger than SQS allows goes alone. */
static size_t together(const struct delivery *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (is_outside(&v[i]) && body_bytes(v[i].message->body) > SQS_MESSAGE_BYTES_MAX)
			return i;
	return n && is_outside(v) && body_bytes(v->message->body) > SQS_MESSAGE_BYTES_MAX ? 1 : n;
}

bool sqs_fetch(struct aws_call *c, const struct delivery *v, size_t n,
	       void (*then)(struct aws_call *c, const struct delivery *v, size_t n))
{
	size_t outside = 0, here = together(v, n);

	for (size_t i = 0; i < here; i++)
		outside += is_outside(&v[i]);
	if (!outside)
		return false;
	struct fetch *f = mem_alloc(sizeof(*f));
	*f = (struct fetch){.c = c, .n = here, .then = then, .state = c->state, .cancel = c->cancel};
	f->read.done = fetched;
	memcpy(f->v, v, f->n * sizeof(*v));
	for (size_t i = 0; i < f->n; i++) {
		message_ref(v[i].message);
		f->v[i].queue = c->queue.name;
	}
	sqs_receive_undo(c, v + f->n, n - f->n);
	c->state = f;
	c->cancel = fetch_gone;
	c->waiting++;
	must(fetch_next(f));
	return true;
}
