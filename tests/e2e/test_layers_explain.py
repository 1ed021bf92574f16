"""`lamina layers explain`: which layer each path of /opt comes from, what it hides, and which versions that means."""

import hashlib
import os
import random
import unittest

from lamina_e2e import EndToEndTest, file_entry, folder_entry, for_each_user, link_entry
from package_fixtures import distribution, gem, jar, npm_package, requests, shared_library, stamped, urllib3

ROUNDS = 40
SEED = 20260131


class ExplainTest(EndToEndTest):
    # Nothing is run, so it makes no difference who asks.
    role = "root" if os.geteuid() == 0 else "user"

    def run_explain(self, *layers, runtime="python3.11", code=None, more=()):
        command = ["layers", "explain"]
        if runtime:
            command += ["--runtime", runtime]
        if code:
            command += ["--code", code]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *more)
        self.assertEqual((run.code, run.log), (0, ""), run)
        return run

    def explain(self, *layers, more=(), **options):
        report = self.run_explain(*layers, more=["--json", *more], **options).json
        self.assertEqual(report["schema"], "lamina-explain/1")
        self.assertEqual([row["path"] for row in report["paths"]], sorted((row["path"] for row in report["paths"]),
                                                                          key=os.fsencode))
        return report

    def path(self, report, path):
        return next(row for row in report["paths"] if row["path"] == path)

    def package(self, report, name):
        return next(row for row in report["packages"] if row["name"] == name)

    def layer(self, name, *packages, **files):
        merged = {}
        for package in packages:
            merged.update(package)
        merged.update(files)
        return self.space.tree(name, merged)

    def conflicting_layers(self):
        """Three layers of which the second and the third hide something below them."""
        first = self.space.tree("first", {"python/same.py": "same\n", "python/other.py": "of the first\n",
                                          "python/thing/one.py": "1\n", "python/thing/sub/two.py": "2\n",
                                          "bin/tool": ("#!/bin/sh\n", 0o755), "data/notes.txt": "x\n"})
        second = self.space.tree("second", {"python/same.py": "same\n", "python/other.py": "of the second one\n",
                                            "python/mine.py": "\n"})
        third = self.space.zip("third.zip", [file_entry("python/thing", "a file\n"),
                                             link_entry("bin/tool", "/bin/true"),
                                             file_entry("python/other.py", "3\n", 0o755)])
        return first, second, third


class Summary(ExplainTest):
    def test_numbers_of_each_layer(self):
        report = self.explain(*self.conflicting_layers())
        self.assertEqual(report["runtime"], "python3.11")
        numbers = [[row[key] for key in ("number", "files", "bytes", "win", "shadowed", "lost", "notSearched")]
                   for row in report["layers"]]
        self.assertEqual(numbers, [
            # "thing" itself is a folder, so it is no file that is shadowed.
            [1, 6, 34, 1, 3, 2, 1],
            [2, 3, 24, 2, 1, 0, 0],
            [3, 3, 7 + len("/bin/true") + 2, 3, 0, 0, 0]])
        self.assertIsNone(report["layers"][0]["sha256"])
        with open(self.space.path("third.zip"), "rb") as file:
            self.assertEqual(report["layers"][2]["sha256"], hashlib.sha256(file.read()).hexdigest())
        self.assertEqual(report["layers"][1]["reference"], self.space.path("second"))

    def test_the_same_numbers_for_people(self):
        layers = self.conflicting_layers()
        lines = self.run_explain(*layers, more=["--view", "summary"]).lines
        self.assertEqual(lines[0], "/opt of 3 layers for python3.11")
        self.assertEqual(lines[2].split(), "# layer files size win shadowed lost not searched".split())
        self.assertEqual(lines[3].split(), ["1", layers[0], "6", "34", "B", "1", "3", "2", "1"])
        self.assertEqual(len({line.rindex(" ") for line in lines[3:6]}), 1, "aligned")
        without = self.run_explain(*layers, runtime=None, more=["--view", "summary"]).lines
        self.assertEqual(without[0], "/opt of 3 layers")
        self.assertNotIn("not searched", without[2])

    def test_no_layers_and_one_layer(self):
        report = self.explain(more=["--code", self.space.tree("code", {"app.py": ""})])
        self.assertEqual((report["layers"], report["paths"], report["lost"], report["findings"]), ([], [], [], []))
        self.assert_refused(self.space.run("layers", "explain", "--runtime", "python3.11"), "nothing to look at")
        lines = self.run_explain(self.space.tree("one", {"a": "1"}), more=["--view", "summary"]).lines
        self.assertEqual(lines[0], "/opt of 1 layer for python3.11")


class Paths(ExplainTest):
    def test_same_content_is_told_apart_from_other_content(self):
        report = self.explain(*self.conflicting_layers())
        same = self.path(report, "python/same.py")
        self.assertEqual((same["layer"], [(row["layer"], row["how"]) for row in same["shadows"]]),
                         (2, [(1, "same content")]))
        other = self.path(report, "python/other.py")
        self.assertEqual((other["layer"], other["mode"], other["size"]), (3, "0755", 2))
        self.assertEqual([(row["layer"], row["how"], row["size"], row["mode"]) for row in other["shadows"]],
                         [(2, "differs", 18, "0644"), (1, "differs", 13, "0644")])
        self.assertEqual(other["sha256"], hashlib.sha256(b"3\n").hexdigest())
        self.assertEqual(other["shadows"][1]["sha256"], hashlib.sha256(b"of the first\n").hexdigest())

    def test_the_same_content_with_another_mode_is_told(self):
        first = self.space.zip("first.zip", [file_entry("bin/tool", "#!/bin/sh\n", 0o755)])
        second = self.space.zip("second.zip", [file_entry("bin/tool", "#!/bin/sh\n", 0o644)])
        row = self.path(self.explain(first, second), "bin/tool")
        self.assertEqual((row["mode"], row["shadows"][0]["mode"], row["shadows"][0]["how"]),
                         ("0644", "0755", "same content"))

    def test_type_conflicts_with_everything_lost_underneath(self):
        report = self.explain(*self.conflicting_layers())
        thing = self.path(report, "python/thing")
        self.assertEqual((thing["type"], thing["layer"]), ("file", 3))
        self.assertEqual([(row["layer"], row["type"], row["how"]) for row in thing["shadows"]],
                         [(1, "directory", "type conflict")])
        self.assertEqual(report["lost"], [{"path": path, "layer": 1, "hiddenBy": "python/thing"} for path in (
            "python/thing/one.py", "python/thing/sub", "python/thing/sub/two.py")])
        tool = self.path(report, "bin/tool")
        self.assertEqual((tool["type"], tool["target"], tool["shadows"][0]["how"]),
                         ("symlink", "/bin/true", "type conflict"))
        self.assertIn("type-conflict", {row["id"] for row in report["findings"]})

    def test_a_folder_over_a_link(self):
        first = self.space.zip("first.zip", [link_entry("python", "elsewhere"), file_entry("elsewhere/a.py")])
        second = self.space.tree("second", {"python/b.py": ""})
        report = self.explain(first, second)
        row = self.path(report, "python")
        self.assertEqual((row["type"], row["layer"], row["shadows"][0]["type"], row["shadows"][0]["target"]),
                         ("directory", 2, "symlink", "elsewhere"))
        self.assertEqual(report["lost"], [])

    def test_links_to_the_same_and_to_another_target(self):
        first = self.space.zip("first.zip", [link_entry("lib/a", "x"), link_entry("lib/b", "x")])
        second = self.space.zip("second.zip", [link_entry("lib/a", "x"), link_entry("lib/b", "y")])
        report = self.explain(first, second)
        self.assertEqual([self.path(report, path)["shadows"][0]["how"] for path in ("lib/a", "lib/b")],
                         ["same content", "differs"])

    def test_only_conflicts_and_only_differing(self):
        layers = self.conflicting_layers()
        conflicts = {row["path"] for row in self.explain(*layers, more=["--only", "conflicts"])["paths"]}
        self.assertEqual(conflicts, {"python/same.py", "python/other.py", "python/thing", "bin/tool"})
        differing = {row["path"] for row in self.explain(*layers, more=["--only", "differing"])["paths"]}
        self.assertEqual(differing, conflicts - {"python/same.py"})

    def test_patterns_of_paths(self):
        layers = self.conflicting_layers()

        def paths(*patterns, more=()):
            words = [word for pattern in patterns for word in ("--path", pattern)]
            return {row["path"] for row in self.explain(*layers, more=[*words, *more])["paths"]}
        self.assertEqual(paths("python/*.py"), {"python/same.py", "python/other.py", "python/mine.py"})
        self.assertEqual(paths("bin/*", "data/*"), {"bin/tool", "data/notes.txt"})
        self.assertEqual(paths("python/*", more=["--only", "conflicts"]),
                         {"python/same.py", "python/other.py", "python/thing"})
        self.assertEqual(paths("nothing"), set())
        lost = self.explain(*layers, more=["--path", "python/thing/s*"])["lost"]
        self.assertEqual([row["path"] for row in lost], ["python/thing/sub", "python/thing/sub/two.py"])

    def test_as_a_tree(self):
        lines = self.run_explain(*self.conflicting_layers()).lines
        tree = lines[lines.index("/opt") + 1:]
        self.assertEqual(tree[:tree.index("")], [
            "  bin/",
            "    tool -> /bin/true  [3]             over 1 (type conflict, 10 B, 0755)",
            "  data/",
            "    notes.txt          [1]       2 B",
            "  python/",
            "    mine.py            [2]       1 B",
            "    other.py           [3]       2 B   over 2 (differs, 18 B, 0644), over 1 (differs, 13 B, 0644)",
            "    same.py            [2]       5 B   over 1 (same content, 5 B, 0644)",
            "    thing              [3]       7 B   over 1 (type conflict, directory, 0755)"])
        self.assertEqual(tree[tree.index(""):], [
            "", "lost", "  [1] python/thing/one.py  hidden by python/thing",
            "  [1] python/thing/sub  hidden by python/thing",
            "  [1] python/thing/sub/two.py  hidden by python/thing"])

    def test_a_filtered_tree_shows_the_folders_above(self):
        lines = self.run_explain(*self.conflicting_layers(), more=["--path", "python/mine.py"]).lines
        self.assertEqual(lines[lines.index("/opt") + 1:], ["  python/", "    mine.py  [2]       1 B"])

    def test_as_a_list(self):
        lines = self.run_explain(*self.conflicting_layers(), more=["--view", "list", "--path", "*tool", "--path",
                                                                   "*mine.py"]).lines
        rows = [line.split() for line in lines if "/opt/" in line and "[" in line[:30]]
        self.assertEqual(rows, [
            ["0777", "9", "symlink", "[3]", "/opt/bin/tool", "->", "/bin/true", "over", "1", "(type", "conflict,", "10",
             "B,", "0755)"],
            ["0644", "1", "file", "[2]", "/opt/python/mine.py"]])

    def test_summary_shows_no_paths(self):
        run = self.run_explain(*self.conflicting_layers(), more=["--view", "summary"])
        self.assertNotIn(b"mine.py", run.stdout)
        self.assertNotIn(b"hidden by", run.stdout)

    def test_names_that_are_no_text_do_not_break_the_report(self):
        folder = self.space.tree("layer", {"python/a.py": ""})
        with open(os.path.join(os.fsencode(folder), b"python", b"caf\xe9.py"), "wb"):
            pass
        self.assertEqual(len(self.explain(folder)["paths"]), 3)


class Packages(ExplainTest):
    def copies(self, package):
        return [(row["version"], row["owner"], row["layer"], row["place"]) for row in package["copies"]]

    def test_which_version_of_a_python_package_the_function_gets(self):
        first = self.layer("first", urllib3("1.26.15"))
        second = self.layer("second", urllib3("2.0.7"))
        code = self.layer("code", requests("2.31.0", "<3", below=""), {"app.py": ""})
        report = self.explain(first, second, self.layer("third", requests("2.28.0", "<3")), code=code)
        found = self.package(report, "urllib3")
        self.assertEqual((found["ecosystem"], found["version"]), ("python", "2.0.7"))
        self.assertEqual([copy for copy in self.copies(found) if copy[1] != "runtime"],
                         [("2.0.7", "layer", 2, "/opt/python"), ("1.26.15", "layer", 1, "/opt/python")])
        self.assertEqual(found["copies"][0]["metadata"], "/opt/python/urllib3-2.0.7.dist-info")
        found = self.package(report, "requests")
        self.assertEqual((found["version"], self.copies(found)[:2]), ("2.31.0", [
            ("2.31.0", "code", None, "/var/task"), ("2.28.0", "layer", 3, "/opt/python")]))
        self.assertIn("shadowed-by-code", {row["id"] for row in report["findings"]})

    def test_site_packages_of_the_version_come_before_python(self):
        below = "python/lib/python3.11/site-packages/"
        first = self.layer("first", urllib3("1.26.15", below=below))
        second = self.layer("second", urllib3("2.0.7"))
        found = self.package(self.explain(first, second), "urllib3")
        self.assertEqual((found["version"], found["mixedFiles"]), ("1.26.15", []))
        # Another version's folder does not count.
        found = self.package(self.explain(first, second, runtime="python3.12"), "urllib3")
        self.assertEqual((found["version"], [copy[1] for copy in self.copies(found) if copy[1] == "layer"]),
                         ("2.0.7", ["layer"]))

    def test_a_mixed_package_with_its_files(self):
        first = self.layer("first", urllib3("1.26.15"))
        second = self.layer("second", urllib3("2.0.7"))
        report = self.explain(first, second)
        found = self.package(report, "urllib3")
        self.assertEqual(found["mixedFiles"], ["python/urllib3/request.py"])
        ids = [row["id"] for row in report["findings"]]
        self.assertEqual(sorted(ids), ["mixed-package", "two-versions-of-metadata"])
        text = self.run_explain(first, second, more=["--view", "summary"]).stdout.decode()
        self.assertRegex(text, r'(?m)^  python urllib3 2\.0\.7  layer 2 ".*second", /opt/python$')
        self.assertRegex(text, r'(?m)^      shadows 1\.26\.15  layer 1 ".*first", /opt/python$')
        self.assertIn("mixed: 1 of 1.26.15 still show: python/urllib3/request.py", text)
        self.assertIn("[mixed-package]", text)

    def test_a_package_that_is_replaced_as_a_whole_is_not_mixed(self):
        files = {"six.py": "1\n"}
        first = self.layer("first", distribution("six", "1.15.0", files))
        second = self.layer("second", distribution("six", "1.16.0", {"six.py": "2\n"}))
        report = self.explain(first, second)
        self.assertEqual((self.package(report, "six")["version"], self.package(report, "six")["mixedFiles"]),
                         ("1.16.0", []))

    def test_two_dist_infos_of_one_project_in_one_layer(self):
        new = distribution("opentelemetry-api", "1.31.1", {"opentelemetry/version.py": "1.31.1\n"})
        old = distribution("opentelemetry-api", "1.9.0", {"opentelemetry/version.py": "1.9.0\n"})
        report = self.explain(self.layer("layer", old, new))
        # 1.31.1 is the later one, although 1.9.0 comes first by name.
        self.assertEqual(self.package(report, "opentelemetry-api")["version"], "1.31.1")
        self.assertEqual([row["id"] for row in report["findings"]], ["two-versions-of-metadata"])
        # Files that are gone tell more than numbers.
        back = distribution("opentelemetry-api", "1.32.0", {"opentelemetry/only_new.py": ""})
        del back["python/opentelemetry/only_new.py"]
        report = self.explain(self.layer("rolled-back", back, new))
        self.assertEqual(self.package(report, "opentelemetry-api")["version"], "1.31.1")

    def test_names_of_projects_are_compared_as_pip_does(self):
        first = self.layer("first", distribution("Zope.Interface", "5.0", {"zope/interface/__init__.py": "5\n"}))
        second = self.layer("second", distribution("zope-interface", "6.0", {"zope/interface/__init__.py": "6\n"}))
        report = self.explain(first, second)
        zope = [row for row in report["packages"] if row["name"].lower().startswith("zope")]
        self.assertEqual([len(row["copies"]) for row in zope], [2])

    def test_npm_packages_and_their_scopes(self):
        first = self.layer("first", npm_package("lodash", "3.10.1", {"old.js": ""}), npm_package("@scope/a", "1.0.0"))
        second = self.layer("second", npm_package("lodash", "4.17.21", below="nodejs/node20/node_modules/"))
        third = self.layer("third", npm_package("lodash", "4.0.0"))
        report = self.explain(first, second, third, runtime="nodejs20.x")
        found = self.package(report, "lodash")
        self.assertEqual((found["ecosystem"], found["version"]), ("nodejs", "4.17.21"))
        self.assertEqual(self.copies(found), [("4.17.21", "layer", 2, "/opt/nodejs/node20/node_modules"),
                                              ("4.0.0", "layer", 3, "/opt/nodejs/node_modules"),
                                              ("3.10.1", "layer", 1, "/opt/nodejs/node_modules")])
        self.assertEqual(self.package(report, "@scope/a")["version"], "1.0.0")
        report = self.explain(first, third, runtime="nodejs20.x")
        self.assertEqual(self.package(report, "lodash")["mixedFiles"], ["nodejs/node_modules/lodash/old.js"])

    def test_npm_packages_of_the_code_come_first(self):
        layer = self.layer("layer", npm_package("lodash", "4.17.21"))
        code = self.layer("code", npm_package("lodash", "3.10.1", below="node_modules/"), {"index.js": ""})
        found = self.package(self.explain(layer, code=code, runtime="nodejs20.x"), "lodash")
        self.assertEqual((found["version"], found["copies"][0]["owner"]), ("3.10.1", "code"))

    def test_gems(self):
        first = self.layer("first", gem("rack", "2.10.0"))
        second = self.layer("second", gem("rack", "2.2.8"), gem("old", "1.0", ruby="2.7.0"))
        report = self.explain(first, second, runtime="ruby3.3")
        found = self.package(report, "rack")
        # RubyGems takes the highest version, whatever layer it comes from.
        self.assertEqual((found["ecosystem"], [copy["version"] for copy in found["copies"]]),
                         ("ruby", ["2.10.0", "2.2.8"]))
        self.assertEqual(found["version"], "2.10.0")
        self.assertEqual(found["mixedFiles"], [])
        self.assertNotIn("old", {row["name"] for row in report["packages"]})

    def test_jars(self):
        guava = [jar(self.space.path("x.jar"), "guava", version) for version in ("31.1", "32.1.2")]
        layer = self.space.tree("layer", {"java/lib/guava-31.1.jar": guava[0], "java/lib/guava-32.1.2.jar": guava[1],
                                          "java/lib/deeper/guava-1.0.jar": guava[0]})
        report = self.explain(layer, runtime="java21")
        found = self.package(report, "guava")
        self.assertEqual(found["ecosystem"], "java")
        self.assertEqual([copy["version"] for copy in found["copies"]], ["31.1", "32.1.2"])
        self.assertEqual([row["id"] for row in report["findings"]], ["duplicate-jar"])
        self.assertIn("guava 32.1.2 comes after 31.1", report["findings"][0]["message"])

    def test_jars_are_loaded_by_name_whatever_layer_they_come_from(self):
        # By name 1.10 comes before 1.9.
        old, new = (jar(self.space.path("x.jar"), "lib", version) for version in ("1.10", "1.9"))
        first = self.space.tree("first", {"java/lib/lib-1.10.jar": old})
        second = self.space.tree("second", {"java/lib/lib-1.9.jar": new})
        for layers in ((first, second), (second, first)):
            self.assertEqual(self.package(self.explain(*layers, runtime="java21"), "lib")["version"], "1.10")

    def test_shared_libraries_by_their_sonames(self):
        self.needs_program("cc")
        one, two = (shared_library(self.space.scratch, f"{n}.so", soname="libssl.so.3", needs=[(f"lib{n}.so", None)])
                    for n in (1, 2))
        first = self.space.zip("first.zip", [file_entry("lib/libssl.so.3.0.8", one),
                                             link_entry("lib/libssl.so.3", "libssl.so.3.0.8")])
        second = self.space.zip("second.zip", [file_entry("lib/libssl.so.3", two)])
        report = self.explain(first, second, runtime="provided.al2023")
        found = self.package(report, "libssl.so.3")
        self.assertEqual(found["ecosystem"], "library")
        self.assertEqual([(copy["layer"], copy["version"]) for copy in found["copies"]],
                         [(2, ""), (1, "libssl.so.3.0.8")])

    def test_without_a_runtime_every_language_counts(self):
        layer = self.layer("layer", urllib3("2.0.7"), npm_package("lodash", "4.17.21"))
        report = self.explain(layer, runtime=None)
        self.assertEqual({(row["ecosystem"], row["name"], row["version"]) for row in report["packages"]},
                         {("python", "urllib3", "2.0.7"), ("nodejs", "lodash", "4.17.21")})
        self.assertIsNone(report["runtime"])

    def test_only_what_overrides_is_worth_a_look(self):
        first = self.layer("first", {"python/google/cloud/a.py": "", "python/typing.py": ""})
        code = self.layer("code", {"google/__init__.py": "", "google/x.py": "", "app.py": ""})
        report = self.explain(first, code=code)
        self.assertEqual([row["id"] for row in report["findings"]], ["hidden-namespace"])

    def test_stale_bytecode_is_told(self):
        time = (1980, 1, 1, 0, 0, 0)
        head = b"\xa7\r\r\n" + bytes(4) + (315532800).to_bytes(4, "little") + (4).to_bytes(4, "little")
        lower = self.space.zip("lower.zip", stamped(file_entry, {"python/m.py": "a=1\n",
                                                                 "python/__pycache__/m.cpython-311.pyc": head}, time))
        upper = self.space.zip("upper.zip", stamped(file_entry, {"python/m.py": "a=2\n"}, time))
        self.assertEqual([row["id"] for row in self.explain(lower, upper)["findings"]], ["stale-bytecode"])


class RandomLayers:
    """Sets of one to five layers, folders and zips, with every kind of conflict."""

    NAMES = ("a", "b", "a-b", "a.d", "c d")
    # Every user of the sandbox can list such folders; setuid bits of zips are not kept.
    FOLDER_MODES = (0o755, 0o775, 0o705, 0o555, 0o777)
    FILE_MODES = (0o644, 0o755, 0o604, 0o444, 0o4755)

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some_path(self):
        return "/".join(self.random.choice(self.NAMES) for _ in range(self.random.randint(1, 4)))

    def entries(self, number):
        """(path, kind, mode, content) without contradictions; folders above may be left implicit."""
        kinds, found = {}, []
        for _ in range(self.random.randint(2, 15)):
            path = self.some_path()
            above = [path[:i] for i, c in enumerate(path) if c == "/"]
            if path in kinds or any(kinds.get(folder, "d") != "d" for folder in above):
                continue
            kind = self.random.choice("dfffl")
            kinds.update({folder: kinds.get(folder, "d") for folder in above})
            kinds[path] = kind
            mode = self.random.choice(self.FOLDER_MODES if kind == "d" else self.FILE_MODES)
            content = self.some_path() if kind == "l" else "x" * self.random.randint(0, 3000)
            found.append((path, kind, mode, content))
        # AWS refuses the same layer twice.
        found.append((f"only{number}", "f", 0o644, str(self.random.random())))
        return found

    def make(self, space, name, number):
        entries = self.entries(number)
        if self.random.random() < 0.4:
            return self.make_folder(space, name, entries)
        makers = {"d": lambda path, mode, _: folder_entry(path, mode),
                  "f": lambda path, mode, content: file_entry(path, content, mode),
                  "l": lambda path, _, content: link_entry(path, content)}
        return space.zip(f"{name}.zip", [makers[kind](path, mode, content) for path, kind, mode, content in entries])

    @staticmethod
    def make_folder(space, name, entries):
        folder = space.folder(name)
        for path, kind, mode, content in sorted(entries):
            full = os.path.join(folder, path)
            os.makedirs(full if kind == "d" else os.path.dirname(full), exist_ok=True)
            if kind == "l":
                os.symlink(content, full)
            elif kind == "f":
                with open(full, "w", encoding="utf-8") as file:
                    file.write(content)
                os.chmod(full, mode & 0o777)
        for path, kind, mode, _ in entries:
            if kind == "d":
                os.chmod(os.path.join(folder, path), mode)
        return folder


@for_each_user
class TheSandboxAgrees(ExplainTest):
    """What explain says of /opt is what `find` sees there."""

    def seen_in_the_sandbox(self, layers):
        command = ["exec", "--code", self.space.custom_code(), "--runtime", "provided.al2023"]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, "--", "/usr/bin/find", "/opt", "-mindepth", "1", "-printf",
                             r"%P\t%y\t%m\t%s\t%l\n")
        self.assertEqual((run.code, run.log), (0, ""), run)
        rows = {}
        for line in run.lines:
            path, kind, mode, size, target = line.split("\t")
            rows[path] = (kind, f"{int(mode, 8):04o}", None if kind == "d" else int(size), target)
        return rows

    def told(self, layers):
        report = self.explain(*layers, runtime="provided.al2023")
        kinds = {"directory": "d", "file": "f", "symlink": "l"}
        return {row["path"]: (kinds[row["type"]], row["mode"], None if row["type"] == "directory" else row["size"],
                              row.get("target", "")) for row in report["paths"]}

    def test_random_sets_of_layers(self):
        makers = RandomLayers(SEED)
        conflicts = 0
        for number in range(ROUNDS):
            layers = [makers.make(self.space, f"set{number}-{i}", i) for i in range(makers.random.randint(1, 5))]
            with self.subTest(set=number, seed=SEED):
                told = self.told(layers)
                self.assertEqual(told, self.seen_in_the_sandbox(layers))
                conflicts += any(row["how"] == "type conflict" for path in self.explain(*layers)["paths"]
                                 for row in path["shadows"])
        self.assertGreater(conflicts, ROUNDS // 10, "the sets are too tame")

    def test_implicit_folders_take_the_mode_of_a_lower_layer(self):
        first = self.space.zip("first.zip", [folder_entry("data", 0o775), file_entry("data/a", "1")])
        second = self.space.zip("second.zip", [file_entry("data/b", "2")])
        told = self.told([first, second])
        self.assertEqual(told["data"], ("d", "0775", None, ""))
        self.assertEqual(told, self.seen_in_the_sandbox([first, second]))


if __name__ == "__main__":
    unittest.main()
