/* SPDX-License-Identifier: Apache-2.0 */
/* SQS attributes of a queue that were given, and what follows from them and its
 * declared arguments (mapping/queue_effective.h). */
#include <stdlib.h>

#include "engine/engine_priv.h"

static struct queue_sources sources(const struct queue *q)
{
	return (struct queue_sources){
		.arguments = &q->arguments, .attributes = &q->attributes, .legacy = q->aws_open};
}

bool attributes_get(const struct queue *q, struct view name, struct view *value)
{
	struct queue_sources s = sources(q);
	return queue_attribute(&s, name, value);
}

static struct field *given(struct queue *q, struct view name)
{
	for (size_t i = 0; i < q->attributes.n; i++)
		if (view_eq(q->attributes.v[i].name, name))
			return &q->attributes.v[i];
	return NULL;
}

void attributes_set(struct queue *q, const struct attribute *v, size_t n)
{
	struct table *t = &q->attributes;
	for (size_t i = 0; i < n; i++) {
		struct field *f = given(q, v[i].name);
		if (!v[i].value.n) {
			if (f)
				*f = t->v[--t->n];
			continue;
		}
		if (!f) {
			t->v = mem_realloc(t->v, (t->n + 1) * sizeof(*f));
			f = &t->v[t->n++];
			f->name = arena_copy(&q->arena, v[i].name);
		}
		f->value = (struct value){.type = VALUE_BYTES, .s = arena_copy(&q->arena, v[i].value)};
	}
	queue_effective(q);
}

void queue_effective(struct queue *q)
{
	struct queue_sources s = sources(q);
	queue_effective_compute(&s, &q->effective);
	list_remove(&q->retaining);
	if (q->effective.retention_ms)
		list_push_back(&q->engine->retaining, &q->retaining);
}
