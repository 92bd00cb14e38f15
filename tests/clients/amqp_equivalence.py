# SPDX-License-Identifier: Apache-2.0
"""What a second declare may differ in (rabbitmq.md 2.3, 3.3–3.5, 3.26)."""

import struct

import pika.exceptions
from pika import spec

from rig import Raises, declare, expect, require, scenario


def refused(connection, what, code, text):
    """what(channel) closes a new channel with this."""
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        what(connection.channel())
    expect((r.error.reply_code, r.error.reply_text), (code, text))


@scenario("amqp")
def exchange_differs(ctx):
    """2.3"""
    connection = ctx.connection()
    name = ctx.name("x")
    first = {"exchange_type": "direct", "durable": True}
    connection.channel().exchange_declare(name, **first)
    for change, argument, received, current in (
        ({"exchange_type": "topic"}, "type", "topic", "direct"),
        ({"durable": False}, "durable", "false", "true"),
        ({"auto_delete": True}, "auto_delete", "true", "false"),
        ({"internal": True}, "internal", "true", "false"),
    ):
        refused(
            connection, lambda channel: channel.exchange_declare(name, **{**first, **change}), 406,
            f"PRECONDITION_FAILED - inequivalent arg '{argument}' for exchange '{name}' in vhost '/': "
            f"received '{received}' but current is '{current}'",
        )
    # Arguments that are not known to matter are not compared.
    connection.channel().exchange_declare(name, **first, arguments={"mine": 1})


@scenario("amqp")
def predeclared_exchange_differs(ctx):
    """2.3"""
    refused(
        ctx.connection(), lambda channel: channel.exchange_declare("amq.direct", exchange_type="topic", durable=True), 406,
        "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': "
        "received 'topic' but current is 'direct'",
    )


@scenario("amqp")
def queue_differs(ctx):
    """3.3"""
    connection = ctx.connection()
    name = declare(connection.channel(), ctx.name())
    for change, argument, received, current in (
        ({"durable": False}, "durable", "false", "true"),
        ({"durable": True, "auto_delete": True}, "auto_delete", "true", "false"),
    ):
        refused(
            connection, lambda channel: channel.queue_declare(name, **change), 406,
            f"PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{name}' in vhost '/': "
            f"received '{received}' but current is '{current}'",
        )


@scenario("amqp")
def queue_exclusive_differs(ctx):
    """3.6: also on the connection that has it"""
    connection = ctx.connection()
    text = (
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{}' in vhost '/'. It could be originally "
        "declared on another connection or the exclusive property value does not match that of the original declaration."
    )
    own = ctx.name()
    connection.channel().queue_declare(own, exclusive=True)
    refused(connection, lambda channel: channel.queue_declare(own), 405, text.format(own))
    shared = declare(connection.channel(), ctx.name(), durable=False)
    refused(connection, lambda channel: channel.queue_declare(shared, exclusive=True), 405, text.format(shared))


@scenario("amqp")
def queue_arguments_differ(ctx):
    """3.4: other value, missing, added; with the wire types' names"""
    connection = ctx.connection()
    name = ctx.name()
    declare(connection.channel(), name, arguments={"x-message-ttl": 1000, "x-max-length": 100000})
    head = f"PRECONDITION_FAILED - inequivalent arg '{{}}' for queue '{name}' in vhost '/': "
    rows = (
        ({"x-message-ttl": 2000, "x-max-length": 100000}, "x-message-ttl", "received '2000' but current is '1000'"),
        ({"x-message-ttl": 1000}, "x-max-length",
         "received none but current is the value '100000' of type 'signedint'"),
        ({"x-message-ttl": 1000, "x-max-length": 100000, "x-expires": 90000}, "x-expires",
         "received the value '90000' of type 'signedint' but current is none"),
    )
    for arguments, key, text in rows:
        refused(
            connection, lambda channel: declare(channel, name, arguments=arguments), 406, head.format(key) + text
        )


@scenario("amqp")
def queue_arguments_that_are_equal(ctx):
    """3.4: integers by value whatever their width, unknown arguments not at all, no type is classic"""
    connection = ctx.connection()
    name = ctx.name()
    declare(connection.channel(), name, arguments={"x-message-ttl": 60000, "x-mine": "a"})
    declare(connection.channel(), name, arguments={"x-message-ttl": 60000, "x-mine": "b", "other": [1]})
    declare(connection.channel(), name, arguments={"x-message-ttl": 60000, "x-queue-type": "classic"})
    for kind, packed in ((b"l", struct.pack(">q", 60000)), (b"I", struct.pack(">i", 60000)), (b"i", struct.pack(">I", 60000))):
        w = ctx.wire()
        table = b"\x0dx-message-ttl" + kind + packed
        # ticket, name, durable, table
        shortstr = bytes([len(name)]) + name.encode()
        w.send_raw_method(1, 50, 10, b"\0\0" + shortstr + b"\x02" + struct.pack(">I", len(table)) + table)
        w.expect(1, spec.Queue.DeclareOk)
        w.finish()


@scenario("amqp")
def queue_arguments_that_are_invalid(ctx):
    """3.5"""
    connection = ctx.connection()
    rows = (
        ("x-message-ttl", -70000, "{value_negative,-70000}"),
        ("x-message-ttl", "soon", '"expected integer, got longstr"'),
        ("x-expires", 0, "{value_zero,0}"),
        ("x-max-length", -1, "{value_negative,-1}"),
        ("x-max-priority", 256, "{max_value_exceeded,256}"),
        ("x-overflow", "explode", "invalid_overflow"),
        ("x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"),
        ("x-queue-type", "bogus", "\"unsupported queue type 'bogus'\""),
    )
    for key, value, text in rows:
        name = ctx.name()
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            declare(connection.channel(), name, arguments={key: value})
        expect(r.error.reply_code, 406)
        wanted = f"PRECONDITION_FAILED - invalid arg '{key}' for queue '{name}' in vhost '/': {text}"
        require(r.error.reply_text == wanted, f"got {r.error.reply_text!r}, expected {wanted!r}")
