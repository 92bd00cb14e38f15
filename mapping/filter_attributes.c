/* SPDX-License-Identifier: Apache-2.0 */
/* A message as a filter policy sees it: what crossing would promote, and what a
 * policy made of bindings looks at. */
#include "mapping/filter_attributes.h"

#include "mapping/binding_policy.h"
#include "mapping/cross_priv.h"

enum { VIRTUAL_MAX = 13, COPIES_T = 3, COPIES_H = 5 };

/* The list under way; room for all. */
struct listing {
	struct filter_attribute *v;
	size_t n, sent; /* the first `sent` are the publisher's */
};

/* ---- the publisher's own ---- */

/* Labels behind String and Number say nothing here; binary ones are left out. */
static bool type_of(struct view type, enum filter_type *out)
{
	if (view_is(type, "String.Array"))
		*out = FILTER_STRING_ARRAY;
	else if (view_starts(type, VIEW("String")))
		*out = FILTER_STRING;
	else if (view_starts(type, VIEW("Number")))
		*out = FILTER_NUMBER;
	else
		return false;
	return true;
}

static void sent_add(struct listing *l, const struct sqs_attribute *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct filter_attribute at = {.name = v[i].name, .value = v[i].value};

		if (type_of(v[i].type, &at.type))
			l->v[l->n++] = at;
	}
	l->sent = l->n;
}

/* ---- virtual ones ---- */

static void virtual_add(struct listing *l, const struct filter_attribute *at)
{
	for (size_t i = 0; i < l->sent; i++)
		if (view_eq(l->v[i].name, at->name))
			return;
	l->v[l->n] = *at;
	l->v[l->n++].implied = true;
}

static void virtual_text(struct listing *l, const char *name, enum filter_type type, struct view value)
{
	virtual_add(l, &(struct filter_attribute){.name = view_str(name), .type = type, .value = value});
}

static void virtual_array(struct listing *l, const char *name, const struct view *elements, size_t n)
{
	virtual_add(l, &(struct filter_attribute){.name = view_str(name),
						  .type = FILTER_STRING_ARRAY,
						  .elements = elements,
						  .n_elements = n});
}

static void key_add(struct listing *l, struct view key, struct arena *a)
{
	static const char *const places[COPIES_T] = {"t1", "t2", "t3"};
	struct routing_tokens t;

	routing_tokens_of(key, a, &t);
	virtual_text(l, "routing-key", FILTER_STRING, key);
	virtual_text(l, "rk", FILTER_STRING, t.rk);
	virtual_text(l, "rk2", FILTER_STRING, t.rk);
	virtual_text(l, "n", FILTER_NUMBER, view_str(arena_printf(a, "%zu", t.words)));
	virtual_array(l, "tails", t.tails, t.n_tails);
	for (size_t i = 0; i < COPIES_T; i++)
		virtual_array(l, places[i], t.places, t.n_places);
}

static void headers_add_tokens(struct listing *l, const struct table *headers, struct arena *a)
{
	static const char *const copies[COPIES_H] = {"h1", "h2", "h3", "h4", "h5"};
	struct view *tokens;
	size_t n = header_tokens_of(headers, a, &tokens);

	for (size_t i = 0; n && i < COPIES_H; i++)
		virtual_array(l, copies[i], tokens, n);
}

/* ---- the message ---- */

static bool is_marked(const struct sqs_attributes *at)
{
	for (size_t i = 0; i < at->n; i++)
		if (view_eq(at->v[i].name, MARK_ENC))
			return true;
	return false;
}

static bool sqs_read(const struct message *m, struct arena *a, struct listing *l, struct bag *bag, bool *text)
{
	struct sqs_attributes *at = arena_alloc(a, sizeof(*at));

	if (!sqs_attributes_decode(m->raw, at) || !cross_bag_from_sqs(m->raw, a, bag))
		return false;
	size_t n;
	const struct sqs_attribute *sent = sqs_attributes_all(at, a, &n);
	l->v = arena_alloc(a, (n + VIRTUAL_MAX) * sizeof(*l->v));
	sent_add(l, sent, n);
	*text = !is_marked(at);
	return true;
}

static bool legacy_read(const struct codecs *codecs, const struct message *m, struct arena *a, struct listing *l,
			struct bag *bag, bool *text)
{
	const struct header_codec *codec = codecs->of[m->raw_kind];
	struct sqs_attribute *sent;

	if (m->raw_kind != RAW_NONE && (!codec || !codec->decode(m->raw, a, bag)))
		return false;
	size_t n = cross_promotable(bag, a, &sent);
	l->v = arena_alloc(a, (n + VIRTUAL_MAX) * sizeof(*l->v));
	sent_add(l, sent, n);
	*text = cross_body_may_be_text(bag);
	return true;
}

bool filter_attributes_of(const struct codecs *codecs, const struct message *m, struct arena *a,
			  struct filter_input *in)
{
	struct listing l = {.n = 0};
	struct bag bag = {0};
	bool text = false;
	bool ok = m->raw_kind == RAW_SQS ? sqs_read(m, a, &l, &bag, &text)
					 : legacy_read(codecs, m, a, &l, &bag, &text);

	if (!ok) {
		l = (struct listing){.v = arena_alloc(a, VIRTUAL_MAX * sizeof(*l.v))};
		bag = (struct bag){0};
	}
	/* What an SNS publisher named no routing key for has none (mapping.md §3.3). */
	if (m->raw_kind != RAW_SQS || m->key.n)
		key_add(&l, m->key, a);
	headers_add_tokens(&l, &bag.headers, a);
	*in = (struct filter_input){.attributes = l.v, .n_attributes = l.n, .arena = a};
	/* No more than SQS takes, and nothing that its readers get as base64. */
	if (text && body_bytes(m->body) <= SQS_BYTES_MAX)
		in->pieces = m->body;
	return ok;
}
