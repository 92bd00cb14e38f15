# SPDX-License-Identifier: Apache-2.0
"""kombu as Celery uses it: task queues, events, remote control, replies (rabbitmq.md 9)."""

import kombu
import kombu.pidbox
from kombu.mixins import ConsumerMixin
from kombu.pools import producers

from kombu_simple import connect
from pyamqp_rig import drain
from rig import DEADLINE, expect, scenario


@scenario()
def task_queue(ctx):
    """The default queue `celery` of its own: direct exchange, priority argument, qos, acks late"""
    connection = connect(ctx)
    name = ctx.name("celery")
    exchange = kombu.Exchange(name, type="direct", durable=True, delivery_mode=2)
    queue = kombu.Queue(name, exchange, routing_key=name, max_priority=10)
    with producers[connection].acquire(block=True, timeout=DEADLINE) as producer:
        for i in range(10):
            producer.publish(
                [[i], {}, {"callbacks": None}], exchange=exchange, routing_key=name, declare=[queue], serializer="json",
                headers={"task": "add", "id": f"id-{i}", "retries": 0, "eta": None, "timelimit": [None, None]},
                correlation_id=f"id-{i}", reply_to="nobody", delivery_mode=2,
            )
    done = []

    class Worker(ConsumerMixin):
        def __init__(self):
            self.connection = connection

        def get_consumers(self, Consumer, channel):
            channel.basic_recover(requeue=True)
            return [Consumer(queues=[queue], on_message=self.on_message, accept=["json"], prefetch_count=4)]

        def on_message(self, message):
            done.append((message.headers["id"], message.payload[0]))
            message.ack()
            self.should_stop = len(done) == 10

    Worker().run(_tokens=1)
    expect(done, [(f"id-{i}", [i]) for i in range(10)])


@scenario()
def events(ctx):
    """celeryev: a topic exchange, a transient auto-delete queue a receiver with ttl and expiry"""
    connection = connect(ctx)
    exchange = kombu.Exchange(ctx.name("celeryev"), type="topic", durable=True)
    queue = kombu.Queue(ctx.name("celeryev"), exchange, routing_key="worker.#", auto_delete=True, durable=False, message_ttl=5, expires=60)
    seen = []
    with connection.Consumer(queue, callbacks=[lambda body, _: seen.append(body["type"])], no_ack=True, accept=["json"]):
        sender = connect(ctx).Producer(exchange=exchange, serializer="json", auto_declare=False)
        for kind in ("worker-online", "worker-heartbeat", "task-sent", "worker-offline"):
            sender.publish({"type": kind}, routing_key=kind.replace("-", "."), delivery_mode=1, retry=True)
        drain(connection, lambda: len(seen) == 3, "three events")
    expect(seen, ["worker-online", "worker-heartbeat", "worker-offline"])


@scenario()
def remote_control(ctx):
    """pidbox: fanout to `NAME@host.celery.pidbox`, replies over a direct exchange and an expiring queue"""
    namespace = ctx.name("celery")
    connection = connect(ctx)
    mailbox = kombu.pidbox.Mailbox(namespace, type="fanout", connection=connection)
    asked = []
    nodes = []
    for host in ("w1@here", "w2@here"):
        node = mailbox.Node(host, channel=connection.channel(), state={"host": host})

        @node.handler
        def ping(state, **_):
            asked.append(state["host"])
            return {"ok": "pong"}

        nodes.append((node, node.listen()))
    other = connect(ctx)
    sender = kombu.pidbox.Mailbox(namespace, type="fanout", connection=other)
    reply = kombu.uuid()
    # What broadcast(reply=True) does, with both sides in this thread.
    queue = sender.get_reply_queue()
    queue(other.default_channel).declare()
    sender._publish("ping", {}, reply_ticket=reply, channel=other.default_channel, timeout=DEADLINE)
    drain(connection, lambda: len(asked) == 2, "both nodes")
    answers = sender._collect(reply, limit=2, timeout=DEADLINE, channel=other.default_channel)
    expect(sorted(asked), ["w1@here", "w2@here"])
    expect(sorted(next(iter(a.items())) for a in answers), [("w1@here", {"ok": "pong"}), ("w2@here", {"ok": "pong"})])
    # To one of them only.
    sender.cast(["w2@here"], "ping")
    drain(connection, lambda: len(asked) == 3, "the third")
    expect(asked[2], "w2@here")


@scenario()
def result_queue(ctx):
    """rpc:// results: an exclusive expiring queue, asked by correlation id"""
    connection = connect(ctx)
    oid = kombu.uuid()
    queue = kombu.Queue(oid, kombu.Exchange("", type="direct"), oid, durable=False, exclusive=True, auto_delete=True, expires=86400)
    seen = {}
    worker = connect(ctx)

    def on_result(body, message):
        seen[message.properties["correlation_id"]] = body["result"]
        message.ack()

    with connection.Consumer(queue, callbacks=[on_result], accept=["json"]):
        producer = worker.Producer(serializer="json")
        for i in range(5):
            producer.publish({"status": "SUCCESS", "result": i}, exchange="", routing_key=oid, correlation_id=f"id-{i}", delivery_mode=1, retry=True)
        drain(connection, lambda: len(seen) == 5, "five results")
    expect(seen, {f"id-{i}": i for i in range(5)})


@scenario()
def bindings(ctx):
    """A queue with several bindings, exchange to exchange, unbinding"""
    connection = connect(ctx)
    channel = connection.default_channel
    source = kombu.Exchange(ctx.name("in"), type="topic", durable=False, auto_delete=False)(channel)
    target = kombu.Exchange(ctx.name("out"), type="fanout", durable=False, auto_delete=False)(channel)
    for exchange in (source, target):
        exchange.declare()
    target.bind_to(source, routing_key="log.*")
    queue = kombu.Queue(ctx.name(), [kombu.binding(source, routing_key="a.#"), kombu.binding(target)], durable=False, exclusive=True)(channel)
    queue.declare()
    producer = connection.Producer(exchange=source, serializer="json")

    def arrived():
        for key in ("a.b", "log.x", "log.x.y"):
            producer.publish(key, routing_key=key)
        return [message.payload for message in iter(lambda: queue.get(no_ack=True), None)]

    expect(arrived(), ["a.b", "log.x"])
    target.unbind_from(source, routing_key="log.*")
    expect(arrived(), ["a.b"])
    queue.unbind_from(source, routing_key="a.#")
    expect(arrived(), [])
    for exchange in (source, target):
        exchange.delete()
