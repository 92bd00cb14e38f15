// SPDX-License-Identifier: Apache-2.0

// The broker goes and comes again on the same port and data.
package main

import (
	"bytes"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// The client's own recovery: the same connection, channel and deliveries go on; it
// declares again what it had declared and consumes again.
func recovery(r *run) {
	connection := r.dial(amqp.Config{Recovery: &amqp.Recovery{
		ReconnectionConfig: &amqp.ReconnectionConfig{MaxRetryCount: 1000, RetryInterval: 50 * time.Millisecond},
	}})
	states := make(chan *amqp.StateChanged, 100)
	connection.NotifyStateChange(states)
	channel := r.confirming(connection)
	exchange, queue, passing := r.name("x"), r.queue(channel), exclusive(channel)
	must(channel.ExchangeDeclare(exchange, "topic", true, false, false, false, nil), "exchange.declare")
	must(channel.QueueBind(queue, "k.#", exchange, false, nil), "bind")
	must(channel.QueueBind(passing, "k.#", exchange, false, nil), "bind")
	deliveries := consume(channel, queue, "mine")
	put(channel, exchange, "k.1", text("settled"))
	put(channel, exchange, "k.2", text("held"))
	must(some(deliveries, 2)[0].Ack(false), "ack")
	expect(ready(channel, queue), 0, "ready")

	ask("stop")
	state(states, amqp.StateReconnecting)
	ask("start")
	state(states, amqp.StateOpen)
	again := some(deliveries, 1)[0]
	expect([]any{string(again.Body), again.Redelivered}, []any{"held", true}, "the redelivery")
	until(func() bool { return again.Ack(false) == nil }, "an ack")
	until(func() bool { return channel.Publish(exchange, "k.3", false, false, text("after")) == nil }, "a publish")
	expect(string(some(deliveries, 1)[0].Body), "after", "the consumer goes on")
}

func state(states <-chan *amqp.StateChanged, wanted amqp.LifeCycleState) {
	end := time.After(startSeconds)
	for {
		select {
		case change := <-states:
			if change.To == wanted {
				return
			}
			if change.To == amqp.StateClosed {
				fail("recovery gave up: %v", change.Err)
			}
		case <-end:
			fail("no state %s", wanted)
		}
	}
}

// Without it: NotifyClose tells why, durable things and confirmed messages are there.
func reconnectByHand(r *run) {
	connection := r.connection()
	channel := r.confirming(connection)
	closed := connection.NotifyClose(make(chan *amqp.Error, 1))
	queue, large := r.queue(channel), bytes.Repeat([]byte("x"), 5<<20)
	for i, body := range numbers(0, 50) {
		put(channel, "", queue, amqp.Publishing{Body: []byte(body), DeliveryMode: uint8(1 + i%2)})
	}
	put(channel, "", queue, amqp.Publishing{Body: large, DeliveryMode: amqp.Persistent})
	ask("restart")
	told, _ := next(closed, "the close")
	expect([]any{told.Code, strings.Split(told.Reason, " - ")[0], told.Server}, []any{320, "CONNECTION_FORCED", true}, "close")
	channel = r.channel(nil)
	must(channel.Qos(10, 0, false), "qos")
	deliveries := consume(channel, queue, "")
	for i := 1; i < 50; i += 2 {
		delivery := some(deliveries, 1)[0]
		expect([]any{string(delivery.Body), delivery.Redelivered}, []any{numbers(i, i+1)[0], false}, "kept")
		must(delivery.Ack(false), "ack")
	}
	expect(bytes.Equal(some(deliveries, 1)[0].Body, large), true, "same large body")
}
