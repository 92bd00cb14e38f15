/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to requests, over Debian's http-parser. Head lines are copied into one
 * buffer as they come, so it makes no difference where the peer's bytes were
 * cut; the body is copied once. The library is built lenient there (blanks in
 * header names), so names are checked again here: a proxy in front must not read
 * the head differently. http-parser's own limit of 80 KiB for a head stands
 * behind head_max. */
#include <strings.h>

#include "base/log.h"
#include "net/http_priv.h"

static int refuse(struct http_conn *c, int status, const char *text)
{
	c->fault = status;
	c->fault_text = text;
	return -1;
}

/* ---- collecting the head --------------------------------------------------- */

static int head_add(struct http_conn *c, const char *at, size_t n)
{
	if (!buf_add(&c->head, view_of(at, n)))
		return refuse(c, 431, "the head of the request is too large");
	return 0;
}

static int on_begin(http_parser *p)
{
	http_enter(p->data, HTTP_AT_HEAD);
	return 0;
}

static int on_url(http_parser *p, const char *at, size_t n)
{
	struct http_conn *c = p->data;

	c->n_url += n;
	return head_add(c, at, n);
}

static int on_field(http_parser *p, const char *at, size_t n)
{
	struct http_conn *c = p->data;

	if (c->state != HTTP_AT_HEAD)
		return 0; /* trailers of a chunked body: nobody asks for them */
	if (c->in_value || !c->n_spans) {
		if (c->n_spans == HTTP_HEADERS_MAX)
			return refuse(c, 431, "the request has too many header lines");
		if (c->n_spans == c->cap_spans)
			c->spans = mem_grow(c->spans, &c->cap_spans, c->n_spans + 1,
					    sizeof *c->spans);
		c->spans[c->n_spans++] = (struct http_span){.name = (uint32_t)c->head.n};
		c->in_value = false;
	}
	c->spans[c->n_spans - 1].n_name += (uint32_t)n;
	return head_add(c, at, n);
}

static int on_value(http_parser *p, const char *at, size_t n)
{
	struct http_conn *c = p->data;
	struct http_span *s;

	if (c->state != HTTP_AT_HEAD)
		return 0;
	must(c->n_spans);
	s = &c->spans[c->n_spans - 1];
	if (!c->in_value) {
		c->in_value = true;
		s->value = (uint32_t)c->head.n;
	}
	s->n_value += (uint32_t)n;
	return head_add(c, at, n);
}

/* ---- judging the head ------------------------------------------------------ */

static bool blank(uint8_t b)
{
	return b == ' ' || b == '\t';
}

static struct view trimmed(struct view v)
{
	while (v.n && blank(v.p[0]))
		v = view_skip(v, 1);
	while (v.n && blank(v.p[v.n - 1]))
		v.n--;
	return v;
}

static struct view span_name(const struct http_conn *c, size_t i)
{
	return view_of(c->head.p + c->spans[i].name, c->spans[i].n_name);
}

static struct view span_value(const struct http_conn *c, size_t i)
{
	if (!c->spans[i].n_value)
		return VIEW_NONE;
	return trimmed(view_of(c->head.p + c->spans[i].value, c->spans[i].n_value));
}

static bool same_word(struct view v, const char *word)
{
	return v.n == strlen(word) && strncasecmp((const char *)v.p, word, v.n) == 0;
}

/* RFC 9110 §5.6.2 */
static bool is_token(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t b = v.p[i];
		bool alnum = (b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z');

		if (!alnum && (!b || !strchr("!#$%&'*+-.^_`|~", b)))
			return false;
	}
	return v.n > 0;
}

/* Lines of that name; the value of the last one in *value. */
static size_t lines_of(const struct http_conn *c, const char *name, struct view *value)
{
	size_t found = 0;

	for (size_t i = 0; i < c->n_spans; i++)
		if (same_word(span_name(c, i), name)) {
			*value = span_value(c, i);
			found++;
		}
	return found;
}

/* RFC 9112 §3.2, §6.1, §6.3: what http-parser leaves to us. */
static int head_check(struct http_conn *c)
{
	const http_parser *p = &c->parser;
	struct view value = VIEW_NONE;
	size_t n;

	for (size_t i = 0; i < c->n_spans; i++)
		if (!is_token(span_name(c, i)))
			return refuse(c, 400, "malformed header name");
	if (p->http_major != 1)
		return refuse(c, 505, "this is an HTTP/1.1 server");
	if (p->method == HTTP_CONNECT)
		return refuse(c, 501, "CONNECT is not supported");
	n = lines_of(c, "host", &value);
	if (n > 1 || (n == 0 && p->http_minor >= 1))
		return refuse(c, 400, "a request has one Host header");
	n = lines_of(c, "transfer-encoding", &value);
	if (n > 1 || (n == 1 && !same_word(value, "chunked")))
		return refuse(c, 501, "the only transfer encoding here is chunked");
	if (p->content_length != UINT64_MAX && p->content_length > c->service->body_max)
		return refuse(c, 413, "the body of the request is too large");
	return 0;
}

/* RFC 9110 §10.1.1 */
static int expect_answer(struct http_conn *c)
{
	struct view value = VIEW_NONE;

	if (!lines_of(c, "expect", &value) || c->parser.http_minor == 0)
		return 0;
	if (!same_word(value, "100-continue"))
		return refuse(c, 417, "the only expectation known here is 100-continue");
	out_add(&c->wire->out, VIEW("HTTP/1.1 100 Continue\r\n\r\n"));
	wire_touch(c->wire);
	return 0;
}

static int on_head(http_parser *p)
{
	struct http_conn *c = p->data;

	if (head_check(c) || expect_answer(c))
		return -1;
	p->upgrade = 0; /* RFC 9110 §7.8: an Upgrade (h2c of Java's client) may be ignored */
	c->keep_alive = http_should_keep_alive(p) != 0;
	http_enter(c, HTTP_AT_BODY);
	return 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
	struct http_conn *c = p->data;

	if (!buf_add(&c->body, view_of(at, n)))
		return refuse(c, 413, "the body of the request is too large");
	return 0;
}

static int on_complete(http_parser *p)
{
	struct http_conn *c = p->data;

	c->complete = true;
	http_parser_pause(p, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

/* ---- the request ----------------------------------------------------------- */

static struct view cut_at(struct view v, char at)
{
	const uint8_t *p = v.n ? memchr(v.p, at, v.n) : NULL;

	return p ? view_head(v, (size_t)(p - v.p)) : v;
}

/* Origin form, absolute form or "*" (RFC 9112 §3.2). False when none of them. */
static bool target_split(struct view url, struct http_request *r)
{
	url = cut_at(url, '#');
	if (url.n && url.p[0] != '/' && !view_is(url, "*")) {
		const uint8_t *p = memmem(url.p, url.n, "://", 3);

		if (!p)
			return false;
		url = view_skip(url, (size_t)(p - url.p) + 3);
		while (url.n && url.p[0] != '/' && url.p[0] != '?')
			url = view_skip(url, 1);
	}
	r->path = cut_at(url, '?');
	r->query = view_skip(url, r->path.n + 1);
	if (!r->path.n)
		r->path = VIEW("/");
	return true;
}

static void request_give(struct http_conn *c)
{
	struct http_header *headers = arena_alloc(&c->arena, (c->n_spans + 1) * sizeof *headers);

	for (size_t i = 0; i < c->n_spans; i++)
		headers[i] = (struct http_header){span_name(c, i), span_value(c, i)};
	c->r = (struct http_request){
		.method = view_str(http_method_str((enum http_method)c->parser.method)),
		.headers = headers,
		.n_headers = c->n_spans,
		.body = buf_view(&c->body),
		.loopback = c->wire->loopback,
		.peer = c->wire->peer,
		.arena = &c->arena,
	};
	if (!target_split(view_of(c->head.p, c->n_url), &c->r)) {
		http_fail(c, 400, "malformed request target");
		return;
	}
	http_enter(c, HTTP_AT_BUSY);
	c->service->request(c->service->env, &c->r, http_now(c));
}

static void buf_reuse(struct buf *b)
{
	size_t max = b->max;

	if (b->cap > HTTP_BUF_KEEP) {
		buf_fini(b);
		buf_init(b, max);
	}
	buf_clear(b);
}

void http_parse_reset(struct http_conn *c)
{
	buf_reuse(&c->head);
	buf_reuse(&c->body);
	arena_reset(&c->arena);
	c->n_spans = c->n_url = 0;
	c->in_value = c->complete = false;
	http_parser_init(&c->parser, HTTP_REQUEST);
	c->parser.data = c;
}

static void parse_failed(struct http_conn *c)
{
	enum http_errno err = HTTP_PARSER_ERRNO(&c->parser);

	if (c->fault)
		http_fail(c, c->fault, c->fault_text);
	else if (err == HPE_HEADER_OVERFLOW)
		http_fail(c, 431, "the head of the request is too large");
	else
		http_fail(c, 400, http_errno_description(err));
}

size_t http_parse(struct http_conn *c, struct view bytes)
{
	size_t used = 0;

	c->parsing = true;
	while (used < bytes.n && c->state != HTTP_AT_BUSY && c->state != HTTP_AT_CLOSING) {
		used += http_parser_execute(&c->parser, &settings, (const char *)bytes.p + used,
					    bytes.n - used);
		if (c->complete)
			request_give(c);
		else if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK)
			parse_failed(c);
	}
	c->parsing = false;
	return c->state == HTTP_AT_CLOSING ? bytes.n : used;
}

struct view http_header_find(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (same_word(r->headers[i].name, name))
			return r->headers[i].value;
	return VIEW_NONE;
}
