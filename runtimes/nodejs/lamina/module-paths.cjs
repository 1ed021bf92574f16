// Keeps packages of the host out of require().
'use strict';

// The class, without the rest of `module`, which takes a millisecond to load.
const Module = module.constructor;

// Node.js adds folders of its installation and of $HOME to NODE_PATH, and distributions patch in more. On
// Lambda only NODE_PATH leads anywhere.
function keepHostModulesOut() {
  const wanted = new Set((process.env.NODE_PATH ?? '').split(':'));
  const foreign = new Set(Module.globalPaths.filter((folder) => !wanted.has(folder)));
  const resolveLookupPaths = Module._resolveLookupPaths;
  Module._resolveLookupPaths = (request, parent) => {
    const folders = resolveLookupPaths(request, parent);
    return folders && folders.filter((folder) => !foreign.has(folder));
  };
}

module.exports = { keepHostModulesOut };
