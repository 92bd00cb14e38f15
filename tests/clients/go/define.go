// SPDX-License-Identifier: Apache-2.0

// Exchanges, queues, bindings (rabbitmq.md 2, 3).
package main

import (
	amqp "github.com/rabbitmq/amqp091-go"
)

func drained(channel *amqp.Channel, queue string) []string {
	out := []string{}
	for {
		message, there, err := channel.Get(queue, true)
		must(err, "get")
		if !there {
			return out
		}
		out = append(out, string(message.Body))
	}
}

func routing(r *run) {
	channel := r.confirming(nil)
	keys := []string{"a.b", "c", "a.b.c", "z", "x.y.z", "m", "m.n.o", ""}
	rows := []struct {
		kind          string
		patterns, out []string
	}{
		{"direct", []string{"a.b", "c"}, []string{"a.b", "c"}},
		{"topic", []string{"a.*", "#.z", "m.#"}, []string{"a.b", "z", "x.y.z", "m", "m.n.o"}},
		{"fanout", []string{"", "ignored"}, keys},
	}
	for _, row := range rows {
		exchange := r.name(row.kind)
		must(channel.ExchangeDeclare(exchange, row.kind, false, true, false, false, nil), "exchange.declare")
		queue := exclusive(channel)
		for _, pattern := range row.patterns {
			must(channel.QueueBind(queue, pattern, exchange, false, nil), "bind")
		}
		for _, key := range keys {
			put(channel, exchange, key, text(key))
		}
		expect(drained(channel, queue), row.out, row.kind)
		for _, pattern := range row.patterns {
			must(channel.QueueUnbind(queue, pattern, exchange, nil), "unbind")
		}
		err := r.channel(nil).ExchangeDeclarePassive(exchange, row.kind, false, true, false, false, nil)
		expectError(err, 404, "NOT_FOUND - no exchange '"+exchange+"' in vhost '/'")
	}
}

func exchangeToExchange(r *run) {
	channel := r.confirming(nil)
	source, middle, queue := r.name("in"), r.name("out"), exclusive(channel)
	must(channel.ExchangeDeclare(source, "topic", false, false, false, false, nil), "exchange.declare")
	must(channel.ExchangeDeclare(middle, "fanout", false, false, true, false, nil), "exchange.declare")
	must(channel.ExchangeBind(middle, "order.#", source, false, nil), "exchange.bind")
	must(channel.QueueBind(queue, "", middle, false, nil), "bind")
	must(channel.QueueBind(queue, "order.new", source, false, nil), "bind")
	all := func() {
		for _, key := range []string{"order.new", "order.old", "other"} {
			put(channel, source, key, text(key))
		}
	}
	all()
	expect(drained(channel, queue), []string{"order.new", "order.old"}, "bound")
	must(channel.ExchangeUnbind(middle, "order.#", source, false, nil), "exchange.unbind")
	all()
	expect(drained(channel, queue), []string{"order.new"}, "unbound")
	must(channel.ExchangeDelete(middle, false, false), "delete")
	must(channel.ExchangeDelete(source, false, false), "delete")
}

func queueCounts(r *run) {
	channel := r.confirming(nil)
	queue := r.filled(channel, numbers(0, 5))
	consumer := r.channel(nil)
	must(consumer.Qos(2, 0, false), "qos")
	some(consume(consumer, queue, ""), 2)
	counts, err := channel.QueueDeclare(queue, true, false, false, false, nil)
	must(err, "declare again")
	expect(counts, amqp.Queue{Name: queue, Messages: 3, Consumers: 1}, "counts")
	purged, err := channel.QueuePurge(queue, false)
	must(err, "purge")
	expect(purged, 3, "purged")
	deleted, err := channel.QueueDelete(queue, false, false, false)
	must(err, "delete")
	expect(deleted, 0, "deleted with")
	deleted, err = channel.QueueDelete(queue, false, false, false)
	must(err, "delete of what is not there")
	expect(deleted, 0, "deleted with")
}
