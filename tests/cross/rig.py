# SPDX-License-Identifier: Apache-2.0
"""What the cross-protocol scenarios use: one pika connection, one AWS client for
each wire protocol, queues made by either side."""

import base64
import datetime
import json
import time
import uuid

import pika

import wire

DEADLINE = 15  # seconds for anything that must come


def expect(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what + ': ' if what else ''}got {got!r:.400}, expected {wanted!r:.400}")


def naive(value):
    """Newer pikas read timestamps as aware datetimes, older ones as naive ones; both mean UTC."""
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    if isinstance(value, dict):
        return {k: naive(v) for k, v in value.items()}
    return [naive(v) for v in value] if isinstance(value, list) else value


class Rig:
    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", daemon.amqp, heartbeat=0, blocked_connection_timeout=30)
        )
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.clients = {protocol: wire.Client(daemon.aws, protocol) for protocol in ("json", "query")}

    def close(self):
        self.connection.close()

    # --- AMQP 0-9-1 ------------------------------------------------------------------

    def queue(self, exchange=None, key="a.b", **arguments):
        """A queue made over AMQP, bound to a new exchange when one is named; its name and URL."""
        name = f"cross.{uuid.uuid4().hex[:12]}"
        self.channel.queue_declare(name, durable=True, arguments={k.replace("_", "-"): v for k, v in arguments.items()})
        if exchange:
            self.channel.exchange_declare(exchange, "topic", durable=True)
            self.channel.queue_bind(name, exchange, key)
        return name, self.aws("GetQueueUrl", {"QueueName": name})["QueueUrl"]

    def publish(self, body, queue=None, exchange="", key=None, **properties):
        self.channel.basic_publish(exchange, key or queue, body, pika.BasicProperties(**properties), mandatory=True)

    def get(self, queue):
        """One message, acknowledged: (method, properties, body)."""
        deadline = time.monotonic() + DEADLINE
        while True:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            if method:
                properties.headers = naive(properties.headers)
                return method, properties, body
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing in {queue}")
            time.sleep(0.01)

    # --- SQS ---------------------------------------------------------------------------

    def aws(self, action, parameters, protocol="json", **more):
        answer = self.clients[protocol].call(action, parameters, **more)
        if "Error" in answer:
            raise AssertionError(f"{action}: {answer['Error']}")
        return answer

    def receive(self, url, protocol="json", **more):
        """Messages with all their attributes; attributes become {name: (type, value)}."""
        parameters = {"QueueUrl": url, "WaitTimeSeconds": 5, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
        messages = self.aws("ReceiveMessage", {**parameters, **more}, protocol).get("Messages", [])
        for message in messages:
            message["plain"] = {
                name: (a["DataType"], a.get("StringValue", base64.b64decode(a.get("BinaryValue", ""))))
                for name, a in message.get("MessageAttributes", {}).items()
            }
        return messages

    def receive_one(self, url, protocol="json", **more):
        messages = self.receive(url, protocol, **more)
        expect(len(messages), 1, "messages received")
        self.aws("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": messages[0]["ReceiptHandle"]}, protocol)
        return messages[0]

    def send(self, url, body, protocol="json", attributes=None, **more):
        parameters = {"QueueUrl": url, "MessageBody": body, **more}
        if attributes:
            parameters["MessageAttributes"] = attributes
        return self.aws("SendMessage", parameters, protocol)

    def resend(self, url, message, protocol="json"):
        """As an SQS application forwards what it received."""
        more = {}
        trace = message.get("Attributes", {}).get("AWSTraceHeader")
        if trace:
            more["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
        return self.send(url, message["Body"], protocol, message.get("MessageAttributes"), **more)


def string(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


def binary(value, kind="Binary"):
    return {"DataType": kind, "BinaryValue": wire.blob(value)}


def packed(message):
    """mqb.p as a value; None: there is none."""
    return json.loads(message["plain"]["mqb.p"][1]) if "mqb.p" in message["plain"] else None
