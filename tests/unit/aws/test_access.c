/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call: keys, anonymous callers, callers from elsewhere, permissions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig/aws_rig.h"

static struct aws_rig rig;
static struct aws_peer peer;

static void opened(bool far, bool anonymous)
{
	rig = (struct aws_rig){.far = far};
	rig.options.anonymous = anonymous;
	rig.options.anonymous_user = VIEW("guest");
	rig.options.anonymous_vhost = VIEW("/");
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
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

static struct aws_answer call(const char *action, const char *json, const char *key)
{
	aws_peer_json(&peer, action, json, key);
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_not_equal(a.status, 0);
	return a;
}

static void done(void *ctx, enum code code, const char *text)
{
	if (code != CODE_OK)
		fail_msg("%s", text);
	*(int *)ctx += 1;
}

static void keys(void **state)
{
	(void)state;
	opened(false, false);
	assert_int_equal(call("ListQueues", "{}", "guest").status, 200);
	struct aws_answer a = call("ListQueues", "{}", "stranger");
	assert_int_equal(a.status, 403);
	assert_true(has(a.body, "#InvalidClientTokenId\""));
	a = call("ListQueues", "{}", NULL);
	assert_int_equal(a.status, 403);
	assert_true(has(a.body, "#MissingAuthenticationToken\""));
	aws_peer_bytes(&peer, VIEW("GET /?Action=ListQueues HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eA==\r\n\r\n"));
	aws_rig_run(&rig);
	a = aws_peer_take(&peer);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "<Code>IncompleteSignature</Code>"));
}

static void anonymous(void **state)
{
	(void)state;
	opened(false, true);
	assert_int_equal(call("CreateQueue", "{\"QueueName\":\"q\"}", NULL).status, 200);
	assert_int_equal(call("ListQueues", "{}", "stranger").status, 403);
}

/* The default user is for this machine only. */
static void from_elsewhere(void **state)
{
	(void)state;
	opened(true, false);
	struct aws_answer a = call("ListQueues", "{}", "guest");
	assert_int_equal(a.status, 403);
	assert_true(has(a.body, "InvalidClientTokenId"));
}

static void permissions(void **state)
{
	struct access_key_made made;
	int changes = 0;

	(void)state;
	opened(false, false);
	access_user_put(rig.access, VIEW("w"), VIEW("pass"), VIEW(""), done, &changes);
	aws_rig_run(&rig);
	access_permission_put(rig.access,
			      &(struct access_permission){
				      .user = VIEW("w"),
				      .vhost = VIEW("/"),
				      .configure = VIEW("^mine$"),
				      .write = VIEW("^(mine|in)$"),
				      .read = VIEW("^mine$"),
			      },
			      done, &changes);
	aws_rig_run(&rig);
	access_key_create(rig.access, VIEW("w"), VIEW("/"), &made, done, &changes);
	aws_rig_run(&rig);
	assert_int_equal(changes, 3);
	assert_int_equal(call("CreateQueue", "{\"QueueName\":\"in\"}", "guest").status, 200);
	assert_int_equal(call("CreateQueue", "{\"QueueName\":\"hidden\"}", "guest").status, 200);

	assert_int_equal(call("CreateQueue", "{\"QueueName\":\"mine\"}", made.id).status, 200);
	struct aws_answer a = call("CreateQueue", "{\"QueueName\":\"other\"}", made.id);
	assert_int_equal(a.status, 403);
	assert_true(has(a.body, "#AccessDeniedException\""));
	assert_true(has(a.body, "arn:aws:sqs:eu-west-1:000000000000:other"));
	assert_int_equal(call("SendMessage", "{\"QueueUrl\":\"/000000000000/in\",\"MessageBody\":\"x\"}", made.id).status, 200);
	assert_int_equal(call("ReceiveMessage", "{\"QueueUrl\":\"/000000000000/in\"}", made.id).status, 403);
	assert_int_equal(call("SendMessage", "{\"QueueUrl\":\"/000000000000/hidden\",\"MessageBody\":\"x\"}", made.id).status, 403);
	/* lists what the caller may see; whoever may write may know the URL */
	a = call("ListQueues", "{}", made.id);
	assert_true(has(a.body, "/in\"") && has(a.body, "/mine\"") && !has(a.body, "/hidden\""));
	assert_int_equal(call("GetQueueUrl", "{\"QueueName\":\"in\"}", made.id).status, 200);
	assert_int_equal(call("GetQueueUrl", "{\"QueueName\":\"hidden\"}", made.id).status, 403);
	a = call("ReceiveMessage", "{\"QueueUrl\":\"/000000000000/in\",\"AttributeNames\":[\"SenderId\"]}", "guest");
	assert_true(has(a.body, "\"SenderId\":\"w\""));
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(keys), T(anonymous), T(from_elsewhere), T(permissions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
