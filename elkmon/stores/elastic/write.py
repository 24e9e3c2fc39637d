"""Write a few events to a cluster; :mod:`elkmon.ship` is for many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from elkmon.events.errors import StoreError
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.indices import index_of

__all__ = ["create"]

_CONFLICT = 409
"""The event is there already."""


def create(cluster: Cluster, lines: Iterable[bytes]) -> None:
    """Create events, each under its id, and wait until they can be asked for.

    Args:
        cluster: to write to.
        lines: events, as in a file.

    Raises:
        StoreError: not all events could be created.
    """
    actions: list[dict[str, Any]] = []
    for line in lines:
        event = orjson.loads(line)
        name = index_of(cluster.prefix, event["event"]["dataset"], event["@timestamp"])
        actions += [{"create": {"_index": name, "_id": event["event"]["id"]}}, event]
    if not actions:
        return
    with store_errors(cluster.url, "write events"):
        items = cluster.client.bulk(operations=actions, refresh="wait_for")["items"]
    for item in items:
        if (status := item["create"]["status"]) >= 300 and status != _CONFLICT:  # noqa: PLR2004 - HTTP's
            reason = item["create"].get("error", {}).get("reason", status)
            raise StoreError(f"{cluster.url}: an event was refused: {reason}")
