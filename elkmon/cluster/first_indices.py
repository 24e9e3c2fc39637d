"""Create one empty index for each dataset at set-up: Kibana knows no fields without an index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from elasticsearch import BadRequestError, Elasticsearch

from elkmon.events.datasets import DATASETS, short_name
from elkmon.stores.elastic.indices import month_of, pattern

__all__ = ["create", "delete_if_empty", "empty", "missing"]

_EXISTS = "resource_already_exists_exception"


def missing(client: Elasticsearch, prefix: str) -> list[str]:
    """Return the name of this month's index for each dataset that has no index.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    existing = [name for name, _ in _event_counts(client, prefix)]
    month = month_of(datetime.now(timezone.utc))
    stems = [f"{prefix}-{short_name(dataset)}-" for dataset in DATASETS]
    return [stem + month for stem in stems if not any(name.startswith(stem) for name in existing)]


def empty(client: Elasticsearch, prefix: str) -> list[str]:
    """Return the names of the indices that seem to be empty.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    return [name for name, events in _event_counts(client, prefix) if events == 0]


def create(client: Elasticsearch, names: Iterable[str]) -> None:
    """Create indices from their templates; an existing index is replaced only if it is empty.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    for name in names:
        if client.indices.exists(index=name):
            delete_if_empty(client, name)
        try:
            client.indices.create(index=name)
        except BadRequestError as error:
            if error.error != _EXISTS:  # an event came first
                raise


def delete_if_empty(client: Elasticsearch, name: str) -> bool:
    """Delete an index if it is empty, and return whether it was deleted.

    Events that arrive meanwhile are refused, and their sender keeps them.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    client.indices.add_block(index=name, block="write")
    client.indices.refresh(index=name)
    if client.count(index=name)["count"]:
        client.indices.put_settings(index=name, settings={"index.blocks.write": None})
        return False
    client.indices.delete(index=name)
    return True


def _event_counts(client: Elasticsearch, prefix: str) -> list[tuple[str, int]]:
    """Return each index of events with the number of events that it seems to hold."""
    rows = client.cat.indices(
        index=pattern(prefix), format="json", h="index,docs.count", expand_wildcards="all"
    )
    return [(row["index"], int(row["docs.count"] or 0)) for row in rows]  # type: ignore[index]  # JSON
