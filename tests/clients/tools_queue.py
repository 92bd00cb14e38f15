# SPDX-License-Identifier: Apache-2.0
"""rabbitmq-c's tools: amqp-declare-queue, -publish, -get, -delete-queue."""

import os
import subprocess

import durable
from rig import expect, require, scenario

SECONDS_MAX = 40


def command(ctx, name, *arguments):
    return [f"amqp-{name}", "--server=127.0.0.1", f"--port={ctx.port}", *arguments]


def tool(ctx, name, *arguments, body=b"", code=0):
    """Its standard output, or with another code than 0 its standard error."""
    done = subprocess.run(command(ctx, name, *arguments), input=body, capture_output=True, timeout=SECONDS_MAX, check=False)
    said = done.stderr.decode(errors="replace").strip()
    expect(done.returncode, code, f"amqp-{name} {' '.join(arguments)}: {said}")
    return said if code else done.stdout


def queue(ctx):
    """A new durable one."""
    name = ctx.name()
    expect(tool(ctx, "declare-queue", "-d", "-q", name), name.encode() + b"\n")
    return name


@scenario()
def publish_and_get(ctx):
    """A message with properties and headers; get of an empty queue ends with 2; delete tells the count"""
    name = queue(ctx)
    for i in range(3):
        tool(ctx, "publish", "-r", name, "-p", "-C", "text/plain", "-E", "utf-8", "-t", "answers", "-H", f"n: {i}", "-b", f"m{i}")
    expect(tool(ctx, "get", "-q", name), b"m0")
    expect(tool(ctx, "delete-queue", "-q", name), b"2\n")
    expect(tool(ctx, "delete-queue", "-q", name), b"0\n", "one that is not there")
    expect(tool(ctx, "get", "-q", queue(ctx), code=2), "")


@scenario()
def lines(ctx):
    """--line-buffered: a message a line, in order"""
    name = queue(ctx)
    tool(ctx, "publish", "-r", name, "-l", body=b"".join(b"%d\n" % i for i in range(20)))
    for i in range(20):
        expect(tool(ctx, "get", "-q", name).rstrip(b"\n"), b"%d" % i)


@scenario()
def server_named(ctx):
    """declare-queue without a name: a server's name (not exclusive)"""
    name = tool(ctx, "declare-queue", "-q", "").decode().strip()
    require(name.startswith("amq.gen-") and len(name) == 30, f"name {name}")
    tool(ctx, "delete-queue", "-q", name)


@scenario()
def large_message(ctx):
    """5 MiB through standard input and output"""
    name = queue(ctx)
    body = os.urandom(5 << 20)
    tool(ctx, "publish", "-r", name, "-p", body=body)
    require(tool(ctx, "get", "-q", name) == body, "the body differs")


@scenario()
def errors(ctx):
    """Code and text of each error, as the tools print them; (tool, arguments, text)"""
    name = queue(ctx)
    tool(ctx, "publish", "-r", name, "-b", "m")
    channel, connection = "server channel error", "server connection error"
    vhost = "in vhost '/'"
    rows = (
        ("get", ("-q", f"no{name}"), f"{channel} 404, message: NOT_FOUND - no queue 'no{name}' {vhost}"),
        (
            "declare-queue", ("-q", name),
            f"{channel} 406, message: PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{name}' {vhost}: received 'false' but current is 'true'",
        ),
        ("declare-queue", ("-q", "amq.mine"), f"{channel} 403, message: ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"),
        ("delete-queue", ("-e", "-q", name), f"{channel} 406, message: PRECONDITION_FAILED - queue '{name}' {vhost} not empty"),
        (
            "get", ("-q", name, "--password=wrong", "--username=guest"),
            f"{connection} 403, message: ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.",
        ),
        ("get", ("-q", name, "--vhost=nosuch"), f"{connection} 530, message: NOT_ALLOWED - vhost nosuch not found"),
    )
    for verb, arguments, text in rows:
        said = tool(ctx, verb, *arguments, code=1)
        require(text in said, f"amqp-{verb} {' '.join(arguments)}: said {said!r}, expected {text!r}")
    expect(tool(ctx, "get", "-q", name), b"m")


@scenario()
def over_a_restart(ctx):
    """What a durable queue and a persistent message are for"""
    broker, own = durable.own_broker(ctx)
    name = queue(own)
    passing = own.name()
    tool(own, "declare-queue", "-q", passing)
    tool(own, "publish", "-r", name, "-p", "-b", "kept")
    broker.stop()
    said = tool(own, "get", "-q", name, code=1)
    require("opening socket" in said, f"while the broker is stopped: {said!r}")
    broker.start()
    expect(tool(own, "get", "-q", name), b"kept")
    require("404" in tool(own, "get", "-q", passing, code=1), "the transient queue is still there")
