"""Business and host figures over time: what ``elkmon.metric`` events hold, by name.

What an application logged is one figure an event, under ``metric.name``; of a host's readings
several stand in one event, each under a field of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from elkmon.events.datasets import METRIC
from elkmon.events.errors import QueryError
from elkmon.events.fields import READINGS, Field
from elkmon.present.result import Result
from elkmon.query.conditions import foreign
from elkmon.query.question import Question
from elkmon.query.times import step, utc
from elkmon.questions.record import Answer
from elkmon.statistics.natural_order import natural_all
from elkmon.stores.protocol import Cell, Condition, FieldValue, Measure, Store

__all__ = ["MetricRow", "answer", "metrics", "whole"]

_NAME, _UNIT, _VALUE = "metric.name", "metric.unit", "metric.value"
_MEASURES = (
    *(Measure("count"), Measure("count", _VALUE), Measure("weight", _VALUE)),
    *(Measure("sum", _VALUE), Measure("min", _VALUE), Measure("max", _VALUE)),
)


_Kind = Literal["count", "sum", "min", "max"]
_OF_READING: tuple[_Kind, ...] = ("count", "sum", "min", "max")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One figure of one group."""

    by: Mapping[str, Cell]
    time: datetime | None
    name: str
    unit: str | None
    count: int
    """Events that have a value."""
    absent: int
    """Events whose value was NaN or infinite."""
    mean: float | None
    """None where no event has a value."""
    min: float | None
    max: float | None


def metrics(store: Store, question: Question, names: tuple[str, ...] = ()) -> Result[MetricRow]:
    """Give count, mean, least and greatest value of each figure, by name and unit.

    Args:
        store: to ask.
        question: what to ask; figures that belong to no model are a group of their own.
        names: only these figures.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    unknown = foreign((*question.conditions, *_named(question)), METRIC)
    if unknown:
        raise QueryError(f"{', '.join(unknown)} is not known of metrics")
    readings = [each for each in READINGS if not names or each.name in names]
    rows = _logged(store, question, names) if len(readings) < len(names) or not names else []
    rows += _read(store, question, readings) if readings else []
    rows.sort(key=lambda r: natural_all((r.name, r.unit, *r.by.values(), r.time)))
    figures = ("name", "unit", "count", "absent", "mean", "min", "max")
    return Result(question, tuple(rows), (*question.by, "time", *figures))


def _logged(store: Store, question: Question, names: tuple[str, ...]) -> list[MetricRow]:
    """Ask for what applications logged."""
    named = Condition(_NAME, "=", names) if names else Condition(_NAME, "exists")
    where = replace(question.filter, conditions=(*question.filter.conditions, named))
    by = (FieldValue(_NAME), FieldValue(_UNIT), *question.dimensions)
    table = store.aggregate(METRIC, by=by, measures=_MEASURES, where=where)
    return [_row(question, row) for row in table.rows]


def _read(store: Store, question: Question, readings: Sequence[Field]) -> list[MetricRow]:
    """Ask for what was read of hosts: one question for all fields."""
    measures = [Measure(kind, each.name) for each in readings for kind in _OF_READING]
    unnamed = Condition(_NAME, "missing")
    where = replace(question.filter, conditions=(*question.filter.conditions, unnamed))
    table = store.aggregate(METRIC, by=question.dimensions, measures=measures, where=where)
    found = []
    width = len(question.dimensions)
    for row in table.rows:
        groups, figures = row[:width], row[width:]
        for place, field in enumerate(readings):
            first = place * len(_OF_READING)
            count, total, least, most = figures[first : first + len(_OF_READING)]
            if count:
                of = (count, count, count, total, least, most)
                found.append(_row(question, (field.name, field.unit or None, *groups, *of)))
    return found


def whole(rows: tuple[MetricRow, ...]) -> list[MetricRow]:
    """Put the steps in time of each figure together."""
    found: dict[tuple[object, ...], MetricRow] = {}
    for row in rows:
        key = (row.name, row.unit, *row.by.values())
        found[key] = _together(found[key], row) if key in found else replace(row, time=None)
    return list(found.values())


def _together(one: MetricRow, two: MetricRow) -> MetricRow:
    number = one.count + two.count
    total = (one.mean or 0.0) * one.count + (two.mean or 0.0) * two.count
    least = [each for each in (one.min, two.min) if each is not None]
    most = [each for each in (one.max, two.max) if each is not None]
    return replace(
        one,
        count=number,
        absent=one.absent + two.absent,
        mean=total / number if number else None,
        min=min(least, default=None),
        max=max(most, default=None),
    )


def _named(question: Question) -> tuple[Condition, ...]:
    return tuple(
        Condition(each.field, "exists")
        for each in question.dimensions
        if isinstance(each, FieldValue)
    )


def _row(question: Question, cells: tuple[Cell, ...]) -> MetricRow:
    name, unit, *rest = cells
    groups, figures = rest[: len(question.dimensions)], rest[len(question.dimensions) :]
    time = groups.pop() if question.every is not None else None
    events, number, weight, total, least, most = (
        None if each is None else float(each)  # type: ignore[arg-type]  # measures are numbers
        for each in figures
    )
    return MetricRow(
        by=dict(zip(question.by, groups, strict=True)),
        time=utc(time) if isinstance(time, datetime) else None,
        name=str(name),
        unit=None if unit is None else str(unit),
        count=int(number or 0),
        absent=int((events or 0) - (number or 0)),
        mean=total / weight if total is not None and weight else None,
        min=least,
        max=most,
    )


def answer(store: Store, question: Question, names: tuple[str, ...]) -> Answer:
    """Return what the command shows; arguments and errors as of :func:`metrics`."""
    steps = question.every or step(question.since, question.until)
    stepped = metrics(store, question.stepped(steps), names)
    rows = stepped.rows if question.every else tuple(whole(stepped.rows))
    return Answer(Result(question, rows, stepped.columns), steps, lambda: stepped.rows)
