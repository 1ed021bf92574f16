"""What runtimes/python promises, for every Python 3.8 and later that this host has."""

import functools
import glob
import json
import os
import re
import subprocess
import sys
import unittest

import function_sandbox
from fake_runtime_api import Event

PROBE = "import sys, os; print('%d.%d' % sys.version_info[:2], os.path.dirname(os.__file__), sys.base_prefix)"


def find_interpreters():
    """{'3.11': (binary, folder of the standard library, prefix)}; the host's own come first."""
    found = {}
    candidates = glob.glob("/usr/bin/python3.*") + glob.glob("/usr/local/bin/python3.*")
    candidates += glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3.*"))
    for binary in candidates:
        if not re.search(r"/python3\.(8|9|\d\d)$", binary):
            continue
        answer = subprocess.run([binary, "-I", "-S", "-c", PROBE], stdout=subprocess.PIPE, universal_newlines=True)
        if answer.returncode == 0:
            version, library, prefix = answer.stdout.split()
            found.setdefault(version, (binary, library, prefix))
    return found


INTERPRETERS = find_interpreters()


def run(version, code, handler="app.handler", **options):
    binary, library, prefix = INTERPRETERS[version]
    binds = {
        "/var/runtime": function_sandbox.RUNTIMES + "/python",
        "/var/lang/bin/python" + version: os.path.realpath(binary),
        "/var/lang/lib/python" + version: library,
    }
    for shared in glob.glob("%s/lib/libpython%s.so.*" % (prefix, version)):
        binds["/var/lang/lib/" + os.path.basename(shared)] = shared
    if os.path.isdir(library + "/site-packages"):
        binds["/var/lang/lib/python%s/site-packages" % version] = None
    if isinstance(code, str):
        code = {"app.py": code}
    return function_sandbox.run("python" + version, binds, handler, code, **options)


def for_each_python(test):
    @functools.wraps(test)
    def run_for_each(self):
        for version in INTERPRETERS:
            with self.subTest(python=version):
                test(self, version)

    return run_for_each


class PythonRuntime(unittest.TestCase):
    @staticmethod
    def any_version():
        return "3.11" if "3.11" in INTERPRETERS else sorted(INTERPRETERS)[0]

    def run_any(self, code, *arguments, **options):
        return run(self.any_version(), code, *arguments, **options)

    # --- search path ---

    SHOW_PATH = "import sys, os\ndef handler(event, context): return [sys.path, os.environ.get('PYTHONPATH')]"

    def standard_library(self, version):
        lang = "/var/lang/lib/python"
        return [lang + version.replace(".", "") + ".zip", lang + version, lang + version + "/lib-dynload"]

    @for_each_python
    def test_sys_path_is_lambdas(self, version):
        layer_site = "/opt/python/lib/python%s/site-packages" % version
        layers = {"python/a.py": "", layer_site[5:] + "/b.py": ""}
        path, exported = run(version, self.SHOW_PATH, layers=layers).result
        bundled = "/var/lang/lib/python%s/site-packages" % version
        before_runtime = [bundled] if int(version[2:]) >= 11 else []
        self.assertEqual(
            path,
            ["/var/task", layer_site, "/opt/python"]
            + before_runtime
            + ["/var/runtime"]
            + self.standard_library(version)
            + [bundled],
        )
        self.assertEqual(exported, "/var/runtime")

    def test_missing_layer_folders_appear_again_at_the_end(self):
        path, _ = self.run_any(self.SHOW_PATH).result
        self.assertEqual(path[-2:], ["/opt/python/lib/python%s/site-packages" % self.any_version(), "/opt/python"])

    @for_each_python
    def test_the_functions_own_pythonpath_hides_the_layers(self, version):
        path, exported = run(
            version, self.SHOW_PATH, layers={"python/a.py": ""}, env={"PYTHONPATH": "/var/task/lib"}
        ).result
        self.assertEqual(path[:3], ["/var/task", "/var/runtime", "/var/task/lib"])
        self.assertFalse([entry for entry in path if entry.startswith("/opt")])
        self.assertEqual(exported, "/var/task/lib")

    @for_each_python
    def test_packages_of_the_host_are_hidden(self, version):
        path, _ = run(version, self.SHOW_PATH).result
        self.assertFalse([entry for entry in path if "dist-packages" in entry or entry.startswith("/usr")])

    def test_function_beats_layer_site_packages_beats_layer_python(self):
        version = self.any_version()
        site = "python/lib/python%s/site-packages/" % version
        layers = {"python/x.py": "v = 3", "python/y.py": "v = 3", "python/z.py": "v = 3"}
        layers.update({site + "x.py": "v = 2", site + "y.py": "v = 2"})
        code = {"app.py": "import x, y, z\ndef handler(e, c): return [x.v, y.v, z.v]", "x.py": "v = 1"}
        self.assertEqual(run(version, code, layers=layers).result, [1, 2, 3])

    def test_only_the_folder_of_the_exact_version_counts(self):
        outcome = self.run_any("import x", layers={"python/lib/python3.1/site-packages/x.py": ""})
        self.assertEqual(outcome.error["errorMessage"], "Unable to import module 'app': No module named 'x'")

    @for_each_python
    def test_pth_files_are_read_in_order_and_append(self, version):
        site = "python/lib/python%s/site-packages/" % version
        layers = {
            "python/c.pth": "/opt/three\nimport os; os.environ['FROM_PTH'] = 'yes'\n",
            site + "b.pth": "/opt/two\n",
            "one/x": "",
            "two/x": "",
            "three/x": "",
        }
        code = {"app.py": self.SHOW_PATH.replace("'PYTHONPATH'", "'FROM_PTH'"), "a.pth": "/opt/one\n"}
        path, from_pth = run(version, code, layers=layers).result
        self.assertEqual(path[-3:], ["/opt/one", "/opt/two", "/opt/three"])
        self.assertEqual(from_pth, "yes")

    # --- environment ---

    @for_each_python
    def test_environment_is_what_lambdas_bootstrap_makes_of_it(self, version):
        code = "import os\ndef handler(e, c): return dict(os.environ)"
        environment = run(version, code).result
        self.assertEqual(environment.pop("PWD"), "/var/task")
        self.assertEqual(environment.pop("SHLVL"), "0")
        self.assertEqual(environment.pop("PYTHONPATH"), "/var/runtime")
        self.assertEqual(environment.pop("LC_CTYPE", None), "C.UTF-8" if int(version[2:]) >= 12 else None)
        self.assertNotIn("_X_AMZN_TRACE_ID", environment)

    def test_trace_id_is_set_for_each_invocation(self):
        code = "import os\ndef handler(e, c): return os.environ.get('_X_AMZN_TRACE_ID')"
        outcome = self.run_any(code, events=[Event(Lambda_Runtime_Trace_Id="Root=1-a;Sampled=1"), Event()])
        self.assertEqual([answer.json for answer in outcome.answers], ["Root=1-a;Sampled=1", None])

    # --- handler lookup ---

    def assert_init_error(self, outcome, error_type, message, trace=()):
        self.assertEqual(outcome.exit_code, 1, outcome.stderr)
        answer = outcome.answers[-1]
        self.assertEqual(answer.path, "/2018-06-01/runtime/init/error")
        self.assertEqual(answer.headers["Lambda-Runtime-Function-Error-Type"], error_type)
        expected = {"errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": list(trace)}
        self.assertEqual(answer.body.decode(), json.dumps(expected))
        first_line = "[ERROR] %s: %s" % (error_type, message)
        self.assertTrue(outcome.stdout.startswith(first_line + "\rTraceback (most recent call last):"), outcome.stdout)

    @for_each_python
    def test_missing_module(self, version):
        self.assert_init_error(
            run(version, "import nope"),
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nope'",
        )

    def test_missing_handler(self):
        self.assert_init_error(
            self.run_any("x = 1"), "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"
        )

    def test_malformed_handler_name(self):
        self.assert_init_error(
            self.run_any("", "app"),
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        )

    @for_each_python
    def test_syntax_error(self, version):
        outcome = run(version, "def handler(:\n")
        self.assertEqual(outcome.error["errorType"], "Runtime.UserCodeSyntaxError")
        message = outcome.error["errorMessage"]
        self.assertRegex(message, r"^Syntax error in module 'app': invalid syntax.* \(app\.py, line 1\)$")
        trace = ['  File "/var/task/app.py" Line 1\n    def handler(:\n']
        self.assert_init_error(outcome, "Runtime.UserCodeSyntaxError", message, trace)

    def test_builtin_module(self):
        self.assert_init_error(
            self.run_any("", "sys.handler"),
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module sys as a handler module",
        )

    def test_exception_while_importing(self):
        outcome = self.run_any("1/0")
        self.assertEqual(outcome.exit_code, 1)
        self.assertEqual(outcome.error["errorType"], "ZeroDivisionError")
        trace = outcome.error["stackTrace"]
        self.assertRegex(trace[0], r'^  File "/var/lang/lib/python.*/importlib/__init__.py", line \d+, in import_module\n')
        self.assertEqual(trace[-1], '  File "/var/task/app.py", line 1, in <module>\n    1/0\n')

    def test_handler_in_a_folder_and_in_a_layer(self):
        code = "def handler(e, c): return __name__"
        self.assertEqual(self.run_any({"a/b.py": code}, "a/b.handler").result, "a.b")
        self.assertEqual(self.run_any({}, "b.handler", layers={"python/b.py": code}).result, "b")

    def test_exit_codes_of_the_function_are_kept(self):
        self.assertEqual(self.run_any("import sys; sys.exit(7)").exit_code, 7)
        outcome = self.run_any("import sys\ndef handler(e, c): sys.exit(5)", patience=5)
        self.assertEqual((outcome.exit_code, outcome.answers), (5, []))

    # --- events, results, errors ---

    @for_each_python
    def test_events_and_results_are_json(self, version):
        event = {"é": [1, 2.5, None, True, "\u2028 \U0001f600"], "n": {"x": -1e300}}
        outcome = run(version, "def handler(e, c): return e", events=[event])
        self.assertEqual(outcome.result, event)
        escaped = int(version[2:]) < 12
        self.assertEqual(b"\\u00e9" in outcome.answers[0].body, escaped)
        self.assertEqual("é".encode() in outcome.answers[0].body, not escaped)

    @for_each_python
    def test_results_beyond_plain_json(self, version):
        code = """
import collections, decimal
Point = collections.namedtuple('Point', 'x y')
class Text(str): pass
def handler(e, c):
    return {'point': Point(1, (2,)), 'decimal': decimal.Decimal('1.10'), 'bytes': b'abc', 1: None, None: [],
            False: {}, 'nan': [float('nan'), float('-inf'), decimal.Decimal('NaN')], 'text': Text('t')}
"""
        self.assertEqual(
            run(version, code).answers[0].body.decode(),
            '{"point": {"x": 1, "y": [2]}, "decimal": 1.10, "bytes": "abc", "1": null, "null": [], '
            '"false": {}, "nan": [NaN, -Infinity, NaN], "text": "t"}',
        )

    def test_bytes_are_returned_as_they_are(self):
        answer = self.run_any("def handler(e, c): return b'\\xff'").answers[0]
        self.assertEqual((answer.body, answer.headers["Content-Type"]), (b"\xff", "application/unknown"))

    @for_each_python
    def test_what_json_cannot_hold(self, version):
        outcome = run(version, "def handler(e, c): return {'a': {1, 2}}")
        self.assertEqual(
            outcome.error,
            {
                "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
                "errorType": "Runtime.MarshalError",
                "requestId": "00000000-0000-4000-8000-000000000000",
                "stackTrace": [],
            },
        )
        outcome = run(version, "def handler(e, c):\n    e['e'] = e\n    return e")
        self.assertEqual(
            outcome.error["errorMessage"], "Unable to marshal response: Circular reference detected"
        )

    def test_event_that_is_not_json(self):
        outcome = self.run_any("def handler(e, c): return e", events=[Event(b"{")])
        self.assertEqual(outcome.error["errorType"], "Runtime.UnmarshalError")
        self.assertRegex(outcome.error["errorMessage"], r"^Unable to unmarshal input: Expecting .*\(char 1\)$")

    @for_each_python
    def test_exception_of_the_handler(self, version):
        code = "def handler(e, c):\n    return f()\n\ndef f():\n    raise ValueError('é')\n"
        outcome = run(version, code, events=[{}, {}])
        self.assertIsNone(outcome.exit_code)
        self.assertEqual(
            [answer.json for answer in outcome.answers],
            [
                {
                    "errorMessage": "é",
                    "errorType": "ValueError",
                    "requestId": "00000000-0000-4000-8000-%012d" % index,
                    "stackTrace": [
                        '  File "/var/task/app.py", line 2, in handler\n    return f()\n',
                        "  File \"/var/task/app.py\", line 5, in f\n    raise ValueError('é')\n",
                    ],
                }
                for index in range(2)
            ],
        )
        self.assertEqual(
            outcome.stdout.split("\n")[0],
            "[ERROR] ValueError: é\rTraceback (most recent call last):"
            '\r\xa0\xa0File "/var/task/app.py", line 2, in handler\r\xa0\xa0\xa0\xa0return f()'
            "\r\xa0\xa0File \"/var/task/app.py\", line 5, in f\r\xa0\xa0\xa0\xa0raise ValueError('é')",
        )
        headers = outcome.answers[0].headers
        self.assertEqual(headers["Lambda-Runtime-Function-Error-Type"], "ValueError")
        cause = json.loads(headers["Lambda-Runtime-Function-Xray-Error-Cause"])
        self.assertEqual(cause["paths"], ["/var/task/app.py"])
        self.assertEqual(cause["exceptions"][0]["stack"][1]["line"], 5)

    def test_handler_with_the_wrong_number_of_parameters(self):
        error = self.run_any("def handler(e): pass").error
        self.assertEqual(error["errorType"], "TypeError")
        self.assertIn("response = request_handler(event, lambda_context)", error["stackTrace"][-1])

    # --- context ---

    def test_context(self):
        code = """
def handler(e, c):
    c.log('logged')
    i, k = c.identity, c.client_context
    return [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb, c.invoked_function_arn,
            c.log_group_name, c.log_stream_name, c.tenant_id, 20000 < c.get_remaining_time_in_millis() <= 30000,
            i.cognito_identity_id, i.cognito_identity_pool_id, k.custom, k.env, k.client.app_title, repr(k.client)]
"""
        event = Event(
            Lambda_Runtime_Client_Context='{"client":{"app_title":"é"},"custom":{"a":1},"env":{}}',
            Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
            Lambda_Runtime_Aws_Tenant_Id="blue",
        )
        # http.server writes headers as Latin-1; the bytes on the wire are to be UTF-8.
        for name, value in event.headers.items():
            event.headers[name] = value.encode().decode("latin-1")
        outcome = self.run_any(code, events=[event])
        self.assertEqual(
            outcome.result,
            [
                "00000000-0000-4000-8000-000000000000",
                "test",
                "$LATEST",
                "128",
                "arn:aws:lambda:eu-west-1:123456789012:function:test",
                "/aws/lambda/test",
                "2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef",
                "blue",
                True,
                "i",
                "p",
                {"a": 1},
                {},
                "é",
                "Client([installation_id=None,app_title=é,app_version_name=None,app_version_code=None,"
                "app_package_name=None])",
            ],
        )
        self.assertEqual(outcome.stdout, "logged")

    def test_context_without_client_and_identity(self):
        code = "def handler(e, c): return [c.client_context, repr(c.identity), c.tenant_id, repr(c)[:35]]"
        self.assertEqual(
            self.run_any(code).result,
            [
                None,
                "CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None])",
                None,
                "LambdaContext([aws_request_id=00000",
            ],
        )

    # --- logs ---

    STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

    @for_each_python
    def test_text_log(self, version):
        code = """
import logging
logging.warning('at init')
def handler(e, c):
    logging.info('below the level')
    logging.getLogger('x').error('é %d', 1)
"""
        self.assertRegex(
            run(version, code).stdout,
            r"^\[WARNING\]\t%s\t\tat init\n\[ERROR\]\t%s\t00000000-0000-4000-8000-000000000000\té 1\n$"
            % (self.STAMP, self.STAMP),
        )

    def test_logging_is_set_up_before_the_function_can_use_it(self):
        code = """
import sys
before = 'logging' in sys.modules
import logging.config as config
root = config.logging.getLogger()
def handler(e, c): return [before, len(root.handlers), root.level]
"""
        self.assertEqual(self.run_any(code).result, [False, 1, 30])

    def test_a_logging_module_of_the_function_does_not_win(self):
        code = {"app.py": "import logging\ndef handler(e, c): return logging.__file__", "logging.py": ""}
        self.assertTrue(self.run_any(code).result.startswith("/var/lang/lib/"))

    @for_each_python
    def test_json_log(self, version):
        code = """
import logging
log = logging.getLogger('mine')
def handler(e, c):
    log.debug('debugged', extra={'colour': 'é'})
    try: 1/0
    except Exception: log.exception('caught')
    raise ValueError('out')
"""
        environment = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "TRACE"}
        lines = [json.loads(line) for line in run(version, code, env=environment).stdout.splitlines()]
        for line in lines[:2]:
            self.assertRegex(line.pop("timestamp"), "^%s$" % self.STAMP)
        request = "00000000-0000-4000-8000-000000000000"
        self.assertEqual(
            lines[0],
            {"level": "DEBUG", "message": "debugged", "logger": "mine", "requestId": request, "colour": "é"},
        )
        self.assertEqual(lines[1]["location"], "/var/task/app.py:handler:7")
        self.assertEqual((lines[1]["errorType"], lines[1]["errorMessage"]), ("ZeroDivisionError", "division by zero"))
        self.assertEqual((lines[2]["level"], lines[2]["errorMessage"]), ("ERROR", "out"))

    def test_output_is_not_buffered(self):
        code = "import os\ndef handler(e, c):\n    print('printed')\n    os._exit(3)"
        outcome = self.run_any(code)
        self.assertEqual((outcome.stdout, outcome.exit_code), ("printed\n", 3))

    # --- wrapper script ---

    def test_wrapper_gets_interpreter_and_arguments(self):
        wrapper = '#!/bin/sh\nexport SEEN="$*"\nexec "$@"\n'
        code = "import os\ndef handler(e, c): return os.environ['SEEN']"
        outcome = self.run_any(code, layers={"wrap": wrapper}, env={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
        self.assertEqual(
            outcome.result, "/var/lang/bin/python%s /var/runtime/bootstrap.py" % self.any_version()
        )

    def test_wrapper_that_cannot_run(self):
        outcome = self.run_any("", env={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/none"})
        self.assertEqual((outcome.stdout, outcome.exit_code), ("/opt/none: does not exist\n", 127))
        outcome = self.run_any("", layers={"plain": "x"}, env={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/plain"})
        self.assertEqual((outcome.stdout, outcome.exit_code), ("/opt/plain: is not an executable\n", 126))

    # --- the Runtime API client ---

    @for_each_python
    def test_six_megabytes_both_ways(self, version):
        text = "x" * (6 * 1024 * 1024 - 2)
        self.assertEqual(run(version, "def handler(e, c): return e", events=[text]).result, text)

    def test_one_connection_serves_all(self):
        outcome = self.run_any("def handler(e, c): return e", events=[{}, {}, {}])
        self.assertEqual(len(set(outcome.next_connections + [answer.connection for answer in outcome.answers])), 1)

    def test_a_closed_connection_is_opened_again(self):
        outcome = self.run_any("def handler(e, c): return e", events=[Event(close=True), Event({"n": 2})])
        self.assertEqual([answer.json for answer in outcome.answers], [{}, {"n": 2}])

    def test_chunked_events(self):
        event = Event({"text": "é" * 50}, chunked=True)
        self.assertEqual(self.run_any("def handler(e, c): return e", events=[event]).result, {"text": "é" * 50})

    def test_a_refused_response_is_no_reason_to_die(self):
        outcome = self.run_any("def handler(e, c): return 1", events=[Event(status=413), Event()])
        self.assertEqual(len(outcome.answers), 2)
        self.assertIn("Failed to post handler success response. Http response code: 413.", outcome.stderr)


if __name__ == "__main__":
    reason = function_sandbox.why_not() or (None if INTERPRETERS else "no Python 3.8 or later on this host")
    if reason:
        print("skipped: " + reason)
        sys.exit(77)
    unittest.main()
