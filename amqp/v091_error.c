/* SPDX-License-Identifier: Apache-2.0 */
/* From an error to what the client sees: one table of reply codes, one from the
 * engine's codes to them. Soft ones close the channel, hard ones the connection
 * (0-9-1 §1.2); the reply text is `NAME - text`, at most 255 octets (rabbitmq.md
 * 1.24). Before the connection is open nothing is said at all (1.10). */
#include "amqp/v091_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

static const struct reply {
	uint16_t code;
	const char *name;
} replies[] = {
	{AMQP_CONNECTION_FORCED, "CONNECTION_FORCED"},
	{AMQP_ACCESS_REFUSED, "ACCESS_REFUSED"},
	{AMQP_NOT_FOUND, "NOT_FOUND"},
	{AMQP_RESOURCE_LOCKED, "RESOURCE_LOCKED"},
	{AMQP_PRECONDITION_FAILED, "PRECONDITION_FAILED"},
	{AMQP_FRAME_ERROR, "FRAME_ERROR"},
	{AMQP_SYNTAX_ERROR, "SYNTAX_ERROR"},
	{AMQP_COMMAND_INVALID, "COMMAND_INVALID"},
	{AMQP_CHANNEL_ERROR, "CHANNEL_ERROR"},
	{AMQP_UNEXPECTED_FRAME, "UNEXPECTED_FRAME"},
	{AMQP_RESOURCE_ERROR, "RESOURCE_ERROR"},
	{AMQP_NOT_ALLOWED, "NOT_ALLOWED"},
	{AMQP_NOT_IMPLEMENTED, "NOT_IMPLEMENTED"},
	{AMQP_INTERNAL_ERROR, "INTERNAL_ERROR"},
};
enum { REPLIES = sizeof(replies) / sizeof(replies[0]) };

static const uint16_t of_engine[CODES] = {
	[CODE_OK] = AMQP_INTERNAL_ERROR,
	[CODE_NOT_FOUND] = AMQP_NOT_FOUND,
	[CODE_DIFFERENT] = AMQP_PRECONDITION_FAILED,
	[CODE_EXISTS] = AMQP_PRECONDITION_FAILED,
	[CODE_LOCKED] = AMQP_RESOURCE_LOCKED,
	[CODE_REFUSED] = AMQP_ACCESS_REFUSED,
	[CODE_IN_USE] = AMQP_PRECONDITION_FAILED,
	[CODE_NOT_EMPTY] = AMQP_PRECONDITION_FAILED,
	[CODE_INVALID] = AMQP_PRECONDITION_FAILED,
	[CODE_EXPIRED] = AMQP_PRECONDITION_FAILED,
	[CODE_LIMIT] = AMQP_PRECONDITION_FAILED,
	[CODE_UNSUPPORTED] = AMQP_NOT_IMPLEMENTED,
	[CODE_UNAVAILABLE] = AMQP_INTERNAL_ERROR,
};

static const char *reply_name(uint16_t code)
{
	size_t i = 0;

	while (i < REPLIES && replies[i].code != code)
		i++;
	must(i < REPLIES);
	return replies[i].name;
}

/* `NAME - text`, or `NAME` without one; what is too long ends in "..." as RabbitMQ's does. */
__attribute__((format(printf, 3, 0)))
static void reply_text(char out[SHORTSTR_MAX + 1], uint16_t code, const char *fmt, va_list ap)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s - ", reply_name(code));
	int more = vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);

	if (more == 0)
		text[n - 3] = 0;
	if (n + more > SHORTSTR_MAX)
		snprintf(text + SHORTSTR_MAX - 3, 4, "...");
	memcpy(out, text, SHORTSTR_MAX);
	out[SHORTSTR_MAX] = 0;
}

static void conn_close_with(struct conn *c, const struct failure *f)
{
	amqp_connection_close_t m = {
		.reply_code = f->code,
		.reply_text = bytes_out(view_str(f->text)),
		.class_id = (uint16_t)(f->method >> 16),
		.method_id = (uint16_t)f->method,
	};

	log_info("amqp.connection_error", "peer=\"%s\" user=\"%.*s\" vhost=\"%.*s\" code=%u text=\"%s\"",
		 c->wire->peer, VIEW_ARG(c->user), VIEW_ARG(c->vhost), f->code, f->text);
	v091_conn_release(c);
	v091_send_method(c, 0, AMQP_CONNECTION_CLOSE_METHOD, &m);
	v091_conn_enter(c, CONN_CLOSING);
	c->deadline_ms = c->now.mono_ms + c->env->options.closing_ms;
	v091_conn_arm(c);
}

/* Only peers from tune-ok on, and those that conn_say names, are told why. */
static void conn_fail_with(struct conn *c, const struct failure *f, bool say)
{
	if (c->state >= CONN_CLOSING)
		return;
	if (say || c->state == CONN_OPEN || c->state == CONN_RUNNING) {
		conn_close_with(c, f);
		return;
	}
	log_info("amqp.handshake_error", "peer=\"%s\" code=%u text=\"%s\"", c->wire->peer, f->code, f->text);
	v091_conn_silent(c);
}

void v091_conn_fail(struct conn *c, uint16_t code, uint32_t method, const char *fmt, ...)
{
	struct failure f = {.code = code, .method = method};
	va_list ap;

	va_start(ap, fmt);
	reply_text(f.text, code, fmt, ap);
	va_end(ap);
	conn_fail_with(c, &f, false);
}

void v091_conn_say(struct conn *c, uint16_t code, uint32_t method, const char *fmt, ...)
{
	struct failure f = {.code = code, .method = method};
	va_list ap;

	va_start(ap, fmt);
	reply_text(f.text, code, fmt, ap);
	va_end(ap);
	conn_fail_with(c, &f, true);
}

static bool printable(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7E)
			return false;
	return v.n > 0;
}

/* Octets the way Erlang prints a binary: in quotes or as numbers. */
static void octets_text(char *out, size_t room, struct view v, bool text)
{
	size_t n;

	n = (size_t)snprintf(out, room, text ? "<<\"%.*s\"" : "<<", VIEW_ARG(v));
	for (size_t i = 0; i < v.n && !text && n + 8 < room; i++)
		n += (size_t)snprintf(out + n, room - n, i ? ",%u" : "%u", v.p[i]);
	snprintf(out + n, room - n, ">>");
}

void v091_conn_fail_frame(struct conn *c, uint16_t code, const struct frame *f, const char *what)
{
	char octets[128];

	octets_text(octets, sizeof(octets), f->snippet, printable(f->snippet));
	v091_conn_fail(c, code, 0, "type %u, %s octets = %s%s%s", f->type,
		  f->size > SNIPPET_MAX && f->snippet.n ? "first 16" : "all", octets, what ? ": " : "",
		  what ? what : "");
}

void v091_conn_fail_decode(struct conn *c, uint32_t method, struct view arguments)
{
	char octets[SHORTSTR_MAX + 8];

	octets_text(octets, sizeof(octets), arguments, false);
	v091_conn_fail(c, AMQP_FRAME_ERROR, method, "cannot decode %s", octets);
}

static void channel_close_with(struct channel *ch, const struct failure *f)
{
	struct conn *c = ch->conn;
	amqp_channel_close_t m = {
		.reply_code = f->code,
		.reply_text = bytes_out(view_str(f->text)),
		.class_id = (uint16_t)(f->method >> 16),
		.method_id = (uint16_t)f->method,
	};

	log_info("amqp.channel_error", "peer=\"%s\" channel=%u user=\"%.*s\" vhost=\"%.*s\" code=%u text=\"%s\"",
		 c->wire->peer, ch->id, VIEW_ARG(c->user), VIEW_ARG(c->vhost), f->code, f->text);
	v091_channel_session_end(ch);
	ch->state = CHANNEL_CLOSING;
	v091_send_method(c, ch->id, AMQP_CHANNEL_CLOSE_METHOD, &m);
}

static void channel_fail_with(struct channel *ch, const struct failure *f)
{
	if (ch->state != CHANNEL_OPEN)
		return;
	if (ch->asked) { /* the answers before it come first */
		ch->failure = mem_alloc(sizeof(*ch->failure));
		*ch->failure = *f;
		ch->state = CHANNEL_FAILING;
		return;
	}
	if (amqp_constant_is_hard_error(f->code))
		conn_fail_with(ch->conn, f, false);
	else
		channel_close_with(ch, f);
}

void v091_channel_fail(struct channel *ch, uint16_t code, uint32_t method, const char *fmt, ...)
{
	struct failure f = {.code = code, .method = method};
	va_list ap;

	va_start(ap, fmt);
	reply_text(f.text, code, fmt, ap);
	va_end(ap);
	channel_fail_with(ch, &f);
}

void v091_channel_refuse(struct channel *ch, uint32_t method, const struct error *e)
{
	v091_channel_asked_drop(ch);
	v091_channel_fail(ch, of_engine[e->code < CODES ? e->code : CODE_UNAVAILABLE], method, "%s", e->text);
}

void v091_channel_fail_now(struct channel *ch)
{
	struct failure f = *ch->failure;

	free(ch->failure);
	ch->failure = NULL;
	ch->state = CHANNEL_OPEN;
	channel_fail_with(ch, &f);
}
