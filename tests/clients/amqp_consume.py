# SPDX-License-Identifier: Apache-2.0
"""Consumers, prefetch and basic.get (rabbitmq.md section 4)."""

import re

import pika
from pika import spec

from rig import consume, consumers, declare, expect, get, pump, ready, require, scenario, until


def filled(channel, queue, n):
    channel.confirm_delivery()
    for i in range(n):
        channel.basic_publish("", queue, b"%d" % i)


@scenario("amqp")
def consume_and_ack(ctx):
    """Blocking pika: in order, once, not redelivered, nothing left"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    filled(channel, queue, 50)
    channel.basic_qos(prefetch_count=7)
    bodies = []
    for method, _, body in channel.consume(queue, inactivity_timeout=10):
        require(method is not None, f"only {len(bodies)} of 50 came")
        expect(method.redelivered, False)
        bodies.append(body)
        channel.basic_ack(method.delivery_tag)
        if len(bodies) == 50:
            break
    expect(channel.cancel(), 0)
    expect(bodies, [b"%d" % i for i in range(50)])
    channel.close()
    expect(ready(connection.channel(), queue), 0)


@scenario("amqp")
def consume_ok_before_deliver(ctx):
    """4.11"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
    w.confirm(1)
    for _ in range(10):
        w.publish(1, "", queue, b"m")
    tags = 0
    while tags < 10:
        ack = w.expect(1, spec.Basic.Ack)
        tags = max(tags, ack.delivery_tag)
    w.send(1, spec.Basic.Consume(queue=queue, consumer_tag="mine", no_ack=False))
    expect(w.expect(1, spec.Basic.ConsumeOk).consumer_tag, "mine")
    for tag in range(1, 11):
        method = w.expect(1, spec.Basic.Deliver).method
        expect((method.consumer_tag, method.delivery_tag, method.redelivered), ("mine", tag, False))


@scenario("amqp")
def consumer_tag_of_the_server(ctx):
    """4.11"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
    tags = [w.call(1, spec.Basic.Consume(queue=queue), spec.Basic.ConsumeOk).consumer_tag for _ in range(2)]
    for tag in tags:
        require(re.fullmatch(r"amq\.ctag-[A-Za-z0-9_-]{22}", tag), f"consumer tag {tag!r}")
    require(tags[0] != tags[1], "the same tag twice")


@scenario("amqp")
def cancel_keeps_the_unacknowledged(ctx):
    """4.14: deliveries end with cancel-ok; what is out stays out; an unknown tag is fine"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    channel.basic_qos(prefetch_count=2)
    filled(channel, queue, 5)
    tag, taken = consume(channel, queue)
    pump(connection, lambda: len(taken) == 2, "two deliveries")
    channel.basic_cancel(tag)
    expect((ready(channel, queue), consumers(channel, queue)), (3, 0))
    channel.basic_ack(taken[0][0].delivery_tag)
    channel.basic_nack(taken[1][0].delivery_tag)
    method, _, body = get(channel, queue)
    expect((body, method.redelivered), (b"1", True))
    w = ctx.wire()
    expect(w.call(1, spec.Basic.Cancel(consumer_tag="none"), spec.Basic.CancelOk).consumer_tag, "none")


@scenario("amqp")
def deleted_queue_cancels_its_consumers(ctx):
    """4.13: to those who said that they understand it"""
    w, deaf, other = ctx.wire(), ctx.wire(capabilities={}), ctx.channel()
    queue = declare(other, ctx.name())
    for client in (w, deaf):
        client.call(1, spec.Basic.Consume(queue=queue, consumer_tag="mine"), spec.Basic.ConsumeOk)
    other.queue_delete(queue)
    cancel = w.expect(1, spec.Basic.Cancel)
    expect((cancel.consumer_tag, cancel.nowait), ("mine", True))
    # The channels live; nothing was said to the other one.
    for client in (w, deaf):
        client.call(1, spec.Basic.Qos(prefetch_count=1), spec.Basic.QosOk)


@scenario("amqp")
def pika_hears_of_the_deleted_queue(ctx):
    """4.13: consume() ends"""
    connection, other = ctx.connection(), ctx.channel()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    cancelled = []
    channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
    tag, _ = consume(channel, queue)
    other.queue_delete(queue)
    pump(connection, lambda: cancelled, "the cancel callback")
    expect(cancelled, [tag])
    declare(channel, queue)


@scenario("amqp")
def no_ack_is_settled_when_sent(ctx):
    """4.15: and has no prefetch limit"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    channel.basic_qos(prefetch_count=1)
    filled(channel, queue, 20)
    _, taken = consume(channel, queue, auto_ack=True)
    pump(connection, lambda: len(taken) == 20, "twenty deliveries")
    expect([m.delivery_tag for m, _, _ in taken], list(range(1, 21)))
    connection.close()
    expect(ready(ctx.channel(), queue), 0)


@scenario("amqp")
def prefetch_of_each_consumer(ctx):
    """4.17: for consumers made after it, each with its own; older ones keep theirs"""
    connection = ctx.connection()
    channel = connection.channel()
    queues = [declare(channel, ctx.name()) for _ in range(4)]
    for queue in queues:
        filled(channel, queue, 10)
    taken = []
    for limit, queue in zip((3, 1, 0), queues):
        channel.basic_qos(prefetch_count=limit)
        taken.append(consume(channel, queue)[1])
    pump(connection, lambda: [len(t) for t in taken] == [3, 1, 10], "3, 1 and all 10")
    expect([ready(channel, queue) for queue in queues], [7, 9, 0, 10])
    channel.basic_ack(taken[0][0][0].delivery_tag)
    pump(connection, lambda: len(taken[0]) == 4, "one more for one acknowledged")
    expect([ready(channel, queue) for queue in queues], [6, 9, 0, 10])


@scenario("amqp")
def prefetch_of_the_channel(ctx):
    """4.17: global=true is shared by all consumers of the channel and changes at once"""
    connection = ctx.connection()
    channel = connection.channel()
    queues = [declare(channel, ctx.name()) for _ in range(2)]
    for queue in queues:
        filled(channel, queue, 10)
    channel.basic_qos(prefetch_count=4, global_qos=True)
    taken = consume(channel, queues[0])[1]
    consume(channel, queues[1], taken)

    def left():
        return sum(ready(channel, queue) for queue in queues)

    pump(connection, lambda: len(taken) == 4, "four deliveries")
    expect(left(), 16)
    channel.basic_qos(prefetch_count=6, global_qos=True)
    pump(connection, lambda: len(taken) == 6, "two more at once")
    expect(left(), 14)
    channel.basic_ack(taken[2][0].delivery_tag, multiple=True)
    pump(connection, lambda: len(taken) == 9, "three more for three acknowledged")
    expect(left(), 11)
    channel.basic_qos(prefetch_count=0, global_qos=True)
    pump(connection, lambda: len(taken) == 20, "all without a limit")


@scenario("amqp")
def prefetch_size_is_not_implemented(ctx):
    """4.17"""
    w = ctx.wire()
    w.send(1, spec.Basic.Qos(prefetch_size=10))
    close = w.expect(0, spec.Connection.Close)
    expect((close.reply_code, close.reply_text), (540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)"))
    expect((close.class_id, close.method_id), (60, 10))


@scenario("amqp")
def two_consumers_take_turns(ctx):
    """4.25: of equal priority with credit left; both on one connection and on two"""
    publisher = ctx.channel()
    queue = declare(publisher, ctx.name())
    connections = [ctx.connection() for _ in range(2)]
    taken = []
    for connection in connections:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        taken.append(consume(channel, queue)[1])
    filled(publisher, queue, 40)

    def all_there():
        for connection in connections:
            connection.process_data_events(time_limit=0.01)
        return sum(map(len, taken)) == 40

    until(all_there, "forty deliveries")
    expect([len(t) for t in taken], [20, 20])
    expect(sorted(taken[0].bodies() + taken[1].bodies(), key=int), [b"%d" % i for i in range(40)])


@scenario("amqp")
def slow_consumer_does_not_hold_the_fast_one(ctx):
    """4.25: round robin by credit"""
    connection = ctx.connection()
    slow, fast = connection.channel(), connection.channel()
    queue = declare(slow, ctx.name())
    slow.basic_qos(prefetch_count=1)
    stuck = consume(slow, queue)[1]
    fast.basic_qos(prefetch_count=5)
    done = []

    def at_once(channel, method, _, body):
        done.append(body)
        channel.basic_ack(method.delivery_tag)

    fast.basic_consume(queue, at_once)
    filled(connection.channel(), queue, 30)
    pump(connection, lambda: len(stuck) + len(done) == 30, "thirty deliveries")
    expect((len(stuck), len(done)), (1, 29))


@scenario("amqp")
def get_counts(ctx):
    """4.18: get-ok with what remains, get-empty, tags of the channel's one sequence"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    expect(channel.basic_get(queue), (None, None, None))
    filled(channel, queue, 4)
    seen = []
    for _ in range(4):
        method, _, body = get(channel, queue)
        seen.append((body, method.delivery_tag, method.message_count, method.redelivered, method.exchange, method.routing_key))
    expect(seen, [(b"%d" % i, i + 1, 3 - i, False, "", queue) for i in range(4)])
    expect(channel.basic_get(queue), (None, None, None))
    w = ctx.wire()
    expect(w.call(1, spec.Basic.Get(queue=queue), spec.Basic.GetEmpty).cluster_id, "")


@scenario("amqp")
def get_beside_a_consumer(ctx):
    """4.18: one tag sequence for both"""
    connection = ctx.connection()
    channel = connection.channel()
    one, two = declare(channel, ctx.name()), declare(channel, ctx.name())
    filled(channel, one, 2)
    _, taken = consume(channel, one)
    pump(connection, lambda: len(taken) == 2, "two deliveries")
    filled(channel, two, 1)
    expect(get(channel, two)[0].delivery_tag, 3)
    channel.basic_ack(3, multiple=True)


@scenario("amqp")
def exclusive_consumer(ctx):
    """4.12: alone or not at all"""
    connection = ctx.connection()
    first, second, passing = connection.channel(), ctx.wire(), ctx.wire()
    queue = declare(first, ctx.name())
    tag, _ = consume(first, queue, exclusive=True)
    for w, exclusive in ((second, False), (passing, True)):
        w.send(1, spec.Basic.Consume(queue=queue, exclusive=exclusive))
        close = w.expect(1, spec.Channel.Close)
        expect(
            (close.reply_code, close.reply_text), (403, f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use")
        )
        w.send(1, spec.Channel.CloseOk())
        w.channel(1)
    first.basic_cancel(tag)
    second.call(1, spec.Basic.Consume(queue=queue), spec.Basic.ConsumeOk)
    passing.send(1, spec.Basic.Consume(queue=queue, exclusive=True))
    expect(passing.expect(1, spec.Channel.Close).reply_code, 403)


@scenario("amqp")
def consumer_that_never_reads(ctx):
    """A peer that does not read its deliveries disturbs nobody"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    deaf = ctx.wire()
    deaf.call(1, spec.Basic.Consume(queue=queue, no_ack=False), spec.Basic.ConsumeOk)
    channel.confirm_delivery()
    body = bytes(100000)
    for _ in range(60):
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2))
    other = declare(channel, ctx.name())
    filled(channel, other, 1)
    expect(get(channel, other)[2], b"0")
    # What it gets at last is all of it, in order.
    for tag in range(1, 61):
        content = deaf.expect(1, spec.Basic.Deliver)
        expect((content.method.delivery_tag, len(content.body)), (tag, len(body)))
    deaf.finish()
    until(lambda: ready(channel, queue) == 60, "all of it back")
