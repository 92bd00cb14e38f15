/* SPDX-License-Identifier: Apache-2.0 */
/* Binding arguments as part of a binding's identity, and values as a headers
 * exchange compares them. Both are bytes, so that a hash can find them. What is
 * the same here was measured on RabbitMQ 3.10 (tests/clients/amqp_route.py).
 * Recursion follows the nesting, which whoever decoded the table has limited. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "mapping/router_priv.h"

/* ---- copy ---------------------------------------------------------------- */

/* A copy is one block: field arrays from the front, bytes from the back. */
struct block {
	uint8_t *front, *back;
};

static size_t field_bytes(const struct field *f)
{
	size_t n = sizeof *f + f->name.n;
	switch (f->value.type) {
	case VALUE_STRING:
	case VALUE_BYTES:
		return n + f->value.s.n;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		for (size_t i = 0; i < f->value.table.n; i++)
			n += field_bytes(&f->value.table.v[i]);
		return n;
	default:
		return n;
	}
}

static struct view block_bytes(struct block *b, struct view v)
{
	b->back -= v.n;
	if (v.n)
		memcpy(b->back, v.p, v.n);
	return view_of(b->back, v.n);
}

static struct field *block_fields(struct block *b, size_t n)
{
	struct field *v = (struct field *)(void *)b->front;
	b->front += n * sizeof *v;
	return v;
}

static void block_field(struct block *b, const struct field *from, struct field *to)
{
	*to = *from;
	to->name = block_bytes(b, from->name);
	struct value *v = &to->value;
	if (v->type == VALUE_U64)
		v->type = VALUE_I64; /* RabbitMQ reads it so */
	if ((v->type == VALUE_FLOAT || v->type == VALUE_DOUBLE) && v->d == 0)
		v->d = 0; /* one zero */
	if (v->type == VALUE_STRING || v->type == VALUE_BYTES)
		v->s = block_bytes(b, v->s);
	if (v->type != VALUE_ARRAY && v->type != VALUE_TABLE)
		return;
	v->table.v = block_fields(b, v->table.n);
	for (size_t i = 0; i < v->table.n; i++)
		block_field(b, &from->value.table.v[i], &v->table.v[i]);
}

/* By name, then by place, so that the order is one and the same. */
static int field_cmp(const void *a, const void *b)
{
	const struct field *x = *(const struct field *const *)a;
	const struct field *y = *(const struct field *const *)b;
	int c = view_cmp(x->name, y->name);
	return c ? c : (x > y) - (x < y);
}

struct table arguments_copy(const struct table *t)
{
	if (!t || t->n == 0)
		return (struct table){NULL, 0};
	const struct field **order = mem_alloc(t->n * sizeof(struct field *));
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++) {
		order[i] = &t->v[i];
		n += field_bytes(&t->v[i]);
	}
	qsort(order, t->n, sizeof(struct field *), field_cmp);
	uint8_t *p = mem_alloc(n);
	struct block b = {p, p + n};
	struct table copy = {block_fields(&b, t->n), t->n};
	for (size_t i = 0; i < t->n; i++)
		block_field(&b, order[i], &copy.v[i]);
	free(order);
	return copy;
}

void arguments_free(struct table *t)
{
	free(t->v);
	*t = (struct table){NULL, 0};
}

/* ---- identity ------------------------------------------------------------ */

static void identity_bytes(struct buf *out, struct view v)
{
	buf_add_u64(out, v.n);
	buf_add(out, v);
}

static uint64_t real_bits(double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof bits);
	return bits;
}

static void identity_value(struct buf *out, const struct value *v)
{
	buf_add_u8(out, (uint8_t)v->type);
	switch (v->type) {
	case VALUE_VOID:
		break;
	case VALUE_BOOL:
		buf_add_u8(out, v->boolean);
		break;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		buf_add_u64(out, real_bits(v->d));
		break;
	case VALUE_DECIMAL:
		buf_add_u8(out, v->decimal.scale);
		buf_add_u32(out, (uint32_t)v->decimal.unscaled);
		break;
	case VALUE_STRING:
	case VALUE_BYTES:
		identity_bytes(out, v->s);
		break;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		arguments_identity(out, &(struct table){v->table.v, v->table.n});
		break;
	default:
		buf_add_u64(out, (uint64_t)v->i);
		break;
	}
}

void arguments_identity(struct buf *out, const struct table *t)
{
	buf_add_u64(out, t->n);
	for (size_t i = 0; i < t->n; i++) {
		identity_bytes(out, t->v[i].name);
		identity_value(out, &t->v[i].value);
	}
}

/* ---- as headers match ---------------------------------------------------------- */

/* One byte before each, so that different kinds stay different. */
enum { AS_INTEGER = 'i', AS_UNSIGNED = 'u', AS_REAL = 'r', AS_OCTETS = 's', AS_NOTHING = 'n' };

/* Whole numbers that fit an int64, then those that fit a uint64 (only times and
 * reals can), then the rest. */
static void matched_real(struct buf *out, double d)
{
	bool whole = trunc(d) == d;
	if (whole && d >= -0x1p63 && d < 0x1p63) {
		buf_add_u8(out, AS_INTEGER);
		buf_add_u64(out, (uint64_t)(int64_t)d);
	} else if (whole && d >= 0x1p63 && d < 0x1p64) {
		buf_add_u8(out, AS_UNSIGNED);
		buf_add_u64(out, (uint64_t)d);
	} else {
		buf_add_u8(out, AS_REAL);
		buf_add_u64(out, real_bits(d));
	}
}

/* An empty array and an empty table are the same; others say what they are. */
static void matched_fields(struct buf *out, const struct value *v)
{
	buf_add_u8(out, v->table.n ? (uint8_t)v->type : VALUE_ARRAY);
	buf_add_u64(out, v->table.n);
	for (size_t i = 0; i < v->table.n; i++) {
		const struct field *f = &v->table.v[i];
		if (v->type == VALUE_TABLE)
			identity_bytes(out, f->name);
		buf_add_u8(out, f->value.type == VALUE_U64 ? VALUE_I64 : (uint8_t)f->value.type);
		value_matched_as(out, &f->value);
	}
}

void value_matched_as(struct buf *out, const struct value *v)
{
	switch (v->type) {
	case VALUE_VOID:
		buf_add_u8(out, AS_NOTHING);
		break;
	case VALUE_BOOL:
		buf_add_u8(out, VALUE_BOOL);
		buf_add_u8(out, v->boolean);
		break;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		matched_real(out, v->d);
		break;
	case VALUE_DECIMAL:
		buf_add_u8(out, VALUE_DECIMAL);
		buf_add_u8(out, v->decimal.scale);
		buf_add_u32(out, (uint32_t)v->decimal.unscaled);
		break;
	case VALUE_STRING:
	case VALUE_BYTES:
		buf_add_u8(out, AS_OCTETS);
		identity_bytes(out, v->s);
		break;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		matched_fields(out, v);
		break;
	default: /* integers, and a time, which RabbitMQ reads without a sign */
		buf_add_u8(out, v->type == VALUE_TIME && v->i < 0 ? AS_UNSIGNED : AS_INTEGER);
		buf_add_u64(out, (uint64_t)v->i);
		break;
	}
}
