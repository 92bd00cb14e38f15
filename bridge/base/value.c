/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion follows the nesting of a value, which its decoder has limited. */
#include "base/value.h"

const struct value *table_find(const struct table *t, struct view name)
{
	for (size_t i = 0; i < t->n; i++)
		if (view_eq(t->v[i].name, name))
			return &t->v[i].value;
	return NULL;
}

bool value_is_integer(const struct value *v)
{
	switch (v->type) {
	case VALUE_I8:
	case VALUE_U8:
	case VALUE_I16:
	case VALUE_U16:
	case VALUE_I32:
	case VALUE_U32:
	case VALUE_I64:
	case VALUE_U64:
		return true;
	default:
		return false;
	}
}

static bool is_real(const struct value *v)
{
	return v->type == VALUE_FLOAT || v->type == VALUE_DOUBLE;
}

static bool fields_eq(const struct value *a, const struct value *b)
{
	if (a->table.n != b->table.n)
		return false;
	for (size_t i = 0; i < a->table.n; i++) {
		const struct field *x = &a->table.v[i], *y = &b->table.v[i];
		if (!view_eq(x->name, y->name) || !value_eq(&x->value, &y->value))
			return false;
	}
	return true;
}

bool value_eq(const struct value *a, const struct value *b)
{
	if (value_is_integer(a) && value_is_integer(b))
		return a->i == b->i;
	if (is_real(a) && is_real(b)) /* one class in RabbitMQ's equivalence */
		return a->d == b->d;
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_VOID:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_TIME:
		return a->i == b->i;
	case VALUE_DECIMAL:
		return a->decimal.scale == b->decimal.scale &&
		       a->decimal.unscaled == b->decimal.unscaled;
	case VALUE_STRING:
	case VALUE_BYTES:
		return view_eq(a->s, b->s);
	case VALUE_ARRAY:
	case VALUE_TABLE:
		return fields_eq(a, b);
	default:
		return false;
	}
}

const char *value_type_name(char type)
{
	switch (type) {
	case VALUE_VOID:
		return "void";
	case VALUE_BOOL:
		return "bool";
	case VALUE_I8:
		return "byte";
	case VALUE_U8:
		return "unsignedbyte";
	case VALUE_I16:
		return "short";
	case VALUE_U16:
		return "unsignedshort";
	case VALUE_I32:
		return "signedint";
	case VALUE_U32:
		return "unsignedint";
	case VALUE_I64:
	case VALUE_U64:
		return "long";
	case VALUE_FLOAT:
		return "float";
	case VALUE_DOUBLE:
		return "double";
	case VALUE_DECIMAL:
		return "decimal";
	case VALUE_STRING:
		return "longstr";
	case VALUE_BYTES:
		return "binary";
	case VALUE_TIME:
		return "timestamp";
	case VALUE_ARRAY:
		return "array";
	case VALUE_TABLE:
		return "table";
	default:
		return "unknown";
	}
}

static struct field *fields_copy(struct arena *a, const struct field *v, size_t n)
{
	struct field *copy = n ? arena_alloc(a, n * sizeof(*copy)) : NULL;

	for (size_t i = 0; i < n; i++) {
		copy[i] = v[i];
		copy[i].name = arena_copy(a, v[i].name);
		struct value *to = &copy[i].value;
		if (to->type == VALUE_STRING || to->type == VALUE_BYTES)
			to->s = arena_copy(a, to->s);
		else if (to->type == VALUE_TABLE || to->type == VALUE_ARRAY)
			to->table.v = fields_copy(a, to->table.v, to->table.n);
	}
	return copy;
}

struct table table_copy(struct arena *a, const struct table *t)
{
	return (struct table){fields_copy(a, t->v, t->n), t->n};
}
