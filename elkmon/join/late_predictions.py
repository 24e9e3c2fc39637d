"""Find predictions that arrived after their labels were joined: late, or again in a later month.

A joined label no longer looks for predictions. So each pass looks once at the predictions that
arrived since the last pass. Most need nothing: a prediction in the month of its id is found by its
label, whenever that comes, unless the label was sampled out or was joined elsewhere.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from elkmon.events.datasets import PREDICTION
from elkmon.join.documents import iso, moment
from elkmon.join.lock import state_index
from elkmon.join.requests import point_in_time, retry, search
from elkmon.join.search import LabelView
from elkmon.join.write_merged import index_from_id
from elkmon.stores.elastic.indices import pattern

__all__ = ["Arrivals"]

_ID = "seen"
_SETTLED = timedelta(seconds=30)
"""A sequence number of this age is visible to every search, on every copy."""
_APART = timedelta(seconds=10)
_HITS = 10_000
_SHARD = tuple[str, int]
_FIELDS = [{"field": name} for name in ("event.id", "ml.prediction.id", "ml.model.name")]


class Arrivals:
    """What arrived since the last pass, by the sequence numbers of each shard."""

    def __init__(self, client: Elasticsearch, prefix: str, now: datetime) -> None:
        self._client = client
        self._prefix = prefix
        self._indices = pattern(prefix, [PREDICTION])
        self._now = now
        self._tops = self._highest()
        self._history = self._read()

    def predictions(self, view: LabelView) -> Generator[dict[str, str]]:
        """Yield pages of predictions that a label may have missed: ids by key.

        Args:
            view: the labels.
        """
        if not self._history and not view.any_joined():
            return  # labels that are still to be joined find them
        settled = self._settled()
        since = settled[-1][1] if settled else {}
        models = view.models_to_check()
        for shard in sorted({shard for _, shard in self._tops}):
            newer = self._newer(shard, since)
            if newer:
                yield from self._pages(shard, newer, models)

    def remember(self) -> None:
        """Store how far this pass has looked, for the next pass."""
        if self._history and self._history[-1][0] > self._now - _APART:
            return
        settled = self._settled()
        entries = [*settled[-1:], *self._history[len(settled) :], (self._now, self._tops)]
        text = orjson.dumps(
            [[iso(at), [[*shard, top] for shard, top in tops.items()]] for at, tops in entries]
        ).decode()
        document = {"history": text}
        retry(self._client.index, index=state_index(self._prefix), id=_ID, document=document)

    def _settled(self) -> list[tuple[datetime, dict[_SHARD, int]]]:
        return [entry for entry in self._history if entry[0] <= self._now - _SETTLED]

    def _read(self) -> list[tuple[datetime, dict[_SHARD, int]]]:
        client = self._client.options(ignore_status=404)
        answer = retry(client.get, index=state_index(self._prefix), id=_ID)
        if not answer.get("found"):
            return []
        return [
            (at, {(index, shard): top for index, shard, top in tops})
            for text, tops in orjson.loads(answer["_source"]["history"])
            if (at := moment(text)) is not None and at <= self._now
        ]

    def _highest(self) -> dict[_SHARD, int]:
        """Return the highest sequence number that each shard shows."""
        tops: dict[_SHARD, int] = {}
        shard = 0
        while True:
            answer = search(
                self._client,
                index=self._indices,
                preference=f"_shards:{shard}",
                size=0,
                query={"match_all": {}},
                aggs={
                    "indices": {
                        "terms": {"field": "_index", "size": _HITS},
                        "aggs": {"top": {"max": {"field": "_seq_no"}}},
                    }
                },
            )
            if not answer["_shards"]["total"]:
                return tops
            for bucket in answer["aggregations"]["indices"]["buckets"]:
                tops[bucket["key"], shard] = int(bucket["top"]["value"])
            shard += 1

    def _newer(self, shard: int, since: Mapping[_SHARD, int]) -> list[dict[str, Any]]:
        """Return a condition for each index in which a shard has something newer."""
        conditions = []
        for (index, number), top in self._tops.items():
            seen = since.get((index, shard), -1)
            seen = -1 if seen > top else seen  # the index was created anew
            if number == shard and top > seen:
                newer = {"range": {"_seq_no": {"gt": seen, "lte": top}}}
                conditions.append({"bool": {"filter": [{"term": {"_index": index}}, newer]}})
        return conditions

    def _pages(
        self, shard: int, newer: list[dict[str, Any]], models: set[str]
    ) -> Iterator[dict[str, str]]:
        joined = {"exists": {"field": "ml.truth.observed_at"}}
        query = {"bool": {"should": newer, "minimum_should_match": 1, "must_not": [joined]}}
        preference = f"_shards:{shard}"
        with point_in_time(self._client, index=self._indices, preference=preference) as point:
            for page in point.pages(
                _HITS, query=query, stored_fields="_none_", docvalue_fields=_FIELDS
            ):
                candidates = (self._candidate(hit, models) for hit in page["hits"]["hits"])
                if ids := dict(filter(None, candidates)):
                    yield ids

    def _candidate(self, hit: Mapping[str, Any], models: set[str]) -> tuple[str, str] | None:
        """Return the key and the id of a prediction that a label may have missed, or None."""
        fields = hit.get("fields", {})
        (prediction_id,) = fields.get("ml.prediction.id", [None])
        (model,) = fields.get("ml.model.name", [""])
        if prediction_id is None:
            return None
        if model not in models and index_from_id(self._prefix, prediction_id) == hit["_index"]:
            return None
        return fields["event.id"][0], prediction_id
