#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios with the clients of the Python that runs this file; run.py starts it.

usage: suite.py ENDPOINT-JSON LABEL JOBS [NAME-PART…]

One line a scenario: `ok NAME [LABEL]`, `FAIL NAME [LABEL]: why`, `skip NAME [LABEL]: why`.
A name part selects the scenarios whose name holds it. Exit code 1 with a FAIL."""

import concurrent.futures
import importlib
import json
import os
import shutil
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

import rig  # noqa: E402

# The slow ones first: they wait while the others work.
TOPICS = (
    "amqp_connection", "durable", "amqp_large", "amqp_access", "amqp_async", "sqs_time", "aws_cli", "readme", "crossing",
    "amqp_define", "amqp_equivalence", "amqp_route", "amqp_publish", "amqp_content", "amqp_consume", "amqp_settle",
    "amqp_tx", "amqp_errors", "amqp_headers", "amqp_alternate", "amqp_copies", "amqp_reply", "amqp_one_of", "amqp_dead", "amqp_ttl", "amqp_limits", "amqp_sac", "amqp_later", "sqs_basic", "sqs_attributes", "sqs_batch", "sqs_errors",
    "sqs_redrive", "sns_topics", "sns_subscriptions",
)
# Those of a client that need not be there: what it is called, its topics.
MORE_TOPICS = {
    "amqp": ("py-amqp", ("pyamqp_recovery", "pyamqp_basic", "pyamqp_errors")),
    "kombu": ("kombu", ("kombu_recovery", "kombu_simple", "kombu_celery")),
    "celery": ("Celery", ("app_celery",)),
    "tools": ("rabbitmq-c's tools", ("tools_queue", "tools_consume")),
}
SECONDS_MAX = 60


def client_versions(endpoint):
    """Their versions; None for what this Python lacks."""
    out = {}
    for module in ("pika", "boto3", "amqp", "kombu", "celery"):
        try:
            out[module] = importlib.import_module(module).__version__
        except ImportError:
            out[module] = None
    # Not Python's: one suite of a run has them.
    if endpoint.get("tools"):
        out["tools"] = shutil.which("amqp-consume")
    return out


def load(versions, label):
    topics = list(TOPICS)
    for client, (called, more) in MORE_TOPICS.items():
        if versions.get(client):
            topics[:0] = more
        elif client in versions:
            print(f"skip {called} [{label}]: not installed", flush=True)
    for topic in topics:
        if os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), topic + ".py")):
            importlib.import_module(topic)


def skip_reason(needs, endpoint, versions):
    if "mqbridge" in needs and endpoint["broker"] != "mqbridge":
        return "mqbridge only"
    if "later" in needs and endpoint["broker"] == "mqbridge":
        return "not built yet (docs/compatibility.md); amqp_later has what is answered"
    if "amqp" in needs and versions["pika"] is None:
        return "no pika"
    if "aws" in needs and versions["boto3"] is None:
        return "no boto3"
    return None


def why(error):
    """One line; for an error in a scenario's own code with the place."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, AssertionError):
        return text
    here = [f for f in traceback.extract_tb(error.__traceback__) if os.path.dirname(f.filename) == sys.path[0]]
    place = f" at {os.path.basename(here[-1].filename)}:{here[-1].lineno}" if here else ""
    return f"{type(error).__name__}: {text}{place}"


class Runner:
    def __init__(self, endpoint, label, versions):
        self.shared = rig.Shared(endpoint)
        self.label = label
        self.versions = versions
        self.lock = threading.Lock()
        self.failed = 0
        self.running = {}

    def say(self, word, name, reason=None, began=None):
        with self.lock:
            self.running.pop(name, None)
            self.failed += word == "FAIL"
            took = f" ({time.monotonic() - began:.1f} s)" if began else ""
            print(f"{word} {name} [{self.label}]{': ' + reason if reason else ''}{took if word == 'ok' else ''}", flush=True)

    def run(self, name, needs, function):
        reason = skip_reason(needs, self.shared.endpoint, self.versions)
        if reason:
            self.say("skip", name, reason)
            return
        context = rig.Context(self.shared)
        began = time.monotonic()
        with self.lock:
            self.running[name] = began
        try:
            function(context)
        except rig.Skip as skip:
            self.say("skip", name, str(skip))
        except Exception as error:
            self.say("FAIL", name, why(error))
            if os.environ.get("MQB_TRACE"):
                traceback.print_exc()
        else:
            self.say("ok", name, began=began)
        finally:
            context.close()

    def watch(self):
        """A scenario that hangs ends the whole suite, with its name."""
        while True:
            time.sleep(1)
            with self.lock:
                stuck = [n for n, began in self.running.items() if time.monotonic() - began > SECONDS_MAX]
            for name in stuck:
                self.say("FAIL", name, f"hangs for more than {SECONDS_MAX} s")
            if stuck:
                os._exit(1)


def main():
    endpoint, label, jobs, parts = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    versions = client_versions(endpoint)
    load(versions, label)
    runner = Runner(endpoint, label, versions)
    chosen = [s for s in rig.SCENARIOS if not parts or any(part in s[0] for part in parts)]
    threading.Thread(target=runner.watch, daemon=True).start()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(runner.run, *s) for s in chosen]:
            future.result()
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
