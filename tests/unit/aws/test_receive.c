/* SPDX-License-Identifier: Apache-2.0 */
/* ReceiveMessage and its leases: long polls, callers that go away, answers that
 * never arrive, leases that outlive their HTTP connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig/aws_rig.h"

static struct aws_rig rig;
static struct aws_peer peer;

static int setup(void **state)
{
	(void)state;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	aws_peer_json(&peer, "CreateQueue", "{\"QueueName\":\"q\"}", "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
	aws_rig_close(&rig);
	return 0;
}

static bool has(struct view v, const char *text)
{
	return memmem(v.p, v.n, text, strlen(text)) != NULL;
}

#define Q "\"QueueUrl\":\"http://x/000000000000/q\""
#define RECEIVE "{" Q ",\"MaxNumberOfMessages\":10,\"AttributeNames\":[\"All\"]}"

static void send_text(const char *text)
{
	char json[256];

	snprintf(json, sizeof(json), "{" Q ",\"MessageBody\":\"%s\"}", text);
	aws_peer_json(&peer, "SendMessage", json, "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
}

static struct aws_answer call(const char *action, const char *json)
{
	aws_peer_json(&peer, action, json, "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_not_equal(a.status, 0);
	return a;
}

/* The text of a member of a JSON answer. */
static void member(struct view body, const char *name, char *out, size_t size)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "\"%s\":\"", name);
	const char *at = memmem(body.p, body.n, mark, strlen(mark));
	assert_non_null(at);
	at += strlen(mark);
	size_t n = strcspn(at, "\"");
	assert_true(n < size);
	memcpy(out, at, n);
	out[n] = '\0';
}

static void long_poll(void **state)
{
	struct aws_peer waiting;

	(void)state;
	aws_peer_open(&waiting, &rig);
	aws_peer_json(&waiting, "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":20}", "guest");
	aws_rig_pass(&rig, 5000);
	assert_int_equal(aws_peer_take(&waiting).status, 0);
	send_text("hello"); /* the same user, meanwhile */
	struct aws_answer a = aws_peer_take(&waiting);
	assert_int_equal(a.status, 200);
	assert_true(has(a.body, "\"Body\":\"hello\""));

	aws_peer_json(&waiting, "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":20}", "guest");
	aws_rig_run(&rig);
	aws_rig_pass(&rig, 20001);
	a = aws_peer_take(&waiting);
	assert_int_equal(a.status, 200);
	assert_true(view_is(a.body, "{}"));
	aws_peer_close(&waiting, WIRE_PEER_CLOSED);
}

/* A poll whose caller is gone consumes nothing. */
static void caller_gone(void **state)
{
	struct aws_peer waiting;

	(void)state;
	aws_peer_open(&waiting, &rig);
	aws_peer_json(&waiting, "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":20}", "guest");
	aws_rig_run(&rig);
	aws_peer_close(&waiting, WIRE_LOST);
	send_text("hello");
	struct aws_answer a = call("ReceiveMessage", RECEIVE);
	assert_true(has(a.body, "\"ApproximateReceiveCount\":\"1\""));
}

/* Gone in the same turn in which a message came. */
static void caller_gone_late(void **state)
{
	struct aws_peer waiting;

	(void)state;
	send_text("hello");
	aws_peer_open(&waiting, &rig);
	aws_peer_json(&waiting, "ReceiveMessage", "{" Q "}", "guest");
	aws_peer_close(&waiting, WIRE_LOST);
	aws_rig_run(&rig);
	struct aws_answer a = call("ReceiveMessage", RECEIVE);
	assert_true(has(a.body, "\"ApproximateReceiveCount\":\"1\""));
}

/* The answer was written and never handed to the socket. */
static void answer_lost(void **state)
{
	struct aws_peer waiting;
	struct aws_counters counters;

	(void)state;
	send_text("hello");
	aws_peer_open(&waiting, &rig);
	aws_peer_json(&waiting, "ReceiveMessage", "{" Q "}", "guest");
	aws_rig_run(&rig);
	aws_peer_close(&waiting, WIRE_LOST);
	aws_rig_run(&rig);
	aws_counters(rig.aws, &counters);
	assert_int_equal(counters.receives_undone, 1);
	struct aws_answer a = call("ReceiveMessage", RECEIVE);
	assert_true(has(a.body, "\"ApproximateReceiveCount\":\"1\""));
}

/* The lease is the receive's, not the connection's. */
static void lease_outlives_connection(void **state)
{
	struct aws_peer other;
	char handle[512], json[700];

	(void)state;
	send_text("hello");
	aws_peer_open(&other, &rig);
	aws_peer_json(&other, "ReceiveMessage", "{" Q "}", "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&other);
	member(a.body, "ReceiptHandle", handle, sizeof(handle));
	aws_peer_close(&other, WIRE_PEER_CLOSED);
	aws_rig_pass(&rig, 29000);
	assert_true(view_is(call("ReceiveMessage", RECEIVE).body, "{}"));
	snprintf(json, sizeof(json), "{" Q ",\"ReceiptHandle\":\"%s\",\"VisibilityTimeout\":100}", handle);
	assert_int_equal(call("ChangeMessageVisibility", json).status, 200);
	aws_rig_pass(&rig, 99000);
	assert_true(view_is(call("ReceiveMessage", RECEIVE).body, "{}"));
	aws_rig_pass(&rig, 2000);
	assert_true(has(call("ReceiveMessage", RECEIVE).body, "\"ApproximateReceiveCount\":\"2\""));
	snprintf(json, sizeof(json), "{" Q ",\"ReceiptHandle\":\"%s\"}", handle);
	assert_int_equal(call("DeleteMessage", json).status, 200);
	assert_int_equal(call("DeleteMessage", json).status, 200);
	snprintf(json, sizeof(json), "{" Q ",\"ReceiptHandle\":\"%s\",\"VisibilityTimeout\":1}", handle);
	a = call("ChangeMessageVisibility", json);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "Message does not exist or is not available for visibility timeout change."));
}

/* Twelve hours from the receive (sqs-sns.md §3), alone and in a batch. */
static void twelve_hours(void **state)
{
	char handle[512], body[2048];
	struct aws_answer a;

	(void)state;
	send_text("m");
	member(call("ReceiveMessage", RECEIVE).body, "ReceiptHandle", handle, sizeof(handle));
	aws_rig_pass(&rig, 10000);
	snprintf(body, sizeof(body), "{" Q ",\"ReceiptHandle\":\"%s\",\"VisibilityTimeout\":43191}", handle);
	a = call("ChangeMessageVisibility", body);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "#InvalidParameterValueException\"") &&
		    has(a.body, "Value 43191 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout "
				"for the message is beyond the limit [43200 seconds]."));
	snprintf(body, sizeof(body),
		 "{" Q ",\"Entries\":[{\"Id\":\"long\",\"ReceiptHandle\":\"%s\",\"VisibilityTimeout\":43191},"
		 "{\"Id\":\"good\",\"ReceiptHandle\":\"%s\",\"VisibilityTimeout\":43190}]}",
		 handle, handle);
	a = call("ChangeMessageVisibilityBatch", body);
	assert_int_equal(a.status, 200);
	assert_true(has(a.body, "\"Successful\":[{\"Id\":\"good\"}]") &&
		    has(a.body, "\"Failed\":[{\"Id\":\"long\",\"SenderFault\":true,\"Code\":\"InvalidParameterValue\"") &&
		    has(a.body, "beyond the limit [43200 seconds]."));
}

/* A handle of one queue is none of another. */
static void handle_of_another_queue(void **state)
{
	char handle[512], json[700];

	(void)state;
	send_text("hello");
	member(call("ReceiveMessage", RECEIVE).body, "ReceiptHandle", handle, sizeof(handle));
	assert_int_equal(call("CreateQueue", "{\"QueueName\":\"q2\"}").status, 200);
	snprintf(json, sizeof(json), "{\"QueueUrl\":\"http://x/000000000000/q2\",\"ReceiptHandle\":\"%s\"}", handle);
	struct aws_answer a = call("DeleteMessage", json);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "ReceiptHandleIsInvalid"));
}

/* Many polls at once, each with a session of its own; nobody waits for another. */
static void many_polls(void **state)
{
	struct aws_peer waiting[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		aws_peer_open(&waiting[i], &rig);
		aws_peer_json(&waiting[i], "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":20}", "guest");
	}
	aws_rig_run(&rig);
	for (int i = 0; i < 20; i++)
		send_text("x");
	for (int i = 0; i < 20; i++) {
		struct aws_answer a = aws_peer_take(&waiting[i]);

		assert_int_equal(a.status, 200);
		assert_true(has(a.body, "\"Body\":\"x\""));
		aws_peer_close(&waiting[i], WIRE_PEER_CLOSED);
	}
}

static void selection(void **state)
{
	(void)state;
	aws_peer_json(&peer, "SendMessage",
		      "{" Q ",\"MessageBody\":\"x\",\"MessageAttributes\":{\"a.b\":{\"DataType\":\"String\",\"StringValue\":"
		      "\"1\"},\"a.c\":{\"DataType\":\"String\",\"StringValue\":\"2\"},\"d\":{\"DataType\":\"String\","
		      "\"StringValue\":\"3\"}}}",
		      "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
	static const struct {
		const char *names;
		bool ab, ac, d;
	} rows[] = {
		{"[]", false, false, false},	 {"[\"All\"]", true, true, true}, {"[\".*\"]", true, true, true},
		{"[\"a.*\"]", true, true, false}, {"[\"d\"]", false, false, true}, {"[\"a.b\",\"no\"]", true, false, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[256];

		snprintf(json, sizeof(json), "{" Q ",\"VisibilityTimeout\":0,\"MessageAttributeNames\":%s}", rows[i].names);
		struct aws_answer a = call("ReceiveMessage", json);
		assert_int_equal(has(a.body, "\"a.b\":{"), rows[i].ab);
		assert_int_equal(has(a.body, "\"a.c\":{"), rows[i].ac);
		assert_int_equal(has(a.body, "\"d\":{"), rows[i].d);
		assert_int_equal(has(a.body, "MD5OfMessageAttributes"), rows[i].ab || rows[i].ac || rows[i].d);
	}
}

/* Whatever is pending when the head goes is freed (the sanitizer says so). */
static void gone_while_waiting(void **state)
{
	struct aws_peer waiting;

	(void)state;
	aws_peer_open(&waiting, &rig);
	aws_peer_json(&waiting, "SendMessage", "{" Q ",\"MessageBody\":\"x\"}", "guest");
	aws_peer_close(&waiting, WIRE_LOST);
	aws_rig_run(&rig);
	assert_true(has(call("ReceiveMessage", RECEIVE).body, "\"Body\":\"x\""));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(long_poll),	T(caller_gone),	 T(caller_gone_late),	   T(answer_lost), T(lease_outlives_connection),
		T(twelve_hours), T(handle_of_another_queue), T(many_polls), T(selection), T(gone_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
