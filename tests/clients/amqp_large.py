# SPDX-License-Identifier: Apache-2.0
"""Large messages beside small ones, and over a restart (engine.md §3; rabbitmq.md 4.1, 4.6)."""

import base64
import hashlib
import threading

import pika
from pika import spec

from durable import own_broker, restarted
from rig import consume, declare, expect, get, pump, require, scenario

MIB = 1 << 20
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def octets(size, seed=1):
    """No piece of it is like another."""
    block = b"".join(hashlib.sha256(b"%d %d" % (seed, i)).digest() for i in range(MIB // 32))
    return b"".join(b"%08d" % i + block[8:] for i in range(size // MIB))


@scenario("amqp")
def small_confirms_go_on(ctx):
    """40 MiB are published and confirmed; another connection's confirms come meanwhile"""
    body = octets(40 * MIB)
    done = threading.Event()
    failed = []

    def publish():
        try:
            channel = ctx.connection().channel()
            channel.confirm_delivery()
            channel.basic_publish("", queue, body, PERSISTENT)
        except Exception as error:
            failed.append(error)
        done.set()

    channel = ctx.channel()
    queue, small = declare(channel, ctx.name("large")), declare(channel, ctx.name("small"))
    channel.confirm_delivery()
    thread = threading.Thread(target=publish)
    thread.start()
    confirmed = 0
    while not done.is_set():
        channel.basic_publish("", small, b"small", PERSISTENT)
        confirmed += 1
    thread.join()
    require(not failed, f"the large one failed: {failed}")
    require(confirmed >= 5, f"{confirmed} small confirms while the large message came")  # one interpreter lock for both
    got = get(channel, queue, auto_ack=True)[2]
    expect(hashlib.sha256(got).hexdigest(), hashlib.sha256(body).hexdigest())


@scenario("amqp")
def two_channels_at_once(ctx):
    """Two large deliveries and small ones on a third channel, over one connection of pika's"""
    setup = ctx.channel()
    queues = [declare(setup, ctx.name(name)) for name in ("a", "b", "small")]
    bodies = [octets(8 * MIB, 1), octets(8 * MIB, 2)]
    for queue, body in zip(queues, bodies):
        setup.basic_publish("", queue, body, PERSISTENT)
    for i in range(50):
        setup.basic_publish("", queues[2], b"%d" % i, PERSISTENT)
    connection = ctx.connection()
    taken = [consume(connection.channel(), queue)[1] for queue in queues]
    pump(connection, lambda: [len(t) for t in taken] == [1, 1, 50], "all deliveries")
    require([t.bodies()[0] for t in taken[:2]] == bodies, "a large body differs")
    expect(taken[2].bodies(), [b"%d" % i for i in range(50)])


@scenario("amqp")
def no_frame_comes_between(ctx):
    """A client that is not known gets a content's frames in one run, as RabbitMQ sends them"""
    setup = ctx.channel()
    queues = [declare(setup, ctx.name(name)) for name in ("a", "b")]
    bodies = [octets(4 * MIB, 1), octets(4 * MIB, 2)]
    for queue, body in zip(queues, bodies):
        setup.basic_publish("", queue, body, PERSISTENT)
    w = ctx.wire()  # refuses any other frame inside a content
    w.channel(2)
    for channel, queue in enumerate(queues, 1):
        w.send(channel, spec.Basic.Consume(queue=queue, consumer_tag=queue))
    for channel, body in enumerate(bodies, 1):
        w.expect(channel, spec.Basic.ConsumeOk)
        require(w.expect(channel, spec.Basic.Deliver).body == body, f"the delivery on channel {channel} differs")


@scenario("amqp")
def large_over_a_restart(ctx):
    """Confirmed ones come back byte by byte, for each of their queues, until they are acknowledged"""
    broker, own = own_broker(ctx)
    channel = own.channel()
    channel.confirm_delivery()
    body = octets(20 * MIB)
    for queue in ("kept-a", "kept-b"):
        declare(channel, queue)
        channel.queue_bind(queue, "amq.fanout")
    channel.basic_publish("amq.fanout", "", body, PERSISTENT)
    method = get(channel, "kept-a")[0]
    channel.basic_ack(method.delivery_tag)
    own.close()
    own = restarted(ctx, broker)
    channel = own.channel()
    require(channel.basic_get("kept-a")[0] is None, "what was acknowledged came back")
    method, properties, got = get(channel, "kept-b")
    require(got == body, "the body differs")
    expect(properties, PERSISTENT)
    channel.basic_ack(method.delivery_tag)
    own.close()
    channel = restarted(ctx, broker).channel()
    require(channel.basic_get("kept-b")[0] is None, "what was acknowledged came back")


@scenario("amqp", "aws", "mqbridge")
def large_to_an_sqs_reader(ctx):
    """One of 300 KiB among others, one of 3 MiB alone: both whole, in base64"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.confirm_delivery()
    bodies = [octets(MIB)[: 300 * 1024], b"small", octets(3 * MIB)]
    for body in bodies:
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2, content_type="application/x"))
    got = []
    while len(got) < 3:
        answer = ctx.sqs.receive_message(QueueUrl=ctx.sqs_url(queue), MaxNumberOfMessages=10, WaitTimeSeconds=2)
        expect(len(answer["Messages"]), 1 if got else 2)
        got += [base64.b64decode(m["Body"]) for m in answer["Messages"]]
    require(got == bodies, "the bodies differ")
