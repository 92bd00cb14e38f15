# SPDX-License-Identifier: Apache-2.0
"""What RabbitMQ has and mqbridge does not have yet ends the connection with 540 and
its name (docs/compatibility.md), instead of being ignored."""

from pika import spec

from rig import expect, require, scenario


def refused_by_name(ctx, method, name):
    w = ctx.wire()
    w.send(1, method)
    close = w.expect(0, spec.Connection.Close)
    expect(close.reply_code, 540, repr(method))
    require(close.reply_text.startswith("NOT_IMPLEMENTED - ") and name in close.reply_text, f"text {close.reply_text!r}")
    w.send(0, spec.Connection.CloseOk())
    expect(w.at_end(), b"", "after close-ok")


@scenario("amqp", "mqbridge")
def exchange_types(ctx):
    """2.18–2.21"""
    for kind in ("x-delayed-message", "x-message-deduplication", "x-recent-history"):
        refused_by_name(ctx, spec.Exchange.Declare(exchange=ctx.name("x"), type=kind), kind)
