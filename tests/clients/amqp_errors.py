# SPDX-License-Identifier: Apache-2.0
"""Refusals as (code, text, class and method of the offender), one table of rows.

A channel's: the connection must live on and the number be free again. A
connection's: the socket must end."""

from pika import spec

from rig import expect, scenario

EXCHANGE, QUEUE, BASIC = 40, 50, 60
CHANNEL, CONNECTION = "channel", "connection"
DEFAULT_EXCHANGE = "ACCESS_REFUSED - operation not permitted on the default exchange"


def refusals(ctx, rows):
    """row: (method, whose, code, text, (class, method)); None for a text that is not compared."""
    w = None
    for method, whose, code, text, offender in rows:
        w = w or ctx.wire()
        w.send(1, method)
        channel, kind = (1, spec.Channel.Close) if whose == CHANNEL else (0, spec.Connection.Close)
        close = w.expect(channel, kind)
        what = repr(method)
        expect(close.reply_code, code, what)
        if text is not None:
            expect(close.reply_text, text, what)
        expect((close.class_id, close.method_id), offender, what)
        if whose == CHANNEL:
            w.send(1, spec.Channel.CloseOk())
            w.channel(1)
        else:
            w.send(0, spec.Connection.CloseOk())
            expect(w.at_end(), b"", what)
            w = None


@scenario("amqp")
def nothing_of_that_name(ctx):
    """404: 2.6, 2.10, 2.11, 3.9, 3.12, 4.11"""
    q, x = ctx.name("nosuch"), ctx.name("nosuch")
    no_queue, no_exchange = f"NOT_FOUND - no queue '{q}' in vhost '/'", f"NOT_FOUND - no exchange '{x}' in vhost '/'"
    mine = ctx.name()
    ctx.channel().queue_declare(mine)
    refusals(ctx, (
        (spec.Exchange.Declare(exchange=x, type="direct", passive=True), CHANNEL, 404, no_exchange, (EXCHANGE, 10)),
        (spec.Queue.Declare(queue=q, passive=True), CHANNEL, 404, no_queue, (QUEUE, 10)),
        (spec.Queue.Purge(queue=q), CHANNEL, 404, no_queue, (QUEUE, 30)),
        (spec.Queue.Bind(queue=q, exchange="amq.direct"), CHANNEL, 404, no_queue, (QUEUE, 20)),
        (spec.Queue.Bind(queue=mine, exchange=x), CHANNEL, 404, no_exchange, (QUEUE, 20)),
        (spec.Exchange.Bind(destination=x, source="amq.direct"), CHANNEL, 404, no_exchange, (EXCHANGE, 30)),
        (spec.Exchange.Bind(destination="amq.direct", source=x), CHANNEL, 404, no_exchange, (EXCHANGE, 30)),
        (spec.Basic.Consume(queue=q), CHANNEL, 404, no_queue, (BASIC, 20)),
        (spec.Basic.Get(queue=q), CHANNEL, 404, no_queue, (BASIC, 70)),

    ))


@scenario("amqp")
def unbinding_from_nothing(ctx):
    """2.10, 2.11: unbind-ok also when queue or exchange is missing"""
    w = ctx.wire()
    none = ctx.name("nosuch")
    w.call(1, spec.Queue.Unbind(queue=none, exchange="amq.direct", routing_key="k"), spec.Queue.UnbindOk)
    w.call(1, spec.Exchange.Unbind(destination=none, source="amq.direct"), spec.Exchange.UnbindOk)
    w.finish()


@scenario("amqp")
def default_exchange_is_not_touched(ctx):
    """403: 2.2"""
    queue = ctx.name()
    ctx.channel().queue_declare(queue)
    refusals(ctx, (
        (spec.Exchange.Declare(exchange="", type="direct"), CHANNEL, 403, DEFAULT_EXCHANGE, (EXCHANGE, 10)),
        (spec.Exchange.Declare(exchange="", type="direct", passive=True), CHANNEL, 403, DEFAULT_EXCHANGE, (EXCHANGE, 10)),
        (spec.Exchange.Delete(exchange=""), CHANNEL, 403, DEFAULT_EXCHANGE, (EXCHANGE, 20)),
        (spec.Queue.Bind(queue=queue, exchange="", routing_key="k"), CHANNEL, 403, DEFAULT_EXCHANGE, (QUEUE, 20)),
        (spec.Queue.Unbind(queue=queue, exchange="", routing_key="k"), CHANNEL, 403, DEFAULT_EXCHANGE, (QUEUE, 50)),
        (spec.Exchange.Bind(destination="amq.fanout", source=""), CHANNEL, 403, DEFAULT_EXCHANGE, (EXCHANGE, 30)),
        (spec.Exchange.Bind(destination="", source="amq.fanout"), CHANNEL, 403, DEFAULT_EXCHANGE, (EXCHANGE, 30)),
    ))


@scenario("amqp")
def reserved_names(ctx):
    """403: 2.5, 2.7, 3.10"""
    name = "amq." + ctx.name("mine")
    refusals(ctx, (
        (spec.Exchange.Declare(exchange=name, type="direct"), CHANNEL, 403,
         f"ACCESS_REFUSED - exchange name '{name}' contains reserved prefix 'amq.*'", (EXCHANGE, 10)),
        (spec.Queue.Declare(queue=name), CHANNEL, 403,
         f"ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'", (QUEUE, 10)),
        (spec.Exchange.Delete(exchange="amq.direct"), CHANNEL, 403,
         "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed", (EXCHANGE, 20)),
        (spec.Exchange.Declare(exchange=name, type="direct", passive=True), CHANNEL, 404, None, (EXCHANGE, 10)),
        (spec.Queue.Declare(queue=name, passive=True), CHANNEL, 404, None, (QUEUE, 10)),
    ))


@scenario("amqp")
def exchange_in_use(ctx):
    """406: 2.7; as source, not as destination"""
    channel = ctx.channel()
    exchange, other, queue = ctx.name("x"), ctx.name("x"), ctx.name()
    channel.queue_declare(queue)
    channel.exchange_declare(exchange, exchange_type="fanout")
    channel.exchange_declare(other, exchange_type="fanout")
    channel.queue_bind(queue, exchange)
    channel.exchange_bind(other, exchange)
    refusals(ctx, (
        (spec.Exchange.Delete(exchange=exchange, if_unused=True), CHANNEL, 406,
         f"PRECONDITION_FAILED - exchange '{exchange}' in vhost '/' in use", (EXCHANGE, 20)),
    ))
    channel.exchange_delete(other, if_unused=True)
    channel.queue_unbind(queue, exchange)
    channel.exchange_delete(exchange, if_unused=True)


@scenario("amqp")
def internal_exchange(ctx):
    """403: 2.9"""
    exchange = ctx.name("x")
    channel = ctx.channel()
    channel.exchange_declare(exchange, exchange_type="fanout", internal=True)
    w = ctx.wire()
    w.publish(1, exchange, "k", b"m")
    close = w.expect(1, spec.Channel.Close)
    expect(
        (close.reply_code, close.reply_text, close.class_id, close.method_id),
        (403, f"ACCESS_REFUSED - cannot publish to internal exchange '{exchange}' in vhost '/'", BASIC, 40),
    )
    # It still passes on what comes from other exchanges.
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange)
    source = ctx.name("x")
    channel.exchange_declare(source, exchange_type="fanout")
    channel.exchange_bind(exchange, source)
    channel.confirm_delivery()
    channel.basic_publish(source, "", b"through")
    expect(channel.basic_get(queue, auto_ack=True)[2], b"through")


@scenario("amqp")
def exclusive_queue_of_another(ctx):
    """405: 3.6; publishing to it is fine"""
    owner = ctx.channel()
    queue = ctx.name()
    owner.queue_declare(queue, exclusive=True)
    text = (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. It could be originally "
        "declared on another connection or the exclusive property value does not match that of the original declaration."
    )
    refusals(ctx, (
        (spec.Queue.Declare(queue=queue, exclusive=True), CHANNEL, 405, text, (QUEUE, 10)),
        (spec.Queue.Declare(queue=queue), CHANNEL, 405, text, (QUEUE, 10)),
        (spec.Queue.Declare(queue=queue, passive=True), CHANNEL, 405, text, (QUEUE, 10)),
        (spec.Queue.Bind(queue=queue, exchange="amq.direct"), CHANNEL, 405, text, (QUEUE, 20)),
        (spec.Queue.Purge(queue=queue), CHANNEL, 405, text, (QUEUE, 30)),
        (spec.Queue.Delete(queue=queue), CHANNEL, 405, text, (QUEUE, 40)),
        (spec.Basic.Consume(queue=queue), CHANNEL, 405, text, (BASIC, 20)),
        (spec.Basic.Get(queue=queue), CHANNEL, 405, text, (BASIC, 70)),
    ))
    other = ctx.channel()
    other.confirm_delivery()
    other.basic_publish("", queue, b"in", mandatory=True)
    expect(owner.basic_get(queue, auto_ack=True)[2], b"in")


@scenario("amqp")
def exchange_type_that_nobody_knows(ctx):
    """503: 2.4"""
    refusals(ctx, (
        (spec.Exchange.Declare(exchange=ctx.name("x"), type="bogus"), CONNECTION, 503,
         "COMMAND_INVALID - unknown exchange type 'bogus'", (EXCHANGE, 10)),
    ))


@scenario("amqp")
def consumer_tag_twice(ctx):
    """530: 4.11"""
    queue = ctx.name()
    ctx.channel().queue_declare(queue)
    w = ctx.wire()
    w.call(1, spec.Basic.Consume(queue=queue, consumer_tag="t"), spec.Basic.ConsumeOk)
    w.send(1, spec.Basic.Consume(queue=queue, consumer_tag="t"))
    close = w.expect(0, spec.Connection.Close)
    expect(
        (close.reply_code, close.reply_text, close.class_id, close.method_id),
        (530, "NOT_ALLOWED - attempt to reuse consumer tag 't'", BASIC, 20),
    )
    # On another channel it is another consumer's.
    w = ctx.wire()
    w.channel(2)
    for channel in (1, 2):
        w.call(channel, spec.Basic.Consume(queue=queue, consumer_tag="t"), spec.Basic.ConsumeOk)


@scenario("amqp")
def method_of_the_server(ctx):
    """503: 4.28, what only a server sends"""
    for method in (spec.Queue.DeclareOk(queue="q", message_count=0, consumer_count=0), spec.Basic.GetEmpty()):
        w = ctx.wire()
        w.send(1, method)
        close = w.expect(0, spec.Connection.Close)
        expect((close.reply_code, close.reply_text), (503, "COMMAND_INVALID - unimplemented method"), repr(method))


@scenario("amqp")
def arguments_that_do_not_decode(ctx):
    """1.22: 501 with the octets; that connection ends, no other is disturbed"""
    other = ctx.channel()
    rows = (
        (b"\0\0\x01q\0\0\0\0\x10\x01a", "0,0,1,113,0,0,0,0,16,1,97", True),
        (b"\0\0\xffq", "0,0,255,113", True),
        (b"\0\0\x01q\0\0\0\0\0xx", "0,0,1,113,0,0,0,0,0,120,120", True),
        # A kind that is none, a table that is longer than the one around it: RabbitMQ's
        # reader dies of them without a word (measured on 3.10.8).
        (b"\0\0\x01q\0\0\0\0\x03\x01a?", "0,0,1,113,0,0,0,0,3,1,97,63", False),
        (b"\0\0\x01q\0\0\0\0\x08\x01aF\0\0\0\xffx", "0,0,1,113,0,0,0,0,8,1,97,70,0,0,0,255,120", False),
    )
    for arguments, octets, said_by_rabbitmq in rows:
        w = ctx.wire()
        w.send_raw_method(1, 50, 10, arguments)
        if said_by_rabbitmq or not ctx.real:
            close = w.expect(0, spec.Connection.Close)
            expect((close.reply_code, close.reply_text), (501, f"FRAME_ERROR - cannot decode <<{octets}>>"))
            expect((close.class_id, close.method_id), (QUEUE, 10))
            w.send(0, spec.Connection.CloseOk())
        w.at_end()
        other.queue_declare("", exclusive=True)


def closes(ctx, rows):
    """row: (octets on an opened channel 1, code, text, (class, method)) of connection.close."""
    for octets, code, text, offender in rows:
        w = ctx.wire()
        w.send_bytes(octets)
        close = w.expect(0, spec.Connection.Close)
        expect((close.reply_code, close.reply_text), (code, text), repr(octets))
        expect((close.class_id, close.method_id), offender, repr(octets))
        w.send(0, spec.Connection.CloseOk())
        w.at_end()


def frame(kind, channel, payload):
    return bytes([kind]) + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce"


def published(header, *more):
    """basic.publish, a content header of these octets behind class and weight, further frames."""
    return frame(1, 1, b"\0\x3c\0\x28\0\0\0\1q\0") + frame(2, 1, b"\0\x3c\0\0" + header) + b"".join(more)


@scenario("amqp")
def malformed_contents(ctx):
    """1.22: 541 without a text; a body that is too long never ends"""
    empty, two = b"\0" * 8, b"\0" * 7 + b"\2"
    nothing = (541, "INTERNAL_ERROR", (0, 0))
    closes(ctx, [(published(empty + flags), *nothing) for flags in (
        b"", b"\0", b"\x80\0", b"\x80\0\5ab", b"\0\0z", b"\0\1\0\0", b"\x20\0\0\0\0\x10\1a", b"\x20\0\0\0\0\3\1a?",
        b"\x20\0\0\0\0\7\1aF\0\0\0\4\1bt\1",
    )])
    text = "UNEXPECTED_FRAME - expected content body, got non content body frame instead"
    longer = frame(3, 1, b"abc"), frame(3, 1, b"d"), frame(1, 1, b"\0\x14\0\x14\1")
    closes(ctx, [(published(two + b"\0\0", *longer), 505, text, (BASIC, 40))])
    # A flag of no property is ignored.
    w = ctx.wire()
    w.send_bytes(published(empty + b"\0\2"))
    w.call(1, spec.Channel.Flow(active=True), spec.Channel.FlowOk)


@scenario("amqp")
def malformed_methods(ctx):
    """1.22: on channel 0 541 without a text; arguments before direction and channel; texts in UTF-8"""
    nothing = (541, "INTERNAL_ERROR", (0, 0))
    state = (504, "CHANNEL_ERROR - unexpected method in connection state running")
    text = (501, "FRAME_ERROR - Malformed UTF-8 in shortstr")
    closes(ctx, (
        (frame(1, 0, b"\0\x0a\0\x32\0"), *nothing),
        (frame(1, 0, b"\0\x0a\0\x33\0"), *nothing),
        (frame(1, 0, b"\0\x0a\0\x46\0\0\0\x09a"), *nothing),
        (frame(1, 0, b"\0\x0a\0\x33"), *state, (10, 51)),
        (frame(1, 0, b"\0\x0a\0\x28\1/\0\0"), *state, (10, 40)),
        (frame(1, 0, b"\0\x5a\0\x0a"), *state, (90, 10)),
        (frame(1, 1, b"\0\x14\0\x29"), 503, "COMMAND_INVALID - unimplemented method", (20, 41)),
        (frame(1, 1, b"\0\x32\0\x0b"), 501, "FRAME_ERROR - cannot decode <<>>", (QUEUE, 11)),
        (frame(1, 7, b"\0\x3c\0\x0a\0"), 501, "FRAME_ERROR - cannot decode <<0>>", (BASIC, 10)),
        (frame(1, 1, b"\0\x3c\0\x46\0\0\2\xff\xfe\0"), *text, (0, 0)),
        (frame(1, 7, b"\0\x14\0\x0a\1\x80"), *text, (0, 0)),
        (frame(1, 0, b"\0\x0a\0\x32\0\xc8\1\xff\0\0\0\0"), *text, (10, 50)),
    ))


@scenario("amqp")
def opened_again_too_early(ctx):
    """1.26: not before close-ok"""
    w = ctx.wire()
    w.send(1, spec.Queue.Declare(queue=ctx.name("nosuch"), passive=True))
    w.expect(1, spec.Channel.Close)
    w.send(1, spec.Channel.Open())
    close = w.expect(0, spec.Connection.Close)
    expect((close.reply_code, close.reply_text), (504, "CHANNEL_ERROR - second 'channel.open' seen"))


@scenario("amqp")
def expiration_too_large(ctx):
    """4.4: more than ten years"""
    for value, code in (("315360000000", None), ("315360000001", 406), ("+0315360000001", 406)):
        w = ctx.wire()
        w.publish(1, "", ctx.name("nosuch"), b"m", spec.BasicProperties(expiration=value))
        if code is None:
            w.call(1, spec.Channel.Flow(active=True), spec.Channel.FlowOk)
            continue
        text = f"PRECONDITION_FAILED - invalid expiration '{value}': {{value_too_large,315360000001}}"
        close = w.expect(1, spec.Channel.Close)
        expect((close.reply_code, close.reply_text), (code, text))


@scenario("amqp")
def consumer_arguments(ctx):
    """3.20, 4.16: types are checked"""
    queue = ctx.name()
    ctx.channel().queue_declare(queue)
    w = ctx.wire()
    for arguments in ({"x-cancel-on-ha-failover": True}, {"x-priority": -3}, {"unknown": "x"}):
        w.call(1, spec.Basic.Consume(queue=queue, arguments=arguments), spec.Basic.ConsumeOk)
    refusals(ctx, (
        (spec.Basic.Consume(queue=queue, arguments={"x-cancel-on-ha-failover": 1}), CHANNEL, 406,
         f"PRECONDITION_FAILED - invalid arg 'x-cancel-on-ha-failover' for queue '{queue}' in vhost '/': "
         "{unacceptable_type,signedint}", (BASIC, 20)),
        (spec.Basic.Consume(queue=queue, arguments={"x-priority": "a"}), CHANNEL, 406,
         f"PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{queue}' in vhost '/': \"expected integer, got longstr\"",
         (BASIC, 20)),
    ))


@scenario("amqp", "mqbridge")
def tables_nested_deeply(ctx):
    """Thousands of levels in one frame are refused (RabbitMQ takes them); a hundred are fine"""

    def nested(levels):
        table = b""
        for _ in range(levels):
            table = b"\x01aF" + len(table).to_bytes(4, "big") + table
        return b"\0\0\0\x08" + len(table).to_bytes(4, "big") + table

    w = ctx.wire()
    w.send_raw_method(1, 50, 10, nested(90))
    w.expect(1, spec.Queue.DeclareOk)
    w.send_raw_method(1, 50, 10, nested(18000))
    expect(w.expect(0, spec.Connection.Close).reply_code, 501)
