/* SPDX-License-Identifier: Apache-2.0 */
/* Every parameter and attribute of SQS with every kind of bad value (sqs-sns.md
 * §2–§5): the code and text of AWS, over AWS JSON and over Query. A row says the
 * parameters once; both requests are made from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "rig/aws_rig.h"

enum { PARAMETERS = 12 };

static struct aws_rig rig;
static struct aws_peer peer;

static int wrong; /* rows; each is told */

static int setup(void **state)
{
	static const char *const queues[] = {
		"{\"QueueName\":\"q\"}",
		"{\"QueueName\":\"small\",\"Attributes\":{\"MaximumMessageSize\":\"1024\"}}",
	};

	(void)state;
	wrong = 0;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);

	for (size_t i = 0; i < 2; i++) {
		aws_peer_json(&peer, "CreateQueue", queues[i], "guest");
		aws_rig_run(&rig);
		assert_int_equal(aws_peer_take(&peer).status, 200);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
	aws_rig_close(&rig);
	return 0;
}

/* ---- a request from its parameters ---- */

/* X a string, #X a number, Map/key an item of a map, List/ an item of a list;
 * e.X the same in the first entry of a batch. A message attribute is Type=value,
 * Type:value is a Binary one. */
struct parameter {
	const char *name, *value;
};

static const struct {
	const char *json, *query, *key, *value;
} collections[] = {
	{"Attributes", "Attribute", "Name", "Value"},
	{"tags", "Tag", "Key", "Value"},
	{"Tags", "Tag", "Key", "Value"},
	{"AttributeNames", "AttributeName", NULL, NULL},
	{"MessageSystemAttributeNames", "MessageSystemAttributeName", NULL, NULL},
	{"TagKeys", "TagKey", NULL, NULL},
	{"AWSAccountIds", "AWSAccountId", NULL, NULL},
	{"Actions", "ActionName", NULL, NULL},
	{"MessageAttributes", "MessageAttribute", "Name", "Value"},
	{"MessageSystemAttributes", "MessageSystemAttribute", "Name", "Value"},
};

static size_t collection_of(const char *name)
{
	size_t n = strcspn(name, "/"), i = 0;

	while (strlen(collections[i].json) != n || strncmp(collections[i].json, name, n) != 0)
		i++;
	return i;
}

static json_t *attribute_json(const char *text)
{
	size_t n = strcspn(text, "=:");

	return json_pack("{s:s%, s:s}", "DataType", text, n, text[n] == ':' ? "BinaryValue" : "StringValue", text + n + 1);
}

static void json_add(json_t *o, const char *name, const char *value)
{
	const char *slash = strchr(name, '/');

	if (!slash) {
		bool number = name[0] == '#';
		json_object_set_new(o, name + number, number ? json_integer(strtoll(value, NULL, 10)) : json_string(value));
		return;
	}
	size_t at = collection_of(name);
	json_t *all = json_object_get(o, collections[at].json);
	if (!all)
		json_object_set_new(o, collections[at].json, all = collections[at].key ? json_object() : json_array());
	if (!collections[at].key)
		json_array_append_new(all, json_string(value));
	else if (strncmp(name, "Message", 7) == 0)
		json_object_set_new(all, slash + 1, attribute_json(value));
	else
		json_object_set_new(all, slash + 1, json_string(value));
}

static char *json_of(const struct parameter *v)
{
	json_t *o = json_object(), *entry = NULL;

	for (; v->name; v++) {
		if (strncmp(v->name, "e.", 2) != 0) {
			json_add(o, v->name, v->value);
			continue;
		}
		if (!entry)
			json_object_set_new(o, "Entries", json_pack("[o]", entry = json_object()));
		json_add(entry, v->name + 2, v->value);
	}
	char *text = json_dumps(o, 0);
	json_decref(o);
	return text;
}

static void form_pair(struct buf *b, const char *value, const char *fmt, ...)
{
	va_list ap;
	char name[256];

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	buf_printf(b, "&%s=", name);
	for (; *value; value++)
		buf_printf(b, "%%%02X", (uint8_t)*value);
}

static void form_add(struct buf *b, const char *prefix, const char *name, const char *value, unsigned nth)
{
	const char *slash = strchr(name, '/');
	char text[2048];

	if (!slash) {
		form_pair(b, value, "%s%s", prefix, name + (name[0] == '#'));
		return;
	}
	size_t at = collection_of(name);
	const char *query = collections[at].query;
	if (!collections[at].key) {
		form_pair(b, value, "%s%s.%u", prefix, query, nth);
		return;
	}
	form_pair(b, slash + 1, "%s%s.%u.%s", prefix, query, nth, collections[at].key);
	if (strncmp(name, "Message", 7) != 0) {
		form_pair(b, value, "%s%s.%u.%s", prefix, query, nth, collections[at].value);
		return;
	}
	size_t n = strcspn(value, "=:");
	snprintf(text, sizeof(text), "%.*s", (int)n, value);
	form_pair(b, text, "%s%s.%u.Value.DataType", prefix, query, nth);
	form_pair(b, value + n + 1, "%s%s.%u.Value.%s", prefix, query, nth,
		  value[n] == ':' ? "BinaryValue" : "StringValue");
}

static void form_of(struct buf *b, const char *action, const struct parameter *v)
{
	char entry[64];

	buf_printf(b, "Action=%s", action);
	snprintf(entry, sizeof(entry), "%sRequestEntry.1.", action);
	for (unsigned nth = 1; v->name; v++, nth++) {
		bool in_entry = strncmp(v->name, "e.", 2) == 0;
		form_add(b, in_entry ? entry : "", v->name + 2 * in_entry, v->value, nth);
	}
}

/* ---- what is expected ---- */

enum expected { MISSING, PARAMETER, ATTRIBUTE_NAME, ATTRIBUTE_VALUE, CONTENTS, RECEIPT, BATCH_ID, OVER_LIMIT };

static const struct {
	const char *shape, *code;
} codes[] = {
	[MISSING] = {"MissingRequiredParameterException", "MissingParameter"},
	[PARAMETER] = {"InvalidParameterValueException", "InvalidParameterValue"},
	[ATTRIBUTE_NAME] = {"InvalidAttributeName", "InvalidAttributeName"},
	[ATTRIBUTE_VALUE] = {"InvalidAttributeValue", "InvalidAttributeValue"},
	[CONTENTS] = {"InvalidMessageContents", "InvalidMessageContents"},
	[RECEIPT] = {"ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"},
	[BATCH_ID] = {"InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"},
	[OVER_LIMIT] = {"OverLimit", "OverLimit"},
};

#define X8(s) s s s s s s s s
#define A64 X8("aaaaaaaa")
#define A80 A64 "aaaaaaaaaaaaaaaa"
#define A128 A64 A64
#define A256 A128 A128
#define A1024 A256 A256 A256 A256
#define D38 "12345678901234567890123456789012345678"
#define Q {"QueueUrl", "http://x/000000000000/q"}
#define SMALL {"QueueUrl", "http://x/000000000000/small"}
#define BODY {"MessageBody", "m"}
#define ACCOUNT {"AWSAccountIds/", "111111111111"}
#define ENTRY {"e.Id", "a"}, {"e.MessageBody", "m"}

#define NAME_TEXT "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
#define ID_TEXT(name) name " can only include alphanumeric and punctuation characters. 1 to 128 in length."
#define IS_INVALID(value, name) "Value " value " for parameter " name " is invalid. Reason: "
#define ATTRIBUTE_TEXT(name) "Invalid value for the parameter " name "."
#define CHARACTERS "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. "
#define RESERVED "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'."
#define NOT_A_TYPE "The type of message (user) attribute 'a' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
#define NOT_A_NUMBER "Can't cast the value of message (user) attribute 'a' to a number."
#define EMPTY_VALUE(type) "Message (user) attribute 'a' must contain a non-empty value of type '" type "'."
#define HANDLE_TEXT(h) "The input receipt handle \"" h "\" is not a valid receipt handle."

static const struct row {
	const char *action;
	struct parameter v[PARAMETERS + 1];
	enum expected code;
	const char *text;
	bool failed; /* in Failed of a 200 */
} rows[] = {
	/* §2 names */
	{"CreateQueue", {{NULL, NULL}}, MISSING, "The request must contain the parameter QueueName.", false},
	{"CreateQueue", {{"QueueName", ""}}, PARAMETER, NAME_TEXT, false},
	{"CreateQueue", {{"QueueName", A80 "a"}}, PARAMETER, NAME_TEXT, false},
	{"CreateQueue", {{"QueueName", "a b"}}, PARAMETER, NAME_TEXT, false},
	{"CreateQueue", {{"QueueName", "a.b"}}, PARAMETER, NAME_TEXT, false},
	{"CreateQueue", {{"QueueName", "\xc3\xa9"}}, PARAMETER, NAME_TEXT, false},
	{"CreateQueue", {{"QueueName", "a.fifo"}}, PARAMETER, NAME_TEXT, false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/FifoQueue", "true"}}, PARAMETER,
	 "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo "
	 "suffix and be 1 to 80 in length", false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/FifoQueue", "false"}}, ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.", false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/Nope", "1"}}, ATTRIBUTE_NAME, "Unknown Attribute Nope.", false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/visibilitytimeout", "1"}}, ATTRIBUTE_NAME,
	 "Unknown Attribute visibilitytimeout.", false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/ContentBasedDeduplication", "true"}}, ATTRIBUTE_NAME,
	 "Unknown Attribute ContentBasedDeduplication.", false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/DeduplicationScope", "queue"}}, ATTRIBUTE_NAME,
	 "You can specify the DeduplicationScope only when FifoQueue is set to true.", false},
	{"CreateQueue", {{"QueueName", "a"}, {"Attributes/FifoThroughputLimit", "perQueue"}}, ATTRIBUTE_NAME,
	 "You can specify the FifoThroughputLimit only when FifoQueue is set to true.", false},
	{"CreateQueue", {{"QueueName", "a"}, {"tags/", "v"}}, PARAMETER, "Tag keys must be between 1 and 128 characters in length.", false},
	{"GetQueueUrl", {{NULL, NULL}}, MISSING, "The request must contain the parameter QueueName.", false},
	{"ListQueues", {{"#MaxResults", "0"}}, PARAMETER, "MaxResults", false},
	{"ListQueues", {{"#MaxResults", "-1"}}, PARAMETER, "MaxResults", false},
	{"ListQueues", {{"#MaxResults", "1001"}}, PARAMETER, "MaxResults", false},
	{"ListQueues", {{"NextToken", "***"}}, PARAMETER, "token", false},

	/* §4 who is not settable, what is not JSON, what is not a word */
	{"SetQueueAttributes", {Q, {"Attributes/QueueArn", "1"}}, ATTRIBUTE_NAME, "Unknown Attribute QueueArn.", false},
	{"SetQueueAttributes", {Q, {"Attributes/All", "1"}}, ATTRIBUTE_NAME, "Unknown Attribute All.", false},
	{"SetQueueAttributes", {Q, {"Attributes/CreatedTimestamp", "1"}}, ATTRIBUTE_NAME, "Unknown Attribute CreatedTimestamp.", false},
	{"SetQueueAttributes", {Q, {"Attributes/ApproximateNumberOfMessages", "1"}}, ATTRIBUTE_NAME,
	 "Unknown Attribute ApproximateNumberOfMessages.", false},
	{"SetQueueAttributes", {Q, {"Attributes/mqb.tags", "{}"}}, ATTRIBUTE_NAME, "Unknown Attribute mqb.tags.", false},
	{"SetQueueAttributes", {Q, {"Attributes/Policy", "{"}}, ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("Policy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/Policy", "[]"}}, ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("Policy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/RedrivePolicy", "7"}}, ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("RedrivePolicy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/RedriveAllowPolicy", "x"}}, ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("RedriveAllowPolicy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/RedriveAllowPolicy", "{\"redrivePermission\":\"some\"}"}}, ATTRIBUTE_VALUE,
	 ATTRIBUTE_TEXT("RedriveAllowPolicy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/RedriveAllowPolicy", "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[1]}"}},
	 ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("RedriveAllowPolicy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/RedriveAllowPolicy",
	  "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}"}},
	 ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("RedriveAllowPolicy"), false},
	{"SetQueueAttributes", {Q, {"Attributes/SqsManagedSseEnabled", "maybe"}}, ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("SqsManagedSseEnabled"), false},
	{"SetQueueAttributes", {Q, {"Attributes/SqsManagedSseEnabled", ""}}, ATTRIBUTE_VALUE, ATTRIBUTE_TEXT("SqsManagedSseEnabled"), false},
	{"SetQueueAttributes", {Q}, MISSING, "The request must contain the parameter Attributes.", false},
	{"GetQueueAttributes", {Q, {"AttributeNames/", "Nope"}}, ATTRIBUTE_NAME, "Unknown Attribute Nope.", false},
	{"GetQueueAttributes", {Q, {"AttributeNames/", ""}}, ATTRIBUTE_NAME, "Unknown Attribute .", false},
	{"GetQueueAttributes", {{NULL, NULL}}, MISSING, "The request must contain the parameter QueueUrl.", false},

	/* §3 SendMessage */
	{"SendMessage", {Q}, MISSING, "The request must contain the parameter MessageBody.", false},
	{"SendMessage", {Q, {"MessageBody", ""}}, MISSING, "The request must contain the parameter MessageBody.", false},
	{"SendMessage", {Q, {"MessageBody", "a\x01"}}, CONTENTS, "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD", false},
	{"SendMessage", {Q, {"MessageBody", "\xef\xbf\xbe"}}, CONTENTS, "Invalid characters found.", false},
	{"SendMessage", {SMALL, {"MessageBody", A1024 "a"}}, PARAMETER,
	 "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.", false},
	{"SendMessage", {SMALL, {"MessageBody", A256 A256 A256 A128 A64}, {"MessageAttributes/a", "String=" A64}}, PARAMETER,
	 "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.", false},
	{"SendMessage", {Q, BODY, {"#DelaySeconds", "-1"}}, PARAMETER, IS_INVALID("-1", "DelaySeconds") "DelaySeconds must be >= 0 and <= 900.", false},
	{"SendMessage", {Q, BODY, {"#DelaySeconds", "901"}}, PARAMETER, IS_INVALID("901", "DelaySeconds") "DelaySeconds must be >= 0 and <= 900.", false},
	{"SendMessage", {Q, BODY, {"MessageGroupId", ""}}, PARAMETER, IS_INVALID("", "MessageGroupId") ID_TEXT("MessageGroupId"), false},
	{"SendMessage", {Q, BODY, {"MessageGroupId", A128 "a"}}, PARAMETER, ID_TEXT("MessageGroupId"), false},
	{"SendMessage", {Q, BODY, {"MessageGroupId", "group 123"}}, PARAMETER, IS_INVALID("group 123", "MessageGroupId") ID_TEXT("MessageGroupId"), false},
	{"SendMessage", {Q, BODY, {"MessageGroupId", "\xc3\xa9"}}, PARAMETER, ID_TEXT("MessageGroupId"), false},
	{"SendMessage", {Q, BODY, {"MessageDeduplicationId", ""}}, PARAMETER, IS_INVALID("", "MessageDeduplicationId") ID_TEXT("MessageDeduplicationId"), false},
	{"SendMessage", {Q, BODY, {"MessageDeduplicationId", A128 "a"}}, PARAMETER, ID_TEXT("MessageDeduplicationId"), false},
	{"SendMessage", {Q, BODY, {"MessageDeduplicationId", "d"}}, PARAMETER,
	 IS_INVALID("d", "MessageDeduplicationId") "The request includes a parameter that is not valid for this queue type.", false},

	/* §3 message attributes */
	{"SendMessage", {Q, BODY, {"MessageAttributes/", "String=v"}}, PARAMETER, "Message (user) attribute names must not be empty.", false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/" A256 "a", "String=v"}}, PARAMETER, "Message (user) attribute names must be shorter than 256 Bytes", false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a b", "String=v"}}, PARAMETER, CHARACTERS, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/\xc3\xa9", "String=v"}}, PARAMETER, CHARACTERS, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/.a", "String=v"}}, PARAMETER, RESERVED, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a.", "String=v"}}, PARAMETER, RESERVED, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/AWS.a", "String=v"}}, PARAMETER, RESERVED, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/amazon.a", "String=v"}}, PARAMETER, RESERVED, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a..b", "String=v"}}, PARAMETER, "Message attribute name can not have successive '.' character.", false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "=v"}}, PARAMETER, "Message (user) attribute 'a' must contain a non-empty attribute type.", false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Text=v"}}, PARAMETER, NOT_A_TYPE, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "string=v"}}, PARAMETER, NOT_A_TYPE, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Strings=v"}}, PARAMETER, NOT_A_TYPE, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "String." A256 "=v"}}, PARAMETER, "Message (user) attribute types must be shorter than 256 Bytes", false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "String="}}, PARAMETER, EMPTY_VALUE("String"), false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Number="}}, PARAMETER, EMPTY_VALUE("Number"), false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Binary:"}}, PARAMETER, EMPTY_VALUE("Binary"), false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "String=a\x02"}}, PARAMETER, "Invalid characters found.", false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Number=x"}}, PARAMETER, NOT_A_NUMBER, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Number=1 "}}, PARAMETER, NOT_A_NUMBER, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Number=" D38 "9"}}, PARAMETER, NOT_A_NUMBER, false},
	{"SendMessage", {Q, BODY, {"MessageAttributes/a", "Number=1e129"}}, PARAMETER, NOT_A_NUMBER, false},
	{"SendMessage", {Q, BODY, {"MessageSystemAttributes/Other", "String=v"}}, PARAMETER, "Message system attribute name 'Other' is invalid.", false},
	{"SendMessage", {Q, BODY, {"MessageSystemAttributes/AWSTraceHeader", "Number=1"}}, PARAMETER,
	 "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.", false},
	{"SendMessage", {Q, BODY, {"MessageSystemAttributes/AWSTraceHeader", "String="}}, PARAMETER,
	 "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.", false},

	/* §3 ReceiveMessage */
	{"ReceiveMessage", {Q, {"#MaxNumberOfMessages", "0"}}, PARAMETER, IS_INVALID("0", "MaxNumberOfMessages") "Must be between 1 and 10, if provided.", false},
	{"ReceiveMessage", {Q, {"#MaxNumberOfMessages", "11"}}, PARAMETER, IS_INVALID("11", "MaxNumberOfMessages") "Must be between 1 and 10, if provided.", false},
	{"ReceiveMessage", {Q, {"#WaitTimeSeconds", "-1"}}, PARAMETER, IS_INVALID("-1", "WaitTimeSeconds") "Must be >= 0 and <= 20, if provided.", false},
	{"ReceiveMessage", {Q, {"#WaitTimeSeconds", "21"}}, PARAMETER, IS_INVALID("21", "WaitTimeSeconds") "Must be >= 0 and <= 20, if provided.", false},
	{"ReceiveMessage", {Q, {"#VisibilityTimeout", "-1"}}, PARAMETER, IS_INVALID("-1", "VisibilityTimeout") "Must be >= 0 and <= 43200, if provided.", false},
	{"ReceiveMessage", {Q, {"#VisibilityTimeout", "43201"}}, PARAMETER, IS_INVALID("43201", "VisibilityTimeout") "Must be >= 0 and <= 43200, if provided.", false},
	{"ReceiveMessage", {Q, {"AttributeNames/", "Nope"}}, ATTRIBUTE_NAME, "Unknown Attribute Nope.", false},
	{"ReceiveMessage", {Q, {"MessageSystemAttributeNames/", "VisibilityTimeout"}}, ATTRIBUTE_NAME, "Unknown Attribute VisibilityTimeout.", false},

	/* §3 handles */
	{"DeleteMessage", {Q}, MISSING, "The request must contain the parameter ReceiptHandle.", false},
	{"DeleteMessage", {Q, {"ReceiptHandle", ""}}, MISSING, "The request must contain the parameter ReceiptHandle.", false},
	{"DeleteMessage", {Q, {"ReceiptHandle", "garbage"}}, RECEIPT, HANDLE_TEXT("garbage"), false},
	{"ChangeMessageVisibility", {Q, {"#VisibilityTimeout", "1"}}, MISSING, "The request must contain the parameter ReceiptHandle.", false},
	{"ChangeMessageVisibility", {Q, {"ReceiptHandle", "garbage"}, {"#VisibilityTimeout", "1"}}, RECEIPT, HANDLE_TEXT("garbage"), false},

	/* §3 batches: the whole, then single entries */
	{"SendMessageBatch", {Q, {"e.Id", ""}, {"e.MessageBody", "m"}}, BATCH_ID, "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.", false},
	{"SendMessageBatch", {Q, {"e.Id", A80 "a"}, {"e.MessageBody", "m"}}, BATCH_ID, "It can be at most 80 letters long.", false},
	{"DeleteMessageBatch", {Q, {"e.Id", "a b"}, {"e.ReceiptHandle", "h"}}, BATCH_ID, "A batch entry id can only", false},
	{"ChangeMessageVisibilityBatch", {Q, {"e.Id", "\xc3\xa9"}, {"e.ReceiptHandle", "h"}}, BATCH_ID, "A batch entry id can only", false},
	{"SendMessageBatch", {Q, {"e.Id", "a"}}, MISSING, "The request must contain the parameter MessageBody.", true},
	{"SendMessageBatch", {SMALL, {"e.Id", "a"}, {"e.MessageBody", A1024 "a"}}, PARAMETER,
	 "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.", true},
	{"SendMessageBatch", {Q, {"e.Id", "a"}, {"e.MessageBody", "\x01"}}, CONTENTS, "Invalid characters found.", true},
	{"SendMessageBatch", {Q, ENTRY, {"e.#DelaySeconds", "901"}}, PARAMETER, IS_INVALID("901", "DelaySeconds") "DelaySeconds must be >= 0 and <= 900.", true},
	{"SendMessageBatch", {Q, ENTRY, {"e.MessageGroupId", "group 123"}}, PARAMETER, ID_TEXT("MessageGroupId"), true},
	{"SendMessageBatch", {Q, ENTRY, {"e.MessageAttributes/a", "Text=v"}}, PARAMETER, NOT_A_TYPE, true},
	{"DeleteMessageBatch", {Q, {"e.Id", "a"}, {"e.ReceiptHandle", "garbage"}}, RECEIPT, HANDLE_TEXT("garbage"), true},
	{"DeleteMessageBatch", {Q, {"e.Id", "a"}}, MISSING, "The request must contain the parameter ReceiptHandle.", true},
	{"ChangeMessageVisibilityBatch", {Q, {"e.Id", "a"}, {"e.ReceiptHandle", "garbage"}, {"e.#VisibilityTimeout", "1"}}, RECEIPT, HANDLE_TEXT("garbage"), true},

	/* §3 permissions */
	{"AddPermission", {Q, ACCOUNT, {"Actions/", "SendMessage"}}, MISSING, "The request must contain the parameter Label.", false},
	{"AddPermission", {Q, {"Label", A80 "a"}, ACCOUNT, {"Actions/", "SendMessage"}}, PARAMETER, "1 to 80 in length.", false},
	{"AddPermission", {Q, {"Label", "a b"}, ACCOUNT, {"Actions/", "SendMessage"}}, PARAMETER, IS_INVALID("a b", "Label"), false},
	{"AddPermission", {Q, {"Label", "l"}, {"Actions/", "SendMessage"}}, MISSING, "The request must contain the parameter AWSAccountIds.", false},
	{"AddPermission", {Q, {"Label", "l"}, {"AWSAccountIds/", "me"}, {"Actions/", "SendMessage"}}, PARAMETER, IS_INVALID("me", "PrincipalId"), false},
	{"AddPermission", {Q, {"Label", "l"}, ACCOUNT}, MISSING, "The request must contain the parameter Actions.", false},
	{"AddPermission", {Q, {"Label", "l"}, ACCOUNT, {"Actions/", "SetQueueAttributes"}}, PARAMETER,
	 IS_INVALID("SQS:SetQueueAttributes", "ActionName") "Please refer to the appropriate WSDL for a list of valid actions. ", false},
	{"AddPermission", {Q, {"Label", "l"}, ACCOUNT, {"Actions/", "*"}, {"Actions/", "*"}, {"Actions/", "*"}, {"Actions/", "*"},
	  {"Actions/", "*"}, {"Actions/", "*"}, {"Actions/", "*"}, {"Actions/", "*"}}, OVER_LIMIT, "8 Actions were found, maximum allowed is 7.", false},
	{"RemovePermission", {Q}, MISSING, "The request must contain the parameter Label.", false},
	{"RemovePermission", {Q, {"Label", "none"}}, PARAMETER, IS_INVALID("none", "Label") "can't find label.", false},

	/* §3 tags */
	{"TagQueue", {Q, {"Tags/", "v"}}, PARAMETER, "Tag keys must be between 1 and 128 characters in length.", false},
	{"TagQueue", {Q, {"Tags/" A128 "a", "v"}}, PARAMETER, "Tag keys must be between 1 and 128 characters in length.", false},
	{"TagQueue", {Q, {"Tags/k", A256 "a"}}, PARAMETER, "Tag values must be between 0 and 256 characters in length.", false},
	{"UntagQueue", {Q, {"TagKeys/", ""}}, PARAMETER, "Tag keys must be between 1 and 128 characters in length.", false},
};

static bool has(struct view v, const char *text)
{
	return memmem(v.p, v.n, text, strlen(text)) != NULL;
}

enum wire_form { AS_JSON, AS_XML };

/* A text as JSON or XML writes it. */
static void text_as(enum wire_form form, const char *text, char *out, size_t size)
{
	size_t at = 0;

	for (; *text && at + 8 < size; text++) {
		const char *as = form == AS_JSON ? (*text == '"' ? "\\\"" : NULL)
				 : *text == '<'	 ? "&lt;"
				 : *text == '>'	 ? "&gt;"
				 : *text == '"'	 ? "&quot;"
						 : NULL;
		if (as)
			at += (size_t)snprintf(out + at, size - at, "%s", as);
		else
			out[at++] = *text;
	}
	out[at] = 0;
}

static void told(const char *request, const struct aws_answer *a)
{
	wrong++;
	print_error("%.400s\n  got %d %.*s\n", request, a->status, VIEW_ARG(a->body));
}

static int status_of(const struct row *r)
{
	return r->failed ? 200 : r->code == OVER_LIMIT ? 403 : 400;
}

static void json_check(const struct row *r)
{
	char shape[128], header[128], code[128], text[1024];
	char *json = json_of(r->v);

	aws_peer_json(&peer, r->action, json, "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	snprintf(shape, sizeof(shape), "{\"__type\":\"com.amazonaws.sqs#%s\"", codes[r->code].shape);
	snprintf(header, sizeof(header), "x-amzn-query-error: %s;Sender\r\n", codes[r->code].code);
	snprintf(code, sizeof(code), "\"Failed\":[{\"Id\":\"a\",\"SenderFault\":true,\"Code\":\"%s\"", codes[r->code].code);
	text_as(AS_JSON, r->text, text, sizeof(text));
	bool as_said = r->failed ? a.status == 200 && has(a.body, code)
				 : a.status == status_of(r) && has(a.body, shape) && has(a.head, header);
	if (!as_said || !has(a.body, text))
		told(json, &a);
	free(json);
}

static void query_check(const struct row *r)
{
	char code[128], text[1024];
	struct buf form;

	buf_init(&form, 64 * 1024);
	form_of(&form, r->action, r->v);
	aws_peer_query(&peer, "sqs", buf_cstr(&form), "guest");
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	snprintf(code, sizeof(code), r->failed ? "<Code>%s</Code>" : "<Error><Type>Sender</Type><Code>%s</Code>",
		 codes[r->code].code);
	text_as(AS_XML, r->text, text, sizeof(text));
	if (a.status != status_of(r) || !has(a.body, code) || !has(a.body, text))
		told(buf_cstr(&form), &a);
	buf_fini(&form);
}

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_check(&rows[i]);
		query_check(&rows[i]);
	}
	assert_int_equal(wrong, 0);
}

/* §4: every number among the attributes, at both ends of its range and beyond. */
static void attribute_ranges(void **state)
{
	static const struct {
		const char *name;
		long min, max;
	} numbers[] = {
		{"DelaySeconds", 0, 900},
		{"MaximumMessageSize", 1024, 1048576},
		{"MessageRetentionPeriod", 60, 1209600},
		{"ReceiveMessageWaitTimeSeconds", 0, 20},
		{"VisibilityTimeout", 0, 43200},
		{"KmsDataKeyReusePeriodSeconds", 60, 86400},
	};
	static const char *const nonsense[] = {"", "x", "1.5", "1e2", "0x10", " 60", "60 ", "99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char name[64], text[128], value[32];
		struct row r = {"SetQueueAttributes", {Q, {name, value}}, ATTRIBUTE_VALUE, text, false};

		snprintf(name, sizeof(name), "Attributes/%s", numbers[i].name);
		snprintf(text, sizeof(text), ATTRIBUTE_TEXT("%s"), numbers[i].name);
		for (size_t k = 0; k < 2 + sizeof(nonsense) / sizeof(nonsense[0]); k++) {
			if (k < 2)
				snprintf(value, sizeof(value), "%ld", k ? numbers[i].max + 1 : numbers[i].min - 1);
			else
				snprintf(value, sizeof(value), "%s", nonsense[k - 2]);
			json_check(&r);
			query_check(&r);
		}
		for (int k = 0; k < 2; k++) { /* the ends are good */
			snprintf(value, sizeof(value), "%ld", k ? numbers[i].max : numbers[i].min);
			char *json = json_of(r.v);
			aws_peer_json(&peer, r.action, json, "guest");
			aws_rig_run(&rig);
			assert_int_equal(aws_peer_take(&peer).status, 200);
			free(json);
		}
	}
	assert_int_equal(wrong, 0);
}

/* Eleven attributes, by either wire. */
static void too_many_attributes(void **state)
{
	struct row r = {"SendMessage", {{NULL, NULL}}, PARAMETER, "Number of message attributes [11] exceeds the allowed maximum [10].", false};
	struct parameter v[14] = {Q, BODY};
	char names[11][32];

	(void)state;
	for (int i = 0; i < 11; i++) {
		snprintf(names[i], sizeof(names[i]), "MessageAttributes/a%d", i);
		v[i + 2] = (struct parameter){names[i], "String=v"};
	}
	char *json = json_of(v);
	aws_peer_json(&peer, r.action, json, "guest");
	aws_rig_run(&rig);
	assert_true(has(aws_peer_take(&peer).body, r.text));
	free(json);
	struct buf form;
	buf_init(&form, 64 * 1024);
	form_of(&form, r.action, v);
	aws_peer_query(&peer, "sqs", buf_cstr(&form), "guest");
	aws_rig_run(&rig);
	assert_true(has(aws_peer_take(&peer).body, r.text));
	buf_fini(&form);
}

/* Compressed bodies, which no SDK sends to SQS, are refused in words. */
static void compressed(void **state)
{
	(void)state;
	aws_peer_bytes(&peer, VIEW("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\n"
				   "X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
				   "\x1f\x8b\x08\x00"));
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "#SerializationException\"") && has(a.body, "Content-Encoding gzip is not supported."));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(every_row), T(attribute_ranges), T(too_many_attributes), T(compressed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
