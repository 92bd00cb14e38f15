# SPDX-License-Identifier: Apache-2.0
"""Answers of every built action against AWS's service models: no member that the
model lacks, none that it requires missing, the same content over both protocols,
pages as the paginators expect them."""

import uuid


def good(client, model, action, parameters, service="sqs", **more):
    answer = client.call(action, parameters, service=service, **more)
    metadata = answer.pop("ResponseMetadata")
    if "Error" in answer:
        raise AssertionError(f"{action}: {answer['Error']}")
    if metadata["HTTPStatusCode"] != 200:
        raise AssertionError(f"{action}: status {metadata['HTTPStatusCode']}")
    found = model.faults(action, answer)
    if found:
        raise AssertionError("; ".join(found))
    return answer


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r} instead of {wanted!r}")


BINARY = "AP/+"
ATTRIBUTES = {
    "s": {"DataType": "String", "StringValue": "<&>\"'\r\n\té"},
    "n": {"DataType": "Number.int", "StringValue": "-42"},
    "b": {"DataType": "Binary", "BinaryValue": BINARY},
}


def messages(client, sqs, _):
    url = good(client, sqs, "CreateQueue", {"QueueName": f"m-{uuid.uuid4().hex}", "tags": {"a": "b"}})["QueueUrl"]
    body = "<a>&amp;\"'\r\n\t\u20ac\U0001f600\\"
    sent = good(client, sqs, "SendMessage", {
        "QueueUrl": url, "MessageBody": body, "MessageAttributes": ATTRIBUTES, "MessageGroupId": "g",
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
    })
    got = good(client, sqs, "ReceiveMessage", {
        "QueueUrl": url, "WaitTimeSeconds": 5, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"],
    })["Messages"][0]
    expect(got["Body"], body, "body")
    expect(got["MessageId"], sent["MessageId"], "id")
    expect(got["MD5OfBody"], sent["MD5OfMessageBody"], "MD5 of the body")
    expect(got["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"], "MD5 of the attributes")
    expect(got["MessageAttributes"], ATTRIBUTES, "attributes")
    expect(got["Attributes"]["MessageGroupId"], "g", "group")
    expect(got["Attributes"]["AWSTraceHeader"], "Root=1", "trace header")
    good(client, sqs, "ChangeMessageVisibility", {
        "QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"], "VisibilityTimeout": 30})
    good(client, sqs, "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"]})
    good(client, sqs, "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"]})
    expect(good(client, sqs, "ReceiveMessage", {"QueueUrl": url}), {}, "an empty queue")


def batches(client, sqs, _):
    url = good(client, sqs, "CreateQueue", {"QueueName": f"m-{uuid.uuid4().hex}"})["QueueUrl"]
    sent = good(client, sqs, "SendMessageBatch", {"QueueUrl": url, "Entries": [
        {"Id": "a", "MessageBody": "1", "MessageAttributes": ATTRIBUTES}, {"Id": "b", "MessageBody": ""},
        {"Id": "c", "MessageBody": "3", "DelaySeconds": 901}, {"Id": "d", "MessageBody": "4"}]})
    expect([e["Id"] for e in sent["Successful"]], ["a", "d"], "stored")
    expect([(e["Id"], e["Code"], e["SenderFault"]) for e in sent["Failed"]],
           [("b", "MissingParameter", True), ("c", "InvalidParameterValue", True)], "refused")
    got = good(client, sqs, "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 2})["Messages"]
    expect(sorted(m["Body"] for m in got), ["1", "4"], "received")
    changed = good(client, sqs, "ChangeMessageVisibilityBatch", {"QueueUrl": url, "Entries": [
        {"Id": "x", "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 60},
        {"Id": "y", "ReceiptHandle": "garbage", "VisibilityTimeout": 60}]})
    expect(changed["Successful"], [{"Id": "x"}], "changed")
    expect(changed["Failed"][0]["Code"], "ReceiptHandleIsInvalid", "a handle that is none")
    deleted = good(client, sqs, "DeleteMessageBatch", {"QueueUrl": url, "Entries": [
        {"Id": f"m{i}", "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)]})
    expect([e["Id"] for e in deleted["Successful"]], ["m0", "m1"], "deleted")
    expect("Failed" in deleted, False, "Failed when none did")


def queue_pages(client, sqs, _):
    prefix = f"p{uuid.uuid4().hex[:8]}"
    expect(good(client, sqs, "ListQueues", {"QueueNamePrefix": prefix}), {}, "no queues")
    urls = [good(client, sqs, "CreateQueue", {"QueueName": f"{prefix}-{i}"})["QueueUrl"] for i in range(7)]
    rule = sqs.pagination["ListQueues"]
    pages, token = [], None
    while len(pages) < 9:
        parameters = {"QueueNamePrefix": prefix, rule["limit_key"]: 3}
        if token:
            parameters[rule["input_token"]] = token
        answer = good(client, sqs, "ListQueues", parameters)
        pages.append(answer[rule["result_key"]])
        token = answer.get(rule["output_token"])
        if not token:
            break
    expect(pages, [urls[:3], urls[3:6], urls[6:]], "pages")
    whole = good(client, sqs, "ListQueues", {"QueueNamePrefix": prefix})
    expect(whole, {"QueueUrls": urls}, "all at once, no token")
    for url in urls:
        expect(good(client, sqs, "GetQueueUrl", {"QueueName": url.rsplit("/", 1)[1]})["QueueUrl"], url, "GetQueueUrl")


def urls(client, sqs, _):
    """Forms of queue URLs (sqs-sns.md 1.5); posting to the queue's path."""
    name = f"u-{uuid.uuid4().hex}"
    url = good(client, sqs, "CreateQueue", {"QueueName": name})["QueueUrl"]
    account = url.split("/")[-2]
    for form in (f"http://sqs.eu-west-1.example:9/{account}/{name}", f"https://eu-west-1.queue.example/{account}/{name}",
                 f"http://h/queue/us-east-1/{account}/{name}", f"/{account}/{name}", f"http://h/queue/{name}", name):
        good(client, sqs, "SendMessage", {"QueueUrl": form, "MessageBody": form})
    good(client, sqs, "SendMessage", {"QueueUrl": url, "MessageBody": "x"}, path=f"/{account}/other")
    if client.protocol == "query":
        good(client, sqs, "SendMessage", {"MessageBody": "by path"}, path=f"/{account}/{name}")


def attributes(client, sqs, _):
    name = f"a-{uuid.uuid4().hex}"
    url = good(client, sqs, "CreateQueue", {"QueueName": name, "tags": {"a": "b", "c": ""}, "Attributes": {
        "DelaySeconds": "0", "RedrivePolicy": ""}})["QueueUrl"]
    expect(good(client, sqs, "CreateQueue", {"QueueName": name, "tags": {"other": "x"}})["QueueUrl"], url, "made again")
    expect(good(client, sqs, "ListQueueTags", {"QueueUrl": url}), {"Tags": {"a": "b", "c": ""}}, "tags")
    good(client, sqs, "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"VisibilityTimeout": "7", "Policy": '{"a":1}'}})
    good(client, sqs, "SendMessageBatch", {"QueueUrl": url, "Entries": [
        {"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2"}, {"Id": "c", "MessageBody": "3", "DelaySeconds": 900}]})
    good(client, sqs, "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 5})
    got = good(client, sqs, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})["Attributes"]
    times = [got.pop("CreatedTimestamp"), got.pop("LastModifiedTimestamp")]
    expect(all(t.isdigit() and len(t) == 10 for t in times) and times[0] <= times[1], True, "times in seconds")
    expect(got, {
        "QueueArn": f"arn:aws:sqs:us-east-1:{url.split('/')[-2]}:{name}", "ApproximateNumberOfMessages": "1",
        "ApproximateNumberOfMessagesNotVisible": "1", "ApproximateNumberOfMessagesDelayed": "1", "VisibilityTimeout": "7",
        "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0", "Policy": '{"a":1}', "SqsManagedSseEnabled": "true"}, "all attributes")
    expect(good(client, sqs, "GetQueueAttributes", {"QueueUrl": url}), {}, "nothing asked for")
    expect(good(client, sqs, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["FifoQueue", "RedrivePolicy"]}), {},
           "what it does not have")
    expect(good(client, sqs, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}),
           {"Attributes": {"VisibilityTimeout": "7"}}, "one")
    good(client, sqs, "PurgeQueue", {"QueueUrl": url})
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    expect(good(client, sqs, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names}),
           {"Attributes": dict.fromkeys(names, "0")}, "after the purge")
    good(client, sqs, "DeleteQueue", {"QueueUrl": url})
    expect(client.call("DeleteQueue", {"QueueUrl": url})["Error"]["Code"], "AWS.SimpleQueueService.NonExistentQueue", "twice")


def topics(client, _, sns):
    answer = good(client, sns, "ListTopics", {}, service="sns")
    names = [t["TopicArn"].split(":")[-1].split("-")[1] for t in answer["Topics"]]
    expect([n for n in ("direct", "fanout", "topic") if n not in names], [], "predeclared exchanges")


def subscriptions(client, sqs, sns):
    """Every action of SNS, each answer against its model."""
    name = f"s-{uuid.uuid4().hex}"
    url = good(client, sqs, "CreateQueue", {"QueueName": name})["QueueUrl"]
    endpoint = good(client, sqs, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})["Attributes"]["QueueArn"]

    def call(action, **parameters):
        return good(client, sns, action, parameters, service="sns")

    arn = call("CreateTopic", Name=name, Attributes={"DisplayName": "d"}, Tags=[{"Key": "a", "Value": ""}])["TopicArn"]
    call("SetTopicAttributes", TopicArn=arn, AttributeName="TracingConfig", AttributeValue="Active")
    expect(call("GetTopicAttributes", TopicArn=arn)["Attributes"]["TracingConfig"], "Active", "attribute")
    call("TagResource", ResourceArn=arn, Tags=[{"Key": "b", "Value": "c"}])
    call("UntagResource", ResourceArn=arn, TagKeys=["a"])
    expect(call("ListTagsForResource", ResourceArn=arn), {"Tags": [{"Key": "b", "Value": "c"}]}, "tags")
    made = call("Subscribe", TopicArn=arn, Protocol="sqs", Endpoint=endpoint, ReturnSubscriptionArn=True)["SubscriptionArn"]
    call("SetSubscriptionAttributes", SubscriptionArn=made, AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}')
    got = call("GetSubscriptionAttributes", SubscriptionArn=made)["Attributes"]
    expect((got["FilterPolicy"], got["FilterPolicyScope"]), ('{"a": ["b"]}', "MessageAttributes"), "policy")
    row = {"SubscriptionArn": made, "Owner": arn.split(":")[4], "Protocol": "sqs", "Endpoint": endpoint, "TopicArn": arn}
    expect(call("ListSubscriptionsByTopic", TopicArn=arn), {"Subscriptions": [row]}, "by topic")
    expect(row in call("ListSubscriptions")["Subscriptions"], True, "in the list of all")
    call("Publish", TopicArn=arn, Message="m", Subject="s", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
    batch = call("PublishBatch", TopicArn=arn, PublishBatchRequestEntries=[
        {"Id": "x", "Message": "1", "MessageAttributes": ATTRIBUTES}, {"Id": "y", "Message": "2"}])
    expect(([e["Id"] for e in batch["Successful"]], batch["Failed"]), (["x", "y"], []), "batch")
    call("Unsubscribe", SubscriptionArn=made)
    call("DeleteTopic", TopicArn=arn)
    expect(client.call("Publish", {"TopicArn": arn, "Message": "m"}, service="sns")["Error"]["Code"], "NotFound", "deleted")


def run(clients, sqs, sns, report):
    for case in (messages, batches, queue_pages, urls, attributes, topics, subscriptions):
        for protocol, client in clients.items():
            if case in (topics, subscriptions) and protocol == "json":
                continue  # SNS has no AWS JSON
            name = f"models {case.__name__} ({protocol})"
            try:
                case(client, sqs, sns)
                report.line("ok", name)
            except Exception as e:  # whatever it is, it is this case's failure
                report.line("FAIL", name, f"{type(e).__name__}: {e}")
