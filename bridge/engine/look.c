/* SPDX-License-Identifier: Apache-2.0 */
/* Looking without touching: snapshots for lists, status and health. */
#include <stdlib.h>

#include "engine/engine_priv.h"

static void queue_stat_fill(const struct queue *q, struct queue_stat *out)
{
	*out = (struct queue_stat){
		.name = q->name,
		.uid = q->uid,
		.durable = q->durable,
		.exclusive = q->exclusive,
		.auto_delete = q->auto_delete,
		.listed = !q->exclusive && !q->server_named,
		.ready = q->n_ready,
		.leased = q->n_leased,
		.delayed = q->n_delayed,
		.consumers = q->n_consumers,
		.bytes = q->bytes,
		.received_leased = q->n_received_leased,
		.created_ms = q->created_ms,
		.modified_ms = q->modified_ms,
	};
}

static int by_queue_name(const void *a, const void *b)
{
	return view_cmp((*(struct queue *const *)a)->name, (*(struct queue *const *)b)->name);
}

void engine_queues_each(const struct engine *e, struct view vhost,
			void (*each)(void *ctx, const struct queue_stat *q), void *ctx)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	if (!v || !v->queues.n)
		return;
	struct queue **sorted = mem_alloc(v->queues.n * sizeof(*sorted)), *q;
	size_t n = 0, at = 0;
	while ((q = mapv_next(&v->queues, &at)))
		sorted[n++] = q;
	qsort(sorted, n, sizeof(*sorted), by_queue_name);
	for (size_t i = 0; i < n; i++) {
		struct queue_stat s;
		queue_stat_fill(sorted[i], &s);
		each(ctx, &s);
	}
	free(sorted);
}

static void topic_stat_fill(const struct topic *t, struct topic_stat *out)
{
	*out = (struct topic_stat){
		.name = t->name,
		.type = t->type,
		.durable = t->durable,
		.internal = t->internal,
		.auto_delete = t->auto_delete,
		.bindings = router_bindings(t->router),
		.subscriptions = subscriptions_count(t),
		.published = t->published,
		.unroutable = t->unroutable,
		.filtered = t->filtered,
		.dropped = t->dropped,
	};
}

static int by_topic_name(const void *a, const void *b)
{
	return view_cmp((*(struct topic *const *)a)->name, (*(struct topic *const *)b)->name);
}

void engine_topics_each(const struct engine *e, struct view vhost,
			void (*each)(void *ctx, const struct topic_stat *t), void *ctx)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	if (!v || !v->topics.n)
		return;
	struct topic **sorted = mem_alloc(v->topics.n * sizeof(*sorted)), *t;
	size_t n = 0, at = 0;
	while ((t = mapv_next(&v->topics, &at)))
		sorted[n++] = t;
	qsort(sorted, n, sizeof(*sorted), by_topic_name);
	for (size_t i = 0; i < n; i++) {
		struct topic_stat stat;
		topic_stat_fill(sorted[i], &stat);
		each(ctx, &stat);
	}
	free(sorted);
}

static struct queue *look_queue(const struct engine *e, struct view vhost, struct view name)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	return v ? queue_find(v, name) : NULL;
}

bool engine_queue_stat(const struct engine *e, struct view vhost, struct view name, struct queue_stat *out)
{
	struct queue *q = look_queue(e, vhost, name);
	if (q)
		queue_stat_fill(q, out);
	return q != NULL;
}

bool engine_queue_attribute(const struct engine *e, struct view vhost, struct view queue, struct view name,
			    struct view *value)
{
	struct queue *q = look_queue(e, vhost, queue);
	return q && queue_attribute_get(q, name, value);
}

static struct topic *look_topic(const struct engine *e, struct view vhost, struct view name)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	return v ? topic_find(v, name) : NULL;
}

bool engine_topic_stat(const struct engine *e, struct view vhost, struct view name, struct topic_stat *out)
{
	const struct topic *t = look_topic(e, vhost, name);
	if (t)
		topic_stat_fill(t, out);
	return t != NULL;
}

bool engine_topic_attribute(const struct engine *e, struct view vhost, struct view topic, struct view name,
			    struct view *value)
{
	const struct topic *t = look_topic(e, vhost, topic);
	return t && attributes_get(&t->attributes, name, value);
}

bool engine_topic_by_wire(const struct engine *e, struct view vhost, struct view wire, struct view *name)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	const struct topic *t = v ? mapv_find(&v->topic_wires, wire) : NULL;
	if (t)
		*name = t->name;
	return t != NULL;
}

bool engine_queue_by_wire(const struct engine *e, struct view vhost, struct view wire, struct view *name)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	struct queue *q = v ? mapv_find(&v->wires, wire) : NULL;
	if (q)
		*name = q->name;
	return q != NULL;
}

const struct table *engine_queue_arguments(const struct engine *e, struct view vhost, struct view queue)
{
	struct queue *q = look_queue(e, vhost, queue);
	return q ? &q->arguments : NULL;
}
