"""What the join looks for: labels that wait, those of predictions, documents, sampling rates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elasticsearch import ApiError, Elasticsearch
from elasticsearch.exceptions import TransportError

from elkmon.events.datasets import LABEL, PREDICTION
from elkmon.join.documents import OF_LABELS, OF_PREDICTIONS, Told, condensed, iso, told_of
from elkmon.join.requests import buckets, patiently, slices, whole
from elkmon.stores.elastic.indices import pattern

__all__ = ["Document", "View", "documents", "lowest_rates", "places", "viewed"]

_KEEP = "5m"
"""How long a view lives between two requests."""
_HITS = 5000
_MOST = 10_000
"""Hits of one search, and models, at most."""
_CROWD = 1000
"""Labels of one prediction from which on those that decide nothing are left out."""


@dataclass(frozen=True, slots=True)
class Document:
    """A prediction's document as it is at this moment."""

    index: str
    id: str
    seen: tuple[int, int]
    source: Mapping[str, Any]


class View:
    """All labels that were acknowledged before it was opened, whatever happens meanwhile."""

    def __init__(self, client: Elasticsearch, view: str) -> None:
        self._client = client
        self._view = view

    def waiting(self, now: datetime, size: int) -> Iterator[tuple[list[Told], int]]:
        """Page through labels that are to be joined: new ones, and orphans whose time has come.

        Yields:
            A page, and how many there are in all.
        """
        due = [
            {"bool": {"must_not": [{"exists": {"field": "ml.join.state"}}]}},
            {"term": {"ml.join.state": "pending"}},
            {"range": {"ml.join.next_at": {"lte": iso(now)}}},
        ]
        query = {"bool": {"should": due, "minimum_should_match": 1}}
        total = 0
        for page in self._pages(query, size, count=True):
            total = total or page["hits"]["total"]["value"]
            yield [told_of(hit) for hit in page["hits"]["hits"]], total

    def labels(self, ids: Collection[str], states: Sequence[str] = ()) -> dict[str, list[Told]]:
        """Give the labels of predictions, by the key of their prediction.

        Of very many labels of one prediction only those that decide are kept.

        Args:
            ids: of predictions, of whichever models.
            states: of the labels, if not all are asked for.
        """
        conditions = [{"terms": {"ml.prediction.id": list(ids)}}]
        if states:
            conditions.append({"terms": {"ml.join.state": list(states)}})
        found: dict[str, list[Told]] = {}
        for page in self._pages({"bool": {"filter": conditions}}, _HITS):
            several: set[str] = set()
            for told in map(told_of, page["hits"]["hits"]):
                mine = found.setdefault(told.key, [])
                mine.append(told)
                if len(mine) > _CROWD:
                    several.add(told.key)
            for key in several:
                found[key] = _decisive(found[key])
        return found

    def any_joined(self) -> bool:
        """Say whether any label is done with, as far as it goes."""
        done = {"terms": {"ml.join.state": ["joined", "sampled_out"]}}
        found = self._counted(done, terminate_after=1)
        return bool(found["hits"]["total"]["value"])

    def blind(self) -> set[str]:
        """Name the models of which a new prediction may have a label that does not look for it.

        Those are models with labels that were sampled out, or were joined in other months only
        than their id tells; empty where a label names none.
        """
        away = [{"term": {"ml.join.state": "joined"}}, {"exists": {"field": "ml.join.next_at"}}]
        either = [{"term": {"ml.join.state": "sampled_out"}}, {"bool": {"filter": away}}]
        found = self._counted(
            {"bool": {"should": either, "minimum_should_match": 1}},
            aggs={"of": {"terms": {"field": "ml.model.name", "size": _MOST, "missing": ""}}},
        )
        return {bucket["key"] for bucket in buckets(found, "of")}

    def _counted(self, query: dict[str, Any], **asked: Any) -> Any:  # noqa: ANN401 - the client's
        def ask() -> Any:  # noqa: ANN401
            return self._client.search(
                pit={"id": self._view, "keep_alive": _KEEP},
                allow_partial_search_results=False,
                size=0,
                query=query,
                **asked,
            )

        found = whole(patiently(ask))
        self._view = found["pit_id"]
        return found

    def _pages(self, query: dict[str, Any], size: int, *, count: bool = False) -> Iterator[Any]:
        after: list[Any] | None = None
        while True:

            def ask(after: list[Any] | None = after) -> Any:  # noqa: ANN401 - the client's answer
                return self._client.search(
                    pit={"id": self._view, "keep_alive": _KEEP},
                    allow_partial_search_results=False,
                    size=size,
                    sort="_shard_doc",
                    search_after=after,
                    track_total_hits=count and after is None,
                    query=query,
                    source_includes=list(OF_LABELS),
                )

            page = whole(patiently(ask))
            self._view = page["pit_id"]
            hits = page["hits"]["hits"]
            if hits:
                yield page
            if len(hits) < size:
                return
            after = hits[-1]["sort"]


def _decisive(told: list[Told]) -> list[Told]:
    kept = {id(label) for label in condensed(each.label for each in told)}
    return [each for each in told if id(each.label) in kept]


@contextmanager
def viewed(client: Elasticsearch, prefix: str) -> Iterator[View]:
    """Open a view of all labels.

    It is refreshed before, on every copy of every shard: each label that an earlier view had is in
    it. Otherwise a slow copy could hide a label that is joined already, and a correction would be
    merged without it.
    """
    labels = pattern(prefix, [LABEL])
    whole(patiently(lambda: client.indices.refresh(index=labels)))
    opened = patiently(lambda: client.open_point_in_time(index=labels, keep_alive=_KEEP))["id"]
    try:
        yield View(client, opened)
    finally:
        with suppress(ApiError, TransportError):  # it ends by itself
            client.close_point_in_time(id=opened)


def places(client: Elasticsearch, prefix: str, keys: Sequence[str]) -> set[tuple[str, str]]:
    """Find the documents of predictions in whichever months: index and id of each."""

    def ask() -> Any:  # noqa: ANN401 - the client's answer
        return client.search(
            index=pattern(prefix, [PREDICTION]),
            allow_partial_search_results=False,
            query={"ids": {"values": list(keys)}},
            size=_MOST,
            stored_fields="_none_",  # no document is unpacked: an event's id is its document's
            docvalue_fields=[{"field": "event.id"}],
            track_total_hits=False,
        )

    if not keys:
        return set()
    hits = whole(patiently(ask))["hits"]["hits"]
    if len(hits) < _MOST or len(keys) == 1:
        return {(hit["_index"], hit["fields"]["event.id"][0]) for hit in hits}
    half = len(keys) // 2  # each is there in many months
    return places(client, prefix, keys[:half]) | places(client, prefix, keys[half:])


def documents(client: Elasticsearch, wanted: Iterable[tuple[str, str]]) -> Iterator[Document]:
    """Read predictions as they are at this moment; those that are not there are left out."""
    for part in slices(sorted(wanted), _HITS):
        asked = [{"_index": index, "_id": key} for index, key in part]

        def ask(asked: list[dict[str, str]] = asked) -> Any:  # noqa: ANN401 - the client's answer
            return client.mget(docs=asked, source_includes=list(OF_PREDICTIONS))

        for found in patiently(ask)["docs"]:
            if found.get("found"):
                seen = (found["_seq_no"], found["_primary_term"])
                yield Document(found["_index"], found["_id"], seen, found["_source"])


def lowest_rates(client: Elasticsearch, prefix: str, models: Collection[str]) -> dict[str, float]:
    """Give the smallest known sampling rate of models, of those that sample."""
    one_of: list[dict[str, Any]] = [{"terms": {"ml.model.name": sorted(models)}}]
    if "" in models:
        one_of.append({"bool": {"must_not": [{"exists": {"field": "ml.model.name"}}]}})
    sampled = {"range": {"ml.sample.rate": {"lt": 1.0}}}

    def ask() -> Any:  # noqa: ANN401 - the client's answer
        return client.search(
            index=pattern(prefix, [PREDICTION]),
            allow_partial_search_results=False,
            size=0,
            query={"bool": {"filter": [sampled], "should": one_of, "minimum_should_match": 1}},
            aggs={
                "models": {
                    "terms": {"field": "ml.model.name", "size": _MOST, "missing": ""},
                    "aggs": {"rate": {"min": {"field": "ml.sample.rate"}}},
                }
            },
        )

    found = whole(patiently(ask))
    return {bucket["key"]: bucket["rate"]["value"] for bucket in buckets(found, "models")}
