#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The runtimes of amqplib (Node), amqp091-go and the Java client: how they are had, how they are called.

usage: runtimes.py install      the locked versions, from the package registries

All that they write (modules, caches, programs) is below build/node, build/go and
build/java; Maven keeps its own cache. The user's own settings of npm, go and Maven stay
in force."""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
INSTALL_SECONDS_MAX = 240
BUILD_SECONDS_MAX = 120
NODE_MAJOR_MIN = 18  # amqplib's
NOT_INSTALLED = "not installed (tests/clients/runtimes.py install, part of test.sh)"


class Missing(Exception):
    """Why a runner cannot run here."""


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
        raise Missing(f"{called}: not done within {seconds} s") from None
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        print("\n".join(said), file=sys.stderr)
        raise Missing(f"{called}: {said[-1] if said else done.returncode}")
    return done.stdout


# --- Node: package-lock.json has the version and its hash -----------------------

NODE_SOURCE = os.path.join(HERE, "node")
NODE_HOME = os.path.join(BUILD, "node")
NODE_LOCK = os.path.join(NODE_SOURCE, "package-lock.json")
NODE_LOCK_INSTALLED = os.path.join(NODE_HOME, "node_modules", "mqb-lock.json")


def new_enough_node():
    node = program("node")
    version = output_of([node, "--version"], 20).strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_MAJOR_MIN:
        raise Missing(f"node is {version}, amqplib needs {NODE_MAJOR_MIN}")
    return node


def node_installed():
    try:
        with open(NODE_LOCK) as wanted, open(NODE_LOCK_INSTALLED) as have:
            return wanted.read() == have.read()
    except OSError:
        return False


def node_install():
    new_enough_node()
    if node_installed():
        return
    os.makedirs(NODE_HOME, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(NODE_SOURCE, name), NODE_HOME)
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"]
    bounds = ["--fetch-retries=1", "--fetch-timeout=60000", f"--cache={os.path.join(NODE_HOME, 'cache')}"]
    output_of([program("npm"), "ci", *quiet, *bounds], INSTALL_SECONDS_MAX, cwd=NODE_HOME)
    shutil.copy(NODE_LOCK, NODE_LOCK_INSTALLED)


def node():
    path = new_enough_node()
    if not node_installed():
        raise Missing(NOT_INSTALLED)
    return [path, os.path.join(NODE_SOURCE, "main.mjs"), NODE_HOME]


# --- Go: go.sum has the hashes --------------------------------------------------

GO_HOME = os.path.join(BUILD, "go")
GO_PROGRAM = os.path.join(GO_HOME, "clients")


def go_environment():
    """What `go env -w` wrote is read still; nothing is written to the home directory."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return {
        "GOENV": os.path.join(config, "go", "env"), **os.environ, "XDG_CONFIG_HOME": os.path.join(GO_HOME, "config"),
        "GOPATH": os.path.join(GO_HOME, "path"), "GOMODCACHE": os.path.join(GO_HOME, "modules"),
        "GOCACHE": os.path.join(GO_HOME, "cache"), "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0",
    }


def go_build(seconds, **environment):
    output_of(
        [program("go"), "build", "-o", GO_PROGRAM, "."], seconds,
        cwd=os.path.join(HERE, "go"), env={**go_environment(), **environment},
    )


def go_install():
    go_build(INSTALL_SECONDS_MAX)


def go():
    """Built again, without a network, because the scenarios may have changed."""
    program("go")
    if not os.path.isdir(os.path.join(GO_HOME, "modules")):
        raise Missing(NOT_INSTALLED)
    go_build(BUILD_SECONDS_MAX, GOPROXY="off")
    return [GO_PROGRAM]


# --- Java: pom.xml has the versions ---------------------------------------------

JAVA_SOURCE = os.path.join(HERE, "java")
JAVA_HOME = os.path.join(BUILD, "java")
JAVA_JARS = os.path.join(JAVA_HOME, "dependency")
JAVA_CLASSES = os.path.join(JAVA_HOME, "classes")
JAVA_POM = os.path.join(JAVA_SOURCE, "pom.xml")
JAVA_POM_INSTALLED = os.path.join(JAVA_JARS, "pom.xml")
JAVA_MAJOR_MIN = 17


def java_installed():
    try:
        with open(JAVA_POM) as wanted, open(JAVA_POM_INSTALLED) as have:
            return wanted.read() == have.read()
    except OSError:
        return False


def java_install():
    program("java")
    if java_installed():
        return
    shutil.rmtree(JAVA_JARS, ignore_errors=True)
    quiet = ["-q", "-B", "-Dstyle.color=never", "-Dmaven.wagon.http.retryHandler.count=1"]
    output_of([program("mvn"), "dependency:copy-dependencies", *quiet, "-f", JAVA_POM], INSTALL_SECONDS_MAX)
    shutil.copy(JAVA_POM, JAVA_POM_INSTALLED)


def java():
    """Compiled again, because the scenarios may have changed."""
    path, compiler = program("java"), program("javac")
    version = output_of([compiler, "-version"], 60).split()[-1]
    if int(version.split(".")[0]) < JAVA_MAJOR_MIN:
        raise Missing(f"javac is {version}, the scenarios need {JAVA_MAJOR_MIN}")
    if not java_installed():
        raise Missing(NOT_INSTALLED)
    sources = sorted(os.path.join(JAVA_SOURCE, name) for name in os.listdir(JAVA_SOURCE) if name.endswith(".java"))
    shutil.rmtree(JAVA_CLASSES, ignore_errors=True)
    flags = ["-encoding", "UTF-8", "-Xlint:all", "-Xlint:-classfile", "-d", JAVA_CLASSES, "-cp", os.path.join(JAVA_JARS, "*")]
    try:
        output_of([compiler, *flags, *sources], BUILD_SECONDS_MAX)
    except Missing as failure:
        raise Broken(str(failure)) from None
    classes = os.pathsep.join((JAVA_CLASSES, os.path.join(JAVA_JARS, "*")))
    # For short runs: little memory, no long compilation of what runs once.
    return [path, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", classes, "Main"]


def main():
    if sys.argv[1:] != ["install"]:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    code = 0
    for client, install in (("amqplib", node_install), ("amqp091-go", go_install), ("amqp-client", java_install)):
        try:
            install()
        except Missing as reason:
            print(f"{client} could not be installed: {reason}", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
