// SPDX-License-Identifier: Apache-2.0

// Publishing: confirms, returns, contents, transactions (rabbitmq.md 4.1–4.10).
package main

import (
	"bytes"
	"fmt"
	"math/rand"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func confirmsAndAcks(r *run) {
	channel := r.confirming(nil)
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 300))
	queue := r.queue(channel)
	for _, body := range numbers(0, 300) {
		must(channel.Publish("", queue, false, false, text(body)), "publish")
	}
	for tag := uint64(1); tag <= 300; tag++ {
		confirm, _ := next(confirms, "a confirm")
		expect(confirm, amqp.Confirmation{DeliveryTag: tag, Ack: true}, "confirm")
	}
	deliveries := some(consume(channel, queue, ""), 300)
	expect(bodies(deliveries), numbers(0, 300), "bodies")
	for _, delivery := range deliveries {
		must(delivery.Ack(false), "ack")
	}
	must(channel.Close(), "close")
	left, err := r.channel(nil).QueueDelete(queue, false, false, false)
	must(err, "delete")
	expect(left, 0, "left")
}

func returnBeforeConfirm(r *run) {
	channel := r.confirming(nil)
	returns := channel.NotifyReturn(make(chan amqp.Return, 1))
	key := r.name("nobody")
	message := amqp.Publishing{Body: []byte("back"), MessageId: "m1", Headers: amqp.Table{"a": int32(1)}}
	confirm, err := channel.PublishWithDeferredConfirm("amq.direct", key, true, false, message)
	must(err, "publish")
	next(confirm.Done(), "the confirm")
	var back amqp.Return
	select {
	case back = <-returns:
	default:
		fail("no return before the confirm")
	}
	expect(confirm.Acked(), true, "acked")
	expect([]any{back.ReplyCode, back.ReplyText, back.Exchange, back.RoutingKey}, []any{uint16(312), "NO_ROUTE", "amq.direct", key}, "return")
	expect([]any{back.MessageId, back.Headers, string(back.Body)}, []any{"m1", message.Headers, "back"}, "content")
}

func unroutableIsConfirmed(r *run) {
	channel := r.confirming(nil)
	put(channel, "amq.topic", r.name("nobody"), text("lost"))
	put(channel, "", r.name("nobody"), text("lost"))
}

func propertiesAndHeaders(r *run) {
	channel := r.confirming(nil)
	queue := exclusive(channel)
	stamp := time.Unix(1700000000, 0)
	given := amqp.Publishing{
		ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: 2, Priority: 3, CorrelationId: "c-1", ReplyTo: "r-1",
		Expiration: "60000", MessageId: "m-1", Timestamp: stamp, Type: "t-1", UserId: "guest", AppId: "a-1", Body: []byte("{}"),
		Headers: amqp.Table{
			"text": "ä ß 語", "yes": true, "byte": int8(-5), "unsigned": byte(250), "short": int16(-300), "int": int32(-70000), "long": int64(1) << 40,
			"real": 1.5, "single": float32(0.25), "decimal": amqp.Decimal{Scale: 2, Value: 314}, "nothing": nil, "bytes": []byte{0, 1, 255},
			"time": time.Unix(1234, 0), "list": []any{int32(1), "two", []any{true}}, "table": amqp.Table{"inner": amqp.Table{"deep": "x"}},
		},
	}
	put(channel, "", queue, given)
	got := get(channel, queue)
	expect(got.Headers, given.Headers, "headers")
	expect(
		[]any{got.ContentType, got.ContentEncoding, got.DeliveryMode, got.Priority, got.CorrelationId, got.ReplyTo, got.Expiration,
			got.MessageId, got.Timestamp.Unix(), got.Type, got.UserId, got.AppId, string(got.Body)},
		[]any{given.ContentType, given.ContentEncoding, given.DeliveryMode, given.Priority, given.CorrelationId, given.ReplyTo, given.Expiration,
			given.MessageId, stamp.Unix(), given.Type, given.UserId, given.AppId, "{}"},
		"properties")
	expect([]any{got.Redelivered, got.Exchange, got.RoutingKey, got.MessageCount}, []any{false, "", queue, uint32(0)}, "get-ok")
}

func largeMessage(r *run) {
	channel := r.confirming(nil)
	queue := r.queue(channel)
	body := make([]byte, 5<<20)
	rand.New(rand.NewSource(1)).Read(body)
	for i := 0; i < 3; i++ {
		put(channel, "", queue, amqp.Publishing{Body: body, DeliveryMode: uint8(1 + i%2), Headers: amqp.Table{"i": int32(i)}})
	}
	for i, delivery := range some(consume(channel, queue, ""), 3) {
		expect(bytes.Equal(delivery.Body, body), true, fmt.Sprintf("same body %d", i))
		expect(delivery.Headers, amqp.Table{"i": int32(i)}, "headers")
		must(delivery.Ack(false), "ack")
	}
	_, err := channel.QueueDelete(queue, false, false, false)
	must(err, "delete")
}

// Several goroutines publish large contents over one connection at once.
func interleavedChannels(r *run) {
	connection := r.connection()
	done := make(chan any, 6)
	for i := 0; i < 6; i++ {
		go func(i int) {
			defer func() { done <- recover() }()
			channel := r.confirming(connection)
			queue := exclusive(channel)
			for round := 0; round < 4; round++ {
				put(channel, "", queue, amqp.Publishing{Body: bytes.Repeat([]byte{byte('a' + i), byte('0' + round)}, 150000+i)})
			}
			for round, delivery := range some(consume(channel, queue, ""), 4) {
				expect(bytes.Equal(delivery.Body, bytes.Repeat([]byte{byte('a' + i), byte('0' + round)}, 150000+i)), true, "same body")
			}
		}(i)
	}
	for i := 0; i < 6; i++ {
		if why, _ := next(done, "a channel"); why != nil {
			panic(why)
		}
	}
}

func transactions(r *run) {
	channel := r.channel(nil)
	if err := channel.Tx(); err != nil {
		if !r.real {
			panic(skip{fmt.Sprintf("tx.select is not answered yet: %v", err)})
		}
		must(err, "tx.select")
	}
	other := r.channel(nil)
	queue := r.queue(other)
	must(channel.Publish("", queue, false, false, text("rolled back")), "publish")
	must(channel.TxRollback(), "rollback")
	must(channel.Publish("", queue, false, false, text("first")), "publish")
	must(channel.Publish("", queue, false, false, text("second")), "publish")
	expect(ready(other, queue), 0, "ready before the commit")
	must(channel.TxCommit(), "commit")
	expect(ready(other, queue), 2, "ready after the commit")
	first := get(channel, queue)
	expect(string(first.Body), "first", "body")
	must(first.Ack(false), "ack")
	must(channel.TxRollback(), "rollback")
	must(first.Ack(false), "ack")
	must(channel.TxCommit(), "commit")
	must(channel.Close(), "close")
	left := get(other, queue)
	expect([]any{string(left.Body), ready(other, queue)}, []any{"second", 0}, "left")
	err := other.TxCommit()
	expectError(err, 406, "PRECONDITION_FAILED - channel is not transactional")
	mixed := r.confirming(nil)
	expectError(mixed.Tx(), 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode")
}
