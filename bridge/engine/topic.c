/* SPDX-License-Identifier: Apache-2.0 */
/* Topics (exchanges) and their verbs. */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/queue_arguments.h"

static const enum router_kind ROUTER_OF[TOPIC_TYPES] = {
	[TOPIC_DIRECT] = ROUTER_DIRECT,
	[TOPIC_FANOUT] = ROUTER_FANOUT,
	[TOPIC_TOPIC] = ROUTER_TOPIC,
	[TOPIC_HEADERS] = ROUTER_HEADERS,
};
static const char *const TYPE_NAME[TOPIC_TYPES] = {
	[TOPIC_DIRECT] = "direct",
	[TOPIC_FANOUT] = "fanout",
	[TOPIC_TOPIC] = "topic",
	[TOPIC_HEADERS] = "headers",
};

struct topic *topic_find(struct vhost *v, struct view name)
{
	return mapv_find(&v->topics, name);
}

struct topic *topic_make(struct engine *e, struct vhost *v, struct view name, enum topic_type type, uint32_t uid)
{
	struct topic *t = mem_zalloc(sizeof(*t));
	t->engine = e;
	t->vhost = v;
	t->uid = uid;
	t->type = type;
	t->router = router_new(ROUTER_OF[type]);
	arena_init(&t->arena);
	t->name = arena_copy(&t->arena, name);
	mapv_put(&v->topics, t->name, t);
	map64_put(&e->topics, uid, t);
	e->counters.topics++;
	return t;
}

void topic_free(struct topic *t)
{
	router_free(t->router);
	arena_fini(&t->arena);
	free(t);
}

static bool topic_stored(const struct topic *t)
{
	return t->durable && !t->predeclared;
}

void topic_destroy(struct topic *t, struct ask *a)
{
	struct engine *e = t->engine;
	mapv_remove(&t->vhost->topics, t->name);
	map64_remove(&e->topics, t->uid);
	e->counters.topics--;
	fanout_orphan(t);
	bindings_drop(e, &t->bindings, destination_of_topic(t));
	bindings_of_source_drop(t);
	if (topic_stored(t))
		definition_delete(e, "topic", t->vhost, t->name, a);
	topic_free(t);
}

static enum code topic_same(const struct topic *t, const struct topic_spec *s, struct error *e)
{
	struct view v = t->vhost->name;
	const struct {
		const char *property, *received, *current;
	} checks[] = {
		{"type", TYPE_NAME[s->type], TYPE_NAME[t->type]},
		{"durable", s->durable ? "true" : "false", t->durable ? "true" : "false"},
		{"auto_delete", s->auto_delete ? "true" : "false", t->auto_delete ? "true" : "false"},
		{"internal", s->internal ? "true" : "false", t->internal ? "true" : "false"},
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (strcmp(checks[i].received, checks[i].current) != 0)
			return property_differs(e, checks[i].property, "exchange", t->name, v,
						checks[i].received, checks[i].current);
	return topic_arguments_same(&t->arguments, s->arguments, t->name, v, e);
}

static bool name_reserved(struct view name)
{
	return view_starts(name, VIEW("amq."));
}

void engine_topic_declare(struct engine *e, uint64_t session, uint64_t cmd, const struct topic_spec *s)
{
	struct session *se = session_find(e, session);
	if (!se)
		return;
	struct ask *a = ask_new(se, cmd);
	struct vhost *v = se->connection->vhost;
	struct topic *t = topic_find(v, s->name);
	if (t) {
		if (!s->passive)
			topic_same(t, s, &a->error);
		if (!s->passive && a->error.code == CODE_OK && topic_stored(t)) {
			a->on_topic = t->uid;
			journal_barrier(e, a); /* its maker may still be waiting for the disk */
		}
		ask_ready(a);
		return;
	}
	if (s->passive) {
		ask_error(a, CODE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", VIEW_ARG(s->name), VIEW_ARG(v->name));
		return;
	}
	if (name_reserved(s->name)) {
		ask_error(a, CODE_REFUSED, "exchange name '%.*s' contains reserved prefix 'amq.*'", VIEW_ARG(s->name));
		return;
	}
	if (topic_arguments_check(s->arguments, s->name, v->name, &a->error) != CODE_OK) {
		ask_ready(a);
		return;
	}
	if (!uids_left(e)) {
		ask_error(a, CODE_UNAVAILABLE, "no numbers left: the store has not answered");
		return;
	}
	t = topic_make(e, v, s->name, s->type, uid_next(e));
	t->durable = s->durable;
	t->auto_delete = s->auto_delete;
	t->internal = s->internal;
	if (s->arguments)
		t->arguments = table_copy(&t->arena, s->arguments);
	a->created = true;
	a->undo_topic = t->uid;
	if (topic_stored(t))
		definition_put_topic(t, a);
	ask_ready(a);
}

void engine_topic_delete(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool if_unused)
{
	struct session *se = session_find(e, session);
	if (!se)
		return;
	struct ask *a = ask_new(se, cmd);
	struct vhost *v = se->connection->vhost;
	struct topic *t = topic_find(v, name);
	if (t && t->predeclared) {
		ask_error(a, CODE_REFUSED, "deletion of system exchange '%.*s' in vhost '%.*s' not allowed",
			  VIEW_ARG(name), VIEW_ARG(v->name));
		return;
	}
	if (t && if_unused && router_bindings(t->router)) {
		ask_error(a, CODE_IN_USE, "exchange '%.*s' in vhost '%.*s' in use", VIEW_ARG(name), VIEW_ARG(v->name));
		return;
	}
	if (t)
		topic_destroy(t, a);
	else
		journal_barrier(e, a);
	ask_ready(a); /* deleting what is missing is a success: rabbitmq.md 2.7 */
}

void engine_vhost_add(struct engine *e, struct view name)
{
	static const struct {
		const char *name;
		enum topic_type type;
		bool internal;
	} predeclared[] = {
		{"amq.direct", TOPIC_DIRECT, false},   {"amq.fanout", TOPIC_FANOUT, false},
		{"amq.topic", TOPIC_TOPIC, false},     {"amq.headers", TOPIC_HEADERS, false},
		{"amq.match", TOPIC_HEADERS, false},   {"amq.rabbitmq.trace", TOPIC_TOPIC, true},
	};
	struct vhost *v = vhost_get(e, name);
	for (size_t i = 0; i < sizeof(predeclared) / sizeof(*predeclared); i++) {
		if (topic_find(v, view_str(predeclared[i].name)))
			continue;
		struct topic *t = topic_make(e, v, view_str(predeclared[i].name), predeclared[i].type, uid_next(e));
		t->durable = t->predeclared = true;
		t->internal = predeclared[i].internal;
	}
}
