# SPDX-License-Identifier: Apache-2.0
"""Recorded answers against ours. A recording has placeholders: `<uuid:1>` stands
for one value throughout a case, another number for another value; "timestamp"
stands for any."""

import ast
import base64
import json
import re

PLACEHOLDER = re.compile(r"<([a-z0-9-]+)(?::(\d+))?>")  # without a number: any
ACCOUNT = "111111111111"  # whatever the account was


class Placeholders:
    """What each placeholder of one case stands for."""

    def __init__(self):
        self.bound = {}

    def match(self, expected, got):
        """expected may hold placeholders inside other text."""
        pattern, keys, at = "", [], 0
        for found in PLACEHOLDER.finditer(expected):
            pattern += re.escape(expected[at : found.start()]) + "(.+)"
            keys.append(found.groups())
            at = found.end()
        pattern = (pattern + re.escape(expected[at:])).replace(ACCOUNT, "[0-9]{12}")
        values = re.fullmatch(pattern, got, re.DOTALL)
        return bool(values) and all(self.bind(key, value) for key, value in zip(keys, values.groups()))

    def bind(self, key, value):
        kind, number = key
        if number is None:
            return True
        if key in self.bound:
            return self.bound[key] == value
        if any(k[0] == kind and v == value for k, v in self.bound.items()):
            return False
        self.bound[key] = value
        return True


def is_json(text):
    return isinstance(text, str) and text.startswith("{")


def differences(expected, got, names, at=""):
    if isinstance(expected, dict):
        if is_json(got):
            got = json.loads(got)  # the recorder read an envelope or a policy
        if at.endswith(".MessageAttributes"):
            # the recorder replaced a whole attribute called "timestamp"
            expected = {k: v for k, v in expected.items() if v != "timestamp"}
            got = {k: v for k, v in (got or {}).items() if k in expected}
        if not isinstance(got, dict):
            yield f"{at}: {got!r} instead of {expected!r}"
            return
        for key in sorted(set(expected) | set(got)):
            if key == "_normalized" and at == ".Error":
                continue  # the recorder's own
            if key == "message" and at == "" and key not in got:
                continue  # botocore repeats Error.Message for modelled errors
            if key == "Detail" and at == ".Error" and expected.get(key) is None and got.get(key) is None:
                continue
            if key not in got:
                yield f"{at}.{key}: missing"
            elif key not in expected:
                yield f"{at}.{key}: {got[key]!r} was not recorded"
            else:
                yield from differences(expected[key], got[key], names, f"{at}.{key}")
    elif isinstance(expected, list):
        if not isinstance(got, list) or len(expected) != len(got):
            yield f"{at}: {got!r} instead of {expected!r}"
            return
        for i, (a, b) in enumerate(zip(expected, got)):
            yield from differences(a, b, names, f"{at}[{i}]")
    elif expected == "timestamp":
        if not re.fullmatch(r"\d{10,13}", str(got)):
            yield f"{at}: {got!r} is no timestamp"
    elif expected == "date":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", str(got)):
            yield f"{at}: {got!r} is no date"
    elif at.endswith(".BinaryValue") and expected.startswith("b'"):
        if base64.b64decode(got) != ast.literal_eval(expected):
            yield f"{at}: {got!r} instead of {expected!r}"
    elif isinstance(expected, str) and isinstance(got, str):
        # where Jackson saw the fault is left out
        expected = expected.split("\n at [Source", maxsplit=1)[0] if at == ".Error.Message" else expected
        if not names.match(expected, got):
            yield f"{at}: {got!r} instead of {expected!r}"
    elif expected != got:
        yield f"{at}: {got!r} instead of {expected!r}"
