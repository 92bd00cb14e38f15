/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: which frames belong to which, in what order they are done, and what
 * the engine answers. A frame that must not overtake an outstanding answer is
 * kept in `held` as it came and taken up again when the last answer is there. */
#include "amqp/v091_priv.h"

#include "base/log.h"

/* ---- life ---------------------------------------------------------------------- */

static struct channel *channel_find(struct conn *c, uint16_t id)
{
	if (!c->last || c->last->id != id)
		c->last = map64_find(&c->channels, id);
	return c->last;
}

static void held_over(struct channel *ch, bool over)
{
	struct conn *c = ch->conn;

	if (ch->over == over)
		return;
	ch->over = over;
	c->over += over ? 1 : -1u;
	v091_conn_pause(c);
}

static void asked_pop(struct channel *ch)
{
	struct asked *a = ch->asked;

	ch->asked = a->next;
	if (!ch->asked)
		ch->asked_end = &ch->asked;
	free(a);
}

void v091_channel_asked_drop(struct channel *ch)
{
	while (ch->asked)
		asked_pop(ch);
	ch->naming = ch->deleting = 0;
	free(ch->failure);
	ch->failure = NULL;
	if (ch->state == CHANNEL_FAILING)
		ch->state = CHANNEL_OPEN;
}

/* After that no event of the session comes. */
void v091_channel_session_end(struct channel *ch)
{
	if (ch->session && ch->conn->engine)
		engine_session_close(ch->conn->env->engine, ch->session, CLOSE_ORDERLY);
	ch->session = 0;
	v091_channel_asked_drop(ch);
	v091_consumers_free(ch);
	v091_reply_free(ch);
	v091_unsettled_free(ch);
	v091_confirms_free(ch);
	v091_tx_free(ch);
	v091_content_free(ch);
	v091_grants_free(ch);
}

void v091_channel_free(struct channel *ch)
{
	struct conn *c = ch->conn;

	v091_channel_session_end(ch);
	held_over(ch, false);
	map64_remove(&c->channels, ch->id);
	if (c->last == ch)
		c->last = NULL;
	if (c->replaying == ch) {
		c->replaying = NULL;
		c->replay_rest = ch->held;
		c->replay_at = ch->held_at;
	} else {
		buf_fini(&ch->held);
	}
	view_free(&ch->last_queue);
	free(ch);
}

static void channel_new(struct conn *c, uint16_t id)
{
	struct channel *ch = mem_zalloc(sizeof(*ch));
	/* What comes in one read beyond the mark is still taken. */
	size_t held_max = (size_t)c->env->options.held_bytes_max * 2 + HELD_READ_MAX;

	ch->conn = c;
	ch->id = id;
	ch->asked_end = &ch->asked;
	buf_init(&ch->held, held_max);
	list_init(&ch->unflushed);
	list_init(&ch->cancelled);
	ch->tag_next = 1;
	map64_put(&c->channels, id, ch);
	ch->session = engine_session_open(c->env->engine, c->engine, ch);
}

/* ---- methods of class channel ------------------------------------------------------ */

/* This one is open; the first comes in frame_unopened (rabbitmq.md 1.22). */
void v091_on_channel_open(struct channel *ch, const void *m)
{
	(void)m;
	v091_conn_fail(ch->conn, AMQP_CHANNEL_ERROR, AMQP_CHANNEL_OPEN_METHOD, "second 'channel.open' seen");
}

void v091_on_channel_close(struct channel *ch, const void *m)
{
	struct conn *c = ch->conn;
	amqp_channel_close_ok_t ok = {0};
	uint16_t id = ch->id;
	bool ours_too = ch->state == CHANNEL_CLOSING;

	(void)m;
	if (!ours_too) /* else the close-ok for ours is still to come */
		v091_channel_free(ch);
	v091_send_method(c, id, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
}

void v091_on_channel_close_ok(struct channel *ch, const void *m)
{
	(void)m;
	if (ch->state == CHANNEL_CLOSING)
		v091_channel_free(ch);
	else
		v091_channel_fail(ch, AMQP_COMMAND_INVALID, AMQP_CHANNEL_CLOSE_OK_METHOD, "unimplemented method");
}

/* rabbitmq.md 1.25 */
void v091_on_channel_flow(struct channel *ch, const void *method)
{
	const amqp_channel_flow_t *m = method;
	amqp_channel_flow_ok_t ok = {.active = 1};

	if (m->active)
		v091_send_method(ch->conn, ch->id, AMQP_CHANNEL_FLOW_OK_METHOD, &ok);
	else
		v091_channel_fail(ch, AMQP_NOT_IMPLEMENTED, AMQP_CHANNEL_FLOW_METHOD, "active=false");
}

/* rabbitmq.md 1.28 */
void v091_on_access_request(struct channel *ch, const void *m)
{
	amqp_access_request_ok_t ok = {.ticket = 1};

	(void)m;
	v091_send_method(ch->conn, ch->id, AMQP_ACCESS_REQUEST_OK_METHOD, &ok);
}

/* ---- frames --------------------------------------------------------------------------- */

/* 0-9-1 §4.2.6; rabbitmq.md 1.22. The channel is open. */
static void frame_do(struct channel *ch, const struct frame *f)
{
	bool method = f->type == TYPE_METHOD;
	uint32_t id = method ? v091_frame_method(f) : 0;
	bool closing = ch->state == CHANNEL_CLOSING;

	if (!closing && (!method || v091_content_expected(ch)))
		v091_content_frame(ch, f);
	else if (!closing || id == AMQP_CHANNEL_OPEN_METHOD || id == AMQP_CHANNEL_CLOSE_METHOD ||
		 id == AMQP_CHANNEL_CLOSE_OK_METHOD)
		v091_method_on_channel(ch, f); /* closing: nothing else counts (rabbitmq.md 1.26) */
}

/* A number that is not in use: only channel.open may come (rabbitmq.md 1.21, 1.22). */
static void frame_unopened(struct conn *c, const struct frame *f)
{
	amqp_channel_open_ok_t ok = {0};
	uint32_t id = v091_frame_method(f);

	if (!f->last)
		return;
	if (c->channels.n >= c->channel_max) {
		v091_conn_fail(c, AMQP_NOT_ALLOWED, 0,
			  "number of channels opened (%zu) has reached the negotiated channel_max (%u)",
			  c->channels.n, c->channel_max);
	} else if (f->type != TYPE_METHOD) {
		v091_conn_fail(c, AMQP_UNEXPECTED_FRAME, 0, "expected method frame, got non method frame instead");
	} else if (!v091_method_sound(c, f)) {
		return;
	} else if (id != AMQP_CHANNEL_OPEN_METHOD) {
		v091_conn_fail(c, AMQP_CHANNEL_ERROR, id, "expected 'channel.open'");
	} else {
		channel_new(c, f->channel);
		v091_send_method(c, f->channel, AMQP_CHANNEL_OPEN_OK_METHOD, &ok);
	}
}

static bool must_wait(const struct channel *ch, uint8_t type, uint32_t method)
{
	if (ch->state == CHANNEL_FAILING || v091_content_storing(ch))
		return true;
	if (!ch->asked || type != TYPE_METHOD || v091_content_expected(ch))
		return false;
	return ch->naming || !v091_method_pipelines(method);
}

/* Kept as: type, last, announced size, octets here, octets. */
enum { HELD_HEAD = 10 };

static void hold(struct channel *ch, const struct frame *f)
{
	struct buf *b = &ch->held;

	buf_add_u8(b, f->type);
	buf_add_u8(b, f->last);
	buf_add_u32(b, f->size);
	buf_add_u32(b, (uint32_t)f->bytes.n);
	if (!buf_add(b, f->bytes)) {
		v091_conn_fail(ch->conn, AMQP_RESOURCE_ERROR, 0, "too much sent behind an unanswered method");
		return;
	}
	if (b->n - ch->held_at > ch->conn->env->options.held_bytes_max)
		held_over(ch, true);
}

/* The record at *at; false: none left. */
static bool held_next(struct view held, size_t *at, uint16_t channel, struct frame *f)
{
	struct reader r = reader_of(view_skip(held, *at));

	if (!r.v.n)
		return false;
	memset(f, 0, sizeof(*f));
	f->channel = channel;
	f->type = reader_u8(&r);
	f->last = reader_u8(&r) != 0;
	f->size = reader_u32(&r);
	f->bytes = reader_bytes(&r, reader_u32(&r));
	f->snippet = view_head(f->bytes, SNIPPET_MAX);
	must(!r.bad);
	*at += HELD_HEAD + f->bytes.n;
	return true;
}

void v091_channel_frame(struct conn *c, const struct frame *f)
{
	struct channel *ch = channel_find(c, f->channel);
	bool method = f->type == TYPE_METHOD;
	uint32_t id = method ? v091_frame_method(f) : 0;

	if (method && ch && ch->state == CHANNEL_OPEN && !ch->asked && !ch->held.n && !v091_content_expected(ch)) {
		v091_method_on_channel(ch, f); /* the usual case; the others come to the same */
	} else if (method && !v091_method_known(id)) {
		v091_method_unknown(c, f);
	} else if (!ch) {
		frame_unopened(c, f);
	} else if (ch->held.n || must_wait(ch, f->type, id)) {
		hold(ch, f);
	} else {
		frame_do(ch, f);
	}
}

/* The channel was closed by a held frame: what is behind it may open it anew. */
static void held_rest(struct conn *c, uint16_t id)
{
	struct buf rest = c->replay_rest;
	size_t at = c->replay_at;
	struct frame f;

	while (c->state == CONN_RUNNING && held_next(buf_view(&rest), &at, id, &f))
		v091_channel_frame(c, &f);
	buf_fini(&rest);
}

void v091_channel_release_held(struct channel *ch)
{
	struct conn *c = ch->conn;
	uint16_t id = ch->id;
	struct frame f;
	size_t next = ch->held_at;

	if (!ch->held.n || c->replaying)
		return;
	c->replaying = ch;
	while (c->replaying && c->state == CONN_RUNNING && held_next(buf_view(&ch->held), &next, id, &f) &&
	       !must_wait(ch, f.type, v091_frame_method(&f))) {
		ch->held_at = next;
		frame_do(ch, &f);
	}
	if (!c->replaying) {
		held_rest(c, id);
		return;
	}
	c->replaying = NULL;
	if (ch->held_at < ch->held.n)
		return;
	buf_clear(&ch->held);
	ch->held_at = 0;
	held_over(ch, false);
}

/* ---- answers ----------------------------------------------------------------------------- */

struct asked *v091_channel_ask(struct channel *ch, uint32_t method, bool nowait,
			  void (*answer)(struct channel *, const struct asked *, const struct event *))
{
	struct asked *a = mem_zalloc(sizeof(*a));

	a->cmd = ++ch->cmd_next;
	a->method = method;
	a->nowait = nowait;
	a->answer = answer;
	*ch->asked_end = a;
	ch->asked_end = &a->next;
	return a;
}

static void answered(struct channel *ch, uint64_t cmd, const struct error *e, const struct event *ev)
{
	struct asked *a = ch->asked;

	must(a && a->cmd == cmd);
	if (e && e->code != CODE_OK) {
		v091_channel_refuse(ch, a->method, e);
		return;
	}
	a->answer(ch, a, ev);
	asked_pop(ch);
	if (!ch->asked && ch->failure)
		v091_channel_fail_now(ch);
}

static void said_blocked(struct conn *c, const char *reason)
{
	amqp_connection_unblocked_t m = {0};

	c->blocked = reason;
	if (!reason && c->blocked_said) {
		v091_send_method(c, 0, AMQP_CONNECTION_UNBLOCKED_METHOD, &m);
		c->blocked_said = false;
	}
}

/* Everything the engine raises for a connection. */
void v091_channel_events(void *ctx, const struct event *ev)
{
	struct conn *c = ctx;
	struct channel *ch = ev->session_ctx;

	if (c->state != CONN_RUNNING) /* on its way out without a word */
		return;
	v091_conn_now(c);
	switch (ev->kind) {
	case EVENT_DONE:
		answered(ch, ev->done.cmd, ev->done.error, ev);
		break;
	case EVENT_RECEIVED:
		answered(ch, ev->received.cmd, ev->received.error, ev);
		break;
	case EVENT_PUBLISHED:
		v091_publish_answered(ch, ev);
		break;
	case EVENT_RETURNED:
		v091_publish_returned(ch, ev);
		return;
	case EVENT_DELIVERED:
		if (ch->reply && ev->delivered.consumer_ctx == ch->reply)
			v091_reply_delivered(ch, ev);
		else
			v091_delivered(ch, ev);
		return;
	case EVENT_CANCELLED:
		v091_cancelled(ch, ev);
		return;
	case EVENT_BLOCKED:
	case EVENT_UNBLOCKED:
		said_blocked(c, ev->kind == EVENT_BLOCKED ? ev->blocked.reason : NULL);
		return;
	case EVENT_LEASE_ENDED: /* settling it later is ignored by the engine */
		return;
	}
	if (c->state == CONN_RUNNING)
		v091_channel_release_held(ch);
}
