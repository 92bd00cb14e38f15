/* SPDX-License-Identifier: Apache-2.0 */
/* topic_declare, _delete, _attributes_set: RabbitMQ's rules for its clients,
 * SNS's for CreateTopic; each compares its own side only, and fills it when it is
 * still open (DESIGN §5, rabbitmq.md §2, sqs-sns.md §11). */
#include "engine/engine_priv.h"
#include "mapping/queue_arguments.h"

/* Said again, these are no difference. */
static const struct attribute_default DEFAULTS[] = {
	{"SignatureVersion", "1"},	       {"TracingConfig", "PassThrough"},
	{"FifoTopic", "false"},		       {"ContentBasedDeduplication", "false"},
	{NULL, NULL},
};

static enum code topic_same(const struct topic *t, const struct topic_spec *s, struct error *e)
{
	struct view v = t->vhost->name;
	const struct {
		const char *property, *received, *current;
	} checks[] = {
		{"type", topic_type_name(s->type), topic_type_name(t->type)},
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

/* Of a topic that is new to the legacy side. */
static bool arguments_legal(const struct topic_spec *s, struct vhost *v, struct error *e)
{
	if (s->type == TOPIC_CONSISTENT_HASH && hash_rule_check(s->arguments, e) != CODE_OK)
		return false;
	return topic_arguments_check(s->arguments, s->name, v->name, e) == CODE_OK;
}

/* Made by CreateTopic: the first legacy declare says what it is. */
static enum code legacy_fill(struct topic *t, const struct topic_spec *s)
{
	t->legacy_open = false;
	t->durable = s->durable;
	t->auto_delete = s->auto_delete;
	t->internal = s->internal;
	if (s->arguments)
		t->arguments = table_copy(&t->arena, s->arguments);
	topic_effective(t);
	if (s->type != t->type)
		topic_retype(t, s->type);
	return CODE_OK;
}

static enum code aws_same(struct topic *t, const struct topic_spec *s, struct error *e)
{
	const struct attribute *other;
	if (t->aws_open) {
		t->aws_open = false;
		t->stored |= t->predeclared;
		attributes_put(&t->attributes, s->attributes, s->n_attributes);
		return CODE_OK;
	}
	other = attributes_differ(&t->attributes, DEFAULTS, s->attributes, s->n_attributes);
	if (!other)
		return CODE_OK;
	return error_set(e, CODE_DIFFERENT,
			 "A topic already exists with the same name and a different value for attribute %.*s",
			 VIEW_ARG(other->name));
}

static void declare_existing(struct ask *a, struct topic *t, const struct topic_spec *s)
{
	bool open = s->side == SIDE_AWS ? t->aws_open : t->legacy_open;
	if (s->passive) {
		ask_ready(a);
		return;
	}
	if (s->side == SIDE_AWS)
		aws_same(t, s, &a->error);
	else if (!open)
		topic_same(t, s, &a->error);
	else if (arguments_legal(s, t->vhost, &a->error))
		legacy_fill(t, s);
	if (a->error.code == CODE_OK && open && t->stored) {
		definition_put_topic(t, a);
	} else if (a->error.code == CODE_OK && t->stored) {
		a->on_topic = t->uid;
		journal_barrier(t->engine, a); /* its maker may still be waiting for the disk */
	}
	ask_ready(a);
}

/* Why there is no topic to be made, in *e. */
static enum code may_create(struct engine *e, struct vhost *v, const struct topic_spec *s, struct error *err)
{
	if (s->passive)
		return error_set(err, CODE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", VIEW_ARG(s->name),
				 VIEW_ARG(v->name));
	if (view_starts(s->name, VIEW("amq.")))
		return error_set(err, CODE_REFUSED, "exchange name '%.*s' contains reserved prefix 'amq.*'",
				 VIEW_ARG(s->name));
	if (!arguments_legal(s, v, err))
		return err->code;
	if (!uids_left(e))
		return error_set(err, CODE_UNAVAILABLE, "no numbers left: the store has not answered");
	return CODE_OK;
}

static struct topic *topic_create(struct engine *e, struct vhost *v, const struct topic_spec *s)
{
	bool aws = s->side == SIDE_AWS;
	struct topic *t = topic_make(e, v, s->name, aws ? TOPIC_FANOUT : s->type, uid_next(e));
	if (!t)
		return NULL;
	t->durable = t->stored = aws || s->durable;
	t->auto_delete = s->auto_delete;
	t->internal = s->internal;
	t->legacy_open = aws;
	t->aws_open = !aws;
	if (s->arguments)
		t->arguments = table_copy(&t->arena, s->arguments);
	topic_effective(t);
	attributes_put(&t->attributes, s->attributes, s->n_attributes);
	return t;
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
		declare_existing(a, t, s);
		return;
	}
	if (may_create(e, v, s, &a->error) != CODE_OK) {
		ask_ready(a);
		return;
	}
	t = topic_create(e, v, s);
	if (!t) {
		ask_error(a, CODE_EXISTS, "another topic has the wire name of '%.*s'", VIEW_ARG(s->name));
		return;
	}
	a->created = true;
	a->undo_topic = t->uid;
	if (t->stored)
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
	if (t && if_unused && (router_bindings(t->router) || t->subscribers)) {
		ask_error(a, CODE_IN_USE, "exchange '%.*s' in vhost '%.*s' in use", VIEW_ARG(name), VIEW_ARG(v->name));
		return;
	}
	if (t)
		topic_destroy(t, a);
	else
		journal_barrier(e, a);
	ask_ready(a); /* deleting what is missing is a success: rabbitmq.md 2.7 */
}

void engine_topic_attributes_set(struct engine *e, uint64_t session, uint64_t cmd, struct view name,
				 const struct attribute *v, size_t n)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct topic *t = topic_find(s->connection->vhost, name);
	if (!t) {
		ask_error(a, CODE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", VIEW_ARG(name),
			  VIEW_ARG(s->connection->vhost->name));
		return;
	}
	attributes_put(&t->attributes, v, n);
	t->stored |= t->predeclared;
	if (t->stored)
		definition_put_topic(t, a);
	ask_ready(a);
}
