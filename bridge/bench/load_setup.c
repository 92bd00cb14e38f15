/* SPDX-License-Identifier: Apache-2.0 */
/* Before the measured part: connect, log in, declare; and the goodbye after it.
 * Everything here is one method out, one expected method back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench/load_wire_priv.h"

enum { ANSWER_S = 120, ARGS_MAX = 1024 };

/* ---- arguments of one method ---- */

struct args {
	uint8_t bytes[ARGS_MAX];
	size_t n;
};

static uint8_t *take(struct args *a, size_t n)
{
	if (a->n + n > sizeof(a->bytes))
		load_fail("method too long");
	a->n += n;
	return a->bytes + a->n - n;
}

static void u8(struct args *a, unsigned v)
{
	*take(a, 1) = (uint8_t)v;
}

static void u16(struct args *a, unsigned v)
{
	be16_put(take(a, 2), (uint16_t)v);
}

static void u32(struct args *a, uint32_t v)
{
	be32_put(take(a, 4), v);
}

static void text(struct args *a, const char *s)
{
	size_t n = strlen(s);
	u8(a, (unsigned)n);
	memcpy(take(a, n), s, n);
}

static void long_text(struct args *a, const void *s, size_t n)
{
	u32(a, (uint32_t)n);
	memcpy(take(a, n), s, n);
}

static struct args method(unsigned class_id, unsigned id)
{
	struct args a = {.n = 0};
	u32(&a, METHOD(class_id, id));
	return a;
}

/* ---- one method out, one back ---- */

static void write_all(struct load_conn *c, const void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t w = write(c->fd, (const uint8_t *)p + at, n - at);
		if (w < 0 && errno != EINTR)
			load_fail("write: %s", strerror(errno));
		at += w > 0 ? (size_t)w : 0;
	}
}

static void send_method(struct load_conn *c, unsigned channel, const struct args *a)
{
	uint8_t frame[ARGS_MAX + 8];
	frame[0] = FRAME_METHOD;
	be16_put(frame + 1, (uint16_t)channel);
	be32_put(frame + 3, (uint32_t)a->n);
	memcpy(frame + 7, a->bytes, a->n);
	frame[7 + a->n] = FRAME_END;
	write_all(c, frame, a->n + 8);
}

/* The next method; its payload, valid until the next read. */
static const uint8_t *answer(struct load_conn *c, unsigned class_id, unsigned id)
{
	const uint8_t *frame;
	uint32_t n;
	do {
		while (!(frame = load_frame(c, &n)))
			if (!load_fill(c))
				load_fail("no answer %u,%u in %d s", class_id, id, ANSWER_S);
	} while (frame[0] == FRAME_HEARTBEAT);
	if (frame[0] != FRAME_METHOD || n < 4)
		load_fail("instead of %u,%u: frame type %u", class_id, id, frame[0]);
	return frame + 7;
}

__attribute__((noreturn)) static void refused(const uint8_t *p, unsigned class_id, unsigned id)
{
	if (be32_get(p) == METHOD(10, 50) || be32_get(p) == METHOD(20, 40))
		load_fail("instead of %u,%u: %u,%u %u %.*s", class_id, id, be16_get(p), be16_get(p + 2),
			  be16_get(p + 4), p[6], (const char *)p + 7);
	load_fail("instead of %u,%u: %u,%u", class_id, id, be16_get(p), be16_get(p + 2));
}

static void expect(struct load_conn *c, unsigned class_id, unsigned id)
{
	const uint8_t *p = answer(c, class_id, id);
	if (be32_get(p) != METHOD(class_id, id))
		refused(p, class_id, id);
}

/* Whatever is on its way before it is thrown away. */
static void expect_among_others(struct load_conn *c, unsigned class_id, unsigned id)
{
	const uint8_t *frame;
	uint32_t n;
	do {
		while (!(frame = load_frame(c, &n)))
			if (!load_fill(c))
				load_fail("no answer %u,%u in %d s", class_id, id, ANSWER_S);
	} while (frame[0] != FRAME_METHOD || n < 4 || be32_get(frame + 7) != METHOD(class_id, id));
}

static void call(struct load_conn *c, const struct args *a)
{
	send_method(c, 1, a);
	expect(c, be16_get(a->bytes), be16_get(a->bytes + 2) + 1u);
}

/* ---- connection ---- */

static int dial(const struct load_target *t)
{
	int fd = load_target_dial(t);
	if (fd < 0)
		load_fail("%s port %u: %s", t->host, t->port, errno ? strerror(errno) : "no such host");
	struct timeval limit = {.tv_sec = ANSWER_S};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static void login(struct load_conn *c, const struct load_target *t)
{
	expect(c, 10, 10);
	struct args a = method(10, 11); /* start-ok: no properties, PLAIN */
	u32(&a, 0);
	text(&a, "PLAIN");
	uint8_t plain[256];
	size_t n_user = strlen(t->user), n_password = strlen(t->password);
	if (n_user + n_password + 2 > sizeof(plain))
		load_fail("user and password too long");
	plain[0] = plain[1 + n_user] = 0;
	memcpy(plain + 1, t->user, n_user);
	memcpy(plain + 2 + n_user, t->password, n_password);
	long_text(&a, plain, n_user + n_password + 2);
	text(&a, "en_US");
	send_method(c, 0, &a);
	expect(c, 10, 30);
	a = method(10, 31); /* tune-ok: no heartbeats */
	u16(&a, 2047);
	u32(&a, LOAD_FRAME_MAX);
	u16(&a, 0);
	send_method(c, 0, &a);
	a = method(10, 40);
	text(&a, t->vhost);
	text(&a, "");
	u8(&a, 0);
	send_method(c, 0, &a);
	expect(c, 10, 41);
	a = method(20, 10);
	text(&a, "");
	call(c, &a);
}

struct load_conn *load_open(const struct load_target *t)
{
	struct load_conn *c = calloc(1, sizeof(*c));
	if (!c || !(c->in = malloc(LOAD_SETUP_BYTES)))
		load_fail("out of memory");
	c->in_size = LOAD_SETUP_BYTES;
	c->fd = dial(t);
	write_all(c, "AMQP\0\0\x09\x01", 8);
	login(c, t);
	return c;
}

void load_stop(struct load_conn *c)
{
	fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) & ~O_NONBLOCK);
	load_flush(c);
}

void load_close(struct load_conn *c)
{
	struct args a = method(10, 50);
	u16(&a, 200);
	text(&a, "");
	u32(&a, 0);
	send_method(c, 0, &a);
	if (c->streaming)
		expect_among_others(c, 10, 51);
	else
		expect(c, 10, 51);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

void load_start(struct load_conn *c, const struct load_events *events, void *ctx)
{
	c->in = realloc(c->in, LOAD_IN_BYTES);
	c->out = malloc(LOAD_OUT_BYTES);
	if (!c->in || !c->out)
		load_fail("out of memory");
	c->in_size = LOAD_IN_BYTES;
	c->streaming = true;
	c->events = events;
	c->ctx = ctx;
	fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
}

/* ---- definitions ---- */

void load_queue_declare(struct load_conn *c, const struct queue_spec *q)
{
	struct args a = method(50, 10), table = {.n = 0};
	u16(&a, 0);
	text(&a, q->name);
	u8(&a, q->durable ? 2 : 0);
	if (q->quorum) {
		text(&table, "x-queue-type");
		u8(&table, 'S');
		long_text(&table, "quorum", 6);
	}
	long_text(&a, table.bytes, table.n);
	call(c, &a);
}

void load_queue_delete(struct load_conn *c, const char *name)
{
	struct args a = method(50, 40);
	u16(&a, 0);
	text(&a, name);
	u8(&a, 0);
	call(c, &a);
}

void load_exchange_declare(struct load_conn *c, const char *name, const char *type)
{
	struct args a = method(40, 10);
	u16(&a, 0);
	text(&a, name);
	text(&a, type);
	u8(&a, 0);
	u32(&a, 0);
	call(c, &a);
}

void load_exchange_delete(struct load_conn *c, const char *name)
{
	struct args a = method(40, 20);
	u16(&a, 0);
	text(&a, name);
	u8(&a, 0);
	call(c, &a);
}

void load_bind(struct load_conn *c, const char *queue, const char *exchange, const char *key)
{
	struct args a = method(50, 20);
	u16(&a, 0);
	text(&a, queue);
	text(&a, exchange);
	text(&a, key);
	u8(&a, 0);
	u32(&a, 0);
	call(c, &a);
}

bool load_get(struct load_conn *c, const char *queue)
{
	struct args a = method(60, 70);
	u16(&a, 0);
	text(&a, queue);
	u8(&a, 0);
	c->streaming = true;
	send_method(c, 1, &a);
	const uint8_t *p = answer(c, 60, 71);
	if (be32_get(p) == METHOD(60, 72))
		return false;
	if (be32_get(p) != METHOD(60, 71))
		refused(p, 60, 71);
	return true;
}

void load_confirm_select(struct load_conn *c)
{
	struct args a = method(85, 10);
	u8(&a, 0);
	call(c, &a);
}

void load_qos(struct load_conn *c, uint16_t prefetch)
{
	struct args a = method(60, 10);
	u32(&a, 0);
	u16(&a, prefetch);
	u8(&a, 0);
	call(c, &a);
}

void load_consume(struct load_conn *c, const char *queue, bool no_ack)
{
	struct args a = method(60, 20);
	u16(&a, 0);
	text(&a, queue);
	text(&a, "");
	u8(&a, no_ack ? 2 : 0);
	u32(&a, 0);
	call(c, &a);
}
