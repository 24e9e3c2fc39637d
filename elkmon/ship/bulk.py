"""Elasticsearch as a destination: each event is created once, under its own id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from elastic_transport import TlsError
from elasticsearch import ApiError, Elasticsearch, TransportError, UnsupportedProductError
from elasticsearch.exceptions import ConnectionTimeout

from elkmon.events.errors import StoreError
from elkmon.ship.batch import Event
from elkmon.ship.destination import Answer, BusyError, RefusedError, retry_after
from elkmon.stores.elastic.connect import problem

__all__ = ["Bulk"]

_PATH = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,"
_PATH += "items.*.error.caused_by.reason"
_HEADERS = {
    "accept": "application/vnd.elasticsearch+json; compatible-with=8",
    "content-type": "application/vnd.elasticsearch+x-ndjson; compatible-with=8",
}
_CREATED, _CONFLICT = 201, 409
_MALFORMED, _FORBIDDEN, _ABSENT, _SERVER, _TOO_LARGE = 400, 403, 404, 500, 413
_OVERLOADED = {429, 503, 504}
_LATER = {429, 500, 502, 503, 504}
_ABOUT_CLUSTER = {"index_closed_exception", "process_cluster_event_timeout_exception"}
"""Errors, of status 400 and others, that are about the cluster and not about the event."""


class Bulk:
    """Send events to Elasticsearch.

    Args:
        client: client of the cluster.
        url: address of the cluster, for messages.
        prefix: what the names of indices begin with.
    """

    success = "created"

    def __init__(self, client: Elasticsearch, url: str, prefix: str) -> None:
        self._client = client
        self.url = url
        self._prefix = prefix

    def check(self) -> None:
        """Check that the cluster was set up: without templates, it would guess types.

        Raises:
            BusyError: the cluster does not answer now.
            StoreError: it has no templates, or refuses.
        """
        try:
            self._client.indices.get_index_template(name=f"{self._prefix}-prediction")
        except (ApiError, TransportError, UnsupportedProductError) as error:
            status = error.meta.status if isinstance(error, ApiError) else 0
            if status == _ABSENT:
                raise StoreError(
                    f"{self.url} has no templates for {self._prefix}-*: run elkmon setup first"
                ) from error
            if status != _FORBIDDEN:  # a key for writing need not have the right to look
                raise self._error(error) from error

    def send(self, events: Sequence[Event]) -> Answer:
        """Create events with one request."""
        lines = [
            part
            for event in events
            for part in (
                b'{"create":{"_index":"%b","_id":%b}}\n'
                % (event.index_name.encode(), orjson.dumps(event.id)),
                event.line,
                b"\n",
            )
        ]
        try:
            answer = self._client.perform_request(
                "POST", _PATH, headers=_HEADERS, body=b"".join(lines)
            )
        except (ApiError, TransportError, UnsupportedProductError) as error:
            raise self._error(error) from error
        return self._read(answer.body, len(events))

    def _read(self, body: object, sent: int) -> Answer:
        try:
            items: list[Mapping[str, Any]] = [item["create"] for item in body["items"]]  # type: ignore[index]  # checked below
            statuses = [item["status"] for item in items]
        except (KeyError, TypeError, LookupError):
            items, statuses = [], []
        if len(statuses) != sent:
            raise BusyError(
                f"{self.url}: its answer does not match what was sent: does a proxy answer?"
            )
        answer = Answer()
        for number, (item, status) in enumerate(zip(items, statuses, strict=True)):
            if status == _CREATED:
                answer.created += 1
            elif status == _CONFLICT:
                answer.already += 1
            else:
                self._classify(answer, number, status, item.get("error") or {})
        return answer

    def _classify(self, answer: Answer, number: int, status: int, error: Mapping[str, Any]) -> None:
        kind, reason = error.get("type", "error"), error.get("reason", "")
        cause = (error.get("caused_by") or {}).get("reason")
        message = f"{status} {kind}: {reason}{f' ({cause})' if cause else ''}"
        if status == _SERVER:
            answer.doubtful[number] = message
        elif status in {_FORBIDDEN, _ABSENT} or status in _LATER or _about_cluster(kind, reason):
            answer.again[number] = f"{self.url}: {message}{_advice(kind, reason)}"
        else:
            answer.dead[number] = message

    def _error(self, error: Exception) -> Exception:
        """Return the error that says what a failed request means for its events."""
        message = problem(error, self.url, "take events")
        if isinstance(error, (TlsError, UnsupportedProductError)):
            return StoreError(message)
        if isinstance(error, TransportError):
            return BusyError(message, overloaded=isinstance(error, ConnectionTimeout))
        if isinstance(error, ApiError):
            status = error.meta.status
            if status in {_MALFORMED, _TOO_LARGE}:
                return RefusedError(message, too_large=status == _TOO_LARGE)
            if status in _LATER or status == _FORBIDDEN:
                wait = retry_after(error.meta)
                return BusyError(message, overloaded=status in _OVERLOADED, wait=wait)
        return StoreError(message)


def _about_cluster(kind: str, reason: str) -> bool:
    return kind in _ABOUT_CLUSTER or _no_room(kind, reason)


def _no_room(kind: str, reason: str) -> bool:
    return kind == "validation_exception" and "shards" in reason


def _advice(kind: str, reason: str) -> str:
    if kind == "cluster_block_exception":
        return ": the index is blocked for writes; is the disk full?"
    if kind == "index_not_found_exception":
        return ": run elkmon setup"
    if kind == "security_exception":
        return ": see elkmon setup --api-keys"
    if _no_room(kind, reason):
        return ": there is no room for another index; raise cluster.max_shards_per_node, or delete"
    return ""
