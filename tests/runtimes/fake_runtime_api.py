"""The Runtime API as a runtime sees it, for the tests: hands out given events and keeps what comes back."""

import http.server
import json
import threading
import time


class Request:
    def __init__(self, path, headers, body, connection):
        self.path = path
        self.headers = headers
        self.body = body
        self.connection = connection  # the client's port: equal ports mean one connection

    @property
    def json(self):
        return json.loads(self.body)


class Event:
    def __init__(self, body=b"{}", chunked=False, close=False, status=202, **headers):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.chunked = chunked
        self.close = close  # the connection is closed after the answer to this event's result
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class FakeRuntimeApi:
    """`answers` holds the POSTs in order; `idle` is set when the runtime waits and no event is left."""

    def __init__(self, events):
        self.events = [event if isinstance(event, Event) else Event(event) for event in events]
        self.answers = []
        self.next_connections = []
        self.idle = threading.Event()
        self._handed_out = 0
        self._lock = threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_GET(self):
                api._next(self)

            def do_POST(self):
                api._answer(self)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the runtime was killed while it waited

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def request_id(self, index):
        return "00000000-0000-4000-8000-%012d" % index

    def _next(self, handler):
        self.next_connections.append(handler.client_address[1])
        with self._lock:
            index = self._handed_out
            self._handed_out += 1
        if index >= len(self.events):
            self.idle.set()
            time.sleep(600)  # as the platform: no answer until there is an event
            return
        event = self.events[index]
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id(index),
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 30000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:test",
        }
        headers.update(event.headers)
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name, value)
        if event.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for start in range(0, len(event.body), 7):
                chunk = event.body[start : start + 7]
                handler.wfile.write(b"%x;extension=1\r\n%s\r\n" % (len(chunk), chunk))
                handler.wfile.flush()
            handler.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
        else:
            handler.send_header("Content-Length", str(len(event.body)))
            handler.end_headers()
            handler.wfile.write(event.body)

    def _answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.answers.append(Request(handler.path, handler.headers, body, handler.client_address[1]))
        index = min(len(self.answers), len(self.events)) - 1
        event = self.events[index] if self.events else Event()
        answer = b'{"status":"OK"}\n' if event.status == 202 else b'{"errorMessage":"no","errorType":"No"}\n'
        handler.send_response(event.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        if event.close:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        handler.wfile.write(answer)
