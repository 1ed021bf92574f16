// The Runtime API, over a small HTTP/1.1 client on `net`: loading `http` takes longer.
'use strict';

const net = require('net');
const { toErrorBody, toXRayCause } = require('./errors.cjs');

const API = '/2018-06-01/runtime/';
const LARGEST_XRAY_HEADER = 1024 * 1024;

// Reads one response; `push` returns it once it is complete.
class ResponseParser {
  #pending = Buffer.alloc(0);
  #head = null;
  #parts = [];
  #missing = 0; // bytes of the body, or of the current chunk with its line end
  #chunked = false;

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

class RuntimeClient {
  #host;
  #port;
  #idle = null;
  #stopped = false;

  constructor(address) {
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon);
    this.#port = Number(address.slice(colon + 1));
  }

  // The request under way is the last one: a dying runtime asks for nothing and answers nothing any more,
  // whatever its function still does.
  stop() {
    this.#stopped = true;
  }

  async next() {
    const response = await this.#request('GET', 'invocation/next');
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
    const response = await this.#request('POST', path, body, headers);
    if (response.status !== 202) {
      // The platform has decided on the invocation (a response past 6 MB, say); life goes on.
      process.stderr.write(
        `[ERROR] LAMBDA_RUNTIME Failed to post ${what} response. ` +
          `Http response code: ${response.status}. ${response.body.trim()}\n`,
      );
    }
  }

  async #request(method, path, body, headers = {}) {
    if (this.#stopped) return new Promise(() => {});
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
    const message = lines.join('\r\n') + '\r\n\r\n' + (body ?? '');

    const idle = this.#idle;
    this.#idle = null;
    if (idle) {
      // An idle connection may have been closed meanwhile: that alone is worth a second try.
      try {
        return await this.#exchange(idle, message);
      } catch (error) {
        if (!['ECONNRESET', 'EPIPE'].includes(error.code)) throw error;
      }
    }
    const socket = net.connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.setNoDelay(true); // the option above is younger than Node.js 16.17
    return this.#exchange(socket, message);
  }

  #exchange(socket, message) {
    return new Promise((resolve, reject) => {
      const parser = new ResponseParser();
      const settle = () => {
        socket.removeAllListeners();
        // An error of an idle socket shows again when it is used; it is no reason to die.
        socket.on('error', () => {});
        // Only a request under way keeps the event loop alive; what is left is the function's.
        socket.unref();
      };
      socket.on('data', (data) => {
        const response = parser.push(data);
        if (!response) return;
        settle();
        if (response.headers.connection?.toLowerCase() === 'close') {
          socket.destroy();
        } else {
          this.#idle = socket;
        }
        resolve(response);
      });
      const fail = (error) => {
        settle();
        socket.destroy();
        reject(error);
      };
      socket.on('error', fail);
      socket.on('close', () => {
        fail(Object.assign(new Error('the Runtime API closed the connection'), { code: 'ECONNRESET' }));
      });
      socket.ref();
      if (socket.destroyed) {
        fail(Object.assign(new Error('the connection is closed'), { code: 'EPIPE' }));
      } else {
        socket.write(message);
      }
    });
  }
}

module.exports = { RuntimeClient };
