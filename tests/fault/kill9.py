#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load, again and again on one data directory, with an audit.

usage: kill9.py [--binary PATH] [--rounds N] [--seed N] [--keep]

Each round: AMQP publishers with confirms (direct, fanout to three queues, topic),
SQS senders, consumers of both protocols that settle a part of what they get; a
SIGKILL at a random moment; a restart; every queue drained over one of the
protocols; the audit of kill9_audit.py. At the end an orderly stop and a look that
nothing comes back. One line a round: ok or FAIL. Exit code 0 only without a FAIL.

A seed gives the same choices again, not the same timing."""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "clients")]

import brokers  # noqa: E402

JOIN_SECONDS = 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--binary", "--mqbridge", default=os.path.join(ROOT, "build", "asan", "mqbridge"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the data directory")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the daemon")
    return parser.parse_args()


def with_pika():
    """Runs this file again with a Python that has pika, if this one has not."""
    try:
        import pika  # noqa: F401
        return True
    except ImportError:
        pass
    for python in ("/usr/bin/python3", os.path.join(ROOT, "build", "venv", "bin", "python")):
        if os.access(python, os.X_OK) and os.path.realpath(python) != os.path.realpath(sys.executable):
            if subprocess.run([python, "-c", "import pika"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                os.execv(python, [python, *sys.argv])
    return False


def stays_up(daemon, seconds):
    """False when the daemon ended by itself meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not daemon.running():
            return False
        time.sleep(0.005)
    return True


def one_round(daemon, number, options):
    """The verdict; the daemon runs again afterwards, on the same data."""
    import kill9_audit
    import kill9_load

    load = kill9_load.Load(daemon, number, options.seed)
    load.start()
    # Often at full load, sometimes when it has hardly begun.
    dice = random.Random(f"{options.seed} moment {number}")
    alive = stays_up(daemon, dice.choice((0.05, 0.4, 0.8, 1.2, 1.6)) * dice.uniform(0.7, 1.3))
    load.killed.set()
    code = None if alive else daemon.process.poll()
    daemon.kill()
    stuck = load.join(JOIN_SECONDS)
    daemon.start()
    verdict = kill9_audit.audit(load, kill9_audit.drain(daemon))
    if not alive:
        verdict.wrong.append(f"the daemon ended by itself with {code}: {brokers.tail(daemon.log)}")
    if stuck:
        verdict.wrong.append(f"clients that did not notice: {stuck}")
    verdict.numbers["start_ms"] = round(daemon.start_seconds * 1000)
    return verdict


def say(word, name, text):
    print(f"{word} {name}: {' '.join(text.split())}", flush=True)


def last_look(daemon):
    """An orderly stop and start; the drained queues are still empty."""
    import kill9_audit

    daemon.stop()
    daemon.start()
    left = {queue: d.messages for queue, d in kill9_audit.drain(daemon).items() if d.messages or d.wrong}
    daemon.stop()
    if left:
        raise brokers.BrokerFailed(f"came back after an orderly restart: {str(left)[:500]}")


def run(daemon, options):
    """Whether all rounds were well."""
    import kill9_load

    kill9_load.define(daemon)
    totals, starts = {}, []
    for number in range(1, options.rounds + 1):
        name = f"kill9 round {number}"
        verdict = one_round(daemon, number, options)
        text = " ".join(f"{key}={value}" for key, value in verdict.numbers.items())
        if verdict.wrong:
            say("FAIL", name, f"{'; '.join(verdict.wrong)} [{text}, seed {options.seed}]")
            return False
        say("ok", name, text)
        starts.append(verdict.numbers.pop("start_ms"))
        for key, value in verdict.numbers.items():
            totals[key] = totals.get(key, 0) + value
    last_look(daemon)
    say("ok", "kill9 last look", "nothing came back after an orderly restart")
    text = " ".join(f"{key}={value}" for key, value in totals.items())
    print(f"{options.rounds} rounds: {text}; start {min(starts)} to {max(starts)} ms", file=sys.stderr)
    return True


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not with_pika():
        print("skip kill9: no Python with pika")
        return 0
    if not os.access(options.binary, os.X_OK):
        say("FAIL", "kill9", f"no {options.binary}")
        return 1
    daemon = brokers.Mqbridge(os.path.abspath(options.binary), settings=options.set)
    well = False
    try:
        daemon.start()
        well = run(daemon, options)
    except brokers.BrokerFailed as failure:
        say("FAIL", "kill9", str(failure))
    except Exception as error:  # a queue that is not there, an answer that does not come
        traceback.print_exc()
        say("FAIL", "kill9", repr(error))
    finally:
        daemon.kill()
        if well and not options.keep:
            daemon.remove()
        else:
            print(f"kept: {daemon.directory}", file=sys.stderr)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
