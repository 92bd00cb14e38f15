# SPDX-License-Identifier: Apache-2.0
"""The brokers that the scenarios run against, each in a directory of its own.

`Mqbridge` is the daemon under test on free ports of loopback. `RabbitMQ` is the
installed rabbitmq-server as a node of its own (name, ports, epmd, home): never
the system's service. Both: start(), stop() (SIGTERM), kill() (SIGKILL) and again
start() on the same data. Whoever makes one stops it; stop() is safe to repeat. A
test that is killed takes its broker with it: the kernel sends SIGTERM when the
thread that started it is gone."""

import ctypes
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

START_SECONDS = 60
STOP_SECONDS = 30
RABBITMQ_BIN = "/usr/lib/rabbitmq/bin"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class BrokerFailed(Exception):
    """It did not start, died by itself, or did not stop."""


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port():
    """Below the range that the system gives to clients, so that it is still free after a restart."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def own(endpoint):
    """One more broker of that kind, not started; on the same AMQP port at every start."""
    if endpoint["broker"] == RabbitMQ.name:
        return RabbitMQ()
    return Mqbridge(endpoint["binary"], settings=[f"amqp.port={free_port()}", "stop.grace=2s"])


def tail(path, lines=25):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


class Broker:
    """What both have in common: a process, a directory and a log in it."""

    name = None

    def __init__(self, directory=None):
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="mqb-clients-")
        self.process = None
        self.log = os.path.join(self.directory, "log")
        self.amqp = None
        self.aws = None
        self.admin = None

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM, then waits; the exit code (None: was not running)."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerFailed(f"{self.name} did not stop within {STOP_SECONDS} s") from None
        self.process = None
        return code

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def remove(self):
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def end(self, keep=False):
        """Stops it and removes its directory; keeps that when asked to."""
        try:
            return self.stop()
        finally:
            if not keep:
                self.remove()

    def endpoint(self):
        """What suite.py needs to reach it, as JSON-able values."""
        return {"broker": self.name, "amqp": self.amqp, "aws": self.aws, "admin": self.admin}


class Mqbridge(Broker):
    name = "mqbridge"

    def __init__(self, binary, directory=None, settings=()):
        super().__init__(directory)
        self.binary = binary
        self.settings = list(settings)
        self.data = os.path.join(self.directory, "data")
        self.start_seconds = None
        self.ready = None

    def start(self):
        """Waits for the ready line."""
        settings = ["amqp.port=0", "stomp.port=0", "aws.port=0", "admin.port=0", *self.settings]
        command = [self.binary, "serve", "--data", self.data]
        for setting in settings:
            command += ["--set", setting]
        # Ports other than these by the environment would defeat the isolation.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MQBRIDGE_", "RABBITMQ_"))}
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=self.directory,
                preexec_fn=die_with_parent,
            )
        try:
            self.ready = json.loads(self.ready_line(began + START_SECONDS))
        except ValueError as e:
            self.kill()
            raise BrokerFailed(f"the ready line is not JSON: {e}") from None
        self.start_seconds = time.monotonic() - began
        self.amqp, self.aws, self.admin = (self.ready[key] for key in ("amqp", "aws", "admin"))
        return self

    def ready_line(self, deadline):
        line = b""
        out = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([out], [], [], max(0, deadline - time.monotonic()))
            byte = os.read(out, 4096) if readable else b""
            if not byte:
                self.kill()
                raise BrokerFailed(f"no ready line from {self.binary}:\n{tail(self.log)}")
            line += byte
        return line

    def stop(self):
        process = self.process
        code = super().stop()
        if process is not None and process.stdout:
            process.stdout.close()
        if code not in (None, 0):
            raise BrokerFailed(f"mqbridge ended with exit code {code}:\n{tail(self.log)}")
        return code

    def request(self, method, path, body=None):
        """A call of the management interface; the status."""
        call = urllib.request.Request(
            f"http://127.0.0.1:{self.admin}{path}", method=method, data=json.dumps(body or {}).encode()
        )
        call.add_header("Authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
        call.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(call, timeout=20) as answer:
            return answer.status

    def add_user(self, name, password, permissions):
        """permissions: (configure, write, read) in the vhost /, or None."""
        self.request("PUT", f"/api/users/{name}", {"password": password, "tags": ""})
        if permissions is not None:
            self.request(
                "PUT",
                f"/api/permissions/%2F/{name}",
                dict(zip(("configure", "write", "read"), permissions)),
            )


class RabbitMQ(Broker):
    """Debian's rabbitmq-server; a node name and an epmd of its own."""

    name = "rabbitmq"

    def __init__(self, directory=None):
        super().__init__(directory)
        self.epmd = None
        self.amqp = free_port()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("RABBITMQ_")},
            "HOME": self.directory,
            "RABBITMQ_NODENAME": f"mqbpeer{os.getpid()}n{self.amqp}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.amqp),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": os.path.join(self.directory, "mnesia"),
            "RABBITMQ_LOG_BASE": os.path.join(self.directory, "logs"),
            "RABBITMQ_CONFIG_FILE": os.path.join(self.directory, "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": os.path.join(self.directory, "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": os.path.join(self.directory, "plugins"),
            "RABBITMQ_SERVER_START_ARGS": "-noinput",
        }

    @staticmethod
    def installed():
        return os.access(f"{RABBITMQ_BIN}/rabbitmq-server", os.X_OK) and shutil.which("epmd") is not None

    def start(self):
        """Waits until it answers an AMQP header with connection.start."""
        with open(os.path.join(self.directory, "plugins"), "w") as file:
            file.write("[rabbitmq_consistent_hash_exchange,rabbitmq_random_exchange].\n")
        with open(os.path.join(self.directory, "rabbitmq.conf"), "w") as file:
            file.write("log.file.level = warning\nlisteners.ssl = none\n")
        with open(self.log, "ab") as log:
            if self.epmd is None:
                self.epmd = subprocess.Popen(
                    [shutil.which("epmd"), "-port", self.environment["ERL_EPMD_PORT"], "-address", "127.0.0.1"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                    preexec_fn=die_with_parent,
                )
            self.process = subprocess.Popen(
                [f"{RABBITMQ_BIN}/rabbitmq-server"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, cwd=self.directory, start_new_session=True, preexec_fn=die_with_parent,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self.running() or time.monotonic() > deadline:
                self.kill()
                raise BrokerFailed(f"rabbitmq-server did not start:\n{tail(self.log)}")
            time.sleep(0.05)
        return self

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.amqp), 2) as s:
                s.settimeout(2)
                s.sendall(b"AMQP\x00\x00\x09\x01")
                return s.recv(1) == b"\x01"
        except OSError:
            return False

    def signal_group(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        # A shell script waits for the node: both get the signal.
        if self.process is not None and self.process.poll() is None:
            self.signal_group(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None
        return None

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.signal_group(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def end(self, keep=False):
        try:
            return super().end(keep)
        finally:
            if self.epmd is not None:
                self.epmd.terminate()
                self.epmd.wait(STOP_SECONDS)
                self.epmd = None

    def control(self, *arguments):
        done = subprocess.run(
            [f"{RABBITMQ_BIN}/rabbitmqctl", "-q", *arguments],
            env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
        )
        if done.returncode:
            raise BrokerFailed(f"rabbitmqctl {arguments[0]}: {done.stdout.decode(errors='replace')}")

    def add_user(self, name, password, permissions):
        self.control("add_user", name, password)
        if permissions is not None:
            self.control("set_permissions", "-p", "/", name, *permissions)
