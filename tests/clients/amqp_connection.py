# SPDX-License-Identifier: Apache-2.0
"""Negotiation, logins, heartbeats, frames and closing (rabbitmq.md section 1)."""

import struct
import time

import pika
import pika.exceptions
from pika import frame as frames
from pika import spec

import wire
from rig import Raises, declare, expect, expect_in, get, ready, require, scenario, until

LOGIN_REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism {}. For details see the broker logfile."
)


def closed_with(w, code, text, method=(0, 0), seconds=wire.DEADLINE):
    """connection.close with exactly this, then the end of the stream after our close-ok."""
    close = w.expect(0, spec.Connection.Close, seconds)
    expect((close.reply_code, close.reply_text), (code, text))
    expect((close.class_id, close.method_id), method, "failing method")
    w.send(0, spec.Connection.CloseOk())
    expect(w.at_end(), b"", "after close-ok")


@scenario("amqp")
def start_offers(ctx):
    """1.1, 1.4–1.6"""
    w = ctx.wire(opened=False)
    w.send_bytes(wire.HEADER)
    start = w.expect(0, spec.Connection.Start)
    expect((start.version_major, start.version_minor), (0, 9))
    expect(sorted(start.mechanisms.split()), [b"AMQPLAIN", b"PLAIN"] if isinstance(start.mechanisms, bytes) else ["AMQPLAIN", "PLAIN"])
    expect_in(start.locales, ("en_US", b"en_US"))
    properties = start.server_properties
    capabilities = (
        "publisher_confirms exchange_exchange_bindings basic.nack consumer_cancel_notify connection.blocked "
        "authentication_failure_close per_consumer_qos direct_reply_to"
    )
    if ctx.real:  # mqbridge says so when it has them
        capabilities += " consumer_priorities"
    expect(properties["capabilities"], {name: True for name in capabilities.split()})
    expect(properties["product"], "RabbitMQ")
    # 3.13.7 is what mqbridge says it is (DESIGN §7); the peer is Debian's 3.10.8.
    expect(properties["version"], "3.10.8" if ctx.real else "3.13.7")
    for key in ("cluster_name", "copyright", "information", "platform"):
        require(isinstance(properties.get(key), str), f"server property {key} is {properties.get(key)!r}")


@scenario("amqp")
def other_header_is_answered_with_ours(ctx):
    """1.2"""
    for header in (b"AMQP\x00\x00\x0a\x00", b"AMQP\x02\x00\x09\x01", b"GET / HTTP/1.1\r\n\r\n"):
        w = ctx.wire(opened=False)
        w.send_bytes(header)
        expect(w.at_end(), wire.HEADER, f"after {header!r}")


@scenario("amqp")
def tune_offers(ctx):
    """1.11"""
    w = ctx.wire()
    expect((w.tune.channel_max, w.tune.frame_max, w.tune.heartbeat), (2047, 131072, 60))


@scenario("amqp")
def tune_beyond_the_offer_ends_the_connection(ctx):
    """1.12: no close method, the socket ends after a moment"""
    refused = []
    for channel_max, frame_max in ((0, 131072), (2048, 131072), (2047, 0), (2047, 131073), (2047, 4095)):
        w = ctx.wire(opened=False)
        w.start()
        w.expect(0, spec.Connection.Tune)
        w.send(0, spec.Connection.TuneOk(channel_max, frame_max, 0))
        w.send(0, spec.Connection.Open("/"))
        refused.append((w, (channel_max, frame_max)))
    for w, asked in refused:
        expect(w.at_end(), b"", f"tune-ok {asked}")


@scenario("amqp")
def frame_max_is_kept(ctx):
    """1.11, 1.23: 4096 asked for, a body of 100 kB both ways"""
    w = ctx.wire(frame_max=4096)
    queue = w.call(1, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
    body = bytes(range(256)) * 400
    w.publish(1, "", queue, body)
    w.call(1, spec.Basic.Consume(queue=queue, no_ack=True), spec.Basic.ConsumeOk)
    content = w.expect(1, spec.Basic.Deliver)
    expect(content.body == body, True, "body")
    require(max(content.frame_sizes) <= 4096 - 8, f"a body frame of {max(content.frame_sizes)}")
    w.finish()


@scenario("amqp")
def channel_max_is_kept(ctx):
    """1.21"""
    w = ctx.wire(channel_max=1)
    w.send(2, spec.Channel.Open())
    close = w.expect(0, spec.Connection.Close)
    expect(close.reply_code, 530)
    expect(
        close.reply_text, "NOT_ALLOWED - number of channels opened (1) has reached the negotiated channel_max (1)"
    )


@scenario("amqp")
def heartbeats_both_ways(ctx):
    """1.13: with 1 s the broker sends them, and ends a connection that sends nothing"""
    w = ctx.wire(opened=False)
    w.open(heartbeat=1)
    began = time.monotonic()
    expect(w.frame(5), (8, 0, b""), "first frame")
    require(time.monotonic() - began < 3, "the first heartbeat came late")
    w.at_end(15)
    lasted = time.monotonic() - began
    require(1.5 < lasted < 10, f"a silent connection lasted {lasted:.1f} s")


@scenario("amqp")
def pika_with_heartbeats_stays(ctx):
    """1.13: idle for longer than two intervals"""
    connection = ctx.connection(heartbeat=1)
    channel = connection.channel()
    deadline = time.monotonic() + 3.5
    while time.monotonic() < deadline:
        connection.process_data_events(time_limit=0.5)
    declare(channel, ctx.name(), exclusive=True)


@scenario("amqp")
def wrong_password(ctx):
    """1.8, and what pika makes of it"""
    for user, password in (("guest", "wrong"), ("nobody", "guest"), ("guest", "")):
        w = ctx.wire(opened=False)
        w.start(user=user, password=password)
        close = w.expect(0, spec.Connection.Close)
        expect((close.reply_code, close.reply_text), (403, LOGIN_REFUSED.format("PLAIN")))
        expect((close.class_id, close.method_id), (0, 0))
    with Raises(pika.exceptions.ProbableAuthenticationError) as r:
        ctx.connection(credentials=pika.PlainCredentials("guest", "wrong"))
    require("403" in str(r.error) and LOGIN_REFUSED.format("PLAIN") in str(r.error), f"pika says {r.error!r}")


@scenario("amqp")
def wrong_password_without_the_capability(ctx):
    """1.9, and 1.10 for an unknown mechanism: nothing is said, the socket ends"""
    silent = ctx.wire(opened=False)
    silent.start(password="wrong", capabilities={})
    unknown = ctx.wire(opened=False)
    unknown.start(mechanism="EXTERNAL", response="")
    expect(silent.at_end(), b"", "without authentication_failure_close")
    expect(unknown.at_end(), b"", "mechanism EXTERNAL")


@scenario("amqp")
def amqplain_logs_in(ctx):
    """1.7: a field table without its length"""

    def field(key, value):
        return struct.pack(">B", len(key)) + key + b"S" + struct.pack(">I", len(value)) + value

    w = ctx.wire(opened=False)
    w.start(mechanism="AMQPLAIN", response=(field(b"LOGIN", b"guest") + field(b"PASSWORD", b"guest")).decode("latin-1"))
    w.expect(0, spec.Connection.Tune)
    w = ctx.wire(opened=False)
    w.start(mechanism="AMQPLAIN", response=(field(b"LOGIN", b"guest") + field(b"PASSWORD", b"gust")).decode("latin-1"))
    close = w.expect(0, spec.Connection.Close)
    expect((close.reply_code, close.reply_text), (403, LOGIN_REFUSED.format("AMQPLAIN")))


@scenario("amqp")
def vhost_that_is_not_there(ctx):
    """1.15, and what pika makes of it"""
    w = ctx.wire(opened=False)
    w.start()
    w.expect(0, spec.Connection.Tune)
    w.send(0, spec.Connection.TuneOk(2047, 131072, 0), spec.Connection.Open("nosuch"))
    closed_with(w, 530, "NOT_ALLOWED - vhost nosuch not found", (10, 40))
    with Raises(pika.exceptions.AMQPConnectionError) as r:
        ctx.connection(virtual_host="nosuch")
    require("530" in str(r.error), f"pika says {r.error!r}")


@scenario("amqp")
def two_vhosts_that_are_not_there(ctx):
    """1.15: the name in the text is what the client asked for"""
    for vhost in ("a/b", "élan"):
        with Raises(pika.exceptions.AMQPConnectionError) as r:
            ctx.connection(virtual_host=vhost)
        require(f"NOT_ALLOWED - vhost {vhost} not found" in str(r.error), f"pika says {r.error!r}")


@scenario("amqp")
def client_closes(ctx):
    """1.19: close-ok; exclusive queues gone at once; the unacknowledged back"""
    other = ctx.channel()
    kept, exclusive = ctx.name(), ctx.name()
    declare(other, kept)
    other.basic_publish("", kept, b"once")
    w = ctx.wire()
    w.call(1, spec.Queue.Declare(queue=exclusive, exclusive=True), spec.Queue.DeclareOk)
    w.call(1, spec.Basic.Get(queue=kept), spec.Basic.GetOk)
    w.finish()
    method, _, body = get(other, kept, auto_ack=True)
    expect((body, method.redelivered), (b"once", True))
    declare(other, exclusive, durable=False)


@scenario("amqp")
def client_vanishes(ctx):
    """1.20: a reset is as good as a close"""
    other = ctx.channel()
    queue, exclusive = ctx.name(), ctx.name()
    declare(other, queue)
    other.basic_publish("", queue, b"once")
    w = ctx.wire()
    w.call(1, spec.Queue.Declare(queue=exclusive, exclusive=True), spec.Queue.DeclareOk)
    w.call(1, spec.Basic.Consume(queue=queue), spec.Basic.ConsumeOk)
    w.expect(1, spec.Basic.Deliver)
    expect(ready(other, queue), 0)
    w.abort()
    method, _, _ = get(other, queue, auto_ack=True)
    expect(method.redelivered, True)

    def declared():
        channel = other.connection.channel()
        try:
            declare(channel, exclusive, durable=False)
        except pika.exceptions.ChannelClosedByBroker as closed:
            expect(closed.reply_code, 405)
            return False
        return True

    until(declared, "the exclusive queue of a lost connection goes")


@scenario("amqp")
def server_closes(ctx):
    """1.22, 1.19: after connection.close every frame but close-ok is ignored"""
    w = ctx.wire()
    w.channel(2)
    w.send(1, spec.Basic.Qos(prefetch_size=10))
    close = w.expect(0, spec.Connection.Close)
    expect((close.reply_code, close.class_id, close.method_id), (540, 60, 10))
    w.send(2, spec.Queue.Declare(queue=ctx.name()), spec.Basic.Recover(requeue=False))
    w.send(0, spec.Connection.CloseOk())
    expect(w.at_end(), b"", "after close-ok")


@scenario("amqp")
def crossing_closes(ctx):
    """1.19: a connection.close of the client that crosses the broker's is answered"""
    w = ctx.wire()
    w.send(1, spec.Basic.Qos(prefetch_size=10))
    w.expect(0, spec.Connection.Close)
    w.call(0, spec.Connection.Close(200, "", 0, 0), spec.Connection.CloseOk)


@scenario("amqp")
def bad_frames(ctx):
    """1.22: framing errors end the connection with 501 or 505"""
    rows = (
        (struct.pack(">BHI", 1, 1, 4) + b"\x00\x3c\x00\x0a\xcf", 501,
         "FRAME_ERROR - type 1, all octets = <<0,60,0,10>>: {invalid_frame_end_marker,207}"),
        (struct.pack(">BHI", 1, 1, 10000000), 501,
         "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,10000000,131064}"),
        (struct.pack(">BHI", 8, 1, 0) + b"\xce", 505, "UNEXPECTED_FRAME - type 8, all octets = <<>>"),
    )
    for data, code, text in rows:
        w = ctx.wire()
        w.send_bytes(data)
        close = w.expect(0, spec.Connection.Close)
        expect((close.reply_code, close.reply_text), (code, text))
    w = ctx.wire()
    w.send_bytes(struct.pack(">BHI", 9, 1, 0) + b"\xce")
    close = w.expect(0, spec.Connection.Close)
    expect(close.reply_code, 501)
    require("unknown_frame" in close.reply_text, close.reply_text)


@scenario("amqp")
def frames_out_of_place(ctx):
    """1.22: method instead of content, unopened channel, channel opened twice"""
    publish = spec.Basic.Publish(exchange="", routing_key="none")
    rows = (
        (1, [publish, spec.Queue.Declare(exclusive=True)], 505,
         "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"),
        (7, [spec.Queue.Declare(exclusive=True)], 504, "CHANNEL_ERROR - expected 'channel.open'"),
        (1, [spec.Channel.Open()], 504, "CHANNEL_ERROR - second 'channel.open' seen"),
    )
    for channel, methods, code, text in rows:
        w = ctx.wire()
        w.send(channel, *methods)
        close = w.expect(0, spec.Connection.Close)
        expect((close.reply_code, close.reply_text), (code, text))


@scenario("amqp")
def unknown_method_ends_the_connection(ctx):
    """1.22: no close method"""
    w = ctx.wire()
    w.send_raw_method(1, 61, 10)
    w.at_end()


@scenario("amqp")
def small_methods(ctx):
    """1.18 update-secret, 1.25 flow, 1.28 access.request"""
    w = ctx.wire()
    expect(w.call(1, spec.Channel.Flow(active=True), spec.Channel.FlowOk).active, True)
    w.send_raw_method(1, 30, 10, b"\x05/data\x1f")
    expect(w.frame(), (1, 1, struct.pack(">HHH", 30, 11, 1)), "access.request-ok")
    w.send_raw_method(0, 10, 70, struct.pack(">I", 5) + b"guest" + b"\x03old")
    expect(w.frame(), (1, 0, struct.pack(">HH", 10, 71)), "connection.update-secret-ok")
    w.send(1, spec.Channel.Flow(active=False))
    closed_with(w, 540, "NOT_IMPLEMENTED - active=false", (20, 20))


@scenario("amqp")
def channel_error_leaves_the_others(ctx):
    """1.26: the connection and its other channels live, the number is free at once"""
    w = ctx.wire()
    w.channel(2)
    queue = w.call(2, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
    w.send(1, spec.Queue.Declare(queue=ctx.name(), passive=True))
    expect(w.expect(1, spec.Channel.Close).reply_code, 404)
    # Until close-ok everything on the channel is discarded, content too.
    w.publish(1, "", queue, b"discarded")
    w.send(1, spec.Queue.Declare(queue=queue, passive=True))
    w.send(1, spec.Channel.CloseOk())
    w.channel(1)
    w.publish(1, "", queue, b"kept")
    content = None
    while content is None:
        w.send(2, spec.Basic.Get(queue=queue, no_ack=True))
        answer = w.read(2)
        content = answer if isinstance(answer, wire.Content) else None
    expect(content.body, b"kept")
    w.finish()


@scenario("amqp")
def channel_closes_in_both_directions(ctx):
    """1.26: channel.close of the client, and one that crosses the broker's"""
    w = ctx.wire()
    for _ in range(3):
        w.call(1, spec.Channel.Close(200, "", 0, 0), spec.Channel.CloseOk)
        w.channel(1)
    w.send(1, spec.Queue.Declare(queue=ctx.name(), passive=True), spec.Channel.Close(200, "", 0, 0))
    w.expect(1, spec.Channel.Close)
    w.expect(1, spec.Channel.CloseOk)
    w.send(1, spec.Channel.CloseOk())
    w.channel(1)
    w.finish()


@scenario("amqp")
def channels_interleave(ctx):
    """Contents of several channels in turns of single frames on one socket"""
    w = ctx.wire(frame_max=4096)
    numbers = range(1, 6)
    queues, streams = {}, {}
    for number in numbers:
        if number != 1:
            w.channel(number)
        queues[number] = w.call(number, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
        method = frames.Method(number, spec.Basic.Publish(exchange="", routing_key=queues[number])).marshal()
        streams[number] = [method, *w.content_frames(number, bytes([number]) * 20000)]
    for turn in range(max(map(len, streams.values()))):
        w.send_bytes(b"".join(streams[number][turn] for number in numbers))
    for number in numbers:
        w.send(number, spec.Basic.Get(queue=queues[number], no_ack=True))
    for number in numbers:
        content = w.expect(number, spec.Basic.GetOk)
        expect(content.body == bytes([number]) * 20000, True, f"body of channel {number}")
    w.finish()


@scenario("amqp")
def pipelining_answers_in_order(ctx):
    """1.27: many methods at once without waiting"""
    w = ctx.wire()
    queue, exchange = ctx.name(), ctx.name("x")
    w.send(
        1,
        spec.Exchange.Declare(exchange=exchange, type="fanout", durable=True),
        spec.Queue.Declare(queue=queue, durable=True),
        spec.Queue.Bind(queue=queue, exchange=exchange),
        spec.Confirm.Select(),
        spec.Basic.Consume(queue=queue, consumer_tag="c", no_ack=True),
    )
    w.publish(1, exchange, "", b"one", spec.BasicProperties(delivery_mode=2))
    w.send(1, spec.Queue.Declare(queue=queue, passive=True))
    for kind in (spec.Exchange.DeclareOk, spec.Queue.DeclareOk, spec.Queue.BindOk, spec.Confirm.SelectOk):
        w.expect(1, kind)
    # RabbitMQ's queue itself says consume-ok, so it may overtake or be overtaken; deliver comes after it.
    rest = [type(m.method if isinstance(m, wire.Content) else m) for m in (w.read(1) for _ in range(4))]
    expect(set(rest), {spec.Basic.ConsumeOk, spec.Basic.Deliver, spec.Basic.Ack, spec.Queue.DeclareOk})
    require(rest.index(spec.Basic.ConsumeOk) < rest.index(spec.Basic.Deliver), "deliver before consume-ok")
    w.finish()
