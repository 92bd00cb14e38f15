/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP 0-9-1 transactions on the wire: rabbitmq.md 4.9, 4.10, each row as
 * measured on RabbitMQ. */
#include <stdio.h>

#include "amqp.h"

static const struct view durable = BYTES_VIEW("\x10\0\2"); /* delivery_mode 2 */

static void select_tx(struct peer *p)
{
	say(p, 1, TX_SELECT, "");
	expect(p, 1, TX_SELECT_OK, "");
}

static void commit(struct peer *p)
{
	say(p, 1, TX_COMMIT, "");
	expect(p, 1, TX_COMMIT_OK, "");
}

static void rollback(struct peer *p)
{
	say(p, 1, TX_ROLLBACK, "");
	expect(p, 1, TX_ROLLBACK_OK, "");
}

static void queue(struct peer *p, const char *name, int bits)
{
	say(p, 1, QUEUE_DECLARE, "hsoT", 0, name, bits, NULL);
	expect(p, 1, QUEUE_DECLARE_OK, "sll", name, 0, 0);
}

static void count(struct peer *p, const char *name, int ready)
{
	say(p, 1, QUEUE_DECLARE, "hsoT", 0, name, PASSIVE, NULL);
	expect(p, 1, QUEUE_DECLARE_OK, "sll", name, ready, 0);
}

/* What basic.get finds; settled later, as n. */
static void take(struct peer *p, int n, bool again, const char *body, int left)
{
	say(p, 1, GET, "hso", 0, "q", 0);
	expect(p, 1, GET_OK, "Lossl", n, again, "", "q", left);
	expect_content(p, 1, VIEW_NONE, view_str(body));
}

/* A transactional channel that holds m1 … m5 as 1 … 5. */
static void five_out(struct peer *p, struct script *s)
{
	static const char *const bodies[] = {"m1", "m2", "m3", "m4", "m5"};

	peer_open(p, s);
	queue(p, "q", 0);
	for (int i = 0; i < 5; i++)
		say_publish(p, 1, "", "q", bodies[i]);
	for (int i = 0; i < 5; i++)
		take(p, i + 1, false, bodies[i], 4 - i);
	select_tx(p);
}

static void reopen(struct peer *p)
{
	say(p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	expect(p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(p, 1);
}

/* ---- modes ---------------------------------------------------------------------------- */

static void row_4_9_modes(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, CONFIRM, "o", 0);
	expect(&p, 1, CONFIRM_OK, "");
	say(&p, 1, TX_SELECT, "");
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode", TX_SELECT);
	for (int nowait = 0; nowait < 2; nowait++) {
		open_channel(&p, 1);
		select_tx(&p);
		select_tx(&p); /* again: nothing changes */
		say(&p, 1, CONFIRM, "o", nowait);
		expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode", CONFIRM);
	}
	peer_bye(&p);
}

static void row_4_10_not_transactional(struct script *s)
{
	static const uint32_t ids[] = {TX_COMMIT, TX_ROLLBACK};
	struct peer p;

	peer_open(&p, s);
	for (size_t i = 0; i < 2; i++) {
		say(&p, 1, ids[i], "");
		expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - channel is not transactional", ids[i]);
		open_channel(&p, 1);
	}
	say(&p, 1, TX_SELECT, "o", 0);
	expect_fail(&p, 501, "FRAME_ERROR - cannot decode <<0>>", TX_SELECT);
}

/* ---- publishing ------------------------------------------------------------------------ */

static void row_4_10_publish(struct script *s)
{
	static const struct view raws[] = {{NULL, 0}, BYTES_VIEW("\x10\0\2")};
	struct peer p, other;

	for (size_t i = 0; i < 2; i++) {
		peer_open(&p, s);
		peer_open(&other, s);
		queue(&p, "q", DURABLE);
		select_tx(&p);
		commit(&p); /* of nothing */
		for (int k = 0; k < 3; k++) {
			say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
			say_content(&p, 1, raws[i], VIEW("m"));
		}
		count(&p, "q", 0);
		count(&other, "q", 0);
		commit(&p);
		count(&p, "q", 3);
		say_publish(&p, 1, "", "q", "not");
		say_publish(&p, 1, "amq.fanout", "q", "not");
		rollback(&p);
		commit(&p);
		count(&other, "q", 3);
		say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0); /* is no part of it */
		expect(&p, 1, QUEUE_DELETE_OK, "l", 3);
		peer_bye(&p);
		peer_bye(&other);
	}
}

/* Returns come with the commit, before its answer. */
static void row_4_10_mandatory(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	select_tx(&p);
	say(&p, 1, PUBLISH, "hsso", 0, "", "nowhere", 1);
	say_content(&p, 1, durable, VIEW("1"));
	say(&p, 1, PUBLISH, "hsso", 0, "amq.direct", "nowhere", 1);
	say_content(&p, 1, VIEW_NONE, VIEW("2"));
	expect_nothing(&p);
	say(&p, 1, TX_COMMIT, "");
	expect(&p, 1, RETURN, "hsss", 312, "NO_ROUTE", "", "nowhere");
	expect_content(&p, 1, durable, VIEW("1"));
	expect(&p, 1, RETURN, "hsss", 312, "NO_ROUTE", "amq.direct", "nowhere");
	expect_content(&p, 1, VIEW_NONE, VIEW("2"));
	expect(&p, 1, TX_COMMIT_OK, "");
	say(&p, 1, PUBLISH, "hsso", 0, "", "nowhere", 1);
	say_content(&p, 1, VIEW_NONE, VIEW("3"));
	rollback(&p);
	commit(&p);
	peer_bye(&p);
}

/* Refused at once; nothing of the transaction happens, also when its commit was sent already. */
static void row_4_10_refused_publish(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	select_tx(&p);
	s->hold_engine = true;
	say_publish(&p, 1, "", "q", "before");
	say_publish(&p, 1, "nox", "k", "m");
	say_publish(&p, 1, "", "q", "behind");
	say(&p, 1, TX_COMMIT, "");
	s->hold_engine = false;
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no exchange 'nox' in vhost '/'", PUBLISH);
	open_channel(&p, 1);
	count(&p, "q", 0);
	select_tx(&p);
	say_publish(&p, 1, "", "q", "before");
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, VIEW("\x01\0\3abc"), VIEW("m"));
	expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - invalid expiration 'abc': no_integer", PUBLISH);
	open_channel(&p, 1);
	count(&p, "q", 0);
	peer_bye(&p);
}

/* ---- settling ---------------------------------------------------------------------------- */

static void row_4_10_ack(struct script *s)
{
	struct peer p;

	five_out(&p, s);
	say(&p, 1, ACK, "Lo", 2, 0);
	say(&p, 1, ACK, "Lo", 5, 0);
	rollback(&p); /* theirs again, and not handed out anew */
	say(&p, 1, GET, "hso", 0, "q", 0);
	expect(&p, 1, GET_EMPTY, "s", "");
	say(&p, 1, ACK, "Lo", 2, 0);
	say(&p, 1, ACK, "Lo", 4, 1); /* over the one before */
	commit(&p);
	reopen(&p); /* what was not committed goes back */
	take(&p, 1, true, "m5", 0);
	select_tx(&p);
	say(&p, 1, ACK, "Lo", 0, 1); /* all */
	say(&p, 1, ACK, "Lo", 0, 1); /* none is no error */
	rollback(&p);
	say(&p, 1, ACK, "Lo", 1, 1);
	commit(&p);
	reopen(&p);
	count(&p, "q", 0);
	peer_bye(&p);
}

/* Unknown at once: never given out, settled in this transaction, or before it. */
static void row_4_10_unknown_tag(struct script *s)
{
	static const struct {
		uint32_t id;
		int tag, bits;
		const char *text;
	} bad[] = {
		{ACK, 9, 0, "PRECONDITION_FAILED - unknown delivery tag 9"},
		{ACK, 0, 0, "PRECONDITION_FAILED - unknown delivery tag 0"},
		{ACK, 1, 0, "PRECONDITION_FAILED - unknown delivery tag 1"},
		{ACK, 3, 0, "PRECONDITION_FAILED - unknown delivery tag 3"},
		{ACK, 3, 1, "PRECONDITION_FAILED - unknown delivery tag 3"},
		{NACK, 3, 2, "PRECONDITION_FAILED - unknown delivery tag 3"},
		{REJECT, 3, 1, "PRECONDITION_FAILED - unknown delivery tag 3"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p;

		five_out(&p, s);
		say(&p, 1, ACK, "Lo", 1, 0);
		commit(&p);
		say(&p, 1, ACK, "Lo", 3, 0);
		say(&p, 1, bad[i].id, "Lo", bad[i].tag, bad[i].bits);
		expect_channel_fail(&p, 1, 406, bad[i].text, bad[i].id);
		open_channel(&p, 1);
		count(&p, "q", 4); /* the ack of 3 went with the channel */
		say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
		expect(&p, 1, QUEUE_DELETE_OK, "l", 4);
		peer_bye(&p);
	}
}

static void row_4_10_reject(struct script *s)
{
	struct peer p;

	five_out(&p, s);
	say(&p, 1, NACK, "Lo", 2, 3); /* 1 and 2, back */
	say(&p, 1, REJECT, "Lo", 4, 0); /* dropped */
	say(&p, 1, REJECT, "Lo", 5, 1);
	count(&p, "q", 0);
	rollback(&p);
	count(&p, "q", 0);
	say(&p, 1, NACK, "Lo", 2, 3);
	say(&p, 1, REJECT, "Lo", 4, 0);
	say(&p, 1, ACK, "Lo", 5, 0);
	commit(&p);
	take(&p, 6, true, "m1", 1); /* in their places */
	take(&p, 7, true, "m2", 0);
	say(&p, 1, ACK, "Lo", 3, 0);
	commit(&p);
	say(&p, 1, ACK, "Lo", 7, 1);
	rollback(&p);
	peer_bye(&p);
	peer_open(&p, s);
	count(&p, "q", 2);
	peer_bye(&p);
}

/* recover acts at once, on what is not settled in the transaction. */
static void row_4_10_recover(struct script *s)
{
	struct peer p;

	five_out(&p, s);
	say(&p, 1, ACK, "Lo", 4, 1);
	say(&p, 1, RECOVER, "o", 1);
	expect(&p, 1, RECOVER_OK, "");
	count(&p, "q", 1);
	take(&p, 6, true, "m5", 0);
	rollback(&p); /* 1 … 4 with 6 */
	say(&p, 1, ACK, "Lo", 2, 1);
	say(&p, 1, ACK, "Lo", 6, 0);
	commit(&p);
	reopen(&p);
	count(&p, "q", 2);
	peer_bye(&p);
}

/* A prefetch is full until the commit. */
static void row_4_10_prefetch(struct script *s)
{
	for (int global = 0; global < 2; global++) {
		struct peer p;

		peer_open(&p, s);
		queue(&p, "q", Q_EXCLUSIVE);
		for (int i = 0; i < 3; i++)
			say_publish(&p, 1, "", "q", "m");
		select_tx(&p);
		say(&p, 1, QOS, "lho", 0, 1, global);
		expect(&p, 1, QOS_OK, "");
		consume(&p, "q", "t", false);
		expect_deliver(&p, "t", 1, false, "q", "m");
		say(&p, 1, ACK, "Lo", 1, 0);
		expect_nothing(&p);
		commit(&p);
		expect_deliver(&p, "t", 2, false, "q", "m");
		say(&p, 1, ACK, "Lo", 2, 0);
		rollback(&p);
		expect_nothing(&p);
		say(&p, 1, CANCEL, "so", "t", 0);
		expect(&p, 1, CANCEL_OK, "s", "t");
		say(&p, 1, ACK, "Lo", 2, 0);
		commit(&p);
		peer_bye(&p);
	}
}

/* no_ack is settled when it is sent. */
static void row_4_10_no_ack(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	say_publish(&p, 1, "", "q", "m");
	select_tx(&p);
	say(&p, 1, GET, "hso", 0, "q", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 0);
	expect_content(&p, 1, VIEW_NONE, VIEW("m"));
	rollback(&p);
	reopen(&p);
	count(&p, "q", 0);
	peer_bye(&p);
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void row_4_10_closed(struct script *s)
{
	struct peer p, other;

	peer_open(&other, s);
	for (int how = 0; how < 3; how++) {
		five_out(&p, s);
		say(&p, 1, ACK, "Lo", 5, 1);
		say_publish(&p, 1, "", "q", "never");
		if (how == 0) {
			reopen(&p);
			say(&p, 1, TX_COMMIT, ""); /* the new channel is not transactional */
			expect_channel_fail(&p, 1, 406, "PRECONDITION_FAILED - channel is not transactional", TX_COMMIT);
			peer_bye(&p);
		} else if (how == 1) {
			peer_bye(&p);
		} else {
			peer_drop(&p);
		}
		count(&other, "q", 5);
		say(&other, 1, QUEUE_DELETE, "hso", 0, "q", 0);
		expect(&other, 1, QUEUE_DELETE_OK, "l", 5);
	}
	peer_bye(&other);
}

/* A queue that goes takes its part of a transaction along. */
static void queue_deleted(struct script *s)
{
	struct peer p;

	five_out(&p, s);
	say(&p, 1, ACK, "Lo", 3, 1);
	say_publish(&p, 1, "", "q", "late");
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	commit(&p);
	queue(&p, "q", 0);
	say(&p, 1, ACK, "Lo", 4, 0);
	rollback(&p);
	say(&p, 1, ACK, "Lo", 5, 1);
	commit(&p);
	peer_bye(&p);
}

/* The store does not take it: nothing has happened, and the client is told. */
static void commit_fails(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", DURABLE);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, durable, VIEW("input"));
	select_tx(&p);
	say(&p, 1, GET, "hso", 0, "q", 0);
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 0);
	expect_content(&p, 1, durable, VIEW("input"));
	script_settle(s);
	say(&p, 1, ACK, "Lo", 1, 0);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, durable, VIEW("output"));
	s->store_fails = true;
	say(&p, 1, TX_COMMIT, "");
	expect_fail(&p, 541, "INTERNAL_ERROR - the store did not take the transaction", TX_COMMIT);
	peer_open(&p, s);
	say(&p, 1, GET, "hso", 0, "q", 1);
	expect(&p, 1, GET_OK, "Lossl", 1, 1, "", "q", 0);
	expect_content(&p, 1, durable, VIEW("input"));
	peer_bye(&p);
}

/* Nothing waits for an answer: everything happens in its order. RabbitMQ ends
 * the connection when anything follows a commit that is not answered. */
static void pipelined(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", DURABLE);
	s->hold_engine = true;
	say(&p, 1, TX_SELECT, "");
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	say_content(&p, 1, durable, VIEW("a"));
	say(&p, 1, TX_COMMIT, "");
	say_publish(&p, 1, "", "q", "b");
	say(&p, 1, TX_ROLLBACK, "");
	say_publish(&p, 1, "", "q", "c");
	say(&p, 1, TX_COMMIT, "");
	say(&p, 1, GET, "hso", 0, "q", 0);
	say(&p, 1, ACK, "Lo", 1, 0);
	say(&p, 1, TX_COMMIT, "");
	say(&p, 1, QUEUE_DELETE, "hso", 0, "q", 0);
	s->hold_engine = false;
	expect(&p, 1, TX_SELECT_OK, "");
	expect(&p, 1, TX_COMMIT_OK, "");
	expect(&p, 1, TX_ROLLBACK_OK, "");
	expect(&p, 1, TX_COMMIT_OK, "");
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "q", 1);
	expect_content(&p, 1, durable, VIEW("a"));
	expect(&p, 1, TX_COMMIT_OK, "");
	expect(&p, 1, QUEUE_DELETE_OK, "l", 1);
	peer_bye(&p);
}

/* Thousands settled out of order, put back, settled again. */
static void many(struct script *s)
{
	enum { MANY = 1500 };
	struct peer p;

	peer_open(&p, s);
	queue(&p, "q", 0);
	for (int i = 0; i < MANY; i++)
		say_publish(&p, 1, "", "q", "m");
	select_tx(&p);
	consume(&p, "q", "t", false);
	script_settle(s);
	p.at = p.n;
	for (int round = 0; round < 3; round++) {
		for (int i = MANY; i > 1; i--)
			if (i % 3)
				say(&p, 1, round ? ACK : REJECT, "Lo", i, round ? 0 : 1);
		rollback(&p);
	}
	say(&p, 1, ACK, "Lo", 750, 1);
	commit(&p);
	say(&p, 1, ACK, "Lo", MANY, 1);
	rollback(&p);
	say(&p, 1, ACK, "Lo", 751, 0);
	say(&p, 1, ACK, "Lo", 0, 1);
	commit(&p);
	say(&p, 1, CANCEL, "so", "t", 0);
	expect(&p, 1, CANCEL_OK, "s", "t");
	reopen(&p);
	count(&p, "q", 0);
	peer_bye(&p);
}

int main(void)
{
	static const struct script_row rows[] = {
		SCRIPT(row_4_9_modes), SCRIPT(row_4_10_not_transactional), SCRIPT(row_4_10_publish),
		SCRIPT(row_4_10_mandatory), SCRIPT(row_4_10_refused_publish), SCRIPT(row_4_10_ack),
		SCRIPT(row_4_10_unknown_tag), SCRIPT(row_4_10_reject), SCRIPT(row_4_10_recover),
		SCRIPT(row_4_10_prefetch), SCRIPT(row_4_10_no_ack), SCRIPT(row_4_10_closed), SCRIPT(queue_deleted),
		SCRIPT(commit_fails), SCRIPT(pipelined), SCRIPT(many),
	};

	return scripts_run("amqp091_tx", rows, sizeof(rows) / sizeof(rows[0]));
}
