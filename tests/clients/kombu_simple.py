# SPDX-License-Identifier: Apache-2.0
"""kombu with its default transport: queues, producers, consumers (rabbitmq.md 9)."""

import socket
import time

import kombu
import kombu.exceptions
from amqp.exceptions import ChannelError, NotFound, PreconditionFailed
from kombu.utils.limits import TokenBucket

from pyamqp_rig import drain
from rig import DEADLINE, Raises, expect, require, scenario, until


def connect(ctx, **given):
    connection = kombu.Connection(f"amqp://guest:guest@127.0.0.1:{ctx.port}//", connect_timeout=DEADLINE, **given)
    ctx.at_end(connection.release)
    connection.connect()
    expect(connection.transport.driver_name, "py-amqp")
    return connection


@scenario()
def simple_queue(ctx):
    """put, get, ack, reject, requeue, qsize, clear, Empty"""
    with connect(ctx).SimpleQueue(ctx.name()) as queue:
        for i in range(5):
            queue.put({"i": i}, headers={"h": i}, compression="zlib" if i == 4 else None)
        until(lambda: len(queue) == 5, "five in the queue")
        first = queue.get(timeout=DEADLINE)
        expect((first.payload, first.headers), ({"i": 0}, {"h": 0}))
        first.ack()
        second = queue.get(timeout=DEADLINE)
        second.requeue()
        seen = [queue.get(timeout=DEADLINE) for _ in range(4)]
        expect(sorted((m.payload["i"], m.delivery_info["redelivered"]) for m in seen), [(1, True), (2, False), (3, False), (4, False)])
        for message in seen:
            message.reject()
        with Raises(queue.Empty):
            queue.get(timeout=0.2)
        queue.put("left")
        queue.consumer.cancel()
        queue.clear()
        expect(queue.qsize(), 0)


@scenario()
def simple_buffer(ctx):
    """Transient: exclusive, auto-delete, no acknowledgements"""
    connection = connect(ctx)
    name = ctx.name()
    with connection.SimpleBuffer(name) as buffer:
        buffer.put("one")
        expect(buffer.get(timeout=DEADLINE).payload, "one")
    with Raises(NotFound):
        connection.default_channel.queue_declare(name, passive=True)


@scenario()
def publish_with_retry(ctx):
    """Producer.publish(retry, declare): the queue is declared on the way; confirms"""
    connection = connect(ctx, transport_options={"confirm_publish": True})
    exchange = kombu.Exchange(ctx.name("x"), type="topic", durable=True)
    queue = kombu.Queue(ctx.name(), exchange, routing_key="a.#")
    producer = connection.Producer(serializer="json")
    for i in range(20):
        producer.publish(
            {"i": i}, exchange=exchange, routing_key=f"a.{i}", declare=[queue], retry=True, timeout=DEADLINE,
            retry_policy={"interval_start": 0, "interval_step": 0.1, "max_retries": 3}, priority=i % 3, expiration=60, correlation_id=str(i),
        )
    seen = []

    def on_message(body, message):
        seen.append((body["i"], message.properties["correlation_id"], message.properties["expiration"]))
        message.ack()

    with connection.Consumer(queue, callbacks=[on_message], accept=["json"]) as consumer:
        drain(connection, lambda: len(seen) == 20, "twenty deliveries")
        consumer.recover(requeue=True)
    expect(seen, [(i, str(i), "60000") for i in range(20)])
    bound = queue(connection.default_channel)
    expect(bound.delete(), 0)
    bound.exchange.delete()


@scenario()
def returned(ctx):
    """Producer(on_return) of a mandatory message"""
    connection = connect(ctx, transport_options={"confirm_publish": True})
    seen = []
    producer = connection.Producer(on_return=lambda *given: seen.append(given))
    key = ctx.name("nobody")
    producer.publish("back", exchange="amq.direct", routing_key=key, mandatory=True, timeout=DEADLINE)
    drain(connection, lambda: seen, "the return")
    ((error, exchange, routing_key, message),) = seen
    expect((error.reply_code, error.reply_text, exchange, routing_key), (312, "NO_ROUTE", "amq.direct", key))
    expect(message.body, "back")


@scenario()
def qos(ctx):
    """Prefetch, also changed while it consumes, by the semantics that the server's version says"""
    connection = connect(ctx)
    queue = kombu.Queue(ctx.name(), durable=True)(connection.default_channel)
    queue.declare()
    for i in range(10):
        connection.Producer().publish({"i": i}, routing_key=queue.name)
    counter = connect(ctx).default_channel
    held = []
    # Celery's worker asks for the channel's prefetch where the server's version says so.
    expect(connection.transport.qos_semantics_matches_spec(connection.connection), False)
    consumer = connection.Consumer(queue, on_message=held.append)
    consumer.qos(prefetch_count=2, apply_global=True)
    consumer.consume()
    drain(connection, lambda: len(held) == 2 and counter.queue_declare(queue.name, passive=True).message_count == 8, "two out")
    consumer.qos(prefetch_count=5, apply_global=True)
    drain(connection, lambda: len(held) == 5 and counter.queue_declare(queue.name, passive=True).message_count == 5, "five out")
    held[4].ack(multiple=True)
    drain(connection, lambda: len(held) == 10, "the rest")
    consumer.cancel()
    consumer.channel.close()
    drain(connection, lambda: counter.queue_declare(queue.name, passive=True).message_count == 5, "five back")


@scenario()
def cancelled_when_its_queue_goes(ctx):
    """Consumer(on_cancel…) is told; drain_events raises ConsumerCancelled, which is recoverable"""
    connection = connect(ctx)
    queue = kombu.Queue(ctx.name(), durable=True)
    consumer = connection.Consumer(queue, callbacks=[print])
    consumer.consume()
    connect(ctx).default_channel.queue_delete(queue.name)
    with Raises(connection.recoverable_connection_errors) as r:
        drain(connection, lambda: False, "the cancellation")
    expect(type(r.error).__name__, "ConsumerCancelled")


@scenario()
def errors(ctx):
    """Channel errors are channel_errors with code and text; the connection goes on"""
    connection = connect(ctx)
    name = ctx.name()
    queue = kombu.Queue(name, durable=True)
    queue(connection.default_channel).declare()
    with Raises(connection.channel_errors) as r:
        kombu.Queue(name, durable=False)(connection.channel()).declare()
    text = f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{name}' in vhost '/': received 'false' but current is 'true'"
    expect((type(r.error), r.error.reply_code, r.error.reply_text), (PreconditionFailed, 406, text))
    with Raises(NotFound) as r:
        kombu.Queue(f"no{name}", no_declare=True)(connection.channel()).get()
    expect(r.error.reply_text, f"NOT_FOUND - no queue 'no{name}' in vhost '/'")
    with Raises(NotFound):
        kombu.Exchange(f"no{name}", passive=True)(connection.channel()).declare()
    require(issubclass(NotFound, ChannelError), "NotFound is no channel error")
    queue(connection.channel()).delete()


@scenario()
def large_message(ctx):
    """5 MiB as pickle-free bytes through SimpleQueue"""
    body = bytes(range(256)) * (5 * 4096)
    with connect(ctx).SimpleQueue(ctx.name(), serializer="raw", accept=["application/data"]) as queue:
        queue.put(body)
        message = queue.get(timeout=DEADLINE)
        require(bytes(message.body) == body, "the body differs")
        message.ack()


@scenario()
def heartbeats(ctx):
    """heartbeat_check, as Celery's worker calls it, over several intervals"""
    connection = connect(ctx, heartbeat=1)
    expect(connection.get_heartbeat_interval(), 1)
    bucket = TokenBucket(1000)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        require(bucket.can_consume(), "no token")
        connection.heartbeat_check(rate=2)
        try:
            connection.drain_events(timeout=0.25)
        except socket.timeout:
            pass
    with connection.SimpleQueue(ctx.name()) as queue:
        queue.put("still here")
        queue.get(timeout=DEADLINE).ack()
