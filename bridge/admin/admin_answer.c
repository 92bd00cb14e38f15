/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ends: JSON in RabbitMQ's shapes (rabbitmq.md 6.1). */
#include "admin/admin_priv.h"

#include <stdlib.h>

#include "base/log.h"

/* Every answer: what a user may see is not for caches between. */
#define ANSWER_HEADERS {VIEW("Cache-Control"), VIEW("no-store")}
#define JSON_HEADER {VIEW("Content-Type"), VIEW("application/json")}

void call_free(struct call *c)
{
	list_remove(&c->link);
	json_decref(c->body);
	free(c);
}

static void respond(struct call *c, int status, const struct http_header *extra, json_t *body)
{
	struct http_header headers[3] = {ANSWER_HEADERS};
	size_t n = 1;
	char *text = NULL;

	if (body) {
		text = json_dumps(body, JSON_COMPACT);
		must(text);
		json_decref(body);
		headers[n++] = (struct http_header)JSON_HEADER;
	}
	if (extra)
		headers[n++] = *extra;
	if (c->r)
		http_respond(c->r, status, headers, n, view_str(text));
	if (text)
		explicit_bzero(text, strlen(text)); /* it may show a new key */
	free(text);
	call_free(c);
}

void call_answer(struct call *c, int status, json_t *body)
{
	respond(c, status, NULL, body);
}

static json_t *error_body(const char *error, const char *reason)
{
	json_t *o = json_object();

	json_object_set_new(o, "error", json_string(error));
	json_object_set_new(o, "reason", json_lossy(view_str(reason)));
	return o;
}

void call_refuse(struct call *c, int status, const char *error, const char *reason)
{
	respond(c, status, NULL, error_body(error, reason));
}

void call_not_found(struct call *c)
{
	call_refuse(c, 404, "Object Not Found", "Not Found");
}

void call_bad_request(struct call *c, const char *reason)
{
	call_refuse(c, 400, "bad_request", reason);
}

void call_ask_login(struct call *c)
{
	static const struct http_header basic = {VIEW("WWW-Authenticate"), VIEW("Basic realm=\"mqbridge\"")};

	respond(c, 401, &basic, NULL);
}

void call_ask_patience(struct call *c, int64_t wait_ms)
{
	struct http_header after = {
		VIEW("Retry-After"),
		view_str(arena_printf(c->r->arena, "%lld", (long long)((wait_ms + 999) / 1000)))};

	respond(c, 429, &after, error_body("too_many_requests", "too many failed logins"));
}

void call_not_allowed(struct call *c, struct view allow)
{
	struct http_header header = {VIEW("Allow"), allow};

	respond(c, 405, &header, NULL);
}

/* ---- changes ---- */

void call_changing(struct call *c, int status)
{
	must(c->state == CALL_HANDLING);
	c->state = CALL_CHANGING;
	c->status = status;
}

void call_changed(void *call, enum code code, const char *text)
{
	struct call *c = call;
	json_t *body = c->body;

	must(c->state == CALL_CHANGING);
	switch (code) {
	case CODE_OK:
		c->body = NULL;
		call_answer(c, c->status, body);
		return;
	case CODE_NOT_FOUND:
		call_not_found(c);
		return;
	case CODE_UNAVAILABLE:
		call_refuse(c, 503, "service_unavailable", text);
		return;
	case CODE_REFUSED:
		call_refuse(c, 403, "not_authorised", text);
		return;
	default:
		call_bad_request(c, text);
		return;
	}
}
