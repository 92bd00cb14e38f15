# SPDX-License-Identifier: Apache-2.0
"""pika's SelectConnection: an application of callbacks, as in pika's own examples."""

import pika

from rig import DEADLINE, expect, require, scenario


class Application:
    """Declares, binds, consumes, publishes n with confirms; done when all of both came."""

    def __init__(self, ctx, n):
        self.n = n
        self.exchange, self.queue = ctx.name("x"), ctx.name()
        self.confirmed = set()
        self.bodies = []
        self.error = None
        self.channel = None
        self.connection = pika.SelectConnection(
            ctx.parameters(), on_open_callback=self.on_open, on_open_error_callback=self.on_error,
            on_close_callback=self.on_closed,
        )

    def run(self):
        self.connection.ioloop.call_later(DEADLINE, lambda: self.on_error(None, "not done in time"))
        self.connection.ioloop.start()
        if self.error:
            raise AssertionError(self.error)

    def on_error(self, _, reason):
        self.error = f"{reason}; {len(self.confirmed)} confirmed, {len(self.bodies)} delivered"
        self.connection.ioloop.stop()

    def on_closed(self, _, reason):
        if not isinstance(reason, pika.exceptions.ConnectionClosedByClient):
            self.error = repr(reason)
        self.connection.ioloop.stop()

    def on_open(self, connection):
        connection.channel(on_open_callback=self.on_channel)

    def on_channel(self, channel):
        self.channel = channel
        channel.add_on_close_callback(self.on_channel_closed)
        channel.exchange_declare(
            self.exchange, exchange_type="topic", durable=True, callback=lambda _: channel.queue_declare(
                self.queue, durable=True, callback=lambda _: channel.queue_bind(
                    self.queue, self.exchange, "async.#", callback=self.on_bound
                ),
            ),
        )

    def on_channel_closed(self, _, reason):
        if not isinstance(reason, pika.exceptions.ChannelClosedByClient):
            self.on_error(None, repr(reason))

    def on_bound(self, _):
        self.channel.confirm_delivery(self.on_confirm, callback=self.on_confirming)

    def on_confirming(self, _):
        self.channel.basic_qos(prefetch_count=50, callback=lambda _: self.channel.basic_consume(self.queue, self.on_message))
        for i in range(self.n):
            self.channel.basic_publish(
                self.exchange, f"async.{i}", b"%d" % i, pika.BasicProperties(delivery_mode=2), mandatory=True
            )

    def on_confirm(self, frame):
        method = frame.method
        require(isinstance(method, pika.spec.Basic.Ack), f"not acknowledged: {method}")
        low = method.delivery_tag if not method.multiple else 1
        self.confirmed.update(range(low, method.delivery_tag + 1))
        self.finish()

    def on_message(self, channel, method, _, body):
        self.bodies.append(int(body))
        channel.basic_ack(method.delivery_tag)
        self.finish()

    def finish(self):
        if len(self.confirmed) == self.n and len(self.bodies) == self.n and self.connection.is_open:
            self.connection.close()


@scenario("amqp")
def publish_and_consume(ctx):
    """All confirmed, all delivered once and in order, acknowledged within a prefetch of 50"""
    application = Application(ctx, 1000)
    application.run()
    expect(application.confirmed, set(range(1, 1001)))
    expect(application.bodies, list(range(1000)))
    expect(ctx.channel().queue_declare(application.queue, passive=True).method.message_count, 0)


@scenario("amqp")
def open_error(ctx):
    """on_open_error_callback with the broker's reason"""
    seen = []
    connection = pika.SelectConnection(
        ctx.parameters(virtual_host="nosuch"), on_open_error_callback=lambda c, error: (seen.append(error), c.ioloop.stop())
    )
    connection.ioloop.call_later(DEADLINE, connection.ioloop.stop)
    connection.ioloop.start()
    require(seen and "530" in str(seen[0]), f"open error: {seen!r}")
