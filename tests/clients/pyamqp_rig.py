# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of py-amqp and kombu use beside rig.py."""

import socket
import time

import amqp

from rig import DEADLINE, require


def connect(ctx, **given):
    given.setdefault("heartbeat", 0)
    connection = amqp.Connection(host=f"127.0.0.1:{ctx.port}", connect_timeout=DEADLINE, read_timeout=DEADLINE, **given)
    connection.connect()
    ctx.at_end(connection.close)
    return connection


def drain(connection, test, what, seconds=DEADLINE):
    """Lets a connection of py-amqp or kombu work until test() holds."""
    deadline = time.monotonic() + seconds
    while not test():
        require(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        try:
            connection.drain_events(timeout=0.05)
        except socket.timeout:
            pass


def declare(channel, queue="", **given):
    """A durable queue unless told otherwise, never the auto-delete of py-amqp's default; its name."""
    given.setdefault("durable", bool(queue))
    given.setdefault("exclusive", not queue)
    return channel.queue_declare(queue, auto_delete=given.pop("auto_delete", False), **given).queue


def ready(channel, queue):
    return channel.queue_declare(queue, passive=True).message_count


def text_of(message):
    return message.body if isinstance(message.body, str) else bytes(message.body).decode()


def consume(channel, queue, **given):
    """A consumer that only collects: (tag, deliveries)."""
    taken = []
    tag = channel.basic_consume(queue, callback=taken.append, **given)
    return tag, taken


def filled(channel, queue, bodies):
    """The queue with these; the channel must be one that confirms."""
    declare(channel, queue)
    for body in bodies:
        channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), routing_key=queue)
    return queue
