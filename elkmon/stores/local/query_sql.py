"""Dimensions, measures and conditions, as SQL with bound values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from elkmon.events.fields import BY_NAME, Kind
from elkmon.stores.local.columns import Ref
from elkmon.stores.protocol import (
    Bins,
    Condition,
    Dimension,
    FieldValue,
    Filter,
    Measure,
    TimeBucket,
)
from elkmon.stores.query_validation import COMPARED, check, lookup, naive_utc, typed_values

__all__ = ["Question", "question"]

_UNITS = {"m": "MINUTE", "h": "HOUR", "d": "DAY", "w": "WEEK"}
_MONDAY = "1969-12-29"
"""The Monday before 1970 began."""
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
        """Return all conditions as one."""
        return " AND ".join(self.conditions) or "true"

    def reference(self, name: str) -> Ref:
        """Look a field up, or one entry of a keyed field, and note that it is read."""
        ref = Ref(*lookup(name))
        self.refs.add(ref)
        return ref


def question(by: Sequence[Dimension], measures: Sequence[Measure], where: Filter) -> Question:
    """Translate a question.

    Raises:
        QueryError: a field that is not in the table, or does not fit its use.
    """
    check(by, measures, where)
    made = Question()
    made.dimensions = [_dimension(made, each) for each in by]
    made.measures = [_measure(made, each) for each in measures]
    if where.since is not None:
        made.add('"@timestamp" >= ?', naive_utc(where.since))
    if where.until is not None:
        made.add('"@timestamp" < ?', naive_utc(where.until))
    for each in where.conditions:
        _condition(made, each)
    return made


def _dimension(made: Question, by: Dimension) -> str:
    if isinstance(by, TimeBucket):
        return _bucket(by)
    ref = made.reference(by.field)
    if isinstance(by, FieldValue):
        return ref.sql
    if isinstance(by, Bins):
        number = f"floor({ref.sql}::DOUBLE / {by.width!r}::DOUBLE)"
        if by.where is None:
            return number
        told = made.reference(by.where.field)
        bound = typed_values(by.where)
        made.values.extend(bound)
        return f"CASE WHEN {told.sql} IN ({', '.join('?' for _ in bound)}) THEN {number} END"
    edges = [f"'{each!r}'::DOUBLE" for each in by.edges]
    within = f"{ref.sql} >= {edges[0]} AND {ref.sql} < {edges[-1]}"
    return f"CASE WHEN {within} THEN {_between(ref.sql, edges, 0, len(edges) - 1)} END"


def _between(value: str, edges: Sequence[str], first: int, last: int) -> str:
    """Find the place of a value by halves: a thousand edges cost ten comparisons."""
    if last - first == 1:
        return str(first)
    middle = (first + last) // 2
    lower, upper = _between(value, edges, first, middle), _between(value, edges, middle, last)
    return f"CASE WHEN {value} < {edges[middle]} THEN {lower} ELSE {upper} END"


def _bucket(by: TimeBucket) -> str:
    if by.unit == "M":
        months = '(year("@timestamp") * 12 + month("@timestamp") - 1)'
        first = f"({months} - {months} % {by.every})"
        return f"make_timestamp({first} // 12, {first} % 12 + 1, 1, 0, 0, 0.0)"
    start = _MONDAY if by.unit == "w" else "1970-01-01"
    width = f"INTERVAL {by.every} {_UNITS[by.unit]}"
    return f"time_bucket({width}, \"@timestamp\", TIMESTAMP '{start}')"


def _measure(made: Question, measure: Measure) -> str:
    if measure.kind in {"weight", "weight2", "sum", "sum2"}:
        made.refs.add(WEIGHTED)
    there = ""
    value = "1"
    if measure.field is not None:
        ref = made.reference(measure.field)
        value = ref.sql
        there = f" FILTER ({value} IS NOT NULL)"
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
    bound = typed_values(condition)
    marks = ", ".join("?" for _ in bound)
    if ref.field.kind is Kind.KEYWORDS:
        found = f"coalesce(list_has_any({ref.sql}, [{marks}]), false)"
        return made.add(found if condition.op == "=" else f"NOT {found}", *bound)
    if condition.op in COMPARED:
        return made.add(f"{ref.sql} {condition.op} ?", *bound)
    if condition.op == "=":
        return made.add(f"{ref.sql} IN ({marks})", *bound)
    return made.add(f"({ref.sql} IS NULL OR {ref.sql} NOT IN ({marks}))", *bound)
