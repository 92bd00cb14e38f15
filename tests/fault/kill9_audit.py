# SPDX-License-Identifier: Apache-2.0
"""What is left after a kill -9, and whether it is what has to be left.

For each queue: everything confirmed and not certainly consumed is there; nothing
twice; nothing that was never sent to it; nothing whose DeleteMessage was answered,
or whose ack lies before a publish that was confirmed on the same channel. An ack
after that may be lost with the last batch (DESIGN §4): such messages are counted."""

from pika import spec

import wire
from kill9_load import ALL_QUEUES, BARRIER, DIRECT_QUEUES, FAN_QUEUES, SQS_QUEUES, Sqs, id_of, text_of

# Drained over SQS, the others over AMQP; each protocol has queues that the other made.
OVER_SQS = (FAN_QUEUES[1], DIRECT_QUEUES[0], SQS_QUEUES[0])
SHOWN = 5


class Drained:
    """Of one queue: what came, in order, and what was wrong with it."""

    def __init__(self, queue, counted):
        self.queue = queue
        self.counted = counted  # message_count before anybody consumed
        self.messages = []
        self.wrong = []

    def add(self, body):
        message = id_of(body)
        if message is None:
            self.wrong.append(f"{self.queue}: a body that nobody sent: {body[:60]!r}")
        else:
            self.messages.append(message)


def drain(daemon):
    """Empties every queue over its protocol: {queue: Drained}."""
    w = wire.Wire(daemon.amqp)
    w.open()
    w.channel(1)
    out = {queue: Drained(queue, count(w, queue)) for queue in ALL_QUEUES}
    sqs = Sqs(daemon.aws)
    for queue, drained in out.items():
        if queue in OVER_SQS:
            drain_sqs(sqs, drained)
        else:
            drain_amqp(w, drained)
        if count(w, queue):
            drained.wrong.append(f"{queue}: {count(w, queue)} left after draining")
    w.call(1, spec.Queue.Purge(queue=BARRIER), spec.Queue.PurgeOk)
    w.finish()
    sqs.connection.close()
    return out


def count(w, queue):
    return w.call(1, spec.Queue.Declare(queue=queue, passive=True), spec.Queue.DeclareOk).message_count


def drain_amqp(w, drained):
    """A consumer takes what was counted; basic.get takes what should not be there."""
    w.call(1, spec.Basic.Consume(queue=drained.queue, consumer_tag="drain"), spec.Basic.ConsumeOk)
    for _ in range(drained.counted):
        try:
            content = w.expect(1, spec.Basic.Deliver)
        except wire.WireSilent:
            drained.wrong.append(f"{drained.queue}: only {len(drained.messages)} of {drained.counted} came over AMQP")
            break
        drained.add(content.body)
    if drained.messages:
        w.send(1, spec.Basic.Ack(0, multiple=True))
    w.send(1, spec.Basic.Cancel(consumer_tag="drain"))
    while not isinstance(late := w.read(1), spec.Basic.CancelOk):
        drained.add(late.body)
    w.send(1, spec.Basic.Ack(0, multiple=True))
    while True:
        w.send(1, spec.Basic.Get(queue=drained.queue, no_ack=True))
        content = w.read(1)
        if isinstance(content, spec.Basic.GetEmpty):
            return
        drained.add(content.body)


def drain_sqs(sqs, drained):
    """Receives and deletes until an answer is empty."""
    url = sqs.url(drained.queue)
    while True:
        messages = sqs.call(
            "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["mqb.enc"], VisibilityTimeout=600
        ).get("Messages", [])
        if not messages:
            return
        for message in messages:
            drained.add(text_of(message))
        answer = sqs.call("DeleteMessageBatch", QueueUrl=url, Entries=[
            {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)
        ])
        if len(answer["Successful"]) != len(messages):
            drained.wrong.append(f"{drained.queue}: DeleteMessageBatch {answer.get('Failed')}")


class Verdict:
    def __init__(self):
        self.wrong = []
        self.numbers = {}

    def blame(self, what, messages):
        if messages:
            some = ", ".join(sorted(messages)[:SHOWN])
            self.wrong.append(f"{what}: {len(messages)} ({some}{', …' if len(messages) > SHOWN else ''})")


def union(workers, field):
    return set().union(*(getattr(worker.notes, field) for worker in workers))


def audit(load, drained):
    """Compares the notes of all workers with what was drained."""
    verdict = Verdict()
    workers = load.workers
    tried = {message: queues for worker in workers for message, queues in worker.notes.tried.items()}
    confirmed = union(workers, "confirmed")
    acked, safe = union(workers, "acked"), union(workers, "acked_safe")
    deleting, deleted = union(workers, "deleting"), union(workers, "deleted")
    back = 0
    for queue, there in drained.items():
        verdict.wrong += there.wrong
        found = set(there.messages)
        gone = {m for q, m in acked | deleting if q == queue}
        settled = {m for q, m in safe | deleted if q == queue}
        must = {m for m in confirmed if queue in tried[m]} - gone
        if there.counted != len(there.messages):
            verdict.wrong.append(f"{queue}: message_count {there.counted}, drained {len(there.messages)}")
        verdict.blame(f"{queue}: stored twice", {m for m in found if there.messages.count(m) > 1} if
                      len(found) != len(there.messages) else set())
        verdict.blame(f"{queue}: confirmed and lost", must - found)
        verdict.blame(f"{queue}: never sent to it", {m for m in found if queue not in tried.get(m, ())})
        verdict.blame(f"{queue}: deleted with an answer, or acked before a confirmed publish, and back", settled & found)
        back += len((gone & found) - settled)
    for worker in workers:
        for body in worker.notes.broken:
            verdict.wrong.append(f"{worker.name}: got a body that nobody sent: {body!r}")
    verdict.wrong += load.errors()
    verdict.numbers = {
        "sent": len(tried), "confirmed": len(confirmed), "acked": len(acked), "acked_safe": len(safe),
        "deleted": len(deleted), "drained": sum(len(d.messages) for d in drained.values()), "acks_lost": back,
    }
    return verdict
