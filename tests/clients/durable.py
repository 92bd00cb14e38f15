# SPDX-License-Identifier: Apache-2.0
"""What an orderly restart keeps (DESIGN §4). Each scenario has a broker of its own."""

import json
import urllib.request

import pika
import pika.exceptions

import brokers
import rig
from rig import Raises, declare, expect, get, ready, require, scenario


def own_broker(ctx):
    """(broker, the context of its clients)"""
    broker = brokers.own(ctx.endpoint)
    ctx.at_end(broker.end)
    broker.start()
    return broker, inside(ctx, broker)


def inside(ctx, broker):
    own = rig.Context(rig.Shared({**ctx.endpoint, **broker.endpoint()}))
    ctx.at_end(own.close)
    return own


def restarted(ctx, broker):
    broker.stop()
    broker.start()
    return inside(ctx, broker)


@scenario("amqp")
def definitions_and_messages(ctx):
    """Durable exchanges, queues, bindings and their persistent messages; nothing else"""
    broker, own = own_broker(ctx)
    channel = own.channel()
    channel.exchange_declare("kept-x", exchange_type="topic", durable=True)
    channel.exchange_declare("lost-x", exchange_type="topic")
    declare(channel, "kept", arguments={"x-max-length": 100000})
    declare(channel, "lost", durable=False)
    channel.queue_bind("kept", "kept-x", "a.#")
    channel.queue_bind("lost", "kept-x", "a.#")
    channel.confirm_delivery()
    for i in range(20):
        mode = 1 if i % 4 == 0 else 2
        properties = pika.BasicProperties(delivery_mode=mode, headers={"i": i}, priority=i % 3)
        channel.basic_publish("kept-x", f"a.{i}", b"%d" % i, properties)
    # Delivered and acknowledged, delivered and not.
    for _ in range(3):
        method, _, _ = get(channel, "kept")
        if method.routing_key != "a.2":
            channel.basic_ack(method.delivery_tag)
    own.close()
    own = restarted(ctx, broker)
    channel = own.channel()
    channel.exchange_declare("kept-x", exchange_type="topic", durable=True)
    declare(channel, "kept", arguments={"x-max-length": 100000})
    left = [2] + [i for i in range(3, 20) if i % 4]
    expect(ready(channel, "kept"), len(left))
    for i in left:
        method, properties, body = get(channel, "kept")
        expect((body, method.exchange, method.routing_key), (b"%d" % i, "kept-x", f"a.{i}"))
        expect(properties, pika.BasicProperties(delivery_mode=2, headers={"i": i}, priority=i % 3))
        expect(method.redelivered, i == 2)
        channel.basic_ack(method.delivery_tag)
    channel.confirm_delivery()
    channel.basic_publish("kept-x", "a.b", b"the binding is there", mandatory=True)
    for kind, name in (("queue", "lost"), ("exchange", "lost-x")):
        doomed = channel.connection.channel()
        with Raises(pika.exceptions.ChannelClosedByBroker) as r:
            getattr(doomed, f"{kind}_declare")(name, passive=True)
        expect((r.error.reply_code, r.error.reply_text), (404, f"NOT_FOUND - no {kind} '{name}' in vhost '/'"))


@scenario("amqp")
def what_was_removed_stays_so(ctx):
    """Deleted queues, purged messages and undone bindings do not come back"""
    broker, own = own_broker(ctx)
    channel = own.channel()
    channel.exchange_declare("x", exchange_type="direct", durable=True)
    for name in ("deleted", "purged", "unbound"):
        declare(channel, name)
        channel.queue_bind(name, "x", "k")
    channel.confirm_delivery()
    persistent = pika.BasicProperties(delivery_mode=2)
    channel.basic_publish("x", "k", b"m", persistent)
    channel.queue_delete("deleted")
    channel.queue_purge("purged")
    channel.queue_unbind("unbound", "x", "k")
    own.close()
    own = restarted(ctx, broker)
    channel = own.channel()
    channel.confirm_delivery()
    channel.basic_publish("x", "k", b"after", persistent)
    expect((ready(channel, "purged"), ready(channel, "unbound")), (1, 1))
    expect(get(channel, "unbound")[2], b"m")
    declare(channel, "deleted")
    expect(ready(channel, "deleted"), 0)


@scenario("amqp", "aws", "mqbridge")
def over_sqs(ctx):
    """Queues made over SQS, their messages, attributes and URLs; receive counts go on"""
    broker, own = own_broker(ctx)
    url = own.sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    attributes = {"n": {"DataType": "Number", "StringValue": "5"}, "b": {"DataType": "Binary", "BinaryValue": b"\0\xff"}}
    sent = own.sqs.send_message(QueueUrl=url, MessageBody="one", MessageAttributes=attributes)
    gone = own.sqs.send_message(QueueUrl=url, MessageBody="two")
    for message in own.sqs_take(url, 2, delete=False):
        if message["MessageId"] == gone["MessageId"]:
            own.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    own.close()
    own = restarted(ctx, broker)
    url = own.sqs_url("kept")
    (message,) = own.sqs_take(url, 1, delete=False)
    expect((message["Body"], message["MessageId"], message["MessageAttributes"]), ("one", sent["MessageId"], attributes))
    require(int(message["Attributes"]["ApproximateReceiveCount"]) >= 2, f"receive count {message['Attributes']}")
    # The handle outlives the process that gave it.
    own.close()
    own = restarted(ctx, broker)
    url = own.sqs_url("kept")
    own.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    expect(own.channel().queue_purge("kept").method.message_count, 0)


@scenario("amqp", "aws", "mqbridge")
def in_flight(ctx):
    """What ReceiveMessage holds stays hidden over an orderly restart, and is there at once after a crash"""
    broker, own = own_broker(ctx)
    url = own.sqs.create_queue(QueueName="held")["QueueUrl"]
    for body in ("one", "two"):
        own.sqs.send_message(QueueUrl=url, MessageBody=body)
    (held,) = own.sqs_take(url, 1, delete=False)
    own.close()
    own = restarted(ctx, broker)
    url = own.sqs_url("held")
    counts = own.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    expect((counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]), ("1", "1"))
    (other,) = own.sqs_take(url, 1, delete=False)
    require(other["MessageId"] != held["MessageId"], "received while it is in flight")
    expect(own.sqs.receive_message(QueueUrl=url).get("Messages"), None)
    own.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0)
    (again,) = own.sqs_take(url, 1, delete=False)
    expect((again["MessageId"], again["Attributes"]["ApproximateReceiveCount"]), (held["MessageId"], "2"))
    own.close()
    broker.kill()
    broker.start()
    own = inside(ctx, broker)
    bodies = sorted(m["Body"] for m in own.sqs_take(own.sqs_url("held"), 2))
    expect(bodies, ["one", "two"])


@scenario("aws", "mqbridge")
def topics_and_subscriptions(ctx):
    """Attributes, tags, subscriptions with their ARNs, and the key that signs"""
    broker, own = own_broker(ctx)
    name, url = own.sqs_queue()
    arn = own.sns.create_topic(Name="kept", Attributes={"DisplayName": "d"}, Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    made = own.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
    own.sns.set_subscription_attributes(
        SubscriptionArn=made["SubscriptionArn"], AttributeName="DeliveryPolicy", AttributeValue="{}"
    )
    own.sns.publish(TopicArn=arn, Message="before")
    own = restarted(ctx, broker)
    url = own.sqs_url(name)
    own.sns.publish(TopicArn=arn, Message="after")
    before, after = sorted((json.loads(m["Body"]) for m in own.sqs_take(url, 2)), key=lambda m: m["Timestamp"])
    expect((before["Message"], after["Message"]), ("before", "after"))
    expect(before["SigningCertURL"].rsplit("/", 1)[1], after["SigningCertURL"].rsplit("/", 1)[1])
    with urllib.request.urlopen(after["SigningCertURL"], timeout=15) as answer:
        require(answer.read().startswith(b"-----BEGIN CERTIFICATE"), "no certificate")
    expect(own.sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"], "d")
    expect(own.sns.list_tags_for_resource(ResourceArn=arn)["Tags"], [{"Key": "a", "Value": "b"}])
    (listed,) = own.sns.list_subscriptions()["Subscriptions"]
    expect(listed["SubscriptionArn"], made["SubscriptionArn"])
    got = own.sns.get_subscription_attributes(SubscriptionArn=made["SubscriptionArn"])["Attributes"]
    expect((got["DeliveryPolicy"], got["SubscriptionPrincipal"]), ("{}", "arn:aws:iam::000000000000:user/guest"))


@scenario("aws", "mqbridge")
def envelopes_unsigned(ctx):
    """aws.sign_envelopes = no: no signature fields, no key; links go where aws.public_url says; the limit of a message"""
    broker = brokers.own(ctx.endpoint)
    broker.settings += ["aws.sign_envelopes=no", "aws.public_url=https://mq.example:1", "aws.sns_message_bytes_max=2K"]
    ctx.at_end(broker.end)
    broker.start()
    own = inside(ctx, broker)
    name, url = own.sqs_queue()
    arn = own.sns.create_topic(Name="t")["TopicArn"]
    own.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
    own.sns.publish(TopicArn=arn, Message="m" * 2048)
    with Raises(own.sns.exceptions.InvalidParameterException):
        own.sns.publish(TopicArn=arn, Message="m" * 2049)
    envelope = json.loads(own.sqs_take(own.sqs_url(name))[0]["Body"])
    expect(list(envelope), ["Type", "MessageId", "TopicArn", "Message", "Timestamp", "UnsubscribeURL"])
    require(envelope["UnsubscribeURL"].startswith("https://mq.example:1/?Action=Unsubscribe&"), envelope["UnsubscribeURL"])
