/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings of one queue to one topic as the filter policy that they are
 * (mapping.md §3.3 B, §3.4), merged by OR. */
#ifndef MQB_MAPPING_BINDING_POLICY_H
#define MQB_MAPPING_BINDING_POLICY_H

#include "base/buf.h"
#include "base/value.h"
#include "mapping/router.h"

struct binding_view {
	struct view key;
	const struct table *arguments; /* NULL: none */
};

enum binding_verdict {
	BINDING_ALL,         /* everything passes: no policy */
	BINDING_EXACT,       /* *out has the policy */
	BINDING_APPROXIMATE, /* no exact one exists; `why` says what */
};

/* Appends the policy's JSON to *out when EXACT. `why` (APPROXIMATE; static or in
 * *out's spare) is one sentence in a user's words. */
enum binding_verdict binding_policy(enum router_kind kind, const struct binding_view *v, size_t n, struct buf *out,
				    const char **why);

/* What a publisher must send for these policies to work: attributes of a routing
 * key and of headers, for filter_attributes.h and for generators. Arrays are
 * views in the arena. */
struct routing_tokens {
	struct view rk;      /* ".a.b." */
	size_t words;
	struct view *tails;  /* ".b." … */
	size_t n_tails;
	struct view *places; /* "1=a", "-1=b", … */
	size_t n_places;
};
void routing_tokens_of(struct view key, struct arena *a, struct routing_tokens *out);
/* `name`, `name=s:…`, `name=i:…`, `name=b:…`, of every header. */
size_t header_tokens_of(const struct table *headers, struct arena *a, struct view **out);

#endif
