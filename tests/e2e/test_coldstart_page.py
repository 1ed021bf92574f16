"""The page of `lamina coldstart --html`, looked at in a browser that can reach nothing."""

import base64
import json
import os
import re
import unittest

import browser
from lamina_e2e import EndToEndTest, ROLES, file_entry

SPIN = "import time\nend = time.monotonic() + {} / 1000\nwhile time.monotonic() < end:\n    pass\n"
CODE = """for name in ("slow", "fast"):
    try:
        __import__(name)
    except ImportError:
        pass
def handler(event, context):
    return 1
"""
# Would retitle the page if any of it became an element.
HOSTILE = "<img src=x onerror=document.title='owned'>&amp;.zip"

SHOWN_PANES = """return [...document.querySelectorAll(".pane")].filter(one => one.offsetParent).map(one => one.id)"""
# The waterfall that is shown: name, time as it is written, and the bar as it is drawn, in pixels from the track's left.
BARS = """
const pane = [...document.querySelectorAll(".pane")].find(one => one.offsetParent);
return [...pane.querySelectorAll("tbody tr")].map(row => {
  const track = row.querySelector(".track").getBoundingClientRect();
  const bar = row.querySelector(".bar").getBoundingClientRect();
  return {phase: row.querySelector("th bdi")?.textContent ?? row.querySelector("th").textContent,
          title: row.querySelector("th bdi")?.title, time: row.querySelector("td.num").textContent,
          left: bar.left - track.left, width: bar.width, whole: track.width};
});"""
OVERFLOW = """
const wide = [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth + 0.5);
return [document.documentElement.scrollWidth - innerWidth, wide.map(one => one.outerHTML.slice(0, 100))];"""
# Cells whose text is wider than they are, or that lie over another one of their row.
CLIPPED = """
const found = [];
for (const cell of document.querySelectorAll("th, td, dd, dt")) {
  if (!cell.offsetParent || cell.classList.contains("plot")) continue;
  if (cell.scrollWidth > cell.clientWidth + 1) found.push(cell.outerHTML.slice(0, 200));
}
for (const axis of document.querySelectorAll(".axis")) {
  const labels = [...axis.children].map(one => one.getBoundingClientRect()).filter(one => one.width);
  for (let i = 1; i < labels.length; ++i)
    if (labels[i].left < labels[i - 1].right) found.push(axis.textContent);
}
return found;"""
COLOURS = "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"


class ColdstartPage(EndToEndTest):
    # The page does not depend on who measured it.
    role = ROLES[0] if os.geteuid() == 0 else ROLES[1]

    def setUp(self):
        super().setUp()
        if program := browser.missing_program():
            self.cannot("no-browser", f"{program} is not installed")
        self.runtime = self.managed_runtime("python")

    def lab(self, name, *more, layers):
        """Runs a lab with --json and --html: the document, the text report, and the page's path."""
        folder = self.space.folder("reports")
        self.space.give(folder)
        report, page = os.path.join(folder, name + ".json"), os.path.join(folder, name + ".html")
        command = ["coldstart", "--code", self.space.tree("code", {"app.py": CODE}), "--runtime", self.runtime,
                   "--handler", "app.handler", "--runs", "3", "--json", report, "--html", page]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *more, timeout=240)
        self.assertEqual(run.code, 0, run)
        with open(report, encoding="utf-8") as file:
            return json.load(file), run.stdout.decode(), page

    def layer(self, name, files):
        return self.space.zip(name, [file_entry(path, content) for path, content in files.items()])

    def test_the_page_shows_what_was_measured_and_does_nothing_else(self):
        slow = self.layer(HOSTILE, {"python/slow.py": SPIN.format(60)} |
                          {f"python/data{number}.py": "x = 1\n" * 500 for number in range(200)})
        fast = self.layer("fast.zip", {"python/fast.py": ""})
        document, text, page = self.lab("small", "--memory", "1769", "--imports", "--cache",
                                        "extracted,cold-store", layers=[slow, fast])
        with browser.Browser(self.space.folder("browser")) as window:
            self.window = window
            window.open("about:blank")
            window.requested()
            window.size(1200)
            window.prefer("light")
            window.open("file://" + page)

            with self.subTest("it asks for nothing but itself, and nothing goes wrong"):
                self.assertEqual(window.requested(), ["file://" + page])
                self.assertEqual(window.log("browser"), [])
            with self.subTest("a hostile name is text"):
                self.assertEqual(window.run("return document.title"), f"Cold start: app.handler, {self.runtime}")
                self.assertEqual(window.run("return document.querySelectorAll('img, script, iframe, object').length"), 0)
                self.assertIn(HOSTILE, window.run("return document.querySelector('.costs').textContent"))
            with self.subTest("the figures are those of --json"):
                self.figures_are_those_of(document, text)
            with self.subTest("what was opened and imported is there"):
                touched = window.run("return [...document.querySelectorAll('.touched td[data-label=files]')].map("
                                     "one => one.textContent)")
                self.assertEqual(touched, [f"{row['touchedFiles']:,} of {row['files']:,}"
                                           for row in document["touched"]])
                modules = window.run("return [...document.querySelectorAll('.imports tbody th > bdi')].map("
                                     "one => one.textContent)")
                self.assertIn("slow", modules)
                self.assertEqual(modules, [row["name"] for row in document["imports"]])
            with self.subTest("the record is the JSON report"):
                link = window.run("return document.querySelector('a.download').href")
                self.assertEqual(json.loads(base64.b64decode(link.split(",", 1)[1])), document)
            with self.subTest("the bars are the phases of a run that was measured"):
                self.bars_are_phases_of(document, 0)
            with self.subTest("the keyboard chooses the variant"):
                self.keyboard_chooses(document)
            with self.subTest("dark and light differ"):
                light = window.run(COLOURS)
                window.prefer("dark")
                dark = window.run(COLOURS)
                self.assertNotEqual(light[0], dark[0])
                self.assertNotEqual(light[1], dark[1])
            with self.subTest("nothing is cut off, on a screen and on a telephone"):
                self.fits()
            with self.subTest("without scripts it is the same page"):
                window.devtools("Emulation.setScriptExecutionDisabled", value=True)
                window.size(1200)
                window.open("file://" + page)
                self.assertEqual(window.run(SHOWN_PANES), ["pane-0"])
                self.keyboard_chooses(document)
                self.assertEqual(window.log("browser"), [])
            with self.subTest("printed, it shows the chosen waterfall and no buttons"):
                window.devtools("Emulation.setEmulatedMedia", media="print")
                self.assertEqual(len(window.run(SHOWN_PANES)), 1)
                self.assertFalse(window.run("return document.querySelector('.picker').offsetParent"))

    def test_many_variants_fit_as_well(self):
        layers = [self.layer(f"{number}-a-layer-with-quite-a-long-name-as-they-have-in-practice-1.26.4.zip",
                             {f"python/m{number}.py": ""}) for number in range(2)]
        document, _, page = self.lab("many", "--memory", "1024,1769", "--cache", "extracted,cold-store",
                                  "--order", "2,1", layers=layers)
        with browser.Browser(self.space.folder("browser")) as window:
            self.window = window
            window.open("file://" + page)
            self.fits()
            window.size(1200)
            shown = set()
            for kind in range(6):
                for memory in range(2):
                    for cache in range(2):
                        window.run("for (const id of arguments) document.getElementById(id).click()",
                                   f"kind-{kind}", f"memory-{memory}", f"cache-{cache}")
                        panes = window.run(SHOWN_PANES)
                        self.assertEqual(len(panes), 1)
                        shown.update(panes)
            self.assertEqual(shown, {f"pane-{index}" for index in range(len(document["variants"]))})
            names = window.run("return [...document.querySelectorAll('.pane caption b')].map(one => one.textContent)")
            self.assertEqual(names, [row["name"] for row in document["variants"]])

    def fits(self):
        for width in (1200, 1000, 760, 400, 320):
            self.window.size(width)
            self.assertEqual(self.window.run(OVERFLOW), [0, []], f"{width} pixels wide")
            self.assertEqual(self.window.run(CLIPPED), [], f"{width} pixels wide")

    def figures_are_those_of(self, document, text):
        for index, row in enumerate(document["variants"]):
            cells = self.window.run("return [...document.getElementById('row-' + arguments[0])"
                                    ".querySelectorAll('td.num')].map(one => one.textContent)", index)
            whole, init = row["phases"]["cold start"], row["phases"]["runtime init"]
            self.assertEqual(cells, [f"{whole['medianMs']:.1f} ms",
                                     f"{whole['medianLowMs']:.1f} to {whole['medianHighMs']:.1f}",
                                     f"{whole['p90Ms']:.1f}", f"{init['medianMs']:.1f} ms"])
            dots = self.window.run(
                "const strip = document.querySelector('#row-' + arguments[0] + ' svg').getBoundingClientRect();"
                "return [...document.querySelectorAll('#row-' + arguments[0] + ' circle')].map(one => {"
                "  const box = one.getBoundingClientRect();"
                "  return ((box.left + box.right) / 2 - strip.left) / strip.width; })", index)
            values = [run["phasesMs"]["cold start"] for run in document["runs"] if run["variant"] == index]
            self.assertEqual(len(dots), len(values))
            scale = values[0] / dots[0]
            for dot, value in zip(dots, values):
                self.assertAlmostEqual(dot * scale / value, 1, delta=0.02)
        # What layers cost is drawn by chance: the same draw stands in the text report.
        costs = re.findall(r"^  (?:all layers|layer \d+ \".*\"|layers, not one package), [a-z-]+: (.*?) (\[.*)$", text, re.MULTILINE)
        self.assertEqual(self.window.run(
            "return [...document.querySelectorAll('.costs td.plot + td')].map(one => [...one.children].map("
            "part => part.textContent))"), [list(cost) for cost in self.by_state(costs)])
        (difference, interval), headline = costs[0], self.window.run("return headline.textContent")
        ends = re.findall(r"[+-][\d.]+", interval)
        expected = [difference, *ends] if difference.endswith("ms") else ends
        for figure in expected:
            self.assertIn(figure.lstrip("+").removesuffix(" ms"), headline)

    @staticmethod
    def by_state(costs):
        """The text report has all layers in both states, then each layer; the page has a state after the other."""
        return costs[0::2] + costs[1::2]

    def bars_are_phases_of(self, document, variant):
        rows = self.window.run(BARS)
        whole = rows.pop()
        runs = [run["phasesMs"] for run in document["runs"] if run["variant"] == variant]
        median = sorted(run["cold start"] for run in runs)[len(runs) // 2]
        run = next(run for run in runs if run["cold start"] == median)
        scale = whole["width"] / run["cold start"]
        places = {row["phase"]: row for row in rows}
        for row in rows:
            name = row["phase"] if not row["title"] else "extract " + row["title"]
            if name == "other preparation":
                continue
            value = run[name]
            self.assertEqual(row["time"], "< 0.1 ms" if 0 < value < 0.05 else f"{value:.1f} ms", name)
            # A bar is two pixels wide at least.
            self.assertAlmostEqual(row["width"], max(value * scale, 2), delta=0.6, msg=name)
        right = whole["left"] + whole["width"]
        before = run["runtime init"] + run["first invocation"]
        self.assertAlmostEqual(places["runtime init"]["left"], right - before * scale, delta=0.6)
        self.assertAlmostEqual(places["first invocation"]["left"], right - run["first invocation"] * scale, delta=0.6)
        self.assertAlmostEqual(places["second invocation"]["left"], right, delta=0.6)
        self.assertLessEqual(right, whole["whole"])

    def keyboard_chooses(self, document):
        window = self.window
        window.run("document.activeElement.blur(); document.getElementById('kind-0').focus()")
        window.press("right", "right")
        names = [row["name"] for row in document["variants"]]
        self.assertEqual(window.run(SHOWN_PANES), [f"pane-{names.index('without layer 1, extracted')}"])
        window.press("tab", "right")
        chosen = names.index("without layer 1, cold-store")
        self.assertEqual(window.run(SHOWN_PANES), [f"pane-{chosen}"])
        self.bars_are_phases_of(document, chosen)
        self.assertIn("solid", window.run("return getComputedStyle(document.querySelector("
                                          "'input:focus-visible + span')).outlineStyle"))
        window.press("left")
        window.run("document.getElementById('kind-0').focus()")


if __name__ == "__main__":
    unittest.main()
