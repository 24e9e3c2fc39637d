"""Keep what a store answers while a report is built, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from elkmon.events.datasets import Dataset
from elkmon.stores.protocol import Catalog, Dimension, Event, Filter, Measure, Store, Table

__all__ = ["CachedStore"]

_Key = tuple[Dataset, tuple[Dimension, ...], tuple[Measure, ...], Filter]


class CachedStore:
    """A store that keeps its catalog and aggregates: several sections ask for the same ones.

    Args:
        store: the store to ask; it stays open.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._catalog: Catalog | None = None
        self._tables: dict[_Key, Table] = {}

    def aggregate(
        self,
        dataset: Dataset,
        *,
        by: Sequence[Dimension],
        measures: Sequence[Measure],
        where: Filter,
    ) -> Table:
        """Return the aggregate; the store computes it once."""
        key = (dataset, tuple(by), tuple(measures), where)
        if key not in self._tables:
            self._tables[key] = self._store.aggregate(
                dataset, by=by, measures=measures, where=where
            )
        return self._tables[key]

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Return the events of the store."""
        return self._store.events(dataset, where=where, limit=limit, newest_first=newest_first)

    def catalog(self) -> Catalog:
        """Return the catalog; the store computes it once."""
        if self._catalog is None:
            self._catalog = self._store.catalog()
        return self._catalog

    def close(self) -> None:
        """Forget the aggregates; the store stays open."""
        self._tables.clear()
