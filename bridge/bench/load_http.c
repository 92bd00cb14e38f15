/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_http.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "bench/load_wire.h"

enum { READ_BYTES = 64 * 1024, MESSAGE_BYTES_MAX = 4 * 1024 * 1024, ANSWER_MS = 120000, QUOTED = 300 };

void load_http_open(struct load_http *h, const struct load_target *t)
{
	*h = (struct load_http){.fd = load_target_dial(t)};
	if (h->fd < 0)
		load_fail("%s port %u: %s", t->host, t->port, errno ? strerror(errno) : "no such host");
	fcntl(h->fd, F_SETFL, fcntl(h->fd, F_GETFL) | O_NONBLOCK);
	buf_init(&h->in, MESSAGE_BYTES_MAX);
	buf_init(&h->out, MESSAGE_BYTES_MAX);
}

void load_http_close(struct load_http *h)
{
	close(h->fd);
	buf_fini(&h->in);
	buf_fini(&h->out);
}

void load_http_flush(struct load_http *h)
{
	while (h->out_at < h->out.n) {
		ssize_t n = write(h->fd, h->out.p + h->out_at, h->out.n - h->out_at);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR)
			load_fail("write: %s", strerror(errno));
		h->out_at += n > 0 ? (size_t)n : 0;
	}
}

void load_http_send(struct load_http *h, struct view request)
{
	buf_clear(&h->in);
	buf_clear(&h->out);
	h->out_at = 0;
	if (!buf_add(&h->out, request))
		load_fail("a request of %zu bytes", request.n);
	load_http_flush(h);
}

/* The value of a header; head ends behind its last line. */
static struct view header_of(struct view head, const char *name)
{
	size_t n = strlen(name);
	for (const uint8_t *nl; (nl = head.n ? memchr(head.p, '\n', head.n) : NULL);) {
		head = view_skip(head, (size_t)(nl - head.p) + 1);
		if (head.n > n && strncasecmp((const char *)head.p, name, n) == 0 && head.p[n] == ':') {
			struct view v = view_skip(head, n + 1);
			const uint8_t *cr = memchr(v.p, '\r', v.n);
			return view_head(v, cr ? (size_t)(cr - v.p) : v.n);
		}
	}
	return VIEW_NONE;
}

static size_t number_of(struct view v)
{
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] >= '0' && v.p[i] <= '9')
			n = n * 10 + (size_t)(v.p[i] - '0');
		else if (v.p[i] != ' ' || n > MESSAGE_BYTES_MAX)
			load_fail("Content-Length: %.*s", VIEW_ARG(v));
	return n;
}

/* True: the answer is whole, its body in h->answer. */
static bool answer_whole(struct load_http *h)
{
	const uint8_t *end = h->in.n ? memmem(h->in.p, h->in.n, "\r\n\r\n", 4) : NULL;
	if (!end)
		return false;
	struct view head = view_of(h->in.p, (size_t)(end - h->in.p) + 2);
	struct view length = header_of(head, "content-length");
	if (!length.n)
		load_fail("an answer without Content-Length: %.*s", VIEW_ARG(view_head(head, QUOTED)));
	size_t n = number_of(length);
	if (h->in.n < head.n + 2 + n)
		return false;
	h->answer = view_of(end + 4, n);
	if (!view_starts(head, VIEW("HTTP/1.1 200")))
		load_fail("%.*s: %.*s", VIEW_ARG(view_head(head, strlen("HTTP/1.1 200"))),
			  VIEW_ARG(view_head(h->answer, QUOTED)));
	return true;
}

bool load_http_read(struct load_http *h)
{
	uint8_t *p = buf_reserve(&h->in, READ_BYTES);
	if (!p)
		load_fail("an answer of more than %d bytes", MESSAGE_BYTES_MAX);
	ssize_t n = read(h->fd, p, READ_BYTES);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		load_fail("connection lost: %s", n ? strerror(errno) : "end of stream");
	h->in.n += (size_t)n;
	return answer_whole(h);
}

struct view load_http_call(struct load_http *h, struct view request)
{
	load_http_send(h, request);
	for (;;) {
		bool writing = h->out_at < h->out.n;
		struct pollfd fd = {.fd = h->fd, .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
		if (poll(&fd, 1, ANSWER_MS) == 0)
			load_fail("no answer in %d s", ANSWER_MS / 1000);
		if (fd.revents & POLLOUT)
			load_http_flush(h);
		if (fd.revents & ~POLLOUT && load_http_read(h))
			return h->answer;
	}
}
