/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader sees of a message that is not simply its publisher's octets: one of
 * another family, crossed (mapping/cross.h), and one of a quorum queue, which says in
 * x-delivery-count how often it failed (rabbitmq.md 3.23). */
#include "amqp/v091_codec_priv.h"
#include "amqp/v091_priv.h"

#include "base/log.h"

/* false: it goes out as it is. */
static bool crossed_bag(struct channel *ch, const struct delivery *d, struct cross_legacy *x)
{
	struct conn *c = ch->conn;
	const struct table *arguments = engine_queue_arguments(c->env->engine, c->vhost, d->queue);
	struct cross_settings settings = c->env->cross;
	struct cross_facts facts = {.queue = d->queue};

	if (arguments)
		cross_settings_read(arguments, &c->scratch, &settings);
	message_copy_id(d->message, d->origin, facts.id);
	if (cross_to_amqp091(&settings, c->env->codecs, d->message, &facts, &c->scratch, x))
		return true;
	log_warn("amqp.cross_failed", "peer=\"%s\" queue=\"%.*s\"", c->wire->peer, VIEW_ARG(d->queue));
	return false;
}

/* In place of a header of that name, else behind the others. */
static void count_put(struct bag *bag, uint16_t failed, struct arena *a)
{
	const struct table old = bag->headers;
	const struct value count = {.type = VALUE_I64, .i = failed};
	struct table t = {arena_alloc(a, (old.n + 1) * sizeof(*t.v)), 0};

	for (size_t i = 0; i < old.n; i++)
		if (!view_is(old.v[i].name, "x-delivery-count"))
			t.v[t.n++] = old.v[i];
	t.v[t.n++] = (struct field){VIEW("x-delivery-count"), count};
	bag->headers = t;
	bag->has |= BAG_HEADERS;
}

void v091_dress(struct channel *ch, const struct delivery *d, bool told, struct dressed *out)
{
	bool ours = d->message->raw_kind == RAW_AMQP091, counts = d->counts && told, read;
	struct cross_legacy x = {.exchange = d->message->exchange, .key = d->message->key};
	struct arena *a = &ch->conn->scratch;

	*out = (struct dressed){.exchange = x.exchange, .key = x.key};
	buf_init(&out->raw, HEADER_BYTES_MAX);
	if (ours && !counts)
		return;
	out->changed = true;
	read = ours ? v091_codec.decode(d->message->raw, a, &x.bag) : crossed_bag(ch, d, &x);
	if (read && counts)
		count_put(&x.bag, d->failed, a);
	if (read && v091_codec.encode(&x.bag, &out->raw))
		out->crossed.raw = buf_view(&out->raw);
	else if (ours)
		out->changed = false;
	out->crossed.body_replaced = x.body_replaced;
	out->crossed.body = x.body;
	out->exchange = x.exchange;
	out->key = x.key;
}

void v091_dressed_fini(struct channel *ch, struct dressed *x)
{
	buf_fini(&x->raw);
	if (x->changed)
		arena_reset(&ch->conn->scratch);
}
