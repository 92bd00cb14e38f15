# SPDX-License-Identifier: Apache-2.0
"""Exchanges, queues and bindings come and go (rabbitmq.md sections 2 and 3)."""

import re

import pika.exceptions
from pika import spec

from rig import Raises, consume, consumers, declare, expect, get, pump, ready, require, scenario, until


@scenario("amqp")
def predeclared_exchanges(ctx):
    """2.1"""
    channel = ctx.channel()
    for kind in ("direct", "fanout", "topic"):
        channel.exchange_declare(f"amq.{kind}", passive=True)
        channel.exchange_declare(f"amq.{kind}", exchange_type=kind, durable=True)


@scenario("amqp")
def predeclared_headers_exchanges(ctx):
    """2.1"""
    channel = ctx.channel()
    for name in ("amq.headers", "amq.match"):
        channel.exchange_declare(name, exchange_type="headers", durable=True)


@scenario("amqp")
def exchange_lives(ctx):
    """2.3, 2.6, 2.7: declare, again, passive, delete, delete again"""
    channel = ctx.channel()
    for kind in ("direct", "fanout", "topic"):
        name = ctx.name("x")
        for _ in range(2):
            channel.exchange_declare(name, exchange_type=kind, durable=True)
        # Passive ignores every other field.
        channel.exchange_declare(name, exchange_type="direct", passive=True)
        channel.exchange_delete(name)
        channel.exchange_delete(name)
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            channel.exchange_declare(name, passive=True)
        expect((r.error.reply_code, r.error.reply_text), (404, f"NOT_FOUND - no exchange '{name}' in vhost '/'"))
        channel = channel.connection.channel()


@scenario("amqp")
def exchange_auto_delete(ctx):
    """2.8: not before the first binding, with the last one"""
    channel = ctx.channel()
    exchange, queue = ctx.name("x"), ctx.name()
    channel.exchange_declare(exchange, exchange_type="direct", auto_delete=True)
    declare(channel, queue)
    channel.queue_bind(queue, exchange, "a")
    channel.queue_bind(queue, exchange, "b")
    channel.queue_unbind(queue, exchange, "a")
    channel.exchange_declare(exchange, passive=True)
    channel.queue_unbind(queue, exchange, "b")
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        channel.exchange_declare(exchange, passive=True)
    expect(r.error.reply_code, 404)


@scenario("amqp")
def exchange_auto_delete_by_the_queue(ctx):
    """2.8: the end of the bound queue ends its bindings"""
    channel = ctx.channel()
    exchange, queue = ctx.name("x"), ctx.name()
    channel.exchange_declare(exchange, exchange_type="fanout", auto_delete=True)
    declare(channel, queue)
    channel.queue_bind(queue, exchange)
    channel.queue_delete(queue)
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        channel.exchange_declare(exchange, passive=True)
    expect(r.error.reply_code, 404)


@scenario("amqp")
def exchange_delete_takes_its_bindings(ctx):
    """2.7: a new exchange of the name has none"""
    channel = ctx.channel()
    exchange, queue = ctx.name("x"), ctx.name()
    declare(channel, queue)
    for _ in range(2):
        channel.exchange_declare(exchange, exchange_type="fanout")
        channel.basic_publish(exchange, "", b"nobody")
        channel.queue_bind(queue, exchange)
        channel.basic_publish(exchange, "", b"one")
        channel.exchange_delete(exchange)
    expect(channel.queue_purge(queue).method.message_count, 2)


@scenario("amqp")
def server_named_queue(ctx):
    """3.1: the name's form; "" is the queue declared last on the channel"""
    channel = ctx.channel()
    first = channel.queue_declare("", exclusive=True).method.queue
    last = channel.queue_declare("", exclusive=True).method.queue
    for name in (first, last):
        require(re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", name), f"server-named queue {name!r}")
    require(first != last, "the same name twice")
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, exchange_type="direct")
    # An empty queue name and an empty key: the key is the queue's name.
    channel.queue_bind("", exchange, "")
    channel.basic_publish(exchange, last, b"by the name")
    expect(get(channel, "", auto_ack=True)[2], b"by the name")
    expect(channel.queue_purge("").method.message_count, 0)
    expect(channel.queue_delete("").method.message_count, 0)
    expect(ready(channel, first), 0)


@scenario("amqp")
def no_previously_declared_queue(ctx):
    """3.1"""
    for method in (
        spec.Queue.Bind(queue="", exchange="amq.direct", routing_key="k"), spec.Queue.Purge(queue=""),
        spec.Queue.Delete(queue=""), spec.Basic.Consume(queue=""), spec.Basic.Get(queue=""),
    ):
        w = ctx.wire()
        w.send(1, method)
        close = w.expect(1, spec.Channel.Close)
        expect((close.reply_code, close.reply_text), (404, "NOT_FOUND - no previously declared queue"), method.NAME)


@scenario("amqp")
def queue_counts(ctx):
    """3.2: ready only, and consumers"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    for i in range(5):
        channel.basic_publish("", queue, b"%d" % i)
    until(lambda: ready(channel, queue) == 5, "five ready")
    channel.basic_qos(prefetch_count=2)
    _, taken = consume(channel, queue)
    pump(connection, lambda: len(taken) == 2, "two deliveries")
    again = channel.queue_declare(queue, durable=True).method
    expect((again.message_count, again.consumer_count), (3, 1))


@scenario("amqp")
def queue_passive_ignores_the_rest(ctx):
    """3.9"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.queue_declare(queue, passive=True, durable=False, auto_delete=True, arguments={"x-max-priority": "no"})
    missing = ctx.name()
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        channel.queue_declare(missing, passive=True)
    expect((r.error.reply_code, r.error.reply_text), (404, f"NOT_FOUND - no queue '{missing}' in vhost '/'"))


@scenario("amqp")
def queue_delete_and_purge_count(ctx):
    """3.11, 3.12: ready messages; the unacknowledged stay at a purge; deleting what is not there"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.confirm_delivery()
    for i in range(4):
        channel.basic_publish("", queue, b"%d" % i)
    method, _, _ = get(channel, queue)
    expect(channel.queue_purge(queue).method.message_count, 3)
    channel.basic_nack(method.delivery_tag)
    expect(get(channel, queue)[2], b"0", "the unacknowledged one")
    for i in range(3):
        channel.basic_publish("", queue, b"%d" % i)
    expect(channel.queue_delete(queue).method.message_count, 3)
    expect(channel.queue_delete(queue).method.message_count, 0, "queue.delete of none")


@scenario("amqp")
def queue_delete_if_unused_if_empty(ctx):
    """3.11"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"m")
    for flag, text in (("if_empty", "not empty"), ("if_unused", "in use")):
        if flag == "if_unused":
            consume(channel, queue)
        doomed = connection.channel()
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            doomed.queue_delete(queue, **{flag: True})
        expect(
            (r.error.reply_code, r.error.reply_text), (406, f"PRECONDITION_FAILED - queue '{queue}' in vhost '/' {text}")
        )
    channel.basic_cancel(channel.consumer_tags[0])
    channel.queue_purge(queue)
    channel.queue_delete(queue, if_empty=True, if_unused=True)


@scenario("amqp")
def queue_auto_delete(ctx):
    """3.7: with the last consumer, not before the first; basic.get is none"""
    channel = ctx.channel()
    for leave in ("cancel", "channel", "connection"):
        queue = declare(channel, ctx.name(), auto_delete=True, durable=False)
        channel.basic_get(queue)
        other = ctx.connection()
        first, second = other.channel(), other.channel()
        tag, _ = consume(first, queue)
        consume(second, queue)
        second.close()
        expect(consumers(channel, queue), 1)
        {"cancel": lambda: first.basic_cancel(tag), "channel": first.close, "connection": other.close}[leave]()

        def gone():
            probe = channel.connection.channel()
            try:
                probe.queue_declare(queue, passive=True)
            except pika.exceptions.ChannelClosedByBroker as closed:
                return closed.reply_code == 404
            probe.close()
            return False

        until(gone, f"the queue goes with the {leave}")


@scenario("amqp")
def exclusive_queue_is_at_once_free(ctx):
    """3.6: after connection.close the next connection can have the name"""
    name = ctx.name()
    for _ in range(20):
        connection = ctx.connection()
        channel = connection.channel()
        channel.queue_declare(name, exclusive=True)
        channel.basic_publish("", name, b"x")
        connection.close()


@scenario("amqp")
def names_of_any_bytes(ctx):
    """3.29: 255 octets, UTF-8, dots, slashes and blanks"""
    channel = ctx.channel()
    for base in ("a" * 240, "naïve/Schlange ünïcode", "Ωκεανός.с точками", "a b\tc%2F?#&+=>*"):
        queue, exchange = ctx.name(base), ctx.name(base)
        queue, exchange = queue.encode()[:255].decode(), exchange.encode()[:255].decode()
        declare(channel, queue)
        channel.exchange_declare(exchange, exchange_type="direct")
        channel.queue_bind(queue, exchange, queue)
        channel.basic_publish(exchange, queue, b"here")
        method, _, body = get(channel, queue, auto_ack=True)
        expect((body, method.exchange, method.routing_key), (b"here", exchange, queue))


@scenario("amqp")
def declare_without_answer(ctx):
    """3.2: nowait has none, an error is still one"""
    w = ctx.wire()
    queue, exchange = ctx.name(), ctx.name("x")
    w.send(
        1,
        spec.Exchange.Declare(exchange=exchange, type="topic", nowait=True),
        spec.Queue.Declare(queue=queue, nowait=True),
        spec.Queue.Bind(queue=queue, exchange=exchange, routing_key="#", nowait=True),
        spec.Basic.Consume(queue=queue, consumer_tag="c", no_ack=True, nowait=True),
    )
    w.publish(1, exchange, "k", b"through")
    expect(w.expect(1, spec.Basic.Deliver).body, b"through")
    w.send(1, spec.Basic.Cancel(consumer_tag="c", nowait=True), spec.Queue.Purge(queue=queue, nowait=True))
    w.send(1, spec.Queue.Delete(queue=queue, nowait=True), spec.Exchange.Delete(exchange=exchange, nowait=True))
    w.send(1, spec.Queue.Declare(queue=queue, passive=True, nowait=True))
    expect(w.expect(1, spec.Channel.Close).reply_code, 404)


@scenario("amqp")
def binding_identity(ctx):
    """2.11: twice is once; unbinding what is not bound is fine"""
    channel = ctx.channel()
    exchange, queue = ctx.name("x"), ctx.name()
    channel.exchange_declare(exchange, exchange_type="direct")
    declare(channel, queue)
    for _ in range(2):
        channel.queue_bind(queue, exchange, "k")
    channel.queue_bind(queue, exchange, "k", arguments={"one": 1})
    channel.confirm_delivery()
    channel.basic_publish(exchange, "k", b"once")
    expect(ready(channel, queue), 1, "copies")
    channel.queue_unbind(queue, exchange, "k")
    channel.basic_publish(exchange, "k", b"by the one with arguments")
    expect(ready(channel, queue), 2)
    channel.queue_unbind(queue, exchange, "k", arguments={"one": 1})
    channel.queue_unbind(queue, exchange, "k")
    channel.queue_unbind(queue, exchange, "never")
    with Raises(pika.exceptions.UnroutableError):
        channel.basic_publish(exchange, "k", b"nowhere", mandatory=True)


@scenario("amqp")
def exchange_to_exchange(ctx):
    """2.10: bind, once whatever the paths, unbind"""
    channel = ctx.channel()
    first, second, queue = ctx.name("x"), ctx.name("x"), ctx.name()
    channel.exchange_declare(first, exchange_type="topic")
    channel.exchange_declare(second, exchange_type="fanout")
    declare(channel, queue)
    channel.queue_bind(queue, second)
    channel.queue_bind(queue, first, "a.b")
    channel.exchange_bind(second, first, "a.#")
    channel.exchange_bind(first, second, "#")
    channel.confirm_delivery()
    channel.basic_publish(first, "a.b", b"two paths")
    channel.basic_publish(first, "a.c", b"one path")
    expect(ready(channel, queue), 2)
    channel.exchange_unbind(second, first, "a.#")
    channel.exchange_unbind(second, first, "never")
    with Raises(pika.exceptions.UnroutableError):
        channel.basic_publish(first, "a.c", b"none", mandatory=True)
