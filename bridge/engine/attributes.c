/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/attributes.h"

#include <stdlib.h>

#include "base/arena.h"

static void field_free(struct field *f)
{
	free((void *)(uintptr_t)f->name.p);
}

void attributes_fini(struct attributes *a)
{
	for (size_t i = 0; i < a->table.n; i++)
		field_free(&a->table.v[i]);
	free(a->table.v);
	*a = (struct attributes){.cap = 0};
}

static struct field *given(const struct attributes *a, struct view name)
{
	for (size_t i = 0; i < a->table.n; i++)
		if (view_eq(a->table.v[i].name, name))
			return &a->table.v[i];
	return NULL;
}

static struct field field_copy(struct view name, struct view value)
{
	uint8_t *p = mem_alloc(name.n + value.n + 1);
	view_put(p, name);
	view_put(p + name.n, value);
	return (struct field){view_of(p, name.n), {.type = VALUE_BYTES, .s = view_of(p + name.n, value.n)}};
}

static void attribute_put(struct attributes *a, struct view name, struct view value)
{
	struct field *old = given(a, name);
	struct field copy = field_copy(name, value);
	if (old) {
		field_free(old);
		*old = a->table.v[--a->table.n];
	}
	if (!value.n) {
		field_free(&copy);
		return;
	}
	a->table.v = mem_grow(a->table.v, &a->cap, a->table.n + 1, sizeof(*a->table.v));
	a->table.v[a->table.n++] = copy;
}

void attributes_put(struct attributes *a, const struct attribute *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		attribute_put(a, v[i].name, v[i].value);
}

void attributes_put_table(struct attributes *a, const struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		attribute_put(a, t->v[i].name, t->v[i].value.s);
}

bool attributes_get(const struct attributes *a, struct view name, struct view *value)
{
	const struct field *f = given(a, name);
	if (f)
		*value = f->value.s;
	return f != NULL;
}

static struct view default_of(const struct attribute_default *d, struct view name)
{
	while (d->name && !view_is(name, d->name))
		d++;
	return view_str(d->value);
}

const struct attribute *attributes_differ(const struct attributes *a, const struct attribute_default *defaults,
					  const struct attribute *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct view now = default_of(defaults, v[i].name);
		attributes_get(a, v[i].name, &now);
		if (!view_eq(now, v[i].value))
			return &v[i];
	}
	return NULL;
}
