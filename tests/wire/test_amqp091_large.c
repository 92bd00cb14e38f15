/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP 0-9-1 contents that leave in slices: whatever other channels say goes
 * between, whatever the same channel says comes behind (0-9-1 §4.2.6). */
#include <stdlib.h>

#include "amqp.h"
#include "base/log.h"

enum { LARGE = 1 << 20, TURN_BYTES_MAX = 300 * 1024 };

static uint8_t octets[LARGE + 10];

static struct view large(size_t n)
{
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 2654435761u >> 13);
	return view_of(octets, n);
}

/* The cuts of what comes in are other tests' business. */
static void publish_large(struct peer *p, const char *key, struct view body)
{
	enum split split = p->script->split;

	say(p, 1, PUBLISH, "hsso", 0, "", key, 0);
	p->script->split = SPLIT_NONE;
	say_content(p, 1, VIEW_NONE, body);
	p->script->split = split;
	script_settle(p->script);
}

static void turns(struct script *s, int n)
{
	while (n-- > 0)
		script_turn(s);
}

/* Frames of one channel, in order, as if nobody else had spoken. */
struct stream {
	struct buf b;
};

static void streams_take(struct peer *p, struct stream *v, size_t n)
{
	memset(v, 0, n * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		buf_init(&v[i].b, 64 << 20);
	script_settle(p->script);
	while (p->at < p->n) {
		const uint8_t *f = p->got + p->at;
		size_t size = be32_get(f + 3) + 8;
		uint16_t channel = be16_get(f + 1);

		assert_true(p->at + size <= p->n && channel < n);
		buf_add(&v[channel].b, view_of(f, size));
		p->at += size;
	}
}

/* Whole frames of a channel that have come. */
static int count_of(const struct peer *p, uint16_t channel)
{
	int n = 0;

	for (size_t at = p->at; at < p->n; at += be32_get(p->got + at + 3) + 8)
		n += be16_get(p->got + at + 1) == channel;
	return n;
}

/* What was gathered is what the peer now expects on that channel. */
static void stream_put_back(struct peer *p, struct stream *v)
{
	p->got = mem_grow(p->got, &p->cap, p->n + v->b.n, 1);
	memcpy(p->got + p->n, v->b.p, v->b.n);
	p->n += v->b.n;
	buf_fini(&v->b);
}

static void expect_large(struct peer *p, uint16_t channel, const char *tag, int n, const char *key, struct view body)
{
	expect(p, channel, DELIVER, "sLoss", tag, n, 0, "", key);
	expect_content(p, channel, VIEW_NONE, body);
}

/* ---- */

static void slices_are_small(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);
	size_t before;
	int slices = 0;

	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	for (before = p.n; p.n - p.at < LARGE; before = p.n) {
		script_turn(s);
		assert_true(p.n - before <= TURN_BYTES_MAX);
		slices += p.n - before > TURN_BYTES_MAX / 2;
		assert_true(slices < 20);
	}
	assert_true(slices >= 4);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	say(&p, 1, ACK, "Lo", 1, 0);
	peer_bye(&p);
}

static void others_go_between(struct script *s)
{
	struct peer p, q;
	struct stream v[3];
	struct view body = large(LARGE + 10);

	s->env.options.interleave = V091_INTERLEAVE_ALWAYS;
	peer_open(&p, s);
	open_channel(&p, 2);
	peer_open(&q, s);
	declare(&q, "large");
	declare(&q, "small");
	publish_large(&q, "large", body);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	say(&p, 2, CONSUME, "hssoT", 0, "small", "s", 2, NULL);
	turns(s, 2);
	say_publish(&q, 1, "", "small", "1");
	turns(s, 1);
	assert_true(p.n - p.at < LARGE); /* and all that channel 2 is to hear is there */
	assert_int_equal(p.got[p.n - 1], 0xCE);
	assert_int_equal(count_of(&p, 2), 4);
	streams_take(&p, v, 3);
	stream_put_back(&p, &v[2]);
	expect(&p, 2, CONSUME_OK, "s", "s");
	expect_large(&p, 2, "s", 1, "small", VIEW("1"));
	stream_put_back(&p, &v[1]);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	buf_fini(&v[0].b);
	peer_bye(&p);
	peer_bye(&q);
	s->env.options.interleave = V091_INTERLEAVE_KNOWN;
}

/* A client that is not known to tell channels apart gets each content in one piece,
 * and everything else behind it. */
static void nothing_goes_between(struct script *s)
{
	struct peer p, q;
	struct view a = large(LARGE), b = view_skip(a, 5);

	peer_open(&p, s);
	open_channel(&p, 2);
	peer_open(&q, s);
	declare(&q, "a");
	declare(&q, "b");
	declare(&q, "small");
	publish_large(&q, "a", a);
	publish_large(&q, "b", b);
	say(&p, 1, CONSUME, "hssoT", 0, "a", "x", 2, NULL);
	turns(s, 2);
	say(&p, 2, CONSUME, "hssoT", 0, "b", "y", 2, NULL);
	say(&p, 2, CONSUME, "hssoT", 0, "small", "z", 2, NULL);
	say_publish(&q, 1, "", "small", "1");
	turns(s, 1);
	assert_true(p.n - p.at < LARGE);
	expect(&p, 1, CONSUME_OK, "s", "x");
	expect_large(&p, 1, "x", 1, "a", a);
	expect(&p, 2, CONSUME_OK, "s", "y");
	expect(&p, 2, CONSUME_OK, "s", "z");
	expect_large(&p, 2, "y", 1, "b", b);
	expect_large(&p, 2, "z", 2, "small", VIEW("1"));
	publish_large(&q, "a", a);
	peer_bye(&q);
	p.at = p.n;
	peer_bye(&p);
}

/* Its close-ok comes behind the content, for the same reason. */
static void close_comes_behind_content(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	s->env.options.interleave = V091_INTERLEAVE_NEVER;
	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	say_publish(&p, 1, "", "large", "not any more");
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	say(&p, 1, QOS, "lho", 0, 1, 0);
	turns(s, 2);
	say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
	turns(s, 1);
	assert_true(p.n - p.at < LARGE);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect(&p, 1, QOS_OK, "");
	expect_large(&p, 1, "l", 1, "large", body);
	expect(&p, 0, CLOSE_OK, "");
	expect_end(&p);
	s->env.options.interleave = V091_INTERLEAVE_KNOWN;
}

static void two_at_once(struct script *s)
{
	struct peer p, q;
	struct stream v[3];
	struct view a = large(LARGE), b = view_skip(a, 5);
	size_t first_of_2, last_of_1;

	s->env.options.interleave = V091_INTERLEAVE_ALWAYS;
	peer_open(&p, s);
	open_channel(&p, 2);
	peer_open(&q, s);
	declare(&q, "a");
	declare(&q, "b");
	publish_large(&q, "a", a);
	publish_large(&q, "b", b);
	say(&p, 1, CONSUME, "hssoT", 0, "a", "x", 2, NULL);
	say(&p, 2, CONSUME, "hssoT", 0, "b", "y", 2, NULL);
	script_settle(s);
	first_of_2 = last_of_1 = 0;
	for (size_t at = p.at; at < p.n; at += be32_get(p.got + at + 3) + 8) {
		if (p.got[at] == 3 && be16_get(p.got + at + 1) == 1)
			last_of_1 = at;
		else if (p.got[at] == 3 && !first_of_2)
			first_of_2 = at;
	}
	assert_true(first_of_2 < last_of_1);
	streams_take(&p, v, 3);
	for (uint16_t ch = 1; ch <= 2; ch++) {
		stream_put_back(&p, &v[ch]);
		expect(&p, ch, CONSUME_OK, "s", ch == 1 ? "x" : "y");
		expect_large(&p, ch, ch == 1 ? "x" : "y", 1, ch == 1 ? "a" : "b", ch == 1 ? a : b);
	}
	buf_fini(&v[0].b);
	peer_bye(&p);
	peer_bye(&q);
	s->env.options.interleave = V091_INTERLEAVE_KNOWN;
}

/* The same channel's answers, and its next messages, come behind the content. */
static void own_channel_waits(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	publish_large(&p, "large", body);
	say_publish(&p, 1, "", "large", "small");
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 2, NULL);
	turns(s, 2);
	say(&p, 1, QOS, "lho", 0, 7, 0);
	turns(s, 1);
	assert_true(p.n - p.at < LARGE);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	/* the others are given when it is gone; qos-ok came before that */
	expect(&p, 1, QOS_OK, "");
	expect_large(&p, 1, "l", 2, "large", body);
	expect_large(&p, 1, "l", 3, "large", VIEW("small"));
	peer_bye(&p);
}

/* Nothing more is given to a channel whose content is not gone. */
static void session_is_not_writable(struct script *s)
{
	struct peer p, q;
	struct view body = large(LARGE);
	struct queue_stat st;

	peer_open(&q, s);
	declare(&q, "large");
	publish_large(&q, "large", body);
	peer_open(&p, s);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	turns(s, 2);
	say_publish(&q, 1, "", "large", "later");
	turns(s, 1);
	assert_true(p.n - p.at < LARGE);
	assert_true(engine_queue_stat(s->engine, VIEW("/"), VIEW("large"), &st));
	assert_int_equal(st.ready, 1);
	assert_int_equal(st.leased, 1);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	expect_large(&p, 1, "l", 2, "large", VIEW("later"));
	peer_bye(&p);
	peer_bye(&q);
}

static void client_closes_channel(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	turns(s, 2);
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	turns(s, 1);
	assert_true(p.n - p.at < LARGE);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1); /* and it works again */
	say(&p, 1, GET, "hso", 0, "large", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 1, "", "large", 0);
	expect_content(&p, 1, VIEW_NONE, body);
	peer_bye(&p);
}

static void we_close_channel(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	turns(s, 2);
	say(&p, 1, ACK, "Lo", 77, 0);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - unknown delivery tag 77", ACK);
	open_channel(&p, 1);
	peer_bye(&p);
}

static void connection_closes(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	s->env.options.interleave = V091_INTERLEAVE_ALWAYS;
	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	turns(s, 2);
	say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
	script_settle(s);
	assert_true(p.n - p.at < LARGE); /* the rest is not sent */
	p.at = p.n - 12;
	expect(&p, 0, CLOSE_OK, "");
	expect_end(&p);
	peer_open(&p, s);
	say(&p, 1, GET, "hso", 0, "large", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 1, "", "large", 0);
	expect_content(&p, 1, VIEW_NONE, body);
	peer_bye(&p);
	s->env.options.interleave = V091_INTERLEAVE_KNOWN;
}

/* A peer that asks and asks behind a content that it does not take is not read. */
static void too_much_behind(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);
	uint32_t held = s->env.options.held_bytes_max;

	peer_open(&p, s);
	declare(&p, "large");
	publish_large(&p, "large", body);
	s->env.options.held_bytes_max = 100;
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	turns(s, 2);
	for (int i = 0; i < 20; i++)
		say(&p, 1, QOS, "lho", 0, 7, 0);
	assert_true(p.wire.paused);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect_large(&p, 1, "l", 1, "large", body);
	for (int i = 0; i < 20; i++)
		expect(&p, 1, QOS_OK, "");
	assert_false(p.wire.paused);
	s->env.options.held_bytes_max = held;
	peer_bye(&p);
}

/* ---- bodies outside of memory --------------------------------------------------------- */

static const struct view durable = BYTES_VIEW("\x10\0\2"); /* delivery_mode 2 */

static void publish_durable(struct peer *p, uint16_t channel, const char *key, struct view body)
{
	enum split split = p->script->split;

	say(p, channel, PUBLISH, "hsso", 0, "", key, 0);
	p->script->split = SPLIT_NONE;
	say_content(p, channel, durable, body);
	p->script->split = split;
}

static void durable_queue(struct peer *p, const char *name)
{
	say(p, 1, QUEUE_DECLARE, "hsoT", 0, name, DURABLE, NULL);
	expect(p, 1, QUEUE_DECLARE_OK, "sll", name, 0, 0);
}

static void confirm_select(struct peer *p)
{
	say(p, 1, CONFIRM, "o", 0);
	expect(p, 1, CONFIRM_OK, "");
}

static void outside_and_back(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE + 10);

	peer_open(&p, s);
	durable_queue(&p, "large");
	confirm_select(&p);
	publish_durable(&p, 1, "large", body);
	expect(&p, 1, ACK, "Lo", 1, 0);
	assert_int_equal(store_crash_blobs(s->disk), 1);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	expect(&p, 1, CONSUME_OK, "s", "l");
	expect(&p, 1, DELIVER, "sLoss", "l", 1, 0, "", "large");
	expect_content(&p, 1, durable, body);
	say(&p, 1, ACK, "Lo", 1, 0);
	script_settle(s);
	assert_int_equal(store_crash_blobs(s->disk), 0);
	publish_durable(&p, 1, "nowhere", body); /* confirmed, and kept by nobody */
	expect(&p, 1, ACK, "Lo", 2, 0);
	assert_int_equal(store_crash_blobs(s->disk), 0);
	peer_bye(&p);
}

/* What comes behind it on its channel waits, in order; other channels do not. */
static void its_channel_waits(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	peer_open(&p, s);
	open_channel(&p, 2);
	durable_queue(&p, "large");
	confirm_select(&p);
	s->hold_blobs = true;
	publish_durable(&p, 1, "large", body);
	say_publish(&p, 1, "", "large", "behind");
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "large", PASSIVE, NULL);
	say(&p, 2, QOS, "lho", 0, 7, 0);
	expect(&p, 2, QOS_OK, "");
	expect_nothing(&p);
	s->hold_blobs = false;
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "large", 2, 0);
	expect(&p, 1, ACK, "Lo", 2, 0); /* a transient one */
	expect(&p, 1, ACK, "Lo", 1, 0);
	say(&p, 1, GET, "hso", 0, "large", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "large", 1);
	expect_content(&p, 1, durable, body);
	peer_bye(&p);
}

static void fails_with(struct script *s, enum crash_fault fault, uint64_t nth)
{
	struct peer p;
	struct view body = large(LARGE);

	log_set_level(LOG_ERROR + 1);
	peer_open(&p, s);
	durable_queue(&p, "large");
	confirm_select(&p);
	store_crash_fault(s->disk, fault, nth, 1);
	publish_durable(&p, 1, "large", body);
	say_publish(&p, 1, "", "large", "behind");
	expect(&p, 1, NACK, "Lo", 1, 0);
	expect(&p, 1, ACK, "Lo", 2, 0);
	store_crash_fault(s->disk, CRASH_NONE, 1, 0);
	assert_int_equal(store_crash_blobs(s->disk), 0);
	say(&p, 1, GET, "hso", 0, "large", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "large", 0);
	expect_content(&p, 1, VIEW_NONE, VIEW("behind"));
	say(&p, 1, QUEUE_DELETE, "hso", 0, "large", 0);
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	log_set_level(LOG_ERROR);
	peer_bye(&p);
}

static void disk_fails(struct script *s)
{
	fails_with(s, CRASH_EIO, 1);
	fails_with(s, CRASH_EIO, 3);
	fails_with(s, CRASH_ENOSPC, 5);
	fails_with(s, CRASH_SHORT, 4);
	fails_with(s, CRASH_SYNC, 1);
	fails_with(s, CRASH_SYNC, 2);
}

static void disk_fails_in_tx(struct script *s)
{
	struct peer p;

	log_set_level(LOG_ERROR + 1);
	peer_open(&p, s);
	durable_queue(&p, "large");
	say(&p, 1, TX_SELECT, "");
	expect(&p, 1, TX_SELECT_OK, "");
	store_crash_fault(s->disk, CRASH_SYNC, 1, 1);
	publish_durable(&p, 1, "large", large(LARGE));
	say(&p, 1, TX_COMMIT, "");
	expect_fail(&p, 541, "INTERNAL_ERROR - message body cannot be written", PUBLISH);
	store_crash_fault(s->disk, CRASH_NONE, 1, 0);
	log_set_level(LOG_ERROR);
}

static void in_tx(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	peer_open(&p, s);
	durable_queue(&p, "large");
	say(&p, 1, TX_SELECT, "");
	expect(&p, 1, TX_SELECT_OK, "");
	publish_durable(&p, 1, "large", body);
	say(&p, 1, TX_ROLLBACK, "");
	expect(&p, 1, TX_ROLLBACK_OK, "");
	assert_int_equal(store_crash_blobs(s->disk), 0);
	publish_durable(&p, 1, "large", body);
	say(&p, 1, TX_COMMIT, "");
	expect(&p, 1, TX_COMMIT_OK, "");
	say(&p, 1, GET, "hso", 0, "large", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "large", 0);
	expect_content(&p, 1, durable, body);
	peer_bye(&p);
}

/* Its publisher goes without waiting: the orderly close comes behind the publish. */
static void close_comes_behind(struct script *s)
{
	struct peer p, q;
	struct view body = large(LARGE);

	peer_open(&q, s);
	durable_queue(&q, "large");
	peer_open(&p, s);
	s->hold_blobs = true;
	publish_durable(&p, 1, "large", body);
	say_publish(&p, 1, "", "large", "behind");
	say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
	expect_nothing(&p);
	assert_true(p.wire.paused);
	s->hold_blobs = false;
	expect(&p, 0, CLOSE_OK, "");
	expect_end(&p);
	say(&q, 1, QUEUE_DECLARE, "hsoT", 0, "large", PASSIVE, NULL);
	expect(&q, 1, QUEUE_DECLARE_OK, "sll", "large", 2, 0);
	peer_bye(&q);
}

/* The connection is lost, or its channel fails, in the middle and at the end. */
static void publisher_goes(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);

	for (int i = 0; i < 3; i++) {
		peer_open(&p, s);
		say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "large", DURABLE, NULL);
		expect(&p, 1, QUEUE_DECLARE_OK, "sll", "large", 0, 0);
		s->hold_blobs = i > 0;
		publish_durable(&p, 1, "large", i == 0 ? view_head(body, 0) : body);
		if (i == 0) {
			say(&p, 1, PUBLISH, "hsso", 0, "", "large", 0);
			peer_frame(&p, 2, 1, view_of("\0\x3c\0\0\0\0\0\0\0\x10\0\0\x10\0\2", 15));
			for (int k = 0; k < 6; k++)
				peer_frame(&p, 3, 1, view_head(body, 100000));
		}
		if (i == 2)
			say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
		peer_drop(&p);
		s->hold_blobs = false;
		script_settle(s);
		assert_int_equal(store_crash_blobs(s->disk), 0);
		peer_open(&p, s);
		say(&p, 1, QUEUE_DELETE, "hso", 0, "large", 0);
		expect(&p, 1, QUEUE_DELETE_OK, "l", i == 0);
		peer_bye(&p);
	}
}

static void remove_one(void *ctx, uint64_t id)
{
	struct blob_disk *d = ctx;

	assert_int_equal(d->remove(d, id), 0);
}

static void files_remove(struct script *s)
{
	struct blob_disk *d = store_crash_disk(s->disk);

	assert_true(blobs_list(s->blobs, remove_one, d));
	d->free(d);
}

/* The file is damaged while it is delivered: no half message, the connection ends,
 * the message is the queue's again. */
static void unreadable(struct script *s)
{
	struct peer p;
	struct queue_stat st;

	log_set_level(LOG_ERROR + 1);
	peer_open(&p, s);
	durable_queue(&p, "large");
	publish_durable(&p, 1, "large", large(LARGE));
	script_settle(s);
	say(&p, 1, CONSUME, "hssoT", 0, "large", "l", 0, NULL);
	turns(s, 3);
	assert_true(p.n - p.at > LARGE / 8);
	files_remove(s);
	script_settle(s);
	assert_true(p.n - p.at < LARGE);
	p.at = p.n - 8 - 4 - 2 - 1 - strlen("INTERNAL_ERROR - message body cannot be read") - 4;
	expect_fail(&p, 541, "INTERNAL_ERROR - message body cannot be read", 0);
	assert_true(engine_queue_stat(s->engine, VIEW("/"), VIEW("large"), &st));
	assert_int_equal(st.ready, 1);
	log_set_level(LOG_ERROR);
}

/* Octets that come faster than the disk takes them. */
static void sender_waits_for_disk(struct script *s)
{
	struct peer p;
	struct view body = large(LARGE);
	uint64_t ahead = s->blobs->ahead_max;

	peer_open(&p, s);
	durable_queue(&p, "large");
	s->blobs->ahead_max = 300000;
	s->hold_blobs = true;
	say(&p, 1, PUBLISH, "hsso", 0, "", "large", 0);
	peer_frame(&p, 2, 1, view_of("\0\x3c\0\0\0\0\0\0\0\x0f\x42\x40\x10\0\2", 15));
	for (int i = 0; i < 5; i++)
		peer_frame(&p, 3, 1, view_head(body, 100000));
	assert_false(p.wire.paused);
	for (int i = 0; i < 3; i++)
		peer_frame(&p, 3, 1, view_head(body, 100000));
	assert_true(p.wire.paused);
	s->hold_blobs = false;
	script_settle(s);
	assert_false(p.wire.paused);
	for (int i = 0; i < 2; i++)
		peer_frame(&p, 3, 1, view_head(body, 100000));
	s->blobs->ahead_max = ahead;
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "large", PASSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "large", 1, 0);
	peer_bye(&p);
}

int main(void)
{
	static const struct script_row rows[] = {
		SCRIPT(slices_are_small),	   SCRIPT(others_go_between),
		SCRIPT(nothing_goes_between),	   SCRIPT(close_comes_behind_content),
		SCRIPT(two_at_once),		   SCRIPT(own_channel_waits),
		SCRIPT(session_is_not_writable),  SCRIPT(client_closes_channel),
		SCRIPT(we_close_channel),	   SCRIPT(connection_closes),
		SCRIPT(too_much_behind),	   SCRIPT(outside_and_back),
		SCRIPT(its_channel_waits),	   SCRIPT(disk_fails),
		SCRIPT(disk_fails_in_tx),	   SCRIPT(in_tx),
		SCRIPT(close_comes_behind),	   SCRIPT(publisher_goes),
		SCRIPT(sender_waits_for_disk),	   SCRIPT(unreadable),
	};

	return scripts_run("amqp091_large", rows, sizeof(rows) / sizeof(rows[0]));
}
