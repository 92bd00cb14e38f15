/* SPDX-License-Identifier: Apache-2.0 */
/* Queues and topics, for looking. Field names are RabbitMQ's where it has them
 * (rabbitmq.md 6.3). */
#include "admin/admin_priv.h"

#include "mapping/names.h"

/* One list under way: of one vhost, or of every one that the caller may see. */
struct listing {
	struct call *call;
	struct view vhost;
	json_t *list;
};

static void set_number(json_t *o, const char *name, uint64_t value)
{
	json_object_set_new(o, name, json_integer((json_int_t)value));
}

static void set_flag(json_t *o, const char *name, bool value)
{
	json_object_set_new(o, name, json_boolean(value));
}

static json_t *named(enum name_kind kind, struct view name, struct view vhost, bool fifo)
{
	char wire[NAME_TOPIC_MAX + 1];
	json_t *o = json_object();

	name_to_wire(kind, name, fifo, wire);
	json_object_set_new(o, "name", json_lossy(name));
	json_object_set_new(o, "vhost", json_lossy(vhost));
	json_object_set_new(o, "wire_name", json_string(wire));
	return o;
}

/* Lists one vhost or all, with `each` of one vhost. */
static void list_one(struct call *c, void (*each)(void *ctx, struct view vhost))
{
	struct listing l = {.call = c, .vhost = c->parts[0], .list = NULL};

	if (!access_vhost_has(c->admin->access, l.vhost)) {
		call_not_found(c);
		return;
	}
	if (!call_may_see(c, l.vhost)) {
		call_refuse(c, 403, "not_authorised", "no permission in this vhost");
		return;
	}
	l.list = json_array();
	each(&l, l.vhost);
	call_answer(c, 200, l.list);
}

static void list_all(struct call *c, void (*each)(void *ctx, struct view vhost))
{
	struct listing l = {.call = c, .list = json_array()};

	access_vhosts_each(c->admin->access, each, &l);
	call_answer(c, 200, l.list);
}

/* ---- queues ---- */

static json_t *queue_json(const struct call *c, struct view vhost, const struct queue_stat *q)
{
	struct view fifo = VIEW_NONE;
	json_t *o;

	engine_queue_attribute(c->admin->engine, vhost, q->name, VIEW("FifoQueue"), &fifo);
	o = named(NAME_QUEUE, q->name, vhost, view_is(fifo, "true"));
	set_flag(o, "durable", q->durable);
	set_flag(o, "exclusive", q->exclusive);
	set_flag(o, "auto_delete", q->auto_delete);
	set_flag(o, "listed", q->listed);
	set_number(o, "messages", q->ready + q->leased);
	set_number(o, "messages_ready", q->ready);
	set_number(o, "messages_unacknowledged", q->leased);
	set_number(o, "messages_delayed", q->delayed);
	set_number(o, "consumers", q->consumers);
	set_number(o, "message_bytes", q->bytes);
	set_number(o, "created_ms", (uint64_t)q->created_ms);
	set_number(o, "modified_ms", (uint64_t)q->modified_ms);
	return o;
}

static void queue_each(void *ctx, const struct queue_stat *q)
{
	struct listing *l = ctx;

	json_array_append_new(l->list, queue_json(l->call, l->vhost, q));
}

static void queues_of_vhost(void *ctx, struct view vhost)
{
	struct listing *l = ctx;

	l->vhost = vhost;
	if (call_may_see(l->call, vhost))
		engine_queues_each(l->call->admin->engine, vhost, queue_each, l);
}

void get_queues(struct call *c)
{
	list_all(c, queues_of_vhost);
}

void get_queues_of(struct call *c)
{
	list_one(c, queues_of_vhost);
}

void get_queue(struct call *c)
{
	struct queue_stat q;

	if (!access_vhost_has(c->admin->access, c->parts[0]))
		call_not_found(c);
	else if (!call_may_see(c, c->parts[0]))
		call_refuse(c, 403, "not_authorised", "no permission in this vhost");
	else if (!engine_queue_stat(c->admin->engine, c->parts[0], c->parts[1], &q))
		call_not_found(c);
	else
		call_answer(c, 200, queue_json(c, c->parts[0], &q));
}

/* ---- topics ---- */

static void topic_each(void *ctx, const struct topic_stat *t)
{
	static const char *const types[TOPIC_TYPES] = {"direct", "fanout", "topic", "headers", "x-consistent-hash", "x-random"};
	struct listing *l = ctx;
	json_t *o = named(NAME_TOPIC, t->name, l->vhost, false);

	json_object_set_new(o, "type", json_string(types[t->type]));
	set_flag(o, "durable", t->durable);
	set_flag(o, "auto_delete", t->auto_delete);
	set_flag(o, "internal", t->internal);
	set_number(o, "bindings", t->bindings);
	json_array_append_new(l->list, o);
}

static void topics_of_vhost(void *ctx, struct view vhost)
{
	struct listing *l = ctx;

	l->vhost = vhost;
	if (call_may_see(l->call, vhost))
		engine_topics_each(l->call->admin->engine, vhost, topic_each, l);
}

void get_topics(struct call *c)
{
	list_all(c, topics_of_vhost);
}

void get_topics_of(struct call *c)
{
	list_one(c, topics_of_vhost);
}
