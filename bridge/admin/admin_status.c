/* SPDX-License-Identifier: Apache-2.0 */
/* Health, status, and who is asking. */
#include "admin/admin_priv.h"

static const char *not_ready(const struct call *c)
{
	const struct admin_options *o = &c->admin->o;

	return o->not_ready ? o->not_ready(o->ctx) : NULL;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_lossy(view_str(text)) : json_null();
}

void get_live(struct call *c)
{
	call_answer(c, 200, json_pack("{s:s}", "status", "ok"));
}

void get_ready(struct call *c)
{
	const char *reason = not_ready(c);

	if (reason)
		call_answer(c, 503, json_pack("{s:s, s:o}", "status", "failed", "reason", text_or_null(reason)));
	else
		call_answer(c, 200, json_pack("{s:s}", "status", "ok"));
}

static json_t *counters_json(const struct engine_counters *n)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"published", n->published},     {"delivered", n->delivered}, {"settled", n->settled},
		{"elided", n->elided},           {"returned", n->returned},   {"unroutable", n->unroutable},
		{"stored", n->stored},           {"removed", n->removed},     {"loads", n->loads},
		{"connections", n->connections}, {"sessions", n->sessions},   {"queues", n->queues},
		{"topics", n->topics},           {"entries", n->entries},     {"leases", n->leases},
		{"fanouts", n->fanouts},         {"resident_bytes", n->resident_bytes},
		{"spilled", n->spilled},
	};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		json_object_set_new(o, rows[i].name, json_integer((json_int_t)rows[i].value));
	return o;
}

static json_t *store_json(const struct admin_options *o, const struct engine_counters *n)
{
	struct admin_store s = {0};

	if (o->store)
		o->store(o->ctx, &s);
	return json_pack("{s:o, s:o, s:o, s:I}", "name", text_or_null(s.name), "state", text_or_null(s.state),
			 "reason", text_or_null(s.reason), "pending_bytes", (json_int_t)n->batch_bytes);
}

static json_t *gate_json(const struct admin_gate *g)
{
	return json_pack("{s:b, s:I, s:I, s:I}", "shut", g->shut, "now", (json_int_t)g->now, "high",
			 (json_int_t)g->high, "low", (json_int_t)g->low);
}

/* engine.md §3: who is kept from publishing, and where the marks are. */
static json_t *gates_json(const struct call *c)
{
	const struct admin_options *o = &c->admin->o;
	struct admin_gates g = {.memory = {.shut = false}};
	struct engine_gates e;

	if (o->gates)
		o->gates(o->ctx, &g);
	engine_gates(c->admin->engine, &e);
	const struct admin_gate store = {e.store_full, (int64_t)e.store_bytes, (int64_t)e.store_high_bytes,
					 (int64_t)e.store_low_bytes};
	const struct admin_gate spill = {e.crowded, (int64_t)e.resident_bytes, (int64_t)e.resident_high_bytes,
					 (int64_t)e.resident_low_bytes};
	return json_pack("{s:o, s:o, s:o, s:o}", "memory", gate_json(&g.memory), "disk", gate_json(&g.disk), "store",
			 gate_json(&store), "spill", gate_json(&spill));
}

static json_t *listeners_json(const struct admin_options *o)
{
	const char *text = o->listeners ? o->listeners(o->ctx) : NULL;
	json_t *listeners = text ? json_loads(text, 0, NULL) : NULL;

	return listeners ? listeners : json_object();
}

void get_status(struct call *c)
{
	const struct admin_options *o = &c->admin->o;
	const char *reason = not_ready(c);
	struct engine_counters n = {0};
	json_t *body = json_object();

	engine_counters(c->admin->engine, &n);
	json_object_set_new(body, "product", json_string("mqbridge"));
	json_object_set_new(body, "version", json_string(MQB_VERSION));
	json_object_set_new(body, "uptime_ms", json_integer(c->now.mono_ms - o->started_ms));
	json_object_set_new(body, "ready", json_boolean(!reason));
	json_object_set_new(body, "reason", text_or_null(reason));
	json_object_set_new(body, "listeners", listeners_json(o));
	json_object_set_new(body, "store", store_json(o, &n));
	json_object_set_new(body, "gates", gates_json(c));
	json_object_set_new(body, "counters", counters_json(&n));
	call_answer(c, 200, body);
}

void get_whoami(struct call *c)
{
	struct access_user u = {0};

	access_user_find(c->admin->access, c->user, &u);
	call_answer(c, 200, json_pack("{s:o, s:o}", "name", json_lossy(u.name), "tags", json_tags(u.tags)));
}
