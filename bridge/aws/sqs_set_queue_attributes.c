/* SPDX-License-Identifier: Apache-2.0 */
/* SQS SetQueueAttributes: answered once the change is stored. */
#include "aws/aws_priv.h"

void sqs_set_queue_attributes(struct aws_call *c)
{
	const struct arg *given = args_get(&c->args, "Attributes");
	struct attribute_list list;
	struct refusal f;

	if (!given->set)
		refuse_missing(c, &f, "Attributes");
	if (!given->set || !queue_attributes_set(c, given, &list, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = aws_on_done;
	engine_queue_attributes_set(c->aws->engine, c->session->id, c->cmd, c->queue.name, list.v, list.n);
}
