# SPDX-License-Identifier: Apache-2.0
"""Alternate exchanges (rabbitmq.md 2.16)."""

import pika

from rig import Raises, declare, expect, ready, require, scenario


def with_alternate(ctx, channel, alternate, kind="direct"):
    exchange = ctx.name("x")
    channel.exchange_declare(exchange, kind, arguments={"alternate-exchange": alternate})
    return exchange


def routed(channel, exchange, key):
    try:
        channel.basic_publish(exchange, key, b"m", mandatory=True)
    except pika.exceptions.UnroutableError:
        return False
    return True


@scenario("amqp")
def alternate_chain(ctx):
    """What matches nothing goes on, and on from there; a cycle ends; mandatory and confirms see one route"""
    channel = ctx.channel()
    channel.confirm_delivery()
    last, queue, spare = ctx.name("x"), declare(channel, ctx.name()), declare(channel, ctx.name())
    middle = with_alternate(ctx, channel, last)
    first = with_alternate(ctx, channel, middle)
    channel.queue_bind(queue, first, "k")
    expect(routed(channel, first, "other"), False, "the last one is missing")
    channel.exchange_declare(last, "fanout", arguments={"alternate-exchange": first})
    expect(routed(channel, first, "other"), False, "a cycle without a queue")
    channel.queue_bind(spare, last)
    expect([routed(channel, first, key) for key in ("k", "other")], [True, True])
    expect((ready(channel, queue), ready(channel, spare)), (1, 1))


@scenario("amqp")
def alternate_own_bindings(ctx):
    """A binding to an exchange without bindings is a match; the default exchange has none"""
    channel = ctx.channel()
    channel.confirm_delivery()
    spare, empty, queue = ctx.name("x"), ctx.name("x"), declare(channel, ctx.name())
    channel.exchange_declare(spare, "fanout")
    channel.exchange_declare(empty, "direct")
    channel.queue_bind(queue, spare)
    first = with_alternate(ctx, channel, spare, "topic")
    channel.exchange_bind(empty, first, "k.#")
    expect((routed(channel, first, "k.1"), routed(channel, first, "j.1"), ready(channel, queue)), (False, True, 1))
    expect(routed(channel, with_alternate(ctx, channel, ""), queue), False, "alternate ''")


@scenario("amqp")
def alternate_equivalence(ctx):
    """Compared, checked for its type"""
    exchange = with_alternate(ctx, ctx.channel(), "ae")
    for arguments, text in (
        ({}, "received none but current is the value 'ae' of type 'longstr'"),
        ({"alternate-exchange": "zz"}, "received 'zz' but current is 'ae'"),
        ({"alternate-exchange": None}, "received none but current is 'ae'"),
    ):
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            ctx.channel().exchange_declare(exchange, "direct", arguments=arguments)
        wanted = f"PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '{exchange}' in vhost '/': {text}"
        expect((r.error.reply_code, r.error.reply_text), (406, wanted))
    ctx.channel().exchange_declare(exchange, "direct", arguments={"alternate-exchange": b"ae"})
    for value, kind in ((5, "signedint"), (None, "void"), (b"ae", "binary")):
        other = ctx.name("x")
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            ctx.channel().exchange_declare(other, "direct", arguments={"alternate-exchange": value})
        text = f"PRECONDITION_FAILED - invalid type '{kind}' for arg 'alternate-exchange' in exchange '{other}' in vhost '/'"
        expect((r.error.reply_code, r.error.reply_text), (406, text))


@scenario("amqp")
def alternate_rights(ctx):
    """Read on the exchange, write on its alternate, when it is new"""
    def declared(exchange, alternate):
        channel = ctx.connection(credentials=pika.PlainCredentials("limited", "limited")).channel()
        channel.exchange_declare(exchange, "direct", arguments={"alternate-exchange": alternate})

    mine = ctx.name("limited")
    declared(mine, "limited-ae")
    for exchange, code in ((ctx.name("limited"), 403), (mine, 406)):
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            declared(exchange, "forbidden")
        expect(r.error.reply_code, code)
        require(code == 406 or "access to exchange 'forbidden' in vhost '/' refused for user 'limited'" in r.error.reply_text, r.error.reply_text)
