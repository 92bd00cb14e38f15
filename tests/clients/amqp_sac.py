# SPDX-License-Identifier: Apache-2.0
"""Single active consumers and consumer priorities (rabbitmq.md 3.20, 3.21)."""

from pika import spec

from rig import consume, consumers, declare, expect, get, pump, ready, scenario

SINGLE = {"x-single-active-consumer": True}


def publish(channel, queue, *bodies):
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("", queue, body)


def priority(n):
    return {"x-priority": n}


@scenario("amqp")
def single_active_in_turn(ctx):
    """3.21: the first is active, whatever the priority of who comes later; the next one after its cancel"""
    connection = ctx.connection()
    one, two, three = (connection.channel() for _ in range(3))
    queue = declare(one, ctx.name(), arguments=SINGLE)
    tag, first = consume(one, queue)
    _, second = consume(two, queue)
    _, third = consume(three, queue, arguments=priority(5))
    sender = ctx.channel()
    publish(sender, queue, b"a", b"b", b"c")
    pump(connection, lambda: len(first) == 3, "all to the first")
    expect((len(second), len(third), consumers(sender, queue)), (0, 0, 3))
    one.basic_cancel(tag)
    publish(sender, queue, b"d")
    pump(connection, lambda: len(third) == 1, "the highest takes over")
    expect((len(first), len(second)), (3, 0))
    one.close()  # what it held comes back
    pump(connection, lambda: len(third) == 4, "the rest")
    expect([(body, method.redelivered) for method, _, body in third],
           [(b"d", False), (b"a", True), (b"b", True), (b"c", True)])
    three.close()
    pump(connection, lambda: len(second) == 4, "the last one left")
    expect(second.bodies(), [b"a", b"b", b"c", b"d"])


@scenario("amqp")
def single_active_goes_with_its_connection(ctx):
    """3.21: what it held comes first, in order"""
    for end in ("channel", "connection", "socket"):
        first, second = ctx.wire(), ctx.connection()
        queue = declare(second.channel(), ctx.name(), arguments=SINGLE)
        first.call(1, spec.Basic.Qos(prefetch_count=2), spec.Basic.QosOk)
        first.call(1, spec.Basic.Consume(queue=queue), spec.Basic.ConsumeOk)
        _, taken = consume(second.channel(), queue)
        publish(ctx.channel(), queue, *(b"%d" % i for i in range(5)))
        for _ in range(2):
            first.expect(1, spec.Basic.Deliver)
        second.process_data_events(time_limit=0.1)
        expect(len(taken), 0)
        if end == "channel":
            first.call(1, spec.Channel.Close(200, "", 0, 0), spec.Channel.CloseOk)
        elif end == "connection":
            first.call(0, spec.Connection.Close(200, "", 0, 0), spec.Connection.CloseOk)
        else:
            first.close()
        pump(second, lambda: len(taken) == 5, "all to the second")
        expect([(body, method.redelivered) for method, _, body in taken],
               [(b"%d" % i, i < 2) for i in range(5)], end)


@scenario("amqp")
def single_active_is_not_exclusive(ctx):
    """3.21: nobody can be alone there, with and without consumers; a quorum queue takes exclusive for nothing"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name(), arguments=SINGLE)
    for _ in range(2):
        w = ctx.wire()
        w.send(1, spec.Basic.Consume(queue=queue, exclusive=True))
        close = w.expect(1, spec.Channel.Close)
        expect((close.reply_code, close.reply_text),
               (403, f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use"))
        consume(channel, queue)
    connection = ctx.connection()
    queue = declare(channel, ctx.name(), arguments=SINGLE | {"x-queue-type": "quorum"})
    taken = [consume(connection.channel(), queue, exclusive=True)[1] for _ in range(2)]
    publish(ctx.channel(), queue, b"0", b"1")
    pump(connection, lambda: len(taken[0]) == 2, "two to the first")
    expect(len(taken[1]), 0)


@scenario("amqp")
def single_active_and_get(ctx):
    """3.21: a classic queue lets anybody get"""
    connection = ctx.connection()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    queue = declare(channel, ctx.name(), arguments=SINGLE)
    publish(ctx.channel(), queue, b"0", b"1", b"2")
    _, taken = consume(channel, queue)
    pump(connection, lambda: len(taken) == 1, "one")
    expect(get(ctx.channel(), queue)[2], b"1")
    expect(ready(ctx.channel(), queue), 1)


@scenario("amqp")
def single_active_and_get_of_quorum(ctx):
    """3.21: of a quorum queue nobody can, with or without consumers"""
    queue = declare(ctx.channel(), ctx.name(), arguments=SINGLE | {"x-queue-type": "quorum"})
    for _ in range(2):
        w = ctx.wire()
        w.send(1, spec.Basic.Get(queue=queue))
        close = w.expect(1, spec.Channel.Close)
        expect((close.reply_code, close.reply_text, close.class_id, close.method_id),
               (405, f"RESOURCE_LOCKED - cannot obtain access to locked queue '{queue}' in vhost '/'. basic.get operations "
                "are not supported by quorum queues with single active consumer", 60, 70))
        consume(ctx.channel(), queue)


@scenario("amqp")
def highest_priority_first(ctx):
    """3.20: the highest that has credit, the others when it has none; none given is 0"""
    connection = ctx.connection()
    low, middle, high, sender = (connection.channel() for _ in range(4))
    queue = declare(low, ctx.name())
    for channel in (low, middle, high):
        channel.basic_qos(prefetch_count=2)
    taken = [consume(low, queue, arguments=priority(-3))[1], consume(middle, queue)[1],
             consume(high, queue, arguments=priority(7))[1]]
    publish(sender, queue, *(b"%d" % i for i in range(5)))
    pump(connection, lambda: sum(map(len, taken)) == 5, "five")
    expect([t.bodies() for t in taken], [[b"4"], [b"2", b"3"], [b"0", b"1"]])
    high.basic_ack(taken[2][0][0].delivery_tag)
    publish(sender, queue, b"5")
    pump(connection, lambda: len(taken[2]) == 3, "to the high one")
    high.close()  # 1 and 5 come back
    pump(connection, lambda: len(taken[0]) == 2, "one to the low one")
    expect((taken[0][1][2], len(taken[1]), ready(sender, queue)), (b"1", 2, 1))


@scenario("amqp")
def equal_priorities_in_turn(ctx):
    """3.20: round robin among the highest"""
    connection = ctx.connection()
    queue = declare(connection.channel(), ctx.name())
    other = consume(connection.channel(), queue)[1]
    taken = [consume(connection.channel(), queue, arguments=priority(2))[1] for _ in range(2)]
    publish(ctx.channel(), queue, *(b"%d" % i for i in range(6)))
    pump(connection, lambda: sum(map(len, taken)) == 6, "six")
    expect([len(t) for t in taken] + [len(other)], [3, 3, 0])


@scenario("amqp", "mqbridge")
def single_active_takes_over_at_once(ctx):
    """What is ready does not wait for the next publish (of 3.10 it does)"""
    connection = ctx.connection()
    one = connection.channel()
    one.basic_qos(prefetch_count=1)
    queue = declare(one, ctx.name(), arguments=SINGLE)
    tag, first = consume(one, queue)
    _, second = consume(connection.channel(), queue)
    publish(ctx.channel(), queue, b"0", b"1")
    pump(connection, lambda: len(first) == 1, "one")
    one.basic_cancel(tag)
    pump(connection, lambda: len(second) == 1, "the other")
    expect(second.bodies(), [b"1"])


@scenario("amqp", "aws", "mqbridge")
def receive_while_one_is_active(ctx):
    """ReceiveMessage gets nothing while a consumer is active, and goes on when the last is gone"""
    connection = ctx.connection()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    queue = declare(channel, ctx.name(), arguments=SINGLE)
    tag, taken = consume(channel, queue)
    publish(ctx.channel(), queue, b"0", b"1")
    pump(connection, lambda: len(taken) == 1, "one")
    url = ctx.sqs_url(queue)
    expect(ctx.sqs.receive_message(QueueUrl=url).get("Messages"), None)
    channel.basic_cancel(tag)
    expect([m["Body"] for m in ctx.sqs_take(url, 1)], ["1"])
