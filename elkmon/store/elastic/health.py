"""What is wrong with the indices of a cluster: made without templates, or values left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from elasticsearch import ApiError

from elkmon.events.fields import DATASETS
from elkmon.store.elastic.connect import speaking
from elkmon.store.elastic.indices import pattern
from elkmon.store.elastic.paging import Cluster

__all__ = ["Ailment", "health"]

_MARK = "elkmon"
_LOOKED_AT = 100
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is wrong.

    Attributes:
        what: is wrong, in words.
        count: of indices, or events.
        places: of some.
        advice: what to do.
    """

    what: str
    count: int
    places: tuple[str, ...]
    advice: str

    @property
    def told(self) -> str:
        """Say all of it in one line."""
        return f"{self.count:,} {self.what} ({', '.join(self.places)}): {self.advice}"


def health(cluster: Cluster) -> list[Ailment]:
    """Look for indices without elkmon's mappings, and for events with values left out.

    Args:
        cluster: to look at.

    Raises:
        StoreError: it cannot be reached, or refuses.
    """
    return [*_unmapped(cluster), *_ignored(cluster)]


def _unmapped(cluster: Cluster) -> list[Ailment]:
    with speaking(cluster.url, "look at mappings"):
        try:
            found = cluster.client.indices.get_mapping(
                index=pattern(cluster.prefix, DATASETS), filter_path="*.mappings._meta,*.*.dynamic"
            ).body
            names = cluster.client.indices.resolve_index(name=pattern(cluster.prefix, DATASETS))
        except ApiError as error:
            if error.meta.status == 403:  # noqa: PLR2004 - HTTP's; these may only read
                return []
            raise
    own = {
        name
        for name, each in found.items()
        if each.get("mappings", {}).get("_meta", {}).get("managed_by") == _MARK
    }
    bare = sorted({each["name"] for each in names["indices"]} - own)
    if not bare:
        return []
    what = "indices made without elkmon's templates, whose answers may be wrong"
    advice = "run elkmon setup, delete them, and send their events again"
    return [Ailment(what, len(bare), tuple(bare[:_NAMED]), advice)]


def _ignored(cluster: Cluster) -> list[Ailment]:
    body = {
        "size": _LOOKED_AT,
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
    advice = "they are longer than 1024 characters, no numbers or times, or one field too many"
    return [Ailment(what, count, tuple(name for name, _ in fields.most_common(_NAMED)), advice)]
