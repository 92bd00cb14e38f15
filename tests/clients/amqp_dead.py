# SPDX-License-Identifier: Apache-2.0
"""Dead letters: where they go and what they say of themselves (rabbitmq.md 3.16–3.18, 4.22).

What 3.13 adds to 3.10's headers, x-last-death-*, is compared against mqbridge only."""

import time

import pika

from rig import Raises, declare, expect, get, ready, require, scenario, until


def letters(ctx, channel, key=None, exchange="", **arguments):
    """A queue that dead-letters into another by the default exchange: (queue, dead letter queue)."""
    dead = declare(channel, ctx.name("dead"))
    arguments["x-dead-letter-exchange"] = exchange
    arguments["x-dead-letter-routing-key"] = key or dead
    return declare(channel, ctx.name(), arguments=arguments), dead


def reject(channel, queue, **given):
    method, _, _ = get(channel, queue)
    channel.basic_reject(method.delivery_tag, requeue=False, **given)


def headers_of(ctx, properties):
    """Without what only 3.13 has, which mqbridge must have."""
    headers = dict(properties.headers)
    last = {name: headers.pop(name, None) for name in ("x-last-death-reason", "x-last-death-queue", "x-last-death-exchange")}
    newest = headers["x-death"][0]
    wanted = {"x-last-death-reason": newest["reason"], "x-last-death-queue": newest["queue"], "x-last-death-exchange": newest["exchange"]}
    expect(last, dict.fromkeys(wanted) if ctx.real else wanted, "x-last-death-*")
    return headers


def event(queue, reason, exchange, keys, count=1, **more):
    return {"count": count, "reason": reason, "queue": queue, "exchange": exchange, "routing-keys": keys, **more}


def timeless(headers):
    """Takes the times out of x-death; they are of now."""
    for death in headers["x-death"]:
        age = time.time() - death.pop("time").timestamp() + time.timezone
        require(-120 < age < 86400, f"time of death: {age} s ago")
    return headers


def first(queue, reason, exchange):
    return {"x-first-death-queue": queue, "x-first-death-reason": reason, "x-first-death-exchange": exchange}


@scenario("amqp")
def rejected(ctx):
    """x-death in full; properties and body stay, expiration goes"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel)
    properties = pika.BasicProperties(
        content_type="text/x", headers={"z": 1, "a": [True, None]}, delivery_mode=2, priority=3, correlation_id="c",
        reply_to="r", expiration="0600000", message_id="m", timestamp=5, type="t", user_id="guest", app_id="p")
    channel.basic_publish("", queue, b"body", properties)
    reject(channel, queue)
    method, got, body = get(channel, dead, auto_ack=True)
    expect((method.exchange, method.routing_key, method.redelivered, body), ("", dead, False, b"body"))
    death = event(queue, "rejected", "", [queue], **{"original-expiration": "0600000"})
    expect(timeless(headers_of(ctx, got)), {"z": 1, "a": [True, None], "x-death": [death], **first(queue, "rejected", "")})
    for name in ("content_type", "delivery_mode", "priority", "correlation_id", "reply_to", "message_id", "timestamp", "type", "user_id", "app_id"):
        expect(getattr(got, name), getattr(properties, name), name)
    expect(got.expiration, None, "expiration")
    expect(ready(channel, queue), 0)


@scenario("amqp")
def without_headers(ctx):
    """A message without any properties; nack instead of reject; several at once"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel)
    for i in range(3):
        channel.basic_publish("", queue, b"%d" % i)
    for _ in range(3):
        method, _, _ = get(channel, queue)
    channel.basic_nack(method.delivery_tag, multiple=True, requeue=False)
    for i in range(3):
        _, got, body = get(channel, dead, auto_ack=True)
        expect(body, b"%d" % i)
        expect(timeless(headers_of(ctx, got)), {"x-death": [event(queue, "rejected", "", [queue])], **first(queue, "rejected", "")})


@scenario("amqp")
def through_an_exchange(ctx):
    """Its own routing key, a fanout to two queues; x-death names exchange and key of before"""
    channel = ctx.channel()
    exchange, source = ctx.name("dlx"), ctx.name("x")
    channel.exchange_declare(exchange, "topic")
    channel.exchange_declare(source, "direct")
    queue = declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": exchange})
    channel.queue_bind(queue, source, "some.key")
    copies = [declare(channel, ctx.name("copy")) for _ in range(2)]
    channel.queue_bind(copies[0], exchange, "some.*")
    channel.queue_bind(copies[1], exchange, "#")
    channel.basic_publish(source, "some.key", b"m")
    reject(channel, queue)
    for copy in copies:
        method, got, _ = get(channel, copy, auto_ack=True)
        expect((method.exchange, method.routing_key), (exchange, "some.key"))
        expect(timeless(headers_of(ctx, got))["x-death"], [event(queue, "rejected", source, ["some.key"])])
    channel.exchange_delete(exchange)
    channel.exchange_delete(source)


@scenario("amqp")
def headers_exchange_sees_the_death(ctx):
    channel = ctx.channel()
    exchange = ctx.name("dlx")
    channel.exchange_declare(exchange, "headers")
    queue = declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": exchange})
    dead = declare(channel, ctx.name("dead"))
    channel.queue_bind(dead, exchange, "", arguments={"x-match": "all-with-x", "x-first-death-queue": queue})
    channel.basic_publish("", queue, b"m")
    reject(channel, queue)
    get(channel, dead, auto_ack=True)
    channel.exchange_delete(exchange)


@scenario("amqp")
def nowhere_to_go(ctx):
    """A missing exchange, and one without a binding: dropped"""
    channel = ctx.channel()
    exchange = ctx.name("dlx")
    channel.exchange_declare(exchange, "fanout")
    for name in (ctx.name("missing"), exchange):
        queue = declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": name})
        channel.basic_publish("", queue, b"m")
        reject(channel, queue)
        expect(channel.basic_get(queue)[0], None)
    channel.exchange_delete(exchange)


@scenario("amqp")
def counted(ctx):
    """The same queue and reason again: its count, moved to the front; the first death stays"""
    channel = ctx.channel()
    one, two = ctx.name("one"), ctx.name("two")
    declare(channel, one, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": two})
    declare(channel, two, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": one})
    channel.basic_publish("", one, b"m", pika.BasicProperties(headers={"h": "v"}))
    for queue in (one, two, one):
        reject(channel, queue)
    _, got, _ = get(channel, two, auto_ack=True)
    deaths = [event(one, "rejected", "", [one], 2), event(two, "rejected", "", [two])]
    expect(timeless(headers_of(ctx, got)), {"h": "v", "x-death": deaths, **first(one, "rejected", "")})


@scenario("amqp")
def what_clients_make_of_it(ctx):
    """x-death of a message that a client published again: counted on; of another type: anew"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel)
    other = {"queue": "other", "reason": "rejected", "exchange": "e", "routing-keys": ["k"]}
    rows = (
        ([dict(other, count=7)], [event(queue, "rejected", "", [queue]), dict(other, count=7)]),
        ([{"queue": queue, "reason": "rejected", "count": 4}], [{"queue": queue, "reason": "rejected", "count": 5}]),
        ([dict(other, count=1), {"queue": queue, "reason": "rejected", "count": 4}],
         [{"queue": queue, "reason": "rejected", "count": 5}, dict(other, count=1)]),
        ("text", [event(queue, "rejected", "", [queue])]),
    )
    for sent, wanted in rows:
        channel.basic_publish("", queue, b"m", pika.BasicProperties(headers={"x-death": sent}))
        reject(channel, queue)
        _, got, _ = get(channel, dead, auto_ack=True)
        headers = dict(got.headers)
        for death in headers["x-death"]:
            death.pop("time", None)
        expect(headers["x-death"], wanted, repr(sent))
        require("x-first-death-queue" not in headers, "an x-death was there")


@scenario("amqp")
def in_a_transaction(ctx):
    """4.10: with the commit; not after a rollback"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel)
    channel.basic_publish("", queue, b"m")
    other = ctx.channel()
    other.tx_select()
    method, _, _ = get(other, queue)
    other.basic_reject(method.delivery_tag, requeue=False)
    expect(ready(channel, dead), 0, "before the commit")
    other.tx_rollback()
    other.basic_reject(method.delivery_tag, requeue=False)
    other.tx_commit()
    until(lambda: ready(channel, dead) == 1, "after the commit")
    expect(ready(channel, queue), 0)


@scenario("amqp")
def mandatory_and_confirmed(ctx):
    """A confirm is the first queue's; nothing comes back when its letter goes nowhere"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": ctx.name("missing")})
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"m", pika.BasicProperties(delivery_mode=2), mandatory=True)
    reject(channel, queue)
    expect(ready(channel, queue), 0)


@scenario("amqp")
def rights_to_declare(ctx):
    """3.16: read on the queue, write on the exchange, when the queue is new"""
    def declared(queue, exchange):
        channel = ctx.connection(credentials=pika.PlainCredentials("limited", "limited")).channel()
        declare(channel, queue, arguments={"x-dead-letter-exchange": exchange})

    mine = ctx.name("limited")
    declared(mine, "limited-dlx")
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        declared(ctx.name("limited"), "forbidden")
    expect(r.error.reply_code, 403)
    require("access to exchange 'forbidden' in vhost '/' refused for user 'limited'" in r.error.reply_text, r.error.reply_text)
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        declared(ctx.name("limited"), "")
    require("access to exchange 'amq.default' in vhost '/' refused for user 'limited'" in r.error.reply_text, r.error.reply_text)
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        declared(mine, "forbidden")
    expect(r.error.reply_code, 406, "one that is there is compared")


@scenario("amqp")
def quorum(ctx):
    """A quorum queue's rejects go the same way"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel, **{"x-queue-type": "quorum"})
    channel.basic_publish("", queue, b"m", pika.BasicProperties(delivery_mode=2))
    reject(channel, queue)
    _, got, _ = get(channel, dead, auto_ack=True)
    expect(timeless(headers_of(ctx, got))["x-death"], [event(queue, "rejected", "", [queue])])
    channel.queue_delete(queue)


@scenario("amqp")
def exchange_of_a_purged_queue(ctx):
    """Purge and deletion dead-letter nothing"""
    channel = ctx.channel()
    queue, dead = letters(ctx, channel)
    for _ in range(2):
        channel.basic_publish("", queue, b"m")
        until(lambda: ready(channel, queue) == 1, "published")
        if _ == 0:
            channel.queue_purge(queue)
        else:
            channel.queue_delete(queue)
    channel.basic_publish("", dead, b"last")
    _, _, body = get(channel, dead, auto_ack=True)
    expect(body, b"last")
