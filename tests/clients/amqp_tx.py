# SPDX-License-Identifier: Apache-2.0
"""Transactions (rabbitmq.md 4.9, 4.10)."""

import pika
from pika import spec

from rig import Raises, consume, declare, expect, get, pump, ready, require, scenario, until


def transactional(ctx, messages=0):
    """(connection, channel, queue): tx.select is done, the messages b"0"… are in the queue."""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name())
    for i in range(messages):
        channel.basic_publish("", queue, b"%d" % i)
    until(lambda: ready(channel, queue) == messages, "all published")
    channel.tx_select()
    return connection, channel, queue


def expect_left(ctx, queue, wanted, what=""):
    """What another connection finds in the end, in order: (body, redelivered)."""
    channel, out = ctx.channel(), []
    until(lambda: ready(channel, queue) == len(wanted), f"{what} {len(wanted)} ready")
    for _ in wanted:
        method, _, body = get(channel, queue, auto_ack=True)
        out.append((body, method.redelivered))
    expect(out, wanted, what)


@scenario("amqp")
def modes(ctx):
    """4.9, and commit without select"""
    rows = (
        ([spec.Confirm.Select(), spec.Tx.Select()], "cannot switch from confirm to tx mode", (90, 10)),
        ([spec.Tx.Select(), spec.Tx.Select(), spec.Confirm.Select()], "cannot switch from tx to confirm mode", (85, 10)),
        ([spec.Tx.Commit()], "channel is not transactional", (90, 20)),
        ([spec.Tx.Rollback()], "channel is not transactional", (90, 30)),
    )
    w = ctx.wire()
    for methods, text, offender in rows:
        for method in methods[:-1]:
            w.send(1, method)
            w.expect(1, (spec.Confirm.SelectOk, spec.Tx.SelectOk))
        w.send(1, methods[-1])
        close = w.expect(1, spec.Channel.Close)
        expect((close.reply_code, close.reply_text), (406, f"PRECONDITION_FAILED - {text}"))
        expect((close.class_id, close.method_id), offender, text)
        w.send(1, spec.Channel.CloseOk())
        w.channel(1)
    w.finish()


@scenario("amqp")
def published_at_commit(ctx):
    """Nothing is seen before, everything in its order after; a rollback drops it"""
    _, channel, queue = transactional(ctx)
    other = ctx.channel()
    properties = pika.BasicProperties(delivery_mode=2)
    for i in range(4):
        channel.basic_publish("", queue, b"%d" % i, properties if i % 2 else None)
    expect((ready(other, queue), ready(channel, queue)), (0, 0))
    channel.tx_commit()
    expect(ready(other, queue), 4)
    channel.basic_publish("", queue, b"never")
    channel.tx_rollback()
    channel.tx_commit()
    expect_left(ctx, queue, [(b"%d" % i, False) for i in range(4)])


@scenario("amqp")
def consumed_and_published_together(ctx):
    """The usual pattern: an answer for each message, one transaction each"""
    connection, channel, queue = transactional(ctx, 10)
    out = declare(ctx.channel(), ctx.name())
    channel.basic_qos(prefetch_count=3)
    _, taken = consume(channel, queue)
    for i in range(10):
        pump(connection, lambda i=i: len(taken) > i, "a delivery")
        channel.basic_publish("", out, taken[i][2])
        channel.basic_ack(taken[i][0].delivery_tag)
        channel.tx_commit()
    channel.close()
    expect_left(ctx, queue, [])
    expect_left(ctx, out, [(b"%d" % i, False) for i in range(10)])


@scenario("amqp")
def acknowledged_at_commit(ctx):
    """A rollback makes them unsettled again, and does not requeue them"""
    _, channel, queue = transactional(ctx, 5)
    tags = [get(channel, queue)[0].delivery_tag for _ in range(5)]
    channel.basic_ack(tags[1])
    channel.basic_ack(tags[3])
    channel.tx_rollback()
    expect(ready(channel, queue), 0)
    channel.basic_ack(tags[1])
    channel.basic_ack(tags[2], multiple=True)  # over one that is acknowledged in the same transaction
    channel.basic_reject(tags[3], requeue=False)
    channel.tx_commit()
    channel.close()
    expect_left(ctx, queue, [(b"4", True)])


@scenario("amqp")
def requeued_at_commit(ctx):
    """nack and reject wait for it too"""
    _, channel, queue = transactional(ctx, 4)
    tags = [get(channel, queue)[0].delivery_tag for _ in range(4)]
    channel.basic_nack(tags[1], multiple=True, requeue=True)
    channel.basic_reject(tags[3], requeue=True)
    expect(ready(channel, queue), 0)
    channel.tx_commit()
    until(lambda: ready(channel, queue) == 3, "three back")
    expect_left(ctx, queue, [(b"0", True), (b"1", True), (b"3", True)])


@scenario("amqp")
def unknown_tags_at_once(ctx):
    """4.10: not at the commit"""
    rows = (
        [spec.Basic.Ack(9)], [spec.Basic.Ack(0)], [spec.Basic.Ack(1), spec.Basic.Ack(1)],
        [spec.Basic.Ack(1), spec.Basic.Nack(1, requeue=True)], [spec.Basic.Ack(2), spec.Basic.Ack(2, multiple=True)],
    )
    for methods in rows:
        w = ctx.wire()
        queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
        for i in range(2):
            w.publish(1, "", queue, b"%d" % i)
        w.call(1, spec.Tx.Select(), spec.Tx.SelectOk)
        for _ in range(2):
            w.call(1, spec.Basic.Get(queue=queue), spec.Basic.GetOk)
        w.send(1, *methods)
        close = w.expect(1, spec.Channel.Close)
        tag = methods[-1].delivery_tag
        expect((close.reply_code, close.reply_text), (406, f"PRECONDITION_FAILED - unknown delivery tag {tag}"), repr(methods))
        w.send(1, spec.Channel.CloseOk())
        expect_left(ctx, queue, [(b"0", True), (b"1", True)])


@scenario("amqp")
def returned_before_commit_ok(ctx):
    """4.2 with 4.10"""
    w = ctx.wire()
    w.call(1, spec.Tx.Select(), spec.Tx.SelectOk)
    w.publish(1, "", ctx.name("nowhere"), b"1", mandatory=True)
    w.publish(1, "amq.direct", ctx.name("nowhere"), b"2", mandatory=True)
    w.send(1, spec.Tx.Commit())
    for body in (b"1", b"2"):
        returned = w.expect(1, spec.Basic.Return)
        expect((returned.method.reply_code, returned.body), (312, body))
    w.expect(1, spec.Tx.CommitOk)
    w.publish(1, "", ctx.name("nowhere"), b"3", mandatory=True)
    w.call(1, spec.Tx.Rollback(), spec.Tx.RollbackOk)
    w.call(1, spec.Tx.Commit(), spec.Tx.CommitOk)
    w.finish()


@scenario("amqp")
def refused_publish_ends_it(ctx):
    """2.22: at once; nothing of the transaction happens, nor of what was sent behind"""
    _, channel, queue = transactional(ctx, 1)
    method, _, _ = get(channel, queue)
    channel.basic_ack(method.delivery_tag)
    channel.basic_publish("", queue, b"before")
    channel.basic_publish(ctx.name("nosuch"), "k", b"m")
    with Raises(pika.exceptions.ChannelClosedByBroker) as raised:
        channel.tx_commit()
    expect(raised.error.reply_code, 404)
    expect_left(ctx, queue, [(b"0", True)])


@scenario("amqp")
def nothing_behind_a_refused_publish(ctx):
    """2.22 without a transaction: what the channel sent behind it is not done"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    w.publish(1, "", queue, b"input")
    w.call(1, spec.Basic.Get(queue=queue), spec.Basic.GetOk)
    w.publish(1, ctx.name("nosuch"), "k", b"output")
    w.send(1, spec.Basic.Ack(1), spec.Queue.Purge(queue=queue), spec.Queue.Delete(queue=queue))
    expect(w.expect(1, spec.Channel.Close).reply_code, 404)
    w.send(1, spec.Channel.CloseOk())
    expect_left(ctx, queue, [(b"input", True)])


@scenario("amqp")
def closed_is_rolled_back(ctx):
    """1.20: by the channel's close, the connection's, its loss"""
    for how in ("channel", "connection", "loss"):
        w = ctx.wire()
        queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
        w.publish(1, "", queue, b"m")
        w.call(1, spec.Tx.Select(), spec.Tx.SelectOk)
        w.call(1, spec.Basic.Get(queue=queue), spec.Basic.GetOk)
        w.send(1, spec.Basic.Ack(1))
        w.publish(1, "", queue, b"never")
        if how == "channel":
            w.call(1, spec.Channel.Close(200, "", 0, 0), spec.Channel.CloseOk)
        elif how == "connection":
            w.finish()
        else:
            w.abort()
        expect_left(ctx, queue, [(b"m", True)], how)


@scenario("amqp")
def prefetch_until_commit(ctx):
    """The window is full until then, also after a rollback"""
    for everybody in (False, True):
        connection, channel, queue = transactional(ctx, 3)
        channel.basic_qos(prefetch_count=1, global_qos=everybody)
        _, taken = consume(channel, queue)
        pump(connection, lambda: taken, "the first delivery")
        channel.basic_ack(1)
        channel.tx_rollback()
        channel.basic_ack(1)
        connection.process_data_events(time_limit=0.2)
        require(len(taken) == 1, "delivered although nothing was committed")
        channel.tx_commit()
        pump(connection, lambda: len(taken) == 2, "the second delivery")
        expect(taken.bodies(), [b"0", b"1"])


@scenario("amqp")
def recover_does_not_wait(ctx):
    """4.23: at once, and only what is not settled in the transaction"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    for i in range(3):
        w.publish(1, "", queue, b"%d" % i)
    w.call(1, spec.Tx.Select(), spec.Tx.SelectOk)
    for _ in range(3):
        w.call(1, spec.Basic.Get(queue=queue), spec.Basic.GetOk)
    w.send(1, spec.Basic.Ack(2))
    w.call(1, spec.Basic.Recover(requeue=True), spec.Basic.RecoverOk)
    expect(w.call(1, spec.Queue.Declare(queue=queue, passive=True), spec.Queue.DeclareOk).message_count, 2)
    w.call(1, spec.Tx.Rollback(), spec.Tx.RollbackOk)
    w.send(1, spec.Basic.Ack(2))
    w.call(1, spec.Tx.Commit(), spec.Tx.CommitOk)
    w.finish()
    expect_left(ctx, queue, [(b"0", True), (b"2", True)])


@scenario("amqp")
def get_without_ack_is_no_part_of_it(ctx):
    """no_ack is settled when it is sent"""
    _, channel, queue = transactional(ctx, 2)
    get(channel, queue, auto_ack=True)
    channel.tx_rollback()
    channel.close()
    expect_left(ctx, queue, [(b"1", False)])


@scenario("amqp", "mqbridge")
def pipelined(ctx):
    """What follows a commit waits for it (RabbitMQ ends the connection with 504)"""
    w = ctx.wire()
    queue = w.call(1, spec.Queue.Declare(queue=ctx.name(), durable=True), spec.Queue.DeclareOk).queue
    w.send(1, spec.Tx.Select())
    for i in range(3):
        w.publish(1, "", queue, b"%d" % i, spec.BasicProperties(delivery_mode=2))
        w.send(1, spec.Tx.Rollback() if i == 1 else spec.Tx.Commit())
    w.expect(1, spec.Tx.SelectOk)
    for kind in (spec.Tx.CommitOk, spec.Tx.RollbackOk, spec.Tx.CommitOk):
        w.expect(1, kind)
    expect_left(ctx, queue, [(b"0", False), (b"2", False)])
