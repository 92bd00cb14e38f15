/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are refused, over both wire protocols: status, code, header, text. */
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
#define QF "QueueUrl=http%3A%2F%2Fx%2F000000000000%2Fq"

static const struct {
	const char *action, *json; /* AWS JSON */
	int status;
	const char *shape, *code, *text;
} json_rows[] = {
	{"Nonsense", "{}", 400, "InvalidAction", "InvalidAction", "The action Nonsense is not valid for this endpoint."},
	{"StartMessageMoveTask", "{}", 400, "InvalidAction", "InvalidAction", "The action StartMessageMoveTask is not valid"},
	{"ListQueues", "{", 400, "SerializationException", "SerializationException", "not a JSON object"},
	{"ListQueues", "[]", 400, "SerializationException", "SerializationException", "not a JSON object"},
	{"ListQueues", "{\"MaxResults\":\"x\"}", 400, "SerializationException", "SerializationException", "MaxResults"},
	{"ListQueues", "{\"MaxResults\":1001}", 400, "InvalidParameterValueException", "InvalidParameterValue", "MaxResults"},
	{"ListQueues", "{\"NextToken\":\"***\"}", 400, "InvalidParameterValueException", "InvalidParameterValue", "token"},
	{"SendMessage", "{\"MessageBody\":\"x\"}", 400, "MissingRequiredParameterException", "MissingParameter",
	 "The request must contain the parameter QueueUrl."},
	{"SendMessage", "{\"QueueUrl\":\"http://x/000000000000/none\",\"MessageBody\":\"x\"}", 400, "QueueDoesNotExist",
	 "AWS.SimpleQueueService.NonExistentQueue", "\"The specified queue does not exist.\""},
	{"SendMessage", "{\"QueueUrl\":\"http://x/999999999999/q\",\"MessageBody\":\"x\"}", 400, "QueueDoesNotExist",
	 "AWS.SimpleQueueService.NonExistentQueue", "does not exist"},
	{"SendMessage", "{" Q ",\"MessageBody\":7}", 400, "SerializationException", "SerializationException", "MessageBody"},
	{"SendMessage", "{" Q ",\"MessageBody\":\"a\\u0000b\"}", 400, "InvalidMessageContents", "InvalidMessageContents",
	 "Invalid characters found."},
	{"SendMessage", "{" Q ",\"MessageBody\":\"x\",\"DelaySeconds\":901}", 400, "InvalidParameterValueException",
	 "InvalidParameterValue",
	 "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
	{"SendMessage", "{" Q ",\"MessageBody\":\"x\",\"MessageDeduplicationId\":\"d\"}", 400,
	 "InvalidParameterValueException", "InvalidParameterValue",
	 "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not "
	 "valid for this queue type."},
	{"SendMessage",
	 "{" Q ",\"MessageBody\":\"x\",\"MessageAttributes\":{\"a\":{\"DataType\":\"Text\",\"StringValue\":\"v\"}}}", 400,
	 "InvalidParameterValueException", "InvalidParameterValue", "type"},
	{"SendMessage",
	 "{" Q ",\"MessageBody\":\"x\",\"MessageAttributes\":{\"a\":{\"DataType\":\"Binary\",\"BinaryValue\":\"*\"}}}", 400,
	 "SerializationException", "SerializationException", "MessageAttributes"},
	{"SendMessage",
	 "{" Q ",\"MessageBody\":\"x\",\"MessageSystemAttributes\":{\"b\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}}",
	 400, "InvalidParameterValueException", "InvalidParameterValue", "system attribute"},
	{"SendMessageBatch", "{" Q "}", 400, "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest",
	 "There should be at least one SendMessageBatchRequestEntry in the request."},
	{"SendMessageBatch", "{" Q ",\"Entries\":[{\"Id\":\"a\",\"MessageBody\":\"x\"},{\"Id\":\"a\",\"MessageBody\":\"x\"}]}",
	 400, "BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated."},
	{"SendMessageBatch", "{" Q ",\"Entries\":[{},{},{},{},{},{},{},{},{},{},{},{}]}", 400, "TooManyEntriesInBatchRequest",
	 "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	 "Maximum number of entries per request are 10. You have sent 12."},
	{"SendMessageBatch", "{" Q ",\"Entries\":[7]}", 400, "SerializationException", "SerializationException", "Entries"},
	{"ReceiveMessage", "{" Q ",\"VisibilityTimeout\":43201}", 400, "InvalidParameterValueException",
	 "InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid."},
	{"ReceiveMessage", "{" Q ",\"AttributeNames\":[\"Nope\"]}", 400, "InvalidAttributeName", "InvalidAttributeName",
	 "Unknown Attribute Nope."},
	{"DeleteMessage", "{" Q "}", 400, "MissingRequiredParameterException", "MissingParameter", "ReceiptHandle"},
	{"DeleteMessage", "{" Q ",\"ReceiptHandle\":\"garbage\"}", 400, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
	 "The input receipt handle \\\"garbage\\\" is not a valid receipt handle."},
	{"ChangeMessageVisibility", "{" Q ",\"ReceiptHandle\":\"garbage\",\"VisibilityTimeout\":1}", 400,
	 "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "garbage"},
	{"CreateQueue", "{}", 400, "MissingRequiredParameterException", "MissingParameter", "QueueName"},
	{"CreateQueue", "{\"QueueName\":\"a b\"}", 400, "InvalidParameterValueException", "InvalidParameterValue",
	 "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
	{"CreateQueue", "{\"QueueName\":\"a.fifo\"}", 400, "InvalidParameterValueException", "InvalidParameterValue",
	 "Can only include alphanumeric"},
	{"CreateQueue", "{\"QueueName\":\"a\",\"Attributes\":{\"FifoQueue\":\"true\"}}", 400, "InvalidParameterValueException",
	 "InvalidParameterValue", "The name of a FIFO queue can only include"},
	{"CreateQueue", "{\"QueueName\":\"a.fifo\",\"Attributes\":{\"FifoQueue\":\"true\"}}", 400, "UnsupportedOperation",
	 "AWS.SimpleQueueService.UnsupportedOperation", "FIFO"},
	{"CreateQueue", "{\"QueueName\":\"a\",\"Attributes\":{\"Nope\":\"1\"}}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "Unknown Attribute Nope."},
	{"CreateQueue", "{\"QueueName\":\"a\",\"Attributes\":{\"VisibilityTimeout\":\"43201\"}}", 400, "InvalidAttributeValue",
	 "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
	{"CreateQueue", "{\"QueueName\":\"a\",\"Attributes\":{\"Policy\":\"{\"}}", 400, "InvalidAttributeValue",
	 "InvalidAttributeValue", "Invalid value for the parameter Policy."},
	{"CreateQueue", "{\"QueueName\":\"a\",\"Attributes\":{\"RedrivePolicy\":\"{}\"}}", 400,
	 "InvalidParameterValueException", "InvalidParameterValue",
	 "The required parameter 'deadLetterTargetArn' is missing"},
	{"CreateQueue",
	 "{\"QueueName\":\"a\",\"Attributes\":{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":"
	 "\\\"arn:aws:sqs:eu-west-1:000000000000:none\\\",\\\"maxReceiveCount\\\":1}\"}}",
	 400, "InvalidParameterValueException", "InvalidParameterValue", "Dead letter target does not exist."},
	{"CreateQueue", "{\"QueueName\":\"q\",\"Attributes\":{\"DelaySeconds\":\"5\"}}", 400, "QueueNameExists",
	 "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds"},
	{"DeleteQueue", "{\"QueueUrl\":\"none\"}", 400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
	 "does not exist"},
	{"PurgeQueue", "{}", 400, "MissingRequiredParameterException", "MissingParameter", "QueueUrl"},
	{"GetQueueAttributes", "{" Q ",\"AttributeNames\":[\"QueueArn\",\"Nope\"]}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "Unknown Attribute Nope."},
	{"GetQueueAttributes", "{" Q ",\"AttributeNames\":[\"mqb.tags\"]}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "Unknown Attribute mqb.tags."},
	{"SetQueueAttributes", "{" Q "}", 400, "MissingRequiredParameterException", "MissingParameter", "Attributes"},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"Nope\":\"1\"}}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "Unknown Attribute Nope."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"QueueArn\":\"1\"}}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "Unknown Attribute QueueArn."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"FifoQueue\":\"false\"}}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "Unknown Attribute FifoQueue."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"ContentBasedDeduplication\":\"true\"}}", 400,
	 "InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"DeduplicationScope\":\"queue\"}}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"MessageRetentionPeriod\":\"59\"}}", 400, "InvalidAttributeValue",
	 "InvalidAttributeValue", "Invalid value for the parameter MessageRetentionPeriod."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"MaximumMessageSize\":\"1048577\"}}", 400, "InvalidAttributeValue",
	 "InvalidAttributeValue", "Invalid value for the parameter MaximumMessageSize."},
	{"SetQueueAttributes", "{" Q ",\"Attributes\":{\"DelaySeconds\":\"\"}}", 400, "InvalidAttributeValue",
	 "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
	{"SetQueueAttributes",
	 "{" Q ",\"Attributes\":{\"KmsMasterKeyId\":\"k\",\"SqsManagedSseEnabled\":\"true\"}}", 400, "InvalidAttributeName",
	 "InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time."},
	{"SetQueueAttributes",
	 "{" Q ",\"Attributes\":{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":"
	 "\\\"arn:aws:sqs:eu-west-1:000000000000:q\\\",\\\"maxReceiveCount\\\":\\\"1001\\\"}\"}}",
	 400, "InvalidParameterValueException", "InvalidParameterValue",
	 "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."},
	{"TagQueue", "{" Q "}", 400, "MissingRequiredParameterException", "MissingParameter", "Tags"},
	{"TagQueue", "{" Q ",\"Tags\":{\"\":\"v\"}}", 400, "InvalidParameterValueException", "InvalidParameterValue",
	 "Tag keys must be between 1 and 128 characters in length."},
	{"UntagQueue", "{" Q "}", 400, "MissingRequiredParameterException", "MissingParameter", "TagKeys"},
	{"GetQueueUrl", "{\"QueueName\":\"none\"}", 400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
	 "does not exist"},
};

static void json_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(json_rows) / sizeof(json_rows[0]); i++) {
		char shape[128], header[128];

		aws_peer_json(&peer, json_rows[i].action, json_rows[i].json, "guest");
		aws_rig_run(&rig);
		struct aws_answer a = aws_peer_take(&peer);
		snprintf(shape, sizeof(shape), "{\"__type\":\"com.amazonaws.sqs#%s\"", json_rows[i].shape);
		snprintf(header, sizeof(header), "x-amzn-query-error: %s;Sender\r\n", json_rows[i].code);
		if (a.status != json_rows[i].status || !has(a.body, shape) || !has(a.body, json_rows[i].text) ||
		    !has(a.head, header) || !has(a.head, "x-amzn-RequestId: "))
			fail_msg("%s %s: %d %.*s%.*s", json_rows[i].action, json_rows[i].json, a.status,
				 VIEW_ARG(a.head), VIEW_ARG(a.body));
	}
}

static const struct {
	const char *form;
	const char *code, *text;
} query_rows[] = {
	{"", "MissingAction", "Action"},
	{"Version=2012-11-05", "MissingAction", "Action"},
	{"Action=Nonsense%3C", "InvalidAction", "The action Nonsense&lt; is not valid"},
	{"Action=PublishMore&Version=2010-03-31", "InvalidAction", "The action PublishMore is not valid"},
	{"Action=%zz", "MalformedQueryString", ""},
	{"Action=GetQueueUrl&QueueName=none", "AWS.SimpleQueueService.NonExistentQueue",
	 "The specified queue does not exist for this wsdl version."},
	{"Action=GetQueueAttributes&" QF "&AttributeName.1=Nope", "InvalidAttributeName", "Unknown Attribute Nope."},
	{"Action=GetQueueAttributes&" QF "&AttributeName=Nope", "InvalidAttributeName", "Unknown Attribute Nope."},
	{"Action=SetQueueAttributes&" QF "&Attribute.Name=VisibilityTimeout&Attribute.Value=-1", "InvalidAttributeValue",
	 "Invalid value for the parameter VisibilityTimeout."},
	{"Action=SetQueueAttributes&" QF, "MissingParameter", "The request must contain the parameter Attributes."},
	{"Action=TagQueue&" QF, "MissingParameter", "The request must contain the parameter Tags."},
	{"Action=DeleteQueue&QueueUrl=none", "AWS.SimpleQueueService.NonExistentQueue", ""},
	{"Action=PurgeQueue", "MissingParameter", "The request must contain the parameter QueueUrl."},
	{"Action=ReceiveMessage&" QF "&MaxNumberOfMessages=many", "InvalidParameterValue",
	 "Value many for parameter MaxNumberOfMessages is invalid. Reason: Must be an integer."},
	{"Action=SendMessage&" QF "&MessageBody=%FF", "InvalidMessageContents", "Invalid characters"},
	{"Action=SendMessage&" QF "&MessageBody=x&MessageGroupId=%FF%00", "InvalidParameterValue", "Value ?? for parameter"},
	{"Action=SendMessage&" QF "&MessageBody=x&MessageAttribute.1.Name=b&MessageAttribute.1.Value.DataType=Binary"
	 "&MessageAttribute.1.Value.BinaryValue=*",
	 "InvalidParameterValue", "base64"},
	{"Action=DeleteMessageBatch&" QF, "AWS.SimpleQueueService.EmptyBatchRequest",
	 "There should be at least one DeleteMessageBatchRequestEntry"},
	{"Action=DeleteMessageBatch&" QF "&DeleteMessageBatchRequestEntry.0.Id=a&DeleteMessageBatchRequestEntry.x.Id=b",
	 "AWS.SimpleQueueService.EmptyBatchRequest", ""},
	{"Action=DeleteMessageBatch&" QF "&DeleteMessageBatchRequestEntry.7.Id=",
	 "AWS.SimpleQueueService.InvalidBatchEntryId", ""},
};

static void query_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(query_rows) / sizeof(query_rows[0]); i++) {
		char code[128];

		aws_peer_query(&peer, "sqs", query_rows[i].form, "guest");
		aws_rig_run(&rig);
		struct aws_answer a = aws_peer_take(&peer);
		snprintf(code, sizeof(code), "<Error><Type>Sender</Type><Code>%s</Code>", query_rows[i].code);
		if (a.status != 400 || !has(a.body, code) || !has(a.body, query_rows[i].text) ||
		    !has(a.head, "Content-Type: text/xml\r\n") || !has(a.body, "<RequestId>"))
			fail_msg("%s: %d %.*s", query_rows[i].form, a.status, VIEW_ARG(a.body));
	}
}

/* Entries come in the order of their numbers. */
static void query_order(void **state)
{
	(void)state;
	aws_peer_query(&peer, "sqs",
		       "Action=SendMessageBatch&" QF "&SendMessageBatchRequestEntry.12.Id=c&SendMessageBatchRequestEntry.12."
		       "MessageBody=3&SendMessageBatchRequestEntry.2.MessageBody=1&SendMessageBatchRequestEntry.2.Id=a&"
		       "SendMessageBatchRequestEntry.7.Id=b&SendMessageBatchRequestEntry.7.MessageBody=2",
		       "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	const char *one = memmem(a.body.p, a.body.n, "<Id>a</Id>", 10);
	const char *two = memmem(a.body.p, a.body.n, "<Id>b</Id>", 10);
	const char *three = memmem(a.body.p, a.body.n, "<Id>c</Id>", 10);
	assert_int_equal(a.status, 200);
	assert_true(one && one < two && two < three);
}

/* GET with everything in the query string (sqs-sns.md 1.6), HEAD-less Host echo. */
static void get_request(void **state)
{
	(void)state;
	aws_peer_presigned(&peer, "/000000000000/q", "Action=SendMessage&MessageBody=a%26b", "guest", 60);
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_equal(a.status, 200);
	assert_true(has(a.body, "<SendMessageResult><MessageId>"));
}

static void host_echo(void **state)
{
	(void)state;
	aws_peer_json(&peer, "GetQueueUrl", "{\"QueueName\":\"q\"}", "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_true(view_is(a.body, "{\"QueueUrl\":\"http://mq.test:9324/000000000000/q\"}"));
}

static void list_topics(void **state)
{
	(void)state;
	aws_peer_query(&peer, "sns", "Action=ListTopics&Version=2010-03-31", "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_equal(a.status, 200);
	assert_true(has(a.body, "<ListTopicsResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"));
	assert_true(has(a.body, "<Topics><member><TopicArn>arn:aws:sns:eu-west-1:000000000000:amq-direct-"));
	assert_false(has(a.body, "000000000000:</TopicArn>"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(json_refusals), T(query_refusals), T(query_order), T(get_request), T(host_echo), T(list_topics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
