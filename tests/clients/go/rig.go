// SPDX-License-Identifier: Apache-2.0

// What every scenario uses: connections that are closed at its end, expectations with
// texts, waits with a deadline. A scenario is a function of one *run; what it expects
// and does not find is a panic with a failure. It uses names made by run.name only, so
// that scenarios can run at once; those that restart the broker run alone, at the end.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	deadline     = 15 * time.Second
	startSeconds = 60 * time.Second
)

type failure struct{ text string }

// Why a scenario does not apply here.
type skip struct{ text string }

func fail(format string, given ...any) {
	panic(failure{fmt.Sprintf(format, given...)})
}

// must: no error here.
func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func short(value any) string {
	text := fmt.Sprintf("%+v", value)
	if len(text) > 400 {
		return fmt.Sprintf("%s… (%d characters)", text[:400], len(text))
	}
	return text
}

func expect(got, wanted any, what string) {
	if !reflect.DeepEqual(got, wanted) {
		fail("%s: got %s, expected %s", what, short(got), short(wanted))
	}
}

// expectError: the code and text of the broker, as *amqp.Error has them.
func expectError(err error, code int, text string) {
	var told *amqp.Error
	if !errors.As(err, &told) || told == nil {
		fail("expected %d %q, got %v", code, text, err)
	}
	expect([]any{told.Code, told.Reason}, []any{code, text}, "error")
}

func until(test func() bool, what string) {
	for end := time.Now().Add(deadline); !test(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			fail("%s: not within %s", what, deadline)
		}
	}
}

// next: what a channel of Go brings in time; whether it was open still.
func next[T any](from <-chan T, what string) (T, bool) {
	select {
	case value, open := <-from:
		return value, open
	case <-time.After(deadline):
		fail("%s: not within %s", what, deadline)
	}
	panic("not reached")
}

// some: n deliveries.
func some(from <-chan amqp.Delivery, n int) []amqp.Delivery {
	out := make([]amqp.Delivery, 0, n)
	for i := 0; i < n; i++ {
		delivery, open := next(from, fmt.Sprintf("delivery %d of %d", i+1, n))
		if !open {
			fail("the consumer ended after %d of %d deliveries", i, n)
		}
		out = append(out, delivery)
	}
	return out
}

func bodies(of []amqp.Delivery) []string {
	out := []string{}
	for _, delivery := range of {
		out = append(out, string(delivery.Body))
	}
	return out
}

func numbers(from, to int) []string {
	out := []string{}
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

// One run of one scenario.
type run struct {
	port    string
	real    bool
	closing []func()
}

func (r *run) name(base string) string {
	random := make([]byte, 5)
	_, err := rand.Read(random)
	must(err, "random")
	return base + "-" + hex.EncodeToString(random)
}

func (r *run) url() string { return "amqp://guest:guest@127.0.0.1:" + r.port + "/" }

func (r *run) dial(config amqp.Config) *amqp.Connection {
	connection, err := amqp.DialConfig(r.url(), config)
	must(err, "dial")
	r.closing = append(r.closing, func() { _ = connection.CloseDeadline(time.Now().Add(2 * time.Second)) })
	return connection
}

func (r *run) connection() *amqp.Connection { return r.dial(amqp.Config{}) }

// channel: on a connection, or on a new one (nil).
func (r *run) channel(on *amqp.Connection) *amqp.Channel {
	if on == nil {
		on = r.connection()
	}
	channel, err := on.Channel()
	must(err, "channel")
	return channel
}

func (r *run) confirming(on *amqp.Connection) *amqp.Channel {
	channel := r.channel(on)
	must(channel.Confirm(false), "confirm.select")
	return channel
}

func (r *run) close() {
	for i := len(r.closing) - 1; i >= 0; i-- {
		r.closing[i]()
	}
}

// queue: a new durable one.
func (r *run) queue(channel *amqp.Channel) string {
	queue, err := channel.QueueDeclare(r.name("q"), true, false, false, false, nil)
	must(err, "queue.declare")
	return queue.Name
}

func exclusive(channel *amqp.Channel) string {
	queue, err := channel.QueueDeclare("", false, false, true, false, nil)
	must(err, "queue.declare")
	return queue.Name
}

// put: a confirmed message.
func put(channel *amqp.Channel, exchange, key string, message amqp.Publishing) {
	confirm, err := channel.PublishWithDeferredConfirm(exchange, key, false, false, message)
	must(err, "publish")
	if confirm == nil {
		fail("the channel does not confirm")
	}
	select {
	case <-confirm.Done():
	case <-time.After(deadline):
		fail("no confirm within %s", deadline)
	}
	expect(confirm.Acked(), true, "acked")
}

func text(body string) amqp.Publishing {
	return amqp.Publishing{Body: []byte(body), DeliveryMode: amqp.Persistent}
}

// filled: a new queue with these bodies.
func (r *run) filled(channel *amqp.Channel, bodies []string) string {
	queue := r.queue(channel)
	for _, body := range bodies {
		put(channel, "", queue, text(body))
	}
	return queue
}

func consume(channel *amqp.Channel, queue, tag string) <-chan amqp.Delivery {
	deliveries, err := channel.Consume(queue, tag, false, false, false, false, nil)
	must(err, "consume")
	return deliveries
}

func ready(channel *amqp.Channel, queue string) int {
	answer, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
	must(err, "passive declare")
	return answer.Messages
}

func get(channel *amqp.Channel, queue string) amqp.Delivery {
	message, there, err := channel.Get(queue, false)
	must(err, "get")
	if !there {
		fail("%s is empty", queue)
	}
	return message
}

var answers = bufio.NewScanner(os.Stdin)

// ask: the broker on the same port and data; "stop", "start" or "restart".
func ask(word string) {
	fmt.Println(word)
	if !answers.Scan() || !strings.HasPrefix(answers.Text(), word) {
		fail("%s: answered %q", word, answers.Text())
	}
}
