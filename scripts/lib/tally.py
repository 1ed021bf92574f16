#!/usr/bin/env python3
"""Adds up ctest runs from their JUnit files.

    tally.py run FILE            one line for a run, its failures with their output, its skips with why
    tally.py total FOLDER        "N passed, N failed, N skipped" over every run in a folder
    tally.py unexcused FOLDER    exit code 1 when a test was skipped that must not be (see may-skip.txt)
    tally.py record FILE NAME passed|failed SECONDS    notes a check that ctest does not know
"""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
MAX_LINES = 40


def cases(path):
    """Yields (name, state, output) of every test in a JUnit file of ctest."""
    for case in xml.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            state = SKIPPED
        elif case.find("failure") is not None or case.get("status") == "fail":
            state = FAILED
        else:
            state = PASSED
        yield case.get("name"), state, output


INNER_DOCTEST = re.compile(r"test cases: +\d+ \| +(\d+) passed \| +(\d+) failed")
INNER_UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n+(?:OK|FAILED)(?: \((.*)\))?", re.M)


def inner_counts(state, output):
    """One ctest test may hold many cases of doctest or unittest: their numbers, if it says them."""
    if match := INNER_DOCTEST.search(output):
        counts = {PASSED: int(match.group(1)), FAILED: int(match.group(2)), SKIPPED: 0}
    elif match := INNER_UNITTEST.search(output):
        kinds = dict(re.findall(r"(\w+)=(\d+)", match.group(2) or ""))
        failed = int(kinds.get("failures", 0)) + int(kinds.get("errors", 0))
        skipped = int(kinds.get("skipped", 0))
        counts = {PASSED: max(int(match.group(1)) - failed - skipped, 0), FAILED: failed, SKIPPED: skipped}
    else:
        return {state: 1}
    # A sanitizer or a time limit may fail a test whose cases all passed.
    if state == FAILED and counts[FAILED] == 0:
        counts[FAILED] = 1
    return {SKIPPED: 1} if state == SKIPPED else counts


def reason_of(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if "skip" in line.lower()]
    return (named or lines or ["it gave no reason"])[-1]


def counts_of(paths):
    counts = dict.fromkeys((PASSED, FAILED, SKIPPED), 0)
    for path in paths:
        for _, state, output in cases(path):
            for inner, number in inner_counts(state, output).items():
                counts[inner] += number
    return counts


def show(counts):
    return ", ".join(f"{counts[state]} {state}" for state in (PASSED, FAILED, SKIPPED))


def show_run(path):
    print(f"  {show(counts_of([path]))}")
    for name, state, output in cases(path):
        if state == SKIPPED:
            print(f"    skipped {name}: {reason_of(output)}")
        elif number := inner_counts(state, output).get(SKIPPED):
            print(f"    skipped {number} of {name}" + "".join(
                f"\n      {reason}" for reason in sorted(set(re.findall(r"skipped ['\"](.*)['\"]", output)))))
    for name, state, output in cases(path):
        if state == FAILED:
            lines = output.splitlines()
            print(f"    failed {name}:")
            if len(lines) > MAX_LINES:
                print(f"      ... ({len(lines) - MAX_LINES} lines before)")
            for line in lines[-MAX_LINES:]:
                print(f"      {line}")


def excuses():
    lines = (Path(__file__).parent / "may-skip.txt").read_text().splitlines()
    return [re.compile(line.split("#")[0].strip()) for line in lines if line.split("#")[0].strip()]


def unexcused(folder):
    patterns = excuses()
    found = 0
    for path in sorted(folder.glob("*.xml")):
        for name, state, output in cases(path):
            if inner_counts(state, output).get(SKIPPED) and not any(pattern.fullmatch(name) for pattern in patterns):
                print(f"  {path.stem}: {name} must not be skipped here: {reason_of(output)}")
                found += 1
    return found


def record(path, name, state, seconds):
    root = xml.parse(path).getroot() if path.exists() else xml.Element("testsuite")
    case = xml.SubElement(root, "testcase", name=name, time=seconds)
    if state != PASSED:
        xml.SubElement(case, "failure")
    xml.ElementTree(root).write(path)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", file]:
            show_run(Path(file))
        case ["total", folder]:
            print(show(counts_of(sorted(Path(folder).glob("*.xml")))))
        case ["unexcused", folder]:
            sys.exit(1 if unexcused(Path(folder)) else 0)
        case ["record", file, name, state, seconds]:
            record(Path(file), name, state, seconds)
        case _:
            sys.exit(__doc__)
