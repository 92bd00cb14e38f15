/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP 0-9-1 publishing and consuming on the wire: rabbitmq.md §4. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp.h"

/* Flags and properties. */
static const struct view durable = BYTES_VIEW("\x10\0\2"); /* delivery_mode 2 */

static void queue(struct peer *p, const char *name, int bits)
{
	say(p, 1, QUEUE_DECLARE, "hsoT", 0, name, bits, NULL);
	expect(p, 1, QUEUE_DECLARE_OK, "sll", name, 0, 0);
}

static void confirm_select(struct peer *p)
{
	say(p, 1, CONFIRM, "o", 0);
	expect(p, 1, CONFIRM_OK, "");
}

static void count(struct peer *p, const char *name, int ready, int consumers)
{
	say(p, 1, QUEUE_DECLARE, "hsoT", 0, name, PASSIVE, NULL);
	expect(p, 1, QUEUE_DECLARE_OK, "sll", name, ready, consumers);
}

/* ---- publish, confirm, return -------------------------------------------------------- */

static void row_4_2_mandatory(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	say(&p, 1, PUBLISH, "hsso", 0, "", "nowhere", 1);
	say_content(&p, 1, durable, VIEW("back"));
	expect(&p, 1, RETURN, "hsss", 312, "NO_ROUTE", "", "nowhere");
	expect_content(&p, 1, durable, VIEW("back"));
	say(&p, 1, PUBLISH, "hsso", 0, "amq.direct", "nowhere", 1);
	say_content(&p, 1, VIEW_NONE, VIEW_NONE);
	expect(&p, 1, RETURN, "hsss", 312, "NO_ROUTE", "amq.direct", "nowhere");
	expect_content(&p, 1, VIEW_NONE, VIEW_NONE);
	confirm_select(&p); /* the return comes before the ack */
	s->hold_engine = true;
	say_publish(&p, 1, "", "q", "1");
	say(&p, 1, PUBLISH, "hsso", 0, "", "nowhere", 1);
	say_content(&p, 1, VIEW_NONE, VIEW("2"));
	s->hold_engine = false;
	expect(&p, 1, RETURN, "hsss", 312, "NO_ROUTE", "", "nowhere");
	expect_content(&p, 1, VIEW_NONE, VIEW("2"));
	expect(&p, 1, ACK, "Lo", 2, 1);
	peer_bye(&p);
}

static void row_4_3_immediate(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 2);
	expect_nothing(&p); /* the whole publish is read before the answer */
	say_content(&p, 1, VIEW_NONE, VIEW("x"));
	expect_fail(&p, 540, "NOT_IMPLEMENTED - immediate=true", PUBLISH);
}

static void property_refused(struct script *s, struct view raw, uint16_t code, const char *text)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, raw, VIEW("x"));
	if (code < 500) {
		expect_channel_fail(&p, 1, code, text, PUBLISH);
		peer_bye(&p);
	} else {
		expect_fail(&p, code, text, PUBLISH);
	}
}

static void row_4_4_properties(struct script *s)
{
	property_refused(s, VIEW("\x01\0\x03" "abc"), 406,
			 "PRECONDITION_FAILED - invalid expiration 'abc': no_integer");
	property_refused(s, VIEW("\x01\0\x02-1"), 406,
			 "PRECONDITION_FAILED - invalid expiration '-1': {value_negative,-1}");
	property_refused(s, VIEW("\x01\0\x03" "12s"), 406,
			 "PRECONDITION_FAILED - invalid expiration '12s': {leftover_string,\"s\"}");
	property_refused(s, VIEW("\x01\0\0"), 406, "PRECONDITION_FAILED - invalid expiration '': no_integer");
	property_refused(s, VIEW("\x01\0\x0e+0315360000001"), 406,
			 "PRECONDITION_FAILED - invalid expiration '+0315360000001': {value_too_large,315360000001}");
	property_refused(s, VIEW("\x01\0\x0f-99999999999999"), 406,
			 "PRECONDITION_FAILED - invalid expiration '-99999999999999': {value_negative,-99999999999999}");
	property_refused(s, VIEW("\0\x10\x03" "bob"), 406,
			 "PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest'");
	property_refused(s, VIEW("\x02\0\x15" "amq.rabbitmq.reply-to"), 406,
			 "PRECONDITION_FAILED - fast reply consumer does not exist");
	property_refused(s, VIEW("\x20\0\0\0\0\x08\2CCS\0\0\0\0"), 406,
			 "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"CC\",longstr}");
	property_refused(s, VIEW("\x20\0\0\0\0\x05\3BCCV"), 406,
			 "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"BCC\",void}");
}

static void row_4_6_too_large(struct script *s)
{
	struct peer p;
	char body[300];

	memset(body, 'b', sizeof(body));
	s->env.options.message_bytes_max = 256;
	peer_open(&p, s);
	queue(&p, "q", 0);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, VIEW_NONE, view_of(body, 256));
	count(&p, "q", 1, 0);
	/* the whole publish is read before the answer */
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	p.frame_max = 108;
	say_content(&p, 1, VIEW_NONE, view_of(body, 257));
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - message size 257 is larger than configured max size 256", PUBLISH);
	open_channel(&p, 1);
	count(&p, "q", 1, 0);
	peer_bye(&p);
}

/* Header octets come back as they were sent; bodies of every size, in odd frames. */
static void row_4_7_content_unchanged(struct script *s)
{
	static const struct view all = BYTES_VIEW(
		"\xff\xfc\x0a" "text/plain\x04gzip\0\0\0\x66"
		"\1tt\1\1bb\xff\1BB\xff\1ss\xff\xfe\1uu\xff\xfe\1II\xff\xff\xff\xfe\1ii\xff\xff\xff\xfe"
		"\1ll\xff\xff\xff\xff\xff\xff\xff\xfe\1ff\x3f\x80\0\0\1dd\x3f\xf0\0\0\0\0\0\0\1DD\2\0\0\0\7"
		"\1TT\0\0\0\0\x65\0\0\0\1SS\0\0\0\1a\1AA\0\0\0\3Vt\1"
		"\2\7\1c\1r\3" "100\1m\0\0\0\0\0\0\0\5\1t\5guest\1a\1c");
	static const size_t sizes[] = {0, 1, 4087, 4088, 4089, 8176, 65536, 70000};
	struct peer p;
	char *body = malloc(70000);

	for (size_t i = 0; i < 70000; i++)
		body[i] = (char)(i * 7);
	peer_open(&p, s);
	queue(&p, "q", 0);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, all, VIEW("m"));
	say(&p, 1, GET, "hso", 0, "q", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 0);
	expect_content(&p, 1, all, VIEW("m"));
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, VIEW("\x10\2\0"), VIEW("m")); /* a flag of no property, a mode that is none */
	say(&p, 1, GET, "hso", 0, "q", 1);
	expect(&p, 1, GET_OK, "Lossl", 2, 0, "", "q", 0);
	expect_content(&p, 1, VIEW("\x10\2\0"), VIEW("m"));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p.frame_max = i % 2 ? 4096 : 1000;
		say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
		say_content(&p, 1, VIEW_NONE, view_of(body, sizes[i]));
		p.frame_max = 131072;
		say(&p, 1, GET, "hso", 0, "q", 1);
		expect(&p, 1, GET_OK, "Lossl", (int)i + 3, 0, "", "q", 0);
		expect_content(&p, 1, VIEW_NONE, view_of(body, sizes[i]));
	}
	free(body);
	peer_bye(&p);
}

/* A small negotiated frame size holds for what is sent; 8 octets over it are taken (1.23). */
static void row_1_23_frame_sizes(struct script *s)
{
	struct peer p, small = {.script = s};
	char body[9000];

	memset(body, 's', sizeof(body));
	peer_connect(&small, s);
	peer_bytes(&small, VIEW("AMQP\0\0\x09\x01"));
	script_settle(s);
	small.at = small.n;
	peer_frame(&small, 1, 0, VIEW("\0\x0a\0\x0b\0\0\0\0\5PLAIN\0\0\0\x0c\0guest\0guest\5en_US"));
	expect(&small, 0, TUNE, "hlh", 2047, 131072, 60);
	say(&small, 0, TUNE_OK, "hlh", 2047, 4096, 0);
	say(&small, 0, OPEN, "sso", "/", "", 0);
	expect(&small, 0, OPEN_OK, "s", "");
	open_channel(&small, 1);
	queue(&small, "q", 0);
	peer_open(&p, s);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, VIEW_NONE, view_of(body, sizeof(body)));
	say(&small, 1, GET, "hso", 0, "q", 1);
	expect(&small, 1, GET_OK, "Lossl", 1, 0, "", "q", 0);
	small.frame_max = 4096;
	expect_content(&small, 1, VIEW_NONE, view_of(body, sizeof(body)));
	say(&small, 1, PUBLISH, "hsso", 0, "", "q", 0);
	small.frame_max = 4104;
	say_content(&small, 1, VIEW_NONE, view_of(body, 4096));
	count(&small, "q", 1, 0);
	say(&small, 1, PUBLISH, "hsso", 0, "", "q", 0);
	small.frame_max = 4105;
	say_content(&small, 1, VIEW_NONE, view_of(body, 4097));
	expect_fail(&small, 501, "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}", 0);
	peer_bye(&p);
}

static void row_4_8_confirms(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", DURABLE);
	say_publish(&p, 1, "", "q", "before"); /* not counted */
	confirm_select(&p);
	say(&p, 1, CONFIRM, "o", 1); /* again: nothing changes */
	expect_nothing(&p);
	s->hold_engine = true;
	say_publish(&p, 1, "", "q", "one");
	s->hold_engine = false;
	expect(&p, 1, ACK, "Lo", 1, 0);
	s->hold_engine = true;
	for (int i = 0; i < 100; i++)
		say_publish(&p, 1, "", i % 2 ? "q" : "unroutable", "many");
	s->hold_engine = false;
	expect(&p, 1, ACK, "Lo", 101, 1);
	/* a durable one finishes after its commit, the transient ones around it at once */
	s->hold_engine = true;
	say_publish(&p, 1, "", "q", "t");
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, durable, VIEW("d"));
	say_publish(&p, 1, "", "q", "t");
	say_publish(&p, 1, "", "q", "t");
	s->hold_engine = false;
	expect(&p, 1, ACK, "Lo", 102, 0);
	expect(&p, 1, ACK, "Lo", 104, 0);
	expect(&p, 1, ACK, "Lo", 105, 0);
	expect(&p, 1, ACK, "Lo", 103, 0);
	s->hold_engine = true;
	say_publish(&p, 1, "", "q", "t");
	s->hold_engine = false;
	expect(&p, 1, ACK, "Lo", 106, 0);
	say(&p, 1, PURGE, "hso", 0, "q", 0);
	expect(&p, 1, PURGE_OK, "l", 57);
	peer_bye(&p);
}

/* A turn's confirms come after its deliveries (engine.md §5). */
static void confirms_after_deliveries(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	confirm_select(&p);
	consume(&p, "q", "t", true);
	s->hold_engine = true;
	say_publish(&p, 1, "", "q", "1");
	say_publish(&p, 1, "", "q", "2");
	s->hold_engine = false;
	expect_deliver(&p, "t", 1, false, "q", "1");
	expect_deliver(&p, "t", 2, false, "q", "2");
	expect(&p, 1, ACK, "Lo", 2, 1);
	peer_bye(&p);
}

/* ---- consume ---------------------------------------------------------------------------- */

static void row_4_11_consume(struct script *s)
{
	struct peer p;
	const uint8_t *f;

	peer_open(&p, s);
	queue(&p, "q", 0);
	say_publish(&p, 1, "", "q", "first");
	consume(&p, "q", "t", false); /* consume-ok before the first delivery */
	expect_deliver(&p, "t", 1, false, "q", "first");
	say(&p, 1, CONSUME, "hssoT", 0, "q", "", 0, NULL);
	script_settle(s);
	f = p.got + p.at;
	assert_int_equal(be32_get(f + 7), CONSUME_OK);
	assert_int_equal(f[11], 31);
	assert_memory_equal(f + 12, "amq.ctag-", 9);
	p.at = p.n;
	say(&p, 1, CONSUME, "hssoT", 0, "q", "silent", 8, NULL);
	expect_nothing(&p);
	count(&p, "q", 0, 3);
	say(&p, 1, CONSUME, "hssoT", 0, "q", "t", 0, NULL);
	expect_fail(&p, 530, "NOT_ALLOWED - attempt to reuse consumer tag 't'", CONSUME);
	peer_open(&p, s);
	say(&p, 1, CONSUME, "hssoT", 0, "noq", "t", 0, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'noq' in vhost '/'", CONSUME);
	open_channel(&p, 1);
	peer_bye(&p);
}

/* 3.20, 4.16: types are checked, what is not known is ignored */
static void row_4_16_consume_arguments(struct script *s)
{
	static const struct {
		struct view arguments;
		const char *text; /* NULL: accepted */
	} rows[] = {
		{BYTES_VIEW("\x17x-cancel-on-ha-failovert\1"), NULL},
		{BYTES_VIEW("\x0ax-priorityI\xff\xff\xff\xff"), NULL},
		{BYTES_VIEW("\7unknownS\0\0\0\1a"), NULL},
		{BYTES_VIEW("\x17x-cancel-on-ha-failoverI\0\0\0\1"),
		 "PRECONDITION_FAILED - invalid arg 'x-cancel-on-ha-failover' for queue 'q' in vhost '/': "
		 "{unacceptable_type,signedint}"},
		{BYTES_VIEW("\x0ax-priorityS\0\0\0\1a"),
		 "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/': \"expected integer, got "
		 "longstr\""},
	};
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* 4.15: no_local means nothing */
		say(&p, 1, CONSUME, "hssoT", 0, "q", "t", 1, &rows[i].arguments);
		if (rows[i].text) {
			expect_channel_fail(&p, 1, 406, rows[i].text, CONSUME);
			open_channel(&p, 1);
			continue;
		}
		expect(&p, 1, CONSUME_OK, "s", "t");
		say_publish(&p, 1, "", "q", "own");
		expect_deliver(&p, "t", i + 1, false, "q", "own");
		say(&p, 1, ACK, "Lo", (int)i + 1, 0);
		say(&p, 1, CANCEL, "so", "t", 0);
		expect(&p, 1, CANCEL_OK, "s", "t");
	}
	peer_bye(&p);
}

static void row_4_12_exclusive_consumer(struct script *s)
{
	static const char text[] = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";
	struct peer p, other;

	peer_open(&p, s);
	peer_open(&other, s);
	queue(&p, "q", 0);
	say(&p, 1, CONSUME, "hssoT", 0, "q", "t", 4, NULL);
	expect(&p, 1, CONSUME_OK, "s", "t");
	say(&other, 1, CONSUME, "hssoT", 0, "q", "t", 0, NULL);
	expect_channel_fail(&other, 1, 403, text, CONSUME);
	open_channel(&other, 1);
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	consume(&other, "q", "t", false);
	say(&p, 1, CONSUME, "hssoT", 0, "q", "t", 4, NULL);
	expect_channel_fail(&p, 1, 403, text, CONSUME);
	peer_bye(&p);
	peer_bye(&other);
}

static void row_4_13_cancelled(struct script *s)
{
	struct peer p, other;

	peer_open(&p, s);
	peer_open(&other, s);
	queue(&p, "q", 0);
	consume(&other, "q", "t", false);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	expect(&other, 1, CANCEL, "so", "t", 1);
	say(&other, 1, CANCEL, "so", "t", 0); /* 4.14: it is unknown now */
	expect(&other, 1, CANCEL_OK, "s", "t");
	queue(&p, "q", 0);
	consume(&other, "q", "t", false); /* and the tag is free */
	/* A channel that deletes what it consumes from hears delete-ok first. */
	consume(&p, "q", "a", false);
	queue(&p, "r", 0);
	consume(&p, "r", "b", false);
	s->hold_engine = true;
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "r", 0);
	s->hold_engine = false;
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	expect(&p, 1, CANCEL, "so", "a", 1);
	expect(&p, 1, CANCEL, "so", "b", 1);
	expect(&other, 1, CANCEL, "so", "t", 1);
	peer_bye(&p);
	peer_bye(&other);
}

static void row_4_14_cancel(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	say(&p, 1, CANCEL, "so", "unknown", 0);
	expect(&p, 1, CANCEL_OK, "s", "unknown");
	say_publish(&p, 1, "", "q", "m");
	consume(&p, "q", "t", false);
	expect_deliver(&p, "t", 1, false, "q", "m");
	s->hold_engine = true; /* cancel and the tag's next use, without waiting */
	say(&p, 1, CANCEL, "so", "t", 0);
	say(&p, 1, CONSUME, "hssoT", 0, "q", "t", 0, NULL);
	say(&p, 1, CANCEL, "so", "t", 1);
	s->hold_engine = false;
	expect(&p, 1, CANCEL_OK, "s", "t");
	expect(&p, 1, CONSUME_OK, "s", "t");
	count(&p, "q", 0, 0); /* what was out stays out */
	say(&p, 1, ACK, "Lo", 1, 0);
	expect_nothing(&p);
	peer_bye(&p);
}

static void row_4_17_qos(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	for (int i = 0; i < 8; i++)
		say_publish(&p, 1, "", "q", "m");
	say(&p, 1, QOS, "lho", 0, 2, 0);
	expect(&p, 1, QOS_OK, "");
	consume(&p, "q", "a", false);
	expect_deliver(&p, "a", 1, false, "q", "m");
	expect_deliver(&p, "a", 2, false, "q", "m");
	expect_nothing(&p);
	say(&p, 1, ACK, "Lo", 1, 0);
	expect_deliver(&p, "a", 3, false, "q", "m");
	expect_nothing(&p);
	say(&p, 1, QOS, "lho", 0, 1, 0); /* those that are there keep theirs */
	expect(&p, 1, QOS_OK, "");
	say(&p, 1, ACK, "Lo", 3, 1);
	expect_deliver(&p, "a", 4, false, "q", "m");
	expect_deliver(&p, "a", 5, false, "q", "m");
	consume(&p, "q", "b", false);
	expect_deliver(&p, "b", 6, false, "q", "m");
	expect_nothing(&p);
	say(&p, 1, QOS, "lho", 0, 3, 1); /* the channel's: full */
	expect(&p, 1, QOS_OK, "");
	say(&p, 1, ACK, "Lo", 6, 0);
	expect_deliver(&p, "b", 7, false, "q", "m");
	say(&p, 1, QOS, "lho", 0, 1, 1);
	expect(&p, 1, QOS_OK, "");
	say(&p, 1, ACK, "Lo", 4, 0);
	expect_nothing(&p);
	say(&p, 1, QOS, "lho", 0, 1, 0); /* no limit again but their own; 0 for the channel does the same */
	expect(&p, 1, QOS_OK, "");
	expect_deliver(&p, "a", 8, false, "q", "m");
	say(&p, 1, QOS, "lho", 0, 0, 1);
	expect(&p, 1, QOS_OK, "");
	say(&p, 1, QOS, "lho", 10, 0, 0);
	expect_fail(&p, 540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)", QOS);
}

static void row_4_18_get(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	say(&p, 1, GET, "hso", 0, "q", 0);
	expect(&p, 1, GET_EMPTY, "s", "");
	for (int i = 0; i < 3; i++)
		say_publish(&p, 1, "", "q", "m");
	say(&p, 1, GET, "hso", 0, "q", 0);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 2);
	expect_content(&p, 1, VIEW_NONE, VIEW("m"));
	say(&p, 1, GET, "hso", 0, "q", 1);
	expect(&p, 1, GET_OK, "Lossl", 2, 0, "", "q", 1);
	expect_content(&p, 1, VIEW_NONE, VIEW("m"));
	consume(&p, "q", "t", false); /* one sequence of tags */
	expect_deliver(&p, "t", 3, false, "q", "m");
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	for (int i = 0; i < 3; i++)
		say_publish(&p, 1, "", "q", "m");
	script_settle(s);
	s->hold_engine = true; /* what was left behind each, also when they come at once */
	for (int i = 0; i < 4; i++)
		say(&p, 1, GET, "hso", 0, "q", i % 2);
	s->hold_engine = false;
	for (int i = 0; i < 3; i++) {
		expect(&p, 1, GET_OK, "Lossl", 4 + i, 0, "", "q", 2 - i);
		expect_content(&p, 1, VIEW_NONE, VIEW("m"));
	}
	expect(&p, 1, GET_EMPTY, "s", "");
	say(&p, 1, ACK, "Lo", 2, 0); /* was settled when it was sent */
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - unknown delivery tag 2", ACK);
	open_channel(&p, 1);
	say(&p, 1, GET, "hso", 0, "noq", 0);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'noq' in vhost '/'", GET);
	peer_bye(&p);
}

/* ---- settling ------------------------------------------------------------------------------- */

static void five_out(struct peer *p)
{
	static const char *const bodies[] = {"m1", "m2", "m3", "m4", "m5"};

	queue(p, "q", 0);
	for (int i = 0; i < 5; i++)
		say_publish(p, 1, "", "q", bodies[i]);
	consume(p, "q", "t", false);
	for (int i = 0; i < 5; i++)
		expect_deliver(p, "t", (uint64_t)i + 1, false, "q", bodies[i]);
}

static void row_4_19_ack(struct script *s)
{
	static const struct {
		uint32_t id;
		int tag, bits;
		const char *text;
	} bad[] = {
		{ACK, 99, 0, "PRECONDITION_FAILED - unknown delivery tag 99"},
		{ACK, 0, 0, "PRECONDITION_FAILED - unknown delivery tag 0"},
		{ACK, 3, 0, "PRECONDITION_FAILED - unknown delivery tag 3"},
		{ACK, 2, 1, "PRECONDITION_FAILED - unknown delivery tag 2"},
		{ACK, 6, 1, "PRECONDITION_FAILED - unknown delivery tag 6"},
		{NACK, 99, 0, "PRECONDITION_FAILED - unknown delivery tag 99"},
		{REJECT, 99, 0, "PRECONDITION_FAILED - unknown delivery tag 99"},
	};
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, ACK, "Lo", 0, 1); /* none outstanding: no error */
	expect_nothing(&p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		five_out(&p);
		say(&p, 1, ACK, "Lo", 4, 0);
		say(&p, 1, ACK, "Lo", 3, 1); /* 1 to 3 */
		say(&p, 1, bad[i].id, "Lo", bad[i].tag, bad[i].bits);
		expect_channel_fail(&p, 1, 406, bad[i].text, bad[i].id);
		open_channel(&p, 1);
		count(&p, "q", 1, 0); /* 5 went back */
		say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
		expect(&p, 1, QUEUE_DELETE_OK, "l", 1);
	}
	five_out(&p);
	say(&p, 1, ACK, "Lo", 0, 1); /* all */
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1);
	count(&p, "q", 0, 0);
	peer_bye(&p);
}

/* Back to its own place, marked as seen before. */
static void row_4_20_requeue(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, QOS, "lho", 0, 5, 0);
	expect(&p, 1, QOS_OK, "");
	five_out(&p);
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	say(&p, 1, REJECT, "Lo", 4, 1);
	say(&p, 1, NACK, "Lo", 2, 3); /* 1 and 2 */
	say(&p, 1, ACK, "Lo", 3, 0);
	say(&p, 1, REJECT, "Lo", 5, 0); /* 4.22: dropped */
	consume(&p, "q", "u", false);
	expect_deliver(&p, "u", 6, true, "q", "m1");
	expect_deliver(&p, "u", 7, true, "q", "m2");
	expect_deliver(&p, "u", 8, true, "q", "m4");
	expect_nothing(&p);
	peer_bye(&p);
}

static void row_4_21_redelivered(struct script *s)
{
	struct peer p, other;

	peer_open(&other, s);
	peer_open(&p, s);
	five_out(&p);
	say(&p, 1, ACK, "Lo", 1, 0);
	peer_drop(&p); /* the connection is lost */
	count(&other, "q", 4, 0);
	say(&other, 1, GET, "hso", 0, "q", 0);
	expect(&other, 1, GET_OK, "Lossl", 1, 1, "", "q", 3);
	expect_content(&other, 1, VIEW_NONE, VIEW("m2"));
	say(&other, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	expect(&other, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&other, 1);
	say(&other, 1, GET, "hso", 0, "q", 1);
	expect(&other, 1, GET_OK, "Lossl", 1, 1, "", "q", 3);
	expect_content(&other, 1, VIEW_NONE, VIEW("m2"));
	peer_bye(&other);
}

static void row_4_23_recover(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, RECOVER, "o", 1); /* Celery's first word */
	expect(&p, 1, RECOVER_OK, "");
	queue(&p, "q", 0);
	say_publish(&p, 1, "", "q", "m");
	consume(&p, "q", "t", false);
	expect_deliver(&p, "t", 1, false, "q", "m");
	say(&p, 1, RECOVER, "o", 1);
	expect(&p, 1, RECOVER_OK, "");
	expect_deliver(&p, "t", 2, true, "q", "m");
	say(&p, 1, RECOVER_ASYNC, "o", 1);
	expect_deliver(&p, "t", 3, true, "q", "m");
	say(&p, 1, RECOVER, "o", 0);
	expect_fail(&p, 540, "NOT_IMPLEMENTED - requeue=false", RECOVER);
}

/* Thousands out, settled in every order: the book-keeping holds. */
static void many_unsettled(struct script *s)
{
	enum { MANY = 3000 };
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	consume(&p, "q", "t", false);
	for (int i = 0; i < MANY; i++)
		say_publish(&p, 1, "", "q", "m");
	script_settle(s);
	p.at = p.n;
	for (int i = 2; i <= MANY; i++) /* the first keeps the ring open */
		if (i % 3)
			say(&p, 1, ACK, "Lo", i, 0);
	for (int i = MANY - MANY % 3; i > 3; i -= 3)
		say(&p, 1, REJECT, "Lo", i, 0);
	for (int i = 0; i < MANY; i++)
		say_publish(&p, 1, "", "q", "m");
	script_settle(s);
	p.at = p.n;
	say(&p, 1, ACK, "Lo", MANY + 1, 1);
	say(&p, 1, ACK, "Lo", 0, 1);
	expect_nothing(&p);
	say(&p, 1, ACK, "Lo", MANY + 2, 0);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - unknown delivery tag 3002", ACK);
	open_channel(&p, 1);
	count(&p, "q", 0, 0);
	peer_bye(&p);
}

/* Order from one publisher to one consumer over a full out-queue (4.25, engine.md §3). */
static void writable_gate(struct script *s)
{
	struct peer p, c;

	peer_open(&p, s);
	peer_open(&c, s);
	queue(&p, "q", 0);
	consume(&c, "q", "t", true);
	c.wire.writable(c.head, false);
	say_publish(&p, 1, "", "q", "1");
	say_publish(&p, 1, "", "q", "2");
	expect_nothing(&c);
	count(&p, "q", 2, 1);
	c.wire.writable(c.head, true);
	expect_deliver(&c, "t", 1, false, "q", "1");
	expect_deliver(&c, "t", 2, false, "q", "2");
	peer_bye(&p);
	peer_bye(&c);
}

int main(void)
{
	static const struct script_row rows[] = {
		SCRIPT(row_4_2_mandatory), SCRIPT(row_4_3_immediate), SCRIPT(row_4_4_properties),
		SCRIPT(row_4_6_too_large), SCRIPT(row_4_7_content_unchanged), SCRIPT(row_1_23_frame_sizes),
		SCRIPT(row_4_8_confirms), SCRIPT(confirms_after_deliveries), SCRIPT(row_4_11_consume),
		SCRIPT(row_4_16_consume_arguments), SCRIPT(row_4_12_exclusive_consumer), SCRIPT(row_4_13_cancelled), SCRIPT(row_4_14_cancel),
		SCRIPT(row_4_17_qos), SCRIPT(row_4_18_get), SCRIPT(row_4_19_ack), SCRIPT(row_4_20_requeue),
		SCRIPT(row_4_21_redelivered), SCRIPT(row_4_23_recover), SCRIPT(many_unsettled),
		SCRIPT(writable_gate),
	};

	return scripts_run("amqp091_messages", rows, sizeof(rows) / sizeof(rows[0]));
}
