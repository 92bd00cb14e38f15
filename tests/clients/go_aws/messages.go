// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func sum(text string) string {
	bytes := md5.Sum([]byte(text))
	return hex.EncodeToString(bytes[:])
}

func sendReceiveDelete(r *run) {
	url := r.queue(nil)
	body := "grüße <&> \"'\n\t\U0001f600"
	sent, err := r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body})
	must(err, "SendMessage")
	expect(*sent.MD5OfMessageBody, sum(body), "sum when sent")
	got := r.take(url, 1)[0]
	expect([]string{*got.Body, *got.MessageId, *got.MD5OfBody}, []string{body, *sent.MessageId, sum(body)}, "message")
	expect(got.Attributes["ApproximateReceiveCount"], "1", "receive count")
	ms, _ := strconv.ParseInt(got.Attributes["SentTimestamp"], 10, 64)
	if math.Abs(time.Since(time.UnixMilli(ms)).Seconds()) > 60 {
		fail("sent at %d", ms)
	}
	for i := 0; i < 2; i++ { // a second time is no error
		_, err = r.sqs.DeleteMessage(r.ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: got.ReceiptHandle})
		must(err, "DeleteMessage")
	}
	expect(len(r.receive(url, 1, 0)), 0, "messages left")
}

func attributes(r *run) {
	url := r.queue(nil)
	given := map[string]types.MessageAttributeValue{
		"text":        {DataType: aws.String("String"), StringValue: aws.String("ü")},
		"custom.kind": {DataType: aws.String("String.uuid"), StringValue: aws.String("u")},
		"number":      {DataType: aws.String("Number"), StringValue: aws.String("-1.5e3")},
		"bytes":       {DataType: aws.String("Binary.png"), BinaryValue: []byte{0, 255, 1}},
	}
	trace := "Root=1-5759e988-bd862e3fe1be46a994272793"
	sent, err := r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("m"), MessageAttributes: given, MessageGroupId: aws.String("tenant-1"),
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace},
		},
	})
	must(err, "SendMessage")
	got := r.take(url, 1)[0]
	expect(len(got.MessageAttributes), len(given), "attributes")
	for name, wanted := range given {
		there := got.MessageAttributes[name]
		expect([]any{*there.DataType, aws.ToString(there.StringValue), there.BinaryValue},
			[]any{*wanted.DataType, aws.ToString(wanted.StringValue), wanted.BinaryValue}, name)
	}
	expect(*got.MD5OfMessageAttributes, *sent.MD5OfMessageAttributes, "sum of the attributes")
	expect([]string{got.Attributes["AWSTraceHeader"], got.Attributes["MessageGroupId"], got.Attributes["SenderId"]},
		[]string{trace, "tenant-1", "guest"}, "system attributes")
}

func batches(r *run) {
	url := r.queue(nil)
	var entries []types.SendMessageBatchRequestEntry
	for i := 0; i < 10; i++ {
		entry := types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint("e", i)), MessageBody: aws.String(fmt.Sprint("m", i))}
		if i == 3 {
			entry.DelaySeconds = 901
		}
		entries = append(entries, entry)
	}
	sent, err := r.sqs.SendMessageBatch(r.ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
	must(err, "SendMessageBatch")
	expect([]int{len(sent.Successful), len(sent.Failed)}, []int{9, 1}, "sent")
	expect([]any{*sent.Failed[0].Id, *sent.Failed[0].Code, sent.Failed[0].SenderFault}, []any{"e3", "InvalidParameterValue", true}, "failed")
	got := r.take(url, 9)
	var hide []types.ChangeMessageVisibilityBatchRequestEntry
	var remove []types.DeleteMessageBatchRequestEntry
	for i, m := range got {
		id := aws.String(fmt.Sprint("x", i))
		hide = append(hide, types.ChangeMessageVisibilityBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60})
		remove = append(remove, types.DeleteMessageBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
	}
	hide[0].VisibilityTimeout = 43201
	remove[4].ReceiptHandle = aws.String("garbage")
	hidden, err := r.sqs.ChangeMessageVisibilityBatch(r.ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: hide})
	must(err, "ChangeMessageVisibilityBatch")
	expect([]any{len(hidden.Successful), *hidden.Failed[0].Id}, []any{8, "x0"}, "hidden")
	removed, err := r.sqs.DeleteMessageBatch(r.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: remove})
	must(err, "DeleteMessageBatch")
	expect([]any{len(removed.Successful), *removed.Failed[0].Code}, []any{8, "ReceiptHandleIsInvalid"}, "removed")
}

func visibility(r *run) {
	url := r.queue(map[string]string{"VisibilityTimeout": "1"})
	r.send(url, "m")
	first := r.take(url, 1)[0]
	expect(len(r.receive(url, 1, 0)), 0, "while it is hidden")
	again := r.take(url, 1)[0]
	expect([]string{*again.MessageId, again.Attributes["ApproximateReceiveCount"]}, []string{*first.MessageId, "2"}, "again")
	_, err := r.sqs.ChangeMessageVisibility(r.ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: again.ReceiptHandle, VisibilityTimeout: 0})
	must(err, "ChangeMessageVisibility")
	expect(r.take(url, 1)[0].Attributes["ApproximateReceiveCount"], "3", "count")
}

func longPollAndDelay(r *run) {
	url := r.queue(map[string]string{"ReceiveMessageWaitTimeSeconds": "20"})
	began := time.Now()
	_, err := r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("late"), DelaySeconds: 1})
	must(err, "SendMessage")
	out, err := r.sqs.ReceiveMessage(r.ctx, &sqs.ReceiveMessageInput{QueueUrl: url})
	must(err, "ReceiveMessage")
	expect(*out.Messages[0].Body, "late", "body")
	if took := time.Since(began); took < 900*time.Millisecond || took > deadline {
		fail("it took %s", took)
	}
}

// manyAtOnce: senders and receivers over one connection pool lose and double nothing.
func manyAtOnce(r *run) {
	const senders, each, receivers = 4, 50, 4
	url := r.queue(nil)
	var group sync.WaitGroup
	var lock sync.Mutex
	var got []string
	var wrong []string
	guarded := func(do func()) {
		group.Add(1)
		go func() {
			defer group.Done()
			defer func() {
				if why := recover(); why != nil {
					lock.Lock()
					wrong = append(wrong, fmt.Sprint(why))
					lock.Unlock()
				}
			}()
			do()
		}()
	}
	count := func() int {
		lock.Lock()
		defer lock.Unlock()
		return len(got)
	}
	for s := 0; s < senders; s++ {
		guarded(func() {
			for i := 0; i < each; i++ {
				r.send(url, fmt.Sprintf("%d-%02d", s, i))
			}
		})
	}
	for i := 0; i < receivers; i++ {
		guarded(func() {
			for end := time.Now().Add(2 * deadline); count() < senders*each && time.Now().Before(end); {
				for _, m := range r.receive(url, 10, 1) {
					_, err := r.sqs.DeleteMessage(r.ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
					must(err, "DeleteMessage")
					lock.Lock()
					got = append(got, *m.Body)
					lock.Unlock()
				}
			}
		})
	}
	group.Wait()
	if len(wrong) > 0 {
		fail("%s", strings.Join(wrong, "; "))
	}
	var wanted []string
	for s := 0; s < senders; s++ {
		for i := 0; i < each; i++ {
			wanted = append(wanted, fmt.Sprintf("%d-%02d", s, i))
		}
	}
	sort.Strings(got)
	expect(got, wanted, "messages")
}
