/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes that SQS and SNS clients gave to a queue, a topic or a
 * subscription: a small table of names and VALUE_BYTES that owns its bytes. An
 * empty value is the same as none. */
#ifndef MQB_ENGINE_ATTRIBUTES_H
#define MQB_ENGINE_ATTRIBUTES_H

#include "engine/engine.h"

/* A zeroed struct is an empty set. */
struct attributes {
	struct table table; /* one allocation a field, at its name */
	size_t cap;
};

/* Value of a name that nobody gave; a table ends with a NULL name. */
struct attribute_default {
	const char *name, *value;
};

void attributes_fini(struct attributes *a);
/* Copies; an empty value takes the name out. */
void attributes_put(struct attributes *a, const struct attribute *v, size_t n);
void attributes_put_table(struct attributes *a, const struct table *t);
/* false: not given. Valid until the set changes. */
bool attributes_get(const struct attributes *a, struct view name, struct view *value);
/* The first of v that has another value here, or among the defaults; NULL: there is none. */
const struct attribute *attributes_differ(const struct attributes *a, const struct attribute_default *defaults,
					  const struct attribute *v, size_t n);

#endif
