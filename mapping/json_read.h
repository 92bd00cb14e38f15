/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text (RFC 8259) → a tree in an arena, for what comes in at a high rate. Texts
 * alias the input where nothing in them is escaped. Accepted is what jansson
 * accepts with JSON_ALLOW_NUL, within limits of depth and number of values; a real
 * number stays text, so none is too large. */
#ifndef MQB_MAPPING_JSON_READ_H
#define MQB_MAPPING_JSON_READ_H

#include "base/arena.h"

enum { JSON_READ_DEPTH_MAX = 100, JSON_READ_VALUES_MAX = 65536 };

enum jvalue_kind { JV_NULL, JV_BOOL, JV_INTEGER, JV_REAL, JV_TEXT, JV_ARRAY, JV_OBJECT };

struct jvalue {
	enum jvalue_kind kind;
	uint32_t n;           /* ARRAY, OBJECT: items, a name given twice counted twice */
	struct view name;     /* of a member */
	struct view text;     /* TEXT; INTEGER, REAL: as written */
	int64_t number;       /* INTEGER; BOOL: 0 or 1 */
	struct jvalue *first, *next; /* items, in the order of the text */
};

/* NULL: no JSON, or the top is neither object nor array, or a limit is passed.
 * Borrows json and lies in a. */
struct jvalue *json_read(struct view json, struct arena *a);
/* The last member of that name, or NULL. */
struct jvalue *json_read_member(const struct jvalue *object, const char *name);
/* No later member of the object has its name: a name given twice means the last. */
bool json_read_is_last(const struct jvalue *member);

#endif
