/* SPDX-License-Identifier: Apache-2.0 */
/* Direct reply-to on the wire: rabbitmq.md 4.26. */
#include <stdio.h>
#include <string.h>

#include "amqp.h"

#define REPLY_TO "amq.rabbitmq.reply-to"
enum { CALLS = 20000, CALLS_AT_ONCE = 500, ADDRESS_N = sizeof(REPLY_TO) + 22 };

static const struct view asks_back = BYTES_VIEW("\x02\0\x15" REPLY_TO); /* reply_to */

static void request(struct peer *p, const char *body)
{
	say(p, 1, PUBLISH, "hsso", 0, "", "rpc", 0);
	say_content(p, 1, asks_back, view_str(body));
}

/* Takes the request from the server's queue: whom to answer. */
static void requested(struct peer *server, const char *body, char address[ADDRESS_N + 1])
{
	const uint8_t *f;
	char raw[3 + ADDRESS_N + 1];

	say(server, 1, GET, "hso", 0, "rpc", 1);
	script_settle(server->script);
	f = server->got + server->at;
	assert_int_equal(be32_get(f + 7), GET_OK);
	server->at += 7 + be32_get(f + 3) + 1;
	f = server->got + server->at; /* header frame: flags and one property behind 7 + 12 octets */
	assert_int_equal(be32_get(f + 3), 12 + 3 + ADDRESS_N);
	assert_memory_equal(f + 22, REPLY_TO ".", sizeof(REPLY_TO));
	memcpy(address, f + 22, ADDRESS_N);
	address[ADDRESS_N] = 0;
	snprintf(raw, sizeof(raw), "%c%c%s", 2, 0, "");
	memcpy(raw, f + 19, 3 + ADDRESS_N);
	expect_content(server, 1, view_of(raw, 3 + ADDRESS_N), view_str(body));
}

static void ask_open(struct peer *p, struct script *s)
{
	peer_open(p, s);
	say(p, 1, CONSUME, "hssoT", 0, REPLY_TO, "t", 2, NULL);
	expect(p, 1, CONSUME_OK, "s", "t");
}

static void expect_reply(struct peer *p, const char *address, const char *body)
{
	expect(p, 1, DELIVER, "sLoss", "t", 1, 0, "", address);
	expect_content(p, 1, VIEW_NONE, view_str(body));
}

static void row_4_26_reply(struct script *s)
{
	struct peer p, server;
	char address[ADDRESS_N + 1], other[ADDRESS_N + 1];

	peer_open(&server, s);
	declare(&server, "rpc");
	ask_open(&p, s);
	request(&p, "1");
	requested(&server, "1", address);
	say(&server, 1, QUEUE_DECLARE, "hsoT", 0, address, PASSIVE, NULL);
	expect(&server, 1, QUEUE_DECLARE_OK, "sll", address, 0, 1);
	say_publish(&server, 1, "", address, "one");
	expect_reply(&p, address, "one");
	say_publish(&server, 1, "", address, "two"); /* the same tag again, as measured */
	expect_reply(&p, address, "two");
	say_publish(&server, 1, "amq.direct", address, "three"); /* the default exchange only */
	expect_nothing(&p);
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	say_publish(&server, 1, "", address, "gone");
	expect_nothing(&p);
	say(&server, 1, PUBLISH, "hsso", 0, "", address, 1);
	say_content(&server, 1, VIEW_NONE, VIEW("gone"));
	expect(&server, 1, RETURN, "hsss", 312, "NO_ROUTE", "", address);
	expect_content(&server, 1, VIEW_NONE, VIEW("gone"));
	say(&p, 1, CONSUME, "hssoT", 0, REPLY_TO, "t", 2 | 8, NULL); /* no_ack, nowait */
	request(&p, "2");
	requested(&server, "2", other);
	assert_string_not_equal(address, other);
	say_publish(&server, 1, "", address, "old");
	say_publish(&server, 1, "", other, "new");
	expect_reply(&p, other, "new");
	peer_bye(&p);
	peer_bye(&server);
}

static void row_4_26_refused(struct script *s)
{
	static const struct {
		const char *queue;
		int bits;
		const char *text;
	} rows[] = {
		{REPLY_TO, 0, "PRECONDITION_FAILED - reply consumer cannot acknowledge"},
		{REPLY_TO, 2, "PRECONDITION_FAILED - reply consumer already set"},
	};
	struct peer p;

	for (size_t i = 0; i < 2; i++) {
		ask_open(&p, s);
		say(&p, 1, CONSUME, "hssoT", 0, rows[i].queue, i ? "t" : "u", rows[i].bits, NULL);
		expect_channel_fail(&p, 1, 406, rows[i].text, CONSUME);
		open_channel(&p, 1);
		say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0); /* it went with its channel */
		say_content(&p, 1, asks_back, VIEW("x"));
		expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - fast reply consumer does not exist", PUBLISH);
		peer_bye(&p);
	}
	peer_open(&p, s);
	declare(&p, "q");
	consume(&p, "q", "t", true);
	say(&p, 1, CONSUME, "hssoT", 0, REPLY_TO, "t", 2, NULL);
	expect_fail(&p, 530, "NOT_ALLOWED - attempt to reuse consumer tag 't'", CONSUME);
}

static void row_4_26_declare(struct script *s)
{
	static const char *const missing[] = {REPLY_TO ".x", REPLY_TO "x", REPLY_TO "."};
	struct peer p;

	peer_open(&p, s);
	for (int bits = 0; bits < 4; bits++) {
		say(&p, 1, QUEUE_DECLARE, "hsoT", 0, REPLY_TO, bits, NULL);
		expect(&p, 1, QUEUE_DECLARE_OK, "sll", REPLY_TO, 0, 1);
		for (size_t i = 0; i < 3; i++) {
			char text[100];

			snprintf(text, sizeof(text), "NOT_FOUND - no queue '%s' in vhost '/'", missing[i]);
			say(&p, 1, QUEUE_DECLARE, "hsoT", 0, missing[i], bits, NULL);
			expect_channel_fail(&p, 1, 404, text, QUEUE_DECLARE);
			open_channel(&p, 1);
		}
	}
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, REPLY_TO, 0, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", REPLY_TO, 0, 1);
	say(&p, 1, GET, "hso", 0, "", 0); /* the queue declared last, which is none */
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue '" REPLY_TO "' in vhost '/'", GET);
	peer_bye(&p);
}

/* A requester that does not read keeps so much of its replies and no more. */
static void replies_unread(struct script *s)
{
	uint64_t max = s->env.options.reply_bytes_max;
	struct peer p, server;
	char address[ADDRESS_N + 1];

	peer_open(&server, s);
	declare(&server, "rpc");
	ask_open(&p, s);
	request(&p, "1");
	requested(&server, "1", address);
	s->env.options.reply_bytes_max = 0;
	say_publish(&server, 1, "", address, "dropped");
	expect_nothing(&p);
	s->env.options.reply_bytes_max = max;
	say_publish(&server, 1, "", address, "taken");
	expect_reply(&p, address, "taken");
	peer_bye(&p);
	peer_bye(&server);
}

/* Thousands of calls, many at once, by one requester; nothing of them stays. */
static void many_calls(struct script *s)
{
	struct peer p, server;
	struct engine_counters c;
	char address[ADDRESS_N + 1];

	if (s->split == SPLIT_OCTETS)
		return;
	peer_open(&server, s);
	declare(&server, "rpc");
	ask_open(&p, s);
	request(&p, "first");
	requested(&server, "first", address);
	consume(&server, "rpc", "s", true);
	for (int done = 0; done < CALLS; done += CALLS_AT_ONCE) {
		for (int i = 0; i < CALLS_AT_ONCE; i++)
			request(&p, "call");
		script_settle(s);
		assert_true(server.n > server.at);
		server.at = server.n;
		for (int i = 0; i < CALLS_AT_ONCE; i++)
			say_publish(&server, 1, "", address, "reply");
		for (int i = 0; i < CALLS_AT_ONCE; i++)
			expect_reply(&p, address, "reply");
	}
	engine_counters(s->engine, &c);
	assert_int_equal(c.entries, 0);
	assert_int_equal(c.replies, 1);
	peer_bye(&p);
	engine_counters(s->engine, &c);
	assert_int_equal(c.replies, 0);
	peer_bye(&server);
}

int main(void)
{
	static const struct script_row rows[] = {
		SCRIPT(row_4_26_reply), SCRIPT(row_4_26_refused), SCRIPT(row_4_26_declare), SCRIPT(replies_unread),
		SCRIPT(many_calls),
	};
	return scripts_run("amqp091_reply", rows, sizeof(rows) / sizeof(rows[0]));
}
