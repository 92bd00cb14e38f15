/* SPDX-License-Identifier: Apache-2.0 */
/* queue_declare, _delete, _purge: RabbitMQ's rules for its clients, SQS's for
 * CreateQueue; each compares its own side only (DESIGN §5, rabbitmq.md §3). */
#include "base/crypto.h"
#include "engine/engine_priv.h"
#include "mapping/queue_arguments.h"

static const struct table NO_ARGUMENTS;

static enum code queue_locked(const struct queue *q, struct error *e)
{
	return error_set(e, CODE_LOCKED,
			 "cannot obtain exclusive access to locked queue '%.*s' in vhost '%.*s'. It could be originally "
			 "declared on another connection or the exclusive property value does not match that of the "
			 "original declaration.",
			 VIEW_ARG(q->name), VIEW_ARG(q->vhost->name));
}

static bool owns(const struct session *s, const struct queue *q)
{
	return !q->exclusive || q->owner == slot_id(&s->connection->slot);
}

enum code queue_access(struct session *s, struct view name, struct queue **out, struct error *e)
{
	struct vhost *v = s->connection->vhost;
	struct queue *q = *out = queue_find(v, name);
	if (!q)
		return error_set(e, CODE_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", VIEW_ARG(name), VIEW_ARG(v->name));
	return owns(s, q) ? CODE_OK : queue_locked(q, e);
}

static const char *truth(bool b)
{
	return b ? "true" : "false";
}

static enum code legacy_same(struct queue *q, const struct queue_spec *s, struct error *e)
{
	struct view v = q->vhost->name;
	if (s->exclusive != q->exclusive)
		return queue_locked(q, e);
	if (!q->legacy_open && s->durable != q->durable)
		return property_differs(e, "durable", "queue", q->name, v, truth(s->durable), truth(q->durable));
	if (s->auto_delete != q->auto_delete)
		return property_differs(e, "auto_delete", "queue", q->name, v, truth(s->auto_delete),
					truth(q->auto_delete));
	const struct table *now = s->arguments ? s->arguments : &NO_ARGUMENTS;
	if (q->legacy_open) {
		/* Made by CreateQueue: the first legacy declare says what it is. */
		if (queue_arguments_check(now, q->name, v, e) != CODE_OK)
			return e->code;
		q->legacy_open = false;
		q->durable = s->durable;
		q->arguments = table_copy(&q->arena, now);
		queue_effective(q);
		sole_next(q);
		return CODE_OK;
	}
	return queue_arguments_same(&q->arguments, now, q->name, v, e);
}

static enum code aws_same(struct queue *q, const struct queue_spec *s, struct error *e)
{
	if (q->aws_open) {
		q->aws_open = false;
		queue_attributes_put(q, s->attributes, s->n_attributes);
		return CODE_OK;
	}
	for (size_t i = 0; i < s->n_attributes; i++) {
		struct view current = VIEW_NONE;
		const struct attribute *a = &s->attributes[i];
		if (!queue_attribute_get(q, a->name, &current) || !view_eq(a->value, current))
			return error_set(e, CODE_DIFFERENT,
					 "A queue already exists with the same name and a different value for "
					 "attribute %.*s",
					 VIEW_ARG(a->name));
	}
	return CODE_OK;
}

static void queue_answer(struct ask *a, struct queue *q)
{
	ask_name(a, q->name);
	a->count = q->n_ready;
	a->consumers = q->n_consumers;
	ask_ready(a);
}

static void declare_existing(struct session *s, struct ask *a, struct queue *q, const struct queue_spec *spec)
{
	queue_used(q);
	bool open = spec->side == SIDE_AWS ? q->aws_open : q->legacy_open;
	if (!owns(s, q))
		queue_locked(q, &a->error);
	else if (!spec->passive && spec->side == SIDE_AWS)
		aws_same(q, spec, &a->error);
	else if (!spec->passive)
		legacy_same(q, spec, &a->error);
	if (a->error.code != CODE_OK) {
		ask_ready(a);
		return;
	}
	if (open && !spec->passive && q->stored) {
		definition_put_queue(q, a);
	} else if (!spec->passive && q->stored) {
		a->on_queue = q->uid;
		journal_barrier(s->engine, a); /* its maker may still be waiting for the disk */
	}
	queue_answer(a, q);
}

/* amq.gen- and 22 characters (rabbitmq.md 3.1). */
static struct view name_generate(struct engine *e)
{
	struct buf b;
	uint8_t id[16];
	rng_uuid(&e->rng, id);
	buf_init(&b, 64);
	buf_add_str(&b, "amq.gen-");
	base64url_add(&b, view_of(id, sizeof(id)));
	struct view name = arena_copy(&e->scratch, buf_view(&b));
	buf_fini(&b);
	return name;
}

static struct queue *queue_create(struct session *s, const struct queue_spec *spec, struct view name)
{
	struct engine *e = s->engine;
	struct queue *q = queue_make(e, s->connection->vhost, name, uid_next(e), false);
	if (!q)
		return NULL;
	q->durable = spec->durable;
	q->exclusive = spec->exclusive;
	q->auto_delete = spec->auto_delete;
	q->server_named = !spec->name.n;
	q->legacy_open = spec->side == SIDE_AWS;
	q->aws_open = spec->side == SIDE_LEGACY;
	q->stored = spec->durable && !spec->exclusive;
	q->remote = q->stored && e->remote;
	q->created_ms = q->modified_ms = e->now.wall_ms;
	if (spec->arguments)
		q->arguments = table_copy(&q->arena, spec->arguments);
	queue_attributes_put(q, spec->attributes, spec->n_attributes);
	if (q->exclusive) {
		q->owner = slot_id(&s->connection->slot);
		list_push_back(&s->connection->queues, &q->owner_link);
	}
	return q;
}

/* RabbitMQ looks at a quorum queue's missing name before its arguments, at its
 * other properties after them (rabbitmq.md 3.22). */
static bool arguments_legal(const struct queue_spec *spec, struct vhost *v, struct error *e)
{
	struct queue_properties p = {spec->durable, spec->exclusive, spec->auto_delete};
	if (!spec->name.n && queue_properties_check(spec->arguments, p, spec->name, v->name, e) != CODE_OK)
		return false;
	return queue_arguments_check(spec->arguments, spec->name, v->name, e) == CODE_OK &&
	       queue_properties_check(spec->arguments, p, spec->name, v->name, e) == CODE_OK;
}

static bool may_create(struct ask *a, struct vhost *v, const struct queue_spec *spec)
{
	if (spec->passive) {
		ask_error(a, CODE_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", VIEW_ARG(spec->name), VIEW_ARG(v->name));
		return false;
	}
	if (spec->name.n && view_starts(spec->name, VIEW("amq."))) {
		ask_error(a, CODE_REFUSED, "queue name '%.*s' contains reserved prefix 'amq.*'", VIEW_ARG(spec->name));
		return false;
	}
	if (spec->side == SIDE_LEGACY && !arguments_legal(spec, v, &a->error)) {
		ask_ready(a);
		return false;
	}
	if (!uids_left(a->engine)) {
		ask_error(a, CODE_UNAVAILABLE, "no numbers left: the store has not answered");
		return false;
	}
	return true;
}

void engine_queue_declare(struct engine *e, uint64_t session, uint64_t cmd, const struct queue_spec *spec)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct vhost *v = s->connection->vhost;
	if (spec->side == SIDE_LEGACY && reply_named(spec->name)) {
		reply_declare(a, v, spec->name);
		return;
	}
	struct queue *q = spec->name.n ? queue_find(v, spec->name) : NULL;
	if (q) {
		declare_existing(s, a, q, spec);
		return;
	}
	if (!may_create(a, v, spec))
		return;
	q = queue_create(s, spec, spec->name.n ? spec->name : name_generate(e));
	arena_reset(&e->scratch);
	if (!q) {
		ask_error(a, CODE_EXISTS, "another queue has the wire name of '%.*s'", VIEW_ARG(spec->name));
		return;
	}
	a->created = true;
	a->undo_queue = q->uid;
	if (q->stored)
		definition_put_queue(q, a);
	queue_answer(a, q);
}

void engine_queue_delete(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool if_unused,
			 bool if_empty)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct view v = s->connection->vhost->name;
	struct queue *q;
	enum code code = queue_access(s, name, &q, &a->error);
	if (code == CODE_NOT_FOUND && s->connection->kind != SESSION_AWS)
		a->error.code = CODE_OK; /* rabbitmq.md 3.11 */
	if (code != CODE_OK) {
		if (a->error.code == CODE_OK)
			journal_barrier(e, a); /* whoever deleted it may still be waiting for the disk */
		ask_ready(a);
		return;
	}
	if (if_unused && q->n_consumers) {
		ask_error(a, CODE_IN_USE, "queue '%.*s' in vhost '%.*s' in use", VIEW_ARG(name), VIEW_ARG(v));
		return;
	}
	if (if_empty && q->n_ready) {
		ask_error(a, CODE_NOT_EMPTY, "queue '%.*s' in vhost '%.*s' not empty", VIEW_ARG(name), VIEW_ARG(v));
		return;
	}
	a->count = q->n_ready;
	queue_destroy(q, REMOVED_QUEUE_DELETED, a);
	ask_ready(a);
}

void engine_queue_purge(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool with_leased)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct queue *q;
	if (queue_access(s, name, &q, &a->error) == CODE_OK)
		a->count = queue_purge(q, with_leased, a);
	ask_ready(a);
}

void engine_queue_attributes_set(struct engine *e, uint64_t session, uint64_t cmd, struct view name,
				 const struct attribute *v, size_t n)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct queue *q;
	if (queue_access(s, name, &q, &a->error) == CODE_OK) {
		queue_attributes_put(q, v, n);
		q->modified_ms = e->now.wall_ms;
		if (q->stored)
			definition_put_queue(q, a);
	}
	ask_ready(a);
}
