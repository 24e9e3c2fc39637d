"""An index of each kind from the start, though it is empty: Kibana knows no fields without one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from elasticsearch import BadRequestError, Elasticsearch

from elkmon.events.datasets import DATASETS, short_name
from elkmon.stores.elastic.indices import month_of, pattern

__all__ = ["discard", "empty", "lacking", "make"]

_THERE = "resource_already_exists_exception"


def lacking(client: Elasticsearch, prefix: str) -> list[str]:
    """Name this month's index of each kind that has none at all.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    there = [name for name, _ in _counted(client, prefix)]
    month = month_of(datetime.now(timezone.utc))
    kinds = [f"{prefix}-{short_name(dataset)}-" for dataset in DATASETS]
    return [kind + month for kind in kinds if not any(name.startswith(kind) for name in there)]


def empty(client: Elasticsearch, prefix: str) -> list[str]:
    """Name the indices that seem to hold nothing.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    return [name for name, events in _counted(client, prefix) if events == 0]


def make(client: Elasticsearch, names: Iterable[str]) -> None:
    """Make indices by their templates; one that is there is made anew, if it holds nothing.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    for name in names:
        if client.indices.exists(index=name):
            discard(client, name)
        try:
            client.indices.create(index=name)
        except BadRequestError as error:
            if error.error != _THERE:  # an event came first
                raise


def discard(client: Elasticsearch, name: str) -> bool:
    """Delete an index if it holds nothing, and say whether it is gone.

    What arrives meanwhile is refused, and stays with its sender.

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


def _counted(client: Elasticsearch, prefix: str) -> list[tuple[str, int]]:
    """Give the indices of events, with how many each seems to hold."""
    rows = client.cat.indices(
        index=pattern(prefix), format="json", h="index,docs.count", expand_wildcards="all"
    )
    return [(row["index"], int(row["docs.count"] or 0)) for row in rows]  # type: ignore[index]  # JSON
