/* SPDX-License-Identifier: Apache-2.0 */
/* The turn: times, the engine's hook, offloaded work, signals, the store gate,
 * stopping; and what loop_listen refuses. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rig.h"

/* ---- times ------------------------------------------------------------------- */

static void tick_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	c->w->tick_at_ms = now.mono_ms + 60000;
	c->w->tick_at_ms = now.mono_ms + 20; /* the nearer one holds */
}

static void tick_tick(void *head, struct now now)
{
	struct rig_conn *c = head;

	if (now.mono_ms < c->w->tick_at_ms)
		atomic_fetch_add(&c->r->b, 1); /* too early */
	c->w->tick_at_ms = now.mono_ms + 20;
	out_add(&c->w->out, VIEW("t"));
	if (atomic_fetch_add(&c->r->a, 1) == 2)
		c->w->closing = true;
}

static const struct wire_head tick_head = {.name = "tick",
					   .open = rig_conn_open,
					   .input = tick_input,
					   .tick = tick_tick,
					   .close = rig_conn_close};

static void tick_client(struct rig *r)
{
	char got[3];
	int fd = rig_connect(r);
	uint64_t from = clock_mono_us();

	RIG_CHECK(r, fd >= 0 && rig_send(fd, "x", 1) && rig_recv(fd, got, 3));
	RIG_CHECK(r, clock_mono_us() - from >= 55000);
	RIG_CHECK(r, rig_recv_end(fd));
	close(fd);
}

static void test_ticks(void **state)
{
	struct rig r = {.head = &tick_head, .client = tick_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.a, 3);
	assert_int_equal(r.b, 0);
}

static void next_turn(struct rig *r, struct now now)
{
	if (r->next_ms == INT64_MAX && !atomic_load(&r->a)) {
		r->next_ms = now.mono_ms + 30;
	} else if (now.mono_ms >= r->next_ms) {
		r->next_ms = INT64_MAX;
		atomic_store(&r->a, 1);
	}
}

static void next_client(struct rig *r)
{
	loop_wake(r->loop); /* one turn, which asks for the other */
	RIG_CHECK(r, rig_wait_int(&r->a, 1));
}

static void test_next_ms(void **state)
{
	struct rig r = {.head = &echo_head, .client = next_client, .turn = next_turn};

	(void)state;
	rig_run(&r);
}

/* A timer that libuv finds due before the loop's clock says so must not be the last event. */
enum { TIMES = 1000 };

static void times_turn(struct rig *r, struct now now)
{
	int n = atomic_load(&r->a);

	if (n == TIMES || (n && now.mono_ms < r->next_ms))
		return;
	r->next_ms = n + 1 == TIMES ? INT64_MAX : now.mono_ms + 1;
	atomic_store(&r->a, n + 1);
}

static void times_client(struct rig *r)
{
	loop_wake(r->loop);
	RIG_CHECK(r, rig_wait_int(&r->a, TIMES));
}

static void test_time_after_time(void **state)
{
	struct rig r = {.head = &echo_head, .client = times_client, .turn = times_turn};

	(void)state;
	rig_run(&r);
}

/* An idle loop does not turn. */
static void count_turn(struct rig *r, struct now now)
{
	(void)now;
	atomic_fetch_add(&r->a, 1);
}

static void idle_client(struct rig *r)
{
	int fd = rig_connect(r), before;

	RIG_CHECK(r, fd >= 0 && rig_wait_int(&r->opened, 1));
	before = atomic_load(&r->a);
	poll(NULL, 0, 100);
	RIG_CHECK(r, atomic_load(&r->a) - before <= 2);
	close(fd);
}

static void test_idle(void **state)
{
	struct rig r = {.head = &echo_head, .client = idle_client, .turn = count_turn};

	(void)state;
	rig_run(&r);
}

/* ---- other threads --------------------------------------------------------------- */

struct job {
	struct rig *r;
	pthread_t worker;
	int answer;
};

static pthread_t loop_thread;

static void job_work(void *arg)
{
	struct job *j = arg;

	j->worker = pthread_self();
	j->answer = 42;
}

static void job_done(void *arg)
{
	struct job *j = arg;

	if (j->answer == 42 && pthread_equal(pthread_self(), loop_thread) &&
	    !pthread_equal(j->worker, loop_thread))
		atomic_fetch_add(&j->r->b, 1);
	free(j);
}

static void offload_turn(struct rig *r, struct now now)
{
	(void)now;
	loop_thread = pthread_self();
	while (atomic_load(&r->a) > 0) {
		struct job *j = calloc(1, sizeof *j);

		j->r = r;
		atomic_fetch_sub(&r->a, 1);
		loop_offload(r->loop, job_work, job_done, j);
	}
}

static void offload_client(struct rig *r)
{
	atomic_store(&r->a, 50);
	loop_wake(r->loop);
	RIG_CHECK(r, rig_wait_int(&r->b, 50));
	atomic_store(&r->a, 50); /* and some that loop_free has to wait for */
}

static void test_offload(void **state)
{
	struct rig r = {.head = &echo_head, .client = offload_client, .turn = offload_turn};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.b, 100);
}

static void signal_hook(struct rig *r, int signum)
{
	atomic_store(&r->a, signum);
}

static void signal_client(struct rig *r)
{
	kill(getpid(), SIGHUP);
	RIG_CHECK(r, rig_wait_int(&r->a, SIGHUP));
	kill(getpid(), SIGTERM);
	RIG_CHECK(r, rig_wait_int(&r->a, SIGTERM));
}

static void test_signals(void **state)
{
	struct rig r = {.head = &echo_head, .client = signal_client, .signal = signal_hook};

	(void)state;
	rig_run(&r);
}

/* ---- the store gate -------------------------------------------------------------- */

static bool wait_bytes(struct rig *r, uint64_t n)
{
	for (int i = 0; i < 20000; i++) {
		if (atomic_load(&r->input_bytes) == n)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static void gate_client(struct rig *r)
{
	int publisher = rig_connect(r), fresh;

	RIG_CHECK(r, rig_send(publisher, "12345", 5) && wait_bytes(r, 5));
	atomic_store(&r->gate, true);
	loop_wake(r->loop);
	/* The first bytes of a connection are read: it has not published yet. They
	 * also show that a turn has seen the gate. */
	fresh = rig_connect(r);
	RIG_CHECK(r, rig_send(fresh, "1", 1) && wait_bytes(r, 6));
	RIG_CHECK(r, rig_send(publisher, "12345", 5));
	poll(NULL, 0, 50);
	RIG_CHECK(r, atomic_load(&r->input_bytes) == 6);
	atomic_store(&r->gate, false);
	loop_wake(r->loop);
	RIG_CHECK(r, wait_bytes(r, 11));
	close(publisher);
	close(fresh);
}

static void test_gate(void **state)
{
	struct rig r = {.head = &sink_head, .client = gate_client};

	(void)state;
	rig_run(&r);
}

/* ---- an alarm --------------------------------------------------------------------- */

/* Who publishes after its beginning is not read until its end; who does not, is. */
static void alarm_client(struct rig *r)
{
	int publisher = rig_connect(r), other = rig_connect(r);

	RIG_CHECK(r, rig_send(publisher, "12345", 5) && rig_send(other, "12345", 5) && wait_bytes(r, 10));
	for (uint64_t round = 0, n = 10; round < 2; round++, n += 13) {
		atomic_store(&r->alarm, true);
		loop_wake(r->loop);
		RIG_CHECK(r, rig_send(other, "1", 1) && wait_bytes(r, n + 1));
		RIG_CHECK(r, rig_send(publisher, "1", 1) && wait_bytes(r, n + 2)); /* not yet */
		RIG_CHECK(r, rig_send(publisher, "12345", 5) && wait_bytes(r, n + 7));
		RIG_CHECK(r, rig_send(publisher, "12345", 5) && rig_send(other, "1", 1) && wait_bytes(r, n + 8));
		poll(NULL, 0, 50);
		RIG_CHECK(r, atomic_load(&r->input_bytes) == n + 8);
		atomic_store(&r->alarm, false);
		loop_wake(r->loop);
		RIG_CHECK(r, wait_bytes(r, n + 13));
	}
	close(publisher);
	close(other);
}

static void test_alarm(void **state)
{
	struct rig r = {.head = &sink_head, .client = alarm_client};

	(void)state;
	rig_run(&r);
}

/* ---- pausing --------------------------------------------------------------------- */

static struct wire *paused_wire;

static void pause_input(void *head, struct view bytes, struct now now)
{
	struct rig_conn *c = head;

	rig_conn_input(head, bytes, now);
	c->w->paused = true;
	paused_wire = c->w;
}

static void pause_turn(struct rig *r, struct now now)
{
	(void)now;
	if (atomic_load(&r->a) && paused_wire) {
		atomic_store(&r->a, 0);
		paused_wire->paused = false;
		wire_touch(paused_wire);
	}
}

static const struct wire_head pause_head = {.name = "pause",
					    .open = rig_conn_open,
					    .input = pause_input,
					    .tick = rig_conn_tick,
					    .close = rig_conn_close};

static void pause_client(struct rig *r)
{
	int fd = rig_connect(r);

	RIG_CHECK(r, rig_send(fd, "123", 3) && wait_bytes(r, 3));
	RIG_CHECK(r, rig_send(fd, "456", 3));
	poll(NULL, 0, 50);
	RIG_CHECK(r, atomic_load(&r->input_bytes) == 3);
	atomic_store(&r->a, 1);
	loop_wake(r->loop);
	RIG_CHECK(r, wait_bytes(r, 6));
	close(fd);
}

static void test_paused(void **state)
{
	struct rig r = {.head = &pause_head, .client = pause_client, .turn = pause_turn};

	(void)state;
	paused_wire = NULL;
	rig_run(&r);
}

/* ---- stopping ---------------------------------------------------------------------- */

static void stop_turn(struct rig *r, struct now now)
{
	(void)now;
	if (atomic_load(&r->a) == 1) {
		loop_unlisten(r->loop);
		loop_stop_heads(r->loop);
		atomic_store(&r->a, 2);
	} else if (atomic_load(&r->a) == 3) {
		loop_close_heads(r->loop);
		atomic_store(&r->a, 4);
	}
	atomic_store(&r->b, (int)loop_connections(r->loop));
}

static void stop_client(struct rig *r)
{
	char got[3];
	int fd = rig_connect(r);

	RIG_CHECK(r, rig_send(fd, "abc", 3) && rig_recv(fd, got, 3));
	atomic_store(&r->a, 1);
	loop_wake(r->loop);
	RIG_CHECK(r, rig_recv(fd, got, 3) && memcmp(got, "bye", 3) == 0);
	RIG_CHECK(r, rig_recv_end(fd));
	RIG_CHECK(r, rig_connect(r) < 0);
	close(fd);
	RIG_CHECK(r, rig_wait_int(&r->b, 0));
}

static void test_graceful_stop(void **state)
{
	struct rig r = {.head = &echo_head, .client = stop_client, .turn = stop_turn};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.ends[WIRE_PEER_CLOSED], 1);
}

static void close_client(struct rig *r)
{
	char got[3];
	int fd = rig_connect(r);

	RIG_CHECK(r, rig_send(fd, "abc", 3) && rig_recv(fd, got, 3));
	atomic_store(&r->a, 3);
	loop_wake(r->loop);
	RIG_CHECK(r, rig_recv_end(fd));
	close(fd);
}

static void test_close_heads(void **state)
{
	struct rig r = {.head = &echo_head, .client = close_client, .turn = stop_turn};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.ends[WIRE_SHUTDOWN], 1);
}

/* loop_free with open connections: each head is told. */
static void leave_open_client(struct rig *r)
{
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && rig_wait_int(&r->opened, 1));
	atomic_store(&r->b, fd);
}

static void test_free_with_connections(void **state)
{
	struct rig r = {.head = &echo_head, .client = leave_open_client};

	(void)state;
	rig_run(&r);
	assert_int_equal(r.ends[WIRE_SHUTDOWN], 1);
	close(r.b);
}

/* ---- listening --------------------------------------------------------------------- */

static void test_listen(void **state)
{
	struct loop_hooks hooks = {0};
	struct error e = {0};
	struct loop *l = loop_new(&hooks, &e);
	struct listener_spec spec = {.host = "127.0.0.1", .head = &echo_head};
	int port = loop_listen(l, &spec, &e);

	(void)state;
	assert_true(port > 0);
	spec.port = port;
	assert_int_equal(loop_listen(l, &spec, &e), -1);
	assert_int_equal(e.code, CODE_IN_USE);
	assert_non_null(strstr(e.text, "127.0.0.1"));
	spec.host = "not-an-address";
	assert_int_equal(loop_listen(l, &spec, &e), -1);
	assert_int_equal(e.code, CODE_INVALID);
	spec.host = "192.0.2.1"; /* of a documentation net: not ours */
	assert_int_equal(loop_listen(l, &spec, &e), -1);
	assert_int_equal(e.code, CODE_UNAVAILABLE);
	loop_free(l);
}

static void v6_client(struct rig *r)
{
	char got[2];
	int fd = rig_connect(r);

	RIG_CHECK(r, fd >= 0 && rig_send(fd, "ok", 2) && rig_recv(fd, got, 2));
	close(fd);
}

static void test_listen_v6(void **state)
{
	struct rig r = {.head = &echo_head, .client = v6_client, .spec = {.host = "::1"}};
	struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	bool have = probe >= 0 && bind(probe, (struct sockaddr *)&own, sizeof own) == 0;

	(void)state;
	if (probe >= 0)
		close(probe);
	if (!have)
		skip();
	rig_run(&r);
	assert_true(r.loopback);
	assert_int_equal(strncmp(r.peer, "[::1]:", 6), 0);
	assert_non_null(strstr(r.peer, " -> [::1]:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_next_ms),
		cmocka_unit_test(test_time_after_time),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_offload),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_alarm),
		cmocka_unit_test(test_paused),
		cmocka_unit_test(test_graceful_stop),
		cmocka_unit_test(test_close_heads),
		cmocka_unit_test(test_free_with_connections),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_listen_v6),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
