/* SPDX-License-Identifier: Apache-2.0 */
/* SQS attributes of a queue: what was given, SQS's defaults for the rest, and
 * the few that the engine acts on (sqs-sns.md §4; DESIGN §1 for the retention of
 * queues that legacy clients declared). */
#include <stdlib.h>

#include "engine/engine_priv.h"

static const struct {
	const char *name, *value;
} DEFAULTS[] = {
	{"DelaySeconds", "0"},
	{"MaximumMessageSize", "1048576"},
	{"MessageRetentionPeriod", "345600"},
	{"ReceiveMessageWaitTimeSeconds", "0"},
	{"VisibilityTimeout", "30"},
	{"SqsManagedSseEnabled", "true"},
};

static const char LEGACY_RETENTION[] = "1209600";

static const struct attribute *given(const struct queue *q, struct view name)
{
	for (size_t i = 0; i < q->n_attributes; i++)
		if (view_eq(q->attributes[i].name, name))
			return &q->attributes[i];
	return NULL;
}

bool attributes_get(const struct queue *q, struct view name, struct view *value)
{
	const struct attribute *a = given(q, name);
	if (a) {
		*value = a->value;
		return true;
	}
	if (q->aws_open && view_is(name, "MessageRetentionPeriod")) {
		*value = view_str(LEGACY_RETENTION);
		return true;
	}
	for (size_t i = 0; i < sizeof(DEFAULTS) / sizeof(*DEFAULTS); i++)
		if (view_is(name, DEFAULTS[i].name)) {
			*value = view_str(DEFAULTS[i].value);
			return true;
		}
	return false;
}

static void attribute_drop(struct queue *q, struct view name)
{
	for (size_t i = 0; i < q->n_attributes; i++)
		if (view_eq(q->attributes[i].name, name)) {
			q->attributes[i] = q->attributes[--q->n_attributes];
			return;
		}
}

void attributes_set(struct queue *q, const struct attribute *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i].value.n) {
			attribute_drop(q, v[i].name);
			continue;
		}
		struct attribute *a = (struct attribute *)(uintptr_t)given(q, v[i].name);
		if (!a) {
			q->attributes = mem_realloc(q->attributes, (q->n_attributes + 1) * sizeof(*a));
			a = &q->attributes[q->n_attributes++];
			a->name = arena_copy(&q->arena, v[i].name);
		}
		a->value = arena_copy(&q->arena, v[i].value);
	}
	queue_effective(q);
}

static int64_t seconds(const struct queue *q, const char *name)
{
	struct view v;
	int64_t n = 0;
	if (!attributes_get(q, view_str(name), &v))
		return 0;
	for (size_t i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && n < INT32_MAX; i++)
		n = n * 10 + (v.p[i] - '0');
	return n;
}

void queue_effective(struct queue *q)
{
	q->visibility_ms = seconds(q, "VisibilityTimeout") * 1000;
	q->wait_ms = seconds(q, "ReceiveMessageWaitTimeSeconds") * 1000;
	q->delay_ms = seconds(q, "DelaySeconds") * 1000;
	/* Legacy queues keep messages without limit until somebody says otherwise. */
	bool said = given(q, VIEW("MessageRetentionPeriod")) || !q->aws_open;
	q->retention_ms = said ? seconds(q, "MessageRetentionPeriod") * 1000 : 0;
	list_remove(&q->retaining);
	if (q->retention_ms)
		list_push_back(&q->engine->retaining, &q->retaining);
}
