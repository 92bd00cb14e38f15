/* SPDX-License-Identifier: Apache-2.0 */
/* One binding as an AND of conditions (mapping.md §3.3 B, §3.4).
 *
 * Topic patterns, after each run of `*` and `#` that has a `#` became its `*`s and
 * then one `#`:
 *
 *     a.b        rk = ".a.b."            a.#      rk prefix ".a."
 *     a.*.c.d    rk prefix ".a.",        #.b      rk2 suffix ".b."
 *                rk2 suffix ".c.d.",     #.a.b.#  tails prefix ".a.b."
 *                n = 4                   a.*.c.#  rk prefix ".a.", t1 "2=c", n >= 3
 */
#include "mapping/binding_policy_priv.h"
#include "mapping/json_text.h"
#include "mapping/router_priv.h"

const char *const clause_names[CLAUSES] = {"rk", "rk2", "n",  "tails", "t1", "t2",
					   "t3", "h1",  "h2", "h3",    "h4", "h5"};

enum { INNER_MAX = 3, ARGUMENTS_MAX = 5 };

#define WHY_HASHES "a pattern with two # and words beside or between them has no filter policy"
#define WHY_INNER "a pattern with more than three words among its wildcards has no filter policy"
#define WHY_ARGUMENTS "more than five arguments that must all match have no filter policy"
#define WHY_VALUE "tables, arrays, decimals and fractions among the arguments have no filter policy"
#define WHY_TWICE "an argument that is there twice has no filter policy"

void clause_add(struct branch *b, enum clause_name name, struct view json, struct arena *a)
{
	struct clause *c = &b->clauses[name];

	for (size_t i = 0; i < c->n; i++)
		if (view_eq(c->v[i], json))
			return;
	if ((c->n & (c->n - 1)) == 0) { /* room for a power of two */
		struct view *v = arena_alloc(a, (c->n ? c->n * 2 : 1) * sizeof(*v));

		for (size_t i = 0; i < c->n; i++)
			v[i] = c->v[i];
		c->v = v;
	}
	b->n += c->n == 0;
	c->v[c->n++] = json;
}

/* "text", or {"op":"text"}. */
static void text_clause(struct branch *b, enum clause_name name, const char *op, struct view text, struct arena *a)
{
	struct buf json;

	buf_init(&json, SIZE_MAX);
	if (op)
		buf_printf(&json, "{\"%s\":", op);
	json_text_add(&json, text);
	if (op)
		buf_add_u8(&json, '}');
	clause_add(b, name, arena_copy(a, buf_view(&json)), a);
	buf_fini(&json);
}

/* ---- topic patterns ---- */

/* Words as described above, of which `hashes` are `#`. */
struct pattern {
	struct view *words;
	size_t n, hashes, at; /* of the first `#` */
};

static bool is_wild(struct view word)
{
	return view_is(word, "*") || view_is(word, "#");
}

/* Written over the words as they are read: never further than they are. */
static void pattern_push(struct pattern *p, struct view word)
{
	if (view_is(word, "#"))
		p->at = p->hashes++ ? p->at : p->n;
	p->words[p->n++] = word;
}

static struct pattern pattern_of(struct view key, struct arena *a)
{
	struct pattern p = {.n = 0};
	size_t n = token_words(key, a, &p.words);
	bool hash = false;

	for (size_t i = 0; i < n; i++) {
		struct view word = p.words[i];

		if (view_is(word, "#")) {
			hash = true;
			continue;
		}
		if (hash && !view_is(word, "*")) {
			pattern_push(&p, VIEW("#"));
			hash = false;
		}
		pattern_push(&p, word);
	}
	if (hash)
		pattern_push(&p, VIEW("#"));
	return p;
}

/* ".a.b." of words from .. from + n - 1; "." of none. */
static struct view run_text(const struct pattern *p, size_t from, size_t n, struct arena *a)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_add_u8(&b, '.');
	for (size_t i = from; i < from + n; i++) {
		token_word_add(&b, p->words[i]);
		buf_add_u8(&b, '.');
	}
	struct view text = arena_copy(a, buf_view(&b));
	buf_fini(&b);
	return text;
}

/* Literals at the front of words from .. to - 1. */
static size_t literals_front(const struct pattern *p, size_t from, size_t to)
{
	size_t n = 0;

	while (from + n < to && !is_wild(p->words[from + n]))
		n++;
	return n;
}

static size_t literals_back(const struct pattern *p, size_t from, size_t to)
{
	size_t n = 0;

	while (n < to - from && !is_wild(p->words[to - 1 - n]))
		n++;
	return n;
}

/* Literals of words from .. to - 1 become places, counted from the end of all when
 * `behind`. false: too many. */
static bool places_add_inner(const struct pattern *p, size_t from, size_t to, bool behind, struct branch *out,
			     struct arena *a)
{
	struct buf b;
	bool fits = true;

	buf_init(&b, SIZE_MAX);
	for (size_t i = from; i < to && fits; i++) {
		size_t used = 0;

		if (is_wild(p->words[i]))
			continue;
		while (used < INNER_MAX && out->clauses[CLAUSE_T1 + used].n)
			used++;
		fits = used < INNER_MAX;
		buf_clear(&b);
		if (behind)
			buf_printf(&b, "-%zu=", p->n - i);
		else
			buf_printf(&b, "%zu=", i);
		token_word_add(&b, p->words[i]);
		if (fits)
			text_clause(out, (enum clause_name)(CLAUSE_T1 + used), NULL, buf_view(&b), a);
	}
	buf_fini(&b);
	return fits;
}

static void count_clause(struct branch *out, const char *op, size_t n, struct arena *a)
{
	clause_add(out, CLAUSE_N, view_str(arena_printf(a, "{\"numeric\":[\"%s\",%zu]}", op, n)), a);
}

/* At most one `#`, and at least one wildcard. */
static enum compiled ends_compile(const struct pattern *p, struct arena *a, struct branch *out, const char **why)
{
	size_t left = p->hashes ? p->at : p->n, right = p->hashes ? p->at + 1 : 0;
	size_t front = literals_front(p, 0, left), back = literals_back(p, right, p->n);
	size_t words = p->n - p->hashes;

	if (front)
		text_clause(out, CLAUSE_RK, "prefix", run_text(p, 0, front, a), a);
	if (back)
		text_clause(out, CLAUSE_RK2, "suffix", run_text(p, p->n - back, back, a), a);
	if (p->hashes && (!front || !back) && words == front + back)
		return COMPILED_BRANCH; /* the one end says how many words there are at least */
	count_clause(out, p->hashes ? ">=" : "=", words, a);
	bool fits = p->hashes ? places_add_inner(p, front, left, false, out, a) &&
					places_add_inner(p, right, p->n - back, true, out, a)
			      : places_add_inner(p, front, p->n - back, false, out, a);
	if (!fits)
		*why = WHY_INNER;
	return fits ? COMPILED_BRANCH : COMPILED_NOT;
}

static enum compiled topic_compile(struct view key, struct arena *a, struct branch *out, const char **why)
{
	struct pattern p = pattern_of(key, a);
	size_t literals = literals_front(&p, 0, p.n);

	if (literals == p.n) {
		text_clause(out, CLAUSE_RK, NULL, run_text(&p, 0, p.n, a), a);
		return COMPILED_BRANCH;
	}
	if (p.hashes == 1)
		return p.n == 1 ? COMPILED_ALL : ends_compile(&p, a, out, why);
	if (p.hashes == 0)
		return ends_compile(&p, a, out, why);
	/* #.a.b.# */
	if (p.hashes == 2 && p.at == 0 && literals_front(&p, 1, p.n) == p.n - 2) {
		text_clause(out, CLAUSE_TAILS, "prefix", run_text(&p, 1, p.n - 2, a), a);
		return COMPILED_BRANCH;
	}
	*why = WHY_HASHES;
	return COMPILED_NOT;
}

/* ---- headers ---- */

static enum compiled headers_compile(const struct table *t, struct arena *a, struct branch *out, const char **why)
{
	struct headers_rule rule = headers_rule_of(t);
	size_t n = 0;
	struct buf token;

	*why = NULL;
	buf_init(&token, SIZE_MAX);
	for (size_t i = 0; i < t->n && !*why; i++) {
		const struct field *f = &t->v[i];

		if (!headers_rule_takes(&rule, f->name))
			continue;
		buf_clear(&token);
		if (table_find(t, f->name) != &f->value)
			*why = WHY_TWICE;
		else if (!token_of_header(f->name, &f->value, &token))
			*why = WHY_VALUE;
		else if (!rule.any && n == ARGUMENTS_MAX)
			*why = WHY_ARGUMENTS;
		else
			text_clause(out, (enum clause_name)(CLAUSE_H1 + (rule.any ? 0 : n)), NULL, buf_view(&token), a);
		n++;
	}
	buf_fini(&token);
	if (*why)
		return COMPILED_NOT;
	return n ? COMPILED_BRANCH : rule.any ? COMPILED_NONE : COMPILED_ALL;
}

enum compiled binding_compile(enum router_kind kind, const struct binding_view *v, struct arena *a,
			      struct branch *out, const char **why)
{
	static const struct table none;
	struct pattern literal = {.n = 0};

	switch (kind) {
	case ROUTER_FANOUT:
		return COMPILED_ALL;
	case ROUTER_TOPIC:
		return topic_compile(v->key, a, out, why);
	case ROUTER_HEADERS:
		return headers_compile(v->arguments ? v->arguments : &none, a, out, why);
	case ROUTER_HASH:
	case ROUTER_RANDOM:
		*why = "one of its queues gets each message, which no filter policy says";
		return COMPILED_NOT;
	case ROUTER_DIRECT:
		break;
	}
	literal.n = token_words(v->key, a, &literal.words);
	text_clause(out, CLAUSE_RK, NULL, run_text(&literal, 0, literal.n, a), a);
	return COMPILED_BRANCH;
}
