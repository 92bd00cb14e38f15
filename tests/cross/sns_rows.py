# SPDX-License-Identifier: Apache-2.0
"""Every row of docs/cross-protocol.md between AMQP 0-9-1 and SNS: pika on one side,
SNS over Query and SQS over both wire protocols on the other."""

import base64
import json
import uuid

import pika

from rig import binary, expect, packed, string
from rows import row

ACCOUNT = "000000000000"


def topic(rig, kind="topic"):
    """An exchange of pika's: its name, its ARN."""
    name = f"cross-{uuid.uuid4().hex[:12]}"
    rig.channel.exchange_declare(name, kind, durable=True)
    return name, f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"


def sns(rig, action, **parameters):
    return rig.aws(action, parameters, "query", service="sns")


def subscribed(rig, arn, **attributes):
    """A queue that a topic delivers to: its name, its URL, the subscription's ARN."""
    name, url = rig.queue()
    endpoint = rig.aws("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})["Attributes"]["QueueArn"]
    made = sns(rig, "Subscribe", TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)
    return name, url, made["SubscriptionArn"]


def published(rig, exchange, key, body, **properties):
    rig.channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties), mandatory=True)


@row()
def amqp_to_raw_subscription(rig, protocol):
    """What a bound queue's SQS reader gets, and what a 0-9-1 reader of the queue gets."""
    exchange, arn = topic(rig)
    name, url, _ = subscribed(rig, arn, RawMessageDelivery="true")
    headers = {"count": 7, "name": "n", "flag": True}
    published(rig, exchange, "a.b", b"hi", content_type="text/plain", type="news", headers=headers)
    got = rig.receive_one(url, protocol)
    expect(got["Body"], "hi")
    expect(got["plain"]["content-type"], ("String", "text/plain"))
    expect(got["plain"]["count"], ("Number", "7"))
    expect((packed(got)["x"], packed(got)["k"], packed(got)["p"]["type"]), (exchange, "a.b", "news"))
    published(rig, exchange, "a.b", b"hi", content_type="text/plain", type="news", headers=headers)
    method, properties, body = rig.get(name)
    expect((method.exchange, method.routing_key, body), (exchange, "a.b", b"hi"))
    expect((properties.type, properties.headers), ("news", headers))


@row()
def amqp_to_envelope(rig, protocol):
    """Message, Subject and MessageAttributes of the envelope; no SQS attributes."""
    exchange, arn = topic(rig)
    name, url, subscription = subscribed(rig, arn)
    published(rig, exchange, "a.b", b"hi", content_type="text/plain", type="news", headers={"count": 7, "raw": b"\x01"})
    got = rig.receive_one(url, protocol)
    expect(got["plain"], {})
    envelope = json.loads(got["Body"])
    expect(list(envelope)[:5], ["Type", "MessageId", "TopicArn", "Subject", "Message"])
    expect((envelope["Type"], envelope["TopicArn"], envelope["Subject"], envelope["Message"]), ("Notification", arn, "news", "hi"))
    attributes = envelope["MessageAttributes"]
    expect(attributes["content-type"], {"Type": "String", "Value": "text/plain"})
    expect(attributes["count"], {"Type": "Number", "Value": "7"})
    expect(json.loads(attributes["mqb.p"]["Value"])["k"], "a.b")
    expect(envelope["UnsubscribeURL"].split("SubscriptionArn=")[1], subscription)
    # what a 0-9-1 reader of it gets
    published(rig, exchange, "a.b", b"hi", content_type="text/plain", type="news")
    method, properties, body = rig.get(name)
    expect((method.exchange, method.routing_key), (exchange, "a.b"))
    expect((properties.content_type, properties.delivery_mode, json.loads(body)["Message"]), ("application/json", 2, "hi"))
    expect((properties.type, properties.headers), (None, None))


BODIES = [
    # content type, body, Message, mqb.enc
    (None, b"text", "text", None),
    ("application/json", '{"é": 1}'.encode(), '{"é": 1}', None),
    ("application/octet-stream", b"\x00\xff", "AP8=", "base64"),
    (None, b"\xff", "/w==", "base64"),
    (None, b"", " ", "empty"),
]


@row()
def envelope_bodies(rig, protocol):
    exchange, arn = topic(rig)
    _, url, _ = subscribed(rig, arn)
    for kind, body, expected, enc in BODIES:
        published(rig, exchange, "", body, content_type=kind)
        envelope = json.loads(rig.receive_one(url, protocol)["Body"])
        expect(envelope["Message"], expected, f"{kind}, {body!r}")
        expect(envelope.get("MessageAttributes", {}).get("mqb.enc", {}).get("Value"), enc, f"{kind}, {body!r}")


SUBJECTS = [("news", "news"), ("x" * 100, "x" * 100), ("x" * 101, None), (" x", None), ("é", None), ("a\nb", None), ("", None)]


@row()
def subject_of_type(rig, protocol):
    """Where it is a legal Subject; else it stays in mqb.p alone."""
    exchange, arn = topic(rig)
    _, url, _ = subscribed(rig, arn)
    for kind, subject in SUBJECTS:
        published(rig, exchange, "", b"x", type=kind)
        envelope = json.loads(rig.receive_one(url, protocol)["Body"])
        expect(envelope.get("Subject"), subject, repr(kind))
        expect(json.loads(envelope["MessageAttributes"]["mqb.p"]["Value"])["p"]["type"], kind)


@row()
def more_than_ten_headers(rig, protocol):
    """Raw and in an envelope: nine promoted, the others packed."""
    exchange, arn = topic(rig)
    _, raw_url, _ = subscribed(rig, arn, RawMessageDelivery="true")
    _, url, _ = subscribed(rig, arn)
    headers = {f"h{i:02}": i for i in range(12)}
    published(rig, exchange, "k", b"x", content_type="text/plain", headers=headers)
    raw = rig.receive_one(raw_url, protocol)
    expect(len(raw["plain"]), 10)
    envelope = json.loads(rig.receive_one(url, protocol)["Body"])
    expect({n: (a["Type"], a["Value"]) for n, a in envelope["MessageAttributes"].items()}, raw["plain"])
    expect([h[0] for h in packed(raw)["h"]], ["h08", "h09", "h10", "h11"])


@row()
def sns_to_binding(rig, protocol):
    """Publish to an exchange: key, Subject, attributes, as pika sees them."""
    exchange, arn = topic(rig)
    name, url = rig.queue()
    rig.channel.queue_bind(name, exchange, "eu.#")
    sns(rig, "Publish", TopicArn=arn, Message="unroutable")
    made = sns(rig, "Publish", TopicArn=arn, Message="héllo", Subject="news", MessageAttributes={
        "routing-key": string("eu.de"), "n": string("7", "Number"), "b": binary(b"\x01"), "correlation-id": string("c"),
    })
    method, properties, body = rig.get(name)
    expect((method.exchange, method.routing_key, body.decode()), (exchange, "eu.de", "héllo"))
    expect((properties.type, properties.correlation_id, properties.delivery_mode), ("news", "c", 2))
    expect(properties.headers, {"routing-key": "eu.de", "n": 7, "b": b"\x01"})
    uuid.UUID(made["MessageId"])
    uuid.UUID(properties.message_id)
    # and as an SQS reader of the bound queue
    sns(rig, "Publish", TopicArn=arn, Message="m", MessageAttributes={"routing-key": string("eu.de")})
    got = rig.receive_one(url, protocol)
    expect((got["Body"], got["plain"]), ("m", {"routing-key": ("String", "eu.de")}))


@row()
def sns_more_than_ten(rig, protocol):
    """All of them to pika and in the envelope; nine and a pack to SQS."""
    exchange, arn = topic(rig, "fanout")
    bound, _ = rig.queue()
    rig.channel.queue_bind(bound, exchange)
    _, url, _ = subscribed(rig, arn)
    _, raw_url, _ = subscribed(rig, arn, RawMessageDelivery="true")
    attributes = {f"a{i:02}": string(str(i), "Number") for i in range(12)}
    sns(rig, "Publish", TopicArn=arn, Message="m", MessageAttributes=attributes)
    expect(rig.get(bound)[1].headers, {f"a{i:02}": i for i in range(12)})
    envelope = json.loads(rig.receive_one(url, protocol)["Body"])
    expect(envelope["MessageAttributes"], {n: {"Type": "Number", "Value": a["StringValue"]} for n, a in attributes.items()})
    raw = rig.receive_one(raw_url, protocol)
    expect(len(raw["plain"]), 10)
    expect([(h[0], h[2]) for h in packed(raw)["h"]], [("a09", 9), ("a10", 10), ("a11", 11)])
    # forwarded over SQS, pika sees them all again
    back, back_url = rig.queue()
    rig.resend(back_url, raw, protocol)
    expect(rig.get(back)[1].headers, {f"a{i:02}": i for i in range(12)})


@row()
def sns_binary_marks(rig, protocol):
    """mqb.enc of an SNS publisher is honoured by a 0-9-1 reader."""
    exchange, arn = topic(rig, "fanout")
    bound, _ = rig.queue()
    rig.channel.queue_bind(bound, exchange)
    sns(rig, "Publish", TopicArn=arn, Message=base64.b64encode(b"\x00\xff").decode(),
        MessageAttributes={"mqb.enc": string("base64"), "content-type": string("image/png")})
    _, properties, body = rig.get(bound)
    expect((properties.content_type, body, properties.headers), ("image/png", b"\x00\xff", None))


@row("json")
def topics_are_exchanges(rig, _):
    """Made over SNS it may be declared with its type; its policy is what the bindings are."""
    name = f"made-{uuid.uuid4().hex[:12]}"
    arn = sns(rig, "CreateTopic", Name=name)["TopicArn"]
    rig.channel.exchange_declare(name, "topic", durable=True)
    queue, _url = rig.queue()
    rig.channel.queue_bind(queue, name, "a.*")
    listed = sns(rig, "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]
    expect([(s["Protocol"], s["TopicArn"]) for s in listed], [("sqs", arn)])
    attributes = sns(rig, "GetSubscriptionAttributes", SubscriptionArn=listed[0]["SubscriptionArn"])["Attributes"]
    expect(attributes["RawMessageDelivery"], "true")
    expect(json.loads(attributes["FilterPolicy"]), {"rk": [{"prefix": ".a."}], "n": [{"numeric": ["=", 2]}]})
    rig.channel.queue_bind(queue, name, "*.x.#.y.*")
    rig.channel.queue_bind(queue, name, "#.x.#.y.#")
    attributes = sns(rig, "GetSubscriptionAttributes", SubscriptionArn=listed[0]["SubscriptionArn"])["Attributes"]
    expect(("FilterPolicy" in attributes, bool(attributes.get("mqb-approximate"))), (False, True))


@row("json")
def one_copy(rig, _):
    """Bound and subscribed: raw when a binding matches, else the subscription's form."""
    exchange, arn = topic(rig)
    name, url, _subscription = subscribed(rig, arn)
    rig.channel.queue_bind(name, exchange, "bound")
    published(rig, exchange, "bound", b"one")
    expect(rig.receive_one(url)["Body"], "one")
    published(rig, exchange, "other", b"two")
    expect(json.loads(rig.receive_one(url)["Body"])["Message"], "two")
    expect(rig.receive(url, WaitTimeSeconds=0), [])
