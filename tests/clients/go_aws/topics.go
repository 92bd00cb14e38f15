// SPDX-License-Identifier: Apache-2.0

// SNS (Query and XML): topics, subscriptions, filter policies, envelopes.
package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type subscription struct{ topic, queue, arn *string }

// subscribed: a topic and a queue that is subscribed to it.
func (r *run) subscribed(attributes map[string]string) subscription {
	topic, err := r.sns.CreateTopic(r.ctx, &sns.CreateTopicInput{Name: aws.String(r.name("topic"))})
	must(err, "CreateTopic")
	url := r.queue(nil)
	about, err := r.sqs.GetQueueAttributes(r.ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	must(err, "GetQueueAttributes")
	made, err := r.sns.Subscribe(r.ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(about.Attributes["QueueArn"]),
		Attributes: attributes, ReturnSubscriptionArn: true,
	})
	must(err, "Subscribe")
	return subscription{topic.TopicArn, url, made.SubscriptionArn}
}

func (r *run) publish(topic *string, message, kind string) *string {
	out, err := r.sns.Publish(r.ctx, &sns.PublishInput{
		TopicArn: topic, Message: &message,
		MessageAttributes: map[string]snstypes.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &kind}},
	})
	must(err, "Publish")
	return out.MessageId
}

func topics(r *run) {
	name := r.name("topic")
	made, err := r.sns.CreateTopic(r.ctx, &sns.CreateTopicInput{Name: &name, Attributes: map[string]string{"DisplayName": "shown"}})
	must(err, "CreateTopic")
	expect(*made.TopicArn, "arn:aws:sns:eu-central-1:000000000000:"+name, "ARN")
	about, err := r.sns.GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: made.TopicArn})
	must(err, "GetTopicAttributes")
	expect(about.Attributes["DisplayName"], "shown", "DisplayName")
	exchange := false
	all := sns.NewListTopicsPaginator(r.sns, &sns.ListTopicsInput{})
	for all.HasMorePages() {
		page, err := all.NextPage(r.ctx)
		must(err, "ListTopics")
		for _, topic := range page.Topics {
			exchange = exchange || strings.Contains(*topic.TopicArn, ":amq-topic-")
		}
	}
	expect(exchange, true, "an exchange is among the topics")
	_, err = r.sns.DeleteTopic(r.ctx, &sns.DeleteTopicInput{TopicArn: made.TopicArn})
	must(err, "DeleteTopic")
	_, err = r.sns.GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: made.TopicArn})
	expectError[*snstypes.NotFoundException](err, "NotFound", "Topic does not exist", "deleted")
}

func publishEnvelope(r *run) {
	s := r.subscribed(nil)
	id := r.publish(s.topic, "grüße", "a")
	var envelope struct {
		Type, MessageId, TopicArn, Message string
		MessageAttributes                  map[string]map[string]string
	}
	must(json.Unmarshal([]byte(*r.take(s.queue, 1)[0].Body), &envelope), "the envelope")
	expect([]string{envelope.Type, envelope.MessageId, envelope.TopicArn, envelope.Message},
		[]string{"Notification", *id, *s.topic, "grüße"}, "envelope")
	expect(envelope.MessageAttributes, map[string]map[string]string{"kind": {"Type": "String", "Value": "a"}}, "its attributes")
}

func publishFiltered(r *run) {
	s := r.subscribed(map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"kind":["a",{"prefix":"b-"}]}`})
	for _, kind := range []string{"c", "a", "ab", "b-1"} {
		r.publish(s.topic, "kind "+kind, kind)
	}
	var bodies []string
	for _, m := range r.take(s.queue, 2) {
		bodies = append(bodies, *m.Body)
		expect("kind "+*m.MessageAttributes["kind"].StringValue, *m.Body, "attribute")
	}
	sort.Strings(bodies)
	expect(bodies, []string{"kind a", "kind b-1"}, "bodies")
	expect(len(r.receive(s.queue, 10, 0)), 0, "others")
	_, err := r.sns.Unsubscribe(r.ctx, &sns.UnsubscribeInput{SubscriptionArn: s.arn})
	must(err, "Unsubscribe")
	left, err := r.sns.ListSubscriptionsByTopic(r.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: s.topic})
	must(err, "ListSubscriptionsByTopic")
	expect(len(left.Subscriptions), 0, "subscriptions left")
}

func publishBatch(r *run) {
	s := r.subscribed(map[string]string{"RawMessageDelivery": "true"})
	var entries []snstypes.PublishBatchRequestEntry
	for i := 0; i < 10; i++ {
		entries = append(entries, snstypes.PublishBatchRequestEntry{Id: aws.String(fmt.Sprint("e", i)), Message: aws.String(fmt.Sprint("m", i))})
	}
	out, err := r.sns.PublishBatch(r.ctx, &sns.PublishBatchInput{TopicArn: s.topic, PublishBatchRequestEntries: entries})
	must(err, "PublishBatch")
	expect([]int{len(out.Successful), len(out.Failed)}, []int{10, 0}, "published")
	expect(len(r.take(s.queue, 10)), 10, "messages")
}

func topicErrors(r *run) {
	s := r.subscribed(nil)
	_, err := r.sns.Publish(r.ctx, &sns.PublishInput{TopicArn: aws.String(*s.topic + "-no"), Message: aws.String("m")})
	expectError[*snstypes.NotFoundException](err, "NotFound", "Topic does not exist", "publish")
	_, err = r.sns.Publish(r.ctx, &sns.PublishInput{TopicArn: s.topic, Message: aws.String("")})
	expectError[*snstypes.InvalidParameterException](err, "InvalidParameter", "Empty message", "empty")
	_, err = r.sns.SetSubscriptionAttributes(r.ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: s.arn, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String(`{"a":"b"}`)})
	expectError[*snstypes.InvalidParameterException](err, "InvalidParameter", `"a" must be an object or an array`, "policy")
}
