"""Erase events on a cluster: find them in a point in time, then delete them in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import ProvisionError
from elkmon.retention.erasure import ErasureReport, ErasureRequest, dataset_of
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.indices import pattern

__all__ = ["erase_in_indices"]

_PAGE = 1000
_IDS = 1000
"""Predictions in one search."""
_KEEP = "5m"
_FIELDS = ["event.dataset", "user.hash", "ml.prediction.id", "ml.model.name"]
_GONE = 404

Json = dict[str, Any]


def erase_in_indices(cluster: Cluster, request: ErasureRequest, *, dry_run: bool) -> ErasureReport:
    """Erase events; afterwards no question counts them.

    Args:
        cluster: that holds the events.
        request: what to erase; the predictions of its user are added to it.
        dry_run: whether only to count.

    Raises:
        ProvisionError: an event could not be deleted.
        StoreError: the cluster cannot be reached, or refuses.
    """
    client, names = cluster.client, pattern(cluster.prefix)
    report = ErasureReport()
    with store_errors(cluster.url, "erase events"):
        client.indices.refresh(index=names)
        with _point_in_time(client, names) as point:
            if request.user is not None:
                mine = [_term("user.hash", request.user), _term("event.dataset", PREDICTION)]
                for hit in _hits(client, point, {"bool": {"filter": mine}}):
                    request.learn(hit["_source"])
            for query in _queries(request):
                page: list[Json] = []
                for hit in _hits(client, point, query):
                    report.add(dataset_of(hit["_source"]))
                    page.append(hit)
                    if len(page) == _PAGE:
                        _delete(client, page, dry_run=dry_run)
                        page = []
                _delete(client, page, dry_run=dry_run)
        if not dry_run:
            client.indices.refresh(index=names)
    return report


@contextmanager
def _point_in_time(client: Elasticsearch, names: str) -> Iterator[Json]:
    """Yield a point in time, so that deleting events does not shift the pages still to come."""
    opened = client.open_point_in_time(index=names, keep_alive=_KEEP)
    point = {"id": opened["id"], "keep_alive": _KEEP}
    try:
        yield point
    finally:
        with suppress(ApiError, TransportError):  # it expires anyway
            client.close_point_in_time(id=point["id"])


def _queries(request: ErasureRequest) -> Iterator[Json]:
    """Yield queries that together find every event of a request once."""
    others: list[Json] = []
    if request.user is not None:
        yield {"bool": {"filter": [_term("user.hash", request.user)]}}
        others = [_term("user.hash", request.user)]
    of_model: dict[str | None, list[str]] = {}
    for prediction, models in request.models.items():
        for model in {None} if None in models else models:
            of_model.setdefault(model, []).append(prediction)
    anonymous = {"bool": {"must_not": [{"exists": {"field": "ml.model.name"}}]}}
    seen: set[str] = set()
    for model, predictions in of_model.items():
        for first in range(0, len(predictions), _IDS):
            ids = predictions[first : first + _IDS]
            filters: list[Json] = [{"terms": {"ml.prediction.id": ids}}]
            if model is not None:
                named = _term("ml.model.name", model)
                fresh = [prediction for prediction in ids if prediction not in seen]
                seen.update(fresh)  # only one query is to find an event without a model
                nameless = {"bool": {"filter": [{"terms": {"ml.prediction.id": fresh}}, anonymous]}}
                filters.append({"bool": {"should": [named, nameless], "minimum_should_match": 1}})
            yield {"bool": {"filter": filters, "must_not": others}}


def _term(name: str, value: str) -> Json:
    return {"term": {name: value}}


def _hits(client: Elasticsearch, point: Mapping[str, Any], query: Json) -> Iterator[Json]:
    after: list[Any] | None = None
    while True:
        answer = client.search(
            pit=point,
            query=query,
            size=_PAGE,
            sort=[{"_shard_doc": "asc"}],
            search_after=after,
            source_includes=_FIELDS,
            track_total_hits=False,
            allow_partial_search_results=False,
        )
        hits = answer["hits"]["hits"]
        yield from hits
        if len(hits) < _PAGE:
            return
        after = hits[-1]["sort"]


def _delete(client: Elasticsearch, page: list[Json], *, dry_run: bool) -> None:
    if dry_run or not page:
        return
    actions = [{"delete": {"_index": hit["_index"], "_id": hit["_id"]}} for hit in page]
    answer = client.bulk(operations=actions)
    if not answer["errors"]:
        return
    for item in answer["items"]:
        result = item["delete"]
        if "error" in result and result["status"] != _GONE:
            raise ProvisionError(
                f"{result['_index']}: event {result['_id']} could not be deleted: "
                f"{result['error'].get('reason')}; those before it are deleted: solve this, then "
                "run it again"
            )
