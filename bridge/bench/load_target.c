/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_target.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct scheme {
	const char *prefix;
	enum load_protocol protocol;
	uint16_t port;
};

static const struct scheme schemes[] = {
	{"amqp://", LOAD_AMQP, 5672},
	{"http://", LOAD_SQS, 9324},
};

static const struct scheme *scheme_of(struct view uri)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (view_starts(uri, view_str(schemes[i].prefix)))
			return &schemes[i];
	return NULL;
}

static int hex_digit(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* RFC 3986 §2.1. False: malformed, a NUL, or longer than the field. */
static bool text_decode(struct view v, char *out, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++) {
		int c = v.p[i];
		if (c == '%') {
			int high = i + 2 < v.n ? hex_digit(v.p[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(v.p[i + 2]);
			c = low < 0 ? 0 : high << 4 | low;
			i += 2;
		}
		if (!c || n + 1 >= room)
			return false;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return true;
}

/* Splits *rest at the first c: what is before it; *rest is what is behind it. */
static struct view take_until(struct view *rest, char c)
{
	const uint8_t *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
	struct view before = view_head(*rest, at ? (size_t)(at - rest->p) : rest->n);
	*rest = view_skip(*rest, at ? before.n + 1 : rest->n);
	return before;
}

static bool port_read(struct view v, uint16_t *out)
{
	unsigned long n = 0;
	for (size_t i = 0; i < v.n; i++) {
		if (!isdigit(v.p[i]) || v.n > 5)
			return false;
		n = n * 10 + (unsigned long)(v.p[i] - '0');
	}
	*out = (uint16_t)n;
	return n >= 1 && n <= UINT16_MAX;
}

/* HOST, HOST:PORT, [HOST]:PORT */
static bool host_read(struct view v, struct load_target *t)
{
	struct view host = v, port = VIEW_NONE;
	if (v.n && v.p[0] == '[') {
		port = view_skip(v, 1);
		host = take_until(&port, ']');
		if (port.n && port.p[0] != ':')
			return false;
		port = view_skip(port, 1);
	} else {
		port = v;
		host = take_until(&port, ':');
	}
	bool has_port = port.n || (v.n && v.p[v.n - 1] == ':');
	return host.n && text_decode(host, t->host, sizeof(t->host)) && (!has_port || port_read(port, &t->port));
}

static bool who_read(struct view v, struct load_target *t)
{
	bool has_password = v.n && memchr(v.p, ':', v.n);
	struct view user = take_until(&v, ':');
	t->password[0] = 0;
	return text_decode(user, t->user, sizeof(t->user)) &&
	       (!has_password || text_decode(v, t->password, sizeof(t->password)));
}

bool load_target_parse(const char *uri, struct load_target *t, struct error *e)
{
	const struct scheme *scheme = scheme_of(view_str(uri));
	if (!scheme) {
		error_set(e, CODE_INVALID, "'%s' does not begin with amqp:// or http://", uri);
		return false;
	}
	*t = (struct load_target){.protocol = scheme->protocol, .port = scheme->port, .user = "guest",
				  .password = "guest", .vhost = "/"};
	struct view path = view_skip(view_str(uri), strlen(scheme->prefix));
	bool has_path = path.n && memchr(path.p, '/', path.n);
	struct view where = take_until(&path, '/'), who = VIEW_NONE;
	const uint8_t *at = where.n ? memrchr(where.p, '@', where.n) : NULL;
	if (at) {
		who = view_head(where, (size_t)(at - where.p));
		where = view_skip(where, who.n + 1);
	}
	if (at && !who_read(who, t))
		error_set(e, CODE_INVALID, "'%s': user and password cannot be read", uri);
	else if (!host_read(where, t))
		error_set(e, CODE_INVALID, "'%s': host and port cannot be read", uri);
	else if (scheme->protocol == LOAD_SQS && path.n)
		error_set(e, CODE_INVALID, "'%s': the address of an SQS endpoint has no path", uri);
	else if (scheme->protocol == LOAD_AMQP && has_path && path.n && !text_decode(path, t->vhost, sizeof(t->vhost)))
		error_set(e, CODE_INVALID, "'%s': the vhost cannot be read", uri);
	else
		return true;
	return false;
}

int load_target_dial(const struct load_target *t)
{
	char port[8];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int fd = -1, one = 1;
	snprintf(port, sizeof(port), "%u", t->port);
	errno = 0;
	if (getaddrinfo(t->host, port, &hints, &list) != 0)
		return -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			int why = errno;
			close(fd);
			errno = why;
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}
