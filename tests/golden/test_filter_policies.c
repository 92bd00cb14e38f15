/* SPDX-License-Identifier: Apache-2.0 */
/* Filter policies against public vectors and AWS's recorded answers. They lie
 * outside the repository, in the folder MQBRIDGE_GOLDEN names, else in shared/golden
 * beside it; without them each test is skipped. What differs is listed in `known`
 * with its reason, and fails once it does not differ any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "mapping/filter_policy.h"

enum { ATTRIBUTES = 16, PATH_BYTES = 1024 };

static const struct known {
	const char *name; /* of the case, or the policy where it has none */
	const char *reason;
} known_all[] = {
	{"exact string filter", "AWS refuses it: a value must be an array"},
	{"exact string filter on an array", "AWS refuses it: a value must be an array"},
	{"exact string filter with no match", "AWS refuses it: a value must be an array"},
	{"{\"a\": [ { \"exactly\": \"child\" } ] }", "event-ruler's grammar is larger than SNS's"},
};
enum { KNOWN = sizeof(known_all) / sizeof(known_all[0]) };
static bool known_seen[KNOWN];

static int passed, differ, wrong;

static const char *reason_of(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (strcmp(known_all[i].name, name) == 0) {
			known_seen[i] = true;
			return known_all[i].reason;
		}
	return NULL;
}

static void verdict(const char *file, const char *name, bool ok, const char *what)
{
	const char *reason = reason_of(name);

	if (reason && !ok) {
		printf("differs: %s: %s: %s\n", file, name, reason);
		differ++;
		return;
	}
	passed += ok && !reason;
	if (ok && !reason)
		return;
	wrong++;
	printf("%s: %s: %s\n", file, name, ok ? "listed as different, and passes" : what);
}

/* ---- reading ---- */

/* NULL: skipped already. */
static json_t *golden(const char *folder, const char *file)
{
	const char *root = getenv("MQBRIDGE_GOLDEN");
	char path[PATH_BYTES];
	json_error_t e;

	if (root)
		snprintf(path, sizeof(path), "%s/%s/%s", root, folder, file);
	else
		snprintf(path, sizeof(path), "%.*s../shared/golden/%s/%s",
			 (int)(strlen(__FILE__) - strlen("tests/golden/test_filter_policies.c")), __FILE__, folder,
			 file);
	json_t *j = json_load_file(path, JSON_DECODE_ANY, &e);
	if (!j && json_error_code(&e) == json_error_cannot_open_file) {
		printf("no %s here (MQBRIDGE_GOLDEN names the folder above %s)\n", file, folder);
		skip();
	}
	assert_non_null(j);
	passed = differ = wrong = 0;
	return j;
}

static void finish(json_t *j)
{
	json_decref(j);
	printf("%d passed, %d differ as listed\n", passed, differ);
	assert_int_equal(wrong, 0);
	assert_true(passed > 0);
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static enum filter_scope scope_of(const json_t *j)
{
	const char *s = text_of(j, "scope");

	return s && strcmp(s, "MessageBody") == 0 ? FILTER_BODY : FILTER_ATTRIBUTES;
}

/* With what AWS refused when it was recorded, when `extended`. */
static struct filter_policy *policy_of(const char *json, enum filter_scope scope, bool extended, struct error *e)
{
	struct filter_limits l;

	filter_limits_default(&l);
	l.extended = extended;
	*e = (struct error){.code = CODE_OK};
	return filter_policy_parse(view_str(json), scope, &l, e);
}

/* Type and value under either pair of names; the texts live in the arena. */
static void attribute_read(const char *name, const json_t *j, struct arena *a, struct filter_attribute *out)
{
	const char *type = text_of(j, "Type") ? text_of(j, "Type") : text_of(j, "DataType");
	json_t *value = json_object_get(j, "Value") ? json_object_get(j, "Value") : json_object_get(j, "StringValue");
	char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

	*out = (struct filter_attribute){.name = view_str(name)};
	out->type = strcmp(type, "Number") == 0         ? FILTER_NUMBER
		    : strcmp(type, "String.Array") == 0 ? FILTER_STRING_ARRAY
							: FILTER_STRING;
	out->value = view_str(arena_cstr(a, view_str(text ? text : json_string_value(value))));
	free(text);
}

static bool matches(const struct filter_policy *p, json_t *attributes, const char *body)
{
	struct filter_attribute v[ATTRIBUTES];
	struct filter_input in = {.attributes = v};
	const char *name;
	struct arena a;
	json_t *at;

	arena_init(&a);
	json_object_foreach(attributes, name, at)
	{
		assert_true(in.n_attributes < ATTRIBUTES);
		attribute_read(name, at, &a, &v[in.n_attributes++]);
	}
	in.arena = &a;
	in.body = view_str(body);
	bool ok = filter_policy_matches(p, &in);
	arena_fini(&a);
	return ok;
}

/* Attributes or body may be NULL. */
struct message_case {
	json_t *attributes;
	const char *body;
	bool match;
};

/* One policy and one message. Without a name it is called by its policy. */
static void case_run(const char *file, const char *name, const json_t *policy, enum filter_scope scope,
		     struct message_case c)
{
	char *text = json_dumps(policy, 0);
	struct error e;
	struct filter_policy *p = policy_of(text, scope, true, &e);
	bool got = p && matches(p, c.attributes, c.body);

	verdict(file, name ? name : text, p && got == c.match, p ? (c.match ? "does not match" : "matches") : e.text);
	filter_policy_free(p);
	free(text);
}

/* ---- the vectors ---- */

static void localstack_attributes(void **state)
{
	static const char *const file = "filter_localstack_unit_attributes.json";
	json_t *all = golden("filter-policies", file), *c;
	size_t i;

	(void)state;
	json_array_foreach(all, i, c)
		case_run(file, text_of(c, "name"), json_object_get(c, "policy"), FILTER_ATTRIBUTES,
			 (struct message_case){json_object_get(c, "attributes"), NULL,
					       json_is_true(json_object_get(c, "match"))});
	finish(all);
}

static void localstack_bodies(void **state)
{
	static const char *const file = "filter_localstack_unit_body.json";
	json_t *all = golden("filter-policies", file), *group, *c;
	size_t i, k;

	(void)state;
	json_array_foreach(all, i, group)
		json_array_foreach(json_object_get(group, "cases"), k, c)
		{
			char *body = json_dumps(json_object_get(c, "body"), 0);

			case_run(file, NULL, json_object_get(group, "policy"), FILTER_BODY,
				 (struct message_case){NULL, body, json_is_true(json_object_get(c, "match"))});
			free(body);
		}
	finish(all);
}

static void fauxqs(void **state)
{
	static const char *const file = "filter_fauxqs_cases.json";
	json_t *all = golden("filter-policies", file), *c;
	size_t i;

	(void)state;
	json_array_foreach(all, i, c)
	{
		json_t *input = json_object_get(c, "input");

		case_run(file, text_of(c, "name"), json_object_get(c, "policy"), scope_of(c),
			 (struct message_case){json_is_object(input) ? input : NULL, json_string_value(input),
					       json_is_true(json_object_get(c, "match"))});
	}
	finish(all);
}

/* How many combinations: accepted with that limit, not with one less. */
static void complexity(void **state)
{
	static const char *const file = "localstack_unit_complexity.json";
	json_t *all = golden("filter-policies", file), *c;
	size_t i;

	(void)state;
	json_array_foreach(all, i, c)
	{
		char *text = json_dumps(json_object_get(c, "policy"), 0);
		struct filter_limits l;
		struct error e;

		filter_limits_default(&l);
		l.combinations_max = (uint32_t)json_integer_value(json_object_get(c, "combinations"));
		struct filter_policy *p = filter_policy_parse(view_str(text), scope_of(c), &l, &e);
		l.combinations_max--;
		struct filter_policy *q = filter_policy_parse(view_str(text), scope_of(c), &l, &e);
		verdict(file, text, p && !q, "another count");
		filter_policy_free(p);
		filter_policy_free(q);
		free(text);
	}
	finish(all);
}

static void ruler(void **state)
{
	static const char *const file = "filter_event_ruler_rule_validity.json";
	json_t *all = golden("filter-policies", file), *c;
	size_t i;

	(void)state;
	json_array_foreach(all, i, c)
	{
		struct error e;
		struct filter_policy *p = policy_of(text_of(c, "rule"), FILTER_BODY, true, &e);

		verdict(file, text_of(c, "rule"), (p != NULL) == json_is_true(json_object_get(c, "valid")),
			p ? "accepted" : e.text);
		filter_policy_free(p);
	}
	finish(all);
}

/* ---- moto: what was published, and assertions as Python text ---- */

/* Is it among what the assertions say was received? */
static bool received(const json_t *asserts, size_t n_published, const char *message)
{
	char as_python[PATH_BYTES];
	json_t *line;
	size_t i, n = 0;

	for (; message[n] && n < sizeof(as_python) - 1; n++)
		as_python[n] = message[n] == '"' ? '\'' : message[n];
	as_python[n] = '\0';
	json_array_foreach(asserts, i, line)
	{
		const char *text = json_string_value(line);

		if (strstr(text, "== []"))
			return false;
		if (n_published > 1 && strstr(text, as_python))
			return true;
	}
	return n_published == 1;
}

static void moto_publish(void **state)
{
	static const char *const file = "filter_moto_publish_cases.json";
	json_t *all = golden("filter-policies", file), *c, *publish;
	size_t i, k;

	(void)state;
	json_array_foreach(all, i, c)
	{
		json_t *published = json_object_get(c, "publish");

		json_array_foreach(published, k, publish)
			case_run(file, text_of(c, "name"), json_object_get(c, "policy"), scope_of(c),
				 (struct message_case){json_object_get(publish, "MessageAttributes"),
						       text_of(publish, "Message"),
						       received(json_object_get(c, "asserts"),
								json_array_size(published),
								text_of(publish, "Message"))});
	}
	finish(all);
}

/* ---- refusals ---- */

/* Up to AWS's position in the source, without the prefix of the call. */
static bool same_refusal(const char *aws, const char *ours)
{
	static const char *const prefixes[] = {"Invalid parameter: ", "Attributes Reason: "};
	const char *source = strstr(aws, "\n at ");
	size_t n = source ? (size_t)(source - aws) : strlen(aws);

	for (size_t i = 0; i < 2; i++)
		if (strncmp(aws, prefixes[i], strlen(prefixes[i])) == 0) {
			aws += strlen(prefixes[i]);
			n -= strlen(prefixes[i]);
		}
	return strlen(ours) == n && memcmp(aws, ours, n) == 0;
}

static void refusal(const char *file, const char *policy, enum filter_scope scope, const char *aws)
{
	struct error e;
	struct filter_policy *p = policy_of(policy, scope, false, &e);

	verdict(file, policy, !p && same_refusal(aws, e.text), p ? "accepted" : e.text);
	filter_policy_free(p);
}

static void moto_invalid(void **state)
{
	static const char *const file = "filter_moto_invalid_policies.json";
	json_t *all = golden("filter-policies", file), *c;
	size_t i;

	(void)state;
	json_array_foreach(all, i, c)
	{
		const char *policy = text_of(json_object_get(c, "attributes"), "FilterPolicy");

		if (policy)
			refusal(file, policy, FILTER_ATTRIBUTES, text_of(c, "error_message"));
	}
	finish(all);
}

/* ---- AWS's answers ---- */

/* The subscription of a recorded test as its calls change it. */
struct recorded {
	char *policy;
	enum filter_scope scope;
	size_t delivered;
};

static void attribute_set(struct recorded *r, const char *name, const char *value)
{
	if (strcmp(name, "FilterPolicy") == 0) {
		free(r->policy);
		r->policy = strdup(value);
	} else if (strcmp(name, "FilterPolicyScope") == 0) {
		r->scope = strcmp(value, "MessageBody") == 0 ? FILTER_BODY : FILTER_ATTRIBUTES;
	}
}

static void call_run(struct recorded *r, const char *call, const json_t *params)
{
	const char *name = text_of(params, "AttributeName");
	json_t *value;
	struct error e;

	if (name && json_is_string(json_object_get(params, "AttributeValue")))
		attribute_set(r, name, text_of(params, "AttributeValue"));
	json_object_foreach(json_object_get(params, "Attributes"), name, value)
		if (strncmp(call, "sns.", 4) == 0 && json_is_string(value))
			attribute_set(r, name, json_string_value(value));
	if (strcmp(call, "sns.Publish") != 0 || !r->policy)
		return;
	struct filter_policy *p = policy_of(r->policy, r->scope, false, &e);
	assert_non_null(p);
	r->delivered += matches(p, json_object_get(params, "MessageAttributes"), text_of(params, "Message"));
	filter_policy_free(p);
}

static void snapshot_check(const char *file, struct recorded *r, const char *name, const json_t *snapshot)
{
	const char *text = text_of(json_object_get(snapshot, "Error"), "Message");

	if (text && r->policy && strstr(text, "ilter policy scope"))
		refusal(file, r->policy, r->scope, text);
	else if (text && r->policy && strstr(text, "FilterPolicy: "))
		refusal(file, r->policy, r->scope, text);
	else if (strcmp(name, "messages") == 0 || strcmp(name, "messages-queue") == 0)
		verdict(file, r->policy, json_array_size(json_object_get(snapshot, "Messages")) == r->delivered,
			"other messages");
}

static void aws(void **state)
{
	static const char *const file = "localstack_test_sns_filter_policy.json";
	json_t *all = golden("aws-answers", file), *test, *step;
	size_t i, k;

	(void)state;
	json_array_foreach(all, i, test)
	{
		struct recorded r = {.policy = NULL};

		json_array_foreach(json_object_get(test, "steps"), k, step)
		{
			const char *match = text_of(step, "snapshot_match");

			if (text_of(step, "call"))
				call_run(&r, text_of(step, "call"), json_object_get(step, "params"));
			else if (match)
				snapshot_check(file, &r, match, json_object_get(json_object_get(test, "snapshot"), match));
		}
		free(r.policy);
	}
	finish(all);
}

/* The policy is in the text, behind `[Source: (String)`. */
static void aws_errors(void **state)
{
	static const char *const file = "derived_aws_errors.json";
	static const char source[] = "[Source: (String)\"", end[] = "\"; line: ";
	json_t *all = golden("aws-answers", file), *c;
	size_t i;

	(void)state;
	json_array_foreach(all, i, c)
	{
		const char *text = text_of(c, "message") ? text_of(c, "message") : "";
		const char *from = strstr(text, source), *to = from ? strstr(from, end) : NULL;

		if (!to || !strstr(text, "FilterPolicy: "))
			continue;
		from += strlen(source);
		char *policy = strndup(from, (size_t)(to - from));
		/* nested where AWS's subscription was of body scope */
		refusal(file, policy, FILTER_BODY, text);
		free(policy);
	}
	finish(all);
}

static void known_used(void **state)
{
	(void)state;
	json_t *all = golden("filter-policies", "filter_localstack_unit_attributes.json");
	json_decref(all);
	for (size_t i = 0; i < KNOWN; i++)
		if (!known_seen[i])
			fail_msg("listed as different, and not there: %s", known_all[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(localstack_attributes), cmocka_unit_test(localstack_bodies), cmocka_unit_test(fauxqs),
		cmocka_unit_test(complexity),            cmocka_unit_test(ruler),             cmocka_unit_test(moto_publish),
		cmocka_unit_test(moto_invalid),          cmocka_unit_test(aws),               cmocka_unit_test(aws_errors),
		cmocka_unit_test(known_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
