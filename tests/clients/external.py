# SPDX-License-Identifier: Apache-2.0
"""Stock clients of other languages: a runner each, a program that gets a broker and prints lines.

A runner is called with PORT BROKER [NAME-PART…] (BROKER: mqbridge or rabbitmq, on
127.0.0.1; PORT: for AMQP, or for HTTP where its name begins with `aws`) and has a broker
to itself. It prints, one a line:

  client NAME VERSION      first; the label of what follows
  ok NAME                  a scenario; also `FAIL NAME: why`, `skip NAME: why`
  restart                  asks for an orderly restart of its broker on the same
                           port and data; `restarted` on its standard input follows
  stop, start              the same in two steps: `stopped`, `started` follow

and ends with code 0, or 1 with a FAIL. Its standard error is a log, shown when it
ends otherwise. What a runner needs is installed and built by test.sh; where that is
missing, `skip NAME: why`."""

import os
import signal
import subprocess
import sys
import tempfile
import threading

import brokers
import runtimes
from runtimes import Broken, Missing, program

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
RUNNER_SECONDS_MAX = 240


def ruby():
    command = [program("ruby"), os.path.join(HERE, "ruby", "main.rb")]
    if subprocess.run([command[0], "-e", "require 'bunny'"], capture_output=True, check=False).returncode:
        raise Missing("no Bunny for this Ruby")
    return command


def php():
    command = [program("php"), os.path.join(HERE, "php", "main.php")]
    probe = "exit((@include 'PhpAmqpLib/autoload.php') ? 0 : 1);"
    if subprocess.run([command[0], "-r", probe], capture_output=True, check=False).returncode:
        raise Missing("no php-amqplib for this PHP")
    return command


# One row a language: name, function that answers its command or raises Missing.
RUNNERS = {
    "java": runtimes.CLIENTS["amqp-client"].command, "ruby": ruby, "php": php,
    "node": runtimes.CLIENTS["amqplib"].command, "go": runtimes.CLIENTS["amqp091-go"].command,
    "aws-java": runtimes.CLIENTS["software.amazon.awssdk"].command, "aws-go": runtimes.CLIENTS["aws-sdk-go-v2"].command,
    "aws-node": runtimes.CLIENTS["@aws-sdk and sqs-consumer"].command,
}


class Run:
    """One runner with a broker of its own, from start to end."""

    def __init__(self, name, binary, peer, say):
        self.label = name
        self.aws = name.startswith("aws")
        self.peer = peer
        self.say = say
        self.failed = 0
        self.passed = 0
        if peer:
            self.broker = brokers.RabbitMQ()
        else:
            listener = "aws" if self.aws else "amqp"
            self.broker = brokers.Mqbridge(binary, settings=[f"{listener}.port={brokers.free_port()}"])
        self.child = None
        self.timed_out = False
        self.well = False

    def request(self, word):
        """A runner's wish for its broker."""
        if word in ("restart", "stop"):
            self.broker.stop()
        if word in ("restart", "start"):
            self.broker.start()
        answer = {"restart": "restarted", "stop": "stopped", "start": "started"}[word]
        try:
            os.write(self.child.stdin.fileno(), f"{answer}\n".encode())
        except BrokenPipeError:
            pass  # it has ended meanwhile; its lines say why

    def line(self, text):
        word, _, rest = text.partition(" ")
        if word == "client":
            self.label = rest
        elif text in ("restart", "stop", "start"):
            self.request(text)
        elif word in ("ok", "FAIL", "skip") and rest:
            name, colon, reason = rest.partition(":")
            self.failed += word == "FAIL"
            self.passed += word == "ok"
            self.say(f"{word} {name} [{self.label}]{colon}{reason}")
        elif text:
            self.fail(f"does not understand the line {text!r}")

    def fail(self, why):
        self.failed += 1
        self.say(f"FAIL clients [{self.label}]: {' '.join(str(why).split())}")

    def expire(self):
        self.timed_out = True
        self.kill()

    def kill(self):
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def watch(self, command, parts):
        """Runs it and reads its lines to the end."""
        port = self.broker.aws if self.aws else self.broker.amqp
        arguments = [*command, str(port), self.broker.name, *parts]
        with tempfile.TemporaryFile(mode="w+") as log:
            self.child = subprocess.Popen(
                arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, errors="replace",
                cwd=self.broker.directory, start_new_session=True,
            )
            timer = threading.Timer(RUNNER_SECONDS_MAX, self.expire)
            timer.start()
            try:
                for text in self.child.stdout:
                    self.line(text.rstrip("\n"))
                code = self.child.wait()
            except BaseException:
                self.kill()
                self.child.wait()
                raise
            finally:
                timer.cancel()
                self.child.stdin.close()
                self.child.stdout.close()
            if self.timed_out:
                self.fail(f"not done within {RUNNER_SECONDS_MAX} s")
            elif code not in (0, 1) or (code == 1 and not self.failed):
                self.fail(f"ended with {code}")
            if self.failed:
                log.seek(0)
                self.say("".join(log.readlines()[-60:]).rstrip(), error=True)

    def run(self, command, parts, keep):
        try:
            self.broker.start()
            self.watch(command, parts)
            if not self.broker.running():
                raise brokers.BrokerFailed(f"the broker died:\n{brokers.tail(self.broker.log, 80)}")
            self.broker.end(keep)
        except brokers.BrokerFailed as failure:
            self.fail(failure)
        except Exception as error:  # of this adapter
            self.fail(f"{type(error).__name__}: {error}")
        finally:
            self.broker.kill()
            self.broker.end(keep)
        if not self.passed and not parts:
            self.fail("no scenario passed")
        self.well = self.failed == 0

    def abandon(self):
        """Ends both processes, from another thread."""
        if self.child is not None:
            self.kill()
        self.broker.kill()
        self.broker.end()


def run(names, binary, peer, parts, keep=False):
    """The runners of those names at once; whether all went well."""
    lock = threading.Lock()
    runs = []
    threads = []
    well = True

    def say(text, error=False):
        with lock:
            if text:
                print(text, file=sys.stderr if error else sys.stdout, flush=True)

    for name in names:
        if peer and name.startswith("aws"):
            continue
        try:
            command = RUNNERS[name]()
        except Missing as missing:
            say(f"skip clients [{name}]: {missing}")
            continue
        except Broken as broken:
            say(f"FAIL clients [{name}]: {broken}")
            well = False
            continue
        runs.append(Run(name, binary, peer, say))
        threads.append(threading.Thread(target=runs[-1].run, args=(command, parts, keep), daemon=True))
        threads[-1].start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        for one in runs:
            one.abandon()
        raise
    return well and all(one.well for one in runs)
