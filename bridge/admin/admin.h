/* SPDX-License-Identifier: Apache-2.0 */
/* The management interface: an HTTP service (net/http.h) of JSON over basic
 * authentication, described in docs/administration.md. It keeps no session: each
 * request is authenticated by itself, answers come in a later phase of the loop.
 * A request that ends before its answer is forgotten; a change it has begun goes on. */
#ifndef MQB_ADMIN_ADMIN_H
#define MQB_ADMIN_ADMIN_H

#include "access/access.h"
#include "engine/engine.h"
#include "net/http.h"

struct admin;

/* What /api/status says about the store; texts valid during the call. */
struct admin_store {
	const char *name;   /* "sqlite" */
	const char *state;  /* ok, slow, full, failed */
	const char *reason; /* NULL: none */
};

/* The gates of memory and disk; bytes. A gate that is never looked at is zero. */
struct admin_gate {
	bool shut;
	int64_t now, high, low; /* memory: shuts above high, opens at low; disk: shuts below low, opens at high */
};
struct admin_gates {
	struct admin_gate memory, disk;
};

/* Every number is a limit; 0 takes the default of its comment. */
struct admin_options {
	void *ctx; /* of the callbacks; each may be NULL */
	/* NULL: ready; else why not. Valid until the next call. */
	const char *(*not_ready)(void *ctx);
	/* A JSON object: key of a listener → port or null. Valid until the next call. */
	const char *(*listeners)(void *ctx);
	void (*store)(void *ctx, struct admin_store *out);
	void (*gates)(void *ctx, struct admin_gates *out);
	int64_t started_ms;           /* mono, for uptime */
	size_t head_max;              /* bytes; 16 KiB */
	size_t body_max;              /* bytes; 1 MiB */
	int64_t idle_ms;              /* keep-alive without a request; 60 s */
	uint32_t login_failures_free; /* failed logins without a pause; 3 */
	int64_t login_wait_ms;        /* first pause, doubled by each further failure; 250 */
	int64_t login_wait_ms_max;    /* 8000 */
	int64_t login_forget_ms;      /* without a failure; 60 s */
	uint32_t login_peers_max;     /* (address, user) pairs watched; 1024 */
};

/* Borrows engine and access; copies the options. */
struct admin *admin_new(struct engine *engine, struct access *access, const struct admin_options *o);
/* Its connections are closed. Changes under way answer into nothing: access goes before admin,
 * or is idle. */
void admin_free(struct admin *a);
/* The env of http_head for its listeners; lives as long as the admin. */
struct http_service *admin_service(struct admin *a);

#endif
