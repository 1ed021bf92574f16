"""`lamina coldstart`: its figures are those of what really took the time."""

import csv
import json
import os
import re
import shutil
import statistics
import unittest

from lamina_e2e import PROGRAMS, EndToEndTest, file_entry, for_each_user

# Spins on the monotonic clock, so that the time is taken on a busy machine as well.
SPIN = """import time
def spin(milliseconds):
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end:
        pass
"""


@for_each_user
class Coldstart(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("python")
        self.report = os.path.join(self.scratch_folder(), "report.json")

    def scratch_folder(self):
        folder = self.space.folder("reports")
        self.space.give(folder)
        return folder

    def layer(self, name, files):
        return self.space.zip(name, [file_entry(path, content) for path, content in files.items()])

    def lab(self, code, layers, *more, runs=3, memory="1769", variables=None):
        folder = self.space.tree("code", {"app.py": code})
        # One whole processor: with less, the kernel stops the function now and then.
        command = ["coldstart", "--code", folder, "--runtime", self.runtime, "--handler", "app.handler",
                   "--runs", str(runs), "--json", self.report]
        if memory and "--memory" not in more:
            command += ["--memory", memory]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *more, timeout=240, variables=variables)
        document = None
        if run.code in (0, 1):
            with open(self.report, encoding="utf-8") as file:
                document = json.load(file)
        return run, document

    def phase(self, document, variant, phase):
        found = [row for row in document["variants"] if row["name"] == variant]
        self.assertEqual(len(found), 1, [row["name"] for row in document["variants"]])
        return found[0]["phases"][phase]

    def test_an_import_of_known_time_is_in_the_init_and_is_the_layers_cost(self):
        slow = self.layer("slow.zip", {"python/slow.py": SPIN + "spin(150)\n"})
        fast = self.layer("fast.zip", {"python/fast.py": ""})
        code = "try:\n    import slow\nexcept ImportError:\n    pass\ndef handler(event, context):\n    return 1\n"
        run, document = self.lab(code, [slow, fast], runs=5)
        self.assertEqual(run.code, 0, run)
        self.assertEqual(document["schema"], "lamina-coldstart/1")
        self.assertEqual([row["name"] for row in document["variants"]],
                         ["as configured", "no layers", "without layer 1", "without layer 2", "one package"])
        # The import is in the one package, too.
        self.assertGreater(self.phase(document, "one package", "function init")["medianMs"], 150)
        for row in document["runs"]:
            parts = [row["phasesMs"][phase] for phase in ("runtime start", "function init")]
            self.assertAlmostEqual(sum(parts), row["phasesMs"]["runtime init"], places=3)
        # The import is what the function does, not the start of its interpreter.
        spun = [self.phase(document, variant, "function init")["medianMs"] for variant in ("as configured", "no layers")]
        started = [self.phase(document, variant, "runtime start")["medianMs"] for variant in ("as configured", "no layers")]
        self.assertGreater(spun[0] - spun[1], 100)
        self.assertLess(abs(started[0] - started[1]), 50)
        # What the lab says against what the clock inside was spun for, within the noise of the same runs.
        values = [row["phasesMs"]["runtime init"] for row in document["runs"] if row["variant"] == 2]
        noise = max(values) - min(values) + 20
        difference = self.phase(document, "as configured", "runtime init")["medianMs"] - statistics.median(values)
        self.assertGreater(difference, 150 - noise, run)
        self.assertLess(difference, 150 + noise, run)
        self.assertIn('layer 1 "%s": +' % slow, run.stdout.decode())

    def test_the_init_duration_is_what_an_outside_observer_sees(self):
        code = self.space.tree("code", {"app.py": SPIN + "spin(120)\ndef handler(event, context):\n    return 1\n"})
        shutil.copy(os.path.join(PROGRAMS, "observer"), code)
        os.chmod(os.path.join(code, "observer"), 0o755)
        ratios = []
        for _ in range(5):
            run = self.space.invoke("app.handler", "--memory", "1769", "--env",
                                    "AWS_LAMBDA_EXEC_WRAPPER=/var/task/observer", code=code, runtime=self.runtime,
                                    report=True)
            self.assert_returned(run)
            seen = re.search(r"observer: exec (\d+) next (\d+)", run.log)
            observed = (int(seen.group(2)) - int(seen.group(1))) / 1e6
            self.assertGreater(observed, 120)
            reported = float(re.search(r"Init Duration: ([\d.]+) ms", run.log).group(1))
            self.assertAlmostEqual(reported, run.report["invocations"][0]["initDurationMs"], delta=0.006)
            ratios.append(reported / observed)
        self.assertGreater(statistics.median(ratios), 0.9, ratios)
        self.assertLess(statistics.median(ratios), 1.1, ratios)

    def test_a_handler_of_known_time_is_in_the_invocations_and_not_in_the_init(self):
        code = SPIN + "def handler(event, context):\n    spin(event['ms'])\n"
        run, document = self.lab(code, [], "-d", '{"ms": 120}')
        self.assertEqual(run.code, 0, run)
        for phase in ("first invocation", "second invocation"):
            self.assertGreaterEqual(self.phase(document, "as configured", phase)["medianMs"], 120)
        self.assertLess(self.phase(document, "as configured", "runtime init")["medianMs"],
                        self.phase(document, "as configured", "cold start")["medianMs"] - 120)

    def test_layers_are_extracted_in_a_cold_store_only(self):
        layer = self.layer("data.zip", {f"python/data{number}.py": "x = 1\n" * 1000 for number in range(300)})
        run, document = self.lab("def handler(event, context):\n    return 1\n", [layer], "--cache",
                                 "extracted,cold-store,cold-cache", "--only-configured", "--csv", self.report + ".csv")
        self.assertEqual(run.code, 0, run)
        cold = document["variants"][1]
        self.assertEqual((cold["name"], cold["cache"]), ("as configured, cold-store", "cold-store"))
        self.assertGreater(cold["phases"]["extract"]["medianMs"], 0)
        self.assertIn("extract " + layer, cold["phases"])
        for warm in (document["variants"][0], document["variants"][2]):
            self.assertNotIn("extract", warm["phases"])
        # Its scratch stores are gone.
        self.assertEqual(os.listdir(os.path.join(self.space.store, "tmp")), [])
        with open(self.report + ".csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), len(document["runs"]))
        self.assertEqual(sum(bool(row["extract ms"]) for row in rows), 3)

    def test_one_package_holds_what_the_layers_hold(self):
        layers = [self.layer("low.zip", {"python/lib/%s/site-packages/who.py" % self.runtime: "name = 'found first'",
                                         "lib/data.txt": "low"}),
                  self.layer("high.zip", {"python/who.py": "name = 'found later'", "python/deep/mod.py": "x = 1"})]
        code = """import who, deep.mod
def handler(event, context):
    assert who.name == 'found first', who.name
"""
        run, document = self.lab(code, layers, "--cache", "extracted,cold-store")
        self.assertEqual(run.code, 0, run)
        for state in ("extracted", "cold-store"):
            name = f"one package, {state}"
            self.assertGreater(self.phase(document, name, "cold start")["medianMs"], 0)
        self.assertIn("extract bundle", document["variants"][-1]["phases"])
        self.assertIn("layers, not one package, cold-store: ", run.stdout.decode())
        self.assertEqual(os.listdir(os.path.join(self.space.store, "tmp")), [])

    def test_a_function_that_names_opt_does_not_work_in_one_package(self):
        layer = self.layer("data.zip", {"data.txt": "x"})
        run, document = self.lab("open('/opt/data.txt')\ndef handler(event, context):\n    return 1\n", [layer])
        self.assertEqual(run.code, 0, run)
        self.assertIn("/opt/data.txt", [row for row in document["variants"] if row["name"] == "one package"][0]["failure"])

    def test_memory_sizes_are_crossed_with_the_variants(self):
        run, document = self.lab("def handler(event, context):\n    return 1\n", [], "--memory", "512,1769",
                                 memory=None)
        self.assertEqual(run.code, 0, run)
        self.assertEqual([(row["name"], row["memorySize"]) for row in document["variants"]],
                         [("as configured, 512 MB", 512), ("as configured, 1769 MB", 1769)])

    def test_a_disk_that_is_slower_by_a_known_time_is_in_the_extraction(self):
        code = "def handler(event, context):\n    return 1\n"
        # At level 0 the content is as long as its file: the byte is in the middle of it.
        layer = self.space.zip("slow.zip", [file_entry("data", bytes(2_000_000))], level=0)
        extract = []
        for milliseconds in (0, 200):
            run, document = self.lab(code, [layer], "--cache", "cold-store", "--only-configured", runs=5, variables={
                "LD_PRELOAD": os.path.join(PROGRAMS, "libslow_reader.so"), "SLOW_READER_AT": "1000000",
                "SLOW_READER_MS": str(milliseconds)})
            self.assertEqual(run.code, 0, run)
            extract.append([row["phasesMs"]["extract " + layer] for row in document["runs"]])
        quick, slow = extract
        noise = max(quick) - min(quick) + max(slow) - min(slow) + 5
        difference = statistics.median(slow) - statistics.median(quick)
        self.assertGreater(difference, 200 - noise, extract)
        self.assertLess(difference, 200 + noise, extract)

    def test_a_function_that_needs_its_layer_is_said_to_fail_without_it(self):
        layer = self.layer("needed.zip", {"python/needed.py": ""})
        run, document = self.lab("import needed\ndef handler(event, context):\n    return 1\n", [layer])
        self.assertEqual(run.code, 0, run)
        self.assertIn("No module named 'needed'", document["variants"][1]["failure"])
        self.assertNotIn("phases", document["variants"][1])
        self.assertEqual({row["variant"] for row in document["runs"]}, {0, 2})
        self.assertIn("the function does not work so", run.stdout.decode())

    def test_a_budget_and_a_baseline_are_gates(self):
        code = SPIN + "spin(int(%d))\ndef handler(event, context):\n    return 1\n"
        run, _ = self.lab(code % 0, [], "--budget", "init=60s,total=60s")
        self.assertEqual(run.code, 0, run)
        baseline = self.report + ".old"
        os.rename(self.report, baseline)
        slower, _ = self.lab(code % 400, [], "--against", baseline, "--tolerance", "20")
        self.assertEqual(slower.code, 1, slower)
        self.assertRegex(slower.log, r"baseline: runtime init is slower by \d+\.\d ms \[")
        self.assertRegex(slower.stdout.decode(), r"against the baseline.*\n  runtime init: \+\d+\.\d ms \[")
        over, _ = self.lab(code % 0, [], "--budget", "init=0.1ms")
        self.assertEqual(over.code, 1, over)
        self.assertRegex(over.log, r"budget: runtime init took \d+\.\d ms \(median of 3\), allowed are 0\.1 ms\.")

    def test_a_function_that_fails_cannot_be_measured(self):
        run, _ = self.lab("def handler(event, context):\n    raise KeyError('x')\n", [])
        self.assertEqual(run.code, 2, run)
        self.assertIn("there is nothing to measure", run.error)

    def test_a_lab_that_fails_leaves_the_report_before_it(self):
        self.lab("def handler(event, context):\n    return 1\n", [])
        with open(self.report, encoding="utf-8") as file:
            before = file.read()
        run = self.lab("def handler(event, context):\n    raise KeyError('x')\n", [])[0]
        self.assertEqual(run.code, 2, run)
        with open(self.report, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)

    def test_a_budget_for_what_did_not_happen_is_not_kept(self):
        run, _ = self.lab("def handler(event, context):\n    return 1\n", [], "--budget", "extract=1s")
        self.assertEqual(run.code, 1, run)
        self.assertIn('"extract" did not happen', run.log)

    def test_what_it_is_not_told_right_is_refused(self):
        code = "def handler(event, context):\n    return 1\n"
        for arguments in (["--budget", "init"], ["--budget", "lunch=1s"], ["--budget", "init=-1s"],
                          ["--budget", "init=1h"], ["--cache", "warm"], ["--memory", "12x"],
                          ["--memory", "1"], ["--memory", ""], ["--order", "2"], ["--against", "/no/such/file"],
                          ["--runs", "0"], ["--cache", ""], ["--budget", "init=nanms"]):
            run, _ = self.lab(code, [], *arguments)
            self.assertEqual(run.code, 2, f"{arguments} {run}")
            self.assertTrue(run.error, run)


if __name__ == "__main__":
    unittest.main()
