/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions at rest: queues, topics, bindings and subscriptions as versioned
 * tables (mapping/table_codec.h) under the kinds "queue", "topic", "binding",
 * "subscription". */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/table_codec.h"

enum { DEFINITION_MAX = 1024 * 1024 };

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
		f_table("attributes", &q->attributes.table),
	};
	put_object(e, "queue", q->vhost, q->name, (struct table){f, sizeof(f) / sizeof(*f)}, a);
}

void definition_put_topic(struct topic *t, struct ask *a)
{
	struct engine *e = t->engine;
	struct field f[] = {
		f_int("version", DEFINITION_VERSION),
		f_bytes("vhost", t->vhost->name),
		f_bytes("name", t->name),
		f_int("type", t->type),
		f_bool("durable", t->durable),
		f_bool("auto_delete", t->auto_delete),
		f_bool("internal", t->internal),
		f_bool("legacy_open", t->legacy_open),
		f_bool("aws_open", t->aws_open),
		f_table("arguments", &t->arguments),
		f_table("attributes", &t->attributes.table),
	};
	put_object(e, "topic", t->vhost, t->name, (struct table){f, sizeof(f) / sizeof(*f)}, a);
}

void definition_put_binding(struct topic *t, const struct binding_spec *b, struct view key, struct ask *a)
{
	static const struct table none;
	struct engine *e = t->engine;
	struct queue *q = b->to_topic ? NULL : queue_find(t->vhost, b->destination);
	struct topic *to = b->to_topic ? topic_find(t->vhost, b->destination) : NULL;
	if (!topic_lasts(t) || (q && !q->stored) || (to && !topic_lasts(to)))
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

void definition_put_subscription(struct subscription *s, struct ask *a)
{
	struct topic *t = s->topic;
	struct engine *e = t->engine;
	struct field f[] = {
		f_int("version", DEFINITION_VERSION),
		f_bytes("vhost", t->vhost->name),
		f_bytes("id", view_str(s->id)),
		f_bytes("topic", t->name),
		f_bytes("queue", s->queue),
		f_bytes("topic_arn", s->topic_arn),
		f_table("attributes", &s->attributes.table),
	};
	put_object(e, "subscription", t->vhost, view_str(s->id), (struct table){f, sizeof(f) / sizeof(*f)}, a);
}

void definition_delete(struct engine *e, const char *kind, struct vhost *v, struct view name, struct ask *a)
{
	struct buf key;
	buf_init(&key, BINDING_KEY_MAX);
	object_key(v, name, &key);
	journal_definition(e, kind, buf_view(&key), VIEW_NONE, false, a);
	buf_fini(&key);
}
