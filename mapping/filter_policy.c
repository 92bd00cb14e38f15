/* SPDX-License-Identifier: Apache-2.0 */
/* Filter policies: the door's own small functions. */
#include <stdlib.h>

#include "mapping/filter_priv.h"

void filter_limits_default(struct filter_limits *l)
{
	*l = (struct filter_limits){.keys_max = 5, .combinations_max = 150, .bytes_max = 256 * 1024};
}

struct filter_policy *filter_policy_parse(struct view json, enum filter_scope scope, const struct filter_limits *l,
					  struct error *e)
{
	struct filter_policy *p = NULL;
	struct arena scratch;

	if (json.n > l->bytes_max) {
		error_set(e, CODE_INVALID, "FilterPolicy: Filter policy is too large");
		return NULL;
	}
	arena_init(&scratch);
	struct filter_read_group *g = filter_policy_read(json, scope, l, &scratch, e);
	if (g) {
		p = filter_policy_build(g, scope, &scratch);
		if (!p)
			error_set(e, CODE_INVALID, "FilterPolicy: Filter policy is too complex");
	}
	arena_fini(&scratch);
	return p;
}

void filter_policy_free(struct filter_policy *p)
{
	free(p);
}

enum filter_scope filter_policy_scope(const struct filter_policy *p)
{
	return p->scope;
}

bool filter_policy_matches(const struct filter_policy *p, struct filter_input *in)
{
	for (size_t i = 0; i < p->n; i++)
		if (filter_branch_matches(p, &p->branches[i], in))
			return true;
	return false;
}
