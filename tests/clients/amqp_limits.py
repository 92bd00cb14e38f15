# SPDX-License-Identifier: Apache-2.0
"""Queues that are limited in length, and deliveries in number (rabbitmq.md 3.15, 3.23)."""

import pika

from amqp_dead import event, letters, timeless
from rig import consume, declare, expect, get, pump, ready, require, scenario, until

DURABLE = pika.BasicProperties(delivery_mode=2)


def publish(channel, queue, bodies, confirmed=False, properties=DURABLE):
    """Which of them were confirmed: one letter each, a or n."""
    out = ""
    for body in bodies:
        try:
            channel.basic_publish("", queue, body, properties)
            out += "a"
        except pika.exceptions.NackError:
            out += "n"
    return out if confirmed else None


def bodies(channel, queue):
    out = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if not method:
            return out
        out.append(body)


def limited(ctx, **arguments):
    channel = ctx.channel()
    channel.confirm_delivery()
    return channel, *letters(ctx, channel, **{name.replace("_", "-"): value for name, value in arguments.items()})


@scenario("amqp")
def drop_head(ctx):
    """The oldest go, dead-lettered as maxlen; every publish is confirmed"""
    for overflow in ({}, {"x_overflow": "drop-head"}):
        for properties in (DURABLE, None):
            channel, queue, dead = limited(ctx, x_max_length=2, **overflow)
            expect(publish(channel, queue, [b"%d" % i for i in range(5)], True, properties), "aaaaa")
            expect(ready(channel, queue), 2)
            got = [get(channel, dead, auto_ack=True) for _ in range(3)]
            expect([body for _, _, body in got], [b"0", b"1", b"2"])
            expect(timeless(dict(got[0][1].headers))["x-death"], [event(queue, "maxlen", "", [queue])])
            expect(bodies(channel, queue), [b"3", b"4"])


@scenario("amqp")
def without_confirms(ctx):
    """All in one go: only what is ready counts, whatever was taken meanwhile"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name(), arguments={"x-max-length": 1})
    channel.basic_qos(prefetch_count=2)
    tag, taken = consume(channel, queue)
    for i in range(5):
        channel.basic_publish("", queue, b"%d" % i)
    pump(connection, lambda: len(taken) == 2, "credit is used")
    expect(ready(channel, queue), 1)
    expect(taken.bodies(), [b"0", b"1"])
    channel.basic_ack(0, multiple=True)
    pump(connection, lambda: len(taken) == 3, "the last one")
    expect(taken.bodies()[2], b"4")
    channel.basic_cancel(tag)


@scenario("amqp")
def by_bytes(ctx):
    """Of bodies alone, those that are ready"""
    channel, queue, dead = limited(ctx, x_max_length_bytes=10)
    properties = pika.BasicProperties(delivery_mode=2, headers={"h": "x" * 100})
    expect(publish(channel, queue, [b"aaaa", b"bbbb", b"cc"], True, properties), "aaa")
    expect(ready(channel, queue), 3)
    publish(channel, queue, [b"d"])
    expect(ready(channel, queue), 3)
    publish(channel, queue, [b"e" * 11])
    expect(ready(channel, queue), 0, "none fits beside it, nor it alone")
    expect(ready(channel, dead), 5)
    publish(channel, queue, [b"f" * 10])
    expect(bodies(channel, queue), [b"f" * 10])


@scenario("amqp")
def nothing_fits(ctx):
    channel, queue, dead = limited(ctx, x_max_length=0)
    expect(publish(channel, queue, [b"1", b"2"], True), "aa")
    expect((ready(channel, queue), ready(channel, dead)), (0, 2))


@scenario("amqp")
def reject_publish(ctx):
    """New ones are nacked; not dead-lettered"""
    channel, queue, dead = limited(ctx, x_max_length=2, x_overflow="reject-publish")
    expect(publish(channel, queue, [b"%d" % i for i in range(4)], True), "aann")
    expect(ready(channel, dead), 0)
    expect(bodies(channel, queue), [b"0", b"1"])
    expect(publish(channel, queue, [b"4"], True), "a")
    channel, queue, dead = limited(ctx, x_max_length_bytes=5, x_overflow="reject-publish")
    expect(publish(channel, queue, [b"123", b"456", b"78"], True), "ana")


@scenario("amqp")
def reject_publish_dlx(ctx):
    """Nacked and dead-lettered"""
    channel, queue, dead = limited(ctx, x_max_length=1, x_overflow="reject-publish-dlx")
    expect(publish(channel, queue, [b"0", b"1", b"2"], True), "ann")
    got = [get(channel, dead, auto_ack=True) for _ in range(2)]
    expect([body for _, _, body in got], [b"1", b"2"])
    expect(timeless(dict(got[0][1].headers))["x-death"], [event(queue, "maxlen", "", [queue])])
    expect(bodies(channel, queue), [b"0"])


@scenario("amqp")
def one_of_two_refuses(ctx):
    """Nacked, though the other has it; unconfirmed it is silent"""
    channel, queue, _ = limited(ctx, x_max_length=0, x_overflow="reject-publish")
    other, exchange = declare(channel, ctx.name()), ctx.name("x")
    channel.exchange_declare(exchange, "fanout")
    for q in (queue, other):
        channel.queue_bind(q, exchange)
    try:
        channel.basic_publish(exchange, "", b"m", DURABLE, mandatory=True)
        raise AssertionError("acked")
    except pika.exceptions.NackError:
        pass
    expect((ready(channel, queue), ready(channel, other)), (0, 1))
    silent = ctx.channel()
    silent.basic_publish("", queue, b"m", DURABLE)
    expect(ready(silent, queue), 0)
    channel.exchange_delete(exchange)


@scenario("amqp")
def requeued(ctx):
    """What comes back counts again: the oldest is itself"""
    channel, queue, dead = limited(ctx, x_max_length=1)
    publish(channel, queue, [b"0"])
    method, _, _ = get(channel, queue)
    publish(channel, queue, [b"1"])
    expect(ready(channel, queue), 1)
    channel.basic_nack(method.delivery_tag)
    _, _, body = get(channel, dead, auto_ack=True)
    expect(body, b"0")
    expect(bodies(channel, queue), [b"1"])


@scenario("amqp")
def many(ctx):
    """A long queue that is cut stays in order"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel, **{"x-max-length": 100})
    for i in range(1500):
        channel.basic_publish("", queue, b"%d" % i, DURABLE if i % 3 else None)
    until(lambda: ready(channel, dead) == 1400, "cut")
    expect(bodies(channel, queue), [b"%d" % i for i in range(1400, 1500)])
    expect(bodies(channel, dead), [b"%d" % i for i in range(1400)])


# --- deliveries ---------------------------------------------------------------------


def quorum(ctx, **arguments):
    channel = ctx.channel()
    arguments["x-queue-type"] = "quorum"
    queue, dead = letters(ctx, channel, **arguments)
    ctx.at_end(lambda: ctx.channel().queue_delete(queue))
    return channel, queue, dead


def count(properties):
    return (properties.headers or {}).get("x-delivery-count")


@scenario("amqp")
def delivery_limit(ctx):
    """More returns than the limit: dead-lettered; basic.get is told the count always"""
    channel, queue, dead = quorum(ctx, **{"x-delivery-limit": 2})
    channel.basic_publish("", queue, b"m", pika.BasicProperties(delivery_mode=2, headers={"h": 1}))
    for n in (0, 1, 2):
        method, got, _ = get(channel, queue)
        expect(count(got), n, "x-delivery-count")
        expect(method.redelivered, n > 0)
        expect(got.headers["h"], 1)
        channel.basic_nack(method.delivery_tag, requeue=True)
    _, got, _ = get(channel, dead, auto_ack=True)
    expect(timeless(dict(got.headers))["x-death"], [event(queue, "delivery_limit", "", [queue])])
    expect(ready(channel, queue), 0)


@scenario("amqp")
def no_limit(ctx):
    channel, queue, _ = quorum(ctx)
    channel.basic_publish("", queue, b"m", DURABLE)
    for n in range(8):
        method, got, _ = get(channel, queue)
        expect(count(got), n)
        channel.basic_reject(method.delivery_tag, requeue=True)


@scenario("amqp")
def counted_for_consumers(ctx):
    """x-delivery-count is absent at first"""
    _, queue, _ = quorum(ctx)
    connection = ctx.connection()
    channel = connection.channel()
    channel.basic_publish("", queue, b"m", pika.BasicProperties(delivery_mode=2, headers={"x-delivery-count": 7, "h": "v"}))
    _, taken = consume(channel, queue)
    for n in (7, 1, 2):
        pump(connection, lambda: taken, "delivered")
        method, got, _ = taken.pop()
        expect(got.headers, {"x-delivery-count": n, "h": "v"})
        channel.basic_nack(method.delivery_tag)


@scenario("amqp")
def what_counts(ctx):
    """Closing a channel or a connection with a message out counts as well; cancelling does not return it"""
    _, queue, _ = quorum(ctx, **{"x-delivery-limit": 3})
    ctx.channel().basic_publish("", queue, b"m", DURABLE)
    connection = ctx.connection()
    channel = connection.channel()
    get(channel, queue)
    channel.close()
    channel = connection.channel()
    method, got, _ = get(channel, queue)
    expect(count(got), 1, "after channel.close")
    connection.close()
    channel = ctx.channel()
    method, got, _ = get(channel, queue)
    expect(count(got), 2, "after connection.close")
    channel.basic_recover(requeue=True)
    _, got, _ = get(channel, queue)
    expect(count(got), 3, "after recover")


@scenario("amqp")
def classic_has_none(ctx):
    """A classic queue counts nothing and refuses the argument"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.basic_publish("", queue, b"m")
    method, _, _ = get(channel, queue)
    channel.basic_nack(method.delivery_tag)
    _, got, _ = get(channel, queue, auto_ack=True)
    require(count(got) is None, "x-delivery-count")
    try:
        declare(channel, ctx.name(), arguments={"x-delivery-limit": 2})
        raise AssertionError("accepted")
    except pika.exceptions.ChannelClosedByBroker as e:
        expect(e.reply_code, 406)
