"""Convert a record of a table into what the logger takes, or reject it with a reason."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TypeVar

from elkmon.emit.encode.scalars import milliseconds
from elkmon.events.classes import class_name
from elkmon.importing.options import ImportOptions

__all__ = ["Converter", "RejectedError", "Row"]

_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECONDS = 1e11
"""Larger numbers are not seconds (this is the year 5138) but ms, µs or ns."""
_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0+")


class RejectedError(Exception):
    """A row cannot be written; its message does not depend on the row, so that reasons count."""


@dataclass(frozen=True, slots=True)
class Row:
    """One prediction, and its truth if the table has it."""

    at: datetime
    id: str | None
    label: str | None
    value: float | None
    score: float | None
    features: Mapping[str, object]
    segment: Mapping[str, object]
    truth: str | float | None
    truth_at: datetime


class Converter:
    """Turn records into rows.

    Args:
        options: the roles of the columns.
        numeric: columns that hold numbers written as text.
        now: the time of the rows, if no column has it.
    """

    def __init__(self, options: ImportOptions, numeric: frozenset[str], now: datetime) -> None:
        self._options = options
        self._numeric = numeric
        self._now = now

    def row(self, values: Mapping[str, object]) -> Row:
        """Convert one record.

        Raises:
            RejectedError: the record has no prediction, no id, or a value that cannot be used.
        """
        options = self._options
        at = self._now
        if options.timestamp is not None:
            at = _required(_time(values, options.timestamp), "time", options.timestamp)
        prediction_id = None
        if options.id is not None:
            prediction_id = _required(_class(values, options.id), "id", options.id)
        label = value = score = None
        if options.label is not None:
            label = _required(_class(values, options.label), "prediction", options.label)
        if options.value is not None:
            value = _required(_number(values, options.value), "prediction", options.value)
        if options.score is not None:
            score = _number(values, options.score)
            if score is not None and not 0.0 <= score <= 1.0:
                raise RejectedError(f"the score in column {options.score!r} is not between 0 and 1")
        truth: str | float | None = None
        truth_at = at
        if options.truth is not None:
            read = _class if options.value is None else _number
            truth = read(values, options.truth)
        if truth is not None and options.truth_time is not None:
            truth_at = _time(values, options.truth_time) or at
        return Row(
            at=at,
            id=prediction_id,
            label=label,
            value=value,
            score=score,
            features={column: self._feature(values, column) for column in options.features},
            segment={column: values.get(column) for column in options.segments},
            truth=truth,
            truth_at=truth_at,
        )

    def _feature(self, values: Mapping[str, object], column: str) -> object:
        value = values.get(column)
        if isinstance(value, str) and column in self._numeric:
            try:
                return float(value)
            except ValueError:
                return value  # kept as text rather than lost
        return value


def _required(value: _T | None, role: str, column: str) -> _T:
    if value is None:
        raise RejectedError(f"no {role} in column {column!r}")
    return value


def _class(values: Mapping[str, object], column: str) -> str | None:
    """Return a class or an id; in text, ``1.0`` and ``True`` are recognised here."""
    value = values.get(column)
    if isinstance(value, (str, Decimal)):
        text = str(value).strip()
        whole = _WHOLE.fullmatch(text)
        if whole is not None:
            return whole[1]
        return text.lower() if text in {"True", "False"} else class_name(text)
    return class_name(value)


def _number(values: Mapping[str, object], column: str) -> float | None:
    value = values.get(column)
    if value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever has __float__, or is text
    except (TypeError, ValueError, OverflowError):
        raise RejectedError(f"no number in column {column!r}") from None
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise RejectedError(f"no finite number in column {column!r}")
    return number


def _time(values: Mapping[str, object], column: str) -> datetime | None:
    value = values.get(column)
    if value is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds(_moment(value)))
    except (ValueError, TypeError, OverflowError):
        raise RejectedError(
            f"no time in column {column!r}: use ISO 8601, or a number since 1970 in s, ms, µs or ns"
        ) from None


def _moment(value: object) -> object:
    """Return a number since 1970, also as text, as a time; its size says s, ms, µs or ns."""
    if isinstance(value, str):
        text = value.strip().removesuffix(" UTC")
        try:
            value = int(text) if text.lstrip("-").isdecimal() else float(text)
        except ValueError:
            return text
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if abs(value) < _SECONDS:
        ms = round(value * 1000)
    else:
        per_ms = next((unit for unit in (1, 1000) if abs(value) < _SECONDS * 1000 * unit), 10**6)
        ms = int(value // per_ms)
    return _EPOCH + timedelta(milliseconds=ms)
