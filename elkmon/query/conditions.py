"""Parse conditions as people type them: ``version=2.0.0``, ``ml.prediction.score>=0.9``."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from elkmon.events.classes import class_name
from elkmon.events.datasets import DATASETS, Dataset, dataset_name
from elkmon.events.errors import QueryError
from elkmon.events.fields import BY_NAME, Field, Kind, find
from elkmon.events.times import from_iso
from elkmon.query.quoting import QUOTED, quote_name, quote_value, unquote
from elkmon.query.times import iso, moment, now
from elkmon.stores.protocol import Cell, Condition

__all__ = [
    "Where",
    "add_conditions",
    "condition_texts",
    "conditions",
    "dataset_of",
    "dimension",
    "equal",
    "lookup",
    "matches",
    "resolve",
    "unknown_fields",
]

Where = Mapping[str, object] | Iterable[str | Condition]
"""``{"version": "2.0.0", "segment.country": ["de", "fr"]}``, or ``["version=2.0.0"]``."""

_CONDITION = re.compile(
    rf"\s*({QUOTED}|[^=!<>]+?)\s*(!=|<=|>=|==|=|<|>)\s*({QUOTED}|.*?)\s*", re.DOTALL
)
_NUMERIC = {Kind.DOUBLE, Kind.LONG, Kind.NUMBERS}
_ORDERED = {*_NUMERIC, Kind.DATE}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def resolve(name: str) -> tuple[Field, str]:
    """Return the field that a name stands for.

    Returns:
        The field, and its full name, with the entry of a keyed field.

    Raises:
        QueryError: there is no such field, or it holds many entries and the name has none.
    """
    try:
        field, key = find(name)
    except KeyError:
        close = difflib.get_close_matches(name, [*BY_NAME, "version", "model", "segment"], n=2)
        hint = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "docs/reference/fields.md lists them all"
        )
        raise QueryError(f"no such field: {name}; {hint}") from None
    if field.kind.keyed and not key:
        raise QueryError(f"{name} holds many entries: name one, such as {field.name}.country")
    return field, field.name if key is None else f"{field.name}.{key}"


def dimension(name: str) -> str:
    """Return the full name of a field to group by.

    Raises:
        QueryError: there is no such field, or events cannot be grouped by it.
    """
    field, full = resolve(name)
    if field.kind is Kind.DATE:
        raise QueryError(f"{name} is a time: group by time with every (--every 1h, --every 1d)")
    if field.kind in {Kind.TEXT, Kind.KEYWORDS}:
        raise QueryError(f"{name} is free text, or a list: events cannot be grouped by it")
    return full


def conditions(where: Where | None) -> tuple[Condition, ...]:
    """Return parsed conditions; all of them have to hold.

    Several ``=`` of one field mean any of these values. ``field=`` without a value means that the
    field is absent, ``field!=`` that it is present. A name or a value in double quotes is read as
    a JSON string: ``"segment.a=b"="ends in white space "``.

    Args:
        where: text, or a mapping from a field to its value, its values, or None for absent.

    Raises:
        QueryError: a condition, field or value cannot be parsed.
    """
    if where is None:
        return ()
    if isinstance(where, str):
        where = [where]
    if isinstance(where, Mapping):
        parsed = [_parse_item(str(name), value) for name, value in where.items()]
    else:
        parsed = [
            condition if isinstance(condition, Condition) else _parse_text(condition)
            for condition in where
        ]
    merged: dict[tuple[str, str], Condition] = {}
    for position, condition in enumerate(parsed):
        # two bounds of one field both hold; two equalities can only mean any of them
        key = (condition.field, condition.op if condition.op in {"=", "!="} else str(position))
        before = merged[key].values if key in merged else ()
        values = tuple(dict.fromkeys((*before, *condition.values)))
        merged[key] = Condition(condition.field, condition.op, values)
    return tuple(merged.values())


def _parse_text(text: str) -> Condition:
    match = _CONDITION.fullmatch(str(text))
    if match is None:
        raise QueryError(f"not a condition: {text!r}; use field=value, or !=, <, <=, >, >=")
    name, op, value = unquote(match[1]), match[2], unquote(match[3])
    field, full = resolve(name)
    op = "=" if op == "==" else op
    if not value:
        if op not in {"=", "!="}:
            raise QueryError(f"{text!r} has no value: write one after {op}")
        return Condition(full, "missing" if op == "=" else "exists")
    if op in _ORDER and field.kind not in _ORDERED:
        raise QueryError(f"{name} holds text, which has no order here: use {name}= or {name}!=")
    return Condition(full, cast("Any", op), (_value(field, name, value),))


def _parse_item(name: str, value: object) -> Condition:
    field, full = resolve(name)
    if value is None:
        return Condition(full, "missing")
    values = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    if not values:
        raise QueryError(f"where {name} has no value: give one, or None for absent")
    return Condition(full, "=", tuple(_value(field, name, item) for item in values))


def _value(field: Field, name: str, value: object) -> Cell:
    """Return a value as the type of its field."""
    if field.kind in _NUMERIC:
        try:
            number = float(cast("Any", value))
        except (TypeError, ValueError):
            raise QueryError(f"{name} holds numbers, not {value!r}") from None
        return int(number) if field.kind is Kind.LONG and number.is_integer() else number
    if field.kind is Kind.DATE:
        return moment(cast("Any", value), now())
    if field.kind is Kind.BOOLEAN:
        flag = _BOOLEANS.get(str(value).lower())
        if flag is None:
            raise QueryError(f"{name} is true or false, not {value!r}")
        return flag
    if field.name == "event.dataset":
        return dataset_name(str(value))
    return class_name(value)


def condition_texts(where: Iterable[Condition]) -> list[str]:
    """Return conditions as text that :func:`conditions` parses again."""
    texts = []
    for condition in where:
        name = quote_name(condition.field)
        if condition.op in {"missing", "exists"}:
            texts.append(f"{name}{'=' if condition.op == 'missing' else '!='}")
        texts += [f"{name}{condition.op}{_text(value)}" for value in condition.values]
    return texts


def equal(field: str, value: Cell) -> Condition:
    """Return the condition that a field has a value; None: that it is absent."""
    return Condition(field, "missing") if value is None else Condition(field, "=", (value,))


def add_conditions(where: Iterable[Condition], *more: Condition) -> tuple[Condition, ...]:
    """Return conditions with more of them, where all have to hold.

    Two equalities of one field keep only the values that both allow: as text they would mean any.
    """
    combined = list(where)
    for condition in more:
        positions = [
            position
            for position, existing in enumerate(combined)
            if condition.op == "=" and (existing.field, existing.op) == (condition.field, "=")
        ]
        for position in positions:
            kept = tuple(value for value in combined[position].values if value in condition.values)
            combined[position] = replace(condition, values=kept)
        combined += [] if positions else [condition]
    return tuple(dict.fromkeys(combined))


def _text(value: Cell) -> str:
    if isinstance(value, datetime):
        return iso(value)
    return str(value).lower() if isinstance(value, bool) else quote_value(str(value))


def unknown_fields(where: Sequence[Condition], dataset: Dataset) -> tuple[str, ...]:
    """Return the fields of conditions that events of a dataset never have."""
    return tuple(
        condition.field for condition in where if dataset not in find(condition.field)[0].datasets
    )


def dataset_of(where: Sequence[Condition]) -> Dataset | None:
    """Return the only dataset that can meet all conditions; None if there are several."""
    possible = set(DATASETS)
    for condition in where:
        if condition.op not in {"missing", "!="}:
            possible &= set(find(condition.field)[0].datasets)
    return possible.pop() if len(possible) == 1 else None


def lookup(event: Mapping[str, Any], name: str) -> object:
    """Return the value of a field in an event as it was written; None if it is absent."""
    field, key = find(name)
    value: Any = event
    for part in (*field.name.split("."), *(() if key is None else (key,))):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return cast("object", value)


def matches(event: Mapping[str, Any], where: Sequence[Condition]) -> bool:
    """Return whether an event, as it was written, meets all conditions."""
    return all(_meets(lookup(event, condition.field), condition) for condition in where)


def _meets(value: object, condition: Condition) -> bool:
    if condition.op == "missing" or value is None:
        return value is None and condition.op in {"missing", "!="}
    if condition.op == "exists":
        return True
    field, _ = find(condition.field)
    try:
        date = field.kind is Kind.DATE
        parsed = from_iso(str(value)) if date else _value(field, field.name, value)
    except (QueryError, ValueError):
        return False
    if condition.op in {"=", "!="}:
        return (parsed in condition.values) == (condition.op == "=")
    bound = condition.values[0]
    return parsed is not None and bound is not None and _ORDER[condition.op](parsed, bound)
