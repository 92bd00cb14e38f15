/* SPDX-License-Identifier: Apache-2.0 */
/* Topics over SNS: making, changing, listing, tags, who may (sqs-sns.md §11). */
#include "sns_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	(void)state;
	sns_rig_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sns_rig_close();
	return 0;
}

#define T "&TopicArn=" TOPIC_ARN
#define R "&ResourceArn=" TOPIC_ARN

static bool lists(const char *form, const char *text)
{
	struct aws_answer a = sns_call(form);

	assert_int_equal(a.status, 200);
	return sns_has(a.body, text);
}

/* Unsupplied attributes are not compared, and what is the default anyway is no difference. */
static void create_again(void **state)
{
	static const char *const same[] = {
		"Action=CreateTopic&Name=n",
		"Action=CreateTopic&Name=n&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=d",
		"Action=CreateTopic&Name=n&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=false",
		"Action=CreateTopic&Name=n&Attributes.entry.1.key=SignatureVersion&Attributes.entry.1.value=1",
		"Action=CreateTopic&Name=n&Tags.member.1.Key=a&Tags.member.1.Value=1",
		"Action=CreateTopic&Name=n&Tags=",
	};

	(void)state;
	sns_good("Action=CreateTopic&Name=n&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=d"
		 "&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=2",
		 "<TopicArn>arn:aws:sns:eu-west-1:000000000000:n</TopicArn>");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		sns_good(same[i], "<TopicArn>arn:aws:sns:eu-west-1:000000000000:n</TopicArn>");
	sns_refused("Action=CreateTopic&Name=n&Attributes.entry.1.key=SignatureVersion&Attributes.entry.1.value=2", 400,
		    "InvalidParameter", "different attributes");
	sns_refused("Action=CreateTopic&Name=n&Tags.member.1.Key=a&Tags.member.1.Value=2", 400, "InvalidParameter",
		    "different tags");
}

/* An exchange is that topic, by its wire name as well. */
static void exchanges_are_topics(void **state)
{
	struct aws_answer a;
	const char *arn, *end;
	char form[512];

	(void)state;
	a = sns_call("Action=ListTopics");
	arn = memmem(a.body.p, a.body.n, "arn:aws:sns:eu-west-1:000000000000:amq-topic-", 45);
	assert_non_null(arn);
	end = memchr(arn, '<', 100);
	snprintf(form, sizeof(form), "Action=GetTopicAttributes&TopicArn=%.*s", (int)(end - arn), arn);
	sns_good(form, "<key>TopicArn</key><value>arn:aws:sns:eu-west-1:000000000000:amq-topic-");
	snprintf(form, sizeof(form), "Action=CreateTopic&Name=%.*s", (int)(end - arn - 35), arn + 35);
	sns_good(form, "amq-topic-");
	/* the broker's own exchanges stay */
	snprintf(form, sizeof(form), "Action=DeleteTopic&TopicArn=%.*s", (int)(end - arn), arn);
	sns_refused(form, 403, "AuthorizationError", "amq.topic");
}

static void attributes(void **state)
{
	(void)state;
	sns_good("Action=GetTopicAttributes" T, "<entry><key>DisplayName</key><value></value></entry>");
	sns_good("Action=GetTopicAttributes" T, "<key>Owner</key><value>000000000000</value>");
	sns_good("Action=GetTopicAttributes" T,
		 "&quot;Resource&quot;:&quot;" TOPIC_ARN "&quot;,&quot;Condition&quot;:{&quot;StringEquals&quot;:{"
		 "&quot;AWS:SourceOwner&quot;:&quot;000000000000&quot;}}}]}</value>");
	assert_false(lists("Action=GetTopicAttributes" T, "SignatureVersion"));
	sns_good("Action=SetTopicAttributes" T "&AttributeName=SignatureVersion&AttributeValue=2",
		 "<SetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ResponseMetadata>");
	sns_good("Action=GetTopicAttributes" T, "<entry><key>SignatureVersion</key><value>2</value></entry>");
	sns_good("Action=SetTopicAttributes" T "&AttributeName=DisplayName&AttributeValue=a%26b", "");
	sns_good("Action=SetTopicAttributes" T "&AttributeName=LambdaFailureFeedbackRoleArn&AttributeValue=arn:x", "");
	sns_good("Action=GetTopicAttributes" T, "<key>DisplayName</key><value>a&amp;b</value>");
	sns_good("Action=GetTopicAttributes" T, "<key>LambdaFailureFeedbackRoleArn</key><value>arn:x</value>");
	sns_good("Action=SetTopicAttributes" T "&AttributeName=DisplayName&AttributeValue=", "");
	sns_good("Action=GetTopicAttributes" T, "<key>DisplayName</key><value></value>");
}

static void deletion(void **state)
{
	(void)state;
	sns_subscribed("");
	sns_good("Action=DeleteTopic" T, "<DeleteTopicResponse");
	assert_false(lists("Action=ListTopics", TOPIC_ARN "<"));
	assert_false(lists("Action=ListSubscriptions", TOPIC_ARN));
	sns_good("Action=DeleteTopic" T, "<DeleteTopicResponse");
	sns_good("Action=DeleteTopic&TopicArn=arn:aws:sns:eu-west-1:999999999999:t", "<DeleteTopicResponse");
	sns_refused("Action=Publish&Message=m" T, 404, "NotFound", "Topic does not exist");
}

static void tags(void **state)
{
	(void)state;
	sns_good("Action=ListTagsForResource" R, "<ListTagsForResourceResult><Tags></Tags></ListTagsForResourceResult>");
	sns_good("Action=TagResource" R "&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=",
		 "<TagResourceResult></TagResourceResult>");
	sns_good("Action=TagResource" R "&Tags.member.1.Key=a&Tags.member.1.Value=%3C", "");
	sns_good("Action=ListTagsForResource" R, "<Tags><member><Key>a</Key><Value>&lt;</Value></member>"
						 "<member><Key>b</Key><Value></Value></member></Tags>");
	sns_good("Action=UntagResource" R "&TagKeys.member.1=a&TagKeys.member.2=none", "");
	sns_good("Action=ListTagsForResource" R, "<Tags><member><Key>b</Key><Value></Value></member></Tags>");
	sns_good("Action=UntagResource" R "&TagKeys.member.1=b", "");
	sns_good("Action=ListTagsForResource" R, "<Tags></Tags>");
}

static void too_many_tags(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	buf_add_str(&b, "Action=TagResource" R);
	for (int i = 1; i <= 51; i++)
		buf_printf(&b, "&Tags.member.%d.Key=k%d&Tags.member.%d.Value=", i, i, i);
	sns_refused(buf_cstr(&b), 400, "TagLimitExceeded", "tag quota");
	buf_fini(&b);
}

/* Statements of the policy, and the policy of data protection: kept and shown. */
static void kept_policies(void **state)
{
	static const char add[] = "Action=AddPermission" T "&Label=l&AWSAccountId.member.1=111111111111&ActionName.member.1=";

	(void)state;
	sns_good("Action=AddPermission" T "&Label=l&AWSAccountId.member.1=111111111111&ActionName.member.1=Publish",
		 "<AddPermissionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ResponseMetadata>");
	sns_good("Action=GetTopicAttributes" T,
		 "{&quot;Sid&quot;:&quot;l&quot;,&quot;Effect&quot;:&quot;Allow&quot;,&quot;Principal&quot;:{&quot;AWS&quot;:"
		 "&quot;arn:aws:iam::111111111111:root&quot;},&quot;Action&quot;:&quot;SNS:Publish&quot;,&quot;Resource&quot;:"
		 "&quot;" TOPIC_ARN "&quot;}]}");
	sns_refused("Action=AddPermission" T "&Label=l&AWSAccountId.member.1=1&ActionName.member.1=Publish", 400,
		    "InvalidParameter", "Invalid parameter: Statement already exists");
	sns_refused("Action=AddPermission" T "&Label=m&AWSAccountId.member.1=1&ActionName.member.1=CreateTopic", 400,
		    "InvalidParameter", "Policy statement action out of service scope!");
	sns_refused("Action=AddPermission" T "&Label=&AWSAccountId.member.1=1", 400, "InvalidParameter", "Label");
	sns_refused("Action=AddPermission" T "&Label=m&ActionName.member.1=Publish", 400, "InvalidParameter", "AWSAccountId");
	sns_refused(add, 400, "InvalidParameter", "ActionName");
	sns_refused("Action=RemovePermission" T "-none&Label=l", 404, "NotFound", "Topic does not exist");
	sns_good("Action=RemovePermission" T "&Label=none", "");
	sns_good("Action=RemovePermission" T "&Label=l", "");
	assert_false(lists("Action=GetTopicAttributes" T, "111111111111"));

	sns_good("Action=GetDataProtectionPolicy" R, "<GetDataProtectionPolicyResult></GetDataProtectionPolicyResult>");
	sns_good("Action=PutDataProtectionPolicy" R "&DataProtectionPolicy={\"a\":1}", "");
	sns_good("Action=GetDataProtectionPolicy" R, "<DataProtectionPolicy>{&quot;a&quot;:1}</DataProtectionPolicy>");
	assert_false(lists("Action=GetTopicAttributes" T, "protection"));
	sns_refused("Action=PutDataProtectionPolicy" R "&DataProtectionPolicy=x", 400, "InvalidParameter",
		    "Invalid parameter: DataProtectionPolicy");
}

/* JSON, if a client sends it. */
static void over_json(void **state)
{
	struct aws_peer p;
	struct aws_answer a;

	(void)state;
	aws_peer_open(&p, &sns_rig);
	aws_peer_bytes(&p, VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.0\r\n"
				"X-Amz-Target: AmazonSimpleNotificationService.ListTopics\r\nContent-Length: 2\r\n\r\n{}"));
	aws_rig_run(&sns_rig);
	a = aws_peer_take(&p);
	assert_int_equal(a.status, 403);
	assert_true(sns_has(a.body, "com.amazonaws.sns#MissingAuthenticationToken"));
	aws_peer_close(&p, WIRE_PEER_CLOSED);
}

/* ---- who may ---- */

static void done(void *ctx, enum code code, const char *text)
{
	if (code != CODE_OK)
		fail_msg("%s", text);
	*(int *)ctx += 1;
}

static void permissions(void **state)
{
	static const struct {
		const char *form;
		int status;
	} rows[] = {
		{"Action=CreateTopic&Name=mine", 200},
		{"Action=CreateTopic&Name=t", 403},
		{"Action=GetTopicAttributes" T, 200}, /* it may be read */
		{"Action=SetTopicAttributes" T "&AttributeName=DisplayName&AttributeValue=d", 403},
		{"Action=TagResource" R "&Tags.member.1.Key=a&Tags.member.1.Value=1", 403},
		{"Action=DeleteTopic" T, 403},
		{"Action=Publish&Message=m" T, 403},
		{"Action=PublishBatch" T "&PublishBatchRequestEntries.member.1.Id=a", 403},
		{"Action=Publish&Message=m&TopicArn=arn:aws:sns:eu-west-1:000000000000:mine", 200},
		{"Action=Subscribe&Protocol=sqs" T "&Endpoint=" QUEUE_ARN, 403},
		{"Action=Subscribe&Protocol=sqs" T "&Endpoint=arn:aws:sqs:eu-west-1:000000000000:mine", 200},
		{"Action=Subscribe&Protocol=sqs" T "&Endpoint=arn:aws:sqs:eu-west-1:000000000000:mine"
		 "&Attributes.entry.1.key=RedrivePolicy&Attributes.entry.1.value={\"deadLetterTargetArn\":\"" QUEUE_ARN "\"}",
		 403},
		{"Action=Subscribe&Protocol=sqs&TopicArn=arn:aws:sns:eu-west-1:000000000000:other&Endpoint="
		 "arn:aws:sqs:eu-west-1:000000000000:mine",
		 403},
		{"Action=ListSubscriptionsByTopic&TopicArn=arn:aws:sns:eu-west-1:000000000000:other", 403},
	};
	struct access_key_made made;
	int changes = 0;

	(void)state;
	sns_good("Action=CreateTopic&Name=other", "");
	const char *arn = sns_subscribed("");
	access_user_put(sns_rig.access, VIEW("w"), VIEW("pass"), VIEW(""), done, &changes);
	aws_rig_run(&sns_rig);
	access_permission_put(sns_rig.access,
			      &(struct access_permission){.user = VIEW("w"),
							  .vhost = VIEW("/"),
							  .configure = VIEW("^mine$"),
							  .write = VIEW("^mine$"),
							  .read = VIEW("^(mine|t)$")},
			      done, &changes);
	aws_rig_run(&sns_rig);
	access_key_create(sns_rig.access, VIEW("w"), VIEW("/"), &made, done, &changes);
	aws_rig_run(&sns_rig);
	assert_int_equal(changes, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct aws_answer a = sns_call_as(made.id, rows[i].form);

		if (a.status != rows[i].status || (a.status == 403 && !sns_has(a.body, "<Code>AuthorizationError</Code>")))
			fail_msg("%s: %d %.*s", rows[i].form, a.status, VIEW_ARG(a.body));
	}
	struct aws_answer a = sns_call_as(made.id, "Action=ListTopics");
	assert_true(sns_has(a.body, TOPIC_ARN "<") && !sns_has(a.body, ":other<") && !sns_has(a.body, ":amq-"));
	a = sns_call_as(made.id, "Action=ListSubscriptions");
	assert_true(sns_has(a.body, arn) && sns_has(a.body, ":mine</Endpoint>"));

	/* somebody else's subscription to a queue that it may not write */
	char form[512];
	snprintf(form, sizeof(form), "Action=Unsubscribe&SubscriptionArn=%s", arn);
	assert_int_equal(sns_call_as(made.id, form).status, 403);
	snprintf(form, sizeof(form),
		 "Action=SetSubscriptionAttributes&SubscriptionArn=%s&AttributeName=RawMessageDelivery&AttributeValue=true", arn);
	assert_int_equal(sns_call_as(made.id, form).status, 403);
}

/* 100 a page; no page shows a topic twice. */
static void pages(void **state)
{
	char form[512], token[256];
	struct aws_answer a;
	int n = 0;

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(form, sizeof(form), "Action=CreateTopic&Name=p%d", i);
		sns_good(form, "");
	}
	a = sns_call("Action=ListTopics");
	const char *start = memmem(a.body.p, a.body.n, "<NextToken>", 11);
	assert_non_null(start);
	for (const char *p = (const char *)a.body.p; (p = strstr(p, "<member>")); p++)
		n++;
	assert_int_equal(n, 100);
	snprintf(token, sizeof(token), "%.*s", (int)strcspn(start + 11, "<"), start + 11);
	snprintf(form, sizeof(form), "Action=ListTopics&NextToken=%s", token);
	a = sns_call(form);
	assert_false(sns_has(a.body, "NextToken"));
	for (const char *p = (const char *)a.body.p; (p = strstr(p, "<member>")); p++)
		n++;
	assert_int_equal(n, 150 + 1 + 6); /* with t and those that every vhost has */
}

int main(void)
{
#define T_(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T_(create_again), T_(exchanges_are_topics), T_(attributes), T_(deletion), T_(tags),
		T_(too_many_tags), T_(kept_policies), T_(over_json),	     T_(permissions), T_(pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
