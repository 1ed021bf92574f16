// Runs the Node.js runtime and tells what each module took to load: `import-profile.cjs MARK`.
//
// Started in place of index.cjs when the cold-start lab asks for it, so that a usual start pays nothing. A
// line goes to stderr for each module: MARK, "es" for an ES module, name, nanoseconds without and with nested
// loads, file, parted by tabs. Lines are written only while no load is under way, so that writing them is in
// nobody's time.
'use strict';

const fs = require('fs');
// Whole, with register() and registerHooks(); module.constructor lacks them before it is loaded.
const Module = require('module');

const mark = process.argv[2];
const index = __dirname + '/index.cjs';
process.argv.splice(1, 2, index);

const now = process.hrtime.bigint;
// Loads under way, outermost first: when each began, what nested ones took.
const underWay = [];
let finished = [];
const knownBuiltins = new Set();

function begin() {
  const load = { began: now(), nested: 0n };
  underWay.push(load);
  return load;
}

// `name` is undefined for what turned out to be no load of a module: its time is that of whoever asked.
function end(load, kind, name, file) {
  const total = now() - load.began;
  // Not always the last one: a module with a top-level await lets others be evaluated meanwhile.
  const at = underWay.lastIndexOf(load);
  underWay.splice(at, 1);
  if (at > 0) underWay[at - 1].nested += name === undefined ? load.nested : total;
  if (name !== undefined) finished.push([kind, name, total - load.nested, total, file]);
  if (underWay.length === 0) tell();
}

function tell() {
  const lines = finished;
  finished = [];
  for (const [kind, name, own, total, file] of lines) {
    const fields = [mark, kind, name, own, total, file].map((field) => String(field).replace(/[\t\n]/g, ' '));
    write(Buffer.from(`\n${fields.join('\t')}\n`));
  }
}

function write(bytes) {
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(2, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
    }
  }
}

// As the author of the function knows it.
function nameOf(file) {
  const folder = '/node_modules/';
  const at = file.lastIndexOf(folder);
  return at >= 0 ? file.slice(at + folder.length) : file.replace(/^\/var\/task\//, '');
}

// The runtime itself is not what anybody imports.
function isOurs(file) {
  return file.startsWith(__dirname + '/') && !file.startsWith(__dirname + '/node_modules/');
}

function report(load, kind, file) {
  if (isOurs(file)) end(load);
  else end(load, kind, nameOf(file), file);
}

// CommonJS: _load() has the search for the file in it, load() happens for what was not loaded before.
const { _load } = Module;
const loadFile = Module.prototype.load;
Module._load = function (request, ...rest) {
  const load = begin();
  try {
    const exported = Reflect.apply(_load, this, [request, ...rest]);
    const builtin = String(request).replace(/^node:/, '');
    load.loaded = true;
    if (load.file === undefined && Module.builtinModules.includes(builtin) && !knownBuiltins.has(builtin)) {
      knownBuiltins.add(builtin);
      load.builtin = builtin;
    }
    return exported;
  } finally {
    if (load.loaded && load.file !== undefined) report(load, '', load.file);
    else end(load, '', load.builtin, '');
  }
};
Module.prototype.load = function (filename) {
  const load = underWay.at(-1);
  if (load) load.file = filename;
  return Reflect.apply(loadFile, this, [filename]);
};

// ES modules: Node.js evaluates them one after the other, each after those that it imports, and tells nobody
// when. So their own code says when it begins and ends.
const evaluations = new Map();
Object.defineProperty(globalThis, Symbol.for('lamina.import-profile'), {
  value: {
    begin: (file) => evaluations.set(file, begin()),
    end: (file) => {
      report(evaluations.get(file), 'es', file);
      evaluations.delete(file);
    },
  },
});

if (Module.registerHooks) {
  const { instrumented } = require('./import-profile-source.cjs');
  Module.registerHooks({ load: (url, context, nextLoad) => instrumented(url, nextLoad(url, context)) });
} else if (Module.register) {
  // The thread that older versions need comes with the first ES module, as without this.
  const { register } = Module;
  Module.register = (...rest) => {
    register('file://' + __dirname + '/import-profile-thread.mjs');
    Module.register = register;
    return register(...rest);
  };
}

require(index);
