# SPDX-License-Identifier: Apache-2.0
"""Direct reply-to (rabbitmq.md 4.26), and requests with a reply queue each."""

import threading

import pika

from rig import Raises, consume, declare, expect, get, pump, require, scenario, until

REPLY_TO = "amq.rabbitmq.reply-to"
CALLS, QUEUE_CALLS = 20000, 4000
AT_ONCE = 100


def requester(ctx):
    """(channel, Taken, tag) with a reply consumer"""
    channel = ctx.channel()
    tag, taken = consume(channel, REPLY_TO, auto_ack=True)
    return channel, taken, tag


def address_of(channel, queue, **properties):
    """The address that a request of this channel carries."""
    channel.basic_publish("", queue, b"request", pika.BasicProperties(reply_to=REPLY_TO, **properties))
    _, got, _ = get(channel, queue, auto_ack=True)
    for name, value in properties.items():
        expect(getattr(got, name), value, name)
    return got.reply_to


@scenario("amqp")
def reply_comes(ctx):
    """To the channel, at once, from another connection; alive for its consumer's time"""
    asks, taken, tag = requester(ctx)
    queue = declare(asks, ctx.name())
    address = address_of(asks, queue, headers={"z": 1, "a": 2}, correlation_id="c")
    require(address.startswith(REPLY_TO + ".") and len(address) < 256, address)
    expect(address_of(asks, queue), address, "the same again")
    answers = ctx.channel()
    for passive in (False, True):
        ok = answers.queue_declare(address, passive=passive).method
        expect((ok.queue, ok.message_count, ok.consumer_count), (address, 0, 1))
    answers.basic_publish("", address, b"1", pika.BasicProperties(correlation_id="c", reply_to="elsewhere"))
    answers.basic_publish("", queue, b"2", pika.BasicProperties(headers={"CC": [address, address], "BCC": [address]}))
    answers.basic_publish("", address + "x", b"nobody")
    answers.basic_publish("amq.direct", address, b"nobody")
    answers.basic_publish("", address, b"3")
    pump(asks.connection, lambda: len(taken) >= 3, "replies")
    expect(taken.bodies(), [b"1", b"2", b"3"])
    expect([m.routing_key for m, _, _ in taken], [address, queue, address])
    method, properties, _ = taken[0]
    expect((method.exchange, method.redelivered, method.consumer_tag), ("", False, tag))
    expect((properties.correlation_id, properties.reply_to), ("c", "elsewhere"))
    asks.basic_cancel(tag)
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        answers.queue_declare(address)
    expect((r.error.reply_code, r.error.reply_text), (404, f"NOT_FOUND - no queue '{address}' in vhost '/'"))
    consume(asks, REPLY_TO, auto_ack=True)
    require(address_of(asks, queue) != address, "a new consumer has another address")


@scenario("amqp")
def reply_mandatory(ctx):
    """Returned in any case; confirmed"""
    asks, taken, _ = requester(ctx)
    address = address_of(asks, declare(asks, ctx.name()))
    answers = ctx.channel()
    answers.confirm_delivery()
    answers.basic_publish("", address, b"confirmed")
    answers.basic_publish("", REPLY_TO + ".gone", b"confirmed")
    for key in (address, REPLY_TO + ".gone"):
        with Raises(pika.exceptions.UnroutableError):
            answers.basic_publish("", key, b"mandatory", mandatory=True)
    pump(asks.connection, lambda: len(taken) >= 2, "replies")
    expect(taken.bodies(), [b"confirmed", b"mandatory"])


@scenario("amqp")
def reply_refusals(ctx):
    """406: acknowledging, twice, without a consumer; 404 for everything that wants a queue"""
    def twice(channel, **given):
        consume(channel, REPLY_TO, auto_ack=True)
        consume(channel, REPLY_TO, **given)

    def without(channel):
        channel.confirm_delivery()
        channel.basic_publish("", "q", b"m", pika.BasicProperties(reply_to=REPLY_TO))

    missing = f"NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'"
    for act, code, text in (
        (lambda c: consume(c, REPLY_TO), 406, "PRECONDITION_FAILED - reply consumer cannot acknowledge"),
        (lambda c: twice(c, auto_ack=True), 406, "PRECONDITION_FAILED - reply consumer already set"),
        (twice, 406, "PRECONDITION_FAILED - reply consumer cannot acknowledge"),
        (without, 406, "PRECONDITION_FAILED - fast reply consumer does not exist"),
        (lambda c: c.basic_get(REPLY_TO), 404, missing),
        (lambda c: c.queue_purge(REPLY_TO), 404, missing),
        (lambda c: c.queue_bind(REPLY_TO, "amq.direct", "k"), 404, missing),
        (lambda c: c.queue_declare(REPLY_TO + ".x"), 404, f"NOT_FOUND - no queue '{REPLY_TO}.x' in vhost '/'"),
        (lambda c: c.queue_declare(REPLY_TO + "x", passive=True), 404, f"NOT_FOUND - no queue '{REPLY_TO}x' in vhost '/'"),
    ):
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            act(ctx.channel())
        expect((r.error.reply_code, r.error.reply_text), (code, text))
    for passive in (False, True):
        ok = ctx.channel().queue_declare(REPLY_TO, passive=passive).method
        expect((ok.queue, ok.message_count, ok.consumer_count), (REPLY_TO, 0, 1))
    expect(ctx.channel().queue_delete(REPLY_TO).method.message_count, 0)


@scenario("amqp")
def reply_rights(ctx):
    """Anybody may consume from it and ask for it"""
    channel = ctx.connection(credentials=pika.PlainCredentials("limited", "limited")).channel()
    channel.queue_declare(REPLY_TO)
    consume(channel, REPLY_TO, auto_ack=True)


@scenario("amqp")
def reply_tags(ctx):
    """Its tag is no queue consumer's; the other way round it is refused"""
    w = ctx.wire()
    from pika import spec
    queue = ctx.name()
    w.call(1, spec.Queue.Declare(queue=queue), spec.Queue.DeclareOk)
    w.call(1, spec.Basic.Consume(queue=REPLY_TO, consumer_tag="t", no_ack=True), spec.Basic.ConsumeOk)
    w.call(1, spec.Basic.Consume(queue=queue, consumer_tag="t", no_ack=True), spec.Basic.ConsumeOk)
    w.call(1, spec.Basic.Cancel(consumer_tag="t"), spec.Basic.CancelOk)
    w.send(1, spec.Basic.Consume(queue=REPLY_TO, consumer_tag="t", no_ack=True))
    close = w.expect(0, spec.Connection.Close)
    expect((close.reply_code, close.reply_text), (530, "NOT_ALLOWED - attempt to reuse consumer tag 't'"))
    w.send(0, spec.Connection.CloseOk())


def serve(ctx, queue, stop):
    """Answers requests until told to stop, in a thread of its own."""
    connection = pika.BlockingConnection(ctx.parameters())
    channel = connection.channel()

    def answer(_, __, properties, body):
        channel.basic_publish("", properties.reply_to, body, pika.BasicProperties(correlation_id=properties.correlation_id))

    channel.basic_consume(queue, answer, auto_ack=True)
    while not stop.is_set():
        connection.process_data_events(time_limit=0.05)
    connection.close()


def call_many(ctx, channel, queue, reply_to, taken, calls):
    stop = threading.Event()
    server = threading.Thread(target=serve, args=(ctx, queue, stop), daemon=True)
    server.start()
    try:
        for first in range(0, calls, AT_ONCE):
            for i in range(first, first + AT_ONCE):
                channel.basic_publish("", queue, b"%d" % i, pika.BasicProperties(reply_to=reply_to, correlation_id=str(i)))
            pump(channel.connection, lambda: len(taken) >= first + AT_ONCE, "replies")
    finally:
        stop.set()
        server.join()
    expect([(p.correlation_id, b) for _, p, b in taken], [(str(i), b"%d" % i) for i in range(calls)])


@scenario("amqp")
def reply_load(ctx):
    """Thousands of calls, many at once"""
    channel, taken, _ = requester(ctx)
    call_many(ctx, channel, declare(channel, ctx.name()), REPLY_TO, taken, CALLS)


@scenario("amqp")
def reply_queue_load(ctx):
    """The same over an exclusive reply queue"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    mine = channel.queue_declare("", exclusive=True).method.queue
    _, taken = consume(channel, mine, auto_ack=True)
    call_many(ctx, channel, queue, mine, taken, QUEUE_CALLS)


@scenario("amqp")
def reply_queues_short_lived(ctx):
    """A reply queue a call, deleted, auto-deleted or left to its connection"""
    connection, other = ctx.connection(), ctx.channel()
    names = []
    for i in range(300):
        channel = connection.channel()
        names.append(channel.queue_declare("", exclusive=True, auto_delete=bool(i % 2)).method.queue)
        tag, taken = consume(channel, names[-1], auto_ack=True)
        other.basic_publish("", names[-1], b"%d" % i)
        pump(connection, lambda: taken, "the reply")
        if i % 3 == 0:
            channel.queue_delete(names[-1])
        elif i % 3 == 1:
            channel.basic_cancel(tag)
        channel.close()
    connection.close()

    def gone(name):
        try:
            ctx.channel().queue_declare(name, passive=True)
        except pika.exceptions.ChannelClosedByBroker as error:
            return error.reply_code == 404
        return False

    for name in names[-6:]:
        until(lambda: gone(name), f"{name} is gone")
