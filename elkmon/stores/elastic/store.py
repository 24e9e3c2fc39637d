"""The Elasticsearch store: the same questions as of a folder, asked of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from elkmon.events.cluster_settings import Access, access
from elkmon.events.fields import DATASETS, Dataset
from elkmon.retention.erasure import ErasureReport, ErasureRequest
from elkmon.retention.pruning import OldPart
from elkmon.stores.elastic.catalog import inventory
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import connect
from elkmon.stores.elastic.erase import erase_in_indices
from elkmon.stores.elastic.filter_query import timed
from elkmon.stores.elastic.grouping import Grouping, binned_apart
from elkmon.stores.elastic.health import health
from elkmon.stores.elastic.prune import prune_indices
from elkmon.stores.elastic.write import create
from elkmon.stores.event_findings import of_events
from elkmon.stores.finding import Finding, ordered
from elkmon.stores.protocol import Catalog, Dimension, Event, Filter, Measure, Progress, Table
from elkmon.stores.query_validation import check, check_events

__all__ = ["ElasticStore"]


class ElasticStore:
    """The events of a cluster; see :class:`elkmon.stores.protocol.Store`.

    A cluster without elkmon's indices is an empty store. It may be asked from several threads.

    Args:
        url: such as ``https://es:9200``.
        given: credentials, certificates, the prefix of indices; from the environment where not
            given.

    Raises:
        ConfigError: the address, or a setting, cannot be used.
    """

    def __init__(self, url: str, given: Access | None = None) -> None:
        own = access() if given is None else given
        self.url = url.rstrip("/")
        self.cluster = Cluster(connect(url, own), self.url, own.prefix)

    def aggregate(
        self,
        dataset: Dataset,
        *,
        by: Sequence[Dimension],
        measures: Sequence[Measure],
        where: Filter,
    ) -> Table:
        """Group events and compute measures.

        Raises:
            QueryError: a field that is not in the field table, or does not fit its use.
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        check(by, measures, where)
        names = [*(f"d{i}" for i in range(len(by))), *(f"m{i}" for i in range(len(measures)))]
        if not names:
            return Table((), ())
        asked = [
            (part, Grouping(by, measures, binned=binned, timed=timed(part)))
            for part, binned in binned_apart(by, where)
        ]
        buckets = (self.cluster.buckets([dataset], part, grouping) for part, grouping in asked)
        return Table(tuple(names), asked[0][1].rows(chain.from_iterable(buckets)))

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Give events, whole, sorted by time; predictions with what their labels made of them.

        Raises:
            QueryError: a field that is not in the field table, or does not fit its use; one that
                comes from labels, without ``dataset``.
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        check_events(dataset, where)
        order = {"order": "desc" if newest_first else "asc", "missing": "_last"}
        sort = [
            {"@timestamp": {**order, "unmapped_type": "date"}},
            {"event.created": {**order, "unmapped_type": "date"}},
            {"event.id": {**order, "unmapped_type": "keyword"}},
        ]
        datasets = DATASETS if dataset is None else (dataset,)
        for hit in self.cluster.hits(datasets, where, sort, limit):
            yield hit["_source"]

    def catalog(self) -> Catalog:
        """Say what is in the store.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        return inventory(self.cluster)

    def examine(self, progress: Progress | None = None) -> list[Finding]:  # noqa: ARG002 - quick
        """Say what is wrong with the indices, and with the events in them.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        found = health(self.cluster)
        if not any(each.level == "problem" for each in found):  # else no answer is to be trusted
            found += of_events(self)
        return ordered(found)

    def write(self, lines: Iterable[bytes]) -> None:
        """Write events, and return when they can be asked for.

        Raises:
            StoreError: they could not all be written.
        """
        create(self.cluster, lines)

    def prune(
        self,
        before: datetime,
        *,
        dry_run: bool,
        progress: Progress | None = None,  # noqa: ARG002 - one request
    ) -> list[OldPart]:
        """Delete the indices whose whole month is before a time; issues are kept for ever.

        Raises:
            StoreError: the cluster cannot be reached, or refuses.
        """
        return prune_indices(self.cluster, before, dry_run=dry_run)

    def erase(
        self,
        request: ErasureRequest,
        *,
        dry_run: bool,
        progress: Progress | None = None,  # noqa: ARG002 - how many there are is not known before
    ) -> ErasureReport:
        """Erase events, and have nobody see them any more.

        Raises:
            StoreError: the cluster cannot be reached, or refuses; an event could not be deleted.
        """
        return erase_in_indices(self.cluster, request, dry_run=dry_run)

    def close(self) -> None:
        """Give back the connections."""
        self.cluster.client.close()
