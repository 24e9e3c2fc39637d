"""Provide a proxy in front of a server that makes bulk requests fail on request."""

import gzip
import http.client
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Request:
    """A bulk request that arrived: its lines, and the status of the response."""

    number: int
    lines: list
    size: int
    compressed: bool
    authorization: str | None = None
    status: int | None = None


@dataclass
class Proxy:
    """A proxy in front of a server.

    ``fault`` is called with each bulk request and decides what happens to it:

    - None: it is forwarded.
    - a number, or (number, body): the response has this status, and nothing is forwarded.
    - "drop": the connection is reset before anything is forwarded.
    - "cut": it is forwarded, and the connection is reset in the middle of the response.
    - "lose": it is forwarded, and the connection is reset before the response.
    - "swallow": the response says that all were created, and nothing is forwarded.
    """

    target: str
    fault: object = lambda _request: None
    requests: list = field(default_factory=list)
    port: int = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Listen, after a stop on the same port."""
        bulk_proxy = self

        class Handler(_Handler):
            proxy = bulk_proxy

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self):
        """Refuse new connections and end existing ones."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def bulks(self):
        """Return the requests that were forwarded."""
        return [request for request in self.requests if request.status == 200]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Print nothing about connections that end."""

    def process_request(self, request, client_address):
        self._open = {*getattr(self, "_open", ()), request}
        super().process_request(request, client_address)

    def server_close(self):
        super().server_close()
        for connection in getattr(self, "_open", ()):
            reset(connection)


def reset(connection):
    """End a connection with RST."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()
    except OSError:
        pass  # it has ended already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def log_message(self, *_):
        """Print nothing."""

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = None
        fault = None
        if self.path.split("?")[0] in {"/_bulk", "/"}:
            request = self._record(body)
            fault = self.proxy.fault(request)
        if isinstance(fault, (int, tuple)):
            status, content = fault if isinstance(fault, tuple) else (fault, {"error": "a fault"})
            self._respond(request, status, [("content-type", "application/json")], content)
        elif fault == "drop":
            reset(self.connection)
            self.close_connection = True
        elif fault == "swallow":
            items = [{"create": {"status": 201}}] * (len(request.lines) // 2)
            headers = [("content-type", "application/json"), ("x-elastic-product", "Elasticsearch")]
            self._respond(request, 200, headers, {"errors": False, "items": items})
        else:
            self._forward(body, request, fault)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _handle  # noqa: N815 - the base's names

    def _record(self, body):
        compressed = self.headers.get("content-encoding") == "gzip"
        plain = gzip.decompress(body) if compressed else body
        request = Request(
            len(self.proxy.requests) + 1,
            plain.removesuffix(b"\n").split(b"\n"),
            len(plain),
            compressed,
            self.headers.get("authorization"),
        )
        self.proxy.requests.append(request)
        return request

    def _forward(self, body, request, fault):
        target = urlsplit(self.proxy.target)
        upstream = http.client.HTTPConnection(target.hostname, target.port, timeout=120)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
            upstream.request(self.command, self.path, body or None, headers)
            response = upstream.getresponse()
            data = response.read()
        except OSError:
            reset(self.connection)
            self.close_connection = True
            return
        finally:
            upstream.close()
        if fault in {"cut", "lose"}:
            if fault == "cut":
                self._send(response.status, response.getheaders(), data, data[: len(data) // 2])
            reset(self.connection)
            self.close_connection = True
            return
        if request is not None:
            request.status = response.status
        self._send(response.status, response.getheaders(), data, data)

    def _respond(self, request, status, headers, content):
        request.status = status if status != 200 else None
        data = json.dumps(content).encode()
        self._send(status, headers, data, data)

    def _send(self, status, headers, body, part):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(part)
        self.wfile.flush()
