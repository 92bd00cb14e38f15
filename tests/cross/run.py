#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Publish over one protocol, consume over the other: every row of
docs/cross-protocol.md between AMQP 0-9-1, SQS and SNS, with pika and both AWS protocols.

    tests/cross/run.py --binary build/asan/mqbridge [--only NAME]

One line a case: ok|FAIL|skip name."""

import argparse
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(TESTS, "golden"), os.path.join(TESTS, "clients")]


def run(daemon, only):
    import rig
    import rows
    import sns_rows  # noqa: F401

    failed = 0
    for function, protocols in rows.ROWS:
        for protocol in protocols:
            name = f"cross {function.__name__} ({protocol})"
            if only and only not in name:
                continue
            try:
                session = rig.Rig(daemon)
                try:
                    function(session, protocol)
                finally:
                    session.close()
                print(f"ok {name}", flush=True)
            except Exception as e:  # whatever it is, it is this case's failure
                failed += 1
                where = traceback.extract_tb(e.__traceback__)[-2:]
                print(f"FAIL {name}: {type(e).__name__}: {e} at line {where[0].lineno}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", help="cases whose name contains this")
    arguments = parser.parse_args()
    try:
        import pika  # noqa: F401
    except ImportError:
        print("skip cross: no pika for this Python")
        return 0
    import brokers

    daemon = brokers.Mqbridge(os.path.abspath(arguments.binary)).start()
    try:
        failed = run(daemon, arguments.only)
    finally:
        daemon.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
