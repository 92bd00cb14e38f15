/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe, unsubscribe, subscription_attributes_set (sqs-sns.md §13). */
#include "engine/engine_priv.h"

/* Said again, these are no difference. */
static const struct attribute_default DEFAULTS[] = {
	{"RawMessageDelivery", "false"},
	{"FilterPolicyScope", "MessageAttributes"},
	{NULL, NULL},
};

/* Idempotent for a topic and a queue, as long as the attributes given are the same. */
static void subscribe_again(struct ask *a, struct subscription *s, const struct subscription_spec *spec)
{
	const struct attribute *other = attributes_differ(&s->attributes, DEFAULTS, spec->attributes,
							  spec->n_attributes);
	ask_name(a, view_str(s->id));
	if (other) {
		ask_error(a, CODE_DIFFERENT, "Subscription already exists with a different value for attribute %.*s",
			  VIEW_ARG(other->name));
		return;
	}
	if (topic_lasts(s->topic)) {
		a->on_subscription = s->uid;
		journal_barrier(a->engine, a); /* its maker may still be waiting for the disk */
	}
	ask_ready(a);
}

/* What it has, and v over that. */
static enum code attributes_add(struct subscription *s, const struct attribute *v, size_t n, struct error *e)
{
	struct attributes next = {.cap = 0};
	attributes_put_table(&next, &s->attributes.table);
	attributes_put(&next, v, n);
	enum code code = subscription_attributes_put(s, &next, e);
	attributes_fini(&next);
	return code;
}

static void subscribe_new(struct ask *a, struct topic *t, const struct subscription_spec *spec)
{
	if (!uids_left(a->engine)) {
		ask_error(a, CODE_UNAVAILABLE, "no numbers left: the store has not answered");
		return;
	}
	struct subscription *s = subscription_new(t, spec, VIEW_NONE);
	if (attributes_add(s, spec->attributes, spec->n_attributes, &a->error) != CODE_OK) {
		subscription_free(s);
		ask_ready(a);
		return;
	}
	subscription_join(s);
	ask_name(a, view_str(s->id));
	a->created = true;
	a->undo_subscription = s->uid;
	a->on_topic = t->uid;
	if (topic_lasts(t))
		definition_put_subscription(s, a);
	ask_ready(a);
}

void engine_subscribe(struct engine *e, uint64_t session, uint64_t cmd, const struct subscription_spec *spec)
{
	struct session *se = session_find(e, session);
	if (!se)
		return;
	struct ask *a = ask_new(se, cmd);
	struct vhost *v = se->connection->vhost;
	struct topic *t = topic_find(v, spec->topic);
	struct subscription *s = t ? subscription_find(t, spec->queue) : NULL;
	if (!t)
		ask_error(a, CODE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", VIEW_ARG(spec->topic),
			  VIEW_ARG(v->name));
	else if (s)
		subscribe_again(a, s, spec);
	else
		subscribe_new(a, t, spec);
}

static void bound_refused(struct ask *a)
{
	ask_error(a, CODE_REFUSED, "this subscription is made of bindings and can only be changed by its own clients");
}

void engine_unsubscribe(struct engine *e, uint64_t session, uint64_t cmd, struct view id)
{
	struct session *se = session_find(e, session);
	if (!se)
		return;
	struct ask *a = ask_new(se, cmd);
	struct vhost *v = se->connection->vhost;
	struct subscription *s = mapv_find(&v->subscriptions, id);
	if (!s && subscription_is_bound(e, v, id)) {
		bound_refused(a);
		return;
	}
	if (s)
		subscription_destroy(s, a);
	else
		journal_barrier(e, a); /* whoever ended it may still be waiting for the disk */
	ask_ready(a);
}

void engine_subscription_attributes_set(struct engine *e, uint64_t session, uint64_t cmd, struct view id,
					const struct attribute *v, size_t n)
{
	struct session *se = session_find(e, session);
	if (!se)
		return;
	struct ask *a = ask_new(se, cmd);
	struct subscription *s = mapv_find(&se->connection->vhost->subscriptions, id);
	if (!s && subscription_is_bound(e, se->connection->vhost, id)) {
		bound_refused(a);
		return;
	}
	if (!s) {
		ask_error(a, CODE_NOT_FOUND, "no subscription %.*s", VIEW_ARG(id));
		return;
	}
	if (attributes_add(s, v, n, &a->error) == CODE_OK && topic_lasts(s->topic))
		definition_put_subscription(s, a);
	ask_ready(a);
}
