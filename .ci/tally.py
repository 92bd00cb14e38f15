#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up what ctest and the runners report, for test.sh.

usage: tally.py ctest FILE.xml    a ctest --output-junit file
       tally.py lines FILE        a log with lines `ok|FAIL|skip name`
       tally.py total FILE...     adds `passed failed skipped` lines, prints the last line of test.sh

A ctest program of cmocka counts with its own tests; any other counts as one. A
program that failed without a failed test of its own (a crash, a sanitizer, a
time-out) counts as one failure."""

import re
import sys
import xml.etree.ElementTree as tree

CMOCKA = {
    "passed": re.compile(r"\[  PASSED  \] (\d+) test\(s\)"),
    "failed": re.compile(r"\[  FAILED  \] (\d+) test\(s\), listed below"),
    "skipped": re.compile(r"\[  SKIPPED \] (\d+) test\(s\), listed below"),
}


def of_ctest(path):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for case in tree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        counts = {word: sum(map(int, rule.findall(output))) for word, rule in CMOCKA.items()}
        failed = case.find("failure") is not None or case.get("status") == "fail"
        skipped = case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")
        if failed and not counts["failed"]:
            counts["failed"] = 1
        elif not sum(counts.values()):
            counts["skipped" if skipped else "passed"] = 1
        if failed:
            sys.stderr.write(f"FAIL {case.get('name')}\n{output[-6000:]}\n")
        for word in total:
            total[word] += counts[word]
    return total


def of_lines(path):
    words = {"ok": "passed", "FAIL": "failed", "skip": "skipped"}
    total = {"passed": 0, "failed": 0, "skipped": 0}
    with open(path, errors="replace") as lines:
        for line in lines:
            word = words.get(line.split(" ", 1)[0].strip())
            if word:
                total[word] += 1
    return total


def main():
    kind, paths = sys.argv[1], sys.argv[2:]
    if kind in ("ctest", "lines"):
        total = {"ctest": of_ctest, "lines": of_lines}[kind](paths[0])
        print(total["passed"], total["failed"], total["skipped"])
        return 0
    sums = [0, 0, 0]
    for path in paths:
        with open(path) as lines:
            for line in lines:
                sums = [a + int(b) for a, b in zip(sums, line.split())]
    print(f"{sums[0]} passed, {sums[1]} failed, {sums[2]} skipped")
    return 1 if sums[1] or not sums[0] else 0


if __name__ == "__main__":
    sys.exit(main())
