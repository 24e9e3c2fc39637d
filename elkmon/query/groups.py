"""Ask the store about predictions by group and step over time."""

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
ValueT = TypeVar("ValueT")


class Group(NamedTuple):
    """A group and a step over time."""

    by: tuple[Cell, ...]
    """Its values, in the order of the question's ``by``."""
    time: datetime | None
    """The beginning of the step; None without steps."""

    @property
    def words(self) -> str:
        """Return its name for a sentence."""
        name = " ".join("(none)" if cell is None else str(cell) for cell in self.by)
        return name if self.time is None else f"{name}, {self.time:%Y-%m-%d %H:%M}"


def ask(
    store: Store,
    question: Question,
    by: Sequence[Dimension],
    measures: Sequence[Measure],
    *only: Condition,
) -> tuple[Row, ...]:
    """Return measures of predictions by group and step.

    Args:
        store: to ask.
        question: what to ask.
        by: further dimensions within each group and step.
        measures: to compute.
        only: conditions besides those of the question.

    Returns:
        Rows: the question's dimensions, then ``by``, then ``measures``.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    base = question.filter
    return store.aggregate(
        PREDICTION,
        by=(*question.dimensions, *by),
        measures=measures,
        where=Filter(base.since, base.until, (*base.conditions, *only)),
    ).rows


def group_of(question: Question, row: Row) -> Group:
    """Return the group and step of a row."""
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
    """Return the rows of :func:`ask`, each as its group and the cells after it."""
    width = len(question.dimensions)
    for row in ask(store, question, by, measures, *only):
        yield group_of(question, row), row[width:]


def in_order(items: Mapping[KeyT, ValueT]) -> list[tuple[KeyT, ValueT]]:
    """Return the items sorted by group, then by step, then by the rest of the key."""
    return sorted(items.items(), key=lambda item: natural_all(_flat(item[0])))


def _flat(key: tuple[Any, ...]) -> Iterator[Cell]:
    for part in key:
        if isinstance(part, tuple):
            yield from _flat(part)
        else:
            yield part


def support(field: str | None = None) -> tuple[Measure, ...]:
    """Return the measures of ``Sums``: of all events, or of those that have a field."""
    return Measure("count", field), Measure("weight", field), Measure("weight2", field)
