/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the admin room. A request becomes a `struct call`:
 *
 *   asked ──► CALL_LOGIN ──access──► CALL_HANDLING ──► answered
 *                                        └──► CALL_CHANGING ──access──► answered
 *
 * A call is owned by admin->calls and freed when it is answered. When the peer
 * goes first: a login is forgotten with its call; a call that changes something
 * goes on without `r`. What lies in r->arena is used before the change begins. */
#ifndef MQB_ADMIN_PRIV_H
#define MQB_ADMIN_PRIV_H

#include <jansson.h>

#include "admin/admin.h"
#include "base/list.h"

enum { PARTS_MAX = 2 };

enum right {
	RIGHT_PUBLIC, /* no credentials */
	RIGHT_KNOWN,  /* any user */
	RIGHT_LOOK,   /* a tag that may look */
	RIGHT_CHANGE, /* administrator */
};

struct call;
struct route {
	const char *method;
	const char *path; /* "{}": a part, percent-decoded, not empty */
	enum right right;
	void (*handle)(struct call *c);
};

enum call_state { CALL_LOGIN, CALL_HANDLING, CALL_CHANGING };

struct call {
	struct admin *admin;
	struct link link;       /* in admin->calls */
	struct http_request *r; /* NULL: the peer is gone */
	const struct route *route;
	enum call_state state;
	struct now now;
	uint64_t ticket;              /* CALL_LOGIN */
	struct view user;             /* who asks; r->arena */
	struct view parts[PARTS_MAX]; /* r->arena */
	/* CALL_CHANGING: the answer after the commit; `body` is shown then, owned. */
	int status;
	json_t *body;
};

struct failure;

struct admin {
	struct engine *engine;
	struct access *access;
	struct admin_options o;
	struct http_service service;
	struct link calls;
	struct failure *failures; /* o.login_peers_max slots */
};

/* ---- admin_route.c ---- */
/* The route, or NULL; then *allow is the list of methods of the path, empty: no such path.
 * Fills parts, in the arena. */
const struct route *route_find(struct http_request *r, struct view parts[PARTS_MAX], struct view *allow);
/* false: malformed escape. */
bool percent_decode(struct arena *a, struct view v, struct view *out);

/* ---- admin_login.c ---- */
/* Of an Authorization header (RFC 7617); false: none or malformed. */
bool basic_decode(struct http_request *r, struct view *user, struct view *password);
struct failure *failures_new(uint32_t n);
/* Ms that this user from this peer has to wait; 0: none. */
int64_t failures_wait(const struct admin *a, const struct call *c);
void failures_add(struct admin *a, const struct call *c);
void failures_clear(struct admin *a, const struct call *c);

/* ---- admin_answer.c: each ends the call ---- */
void call_answer(struct call *c, int status, json_t *body /* taken; NULL: empty */);
void call_refuse(struct call *c, int status, const char *error, const char *reason);
void call_not_found(struct call *c);
void call_bad_request(struct call *c, const char *reason);
void call_ask_login(struct call *c);                       /* 401 */
void call_ask_patience(struct call *c, int64_t wait_ms);   /* 429 */
void call_not_allowed(struct call *c, struct view allow);  /* 405 */
void call_free(struct call *c);

/* The done of a change: c->status and c->body when OK. */
void call_changed(void *call, enum code code, const char *text);
/* From here on r may go; `status` is the answer when it succeeds. */
void call_changing(struct call *c, int status);

/* ---- admin_json.c ---- */
/* Strings from outside: bytes that are not UTF-8 become U+FFFD. */
json_t *json_lossy(struct view v);
json_t *json_tags(struct view tags);
/* The body as an object, new; NULL: answered with 400. An empty body is {} if `optional`. */
json_t *call_object(struct call *c, bool optional);
/* A string field into the arena. false: wrong type. Absent: p NULL. */
bool field_string(struct call *c, const json_t *o, const char *name, struct view *out);

/* ---- rights ---- */
bool call_is_administrator(const struct call *c);
/* management and policymaker see the vhosts they have permissions in. */
bool call_may_see(const struct call *c, struct view vhost);

/* ---- handlers, by file ---- */
/* admin_status.c */
void get_live(struct call *c);
void get_ready(struct call *c);
void get_status(struct call *c);
void get_whoami(struct call *c);
/* admin_queue.c */
void get_queues(struct call *c);
void get_queues_of(struct call *c);
void get_queue(struct call *c);
void get_topics(struct call *c);
void get_topics_of(struct call *c);
/* admin_user.c */
void get_users(struct call *c);
void get_user(struct call *c);
void put_user(struct call *c);
void delete_user(struct call *c);
void get_permissions(struct call *c);
void get_permission(struct call *c);
void put_permission(struct call *c);
void delete_permission(struct call *c);
/* admin_vhost.c */
void get_vhosts(struct call *c);
void get_vhost(struct call *c);
void put_vhost(struct call *c);
void get_keys(struct call *c);
void post_key(struct call *c);
void delete_key(struct call *c);

#endif
