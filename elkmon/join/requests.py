"""Requests of the join to a cluster: repeated if it is busy, and answered in full or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from elasticsearch import ApiError, ConnectionTimeout, Elasticsearch
from elasticsearch.exceptions import ConnectionError as Unreachable
from elasticsearch.exceptions import TransportError

from elkmon.events.errors import StoreError
from elkmon.stores.elastic.retry import jitter

__all__ = [
    "BUSY",
    "CONFLICT",
    "NOT_FOUND",
    "PointInTime",
    "Update",
    "buckets",
    "bulk",
    "chunks",
    "complete",
    "pause",
    "point_in_time",
    "retry",
    "search",
]

NOT_FOUND, CONFLICT = 404, 409
BUSY = frozenset({429, 502, 503, 504})
"""Statuses of a cluster that is too busy: worth another attempt."""
_TRIES = 8
_KEEP_ALIVE = "5m"
_MOST_UPDATES = 2000
"""Documents in one request."""
_BULK_ANSWER = "took,items.*.status,items.*.error.type,items.*.error.reason"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Update:
    """A partial update of one document.

    Attributes:
        index: index of the document.
        id: id of the document.
        changes: the fields to set.
        seen: sequence number and primary term that it must still have; None if any will do.
    """

    index: str
    id: str
    changes: dict[str, Any] = field(repr=False)
    seen: tuple[int, int] | None = None


def retry(request: Callable[..., _T], **arguments: Any) -> _T:  # noqa: ANN401 - the client's
    """Make a request that may be repeated, again with growing pauses if the cluster is too busy.

    Raises:
        ApiError, TransportError: it was refused, or all attempts failed.
    """
    for attempt in range(_TRIES - 1):
        try:
            return request(**arguments)
        except ConnectionTimeout:
            pass
        except Unreachable as error:
            if type(error) is not Unreachable:  # another attempt does not mend a certificate
                raise
        except ApiError as error:
            if error.meta.status not in BUSY:
                raise
        pause(attempt)
    return request(**arguments)


def pause(attempt: int) -> None:
    """Wait before another attempt; the first is 0."""
    time.sleep(jitter(attempt))


def complete(answer: Any) -> Any:  # noqa: ANN401 - the client's answer
    """Return an answer, if every shard contributed to it.

    Raises:
        StoreError: a shard did not: what is on it would be taken for absent.
    """
    failed = answer["_shards"]["failed"]
    if failed or answer.get("timed_out"):
        raise StoreError(
            f"the join needs every shard, and {failed} of {answer['_shards']['total']} did not "
            "answer: see GET _cluster/allocation/explain, then run the join again; nothing was "
            "marked"
        )
    return answer


def search(client: Elasticsearch, **arguments: Any) -> Any:  # noqa: ANN401 - the client's answer
    """Search; the answer is complete.

    Raises:
        StoreError: a shard did not answer.
        ApiError, TransportError: the cluster refuses, or cannot be reached.
    """
    return complete(retry(client.search, allow_partial_search_results=False, **arguments))


def buckets(answer: Any, name: str) -> list[Any]:  # noqa: ANN401 - the client's answer
    """Return the buckets of an aggregation; none if there is no index at all."""
    return answer["aggregations"][name]["buckets"] if "aggregations" in answer else []


class PointInTime:
    """Documents as they were at one moment, whatever happens afterwards."""

    def __init__(self, client: Elasticsearch, pit_id: str) -> None:
        self._client = client
        self.id = pit_id

    def search(self, **arguments: Any) -> Any:  # noqa: ANN401 - the client's answer
        """Search the documents."""
        pit = {"id": self.id, "keep_alive": _KEEP_ALIVE}
        answer = search(self._client, pit=pit, **arguments)
        self.id = answer["pit_id"]
        return answer

    def pages(self, size: int, *, count: bool = False, **arguments: Any) -> Iterator[Any]:  # noqa: ANN401
        """Yield all answers to a search, ``size`` hits at a time; count them in the first."""
        after: list[Any] | None = None
        while True:
            page = self.search(
                size=size,
                sort="_shard_doc",
                search_after=after,
                track_total_hits=count and after is None,
                **arguments,
            )
            hits = page["hits"]["hits"]
            if hits:
                yield page
            if len(hits) < size:
                return
            after = hits[-1]["sort"]


@contextmanager
def point_in_time(client: Elasticsearch, **arguments: Any) -> Iterator[PointInTime]:  # noqa: ANN401
    """Open a point in time of some indices, and close it afterwards."""
    opened = retry(client.open_point_in_time, keep_alive=_KEEP_ALIVE, **arguments)
    point = PointInTime(client, opened["id"])
    try:
        yield point
    finally:
        with suppress(ApiError, TransportError):  # it expires by itself
            client.close_point_in_time(id=point.id)


def bulk(client: Elasticsearch, updates: Sequence[Update]) -> list[tuple[int, str]]:
    """Write updates.

    Returns:
        The status of each, and the reason if it failed.
    """
    results: list[tuple[int, str]] = []
    for part in chunks(updates, _MOST_UPDATES):
        lines = [line for update in part for line in _lines(update)]
        answer = retry(client.bulk, operations=lines, filter_path=_BULK_ANSWER)
        for item in answer["items"]:
            (result,) = item.values()
            error = result.get("error", {})
            results.append((result["status"], f"{error.get('type')}: {error.get('reason')}"))
    return results


def _lines(update: Update) -> tuple[bytes, bytes]:
    meta: dict[str, object] = {"_index": update.index, "_id": update.id}
    if update.seen is None:
        meta["retry_on_conflict"] = 3
    else:
        meta["if_seq_no"], meta["if_primary_term"] = update.seen
    return orjson.dumps({"update": meta}), orjson.dumps({"doc": update.changes})


def chunks(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield parts of at most ``size`` items."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
