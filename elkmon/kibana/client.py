"""Send requests to one space of Kibana, and turn what it refuses into error messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from threading import Event
from time import monotonic
from typing import Any

import orjson
from elastic_transport import HttpHeaders, TlsError, TransportError, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse
from elastic_transport.client_utils import basic_auth_to_header

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ConfigError, ProvisionError
from elkmon.kibana.response_errors import RefusedError, not_kibana, not_ready, refusal
from elkmon.stores.elastic.connect import UNKNOWN, connect, problem

__all__ = ["DEFAULT", "Kibana"]

DEFAULT = "default"
"""The space that every Kibana has."""
_SUCCESS, _REDIRECTS, _NOT_FOUND = range(200, 300), range(300, 400), 404
_STARTING = {502, 503, 504}
"""Statuses of Kibana, or of a proxy in front of it, while Kibana starts."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_BOUNDARY = "elkmon-saved-objects-f1c0b7d2"
"""Ends the file in a multipart request: no line of JSON can begin with it."""

Body = Mapping[str, Any]


class _WaitError(ProvisionError):
    """Kibana is not ready yet."""


class Kibana:
    """Client of one space of Kibana.

    Args:
        url: address such as ``https://kibana:5601``, including the base path.
        access: credentials, certificates and timeout.
        space: identifier of the space.

    Raises:
        ConfigError: the address cannot be used, or contains a password.
    """

    def __init__(self, url: str, access: Access, space: str = DEFAULT) -> None:
        try:
            config = connect(url, access).transport.node_pool.get().config
        except ConfigError as error:
            raise ConfigError(str(error).replace("es:9200", "kibana:5601")) from error
        self.url = url
        self.space = space
        self._node = Urllib3HttpNode(config.replace(http_compress=False))  # Kibana reads no gzip
        self._timeout = access.timeout
        self._headers = HttpHeaders({"kbn-xsrf": "elkmon", "accept": "application/json"})
        if access.api_key is not None:
            self._headers["authorization"] = f"ApiKey {access.api_key}"
        elif access.username is not None and access.password is not None:
            credentials = (access.username, access.password)
            self._headers["authorization"] = basic_auth_to_header(credentials)

    def in_space(self, space: str) -> Kibana:
        """Return a client of another space that shares the connections."""
        other = copy(self)
        other.space = space
        return other

    def close(self) -> None:
        """Close the connections."""
        self._node.close()

    def wait(
        self, report: Callable[[str, float], None], stop: Event, patience: float
    ) -> str | None:
        """Wait until Kibana is ready; return its version, or None if the wait was stopped.

        Args:
            report: called with the reason for waiting and the seconds waited so far.
            stop: ends the wait when it is set.
            patience: longest time to wait, in seconds.

        Raises:
            ProvisionError: it is not ready in time, is not Kibana, or refuses the credentials.
        """
        start, pause = monotonic(), _FIRST_PAUSE
        while True:
            try:
                return self._version()
            except _WaitError as error:
                waited = monotonic() - start
                if waited + pause > patience:
                    raise ProvisionError(f"{error}; waited for {waited:.0f} seconds") from error
                report(str(error), waited)
            if stop.wait(pause):
                return None
            pause = min(pause * 2, _LONGEST_PAUSE)

    def get(self, path: str, doing: str) -> Any | None:  # noqa: ANN401 - any JSON
        """Return the JSON at a path of the space, or None if there is nothing.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        try:
            return self.request("GET", path, None, doing)
        except RefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def request(self, method: str, path: str, body: object, doing: str) -> Any:  # noqa: ANN401 - any JSON
        """Send JSON to a path of the space, and return the JSON of the response.

        Args:
            method: HTTP method.
            path: path within the space, such as ``/api/alerting/_health``.
            body: JSON to send; None for nothing.
            doing: what is tried, such as ``create a rule``; for messages.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        data = None if body is None else orjson.dumps(body)
        response = self._send(method, self._full_path(path), data, "application/json", doing)
        return self._json(response.body or b"null", doing)

    def upload(self, objects: Sequence[Body]) -> Body:
        """Import saved objects, replacing existing ones; return the import's result.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses all of them.
        """
        lines = b"".join(orjson.dumps(item) + b"\n" for item in objects)
        head = (
            f"--{_BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="file"; filename="elkmon.ndjson"\r\n'
            "Content-Type: application/ndjson\r\n\r\n"
        )
        data = head.encode() + lines + f"\r\n--{_BOUNDARY}--\r\n".encode()
        path = self._full_path("/api/saved_objects/_import?overwrite=true")
        content_type = f"multipart/form-data; boundary={_BOUNDARY}"
        doing = "import saved objects"
        response = self._send("POST", path, data, content_type, doing)
        return self._json(response.body, doing)  # type: ignore[no-any-return]  # JSON

    def download(self, selection: Body) -> list[dict[str, Any]]:
        """Export saved objects.

        Args:
            selection: which objects, in the form of Kibana's export API.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        data = orjson.dumps({**selection, "excludeExportDetails": True})
        path = self._full_path("/api/saved_objects/_export")
        doing = "export saved objects"
        response = self._send("POST", path, data, "application/json", doing)
        return [self._json(line, doing) for line in response.body.splitlines()]

    def _full_path(self, path: str) -> str:
        if self.space == DEFAULT or path.startswith("/api/spaces/"):
            return path
        return f"/s/{self.space}{path}"

    def _version(self) -> str:
        doing = "read its status"
        try:
            response = self._perform("GET", "/api/status", None, {})
        except TransportError as error:
            message = problem(error, self.url, doing)
            if isinstance(error, TlsError):
                raise ProvisionError(message) from error
            raise _WaitError(message) from error
        status = response.meta.status
        if status in _STARTING:
            raise _WaitError(f"{self.url}: Kibana is not ready: {not_ready(response)}")
        if "kbn-name" not in response.meta.headers or status in _REDIRECTS:
            raise ProvisionError(f"{self.url} is not Kibana{not_kibana(response)}")
        self._check(response, doing)
        version = self._json(response.body, doing).get("version")
        if version is None:  # Kibana tells its version to known users only
            raise ProvisionError(f"{self.url}: cannot {doing}: {UNKNOWN}")
        return str(version["number"])

    def _send(
        self, method: str, path: str, data: bytes | None, content_type: str, doing: str
    ) -> NodeApiResponse:
        headers = {} if data is None else {"content-type": content_type}
        try:
            response = self._perform(method, path, data, headers)
        except TransportError as error:
            raise ProvisionError(problem(error, self.url, doing)) from error
        self._check(response, doing)
        return response

    def _perform(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> NodeApiResponse:
        all_headers = self._headers.copy()
        all_headers.update(headers)
        return self._node.perform_request(
            method, path, data, all_headers, request_timeout=self._timeout
        )

    def _json(self, data: bytes, doing: str) -> Any:  # noqa: ANN401 - any JSON
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ProvisionError(
                f"{self.url}: cannot {doing}: the response is not JSON; is a proxy in between?"
            ) from error

    def _check(self, response: NodeApiResponse, doing: str) -> None:
        if response.meta.status not in _SUCCESS:
            raise refusal(response, f"{self.url}: cannot {doing}")
