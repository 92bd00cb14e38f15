// SPDX-License-Identifier: Apache-2.0

// What every scenario uses: a client, queues of its own, expectations with texts. What
// is expected and not found is a panic. The SDK checks the MD5 sums of what it gets.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const deadline = 15 * time.Second

type run struct {
	port string
	ctx  context.Context
	sqs  *sqs.Client
	sns  *sns.Client
}

func newRun(port string) *run {
	r := &run{port: port, ctx: context.Background()}
	r.sqs = r.client("guest", "guest")
	r.sns = sns.New(sns.Options{
		BaseEndpoint: aws.String("http://127.0.0.1:" + port), Region: "eu-central-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("guest", "guest", ""),
	})
	return r
}

func (r *run) client(key, secret string) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint:     aws.String("http://127.0.0.1:" + r.port),
		Region:           "eu-central-1",
		Credentials:      credentials.NewStaticCredentialsProvider(key, secret, ""),
		RetryMaxAttempts: 1, // an error is seen, not tried again
	})
}

func (r *run) name(base string) string {
	bytes := make([]byte, 5)
	_, err := rand.Read(bytes)
	must(err, "random bytes")
	return base + "-" + hex.EncodeToString(bytes)
}

// queue: a new one's URL.
func (r *run) queue(attributes map[string]string) *string {
	name := r.name("q")
	out, err := r.sqs.CreateQueue(r.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	must(err, "CreateQueue")
	return out.QueueUrl
}

func (r *run) send(url *string, body string) {
	_, err := r.sqs.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body})
	must(err, "SendMessage")
}

// receive: one answer, with everything that belongs to the messages.
func (r *run) receive(url *string, n, wait int32) []types.Message {
	out, err := r.sqs.ReceiveMessage(r.ctx, &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: n, WaitTimeSeconds: wait, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	must(err, "ReceiveMessage")
	return out.Messages
}

// take: until there are n.
func (r *run) take(url *string, n int) []types.Message {
	var taken []types.Message
	for end := time.Now().Add(deadline); len(taken) < n; {
		taken = append(taken, r.receive(url, int32(min(10, n-len(taken))), 1)...)
		if time.Now().After(end) {
			fail("%d of %d messages within %s", len(taken), n, deadline)
		}
	}
	return taken
}

func last(url *string) string {
	return (*url)[strings.LastIndex(*url, "/")+1:]
}

func fail(format string, given ...any) {
	panic(fmt.Sprintf(format, given...))
}

// must: no error here.
func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func expect(got, wanted any, what string) {
	if !reflect.DeepEqual(got, wanted) {
		fail("%s: got %.300s, expected %.300s", what, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", wanted))
	}
}

// expectError: of the SDK's type T, with this code, and this in its text.
func expectError[T error](err error, code, text, what string) {
	var typed T
	if !errors.As(err, &typed) {
		fail("%s: got %v, expected %T", what, err, typed)
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		fail("%s: got %v, expected %s %q", what, err, code, text)
	}
}
