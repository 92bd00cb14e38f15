/* SPDX-License-Identifier: Apache-2.0 */
/* The management interface over the memory store, asked without a socket: one
 * connection, one request at a time, its answer taken apart. */
#ifndef TESTS_UNIT_ADMIN_RIG_H
#define TESTS_UNIT_ADMIN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "admin/admin.h"

struct rig {
	struct store *store;
	struct engine *engine;
	struct access *access;
	struct admin *admin;
	struct wire wire;
	void *head; /* NULL: not connected */
	struct now now;
	const char *not_ready;
	bool hold; /* hashes wait for rig_hash */
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
	/* the last answer */
	int status;
	char *answer; /* all of it */
	const char *body;
	json_t *json; /* NULL: no body */
};

void rig_open(struct rig *g);
void rig_close(struct rig *g);
void rig_connect(struct rig *g, const char *peer);
void rig_disconnect(struct rig *g);
/* Polls everything until nothing happens any more. */
void rig_run(struct rig *g);
void rig_hash(struct rig *g);
/* Sends only. auth: "user:password", NULL: none. body NULL: none. */
void rig_send(struct rig *g, const char *method, const char *path, const char *auth, const char *body);
/* Takes the answer that must be there. Returns its status. */
int rig_take(struct rig *g);
/* send, run, take */
int ask(struct rig *g, const char *method, const char *path, const char *auth, const char *body);
/* Value of a header of the last answer, up to 127 bytes; "": none. */
const char *header(struct rig *g, const char *name);
/* String field of the last answer's object. */
const char *text(const struct rig *g, const char *field);

#endif
