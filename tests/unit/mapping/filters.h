/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and messages of filter tests, written short: attributes are one text,
 * "name=text|name#number|name@[\"a\"]", a body is its JSON. */
#ifndef TESTS_UNIT_MAPPING_FILTERS_H
#define TESTS_UNIT_MAPPING_FILTERS_H

#include "mapping/filter_policy.h"

enum { FILTERS_ATTRIBUTES = 16 };

static inline struct filter_policy *filters_policy_in(const char *json, enum filter_scope scope, bool extended)
{
	struct filter_limits l;
	struct error e = {.code = CODE_OK};

	filter_limits_default(&l);
	l.extended = extended;
	struct filter_policy *p = filter_policy_parse(view_str(json), scope, &l, &e);
	if (!p)
		fail_msg("%s: %s", json, e.text);
	return p;
}

static inline struct filter_policy *filters_policy(const char *json, enum filter_scope scope)
{
	return filters_policy_in(json, scope, false);
}

/* Room for FILTERS_ATTRIBUTES at v, which the input borrows, as it does `text`. */
static inline struct filter_input filters_attributes(const char *text, struct arena *a, struct filter_attribute *v)
{
	struct filter_input in = {.attributes = v, .arena = a};

	while (*text) {
		size_t n = strcspn(text, "|"), name = strcspn(text, "=#@");
		static const enum filter_type types[] = {['='] = FILTER_STRING,
							 ['#'] = FILTER_NUMBER,
							 ['@'] = FILTER_STRING_ARRAY};

		v[in.n_attributes++] = (struct filter_attribute){
			.name = view_of(text, name),
			.type = types[(unsigned char)text[name]],
			.value = view_of(text + name + 1, n - name - 1),
		};
		text += n + (text[n] == '|');
	}
	return in;
}

static inline struct filter_input filters_input(const char *text, enum filter_scope scope, struct arena *a,
						struct filter_attribute *v)
{
	if (scope == FILTER_ATTRIBUTES)
		return filters_attributes(text, a, v);
	return (struct filter_input){.body = view_str(text), .arena = a};
}

#endif
