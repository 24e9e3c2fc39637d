"""Logstash's http input as a destination: it acknowledges what it has queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from elastic_transport import HttpHeaders, TlsError, TransportError
from elastic_transport.client_utils import basic_auth_to_header
from elasticsearch.exceptions import ConnectionTimeout

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import StoreError
from elkmon.ship.batch import Event
from elkmon.ship.destination import Answer, BusyError, RefusedError, asked_to_wait
from elkmon.stores.elastic.connect import connect, problem

__all__ = ["Logstash"]

_OK = range(200, 300)
_LATER = {403, 408, 429, 500, 502, 503, 504}
_OVERLOADED = {429, 503, 504}
_REFUSED = {400, 413, 422}
_TOO_LARGE = 413
_UNAUTHORISED = 401


class Logstash:
    """Send events to Logstash, as one JSON array a request.

    Args:
        url: of its http input.
        access: credentials of a user, certificates, patience; an API key is Elasticsearch's.
    """

    taken = "accepted"

    def __init__(self, url: str, access: Access) -> None:
        self.url = url
        client = connect(url, replace(access, api_key=None))
        self._node = client.transport.node_pool.get()  # TLS as everywhere
        self._timeout = access.timeout
        self._headers = HttpHeaders({"content-type": "application/json"})
        if access.username is not None and access.password is not None:
            both = (access.username, access.password)
            self._headers["authorization"] = basic_auth_to_header(both)

    def check(self) -> None:
        """Trust that it takes events: it has nothing to ask."""

    def send(self, events: Sequence[Event]) -> Answer:
        """Send events in one request."""
        body = b"[" + b",".join([event.line for event in events]) + b"]\n"
        try:
            answer = self._node.perform_request(
                "POST", "/", body=body, headers=self._headers, request_timeout=self._timeout
            )
        except TransportError as error:
            said = problem(error, self.url, "take events")
            if isinstance(error, TlsError):
                raise StoreError(said) from error
            raise BusyError(said, overloaded=isinstance(error, ConnectionTimeout)) from error
        status = answer.meta.status
        if status in _OK:
            return Answer(created=len(events))
        told = answer.body[:200].decode("utf-8", "replace")
        said = f"{self.url}: Logstash answers {status} {told}"
        if status in _REFUSED:
            raise RefusedError(said, too_large=status == _TOO_LARGE)
        if status in _LATER:
            wait = asked_to_wait(answer.meta)
            raise BusyError(said, overloaded=status in _OVERLOADED, wait=wait)
        if status == _UNAUTHORISED:
            raise StoreError(f"{said}: set ELKMON_USERNAME and ELKMON_PASSWORD")
        raise StoreError(f"{said}: is this the address of an http input?")
