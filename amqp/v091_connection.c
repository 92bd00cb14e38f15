/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: its states, its clock, and where its frames go. The
 * picture of the states is in v091_priv.h; the handshake has a file of its own. */
#include "amqp/v091_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { METHOD_POOL = 512 };

#define TO(state) (1u << (CONN_##state))
/* States that may follow each. */
static const uint16_t edges[CONN_STATES] = {
	[CONN_PROTOCOL] = TO(START) | TO(SILENT) | TO(CLOSED),
	[CONN_START] = TO(AUTH) | TO(CLOSING) | TO(SILENT) | TO(CLOSED),
	[CONN_AUTH] = TO(TUNE) | TO(CLOSING) | TO(SILENT) | TO(CLOSED),
	[CONN_TUNE] = TO(OPEN) | TO(SILENT) | TO(CLOSED),
	[CONN_OPEN] = TO(RUNNING) | TO(CLOSING) | TO(SILENT) | TO(CLOSED),
	[CONN_RUNNING] = TO(CLOSING) | TO(CLOSED),
	[CONN_CLOSING] = TO(CLOSED),
	[CONN_SILENT] = TO(CLOSED),
	[CONN_CLOSED] = 0,
};

void v091_conn_enter(struct conn *c, enum conn_state state)
{
	must(edges[c->state] & (1u << state));
	c->state = state;
}

void v091_options_default(struct v091_options *o)
{
	*o = (struct v091_options){
		.channel_max = 2047,
		.frame_max = 131072,
		.heartbeat = 60,
		.message_bytes_max = 128ull << 20,
		.handshake_ms = 10000,
		.silent_close_ms = 3000,
		.closing_ms = 30000,
		.grant_ms = 5000,
		.held_bytes_max = 1 << 20,
		.reply_bytes_max = 64 << 20,
		.version = "3.13.7",
	};
}

/* ---- time -------------------------------------------------------------------- */

/* Interval of our own heartbeats, and the silence that ends the connection
 * (rabbitmq.md 1.13); 0: no heartbeats. */
static int64_t beat_interval_ms(const struct conn *c)
{
	return (int64_t)c->heartbeat * 500;
}

static int64_t silence_max_ms(const struct conn *c)
{
	return (int64_t)c->heartbeat * 2000;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Publishes that are being stored were before a connection.close; a content that
 * nothing may go into comes to its end. */
static bool close_must_wait(const struct conn *c)
{
	return c->storing || v091_all_wait(c);
}

void v091_conn_arm(struct conn *c)
{
	struct wire *w = c->wire;
	int64_t at = c->state == CONN_RUNNING || c->state == CONN_CLOSED ? INT64_MAX : c->deadline_ms;

	if (c->heartbeat && (c->state == CONN_OPEN || c->state == CONN_RUNNING)) {
		int64_t beat = later(w->last_write_ms, c->beat_ms) + beat_interval_ms(c);
		int64_t dead = w->last_read_ms + silence_max_ms(c);

		at = beat < at ? beat : at;
		at = dead < at ? dead : at;
	}
	w->tick_at_ms = c->state == CONN_RUNNING && c->close_waits && !close_must_wait(c) ? 0 : at;
}

static void heartbeat_tick(struct conn *c)
{
	struct wire *w = c->wire;
	int64_t now = c->now.mono_ms;

	if (!c->heartbeat)
		return;
	if (now - w->last_read_ms >= silence_max_ms(c) && !w->paused) {
		log_info("amqp.heartbeat_missed", "peer=\"%s\" seconds=%u", w->peer, c->heartbeat);
		v091_conn_finish(c);
		return;
	}
	if (now - later(w->last_write_ms, c->beat_ms) < beat_interval_ms(c))
		return;
	c->beat_ms = now;
	if (w->out.bytes == 0 && !v091_all_wait(c)) /* else something is on its way anyhow */
		v091_send_heartbeat(c);
}

static void head_tick(void *head, struct now now)
{
	struct conn *c = head;

	c->now = now;
	v091_conn_close_look(c);
	if (c->state == CONN_CLOSED)
		return;
	if (c->deadline_ms == 0 && c->state == CONN_SILENT)
		c->deadline_ms = now.mono_ms + c->env->options.silent_close_ms;
	if (c->state != CONN_RUNNING && now.mono_ms >= c->deadline_ms)
		v091_conn_finish(c);
	else if (c->state == CONN_OPEN || c->state == CONN_RUNNING)
		heartbeat_tick(c);
	v091_conn_arm(c);
}

void v091_conn_writable(struct conn *c)
{
	if (c->engine)
		engine_connection_writable(c->env->engine, c->engine,
					   !c->wire_full && !c->close_waits && !v091_all_wait(c));
}

void v091_conn_pause(struct conn *c)
{
	bool pause = c->over || c->behind || c->close_waits || v091_senders_full(c);

	if (c->wire->paused == pause)
		return;
	c->wire->paused = pause;
	wire_touch(c->wire);
}

/* ---- ends --------------------------------------------------------------------- */

static void channels_free(struct conn *c)
{
	struct channel *ch;
	size_t at = 0;

	while ((ch = map64_next(&c->channels, &at, NULL)) != NULL) {
		v091_channel_free(ch);
		at = 0; /* the map has changed */
	}
}

static void release(struct conn *c, enum close_how how)
{
	if (c->engine) {
		uint64_t engine = c->engine;

		c->engine = 0; /* sessions end with it, not one by one */
		engine_connection_close(c->env->engine, engine, how);
	}
	channels_free(c);
	v091_senders_free(c);
	c->close_waits = false;
	v091_conn_pause(c);
}

void v091_conn_release(struct conn *c)
{
	release(c, CLOSE_ORDERLY);
}

void v091_conn_silent(struct conn *c)
{
	v091_conn_enter(c, CONN_SILENT);
	c->deadline_ms = 0;
	c->wire->tick_at_ms = 0;
	c->wire->paused = false;
	wire_touch(c->wire);
}

void v091_conn_finish(struct conn *c)
{
	v091_conn_enter(c, CONN_CLOSED);
	c->wire->closing = true;
	v091_conn_arm(c);
	wire_touch(c->wire);
}

/* 0-9-1 §1.4.2.8: no more work is accepted; what was not settled goes back. */
void v091_on_connection_close(struct conn *c, const void *m)
{
	amqp_connection_close_ok_t ok = {0};

	(void)m;
	if (close_must_wait(c)) {
		c->close_waits = true;
		v091_conn_pause(c);
		v091_conn_writable(c);
		return;
	}
	v091_conn_release(c);
	v091_send_method(c, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
	if (c->state == CONN_RUNNING) /* else theirs and ours have crossed (rabbitmq.md 1.19) */
		v091_conn_finish(c);
}

void v091_conn_close_look(struct conn *c)
{
	if (c->state != CONN_RUNNING || !c->close_waits || close_must_wait(c))
		return;
	c->close_waits = false;
	v091_on_connection_close(c, NULL);
}

void v091_on_connection_close_ok(struct conn *c, const void *m)
{
	(void)m;
	if (c->state == CONN_CLOSING)
		v091_conn_finish(c);
}

/* rabbitmq.md 1.18: our users have no secret that a session could outlive. */
void v091_on_update_secret(struct conn *c, const void *m)
{
	struct args a;

	(void)m;
	v091_args_start(&a, METHOD_UPDATE_SECRET_OK);
	v091_send_args(c, 0, &a);
}

/* ---- frames -------------------------------------------------------------------- */

/* Channel 0 carries methods and heartbeats only. */
static void frame_on_zero(struct conn *c, const struct frame *f)
{
	if (f->type == TYPE_METHOD)
		v091_method_on_connection(c, f);
	else if (c->state != CONN_CLOSING)
		v091_conn_fail_frame(c, AMQP_UNEXPECTED_FRAME, f, NULL);
}

/* A frame of a known type and large enough for it? */
static bool frame_sound(const struct frame *f)
{
	switch (f->type) {
	case TYPE_METHOD:
		return f->size >= 4;
	case TYPE_HEADER:
		return f->size >= 12;
	case TYPE_HEARTBEAT:
		return f->size == 0;
	case TYPE_BODY:
		return true;
	default:
		return false;
	}
}

static void frame_in(struct conn *c, const struct frame *f)
{
	if (!frame_sound(f)) {
		v091_conn_fail_frame(c, AMQP_FRAME_ERROR, f, "unknown_frame");
	} else if (f->type == TYPE_HEARTBEAT) {
		if (f->channel)
			v091_conn_fail_frame(c, AMQP_UNEXPECTED_FRAME, f, NULL);
	} else if (f->channel == 0) {
		if (f->last)
			frame_on_zero(c, f);
	} else if (c->state == CONN_RUNNING) {
		v091_channel_frame(c, f);
	} else if (c->state != CONN_CLOSING && f->last) {
		v091_conn_fail_frame(c, AMQP_UNEXPECTED_FRAME, f, NULL);
	}
}

/* rabbitmq.md 1.22 */
static void frame_bad(struct conn *c, enum frame_result r, const struct frame *f)
{
	char what[64];

	if (r == FRAME_BAD_END)
		snprintf(what, sizeof(what), "{invalid_frame_end_marker,%u}", f->end);
	else
		snprintf(what, sizeof(what), "{frame_too_large,%u,%u}", f->size,
			 c->parser.size_max - FRAME_OVERHEAD);
	v091_conn_fail_frame(c, AMQP_FRAME_ERROR, f, what);
}

static void frames_in(struct conn *c, struct view in)
{
	struct frame f;
	enum frame_result r;

	while (c->state < CONN_SILENT && c->state != CONN_AUTH &&
	       (r = v091_parser_next(&c->parser, &in, &f)) != FRAME_NEED) {
		if (r == FRAME_READY)
			frame_in(c, &f);
		else
			frame_bad(c, r, &f);
	}
	if (c->state == CONN_AUTH && in.n && !buf_add(&c->early, in))
		v091_conn_silent(c);
}

void v091_conn_input(struct conn *c, struct view in)
{
	if (c->state == CONN_PROTOCOL)
		v091_handshake_protocol(c, &in);
	if (c->state == CONN_AUTH) {
		if (!buf_add(&c->early, in))
			v091_conn_silent(c);
	} else if (in.n && c->state != CONN_PROTOCOL) {
		frames_in(c, in);
	}
	if (c->senders.n)
		v091_conn_pause(c);
	v091_conn_arm(c);
}

/* ---- the head -------------------------------------------------------------------- */

static void head_writable(void *head, bool writable)
{
	struct conn *c = head;

	c->wire_full = !writable;
	v091_conn_writable(c);
}

static void *head_open(void *env, struct wire *w, struct now now)
{
	struct conn *c = mem_zalloc(sizeof(*c));

	c->env = env;
	c->wire = w;
	c->now = now;
	c->frame_max = FRAME_MIN_MAX;
	c->deadline_ms = now.mono_ms + c->env->options.handshake_ms;
	c->beat_ms = now.mono_ms;
	v091_parser_init(&c->parser, FRAME_MIN_MAX);
	buf_init(&c->early, EARLY_BYTES_MAX);
	init_amqp_pool(&c->pool, METHOD_POOL);
	arena_init(&c->scratch);
	list_init(&c->sending);
	list_init(&c->ready);
	if (!c->env->unflushed.next) {
		list_init(&c->env->unflushed);
		list_init(&c->env->sending);
	}
	w->head = c;
	w->writable = head_writable;
	v091_conn_arm(c);
	return c;
}

static void head_input(void *head, struct view bytes, struct now now)
{
	struct conn *c = head;

	c->now = now;
	v091_conn_input(c, bytes);
}

static void head_stop(void *head, struct now now)
{
	struct conn *c = head;

	c->now = now;
	if (c->state == CONN_RUNNING)
		v091_conn_fail(c, AMQP_CONNECTION_FORCED, 0, "broker forced connection closure with reason 'shutdown'");
	else if (c->state != CONN_CLOSED) /* also who was told before and has not left since */
		v091_conn_finish(c);
}

static void head_close(void *head, enum wire_end end)
{
	struct conn *c = head;

	if (c->state == CONN_RUNNING)
		log_info("amqp.connection_lost", "peer=\"%s\" user=\"%.*s\" vhost=\"%.*s\"", c->wire->peer,
			 VIEW_ARG(c->user), VIEW_ARG(c->vhost));
	if (c->ticket)
		access_forget(c->env->access, c->ticket);
	release(c, end == WIRE_SHUTDOWN ? CLOSE_ORDERLY : CLOSE_LOST);
	map64_fini(&c->channels);
	v091_parser_fini(&c->parser);
	buf_fini(&c->early);
	empty_amqp_pool(&c->pool);
	arena_fini(&c->scratch);
	view_free(&c->user);
	view_free(&c->vhost);
	free(c);
}

const struct wire_head v091_head = {
	.name = "amqp091",
	.open = head_open,
	.input = head_input,
	.tick = head_tick,
	.stop = head_stop,
	.close = head_close,
};
