/* SPDX-License-Identifier: Apache-2.0 */
/* SQS DeleteQueue and PurgeQueue. Waiting receives of a deleted queue are
 * answered by the engine; a purge takes messages in flight and delayed ones too. */
#include "aws/aws_priv.h"

void sqs_delete_queue(struct aws_call *c)
{
	if (!aws_call_engage(c, 1))
		return;
	c->event = aws_on_done;
	once_note(c, ONCE_DELETED, c->queue.vhost, c->queue.name);
	engine_queue_delete(c->aws->engine, c->session->id, c->cmd, c->queue.name, false, false);
}

void sqs_purge_queue(struct aws_call *c)
{
	struct refusal f;

	if (once_recent(c, ONCE_PURGED, c->queue.vhost, c->queue.name)) {
		struct view name = shown(c, c->queue.name);

		refuse(c, &f, FAULT_PURGE_IN_PROGRESS,
		       "Only one PurgeQueue operation on %.*s is allowed every 60 seconds.", VIEW_ARG(name));
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = aws_on_done;
	once_note(c, ONCE_PURGED, c->queue.vhost, c->queue.name);
	engine_queue_purge(c->aws->engine, c->session->id, c->cmd, c->queue.name, true);
}
