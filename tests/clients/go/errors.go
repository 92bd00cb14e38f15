// SPDX-License-Identifier: Apache-2.0

// Errors as *amqp.Error shows them: the channel ends, the connection lives.
package main

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

func channelErrors(r *run) {
	connection := r.connection()
	setup := r.confirming(connection)
	q, x := r.queue(setup), r.name("x")
	must(setup.ExchangeDeclare(x, "direct", true, false, false, false, nil), "exchange.declare")
	must(setup.QueueBind(q, "k", x, false, nil), "bind")
	put(setup, "", q, text("m"))
	locked := exclusive(r.channel(nil))
	declare := func(name string, durable bool, arguments amqp.Table) func(*amqp.Channel) error {
		return func(c *amqp.Channel) error {
			_, err := c.QueueDeclare(name, durable, false, false, false, arguments)
			return err
		}
	}
	noQueue := fmt.Sprintf("NOT_FOUND - no queue 'no%s' in vhost '/'", q)
	noExchange := fmt.Sprintf("NOT_FOUND - no exchange 'no%s' in vhost '/'", x)
	rows := []struct {
		code int
		text string
		do   func(*amqp.Channel) error
	}{
		{404, noQueue, func(c *amqp.Channel) error {
			_, err := c.QueueDeclarePassive("no"+q, true, false, false, false, nil)
			return err
		}},
		{404, noQueue, func(c *amqp.Channel) error { _, err := c.QueuePurge("no"+q, false); return err }},
		{404, noQueue, func(c *amqp.Channel) error { _, _, err := c.Get("no"+q, false); return err }},
		{404, noQueue, func(c *amqp.Channel) error {
			_, err := c.Consume("no"+q, "", false, false, false, false, nil)
			return err
		}},
		{404, noQueue, func(c *amqp.Channel) error { return c.QueueBind("no"+q, "", x, false, nil) }},
		{404, noExchange, func(c *amqp.Channel) error { return c.QueueBind(q, "", "no"+x, false, nil) }},
		{404, noExchange, func(c *amqp.Channel) error { return c.ExchangeBind("no"+x, "", x, false, nil) }},
		{406, fmt.Sprintf("PRECONDITION_FAILED - inequivalent arg 'durable' for queue '%s' in vhost '/': received 'false' but current is 'true'", q),
			declare(q, false, nil)},
		{406, fmt.Sprintf("PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '%s' in vhost '/': "+
			"received the value '5' of type 'long' but current is none", q), declare(q, true, amqp.Table{"x-max-length": int64(5)})},
		{406, fmt.Sprintf("PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'no%s' in vhost '/': {value_negative,-1}", q),
			declare("no"+q, true, amqp.Table{"x-message-ttl": int32(-1)})},
		{406, fmt.Sprintf("PRECONDITION_FAILED - inequivalent arg 'type' for exchange '%s' in vhost '/': received 'topic' but current is 'direct'", x),
			func(c *amqp.Channel) error { return c.ExchangeDeclare(x, "topic", true, false, false, false, nil) }},
		{403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", declare("amq.mine", true, nil)},
		{406, fmt.Sprintf("PRECONDITION_FAILED - queue '%s' in vhost '/' not empty", q),
			func(c *amqp.Channel) error { _, err := c.QueueDelete(q, false, true, false); return err }},
		{406, fmt.Sprintf("PRECONDITION_FAILED - exchange '%s' in vhost '/' in use", x),
			func(c *amqp.Channel) error { return c.ExchangeDelete(x, true, false) }},
		{405, fmt.Sprintf("RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '%s' in vhost '/'. It could be originally declared "+
			"on another connection or the exclusive property value does not match that of the original declaration.", locked),
			func(c *amqp.Channel) error { _, err := c.QueuePurge(locked, false); return err }},
	}
	for _, row := range rows {
		channel := r.channel(connection)
		closed := channel.NotifyClose(make(chan *amqp.Error, 1))
		err := row.do(channel)
		expectError(err, row.code, row.text)
		told, _ := next(closed, "the channel's close")
		expect([]any{told.Code, told.Reason, told.Server}, []any{row.code, row.text, true}, "close")
	}
	put(setup, "", q, text("the connection lives"))
}

// Publish and ack have no reply: only the channel's close tells.
func errorsWithoutARequest(r *run) {
	connection := r.connection()
	rows := []struct {
		code int
		text string
		do   func(*amqp.Channel) error
	}{
		{404, "NOT_FOUND - no exchange 'nosuch-x' in vhost '/'",
			func(c *amqp.Channel) error { return c.Publish("nosuch-x", "k", false, false, text("m")) }},
		{406, "PRECONDITION_FAILED - unknown delivery tag 99", func(c *amqp.Channel) error { return c.Ack(99, false) }},
		{406, "PRECONDITION_FAILED - unknown delivery tag 7", func(c *amqp.Channel) error { return c.Nack(7, true, true) }},
		{406, "PRECONDITION_FAILED - unknown delivery tag 7", func(c *amqp.Channel) error { return c.Reject(7, true) }},
		{406, "PRECONDITION_FAILED - invalid expiration 'soon': no_integer",
			func(c *amqp.Channel) error {
				return c.Publish("", "k", false, false, amqp.Publishing{Expiration: "soon"})
			}},
		{406, "PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest'",
			func(c *amqp.Channel) error { return c.Publish("", "k", false, false, amqp.Publishing{UserId: "bob"}) }},
		{403, "ACCESS_REFUSED - operation not permitted on the default exchange",
			func(c *amqp.Channel) error { return c.ExchangeDelete("", false, true) }},
	}
	for _, row := range rows {
		channel := r.channel(connection)
		closed := channel.NotifyClose(make(chan *amqp.Error, 1))
		must(row.do(channel), row.text)
		told, _ := next(closed, row.text)
		expect([]any{told.Code, told.Reason, told.Server}, []any{row.code, row.text, true}, "close")
	}
	exclusive(r.channel(connection))
}

func connectionErrors(r *run) {
	rows := []struct {
		code int
		text string
		do   func(*amqp.Channel)
	}{
		{540, "NOT_IMPLEMENTED - immediate=true", func(c *amqp.Channel) { _ = c.Publish("", "k", false, true, text("m")) }},
		{540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)", func(c *amqp.Channel) { _ = c.Qos(1, 10, false) }},
		{540, "NOT_IMPLEMENTED - requeue=false", func(c *amqp.Channel) { _ = c.Recover(false) }},
		{503, "COMMAND_INVALID - unknown exchange type 'bogus'",
			func(c *amqp.Channel) { _ = c.ExchangeDeclare("x", "bogus", true, false, false, false, nil) }},
	}
	for _, row := range rows {
		connection := r.connection()
		closed := connection.NotifyClose(make(chan *amqp.Error, 1))
		row.do(r.channel(connection))
		told, _ := next(closed, row.text)
		expect([]any{told.Code, told.Reason, told.Server}, []any{row.code, row.text, true}, "close")
	}
}
