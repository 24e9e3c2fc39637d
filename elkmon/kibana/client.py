"""Speak HTTP with Kibana: wait until it is ready, ask, and say in words what it refuses."""

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
from elkmon.kibana.refusals import RefusedError, another, refusal, unready
from elkmon.stores.elastic.connect import UNKNOWN, connect, problem

__all__ = ["DEFAULT", "Kibana"]

DEFAULT = "default"
"""The space that every Kibana has."""
_DONE, _REDIRECTS, _NOT_FOUND = range(200, 300), range(300, 400), 404
_NOT_YET = {502, 503, 504}
"""What Kibana answers as long as it starts, and a proxy before it."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_BOUNDARY = "elkmon-saved-objects-f1c0b7d2"
"""Ends the file in a request: no line of JSON can begin with it."""

Body = Mapping[str, Any]


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
        return self._read(answer.body or b"null", doing)

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
        doing = "import saved objects"
        answer = self._answer("POST", path, data, kind, doing)
        return self._read(answer.body, doing)  # type: ignore[no-any-return]  # JSON

    def download(self, asked: Body) -> list[dict[str, Any]]:
        """Export saved objects.

        Args:
            asked: which, as Kibana's export takes it.

        Raises:
            ProvisionError: Kibana cannot be reached, or refuses.
        """
        data = orjson.dumps({**asked, "excludeExportDetails": True})
        path = self._below("/api/saved_objects/_export")
        doing = "export saved objects"
        answer = self._answer("POST", path, data, "application/json", doing)
        return [self._read(line, doing) for line in answer.body.splitlines()]

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
        status = answer.meta.status
        if status in _NOT_YET:
            raise _WaitError(f"{self.url}: Kibana is not ready: {unready(answer)}")
        if "kbn-name" not in answer.meta.headers or status in _REDIRECTS:
            raise ProvisionError(f"{self.url} is no Kibana{another(answer)}")
        self._check(answer, doing)
        version = self._read(answer.body, doing).get("version")
        if version is None:  # all that it tells whom it does not know
            raise ProvisionError(f"{self.url}: cannot {doing}: {UNKNOWN}")
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

    def _read(self, data: bytes, doing: str) -> Any:  # noqa: ANN401 - any JSON
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ProvisionError(
                f"{self.url}: cannot {doing}: what answers is no JSON; is a proxy in between?"
            ) from error

    def _check(self, answer: NodeApiResponse, doing: str) -> None:
        if answer.meta.status not in _DONE:
            raise refusal(answer, f"{self.url}: cannot {doing}")
