"""/opt: the layers in their order, merged, with their modes and links, and read-only."""

import os
import pwd
import shutil
import subprocess
import unittest

from lamina_e2e import (ORDINARY_UID, PROGRAMS, EndToEndTest, TestSpace, file_entry, folder_entry, for_each_user,
                        for_root, link_entry)


@for_each_user
class Layers(EndToEndTest):
    def read(self, layers, *paths, **options):
        return self.assert_returned(self.space.invoke("read", event=list(paths), layers=layers, **options))

    def status(self, layers, *paths, **options):
        return self.assert_returned(self.space.invoke("status", event=list(paths), layers=layers, **options))

    def list(self, layers, *paths):
        return self.assert_returned(self.space.invoke("list", event=list(paths), layers=layers))

    def test_the_last_layer_wins(self):
        first = self.space.tree("first", {"who": "first", "only-first": "1"})
        second = self.space.tree("second", {"who": "second", "only-second": "2"})
        paths = ("/opt/who", "/opt/only-first", "/opt/only-second")
        self.assertEqual(list(self.read([first, second], *paths).values()), ["second", "1", "2"])
        self.assertEqual(list(self.read([second, first], *paths).values()), ["first", "1", "2"])

    def test_five_layers_keep_their_order(self):
        layers = [self.space.zip(f"{n}.zip", [file_entry("who", str(n)), file_entry(f"file{n}", str(n))])
                  for n in range(5)]
        self.assertEqual(self.read(layers, "/opt/who")["/opt/who"], "4")
        self.assertEqual(self.read(layers[::-1], "/opt/who")["/opt/who"], "0")
        self.assertEqual(self.list(layers, "/opt")["/opt"], ["file0", "file1", "file2", "file3", "file4", "who"])

    def test_folders_of_the_same_name_are_merged(self):
        first = self.space.zip("first.zip", [file_entry("python/a/one.py", "1")])
        second = self.space.zip("second.zip", [file_entry("python/a/two.py", "2"), file_entry("bin/tool", "t", 0o755)])
        self.assertEqual(self.list([first, second], "/opt", "/opt/python/a"),
                         {"/opt": ["bin", "python"], "/opt/python/a": ["one.py", "two.py"]})

    def test_a_shorter_file_replaces_the_longer_one_wholly(self):
        first = self.space.tree("first", {"text": "a long line of text"})
        second = self.space.tree("second", {"text": "short"})
        self.assertEqual(self.read([first, second], "/opt/text")["/opt/text"], "short")

    def test_a_file_over_a_folder_hides_the_folder(self):
        first = self.space.tree("first", {"thing/inside": "lost"})
        second = self.space.tree("second", {"thing": "file"})
        self.assertEqual(self.read([first, second], "/opt/thing", "/opt/thing/inside"),
                         {"/opt/thing": "file", "/opt/thing/inside": "ENOTDIR"})

    def test_without_layers_opt_is_an_empty_folder(self):
        self.assertEqual(self.list([], "/opt")["/opt"], [])

    def test_every_kind_of_package_gives_the_same_opt(self):
        entries = [folder_entry("lib"), file_entry("lib/data", "same", 0o644), file_entry("bin/tool", "x", 0o755),
                   link_entry("lib/alias", "data")]
        packages = [self.space.zip("layer.zip", entries)]
        packages += [self.space.tar(name, entries) for name in ("layer.tar", "layer.tar.gz")]
        if shutil.which("zstd"):
            packages.append(self.space.tar("layer.tar.zst", entries))
        folder = self.space.tree("layer", {"lib/data": "same", "bin/tool": ("x", 0o755)})
        os.symlink("data", os.path.join(folder, "lib/alias"))
        packages.append(folder)
        paths = ("/opt", "/opt/lib", "/opt/lib/data", "/opt/lib/alias", "/opt/bin/tool")
        seen = []
        for package in packages:
            status = self.status([package], *paths)
            # Where only one id can be mapped, a folder in place and a tree of the store both belong to
            # the user, so owners compare as well; a folder's size is the file system's business.
            seen.append({path: {key: value for key, value in row.items() if key in ("type", "mode", "target")}
                         for path, row in status.items()})
        for package, status in zip(packages[1:], seen[1:]):
            self.assertEqual(status, seen[0], package)

    def test_unix_modes_are_kept(self):
        layer = self.space.zip("layer.zip", [file_entry("a", "", 0o644), file_entry("b", "", 0o755),
                                             file_entry("c", "", 0o444), folder_entry("d", 0o775)])
        modes = {path: row["mode"] for path, row in
                 self.status([layer], "/opt/a", "/opt/b", "/opt/c", "/opt/d").items()}
        self.assertEqual(modes, {"/opt/a": "0644", "/opt/b": "0755", "/opt/c": "0444", "/opt/d": "0775"})

    def test_a_zip_without_unix_modes_gives_0644_and_0755(self):
        layer = self.space.zip("dos.zip", [file_entry("folder/file", "text", None)])
        modes = {path: row["mode"] for path, row in self.status([layer], "/opt/folder", "/opt/folder/file").items()}
        self.assertEqual(modes, {"/opt/folder": "0755", "/opt/folder/file": "0644"})

    def test_setuid_and_sticky_bits_are_never_made(self):
        layer = self.space.zip("layer.zip", [file_entry("tool", "x", 0o6755), folder_entry("d", 0o1777)])
        status = self.status([layer], "/opt/tool", "/opt/d")
        self.assertEqual(status["/opt/tool"]["mode"], "0755")
        self.assertRegex(status["/opt/d"]["mode"], "^0")

    def test_symbolic_links_are_kept_as_stored(self):
        layer = self.space.zip("layer.zip", [file_entry("lib/libx.so.1.2", "elf"), link_entry("lib/libx.so", "libx.so.1.2"),
                                             link_entry("dangling", "nowhere/at/all"), link_entry("absolute", "/tmp/data")])
        status = self.status([layer], "/opt/lib/libx.so", "/opt/dangling", "/opt/absolute")
        self.assertEqual({path: row.get("target") for path, row in status.items()},
                         {"/opt/lib/libx.so": "libx.so.1.2", "/opt/dangling": "nowhere/at/all",
                          "/opt/absolute": "/tmp/data"})
        self.assertEqual(self.read([layer], "/opt/lib/libx.so")["/opt/lib/libx.so"], "elf")

    def test_the_last_of_duplicate_entries_wins(self):
        layer = self.space.zip("layer.zip", [file_entry("who", "first"), file_entry("other", ""), file_entry("who", "last")])
        self.assertEqual(self.read([layer], "/opt/who")["/opt/who"], "last")

    def test_an_implicit_folder_takes_the_mode_of_the_lower_layer(self):
        first = self.space.zip("first.zip", [folder_entry("data", 0o775), file_entry("data/one", "1")])
        second = self.space.zip("second.zip", [file_entry("data/two", "2")])
        self.assertEqual(self.status([first, second], "/opt/data")["/opt/data"]["mode"], "0775")

    def test_an_explicit_folder_gives_its_own_mode(self):
        first = self.space.zip("first.zip", [folder_entry("data", 0o775), file_entry("data/one", "1")])
        second = self.space.zip("second.zip", [folder_entry("data", 0o755), file_entry("data/two", "2")])
        self.assertEqual(self.status([first, second], "/opt/data")["/opt/data"]["mode"], "0755")

    def test_names_in_other_scripts_survive(self):
        layer = self.space.zip("layer.zip", [file_entry("größe-数.txt", "ok")])
        self.assertEqual(self.list([layer], "/opt")["/opt"], ["größe-数.txt"])

    def test_names_that_look_like_whiteouts_are_ordinary_files(self):
        first = self.space.zip("first.zip", [file_entry("data", "kept")])
        second = self.space.zip("second.zip", [file_entry(".wh.data", ""), file_entry(".wh..wh..opq", "")])
        self.assertEqual(self.list([first, second], "/opt")["/opt"], [".wh..wh..opq", ".wh.data", "data"])

    def test_colons_and_commas_in_a_layers_path_are_no_problem(self):
        first = self.space.tree("a:b,c=d\\e", {"who": "first"})
        second = self.space.tree("lower:dir", {"who": "second"})
        self.assertEqual(self.read([first, second], "/opt/who")["/opt/who"], "second")

    def test_opt_is_read_only(self):
        layer = self.space.tree("layer", {"folder/file": "x"})
        os.chmod(os.path.join(layer, "folder"), 0o777)
        for layers in ([layer], [layer, self.space.tree("upper", {"x": "y"})], []):
            answer = self.assert_returned(self.space.invoke("write", event=["/opt", "/opt/folder"], layers=layers))
            self.assertEqual(answer["/opt"], "EROFS")
            self.assertIn(answer["/opt/folder"], ("EROFS", "ENOENT"))
        self.assertEqual(os.listdir(os.path.join(layer, "folder")), ["file"])

    def test_copy_mode_equals_overlay_mode(self):
        first = self.space.zip("first.zip", [
            folder_entry("data", 0o775), file_entry("data/one", "1", 0o640 | 0o4), file_entry("thing/inside", "x"),
            link_entry("link", "data/one"), file_entry("bin/tool", "first", 0o755), file_entry("gone", "file")])
        second = self.space.zip("second.zip", [
            file_entry("data/two", "2"), file_entry("thing", "a file now"), file_entry("bin/tool", "second", 0o755),
            link_entry("bin/other", "tool"), file_entry("gone/now-a-folder", "y")])
        third = self.space.tree("third", {"data/three": "3", "bin/tool": ("third", 0o755)})
        listing = ["/usr/bin/find", "/opt", "-printf", "%P|%y|%m|%s|%l\\n"]
        results = []
        for mode in ("overlay", "copy"):
            run = self.space.invoke("run", "--opt-mode", mode, event=listing, layers=[first, second, third])
            rows = sorted(self.assert_returned(run)["output"].splitlines())
            # The sizes of folders belong to the file system below.
            results.append([row if "|d|" not in row else row.rsplit("|", 2)[0] for row in rows])
        self.assertEqual(results[0], results[1])
        self.assertIn("bin/tool|f|755|5|", results[0])

    def test_a_layer_is_extracted_once_and_then_found(self):
        layer = self.space.zip("layer.zip", [file_entry("who", "x")])
        origins = [self.space.invoke("echo", layers=[layer], report=True).report["layers"][0]["origin"] for _ in range(2)]
        self.assertEqual(origins, ["extracted", "found"])

    def test_a_layer_under_another_name_is_found_by_its_content(self):
        layer = self.space.zip("layer.zip", [file_entry("who", "x")])
        self.space.invoke("echo", layers=[layer])
        shutil.copyfile(layer, self.space.path("other-name.zip"))
        run = self.space.invoke("echo", layers=[self.space.path("other-name.zip")], report=True)
        self.assertEqual(run.report["layers"][0]["origin"], "found")

    def test_a_changed_archive_of_the_same_name_is_seen(self):
        layer = self.space.zip("layer.zip", [file_entry("who", "old")])
        self.assertEqual(self.read([layer], "/opt/who")["/opt/who"], "old")
        self.space.zip("layer.zip", [file_entry("who", "new")])
        self.assertEqual(self.read([layer], "/opt/who")["/opt/who"], "new")

    def test_a_program_of_a_layer_is_on_the_path(self):
        layer = self.space.tree("layer", {"bin/layer-tool": ("#!/bin/sh\necho from the layer\n", 0o755)})
        answer = self.assert_returned(self.space.invoke("run", event=["layer-tool"], layers=[layer]))
        self.assertEqual(answer, {"status": 0, "output": "from the layer\n"})

    def test_the_systems_programs_win_over_a_layers(self):
        layer = self.space.tree("layer", {"bin/true": ("#!/bin/sh\necho layer\n", 0o755)})
        answer = self.assert_returned(self.space.invoke("run", event=["true"], layers=[layer]))
        self.assertEqual(answer["output"], "")

    def test_a_shared_library_of_a_layer_is_found_and_the_codes_wins(self):
        code = self.space.custom_code()
        shutil.copy(os.path.join(PROGRAMS, "greet"), self.space.path("code/greet"))
        layer = self.space.folder("layer/lib")
        shutil.copy(os.path.join(PROGRAMS, "layer/libgreeting.so"), layer)
        layers = [os.path.dirname(layer)]
        answer = self.assert_returned(self.space.invoke("run", event=["/var/task/greet"], layers=layers, code=code))
        self.assertEqual(answer["output"], "the layer's library\n")
        shutil.copy(os.path.join(PROGRAMS, "task/libgreeting.so"), self.space.folder("code/lib"))
        answer = self.assert_returned(self.space.invoke("run", event=["/var/task/greet"], layers=layers, code=code))
        self.assertEqual(answer["output"], "the task's library\n")

    def test_a_function_package_may_hold_files_that_the_function_cannot_read(self):
        # AWS refuses such layers, but not such code.
        code = self.space.custom_code()
        self.space.write("code/secret", "x", 0o600)
        if self.role == "user":
            self.space.give(self.space.path("code/secret"))
        answer = self.assert_returned(self.space.invoke("read", event=["/var/task/secret"], code=code))
        # With one id only, the owner of the file is the function itself.
        self.assertEqual(answer["/var/task/secret"], "EACCES" if self.role == "root" else "x")


@for_root
class LayersWithASecondId(EndToEndTest):
    """An ordinary user who owns subordinate ids: the function is not the owner of its files."""

    def test_a_0600_file_is_unreadable_where_newuidmap_lends_a_second_id(self):
        self.needs_root()
        self.needs_program("newuidmap")
        self.needs_program("newgidmap")
        # newuidmap wants to know the user's name; a minimal system has none for this id.
        try:
            name, accounts = pwd.getpwuid(ORDINARY_UID).pw_name, ""
        except KeyError:
            name = "lamina-test"
            accounts = f"{name}:x:{ORDINARY_UID}:{ORDINARY_UID}::/nonexistent:/usr/sbin/nologin\n"
        if not (os.path.exists("/etc/subuid") and os.path.exists("/etc/subgid")):
            self.cannot("no-subuid", "/etc/subuid or /etc/subgid does not exist")
        space = TestSpace("user")
        self.addCleanup(space.remove)
        ranges = space.write("subids", f"{name}:100000:65536\n")
        with open("/etc/passwd", encoding="utf-8") as file:
            users = space.write("passwd", file.read() + accounts)
        code = space.custom_code()
        secret = space.write("code/secret", "x", 0o600)
        space.give(secret)
        wrap = ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c",
                f"mount --bind {ranges} /etc/subuid && mount --bind {ranges} /etc/subgid && "
                f"mount --bind {users} /etc/passwd && exec \"$@\"", "sh"]
        run = space.invoke("read", event=["/var/task/secret"], code=code, before=wrap)
        self.assertEqual(self.assert_returned(run)["/var/task/secret"], "EACCES")
        process = self.assert_returned(space.invoke("process", before=wrap))
        self.assertEqual((process["uid"], process["gid"]), (993, 990))


if __name__ == "__main__":
    unittest.main()
