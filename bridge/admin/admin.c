/* SPDX-License-Identifier: Apache-2.0 */
/* A request's way: route, login, right, handler (admin_priv.h). */
#include "admin/admin_priv.h"

#include <stdlib.h>

#include "base/log.h"

/* ---- rights ---- */

bool call_is_administrator(const struct call *c)
{
	return access_user_has_tag(c->admin->access, c->user, "administrator");
}

static bool sees_all(const struct call *c)
{
	return call_is_administrator(c) || access_user_has_tag(c->admin->access, c->user, "monitoring");
}

static bool may_look(const struct call *c)
{
	return sees_all(c) || access_user_has_tag(c->admin->access, c->user, "management") ||
	       access_user_has_tag(c->admin->access, c->user, "policymaker");
}

bool call_may_see(const struct call *c, struct view vhost)
{
	return sees_all(c) || access_may_enter(c->admin->access, c->user, vhost);
}

/* ---- from request to handler ---- */

static void handle(struct call *c)
{
	c->state = CALL_HANDLING;
	if (c->route->right == RIGHT_CHANGE && !call_is_administrator(c))
		call_refuse(c, 403, "not_authorised", "Not administrator user");
	else if (c->route->right == RIGHT_LOOK && !may_look(c))
		call_refuse(c, 403, "not_authorised", "Not management user");
	else
		c->route->handle(c);
}

static void login_done(void *ctx, enum code code, const char *text)
{
	struct call *c = ctx;
	struct admin *a = c->admin;

	c->ticket = 0;
	if (code == CODE_OK) {
		failures_clear(a, c);
		handle(c);
	} else if (code == CODE_LIMIT) {
		call_ask_patience(c, 1000);
	} else {
		failures_add(a, c);
		log_info("admin.login_refused", "connection=\"%s\" reason=\"%s\"", c->r->peer, text);
		call_ask_login(c);
	}
}

static void login(struct call *c)
{
	struct view password;
	int64_t wait_ms;

	if (!basic_decode(c->r, &c->user, &password)) {
		call_ask_login(c);
		return;
	}
	wait_ms = failures_wait(c->admin, c);
	if (wait_ms) {
		call_ask_patience(c, wait_ms);
		return;
	}
	c->ticket = access_authenticate(c->admin->access, c->user, password, c->r->loopback, login_done, c);
	explicit_bzero((void *)(uintptr_t)password.p, password.n);
}

static void request(void *env, struct http_request *r, struct now now)
{
	struct admin *a = env;
	struct call *c = mem_zalloc(sizeof *c);
	struct view allow;

	c->admin = a;
	c->r = r;
	c->now = now;
	r->ctx = c;
	list_push_back(&a->calls, &c->link);
	c->route = route_find(r, c->parts, &allow);
	if (!c->route && allow.n)
		call_not_allowed(c, allow);
	else if (!c->route)
		call_not_found(c);
	else if (c->route->right == RIGHT_PUBLIC)
		handle(c);
	else
		login(c);
}

static void cancelled(void *env, struct http_request *r)
{
	struct admin *a = env;
	struct call *c = r->ctx;

	c->r = NULL;
	if (c->state != CALL_LOGIN)
		return;
	access_forget(a->access, c->ticket);
	call_free(c);
}

/* ---- start and end ---- */

static void options_take(struct admin *a, const struct admin_options *o)
{
	a->o = *o;
	a->o.head_max = o->head_max ? o->head_max : 16 * 1024;
	a->o.body_max = o->body_max ? o->body_max : 1024 * 1024;
	a->o.idle_ms = o->idle_ms ? o->idle_ms : 60 * 1000;
	a->o.login_failures_free = o->login_failures_free ? o->login_failures_free : 3;
	a->o.login_wait_ms = o->login_wait_ms ? o->login_wait_ms : 250;
	a->o.login_wait_ms_max = o->login_wait_ms_max ? o->login_wait_ms_max : 8000;
	a->o.login_forget_ms = o->login_forget_ms ? o->login_forget_ms : 60 * 1000;
	a->o.login_peers_max = o->login_peers_max ? o->login_peers_max : 1024;
}

struct admin *admin_new(struct engine *engine, struct access *access, const struct admin_options *o)
{
	struct admin *a = mem_zalloc(sizeof *a);

	options_take(a, o);
	a->engine = engine;
	a->access = access;
	list_init(&a->calls);
	a->failures = failures_new(a->o.login_peers_max);
	a->service = (struct http_service){
		.env = a,
		.head_max = a->o.head_max,
		.body_max = a->o.body_max,
		.idle_ms = a->o.idle_ms,
		.request = request,
		.cancelled = cancelled,
	};
	return a;
}

void admin_free(struct admin *a)
{
	struct link *first;

	if (!a)
		return;
	while ((first = list_first(&a->calls)))
		call_free(LIST_ENTRY(first, struct call, link));
	free(a->failures);
	free(a);
}

struct http_service *admin_service(struct admin *a)
{
	return &a->service;
}
