/* SPDX-License-Identifier: Apache-2.0 */
/* SQS ListQueues and GetQueueUrl. */
#include "aws/aws_priv.h"

#include "mapping/names.h"

/* The page being written. */
struct page {
	struct aws_call *c;
	struct view prefix, after, last;
	bool going_on;   /* a token was given */
	bool more;
	size_t n, max;
};

static void queue_row(void *ctx, const struct queue_stat *q)
{
	struct page *p = ctx;
	char wire[NAME_TOPIC_MAX + 1];

	if (!q->listed || p->more || (p->going_on && view_cmp(q->name, p->after) <= 0))
		return;
	name_to_wire(NAME_QUEUE, q->name, false, wire);
	if (!view_starts(view_str(wire), p->prefix) || !aws_may_see(p->c, p->c->vhost, q->name))
		return;
	if (p->n == p->max) {
		p->more = true;
		return;
	}
	/* absent when there are none (sqs-sns.md 1.8) */
	if (p->n++ == 0)
		reply_list_open(p->c, "QueueUrls", NULL);
	reply_item_text(p->c, "QueueUrl", aws_queue_url(p->c, p->c->vhost, q->name));
	p->last = arena_copy(p->c->arena, q->name);
}

static bool page_open(struct aws_call *c, struct page *p, struct refusal *f)
{
	const struct arg *max = args_get(&c->args, "MaxResults");
	const struct arg *token = args_get(&c->args, "NextToken");

	*p = (struct page){.c = c, .prefix = args_get(&c->args, "QueueNamePrefix")->text, .max = LIST_QUEUES_MAX};
	if (max->set) {
		if (max->number < 1 || max->number > LIST_QUEUES_MAX)
			return refuse(c, f, FAULT_PARAMETER,
				      "Value for parameter MaxResults is invalid. Reason: MaxResults must be an "
				      "integer between 1 and 1000.");
		p->max = (size_t)max->number;
	}
	p->going_on = token->set && token->text.n;
	if (p->going_on && !page_token_open(c, token->text, &p->after))
		return refuse(c, f, FAULT_PARAMETER, "Invalid or expired next token.");
	return true;
}

void sqs_list_queues(struct aws_call *c)
{
	struct page p;
	struct refusal f;

	if (!page_open(c, &p, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	reply_begin(c);
	engine_queues_each(c->aws->engine, c->vhost, queue_row, &p);
	if (p.n)
		reply_list_close(c, NULL);
	/* only when paging was asked for */
	if (p.more && args_get(&c->args, "MaxResults")->set)
		reply_text(c, "NextToken", page_token(c, p.last));
	reply_end(c);
}

static bool url_find(struct aws_call *c, struct aws_queue *q, struct refusal *f)
{
	struct view name = args_get(&c->args, "QueueName")->text;
	struct view owner = args_get(&c->args, "QueueOwnerAWSAccountId")->text, vhost = c->vhost;

	if (name.n == 0)
		return refuse_missing(c, f, "QueueName");
	if (owner.n && !access_vhost_of_account(c->aws->access, owner, &vhost))
		return refuse(c, f, FAULT_QUEUE_MISSING, NULL);
	if (!aws_queue_named(c, arena_copy(c->arena, vhost), name, q))
		return refuse(c, f, FAULT_QUEUE_MISSING, NULL);
	/* Whoever may do anything with a queue may know where it is. */
	return aws_may_see(c, q->vhost, q->name) ||
	       aws_may(c, ACCESS_READ, q->vhost, q->name, AWS_SQS, f);
}

void sqs_get_queue_url(struct aws_call *c)
{
	struct aws_queue q;
	struct refusal f;

	if (!url_find(c, &q, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	reply_begin(c);
	reply_text(c, "QueueUrl", aws_queue_url(c, q.vhost, q.name));
	reply_end(c);
}
