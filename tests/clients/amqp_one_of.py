# SPDX-License-Identifier: Apache-2.0
"""Exchange types that choose one destination: x-consistent-hash, x-random (rabbitmq.md
2.19, 2.21). The hash function is nobody's business, the shares are."""

import pika

from rig import Raises, declare, expect, require, scenario

HASH = "x-consistent-hash"


def queues_of(ctx, channel, exchange, keys):
    """One queue for each list of binding keys."""
    out = []
    for own in keys:
        out.append(declare(channel, ctx.name()))
        for key in own:
            channel.queue_bind(out[-1], exchange, key)
    return out


def counts(channel, queues):
    return [channel.queue_purge(queue).method.message_count for queue in queues]


def shares(channel, exchange, queues, n=2000):
    for i in range(n):
        channel.basic_publish(exchange, f"key{i}", b"m")
    got = counts(channel, queues)
    expect(sum(got), n, "each message in one queue")
    return [count / n for count in got]


def near(got, wanted):
    require(all(abs(g - w) < 0.06 for g, w in zip(got, wanted)), f"shares {got}, expected about {wanted}")


@scenario("amqp")
def hash_weights(ctx):
    """By the first binding key of each queue; by the first routing key alone"""
    channel = ctx.channel()
    for keys, wanted in (
        ([["1"], ["1"], ["2"]], (0.25, 0.25, 0.5)), ([["1", "3"], ["1"]], (0.5, 0.5)), ([["3", "1"], ["+01"]], (0.75, 0.25)),
    ):
        exchange = ctx.name("x")
        channel.exchange_declare(exchange, HASH)
        queues = queues_of(ctx, channel, exchange, keys)
        near(shares(channel, exchange, queues), wanted)
        for i in range(20):
            channel.basic_publish(exchange, "same", b"m", pika.BasicProperties(headers={"CC": [f"k{i}"]}))
        expect(sorted(counts(channel, queues))[-1], 20)


@scenario("amqp")
def hash_of_header_or_property(ctx):
    """hash-header, hash-property: equal values together, missing ones together, others apart"""
    channel = ctx.channel()
    for arguments, make in (
        ({"hash-header": "h"}, lambda i: pika.BasicProperties(headers={"h": f"v{i}"})),
        ({"hash-property": "message_id"}, lambda i: pika.BasicProperties(message_id=f"v{i}")),
        ({"hash-property": "correlation_id"}, lambda i: pika.BasicProperties(correlation_id=f"v{i}")),
        ({"hash-property": "timestamp"}, lambda i: pika.BasicProperties(timestamp=1000 + i)),
    ):
        exchange = ctx.name("x")
        channel.exchange_declare(exchange, HASH, arguments=arguments)
        channel.exchange_declare(exchange, HASH)  # not compared
        queues = queues_of(ctx, channel, exchange, [["1"]] * 3)
        for properties in (make(1), pika.BasicProperties()):
            for i in range(10):
                channel.basic_publish(exchange, f"k{i}", b"m", properties)
            expect(sorted(counts(channel, queues)), [0, 0, 10], repr(arguments))
        for i in range(60):
            channel.basic_publish(exchange, "k", b"m", make(i))
        require(min(counts(channel, queues)) > 3, f"values apart by {arguments}")


@scenario("amqp")
def hash_refusals(ctx):
    """Arguments and binding keys"""
    def declared(arguments):
        ctx.channel().exchange_declare(ctx.name("x"), HASH, arguments=arguments)

    def bound(key):
        channel = ctx.channel()
        exchange = ctx.name("x")
        channel.exchange_declare(exchange, HASH)
        channel.queue_bind(declare(channel, ctx.name()), exchange, key)

    for act, given, text in (
        (declared, {"hash-header": "h", "hash-property": "message_id"}, "hash-header and hash-property are mutually exclusive"),
        (declared, {"hash-property": "app_id"}, "Unsupported property: app_id"),
        (bound, "abc", 'The binding key must be an integer: <<"abc">>'), (bound, "", "The binding key must be an integer: <<>>"),
        (bound, "1.5", 'The binding key must be an integer: <<"1.5">>'), (bound, "0", "The binding key must be greater than 0"),
        (bound, "-1", "The binding key must be greater than 0"),
    ):
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            act(given)
        expect((r.error.reply_code, r.error.reply_text), (406, "PRECONDITION_FAILED - " + text))


@scenario("amqp")
def random_one(ctx):
    """One binding of all, whatever the keys; mandatory without any"""
    channel = ctx.channel()
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, "x-random")
    channel.confirm_delivery()
    with Raises(pika.exceptions.UnroutableError):
        channel.basic_publish(exchange, "k", b"m", mandatory=True)
    channel = ctx.channel()
    queues = queues_of(ctx, channel, exchange, [["a", "b", "c"], ["a"], ["d"]])
    near(shares(channel, exchange, queues), (0.6, 0.2, 0.2))
    for i in range(30):
        channel.basic_publish(exchange, "a", b"m", pika.BasicProperties(headers={"CC": ["b", "d"]}))
    expect(sum(counts(channel, queues)), 30)
