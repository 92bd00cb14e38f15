#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One order from an exchange to an SQS receive, and one back.

pika publishes to the exchange `orders`; boto3 receives the same message through
the SQS API from the queue that is bound to it. Then boto3 sends, and the pika
consumer gets it. Every step is checked; the exit code is 1 when one is wrong.
Needs only Debian's python3-pika and python3-boto3."""

import argparse
import json
import os
import sys
import time
import uuid

import boto3
import pika
from botocore.config import Config

QUEUE = "orders-eu"


class Wrong(Exception):
    pass


def expect(what, got, wanted):
    if got != wanted:
        raise Wrong(f"{what}: got {got!r}, expected {wanted!r}")


def sqs_client(port):
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    return boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="guest",
        aws_secret_access_key="guest",
        config=Config(retries={"max_attempts": 0}, connect_timeout=10, read_timeout=30),
    )


def declare(channel):
    channel.exchange_declare("orders", exchange_type="topic", durable=True)
    channel.queue_declare(QUEUE, durable=True)
    channel.queue_bind(QUEUE, "orders", routing_key="order.eu.#")


def publish(channel, order):
    channel.confirm_delivery()
    channel.basic_publish(
        "orders",
        "order.eu.new",
        json.dumps(order),
        pika.BasicProperties(
            delivery_mode=2,
            content_type="application/json",
            correlation_id=order["id"],
            headers={"customer": "ACME", "items": 3},
        ),
        mandatory=True,
    )
    print(f"  pika   published {json.dumps(order)} to exchange 'orders', key 'order.eu.new': confirmed")


def receive_over_sqs(sqs, url, order):
    """Receives until the order comes; what an earlier run has left is deleted."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=2, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if order["id"] in message["Body"]:
                return message
    raise Wrong("SQS: the order did not come within 20 s")


def check_received(message, order):
    values = {
        name: a.get("StringValue", a.get("BinaryValue")) for name, a in message.get("MessageAttributes", {}).items()
    }
    expect("body", json.loads(message["Body"]), order)
    expect("attribute content-type", values.get("content-type"), "application/json")
    expect("attribute correlation-id", values.get("correlation-id"), order["id"])
    expect("attribute customer", values.get("customer"), "ACME")
    expect("attribute items", values.get("items"), "3")
    expect("type of items", message["MessageAttributes"]["items"]["DataType"], "Number")
    expect("ApproximateReceiveCount", message["Attributes"]["ApproximateReceiveCount"], "1")
    print(f"  boto3  received  {message['Body']}")
    print(f"         with      {', '.join(f'{k}={v}' for k, v in sorted(values.items()) if not k.startswith('mqb.'))}")


def send_over_sqs(sqs, url, order):
    sqs.send_message(
        QueueUrl=url,
        MessageBody=json.dumps(order),
        MessageAttributes={
            "customer": {"DataType": "String", "StringValue": "ACME"},
            "items": {"DataType": "Number", "StringValue": "5"},
        },
    )
    print(f"  boto3  sent      {json.dumps(order)} to queue '{QUEUE}'")


def consume(channel, order):
    for method, properties, body in channel.consume(QUEUE, inactivity_timeout=10):
        if method is None:
            raise Wrong("AMQP: the order did not come within 10 s")
        channel.basic_ack(method.delivery_tag)
        if order["id"].encode() not in body:
            continue
        expect("body", json.loads(body), order)
        expect("header customer", properties.headers.get("customer"), "ACME")
        expect("header items", properties.headers.get("items"), 5)
        expect("routing key", method.routing_key, QUEUE)
        print(f"  pika   consumed  {body.decode()} with headers {json.dumps(properties.headers)}")
        break
    channel.cancel()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--amqp", type=int, default=5672)
    arguments.add_argument("--aws", type=int, default=9324)
    a = arguments.parse_args()
    first = {"id": str(uuid.uuid4()), "article": "bridge", "price": 12.5}
    second = {"id": str(uuid.uuid4()), "article": "answer", "price": 7}
    connection = pika.BlockingConnection(pika.URLParameters(f"amqp://guest:guest@127.0.0.1:{a.amqp}/%2F"))
    try:
        channel = connection.channel()
        declare(channel)
        publish(channel, first)
        sqs = sqs_client(a.aws)
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        check_received(receive_over_sqs(sqs, url, first), first)
        expect("left in the queue", sqs.receive_message(QueueUrl=url).get("Messages", []), [])
        send_over_sqs(sqs, url, second)
        consume(channel, second)
    except Wrong as wrong:
        print(f"  WRONG  {wrong}", file=sys.stderr)
        return 1
    finally:
        if connection.is_open:
            connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
