/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's HTTP/1.1: one keep-alive connection, one request at a time,
 * answers with a Content-Length. Like load_wire.h it ends the process when
 * something is not as expected, and so does an answer other than 200. */
#ifndef MQB_BENCH_LOAD_HTTP_H
#define MQB_BENCH_LOAD_HTTP_H

#include "base/buf.h"
#include "bench/load_target.h"

struct load_http {
	int fd;
	struct buf out; /* what of the request is not yet written, from out_at on */
	size_t out_at;
	struct buf in;
	struct view answer; /* body of the last answer; in `in`, until the next request */
};

void load_http_open(struct load_http *h, const struct load_target *t);
void load_http_close(struct load_http *h);
/* Writes what the socket takes. */
void load_http_send(struct load_http *h, struct view request);
void load_http_flush(struct load_http *h);
/* One read; true: the answer is here. */
bool load_http_read(struct load_http *h);
/* Request and answer, waiting for it. */
struct view load_http_call(struct load_http *h, struct view request);

/* Requests to SQS (AWS JSON 1.0), signed. */
struct load_signer;
struct load_signer *load_signer_new(const struct load_target *t);
void load_signer_free(struct load_signer *s);
/* Appends the request of an action such as "SendMessage" as of now. */
void load_sign(struct load_signer *s, const char *action, struct view json, struct buf *out);

#endif
