/* SPDX-License-Identifier: Apache-2.0 */
/* SNS ListTopics: every exchange of the vhost but the default one, by ARN, 100 a page. */
#include "aws/aws_priv.h"

#include "mapping/names.h"

struct page {
	struct aws_call *c;
	struct view after, last, account;
	bool going_on, more;
	size_t n;
};

static void topic_row(void *ctx, const struct topic_stat *t)
{
	struct page *p = ctx;
	struct buf *arn = &p->c->aws->scratch;
	char wire[NAME_TOPIC_MAX + 1];

	if (t->name.n == 0 || p->more || (p->going_on && view_cmp(t->name, p->after) <= 0) ||
	    !aws_may_see(p->c, p->c->vhost, t->name))
		return;
	if (p->n == LIST_TOPICS_MAX) {
		p->more = true;
		return;
	}
	p->n++;
	p->last = arena_copy(p->c->arena, t->name);
	name_to_wire(NAME_TOPIC, t->name, false, wire);
	buf_clear(arn);
	name_arn(arn, NAME_TOPIC, p->c->region, p->account, view_str(wire));
	reply_item_open(p->c, "member");
	reply_text(p->c, "TopicArn", buf_view(arn));
	reply_item_close(p->c, "member");
}

void sns_list_topics(struct aws_call *c)
{
	const struct arg *token = args_get(&c->args, "NextToken");
	struct page p = {.c = c, .going_on = token->set && token->text.n};
	const char *account = access_vhost_account(c->aws->access, c->vhost);

	p.account = view_str(account ? account : "000000000000");
	if (p.going_on && !page_token_open(c, token->text, &p.after)) {
		struct refusal f;

		refuse(c, &f, FAULT_SNS_PARAMETER, "Invalid parameter: NextToken");
		aws_call_refuse(c, &f);
		return;
	}
	reply_begin(c);
	reply_list_open(c, "Topics", "Topics");
	engine_topics_each(c->aws->engine, c->vhost, topic_row, &p);
	reply_list_close(c, "Topics");
	if (p.more)
		reply_text(c, "NextToken", page_token(c, p.last));
	reply_end(c);
}
