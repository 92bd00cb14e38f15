# SPDX-License-Identifier: Apache-2.0
"""rabbitmq-c's amqp-consume: it runs a command a message and settles by its exit code."""

import os
import subprocess
import tempfile

from rig import expect, require, scenario, until
from tools_queue import command, queue, tool

SECONDS_MAX = 40


def consume(ctx, *arguments, code=0):
    """What the commands printed."""
    return tool(ctx, "consume", *arguments, code=code)


class Running:
    """An amqp-consume that goes on; each message's body becomes a line of a file."""

    def __init__(self, ctx, *arguments):
        self.directory = tempfile.TemporaryDirectory(prefix="mqb-tools-")
        ctx.at_end(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "seen")
        script = f'cat >>"{self.path}"; echo >>"{self.path}"'
        self.process = subprocess.Popen(
            command(ctx, "consume", *arguments, "--", "sh", "-c", script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        ctx.at_end(self.end)

    def seen(self):
        try:
            with open(self.path) as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.process.communicate(timeout=SECONDS_MAX)


@scenario()
def acknowledged(ctx):
    """-c N: so many, in order, acknowledged; the rest stays"""
    name = queue(ctx)
    tool(ctx, "publish", "-r", name, "-l", body=b"a\nb\nc\nd\ne\n")
    expect(consume(ctx, "-q", name, "-c", "3", "cat").split(), [b"a", b"b", b"c"])
    expect([tool(ctx, "get", "-q", name).strip() for _ in range(2)], [b"d", b"e"])
    expect(tool(ctx, "delete-queue", "-q", name), b"0\n")


@scenario()
def failing_command(ctx):
    """A command that fails: its message is not settled, and there again when amqp-consume has gone"""
    name = queue(ctx)
    tool(ctx, "publish", "-r", name, "-b", "m")
    consume(ctx, "-q", name, "-c", "1", "--", "sh", "-c", "cat >/dev/null; exit 1")
    until(lambda: taken(ctx, name) == b"m", "the message is there again")
    expect(tool(ctx, "delete-queue", "-q", name), b"0\n")


def taken(ctx, name):
    """One message, or None."""
    done = subprocess.run(command(ctx, "get", "-q", name), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_MAX, check=False)
    return None if done.returncode else done.stdout


@scenario()
def no_ack(ctx):
    """-A: all that is ready goes out at once and is gone"""
    name = queue(ctx)
    tool(ctx, "publish", "-r", name, "-l", body=b"1\n2\n3\n")
    expect(consume(ctx, "-q", name, "-A", "-c", "3", "cat").split(), [b"1", b"2", b"3"])
    expect(tool(ctx, "delete-queue", "-q", name), b"0\n")


@scenario()
def prefetch(ctx):
    """-p 1: one is out while its command runs, the others are ready for somebody else"""
    name = queue(ctx)
    tool(ctx, "publish", "-r", name, "-l", body=b"1\n2\n3\n")
    with tempfile.TemporaryDirectory(prefix="mqb-tools-") as directory:
        flag = os.path.join(directory, "flag")
        started = os.path.join(directory, "started")
        script = f'cat; touch "{started}"; while [ ! -e "{flag}" ]; do sleep 0.05; done'
        process = subprocess.Popen(
            command(ctx, "consume", "-q", name, "-p", "1", "-c", "1", "--", "sh", "-c", script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        ctx.at_end(lambda: process.poll() is None and process.kill())
        until(lambda: os.path.exists(started), "the first message")
        expect([tool(ctx, "get", "-q", name).strip() for _ in range(2)], [b"2", b"3"])
        with open(flag, "w"):
            pass
        out, _ = process.communicate(timeout=SECONDS_MAX)
    expect((out.strip(), process.returncode), (b"1", 0))


@scenario()
def bound_to_an_exchange(ctx):
    """-e -r: a server-named exclusive queue bound to amq.topic; goes with the consumer"""
    key = ctx.name("key")
    running = Running(ctx, "-e", "amq.topic", "-r", f"{key}.#", "-x", "-A")

    def arrives():
        tool(ctx, "publish", "-e", "amq.topic", "-r", f"{key}.a.b", "-b", "m")
        return "m" in running.seen()

    until(arrives, "a message through the exchange")
    require(running.process.poll() is None, "amqp-consume ended")


@scenario()
def waits_when_its_queue_goes(ctx):
    """It does not announce consumer_cancel_notify: nothing comes, it waits on (4.13)"""
    name = queue(ctx)
    running = Running(ctx, "-q", name)
    tool(ctx, "publish", "-r", name, "-b", "m")
    until(lambda: running.seen() == ["m"], "the message")
    tool(ctx, "delete-queue", "-q", name)
    queue_again = queue(ctx)
    tool(ctx, "publish", "-r", queue_again, "-b", "other")
    expect(tool(ctx, "get", "-q", queue_again), b"other")
    expect((running.process.poll(), running.seen()), (None, ["m"]))


@scenario()
def heartbeats(ctx):
    """--heartbeat=1: idle for several intervals, then a message"""
    name = queue(ctx)
    running = Running(ctx, "-q", name, "--heartbeat=1")
    require(not until_ended(running, 4), "amqp-consume ended while idle")
    tool(ctx, "publish", "-r", name, "-b", "m")
    until(lambda: running.seen() == ["m"], "the message")


def until_ended(running, seconds):
    try:
        running.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@scenario()
def missing_queue(ctx):
    """It tells why it ends"""
    name = ctx.name()
    said = consume(ctx, "-q", name, "cat", code=1)
    require(f"server channel error 404, message: NOT_FOUND - no queue '{name}' in vhost '/'" in said, said)
