/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: bind, accept in bounded runs, and staying alive when the
 * process is out of descriptors (a spare one is given up so that the waiting
 * peer can be taken and closed rather than spin the loop). The loop owns the
 * listeners; they outlive their sockets, because connections point to them. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/loop_priv.h"

/* ---- accept ---------------------------------------------------------------- */

static void spare_open(struct loop *l)
{
	if (l->spare_fd < 0)
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Out of descriptors. Takes one peer with the spare descriptor and closes it;
 * without a spare the listener waits a little. */
static void accept_starved(struct listener *lst)
{
	struct loop *l = lst->l;
	int fd;

	log_error("net.descriptors_out", "listener=%s connections=%u", lst->spec.head->name,
		  lst->n_conns);
	if (l->spare_fd >= 0) {
		close(l->spare_fd);
		l->spare_fd = -1;
		fd = accept4(lst->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		spare_open(l);
	}
	if (l->spare_fd < 0) {
		uv_poll_stop(&lst->poll);
		lst->waiting = true;
		l->retry_ms = l->now.mono_ms + LISTEN_RETRY_MS;
	}
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct listener *lst = poll->data;

	(void)status;
	(void)events;
	loop_now(lst->l);
	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage peer;
		socklen_t n = sizeof peer;
		int fd = accept4(lst->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				accept_starved(lst);
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return; /* EAGAIN: no more of them */
		}
		if (lst->n_conns >= lst->spec.connections_max) {
			log_warn("net.connections_max", "listener=%s limit=%u", lst->spec.head->name,
				 lst->spec.connections_max);
			close(fd);
			continue;
		}
		conn_open(lst, fd, &peer);
	}
}

void listener_retry(struct loop *l)
{
	l->retry_ms = INT64_MAX;
	spare_open(l);
	LIST_EACH(&l->listeners, at) {
		struct listener *lst = LIST_ENTRY(at, struct listener, link);

		if (!lst->waiting)
			continue;
		lst->waiting = false;
		if (lst->fd >= 0)
			uv_poll_start(&lst->poll, UV_READABLE, on_acceptable);
	}
}

/* ---- bind ------------------------------------------------------------------ */

static int address_parse(const char *host, int port, struct addrinfo **out)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				 .ai_socktype = SOCK_STREAM};
	char service[16];

	snprintf(service, sizeof service, "%d", port);
	return getaddrinfo(host, service, &hints, out);
}

static int socket_bind(const struct addrinfo *a)
{
	int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, LISTEN_BACKLOG)) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &n))
		return -1;
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
					      : ((struct sockaddr_in *)&ss)->sin_port);
}

static void spec_defaults(struct listener_spec *s)
{
	s->host = NULL;
	if (!s->wire_high)
		s->wire_high = 128 * 1024;
	if (!s->wire_low)
		s->wire_low = 32 * 1024;
	if (!s->out_max)
		s->out_max = 1024 * 1024;
	if (!s->linger_ms)
		s->linger_ms = 5000;
	if (!s->connections_max)
		s->connections_max = 65536;
}

int loop_listen(struct loop *l, const struct listener_spec *spec, struct error *e)
{
	struct addrinfo *a = NULL;
	struct listener *lst;
	int fd, rc = address_parse(spec->host, spec->port, &a);

	if (rc) {
		error_set(e, CODE_INVALID, "listen on %s port %d: %s", spec->host, spec->port,
			  gai_strerror(rc));
		return -1;
	}
	fd = socket_bind(a);
	freeaddrinfo(a);
	if (fd < 0) {
		error_set(e, errno == EADDRINUSE ? CODE_IN_USE : CODE_UNAVAILABLE,
			  "listen on %s port %d: %s", spec->host, spec->port, uv_strerror(-errno));
		return -1;
	}
	lst = mem_zalloc(sizeof *lst);
	lst->l = l;
	lst->fd = fd;
	lst->spec = *spec;
	spec_defaults(&lst->spec);
	list_init(&lst->link);
	list_push_back(&l->listeners, &lst->link);
	lst->poll.data = lst;
	must(uv_poll_init(&l->uv, &lst->poll, fd) == 0);
	must(uv_poll_start(&lst->poll, UV_READABLE, on_acceptable) == 0);
	return bound_port(fd);
}

void listener_close(struct listener *lst)
{
	if (lst->fd < 0)
		return;
	uv_close((uv_handle_t *)&lst->poll, NULL);
	close(lst->fd);
	lst->fd = -1;
}

void loop_unlisten(struct loop *l)
{
	LIST_EACH(&l->listeners, at)
		listener_close(LIST_ENTRY(at, struct listener, link));
}
