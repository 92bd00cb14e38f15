// SPDX-License-Identifier: Apache-2.0

// Consuming and settling (rabbitmq.md 4.11–4.23).
package main

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

func cancelledWhenItsQueueGoes(r *run) {
	channel := r.channel(nil)
	queue := r.queue(channel)
	cancelled := channel.NotifyCancel(make(chan string, 1))
	deliveries := consume(channel, queue, "mine")
	_, err := r.channel(nil).QueueDelete(queue, false, false, false)
	must(err, "delete")
	tag, _ := next(cancelled, "the cancellation")
	expect(tag, "mine", "tag")
	_, open := next(deliveries, "the end of the deliveries")
	expect(open, false, "open")
	exclusive(channel)
}

func prefetch(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 10))
	must(channel.Qos(3, 0, false), "qos")
	deliveries := consume(channel, queue, "")
	taken := some(deliveries, 3)
	expect(ready(channel, queue), 7, "ready")
	must(taken[0].Ack(false), "ack")
	taken = append(taken, some(deliveries, 1)...)
	must(taken[3].Ack(true), "ack")
	taken = append(taken, some(deliveries, 3)...)
	expect(bodies(taken), numbers(0, 7), "bodies")
	expect(ready(channel, queue), 3, "ready")
}

func prefetchOfTheChannel(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 8))
	must(channel.Qos(2, 0, true), "qos")
	consume(channel, queue, "a")
	consume(channel, queue, "b")
	until(func() bool { return ready(channel, queue) == 6 }, "two out")
	must(channel.Qos(5, 0, true), "qos")
	until(func() bool { return ready(channel, queue) == 3 }, "five out")
}

func requeued(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 3))
	first, second := get(channel, queue), get(channel, queue)
	expect([]any{first.Redelivered, second.Redelivered, second.MessageCount}, []any{false, false, uint32(1)}, "first and second")
	must(first.Nack(false, true), "nack")
	must(second.Reject(false), "reject")
	again := get(channel, queue)
	expect([]any{string(again.Body), again.Redelivered, again.MessageCount}, []any{"0", true, uint32(1)}, "again")
	must(again.Reject(true), "reject")
	rest := some(consume(channel, queue, ""), 2)
	expect(bodies(rest), []string{"0", "2"}, "rest")
	expect([]bool{rest[0].Redelivered, rest[1].Redelivered}, []bool{true, false}, "redelivered")
}

func multiple(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 10))
	taken := some(consume(channel, queue, "mine"), 10)
	must(channel.Cancel("mine", false), "cancel")
	must(taken[3].Ack(true), "ack")
	must(taken[6].Nack(true, true), "nack")
	until(func() bool { return ready(channel, queue) == 3 }, "three back")
	must(channel.Ack(0, true), "ack of all")
	must(channel.Close(), "close")
	other := r.channel(nil)
	for _, body := range numbers(4, 7) {
		message := get(other, queue)
		expect([]any{string(message.Body), message.Redelivered}, []any{body, true}, "again")
	}
	_, there, err := other.Get(queue, true)
	must(err, "get")
	expect(there, false, "more")
}

func recoverAll(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 3))
	deliveries := consume(channel, queue, "")
	must(some(deliveries, 3)[1].Ack(false), "ack")
	must(channel.Recover(true), "recover")
	for i, delivery := range some(deliveries, 2) {
		expect([]any{string(delivery.Body), delivery.Redelivered, delivery.DeliveryTag}, []any{fmt.Sprint(2 * i), true, uint64(4 + i)}, "again")
	}
}

func closedChannelGivesBack(r *run) {
	connection := r.connection()
	channel := r.confirming(connection)
	queue := r.filled(channel, numbers(0, 5))
	taken := some(consume(channel, queue, ""), 5)
	must(taken[1].Ack(false), "ack")
	must(taken[3].Ack(false), "ack")
	must(channel.Close(), "close")
	again := some(consume(r.channel(connection), queue, ""), 3)
	expect(bodies(again), []string{"0", "2", "4"}, "again")
	for _, delivery := range again {
		expect(delivery.Redelivered, true, "redelivered")
	}
}

func cancel(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 1))
	deliveries, err := channel.Consume(queue, "mine", false, true, false, false, amqp.Table{"x-priority": int32(3)})
	must(err, "consume")
	held := some(deliveries, 1)[0]
	_, err = r.channel(nil).Consume(queue, "", false, false, false, false, nil)
	expectError(err, 403, "ACCESS_REFUSED - queue '"+queue+"' in vhost '/' in exclusive use")
	must(channel.Cancel("mine", false), "cancel")
	_, open := next(deliveries, "the end")
	expect(open, false, "open")
	must(held.Ack(false), "ack after the cancel")
	expect(ready(channel, queue), 0, "ready")
	must(channel.Cancel("nosuch", false), "cancel of what is not there")
}
