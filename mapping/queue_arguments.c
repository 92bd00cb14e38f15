/* SPDX-License-Identifier: Apache-2.0 */
/* Legal arguments and properties of queues and exchanges (rabbitmq.md 3.5, 3.16,
 * 3.19, 3.22–3.26), one row a known argument; when several are wrong, the first
 * row is the one that is named, as in RabbitMQ. Texts are RabbitMQ's, Erlang
 * terms included. Unknown arguments are accepted; one that only another queue
 * type knows is refused. */
#include "mapping/queue_arguments.h"

#include <stdarg.h>
#include <stdio.h>

#include "mapping/queue_arguments_priv.h"
#include "mapping/sqs_attributes.h"

static const int64_t EXPIRY_MS_MAX = 315360000000; /* ten years */
enum { PRIORITY_MAX = 255, REASON_BYTES = 200, SHOWN_MAX = 100, SHORTSTR_MAX = 255 };

struct reason {
	char text[REASON_BYTES];
};

/* Fills r and returns false, so that `return wrong(...)` reads well. */
__attribute__((format(printf, 2, 3))) static bool wrong(struct reason *r, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, args);
	va_end(args);
	return false;
}

static bool wrong_type(struct reason *r, const struct value *v)
{
	return wrong(r, "{unacceptable_type,%s}", value_type_name(v->type));
}

/* ---- checks of one value --------------------------------------------------- */

static bool check_integer(const struct value *v, struct reason *r)
{
	if (!value_is_integer(v))
		return wrong(r, "\"expected integer, got %s\"", value_type_name(v->type));
	return true;
}

static bool check_not_negative(const struct value *v, const struct table *all, struct reason *r)
{
	(void)all;
	if (!check_integer(v, r))
		return false;
	return v->i >= 0 || wrong(r, "{value_negative,%lld}", (long long)v->i);
}

static bool check_ttl(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_not_negative(v, all, r))
		return false;
	return v->i <= EXPIRY_MS_MAX || wrong(r, "{value_too_large,%lld}", (long long)v->i);
}

static bool not_zero(const struct value *v, struct reason *r)
{
	return !value_is_integer(v) || v->i != 0 || wrong(r, "{value_zero,0}");
}

static bool check_expires(const struct value *v, const struct table *all, struct reason *r)
{
	return not_zero(v, r) && check_ttl(v, all, r);
}

static bool check_cluster_size(const struct value *v, const struct table *all, struct reason *r)
{
	return not_zero(v, r) && check_not_negative(v, all, r);
}

static bool check_max_priority(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_not_negative(v, all, r))
		return false;
	return v->i <= PRIORITY_MAX || wrong(r, "{max_value_exceeded,%lld}", (long long)v->i);
}

static bool check_queue_version(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_not_negative(v, all, r))
		return false;
	return v->i == 1 || v->i == 2 ||
	       wrong(r, "\"unsupported queue version '%lld'\"", (long long)v->i);
}

static bool check_bool(const struct value *v, const struct table *all, struct reason *r)
{
	(void)all;
	return v->type == VALUE_BOOL || wrong_type(r, v);
}

static bool check_string(const struct value *v, const struct table *all, struct reason *r)
{
	(void)all;
	return v->type == VALUE_STRING || wrong_type(r, v);
}

static bool check_dead_letter_key(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return table_find(all, VIEW("x-dead-letter-exchange")) != NULL ||
	       wrong(r, "routing_key_but_no_dlx_defined");
}

static bool check_strategy(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return view_is(v->s, "at-most-once") || view_is(v->s, "at-least-once") ||
	       wrong(r, "invalid_dlx_strategy");
}

static bool check_overflow(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return view_is(v->s, "drop-head") || view_is(v->s, "reject-publish") ||
	       view_is(v->s, "reject-publish-dlx") || wrong(r, "invalid_overflow");
}

static bool check_mode(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return view_is(v->s, "default") || view_is(v->s, "lazy") ||
	       wrong(r, "\"unsupported queue mode '%.*s'\"", VIEW_ARG(v->s));
}

static bool check_leader_locator(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return view_is(v->s, "client-local") || view_is(v->s, "balanced") || view_is(v->s, "random") ||
	       view_is(v->s, "least-leaders") || wrong(r, "invalid_queue_locator_arg");
}

/* Settings of the bridge's own (cross-protocol.md), refused in the same form. */
static bool check_body(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return view_is(v->s, "auto") || view_is(v->s, "text") || view_is(v->s, "base64") ||
	       wrong(r, "\"unsupported body '%.*s'\"", VIEW_ARG(view_head(v->s, SHOWN_MAX)));
}

static bool check_promote(const struct value *v, const struct table *all, struct reason *r)
{
	size_t names = 0;
	if (!check_string(v, all, r))
		return false;
	for (size_t i = 0, n = 0; i <= v->s.n; i++) {
		if (i < v->s.n && v->s.p[i] != ',') {
			n += v->s.p[i] != ' ';
			continue;
		}
		names += n > 0;
		n = 0;
	}
	return names <= SQS_ATTRIBUTES_MAX || wrong(r, "{max_value_exceeded,%zu}", names);
}

static bool check_content_type(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return v->s.n <= SHORTSTR_MAX || wrong(r, "{max_value_exceeded,%zu}", v->s.n);
}

/* Streams have no SQS model and are refused by the text of a node that lacks
 * them (rabbitmq.md 3.24). */
static bool check_queue_type(const struct value *v, const struct table *all, struct reason *r)
{
	if (!check_string(v, all, r))
		return false;
	return view_is(v->s, "classic") || view_is(v->s, "quorum") ||
	       wrong(r, "\"unsupported queue type '%.*s'\"", VIEW_ARG(v->s));
}

/* ---- the rows -------------------------------------------------------------- */

enum { CLASSIC = 1, QUORUM = 2, STREAM = 4 };

static const struct argument {
	const char *name;
	int types;
	bool (*check)(const struct value *v, const struct table *all, struct reason *r); /* NULL: any value */
} rows[] = {
	{"x-expires", CLASSIC | QUORUM, check_expires},
	{"x-message-ttl", CLASSIC | QUORUM, check_ttl},
	{"x-dead-letter-exchange", CLASSIC | QUORUM, check_string},
	{"x-dead-letter-routing-key", CLASSIC | QUORUM, check_dead_letter_key},
	{"x-dead-letter-strategy", QUORUM, check_strategy},
	{"x-max-length", CLASSIC | QUORUM, check_not_negative},
	{"x-max-length-bytes", CLASSIC | QUORUM | STREAM, check_not_negative},
	{"x-max-in-memory-length", QUORUM, check_not_negative},
	{"x-max-in-memory-bytes", QUORUM, check_not_negative},
	{"x-max-priority", CLASSIC, check_max_priority},
	{"x-overflow", CLASSIC | QUORUM, check_overflow},
	{"x-queue-mode", CLASSIC, check_mode},
	{"x-queue-version", CLASSIC, check_queue_version},
	{"x-single-active-consumer", CLASSIC | QUORUM, check_bool},
	{"x-consumer-timeout", CLASSIC | QUORUM, check_not_negative},
	{"x-queue-master-locator", CLASSIC, NULL},
	{"x-quorum-initial-group-size", QUORUM, check_cluster_size},
	{"x-quorum-target-group-size", QUORUM, check_cluster_size},
	{"x-delivery-limit", QUORUM, NULL},
	{"x-queue-leader-locator", CLASSIC | QUORUM | STREAM, check_leader_locator},
	{"x-mqb-body", CLASSIC | QUORUM, check_body},
	{"x-mqb-promote", CLASSIC | QUORUM, check_promote},
	{"x-mqb-content-type", CLASSIC | QUORUM, check_content_type},
	{"x-max-age", STREAM, NULL},
	{"x-stream-max-segment-size-bytes", STREAM, NULL},
	{"x-stream-filter-size-bytes", STREAM, NULL},
	{"x-initial-cluster-size", STREAM, NULL},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

bool arguments_quorum(const struct table *arguments)
{
	const struct value *v = arguments ? table_find(arguments, VIEW("x-queue-type")) : NULL;
	return v && v->type == VALUE_STRING && view_is(v->s, "quorum");
}

static const struct argument *row_find(struct view name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (view_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static enum code invalid(struct error *e, const char *argument, const struct owner *o, const struct reason *r)
{
	return error_set(e, CODE_INVALID, "invalid arg '%s' for %s '%.*s' in vhost '%.*s': %s", argument,
			 o->noun, VIEW_ARG(o->name), VIEW_ARG(o->vhost), r->text);
}

static enum code invalid_type(struct error *e, const char *argument, const struct owner *o,
			      const struct value *v)
{
	return error_set(e, CODE_INVALID, "invalid type '%s' for arg '%s' in %s '%.*s' in vhost '%.*s'",
			 value_type_name(v->type), argument, o->noun, VIEW_ARG(o->name),
			 VIEW_ARG(o->vhost));
}

/* An argument that says which exchange: its type is looked at before all else. */
static enum code exchange_check(const struct table *arguments, const char *argument, const struct owner *o,
				struct error *e)
{
	const struct value *v = table_find(arguments, view_str(argument));
	if (v && v->type != VALUE_STRING)
		return invalid_type(e, argument, o, v);
	return CODE_OK;
}

/* Nobody but the bridge gives x-mqb- a meaning: an unknown one is a mistake. */
static enum code own_check(const struct table *arguments, const struct owner *o, struct error *e)
{
	for (size_t i = 0; i < arguments->n; i++) {
		struct view name = arguments->v[i].name;
		if (view_starts(name, VIEW("x-mqb-")) && !row_find(name))
			return error_set(e, CODE_INVALID, "invalid arg '%.*s' for queue '%.*s' in vhost '%.*s': \"no such setting\"",
					 VIEW_ARG(name), VIEW_ARG(o->name), VIEW_ARG(o->vhost));
	}
	return CODE_OK;
}

/* Arguments of another queue type, in the order they were given. */
static enum code foreign_check(const struct table *arguments, bool quorum, const struct owner *o,
			       struct error *e)
{
	for (size_t i = 0; i < arguments->n; i++) {
		const struct argument *row = row_find(arguments->v[i].name);
		if (row && !(row->types & (quorum ? QUORUM : CLASSIC)))
			return error_set(e, CODE_INVALID,
					 "invalid arg '%s' for queue '%.*s' in vhost '%.*s' of queue type %s",
					 row->name, VIEW_ARG(o->name), VIEW_ARG(o->vhost),
					 quorum ? QUORUM_MODULE : CLASSIC_MODULE);
	}
	return CODE_OK;
}

enum code queue_arguments_check(const struct table *arguments, struct view queue, struct view vhost,
				struct error *e)
{
	const struct owner o = {"queue", queue, vhost};
	struct reason r;
	if (!arguments || arguments->n == 0)
		return CODE_OK;
	enum code code = exchange_check(arguments, "x-dead-letter-exchange", &o, e);
	if (code)
		return code;
	const struct value *v = table_find(arguments, VIEW("x-queue-type"));
	if (v && !check_queue_type(v, arguments, &r))
		return invalid(e, "x-queue-type", &o, &r);
	bool quorum = arguments_quorum(arguments);
	for (size_t i = 0; i < ROWS; i++) {
		if (!rows[i].check || !(rows[i].types & (quorum ? QUORUM : CLASSIC)))
			continue;
		v = table_find(arguments, view_str(rows[i].name));
		if (v && !rows[i].check(v, arguments, &r))
			return invalid(e, rows[i].name, &o, &r);
	}
	code = own_check(arguments, &o, e);
	return code ? code : foreign_check(arguments, quorum, &o, e);
}

enum code queue_properties_check(const struct table *arguments, struct queue_properties p, struct view queue,
				 struct view vhost, struct error *e)
{
	if (!arguments_quorum(arguments))
		return CODE_OK;
	if (queue.n == 0)
		return error_set(e, CODE_INVALID, "Cannot declare a server-named queue for type %s",
				 QUORUM_MODULE);
	const char *property = p.auto_delete ? "auto-delete"
			       : p.exclusive ? "exclusive-owner"
			       : !p.durable  ? "non-durable"
					     : NULL;
	if (!property)
		return CODE_OK;
	return error_set(e, CODE_INVALID, "invalid property '%s' for queue '%.*s' in vhost '%.*s'", property,
			 VIEW_ARG(queue), VIEW_ARG(vhost));
}

enum code consumer_arguments_check(const struct table *arguments, struct view queue, struct view vhost,
				   struct error *e)
{
	const struct owner o = {"queue", queue, vhost};
	const struct value *v = table_find(arguments, VIEW("x-priority"));
	struct reason r;

	if (v && !check_integer(v, &r))
		return invalid(e, "x-priority", &o, &r);
	v = table_find(arguments, VIEW("x-cancel-on-ha-failover"));
	if (v && !check_bool(v, arguments, &r))
		return invalid(e, "x-cancel-on-ha-failover", &o, &r);
	return CODE_OK;
}

int64_t consumer_priority(const struct table *arguments)
{
	const struct value *v = table_find(arguments, VIEW("x-priority"));
	return v && value_is_integer(v) ? v->i : 0;
}

enum code topic_arguments_check(const struct table *arguments, struct view topic, struct view vhost,
				struct error *e)
{
	const struct owner o = {"exchange", topic, vhost};
	return arguments ? exchange_check(arguments, "alternate-exchange", &o, e) : CODE_OK;
}
