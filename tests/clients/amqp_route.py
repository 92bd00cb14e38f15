# SPDX-License-Identifier: Apache-2.0
"""Which queues a message reaches (rabbitmq.md 2.2, 2.10–2.15)."""

import pika

from rig import declare, expect, get, ready, scenario


def routed(ctx, kind, bindings, cases):
    """bindings: one queue each, as a list of keys; cases: key → numbers of queues reached."""
    channel = ctx.channel()
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, exchange_type=kind)
    queues = []
    for keys in bindings:
        queues.append(declare(channel, ctx.name()))
        for key in keys:
            channel.queue_bind(queues[-1], exchange, key)
    channel.confirm_delivery()
    for key, wanted in cases:
        channel.basic_publish(exchange, key, key.encode())
        reached = tuple(i for i, queue in enumerate(queues) if channel.queue_purge(queue).method.message_count == 1)
        expect(reached, wanted, f"queues of key {key!r}")


@scenario("amqp")
def direct(ctx):
    """2.12: the exact key"""
    routed(
        ctx, "direct", [["a"], ["b"], ["a", "b"], ["a.b"], [""], ["*"], ["#"], ["A"]],
        [
            ("a", (0, 2)), ("b", (1, 2)), ("a.b", (3,)), ("", (4,)), ("*", (5,)), ("#", (6,)), ("A", (7,)),
            ("c", ()), ("a ", ()), ("a.", ()),
        ],
    )


@scenario("amqp")
def fanout(ctx):
    """2.13: the key does not matter"""
    routed(ctx, "fanout", [["a"], [""], ["x.y", "z"]], [("a", (0, 1, 2)), ("", (0, 1, 2)), ("other", (0, 1, 2))])


@scenario("amqp")
def topic(ctx):
    """2.14: words, `*` one of them, `#` any number"""
    bindings = [
        ["#"], ["*"], ["a"], ["a.*"], ["a.#"], ["#.b"], ["*.b"], ["a.*.c"], ["a.#.c"], ["#.b.#"], ["*.*"],
        ["a.b", "a.*", "#.b"], [""], ["#.#"], ["*.#"], ["a.*.#"], ["#.*.c"], ["a..b"], ["a*"],
    ]
    routed(
        ctx, "topic", bindings,
        [
            # RabbitMQ takes the empty key for no word at all, not for an empty one.
            ("", (0, 12, 13)),
            ("a", (0, 1, 2, 4, 13, 14)),
            ("b", (0, 1, 5, 9, 11, 13, 14)),
            ("a.b", (0, 3, 4, 5, 6, 9, 10, 11, 13, 14, 15)),
            ("a.c", (0, 3, 4, 8, 10, 11, 13, 14, 15, 16)),
            ("a.b.c", (0, 4, 7, 8, 9, 13, 14, 15, 16)),
            ("a.x.y.c", (0, 4, 8, 13, 14, 15, 16)),
            ("x.a.b", (0, 5, 9, 11, 13, 14)),
            ("a..b", (0, 4, 5, 9, 11, 13, 14, 15, 17)),
            ("a.", (0, 3, 4, 10, 11, 13, 14, 15)),
            (".", (0, 10, 13, 14)),
            ("a*", (0, 1, 13, 14, 18)),
            ("aa", (0, 1, 13, 14)),
        ],
    )


@scenario("amqp")
def topic_after_unbinding(ctx):
    """2.14: what is unbound leaves its neighbours in the index"""
    channel = ctx.channel()
    exchange, queue = ctx.name("x"), ctx.name()
    channel.exchange_declare(exchange, exchange_type="topic")
    declare(channel, queue)
    keys = ["a.b.c", "a.b", "a.#", "a.*", "#"]
    for key in keys:
        channel.queue_bind(queue, exchange, key)
    channel.confirm_delivery()
    for at, key in enumerate(reversed(keys)):
        channel.queue_unbind(queue, exchange, key)
        left = keys[: len(keys) - at - 1]
        channel.basic_publish(exchange, "a.b", b"m")
        matches = any(k in ("a.b", "a.#", "a.*", "#") for k in left)
        expect(channel.queue_purge(queue).method.message_count, int(matches), f"left {left}")


@scenario("amqp")
def headers(ctx):
    """2.15: all, any, void as presence, x- keys out of it"""
    channel = ctx.channel()
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, exchange_type="headers")
    bindings = [
        {"x-match": "all", "a": 1, "b": "x"}, {"x-match": "any", "a": 1, "b": "x"}, {"a": 1}, {"x-match": "all", "a": None},
        {"x-match": "all", "x-mine": 1}, {"x-match": "all-with-x", "x-mine": 1}, {"x-match": "any-with-x", "x-mine": 1, "a": 2},
    ]
    queues = []
    for arguments in bindings:
        queues.append(declare(channel, ctx.name()))
        channel.queue_bind(queues[-1], exchange, "ignored", arguments)
    channel.confirm_delivery()
    for table, wanted in (
        ({"a": 1, "b": "x"}, (0, 1, 2, 3, 4)), ({"a": 1}, (1, 2, 3, 4)), ({"b": "x"}, (1, 4)), ({"a": 2}, (3, 4, 6)),
        ({"a": "1"}, (3, 4)), ({"x-mine": 1}, (4, 5, 6)), (None, (4,)), ({"a": 2**40}, (3, 4)),
    ):
        channel.basic_publish(exchange, "k", b"m", pika.BasicProperties(headers=table))
        reached = tuple(i for i, queue in enumerate(queues) if channel.queue_purge(queue).method.message_count == 1)
        expect(reached, wanted, f"queues of headers {table!r}")


@scenario("amqp")
def default_exchange(ctx):
    """2.2: every queue by its name, and its name alone"""
    channel = ctx.channel()
    queue, other = declare(channel, ctx.name()), declare(channel, ctx.name())
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"here")
    expect((ready(channel, queue), ready(channel, other)), (1, 0))
    method, _, _ = get(channel, queue, auto_ack=True)
    expect((method.exchange, method.routing_key), ("", queue))


@scenario("amqp")
def delivered_with_exchange_and_key(ctx):
    """The publisher's exchange and key, also through a second exchange"""
    channel = ctx.channel()
    first, second, queue = ctx.name("x"), ctx.name("x"), declare(channel, ctx.name())
    channel.exchange_declare(first, exchange_type="topic")
    channel.exchange_declare(second, exchange_type="direct")
    channel.exchange_bind(second, first, "a.*")
    channel.queue_bind(queue, second, "a.b")
    channel.basic_publish(first, "a.b", b"m")
    method, _, _ = get(channel, queue, auto_ack=True)
    expect((method.exchange, method.routing_key), (first, "a.b"))


@scenario("amqp")
def many_bindings(ctx):
    """2.11: hundreds of keys of one queue, hundreds of queues of one key"""
    channel = ctx.channel()
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, exchange_type="topic")
    one = declare(channel, ctx.name())
    for i in range(200):
        channel.queue_bind(one, exchange, f"k.{i}.*")
    many = [channel.queue_declare("", exclusive=True).method.queue for _ in range(60)]
    for queue in many:
        channel.queue_bind(queue, exchange, "k.#")
    channel.confirm_delivery()
    channel.basic_publish(exchange, "k.150.x", b"m")
    expect([ready(channel, queue) for queue in [one, *many]], [1] * 61)
    channel.basic_publish(exchange, "k.200.x", b"m")
    expect((ready(channel, one), ready(channel, many[-1])), (1, 2))
