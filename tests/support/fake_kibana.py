"""Provide a fake Kibana, which answers with recorded responses and fails on request."""

import json
import re
import ssl
import threading
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RECORDED = Path(__file__).with_name("kibana_responses")
_SPACE = re.compile(r"^/s/([a-z0-9_-]+)(/.*)$")


def recorded(name):
    """Return a response that a real Kibana gave."""
    return json.loads((RECORDED / f"{name}.json").read_text())


class FakeKibana:
    """A Kibana with saved objects, connectors and rules in memory.

    ``fault`` is called with the method and the path below the space. What it returns is sent
    instead: (status, JSON or text) or (status, JSON or text, headers); None lets the request
    through.
    """

    def __init__(self, certificate=None, key=None):
        self._certificate = certificate, key
        self.spaces = {"default"}
        self.saved = {}  # by type and identifier, which is unique over all spaces
        self.rules = {}  # connectors and rules, by space and path
        self.requests = []
        self.fault = lambda _method, _path: None
        self.status = recorded("status")
        self.types = recorded("rule_types")

    def __enter__(self):
        fake_kibana = self

        class Handler(_Handler):
            kibana = fake_kibana

        self._server = _Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if self._certificate[0] is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def changing_requests(self):
        """Return method and path of the requests that can change something."""
        reading = ("_bulk_get", "_export")
        return [
            (method, path)
            for method, path, *_ in self.requests
            if method != "GET" and not path.endswith(reading)
        ]

    def respond(self, method, path, space, body):
        """Return status and JSON, or NDJSON as text."""
        name = path.partition("?")[0]
        if name == "/api/status":
            return 200, self.status
        if name.startswith("/api/spaces/space"):
            return self._space(method, name, body)
        if name == "/api/alerting/_health":
            return 200, recorded("health")
        if name == "/api/alerting/rule_types":
            return 200, self.types
        if name.startswith("/api/saved_objects/"):
            return self._objects(method, name.removeprefix("/api/saved_objects/"), space, body)
        if name.startswith(("/api/alerting/rule/", "/api/actions/connector/")):
            return self._rule(method, (space, name), body)
        return 404, recorded("not_found")

    def _space(self, method, name, body):
        if method == "POST":
            self.spaces.add(body["id"])
            return 200, body
        space = name.rpartition("/")[2]
        if space not in self.spaces:
            return 404, recorded("not_found")
        return 200, {"id": space, "name": space}

    def _rule(self, method, key, body):
        space, name = key
        if name.endswith("/_disable"):
            self.rules[space, name.removesuffix("/_disable")]["enabled"] = False
            return 204, None
        if method == "POST":
            assert key not in self.rules
            self.rules[key] = {"enabled": True, "revision": 0, **body}
            return 200, self.rules[key]
        if key not in self.rules:
            return 404, recorded("not_found")
        if method == "PUT":
            self.rules[key] |= {**body, "revision": self.rules[key]["revision"] + 1}
        if method == "DELETE":
            del self.rules[key]
            return 204, None
        return 200, self.rules[key]

    def _objects(self, method, name, space, body):
        if name == "_bulk_get":
            return 200, {"saved_objects": [self._get(item, space) for item in body]}
        if name == "_import":
            return 200, self._import(body, space)
        if name == "_export":
            return 200, self._export(body, space)
        key = tuple(name.split("/"))
        assert method == "DELETE"
        if not self._is_in(space, key):
            return 404, recorded("not_found")
        del self.saved[key]
        return 200, {}

    def _is_in(self, space, key):
        return self.saved.get(key, {}).get("space") == space

    def _get(self, item, space):
        if self._is_in(space, _key(item)):
            return self.saved[_key(item)]["object"]
        return {**recorded("absent_object"), **item}

    def _import(self, body, space):
        sent = {_key(item) for item in body}
        errors = [error for item in body if (error := self._missing(item, sent, space))]
        failed = {_key(error) for error in errors}
        results = []
        for item in body:
            key = _key(item)
            if key in failed:
                continue
            result = {"type": item["type"], "id": item["id"], "overwrite": True}
            if key in self.saved and self.saved[key]["space"] != space:
                result["destinationId"] = "another"
            else:
                self.saved[key] = {"space": space, "object": item}
            results.append(result)
        response = {"successCount": len(results), "success": not errors, "warnings": []}
        return (
            response
            | ({"successResults": results} if results else {})
            | ({"errors": errors} if errors else {})
        )

    def _missing(self, item, sent, space):
        """Return the error of an object that refers to missing data views."""
        missing = [
            {"type": entry["type"], "id": entry["id"]}
            for entry in item["references"]
            if entry["type"] == "index-pattern"
            and _key(entry) not in sent
            and not self._is_in(space, _key(entry))
        ]
        if not missing:
            return None
        error = {"type": "missing_references", "references": missing}
        title = item["attributes"].get("title")
        return {"id": item["id"], "type": item["type"], "meta": {"title": title}, "error": error}

    def _export(self, selection, space):
        ((tag),) = selection["hasReference"]
        exported = [
            entry["object"]
            for entry in self.saved.values()
            if entry["space"] == space
            and entry["object"]["type"] in selection["type"]
            and _key(tag) in map(_key, entry["object"]["references"])
        ]
        if selection["includeReferencesDeep"] and exported:
            exported.append(self.saved[_key(tag)]["object"])
        return "\n".join(json.dumps(item) for item in exported)


def _key(item):
    return item["type"], item["id"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Print nothing about clients that do not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a response is one packet: several would each wait 40 ms for the other side
    kibana = None

    def log_message(self, *_):
        """Print nothing."""

    def _handle(self):
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        match = _SPACE.match(self.path)
        space, path = match.groups() if match else ("default", self.path)
        kibana = self.kibana
        kibana.requests.append((self.command, path, space, dict(self.headers.items())))
        response = kibana.fault(self.command, path.partition("?")[0])
        if response is None:
            response = kibana.respond(self.command, path, space, self._parsed(data))
        status, content, *more = response
        if content is None:
            body = b""
        else:
            body = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        headers = {"kbn-name": "kibana", **(more[0] if more else {})}
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base's names

    def _parsed(self, data):
        kind = self.headers.get("content-type", "")
        if not kind.startswith("multipart/"):
            return json.loads(data) if data else None
        message = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + data)
        (file,) = message.get_payload()
        return [json.loads(line) for line in file.get_payload(decode=True).splitlines() if line]
