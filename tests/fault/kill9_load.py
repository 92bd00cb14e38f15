# SPDX-License-Identifier: Apache-2.0
"""The load of kill9.py: publishers and consumers of both protocols, and what each
of them knows for certain when the daemon is gone.

Every worker is a thread with connections of its own, ends when its connection
breaks, and writes into its own Notes only; kill9_audit.py reads them afterwards.

A body says its message's id and is as long as the id decides, so that a body cut
off or mixed up is seen."""

import base64
import http.client
import json
import random
import threading
import zlib

import pika
from pika import spec

import signing
import wire

FANOUT, TOPIC = "kill9-fanout", "kill9-topic"
FAN_QUEUES = ["kill9-fan-0", "kill9-fan-1", "kill9-fan-2"]
TOPIC_QUEUES = ["kill9-topic-0", "kill9-topic-1"]
DIRECT_QUEUES = ["kill9-direct-0", "kill9-direct-1"]
SQS_QUEUES = ["kill9-sqs-0", "kill9-sqs-1"]
BARRIER = "kill9-barrier"
AMQP_QUEUES = FAN_QUEUES + TOPIC_QUEUES + DIRECT_QUEUES
ALL_QUEUES = AMQP_QUEUES + SQS_QUEUES
PERSISTENT = spec.BasicProperties(delivery_mode=2, content_type="text/plain")
WINDOW = 200  # unconfirmed publishes at once
ENDED = (OSError, http.client.HTTPException, wire.WireClosed, wire.WireSilent, pika.exceptions.AMQPError, ValueError)


def body_of(message):
    seed = zlib.crc32(message.encode())
    size = 300000 if seed % 199 == 0 else seed % 3000
    return f"{message} {'x' * size}"


def id_of(body):
    """The id, or None when it is not a body of ours."""
    text = body.decode() if isinstance(body, (bytes, bytearray)) else body
    message = text.split(" ", 1)[0]
    return message if text == body_of(message) else None


class Notes:
    """Of one worker in one round."""

    def __init__(self):
        self.tried = {}         # message → its queues, written before it is sent
        self.confirmed = set()  # messages answered with a confirm or 200
        self.acked = set()      # (queue, message): the ack was written to the socket
        self.acked_safe = set()  # … and a publish confirmed later on the same channel
        self.deleting = set()   # (queue, message): DeleteMessage was sent
        self.deleted = set()    # … and answered
        self.broken = []        # bodies that are not ours
        self.error = None       # an end that the kill does not explain


class Worker(threading.Thread):
    """run() until the connection breaks; a broken expectation goes to notes.error."""

    def __init__(self, load, name):
        super().__init__(daemon=True, name=name)
        self.load = load
        self.notes = Notes()
        self.random = random.Random(f"{load.seed} {name}")
        self.made = 0

    def run(self):
        try:
            self.work()
        except ENDED as error:
            if not self.load.killed.is_set():
                self.notes.error = f"{self.name}: {error!r} before the kill"
        except Exception as error:
            self.notes.error = f"{self.name}: {error!r}"

    def new_message(self, queues):
        self.made += 1
        message = f"r{self.load.round}-{self.name}-{self.made}"
        self.notes.tried[message] = queues
        return message

    def amqp(self):
        w = wire.Wire(self.load.amqp)
        w.open()
        w.channel(1)
        return w

    def note_body(self, body):
        message = id_of(body)
        if message is None:
            self.notes.broken.append(bytes(body[:60]) if isinstance(body, (bytes, bytearray)) else body[:60])
        return message


class Publisher(Worker):
    """Pipelined confirms on a raw channel."""

    def __init__(self, load, name, exchange, key, queues):
        super().__init__(load, name)
        self.exchange, self.key, self.queues = exchange, key, queues

    def work(self):
        w = self.amqp()
        w.confirm(1)
        open_tags = {}
        tag = 0
        while True:
            burst = self.random.randint(1, 60)
            for _ in range(burst):
                tag += 1
                open_tags[tag] = self.new_message(self.queues)
                w.publish(1, self.exchange, self.key, body_of(open_tags[tag]).encode(), PERSISTENT, mandatory=True)
            while len(open_tags) > WINDOW or (open_tags and self.random.random() < 0.7):
                self.settle(open_tags, w.expect(1, spec.Basic.Ack))

    def settle(self, open_tags, ack):
        tags = [t for t in open_tags if t <= ack.delivery_tag] if ack.multiple else [ack.delivery_tag]
        self.notes.confirmed.update(open_tags.pop(t) for t in tags)


class PikaPublisher(Worker):
    """pika's BlockingConnection: one confirm after the other."""

    def work(self):
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.load.amqp, heartbeat=0))
        channel = connection.channel()
        channel.confirm_delivery()
        while True:
            message = self.new_message(TOPIC_QUEUES)
            channel.basic_publish(
                TOPIC, f"a.{self.made}", body_of(message).encode(), pika.BasicProperties(delivery_mode=2), mandatory=True
            )
            self.notes.confirmed.add(message)


class Sqs:
    """AWS JSON on one connection; an answer other than 200 is an error."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.port = port

    def call(self, action, **body):
        text = json.dumps(body)
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
        self.connection.request("POST", "/", text, signing.Signer(self.port).headers("POST", "/", text, headers))
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{action}: {answer.status} {text[:200]!r}")
        return json.loads(text or "{}")

    def url(self, queue):
        return f"http://127.0.0.1:{self.port}/000000000000/{queue}"


def text_of(message):
    """The Body as its publisher had it."""
    mark = message.get("MessageAttributes", {}).get("mqb.enc", {}).get("StringValue")
    return base64.b64decode(message["Body"]).decode() if mark == "base64" else message["Body"]


class Sender(Worker):
    """SendMessage and SendMessageBatch to queues of either origin."""

    def work(self):
        sqs = Sqs(self.load.aws)
        queues = SQS_QUEUES + DIRECT_QUEUES[:1]
        while True:
            queue = self.random.choice(queues)
            if self.random.random() < 0.5:
                message = self.new_message([queue])
                sqs.call("SendMessage", QueueUrl=sqs.url(queue), MessageBody=body_of(message))
                self.notes.confirmed.add(message)
                continue
            batch, size = {}, 0
            while len(batch) < self.random.randint(1, 10):
                batch[str(len(batch))] = message = self.new_message([queue])
                size += len(body_of(message))
                if size > 600000:
                    break
            answer = sqs.call("SendMessageBatch", QueueUrl=sqs.url(queue), Entries=[
                {"Id": i, "MessageBody": body_of(message)} for i, message in batch.items()
            ])
            self.notes.confirmed.update(batch[e["Id"]] for e in answer["Successful"])


class Consumer(Worker):
    """Acknowledges most of what it gets, keeps some, gives some back; now and then a
    confirmed publish behind its acks tells which of them are on disk."""

    def __init__(self, load, name, queues):
        super().__init__(load, name)
        self.queues = queues
        self.kept = []       # (tag, queue, message) not settled
        self.unsafe = set()  # acked since the last barrier

    def work(self):
        w = self.amqp()
        w.confirm(1)
        w.send(1, spec.Basic.Qos(prefetch_count=100))
        w.expect(1, spec.Basic.QosOk)
        for queue in self.queues:
            w.send(1, spec.Basic.Consume(queue=queue, consumer_tag=queue))
        barrier = None
        since = 0
        while True:
            got = w.read(1, 30)
            if isinstance(got, spec.Basic.Ack):
                self.notes.acked_safe |= barrier
                barrier = None
            elif isinstance(got, wire.Content):
                self.take(w, got)
                since += 1
            if since >= 40 and barrier is None:
                barrier, self.unsafe, since = self.unsafe, set(), 0
                w.publish(1, "", BARRIER, b"barrier", PERSISTENT)

    def take(self, w, content):
        message = self.note_body(content.body)
        if message is None:
            return
        tag, queue = content.method.delivery_tag, content.method.consumer_tag
        dice = self.random.random()
        if dice < 0.08:
            w.send(1, spec.Basic.Nack(tag, requeue=True))
        elif dice < 0.2 and len(self.kept) < 30:
            self.kept.append((tag, queue, message))
        elif dice < 0.25:
            self.acknowledge(w, tag, [*self.kept, (tag, queue, message)], True)
            self.kept = []
        else:
            self.acknowledge(w, tag, [(tag, queue, message)], False)

    def acknowledge(self, w, tag, settled, multiple):
        # Noted before it is sent: whether it arrived is what nobody knows.
        pairs = {(queue, message) for _, queue, message in settled}
        self.notes.acked |= pairs
        self.unsafe |= pairs
        w.send(1, spec.Basic.Ack(tag, multiple=multiple))


class Receiver(Worker):
    """Deletes most of what it receives, singly or in batches; gives some back."""

    def __init__(self, load, name, queues):
        super().__init__(load, name)
        self.queues = queues

    def work(self):
        sqs = Sqs(self.load.aws)
        while True:
            queue = self.random.choice(self.queues)
            url = sqs.url(queue)
            answer = sqs.call(
                "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=self.random.randint(1, 10),
                WaitTimeSeconds=self.random.choice((0, 1)), MessageAttributeNames=["mqb.enc"], VisibilityTimeout=30,
            )
            done = []
            for m in answer.get("Messages", []):
                message = self.note_body(text_of(m))
                dice = self.random.random()
                if message is None or dice < 0.15:
                    continue
                if dice < 0.25:
                    sqs.call("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
                else:
                    done.append((message, m["ReceiptHandle"]))
            self.delete(sqs, queue, done)

    def delete(self, sqs, queue, done):
        url = sqs.url(queue)
        if len(done) > 1:
            self.notes.deleting.update((queue, message) for message, _ in done)
            answer = sqs.call("DeleteMessageBatch", QueueUrl=url, Entries=[
                {"Id": str(i), "ReceiptHandle": handle} for i, (_, handle) in enumerate(done)
            ])
            self.notes.deleted.update((queue, done[int(e["Id"])][0]) for e in answer["Successful"])
            return
        for message, handle in done:
            self.notes.deleting.add((queue, message))
            sqs.call("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
            self.notes.deleted.add((queue, message))


class Load:
    """All workers of one round."""

    def __init__(self, daemon, round_, seed):
        self.amqp, self.aws = daemon.amqp, daemon.aws
        self.round, self.seed = round_, f"{seed} {round_}"
        self.killed = threading.Event()
        self.workers = [
            Publisher(self, "fan", FANOUT, "", FAN_QUEUES),
            Publisher(self, "direct", "", DIRECT_QUEUES[0], DIRECT_QUEUES[:1]),
            Publisher(self, "direct1", "", DIRECT_QUEUES[1], DIRECT_QUEUES[1:]),
            PikaPublisher(self, "pika"),
            Sender(self, "send0"),
            Sender(self, "send1"),
            Consumer(self, "consume0", [FAN_QUEUES[0], DIRECT_QUEUES[0]]),
            Consumer(self, "consume1", [TOPIC_QUEUES[0], SQS_QUEUES[0]]),
            Receiver(self, "receive0", [SQS_QUEUES[0], DIRECT_QUEUES[1], FAN_QUEUES[1]]),
            Receiver(self, "receive1", [SQS_QUEUES[1], DIRECT_QUEUES[0]]),
        ]

    def start(self):
        for worker in self.workers:
            worker.start()

    def join(self, seconds):
        """Names of workers that do not end."""
        for worker in self.workers:
            worker.join(seconds)
        return [worker.name for worker in self.workers if worker.is_alive()]

    def errors(self):
        return [worker.notes.error for worker in self.workers if worker.notes.error]


def define(daemon):
    """The durable exchanges, queues and bindings, once; the SQS queues over SQS."""
    w = wire.Wire(daemon.amqp)
    w.open()
    w.channel(1)
    w.call(1, spec.Exchange.Declare(exchange=FANOUT, type="fanout", durable=True), spec.Exchange.DeclareOk)
    w.call(1, spec.Exchange.Declare(exchange=TOPIC, type="topic", durable=True), spec.Exchange.DeclareOk)
    for queue in [*AMQP_QUEUES, BARRIER]:
        w.call(1, spec.Queue.Declare(queue=queue, durable=True), spec.Queue.DeclareOk)
    for exchange, queues in ((FANOUT, FAN_QUEUES), (TOPIC, TOPIC_QUEUES)):
        for queue in queues:
            w.call(1, spec.Queue.Bind(queue=queue, exchange=exchange, routing_key="a.*"), spec.Queue.BindOk)
    w.finish()
    sqs = Sqs(daemon.aws)
    for queue in SQS_QUEUES:
        sqs.call("CreateQueue", QueueName=queue)
    sqs.connection.close()
