"""Compute business and host metrics over time from ``elkmon.metric`` events.

An application logs one metric per event, under ``metric.name``; an event of a host holds several
readings, each in its own field.
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
from elkmon.query.conditions import unknown_fields
from elkmon.query.question import Question
from elkmon.query.times import step, utc
from elkmon.questions.record import Answer
from elkmon.statistics.natural_order import natural_all
from elkmon.stores.protocol import Cell, Condition, FieldValue, Measure, Store

__all__ = ["MetricRow", "answer", "metrics", "sum_steps"]

_NAME, _UNIT, _VALUE = "metric.name", "metric.unit", "metric.value"
_MEASURES = (
    *(Measure("count"), Measure("count", _VALUE), Measure("weight", _VALUE)),
    *(Measure("sum", _VALUE), Measure("min", _VALUE), Measure("max", _VALUE)),
)


_Kind = Literal["count", "sum", "min", "max"]
_OF_READING: tuple[_Kind, ...] = ("count", "sum", "min", "max")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of one group."""

    by: Mapping[str, Cell]
    time: datetime | None
    name: str
    unit: str | None
    count: int
    """Events with a value."""
    absent: int
    """Events with a value that is NaN or infinite."""
    mean: float | None
    """None if no event has a value."""
    min: float | None
    max: float | None


def metrics(store: Store, question: Question, names: tuple[str, ...] = ()) -> Result[MetricRow]:
    """Return count, mean, least and greatest value of each metric, by name and unit.

    Args:
        store: to ask.
        question: what to ask; metrics without a model are a group of their own.
        names: only these metrics.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    fields = [group.field for group in question.dimensions if isinstance(group, FieldValue)]
    groups = (Condition(field, "exists") for field in fields)
    unknown = unknown_fields((*question.conditions, *groups), METRIC)
    if unknown:
        raise QueryError(f"metrics have no {', '.join(unknown)}: leave it out of by and where")
    readings = [field for field in READINGS if not names or field.name in names]
    rows = _logged(store, question, names) if len(readings) < len(names) or not names else []
    rows += _read(store, question, readings) if readings else []
    rows.sort(key=lambda r: natural_all((r.name, r.unit, *r.by.values(), r.time)))
    figures = ("name", "unit", "count", "absent", "mean", "min", "max")
    return Result(question, tuple(rows), (*question.by, "time", *figures))


def _logged(store: Store, question: Question, names: tuple[str, ...]) -> list[MetricRow]:
    """Return the metrics that applications logged."""
    named = Condition(_NAME, "=", names) if names else Condition(_NAME, "exists")
    where = replace(question.filter, conditions=(*question.filter.conditions, named))
    by = (FieldValue(_NAME), FieldValue(_UNIT), *question.dimensions)
    table = store.aggregate(METRIC, by=by, measures=_MEASURES, where=where)
    return [_row(question, row) for row in table.rows]


def _read(store: Store, question: Question, readings: Sequence[Field]) -> list[MetricRow]:
    """Return the readings of hosts, in one request to the store."""
    measures = [Measure(kind, field.name) for field in readings for kind in _OF_READING]
    unnamed = Condition(_NAME, "missing")
    where = replace(question.filter, conditions=(*question.filter.conditions, unnamed))
    table = store.aggregate(METRIC, by=question.dimensions, measures=measures, where=where)
    rows = []
    width = len(question.dimensions)
    for row in table.rows:
        groups, figures = row[:width], row[width:]
        for position, field in enumerate(readings):
            first = position * len(_OF_READING)
            count, total, least, most = figures[first : first + len(_OF_READING)]
            if count:
                measured = (count, count, count, total, least, most)
                rows.append(_row(question, (field.name, field.unit or None, *groups, *measured)))
    return rows


def sum_steps(rows: tuple[MetricRow, ...]) -> list[MetricRow]:
    """Add up the steps of each metric."""
    by_metric: dict[tuple[object, ...], MetricRow] = {}
    for row in rows:
        key = (row.name, row.unit, *row.by.values())
        by_metric[key] = (
            _together(by_metric[key], row) if key in by_metric else replace(row, time=None)
        )
    return list(by_metric.values())


def _together(first: MetricRow, second: MetricRow) -> MetricRow:
    number = first.count + second.count
    total = (first.mean or 0.0) * first.count + (second.mean or 0.0) * second.count
    least = [value for value in (first.min, second.min) if value is not None]
    most = [value for value in (first.max, second.max) if value is not None]
    return replace(
        first,
        count=number,
        absent=first.absent + second.absent,
        mean=total / number if number else None,
        min=min(least, default=None),
        max=max(most, default=None),
    )


def _row(question: Question, cells: tuple[Cell, ...]) -> MetricRow:
    name, unit, *rest = cells
    groups, figures = rest[: len(question.dimensions)], rest[len(question.dimensions) :]
    time = groups.pop() if question.every is not None else None
    events, number, weight, total, least, most = (
        None if value is None else float(value)  # type: ignore[arg-type]  # measures are numbers
        for value in figures
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
    rows = stepped.rows if question.every else tuple(sum_steps(stepped.rows))
    return Answer(Result(question, rows, stepped.columns), steps, lambda: stepped.rows)
