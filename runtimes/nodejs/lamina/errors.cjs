// The errors that the runtime itself raises, and the forms in which any error leaves the process.
'use strict';

const { isNativeError } = require('util').types;

class ImportModuleError extends Error {}
class HandlerNotFound extends Error {}
class MalformedHandlerName extends Error {}
class UserCodeSyntaxError extends Error {}
class CallbackHandlerDeprecated extends Error {}
class NodeJsExit extends Error {
  constructor() {
    super(
      'The Lambda runtime client detected an unexpected Node.js exit code. ' +
        'This is most commonly caused by a Promise that was never settled. ' +
        'For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
    );
  }
}
class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}

const runtimeErrors = {
  ImportModuleError,
  HandlerNotFound,
  MalformedHandlerName,
  UserCodeSyntaxError,
  CallbackHandlerDeprecated,
  NodeJsExit,
  UnhandledPromiseRejection,
};
for (const [name, type] of Object.entries(runtimeErrors)) {
  // On the prototype, so that the first line of `stack` shows it as well.
  type.prototype.name = `Runtime.${name}`;
}

function looksLikeError(value) {
  return ['name', 'message', 'stack'].every((key) => value[key] && typeof value[key] === 'string');
}

// The body of an error report.
function toErrorBody(error) {
  try {
    if (isNativeError(error) || looksLikeError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving ' +
        'one or more of its message, name, and stack',
    };
  }
}

function withHiddenProperties(value) {
  if (!(value instanceof Error)) return value;
  const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  if (typeof value.stack === 'string') shown.stack = value.stack.split('\n');
  return shown;
}

// For the text log, with everything that the function attached to the error.
function toLogText(error) {
  try {
    return '\t' + JSON.stringify(error, (_, value) => withHiddenProperties(value));
  } catch {
    return '\t' + JSON.stringify(toErrorBody(error)); // an attached property that JSON cannot hold
  }
}

// "    at label (path:line:column)" or "    at path:line:column"
function toXRayFrame(stackLine) {
  const text = stackLine.trim().replace(/[()]/g, '').replace(/^\S+ /, '');
  const space = text.lastIndexOf(' ');
  const [path, line] = text.slice(space + 1).split(':');
  return { path, line: Number.parseInt(line, 10), label: space > 0 ? text.slice(0, space) : 'anonymous' };
}

// The X-Ray cause, or '' for what is not an error.
function toXRayCause(error) {
  try {
    const stack = error.stack ? error.stack.split('\n').slice(1).map(toXRayFrame) : [];
    return JSON.stringify({
      working_directory: process.cwd(),
      exceptions: [{ type: error.name, message: error.message, stack }],
      paths: [...new Set(stack.map((frame) => frame.path))],
    });
  } catch {
    return '';
  }
}

module.exports = { ...runtimeErrors, toErrorBody, toLogText, toXRayCause };
