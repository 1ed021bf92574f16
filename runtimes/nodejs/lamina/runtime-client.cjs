// The Runtime API, over a small HTTP/1.1 client on a blocking socket: loading `net` or `http` takes longer than
// all the rest of this runtime.
'use strict';

// Taken now, before a function may replace them.
const { closeSync, read, readSync, writeSync } = require('fs');
const { toErrorBody, toXRayCause } = require('./errors.cjs');

// As require() would load it, without the search that takes four times as long as the loading.
const addon = { exports: {} };
process.dlopen(addon, `${__dirname}/runtime-socket.node`);
const runtimeSocket = addon.exports;

const API = '/2018-06-01/runtime/';
const LARGEST_XRAY_HEADER = 1024 * 1024;
const SMALLEST_READ = 16 * 1024;
const LARGEST_READ = 1024 * 1024;

// Reads one response; `push` returns it once it is complete.
class ResponseParser {
  #pending = Buffer.alloc(0);
  #head = null;
  #parts = [];
  #missing = 0; // bytes of the body, or of the current chunk with its line end
  #chunked = false;

  // A buffer for the next read. Each is used once, so that its parts may be kept.
  room() {
    return Buffer.allocUnsafe(Math.min(Math.max(this.#missing, SMALLEST_READ), LARGEST_READ));
  }

  push(data) {
    if (this.#head && !this.#chunked) return this.#takeBody(data);
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    if (!this.#head) {
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end < 0) return null;
      this.#readHead(this.#pending.toString('utf8', 0, end));
      this.#pending = this.#pending.subarray(end + 4);
      if (!this.#chunked) return this.#takeBody(this.#pending);
    }
    return this.#takeChunks();
  }

  #readHead(text) {
    const [statusLine, ...lines] = text.split('\r\n');
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
    }
    this.#head = { status: Number(statusLine.split(' ')[1]), headers };
    this.#chunked = headers['transfer-encoding']?.toLowerCase() === 'chunked';
    this.#missing = Number(headers['content-length'] ?? 0);
  }

  #takeBody(data) {
    this.#parts.push(data);
    this.#missing -= data.length;
    return this.#missing > 0 ? null : this.#finish();
  }

  #takeChunks() {
    for (;;) {
      const lineEnd = this.#pending.indexOf('\r\n');
      if (lineEnd < 0) return null;
      const size = Number.parseInt(this.#pending.toString('latin1', 0, lineEnd), 16);
      if (size === 0) {
        const trailersEnd = this.#pending.indexOf('\r\n\r\n', lineEnd);
        return trailersEnd < 0 ? null : this.#finish();
      }
      const start = lineEnd + 2;
      if (this.#pending.length < start + size + 2) return null;
      this.#parts.push(this.#pending.subarray(start, start + size));
      this.#pending = this.#pending.subarray(start + size + 2);
    }
  }

  #finish() {
    return { ...this.#head, body: Buffer.concat(this.#parts).toString('utf8') };
  }
}

// Only `next` waits in a thread of Node.js' pool, as Lambda's own client does; a result is posted at once, by
// whoever has it.
class RuntimeClient {
  #host;
  #port;
  #idle = null;
  #waiting = null;
  #stopped = false;
  // When the runtime's own code began, on the monotonic clock in ns: told once, with the first request.
  #birth;

  constructor(address, startedAt) {
    this.#birth = { 'Lamina-Runtime-Started': startedAt };
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon);
    this.#port = Number(address.slice(colon + 1));
    // Node.js joins the threads of its pool when it exits, so none may be left waiting.
    process.on('exit', () => {
      if (this.#waiting !== null) runtimeSocket.shutdown(this.#waiting);
    });
  }

  // The request under way is the last one: a dying runtime asks for nothing and answers nothing any more,
  // whatever its function still does.
  stop() {
    this.#stopped = true;
  }

  async next() {
    if (this.#stopped) return new Promise(() => {});
    const message = this.#message('GET', 'invocation/next', undefined, this.#birth);
    this.#birth = {};
    const response = await this.#exchange(message, (socket) => this.#wait(socket));
    if (response.status !== 200) {
      throw new Error(`GET invocation/next was answered with status ${response.status}: ${response.body}`);
    }
    return response;
  }

  // `body` is JSON text already: what cannot be written is the caller's failure, at once.
  postResponse(id, body) {
    return this.#post(`invocation/${encodeURIComponent(id)}/response`, 'handler success', body, {});
  }

  postError(id, error) {
    const cause = toXRayCause(error);
    return this.#postError(`invocation/${encodeURIComponent(id)}/error`, 'handler error', error, {
      'Lambda-Runtime-Function-XRay-Error-Cause': cause.length < LARGEST_XRAY_HEADER ? cause : '',
    });
  }

  postInitError(error) {
    return this.#postError('init/error', 'init error', error, {});
  }

  #postError(path, what, error, headers) {
    const body = toErrorBody(error);
    return this.#post(path, what, JSON.stringify(body), {
      'Lambda-Runtime-Function-Error-Type': body.errorType,
      ...headers,
    });
  }

  async #post(path, what, body, headers) {
    if (this.#stopped) return new Promise(() => {});
    const response = await this.#exchange(this.#message('POST', path, body, headers), receive);
    if (response.status !== 202) {
      // The platform has decided on the invocation (a response past 6 MB, say); life goes on.
      process.stderr.write(
        `[ERROR] LAMBDA_RUNTIME Failed to post ${what} response. ` +
          `Http response code: ${response.status}. ${response.body.trim()}\n`,
      );
    }
  }

  #message(method, path, body, headers = {}) {
    const lines = [
      `${method} ${API}${path} HTTP/1.1`,
      `Host: ${this.#host}:${this.#port}`,
      `User-Agent: aws-lambda-nodejs/${process.version}-lamina`,
    ];
    if (body !== undefined) {
      lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
    }
    for (const [name, value] of Object.entries(headers)) {
      // Only what a header can carry; JSON keeps its meaning with \u escapes.
      const escape = (char) => '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0');
      if (value) lines.push(`${name}: ${String(value).replace(/[^\x20-\x7e]/g, escape)}`);
    }
    return Buffer.from(lines.join('\r\n') + '\r\n\r\n' + (body ?? ''));
  }

  async #exchange(message, receiveFrom) {
    if (this.#idle !== null) {
      // An idle connection may have been closed meanwhile: that alone is worth a second try.
      try {
        return await this.#exchangeOver(this.#takeIdle(), message, receiveFrom);
      } catch (error) {
        if (!['ECONNRESET', 'EPIPE'].includes(error.code)) throw error;
      }
    }
    return this.#exchangeOver(runtimeSocket.connect(this.#host, this.#port), message, receiveFrom);
  }

  #takeIdle() {
    const socket = this.#idle;
    this.#idle = null;
    return socket;
  }

  async #exchangeOver(socket, message, receiveFrom) {
    let keep = false;
    try {
      send(socket, message);
      const received = receiveFrom(socket);
      // Without a turn of the event loop where there is none to wait for: a dying runtime has no other.
      const response = received instanceof Promise ? await received : received;
      keep = response.headers.connection?.toLowerCase() !== 'close' && this.#idle === null;
      return response;
    } finally {
      if (keep) {
        this.#idle = socket;
      } else {
        closeSync(socket);
      }
    }
  }

  // The request under way keeps the event loop alive; what is left there is the function's.
  #wait(socket) {
    // The event of a cold start has been waiting: no thread is needed for it.
    if (runtimeSocket.readable(socket)) return receive(socket);
    const parser = new ResponseParser();
    this.#waiting = socket;
    return new Promise((resolve, reject) => {
      const readOn = () => {
        const room = parser.room();
        read(socket, room, 0, room.length, null, (error, count) => {
          if (error || count === 0) {
            this.#waiting = null;
            reject(error ?? closed());
            return;
          }
          const response = parser.push(room.subarray(0, count));
          if (!response) return readOn();
          this.#waiting = null;
          resolve(response);
        });
      };
      readOn();
    });
  }
}

function closed() {
  return Object.assign(new Error('the Runtime API closed the connection'), { code: 'ECONNRESET' });
}

function send(socket, message) {
  for (let sent = 0; sent < message.length; ) sent += writeSync(socket, message, sent);
}

function receive(socket) {
  const parser = new ResponseParser();
  for (;;) {
    const room = parser.room();
    const count = readSync(socket, room, 0, room.length, null);
    if (count === 0) throw closed();
    const response = parser.push(room.subarray(0, count));
    if (response) return response;
  }
}

module.exports = { RuntimeClient };
