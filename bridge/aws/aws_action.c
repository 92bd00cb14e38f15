/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions, one for both wire protocols. To add one: a row here, its
 * parameters, its run function, and its line in docs/compatibility.md. */
#include "aws/aws_priv.h"

#define TEXT(name) {name, NULL, ARG_TEXT, NULL}
#define INT(name) {name, NULL, ARG_INT, NULL}
#define END {NULL, NULL, ARG_TEXT, NULL}
#define MESSAGE_SPECS                                                                  \
	TEXT("MessageBody"), INT("DelaySeconds"), TEXT("MessageGroupId"),              \
		TEXT("MessageDeduplicationId"),                                        \
		{"MessageAttributes", "MessageAttribute", ARG_ATTRIBUTES, NULL},       \
		{"MessageSystemAttributes", "MessageSystemAttribute", ARG_ATTRIBUTES, NULL}

static const struct arg_spec create_queue[] = {
	TEXT("QueueName"),
	{"Attributes", "Attribute", ARG_PAIRS, NULL},
	{"tags", "Tag", ARG_PAIRS, NULL},
	END,
};
static const struct arg_spec get_queue_url[] = {TEXT("QueueName"), TEXT("QueueOwnerAWSAccountId"), END};
static const struct arg_spec list_queues[] = {TEXT("QueueNamePrefix"), INT("MaxResults"), TEXT("NextToken"), END};
static const struct arg_spec send_message[] = {TEXT("QueueUrl"), MESSAGE_SPECS, END};
static const struct arg_spec send_entry[] = {TEXT("Id"), MESSAGE_SPECS, END};
static const struct arg_spec send_batch[] = {
	TEXT("QueueUrl"),
	{"Entries", "SendMessageBatchRequestEntry", ARG_ENTRIES, send_entry},
	END,
};
static const struct arg_spec receive_message[] = {
	TEXT("QueueUrl"),
	INT("MaxNumberOfMessages"),
	INT("VisibilityTimeout"),
	INT("WaitTimeSeconds"),
	{"AttributeNames", "AttributeName", ARG_TEXTS, NULL},
	{"MessageSystemAttributeNames", "MessageSystemAttributeName", ARG_TEXTS, NULL},
	{"MessageAttributeNames", "MessageAttributeName", ARG_TEXTS, NULL},
	END,
};
static const struct arg_spec delete_message[] = {TEXT("QueueUrl"), TEXT("ReceiptHandle"), END};
static const struct arg_spec delete_entry[] = {TEXT("Id"), TEXT("ReceiptHandle"), END};
static const struct arg_spec delete_batch[] = {
	TEXT("QueueUrl"),
	{"Entries", "DeleteMessageBatchRequestEntry", ARG_ENTRIES, delete_entry},
	END,
};
static const struct arg_spec change_visibility[] = {
	TEXT("QueueUrl"), TEXT("ReceiptHandle"), INT("VisibilityTimeout"), END};
static const struct arg_spec visibility_entry[] = {
	TEXT("Id"), TEXT("ReceiptHandle"), INT("VisibilityTimeout"), END};
static const struct arg_spec visibility_batch[] = {
	TEXT("QueueUrl"),
	{"Entries", "ChangeMessageVisibilityBatchRequestEntry", ARG_ENTRIES, visibility_entry},
	END,
};
static const struct arg_spec dead_letter_sources[] = {TEXT("QueueUrl"), INT("MaxResults"), TEXT("NextToken"), END};
static const struct arg_spec queue_only[] = {TEXT("QueueUrl"), END};
static const struct arg_spec get_attributes[] = {
	TEXT("QueueUrl"),
	{"AttributeNames", "AttributeName", ARG_TEXTS, NULL},
	END,
};
static const struct arg_spec set_attributes[] = {
	TEXT("QueueUrl"),
	{"Attributes", "Attribute", ARG_PAIRS, NULL},
	END,
};
static const struct arg_spec tag_queue[] = {TEXT("QueueUrl"), {"Tags", "Tag", ARG_PAIRS, NULL}, END};
static const struct arg_spec add_permission[] = {
	TEXT("QueueUrl"),
	TEXT("Label"),
	{"AWSAccountIds", "AWSAccountId", ARG_TEXTS, NULL},
	{"Actions", "ActionName", ARG_TEXTS, NULL},
	END,
};
static const struct arg_spec remove_permission[] = {TEXT("QueueUrl"), TEXT("Label"), END};
static const struct arg_spec untag_queue[] = {TEXT("QueueUrl"), {"TagKeys", "TagKey", ARG_TEXTS, NULL}, END};

/* ---- SNS ---- */

#define ATTRIBUTES_ENTRY {"Attributes", "Attributes.entry", ARG_PAIRS, NULL}
#define TAGS_MEMBER {"Tags", "Tags.member", ARG_PAIRS, NULL}
#define PUBLISH_SPECS                                                                  \
	TEXT("Message"), TEXT("Subject"), TEXT("MessageStructure"), TEXT("MessageGroupId"),  \
		TEXT("MessageDeduplicationId"),                                        \
		{"MessageAttributes", "MessageAttributes.entry", ARG_ATTRIBUTES, NULL}

static const struct arg_spec list_topics[] = {TEXT("NextToken"), END};
static const struct arg_spec create_topic[] = {TEXT("Name"), ATTRIBUTES_ENTRY, TAGS_MEMBER, END};
static const struct arg_spec topic_only[] = {TEXT("TopicArn"), END};
static const struct arg_spec set_topic[] = {TEXT("TopicArn"), TEXT("AttributeName"), TEXT("AttributeValue"), END};
static const struct arg_spec subscribe[] = {
	TEXT("TopicArn"), TEXT("Protocol"), TEXT("Endpoint"), ATTRIBUTES_ENTRY, END};
static const struct arg_spec confirm[] = {TEXT("TopicArn"), TEXT("Token"), TEXT("AuthenticateOnUnsubscribe"), END};
static const struct arg_spec subscription_only[] = {TEXT("SubscriptionArn"), END};
static const struct arg_spec set_subscription[] = {
	TEXT("SubscriptionArn"), TEXT("AttributeName"), TEXT("AttributeValue"), END};
static const struct arg_spec list_by_topic[] = {TEXT("TopicArn"), TEXT("NextToken"), END};
static const struct arg_spec publish[] = {
	TEXT("TopicArn"), TEXT("TargetArn"), TEXT("PhoneNumber"), PUBLISH_SPECS, END};
static const struct arg_spec publish_entry[] = {TEXT("Id"), PUBLISH_SPECS, END};
static const struct arg_spec publish_batch[] = {
	TEXT("TopicArn"),
	{"PublishBatchRequestEntries", "PublishBatchRequestEntries.member", ARG_ENTRIES, publish_entry},
	END,
};
static const struct arg_spec resource_only[] = {TEXT("ResourceArn"), END};
static const struct arg_spec tag_resource[] = {TEXT("ResourceArn"), TAGS_MEMBER, END};
static const struct arg_spec topic_add_permission[] = {
	TEXT("TopicArn"),
	TEXT("Label"),
	{"AWSAccountId", "AWSAccountId.member", ARG_TEXTS, NULL},
	{"ActionName", "ActionName.member", ARG_TEXTS, NULL},
	END,
};
static const struct arg_spec topic_remove_permission[] = {TEXT("TopicArn"), TEXT("Label"), END};
static const struct arg_spec put_protection[] = {TEXT("ResourceArn"), TEXT("DataProtectionPolicy"), END};
static const struct arg_spec untag_resource[] = {
	TEXT("ResourceArn"), {"TagKeys", "TagKeys.member", ARG_TEXTS, NULL}, END};

static const struct aws_action actions[] = {
	{"CreateQueue", AWS_SQS, ON_ACCOUNT, true, ACCESS_CONFIGURE, sqs_create_queue, create_queue},
	{"GetQueueUrl", AWS_SQS, ON_ACCOUNT, true, ACCESS_READ, sqs_get_queue_url, get_queue_url},
	{"ListQueues", AWS_SQS, ON_ACCOUNT, true, ACCESS_READ, sqs_list_queues, list_queues},
	{"ListDeadLetterSourceQueues", AWS_SQS, ON_QUEUE_SEEN, true, ACCESS_READ, sqs_list_dead_letter_source_queues,
	 dead_letter_sources},
	{"SendMessage", AWS_SQS, ON_QUEUE, true, ACCESS_WRITE, sqs_send_message, send_message},
	{"SendMessageBatch", AWS_SQS, ON_QUEUE, true, ACCESS_WRITE, sqs_send_message_batch, send_batch},
	{"ReceiveMessage", AWS_SQS, ON_QUEUE, true, ACCESS_READ, sqs_receive_message, receive_message},
	{"DeleteMessage", AWS_SQS, ON_QUEUE, false, ACCESS_READ, sqs_delete_message, delete_message},
	{"DeleteMessageBatch", AWS_SQS, ON_QUEUE, true, ACCESS_READ, sqs_delete_message_batch, delete_batch},
	{"ChangeMessageVisibility", AWS_SQS, ON_QUEUE, false, ACCESS_READ, sqs_change_visibility, change_visibility},
	{"ChangeMessageVisibilityBatch", AWS_SQS, ON_QUEUE, true, ACCESS_READ, sqs_change_visibility_batch,
	 visibility_batch},
	{"DeleteQueue", AWS_SQS, ON_QUEUE, false, ACCESS_CONFIGURE, sqs_delete_queue, queue_only},
	{"PurgeQueue", AWS_SQS, ON_QUEUE, false, ACCESS_READ, sqs_purge_queue, queue_only},
	{"GetQueueAttributes", AWS_SQS, ON_QUEUE_SEEN, true, ACCESS_READ, sqs_get_queue_attributes, get_attributes},
	{"SetQueueAttributes", AWS_SQS, ON_QUEUE, false, ACCESS_CONFIGURE, sqs_set_queue_attributes, set_attributes},
	{"ListQueueTags", AWS_SQS, ON_QUEUE_SEEN, true, ACCESS_READ, sqs_list_queue_tags, queue_only},
	{"TagQueue", AWS_SQS, ON_QUEUE, false, ACCESS_CONFIGURE, sqs_tag_queue, tag_queue},
	{"UntagQueue", AWS_SQS, ON_QUEUE, false, ACCESS_CONFIGURE, sqs_untag_queue, untag_queue},
	{"AddPermission", AWS_SQS, ON_QUEUE, false, ACCESS_CONFIGURE, sqs_add_permission, add_permission},
	{"RemovePermission", AWS_SQS, ON_QUEUE, false, ACCESS_CONFIGURE, sqs_remove_permission, remove_permission},
	/* SNS: the functions find their topic, in AWS's order of checks */
	{"ListTopics", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_list_topics, list_topics},
	{"CreateTopic", AWS_SNS, ON_ACCOUNT, true, ACCESS_CONFIGURE, sns_create_topic, create_topic},
	{"DeleteTopic", AWS_SNS, ON_ACCOUNT, false, ACCESS_CONFIGURE, sns_delete_topic, topic_only},
	{"GetTopicAttributes", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_get_topic_attributes, topic_only},
	{"SetTopicAttributes", AWS_SNS, ON_ACCOUNT, false, ACCESS_CONFIGURE, sns_set_topic_attributes, set_topic},
	{"Subscribe", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_subscribe, subscribe},
	{"ConfirmSubscription", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_confirm_subscription, confirm},
	{"Unsubscribe", AWS_SNS, ON_ACCOUNT, false, ACCESS_READ, sns_unsubscribe, subscription_only},
	{"ListSubscriptions", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_list_subscriptions, list_topics},
	{"ListSubscriptionsByTopic", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_list_subscriptions_by_topic,
	 list_by_topic},
	{"GetSubscriptionAttributes", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_get_subscription_attributes,
	 subscription_only},
	{"SetSubscriptionAttributes", AWS_SNS, ON_ACCOUNT, false, ACCESS_READ, sns_set_subscription_attributes,
	 set_subscription},
	{"Publish", AWS_SNS, ON_ACCOUNT, true, ACCESS_WRITE, sns_publish, publish},
	{"PublishBatch", AWS_SNS, ON_ACCOUNT, true, ACCESS_WRITE, sns_publish_batch, publish_batch},
	{"ListTagsForResource", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_list_tags, resource_only},
	{"TagResource", AWS_SNS, ON_ACCOUNT, true, ACCESS_CONFIGURE, sns_tag_resource, tag_resource},
	{"UntagResource", AWS_SNS, ON_ACCOUNT, true, ACCESS_CONFIGURE, sns_untag_resource, untag_resource},
	{"AddPermission", AWS_SNS, ON_ACCOUNT, false, ACCESS_CONFIGURE, sns_add_permission, topic_add_permission},
	{"RemovePermission", AWS_SNS, ON_ACCOUNT, false, ACCESS_CONFIGURE, sns_remove_permission,
	 topic_remove_permission},
	{"GetDataProtectionPolicy", AWS_SNS, ON_ACCOUNT, true, ACCESS_READ, sns_get_data_protection_policy,
	 resource_only},
	{"PutDataProtectionPolicy", AWS_SNS, ON_ACCOUNT, false, ACCESS_CONFIGURE, sns_put_data_protection_policy,
	 put_protection},
};

const struct aws_action *aws_action_find(enum aws_service service, struct view name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (actions[i].service == service && view_is(name, actions[i].name))
			return &actions[i];
	return NULL;
}
