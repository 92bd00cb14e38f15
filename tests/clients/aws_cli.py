# SPDX-License-Identifier: Apache-2.0
"""The AWS command line: Debian's speaks Query, current ones JSON."""

import json
import os
import shutil
import subprocess

from rig import Skip, expect, require, scenario

DEBIAN = ("/usr/bin/aws", "/bin/aws")


def command(ctx):
    """Debian's in the run of Debian's boto3, another one that is there in the other."""
    if not ctx.json_protocol:
        if os.access(DEBIAN[0], os.X_OK):
            return DEBIAN[0]
        raise Skip("no /usr/bin/aws")
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        path = shutil.which("aws", path=directory)
        if path and os.path.realpath(path) not in map(os.path.realpath, DEBIAN):
            return path
    raise Skip("no aws beside Debian's")


def aws(ctx, *arguments):
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": "guest", "AWS_SECRET_ACCESS_KEY": "guest", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
    }
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [command(ctx), "--endpoint-url", f"http://127.0.0.1:{ctx.endpoint['aws']}", "--output", "json", *arguments],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=50, check=False, text=True,
    )
    if done.returncode:
        raise AssertionError(f"aws {' '.join(arguments[:2])}: {' '.join(done.stderr.split())}")
    return json.loads(done.stdout) if done.stdout.strip() else None


@scenario("aws", "mqbridge")
def one_message(ctx):
    """create-queue, send-message, receive-message, delete-message"""
    name = ctx.name("cli")
    url = aws(ctx, "sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    sent = aws(
        ctx, "sqs", "send-message", "--queue-url", url, "--message-body", "from the command line",
        "--message-attributes", '{"a": {"DataType": "String", "StringValue": "v"}}',
    )
    (message,) = aws(
        ctx, "sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5", "--message-attribute-names", "All"
    )["Messages"]
    expect((message["Body"], message["MessageId"]), ("from the command line", sent["MessageId"]))
    expect(message["MessageAttributes"]["a"]["StringValue"], "v")
    aws(ctx, "sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    require("Messages" not in ctx.sqs.receive_message(QueueUrl=url), "it is still there")


@scenario("aws", "mqbridge")
def topic_and_subscription(ctx):
    """create-topic, subscribe, publish, receive-message, unsubscribe, delete-topic"""
    name, url = ctx.sqs_queue("cli")
    arn = aws(ctx, "sns", "create-topic", "--name", ctx.name("cli"), "--tags", "Key=a,Value=b")["TopicArn"]
    made = aws(
        ctx, "sns", "subscribe", "--topic-arn", arn, "--protocol", "sqs", "--notification-endpoint",
        f"arn:aws:sqs:us-east-1:000000000000:{name}", "--attributes", '{"RawMessageDelivery": "true"}',
    )["SubscriptionArn"]
    listed = aws(ctx, "sns", "list-subscriptions-by-topic", "--topic-arn", arn)["Subscriptions"]
    expect([s["SubscriptionArn"] for s in listed], [made])
    aws(
        ctx, "sns", "publish", "--topic-arn", arn, "--message", "from the command line", "--subject", "s",
        "--message-attributes", '{"a": {"DataType": "String", "StringValue": "v"}}',
    )
    (message,) = ctx.sqs_take(url)
    expect((message["Body"], message["MessageAttributes"]["a"]["StringValue"]), ("from the command line", "v"))
    expect(aws(ctx, "sns", "list-tags-for-resource", "--resource-arn", arn)["Tags"], [{"Key": "a", "Value": "b"}])
    aws(ctx, "sns", "unsubscribe", "--subscription-arn", made)
    aws(ctx, "sns", "delete-topic", "--topic-arn", arn)
    expect(aws(ctx, "sns", "list-subscriptions")["Subscriptions"].count(listed[0]), 0)
