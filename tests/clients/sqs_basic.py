# SPDX-License-Identifier: Apache-2.0
"""Queues and messages over SQS with boto3 (sqs-sns.md §1–§3, §5)."""

import hashlib
import time
import uuid

from rig import expect, require, scenario


@scenario("aws", "mqbridge")
def queue_url(ctx):
    """Of the host that was asked, with the account of the vhost"""
    name, url = ctx.sqs_queue()
    expect(url, f"http://127.0.0.1:{ctx.endpoint['aws']}/000000000000/{name}")
    expect(ctx.sqs.get_queue_url(QueueName=name)["QueueUrl"], url)
    expect(ctx.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="000000000000")["QueueUrl"], url)


@scenario("aws", "mqbridge")
def create_again(ctx):
    """The same attributes or none: the same queue; another value: refused with its name"""
    name, url = ctx.sqs_queue(VisibilityTimeout="77", DelaySeconds="0")
    for attributes in ({}, {"VisibilityTimeout": "77"}, {"DelaySeconds": "0", "VisibilityTimeout": "77"}):
        expect(ctx.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], url)
    try:
        ctx.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "78"})
    except ctx.sqs.exceptions.QueueNameExists as error:
        expect(
            error.response["Error"]["Message"],
            "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
        )
        expect(error.response["Error"]["Code"], "QueueAlreadyExists")
    else:
        raise AssertionError("a different VisibilityTimeout was accepted")


@scenario("aws", "mqbridge")
def list_queues(ctx):
    """By prefix, in pages, and without the key when there is none"""
    prefix = ctx.name("list")
    urls = [ctx.sqs.create_queue(QueueName=f"{prefix}-{i}")["QueueUrl"] for i in range(5)]
    expect(ctx.sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"], urls)
    require(set(urls) <= set(ctx.sqs.list_queues()["QueueUrls"]), "a list without a prefix lacks some")
    first = ctx.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=3)
    expect(first["QueueUrls"], urls[:3])
    rest = ctx.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=3, NextToken=first["NextToken"])
    expect((rest["QueueUrls"], "NextToken" in rest), (urls[3:], False))
    require("QueueUrls" not in ctx.sqs.list_queues(QueueNamePrefix=ctx.name("none")), "QueueUrls of none")


@scenario("aws", "mqbridge")
def send_receive_delete(ctx):
    """Ids, MD5, attributes; after DeleteMessage nothing is left"""
    _, url = ctx.sqs_queue()
    before = int(time.time() * 1000)
    body = 'ünïcode "quoted" <&> \t\n 𝄞 end'
    sent = ctx.sqs.send_message(QueueUrl=url, MessageBody=body)
    expect(str(uuid.UUID(sent["MessageId"])), sent["MessageId"])
    expect(sent["MD5OfMessageBody"], hashlib.md5(body.encode()).hexdigest())
    require("MD5OfMessageAttributes" not in sent, "MD5OfMessageAttributes of none")
    message = ctx.sqs.receive_message(QueueUrl=url, AttributeNames=["All"], WaitTimeSeconds=5)["Messages"][0]
    expect((message["Body"], message["MessageId"]), (body, sent["MessageId"]))
    expect(message["MD5OfBody"], sent["MD5OfMessageBody"])
    attributes = message["Attributes"]
    expect(attributes["ApproximateReceiveCount"], "1")
    for key in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        require(before - 1000 <= int(attributes[key]) <= before + 60000, f"{key} is {attributes[key]}")
    require(attributes["SenderId"], "no SenderId")
    require(len(message["ReceiptHandle"]) <= 1024 and "-..s3BucketName..-" not in message["ReceiptHandle"], "receipt handle")
    ctx.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    # Deleting it again is fine.
    ctx.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    require("Messages" not in ctx.sqs.receive_message(QueueUrl=url), "it came again")


@scenario("aws", "mqbridge")
def empty_answer(ctx):
    """No Messages key; nothing asked for, no Attributes key"""
    _, url = ctx.sqs_queue()
    require("Messages" not in ctx.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0), "Messages of none")
    ctx.sqs.send_message(
        QueueUrl=url, MessageBody="m", MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}}
    )
    message = ctx.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]
    for key in ("Attributes", "MessageAttributes", "MD5OfMessageAttributes"):
        require(key not in message, f"{key} was not asked for")


@scenario("aws", "mqbridge")
def receive_many(ctx):
    """Up to MaxNumberOfMessages; one by default; each once while in flight"""
    _, url = ctx.sqs_queue()
    for i in range(15):
        ctx.sqs.send_message(QueueUrl=url, MessageBody=str(i))
    sizes, bodies = [], []
    for n in (None, 10, 10, 10):
        given = {} if n is None else {"MaxNumberOfMessages": n}
        messages = ctx.sqs.receive_message(QueueUrl=url, **given).get("Messages", [])
        sizes.append(len(messages))
        bodies += [m["Body"] for m in messages]
    expect(sizes, [1, 10, 4, 0])
    expect(bodies, [str(i) for i in range(15)], "in order, here")


@scenario("aws", "mqbridge")
def largest_message(ctx):
    """1048576 bytes are accepted, one more is not"""
    _, url = ctx.sqs_queue()
    body = "x" * 1048576
    ctx.sqs.send_message(QueueUrl=url, MessageBody=body)
    (message,) = ctx.sqs_take(url, 1)
    require(message["Body"] == body, "the body differs")
    try:
        ctx.sqs.send_message(QueueUrl=url, MessageBody=body + "x")
    except ctx.sqs.exceptions.ClientError as error:
        expect(
            error.response["Error"]["Message"],
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        )
    else:
        raise AssertionError("1048577 bytes were accepted")


@scenario("aws", "mqbridge")
def queue_by_another_form_of_its_url(ctx):
    """sqs-sns.md 1.5: the last two parts decide"""
    name, _ = ctx.sqs_queue()
    base = f"http://127.0.0.1:{ctx.endpoint['aws']}"
    for i, url in enumerate((f"{base}/queue/us-east-1/000000000000/{name}", f"http://elsewhere:1/000000000000/{name}")):
        ctx.sqs.send_message(QueueUrl=url, MessageBody=str(i))
        expect([m["Body"] for m in ctx.sqs_take(url, 1)], [str(i)])


@scenario("aws", "mqbridge")
def topics_are_the_exchanges(ctx):
    """SNS ListTopics: every exchange of the vhost"""
    arns = [t["TopicArn"] for page in ctx.sns.get_paginator("list_topics").paginate() for t in page["Topics"]]
    require(all(arn.startswith("arn:aws:sns:us-east-1:000000000000:") for arn in arns), f"ARNs {arns[:3]}")
    names = [arn.rsplit(":", 1)[1] for arn in arns]
    expect(len(set(names)), len(names), "each once")
    for name in ("amq-direct-", "amq-fanout-", "amq-topic-"):
        require(any(n.startswith(name) for n in names), f"no {name}… among {names[:10]}")


@scenario("amqp", "aws", "mqbridge")
def topic_of_a_new_exchange(ctx):
    """It is listed under its own name, and no more once it is deleted"""
    channel = ctx.channel()
    exchange = ctx.name("topic")
    arn = f"arn:aws:sns:us-east-1:000000000000:{exchange}"

    def listed():
        pages = ctx.sns.get_paginator("list_topics").paginate()
        return arn in [t["TopicArn"] for page in pages for t in page["Topics"]]

    expect(listed(), False)
    channel.exchange_declare(exchange, exchange_type="fanout", durable=True)
    expect(listed(), True)
    channel.exchange_delete(exchange)
    expect(listed(), False)
