# SPDX-License-Identifier: Apache-2.0
"""Publishing, confirms and returns (rabbitmq.md section 4)."""

import pika
import pika.exceptions
from pika import spec

from rig import Raises, declare, expect, get, ready, require, scenario, until


@scenario("amqp")
def confirmed_is_there(ctx):
    """4.1, 4.8: after the confirm of a persistent message it is ready"""
    channel = ctx.channel()
    queue, exchange = declare(channel, ctx.name()), ctx.name("x")
    channel.exchange_declare(exchange, exchange_type="topic", durable=True)
    channel.queue_bind(queue, exchange, "a.*")
    channel.confirm_delivery()
    for i in range(20):
        channel.basic_publish(exchange, f"a.{i}", b"%d" % i, pika.BasicProperties(delivery_mode=2), mandatory=True)
        expect(ready(channel, queue), i + 1)
    expect([get(channel, queue, auto_ack=True)[2] for _ in range(20)], [b"%d" % i for i in range(20)])


def acknowledged(w, channel, n):
    """Tags that the broker acknowledges until n are; each exactly once."""
    tags = []
    low = 0
    while len(tags) < n:
        ack = w.expect(channel, spec.Basic.Ack)
        if ack.multiple:
            new = [t for t in range(low + 1, ack.delivery_tag + 1) if t not in tags]
            low = ack.delivery_tag
        else:
            new = [ack.delivery_tag]
        require(not set(new) & set(tags), f"tag acknowledged twice: {new}")
        tags += new
    return tags


@scenario("amqp")
def confirms_are_numbered(ctx):
    """4.8: from 1 in each channel, counting what comes after confirm.select; merged or not"""
    w = ctx.wire()
    w.channel(2)
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    w.publish(1, "", queue, b"before")
    w.confirm(1)
    w.confirm(2)
    properties = spec.BasicProperties(delivery_mode=2)
    for i in range(2000):
        w.publish(1, "", queue, b"one %d" % i, properties)
        if i % 4 == 0:
            w.publish(2, "", queue, b"two %d" % i, properties if i % 8 else None)
    expect(sorted(acknowledged(w, 1, 2000)), list(range(1, 2001)))
    expect(sorted(acknowledged(w, 2, 500)), list(range(1, 501)))
    expect(w.call(1, spec.Queue.Purge(queue=queue), spec.Queue.PurgeOk).message_count, 2501)
    w.finish()


@scenario("amqp")
def confirm_select_twice(ctx):
    """4.8: the numbers go on"""
    w = ctx.wire()
    w.confirm(1)
    w.publish(1, "amq.fanout", "", b"1")
    expect(acknowledged(w, 1, 1), [1])
    w.confirm(1)
    w.publish(1, "amq.fanout", "", b"2")
    expect(acknowledged(w, 1, 1), [2])


@scenario("amqp")
def unroutable_is_confirmed(ctx):
    """4.8: without mandatory silently"""
    channel = ctx.channel()
    channel.confirm_delivery()
    channel.basic_publish("", ctx.name(), b"nowhere")
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, exchange_type="direct")
    channel.basic_publish(exchange, "k", b"nowhere")


@scenario("amqp")
def mandatory_returns_before_the_ack(ctx):
    """4.2"""
    w = ctx.wire()
    w.confirm(1)
    properties = spec.BasicProperties(content_type="text/plain", headers={"n": 1}, delivery_mode=2)
    for i in range(3):
        w.publish(1, "amq.direct", "no-such-key", b"back %d" % i, properties, mandatory=True)
        returned = w.expect(1, spec.Basic.Return)
        method = returned.method
        expect((method.reply_code, method.reply_text), (312, "NO_ROUTE"))
        expect((method.exchange, method.routing_key), ("amq.direct", "no-such-key"))
        expect((returned.body, returned.properties), (b"back %d" % i, properties))
        expect(w.expect(1, spec.Basic.Ack).delivery_tag, i + 1)
    # To a queue that is not there.
    w.publish(1, "", ctx.name(), b"", properties, mandatory=True)
    expect(w.expect(1, spec.Basic.Return).body, b"")
    w.expect(1, spec.Basic.Ack)


@scenario("amqp")
def mandatory_in_pika(ctx):
    """4.2: UnroutableError with the message in it; a routable one is not returned"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"routable", mandatory=True)
    with Raises(pika.exceptions.UnroutableError) as r:
        channel.basic_publish("amq.topic", "no.such", b"lost", mandatory=True)
    expect([m.body for m in r.error.messages], [b"lost"])
    # Without confirms the return comes by itself.
    plain, returned = channel.connection.channel(), []
    plain.add_on_return_callback(lambda *given: returned.append(given))
    plain.basic_publish("amq.topic", "no.such", b"lost", mandatory=True)
    until(lambda: plain.connection.process_data_events(0.05) or returned, "basic.return")
    expect((returned[0][1].reply_code, returned[0][3]), (312, b"lost"))


@scenario("amqp")
def publish_to_no_exchange(ctx):
    """2.22: asynchronous, the channel goes, the connection stays"""
    w = ctx.wire()
    w.confirm(1)
    exchange = ctx.name("x")
    w.publish(1, exchange, "k", b"m")
    close = w.expect(1, spec.Channel.Close)
    expect((close.reply_code, close.reply_text), (404, f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"))
    expect((close.class_id, close.method_id), (60, 40))
    w.send(1, spec.Channel.CloseOk())
    w.channel(1)
    w.finish()


@scenario("amqp")
def publish_properties_that_are_refused(ctx):
    """4.4, 4.5"""
    connection = ctx.connection()
    queue = declare(connection.channel(), ctx.name())
    rows = (
        ({"expiration": "abc"}, "invalid expiration 'abc': no_integer"),
        ({"expiration": "-1"}, "invalid expiration '-1': {value_negative,-1}"),
        ({"user_id": "bob"}, "user_id property set to 'bob' but authenticated user was 'guest'"),
    )
    for given, text in rows:
        channel = connection.channel()
        channel.confirm_delivery()
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            channel.basic_publish("", queue, b"m", pika.BasicProperties(**given))
        expect((r.error.reply_code, r.error.reply_text), (406, f"PRECONDITION_FAILED - {text}"))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"m", pika.BasicProperties(user_id="guest", expiration="60000"))
    _, properties, _ = get(channel, queue, auto_ack=True)
    expect((properties.user_id, properties.expiration), ("guest", "60000"))


@scenario("amqp")
def publish_in_a_publisher_channel_closed_meanwhile(ctx):
    """1.26: pika sees the close at its next call and can open another channel"""
    connection = ctx.connection()
    channel = connection.channel()
    channel.basic_publish(ctx.name("x"), "k", b"m")
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        channel.queue_declare(ctx.name(), exclusive=True)
    expect(r.error.reply_code, 404)
    declare(connection.channel(), ctx.name())


@scenario("amqp")
def order_of_one_publisher(ctx):
    """4.25: one channel, one queue, many frames at once"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    w.call(1, spec.Basic.Consume(queue=queue, no_ack=True), spec.Basic.ConsumeOk)
    for i in range(3000):
        w.publish(1, "", queue, b"%d" % i, spec.BasicProperties(delivery_mode=1 + i % 2))
    expect([int(w.expect(1, spec.Basic.Deliver).body) for _ in range(3000)], list(range(3000)))
    w.finish()


@scenario("amqp")
def fanout_confirms_when_all_have_it(ctx):
    """4.8: one publish, many queues, some of them transient"""
    channel = ctx.channel()
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, exchange_type="fanout", durable=True)
    queues = [declare(channel, ctx.name(), durable=bool(i % 2)) for i in range(10)]
    for queue in queues:
        channel.queue_bind(queue, exchange)
    channel.confirm_delivery()
    for mode in (1, 2):
        channel.basic_publish(exchange, "", b"m", pika.BasicProperties(delivery_mode=mode))
        expect([ready(channel, queue) for queue in queues], [mode] * 10)


@scenario("amqp")
def immediate_is_not_implemented(ctx):
    """4.3"""
    w = ctx.wire()
    w.publish(1, "", ctx.name(), b"m", immediate=True)
    close = w.expect(0, spec.Connection.Close)
    expect((close.reply_code, close.reply_text), (540, "NOT_IMPLEMENTED - immediate=true"))
    expect((close.class_id, close.method_id), (60, 40))
