/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP 0-9-1 definitions on the wire: rabbitmq.md §2, §3 and 5.1–5.2. */
#include <stdio.h>

#include "amqp.h"

/* ---- exchanges ------------------------------------------------------------------- */

static void exchange(struct peer *p, const char *name, const char *type, int bits)
{
	say(p, 1, EXCHANGE_DECLARE, "hssoT", 0, name, type, bits, NULL);
}

static void row_2_1_predeclared(struct script *s)
{
	static const char *const names[][2] = {
		{"amq.direct", "direct"}, {"amq.fanout", "fanout"}, {"amq.topic", "topic"},
		{"amq.headers", "headers"}, {"amq.match", "headers"},
	};
	struct peer p;

	peer_open(&p, s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		exchange(&p, names[i][0], names[i][1], DURABLE);
		expect(&p, 1, EXCHANGE_DECLARE_OK, "");
		exchange(&p, names[i][0], "", PASSIVE);
		expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	}
	peer_bye(&p);
}

static void row_2_2_default_exchange(struct script *s)
{
	static const char text[] = "ACCESS_REFUSED - operation not permitted on the default exchange";
	struct peer p;

	peer_open(&p, s);
	declare(&p, "q");
	exchange(&p, "", "direct", DURABLE);
	expect_channel_fail(&p, 1, 403, text, EXCHANGE_DECLARE);
	open_channel(&p, 1);
	exchange(&p, "", "direct", PASSIVE);
	expect_channel_fail(&p, 1, 403, text, EXCHANGE_DECLARE);
	open_channel(&p, 1);
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "", 0);
	expect_channel_fail(&p, 1, 403, text, EXCHANGE_DELETE);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "", "k", 0, NULL);
	expect_channel_fail(&p, 1, 403, text, QUEUE_BIND);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_UNBIND, "hsssT", 0, "q", "", "k", NULL);
	expect_channel_fail(&p, 1, 403, text, QUEUE_UNBIND);
	open_channel(&p, 1);
	say(&p, 1, EXCHANGE_BIND, "hsssoT", 0, "", "amq.direct", "k", 0, NULL);
	expect_channel_fail(&p, 1, 403, text, EXCHANGE_BIND);
	peer_bye(&p);
}

static void row_2_3_equivalence(struct script *s)
{
	static const struct {
		const char *type;
		int bits;
		const char *text;
	} other[] = {
		{"topic", 0, "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/': received 'topic' "
			     "but current is 'direct'"},
		{"direct", DURABLE, "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'x' in vhost '/': "
				    "received 'true' but current is 'false'"},
		{"direct", X_AUTO_DELETE, "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for exchange 'x' in vhost "
					  "'/': received 'true' but current is 'false'"},
		{"direct", X_INTERNAL, "PRECONDITION_FAILED - inequivalent arg 'internal' for exchange 'x' in vhost '/': "
				       "received 'true' but current is 'false'"},
	};
	struct peer p;

	peer_open(&p, s);
	exchange(&p, "x", "direct", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	exchange(&p, "x", "direct", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	exchange(&p, "x", "direct", NOWAIT);
	expect_nothing(&p);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		exchange(&p, "x", other[i].type, other[i].bits);
		expect_channel_fail(&p, 1, 406, other[i].text, EXCHANGE_DECLARE);
		open_channel(&p, 1);
	}
	exchange(&p, "x", "topic", NOWAIT); /* errors are said all the same */
	expect_channel_fail(&p, 1, 406, other[0].text, EXCHANGE_DECLARE);
	peer_bye(&p);
}

static void row_2_4_types(struct script *s)
{
	static const char *const later[] = {"x-delayed-message", "x-message-deduplication", "x-modulus-hash"};
	struct peer p;

	peer_open(&p, s);
	exchange(&p, "x", "bogus", 0);
	expect_fail(&p, 503, "COMMAND_INVALID - unknown exchange type 'bogus'", EXCHANGE_DECLARE);
	peer_open(&p, s);
	exchange(&p, "x", "", 0);
	expect_fail(&p, 503, "COMMAND_INVALID - invalid exchange type ''", EXCHANGE_DECLARE);
	for (size_t i = 0; i < 3; i++) {
		char text[100];

		snprintf(text, sizeof(text), "NOT_IMPLEMENTED - exchange type '%s'", later[i]);
		peer_open(&p, s);
		exchange(&p, "x", later[i], 0);
		expect_fail(&p, 540, text, EXCHANGE_DECLARE);
	}
}

static void row_2_5_names(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	exchange(&p, "a\r\nb", "direct", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	exchange(&p, "ab", "direct", PASSIVE);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	exchange(&p, "amq.foo", "direct", 0);
	expect_channel_fail(&p, 1, 403, "ACCESS_REFUSED - exchange name 'amq.foo' contains reserved prefix 'amq.*'",
			    EXCHANGE_DECLARE);
	open_channel(&p, 1);
	exchange(&p, "p-nox", "direct", PASSIVE); /* 2.6 */
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'p-nox' in vhost '/'", EXCHANGE_DECLARE);
	peer_bye(&p);
}

static void row_2_7_delete(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "missing", 0);
	expect(&p, 1, EXCHANGE_DELETE_OK, "");
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "missing", 2);
	expect_nothing(&p);
	exchange(&p, "x", "fanout", DURABLE);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	declare(&p, "q");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "x", "", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "x", 1);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - exchange 'x' in vhost '/' in use", EXCHANGE_DELETE);
	open_channel(&p, 1);
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "x", 0);
	expect(&p, 1, EXCHANGE_DELETE_OK, "");
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "amq.direct", 0);
	expect_channel_fail(&p, 1, 403,
			    "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed",
			    EXCHANGE_DELETE);
	open_channel(&p, 1);
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "amq.nosuch", 0);
	expect_channel_fail(&p, 1, 403,
			    "ACCESS_REFUSED - deletion of system exchange 'amq.nosuch' in vhost '/' not allowed",
			    EXCHANGE_DELETE);
	peer_bye(&p);
}

static void row_2_8_auto_delete(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	exchange(&p, "x", "direct", X_AUTO_DELETE);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	declare(&p, "q");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "x", "k", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	say(&p, 1, QUEUE_UNBIND, "hsssT", 0, "q", "x", "k", NULL);
	expect(&p, 1, QUEUE_UNBIND_OK, "");
	exchange(&p, "x", "direct", PASSIVE);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'x' in vhost '/'", EXCHANGE_DECLARE);
	peer_bye(&p);
}

static void row_2_9_internal(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	exchange(&p, "x", "direct", X_INTERNAL);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	say_publish(&p, 1, "x", "k", "m");
	expect_channel_fail(&p, 1, 403, "ACCESS_REFUSED - cannot publish to internal exchange 'x' in vhost '/'", PUBLISH);
	peer_bye(&p);
}

/* A message reaches a queue once, however many ways lead there. */
static void row_2_10_exchange_bind(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	exchange(&p, "from", "fanout", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	exchange(&p, "to", "topic", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	declare(&p, "q");
	say(&p, 1, EXCHANGE_BIND, "hsssoT", 0, "to", "from", "", 0, NULL);
	expect(&p, 1, EXCHANGE_BIND_OK, "");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "to", "a.#", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "to", "*.b", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "from", "", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	say_publish(&p, 1, "from", "a.b", "once");
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", PASSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "q", 1, 0);
	say(&p, 1, EXCHANGE_UNBIND, "hsssoT", 0, "to", "from", "", 0, NULL);
	expect(&p, 1, EXCHANGE_UNBIND_OK, "");
	say(&p, 1, EXCHANGE_UNBIND, "hsssoT", 0, "to", "from", "", 0, NULL);
	expect(&p, 1, EXCHANGE_UNBIND_OK, "");
	say(&p, 1, EXCHANGE_BIND, "hsssoT", 0, "nox", "from", "", 0, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", EXCHANGE_BIND);
	open_channel(&p, 1);
	say(&p, 1, EXCHANGE_BIND, "hsssoT", 0, "to", "nox", "", 0, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", EXCHANGE_BIND);
	peer_bye(&p);
}

static void row_2_11_bind(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	declare(&p, "q");
	for (int i = 0; i < 2; i++) { /* the second changes nothing */
		say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "amq.direct", "k", 0, NULL);
		expect(&p, 1, QUEUE_BIND_OK, "");
	}
	say_publish(&p, 1, "amq.direct", "k", "one");
	say_publish(&p, 1, "amq.direct", "other", "none");
	say(&p, 1, PURGE, "hso", 0, "q", 0);
	expect(&p, 1, PURGE_OK, "l", 1);
	say(&p, 1, QUEUE_UNBIND, "hsssT", 0, "q", "amq.direct", "never", NULL);
	expect(&p, 1, QUEUE_UNBIND_OK, "");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "noq", "amq.direct", "k", 0, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'noq' in vhost '/'", QUEUE_BIND);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "nox", "k", 0, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", QUEUE_BIND);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "noq", "nox", "k", 0, NULL); /* the exchange first */
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", QUEUE_BIND);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_UNBIND, "hsssT", 0, "q", "nox", "k", NULL);
	expect(&p, 1, QUEUE_UNBIND_OK, "");
	peer_bye(&p);
}

/* Publishes one message with this header table (its inside; NULL: no table) and
 * takes what reached "q". */
static void headers_reach(struct peer *p, const struct view *table, int n)
{
	struct buf raw;

	buf_init(&raw, 1024);
	buf_add_u16(&raw, table ? 0x2000 : 0);
	if (table) {
		buf_add_u32(&raw, (uint32_t)table->n);
		buf_add(&raw, *table);
	}
	say(p, 1, PUBLISH, "hsso", 0, "x", "ignored", 0);
	say_content(p, 1, buf_view(&raw), VIEW("m"));
	say(p, 1, PURGE, "hso", 0, "q", 0);
	expect(p, 1, PURGE_OK, "l", n);
	buf_fini(&raw);
}

static void row_2_15_headers(struct script *s)
{
	static const struct view all = BYTES_VIEW("\1aI\0\0\0\1" "\1bV" "\3x-yI\0\0\0\1");
	static const struct view both = BYTES_VIEW("\1bS\0\0\0\1z" "\1ab\1");
	static const struct view one = BYTES_VIEW("\1aI\0\0\0\1");
	static const struct view bogus = BYTES_VIEW("\7x-matchS\0\0\0\5bogus");
	static const struct view number = BYTES_VIEW("\7x-matchI\0\0\0\1");
	struct peer p;

	peer_open(&p, s);
	declare(&p, "q");
	exchange(&p, "x", "headers", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "x", "k", 0, &all);
	expect(&p, 1, QUEUE_BIND_OK, "");
	headers_reach(&p, &both, 1);
	headers_reach(&p, &one, 0);
	headers_reach(&p, NULL, 0);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "x", "k", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	headers_reach(&p, NULL, 1);
	headers_reach(&p, &both, 1);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "q", "x", "k", 0, &bogus);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - Invalid x-match field value <<\"bogus\">>; expected all, "
					"any, all-with-x, or any-with-x", QUEUE_BIND);
	open_channel(&p, 1);
	say(&p, 1, EXCHANGE_BIND, "hsssoT", 0, "amq.fanout", "x", "k", 0, &number);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - Invalid x-match field type signedint (value 1); expected "
					"longstr", EXCHANGE_BIND);
	peer_bye(&p);
}

static void row_2_22_publish_to_nowhere(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say_publish(&p, 1, "nox", "k", "m");
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", PUBLISH);
	open_channel(&p, 1);
	say(&p, 1, CONFIRM, "o", 0);
	expect(&p, 1, CONFIRM_OK, "");
	say_publish(&p, 1, "nox", "k", "m");
	say_publish(&p, 1, "", "q", "m");
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", PUBLISH);
	/* what came behind it on the channel is not done */
	open_channel(&p, 1);
	declare(&p, "q");
	say_publish(&p, 1, "", "q", "input");
	say(&p, 1, GET, "hso", 0, "q", 0);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 0);
	expect_content(&p, 1, VIEW_NONE, VIEW("input"));
	s->hold_engine = true;
	say_publish(&p, 1, "nox", "k", "result");
	say(&p, 1, ACK, "Lo", 1, 0);
	say_publish(&p, 1, "", "q", "late");
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	s->hold_engine = false;
	expect_channel_close(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", PUBLISH);
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	say(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1);
	say(&p, 1, GET, "hso", 0, "q", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 1, "", "q", 0);
	expect_content(&p, 1, VIEW_NONE, VIEW("input"));
	peer_bye(&p);
}

/* ---- queues ----------------------------------------------------------------------- */

/* The name in the next frame, a declare-ok, and that frame taken. */
static const char *generated_name(struct peer *p, char name[256])
{
	const uint8_t *f;
	uint8_t n;

	script_settle(p->script);
	f = p->got + p->at;
	assert_true(p->n - p->at > 20);
	assert_int_equal(be32_get(f + 7), QUEUE_DECLARE_OK);
	n = f[11];
	memcpy(name, f + 12, n);
	name[n] = 0;
	expect(p, 1, QUEUE_DECLARE_OK, "sll", name, 0, 0);
	assert_int_equal(n, 30);
	assert_memory_equal(name, "amq.gen-", 8);
	return name;
}

static void row_3_1_server_named(struct script *s)
{
	char name[256];
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "", "amq.direct", "k", 0, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no previously declared queue", QUEUE_BIND);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "", 0, NULL);
	generated_name(&p, name);
	/* "" is that queue now, and its name the key when the key is "" too */
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "", "amq.direct", "", 0, NULL);
	expect(&p, 1, QUEUE_BIND_OK, "");
	say_publish(&p, 1, "amq.direct", name, "m");
	say(&p, 1, GET, "hso", 0, "", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "amq.direct", name, 0);
	expect_content(&p, 1, VIEW_NONE, VIEW("m"));
	say(&p, 1, CONSUME, "hssoT", 0, "", "t", 0, NULL);
	expect(&p, 1, CONSUME_OK, "s", "t");
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	say(&p, 1, PURGE, "hso", 0, "", 0);
	expect(&p, 1, PURGE_OK, "l", 0);
	declare(&p, "named");
	say(&p, 1, QUEUE_DELETE, "hso", 0, "", 0);
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, name, PASSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", name, 0, 0);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "named", PASSIVE, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'named' in vhost '/'", QUEUE_DECLARE);
	peer_bye(&p);
}

static void row_3_2_counts(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	declare(&p, "q");
	for (int i = 0; i < 3; i++)
		say_publish(&p, 1, "", "q", "m");
	say(&p, 1, GET, "hso", 0, "q", 0);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 2);
	expect_content(&p, 1, VIEW_NONE, VIEW("m"));
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", 0, NULL); /* ready only */
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "q", 2, 0);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", NOWAIT, NULL);
	expect_nothing(&p);
	say(&p, 1, PURGE, "hso", 0, "q", 0); /* 3.12: what is out stays out */
	expect(&p, 1, PURGE_OK, "l", 2);
	say(&p, 1, PURGE, "hso", 0, "q", 1);
	expect_nothing(&p);
	say(&p, 1, NACK, "Lo", 1, 2);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 2);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty", QUEUE_DELETE);
	open_channel(&p, 1);
	consume(&p, "q", "t", true);
	expect_deliver(&p, "t", 1, true, "q", "m");
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 1);
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use", QUEUE_DELETE);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 4);
	expect_nothing(&p);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0); /* 3.11 */
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	say(&p, 1, PURGE, "hso", 0, "q", 0);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'q' in vhost '/'", PURGE);
	peer_bye(&p);
}

struct inequivalent {
	int bits;
	struct view arguments;
	uint16_t code;
	const char *text;
};

static void row_3_3_equivalence(struct script *s)
{
	static const struct view ttl = BYTES_VIEW("\x0d" "x-message-ttls\x03\xe8");
	static const struct inequivalent rows[] = {
		{DURABLE, BYTES_VIEW("\x0d" "x-message-ttls\x03\xe8"), 406,
		 "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current "
		 "is 'false'"},
		{DURABLE | Q_AUTO_DELETE, BYTES_VIEW("\x0d" "x-message-ttls\x07\xd0"), 406,
		 "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current "
		 "is 'false'"},
		{Q_AUTO_DELETE, BYTES_VIEW("\x0d" "x-message-ttls\x03\xe8"), 406,
		 "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue 'q' in vhost '/': received 'true' but "
		 "current is 'false'"},
		{0, BYTES_VIEW("\x0d" "x-message-ttls\x07\xd0"), 406,
		 "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '2000' but "
		 "current is '1000'"},
		{0, {NULL, 0}, 406,
		 "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received none but "
		 "current is the value '1000' of type 'short'"},
		{0, BYTES_VIEW("\x0d" "x-message-ttls\x03\xe8\x0c" "x-max-lengthb\x05"), 406,
		 "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '5' "
		 "of type 'byte' but current is none"},
	};
	static const struct view same[] = {
		BYTES_VIEW("\x0d" "x-message-ttls\x03\xe8"), BYTES_VIEW("\x0d" "x-message-ttlI\0\0\x03\xe8"),
		BYTES_VIEW("\x07" "unknownt\1\x0d" "x-message-ttll\0\0\0\0\0\0\x03\xe8"),
	};
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", 0, &ttl);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "q", 0, 0);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", 0, &same[i]);
		expect(&p, 1, QUEUE_DECLARE_OK, "sll", "q", 0, 0);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", rows[i].bits, &rows[i].arguments);
		expect_channel_fail(&p, 1, rows[i].code, rows[i].text, QUEUE_DECLARE);
		open_channel(&p, 1);
	}
	peer_bye(&p);
}

static void row_3_5_invalid_arguments(struct script *s)
{
	static const struct {
		struct view arguments;
		const char *text;
	} rows[] = {
		{BYTES_VIEW("\x0d" "x-message-ttlI\xff\xfe\xee\x90"),
		 "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_negative,-70000}"},
		{BYTES_VIEW("\x09" "x-expiresS\0\0\0\1a"),
		 "PRECONDITION_FAILED - invalid arg 'x-expires' for queue 'q' in vhost '/': \"expected integer, got "
		 "longstr\""},
		{BYTES_VIEW("\x09" "x-expiresb\0"),
		 "PRECONDITION_FAILED - invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}"},
	};
	struct peer p;

	peer_open(&p, s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", 0, &rows[i].arguments);
		expect_channel_fail(&p, 1, 406, rows[i].text, QUEUE_DECLARE);
		open_channel(&p, 1);
	}
	peer_bye(&p);
}

static void row_3_6_exclusive(struct script *s)
{
	static const char text[] =
		"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally "
		"declared on another connection or the exclusive property value does not match that of the original "
		"declaration.";
	struct peer owner, p;

	peer_open(&owner, s);
	say(&owner, 1, QUEUE_DECLARE, "hsoT", 0, "q", Q_EXCLUSIVE, NULL);
	expect(&owner, 1, QUEUE_DECLARE_OK, "sll", "q", 0, 0);
	peer_open(&p, s);
	for (int i = 0; i < 7; i++) {
		uint32_t id = 0;

		switch (i) {
		case 0:
			say(&p, 1, id = QUEUE_DECLARE, "hsoT", 0, "q", 0, NULL);
			break;
		case 1:
			say(&p, 1, id = QUEUE_DECLARE, "hsoT", 0, "q", PASSIVE, NULL);
			break;
		case 2:
			say(&p, 1, id = CONSUME, "hssoT", 0, "q", "t", 0, NULL);
			break;
		case 3:
			say(&p, 1, id = GET, "hso", 0, "q", 0);
			break;
		case 4:
			say(&p, 1, id = QUEUE_DELETE, "hso", 0, "q", 0);
			break;
		case 5:
			say(&p, 1, id = PURGE, "hso", 0, "q", 0);
			break;
		default:
			say(&p, 1, id = QUEUE_BIND, "hsssoT", 0, "q", "amq.direct", "k", 0, NULL);
		}
		expect_channel_fail(&p, 1, 405, text, id);
		open_channel(&p, 1);
	}
	say_publish(&p, 1, "", "q", "allowed");
	say(&owner, 1, GET, "hso", 0, "q", 1);
	expect(&owner, 1, GET_OK, "Lossl", 1, 0, "", "q", 0);
	expect_content(&owner, 1, VIEW_NONE, VIEW("allowed"));
	say(&owner, 1, QUEUE_DECLARE, "hsoT", 0, "q", 0, NULL); /* the property differs: for its owner too */
	expect_channel_fail(&owner, 1, 405, text, QUEUE_DECLARE);
	peer_drop(&owner);
	declare(&p, "q"); /* it went with its connection */
	peer_bye(&p);
}

static void row_3_7_auto_delete(struct script *s)
{
	struct peer p, q;

	peer_open(&p, s);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "ad", Q_AUTO_DELETE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "ad", 0, 0);
	say(&p, 1, GET, "hso", 0, "ad", 0); /* does not count */
	expect(&p, 1, GET_EMPTY, "s", "");
	consume(&p, "ad", "t", false);
	peer_open(&q, s);
	consume(&q, "ad", "t", false);
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "ad", PASSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "ad", 0, 1);
	peer_bye(&q);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "ad", PASSIVE, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'ad' in vhost '/'", QUEUE_DECLARE);
	peer_bye(&p);
}

static void row_3_10_names(struct script *s)
{
	char longest[256];
	struct peer p;

	memset(longest, 'n', 255);
	longest[255] = 0;
	peer_open(&p, s);
	declare(&p, longest); /* 3.29 */
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "c\r\nd", 0, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "cd", 0, 0);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "c\rd\n", 1); /* taken out there too, but not where it is read */
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	say(&p, 1, PURGE, "hso", 0, "c\nd", 0);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'c\nd' in vhost '/'", PURGE);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "amq.foo", 0, NULL);
	expect_channel_fail(&p, 1, 403, "ACCESS_REFUSED - queue name 'amq.foo' contains reserved prefix 'amq.*'",
			    QUEUE_DECLARE);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "", PASSIVE, NULL);
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue '' in vhost '/'", QUEUE_DECLARE);
	open_channel(&p, 1);
	/* 1.24: a text over 255 octets is cut to 252 and three dots */
	longest[254] = 0;
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, longest, PASSIVE, NULL);
	{
		char text[512];

		snprintf(text, sizeof(text), "NOT_FOUND - no queue '%s' in vhost '/'", longest);
		memcpy(text + 252, "...", 4);
		expect_channel_fail(&p, 1, 404, text, QUEUE_DECLARE);
	}
	peer_bye(&p);
}

/* ---- rights ------------------------------------------------------------------------- */

static void put(void *ctx, enum code code, const char *text)
{
	(void)text;
	assert_int_equal(code, CODE_OK);
	*(bool *)ctx = true;
}

static void rights(struct script *s, const char *configure, const char *write, const char *read)
{
	struct access_permission row = {VIEW("guest"), VIEW("/"), view_str(configure), view_str(write), view_str(read)};
	bool done = false;

	access_permission_put(s->access, &row, put, &done);
	script_settle(s);
	assert_true(done);
}

static void refused(struct peer *p, uint32_t id, const char *kind, const char *name)
{
	char text[200];

	snprintf(text, sizeof(text), "ACCESS_REFUSED - access to %s '%s' in vhost '/' refused for user 'guest'", kind, name);
	expect_channel_fail(p, 1, 403, text, id);
	open_channel(p, 1);
}

static void row_5_1_rights(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	declare(&p, "no-q");
	exchange(&p, "no-x", "direct", 0);
	expect(&p, 1, EXCHANGE_DECLARE_OK, "");
	rights(s, "^(ok|amq\\.gen.*)", "^ok", "^ok");
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0); /* what a channel remembers goes with it */
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "no-q", PASSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "no-q", 0, 0);
	declare(&p, "ok-q");
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "", NOWAIT, NULL);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "no-q", 0, NULL);
	refused(&p, QUEUE_DECLARE, "queue", "no-q");
	exchange(&p, "no-x", "direct", 0);
	refused(&p, EXCHANGE_DECLARE, "exchange", "no-x");
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "no-x", 0);
	refused(&p, EXCHANGE_DELETE, "exchange", "no-x");
	say(&p, 1, QUEUE_DELETE, "hso", 0, "no-q", 0);
	refused(&p, QUEUE_DELETE, "queue", "no-q");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "no-q", "no-x", "", 0, NULL);
	refused(&p, QUEUE_BIND, "queue", "no-q");
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "ok-q", "no-x", "", 0, NULL);
	refused(&p, QUEUE_BIND, "exchange", "no-x");
	say(&p, 1, CONSUME, "hssoT", 0, "no-q", "t", 0, NULL);
	refused(&p, CONSUME, "queue", "no-q");
	say(&p, 1, GET, "hso", 0, "no-q", 0);
	refused(&p, GET, "queue", "no-q");
	say(&p, 1, PURGE, "hso", 0, "no-q", 0);
	refused(&p, PURGE, "queue", "no-q");
	say_publish(&p, 1, "no-x", "k", "m");
	refused(&p, PUBLISH, "exchange", "no-x");
	say_publish(&p, 1, "", "ok-q", "m");
	refused(&p, PUBLISH, "exchange", "amq.default");
	rights(s, ".*", ".*", ".*");
	peer_bye(&p);
}

/* A right that was taken away acts on an open channel after a while. */
static void rights_are_forgotten(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	declare(&p, "q");
	say_publish(&p, 1, "", "q", "m");
	rights(s, ".*", "^$", ".*");
	say_publish(&p, 1, "", "q", "m");
	expect_nothing(&p);
	script_wait(s, s->env.options.grant_ms);
	say_publish(&p, 1, "", "q", "m");
	refused(&p, PUBLISH, "exchange", "amq.default");
	rights(s, ".*", ".*", ".*");
	peer_bye(&p);
}

int main(void)
{
	static const struct script_row rows[] = {
		SCRIPT(row_2_1_predeclared), SCRIPT(row_2_2_default_exchange), SCRIPT(row_2_3_equivalence),
		SCRIPT(row_2_4_types), SCRIPT(row_2_5_names), SCRIPT(row_2_7_delete), SCRIPT(row_2_8_auto_delete),
		SCRIPT(row_2_9_internal), SCRIPT(row_2_10_exchange_bind), SCRIPT(row_2_11_bind),
		SCRIPT(row_2_15_headers), SCRIPT(row_2_22_publish_to_nowhere), SCRIPT(row_3_1_server_named), SCRIPT(row_3_2_counts),
		SCRIPT(row_3_3_equivalence), SCRIPT(row_3_5_invalid_arguments), SCRIPT(row_3_6_exclusive),
		SCRIPT(row_3_7_auto_delete), SCRIPT(row_3_10_names), SCRIPT(row_5_1_rights),
		SCRIPT(rights_are_forgotten),
	};

	return scripts_run("amqp091_define", rows, sizeof(rows) / sizeof(rows[0]));
}
