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

/* What it says of itself, in RabbitMQ's terms: that is what carries x-death, whoever
 * sent it. *x: other bytes instead of its body, exchange and key as told to a reader. */
static bool letter_open(struct engine *e, const struct entry *en, struct cross_legacy *x)
{
	const struct message *m = en->message;
	const struct codecs *c = e->options.codecs;
	struct cross_settings settings = {.body = CROSS_BODY_AUTO};
	struct cross_facts facts = {.queue = en->queue->name};
	*x = (struct cross_legacy){.exchange = m->exchange, .key = m->key};
	if (!c || !c->of[RAW_AMQP091])
		return false;
	if (m->raw_kind == RAW_AMQP091)
		return c->of[RAW_AMQP091]->decode(m->raw, &e->letter, &x->bag);
	cross_settings_read(&en->queue->arguments, &e->letter, &settings);
	message_copy_id(m, en->origin, facts.id);
	return cross_to_amqp091(&settings, c, m, &facts, &e->letter, x);
}

static struct message *letter_close(struct engine *e, const struct entry *en, const struct cross_legacy *x,
				    struct view topic, struct view key)
{
	const struct message *m = en->message;
	struct buf raw;
	uint8_t id[16];
	struct message *out = NULL;
	rng_uuid(&e->rng, id);
	buf_init(&raw, HEADER_BYTES_MAX);
	if (e->options.codecs->of[RAW_AMQP091]->encode(&x->bag, &raw) && !raw.overflow) {
		struct body *body = x->body_replaced ? body_of(x->body) : m->body ? body_ref(m->body) : NULL;
		out = message_new(&(struct message_spec){
			.raw_kind = RAW_AMQP091, .priority = m->priority, .durable = m->durable, .id = id,
			.sent_ms = e->now.wall_ms, .exchange = topic, .key = key, .user = m->user,
			.raw = buf_view(&raw),
		}, body);
	}
	buf_fini(&raw);
	return out;
}

/* Nobody here reads headers, or these cannot be read: as it is. */
static struct message *letter_unmarked(struct engine *e, const struct message *m, struct view topic, struct view key)
{
	uint8_t id[16];
	rng_uuid(&e->rng, id);
	return message_new(&(struct message_spec){
		.raw_kind = (enum raw_kind)m->raw_kind, .priority = m->priority, .durable = m->durable, .id = id,
		.sent_ms = e->now.wall_ms, .exchange = topic, .key = key, .user = m->user, .raw = m->raw,
	}, m->body ? body_ref(m->body) : NULL);
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
static bool letter_send(struct entry *en, enum death_reason why, struct tx_commit *commit, size_t *n)
{
	struct queue *q = en->queue;
	struct engine *e = q->engine;
	const struct queue_effective *f = &q->effective;
	struct cross_legacy x;
	bool marked = letter_open(e, en, &x);
	struct view key = f->dead_letter_rekeyed ? f->dead_letter_key : x.key;
	if (marked)
		dead_letter_mark(&x.bag, &(struct death){
			.reason = REASON[why].name, .queue = q->name, .exchange = x.exchange, .key = x.key,
			.time_s = e->now.wall_ms / 1000, .rekeyed = f->dead_letter_rekeyed,
		}, &e->letter);
	struct message *m = marked ? letter_close(e, en, &x, f->dead_letter_topic, key)
				   : letter_unmarked(e, en->message, f->dead_letter_topic, key);
	if (!m) {
		log_error("queue.dead_letter_failed", "queue=\"%.*s\" text=\"its headers do not fit\"", VIEW_ARG(q->name));
		*n = 0;
		return true;
	}
	bool sent = republish_run(e, &(struct republish){
		.vhost = q->vhost, .topic = f->dead_letter_topic, .key = key, .message = m,
		.publish = en->publish, .commit = commit,
		.skips = marked && why != DEATH_REJECTED ? cycles : NULL, .ctx = &x.bag.headers,
	}, n);
	message_unref(m);
	arena_reset(&e->letter);
	return sent;
}

bool dead_letter(struct entry *en, enum death_reason why)
{
	struct queue *q = en->queue;
	struct engine *e = q->engine;
	bool letter = q->effective.dead_letters;
	if (letter && !positions_left(e))
		return false;
	size_t mark = journal_mark_point(e), n = 0;
	if (letter && !letter_send(en, why, NULL, &n))
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
	size_t n;
	if (en->queue->effective.dead_letters)
		letter_send(en, why, c, &n);
}
