"""`lamina layers diff`, and the line with which `lamina invoke` names the cause of a failure."""

import os
import unittest

from lamina_e2e import EndToEndTest, file_entry, for_each_user, link_entry
from package_fixtures import distribution


def tariff(version, *modules):
    files = {f"tariff/{module}.py": f"# {version}\n" for module in modules}
    files["tariff/__init__.py"] = f'__version__ = "{version}"\n'
    return distribution("tariff", version, files)


class Diff(EndToEndTest):
    role = "root" if os.geteuid() == 0 else "user"

    def zip_of(self, name, files):
        return self.space.zip(name, [file_entry(path, content) for path, content in files.items()])

    def setUp(self):
        super().setUp()
        self.old = self.zip_of("old.zip", tariff("1.4", "france", "denmark"))
        self.new = self.zip_of("new.zip", tariff("2.0", "france", "poland"))

    def test_two_layers_are_compared_by_paths_and_packages(self):
        run = self.space.run("layers", "diff", self.old, self.new, "--json")
        self.assertEqual(run.code, 1, run)
        self.assertEqual(run.json["schema"], "lamina-diff/1")
        self.assertEqual([(row["name"], row["oldVersion"], row["newVersion"]) for row in run.json["packages"]],
                         [("tariff", "1.4", "2.0")])
        kinds = {row["path"]: (row["kind"], row["what"]) for row in run.json["paths"]}
        self.assertEqual(kinds["python/tariff/denmark.py"], ("removed", ""))
        self.assertEqual(kinds["python/tariff/poland.py"], ("added", ""))
        self.assertEqual(kinds["python/tariff/france.py"], ("changed", "content"))
        self.assertNotIn("python/tariff", kinds)
        text = self.space.run("layers", "diff", self.old, self.new)
        self.assertIn("python tariff: 1.4 -> 2.0", text.stdout.decode())
        self.assertIn("- python/tariff/denmark.py", text.stdout.decode())

    def test_a_layer_does_not_differ_from_itself(self):
        copy = self.zip_of("copy.zip", tariff("1.4", "france", "denmark"))
        run = self.space.run("layers", "diff", self.old, copy)
        self.assertEqual((run.code, run.stdout.decode()), (0, "no difference\n"), run)

    def test_modes_types_and_links_are_changes(self):
        before = self.space.zip("before.zip", [file_entry("bin/tool", "x", 0o644), link_entry("lib/a", "b"),
                                               file_entry("lib/c", "same")])
        after = self.space.zip("after.zip", [file_entry("bin/tool", "x", 0o755), link_entry("lib/a", "c"),
                                             link_entry("lib/c", "a")])
        run = self.space.run("layers", "diff", before, after, "--json")
        self.assertEqual({row["path"]: row["what"] for row in run.json["paths"]},
                         {"bin/tool": "mode", "lib/a": "link", "lib/c": "type"})

    def test_two_orders_are_compared_by_what_shows(self):
        layers = ["--runtime", "python3.11", "--layer", self.old, "--layer", self.new]
        run = self.space.run("layers", "diff", *layers, "--order", "1,2", "--order", "2,1", "--json")
        self.assertEqual(run.code, 1, run)
        [package] = run.json["packages"]
        self.assertEqual((package["oldVersion"], package["newVersion"]), ("2.0", "1.4"))
        self.assertEqual((package["oldOwner"], package["newOwner"]), (self.new, self.old))
        self.assertEqual(sorted(row["path"] for row in run.json["paths"]),
                         ["python/tariff/__init__.py", "python/tariff/france.py"])
        same = self.space.run("layers", "diff", *layers, "--order", "2,1", "--order", "2,1")
        self.assertEqual(same.code, 0, same)

    def test_what_cannot_be_compared_is_said(self):
        one = ["--layer", self.old]
        for arguments in ([self.old], [], [*one, "--order", "1"], [*one, "--order", "1", "--order", "2"],
                          [*one, "--order", "1", "--order", "1,1"], [*one, "--permute"],
                          [self.old, self.new, *one, "--order", "1", "--order", "1"],
                          [self.old, self.new, *one], [self.old, self.new, "-d", "{}"]):
            run = self.space.run("layers", "diff", *arguments)
            self.assertEqual(run.code, 2, f"{arguments} {run}")
            self.assertRegex(run.log, r"\Aerror: .*\.\n\Z")
        self.assertIn("no-such.zip", self.space.run("layers", "diff", self.old, "no-such.zip").log)


@for_each_user
class Permute(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("python")
        self.layers = []
        for version in ("1.4", "2.0", "3.1"):
            files = tariff(version)
            path = self.space.zip(f"tariff-{version}.zip",
                                  [file_entry(name, content) for name, content in files.items()])
            self.layers += ["--layer", path]

    def permute(self, code, *more):
        folder = self.space.tree("code", {"app.py": code})
        return self.space.run("layers", "diff", "--permute", "--code", folder, "--runtime", self.runtime, "--handler",
                              "app.handler", *self.layers, *more)

    def test_every_order_is_invoked_and_the_answers_are_put_together(self):
        run = self.permute("import tariff\ndef handler(event, context):\n    return tariff.__version__\n", "--json")
        self.assertEqual(run.code, 1, run)
        self.assertEqual(run.json["schema"], "lamina-permute/1")
        self.assertEqual(run.json["differentResults"], 3)
        self.assertEqual([(row["order"], row["payload"]) for row in run.json["results"]],
                         [([1, 2, 3], '"3.1"'), ([1, 3, 2], '"2.0"'), ([2, 1, 3], '"3.1"'), ([2, 3, 1], '"1.4"'),
                          ([3, 1, 2], '"2.0"'), ([3, 2, 1], '"1.4"')])

    def test_an_order_that_changes_nothing_is_no_difference(self):
        run = self.permute("def handler(event, context):\n    return event\n", "-d", '{"a": 1}')
        self.assertEqual(run.code, 0, run)
        self.assertIn("6 orders, 1 different result\n", run.stdout.decode())
        self.assertIn('{"a": 1}', run.stdout.decode())

    def test_the_same_failure_is_the_same_result_though_its_request_id_is_another(self):
        run = self.permute("def handler(event, context):\n    raise KeyError('no')\n")
        self.assertEqual(run.code, 0, run)
        self.assertIn("failed, orders 1,2,3", run.stdout.decode())


@for_each_user
class Hints(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("python")

    def hint(self, code, layers, *more):
        folder = self.space.tree("code", {"app.py": code})
        command = ["invoke", "--code", folder, "--runtime", self.runtime, "--handler", "app.handler"]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *more)
        self.assertEqual(run.code, 1, run)
        return [line for line in run.log.splitlines() if line.startswith("warning: ")]

    def layer(self, name, files):
        return self.space.zip(name, [file_entry(path, content) for path, content in files.items()])

    IMPORT = "import tariff\ndef handler(event, context):\n    return 1\n"

    def test_a_missing_module_that_lies_at_the_root_of_a_layer(self):
        layer = self.layer("flat.zip", distribution("tariff", "1.0", {"tariff/__init__.py": ""}, below=""))
        [line] = self.hint(self.IMPORT, [layer])
        self.assertIn("flat.zip", line)
        self.assertIn("[nothing-on-search-path]", line)

    def test_a_missing_module_that_lies_in_the_folder_of_another_python(self):
        layer = self.layer("other.zip", {"python/lib/python3.6/site-packages/tariff.py": ""})
        [line] = self.hint(self.IMPORT, [layer])
        self.assertIn("[other-language-version]", line)

    def test_a_missing_module_of_a_layer_that_pythonpath_hides(self):
        layer = self.layer("fine.zip", {"python/tariff.py": ""})
        [line] = self.hint(self.IMPORT, [layer], "--env", "PYTHONPATH=/var/task")
        self.assertIn("[layers-hidden-by-variable]", line)

    def test_a_name_that_half_of_another_version_wants(self):
        files = tariff("1.4")
        files["python/tariff/denmark.py"] = "from tariff.rates import rate\n"
        files["python/tariff/rates.py"] = "rate = 1\n"
        files["python/tariff-1.4.dist-info/RECORD"] = \
            "tariff/__init__.py,,\ntariff/denmark.py,,\ntariff/rates.py,,\n"
        old = self.layer("old.zip", files)
        new = self.layer("new.zip", {**tariff("2.0", "rates")})
        [line] = self.hint("import tariff.denmark\ndef handler(event, context):\n    return 1\n", [old, new])
        self.assertIn("[mixed-package]", line)
        self.assertIn("1.4", line)

    def test_a_failure_of_the_functions_own_gets_no_hint(self):
        flat = self.layer("flat.zip", distribution("tariff", "1.0", {"tariff/__init__.py": ""}, below=""))
        for code in ("import elsewhere\ndef handler(event, context):\n    return 1\n",
                     "def handler(event, context):\n    raise KeyError('x')\n"):
            self.assertEqual(self.hint(code, [flat]), [])


if __name__ == "__main__":
    unittest.main()
