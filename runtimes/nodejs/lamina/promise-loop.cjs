// Invocations from Node.js 24 on: what the handler returns is awaited, and callbacks are refused.
'use strict';

const { contextData, setTraceId, toJson } = require('./context.cjs');
const { CallbackHandlerDeprecated } = require('./errors.cjs');

// What Node.js itself exits with when a top-level await is never settled.
const EXIT_UNSETTLED = 13;

class PromiseLoop {
  #client;
  #log;
  #failure;
  #handler;

  constructor(client, log, failure, handler) {
    if (handler.length >= 3) {
      throw new CallbackHandlerDeprecated(
        'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
          'You need to modify this function to use a supported handler signature to use Node.js 24 or later. ' +
          'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
      );
    }
    this.#client = client;
    this.#log = log;
    this.#failure = failure;
    this.#handler = handler;
  }

  start() {
    process.on('beforeExit', () => process.exit(EXIT_UNSETTLED));
    // Through the event loop: a promise that was rejected during init is reported as an init error.
    setImmediate(() => {
      this.#run().catch((error) => {
        this.#log.error('Uncaught Exception', error);
        this.#failure.report(error).finally(() => process.exit(129));
      });
    });
  }

  async #run() {
    for (;;) {
      const { headers, body } = await this.#client.next();
      const id = headers['lambda-runtime-aws-request-id'];
      this.#log.setInvocation(id, headers['lambda-runtime-aws-tenant-id']);
      this.#failure.report = (error) => this.#client.postError(id, error);
      setTraceId(headers);
      const context = contextData(headers);
      const event = JSON.parse(body);
      try {
        const result = await this.#handler(event, context);
        await new Promise(setImmediate);
        await this.#client.postResponse(id, toJson(result));
      } catch (error) {
        await new Promise(setImmediate);
        this.#log.error('Invoke Error', error);
        await this.#client.postError(id, error);
      }
    }
  }
}

module.exports = { PromiseLoop };
