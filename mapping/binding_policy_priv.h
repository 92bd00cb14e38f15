/* SPDX-License-Identifier: Apache-2.0 */
/* What routing_tokens.c, binding_compile.c and binding_policy.c share. */
#ifndef MQB_MAPPING_BINDING_POLICY_PRIV_H
#define MQB_MAPPING_BINDING_POLICY_PRIV_H

#include "base/map.h"
#include "mapping/binding_policy.h"

/* ---- tokens (routing_tokens.c) ---- */

void token_word_add(struct buf *out, struct view word);
/* Words of a key; the empty one has none (rabbitmq.md 2.14). */
size_t token_words(struct view key, struct arena *a, struct view **out);
/* Appends; void: presence. false: the value has no token, and *out is to be cleared. */
bool token_of_header(struct view name, const struct value *v, struct buf *out);

/* ---- one binding (binding_compile.c) ---- */

/* Attributes that policies look at, by the place in `clauses`. */
enum clause_name { CLAUSE_RK, CLAUSE_RK2, CLAUSE_N, CLAUSE_TAILS, CLAUSE_T1, CLAUSE_H1 = CLAUSE_T1 + 3,
		   CLAUSES = CLAUSE_H1 + 5 };
extern const char *const clause_names[CLAUSES];

/* JSON of the values one attribute may have, in the arena. */
struct clause {
	struct view *v;
	size_t n;
};

/* An AND of clauses. */
struct branch {
	struct branch *next;
	struct clause clauses[CLAUSES];
	size_t n; /* clauses with values */
};

enum compiled {
	COMPILED_ALL,
	COMPILED_NONE, /* nothing passes */
	COMPILED_BRANCH,
	COMPILED_NOT, /* *why says why not */
};
enum compiled binding_compile(enum router_kind kind, const struct binding_view *v, struct arena *a,
			      struct branch *out, const char **why);
/* Takes the JSON of one more value. */
void clause_add(struct branch *b, enum clause_name name, struct view json, struct arena *a);

#endif
