/* SPDX-License-Identifier: Apache-2.0 */
/* 0-9-1 → SQS → sent again by an SQS client → 0-9-1: properties, headers of every
 * wire type, nested tables and the body come back as they were. */
#include "cross_rig.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

static struct arena arena;
static struct message *received; /* what the last results alias */

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	message_unref(received);
	received = NULL;
	arena_fini(&arena);
	return 0;
}

static bool same(const struct value *a, const struct value *b);

static bool same_table(const struct table *a, const struct table *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!view_eq(a->v[i].name, b->v[i].name) || !same(&a->v[i].value, &b->v[i].value))
			return false;
	return true;
}

/* Type and value, NaN equal to itself. */
static bool same(const struct value *a, const struct value *b)
{
	struct table ta, tb;

	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_VOID:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		return (isnan(a->d) && isnan(b->d)) || (a->d == b->d && signbit(a->d) == signbit(b->d));
	case VALUE_DECIMAL:
		return a->decimal.scale == b->decimal.scale && a->decimal.unscaled == b->decimal.unscaled;
	case VALUE_STRING:
	case VALUE_BYTES:
		return view_eq(a->s, b->s);
	case VALUE_ARRAY:
	case VALUE_TABLE:
		ta = (struct table){a->table.v, a->table.n};
		tb = (struct table){b->table.v, b->table.n};
		return same_table(&ta, &tb);
	default:
		return a->i == b->i;
	}
}

static struct cross_legacy round_trip(const struct bag *bag, struct view body)
{
	struct cross_settings s = {0};
	struct cross_facts f = {.queue = VIEW("q")};
	struct cross_legacy out;
	struct message *m = rig_amqp(bag, body, "orders", "a.b");

	message_unref(received);
	received = rig_resend(m, &arena);
	assert_true(cross_to_amqp091(&s, &rig_codecs, received, &f, &arena, &out));
	struct view bytes = out.body_replaced ? out.body : body_piece(received->body, 0);
	assert_true(view_eq(bytes, body));
	message_unref(m);
	return out;
}

static void headers_come_back(struct field *v, size_t n)
{
	struct bag bag = {.has = BAG_HEADERS, .headers = {v, n}};
	struct cross_legacy out = round_trip(&bag, VIEW("{}"));

	assert_int_equal(out.bag.headers.n, n);
	for (size_t i = 0; i < n; i++) {
		const struct value *back = table_find(&out.bag.headers, v[i].name);

		if (!back || !same(back, &v[i].value))
			fail_msg("header %.*s of type %c came back as %c", VIEW_ARG(v[i].name), v[i].value.type,
				 back ? back->type : '-');
	}
}

#define I(t, x) {.type = (t), .i = (x)}
#define D(t, x) {.type = (t), .d = (x)}
#define S(x) {.type = VALUE_STRING, .s = VIEW(x)}

static struct field deepest[] = {{VIEW("leaf"), {.type = VALUE_BYTES, .s = VIEW("\0\1")}}, {VIEW("v"), {.type = VALUE_VOID}}};
static struct field middle[] = {{VIEW(""), I(VALUE_I16, -3)}, {VIEW(""), {.type = VALUE_TABLE, .table = {deepest, 2}}},
				{VIEW(""), S("x")}};

static const struct value every[] = {
	S("text"), S(""), S("\xd0\xb7\xd0\xb0"), S("\xff\xfe"), S("nul\0l"), S("\xef\xbf\xbf"), S("quo\"te\\"),
	{.type = VALUE_BOOL, .boolean = true}, {.type = VALUE_BOOL}, {.type = VALUE_VOID},
	I(VALUE_I8, INT8_MIN), I(VALUE_U8, UINT8_MAX), I(VALUE_I16, INT16_MIN), I(VALUE_U16, UINT16_MAX),
	I(VALUE_I32, INT32_MIN), I(VALUE_U32, UINT32_MAX), I(VALUE_I64, INT64_MIN), I(VALUE_I64, INT64_MAX),
	I(VALUE_U64, -1), I(VALUE_TIME, 1700000000), I(VALUE_TIME, 0), I(VALUE_TIME, INT64_MAX), I(VALUE_TIME, -5),
	D(VALUE_DOUBLE, 0.1), D(VALUE_DOUBLE, 3), D(VALUE_DOUBLE, -0.0), D(VALUE_DOUBLE, DBL_MAX),
	D(VALUE_DOUBLE, DBL_TRUE_MIN), D(VALUE_DOUBLE, 1e22), D(VALUE_DOUBLE, 9223372036854775808.0),
	D(VALUE_DOUBLE, NAN), D(VALUE_DOUBLE, INFINITY), D(VALUE_DOUBLE, -INFINITY),
	D(VALUE_FLOAT, (double)0.1f), D(VALUE_FLOAT, (double)FLT_MAX), D(VALUE_FLOAT, 7), D(VALUE_FLOAT, NAN),
	{.type = VALUE_DECIMAL, .decimal = {255, INT32_MIN}},
	{.type = VALUE_BYTES, .s = VIEW("\0\xff\x80")}, {.type = VALUE_BYTES, .s = VIEW("")},
	{.type = VALUE_ARRAY, .table = {middle, 3}}, {.type = VALUE_TABLE, .table = {deepest, 2}},
	{.type = VALUE_ARRAY}, {.type = VALUE_TABLE},
};
enum { EVERY = sizeof(every) / sizeof(every[0]) };

static void each_type_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVERY; i++) {
		struct field f = {VIEW("h"), every[i]};

		headers_come_back(&f, 1);
	}
}

/* All at once: nine are attributes, the rest is packed. */
static void all_types_together(void **state)
{
	struct field v[EVERY];
	char names[EVERY][24];

	(void)state;
	for (size_t i = 0; i < EVERY; i++) {
		snprintf(names[i], sizeof(names[i]), "h%zu", i);
		v[i] = (struct field){view_str(names[i]), every[i]};
	}
	headers_come_back(v, EVERY);
}

static void twelve_headers(void **state)
{
	struct field v[12];
	char names[12][24];

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		snprintf(names[i], sizeof(names[i]), "x-header-%zu", i);
		v[i] = (struct field){view_str(names[i]), {.type = VALUE_STRING, .s = view_str(names[i])}};
	}
	headers_come_back(v, 12);
}

static void odd_names(void **state)
{
	static const struct view names[] = {VIEW("a b"),	 VIEW("AWS.x"),	       VIEW("mqb.enc"), VIEW("mqb.p"),
					    VIEW("mqb.type"),	 VIEW("content-type"), VIEW("contentType"),
					    VIEW("reply-to"),	 VIEW("\xd0\xb7"),     VIEW("\xff"),	VIEW(".x."),
					    VIEW("correlation-id")};
	struct field v[12];

	(void)state;
	for (size_t i = 0; i < 12; i++)
		v[i] = (struct field){names[i], S("base64")};
	headers_come_back(v, 12);
}

static void properties(void **state)
{
	struct bag bag = {
		.has = BAG_CONTENT_TYPE | BAG_CONTENT_ENCODING | BAG_DELIVERY_MODE | BAG_PRIORITY | BAG_CORRELATION_ID |
		       BAG_REPLY_TO | BAG_EXPIRATION | BAG_MESSAGE_ID | BAG_TIMESTAMP | BAG_TYPE | BAG_USER_ID |
		       BAG_APP_ID | BAG_CLUSTER_ID,
		.content_type = VIEW("application/octet-stream"),
		.content_encoding = VIEW("gzip"),
		.delivery_mode = 1,
		.priority = 9,
		.correlation_id = VIEW("c\xff"),
		.reply_to = VIEW("amq.gen-1"),
		.expiration = VIEW("60000"),
		.message_id = VIEW("m-1"),
		.timestamp = UINT64_MAX,
		.type = VIEW(""),
		.user_id = VIEW("guest"),
		.app_id = VIEW("app"),
		.cluster_id = VIEW("\x01"),
	};
	struct cross_legacy out = round_trip(&bag, VIEW("\x1f\x8b\0"));

	(void)state;
	/* the user-id of somebody who sent it over SQS is not believed */
	assert_int_equal(out.bag.has, bag.has & ~(uint32_t)BAG_USER_ID);
	assert_true(view_eq(out.bag.content_type, bag.content_type));
	assert_true(view_eq(out.bag.content_encoding, bag.content_encoding));
	assert_int_equal(out.bag.delivery_mode, 1);
	assert_int_equal(out.bag.priority, 9);
	assert_true(view_eq(out.bag.correlation_id, bag.correlation_id));
	assert_true(view_eq(out.bag.reply_to, bag.reply_to));
	assert_true(view_eq(out.bag.expiration, bag.expiration));
	assert_true(view_eq(out.bag.message_id, bag.message_id));
	assert_true(out.bag.timestamp == bag.timestamp);
	assert_true(view_eq(out.bag.type, bag.type));
	assert_true(view_eq(out.bag.app_id, bag.app_id));
	assert_true(view_eq(out.bag.cluster_id, bag.cluster_id));
}

static void trace_header(void **state)
{
	struct field f = {VIEW("X-Amzn-Trace-Id"), S("Root=1-5759e988-bd862e3fe1be46a994272793")};

	(void)state;
	headers_come_back(&f, 1);
}

static struct value random_value(struct rng *r, int depth);

static struct table random_table(struct rng *r, int depth, bool named)
{
	size_t n = rng_below(r, 14);
	struct table t = {arena_alloc(&arena, n * sizeof(struct field)), n};

	for (size_t i = 0; i < n; i++) {
		t.v[i].name = named ? view_str(arena_printf(&arena, "%c%zu", rng_below(r, 9) ? 'k' : ' ', i))
				    : VIEW_NONE;
		t.v[i].value = random_value(r, depth + 1);
	}
	return t;
}

static struct value random_value(struct rng *r, int depth)
{
	struct value v = every[rng_below(r, EVERY)];
	struct table t;

	if ((v.type == VALUE_ARRAY || v.type == VALUE_TABLE) && depth < 4) {
		t = random_table(r, depth, v.type == VALUE_TABLE);
		v.table.v = t.v;
		v.table.n = t.n;
	} else if (v.type == VALUE_DOUBLE) {
		uint64_t bits = rng_next(r);

		memcpy(&v.d, &bits, sizeof(v.d));
	} else if (v.type == VALUE_I64) {
		v.i = (int64_t)rng_next(r);
	}
	return v;
}

static void random_headers(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 20250101);
	for (int i = 0; i < 2000; i++) {
		struct table t = random_table(&r, 0, true);

		headers_come_back(t.v, t.n);
		arena_reset(&arena);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_type_alone), T(all_types_together), T(twelve_headers), T(odd_names),
		T(properties),	    T(trace_header),	   T(random_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
