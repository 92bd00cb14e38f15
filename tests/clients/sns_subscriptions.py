# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of queues with boto3: raw, envelopes, filter policies, signatures
(sqs-sns.md §12–§15)."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request

from rig import Raises, Skip, expect, require, scenario


def topic(ctx, **attributes):
    return ctx.sns.create_topic(Name=ctx.name("t"), Attributes=attributes)["TopicArn"]


def subscribed(ctx, arn, **attributes):
    """A new queue that gets what is published: (url, ARN of the subscription)."""
    name, url = ctx.sqs_queue()
    endpoint = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    made = ctx.sns.subscribe(
        TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
    )
    return url, made["SubscriptionArn"]


def string(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


@scenario("aws", "mqbridge")
def subscription_life(ctx):
    """Subscribed again it is the same; listed; changed; ended, and again"""
    arn = topic(ctx)
    name, _ = ctx.sqs_queue()
    given = {"TopicArn": arn, "Protocol": "sqs", "Endpoint": f"arn:aws:sqs:us-east-1:000000000000:{name}"}
    made = ctx.sns.subscribe(**given)["SubscriptionArn"]
    require(made.startswith(arn + ":"), made)
    expect(ctx.sns.subscribe(**given)["SubscriptionArn"], made)
    listed = ctx.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    expect(listed, [{"SubscriptionArn": made, "Owner": "000000000000", **given}])
    ctx.sns.set_subscription_attributes(SubscriptionArn=made, AttributeName="RawMessageDelivery", AttributeValue="true")
    with Raises(ctx.sns.exceptions.InvalidParameterException):
        ctx.sns.subscribe(**given, Attributes={"RawMessageDelivery": "false"})
    expect(ctx.sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]["RawMessageDelivery"], "true")
    pages = ctx.sns.get_paginator("list_subscriptions").paginate()
    require(any(s["SubscriptionArn"] == made for page in pages for s in page["Subscriptions"]), "it is not listed")
    ctx.sns.unsubscribe(SubscriptionArn=made)
    ctx.sns.unsubscribe(SubscriptionArn=made)
    with Raises(ctx.sns.exceptions.NotFoundException):
        ctx.sns.get_subscription_attributes(SubscriptionArn=made)


@scenario("aws", "mqbridge")
def raw_and_envelope(ctx):
    """The same message in both forms"""
    arn = topic(ctx)
    raw_url, _ = subscribed(ctx, arn, RawMessageDelivery="true")
    url, subscription = subscribed(ctx, arn)
    attributes = {"s": string("é<&>"), "n": string("1.5", "Number"), "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sent = ctx.sns.publish(TopicArn=arn, Message='"quoted" <&> \t\n é', Subject="s", MessageAttributes=attributes)
    (message,) = ctx.sqs_take(raw_url)
    expect((message["Body"], message["MessageAttributes"]), ('"quoted" <&> \t\n é', attributes))
    (message,) = ctx.sqs_take(url)
    require("MessageAttributes" not in message, "an envelope has attributes")
    got = json.loads(message["Body"])
    expect((got["Message"], got["Subject"], got["MessageId"]), ('"quoted" <&> \t\n é', "s", sent["MessageId"]))
    expect(got["MessageAttributes"], {
        "s": {"Type": "String", "Value": "é<&>"}, "n": {"Type": "Number", "Value": "1.5"},
        "b": {"Type": "Binary", "Value": base64.b64encode(b"\x00\xff").decode()},
    })
    require(got["UnsubscribeURL"].endswith(f"/?Action=Unsubscribe&SubscriptionArn={subscription}"), got["UnsubscribeURL"])


@scenario("aws", "mqbridge")
def publish_batch(ctx):
    """Both lists are there; what is wrong with one entry refuses all"""
    arn = topic(ctx)
    url, _ = subscribed(ctx, arn, RawMessageDelivery="true")
    entries = [{"Id": str(i), "Message": f"m{i}"} for i in range(10)]
    answer = ctx.sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
    expect(([e["Id"] for e in answer["Successful"]], answer["Failed"]), ([e["Id"] for e in entries], []))
    expect(sorted(m["Body"] for m in ctx.sqs_take(url, 10)), [e["Message"] for e in entries])
    for kind, bad in (
        ("TooManyEntriesInBatchRequestException", entries + [{"Id": "x", "Message": "m"}]),
        ("BatchEntryIdsNotDistinctException", [entries[0], entries[0]]),
        ("InvalidBatchEntryIdException", [{"Id": "a.b", "Message": "m"}]),
        ("EmptyBatchRequestException", []),
        ("BatchRequestTooLongException", [{"Id": str(i), "Message": "x" * 140000} for i in range(2)]),
        ("InvalidParameterException", [entries[0], {"Id": "x", "Message": "m", "Subject": ""}]),
    ):
        with Raises(getattr(ctx.sns.exceptions, kind)):
            ctx.sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=bad)
    expect(ctx.sqs.receive_message(QueueUrl=url).get("Messages"), None)


@scenario("aws", "mqbridge")
def message_structure(ctx):
    """A queue gets its own text"""
    arn = topic(ctx)
    url, _ = subscribed(ctx, arn, RawMessageDelivery="true")
    ctx.sns.publish(TopicArn=arn, MessageStructure="json", Message=json.dumps({"default": "d", "sqs": "q", "email": "e"}))
    ctx.sns.publish(TargetArn=arn, MessageStructure="json", Message=json.dumps({"default": "d", "email": "e"}))
    expect(sorted(m["Body"] for m in ctx.sqs_take(url, 2)), ["d", "q"])


@scenario("aws", "mqbridge")
def queue_that_comes_later(ctx):
    """Until it is there, its copies go to the subscription's dead-letter queue, or nowhere"""
    arn = topic(ctx)
    name, dead_url = ctx.name("later"), None
    endpoint = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    made = ctx.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"})
    ctx.sns.publish(TopicArn=arn, Message="nowhere")
    dead, dead_url = ctx.sqs_queue("dead")
    ctx.sns.set_subscription_attributes(
        SubscriptionArn=made["SubscriptionArn"], AttributeName="RedrivePolicy",
        AttributeValue=json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{dead}"}),
    )
    ctx.sns.publish(TopicArn=arn, Message="dead")
    expect(ctx.sqs_take(dead_url)[0]["Body"], "dead")
    url = ctx.sqs.create_queue(QueueName=name)["QueueUrl"]
    ctx.sns.publish(TopicArn=arn, Message="here")
    expect([m["Body"] for m in ctx.sqs_take(url)], ["here"])


@scenario("aws", "mqbridge")
def links_need_no_signature(ctx):
    """UnsubscribeURL by GET"""
    arn = topic(ctx)
    url, subscription = subscribed(ctx, arn)
    ctx.sns.publish(TopicArn=arn, Message="m")
    link = json.loads(ctx.sqs_take(url)[0]["Body"])["UnsubscribeURL"]
    with urllib.request.urlopen(link, timeout=15) as answer:
        require(b"<UnsubscribeResponse" in answer.read(), "no answer of Unsubscribe")
    with Raises(ctx.sns.exceptions.NotFoundException):
        ctx.sns.get_subscription_attributes(SubscriptionArn=subscription)


def openssl(*arguments, data=b""):
    done = subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, check=False)
    return done.returncode, done.stdout


@scenario("aws", "mqbridge")
def signatures(ctx):
    """Both versions, checked with openssl by the certificate at SigningCertURL"""
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    for version, digest in (("1", "-sha1"), ("2", "-sha256")):
        arn = topic(ctx, SignatureVersion=version)
        url, _ = subscribed(ctx, arn)
        ctx.sns.publish(TopicArn=arn, Message="signed\né", Subject="subject")
        got = json.loads(ctx.sqs_take(url)[0]["Body"])
        expect(got["SignatureVersion"], version)
        with urllib.request.urlopen(got["SigningCertURL"], timeout=15) as answer:
            code, key = openssl("x509", "-pubkey", "-noout", data=answer.read())
        expect(code, 0, "the certificate")
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        text = "".join(f"{name}\n{got[name]}\n" for name in names).encode()
        with tempfile.TemporaryDirectory() as directory:
            for name, data in (("key", key), ("signature", base64.b64decode(got["Signature"]))):
                with open(os.path.join(directory, name), "wb") as file:
                    file.write(data)
            check = ("dgst", digest, "-verify", os.path.join(directory, "key"), "-signature", os.path.join(directory, "signature"))
            expect(openssl(*check, data=text)[0], 0, f"signature {version}")
            expect(openssl(*check, data=text + b"x")[0], 1, "another text")


@scenario("aws", "mqbridge")
def filter_policies(ctx):
    """On attributes and on bodies; a change acts at once"""
    arn = topic(ctx)
    url, subscription = subscribed(ctx, arn, RawMessageDelivery="true", FilterPolicy=json.dumps({"kind": ["a", {"prefix": "b"}]}))

    def publish(message, kind=None):
        attributes = {"kind": string(kind)} if kind else {}
        ctx.sns.publish(TopicArn=arn, Message=message, MessageAttributes=attributes)

    for message, kind in (("1", "a"), ("2", "bb"), ("3", "c"), ("4", None)):
        publish(message, kind)
    ctx.sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
    publish('{"kind": "a", "n": 5}')
    publish('{"kind": "c", "n": 6}', "a")
    publish("not JSON")
    ctx.sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="{}")
    publish("7")
    expect(sorted(m["Body"] for m in ctx.sqs_take(url, 4)), ["1", "2", "7", '{"kind": "a", "n": 5}'])
    with Raises(ctx.sns.exceptions.InvalidParameterException) as r:
        ctx.sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"a": "b"}')
    require('FilterPolicy: "a" must be an object or an array' in r.error.response["Error"]["Message"], str(r.error))


@scenario("aws", "mqbridge")
def protocols_of_later(ctx):
    """What AWS offers and this version does not is refused by its name"""
    arn = topic(ctx)
    for protocol, endpoint in (("http", "http://127.0.0.1:1/"), ("email", "a@example.org"), ("lambda", "arn:aws:lambda:a:b:c")):
        with Raises(ctx.sns.exceptions.InvalidParameterException) as r:
            ctx.sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        require(f"{protocol} is not offered by this version" in r.error.response["Error"]["Message"], str(r.error))


@scenario("aws", "mqbridge")
def many_queues(ctx):
    """Many queues of one topic: each gets its own copy, with its own MessageId"""
    arn = topic(ctx)
    urls = [subscribed(ctx, arn)[0] for _ in range(20)]
    sent = ctx.sns.publish(TopicArn=arn, Message="all")["MessageId"]
    messages = [ctx.sqs_take(url)[0] for url in urls]
    expect({json.loads(m["Body"])["MessageId"] for m in messages}, {sent})
    expect(len({m["MessageId"] for m in messages}), len(urls))
