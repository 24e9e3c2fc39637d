"""A filter as a query of Elasticsearch, with the same meaning as in the local store."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from math import ceil, floor, isinf
from typing import Any

from elkmon.events.fields import Kind
from elkmon.stores.protocol import Condition, Filter
from elkmon.stores.query_validation import COMPARED, lookup, naive_utc, typed_values

__all__ = ["exists", "name_of", "query", "timed"]

Query = dict[str, Any]

_TIME = "@timestamp"
_BOUND = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SMALLEST, _GREATEST = -(1 << 63), (1 << 63) - 1
_FLATTENED = {Kind.CATEGORIES, Kind.LABELS}
_NOTHING: Query = {"match_none": {}}


def query(where: Filter) -> Query:
    """Return the query of a filter.

    It always has a condition: without one, Elasticsearch counts some composites wrongly.

    Args:
        where: checked by :func:`elkmon.stores.query_validation.check`.
    """
    filters = []
    if where.since is not None:
        filters.append(_time(_TIME, ">=", naive_utc(where.since)))
    if where.until is not None:
        filters.append(_time(_TIME, "<", naive_utc(where.until)))
    filters += map(_condition, where.conditions)
    return {"bool": {"filter": filters or [exists(_TIME)]}}


def timed(where: Filter) -> bool:
    """Return whether the query of a filter leaves out all events without a time."""
    return where.since is not None or where.until is not None or not where.conditions


def exists(name: str) -> Query:
    """Return the query of events that have a field."""
    return {"exists": {"field": name}}


def name_of(name: str) -> str:
    """Return the full name of a field, also for a short name."""
    field, key = lookup(name)
    return field.name if key is None else f"{field.name}.{key}"


def _condition(condition: Condition) -> Query:
    name, kind = name_of(condition.field), lookup(condition.field)[0].kind
    if condition.op == "exists":
        return exists(name)
    if condition.op == "missing":
        return _not(exists(name))
    values = typed_values(condition)
    if condition.op in COMPARED:
        return _compared(name, kind, condition.op, values[0])
    equal = _equal(name, kind, values)
    return equal if condition.op == "=" else _not(equal)


def _not(condition: Query) -> Query:
    return {"bool": {"must_not": [condition]}}


def _equal(name: str, kind: Kind, values: list[Any]) -> Query:
    if kind is Kind.DATE:
        whole = [_iso(time) for time in values if not time.microsecond % 1000]
        ranges = [
            {"range": {name: {"gte": time, "lte": time, "format": _FORMAT}}} for time in whole
        ]
        return {"bool": {"should": ranges}} if ranges else _NOTHING
    if kind is Kind.LONG:
        values = [int(number) for number in values if not isinf(number) and number == int(number)]
        values = [number for number in values if _SMALLEST <= number <= _GREATEST]
    elif kind in {Kind.DOUBLE, Kind.NUMBERS}:
        values = [number for number in values if not isinf(number)]
        if 0 in values:
            values += [0.0, -0.0]  # to Elasticsearch these are two numbers
    return {"terms": {name: values}} if values else _NOTHING


def _compared(name: str, kind: Kind, op: str, bound: Any) -> Query:  # noqa: ANN401 - of the kind
    if kind is Kind.DATE:
        return _time(name, op, bound)
    if kind is Kind.BOOLEAN:
        matching = [value for value in (False, True) if _ORDER[op](value, bound)]
        return {"terms": {name: matching}} if matching else _NOTHING
    if kind in _FLATTENED:
        return _flattened(name, op, bound)
    if kind in {Kind.DOUBLE, Kind.NUMBERS, Kind.LONG}:
        if isinf(bound):  # JSON cannot express it, and no event has it
            return exists(name) if _ORDER[op](0, bound) else _NOTHING
        if kind is Kind.LONG:
            return _whole(name, op, bound)
        if bound == 0:  # -0.0 sorts below 0.0 there
            bound = -0.0 if op in {"<", ">="} else 0.0
    return {"range": {name: {_BOUND[op]: bound}}}


def _whole(name: str, op: str, bound: float) -> Query:
    """Compare a whole number with any number: as whole numbers, within 64 bits."""
    if isinstance(bound, float):
        bound = ceil(bound) if op in {"<", ">="} else floor(bound)
    if not _SMALLEST <= bound <= _GREATEST:
        return exists(name) if _ORDER[op](0, bound) else _NOTHING
    return {"range": {name: {_BOUND[op]: bound}}}


def _flattened(name: str, op: str, bound: str) -> Query:
    """Compare an entry of a flattened field, whose ranges need both ends."""
    below: Query = {"range": {name: {"gte": "", _BOUND[op if op[0] == "<" else _OTHER[op]]: bound}}}
    if op[0] == "<":
        return below
    return {"bool": {"filter": [exists(name)], "must_not": [below]}}


_OTHER = {">": "<=", ">=": "<"}
_FORMAT = "strict_date_optional_time"


def _time(name: str, op: str, bound: datetime) -> Query:
    """Compare times; Elasticsearch keeps milliseconds, so a bound between two of them is moved."""
    between = bound.microsecond % 1000 != 0
    if between:
        op = {"<": "<=", ">=": ">"}.get(op, op)
    return {"range": {name: {_BOUND[op]: _iso(bound), "format": _FORMAT}}}


def _iso(bound: datetime) -> str:
    return f"{bound.isoformat(timespec='milliseconds')}Z"
