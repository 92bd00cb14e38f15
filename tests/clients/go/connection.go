// SPDX-License-Identifier: Apache-2.0

// Opening, idling, refusals (rabbitmq.md 1.4–1.18, 1.25).
package main

import (
	"bytes"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func heartbeats(r *run) {
	connection := r.dial(amqp.Config{Heartbeat: time.Second})
	closed := connection.NotifyClose(make(chan *amqp.Error, 1))
	channel := r.channel(connection)
	select {
	case err := <-closed:
		fail("closed: %v", err)
	case <-time.After(4500 * time.Millisecond):
	}
	exclusive(channel)
}

func serverProperties(r *run) {
	properties := r.connection().Properties
	expect(properties["product"], "RabbitMQ", "product")
	version, _ := properties["version"].(string)
	expect(strings.Count(version, "."), 2, "dots in version "+version)
	capabilities, _ := properties["capabilities"].(amqp.Table)
	for _, name := range []string{"publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked", "per_consumer_qos"} {
		expect(capabilities[name], true, name)
	}
}

// This client does not announce authentication_failure_close: the socket closes without
// a word (1.9), which it reports as ErrCredentials.
func refusedLogins(r *run) {
	address := "@127.0.0.1:" + r.port + "/"
	began := time.Now()
	_, err := amqp.Dial("amqp://guest:wrong" + address)
	expect(err, error(amqp.ErrCredentials), "wrong password")
	expect(time.Since(began) > 2*time.Second, true, "closed late")
	_, err = amqp.Dial("amqp://guest:guest" + address + "nosuch")
	expectError(err, 530, "NOT_ALLOWED - vhost nosuch not found")
}

func smallFrames(r *run) {
	channel := r.confirming(r.dial(amqp.Config{FrameSize: 4096, ChannelMax: 10}))
	queue := exclusive(channel)
	body := bytes.Repeat([]byte("abcdefghij"), 10000)
	put(channel, "", queue, amqp.Publishing{Body: body})
	expect(bytes.Equal(get(channel, queue).Body, body), true, "same body")
}

func updateSecret(r *run) {
	connection := r.connection()
	must(connection.UpdateSecret("guest", "renewed"), "update-secret")
	exclusive(r.channel(connection))
}

func flow(r *run) {
	channel := r.channel(nil)
	must(channel.Flow(true), "flow on")
	err := channel.Flow(false)
	expectError(err, 540, "NOT_IMPLEMENTED - active=false")
}
