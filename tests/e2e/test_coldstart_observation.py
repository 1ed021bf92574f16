"""`lamina coldstart`: what a cold start opened, and which imports are dear, against functions for which it is known."""

import json
import os
import unittest

from lamina_e2e import PROGRAMS, EndToEndTest, file_entry, for_each_user, link_entry

# Spins on the monotonic clock, so that the time is taken on a busy machine as well.
PYTHON_SPIN = """import time
end = time.monotonic() + 0.08
while time.monotonic() < end:
    pass
"""
NODE_SPIN = "const end = process.hrtime.bigint() + 80000000n; while (process.hrtime.bigint() < end);\n"

# Whether the process that watches files runs beside the function.
SEES_WATCH = """import os
def watch():
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as file:
                if b'lamina-file-watch' in file.read():
                    return int(pid)
        except OSError:
            pass
"""

OPENS = """import ctypes, os, subprocess
import named
def handler(event, context):
    for path in event:
        os.listdir(os.path.dirname(path))
        with open(path) as file:
            file.read()
    os.stat('/opt/data/stat-only.txt')
    assert subprocess.check_output(['/opt/bin/greet']) == b"the layer's library\\n"
    ctypes.CDLL('/opt/lib/libgreeting.so').greeting()
"""


class Observation(EndToEndTest):
    def lab(self, language, handler, code, layers, *more, code_in_place=True):
        folder = self.space.folder("reports")
        self.space.give(folder)
        report = os.path.join(folder, "report.json")
        package = self.space.tree("code", code) if code_in_place else self.space.zip(
            "code.zip", [file_entry(path, content) for path, content in code.items()])
        command = ["coldstart", "--code", package, "--runtime",
                   language if "." in language else self.managed_runtime(language), "--handler", handler, "--memory",
                   "1769", "--runs", "3", "--json", report, "--only-configured"]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *more, timeout=240)
        self.assertEqual(run.code, 0, run)
        with open(report, encoding="utf-8") as file:
            return run, json.load(file)

    def noise(self, document):
        """How far apart the timed runs of the same function are, in milliseconds, and a little."""
        values = [row["phasesMs"]["runtime init"] for row in document["runs"]]
        return max(values) - min(values) + 40


@for_each_user
class TouchedFiles(Observation):
    def native(self):
        with open(os.path.join(PROGRAMS, "greet"), "rb") as program, \
                open(os.path.join(PROGRAMS, "layer/libgreeting.so"), "rb") as library:
            return [file_entry("bin/greet", program.read(), 0o755), file_entry("lib/libgreeting.so", library.read()),
                    file_entry("lib/libother.so", b"never opened")]

    def lower(self):
        """Opened are real.txt (by a link), 5 bytes, and named.py, 6; hidden.txt is the other layer's."""
        return [file_entry("data/real.txt", "12345"), link_entry("data/link.txt", "real.txt"),
                file_entry("data/hidden.txt", "x" * 100), file_entry("data/unopened.txt", "x" * 1000),
                file_entry("data/stat-only.txt", "x"), file_entry("python/named.py", "x = 1\n")]

    def upper(self):
        """Opened are the program, its library, and hidden.txt with 3 bytes."""
        return [*self.native(), file_entry("data/hidden.txt", "top")]

    EVENT = json.dumps(["/opt/data/link.txt", "/opt/data/hidden.txt", "/var/task/more/settings.txt"])

    def check(self, layers, expected, *more, **options):
        """`expected`: files and bytes that were touched, for the code and each layer."""
        code = {"app.py": OPENS, "more/settings.txt": "s" * 10, "unused.py": "x"}
        run, document = self.lab("python", "app.handler", code, layers, "-d", self.EVENT, *more, **options)
        self.assertIn("touched", document, run)
        found = [(row["touchedFiles"], row["touchedBytes"]) for row in document["touched"]]
        self.assertEqual(found, [(2, len(OPENS) + 10), *expected], run)
        self.assertEqual([row["kind"] for row in document["touched"]], ["code"] + ["layer"] * len(layers))
        self.assertEqual(document["touched"][0]["files"], 3)
        return run, document

    def native_bytes(self):
        return sum(len(entry.content) for entry in self.native()[:2])

    def two_layers(self):
        return [self.space.zip("lower.zip", self.lower()), self.space.zip("upper.zip", self.upper())]

    def test_of_two_layers_exactly_the_opened_files_are_touched(self):
        layers = self.two_layers()
        run, document = self.check(layers, [(2, 11), (3, self.native_bytes() + 3)])
        self.assertEqual([row["name"] for row in document["touched"][1:]], layers)
        self.assertEqual([row["files"] for row in document["touched"][1:]], [6, 4])
        self.assertIn('layer 1 "%s": touched 2 of 6 files, 0.0 of 1.1 kB\n' % layers[0], run.stdout.decode())
        self.assertEqual(os.listdir(os.path.join(self.space.store, "tmp")), [])

    def test_of_one_layer_as_well(self):
        layer = self.space.zip("one.zip", [entry for entry in self.lower() if "hidden" not in entry.name] +
                               self.upper())
        self.check([layer], [(5, self.native_bytes() + 14)], code_in_place=False)

    def test_a_merged_copy_is_told_by_its_layers(self):
        self.check(self.two_layers(), [(2, 11), (3, self.native_bytes() + 3)], "--opt-mode", "copy")

    def test_without_network_too(self):
        self.check(self.two_layers(), [(2, 11), (3, self.native_bytes() + 3)], "--network", "none")

    def test_without_layers_it_is_the_code_alone(self):
        _, document = self.lab("python", "app.handler", {"app.py": "def handler(event, context): pass\n", "b.py": ""},
                               [])
        self.assertEqual([(row["touchedFiles"], row["files"]) for row in document["touched"]], [(1, 2)])

    def test_a_custom_runtime_is_touched_by_being_executed(self):
        self.space.custom_code()
        _, document = self.lab("provided.al2023", "echo", {"unused": "x"}, [])
        self.assertEqual([(row["touchedFiles"], row["files"]) for row in document["touched"]], [(1, 2)])

    def test_a_folder_that_may_be_entered_but_not_listed_gives_a_note_and_no_figure(self):
        layer = self.space.tree("layer", {"data/odd/a.txt": "x"})
        os.chmod(os.path.join(layer, "data/odd"), 0o711)
        for folder in (layer, os.path.join(layer, "data"), os.path.join(layer, "data/odd")):
            self.space.give(folder)
        code = "def handler(event, context):\n    open('/opt/data/odd/a.txt').close()\n"
        run, document = self.lab("python", "app.handler", {"app.py": code}, [layer])
        if self.role == "user" and "touched" in document:
            # An ordinary user's function may run as that user, whose folder it is.
            self.assertEqual(document["touched"][1]["touchedFiles"], 1, run)
            return
        self.assertNotIn("touched", document)
        self.assertIn('may enter "/opt/data/odd" but not list it', "\n".join(document["notes"]), run)

    def test_a_folder_that_may_not_be_entered_is_no_hindrance(self):
        # Of the code: AWS refuses a layer with such a folder.
        code = self.space.tree("code", {"shut/a.txt": "x", "app.py": "def handler(event, context): pass\n"})
        os.chmod(os.path.join(code, "shut"), 0o700)
        self.space.give(os.path.join(code, "shut"))
        run, document = self.lab("python", "app.handler", {}, [])
        self.assertEqual([(row["touchedFiles"], row["files"]) for row in document["touched"]], [(1, 2)], run)

    def test_the_timed_runs_are_without_the_watch(self):
        code = SEES_WATCH + "def handler(event, context):\n    assert watch() is None, 'beside the watch'\n"
        run, document = self.lab("python", "app.handler", {"app.py": code}, [])
        self.assertEqual(len(document["runs"]), 3)
        self.assertNotIn("touched", document)
        self.assertIn("worked in every timed run, but not in this one: its invocation failed: beside the watch",
                      "\n".join(document["notes"]), run)

    def test_a_function_that_ends_the_watch_gets_a_note_and_no_figure(self):
        code = SEES_WATCH + "def handler(event, context):\n    if watch():\n        os.kill(watch(), 9)\n"
        run, document = self.lab("python", "app.handler", {"app.py": code}, [])
        self.assertNotIn("touched", document)
        self.assertIn("touched files: not told: its watch was ended before it could tell.",
                      "\n".join(document["notes"]), run)


@for_each_user
class DearImports(Observation):
    def module(self, document, name):
        found = [row for row in document["imports"] if row["name"] == name]
        self.assertEqual(len(found), 1, document["imports"])
        return found[0]

    def check_spin(self, document, name, package, file):
        module = self.module(document, name)
        self.assertGreaterEqual(module["selfMs"], 80)
        self.assertLess(module["selfMs"], 80 + self.noise(document))
        self.assertGreaterEqual(module["totalMs"], module["selfMs"])
        self.assertEqual((module["package"], module["file"]), (package, file))

    def test_of_python_modules_the_dear_one_and_its_layer_are_named(self):
        lower = self.space.zip("lower.zip", [
            file_entry("python/slow/__init__.py", ""), file_entry("python/slow/deep.py", PYTHON_SPIN),
            file_entry("python/both.py", "")])
        upper = self.space.zip("upper.zip", [file_entry("python/both.py", PYTHON_SPIN),
                                             file_entry("python/late.py", "")])
        code = ("import importlib, os, sys\nimport slow.deep\nimportlib.import_module('both')\n"
                "def handler(event, context):\n"
                "    import late\n"
                "    seen = [*os.environ, *os.environ.values(), *sys.argv]\n"
                "    assert not any('LAMINA_' in text or 'import_profile' in text for text in seen), seen\n"
                "    assert len(sys.argv) == 1\n")
        run, document = self.lab("python", "app.handler", {"app.py": code}, [lower, upper], "--imports")
        self.assertIn("imports", document, run)
        self.check_spin(document, "slow.deep", lower, "/opt/python/slow/deep.py")
        self.check_spin(document, "both", upper, "/opt/python/both.py")
        self.assertEqual({row["name"] for row in document["imports"][:2]}, {"slow.deep", "both"})
        app = self.module(document, "app")
        self.assertEqual((app["package"], app["file"]), (self.space.path("code"), "/var/task/app.py"))
        self.assertGreaterEqual(app["totalMs"], 160)
        self.assertLess(app["selfMs"], 80)
        self.assertEqual(self.module(document, "late")["package"], upper)
        self.assertRegex(run.stdout.decode(), r'both +[\d.]+ ms +[\d.]+ ms  layer 2 "%s"\n' % upper)

    def test_of_nodejs_modules_the_dear_one_and_its_layer_are_named(self):
        lower = self.space.zip("lower.zip", [
            file_entry("nodejs/node_modules/slow/index.js", "exports.both = require('both');\n" + NODE_SPIN),
            file_entry("nodejs/node_modules/both/index.js", "")])
        upper = self.space.zip("upper.zip", [file_entry("nodejs/node_modules/both/index.js", NODE_SPIN),
                                             file_entry("nodejs/node_modules/late/index.js", "")])
        code = ("require('slow');\nexports.handler = async () => {\n"
                "  require('late');\n"
                "  const seen = [...Object.entries(process.env).flat(), ...process.argv];\n"
                "  if (seen.some((text) => /LAMINA_|import-profile/.test(text))) throw new Error(seen);\n"
                "};\n")
        run, document = self.lab("nodejs", "app.handler", {"app.js": code}, [lower, upper], "--imports")
        self.assertIn("imports", document, run)
        self.check_spin(document, "slow/index.js", lower, "/opt/nodejs/node_modules/slow/index.js")
        self.check_spin(document, "both/index.js", upper, "/opt/nodejs/node_modules/both/index.js")
        self.assertGreaterEqual(self.module(document, "slow/index.js")["totalMs"], 160)
        self.assertLess(self.module(document, "app.js")["selfMs"], 80)
        self.assertEqual(self.module(document, "app.js")["package"], self.space.path("code"))
        self.assertEqual(self.module(document, "late/index.js")["package"], upper)

    def test_es_modules_are_told_by_their_evaluation(self):
        # With a first line that must stay the first, and a last one without an end.
        slow = "#!/usr/bin/env node\nimport './part.mjs';\n" + NODE_SPIN + "export default import.meta.url; // end"
        layer = self.space.zip("esm.zip", [
            file_entry("nodejs/node_modules/esm/package.json", '{"name": "esm", "exports": "./index.mjs"}'),
            file_entry("nodejs/node_modules/esm/index.mjs", slow),
            file_entry("nodejs/node_modules/esm/part.mjs", NODE_SPIN)])
        code = "import url from 'esm';\nawait null;\nexport const handler = async () => url;\n"
        run, document = self.lab("nodejs", "app.handler", {"app.mjs": code}, [layer], "--imports")
        if not any(row["name"] == "esm/index.mjs" for row in document.get("imports", [])):
            self.cannot("old-nodejs", "this Node.js cannot tell when ES modules are loaded")
        for name in ("esm/index.mjs", "esm/part.mjs"):
            self.check_spin(document, name, layer, "/opt/nodejs/node_modules/" + name)
        self.assertLess(self.module(document, "app.mjs")["selfMs"], 80)
        self.assertIn("that of its own evaluation", "\n".join(document["notes"]), run)

    def test_what_the_function_sets_itself_still_works(self):
        hook = self.space.zip("hook.zip", [file_entry("hook.js", "globalThis.hooked = true;\n"),
                                           file_entry("nodejs/node_modules/m/index.js", NODE_SPIN)])
        code = "require('m');\nexports.handler = async () => { if (!globalThis.hooked) throw new Error('no hook'); };\n"
        _, document = self.lab("nodejs", "app.handler", {"app.js": code}, [hook], "--imports", "--env",
                               "NODE_OPTIONS=--require /opt/hook.js")
        self.check_spin(document, "m/index.js", hook, "/opt/nodejs/node_modules/m/index.js")
        code = ("import os, sys, json, xml.dom\nprint('import time: 9999999999 | 1 | os')\n"
                "sys.stderr.write('half a line')\n"
                "def handler(event, context):\n    assert os.environ['PYTHONPROFILEIMPORTTIME'] == '1'\n")
        _, document = self.lab("python", "main.handler", {"main.py": code}, [], "--imports", "--env",
                               "PYTHONPROFILEIMPORTTIME=1")
        self.assertEqual(self.module(document, "main")["package"], self.space.path("code"))
        self.assertEqual(self.module(document, "xml.dom")["package"], "")

    def test_a_failed_import_is_no_module_and_breaks_nothing(self):
        layer = self.space.zip("broken.zip", [file_entry("python/broken.py", "import json\nraise ImportError('x')\n")])
        code = ("import traceback\ntry:\n    import broken\nexcept ImportError:\n    pass\ntry:\n    import absent\n"
                "except ImportError:\n    trace = traceback.format_exc()\n    assert 'profile' not in trace, trace\n"
                "    assert 'importlib' not in trace, trace\ndef handler(event, context):\n    pass\n")
        _, document = self.lab("python", "app.handler", {"app.py": code}, [layer], "--imports")
        names = {row["name"] for row in document["imports"]}
        self.assertIn("app", names)
        self.assertFalse(names & {"broken", "absent"})

    def test_a_custom_runtime_has_no_import_profile(self):
        self.space.custom_code()
        run, document = self.lab("provided.al2023", "echo", {}, [], "--imports")
        self.assertNotIn("imports", document)
        self.assertIn("imports: there is no import profile for the runtime provided.al2023.",
                      "\n".join(document["notes"]), run)


if __name__ == "__main__":
    unittest.main()
