/* SPDX-License-Identifier: Apache-2.0 */
/* SQS ListDeadLetterSourceQueues: the queues whose dead letters come to this one, by
 * RedrivePolicy or by a dead letter exchange that is this queue (engine.md §2). Those
 * that the caller may not see are left out. */
#include "aws/aws_priv.h"

struct page {
	struct aws_call *c;
	struct view after, last;
	bool going_on; /* a token was given */
	bool more;
	size_t n, max;
};

static void queue_row(void *ctx, const struct queue_stat *q)
{
	struct page *p = ctx;
	struct aws_call *c = p->c;
	struct queue_dead_letters d;

	if (!q->listed || p->more || (p->going_on && view_cmp(q->name, p->after) <= 0))
		return;
	if (!engine_queue_dead_letters(c->aws->engine, c->queue.vhost, q->name, &d) || !view_eq(d.target, c->queue.name) ||
	    !aws_may_see(c, c->queue.vhost, q->name))
		return;
	if (p->n == p->max) {
		p->more = true;
		return;
	}
	p->n++;
	reply_item_text(c, "QueueUrl", aws_queue_url(c, c->queue.vhost, q->name));
	p->last = arena_copy(c->arena, q->name);
}

void sqs_list_dead_letter_source_queues(struct aws_call *c)
{
	const struct arg *max = args_get(&c->args, "MaxResults"), *token = args_get(&c->args, "NextToken");
	struct page p = {.c = c, .max = LIST_QUEUES_MAX, .going_on = token->set && token->text.n};
	struct refusal f;

	if (max->set && (max->number < 1 || max->number > LIST_QUEUES_MAX)) {
		refuse(c, &f, FAULT_PARAMETER,
		       "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and "
		       "1000.");
		aws_call_refuse(c, &f);
		return;
	}
	if (p.going_on && !page_token_open(c, token->text, &p.after)) {
		refuse(c, &f, FAULT_PARAMETER, "Invalid or expired next token.");
		aws_call_refuse(c, &f);
		return;
	}
	if (max->set)
		p.max = (size_t)max->number;
	reply_begin(c);
	reply_list_open(c, "queueUrls", NULL); /* in lower case, and there when empty (sqs-sns.md §3) */
	engine_queues_each(c->aws->engine, c->queue.vhost, queue_row, &p);
	reply_list_close(c, NULL);
	if (p.more && max->set)
		reply_text(c, "NextToken", page_token(c, p.last));
	reply_end(c);
}
