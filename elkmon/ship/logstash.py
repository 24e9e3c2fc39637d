"""Logstash's http input as a destination; it acknowledges what it has queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from elastic_transport import HttpHeaders, TlsError, TransportError
from elastic_transport.client_utils import basic_auth_to_header
from elasticsearch.exceptions import ConnectionTimeout

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import StoreError
from elkmon.ship.batch import Event
from elkmon.ship.destination import Answer, BusyError, RefusedError, retry_after
from elkmon.stores.elastic.connect import connect, problem

__all__ = ["Logstash"]

_OK = range(200, 300)
_LATER = {403, 408, 429, 500, 502, 503, 504}
_OVERLOADED = {429, 503, 504}
_REFUSED = {400, 413, 422}
_TOO_LARGE = 413
_UNAUTHORISED = 401


class Logstash:
    """Send events to Logstash, with one JSON array in each request.

    Args:
        url: address of the http input.
        access: user and password, certificates, timeout; an API key is only for Elasticsearch.
    """

    success = "accepted"

    def __init__(self, url: str, access: Access) -> None:
        self.url = url
        client = connect(url, replace(access, api_key=None))
        self._node = client.transport.node_pool.get()  # with the same TLS settings as elsewhere
        self._timeout = access.timeout
        self._headers = HttpHeaders({"content-type": "application/json"})
        if access.username is not None and access.password is not None:
            credentials = (access.username, access.password)
            self._headers["authorization"] = basic_auth_to_header(credentials)

    def check(self) -> None:
        """Do nothing: an http input offers nothing to check."""

    def send(self, events: Sequence[Event]) -> Answer:
        """Send events with one request."""
        body = b"[" + b",".join([event.line for event in events]) + b"]\n"
        try:
            answer = self._node.perform_request(
                "POST", "/", body=body, headers=self._headers, request_timeout=self._timeout
            )
        except TransportError as error:
            message = problem(error, self.url, "take events")
            if isinstance(error, TlsError):
                raise StoreError(message) from error
            raise BusyError(message, overloaded=isinstance(error, ConnectionTimeout)) from error
        status = answer.meta.status
        if status in _OK:
            return Answer(created=len(events))
        text = answer.body[:200].decode("utf-8", "replace")
        message = f"{self.url}: Logstash answers {status} {text}"
        if status in _REFUSED:
            raise RefusedError(message, too_large=status == _TOO_LARGE)
        if status in _LATER:
            wait = retry_after(answer.meta)
            raise BusyError(message, overloaded=status in _OVERLOADED, wait=wait)
        if status == _UNAUTHORISED:
            raise StoreError(f"{message}: set ELKMON_USERNAME and ELKMON_PASSWORD")
        raise StoreError(f"{message}: is this the address of an http input?")
