"""What answers as Kibana does, from answers that a real one gave, and fails as it is told."""

import json
import re
import ssl
import threading
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GOLDEN = Path(__file__).with_name("kibana_answers")
_SPACE = re.compile(r"^/s/([a-z0-9_-]+)(/.*)$")


def golden(name):
    """Give an answer as it was recorded."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


class StandIn:
    """A Kibana of saved objects, connectors and rules, in memory.

    ``fault`` is called with method and path below the space; what it gives is answered instead:
    (status, JSON or text) or (status, JSON or text, headers); None lets the request through.
    """

    def __init__(self, certificate=None, key=None):
        self._certificate = certificate, key
        self.spaces = {"default"}
        self.saved = {}  # by type and identifier: it is never in two spaces
        self.made = {}  # connectors and rules, by path
        self.requests = []
        self.fault = lambda _method, _path: None
        self.status = golden("status")
        self.types = golden("rule_types")

    def __enter__(self):
        outer = self

        class Handler(_Handler):
            kibana = outer

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

    def changing(self):
        """Give the requests that were not made to look only."""
        looking = ("_bulk_get", "_export")
        return [
            (method, path)
            for method, path, *_ in self.requests
            if method != "GET" and not path.endswith(looking)
        ]

    def answer(self, method, path, space, body):
        """Give status and JSON, or NDJSON as text."""
        name = path.partition("?")[0]
        if name == "/api/status":
            return 200, self.status
        if name.startswith("/api/spaces/space"):
            return self._space(method, name, body)
        if name == "/api/alerting/_health":
            return 200, golden("health")
        if name == "/api/alerting/rule_types":
            return 200, self.types
        if name.startswith("/api/saved_objects/"):
            return self._objects(method, name.removeprefix("/api/saved_objects/"), space, body)
        if name.startswith(("/api/alerting/rule/", "/api/actions/connector/")):
            return self._one(method, (space, name), body)
        return 404, golden("not_found")

    def _space(self, method, name, body):
        if method == "POST":
            self.spaces.add(body["id"])
            return 200, body
        one = name.rpartition("/")[2]
        return (200, {"id": one, "name": one}) if one in self.spaces else (404, golden("not_found"))

    def _one(self, method, key, body):
        space, name = key
        if name.endswith("/_disable"):
            self.made[space, name.removesuffix("/_disable")]["enabled"] = False
            return 204, None
        if method == "POST":
            assert key not in self.made
            self.made[key] = {"enabled": True, "revision": 0, **body}
            return 200, self.made[key]
        if key not in self.made:
            return 404, golden("not_found")
        if method == "PUT":
            self.made[key] |= {**body, "revision": self.made[key]["revision"] + 1}
        if method == "DELETE":
            del self.made[key]
            return 204, None
        return 200, self.made[key]

    def _objects(self, method, name, space, body):
        if name == "_bulk_get":
            return 200, {"saved_objects": [self._found(each, space) for each in body]}
        if name == "_import":
            return 200, self._imported(body, space)
        if name == "_export":
            return 200, self._exported(body, space)
        key = tuple(name.split("/"))
        assert method == "DELETE"
        if self.saved.get(key, {}).get("space") != space:
            return 404, golden("not_found")
        del self.saved[key]
        return 200, {}

    def _found(self, asked, space):
        there = self.saved.get((asked["type"], asked["id"]))
        if there is None or there["space"] != space:
            return {**golden("absent_object"), **asked}
        return there["object"]

    def _imported(self, body, space):
        sent = {(each["type"], each["id"]) for each in body}
        errors = [each for each in (self._lacking(one, sent, space) for one in body) if each]
        bad = {(each["type"], each["id"]) for each in errors}
        results = []
        for each in body:
            if (each["type"], each["id"]) in bad:
                continue
            key = (each["type"], each["id"])
            taken = key in self.saved and self.saved[key]["space"] != space
            if not taken:
                self.saved[key] = {"space": space, "object": each}
            result = {"type": each["type"], "id": each["id"], "overwrite": True}
            results.append({**result, "destinationId": "another"} if taken else result)
        account = {"successCount": len(results), "success": not errors, "warnings": []}
        return (
            account
            | ({"successResults": results} if results else {})
            | ({"errors": errors} if errors else {})
        )

    def _lacking(self, one, sent, space):
        """Give the error of an object that refers to data views which are nowhere."""
        lost = [
            {"type": each["type"], "id": each["id"]}
            for each in one["references"]
            if each["type"] == "index-pattern"
            and (each["type"], each["id"]) not in sent
            and self.saved.get((each["type"], each["id"]), {}).get("space") != space
        ]
        if not lost:
            return None
        error = {"type": "missing_references", "references": lost}
        title = one["attributes"].get("title")
        return {"id": one["id"], "type": one["type"], "meta": {"title": title}, "error": error}

    def _exported(self, asked, space):
        ((tag),) = asked["hasReference"]
        found = [
            each["object"]
            for each in self.saved.values()
            if each["space"] == space
            and each["object"]["type"] in asked["type"]
            and any(
                r["type"] == "tag" and r["id"] == tag["id"] for r in each["object"]["references"]
            )
        ]
        if asked["includeReferencesDeep"] and found:
            found.append(self.saved["tag", tag["id"]]["object"])
        return "\n".join(json.dumps(each) for each in found)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing of whoever does not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet, or each waits for the other side's 40 ms
    kibana = None

    def log_message(self, *_):
        """Keep quiet."""

    def _handle(self):
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        found = _SPACE.match(self.path)
        space, path = found.groups() if found else ("default", self.path)
        kibana = self.kibana
        kibana.requests.append((self.command, path, space, dict(self.headers.items())))
        fault = kibana.fault(self.command, path.partition("?")[0])
        if fault is None:
            status, told, *more = kibana.answer(self.command, path, space, self._read(data))
        else:
            status, told, *more = fault
        body = (
            b"" if told is None else (told if isinstance(told, str) else json.dumps(told)).encode()
        )
        self.send_response(status)
        headers = {"kbn-name": "kibana", **(more[0] if more else {})}
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base's names

    def _read(self, data):
        kind = self.headers.get("content-type", "")
        if not kind.startswith("multipart/"):
            return json.loads(data) if data else None
        message = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + data)
        (file,) = message.get_payload()
        return [json.loads(line) for line in file.get_payload(decode=True).splitlines() if line]
