/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 in: a wire head (base/wire.h) that parses requests and hands each to
 * a handler. One request of a connection at a time; keep-alive, Expect:
 * 100-continue, chunked bodies, HEAD; pipelined requests wait for the answer before them.
 * Malformed: 400; head too large: 431; body too large: 413; both limits are in
 * the options. Sans-I/O like every head. */
#ifndef MQB_NET_HTTP_H
#define MQB_NET_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/wire.h"

struct http_header {
	struct view name, value;
};

/* One request and its answer; owned by the connection, valid until answered or cancelled. */
struct http_request {
	struct view method;
	struct view path;  /* up to the '?', not decoded */
	struct view query; /* behind it, not decoded */
	const struct http_header *headers;
	size_t n_headers;
	struct view body;
	bool loopback;
	const char *peer;    /* the connection's name: "ip:port -> ip:port" */
	struct arena *arena; /* freed after the answer */
	void *ctx;           /* the handler's own, NULL at first */
	/* Set before http_respond to learn what became of the answer: ok once its
	 * last byte was handed to the socket, else it never will be. Called at most
	 * once, from the driver's phases, after r itself is gone. */
	void (*sent)(void *sent_ctx, bool ok);
	void *sent_ctx;
};

struct http_service {
	void *env;
	size_t head_max, body_max; /* bytes */
	int64_t idle_ms;           /* keep-alive without a request; 0: no limit */
	/* Answer now or later with http_respond. `now` is the turn's. */
	void (*request)(void *env, struct http_request *r, struct now now);
	/* The peer is gone before the answer: forget r. */
	void (*cancelled)(void *env, struct http_request *r);
	/* http.c's own, zeroed at first: the Date header of this second. */
	int64_t date_s;
	char date[32];
};

/* The wire head; its env is a struct http_service *. */
extern const struct wire_head http_head;

/* First header of that name (case-insensitive), or an empty view. */
struct view http_header_find(const struct http_request *r, const char *name);

/* The request publishes: from now on its connection is not read while the store
 * gate is shut or an alarm stands (base/wire.h). */
void http_publishes(struct http_request *r);

/* Copies everything it is given; Content-Length, Date, Connection are added.
 * After it r is gone. */
void http_respond(struct http_request *r, int status, const struct http_header *headers, size_t n,
		  struct view body);

/* name=value pairs of a query string or form, decoded into the arena; returns
 * the number, -1 when malformed. */
struct http_pair {
	struct view name, value;
};
int http_form_decode(struct view form, struct arena *a, struct http_pair **out);

#endif
