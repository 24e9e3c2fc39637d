"""Put a few events on a cluster at once; many are shipped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from elkmon.events.errors import StoreError
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.indices import index_of

__all__ = ["create"]

_THERE = 409


def create(cluster: Cluster, lines: Iterable[bytes]) -> None:
    """Create events, each under its id, and wait until they can be asked for.

    Args:
        cluster: that is to hold them.
        lines: the events as they are written to a file.

    Raises:
        StoreError: they could not all be created.
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
        if (status := item["create"]["status"]) >= 300 and status != _THERE:  # noqa: PLR2004 - HTTP's
            reason = item["create"].get("error", {}).get("reason", status)
            raise StoreError(f"{cluster.url}: an event was refused: {reason}")
