# SPDX-License-Identifier: Apache-2.0
"""kombu: the broker goes and comes again on the same port and data."""

import threading

import kombu
from kombu.mixins import ConsumerMixin

import durable
from kombu_simple import connect
from rig import DEADLINE, expect, scenario, until


@scenario()
def worker_and_producer(ctx):
    """A ConsumerMixin resumes by itself; ensure() publishes when the broker is there again"""
    broker, own = durable.own_broker(ctx)
    exchange = kombu.Exchange("x", type="topic", durable=True)
    queue = kombu.Queue("kept", exchange, routing_key="a.#", durable=True)
    seen = []

    class Worker(ConsumerMixin):
        connect_max_retries = None

        def __init__(self):
            self.connection = connect(own)

        def get_consumers(self, Consumer, channel):
            return [Consumer(queues=[queue], on_message=self.on_message, accept=["json"], prefetch_count=10)]

        def on_message(self, message):
            seen.append((message.payload, message.delivery_info["redelivered"]))
            if message.payload != "held" or message.delivery_info["redelivered"]:
                message.ack()

        def on_connection_error(self, exc, interval):
            down.set()

        def on_decode_error(self, message, exc):
            raise exc

    down = threading.Event()
    worker = Worker()
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    ctx.at_end(lambda: thread.join(DEADLINE))
    ctx.at_end(lambda: setattr(worker, "should_stop", True))
    connection = connect(own, transport_options={"confirm_publish": True})
    producer = connection.Producer(serializer="json")
    for body in ("settled", "held"):
        producer.publish(body, exchange=exchange, routing_key="a.b", declare=[queue], delivery_mode=2, timeout=DEADLINE)
    until(lambda: len(seen) == 2, "two deliveries")
    broker.stop()
    until(down.is_set, "the worker notices")
    published = threading.Thread(
        target=lambda: producer.publish(
            "after", exchange=exchange, routing_key="a.c", delivery_mode=2, retry=True,
            retry_policy={"interval_start": 0.1, "interval_step": 0.1, "interval_max": 0.3, "max_retries": 300}, timeout=DEADLINE,
        ),
        daemon=True,
    )
    published.start()
    broker.start()
    published.join(60)
    expect(published.is_alive(), False, "still publishing")
    until(lambda: len(seen) == 4, "the redelivery and the new one", 30)
    expect((seen[:2], sorted(seen[2:])), ([("settled", False), ("held", False)], [("after", False), ("held", True)]))


@scenario()
def ensure_connection(ctx):
    """ensure_connection waits for the broker; autoretry runs again with a new channel"""
    broker, own = durable.own_broker(ctx)
    before = connect(own)
    kombu.Queue("kept", durable=True)(before.default_channel).declare()
    before.release()
    broker.stop()
    connection = kombu.Connection(f"amqp://guest:guest@127.0.0.1:{own.port}//", connect_timeout=DEADLINE)
    ctx.at_end(connection.release)
    tried = []
    waiting = threading.Thread(
        target=lambda: connection.ensure_connection(
            errback=lambda error, interval: tried.append(error), max_retries=600, interval_start=0.1, interval_step=0, interval_max=0.1
        ),
        daemon=True,
    )
    waiting.start()
    until(lambda: tried, "a failed attempt")
    broker.start()
    waiting.join(60)
    expect(connection.connected, True)

    def count(channel=None):
        return (channel or connection.default_channel).queue_declare("kept", passive=True).consumer_count

    counted, _ = connection.autoretry(count, max_retries=10, interval_start=0.1)()
    expect(counted, 0)
