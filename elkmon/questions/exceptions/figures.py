"""List the most frequent exceptions: type, place, first and last time, versions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elkmon.events.datasets import ERROR
from elkmon.present.result import Result
from elkmon.query.conditions import unknown_fields
from elkmon.query.question import Question
from elkmon.query.times import utc
from elkmon.stores.protocol import FieldValue, Measure, Store

__all__ = ["ExceptionRow", "exceptions"]

_BY = tuple(
    FieldValue(name)
    for name in (
        *("error.fingerprint", "error.type", "error.culprit"),
        *("ml.model.name", "ml.model.version"),
    )
)
_MEASURES = (Measure("count"), Measure("min", "@timestamp"), Measure("max", "@timestamp"))
_COLUMNS = (
    *("fingerprint", "type", "culprit", "count"),
    *("first_seen", "last_seen", "models", "versions"),
)


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """All occurrences of exceptions with the same fingerprint."""

    fingerprint: str | None
    type: str | None
    culprit: str | None
    count: int
    first_seen: datetime
    """Within the span of the question."""
    last_seen: datetime
    models: tuple[str, ...]
    versions: tuple[str, ...]
    """In the order of their first occurrence."""


@dataclass(frozen=True, slots=True)
class _Part:
    type: str | None
    culprit: str | None
    model: str | None
    version: str | None
    count: int
    first: datetime
    last: datetime


def exceptions(store: Store, question: Question, limit: int | None = None) -> Result[ExceptionRow]:
    """Return the exceptions, the most frequent first.

    Args:
        store: to ask.
        question: what to ask; its groups and steps are ignored.
        limit: how many at most; all if not given.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    unknown = unknown_fields(question.conditions, ERROR)
    if unknown:
        note = f"exceptions are left out: they have no {', '.join(unknown)}"
        return Result(question, (), _COLUMNS, (note,))
    table = store.aggregate(ERROR, by=_BY, measures=_MEASURES, where=question.filter)
    parts: dict[str | None, list[_Part]] = {}
    for row in table.rows:
        fingerprint, part = _part(row)
        parts.setdefault(fingerprint, []).append(part)
    rows = sorted(
        (_row(fingerprint, occurrences) for fingerprint, occurrences in parts.items()),
        key=lambda row: (-row.count, row.first_seen, row.fingerprint or ""),
    )
    return Result(question, tuple(rows[:limit]), _COLUMNS)


def _part(row: tuple[Any, ...]) -> tuple[str | None, _Part]:
    fingerprint, kind, culprit, model, version, count, first, last = row
    return fingerprint, _Part(kind, culprit, model, version, int(count), utc(first), utc(last))


def _row(fingerprint: str | None, parts: list[_Part]) -> ExceptionRow:
    parts.sort(key=lambda part: part.first)
    last = max(parts, key=lambda part: part.last)
    return ExceptionRow(
        fingerprint,
        last.type,
        last.culprit,
        sum(part.count for part in parts),
        parts[0].first,
        last.last,
        _named(part.model for part in parts),
        _named(part.version for part in parts),
    )


def _named(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name is not None))
