"""`lamina layers which` says what the interpreter does: both are asked about generated layouts."""

import json
import os
import platform
import random
import unittest

from lamina_e2e import EndToEndTest

CASES_IN_A_ROUND = 30
ROUNDS = 8

# Without an import of its own: the files under test may shadow the standard library.
HANDLER = """
import sys
from importlib._bootstrap import _find_spec
from importlib._bootstrap_external import PathFinder

def told(spec):
    if spec is None:
        return {"found": False}
    if spec.name in sys.builtin_module_names:
        return {"found": True, "origin": "built-in"}
    places = spec.submodule_search_locations
    return {"found": True, "origin": spec.origin, "places": None if places is None else list(places)}

def look(name):
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        try:
            __import__(parent)
        except ModuleNotFoundError as error:
            if (parent + ".").startswith(error.name + "."):
                return {"found": False}
            return {"skipped": str(error)}
        except Exception as error:
            return {"skipped": str(error)}
        path = getattr(sys.modules[parent], "__path__", None)
        if path is None and name not in sys.modules:
            return {"found": False}
    if name in sys.modules:
        return told(sys.modules[name].__spec__)
    answer = told(_find_spec(name, path))
    if not parent:
        answer["each"] = [told(PathFinder.find_spec(name, [entry])) for entry in sys.path]
    return answer

def handler(names, context):
    path = sys.path[:]
    return {"path": path, "answers": {name: look(name) for name in names}}
"""

PKGUTIL = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
SETUPTOOLS = ("try:\n    __import__('pkg_resources').declare_namespace(__name__)\n"
              "except ImportError:\n    " + PKGUTIL)

FORMS = ["package", "package", "namespace", "namespace", "source", "source", "extension", "bytecode", "pkgutil",
         "binary package", "bytecode package", "foreign", "other case", "two", "data"]
NAMESPACE_FORMS = ["namespace", "namespace", "namespace", "foreign", "other case", "data"]
OLD_NAMESPACE_FORMS = ["pkgutil", "setuptools", "package", "namespace", "source", "two"]

# Of each kind: imported before the function's code, built in, frozen, none of these.
STANDARD_NAMES = ["os", "abc", "io", "codecs", "site", "warnings", "types", "importlib", "encodings", "zipimport",
                  "_json", "_socket", "sys", "time", "errno", "_io", "_thread", "pwd", "_typing", "_tokenize", "math",
                  "_struct", "array", "zlib", "select", "_datetime", "ntpath", "runpy", "stat", "posixpath", "typing",
                  "enum", "json", "re", "collections", "logging", "random", "email", "_bz2", "_ssl", "_weakref",
                  "six", "boto3", "urllib3", "xml", "xxsubtype", "_sha3", "_statistics", "_bisect", "_collections_abc"]
STANDARD_SUBMODULES = ["os.path", "importlib.util", "importlib.machinery", "importlib.abc", "encodings.utf_8",
                       "encodings.latin_1", "encodings.cp1252", "xml.etree", "email.mime", "logging.handlers",
                       "importlib.nothing", "os.nothing", "json.tool"]


class Layout:
    """One function with two layers, and the names to ask about."""

    def __init__(self, random_source, version):
        self.random = random_source
        self.site = f"python/lib/python{version}/site-packages"
        digits = version.replace(".", "")
        machine = platform.machine()
        self.suffixes = [f".cpython-{digits}-{machine}-linux-gnu.so", ".abi3.so", ".so"]
        self.foreign = [f".cpython-36m-{machine}-linux-gnu.so", f".cpython-{digits}-sparc64-linux-gnu.so",
                        f".cp{digits}-win_amd64.pyd", f".cpython-{digits}-darwin.so"]
        self.code, self.layers = {"app.py": HANDLER}, [{}, {}]
        self.names = []
        self.versions = {}
        self.python_path = None

    def files_of(self, place):
        """Where what is put into a place goes: to the code or one of the layers; and its path there."""
        if place.startswith("/var/task"):
            return self.code, place[len("/var/task/"):]
        return self.random.choice(self.layers), place[len("/opt/"):]

    def places(self):
        places = ["/var/task", f"/opt/{self.site}", "/opt/python"]
        return places + ["/var/task/added", "/opt/python/more", f"/opt/{self.site}/deep/er", "/opt/elsewhere"]

    def add_path_files(self):
        self.code["one.pth"] = self.random.choice(["added\n", "# none\n\nadded  \r\nmissing\n"])
        self.layers[0]["python/a.pth"] = "more\nimport sys; sys.seen = True\n/opt/elsewhere\n"
        self.layers[1][f"{self.site}/z.pth"] = "../nowhere\n./deep//x/../er"
        self.layers[1][f"{self.site}/a.pth.off"] = "other\n"

    def set_python_path(self):
        entries = ["vendored", "/var/task/second/", "/opt/python", "/nowhere", "", "/opt/elsewhere"]
        self.random.shuffle(entries)
        self.python_path = ":".join(entries[:self.random.randint(1, len(entries))])

    def put(self, files, base, name, forms, depth=0):
        form = self.random.choice(forms)
        path = os.path.join(base, name)
        if form == "two":
            self.put(files, base, name, forms, depth)
            self.put(files, base, name, forms, depth)
        elif form == "source":
            files[path + ".py"] = ""
        elif form == "extension":
            files[path + self.random.choice(self.suffixes)] = ""
        elif form == "bytecode":
            files[path + ".pyc"] = ""
        elif form == "foreign":
            files[path + self.random.choice(self.foreign)] = ""
        elif form == "other case":
            files[path.upper() + ".py"] = ""
        elif form == "data":
            files[path + ".txt"] = ""
        elif form == "binary package":
            files[path + "/__init__" + self.random.choice(self.suffixes)] = ""
        elif form == "bytecode package":
            files[path + "/__init__.pyc"] = ""
        else:
            files[path + "/data.txt"] = ""
            if form != "namespace":
                files[path + "/__init__.py"] = {"pkgutil": PKGUTIL, "setuptools": SETUPTOOLS}.get(form, "")
            for child in ("alpha", "beta") if depth < 2 else ():
                if self.random.random() < 0.5:
                    self.put(files, path, child, forms, depth + 1)

    def add_case(self, name):
        places = self.places() + (["/var/task/vendored", "/var/task/second"] if self.python_path is not None else [])
        wanted = self.random.choice([0.2, 0.35, 0.6])
        forms = self.random.choice([FORMS, FORMS, NAMESPACE_FORMS, OLD_NAMESPACE_FORMS])
        for place in places:
            if self.random.random() > wanted:
                continue
            files, base = self.files_of(place)
            self.put(files, base, name, forms)
            if self.random.random() < 0.3:
                version = f"{self.random.randint(0, 9)}.{self.random.randint(0, 20)}"
                info = os.path.join(base, f"Project_{name}-{version}.dist-info")
                files[info + "/METADATA"] = f"Metadata-Version: 2.1\nName: project.{name}\nVersion: {version}\n\nText\n"
                if self.random.random() < 0.5:
                    files[info + "/top_level.txt"] = name + "\n"
                else:
                    files[info + "/RECORD"] = f"{name}/__init__.py,sha256=x,0\n\"{name}.py\",,\n../../bin/tool,,\n"
                self.versions[place, name] = version
        self.names += [name, f"{name}.alpha", f"{name}.beta", f"{name}.alpha.beta"]

    def add_standard_names(self):
        for name in STANDARD_NAMES:
            for place in self.random.sample(self.places(), self.random.randint(0, 2)):
                files, base = self.files_of(place)
                if self.random.random() < 0.5:
                    files[os.path.join(base, name + ".py")] = "raise ImportError('not for import')"
                else:
                    files[os.path.join(base, name, "__init__.py")] = "raise ImportError('not for import')"
        self.names += STANDARD_NAMES + STANDARD_SUBMODULES


def without_repetitions(items):
    return list(dict.fromkeys(items))


class WhichPython(EndToEndTest):
    role = "root" if os.geteuid() == 0 else "user"

    def setUp(self):
        super().setUp()
        self.managed_runtime("python")
        names = [row["name"] for row in self.space.run("doctor", "--json").json["runtimes"]]
        # Lamina serves older ones where the host has them, but the code of the runtime does not run there.
        self.runtimes = [name for name in names if name.startswith("python3.") and int(name[len("python3."):]) >= 8]
        self.compared = 0

    def ask(self, label, layout, runtime):
        """Both answers to all names of the layout."""
        code = self.space.tree(f"{label}/code", layout.code)
        layers = [self.space.tree(f"{label}/layer{n}", {"marker": str(n), **files})
                  for n, files in enumerate(layout.layers)]
        extra = [] if layout.python_path is None else ["--env", f"PYTHONPATH={layout.python_path}"]
        names = without_repetitions(layout.names)
        run = self.space.invoke("app.handler", "--timeout", "60", "--memory", "512", *extra, code=code, runtime=runtime,
                                layers=layers, event=names)
        real = self.assert_returned(run)
        command = ["layers", "which", "--code", code, "--runtime", runtime, "--json", *extra]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *[f"python:{name}" for name in names])
        self.assertIn(run.code, (0, 1), run)
        ours = {result["name"]: result for result in run.json["results"]}
        self.assertEqual(list(ours), names)
        return real, ours

    def check(self, label, layout, runtime):
        real, ours = self.ask(label, layout, runtime)
        folders = [entry for entry in without_repetitions(real["path"])
                   if entry.startswith(("/var/lang/", "/var/runtime")) or self.is_folder(label, layout, entry)]
        wrong = []
        for name, answer in real["answers"].items():
            if "skipped" in answer:
                continue
            self.compared += 1
            result = ours[name]
            problem = self.difference(name, answer, result, layout)
            if "each" in answer:
                searched = [entry for entry in result["searched"] if not entry.endswith(".zip")]
                expected = [entry for entry in folders if not entry.endswith(".zip")]
                if searched != expected:
                    problem = problem or f"searched {searched}, not {expected}"
            if problem:
                wrong.append(f"{name}: {problem}\n  interpreter: {json.dumps(answer)}\n  which: {json.dumps(result)}")
        self.assertEqual(wrong, [], f"{label} {runtime} PYTHONPATH={layout.python_path}: {len(wrong)} differ\n"
                         + "\n".join(wrong[:8]))

    def is_folder(self, label, layout, entry):
        if entry.startswith("/var/task"):
            return os.path.isdir(self.space.path(label, "code" + entry[len("/var/task"):]))
        return any(os.path.isdir(self.space.path(label, f"layer{n}{entry[len('/opt'):]}"))
                   for n in range(len(layout.layers)))

    def difference(self, name, answer, result, layout):
        candidates = result["candidates"]
        if answer["found"] != result["found"]:
            return "found or not"
        for candidate in candidates:
            if not candidate["reason"] or not candidate["kind"]:
                return f"{candidate['path']} without a reason or a kind"
            if (candidate["place"], name) in layout.versions and "same path" not in candidate["reason"] and \
                    candidate["version"] != layout.versions[candidate["place"], name]:
                return f"version of {candidate['path']}"
        if answer["found"]:
            first = candidates[0]
            if answer["origin"] == "built-in":
                if first["kind"] != "built-in module":
                    return "built in"
            elif answer["origin"] == "frozen":
                if not first["path"].startswith("/var/lang/"):
                    return "frozen"
            elif answer["origin"] in (None, "namespace"):
                portions = [candidate["path"] for candidate in candidates if "portion of the namespace package" in
                            candidate["reason"] or candidate is first]
                if first["kind"] != "namespace package" or portions != without_repetitions(answer["places"]):
                    return "namespace portions"
            elif first["path"] != answer["origin"]:
                return "another file"
        # What any one folder would have given must be among the candidates.
        paths = {candidate["path"] for candidate in candidates}
        for one in answer.get("each", ()):
            alone = set(one["places"] if one.get("origin") is None and one.get("places") else [one.get("origin")])
            if one["found"] and not alone <= paths:
                return f"{alone - paths} is no candidate"
        return None

    def test_generated_layouts(self):
        rounds = max(2, -(-ROUNDS // len(self.runtimes)))
        layouts = 0
        for runtime in self.runtimes:
            for number in range(rounds):
                source = random.Random(f"{runtime} {number}")
                layout = Layout(source, runtime[len("python"):])
                if number % 2:
                    layout.set_python_path()
                layout.add_path_files()
                for case in range(CASES_IN_A_ROUND):
                    layout.add_case(f"case{case}")
                    layouts += 1
                self.check(f"{runtime}-{number}", layout, runtime)
        self.assertGreaterEqual(layouts, 200)
        self.assertGreaterEqual(self.compared, 2 * layouts)

    def test_names_of_the_standard_library(self):
        for runtime in self.runtimes:
            for number in range(2):
                layout = Layout(random.Random(f"standard {runtime} {number}"), runtime[len("python"):])
                layout.add_path_files()
                layout.add_standard_names()
                self.check(f"standard-{runtime}-{number}", layout, runtime)

    def test_the_users_pythonpath_counts_at_the_interpreters_start(self):
        for runtime in self.runtimes:
            version = runtime[len("python"):]
            layout = Layout(random.Random(0), version)
            layout.python_path = "early"
            layout.names = ["genericpath", "types", "warnings", "ntpath", "later"]
            layout.code["early/later.py"] = layout.code["later.py"] = ""
            for name in ("genericpath", "types", "warnings", "ntpath"):
                layout.code[f"early/{name}.py"] = f"exec(open('/var/lang/lib/python{version}/{name}.py').read())\n"
            self.check(f"early-{runtime}", layout, runtime)


if __name__ == "__main__":
    unittest.main()
