"""Delete whole months of a cluster by age, where the cluster does not do it itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from elasticsearch import Elasticsearch

from elkmon.events.fields import DATASETS, ISSUE
from elkmon.stores.elastic.indices import dead_letters, pattern, short

__all__ = ["Month", "delete", "outdated"]

_AT_ONCE = 50
"""Names in one request: they stand in its address."""
_AGED = tuple(dataset for dataset in DATASETS if dataset != ISSUE)
"""Issues are kept for ever."""


@dataclass(frozen=True, slots=True)
class Month:
    """An index of one month.

    Attributes:
        name: of the index.
        events: that it holds.
        size: in bytes, replicas included.
    """

    name: str
    events: int
    size: int


def outdated(client: Elasticsearch, prefix: str, before: datetime) -> list[Month]:
    """List the indices whose whole month is before a time; issues are exempt.

    Args:
        client: of the cluster.
        prefix: of the indices.
        before: aware; an index that may hold anything from then on is not listed.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    rows: Any = client.cat.indices(
        index=f"{pattern(prefix, _AGED)},{dead_letters(prefix)}",
        format="json",
        bytes="b",
        h="index,docs.count,store.size",
        expand_wildcards="all",
    )
    found = [
        Month(row["index"], int(row["docs.count"] or 0), int(row["store.size"] or 0))
        for row in rows
        if _ended(row["index"], prefix, before)
    ]
    return sorted(found, key=lambda month: (month.name[-10:], month.name))


def delete(client: Elasticsearch, months: list[Month]) -> None:
    """Delete indices, by their names.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    for first in range(0, len(months), _AT_ONCE):
        names = [month.name for month in months[first : first + _AT_ONCE]]
        client.indices.delete(index=names, ignore_unavailable=True)


def _ended(name: str, prefix: str, before: datetime) -> bool:
    """Say whether an index is one of ours, of a month that had ended."""
    kinds = "|".join([*map(short, _AGED), "deadletter"])
    found = re.fullmatch(rf"{re.escape(prefix)}-(?:{kinds})-(\d{{4}})\.(0[1-9]|1[0-2])\.01", name)
    if found is None:
        return False
    at = before.astimezone(timezone.utc)
    return (int(found[1]), int(found[2])) < (at.year, at.month)
