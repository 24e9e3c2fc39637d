"""Check the values of a line against the field table; a value that does not fit is null in SQL.

As in DuckDB, a text that reads as a number is a number, and a number is also a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any

from elkmon.events.fields import FIELDS, Kind
from elkmon.events.times import from_iso

__all__ = ["misfits"]


def misfits(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each field whose value does not fit, with what it should be.

    Args:
        event: a line, as JSON.
    """
    for field in FIELDS:
        value: Any = event
        for part in field.name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and not _FITS[field.kind](value):
            yield field.name, _DESCRIPTION[field.kind]


_BOOLEANS = {"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"}


def _text(_value: Any) -> bool:  # noqa: ANN401 - any JSON
    return True


def _number(value: Any) -> bool:  # noqa: ANN401 - any JSON
    try:
        return isinstance(value, (str, int, float)) and isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def _whole(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return _number(value) and -(2**63) <= float(value) < 2**63


def _boolean(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return isinstance(value, (int, float)) or str(value).lower() in _BOOLEANS


def _time(value: Any) -> bool:  # noqa: ANN401 - any JSON
    try:
        from_iso(value)
    except (TypeError, ValueError, AttributeError, OverflowError):
        return False
    return True


def _all_values(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def all_fit(value: Any) -> bool:  # noqa: ANN401 - any JSON
        if not isinstance(value, Mapping):
            return False
        return all(entry is None or fits(entry) for entry in value.values())

    return all_fit


_FITS: dict[Kind, Callable[[Any], bool]] = {
    Kind.KEYWORD: _text,
    Kind.TEXT: _text,
    Kind.DATE: _time,
    Kind.DOUBLE: _number,
    Kind.LONG: _whole,
    Kind.BOOLEAN: _boolean,
    Kind.KEYWORDS: lambda value: isinstance(value, list),
    Kind.CATEGORIES: _all_values(_text),
    Kind.LABELS: lambda value: isinstance(value, Mapping),
    Kind.NUMBERS: _all_values(_number),
}
_DESCRIPTION: dict[Kind, str] = {
    Kind.KEYWORD: "a text",
    Kind.TEXT: "a text",
    Kind.DATE: "a time (ISO 8601)",
    Kind.DOUBLE: "a number",
    Kind.LONG: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.KEYWORDS: "a list of texts",
    Kind.CATEGORIES: "an object of texts",
    Kind.LABELS: "an object",
    Kind.NUMBERS: "an object of numbers",
}
