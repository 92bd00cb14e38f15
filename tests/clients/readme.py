# SPDX-License-Identifier: Apache-2.0
"""The README's Python, as it stands there, with its output. Only the ports differ."""

import os
import re
import subprocess
import sys

from rig import Skip, expect, repository, scenario


def blocks():
    """[(code, output)] of each python block that is followed by its output."""
    path = os.path.join(repository(), "README.md")
    if not os.path.exists(path):
        raise Skip("no README.md")
    with open(path) as file:
        return re.findall(r"```python\n(.*?)```\s+```\n(.*?)```", file.read(), re.DOTALL)


def run(code, what):
    done = subprocess.run(
        [sys.executable, "-"], input=code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{what}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


@scenario("amqp", "aws", "mqbridge")
def ten_lines_each(ctx):
    """pika publishes, boto3 receives"""
    found = blocks()
    expect(["pika" in code for code, _ in found][:2], [True, False], "python blocks with output")
    for code, output in found:
        for port, real in ((":5672", ctx.endpoint["amqp"]), (":9324", ctx.endpoint["aws"])):
            code, output = code.replace(port, f":{real}"), output.replace(port, f":{real}")
        expect(run(code, code.splitlines()[0]), output)
