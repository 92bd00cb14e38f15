/* SPDX-License-Identifier: Apache-2.0 */
/* The server under load, from its URI:
 *   amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST]    guest:guest, 5672, /
 *   http://[KEY[:SECRET]@]HOST[:PORT]               guest:guest, 9324
 * User, password and vhost may be percent-encoded; a host in brackets is IPv6. */
#ifndef MQB_BENCH_LOAD_TARGET_H
#define MQB_BENCH_LOAD_TARGET_H

#include "base/error.h"
#include "base/view.h"

enum load_protocol { LOAD_AMQP, LOAD_SQS };

struct load_target {
	enum load_protocol protocol;
	char host[256], user[256], password[256], vhost[256];
	uint16_t port;
	int pid; /* of the server where it runs here; 0: its cost is not measured */
};

/* Everything but pid. False and *e: what is wrong with it. */
bool load_target_parse(const char *uri, struct load_target *t, struct error *e);
/* A connected socket with TCP_NODELAY; -1 and errno or, where the name is not known, 0. */
int load_target_dial(const struct load_target *t);

#endif
