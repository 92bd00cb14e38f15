/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"

enum { PATIENCE_S = 20 };

/* ---- the loop's side --------------------------------------------------------- */

static bool hook_engine(void *ctx, struct now now)
{
	struct rig *r = ctx;

	if (r->turn)
		r->turn(r, now);
	if (atomic_load(&r->done))
		loop_stop(r->loop);
	return false;
}

static int64_t hook_next_ms(void *ctx)
{
	return ((struct rig *)ctx)->next_ms;
}

static bool hook_publishers_wait(void *ctx)
{
	return atomic_load(&((struct rig *)ctx)->gate);
}

static bool hook_alarm(void *ctx)
{
	return atomic_load(&((struct rig *)ctx)->alarm);
}

static void hook_signal(void *ctx, int signum)
{
	struct rig *r = ctx;

	if (r->signal)
		r->signal(r, signum);
}

static void *client_main(void *arg)
{
	struct rig *r = arg;

	r->client(r);
	atomic_store(&r->done, true);
	loop_wake(r->loop);
	return NULL;
}

void rig_run(struct rig *r)
{
	struct loop_hooks hooks = {.ctx = r,
				   .engine = hook_engine,
				   .next_ms = hook_next_ms,
				   .publishers_wait = hook_publishers_wait,
				   .signal = hook_signal,
				   .alarm = hook_alarm};
	struct error e = {0};
	pthread_t thread;

	if (!r->next_ms)
		r->next_ms = INT64_MAX;
	if (!r->spec.host)
		r->spec.host = "127.0.0.1";
	r->spec.head = r->head;
	r->spec.env = r;
	r->loop = loop_new(&hooks, &e);
	assert_non_null(r->loop);
	r->port = loop_listen(r->loop, &r->spec, &e);
	if (r->port <= 0)
		fail_msg("%s", e.text);
	assert_int_equal(pthread_create(&thread, NULL, client_main, r), 0);
	loop_run(r->loop);
	pthread_join(thread, NULL);
	loop_free(r->loop);
	if (atomic_load(&r->failed))
		fail_msg("client check failed at line %d", atomic_load(&r->failed));
	assert_int_equal(atomic_load(&r->opened), atomic_load(&r->closed));
}

/* ---- the client's side --------------------------------------------------------- */

int rig_connect(const struct rig *r)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *a;
	struct timeval patience = {.tv_sec = PATIENCE_S};
	char port[16];
	int fd, rc;

	snprintf(port, sizeof port, "%d", r->port);
	if (getaddrinfo(r->spec.host, port, &hints, &a))
		return -1;
	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	rc = fd < 0 ? -1 : connect(fd, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(a);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

bool rig_send(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

bool rig_recv(int fd, void *p, size_t n)
{
	char *at = p;

	while (n) {
		ssize_t k = recv(fd, at, n, 0);

		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

bool rig_recv_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0) == 0;
}

bool rig_wait_int(atomic_int *what, int value)
{
	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		if (atomic_load(what) == value)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* ---- heads ------------------------------------------------------------------- */

void *rig_conn_open(void *env, struct wire *w, struct now now)
{
	struct rig_conn *c = mem_zalloc(sizeof *c);

	(void)now;
	c->r = env;
	c->w = w;
	snprintf(c->r->peer, sizeof c->r->peer, "%s", w->peer);
	c->r->loopback = w->loopback;
	atomic_fetch_add(&c->r->opened, 1);
	return c;
}

void rig_conn_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	(void)now;
	atomic_fetch_add(&c->r->input_bytes, bytes.n);
}

void rig_conn_tick(void *head, struct now now)
{
	struct rig_conn *c = head;

	(void)now;
	c->w->tick_at_ms = INT64_MAX;
}

void rig_conn_close(void *head, enum wire_end end)
{
	struct rig_conn *c = head;

	atomic_fetch_add(&c->r->ends[end], 1);
	atomic_fetch_add(&c->r->closed, 1);
	free(c);
}

static void echo_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	out_add(&c->w->out, bytes);
	if (c->w->out.bytes > atomic_load(&c->r->out_bytes_max))
		atomic_store(&c->r->out_bytes_max, c->w->out.bytes);
}

static void echo_stop(void *head, struct now now)
{
	struct rig_conn *c = head;

	(void)now;
	out_add(&c->w->out, VIEW("bye"));
	c->w->closing = true;
}

const struct wire_head echo_head = {.name = "echo",
				    .open = rig_conn_open,
				    .input = echo_input,
				    .tick = rig_conn_tick,
				    .stop = echo_stop,
				    .close = rig_conn_close};

static void sink_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	c->w->publishes = true;
	if (bytes.n > 1) /* one byte: an acknowledgement, say */
		c->w->published = true;
}

const struct wire_head sink_head = {.name = "sink",
				    .open = rig_conn_open,
				    .input = sink_input,
				    .tick = rig_conn_tick,
				    .close = rig_conn_close};
