"""HTTP/1.1 client for one server on one keep-alive connection.

Built on _socket, the C module: importing `socket` or `http.client` would cost a cold start more than
everything else in this folder together.
"""

import _socket


class ConnectionClosed(Exception):
    """The server closed the connection before it answered."""


class Connection:
    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._endpoint = (host, int(port))
        self._host_header = b"Host: " + address.encode() + b"\r\n"
        self._socket = None
        self._received = bytearray()

    def request(self, method, path, headers=b"", body=b""):
        """Returns (status, headers with lower-case names, body). `headers` is whole CRLF-ended lines."""
        head = b"".join(
            (
                b"%s %s HTTP/1.1\r\n" % (method.encode(), path.encode()),
                self._host_header,
                headers,
                b"" if method == "GET" else b"Content-Length: %d\r\n" % len(body),
                b"\r\n",
            )
        )
        if self._socket is not None:
            # An idle connection may have been closed meanwhile: that alone is worth a second try.
            try:
                return self._exchange(head, body)
            except (ConnectionClosed, BrokenPipeError, ConnectionResetError):
                self._close()
        self._connect()
        return self._exchange(head, body)

    def _connect(self):
        self._received.clear()
        self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._socket.connect(self._endpoint)
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)

    def _close(self):
        self._socket.close()
        self._socket = None

    def _exchange(self, head, body):
        if len(body) <= 65536:
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)

        status_line, *lines = self._read_until(b"\r\n\r\n").decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()

        if headers.get("transfer-encoding", "").lower() == "chunked":
            payload = self._read_chunks()
        else:
            payload = self._read_exactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self._close()
        return int(status_line.split(" ", 2)[1]), headers, payload

    def _read_chunks(self):
        payload = bytearray()
        while True:
            size = int(self._read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self._read_until(b"\r\n"):
                    pass  # trailers
                return payload
            payload += self._read_exactly(size)
            self._read_exactly(2)

    def _read_until(self, separator):
        """Returns what precedes the separator and drops both from the buffer."""
        while True:
            end = self._received.find(separator)
            if end >= 0:
                found = self._received[:end]
                del self._received[: end + len(separator)]
                return found
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionClosed("the Runtime API closed the connection")
            self._received += data

    def _read_exactly(self, size):
        """Receives straight into place: events reach 6 MB."""
        ready = self._received[:size]
        del self._received[:size]
        filled = len(ready)
        if filled == size:
            return ready
        ready.extend(bytes(size - filled))
        with memoryview(ready) as view:
            while filled < size:
                count = self._socket.recv_into(view[filled:])
                if count == 0:
                    raise ConnectionClosed("the Runtime API closed the connection")
                filled += count
        return ready
