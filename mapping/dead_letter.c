/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping/dead_letter.h"

#include <string.h>

static struct value string(struct view s)
{
	return (struct value){.type = VALUE_STRING, .s = s};
}

static struct value array(struct field *v, size_t n)
{
	return (struct value){.type = VALUE_ARRAY, .table = {v, n}};
}

static bool text_is(const struct table *t, const char *name, struct view text)
{
	const struct value *v = table_find(t, view_str(name));
	return v && v->type == VALUE_STRING && view_eq(v->s, text);
}

static struct table table_of(const struct field *f)
{
	return (struct table){f->value.table.v, f->value.table.n};
}

/* ---- tables that change; their arrays have room ---- */

static void field_put(struct table *t, const char *name, struct value v)
{
	for (size_t i = 0; i < t->n; i++)
		if (view_is(t->v[i].name, name)) {
			t->v[i].value = v;
			return;
		}
	t->v[t->n++] = (struct field){view_str(name), v};
}

static void field_drop(struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (view_is(t->v[i].name, name)) {
			memmove(&t->v[i], &t->v[i + 1], (--t->n - i) * sizeof(*t->v));
			return;
		}
}

/* By name, equal ones in their order, as RabbitMQ leaves what it has changed. */
static void fields_sort(struct table *t)
{
	for (size_t i = 1; i < t->n; i++) {
		struct field f = t->v[i];
		size_t at = i;
		for (; at && view_cmp(t->v[at - 1].name, f.name) > 0; at--)
			t->v[at] = t->v[at - 1];
		t->v[at] = f;
	}
}

static struct table with_room(const struct table *t, size_t more, struct arena *a)
{
	struct table out = {arena_alloc(a, (t->n + more) * sizeof(*t->v)), t->n};
	if (t->n)
		memcpy(out.v, t->v, t->n * sizeof(*t->v));
	return out;
}

/* ---- x-death ---- */

static size_t strings(const struct table *headers, const char *name, struct field *out)
{
	const struct value *v = table_find(headers, view_str(name));
	size_t n = 0;
	for (size_t i = 0; v && v->type == VALUE_ARRAY && i < v->table.n; i++)
		if (v->table.v[i].value.type == VALUE_STRING) {
			if (out)
				out[n] = (struct field){VIEW_NONE, v->table.v[i].value};
			n++;
		}
	return n;
}

/* The key it was published with, then those of CC; BCC is not told. */
static struct value routing_keys(const struct table *headers, const struct death *d, struct arena *a)
{
	size_t n = 1 + strings(headers, "CC", NULL);
	struct field *v = arena_alloc(a, n * sizeof(*v));
	v[0] = (struct field){VIEW_NONE, string(d->key)};
	strings(headers, "CC", v + 1);
	return array(v, n);
}

static struct table event_new(const struct bag *bag, const struct death *d, struct arena *a)
{
	enum { FIELDS = 7 };
	struct table t = {arena_alloc(a, FIELDS * sizeof(struct field)), 0};
	field_put(&t, "count", (struct value){.type = VALUE_I64, .i = 1});
	field_put(&t, "reason", string(view_str(d->reason)));
	field_put(&t, "queue", string(d->queue));
	field_put(&t, "time", (struct value){.type = VALUE_TIME, .i = d->time_s});
	field_put(&t, "exchange", string(d->exchange));
	field_put(&t, "routing-keys", routing_keys(&bag->headers, d, a));
	if (bag->has & BAG_EXPIRATION)
		field_put(&t, "original-expiration", string(bag->expiration));
	return t;
}

/* The same queue and reason once more: everything stays but the count. */
static struct table event_again(const struct table *event, struct arena *a)
{
	struct table t = with_room(event, 1, a);
	const struct value *count = table_find(event, VIEW("count"));
	int64_t n = count && value_is_integer(count) && count->i < INT64_MAX ? count->i : 0;
	field_put(&t, "count", (struct value){.type = VALUE_I64, .i = n + 1});
	fields_sort(&t);
	return t;
}

static bool same_event(const struct field *f, const struct death *d)
{
	struct table t = f->value.type == VALUE_TABLE ? table_of(f) : (struct table){NULL, 0};
	return text_is(&t, "queue", d->queue) && text_is(&t, "reason", view_str(d->reason));
}

/* Newest first, one for each queue and reason. */
static struct value events(const struct bag *bag, const struct value *before, const struct death *d,
			   struct arena *a)
{
	size_t n = before ? before->table.n : 0, at = 1;
	struct field *v = arena_alloc(a, (n + 1) * sizeof(*v));
	const struct field *same = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!same_event(&before->table.v[i], d))
			v[at++] = before->table.v[i];
		else if (!same)
			same = &before->table.v[i];
	}
	struct table old = same ? table_of(same) : (struct table){NULL, 0};
	struct table t = same ? event_again(&old, a) : event_new(bag, d, a);
	if (before)
		fields_sort(&t);
	v[0] = (struct field){VIEW_NONE, {.type = VALUE_TABLE, .table = {t.v, t.n}}};
	return array(v, at);
}

void dead_letter_mark(struct bag *bag, const struct death *d, struct arena *a)
{
	enum { NEW_HEADERS = 7 };
	const struct value *before = table_find(&bag->headers, VIEW("x-death"));
	struct table t = with_room(&bag->headers, NEW_HEADERS, a);
	if (!before) {
		field_put(&t, "x-first-death-reason", string(view_str(d->reason)));
		field_put(&t, "x-first-death-queue", string(d->queue));
		field_put(&t, "x-first-death-exchange", string(d->exchange));
	}
	if (before && before->type != VALUE_ARRAY)
		before = NULL; /* a client made something else of it: RabbitMQ starts anew */
	field_put(&t, "x-death", events(bag, before, d, a));
	/* 3.13's; 3.10 has none of them. */
	field_put(&t, "x-last-death-reason", string(view_str(d->reason)));
	field_put(&t, "x-last-death-queue", string(d->queue));
	field_put(&t, "x-last-death-exchange", string(d->exchange));
	if (d->rekeyed) {
		field_drop(&t, "CC");
		bag->has &= ~(uint32_t)BAG_BCC;
	}
	fields_sort(&t);
	bag->headers = t;
	bag->has = (bag->has | BAG_HEADERS) & ~(uint32_t)BAG_EXPIRATION;
}

bool dead_letter_cycles(const struct table *headers, struct view queue)
{
	const struct value *v = table_find(headers, VIEW("x-death"));
	if (!v || v->type != VALUE_ARRAY)
		return false;
	for (size_t i = 0; i < v->table.n; i++) {
		const struct field *f = &v->table.v[i];
		if (f->value.type != VALUE_TABLE)
			return false; /* a client put it there: not automatic */
		struct table event = table_of(f);
		if (text_is(&event, "reason", VIEW("rejected")))
			return false;
		if (text_is(&event, "queue", queue))
			return true;
	}
	return false;
}
