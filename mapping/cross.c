/* SPDX-License-Identifier: Apache-2.0 */
/* The two crossings between 0-9-1 and SQS, put together from bodies
 * (cross_body.c), single values (cross_value.c), promotion (cross_attributes.c)
 * and mqb.p (cross_packed.c, cross_unpack.c). */
#include "mapping/cross_priv.h"

#include "base/log.h"
#include "mapping/sns_envelope.h"

/* An SNS message with more attributes than an SQS one may have: nine, the others as
 * headers in mqb.p beside what a forged or forwarded mqb.p held. */
static void more_pack(struct arena *a, struct sqs_attributes *at)
{
	struct cross_packed packed = {.types = NULL};
	struct sqs_attribute all[SQS_ATTRIBUTES_MAX];
	struct view rest = at->more;
	size_t n = at->n, room = 0;
	struct sqs_attribute one;

	memcpy(all, at->v, n * sizeof(*all));
	at->n = 0;
	for (size_t i = 0; i < n; i++)
		if (!view_eq(all[i].name, MARK_PACKED) || !cross_packed_read(all[i].value, a, &packed))
			at->v[at->n++] = all[i];
	while (sqs_attributes_more(&rest, &one))
		room++;
	struct field *headers = arena_alloc(a, (packed.bag.headers.n + room + 1) * sizeof(*headers));
	if (packed.bag.headers.n)
		memcpy(headers, packed.bag.headers.v, packed.bag.headers.n * sizeof(*headers));
	packed.bag.headers.v = headers;
	if (at->n == SQS_ATTRIBUTES_MAX) {
		one = at->v[--at->n];
		headers[packed.bag.headers.n++] =
			(struct field){one.name, cross_value_from_attribute(&one, 0, a)};
	}
	for (rest = at->more; sqs_attributes_more(&rest, &one);)
		headers[packed.bag.headers.n++] =
			(struct field){one.name, cross_value_from_attribute(&one, 0, a)};
	at->v[at->n++] = (struct sqs_attribute){MARK_PACKED, VIEW("String"), cross_packed_write(&packed, a)};
	at->more = VIEW_NONE;
}

static bool sqs_itself(const struct message *m, struct arena *a, struct cross_sqs *out)
{
	out->unreadable = !cross_body_flat(m->body, a, &out->body);
	if (!sqs_attributes_decode(m->raw, &out->attributes)) {
		out->attributes = (struct sqs_attributes){0};
		return false;
	}
	out->subject = out->attributes.subject;
	if (out->attributes.more.n)
		more_pack(a, &out->attributes);
	return true;
}

bool cross_to_sqs(const struct cross_settings *s, const struct codecs *codecs, const struct message *m,
		  struct arena *a, struct cross_sqs *out)
{
	struct bag bag = {0};
	bool ok = true;

	*out = (struct cross_sqs){0};
	if (m->raw_kind == RAW_SQS)
		return sqs_itself(m, a, out);
	if (m->raw_kind != RAW_NONE) {
		const struct header_codec *codec = codecs->of[m->raw_kind];

		ok = codec && codec->decode(m->raw, a, &bag);
	}

	enum cross_mark mark = cross_body_to_sqs(s, ok ? &bag : NULL, m, a, out);
	struct sqs_attributes *attributes = &out->attributes;
	size_t used = out->body.n + (mark != MARK_NONE ? sizeof("mqb.encStringbase64") : 0);

	struct cross_room room = {
		.attributes = SQS_ATTRIBUTES_MAX - (mark != MARK_NONE),
		.bytes = used < SQS_BYTES_MAX ? SQS_BYTES_MAX - used : 0,
	};
	if (ok)
		cross_attributes_to_sqs(s, &bag, m, a, room, attributes);
	if (ok && (bag.has & BAG_TYPE) && sns_subject_legal(bag.type))
		out->subject = bag.type;
	if (mark != MARK_NONE) {
		must(attributes->n < SQS_ATTRIBUTES_MAX);
		attributes->v[attributes->n++] = (struct sqs_attribute){
			MARK_ENC, VIEW("String"), mark == MARK_EMPTY ? VIEW("empty") : VIEW("base64")};
	}
	return ok;
}

/* ---- SQS → 0-9-1 ---- */

/* The crossing under way. */
struct incoming {
	struct sqs_attributes attributes;
	const struct sqs_attribute *v; /* all of them, those beyond ten too */
	size_t n;
	const struct sqs_attribute *enc, *packed_at, *content_type, *correlation_id, *reply_to;
	struct cross_packed packed;
	struct arena *a;
	struct table *headers; /* room for all */
};

static bool is_text(const struct sqs_attribute *at)
{
	return view_starts(at->type, VIEW("String"));
}

/* A String attribute that is a property; one too long for a property is a header. */
static void claim(const struct sqs_attribute **slot, const struct sqs_attribute *at)
{
	if (!*slot && is_text(at) && at->value.n <= SHORTSTR_MAX)
		*slot = at;
}

static void attributes_sort(struct incoming *in, struct view text, struct cross_legacy *out)
{
	in->v = sqs_attributes_all(&in->attributes, in->a, &in->n);
	for (size_t i = 0; i < in->n; i++) {
		const struct sqs_attribute *at = &in->v[i];

		if (view_eq(at->name, MARK_ENC) && is_text(at) &&
		    cross_body_from_sqs(at->value, text, in->a, &out->body)) {
			in->enc = at;
			out->body_replaced = true;
		} else if (view_eq(at->name, MARK_PACKED) && is_text(at) &&
			   cross_packed_read(at->value, in->a, &in->packed)) {
			in->packed_at = at;
		} else if (view_is(at->name, "content-type")) {
			claim(&in->content_type, at);
		} else if (view_is(at->name, "correlation-id")) {
			claim(&in->correlation_id, at);
		} else if (view_is(at->name, "reply-to")) {
			claim(&in->reply_to, at);
		}
	}
	for (size_t i = 0; i < in->n; i++)
		if (view_is(in->v[i].name, "contentType"))
			claim(&in->content_type, &in->v[i]);
}

static bool is_consumed(const struct incoming *in, const struct sqs_attribute *at)
{
	return at == in->enc || at == in->packed_at || at == in->content_type || at == in->correlation_id ||
	       at == in->reply_to;
}

static void header_add(struct incoming *in, struct view name, struct value v)
{
	in->headers->v[in->headers->n++] = (struct field){name, v};
}

static void header_add_text(struct incoming *in, struct view name, struct view text)
{
	if (text.n)
		header_add(in, name, (struct value){.type = VALUE_STRING, .s = text});
}

static char wire_of(const struct incoming *in, struct view name)
{
	for (size_t i = 0; i < in->packed.n_types; i++)
		if (view_eq(in->packed.types[i].name, name))
			return in->packed.types[i].wire;
	return 0;
}

/* Facts that only a broker may say; ignored in mqb.p of anybody else. */
static bool is_brokers(struct view name)
{
	return view_is(name, "x-death") || view_starts(name, VIEW("x-first-death-")) ||
	       view_starts(name, VIEW("x-last-death-"));
}

/* Attributes, then facts of SQS, then what mqb.p holds and no attribute says. */
static void headers_fill(struct incoming *in, const struct cross_facts *f)
{
	const struct sqs_attributes *at = &in->attributes;
	size_t room = in->n + 4 + in->packed.bag.headers.n;

	*in->headers = (struct table){arena_alloc(in->a, room * sizeof(struct field)), 0};
	for (size_t i = 0; i < in->n; i++)
		/* SQS allows names of 256 bytes, a field table 255. */
		if (!is_consumed(in, &in->v[i]) && in->v[i].name.n <= SHORTSTR_MAX)
			header_add(in, in->v[i].name,
				   cross_value_from_attribute(&in->v[i], wire_of(in, in->v[i].name), in->a));
	header_add_text(in, HEADER_TRACE, at->trace_header);
	header_add_text(in, VIEW("MessageGroupId"), at->group_id);
	header_add_text(in, VIEW("MessageDeduplicationId"), at->dedup_id);
	if (f->sequence)
		header_add_text(in, VIEW("SequenceNumber"),
				view_str(arena_printf(in->a, "%020llu", (unsigned long long)f->sequence)));

	size_t said = in->headers->n;
	for (size_t i = 0; i < in->packed.bag.headers.n; i++) {
		const struct field *h = &in->packed.bag.headers.v[i];
		struct table attributes = {in->headers->v, said};

		if (!is_brokers(h->name) && !table_find(&attributes, h->name))
			header_add(in, h->name, h->value);
	}
}

static void property_set(struct bag *bag, uint32_t bit, struct view *at, struct view text)
{
	bag->has |= bit;
	*at = text;
}

/* What the message itself says. */
static void bag_fill(struct incoming *in, const struct cross_facts *f, struct bag *bag)
{
	*bag = in->packed.bag;
	bag->has &= ~(uint32_t)(BAG_USER_ID | BAG_HEADERS);
	if (in->content_type)
		property_set(bag, BAG_CONTENT_TYPE, &bag->content_type, in->content_type->value);
	else if (in->attributes.content_type.n)
		property_set(bag, BAG_CONTENT_TYPE, &bag->content_type, in->attributes.content_type);
	if (in->attributes.subject.n)
		property_set(bag, BAG_TYPE, &bag->type, in->attributes.subject);
	if (in->correlation_id)
		property_set(bag, BAG_CORRELATION_ID, &bag->correlation_id, in->correlation_id->value);
	if (in->reply_to)
		property_set(bag, BAG_REPLY_TO, &bag->reply_to, in->reply_to->value);
	headers_fill(in, f);
	if (bag->headers.n)
		bag->has |= BAG_HEADERS;
}

/* What the broker adds where it says nothing. */
static void defaults_fill(const struct incoming *in, const struct cross_settings *s, const struct message *m,
			  const struct cross_facts *f, struct bag *bag)
{
	if (!(bag->has & BAG_CONTENT_TYPE) && s->default_content_type.n)
		property_set(bag, BAG_CONTENT_TYPE, &bag->content_type, s->default_content_type);
	if (!(bag->has & BAG_DELIVERY_MODE)) {
		bag->has |= BAG_DELIVERY_MODE;
		bag->delivery_mode = 2;
	}
	if (!(bag->has & BAG_MESSAGE_ID)) {
		char id[37];

		uuid_format(f->id, id);
		property_set(bag, BAG_MESSAGE_ID, &bag->message_id, arena_copy(in->a, view_str(id)));
	}
	if (!(bag->has & BAG_TIMESTAMP)) {
		bag->has |= BAG_TIMESTAMP;
		bag->timestamp = (uint64_t)(m->sent_ms / 1000);
	}
}

bool cross_to_amqp091(const struct cross_settings *s, const struct codecs *codecs, const struct message *m,
		      const struct cross_facts *f, struct arena *a, struct cross_legacy *out)
{
	struct incoming in = {.a = a, .headers = &out->bag.headers};
	struct view text;
	bool ok = m->raw_kind == RAW_NONE ||
		  (m->raw_kind == RAW_SQS && sqs_attributes_decode(m->raw, &in.attributes));

	(void)codecs; /* AMQP 1.0 and STOMP will be read through them */
	*out = (struct cross_legacy){.exchange = m->exchange, .key = m->key};
	if (!ok)
		in.attributes = (struct sqs_attributes){0};
	if (m->exchange.n == 0 && m->key.n == 0)
		out->key = f->queue;
	ok = cross_body_flat(m->body, a, &text) && ok;
	attributes_sort(&in, text, out);
	bag_fill(&in, f, &out->bag);
	defaults_fill(&in, s, m, f, &out->bag);
	return ok;
}

bool cross_bag_from_sqs(struct view raw, struct arena *a, struct bag *out)
{
	struct cross_legacy x = {.body_replaced = false};
	struct incoming in = {.a = a, .headers = &x.bag.headers};

	if (!sqs_attributes_decode(raw, &in.attributes))
		return false;
	attributes_sort(&in, VIEW_NONE, &x);
	bag_fill(&in, &(struct cross_facts){.sequence = 0}, &x.bag);
	*out = x.bag;
	return true;
}
