"""`lamina layers which` for programs, libraries and files agrees with what the sandbox really does."""

import os
import unittest

from lamina_e2e import EndToEndTest, file_entry, for_each_user, link_entry
from package_fixtures import shared_library


@for_each_user
class WhichFiles(EndToEndTest):
    def which(self, *names, layers=(), more=(), code=None):
        command = ["layers", "which", *names, "--runtime", "provided.al2023", "--json"]
        for layer in layers:
            command += ["--layer", layer]
        if code:
            command += ["--code", code]
        run = self.space.run(*command, *more)
        self.assertIn(run.code, (0, 1), run)
        self.assertEqual(run.json["schema"], "lamina-which/1")
        self.assertEqual(run.code, 0 if all(row["found"] for row in run.json["results"]) else 1, run)
        return run.json["results"]

    def inside(self, command, layers, code):
        arguments = ["exec", "--code", code, "--runtime", "provided.al2023"]
        for layer in layers:
            arguments += ["--layer", layer]
        run = self.space.run(*arguments, "--", "/bin/sh", "-c", command)
        return run.stdout.decode().strip()

    def test_a_program_is_the_one_that_the_shell_finds(self):
        script = "#!/bin/sh\necho mine\n"
        layer = self.space.zip("tools.zip", [file_entry("bin/ls", script, 0o755), file_entry("bin/mine", script, 0o755),
                                             file_entry("bin/dead", script, 0o644)])
        over = self.space.zip("over.zip", [file_entry("bin/mine", script + "# 2\n", 0o755)])
        code = self.space.custom_code()
        names = ["ls", "mine", "dead", "nowhere"]
        found = self.which(*[f"bin:{name}" for name in names], layers=[layer, over], code=code)
        for name, row in zip(names, found):
            real = self.inside(f"command -v {name}", [layer, over], code)
            self.assertEqual(row["found"], bool(real), f"{name}: {row} {real!r}")
            if real:
                self.assertEqual(os.path.basename(row["candidates"][0]["path"]), os.path.basename(real))
        ls, mine, dead, _ = found
        self.assertIn("/opt/bin/ls", [row["path"] for row in ls["candidates"][1:]])
        self.assertEqual([row["owner"] for row in mine["candidates"]],
                         [f'layer 2 "{over}"', f'layer 1 "{layer}"'])
        self.assertEqual([row["path"] for row in dead["candidates"]], ["/opt/bin/dead"])

    def test_a_library_is_the_one_that_the_loader_takes(self):
        content = shared_library(self.space.folder("elf"), soname="liblamina-test.so.1")
        layer = self.space.zip("libs.zip", [file_entry("lib/liblamina-test.so.1", content)])
        code = self.space.custom_code()
        [in_layer] = self.which("lib:liblamina-test.so.1", layers=[layer], code=code)
        self.assertTrue(in_layer["found"])
        self.assertEqual(in_layer["candidates"][0]["path"], "/opt/lib/liblamina-test.so.1")
        self.space.write("code/lib/liblamina-test.so.1", content, 0o644)
        [in_code] = self.which("lib:liblamina-test.so.1", layers=[layer], code=code)
        self.assertEqual([row["path"] for row in in_code["candidates"]],
                         ["/var/task/lib/liblamina-test.so.1", "/opt/lib/liblamina-test.so.1"])
        [system] = self.which("lib:libc.so.6", layers=[layer], code=code)
        self.assertEqual(system["candidates"][0]["owner"], "system")
        [missing] = self.which("lib:libnowhere.so.9", layers=[layer], code=code)
        self.assertFalse(missing["found"])
        self.assertIn("/opt/lib", missing["searched"])

    def test_a_file_is_followed_through_links_and_names_the_layers_that_have_it(self):
        below = self.space.zip("below.zip", [file_entry("data/x", "1"), link_entry("data/link", "/opt/data/x")])
        above = self.space.zip("above.zip", [file_entry("data/x", "2")])
        [row] = self.which("file:/opt/data/link", layers=[below, above])
        self.assertEqual([(entry["path"], entry["owner"]) for entry in row["candidates"]],
                         [("/opt/data/x", f'layer 2 "{above}"'), ("/opt/data/x", f'layer 1 "{below}"')])
        self.assertIn("/opt/data/link leads to /opt/data/x.", row["notes"])
        [gone] = self.which("file:/opt/data/nothing", layers=[below])
        self.assertFalse(gone["found"])

    def test_names_that_the_runtime_cannot_import_are_refused(self):
        for name in ("python:os", "node:fs", "something", "bin:"):
            run = self.space.run("layers", "which", name, "--runtime", "provided.al2023")
            self.assert_refused(run, name)


if __name__ == "__main__":
    unittest.main()
