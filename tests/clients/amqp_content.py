# SPDX-License-Identifier: Apache-2.0
"""Bodies, properties and headers come back as they went (rabbitmq.md 1.23, 4.7)."""

import datetime
import decimal
import struct

import pika
from pika import frame as frames
from pika import spec

from rig import declare, expect, get, require, scenario, take


@scenario("amqp")
def body_of_ten_mebibytes(ctx):
    """In 80 frames, both ways, by get and by a consumer"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.confirm_delivery()
    body = struct.pack(">I", 0x01020304) * (10 * 1024 * 256)
    for mode in (1, 2):
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=mode))
    require(get(channel, queue, auto_ack=True)[2] == body, "the body by get differs")
    require(take(channel, queue, 1)[0][2] == body, "the body of a delivery differs")


@scenario("amqp")
def bodies_at_the_frame_limit(ctx):
    """1.23: none, one octet, just below, at and above one and two frames"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    room = 131072 - 8
    sizes = (0, 1, room - 1, room, room + 1, 2 * room, 2 * room + 1)
    for size in sizes:
        channel.basic_publish("", queue, bytes([size % 251]) * size)
    for size, (_, _, body) in zip(sizes, take(channel, queue, len(sizes))):
        require(body == bytes([size % 251]) * size, f"body of {size} came as {len(body)} octets")


@scenario("amqp")
def body_in_tiny_frames(ctx):
    """1.23: the client cuts as it likes; empty body frames in between are nothing"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
    out = frames.Method(1, spec.Basic.Publish(exchange="", routing_key=queue)).marshal()
    out += frames.Header(1, 300, spec.BasicProperties()).marshal()
    out += b"".join(frames.Body(1, bytes([i % 256])).marshal() for i in range(300))
    for at in range(0, len(out), 17):
        w.send_bytes(out[at : at + 17])
    w.call(1, spec.Basic.Consume(queue=queue, no_ack=True), spec.Basic.ConsumeOk)
    expect(w.expect(1, spec.Basic.Deliver).body, bytes(i % 256 for i in range(300)))


@scenario("amqp")
def properties_round_trip(ctx):
    """4.7: all fourteen (cluster_id too), each alone, and none"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    every = {
        "content_type": "application/json", "content_encoding": "gzip", "headers": {"k": "v"}, "delivery_mode": 2,
        "priority": 7, "correlation_id": "corr/1", "reply_to": "answers", "expiration": "3600000",
        "message_id": "m-1", "timestamp": 1700000000, "type": "order.new", "user_id": "guest", "app_id": "shop",
        "cluster_id": "c",
    }
    rows = [every, {}, *({key: value} for key, value in every.items()), {"delivery_mode": 1}, {"priority": 0}, {"headers": {}}]
    for given in rows:
        channel.basic_publish("", queue, b"m", pika.BasicProperties(**given))
    for given, (_, properties, _) in zip(rows, take(channel, queue, len(rows))):
        expect(properties, pika.BasicProperties(**given))


@scenario("amqp")
def headers_of_every_type(ctx):
    """4.7: what pika can encode (no floats; 1.2 reads negative longs wrongly)"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    table = {
        "bool": True, "no": False, "small": 1, "negative": -5, "int": 2**31 - 1, "long": 2**40, "longer": 2**62,
        "text": "ünïcode", "empty": "", "bytes": b"\x00\xff\xfe", "none": None,
        "time": datetime.datetime(2024, 2, 29, 12, 30, 15, tzinfo=datetime.timezone.utc),
        "decimal": decimal.Decimal("3.14"), "array": [1, "two", None, [True, 25], {"in": "array"}],
        "table": {"nested": {"deeper": [{"x": 1}]}, "n": 1}, "empty array": [], "empty table": {},
        "key with blanks": "v", "k" * 128: "long key",
    }
    channel.basic_publish("", queue, b"m", pika.BasicProperties(headers=table))
    got = take(channel, queue, 1)[0][1].headers
    # pika decodes times without a zone; octets that are not UTF-8 come as bytes.
    got["time"] = got["time"].replace(tzinfo=datetime.timezone.utc)
    for key, value in table.items():
        expect(got.get(key), value, f"header {key!r}")
    expect(list(got), list(table), "order of the headers")


@scenario("amqp")
def content_header_byte_for_byte(ctx):
    """4.7: every wire type, duplicate keys, unsorted; the header frame comes back as it went"""

    def field(key, kind, value):
        return bytes([len(key)]) + key + kind + value

    table = b"".join((
        field(b"z", b"t", b"\x01"), field(b"b", b"b", b"\xfe"), field(b"B", b"B", b"\xfe"), field(b"s", b"s", b"\xff\x00"),
        field(b"u", b"u", b"\xff\x00"), field(b"I", b"I", b"\x80\x00\x00\x00"), field(b"i", b"i", b"\xff\x00\x00\x00"),
        field(b"l", b"l", b"\x80" + b"\x00" * 7), field(b"f", b"f", struct.pack(">f", 1.5)),
        field(b"d", b"d", struct.pack(">d", -2.25)), field(b"D", b"D", b"\x02\x00\x00\x01\x3a"),
        field(b"S", b"S", b"\x00\x00\x00\x03a\x00b"), field(b"x", b"x", b"\x00\x00\x00\x02\xff\x00"),
        field(b"T", b"T", struct.pack(">Q", 1700000000)), field(b"V", b"V", b""),
        field(b"A", b"A", b"\x00\x00\x00\x04t\x00t\x01"), field(b"F", b"F", b"\x00\x00\x00\x04\x01qt\x00"),
        field(b"a", b"I", b"\x00\x00\x00\x01"), field(b"a", b"I", b"\x00\x00\x00\x02"),
    ))
    # Flags: content_type, headers, delivery_mode, priority.
    properties = b"\xb8\x00" + b"\x0atext/plain" + struct.pack(">I", len(table)) + table + b"\x02\x00"
    payload = struct.pack(">HHQ", 60, 0, 4) + properties
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    w.send(1, spec.Basic.Publish(exchange="", routing_key=queue))
    w.send_bytes(struct.pack(">BHI", 2, 1, len(payload)) + payload + b"\xce" + frames.Body(1, b"body").marshal())
    w.send(1, spec.Basic.Consume(queue=queue))
    w.expect(1, spec.Basic.ConsumeOk)
    kind, channel, method = w.frame()
    expect((kind, channel, method[:4]), (1, 1, struct.pack(">HH", 60, 60)))
    kind, _, header = w.frame()
    expect((kind, header), (2, payload), "content header")
    expect(w.frame(), (3, 1, b"body"))
    w.finish()


@scenario("amqp")
def copies_carry_cc_keys(ctx):
    """2.17: CC and BCC are further routing keys; CC stays, BCC goes"""
    channel = ctx.channel()
    queues = [declare(channel, ctx.name()) for _ in range(3)]
    channel.confirm_delivery()
    channel.basic_publish(
        "", queues[0], b"m", pika.BasicProperties(headers={"CC": [queues[1]], "BCC": [queues[2], queues[0]], "k": 1})
    )
    for queue in queues:
        method, properties, _ = get(channel, queue, auto_ack=True)
        expect((method.message_count, method.routing_key), (0, queues[0]))
        expect(properties.headers, {"CC": [queues[1]], "k": 1})
