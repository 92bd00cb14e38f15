/* SPDX-License-Identifier: Apache-2.0 */
/* What a filter policy may be, and AWS's texts for what it may not (sqs-sns.md §15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mapping/filter_policy.h"

#define F "FilterPolicy: "
#define NESTED "Filter policy scope MessageAttributes does not support nested filter policy"
#define VALUE "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

static void refused(const char *json, enum filter_scope scope, const char *text)
{
	struct filter_limits l;
	struct error e = {.code = CODE_OK};

	filter_limits_default(&l);
	struct filter_policy *p = filter_policy_parse(view_str(json), scope, &l, &e);
	if (p)
		fail_msg("%s: accepted", json);
	if (e.code != CODE_INVALID || strcmp(e.text, text) != 0)
		fail_msg("%s:\n got %s\nwant %s", json, e.text, text);
}

static void texts(void **state)
{
	static const char *const rows[][2] = {
		{"{\"key\":[[\"value\"]]}", F "Match value must be String, number, true, false, or null"},
		{"{\"key\":[{\"wrong-operator\":true}]}", F "Unrecognized match type wrong-operator"},
		{"{\"key\":[{\"wildcard\":\"a*\"}]}", F "Unrecognized match type wildcard"},
		{"{\"key\":[{\"suffix\":\"a\",\"prefix\":\"b\"}]}", F "Only one key allowed in match expression"},
		{"{\"key\":[{}]}", F "Match expression name not found"},
		{"{\"key\":[]}", F "Empty arrays are not allowed"},
		{"{}", F "Empty objects are not allowed"},
		{"[]", F "Filter is not an object"},
		{"{\"key\":\"a\"}", F "\"key\" must be an object or an array"},
		{"{\"key\":{\"suffix\":\"value\"}}", F "\"suffix\" must be an object or an array"},
		{"{\"key\":[{\"suffix\":100}]}", F "suffix match pattern must be a string"},
		{"{\"key\":[{\"suffix\":[]}]}", F "suffix match pattern must be a string"},
		{"{\"key\":[{\"prefix\":null}]}", F "prefix match pattern must be a string"},
		{"{\"key\":[{\"equals-ignore-case\":1}]}", F "equals-ignore-case match pattern must be a string"},
		{"{\"key\":[{\"cidr\":[\"bad-filter\"]}]}", F "prefix match pattern must be a string"},
		{"{\"key\":[{\"cidr\":\"bad-filter\"}]}", F "Malformed CIDR, one '/' required"},
		{"{\"key\":[{\"cidr\":\"1.2.3.4/8/8\"}]}", F "Malformed CIDR, one '/' required"},
		{"{\"key\":[{\"cidr\":\"bad-filter/64\"}]}", F "Nonstandard IP address: bad-filter"},
		{"{\"key\":[{\"cidr\":\"bad-filter/bad\"}]}", F "Malformed CIDR, mask bits must be an integer"},
		{"{\"key\":[{\"cidr\":\"10.0.0.0/-1\"}]}", F "Malformed CIDR, mask bits must not be negative"},
		{"{\"key\":[{\"cidr\":\"10.0.0.0/33\"}]}", F "IPv4 mask bits must be < 32"},
		{"{\"key\":[{\"cidr\":\"::/129\"}]}", F "IPv6 mask bits must be < 128"},
		{"{\"key\":[{\"cidr\":\"xx.11.xx/8\"}]}", F "Nonstandard IP address: xx.11.xx"},
		{"{\"key\":[{\"exists\":null}]}", F "exists match pattern must be either true or false."},
		{"{\"key\":[{\"exists\":\"no\"}]}", F "exists match pattern must be either true or false."},
		{"{\"key\":[{\"anything-but\":{\"suffix\":\"a\"}}]}", F "Unsupported anything-but pattern: suffix"},
		{"{\"key\":[{\"anything-but\":{\"wildcard\":\"a\"}}]}", F "Unsupported anything-but pattern: wildcard"},
		{"{\"key\":[{\"anything-but\":{\"exists\":false}}]}", F "Unsupported anything-but pattern: exists"},
		{"{\"key\":[{\"anything-but\":{\"prefix\":false}}]}", F "prefix match pattern must be a string"},
		{"{\"key\":[{\"anything-but\":{\"prefix\":\"\"}}]}", F "Null prefix/suffix not allowed"},
		{"{\"key\":[{\"anything-but\":{}}]}", F "Anything-But expression name not found"},
		{"{\"key\":[{\"anything-but\":null}]}",
		 F "Value of anything-but must be an array or single string/number value."},
		{"{\"key\":[{\"anything-but\":[]}]}",
		 F "Inside anything but list, either all values are number or string, mixed type is not supported"},
		{"{\"key\":[{\"anything-but\":[1,\"a\"]}]}",
		 F "Inside anything but list, either all values are number or string, mixed type is not supported"},
		{"{\"key\":[{\"anything-but\":[true]}]}",
		 F "Inside anything but list, start|null|boolean is not supported."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refused(rows[i][0], FILTER_ATTRIBUTES, rows[i][1]);
		refused(rows[i][0], FILTER_BODY, rows[i][1]);
	}
}

static void numeric_texts(void **state)
{
	static const char *const rows[][2] = {
		{"[]", "Invalid member in numeric match: ]"},
		{"[1,\"<=\"]", "Invalid member in numeric match: 1"},
		{"[\"operator\"]", "Unrecognized numeric range operator: operator"},
		{"[\"=\",\"000\"]", "Value of equals must be numeric"},
		{"[\">=\"]", "Value of >= must be numeric"},
		{"[\"<\",100,\">\",10]", "Too many elements in numeric expression"},
		{"[\"=\",1,2]", "Too many elements in numeric expression"},
		{"[\">=\",1,\">\",2]", "Bad numeric range operator: >"},
		{"[\">\",3,\"<\",1]", "Bottom must be less than top"},
		{"[\">\",3,\"<\",3]", "Bottom must be less than top"},
		{"[\">\",20,\"<=\"]", "Value of <= must be numeric"},
		{"[\">\",20,30]", "Bad value in numeric range: 30"},
		{"[\">\",20,\"test\"]", "Bad numeric range operator: test"},
		{"[\">\",\"20\",\"<\",\"30\"]", "Value of > must be numeric"},
		{"[\">\",20,\"<\",\"30\"]", "Value of < must be numeric"},
		{"[\">\",20,\"<\",30,\"<\",50]", "Too many terms in numeric range expression"},
		{"5", "Value of numeric must be an array."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[128], text[128];

		snprintf(json, sizeof(json), "{\"key\":[{\"numeric\":%s}]}", rows[i][0]);
		snprintf(text, sizeof(text), F "%s", rows[i][1]);
		refused(json, FILTER_ATTRIBUTES, text);
	}
}

static void json_texts(void **state)
{
	static const char *const rows[][2] = {
		{"invalid", F "failed to parse JSON. Unrecognized token 'invalid': was expecting " VALUE},
		{"invalid-json", F "failed to parse JSON. Unrecognized token 'invalid': was expecting " VALUE},
		{"{invalid}", F "failed to parse JSON. Unexpected character ('i' (code 105)): "
				"was expecting double-quote to start field name"},
		{"", F "failed to parse JSON. Unexpected end-of-input: expected a valid value " VALUE},
		{"{\"a\"}", F "failed to parse JSON. Unexpected character ('}' (code 125)): "
			      "was expecting a colon to separate field name and value"},
		{"{\"a\":[1 2]}", F "failed to parse JSON. Unexpected character ('2' (code 50)): "
				    "was expecting comma to separate Array entries"},
		{"{\"a\":[\"\\x\"]}", F "failed to parse JSON. Unrecognized character escape"},
		{"{\"a\":[01]}", F "failed to parse JSON. Invalid numeric value: Leading zeroes not allowed"},
		{"{\"a\":[\"\xff\"]}", F "failed to parse JSON. Invalid UTF-8"},
		{"{\"a\":[1]}}", F "failed to parse JSON. Unexpected character ('}' (code 125)): "
				   "was expecting the end of the text"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(rows[i][0], FILTER_BODY, rows[i][1]);
}

static void nesting(void **state)
{
	struct buf b;

	(void)state;
	refused("{\"object\":{\"key\":[{\"prefix\":\"auto-\"}]}}", FILTER_ATTRIBUTES, NESTED);
	refused("{\"store\":{\"key\":[{\"exists\":null}]}}", FILTER_ATTRIBUTES, NESTED);
	refused("{\"$or\":[{\"a\":[1]},{\"b\":{\"prefix\":[1]}}]}", FILTER_BODY,
		F "prefix is Ruler reserved fieldName which cannot be used inside $or.");
	buf_init(&b, SIZE_MAX);
	for (int i = 0; i < 10000; i++)
		buf_add_str(&b, "{\"a\":");
	refused(buf_cstr(&b), FILTER_BODY,
		F "failed to parse JSON. Document nesting depth (101) exceeds the maximum allowed (100)");
	buf_fini(&b);
}

/* ---- limits ---- */

static bool accepted(const char *json, enum filter_scope scope, const struct filter_limits *l, struct error *e)
{
	struct filter_policy *p = filter_policy_parse(view_str(json), scope, l, e);

	filter_policy_free(p);
	return p != NULL;
}

/* The count is right when it is accepted as a limit and one less is not. */
static void combinations(void **state)
{
	static const struct {
		const char *json;
		enum filter_scope scope;
		uint32_t n;
	} rows[] = {
		{"{\"a\":{\"b\":{\"c\":[1,2,3,4]}},\"d\":{\"e\":[1,2,3]},\"f\":[1,2,3]}", FILTER_BODY, 216},
		{"{\"s\":[1,2,3,4],\"$or\":[{\"m\":[1,2,3,4,5,6]},{\"t\":[1,2,3,4],"
		 "\"$or\":[{\"i\":[1,2,3,4]},{\"j\":[1,2,3,4]}]}]}",
		 FILTER_ATTRIBUTES, 152},
		{"{\"$or\":[{\"m\":[1,2,3]},{\"n\":[1,2]}],\"d\":{\"s\":[1,2],\"$or\":[{\"s\":[1]},{\"t\":[1,2,3]}]}}",
		 FILTER_BODY, 160},
		{"{\"s\":[1,2,3],\"$or\":[{\"m\":[1,2,3,4,5,6]},{\"t\":[1,2,3,4],"
		 "\"$or\":[{\"i\":[1,2,3,4]},{\"j\":[1,2,3,4,5,6,7]}]}]}",
		 FILTER_ATTRIBUTES, 150},
		{"{\"a\":[{\"anything-but\":[1,2,3]},2]}", FILTER_ATTRIBUTES, 2},
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter_limits l;

		filter_limits_default(&l);
		l.combinations_max = rows[i].n;
		assert_true(accepted(rows[i].json, rows[i].scope, &l, &e));
		l.combinations_max--;
		assert_false(accepted(rows[i].json, rows[i].scope, &l, &e));
		assert_string_equal(e.text, F "Filter policy is too complex");
	}
}

static void keys(void **state)
{
	struct filter_limits l;
	struct error e;

	(void)state;
	filter_limits_default(&l);
	refused("{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1]}", FILTER_ATTRIBUTES,
		F "Filter policy can not have more than 5 keys");
	assert_true(accepted("{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1]}", FILTER_ATTRIBUTES, &l, &e));
	/* those inside are not counted, nor is one that comes twice */
	assert_true(accepted("{\"a\":{\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1],\"g\":[1]}}", FILTER_BODY, &l, &e));
	assert_true(accepted("{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"e\":[2]}", FILTER_BODY, &l, &e));
	l.keys_max = 6;
	assert_true(accepted("{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1]}", FILTER_BODY, &l, &e));
}

/* Branches too wide, too many, too long: an answer, and no memory in excess. */
static void excess(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add_str(&b, "{\"$or\":[{\"x\":[1]},{\"0\":[1]");
	for (int i = 1; i < 65; i++)
		buf_printf(&b, ",\"%d\":[1]", i);
	buf_add_str(&b, "}]}");
	refused(buf_cstr(&b), FILTER_ATTRIBUTES, F "Filter policy is too complex");
	buf_clear(&b);
	buf_add_str(&b, "{\"a\":[1]");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&b, ",\"$or\":[{\"x\":[1]},{\"y\":[1]}]");
	buf_add_str(&b, "}");
	refused(buf_cstr(&b), FILTER_ATTRIBUTES, F "Filter policy is too complex");
	buf_clear(&b);
	buf_add_str(&b, "{\"a\":[\"");
	while (b.n < 256 * 1024)
		buf_add_u8(&b, 'x');
	buf_add_str(&b, "\"]}");
	refused(buf_cstr(&b), FILTER_ATTRIBUTES, F "Filter policy is too large");
	buf_fini(&b);
}

/* A long name in a text is cut at a character. */
static void long_names(void **state)
{
	struct filter_limits l;
	struct error e;
	struct buf b;

	(void)state;
	filter_limits_default(&l);
	buf_init(&b, SIZE_MAX);
	buf_add_str(&b, "{\"a\":[{\"x");
	for (int i = 0; i < 300; i++)
		buf_add_str(&b, "\xc3\xa9");
	buf_add_str(&b, "\":1}]}");
	assert_null(filter_policy_parse(buf_view(&b), FILTER_BODY, &l, &e));
	assert_int_equal(strlen(e.text), strlen(F "Unrecognized match type x") + 98);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts), cmocka_unit_test(numeric_texts), cmocka_unit_test(json_texts),
		cmocka_unit_test(nesting), cmocka_unit_test(combinations), cmocka_unit_test(keys),
		cmocka_unit_test(excess), cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
