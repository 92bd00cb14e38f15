/* SPDX-License-Identifier: Apache-2.0 */
/* Classes exchange and queue: declare, delete, bind, purge. What an object may
 * be and whether two declarations agree is the engine's to say; names, rights
 * and what "" stands for are looked after here (rabbitmq.md §2, §3, 5.1). */
#include "amqp/v091_priv.h"

#include "base/log.h"

/* CR and LF are taken out of the names of new things (rabbitmq.md 2.5). */
struct name {
	uint8_t b[SHORTSTR_MAX];
	struct view v;
};

static void name_strip(struct name *to, amqp_bytes_t from)
{
	const uint8_t *p = from.bytes;
	size_t n = 0;

	for (size_t i = 0; i < from.len && n < sizeof(to->b); i++)
		if (p[i] != '\r' && p[i] != '\n')
			to->b[n++] = p[i];
	to->v = view_of(to->b, n);
}

/* rabbitmq.md 2.2 */
static bool not_default(struct channel *ch, uint32_t method, struct view exchange)
{
	if (exchange.n)
		return true;
	v091_channel_fail(ch, AMQP_ACCESS_REFUSED, method, "operation not permitted on the default exchange");
	return false;
}

bool v091_queue_named(struct channel *ch, uint32_t method, struct view *queue)
{
	if (queue->n)
		return true;
	if (!ch->last_queue.n) {
		v091_channel_fail(ch, AMQP_NOT_FOUND, method, "no previously declared queue");
		return false;
	}
	*queue = ch->last_queue;
	return true;
}

/* ---- answers ---------------------------------------------------------------------- */

/* Any answer without arguments: its id follows the method's (0-9-1), but for
 * exchange.unbind (rabbitmq.md 2.10). */
static void answer_plain(struct channel *ch, const struct asked *a, const struct event *ev)
{
	struct args args;

	(void)ev;
	if (a->nowait)
		return;
	v091_args_start(&args, a->method == AMQP_EXCHANGE_UNBIND_METHOD ? AMQP_EXCHANGE_UNBIND_OK_METHOD
								   : a->method + 1);
	v091_send_args(ch->conn, ch->id, &args);
}

static uint32_t count32(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void answer_count(struct channel *ch, const struct asked *a, const struct event *ev)
{
	struct args args;

	if (a->nowait)
		return;
	v091_args_start(&args, a->method + 1);
	v091_args_u32(&args, count32(ev->done.count));
	v091_send_args(ch->conn, ch->id, &args);
}

static void answer_deleted(struct channel *ch, const struct asked *a, const struct event *ev)
{
	ch->deleting--;
	answer_count(ch, a, ev);
	v091_cancelled_tell(ch);
}

static void answer_declared(struct channel *ch, const struct asked *a, const struct event *ev)
{
	struct args args;

	view_keep(&ch->last_queue, ev->done.name);
	if (a->server_named)
		ch->naming--;
	if (a->nowait)
		return;
	v091_args_start(&args, AMQP_QUEUE_DECLARE_OK_METHOD);
	v091_args_short(&args, ev->done.name);
	v091_args_u32(&args, count32(ev->done.count));
	v091_args_u32(&args, count32(ev->done.consumers));
	v091_send_args(ch->conn, ch->id, &args);
}

/* ---- exchanges ----------------------------------------------------------------------- */

static const struct type_row {
	const char *name;
	enum topic_type type;
} types[] = {
	{"direct", TOPIC_DIRECT},
	{"fanout", TOPIC_FANOUT},
	{"topic", TOPIC_TOPIC},
	{"headers", TOPIC_HEADERS},
	{"x-consistent-hash", TOPIC_CONSISTENT_HASH},
	{"x-random", TOPIC_RANDOM},
};

/* RabbitMQ's further types, with its plugins; a later version of ours has them. */
static const char *const types_later[] = {
	"x-delayed-message", "x-message-deduplication", "x-modulus-hash",
	"x-recent-history",  "x-jms-topic",		"x-local-random",
};

static bool type_find(struct channel *ch, struct view name, enum topic_type *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (view_is(name, types[i].name)) {
			*type = types[i].type;
			return true;
		}
	for (size_t i = 0; i < sizeof(types_later) / sizeof(types_later[0]); i++)
		if (view_is(name, types_later[i])) {
			v091_channel_fail(ch, AMQP_NOT_IMPLEMENTED, AMQP_EXCHANGE_DECLARE_METHOD,
				     "exchange type '%s'", types_later[i]);
			return false;
		}
	/* rabbitmq.md 2.4 */
	v091_channel_fail(ch, AMQP_COMMAND_INVALID, AMQP_EXCHANGE_DECLARE_METHOD, "%s exchange type '%.*s'",
		     name.n ? "unknown" : "invalid", VIEW_ARG(name));
	return false;
}

/* RabbitMQ acts on them, we do not yet: accepted and kept, and said once a second
 * at most, so that nobody relies on them unknowingly (docs/compatibility.md). */
static void inert_tell(const struct channel *ch, struct view queue, const struct table *t)
{
	static const char *const inert[] = {
		"x-max-priority",
	};

	for (size_t i = 0; i < sizeof(inert) / sizeof(inert[0]); i++)
		if (table_find(t, view_str(inert[i])))
			log_warn("amqp.argument_not_acted_on", "peer=\"%s\" queue=\"%.*s\" argument=%s",
				 ch->conn->wire->peer, VIEW_ARG(queue), inert[i]);
}

/* rabbitmq.md 2.16: a new exchange may be read by, and its alternate written to, whoever
 * declares it. */
static bool alternate_granted(struct channel *ch, struct view exchange, const struct table *arguments)
{
	const uint32_t id = AMQP_EXCHANGE_DECLARE_METHOD;
	const struct value *v = table_find(arguments, VIEW("alternate-exchange"));
	struct topic_stat there;

	if (!v || v->type != VALUE_STRING || engine_topic_stat(ch->conn->env->engine, ch->conn->vhost, exchange, &there))
		return true;
	return v091_grant_check(ch, id, ACCESS_READ, RESOURCE_EXCHANGE, exchange) &&
	       v091_grant_check(ch, id, ACCESS_WRITE, RESOURCE_EXCHANGE, v->s);
}

void v091_on_exchange_declare(struct channel *ch, const void *method)
{
	const amqp_exchange_declare_t *m = method;
	const uint32_t id = AMQP_EXCHANGE_DECLARE_METHOD;
	struct topic_spec spec = {
		.durable = m->durable,
		.auto_delete = m->auto_delete,
		.internal = m->internal,
		.passive = m->passive,
	};
	struct name name;
	struct arena a;
	struct table arguments;

	name_strip(&name, m->exchange);
	spec.name = name.v;
	if (!spec.passive && !type_find(ch, view_in(m->type), &spec.type))
		return;
	if (!not_default(ch, id, name.v))
		return;
	if (!spec.passive && !v091_grant_check(ch, id, ACCESS_CONFIGURE, RESOURCE_EXCHANGE, name.v))
		return;
	arena_init(&a);
	arguments = v091_table_in(&m->arguments, &a);
	spec.arguments = &arguments;
	if (spec.passive || alternate_granted(ch, name.v, &arguments))
		engine_topic_declare(ch->conn->env->engine, ch->session,
				     v091_channel_ask(ch, id, m->nowait, answer_plain)->cmd, &spec);
	arena_fini(&a);
}

/* rabbitmq.md 2.7: also one that is not there. */
static bool not_system(struct channel *ch, struct view exchange)
{
	if (!view_starts(exchange, VIEW("amq.")))
		return true;
	v091_channel_fail(ch, AMQP_ACCESS_REFUSED, AMQP_EXCHANGE_DELETE_METHOD,
		     "deletion of system exchange '%.*s' in vhost '%.*s' not allowed", VIEW_ARG(exchange),
		     VIEW_ARG(ch->conn->vhost));
	return false;
}

void v091_on_exchange_delete(struct channel *ch, const void *method)
{
	const amqp_exchange_delete_t *m = method;
	const uint32_t id = AMQP_EXCHANGE_DELETE_METHOD;
	struct name name;

	name_strip(&name, m->exchange);
	if (!not_default(ch, id, name.v) || !not_system(ch, name.v) ||
	    !v091_grant_check(ch, id, ACCESS_CONFIGURE, RESOURCE_EXCHANGE, name.v))
		return;
	engine_topic_delete(ch->conn->env->engine, ch->session, v091_channel_ask(ch, id, m->nowait, answer_plain)->cmd,
			    name.v, m->if_unused);
}

/* ---- bindings ---------------------------------------------------------------------------- */

typedef void (*bind_verb)(struct engine *, uint64_t session, uint64_t cmd, const struct binding_spec *);

/* Takes binding_spec without its arguments. */
static void bind_do(struct channel *ch, const struct asked *as, struct binding_spec *b,
		    const amqp_table_t *arguments, bind_verb verb)
{
	enum resource kind = b->to_topic ? RESOURCE_EXCHANGE : RESOURCE_QUEUE;
	struct arena a;
	struct table t;

	if (!v091_grant_check(ch, as->method, ACCESS_WRITE, kind, b->destination))
		return;
	if (b->to_topic && !not_default(ch, as->method, b->destination))
		return;
	if (!not_default(ch, as->method, b->source) ||
	    !v091_grant_check(ch, as->method, ACCESS_READ, RESOURCE_EXCHANGE, b->source))
		return;
	arena_init(&a);
	t = v091_table_in(arguments, &a);
	b->arguments = &t;
	verb(ch->conn->env->engine, ch->session, v091_channel_ask(ch, as->method, as->nowait, answer_plain)->cmd, b);
	arena_fini(&a);
}

void v091_on_exchange_bind(struct channel *ch, const void *method)
{
	const amqp_exchange_bind_t *m = method;
	struct asked as = {.method = AMQP_EXCHANGE_BIND_METHOD, .nowait = m->nowait};
	struct name from, to;
	struct binding_spec b = {.to_topic = true, .key = view_in(m->routing_key)};

	name_strip(&from, m->source);
	name_strip(&to, m->destination);
	b.source = from.v;
	b.destination = to.v;
	bind_do(ch, &as, &b, &m->arguments, engine_bind);
}

void v091_on_exchange_unbind(struct channel *ch, const void *method)
{
	const amqp_exchange_unbind_t *m = method;
	struct asked as = {.method = AMQP_EXCHANGE_UNBIND_METHOD, .nowait = m->nowait};
	struct name from, to;
	struct binding_spec b = {.to_topic = true, .key = view_in(m->routing_key)};

	name_strip(&from, m->source);
	name_strip(&to, m->destination);
	b.source = from.v;
	b.destination = to.v;
	bind_do(ch, &as, &b, &m->arguments, engine_unbind);
}

/* rabbitmq.md 3.1: queue "" is the last declared one; with key "" too, its name is the key. */
static bool queue_binding(struct channel *ch, uint32_t method, struct name *queue, struct name *exchange,
			  struct binding_spec *b)
{
	b->destination = queue->v;
	b->source = exchange->v;
	if (!v091_queue_named(ch, method, &b->destination))
		return false;
	if (!queue->v.n && !b->key.n)
		b->key = b->destination;
	return true;
}

void v091_on_queue_bind(struct channel *ch, const void *method)
{
	const amqp_queue_bind_t *m = method;
	struct asked as = {.method = AMQP_QUEUE_BIND_METHOD, .nowait = m->nowait};
	struct name queue, exchange;
	struct binding_spec b = {.key = view_in(m->routing_key)};

	name_strip(&queue, m->queue);
	name_strip(&exchange, m->exchange);
	if (queue_binding(ch, as.method, &queue, &exchange, &b))
		bind_do(ch, &as, &b, &m->arguments, engine_bind);
}

void v091_on_queue_unbind(struct channel *ch, const void *method)
{
	const amqp_queue_unbind_t *m = method;
	struct asked as = {.method = AMQP_QUEUE_UNBIND_METHOD};
	struct name queue, exchange;
	struct binding_spec b = {.key = view_in(m->routing_key)};

	name_strip(&queue, m->queue);
	name_strip(&exchange, m->exchange);
	if (queue_binding(ch, as.method, &queue, &exchange, &b))
		bind_do(ch, &as, &b, &m->arguments, engine_unbind);
}

/* ---- queues -------------------------------------------------------------------------------- */

/* A server-named queue is checked as some generated name would be (rabbitmq.md 5.1). */
static bool declare_granted(struct channel *ch, enum access_verb verb, struct view name)
{
	if (!name.n)
		name = VIEW("amq.gen-AAAAAAAAAAAAAAAAAAAAAA");
	return v091_grant_check(ch, AMQP_QUEUE_DECLARE_METHOD, verb, RESOURCE_QUEUE, name);
}

/* rabbitmq.md 3.16: a new queue may be read by, and its dead letter exchange written
 * to, whoever declares it. */
static bool letters_granted(struct channel *ch, struct view queue, const struct table *arguments)
{
	const struct value *v = table_find(arguments, VIEW("x-dead-letter-exchange"));
	struct queue_stat there;

	if (!v || v->type != VALUE_STRING || engine_queue_stat(ch->conn->env->engine, ch->conn->vhost, queue, &there))
		return true;
	return declare_granted(ch, ACCESS_READ, queue) &&
	       v091_grant_check(ch, AMQP_QUEUE_DECLARE_METHOD, ACCESS_WRITE, RESOURCE_EXCHANGE, v->s);
}

void v091_on_queue_declare(struct channel *ch, const void *method)
{
	const amqp_queue_declare_t *m = method;
	const uint32_t id = AMQP_QUEUE_DECLARE_METHOD;
	struct queue_spec spec = {
		.side = SIDE_LEGACY,
		.durable = m->durable && !m->exclusive, /* as RabbitMQ: the Java client's declared_otherwise */
		.exclusive = m->exclusive,
		.auto_delete = m->auto_delete,
		.passive = m->passive,
	};
	struct name name;
	struct arena a;
	struct table arguments;
	struct asked *as;

	name_strip(&name, m->queue);
	spec.name = name.v;
	if (spec.passive && !name.v.n) {
		v091_channel_fail(ch, AMQP_NOT_FOUND, id, "no queue '' in vhost '%.*s'", VIEW_ARG(ch->conn->vhost));
		return;
	}
	spec.passive |= view_starts(name.v, VIEW(ENGINE_REPLY_TO)); /* rabbitmq.md 4.26: all the same */
	if (!spec.passive && !declare_granted(ch, ACCESS_CONFIGURE, name.v))
		return;
	arena_init(&a);
	arguments = v091_table_in(&m->arguments, &a);
	spec.arguments = &arguments;
	if (!spec.passive && !letters_granted(ch, name.v, &arguments)) {
		arena_fini(&a);
		return;
	}
	if (!spec.passive)
		inert_tell(ch, name.v, &arguments);
	as = v091_channel_ask(ch, id, m->nowait, answer_declared);
	as->server_named = name.v.n == 0;
	ch->naming += as->server_named;
	if (name.v.n)
		view_keep(&ch->last_queue, name.v); /* a pipelined "" means this one */
	engine_queue_declare(ch->conn->env->engine, ch->session, as->cmd, &spec);
	arena_fini(&a);
}

void v091_on_queue_delete(struct channel *ch, const void *method)
{
	const amqp_queue_delete_t *m = method;
	const uint32_t id = AMQP_QUEUE_DELETE_METHOD;
	struct name name;

	name_strip(&name, m->queue);
	if (!v091_queue_named(ch, id, &name.v) || !v091_grant_check(ch, id, ACCESS_CONFIGURE, RESOURCE_QUEUE, name.v))
		return;
	ch->deleting++;
	engine_queue_delete(ch->conn->env->engine, ch->session,
			    v091_channel_ask(ch, id, m->nowait, answer_deleted)->cmd, name.v, m->if_unused,
			    m->if_empty);
}

void v091_on_queue_purge(struct channel *ch, const void *method)
{
	const amqp_queue_purge_t *m = method;
	const uint32_t id = AMQP_QUEUE_PURGE_METHOD;
	struct view queue = view_in(m->queue); /* as it is: RabbitMQ takes nothing out here */

	if (!v091_queue_named(ch, id, &queue) || !v091_grant_check(ch, id, ACCESS_READ, RESOURCE_QUEUE, queue))
		return;
	engine_queue_purge(ch->conn->env->engine, ch->session,
			   v091_channel_ask(ch, id, m->nowait, answer_count)->cmd, queue, false);
}
