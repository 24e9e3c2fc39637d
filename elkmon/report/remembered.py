"""A store that is asked nothing twice while a report is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from elkmon.events.datasets import Dataset
from elkmon.stores.protocol import Catalog, Dimension, Event, Filter, Measure, Store, Table

__all__ = ["Remembered"]

_Asked = tuple[Dataset, tuple[Dimension, ...], tuple[Measure, ...], Filter]


class Remembered:
    """A store whose catalog and aggregates are kept: several figures ask for the same ones.

    Args:
        store: to ask; it stays open.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._catalog: Catalog | None = None
        self._tables: dict[_Asked, Table] = {}

    def aggregate(
        self,
        dataset: Dataset,
        *,
        by: Sequence[Dimension],
        measures: Sequence[Measure],
        where: Filter,
    ) -> Table:
        """Group events and compute measures, as the store does, once."""
        asked = (dataset, tuple(by), tuple(measures), where)
        if asked not in self._tables:
            self._tables[asked] = self._store.aggregate(
                dataset, by=by, measures=measures, where=where
            )
        return self._tables[asked]

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Give events, as the store does."""
        return self._store.events(dataset, where=where, limit=limit, newest_first=newest_first)

    def catalog(self) -> Catalog:
        """Say what is in the store, as it does, once."""
        if self._catalog is None:
            self._catalog = self._store.catalog()
        return self._catalog

    def close(self) -> None:
        """Forget; the store stays open."""
        self._tables.clear()
