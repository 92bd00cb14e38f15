/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an HTTP connection: a wire head that feeds the parser, keeps what
 * was pipelined behind a request without answer, and closes idle ones. Every
 * buffer belongs to the connection and is used again by its next request. */
#include <stdlib.h>

#include "base/log.h"
#include "net/http_priv.h"

void http_enter(struct http_conn *c, enum http_state to)
{
	static const bool edges[HTTP_AT_CLOSING + 1][HTTP_AT_CLOSING + 1] = {
		[HTTP_AT_IDLE] = {[HTTP_AT_HEAD] = true, [HTTP_AT_CLOSING] = true},
		[HTTP_AT_HEAD] = {[HTTP_AT_BODY] = true, [HTTP_AT_CLOSING] = true},
		[HTTP_AT_BODY] = {[HTTP_AT_BUSY] = true, [HTTP_AT_CLOSING] = true},
		[HTTP_AT_BUSY] = {[HTTP_AT_IDLE] = true, [HTTP_AT_CLOSING] = true},
	};

	must(edges[c->state][to]);
	c->state = to;
	c->since_ms = http_now(c).mono_ms;
	if (to == HTTP_AT_CLOSING)
		c->wire->closing = true;
}

struct now http_now(const struct http_conn *c)
{
	return c->wire->now ? *c->wire->now : c->now;
}

/* The next tick: at once when pipelined bytes can be parsed, else the idle limit. */
static void tick_set(struct http_conn *c)
{
	bool waiting = c->state == HTTP_AT_IDLE || c->state == HTTP_AT_HEAD || c->state == HTTP_AT_BODY;

	if (c->state == HTTP_AT_IDLE && c->kept_at < c->kept.n)
		c->wire->tick_at_ms = 0;
	else if (waiting && c->service->idle_ms)
		c->wire->tick_at_ms = c->since_ms + c->service->idle_ms;
	else
		c->wire->tick_at_ms = INT64_MAX;
}

void http_next(struct http_conn *c)
{
	if (!c->parsing)
		tick_set(c);
	wire_touch(c->wire);
}

static void keep(struct http_conn *c, struct view bytes)
{
	if (!bytes.n || c->state == HTTP_AT_CLOSING)
		return;
	buf_consume(&c->kept, c->kept_at);
	c->kept_at = 0;
	if (!buf_add(&c->kept, bytes)) {
		http_enter(c, HTTP_AT_CLOSING); /* only a driver that ignores `paused` comes here */
		return;
	}
	if (c->kept.n >= HTTP_KEPT_PAUSE)
		c->wire->paused = true;
}

static void kept_parse(struct http_conn *c)
{
	c->kept_at += http_parse(c, view_skip(buf_view(&c->kept), c->kept_at));
	if (c->kept_at < c->kept.n && c->state != HTTP_AT_CLOSING)
		return;
	if (c->kept.cap > HTTP_BUF_KEEP) {
		buf_fini(&c->kept);
		buf_init(&c->kept, HTTP_KEPT_MAX);
	}
	buf_clear(&c->kept);
	c->kept_at = 0;
	c->wire->paused = false;
}

/* ---- the head -------------------------------------------------------------- */

static void http_flushed(void *head)
{
	http_marks_raise(head, false);
}

static void *http_open(void *env, struct wire *w, struct now now)
{
	struct http_conn *c = mem_zalloc(sizeof *c);

	c->service = env;
	c->wire = w;
	c->now = now;
	c->since_ms = now.mono_ms;
	buf_init(&c->head, c->service->head_max);
	buf_init(&c->body, c->service->body_max);
	buf_init(&c->kept, HTTP_KEPT_MAX);
	arena_init(&c->arena);
	http_parse_reset(c);
	w->flushed = http_flushed;
	tick_set(c);
	return c;
}

static void http_input(void *head, struct view bytes, struct now now)
{
	struct http_conn *c = head;

	c->now = now;
	if (c->state == HTTP_AT_BODY)
		c->since_ms = now.mono_ms;
	if (c->state != HTTP_AT_BUSY && !c->kept.n)
		bytes = view_skip(bytes, http_parse(c, bytes));
	keep(c, bytes);
	tick_set(c);
}

static void http_tick(void *head, struct now now)
{
	struct http_conn *c = head;

	c->now = now;
	if (c->state == HTTP_AT_IDLE && c->kept_at < c->kept.n) {
		kept_parse(c);
	} else if (c->service->idle_ms && now.mono_ms - c->since_ms >= c->service->idle_ms) {
		if (c->state == HTTP_AT_IDLE)
			http_enter(c, HTTP_AT_CLOSING);
		else if (c->state == HTTP_AT_HEAD || c->state == HTTP_AT_BODY)
			http_fail(c, 408, "the request did not come in time");
	}
	tick_set(c);
}

static void http_stop(void *head, struct now now)
{
	struct http_conn *c = head;

	c->now = now;
	c->stopping = true;
	if (c->state == HTTP_AT_IDLE && !c->kept.n)
		http_enter(c, HTTP_AT_CLOSING);
}

static void http_close(void *head, enum wire_end end)
{
	struct http_conn *c = head;

	(void)end;
	if (c->state == HTTP_AT_BUSY)
		c->service->cancelled(c->service->env, &c->r);
	http_marks_raise(c, true);
	buf_fini(&c->head);
	buf_fini(&c->body);
	buf_fini(&c->kept);
	arena_fini(&c->arena);
	free(c->spans);
	free(c->marks);
	free(c);
}

const struct wire_head http_head = {
	.name = "http",
	.open = http_open,
	.input = http_input,
	.tick = http_tick,
	.stop = http_stop,
	.close = http_close,
};
