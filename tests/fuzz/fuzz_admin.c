/* SPDX-License-Identifier: Apache-2.0 */
/* The management interface behind its HTTP head. First byte: method and whether
 * credentials go along; up to the first line end: path; the rest: body. Hashes
 * are not computed, so a password is never right and never stored. */
#include <stdlib.h>

#include "admin/admin.h"
#include "base/log.h"
#include "store/store_memory.h"

enum { RUNS_A_LIFE = 2000 };

struct rig {
	struct store *store;
	struct engine *engine;
	struct access *access;
	struct admin *admin;
	struct now now;
	bool hash;
	int runs;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void offload(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	const struct rig *g = ctx;

	if (g->hash)
		work(arg);
	done(arg);
}

static void vhost_added(void *ctx, struct view vhost)
{
	struct rig *g = ctx;

	engine_vhost_add(g->engine, vhost);
}

static void run(struct rig *g)
{
	bool more;

	do {
		more = engine_run(g->engine, g->now);
		more |= access_poll(g->access, g->now) > 0;
		engine_flush(g->engine);
	} while (more || !g->store->ops->idle(g->store));
}

static void known(void *ctx, enum code code, const char *text)
{
	(void)ctx;
	(void)text;
	must(code == CODE_OK);
}

static void rig_open(struct rig *g)
{
	struct engine_options e;
	struct access_options a = {.default_user = VIEW("guest"),
				   .default_pass = VIEW("guest"),
				   .vhost_added = vhost_added,
				   .ctx = g,
				   .offload = offload,
				   .offload_ctx = g};
	struct admin_options o = {.body_max = 1 << 16};

	*g = (struct rig){.store = store_memory_open(), .now = {1000, 1000}, .hash = true};
	engine_options_default(&e);
	g->access = access_new(&a, g->store, NULL);
	g->engine = engine_new(&e, g->store, g->now, NULL);
	must(g->access && g->engine);
	engine_vhost_add(g->engine, VIEW("/"));
	g->admin = admin_new(g->engine, g->access, &o);
	/* once, so that guest:guest is remembered */
	access_authenticate(g->access, VIEW("guest"), VIEW("guest"), true, known, NULL);
	run(g);
	g->hash = false;
}

static void rig_close(struct rig *g)
{
	access_free(g->access);
	admin_free(g->admin);
	engine_free(g->engine);
	g->store->ops->close(g->store);
}

static void request_make(struct buf *b, uint8_t first, struct view rest)
{
	static const char *const methods[] = {"GET", "PUT", "POST", "DELETE"};
	const uint8_t *end = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
	struct view path = end ? view_head(rest, (size_t)(end - rest.p)) : rest;
	struct view body = view_skip(rest, path.n + 1);

	buf_printf(b, "%s ", methods[first & 3]);
	buf_add(b, path);
	buf_printf(b, " HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n", body.n);
	if (!(first & 4))
		buf_add_str(b, "Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n");
	buf_add_str(b, "\r\n");
	buf_add(b, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rig g;
	struct wire w = {.loopback = true, .peer = "127.0.0.1:1 -> 127.0.0.1:2"};
	struct buf b;
	void *head;

	if (n == 0)
		return 0;
	if (g.runs == 0) {
		log_set_level(LOG_ERROR);
		rig_open(&g);
	}
	buf_init(&b, 1 << 20);
	request_make(&b, data[0], view_of(data + 1, n - 1));
	out_init(&w.out);
	head = http_head.open(admin_service(g.admin), &w, g.now);
	w.head = head;
	if (!b.overflow)
		http_head.input(head, buf_view(&b), g.now);
	/* bit 3: the peer goes before the answer */
	if (data[0] & 8)
		http_head.close(head, WIRE_LOST);
	run(&g);
	if (!(data[0] & 8))
		http_head.close(head, WIRE_LOST);
	run(&g);
	must(access_idle(g.access));
	out_fini(&w.out);
	buf_fini(&b);
	if (++g.runs == RUNS_A_LIFE) {
		rig_close(&g);
		g.runs = 0;
	}
	return 0;
}
