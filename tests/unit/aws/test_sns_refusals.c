/* SPDX-License-Identifier: Apache-2.0 */
/* What SNS refuses, in AWS's words (sqs-sns.md §11–§13, §17). */
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
#define NONE "&TopicArn=" TOPIC_ARN "-none"
#define SUBSCRIBE "Action=Subscribe" T "&Protocol=sqs&Endpoint=" QUEUE_ARN
#define ATTRIBUTE(name, value) "&Attributes.entry.1.key=" name "&Attributes.entry.1.value=" value
#define MESSAGE_ATTRIBUTE(name, rest) "&MessageAttributes.entry.1.Name=" name rest
#define AS(type) "&MessageAttributes.entry.1.Value.DataType=" type
#define TEXT(value) "&MessageAttributes.entry.1.Value.StringValue=" value
#define BYTES(value) "&MessageAttributes.entry.1.Value.BinaryValue=" value
#define PUBLISH "Action=Publish" T "&Message=m"
#define ENTRY "&PublishBatchRequestEntries.member."
#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define X16 "xxxxxxxxxxxxxxxx"
#define X81 X16 X16 X16 X16 X16 "x"
#define INVALID 400, "InvalidParameter"
#define MISSING 404, "NotFound", "Topic does not exist"

static const struct {
	const char *form;
	int status;
	const char *code, *text;
} rows[] = {
	/* topics */
	{"Action=CreateTopic", 400, "ValidationError", "Value null at 'name' failed to satisfy constraint"},
	{"Action=CreateTopic&Name=", INVALID, "Invalid parameter: Topic Name"},
	{"Action=CreateTopic&Name=a.b", INVALID, "Invalid parameter: Topic Name"},
	{"Action=CreateTopic&Name=a.fifo", INVALID, "Invalid parameter: Topic Name"},
	{"Action=CreateTopic&Name=a" ATTRIBUTE("FifoTopic", "true"), INVALID, "Invalid parameter: Topic Name"},
	{"Action=CreateTopic&Name=a" ATTRIBUTE("FifoTopic", "maybe"), INVALID, "FifoTopic"},
	{"Action=CreateTopic&Name=a%20.fifo" ATTRIBUTE("FifoTopic", "true"), INVALID, "Fifo Topic names must end with .fifo"},
	{"Action=CreateTopic&Name=a.fifo" ATTRIBUTE("FifoTopic", "true"), INVALID, "FIFO topics are not supported"},
	{"Action=CreateTopic&Name=a" ATTRIBUTE("Nope", "x"), INVALID, "Invalid parameter: Attributes Reason: AttributeName"},
	{"Action=CreateTopic&Name=a" ATTRIBUTE("SignatureVersion", "3"), INVALID,
	 "Invalid parameter: Attributes Reason: SignatureVersion"},
	{"Action=CreateTopic&Name=a" ATTRIBUTE("Policy", "x"), INVALID, "Invalid parameter: Attributes Reason: Policy"},
	{"Action=CreateTopic&Name=t" ATTRIBUTE("DisplayName", "other"), INVALID,
	 "Invalid parameter: Attributes Reason: Topic already exists with different attributes"},
	{"Action=CreateTopic&Name=t&Tags.member.1.Key=k&Tags.member.1.Value=v", INVALID,
	 "Invalid parameter: Tags Reason: Topic already exists with different tags"},
	{"Action=CreateTopic&Name=a&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=k&Tags.member.2.Value=w",
	 INVALID, "Duplicated keys are not allowed."},
	{"Action=CreateTopic&Name=a&Tags.member.1.Key=&Tags.member.1.Value=v", INVALID, "Tag keys must be between 1 and 128"},
	{"Action=DeleteTopic", 400, "ValidationError", "'topicArn'"},
	{"Action=DeleteTopic&TopicArn=t", INVALID,
	 "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
	{"Action=GetTopicAttributes&TopicArn=a:b:c:d:e", INVALID, "at least 6 elements, not 5"},
	{"Action=GetTopicAttributes&TopicArn=arn:aws:sqs:eu-west-1:000000000000:t", INVALID, "Invalid parameter: TopicArn<"},
	{"Action=GetTopicAttributes&TopicArn=arn:aws:sns:us-east-1:000000000000:t", INVALID, "Invalid parameter: TopicArn<"},
	{"Action=GetTopicAttributes&TopicArn=" TOPIC_ARN ":more", INVALID, "Invalid parameter: TopicArn<"},
	{"Action=GetTopicAttributes&TopicArn=xrn:aws:sns:eu-west-1:000000000000:t", INVALID, "Invalid parameter: TopicArn<"},
	{"Action=GetTopicAttributes&TopicArn=arn:aws:sns:eu-west-1:000000000000:", MISSING},
	{"Action=GetTopicAttributes&TopicArn=arn:aws:sns:eu-west-1:999999999999:t", MISSING},
	{"Action=GetTopicAttributes" NONE, MISSING},
	{"Action=SetTopicAttributes" NONE, MISSING},
	{"Action=SetTopicAttributes" T, 400, "ValidationError", "'attributeName'"},
	{"Action=SetTopicAttributes" T "&AttributeName=FifoTopic&AttributeValue=false", INVALID,
	 "Invalid parameter: AttributeName"},
	{"Action=SetTopicAttributes" T "&AttributeName=TracingConfig&AttributeValue=on", INVALID,
	 "Invalid parameter: TracingConfig"},
	{"Action=SetTopicAttributes" T "&AttributeName=DisplayName&AttributeValue=" X81 X81, INVALID,
	 "Invalid parameter: DisplayName"},
	{"Action=SetTopicAttributes" T "&AttributeName=SQSSuccessFeedbackSampleRate&AttributeValue=101", INVALID,
	 "Invalid parameter: SQSSuccessFeedbackSampleRate"},
	{"Action=ListTopics&NextToken=***", INVALID, "Invalid parameter: NextToken"},
	{"Action=ListTagsForResource&ResourceArn=" TOPIC_ARN "-none", 404, "ResourceNotFound", "Resource does not exist"},
	{"Action=TagResource&ResourceArn=" TOPIC_ARN "-none", 404, "ResourceNotFound", "Resource does not exist"},
	{"Action=UntagResource&ResourceArn=x", INVALID, "Invalid parameter: ResourceArn Reason: An ARN must have"},
	{"Action=TagResource&ResourceArn=" TOPIC_ARN "&Tags.member.1.Key=" X81 X81 "&Tags.member.1.Value=", INVALID, "Tag keys"},

	/* subscriptions */
	{"Action=Subscribe&TopicArn=t&Protocol=sqs", INVALID, "at least 6 elements, not 1"},
	{"Action=Subscribe" NONE "&Protocol=sqs", MISSING},
	{"Action=Subscribe" T, 400, "ValidationError", "'protocol'"},
	{"Action=Subscribe" T "&Protocol=x&Endpoint=y", INVALID,
	 "Invalid parameter: Amazon SNS does not support this protocol string: x"},
	{"Action=Subscribe" T "&Protocol=sqs", INVALID, "Invalid parameter: Endpoint"},
	{"Action=Subscribe" T "&Protocol=sqs&Endpoint=http://x/000000000000/q", INVALID, "Invalid parameter: SQS endpoint ARN"},
	{"Action=Subscribe" T "&Protocol=sqs&Endpoint=arn:aws:sns:eu-west-1:000000000000:q", INVALID, "SQS endpoint ARN"},
	{"Action=Subscribe" T "&Protocol=sqs&Endpoint=arn:aws:sqs:eu-west-1:999999999999:q", INVALID, "account"},
	{"Action=Subscribe" T "&Protocol=sqs&Endpoint=" QUEUE_ARN ".fifo", INVALID,
	 "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"},
	{"Action=Subscribe" T "&Protocol=http&Endpoint=https://x", INVALID, "Endpoint must match the specified protocol"},
	{"Action=Subscribe" T "&Protocol=http&Endpoint=http://x", INVALID,
	 "Invalid parameter: Protocol Reason: http is not offered by this version, sqs is"},
	{"Action=Subscribe" T "&Protocol=sms&Endpoint=%2B15--551234567", INVALID, "Invalid SMS endpoint: +15--551234567"},
	{"Action=Subscribe" T "&Protocol=lambda&Endpoint=x", INVALID, "lambda is not offered"},
	{SUBSCRIBE ATTRIBUTE("RawMessageDelivery", "maybe"), INVALID,
	 "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [maybe]. Must be true or false."},
	{SUBSCRIBE ATTRIBUTE("FilterPolicyScope", "x"), INVALID,
	 "Invalid parameter: Attributes Reason: FilterPolicyScope: Invalid value [x]. Please use either MessageBody or "
	 "MessageAttributes"},
	{SUBSCRIBE ATTRIBUTE("FilterPolicy", "{\"a\":\"b\"}"), INVALID,
	 "Invalid parameter: Attributes Reason: FilterPolicy: &quot;a&quot; must be an object or an array"},
	{SUBSCRIBE ATTRIBUTE("FilterPolicy", "[]"), INVALID, "Invalid parameter: Attributes Reason: FilterPolicy:"},
	{SUBSCRIBE ATTRIBUTE("FilterPolicy", "{\"a\":{\"b\":[\"c\"]}}"), INVALID,
	 "Filter policy scope MessageAttributes does not support nested filter policy"},
	{SUBSCRIBE ATTRIBUTE("RedrivePolicy", "{\"deadLetterTargetArn\":\"x\"}"), INVALID,
	 "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
	{SUBSCRIBE ATTRIBUTE("RedrivePolicy", "[]"), INVALID, "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
	{SUBSCRIBE ATTRIBUTE("RedrivePolicy", "{x"), INVALID, "RedrivePolicy: failed to parse JSON. Unexpected character"},
	{SUBSCRIBE ATTRIBUTE("Nope", "x"), INVALID, "Invalid parameter: Attributes Reason: AttributeName"},
	{"Action=ConfirmSubscription" T, 400, "ValidationError", "'token'"},
	{"Action=ConfirmSubscription&TopicArn=x&Token=y", INVALID, "at least 6 elements, not 1"},
	{"Action=ConfirmSubscription" T "&Token=randomtoken", INVALID, ">Invalid token<"},
	{"Action=ConfirmSubscription" NONE "&Token=" TOKEN, INVALID, "Invalid parameter: Token"},
	{"Action=Unsubscribe", INVALID, "Invalid parameter: SubscriptionArn Reason: no value for required parameter"},
	{"Action=Unsubscribe&SubscriptionArn=x", INVALID,
	 "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"},
	{"Action=Unsubscribe&SubscriptionArn=" TOPIC_ARN, INVALID, "Invalid parameter: SubscriptionId"},
	{"Action=GetSubscriptionAttributes&SubscriptionArn=" TOPIC_ARN ":00000000-0000-4000-8000-000000000000", 404, "NotFound",
	 "Subscription does not exist"},
	{"Action=SetSubscriptionAttributes&SubscriptionArn=" TOPIC_ARN ":x&AttributeName=RawMessageDelivery", 404, "NotFound",
	 "Subscription does not exist"},
	{"Action=ListSubscriptions&NextToken=***", INVALID, "Invalid parameter: NextToken"},
	{"Action=ListSubscriptionsByTopic" NONE, MISSING},

	/* messages */
	{"Action=Publish" T, INVALID, "Invalid parameter: Empty message"},
	{"Action=Publish&Message=m", INVALID, "no value for required parameter"},
	{"Action=Publish&Message=m&TargetArn=arn:aws:sns:eu-west-1:000000000000:endpoint/APNS/a/b", INVALID,
	 "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"},
	{"Action=Publish&Message=m" NONE, MISSING},
	{"Action=Publish&Message=m&TargetArn=x", INVALID, "Invalid parameter: TargetArn Reason: An ARN must have"},
	{"Action=Publish&Message=m&PhoneNumber=%2B1a234", INVALID,
	 "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to"},
	{"Action=Publish&Message=m&PhoneNumber=%2B15551234567", INVALID, "text messages are not offered"},
	{PUBLISH "&Subject=", INVALID, "Invalid parameter: Subject"},
	{PUBLISH "&Subject=a%0Ab", INVALID, "Invalid parameter: Subject"},
	{PUBLISH "&Subject=" X81 X81, INVALID, "Invalid parameter: Subject"},
	{"Action=Publish" T "&Message=%01", INVALID, "Invalid characters"},
	{PUBLISH "&MessageStructure=xml", INVALID, "Invalid parameter: MessageStructure"},
	{PUBLISH "&MessageStructure=json", INVALID, "Invalid parameter: Message Structure - JSON message body failed to parse"},
	{"Action=Publish" T "&MessageStructure=json&Message={\"sqs\":\"x\"}", INVALID,
	 "Invalid parameter: Message Structure - No default entry in JSON message body"},
	{"Action=Publish" T "&MessageStructure=json&Message={\"default\":{}}", INVALID, "No default entry"},
	{"Action=Publish" T "&MessageStructure=json&Message=[]", INVALID, "No default entry"},
	{"Action=Publish" T "&MessageStructure=json&Message={\"default\":\"\"}", INVALID, "Empty message"},
	{PUBLISH "&MessageDeduplicationId=d", INVALID,
	 "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is "
	 "not valid for this topic type"},
	{PUBLISH "&MessageGroupId=a%20b", INVALID, "Invalid parameter: MessageGroupId"},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("String")), 400, "ParameterValueInvalid",
	 "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."},
	{PUBLISH MESSAGE_ATTRIBUTE("a", TEXT("v")), 400, "ValidationError",
	 "Value null at 'messageAttributes.a.member.dataType' failed to satisfy constraint: Member must not be null"},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("Binary") BYTES("")), 400, "ParameterValueInvalid", "non-empty"},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("String") BYTES("MTIz")), 400, "ParameterValueInvalid",
	 "The message attribute 'a' with type 'String' must use field 'String'."},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("Binary") TEXT("v")), 400, "ParameterValueInvalid",
	 "The message attribute 'a' with type 'Binary' must use field 'Binary'."},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("Text") TEXT("v")), 400, "ParameterValueInvalid",
	 "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, "
	 "Number, and String."},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("String.") TEXT("v")), 400, "ParameterValueInvalid", "invalid message attribute type"},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("Number") TEXT("v")), 400, "ParameterValueInvalid", "to number"},
	{PUBLISH MESSAGE_ATTRIBUTE("a^*", AS("String") TEXT("v")), 400, "ParameterValueInvalid", "character '#x5E'"},
	{PUBLISH MESSAGE_ATTRIBUTE(".a", AS("String") TEXT("v")), 400, "ParameterValueInvalid", "starting with character '.'"},
	{PUBLISH MESSAGE_ATTRIBUTE("a.", AS("String") TEXT("v")), 400, "ParameterValueInvalid", "ending with character '.'"},
	{PUBLISH MESSAGE_ATTRIBUTE("a..b", AS("String") TEXT("v")), 400, "ParameterValueInvalid", "successive '.'"},
	{PUBLISH MESSAGE_ATTRIBUTE(X81 X81 X81 X81, AS("String") TEXT("v")), 400, "ParameterValueInvalid",
	 "Length of message attribute name must be less than 256 bytes."},
	{PUBLISH MESSAGE_ATTRIBUTE("", AS("String") TEXT("v")), 400, "ParameterValueInvalid", "empty"},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("String") TEXT("%01")), 400, "ParameterValueInvalid", "invalid characters"},
	{PUBLISH MESSAGE_ATTRIBUTE("a", AS("String") TEXT("v")) "&MessageAttributes.entry.2.Name=a"
	 "&MessageAttributes.entry.2.Value.DataType=String&MessageAttributes.entry.2.Value.StringValue=w",
	 400, "ParameterValueInvalid", "already exists"},

	/* batches */
	{"Action=PublishBatch" T, 400, "EmptyBatchRequest", "contain any entries"},
	{"Action=PublishBatch" NONE ENTRY "1.Id=a", MISSING},
	{"Action=PublishBatch" T ENTRY "1.Id=a" ENTRY "1.Message=m" ENTRY "2.Id=a" ENTRY "2.Message=m", 400,
	 "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."},
	{"Action=PublishBatch" T ENTRY "1.Id=a.b" ENTRY "1.Message=m", 400, "InvalidBatchEntryId",
	 "The Id of a batch entry in the batch request contains an impermissible character: a.b"},
	{"Action=PublishBatch" T ENTRY "1.Id=" X81 ENTRY "1.Message=m", 400, "InvalidBatchEntryId",
	 "The Id of a batch entry in the batch request is too long: " X81},
	{"Action=PublishBatch" T ENTRY "1.Message=m", 400, "InvalidBatchEntryId", "impermissible"},
	{"Action=PublishBatch" T ENTRY "1.Id=a", INVALID, "Empty message"},
	{"Action=PublishBatch" T ENTRY "1.Id=a" ENTRY "1.Message=m" ENTRY "2.Id=b" ENTRY "2.Message=m" ENTRY
	 "2.MessageAttributes.entry.1.Name=x" ENTRY "2.MessageAttributes.entry.1.Value.StringValue=v",
	 400, "ValidationError", "'publishBatchRequestEntries.2.member.messageAttributes.x.member.dataType'"},
	{"Action=PublishBatch" T ENTRY "1.Id=1" ENTRY "2.Id=2" ENTRY "3.Id=3" ENTRY "4.Id=4" ENTRY "5.Id=5" ENTRY "6.Id=6" ENTRY
	 "7.Id=7" ENTRY "8.Id=8" ENTRY "9.Id=9" ENTRY "10.Id=10" ENTRY "11.Id=11",
	 400, "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		sns_refused(rows[i].form, rows[i].status, rows[i].code, rows[i].text);
}

/* 256 KiB with attributes, the limit itself included; a batch as a whole. */
static void too_long(void **state)
{
	enum { MAX = 262144 };
	static const char start[] = "Action=Publish" T MESSAGE_ATTRIBUTE("attr1", AS("Number") TEXT("1")) "&Message=";
	static const char batch[] = "Action=PublishBatch" T ENTRY "1.Id=a" ENTRY "1.Message=mm" ENTRY "2.Id=b" ENTRY
				    "2.Message=";
	char *form = calloc(1, MAX + 1000);
	size_t attribute = 5 + 6 + 1;

	(void)state;
	memcpy(form, start, sizeof(start));
	memset(form + sizeof(start) - 1, 'a', MAX - attribute);
	sns_good(form, "<MessageId>");
	form[sizeof(start) - 1 + MAX - attribute] = 'a';
	sns_refused(form, 400, "InvalidParameter", "Invalid parameter: Message too long");

	memset(form, 0, MAX + 1000);
	memcpy(form, batch, sizeof(batch));
	memset(form + sizeof(batch) - 1, 'a', MAX - 2);
	sns_good(form, "<Failed></Failed>");
	form[sizeof(batch) - 1 + MAX - 2] = 'a';
	sns_refused(form, 400, "BatchRequestTooLong", "The length of all the messages put together is more than the limit.");
	free(form);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
