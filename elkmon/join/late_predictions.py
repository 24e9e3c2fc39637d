"""Predictions that came after their labels were joined: written again in a later month, or late.

A label that is joined is done with, so that it is the prediction's turn: whatever arrived since the
last pass is looked at once. Most need nothing: a prediction in the month that its own id tells is
found by its label, whenever that comes; unless that label was sampled out, or has found others.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.exceptions import TransportError

from elkmon.events.datasets import PREDICTION
from elkmon.join.documents import iso, moment
from elkmon.join.lock import state_index
from elkmon.join.requests import patiently, whole
from elkmon.join.search import View
from elkmon.join.write_merged import home
from elkmon.stores.elastic.indices import pattern

__all__ = ["Arrivals"]

_ID = "seen"
_SETTLED = timedelta(seconds=30)
"""What has been numbered so long ago is to be seen by every search, on every copy."""
_APART = timedelta(seconds=10)
_KEEP = "5m"
_HITS = 10_000
_SHARD = tuple[str, int]


class Arrivals:
    """What arrived since the last pass, by the sequence numbers of each shard."""

    def __init__(self, client: Elasticsearch, prefix: str, now: datetime) -> None:
        self._client = client
        self._index = state_index(prefix)
        self._prefix = prefix
        self._now = now
        self._tops = self._highest()
        self._history = self._read()

    def predictions(self, view: View) -> Generator[dict[str, str]]:
        """Give ids of predictions that a label may have missed, by their keys; page by page.

        Args:
            view: of the labels.
        """
        settled = [each for each in self._history if each[0] <= self._now - _SETTLED]
        if not self._history and not view.any_joined():
            return  # labels that are still to be joined find them
        since = settled[-1][1] if settled else {}
        blind = view.blind()
        for shard in sorted({shard for _, shard in self._tops}):
            newer = self._newer(shard, since)
            if newer:
                yield from self._page(shard, newer, blind)

    def remember(self) -> None:
        """Note how far this pass has looked, for the next."""
        history = self._history
        if history and history[-1][0] > self._now - _APART:
            return
        settled = [each for each in history if each[0] <= self._now - _SETTLED]
        young = history[len(settled) :]
        kept = [*settled[-1:], *young, (self._now, self._tops)]
        text = orjson.dumps(
            [[iso(at), [[*shard, top] for shard, top in tops.items()]] for at, tops in kept]
        ).decode()
        patiently(lambda: self._client.index(index=self._index, id=_ID, document={"history": text}))

    def _read(self) -> list[tuple[datetime, dict[_SHARD, int]]]:
        found = patiently(
            lambda: self._client.options(ignore_status=404).get(index=self._index, id=_ID)
        )
        if not found.get("found"):
            return []
        return [
            (at, {(index, shard): top for index, shard, top in tops})
            for text, tops in orjson.loads(found["_source"]["history"])
            if (at := moment(text)) is not None and at <= self._now
        ]

    def _highest(self) -> dict[_SHARD, int]:
        """Give the highest sequence number that each shard shows."""
        tops: dict[_SHARD, int] = {}
        shard = 0
        while True:

            def ask(shard: int = shard) -> Any:  # noqa: ANN401 - the client's answer
                return self._client.search(
                    index=pattern(self._prefix, [PREDICTION]),
                    preference=f"_shards:{shard}",
                    allow_partial_search_results=False,
                    size=0,
                    query={"match_all": {}},
                    aggs={
                        "of": {
                            "terms": {"field": "_index", "size": _HITS},
                            "aggs": {"top": {"max": {"field": "_seq_no"}}},
                        }
                    },
                )

            found = whole(patiently(ask))
            if not found["_shards"]["total"]:
                return tops
            for bucket in found["aggregations"]["of"]["buckets"]:
                tops[bucket["key"], shard] = int(bucket["top"]["value"])
            shard += 1

    def _newer(self, shard: int, since: Mapping[_SHARD, int]) -> list[dict[str, Any]]:
        """Give the condition of each index of which a shard has something newer."""
        conditions = []
        for (index, number), top in self._tops.items():
            seen = since.get((index, shard), -1)
            seen = -1 if seen > top else seen  # the index was made anew
            if number == shard and top > seen:
                newer = {"range": {"_seq_no": {"gt": seen, "lte": top}}}
                conditions.append({"bool": {"filter": [{"term": {"_index": index}}, newer]}})
        return conditions

    def _page(
        self, shard: int, newer: list[dict[str, Any]], blind: set[str]
    ) -> Iterator[dict[str, str]]:
        opened = patiently(
            lambda: self._client.open_point_in_time(
                index=pattern(self._prefix, [PREDICTION]),
                keep_alive=_KEEP,
                preference=f"_shards:{shard}",
            )
        )["id"]
        joined = {"exists": {"field": "ml.truth.observed_at"}}
        query = {"bool": {"should": newer, "minimum_should_match": 1, "must_not": [joined]}}
        after: list[Any] | None = None
        try:
            while True:

                def ask(after: list[Any] | None = after) -> Any:  # noqa: ANN401 - the client's answer
                    return self._client.search(
                        pit={"id": opened, "keep_alive": _KEEP},
                        allow_partial_search_results=False,
                        size=_HITS,
                        sort="_shard_doc",
                        search_after=after,
                        track_total_hits=False,
                        query=query,
                        stored_fields="_none_",
                        docvalue_fields=[
                            {"field": "event.id"},
                            {"field": "ml.prediction.id"},
                            {"field": "ml.model.name"},
                        ],
                    )

                hits = whole(patiently(ask))["hits"]["hits"]
                found = dict(filter(None, (self._suspect(hit, blind) for hit in hits)))
                if found:
                    yield found
                if len(hits) < _HITS:
                    return
                after = hits[-1]["sort"]
        finally:
            with suppress(ApiError, TransportError):  # it ends by itself
                self._client.close_point_in_time(id=opened)

    def _suspect(self, hit: Mapping[str, Any], blind: set[str]) -> tuple[str, str] | None:
        said = hit.get("fields", {})
        (prediction_id,) = said.get("ml.prediction.id", [None])
        (model,) = said.get("ml.model.name", [""])
        if prediction_id is None:
            return None
        if model not in blind and home(self._prefix, prediction_id) == hit["_index"]:
            return None
        return said["event.id"][0], prediction_id
