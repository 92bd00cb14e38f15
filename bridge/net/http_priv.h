/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the HTTP head: what http.c (the connection's life), http_parse.c
 * (bytes to requests) and http_answer.c (answers to bytes) share. */
#ifndef MQB_NET_HTTP_PRIV_H
#define MQB_NET_HTTP_PRIV_H

#include <http_parser.h>

#include "net/http.h"

enum {
	HTTP_HEADERS_MAX = 256,           /* lines of a head; more: 431 */
	HTTP_KEPT_PAUSE = 64 * 1024,      /* pipelined bytes past which we do not read */
	HTTP_KEPT_MAX = 4 * 1024 * 1024,  /* what a driver may still hand in after that */
	HTTP_BUF_KEEP = 256 * 1024        /* a larger buffer is given back after its request */
};

enum http_state {
	HTTP_AT_IDLE,   /* between requests */
	HTTP_AT_HEAD,   /* a request line has begun */
	HTTP_AT_BODY,   /* the head is complete */
	HTTP_AT_BUSY,   /* the handler has it */
	HTTP_AT_CLOSING /* the last answer is written */
};

/* A header line as offsets into the head buffer, which moves while it grows. */
struct http_span {
	uint32_t name, n_name, value, n_value;
};

/* Somebody waits for out.total to pass `at` in what was consumed. */
struct http_mark {
	uint64_t at;
	void (*sent)(void *ctx, bool ok);
	void *ctx;
};

struct http_conn {
	struct http_request r; /* valid in BUSY */
	struct wire *wire;
	struct http_service *service;
	http_parser parser;
	enum http_state state;
	bool parsing;    /* http_parse is on the stack and goes on by itself */
	bool in_value;   /* the parser is behind a header's colon */
	bool complete;   /* the parser has seen the end of the message */
	bool keep_alive; /* of the request at hand */
	bool stopping;   /* the daemon stops: no request after the one at hand */
	int fault;       /* status for what a parser callback refused; 0: none */
	const char *fault_text;
	struct buf head, body;
	size_t n_url;    /* the url is the front of head */
	struct http_span *spans;
	size_t n_spans, cap_spans;
	struct arena arena;
	struct buf kept; /* pipelined bytes behind the request at hand */
	size_t kept_at;  /* of them already parsed */
	struct http_mark *marks;
	size_t first_mark, n_marks, cap_marks;
	int64_t since_ms; /* mono; of the state we are in, or of the last read in BODY */
	struct now now;   /* the last that the driver gave */
};

void http_enter(struct http_conn *c, enum http_state to);
struct now http_now(const struct http_conn *c);

/* Parses until the bytes are used up or a request waits for its answer.
 * Returns how many it used. */
size_t http_parse(struct http_conn *c, struct view bytes);
/* Ready for the next request. */
void http_parse_reset(struct http_conn *c);

/* Answers with a short text and closes. */
void http_fail(struct http_conn *c, int status, const char *text);
/* Raises the marks that were passed; at the end of the connection the others as false. */
void http_marks_raise(struct http_conn *c, bool end);
/* After an answer: what comes next on this connection. */
void http_next(struct http_conn *c);

#endif
