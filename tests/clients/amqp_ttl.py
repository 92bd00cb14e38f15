# SPDX-License-Identifier: Apache-2.0
"""Messages and queues that expire (rabbitmq.md 3.13, 3.14, 4.27)."""

import time

import pika

from amqp_dead import event, letters, timeless
from rig import consume, consumers, declare, expect, get, pump, ready, require, scenario, until


def expiring(ms, **given):
    return pika.BasicProperties(expiration=str(ms), **given)


def gone(ctx, queue):
    """Whether a queue is there, asked on a channel of its own; asking renews nothing we wait for here."""
    try:
        ctx.channel().queue_declare(queue, passive=True)
        return False
    except pika.exceptions.ChannelClosedByBroker as e:
        expect(e.reply_code, 404)
        return True


@scenario("amqp")
def queue_ttl(ctx):
    """Gone after it, not before; with a dead letter queue: there"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel, **{"x-message-ttl": 1000})
    plain = declare(channel, ctx.name(), arguments={"x-message-ttl": 1000})
    began = time.monotonic()
    for q in (queue, plain):
        channel.basic_publish("", q, b"m", pika.BasicProperties(delivery_mode=2))
    until(lambda: ready(channel, queue) == 1, "there at first")
    _, got, body = get(channel, dead, auto_ack=True)
    require(0.99 <= time.monotonic() - began < 3, "at its time")
    expect(body, b"m")
    expect(timeless(dict(got.headers))["x-death"], [event(queue, "expired", "", [queue])])
    until(lambda: ready(channel, plain) == 0, "expired")


@scenario("amqp")
def message_ttl(ctx):
    """expiration, the lower of both counts; original-expiration is told"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel, **{"x-message-ttl": 60000})
    channel.basic_publish("", queue, b"m", expiring(100))
    _, got, _ = get(channel, dead, auto_ack=True)
    expect(timeless(dict(got.headers))["x-death"], [event(queue, "expired", "", [queue], **{"original-expiration": "100"})])
    expect(got.expiration, None)
    queue, dead = letters(ctx, channel, **{"x-message-ttl": 100})
    channel.basic_publish("", queue, b"m", expiring(60000))
    get(channel, dead, auto_ack=True)


@scenario("amqp")
def at_the_head_only(ctx):
    """One that expires behind one that does not waits for its turn; it is never handed out"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel)
    channel.basic_publish("", queue, b"stays")
    channel.basic_publish("", queue, b"goes", expiring(1))
    time.sleep(0.1)
    expect(ready(channel, queue), 2)
    method, _, body = get(channel, queue)
    expect(body, b"stays")
    until(lambda: ready(channel, dead) == 1, "its turn has come")
    expect(ready(channel, queue), 0)
    channel.basic_nack(method.delivery_tag)
    until(lambda: ready(channel, queue) == 1, "back")


@scenario("amqp")
def never_while_out(ctx):
    """Out with a consumer it does not expire; back, it does: its deadline is the first one"""
    connection = ctx.connection()
    channel = connection.channel()
    queue, dead = letters(ctx, channel)
    channel.basic_publish("", queue, b"m", expiring(300))
    method, _, _ = get(channel, queue)
    time.sleep(0.4)
    expect(ready(channel, dead), 0)
    channel.basic_nack(method.delivery_tag, requeue=True)
    get(channel, dead, auto_ack=True)
    expect(ready(channel, queue), 0)


@scenario("amqp")
def zero(ctx):
    """4.27: handed over at once or gone"""
    connection = ctx.connection()
    channel = connection.channel()
    for arguments, properties in (({"x-message-ttl": 0}, None), ({}, expiring(0))):
        queue, dead = letters(ctx, channel, **arguments)
        channel.basic_publish("", queue, b"lost", properties)
        expect(ready(channel, queue), 0, "nobody was there")
        get(channel, dead, auto_ack=True)
        channel.basic_qos(prefetch_count=1)
        tag, taken = consume(channel, queue)
        channel.basic_publish("", queue, b"one", properties)
        pump(connection, lambda: taken, "handed over")
        channel.basic_publish("", queue, b"two", properties)
        until(lambda: ready(channel, dead) == 1, "no credit")
        expect(taken.bodies(), [b"one"])
        channel.basic_cancel(tag)


@scenario("amqp")
def cycle(ctx):
    """3.18: back into the same queue only when somebody rejected it on the way"""
    channel = ctx.channel()
    queue, other = ctx.name("retry"), ctx.name("work")
    declare(channel, queue, arguments={"x-message-ttl": 50, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue})
    channel.basic_publish("", queue, b"m")
    until(lambda: ready(channel, queue) == 0, "dropped")
    ladder = ctx.name("ladder")
    declare(channel, other, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": ladder})
    declare(channel, ladder, arguments={"x-message-ttl": 50, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": other})
    channel.basic_publish("", other, b"m")
    for n in range(1, 4):
        method, got, _ = get(channel, other)
        deaths = [event(ladder, "expired", "", [ladder], n - 1), event(other, "rejected", "", [other], n - 1)]
        expect(timeless({"x-death": (got.headers or {}).get("x-death", [])})["x-death"], deaths if n > 1 else [])
        channel.basic_reject(method.delivery_tag, requeue=False)


@scenario("amqp")
def many(ctx):
    """More than a lane keeps in memory at once, in their order"""
    channel = ctx.channel()
    n = 2000
    queue, dead = letters(ctx, channel, **{"x-message-ttl": 500})
    for i in range(n):
        channel.basic_publish("", queue, b"%d" % i, pika.BasicProperties(delivery_mode=2 if i % 2 else 1))
    until(lambda: ready(channel, dead) == n, "all of them")
    expect(ready(channel, queue), 0)
    bodies = [get(channel, dead, auto_ack=True)[2] for _ in range(n)]
    expect(bodies, [b"%d" % i for i in range(n)])


@scenario("amqp")
def in_a_transaction(ctx):
    """The time begins with the commit"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel, **{"x-message-ttl": 200})
    channel.tx_select()
    channel.basic_publish("", queue, b"m")
    time.sleep(0.3)
    channel.tx_commit()
    until(lambda: ready(channel, queue) == 1, "there at first")
    until(lambda: ready(channel, dead) == 1, "expired")


@scenario("amqp")
def unused_queue(ctx):
    """3.14: without consumers, gets and declares"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name(), arguments={"x-expires": 400})
    began = time.monotonic()
    channel.basic_publish("", queue, b"m")
    while time.monotonic() - began < 1.2:
        channel.basic_get(queue)
        time.sleep(0.05)
    time.sleep(0.25)
    declare(channel, queue, arguments={"x-expires": 400})
    time.sleep(0.25)
    channel.queue_declare(queue, passive=True)
    time.sleep(0.25)
    require(not gone(ctx, queue), "it was used")
    time.sleep(0.6)
    require(gone(ctx, queue), "it was not used")


@scenario("amqp")
def used_by_a_consumer(ctx):
    """Its time begins when the last consumer goes; nothing is dead-lettered"""
    connection = ctx.connection()
    channel = connection.channel()
    queue, dead = letters(ctx, channel, **{"x-expires": 300})
    tag, _ = consume(channel, queue)
    time.sleep(0.5)
    expect(consumers(channel, queue), 1)
    channel.basic_cancel(tag)
    channel.basic_publish("", queue, b"m")
    time.sleep(0.7)
    require(gone(ctx, queue), "nobody was left")
    expect(ready(channel, dead), 0)
    fresh = declare(channel, queue, arguments={"x-expires": 60000})
    expect(ready(channel, fresh), 0)
    channel.queue_delete(fresh)


@scenario("amqp")
def quorum_ttl(ctx):
    """3.10 has TTL on quorum queues too"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel, **{"x-queue-type": "quorum", "x-message-ttl": 300})
    channel.basic_publish("", queue, b"m", pika.BasicProperties(delivery_mode=2))
    _, got, _ = get(channel, dead, auto_ack=True)
    expect(timeless(dict(got.headers))["x-death"], [event(queue, "expired", "", [queue])])
    channel.queue_delete(queue)
