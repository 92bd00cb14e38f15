/* SPDX-License-Identifier: Apache-2.0 */
/* From the protocol header to connection.open-ok (0-9-1 §2.2.4; rabbitmq.md
 * 1.1–1.15). Who is not yet open is not told what he did wrong: the connection
 * just closes after a while, save for the two refusals that clients look for. */
#include "amqp/v091_priv.h"

#include <stdio.h>

#include "base/log.h"

/* ---- protocol header ------------------------------------------------------------ */

static void send_start(struct conn *c);

/* rabbitmq.md 1.2, 1.3: our own header, and the end. */
static void protocol_refuse(struct conn *c)
{
	static const uint8_t ours[8] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
	const uint8_t *p = c->protocol;

	log_info("amqp.protocol_refused", "peer=\"%s\" header=%02x%02x%02x%02x%02x%02x%02x%02x", c->wire->peer,
		 p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
	out_add(&c->wire->out, view_of(ours, sizeof(ours)));
	v091_conn_finish(c);
}

void v091_handshake_protocol(struct conn *c, struct view *in)
{
	static const uint8_t v091[8] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
	static const uint8_t v09[8] = {'A', 'M', 'Q', 'P', 1, 1, 0, 9};
	size_t n = sizeof(c->protocol) - c->protocol_n;

	if (n > in->n)
		n = in->n;
	memcpy(c->protocol + c->protocol_n, in->p, n);
	c->protocol_n = (uint8_t)(c->protocol_n + n);
	*in = view_skip(*in, n);
	if (c->protocol_n < sizeof(c->protocol))
		return;
	if (memcmp(c->protocol, v091, sizeof(v091)) == 0 || memcmp(c->protocol, v09, sizeof(v09)) == 0)
		send_start(c);
	else
		protocol_refuse(c);
}

/* ---- start ------------------------------------------------------------------------ */

static amqp_table_entry_t entry(const char *key, uint8_t kind, amqp_bytes_t text)
{
	amqp_table_entry_t e = {.key = bytes_out(view_str(key)), .value.kind = kind};

	if (kind == AMQP_FIELD_KIND_BOOLEAN)
		e.value.value.boolean = 1;
	else
		e.value.value.bytes = text;
	return e;
}

/* rabbitmq.md 1.5; what this build does not do is not promised. */
static const char *const capabilities[] = {
	"publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
	"connection.blocked", "authentication_failure_close", "per_consumer_qos", "direct_reply_to",
};
enum { CAPABILITIES = sizeof(capabilities) / sizeof(capabilities[0]) };

/* rabbitmq.md 1.4, 1.6 */
static void send_start(struct conn *c)
{
	static const struct {
		const char *key, *text;
	} texts[] = {
		{"cluster_name", "mqbridge"},
		{"copyright", "The mqbridge authors"},
		{"information", "mqbridge " MQB_VERSION ", RabbitMQ's dialect of AMQP 0-9-1"},
		{"platform", "C"},
		{"product", "RabbitMQ"},
	};
	enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
	amqp_table_entry_t can[CAPABILITIES], props[TEXTS + 2];
	amqp_connection_start_t m = {
		.version_minor = 9,
		.server_properties = {TEXTS + 2, props},
		.mechanisms = bytes_out(VIEW("AMQPLAIN PLAIN")),
		.locales = bytes_out(VIEW("en_US")),
	};

	for (size_t i = 0; i < CAPABILITIES; i++)
		can[i] = entry(capabilities[i], AMQP_FIELD_KIND_BOOLEAN, amqp_empty_bytes);
	props[0] = entry("capabilities", AMQP_FIELD_KIND_TABLE, amqp_empty_bytes);
	props[0].value.value.table = (amqp_table_t){CAPABILITIES, can};
	for (size_t i = 0; i < TEXTS; i++)
		props[i + 1] = entry(texts[i].key, AMQP_FIELD_KIND_UTF8, bytes_out(view_str(texts[i].text)));
	props[TEXTS + 1] = entry("version", AMQP_FIELD_KIND_UTF8, bytes_out(view_str(c->env->options.version)));
	v091_conn_enter(c, CONN_START);
	v091_send_method(c, 0, AMQP_CONNECTION_START_METHOD, &m);
}

/* ---- who is it? --------------------------------------------------------------------- */

static const amqp_field_value_t *table_get(const amqp_table_t *t, const char *key, uint8_t kind)
{
	for (int i = 0; i < t->num_entries; i++)
		if (view_is(view_in(t->entries[i].key), key) && t->entries[i].value.kind == kind)
			return &t->entries[i].value;
	return NULL;
}

static bool flag_of(const amqp_table_t *t, const char *key)
{
	const amqp_field_value_t *v = table_get(t, key, AMQP_FIELD_KIND_BOOLEAN);

	return v && v->value.boolean;
}

/* Clients that keep a content under way for each channel: pika, py-amqp, RabbitMQ's
 * own (Java, .NET, Erlang), rabbitmq-c, amqplib of Node, php-amqplib, those of Go. */
static bool product_mixes(struct view product)
{
	static const struct view known[] = {
		VIEW("Pika Python Client Library"), VIEW("py-amqp"), VIEW("RabbitMQ"), VIEW("rabbitmq-c"),
		VIEW("amqplib"), VIEW("AMQPLib"), VIEW("AMQP 0.9.1 Client"),
		VIEW("https://github.com/streadway/amqp"),
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (view_eq(product, known[i]))
			return true;
	return false;
}

static void client_note(struct conn *c, const amqp_table_t *properties)
{
	const amqp_field_value_t *v = table_get(properties, "product", AMQP_FIELD_KIND_UTF8);

	c->client.mixes = v && product_mixes(view_in(v->value.bytes));
	v = table_get(properties, "capabilities", AMQP_FIELD_KIND_TABLE);
	if (!v)
		return;
	c->client.close_on_refusal = flag_of(&v->value.table, "authentication_failure_close");
	c->client.cancel_notify = flag_of(&v->value.table, "consumer_cancel_notify");
	c->client.blocked = flag_of(&v->value.table, "connection.blocked");
}

/* [authzid] NUL user NUL password (rabbitmq.md 1.7) */
static bool plain_parse(struct view response, struct view *user, struct view *password)
{
	const uint8_t *first = response.n ? memchr(response.p, 0, response.n) : NULL, *second;
	struct view rest;

	if (!first)
		return false;
	rest = view_skip(response, (size_t)(first - response.p) + 1);
	second = rest.n ? memchr(rest.p, 0, rest.n) : NULL;
	if (!second)
		return false;
	*user = view_head(rest, (size_t)(second - rest.p));
	*password = view_skip(rest, user->n + 1);
	return !password->n || !memchr(password->p, 0, password->n);
}

/* A field table without its length (rabbitmq.md 1.7). The views alias the pool. */
static bool amqplain_parse(struct conn *c, struct view response, struct view *user, struct view *password)
{
	uint8_t *copy = amqp_pool_alloc(&c->pool, response.n + 4);
	const amqp_field_value_t *login, *secret;
	struct reader r;
	amqp_table_t t;
	size_t at = 0;

	if (!copy)
		return false;
	be32_put(copy, (uint32_t)response.n);
	memcpy(copy + 4, response.p, response.n);
	r = reader_of(view_of(copy, response.n + 4));
	if (v091_table_guard(&r) != GUARD_OK ||
	    amqp_decode_table((amqp_bytes_t){response.n + 4, copy}, &c->pool, &t, &at) < 0)
		return false;
	login = table_get(&t, "LOGIN", AMQP_FIELD_KIND_UTF8);
	secret = table_get(&t, "PASSWORD", AMQP_FIELD_KIND_UTF8);
	if (!login || !secret)
		return false;
	*user = view_in(login->value.bytes);
	*password = view_in(secret->value.bytes);
	return true;
}

static void send_tune(struct conn *c)
{
	const struct v091_options *o = &c->env->options;
	amqp_connection_tune_t m = {
		.channel_max = o->channel_max,
		.frame_max = o->frame_max,
		.heartbeat = o->heartbeat,
	};

	v091_conn_enter(c, CONN_TUNE);
	v091_send_method(c, 0, AMQP_CONNECTION_TUNE_METHOD, &m);
}

/* rabbitmq.md 1.8, 1.9 */
static void refuse(struct conn *c)
{
	const char *mechanism = c->amqplain ? "AMQPLAIN" : "PLAIN";

	log_warn("amqp.login_refused", "peer=\"%s\" user=\"%.*s\" mechanism=%s", c->wire->peer, VIEW_ARG(c->user),
		 mechanism);
	if (c->client.close_on_refusal)
		v091_conn_say(c, AMQP_ACCESS_REFUSED, 0,
			 "Login was refused using authentication mechanism %s. For details see the broker "
			 "logfile.",
			 mechanism);
	else
		v091_conn_silent(c);
}

static void authenticated(void *ctx, enum code code, const char *text)
{
	struct conn *c = ctx;
	struct buf early = c->early;

	(void)text; /* the peer is not told why */
	c->ticket = 0;
	v091_conn_now(c);
	c->wire->paused = false;
	buf_init(&c->early, EARLY_BYTES_MAX);
	if (code == CODE_OK)
		send_tune(c);
	else
		refuse(c);
	if (early.n)
		v091_conn_input(c, buf_view(&early));
	buf_fini(&early);
	v091_conn_arm(c);
	wire_touch(c->wire);
}

void v091_on_start_ok(struct conn *c, const void *method)
{
	const amqp_connection_start_ok_t *m = method;
	struct view mechanism = view_in(m->mechanism), user, password;
	bool plain = view_is(mechanism, "PLAIN");

	c->amqplain = view_is(mechanism, "AMQPLAIN");
	client_note(c, &m->client_properties);
	/* rabbitmq.md 1.10 */
	if (!(plain && plain_parse(view_in(m->response), &user, &password)) &&
	    !(c->amqplain && amqplain_parse(c, view_in(m->response), &user, &password))) {
		log_info("amqp.login_malformed", "peer=\"%s\" mechanism=\"%.*s\"", c->wire->peer,
			 VIEW_ARG(mechanism));
		v091_conn_silent(c);
		return;
	}
	view_keep(&c->user, user);
	v091_conn_enter(c, CONN_AUTH);
	c->wire->paused = true;
	c->ticket = access_authenticate(c->env->access, user, password, c->wire->loopback, authenticated, c);
}

/* ---- tune, open ------------------------------------------------------------------------ */

/* rabbitmq.md 1.12: 0 would mean no limit, which is more than was offered. */
void v091_on_tune_ok(struct conn *c, const void *method)
{
	const amqp_connection_tune_ok_t *m = method;
	const struct v091_options *o = &c->env->options;

	if (m->channel_max == 0 || m->channel_max > o->channel_max || m->frame_max < FRAME_MIN_MAX ||
	    (uint32_t)m->frame_max > o->frame_max) {
		log_info("amqp.tune_refused", "peer=\"%s\" channel_max=%u frame_max=%u", c->wire->peer,
			 m->channel_max, (unsigned)m->frame_max);
		v091_conn_silent(c);
		return;
	}
	c->channel_max = m->channel_max;
	c->frame_max = (uint32_t)m->frame_max;
	c->heartbeat = m->heartbeat;
	v091_parser_limit(&c->parser, c->frame_max);
	v091_conn_enter(c, CONN_OPEN);
}

void v091_on_connection_open(struct conn *c, const void *method)
{
	const amqp_connection_open_t *m = method;
	struct view vhost = view_in(m->virtual_host);
	struct connection_spec spec = {.kind = SESSION_AMQP091, .event = v091_channel_events, .ctx = c};
	amqp_connection_open_ok_t ok = {0};

	/* rabbitmq.md 1.15 */
	if (!access_vhost_has(c->env->access, vhost)) {
		v091_conn_say(c, AMQP_NOT_ALLOWED, AMQP_CONNECTION_OPEN_METHOD, "vhost %.*s not found",
			 VIEW_ARG(vhost));
		return;
	}
	if (!access_may_enter(c->env->access, c->user, vhost)) {
		v091_conn_say(c, AMQP_NOT_ALLOWED, AMQP_CONNECTION_OPEN_METHOD,
			 "access to vhost '%.*s' refused for user '%.*s'", VIEW_ARG(vhost), VIEW_ARG(c->user));
		return;
	}
	view_keep(&c->vhost, vhost);
	spec.vhost = c->vhost;
	spec.user = c->user;
	c->engine = engine_connection_open(c->env->engine, &spec);
	v091_conn_enter(c, CONN_RUNNING);
	v091_send_method(c, 0, AMQP_CONNECTION_OPEN_OK_METHOD, &ok);
	log_info("amqp.connection_open", "peer=\"%s\" user=\"%.*s\" vhost=\"%.*s\"", c->wire->peer,
		 VIEW_ARG(c->user), VIEW_ARG(c->vhost));
}
