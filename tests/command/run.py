#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line against a real daemon: start, ready line, refusals with their
exit codes, first start, users and keys, reload, stop. Standard library only.

usage: run.py --binary BINARY [--keep]     one line a scenario: ok|FAIL name"""

import argparse
import base64
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

READY_KEYS = "ready pid amqp amqps stomp stomps stomp_ws stomp_wss aws awss admin admins metrics".split()
FREE = ["amqp.port=0", "aws.port=0", "admin.port=0"]
WAIT_S = 60


class Bridge:
    """A daemon of its own in a directory of its own."""

    def __init__(self, data, *sets, ports=FREE, arguments=(), environment=None, cwd=None):
        command = [BINARY, "serve", "--data", data, *arguments]
        for item in [*ports, *sets]:
            command += ["--set", item]
        self.log = tempfile.TemporaryFile("w+", dir=WORK)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, env=clean_environment(environment), cwd=cwd
        )
        self.ready = self.read_ready()

    def read_ready(self):
        """None when it ended instead."""
        if not select.select([self.process.stdout], [], [], WAIT_S)[0]:
            raise AssertionError("neither ready nor ended")
        line = self.process.stdout.readline()
        return json.loads(line, object_pairs_hook=dict) if line else None

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def wait_logged(self, text):
        deadline = time.monotonic() + WAIT_S
        while text not in self.logged():
            assert time.monotonic() < deadline, f"not logged: {text}"
            select.select([], [], [], 0.02)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        return self.process.wait(WAIT_S)

    def stop(self):
        self.signal(signal.SIGTERM)
        code = self.end()
        assert self.process.stdout.read() == b"", "more than the ready line on standard output"
        return code

    def run(self, *arguments, user=None, stdin=""):
        return command(*arguments, url=f"http://127.0.0.1:{self.ready['admin']}", user=user, stdin=stdin)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


def clean_environment(more=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MQBRIDGE_", "RABBITMQ_"))}
    environment.update(more or {})
    return environment


def command(*arguments, url=None, user=None, stdin=""):
    whole = [BINARY, *arguments]
    if url:
        whole += ["--url", url]
    if user:
        whole += ["--user", user]
    return subprocess.run(
        whole, input=stdin, capture_output=True, text=True, timeout=WAIT_S, env=clean_environment(), check=False
    )


def refused(data, *sets, code, says, **more):
    with Bridge(data, *sets, **more) as b:
        assert b.ready is None, "started"
        got = b.end()
        assert got == code, f"exit code {got}, not {code}: {b.logged()}"
        assert says in b.logged(), f"{says!r} is not in {b.logged()!r}"


def ready_line(data):
    with Bridge(data) as b:
        assert list(b.ready) == READY_KEYS, f"keys {list(b.ready)}"
        assert b.ready["ready"] is True and b.ready["pid"] == b.process.pid
        for key in ("amqp", "aws", "admin"):
            with socket.create_connection(("127.0.0.1", b.ready[key]), WAIT_S):
                pass
        for key in ("amqps", "stomp", "stomps", "stomp_ws", "stomp_wss", "awss", "admins", "metrics"):
            assert b.ready[key] is None, key
        assert os.stat(data).st_mode & 0o777 == 0o700
        assert b.stop() == 0


def listener_off(data):
    with Bridge(data, ports=["amqp.port=", "aws.port=off", "admin.port=0"]) as b:
        assert b.ready["amqp"] is None and b.ready["aws"] is None and b.ready["admin"]
        assert b.stop() == 0


def address_taken(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(data, ports=[f"amqp.port={port}", "aws.port=0", "admin.port=0"], code=5, says=str(port))


def data_locked(data):
    with Bridge(data) as b:
        refused(data, code=4, says="in use")
        assert b.stop() == 0


def data_unusable(data):
    refused(os.path.join(data, "no", "such"), code=4, says="No such file")
    with open(data, "w"):
        pass
    refused(data, code=4, says="not a directory")


def bad_settings(data):
    refused(data, "no.such=1", code=2, says="--set: unknown key 'no.such'")
    refused(data, "amqp.port=banana", code=2, says="amqp.port")
    refused(data, arguments=["--config", "/no/such/file"], code=2, says="/no/such/file")
    refused(data, code=2, says="MQBRIDGE_STORE: ", environment={"MQBRIDGE_STORE": "banana"})
    conf = data + ".conf"
    with open(conf, "w") as f:
        f.write("# mine\nheartbeat = 20\ndefault_usr = x\n")
    refused(data, arguments=["--config", conf], code=2, says=f"{conf}:3: ")
    assert not os.path.exists(data), "a refused start left a data directory"


def rabbitmq_conf(data):
    conf = data + ".conf"
    with open(conf, "w") as f:
        f.write("listeners.tcp.default = 0\nmanagement.tcp.port = 0\nqueue_master_locator = x\naws.port = 0\n")
    with Bridge(data, ports=[], arguments=["--config", conf]) as b:
        assert b.ready["amqp"] and b.ready["admin"]
        assert b.logged().count("has no counterpart here") == 1
        assert f"{conf}:3: 'queue_master_locator'" in b.logged()
        assert b.stop() == 0


def open_to_the_network(data):
    outside = "host=0.0.0.0"
    refused(data, outside, code=3, says="default or empty password")
    refused(data, outside, "default_pass=", code=3, says="default or empty password")
    refused(data, outside, "default_pass=x", "aws.anonymous=yes", code=3, says="anonymous")
    refused(data, outside, "default_pass=x", "aws.verify_signatures=no", code=3, says="verify_signatures")
    refused(data, "aws.host=::", code=3, says="default or empty password")
    with Bridge(data, outside, "default_pass=secret") as b:
        assert b.stop() == 0
    # The catalogue counts afterwards, not the settings.
    with Bridge(data, outside) as b:
        assert b.ready and b.stop() == 0
    with Bridge(data, "host=127.0.0.1") as b:
        done = b.run("user", "passwd", "guest", "--password", "guest", user="guest:secret")
        assert done.returncode == 0, done.stderr
        assert b.stop() == 0
    refused(data, outside, "default_pass=secret", code=3, says="default or empty password")
    with Bridge(data, outside, "insecure=yes") as b:
        assert b.ready and b.stop() == 0


def default_key_outside(data):
    with Bridge(data) as b:
        done = b.run("user", "passwd", "guest", "--password", "secret")
        assert done.returncode == 0, done.stderr
        assert b.stop() == 0
    refused(data, "host=0.0.0.0", code=3, says="access key guest")
    with Bridge(data) as b:
        assert b.run("key", "delete", "guest", user="guest:secret").returncode == 0
        assert b.stop() == 0
    with Bridge(data, "host=0.0.0.0") as b:
        assert b.ready and b.stop() == 0


def credentials_generated(data):
    with Bridge(data, "default_user=app", "default_pass=generate") as b:
        path = os.path.join(data, "credentials")
        assert os.stat(path).st_mode & 0o777 == 0o600
        with open(path) as f:
            made = dict(line.strip().split(" = ", 1) for line in f)
        assert made["user"] == "app" and len(made["password"]) >= 20
        assert b.logged().count(made["password"]) == 1, "not printed once"
        assert b.run("status", user=f"app:{made['password']}").returncode == 0
        keys = b.run("key", "list", user=f"app:{made['password']}").stdout
        assert made["aws_access_key_id"] in keys and "guest" not in keys
        assert b.run("status").returncode == 7, "guest is there"
        assert b.stop() == 0
    with Bridge(data, "default_user=app", "default_pass=generate") as b:
        assert made["password"] not in b.logged()
        assert b.run("status", user=f"app:{made['password']}").returncode == 0
        assert b.stop() == 0


def container_environment(data):
    given = {"RABBITMQ_DEFAULT_USER": "shop", "RABBITMQ_DEFAULT_PASS": "secret", "RABBITMQ_DEFAULT_VHOST": "store"}
    conf = data + ".conf"
    with open(conf, "w") as f:
        f.write("host = 0.0.0.0\ndefault_pass = generate\n")
    with Bridge(data, environment=given, arguments=["--config", conf]) as b:
        done = b.run("status", user="shop:secret")
        assert done.returncode == 0, done.stderr
        assert b.run("key", "create", "--vhost", "store", user="shop:secret").returncode == 0
        with open(os.path.join(data, "credentials")) as f:
            assert "aws_access_key_id = " in (kept := f.read()) and "secret\n" not in kept, kept
        assert b.stop() == 0


def commands(data):
    with Bridge(data) as b:
        assert b.run("health").stdout == "ready\n"
        status = b.run("status").stdout
        assert re.search(r"^mqbridge \S+ at http://127.0.0.1:\d+: ready, up for ", status), status
        assert f"AMQP 0-9-1 on port {b.ready['amqp']}\n" in status and "No queues." in status
        whole = json.loads(b.run("status", "--json").stdout)
        assert whole["listeners"] == {k: b.ready[k] for k in READY_KEYS[2:]}
        assert b.run("user", "add", "a/b c", "--vhost", "/", "--tags", "monitoring", stdin="p w\n").returncode == 0
        assert "a/b c" in b.run("user", "list").stdout
        assert b.run("status", user="a/b c:p w").returncode == 0
        assert b.run("user", "list", user="a/b c:p w").returncode == 7
        made = b.run("key", "create", "a/b c").stdout
        key = re.search(r"aws_access_key_id = (\S+)\naws_secret_access_key = \S+\n", made)[1]
        assert re.search(rf"^{key}\s+a/b c\s+/$", b.run("key", "list").stdout, re.M)
        assert b.run("key", "delete", key).returncode == 0
        assert b.run("key", "delete", key).returncode == 1
        assert b.run("user", "passwd", "nobody", "--password", "x").returncode == 1
        assert b.run("user", "delete", "a/b c").returncode == 0
        assert b.run("user", "delete", "guest").returncode == 1, "the last administrator"
        assert b.run("status", user="guest:wrong").returncode == 7
        assert b.stop() == 0
        assert b.run("health").returncode == 6


def bench(data):
    with Bridge(data) as b:
        quick = ["--seconds", "1", "--warm-up", "0", "--repeat", "1", "--json", "--pid", str(b.process.pid)]
        few = ["--messages", "2000", "--connections", "20"]
        amqp = f"amqp://guest:guest@127.0.0.1:{b.ready['amqp']}/"
        for uri, cases, labels in (
            (amqp, "a,b,c,d,dn,e,f,g,h,i", ["a", "b", "c", "d", "dn", "e", "f", "g", "h fill", "h drain", "i"]),
            (f"http://guest:guest@127.0.0.1:{b.ready['aws']}", "l", ["l send", "l batch", "l drain"]),
        ):
            done = command("bench", uri, "--case", cases, *quick, *few)
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)["cases"]
            assert [c["label"] for c in told] == labels, told
            for case in told:
                server = case["servers"][0]
                assert server["rate"] > 0 and server["server_rss_peak_mb"] > 0, case
        done = command("bench", amqp, "--against", amqp, "--case", "a", *quick[:-3])
        assert done.returncode == 0 and re.search(r"^a +ratio +[0-9.]+", done.stdout, re.M), done
        for part in ("fill", "ready", "drain"):
            done = command("bench", amqp, "--case", "h", "--part", part, *quick, *few)
            assert done.returncode == 0, done.stderr
        done = command("bench", amqp, "--case", "h", "--part", "ready", *quick)
        assert done.returncode == 1 and "the queue is empty" in done.stderr, done
        left = re.findall(r"^mqb-load\S*", b.run("status").stdout, re.M)
        assert left == ["mqb-load-0"], left  # what "ready" declares
        wrong = command("bench", amqp.replace("guest:guest", "guest:wrong"), "--case", "a", *quick)
        assert wrong.returncode == 1 and "case a failed" in wrong.stderr, wrong
        assert b.stop() == 0
    assert command("bench", "nonsense").returncode == 2
    assert "--against" in command("bench", "--help").stderr


def kept_over_a_restart(data):
    with Bridge(data) as b:
        assert b.run("user", "add", "kept", "--password", "x", "--tags", "monitoring").returncode == 0
        key = re.search(r"aws_access_key_id = (\S+)", b.run("key", "create").stdout)[1]
        b.signal(signal.SIGKILL)
        b.end()
    with Bridge(data) as b:
        assert b.run("status", user="kept:x").returncode == 0
        assert key in b.run("key", "list").stdout
        assert b.stop() == 0


def usage(data):
    assert command("nonsense").returncode == 2
    assert command("user").returncode == 2
    assert command("user", "add").returncode == 2
    assert command("key", "delete").returncode == 2
    assert command("serve", "--nonsense").returncode == 2
    assert command("status", "--url").returncode == 2
    assert command("help").returncode == 0 and "serve" in command("--help").stdout
    assert command("version").stdout.startswith("mqbridge ")
    assert "amqp.port=5672" in command("serve", "--help").stdout
    assert not os.path.exists(data)


def reload(data):
    conf = data + ".conf"
    with open(conf, "w") as f:
        f.write("log.level = info\n")
    with Bridge(data, arguments=["--config", conf]) as b:
        with open(conf, "w") as f:
            f.write("log.level = debug\namqp.heartbeat = 5\n")
        b.signal(signal.SIGHUP)
        b.wait_logged("event=reload.restart_needed key=amqp.heartbeat")
        b.wait_logged("event=reload.done")
        with open(conf, "w") as f:
            f.write("nonsense\n")
        b.signal(signal.SIGHUP)
        b.wait_logged("event=reload.failed")
        assert b.run("health").returncode == 0
        assert b.stop() == 0


def status_of(b):
    request = urllib.request.Request(f"http://127.0.0.1:{b.ready['admin']}/api/status")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return json.load(answer)


def alarms(data):
    """Marks that no machine meets shut the gates; a reload opens them again."""
    conf = data + ".conf"
    with open(conf, "w") as f:
        f.write("disk_free_limit.absolute = 900TB\nvm_memory_high_watermark.relative = 0\nalarm.interval = 20ms\n")
    with Bridge(data, arguments=["--config", conf]) as b:
        b.wait_logged('event=alarm.on reason="low on memory & disk"')
        gates = status_of(b)["gates"]
        assert gates["disk"]["shut"] and gates["memory"]["shut"]
        assert gates["disk"]["now"] < gates["disk"]["low"] and gates["memory"]["now"] > gates["memory"]["high"]
        assert not gates["store"]["shut"] and not gates["spill"]["shut"]
        done = b.run("status")
        assert "low on memory & disk" in done.stdout, done.stdout
        with open(conf, "w") as f:
            f.write("disk_free_limit.absolute = 0\nvm_memory_high_watermark.absolute = 1TB\nalarm.interval = 20ms\n")
        b.signal(signal.SIGHUP)
        b.wait_logged("event=alarm.off")
        gates = status_of(b)["gates"]
        assert not gates["disk"]["shut"] and not gates["memory"]["shut"]
        assert "restart_needed" not in b.logged()
        assert b.stop() == 0


def stop_ends_idle_connections(data):
    with Bridge(data, "stop.grace=60s") as b:
        with socket.create_connection(("127.0.0.1", b.ready["admin"]), WAIT_S) as idle:
            idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(65536).startswith(b"HTTP/1.1 200")
            before = time.monotonic()
            assert b.stop() == 0
            assert time.monotonic() - before < 30, "waited for an idle connection"


def second_signal_is_faster(data):
    with Bridge(data, "stop.grace=300s") as b:
        with socket.create_connection(("127.0.0.1", b.ready["aws"]), WAIT_S) as slow:
            slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
            b.signal(signal.SIGINT)
            b.wait_logged("event=stop.begin")
            for _ in range(20):  # also into the last moments of its life
                if b.process.poll() is None:
                    b.signal(signal.SIGINT)
            code = b.end()
            assert code == 0, f"exit code {code}: {b.logged()}"


SCENARIOS = [
    ready_line,
    listener_off,
    address_taken,
    data_locked,
    data_unusable,
    bad_settings,
    rabbitmq_conf,
    open_to_the_network,
    default_key_outside,
    credentials_generated,
    container_environment,
    commands,
    bench,
    kept_over_a_restart,
    usage,
    reload,
    alarms,
    stop_ends_idle_connections,
    second_signal_is_faster,
]


def main():
    global BINARY, WORK
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("names", nargs="*")
    a = arguments.parse_args()
    BINARY = os.path.abspath(a.binary)
    WORK = tempfile.mkdtemp(prefix="mqbridge-command.")
    failed = 0
    for scenario in SCENARIOS:
        if a.names and scenario.__name__ not in a.names:
            continue
        try:
            scenario(os.path.join(WORK, scenario.__name__))
            print(f"ok command {scenario.__name__}", flush=True)
        except Exception:  # one scenario's end is not the others'
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"FAIL command {scenario.__name__}", flush=True)
    if not a.keep:
        shutil.rmtree(WORK)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
