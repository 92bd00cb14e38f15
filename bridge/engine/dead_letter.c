/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters (engine.md §2): what leaves a queue as rejected, expired, over
 * length or failed too often is published again, with headers that say so and the
 * same body, to the topic that its queue names. Copies and removal are one group;
 * a publisher that still waits for the message waits for its copies instead. A
 * missing topic, or no queue behind it, drops the message (rabbitmq.md 3.16). */
#include "engine/engine_priv.h"
#include "mapping/cross.h"
#include "mapping/dead_letter.h"

enum { HEADER_BYTES_MAX = 16 * 1024 * 1024 };

static const struct {
	const char *name;
	enum removal removal; /* without a dead letter topic */
} REASON[] = {
	[DEATH_REJECTED] = {"rejected", REMOVED_REJECTED},
	[DEATH_EXPIRED] = {"expired", REMOVED_EXPIRED},
	[DEATH_MAXLEN] = {"maxlen", REMOVED_MAXLEN},
	[DEATH_DELIVERY_LIMIT] = {"delivery_limit", REMOVED_REJECTED},
};

/* What dies, and where. */
struct letter {
	struct queue *queue;
	const struct message *message;
	uint32_t origin;
	enum death_reason why;
	struct publish *publish;
	struct tx_commit *commit;
};

/* What it says of itself, in RabbitMQ's terms: that is what carries x-death, whoever
 * sent it. *x: other bytes instead of its body, exchange and key as told to a reader. */
static bool letter_open(struct engine *e, const struct letter *l, struct cross_legacy *x)
{
	const struct message *m = l->message;
	const struct codecs *c = e->options.codecs;
	struct cross_settings settings = {.body = CROSS_BODY_AUTO};
	struct cross_facts facts = {.queue = l->queue->name};
	*x = (struct cross_legacy){.exchange = m->exchange, .key = m->key};
	if (!c || !c->of[RAW_AMQP091])
		return false;
	if (m->raw_kind == RAW_AMQP091)
		return c->of[RAW_AMQP091]->decode(m->raw, &e->letter, &x->bag);
	cross_settings_read(&l->queue->arguments, &e->letter, &settings);
	message_copy_id(m, l->origin, facts.id);
	return cross_to_amqp091(&settings, c, m, &facts, &e->letter, x);
}

/* A new message with the old one's body, unless x says another, and another header. */
static struct message *letter_make(const struct letter *l, struct view key, enum raw_kind kind, struct view raw,
				   const struct cross_legacy *x)
{
	struct engine *e = l->queue->engine;
	const struct message *m = l->message;
	struct view topic = l->queue->effective.dead_letter_topic;
	uint8_t id[16];
	struct body *body = x->body_replaced ? body_of(x->body) : m->body ? body_ref(m->body) : NULL;
	rng_uuid(&e->rng, id);
	return message_new(&(struct message_spec){
		.raw_kind = kind, .priority = m->priority, .durable = m->durable, .id = id,
		.sent_ms = e->now.wall_ms, .exchange = topic, .key = key, .user = m->user, .raw = raw,
	}, body);
}

static struct message *letter_marked(struct engine *e, const struct letter *l, struct cross_legacy *x, struct view key)
{
	const struct queue_effective *f = &l->queue->effective;
	struct message *out = NULL;
	struct buf raw;
	dead_letter_mark(&x->bag, &(struct death){
		.reason = REASON[l->why].name, .queue = l->queue->name, .exchange = x->exchange, .key = x->key,
		.time_s = e->now.wall_ms / 1000, .rekeyed = f->dead_letter_rekeyed,
	}, &e->letter);
	buf_init(&raw, HEADER_BYTES_MAX);
	if (e->options.codecs->of[RAW_AMQP091]->encode(&x->bag, &raw) && !raw.overflow)
		out = letter_make(l, key, RAW_AMQP091, buf_view(&raw), x);
	buf_fini(&raw);
	return out;
}

static bool cycles(const void *headers, const struct queue *q)
{
	if (!dead_letter_cycles(headers, q->name))
		return false;
	log_warn("queue.dead_letter_cycle", "vhost=\"%.*s\" queue=\"%.*s\"", VIEW_ARG(q->vhost->name),
		 VIEW_ARG(q->name));
	return true;
}

/* Its copies; *n is their number. false: not now. */
static bool letter_send(const struct letter *l, size_t *n)
{
	struct queue *q = l->queue;
	struct engine *e = q->engine;
	const struct queue_effective *f = &q->effective;
	struct cross_legacy x;
	bool marked = letter_open(e, l, &x);
	struct view key = f->dead_letter_rekeyed ? f->dead_letter_key : x.key;
	/* Nobody here reads headers, or these cannot be read: as it is. */
	struct message *m = marked ? letter_marked(e, l, &x, key)
				   : letter_make(l, key, (enum raw_kind)l->message->raw_kind, l->message->raw, &x);
	if (!m) {
		log_error("queue.dead_letter_failed", "queue=\"%.*s\" text=\"its headers do not fit\"", VIEW_ARG(q->name));
		*n = 0;
		return true;
	}
	bool sent = republish_run(e, &(struct republish){
		.vhost = q->vhost, .topic = f->dead_letter_topic, .key = key, .origin = q->uid, .message = m,
		.publish = l->publish, .commit = l->commit, .copies = marked && !f->dead_letter_rekeyed ? &x.bag : NULL,
		.skips = marked && l->why != DEATH_REJECTED ? cycles : NULL, .ctx = &x.bag.headers,
	}, n);
	message_unref(m);
	arena_reset(&e->letter);
	return sent;
}

static struct letter letter_of(const struct entry *en, enum death_reason why)
{
	return (struct letter){
		.queue = en->queue, .message = en->message, .origin = en->origin, .why = why, .publish = en->publish};
}

/* What the topic accepted before goes before, and is no part of the group. */
static void topic_settle(const struct queue *q)
{
	struct topic *t = topic_find(q->vhost, q->effective.dead_letter_topic);
	if (t)
		fanout_finish(t);
}

bool dead_letter(struct entry *en, enum death_reason why)
{
	struct queue *q = en->queue;
	struct engine *e = q->engine;
	const struct letter letter = letter_of(en, why);
	bool goes_on = q->effective.dead_letters;
	if (goes_on && !positions_left(e))
		return false;
	if (goes_on)
		topic_settle(q);
	size_t mark = journal_mark_point(e), n = 0;
	if (goes_on && !letter_send(&letter, &n))
		return false;
	bool grouped = journal_mark_point(e) > mark;
	struct lease *l = en->lease;
	if (l && en->stored == STORED_REMOTE)
		remote_remove(l);
	if (l)
		lease_end(l);
	entry_remove(en, n ? REMOVED_DEAD_LETTERED : REASON[why].removal);
	if (grouped)
		journal_close_republish(e, mark);
	return true;
}

void dead_letter_pending(struct entry *en, enum death_reason why, struct tx_commit *c)
{
	struct letter letter = letter_of(en, why);
	size_t n;
	letter.commit = c;
	if (en->queue->effective.dead_letters)
		letter_send(&letter, &n);
}

void dead_letter_refused(struct queue *q, struct message *m)
{
	const struct letter letter = {.queue = q, .message = m, .origin = q->uid, .why = DEATH_MAXLEN};
	struct engine *e = q->engine;
	size_t n;
	if (!q->effective.dead_letters || !positions_left(e))
		return;
	topic_settle(q);
	size_t mark = journal_mark_point(e);
	letter_send(&letter, &n);
	journal_close_republish(e, mark);
}
