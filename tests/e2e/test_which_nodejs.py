"""`layers which` for Node.js agrees with Node.js itself, over random layouts of packages in code and layers."""

import json
import os
import posixpath
import random
import unittest

from lamina_e2e import EndToEndTest, for_each_user

NAMES = ("alpha", "beta", "@s/gamma", "delta", "punycode")
SOURCES = ("index.js", "main.js", "lib/index.js", "lib/a.js", "lib/b.cjs", "lib/c.mjs", "lib/internal/z.js", "lib.js",
           "dist/x.js", "sub/entry.js", "cli", "a b.js")
DATA = {"data.json": "{}", "addon.node": "", "index.json": "{}", "sub/package.json": '{"main":"entry"}',
        "deep/index.json": "{}"}

MAINS = ("main.js", "main", "./lib", "lib/", "lib/b.cjs", "lib/c", "missing.js", "", "data.json", "addon", "cli", ".",
         "a%20b.js", "deep", 5, None)
EXPORTS = (
    "./main.js", "main.js", "./missing.js", "./lib", "./lib/", "../beta/index.js", "./node_modules/x.js", None, False, {}, [],
    {"import": "./lib/c.mjs", "require": "./lib/b.cjs"},
    {"require": "./lib/b.cjs"}, {"import": "./lib/c.mjs"}, {"browser": "./main.js"},
    {"default": "./main.js", "import": "./lib/c.mjs"},
    {"node-addons": "./addon.node", "default": "./index.js"},
    {"module-sync": "./lib/a.js", "default": "./main.js"},
    {".": {"node": {"import": "./lib/c.mjs", "default": "./lib/b.cjs"}, "default": "./main.js"},
     "./sub": "./lib/a.js", "./package.json": "./package.json"},
    {".": {"node": {"browser": "./lib/c.mjs"}, "default": "./main.js"}, "./sub": {"import": None, "default": "./main.js"}},
    {".": "./index.js", "./lib/*": "./lib/*.js", "./lib/b": None, "./lib/internal/*": None},
    {"./*": "./*", "./lib/*": {"require": "./lib/*"}}, {".": "./main.js", "./*.js": "./lib/*.js", "./*": None},
    {"./lib/*": "./lib/*", "./l*": "./dist/x.js", "./lib/a*": "./main.js"}, {"./*/a.js": "./*/*.js", "./*": "./missing/*"},
    {".": ["bad", {"import": "./lib/c.mjs"}, "./lib/a.js"]}, {".": [None, "../x"]}, {".": ["./missing.js", "./main.js"]},
    ["./main.js", "./index.js"], {".": "./index.js", "import": "./main.js"}, {"0": "./index.js", "default": "./main.js"},
    {"node": {"0": "./index.js"}}, {"./lib/": "./lib/", ".": "./index.js"}, {".": "./a%20b.js", "./x": "./a b.js"},
    {"./sub": 3, ".": "./lib/../main.js"}, {".": "./lib%2fa.js", "./sub": "./main.js?query"},
)
IMPORTS = ({"#int": "./lib/a.js", "#dep": "beta", "#dep/*": "beta/*", "#fs": "fs", "#node": "node:fs", "#none": None,
            "#cond": {"import": "./lib/c.mjs", "require": "./lib/b.cjs"}, "#x/*": "./lib/*.js"},
           {"#int": ["node:fs", "beta/lib/a.js", "./main.js"], "#dep": {"import": "delta", "default": "@s/gamma"},
            "#x/*.js": "@s/gamma/lib/*.js", "#cond": "./missing.js", "#fs": "../x.js", "#none": 1})
BROKEN = ("{", "null", "[]", "", '{"main": "main.js", "exports": "./lib/a.js", "exports": null}')

SUBPATHS = ("", "", "", "/", "/index.js", "/index", "/lib", "/lib/", "/lib/a", "/lib/a.js", "/lib/b", "/lib/b.cjs", "/lib/c.mjs",
            "/main", "/main.js", "/data.json", "/data", "/addon", "/addon.node", "/sub", "/package.json", "/package", "/deep",
            "/lib/internal/z", "/lib/internal/z.js", "/a.js", "/lib/%61.js", "/lib/a.js?x=1", "/missing", "/./lib/a.js", "/../beta",
            "/lib/..", "/x", "/a%20b.js", "/a b.js", "/lib%2fa.js", "/cli", "//lib/a.js", "/*", "/lib/*")
OTHERS = (".", "./", "..", "../", "./lib", "./lib/", "./lib/a", "./lib/a.js", "./a", "./a.js", "../index.js", "../main", "./data",
          "./data.json", "./addon", "./sub", "./deep", "./missing.js", "./lib/%61.js", "./index.js?x", "./index.js#x", "./lib\\a.js",
          "/var/task/lib/a", "/var/task/lib/a.js", "/var/task/lib", "/opt/nodejs/node_modules/alpha/lib/a.js",
          "/opt/nodejs/node_modules/alpha", "file:///var/task/lib/a.js", "file:///var/task/none.js", "node:fs", "fs", "fs/promises",
          "node:test", "test", "node:nope", "punycode", "punycode/", "path/posix", "#int", "#dep", "#dep/lib/a.js", "#dep/main.js",
          "#cond", "#fs", "#node", "#none", "#x/a", "#x/b", "#x/a.js", "#missing", "#", "#/x", "@s", "@s/", "..foo", ".foo", "single",
          "single.js", "single.json", "plain", "outer", "linked", "linked/lib/a.js", "alpha\\lib", "%61lpha", "lib/a", "data:text/x,")

HANDLER = """
const fs = require('fs'), path = require('path'), { fileURLToPath, pathToFileURL } = require('url');
const { createRequire, isBuiltin } = require('module');
const named = (text) => (isBuiltin(text) ? 'node:' + text.replace(/^node:/, '') : text);

async function answer({ specifier, from, how }) {
  const file = fs.realpathSync(from);
  try {
    if (how === 'require') return named(createRequire(file).resolve(specifier));
    const probe = await import(pathToFileURL(path.join(path.dirname(file), 'probe.mjs')));
    const found = await probe.default(specifier);
    const at = found.at ?? found.default?.at;
    if (found.default === fs) return 'node:fs';
    return at === undefined ? named(specifier) : at.startsWith('file:') ? fileURLToPath(at) : at;
  } catch (error) {
    // Found, but nothing that import can load.
    const message = String(error.message);
    if (error.code === 'ERR_UNKNOWN_FILE_EXTENSION') return / for (.*)$/.exec(message)[1];
    if (/^ERR_IMPORT_A\\w+_MISSING$/.test(error.code)) return fileURLToPath(/"(file:[^"]*)"/.exec(message)[1]);
    return 'no ' + (error.code ?? message);
  }
}

exports.handler = async () => {
  const answers = [];
  for (const question of JSON.parse(fs.readFileSync('/var/task/questions.json'))) answers.push(await answer(question));
  return answers;
};
"""


class Layout:
    """Code and two layers with packages at random, and the files from which they are asked for."""

    def __init__(self, seed, major):
        self.random = random.Random(seed)
        self.major = major
        self.code, self.layers, self.links = {}, [{}, {}], {}
        self.add_code()
        for layer in self.layers:
            self.add_layer(layer)
        self.merged = {os.path.join("/var/task", path): content for path, content in self.code.items()}
        for layer in self.layers:
            self.merged.update({os.path.join("/opt", path): content for path, content in layer.items()})
        froms = [path for path in self.merged
                 if posixpath.basename(path) in ("index.js", "a.js", "z.js") and "%" not in path]
        self.froms = ["/var/task/index.js", "/var/task/linked.js"] + self.random.sample(sorted(froms), 8)
        for path in self.froms:
            self.add(posixpath.join(posixpath.dirname(self.real(path)), "probe.mjs"))

    def chance(self, probability):
        return self.random.random() < probability

    def real(self, path):
        return {"/var/task/linked.js": "/var/task/packages/linked/lib/a.js"}.get(path, path)

    def add(self, path):
        self.merged[path] = None
        if path.startswith("/opt/"):
            self.layers[1][path[len("/opt/"):]] = None
        else:
            self.code[path[len("/var/task/"):]] = None

    def package(self, name):
        """Files of a package; None for the sources, which depend on what is around them."""
        files = {path: None for path in SOURCES if self.chance(0.6)}
        files.update({path: content for path, content in DATA.items() if self.chance(0.4)})
        if self.chance(0.85):
            described = {"name": name if self.chance(0.9) else self.random.choice(NAMES),
                         "version": f"{self.random.randint(1, 9)}.0.0"}
            if self.chance(0.5):
                described["main"] = self.random.choice(MAINS)
            if self.chance(0.5):
                described["exports"] = self.random.choice(EXPORTS)
            if self.chance(0.5):
                described["imports"] = self.random.choice(IMPORTS)
            if self.chance(0.5):
                described["type"] = self.random.choice(("module", "commonjs"))
            files["package.json"] = json.dumps(described)
            if self.chance(0.05):
                files["package.json"] = self.random.choice(BROKEN)
        return files

    def add_modules(self, tree, folder, probability):
        for name in NAMES:
            if self.chance(probability):
                for path, content in self.package(name).items():
                    tree[posixpath.join(folder, name, path)] = content
        if self.chance(0.3):
            tree[posixpath.join(folder, self.random.choice(("single.js", "single.json", "single", "alpha.js")))] = None

    def add_code(self):
        self.code.update({path: None for path in ("lib/a.js", "lib/index.js", "packages/linked/lib/a.js",
                                                  "packages/linked/index.js", "index.js")})
        self.code.update(self.package("outer"))
        if not self.code.get("package.json", "{}").startswith('{"'):
            self.code.pop("package.json", None)
        self.code["index.js"] = None
        self.code["packages/linked/package.json"] = '{"name":"linked","imports":{"#int":"alpha"}}'
        self.links = {"linked.js": "packages/linked/lib/a.js", "node_modules/linked": "../packages/linked"}
        self.add_modules(self.code, "node_modules", 0.35)
        self.add_modules(self.code, "lib/node_modules", 0.2)

    def add_layer(self, layer):
        layer["nodejs/node_modules/alpha/index.js"] = None
        self.add_modules(layer, "nodejs/node_modules", 0.7)
        self.add_modules(layer, f"nodejs/node{self.major}/node_modules", 0.35)
        self.add_modules(layer, "nodejs/node_modules/alpha/node_modules", 0.3)
        self.add_modules(layer, "node_modules", 0.15)
        self.add_modules(layer, "extra/node_modules", 0.3)
        self.add_modules(layer, "plain", 0.3)
        if self.chance(0.2):
            layer["nodejs/package.json"] = json.dumps({"name": "beta", "exports": "./whole.js"})
            layer["nodejs/whole.js"] = None

    def source(self, path):
        """Says at run time which file it is, as the module that Node.js takes it for."""
        if path.endswith(".json"):
            return "{}"
        kind = {".mjs": "module", ".cjs": "commonjs"}.get(posixpath.splitext(path)[1])
        folder = posixpath.dirname(path)
        while kind is None:
            described = self.merged.get(posixpath.join(folder, "package.json"))
            if posixpath.basename(folder) == "node_modules" or folder == "/":
                kind = "commonjs"
            elif described is not None:
                kind = json.loads(described).get("type", "commonjs") if described.startswith('{"') else "commonjs"
            folder = posixpath.dirname(folder)
        if posixpath.basename(path) == "probe.mjs":
            return "export default specifier => import(specifier)\n"
        return "export const at = import.meta.url\n" if kind == "module" else "exports.at = __filename\n"

    def questions(self, count):
        specifiers = [name + subpath for name in NAMES for subpath in SUBPATHS] + 3 * list(OTHERS)
        asked = {(self.random.choice(specifiers), self.random.choice(self.froms), self.random.choice(("require", "import")))
                 for _ in range(count)}
        return [{"specifier": specifier, "from": file, "how": how} for specifier, file, how in sorted(asked)]

    def write(self, space, questions):
        def filled(root, files):
            return {path: self.source(posixpath.join(root, path)) if content is None else content
                    for path, content in files.items()}
        code = space.tree("code", {**filled("/var/task", self.code), "questions.json": json.dumps(questions),
                                   "handler/package.json": "{}", "handler/answer.js": HANDLER})
        for name, target in self.links.items():
            os.makedirs(os.path.dirname(os.path.join(code, name)), exist_ok=True)
            os.symlink(target, os.path.join(code, name))
        return code, [space.tree(f"layer{i}", filled("/opt", layer)) for i, layer in enumerate(self.layers)]


@for_each_user
class WhichNodeJs(EndToEndTest):
    COUNT = int(os.environ.get("LAMINA_WHICH_QUESTIONS", "400"))
    SEED = int(os.environ.get("LAMINA_WHICH_SEED", "0"))

    def setUp(self):
        super().setUp()
        self.runtime = self.managed_runtime("nodejs")
        self.major = self.runtime[len("nodejs"):].split(".")[0]

    def said(self, questions, code, layers, variables):
        """What `layers which` says, by question."""
        answers = {}
        for file, how in sorted({(question["from"], question["how"]) for question in questions}):
            asked = [q["specifier"] for q in questions if (q["from"], q["how"]) == (file, how)]
            command = ["layers", "which", *("node:" + specifier for specifier in asked), "--from", file, "--json",
                       "--code", code, "--runtime", self.runtime, *variables]
            for layer in layers:
                command += ["--layer", layer]
            if how == "import":
                command.append("--import")
            run = self.space.run(*command)
            self.assertIn(run.code, (0, 1), run)
            self.assertEqual(run.json["schema"], "lamina-which/1")
            self.assertEqual([result["name"] for result in run.json["results"]], asked)
            for result in run.json["results"]:
                answers[result["name"], file, how] = result
        return answers

    def check(self, seed, *variables):
        layout = Layout(seed, self.major)
        questions = layout.questions(self.COUNT)
        code, layers = layout.write(self.space, questions)
        run = self.space.invoke("handler/answer.handler", "--timeout", "60", *variables, code=code, layers=layers,
                                runtime=self.runtime)
        real = self.assert_returned(run)
        said = self.said(questions, code, layers, variables)
        different = []
        for question, expected in zip(questions, real, strict=True):
            result = said[question["specifier"], question["from"], question["how"]]
            got = result["candidates"][0]["path"] if result["found"] else "no"
            if got != expected and not (got == "no" and expected.startswith("no ")):
                different.append({**question, "node": expected, "which": result})
        self.assertEqual(different[:3], [], f"seed {seed}: {len(different)} of {len(questions)} differ")
        self.assertGreater(len(questions), 200)
        self.assertGreater(sum(not answer.startswith("no ") for answer in real), len(questions) / 8)

    def test_the_same_as_nodejs_with_its_own_search_path(self):
        self.check(self.SEED + 1)

    def test_the_same_as_nodejs_with_another_layout(self):
        self.check(self.SEED + 2)

    def test_the_same_as_nodejs_with_a_search_path_of_the_user(self):
        self.check(self.SEED + 3, "--env",
                   "NODE_PATH=/opt/extra/node_modules/:/opt/plain::lib:/opt/none/node_modules:/opt/nodejs/node_modules")


if __name__ == "__main__":
    unittest.main()
