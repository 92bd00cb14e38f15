/* SPDX-License-Identifier: Apache-2.0 */
/* A headers exchange's rule as RabbitMQ carries it out (rabbitmq.md 2.15): both
 * tables sorted by name and walked like a merge, one binding after the other. What
 * the index is compared with, here and in the fuzz target, by a script of changes
 * and lookups made from any bytes. */
#ifndef TESTS_UNIT_MAPPING_HEADERS_MODEL_H
#define TESTS_UNIT_MAPPING_HEADERS_MODEL_H

#include "base/buf.h"
#include "base/log.h"
#include "mapping/router.h"
#include "values.h"

static inline bool model_number(const struct value *v, long double *out)
{
	if (v->type == VALUE_TIME)
		*out = (uint64_t)v->i;
	else if (value_is_integer(v))
		*out = v->i;
	else
		*out = v->d;
	return v->type == VALUE_TIME || value_is_integer(v) || v->type == VALUE_FLOAT || v->type == VALUE_DOUBLE;
}

static inline bool model_same(const struct value *a, const struct value *b);

static inline bool model_fields_same(const struct value *a, const struct value *b)
{
	if (a->table.n != b->table.n || (a->table.n && a->type != b->type))
		return false;
	for (size_t i = 0; i < a->table.n; i++) {
		const struct field *x = &a->table.v[i], *y = &b->table.v[i];
		if (!view_eq(x->name, y->name) || x->value.type != y->value.type || !model_same(&x->value, &y->value))
			return false;
	}
	return true;
}

static inline bool model_same(const struct value *a, const struct value *b)
{
	bool octets = a->type == VALUE_STRING || a->type == VALUE_BYTES;
	bool fields = a->type == VALUE_ARRAY || a->type == VALUE_TABLE;
	long double x, y;
	if (model_number(a, &x))
		return model_number(b, &y) && x == y;
	if (octets)
		return (b->type == VALUE_STRING || b->type == VALUE_BYTES) && view_eq(a->s, b->s);
	if (fields)
		return (b->type == VALUE_ARRAY || b->type == VALUE_TABLE) && model_fields_same(a, b);
	return value_eq(a, b);
}

enum { MODEL_FIELDS_MAX = 8 };

/* By name, those of one name as they came. */
struct model_table {
	struct field v[MODEL_FIELDS_MAX];
	size_t n;
};

static inline void model_put(struct model_table *t, const struct field *f)
{
	size_t at = t->n++;
	for (; at && view_cmp(t->v[at - 1].name, f->name) > 0; at--)
		t->v[at] = t->v[at - 1];
	t->v[at] = *f;
}

static inline struct model_table model_sorted(const struct table *t)
{
	struct model_table sorted = {.n = 0};
	for (size_t i = 0; t && i < t->n; i++)
		model_put(&sorted, &t->v[i]);
	return sorted;
}

static inline bool model_reaches(const struct table *arguments, const struct table *headers)
{
	const struct model_table a = model_sorted(arguments), h = model_sorted(headers);
	const struct value *kind = table_find(arguments, VIEW("x-match"));
	bool any = kind && (view_is(kind->s, "any") || view_is(kind->s, "any-with-x"));
	bool with_x = kind && (view_is(kind->s, "all-with-x") || view_is(kind->s, "any-with-x"));
	bool all_so_far = true, any_so_far = false;
	for (size_t i = 0, j = 0; i < a.n; i++) {
		const struct field *f = &a.v[i];
		if (view_is(f->name, "x-match") || (!with_x && view_starts(f->name, VIEW("x-"))))
			continue;
		while (j < h.n && view_cmp(h.v[j].name, f->name) < 0)
			j++;
		bool there = j < h.n && view_eq(h.v[j].name, f->name);
		bool same = there && (f->value.type == VALUE_VOID || model_same(&f->value, &h.v[j].value));
		j += there;
		all_so_far &= same;
		any_so_far |= same;
	}
	return any ? any_so_far : all_so_far;
}

/* ---- the script ------------------------------------------------------------------ */

enum { MODEL_BINDINGS = 48, MODEL_IDS = 8 };

struct headers_model {
	struct {
		struct model_table arguments;
		uint64_t id;
	} v[MODEL_BINDINGS];
	size_t n;
};

static const struct value model_values[] = {
	NOTHING, INT_OF(VALUE_I8, 1), INT_OF(VALUE_I64, 1), REAL(1.0), INT_OF(VALUE_TIME, 1), STR("1"), BYTES("1"),
	STR(""), BOOL(true), BOOL(false), FLOAT(0.5), DECIMAL(0, 1), INT_OF(VALUE_I64, -1), INT_OF(VALUE_TIME, -1),
	REAL(-0.0), INT_OF(VALUE_U8, 0), CONTAINER(VALUE_ARRAY, FIELD("", INT_OF(VALUE_I8, 1))),
	CONTAINER(VALUE_ARRAY, FIELD("", INT_OF(VALUE_I64, 1))), CONTAINER(VALUE_TABLE, FIELD("a", STR("1"))),
	{.type = VALUE_ARRAY}, {.type = VALUE_TABLE}, REAL(0x1p63), INT_OF(VALUE_TIME, INT64_MIN), REAL(1e300),
};

static inline struct field model_take_field(struct reader *in)
{
	static const char *const names[] = {"a", "a", "b", "b", "c", "x-a", "", "x-match2"};
	struct field f = {view_str(names[reader_u8(in) % 8]), NOTHING};
	uint8_t which = reader_u8(in);
	/* Mostly what can meet. */
	f.value = model_values[which < 160 ? which % 4 : which % (sizeof model_values / sizeof model_values[0])];
	return f;
}

static inline struct model_table model_take_table(struct reader *in, bool of_binding)
{
	static const struct value kinds[] = {STR("all"), STR("any"), STR("all-with-x"), STR("any-with-x")};
	struct model_table t = {.n = 0};
	uint8_t what = reader_u8(in);
	if (of_binding && what & 0x80)
		model_put(&t, &(struct field){VIEW("x-match"), kinds[what >> 4 & 3]});
	for (size_t n = what % 7; n; n--)
		model_put(&t, &(struct field[]){model_take_field(in)}[0]);
	return t;
}

static inline bool model_tables_identical(const struct model_table *a, const struct model_table *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!view_eq(a->v[i].name, b->v[i].name) || a->v[i].value.type != b->v[i].value.type ||
		    !model_same(&a->v[i].value, &b->v[i].value))
			return false;
	return true;
}

static inline size_t model_find(const struct headers_model *m, const struct model_table *t, uint64_t id)
{
	size_t i = 0;
	while (i < m->n && !(m->v[i].id == id && model_tables_identical(&m->v[i].arguments, t)))
		i++;
	return i;
}

static inline void model_bind(struct router *r, struct headers_model *m, const struct model_table *t, uint64_t id)
{
	bool new = model_find(m, t, id) == m->n;
	if (new && m->n == MODEL_BINDINGS)
		return;
	must(router_add(r, VIEW_NONE, &(struct table){(struct field *)(uintptr_t)t->v, t->n}, id) == new);
	if (!new)
		return;
	m->v[m->n].arguments = *t;
	m->v[m->n++].id = id;
}

static inline void model_unbind(struct router *r, struct headers_model *m, const struct model_table *t, uint64_t id)
{
	size_t i = model_find(m, t, id);
	bool there = i < m->n;
	must(router_remove(r, VIEW_NONE, &(struct table){(struct field *)(uintptr_t)t->v, t->n}, id) == there);
	if (there)
		m->v[i] = m->v[--m->n];
}

static inline void model_drop(struct router *r, struct headers_model *m, uint64_t id)
{
	size_t n = 0;
	for (size_t i = m->n; i-- > 0;) {
		if (m->v[i].id != id)
			continue;
		m->v[i] = m->v[--m->n];
		n++;
	}
	must(router_remove_destination(r, id) == n);
}

static inline void model_publish(struct router *r, const struct headers_model *m, struct model_table *t,
				 struct router_cursor *c)
{
	const struct table headers = {t->v, t->n};
	unsigned wanted = 0, got = 0;
	uint64_t id;
	for (size_t i = 0; i < m->n; i++) {
		const struct model_table *a = &m->v[i].arguments;
		if (model_reaches(&(struct table){(struct field *)(uintptr_t)a->v, a->n}, &headers))
			wanted |= 1u << m->v[i].id;
	}
	router_match(r, VIEW("ignored"), &headers, c);
	must(c->n <= m->n); /* each binding at most once */
	while (router_next(c, &id, 1))
		got |= 1u << id;
	must(got == wanted);
}

/* Runs the script on a router and on the plain list; both must say the same. */
static inline void headers_script(struct view script)
{
	struct reader in = reader_of(script);
	struct headers_model m = {.n = 0};
	struct router *r = router_new(ROUTER_HEADERS);
	struct router_cursor c = {0};
	while (in.v.n && !in.bad) {
		uint8_t command = reader_u8(&in);
		uint64_t id = command >> 4 & (MODEL_IDS - 1);
		size_t kind = command % 16;
		struct model_table t = model_take_table(&in, kind < 9);
		if (kind < 7)
			model_bind(r, &m, &t, id);
		else if (kind == 7 && m.n) /* what is there, not what chance meets */
			model_unbind(r, &m, &(struct model_table[]){m.v[id % m.n].arguments}[0], m.v[id % m.n].id);
		else if (kind == 8)
			model_unbind(r, &m, &t, id);
		else if (kind == 9)
			model_drop(r, &m, id);
		else
			model_publish(r, &m, &t, &c);
		must(router_bindings(r) == m.n);
	}
	router_cursor_fini(&c);
	router_free(r);
}

#endif
