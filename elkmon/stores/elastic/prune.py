"""Delete indices of old months, for clusters that do not do it themselves."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

from elasticsearch import Elasticsearch

from elkmon.events.datasets import DATASETS, KEPT_FOR_EVER, short_name
from elkmon.retention.pruning import OldPart
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.indices import dead_letters, pattern

__all__ = ["prune_indices"]

_AT_ONCE = 50
"""Names of indices in the address of one request."""
_AGED = tuple(dataset for dataset in DATASETS if dataset not in KEPT_FOR_EVER)


def prune_indices(cluster: Cluster, before: datetime, *, dry_run: bool) -> list[OldPart]:
    """Delete the indices whose month ended before a time; issues are kept.

    Args:
        cluster: that holds the indices.
        before: aware; an index that may hold later events stays.
        dry_run: whether only to return them.

    Raises:
        StoreError: the cluster cannot be reached, or refuses.
    """
    with store_errors(cluster.url, "list indices"):
        months = _outdated(cluster.client, cluster.prefix, before)
    if not dry_run:
        with store_errors(cluster.url, "delete indices"):
            for first in range(0, len(months), _AT_ONCE):
                names = [month.name for month in months[first : first + _AT_ONCE]]
                cluster.client.indices.delete(index=names, ignore_unavailable=True)
    return months


def _outdated(client: Elasticsearch, prefix: str, before: datetime) -> list[OldPart]:
    rows: Any = client.cat.indices(
        index=f"{pattern(prefix, _AGED)},{dead_letters(prefix)}",
        format="json",
        bytes="b",
        h="index,docs.count,store.size",
        expand_wildcards="all",
    )
    months = [
        OldPart("index", row["index"], int(row["docs.count"] or 0), int(row["store.size"] or 0))
        for row in rows
        if _ended(row["index"], prefix, before)
    ]
    return sorted(months, key=lambda month: (month.name[-10:], month.name))


def _ended(name: str, prefix: str, before: datetime) -> bool:
    """Return whether an index belongs to elkmon, and to a month that ended before a time."""
    kinds = "|".join([*map(short_name, _AGED), "deadletter"])
    match = re.fullmatch(rf"{re.escape(prefix)}-(?:{kinds})-(\d{{4}})\.(0[1-9]|1[0-2])\.01", name)
    if match is None:
        return False
    at = before.astimezone(timezone.utc)
    return (int(match[1]), int(match[2])) < (at.year, at.month)
