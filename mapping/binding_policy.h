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

/* Appends the policy's JSON to *out when EXACT; it keeps AWS's limits, and is in
 * attribute scope. `why` (APPROXIMATE; static, else NULL) says it in a user's words. */
enum binding_verdict binding_policy(enum router_kind kind, const struct binding_view *v, size_t n, struct buf *out,
				    const char **why);

/* What a publisher must send for these policies to work: attributes of a routing
 * key and of headers, for filter_attributes.h and for generators. Arrays are
 * views in the arena. */
struct routing_tokens {
	struct view rk;      /* ".a.b."; "." of the empty key, which has no word */
	size_t words;
	struct view *tails;  /* ".a.b.", ".b." */
	size_t n_tails;
	struct view *places; /* "0=a", "-2=a", "1=b", "-1=b" */
	size_t n_places;
};
void routing_tokens_of(struct view key, struct arena *a, struct routing_tokens *out);
/* `name`, and `name=s:…`, `name=i:…` or `name=b:…` where its value has one, of the
 * first header of every name. Returns how many. In words, names and values what is
 * no plain text is %XX: quotes, backslashes, %, in names =, controls, malformed UTF-8. */
size_t header_tokens_of(const struct table *headers, struct arena *a, struct view **out);

#endif
