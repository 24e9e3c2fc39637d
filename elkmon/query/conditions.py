"""Conditions as people type them: ``version=2.0.0``, ``ml.prediction.score>=0.9``."""

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
from elkmon.query.quoting import QUOTED, name_text, unquoted, value_text
from elkmon.query.times import iso, moment, now
from elkmon.stores.protocol import Cell, Condition

__all__ = [
    "Where",
    "conditions",
    "dataset_of",
    "dimension",
    "equal",
    "foreign",
    "lookup",
    "matches",
    "narrowed",
    "resolve",
    "typed",
]

Where = Mapping[str, object] | Iterable[str | Condition]
"""``{"version": "2.0.0", "segment.country": ["de", "fr"]}``, or ``["version=2.0.0"]``."""

_TYPED = re.compile(
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
    """Look a field up as people name it.

    Returns:
        The field, and the full name, an entry of a keyed field included.

    Raises:
        QueryError: there is no such field, or it holds many entries and none is named.
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
    """Give the full name of a field that groups can be made of.

    Raises:
        QueryError: it is none, or every event would be a group of its own.
    """
    field, full = resolve(name)
    if field.kind is Kind.DATE:
        raise QueryError(f"{name} is a time: group by time with every (--every 1h, --every 1d)")
    if field.kind in {Kind.TEXT, Kind.KEYWORDS}:
        raise QueryError(f"{name} is free text, or a list: events cannot be grouped by it")
    return full


def conditions(where: Where | None) -> tuple[Condition, ...]:
    """Understand conditions; all of them have to hold.

    Several ``=`` of one field mean any of these values. ``field=`` with nothing behind it means
    that the field is absent, ``field!=`` that it is there. A name or a value in double quotes is
    read as JSON reads it: ``"segment.a=b"="ends in white space "``.

    Args:
        where: as text, or as a mapping from a field to its value, its values, or None for absent.

    Raises:
        QueryError: a condition, field or value that cannot be understood.
    """
    if where is None:
        return ()
    if isinstance(where, str):
        where = [where]
    if isinstance(where, Mapping):
        given = [_mapped(str(name), value) for name, value in where.items()]
    else:
        given = [each if isinstance(each, Condition) else _typed(each) for each in where]
    merged: dict[tuple[str, str], Condition] = {}
    for position, each in enumerate(given):
        # two bounds of one field both hold; two equalities can only mean any of them
        key = (each.field, each.op if each.op in {"=", "!="} else str(position))
        before = merged[key].values if key in merged else ()
        merged[key] = Condition(each.field, each.op, tuple(dict.fromkeys((*before, *each.values))))
    return tuple(merged.values())


def _typed(text: str) -> Condition:
    found = _TYPED.fullmatch(str(text))
    if found is None:
        raise QueryError(f"not a condition: {text!r}; use field=value, or !=, <, <=, >, >=")
    name, op, value = unquoted(found[1]), found[2], unquoted(found[3])
    field, full = resolve(name)
    op = "=" if op == "==" else op
    if not value:
        if op not in {"=", "!="}:
            raise QueryError(f"{text!r} has no value: say what {name} is compared with")
        return Condition(full, "missing" if op == "=" else "exists")
    if op in _ORDER and field.kind not in _ORDERED:
        raise QueryError(f"{name} holds text, which has no order here: use {name}= or {name}!=")
    return Condition(full, cast("Any", op), (_value(field, name, value),))


def _mapped(name: str, value: object) -> Condition:
    field, full = resolve(name)
    if value is None:
        return Condition(full, "missing")
    several = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    if not several:
        raise QueryError(f"where {name} has no value: give one, or None for absent")
    return Condition(full, "=", tuple(_value(field, name, each) for each in several))


def _value(field: Field, name: str, value: object) -> Cell:
    """Turn a value into one of the field's type, whichever store is asked."""
    if field.kind in _NUMERIC:
        try:
            number = float(cast("Any", value))
        except (TypeError, ValueError):
            raise QueryError(f"{name} holds numbers, not {value!r}") from None
        return int(number) if field.kind is Kind.LONG and number.is_integer() else number
    if field.kind is Kind.DATE:
        return moment(cast("Any", value), now())
    if field.kind is Kind.BOOLEAN:
        found = _BOOLEANS.get(str(value).lower())
        if found is None:
            raise QueryError(f"{name} is true or false, not {value!r}")
        return found
    if field.name == "event.dataset":
        return dataset_name(str(value))
    return class_name(value)


def typed(where: Iterable[Condition]) -> list[str]:
    """Write conditions as people type them, so that they are understood again."""
    texts = []
    for each in where:
        name = name_text(each.field)
        if each.op in {"missing", "exists"}:
            texts.append(f"{name}{'=' if each.op == 'missing' else '!='}")
        texts += [f"{name}{each.op}{_text(value)}" for value in each.values]
    return texts


def equal(field: str, value: Cell) -> Condition:
    """Say that a field has a value; None: that it has none."""
    return Condition(field, "missing") if value is None else Condition(field, "=", (value,))


def narrowed(where: Iterable[Condition], *more: Condition) -> tuple[Condition, ...]:
    """Add conditions, each of which has to hold as well, also when all of them are typed.

    As typed text, two equalities of one field mean any of both; here they keep what both allow.
    """
    found = list(where)
    for each in more:
        places = [
            place
            for place, known in enumerate(found)
            if each.op == "=" and (known.field, known.op) == (each.field, "=")
        ]
        for place in places:
            kept = tuple(value for value in found[place].values if value in each.values)
            found[place] = replace(each, values=kept)
        found += [] if places else [each]
    return tuple(dict.fromkeys(found))


def _text(value: Cell) -> str:
    if isinstance(value, datetime):
        return iso(value)
    return str(value).lower() if isinstance(value, bool) else value_text(str(value))


def foreign(where: Sequence[Condition], dataset: Dataset) -> tuple[str, ...]:
    """Name the fields of conditions that events of a dataset never have."""
    return tuple(each.field for each in where if dataset not in find(each.field)[0].datasets)


def dataset_of(where: Sequence[Condition]) -> Dataset | None:
    """Give the one kind of event that can meet all conditions; None where there are several."""
    possible = set(DATASETS)
    for each in where:
        if each.op not in {"missing", "!="}:
            possible &= set(find(each.field)[0].datasets)
    return possible.pop() if len(possible) == 1 else None


def lookup(event: Mapping[str, Any], name: str) -> object:
    """Give the value of a field in an event as it was written; None where it is absent."""
    field, key = find(name)
    value: Any = event
    for part in (*field.name.split("."), *(() if key is None else (key,))):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return cast("object", value)


def matches(event: Mapping[str, Any], where: Sequence[Condition]) -> bool:
    """Say whether an event, as it was written, meets all conditions."""
    return all(_meets(lookup(event, each.field), each) for each in where)


def _meets(value: object, condition: Condition) -> bool:
    if condition.op == "missing" or value is None:
        return value is None and condition.op in {"missing", "!="}
    if condition.op == "exists":
        return True
    field, _ = find(condition.field)
    try:
        own = _own(field, value)
    except (QueryError, ValueError):
        return False
    if condition.op in {"=", "!="}:
        return (own in condition.values) == (condition.op == "=")
    bound = condition.values[0]
    return own is not None and bound is not None and _ORDER[condition.op](own, bound)


def _own(field: Field, value: object) -> Cell:
    if field.kind is Kind.DATE:
        return from_iso(str(value))
    return _value(field, field.name, value)
