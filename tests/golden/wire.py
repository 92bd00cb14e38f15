# SPDX-License-Identifier: Apache-2.0
"""A plain SQS/SNS client over both wire protocols, driven by the service models:
it sends exactly what it is given and checks the answer against the model."""

import base64
import http.client
import json
import os
import urllib.parse
import xml.etree.ElementTree as ElementTree

import signing

# Query's names of lists and maps (the models describe AWS JSON).
QUERY_NAMES = {
    "Attributes": "Attribute",
    "AttributeNames": "AttributeName",
    "MessageAttributes": "MessageAttribute",
    "MessageAttributeNames": "MessageAttributeName",
    "MessageSystemAttributes": "MessageSystemAttribute",
    "MessageSystemAttributeNames": "MessageSystemAttributeName",
    "tags": "Tag",
    "Tags": "Tag",
    "TagKeys": "TagKey",
}
# SNS's: what stands between the name and the number.
SNS_LISTS = {
    "Attributes": "entry",
    "MessageAttributes": "entry",
    "Tags": "member",
    "TagKeys": "member",
    "PublishBatchRequestEntries": "member",
    "AWSAccountId": "member",
    "ActionName": "member",
}
ENTRY_NAMES = {
    "SendMessageBatch": "SendMessageBatchRequestEntry",
    "DeleteMessageBatch": "DeleteMessageBatchRequestEntry",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibilityBatchRequestEntry",
}
# Elements of Query answers: element → (JSON member, kind).
ELEMENTS = {
    "Message": ("Messages", "list"),
    "QueueUrl": ("QueueUrls", "list"),
    "SendMessageBatchResultEntry": ("Successful", "list"),
    "DeleteMessageBatchResultEntry": ("Successful", "list"),
    "ChangeMessageVisibilityBatchResultEntry": ("Successful", "list"),
    "BatchResultErrorEntry": ("Failed", "list"),
    "Attribute": ("Attributes", "map"),
    "MessageAttribute": ("MessageAttributes", "map"),
    "Tag": ("Tags", "map"),
}


class Model:
    """Shapes of one service."""

    def __init__(self, golden, service):
        folder = os.path.join(golden, "aws-models", "data", service)
        version = sorted(os.listdir(folder))[-1]
        with open(os.path.join(folder, version, "service-2.json")) as file:
            self.data = json.load(file)
        with open(os.path.join(folder, version, "paginators-1.json")) as file:
            self.pagination = json.load(file)["pagination"]

    def faults(self, action, answer):
        """What of an answer its model does not know, or misses."""
        output = self.data["operations"][action].get("output")
        if output is None:
            return [f"unexpected {name}" for name in answer]
        return list(self.walk(self.data["shapes"][output["shape"]], answer, action))

    def walk(self, shape, value, at):
        kind = shape["type"]
        python = {"structure": dict, "map": dict, "list": list, "string": str, "boolean": bool, "blob": str}.get(kind, int)
        if not isinstance(value, python):
            yield f"{at} is {type(value).__name__}, not {kind}"
        elif kind == "structure":
            for name, member in value.items():
                if name not in shape["members"]:
                    yield f"{at}.{name} is not in the model"
                else:
                    yield from self.walk(self.data["shapes"][shape["members"][name]["shape"]], member, f"{at}.{name}")
            for name in shape.get("required", ()):
                # AWS leaves an empty list out, whatever its model says (recorded)
                if name not in value and name not in ("Successful", "Failed"):
                    yield f"{at}.{name} is missing"
        elif kind == "map":
            for key, member in value.items():
                yield from self.walk(self.data["shapes"][shape["value"]["shape"]], member, f"{at}[{key}]")
        elif kind == "list":
            for i, member in enumerate(value):
                yield from self.walk(self.data["shapes"][shape["member"]["shape"]], member, f"{at}[{i}]")


class Client:
    def __init__(self, port, protocol, key="guest", region="us-east-1"):
        self.port, self.protocol, self.key, self.region = port, protocol, key, region

    def signed(self, service, path, body, headers):
        if not self.key:
            return headers
        return signing.Signer(self.port, self.key, service=service, region=self.region).headers("POST", path, body, headers)

    def http(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, action, parameters, service="sqs", headers=(), path="/"):
        """An answer in the shape the recordings have."""
        if self.protocol == "json":
            return self.call_json(action, parameters, service, headers, path)
        return self.call_query(action, parameters, service, headers, path)

    def call_json(self, action, parameters, service, headers, path):
        headers = {**dict(headers), "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
        body = json.dumps(parameters).encode()
        status, got, body = self.http("POST", path, body, self.signed(service, path, body, headers))
        answer = json.loads(body) if body else {}
        if not got.get("x-amzn-RequestId"):
            raise AssertionError(f"{action}: no x-amzn-RequestId")
        if got.get("Content-Type") != "application/x-amz-json-1.0":
            raise AssertionError(f"{action}: Content-Type {got.get('Content-Type')}")
        if status >= 400:
            code, kind = got["x-amzn-query-error"].split(";")
            error = {
                "Code": code,
                "Type": kind,
                "Message": answer["message"],
                "QueryErrorCode": answer["__type"].split("#")[1],
            }
            answer = {"Error": error}
        answer["ResponseMetadata"] = {"HTTPHeaders": {}, "HTTPStatusCode": status}
        return answer

    def call_query(self, action, parameters, service, headers, path):
        version = "2010-03-31" if service == "sns" else "2012-11-05"
        pairs = sns_pairs(parameters) if service == "sns" else query_pairs(action, parameters)
        pairs = [("Action", action), ("Version", version), *pairs]
        headers = {**dict(headers), "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        body = urllib.parse.urlencode(pairs).encode()
        status, got, body = self.http("POST", path, body, self.signed(service, path, body, headers))
        if got.get("Content-Type") != "text/xml":
            raise AssertionError(f"{action}: Content-Type {got.get('Content-Type')}")
        answer = query_answer(action, status, got, body, version)
        answer["ResponseMetadata"] = {"HTTPHeaders": {}, "HTTPStatusCode": status}
        return answer


def query_pairs(action, parameters, prefix=""):
    for name, value in parameters.items():
        full = prefix + (ENTRY_NAMES[action] if name == "Entries" else QUERY_NAMES.get(name, name))
        if isinstance(value, dict):
            labels = ("Key", "Value") if name in ("tags", "Tags") else ("Name", "Value")
            for i, (key, member) in enumerate(value.items(), 1):
                yield f"{full}.{i}.{labels[0]}", key
                if isinstance(member, dict):
                    for part, text in member.items():
                        yield f"{full}.{i}.{labels[1]}.{part}", text
                else:
                    yield f"{full}.{i}.{labels[1]}", member
        elif isinstance(value, list):
            if not value:
                yield full, ""  # as botocore serialises an empty list
            for i, member in enumerate(value, 1):
                if isinstance(member, dict):
                    yield from query_pairs(action, member, f"{full}.{i}.")
                else:
                    yield f"{full}.{i}", member
        else:
            yield full, str(value).lower() if isinstance(value, bool) else str(value)


def sns_pairs(parameters, prefix=""):
    for name, value in parameters.items():
        if isinstance(value, dict) or (isinstance(value, list) and value):
            yield from sns_items(f"{prefix}{name}.{SNS_LISTS[name]}", name, value)
        elif isinstance(value, list):
            yield prefix + name, ""
        else:
            yield prefix + name, str(value).lower() if isinstance(value, bool) else str(value)


def sns_items(prefix, name, value):
    for i, item in enumerate(value, 1):
        if name == "Attributes":
            yield f"{prefix}.{i}.key", item
            yield f"{prefix}.{i}.value", value[item]
        elif name == "MessageAttributes":
            yield f"{prefix}.{i}.Name", item
            yield from ((f"{prefix}.{i}.Value.{part}", text) for part, text in value[item].items())
        elif isinstance(item, dict):
            yield from sns_pairs(item, f"{prefix}.{i}.")
        else:
            yield f"{prefix}.{i}", item


def sns_value(element, space):
    """Lists have members, maps entries."""
    out = {}
    for child in element:
        tag, items = child.tag[len(space) :], list(child)
        kinds = {each.tag[len(space) :] for each in items}
        if kinds == {"member"} or tag in ("Topics", "Subscriptions", "Tags", "Successful", "Failed"):
            out[tag] = [sns_value(each, space) for each in items]
        elif kinds == {"entry"}:
            out[tag] = {each.findtext(space + "key"): each.findtext(space + "value") or "" for each in items}
        elif items:
            out[tag] = sns_value(child, space)
        else:
            text = child.text or ""
            out[tag] = text == "true" if tag == "SenderFault" else text
    return out


def query_answer(action, status, headers, body, version):
    root = ElementTree.fromstring(body)
    name = "http://sns.amazonaws.com/doc/" if version == "2010-03-31" else "http://queue.amazonaws.com/doc/"
    space = f"{{{name}{version}/}}"
    if not root.tag.startswith(space):
        raise AssertionError(f"{action}: namespace of {root.tag}")
    request_id = next((e.text for e in root.iter(space + "RequestId")), None)
    if not request_id or request_id != headers.get("x-amzn-RequestId"):
        raise AssertionError(f"{action}: RequestId {request_id}, header {headers.get('x-amzn-RequestId')}")
    if status >= 400:
        error = root.find(space + "Error")
        # an empty element reads as null in the recordings
        return {"Error": {child.tag[len(space) :]: child.text for child in error}}
    if root.tag != f"{space}{action}Response":
        raise AssertionError(f"{action}: answered with {root.tag}")
    result = root.find(f"{space}{action}Result")
    if result is None:
        return {}
    return sns_value(result, space) if version == "2010-03-31" else element_value(action, result, space)


def element_value(action, element, space):
    out = {}
    for child in element:
        tag = child.tag[len(space) :]
        member, kind = ELEMENTS.get(tag, (tag, "plain"))
        if (tag == "QueueUrl" and action != "ListQueues") or (tag == "Message" and not len(child)):
            member, kind = tag, "plain"
        value = element_value(action, child, space) if len(child) else child.text or ""
        if kind == "list":
            out.setdefault(member, []).append(value)
        elif kind == "map":
            out.setdefault(member, {})[value["Key" if tag == "Tag" else "Name"]] = value["Value"]
        elif tag == "Topics":
            out[tag] = [element_value(action, each, space) for each in child]
        else:
            out[member] = {"true": True, "false": False}.get(value, value) if tag == "SenderFault" else value
    return out


def blob(data):
    return base64.b64encode(data).decode()
