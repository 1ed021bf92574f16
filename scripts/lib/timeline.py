#!/usr/bin/env python3
"""Prints the phase timelines of reports that `lamina invoke --json FILE` wrote, side by side.

    timeline.py TITLE=FILE...
"""

import json
import sys

WIDTH = 16


def label(row):
    package = row.get("package", "").rstrip("/").rsplit("/", 1)[-1]
    indent = "  " if "within" in row else ""
    return indent + f"{row['phase']} {package}".strip()


def main(arguments):
    titles, columns, labels = [], [], []
    for argument in arguments:
        title, path = argument.split("=", 1)
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        titles.append(title)
        columns.append({label(row): row["milliseconds"] for row in report["timeline"]})
    for column in columns:
        # A phase that only one run has goes where that run had it.
        for position, name in enumerate(column):
            if name not in labels:
                before = list(column)[:position]
                place = max((labels.index(other) + 1 for other in before if other in labels), default=0)
                labels.insert(place, name)
    names = max(map(len, labels))
    print("  " + " " * names + "".join(f"{title:>{WIDTH}}" for title in titles))
    for name in labels:
        cells = (f"{column[name]:.2f} ms" if name in column else "-" for column in columns)
        print(f"  {name:<{names}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells))
    totals = (f"{sum(time for name, time in column.items() if name[0] != ' '):.2f} ms" for column in columns)
    print(f"  {'all':<{names}}" + "".join(f"{total:>{WIDTH}}" for total in totals))


if len(sys.argv) < 2:
    sys.exit(__doc__)
main(sys.argv[1:])
