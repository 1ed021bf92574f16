"""The table of the README, made of benchmarks/results/: what was not measured has no row.

    readme_table.py            print it
    readme_table.py --write    put it between the marks in README.md
"""

import json
import os
import re
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "results")
README = os.path.join(os.path.dirname(HERE), "README.md")
BEGIN, END = "<!-- made by benchmarks/readme_table.py -->\n", "<!-- end of the table -->\n"
ARCHIVES = {"python": "numpy, pandas and scipy", "npm": "an npm tree", "native-libraries": "native libraries",
            "small-files": "35,000 small files"}


def results(name):
    try:
        with open(os.path.join(RESULTS, f"{name}.json"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"rows": {}}


def p99(values):
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def shown(value, unit):
    return f"{value:.0f} us" if unit == "us" else f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} ms"


def pair(what, values, ours, beside, named, unit="ms"):
    """One line, or none where either side was not measured."""
    if not values.get(ours):
        return []
    own = statistics.median(values[ours])
    if not beside:
        return [f"| {what} | {shown(own, unit)} | | | {named} |"]
    if not values.get(beside):
        return []
    other = statistics.median(values[beside])
    return [f"| {what} | {shown(own, unit)} | {shown(other, unit)} | {own / other:.2f} | {named} |"]


def start_rows():
    values = results("start")["rows"]
    lines = []
    for who, what in (("root", "decision to start until the runtime's first instruction, five layers, as root"),
                      ("an ordinary user", "the same as an ordinary user")):
        lines += pair(what, values, f"Lamina, overlay of five layers as {who}",
                      f"bubblewrap, one bind for /opt as {who}", "`bwrap`, same namespaces and binds")
    return lines


def layer_rows():
    values = {name: [row["phases"] for row in rows] for name, rows in results("layers")["rows"].items()}
    lines = []
    for name, what in (("five small layers (5 MB)", "small layers (5 MB)"), ("five big layers (245 MB)",
                                                                          "big layers (245 MB)")):
        lines += pair(f"cold start with five {what} found in the store", values, name, "no layer", "no layer")
    return lines


def whole_rows():
    values = results("whole")["rows"]
    lines = pair("whole `lamina invoke`, C bootstrap, five layers", values,
                 "lamina invoke, C bootstrap, five layers", None, "")
    for language, what in (("python", "Python"), ("nodejs", "Node.js")):
        bare = next((name for name in values if name.startswith("node -e" if language == "nodejs" else "python3.")), "")
        lines += pair(f"whole `lamina invoke`, empty {what} handler", values,
                      f"lamina invoke, empty {language} handler", bare, f"`{bare}`")
    return lines


def warm_rows():
    values = results("warm")["rows"].get("handedOutToReplyUs", {})
    floor = "two blocking C programs"
    lines = []
    for name, what in (("freezing off", "warm invocation, event handed out until the response is there"),
                       ("freezing on", "the same with freezing")):
        if name in values and floor in values:
            lines += pair(what, values, name, floor,
                          f"two blocking C programs with the same messages; 99th percentiles {p99(values[name]):.0f} "
                          f"and {p99(values[floor]):.0f} us", "us")
    return lines


def extract_rows():
    lines = []
    for place in ("tmpfs", "disk"):
        for archive, what in ARCHIVES.items():
            values = results(f"extract-{place}-{archive}")["rows"].get("ms", {})
            ours = next((name for name in values if name.startswith("lamina store path")), "")
            more = [f"{name} {shown(statistics.median(values[key]), 'ms')}"
                    for key, name in (("python3 zipfile", "zipfile"), ("libdeflate in memory", "inflating alone"))
                    if values.get(key)]
            lines += pair(f"unpack {what} {'into memory (tmpfs)' if place == 'tmpfs' else 'onto the disk'}", values, ours,
                          "bsdtar", ", ".join(["`bsdtar`", *more]))
    return lines


def diagnose_rows():
    values = results("diagnose")["rows"]
    lines = []
    for name, what in (("explain", "`lamina layers explain --json`, five layers with 34,412 files"),
                       ("check", "`lamina layers check --json`, the same")):
        ours = next((row for row in values if row.startswith(name)), "")
        lines += pair(what, values, ours, "find over the trees", "`find` over the same trees")
    return lines


def table():
    machines = {(document["machine"], document["time"][:10]) for document in
                (results(name[:-5]) for name in sorted(os.listdir(RESULTS)) if name.endswith(".json"))}
    lines = ["Medians; all variants of a row take turns in one run. Measured on " +
             "; ".join(f"{machine}, {day}" for machine, day in sorted(machines)) + ".", "",
             "| What | Lamina | beside it | ratio | what that is |", "|---|---:|---:|---:|---|"]
    for rows in (start_rows, layer_rows, whole_rows, warm_rows, extract_rows, diagnose_rows):
        lines += rows()
    return "\n".join(lines) + "\n"


def main():
    if sys.argv[1:] not in ([], ["--write"]):
        raise SystemExit(__doc__)
    if not os.path.isdir(RESULTS):
        raise SystemExit("There are no results yet: run scripts/bench first.")
    if not sys.argv[1:]:
        print(table(), end="")
        return
    with open(README, encoding="utf-8") as file:
        text = file.read()
    if not re.search(re.escape(BEGIN) + ".*" + re.escape(END), text, re.DOTALL):
        raise SystemExit("README.md has no marks for the table.")
    text = re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: BEGIN + table() + END, text, flags=re.DOTALL)
    with open(README, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
