/* SPDX-License-Identifier: Apache-2.0 */
/* The measured part of the wire: read, parse, acknowledge, flush; and the frames
 * of a publish. Logging in and declaring are load_setup.c's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench/load_wire_priv.h"

void load_fail(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	fputs("mqbridge bench: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	_exit(1);
}

/* ---- frames in ---- */

/* connection.close (10,50), channel.close (20,40), basic.cancel (60,30): all end the run. */
static void refused(const uint8_t *p, uint32_t n)
{
	unsigned class_id = be16_get(p), method = be16_get(p + 2);
	if (n > 7 && (class_id == 10 || class_id == 20))
		load_fail("closed by the server: %u %.*s", be16_get(p + 4), p[6], (const char *)p + 7);
	load_fail("unexpected method %u,%u", class_id, method);
}

static void on_method(struct load_conn *c, const uint8_t *p, uint32_t n)
{
	switch (be32_get(p)) {
	case METHOD(60, 60): /* basic.deliver: consumer-tag, delivery-tag */
		c->delivery_tag = be64_get(p + 5 + p[4]);
		return;
	case METHOD(60, 80): /* basic.ack */
		c->events->confirmed(c->ctx, be64_get(p + 4), p[12] & 1);
		return;
	default:
		refused(p, n);
	}
}

static void on_body(struct load_conn *c, const uint8_t *p, uint32_t n)
{
	if (n > c->body_left)
		load_fail("a body longer than its header says");
	if (!c->stamped && n >= LOAD_STAMP_BYTES) {
		memcpy(c->stamp, p, LOAD_STAMP_BYTES);
		c->stamped = true;
	}
	c->body_left -= n;
	if (c->body_left)
		return;
	c->stamped = false;
	c->events->delivered(c->ctx, c->delivery_tag, c->stamp);
}

static void on_frame(struct load_conn *c, const uint8_t *frame, uint32_t n)
{
	const uint8_t *p = frame + 7;
	switch (frame[0]) {
	case FRAME_METHOD:
		on_method(c, p, n);
		return;
	case FRAME_HEADER:
		c->body_left = be64_get(p + 4);
		return;
	case FRAME_BODY:
		on_body(c, p, n);
		return;
	case FRAME_HEARTBEAT:
		return;
	default:
		load_fail("unknown frame type %u", frame[0]);
	}
}

/* The next complete frame: its payload's length in *n, else NULL. */
const uint8_t *load_frame(struct load_conn *c, uint32_t *n)
{
	const uint8_t *p = c->in + c->in_start;
	size_t have = c->in_end - c->in_start;
	if (have < 8)
		return NULL;
	*n = be32_get(p + 3);
	if (*n > LOAD_FRAME_MAX - 8)
		load_fail("a frame of %u bytes", *n);
	if (have < *n + 8)
		return NULL;
	if (p[*n + 7] != FRAME_END)
		load_fail("a frame without its end mark");
	c->in_start += *n + 8;
	return p;
}

/* One read behind what is there. False: nothing for now. */
bool load_fill(struct load_conn *c)
{
	if (c->in_start && c->in_end > c->in_size / 2) {
		memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
		c->in_end -= c->in_start;
		c->in_start = 0;
	}
	ssize_t n = read(c->fd, c->in + c->in_end, c->in_size - c->in_end);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		load_fail("connection lost: %s", n ? strerror(errno) : "end of stream");
	c->in_end += (size_t)n;
	return true;
}

void load_read(struct load_conn *c)
{
	const uint8_t *frame;
	uint32_t n;
	if (!load_fill(c))
		return;
	while ((frame = load_frame(c, &n)))
		on_frame(c, frame, n);
	if (c->in_start == c->in_end)
		c->in_start = c->in_end = 0;
}

/* ---- out ---- */

void load_ack(struct load_conn *c, uint64_t delivery_tag, bool multiple)
{
	uint8_t *p = c->out + c->out_end;
	if (c->out_end + 21 > LOAD_OUT_BYTES)
		load_fail("the server does not read acknowledgements");
	p[0] = FRAME_METHOD;
	be16_put(p + 1, 1);
	be32_put(p + 3, 13);
	be32_put(p + 7, METHOD(60, 80));
	be64_put(p + 11, delivery_tag);
	p[19] = multiple;
	p[20] = FRAME_END;
	c->out_end += 21;
}

bool load_flush(struct load_conn *c)
{
	while (c->out_start < c->out_end) {
		ssize_t n = write(c->fd, c->out + c->out_start, c->out_end - c->out_start);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0 && errno != EINTR)
			load_fail("write: %s", strerror(errno));
		c->out_start += n > 0 ? (size_t)n : 0;
	}
	c->out_start = c->out_end = 0;
	return true;
}

/* ---- a publish ---- */

static size_t frame_begin(uint8_t *p, uint8_t type, size_t n)
{
	if (p) {
		p[0] = type;
		be16_put(p + 1, 1);
		be32_put(p + 3, (uint32_t)n);
		p[7 + n] = FRAME_END;
	}
	return n + 8;
}

static uint8_t *shortstr_put(uint8_t *p, const char *s)
{
	size_t n = strlen(s);
	*p = (uint8_t)n;
	memcpy(p + 1, s, n);
	return p + 1 + n;
}

size_t load_publish_encode(const struct publish_spec *s, uint8_t *p, struct publish_places *places)
{
	size_t n_method = 4 + 2 + 1 + strlen(s->exchange) + 1 + strlen(s->key) + 1;
	size_t n = frame_begin(p, FRAME_METHOD, n_method);
	if (p) {
		be32_put(p + 7, METHOD(60, 40));
		be16_put(p + 11, 0);
		*shortstr_put(shortstr_put(p + 13, s->exchange), s->key) = 0;
	}
	size_t at = n;
	n += frame_begin(p ? p + n : NULL, FRAME_HEADER, 15);
	if (p) {
		be16_put(p + at + 7, 60);
		be16_put(p + at + 9, 0);
		be64_put(p + at + 11, s->body_bytes);
		be16_put(p + at + 19, 0x1000); /* delivery-mode alone */
		p[at + 21] = s->persistent ? 2 : 1;
	}
	places->key = 13 + 1 + strlen(s->exchange) + 1;
	places->stamp = n + 7;
	for (size_t left = s->body_bytes; left;) {
		size_t part = left < LOAD_FRAME_MAX - 8 ? left : LOAD_FRAME_MAX - 8;
		if (p)
			memset(p + n + 7, 'x', part);
		n += frame_begin(p ? p + n : NULL, FRAME_BODY, part);
		left -= part;
	}
	return n;
}
