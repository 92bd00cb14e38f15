# SPDX-License-Identifier: Apache-2.0
"""SendMessageBatch and DeleteMessageBatch (sqs-sns.md §3)."""

import hashlib

from botocore.exceptions import ClientError

from rig import Raises, expect, require, scenario


def entries(*ids, body="m"):
    return [{"Id": i, "MessageBody": f"{body}{i}"} for i in ids]


@scenario("aws", "mqbridge")
def send_and_delete(ctx):
    """Ten at once; answers by id"""
    _, url = ctx.sqs_queue()
    ids = [f"id_{i}-x" for i in range(10)]
    answer = ctx.sqs.send_message_batch(QueueUrl=url, Entries=entries(*ids))
    require(not answer.get("Failed"), f"failed: {answer.get('Failed')}")
    expect([e["Id"] for e in answer["Successful"]], ids)
    for entry in answer["Successful"]:
        expect(entry["MD5OfMessageBody"], hashlib.md5(f"m{entry['Id']}".encode()).hexdigest())
    messages = ctx.sqs_take(url, 10, delete=False)
    expect({m["MessageId"] for m in messages}, {e["MessageId"] for e in answer["Successful"]})
    deletes = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
    deletes[3]["ReceiptHandle"] = "garbage"
    answer = ctx.sqs.delete_message_batch(QueueUrl=url, Entries=deletes)
    expect(sorted(e["Id"] for e in answer["Successful"]), [str(i) for i in range(10) if i != 3])
    (failed,) = answer["Failed"]
    expect((failed["Id"], failed["Code"], failed["SenderFault"]), ("3", "ReceiptHandleIsInvalid", True))


@scenario("aws", "mqbridge")
def each_entry_with_its_own(ctx):
    """Delay and attributes"""
    _, url = ctx.sqs_queue()
    attributes = {"a": {"DataType": "String", "StringValue": "v"}}
    batch = entries("now", "later", "with")
    batch[1]["DelaySeconds"] = 1
    batch[2]["MessageAttributes"] = attributes
    answer = ctx.sqs.send_message_batch(QueueUrl=url, Entries=batch)
    expect([("MD5OfMessageAttributes" in e) for e in answer["Successful"]], [False, False, True])
    first = ctx.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    expect([(m["Body"], m.get("MessageAttributes")) for m in first], [("mnow", None), ("mwith", attributes)])
    expect([m["Body"] for m in ctx.sqs_take(url, 1)], ["mlater"])


@scenario("aws", "mqbridge")
def some_fail(ctx):
    """200 with both lists; the good ones are there"""
    _, url = ctx.sqs_queue(MaximumMessageSize="1024")
    batch = entries("good", "long", "attribute", "delay", "fine")
    batch[1]["MessageBody"] = "x" * 1025
    batch[2]["MessageAttributes"] = {"a": {"DataType": "String", "StringValue": ""}}
    batch[3]["DelaySeconds"] = 901
    answer = ctx.sqs.send_message_batch(QueueUrl=url, Entries=batch)
    expect([e["Id"] for e in answer["Successful"]], ["good", "fine"])
    failed = {e["Id"]: e for e in answer["Failed"]}
    expect(sorted(failed), ["attribute", "delay", "long"])
    expect({(e["Code"], e["SenderFault"]) for e in failed.values()}, {("InvalidParameterValue", True)})
    expect(
        failed["long"]["Message"], "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    )
    expect(sorted(m["Body"] for m in ctx.sqs_take(url, 2)), ["mfine", "mgood"])


@scenario("aws", "mqbridge")
def whole_batch_is_refused(ctx):
    """Empty, too many, ids, size; nothing of it is stored"""
    _, url = ctx.sqs_queue()
    prefix = "AWS.SimpleQueueService."
    half = "x" * 600000
    rows = (
        (entries(*map(str, range(20))), prefix + "TooManyEntriesInBatchRequest",
         "Maximum number of entries per request are 10. You have sent 20."),
        (entries("a", "b", "a"), prefix + "BatchEntryIdsNotDistinct", "Id a repeated."),
        (entries("a b"), prefix + "InvalidBatchEntryId",
         "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."),
        (entries("a" * 81), prefix + "InvalidBatchEntryId", None),
        ([{"Id": i, "MessageBody": half} for i in "ab"], prefix + "BatchRequestTooLong",
         "Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 bytes."),
    )
    for batch, code, message in rows:
        with Raises(ClientError) as r:
            ctx.sqs.send_message_batch(QueueUrl=url, Entries=batch)
        error = r.error.response["Error"]
        expect(error["Code"], code)
        if message:
            expect(error["Message"], message)
    with Raises(ClientError) as r:
        ctx.sqs.send_message_batch(QueueUrl=url, Entries=[])
    expect(r.error.response["Error"]["Code"], prefix + "EmptyBatchRequest")
    require("Messages" not in ctx.sqs.receive_message(QueueUrl=url), "something of a refused batch is there")
