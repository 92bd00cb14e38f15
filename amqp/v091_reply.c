/* SPDX-License-Identifier: Apache-2.0 */
/* Direct reply-to (rabbitmq.md 4.26): a consumer of amq.rabbitmq.reply-to that is none
 * of a queue's. Its channel's messages with that name as reply_to carry an address
 * instead; what comes to the address is delivered to it. The address is 128 bits of the
 * kernel's, lasts as long as the consumer and means nothing to another process. */
#include "amqp/v091_priv.h"

#include "base/crypto.h"
#include "base/log.h"

enum { ADDRESS_RANDOM = 16 }; /* octets */

bool v091_reply_wanted(struct view queue)
{
	return view_is(queue, ENGINE_REPLY_TO);
}

struct view v091_reply_address(const struct channel *ch)
{
	return ch->reply ? view_of(ch->reply->address, ch->reply->address_n) : VIEW_NONE;
}

static struct view reply_tag(const struct channel *ch)
{
	return view_of(ch->reply->tag, ch->reply->tag_n);
}

void v091_reply_free(struct channel *ch)
{
	free(ch->reply);
	ch->reply = NULL;
}

static void address_make(struct reply_consumer *r)
{
	uint8_t random[ADDRESS_RANDOM];
	struct buf text;

	random_secret(random, sizeof(random));
	buf_init(&text, sizeof(r->address));
	buf_add_str(&text, ENGINE_REPLY_TO ".");
	base64url_add(&text, view_of(random, sizeof(random)));
	must(!text.overflow);
	r->address_n = (uint8_t)text.n;
	memcpy(r->address, text.p, text.n);
	buf_fini(&text);
}

static struct reply_consumer *reply_new(struct channel *ch, struct view tag)
{
	struct reply_consumer *r = mem_zalloc(sizeof(*r));
	struct buf generated;

	buf_init(&generated, SHORTSTR_MAX);
	if (!tag.n) {
		v091_tag_generate(ch->conn->env->rng, &generated);
		tag = buf_view(&generated);
	}
	r->tag_n = (uint8_t)tag.n;
	memcpy(r->tag, tag.p, tag.n);
	buf_fini(&generated);
	address_make(r);
	return r;
}

/* The tag is none of a queue's consumer. */
void v091_reply_consume(struct channel *ch, const amqp_basic_consume_t *m)
{
	const uint32_t id = AMQP_BASIC_CONSUME_METHOD;

	if (!m->no_ack) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, id, "reply consumer cannot acknowledge");
		return;
	}
	if (ch->reply) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, id, "reply consumer already set");
		return;
	}
	ch->reply = reply_new(ch, view_in(m->consumer_tag));
	must(engine_reply_open(ch->conn->env->engine, ch->session, v091_reply_address(ch), ch->reply));
	if (!m->nowait)
		v091_consume_ok(ch, reply_tag(ch));
}

bool v091_reply_cancel(struct channel *ch, const amqp_basic_cancel_t *m)
{
	if (!ch->reply || !view_eq(reply_tag(ch), view_in(m->consumer_tag)))
		return false;
	engine_reply_close(ch->conn->env->engine, ch->session);
	if (!m->nowait)
		v091_cancel_ok(ch, reply_tag(ch));
	v091_reply_free(ch);
	return true;
}

/* Nothing holds replies back; a requester that does not read them loses them. Their
 * delivery tags are not counted: nobody settles them, as measured. */
void v091_reply_delivered(struct channel *ch, const struct event *ev)
{
	const struct delivery *d = &ev->delivered.d;
	struct conn *c = ch->conn;
	struct dressed x;
	struct args a;

	if (c->wire->out.bytes + body_bytes(d->message->body) > c->env->options.reply_bytes_max) {
		log_warn("amqp.reply_dropped", "peer=\"%s\" channel=%u text=\"too many replies are not read\"",
			 c->wire->peer, ch->id);
		return;
	}
	v091_dress(ch, d, false, &x);
	v091_args_start(&a, AMQP_BASIC_DELIVER_METHOD);
	v091_args_short(&a, reply_tag(ch));
	v091_args_u64(&a, ch->tag_next);
	v091_args_u8(&a, 0);
	v091_args_short(&a, x.exchange);
	v091_args_short(&a, x.key);
	v091_send_content(ch, &a, d->message, x.changed ? &x.crossed : NULL);
	v091_dressed_fini(ch, &x);
}
