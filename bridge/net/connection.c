/* SPDX-License-Identifier: Apache-2.0 */
/* One accepted socket: it owns the descriptor and the wire, drives the head and
 * follows the states and invariants of loop_priv.h. uv_poll says when; reading
 * and writing are our own calls, so that the usual turn of a connection is one
 * read and one writev and no allocation. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/loop_priv.h"

enum { DRAIN_READS = 64 }; /* of READ_BYTES, from a socket in error */

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- state ----------------------------------------------------------------- */

static void conn_enter(struct conn *c, enum conn_state to)
{
	static const bool edges[CONN_DEAD + 1][CONN_DEAD + 1] = {
		[CONN_OPEN] = {[CONN_FLUSH] = true, [CONN_LINGER] = true, [CONN_DEAD] = true},
		[CONN_FLUSH] = {[CONN_LINGER] = true, [CONN_DEAD] = true},
		[CONN_LINGER] = {[CONN_DEAD] = true},
	};

	must(edges[c->state][to]);
	c->state = to;
	if (to != CONN_DEAD)
		return;
	list_remove(&c->gated);
	heap_remove(&c->l->due, &c->due);
	list_remove(&c->all);
	list_push_back(&c->l->dead, &c->all);
}

void conn_touch(struct conn *c)
{
	if (!list_linked(&c->touched) && c->state != CONN_DEAD)
		list_push_back(&c->l->touched, &c->touched);
}

static void deadline_start(struct conn *c)
{
	c->deadline_ms = c->l->now.mono_ms + c->lst->spec.linger_ms;
}

/* FLUSH is done: end our half, and wait for the peer's unless it came already. */
static void linger_start(struct conn *c)
{
	if (c->eof || shutdown(c->fd, SHUT_WR)) {
		conn_enter(c, CONN_DEAD);
		return;
	}
	conn_enter(c, CONN_LINGER);
	deadline_start(c);
	conn_touch(c);
}

void conn_end(struct conn *c, enum wire_end end)
{
	void *head = c->wire.head;

	must(c->state == CONN_OPEN && head);
	c->wire.head = NULL;
	c->wire.writable = NULL;
	c->wire.flushed = NULL;
	c->l->n_heads--;
	c->lst->spec.head->close(head, end);
	log_debug("net.closed", "connection=\"%s\" end=%d", c->wire.peer, (int)end);
	if (end == WIRE_LOST) {
		conn_enter(c, CONN_DEAD);
	} else if (c->wire.out.bytes) {
		conn_enter(c, CONN_FLUSH);
		deadline_start(c);
		conn_touch(c);
	} else {
		linger_start(c);
	}
}

/* ---- what epoll watches ---------------------------------------------------- */

static void interest_set(struct conn *c, int interest)
{
	if (interest == c->interest)
		return;
	c->interest = interest;
	if (interest)
		must(uv_poll_start(&c->poll, interest, on_poll) == 0);
	else
		uv_poll_stop(&c->poll);
}

static bool gate_shut(const struct conn *c)
{
	const struct loop *l = c->l;

	return (l->gate && c->wire.publishes) || (l->alarm && c->alarm_seen == l->alarms && c->wire.published);
}

static bool reads_wanted(const struct conn *c)
{
	if (c->eof || c->state == CONN_DEAD)
		return false;
	if (c->state != CONN_OPEN)
		return true; /* to see the end */
	if (c->wire.closing)
		return c->wire.draining;
	return !c->wire.paused && !c->flooded && !gate_shut(c);
}

/* ---- READ ------------------------------------------------------------------ */

/* One read. False when the socket has no more for now, or ended. */
static bool read_once(struct conn *c)
{
	struct loop *l = c->l;
	ssize_t n = read(c->fd, l->read_buf, READ_BYTES);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		c->eof = true;
		if (c->state == CONN_OPEN)
			conn_end(c, n < 0 || c->broken ? WIRE_LOST : WIRE_PEER_CLOSED);
		else if (n < 0 || c->state == CONN_LINGER)
			conn_enter(c, CONN_DEAD);
		return false;
	}
	if (c->state != CONN_OPEN)
		return true; /* dropped */
	c->wire.last_read_ms = l->now.mono_ms;
	c->lst->spec.head->input(c->wire.head, view_of(l->read_buf, (size_t)n), l->now);
	conn_touch(c);
	return n == READ_BYTES;
}

static void conn_readable(struct conn *c)
{
	if (c->alarm_seen != c->l->alarms)
		c->wire.published = false; /* before it; a publisher may still finish what it holds */
	c->alarm_seen = c->l->alarms;
	if (reads_wanted(c)) {
		read_once(c);
		if (c->eof)
			interest_set(c, c->interest & ~UV_READABLE);
		return;
	}
	interest_set(c, c->interest & ~UV_READABLE);
	if (c->state == CONN_OPEN && gate_shut(c) && !list_linked(&c->gated))
		list_push_back(&c->l->gated, &c->gated);
}

void conn_ungate(struct conn *c)
{
	if (gate_shut(c))
		return;
	list_remove(&c->gated);
	conn_touch(c);
}

/* Reset, or the like; libuv has stopped watching. What came before it still counts. */
static void conn_failed(struct conn *c)
{
	c->interest = 0;
	c->broken = true;
	for (int i = 0; i < DRAIN_READS && reads_wanted(c); i++)
		if (!read_once(c) && c->eof)
			break;
	if (c->state == CONN_OPEN)
		conn_end(c, WIRE_LOST);
	else if (c->state != CONN_DEAD)
		conn_enter(c, CONN_DEAD);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *c = poll->data;

	if (c->state == CONN_DEAD)
		return;
	loop_now(c->l);
	if (status < 0) {
		conn_failed(c);
		return;
	}
	if (events & UV_WRITABLE) {
		c->blocked = false;
		if (c->wire.out.bytes)
			conn_touch(c);
		else
			interest_set(c, c->interest & ~UV_WRITABLE);
	}
	if ((events & UV_READABLE) && c->state != CONN_DEAD)
		conn_readable(c);
}

/* ---- WRITE ----------------------------------------------------------------- */

static void marks_check(struct conn *c)
{
	const struct listener_spec *s = &c->lst->spec;
	uint64_t n = c->wire.out.bytes;

	if (n > s->out_max)
		c->flooded = true;
	if (!c->high && n > s->wire_high) {
		c->high = true;
		if (c->wire.writable)
			c->wire.writable(c->wire.head, false);
	} else if (n < s->wire_low) {
		bool was_high = c->high;

		c->high = c->flooded = false;
		if (was_high && c->wire.writable)
			c->wire.writable(c->wire.head, true);
	}
}

static void wire_touched(struct wire *w)
{
	struct conn *c = (struct conn *)(void *)((char *)w - offsetof(struct conn, wire));

	conn_touch(c);
	if (!c->high && w->out.bytes > c->lst->spec.wire_high)
		marks_check(c);
}

/* One writev. Returns how much went, 0 when the socket takes no more. */
static uint64_t write_once(struct conn *c)
{
	struct iovec iov[WRITE_IOVECS];
	int n_iov = out_iov(&c->wire.out, iov, WRITE_IOVECS);
	size_t want = 0;
	ssize_t n;

	for (int i = 0; i < n_iov; i++)
		want += iov[i].iov_len;
	do
		n = writev(c->fd, iov, n_iov);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN) {
		/* READ finds the end, after what the peer sent before it. */
		c->broken = true;
		return 0;
	}
	if (n < 0 || (size_t)n < want)
		c->blocked = true;
	if (n <= 0)
		return 0;
	out_consume(&c->wire.out, (uint64_t)n);
	return (uint64_t)n;
}

static void conn_flush(struct conn *c)
{
	uint64_t sent = 0;

	while (c->wire.out.bytes && !c->blocked && !c->broken && sent < WRITE_TURN_BYTES)
		sent += write_once(c);
	if (c->broken)
		out_consume(&c->wire.out, c->wire.out.bytes);
	else if (c->wire.out.bytes && !c->blocked)
		conn_touch(c); /* the others' turn first */
	if (sent && !c->broken) {
		c->wire.last_write_ms = c->l->now.mono_ms;
		if (c->deadline_ms != INT64_MAX)
			deadline_start(c);
		if (c->wire.flushed)
			c->wire.flushed(c->wire.head);
	}
	marks_check(c);
}

/* The state that follows from `closing`, from a broken socket and from an empty out-queue. */
static void conn_advance(struct conn *c)
{
	if (c->broken && !(c->state == CONN_OPEN && reads_wanted(c))) {
		if (c->state == CONN_OPEN)
			conn_end(c, WIRE_LOST);
		else
			conn_enter(c, CONN_DEAD);
	} else if (c->state == CONN_OPEN && (c->wire.closing || c->broken)) {
		if (c->deadline_ms == INT64_MAX)
			deadline_start(c);
		if (!c->broken && !c->wire.out.bytes && !c->wire.draining)
			conn_end(c, WIRE_PEER_CLOSED);
	} else if (c->state == CONN_FLUSH && !c->wire.out.bytes) {
		linger_start(c);
	}
}

static int64_t conn_due_ms(const struct conn *c)
{
	int64_t at = c->deadline_ms;

	if (c->state == CONN_OPEN && c->wire.tick_at_ms < at)
		at = c->wire.tick_at_ms;
	return at < 0 ? 0 : at;
}

/* Nearer times move the node at once, later ones when the old one comes. */
static void due_arm(struct conn *c)
{
	int64_t at = conn_due_ms(c);

	if (at == INT64_MAX || (heap_has(&c->due) && c->due.key <= (uint64_t)at))
		return;
	heap_remove(&c->l->due, &c->due);
	heap_push(&c->l->due, &c->due, (uint64_t)at);
}

void conn_write(struct conn *c)
{
	int interest;

	if (c->state == CONN_DEAD)
		return;
	if (c->state != CONN_LINGER && (c->wire.out.bytes || c->high || c->flooded))
		conn_flush(c);
	conn_advance(c);
	if (c->state == CONN_DEAD)
		return;
	interest = c->interest | (reads_wanted(c) ? UV_READABLE : 0);
	interest_set(c, interest | (c->blocked ? UV_WRITABLE : 0));
	due_arm(c);
}

/* ---- TIMERS ---------------------------------------------------------------- */

void conn_due(struct conn *c)
{
	int64_t now = c->l->now.mono_ms;

	if (c->deadline_ms <= now) {
		if (c->state == CONN_OPEN)
			conn_end(c, WIRE_LOST);
		else
			conn_enter(c, CONN_DEAD);
		return;
	}
	if (c->state == CONN_OPEN && c->wire.tick_at_ms <= now) {
		if (!reads_wanted(c))
			c->wire.last_read_ms = now; /* its silence is our doing */
		c->lst->spec.head->tick(c->wire.head, c->l->now);
		conn_touch(c);
	} else {
		due_arm(c);
	}
}

/* ---- birth and REAP -------------------------------------------------------- */

/* RabbitMQ writes IPv4 in IPv6 as IPv4 and puts IPv6 into brackets. */
static void address_print(const struct sockaddr_storage *ss, char *out, size_t max)
{
	const struct sockaddr_in6 *six = (const void *)ss;
	const struct sockaddr_in *four = (const void *)ss;
	char ip[INET6_ADDRSTRLEN] = "?";

	if (ss->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], ip, sizeof ip);
		snprintf(out, max, "%s:%d", ip, ntohs(six->sin6_port));
	} else if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, ip, sizeof ip);
		snprintf(out, max, "[%s]:%d", ip, ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET, &four->sin_addr, ip, sizeof ip);
		snprintf(out, max, "%s:%d", ip, ntohs(four->sin_port));
	}
}

static bool address_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *six = (const void *)ss;
	const struct sockaddr_in *four = (const void *)ss;

	if (ss->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127);
	return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

/* False when the peer is gone already. */
static bool socket_prepare(int fd, const struct sockaddr_storage *peer, struct wire *w)
{
	struct sockaddr_storage own;
	socklen_t n_own = sizeof own;
	char a[54], b[54];
	int one = 1;

	if (getsockname(fd, (struct sockaddr *)&own, &n_own))
		return false;
	address_print(peer, a, sizeof a);
	address_print(&own, b, sizeof b);
	snprintf(w->peer, sizeof w->peer, "%s -> %s", a, b);
	w->loopback = address_loopback(peer);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	return true;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void conn_open(struct listener *lst, int fd, const struct sockaddr_storage *peer)
{
	struct loop *l = lst->l;
	struct conn *c = mem_zalloc(sizeof *c);

	if (!socket_prepare(fd, peer, &c->wire) || uv_poll_init(&l->uv, &c->poll, fd)) {
		close(fd);
		free(c);
		return;
	}
	c->poll.data = c;
	c->lst = lst;
	c->l = l;
	c->fd = fd;
	c->deadline_ms = INT64_MAX;
	list_init(&c->all);
	list_init(&c->touched);
	list_init(&c->gated);
	list_push_back(&l->conns, &c->all);
	lst->n_conns++;
	out_init(&c->wire.out);
	c->wire.tick_at_ms = INT64_MAX;
	c->wire.last_read_ms = c->wire.last_write_ms = l->now.mono_ms;
	c->wire.touched = wire_touched;
	c->wire.now = &l->now;
	c->wire.head = lst->spec.head->open(lst->spec.env, &c->wire, l->now);
	if (!c->wire.head) {
		conn_enter(c, CONN_DEAD);
		return;
	}
	l->n_heads++;
	conn_touch(c);
}

void conn_reap(struct conn *c)
{
	list_remove(&c->all);
	list_remove(&c->touched);
	list_remove(&c->gated);
	heap_remove(&c->l->due, &c->due);
	out_fini(&c->wire.out);
	c->lst->n_conns--;
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
}
