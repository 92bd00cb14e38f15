#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scenarios in other languages: how their runtimes are had and how they are run.

usage: external.py install      what they need, from the package registries into build/

Each is a program that takes `ENDPOINT-JSON LABEL JOBS [NAME-PART…]` and prints one line
a scenario, as suite.py does. For a broker that it may restart it writes `ask start` or
`ask stop` on a line; the answer is one line of JSON on its standard input: {} or
{"error": …}, and for `start` the endpoint. It is one broker a program, on the same
port and data at every start. Other lines go through.

What a runtime writes stays below build/ (modules, caches, programs)."""

import json
import os
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, HERE)

import brokers  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))
INSTALL_SECONDS_MAX = 240
BUILD_SECONDS_MAX = 120


class Unavailable(Exception):
    """Why these scenarios cannot run here."""


def build(*parts):
    return os.path.join(ROOT, "build", *parts)


def program(name):
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"no {name}")
    return path


def output_of(command, seconds, **given):
    """Its standard output; Unavailable with its last line when it fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, check=False,
            text=True, errors="replace", **given,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{os.path.basename(command[0])}: not done within {seconds} s") from None
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()] or [f"code {done.returncode}"]
        print("\n".join(said), file=sys.stderr)
        raise Unavailable(f"{os.path.basename(command[0])} {command[1]}: {said[-1].strip()}")
    return done.stdout


class Node:
    """amqplib: package-lock.json has the version and its hash."""

    label = "node"
    client = "amqplib"
    source = os.path.join(HERE, "node")
    home = build("node")

    def node(self):
        node = program("node")
        version = output_of([node, "--version"], 20).strip()
        if int(version.lstrip("v").split(".")[0]) < 18:
            raise Unavailable(f"node is {version}, amqplib needs 18")
        return node

    def same_lock(self):
        kept = os.path.join(self.home, "node_modules", ".mqb-lock.json")
        try:
            with open(kept) as have, open(os.path.join(self.source, "package-lock.json")) as want:
                return have.read() == want.read()
        except OSError:
            return False

    def install(self):
        self.node()
        if self.same_lock():
            return
        os.makedirs(self.home, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(os.path.join(self.source, name), self.home)
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"]
        bounds = ["--fetch-retries=1", "--fetch-timeout=60000", f"--cache={build('node', 'cache')}"]
        output_of([program("npm"), "ci", *quiet, *bounds], INSTALL_SECONDS_MAX, cwd=self.home)
        shutil.copy(os.path.join(self.source, "package-lock.json"), os.path.join(self.home, "node_modules", ".mqb-lock.json"))

    def command(self):
        node = self.node()
        if not self.same_lock():
            raise Unavailable("not installed (tests/clients/external.py install)")
        return [node, os.path.join(self.source, "main.mjs")], {"MQB_NODE_MODULES": self.home}


class Go:
    """amqp091-go: go.sum has the hashes."""

    label = "go"
    client = "amqp091-go"
    source = os.path.join(HERE, "go")
    home = build("go")

    def environment(self, **given):
        """The user's `go env -w` stays in force; nothing is written to the home directory."""
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
        return {
            **os.environ, "GOENV": os.environ.get("GOENV") or os.path.join(config, "go", "env"), "XDG_CONFIG_HOME": build("go", "config"),
            "GOPATH": build("go", "path"), "GOMODCACHE": build("go", "modules"), "GOCACHE": build("go", "cache"),
            "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0", **given,
        }

    def make(self, seconds, **given):
        program_path = build("go", "clients")
        output_of([program("go"), "build", "-o", program_path, "."], seconds, cwd=self.source, env=self.environment(**given))
        return program_path

    def install(self):
        self.make(INSTALL_SECONDS_MAX)

    def command(self):
        program("go")
        if not os.path.isdir(build("go", "modules", "cache", "download")):
            raise Unavailable("not installed (tests/clients/external.py install)")
        return [self.make(BUILD_SECONDS_MAX, GOPROXY="off")], {}


EXTERNALS = (Node(), Go())


class OwnBroker:
    """What `ask` reaches."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.broker = None

    def answer(self, verb):
        try:
            if verb == "stop" and self.broker:
                self.broker.stop()
                return {}
            if verb != "start":
                return {"error": f"no such verb here: {verb}"}
            if self.broker is None:
                self.broker = brokers.own(self.endpoint)
            self.broker.start()
            return {**self.endpoint, **self.broker.endpoint()}
        except brokers.BrokerFailed as failure:
            return {"error": " ".join(str(failure).split())}

    def end(self):
        """Why it did not end well, or None."""
        if self.broker is None:
            return None
        try:
            self.broker.end()
        except brokers.BrokerFailed as failure:
            return " ".join(str(failure).split())
        return None


def pass_lines(child, own):
    """Answers what it asks, lets the rest through; whether a line was a FAIL."""
    failed = False
    for line in child.stdout:
        if line.startswith("ask "):
            try:
                child.stdin.write(json.dumps(own.answer(line.split()[1])) + "\n")
                child.stdin.flush()
            except BrokenPipeError:
                pass
            continue
        failed |= line.startswith("FAIL ")
        print(line.rstrip("\n"), flush=True)
    return failed


def run(external, endpoint, jobs, parts, seconds):
    """Whether all went well; what cannot run is a `skip` line, which is well."""
    name = f"{external.client} [{external.label}]"
    try:
        command, environment = external.command()
    except Unavailable as reason:
        print(f"skip {name}: {reason}")
        return True
    own = OwnBroker(endpoint)
    with subprocess.Popen(
        [*command, json.dumps(endpoint), external.label, str(jobs), *parts], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, errors="replace", env={**os.environ, **environment},
    ) as child:
        late = threading.Timer(seconds, child.kill)
        late.start()
        try:
            failed = pass_lines(child, own)
            code = child.wait()
        except BaseException:
            child.kill()
            raise
        finally:
            in_time = late.is_alive()
            late.cancel()
            trouble = own.end()
    if not in_time:
        trouble = f"not done within {seconds} s"
    elif code not in (0, 1) or (code and not failed):
        trouble = f"it ended with exit code {code}"
    if trouble:
        print(f"FAIL {name}: {trouble}")
    return not failed and not trouble


def main():
    if sys.argv[1:] != ["install"]:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    well = True
    for external in EXTERNALS:
        try:
            external.install()
        except Unavailable as reason:
            well = False
            print(f"{external.client}: {reason}", file=sys.stderr)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
