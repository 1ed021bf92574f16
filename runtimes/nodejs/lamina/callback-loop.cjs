// Invocations up to Node.js 22: a handler may return a promise, call its third parameter, or use
// context.done(), succeed() and fail(). The first of them decides.
'use strict';

const { contextData, setTraceId, toJson } = require('./context.cjs');
const { NodeJsExit } = require('./errors.cjs');

const isPromise = (value) => typeof value?.then === 'function';

class CallbackLoop {
  #client;
  #log;
  #failure;
  #handler;
  #onEmptyEventLoop = () => {};

  constructor(client, log, failure, handler) {
    this.#client = client;
    this.#log = log;
    this.#failure = failure;
    this.#handler = handler;
  }

  start() {
    process.on('beforeExit', () => this.#onEmptyEventLoop());
    this.#scheduleNext();
  }

  #scheduleNext() {
    // Through the event loop, so that what the last invocation left there gets its turn.
    setImmediate(() => {
      this.#handleOne().catch((error) => {
        console.log(`Unexpected Top Level Error: ${error}`);
        this.#failure.report(error).finally(() => process.exit(129));
      });
    });
  }

  async #handleOne() {
    const { headers, body } = await this.#client.next();
    const id = headers['lambda-runtime-aws-request-id'];
    this.#log.setInvocation(id, headers['lambda-runtime-aws-tenant-id']);
    this.#failure.report = (error) => this.#client.postError(id, error);

    const { callback, context } = this.#makeOutcomes(id);
    this.#onEmptyEventLoop = () => this.#giveUpWaiting(id);
    try {
      const event = JSON.parse(body);
      setTraceId(headers);
      const result = this.#handler(event, Object.assign(context, contextData(headers)), callback);
      if (isPromise(result)) {
        result.then(context.succeed, context.fail).catch(context.fail);
      }
    } catch (error) {
      callback(error);
    }
  }

  // Nothing is left that could ever call back.
  #giveUpWaiting(id) {
    this.#onEmptyEventLoop = () => {};
    if (this.#handler.constructor?.name === 'AsyncFunction') {
      this.#fail(id, new NodeJsExit());
    } else {
      this.#succeed(id, null);
    }
  }

  #succeed(id, result) {
    this.#client.postResponse(id, toJson(result)).then(() => this.#scheduleNext());
  }

  #fail(id, error) {
    this.#log.error('Invoke Error', error);
    this.#client.postError(id, error).then(() => this.#scheduleNext());
  }

  #makeOutcomes(id) {
    let waitForEmptyEventLoop = true;
    let finished = false;
    // Marked after the call: what throws, such as a result that JSON cannot hold, leaves the way to fail().
    const once = (act) => (...args) => {
      if (finished) return;
      act(...args);
      finished = true;
    };

    const done = (error, result) => {
      this.#onEmptyEventLoop = () => {};
      if (error !== undefined && error !== null) {
        this.#fail(id, error);
      } else {
        this.#succeed(id, result);
      }
    };
    const callback = (error, result) => {
      if (!waitForEmptyEventLoop || (error !== undefined && error !== null)) {
        done(error, result);
      } else {
        this.#onEmptyEventLoop = () => setImmediate(() => done(null, result));
      }
    };
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waitForEmptyEventLoop;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waitForEmptyEventLoop = value;
      },
      succeed: once((result) => done(null, result)),
      fail: once((error) => done(error ?? 'handled')),
      done: once(done),
    };
    return { callback: once(callback), context };
  }
}

module.exports = { CallbackLoop };
