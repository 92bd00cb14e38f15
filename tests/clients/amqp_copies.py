# SPDX-License-Identifier: Apache-2.0
"""Headers CC and BCC: further routing keys (rabbitmq.md 2.17)."""

import pika

from rig import Raises, declare, expect, get, require, scenario


def publish(channel, exchange, key, headers, **given):
    """Whether it was routed."""
    try:
        channel.basic_publish(exchange, key, b"m", pika.BasicProperties(headers=headers, **given), mandatory=True)
    except pika.exceptions.UnroutableError:
        return False
    return True


def seen(channel, queues):
    """Of each queue: (routing key, headers) of its only message, or None."""
    out = []
    for queue in queues:
        method, properties, _ = channel.basic_get(queue, auto_ack=True)
        out.append((method.routing_key, properties.headers) if method else None)
    expect([channel.basic_get(queue, auto_ack=True)[0] for queue in queues], [None] * len(queues), "a second copy")
    return out


@scenario("amqp")
def copies_default_exchange(ctx):
    """Several queues, each once; BCC is not shown, CC is, and everybody sees the first key"""
    channel = ctx.channel()
    channel.confirm_delivery()
    one, two, three = queues = [declare(channel, ctx.name()) for _ in range(3)]
    missing = ctx.name()
    for key, headers, routed in (
        (one, {"z": 1, "CC": [two, two, one], "b": 2, "BCC": [three], "a": 3}, (0, 1, 2)),
        (one, {"CC": [two, 5, None, [three]]}, (0, 1)),
        (one, {"CC": [two.encode()]}, (0,)),
        (one, {"BCC": [two]}, (0, 1)),
        (one, {"BCC": []}, (0,)),
        (one, {"cc": [two], "bcc": [three]}, (0,)),
        (missing, {"CC": [two]}, (1,)),
        (missing, {"CC": [missing + "x"], "BCC": ["x"]}, ()),
    ):
        expect(publish(channel, "", key, headers), bool(routed), f"routed by {headers}")
        told = {k: v for k, v in headers.items() if k != "BCC"}
        expect(seen(channel, queues), [(key, told) if i in routed else None for i in range(3)], repr(headers))


@scenario("amqp")
def copies_exchanges(ctx):
    """direct and topic go by each key, through another exchange too; fanout and headers deliver once"""
    channel = ctx.channel()
    channel.confirm_delivery()
    queues = [declare(channel, ctx.name()) for _ in range(2)]
    for kind, key in (("direct", "k"), ("topic", "k"), ("fanout", ""), ("headers", "")):
        exchange, outer = ctx.name("x"), ctx.name("x")
        channel.exchange_declare(exchange, kind)
        channel.exchange_declare(outer, "fanout")
        channel.exchange_bind(exchange, outer)
        channel.queue_bind(queues[0], exchange, key + "1")
        channel.queue_bind(queues[1], exchange, key + "2", {"BCC": None, "x-match": "any"})
        wanted = (0, 1) if kind == "fanout" else (0,) if kind == "headers" else (0, 1)
        for first in (exchange, outer):
            publish(channel, first, "k1", {"CC": ["k2", "k1"], "BCC": ["k2"]})
            got = tuple(i for i, m in enumerate(seen(channel, queues)) if m)
            expect(got, wanted, kind)


@scenario("amqp")
def copies_of_a_wrong_type(ctx):
    """406; CC first; checked after expiration"""
    for headers, name, kind in (
        ({"CC": "q"}, "CC", "longstr"), ({"BCC": "q"}, "BCC", "longstr"), ({"CC": 5}, "CC", "signedint"),
        ({"CC": None}, "CC", "void"), ({"CC": {"a": 1}}, "CC", "table"), ({"BCC": 5, "CC": True}, "CC", "bool"),
        ({"BCC": b"q"}, "BCC", "binary"),
    ):
        channel = ctx.channel()
        channel.confirm_delivery()
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            publish(channel, "", "q", headers)
        text = 'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"%s",%s}' % (name, kind)
        expect((r.error.reply_code, r.error.reply_text), (406, text))
    channel = ctx.channel()
    channel.confirm_delivery()
    with Raises(pika.exceptions.ChannelClosedByBroker) as r:
        publish(channel, "", "q", {"CC": 1}, expiration="abc")
    expect(r.error.reply_text, "PRECONDITION_FAILED - invalid expiration 'abc': no_integer")


@scenario("amqp")
def copies_dead_letters(ctx):
    """Without a key of its queue's own a dead letter goes by all keys, BCC's too, again and again"""
    channel = ctx.channel()
    source, dead = ctx.name("x"), ctx.name("dlx")
    channel.exchange_declare(source, "direct")
    channel.exchange_declare(dead, "direct")
    queues = [declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": source}) for _ in range(3)]
    for i, queue in enumerate(queues):
        channel.queue_bind(queue, dead, f"k{i}")
    for arguments, reached, keys in (({}, (0, 1, 2), ["k0", "k1"]), ({"x-dead-letter-routing-key": "k0"}, (0,), ["k0", "k1"])):
        dying = declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": dead, **arguments})
        channel.queue_bind(dying, source, "k0")
        channel.basic_publish(source, "k0", b"m", pika.BasicProperties(headers={"CC": ["k1"], "BCC": ["k2"]}))
        method, _, _ = get(channel, dying)
        channel.basic_reject(method.delivery_tag, requeue=False)
        for i in reached:
            method, properties, _ = get(channel, queues[i], auto_ack=i != 2)
            expect((method.routing_key, properties.headers["x-death"][0]["routing-keys"]), ("k0", keys))
            expect((properties.headers.get("CC"), "BCC" in properties.headers), (None if arguments else ["k1"], False))
            if i == 2: # once more: its BCC is still known
                channel.queue_unbind(dying, source, "k0")
                channel.queue_bind(dying, source, "k2")
                channel.basic_reject(method.delivery_tag, requeue=False)
                get(channel, dying, auto_ack=True)
        expect(seen(channel, queues), [None] * 3)
        channel.queue_delete(dying)


@scenario("amqp")
def copies_returned(ctx):
    """basic.return shows no BCC either"""
    channel = ctx.channel()
    channel.confirm_delivery()
    with Raises(pika.exceptions.UnroutableError) as r:
        channel.basic_publish("", ctx.name(), b"m", pika.BasicProperties(headers={"a": 1, "BCC": ["x"]}), mandatory=True)
    expect(r.error.messages[0].properties.headers, {"a": 1})


@scenario("amqp", "aws", "mqbridge")
def copies_seen_over_sqs(ctx):
    """CC among what mqb.p keeps, BCC nowhere"""
    channel = ctx.channel()
    queue, other = declare(channel, ctx.name("copies")), declare(channel, ctx.name("copies"))
    channel.basic_publish("", queue, b"m", pika.BasicProperties(headers={"CC": ["seen"], "BCC": [other], "a": "b"}))
    for name in (queue, other):
        (message,) = ctx.sqs_take(ctx.sqs_url(name), 1)
        require("seen" in repr(message) and "BCC" not in repr(message), f"message {message}")
