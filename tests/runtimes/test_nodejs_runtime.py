"""What runtimes/nodejs promises, for the Node.js of this host and any given in LAMINA_TEST_NODES."""

import functools
import json
import os
import shutil
import subprocess
import sys
import unittest

import function_sandbox
from fake_runtime_api import Event

REQUEST = "00000000-0000-4000-8000-000000000000"


def find_nodes():
    """{20: binary}. LAMINA_TEST_NODES is a colon-separated list of further binaries."""
    found = {}
    candidates = [shutil.which("node")] + os.environ.get("LAMINA_TEST_NODES", "").split(":")
    for binary in filter(None, candidates):
        version = subprocess.run([binary, "--version"], stdout=subprocess.PIPE, universal_newlines=True).stdout
        major = int(version[1:].split(".")[0])
        if major >= 18:
            found.setdefault(major, os.path.realpath(binary))
    return found


NODES = find_nodes()


def run(major, code, handler="index.handler", **options):
    binds = {
        "/var/runtime": function_sandbox.RUNTIMES + "/nodejs",
        "/var/lang/bin/node": NODES[major],
    }
    if isinstance(code, str):
        code = {"index.js": code}
    return function_sandbox.run("nodejs%d.x" % major, binds, handler, code, **options)


def for_each_node(minimum=18, maximum=99):
    def decorate(test):
        @functools.wraps(test)
        def run_for_each(self):
            majors = [major for major in sorted(NODES) if minimum <= major <= maximum]
            if not majors:
                self.skipTest("no Node.js %d to %d on this host" % (minimum, maximum))
            for major in majors:
                with self.subTest(node=major):
                    test(self, major)

        return run_for_each

    return decorate


class NodejsRuntime(unittest.TestCase):
    # --- search path ---

    @for_each_node()
    def test_node_path_is_lambdas(self, node):
        code = "exports.handler = async () => [process.env.NODE_PATH, process.env.PWD, process.env.SHLVL]"
        self.assertEqual(
            run(node, code).result,
            [
                "/opt/nodejs/node%d/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules"
                ":/var/runtime:/var/task" % node,
                "/var/task",
                "0",
            ],
        )
        outcome = run(node, code, env={"NODE_PATH": "/opt/mine"})
        self.assertEqual(outcome.result[0], "/opt/mine")

    @for_each_node()
    def test_only_node_path_leads_out_of_the_function(self, node):
        code = """
const Module = require('module');
exports.handler = async () => Module._resolveLookupPaths('x', module)
"""
        folders = run(node, code).result
        expected = ["/var/task/node_modules", "/var/node_modules", "/node_modules"]
        expected += ["/opt/nodejs/node%d/node_modules" % node, "/opt/nodejs/node_modules"]
        expected += ["/var/runtime/node_modules", "/var/runtime", "/var/task"]
        self.assertEqual(folders, expected)

    # One package in several places; `own` is the function's.
    def places(self, node, *names):
        folders = {
            "versioned": "nodejs/node%d/node_modules/" % node,
            "layer": "nodejs/node_modules/",
            "other": "nodejs/node%d/node_modules/" % (node + 1),
        }
        files = {}
        for name in names:
            files[folders[name] + "x/index.js"] = "module.exports = %s" % json.dumps(name)
        return files

    @for_each_node()
    def test_the_folder_of_the_version_comes_first(self, node):
        common = {"index.js": "const x = require('x'); exports.handler = async () => x"}
        es = {"index.mjs": "import x from 'x'; export const handler = async () => x"}
        lazy = {"index.js": "exports.handler = async () => (await import('x')).default"}
        own = {"node_modules/x/index.js": "module.exports = 'own'"}
        for code in (common, es, lazy):
            layers = self.places(node, "versioned", "layer", "other")
            self.assertEqual(run(node, code, layers=layers).result, "versioned")
            layers = self.places(node, "layer", "other")
            self.assertEqual(run(node, code, layers=layers).result, "layer")
            self.assertEqual(run(node, dict(code, **own), layers=layers).result, "own")

    @for_each_node()
    def test_conditions_of_a_layers_package_are_honoured(self, node):
        package = {
            "name": "@a/x",
            "exports": {".": {"import": "./m.mjs", "require": "./c.cjs"}, "./sub": "./sub.cjs"},
        }
        folder = "nodejs/node_modules/@a/x/"
        layers = {
            folder + "package.json": json.dumps(package),
            folder + "m.mjs": "import y from 'y'; export default 'imported with ' + y",
            folder + "c.cjs": "module.exports = 'required'",
            folder + "sub.cjs": "module.exports = 'sub'",
            "nodejs/node_modules/y/index.js": "module.exports = 'y'",
        }
        code = """
import { createRequire } from 'module';
import x from '@a/x';
import sub from '@a/x/sub';
export const handler = async () => [x, sub, createRequire(import.meta.url)('@a/x')];
"""
        self.assertEqual(
            run(node, {"index.mjs": code}, layers=layers).result, ["imported with y", "sub", "required"]
        )

    @for_each_node()
    def test_a_package_outside_node_path_is_not_found(self, node):
        layers = {"node_modules/x/index.js": "", "nodejs/x/index.js": ""}
        outcome = run(node, {"index.mjs": "import 'x'"}, layers=layers)
        self.assertEqual(
            outcome.error["errorMessage"], "Cannot find package 'x' imported from /var/task/index.mjs"
        )
        self.assertEqual((outcome.error["errorType"], outcome.exit_code), ("Error", 129))

    # --- handler lookup ---

    @for_each_node()
    def test_forms_of_a_handler(self, node):
        function = "exports.handler = async () => __filename"
        module = "export const handler = async () => import.meta.url.slice(7)"
        esm = '{"type":"module"}'
        for handler, code, layers, expected in (
            ("index.handler", {"index.js": function, "index.mjs": ""}, {}, "/var/task/index.js"),
            ("index.handler", {"index": function, "index.js": ""}, {}, "/var/task/index"),
            ("index.handler", {"index.mjs": module, "index.cjs": ""}, {}, "/var/task/index.mjs"),
            ("index.handler", {"index.cjs": function}, {}, "/var/task/index.cjs"),
            ("index.handler", {"index.js": module, "package.json": esm}, {}, "/var/task/index.js"),
            ("a/b/c.handler", {"a/b/c.js": function}, {}, "/var/task/a/b/c.js"),
            ("lib.handler", {"lib/index.js": function}, {}, "/var/task/lib/index.js"),
            ("/opt/nodejs/h.handler", {}, {"nodejs/h.js": function}, "/opt/nodejs/h.js"),
            ("p.handler", {}, {"nodejs/node_modules/p/index.js": function}, "/opt/nodejs/node_modules/p/index.js"),
        ):
            self.assertEqual(run(node, code, handler, layers=layers).result, expected)
        nested = "exports.a = { b: { c: async () => 'nested' } }"
        self.assertEqual(run(node, nested, "index.a.b.c").result, "nested")

    @for_each_node()
    def test_top_level_await(self, node):
        code = "const x = await Promise.resolve(7); export const handler = async () => x"
        self.assertEqual(run(node, {"index.mjs": code}).result, 7)

    def assert_init_error(self, outcome, error_type, message):
        answer = outcome.answers[-1]
        self.assertEqual(answer.path, "/2018-06-01/runtime/init/error")
        self.assertEqual(list(answer.json), ["errorType", "errorMessage", "trace"])
        self.assertEqual((answer.json["errorType"], answer.json["errorMessage"]), (error_type, message))
        self.assertEqual(answer.json["trace"][0], error_type + ": " + message.split("\n")[0])
        self.assertEqual(answer.headers["Lambda-Runtime-Function-Error-Type"], error_type)
        self.assertEqual(outcome.exit_code, 129)
        stamp, request, level, text, error = outcome.stdout.split("\t")
        self.assertEqual((request, level, text), ("undefined", "ERROR", "Uncaught Exception "))
        self.assertEqual(json.loads(error)["stack"], answer.json["trace"])

    @for_each_node()
    def test_init_errors(self, node):
        self.assert_init_error(
            run(node, "require('nope')"),
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'nope'\nRequire stack:\n- /var/task/index.js\n- /var/runtime/index.mjs",
        )
        self.assert_init_error(
            run(node, "", "none.handler"),
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'none'\nRequire stack:\n- /var/runtime/index.mjs",
        )
        self.assert_init_error(
            run(node, "x = = 1"), "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token '='"
        )
        self.assert_init_error(
            run(node, ""), "Runtime.HandlerNotFound", "index.handler is undefined or not exported"
        )
        self.assert_init_error(
            run(node, "exports.handler = 1"), "Runtime.HandlerNotFound", "index.handler is not a function"
        )
        self.assert_init_error(run(node, "", "index"), "Runtime.MalformedHandlerName", "Bad handler")
        self.assert_init_error(
            run(node, "", "../index.handler"),
            "Runtime.MalformedHandlerName",
            "'../index.handler' is not a valid handler name. Use absolute paths when specifying root "
            "directories in handler names.",
        )
        self.assert_init_error(run(node, "throw new TypeError('no')"), "TypeError", "no")

    @for_each_node()
    def test_unhandled_rejection_during_init(self, node):
        outcome = run(node, "Promise.reject(new Error('no')); exports.handler = async () => 1", events=[])
        self.assertEqual(outcome.error["errorType"], "Runtime.UnhandledPromiseRejection")
        self.assertEqual(outcome.error["errorMessage"], "Error: no")
        self.assertEqual(outcome.exit_code, 128)

    # --- results and errors ---

    @for_each_node()
    def test_what_handlers_return(self, node):
        event = {"é": [1, None, "\U0001f600"]}
        for code, expected in (
            ("async (event) => event", event),
            ("(event) => Promise.resolve(event)", event),
            ("async () => {}", None),
            ("async () => null", None),
        ):
            self.assertEqual(run(node, "exports.handler = " + code, events=[event]).result, expected)

    @for_each_node(maximum=22)
    def test_what_handlers_call(self, node):
        for code, expected in (
            ("(e, c, callback) => callback(null, 'called')", "called"),
            ("(e, c, callback) => { setTimeout(() => callback(null, 'later'), 20) }", "later"),
            ("(e, c) => c.succeed('succeeded')", "succeeded"),
            ("(e, c) => c.done(null, 'done')", "done"),
            ("(e, c, callback) => { callback(null, 'first'); callback(null, 'second') }", "first"),
            ("() => 'neither'", None),
        ):
            outcome = run(node, "exports.handler = " + code, events=[{}, {}])
            self.assertEqual([answer.json for answer in outcome.answers], [expected, expected])

    @for_each_node(maximum=22)
    def test_failures_that_handlers_call(self, node):
        for code, error_type, message in (
            ("(e, c, callback) => callback('text')", "string", "text"),
            ("(e, c, callback) => callback(new RangeError('far'))", "RangeError", "far"),
            ("(e, c) => c.fail()", "string", "handled"),
            ("(e, c) => { throw new RangeError('thrown') }", "RangeError", "thrown"),
        ):
            error = run(node, "exports.handler = " + code).error
            self.assertEqual((error["errorType"], error["errorMessage"]), (error_type, message))

    @for_each_node(maximum=22)
    def test_a_callback_waits_for_the_empty_event_loop_unless_told(self, node):
        code = """
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event.wait;
  setTimeout(() => console.log('timer'), 150);
  callback(null, 'result');
}
"""
        self.assertIn("timer", run(node, code, events=[{"wait": True}]).stdout)
        outcome = run(node, code + "setTimeout(() => process.exit(0), 100)", events=[{"wait": False}])
        self.assertEqual((outcome.result, outcome.stdout), ("result", ""))

    @for_each_node(maximum=22)
    def test_an_async_handler_that_never_settles(self, node):
        outcome = run(node, "exports.handler = async () => new Promise(() => {})", events=[{}, {}])
        self.assertEqual([answer.json["errorType"] for answer in outcome.answers], ["Runtime.NodeJsExit"] * 2)

    @for_each_node(minimum=24)
    def test_callbacks_are_refused_from_24_on(self, node):
        outcome = run(node, "exports.handler = (event, context, callback) => callback()")
        self.assertEqual(outcome.error["errorType"], "Runtime.CallbackHandlerDeprecated")
        code = "exports.handler = async (event, context) => [context.done, context.succeed, context.fail]"
        self.assertEqual(run(node, code).result, [None, None, None])

    @for_each_node()
    def test_exception_of_the_handler(self, node):
        code = "exports.handler = async () => { throw Object.assign(new TypeError('é'), { code: 'C', more: [1] }) }"
        outcome = run(node, code, events=[{}, {}])
        self.assertIsNone(outcome.exit_code)
        self.assertEqual(len(outcome.answers), 2)
        answer = outcome.answers[0]
        self.assertEqual((answer.json["errorType"], answer.json["errorMessage"]), ("TypeError", "é"))
        self.assertEqual(answer.json["trace"][0], "TypeError: é")
        self.assertRegex(answer.json["trace"][1], r"^    at .*handler \(/var/task/index\.js:1:\d+\)$")
        self.assertEqual(answer.headers["Lambda-Runtime-Function-Error-Type"], "TypeError")
        cause = json.loads(answer.headers["Lambda-Runtime-Function-XRay-Error-Cause"])
        self.assertEqual((cause["working_directory"], cause["paths"][0]), ("/var/task", "/var/task/index.js"))
        self.assertEqual(cause["exceptions"][0]["message"], "é")
        stamp, request, level, text, error = outcome.stdout.split("\n")[0].split("\t")
        self.assertEqual((request, level, text), (REQUEST, "ERROR", "Invoke Error "))
        logged = json.loads(error)
        self.assertEqual(list(logged), ["errorType", "errorMessage", "code", "more", "stack"])

    @for_each_node()
    def test_results_that_json_cannot_hold(self, node):
        for result in ("10n", "(() => { const a = {}; a.a = a; return a })()"):
            error = run(node, "exports.handler = async () => %s" % result).error
            self.assertEqual(error["errorMessage"], "Unable to stringify response body")

    @for_each_node()
    def test_unhandled_rejection_and_exception_outside_the_handler(self, node):
        wait = "await new Promise((resolve) => setTimeout(resolve, 500))"
        code = "exports.handler = async () => { Promise.reject(new Error('no')); %s }" % wait
        outcome = run(node, code)
        self.assertEqual(outcome.answers[0].path, "/2018-06-01/runtime/invocation/%s/error" % REQUEST)
        self.assertEqual(outcome.error["errorType"], "Runtime.UnhandledPromiseRejection")
        self.assertEqual((outcome.error["errorMessage"], outcome.exit_code), ("Error: no", 128))
        self.assertIn("\tERROR\tUnhandled Promise Rejection \t{", outcome.stdout)

        code = "exports.handler = async () => { setTimeout(() => { throw new Error('no') }); %s }" % wait
        outcome = run(node, code)
        self.assertEqual((outcome.error["errorType"], outcome.exit_code), ("Error", 129))
        self.assertIn("\tERROR\tUncaught Exception \t{", outcome.stdout)

    @for_each_node()
    def test_exit_codes_of_the_function_are_kept(self, node):
        self.assertEqual(run(node, "process.exit(7)", patience=5).exit_code, 7)

    # --- context and environment ---

    @for_each_node()
    def test_context(self, node):
        code = """
exports.handler = async (event, context) => {
  const left = context.getRemainingTimeInMillis();
  return { ...context, left: left > 20000 && left <= 30000, trace: process.env._X_AMZN_TRACE_ID };
}
"""
        event = Event(
            Lambda_Runtime_Client_Context='{"custom":{"a":1}}',
            Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId":"i"}',
            Lambda_Runtime_Aws_Tenant_Id="blue",
            Lambda_Runtime_Trace_Id="Root=1",
        )
        expected = {
            "functionVersion": "$LATEST",
            "functionName": "test",
            "memoryLimitInMB": "128",
            "logGroupName": "/aws/lambda/test",
            "logStreamName": "2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef",
            "clientContext": {"custom": {"a": 1}},
            "identity": {"cognitoIdentityId": "i"},
            "invokedFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:test",
            "awsRequestId": REQUEST,
            "tenantId": "blue",
            "left": True,
            "trace": "Root=1",
        }
        if node < 24:
            expected["callbackWaitsForEmptyEventLoop"] = True
        self.assertEqual(run(node, code, events=[event]).result, expected)

    # --- logs ---

    @for_each_node()
    def test_text_log(self, node):
        code = """
console.log('at init');
exports.handler = async () => {
  console.log('é %d', 1, { a: 2 });
  console.debug('d'); console.warn('two\\nlines'); console.error(new Error('e').message); console.fatal('f');
}
"""
        lines = [line.split("\t") for line in run(node, code).stdout.splitlines(keepends=True)]
        for line in lines:
            self.assertRegex(line[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$|^lines\n$")
        text = run(node, code).stdout
        self.assertEqual(
            [line.split("\t")[1:] for line in text.rstrip("\n").split("\n")],
            [
                ["undefined", "INFO", "at init"],
                [REQUEST, "INFO", "é 1 { a: 2 }"],
                [REQUEST, "DEBUG", "d"],
                [REQUEST, "WARN", "two\rlines"],
                [REQUEST, "ERROR", "e"],
                [REQUEST, "FATAL", "f"],
            ],
        )

    @for_each_node()
    def test_json_log_and_level(self, node):
        code = """
exports.handler = async () => {
  console.info('below');
  console.warn({ a: 1 });
  console.error('failed:', new TypeError('t'));
  console.warn(10n);
  throw new RangeError('out');
}
"""
        environment = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}
        lines = [json.loads(line) for line in run(node, code, env=environment).stdout.splitlines()]
        self.assertEqual([line["level"] for line in lines], ["WARN", "ERROR", "WARN", "ERROR"])
        self.assertEqual(list(lines[0]), ["timestamp", "level", "requestId", "message"])
        self.assertEqual((lines[0]["message"], lines[0]["requestId"]), ({"a": 1}, REQUEST))
        self.assertEqual((lines[1]["errorType"], lines[1]["errorMessage"]), ("TypeError", "t"))
        self.assertTrue(lines[1]["message"].startswith("failed: TypeError: t\n    at "))
        self.assertEqual(lines[2]["message"], "10n")
        self.assertEqual(lines[3]["message"]["errorType"], "RangeError")

    # --- wrapper script ---

    @for_each_node()
    def test_wrapper_script(self, node):
        wrapper = '#!/bin/sh\nexport SEEN="$*"\nexec "$@"\n'
        code = "exports.handler = async () => process.env.SEEN"
        outcome = run(node, code, layers={"wrap": wrapper}, env={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
        self.assertRegex(outcome.result, r"^/var/lang/bin/node .*--max-old-space-size=116 /var/runtime/index\.cjs$")
        outcome = run(node, "", env={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/none"})
        self.assertEqual((outcome.stdout, outcome.exit_code), ("/opt/none: does not exist\n", 127))
        outcome = run(node, "", layers={"plain": "x"}, env={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/plain"})
        self.assertEqual((outcome.stdout, outcome.exit_code), ("/opt/plain: is not an executable\n", 126))

    # --- the Runtime API client ---

    ECHO = "exports.handler = async (event) => event"

    @for_each_node()
    def test_six_megabytes_both_ways(self, node):
        text = "x" * (6 * 1024 * 1024 - 2)
        self.assertEqual(run(node, self.ECHO, events=[text]).result, text)

    @for_each_node()
    def test_one_connection_serves_all(self, node):
        outcome = run(node, self.ECHO, events=[{}, {}, {}])
        self.assertEqual(len(set(outcome.next_connections + [answer.connection for answer in outcome.answers])), 1)

    @for_each_node()
    def test_a_closed_connection_is_opened_again(self, node):
        outcome = run(node, self.ECHO, events=[Event(close=True), Event({"n": 2})])
        self.assertEqual([answer.json for answer in outcome.answers], [{}, {"n": 2}])

    @for_each_node()
    def test_chunked_events(self, node):
        event = Event({"text": "é" * 50}, chunked=True)
        self.assertEqual(run(node, self.ECHO, events=[event]).result, {"text": "é" * 50})

    @for_each_node()
    def test_a_refused_response_is_no_reason_to_die(self, node):
        outcome = run(node, self.ECHO, events=[Event(status=413), Event()])
        self.assertEqual(len(outcome.answers), 2)
        self.assertIn("Failed to post handler success response. Http response code: 413.", outcome.stderr)

    @for_each_node()
    def test_event_that_is_not_json(self, node):
        outcome = run(node, self.ECHO, events=[Event(b"{")])
        self.assertEqual(outcome.error["errorType"], "SyntaxError")


if __name__ == "__main__":
    reason = function_sandbox.why_not() or (None if NODES else "no Node.js 18 or later on this host")
    if reason:
        print("skipped: " + reason)
        sys.exit(77)
    unittest.main()
