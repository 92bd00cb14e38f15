/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of filter policies: what filter_parse.c (text → conditions),
 * filter_build.c (conditions → policy), filter_match.c, filter_fields.c (message →
 * fields) and filter_index.c share.
 *
 * A policy is an OR of branches, a branch an AND of leaves with different names, a
 * leaf an OR of conditions on one name. Names in body scope are paths: the keys
 * joined by dots, so that {"a.b":…} and {"a":{"b":…}} are one. */
#ifndef MQB_MAPPING_FILTER_PRIV_H
#define MQB_MAPPING_FILTER_PRIV_H

#include "mapping/filter_policy.h"
#include "mapping/json_reader.h"

enum {
	FILTER_LEAVES_MAX = 64, /* in one branch: a bit each while matching arrays */
	FILTER_DEPTH_MAX = 100, /* of a policy's JSON */
	FILTER_BODY_MAX = 1 << 20, /* a longer body matches no policy on bodies */
};

/* ---- values (filter_value.c) ---- */

/* A decimal in millionths: AWS compares five digits behind the point. What is
 * beyond 10^30 is one value. */
typedef __int128 filter_number;

/* Any JSON number, and what else SQS takes for one. false: none. */
bool filter_number_of(struct view text, filter_number *out);
/* Letters of Latin, Greek, Cyrillic and Armenian compare without case. */
bool filter_equal_ignoring_case(struct view a, struct view b);

struct filter_value {
	enum filter_value_kind {
		FILTER_IS_STRING,
		FILTER_IS_NUMBER,
		FILTER_IS_TRUE,
		FILTER_IS_FALSE,
		FILTER_IS_NULL,
		FILTER_IS_NOTHING, /* equals nothing, not even itself */
	} kind;
	struct view text;
	filter_number number;
};

/* Of a scalar token. */
struct filter_value filter_value_of(enum json_token t, struct view text);
bool filter_value_equal(const struct filter_value *a, const struct filter_value *b);

/* Bits of an address range. */
struct filter_cidr {
	uint8_t address[16];
	uint8_t bytes, bits; /* 4 or 16; bits that count */
};
/* NULL, or AWS's text. */
const char *filter_cidr_parse(struct view text, struct filter_cidr *out);
bool filter_cidr_holds(const struct filter_cidr *c, struct view address);

/* ---- policies ---- */

enum filter_op {
	FILTER_EQUAL,
	FILTER_PREFIX,
	FILTER_SUFFIX,
	FILTER_IGNORE_CASE,
	FILTER_WILDCARD,
	FILTER_RANGE,
	FILTER_CIDR,
	FILTER_PRESENT,
	FILTER_ABSENT,
	FILTER_NOT, /* anything but what its list of conditions says */
};

struct filter_condition {
	enum filter_op op;
	union {
		struct filter_value value; /* EQUAL; PREFIX to WILDCARD: its text */
		struct {
			filter_number low, high; /* both included */
		} range;
		struct filter_cidr cidr;
		struct {
			struct filter_condition *v;
			size_t n;
		} list; /* NOT */
	};
};

struct filter_leaf {
	struct view name;
	uint64_t hash; /* filter_name_hash */
	size_t n;
	const struct filter_condition *v;
};

struct filter_branch {
	const struct filter_leaf **leaves;
	size_t n;
};

/* One allocation with all that it points to. */
struct filter_policy {
	enum filter_scope scope;
	size_t n;
	struct filter_branch *branches;
};

/* ---- a policy's text (filter_parse.c) ---- */

struct filter_path {
	const struct filter_path *outer;
	struct view key;
};

/* A leaf as read; conditions alias the text or the arena. */
struct filter_read_leaf {
	struct filter_path path;
	struct filter_condition *v;
	size_t n;
	const struct filter_leaf *built; /* filter_build.c's own */
};

/* An AND: a list of leaves and ORs in their order. */
struct filter_read_item {
	struct filter_read_item *next;
	struct filter_read_leaf *leaf;        /* or */
	struct filter_read_group *alternatives;
};

struct filter_read_group {
	struct filter_read_group *next; /* among alternatives */
	struct filter_read_item *first, **end;
	uint64_t combinations;
};

/* NULL: *e is set. */
struct filter_read_group *filter_policy_read(struct view json, enum filter_scope scope,
					     const struct filter_limits *l, struct arena *a, struct error *e);
/* The value of one match expression ({"prefix": …}); the reader is behind its '{'. */
struct filter_reading {
	struct json_reader r;
	enum filter_scope scope;
	bool extended;
	struct arena *a;
	struct error *e;
};
bool filter_condition_read(struct filter_reading *x, struct filter_condition *out);
/* Sets the error and answers false; `shown` is cut where needed and may be VIEW_NONE. */
bool filter_refuse(struct filter_reading *x, const char *before, struct view shown, const char *after);
/* The same, or the JSON error when that is the reason. */
bool filter_refuse_token(struct filter_reading *x, enum json_token t, const char *text);

/* NULL: a branch has too many leaves. Copies everything. */
struct filter_policy *filter_policy_build(const struct filter_read_group *g, enum filter_scope scope,
					  struct arena *scratch);

/* ---- a message (filter_fields.c) ---- */

struct filter_array;

/* An element of an array; what lies in none has no scope. */
struct filter_element {
	struct filter_array *array;
	uint64_t stamp; /* filter_match.c's own, as the next two */
	uint64_t direct;
	struct filter_array *touched;
	struct filter_element *next_touched;
};

struct filter_array {
	struct filter_element *outer; /* that it lies in */
	uint64_t stamp;
	struct filter_element *touched;
	struct filter_array *next_touched;
};

struct filter_object {
	const struct filter_object *outer;
	struct view key;
	uint64_t hash;
};

/* One scalar. */
struct filter_field {
	const struct filter_object *outer; /* NULL: the top */
	struct view key;
	uint64_t hash;
	struct filter_value value;
	struct filter_element *element;
	const void *group; /* the array whose elements anything-but looks at together; NULL: none */
	bool none;         /* stands for an array without elements: is there, matches nothing */
	struct filter_field *same; /* next with this hash, in the order of the message */
	struct filter_field *last; /* first of a hash: its last */
	struct filter_field *next; /* first of a hash: next of its bucket; all: in order, while reading */
};

struct filter_fields {
	size_t n; /* different hashes */
	size_t mask;
	struct filter_field **buckets;
	bool absent; /* the sender named at least one: absence of others means something */
	uint64_t stamp;
};

uint64_t filter_name_hash(struct view name);
/* NULL: the body is no JSON object. */
struct filter_fields *filter_fields_of(struct filter_input *in, enum filter_scope scope);
/* First field of that hash; the caller checks each with filter_field_is. */
const struct filter_field *filter_fields_find(const struct filter_fields *f, uint64_t hash);
bool filter_field_is(const struct filter_field *f, struct view name);

/* ---- matching (filter_match.c) ---- */

bool filter_branch_matches(const struct filter_policy *p, const struct filter_branch *b, struct filter_input *in);

#endif
