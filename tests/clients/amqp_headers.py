# SPDX-License-Identifier: Apache-2.0
"""Headers exchanges (rabbitmq.md 2.15), with tables put together by hand: wire types
and repeated names that no client library writes.

A field is (name, type letter, value); an array's value is (type letter, value) pairs,
a table's value fields."""

import struct

from pika import frame as frames
from pika import spec

from rig import expect, scenario

NUMBERS = {"b": "b", "B": "B", "s": "h", "u": "H", "I": "i", "i": "I", "l": "q", "L": "Q", "f": "f", "d": "d", "T": "Q", "t": "?"}


def short(text):
    data = text.encode()
    return bytes([len(data)]) + data


def encoded(kind, value=None):
    if kind in NUMBERS:
        return kind.encode() + struct.pack(">" + NUMBERS[kind], value)
    if kind == "D":
        return b"D" + struct.pack(">Bi", *value)
    if kind == "V":
        return b"V"
    if kind == "A":
        value = b"".join(encoded(*item) for item in value)
    elif kind == "F":
        value = fields(value)
    else:
        value = value if isinstance(value, bytes) else value.encode()
    return kind.encode() + struct.pack(">I", len(value)) + value


def fields(rows):
    return b"".join(short(name) + encoded(*value) for name, *value in rows)


def table(rows):
    data = fields(rows)
    return struct.pack(">I", len(data)) + data


class Exchange:
    """A headers exchange with a queue for each list of binding arguments."""

    def __init__(self, ctx, bindings=()):
        self.ctx, self.w = ctx, ctx.wire()
        self.name = ctx.name("x")
        self.w.call(1, spec.Exchange.Declare(exchange=self.name, type="headers"), spec.Exchange.DeclareOk)
        self.w.call(1, spec.Confirm.Select(), spec.Confirm.SelectOk)
        self.queues = []
        for arguments in bindings:
            self.queues.append(self.queue())
            self.bind(self.queues[-1], arguments)

    def queue(self):
        return self.w.call(1, spec.Queue.Declare(exclusive=True), spec.Queue.DeclareOk).queue

    def ask(self, method, queue, arguments, nowait=b""):
        head = b"\0\0" + short(queue) + short(self.name) + short("ignored") + nowait
        self.w.send_raw_method(1, 50, method, head + table(arguments))

    def bind(self, queue, arguments):
        self.ask(20, queue, arguments, b"\0")
        self.w.expect(1, spec.Queue.BindOk)

    def unbind(self, queue, arguments):
        self.ask(50, queue, arguments)
        self.w.expect(1, spec.Queue.UnbindOk)

    def reached(self, headers):
        """Numbers of the queues that a message with these headers (None: no table) reaches."""
        publish = frames.Method(1, spec.Basic.Publish(exchange=self.name, routing_key="k")).marshal()
        properties = struct.pack(">H", 0) if headers is None else struct.pack(">H", 0x2000) + table(headers)
        header = struct.pack(">HHQ", 60, 0, 1) + properties
        self.w.send_bytes(
            publish + struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce" + struct.pack(">BHI", 3, 1, 1) + b"m\xce"
        )
        self.w.expect(1, spec.Basic.Ack)
        return [
            number for number, queue in enumerate(self.queues)
            if self.w.call(1, spec.Queue.Purge(queue=queue), spec.Queue.PurgeOk).message_count
        ]


ALL, ANY = ("x-match", "S", "all"), ("x-match", "S", "any")
ALL_X, ANY_X = ("x-match", "S", "all-with-x"), ("x-match", "S", "any-with-x")


def rows_hold(ctx, rows):
    """row: (arguments, headers, whether they match); all bound at once, each asked alone."""
    x = Exchange(ctx, [arguments for arguments, _, _ in rows])
    for number, (arguments, headers, wanted) in enumerate(rows):
        expect(number in x.reached(headers), wanted, f"bound with {arguments!r}, headers {headers!r}")


@scenario("amqp")
def kinds_of_match(ctx):
    """all, any, with x- keys; nothing to match; presence; tests/unit/mapping/test_router_headers.c has the same"""
    a1, a2, b1, b2, xa = ("a", "I", 1), ("a", "I", 2), ("b", "I", 1), ("b", "I", 2), ("x-a", "I", 1)
    rows_hold(ctx, (
        ([], None, True), ([], [a1], True), ([ALL], None, True), ([ALL], [], True), ([ANY], None, False), ([ANY], [a1], False),
        ([ANY, xa], [xa], False), ([ALL, xa], None, True), ([ALL, ("x", "I", 1)], None, False),
        ([ALL_X], None, True), ([ALL_X], [("x-match", "I", 1)], True), ([ANY_X], [ANY_X], False),
        ([ALL_X, xa], None, False), ([ALL_X, xa], [xa], True), ([ALL_X, ("x-a", "V")], [xa], True),
        ([ANY_X, xa, b1], [xa], True),
        ([a1, b2], [b2, a1, ("c", "I", 3)], True), ([a1, b2], [a1], False), ([a1, b2], [a1, ("b", "I", 3)], False),
        ([ANY, a1, b2], [a1, b1], True), ([ANY, a1, b2], [a2, b1], False),
        ([("a", "V")], [("a", "S", "x")], True), ([("a", "V")], [("a", "V")], True), ([("a", "V")], [b1], False),
        ([a1], [("a", "V")], False),
    ))


@scenario("amqp")
def repeated_names(ctx):
    """Of several of one name the n-th meets the n-th; the first x-match counts"""
    a1, a2 = ("a", "I", 1), ("a", "I", 2)
    rows_hold(ctx, (
        ([a1, a1], [a1], False), ([a1, a1], [a1, a1], True), ([a1], [a2, a1], False), ([a1], [a1, a2], True),
        ([a1, a2], [a2, a1], False), ([ANY, a1, a2], [a2], False), ([ANY, a1, a2], [a2, a2], True),
        ([("a", "V"), a1], [("a", "I", 5), a1], True),
        ([ALL, ANY, a1, ("b", "I", 1)], [a1], False), ([ANY, ALL, a1, ("b", "I", 1)], [a1], True),
    ))


@scenario("amqp")
def values_that_are_equal(ctx):
    """Numbers and times by value, strings as bytes, what is inside arrays and tables with its type"""
    classes = (
        [(kind, 1) for kind in "bBsuIilLTfd"], [("I", 0), ("d", 0.0), ("d", -0.0)],
        [("l", 2**60), ("d", 2.0**60), ("T", 2**60)], [("l", -1), ("L", 2**64 - 1), ("d", -1.0)],
        [("T", 2**64 - 1)], [("T", 2**63), ("d", 2.0**63)], [("d", 2.0**64)], [("f", 0.1)], [("d", 0.1)],
        [("S", "1"), ("x", "1")], [("S", ""), ("x", "")], [("t", True)], [("t", False)], [("D", (0, 1))],
        [("A", []), ("F", [])], [("A", [("I", 1)])], [("A", [("l", 1)]), ("A", [("L", 1)])], [("A", [("d", 1.0)])],
        [("A", [("S", "1")])], [("A", [("x", "1")])], [("F", [("", "I", 1)])],
        [("F", [("a", "I", 1), ("b", "V")])], [("F", [("b", "V"), ("a", "I", 1)])],
    )
    values = [(number, value) for number, group in enumerate(classes) for value in group]
    x = Exchange(ctx, [[("k", *value)] for _, value in values])
    for group, value in values:
        wanted = [number for number, (other, _) in enumerate(values) if other == group]
        expect(x.reached([("k", *value)]), wanted, f"queues of {value!r}")


@scenario("amqp")
def bindings_that_are_the_same(ctx):
    """2.11: arguments in any order, with their types"""
    one = [("a", "I", 1), ("b", "F", [("c", "I", 1), ("d", "l", 2)])]
    for other, same in (
        (one, True), (one[::-1], True), ([("a", "l", 1), one[1]], False),
        ([one[0], ("b", "F", [("d", "l", 2), ("c", "I", 1)])], False),
        ([one[0], ("b", "F", [("c", "I", 1), ("d", "L", 2)])], True),
        (one + [("x-match", "S", "bogus")], False),
    ):
        x = Exchange(ctx, [one])
        x.unbind(x.queues[0], other)
        expect(x.reached(one), [] if same else [0], f"after unbinding {other!r}")


@scenario("amqp")
def x_match_is_checked(ctx):
    """406 at bind, of queues and exchanges; not of other types, nor at unbind"""
    x = Exchange(ctx)
    queue = x.queue()
    not_one = "PRECONDITION_FAILED - Invalid x-match field value {}; expected all, any, all-with-x, or any-with-x"
    not_text = "PRECONDITION_FAILED - Invalid x-match field type {} (value {}); expected longstr"
    for value, text in (
        (("S", "bogus"), not_one.format('<<"bogus">>')), (("S", ""), not_one.format("<<>>")),
        (("S", 'a"b\\c\n'), not_one.format('<<"a\\"b\\\\c\\n">>')), (("S", b"a\1"), not_one.format("<<97,1>>")),
        (("x", "all"), not_text.format("binary", '<<"all">>')), (("I", 1), not_text.format("signedint", 1)),
        (("V",), not_text.format("void", "undefined")), (("t", True), not_text.format("bool", "true")),
        (("d", 15000.0), not_text.format("double", "1.5e4")), (("D", (2, 150)), not_text.format("decimal", "{2,150}")),
        (("F", [("a", "S", "b")]), not_text.format("table", '[{<<"a">>,longstr,<<"b">>}]')),
    ):
        x.ask(20, queue, [("x-match", *value)], b"\0")
        close = x.w.expect(1, spec.Channel.Close)
        expect((close.reply_code, close.reply_text, close.class_id, close.method_id), (406, text, 50, 20), f"x-match {value!r}")
        x.w.send(1, spec.Channel.CloseOk())
        x.w.channel(1)
    x.unbind(queue, [("x-match", "S", "bogus")])
    bogus = {"x-match": "bogus"}
    x.w.call(1, spec.Queue.Bind(queue=queue, exchange="amq.direct", arguments=bogus), spec.Queue.BindOk)
    x.w.send(1, spec.Exchange.Bind(destination="amq.fanout", source=x.name, arguments=bogus))
    expect(x.w.expect(1, spec.Channel.Close).reply_text, not_one.format('<<"bogus">>'))
