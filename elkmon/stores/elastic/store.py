"""The Elasticsearch store: the events of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from elkmon.events.cluster_settings import Access, access
from elkmon.events.datasets import DATASETS, Dataset
from elkmon.retention.erasure import ErasureReport, ErasureRequest
from elkmon.retention.pruning import OldPart
from elkmon.stores.elastic.catalog import read_catalog
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
        settings: credentials, certificates, the prefix of indices; from the environment if not
            given.

    Raises:
        ConfigError: the address, or a setting, cannot be used.
    """

    def __init__(self, url: str, settings: Access | None = None) -> None:
        settings = settings or access()
        self.url = url.rstrip("/")
        self.cluster = Cluster(connect(url, settings), self.url, settings.prefix)

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
            QueryError: a field is not in the field table, or cannot be used in this way.
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        check(by, measures, where)
        names = [*(f"d{i}" for i in range(len(by))), *(f"m{i}" for i in range(len(measures)))]
        if not names:
            return Table((), ())
        groupings = [
            (part, Grouping(by, measures, binned=binned, timed=timed(part)))
            for part, binned in binned_apart(by, where)
        ]
        buckets = (self.cluster.buckets([dataset], part, grouping) for part, grouping in groupings)
        return Table(tuple(names), groupings[0][1].rows(chain.from_iterable(buckets)))

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Yield whole events, sorted by time; predictions with the fields that the join has added.

        Raises:
            QueryError: a field is not in the field table, or cannot be used in this way; or it
                comes from labels, and no dataset is given.
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
        """Return the contents of the store.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        return read_catalog(self.cluster)

    def examine(self, progress: Progress | None = None) -> list[Finding]:  # noqa: ARG002 - quick
        """Return what is wrong with the indices, and with the events in them.

        Raises:
            StoreError: the cluster cannot be reached, refuses, or does not answer in full.
        """
        findings = health(self.cluster)
        if not any(finding.level == "problem" for finding in findings):  # else answers may be wrong
            findings += of_events(self)
        return ordered(findings)

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
        """Delete the indices whose month ended before a time; issues are kept for ever.

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
        """Erase events; afterwards no question counts them.

        Raises:
            StoreError: the cluster cannot be reached, or refuses; an event could not be deleted.
        """
        return erase_in_indices(self.cluster, request, dry_run=dry_run)

    def close(self) -> None:
        """Close the connections."""
        self.cluster.client.close()
