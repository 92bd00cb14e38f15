#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures mqbridge beside Debian's RabbitMQ, in one run, on loopback.

Both servers run with fresh data directories on the same disk; for every case
they take turns (A B A B ...), and the medians of the repeats and their ratio
are printed. Absolute figures move with the machine's load: only the ratios of
one run count. docs/performance.md tells what the cases are.

usage: run.py [--cases a,b,c,d] [--repeat 3] [--seconds 8] [--quorum] [--json FILE]
              [--mqbridge BINARY ...] [--only mqbridge|rabbitmq] [--dir DIR]

--mqbridge given twice compares two builds with each other instead.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CASES = ("a", "b", "c", "d", "dn", "e", "f")
START_S, STOP_S, CASE_MARGIN_S = 60, 60, 180


def build_generator():
    """Compiles the load generator when a source is newer than it."""
    bench = os.path.join(ROOT, "tests", "bench")
    sources = [os.path.join(bench, f) for f in sorted(os.listdir(bench))
               if f == "amqp_load.c" or f.startswith("load_")]
    sources.append(os.path.join(ROOT, "bridge", "base", "clock.c"))
    out = os.path.join(ROOT, "build", "bench", "amqp_load")
    if os.path.exists(out) and all(os.path.getmtime(s) <= os.path.getmtime(out) for s in sources):
        return out
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wconversion",
                    "-Wno-sign-conversion", "-I" + os.path.join(ROOT, "bridge"), "-I" + bench, "-o", out]
                   + [s for s in sources if s.endswith(".c")], check=True)
    return out


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
            time.sleep(0.1)
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


class Mqbridge:
    def __init__(self, binary, folder, name):
        self.name = name
        self.folder = folder
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen(
            [binary, "serve", "--data", os.path.join(folder, "data"), "--set", "amqp.port=0",
             "--set", "aws.port=0", "--set", "admin.port=0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{binary} did not start, see {self.log.name}")
        self.port = json.loads(line)["amqp"]
        self.pid = self.process.pid

    def stop(self):
        end_process(self.process)
        self.log.close()


class Rabbitmq:
    """A node of its own with its own epmd: nothing of an installed service is touched."""

    def __init__(self, folder):
        self.name = "rabbitmq"
        self.folder = folder
        self.port, dist, epmd = free_port(), free_port(), free_port()
        self.log = open(os.path.join(folder, "log"), "w")
        config = os.path.join(folder, "rabbitmq.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        with open(os.path.join(folder, "plugins"), "w", encoding="ascii") as f:
            f.write("[].\n")
        env = dict(os.environ, HOME=folder, ERL_EPMD_PORT=str(epmd), ERL_EPMD_ADDRESS="127.0.0.1",
                   RABBITMQ_NODENAME=f"bench{os.getpid()}@localhost", RABBITMQ_DIST_PORT=str(dist),
                   RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_NODE_PORT=str(self.port),
                   RABBITMQ_CONFIG_FILE=config[:-5], RABBITMQ_CONF_ENV_FILE="/dev/null",
                   RABBITMQ_ENABLED_PLUGINS_FILE=os.path.join(folder, "plugins"),
                   RABBITMQ_MNESIA_BASE=os.path.join(folder, "mnesia"),
                   RABBITMQ_LOG_BASE=os.path.join(folder, "logs"),
                   RABBITMQ_PID_FILE=os.path.join(folder, "pid"),
                   RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}",
                   RUNNING_UNDER_SYSTEMD="true")  # the script execs the node: our child is the node
        self.epmd = subprocess.Popen(["epmd", "-port", str(epmd), "-address", "127.0.0.1"], env=env,
                                     stdout=self.log, stderr=self.log)
        self.process = subprocess.Popen([RABBITMQ], env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        try:
            wait_port(self.port, self.process, "RabbitMQ")
        except SystemExit:
            self.stop()
            raise
        self.pid = self.process.pid

    def stop(self):
        end_process(self.process)
        end_process(self.epmd)
        self.log.close()


def measure(generator, server, case, args, queue_type):
    command = [generator, "--port", str(server.port), "--case", case, "--queue-type", queue_type,
               "--seconds", str(args.seconds), "--warm-up", str(args.warm_up), "--body", str(args.body),
               "--server-pid", str(server.pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=args.seconds + args.warm_up + CASE_MARGIN_S)
    if done.returncode != 0:
        print(f"{server.name} {case}: {done.stderr.strip()}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def median(runs, key):
    return statistics.median(r[key] for r in runs) if runs else None


def per_million(runs, key):
    return statistics.median(r[key] * 1e6 / max(r["messages"], 1) for r in runs)


def summary(runs):
    return {"rate": median(runs, "rate"), "p50_us": median(runs, "p50_us"), "p99_us": median(runs, "p99_us"),
            "p999_us": median(runs, "p999_us"), "server_cpu_s_per_million": per_million(runs, "server_cpu_s"),
            "generator_cpu_s_per_million": per_million(runs, "generator_cpu_s"),
            "server_rss_peak_kb": median(runs, "server_rss_peak_kb"), "runs": runs}


HEAD = f"{'case':<10}{'server':<12}{'rate/s':>10}{'p50 µs':>9}{'p99 µs':>9}{'p99.9':>9}" \
       f"{'CPU s/M':>9}{'gen s/M':>9}{'RSS MB':>8}"


def print_row(label, name, s):
    print(f"{label:<10}{name:<12}{s['rate']:>10.0f}{s['p50_us']:>9.0f}{s['p99_us']:>9.0f}{s['p999_us']:>9.0f}"
          f"{s['server_cpu_s_per_million']:>9.2f}{s['generator_cpu_s_per_million']:>9.2f}"
          f"{s['server_rss_peak_kb'] / 1024:>8.0f}", flush=True)


def ratios(first, other):
    return {"rate": first["rate"] / other["rate"],
            "server_cpu": first["server_cpu_s_per_million"] / max(other["server_cpu_s_per_million"], 1e-9),
            "p50": first["p50_us"] / max(other["p50_us"], 1), "p99": first["p99_us"] / max(other["p99_us"], 1)}


def run_case(generator, servers, case, args, queue_type):
    """All servers in turn, args.repeat times; {server: summary} and the ratio of the first two."""
    runs = {s.name: [] for s in servers}
    for _ in range(args.repeat):
        for server in servers:
            r = measure(generator, server, case, args, queue_type)
            if r:
                runs[server.name].append(r)
    label = case if queue_type == "classic" else case + " quorum"
    result = {name: summary(r) for name, r in runs.items() if r}
    for name, s in result.items():
        print_row(label, name, s)
    both = [result[s.name] for s in servers if s.name in result]
    if len(both) == 2:
        result["ratio"] = ratios(*both)
        print(f"{label:<10}{'ratio':<12}{result['ratio']['rate']:>10.2f}{result['ratio']['p50']:>9.3f}"
              f"{result['ratio']['p99']:>9.3f}{'':>9}{result['ratio']['server_cpu']:>9.3f}", flush=True)
    return label, result


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cases", default="a,b,c,d")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--seconds", type=int, default=8)
    p.add_argument("--warm-up", type=int, default=2)
    p.add_argument("--body", type=int, default=1024)
    p.add_argument("--quorum", action="store_true", help="RabbitMQ's quorum queues too, in the durable cases")
    p.add_argument("--mqbridge", action="append", metavar="BINARY")
    p.add_argument("--only", choices=("mqbridge", "rabbitmq"))
    p.add_argument("--dir", default=os.path.join(ROOT, "build"), help="where the data directories are made")
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    args.cases = args.cases.split(",")
    unknown = set(args.cases) - set(CASES)
    if unknown:
        p.error(f"no case {', '.join(sorted(unknown))}")
    args.mqbridge = args.mqbridge or [os.path.join(ROOT, "build", "release", "mqbridge")]
    return args


def start(args, folder, servers):
    """Adds what it starts to servers, so that a failure half way stops the rest."""
    def place(name):
        path = os.path.join(folder, name)
        os.mkdir(path)
        return path
    if args.only != "rabbitmq":
        for i, binary in enumerate(args.mqbridge):
            name = "mqbridge" if i == 0 else f"mqbridge-{i + 1}"
            servers.append(Mqbridge(binary, place(name), name))
    if args.only != "mqbridge" and len(args.mqbridge) == 1:
        servers.append(Rabbitmq(place("rabbitmq")))


def main():
    args = arguments()
    generator = build_generator()
    folder = tempfile.mkdtemp(prefix="bench-", dir=args.dir)
    servers, results = [], {}
    try:
        start(args, folder, servers)
        print(HEAD, flush=True)
        for case in args.cases:
            types = ["classic"] + (["quorum"] if args.quorum and case in ("b", "c", "d", "dn", "e") else [])
            for queue_type in types:
                label, result = run_case(generator, servers, case, args, queue_type)
                results[label] = result
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"load_average": os.getloadavg(), "options": vars(args), "cases": results}, f, indent=1)


if __name__ == "__main__":
    main()
