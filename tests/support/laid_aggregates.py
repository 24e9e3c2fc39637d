"""Provide a store with aggregates that a test sets, which records its questions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from elkmon.stores.protocol import Catalog, Dimension, Event, Filter, Measure, Table


@dataclass
class Laid:
    """Answer every aggregate with the same rows."""

    rows: Sequence[tuple[Any, ...]]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def aggregate(
        self, dataset: Any, *, by: Sequence[Dimension], measures: Sequence[Measure], where: Filter
    ) -> Table:
        self.asked.append({"dataset": dataset, "by": by, "measures": measures, "where": where})
        for row in self.rows:
            assert len(row) == len(by) + len(measures)
        return Table((), tuple(self.rows))

    def events(self, *_args: Any, **_options: Any) -> Iterator[Event]:
        raise AssertionError("a figure is made of aggregates")

    def catalog(self) -> Catalog:
        raise AssertionError("a figure is made of aggregates")

    def close(self) -> None:
        raise AssertionError("whoever opened a store closes it")


@pytest.fixture
def laid() -> Callable[..., Laid]:
    """Return a function that makes a store which answers with these rows."""
    return lambda *rows: Laid(rows)
