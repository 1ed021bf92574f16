// Finds the function that _HANDLER names: `folder/module.property.property`.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { HandlerNotFound, ImportModuleError, MalformedHandlerName, UserCodeSyntaxError } = require('./errors.cjs');
const { prepareImport } = require('./layer-imports.cjs');

// "Require stack" of a missing module ends in this file on Lambda.
const requireFromRuntime = module.constructor.createRequire('/var/runtime/index.mjs');

async function loadHandler(taskRoot, handlerName) {
  if (handlerName.includes('..')) {
    throw new MalformedHandlerName(
      `'${handlerName}' is not a valid handler name. ` +
        'Use absolute paths when specifying root directories in handler names.',
    );
  }
  const base = path.basename(handlerName);
  const folder = handlerName.slice(0, handlerName.indexOf(base));
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (!match) throw new MalformedHandlerName('Bad handler');
  const [, moduleName, properties] = match;

  const exported = await importOrExplain(taskRoot, folder, moduleName);
  const handler = properties.split('.').reduce((value, key) => value && value[key], exported);
  if (!handler) throw new HandlerNotFound(`${handlerName} is undefined or not exported`);
  if (typeof handler !== 'function') throw new HandlerNotFound(`${handlerName} is not a function`);
  return handler;
}

async function importOrExplain(taskRoot, folder, moduleName) {
  try {
    return await importModule(taskRoot, folder, moduleName);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserCodeSyntaxError(error);
    if (error?.code === 'MODULE_NOT_FOUND') throw new ImportModuleError(error);
    throw error;
  }
}

async function importModule(taskRoot, folder, moduleName) {
  const file = path.resolve(taskRoot, folder, moduleName);
  const isEsPackage = inEsPackage(path.dirname(file));
  const loaders = [
    ['', requireFromRuntime],
    ['.js', isEsPackage ? importFile : requireFromRuntime],
    ['.mjs', importFile],
    ['.cjs', requireFromRuntime],
  ];
  if (Number.parseInt(process.versions.node, 10) >= 24) {
    loaders.push(
      ['.ts', isEsPackage ? importFile : requireFromRuntime],
      ['.mts', importFile],
      ['.cts', requireFromRuntime],
    );
  }
  for (const [extension, load] of loaders) {
    if (fs.existsSync(file + extension)) {
      const exported = await load(file + extension);
      if (exported) return exported;
    }
  }
  // As a package: in node_modules of the function, or in a layer.
  return requireFromRuntime(requireFromRuntime.resolve(moduleName, { paths: [taskRoot, folder] }));
}

function importFile(file) {
  prepareImport();
  return import(pathToFileURL(file).href);
}

// Whether the nearest package.json makes .js files ES modules.
function inEsPackage(folder) {
  if (folder.endsWith('/node_modules')) return false;
  const file = path.join(folder, 'package.json');
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  return folder !== '/' && inEsPackage(path.dirname(folder));
}

module.exports = { loadHandler };
