# SPDX-License-Identifier: Apache-2.0
"""A small AMQP 0-9-1 client over a plain socket, encoding with pika's own codec.

It sends what no well-behaved client would, and sees every frame in the order in
which it came. Each read has a deadline. Nothing is answered by itself: no
heartbeats, no close-ok."""

import collections
import socket
import struct
import time

from pika import frame as frames
from pika import spec

HEADER = b"AMQP\x00\x00\x09\x01"
DEADLINE = 10

CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}

# A method with its content, as it came.
Content = collections.namedtuple("Content", "method properties body header frame_sizes")


class WireClosed(Exception):
    """The peer ended the connection while something else was awaited."""


class WireSilent(Exception):
    """Nothing came before the deadline."""


class Wire:
    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), DEADLINE)
        self.bytes = b""
        self.held = collections.deque()  # (channel, method or Content), read for others
        self.tune = None
        self.frame_max = 131072

    # --- bytes and frames -----------------------------------------------------

    def close(self):
        self.socket.close()

    def abort(self):
        """Ends the connection with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send_bytes(self, data):
        self.socket.settimeout(DEADLINE)
        self.socket.sendall(data)

    def fill(self, deadline):
        """More bytes; False at the end of the stream."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise WireSilent("nothing came in time")
        self.socket.settimeout(left)
        try:
            more = self.socket.recv(262144)
        except socket.timeout:
            raise WireSilent("nothing came in time") from None
        except ConnectionError:
            return False
        self.bytes += more
        return bool(more)

    def frame(self, seconds=DEADLINE):
        """The next frame as (type, channel, payload)."""
        deadline = time.monotonic() + seconds
        while True:
            if len(self.bytes) >= 7:
                kind, channel, size = struct.unpack_from(">BHI", self.bytes)
                if len(self.bytes) >= size + 8:
                    payload, end = self.bytes[7 : 7 + size], self.bytes[7 + size]
                    if end != 0xCE:
                        raise WireClosed(f"the broker's frame ends with {end:#x}")
                    self.bytes = self.bytes[size + 8 :]
                    return kind, channel, payload
            if not self.fill(deadline):
                raise WireClosed("the broker ended the connection")

    def at_end(self, seconds=DEADLINE):
        """Waits for the end of the stream; what came before that."""
        deadline = time.monotonic() + seconds
        while self.fill(deadline):
            pass
        return self.bytes

    # --- methods ----------------------------------------------------------------

    def send(self, channel, *methods):
        self.send_bytes(b"".join(frames.Method(channel, m).marshal() for m in methods))

    def send_raw_method(self, channel, class_id, method_id, arguments=b""):
        payload = struct.pack(">HH", class_id, method_id) + arguments
        self.send_bytes(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def content_frames(self, channel, body=b"", properties=None):
        """Header and body frames, each as bytes."""
        out = [frames.Header(channel, len(body), properties or spec.BasicProperties()).marshal()]
        step = (self.frame_max or 131072) - 8
        for at in range(0, len(body), step):
            out.append(frames.Body(channel, body[at : at + step]).marshal())
        return out

    def publish(self, channel, exchange, key, body=b"", properties=None, **flags):
        method = frames.Method(channel, spec.Basic.Publish(exchange=exchange, routing_key=key, **flags))
        self.send_bytes(method.marshal() + b"".join(self.content_frames(channel, body, properties)))

    def next(self, seconds=DEADLINE):
        """The next method on any channel as (channel, method or Content); heartbeats are skipped."""
        while True:
            kind, channel, payload = self.frame(seconds)
            if kind == frames.Heartbeat().frame_type:
                continue
            method = decode_method(channel, payload)
            if not spec.has_content(method.INDEX):
                return channel, method
            return channel, self.content(channel, method, seconds)

    def content(self, channel, method, seconds):
        kind, at, header = self.frame(seconds)
        if kind != 2 or at != channel:
            raise WireClosed(f"a frame of type {kind} on channel {at} instead of a content header on {channel}")
        size = struct.unpack_from(">Q", header, 4)[0]
        properties = spec.BasicProperties()
        properties.decode(header[12:])
        body, sizes = [], []
        while sum(sizes) < size:
            kind, at, payload = self.frame(seconds)
            if kind != 3 or at != channel:
                raise WireClosed(f"a frame of type {kind} on channel {at} inside the content of {channel}")
            body.append(payload)
            sizes.append(len(payload))
        return Content(method, properties, b"".join(body), header, sizes)

    def read(self, channel, seconds=DEADLINE):
        """The next method on this channel; those of others are kept."""
        for item in self.held:
            if item[0] == channel:
                self.held.remove(item)
                return item[1]
        while True:
            at, what = self.next(seconds)
            if at == channel:
                return what
            self.held.append((at, what))

    def expect(self, channel, kind, seconds=DEADLINE):
        got = self.read(channel, seconds)
        method = got.method if isinstance(got, Content) else got
        if not isinstance(method, kind):
            raise AssertionError(f"channel {channel}: got {got!r}, expected {kind.__name__}")
        return got

    def call(self, channel, method, answer, seconds=DEADLINE):
        self.send(channel, method)
        return self.expect(channel, answer, seconds)

    # --- connection ---------------------------------------------------------------

    def start(self, **given):
        """Header to connection.tune; the connection.start method."""
        self.send_bytes(HEADER)
        start = self.expect(0, spec.Connection.Start)
        self.start_ok(**given)
        return start

    def start_ok(self, user="guest", password="guest", mechanism="PLAIN", response=None, capabilities=None):
        if response is None:
            response = f"\0{user}\0{password}"
        properties = {"capabilities": CAPABILITIES if capabilities is None else capabilities}
        self.send(0, spec.Connection.StartOk(properties, mechanism, response, "en_US"))

    def open(self, vhost="/", channel_max=None, frame_max=None, heartbeat=0, **given):
        """The whole handshake; None takes what the broker offers."""
        self.start(**given)
        self.tune = self.expect(0, spec.Connection.Tune)
        self.frame_max = self.tune.frame_max if frame_max is None else frame_max
        self.send(
            0,
            spec.Connection.TuneOk(
                self.tune.channel_max if channel_max is None else channel_max, self.frame_max, heartbeat
            ),
        )
        self.call(0, spec.Connection.Open(vhost), spec.Connection.OpenOk)
        return self

    def channel(self, number=1):
        self.call(number, spec.Channel.Open(), spec.Channel.OpenOk)
        return number

    def confirm(self, channel=1):
        self.call(channel, spec.Confirm.Select(), spec.Confirm.SelectOk)

    def finish(self):
        """An orderly close."""
        self.call(0, spec.Connection.Close(200, "", 0, 0), spec.Connection.CloseOk)
        self.close()


def decode_method(channel, payload):
    class_method = struct.unpack_from(">I", payload)[0]
    kind = spec.methods.get(class_method)
    if kind is None:
        raise AssertionError(f"channel {channel}: unknown method {class_method:#x} from the broker")
    method = kind()
    method.decode(payload, 4)
    return method
