# SPDX-License-Identifier: Apache-2.0
"""Visibility, delays and long polls (sqs-sns.md §3)."""

import http.client
import json
import threading
import time

import rig
import signing
from rig import expect, require, scenario


def poll(ctx, url, seconds, **given):
    """(messages, how long it took) of one ReceiveMessage."""
    began = time.monotonic()
    answer = ctx.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds, AttributeNames=["All"], **given)
    return answer.get("Messages", []), time.monotonic() - began


def in_background(function):
    """A thread's result: call the returned function to wait for it."""
    result = []
    thread = threading.Thread(target=lambda: result.append(function()), daemon=True)
    thread.start()

    def wait():
        thread.join(rig.DEADLINE + 20)
        require(result, "the call in the background did not end")
        return result[0]

    return wait


@scenario("aws", "mqbridge")
def long_poll_wakes(ctx):
    """At once with a message that is sent meanwhile"""
    _, url = ctx.sqs_queue()
    polling = in_background(lambda: poll(ctx, url, 20))
    time.sleep(0.5)  # so that it waits; if it does not yet, the scenario holds all the same
    sent = time.monotonic()
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    messages, _ = polling()
    expect([m["Body"] for m in messages], ["m"])
    require(time.monotonic() - sent < 5, f"it woke {time.monotonic() - sent:.1f} s after the send")


@scenario("amqp", "aws", "mqbridge")
def long_poll_wakes_for_amqp(ctx):
    """At once with a message published over AMQP, and with one given back"""
    name, url = ctx.sqs_queue()
    channel = ctx.channel()
    polling = in_background(lambda: poll(ctx, url, 20))
    channel.basic_publish("", name, b"published")
    expect([m["Body"] for m in polling()[0]], ["published"])
    channel.basic_publish("", name, b"given back")
    method, _, _ = rig.get(channel, name)
    polling = in_background(lambda: poll(ctx, url, 20))
    channel.basic_nack(method.delivery_tag)
    messages, _ = polling()
    expect([m["Body"] for m in messages], ["given back"])
    expect(messages[0]["Attributes"]["ApproximateReceiveCount"], "2")


@scenario("aws", "mqbridge")
def long_poll_ends_empty(ctx):
    """At its time, not before and not much after; the queue's own wait by default"""
    _, url = ctx.sqs_queue(ReceiveMessageWaitTimeSeconds="1")
    messages, took = poll(ctx, url, 1)
    require(not messages and 0.9 < took < 4, f"{messages} after {took:.1f} s")
    began = time.monotonic()
    require("Messages" not in ctx.sqs.receive_message(QueueUrl=url), "a message of none")
    require(0.9 < time.monotonic() - began < 4, "the queue's ReceiveMessageWaitTimeSeconds")
    messages, took = poll(ctx, url, 0)
    require(not messages and took < 0.9, f"{messages} after {took:.1f} s")


@scenario("aws", "mqbridge")
def visibility_timeout(ctx):
    """In flight until then, then again with a higher count; a long poll wakes by it"""
    _, url = ctx.sqs_queue(VisibilityTimeout="1")
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    seen = []
    for count in ("1", "2", "3"):
        messages, took = poll(ctx, url, 10)
        expect([(m["Body"], m["Attributes"]["ApproximateReceiveCount"]) for m in messages], [("m", count)])
        seen.append(messages[0])
        if count != "1":
            require(0.5 < took < 5, f"it was hidden for {took:.1f} s")
    expect(len({m["ReceiptHandle"] for m in seen}), 3, "handles")
    expect(len({m["Attributes"]["ApproximateFirstReceiveTimestamp"] for m in seen}), 1, "times of the first receive")
    # An older handle still deletes (standard queues).
    ctx.sqs.delete_message(QueueUrl=url, ReceiptHandle=seen[0]["ReceiptHandle"])
    expect(poll(ctx, url, 2)[0], [])


@scenario("aws", "mqbridge")
def visibility_of_one_receive(ctx):
    """VisibilityTimeout of the call; 0 leaves it visible, and the call returns it once"""
    _, url = ctx.sqs_queue()
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    expect(len(poll(ctx, url, 5, VisibilityTimeout=0, MaxNumberOfMessages=10)[0]), 1)
    expect(len(poll(ctx, url, 5, VisibilityTimeout=1)[0]), 1)
    expect(poll(ctx, url, 0)[0], [])
    messages, _ = poll(ctx, url, 10)
    expect([m["Attributes"]["ApproximateReceiveCount"] for m in messages], ["3"])


@scenario("aws", "mqbridge")
def change_visibility(ctx):
    """0 gives it back at once, also to a waiting poll; longer hides it longer"""
    _, url = ctx.sqs_queue(VisibilityTimeout="1")
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,), _ = poll(ctx, url, 5, VisibilityTimeout=600)
    polling = in_background(lambda: poll(ctx, url, 20))
    ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    (message,), took = polling()
    require(took < 10, f"it came back after {took:.1f} s")
    expect(message["Attributes"]["ApproximateReceiveCount"], "2")
    ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=600)
    expect(poll(ctx, url, 2)[0], [], "beyond the queue's own second")
    ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    expect(len(poll(ctx, url, 5)[0]), 1)


@scenario("aws", "mqbridge")
def delays(ctx):
    """DelaySeconds of the message, of the queue, and 0 against the queue's"""
    _, plain = ctx.sqs_queue()
    _, delayed = ctx.sqs_queue(DelaySeconds="1")
    for url, given, at_least in ((plain, {"DelaySeconds": 1}, 0.5), (delayed, {}, 0.5), (delayed, {"DelaySeconds": 0}, 0)):
        ctx.sqs.send_message(QueueUrl=url, MessageBody="m", **given)
        began = time.monotonic()
        if at_least:
            expect(poll(ctx, url, 0)[0], [], "before its time")
        expect(len(ctx.sqs_take(url, 1)), 1)
        took = time.monotonic() - began
        require(at_least <= took < 6, f"{given}: after {took:.1f} s")


@scenario("aws", "mqbridge")
def poller_that_went_away(ctx):
    """Its poll takes nothing with it"""
    _, url = ctx.sqs_queue()
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20})
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", ctx.endpoint["aws"], timeout=10)
        connection.request("POST", "/", body, signing.Signer(ctx.endpoint["aws"]).headers("POST", "/", body, {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage",
        }))
        # The next answered request shows that the poll has been read before it is cut.
        ctx.sqs.get_queue_url(QueueName=url.rsplit("/", 1)[1])
        connection.close()
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    messages, took = poll(ctx, url, 10)
    expect([m["Attributes"]["ApproximateReceiveCount"] for m in messages], ["1"])
    require(took < 5, f"after {took:.1f} s")


@scenario("amqp", "aws", "mqbridge")
def counts_of_both_protocols(ctx):
    """A message in flight over SQS is not ready over AMQP; received there it comes redelivered"""
    name, url = ctx.sqs_queue()
    channel = ctx.channel()
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,), _ = poll(ctx, url, 5)
    expect(rig.ready(channel, name), 0)
    ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    method, _, _ = rig.get(channel, name)
    expect(method.redelivered, True)
    expect(poll(ctx, url, 0)[0], [], "while AMQP holds it")
    channel.basic_ack(method.delivery_tag)
