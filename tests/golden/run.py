#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays recorded answers of real AWS against the daemon, and checks our answers
against the service models, over AWS JSON and Query.

    tests/golden/run.py --binary build/asan/mqbridge

The recordings lie outside the repository: in the folder MQBRIDGE_GOLDEN names,
else in shared/golden beside the repository; without them everything is skipped.
One line a case: ok|FAIL|skip name."""

import argparse
import copy
import json
import os
import re
import sys
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "clients")]

import brokers  # noqa: E402
import compare  # noqa: E402
import models  # noqa: E402
import wire  # noqa: E402

BUILT = {
    "CreateQueue",
    "GetQueueUrl",
    "ListQueues",
    "ListDeadLetterSourceQueues",
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteQueue",
    "PurgeQueue",
    "GetQueueAttributes",
    "SetQueueAttributes",
    "ListQueueTags",
    "TagQueue",
    "UntagQueue",
    "AddPermission",
    "RemovePermission",
}
BUILT_SNS = {
    "CreateTopic",
    "DeleteTopic",
    "ListTopics",
    "GetTopicAttributes",
    "SetTopicAttributes",
    "Subscribe",
    "ConfirmSubscription",
    "Unsubscribe",
    "ListSubscriptions",
    "ListSubscriptionsByTopic",
    "GetSubscriptionAttributes",
    "SetSubscriptionAttributes",
    "Publish",
    "PublishBatch",
    "ListTagsForResource",
    "TagResource",
    "UntagResource",
    "AddPermission",
    "RemovePermission",
    "GetDataProtectionPolicy",
    "PutDataProtectionPolicy",
}
# What the list of calls of a case does not have.
NOT_REPLAYED = {
    "test_publish_by_path_parameters": "one of its calls was plain HTTP",
}
RECORDINGS = ("localstack_test_sqs.json", "localstack_test_sqs_move_task.json", "localstack_test_sns.json",
              "localstack_test_sns_filter_policy.json")


class Report:
    def __init__(self):
        self.failed = 0

    def line(self, verdict, name, why=""):
        self.failed += verdict == "FAIL"
        print(f"{verdict} {name}{': ' + why if why else ''}", flush=True)


def pending(case):
    """Why a case cannot be replayed; None: it can."""
    steps = case["steps"]
    calls = [s["call"] for s in steps or [] if "call" in s]
    if not calls or not case["steps_complete"]:
        return "the list of its calls is not complete"
    later = sorted({c for c in calls if c.split(".")[-1] not in (BUILT if c.startswith("sqs") else BUILT_SNS)})
    if later:
        return f"pending {', '.join(later)}"
    if case["test"].split("::")[-1] in NOT_REPLAYED:
        return NOT_REPLAYED[case["test"].split("::")[-1]]
    refused = {s["params"].get("Protocol") for s in steps if s.get("call") == "sns.Subscribe" and "peer_error" not in s}
    if refused - {"sqs"}:
        return f"pending protocol {', '.join(sorted(refused - {'sqs'}))}"
    topics = [s["params"].get("Attributes", {}) for s in steps if s.get("call") == "sns.CreateTopic" and "peer_error" not in s]
    if any(str(attributes.get("FifoTopic")).lower() == "true" for attributes in topics):
        return "pending FIFO topics"
    made = [s["params"].get("Attributes", {}) for s in steps if s.get("call", "").endswith(".CreateQueue")]
    if any(str(attributes.get("FifoQueue")).lower() == "true" for attributes in made):
        return "pending FIFO queues"
    return None


def path_value(value, path):
    """#n.A.B[0] behind the first dot."""
    for name, index in re.findall(r"([A-Za-z-]+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(index)]
    return value


def resolve(value, answers, renames):
    """The value a recorded parameter stands for."""
    if isinstance(value, dict):
        if "$ref" in value:
            number, path = value["$ref"][1:].split(".", 1)
            return path_value(answers[int(number)], path)
        if "$repeat" in value:
            return value["$repeat"][0] * value["$repeat"][1]
        if "$base64" in value:
            return value["$base64"]
        return {k: resolve(v, answers, renames) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, answers, renames) for v in value]
    for old, new in renames.items():
        if isinstance(value, str):
            value = value.replace(old, new)  # a name, a URL, an ARN inside a policy
    return value


def candidates(expected, answers):
    """Our answers that a snapshot may be of: the newest first, whole, its first message, or the last messages."""
    if isinstance(expected, str):
        yield from (answer.get("Attributes", {}).get("QueueArn") for answer in reversed(answers))
        return
    gathered = [m for answer in answers for m in answer.get("Messages", [])]
    if isinstance(expected, list):
        newest = copy.deepcopy(sorted(gathered[-len(expected):], key=lambda m: m["Body"]))
        for message in newest:
            message.get("Attributes", {}).pop("SenderId", None)  # these recordings left it out
        yield newest
        return
    for answer in reversed(answers):
        if "ResponseMetadata" in expected:
            yield answer
        elif answer.get("Messages"):
            yield answer["Messages"][0]
        elif "Policy" in answer.get("Attributes", {}):
            yield answer["Attributes"]["Policy"]
    if "Messages" in expected:
        yield {"Messages": gathered}
        yield {"Messages": sorted(gathered, key=lambda m: m["Body"])}


def matches(expected, answers, names):
    """The differences from the nearest answer; none: it is as recorded."""
    nearest = ["there is no answer to compare"]
    for i, got in enumerate(candidates(expected, answers)):
        trial = copy.deepcopy(names)
        found = list(compare.differences(expected, got, trial))
        if not found:
            names.bound = trial.bound
            return []
        if i == 0:
            nearest = found
    return nearest


def hidden_headers(case):
    """The recorded client of one test put this into the HTTP header of SendMessage."""
    for snapshot in case["snapshot"].values():
        trace = snapshot.get("Attributes", {}).get("AWSTraceHeader") if isinstance(snapshot, dict) else None
        if trace:
            return {"X-Amzn-Trace-Id": trace}
    return {}


def replay(case, clients, models_of):
    """The first difference of a case, or None."""
    answers, since, names = {}, [], compare.Placeholders()
    renames = {
        s["params"][name]: f"q-{uuid.uuid4().hex[:12]}"
        for s in case["steps"] for name in ("QueueName", "Name") if name in s.get("params", {})
    }
    for step in case["steps"]:
        if "call" in step:
            action = step["call"].split(".")[-1]
            service = step["call"].split(".")[0].split("-")[0]
            headers = hidden_headers(case) if action in ("SendMessage", "Publish") else {}
            client = clients["json" if step["call"].startswith("sqs.") else "query"]
            answer = client.call(action, resolve(step["params"], answers, renames), service=service, headers=headers)
            answers[step["n"]] = answer
            since.append(answer)
            plain = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
            faults = [] if "Error" in plain else models_of[service].faults(action, plain)
            if faults:
                return f"call {step['n']}: {faults[0]}"
            if "Error" in plain and "peer_error" not in step:
                return f"call {step['n']} {action}: {plain['Error']}"
        else:
            found = matches(case["snapshot"][step["snapshot_match"]], since, names)
            if found:
                return f"{step['snapshot_match']}: {'; '.join(found[:4])}"
            since = []
    return None


def recordings(golden, clients, models_of, report):
    for file in RECORDINGS:
        with open(os.path.join(golden, "aws-answers", file)) as text:
            cases = json.load(text)
        for case in cases:
            short = f"{file.removesuffix('.json').removeprefix('localstack_')} {case['test'].split('::')[-1]}"
            why = pending(case)
            if why:
                report.line("skip", short, why)
                continue
            try:
                found = replay(case, clients, models_of)
            except Exception as e:  # an answer that cannot even be read is a failure of its case
                found = f"{type(e).__name__}: {e}"
            report.line("FAIL" if found else "ok", short, found or "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    binary = os.path.abspath(parser.parse_args().binary)
    golden = os.environ.get("MQBRIDGE_GOLDEN") or os.path.join(ROOT, "..", "shared", "golden")
    report = Report()
    if not os.path.isdir(os.path.join(golden, "aws-answers")):
        report.line("skip", "golden", "no recordings here (MQBRIDGE_GOLDEN names their folder)")
        return 0

    daemon = brokers.Mqbridge(binary).start()
    try:
        sqs, sns = wire.Model(golden, "sqs"), wire.Model(golden, "sns")
        clients = {protocol: wire.Client(daemon.aws, protocol) for protocol in ("json", "query")}
        recordings(golden, clients, {"sqs": sqs, "sns": sns}, report)
        models.run(clients, sqs, sns, report)
    finally:
        daemon.end()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
