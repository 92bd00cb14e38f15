/* SPDX-License-Identifier: Apache-2.0 */
/* What all commands share that talk to a daemon: where it is, who asks, and how
 * an answer becomes JSON or an exit code. */
#ifndef MQB_CLI_CLIENT_PRIV_H
#define MQB_CLI_CLIENT_PRIV_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/args.h"
#include "daemon/daemon.h"

struct client {
	const char *url;  /* --url */
	const char *user; /* --user NAME:PASSWORD */
};

#define CLIENT_FLAGS(c) {"--url", &(c).url, NULL, NULL, NULL}, {"--user", &(c).user, NULL, NULL, NULL}

/* Owned by the caller of client_call; answer may be NULL (an empty body). */
struct client_answer {
	enum exit_code code;
	long status;
	json_t *json;
};

/* body may be NULL; borrowed. On failure says why on standard error. */
struct client_answer client_call(const struct client *c, const char *method, const char *path,
				 const json_t *body);
/* The base URL in effect. */
const char *client_url(const struct client *c);
/* Appends s percent-encoded as one part of a path. */
void path_part_add(struct buf *path, const char *s);

/* A password from the terminal without echo, or one line of standard input. */
bool password_ask(const char *prompt, char *out, size_t room);

#endif
