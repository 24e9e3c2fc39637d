"""Elasticsearch as a destination: each event is created under its own id, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from elastic_transport import TlsError
from elasticsearch import ApiError, Elasticsearch, TransportError, UnsupportedProductError
from elasticsearch.exceptions import ConnectionTimeout

from elkmon.events.errors import StoreError
from elkmon.ship.batch import Event
from elkmon.ship.destination import Answer, BusyError, RefusedError, asked_to_wait
from elkmon.stores.elastic.connect import problem

__all__ = ["Bulk"]

_PATH = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,"
_PATH += "items.*.error.caused_by.reason"
_HEADERS = {
    "accept": "application/vnd.elasticsearch+json; compatible-with=8",
    "content-type": "application/vnd.elasticsearch+x-ndjson; compatible-with=8",
}
_CREATED, _THERE, _BUSY = 201, 409, 429
_MALFORMED, _FORBIDDEN, _ABSENT, _SERVER, _TOO_LARGE = 400, 403, 404, 500, 413
_OVERLOADED = {429, 503, 504}
_LATER = {429, 500, 502, 503, 504}
_OF_CLUSTER = {"index_closed_exception", "process_cluster_event_timeout_exception"}
"""Answers of status 400 and others that are about the cluster, and not about the event."""


class Bulk:
    """Send events to Elasticsearch.

    Args:
        client: of the cluster.
        url: of the cluster, for people.
        prefix: of the names of indices.
    """

    taken = "created"

    def __init__(self, client: Elasticsearch, url: str, prefix: str) -> None:
        self._client = client
        self.url = url
        self._prefix = prefix

    def check(self) -> None:
        """See whether the cluster was set up: without templates, it would guess types."""
        try:
            self._client.indices.get_index_template(name=f"{self._prefix}-prediction")
        except (ApiError, TransportError, UnsupportedProductError) as error:
            status = error.meta.status if isinstance(error, ApiError) else 0
            if status == _ABSENT:
                raise StoreError(
                    f"{self.url} has no templates for {self._prefix}-*: run elkmon setup first"
                ) from error
            if status != _FORBIDDEN:  # a key for writing need not be allowed to look
                raise self._trouble(error) from error

    def send(self, events: Sequence[Event]) -> Answer:
        """Create events in one request."""
        lines = [
            part
            for event in events
            for part in (
                b'{"create":{"_index":"%b","_id":%b}}\n'
                % (event.into.encode(), orjson.dumps(event.id)),
                event.line,
                b"\n",
            )
        ]
        try:
            answer = self._client.perform_request(
                "POST", _PATH, headers=_HEADERS, body=b"".join(lines)
            )
        except (ApiError, TransportError, UnsupportedProductError) as error:
            raise self._trouble(error) from error
        return self._read(answer.body, len(events))

    def _read(self, body: object, sent: int) -> Answer:
        try:
            items: list[Mapping[str, Any]] = [each["create"] for each in body["items"]]  # type: ignore[index]  # if not, it is met below
            statuses = [item["status"] for item in items]
        except (KeyError, TypeError, LookupError):
            items, statuses = [], []
        if len(statuses) != sent:
            raise BusyError(f"{self.url}: its answer is not about what was sent: is it a proxy's?")
        answer = Answer()
        for place, (told, status) in enumerate(zip(items, statuses, strict=True)):
            if status == _CREATED:
                answer.created += 1
            elif status == _THERE:
                answer.already += 1
            else:
                self._sort(answer, place, status, told.get("error") or {})
        return answer

    def _sort(self, answer: Answer, place: int, status: int, error: Mapping[str, Any]) -> None:
        kind, reason = error.get("type", "error"), error.get("reason", "")
        cause = (error.get("caused_by") or {}).get("reason")
        said = f"{status} {kind}: {reason}{f' ({cause})' if cause else ''}"
        if status == _SERVER:
            answer.doubtful[place] = said
        elif status in {_FORBIDDEN, _ABSENT} or status in _LATER or _of_cluster(kind, reason):
            answer.again[place] = f"{self.url}: {said}{_advice(kind, reason)}"
        else:
            answer.dead[place] = said

    def _trouble(self, error: Exception) -> Exception:
        """Say what a failed request means for what was in it."""
        said = problem(error, self.url, "take events")
        if isinstance(error, (TlsError, UnsupportedProductError)):
            return StoreError(said)
        if isinstance(error, TransportError):
            return BusyError(said, overloaded=isinstance(error, ConnectionTimeout))
        if isinstance(error, ApiError):
            status = error.meta.status
            if status in {_MALFORMED, _TOO_LARGE}:
                return RefusedError(said, too_large=status == _TOO_LARGE)
            if status in _LATER or status == _FORBIDDEN:
                wait = asked_to_wait(error.meta)
                return BusyError(said, overloaded=status in _OVERLOADED, wait=wait)
        return StoreError(said)


def _of_cluster(kind: str, reason: str) -> bool:
    return kind in _OF_CLUSTER or _no_room(kind, reason)


def _no_room(kind: str, reason: str) -> bool:
    return kind == "validation_exception" and "shards" in reason


def _advice(kind: str, reason: str) -> str:
    if kind == "cluster_block_exception":
        return ": the index takes no writes; is the disk full?"
    if kind == "index_not_found_exception":
        return ": run elkmon setup"
    if kind == "security_exception":
        return ": see elkmon setup --api-keys"
    return ": there is no room for another index" if _no_room(kind, reason) else ""
