// Makes `import` find packages through NODE_PATH, as on Lambda and unlike stock Node.js: first what stock
// Node.js finds, then the folders of NODE_PATH in order. That is where layers are.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

// Installs the resolver: in this thread where Node.js can do so (from 22.15 on). Older versions run it in a
// thread of its own, which takes some 30 ms to start; so only once an ES module is about to be loaded.
function installLayerImports() {
  // Not asked of older versions: loading `module` takes a millisecond.
  if (Number.parseInt(process.versions.node, 10) >= 22 && require('module').registerHooks) {
    require('module').registerHooks({ resolve: resolveWithLayers });
    installed = true;
  } else {
    installBeforeFirstEsModule();
  }
}

let installed = false;

// For whoever is about to import an ES module.
function prepareImport() {
  if (installed) return;
  installed = true;
  // Before 18.19 there is no register(), and only require() finds layers.
  require('module').register?.(pathToFileURL(path.join(__dirname, 'layer-imports-thread.mjs')));
}

// CommonJS code reaches ES modules by import() or, in newer versions, by require().
function installBeforeFirstEsModule() {
  const { prototype } = module.constructor;
  const compile = prototype._compile;
  prototype._compile = function (content, filename, format) {
    if (!installed && (format === 'module' || content.includes('import('))) prepareImport();
    return Reflect.apply(compile, this, [content, filename, format]);
  };
}

function resolveWithLayers(specifier, context, nextResolve) {
  try {
    return nextResolve(specifier, context);
  } catch (error) {
    if (!isMissingPackage(specifier, error)) throw error;
    for (const parentURL of layerParents(specifier)) {
      try {
        return nextResolve(specifier, { ...context, parentURL });
      } catch (layerError) {
        if (!isMissingPackage(specifier, layerError)) throw layerError;
      }
    }
    throw error; // the one that names the importing file
  }
}

function isMissingPackage(specifier, error) {
  return error.code === 'ERR_MODULE_NOT_FOUND' && !/^(\.{0,2}\/|#|[a-z][a-z\d+.-]+:)/i.test(specifier);
}

// URLs from which stock Node.js finds the package in one folder of NODE_PATH each: it then honours the
// package's "exports" itself. Folders without the package are left out, or it would search their parents.
function layerParents(specifier) {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return (process.env.NODE_PATH ?? '')
    .split(':')
    .filter((folder) => path.basename(folder) === 'node_modules' && fs.existsSync(path.join(folder, name)))
    .map((folder) => pathToFileURL(path.join(path.dirname(folder), 'importer.mjs')).href);
}

module.exports = { installLayerImports, prepareImport, isMissingPackage, layerParents };
