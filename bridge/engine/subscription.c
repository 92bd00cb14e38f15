/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of SNS's own: making, changing and ending them (subscription.h). */
#include "engine/subscription.h"

#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/redrive_policy.h"

/* The head asks for AWS's limits, or what settings make of them; these are the most
 * that they may make. */
static const struct filter_limits LIMITS = {
	.keys_max = 4096, .combinations_max = 1000000, .bytes_max = 1 << 20, .extended = true};

static void rules_fini(struct subscription_rules *r)
{
	filter_policy_free(r->filter);
	free(r->dead_letter);
	*r = (struct subscription_rules){.raw = false};
}

static struct view value_of(const struct attributes *a, struct view name)
{
	struct view v = VIEW_NONE;
	attributes_get(a, name, &v);
	return v;
}

/* What an attribute does not say is left out; *r is to be finished in any case. */
static enum code rules_read(struct subscription_rules *r, const struct attributes *a, struct error *e)
{
	struct view policy = value_of(a, VIEW("FilterPolicy")), redrive = value_of(a, VIEW("RedrivePolicy"));
	bool body = view_is(value_of(a, VIEW("FilterPolicyScope")), "MessageBody");
	*r = (struct subscription_rules){.raw = view_is(value_of(a, VIEW("RawMessageDelivery")), "true")};
	if (policy.n) {
		r->filter = filter_policy_parse(policy, body ? FILTER_BODY : FILTER_ATTRIBUTES, &LIMITS, e);
		if (!r->filter)
			return e->code;
	}
	if (redrive.n) {
		r->dead_letter = redrive_policy_target(redrive);
		if (!r->dead_letter)
			return error_set(e, CODE_INVALID, "RedrivePolicy: deadLetterTargetArn is an invalid arn");
	}
	return CODE_OK;
}

/* Random, and none that an earlier life gave out. */
static void id_choose(struct engine *e, struct vhost *v, char id[SUBSCRIPTION_ID_BYTES])
{
	uint8_t uuid[16];
	do {
		rng_uuid(&e->rng, uuid);
		uuid_format(uuid, id);
	} while (mapv_find(&v->subscriptions, view_str(id)));
}

struct subscription *subscription_new(struct topic *t, const struct subscription_spec *spec, struct view id)
{
	struct subscription *s = mem_zalloc(sizeof(*s) + spec->queue.n + spec->topic_arn.n);
	uint8_t *copy = (uint8_t *)(s + 1);
	view_put(copy, spec->queue);
	view_put(copy + spec->queue.n, spec->topic_arn);
	s->queue = view_of(copy, spec->queue.n);
	s->topic_arn = view_of(copy + spec->queue.n, spec->topic_arn.n);
	s->topic = t;
	s->uid = uid_next(t->engine);
	if (id.n)
		view_put((uint8_t *)s->id, view_head(id, sizeof(s->id) - 1));
	else
		id_choose(t->engine, t->vhost, s->id);
	return s;
}

void subscription_free(struct subscription *s)
{
	attributes_fini(&s->attributes);
	rules_fini(&s->rules);
	free(s->shown);
	free(s);
}

/* The bytes stay where they are while the table moves. */
static void shown_set(struct subscription *s)
{
	const struct table *t = &s->attributes.table;
	free(s->shown);
	s->shown = mem_alloc((t->n + 1) * sizeof(*s->shown));
	for (size_t i = 0; i < t->n; i++)
		s->shown[i] = (struct attribute){t->v[i].name, t->v[i].value.s};
}

static bool subscription_joined(const struct subscription *s)
{
	return map64_find(&s->topic->engine->subscriptions, s->uid) != NULL;
}

enum code subscription_attributes_put(struct subscription *s, struct attributes *next, struct error *e)
{
	struct subscription_rules rules;
	if (rules_read(&rules, next, e) != CODE_OK) {
		rules_fini(&rules);
		return e->code;
	}
	struct filter_index *index = subscription_joined(s) ? s->topic->subscribers->filters : NULL;
	if (index)
		filter_index_remove(index, s->uid);
	attributes_fini(&s->attributes);
	rules_fini(&s->rules);
	s->attributes = *next;
	*next = (struct attributes){.cap = 0};
	s->rules = rules;
	shown_set(s);
	if (index)
		filter_index_add(index, s->rules.filter, s->uid);
	return CODE_OK;
}

void subscription_join(struct subscription *s)
{
	struct topic *t = s->topic;
	if (!t->subscribers) {
		t->subscribers = mem_zalloc(sizeof(*t->subscribers));
		t->subscribers->filters = filter_index_new();
	}
	mapv_put(&t->subscribers->by_queue, s->queue, s);
	filter_index_add(t->subscribers->filters, s->rules.filter, s->uid);
	mapv_put(&t->vhost->subscriptions, view_str(s->id), s);
	map64_put(&t->engine->subscriptions, s->uid, s);
	t->vhost->changes++;
}

static void subscribers_free(struct topic *t)
{
	mapv_fini(&t->subscribers->by_queue);
	filter_index_free(t->subscribers->filters);
	free(t->subscribers);
	t->subscribers = NULL;
}

/* Out of all indexes but its topic's. */
static void subscription_leave(struct subscription *s, struct ask *a)
{
	struct topic *t = s->topic;
	mapv_remove(&t->vhost->subscriptions, view_str(s->id));
	map64_remove(&t->engine->subscriptions, s->uid);
	t->vhost->changes++;
	if (topic_lasts(t))
		definition_delete(t->engine, "subscription", t->vhost, view_str(s->id), a);
}

void subscription_destroy(struct subscription *s, struct ask *a)
{
	struct topic *t = s->topic;
	subscription_leave(s, a);
	filter_index_remove(t->subscribers->filters, s->uid);
	mapv_remove(&t->subscribers->by_queue, s->queue);
	if (!t->subscribers->by_queue.n)
		subscribers_free(t);
	subscription_free(s);
	topic_unused(t);
}

void subscriptions_drop(struct topic *t)
{
	size_t at = 0;
	struct subscription *s;
	if (!t->subscribers)
		return;
	while ((s = mapv_next(&t->subscribers->by_queue, &at)))
		subscription_leave(s, NULL);
	subscriptions_free(t);
}

void subscriptions_free(struct topic *t)
{
	size_t at = 0;
	struct subscription *s;
	if (!t->subscribers)
		return;
	filter_index_free(t->subscribers->filters); /* it borrows their policies */
	t->subscribers->filters = NULL;
	while ((s = mapv_next(&t->subscribers->by_queue, &at)))
		subscription_free(s);
	subscribers_free(t);
}

struct subscription *subscription_find(struct topic *t, struct view queue)
{
	return t->subscribers ? mapv_find(&t->subscribers->by_queue, queue) : NULL;
}

size_t subscriptions_count(const struct topic *t)
{
	return t->subscribers ? t->subscribers->by_queue.n : 0;
}

struct queue *subscription_target(const struct subscription *s)
{
	struct vhost *v = s->topic->vhost;
	struct queue *q = queue_find(v, s->queue);
	if (!q && s->rules.dead_letter)
		q = mapv_find(&v->wires, view_str(s->rules.dead_letter));
	return q;
}

void subscription_stat_fill(const struct subscription *s, struct subscription_stat *out)
{
	*out = (struct subscription_stat){
		.id = view_str(s->id),
		.vhost = s->topic->vhost->name,
		.topic = s->topic->name,
		.queue = s->queue,
		.topic_arn = s->topic_arn,
		.attributes = s->shown,
		.n_attributes = s->attributes.table.n,
	};
}

struct message *subscription_wrap(const struct subscription *s, const struct message *m, void **shared)
{
	const struct envelope_maker *maker = s->topic->engine->options.envelopes;
	struct subscription_stat stat;
	subscription_stat_fill(s, &stat);
	return maker->make(maker->ctx, m, &stat, shared);
}
