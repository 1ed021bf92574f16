// The console of a function: each call is one log line with time, request id and level, or a JSON object.
'use strict';

const { writeSync } = require('fs');
const { format } = require('util');
const { toLogText } = require('./errors.cjs');

// In the order of severity, which is what AWS_LAMBDA_LOG_LEVEL compares.
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

// Logging libraries read the current request id under this name.
const REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');

// Straight to the descriptor: making process.stdout takes longer than writing the line.
function writeLine(line) {
  let bytes = Buffer.from(line.replace(/\n/g, '\r') + '\n');
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error; // the reader is slow and the pipe does not block
    }
  }
}

function errorFields(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
  };
}

function unfoldError(_, value) {
  return value instanceof Error ? { ...errorFields(value), ...value } : value;
}

class ConsoleLog {
  #json = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
  #tenantId;

  setInvocation(requestId, tenantId) {
    globalThis[REQUEST_ID] = requestId;
    this.#tenantId = tenantId;
  }

  patchConsole() {
    const lowest = LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
    for (const [index, level] of LEVELS.entries()) {
      const write = (message, ...rest) => this.#write(level, message, rest);
      console[level.toLowerCase()] = index >= lowest || level === 'FATAL' ? write : () => {};
    }
    console.log = console.info;
  }

  // A failure that the runtime reports.
  error(kind, error) {
    const asError = error instanceof Error ? error : new Error(error);
    if (this.#json) {
      console.error(asError);
    } else {
      console.error(kind, toLogText(asError));
    }
  }

  #write(level, message, rest) {
    const time = new Date().toISOString();
    writeLine(
      this.#json
        ? this.#toJson(time, level, message, rest)
        : `${time}\t${globalThis[REQUEST_ID]}\t${level}\t${format(message, ...rest)}`,
    );
  }

  #toJson(timestamp, level, message, rest) {
    const line = { timestamp, level, requestId: globalThis[REQUEST_ID] };
    if (this.#tenantId) line.tenantId = this.#tenantId;
    if (rest.length === 0) {
      try {
        return JSON.stringify({ ...line, message }, unfoldError);
      } catch {
        return JSON.stringify({ ...line, message: format(message) }); // circular, or a BigInt
      }
    }
    const error = [message, ...rest].find((value) => value instanceof Error);
    return JSON.stringify({ ...line, message: format(message, ...rest), ...(error && errorFields(error)) });
  }
}

module.exports = { ConsoleLog };
