/* SPDX-License-Identifier: Apache-2.0 */
/* SNS filter policies (sqs-sns.md §15): parsed and checked with AWS's texts,
 * evaluated alone or, many at once, through an index (filter_index.h). A policy is
 * immutable after parsing. */
#ifndef MQB_MAPPING_FILTER_POLICY_H
#define MQB_MAPPING_FILTER_POLICY_H

#include "base/arena.h"
#include "base/body.h"
#include "base/error.h"
#include "base/view.h"

enum filter_scope { FILTER_ATTRIBUTES, FILTER_BODY };

/* What AWS limits and a setting may raise. */
struct filter_limits {
	uint32_t keys_max;         /* 5 */
	uint32_t combinations_max; /* 150 */
	uint32_t bytes_max;        /* 256 KiB */
	bool extended;             /* also `wildcard`, and anything-but with suffix, wildcard or
				    * equals-ignore-case, which AWS refused when it was recorded */
};
void filter_limits_default(struct filter_limits *l);

struct filter_policy;

/* Owned by the caller. NULL: *e has CODE_INVALID and AWS's text without its
 * prefix ("Invalid parameter: " or "Invalid parameter: Attributes Reason: "). */
struct filter_policy *filter_policy_parse(struct view json, enum filter_scope scope, const struct filter_limits *l,
					  struct error *e);
void filter_policy_free(struct filter_policy *p); /* NULL allowed */
enum filter_scope filter_policy_scope(const struct filter_policy *p);

/* One attribute as a filter sees it; views are borrowed. Binary ones are left out. */
struct filter_attribute {
	struct view name;
	enum filter_type { FILTER_STRING, FILTER_NUMBER, FILTER_STRING_ARRAY } type;
	struct view value;           /* STRING: the text; NUMBER: its digits; STRING_ARRAY: JSON as sent */
	const struct view *elements; /* STRING_ARRAY built by the broker itself: its strings, and value is empty */
	size_t n_elements;
	bool implied; /* not the sender's: does not count where a policy asks for an absent one */
};

/* A message as filters see it. The caller fills it; parsing of the body and of
 * arrays is done at most once, in the arena, at the first policy that asks. */
struct filter_input {
	const struct filter_attribute *attributes;
	size_t n_attributes;
	struct view body;          /* the text, never base64; empty when it is none */
	const struct body *pieces; /* instead of `body`: made one run at the first policy that asks */
	struct arena *arena;
	struct filter_parsed *parsed; /* the evaluator's own; NULL at first */
};

bool filter_policy_matches(const struct filter_policy *p, struct filter_input *in);

#endif
