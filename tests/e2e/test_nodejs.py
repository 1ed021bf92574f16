"""Node.js functions: CommonJS and ES modules from layers, what is hidden, and the errors, as on AWS."""

import os
import unittest

from lamina_e2e import EndToEndTest, for_each_user


def package(name, value, module=False):
    """Files of an npm package that says who it is."""
    kind = '"type":"module",' if module else ""
    source = f"export const who = '{value}'; export default who" if module else f"exports.who = '{value}'"
    return {f"node_modules/{name}/package.json": f'{{"name":"{name}","version":"1.0.0",{kind}"main":"index.js"}}',
            f"node_modules/{name}/index.js": source}


def under(folder, files):
    return {os.path.join(folder, path): content for path, content in files.items()}


@for_each_user
class NodeJs(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("nodejs")
        self.major = self.runtime[len("nodejs"):].split(".")[0]

    def invoke(self, files, *arguments, handler="app.handler", **options):
        files = {"app.js": files} if isinstance(files, str) else files
        return self.space.invoke(handler, *arguments, code=self.space.tree("code", files), runtime=self.runtime, **options)

    def returned(self, files, *arguments, **options):
        return self.assert_returned(self.invoke(files, *arguments, **options))

    def test_commonjs_finds_a_package_of_a_layer(self):
        layer = self.space.tree("layer", under("nodejs", package("dep", "layer")))
        self.assertEqual(self.returned("exports.handler = async () => require('dep').who\n", layers=[layer]), "layer")

    def test_es_modules_find_a_package_of_a_layer(self):
        layer = self.space.tree("layer", {**under("nodejs", package("common", "common")),
                                          **under("nodejs", package("modern", "modern", module=True))})
        source = "import { who } from 'modern'; import c from 'common';\nexport const handler = async () => [who, c.who]\n"
        self.assertEqual(self.returned({"app.mjs": source}, layers=[layer]), ["modern", "common"])

    def test_dynamic_import_finds_a_package_of_a_layer(self):
        layer = self.space.tree("layer", under("nodejs", package("modern", "modern", module=True)))
        source = "exports.handler = async () => (await import('modern')).who\n"
        self.assertEqual(self.returned(source, layers=[layer]), "modern")

    def test_the_folder_of_the_version_wins_over_the_common_one(self):
        layer = self.space.tree("layer", {**under("nodejs", package("dep", "common")),
                                          **under(f"nodejs/node{self.major}", package("dep", "versioned"))})
        self.assertEqual(self.returned("exports.handler = async () => require('dep').who\n", layers=[layer]), "versioned")
        source = {"app.mjs": "import dep from 'dep';\nexport const handler = async () => dep.who\n"}
        self.assertEqual(self.returned(source, layers=[layer]), "versioned")

    def test_the_functions_own_package_wins(self):
        layer = self.space.tree("layer", under("nodejs", package("dep", "layer")))
        files = {"app.js": "exports.handler = async () => require('dep').who\n", **package("dep", "task")}
        self.assertEqual(self.returned(files, layers=[layer]), "task")

    def test_the_order_of_layers_decides(self):
        one = self.space.tree("one", under("nodejs", package("dep", "one")))
        two = self.space.tree("two", under("nodejs", package("dep", "two")))
        source = "exports.handler = async () => require('dep').who\n"
        self.assertEqual(self.returned(source, layers=[one, two]), "two")
        self.assertEqual(self.returned(source, layers=[two, one]), "one")

    def test_packages_of_the_host_are_hidden(self):
        source = ("exports.handler = async names => names.filter(n => { try { require.resolve(n); return true } "
                  "catch { return false } })\n")
        self.assertEqual(self.returned(source, event=["npm", "lodash", "corepack", "semver", "node-gyp"]), [])

    def test_an_exception_gives_awss_error_body(self):
        run = self.invoke("exports.handler = async () => { throw new TypeError('bad') }\n")
        answer = self.assert_function_failed(run)
        self.assertEqual(list(answer), ["errorType", "errorMessage", "trace"])
        self.assertEqual((answer["errorType"], answer["errorMessage"]), ("TypeError", "bad"))
        self.assertEqual(answer["trace"][0], "TypeError: bad")
        self.assertIn("/var/task/app.js:1", answer["trace"][1])
        self.assertRegex(run.log, r"(?m)^\d{4}-\d\d-\d\dT[\d:.]+Z\t[0-9a-f-]{36}\tERROR\tInvoke Error \t\{")

    def test_callbacks_work(self):
        if int(self.major) >= 24:
            self.skipTest("Node.js 24 on AWS has no callbacks any more")
        self.assertEqual(self.returned("exports.handler = (e, c, done) => done(null, 'called')\n"), "called")
        run = self.invoke("exports.handler = (e, c, done) => done(new Error('called'))\n")
        self.assertEqual(self.assert_function_failed(run)["errorMessage"], "called")

    def test_handlers_that_cannot_be_loaded(self):
        def failed(files, handler="app.handler"):
            return self.assert_function_failed(self.invoke(files, handler=handler))
        answer = failed("require('nothing-like-it')\n")
        self.assertEqual(answer["errorType"], "Runtime.ImportModuleError")
        self.assertTrue(answer["errorMessage"].startswith("Error: Cannot find module 'nothing-like-it'\nRequire stack:\n"),
                        answer["errorMessage"])
        answer = failed({"x.js": ""}, handler="missing.handler")
        self.assertEqual(answer["errorType"], "Runtime.ImportModuleError")
        answer = failed("exports.other = 1\n")
        self.assertEqual((answer["errorType"], answer["errorMessage"]),
                         ("Runtime.HandlerNotFound", "app.handler is undefined or not exported"))
        answer = failed("function (\n")
        self.assertEqual(answer["errorType"], "Runtime.UserCodeSyntaxError")
        self.assertTrue(answer["errorMessage"].startswith("SyntaxError: "), answer["errorMessage"])
        answer = failed("", handler="nodots")
        self.assertEqual(answer["errorType"], "Runtime.MalformedHandlerName")

    def test_an_exit_inside_the_handler(self):
        run = self.invoke("exports.handler = async () => process.exit(3)\n")
        self.assertIn("exit status 3", self.assert_function_failed(run)["errorMessage"])

    def test_the_context_object(self):
        source = ("exports.handler = async (event, context) => ({...context, left: context.getRemainingTimeInMillis()})\n")
        answer = self.returned(source, "--name", "named", "--memory", "256", "--timeout", "7")
        self.assertEqual((answer["functionName"], answer["functionVersion"], answer["logGroupName"]),
                         ("named", "$LATEST", "/aws/lambda/named"))
        self.assertEqual(int(answer["memoryLimitInMB"]), 256)
        self.assertRegex(answer["awsRequestId"], "^[0-9a-f-]{36}$")
        self.assertGreater(answer["left"], 4000)
        self.assertIs(answer["callbackWaitsForEmptyEventLoop"], True)

    def test_log_lines_of_the_console(self):
        run = self.invoke("exports.handler = async () => { console.log('told'); console.error('bad'); return 1 }\n")
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}"
        self.assertRegex(run.log, rf"(?m)^{stamp}\tINFO\ttold$")
        self.assertRegex(run.log, rf"(?m)^{stamp}\tERROR\tbad$")
        self.assertEqual(run.stdout, b"1\n")

    def test_an_answer_of_undefined_is_null(self):
        self.assertEqual(self.invoke("exports.handler = async () => {}\n").stdout, b"null\n")

    def test_the_handler_may_be_in_a_folder(self):
        self.assertEqual(self.returned({"src/deep/app.js": "exports.handler = async () => 'deep'\n"},
                                       handler="src/deep/app.handler"), "deep")

    def test_a_package_json_of_type_module_makes_js_an_es_module(self):
        files = {"package.json": '{"type":"module"}', "app.js": "export const handler = async () => import.meta.url\n"}
        self.assertEqual(self.returned(files), "file:///var/task/app.js")

    def test_warm_invocations_keep_globals(self):
        run = self.invoke("let n = 0\nexports.handler = async () => ++n\n", "--repeat", "3")
        self.assertEqual(run.lines, ["1", "2", "3"], run)


if __name__ == "__main__":
    unittest.main()
