"""What the join asks of a cluster: patient requests, and bulks whose items are told apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from elasticsearch import ApiError, ConnectionTimeout, Elasticsearch
from elasticsearch.exceptions import ConnectionError as Unreachable

from elkmon.events.errors import StoreError
from elkmon.stores.elastic.retry import jitter

__all__ = [
    "BUSY",
    "GONE",
    "MOVED",
    "Update",
    "buckets",
    "bulk",
    "patiently",
    "pause",
    "slices",
    "whole",
]

MOVED, GONE = 409, 404
BUSY = frozenset({429, 502, 503, 504})
"""What a cluster answers that has too much to do: worth asking again."""
_TRIES = 8
_AT_ONCE = 2000
"""Documents in one request, at most."""
_ANSWER = "took,items.*.status,items.*.error.type,items.*.error.reason"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Update:
    """A partial update of one document.

    Attributes:
        index: it is in.
        id: of the document.
        changes: the fields to set.
        seen: sequence number and primary term that it must still have; None where any will do.
    """

    index: str
    id: str
    changes: dict[str, Any] = field(repr=False)
    seen: tuple[int, int] | None = None


def patiently(call: Callable[[], _T]) -> _T:
    """Make a request that may be repeated; again with growing gaps where the cluster is too busy.

    Raises:
        ApiError, TransportError: it was refused, or still did not get through.
    """
    for attempt in range(_TRIES - 1):
        try:
            return call()
        except ConnectionTimeout:
            pass
        except Unreachable as error:
            if type(error) is not Unreachable:  # a certificate does not get better
                raise
        except ApiError as error:
            if error.meta.status not in BUSY:
                raise
        pause(attempt)
    return call()


def pause(attempt: int) -> None:
    """Wait before another attempt, the first being 0."""
    time.sleep(jitter(attempt))


def bulk(client: Elasticsearch, updates: Sequence[Update]) -> list[tuple[int, str]]:
    """Write updates.

    Returns:
        For each its status and the reason where it failed.
    """
    done: list[tuple[int, str]] = []
    for part in slices(updates, _AT_ONCE):
        lines = [line for each in part for line in _lines(each)]

        def send(lines: list[bytes] = lines) -> Any:  # noqa: ANN401 - the client's answer
            return client.bulk(
                operations=lines,  # type: ignore[arg-type]  # lines as they are sent are taken, too
                filter_path=_ANSWER,
            )

        for item in patiently(send)["items"]:
            (told,) = item.values()
            error = told.get("error", {})
            done.append((told["status"], f"{error.get('type')}: {error.get('reason')}"))
    return done


def _lines(update: Update) -> tuple[bytes, bytes]:
    meta: dict[str, object] = {"_index": update.index, "_id": update.id}
    if update.seen is None:
        meta["retry_on_conflict"] = 3
    else:
        meta["if_seq_no"], meta["if_primary_term"] = update.seen
    return orjson.dumps({"update": meta}), orjson.dumps({"doc": update.changes})


def slices(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Cut into parts of at most ``size``."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


def buckets(found: Any, name: str) -> list[Any]:  # noqa: ANN401 - the client's answer
    """Give the buckets of an aggregation; none where there is no index at all."""
    return found["aggregations"][name]["buckets"] if "aggregations" in found else []


def whole(found: Any) -> Any:  # noqa: ANN401 - the client's answer, given back
    """Give what a search found, if every shard answered.

    Raises:
        StoreError: some did not: what is missing would be taken for absent.
    """
    failed = found["_shards"]["failed"]
    if failed or found.get("timed_out"):
        raise StoreError(
            f"the join needs every shard, and {failed} of {found['_shards']['total']} did not "
            "answer: see GET _cluster/allocation/explain; nothing was marked, run it again"
        )
    return found
