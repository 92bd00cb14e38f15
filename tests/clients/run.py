#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stock clients, unchanged, against mqbridge or against a real RabbitMQ.

usage: run.py [--binary PATH] [--peer rabbitmq] [--python PATH]… [--client NAME]… [--only PART]… [--jobs N] [--keep]

Starts the daemon (build/asan/mqbridge unless told otherwise) in a temporary
directory on free ports and runs every scenario with each Python that has clients:
Debian's own (python3-pika, python3-boto3: SQS over Query) and that of build/venv
(current pika and boto3: SQS over JSON), or those given; then the runners of other
languages (external.py). With --peer rabbitmq the AMQP scenarios run against the
installed rabbitmq-server instead, which proves that the expectations are RabbitMQ's.

One line a scenario: ok, FAIL or skip with its name and reason. Exit code 0 only
without a FAIL."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import brokers  # noqa: E402
import external  # noqa: E402

SUITE_SECONDS_MAX = 600


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--binary", "--mqbridge", default=os.path.join(ROOT, "build", "asan", "mqbridge"))
    parser.add_argument("--peer", choices=["rabbitmq"])
    parser.add_argument("--python", action="append", default=[], help="may be repeated")
    parser.add_argument("--client", action="append", default=[], choices=["debian", "current", *external.RUNNERS],
                        help="only these; may be repeated")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="scenarios whose name holds it")
    parser.add_argument("--jobs", type=int, default=8, help="scenarios at once")
    parser.add_argument("--keep", action="store_true", help="keep the broker's directory")
    return parser.parse_args()


def has_module(python, module):
    done = subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def pythons(given, clients, peer):
    """(label, path) of each that has a client; a `skip` line for each that has none."""
    standard = [("debian", "/usr/bin/python3"), ("current", os.path.join(ROOT, "build", "venv", "bin", "python"))]
    wanted = [(os.path.basename(os.path.dirname(os.path.dirname(p))) or p, p) for p in given] or standard
    wanted = [(label, path) for label, path in wanted if not clients or label in clients]
    out = []
    for label, path in wanted:
        if not os.access(path, os.X_OK):
            print(f"skip clients [{label}]: no {path}")
        elif not has_module(path, "pika") and (peer or not has_module(path, "boto3")):
            print(f"skip clients [{label}]: {path} has neither pika nor boto3")
        else:
            out.append((label, path))
    return out


def broker_of(options):
    """Started, with the users that the scenarios know."""
    if options.peer:
        broker = brokers.RabbitMQ()
    else:
        broker = brokers.Mqbridge(os.path.abspath(options.binary))
    try:
        broker.start()
        broker.add_user("limited", "limited", ("^limited", "^limited", "^limited"))
        broker.add_user("nowhere", "nowhere", None)
    except BaseException:
        broker.end(options.keep)
        raise
    return broker


def run_suite(label, python, endpoint, options):
    """Its output goes through; whether it went well."""
    command = [python, os.path.join(HERE, "suite.py"), json.dumps(endpoint), label, str(options.jobs), *options.only]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:
        try:
            code = child.wait(SUITE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            print(f"FAIL clients [{label}]: not done within {SUITE_SECONDS_MAX} s")
            return False
        except BaseException:
            child.kill()
            raise
    if code not in (0, 1):
        print(f"FAIL clients [{label}]: the suite ended with {code}")
    return code == 0


def stop_well(broker, keep):
    """An orderly end belongs to the expectations: exit code 0, nothing from a sanitizer."""
    alive = broker.running()
    try:
        if not alive:
            raise brokers.BrokerFailed(f"it died: exit code {broker.process.poll()}")
        broker.end(keep)
    except brokers.BrokerFailed as failure:
        print(f"FAIL broker_stops: {' '.join(str(failure).split())}")
        if not alive:
            print(brokers.tail(broker.log, 80), file=sys.stderr)
        broker.end(keep=True)
        print(f"its directory is kept: {broker.directory}", file=sys.stderr)
        return False
    print("ok broker_stops")
    return True


def python_suites(options):
    """One broker for all of them; whether all went well."""
    chosen = pythons(options.python, options.client, options.peer)
    if not chosen:
        return True
    broker = None
    try:
        broker = broker_of(options)
        endpoint = {**broker.endpoint(), "binary": os.path.abspath(options.binary)}
        well = True
        for i, (label, python) in enumerate(chosen):
            well &= run_suite(label, python, {**endpoint, "tools": i == 0}, options)
    except brokers.BrokerFailed as failure:
        print(f"FAIL broker_starts: {' '.join(str(failure).split())}")
        return False
    except BaseException:
        if broker:
            broker.kill()
            broker.end(options.keep)
        raise
    return stop_well(broker, options.keep) and well


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.stdout.reconfigure(line_buffering=True)
    if options.peer and not brokers.RabbitMQ.installed():
        print("skip clients: rabbitmq-server is not installed")
        return 0
    if not options.peer and not os.access(options.binary, os.X_OK):
        print(f"FAIL clients: no {options.binary}")
        return 1
    began = time.monotonic()
    well = python_suites(options)
    if not options.python or options.client:
        names = [name for name in external.RUNNERS if not options.client or name in options.client]
        well &= external.run(names, os.path.abspath(options.binary), options.peer, options.only, options.keep)
    print(f"{time.monotonic() - began:.0f} s against {options.peer or 'mqbridge'}", file=sys.stderr)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
