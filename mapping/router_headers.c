/* SPDX-License-Identifier: Apache-2.0 */
/* Headers: an inverted index from what a header can be to the bindings that ask
 * for it (rabbitmq.md 2.15).
 *
 *   names     "format" ─┬─ (0, present) ── listings: binding, …
 *                       └─ (0, "pdf") ──── listings: binding, …
 *
 * A term is one condition that bindings share: a name, which of the headers of
 * that name (RabbitMQ pairs the n-th of the binding with the n-th of the message),
 * and a value or mere presence. A message hits at most two terms for each of its
 * headers; only the bindings listed at those are looked at.
 *
 * Invariants
 *  1. An `any` binding is listed at each of its terms. An `all` binding is listed
 *     at one, the rarest when it came, and holds the others: it matches when all of
 *     them are hit. One term that many bindings share so costs nothing as long as
 *     each has a rarer one.
 *  2. `all` without conditions is in `always`; `any` without is nowhere.
 *  3. A term exists as long as a binding has it, a name as long as it has a term.
 * The index owns names, terms and conditions. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "mapping/router_priv.h"

struct conditions;

struct listing {
	uint64_t destination;
	struct conditions *conditions; /* NULL: this term is the only one */
	struct condition *condition;
};

struct term {
	struct header_name *name;
	struct term *next_hit;
	uint64_t stamp; /* of the last message that hit it */
	size_t refs;    /* conditions */
	struct listing *v;
	size_t n, cap;
	struct view key; /* lies behind the struct */
};

struct header_name {
	struct mapv terms; /* struct term: number (4), 'V' or the value (value_matched_as) */
	size_t n_values;   /* terms that are not mere presence */
	uint64_t stamp;
	uint32_t seen;    /* in the message of `stamp` */
	struct view name; /* lies behind the struct */
};

struct condition {
	struct term *term;
	size_t at; /* in the listings of `term`, or NOT_LISTED */
};

struct conditions {
	bool any;
	uint64_t stamp; /* of the last message that matched it */
	size_t n;
	struct condition v[];
};

struct headers_index {
	struct mapv names; /* struct header_name */
	struct places always;
	struct buf key; /* scratch: the key of a term */
	uint64_t stamp;
};

/* A name is there far more often than any one value of it. */
enum { NUMBER_BYTES = 4, PRESENCE_WEIGHT = 32 };
#define NOT_LISTED SIZE_MAX

void headers_init(struct router *r)
{
	r->headers = mem_zalloc(sizeof *r->headers);
	buf_init(&r->headers->key, SIZE_MAX);
}

/* ---- names and terms ------------------------------------------------------- */

static struct header_name *name_get(struct headers_index *x, struct view name)
{
	struct header_name *h = mapv_find(&x->names, name);
	if (h)
		return h;
	h = mem_zalloc(sizeof *h + name.n);
	if (name.n)
		memcpy(h + 1, name.p, name.n);
	h->name = view_of(h + 1, name.n);
	mapv_put(&x->names, h->name, h);
	return h;
}

static struct view key_present(struct headers_index *x, uint32_t number)
{
	buf_clear(&x->key);
	buf_add_u32(&x->key, number);
	buf_add_u8(&x->key, VALUE_VOID);
	return buf_view(&x->key);
}

static struct view key_value(struct headers_index *x, uint32_t number, const struct value *v)
{
	buf_clear(&x->key);
	buf_add_u32(&x->key, number);
	value_matched_as(&x->key, v);
	must(!x->key.overflow);
	return buf_view(&x->key);
}

static bool is_presence(const struct term *t)
{
	return t->key.p[NUMBER_BYTES] == VALUE_VOID;
}

static struct term *term_get(struct header_name *h, struct view key)
{
	struct term *t = mapv_find(&h->terms, key);
	if (!t) {
		t = mem_zalloc(sizeof *t + key.n);
		memcpy(t + 1, key.p, key.n);
		t->key = view_of(t + 1, key.n);
		t->name = h;
		h->n_values += !is_presence(t);
		mapv_put(&h->terms, t->key, t);
	}
	t->refs++;
	return t;
}

static void term_drop(struct headers_index *x, struct term *t)
{
	struct header_name *h = t->name;
	if (--t->refs)
		return;
	must(t->n == 0);
	h->n_values -= !is_presence(t);
	mapv_remove(&h->terms, t->key);
	free(t->v);
	free(t);
	if (h->terms.n)
		return;
	mapv_remove(&x->names, h->name);
	mapv_fini(&h->terms);
	free(h);
}

static void term_list(struct condition *c, struct conditions *all, uint64_t destination)
{
	struct term *t = c->term;
	if (t->n == t->cap)
		t->v = mem_grow(t->v, &t->cap, t->n + 1, sizeof *t->v);
	c->at = t->n;
	t->v[t->n++] = (struct listing){destination, all->n > 1 ? all : NULL, c};
}

static void term_unlist(struct condition *c)
{
	struct term *t = c->term;
	must(c->at < t->n && t->v[c->at].condition == c);
	t->v[c->at] = t->v[--t->n];
	t->v[c->at].condition->at = c->at;
}

/* ---- bindings ---------------------------------------------------------------- */

/* Checked when bound (binding_arguments_check); anything else is `all`. */
struct headers_rule headers_rule_of(const struct table *arguments)
{
	const struct value *v = table_find(arguments, VIEW("x-match"));
	if (!v || v->type != VALUE_STRING)
		return (struct headers_rule){false, false};
	return (struct headers_rule){view_starts(v->s, VIEW("any")), view_ends(v->s, VIEW("-with-x"))};
}

bool headers_rule_takes(const struct headers_rule *rule, struct view name)
{
	if (view_is(name, "x-match"))
		return false;
	return rule->with_x || !view_starts(name, VIEW("x-"));
}

static struct term *term_of(struct headers_index *x, const struct field *f, uint32_t number)
{
	struct header_name *h = name_get(x, f->name);
	return term_get(h, f->value.type == VALUE_VOID ? key_present(x, number)
						       : key_value(x, number, &f->value));
}

/* Arguments are sorted by name. */
static struct conditions *conditions_new(struct headers_index *x, const struct table *arguments)
{
	struct headers_rule rule = headers_rule_of(arguments);
	struct conditions *c = mem_zalloc(sizeof *c + arguments->n * sizeof *c->v);
	uint32_t number = 0;
	c->any = rule.any;
	for (size_t i = 0; i < arguments->n; i++) {
		const struct field *f = &arguments->v[i];
		number = i && view_eq(f[-1].name, f->name) ? number + 1 : 0;
		if (headers_rule_takes(&rule, f->name))
			c->v[c->n++] = (struct condition){term_of(x, f, number), NOT_LISTED};
	}
	return c;
}

/* What listing one more at it would cost messages. */
static size_t weight(const struct term *t)
{
	return (t->n + 1) * (is_presence(t) ? PRESENCE_WEIGHT : 1);
}

static struct condition *rarest(struct conditions *c)
{
	struct condition *best = &c->v[0];
	for (size_t i = 1; i < c->n; i++)
		if (weight(c->v[i].term) < weight(best->term))
			best = &c->v[i];
	return best;
}

void headers_add(struct router *r, struct binding *b)
{
	struct headers_index *x = r->headers;
	struct conditions *c = conditions_new(x, &b->arguments);
	b->where = c;
	if (c->any)
		for (size_t i = 0; i < c->n; i++)
			term_list(&c->v[i], c, b->target->id);
	else if (c->n)
		term_list(rarest(c), c, b->target->id);
	else
		places_add(&x->always, b);
}

void headers_remove(struct router *r, struct binding *b)
{
	struct headers_index *x = r->headers;
	struct conditions *c = b->where;
	if (!c->any && c->n == 0)
		places_remove(&x->always, b);
	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i].at != NOT_LISTED)
			term_unlist(&c->v[i]);
		term_drop(x, c->v[i].term);
	}
	free(c);
}

void headers_fini(struct router *r)
{
	struct headers_index *x = r->headers;
	for (size_t i = 0; i < r->n_targets; i++)
		LIST_EACH(&r->targets[i]->bindings, l)
			headers_remove(r, LIST_ENTRY(l, struct binding, of_target));
	must(x->names.n == 0 && x->always.n == 0);
	mapv_fini(&x->names);
	free(x->always.v);
	buf_fini(&x->key);
	free(x);
}

/* ---- matching ---------------------------------------------------------------- */

static void term_hit(struct headers_index *x, struct term *t, struct term **hits)
{
	if (!t)
		return;
	t->stamp = x->stamp;
	t->next_hit = *hits;
	*hits = t;
}

/* The terms that the headers of one message hit, each once: (name, number, value)
 * occurs once in a message. */
static struct term *terms_hit(struct headers_index *x, const struct table *headers)
{
	struct term *hits = NULL;
	for (size_t i = 0; headers && i < headers->n; i++) {
		const struct field *f = &headers->v[i];
		struct header_name *h = mapv_find(&x->names, f->name);
		if (!h)
			continue;
		if (h->stamp != x->stamp)
			h->seen = 0;
		h->stamp = x->stamp;
		uint32_t number = h->seen++;
		if (h->terms.n > h->n_values)
			term_hit(x, mapv_find(&h->terms, key_present(x, number)), &hits);
		if (h->n_values && f->value.type != VALUE_VOID)
			term_hit(x, mapv_find(&h->terms, key_value(x, number, &f->value)), &hits);
	}
	return hits;
}

/* A listing of a hit term: does its binding match, and is it the first time? */
static bool matches(struct conditions *c, uint64_t stamp)
{
	if (c->any) {
		bool first = c->stamp != stamp;
		c->stamp = stamp;
		return first;
	}
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].term->stamp != stamp)
			return false;
	return true;
}

void headers_match(struct router *r, struct router_cursor *c)
{
	struct headers_index *x = r->headers;
	x->stamp++;
	places_found(&x->always, c);
	for (const struct term *t = terms_hit(x, c->headers); t; t = t->next_hit) {
		for (size_t i = 0; i < t->n; i++) {
			const struct listing *l = &t->v[i];
			if (!l->conditions || matches(l->conditions, x->stamp)) {
				*cursor_room(c, 1) = l->destination;
				c->n++;
			}
		}
	}
}
