/* SPDX-License-Identifier: Apache-2.0 */
/* Several bindings as one policy: those that look at one attribute alone become one
 * list of values, every other a branch of $or. */
#include "mapping/binding_policy_priv.h"
#include "mapping/filter_policy.h"

#define WHY_NOTHING "no message passes its bindings, which no filter policy can say"
#define WHY_KEYS "its bindings together look at more attributes than a filter policy may"
#define WHY_COMBINATIONS "its bindings together have more combinations than a filter policy may"
#define WHY_BYTES "its bindings together are longer than a filter policy may be"

struct merge {
	struct arena a;
	struct filter_limits limits;
	struct branch alone[CLAUSES]; /* those of one clause, by its name */
	struct branch *first, **end;  /* of several */
	uint64_t combinations;        /* of those of several */
	bool full;                    /* no policy may have as many */
};

static bool clause_same(const struct clause *x, const struct clause *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!view_eq(x->v[i], y->v[i]))
			return false;
	return true;
}

static bool branch_same(const struct branch *x, const struct branch *y)
{
	for (size_t i = 0; i < CLAUSES; i++)
		if (!clause_same(&x->clauses[i], &y->clauses[i]))
			return false;
	return true;
}

static bool merged_already(const struct merge *m, const struct branch *b)
{
	for (const struct branch *x = m->first; x; x = x->next)
		if (branch_same(x, b))
			return true;
	return false;
}

/* Values of the one clause. */
static void alone_add(struct merge *m, const struct branch *b)
{
	size_t name = 0;

	while (!b->clauses[name].n)
		name++;
	for (size_t i = 0; i < b->clauses[name].n; i++)
		clause_add(&m->alone[name], (enum clause_name)name, b->clauses[name].v[i], &m->a);
	m->full = m->alone[name].clauses[name].n > m->limits.combinations_max;
}

static void branch_add(struct merge *m, const struct branch *b)
{
	uint64_t combinations = 1;

	if (b->n == 1) {
		alone_add(m, b);
		return;
	}
	if (merged_already(m, b))
		return;
	*m->end = arena_alloc(&m->a, sizeof(**m->end));
	**m->end = *b;
	m->end = &(*m->end)->next;
	for (size_t i = 0; i < CLAUSES; i++)
		combinations *= b->clauses[i].n ? b->clauses[i].n : 1;
	m->combinations += combinations;
	m->full = m->combinations > m->limits.combinations_max;
}

/* ---- JSON ---- */

static void branch_write(const struct branch *b, struct buf *out)
{
	const char *comma = "{";

	for (size_t i = 0; i < CLAUSES; i++) {
		const struct clause *c = &b->clauses[i];

		if (!c->n)
			continue;
		buf_printf(out, "%s\"%s\":[", comma, clause_names[i]);
		for (size_t j = 0; j < c->n; j++) {
			if (j)
				buf_add_u8(out, ',');
			buf_add(out, c->v[j]);
		}
		buf_add_u8(out, ']');
		comma = ",";
	}
	buf_add_u8(out, '}');
}

/* All branches as one list. */
static size_t branches_join(struct merge *m)
{
	size_t n = 0;

	for (size_t i = 0; i < CLAUSES; i++) {
		if (!m->alone[i].n)
			continue;
		m->alone[i].next = m->first;
		m->first = &m->alone[i];
		m->combinations += m->alone[i].clauses[i].n;
	}
	for (const struct branch *b = m->first; b; b = b->next)
		n++;
	return n;
}

static size_t names_count(const struct merge *m)
{
	bool used[CLAUSES] = {false};
	size_t n = 0;

	for (const struct branch *b = m->first; b; b = b->next)
		for (size_t i = 0; i < CLAUSES; i++)
			used[i] |= b->clauses[i].n > 0;
	for (size_t i = 0; i < CLAUSES; i++)
		n += used[i];
	return n;
}

static enum binding_verdict write_all(struct merge *m, struct buf *out, const char **why)
{
	size_t n = branches_join(m), before = out->n;

	/* Whether AWS counts the keys inside of $or is not known: as if it did. */
	*why = n == 0                                         ? WHY_NOTHING
	       : names_count(m) > m->limits.keys_max              ? WHY_KEYS
	       : m->combinations > m->limits.combinations_max ? WHY_COMBINATIONS
								  : NULL;
	if (*why)
		return BINDING_APPROXIMATE;
	if (n > 1)
		buf_add_str(out, "{\"$or\":[");
	for (const struct branch *b = m->first; b; b = b->next) {
		if (b != m->first)
			buf_add_u8(out, ',');
		branch_write(b, out);
	}
	if (n > 1)
		buf_add_str(out, "]}");
	if (!out->overflow && out->n - before <= m->limits.bytes_max)
		return BINDING_EXACT;
	out->n = before;
	*why = WHY_BYTES;
	return BINDING_APPROXIMATE;
}

/* Another binding; NULL, or why the whole has no policy. */
static const char *binding_add(struct merge *m, enum router_kind kind, const struct binding_view *v, bool *all)
{
	struct branch *b = arena_alloc(&m->a, sizeof(*b));
	const char *why = NULL;

	switch (binding_compile(kind, v, &m->a, b, &why)) {
	case COMPILED_ALL:
		*all = true;
		return NULL;
	case COMPILED_NONE:
		return NULL;
	case COMPILED_BRANCH:
		if (!m->full)
			branch_add(m, b);
		return m->full ? WHY_COMBINATIONS : NULL;
	case COMPILED_NOT:
		break;
	}
	return why;
}

enum binding_verdict binding_policy(enum router_kind kind, const struct binding_view *v, size_t n, struct buf *out,
				    const char **why)
{
	enum binding_verdict verdict = BINDING_APPROXIMATE;
	struct merge m = {.combinations = 0};
	bool all = false;

	*why = NULL;
	m.end = &m.first;
	arena_init(&m.a);
	filter_limits_default(&m.limits);
	/* One that passes everything decides, also behind one that has no policy. */
	for (size_t i = 0; i < n && !all; i++) {
		const char *not = binding_add(&m, kind, &v[i], &all);

		*why = *why ? *why : not;
	}
	if (all) {
		*why = NULL;
		verdict = BINDING_ALL;
	} else if (!*why) {
		verdict = write_all(&m, out, why);
	}
	arena_fini(&m.a);
	return verdict;
}
