"""Conditions and windows, as queries of Elasticsearch; what they mean is as in the local store."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from math import ceil, floor, isinf
from typing import Any

from elkmon.events.fields import Kind
from elkmon.stores.protocol import Condition, Filter
from elkmon.stores.query_validation import COMPARED, known, naive, values

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
    """Give the query of a question: one there always is.

    Without any, Elasticsearch counts some composites wrongly.

    Args:
        where: as checked by :func:`elkmon.stores.query_validation.check`.
    """
    found = []
    if where.since is not None:
        found.append(_time(_TIME, ">=", naive(where.since)))
    if where.until is not None:
        found.append(_time(_TIME, "<", naive(where.until)))
    found += map(_condition, where.conditions)
    return {"bool": {"filter": found or [exists(_TIME)]}}


def timed(where: Filter) -> bool:
    """Say whether the query of a question leaves out all events without a time."""
    return where.since is not None or where.until is not None or not where.conditions


def exists(name: str) -> Query:
    """Ask for events that have a field."""
    return {"exists": {"field": name}}


def name_of(name: str) -> str:
    """Give the full name of a field, for short names, too."""
    field, key = known(name)
    return field.name if key is None else f"{field.name}.{key}"


def _condition(condition: Condition) -> Query:
    name, kind = name_of(condition.field), known(condition.field)[0].kind
    if condition.op == "exists":
        return exists(name)
    if condition.op == "missing":
        return _not(exists(name))
    bound = values(condition)
    if condition.op in COMPARED:
        return _compared(name, kind, condition.op, bound[0])
    equal = _equal(name, kind, bound)
    return equal if condition.op == "=" else _not(equal)


def _not(each: Query) -> Query:
    return {"bool": {"must_not": [each]}}


def _equal(name: str, kind: Kind, bound: list[Any]) -> Query:
    if kind is Kind.DATE:
        whole = [each for each in bound if not each.microsecond % 1000]
        same = [
            {"range": {name: {"gte": _iso(each), "lte": _iso(each), "format": _FORMAT}}}
            for each in whole
        ]
        return {"bool": {"should": same}} if same else _NOTHING
    if kind is Kind.LONG:
        bound = [int(each) for each in bound if not isinf(each) and each == int(each)]
        bound = [each for each in bound if _SMALLEST <= each <= _GREATEST]
    elif kind in {Kind.DOUBLE, Kind.NUMBERS}:
        bound = [each for each in bound if not isinf(each)]
        if 0 in bound:
            bound += [0.0, -0.0]  # to Elasticsearch these are two numbers
    return {"terms": {name: bound}} if bound else _NOTHING


def _compared(name: str, kind: Kind, op: str, bound: Any) -> Query:  # noqa: ANN401 - of the kind
    if kind is Kind.DATE:
        return _time(name, op, bound)
    if kind is Kind.BOOLEAN:
        meet = [each for each in (False, True) if _ORDER[op](each, bound)]
        return {"terms": {name: meet}} if meet else _NOTHING
    if kind in _FLATTENED:
        return _flattened(name, op, bound)
    if kind in {Kind.DOUBLE, Kind.NUMBERS, Kind.LONG}:
        if isinf(bound):  # which JSON cannot say; no event has it
            return exists(name) if _ORDER[op](0, bound) else _NOTHING
        if kind is Kind.LONG:
            return _whole(name, op, bound)
        if bound == 0:  # -0.0 sorts below 0.0 there
            bound = -0.0 if op in {"<", ">="} else 0.0
    return {"range": {name: {_BOUND[op]: bound}}}


def _whole(name: str, op: str, bound: float) -> Query:
    """Compare whole numbers with any: as whole ones, within 64 bits."""
    if isinstance(bound, float):
        bound = ceil(bound) if op in {"<", ">="} else floor(bound)
    if not _SMALLEST <= bound <= _GREATEST:
        return exists(name) if _ORDER[op](0, bound) else _NOTHING
    return {"range": {name: {_BOUND[op]: bound}}}


def _flattened(name: str, op: str, bound: str) -> Query:
    """Compare entries of a flattened field, which takes ranges only with both ends."""
    below: Query = {"range": {name: {"gte": "", _BOUND[op if op[0] == "<" else _OTHER[op]]: bound}}}
    if op[0] == "<":
        return below
    return {"bool": {"filter": [exists(name)], "must_not": [below]}}


_OTHER = {">": "<=", ">=": "<"}
_FORMAT = "strict_date_optional_time"


def _time(name: str, op: str, bound: datetime) -> Query:
    """Compare times, of which Elasticsearch keeps milliseconds: bounds between two are moved."""
    between = bound.microsecond % 1000 != 0
    if between:
        op = {"<": "<=", ">=": ">"}.get(op, op)
    return {"range": {name: {_BOUND[op]: _iso(bound), "format": _FORMAT}}}


def _iso(bound: datetime) -> str:
    return f"{bound.isoformat(timespec='milliseconds')}Z"
