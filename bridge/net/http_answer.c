/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to bytes: status line, the handler's headers, ours, the body; and the
 * marks that tell when an answer was handed to the socket. */
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "net/http_priv.h"

enum { HEAD_RESERVE_MAX = 64 * 1024, FIXED_LINES_MAX = 256 };

/* RFC 9110 §5.6.7, once a second. Names are our own: no locale. */
static const char *date_text(struct http_service *s, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (s->date_s == t && s->date[0])
		return s->date;
	gmtime_r(&t, &tm);
	s->date_s = t;
	snprintf(s->date, sizeof s->date, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
		 days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
		 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
		 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	return s->date;
}

/* ---- writing --------------------------------------------------------------- */

static uint8_t *put(uint8_t *p, const void *src, size_t n)
{
	if (n)
		memcpy(p, src, n);
	return p + n;
}

/* A handler may echo what a peer sent: no line end gets through. */
static uint8_t *put_line_part(uint8_t *p, struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		*p++ = v.p[i] == '\r' || v.p[i] == '\n' || !v.p[i] ? ' ' : v.p[i];
	return p;
}

static uint8_t *put_fixed(struct http_conn *c, uint8_t *p, int status, size_t n_body)
{
	char lines[FIXED_LINES_MAX];
	int n = 0;

	if (status != 204 && status != 304) /* RFC 9110 §8.6 */
		n = snprintf(lines, sizeof lines, "Content-Length: %zu\r\n", n_body);
	n += snprintf(lines + n, sizeof lines - (size_t)n, "Date: %s\r\nConnection: %s\r\n\r\n",
		      date_text(c->service, http_now(c).wall_ms),
		      c->keep_alive ? "keep-alive" : "close");
	return put(p, lines, (size_t)n);
}

struct answer {
	int status;
	const struct http_header *headers;
	size_t n_headers;
	struct view body;
};

static void answer_write(struct http_conn *c, const struct answer *a)
{
	const char *reason = http_status_str((enum http_status)a->status);
	size_t need = FIXED_LINES_MAX + 16 + strlen(reason);
	uint8_t *start, *p;
	char status[16];

	for (size_t i = 0; i < a->n_headers; i++)
		need += a->headers[i].name.n + a->headers[i].value.n + 4;
	must(need <= HEAD_RESERVE_MAX && a->status >= 200 && a->status <= 599);
	start = p = out_reserve(&c->wire->out, need);
	p = put(p, status, (size_t)snprintf(status, sizeof status, "HTTP/1.1 %d ", a->status));
	p = put(p, reason, strlen(reason));
	p = put(p, "\r\n", 2);
	for (size_t i = 0; i < a->n_headers; i++) {
		p = put_line_part(p, a->headers[i].name);
		p = put(p, ": ", 2);
		p = put_line_part(p, a->headers[i].value);
		p = put(p, "\r\n", 2);
	}
	p = put_fixed(c, p, a->status, a->body.n);
	out_commit(&c->wire->out, (size_t)(p - start));
	/* RFC 9110 §9.3.2, §15.3.5, §15.4.5 */
	if (c->parser.method != HTTP_HEAD && a->status != 204 && a->status != 304)
		out_add(&c->wire->out, a->body);
}

/* ---- marks ----------------------------------------------------------------- */

static void mark_add(struct http_conn *c)
{
	if (c->n_marks == c->cap_marks)
		c->marks = mem_grow(c->marks, &c->cap_marks, c->n_marks + 1, sizeof *c->marks);
	c->marks[c->n_marks++] = (struct http_mark){c->wire->out.total, c->r.sent, c->r.sent_ctx};
}

void http_marks_raise(struct http_conn *c, bool end)
{
	uint64_t consumed = c->wire->out.total - c->wire->out.bytes;

	while (c->first_mark < c->n_marks) {
		struct http_mark m = c->marks[c->first_mark];

		if (m.at > consumed && !end)
			return;
		c->first_mark++;
		m.sent(m.ctx, m.at <= consumed);
	}
	c->first_mark = c->n_marks = 0;
}

/* ---- the two kinds of answer ------------------------------------------------- */

void http_respond(struct http_request *r, int status, const struct http_header *headers, size_t n,
		  struct view body)
{
	struct http_conn *c = (struct http_conn *)r; /* r is its first member */

	must(c->state == HTTP_AT_BUSY);
	if (c->stopping)
		c->keep_alive = false;
	answer_write(c, &(struct answer){status, headers, n, body});
	if (r->sent)
		mark_add(c);
	http_enter(c, c->keep_alive ? HTTP_AT_IDLE : HTTP_AT_CLOSING);
	http_parse_reset(c);
	http_next(c);
}

void http_publishes(struct http_request *r)
{
	struct http_conn *c = (struct http_conn *)r; /* r is its first member */

	c->wire->publishes = c->wire->published = true;
	wire_touch(c->wire);
}

void http_fail(struct http_conn *c, int status, const char *text)
{
	static const struct http_header plain = {VIEW("Content-Type"), VIEW("text/plain")};
	char line[128];
	int n = snprintf(line, sizeof line, "%s\n", text);

	log_debug("http.refused", "connection=\"%s\" status=%d text=\"%s\"", c->wire->peer, status,
		  text);
	c->keep_alive = false;
	answer_write(c, &(struct answer){status, &plain, 1, view_of(line, (size_t)n)});
	http_enter(c, HTTP_AT_CLOSING);
	http_next(c);
}
