/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings: the source's router knows where they lead, the destination knows
 * which lead to it, the store keeps those whose two ends are durable. All three
 * name a binding by the same key: source, destination, routing key, arguments in
 * the order of their names. */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/queue_arguments.h"
#include "mapping/table_codec.h"

#define TOPIC_DESTINATION (1ULL << 32)

bool destination_is_topic(uint64_t destination)
{
	return destination & TOPIC_DESTINATION;
}

uint64_t destination_of_queue(const struct queue *q)
{
	return q->uid;
}

uint64_t destination_of_topic(const struct topic *t)
{
	return TOPIC_DESTINATION | t->uid;
}

static void key_part(struct buf *out, struct view v)
{
	buf_add_u16(out, (uint16_t)v.n);
	buf_add(out, v);
}

bool binding_key(struct vhost *v, const struct binding_spec *b, struct buf *out)
{
	struct table arguments = arguments_copy(b->arguments);
	key_part(out, v->name);
	key_part(out, b->source);
	buf_add_u8(out, b->to_topic ? 't' : 'q');
	key_part(out, b->destination);
	key_part(out, b->key);
	bool fits = table_encode(&arguments, out) && !out->overflow;
	arguments_free(&arguments);
	return fits;
}

bool binding_add(struct topic *t, const struct binding_spec *b, uint64_t destination, struct view key)
{
	struct engine *e = t->engine;
	struct queue *q = b->to_topic ? NULL : map64_find(&e->queues, destination);
	struct topic *to = b->to_topic ? map64_find(&e->topics, destination & UINT32_MAX) : NULL;
	struct mapv *known = q ? &q->bindings : &to->bindings;
	if (!router_add(t->router, b->key, b->arguments, destination))
		return false;
	struct bound *bound = mem_alloc(sizeof(*bound) + key.n);
	uint8_t *copy = (uint8_t *)(bound + 1);
	view_put(copy, key);
	bound->topic = t->uid;
	bound->key = view_of(copy, key.n);
	bound->stored = topic_lasts(t) && (q ? q->stored : topic_lasts(to));
	mapv_put(known, bound->key, bound);
	t->had_binding = true;
	t->vhost->changes++;
	return true;
}

void bindings_drop(struct engine *e, struct mapv *bindings, uint64_t destination)
{
	size_t at = 0;
	struct bound *b;
	struct mapv all = *bindings;
	memset(bindings, 0, sizeof(*bindings));
	while ((b = mapv_next(&all, &at))) {
		struct topic *t = map64_find(&e->topics, b->topic);
		if (t)
			t->vhost->changes++;
		if (b->stored)
			journal_definition(e, "binding", b->key, VIEW_NONE, false, NULL);
		if (t && router_remove_destination(t->router, destination))
			topic_unused(t);
		free(b);
	}
	mapv_fini(&all);
}

/* The source goes: what it leads to forgets it. */
struct source_walk {
	struct topic *topic;
	struct mapv **known;
	size_t n, cap;
};

static void source_destination(void *ctx, struct view key, const struct table *arguments, uint64_t destination)
{
	struct source_walk *w = ctx;
	struct engine *e = w->topic->engine;
	(void)key;
	(void)arguments;
	struct mapv *known = NULL;
	if (destination_is_topic(destination)) {
		struct topic *to = map64_find(&e->topics, destination & UINT32_MAX);
		known = to ? &to->bindings : NULL;
	} else {
		struct queue *q = map64_find(&e->queues, destination);
		known = q ? &q->bindings : NULL;
	}
	if (!known)
		return;
	w->known = mem_grow(w->known, &w->cap, w->n + 1, sizeof(*w->known));
	w->known[w->n++] = known;
}

static void known_forget(struct engine *e, struct mapv *known, uint32_t topic)
{
	size_t at = 0;
	struct bound *b, **gone = NULL;
	size_t n = 0, cap = 0;
	while ((b = mapv_next(known, &at))) {
		if (b->topic != topic)
			continue;
		gone = mem_grow(gone, &cap, n + 1, sizeof(struct bound *));
		gone[n++] = b;
	}
	for (size_t i = 0; i < n; i++) {
		mapv_remove(known, gone[i]->key);
		if (gone[i]->stored)
			journal_definition(e, "binding", gone[i]->key, VIEW_NONE, false, NULL);
		free(gone[i]);
	}
	free(gone);
}

void bindings_of_source_drop(struct topic *t)
{
	struct source_walk w = {.topic = t};
	router_each(t->router, source_destination, &w);
	for (size_t i = 0; i < w.n; i++)
		known_forget(t->engine, w.known[i], t->uid);
	free(w.known);
}

/* Both ends of a bind or unbind, or a->error. */
static bool binding_ends(struct session *s, struct ask *a, const struct binding_spec *b, struct topic **t,
			 uint64_t *destination)
{
	struct vhost *v = s->connection->vhost;
	*t = topic_find(v, b->source);
	struct topic *to = b->to_topic ? topic_find(v, b->destination) : NULL;
	struct queue *q;
	if (!*t || (b->to_topic && !to)) {
		struct view missing = !*t ? b->source : b->destination;
		error_set(&a->error, CODE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", VIEW_ARG(missing),
			  VIEW_ARG(v->name));
		return false;
	}
	if (to) {
		*destination = destination_of_topic(to);
		return true;
	}
	if (queue_access(s, b->destination, &q, &a->error) != CODE_OK)
		return false;
	*destination = destination_of_queue(q);
	return true;
}

void engine_bind(struct engine *e, uint64_t session, uint64_t cmd, const struct binding_spec *b)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct topic *t;
	uint64_t destination;
	if (!binding_ends(s, a, b, &t, &destination) ||
	    binding_key_check(router_kind(t->router), b->key, &a->error) != CODE_OK ||
	    binding_arguments_check(router_kind(t->router), b->arguments, &a->error) != CODE_OK) {
		ask_ready(a);
		return;
	}
	struct buf key;
	buf_init(&key, BINDING_KEY_MAX);
	if (!binding_key(s->connection->vhost, b, &key)) {
		ask_error(a, CODE_LIMIT, "binding arguments too large");
	} else {
		/* Again when it is there: the first time may have failed, or not be on disk yet. */
		binding_add(t, b, destination, buf_view(&key));
		definition_put_binding(t, b, buf_view(&key), a);
		ask_ready(a);
	}
	buf_fini(&key);
}

void engine_unbind(struct engine *e, uint64_t session, uint64_t cmd, const struct binding_spec *b)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct topic *t;
	uint64_t destination;
	if (!binding_ends(s, a, b, &t, &destination)) {
		/* Nothing there to unbind is a success: rabbitmq.md 2.10, 2.11. */
		if (a->error.code == CODE_NOT_FOUND)
			a->error.code = CODE_OK;
		journal_barrier(e, a);
		ask_ready(a);
		return;
	}
	struct buf key;
	buf_init(&key, BINDING_KEY_MAX);
	/* Unbinding what is not bound is a success: rabbitmq.md 2.11. */
	if (binding_key(s->connection->vhost, b, &key) &&
	    router_remove(t->router, b->key, b->arguments, destination)) {
		struct queue *q = b->to_topic ? NULL : map64_find(&e->queues, destination);
		struct topic *to = b->to_topic ? map64_find(&e->topics, destination & UINT32_MAX) : NULL;
		struct bound *known = mapv_remove(q ? &q->bindings : &to->bindings, buf_view(&key));
		if (known && known->stored)
			journal_definition(e, "binding", buf_view(&key), VIEW_NONE, false, a);
		free(known);
		t->vhost->changes++;
		topic_unused(t);
	}
	ask_ready(a);
	buf_fini(&key);
}
