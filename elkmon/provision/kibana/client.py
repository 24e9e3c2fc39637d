"""Speak HTTP with Kibana: wait until it is ready, ask, and say in words what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from threading import Event
from time import monotonic
from typing import Any

import orjson
from elastic_transport import (
    HttpHeaders,
    TlsError,
    TransportError,
    Urllib3HttpNode,
)
from elastic_transport._node import NodeApiResponse
from elastic_transport.client_utils import basic_auth_to_header

from elkmon.events.access import Access
from elkmon.events.errors import ConfigError, ProvisionError
from elkmon.store.elastic.connect import connect, problem

__all__ = ["DEFAULT", "Kibana", "RefusedError"]

DEFAULT = "default"
"""The space that every Kibana has."""
_OK, _NOT_FOUND, _TOO_LARGE, _UNAVAILABLE = 200, 404, 413, 503
_REDIRECTS = range(301, 309)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_BOUNDARY = "elkmon-saved-objects-f1c0b7d2"
"""Ends the file in a request: no line of JSON can begin with it."""

Body = Mapping[str, Any]


class RefusedError(ProvisionError):
    """Say what Kibana refused, with its HTTP status and its own words."""

    def __init__(self, said: str, status: int, told: str) -> None:
        super().__init__(said)
        self.status = status
        self.told = told


class _WaitError(ProvisionError):
    """Say why Kibana cannot be asked yet."""


class Kibana:
    """Ask one space of a Kibana.

    Args:
        url: such as ``https://kibana:5601``, its base path included.
        access: credentials, certificates and patience.
        space: identifier of the space.

    Raises:
        ConfigError: the address cannot be used, or holds a password.
    """

    def __init__(self, url: str, access: Access, space: str = DEFAULT) -> None:
        try:
            config = connect(url, access).transport.node_pool.get().config
        except ConfigError as error:
            raise ConfigError(str(error).replace("es:9200", "kibana:5601")) from error
        self.url = url
        self.space = space
        self._node = Urllib3HttpNode(config.replace(http_compress=False))  # it reads no gzip
        self._timeout = access.timeout
        self._headers = HttpHeaders({"kbn-xsrf": "elkmon", "accept": "application/json"})
        if access.api_key is not None:
            self._headers["authorization"] = f"ApiKey {access.api_key}"
        elif access.username is not None and access.password is not None:
            both = (access.username, access.password)
            self._headers["authorization"] = basic_auth_to_header(both)

    def at(self, space: str) -> Kibana:
        """Give another space, over the same connections."""
        other = copy(self)
        other.space = space
        return other

    def close(self) -> None:
        """Close the connections."""
        self._node.close()

    def wait(self, tell: Callable[[str, float], None], stop: Event, patience: float) -> str | None:
        """Wait until Kibana is ready, and give its version; None where waiting was stopped.

        Args:
            tell: takes why it has to be waited for, and since how many seconds.
            stop: ends the waiting when it is set.
            patience: how long to wait at most, in seconds.

        Raises:
            ProvisionError: it is not ready in time, is no Kibana, or does not take the credentials.
        """
        began, pause = monotonic(), _FIRST_PAUSE
        while True:
            try:
                return self._version()
            except _WaitError as error:
                waited = monotonic() - began
                if waited + pause > patience:
                    raise ProvisionError(f"{error}; waited for {waited:.0f} seconds") from error
                tell(str(error), waited)
            if stop.wait(pause):
                return None
            pause = min(pause * 2, _LONGEST_PAUSE)

    def get(self, path: str, doing: str) -> Any | None:  # noqa: ANN401 - any JSON
        """Ask for what has an address in the space; None where there is nothing.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        try:
            return self.ask("GET", path, None, doing)
        except RefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def ask(self, method: str, path: str, body: object, doing: str) -> Any:  # noqa: ANN401 - any JSON
        """Send JSON to an address in the space, and give the JSON that comes back.

        Args:
            method: of HTTP.
            path: below the space, such as ``/api/alerting/_health``.
            body: to be sent; None for nothing.
            doing: what is tried, such as ``make a rule``; for messages.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        data = None if body is None else orjson.dumps(body)
        answer = self._answer(method, self._below(path), data, "application/json", doing)
        return orjson.loads(answer.body or b"null")

    def upload(self, objects: Sequence[Body]) -> Body:
        """Import saved objects over what is there; give Kibana's account of it.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses all of them.
        """
        lines = b"".join(orjson.dumps(each) + b"\n" for each in objects)
        head = (
            f"--{_BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="file"; filename="elkmon.ndjson"\r\n'
            "Content-Type: application/ndjson\r\n\r\n"
        )
        data = head.encode() + lines + f"\r\n--{_BOUNDARY}--\r\n".encode()
        path = self._below("/api/saved_objects/_import?overwrite=true")
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        answer = self._answer("POST", path, data, kind, "import saved objects")
        return orjson.loads(answer.body)  # type: ignore[no-any-return]  # JSON

    def download(self, asked: Body) -> list[dict[str, Any]]:
        """Export saved objects.

        Args:
            asked: which, as Kibana's export takes it.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        data = orjson.dumps({**asked, "excludeExportDetails": True})
        path = self._below("/api/saved_objects/_export")
        answer = self._answer("POST", path, data, "application/json", "export saved objects")
        return [orjson.loads(line) for line in answer.body.splitlines()]

    def _below(self, path: str) -> str:
        if self.space == DEFAULT or path.startswith("/api/spaces/"):
            return path
        return f"/s/{self.space}{path}"

    def _version(self) -> str:
        doing = "be asked whether it is ready"
        try:
            answer = self._request("GET", "/api/status", None, {})
        except TransportError as error:
            said = problem(error, self.url, doing)
            if isinstance(error, TlsError):
                raise ProvisionError(said) from error
            raise _WaitError(said) from error
        body, status = _json(answer.body), answer.meta.status
        if status == _UNAVAILABLE:
            raise _WaitError(f"{self.url}: Kibana is not ready: {_unready(body, answer.body)}")
        if "kbn-name" not in answer.meta.headers or status in _REDIRECTS:
            raise ProvisionError(f"{self.url} is no Kibana{_other(answer)}")
        self._check(answer, doing)
        version = body.get("version")
        if not isinstance(version, Mapping):  # all that it tells whom it does not know
            raise ProvisionError(f"{self.url}: cannot {doing}: {_UNKNOWN}")
        return str(version["number"])

    def _answer(
        self, method: str, path: str, data: bytes | None, kind: str, doing: str
    ) -> NodeApiResponse:
        headers = {} if data is None else {"content-type": kind}
        try:
            answer = self._request(method, path, data, headers)
        except TransportError as error:
            raise ProvisionError(problem(error, self.url, doing)) from error
        self._check(answer, doing)
        return answer

    def _request(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> NodeApiResponse:
        all_headers = self._headers.copy()
        all_headers.update(headers)
        return self._node.perform_request(
            method, path, data, all_headers, request_timeout=self._timeout
        )

    def _check(self, answer: NodeApiResponse, doing: str) -> None:
        status = answer.meta.status
        if _OK <= status < _REDIRECTS.start:
            return
        told = _told(answer.body)
        said = f"{self.url}: cannot {doing}: {_ADVICE.get(status, _ANSWERS)}"
        raise RefusedError(said.format(status=status, told=told), status, told)


_ANSWERS = "it answers {status}: {told}"
_UNKNOWN = (
    "it asks for credentials, or does not take these: set ELKMON_API_KEY, or ELKMON_USERNAME and "
    "ELKMON_PASSWORD"
)
_ADVICE: Mapping[int, str] = {
    401: _UNKNOWN,
    403: "these credentials may not ({told}): they need all privileges for Dashboard, Discover, "
    "Saved Objects and Tag Management, Stack Rules, Logs, Actions and Connectors in this space",
    409: "someone else is changing it at the same time ({told}): try again",
    _TOO_LARGE: "it takes no request of this size ({told}): raise "
    "savedObjects.maxImportPayloadBytes in kibana.yml, or the limit of the proxy in between",
    429: "it is too busy ({told}): try again later",
    _UNAVAILABLE: "it is not ready ({told}): try again later",
}


def _json(data: bytes) -> Body:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _told(data: bytes) -> str:
    """Give Kibana's own words for what went wrong."""
    body = _json(data)
    return str(body.get("message") or body.get("error") or data[:200].decode("utf-8", "replace"))


def _unready(body: Body, data: bytes) -> str:
    overall = body.get("status", {}).get("overall") if "status" in body else None
    if overall is None:
        return _told(data)
    return str(overall.get("summary") or "it starts, or waits for its Elasticsearch")


def _other(answer: NodeApiResponse) -> str:
    """Say what answers instead of Kibana."""
    headers = answer.meta.headers
    if headers.get("x-elastic-product") == "Elasticsearch":
        return ": it is Elasticsearch; Kibana's own port is mostly 5601"
    if "location" in headers:
        return f": it sends to {headers['location']}; give the address with its whole path"
    return f": it answers {answer.meta.status}; is it a proxy, or does a base path lack?"
