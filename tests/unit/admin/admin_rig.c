/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "store/store_memory.h"

static void offload(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct rig *g = ctx;

	if (!g->hold) {
		work(arg);
		done(arg);
		return;
	}
	assert_null(g->work);
	g->work = work;
	g->done = done;
	g->arg = arg;
}

void rig_hash(struct rig *g)
{
	assert_non_null(g->work);
	g->work(g->arg);
	g->done(g->arg);
	g->work = NULL;
}

static void vhost_added(void *ctx, struct view vhost)
{
	engine_vhost_add(((struct rig *)ctx)->engine, vhost);
}

static const char *not_ready(void *ctx)
{
	return ((struct rig *)ctx)->not_ready;
}

static const char *listeners(void *ctx)
{
	(void)ctx;
	return "{\"amqp\":5672,\"stomp\":null}";
}

static void store_state(void *ctx, struct admin_store *out)
{
	(void)ctx;
	*out = (struct admin_store){"memory", "ok", NULL};
}

void rig_open(struct rig *g)
{
	struct engine_options e;
	struct access_options a = {
		.default_user = VIEW("guest"),
		.default_pass = VIEW("guest"),
		.key_id = VIEW("guest"),
		.key_secret = VIEW("guest-secret"),
		.master_key = {7},
		.vhost_added = vhost_added,
		.ctx = g,
		.offload = offload,
		.offload_ctx = g,
	};
	struct admin_options o = {.ctx = g,
				  .not_ready = not_ready,
				  .listeners = listeners,
				  .store = store_state,
				  .started_ms = 500,
				  .body_max = 64 * 1024};
	struct error error = {0};

	*g = (struct rig){.now = {10500, 784111777000}, .store = store_memory_open()};
	engine_options_default(&e);
	g->access = access_new(&a, g->store, &error);
	g->engine = engine_new(&e, g->store, g->now, &error);
	if (!g->access || !g->engine)
		fail_msg("%s", error.text);
	engine_vhost_add(g->engine, VIEW("/"));
	g->admin = admin_new(g->engine, g->access, &o);
	rig_connect(g, "10.0.0.1:4000 -> 127.0.0.1:15672");
	g->wire.loopback = true;
	rig_run(g);
}

void rig_close(struct rig *g)
{
	rig_disconnect(g);
	access_free(g->access);
	admin_free(g->admin);
	if (g->work)
		rig_hash(g);
	engine_free(g->engine);
	g->store->ops->close(g->store);
	json_decref(g->json);
	free(g->answer);
}

void rig_connect(struct rig *g, const char *peer)
{
	bool loopback = g->wire.loopback;

	rig_disconnect(g);
	memset(&g->wire, 0, sizeof g->wire);
	out_init(&g->wire.out);
	g->wire.loopback = loopback;
	g->wire.now = &g->now;
	snprintf(g->wire.peer, sizeof g->wire.peer, "%s", peer);
	g->head = http_head.open(admin_service(g->admin), &g->wire, g->now);
}

void rig_disconnect(struct rig *g)
{
	if (!g->head)
		return;
	http_head.close(g->head, WIRE_LOST);
	out_fini(&g->wire.out);
	g->head = NULL;
}

void rig_run(struct rig *g)
{
	bool more;

	do {
		more = engine_run(g->engine, g->now);
		more |= access_poll(g->access, g->now) > 0;
		engine_flush(g->engine);
	} while (more || !g->store->ops->idle(g->store));
}

void rig_send(struct rig *g, const char *method, const char *path, const char *auth, const char *body)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: h\r\n", method, path);
	if (auth) {
		buf_add_str(&b, "Authorization: basic ");
		base64_add(&b, view_str(auth));
		buf_add_str(&b, "\r\n");
	}
	if (body)
		buf_printf(&b, "Content-Length: %zu\r\n", strlen(body));
	buf_printf(&b, "\r\n%s", body ? body : "");
	http_head.input(g->head, buf_view(&b), g->now);
	buf_fini(&b);
}

static char *out_take(struct wire *w)
{
	char *all = calloc(1, w->out.bytes + 1), *p = all;
	struct iovec iov[8];
	int n;

	while (w->out.bytes && (n = out_iov(&w->out, iov, 8)) > 0)
		for (int i = 0; i < n; i++) {
			memcpy(p, iov[i].iov_base, iov[i].iov_len);
			p += iov[i].iov_len;
			out_consume(&w->out, iov[i].iov_len);
			break; /* the rest may have moved */
		}
	return all;
}

int rig_take(struct rig *g)
{
	free(g->answer);
	json_decref(g->json);
	g->json = NULL;
	g->answer = out_take(&g->wire);
	g->body = strstr(g->answer, "\r\n\r\n");
	assert_non_null(g->body);
	g->body += 4;
	assert_int_equal(sscanf(g->answer, "HTTP/1.1 %d ", &g->status), 1);
	if (*g->body) {
		assert_string_equal(header(g, "Content-Type"), "application/json");
		g->json = json_loads(g->body, JSON_DECODE_ANY, NULL);
		assert_non_null(g->json);
	}
	return g->status;
}

int ask(struct rig *g, const char *method, const char *path, const char *auth, const char *body)
{
	rig_send(g, method, path, auth, body);
	rig_run(g);
	return rig_take(g);
}

const char *header(struct rig *g, const char *name)
{
	static char value[128];
	char line[64];
	const char *at;

	snprintf(line, sizeof line, "\r\n%s: ", name);
	at = strcasestr(g->answer, line);
	value[0] = 0;
	if (at && at < g->body)
		sscanf(at + strlen(line), "%127[^\r]", value);
	return value;
}

const char *text(const struct rig *g, const char *field)
{
	const char *s = json_string_value(json_object_get(g->json, field));

	return s ? s : "(none)";
}
