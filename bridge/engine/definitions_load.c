/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions at start: what definitions.c wrote becomes queues, topics, bindings
 * and subscriptions again. One that cannot be read stops the start. */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/table_codec.h"

static struct view get_bytes(const struct table *t, const char *name)
{
	const struct value *v = table_find(t, view_str(name));
	return v && v->type == VALUE_BYTES ? v->s : VIEW_NONE;
}

static int64_t get_int(const struct table *t, const char *name)
{
	const struct value *v = table_find(t, view_str(name));
	return v && v->type == VALUE_I64 ? v->i : 0;
}

static bool get_bool(const struct table *t, const char *name)
{
	const struct value *v = table_find(t, view_str(name));
	return v && v->type == VALUE_BOOL && v->boolean;
}

/* Where definitions of an earlier version do not say. */
static bool get_bool_or(const struct table *t, const char *name, bool otherwise)
{
	return table_find(t, view_str(name)) ? get_bool(t, name) : otherwise;
}

static struct table get_table(const struct table *t, const char *name)
{
	const struct value *v = table_find(t, view_str(name));
	return v && v->type == VALUE_TABLE ? (struct table){v->table.v, v->table.n} : (struct table){NULL, 0};
}

struct load {
	struct engine *engine;
	struct arena arena;
	size_t bad;
	struct error error; /* of the first one that says why */
};

static bool definition_open(struct load *l, struct view value, struct table *t)
{
	arena_reset(&l->arena);
	if (table_decode(value, &l->arena, t) && get_int(t, "version") == DEFINITION_VERSION)
		return true;
	l->bad++;
	return false;
}

static struct vhost *definition_vhost(struct load *l, const struct table *t)
{
	struct view name = get_bytes(t, "vhost");
	if (!mapv_find(&l->engine->vhosts, name))
		engine_vhost_add(l->engine, name);
	return mapv_find(&l->engine->vhosts, name);
}

static void load_attributes(const struct table *t, struct attributes *out)
{
	struct table given = get_table(t, "attributes");
	attributes_put_table(out, &given);
}

static void load_topic(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct load *l = ctx;
	struct table t;
	(void)key;
	(void)version;
	if (!definition_open(l, value, &t))
		return;
	struct vhost *v = definition_vhost(l, &t);
	int64_t type = get_int(&t, "type");
	struct topic *topic = topic_find(v, get_bytes(&t, "name")); /* a predeclared one, with attributes */
	if (!topic && type >= 0 && type < TOPIC_TYPES)
		topic = topic_make(l->engine, v, get_bytes(&t, "name"), (enum topic_type)type, uid_next(l->engine));
	if (!topic) {
		l->bad++;
		return;
	}
	topic->stored = true;
	topic->durable = get_bool_or(&t, "durable", true);
	topic->auto_delete = get_bool(&t, "auto_delete");
	topic->internal = get_bool(&t, "internal");
	topic->legacy_open = get_bool(&t, "legacy_open");
	topic->aws_open = get_bool_or(&t, "aws_open", true);
	struct table arguments = get_table(&t, "arguments");
	topic->arguments = table_copy(&topic->arena, &arguments);
	topic_effective(topic);
	load_attributes(&t, &topic->attributes);
}

static void load_queue(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct load *l = ctx;
	struct table t;
	(void)key;
	(void)version;
	if (!definition_open(l, value, &t))
		return;
	struct vhost *v = definition_vhost(l, &t);
	struct queue *q = queue_make(l->engine, v, get_bytes(&t, "name"), (uint32_t)get_int(&t, "uid"), false);
	if (!q) {
		l->bad++;
		return;
	}
	q->stored = true;
	q->remote = l->engine->remote;
	q->durable = get_bool(&t, "durable");
	q->auto_delete = get_bool(&t, "auto_delete");
	q->server_named = get_bool(&t, "server_named");
	q->legacy_open = get_bool(&t, "legacy_open");
	q->aws_open = get_bool(&t, "aws_open");
	q->created_ms = get_int(&t, "created");
	q->modified_ms = get_int(&t, "modified");
	struct table arguments = get_table(&t, "arguments");
	q->arguments = table_copy(&q->arena, &arguments);
	load_attributes(&t, &q->attributes);
	queue_effective(q);
}

static void load_binding(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct load *l = ctx;
	struct table t;
	(void)version;
	if (!definition_open(l, value, &t))
		return;
	struct vhost *v = definition_vhost(l, &t);
	struct table arguments = get_table(&t, "arguments");
	struct binding_spec b = {
		.source = get_bytes(&t, "source"),
		.destination = get_bytes(&t, "destination"),
		.to_topic = get_bool(&t, "to_topic"),
		.key = get_bytes(&t, "key"),
		.arguments = &arguments,
	};
	struct topic *from = topic_find(v, b.source);
	struct topic *to = b.to_topic ? topic_find(v, b.destination) : NULL;
	struct queue *q = b.to_topic ? NULL : queue_find(v, b.destination);
	if (from && (to || q))
		binding_add(from, &b, q ? destination_of_queue(q) : destination_of_topic(to), key);
	else
		l->bad++;
}

static void load_subscription(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct load *l = ctx;
	struct table t;
	struct attributes given = {.cap = 0};
	struct error why = {.code = CODE_OK};
	(void)key;
	(void)version;
	if (!definition_open(l, value, &t))
		return;
	struct topic *topic = topic_find(definition_vhost(l, &t), get_bytes(&t, "topic"));
	struct view id = get_bytes(&t, "id");
	struct subscription_spec spec = {.queue = get_bytes(&t, "queue"), .topic_arn = get_bytes(&t, "topic_arn")};
	if (!topic || id.n != SUBSCRIPTION_ID_BYTES - 1 || subscription_find(topic, spec.queue)) {
		l->bad++;
		return;
	}
	struct subscription *s = subscription_new(topic, &spec, id);
	load_attributes(&t, &given);
	if (subscription_attributes_put(s, &given, &why) == CODE_OK) {
		subscription_join(s);
	} else {
		if (!l->bad++)
			error_set(&l->error, CODE_INVALID, "subscription %.*s of topic '%.*s': %s", VIEW_ARG(id),
				  VIEW_ARG(topic->name), why.text);
		subscription_free(s);
	}
	attributes_fini(&given);
}

static void load_row(void *ctx, const struct store_queue_row *row)
{
	struct engine *e = ((struct load *)ctx)->engine;
	struct queue *q = map64_find(&e->queues, row->uid);
	if (!q || q->remote)
		return;
	q->stored_n = row->entries;
	q->stored_bytes = q->bytes = row->bytes;
	q->stored_delayed = q->n_delayed = row->delayed;
	q->n_ready = q->lane.behind_n = row->entries - row->delayed;
	q->lane.behind_from = 1;
	q->lane.behind_to = e->next_pos;
	q->handed_up_to = q->crash_handed = row->handed_up_to;
	q->stored_body = q->lane.behind_body = row->body_bytes;
	q->in = row->entries;
	q->expiring = row->expiring;
	queue_keep(q);
	if (row->delayed)
		queue_load_delayed(q, 0);
}

enum code definitions_load(struct engine *e, struct error *err)
{
	struct load l = {.engine = e};
	const struct store_ops *ops = e->store->ops;
	arena_init(&l.arena);
	bool read = ops->defs(e->store, VIEW("topic"), load_topic, &l) &&
		    ops->defs(e->store, VIEW("queue"), load_queue, &l) &&
		    ops->defs(e->store, VIEW("binding"), load_binding, &l) &&
		    ops->defs(e->store, VIEW("subscription"), load_subscription, &l) &&
		    ops->rows(e->store, load_row, &l);
	arena_fini(&l.arena);
	arena_reset(&e->scratch);
	if (!read)
		return error_set(err, CODE_UNAVAILABLE, "the store's definitions cannot be read");
	if (l.bad)
		return error_set(err, CODE_INVALID, "%zu definitions cannot be read%s%s", l.bad,
				 l.error.code ? ": " : "", l.error.text);
	return CODE_OK;
}
