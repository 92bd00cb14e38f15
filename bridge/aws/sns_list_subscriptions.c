/* SPDX-License-Identifier: Apache-2.0 */
/* SNS ListSubscriptions and ListSubscriptionsByTopic: 100 a page, those whose topic
 * the caller may see, bindings among them. */
#include "aws/sns_priv.h"

struct page {
	struct aws_call *c;
	struct view last;
	bool more;
	size_t n;
};

static bool subscription_row(void *ctx, const struct subscription_stat *stat)
{
	struct page *p = ctx;
	struct sns_subscription s;

	if (!aws_may_see(p->c, stat->vhost, stat->topic))
		return true;
	if (p->n == LIST_SUBSCRIPTIONS_MAX) {
		p->more = true;
		return false;
	}
	sns_subscription_copy(p->c, stat, &s);
	sns_subscription_row(p->c, &s);
	p->last = s.id;
	p->n++;
	return true;
}

static void page_answer(struct aws_call *c, struct view vhost, struct view topic)
{
	struct view token = args_get(&c->args, "NextToken")->text, after = VIEW_NONE;
	struct page p = {.c = c};

	if (token.n && !page_token_open(c, token, &after)) {
		struct refusal f;

		sns_invalid(c, &f, "NextToken");
		aws_call_refuse(c, &f);
		return;
	}
	reply_begin(c);
	reply_list_open(c, "Subscriptions", "Subscriptions");
	engine_subscriptions_each(c->aws->engine, vhost, topic, after, subscription_row, &p);
	reply_list_close(c, "Subscriptions");
	if (p.more)
		reply_text(c, "NextToken", page_token(c, p.last));
	reply_end(c);
}

void sns_list_subscriptions(struct aws_call *c)
{
	page_answer(c, c->vhost, VIEW_NONE);
}

void sns_list_subscriptions_by_topic(struct aws_call *c)
{
	struct refusal f;

	if (!sns_topic_see(c, "TopicArn", &f))
		aws_call_refuse(c, &f);
	else
		page_answer(c, c->topic.vhost, c->topic.name);
}
