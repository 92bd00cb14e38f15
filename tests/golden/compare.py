# SPDX-License-Identifier: Apache-2.0
"""Recorded answers against ours. A recording has placeholders: `<uuid:1>` stands
for one value throughout a case, another number for another value; "timestamp"
stands for any."""

import re

PLACEHOLDER = re.compile(r"<([a-z-]+):(\d+)>")


class Placeholders:
    """What each placeholder of one case stands for."""

    def __init__(self):
        self.bound = {}

    def match(self, expected, got):
        """expected may hold one placeholder inside other text."""
        found = PLACEHOLDER.search(expected)
        if not found:
            return expected == got
        before, after = expected[: found.start()], expected[found.end() :]
        if not (got.startswith(before) and got.endswith(after)) or len(got) < len(before) + len(after):
            return False
        value = got[len(before) : len(got) - len(after)]
        if not value:
            return False
        kind = found.group(1)
        taken = {v: k for k, v in self.bound.items() if k[0] == kind}
        key = (kind, found.group(2))
        if key in self.bound:
            return self.bound[key] == value
        if value in taken:
            return False
        self.bound[key] = value
        return True


def differences(expected, got, names, at=""):
    if isinstance(expected, dict):
        if at.endswith(".MessageAttributes"):
            # the recorder replaced a whole attribute called "timestamp"
            expected = {k: v for k, v in expected.items() if v != "timestamp"}
            got = {k: v for k, v in (got or {}).items() if k in expected}
        if not isinstance(got, dict):
            yield f"{at}: {got!r} instead of {expected!r}"
            return
        for key in sorted(set(expected) | set(got)):
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
    elif isinstance(expected, str) and isinstance(got, str):
        if not names.match(expected, got):
            yield f"{at}: {got!r} instead of {expected!r}"
    elif expected != got:
        yield f"{at}: {got!r} instead of {expected!r}"
