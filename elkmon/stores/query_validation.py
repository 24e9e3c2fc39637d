"""Check a question, in the same way for every store: fields exist, and their use fits them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import pairwise
from math import inf, isnan

from elkmon.events.datasets import PREDICTION, Dataset
from elkmon.events.errors import QueryError
from elkmon.events.fields import BY_NAME, Field, Kind, find
from elkmon.events.times import from_iso
from elkmon.stores.protocol import (
    Bins,
    Cell,
    Condition,
    Dimension,
    Edges,
    FieldValue,
    Filter,
    Measure,
    TimeBucket,
)

__all__ = ["COMPARED", "check", "check_events", "lookup", "naive_utc", "typed_values"]

COMPARED = frozenset({"<", "<=", ">", ">="})
_LONGEST = 10_000
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def check(by: Sequence[Dimension], measures: Sequence[Measure], where: Filter) -> None:
    """Check dimensions, measures and conditions.

    Raises:
        QueryError: a field is not in the table, or cannot be used in this way.
    """
    if sum(isinstance(dimension, Edges) for dimension in by) > 1:
        raise QueryError("only one dimension of a question may have edges")
    if sum(isinstance(dimension, Bins) and dimension.where is not None for dimension in by) > 1:
        raise QueryError("only one dimension of a question may be bins of some events")
    for dimension in by:
        _check_dimension(dimension)
    for measure in measures:
        _check_measure(measure)
    for condition in where.conditions:
        _check_condition(condition)


def check_events(dataset: Dataset | None, where: Filter) -> None:
    """Check a question for events.

    Raises:
        QueryError: as for :func:`check`; or a condition is on a field of labels, and no dataset is
            given.
    """
    check((), (), where)
    if dataset is None and any(
        lookup(condition.field)[0].writer == "join" for condition in where.conditions
    ):
        raise QueryError(f"a condition is on what labels say: name the dataset, {PREDICTION}")


def lookup(name: str) -> tuple[Field, str | None]:
    """Return a field by its name, and the key if the name is of an entry of a keyed field.

    Raises:
        QueryError: there is no such field.
    """
    if "\0" in name:  # the emitter writes none, and SQL cannot name it
        raise QueryError(f"no such field: {name!r}; names hold no NUL")
    _is_text(name)
    try:
        return find(name)
    except KeyError:
        close = difflib.get_close_matches(name, BY_NAME, n=3)
        hint = (
            f"; did you mean {' or '.join(close)}?" if close else "; see docs/reference/fields.md"
        )
        raise QueryError(f"no such field: {name}{hint}") from None


def naive_utc(time: datetime) -> datetime:
    """Return a time in UTC without a time zone; one that has none is in UTC already."""
    return time if time.tzinfo is None else time.astimezone(timezone.utc).replace(tzinfo=None)


def typed_values(condition: Condition) -> list[str | int | float | bool | datetime]:
    """Return the values of a condition in the type of its field; times in UTC, without a zone.

    Raises:
        QueryError: a value does not fit.
    """
    field, _ = lookup(condition.field)
    return [_value(field, condition, value) for value in condition.values]


def _check_dimension(by: Dimension) -> None:
    if isinstance(by, TimeBucket):
        if not 1 <= by.every <= _LONGEST:
            raise QueryError(f"a time bucket is 1 to {_LONGEST:,} of its unit, not {by.every}")
        return
    field, key = lookup(by.field)
    if isinstance(by, FieldValue):
        if field.kind is Kind.TEXT:
            raise QueryError(f"{by.field} is free text, and cannot be grouped by")
        if key is None and (field.kind.keyed or field.kind is Kind.KEYWORDS):
            hint = f": name one, such as {by.field}.country" if field.kind.keyed else ""
            raise QueryError(f"{by.field} has many entries, and cannot be grouped by{hint}")
        return
    _check_numeric(field, key, by.field, "be put into bins")
    if isinstance(by, Bins):
        if not 0 < by.width < inf:
            raise QueryError(f"bins of {by.field} need a width above 0, not {by.width}")
        if by.where is not None:
            _check_condition(by.where)
            if by.where.op != "=" or lookup(by.where.field)[0].kind is Kind.KEYWORDS:
                raise QueryError(f"bins of {by.field} can be of events with one field's = value")
    elif len(by.edges) < 2 or not all(a < b for a, b in pairwise(by.edges)):  # noqa: PLR2004 - one interval
        raise QueryError(f"edges of {by.field} must be two numbers or more, rising")


def _check_numeric(field: Field, key: str | None, name: str, use: str) -> None:
    number = field.kind in {Kind.DOUBLE, Kind.LONG}
    if not number and not (field.kind is Kind.NUMBERS and key is not None):
        raise QueryError(f"{name} holds no numbers, and cannot {use}")


def _check_measure(measure: Measure) -> None:
    valued = measure.kind in {"sum", "sum2", "min", "max"}
    if measure.field is None:
        if valued:
            raise QueryError(f"{measure.kind} needs a field")
        return
    field, key = lookup(measure.field)
    comparable = field.kind is Kind.DATE and measure.kind in {"min", "max"}
    if valued and not comparable:
        _check_numeric(field, key, measure.field, f"have a {measure.kind}")


def _check_condition(condition: Condition) -> None:
    field, key = lookup(condition.field)
    if condition.op in {"exists", "missing"}:
        return
    if key is None and field.kind.keyed:
        raise QueryError(
            f"{condition.field} has many entries: name one, such as {condition.field}.country"
        )
    if field.kind is Kind.TEXT:
        raise QueryError(
            f"{condition.field} is free text: ask whether it is there, or look through the events"
        )
    count = len(typed_values(condition))
    if not count or (condition.op in COMPARED and count != 1):
        raise QueryError(f"{condition.field} {condition.op} needs a value")
    if field.kind is Kind.KEYWORDS and condition.op in COMPARED:
        raise QueryError(f"{condition.field} holds several words, which cannot be compared")


def _value(field: Field, condition: Condition, value: Cell) -> str | int | float | bool | datetime:
    if value is None:
        raise QueryError(f"{condition.field} {condition.op} needs a value: ask for missing instead")
    if field.kind in {Kind.DOUBLE, Kind.LONG, Kind.NUMBERS}:
        return _number(condition, value)
    if field.kind is Kind.DATE:
        try:
            return naive_utc(value if isinstance(value, datetime) else from_iso(str(value)))
        except (ValueError, OverflowError):
            raise QueryError(f"{condition.field} holds times, not {value!r}") from None
    if field.kind is Kind.BOOLEAN:
        if str(value).lower() not in _BOOLEANS:
            raise QueryError(f"{condition.field} is true or false, not {value!r}")
        return _BOOLEANS[str(value).lower()]
    _is_text(str(value))
    return "true" if value is True else "false" if value is False else str(value)


def _number(condition: Condition, value: Cell) -> int | float:
    if type(value) is int and abs(value) < 1 << 63:
        return value  # a double would take 2^53 + 1 for 2^53
    try:
        number = float(value)  # type: ignore[arg-type]  # anything but a number is refused below
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if isnan(number):
        raise QueryError(f"{condition.field} holds numbers, not {value!r}")
    return number


def _is_text(name: str) -> None:
    """Refuse an unpaired surrogate, which no line can hold and DuckDB does not take."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise QueryError(f"{name!r} is no text: it holds half a character") from None
