"""Ask a cluster: the indices that may hold the answer, page by page, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from elkmon.events.errors import StoreError
from elkmon.events.fields import DATASETS, Dataset
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.filter_query import query
from elkmon.stores.elastic.grouping import Grouping
from elkmon.stores.elastic.indices import month_of, pattern, short
from elkmon.stores.elastic.retry import patiently
from elkmon.stores.protocol import Filter

__all__ = ["Cluster"]

Json = dict[str, Any]

_MOST_NAMES = 60
"""Names of months that a request's first line has room for; where there are more, all are asked."""
_PAGE = 1000
"""Events of one answer."""
_KEEP = "2m"


class Cluster:
    """The indices of one prefix on a cluster.

    Args:
        client: to ask with.
        url: of the cluster, for messages.
        prefix: that all names begin with.
    """

    def __init__(self, client: Elasticsearch, url: str, prefix: str) -> None:
        self.client = client
        self.url = url
        self.prefix = prefix

    def search(self, names: str, body: Json) -> Json:
        """Ask once; a part of the answer is none.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """

        def ask() -> Json:
            # a closed index is an error rather than a smaller number
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
        """Give all buckets of a grouping.

        One request where one is enough; else all pages are of the same moment, or a join that runs
        meanwhile would move events from a page to come to one that is past.

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
        found = _groups(self.search(names, body))
        if len(found["buckets"]) < grouping.size:
            yield from found["buckets"]
            return
        with self._moment(names) as point:
            while True:
                answer = self.search("", {**body, "pit": point})
                point["id"] = answer["pit_id"]
                found = _groups(answer)
                yield from found["buckets"]
                if len(found["buckets"]) < grouping.size:
                    return
                composite["after"] = found["after_key"]

    def hits(
        self,
        datasets: Sequence[Dataset],
        where: Filter,
        sort: Sequence[Json],
        limit: int,
    ) -> Iterator[Mapping[str, Any]]:
        """Give events as they are asked for, a page at a time, all of the same moment.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        names = self.names(datasets, where)
        body: Json = {"track_total_hits": False, "query": query(where), "sort": list(sort)}
        if limit <= _PAGE:
            if limit > 0:
                yield from self.search(names, {**body, "size": limit})["hits"]["hits"]
            return
        with self._moment(names) as point:
            while limit > 0:
                answer = self.search("", {**body, "size": min(limit, _PAGE), "pit": point})
                point["id"] = answer["pit_id"]
                found = answer["hits"]["hits"]
                yield from found
                if len(found) < _PAGE:
                    return
                limit -= len(found)
                body["search_after"] = found[-1]["sort"]

    def names(self, datasets: Sequence[Dataset], where: Filter) -> str:
        """Name the indices that may hold events of a window; each with what it may be replaced by.

        Where a month has no index there is nothing to ask, and no error.
        """
        months = _months(where)
        if months is None or len(months) * len(datasets) > _MOST_NAMES:
            return pattern(self.prefix, datasets)
        return ",".join(
            f"{self.prefix}-{short(dataset)}-{month}*" for dataset in datasets for month in months
        )

    @contextmanager
    def _moment(self, names: str) -> Iterator[Json]:
        """Hold the events as they are now, for as long as they are asked for."""

        def hold() -> str:
            return self.client.open_point_in_time(  # type: ignore[no-any-return]  # JSON
                index=names, keep_alive=_KEEP, expand_wildcards=["open", "closed"]
            )["id"]

        doing = "hold events for a question"
        with store_errors(self.url, doing):
            point = patiently(hold, self.url, doing)
        held: Json = {"id": point, "keep_alive": _KEEP}
        try:
            yield held
        finally:
            with suppress(ApiError, TransportError):  # it ends by itself
                self.client.close_point_in_time(id=held["id"])

    def _check_readable(self, names: str) -> None:
        """Tell an empty store from one that these credentials may not see: both have no index.

        Raises:
            StoreError: they may not.
        """
        wanted = [{"names": names.split(","), "privileges": ["read"]}]
        try:
            allowed = self.client.security.has_privileges(index=wanted)["has_all_requested"]
        except ApiError:  # a server without security
            return
        if not allowed:
            raise StoreError(
                f"{self.url}: these credentials may not read {pattern(self.prefix, DATASETS[:1])}: "
                "they lack the privilege read; see elkmon setup --api-keys"
            )


def _groups(answer: Json) -> Json:
    """Give the composite of an answer; there is none where there is no index."""
    found: Json = answer.get("aggregations", {}).get("groups", {"buckets": []})
    return found


def _months(where: Filter) -> list[str] | None:
    """Name the months of a window, None where it is open."""
    if where.since is None or where.until is None:
        return None
    first, after = (
        each if each.tzinfo is None else each.astimezone(timezone.utc)
        for each in (where.since, where.until)
    )
    last = after.year * 12 + after.month - 1
    number = first.year * 12 + first.month - 1
    if last - number >= _MOST_NAMES:
        return None
    return [
        month_of(datetime(month // 12, month % 12 + 1, 1, tzinfo=timezone.utc))
        for month in range(number, last + 1)
    ]
