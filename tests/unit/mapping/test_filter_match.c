/* SPDX-License-Identifier: Apache-2.0 */
/* Filter policies against messages (sqs-sns.md §15): each row is a policy, a
 * message, and whether it passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "filters.h"

struct row {
	const char *policy, *message;
	bool match;
};

static bool extended;

static void check(const struct row *rows, size_t n, enum filter_scope scope)
{
	for (size_t i = 0; i < n; i++) {
		struct filter_attribute v[FILTERS_ATTRIBUTES];
		struct filter_policy *p = filters_policy_in(rows[i].policy, scope, extended);
		struct arena a;

		arena_init(&a);
		struct filter_input in = filters_input(rows[i].message, scope, &a, v);
		if (filter_policy_matches(p, &in) != rows[i].match)
			fail_msg("%s with %s: want %d", rows[i].policy, rows[i].message, rows[i].match);
		assert_int_equal(filter_policy_scope(p), scope);
		arena_fini(&a);
		filter_policy_free(p);
	}
}

#define CHECK(rows, scope) check(rows, sizeof(rows) / sizeof((rows)[0]), scope)

static void strings(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[\"x\"]}", "a=x", true},
		{"{\"a\":[\"x\"]}", "a=X", false},
		{"{\"a\":[\"x\"]}", "a=xx", false},
		{"{\"a\":[\"x\"]}", "A=x", false},
		{"{\"a\":[\"x\"]}", "", false},
		{"{\"a\":[\"x\",\"y\"]}", "a=y", true},
		{"{\"a\":[\"x\"],\"b\":[\"y\"]}", "a=x", false},
		{"{\"a\":[\"x\"],\"b\":[\"y\"]}", "b=y|a=x", true},
		{"{\"a\":[\"\\u0041\\n\\ud83d\\ude00\"]}", "a=A\n\xf0\x9f\x98\x80", true},
		{"{\"a\":[{\"prefix\":\"ab\"}]}", "a=abc", true},
		{"{\"a\":[{\"prefix\":\"ab\"}]}", "a=ab", true},
		{"{\"a\":[{\"prefix\":\"ab\"}]}", "a=a", false},
		{"{\"a\":[{\"prefix\":\"\"}]}", "a=x", true},
		{"{\"a\":[{\"suffix\":\"bc\"}]}", "a=abc", true},
		{"{\"a\":[{\"suffix\":\"bc\"}]}", "a=bcd", false},
		{"{\"a\":[{\"equals-ignore-case\":\"StRaSSe \\u00dcber \\u042f\"}]}", "a=strasse \xc3\xbc" "ber \xd1\x8f", true},
		{"{\"a\":[{\"equals-ignore-case\":\"ab\"}]}", "a=abc", false},
		{"{\"a\":[{\"exists\":true}]}", "a=x", true},
		{"{\"a\":[{\"exists\":true}]}", "b=x", false},
		{"{\"a\":[{\"exists\":false}]}", "a=x", false},
		{"{\"a\":[{\"exists\":false}]}", "b=x", true},
		{"{\"a\":[{\"exists\":false}]}", "", false}, /* a sender of no attributes says nothing */
		{"{\"a\":[{\"exists\":false},\"x\"]}", "a=x|b=1", true},
		{"{\"a\":[{\"exists\":false},\"x\"]}", "a=y|b=1", false},
		{"{\"a.b\":[\"x\"]}", "a.b=x", true},
		{"{\"a\":[true]}", "a=true", false},
		{"{\"a\":[null]}", "b=x", true},
		{"{\"a\":[null]}", "a=null", false},
		{"{\"$or\":[\"x\"]}", "$or=x", true}, /* an ordinary key */
	};

	(void)state;
	CHECK(rows, FILTER_ATTRIBUTES);
}

static void numbers(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[300]}", "a#300", true},
		{"{\"a\":[300]}", "a#3.00e2", true},
		{"{\"a\":[300]}", "a#0300.0", true},
		{"{\"a\":[301.5]}", "a#3.015E+2", true},
		{"{\"a\":[3.015e2]}", "a#301.5", true},
		{"{\"a\":[300]}", "a=300", false},
		{"{\"a\":[\"300\"]}", "a#300", false},
		{"{\"a\":[100.123456789]}", "a#100.1234567", true},
		{"{\"a\":[1.00001]}", "a#1.00002", false},
		{"{\"a\":[-0]}", "a#0", true},
		{"{\"a\":[0.0]}", "a#-0", true},
		{"{\"a\":[12345678901234567890]}", "a#12345678901234567890", true},
		{"{\"a\":[12345678901234567890]}", "a#12345678901234567891", false},
		{"{\"a\":[9007199254740993]}", "a#9007199254740992", false},
		{"{\"a\":[1e400]}", "a#5", false},
		{"{\"a\":[1e30]}", "a#1e31", true}, /* one value from there on */
		{"{\"a\":[1e29]}", "a#1e30", false},
		{"{\"a\":[0.0000005]}", "a#0.000001", true},
		{"{\"a\":[0.00000049]}", "a#0", true},
		{"{\"a\":[12.5]}", "a#.00125E4", true},
		{"{\"a\":[{\"numeric\":[\"=\",1e-400]}]}", "a#0", true},
		{"{\"a\":[{\"numeric\":[\">\",5]}]}", "a#1e400", true},
		{"{\"a\":[{\"numeric\":[\"<\",5]}]}", "a#-1e400", true},
		{"{\"a\":[{\"numeric\":[\"=\",5]}]}", "a#5", true},
		{"{\"a\":[{\"numeric\":[\"<\",5]}]}", "a#5", false},
		{"{\"a\":[{\"numeric\":[\"<=\",5]}]}", "a#5", true},
		{"{\"a\":[{\"numeric\":[\">\",5]}]}", "a#5", false},
		{"{\"a\":[{\"numeric\":[\">\",5]}]}", "a#5.00001", true},
		{"{\"a\":[{\"numeric\":[\">=\",5]}]}", "a#5", true},
		{"{\"a\":[{\"numeric\":[\">\",0,\"<=\",150]}]}", "a#150", true},
		{"{\"a\":[{\"numeric\":[\">\",0,\"<=\",150]}]}", "a#0", false},
		{"{\"a\":[{\"numeric\":[\">=\",0,\"<\",150]}]}", "a#150", false},
		{"{\"a\":[{\"numeric\":[\">=\",-1.5e2,\"<\",150]}]}", "a#-150", true},
		{"{\"a\":[{\"numeric\":[\"<\",5]}]}", "a=4", false},
		{"{\"a\":[{\"numeric\":[\"<\",5]}]}", "a#x", false},
		{"{\"a\":[{\"prefix\":\"3\"}]}", "a#300", false},
	};

	(void)state;
	CHECK(rows, FILTER_ATTRIBUTES);
}

static void anything_but(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[{\"anything-but\":\"x\"}]}", "a=y", true},
		{"{\"a\":[{\"anything-but\":\"x\"}]}", "a=x", false},
		{"{\"a\":[{\"anything-but\":\"x\"}]}", "b=x", false},
		{"{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "a=y", false},
		{"{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "a=z", true},
		{"{\"a\":[{\"anything-but\":[\"100\"]}]}", "a#100", true},
		{"{\"a\":[{\"anything-but\":100}]}", "a#1e2", false},
		{"{\"a\":[{\"anything-but\":{\"prefix\":\"x\"}}]}", "a=xy", false},
		{"{\"a\":[{\"anything-but\":{\"prefix\":\"x\"}}]}", "a=yx", true},
		{"{\"a\":[{\"anything-but\":\"x\"},{\"anything-but\":\"y\"}]}", "a=y", true},
		{"{\"a\":[{\"anything-but\":\"x\"}]}", "a@[\"y\",\"z\"]", true},
		/* none of the elements is listed (the newest guide) */
		{"{\"a\":[{\"anything-but\":\"x\"}]}", "a@[\"y\",\"x\"]", false},
		{"{\"a\":[{\"anything-but\":\"x\"}]}", "a@[]", false},
		{"{\"a\":[{\"anything-but\":\"x\"},\"y\"]}", "a@[\"y\",\"x\"]", true},
	};

	(void)state;
	CHECK(rows, FILTER_ATTRIBUTES);
}

static void arrays(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[\"x\"]}", "a@[\"y\",\"x\"]", true},
		{"{\"a\":[\"x\"]}", "a@[\"y\",\"z\"]", false},
		{"{\"a\":[\"x\"]}", "a@[]", false},
		{"{\"a\":[{\"exists\":true}]}", "a@[]", true},
		{"{\"a\":[{\"exists\":false}]}", "a@[]", false},
		{"{\"a\":[5]}", "a@[1,5.0]", true},
		{"{\"a\":[\"5\"]}", "a@[1,5]", false},
		{"{\"a\":[true]}", "a@[true]", true},
		{"{\"a\":[true]}", "a@[\"true\",false]", false},
		{"{\"a\":[null]}", "a@[null]", true},
		{"{\"a\":[{\"prefix\":\"soc\"}]}", "a@[\"rugby\",\"soccer\"]", true},
		{"{\"a\":[\"x\"]}", "a@['x']", false},
		{"{\"a\":[\"x\"]}", "a@[\"x\"", false},
		{"{\"a\":[\"x\"]}", "a@[\"x\"]]", false},
		{"{\"a\":[\"x\"]}", "a@\"x\"", false},
		{"{\"a\":[\"x\"]}", "a@x", false},
		{"{\"a\":[\"x\"]}", "a@[[\"x\"],{\"a\":\"x\"}]", false},
		{"{\"a\":[\"x\"]}", "a@[[\"y\"],\"x\"]", true},
	};

	(void)state;
	CHECK(rows, FILTER_ATTRIBUTES);
}

static void cidr(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "a=10.0.0.255", true},
		{"{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "a=10.0.1.0", false},
		{"{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "a=10.0.0.256", false},
		{"{\"a\":[{\"cidr\":\"10.0.0.7/31\"}]}", "a=10.0.0.6", true},
		{"{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "a=255.1.2.3", true},
		{"{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "a=::1", false},
		{"{\"a\":[{\"cidr\":\"::1/128\"}]}", "a=0:0::1", true},
		{"{\"a\":[{\"cidr\":\"::1/128\"}]}", "a=::2", false},
		{"{\"a\":[{\"cidr\":\"2001:db8:1234:1a00::/57\"}]}", "a=2001:0db8:1234:1a7f:0:0:0:1", true},
		{"{\"a\":[{\"cidr\":\"2001:db8:1234:1a00::/57\"}]}", "a=2001:0db8:1234:1a80:0:0:0:1", false},
	};

	(void)state;
	CHECK(rows, FILTER_ATTRIBUTES);
}

static void alternatives(void **state)
{
	static const char *const policy = "{\"f1\":[\"v1\"],\"$or\":[{\"f2\":[\"v2\",\"v3\"]},{\"f3\":[\"v4\"],"
					  "\"$or\":[{\"f4\":[\"v5\",\"v6\"]},{\"f5\":[\"v7\",\"v8\"]}]}]}";
	const struct row rows[] = {
		{policy, "f1=v1|f2=v3", true},
		{policy, "f1=v1|f3=v4", false},
		{policy, "f1=v1|f3=v4|f4=v6", true},
		{policy, "f1=v1|f3=v4|f5=v8", true},
		{policy, "f1=v1|f4=v6|f5=v8", false},
		{policy, "f2=v2|f3=v4|f5=v8", false},
		/* not an OR: one object, a reserved key, not only objects */
		{"{\"$or\":[{\"prefix\":\"x\"}]}", "$or=xy", true},
		{"{\"$or\":[{\"prefix\":\"x\"},{\"suffix\":\"y\"}]}", "$or=ay", true},
		{"{\"$or\":[{\"prefix\":\"x\"},\"y\"]}", "$or=y", true},
		/* the later one counts, of a key that comes twice */
		{"{\"a\":[\"x\"],\"a\":[\"y\"]}", "a=y", true},
		{"{\"a\":[\"x\"],\"a\":[\"y\"]}", "a=x", false},
		{"{\"a\":[\"x\"],\"$or\":[{\"a\":[\"y\"]},{\"b\":[\"z\"]}]}", "a=y", true},
		{"{\"a\":[\"x\"],\"$or\":[{\"a\":[\"y\"]},{\"b\":[\"z\"]}]}", "a=x|b=z", true},
		{"{\"a\":[\"x\"],\"$or\":[{\"a\":[\"y\"]},{\"b\":[\"z\"]}]}", "a=x", false},
	};

	(void)state;
	CHECK(rows, FILTER_ATTRIBUTES);
}

static void wildcards(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[{\"wildcard\":\"a*b*c\"}]}", "a=axxbyyc", true},
		{"{\"a\":[{\"wildcard\":\"a*b*c\"}]}", "a=abbcbc", true},
		{"{\"a\":[{\"wildcard\":\"a*b*c\"}]}", "a=abx", false},
		{"{\"a\":[{\"wildcard\":\"*\"}]}", "a=", true},
		{"{\"a\":[{\"wildcard\":\"x\\\\*y\"}]}", "a=x*y", true},
		{"{\"a\":[{\"wildcard\":\"x\\\\*y\"}]}", "a=xzy", false},
		{"{\"a\":[{\"anything-but\":{\"wildcard\":\"t*\"}}]}", "a=test", false},
		{"{\"a\":[{\"anything-but\":{\"suffix\":[\".tmp\",\".bak\"]}}]}", "a=x.bak", false},
		{"{\"a\":[{\"anything-but\":{\"suffix\":\".tmp\"}}]}", "a=x.pdf", true},
		{"{\"a\":[{\"anything-but\":{\"equals-ignore-case\":\"X\"}}]}", "a=x", false},
	};

	(void)state;
	extended = true;
	CHECK(rows, FILTER_ATTRIBUTES);
	extended = false;
}

static void bodies(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":[\"x\"]}", "{\"a\":\"x\"}", true},
		{"{\"a\":[\"x\"]}", " {\"a\" : [\"y\", [\"x\"]], \"b\": 1e999 }\n", true},
		{"{\"a\":[\"x\"]}", "{\"a\":{\"b\":\"x\"}}", false},
		{"{\"a\":[\"x\"]}", "[{\"a\":\"x\"}]", false},
		{"{\"a\":[\"x\"]}", "{\"a\":\"x\"", false},
		{"{\"a\":[\"x\"]}", "{\"a\":\"x\"} {}", false},
		{"{\"a\":[\"x\"]}", "not json", false},
		{"{\"a\":[\"x\"]}", "", false},
		{"{\"a\":[{\"exists\":false}]}", "{}", true},
		{"{\"a\":[{\"exists\":false}]}", "[]", false},
		{"{\"a\":[null]}", "{\"a\":null}", true},
		{"{\"a\":[null]}", "{}", false},
		{"{\"a\":[true]}", "{\"a\":true}", true},
		{"{\"a\":[true]}", "{\"a\":\"true\"}", false},
		{"{\"a\":[100]}", "{\"a\":\"100\"}", false},
		{"{\"a\":[100]}", "{\"a\":1e2}", true},
		{"{\"a\":{\"b\":[\"\"]}}", "{\"a\":{\"b\":\"\",\"c\":null},\"d\":[]}", true},
		{"{\"a\":{\"b\":[{\"prefix\":\"x\"}]}}", "{\"a\":{\"b\":\"xy\"}}", true},
		{"{\"a\":{\"b\":[\"x\"]}}", "{\"a\":{\"b\":\"y\"}}", false},
		/* leaves only */
		{"{\"a\":[{\"exists\":true}]}", "{\"a\":{\"b\":1}}", false},
		{"{\"a\":[{\"exists\":false}]}", "{\"a\":{\"b\":1}}", true},
		{"{\"a\":{\"b\":[{\"exists\":true}]}}", "{\"a\":{\"b\":1}}", true},
		{"{\"a\":[{\"exists\":true}]}", "{\"a\":[]}", false},
		/* dots are flattened on both sides */
		{"{\"a.b\":[\"x\"]}", "{\"a\":{\"b\":\"x\"}}", true},
		{"{\"a.b\":[\"x\"]}", "{\"a.b\":\"x\"}", true},
		{"{\"a\":{\"b\":[\"x\"]}}", "{\"a.b\":\"x\"}", true},
		{"{\"a\":{\"b.c\":[\"x\"]}}", "{\"a.b\":{\"c\":\"x\"}}", true},
		{"{\"a.b.c\":[\"x\"]}", "{\"a\":{\"b\":{\"c\":\"x\"}}}", true},
		{"{\"a.b.c\":[\"x\"]}", "{\"a\":{\"b\":{\"d\":\"x\"}}}", false},
		{"{\".\":[\"x\"]}", "{\"\":{\"\":\"x\"}}", true},
		{"{\"\":[\"x\"]}", "{\"\":\"x\"}", true},
		{"{\"d\":{\"$or\":[{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]},{\"b\":[{\"cidr\":\"2001:db8::/64\"}]}]}}",
		 "{\"d\":{\"b\":\"2001:db8::5\"}}", true},
	};

	(void)state;
	CHECK(rows, FILTER_BODY);
}

/* Conditions on one array must be met by one element of it. */
static void agreement(void **state)
{
	static const char *const records =
		"{\"Records\":{\"s3\":{\"object\":{\"key\":[{\"prefix\":\"auto-\"}]}},"
		"\"eventName\":[{\"prefix\":\"ObjectCreated:\"}]}}";
	static const char *const abc = "{\"r\":{\"a\":[1],\"b\":[2],\"c\":[3]}}";
	const struct row rows[] = {
		{records,
		 "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"object\":[[{\"key\":\"auto-1\"}]]}},"
		 "{\"eventName\":\"ObjectRemoved:Delete\",\"s3\":{\"object\":{\"key\":\"home-1\"}}}]}",
		 true},
		{records,
		 "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"object\":{\"key\":\"home-1\"}}},"
		 "{\"eventName\":\"ObjectRemoved:Delete\",\"s3\":{\"object\":{\"key\":\"auto-1\"}}}]}",
		 false},
		{abc, "{\"r\":[{\"a\":1},{\"b\":2},{\"c\":3}]}", false},
		{abc, "{\"r\":[{\"a\":1,\"b\":2},{\"b\":2,\"c\":3},{\"a\":1,\"c\":3}]}", false},
		{abc, "{\"r\":[{\"a\":1,\"b\":2},{\"a\":1,\"b\":[0,2],\"c\":3}]}", true},
		{abc, "{\"r\":[[{\"a\":1,\"b\":2}],[{\"a\":1},{\"b\":2},{\"c\":3}]]}", false},
		{abc, "{\"r\":[[{\"a\":1,\"b\":2}],[{\"a\":1,\"b\":2,\"c\":3}]]}", true},
		/* what lies in no array agrees with everything */
		{"{\"x\":[1],\"r\":{\"a\":[1],\"b\":[2]}}", "{\"x\":1,\"r\":[{\"a\":1,\"b\":2}]}", true},
		{"{\"x\":[1],\"r\":{\"a\":[1],\"b\":[2]}}", "{\"x\":1,\"r\":[{\"a\":1},{\"b\":2}]}", false},
		/* different arrays agree */
		{"{\"x\":[1],\"y\":[2]}", "{\"x\":[0,1],\"y\":[2,0]}", true},
		{"{\"r\":{\"x\":[1],\"y\":[2]}}", "{\"r\":[{\"x\":[0,1],\"y\":[2,0]},{\"x\":1}]}", true},
		/* an element that is a scalar, and one that holds the other */
		{"{\"r\":[5],\"r.a\":[1]}", "{\"r\":[5,{\"a\":1}]}", false},
		{"{\"r\":[5],\"r.a\":[1]}", "{\"r\":[[5,{\"a\":1}],{\"a\":1}]}", false},
		/* anything-but looks at all elements of one array */
		{"{\"r\":[{\"anything-but\":5}]}", "{\"r\":[1,[2,5],3]}", false},
		{"{\"r\":{\"a\":[{\"anything-but\":5}]}}", "{\"r\":[{\"a\":5},{\"a\":4}]}", true},
		{"{\"r\":{\"a\":[{\"anything-but\":5}],\"b\":[1]}}", "{\"r\":[{\"a\":5,\"b\":1},{\"a\":4}]}", false},
	};

	(void)state;
	CHECK(rows, FILTER_BODY);
}

/* Long keys above many leaves, deep nesting, a body beyond the limit: answered, and
 * with memory in proportion. */
static void large_bodies(void **state)
{
	struct filter_policy *p = filters_policy("{\"a\":[\"x\"]}", FILTER_BODY);
	struct buf b;
	struct arena a;

	(void)state;
	arena_init(&a);
	buf_init(&b, SIZE_MAX);
	buf_add_str(&b, "{\"a\":\"x\",\"");
	for (int i = 0; i < 100000; i++)
		buf_add_u8(&b, 'k');
	buf_add_str(&b, "\":{\"0\":0");
	for (int i = 1; i < 20000; i++)
		buf_printf(&b, ",\"%d\":[%d]", i, i);
	buf_add_str(&b, "}}");
	struct filter_input in = {.body = buf_view(&b), .arena = &a};
	assert_true(filter_policy_matches(p, &in));
	assert_true(a.total < 30000000);
	in = (struct filter_input){.arena = &a};
	buf_clear(&b);
	buf_add_str(&b, "{\"a\":\"x\",\"b\":");
	for (int i = 0; i < 2000; i++)
		buf_add_u8(&b, '[');
	in.body = buf_view(&b);
	assert_false(filter_policy_matches(p, &in));
	in = (struct filter_input){.arena = &a};
	buf_clear(&b);
	buf_add_str(&b, "{\"a\":\"x\"}");
	while (b.n <= 1 << 20)
		buf_add_str(&b, "                                                ");
	in.body = buf_view(&b);
	assert_false(filter_policy_matches(p, &in));
	buf_fini(&b);
	arena_fini(&a);
	filter_policy_free(p);
}

/* Arrays as deep as they may be: both conditions lie in the innermost element, or in
 * two of them. */
static void deep_arrays(void **state)
{
	enum { DEEP = 990 };
	struct filter_policy *p = filters_policy("{\"r\":{\"a\":[1],\"b\":[2]}}", FILTER_BODY);

	(void)state;
	for (int apart = 0; apart < 2; apart++) {
		struct filter_input in = {.body = VIEW_NONE};
		struct arena a;
		struct buf b;

		arena_init(&a);
		buf_init(&b, SIZE_MAX);
		buf_add_str(&b, "{\"r\":");
		for (int i = 0; i < DEEP; i++)
			buf_add_u8(&b, '[');
		buf_add_str(&b, apart ? "{\"a\":1},{\"b\":2}" : "{\"a\":1,\"b\":2}");
		for (int i = 0; i < DEEP; i++)
			buf_add_u8(&b, ']');
		buf_add_u8(&b, '}');
		in.body = buf_view(&b);
		in.arena = &a;
		assert_int_equal(filter_policy_matches(p, &in), !apart);
		buf_fini(&b);
		arena_fini(&a);
	}
	filter_policy_free(p);
}

/* Arrays that the broker itself built, and attributes that count for nothing. */
static void built_arrays(void **state)
{
	static const struct view words[] = {VIEW("1=a"), VIEW("2=b")};
	struct filter_attribute v = {
		.name = VIEW("t1"), .type = FILTER_STRING_ARRAY, .elements = words, .n_elements = 2, .implied = true};
	struct filter_policy *p = filters_policy("{\"t1\":[\"2=b\"]}", FILTER_ATTRIBUTES);
	struct filter_policy *absent = filters_policy("{\"x\":[{\"exists\":false}]}", FILTER_ATTRIBUTES);
	struct arena a;

	(void)state;
	arena_init(&a);
	struct filter_input in = {.attributes = &v, .n_attributes = 1, .arena = &a};
	assert_true(filter_policy_matches(p, &in));
	assert_false(filter_policy_matches(absent, &in));
	v.implied = false;
	in.parsed = NULL;
	assert_true(filter_policy_matches(absent, &in));
	arena_fini(&a);
	filter_policy_free(p);
	filter_policy_free(absent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),      cmocka_unit_test(numbers),      cmocka_unit_test(anything_but),
		cmocka_unit_test(arrays),       cmocka_unit_test(cidr),         cmocka_unit_test(alternatives),
		cmocka_unit_test(wildcards),    cmocka_unit_test(bodies),       cmocka_unit_test(agreement),
		cmocka_unit_test(large_bodies), cmocka_unit_test(built_arrays), cmocka_unit_test(deep_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
