# SPDX-License-Identifier: Apache-2.0
"""Acknowledging, rejecting, requeueing (rabbitmq.md 4.18–4.23)."""

from pika import spec

from rig import consume, declare, expect, get, pump, ready, scenario, until


def held(ctx, n):
    """A queue of n messages, all of them out on a wire channel: (wire, queue, tags)."""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    for i in range(n):
        w.publish(1, "", queue, b"%d" % i)
    w.call(1, spec.Basic.Consume(queue=queue, consumer_tag="c"), spec.Basic.ConsumeOk)
    tags = [w.expect(1, spec.Basic.Deliver).method.delivery_tag for _ in range(n)]
    w.call(1, spec.Basic.Cancel(consumer_tag="c"), spec.Basic.CancelOk)
    return w, queue, tags


def drained(w, queue):
    """All that is ready: [(body, redelivered)], settled."""
    out = []
    while True:
        w.send(1, spec.Basic.Get(queue=queue, no_ack=True))
        answer = w.read(1)
        if isinstance(answer, spec.Basic.GetEmpty):
            return out
        out.append((answer.body, bool(answer.method.redelivered)))


def again(*numbers):
    return [(b"%d" % i, True) for i in numbers]


@scenario("amqp")
def ack_of_what_is_not_out(ctx):
    """4.19: (code, text, class and method of the offender), each a channel's end"""
    rows = (
        ([spec.Basic.Ack(99)], 99, 80), ([spec.Basic.Ack(99, multiple=True)], 99, 80), ([spec.Basic.Ack(0)], 0, 80),
        ([spec.Basic.Nack(99)], 99, 120), ([spec.Basic.Nack(0)], 0, 120), ([spec.Basic.Reject(99)], 99, 90),
        ([spec.Basic.Ack(1), spec.Basic.Ack(1)], 1, 80), ([spec.Basic.Nack(1, requeue=False), spec.Basic.Ack(1)], 1, 80),
        ([spec.Basic.Ack(2), spec.Basic.Ack(2, multiple=True)], 2, 80), ([spec.Basic.Ack(2, multiple=True), spec.Basic.Reject(1)], 1, 90),
    )
    for methods, tag, method in rows:
        w, _, _ = held(ctx, 3)
        w.send(1, *methods)
        close = w.expect(1, spec.Channel.Close)
        what = repr(methods)
        expect((close.reply_code, close.reply_text), (406, f"PRECONDITION_FAILED - unknown delivery tag {tag}"), what)
        expect((close.class_id, close.method_id), (60, method), what)


@scenario("amqp")
def ack_of_everything(ctx):
    """4.19: tag 0 with multiple; when nothing is out it is no error"""
    w, queue, _ = held(ctx, 3)
    for _ in range(2):
        w.send(1, spec.Basic.Ack(0, multiple=True))
    w.send(1, spec.Basic.Nack(0, multiple=True))
    w.call(1, spec.Basic.Recover(requeue=True), spec.Basic.RecoverOk)
    expect(drained(w, queue), [])
    w.finish()


@scenario("amqp")
def tags_belong_to_their_channel(ctx):
    """4.19"""
    w, _, _ = held(ctx, 1)
    w.channel(2)
    w.send(2, spec.Basic.Ack(1))
    expect(w.expect(2, spec.Channel.Close).reply_text, "PRECONDITION_FAILED - unknown delivery tag 1")
    w.send(1, spec.Basic.Ack(1))
    w.finish()


@scenario("amqp")
def ack_multiple(ctx):
    """4.19: all up to the tag; the rest goes back"""
    w, queue, _ = held(ctx, 10)
    w.send(1, spec.Basic.Ack(2), spec.Basic.Ack(5, multiple=True), spec.Basic.Ack(8))
    w.call(1, spec.Basic.Recover(requeue=True), spec.Basic.RecoverOk)
    expect(drained(w, queue), again(5, 6, 8, 9))


@scenario("amqp")
def nack_multiple(ctx):
    """4.20: back to their places, before what was never out"""
    w, queue, _ = held(ctx, 6)
    w.publish(1, "", queue, b"6")
    w.send(1, spec.Basic.Ack(3), spec.Basic.Nack(5, multiple=True, requeue=True))
    expect(drained(w, queue), [*again(0, 1, 3, 4), (b"6", False)])
    w.send(1, spec.Basic.Nack(0, multiple=True, requeue=True))
    expect(drained(w, queue), again(5))


@scenario("amqp")
def nack_without_requeue(ctx):
    """4.22: gone"""
    w, queue, _ = held(ctx, 6)
    w.send(1, spec.Basic.Nack(2, multiple=True, requeue=False), spec.Basic.Reject(4, requeue=False))
    w.call(1, spec.Basic.Recover(requeue=True), spec.Basic.RecoverOk)
    expect(drained(w, queue), again(2, 4, 5))


@scenario("amqp")
def requeued_in_any_order(ctx):
    """4.20: the original place, whatever the order of the rejects"""
    w, queue, _ = held(ctx, 5)
    for i in range(5, 8):
        w.publish(1, "", queue, b"%d" % i)
    w.send(1, *(spec.Basic.Reject(tag, requeue=True) for tag in (4, 1, 5, 3, 2)))
    expect(drained(w, queue), [*again(0, 1, 2, 3, 4), (b"5", False), (b"6", False), (b"7", False)])


@scenario("amqp")
def get_nack_get(ctx):
    """4.20: the same one again, counts right"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name())
    channel.confirm_delivery()
    for i in range(3):
        channel.basic_publish("", queue, b"m%d" % i)
    for redelivered in (False, True, True):
        method, _, body = get(channel, queue)
        expect((body, method.redelivered, method.message_count), (b"m0", redelivered, 2))
        channel.basic_nack(method.delivery_tag)
    until(lambda: ready(channel, queue) == 3, "three ready")


@scenario("amqp")
def requeued_goes_to_the_other_consumer(ctx):
    """4.20: at once, redelivered"""
    connection = ctx.connection()
    first, second = connection.channel(), connection.channel()
    queue = declare(first, ctx.name())
    first.basic_qos(prefetch_count=1)
    tag, mine = consume(first, queue)
    first.basic_publish("", queue, b"m")
    pump(connection, lambda: mine, "a delivery")
    _, others = consume(second, queue)
    first.basic_cancel(tag)
    first.basic_reject(mine[0][0].delivery_tag, requeue=True)
    pump(connection, lambda: others, "the redelivery")
    expect((others[0][2], others[0][0].redelivered), (b"m", True))


@scenario("amqp")
def recover_requeues(ctx):
    """4.23: recover and recover_async; the consumer gets them again with new tags"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue
    for i in range(3):
        w.publish(1, "", queue, b"%d" % i)
    w.call(1, spec.Basic.Consume(queue=queue), spec.Basic.ConsumeOk)
    for tag in (1, 2, 3):
        expect(w.expect(1, spec.Basic.Deliver).method.redelivered, False)
    w.send(1, spec.Basic.Ack(2))
    w.call(1, spec.Basic.Recover(requeue=True), spec.Basic.RecoverOk)
    first = [w.expect(1, spec.Basic.Deliver) for _ in range(2)]
    w.send(1, spec.Basic.RecoverAsync(requeue=True))
    second = [w.expect(1, spec.Basic.Deliver) for _ in range(2)]
    for round_, tags in ((first, (4, 5)), (second, (6, 7))):
        expect([(d.body, d.method.delivery_tag, d.method.redelivered) for d in round_], [(b"0", tags[0], True), (b"2", tags[1], True)])


@scenario("amqp")
def recover_without_requeue(ctx):
    """4.23"""
    for method, number in ((spec.Basic.Recover(requeue=False), 110), (spec.Basic.RecoverAsync(requeue=False), 100)):
        w = ctx.wire()
        w.send(1, method)
        close = w.expect(0, spec.Connection.Close)
        expect((close.reply_code, close.reply_text), (540, "NOT_IMPLEMENTED - requeue=false"))
        expect((close.class_id, close.method_id), (60, number))


@scenario("amqp")
def closed_channel_gives_back(ctx):
    """4.21: in their order, redelivered; those of another channel stay out"""
    w, queue, _ = held(ctx, 4)
    w.send(1, spec.Basic.Ack(2))
    w.call(1, spec.Channel.Close(200, "", 0, 0), spec.Channel.CloseOk)
    w.channel(1)
    expect(drained(w, queue), again(0, 2, 3))


@scenario("amqp")
def failed_channel_gives_back(ctx):
    """4.21: also a channel that the broker closed"""
    w, queue, _ = held(ctx, 2)
    w.send(1, spec.Basic.Ack(99))
    w.expect(1, spec.Channel.Close)
    w.send(1, spec.Channel.CloseOk())
    w.channel(1)
    expect(drained(w, queue), again(0, 1))


@scenario("amqp")
def lost_connection_gives_back(ctx):
    """4.21"""
    w, queue, _ = held(ctx, 3)
    w.abort()
    channel = ctx.channel()
    until(lambda: ready(channel, queue) == 3, "three ready again")
    for i in range(3):
        method, _, body = get(channel, queue)
        expect((body, method.redelivered), (b"%d" % i, True))


@scenario("amqp")
def settled_is_gone(ctx):
    """4.19: after a channel's close the acknowledged do not come back"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    for i in range(30):
        channel.basic_publish("", queue, b"%d" % i)
    _, taken = consume(channel, queue)
    pump(connection, lambda: len(taken) == 30, "thirty deliveries")
    for method, _, body in taken:
        if int(body) % 3 == 0:
            channel.basic_ack(method.delivery_tag)
    channel.close()
    other = connection.channel()
    expect(ready(other, queue), 20)
    left = [int(get(other, queue, auto_ack=True)[2]) for _ in range(20)]
    expect(left, [i for i in range(30) if i % 3])
