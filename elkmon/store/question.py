"""Dimensions, measures and conditions, as SQL with bound values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import pairwise
from math import inf, isnan

from elkmon.events.errors import QueryError
from elkmon.events.fields import BY_NAME, Field, Kind, find
from elkmon.events.times import from_iso
from elkmon.store.base import (
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
from elkmon.store.columns import Ref

__all__ = ["Question", "naive", "question"]

_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_MONDAY = -259_200_000
"""Milliseconds of the Monday before 1970 began."""
_LONGEST = 10_000
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_COMPARED = {"<", "<=", ">", ">="}
WEIGHTED = Ref(BY_NAME["ml.sample.weight"])
WEIGHT = f"coalesce({WEIGHTED.sql}, 1.0)"


@dataclass
class Question:
    """The parts of a query, and the fields that it reads."""

    dimensions: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    refs: set[Ref] = field(default_factory=set)

    def add(self, condition: str, *values: object) -> None:
        """Add a condition, with the values to bind in it."""
        self.conditions.append(condition)
        self.values.extend(values)

    @property
    def where(self) -> str:
        """Give all conditions as one."""
        return " AND ".join(self.conditions) or "true"

    def reference(self, name: str) -> Ref:
        """Look a field up, or one entry of a keyed field, and note that it is read."""
        field, key = _known(name)
        _is_text(name)
        ref = Ref(field, key)
        self.refs.add(ref)
        return ref


def question(by: Sequence[Dimension], measures: Sequence[Measure], where: Filter) -> Question:
    """Translate a question.

    Raises:
        QueryError: a field that is not in the table, or does not fit its use.
    """
    made = Question()
    if sum(isinstance(each, Edges) for each in by) > 1:
        raise QueryError("only one dimension of a question may have edges")
    made.dimensions = [_dimension(made, each) for each in by]
    made.measures = [_measure(made, each) for each in measures]
    if where.since is not None:
        made.add('"@timestamp" >= ?', naive(where.since))
    if where.until is not None:
        made.add('"@timestamp" < ?', naive(where.until))
    for each in where.conditions:
        _condition(made, each)
    return made


def naive(time: datetime) -> datetime:
    """Turn a time into the naive UTC that the columns hold; naive ones are UTC already."""
    return time if time.tzinfo is None else time.astimezone(timezone.utc).replace(tzinfo=None)


def _known(name: str) -> tuple[Field, str | None]:
    if "\0" in name:  # the emitter writes none, and SQL cannot name it
        raise QueryError(f"no such field: {name!r}; names hold no NUL")
    try:
        return find(name)
    except KeyError:
        close = difflib.get_close_matches(name, BY_NAME, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; see docs/fields.md"
        raise QueryError(f"no such field: {name}{hint}") from None


def _dimension(made: Question, by: Dimension) -> str:
    if isinstance(by, TimeBucket):
        return _bucket(by)
    ref = made.reference(by.field)
    if isinstance(by, FieldValue):
        if ref.key is None and (ref.field.kind.keyed or ref.field.kind is Kind.KEYWORDS):
            hint = f": name one, such as {by.field}.country" if ref.field.kind.keyed else ""
            raise QueryError(f"{by.field} has many entries, and cannot be grouped by{hint}")
        return ref.sql
    _numeric(ref, by.field, "be put into bins")
    if isinstance(by, Bins):
        if not 0 < by.width < inf:
            raise QueryError(f"bins of {by.field} need a width above 0, not {by.width}")
        return f"floor({ref.sql}::DOUBLE / {by.width!r}::DOUBLE)"
    edges = by.edges
    if len(edges) < 2 or not all(a < b for a, b in pairwise(edges)):  # noqa: PLR2004 - one interval
        raise QueryError(f"edges of {by.field} must be two numbers or more, rising")
    cases = " ".join(
        f"WHEN {ref.sql} >= '{a!r}'::DOUBLE AND {ref.sql} < '{b!r}'::DOUBLE THEN {i}"
        for i, (a, b) in enumerate(pairwise(edges))
    )
    return f"CASE {cases} END"


def _bucket(by: TimeBucket) -> str:
    if not 1 <= by.every <= _LONGEST:
        raise QueryError(f"a time bucket is 1 to {_LONGEST:,} of its unit, not {by.every}")
    if by.unit == "M":
        months = '(year("@timestamp") * 12 + month("@timestamp") - 1)'
        first = f"({months} - {months} % {by.every})"
        return f"make_timestamp({first} // 12, {first} % 12 + 1, 1, 0, 0, 0.0)"
    width = by.every * _MS[by.unit]
    start = _MONDAY if by.unit == "w" else 0
    since = f'(epoch_ms("@timestamp") - {start})'
    return f"make_timestamp_ms({since} - (({since} % {width}) + {width}) % {width} + {start})"


def _numeric(ref: Ref, name: str, use: str) -> None:
    number = ref.field.kind in {Kind.DOUBLE, Kind.LONG}
    if not number and not (ref.field.kind is Kind.NUMBERS and ref.key is not None):
        raise QueryError(f"{name} holds no numbers, and cannot {use}")


def _measure(made: Question, measure: Measure) -> str:
    if measure.kind in {"weight", "weight2", "sum", "sum2"}:
        made.refs.add(WEIGHTED)
    there = ""
    value = "1"
    if measure.field is not None:
        ref = made.reference(measure.field)
        value = ref.sql
        comparable = ref.field.kind is Kind.DATE and measure.kind in {"min", "max"}
        if measure.kind in {"sum", "sum2", "min", "max"} and not comparable:
            _numeric(ref, measure.field, f"have a {measure.kind}")
        there = f" FILTER ({value} IS NOT NULL)"
    elif measure.kind in {"sum", "sum2", "min", "max"}:
        raise QueryError(f"{measure.kind} needs a field")
    return {
        "count": f"count(*){there}",
        "weight": f"coalesce(sum({WEIGHT}){there}, 0.0)",
        "weight2": f"coalesce(sum({WEIGHT} * {WEIGHT}){there}, 0.0)",
        "sum": f"sum({WEIGHT} * {value})",
        "sum2": f"sum({WEIGHT} * {value} * {value})",
        "min": f"min({value})",
        "max": f"max({value})",
    }[measure.kind]


def _condition(made: Question, condition: Condition) -> None:
    ref = made.reference(condition.field)
    if condition.op == "exists":
        return made.add(f"{ref.sql} IS NOT NULL")
    if condition.op == "missing":
        return made.add(f"{ref.sql} IS NULL")
    if ref.key is None and ref.field.kind.keyed:
        raise QueryError(
            f"{condition.field} has many entries: name one, such as {condition.field}.country"
        )
    values = [_value(ref.field, condition, each) for each in condition.values]
    if not values or (condition.op in _COMPARED and len(values) != 1):
        raise QueryError(f"{condition.field} {condition.op} needs a value")
    marks = ", ".join("?" for _ in values)
    if ref.field.kind is Kind.KEYWORDS:
        if condition.op in _COMPARED:
            raise QueryError(f"{condition.field} holds several words, which cannot be compared")
        found = f"coalesce(list_has_any({ref.sql}, [{marks}]), false)"
        return made.add(found if condition.op == "=" else f"NOT {found}", *values)
    if condition.op in _COMPARED:
        return made.add(f"{ref.sql} {condition.op} ?", *values)
    if condition.op == "=":
        return made.add(f"{ref.sql} IN ({marks})", *values)
    return made.add(f"({ref.sql} IS NULL OR {ref.sql} NOT IN ({marks}))", *values)


def _value(found: Field, condition: Condition, value: Cell) -> object:
    """Turn a condition's value into one of the field's type."""
    if value is None:
        raise QueryError(f"{condition.field} {condition.op} needs a value: ask for missing instead")
    if found.kind in {Kind.DOUBLE, Kind.LONG, Kind.NUMBERS}:
        return _number(condition, value)
    if found.kind is Kind.DATE:
        try:
            return naive(value if isinstance(value, datetime) else from_iso(str(value)))
        except (ValueError, OverflowError):
            raise QueryError(f"{condition.field} holds times, not {value!r}") from None
    if found.kind is Kind.BOOLEAN:
        if str(value).lower() not in _BOOLEANS:
            raise QueryError(f"{condition.field} is true or false, not {value!r}")
        return _BOOLEANS[str(value).lower()]
    _is_text(str(value))
    return "true" if value is True else "false" if value is False else str(value)


def _number(condition: Condition, value: Cell) -> int | float:
    if type(value) is int and abs(value) < 1 << 63:
        return value  # a double would take 2^53 + 1 for 2^53
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number is told below
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if isnan(number):
        raise QueryError(f"{condition.field} holds numbers, not {value!r}")
    return number


def _is_text(name: str) -> None:
    """Refuse half a character, which no line can hold and DuckDB does not take."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise QueryError(f"{name!r} is no text: it holds half a character") from None
