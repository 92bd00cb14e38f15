# SPDX-License-Identifier: Apache-2.0
"""Dead letter queues of SQS: RedrivePolicy, and what a legacy declare is in its terms (sqs-sns.md §7)."""

import json

import pika
from botocore.exceptions import ClientError

from rig import Raises, declare, expect, get, ready, require, scenario, until


def redriven(ctx, max_receives, **attributes):
    """(name and URL of the queue, of its dead letter queue, ARN of the queue)"""
    dead, dead_url = ctx.sqs_queue("dead")
    policy = json.dumps({"deadLetterTargetArn": arn(ctx, dead_url), "maxReceiveCount": max_receives})
    name, url = ctx.sqs_queue(RedrivePolicy=policy, VisibilityTimeout="0", **attributes)
    return (name, url), (dead, dead_url), arn(ctx, url)


def arn(ctx, url):
    return ctx.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(ctx, url, **given):
    got = ctx.sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"], **given)
    return got.get("Messages", [])


@scenario("aws")
def after_as_many_receives(ctx):
    """Lazily: it moves when it would be received once more; identity, time and count stay"""
    (_, url), (_, dead_url), source = redriven(ctx, 2)
    sent = ctx.sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes={"a": {"DataType": "Number.x", "StringValue": "1.50"}})
    seen = [receive(ctx, url) for _ in range(2)]
    expect([m["Attributes"]["ApproximateReceiveCount"] for (m,) in seen], ["1", "2"])
    require("DeadLetterQueueSourceArn" not in seen[0][0]["Attributes"], "it is in its own queue")
    expect(receive(ctx, dead_url), [], "not yet")
    expect(receive(ctx, url), [])
    (moved,) = receive(ctx, dead_url, WaitTimeSeconds=2)
    expect(moved["MessageId"], sent["MessageId"])
    expect(moved["Body"], "m")
    expect(moved["MessageAttributes"]["a"], {"DataType": "Number.x", "StringValue": "1.50"})
    expect(moved["Attributes"]["ApproximateReceiveCount"], "3", "it goes on")
    expect(moved["Attributes"]["SentTimestamp"], seen[0][0]["Attributes"]["SentTimestamp"])
    expect(moved["Attributes"]["DeadLetterQueueSourceArn"], source)


@scenario("aws")
def a_missing_target(ctx):
    """It is received on and on"""
    (_, url), (_, dead_url), _ = redriven(ctx, 1)
    ctx.sqs.delete_queue(QueueUrl=dead_url)
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    for n in range(1, 4):
        (m,) = receive(ctx, url)
        expect(m["Attributes"]["ApproximateReceiveCount"], str(n))


@scenario("aws")
def sources(ctx):
    """ListDeadLetterSourceQueues, page by page; none is an empty list"""
    dead, dead_url = ctx.sqs_queue("dead")
    policy = json.dumps({"deadLetterTargetArn": arn(ctx, dead_url), "maxReceiveCount": "5"})
    urls = sorted(ctx.sqs_queue(f"s{i}", RedrivePolicy=policy)[1] for i in range(3))
    answer = ctx.sqs.list_dead_letter_source_queues(QueueUrl=dead_url)
    expect(sorted(answer["queueUrls"]), urls)
    got, token = [], {}
    while True:
        answer = ctx.sqs.list_dead_letter_source_queues(QueueUrl=dead_url, MaxResults=2, **token)
        got += answer["queueUrls"]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    expect(sorted(got), urls)
    expect(ctx.sqs.list_dead_letter_source_queues(QueueUrl=urls[0]).get("queueUrls", []), [])
    ctx.sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"RedrivePolicy": ""})
    expect(sorted(ctx.sqs.list_dead_letter_source_queues(QueueUrl=dead_url)["queueUrls"]), urls[1:])
    require(dead, "")


@scenario("amqp", "aws", "mqbridge")
def failures_of_a_consumer_count(ctx):
    """A queue's rule holds for every protocol"""
    (name, url), (dead, _), _ = redriven(ctx, 2)
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    channel = ctx.channel()
    for _ in range(2):
        method, _, _ = get(channel, name)
        channel.basic_nack(method.delivery_tag, requeue=True)
    expect(channel.basic_get(name)[0], None)
    _, _, body = get(channel, dead, auto_ack=True)
    expect(body, b"m")


@scenario("amqp", "aws", "mqbridge")
def a_legacy_rule_over_sqs(ctx):
    """x-delivery-limit N into one queue is maxReceiveCount N + 1; another rule is not shown, and none may be set beside it"""
    channel = ctx.channel()
    dead = declare(channel, ctx.name("dead"))
    letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    quorum = declare(channel, ctx.name(), arguments={**letters, "x-queue-type": "quorum", "x-delivery-limit": 2})
    plain = declare(channel, ctx.name(), arguments=letters)
    target = arn(ctx, ctx.sqs_url(dead))
    shown = ctx.sqs.get_queue_attributes(QueueUrl=ctx.sqs_url(quorum), AttributeNames=["RedrivePolicy"])["Attributes"]
    expect(json.loads(shown["RedrivePolicy"]), {"deadLetterTargetArn": target, "maxReceiveCount": 3})
    answer = ctx.sqs.get_queue_attributes(QueueUrl=ctx.sqs_url(plain), AttributeNames=["RedrivePolicy"])
    require("RedrivePolicy" not in answer.get("Attributes", {}), "a rule without a limit")
    listed = ctx.sqs.list_dead_letter_source_queues(QueueUrl=ctx.sqs_url(dead))["queueUrls"]
    expect(sorted(listed), sorted([ctx.sqs_url(quorum), ctx.sqs_url(plain)]))
    policy = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 5})
    with Raises(ClientError) as r:
        ctx.sqs.set_queue_attributes(QueueUrl=ctx.sqs_url(plain), Attributes={"RedrivePolicy": policy})
    expect(r.error.response["Error"]["Code"], "InvalidParameterValue")


@scenario("amqp", "aws", "mqbridge")
def a_dead_letter_over_sqs(ctx):
    """Rejected over AMQP, received over SQS, and the other way round"""
    channel = ctx.channel()
    dead = declare(channel, ctx.name("dead"))
    queue = declare(channel, ctx.name(), arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    channel.basic_publish("", queue, b"m", pika.BasicProperties(headers={"h": "v"}, delivery_mode=2))
    method, _, _ = get(channel, queue)
    channel.basic_reject(method.delivery_tag, requeue=False)
    (message,) = ctx.sqs_take(ctx.sqs_url(dead))
    expect(message["Body"], "m")
    expect(message["MessageAttributes"]["h"]["StringValue"], "v")
    expect(message["Attributes"]["DeadLetterQueueSourceArn"], arn(ctx, ctx.sqs_url(queue)))
    ctx.sqs.send_message(QueueUrl=ctx.sqs_url(queue), MessageBody="s", MessageAttributes={"h": {"DataType": "String", "StringValue": "w"}})
    method, _, _ = get(channel, queue)
    channel.basic_reject(method.delivery_tag, requeue=False)
    _, properties, body = get(channel, dead, auto_ack=True)
    expect(body, b"s")
    expect(properties.headers["h"], "w")
    death = properties.headers["x-death"][0]
    expect((death["queue"], death["reason"], death["routing-keys"]), (queue, "rejected", [queue]))
    until(lambda: ready(channel, dead) == 0, "empty")
