"""Groups and steps over time: what a question about predictions is answered in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from elkmon.events.datasets import PREDICTION
from elkmon.query.question import Question
from elkmon.query.times import utc
from elkmon.statistics.natural_order import natural_all
from elkmon.stores.protocol import Cell, Condition, Dimension, Filter, Measure, Store

__all__ = ["Group", "ask", "group_of", "grouped", "in_order", "support"]

Row = tuple[Any, ...]
KeyT = TypeVar("KeyT", bound="tuple[Any, ...]")
FoundT = TypeVar("FoundT")


class Group(NamedTuple):
    """One group, and one of its steps in time."""

    by: tuple[Cell, ...]
    """Its values, in the order in which the groups were asked for."""
    time: datetime | None
    """Begin of the step; None where no steps were asked for."""

    @property
    def words(self) -> str:
        """Name it in a sentence."""
        name = " ".join("(none)" if cell is None else str(cell) for cell in self.by)
        return name if self.time is None else f"{name}, {self.time:%Y-%m-%d %H:%M}"


def ask(
    store: Store,
    question: Question,
    by: Sequence[Dimension],
    measures: Sequence[Measure],
    *only: Condition,
) -> tuple[Row, ...]:
    """Ask about predictions by group and step.

    Args:
        store: to ask.
        question: what to ask.
        by: what to group by within each group and step.
        measures: what to compute.
        only: conditions besides those of the question.

    Returns:
        Rows that :func:`group_of` names; from :func:`width` on stands what was asked for besides.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    own = question.filter
    return store.aggregate(
        PREDICTION,
        by=(*question.dimensions, *by),
        measures=measures,
        where=Filter(own.since, own.until, (*own.conditions, *only)),
    ).rows


def group_of(question: Question, row: Row) -> Group:
    """Give the group and step of a row."""
    width = len(question.by)
    time = row[width] if question.every is not None else None
    return Group(row[:width], utc(time) if isinstance(time, datetime) else None)


def grouped(
    store: Store,
    question: Question,
    by: Sequence[Dimension],
    measures: Sequence[Measure],
    *only: Condition,
) -> Iterator[tuple[Group, Row]]:
    """Ask as :func:`ask` does; give each row as its group, and what was asked for besides."""
    width = len(question.dimensions)
    for row in ask(store, question, by, measures, *only):
        yield group_of(question, row), row[width:]


def in_order(found: Mapping[KeyT, FoundT]) -> list[tuple[KeyT, FoundT]]:
    """Sort by group as people expect it, then by step, then by what else keys hold."""
    return sorted(found.items(), key=lambda item: natural_all(_flat(item[0])))


def _flat(key: tuple[Any, ...]) -> Iterator[Cell]:
    for part in key:
        if isinstance(part, tuple):
            yield from _flat(part)
        else:
            yield part


def support(field: str | None = None) -> tuple[Measure, ...]:
    """Return the measures that ``Sums`` are made of: of events, or of those with a field."""
    return Measure("count", field), Measure("weight", field), Measure("weight2", field)
