# SPDX-License-Identifier: Apache-2.0
"""Message attributes (sqs-sns.md §3, §5)."""

import hashlib
import struct

from botocore.exceptions import ClientError

from rig import Raises, expect, require, scenario


def text(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


def binary(value, kind="Binary"):
    return {"DataType": kind, "BinaryValue": value}


def md5_of(attributes):
    """sqs-sns.md §5"""
    out = b""
    for name in sorted(attributes):
        attribute = attributes[name]
        value = attribute.get("BinaryValue")
        flag, value = (b"\x02", value) if value is not None else (b"\x01", attribute["StringValue"].encode())
        for part, tail in ((name.encode(), b""), (attribute["DataType"].encode(), flag), (value, b"")):
            out += struct.pack(">I", len(part)) + part + tail
    return hashlib.md5(out).hexdigest()


EVERY = {
    "string": text("v"), "unicode": text("ünïcode 𝄞\n"), "number": text("-3.14e5", "Number"), "int": text("12345678901234567890", "Number"),
    "custom": text("v", "String.my.kind"), "customNumber": text("7", "Number.int"), "binary": binary(bytes(range(256))),
    "image": binary(b"\x89PNG", "Binary.png"), "With.dots_and-more": text("x"), "empty-looking": text(" "),
}


@scenario("aws", "mqbridge")
def every_type(ctx):
    """Ten of them, with the MD5 that SDKs verify"""
    _, url = ctx.sqs_queue()
    sent = ctx.sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes=EVERY)
    expect(sent["MD5OfMessageAttributes"], md5_of(EVERY))
    (message,) = ctx.sqs_take(url, 1)
    expect(message["MessageAttributes"], EVERY)
    expect(message["MD5OfMessageAttributes"], md5_of(EVERY))


@scenario("aws", "mqbridge")
def known_md5(ctx):
    """Vectors of sqs-sns.md §5"""
    _, url = ctx.sqs_queue()
    for attributes, md5 in (
        ({"timestamp": text("1493147359900", "Number")}, "235c5c510d26fb653d073faed50ae77c"),
        ({"MyAttribute": text("foobar")}, "adb59cd4678ea5a855436b949cd07ab6"),
        ({"General": text("Kenobi"), "Hello": text("There"), "Help.Me": text("Me")}, "4c360f3fdafd970e05fae2f149d997f5"),
    ):
        expect(ctx.sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes=attributes)["MD5OfMessageAttributes"], md5)


@scenario("aws", "mqbridge")
def only_those_asked_for(ctx):
    """By name, by prefix, all; the MD5 is over what is returned"""
    _, url = ctx.sqs_queue(VisibilityTimeout="0")
    attributes = {"app.one": text("1"), "app.two": text("2"), "other": text("3")}
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes=attributes)
    for names, wanted in (
        (["other"], ["other"]), (["app.*"], ["app.one", "app.two"]), (["All"], list(attributes)), ([".*"], list(attributes)),
        (["app.one", "none"], ["app.one"]), (["none"], []),
    ):
        message = ctx.sqs.receive_message(QueueUrl=url, MessageAttributeNames=names, WaitTimeSeconds=5)["Messages"][0]
        got = message.get("MessageAttributes", {})
        expect(sorted(got), sorted(wanted), f"asked for {names}")
        expect(message.get("MD5OfMessageAttributes"), md5_of(got) if wanted else None, f"MD5 for {names}")


@scenario("aws", "mqbridge")
def system_attributes_asked_for(ctx):
    """One by one, and both lists of names"""
    _, url = ctx.sqs_queue(VisibilityTimeout="0")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    sent = ctx.sqs.send_message(
        QueueUrl=url, MessageBody="m",
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": trace}},
    )
    require("MD5OfMessageSystemAttributes" in sent, f"no MD5OfMessageSystemAttributes in {sorted(sent)}")
    for names, wanted in (
        (["SentTimestamp"], {"SentTimestamp"}), (["AWSTraceHeader", "ApproximateReceiveCount"], {"AWSTraceHeader", "ApproximateReceiveCount"}),
    ):
        message = ctx.sqs.receive_message(QueueUrl=url, AttributeNames=names, WaitTimeSeconds=5)["Messages"][0]
        expect(set(message["Attributes"]), wanted)
    expect(message["Attributes"]["AWSTraceHeader"], trace)
    expect(message["Attributes"]["ApproximateReceiveCount"], "2")


@scenario("aws", "mqbridge")
def refused(ctx):
    """Too many, an empty value, names and types that are none"""
    _, url = ctx.sqs_queue()
    rows = (
        ({f"a{i}": text("v") for i in range(11)}, "Number of message attributes [11] exceeds the allowed maximum [10]."),
        ({"a": text("")}, "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
        ({".a": text("v")}, None), ({"a..b": text("v")}, None), ({"AWS.a": text("v")}, None), ({"ä": text("v")}, None),
        ({"a": text("v", "Text")}, None), ({"a": text("NaN", "Number")}, None), ({"a": text("v", "")}, None),
    )
    for attributes, message in rows:
        with Raises(ClientError) as r:
            ctx.sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes=attributes)
        expect(r.error.response["Error"]["Code"], "InvalidParameterValue", repr(attributes))
        expect(r.error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        if message:
            expect(r.error.response["Error"]["Message"], message)
    require("Messages" not in ctx.sqs.receive_message(QueueUrl=url), "a refused one is there")
