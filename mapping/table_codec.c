/* SPDX-License-Identifier: Apache-2.0 */
/* Format, version 1: one byte 1, then a table.
 *
 *   table   count, count × (string, value)
 *   array   count, count × value
 *   value   type letter (enum value_type), payload:
 *             V nothing · t one byte 0 or 1 · integers and T a zigzag varint
 *             f d eight bytes · D scale byte, zigzag varint · S x string · A F as above
 *   string  length, bytes
 *   count, length  varint (7 bits a byte, lowest first, in the fewest bytes)
 *
 * There is one encoding of a table: what decodes encodes to the same bytes. */
#include "mapping/table_codec.h"

enum { TABLE_VERSION = 1, VARINT_BYTES_MAX = 10 };

/* ---- encode -------------------------------------------------------------- */

static void put_varint(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add_u8(out, (uint8_t)(v | 0x80));
	buf_add_u8(out, (uint8_t)v);
}

static void put_zigzag(struct buf *out, int64_t v)
{
	put_varint(out, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

static void put_string(struct buf *out, struct view v)
{
	put_varint(out, v.n);
	buf_add(out, v);
}

static void put_double(struct buf *out, double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof bits);
	buf_add_u64(out, bits);
}

static bool put_value(struct buf *out, const struct value *v, int depth);

static bool put_fields(struct buf *out, const struct field *v, size_t n, bool named, int depth)
{
	if (depth > TABLE_DEPTH_MAX)
		return false;
	put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		if (named)
			put_string(out, v[i].name);
		if (!put_value(out, &v[i].value, depth))
			return false;
	}
	return !out->overflow;
}

static bool put_value(struct buf *out, const struct value *v, int depth)
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
		put_double(out, v->d);
		break;
	case VALUE_DECIMAL:
		buf_add_u8(out, v->decimal.scale);
		put_zigzag(out, v->decimal.unscaled);
		break;
	case VALUE_STRING:
	case VALUE_BYTES:
		put_string(out, v->s);
		break;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		return put_fields(out, v->table.v, v->table.n, v->type == VALUE_TABLE, depth + 1);
	case VALUE_TIME:
		put_zigzag(out, v->i);
		break;
	default:
		if (!value_is_integer(v))
			return false;
		put_zigzag(out, v->i);
		break;
	}
	return !out->overflow;
}

bool table_encode(const struct table *t, struct buf *out)
{
	size_t from = out->n;
	buf_add_u8(out, TABLE_VERSION);
	if (!put_fields(out, t->v, t->n, true, 1))
		return false;
	return out->n - from <= TABLE_BYTES_MAX;
}

/* ---- decode -------------------------------------------------------------- */

static uint64_t take_varint(struct reader *r)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
		uint8_t b = reader_u8(r);
		if (i == VARINT_BYTES_MAX - 1 && b > 1)
			break; /* past 64 bits */
		v |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b & 0x80)
			continue;
		r->bad |= i > 0 && b == 0; /* not the fewest bytes */
		return v;
	}
	r->bad = true;
	return 0;
}

static int64_t take_zigzag(struct reader *r)
{
	uint64_t v = take_varint(r);
	return (int64_t)((v >> 1) ^ (v & 1 ? UINT64_MAX : 0));
}

/* A count of items of at least `least` bytes each: never more than the bytes
 * that are left could hold, so that nothing is allocated on a mere promise. */
static size_t take_count(struct reader *r, size_t least)
{
	uint64_t n = take_varint(r);
	if (r->bad || n > r->v.n / least) {
		r->bad = true;
		return 0;
	}
	return (size_t)n;
}

static struct view take_string(struct reader *r)
{
	return reader_bytes(r, take_count(r, 1));
}

static double take_double(struct reader *r)
{
	uint64_t bits = reader_u64(r);
	double d;
	memcpy(&d, &bits, sizeof d);
	return d;
}

static int64_t take_integer(struct reader *r, int64_t min, int64_t max)
{
	int64_t v = take_zigzag(r);
	r->bad |= v < min || v > max;
	return v;
}

/* The integers of less than 64 bits; any other type letter is none at all. */
static void take_narrow(struct reader *r, struct value *out)
{
	static const struct {
		char type;
		int64_t min, max;
	} ranges[] = {
		{VALUE_I8, INT8_MIN, INT8_MAX},	   {VALUE_U8, 0, UINT8_MAX},   {VALUE_I16, INT16_MIN, INT16_MAX},
		{VALUE_U16, 0, UINT16_MAX},	   {VALUE_I32, INT32_MIN, INT32_MAX}, {VALUE_U32, 0, UINT32_MAX},
	};
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		if (ranges[i].type == out->type) {
			out->i = take_integer(r, ranges[i].min, ranges[i].max);
			return;
		}
	}
	r->bad = true;
}

static void take_value(struct reader *r, struct arena *a, struct value *out, int depth);

static struct field *take_fields(struct reader *r, struct arena *a, size_t *n, bool named, int depth)
{
	*n = 0;
	r->bad |= depth > TABLE_DEPTH_MAX;
	if (r->bad)
		return NULL;
	size_t count = take_count(r, named ? 2 : 1);
	struct field *v = count ? arena_alloc(a, count * sizeof *v) : NULL;
	for (; *n < count && !r->bad; ++*n) {
		if (named)
			v[*n].name = take_string(r);
		take_value(r, a, &v[*n].value, depth);
	}
	return v;
}

static void take_value(struct reader *r, struct arena *a, struct value *out, int depth)
{
	out->type = (char)reader_u8(r);
	switch (out->type) {
	case VALUE_VOID:
		break;
	case VALUE_BOOL: {
		uint8_t b = reader_u8(r);
		r->bad |= b > 1;
		out->boolean = b == 1;
		break;
	}
	case VALUE_I64:
	case VALUE_U64: /* its bits */
	case VALUE_TIME:
		out->i = take_zigzag(r);
		break;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		out->d = take_double(r);
		break;
	case VALUE_DECIMAL:
		out->decimal.scale = reader_u8(r);
		out->decimal.unscaled = (int32_t)take_integer(r, INT32_MIN, INT32_MAX);
		break;
	case VALUE_STRING:
	case VALUE_BYTES:
		out->s = take_string(r);
		break;
	case VALUE_ARRAY:
	case VALUE_TABLE:
		out->table.v = take_fields(r, a, &out->table.n, out->type == VALUE_TABLE, depth + 1);
		break;
	default:
		take_narrow(r, out);
		break;
	}
}

bool table_decode(struct view bytes, struct arena *a, struct table *out)
{
	struct reader r = reader_of(bytes);
	*out = (struct table){NULL, 0};
	if (bytes.n > TABLE_BYTES_MAX || reader_u8(&r) != TABLE_VERSION)
		return false;
	struct table t;
	t.v = take_fields(&r, a, &t.n, true, 1);
	if (r.bad || r.v.n)
		return false;
	*out = t;
	return true;
}
