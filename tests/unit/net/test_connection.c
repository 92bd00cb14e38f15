/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through real sockets: order, back-pressure, every way a connection ends. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "rig.h"

static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

static void pattern_fill(uint8_t *p, size_t n, uint64_t from)
{
	for (size_t i = 0; i < n; i++)
		p[i] = pattern(from + i);
}

static bool pattern_is(const uint8_t *p, size_t n, uint64_t from)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != pattern(from + i))
			return false;
	return true;
}

/* ---- echo ---------------------------------------------------------------------- */

static void echo_client(struct rig *r)
{
	char got[5];
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0);
	for (int i = 0; i < 100; i++) {
		RIG_CHECK(r, rig_send(fd, "hello", 5) && rig_recv(fd, got, 5));
		RIG_CHECK(r, memcmp(got, "hello", 5) == 0);
	}
	close(fd);
	RIG_CHECK(r, rig_wait_int(&r->closed, 1));
}

static void test_echo(void **state)
{
	struct rig r = {.head = &echo_head, .client = echo_client};
	char tail[64];

	(void)state;
	rig_run(&r);
	assert_int_equal(r.ends[WIRE_PEER_CLOSED], 1);
	assert_true(r.loopback);
	snprintf(tail, sizeof tail, " -> 127.0.0.1:%d", r.port);
	assert_int_equal(strncmp(r.peer, "127.0.0.1:", 10), 0);
	assert_non_null(strstr(r.peer, tail));
}

/* ---- a peer that sends much and reads slowly --------------------------------------- */

enum { LARGE = 24 * 1024 * 1024, OUT_MAX = 512 * 1024, ONE_READ = 128 * 1024 };

static void large_client(struct rig *r)
{
	static uint8_t buf[64 * 1024];
	uint64_t sent = 0, got = 0;
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0);
	while (got < LARGE) {
		struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (sent < LARGE ? POLLOUT : 0))};
		ssize_t n;

		RIG_CHECK(r, poll(&p, 1, 20000) == 1);
		if (p.revents & POLLOUT) {
			size_t k = LARGE - sent < sizeof buf ? (size_t)(LARGE - sent) : sizeof buf;

			pattern_fill(buf, k, sent);
			n = send(fd, buf, k, MSG_DONTWAIT | MSG_NOSIGNAL);
			RIG_CHECK(r, n > 0 || errno == EAGAIN);
			sent += n > 0 ? (uint64_t)n : 0;
			if (n > 0)
				continue; /* writes go first: the echo piles up */
		}
		n = recv(fd, buf, 8000, MSG_DONTWAIT);
		RIG_CHECK(r, n > 0 || (n < 0 && errno == EAGAIN));
		if (n > 0) {
			RIG_CHECK(r, pattern_is(buf, (size_t)n, got));
			got += (uint64_t)n;
		}
	}
	close(fd);
}

static void test_large_both_ways(void **state)
{
	struct rig r = {.head = &echo_head, .client = large_client, .spec = {.out_max = OUT_MAX}};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.input_bytes, LARGE);
	assert_true(r.out_bytes_max > OUT_MAX); /* the gate was needed */
	assert_true(r.out_bytes_max <= OUT_MAX + ONE_READ);
}

/* ---- a head that follows the marks --------------------------------------------------- */

enum { PIECE = 100000, PIECES = 200 };

static void pour(struct rig_conn *c)
{
	static uint8_t piece[PIECE];

	while (atomic_load(&c->r->b) == 0 && atomic_load(&c->r->a) < PIECES) {
		struct body *body;

		pattern_fill(piece, PIECE, (uint64_t)atomic_load(&c->r->a) * PIECE);
		body = body_of(view_of(piece, PIECE));
		out_body(&c->w->out, body, 0, PIECE);
		body_unref(body);
		atomic_fetch_add(&c->r->a, 1);
		if (c->w->out.bytes > atomic_load(&c->r->out_bytes_max))
			atomic_store(&c->r->out_bytes_max, c->w->out.bytes);
		wire_touch(c->w); /* says writable(false) at once */
	}
	if (atomic_load(&c->r->a) == PIECES)
		c->w->closing = true;
}

static void pour_writable(void *head, bool writable)
{
	struct rig_conn *c = head;

	atomic_store(&c->r->b, !writable);
	if (writable)
		pour(c);
}

static void pour_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	c->w->writable = pour_writable;
	pour(c);
}

static const struct wire_head pour_head = {.name = "pour",
					   .open = rig_conn_open,
					   .input = pour_input,
					   .tick = rig_conn_tick,
					   .close = rig_conn_close};

static void pour_client(struct rig *r)
{
	static uint8_t buf[PIECE];
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && rig_send(fd, "go", 2));
	for (uint64_t i = 0; i < PIECES; i++) {
		RIG_CHECK(r, rig_recv(fd, buf, PIECE));
		RIG_CHECK(r, pattern_is(buf, PIECE, i * PIECE));
	}
	RIG_CHECK(r, rig_recv_end(fd));
	close(fd);
}

static void test_marks(void **state)
{
	struct rig r = {.head = &pour_head, .client = pour_client};

	(void)state;
	rig_run(&r);
	assert_true(r.out_bytes_max <= 128 * 1024 + PIECE);
	assert_int_equal(r.ends[WIRE_PEER_CLOSED], 1);
}

/* ---- ends --------------------------------------------------------------------------------- */

static void half_close_client(struct rig *r)
{
	static uint8_t out[1 << 20], in[1 << 20];
	int fd = rig_connect(r);

	pattern_fill(out, 200000, 0);
	RIG_CHECK(r, fd >= 0 && rig_send(fd, out, 200000));
	RIG_CHECK(r, shutdown(fd, SHUT_WR) == 0);
	RIG_CHECK(r, rig_recv(fd, in, 200000) && memcmp(in, out, 200000) == 0);
	RIG_CHECK(r, rig_recv_end(fd));
	close(fd);
}

static void test_half_close(void **state)
{
	struct rig r = {.head = &echo_head, .client = half_close_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.ends[WIRE_PEER_CLOSED], 1);
}

static void reset_client(struct rig *r)
{
	struct linger hard = {.l_onoff = 1};
	char got[2];
	int fd = rig_connect(r), other = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && other >= 0 && rig_send(fd, "xy", 2) && rig_recv(fd, got, 2));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(fd);
	RIG_CHECK(r, rig_wait_int(&r->ends[WIRE_LOST], 1));
	RIG_CHECK(r, rig_send(other, "ok", 2) && rig_recv(other, got, 2));
	close(other);
}

static void test_reset(void **state)
{
	struct rig r = {.head = &echo_head, .client = reset_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.ends[WIRE_LOST], 1);
}

/* What was sent before a reset still counts: a publisher without confirms that is killed. */
static void bytes_then_reset_client(struct rig *r)
{
	static uint8_t out[100000];
	struct linger hard = {.l_onoff = 1};
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && rig_wait_int(&r->opened, 1));
	RIG_CHECK(r, rig_send(fd, out, sizeof out));
	for (int i = 0; i < 20000 && atomic_load(&r->input_bytes) < sizeof out; i++)
		poll(NULL, 0, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(fd);
	RIG_CHECK(r, rig_wait_int(&r->ends[WIRE_LOST], 1));
}

static void test_bytes_then_reset(void **state)
{
	struct rig r = {.head = &sink_head, .client = bytes_then_reset_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.input_bytes, 100000);
}

static void refuse_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	out_add(&c->w->out, VIEW("no\n"));
	c->w->closing = true;
}

static const struct wire_head refuse_head = {.name = "refuse",
					     .open = rig_conn_open,
					     .input = refuse_input,
					     .tick = rig_conn_tick,
					     .close = rig_conn_close};

/* A last answer reaches a peer that is still sending (an HTTP 413). */
static void refused_client(struct rig *r)
{
	static uint8_t upload[8 * 1024 * 1024];
	char got[3];
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && rig_send(fd, upload, sizeof upload));
	RIG_CHECK(r, rig_recv(fd, got, 3) && memcmp(got, "no\n", 3) == 0);
	RIG_CHECK(r, rig_recv_end(fd));
	close(fd);
}

static void test_refused_upload(void **state)
{
	struct rig r = {.head = &refuse_head, .client = refused_client};

	(void)state;
	rig_run(&r);
	assert_true(r.input_bytes <= ONE_READ); /* the rest was dropped */
}

/* Says "close", then waits for the peer's "ok" (AMQP's close and close-ok). */
static void goodbye_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	if (view_is(bytes, "ok")) {
		c->w->draining = false;
		return;
	}
	out_add(&c->w->out, VIEW("close"));
	c->w->closing = c->w->draining = true;
}

static const struct wire_head goodbye_head = {.name = "goodbye",
					      .open = rig_conn_open,
					      .input = goodbye_input,
					      .tick = rig_conn_tick,
					      .close = rig_conn_close};

static void goodbye_client(struct rig *r)
{
	char got[5];
	int fd = rig_connect(r), silent = rig_connect(r);

	RIG_CHECK(r, rig_send(fd, "x", 1) && rig_recv(fd, got, 5) && !memcmp(got, "close", 5));
	RIG_CHECK(r, atomic_load(&r->closed) == 0);
	RIG_CHECK(r, rig_send(fd, "ok", 2) && rig_recv_end(fd));
	RIG_CHECK(r, rig_wait_int(&r->ends[WIRE_PEER_CLOSED], 1));
	close(fd);
	/* One that never says "ok" is not waited for longer than linger_ms. */
	RIG_CHECK(r, rig_send(silent, "x", 1) && rig_recv(silent, got, 5));
	RIG_CHECK(r, rig_wait_int(&r->ends[WIRE_LOST], 1));
	close(silent);
}

static void test_draining(void **state)
{
	struct rig r = {.head = &goodbye_head, .client = goodbye_client, .spec = {.linger_ms = 300}};

	(void)state;
	rig_run(&r);
}

/* Neither reads nor closes: gone after linger_ms. */
static void stubborn_client(struct rig *r)
{
	char byte;
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && rig_send(fd, "x", 1));
	RIG_CHECK(r, rig_recv(fd, &byte, 1));
	RIG_CHECK(r, rig_wait_int(&r->closed, 1));
	/* Once the socket is closed, what we send is answered with a reset. */
	for (int i = 0; i < 20000; i++) {
		if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
			break;
		poll(NULL, 0, 1);
	}
	RIG_CHECK(r, send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	close(fd);
}

static void test_linger_ends(void **state)
{
	struct rig r = {.head = &refuse_head, .client = stubborn_client, .spec = {.linger_ms = 50}};

	(void)state;
	rig_run(&r);
}

/* ---- many ----------------------------------------------------------------------------------- */

static void many_client(struct rig *r)
{
	enum { ROUNDS = 30, AT_ONCE = 100 };
	int fds[AT_ONCE];
	char got[4];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			RIG_CHECK(r, (fds[i] = rig_connect(r)) >= 0);
		for (int i = 0; i < AT_ONCE; i++)
			RIG_CHECK(r, rig_send(fds[i], &i, sizeof i));
		for (int i = 0; i < AT_ONCE; i++) {
			RIG_CHECK(r, rig_recv(fds[i], got, sizeof i) && memcmp(got, &i, 4) == 0);
			close(fds[i]);
		}
	}
	RIG_CHECK(r, rig_wait_int(&r->closed, ROUNDS * AT_ONCE));
}

static void test_many(void **state)
{
	struct rig r = {.head = &echo_head, .client = many_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.opened, 3000);
}

static void limit_client(struct rig *r)
{
	char got[2];
	int one = rig_connect(r), two = rig_connect(r), three;

	RIG_CHECK(r, rig_send(one, "1", 1) && rig_recv(one, got, 1));
	RIG_CHECK(r, rig_send(two, "2", 1) && rig_recv(two, got, 1));
	three = rig_connect(r);
	RIG_CHECK(r, recv(three, got, 1, 0) <= 0);
	close(three);
	close(one);
	RIG_CHECK(r, rig_wait_int(&r->closed, 1));
	close(two);
}

static void test_connections_max(void **state)
{
	struct rig r = {.head = &echo_head, .client = limit_client, .spec = {.connections_max = 2}};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.opened, 2);
}

/* Without a descriptor left, new peers are turned away and the old ones served. */
static void starved_client(struct rig *r)
{
	struct rlimit was, tight;
	char got[2];
	int one = rig_connect(r), two, probe;

	RIG_CHECK(r, rig_send(one, "1", 1) && rig_recv(one, got, 1));
	getrlimit(RLIMIT_NOFILE, &was);
	tight = was;
	probe = dup(one); /* the lowest free one */
	RIG_CHECK(r, probe >= 0);
	close(probe);
	tight.rlim_cur = (rlim_t)probe + 1; /* one more, which the client takes */
	setrlimit(RLIMIT_NOFILE, &tight);
	two = rig_connect(r);
	if (two >= 0)
		atomic_store(&r->a, recv(two, got, 1, 0) <= 0);
	setrlimit(RLIMIT_NOFILE, &was);
	RIG_CHECK(r, two >= 0);
	close(two);
	RIG_CHECK(r, rig_send(one, "1", 1) && rig_recv(one, got, 1));
	two = rig_connect(r);
	RIG_CHECK(r, rig_send(two, "2", 1) && rig_recv(two, got, 1));
	close(one);
	close(two);
}

static void test_descriptors_out(void **state)
{
	struct rig r = {.head = &echo_head, .client = starved_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.a, 1);
	assert_int_equal(r.opened, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_large_both_ways),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_bytes_then_reset),
		cmocka_unit_test(test_refused_upload),
		cmocka_unit_test(test_draining),
		cmocka_unit_test(test_linger_ends),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_descriptors_out),
	};

	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
