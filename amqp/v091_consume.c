/* SPDX-License-Identifier: Apache-2.0 */
/* basic.consume, cancel, get, qos, and the way of a message to the client. The
 * engine gives a delivery at a time; method and header are put together by hand,
 * the body goes by reference (rabbitmq.md 4.11–4.18). */
#include "amqp/v091_priv.h"

#include "base/crypto.h"
#include "mapping/queue_arguments.h"

enum { TAG_RANDOM = 16 }; /* octets in a generated consumer tag */

static struct view consumer_tag(const struct consumer *k)
{
	return view_of(k->tag, k->tag_n);
}

static void consumer_free(struct channel *ch, struct consumer *k)
{
	mapv_remove(&ch->consumers, consumer_tag(k));
	list_remove(&k->cancelled);
	free(k);
}

void v091_consumers_free(struct channel *ch)
{
	struct consumer *k;
	size_t at = 0;

	while ((k = mapv_next(&ch->consumers, &at)) != NULL)
		free(k);
	mapv_fini(&ch->consumers);
	memset(&ch->consumers, 0, sizeof(ch->consumers));
	list_init(&ch->cancelled);
}

/* ---- consume ------------------------------------------------------------------------- */

/* "amq.ctag-" and 22 characters (rabbitmq.md 4.11). */
void v091_tag_generate(struct rng *rng, struct buf *out)
{
	uint8_t random[TAG_RANDOM];

	for (size_t i = 0; i < sizeof(random); i += 8)
		be64_put(random + i, rng_next(rng));
	buf_add_str(out, "amq.ctag-");
	base64url_add(out, view_of(random, sizeof(random)));
}

static struct consumer *consumer_new(struct channel *ch, struct view tag, bool no_ack)
{
	struct buf generated;
	struct consumer *k;

	buf_init(&generated, SHORTSTR_MAX);
	if (!tag.n) {
		v091_tag_generate(ch->conn->env->rng, &generated);
		tag = buf_view(&generated);
	}
	k = mem_zalloc(sizeof(*k) + tag.n);
	list_init(&k->cancelled);
	k->no_ack = no_ack;
	k->tag_n = (uint8_t)tag.n;
	memcpy(k->tag, tag.p, tag.n);
	buf_fini(&generated);
	mapv_put(&ch->consumers, consumer_tag(k), k);
	return k;
}

void v091_consume_ok(struct channel *ch, struct view tag)
{
	struct args args;

	v091_args_start(&args, AMQP_BASIC_CONSUME_OK_METHOD);
	v091_args_short(&args, tag);
	v091_send_args(ch->conn, ch->id, &args);
}

static void answer_consume(struct channel *ch, const struct asked *a, const struct event *ev)
{
	a->consumer->id = ev->done.id;
	if (!a->nowait)
		v091_consume_ok(ch, consumer_tag(a->consumer));
}

/* rabbitmq.md 3.20, 4.16. false: the channel failed. */
static bool arguments_read(struct channel *ch, struct view queue, const amqp_table_t *arguments, int64_t *priority)
{
	struct conn *c = ch->conn;
	struct table t = v091_table_in(arguments, &c->scratch);
	struct error e = {.code = CODE_OK};
	bool ok = consumer_arguments_check(&t, queue, c->vhost, &e) == CODE_OK;

	if (!ok)
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_BASIC_CONSUME_METHOD, "%s", e.text);
	*priority = consumer_priority(&t);
	arena_reset(&c->scratch);
	return ok;
}

void v091_on_consume(struct channel *ch, const void *method)
{
	const amqp_basic_consume_t *m = method;
	const uint32_t id = AMQP_BASIC_CONSUME_METHOD;
	struct view queue = view_in(m->queue), tag = view_in(m->consumer_tag);
	struct consumer_spec spec = {
		.credit = m->no_ack || !ch->prefetch ? UINT32_MAX : ch->prefetch,
		.no_ack = m->no_ack,
		.exclusive = m->exclusive,
		.shared = ch->session,
	};
	struct asked *a;

	if (!v091_reply_wanted(queue) && (!v091_queue_named(ch, id, &queue) ||
					  !v091_grant_check(ch, id, ACCESS_READ, RESOURCE_QUEUE, queue)))
		return;
	if (tag.n && mapv_find(&ch->consumers, tag)) { /* rabbitmq.md 4.11 */
		v091_channel_fail(ch, AMQP_NOT_ALLOWED, id, "attempt to reuse consumer tag '%.*s'", VIEW_ARG(tag));
		return;
	}
	if (v091_reply_wanted(view_in(m->queue))) {
		v091_reply_consume(ch, m);
		return;
	}
	if (!arguments_read(ch, queue, &m->arguments, &spec.priority))
		return;
	spec.queue = queue;
	a = v091_channel_ask(ch, id, m->nowait, answer_consume);
	spec.ctx = a->consumer = consumer_new(ch, tag, m->no_ack);
	engine_consume(ch->conn->env->engine, ch->session, a->cmd, &spec);
}

/* ---- cancel --------------------------------------------------------------------------- */

void v091_cancel_ok(struct channel *ch, struct view tag)
{
	struct args args;

	v091_args_start(&args, AMQP_BASIC_CANCEL_OK_METHOD);
	v091_args_short(&args, tag);
	v091_send_args(ch->conn, ch->id, &args);
}

static void answer_cancel(struct channel *ch, const struct asked *a, const struct event *ev)
{
	(void)ev;
	if (!a->nowait)
		v091_cancel_ok(ch, consumer_tag(a->consumer));
	consumer_free(ch, a->consumer);
}

void v091_on_cancel(struct channel *ch, const void *method)
{
	const amqp_basic_cancel_t *m = method;
	struct view tag = view_in(m->consumer_tag);
	struct consumer *k = mapv_find(&ch->consumers, tag);
	struct asked *a;

	if (v091_reply_cancel(ch, m))
		return;
	if (!k) { /* rabbitmq.md 4.14 */
		if (!m->nowait)
			v091_cancel_ok(ch, tag);
		return;
	}
	k->cancelling = true;
	a = v091_channel_ask(ch, AMQP_BASIC_CANCEL_METHOD, m->nowait, answer_cancel);
	a->consumer = k;
	engine_cancel(ch->conn->env->engine, ch->session, a->cmd, k->id);
}

static void cancelled_tell(struct channel *ch, struct consumer *k)
{
	struct args args;

	if (ch->conn->client.cancel_notify) {
		v091_args_start(&args, AMQP_BASIC_CANCEL_METHOD);
		v091_args_short(&args, consumer_tag(k));
		v091_args_u8(&args, 1); /* nowait */
		v091_send_args(ch->conn, ch->id, &args);
	}
	consumer_free(ch, k);
}

/* The engine took the consumer away (rabbitmq.md 4.13). A channel that deletes the
 * queue hears delete-ok first, as from RabbitMQ: py-amqp's queue_delete fails otherwise. */
void v091_cancelled(struct channel *ch, const struct event *ev)
{
	struct consumer *k = ev->cancelled.consumer_ctx;

	if (k->cancelling) /* the client's own cancel is being answered */
		return;
	if (ch->deleting)
		list_push_back(&ch->cancelled, &k->cancelled);
	else
		cancelled_tell(ch, k);
}

void v091_cancelled_tell(struct channel *ch)
{
	if (ch->deleting)
		return;
	LIST_EACH(&ch->cancelled, at) {
		struct consumer *k = LIST_ENTRY(at, struct consumer, cancelled);

		if (!k->cancelling)
			cancelled_tell(ch, k);
	}
}

/* ---- qos -------------------------------------------------------------------------------- */

/* rabbitmq.md 4.17: per new consumer, or shared by the channel's. */
void v091_on_qos(struct channel *ch, const void *method)
{
	const amqp_basic_qos_t *m = method;
	amqp_basic_qos_ok_t ok = {0};

	if (m->prefetch_size) {
		v091_channel_fail(ch, AMQP_NOT_IMPLEMENTED, AMQP_BASIC_QOS_METHOD, "prefetch_size!=0 (%u)",
			     m->prefetch_size);
		return;
	}
	if (m->global) {
		engine_session_prefetch(ch->conn->env->engine, ch->session,
					m->prefetch_count ? m->prefetch_count : UINT32_MAX);
	} else { /* and no limit of the channel's any more, as measured */
		engine_session_prefetch(ch->conn->env->engine, ch->session, UINT32_MAX);
		ch->prefetch = m->prefetch_count;
	}
	v091_send_method(ch->conn, ch->id, AMQP_BASIC_QOS_OK_METHOD, &ok);
}

/* ---- deliveries ---------------------------------------------------------------------------- */

static uint64_t tag_of(struct channel *ch, const struct delivery *d)
{
	return d->lease ? v091_unsettled_add(ch, d->lease) : ch->tag_next++;
}

/* Exchange and key of a message as its reader gets it. */
static void origin(const struct delivery *d, struct args *a, const struct dressed *x)
{
	v091_args_u8(a, d->redelivered);
	v091_args_short(a, x->exchange);
	v091_args_short(a, x->key);
}

void v091_delivered(struct channel *ch, const struct event *ev)
{
	const struct consumer *k = ev->delivered.consumer_ctx;
	const struct delivery *d = &ev->delivered.d;
	struct dressed x;
	struct args a;

	v091_args_start(&a, AMQP_BASIC_DELIVER_METHOD);
	v091_args_short(&a, consumer_tag(k));
	v091_args_u64(&a, tag_of(ch, d));
	v091_dress(ch, d, d->failed > 0, &x);
	origin(d, &a, &x);
	v091_send_content(ch, &a, d->message, x.changed ? &x.crossed : NULL);
	v091_dressed_fini(ch, &x);
}

/* ---- get -------------------------------------------------------------------------------------- */

static void answer_get(struct channel *ch, const struct asked *as, const struct event *ev)
{
	const struct delivery *d = ev->received.v;
	struct dressed x;
	struct args a;

	(void)as;
	if (ev->received.n == 0) {
		v091_args_start(&a, AMQP_BASIC_GET_EMPTY_METHOD);
		v091_args_short(&a, VIEW_NONE);
		v091_send_args(ch->conn, ch->id, &a);
		return;
	}
	v091_args_start(&a, AMQP_BASIC_GET_OK_METHOD);
	v091_args_u64(&a, tag_of(ch, d));
	v091_dress(ch, d, true, &x);
	origin(d, &a, &x);
	v091_args_u32(&a, ev->received.ready < UINT32_MAX ? (uint32_t)ev->received.ready : UINT32_MAX);
	v091_send_content(ch, &a, d->message, x.changed ? &x.crossed : NULL);
	v091_dressed_fini(ch, &x);
}

void v091_on_get(struct channel *ch, const void *method)
{
	const amqp_basic_get_t *m = method;
	const uint32_t id = AMQP_BASIC_GET_METHOD;
	struct view queue = view_in(m->queue);

	if (!v091_queue_named(ch, id, &queue) || !v091_grant_check(ch, id, ACCESS_READ, RESOURCE_QUEUE, queue))
		return;
	engine_get(ch->conn->env->engine, ch->session, v091_channel_ask(ch, id, false, answer_get)->cmd, queue,
		   m->no_ack);
}
