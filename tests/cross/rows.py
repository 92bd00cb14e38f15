# SPDX-License-Identifier: Apache-2.0
"""Every row of docs/cross-protocol.md that 0-9-1 and SQS share, with stock pika on
one side and both AWS wire protocols on the other."""

import datetime
import decimal
import hashlib
import uuid

import brokers
import pika

from rig import Rig, binary, expect, packed, string

ROWS = []


def row(*protocols):
    """A case runs once for each protocol named."""

    def register(function):
        ROWS.append((function, protocols or ("json", "query")))
        return function

    return register


# --- bodies, 0-9-1 → SQS ------------------------------------------------------------

BODIES = [
    # content type, encoding, body, Body, mqb.enc
    ("text/plain", None, b"hi", "hi", None),
    ("text/html; charset=utf-8", None, "é<&>".encode(), "é<&>", None),
    ("application/json", None, b'{"a": 1}', '{"a": 1}', None),
    ("application/xml", None, b"<a>\r\n</a>", "<a>\r\n</a>", None),
    ("application/vnd.api+json", None, b"[]", "[]", None),
    ("application/soap+xml", None, b"<s/>", "<s/>", None),
    ("application/x-www-form-urlencoded", None, b"a=b", "a=b", None),
    ("application/octet-stream", None, b"hi", "aGk=", "base64"),
    ("image/png", None, b"\x89PNG", "iVBORw==", "base64"),
    ("text/plain", "gzip", b"\x1f\x8b", "H4s=", "base64"),
    ("application/json", "utf-8", b"{}", "e30=", "base64"),
    ("text/plain", None, b"a\x00b", "YQBi", "base64"),
    ("text/plain", None, b"\xe9", "6Q==", "base64"),
    ("text/plain", None, "\ufffe".encode(), "77++", "base64"),
    (None, None, b"plain", "plain", None),
    (None, None, b"\xff\x00", "/wA=", "base64"),
    (None, None, b"", " ", "empty"),
    ("application/octet-stream", "gzip", b"", " ", "empty"),
]


@row()
def bodies(rig, protocol):
    name, url = rig.queue()
    for kind, encoding, body, expected, enc in BODIES:
        what = f"{kind}, {encoding}, {body!r}"
        rig.publish(body, name, content_type=kind, content_encoding=encoding)
        got = rig.receive_one(url, protocol)
        expect(got["Body"], expected, what)
        expect(got["MD5OfBody"], hashlib.md5(expected.encode()).hexdigest(), what)
        expect(got["plain"].get("mqb.enc"), enc and ("String", enc), what)
        # and back to a legacy reader, as an SQS application would forward it
        rig.resend(url, got, protocol)
        _, properties, back = rig.get(name)
        expect((back, properties.content_type, properties.content_encoding), (body, kind, encoding), what)


@row()
def body_flips(rig, protocol):
    """Text and binary by turns in one queue, received together: each form with its own mark."""
    name, url = rig.queue()
    for i in range(6):
        rig.publish(b"\xff%d" % i if i % 2 else b"text %d" % i, name)
    got = {}
    while len(got) < 6:
        for m in rig.receive(url, protocol, MaxNumberOfMessages=10):
            got[m["MessageId"]] = (m["Body"], m["plain"].get("mqb.enc"))
    expect(list(got.values()), [
        ("text 0", None), ("/zE=", ("String", "base64")), ("text 2", None), ("/zM=", ("String", "base64")),
        ("text 4", None), ("/zU=", ("String", "base64")),
    ])


@row()
def body_setting_base64(rig, protocol):
    name, url = rig.queue(x_mqb_body="base64")
    rig.publish(b"hi", name)
    got = rig.receive_one(url, protocol)
    expect((got["Body"], got["plain"]["mqb.enc"]), ("aGk=", ("String", "base64")))
    rig.publish(b"hi", name, content_type="text/plain")
    expect(rig.receive_one(url, protocol)["Body"], "hi", "declared text")


@row()
def body_setting_text(rig, protocol):
    """Illegal text is neither lost nor mistaken for text: base64 with its mark."""
    name, url = rig.queue(x_mqb_body="text")
    rig.publish(b"\xff", name)
    rig.publish(b"hi", name)
    bodies = {}
    while len(bodies) < 2:
        for m in rig.receive(url, protocol):
            bodies[m["Body"]] = m["plain"].get("mqb.enc")
    expect(bodies, {"/w==": ("String", "base64"), "hi": None})


@row("json")
def settings_refused(rig, protocol):
    """A value or a name that is no setting, and one that differs from what is there."""
    name, _ = rig.queue(x_mqb_body="text")
    fresh = f"cross.{uuid.uuid4().hex[:12]}"
    for queue, arguments, text in (
        (fresh, {"x-mqb-body": "binary"}, "invalid arg 'x-mqb-body' for queue '{}' in vhost '/': \"unsupported body 'binary'\""),
        (fresh, {"x-mqb-promote": 7}, "invalid arg 'x-mqb-promote' for queue '{}' in vhost '/': {{unacceptable_type,signedint}}"),
        (fresh, {"x-mqb-bodies": "text"}, "invalid arg 'x-mqb-bodies' for queue '{}' in vhost '/': \"no such setting\""),
        (name, {"x-mqb-body": "base64"}, "inequivalent arg 'x-mqb-body' for queue '{}' in vhost '/': received 'base64' but current is 'text'"),
    ):
        channel = rig.connection.channel()
        try:
            channel.queue_declare(queue, durable=True, arguments=arguments)
        except pika.exceptions.ChannelClosedByBroker as error:
            expect((error.reply_code, error.reply_text), (406, "PRECONDITION_FAILED - " + text.format(queue)))
        else:
            raise AssertionError(f"{arguments} was accepted")
    rig.channel.queue_declare(name, durable=True)  # who names no setting takes the queue as it is


@row("json")
def settings_of_the_daemon(rig, protocol):
    """For queues that say nothing; what a queue says wins."""
    settings = ["queue.body=base64", "queue.promote=b, correlation-id", "queue.content_type=application/json"]
    daemon = brokers.Mqbridge(rig.daemon.binary, settings=settings).start()
    try:
        own = Rig(daemon)
        name, url = own.queue()
        other, other_url = own.queue(x_mqb_body="text", x_mqb_promote="a", x_mqb_content_type="text/csv")
        for queue in (name, other):
            own.publish(b"hi", queue, correlation_id="c", headers={"a": "1", "b": "2"})
        got, other_got = own.receive_one(url), own.receive_one(other_url)
        expect((got["Body"], list(got["plain"])), ("aGk=", ["b", "correlation-id", "mqb.p", "mqb.enc"]))
        expect((other_got["Body"], list(other_got["plain"])), ("hi", ["a", "mqb.p"]))
        for queue, address, kind in ((name, url, "application/json"), (other, other_url, "text/csv")):
            own.send(address, "x")
            expect(own.get(queue)[1].content_type, kind)
        own.close()
    finally:
        daemon.end()


@row()
def body_setting_text_dead_letters(rig, protocol):
    """Where the queue has a dead-letter exchange, what is not text goes there, with its reason."""
    dead, dead_url = rig.queue()
    name, url = rig.queue(x_mqb_body="text", x_dead_letter_exchange="", x_dead_letter_routing_key=dead)
    for body in (b"\xff1", b"\xff2", b"hi"):
        rig.publish(body, name)
    got = []
    while not got:
        got = rig.receive(url, protocol, MaxNumberOfMessages=10)
    expect([m["Body"] for m in got], ["hi"])
    for body in (b"\xff1", b"\xff2"):
        _, properties, there = rig.get(dead)
        expect((there, properties.headers["x-death"][0]["reason"], properties.headers["x-first-death-queue"]), (body, "rejected", name))


# --- properties and headers, 0-9-1 → SQS ----------------------------------------------


@row()
def properties(rig, protocol):
    exchange = f"x-{uuid.uuid4().hex[:8]}"
    name, url = rig.queue(exchange)
    rig.publish(
        b"hi", exchange=exchange, key="a.b", content_type="text/plain", delivery_mode=2, priority=3, correlation_id="c",
        reply_to="r", expiration="60000", message_id="m", timestamp=1700000000, type="t", user_id="guest", app_id="app",
        headers={"traceparent": "00-1-2-01", "X-Amzn-Trace-Id": "Root=1-a"},
    )
    got = rig.receive_one(url, protocol)
    expect(list(got["plain"]), ["traceparent", "content-type", "correlation-id", "reply-to", "mqb.p"], "order")
    expect(got["plain"]["traceparent"], ("String", "00-1-2-01"))
    expect(got["plain"]["content-type"], ("String", "text/plain"))
    expect(got["Attributes"]["AWSTraceHeader"], "Root=1-a")
    expect(got["Attributes"]["SenderId"], "guest")
    expect(packed(got), {
        "v": 1,
        "p": {"priority": 3, "expiration": "60000", "message-id": "m", "timestamp": 1700000000, "type": "t", "app-id": "app"},
        "x": exchange, "k": "a.b", "u": "guest",
    })
    uuid.UUID(got["MessageId"])


@row()
def nothing_to_pack(rig, protocol):
    """Default exchange, delivery mode 2, priority 0, String headers: no mqb.p."""
    name, url = rig.queue()
    rig.publish(b"hi", name, delivery_mode=2, priority=0, headers={"a": "1"})
    expect(rig.receive_one(url, protocol)["plain"], {"a": ("String", "1")})


# Not among them: floating point headers, which Debian's pika cannot write and reads
# as whole numbers; tests/unit/mapping/test_cross_round_trip.c has them.
TYPED = {
    "string": ("text", ("String", "text")),
    "true": (True, ("String", "true")),
    "false": (False, ("String", "false")),
    "int": (-5, ("Number", "-5")),
    "long": (2**40, ("Number", str(2**40))),
    "time": (datetime.datetime(2023, 11, 14, 22, 13, 20), ("Number", "1700000000000")),
    "bytes": (b"\x00\xff", ("Binary", b"\x00\xff")),
    "empty": ("", None),
    "none": (None, None),
    "decimal": (decimal.Decimal("3.14"), None),
    "table": ({"k": {"deep": [1, "two", {"three": b"\x03"}]}}, None),
    "array": ([1, [2, "x"], None], None),
    "control": ("a\x01", None),
}


@row()
def header_types(rig, protocol):
    """Each wire type: the attribute or mqb.p, and the same value back after resending."""
    name, url = rig.queue()
    for header, (value, attribute) in TYPED.items():
        rig.publish(b"hi", name, content_type="text/plain", headers={header: value})
        got = rig.receive_one(url, protocol)
        expect(got["plain"].get(header), attribute, header)
        expect([h[0] for h in (packed(got) or {}).get("h", [])], [] if attribute else [header], header)
        rig.resend(url, got, protocol)
        back = rig.get(name)[1].headers
        expect(list(back), [header])
        expect((type(back[header]), back[header]), (wire_type(value), value), header)


def wire_type(value):
    """pika has a type of its own for 64 bit integers."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**31) <= value < 2**31:
        return pika.compat.long
    return type(value)


@row()
def all_types_at_once(rig, protocol):
    name, url = rig.queue()
    sent = {header: value for header, (value, _) in TYPED.items()}
    rig.publish(b"\x00\x01", name, headers=sent, content_type="application/octet-stream")
    got = rig.receive_one(url, protocol)
    expect(len(got["plain"]), 10, "attributes")
    rig.resend(url, got, protocol)
    _, back, body = rig.get(name)
    expect((back.headers, body), (sent, b"\x00\x01"))


@row()
def twelve_headers(rig, protocol):
    name, url = rig.queue()
    sent = {f"h{i}": f"v{i}" for i in range(12)}
    rig.publish(b"hi", name, content_type="text/plain", headers=sent)
    got = rig.receive_one(url, protocol)
    expect(list(got["plain"]), ["content-type"] + [f"h{i}" for i in range(8)] + ["mqb.p"])
    expect([h[0] for h in packed(got)["h"]], ["h8", "h9", "h10", "h11"])
    rig.resend(url, got, protocol)
    expect(rig.get(name)[1].headers, sent)


@row()
def names(rig, protocol):
    """Illegal or reserved names are packed, never changed."""
    name, url = rig.queue()
    sent = {n: "v" for n in ("a b", ".a", "a..b", "AWS.x", "Amazon.x", "mqb.enc", "mqb.p", "é", "content-type", "ok-1_2.x")}
    rig.publish(b"hi", name, headers=sent)
    got = rig.receive_one(url, protocol)
    expect(sorted(got["plain"]), ["mqb.p", "ok-1_2.x"])
    rig.resend(url, got, protocol)
    expect(rig.get(name)[1].headers, sent)


@row()
def promote_setting(rig, protocol):
    name, url = rig.queue(x_mqb_promote="b, correlation-id")
    rig.publish(b"hi", name, content_type="text/plain", correlation_id="c", headers={"a": "1", "b": "2"})
    got = rig.receive_one(url, protocol)
    expect(list(got["plain"]), ["b", "correlation-id", "mqb.p"])
    expect(packed(got), {"v": 1, "p": {"content-type": "text/plain"}, "h": [["a", "S", "1"]]})


@row()
def large_bodies(rig, protocol):
    """Beyond 1 MiB: whole, alone in its answer, the others not lost."""
    name, url = rig.queue()
    large = b"x" * (3 << 20)
    rig.publish(b"first", name)
    rig.publish(large, name)
    rig.publish(b"last", name)
    seen = []
    for _ in range(6):
        got = rig.receive(url, protocol, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        if any(len(m["Body"]) > 1 << 20 for m in got):
            expect(len(got), 1, "messages beside a large one")
        for message in got:
            seen.append(message["Body"])
            expect(message["Attributes"]["ApproximateReceiveCount"], "1", "count of one that had to wait")
            rig.aws("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}, protocol)
        if len(seen) == 3:
            break
    expect(sorted(len(s) for s in seen), [4, 5, 3 << 20])
    expect(large.decode() in seen, True, "the large body")


# --- SQS → 0-9-1 ----------------------------------------------------------------------


@row()
def born_in_sqs(rig, protocol):
    name, url = rig.queue()
    sent = rig.send(url, "héllo\r\n\t", protocol)
    method, properties, body = rig.get(name)
    expect(body, "héllo\r\n\t".encode())
    expect((method.exchange, method.routing_key, method.redelivered), ("", name, False))
    expect(properties.delivery_mode, 2)
    expect(properties.message_id, sent["MessageId"])
    expect(abs(properties.timestamp - datetime.datetime.now().timestamp()) < 60, True, "timestamp")
    expect((properties.content_type, properties.headers, properties.user_id), (None, None, None))


@row()
def attribute_types(rig, protocol):
    name, url = rig.queue()
    rig.send(url, "x", protocol, {
        "s": string("text"), "custom": string("c", "String.uuid"), "i": string("42", "Number"),
        "big": string("9007199254740993", "Number"), "whole": string("3.0", "Number"),
        "b": binary(b"\x00\xff"), "png": binary(b"\x89", "Binary.png"), "traceparent": string("00-1"),
    }, MessageSystemAttributes={"AWSTraceHeader": string("Root=1")}, MessageGroupId="tenant")
    expect(rig.get(name)[1].headers, {
        "s": "text", "custom": "c", "i": 42, "big": 9007199254740993, "whole": 3, "b": b"\x00\xff", "png": b"\x89",
        "traceparent": "00-1", "X-Amzn-Trace-Id": "Root=1", "MessageGroupId": "tenant",
    })


@row()
def attributes_that_are_properties(rig, protocol):
    name, url = rig.queue()
    rig.send(url, "x", protocol, {
        "content-type": string("application/json"), "correlation-id": string("c"), "reply-to": string("r")})
    got = rig.get(name)[1]
    expect((got.content_type, got.correlation_id, got.reply_to, got.headers), ("application/json", "c", "r", None))
    rig.send(url, "x", protocol, {"contentType": string("text/csv")})
    expect(rig.get(name)[1].content_type, "text/csv")


@row()
def content_type_setting(rig, protocol):
    name, url = rig.queue(x_mqb_content_type="application/json")
    rig.send(url, "{}", protocol)
    expect(rig.get(name)[1].content_type, "application/json")
    rig.send(url, "x", protocol, {"content-type": string("text/plain")})
    expect(rig.get(name)[1].content_type, "text/plain")


@row()
def marks_of_anybody(rig, protocol):
    name, url = rig.queue()
    for enc, text, body, headers in (
        ("base64", "AP8=", b"\x00\xff", None),
        ("empty", " ", b"", None),
        ("base64", "not base64!", b"not base64!", {"mqb.enc": "base64"}),
        ("empty", "data", b"data", {"mqb.enc": "empty"}),
        ("gzip", "x", b"x", {"mqb.enc": "gzip"}),
    ):
        rig.send(url, text, protocol, {"mqb.enc": string(enc)})
        _, properties, got = rig.get(name)
        expect((got, properties.headers), (body, headers), f"{enc} {text}")


@row()
def forged_facts(rig, protocol):
    name, url = rig.queue()
    rig.send(url, "x", protocol, {"mqb.p": string(
        '{"v":1,"p":{"user-id":"root","type":"t"},"h":[["x-death","A",[]],["x-first-death-queue","S","q"],["a","S","b"]],'
        '"x":"amq.topic","k":"forged","u":"root"}')})
    method, properties, _ = rig.get(name)
    expect((method.exchange, method.routing_key), ("", name))
    expect((properties.user_id, properties.type, properties.headers), (None, "t", {"a": "b"}))


@row()
def malformed_packed(rig, protocol):
    name, url = rig.queue()
    for text in ("{", "[]", '{"v":2}', '{"v":1,"h":[["a","b",1000]]}', '{"v":1,"h":[["a","S","b"]],"x":7}'):
        rig.send(url, "x", protocol, {"mqb.p": string(text)})
        expect(rig.get(name)[1].headers, {"mqb.p": text}, text)


@row()
def attribute_wins(rig, protocol):
    name, url = rig.queue()
    rig.send(url, "x", protocol, {
        "content-type": string("text/html"), "a": string("new"), "n": string("1000", "Number"),
        "mqb.p": string('{"v":1,"p":{"content-type":"text/plain"},"h":[["a","S","old"]],"t":{"n":"b"}}')})
    got = rig.get(name)[1]
    expect((got.content_type, got.headers), ("text/html", {"a": "new", "n": 1000}))


@row()
def sqs_to_sqs(rig, protocol):
    """Between SQS clients nothing is added or changed, marks of the bridge included."""
    _, url = rig.queue()
    attributes = {
        "mqb.enc": string("base64"), "mqb.p": string("not ours"), "content-type": string("image/png"), "n": string("1e3", "Number.big"),
        "b": binary(b"\x00", "Binary.x"),
    }
    rig.send(url, " AP8= ", protocol, attributes)
    got = rig.receive_one(url, protocol)
    expect(got["Body"], " AP8= ")
    expect(got["plain"], {
        "mqb.enc": ("String", "base64"), "mqb.p": ("String", "not ours"), "content-type": ("String", "image/png"),
        "n": ("Number.big", "1e3"), "b": ("Binary.x", b"\x00"),
    })


# --- the same message, both readers ----------------------------------------------------


@row()
def counted_together(rig, protocol):
    """What one protocol received counts for the other; releases by either are seen by the other."""
    name, url = rig.queue()
    rig.send(url, "x", protocol)
    method, _, _ = rig.channel.basic_get(name)
    rig.channel.basic_nack(method.delivery_tag, requeue=True)
    got = rig.receive(url, protocol)[0]
    expect(got["Attributes"]["ApproximateReceiveCount"], "2")
    rig.aws("ChangeMessageVisibility", {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"], "VisibilityTimeout": 0}, protocol)
    method, _, _ = rig.get(name)
    expect(method.redelivered, True)


@row()
def sent_by_path_of_true_name(rig, protocol):
    """The percent-encoded true name in a URL is the same queue."""
    name, url = rig.queue()
    account = url.split("/")[-2]
    rig.send(f"http://host/{account}/{name.replace('.', '%2E')}", "x", protocol)
    expect(rig.get(name)[2], b"x")


@row()
def made_by_sqs(rig, protocol):
    """A queue of CreateQueue, used from AMQP by its name."""
    name = f"made-{uuid.uuid4().hex[:10]}"
    url = rig.aws("CreateQueue", {"QueueName": name}, protocol)["QueueUrl"]
    rig.publish(b"hi", name, content_type="text/plain")
    expect(rig.receive_one(url, protocol)["Body"], "hi")
    rig.channel.queue_declare(name, durable=True)
