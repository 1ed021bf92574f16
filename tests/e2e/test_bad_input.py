"""What is wrong gets one clear error with AWS's words, exit code 2, and leaves nothing behind."""

import io
import os
import stat
import tarfile
import unittest
import zipfile

from lamina_e2e import (LAMINA, UNPACKED_LIMIT, EndToEndTest, Entry, TestSpace, file_entry, folder_entry,
                        for_each_user, for_root, leftovers, link_entry, patched_headers, zip_bytes)

UNZIP_FAILED = "Could not unzip uploaded file. Please check your file, then try to upload again."


class RefusingTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.space.custom_code()
        # The store's own folders come with its first use and stay.
        self.space.run("store", "ls")

    def refused(self, *words, noun=None, reference=None, handler="echo", arguments=(), **options):
        before = self.space.traces()
        run = self.space.invoke(handler, *arguments, **options)
        self.assert_refused(run, *words, noun=noun, reference=reference)
        self.assertEqual(leftovers(self.space, before), {}, run)
        return run

    def refused_layer(self, layer, *words, **options):
        return self.refused(*words, noun="layer", reference=layer, layers=[layer], **options)


@for_each_user
class BadArchives(RefusingTest):
    def raw(self, name, content):
        return self.space.write(name, content)

    def test_a_path_that_climbs_out_of_the_archive(self):
        for name in ("../outside", "a/../../outside", "lib/../../outside"):
            with self.subTest(name):
                self.refused_layer(self.space.zip("layer.zip", [file_entry("ok", "1"), file_entry(name, "x")]), UNZIP_FAILED)
                self.refused_layer(self.space.tar("layer.tar", [file_entry("ok", "1"), file_entry(name, "x")]), UNZIP_FAILED)
        self.assertFalse(os.path.exists(self.space.path("store", "outside")))

    def test_an_absolute_name(self):
        victim = self.space.path("victim")
        for layer in (self.space.zip("layer.zip", [file_entry(victim, "x")]),
                      self.space.tar("layer.tar", [file_entry(victim, "x")])):
            self.refused_layer(layer, UNZIP_FAILED)
        self.assertFalse(os.path.exists(victim))

    def test_a_write_through_a_symbolic_link(self):
        victim = self.space.folder("victim")
        os.chmod(victim, 0o777)
        entries = [link_entry("way", victim), file_entry("way/written", "x")]
        for layer in (self.space.zip("layer.zip", entries), self.space.tar("layer.tar", entries)):
            self.refused_layer(layer, UNZIP_FAILED)
        self.assertEqual(os.listdir(victim), [])

    def test_a_write_through_a_chain_of_links_inside(self):
        entries = [link_entry("a", ".."), link_entry("b", "a/.."), file_entry("b/written", "x")]
        self.refused_layer(self.space.zip("layer.zip", entries), UNZIP_FAILED)

    def test_a_hard_link_that_leaves_the_archive(self):
        path = self.space.path("layer.tar")
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo("copy")
            info.type, info.linkname = tarfile.LNKTYPE, "../../../../../../etc/passwd"
            archive.addfile(info)
        self.refused_layer(path, UNZIP_FAILED)

    def test_an_archive_that_is_cut_short(self):
        whole = zip_bytes([file_entry(f"file{n}", os.urandom(5000)) for n in range(20)])
        for size in (len(whole) // 2, len(whole) - 10, 30):
            with self.subTest(size):
                self.refused_layer(self.raw("cut.zip", whole[:size]), UNZIP_FAILED)
        for name in ("cut.tar", "cut.tar.gz"):
            with self.subTest(name):
                with open(self.space.tar(name, [file_entry("file", os.urandom(50_000))]), "rb") as file:
                    content = file.read()
                self.refused_layer(self.raw(name, content[:len(content) // 2]), UNZIP_FAILED)

    def test_an_encrypted_archive(self):
        plain = zip_bytes([file_entry("secret", b"0123456789abcdef")])
        self.refused_layer(self.raw("encrypted.zip", patched_headers(plain, 6, 8, 2, 1)), UNZIP_FAILED)

    def test_an_unknown_compression_method(self):
        plain = zip_bytes([file_entry("file", b"0123456789abcdef")])
        self.refused_layer(self.raw("odd.zip", patched_headers(plain, 8, 10, 2, 99)), UNZIP_FAILED)

    def test_what_is_not_an_archive(self):
        for name, content in (("text.zip", b"this is no archive\n" * 40), ("empty.zip", b""), ("random.zip", os.urandom(4096)),
                              ("half.zip", b"PK\x03\x04"), ("picture.tar", b"\x89PNG\r\n\x1a\n" + bytes(600))):
            with self.subTest(name):
                self.refused_layer(self.raw(name, content), UNZIP_FAILED)

    def test_an_entry_with_the_wrong_checksum(self):
        plain = zip_bytes([file_entry("file", b"some content of the file")])
        self.refused_layer(self.raw("crc.zip", patched_headers(plain, 14, 16, 4, 0x12345678)), UNZIP_FAILED)

    def test_device_entries_and_pipes(self):
        for kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO):
            entries = [file_entry("ok", "1"), Entry("device", b"", 0o666, kind=kind, method=zipfile.ZIP_STORED)]
            with self.subTest(stat.filemode(kind)):
                self.refused_layer(self.space.zip("device.zip", entries), UNZIP_FAILED)
                self.refused_layer(self.space.tar("device.tar", entries), UNZIP_FAILED)

    def test_a_bomb_stops_while_it_is_extracted(self):
        zeros = bytes(110_000_000)
        bomb = self.space.zip("bomb.zip", [file_entry(f"zeros{n}", zeros) for n in range(3)], level=1)
        self.refused_layer(bomb, "262144000")

    def test_a_bomb_that_lies_about_its_size(self):
        honest = zip_bytes([file_entry("zeros", bytes(UNPACKED_LIMIT + 50_000_000))], level=1)
        layer = self.raw("liar.zip", patched_headers(honest, 22, 24, 4, 1000))
        self.refused_layer(layer)

    def test_a_bomb_of_a_compressed_tar(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
            info = tarfile.TarInfo("zeros")
            info.size = UNPACKED_LIMIT + 1
            archive.addfile(info, io.BytesIO(bytes(info.size)))
        self.refused_layer(self.raw("bomb.tar.gz", buffer.getvalue()), "262144000")

    def test_the_same_holds_for_the_functions_code(self):
        code = self.raw("code.zip", b"no archive")
        self.refused(UNZIP_FAILED, noun="code", reference=code, code=code)

    def test_store_add_refuses_alike(self):
        bad = self.raw("bad.zip", b"no archive")
        before = self.space.traces()
        run = self.space.run("store", "add", bad)
        self.assert_refused(run, UNZIP_FAILED, noun="layer", reference=bad)
        self.assertEqual(leftovers(self.space, before), {})


@for_each_user
class BadLayers(RefusingTest):
    def test_a_layer_that_does_not_exist(self):
        self.refused_layer(self.space.path("missing.zip"), "No such file")

    def test_a_sixth_layer(self):
        layers = [self.space.tree(f"layer{n}", {"x": str(n)}) for n in range(6)]
        self.refused("Cannot reference more than 5 layers.", layers=layers)

    def test_the_same_layer_twice(self):
        layer = self.space.zip("layer.zip", [file_entry("x", "1")])
        self.space.invoke("echo", layers=[layer])
        self.refused("Two different versions of the same layer are not allowed to be referenced in the same function. "
                     f"{layer} and {layer} are versions of the same layer.", layers=[layer, layer])

    def sparse(self, name, size):
        path = self.space.write(name, "")
        os.truncate(path, size)
        return os.path.dirname(path)

    def test_code_and_layers_past_the_limit(self):
        code = self.space.custom_code()
        program = os.path.getsize(os.path.join(code, "bootstrap"))
        self.sparse("code/big", 150_000_000)
        layer = self.sparse("layer/big", 120_000_000)
        self.refused("Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
                     f"The actual size is {270_000_000 + program} bytes.", code=code, layers=[layer])

    def test_layers_alone_past_the_limit(self):
        layers = [self.sparse(f"layer{n}/big", 100_000_000) for n in range(3)]
        self.refused("Layers consume more than the available size of 262144000 bytes", layers=layers)

    def test_code_and_layers_at_the_limit_run(self):
        code = self.space.custom_code()
        layer = self.sparse("layer/big", UNPACKED_LIMIT - os.path.getsize(os.path.join(code, "bootstrap")))
        self.assert_returned(self.space.invoke("echo", code=code, layers=[layer]))

    def test_files_that_the_function_could_not_read(self):
        layer = self.space.zip("layer.zip", [file_entry("python/secret.py", "x", 0o600)])
        self.refused_layer(layer, "Layer conversion failed: Some files do not have read permissions")

    def test_folders_that_the_function_could_not_enter(self):
        layer = self.space.zip("layer.zip", [folder_entry("python", 0o744), file_entry("python/a.py", "x")])
        self.refused_layer(layer, "Layer conversion failed: Some directories do not have execute permissions")

    def test_unreadable_modes_in_a_folder(self):
        layer = self.space.tree("layer", {"python/secret.py": ("x", 0o600)})
        self.space.give(os.path.join(layer, "python/secret.py"))
        self.refused_layer(layer, "Layer conversion failed: Some files do not have read permissions")


@for_each_user
class BadRequests(RefusingTest):
    def test_a_missing_interpreter_tells_which_are_there(self):
        code = self.space.tree("py", {"app.py": "def handler(event, context): pass\n"})
        for runtime in ("python3.2", "nodejs4.x"):
            self.refused(runtime, "provided.al2023", handler="app.handler", runtime=runtime, code=code)

    def test_an_unknown_runtime(self):
        self.refused("cobol9", runtime="cobol9")

    def test_an_event_that_is_not_json(self):
        for event in (b"{not json", b"foo", b'{"a":1}{"b":2}', b'"\xff\xfe"'):
            with self.subTest(event):
                self.refused("Could not parse request body into json", noun="event", arguments=("-e", "-"), input=event)

    def test_a_deeply_nested_event_does_not_crash(self):
        event = b"[" * 200_000 + b"]" * 200_000
        run = self.space.invoke("echo", "-e", "-", input=event)
        self.assertIn(run.code, (0, 2), run)

    def test_a_payload_past_the_limit(self):
        event = b'"' + b"x" * (6_291_456 - 1) + b'"'
        self.refused("Request must be smaller than 6291456 bytes for the InvokeFunction operation",
                     noun="event", arguments=("-e", "-"), input=event)

    def test_an_event_file_that_does_not_exist(self):
        self.refused("no-such-event.json", arguments=("-e", "no-such-event.json"))

    def test_code_that_does_not_exist(self):
        missing = self.space.path("missing")
        self.refused("No such file", noun="code", reference=missing, code=missing)

    def test_an_unknown_flag(self):
        self.refused("--no-such-flag", arguments=("--no-such-flag",))

    def test_numbers_out_of_range(self):
        for flag, value in (("--memory", "64"), ("--memory", "20000"), ("--timeout", "0"), ("--timeout", "901"),
                            ("--ephemeral-storage", "100"), ("--memory", "lots"), ("--repeat", "0")):
            with self.subTest(f"{flag} {value}"):
                self.refused(arguments=(flag, value))

    def test_an_architecture_that_this_host_is_not(self):
        other = "x86_64" if os.uname().machine == "aarch64" else "arm64"
        self.refused(other, arguments=("--architecture", other))

    def test_a_report_that_cannot_be_written(self):
        self.refused("/no/such/folder", arguments=("--json", "/no/such/folder/report.json"))


@for_each_user
class FullDisk(EndToEndTest):
    def on_a_small_disk(self, megabytes):
        self.needs_root()  # to mount the small disk, in a namespace of its own
        options = f"size={megabytes}m,mode=0777"
        return ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c",
                f"mount -t tmpfs -o {options} small {self.space.store} && \"$@\"; code=$?; "
                f"find {self.space.store} -type f -size +0 | grep -v sqlite >&3; exit $code", "sh"]

    def test_a_full_disk_is_an_error_and_leaves_no_half_tree(self):
        layer = self.space.zip("layer.zip", [file_entry(f"file{n}", os.urandom(200_000)) for n in range(40)])
        left = self.space.path("left")
        with open(left, "wb") as left_file:
            wrap = self.on_a_small_disk(6)
            command = ["/bin/sh", "-c", f'exec "$@" 3>{left}', "sh", *wrap]
            run = self.space.run("store", "add", layer, before=command)
            del left_file
        self.assert_refused(run, "No space left on device")
        with open(left, encoding="utf-8") as file:
            self.assertEqual([line for line in file if "/trees/" in line or "/tmp/" in line], [])


if __name__ == "__main__":
    unittest.main()
