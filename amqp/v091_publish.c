/* SPDX-License-Identifier: Apache-2.0 */
/* basic.publish and its content: method, header, body frames (0-9-1 §4.2.6). The
 * whole publish is read before it is answered, whatever is wrong with it. Body
 * octets go from the read buffer into the message's body, nowhere else. */
#include "amqp/v091_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

enum {
	CONTENT_HEADER_FIXED = 12,   /* class, weight, body size */
	SIZE_MAX_OF_ALL = 512 << 20, /* RabbitMQ's largest setting, which its text does not call configured */
};

bool v091_content_expected(const struct channel *ch)
{
	return ch->content && ch->content->state != CONTENT_NONE;
}

bool v091_content_storing(const struct channel *ch)
{
	return ch->content && ch->content->state == CONTENT_STORING;
}

static void content_enter(struct content *k, enum content_state state)
{
	struct conn *c = k->channel->conn;

	c->storing -= k->state == CONTENT_STORING;
	c->storing += state == CONTENT_STORING;
	k->state = state;
}

/* Is the disk so far behind that the sender should wait? */
static void behind_set(struct content *k, bool behind)
{
	struct conn *c = k->channel->conn;

	if (k->behind == behind)
		return;
	k->behind = behind;
	c->behind += behind ? 1 : -1u;
	v091_conn_pause(c);
}

static void content_reset(struct content *k)
{
	content_enter(k, CONTENT_NONE);
	if (k->outside)
		blob_abort(k->channel->conn->env->blobs, &k->write);
	k->outside = false;
	behind_set(k, false);
	body_unref(k->body);
	k->body = NULL;
	buf_clear(&k->header);
}

void v091_content_free(struct channel *ch)
{
	struct content *k = ch->content;

	if (!k)
		return;
	content_reset(k);
	buf_fini(&k->header);
	free(k);
	ch->content = NULL;
	if (ch->conn->close_waits) { /* perhaps for this one */
		v091_conn_arm(ch->conn);
		wire_touch(ch->conn->wire);
	}
}

void v091_on_publish(struct channel *ch, const void *method)
{
	const amqp_basic_publish_t *m = method;
	struct content *k = ch->content;

	if (!k) {
		k = ch->content = mem_zalloc(sizeof(*k));
		buf_init(&k->header, ch->conn->frame_max);
		k->channel = ch;
	}
	content_enter(k, CONTENT_HEADER);
	k->mandatory = m->mandatory;
	k->immediate = m->immediate;
	k->discard = false;
	k->longer = false;
	k->got = 0;
	k->exchange_n = (uint8_t)m->exchange.len;
	k->key_n = (uint8_t)m->routing_key.len;
	memcpy(k->exchange, m->exchange.bytes, m->exchange.len);
	memcpy(k->key, m->routing_key.bytes, m->routing_key.len);
}

/* ---- the finished publish ------------------------------------------------------------ */

/* Without its sign and leading zeros, as it is printed. */
static struct view digits_plain(struct view text)
{
	while (text.n > 1 && (text.p[0] == '+' || text.p[0] == '0'))
		text = view_skip(text, 1);
	return text;
}

/* Digits only, more than ten years of milliseconds? */
static bool expiration_long(struct view text)
{
	static const char most[] = "315360000000";
	struct view v = digits_plain(text);

	return v.n > sizeof(most) - 1 || (v.n == sizeof(most) - 1 && memcmp(v.p, most, v.n) > 0);
}

/* rabbitmq.md 4.4, in Erlang's words for what is wrong. */
static bool expiration_check(struct channel *ch, struct view text)
{
	size_t at = text.n && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0, digits = at;
	bool negative = at && text.p[0] == '-', zero = true;

	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		zero = text.p[digits++] == '0' && zero;
	if (digits == at) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_PUBLISH_METHOD,
			     "invalid expiration '%.*s': no_integer", VIEW_ARG(text));
		return false;
	}
	if (digits < text.n) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_PUBLISH_METHOD,
			     "invalid expiration '%.*s': {leftover_string,\"%.*s\"}", VIEW_ARG(text),
			     VIEW_ARG(view_skip(text, digits)));
		return false;
	}
	if (!negative && expiration_long(text)) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_PUBLISH_METHOD,
			     "invalid expiration '%.*s': {value_too_large,%.*s}", VIEW_ARG(text),
			     VIEW_ARG(digits_plain(text)));
		return false;
	}
	if (negative && !zero) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_PUBLISH_METHOD,
			     "invalid expiration '%.*s': {value_negative,%.*s}", VIEW_ARG(text), VIEW_ARG(text));
		return false;
	}
	return true;
}

static bool user_check(struct channel *ch, struct view said)
{
	struct conn *c = ch->conn;

	if (view_eq(said, c->user) || access_user_has_tag(c->env->access, c->user, "impersonator"))
		return true;
	/* rabbitmq.md 4.5 */
	v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_PUBLISH_METHOD,
		     "user_id property set to '%.*s' but authenticated user was '%.*s'", VIEW_ARG(said),
		     VIEW_ARG(c->user));
	return false;
}

/* rabbitmq.md 2.17 */
static bool copies_check(struct channel *ch, const char *header, uint8_t kind)
{
	if (!kind || kind == VALUE_ARRAY)
		return true;
	v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_PUBLISH_METHOD,
		     "invalid message: {unacceptable_type_in_header,\"%s\",%s}", header, value_type_name((char)kind));
	return false;
}

/* false: refused, the channel or connection has failed. */
static bool publish_check(struct channel *ch, const struct content *k, struct properties *p)
{
	const uint32_t id = AMQP_BASIC_PUBLISH_METHOD;
	uint64_t max = ch->conn->env->options.message_bytes_max;

	if (k->immediate) { /* rabbitmq.md 4.3 */
		v091_channel_fail(ch, AMQP_NOT_IMPLEMENTED, id, "immediate=true");
		return false;
	}
	if (k->size > max) { /* rabbitmq.md 4.6 */
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, id,
			     "message size %" PRIu64 " is larger than %smax size %" PRIu64, k->size,
			     max == SIZE_MAX_OF_ALL ? "" : "configured ", max);
		return false;
	}
	if (!v091_grant_check(ch, id, ACCESS_WRITE, RESOURCE_EXCHANGE, view_of(k->exchange, k->exchange_n)))
		return false;
	if (v091_properties_scan(buf_view(&k->header), p) != GUARD_OK) {
		v091_channel_fail(ch, AMQP_INTERNAL_ERROR, 0, "%s", ""); /* 1.22, in RabbitMQ's words: none */
		return false;
	}
	if (v091_reply_wanted(p->reply_to) && !ch->reply) { /* rabbitmq.md 4.26 */
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, id, "fast reply consumer does not exist");
		return false;
	}
	if (p->has_user_id && !user_check(ch, p->user_id))
		return false;
	if (p->has_expiration && !expiration_check(ch, p->expiration))
		return false;
	return copies_check(ch, "CC", p->cc) && copies_check(ch, "BCC", p->bcc);
}

/* Checked before: an integer in range, digits and a sign. */
static int64_t expiration_ms(struct view text)
{
	int64_t ms = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= '0' && text.p[i] <= '9')
			ms = ms * 10 + (text.p[i] - '0');
	return ms;
}

static struct message *message_make(struct channel *ch, struct content *k, const struct properties *p)
{
	struct conn *c = ch->conn;
	uint8_t id[16];
	struct message_spec spec = {
		.raw_kind = RAW_AMQP091,
		.priority = p->priority,
		.durable = p->delivery_mode == 2,
		.has_ttl = p->has_expiration,
		.ttl_ms = p->has_expiration ? expiration_ms(p->expiration) : 0,
		.id = id,
		.sent_ms = c->now.wall_ms,
		.exchange = view_of(k->exchange, k->exchange_n),
		.key = view_of(k->key, k->key_n),
		.user = c->user,
		.raw = buf_view(&k->header),
	};
	struct body *body = k->body;
	struct message *m;
	struct buf raw;

	if (p->bcc)
		k->header.p[1] |= V091_FLAG_BCC;
	buf_init(&raw, k->header.n + SHORTSTR_MAX);
	if (v091_reply_wanted(p->reply_to)) {
		v091_reply_to_put(spec.raw, p, v091_reply_address(ch), &raw);
		spec.raw = buf_view(&raw);
	}
	rng_uuid(c->env->rng, id);
	k->body = NULL;
	m = message_new(&spec, body);
	buf_fini(&raw);
	return m;
}

static void blocked_tell(struct conn *c)
{
	amqp_connection_blocked_t m = {.reason = bytes_out(view_str(c->blocked))};

	if (!c->client.blocked || c->blocked_said) /* rabbitmq.md 1.17 */
		return;
	c->blocked_said = true;
	v091_send_method(c, 0, AMQP_CONNECTION_BLOCKED_METHOD, &m);
}

/* flags: what the engine does with it beyond a confirm. */
static void message_give(struct channel *ch, unsigned flags, struct message *m)
{
	struct engine *e = ch->conn->env->engine;
	uint64_t tag = v091_confirm_next(ch);

	flags |= tag ? PUBLISH_CONFIRM : 0;
	if (!m->exchange.n)
		engine_send(e, ch->session, m->key, m, flags, -1, tag);
	else if (!engine_publish(e, ch->session, m->exchange, m->key, m, flags, tag))
		ch->state = CHANNEL_FAILING; /* nothing behind it is done (rabbitmq.md 2.22) */
}

/* The disk did not take its body: as when the store does not take its entry. */
static void publish_failed(struct channel *ch)
{
	uint64_t tag = v091_confirm_next(ch);

	log_warn("amqp.publish_failed", "peer=\"%s\" channel=%u text=\"its body could not be written\"",
		 ch->conn->wire->peer, ch->id);
	if (ch->tx)
		v091_channel_fail(ch, AMQP_INTERNAL_ERROR, AMQP_BASIC_PUBLISH_METHOD, "message body cannot be written");
	else if (tag)
		v091_confirm_done(ch, tag, false);
}

static void publish_do(struct channel *ch, struct content *k)
{
	struct conn *c = ch->conn;
	struct properties p;
	struct message *m;

	if (!publish_check(ch, k, &p))
		return;
	if (k->outside && !k->body) {
		publish_failed(ch);
		return;
	}
	m = message_make(ch, k, &p);
	if (!m) {
		v091_channel_fail(ch, AMQP_RESOURCE_ERROR, AMQP_BASIC_PUBLISH_METHOD, "out of memory");
		return;
	}
	c->wire->publishes = c->wire->published = true;
	message_give(ch, (k->mandatory ? PUBLISH_MANDATORY : 0) | (p.cc || p.bcc ? PUBLISH_COPIES : 0), m);
	message_unref(m);
	if (c->blocked)
		blocked_tell(c);
}

static void content_done(struct channel *ch)
{
	struct conn *c = ch->conn;
	struct content *k = ch->content;

	content_enter(k, CONTENT_NONE);
	publish_do(ch, k);
	/* A failure may have taken the channel, and the content with it. */
	if (c->state == CONN_RUNNING && ch->content)
		content_reset(ch->content);
}

/* ---- bodies that leave memory as they come (engine.md §3) ------------------------------- */

static void outside_moved(struct blob_write *w)
{
	struct content *k = LIST_ENTRY(w, struct content, write);

	if (w->waiting <= k->channel->conn->env->blobs->ahead_max / 2)
		behind_set(k, false);
}

/* Held frames may hold the next one; a close waits for the last. */
static void outside_done(struct blob_write *w, struct body *body)
{
	struct content *k = LIST_ENTRY(w, struct content, write);
	struct channel *ch = k->channel;
	struct conn *c = ch->conn;

	v091_conn_now(c);
	k->body = body;
	content_done(ch);
	if (c->state == CONN_RUNNING)
		v091_channel_release_held(ch);
	v091_conn_close_look(c);
}

/* A durable message that is large; its publisher says it in the header. */
static bool outside_wanted(struct channel *ch, const struct content *k)
{
	const struct blobs *b = ch->conn->env->blobs;
	struct properties p;

	return b && k->size >= b->bytes_min && v091_properties_scan(buf_view(&k->header), &p) == GUARD_OK &&
	       p.delivery_mode == 2;
}

static void outside_begin(struct channel *ch, struct content *k)
{
	k->outside = true;
	k->write.moved = outside_moved;
	k->write.done = outside_done;
	ch->conn->wire->publishes = true;
	blob_begin(ch->conn->env->blobs, &k->write);
}

/* false: memory is gone. */
static bool octets_add(struct channel *ch, struct content *k, struct view bytes)
{
	struct blobs *b = ch->conn->env->blobs;

	if (!k->outside) {
		if (!k->body)
			k->body = body_new(k->size);
		return k->body && body_append(k->body, bytes);
	}
	if (!blob_add(b, &k->write, bytes))
		return false;
	if (k->write.waiting > b->ahead_max)
		behind_set(k, true);
	return true;
}

/* ---- frames --------------------------------------------------------------------------- */

static void header_in(struct channel *ch, const struct frame *f)
{
	struct content *k = ch->content;
	uint16_t class_id = be16_get(f->bytes.p), weight = be16_get(f->bytes.p + 2);

	if (class_id != AMQP_BASIC_CLASS && weight == 0) {
		v091_conn_fail(ch->conn, AMQP_UNEXPECTED_FRAME, AMQP_BASIC_PUBLISH_METHOD,
			  "expected content header for class 60, got one for class %u instead", class_id);
		return;
	}
	if (weight) {
		v091_conn_fail(ch->conn, AMQP_UNEXPECTED_FRAME, AMQP_BASIC_PUBLISH_METHOD,
			  "expected content header for class 60, got non content header frame instead");
		return;
	}
	k->size = be64_get(f->bytes.p + 4);
	k->discard = k->size > ch->conn->env->options.message_bytes_max;
	buf_add(&k->header, view_skip(f->bytes, CONTENT_HEADER_FIXED));
	content_enter(k, CONTENT_BODY);
	if (k->size == 0)
		content_done(ch);
	else if (!k->discard && outside_wanted(ch, k))
		outside_begin(ch, k);
}

static void body_in(struct channel *ch, const struct frame *f)
{
	struct content *k = ch->content;

	if (f->bytes.n > k->size - k->got)
		k->longer = true; /* it never ends; refused with the next frame of another type */
	if (k->longer)
		return;
	k->got += f->bytes.n;
	if (!k->discard && f->bytes.n && !octets_add(ch, k, f->bytes)) {
		v091_conn_fail(ch->conn, AMQP_RESOURCE_ERROR, AMQP_BASIC_PUBLISH_METHOD, "out of memory");
		return;
	}
	if (k->got < k->size || !f->last)
		return;
	if (!k->outside) {
		content_done(ch);
		return;
	}
	content_enter(k, CONTENT_STORING);
	blob_end(ch->conn->env->blobs, &k->write);
}

/* rabbitmq.md 1.22 */
void v091_content_frame(struct channel *ch, const struct frame *f)
{
	enum content_state state = ch->content ? ch->content->state : CONTENT_NONE;

	if (state == CONTENT_HEADER && f->type == TYPE_HEADER)
		header_in(ch, f);
	else if (state == CONTENT_BODY && f->type == TYPE_BODY)
		body_in(ch, f);
	else if (!f->last)
		return; /* refused when the frame is complete */
	else if (state == CONTENT_NONE)
		v091_conn_fail(ch->conn, AMQP_UNEXPECTED_FRAME, 0,
			  "expected method frame, got non method frame instead");
	else if (state == CONTENT_HEADER)
		v091_conn_fail(ch->conn, AMQP_UNEXPECTED_FRAME, AMQP_BASIC_PUBLISH_METHOD,
			  "expected content header for class 60, got non content header frame instead");
	else
		v091_conn_fail(ch->conn, AMQP_UNEXPECTED_FRAME, AMQP_BASIC_PUBLISH_METHOD,
			  "expected content body, got non content body frame instead");
}

/* ---- what became of it ------------------------------------------------------------------ */

void v091_publish_answered(struct channel *ch, const struct event *ev)
{
	const struct error *e = ev->published.error;
	enum code code = e ? e->code : CODE_OK;

	/* rabbitmq.md 2.22, 2.9: no such exchange, an internal one */
	if (code != CODE_OK && code != CODE_UNAVAILABLE && ev->published.how != PUBLISHED_STORED) {
		v091_channel_refuse(ch, AMQP_BASIC_PUBLISH_METHOD, e);
		return;
	}
	if (ev->published.tag)
		v091_confirm_done(ch, ev->published.tag, ev->published.how == PUBLISHED_STORED);
}

/* rabbitmq.md 4.2: before the confirm, which waits for the end of the turn. */
void v091_publish_returned(struct channel *ch, const struct event *ev)
{
	const struct message *m = ev->returned.message;
	struct args a;

	v091_args_start(&a, AMQP_BASIC_RETURN_METHOD);
	v091_args_u16(&a, AMQP_NO_ROUTE);
	v091_args_short(&a, VIEW("NO_ROUTE"));
	v091_args_short(&a, m->exchange);
	v091_args_short(&a, m->key);
	v091_send_content(ch, &a, m, NULL);
}
