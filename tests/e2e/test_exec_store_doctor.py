"""The commands beside invoke: exec, store and doctor."""

import hashlib
import json
import os
import unittest

from lamina_e2e import EndToEndTest, file_entry, for_each_user


@for_each_user
class Exec(EndToEndTest):
    def exec(self, *command, layers=(), arguments=(), **options):
        selection = ["--code", self.space.custom_code(), "--runtime", "provided.al2023", *arguments]
        for layer in layers:
            selection += ["--layer", layer]
        return self.space.run("exec", *selection, "--", *command, **options)

    def test_a_command_sees_the_composed_environment(self):
        layer = self.space.tree("layer", {"data": "from the layer"})
        run = self.exec("/bin/cat", "/opt/data", layers=[layer])
        self.assertEqual((run.code, run.stdout), (0, b"from the layer"), run)

    def test_the_exit_code_is_the_commands(self):
        self.assertEqual(self.exec("/bin/sh", "-c", "exit 7").code, 7)
        self.assertEqual(self.exec("/bin/sh", "-c", "kill -9 $$").code, 137)

    def test_the_streams_are_the_callers(self):
        run = self.exec("/bin/sh", "-c", "cat; echo to stderr >&2", input=b"through")
        self.assertEqual((run.stdout, run.log), (b"through", "to stderr\n"), run)

    def test_it_runs_as_the_functions_user_in_the_functions_folder(self):
        run = self.exec("/bin/sh", "-c", "id -u; id -g; pwd; printenv TZ")
        self.assertEqual(run.lines, ["993", "990", "/var/task", ":UTC"], run)

    def test_opt_is_read_only_for_it_too(self):
        run = self.exec("/bin/sh", "-c", "echo x > /opt/file")
        self.assertNotEqual(run.code, 0)
        self.assertIn("Read-only file system", run.log)

    def test_a_command_that_is_not_there(self):
        self.assert_refused(self.exec("/no/such/command"), "/no/such/command", "no such file or directory")

    def test_a_command_is_found_on_the_path(self):
        layer = self.space.tree("layer", {"bin/layer-tool": ("#!/bin/sh\necho tool\n", 0o755)})
        self.assertEqual(self.exec("layer-tool", layers=[layer]).stdout, b"tool\n")


@for_each_user
class Store(EndToEndTest):
    def layer(self, name="layer.zip", text="data"):
        return self.space.zip(name, [file_entry("python/data", text)])

    def test_add_extracts_ahead_of_time(self):
        layer = self.layer()
        with open(layer, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        run = self.space.run("store", "add", layer)
        self.assertEqual((run.code, run.lines), (0, [f"{digest}  {layer}"]), run)
        invoked = self.space.invoke("echo", layers=[layer], report=True)
        self.assertEqual(invoked.report["layers"][0]["origin"], "found")
        self.assertEqual(invoked.report["layers"][0]["digest"], digest)

    def test_ls_lists_what_is_there(self):
        self.assertEqual(self.space.run("store", "ls").stdout, b"")
        layer = self.layer()
        self.space.run("store", "add", layer)
        self.assertIn(layer, self.space.run("store", "ls").stdout.decode())
        (row,) = self.space.run("store", "ls", "--json").json
        self.assertEqual((row["files"], row["unpackedBytes"]), (1, 4))
        self.assertTrue(os.path.isdir(row["tree"]))

    def test_path_prints_where_an_archive_is_extracted(self):
        self.assertEqual(self.space.run("store", "path").lines, [self.space.store])
        tree = self.space.run("store", "path", self.layer()).lines[0]
        with open(os.path.join(tree, "python/data"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "data")

    def test_gc_removes_what_was_not_used(self):
        layer = self.layer()
        self.space.run("store", "add", layer)
        self.assertEqual(self.space.run("store", "gc").code, 0)
        self.assertEqual(len(self.space.run("store", "ls", "--json").json), 1, "used a moment ago")
        self.assertEqual(self.space.run("store", "gc", "--unused-for", "0").code, 0)
        self.assertEqual(self.space.run("store", "ls", "--json").json, [])
        run = self.space.invoke("echo", layers=[layer], report=True)
        self.assertEqual(run.report["layers"][0]["origin"], "extracted")

    def test_the_store_lies_where_xdg_says(self):
        data = os.path.join(self.space.home, "data")
        run = self.space.run("store", "path", variables={"LAMINA_HOME": None, "XDG_DATA_HOME": data})
        self.assertEqual(run.lines, [os.path.join(data, "lamina")], run)
        run = self.space.run("store", "path", variables={"LAMINA_HOME": None})
        self.assertEqual(run.lines, [os.path.join(self.space.home, ".local/share/lamina")], run)

    def test_a_store_that_cannot_be_written(self):
        run = self.space.run("store", "ls", variables={"LAMINA_HOME": "/proc/nowhere"})
        self.assert_refused(run, "/proc/nowhere")


@for_each_user
class Doctor(EndToEndTest):
    def test_this_host_can_run_functions(self):
        run = self.space.run("doctor")
        self.assertEqual(run.code, 0, run)
        self.assertIn("provided.al2023", run.stdout.decode())

    def test_every_no_has_its_remedy(self):
        document = self.space.run("doctor", "--json").json
        self.assertIs(document["healthy"], True)
        for row in document["host"] + document["runtimes"]:
            self.assertTrue(row["detail"], row)
            if not row["available"]:
                self.assertTrue(row["remedy"], row)

    def test_it_tells_where_memory_is_not_limited(self):
        rows = json.dumps(self.space.run("doctor", "--json").json["host"])
        self.assertIn("memory", rows)

    def test_it_tells_whether_the_aws_sdk_is_there(self):
        text = self.space.run("doctor").stdout.decode()
        if "python3" in text:
            self.assertIn("boto3: ", text)
        if "nodejs" in text:
            self.assertIn("AWS SDK v3: ", text)


if __name__ == "__main__":
    unittest.main()
