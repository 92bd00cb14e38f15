# SPDX-License-Identifier: Apache-2.0
"""What every scenario uses: registration, connections that are closed at its end,
expectations with texts, waits with a deadline.

A scenario is a function of one `ctx`, marked with @scenario. It uses names made by
ctx.name() only, so that scenarios can run at once against one broker."""

import os
import threading
import time
import uuid

DEADLINE = 15  # seconds for anything that must come
SCENARIOS = []
# boto3 makes one client at a time.
CLIENT_LOCK = threading.Lock()


class Skip(Exception):
    """Why a scenario does not apply here."""


def scenario(*needs):
    """needs: "amqp", "aws": clients of; "mqbridge": not for the peer; "later": mqbridge does not have it yet."""

    def register(function):
        name = f"{function.__module__}.{function.__name__}"
        SCENARIOS.append((name, frozenset(needs), function))
        return function

    return register


def expect(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what + ': ' if what else ''}got {short(got)}, expected {short(wanted)}")


def expect_in(got, choices, what=""):
    if got not in choices:
        raise AssertionError(f"{what + ': ' if what else ''}got {short(got)}, expected one of {short(choices)}")


def require(truth, what):
    if not truth:
        raise AssertionError(what)


def short(value, most=400):
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def until(test, what, seconds=DEADLINE):
    """Polls test() until it is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


class Raises:
    """with Raises(SomeError) as r: …; then r.error."""

    def __init__(self, kind):
        self.kind = kind
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            raise AssertionError(f"no {self.kind.__name__} was raised")
        if not isinstance(error, self.kind):
            return False
        self.error = error
        return True


class Shared:
    """Of all scenarios in this process: clients that are costly to make."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.clients = {}

    def aws(self, service, key):
        import boto3
        from botocore.config import Config

        with CLIENT_LOCK:
            if (service, key) not in self.clients:
                self.clients[service, key] = boto3.client(
                    service,
                    endpoint_url=f"http://127.0.0.1:{self.endpoint['aws']}",
                    region_name="us-east-1",
                    aws_access_key_id=key,
                    aws_secret_access_key=key,
                    config=Config(
                        retries={"max_attempts": 0}, connect_timeout=10, read_timeout=40, max_pool_connections=32
                    ),
                )
            return self.clients[service, key]


class Context:
    """One run of one scenario."""

    def __init__(self, shared):
        self.shared = shared
        self.endpoint = shared.endpoint
        self.port = shared.endpoint["amqp"]
        self.real = shared.endpoint["broker"] == "rabbitmq"
        self.to_close = []

    def name(self, base="q"):
        # Not 10 digits: what ends in - and 10 of base32 has another name over SQS (DESIGN §5).
        return f"{base}-{uuid.uuid4().hex[:12]}"

    def at_end(self, function):
        self.to_close.append(function)

    def close(self):
        for function in reversed(self.to_close):
            try:
                function()
            except Exception:  # it may be closed already, which is the scenario's business
                pass
        self.to_close = []

    # --- AMQP ---------------------------------------------------------------------

    def parameters(self, **given):
        import pika

        given.setdefault("credentials", pika.PlainCredentials("guest", "guest"))
        given.setdefault("heartbeat", 0)
        given.setdefault("blocked_connection_timeout", DEADLINE)
        return pika.ConnectionParameters("127.0.0.1", self.port, **given)

    def connection(self, **given):
        """A pika BlockingConnection."""
        import pika

        connection = pika.BlockingConnection(self.parameters(**given))
        self.at_end(connection.close)
        return connection

    def channel(self, **given):
        return self.connection(**given).channel()

    def wire(self, opened=True, **given):
        """A raw connection (wire.py); opened: with channel 1."""
        import wire

        w = wire.Wire(self.port)
        self.at_end(w.close)
        if opened:
            w.open(**given)
            w.channel(1)
        return w

    # --- SQS and SNS ----------------------------------------------------------------

    @property
    def sqs(self):
        return self.shared.aws("sqs", "guest")

    @property
    def sns(self):
        return self.shared.aws("sns", "guest")

    def aws_as(self, service, key):
        return self.shared.aws(service, key)

    @property
    def json_protocol(self):
        """Whether this boto3 speaks AWS JSON; Debian's speaks Query."""
        return self.sqs.meta.service_model.metadata["protocol"] == "json"

    def sqs_queue(self, base="sqs", **attributes):
        """A new queue made over SQS: (name, url)."""
        name = self.name(base)
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return name, url

    def sqs_url(self, name):
        return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def sqs_take(self, url, n=1, delete=True, seconds=DEADLINE, **given):
        """Receives until n messages are there."""
        out = []
        deadline = time.monotonic() + seconds
        given.setdefault("MessageAttributeNames", ["All"])
        given.setdefault("AttributeNames", ["All"])
        while len(out) < n:
            require(time.monotonic() < deadline, f"only {len(out)} of {n} messages came over SQS")
            answer = self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=min(10, n - len(out)), WaitTimeSeconds=2, **given
            )
            for message in answer.get("Messages", []):
                out.append(message)
                if delete:
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return out


def declare(channel, queue, **given):
    """A durable queue unless told otherwise; its name."""
    given.setdefault("durable", True)
    return channel.queue_declare(queue, **given).method.queue


def ready(channel, queue):
    """Ready messages, exact (rabbitmq.md 3.2)."""
    return channel.queue_declare(queue, passive=True).method.message_count


def consumers(channel, queue):
    return channel.queue_declare(queue, passive=True).method.consumer_count


def get(channel, queue, seconds=DEADLINE, **given):
    """basic.get until there is one: (method, properties, body)."""
    return until(lambda: (lambda r: r if r[0] else None)(channel.basic_get(queue, **given)), "basic.get", seconds)


class Taken(list):
    """Deliveries of a consumer: (method, properties, body)."""

    def bodies(self):
        return [body for _, _, body in self]


def consume(channel, queue, taken=None, **given):
    """A consumer that only collects; (tag, Taken)."""
    taken = Taken() if taken is None else taken
    tag = channel.basic_consume(queue, lambda _, method, properties, body: taken.append((method, properties, body)), **given)
    return tag, taken


def pump(connection, test, what, seconds=DEADLINE):
    """Lets a BlockingConnection work until test() holds."""
    deadline = time.monotonic() + seconds
    while not test():
        require(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        connection.process_data_events(time_limit=0.05)


def take(channel, queue, n, **given):
    """n deliveries of a consumer of its own, acknowledged, in order."""
    tag, taken = consume(channel, queue, **given)
    pump(channel.connection, lambda: len(taken) >= n, f"{n} deliveries from {queue}")
    if not given.get("auto_ack"):
        channel.basic_ack(taken[n - 1][0].delivery_tag, multiple=True)
    channel.basic_cancel(tag)
    return taken


def repository():
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
