/* SPDX-License-Identifier: Apache-2.0 */
/* Topics (exchanges): making, changing and ending them. */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/names.h"

static const enum router_kind ROUTER_OF[TOPIC_TYPES] = {
	[TOPIC_DIRECT] = ROUTER_DIRECT,
	[TOPIC_FANOUT] = ROUTER_FANOUT,
	[TOPIC_TOPIC] = ROUTER_TOPIC,
	[TOPIC_HEADERS] = ROUTER_HEADERS,
	[TOPIC_CONSISTENT_HASH] = ROUTER_HASH,
	[TOPIC_RANDOM] = ROUTER_RANDOM,
};
static const char *const TYPE_NAME[TOPIC_TYPES] = {
	[TOPIC_DIRECT] = "direct",
	[TOPIC_FANOUT] = "fanout",
	[TOPIC_TOPIC] = "topic",
	[TOPIC_HEADERS] = "headers",
	[TOPIC_CONSISTENT_HASH] = "x-consistent-hash",
	[TOPIC_RANDOM] = "x-random",
};

const char *topic_type_name(enum topic_type type)
{
	return TYPE_NAME[type];
}

struct topic *topic_find(struct vhost *v, struct view name)
{
	return mapv_find(&v->topics, name);
}

struct topic *topic_make(struct engine *e, struct vhost *v, struct view name, enum topic_type type, uint32_t uid)
{
	char wire[NAME_TOPIC_MAX + 1];
	size_t n = name_to_wire(NAME_TOPIC, name, false, wire);
	if (mapv_find(&v->topic_wires, view_of(wire, n)))
		return NULL; /* a second true name for one wire name (DESIGN §5) */
	struct topic *t = mem_zalloc(sizeof(*t));
	t->engine = e;
	t->vhost = v;
	t->uid = uid;
	t->type = type;
	t->router = router_new(ROUTER_OF[type]);
	arena_init(&t->arena);
	t->name = arena_copy(&t->arena, name);
	t->wire = arena_cstr(&t->arena, view_of(wire, n));
	mapv_put(&v->topics, t->name, t);
	mapv_put(&v->topic_wires, view_of(t->wire, n), t);
	map64_put(&e->topics, uid, t);
	e->counters.topics++;
	return t;
}

void topic_free(struct topic *t)
{
	router_free(t->router);
	attributes_fini(&t->attributes);
	arena_fini(&t->arena);
	free(t);
}

bool topic_lasts(const struct topic *t)
{
	return t->stored || t->predeclared;
}

/* rabbitmq.md 2.16, 2.19 */
void topic_effective(struct topic *t)
{
	const struct value *v = table_find(&t->arguments, VIEW("alternate-exchange"));
	t->hash = hash_rule_of(&t->arguments);
	t->alternate = v && v->type == VALUE_STRING ? v->s : VIEW_NONE;
}

static void bind_again(void *ctx, struct view key, const struct table *arguments, uint64_t destination)
{
	router_add(ctx, key, arguments, destination);
}

void topic_retype(struct topic *t, enum topic_type type)
{
	struct router *router = router_new(ROUTER_OF[type]);
	router_each(t->router, bind_again, router);
	router_free(t->router);
	t->router = router;
	t->type = type;
}

void topic_unused(struct topic *t)
{
	if (t->auto_delete && t->had_binding && !router_bindings(t->router) && !t->subscribers)
		topic_destroy(t, NULL); /* rabbitmq.md 2.8 */
}

void topic_destroy(struct topic *t, struct ask *a)
{
	struct engine *e = t->engine;
	mapv_remove(&t->vhost->topics, t->name);
	mapv_remove(&t->vhost->topic_wires, view_str(t->wire));
	map64_remove(&e->topics, t->uid);
	e->counters.topics--;
	fanout_orphan(t);
	bindings_drop(e, &t->bindings, destination_of_topic(t));
	bindings_of_source_drop(t);
	subscriptions_drop(t);
	t->vhost->changes++;
	if (t->stored)
		definition_delete(e, "topic", t->vhost, t->name, a);
	topic_free(t);
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
		must(t); /* they come first in a vhost */
		t->durable = t->predeclared = t->aws_open = true;
		t->internal = predeclared[i].internal;
	}
}
