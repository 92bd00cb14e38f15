/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions at rest: queues, topics and bindings as versioned tables
 * (mapping/table_codec.h) under the kinds "queue", "topic", "binding". */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/table_codec.h"

enum { DEFINITION_MAX = 1024 * 1024, DEFINITION_VERSION = 1 };

static struct field f_int(const char *name, int64_t i)
{
	return (struct field){view_str(name), {.type = VALUE_I64, .i = i}};
}

static struct field f_bool(const char *name, bool b)
{
	return (struct field){view_str(name), {.type = VALUE_BOOL, .boolean = b}};
}

static struct field f_bytes(const char *name, struct view v)
{
	return (struct field){view_str(name), {.type = VALUE_BYTES, .s = v}};
}

static struct field f_table(const char *name, const struct table *t)
{
	return (struct field){view_str(name), {.type = VALUE_TABLE, .table = {t->v, t->n}}};
}

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

static struct table get_table(const struct table *t, const char *name)
{
	const struct value *v = table_find(t, view_str(name));
	return v && v->type == VALUE_TABLE ? (struct table){v->table.v, v->table.n} : (struct table){NULL, 0};
}

static void object_key(struct vhost *v, struct view name, struct buf *out)
{
	buf_add_u16(out, (uint16_t)v->name.n);
	buf_add(out, v->name);
	buf_add(out, name);
}

static void put(struct engine *e, const char *kind, struct view key, struct field *f, size_t n, struct ask *a)
{
	struct buf value;
	struct table t = {f, n};
	buf_init(&value, DEFINITION_MAX);
	if (table_encode(&t, &value) && !value.overflow)
		journal_definition(e, kind, key, buf_view(&value), true, a);
	else if (a)
		error_set(&a->error, CODE_LIMIT, "definition too large");
	buf_fini(&value);
}

static void put_object(struct engine *e, const char *kind, struct vhost *v, struct view name,
		       struct table fields, struct ask *a)
{
	struct buf key;
	buf_init(&key, BINDING_KEY_MAX);
	object_key(v, name, &key);
	put(e, kind, buf_view(&key), fields.v, fields.n, a);
	buf_fini(&key);
}

void definition_put_queue(struct queue *q, struct ask *a)
{
	struct engine *e = q->engine;
	struct field f[] = {
		f_int("version", DEFINITION_VERSION),
		f_bytes("vhost", q->vhost->name),
		f_bytes("name", q->name),
		f_int("uid", q->uid),
		f_bool("durable", q->durable),
		f_bool("auto_delete", q->auto_delete),
		f_bool("server_named", q->server_named),
		f_bool("legacy_open", q->legacy_open),
		f_bool("aws_open", q->aws_open),
		f_int("created", q->created_ms),
		f_int("modified", q->modified_ms),
		f_table("arguments", &q->arguments),
		f_table("attributes", &q->attributes),
	};
	put_object(e, "queue", q->vhost, q->name, (struct table){f, sizeof(f) / sizeof(*f)}, a);
}

void definition_put_topic(struct topic *t, struct ask *a)
{
	struct field f[] = {
		f_int("version", DEFINITION_VERSION),
		f_bytes("vhost", t->vhost->name),
		f_bytes("name", t->name),
		f_int("type", t->type),
		f_bool("auto_delete", t->auto_delete),
		f_bool("internal", t->internal),
		f_table("arguments", &t->arguments),
	};
	put_object(t->engine, "topic", t->vhost, t->name, (struct table){f, sizeof(f) / sizeof(*f)}, a);
}

void definition_put_binding(struct topic *t, const struct binding_spec *b, struct view key, struct ask *a)
{
	static const struct table none;
	struct engine *e = t->engine;
	struct queue *q = b->to_topic ? NULL : queue_find(t->vhost, b->destination);
	struct topic *to = b->to_topic ? topic_find(t->vhost, b->destination) : NULL;
	if (!t->durable || (q && !q->stored) || (to && !to->durable))
		return;
	struct field f[] = {
		f_int("version", DEFINITION_VERSION),
		f_bytes("vhost", t->vhost->name),
		f_bytes("source", b->source),
		f_bytes("destination", b->destination),
		f_bool("to_topic", b->to_topic),
		f_bytes("key", b->key),
		f_table("arguments", b->arguments ? b->arguments : &none),
	};
	put(e, "binding", key, f, sizeof(f) / sizeof(*f), a);
}

void definition_delete(struct engine *e, const char *kind, struct vhost *v, struct view name, struct ask *a)
{
	struct buf key;
	buf_init(&key, BINDING_KEY_MAX);
	object_key(v, name, &key);
	journal_definition(e, kind, buf_view(&key), VIEW_NONE, false, a);
	buf_fini(&key);
}

/* ---- start ---- */

struct load {
	struct engine *engine;
	struct arena arena;
	size_t bad;
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
	struct topic *topic = type >= 0 && type < TOPIC_TYPES
		? topic_make(l->engine, v, get_bytes(&t, "name"), (enum topic_type)type, uid_next(l->engine))
		: NULL;
	if (!topic) {
		l->bad++;
		return;
	}
	topic->durable = true;
	topic->auto_delete = get_bool(&t, "auto_delete");
	topic->internal = get_bool(&t, "internal");
	struct table arguments = get_table(&t, "arguments");
	topic->arguments = table_copy(&topic->arena, &arguments);
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
	struct table arguments = get_table(&t, "arguments"), attributes = get_table(&t, "attributes");
	q->arguments = table_copy(&q->arena, &arguments);
	for (size_t i = 0; i < attributes.n; i++)
		attributes_set(q, &(struct attribute){attributes.v[i].name, attributes.v[i].value.s}, 1);
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
	q->in = row->entries;
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
		    ops->defs(e->store, VIEW("binding"), load_binding, &l) && ops->rows(e->store, load_row, &l);
	arena_fini(&l.arena);
	arena_reset(&e->scratch);
	if (!read)
		return error_set(err, CODE_UNAVAILABLE, "the store's definitions cannot be read");
	if (l.bad)
		return error_set(err, CODE_INVALID, "%zu definitions cannot be read", l.bad);
	return CODE_OK;
}
