/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables: the guard that walks a peer's bytes before rabbitmq-c decodes
 * them, and the way between its tables and struct table. */
#include "amqp/v091_codec_priv.h"
#include "base/log.h"
#include "base/utf8.h"

static enum guard guard_fields(struct view v, bool named, unsigned depth);

/* Octets of a value of fixed size; -1: not of that sort. */
static int fixed_size(uint8_t kind)
{
	switch (kind) {
	case 'V':
		return 0;
	case 't':
	case 'b':
	case 'B':
		return 1;
	case 's':
	case 'u':
		return 2;
	case 'I':
	case 'i':
	case 'f':
		return 4;
	case 'D':
		return 5;
	case 'l':
	case 'L':
	case 'd':
	case 'T':
		return 8;
	default:
		return -1;
	}
}

static enum guard guard_value(struct reader *r, unsigned depth)
{
	uint8_t kind = reader_u8(r);
	int fixed = fixed_size(kind);
	struct view inner;

	if (r->bad)
		return GUARD_BAD;
	if (fixed >= 0) {
		reader_bytes(r, (size_t)fixed);
		return r->bad ? GUARD_BAD : GUARD_OK;
	}
	if (kind != 'S' && kind != 'x' && kind != 'A' && kind != 'F')
		return GUARD_BAD;
	inner = reader_bytes(r, reader_u32(r));
	if (r->bad)
		return GUARD_BAD;
	return kind == 'A' || kind == 'F' ? guard_fields(inner, kind == 'F', depth + 1) : GUARD_OK;
}

/* The inside of a table (named) or an array. */
static enum guard guard_fields(struct view v, bool named, unsigned depth)
{
	struct reader r = reader_of(v);
	enum guard g = GUARD_OK;

	if (depth > V091_TABLE_DEPTH_MAX)
		return GUARD_DEEP;
	while (r.v.n && g == GUARD_OK) {
		if (named)
			reader_bytes(&r, reader_u8(&r));
		g = r.bad ? GUARD_BAD : guard_value(&r, depth);
	}
	return g;
}

enum guard v091_table_guard(struct reader *r)
{
	struct view inner = reader_bytes(r, reader_u32(r));

	return r->bad ? GUARD_BAD : guard_fields(inner, true, 1);
}

uint8_t v091_table_field(struct view guarded, struct view name, struct view *field)
{
	struct reader r = reader_of(view_skip(guarded, 4));

	while (r.v.n && !r.bad) {
		struct view start = r.v, key = reader_bytes(&r, reader_u8(&r));
		uint8_t kind = reader_u8(&r);
		int fixed = fixed_size(kind);

		reader_bytes(&r, fixed >= 0 ? (size_t)fixed : reader_u32(&r));
		if (!view_eq(key, name))
			continue;
		if (field)
			*field = view_head(start, start.n - r.v.n);
		return kind;
	}
	return 0;
}

enum guard v091_layout_check(const char *layout, struct view arguments)
{
	struct reader r = reader_of(arguments);
	enum guard g = GUARD_OK;
	bool text = true;

	for (; *layout && g == GUARD_OK && !r.bad; layout++) {
		switch (*layout) {
		case 'o':
			reader_u8(&r);
			break;
		case 'h':
			reader_u16(&r);
			break;
		case 'l':
			reader_u32(&r);
			break;
		case 'L':
			reader_u64(&r);
			break;
		case 's':
			text = utf8_valid(reader_bytes(&r, reader_u8(&r))) && text;
			break;
		case 'b':
			reader_bytes(&r, reader_u8(&r));
			break;
		case 'S':
			reader_bytes(&r, reader_u32(&r));
			break;
		default:
			must(*layout == 'T');
			g = v091_table_guard(&r);
			break;
		}
	}
	if (g == GUARD_OK && (r.bad || r.v.n))
		return GUARD_BAD;
	return g == GUARD_OK && !text ? GUARD_TEXT : g;
}

static struct value value_in(const amqp_field_value_t *f, struct arena *a)
{
	struct value v = {.type = (char)f->kind};

	switch (f->kind) {
	case AMQP_FIELD_KIND_BOOLEAN:
		v.boolean = f->value.boolean != 0;
		break;
	case AMQP_FIELD_KIND_I8:
		v.i = f->value.i8;
		break;
	case AMQP_FIELD_KIND_U8:
		v.i = f->value.u8;
		break;
	case AMQP_FIELD_KIND_I16:
		v.i = f->value.i16;
		break;
	case AMQP_FIELD_KIND_U16:
		v.i = f->value.u16;
		break;
	case AMQP_FIELD_KIND_I32:
		v.i = f->value.i32;
		break;
	case AMQP_FIELD_KIND_U32:
		v.i = f->value.u32;
		break;
	case AMQP_FIELD_KIND_I64:
		v.i = f->value.i64;
		break;
	case AMQP_FIELD_KIND_U64:
	case AMQP_FIELD_KIND_TIMESTAMP:
		v.i = (int64_t)f->value.u64;
		break;
	case AMQP_FIELD_KIND_F32:
		v.d = (double)f->value.f32;
		break;
	case AMQP_FIELD_KIND_F64:
		v.d = f->value.f64;
		break;
	case AMQP_FIELD_KIND_DECIMAL:
		v.decimal.scale = f->value.decimal.decimals;
		v.decimal.unscaled = (int32_t)f->value.decimal.value;
		break;
	case AMQP_FIELD_KIND_UTF8:
	case AMQP_FIELD_KIND_BYTES:
		v.s = view_in(f->value.bytes);
		break;
	case AMQP_FIELD_KIND_TABLE: {
		struct table t = v091_table_in(&f->value.table, a);

		v.table.v = t.v;
		v.table.n = t.n;
		break;
	}
	case AMQP_FIELD_KIND_ARRAY:
		v.table.n = (size_t)f->value.array.num_entries;
		v.table.v = arena_alloc(a, v.table.n * sizeof(*v.table.v) + 1);
		for (size_t i = 0; i < v.table.n; i++)
			v.table.v[i].value = value_in(&f->value.array.entries[i], a);
		break;
	default: /* void */
		break;
	}
	return v;
}

struct table v091_table_in(const amqp_table_t *t, struct arena *a)
{
	struct table out = {.n = (size_t)t->num_entries};

	out.v = arena_alloc(a, out.n * sizeof(*out.v) + 1);
	for (size_t i = 0; i < out.n; i++) {
		out.v[i].name = view_in(t->entries[i].key);
		out.v[i].value = value_in(&t->entries[i].value, a);
	}
	return out;
}

static bool fields_out(const struct field *v, size_t n, amqp_pool_t *pool, unsigned depth,
		       amqp_table_t *out);

static bool array_out(const struct value *v, amqp_pool_t *pool, unsigned depth, amqp_array_t *out);

static bool value_out(const struct value *v, amqp_pool_t *pool, unsigned depth, amqp_field_value_t *f)
{
	f->kind = (uint8_t)v->type;
	switch (v->type) {
	case VALUE_VOID:
		return true;
	case VALUE_BOOL:
		f->value.boolean = v->boolean;
		return true;
	case VALUE_I8:
	case VALUE_U8:
		f->value.u8 = (uint8_t)v->i;
		return true;
	case VALUE_I16:
	case VALUE_U16:
		f->value.u16 = (uint16_t)v->i;
		return true;
	case VALUE_I32:
	case VALUE_U32:
		f->value.u32 = (uint32_t)v->i;
		return true;
	case VALUE_I64:
	case VALUE_U64:
	case VALUE_TIME:
		f->value.u64 = (uint64_t)v->i;
		return true;
	case VALUE_FLOAT:
		f->value.f32 = (float)v->d;
		return true;
	case VALUE_DOUBLE:
		f->value.f64 = v->d;
		return true;
	case VALUE_DECIMAL:
		f->value.decimal.decimals = v->decimal.scale;
		f->value.decimal.value = (uint32_t)v->decimal.unscaled;
		return true;
	case VALUE_STRING:
	case VALUE_BYTES:
		f->value.bytes = bytes_out(v->s);
		return true;
	case VALUE_TABLE:
		return fields_out(v->table.v, v->table.n, pool, depth + 1, &f->value.table);
	case VALUE_ARRAY:
		return array_out(v, pool, depth + 1, &f->value.array);
	default:
		return false;
	}
}

static bool array_out(const struct value *v, amqp_pool_t *pool, unsigned depth, amqp_array_t *out)
{
	if (depth > V091_TABLE_DEPTH_MAX)
		return false;
	out->num_entries = (int)v->table.n;
	out->entries = amqp_pool_alloc(pool, v->table.n * sizeof(*out->entries) + 1);
	must(out->entries);
	for (size_t i = 0; i < v->table.n; i++)
		if (!value_out(&v->table.v[i].value, pool, depth, &out->entries[i]))
			return false;
	return true;
}

static bool fields_out(const struct field *v, size_t n, amqp_pool_t *pool, unsigned depth,
		       amqp_table_t *out)
{
	if (depth > V091_TABLE_DEPTH_MAX)
		return false;
	out->num_entries = (int)n;
	out->entries = amqp_pool_alloc(pool, n * sizeof(*out->entries) + 1);
	must(out->entries);
	for (size_t i = 0; i < n; i++) {
		if (v[i].name.n > SHORTSTR_MAX)
			return false;
		out->entries[i].key = bytes_out(v[i].name);
		if (!value_out(&v[i].value, pool, depth, &out->entries[i].value))
			return false;
	}
	return true;
}

bool v091_table_out(const struct table *t, amqp_pool_t *pool, amqp_table_t *out)
{
	return fields_out(t->v, t->n, pool, 1, out);
}

static size_t fields_room(const struct field *v, size_t n)
{
	size_t room = 4;

	for (size_t i = 0; i < n; i++) {
		const struct value *value = &v[i].value;
		int fixed = fixed_size((uint8_t)value->type);

		room += 1 + v[i].name.n + 1;
		if (fixed >= 0)
			room += (size_t)fixed;
		else if (value->type == VALUE_STRING || value->type == VALUE_BYTES)
			room += 4 + value->s.n;
		else
			room += fields_room(value->table.v, value->table.n);
	}
	return room;
}

size_t v091_table_room(const struct table *t)
{
	return fields_room(t->v, t->n);
}
