#!/usr/bin/env python3
"""Prints the phase timeline of a report that `lamina invoke --json FILE` wrote."""

import json
import sys

BAR = 28


def main(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    for layer in report["layers"]:
        print(f"  layer {layer['reference'].rsplit('/', 1)[-1]:<16} {layer['files']:>3} files "
              f"{layer['unpackedBytes']:>6} bytes   {layer['origin']}")
    rows = report["timeline"]
    longest = max((row["milliseconds"] for row in rows), default=0) or 1
    for row in rows:
        what = row["phase"]
        if row.get("package"):
            what += " " + row["package"].rsplit("/", 1)[-1]
        bar = "#" * max(1, round(BAR * row["milliseconds"] / longest)) if row["milliseconds"] else ""
        print(f"  {what:<34} {row['milliseconds']:>8.2f} ms  {bar}".rstrip())


main(sys.argv[1])
