# SPDX-License-Identifier: Apache-2.0
"""Errors as boto3 shows them and as they are on the wire, in both protocols (sqs-sns.md §1, §3)."""

import datetime
import http.client
import json
import re
import urllib.parse

from botocore.exceptions import ClientError

import signing
from rig import Raises, expect, require, scenario


def refusal(function, **given):
    """(code, message, HTTP status)"""
    with Raises(ClientError) as r:
        function(**given)
    error = r.error.response["Error"]
    return error["Code"], error["Message"], r.error.response["ResponseMetadata"]["HTTPStatusCode"]


@scenario("aws", "mqbridge")
def queue_that_is_not_there(ctx):
    """§1.3: the message differs between the protocols"""
    name = ctx.name("none")
    url = f"http://127.0.0.1:{ctx.endpoint['aws']}/000000000000/{name}"
    wanted = (
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist." if ctx.json_protocol
        else "The specified queue does not exist for this wsdl version.", 400,
    )
    sqs = ctx.sqs
    for function, given in (
        (sqs.get_queue_url, {"QueueName": name}), (sqs.send_message, {"QueueUrl": url, "MessageBody": "m"}),
        (sqs.receive_message, {"QueueUrl": url}), (sqs.delete_message, {"QueueUrl": url, "ReceiptHandle": "h"}),
        (sqs.change_message_visibility, {"QueueUrl": url, "ReceiptHandle": "h", "VisibilityTimeout": 1}),
        (sqs.send_message_batch, {"QueueUrl": url, "Entries": [{"Id": "a", "MessageBody": "m"}]}),
    ):
        expect(refusal(function, **given), wanted, function.__name__)
    with Raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=name)


@scenario("aws", "mqbridge")
def values_out_of_range(ctx):
    """§3, with their texts"""
    _, url = ctx.sqs_queue()
    sqs = ctx.sqs
    head = "Value {} for parameter {} is invalid. Reason: {}"
    rows = (
        (sqs.receive_message, {"MaxNumberOfMessages": 11}, head.format(11, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")),
        (sqs.receive_message, {"WaitTimeSeconds": 21}, head.format(21, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")),
        (sqs.send_message, {"MessageBody": "m", "DelaySeconds": 901}, head.format(901, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")),
        (sqs.receive_message, {"VisibilityTimeout": 43201}, None),
    )
    for function, given, message in rows:
        code, got, status = refusal(function, QueueUrl=url, **given)
        expect((code, status), ("InvalidParameterValue", 400), repr(given))
        if message:
            expect(got, message)
    expect(
        refusal(sqs.send_message, QueueUrl=url, MessageBody=""),
        ("MissingParameter", "The request must contain the parameter MessageBody.", 400),
    )
    code, _, _ = refusal(sqs.send_message, QueueUrl=url, MessageBody="a\ufffeb")
    expect(code, "InvalidMessageContents")


@scenario("aws", "mqbridge")
def receipt_handles(ctx):
    """Garbage, and one of another queue"""
    _, url = ctx.sqs_queue()
    _, other = ctx.sqs_queue()
    ctx.sqs.send_message(QueueUrl=url, MessageBody="m")
    message = ctx.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]
    for handle in ("garbage", message["ReceiptHandle"][:-4] + "AAAA"):
        code, text, _ = refusal(ctx.sqs.delete_message, QueueUrl=url, ReceiptHandle=handle)
        expect((code, text), ("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.'))
        code, _, _ = refusal(ctx.sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
        expect(code, "ReceiptHandleIsInvalid")
    with Raises(ClientError):
        ctx.sqs.delete_message(QueueUrl=other, ReceiptHandle=message["ReceiptHandle"])
    ctx.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    code, text, _ = refusal(
        ctx.sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=5
    )
    expect((code, text), (
        "InvalidParameterValue", f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
        "Reason: Message does not exist or is not available for visibility timeout change.",
    ))


@scenario("aws", "mqbridge")
def queue_names(ctx):
    """§2"""
    for name in ("with space", "a.b", "ä", "x" * 81, "q.fifo"):
        code, _, status = refusal(ctx.sqs.create_queue, QueueName=name)
        expect((code, status), ("InvalidParameterValue", 400), name)
    code, text, _ = refusal(ctx.sqs.create_queue, QueueName="a/b")
    expect(text, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
    url = ctx.sqs.create_queue(QueueName="x" * 70 + ctx.name("")[:10])["QueueUrl"]
    expect(len(url.rsplit("/", 1)[1]), 80)


@scenario("aws", "mqbridge")
def queue_attributes(ctx):
    """§4"""
    for attributes, code, text in (
        ({"Nonsense": "1"}, "InvalidAttributeName", "Unknown Attribute Nonsense."),
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."),
        ({"DelaySeconds": "soon"}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."),
    ):
        expect(refusal(ctx.sqs.create_queue, QueueName=ctx.name(), Attributes=attributes), (code, text, 400))


@scenario("aws", "mqbridge")
def access_key_that_is_not_there(ctx):
    """DESIGN §5"""
    code, _, status = refusal(ctx.aws_as("sqs", "stranger").list_queues)
    expect((code, status), ("InvalidClientTokenId", 403))
    code, _, status = refusal(ctx.aws_as("sns", "stranger").list_topics)
    expect((code, status), ("InvalidClientTokenId", 403))


class Http:
    """Plain requests on one kept-alive connection."""

    def __init__(self, ctx, **with_signature):
        self.with_signature = with_signature
        self.port = ctx.endpoint["aws"]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        ctx.at_end(self.connection.close)

    def post(self, body, path="/", key="guest", **headers):
        """(status, headers, body)"""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            headers = signing.Signer(self.port, key, **self.with_signature).headers("POST", path, body, headers)
        return self.request("POST", path, body, headers)

    def request(self, method, path, body=None, headers=()):
        self.connection.request(method, path, body, dict(headers))
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def json(self, action, body, **given):
        body = body if isinstance(body, str) else json.dumps(body)
        return self.post(
            body, Content_Type="application/x-amz-json-1.0", X_Amz_Target=f"AmazonSQS.{action}",
            x_amzn_query_mode="true", **given
        )

    def query(self, action, path="/", key="guest", **fields):
        fields.update(Action=action, Version="2012-11-05")
        return self.post(
            urllib.parse.urlencode(fields), path, key, Content_Type="application/x-www-form-urlencoded; charset=utf-8"
        )


@scenario("aws", "mqbridge")
def wire_of_json_errors(ctx):
    """§1.1, §1.2: __type, x-amzn-query-error, x-amzn-RequestId; one connection for all"""
    client = Http(ctx)
    status, headers, body = client.json("GetQueueUrl", {"QueueName": ctx.name("none")})
    expect((status, headers["Content-Type"]), (400, "application/x-amz-json-1.0"))
    expect(headers["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender")
    require(headers["x-amzn-RequestId"], "no x-amzn-RequestId")
    expect(json.loads(body), {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."})
    for action, text in (("Nonsense", "{}"), ("GetQueueUrl", "{"), ("GetQueueUrl", "[1]"), ("GetQueueUrl", '{"QueueName": 7}'),
                         ("GetQueueUrl", "{}"), ("SendMessage", '{"QueueUrl": "x", "MessageBody": ' + "[" * 5000)):
        status, headers, body = client.json(action, text)
        expect(status, 400, f"{action} {text[:40]}")
        require("__type" in json.loads(body) and headers["x-amzn-query-error"], f"{action} {text[:40]}: {body}")
    status, headers, body = client.json("ListQueues", {"QueueNamePrefix": ctx.name("none")})
    expect((status, json.loads(body)), (200, {}))


@scenario("aws", "mqbridge")
def wire_of_query_errors(ctx):
    """§1.1: ErrorResponse with the code, both ways to say the queue"""
    client = Http(ctx)
    name, url = ctx.sqs_queue()
    for status, headers, body in (
        client.query("GetQueueUrl", QueueName=ctx.name("none")),
        client.query("SendMessage", path=f"/000000000000/{ctx.name('none')}", MessageBody="m"),
    ):
        expect((status, headers["Content-Type"].split(";")[0]), (400, "text/xml"))
        require("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in body, body)
        require("<Message>The specified queue does not exist for this wsdl version.</Message>" in body, body)
        require("<Type>Sender</Type>" in body and re.search("<RequestId>[^<]+</RequestId>", body), body)
    status, _, body = client.query("Nonsense")
    expect(status, 400)
    require("<Code>InvalidAction</Code>" in body, body)
    status, _, body = client.query("SendMessage", path=f"/000000000000/{name}", MessageBody="<&>")
    expect(status, 200)
    require('<SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"' in body, body)
    expect([m["Body"] for m in ctx.sqs_take(url, 1)], ["<&>"])


@scenario("aws", "mqbridge")
def nobody_asks(ctx):
    """No Authorization at all, and one that is none"""
    client = Http(ctx)
    status, headers, body = client.json("ListQueues", {}, key=None)
    expect(status, 403, body)
    require("MissingAuthenticationToken" in body, body)
    status, _, body = client.query("ListQueues", key=None)
    expect(status, 403, body)
    require("MissingAuthenticationToken" in body, body)
    status, _, body = client.json("ListQueues", {}, key="stranger")
    expect(status, 403, body)
    require("InvalidClientTokenId" in body, body)


@scenario("aws", "mqbridge")
def signatures(ctx):
    """§9: another secret, a body of another request, a clock that is wrong, a session token"""
    status, _, body = Http(ctx, secret="wrong").json("ListQueues", {})
    expect(status, 403, body)
    require("#SignatureDoesNotMatch" in body and "does not match the signature you provided" in body, body)
    late = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=16)
    status, _, body = Http(ctx, when=late).query("ListQueues")
    expect(status, 403, body)
    require("<Code>SignatureDoesNotMatch</Code><Message>Signature expired: " in body and "- 15 min.)" in body, body)
    client = Http(ctx)
    headers = signing.Signer(client.port).headers("POST", "/", "{}", {"X-Amz-Target": "AmazonSQS.ListQueues"})
    expect(client.request("POST", "/", "{}", headers)[0], 200, "as signed")
    expect(client.request("POST", "/", "{ }", headers)[0], 403, "another body")
    expect(client.request("POST", "/", "{}", {**headers, "X-Amz-Target": "AmazonSQS.GetQueueUrl"})[0], 403, "another target")
    status, _, body = client.json("ListQueues", {}, X_Amz_Security_Token="token")
    expect(status, 403, body)
    require("InvalidClientTokenId" in body, body)


@scenario("aws", "mqbridge")
def presigned_urls(ctx):
    """§1.6, §9: a GET that carries its own signature, as boto3 makes it and by hand"""
    name, url = ctx.sqs_queue()
    client = Http(ctx)
    path = f"/000000000000/{name}"
    fields = {"Action": "SendMessage", "MessageBody": "by GET +&/"}
    status, _, body = client.request("GET", signing.Signer(client.port).presigned(path, fields))
    expect(status, 200, body)
    expect(client.request("GET", signing.Signer(client.port, secret="wrong").presigned(path, fields))[0], 403, "another secret")
    expect(client.request("GET", signing.Signer(client.port).presigned(path, fields) + "&DelaySeconds=1")[0], 403, "more than signed")
    old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=2)
    status, _, body = client.request("GET", signing.Signer(client.port, when=old).presigned(path, fields))
    expect(status, 400, body)
    require("<Code>RequestExpired</Code>" in body, body)
    expect([m["Body"] for m in ctx.sqs_take(url, 1)], ["by GET +&/"])
    if not ctx.json_protocol:
        made = ctx.sqs.generate_presigned_url("list_queues", Params={"QueueNamePrefix": name}, HttpMethod="GET")
        status, _, body = client.request("GET", made[made.index("/", 8):])
        expect(status, 200, body)
        require(f"<QueueUrl>{url}</QueueUrl>" in body, body)
