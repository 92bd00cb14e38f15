# SPDX-License-Identifier: Apache-2.0
"""A Celery application (celery_shop.py), its workers processes of their own: retries,
a worker that is killed, groups and chords, remote control, events, limits."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from celery import chain, chord, group
from celery.exceptions import TimeLimitExceeded

import brokers
from celery_shop import application
from rig import expect, require, scenario, until

HERE = os.path.dirname(os.path.abspath(__file__))
RESULT_SECONDS = 40  # with the start of a worker


class Shop:
    """The application with queues and exchanges of its own, and its workers."""

    def __init__(self, ctx, queue_arguments=None, **settings):
        self.name = ctx.name("shop")
        self.ctx = ctx
        self.directory = tempfile.mkdtemp(prefix="mqb-celery-")
        ctx.at_end(lambda: shutil.rmtree(self.directory, ignore_errors=True))
        self.done = os.path.join(self.directory, "done")
        self.settings = {
            "broker_url": f"amqp://guest:guest@127.0.0.1:{ctx.port}//", "result_backend": "rpc://", "done": self.done,
            "queue_arguments": queue_arguments,
            "task_default_queue": self.name, "control_exchange": f"{self.name}.control", "event_exchange": f"{self.name}.event",
            "worker_hijack_root_logger": False, "broker_connection_retry_on_startup": True, **settings,
        }
        self.app = application(self.settings)
        self.workers = 0
        ctx.at_end(self.app.close)

    def task(self, name):
        return self.app.tasks[f"shop.{name}"]

    def worker(self, *arguments, pool="solo"):
        """A started process and the name of its worker."""
        self.workers += 1
        host = f"w{self.workers}@{self.name}"
        command = [sys.executable, os.path.join(HERE, "celery_shop.py"), json.dumps(self.settings), "-P", pool, "-c", "1", "-n", host]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            process = subprocess.Popen(
                [*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True,
                preexec_fn=brokers.die_with_parent,
            )

        def end():
            if process.poll() is None:
                os.killpg(process.pid, 9)
            process.wait()

        self.ctx.at_end(end)
        return process, host

    def noted(self, task):
        """(time, …) of each line of that task so far."""
        try:
            with open(self.done) as file:
                lines = [json.loads(line) for line in file if line.endswith("\n")]
        except OSError:
            return []
        return [(line[0], *line[2:]) for line in lines if line[1] == task]


def got(result):
    return result.get(timeout=RESULT_SECONDS)


def error_of(result):
    return result.get(timeout=RESULT_SECONDS, propagate=False)


@scenario()
def retries(ctx):
    """Retries with a countdown are new messages that the worker holds; the last one gives up"""
    shop = Shop(ctx)
    twice, never = shop.task("charge").delay(2), shop.task("charge").delay(3)
    shop.worker()
    expect(got(twice), 2)
    expect(repr(error_of(never)), "ValueError('no money')")
    expect(never.state, "FAILURE")
    for works_at in (2, 3):
        tries = [(when, number) for when, which, number in shop.noted("charge") if which == works_at]
        expect([number for _, number in tries], [0, 1, 2], f"tries of {works_at}")
        for (before, number), (after, _) in zip(tries, tries[1:]):
            require(after - before >= 0.3 * (1 + number), f"try {number + 1} came {after - before:.2f} s after the one before")


@scenario()
def killed_worker(ctx):
    """acks_late: what a killed worker had, done or only fetched, goes to the next one"""
    shop = Shop(ctx, worker_prefetch_multiplier=4)
    results = [shop.task("pack").delay(name, 60 if name == "a" else 0) for name in "abc"]
    process, _ = shop.worker()
    until(lambda: shop.noted("pack"), "the first worker begins", RESULT_SECONDS)
    process.kill()
    process.wait()
    shop.worker()
    expect(got(results[0]), ["a", True])
    expect([got(result)[0] for result in results[1:]], ["b", "c"])
    expect([note[1:] for note in shop.noted("pack") if note[1] == "a"], [("a", False), ("a", True)])


@scenario()
def groups_and_chains(ctx):
    """Results over rpc://: one reply queue for all of a group"""
    shop = Shop(ctx)
    add = shop.task("add")
    many = group(add.s(i, i) for i in range(20)).apply_async()
    line = chain(add.s(1, 2), add.s(10), add.s(100)).apply_async()
    later = add.apply_async((1, 1), countdown=0.5)
    shop.worker()
    expect(got(many), [2 * i for i in range(20)])
    expect(got(line), 113)
    expect(got(later), 2)


@scenario()
def chords(ctx):
    """rpc:// has none, so results in files; the task that waits for all is sent again and again"""
    directory = tempfile.mkdtemp(prefix="mqb-celery-")
    ctx.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
    shop = Shop(ctx, result_backend=f"file://{directory}", result_chord_retry_interval=0.2)
    add = shop.task("add")
    result = chord((add.s(i, i) for i in range(10)), shop.task("total").s()).apply_async()
    shop.worker()
    expect(got(result), 90)


@scenario()
def control_and_events(ctx):
    """inspect ping, queues, a consumer added and cancelled; events of a task; shutdown"""
    shop = Shop(ctx)
    seen = []
    connection = shop.app.connection_for_read()
    ctx.at_end(connection.close)
    receiver = shop.app.events.Receiver(connection, handlers={"*": seen.append})
    listening = threading.Event()
    receiver.on_consume_ready = lambda *_, **__: listening.set()

    def listen():
        try:
            receiver.capture(limit=None, timeout=None, wakeup=False)
        except (OSError, AttributeError):
            pass  # closed at the end of the scenario

    threading.Thread(target=listen, daemon=True).start()
    require(listening.wait(RESULT_SECONDS), "nobody listens to events")
    process, host = shop.worker("-E")
    inspect = shop.app.control.inspect(destination=[host], timeout=10, limit=1)
    begun = shop.app.control.inspect(destination=[host], timeout=1, limit=1)
    expect(until(begun.ping, "pong", RESULT_SECONDS), {host: {"ok": "pong"}})
    expect([queue["name"] for queue in inspect.active_queues()[host]], [shop.name])
    expect(got(shop.task("add").delay(1, 2)), 3)
    other = f"{shop.name}.other"
    add_consumer = {"destination": [host], "reply": True, "timeout": 10, "limit": 1}
    shop.app.control.add_consumer(other, **add_consumer)
    expect(got(shop.task("add").apply_async((3, 4), queue=other)), 7)
    shop.app.control.cancel_consumer(other, **add_consumer)
    # The worker answers first and cancels then.
    until(lambda: [queue["name"] for queue in inspect.active_queues()[host]] == [shop.name], "one queue", RESULT_SECONDS)
    shop.app.control.shutdown(destination=[host])
    expect(process.wait(RESULT_SECONDS), 0, "exit code of the worker")
    until(lambda: any(event["type"] == "worker-offline" for event in seen), "the worker's last event")
    kinds = [event["type"] for event in seen if event["type"] != "worker-heartbeat"]
    task = ["task-received", "task-started", "task-succeeded"]
    expect(kinds, ["worker-online", *task, *task, "worker-offline"])


@scenario()
def limits(ctx):
    """A queue's length, `expires` of a task, soft and hard limits of its time"""
    shop = Shop(ctx, queue_arguments={"x-max-length": 3, "x-message-ttl": 60000})
    pack, think = shop.task("pack"), shop.task("think")
    for name in ("first", "second"):
        pack.delay(name, 0)
    pack.apply_async(("late", 0), expires=0.05)  # Celery makes it the message's expiration too
    soft = think.apply_async((60,), soft_time_limit=1)
    hard = think.apply_async((60,), time_limit=1)
    with shop.app.connection_for_read() as connection:
        declare = connection.default_channel.queue_declare
        until(lambda: declare(shop.name, passive=True).message_count == 2, "a queue of two")
    shop.worker(pool="prefork")
    expect(got(soft), "gave up")
    expect(type(error_of(hard)), TimeLimitExceeded)
    expect(shop.noted("pack"), [])


@scenario()
def native_delays(ctx):
    """Quorum queues: countdowns go through 28 bound topic exchanges, a queue of each for a bit of the time"""
    shop = Shop(ctx, queue_arguments={"x-queue-type": "quorum"})
    pack = shop.task("pack")
    process, host = shop.worker()
    ping = shop.app.control.inspect(destination=[host], timeout=1, limit=1).ping
    until(ping, "pong", RESULT_SECONDS)  # it has declared all of them
    began = time.time()
    delays = {"three": 3, "one": 1, "two": 2, "now": None}
    results = [pack.apply_async((name, 0), countdown=delay) for name, delay in delays.items()]
    expect([got(result) for result in results], [[name, False] for name in delays])
    expect([name for _, name, _ in shop.noted("pack")], ["now", "one", "two", "three"])
    for when, name, _ in shop.noted("pack"):
        require(when - began >= (delays[name] or 0) - 0.01, f"{name} came after {when - began:.2f} s")
    again = pack.apply_async(("killed", 60))
    until(lambda: len(shop.noted("pack")) == 5, "the worker has it")
    process.kill()
    process.wait()
    shop.worker()
    expect(got(again), ["killed", True])
