# SPDX-License-Identifier: Apache-2.0
"""Permissions (rabbitmq.md 1.15, 5.1, 5.2). run.py makes the users: `limited` may
configure, write and read what begins with `limited`; `nowhere` has no vhost."""

import pika
import pika.exceptions
from pika import spec

from rig import Raises, declare, expect, require, scenario

LIMITED = {"user": "limited", "password": "limited"}


@scenario("amqp")
def vhost_without_permission(ctx):
    """1.15"""
    w = ctx.wire(opened=False)
    w.start(user="nowhere", password="nowhere")
    w.expect(0, spec.Connection.Tune)
    w.send(0, spec.Connection.TuneOk(2047, 131072, 0), spec.Connection.Open("/"))
    close = w.expect(0, spec.Connection.Close)
    expect(
        (close.reply_code, close.reply_text), (530, "NOT_ALLOWED - access to vhost '/' refused for user 'nowhere'")
    )
    with Raises(pika.exceptions.ProbableAccessDeniedError):
        ctx.connection(credentials=pika.PlainCredentials("nowhere", "nowhere"))


@scenario("amqp")
def refused_by_name(ctx):
    """5.1, 5.2: configure, write and read; the channel ends, the connection stays"""
    other = ctx.channel()
    queue, exchange = declare(other, ctx.name("foreign")), ctx.name("foreign-x")
    other.exchange_declare(exchange, exchange_type="fanout")
    mine, mine_x = ctx.name("limited"), ctx.name("limited-x")
    w = ctx.wire(**LIMITED)
    w.call(1, spec.Queue.Declare(queue=mine), spec.Queue.DeclareOk)
    w.call(1, spec.Exchange.Declare(exchange=mine_x, type="fanout"), spec.Exchange.DeclareOk)
    w.call(1, spec.Queue.Bind(queue=mine, exchange=mine_x), spec.Queue.BindOk)
    rows = (
        (spec.Queue.Declare(queue=ctx.name("new")), "queue", None),
        (spec.Queue.Declare(queue=queue, durable=True), "queue", queue),
        (spec.Exchange.Declare(exchange=exchange, type="fanout"), "exchange", exchange),
        (spec.Exchange.Delete(exchange=exchange), "exchange", exchange),
        (spec.Queue.Delete(queue=queue), "queue", queue),
        (spec.Queue.Purge(queue=queue), "queue", queue),
        (spec.Basic.Consume(queue=queue), "queue", queue),
        (spec.Basic.Get(queue=queue), "queue", queue),
        (spec.Queue.Bind(queue=queue, exchange=mine_x), "queue", queue),
        (spec.Queue.Bind(queue=mine, exchange=exchange), "exchange", exchange),
    )
    for method, kind, name in rows:
        w.send(1, method)
        close = w.expect(1, spec.Channel.Close)
        name = name or method.queue
        expect(
            (close.reply_code, close.reply_text),
            (403, f"ACCESS_REFUSED - access to {kind} '{name}' in vhost '/' refused for user 'limited'"), repr(method),
        )
        w.send(1, spec.Channel.CloseOk())
        w.channel(1)
    # Passive declares need no permission.
    w.call(1, spec.Queue.Declare(queue=queue, passive=True), spec.Queue.DeclareOk)
    w.call(1, spec.Exchange.Declare(exchange=exchange, type="direct", passive=True), spec.Exchange.DeclareOk)
    w.finish()


@scenario("amqp")
def refused_to_publish(ctx):
    """5.2: the default exchange is called amq.default"""
    exchange = ctx.name("foreign-x")
    ctx.channel().exchange_declare(exchange, exchange_type="fanout")
    for target, said in ((exchange, exchange), ("", "amq.default")):
        w = ctx.wire(**LIMITED)
        w.publish(1, target, "k", b"m")
        close = w.expect(1, spec.Channel.Close)
        expect(
            (close.reply_code, close.reply_text),
            (403, f"ACCESS_REFUSED - access to exchange '{said}' in vhost '/' refused for user 'limited'"),
        )
        require(close.class_id == 60 and close.method_id == 40, repr(close))
