/* SPDX-License-Identifier: Apache-2.0 */
/* The turn over libuv. READ is libuv's poll phase; a uv_check handle, which runs
 * directly after it, does all the other phases. A uv_idle handle is active while
 * another turn is wanted at once, a uv_timer bounds the wait for the nearest
 * time of a wire, of the engine, or of a listener without descriptors. It only
 * ends the wait: what is due is found by TIMERS, so it may fire early (the timer
 * is not moved when its time recedes).
 *
 * What comes from outside the phases (signals, offloaded work, stop requests of
 * a head) is noted where it arrives and acted on at the start of ENGINE. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/loop_priv.h"

static const int watched_signals[LOOP_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

struct offload {
	uv_work_t req;
	struct link link;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct now loop_now(struct loop *l)
{
	if (!l->fresh) {
		l->now = clock_now();
		l->fresh = true;
		if (l->hooks.turn)
			l->hooks.turn(l->hooks.ctx, l->now);
	}
	return l->now;
}

/* ---- the phases ------------------------------------------------------------ */

static void phase_timers(struct loop *l)
{
	struct heap_node *node;
	uint64_t now = (uint64_t)l->now.mono_ms;

	/* What a tick makes due again comes back in through WRITE: once a turn each. */
	while ((node = heap_min(&l->due)) && node->key <= now) {
		heap_pop(&l->due);
		conn_due(HEAP_ENTRY(node, struct conn, due));
	}
	if (l->retry_ms <= l->now.mono_ms)
		listener_retry(l);
}

static void offloads_finish(struct loop *l)
{
	struct link ready;

	list_init(&ready);
	list_splice_back(&ready, &l->offloaded);
	LIST_EACH(&ready, at) {
		struct offload *o = LIST_ENTRY(at, struct offload, link);

		list_remove(at);
		o->done(o->arg);
		free(o);
	}
}

static void signals_raise(struct loop *l)
{
	uint32_t bits = l->signalled;

	l->signalled = 0;
	for (int i = 0; i < LOOP_SIGNALS; i++)
		if ((bits & (1u << i)) && l->hooks.signal)
			l->hooks.signal(l->hooks.ctx, watched_signals[i]);
}

static void heads_stop(struct loop *l)
{
	l->stop_heads = false;
	LIST_EACH(&l->conns, at) {
		struct conn *c = LIST_ENTRY(at, struct conn, all);

		if (c->state != CONN_OPEN)
			continue;
		if (c->lst->spec.head->stop)
			c->lst->spec.head->stop(c->wire.head, l->now);
		else
			c->wire.closing = true;
		conn_touch(c);
	}
}

static void heads_close(struct loop *l)
{
	l->close_heads = false;
	LIST_EACH(&l->conns, at) {
		struct conn *c = LIST_ENTRY(at, struct conn, all);

		if (c->state == CONN_OPEN)
			conn_end(c, WIRE_SHUTDOWN);
	}
}

static void phase_engine(struct loop *l)
{
	if (l->signalled)
		signals_raise(l);
	if (!list_empty(&l->offloaded))
		offloads_finish(l);
	if (l->stop_heads)
		heads_stop(l);
	if (l->close_heads)
		heads_close(l);
	if (l->hooks.engine && l->hooks.engine(l->hooks.ctx, l->now))
		l->again = true;
}

static void phase_store(struct loop *l)
{
	if (l->hooks.store)
		l->hooks.store(l->hooks.ctx);
	bool gate = l->gate, alarm = l->alarm;

	l->gate = l->hooks.publishers_wait && l->hooks.publishers_wait(l->hooks.ctx);
	l->alarm = l->hooks.alarm && l->hooks.alarm(l->hooks.ctx);
	l->alarms += l->alarm && !alarm;
	if ((gate && !l->gate) || (alarm && !l->alarm))
		LIST_EACH(&l->gated, at)
			conn_ungate(LIST_ENTRY(at, struct conn, gated));
}

static void phase_write(struct loop *l)
{
	struct link ready;

	list_init(&ready);
	list_splice_back(&ready, &l->touched);
	LIST_EACH(&ready, at) {
		struct conn *c = LIST_ENTRY(at, struct conn, touched);

		list_remove(at);
		conn_write(c);
	}
	if (!list_empty(&l->touched))
		l->again = true;
}

static void phase_reap(struct loop *l)
{
	LIST_EACH(&l->dead, at)
		conn_reap(LIST_ENTRY(at, struct conn, all));
}

/* ---- between the turns ----------------------------------------------------- */

static int64_t loop_due_ms(const struct loop *l)
{
	const struct heap_node *node = heap_min(&l->due);
	int64_t at = l->hooks.next_ms ? l->hooks.next_ms(l->hooks.ctx) : INT64_MAX;

	if (node && (int64_t)node->key < at)
		at = (int64_t)node->key;
	return l->retry_ms < at ? l->retry_ms : at;
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* being active is all it does */
}

static void on_timer(uv_timer_t *t)
{
	struct loop *l = t->data;

	/* libuv runs timers before it polls and the turn comes after: it must not wait there. */
	l->armed_ms = INT64_MAX;
	uv_idle_start(&l->idle, on_idle);
}

static void wait_arm(struct loop *l)
{
	int64_t at = loop_due_ms(l), now = l->now.mono_ms;

	if (l->stop_heads || l->close_heads || l->signalled || at <= now)
		l->again = true;
	if (l->again || at == INT64_MAX || (l->armed_ms > now && l->armed_ms <= at))
		return;
	l->armed_ms = at;
	uv_timer_start(&l->timer, on_timer, (uint64_t)(at - now), 0);
}

static void on_check(uv_check_t *check)
{
	struct loop *l = check->data;

	loop_now(l);
	l->again = false;
	phase_timers(l);
	phase_engine(l);
	phase_store(l);
	phase_write(l);
	phase_reap(l);
	wait_arm(l);
	if (l->again && !uv_is_active((uv_handle_t *)&l->idle))
		uv_idle_start(&l->idle, on_idle);
	else if (!l->again && uv_is_active((uv_handle_t *)&l->idle))
		uv_idle_stop(&l->idle);
	if (l->stopping && !l->stop_heads && !l->close_heads)
		uv_stop(&l->uv);
	l->fresh = false;
}

static void on_wake(uv_async_t *async)
{
	(void)async; /* the turn follows by itself */
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop *l = handle->data;

	for (int i = 0; i < LOOP_SIGNALS; i++)
		if (watched_signals[i] == signum)
			l->signalled |= 1u << i;
}

/* ---- life ------------------------------------------------------------------ */

static int handles_open(struct loop *l)
{
	int rc = uv_check_init(&l->uv, &l->check);

	l->check.data = l;
	rc = rc ? rc : uv_idle_init(&l->uv, &l->idle);
	rc = rc ? rc : uv_timer_init(&l->uv, &l->timer);
	l->timer.data = l;
	rc = rc ? rc : uv_async_init(&l->uv, &l->async, on_wake);
	rc = rc ? rc : uv_check_start(&l->check, on_check);
	for (int i = 0; i < LOOP_SIGNALS && !rc; i++) {
		rc = uv_signal_init(&l->uv, &l->signals[i]);
		l->signals[i].data = l;
		rc = rc ? rc : uv_signal_start(&l->signals[i], on_signal, watched_signals[i]);
	}
	return rc;
}

static void handle_close(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

struct loop *loop_new(const struct loop_hooks *hooks, struct error *e)
{
	struct loop *l = mem_zalloc(sizeof *l);
	int rc = uv_loop_init(&l->uv);

	if (rc) {
		error_set(e, CODE_UNAVAILABLE, "event loop: %s", uv_strerror(rc));
		free(l);
		return NULL;
	}
	l->hooks = *hooks;
	l->armed_ms = l->retry_ms = INT64_MAX;
	list_init(&l->listeners);
	list_init(&l->conns);
	list_init(&l->dead);
	list_init(&l->touched);
	list_init(&l->gated);
	list_init(&l->offloaded);
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	rc = handles_open(l);
	if (rc) {
		error_set(e, CODE_UNAVAILABLE, "event loop: %s", uv_strerror(rc));
		loop_free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_now(l);
	heads_close(l);
	LIST_EACH(&l->conns, at) {
		conn_write(LIST_ENTRY(at, struct conn, all));
	}
	LIST_EACH(&l->conns, at) {
		conn_reap(LIST_ENTRY(at, struct conn, all));
	}
	phase_reap(l);
	loop_unlisten(l);
	uv_check_stop(&l->check);
	uv_walk(&l->uv, handle_close, NULL);
	do {
		uv_run(&l->uv, UV_RUN_DEFAULT);
		offloads_finish(l);
	} while (uv_loop_alive(&l->uv) || !list_empty(&l->offloaded));
	must(uv_loop_close(&l->uv) == 0);
	LIST_EACH(&l->listeners, at) {
		free(LIST_ENTRY(at, struct listener, link));
	}
	heap_fini(&l->due);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	free(l);
}

void loop_run(struct loop *l)
{
	l->stopping = false;
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
	loop_wake(l);
}

void loop_wake(struct loop *l)
{
	uv_async_send(&l->async);
}

void loop_stop_heads(struct loop *l)
{
	l->stop_heads = true;
	loop_wake(l);
}

void loop_close_heads(struct loop *l)
{
	l->close_heads = true;
	loop_wake(l);
}

uint32_t loop_connections(const struct loop *l)
{
	return l->n_heads;
}

/* ---- work on other threads -------------------------------------------------- */

static void on_work(uv_work_t *req)
{
	struct offload *o = req->data;

	o->work(o->arg);
}

static void on_worked(uv_work_t *req, int status)
{
	struct offload *o = req->data;
	struct loop *l = req->loop->data;

	(void)status; /* nothing here cancels */
	list_push_back(&l->offloaded, &o->link);
}

void loop_offload(void *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct loop *l = loop;
	struct offload *o = mem_zalloc(sizeof *o);

	o->work = work;
	o->done = done;
	o->arg = arg;
	o->req.data = o;
	l->uv.data = l;
	list_init(&o->link);
	must(uv_queue_work(&l->uv, &o->req, on_work, on_worked) == 0);
}
