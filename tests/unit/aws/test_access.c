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

/* ---- signatures ---- */

static struct aws_answer bytes(const char *text)
{
	aws_peer_bytes(&peer, view_str(text));
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_not_equal(a.status, 0);
	return a;
}

#define HEAD "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 17\r\n"
#define FORM "\r\nAction=ListQueues"
#define GOOD "Credential=guest/20231114/us-east-1/sqs/aws4_request"
#define DATE "X-Amz-Date: 20231114T221320Z\r\n"
#define AUTH "Authorization: AWS4-HMAC-SHA256 "
#define TAIL ", SignedHeaders=host;x-amz-date, Signature=00\r\n"

/* The rig's clock stands at 2023-11-14 22:13:20. */
static const struct {
	const char *headers;
	int status;
	const char *code, *text;
} header_rows[] = {
	{DATE "Authorization: AWS4-HMAC-SHA1 " GOOD TAIL, 400, "IncompleteSignature", "AWS4-HMAC-SHA256"},
	{DATE AUTH "SignedHeaders=host, Signature=00\r\n", 400, "IncompleteSignature",
	 "Authorization header requires 'Credential' parameter."},
	{DATE AUTH GOOD ", SignedHeaders=host\r\n", 400, "IncompleteSignature",
	 "Authorization header requires 'Signature' parameter."},
	{DATE AUTH GOOD ", Signature=00\r\n", 400, "IncompleteSignature",
	 "Authorization header requires 'SignedHeaders' parameter."},
	{AUTH GOOD TAIL, 400, "IncompleteSignature",
	 "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
	{"X-Amz-Date: 20231314T221320Z\r\n" AUTH GOOD TAIL, 400, "IncompleteSignature", "ISO-8601"},
	{"Date: yesterday\r\n" AUTH GOOD TAIL, 400, "IncompleteSignature", "ISO-8601"},
	{DATE AUTH "Credential=guest/sqs/aws4_request" TAIL, 400, "IncompleteSignature",
	 "Credential must have exactly 5 slash-delimited elements"},
	{DATE AUTH GOOD ", SignedHeaders=x-amz-date, Signature=00\r\n", 400, "IncompleteSignature",
	 "'Host' must be a 'SignedHeader'"},
	{DATE AUTH GOOD ", SignedHeaders=x-amz-date;host, Signature=00\r\n", 400, "IncompleteSignature", "sorted"},
	{DATE AUTH "Credential=stranger/20231114/us-east-1/sqs/aws4_request" TAIL, 403, "InvalidClientTokenId",
	 "The security token included in the request is invalid."},
	{DATE "X-Amz-Security-Token: t\r\n" AUTH GOOD TAIL, 403, "InvalidClientTokenId", "security token"},
	{DATE AUTH "Credential=guest/20231114/us-east-1/kms/aws4_request" TAIL, 403, "SignatureDoesNotMatch",
	 "Credential should be scoped to correct service: 'sqs'."},
	{DATE AUTH "Credential=guest/20231114/us-east-1/sqs/aws5_request" TAIL, 403, "SignatureDoesNotMatch",
	 "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
	{DATE AUTH "Credential=guest/20231115/us-east-1/sqs/aws4_request" TAIL, 403, "SignatureDoesNotMatch",
	 "'20231115' != '20231114', from '20231114T221320Z'."},
	{"X-Amz-Date: 20231114T215819Z\r\n" AUTH GOOD TAIL, 403, "SignatureDoesNotMatch",
	 "Signature expired: 20231114T215819Z is now earlier than 20231114T215820Z (20231114T221320Z - 15 min.)"},
	{"X-Amz-Date: 20231114T222821Z\r\n" AUTH GOOD TAIL, 403, "SignatureDoesNotMatch",
	 "Signature not yet current: 20231114T222821Z is still later than 20231114T222820Z (20231114T221320Z + 15 min.)"},
	{DATE AUTH GOOD TAIL, 403, "SignatureDoesNotMatch",
	 "The request signature we calculated does not match the signature you provided."},
	{"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n" AUTH GOOD ", SignedHeaders=date;host, Signature=00\r\n", 403,
	 "SignatureDoesNotMatch", "does not match the signature you provided."},
	/* computed by another implementation */
	{"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n" AUTH GOOD
	 ", SignedHeaders=date;host, Signature=e07b6b93c7cdf9ec93fdd23d33c2f67ee54a04a73f9e875625755c58f9a3f9e2\r\n", 200, "ListQueuesResponse", ""},
};

static void signature_headers(void **state)
{
	(void)state;
	opened(false, true);
	for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++) {
		char text[2048];

		snprintf(text, sizeof(text), HEAD "%s" FORM, header_rows[i].headers);
		struct aws_answer a = bytes(text);
		if (a.status != header_rows[i].status || !has(a.body, header_rows[i].code) ||
		    !has(a.body, header_rows[i].text))
			fail_msg("%s: %d %.*s", header_rows[i].headers, a.status, VIEW_ARG(a.body));
	}
}

static void presigned(void **state)
{
	(void)state;
	opened(false, false);
	aws_peer_presigned(&peer, "/", "Action=ListQueues&QueueNamePrefix=a%2Fb+c", "guest", 60);
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
	aws_peer_presigned(&peer, "/", "Action=ListQueues", "stranger", 60);
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 403);
	aws_peer_presigned(&peer, "/", "Action=ListQueues", "guest", 604801);
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "<Code>IncompleteSignature</Code>"));

	/* one that was good once: replayed within its time, then behind it */
	static const char once[] =
		"GET /?Action=ListQueues&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=guest%2F20231114%2Fus-east-1%2Fsqs%2F"
		"aws4_request&X-Amz-Date=20231114T221320Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature="
		"c3cd5b219cb1d6b1fdd8b1ca3aabb1ff00d82a8a61b71ced67f8607c0b46c99d HTTP/1.1\r\nHost: h\r\n\r\n";
	assert_int_equal(bytes(once).status, 200);
	aws_rig_pass(&rig, 3600 * 1000);
	assert_int_equal(bytes(once).status, 200);
	aws_rig_pass(&rig, 1000);
	a = bytes(once);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "<Code>RequestExpired</Code><Message>Request has expired.</Message>"));
}

/* A signing key that was kept does not outlive its access key. */
static void key_changes(void **state)
{
	struct access_key_made made;
	int changes = 0;

	(void)state;
	opened(false, false);
	access_key_create(rig.access, VIEW("guest"), VIEW("/"), &made, done, &changes);
	aws_rig_run(&rig);
	for (int i = 0; i < 3; i++)
		assert_int_equal(call("ListQueues", "{}", made.id).status, 200);
	access_key_delete(rig.access, view_str(made.id), done, &changes);
	aws_rig_run(&rig);
	assert_int_equal(changes, 2);
	assert_true(has(call("ListQueues", "{}", made.id).body, "InvalidClientTokenId"));
}

/* aws.verify_signatures = no: the key id alone, in whatever form it comes. */
static void unchecked(void **state)
{
	(void)state;
	rig = (struct aws_rig){0};
	rig.options.signatures_unchecked = true;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	assert_int_equal(bytes(HEAD AUTH GOOD TAIL FORM).status, 200);
	assert_int_equal(bytes(HEAD AUTH "Credential=guest/1/r/s/t\r\n" FORM).status, 200);
	assert_int_equal(bytes("GET /?Action=ListQueues&X-Amz-Credential=guest%2F1%2Fr%2Fs%2Ft HTTP/1.1\r\nHost: h\r\n\r\n").status,
			 200);
	assert_int_equal(bytes(HEAD AUTH "Credential=stranger/1/r/s/t\r\n" FORM).status, 403);
	assert_int_equal(bytes(HEAD "Authorization: Basic eA==\r\n" FORM).status, 400);
	assert_int_equal(bytes(HEAD FORM).status, 403);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(keys), T(anonymous), T(from_elsewhere), T(permissions), T(signature_headers),
					    T(presigned), T(key_changes), T(unchecked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
