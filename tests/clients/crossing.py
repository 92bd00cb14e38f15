# SPDX-License-Identifier: Apache-2.0
"""The main job: one queue, RabbitMQ clients on one side, SQS clients on the other
(docs/cross-protocol.md; tests/cross has its every row)."""

import base64
import json
import threading
import uuid

import pika

from rig import consume, declare, expect, get, pump, ready, require, scenario


@scenario("amqp", "aws", "mqbridge")
def amqp_to_sqs(ctx):
    """Through a topic exchange: body, attributes, and the rest in mqb.p"""
    channel = ctx.channel()
    exchange, queue = ctx.name("orders"), declare(channel, ctx.name("orders-eu"))
    channel.exchange_declare(exchange, exchange_type="topic", durable=True)
    channel.queue_bind(queue, exchange, "order.eu.#")
    channel.confirm_delivery()
    body = json.dumps({"id": 7, "name": "Grünkohl"})
    channel.basic_publish(
        exchange, "order.eu.new", body,
        pika.BasicProperties(
            content_type="application/json", delivery_mode=2, correlation_id="c-7", reply_to="answers", message_id="m-7",
            timestamp=1700000000, priority=3, headers={"customer": "ACME", "items": 3, "paid": True, "tags": ["a", 1]},
        ),
        mandatory=True,
    )
    url = ctx.sqs_url(queue)
    (message,) = ctx.sqs_take(url, 1)
    expect(message["Body"], body)
    attributes = message["MessageAttributes"]
    packed = json.loads(attributes.pop("mqb.p")["StringValue"])
    expect(attributes, {
        "content-type": {"DataType": "String", "StringValue": "application/json"},
        "correlation-id": {"DataType": "String", "StringValue": "c-7"},
        "reply-to": {"DataType": "String", "StringValue": "answers"},
        "customer": {"DataType": "String", "StringValue": "ACME"},
        "items": {"DataType": "Number", "StringValue": "3"},
        "paid": {"DataType": "String", "StringValue": "true"},
    })
    expect((packed["v"], packed["x"], packed["k"]), (1, exchange, "order.eu.new"))
    expect([h[0] for h in packed["h"]], ["tags"])
    require("priority" in json.dumps(packed["p"]) and "m-7" in json.dumps(packed["p"]), f"mqb.p {packed}")
    uuid.UUID(message["MessageId"])
    expect(ready(channel, queue), 0)


@scenario("amqp", "aws", "mqbridge")
def sqs_to_amqp(ctx):
    """SendMessage → the pika consumer"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name("jobs"))
    url = ctx.sqs_url(queue)
    sent = ctx.sqs.send_message(
        QueueUrl=url, MessageBody="Grüße ✓",
        MessageAttributes={
            "content-type": {"DataType": "String", "StringValue": "text/plain"},
            "tenant": {"DataType": "String", "StringValue": "t1"},
            "n": {"DataType": "Number", "StringValue": "42"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    _, taken = consume(channel, queue)
    pump(channel.connection, lambda: taken, "the delivery")
    method, properties, body = taken[0]
    expect(body, "Grüße ✓".encode())
    expect((method.exchange, method.routing_key, method.redelivered), ("", queue, False))
    expect((properties.content_type, properties.delivery_mode), ("text/plain", 2))
    expect(properties.message_id, sent["MessageId"])
    require(properties.timestamp, "no timestamp")
    headers = dict(properties.headers)
    headers["raw"] = bytes(headers["raw"])
    expect(headers, {"tenant": "t1", "n": 42, "raw": b"\x00\xff"})
    channel.basic_ack(method.delivery_tag)


@scenario("amqp", "aws", "mqbridge")
def binary_both_ways(ctx):
    """Octets that are no text: base64 with a mark for SQS, themselves for AMQP"""
    channel = ctx.channel()
    queue = declare(channel, ctx.name("binary"))
    url = ctx.sqs_url(queue)
    octets = bytes(range(256)) * 3
    channel.basic_publish("", queue, octets, pika.BasicProperties(content_type="application/octet-stream", delivery_mode=2))
    (message,) = ctx.sqs_take(url, 1)
    expect(base64.b64decode(message["Body"]) == octets, True, "body over SQS")
    expect(message["MessageAttributes"]["mqb.enc"]["StringValue"], "base64")
    ctx.sqs.send_message(
        QueueUrl=url, MessageBody=message["Body"], MessageAttributes={"mqb.enc": message["MessageAttributes"]["mqb.enc"]}
    )
    _, properties, body = get(channel, queue, auto_ack=True)
    require(body == octets, "body over AMQP")
    require("mqb.enc" not in (properties.headers or {}), f"headers {properties.headers}")


@scenario("amqp", "aws", "mqbridge")
def queue_of_sqs_used_by_amqp(ctx):
    """Made by CreateQueue: the first declare fills its other side, a second must equal it"""
    name, url = ctx.sqs_queue("made-by-sqs")
    channel = ctx.channel()
    declare(channel, name, arguments={"x-max-length": 1000000})
    declare(channel, name, arguments={"x-max-length": 1000000})
    try:
        declare(channel.connection.channel(), name, arguments={"x-max-length": 5})
    except pika.exceptions.ChannelClosedByBroker as closed:
        expect(closed.reply_code, 406)
    else:
        raise AssertionError("another x-max-length was accepted")
    channel.exchange_declare(ctx.name("x"), exchange_type="fanout")
    channel.queue_bind(name, "amq.topic", f"{name}.#")
    channel.confirm_delivery()
    channel.basic_publish("amq.topic", f"{name}.a", b"through the binding", mandatory=True)
    expect([m["Body"] for m in ctx.sqs_take(url, 1)], ["through the binding"])


@scenario("amqp", "aws", "mqbridge")
def names_that_sqs_cannot_say(ctx):
    """A dotted queue has a URL of its own (docs/naming.md); the true name works percent-encoded"""
    channel = ctx.channel()
    true_name = declare(channel, ctx.name("orders.eu/new"))
    (url,) = [u for u in ctx.sqs.list_queues(QueueNamePrefix="orders-eu-new-")["QueueUrls"] if true_name.rsplit("-", 1)[1] in u]
    channel.basic_publish("", true_name, b"m")
    expect([m["Body"] for m in ctx.sqs_take(url, 1)], ["m"])
    encoded = f"{url.rsplit('/', 1)[0]}/{true_name.replace('.', '%2E').replace('/', '%2F')}"
    ctx.sqs.send_message(QueueUrl=encoded, MessageBody="back")
    expect(get(channel, true_name, auto_ack=True)[2], b"back")
    # Exclusive and server-named queues are nobody else's.
    hidden = channel.queue_declare("", exclusive=True).method.queue
    exclusive = ctx.name("exclusive")
    channel.queue_declare(exclusive, exclusive=True)
    for prefix in (hidden[:7], exclusive, "amq-gen"):
        expect(ctx.sqs.list_queues(QueueNamePrefix=prefix.replace(".", "-")).get("QueueUrls"), None, prefix)


@scenario("amqp", "aws", "mqbridge")
def both_drain_one_queue(ctx):
    """A pika consumer and an SQS poller at once, publishers of both kinds: each message exactly once"""
    connection = ctx.connection()
    channel = connection.channel()
    queue = declare(channel, ctx.name("shared"))
    url = ctx.sqs_url(queue)
    total, over_sqs = 300, []
    finished = threading.Event()

    def poller():
        while not finished.is_set():
            answer = ctx.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            messages = answer.get("Messages", [])
            if messages:
                ctx.sqs.delete_message_batch(
                    QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
                )
                over_sqs.extend(m["Body"] for m in messages)

    def sender():
        for i in range(0, total // 2, 10):
            ctx.sqs.send_message_batch(
                QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(i, i + 10)]
            )

    threads = [threading.Thread(target=f, daemon=True) for f in (poller, sender)]
    channel.basic_qos(prefetch_count=5)
    over_amqp = []

    def on_message(_, method, __, body):
        over_amqp.append(body.decode())
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, on_message)
    for thread in threads:
        thread.start()
    publisher = connection.channel()
    for i in range(total // 2, total):
        publisher.basic_publish("", queue, str(i).encode(), pika.BasicProperties(delivery_mode=2))
    pump(connection, lambda: len(over_amqp) + len(over_sqs) >= total, f"{total} messages", 30)
    finished.set()
    for thread in threads:
        thread.join(30)
    expect(sorted(map(int, over_amqp + over_sqs)), list(range(total)))
    require(over_amqp and over_sqs, f"shares: {len(over_amqp)} over AMQP, {len(over_sqs)} over SQS")
    expect(ready(publisher, queue), 0)


@scenario("amqp", "aws", "mqbridge")
def exclusive_queue_over_sqs(ctx):
    """rabbitmq.md 3.6 for SQS clients too: sending is allowed, receiving is the owner's"""
    channel = ctx.channel()
    name = ctx.name("mine")
    channel.queue_declare(name, exclusive=True)
    url = ctx.sqs_url(name)
    ctx.sqs.send_message(QueueUrl=url, MessageBody="in")
    for function, given in ((ctx.sqs.receive_message, {"QueueUrl": url}), (ctx.sqs.create_queue, {"QueueName": name})):
        try:
            function(**given)
        except ctx.sqs.exceptions.ClientError as error:
            expect(error.response["Error"]["Code"], "AccessDenied")
        else:
            raise AssertionError(f"{function.__name__} of an exclusive queue was accepted")
    expect(get(channel, name, auto_ack=True)[2], b"in")
