"""Searches of the join: labels, documents of predictions, and sampling rates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elasticsearch import Elasticsearch

from elkmon.events.datasets import LABEL, PREDICTION
from elkmon.join import requests
from elkmon.join.documents import (
    LABEL_FIELDS,
    PREDICTION_FIELDS,
    LabelDocument,
    decisive,
    iso,
    read_label,
)
from elkmon.stores.elastic.indices import pattern

__all__ = [
    "LabelView",
    "PredictionDocument",
    "locations",
    "lowest_rates",
    "open_labels",
    "read_predictions",
]

_HITS = 5000
_MOST = 10_000
"""Hits of one search, and models."""
_CROWD = 1000
"""With more labels of one prediction, only those that decide are kept in memory."""


@dataclass(frozen=True, slots=True)
class PredictionDocument:
    """A prediction's document as it is now.

    Attributes:
        index: its index.
        id: its id.
        seen: its sequence number and primary term.
        source: the fields that the join reads.
    """

    index: str
    id: str
    seen: tuple[int, int]
    source: Mapping[str, Any]


class LabelView:
    """All labels that were acknowledged before it was opened, whatever happens afterwards."""

    def __init__(self, point: requests.PointInTime) -> None:
        self._point = point

    def waiting(self, now: datetime, size: int) -> Iterator[tuple[list[LabelDocument], int]]:
        """Yield pages of the labels to join: new ones, and orphans that are due.

        Yields:
            A page, and the number of labels on all pages.
        """
        due = [
            {"bool": {"must_not": [{"exists": {"field": "ml.join.state"}}]}},
            {"term": {"ml.join.state": "pending"}},
            {"range": {"ml.join.next_at": {"lte": iso(now)}}},
        ]
        query = {"bool": {"should": due, "minimum_should_match": 1}}
        total = 0
        for page in self._point.pages(size, count=True, query=query, source_includes=LABEL_FIELDS):
            total = total or page["hits"]["total"]["value"]
            yield [read_label(hit) for hit in page["hits"]["hits"]], total

    def labels(
        self, ids: Collection[str], states: Sequence[str] = ()
    ) -> dict[str, list[LabelDocument]]:
        """Return the labels of predictions, by the key of the prediction.

        Of very many labels of one prediction only those that decide are returned.

        Args:
            ids: ids of the predictions, of any models.
            states: states of the labels; empty for any state.
        """
        conditions = [{"terms": {"ml.prediction.id": list(ids)}}]
        if states:
            conditions.append({"terms": {"ml.join.state": list(states)}})
        query = {"bool": {"filter": conditions}}
        by_key: dict[str, list[LabelDocument]] = {}
        for page in self._point.pages(_HITS, query=query, source_includes=LABEL_FIELDS):
            crowded: set[str] = set()
            for label in map(read_label, page["hits"]["hits"]):
                labels = by_key.setdefault(label.key, [])
                labels.append(label)
                if len(labels) > _CROWD:
                    crowded.add(label.key)
            for key in crowded:
                by_key[key] = _decisive(by_key[key])
        return by_key

    def any_joined(self) -> bool:
        """Return whether any label is joined or sampled out."""
        query = {"terms": {"ml.join.state": ["joined", "sampled_out"]}}
        answer = self._point.search(size=0, query=query, terminate_after=1)
        return bool(answer["hits"]["total"]["value"])

    def models_to_check(self) -> set[str]:
        """Return the models whose new predictions may have a label that no longer looks for them.

        They have labels that were sampled out, or joined only in other months than the one in the
        prediction's id; the empty name stands for labels without a model.
        """
        elsewhere = [
            {"term": {"ml.join.state": "joined"}},
            {"exists": {"field": "ml.join.next_at"}},
        ]
        either = [{"term": {"ml.join.state": "sampled_out"}}, {"bool": {"filter": elsewhere}}]
        answer = self._point.search(
            size=0,
            query={"bool": {"should": either, "minimum_should_match": 1}},
            aggs={"models": {"terms": {"field": "ml.model.name", "size": _MOST, "missing": ""}}},
        )
        return {bucket["key"] for bucket in requests.buckets(answer, "models")}


def _decisive(labels: list[LabelDocument]) -> list[LabelDocument]:
    selected = {id(label) for label in decisive(document.label for document in labels)}
    return [document for document in labels if id(document.label) in selected]


@contextmanager
def open_labels(client: Elasticsearch, prefix: str) -> Iterator[LabelView]:
    """Open a view of all labels.

    Every copy of every shard is refreshed first, so that the view has each label that an earlier
    view had. Otherwise a slow copy could hide a label that is joined already, and a correction
    would be merged without it.
    """
    indices = pattern(prefix, [LABEL])
    requests.complete(requests.retry(client.indices.refresh, index=indices))
    with requests.point_in_time(client, index=indices) as point:
        yield LabelView(point)


def locations(client: Elasticsearch, prefix: str, keys: Sequence[str]) -> set[tuple[str, str]]:
    """Return the index and the id of each document of predictions, in any month."""
    if not keys:
        return set()
    answer = requests.search(
        client,
        index=pattern(prefix, [PREDICTION]),
        query={"ids": {"values": list(keys)}},
        size=_MOST,
        stored_fields="_none_",  # unpacks no document: an event's id is its document's
        docvalue_fields=[{"field": "event.id"}],
        track_total_hits=False,
    )
    hits = answer["hits"]["hits"]
    if len(hits) < _MOST or len(keys) == 1:
        return {(hit["_index"], hit["fields"]["event.id"][0]) for hit in hits}
    half = len(keys) // 2  # each is in many months
    return locations(client, prefix, keys[:half]) | locations(client, prefix, keys[half:])


def read_predictions(
    client: Elasticsearch, places: Iterable[tuple[str, str]]
) -> Iterator[PredictionDocument]:
    """Yield the documents of predictions as they are now; those that do not exist are left out.

    Args:
        client: client of the cluster.
        places: index and id of each.
    """
    for part in requests.chunks(sorted(places), _HITS):
        docs = [{"_index": index, "_id": key} for index, key in part]
        answer = requests.retry(client.mget, docs=docs, source_includes=PREDICTION_FIELDS)
        for document in answer["docs"]:
            if document.get("found"):
                seen = (document["_seq_no"], document["_primary_term"])
                yield PredictionDocument(
                    document["_index"], document["_id"], seen, document["_source"]
                )


def lowest_rates(client: Elasticsearch, prefix: str, models: Collection[str]) -> dict[str, float]:
    """Return the smallest known sampling rate of each model that samples."""
    any_model: list[dict[str, Any]] = [{"terms": {"ml.model.name": sorted(models)}}]
    if "" in models:
        any_model.append({"bool": {"must_not": [{"exists": {"field": "ml.model.name"}}]}})
    sampled = {"range": {"ml.sample.rate": {"lt": 1.0}}}
    answer = requests.search(
        client,
        index=pattern(prefix, [PREDICTION]),
        size=0,
        query={"bool": {"filter": [sampled], "should": any_model, "minimum_should_match": 1}},
        aggs={
            "models": {
                "terms": {"field": "ml.model.name", "size": _MOST, "missing": ""},
                "aggs": {"rate": {"min": {"field": "ml.sample.rate"}}},
            }
        },
    )
    return {bucket["key"]: bucket["rate"]["value"] for bucket in requests.buckets(answer, "models")}
