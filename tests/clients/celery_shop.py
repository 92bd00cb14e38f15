# SPDX-License-Identifier: Apache-2.0
"""A small Celery application; app_celery.py runs it.

usage: celery_shop.py SETTINGS-JSON [ARGUMENT…]     its worker

What a task did is a line in the file `done` of the settings, because a task that was
killed has no result."""

import json
import sys
import time

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu import Exchange, Queue


def application(settings):
    """Of these settings of Celery, with `done` and the `queue_arguments` of its queue.
    Its tasks are not shared: a test has several applications in one process."""
    settings = dict(settings)
    done, arguments = settings.pop("done"), settings.pop("queue_arguments")
    name = settings["task_default_queue"]
    app = Celery("shop", set_as_current=False)
    kind = "topic" if arguments and "x-queue-type" in arguments else "direct"  # Celery's delays need a topic
    app.conf.update(settings, task_queues=[Queue(name, Exchange(name, kind), routing_key=name, queue_arguments=arguments)])

    def note(*words):
        with open(done, "a") as file:
            file.write(json.dumps([time.time(), *words]) + "\n")

    @app.task(shared=False, name="shop.add")
    def add(left, right):
        return left + right

    @app.task(shared=False, name="shop.total")
    def total(numbers):
        return sum(numbers)

    @app.task(shared=False, name="shop.charge", bind=True, max_retries=2)
    def charge(self, works_at):
        """Fails before its try number `works_at`; later each time."""
        note("charge", works_at, self.request.retries)
        if self.request.retries < works_at:
            raise self.retry(exc=ValueError("no money"), countdown=0.3 * (1 + self.request.retries))
        return self.request.retries

    @app.task(shared=False, name="shop.pack", bind=True, acks_late=True)
    def pack(self, name, seconds):
        """Settled when it is done; takes its time at its first delivery only."""
        again = self.request.delivery_info["redelivered"]
        note("pack", name, again)
        if not again:
            time.sleep(seconds)
        return [name, again]

    @app.task(shared=False, name="shop.think")
    def think(seconds):
        try:
            time.sleep(seconds)
        except SoftTimeLimitExceeded:
            return "gave up"
        return "thought"

    return app


if __name__ == "__main__":
    application(json.loads(sys.argv[1])).worker_main(["worker", "--loglevel", "WARNING", *sys.argv[2:]])
