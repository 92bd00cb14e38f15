/* SPDX-License-Identifier: Apache-2.0 */
/* When two declarations are equivalent (rabbitmq.md 2.3, 3.3, 3.4): the known
 * arguments of the existing queue's type are compared, by value, in RabbitMQ's
 * order; the first that differs is named. Values in texts are Erlang terms. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "mapping/queue_arguments_priv.h"

enum { TERM_BYTES_MAX = 200, REAL_DIGITS_MAX = 17 };

static const char *const classic_compared[] = {
	"x-expires",	    "x-message-ttl",	  "x-dead-letter-exchange", "x-dead-letter-routing-key",
	"x-max-length",	    "x-max-length-bytes", "x-max-priority",	    "x-overflow",
	"x-queue-mode",	    "x-queue-version",	  "x-single-active-consumer", "x-queue-type",
	"x-queue-master-locator", "x-queue-leader-locator", "x-consumer-timeout", NULL,
};

static const char *const quorum_compared[] = {
	"x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-expires",
	"x-max-length", "x-max-length-bytes", "x-max-in-memory-length", "x-max-in-memory-bytes",
	"x-overflow", "x-single-active-consumer", "x-queue-type", "x-quorum-initial-group-size",
	"x-quorum-target-group-size", "x-delivery-limit", "x-message-ttl", "x-queue-leader-locator",
	"x-consumer-timeout", NULL,
};

/* The bridge's own: whoever does not name one takes the queue as it is. */
static const char *const own_compared[] = {"x-mqb-body", "x-mqb-promote", "x-mqb-content-type", NULL};

static const char *const topic_compared[] = {"alternate-exchange", NULL};

/* ---- Erlang terms ------------------------------------------------------------ */

/* The fewest digits that read back as the same number, always with a point. */
static void term_real(struct buf *out, double d)
{
	char text[40];
	for (int digits = 1; digits <= REAL_DIGITS_MAX; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	char *exponent = strchr(text, 'e');
	size_t mantissa = exponent ? (size_t)(exponent - text) : strlen(text);
	buf_add(out, view_of(text, mantissa));
	if (!memchr(text, '.', mantissa))
		buf_add_str(out, ".0");
	if (exponent)
		buf_printf(out, "e%ld", strtol(exponent + 1, NULL, 10));
}

static void term_add(struct buf *out, const struct value *v);

static void term_list(struct buf *out, const struct value *v)
{
	buf_add_u8(out, '[');
	for (size_t i = 0; i < v->table.n && !out->overflow; i++) {
		const struct field *f = &v->table.v[i];
		buf_add_str(out, i ? ",{" : "{");
		if (v->type == VALUE_TABLE)
			buf_printf(out, "<<\"%.*s\">>,", VIEW_ARG(f->name));
		buf_printf(out, "%s,", value_type_name(f->value.type));
		term_add(out, &f->value);
		buf_add_u8(out, '}');
	}
	buf_add_u8(out, ']');
}

static void term_add(struct buf *out, const struct value *v)
{
	switch (v->type) {
	case VALUE_VOID:
		buf_add_str(out, "undefined");
		break;
	case VALUE_BOOL:
		buf_add_str(out, v->boolean ? "true" : "false");
		break;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		term_real(out, v->d);
		break;
	case VALUE_DECIMAL:
		buf_printf(out, "{%u,%ld}", v->decimal.scale, (long)v->decimal.unscaled);
		break;
	case VALUE_STRING:
	case VALUE_BYTES:
		buf_printf(out, "<<\"%.*s\">>", VIEW_ARG(v->s));
		break;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		term_list(out, v);
		break;
	default:
		buf_printf(out, "%lld", (long long)v->i);
		break;
	}
}

/* A string as it is, anything else as a term; cut at the buffer's maximum. */
static void value_add(struct buf *out, const struct value *v)
{
	if (v->type == VALUE_STRING || v->type == VALUE_BYTES)
		buf_add(out, view_head(v->s, TERM_BYTES_MAX));
	else
		term_add(out, v);
}

/* ---- comparing --------------------------------------------------------------- */

/* Integers by value whatever their width, reals likewise; and, as in RabbitMQ,
 * values alike under types of different classes: a string and the same bytes, a
 * timestamp and the same number. */
static bool same_value(const struct value *a, const struct value *b)
{
	bool a_bytes = a->type == VALUE_STRING || a->type == VALUE_BYTES;
	bool b_bytes = b->type == VALUE_STRING || b->type == VALUE_BYTES;
	bool a_number = a->type == VALUE_TIME || value_is_integer(a);
	bool b_number = b->type == VALUE_TIME || value_is_integer(b);
	if (a_bytes && b_bytes)
		return view_eq(a->s, b->s);
	if (a_number && b_number)
		return a->i == b->i;
	return value_eq(a, b);
}

/* Classic queues need not say that they are (rabbitmq.md 3.4). */
static bool both_classic(const char *argument, const struct value *a, const struct value *b)
{
	const struct value *said = a ? a : b;
	return strcmp(argument, "x-queue-type") == 0 && !(a && b) && said->type == VALUE_STRING &&
	       view_is(said->s, "classic");
}

/* One side of the text; *both: the argument is there on both sides. */
static void side_add(struct buf *out, const struct value *v, bool both)
{
	if (!v || (both && v->type == VALUE_VOID)) {
		buf_add_str(out, "none");
		return;
	}
	buf_add_str(out, both ? "'" : "the value '");
	value_add(out, v);
	if (both)
		buf_add_str(out, "'");
	else
		buf_printf(out, "' of type '%s'", value_type_name(v->type));
}

static enum code differs(struct error *e, const char *argument, const struct owner *o, const struct value *is,
			 const struct value *comes)
{
	struct buf received, current;
	buf_init(&received, TERM_BYTES_MAX + 64);
	buf_init(&current, TERM_BYTES_MAX + 64);
	side_add(&received, comes, is && comes);
	side_add(&current, is, is && comes);
	error_set(e, CODE_DIFFERENT, "inequivalent arg '%s' for %s '%.*s' in vhost '%.*s': received %.*s but current is %.*s",
		  argument, o->noun, VIEW_ARG(o->name), VIEW_ARG(o->vhost), VIEW_ARG(buf_view(&received)),
		  VIEW_ARG(buf_view(&current)));
	buf_fini(&received);
	buf_fini(&current);
	return CODE_DIFFERENT;
}

static enum code own_same(const struct table *current, const struct table *received, const struct owner *o,
			  struct error *e)
{
	for (const char *const *name = own_compared; received && *name; name++) {
		const struct value *a = current ? table_find(current, view_str(*name)) : NULL;
		const struct value *b = table_find(received, view_str(*name));
		if (b && !(a && same_value(a, b)))
			return differs(e, *name, o, a, b);
	}
	return CODE_OK;
}

static enum code same(const char *const *compared, const struct table *current, const struct table *received,
		      const struct owner *o, struct error *e)
{
	for (; *compared; compared++) {
		struct view name = view_str(*compared);
		const struct value *a = current ? table_find(current, name) : NULL;
		const struct value *b = received ? table_find(received, name) : NULL;
		if (!a && !b)
			continue;
		if ((a && b && same_value(a, b)) || both_classic(*compared, a, b))
			continue;
		return differs(e, *compared, o, a, b);
	}
	return CODE_OK;
}

enum code queue_arguments_same(const struct table *current, const struct table *received, struct view queue,
			       struct view vhost, struct error *e)
{
	const struct owner o = {"queue", queue, vhost};
	enum code code = same(arguments_quorum(current) ? quorum_compared : classic_compared, current, received, &o, e);
	return code ? code : own_same(current, received, &o, e);
}

enum code topic_arguments_same(const struct table *current, const struct table *received, struct view topic,
			       struct view vhost, struct error *e)
{
	const struct owner o = {"exchange", topic, vhost};
	return same(topic_compared, current, received, &o, e);
}

enum code property_differs(struct error *e, const char *property, const char *noun, struct view name,
			   struct view vhost, const char *received, const char *current)
{
	return error_set(e, CODE_DIFFERENT,
			 "inequivalent arg '%s' for %s '%.*s' in vhost '%.*s': received '%s' but current is '%s'",
			 property, noun, VIEW_ARG(name), VIEW_ARG(vhost), received, current);
}
