// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

func createAndFind(r *run) {
	name := r.name("q")
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"DelaySeconds": "5"}, Tags: map[string]string{"a": "1"}}
	made, err := r.sqs.CreateQueue(r.ctx, in)
	must(err, "CreateQueue")
	again, err := r.sqs.CreateQueue(r.ctx, in)
	must(err, "CreateQueue again")
	found, err := r.sqs.GetQueueUrl(r.ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	must(err, "GetQueueUrl")
	listed, err := r.sqs.ListQueues(r.ctx, &sqs.ListQueuesInput{QueueNamePrefix: &name})
	must(err, "ListQueues")
	expect([]string{*again.QueueUrl, *found.QueueUrl}, []string{*made.QueueUrl, *made.QueueUrl}, "URL")
	expect(listed.QueueUrls, []string{*made.QueueUrl}, "list")
}

func pages(r *run) {
	prefix := r.name("page")
	for i := 0; i < 5; i++ {
		_, err := r.sqs.CreateQueue(r.ctx, &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprint(prefix, "-", i))})
		must(err, "CreateQueue")
	}
	var sizes []int
	all := sqs.NewListQueuesPaginator(r.sqs, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(2)})
	for all.HasMorePages() {
		page, err := all.NextPage(r.ctx)
		must(err, "ListQueues")
		sizes = append(sizes, len(page.QueueUrls))
	}
	expect(sizes, []int{2, 2, 1}, "pages")
}

func queueAttributes(r *run) {
	url := r.queue(map[string]string{"VisibilityTimeout": "7"})
	_, err := r.sqs.SetQueueAttributes(r.ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: url, Attributes: map[string]string{"MessageRetentionPeriod": "86400"}})
	must(err, "SetQueueAttributes")
	r.send(url, "m")
	out, err := r.sqs.GetQueueAttributes(r.ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	must(err, "GetQueueAttributes")
	for name, wanted := range map[string]string{
		"VisibilityTimeout": "7", "MessageRetentionPeriod": "86400", "MaximumMessageSize": "1048576",
		"ApproximateNumberOfMessages": "1", "QueueArn": "arn:aws:sqs:eu-central-1:000000000000:" + last(url),
	} {
		expect(out.Attributes[name], wanted, name)
	}
}

func tags(r *run) {
	url := r.queue(nil)
	_, err := r.sqs.TagQueue(r.ctx, &sqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{"team": "a", "empty": ""}})
	must(err, "TagQueue")
	_, err = r.sqs.UntagQueue(r.ctx, &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"team"}})
	must(err, "UntagQueue")
	out, err := r.sqs.ListQueueTags(r.ctx, &sqs.ListQueueTagsInput{QueueUrl: url})
	must(err, "ListQueueTags")
	expect(out.Tags, map[string]string{"empty": ""}, "tags")
}

func purgeAndDelete(r *run) {
	url := r.queue(nil)
	r.send(url, "m")
	r.take(url, 1)
	_, err := r.sqs.PurgeQueue(r.ctx, &sqs.PurgeQueueInput{QueueUrl: url})
	must(err, "PurgeQueue")
	out, err := r.sqs.GetQueueAttributes(r.ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}})
	must(err, "GetQueueAttributes")
	expect(out.Attributes, map[string]string{"ApproximateNumberOfMessagesNotVisible": "0"}, "in flight")
	_, err = r.sqs.DeleteQueue(r.ctx, &sqs.DeleteQueueInput{QueueUrl: url})
	must(err, "DeleteQueue")
	_, err = r.sqs.GetQueueUrl(r.ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(last(url))})
	expectError[*types.QueueDoesNotExist](err, "AWS.SimpleQueueService.NonExistentQueue", "does not exist", "deleted")
}

// errorTypes: the SDK's own types by the shape, the code of Query by the header.
func errorTypes(r *run) {
	const prefix = "AWS.SimpleQueueService."
	url := r.queue(map[string]string{"DelaySeconds": "1"})
	_, err := r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(*url + "-no"), MessageBody: aws.String("m")})
	expectError[*types.QueueDoesNotExist](err, prefix+"NonExistentQueue", "The specified queue does not exist.", "send")
	_, err = r.sqs.CreateQueue(r.ctx, &sqs.CreateQueueInput{QueueName: aws.String(last(url)), Attributes: map[string]string{"DelaySeconds": "2"}})
	expectError[*types.QueueNameExists](err, "QueueAlreadyExists", "DelaySeconds", "create")
	_, err = r.sqs.SendMessageBatch(r.ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{}})
	expectError[*types.EmptyBatchRequest](err, prefix+"EmptyBatchRequest", "at least one", "empty batch")
	same := types.SendMessageBatchRequestEntry{Id: aws.String("a"), MessageBody: aws.String("m")}
	_, err = r.sqs.SendMessageBatch(r.ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{same, same}})
	expectError[*types.BatchEntryIdsNotDistinct](err, prefix+"BatchEntryIdsNotDistinct", "Id a repeated.", "ids")
	_, err = r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("\x01")})
	expectError[*types.InvalidMessageContents](err, "InvalidMessageContents", "#x9", "contents")
	_, err = r.sqs.DeleteMessage(r.ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("garbage")})
	expectError[*types.ReceiptHandleIsInvalid](err, "ReceiptHandleIsInvalid", `"garbage"`, "handle")
	_, err = r.sqs.SetQueueAttributes(r.ctx, &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"No": "1"}})
	expectError[*types.InvalidAttributeName](err, "InvalidAttributeName", "Unknown Attribute No.", "attribute")
	_, err = r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), DelaySeconds: 901})
	expectError[smithy.APIError](err, "InvalidParameterValue", "Value 901", "delay")
}

func wrongCredentials(r *run) {
	_, err := r.client("guest", "wrong").ListQueues(r.ctx, &sqs.ListQueuesInput{})
	expectError[smithy.APIError](err, "SignatureDoesNotMatch", "signature", "wrong secret")
	_, err = r.client("AKIANOBODY", "guest").ListQueues(r.ctx, &sqs.ListQueuesInput{})
	expectError[smithy.APIError](err, "InvalidClientTokenId", "security token", "unknown key")
}
