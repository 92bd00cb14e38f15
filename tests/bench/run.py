#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures mqbridge beside Debian's RabbitMQ, and in case l beside fauxqs, on loopback.

Starts both servers anew for every case, with fresh data directories on the same
disk, and lets `mqbridge bench` put the load on them in turns (A B A B ...). Absolute
figures move with the machine's load: only the ratios of one run count.
docs/performance.md tells what the cases are.

usage: run.py [--cases a,b,c,d] [--repeat 3] [--seconds 8] [--quorum] [--json FILE]
              [--mqbridge BINARY ...] [--only mqbridge|peer] [--dir DIR] [--fauxqs DIR]

--mqbridge given twice compares two builds with each other instead. Case h ends with
two starts of each server on its full queue: after a stop and after kill -9.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CASES = ("a", "b", "c", "d", "dn", "e", "f", "g", "h", "i", "l")
WITH_QUORUM = ("b", "c", "d", "dn", "e")
START_S, STOP_S, CASE_S = 120, 120, 7200
# fauxqs's own command listens on all addresses; this is its application on loopback alone.
FAUXQS = ('import {buildApp} from "fauxqs";'
          'await buildApp({logger:false}).listen({port:Number(process.argv[1]),host:"127.0.0.1"});')


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, what):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{what} ended with {process.returncode} while starting")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{what} did not open port {port} in {START_S} s")


def end_process(process, sig=signal.SIGTERM):
    if process.poll() is not None:
        return
    process.send_signal(sig)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """A process with a folder of its own; start() may follow stop() or kill()."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        os.makedirs(folder)
        self.log = open(os.path.join(folder, "log"), "w", encoding="utf-8")
        self.process = None

    def spawn(self, command, **more):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self.log, **more)

    def kill(self):
        end_process(self.process, signal.SIGKILL)

    def stop(self):
        if self.process:
            end_process(self.process)

    def close(self):
        self.stop()
        self.log.close()


class Mqbridge(Server):
    def __init__(self, name, folder, binary):
        super().__init__(name, folder)
        self.binary = binary
        self.start()

    def start(self):
        self.spawn([self.binary, "serve", "--data", os.path.join(self.folder, "data"), "--set", "amqp.port=0",
                    "--set", "aws.port=0", "--set", "admin.port=0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.binary} did not start, see {self.log.name}")
        self.ready = json.loads(line)

    def uri(self, case):
        return f"http://127.0.0.1:{self.ready['aws']}" if case == "l" else f"amqp://127.0.0.1:{self.ready['amqp']}"


class Rabbitmq(Server):
    """A node of its own with its own epmd: nothing of an installed service is touched."""

    def __init__(self, folder):
        super().__init__("rabbitmq", folder)
        self.port, dist, epmd = free_port(), free_port(), free_port()
        config = os.path.join(folder, "rabbitmq.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        with open(os.path.join(folder, "plugins"), "w", encoding="ascii") as f:
            f.write("[].\n")
        self.env = dict(os.environ, HOME=folder, ERL_EPMD_PORT=str(epmd), ERL_EPMD_ADDRESS="127.0.0.1",
                        RABBITMQ_NODENAME=f"bench{os.getpid()}@localhost", RABBITMQ_DIST_PORT=str(dist),
                        RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_NODE_PORT=str(self.port),
                        RABBITMQ_CONFIG_FILE=config[:-5], RABBITMQ_CONF_ENV_FILE="/dev/null",
                        RABBITMQ_ENABLED_PLUGINS_FILE=os.path.join(folder, "plugins"),
                        RABBITMQ_MNESIA_BASE=os.path.join(folder, "mnesia"),
                        RABBITMQ_LOG_BASE=os.path.join(folder, "logs"),
                        RABBITMQ_PID_FILE=os.path.join(folder, "pid"),
                        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}",
                        RUNNING_UNDER_SYSTEMD="true")  # the script execs the node: our child is the node
        self.epmd = subprocess.Popen(["epmd", "-port", str(epmd), "-address", "127.0.0.1"], env=self.env,
                                     stdout=self.log, stderr=self.log)
        self.start()

    def start(self):
        self.spawn([RABBITMQ], env=self.env, stdout=self.log)
        wait_port(self.port, self.process, "RabbitMQ")

    def uri(self, _case):
        return f"amqp://127.0.0.1:{self.port}"

    def close(self):
        self.stop()
        end_process(self.epmd)
        self.log.close()


class Fauxqs(Server):
    def __init__(self, folder, where):
        super().__init__("fauxqs", folder)
        self.port = free_port()
        self.spawn(["node", "--input-type=module", "-e", FAUXQS, str(self.port)], cwd=where, stdout=self.log)
        wait_port(self.port, self.process, "fauxqs")

    def uri(self, _case):
        return f"http://127.0.0.1:{self.port}"


def bench(args, case, servers, *more):
    """One call of the generator; its JSON, or None. Its table goes to our standard error."""
    command = [args.mqbridge[0], "bench", servers[0].uri(case), "--pid", str(servers[0].process.pid),
               "--case", case, "--json", "--seconds", str(args.seconds), "--warm-up", str(args.warm_up),
               "--repeat", str(args.repeat), "--body", str(args.body), *more]
    if args.messages:
        command += ["--messages", str(args.messages)]
    if len(servers) > 1:
        command += ["--against", servers[1].uri(case), "--against-pid", str(servers[1].process.pid)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=CASE_S)
    return json.loads(done.stdout) if done.stdout else None


def restarts(args, servers):
    """Seconds from the start of each server on a full queue until a declare and a get are answered."""
    once = argparse.Namespace(**{**vars(args), "repeat": 1})
    result = {}
    for server in servers:
        if not bench(once, "h", [server], "--part", "fill"):
            continue
        result[server.name] = {}
        for how, end in (("after a stop", server.stop), ("after kill -9", server.kill)):
            end()
            begin = time.monotonic()
            server.start()
            good = bench(once, "h", [server], "--part", "ready")
            result[server.name][how] = time.monotonic() - begin if good else None
        bench(once, "h", [server], "--part", "drain")
    print("ready, s:", json.dumps(result), file=sys.stderr, flush=True)
    return result


def start(args, case, folder, servers):
    """Adds what it starts to servers, so that a failure half way stops the rest."""
    if args.only != "peer":
        for i, binary in enumerate(args.mqbridge):
            name = "mqbridge" if i == 0 else f"mqbridge-{i + 1}"
            servers.append(Mqbridge(name, os.path.join(folder, name), binary))
    if args.only != "mqbridge" and len(args.mqbridge) == 1:
        peer = os.path.join(folder, "peer")
        servers.append(Fauxqs(peer, args.fauxqs) if case == "l" else Rabbitmq(peer))


def run_case(args, case, queue_type):
    folder = tempfile.mkdtemp(prefix="bench-", dir=args.dir)
    servers = []
    try:
        start(args, case, folder, servers)
        print(f"# case {case}, {queue_type}: " + ", ".join(f"{s.name} {s.uri(case)}" for s in servers),
              file=sys.stderr, flush=True)
        result = bench(args, case, servers, "--queue-type", queue_type)
        if result:
            result["servers"] = {s.uri(case): s.name for s in servers}
            if case == "h":
                result["ready_s"] = restarts(args, servers)
        return result
    finally:
        for server in servers:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cases", default="a,b,c,d")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--seconds", type=int, default=8)
    p.add_argument("--warm-up", type=int, default=2)
    p.add_argument("--body", type=int, default=1024)
    p.add_argument("--messages", type=int, help="of cases h and l's drain")
    p.add_argument("--quorum", action="store_true", help="RabbitMQ's quorum queues too, in the durable cases")
    p.add_argument("--mqbridge", action="append", metavar="BINARY", help="the first one's bench puts the load")
    p.add_argument("--only", choices=("mqbridge", "peer"))
    p.add_argument("--dir", default=os.path.join(ROOT, "build"), help="where the data directories are made")
    p.add_argument("--fauxqs", default=os.path.join(ROOT, "build", "fauxqs"), help="where npm has installed it")
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    args.cases = args.cases.split(",")
    unknown = set(args.cases) - set(CASES)
    if unknown:
        p.error(f"no case {', '.join(sorted(unknown))}")
    args.mqbridge = args.mqbridge or [os.path.join(ROOT, "build", "release", "mqbridge")]
    peer = args.only != "mqbridge" and len(args.mqbridge) == 1
    if "l" in args.cases and peer and not os.path.isdir(os.path.join(args.fauxqs, "node_modules", "fauxqs")):
        p.error(f"case l needs fauxqs: npm install --prefix {args.fauxqs} fauxqs, or --only mqbridge")
    return args


def main():
    args = arguments()
    results = []
    for case in args.cases:
        for queue_type in ["classic"] + (["quorum"] if args.quorum and case in WITH_QUORUM else []):
            result = run_case(args, case, queue_type)
            if result:
                results.append(result)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"load_average": os.getloadavg(), "options": vars(args), "runs": results}, f, indent=1)


if __name__ == "__main__":
    main()
