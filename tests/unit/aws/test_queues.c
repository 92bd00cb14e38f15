/* SPDX-License-Identifier: Apache-2.0 */
/* Queues as SQS manages them: attributes set and shown, tags, purge, delete, and
 * what AWS allows once in 60 seconds; over both wire protocols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "rig/aws_rig.h"

static struct aws_rig rig;
static struct aws_peer peer;

#define Q "\"QueueUrl\":\"http://x/000000000000/q\""
#define QF "QueueUrl=http%3A%2F%2Fx%2F000000000000%2Fq"

static bool has(struct view v, const char *text)
{
	return memmem(v.p, v.n, text, strlen(text)) != NULL;
}

static struct view json(const char *action, const char *body, int status)
{
	aws_peer_json(&peer, action, body, "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	if (a.status != status)
		fail_msg("%s %s: %d %.*s", action, body, a.status, VIEW_ARG(a.body));
	return a.body;
}

static struct view query(const char *form, int status)
{
	aws_peer_query(&peer, "sqs", form, "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	if (a.status != status)
		fail_msg("%s: %d %.*s", form, a.status, VIEW_ARG(a.body));
	return a.body;
}

static int opened(bool sixty_seconds)
{
	rig = (struct aws_rig){0};
	rig.options.sixty_seconds = sixty_seconds;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	json("CreateQueue", "{\"QueueName\":\"q\"}", 200);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return opened(false);
}

static int setup_sixty(void **state)
{
	(void)state;
	return opened(true);
}

static int teardown(void **state)
{
	(void)state;
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
	aws_rig_close(&rig);
	return 0;
}

#define GET_ALL "{" Q ",\"AttributeNames\":[\"All\"]}"

static void attributes_shown(void **state)
{
	(void)state;
	assert_true(view_is(json("GetQueueAttributes", "{" Q "}", 200), "{}"));
	assert_true(view_is(json("GetQueueAttributes", GET_ALL, 200),
			    "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:eu-west-1:000000000000:q\","
			    "\"ApproximateNumberOfMessages\":\"0\",\"ApproximateNumberOfMessagesNotVisible\":\"0\","
			    "\"ApproximateNumberOfMessagesDelayed\":\"0\",\"CreatedTimestamp\":\"1700000000\","
			    "\"LastModifiedTimestamp\":\"1700000000\",\"VisibilityTimeout\":\"30\","
			    "\"MaximumMessageSize\":\"1048576\",\"MessageRetentionPeriod\":\"345600\",\"DelaySeconds\":\"0\","
			    "\"ReceiveMessageWaitTimeSeconds\":\"0\",\"SqsManagedSseEnabled\":\"true\"}}"));
	struct view v = query("Action=GetQueueAttributes&" QF "&AttributeName=VisibilityTimeout", 200);
	assert_true(has(v, "<GetQueueAttributesResult><Attribute><Name>VisibilityTimeout</Name><Value>30</Value></Attribute>"
			   "</GetQueueAttributesResult>"));
	/* those of FIFO queues are no unknown names */
	assert_true(view_is(json("GetQueueAttributes", "{" Q ",\"AttributeNames\":[\"FifoQueue\"]}", 200), "{}"));
}

static void counts(void **state)
{
	(void)state;
	json("SendMessage", "{" Q ",\"MessageBody\":\"a\"}", 200);
	json("SendMessage", "{" Q ",\"MessageBody\":\"b\"}", 200);
	json("SendMessage", "{" Q ",\"MessageBody\":\"c\",\"DelaySeconds\":100}", 200);
	json("ReceiveMessage", "{" Q "}", 200);
	struct view v = json("GetQueueAttributes", GET_ALL, 200);
	assert_true(has(v, "\"ApproximateNumberOfMessages\":\"1\",\"ApproximateNumberOfMessagesNotVisible\":\"1\","
			   "\"ApproximateNumberOfMessagesDelayed\":\"1\""));
	assert_true(view_is(json("PurgeQueue", "{" Q "}", 200), "{}"));
	v = json("GetQueueAttributes", GET_ALL, 200);
	assert_true(has(v, "\"ApproximateNumberOfMessages\":\"0\",\"ApproximateNumberOfMessagesNotVisible\":\"0\","
			   "\"ApproximateNumberOfMessagesDelayed\":\"0\""));
}

static void attributes_set(void **state)
{
	(void)state;
	aws_rig_pass(&rig, 5000);
	assert_true(view_is(json("SetQueueAttributes",
				 "{" Q ",\"Attributes\":{\"VisibilityTimeout\":\"07\",\"MaximumMessageSize\":\"1024\","
				 "\"Policy\":\"{}\"}}",
				 200),
			    "{}"));
	struct view v = json("GetQueueAttributes", GET_ALL, 200);
	assert_true(has(v, "\"VisibilityTimeout\":\"7\"") && has(v, "\"Policy\":\"{}\""));
	assert_true(has(v, "\"CreatedTimestamp\":\"1700000000\",\"LastModifiedTimestamp\":\"1700000005\""));
	query("Action=SetQueueAttributes&" QF "&Attribute.1.Name=Policy&Attribute.1.Value=", 200);
	assert_false(has(json("GetQueueAttributes", GET_ALL, 200), "Policy"));
	/* a size that acts at once */
	char body[2048];
	memset(body, 'x', sizeof(body));
	memcpy(body, "{" Q ",\"MessageBody\":\"", sizeof("{" Q ",\"MessageBody\":\"") - 1);
	memcpy(body + sizeof(body) - 3, "\"}", 3);
	v = json("SendMessage", body, 400);
	assert_true(has(v, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."));
}

/* A key ends the managed encryption, and the other way round (sqs-sns.md §4). */
static void encryption(void **state)
{
	(void)state;
	json("SetQueueAttributes", "{" Q ",\"Attributes\":{\"KmsMasterKeyId\":\"k\"}}", 200);
	struct view v = json("GetQueueAttributes", GET_ALL, 200);
	assert_true(has(v, "\"KmsMasterKeyId\":\"k\",\"KmsDataKeyReusePeriodSeconds\":\"300\","
			   "\"SqsManagedSseEnabled\":\"false\""));
	json("SetQueueAttributes", "{" Q ",\"Attributes\":{\"SqsManagedSseEnabled\":\"true\"}}", 200);
	v = json("GetQueueAttributes", GET_ALL, 200);
	assert_true(!has(v, "Kms") && has(v, "\"SqsManagedSseEnabled\":\"true\""));
	/* what is given again is the same */
	for (int i = 0; i < 2; i++)
		json("CreateQueue",
		     "{\"QueueName\":\"k\",\"Attributes\":{\"KmsMasterKeyId\":\"k\",\"KmsDataKeyReusePeriodSeconds\":\"300\","
		     "\"RedrivePolicy\":\"\"}}",
		     200);
}

static void redrive_policy(void **state)
{
	(void)state;
	json("CreateQueue", "{\"QueueName\":\"dead\"}", 200);
	json("SetQueueAttributes",
	     "{" Q ",\"Attributes\":{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\": \\\"42\\\",\\\"deadLetterTargetArn\\\":"
	     "\\\"arn:aws:sqs:eu-west-1:000000000000:dead\\\"}\"}}",
	     200);
	assert_true(has(json("GetQueueAttributes", GET_ALL, 200), "\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\": \\\"42\\\","));
	json("SetQueueAttributes", "{" Q ",\"Attributes\":{\"RedrivePolicy\":\"\"}}", 200);
	assert_false(has(json("GetQueueAttributes", GET_ALL, 200), "RedrivePolicy"));
}

static void tags(void **state)
{
	char body[4096];
	int n = snprintf(body, sizeof(body), "{" Q ",\"Tags\":{");

	(void)state;
	assert_true(view_is(json("ListQueueTags", "{" Q "}", 200), "{}"));
	json("CreateQueue", "{\"QueueName\":\"q\",\"tags\":{\"late\":\"x\"}}", 200);
	assert_true(view_is(json("ListQueueTags", "{" Q "}", 200), "{}"));
	json("TagQueue", "{" Q ",\"Tags\":{\"a\":\"1\",\"b\":\"\"}}", 200);
	query("Action=TagQueue&" QF "&Tag.1.Key=a&Tag.1.Value=%3C", 200);
	assert_true(view_is(json("ListQueueTags", "{" Q "}", 200), "{\"Tags\":{\"a\":\"<\",\"b\":\"\"}}"));
	assert_true(has(query("Action=ListQueueTags&" QF, 200),
			"<Tag><Key>a</Key><Value>&lt;</Value></Tag><Tag><Key>b</Key><Value></Value></Tag>"));
	assert_false(has(json("GetQueueAttributes", GET_ALL, 200), "tags"));
	for (int i = 0; i < 49; i++)
		n += snprintf(body + n, sizeof(body) - (size_t)n, "%s\"t%d\":\"v\"", i ? "," : "", i);
	snprintf(body + n, sizeof(body) - (size_t)n, "}}");
	assert_true(has(json("TagQueue", body, 400), "Too many tags added for queue q."));
	query("Action=UntagQueue&" QF "&TagKey.1=a&TagKey.2=none", 200);
	json("TagQueue", body, 200);
	json("CreateQueue", "{\"QueueName\":\"n\",\"tags\":{\"of\":\"new\"}}", 200);
	assert_true(view_is(json("ListQueueTags", "{\"QueueUrl\":\"n\"}", 200), "{\"Tags\":{\"of\":\"new\"}}"));
}

/* A waiting receive ends with its queue. */
/* The attribute Policy is these three texts, one after the other. */
static bool policy_is(const char *a, const char *b, const char *c)
{
	struct view v = json("GetQueueAttributes", GET_ALL, 200);
	json_t *answer = json_loadb((const char *)v.p, v.n, 0, NULL);
	const char *policy = json_string_value(json_object_get(json_object_get(answer, "Attributes"), "Policy"));
	size_t na = strlen(a), nb = strlen(b);
	bool same = policy && strncmp(policy, a, na) == 0 && strncmp(policy + na, b, nb) == 0 && strcmp(policy + na + nb, c) == 0;

	if (!same)
		print_error("%s\n", policy ? policy : "no policy");
	json_decref(answer);
	return same;
}

/* AddPermission writes the policy as AWS does, and RemovePermission takes it away. */
static void permissions(void **state)
{
#define ARN "arn:aws:sqs:eu-west-1:000000000000:q"
	static const char one[] = "{\"Version\":\"2008-10-17\",\"Id\":\"" ARN "/SQSDefaultPolicy\",\"Statement\":[{\"Sid\":\"one\","
				  "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:root\"},"
				  "\"Action\":\"SQS:ReceiveMessage\",\"Resource\":\"" ARN "\"}";
	static const char two[] = ",{\"Sid\":\"two\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::111111111111:root\","
				  "\"arn:aws:iam::222222222222:root\"]},\"Action\":[\"SQS:SendMessage\",\"SQS:*\"],\"Resource\":\"" ARN "\"}";
	struct view v;

	(void)state;
	json("AddPermission",
	     "{" Q ",\"Label\":\"one\",\"AWSAccountIds\":[\"111111111111\"],\"Actions\":[\"ReceiveMessage\"]}", 200);
	assert_true(policy_is(one, "", "]}"));
	v = query("Action=AddPermission&Label=two&AWSAccountId.1=111111111111&AWSAccountId.2=222222222222&ActionName.1=SendMessage"
		  "&ActionName.2=%2A&" QF, 200);
	assert_true(has(v, "<AddPermissionResponse xmlns="));
	assert_true(policy_is(one, two, "]}"));
	v = json("AddPermission",
		 "{" Q ",\"Label\":\"one\",\"AWSAccountIds\":[\"111111111111\"],\"Actions\":[\"*\"]}", 400);
	assert_true(has(v, "Value one for parameter Label is invalid. Reason: Already exists."));
	query("Action=RemovePermission&Label=two&" QF, 200);
	assert_true(policy_is(one, "", "]}"));
	json("RemovePermission", "{" Q ",\"Label\":\"one\"}", 200);
	assert_false(has(json("GetQueueAttributes", GET_ALL, 200), "Policy"));
	/* a policy of SetQueueAttributes keeps what it has */
	json("SetQueueAttributes", "{" Q ",\"Attributes\":{\"Policy\":\"{\\\"Id\\\":\\\"own\\\",\\\"Statement\\\":{\\\"Sid\\\":\\\"s\\\"}}\"}}", 200);
	json("AddPermission",
	     "{" Q ",\"Label\":\"one\",\"AWSAccountIds\":[\"111111111111\"],\"Actions\":[\"*\"]}", 200);
	v = json("GetQueueAttributes", GET_ALL, 200);
	assert_true(has(v, "\\\"Id\\\":\\\"own\\\",\\\"Statement\\\":[{\\\"Sid\\\":\\\"s\\\"},{\\\"Sid\\\":\\\"one\\\""));
}

static void deleted(void **state)
{
	struct aws_peer waiting;

	(void)state;
	aws_peer_open(&waiting, &rig);
	aws_peer_json(&waiting, "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":20}", "guest");
	aws_rig_run(&rig);
	assert_true(view_is(json("DeleteQueue", "{" Q "}", 200), "{}"));
	assert_int_not_equal(aws_peer_take(&waiting).status, 0);
	aws_peer_close(&waiting, WIRE_PEER_CLOSED);
	json("GetQueueAttributes", "{" Q "}", 400);
	json("CreateQueue", "{\"QueueName\":\"q\"}", 200);
	assert_true(has(query("Action=DeleteQueue&" QF, 200), "<DeleteQueueResponse xmlns="));
	json("PurgeQueue", "{" Q "}", 400);
}

/* With aws.sixty_seconds; without it the tests above do each twice. */
static void sixty_seconds(void **state)
{
	(void)state;
	json("PurgeQueue", "{" Q "}", 200);
	struct view v = json("PurgeQueue", "{" Q "}", 403);
	assert_true(has(v, "#PurgeQueueInProgress\"") &&
		    has(v, "Only one PurgeQueue operation on q is allowed every 60 seconds."));
	assert_true(has(query("Action=PurgeQueue&" QF, 403), "<Code>AWS.SimpleQueueService.PurgeQueueInProgress</Code>"));
	aws_rig_pass(&rig, 60000);
	json("PurgeQueue", "{" Q "}", 200);

	json("DeleteQueue", "{" Q "}", 200);
	v = json("CreateQueue", "{\"QueueName\":\"q\"}", 400);
	assert_true(has(v, "#QueueDeletedRecently\"") &&
		    has(v, "You must wait 60 seconds after deleting a queue before you can create another with the same name."));
	json("CreateQueue", "{\"QueueName\":\"other\"}", 200);
	aws_rig_pass(&rig, 60000);
	json("CreateQueue", "{\"QueueName\":\"q\"}", 200);
}

#define HANDLE "\"ReceiptHandle\":\""

static int occurrences(struct view v, const char *text)
{
	size_t len = strlen(text);
	int n = 0;

	for (const uint8_t *p; (p = memmem(v.p, v.n, text, len)); n++)
		v = view_skip(v, (size_t)(p - v.p) + len);
	return n;
}

/* aws.in_flight_max: what ReceiveMessage took; a batch stops at it. */
static void in_flight(void **state)
{
	(void)state;
	teardown(state);
	rig = (struct aws_rig){0};
	rig.in_flight_max = 3;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	json("CreateQueue", "{\"QueueName\":\"q\"}", 200);
	for (int i = 0; i < 5; i++)
		json("SendMessage", "{" Q ",\"MessageBody\":\"m\"}", 200);
	struct view first = json("ReceiveMessage", "{" Q ",\"MaxNumberOfMessages\":2}", 200);
	const char *at = memmem(first.p, first.n, HANDLE, strlen(HANDLE));
	char handle[1024];
	snprintf(handle, sizeof(handle), "%.*s", (int)strcspn(at + strlen(HANDLE), "\""), at + strlen(HANDLE));
	json("ReceiveMessage", "{" Q ",\"MaxNumberOfMessages\":10}", 200);
	assert_true(has(json("GetQueueAttributes", GET_ALL, 200), "NotVisible\":\"3\""));
	assert_true(has(json("ReceiveMessage", "{" Q "}", 403), "#OverLimit\""));
	assert_true(has(query("Action=ReceiveMessage&" QF, 403), "<Code>OverLimit</Code>"));
	/* a long poll waits for its time-out, or for room */
	aws_peer_json(&peer, "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":2}", "guest");
	aws_rig_pass(&rig, 1900);
	assert_int_equal(aws_peer_take(&peer).status, 0);
	aws_rig_pass(&rig, 100);
	assert_true(view_is(aws_peer_take(&peer).body, "{}"));
	aws_peer_json(&peer, "ReceiveMessage", "{" Q ",\"WaitTimeSeconds\":20,\"MaxNumberOfMessages\":10}", "guest");
	aws_rig_pass(&rig, 10000);
	assert_int_equal(aws_peer_take(&peer).status, 0);
	struct aws_peer other;
	char body[2048];
	aws_peer_open(&other, &rig);
	snprintf(body, sizeof(body), "{" Q ",\"ReceiptHandle\":\"%s\"}", handle);
	aws_peer_json(&other, "DeleteMessage", body, "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&other).status, 200);
	aws_peer_close(&other, WIRE_PEER_CLOSED);
	assert_int_equal(occurrences(aws_peer_take(&peer).body, "\"Body\""), 1);
	aws_rig_pass(&rig, 31000); /* they are visible again */
	assert_int_equal(occurrences(json("ReceiveMessage", "{" Q ",\"MaxNumberOfMessages\":10}", 200), "\"Body\""), 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(attributes_shown), T(counts), T(attributes_set), T(encryption), T(redrive_policy), T(tags), T(permissions), T(deleted), T(in_flight),
		cmocka_unit_test_setup_teardown(sixty_seconds, setup_sixty, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
