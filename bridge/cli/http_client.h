/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request, answered whole; libcurl lives behind this header. */
#ifndef MQB_CLI_HTTP_CLIENT_H
#define MQB_CLI_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

struct http_call {
	const char *method, *url;
	const char *user, *password; /* NULL: none */
	struct view json;            /* body; empty: none */
	long timeout_ms;
};

/* The status, and the body in out (initialised by the caller); -1 and *e when there is no answer. */
long http_client_call(const struct http_call *c, struct buf *out, struct error *e);

#endif
