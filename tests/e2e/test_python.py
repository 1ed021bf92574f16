"""Python functions: the search order with layers, what is hidden, and the errors, as on AWS."""

import os
import re
import unittest

from lamina_e2e import EndToEndTest, file_entry, for_each_user

SHOW_PATH = "import sys\ndef handler(event, context):\n    return sys.path\n"


@for_each_user
class Python(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("python")
        self.version = self.runtime[len("python"):]
        self.site = f"python/lib/python{self.version}/site-packages"

    def invoke(self, source, *arguments, handler="app.handler", name="code", files=None, **options):
        code = self.space.tree(name, {"app.py": source, **(files or {})})
        return self.space.invoke(handler, *arguments, code=code, runtime=self.runtime, **options)

    def returned(self, source, *arguments, **options):
        return self.assert_returned(self.invoke(source, *arguments, **options))

    def test_the_search_order_is_awss(self):
        layer = self.space.tree("layer", {"python/a.py": "", f"{self.site}/b.py": ""})
        path = self.returned(SHOW_PATH, layers=[layer])
        lang = f"/var/lang/lib/python{self.version}"
        expected = ["/var/task", f"/opt/{self.site}", "/opt/python"]
        expected += [f"{lang}/site-packages", "/var/runtime"] if int(self.version.split(".")[1]) >= 11 else ["/var/runtime"]
        self.assertEqual(path[:len(expected)], expected)
        digits = self.version.replace(".", "")
        rest = [f"/var/lang/lib/python{digits}.zip", lang, f"{lang}/lib-dynload", f"{lang}/site-packages"]
        self.assertEqual(path[len(expected):], rest)

    def test_the_code_wins_over_the_layer_and_site_packages_over_opt_python(self):
        source = "import one, two\ndef handler(event, context):\n    return [one.who, two.who]\n"
        layer = self.space.tree("layer", {"python/one.py": "who = 'opt'", "python/two.py": "who = 'opt'",
                                          f"{self.site}/two.py": "who = 'site'"})
        self.assertEqual(self.returned(source, files={"one.py": "who = 'task'"}, layers=[layer]), ["task", "site"])

    def test_the_order_of_layers_decides(self):
        source = "import lib\ndef handler(event, context):\n    return lib.version\n"
        one = self.space.zip("one.zip", [file_entry("python/lib/__init__.py", "version = 1")])
        two = self.space.zip("two.zip", [file_entry("python/lib/__init__.py", "version = 2")])
        self.assertEqual(self.returned(source, layers=[one, two]), 2)
        self.assertEqual(self.returned(source, layers=[two, one]), 1)

    def test_another_versions_folder_is_not_searched(self):
        layer = self.space.tree("layer", {"python/lib/python3.1/site-packages/other.py": ""})
        run = self.invoke("import other\ndef handler(event, context): pass\n", layers=[layer])
        self.assertEqual(self.assert_function_failed(run)["errorMessage"],
                         "Unable to import module 'app': No module named 'other'")

    def test_pth_files_of_layers_are_processed(self):
        layer = self.space.tree("layer", {"python/extra.pth": "more\nimport sys; sys.marked = True\n", "python/more/deep.py": "x = 5"})
        source = "import deep, sys\ndef handler(event, context):\n    return [deep.x, sys.marked, sys.path[-1]]\n"
        self.assertEqual(self.returned(source, layers=[layer]), [5, True, "/opt/python/more"])

    def test_the_users_pythonpath_hides_the_layers(self):
        layer = self.space.tree("layer", {"python/a.py": ""})
        path = self.returned(SHOW_PATH, "--env", "PYTHONPATH=/var/task/vendored", layers=[layer])
        self.assertNotIn("/opt/python", path)
        self.assertIn("/var/task/vendored", path)

    def test_namespace_packages_are_merged(self):
        layer = self.space.tree("layer", {"python/space/one.py": "x = 1", f"{self.site}/space/two.py": "x = 2"})
        source = "from space import one, two, three\ndef handler(event, context):\n    return [one.x, two.x, three.x]\n"
        self.assertEqual(self.returned(source, files={"space/three.py": "x = 3"}, layers=[layer]), [1, 2, 3])

    def test_packages_of_the_host_are_hidden(self):
        modules = ["numpy", "yaml", "requests", "pip", "setuptools", "apt_pkg", "gi", "debian"]
        source = ("import importlib.util\ndef handler(event, context):\n"
                  "    return [name for name in event if importlib.util.find_spec(name)]\n")
        self.assertEqual(self.returned(source, event=modules), [])

    def test_a_virtual_environment_of_the_caller_changes_nothing(self):
        source = "import sys\ndef handler(event, context):\n    return [sys.flags.no_user_site, sys.prefix]\n"
        plain = self.returned(source)
        other = self.returned(source, variables={"PYTHONPATH": self.space.home, "PYTHONHOME": "/nowhere",
                                                 "VIRTUAL_ENV": self.space.home, "PYTHONSTARTUP": "/x"})
        self.assertEqual(plain, other)

    def test_the_standard_library_works(self):
        source = ("import ssl, sqlite3, json, decimal, ctypes, zoneinfo, hashlib, asyncio, subprocess, tempfile\n"
                  "def handler(event, context):\n"
                  "    with tempfile.TemporaryFile() as f: f.write(b'x')\n"
                  "    return sqlite3.connect(':memory:').execute('select 6*7').fetchone()[0]\n")
        self.assertEqual(self.returned(source), 42)

    def test_the_context_object(self):
        source = ("def handler(event, context):\n"
                  "    return {'name': context.function_name, 'version': context.function_version,\n"
                  "            'arn': context.invoked_function_arn, 'memory': context.memory_limit_in_mb,\n"
                  "            'id': context.aws_request_id, 'group': context.log_group_name,\n"
                  "            'stream': context.log_stream_name, 'left': context.get_remaining_time_in_millis(),\n"
                  "            'identity': context.identity.cognito_identity_id, 'client': context.client_context}\n")
        answer = self.returned(source, "--name", "named", "--memory", "256", "--timeout", "7")
        self.assertEqual((answer["name"], answer["version"], answer["group"]), ("named", "$LATEST", "/aws/lambda/named"))
        self.assertEqual(int(answer["memory"]), 256)
        self.assertRegex(answer["arn"], r":function:named$")
        self.assertLessEqual(answer["left"], 7000)
        self.assertGreater(answer["left"], 5000)
        self.assertIsNone(answer["identity"])
        self.assertIsNone(answer["client"])

    def test_an_exception_gives_awss_error_body(self):
        source = "def handler(event, context):\n    raise ValueError('bad value')\n"
        run = self.invoke(source, report=True)
        answer = self.assert_function_failed(run)
        self.assertEqual(list(answer), ["errorMessage", "errorType", "requestId", "stackTrace"])
        self.assertEqual((answer["errorMessage"], answer["errorType"]), ("bad value", "ValueError"))
        self.assertEqual(answer["requestId"], run.report["invocations"][0]["requestId"])
        self.assertEqual(answer["stackTrace"], ['  File "/var/task/app.py", line 2, in handler\n    raise ValueError(\'bad value\')\n'])
        self.assertRegex(run.log, r"(?m)^\[ERROR\] ValueError: bad value\rTraceback|^\[ERROR\] ValueError: bad value")

    def failed_import(self, source, handler="app.handler", **options):
        run = self.invoke(source, handler=handler, report=True, **options)
        answer = self.assert_function_failed(run)
        return answer["errorType"], answer["errorMessage"]

    def test_handlers_that_cannot_be_loaded(self):
        self.assertEqual(self.failed_import("import nothing_like_it\n"), (
            "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nothing_like_it'"))
        self.assertEqual(self.failed_import("", handler="missing.handler"), (
            "Runtime.ImportModuleError", "Unable to import module 'missing': No module named 'missing'"))
        self.assertEqual(self.failed_import("x = 1\n"), (
            "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"))
        kind, message = self.failed_import("", handler="nodots")
        self.assertEqual(kind, "Runtime.MalformedHandlerName")
        self.assertTrue(message.startswith("Bad handler 'nodots': "), message)
        kind, message = self.failed_import("def broken(:\n")
        self.assertEqual(kind, "Runtime.UserCodeSyntaxError")
        self.assertTrue(message.startswith("Syntax error in module 'app': "), message)

    def test_an_exit_inside_the_handler(self):
        run = self.invoke("import os\ndef handler(event, context):\n    os._exit(3)\n")
        self.assertIn("exit status 3", self.assert_function_failed(run)["errorMessage"])

    def test_the_handler_may_be_in_a_package_and_in_a_layer(self):
        layer = self.space.tree("layer", {"python/pack/inner.py": "def handler(event, context):\n    return 'layer'\n"})
        self.assertEqual(self.returned("", handler="pack/inner.handler", layers=[layer]), "layer")
        self.assertEqual(self.returned("", handler="pack.inner.handler", layers=[layer]), "layer")

    def test_answers_are_written_as_awss_runtime_does(self):
        source = "def handler(event, context):\n    return {'text': 'grün', 'list': [1, 2.5, None, True]}\n"
        run = self.invoke(source)
        # The runtimes since 3.12 leave characters outside of ASCII as they are.
        text = "grün" if int(self.version.split(".")[1]) >= 12 else "gr\\u00fcn"
        self.assertEqual(run.stdout.decode(), f'{{"text": "{text}", "list": [1, 2.5, null, true]}}\n')

    def test_an_answer_that_is_no_json(self):
        kind, message = self.failed_import("def handler(event, context):\n    return {1, 2}\n")
        self.assertEqual(kind, "Runtime.MarshalError")
        self.assertIn("Object of type set is not JSON serializable", message)

    def test_log_lines_of_the_logging_module(self):
        source = ("import logging\nlog = logging.getLogger()\nlog.setLevel('INFO')\n"
                  "def handler(event, context):\n    log.info('told')\n    logging.debug('not told')\n")
        run = self.invoke(source, report=True)
        request_id = run.report["invocations"][0]["requestId"]
        self.assertRegex(run.log, rf"(?m)^\[INFO\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{request_id}\ttold$")
        self.assertNotIn("not told", run.log)

    def test_bytecode_of_a_layer_is_used_and_none_is_written(self):
        layer = self.space.tree("layer", {"python/mod.py": "x = 1"})
        self.returned("import mod\ndef handler(event, context):\n    return mod.x\n", layers=[layer])
        self.assertEqual(os.listdir(os.path.join(layer, "python")), ["mod.py"])
        self.assertEqual([name for name in os.listdir(self.space.path("code")) if "cache" in name], [])

    def test_shared_memory_fails_as_on_aws(self):
        source = ("import multiprocessing\ndef handler(event, context):\n"
                  "    try:\n        multiprocessing.Queue()\n    except OSError as error:\n        return error.errno\n")
        import errno
        self.assertIn(self.returned(source), (errno.ENOSYS, errno.EACCES, errno.ENOENT, errno.EROFS))

    def test_warm_invocations_keep_globals(self):
        run = self.invoke("count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n",
                          "--repeat", "3")
        self.assertEqual(run.lines, ["1", "2", "3"], run)

    def test_every_python_that_doctor_names_runs(self):
        runtimes = [row["name"] for row in self.space.run("doctor", "--json").json["runtimes"]]
        code = self.space.tree("v", {"app.py": "import sys\ndef handler(e, c):\n    return '%d.%d' % sys.version_info[:2]\n"})
        for runtime in filter(re.compile("python").match, runtimes):
            run = self.space.invoke("app.handler", code=code, runtime=runtime)
            self.assertEqual(self.assert_returned(run), runtime[len("python"):])


if __name__ == "__main__":
    unittest.main()
