"""`lamina layers check`: what went wrong for people on AWS is told beforehand, and healthy layers are left in peace.

A test of a story is named by what happened. Missing here, because nothing publishes functions and layers yet:
layer versions that their publisher deleted, aliases that still have an old layer, and permissions of other
accounts' layers.
"""

import glob
import json
import os
import shutil
import struct
import subprocess
import unittest

from lamina_e2e import PROGRAMS, UNPACKED_LIMIT, EndToEndTest, Entry, file_entry, folder_entry, link_entry
from package_fixtures import (DEBIAN_PYTHON, HOST_ARCHITECTURE, OTHER_ARCHITECTURE, PLATFORM, bytecode, distribution,
                              jar, npm_package, requests, shared_library, stamped, urllib3)

SDK = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"]
AWS_ZIPPED_LIMIT = 52_428_800
MAGIC_311 = struct.pack("<H", 3495) + b"\r\n"


class CheckTest(EndToEndTest):
    # Nothing is run, so it makes no difference who asks.
    role = "root" if os.geteuid() == 0 else "user"

    def check(self, *layers, runtime="python3.11", code=None, more=(), exit_code=None, **options):
        """The findings; the exit code is 1 exactly when there is an error among them."""
        command = ["layers", "check", "--json"]
        if runtime:
            command += ["--runtime", runtime]
        if code:
            command += ["--code", code]
        for layer in layers:
            command += ["--layer", layer]
        run = self.space.run(*command, *more, **options)
        self.assertIn(run.code, (0, 1), run)
        report = run.json
        self.assertEqual(report["schema"], "lamina-check/1")
        for key, severity in (("errors", "error"), ("warnings", "warning"), ("notes", "note")):
            self.assertEqual(report[key], sum(row["severity"] == severity for row in report["findings"]), run)
        self.assertEqual(run.code, (1 if report["errors"] else 0) if exit_code is None else exit_code, run)
        for row in report["findings"]:
            # Whole sentences, so that a person can act on them.
            self.assertTrue(row["message"], row)
            for text in (row["onAws"], row["remedy"]):
                self.assertRegex(text, r"\A\S.*[.)]\Z", row)
        return report["findings"]

    def assert_silent(self, findings):
        self.assertEqual(findings, [])

    def assert_findings(self, findings, *identifiers):
        """These and no others."""
        self.assertEqual(sorted(row["id"] for row in findings), sorted(identifiers), json.dumps(findings, indent=1))

    def assert_finding(self, findings, identifier, severity, package, path, *words, more=None):
        found = [row for row in findings if row["id"] == identifier and row["path"] == path and
                 row["package"] == (package or "")]
        self.assertEqual(len(found), 1, f"{identifier} at {path!r}\n" + json.dumps(findings, indent=1))
        row = found[0]
        self.assertEqual(row["severity"], severity, row)
        for word in words:
            self.assertIn(word, " ".join((row["message"], row["onAws"], row["remedy"])), row)
        if more is not None:
            self.assertEqual(row["more"], more, row)
        return row

    def layer(self, name, *packages, **files):
        merged = {}
        for package in packages:
            merged.update(package)
        merged.update(files)
        return self.space.tree(name, merged)

    def zip_of(self, name, *packages):
        entries = [file_entry(path, content) if not isinstance(content, tuple) else file_entry(path, *content)
                   for package in packages for path, content in package.items()]
        return self.space.zip(name, entries)

    def library(self, name="library.so", **options):
        self.needs_program("cc")
        return shared_library(self.space.scratch, name, **options)


class PythonStories(CheckTest):
    # ---- versions that do not fit ----

    def test_urllib3_2_of_a_layer_under_the_runtimes_botocore(self):
        layer = self.zip_of("urllib3.zip", urllib3("2.0.2"))
        found = self.check(layer, runtime="python3.9")
        self.assert_findings(found, "unmet-requirement")
        self.assert_finding(found, "unmet-requirement", "warning", layer, "python/urllib3-2.0.2.dist-info",
                            "urllib3 2.0.2", "shadows the runtime's", "botocore", "python3.9", "<1.27")
        self.check(layer, runtime="python3.9", more=["--strict"], exit_code=1)

    def test_a_urllib3_that_the_runtimes_botocore_takes_is_fine(self):
        self.assert_silent(self.check(self.zip_of("old.zip", urllib3("1.26.18")), runtime="python3.9"))
        self.assert_silent(self.check(self.zip_of("new.zip", urllib3("2.2.3")), runtime="python3.12"))
        bad = self.zip_of("bad.zip", urllib3("2.2.0"))
        self.assert_findings(self.check(bad, runtime="python3.12"), "unmet-requirement")

    def test_boto3_of_a_layer_over_the_runtimes_botocore(self):
        boto3 = distribution("boto3", "1.34.162", {"boto3/__init__.py": ""},
                             requires=["botocore (<1.35.0,>=1.34.162)", "s3transfer (<0.11.0,>=0.10.0)"])
        layer = self.zip_of("boto3.zip", boto3)
        # Whether this host has the runtime's interpreter or not.
        for runtime in ("python3.11", "python3.13"):
            found = self.check(layer, runtime=runtime)
            self.assert_findings(found, "split-sdk")
            self.assert_finding(found, "split-sdk", "warning", layer, "python/boto3",
                                "boto3 1.34.162 comes from /opt/python",
                                "botocore and s3transfer come from the runtime")

    def test_boto3_of_a_layer_and_botocore_of_the_code(self):
        boto3 = distribution("boto3", "1.34.162", {"boto3/__init__.py": ""}, requires=["botocore (<1.35.0,>=1.34.162)"])
        botocore = distribution("botocore", "1.29.0", {"botocore/__init__.py": ""}, below="")
        s3transfer = distribution("s3transfer", "0.10.2", {"s3transfer/__init__.py": ""})
        layer = self.layer("layer", boto3, s3transfer)
        code = self.layer("code", botocore, {"app.py": ""})
        found = self.check(layer, code=code)
        self.assert_finding(found, "unmet-requirement", "warning", "code", "botocore-1.29.0.dist-info",
                            "botocore 1.29.0 of the code", "boto3 1.34.162", "1.34.162")
        self.assert_findings(found, "unmet-requirement")

    def test_boto3_and_botocore_without_metadata_of_a_layer_are_a_set(self):
        layer = self.layer("layer", {f"python/{name}/__init__.py": "" for name in ("boto3", "botocore", "s3transfer")})
        self.assert_silent(self.check(layer))

    def test_the_wrong_order_of_layers_picks_the_wrong_urllib3(self):
        base = self.zip_of("base.zip", requests("2.28.2", "<1.27,>=1.21.1"), urllib3("1.26.15"))
        top = self.zip_of("top.zip", urllib3("2.0.7"))
        found = self.check(base, top)
        self.assert_findings(found, "mixed-package", "two-versions-of-metadata", "unmet-requirement")
        self.assert_finding(found, "unmet-requirement", "warning", top, "python/urllib3-2.0.7.dist-info",
                            "urllib3 2.0.7", f'shadows 1.26.15 of layer "{base}"', "requests 2.28.2", "<1.27",
                            "order of the layers")
        self.assert_finding(found, "mixed-package", "warning", base, "python/urllib3/request.py", "1 file of urllib3",
                            "1.26.15", "2.0.7", more=[])
        # The other way round requests gets what it wants; the mixture stays.
        found = self.check(top, base)
        self.assert_findings(found, "mixed-package", "two-versions-of-metadata")
        self.assert_finding(found, "mixed-package", "warning", top, "python/urllib3/http2.py", "2.0.7")

    def test_a_requirement_that_nothing_brings(self):
        layer = self.layer("layer", requests("2.31.0", "<3,>=1.21.1"),
                           distribution("flask", "3.0.0", {"flask/__init__.py": ""},
                                        requires=["Werkzeug (>=3.0.0)", 'tomli; python_version < "3.11"',
                                                  'asgiref; extra == "async"']))
        found = self.check(layer)
        self.assert_findings(found, "unmet-requirement")
        self.assert_finding(found, "unmet-requirement", "warning", layer, "python/flask-3.0.0.dist-info",
                            "flask 3.0.0", "Werkzeug >=3.0.0", "nothing brings")

    def test_a_package_for_other_versions_of_python(self):
        layer = self.layer("layer", distribution("numpy", "2.1.0", {"numpy/__init__.py": ""}, requires_python=">=3.10"))
        found = self.check(layer, runtime="python3.9")
        self.assert_findings(found, "requires-python")
        self.assert_finding(found, "requires-python", "warning", layer, "python/numpy-2.1.0.dist-info",
                            "numpy 2.1.0", ">=3.10", "python3.9")
        self.assert_silent(self.check(layer, runtime="python3.10"))

    def test_an_old_vendored_six_on_python_3_12(self):
        files = {"urllib3/__init__.py": "", "urllib3/packages/__init__.py": "",
                 "urllib3/packages/six.py": '"""six"""\n\n__author__ = "x"\n__version__ = "1.12.0"\n'}
        layer = self.layer("layer", distribution("urllib3", "1.26.9", files))
        found = self.check(layer, runtime="python3.12")
        self.assert_findings(found, "old-six")
        self.assert_finding(found, "old-six", "warning", layer, "python/urllib3/packages/six.py", "six 1.12.0",
                            "python3.12", "six.moves")
        self.assert_silent(self.check(layer, runtime="python3.11"))

    # ---- copies and metadata ----

    def test_a_copy_in_the_code_shadows_the_layer(self):
        layer = self.layer("layer", requests("2.31.0", "<3"), urllib3("2.2.3"))
        code = self.layer("code", requests("2.28.2", "<3", below=""), {"app.py": ""})
        found = self.check(layer, code=code)
        self.assert_findings(found, "shadowed-by-code")
        self.assert_finding(found, "shadowed-by-code", "warning", layer, "python/requests-2.31.0.dist-info",
                            "requests 2.31.0", "2.28.2")
        same = self.layer("same", requests("2.31.0", "<3", below=""), {"app.py": ""})
        self.assert_silent(self.check(layer, code=same))

    def test_a_copy_without_metadata_in_the_code_shadows_the_layer(self):
        layer = self.layer("layer", {"python/helpers.py": "version = 2\n", "python/shared/__init__.py": "version = 2\n",
                                     "python/shared/new.py": "", "python/common.py": "same\n"})
        code = self.layer("code", {"helpers.py": "version = 1\n", "shared/__init__.py": "version = 1\n",
                                   "common.py": "same\n", "app.py": ""})
        found = self.check(layer, code=code)
        self.assert_findings(found, "shadowed-by-code")
        self.assert_finding(found, "shadowed-by-code", "warning", layer, "python/helpers.py", '"helpers.py"',
                            more=["python/shared"])

    def test_two_dist_infos_of_one_package_in_one_layer(self):
        new = distribution("opentelemetry-api", "1.31.1", {"opentelemetry/version.py": "1.31.1\n"})
        old = distribution("opentelemetry-api", "1.29.0", {"opentelemetry/version.py": "1.29.0\n",
                                                           "opentelemetry/gone.py": ""})
        del old["python/opentelemetry/gone.py"]
        layer = self.layer("layer", old, new)
        found = self.check(layer)
        self.assert_findings(found, "two-versions-of-metadata")
        self.assert_finding(found, "two-versions-of-metadata", "warning", layer,
                            "python/opentelemetry_api-1.31.1.dist-info", "opentelemetry-api", "/opt/python", "1.29.0",
                            "1.31.1", more=["python/opentelemetry_api-1.29.0.dist-info"])

    def test_versions_of_the_layer_and_of_the_code_mix(self):
        layer = self.layer("layer", distribution("opentelemetry-api", "1.31.1", {"opentelemetry/api.py": "new\n"}))
        code = self.layer("code", distribution("opentelemetry-api", "1.29.0", {"opentelemetry/api.py": "old\n"},
                                               below=""))
        found = self.check(layer, code=code)
        self.assert_findings(found, "shadowed-by-code")

    def test_dist_info_was_pruned_and_entry_points_vanish(self):
        files = {"python/ddtrace/__init__.py": "", "python/opentelemetry/__init__.py": "",
                 "python/ddtrace/propagation.py": "from importlib.metadata import entry_points\n"
                                                  "found = entry_points(group='x')\n"}
        layer = self.layer("layer", files)
        found = self.check(layer)
        self.assert_findings(found, "pruned-metadata")
        self.assert_finding(found, "pruned-metadata", "warning", layer, "python/ddtrace/propagation.py", "2 packages",
                            "Entry points", "dist-info")

    def test_dist_info_of_a_required_package_was_pruned(self):
        layer = self.layer("layer", distribution("opentelemetry-sdk", "1.31.1", {"opentelemetry_sdk/__init__.py": ""},
                                                 requires=["typing-extensions>=4", "PyYAML", "ruamel.yaml"]),
                           {"python/typing_extensions.py": "", "python/yaml/__init__.py": "",
                            "python/ruamel/yaml/__init__.py": ""})
        found = self.check(layer)
        self.assert_findings(found, *3 * ["pruned-metadata"])
        self.assertIn("typing-extensions >=4, which is there without its metadata",
                      " ".join(row["message"] for row in found))

    def test_a_package_whose_record_was_pruned_is_still_the_one_that_the_function_gets(self):
        # Only METADATA is left of the dist-info, as slimming plugins leave it.
        layer = self.layer("layer", distribution("urllib3", "2.0.2", {"urllib3/__init__.py": ""}, record=False))
        self.assert_findings(self.check(layer, runtime="python3.9"), "unmet-requirement")
        found = self.check(layer, self.layer("requests", requests("2.28.2", "<1.27,>=1.21.1")))
        self.assert_finding(found, "unmet-requirement", "warning", layer, "python/urllib3-2.0.2.dist-info", "<1.27")

    # ---- where things lie ----

    def test_pythonpath_of_the_function_hides_the_layers(self):
        layer = self.layer("layer", requests("2.31.0", "<3"))
        found = self.check(layer, more=["--env", "PYTHONPATH=/var/task/lib"])
        self.assert_findings(found, "layers-hidden-by-variable")
        self.assert_finding(found, "layers-hidden-by-variable", "warning", None, "", "PYTHONPATH=/var/task/lib",
                            "/opt/python", "Remove the variable")
        self.assert_silent(self.check(layer, more=["--env", "PYTHONPATH=/var/task/lib:/opt/python/"]))
        # Another folder of /opt is not the one.
        found = self.check(layer, more=["--env", "PYTHONPATH=/opt/python-adapter"])
        self.assert_findings(found, "layers-hidden-by-variable")

    def test_pythonpath_names_the_folder_that_the_layer_does_not_fill(self):
        layer = self.layer("layer", requests("2.31.0", "<3", below="python/lib/python3.11/site-packages/"))
        found = self.check(layer, more=["--env", "PYTHONPATH=/opt/python"])
        self.assert_findings(found, "layers-hidden-by-variable")
        self.assert_silent(self.check(layer, more=["--env", "PYTHONPATH=/opt/python/lib/python3.11/site-packages"]))

    def test_site_packages_lie_at_the_root_of_the_archive(self):
        layer = self.zip_of("layer.zip", requests("2.31.0", "<3", below=""))
        found = self.check(layer)
        self.assert_findings(found, "nothing-on-search-path")
        count = len(requests("2.31.0", "<3"))
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", f"0 of {count} files", "python3.11",
                            "site-packages at the root", 'below "python/"')

    def test_a_module_lies_at_the_root_of_the_archive(self):
        layer = self.zip_of("layer.zip", {"helpers.py": ""})
        self.assert_findings(self.check(layer), "nothing-on-search-path")

    def test_the_archive_has_a_folder_too_many(self):
        layer = self.zip_of("layer.zip", requests("2.31.0", "<3", below="my-layer/python/"))
        found = self.check(layer)
        self.assert_findings(found, "nothing-on-search-path")
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", '"my-layer/"', '"python/"',
                            'Zip the content of "my-layer/"')
        # As the Finder zips it.
        layer = self.zip_of("finder.zip", requests("2.31.0", "<3", below="my-layer/python/"),
                            {"__MACOSX/my-layer/._python": "x", ".DS_Store": "x"})
        found = self.check(layer)
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", 'Zip the content of "my-layer/"')

    def test_a_layer_of_data_is_only_worth_a_note(self):
        layer = self.zip_of("layer.zip", {"models/weights.bin": "x"})
        found = self.check(layer)
        self.assert_findings(found, "nothing-on-search-path")
        self.assert_finding(found, "nothing-on-search-path", "note", layer, "", "full paths")

    def test_a_layer_for_another_language(self):
        layer = self.zip_of("layer.zip", npm_package("lodash", "4.17.21"))
        found = self.check(layer)
        self.assert_findings(found, "nothing-on-search-path")
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", '"nodejs/"')
        # Nobody knows what a custom runtime reads.
        found = self.check(layer, runtime="provided.al2023")
        self.assert_finding(found, "nothing-on-search-path", "note", layer, "")

    def test_the_folder_of_another_python(self):
        old = "python/lib/python3.8/site-packages/"
        layer = self.zip_of("layer.zip", requests("2.31.0", "<3", below=old))
        found = self.check(layer, runtime="python3.12")
        self.assert_findings(found, "other-language-version")
        self.assert_finding(found, "other-language-version", "error", layer, old.rstrip("/"), "3.8", "python3.12",
                            "python/lib/python3.12/site-packages")
        self.assert_silent(self.check(layer, runtime="python3.8"))

    def test_folders_of_several_pythons_are_only_worth_a_note(self):
        packages = [requests("2.31.0", "<3", below=f"python/lib/python3.{minor}/site-packages/")
                    for minor in (11, 12)]
        found = self.check(self.zip_of("layer.zip", *packages), runtime="python3.12")
        self.assert_findings(found, "other-language-version")
        self.assertEqual(found[0]["severity"], "note")
        # A program beside them does not make the packages of another Python usable.
        layer = self.zip_of("tool.zip", packages[0], {"bin/tool": ("#!/bin/sh\n", 0o755)})
        found = self.check(layer, runtime="python3.12")
        self.assert_finding(found, "other-language-version", "warning", layer, "python/lib/python3.11/site-packages")

    def test_an_extension_module_for_another_python(self):
        name = f"_rust.cpython-38-{PLATFORM[HOST_ARCHITECTURE]}.so"
        # It needs what is nowhere, which does not matter any more.
        content = self.library(needs=[("libnowhere.so.1", None)])
        layer = self.layer("layer", {"python/cryptography/__init__.py": "", f"python/cryptography/{name}": content})
        found = self.check(layer, runtime="python3.12")
        self.assert_findings(found, "other-python-extension")
        self.assert_finding(found, "other-python-extension", "error", layer, f"python/cryptography/{name}",
                            "cpython-38", "cpython-312")

    def test_extension_modules_for_several_pythons_and_abi3_are_fine(self):
        content = self.library()
        platform = PLATFORM[HOST_ARCHITECTURE]
        layer = self.layer("layer", {f"python/a/{name}": content for name in (
            f"_one.cpython-38-{platform}.so", f"_one.cpython-312-{platform}.so", "_two.abi3.so",
            f"_three.cpython-38-{platform}.so", "_three.py")})
        self.assert_silent(self.check(layer, runtime="python3.12"))

    def test_a_namespace_is_split_over_the_code_and_a_layer(self):
        code = self.layer("code", {"google/__init__.py": "", "google/protobuf/__init__.py": "", "app.py": ""})
        layer = self.layer("layer", {"python/google/cloud/storage/__init__.py": ""})
        found = self.check(layer, code=code)
        self.assert_findings(found, "hidden-namespace")
        self.assert_finding(found, "hidden-namespace", "warning", layer, "python/google", '"google"', "the code",
                            "/var/task", "__init__.py")

    def test_a_namespace_inside_of_a_namespace_is_split(self):
        code = self.layer("code", {"google/cloud/__init__.py": "", "google/cloud/pubsub/__init__.py": "", "app.py": ""})
        layer = self.layer("layer", {"python/google/cloud/storage/__init__.py": ""})
        found = self.check(layer, code=code)
        self.assert_findings(found, "hidden-namespace")
        self.assert_finding(found, "hidden-namespace", "warning", layer, "python/google/cloud", '"google.cloud"')

    def test_namespaces_that_find_each_other_are_fine(self):
        layer = self.layer("layer", {"python/google/cloud/storage/__init__.py": "",
                                     "python/zope/interface/__init__.py": ""})
        code = self.layer("code", {"google/cloud/pubsub/__init__.py": "", "app.py": "",
                                   "zope/__init__.py": "__import__('pkg_resources').declare_namespace(__name__)\n",
                                   "zope/event/__init__.py": ""})
        self.assert_silent(self.check(layer, code=code))

    def test_a_backport_shadows_the_standard_library(self):
        layer = self.layer("layer", distribution("typing", "3.7.4", {"typing.py": ""}),
                           distribution("enum34", "1.1.6", {"enum/__init__.py": ""}))
        found = self.check(layer)
        self.assert_findings(found, "shadows-standard-library")
        self.assert_finding(found, "shadows-standard-library", "warning", layer, "python/enum",
                            more=["python/typing.py"])

    # ---- bytecode ----

    def stale_pair(self, time=(1980, 1, 1, 0, 0, 0), old="value = 1\n", new="value = 2\n", head=None):
        # DOS times have no zone; the store takes them for UTC.
        mtime = 315532800 if time[0] == 1980 else 1704164646
        pyc = head or bytecode(MAGIC_311, mtime, len(old))
        lower = self.space.zip("lower.zip", stamped(file_entry, {
            "python/pkg/__init__.py": "", "python/pkg/mod.py": old,
            "python/pkg/__pycache__/mod.cpython-311.pyc": pyc}, time))
        upper = self.space.zip("upper.zip", stamped(file_entry, {
            "python/pkg/__init__.py": "", "python/pkg/mod.py": new}, time))
        return lower, upper

    def test_bytecode_of_a_lower_layer_runs_in_place_of_the_new_source(self):
        lower, upper = self.stale_pair()
        found = self.check(lower, upper)
        self.assert_findings(found, "stale-bytecode")
        self.assert_finding(found, "stale-bytecode", "warning", lower, "python/pkg/__pycache__/mod.cpython-311.pyc",
                            f'python/pkg/mod.py of layer "{upper}"', "time and size")
        self.assert_silent(self.check(lower))

    def test_bytecode_of_another_size_is_compiled_again(self):
        found = self.check(*self.stale_pair(new="value = 1000\n"))
        self.assert_findings(found, "useless-bytecode")
        self.assertEqual(found[0]["severity"], "note")

    def test_bytecode_of_a_source_with_the_same_content_is_fine(self):
        self.assert_silent(self.check(*self.stale_pair(new="value = 1\n")))

    def test_bytecode_that_is_never_checked_is_stale_too_and_hashes_are_not(self):
        never = MAGIC_311 + struct.pack("<I", 1) + b"12345678" + b"\xe3"
        self.assert_findings(self.check(*self.stale_pair(head=never)), "stale-bytecode")
        by_hash = MAGIC_311 + struct.pack("<I", 3) + b"12345678" + b"\xe3"
        self.assert_findings(self.check(*self.stale_pair(head=by_hash)), "useless-bytecode")

    def test_bytecode_of_another_python_is_useless(self):
        lower, _ = self.stale_pair()
        found = self.check(lower, runtime="python3.12")
        self.assert_findings(found, "useless-bytecode")
        self.assert_finding(found, "useless-bytecode", "note", lower, "python/pkg/__pycache__/mod.cpython-311.pyc",
                            "python3.12")


class NativeStories(CheckTest):
    def test_an_extension_module_of_the_other_processor(self):
        name = f"_pydantic_core.cpython-312-{PLATFORM[OTHER_ARCHITECTURE]}.so"
        layer = self.layer("layer", {"python/pydantic_core/__init__.py": "",
                                     f"python/pydantic_core/{name}": self.library(architecture=OTHER_ARCHITECTURE)})
        found = self.check(layer, runtime="python3.12")
        self.assert_findings(found, "other-architecture")
        self.assert_finding(found, "other-architecture", "error", layer, f"python/pydantic_core/{name}",
                            OTHER_ARCHITECTURE, f"runs on {HOST_ARCHITECTURE}")
        self.assert_silent(self.check(layer, runtime="python3.12", more=["--architecture", OTHER_ARCHITECTURE]))

    def test_an_extension_of_the_other_processor(self):
        program = self.library("agent", program=True, architecture=OTHER_ARCHITECTURE)
        layer = self.layer("layer", {"extensions/agent": (program, 0o755)})
        found = self.check(layer)
        self.assert_findings(found, "other-architecture")
        self.assert_finding(found, "other-architecture", "error", layer, "extensions/agent", "exec format error")

    def test_npm_packages_with_builds_for_every_processor_are_fine(self):
        ours, theirs = ({"x86_64": "x64", "arm64": "arm64"}[one] for one in (HOST_ARCHITECTURE, OTHER_ARCHITECTURE))
        layer = self.layer("layer", npm_package("bcrypt", "5.1.1", {
            f"prebuilds/linux-{ours}/bcrypt.node": self.library("ours.so"),
            f"prebuilds/linux-{theirs}/bcrypt.node": self.library("theirs.so", architecture=OTHER_ARCHITECTURE),
            "prebuilds/linuxglibc-arm/bcrypt.node": self.library("arm.so", architecture="arm")}))
        self.assert_silent(self.check(layer, runtime="nodejs20.x"))

    def test_glibc_of_the_runtime_is_too_old(self):
        content = self.library(needs=[("libc.so.6", "GLIBC_2.28"), ("libc.so.6", "GLIBC_2.17")])
        layer = self.layer("layer", {"python/cryptography/__init__.py": "",
                                     "python/cryptography/_rust.abi3.so": content})
        found = self.check(layer, runtime="python3.11")
        self.assert_findings(found, "newer-symbol-version")
        self.assert_finding(found, "newer-symbol-version", "error", layer, "python/cryptography/_rust.abi3.so",
                            "GLIBC_2.28", "libc.so.6", "Amazon Linux 2", "python3.11", "GLIBC_2.26")
        self.assert_silent(self.check(layer, runtime="python3.12"))

    def test_glibc_of_amazon_linux_2023_is_too_old(self):
        layer = self.layer("layer", {"python/_x.abi3.so": self.library(needs=[("libc.so.6", "GLIBC_2.38")])})
        found = self.check(layer, runtime="python3.12")
        self.assert_finding(found, "newer-symbol-version", "error", layer, "python/_x.abi3.so", "GLIBC_2.38",
                            "Amazon Linux 2023", "GLIBC_2.34")

    def test_a_library_of_the_older_system_is_gone(self):
        layer = self.layer("layer", {"bin/tool": (self.library("tool", program=True, needs=[("libcrypt.so.1", None)]),
                                                  0o755)})
        found = self.check(layer, runtime="python3.12")
        self.assert_findings(found, "missing-library")
        self.assert_finding(found, "missing-library", "warning", layer, "bin/tool", "libcrypt.so.1",
                            "Amazon Linux 2023", "cannot open shared object file")
        self.assert_silent(self.check(layer, runtime="python3.11"))
        other = self.layer("other", {"lib/libcrypt.so.1": self.library("libcrypt.so.1", soname="libcrypt.so.1")})
        self.assert_silent(self.check(layer, other, runtime="python3.12"))

    def test_the_systems_library_wins_over_the_layers(self):
        layer = self.layer("layer", {
            "lib/libheif.so.1": self.library("heif.so", soname="libheif.so.1",
                                             needs=[("libstdc++.so.6", "CXXABI_1.3.99")]),
            "lib/libstdc++.so.6": self.library("stdc.so", soname="libstdc++.so.6",
                                               defines=["CXXABI_1.3", "CXXABI_1.3.99"])})
        found = self.check(layer, runtime="provided.al2023")
        self.assert_findings(found, "newer-symbol-version", "system-library-wins")
        self.assert_finding(found, "newer-symbol-version", "error", layer, "lib/libheif.so.1", "CXXABI_1.3.99",
                            "libstdc++.so.6")
        self.assert_finding(found, "system-library-wins", "warning", layer, "lib/libstdc++.so.6", "CXXABI_1.3.99",
                            "/opt/lib/libheif.so.1", "RUNPATH")

    def heif_layer(self, **options):
        return self.layer("layer", {
            "bin/heif": (self.library("heif", program=True, run_path="$ORIGIN/../lib", **options,
                                      needs=[("libstdc++.so.6", "CXXABI_1.3.99")]), 0o755),
            "lib/libstdc++.so.6": self.library("stdc.so", soname="libstdc++.so.6",
                                               defines=["CXXABI_1.3", "CXXABI_1.3.99"])})

    def test_a_runpath_comes_after_the_systems_folders_of_ld_library_path(self):
        layer = self.heif_layer()
        found = self.check(layer, runtime="provided.al2023")
        self.assert_findings(found, "newer-symbol-version", "system-library-wins")
        # The function can change the order.
        for value in ("/opt/lib:/lib64:/usr/lib64", "/var/task/lib:/opt/lib", "/opt/lib"):
            self.assert_silent(self.check(layer, runtime="provided.al2023", more=["--env", f"LD_LIBRARY_PATH={value}"]))
        found = self.check(layer, runtime="provided.al2023", more=["--env", "LD_LIBRARY_PATH=/lib64:/opt/lib"])
        self.assert_findings(found, "newer-symbol-version", "system-library-wins")

    def test_a_library_that_is_found_by_rpath_is_fine(self):
        self.assert_silent(self.check(self.heif_layer(rpath=True), runtime="provided.al2023"))

    def test_links_of_a_library_became_copies(self):
        content = self.library(soname="libmagic.so.1") + bytes(4096)
        names = ["lib/libmagic.so", "lib/libmagic.so.1", "lib/libmagic.so.1.2"]
        layer = self.layer("layer", {name: content for name in names})
        found = self.check(layer)
        self.assert_findings(found, "dereferenced-links")
        self.assert_finding(found, "dereferenced-links", "warning", layer, names[0], "3 identical files",
                            str(2 * len(content)), "zip -y", more=names[1:])
        kept = self.space.zip("kept.zip", [file_entry(names[2], content), link_entry(names[0], "libmagic.so.1"),
                                           link_entry(names[1], "libmagic.so.1.2")])
        self.assert_silent(self.check(kept))


class ProgramStories(CheckTest):
    def test_the_exec_bit_of_an_extension_was_lost(self):
        layer = self.space.zip("layer.zip", [file_entry("extensions/agent", "#!/bin/sh\nexit 0\n", 0o644)])
        found = self.check(layer)
        self.assert_findings(found, "not-executable")
        self.assert_finding(found, "not-executable", "error", layer, "extensions/agent", "an extension", "0644",
                            "permission denied", "chmod 755")

    def test_the_exec_bit_of_the_bootstrap_was_lost_in_a_zip_of_windows(self):
        code = self.space.zip("code.zip", [Entry("bootstrap", "#!/bin/sh\n", None)])
        found = self.check(runtime="provided.al2023", code=code)
        self.assert_findings(found, "not-executable")
        self.assert_finding(found, "not-executable", "error", "code", "bootstrap", "bootstrap")
        layer = self.space.zip("layer.zip", [file_entry("bootstrap", "#!/bin/sh\n", 0o644)])
        self.assert_findings(self.check(layer, runtime="provided.al2023"), "not-executable")

    def test_the_exec_bits_of_a_wrapper_and_of_a_program_were_lost(self):
        layer = self.space.zip("layer.zip", [file_entry("otel-handler", "#!/bin/bash\n"),
                                             file_entry("bin/tool", "#!/bin/sh\n"), file_entry("bin/README.md", "#")])
        found = self.check(layer, more=["--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-handler"])
        self.assert_findings(found, "not-executable", "not-executable")
        self.assert_finding(found, "not-executable", "error", layer, "otel-handler", "AWS_LAMBDA_EXEC_WRAPPER")
        self.assert_finding(found, "not-executable", "warning", layer, "bin/tool", "a program in PATH")

    def test_the_wrapper_is_nowhere(self):
        layer = self.layer("layer", {"python/a.py": ""})
        found = self.check(layer, more=["--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-handler"])
        self.assert_findings(found, "missing-wrapper")
        self.assert_finding(found, "missing-wrapper", "error", None, "", "/opt/otel-handler", "127")
        wrapper = self.layer("wrapper", {"otel-handler": ("#!/bin/bash\n", 0o755)})
        self.assert_silent(self.check(wrapper, more=["--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-handler"]))
        # Custom runtimes know no wrapper.
        self.assert_silent(self.check(self.layer("custom", {"bootstrap": ("#!/bin/sh\n", 0o755)}),
                                      runtime="provided.al2023",
                                      more=["--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-handler"]))

    def test_no_bootstrap_anywhere(self):
        code = self.layer("code", {"main": "x"})
        layer = self.layer("layer", {"bin/tool": ("#!/bin/sh\n", 0o755)})
        found = self.check(layer, runtime="provided.al2023", code=code)
        self.assert_findings(found, "missing-bootstrap")
        self.assert_finding(found, "missing-bootstrap", "error", "code", "", "/var/task/bootstrap", "/opt/bootstrap")

    def test_an_extension_that_is_neither_a_program_nor_a_script(self):
        layer = self.space.zip("layer.zip", [file_entry("extensions/agent", "exit 0\n", 0o755)])
        found = self.check(layer)
        self.assert_findings(found, "not-a-program")
        self.assert_finding(found, "not-a-program", "error", layer, "extensions/agent", "an extension",
                            "exec format error")

    def test_a_shebang_with_a_carriage_return(self):
        layer = self.space.zip("layer.zip", [file_entry("extensions/agent", "#!/bin/bash\r\nexit 0\r\n", 0o755)])
        found = self.check(layer)
        self.assert_findings(found, "carriage-return")
        self.assert_finding(found, "carriage-return", "error", layer, "extensions/agent", "CR LF",
                            "no such file or directory", "dos2unix")

    def test_a_shebang_whose_interpreter_is_not_there(self):
        layer = self.space.zip("layer.zip", [file_entry("extensions/agent", "#!/usr/bin/env node\n", 0o755)])
        found = self.check(layer)
        self.assert_findings(found, "missing-script-interpreter")
        self.assert_finding(found, "missing-script-interpreter", "error", layer, "extensions/agent",
                            "/usr/bin/env node")
        self.assert_silent(self.check(layer, runtime="nodejs20.x"))
        node = self.layer("node", {"bin/node": (self.library("node", program=True), 0o755)})
        self.assert_silent(self.check(layer, node))

    def test_an_extension_layer_is_fine(self):
        layer = self.space.zip("layer.zip", [
            folder_entry("extensions"), file_entry("extensions/agent", "#!/bin/sh\nexec /opt/agent/main\n", 0o755),
            file_entry("extensions/watcher", "#!/usr/bin/env python3\n", 0o755),
            file_entry("agent/main", self.library("main", program=True), 0o755)])
        self.assert_silent(self.check(layer))

    def test_a_custom_runtime_layer_is_fine(self):
        with open(os.path.join(PROGRAMS, "bootstrap"), "rb") as file:
            program = file.read()
        layer = self.space.zip("layer.zip", [file_entry("bootstrap", "#!/bin/sh\nexec /opt/runtime/main\n", 0o755),
                                             file_entry("runtime/main", program, 0o755)])
        code = self.layer("code", {"handler.sh": "echo\n"})
        for runtime in ("provided.al2023", "provided.al2"):
            self.assert_silent(self.check(layer, runtime=runtime, code=code))

    def test_path_of_the_function_hides_the_layers_programs(self):
        layer = self.layer("layer", {"bin/tool": ("#!/bin/sh\n", 0o755), "lib/libx.so.1": self.library()})
        more = ["--env", "PATH=/usr/bin:/bin", "--env", "LD_LIBRARY_PATH=/var/task/lib:/opt/lib"]
        found = self.check(layer, more=more)
        self.assert_findings(found, "layers-hidden-by-variable")
        self.assert_finding(found, "layers-hidden-by-variable", "warning", None, "", "PATH=/usr/bin:/bin", "/opt/bin")


class NodejsStories(CheckTest):
    def test_an_es_module_imports_from_a_layer_before_nodejs18(self):
        layer = self.layer("layer", npm_package("lodash", "4.17.21"))
        code = self.layer("code", {"index.mjs": "import lodash from 'lodash';\n"})
        found = self.check(layer, runtime="nodejs16.x", code=code)
        self.assert_findings(found, "es-import-needs-nodejs18")
        self.assert_finding(found, "es-import-needs-nodejs18", "error", "code", "index.mjs", "nodejs16.x",
                            "ERR_MODULE_NOT_FOUND", "nodejs18.x")
        self.assert_silent(self.check(layer, runtime="nodejs18.x", code=code))
        common = self.layer("common", {"index.js": "require('lodash');\n"})
        self.assert_silent(self.check(layer, runtime="nodejs16.x", code=common))

    def test_node_modules_lie_at_the_root_of_the_archive(self):
        layer = self.zip_of("layer.zip", npm_package("lodash", "4.17.21", below="node_modules/"))
        found = self.check(layer, runtime="nodejs20.x")
        self.assert_findings(found, "nothing-on-search-path")
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", "node_modules lies at the root",
                            '"nodejs/"')

    def test_packages_lie_outside_of_node_modules(self):
        layer = self.zip_of("layer.zip", npm_package("lodash", "4.17.21", below="nodejs/"))
        found = self.check(layer, runtime="nodejs20.x")
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", '"nodejs/node_modules/"')

    def test_the_folder_of_another_nodejs(self):
        layer = self.zip_of("layer.zip", npm_package("lodash", "4.17.21", below="nodejs/node18/node_modules/"))
        found = self.check(layer, runtime="nodejs20.x")
        self.assert_findings(found, "other-language-version")
        self.assert_finding(found, "other-language-version", "error", layer, "nodejs/node18/node_modules", "18",
                            "nodejs20.x", "nodejs/node20/node_modules")

    def test_node_path_of_the_function_hides_the_layers(self):
        layer = self.layer("layer", npm_package("lodash", "4.17.21"))
        found = self.check(layer, runtime="nodejs20.x", more=["--env", "NODE_PATH=/var/task/lib"])
        self.assert_findings(found, "layers-hidden-by-variable")
        self.assert_silent(self.check(layer, runtime="nodejs20.x",
                                      more=["--env", "NODE_PATH=/opt/nodejs/node_modules:/var/task/lib"]))

    def test_a_dependency_of_the_wrong_version_wins(self):
        base = self.layer("base", npm_package("chalk", "4.1.2", dependencies={"ansi-styles": "^4.1.0"}),
                          npm_package("ansi-styles", "4.3.0", {"only-old.js": ""}))
        top = self.layer("top", npm_package("ansi-styles", "6.2.1"))
        found = self.check(base, top, runtime="nodejs20.x")
        self.assert_findings(found, "mixed-package", "unmet-npm-dependency")
        self.assert_finding(found, "unmet-npm-dependency", "warning", base, "nodejs/node_modules/chalk/package.json",
                            "chalk 4.1.2 depends on ansi-styles ^4.1.0", f'6.2.1 of layer "{top}"')
        self.assert_finding(found, "mixed-package", "warning", base, "nodejs/node_modules/ansi-styles/only-old.js")
        found = self.check(self.layer("alone", npm_package("chalk", "4.1.2", dependencies={"supports-color": "^7"})),
                           runtime="nodejs20.x")
        self.assert_findings(found, "unmet-npm-dependency")

    def test_packages_with_their_own_and_optional_dependencies_are_fine(self):
        layer = self.layer("layer", npm_package("chalk", "4.1.2", dependencies={"ansi-styles": "^4.1.0"}),
                           npm_package("ansi-styles", "6.2.1"),
                           npm_package("ansi-styles", "4.3.0", below="nodejs/node_modules/chalk/node_modules/"),
                           npm_package("sdk-user", "1.0.0",
                                       dependencies={"@aws-sdk/client-s3": "^3.0.0", "fsevents": "*"},
                                       optionalDependencies={"fsevents": "*"}, peerDependencies={"react": ">=16"}),
                           npm_package("@scope/thing", "1.0.0", dependencies={"chalk": "npm:chalk@^4"}))
        self.assert_silent(self.check(layer, runtime="nodejs20.x"))


class JavaStories(CheckTest):
    def test_two_versions_of_a_jar(self):
        old, new = (jar(self.space.path("x.jar"), "lib", version) for version in ("1.9", "1.10"))
        base = self.layer("base", {"java/lib/lib-1.9.jar": old})
        top = self.layer("top", {"java/lib/lib-1.10.jar": new})
        found = self.check(base, top, runtime="java21")
        self.assert_findings(found, "duplicate-jar")
        # By name, 1.10 comes first.
        self.assert_finding(found, "duplicate-jar", "warning", base, "java/lib/lib-1.9.jar", "lib 1.9 comes after 1.10",
                            f'layer "{top}"')
        self.assert_silent(self.check(top, runtime="java21"))

    def test_jars_lie_elsewhere(self):
        layer = self.layer("layer", {"lib.jar": jar(self.space.path("x.jar"), "lib", "1.0")})
        found = self.check(layer, runtime="java21")
        self.assert_findings(found, "nothing-on-search-path")
        self.assert_finding(found, "nothing-on-search-path", "error", layer, "", '"java/lib/"')


class HealthyLayers(CheckTest):
    """Real packages."""

    def debian_layer(self, name, *modules):
        """Debian's packages with their metadata, copied as `pip install -t` would have put them."""
        folder = self.space.folder(name, "python")
        for module in modules:
            source = os.path.join(DEBIAN_PYTHON, module)
            if not os.path.exists(source):
                source += ".py"
            if not os.path.exists(source):
                self.cannot(f"no-{module}", f"Debian's python3-{module} is not installed")
            if os.path.isdir(source):
                shutil.copytree(source, os.path.join(folder, os.path.basename(source)), symlinks=True,
                                ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder)
        for entry in os.listdir(DEBIAN_PYTHON):
            project = entry.partition("-")[0].lower()
            wanted = {module.lower() for module in modules} | {f"python_{module}" for module in modules}
            if entry.endswith((".egg-info", ".dist-info")) and project in wanted:
                source = os.path.join(DEBIAN_PYTHON, entry)
                copy = shutil.copytree if os.path.isdir(source) else shutil.copy2
                copy(source, os.path.join(folder, entry))
        return os.path.dirname(folder)

    def test_the_aws_sdk_of_debian_is_fine(self):
        layer = self.debian_layer("layer", *SDK)
        for runtime in ("python3.9", "python3.11", "python3.12"):
            self.assert_silent(self.check(layer, runtime=runtime))

    def debian_numpy(self):
        """The layer, and the version of Python that it is for: "3.11"."""
        modules = glob.glob(os.path.join(DEBIAN_PYTHON, "numpy/core/_multiarray_umath.cpython-*.so"))
        if len(modules) != 1:
            self.cannot("no-numpy", "Debian's python3-numpy is not installed")
        tag = os.path.basename(modules[0]).split("-")[1]
        return self.debian_layer("layer", "numpy"), f"{tag[0]}.{tag[1:]}"

    def test_numpy_of_debian_is_told_the_truth(self):
        layer, version = self.debian_numpy()
        found = self.check(layer, runtime=f"python{version}")
        # Made for Debian's C library, and Debian has BLAS and LAPACK in packages of their own.
        self.assertEqual({row["id"] for row in found}, {"newer-symbol-version", "missing-library"}, found)
        for row in found:
            if row["id"] == "newer-symbol-version":
                self.assertRegex(row["message"], r"GLIBC_2\.\d\d of lib(c|m)\.so\.6; Amazon Linux 20?2?3?, .*ends with "
                                                 r"GLIBC_2\.(26|34)\.")
        libraries = {row["message"].split()[2].rstrip(",") for row in found if row["id"] == "missing-library"}
        self.assertEqual(libraries, {"libblas.so.3", "liblapack.so.3"})

    def test_numpy_of_debian_on_another_python(self):
        layer, version = self.debian_numpy()
        other = "3.12" if version != "3.12" else "3.13"
        found = self.check(layer, runtime=f"python{other}")
        self.assert_findings(found, "other-python-extension")
        self.assertIn("cpython-" + other.replace(".", ""), found[0]["message"])
        self.assertGreater(len(found[0]["more"]), 5)

    def test_packages_of_npm_are_fine(self):
        self.needs_program("npm")
        cache = os.path.join(os.path.dirname(PROGRAMS), "npm-cache-check", "nodejs")
        if not os.path.exists(cache):
            unfinished = self.space.folder("npm")
            fetched = subprocess.run(["npm", "install", "--prefix", unfinished, "--no-audit", "--no-fund",
                                      "--ignore-scripts", "--loglevel", "error", "lodash@4.17.21", "chalk@4.1.2",
                                      "express@4.21.2"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            if fetched.returncode != 0:
                self.cannot("npm-registry", "npm could not get lodash, chalk and express: is the registry reachable?")
            shutil.copytree(unfinished, cache, symlinks=True)
        shutil.copytree(cache, self.space.path("layer", "nodejs"), symlinks=True)
        for runtime in ("nodejs18.x", "nodejs20.x"):
            self.assert_silent(self.check(self.space.path("layer"), runtime=runtime))


class RefusedByAws(CheckTest):
    """What AWS refuses, in AWS's words."""

    def test_six_layers(self):
        layers = [self.layer(f"layer{n}", {f"python/m{n}.py": str(n)}) for n in range(6)]
        found = self.check(*layers)
        self.assert_findings(found, "too-many-layers")
        self.assert_finding(found, "too-many-layers", "error", None, "", "Cannot reference more than 5 layers.")
        self.assert_silent(self.check(*layers[:5]))

    def test_the_same_layer_twice(self):
        layer = self.zip_of("layer.zip", requests("2.31.0", "<3"))
        found = self.check(layer, layer)
        self.assert_finding(found, "same-layer-twice", "error", None, "",
                            "Two different versions of the same layer are not allowed to be referenced in the same "
                            "function.", "are versions of the same layer")
        copy = self.space.path("copy.zip")
        shutil.copy(layer, copy)
        self.assert_finding(self.check(layer, copy), "same-layer-twice", "error", None, "")

    def zeros(self, name, *sizes):
        return self.zip_of(name, {path: bytes(size) for path, size in sizes})

    def test_layers_are_too_big_together(self):
        half = UNPACKED_LIMIT // 2
        first = self.zeros("first.zip", ("python/scipy/data.bin", half))
        second = self.zeros("second.zip", ("python/torch/lib/big.bin", half), ("python/torch/small.bin", 1))
        found = self.check(first, second)
        row = self.assert_finding(found, "layers-too-big", "error", None, "",
                                  "Layers consume more than the available size of 262144000 bytes")
        self.assertEqual(row["more"], [f'{half + 1} bytes  layer "{second}": python/torch',
                                       f'{half} bytes  layer "{first}": python/scipy'])

    def test_code_and_layers_are_too_big_together(self):
        layer = self.zeros("layer.zip", ("python/scipy/data.bin", UNPACKED_LIMIT - 100))
        code = self.layer("code", {"app.py": bytes(100), "one.py": "1"})
        found = self.check(layer, code=code)
        row = self.assert_finding(found, "code-and-layers-too-big", "error", None, "",
                                  "Function code combined with layers exceeds the maximum allowed size of 262144000 "
                                  f"bytes. The actual size is {UNPACKED_LIMIT + 1} bytes.")
        self.assertEqual(row["more"][0], f'{UNPACKED_LIMIT - 100} bytes  layer "{layer}": python/scipy')
        os.unlink(os.path.join(code, "one.py"))
        self.assert_silent(self.check(layer, code=code))

    def test_one_layer_is_too_big(self):
        layer = self.zeros("layer.zip", ("python/big.bin", UNPACKED_LIMIT + 1))
        found = self.check(layer)
        self.assert_findings(found, "unzipped-too-big")
        self.assert_finding(found, "unzipped-too-big", "error", layer, "",
                            "Unzipped size must be smaller than 262144000 bytes")

    def test_an_archive_is_too_big_for_a_direct_upload(self):
        content = os.urandom(1 << 20) * 51
        layer = self.space.zip("layer.zip", [file_entry("python/big.bin", content, method=0)])
        self.assertGreater(os.path.getsize(layer), AWS_ZIPPED_LIMIT)
        found = self.check(layer)
        self.assert_findings(found, "zipped-too-big")
        self.assert_finding(found, "zipped-too-big", "warning", layer, "", f"{os.path.getsize(layer)} bytes",
                            "Zipped size must be smaller than 52428800 bytes", "S3")
        # The headers of one entry take less than a kilobyte.
        fits = self.space.zip("fits.zip", [file_entry("python/big.bin", content[:AWS_ZIPPED_LIMIT - 1000], method=0)])
        self.assertLess(os.path.getsize(fits), AWS_ZIPPED_LIMIT)
        self.assert_silent(self.check(fits))

    def test_layers_with_files_that_others_cannot_read(self):
        layer = self.space.zip("layer.zip", [file_entry("python/a.py", "", 0o600), file_entry("python/b.py")])
        found = self.check(layer)
        self.assert_findings(found, "unreadable-layer")
        self.assert_finding(found, "unreadable-layer", "error", layer, "",
                            "Layer conversion failed: Some files do not have read permissions", "python/a.py",
                            "chmod -R a+rX")
        layer = self.space.zip("folders.zip", [folder_entry("python", 0o744), file_entry("python/b.py")])
        self.assert_finding(self.check(layer), "unreadable-layer", "error", layer, "",
                            "Layer conversion failed: Some directories do not have execute permissions")

    def test_code_with_files_that_the_function_cannot_read(self):
        # AWS takes such code, and the import fails.
        code = self.space.zip("code.zip", [file_entry("app.py", "", 0o640), file_entry("secret/x.py", "", 0o600),
                                           file_entry("fine.py", "", 0o644)])
        found = self.check(code=code)
        self.assert_findings(found, "unreadable-code")
        self.assert_finding(found, "unreadable-code", "error", "code", "app.py", "2 entries",
                            more=["secret/x.py"])

    def test_archives_that_cannot_be_unpacked(self):
        whole = self.zip_of("whole.zip", requests("2.31.0", "<3"))
        with open(whole, "rb") as file:
            data = file.read()
        broken = {"no.zip": b"no zip at all\n", "cut.zip": data[:len(data) // 2],
                  "damaged.zip": data.replace(b"PK\x03\x04", b"PK\x03\x05", 1)}
        for name, content in broken.items():
            layer = self.space.write(name, content)
            found = self.check(layer)
            self.assert_findings(found, "broken-archive")
            self.assert_finding(found, "broken-archive", "error", layer, "", "Could not unzip uploaded file. Please "
                                "check your file, then try to upload again.")

    def test_a_broken_layer_does_not_hide_what_is_wrong_with_the_others(self):
        broken = self.space.write("broken.zip", "no")
        other = self.zip_of("other.zip", requests("2.31.0", "<3", below=""))
        self.assert_findings(self.check(broken, other), "broken-archive", "nothing-on-search-path")

    def test_what_a_broken_layer_may_bring_is_not_missed(self):
        broken = self.space.write("broken.zip", "no")
        layer = self.layer("layer", {"python/a.py": "", "bin/tool": ("#!/opt/bin/runner\n", 0o755)},
                           distribution("flask", "3.0.0", {"flask/__init__.py": ""}, requires=["werkzeug"]))
        self.assert_findings(self.check(broken, layer, more=["--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-handler"]),
                             "broken-archive")
        code = self.layer("code", {"main": "x"})
        self.assert_findings(self.check(broken, code=code, runtime="provided.al2023"), "broken-archive")

    def test_reserved_variables(self):
        found = self.check(self.layer("layer", {"python/a.py": ""}),
                           more=["--env", "AWS_REGION=eu-west-1", "--env", "MINE=1"])
        self.assert_findings(found, "reserved-variable")
        self.assert_finding(found, "reserved-variable", "error", None, "", "AWS_REGION", "reserved keys")

    def test_variables_of_more_than_4_kb(self):
        found = self.check(self.layer("layer", {"python/a.py": ""}), more=["--env", "LONG=" + "x" * 4096])
        self.assert_findings(found, "invalid-configuration")
        self.assertIn("4KB limit", found[0]["message"])

    def test_a_layer_of_another_region(self):
        arn = "arn:aws:lambda:us-east-1:123456789012:layer:deps:3"
        found = self.check(arn, variables={"AWS_REGION": "eu-west-1"})
        self.assert_findings(found, "layer-region")
        self.assert_finding(found, "layer-region", "error", arn, "", "us-east-1", "eu-west-1",
                            "Layers are not in the same region as the function.")

    def test_a_container_image_with_layers(self):
        image = self.layer("image", {"oci-layout": '{"imageLayoutVersion": "1.0.0"}', "index.json": "{}",
                                     "blobs/sha256/00": "x"})
        layer = self.layer("layer", {"python/a.py": ""})
        found = self.check(layer, code=image)
        self.assert_findings(found, "image-with-layers")
        self.assert_finding(found, "image-with-layers", "error", "code", "", "Please don't provide Handler or Runtime "
                            "or Layer when the intended function PackageType is Image.")


class Names(CheckTest):
    def test_names_that_differ_only_in_case(self):
        layer = self.layer("layer", {"python/Utils.py": "", "python/utils.py": "", "python/other/UTILS.py": ""})
        found = self.check(layer)
        self.assert_findings(found, "case-clash")
        self.assert_finding(found, "case-clash", "warning", layer, "python/utils.py", "python/Utils.py")
        first, second = (self.layer(name, {f"python/{module}.py": ""}) for name, module in (("a", "Api"), ("b", "api")))
        found = self.check(first, second)
        self.assert_findings(found, "case-clash")
        self.assertIn(f'of layer "{first if found[0]["package"] == second else second}"', found[0]["message"])

    def test_backslashes_in_names(self):
        layer = self.space.zip("layer.zip", [file_entry("python\\requests\\__init__.py")])
        found = self.check(layer)
        self.assert_finding(found, "backslash-name", "warning", layer, "python\\requests\\__init__.py", "PowerShell 5")

    def test_a_link_that_leads_nowhere(self):
        layer = self.space.zip("layer.zip", [link_entry("lib/libx.so", "libx.so.1"), file_entry("python/a.py"),
                                             link_entry("bin/sh2", "/bin/sh"), link_entry("python/b.py", "a.py")])
        found = self.check(layer)
        self.assert_findings(found, "dangling-link")
        self.assert_finding(found, "dangling-link", "warning", layer, "lib/libx.so", "libx.so.1")
        other = self.layer("other", {"lib/libx.so.1": "x"})
        self.assert_silent(self.check(layer, other))

    def test_a_file_over_a_folder(self):
        first = self.layer("first", {"python/thing/one.py": "", "python/thing/two.py": ""})
        second = self.layer("second", {"python/thing": "a file"})
        found = self.check(first, second)
        self.assert_findings(found, "type-conflict")
        self.assert_finding(found, "type-conflict", "warning", second, "python/thing", "a file", "a folder",
                            f'layer "{first}"', more=["python/thing/one.py", "python/thing/two.py"])

    def test_a_big_file_in_two_layers(self):
        content = os.urandom(1 << 20)
        first, second = (self.layer(name, {f"python/{name}.bin": content}) for name in ("first", "second"))
        found = self.check(first, second)
        self.assert_findings(found, "same-content-twice")
        self.assert_finding(found, "same-content-twice", "note", second, "python/second.bin", str(len(content)),
                            f'layer "{first}"')


class AfterAFailure(CheckTest):
    """`lamina invoke` ends with one line where a check explains what has just failed."""

    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("python")
        self.code = self.space.tree("code", {"app.py": "import shared\n\n\ndef handler(event, context):\n"
                                                       "    return 1\n"})

    def warnings_of(self, *layers, more=()):
        run = self.space.invoke("app.handler", *more, code=self.code, runtime=self.runtime, layers=layers)
        self.assertEqual(run.code, 1, run)
        return [line for line in run.log.splitlines() if line.startswith("warning: ")]

    def test_the_module_lies_in_a_layer_where_nothing_looks(self):
        layer = self.layer("layer", {"shared/__init__.py": ""})
        lines = self.warnings_of(layer)
        self.assertEqual(len(lines), 1, lines)
        for word in (layer, "site-packages at the root", "[nothing-on-search-path]", "lamina layers check"):
            self.assertIn(word, lines[0])

    def test_a_variable_hides_the_module(self):
        layer = self.layer("layer", {"python/shared/__init__.py": ""})
        lines = self.warnings_of(layer, more=["--env", "PYTHONPATH=/var/task/lib"])
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("[layers-hidden-by-variable]", lines[0])

    def test_the_wrapper_is_nowhere(self):
        lines = self.warnings_of(more=["--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-handler"])
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("[missing-wrapper]", lines[0])

    def test_a_module_that_no_layer_has_is_not_put_down_to_layers(self):
        self.assertEqual(self.warnings_of(self.layer("layer", {"python/typing_old.py": "", "other/x.txt": ""})), [])


class Output(CheckTest):
    def setUp(self):
        super().setUp()
        self.bad = self.zip_of("bad.zip", requests("2.31.0", "<3", below=""))
        self.warned = self.layer("warned", {"python/typing.py": ""})
        self.fine = self.layer("fine", {"python/mine.py": ""})

    def run_check(self, *arguments):
        return self.space.run("layers", "check", "--runtime", "python3.11", *arguments)

    def test_text_for_people(self):
        run = self.run_check("--layer", self.bad, "--layer", self.warned)
        self.assertEqual(run.code, 1, run)
        self.assertEqual(run.log, "")
        lines = run.lines
        self.assertRegex(lines[0], rf'^error: layer "{self.bad}": 0 of \d+ files .* \[nothing-on-search-path\]$')
        self.assertRegex(lines[1], r"^    On AWS: \S")
        self.assertRegex(lines[2], r"^    Mend: \S")
        self.assertEqual(lines[-1], "1 error, 1 warning, 0 notes")
        run = self.run_check("--layer", self.fine)
        self.assertEqual((run.code, run.lines), (0, ["no findings"]))

    def test_many_paths_are_cut(self):
        names = ["array", "ast", "base64", "csv", "enum", "glob", "gzip", "html"]
        layer = self.layer("many", {f"python/{name}.py": "" for name in names})
        lines = self.run_check("--layer", layer).lines
        self.assertEqual(sum(line.startswith("    also: ") for line in lines), 5)
        self.assertIn("    and 2 more", lines)

    def test_strict_fails_on_warnings_and_not_on_notes(self):
        self.assertEqual(self.run_check("--layer", self.warned).code, 0)
        self.assertEqual(self.run_check("--layer", self.warned, "--strict").code, 1)
        note = self.layer("note", {"models/x": ""})
        self.assertEqual(self.run_check("--layer", note, "--strict").code, 0)

    def test_ignored_findings_are_gone(self):
        run = self.run_check("--layer", self.bad, "--layer", self.warned, "--ignore", "nothing-on-search-path",
                             "--ignore", "shadows-standard-library", "--strict")
        self.assertEqual((run.code, run.lines), (0, ["no findings"]))
        self.assert_refused(self.run_check("--layer", self.bad, "--ignore", "no-such-rule"), noun="rule",
                            reference="no-such-rule")

    def test_an_unknown_runtime_and_a_missing_layer_are_no_findings(self):
        self.assert_refused(self.space.run("layers", "check", "--runtime", "cobol85", "--layer", self.fine), "cobol85")
        self.assert_refused(self.run_check("--layer", self.space.path("nowhere.zip")), noun="layer",
                            reference=self.space.path("nowhere.zip"))

    def test_without_a_runtime_only_what_holds_for_all_is_told(self):
        self.assert_silent(self.check(self.bad, self.warned, self.fine, runtime=None))

    def test_sarif(self):
        run = self.run_check("--layer", self.bad, "--layer", self.warned, "--sarif",
                             "--env", "AWS_REGION=x")
        self.assertEqual(run.code, 1, run)
        log = run.json
        self.assertEqual(log["version"], "2.1.0")
        self.assertIn("sarif", log["$schema"])
        self.assertEqual(len(log["runs"]), 1)
        driver = log["runs"][0]["tool"]["driver"]
        self.assertEqual(driver["name"], "lamina")
        rules = {rule["id"]: rule for rule in driver["rules"]}
        self.assertEqual(len(rules), len(driver["rules"]))
        for rule in rules.values():
            self.assertIn(rule["defaultConfiguration"]["level"], ("none", "note", "warning", "error"))
            for key in ("shortDescription", "fullDescription", "help"):
                self.assertTrue(rule[key]["text"], rule)
        results = log["runs"][0]["results"]
        self.assertEqual(sorted(result["ruleId"] for result in results),
                         ["nothing-on-search-path", "reserved-variable", "shadows-standard-library"])
        for result in results:
            self.assertIn(result["ruleId"], rules)
            self.assertIn(result["level"], ("note", "warning", "error"))
            self.assertTrue(result["message"]["text"])
            for location in result.get("locations", []):
                uri = location["physicalLocation"]["artifactLocation"]["uri"]
                self.assertRegex(uri, r"^[A-Za-z0-9._~/%:-]+$")
                for logical in location.get("logicalLocations", []):
                    self.assertTrue(logical["fullyQualifiedName"])
        by_rule = {result["ruleId"]: result for result in results}
        location = by_rule["shadows-standard-library"]["locations"][0]
        self.assertEqual(location["physicalLocation"]["artifactLocation"]["uri"],
                         f"file://{self.warned}/python/typing.py")
        self.assertEqual(location["logicalLocations"][0]["fullyQualifiedName"], "python/typing.py")
        # Review tools want a location of what is about the function as a whole, too.
        self.assertTrue(by_rule["reserved-variable"]["locations"])
        self.assert_refused(self.run_check("--layer", self.bad, "--sarif", "--json"))

    def test_the_documentation_has_the_texts_of_every_rule(self):
        rules = self.run_check("--layer", self.fine, "--sarif").json["runs"][0]["tool"]["driver"]["rules"]
        documented = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "findings.md")
        with open(documented, encoding="utf-8") as file:
            text = file.read()
        for rule in rules:
            title = rule["shortDescription"]["text"]
            self.assertIn(f"### {rule['id']}\n\n{title[0].upper() + title[1:]}. {rule['fullDescription']['text']}\n\n"
                          f"*Mend:* {rule['help']['text']}\n", text)

    def test_a_file_of_an_archive_is_located_in_the_archive(self):
        layer = self.zip_of("warned.zip", {"python/typing.py": ""})
        result = self.run_check("--layer", layer, "--sarif").json["runs"][0]["results"][0]
        self.assertEqual(result["locations"], [{
            "physicalLocation": {"artifactLocation": {"uri": f"file://{layer}"}},
            "logicalLocations": [{"fullyQualifiedName": "python/typing.py", "kind": "resource"}]}])


if __name__ == "__main__":
    unittest.main()
