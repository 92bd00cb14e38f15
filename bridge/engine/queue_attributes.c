/* SPDX-License-Identifier: Apache-2.0 */
/* SQS attributes of a queue that were given, and what follows from them and its
 * declared arguments (mapping/queue_effective.h). */
#include "engine/engine_priv.h"

static struct queue_sources sources(const struct queue *q)
{
	return (struct queue_sources){
		.arguments = &q->arguments, .attributes = &q->attributes.table, .legacy = q->aws_open};
}

bool queue_attribute_get(const struct queue *q, struct view name, struct view *value)
{
	struct queue_sources s = sources(q);
	return queue_attribute(&s, name, value);
}

void queue_attributes_put(struct queue *q, const struct attribute *v, size_t n)
{
	attributes_put(&q->attributes, v, n);
	queue_effective(q);
}

void queue_effective(struct queue *q)
{
	struct queue_sources s = sources(q);
	queue_effective_compute(&s, &q->effective);
	list_remove(&q->retaining);
	if (q->effective.retention_ms)
		list_push_back(&q->engine->retaining, &q->retaining);
	redrive_read(q);
	queue_used(q);
	queue_keep(q);
}
