/* SPDX-License-Identifier: Apache-2.0 */
/* Tables at rest: every type comes back, anything malformed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mapping/table_codec.h"
#include "values.h"

static void check_fields(const struct field *a, const struct field *b, size_t n);

/* Stricter than value_eq: the wire type has to come back too. */
static void check_value(const struct value *a, const struct value *b)
{
	assert_int_equal(a->type, b->type);
	switch (a->type) {
	case VALUE_ARRAY:
	case VALUE_TABLE:
		assert_int_equal(a->table.n, b->table.n);
		check_fields(a->table.v, b->table.v, a->table.n);
		break;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		assert_memory_equal(&a->d, &b->d, sizeof a->d);
		break;
	default:
		assert_true(value_eq(a, b));
		break;
	}
}

static void check_fields(const struct field *a, const struct field *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(view_eq(a[i].name, b[i].name));
		check_value(&a[i].value, &b[i].value);
	}
}

static void check_round_trip(const struct table *t)
{
	struct buf b, again;
	struct arena a;
	struct table back;
	arena_init(&a);
	buf_init(&b, SIZE_MAX);
	buf_init(&again, SIZE_MAX);
	assert_true(table_encode(t, &b));
	assert_true(table_decode(buf_view(&b), &a, &back));
	assert_int_equal(back.n, t->n);
	check_fields(t->v, back.v, t->n);
	assert_true(table_encode(&back, &again));
	assert_true(view_eq(buf_view(&b), buf_view(&again)));
	buf_fini(&b);
	buf_fini(&again);
	arena_fini(&a);
}

static void test_every_type(void **state)
{
	(void)state;
	const struct table t = TABLE(
		FIELD("", NOTHING), FIELD("t", BOOL(true)), FIELD("f", BOOL(false)),
		FIELD("b", INT_OF(VALUE_I8, INT8_MIN)), FIELD("B", INT_OF(VALUE_U8, UINT8_MAX)),
		FIELD("s", INT_OF(VALUE_I16, INT16_MIN)), FIELD("u", INT_OF(VALUE_U16, UINT16_MAX)),
		FIELD("I", INT_OF(VALUE_I32, INT32_MIN)), FIELD("i", INT_OF(VALUE_U32, UINT32_MAX)),
		FIELD("l", INT_OF(VALUE_I64, INT64_MIN)), FIELD("L", INT_OF(VALUE_U64, INT64_MAX)),
		FIELD("T", INT_OF(VALUE_TIME, 1700000000)), FIELD("d", REAL(-0.0)), FIELD("fl", FLOAT(1.5)),
		FIELD("nan", REAL(__builtin_nan("7"))), FIELD("D", DECIMAL(255, INT32_MIN)), FIELD("S", STR("text")),
		FIELD("x", BYTES("\0\xff")), FIELD("e", STR("")),
		FIELD("A", CONTAINER(VALUE_ARRAY, FIELD("", STR("a")), FIELD("", NOTHING))),
		FIELD("F", CONTAINER(VALUE_TABLE, FIELD("k", CONTAINER(VALUE_TABLE, FIELD("k", BOOL(true)))))));
	check_round_trip(&t);
	check_round_trip(&(struct table){NULL, 0});
}

static void random_value(struct rng *r, struct arena *a, struct value *v, int depth);

static void random_fields(struct rng *r, struct arena *a, struct value *v, int depth)
{
	v->table.n = rng_below(r, 5);
	v->table.v = arena_alloc(a, v->table.n * sizeof(struct field));
	for (size_t i = 0; i < v->table.n; i++) {
		if (v->type == VALUE_TABLE)
			v->table.v[i].name = arena_copy(a, view_of("abcdefgh", rng_below(r, 9)));
		random_value(r, a, &v->table.v[i].value, depth + 1);
	}
}

static void random_value(struct rng *r, struct arena *a, struct value *v, int depth)
{
	static const char types[] = "VtbBsuIilLTfdDSxAF";
	static const int bits[] = {0, 0, -8, 8, -16, 16, -32, 32, -64, -64, -64};
	size_t t = rng_below(r, sizeof types - (depth > 5 ? 3 : 1));
	uint64_t any = rng_next(r) >> rng_below(r, 64);
	v->type = types[t];
	if (t >= 2 && t <= 10) {
		v->i = bits[t] == -64 ? (int64_t)any
		       : bits[t] < 0  ? (int64_t)(any << (64 + bits[t])) >> (64 + bits[t])
				      : (int64_t)(any & ((1ull << bits[t]) - 1));
	} else if (v->type == VALUE_BOOL) {
		v->boolean = any & 1;
	} else if (v->type == VALUE_FLOAT || v->type == VALUE_DOUBLE) {
		memcpy(&v->d, &any, sizeof v->d);
	} else if (v->type == VALUE_DECIMAL) {
		v->decimal.scale = (uint8_t)any;
		v->decimal.unscaled = (int32_t)any;
	} else if (v->type == VALUE_STRING || v->type == VALUE_BYTES) {
		v->s = arena_copy(a, view_of(&any, rng_below(r, 9)));
	} else if (v->type == VALUE_ARRAY || v->type == VALUE_TABLE) {
		random_fields(r, a, v, depth);
	}
}

static void test_random_round_trip(void **state)
{
	(void)state;
	struct rng r;
	struct arena a;
	rng_seed(&r, 11);
	arena_init(&a);
	for (int i = 0; i < 3000; i++) {
		struct value v = {.type = VALUE_TABLE};
		random_fields(&r, &a, &v, 1);
		check_round_trip(&(struct table){v.table.v, v.table.n});
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* Every truncation, one byte more, and random changes of one byte: refused, or
 * read as a table whose encoding is those very bytes. */
static void test_damage(void **state)
{
	(void)state;
	const struct table t = TABLE(FIELD("a", INT_OF(VALUE_I32, 70000)), FIELD("b", STR("text")),
				     FIELD("c", CONTAINER(VALUE_ARRAY, FIELD("", BOOL(true)), FIELD("", REAL(1)))),
				     FIELD("d", CONTAINER(VALUE_TABLE, FIELD("x", BYTES("y")))));
	struct buf b, again;
	struct arena a;
	struct table back;
	arena_init(&a);
	buf_init(&b, 1000);
	buf_init(&again, 1000);
	assert_true(table_encode(&t, &b));
	for (size_t n = 0; n < b.n; n++)
		assert_false(table_decode(view_of(b.p, n), &a, &back));
	for (size_t i = 0; i < b.n; i++) {
		uint8_t was = b.p[i];
		for (int c = 0; c < 256; c++) {
			b.p[i] = (uint8_t)c;
			buf_clear(&again);
			if (table_decode(buf_view(&b), &a, &back)) {
				assert_true(table_encode(&back, &again));
				assert_true(view_eq(buf_view(&b), buf_view(&again)));
			}
			arena_reset(&a);
		}
		b.p[i] = was;
	}
	buf_add_u8(&b, 0);
	assert_false(table_decode(buf_view(&b), &a, &back));
	buf_fini(&b);
	buf_fini(&again);
	arena_fini(&a);
}

static void test_malformed(void **state)
{
	(void)state;
	const struct view rows[] = {
		VIEW(""),
		VIEW("\x02\x00"),					 /* version */
		VIEW("\x01"),						 /* no count */
		VIEW("\x01\x80\x00"),					 /* count in too many bytes */
		VIEW("\x01\x01\x00"),					 /* no value */
		VIEW("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* a promise of 2^64 fields */
		VIEW("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), /* past 64 bits */
		VIEW("\x01\x01\x05" "a"),				 /* name past the end */
		VIEW("\x01\x01\x00t\x02"),				 /* bool 2 */
		VIEW("\x01\x01\x00" "b\x80\x02"),			 /* I8 128 */
		VIEW("\x01\x01\x00" "B\x01"),				 /* U8 -1 */
		VIEW("\x01\x01\x00" "B\x80\x04"),			 /* U8 256 */
		VIEW("\x01\x01\x00Z"),					 /* no such type */
		VIEW("\x01\x01\x00" "d\x00"),				 /* short double */
		VIEW("\x01\x01\x00" "A\x02V"),				 /* one of two */
	};
	struct arena a;
	struct table t;
	arena_init(&a);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (table_decode(rows[i], &a, &t))
			fail_msg("row %zu", i);
	arena_fini(&a);
}

/* depth nested arrays in the one field of a table. */
static struct table nested(struct arena *a, int depth)
{
	struct field *top = arena_alloc(a, sizeof *top), *f = top;
	for (int i = 0; i < depth; i++) {
		f->value.type = VALUE_ARRAY;
		f->value.table.n = 1;
		f->value.table.v = arena_alloc(a, sizeof *f);
		f = f->value.table.v;
	}
	f->value.type = VALUE_VOID;
	return (struct table){top, 1};
}

static void test_limits(void **state)
{
	(void)state;
	struct arena a;
	struct buf b;
	struct table back;
	arena_init(&a);
	buf_init(&b, SIZE_MAX);
	struct table t = nested(&a, TABLE_DEPTH_MAX - 1);
	check_round_trip(&t);
	t = nested(&a, TABLE_DEPTH_MAX);
	assert_false(table_encode(&t, &b));
	/* the same by hand: version, one field, then arrays of one array */
	buf_clear(&b);
	buf_add(&b, VIEW("\x01\x01\x00"));
	for (int i = 0; i < 100000; i++)
		buf_add(&b, VIEW("A\x01"));
	buf_add(&b, VIEW("V"));
	assert_false(table_decode(buf_view(&b), &a, &back));

	uint8_t *big = calloc(1, TABLE_BYTES_MAX + 1);
	struct field f = {VIEW("k"), {.type = VALUE_BYTES, .s = view_of(big, TABLE_BYTES_MAX - 8)}};
	check_round_trip(&(struct table){&f, 1});
	f.value.s.n++;
	buf_clear(&b);
	assert_false(table_encode(&(struct table){&f, 1}, &b));
	assert_false(table_decode(buf_view(&b), &a, &back));
	free(big);
	buf_fini(&b);
	buf_init(&b, 4);
	assert_false(table_encode(&(struct table){&f, 1}, &b));
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type), cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_damage),	   cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
