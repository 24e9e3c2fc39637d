"""Search the indices of a cluster, page by page; an answer is complete, or an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from elkmon.events.datasets import DATASETS, Dataset, short_name
from elkmon.events.errors import StoreError
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.filter_query import query
from elkmon.stores.elastic.grouping import Grouping
from elkmon.stores.elastic.indices import month_of, pattern
from elkmon.stores.elastic.retry import patiently
from elkmon.stores.protocol import Filter

__all__ = ["Cluster"]

Json = dict[str, Any]

_MOST_NAMES = 60
"""Names that fit into the address of a request; for more, all months are asked."""
_PAGE = 1000
"""Events in one answer."""
_KEEP = "2m"


class Cluster:
    """The indices of one prefix on a cluster.

    Args:
        client: of the cluster.
        url: of the cluster, for messages.
        prefix: of the names of all indices.
    """

    def __init__(self, client: Elasticsearch, url: str, prefix: str) -> None:
        self.client = client
        self.url = url
        self.prefix = prefix

    def search(self, names: str, body: Json) -> Json:
        """Return the answer to one search.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """

        def ask() -> Json:
            # a closed index is to be an error, not a smaller number
            return self.client.search(  # type: ignore[no-any-return]  # JSON
                index=names or None,
                body=body,
                allow_partial_search_results=False,
                expand_wildcards=["open", "closed"] if names else None,
            ).body

        doing = "ask for events"
        with store_errors(self.url, doing):
            answer = patiently(ask, self.url, doing)
        shards = answer["_shards"]
        if answer["timed_out"] or shards["failed"]:
            raise StoreError(f"{self.url}: only a part was answered: {shards}; try again")
        if names and not shards["total"]:
            self._check_readable(names)
        return answer

    def buckets(
        self, datasets: Sequence[Dataset], where: Filter, grouping: Grouping
    ) -> Iterator[Mapping[str, Any]]:
        """Yield all buckets of a grouping.

        If one request is not enough, all pages are of one point in time: else a join that runs
        meanwhile could move events from a later page to an earlier one.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        composite: Json = {"size": grouping.size, "sources": grouping.sources}
        groups: Json = {"composite": composite}
        if grouping.aggregations:
            groups["aggs"] = grouping.aggregations
        body: Json = {
            "size": 0,
            "track_total_hits": False,
            "query": query(where),
            "aggs": {"groups": groups},
        }
        names = self.names(datasets, where)
        page = _groups(self.search(names, body))
        if len(page["buckets"]) < grouping.size:
            yield from page["buckets"]
            return
        with self._point_in_time(names) as point:
            while True:
                answer = self.search("", {**body, "pit": point})
                point["id"] = answer["pit_id"]
                page = _groups(answer)
                yield from page["buckets"]
                if len(page["buckets"]) < grouping.size:
                    return
                composite["after"] = page["after_key"]

    def hits(
        self,
        datasets: Sequence[Dataset],
        where: Filter,
        sort: Sequence[Json],
        limit: int,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield events, a page at a time, all of one point in time.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        names = self.names(datasets, where)
        body: Json = {"track_total_hits": False, "query": query(where), "sort": list(sort)}
        if limit <= _PAGE:
            if limit > 0:
                yield from self.search(names, {**body, "size": limit})["hits"]["hits"]
            return
        with self._point_in_time(names) as point:
            while limit > 0:
                answer = self.search("", {**body, "size": min(limit, _PAGE), "pit": point})
                point["id"] = answer["pit_id"]
                page = answer["hits"]["hits"]
                yield from page
                if len(page) < _PAGE:
                    return
                limit -= len(page)
                body["search_after"] = page[-1]["sort"]

    def names(self, datasets: Sequence[Dataset], where: Filter) -> str:
        """Return patterns of the indices that may hold events of a window.

        A pattern also matches the index that may replace one; a month without an index is no error.
        """
        months = _months(where)
        if months is None or len(months) * len(datasets) > _MOST_NAMES:
            return pattern(self.prefix, datasets)
        return ",".join(
            f"{self.prefix}-{short_name(dataset)}-{month}*"
            for dataset in datasets
            for month in months
        )

    @contextmanager
    def _point_in_time(self, names: str) -> Iterator[Json]:
        """Yield a point in time of the events, held until the block ends."""

        def open_point() -> str:
            return self.client.open_point_in_time(  # type: ignore[no-any-return]  # JSON
                index=names, keep_alive=_KEEP, expand_wildcards=["open", "closed"]
            )["id"]

        doing = "hold events for a question"
        with store_errors(self.url, doing):
            identifier = patiently(open_point, self.url, doing)
        point: Json = {"id": identifier, "keep_alive": _KEEP}
        try:
            yield point
        finally:
            with suppress(ApiError, TransportError):  # it expires anyway
                self.client.close_point_in_time(id=point["id"])

    def _check_readable(self, names: str) -> None:
        """Check that a search without any index is not for want of a privilege.

        Raises:
            StoreError: the credentials may not read the indices.
        """
        request = [{"names": names.split(","), "privileges": ["read"]}]
        try:
            allowed = self.client.security.has_privileges(index=request)["has_all_requested"]
        except ApiError:  # the server has no security
            return
        if not allowed:
            raise StoreError(
                f"{self.url}: these credentials may not read {pattern(self.prefix, DATASETS[:1])}: "
                "they lack the privilege read; see elkmon setup --api-keys"
            )


def _groups(answer: Json) -> Json:
    """Return the composite of an answer; without any index there is none."""
    groups: Json = answer.get("aggregations", {}).get("groups", {"buckets": []})
    return groups


def _months(where: Filter) -> list[str] | None:
    """Return the months of a window, as in names of indices; None if the window is open."""
    if where.since is None or where.until is None:
        return None
    first, after = (
        time if time.tzinfo is None else time.astimezone(timezone.utc)
        for time in (where.since, where.until)
    )
    last = after.year * 12 + after.month - 1
    number = first.year * 12 + first.month - 1
    if last - number >= _MOST_NAMES:
        return None
    return [
        month_of(datetime(month // 12, month % 12 + 1, 1, tzinfo=timezone.utc))
        for month in range(number, last + 1)
    ]
