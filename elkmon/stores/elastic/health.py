"""Findings about indices: made without elkmon's templates, or with values left out."""

from __future__ import annotations

from collections import Counter

from elasticsearch import ApiError

from elkmon.events.datasets import DATASETS
from elkmon.events.limits import VALUE
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import reason_of, store_errors
from elkmon.stores.elastic.foreign_templates import ADVICE, rivals
from elkmon.stores.elastic.indices import pattern
from elkmon.stores.finding import Finding

__all__ = ["health"]

_MARK = "elkmon"
_SAMPLE = 100
"""Events whose ignored fields are looked at."""
_PLACES = 5
"""Names in one finding."""


def health(cluster: Cluster) -> list[Finding]:
    """Return findings about mappings, and about values that are not indexed.

    Args:
        cluster: to examine.

    Raises:
        StoreError: the cluster cannot be reached, or refuses.
    """
    return [*_rivals(cluster), *_unmapped(cluster), *_ignored(cluster)]


def _rivals(cluster: Cluster) -> list[Finding]:
    with store_errors(cluster.url, "look at templates"):
        try:
            templates = rivals(cluster.client, cluster.prefix)
        except ApiError as error:
            return [_not_examined("index templates that may win over elkmon's", error)]
    if not templates:
        return []
    what = (
        "other index templates that take elkmon's indices: new indices do not get elkmon's mappings"
    )
    return [Finding("problem", what, len(templates), tuple(templates[:_PLACES]), ADVICE)]


def _not_examined(what: str, error: ApiError) -> Finding:
    """Return a note that these credentials may not read something, and what they lack."""
    if error.meta.status != 403:  # noqa: PLR2004 - HTTP's
        raise error
    _, reason = reason_of(error)
    return Finding("note", f"{what}: not looked at", advice=f"these credentials may not: {reason}")


def _unmapped(cluster: Cluster) -> list[Finding]:
    with store_errors(cluster.url, "look at mappings"):
        try:
            mappings = cluster.client.indices.get_mapping(
                index=pattern(cluster.prefix, DATASETS), filter_path="*.mappings._meta"
            ).body
            names = cluster.client.indices.resolve_index(name=pattern(cluster.prefix, DATASETS))
        except ApiError as error:
            return [_not_examined("mappings of indices", error)]
    own = {
        name
        for name, mapping in mappings.items()
        if mapping.get("mappings", {}).get("_meta", {}).get("managed_by") == _MARK
    }
    bare = sorted({index["name"] for index in names["indices"]} - own)
    if not bare:
        return []
    what = "indices made without elkmon's templates, whose answers may be wrong"
    advice = "run elkmon setup, delete them, and send their events again"
    return [Finding("problem", what, len(bare), tuple(bare[:_PLACES]), advice)]


def _ignored(cluster: Cluster) -> list[Finding]:
    body = {
        "size": _SAMPLE,
        "track_total_hits": True,
        "_source": False,
        "query": {"exists": {"field": "_ignored"}},
    }
    hits = cluster.search(pattern(cluster.prefix, DATASETS), body)["hits"]
    count = hits["total"]["value"]
    if not count:
        return []
    fields = Counter(name for hit in hits["hits"] for name in hit.get("_ignored", ()))
    what = "events with values that cannot be asked for"
    advice = f"they are longer than {VALUE} characters, no numbers or times, or one field too many"
    names = tuple(name for name, _ in fields.most_common(_PLACES))
    return [Finding("warning", what, count, names, advice)]
