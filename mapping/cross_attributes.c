/* SPDX-License-Identifier: Apache-2.0 */
/* 0-9-1 properties and headers → SQS attributes: what is promoted, in which
 * order and how far, and what goes into mqb.p (docs/cross-protocol.md).
 *
 * Invariants: 1. every property and header ends up in exactly one place: an
 * attribute, AWSTraceHeader, or mqb.p. 2. A name stands in the attributes once. */
#include "base/map.h"
#include "mapping/cross_priv.h"

/* One thing that could be an attribute. */
struct candidate {
	struct sqs_attribute attribute;
	char wire;       /* type to note in mqb.p when promoted; 0: none */
	uint32_t bit;    /* the property it is, or */
	size_t header;   /* its index among the headers */
	bool promoted;
};

struct candidates {
	struct candidate *v;
	size_t n, max; /* headers are looked at while there are fewer */
	struct mapv names; /* of v, when they may be many */
};

static const struct view property_names[] = {VIEW("content-type"), VIEW("correlation-id"), VIEW("reply-to")};
enum { PROMOTED_PROPERTIES = 3 };

/* Names that mean a property on the way back; a header of that name is packed. */
static bool name_is_property(struct view name)
{
	for (size_t i = 0; i < PROMOTED_PROPERTIES; i++)
		if (view_eq(name, property_names[i]))
			return true;
	return view_is(name, "contentType");
}

static bool offered(const struct candidates *c, struct view name)
{
	if (c->max > SQS_ATTRIBUTES_MAX)
		return mapv_find(&c->names, name) != NULL;
	for (size_t i = 0; i < c->n; i++)
		if (view_eq(c->v[i].attribute.name, name))
			return true;
	return false;
}

static void offer(struct candidates *c, const struct candidate *next)
{
	if (c->max > SQS_ATTRIBUTES_MAX)
		mapv_put(&c->names, next->attribute.name, &c->v[c->n]);
	c->n++;
}

static void offer_property(const struct bag *bag, struct view name, struct arena *a, struct candidates *c)
{
	static const uint32_t bits[] = {BAG_CONTENT_TYPE, BAG_CORRELATION_ID, BAG_REPLY_TO};
	const struct view values[] = {bag->content_type, bag->correlation_id, bag->reply_to};

	for (size_t i = 0; i < PROMOTED_PROPERTIES; i++) {
		struct candidate *next = &c->v[c->n];
		struct value v = {.type = VALUE_STRING, .s = values[i]};

		if (!view_eq(name, property_names[i]) || !(bag->has & bits[i]) || offered(c, name))
			continue;
		if (!cross_value_to_attribute(name, &v, a, &next->attribute, &next->wire))
			continue;
		next->bit = bits[i];
		offer(c, next);
	}
}

/* A String X-Amzn-Trace-Id is the system attribute AWSTraceHeader instead. */
static bool is_trace_header(const struct field *f)
{
	return view_eq(f->name, HEADER_TRACE) && f->value.type == VALUE_STRING && f->value.s.n &&
	       sqs_text_legal(f->value.s);
}

static void offer_header(const struct bag *bag, size_t at, struct arena *a, struct candidates *c)
{
	const struct field *f = &bag->headers.v[at];
	struct candidate *next = &c->v[c->n];

	if (name_is_property(f->name) || is_trace_header(f) || offered(c, f->name))
		return;
	if (!cross_value_to_attribute(f->name, &f->value, a, &next->attribute, &next->wire))
		return;
	next->header = at;
	offer(c, next);
}

static void offer_header_named(const struct bag *bag, struct view name, struct arena *a, struct candidates *c)
{
	for (size_t i = 0; i < bag->headers.n; i++)
		if (view_eq(bag->headers.v[i].name, name)) {
			offer_header(bag, i, a, c);
			return;
		}
}

/* The standing order, or exactly the queue's list. No more headers are looked at
 * than could be promoted: a later one cannot come before an earlier one. */
static void candidates_list(const struct cross_settings *s, const struct bag *bag, struct arena *a,
			    struct candidates *c)
{
	size_t room = c->max < bag->headers.n ? c->max : bag->headers.n;

	c->v = arena_alloc(a, (room + PROMOTED_PROPERTIES + 2 + s->n_promote) * sizeof(*c->v));
	for (size_t i = 0; s->promote && i < s->n_promote; i++) {
		offer_property(bag, s->promote[i], a, c);
		offer_header_named(bag, s->promote[i], a, c);
	}
	if (s->promote)
		return;
	offer_header_named(bag, VIEW("traceparent"), a, c);
	for (size_t i = 0; i < PROMOTED_PROPERTIES; i++)
		offer_property(bag, property_names[i], a, c);
	for (size_t i = 0; i < bag->headers.n && c->n <= c->max; i++)
		offer_header(bag, i, a, c);
}

static size_t attribute_bytes(const struct sqs_attribute *at)
{
	return at->name.n + at->type.n + at->value.n;
}

/* Marks what is promoted: in order, while there is room. */
static void promote(struct candidates *c, struct cross_room room)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t cost = attribute_bytes(&c->v[i].attribute);

		c->v[i].promoted = room.attributes > 0 && cost <= room.bytes;
		if (c->v[i].promoted) {
			room.attributes--;
			room.bytes -= cost;
		}
	}
}

static bool header_promoted(const struct candidates *c, size_t at)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].promoted && !c->v[i].bit && c->v[i].header == at)
			return true;
	return false;
}

/* What is left for mqb.p once the marked candidates are attributes. */
static void pack(const struct bag *bag, const struct message *m, const struct candidates *c,
		 const struct field *trace, struct arena *a, struct cross_packed *out)
{
	*out = (struct cross_packed){.bag = *bag, .exchange = m->exchange};
	out->key = m->exchange.n ? m->key : VIEW_NONE;
	out->types = arena_alloc(a, c->n * sizeof(*out->types));
	out->bag.headers.n = 0;
	out->bag.headers.v = arena_alloc(a, bag->headers.n * sizeof(*bag->headers.v));
	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i].promoted)
			continue;
		out->bag.has &= ~c->v[i].bit;
		if (c->v[i].wire)
			out->types[out->n_types++] = (struct cross_type){c->v[i].attribute.name, c->v[i].wire};
	}
	for (size_t i = 0; i < bag->headers.n; i++)
		if (&bag->headers.v[i] != trace && !header_promoted(c, i))
			out->bag.headers.v[out->bag.headers.n++] = bag->headers.v[i];
}

static const struct field *trace_find(const struct bag *bag)
{
	for (size_t i = 0; i < bag->headers.n; i++)
		if (is_trace_header(&bag->headers.v[i]))
			return &bag->headers.v[i];
	return NULL;
}

void cross_attributes_to_sqs(const struct cross_settings *s, const struct bag *bag,
			     const struct message *m, struct arena *a, struct cross_room room,
			     struct sqs_attributes *out)
{
	const struct field *trace = trace_find(bag);
	struct candidates c = {.max = SQS_ATTRIBUTES_MAX};
	struct cross_packed packed;

	candidates_list(s, bag, a, &c);
	promote(&c, room);
	pack(bag, m, &c, trace, a, &packed);
	bool with_packed = !cross_packed_empty(&packed);
	if (with_packed) {
		room.attributes--;
		promote(&c, room);
		pack(bag, m, &c, trace, a, &packed);
	}

	out->n = 0;
	for (size_t i = 0; i < c.n; i++)
		if (c.v[i].promoted)
			out->v[out->n++] = c.v[i].attribute;
	if (with_packed)
		out->v[out->n++] = (struct sqs_attribute){MARK_PACKED, VIEW("String"),
							  cross_packed_write(&packed, a)};
	out->trace_header = trace ? trace->value.s : VIEW_NONE;
}

size_t cross_promotable(const struct bag *bag, struct arena *a, struct sqs_attribute **out)
{
	static const struct cross_settings standing;
	struct candidates c = {.max = SIZE_MAX - 1};

	candidates_list(&standing, bag, a, &c);
	mapv_fini(&c.names);
	*out = arena_alloc(a, c.n * sizeof(**out));
	for (size_t i = 0; i < c.n; i++)
		(*out)[i] = c.v[i].attribute;
	return c.n;
}
