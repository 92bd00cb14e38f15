# SPDX-License-Identifier: Apache-2.0
"""py-amqp: publishing, consuming, settling (rabbitmq.md 4)."""

import time

import amqp
import amqp.exceptions

from pyamqp_rig import connect, consume, declare, drain, filled, ready, text_of
from rig import Raises, Skip, expect, require, scenario, until


@scenario()
def confirms_and_acks(ctx):
    """Each publish waits for its confirm; all are consumed and acknowledged"""
    connection = connect(ctx, confirm_publish=True)
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    for i in range(100):
        channel.basic_publish(amqp.Message(f"m{i}", delivery_mode=2), routing_key=queue, timeout=15)
    taken = []

    def settle(message):
        taken.append(text_of(message))
        channel.basic_ack(message.delivery_tag)

    channel.basic_consume(queue, callback=settle)
    drain(connection, lambda: len(taken) == 100, "a hundred deliveries")
    expect(taken, [f"m{i}" for i in range(100)])
    channel.close()
    expect(connection.channel().queue_delete(queue), 0)


@scenario()
def return_before_confirm(ctx):
    """4.2: the handler has run when the confirming publish returns; without one it raises"""
    connection = connect(ctx, confirm_publish=True)
    channel = connection.channel()
    key = ctx.name("nobody")
    seen = []
    channel.events["basic_return"].add(lambda *given: seen.append(given))
    channel.basic_publish(amqp.Message("back", message_id="m1"), "amq.direct", key, mandatory=True, timeout=15)
    ((error, exchange, routing_key, message),) = seen
    expect((error.reply_code, error.reply_text, exchange, routing_key), (312, "NO_ROUTE", "amq.direct", key))
    expect((text_of(message), message.properties["message_id"]), ("back", "m1"))
    other = connection.channel()
    with Raises(amqp.exceptions.ChannelError) as r:
        other.basic_publish(amqp.Message("back"), "amq.direct", key, mandatory=True, timeout=15)
    expect((r.error.reply_code, r.error.reply_text), (312, "NO_ROUTE"))


@scenario()
def properties_and_headers(ctx):
    """4.7"""
    channel = connect(ctx).channel()
    queue = declare(channel)
    given = {
        "content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2, "priority": 3, "correlation_id": "c", "reply_to": "r",
        "expiration": "60000", "message_id": "m", "timestamp": 1700000000, "type": "t", "user_id": "guest", "app_id": "a",
        "application_headers": {
            "text": "ä ß 語", "yes": True, "small": -5, "large": 2**40, "real": 1.5, "nothing": None, "list": [1, "two", [3]], "table": {"a": {"b": "c"}},
        },
    }
    channel.basic_publish_confirm(amqp.Message("{}", **given), routing_key=queue, timeout=15)
    message = channel.basic_get(queue)
    expect(message.properties, given)
    info = message.delivery_info
    expect((info["redelivered"], info["exchange"], info["routing_key"], info["message_count"]), (False, "", queue, 0))


@scenario()
def large_message(ctx):
    """5 MiB in many frames"""
    connection = connect(ctx, confirm_publish=True)
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    body = bytes(range(256)) * (5 * 4096)
    for mode in (1, 2):
        channel.basic_publish(amqp.Message(body, delivery_mode=mode), routing_key=queue, timeout=15)
    _, taken = consume(channel, queue)
    drain(connection, lambda: len(taken) == 2, "two deliveries")
    for message in taken:
        require(bytes(message.body) == body, "the body differs")
        message.channel.basic_ack(message.delivery_tag)
    channel.queue_delete(queue)


@scenario()
def cancelled_when_its_queue_goes(ctx):
    """4.13: on_cancel; ConsumerCancelled without one"""
    connection = connect(ctx)
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    cancelled = []
    tag = channel.basic_consume(queue, callback=print, on_cancel=cancelled.append)
    connect(ctx).channel().queue_delete(queue)
    drain(connection, lambda: cancelled, "the cancellation")
    expect(cancelled, [tag])
    declare(channel, queue)
    tag, _ = consume(channel, queue)
    connect(ctx).channel().queue_delete(queue)
    with Raises(amqp.exceptions.ConsumerCancelled) as r:
        drain(connection, lambda: False, "the cancellation")
    expect(r.error.reply_text, tag)
    declare(channel)


@scenario()
def prefetch(ctx):
    """4.17: per consumer, then of the channel"""
    connection = connect(ctx)
    channel = connection.channel()
    queue = filled(channel, ctx.name(), map(str, range(10)))
    counter = connect(ctx).channel()
    channel.basic_qos(0, 3, False)
    tag, taken = consume(channel, queue)
    drain(connection, lambda: len(taken) == 3 and ready(counter, queue) == 7, "three out")
    channel.basic_ack(2, multiple=True)
    drain(connection, lambda: len(taken) == 5 and ready(counter, queue) == 5, "two more")
    channel.basic_cancel(tag)
    for message in taken[2:]:
        channel.basic_reject(message.delivery_tag, requeue=True)
    channel.basic_qos(0, 2, True)
    _, first = consume(channel, queue)
    _, second = consume(channel, queue)
    drain(connection, lambda: len(first) + len(second) == 2 and ready(counter, queue) == 6, "two out")
    channel.basic_qos(0, 6, True)
    drain(connection, lambda: len(first) + len(second) == 6 and ready(counter, queue) == 2, "six out")


@scenario()
def requeued(ctx):
    """4.20–4.23: reject both ways, recover; redelivered"""
    connection = connect(ctx)
    channel = connection.channel()
    queue = filled(channel, ctx.name(), ["0", "1", "2"])
    first, second = (channel.basic_get(queue) for _ in range(2))
    expect([m.delivery_info["redelivered"] for m in (first, second)], [False, False])
    channel.basic_reject(first.delivery_tag, requeue=True)
    channel.basic_reject(second.delivery_tag, requeue=False)
    again = channel.basic_get(queue)
    expect((text_of(again), again.delivery_info["redelivered"]), ("0", True))
    channel.basic_recover(requeue=True)
    _, taken = consume(channel, queue)
    drain(connection, lambda: len(taken) == 2, "two deliveries")
    expect([(text_of(m), m.delivery_info["redelivered"]) for m in taken], [("0", True), ("2", False)])
    channel.basic_recover_async(requeue=True)
    drain(connection, lambda: len(taken) == 4, "two again")
    expect([(text_of(m), m.delivery_info["redelivered"]) for m in taken[2:]], [("0", True), ("2", True)])


@scenario()
def heartbeats(ctx):
    """1.13: idle for several intervals; heartbeat_tick raises when none comes"""
    connection = connect(ctx, heartbeat=1)
    expect(connection.heartbeat, 1)
    channel = connection.channel()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        connection.heartbeat_tick()
        try:
            connection.drain_events(timeout=0.25)
        except OSError:
            pass
    declare(channel)


@scenario()
def transactions(ctx):
    """4.10"""
    connection = connect(ctx)
    channel = connection.channel()
    try:
        channel.tx_select()
    except amqp.exceptions.AMQPNotImplementedError as error:
        if ctx.real:
            raise
        raise Skip(f"tx.select is not answered yet: {error.reply_text}") from None
    other = connect(ctx).channel()
    queue = declare(other, ctx.name())
    channel.basic_publish(amqp.Message("rolled back"), routing_key=queue)
    channel.tx_rollback()
    for body in ("first", "second"):
        channel.basic_publish(amqp.Message(body), routing_key=queue)
    expect(ready(other, queue), 0)
    channel.tx_commit()
    expect(ready(other, queue), 2)
    message = channel.basic_get(queue)
    channel.basic_ack(message.delivery_tag)
    channel.tx_commit()
    channel.close()
    until(lambda: ready(other, queue) == 1, "one left")
    expect(text_of(other.basic_get(queue, no_ack=True)), "second")


@scenario()
def exchanges(ctx):
    """2.10–2.14: topic, fanout, exchange to exchange, auto-delete"""
    channel = connect(ctx).channel()
    topic, fanout, queue = ctx.name("topic"), ctx.name("fanout"), declare(channel)
    channel.exchange_declare(topic, "topic", auto_delete=False)
    channel.exchange_declare(fanout, "fanout", auto_delete=True)
    channel.exchange_bind(fanout, topic, "order.#")
    channel.queue_bind(queue, fanout)
    channel.queue_bind(queue, topic, "order.new")
    for key in ("order.new", "order.old", "other"):
        channel.basic_publish_confirm(amqp.Message(key), topic, key, timeout=15)
    got = [text_of(channel.basic_get(queue, no_ack=True)) for _ in range(2)]
    expect((got, channel.basic_get(queue)), (["order.new", "order.old"], None))
    channel.queue_unbind(queue, fanout, "")
    with Raises(amqp.exceptions.NotFound):
        channel.exchange_declare(fanout, "fanout", passive=True)
    connect(ctx).channel().exchange_delete(topic)
