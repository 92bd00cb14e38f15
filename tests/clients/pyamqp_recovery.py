# SPDX-License-Identifier: Apache-2.0
"""py-amqp: the broker goes and comes again on the same port and data."""

import threading

import amqp
import amqp.exceptions

import durable
from pyamqp_rig import connect, consume, declare, drain, filled, text_of
from rig import Raises, expect, scenario


@scenario()
def reconnect(ctx):
    """The end says why; durable things and confirmed messages are there, a consumer goes on"""
    broker, own = durable.own_broker(ctx)
    connection = connect(own)
    channel = connection.channel()
    queue = filled(channel, ctx.name(), ["settled", "held", "waiting"])
    channel.exchange_declare("x", "topic", durable=True, auto_delete=False)
    channel.queue_bind(queue, "x", "a.#")
    passing = declare(channel, ctx.name(), durable=False)
    channel.basic_qos(0, 2, False)
    _, taken = consume(channel, queue)
    drain(connection, lambda: len(taken) == 2, "two deliveries")
    channel.basic_ack(taken[0].delivery_tag)
    drain(connection, lambda: len(taken) == 3, "the third")
    stopping = threading.Thread(target=broker.stop)
    stopping.start()
    # RabbitMQ may reset the socket before its close was read.
    with Raises(connection.recoverable_connection_errors if ctx.real else amqp.exceptions.ConnectionForced) as r:
        drain(connection, lambda: False, "the end")
    stopping.join()
    if not isinstance(r.error, OSError):
        expect((r.error.reply_code, r.error.reply_text.split(" - ")[0]), (320, "CONNECTION_FORCED"))
    with Raises(OSError):
        connection.connect()
    broker.start()
    connection = connect(own)
    channel = connection.channel()
    _, taken = consume(channel, queue)
    drain(connection, lambda: len(taken) == 2, "two redeliveries")
    expect([(text_of(m), m.delivery_info["redelivered"]) for m in taken], [("held", True), ("waiting", True)])
    channel.basic_publish_confirm(amqp.Message("after", delivery_mode=2), "x", "a.b", timeout=15)
    drain(connection, lambda: len(taken) == 3, "the third")
    expect(text_of(taken[2]), "after")
    with Raises(amqp.exceptions.NotFound):
        channel.queue_declare(passing, passive=True)
