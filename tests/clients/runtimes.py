#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of Node, Go and Java, RabbitMQ's and AWS's: how they are had, how they are called.

usage: runtimes.py install      the locked versions, from the package registries

All that they write (modules, caches, programs) is below build/node, build/go,
build/java and the like; Maven keeps its own cache. The user's own settings of npm, go and Maven stay
in force."""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
INSTALL_SECONDS_MAX = 240
BUILD_SECONDS_MAX = 120
FIRST_BUILD_SECONDS_MAX = 600  # Go's, with its library and the SDK
NOT_INSTALLED = "not installed (tests/clients/runtimes.py install, part of test.sh)"


class Missing(Exception):
    """Why a runner cannot run here."""


class Late(Missing):
    """It took longer than it may."""


class Broken(Exception):
    """Our own sources do not build."""


def program(name):
    path = shutil.which(name)
    if not path:
        raise Missing(f"{name} is not installed")
    return path


def output_of(command, seconds, **given):
    """Its standard output; Missing with its last line when it fails."""
    called = " ".join([os.path.basename(command[0]), command[1]])
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False, text=True, errors="replace", **given,
        )
    except subprocess.TimeoutExpired:
        raise Late(f"{called}: not done within {seconds} s") from None
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        print("\n".join(said), file=sys.stderr)
        raise Missing(f"{called}: {said[-1] if said else done.returncode}")
    return done.stdout


# --- Node: package-lock.json has the versions and their hashes -------------------


class Node:
    """The scenarios of tests/clients/NAME, their modules in build/NAME."""

    def __init__(self, name, major_min):
        self.source = os.path.join(HERE, name)
        self.home = os.path.join(BUILD, name)
        self.major_min = major_min
        self.lock = os.path.join(self.source, "package-lock.json")
        self.lock_installed = os.path.join(self.home, "node_modules", "mqb-lock.json")

    def new_enough(self):
        node = program("node")
        version = output_of([node, "--version"], 20).strip()
        if int(version.lstrip("v").split(".")[0]) < self.major_min:
            raise Missing(f"node is {version}, the client needs {self.major_min}")
        return node

    def installed(self):
        try:
            with open(self.lock) as wanted, open(self.lock_installed) as have:
                return wanted.read() == have.read()
        except OSError:
            return False

    def install(self):
        self.new_enough()
        if self.installed():
            return
        os.makedirs(self.home, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(self.source, name), self.home)
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"]
        bounds = ["--fetch-retries=1", "--fetch-timeout=60000", f"--cache={os.path.join(self.home, 'cache')}"]
        output_of([program("npm"), "ci", *quiet, *bounds], INSTALL_SECONDS_MAX, cwd=self.home)
        shutil.copy(self.lock, self.lock_installed)

    def command(self):
        path = self.new_enough()
        if not self.installed():
            raise Missing(NOT_INSTALLED)
        return [path, "--no-warnings", os.path.join(self.source, "main.mjs"), self.home]


# --- Go: go.sum has the hashes --------------------------------------------------


class Go:
    """The module of tests/clients/NAME; its program, its modules and caches in build/NAME."""

    def __init__(self, name):
        self.source = os.path.join(HERE, name)
        self.home = os.path.join(BUILD, name)
        self.program = os.path.join(self.home, "clients")

    def environment(self):
        """What `go env -w` wrote is read still; nothing is written to the home directory."""
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        return {
            "GOENV": os.path.join(config, "go", "env"), **os.environ, "XDG_CONFIG_HOME": os.path.join(self.home, "config"),
            "GOPATH": os.path.join(self.home, "path"), "GOMODCACHE": os.path.join(self.home, "modules"),
            "GOCACHE": os.path.join(self.home, "cache"), "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false",
            "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0",
        }

    def run(self, arguments, seconds, **environment):
        return output_of([program("go"), *arguments], seconds, cwd=self.source, env={**self.environment(), **environment})

    def module(self):
        with open(os.path.join(self.source, "go.mod")) as file:
            return file.read()

    def required(self):
        return re.findall(r"^\s*(?:require )?(\S+/\S+) v\S+", self.module(), re.MULTILINE)

    def new_enough(self):
        wanted = re.search(r"^go (\d+)\.(\d+)", self.module(), re.MULTILINE).groups()
        version = self.run(["env", "GOVERSION"], 60).strip()
        have = re.match(r"go(\d+)\.(\d+)", version)
        if not have or tuple(map(int, have.groups())) < tuple(map(int, wanted)):
            raise Missing(f"go is {version}, the client needs {'.'.join(wanted)}")

    def install(self):
        self.new_enough()
        self.run(["mod", "download", *self.required()], INSTALL_SECONDS_MAX)
        self.command(FIRST_BUILD_SECONDS_MAX)

    def command(self, seconds=INSTALL_SECONDS_MAX):
        """Built again, without a network, because the scenarios may have changed."""
        program("go")
        self.new_enough()
        there = self.run(["list", "-m", "-f", "{{if .Dir}}there{{end}}", *self.required()], BUILD_SECONDS_MAX, GOPROXY="off")
        if there.split() != ["there"] * len(self.required()):
            raise Missing(NOT_INSTALLED)
        try:
            self.run(["build", "-o", self.program, "."], seconds, GOPROXY="off")
        except Late:
            raise
        except Missing as failure:
            raise Broken(str(failure)) from None
        return [self.program]


# --- Java: pom.xml has the versions ---------------------------------------------


class Java:
    """The sources of tests/clients/NAME and those of `shared`; jars and classes in build/NAME."""

    MAJOR_MIN = 17

    def __init__(self, name, shared=()):
        self.source = os.path.join(HERE, name)
        self.shared = [os.path.join(HERE, path) for path in shared]
        self.jars = os.path.join(BUILD, name, "dependency")
        self.classes = os.path.join(BUILD, name, "classes")
        self.pom = os.path.join(self.source, "pom.xml")
        self.pom_installed = os.path.join(self.jars, "pom.xml")

    def installed(self):
        try:
            with open(self.pom) as wanted, open(self.pom_installed) as have:
                return wanted.read() == have.read()
        except OSError:
            return False

    def install(self):
        program("java")
        if self.installed():
            return
        shutil.rmtree(self.jars, ignore_errors=True)
        quiet = ["-q", "-B", "-Dstyle.color=never", "-Dmaven.wagon.http.retryHandler.count=1"]
        output_of([program("mvn"), "dependency:copy-dependencies", *quiet, "-f", self.pom], INSTALL_SECONDS_MAX)
        shutil.copy(self.pom, self.pom_installed)

    def command(self):
        """Compiled again, because the scenarios may have changed."""
        path, compiler = program("java"), program("javac")
        version = output_of([compiler, "-version"], 60).split()[-1]
        if int(version.split(".")[0]) < self.MAJOR_MIN:
            raise Missing(f"javac is {version}, the scenarios need {self.MAJOR_MIN}")
        if not self.installed():
            raise Missing(NOT_INSTALLED)
        sources = sorted(os.path.join(self.source, name) for name in os.listdir(self.source) if name.endswith(".java"))
        shutil.rmtree(self.classes, ignore_errors=True)
        lint = ["-Xlint:all", "-Xlint:-classfile"]
        flags = ["-encoding", "UTF-8", *lint, "-d", self.classes, "-cp", os.path.join(self.jars, "*")]
        try:
            output_of([compiler, *flags, *sources, *self.shared], BUILD_SECONDS_MAX)
        except Late:
            raise
        except Missing as failure:
            raise Broken(str(failure)) from None
        classes = os.pathsep.join((self.classes, os.path.join(self.jars, "*")))
        # For short runs: little memory, no long compilation of what runs once.
        return [path, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", classes, "Main"]


CLIENTS = {
    "amqplib": Node("node", 18),
    "amqp091-go": Go("go"),
    "amqp-client": Java("java"),
    "@aws-sdk and sqs-consumer": Node("node_aws", 20),
    "aws-sdk-go-v2": Go("go_aws"),
    "software.amazon.awssdk": Java("java_aws", ("java/Broker.java", "java/Check.java")),
}


def main():
    if sys.argv[1:] != ["install"]:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    code = 0
    for client, runtime in CLIENTS.items():
        try:
            runtime.install()
        except (Missing, Broken) as reason:
            print(f"{client} could not be installed: {reason}", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
