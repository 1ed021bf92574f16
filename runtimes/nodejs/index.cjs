// Entry point of the Node.js runtime. CommonJS, because starting the ES module loader is left to the
// functions that need it.
'use strict';

// First of all: what comes before is the start of Node.js, what comes after is the init of the function.
const startedAt = process.hrtime.bigint();

const { ConsoleLog } = require('./lamina/console-log.cjs');
const { RuntimeClient } = require('./lamina/runtime-client.cjs');
const { UnhandledPromiseRejection } = require('./lamina/errors.cjs');
const { keepHostModulesOut } = require('./lamina/module-paths.cjs');
const { installLayerImports } = require('./lamina/layer-imports.cjs');
const { loadHandler } = require('./lamina/handler.cjs');

const log = new ConsoleLog();
log.patchConsole();

const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API, startedAt);

// Whom to tell when something fails outside of a handler's call: the init error endpoint at first, the
// current invocation later.
const failure = { report: (error) => client.postInitError(error) };

function dieOf(kind, error, exitCode) {
  log.error(kind, error);
  const exit = () => process.exit(exitCode);
  failure.report(error).then(exit, exit);
  client.stop();
}

process.on('uncaughtException', (error) => dieOf('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason, promise) => {
  dieOf('Unhandled Promise Rejection', new UnhandledPromiseRejection(reason, promise), 128);
});

keepHostModulesOut();
installLayerImports();

loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER).then(
  (handler) => {
    // Node.js 24 brought another runtime: promises only.
    const Loop =
      Number.parseInt(process.versions.node, 10) >= 24
        ? require('./lamina/promise-loop.cjs').PromiseLoop
        : require('./lamina/callback-loop.cjs').CallbackLoop;
    new Loop(client, log, failure, handler).start();
  },
).catch((error) => dieOf('Uncaught Exception', error, 129));
