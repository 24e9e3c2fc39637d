"""One name for a class, wherever it comes from."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["TASKS", "class_name"]

TASKS = frozenset({"binary", "multiclass", "regression", "generation"})

_DIGITS = 400
"""Digits of an integral Decimal, at most: as many as a float can have, and some."""


def class_name(value: object) -> str | None:
    """Turn a class into its string: the one rule for predictions, labels, imports and positives.

    Integral floats and decimals become integers (``1.0`` → ``"1"``), booleans ``"true"`` and
    ``"false"``; ``None``, NaN and the empty string are no label. Scalars of numpy and pandas, and
    arrays of one, count as Python's.

    Args:
        value: the class as the application has it.

    Returns:
        The class as a string, or None where there is none.

    Raises:
        Exception: whatever the value's own methods raise; an array of several, for one.
    """
    if type(value) is str:
        return value or None
    if value is None:
        return None
    item = getattr(value, "item", None)  # numpy scalars and arrays of one
    if callable(item) and not isinstance(value, type):
        value = item()
    return _text(value) or None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, Decimal)):
        return _number(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    enum_value = getattr(value, "value", None)
    if enum_value is not None and hasattr(type(value), "__members__"):
        return class_name(enum_value) or ""
    text = str(value)
    return "" if text in {"<NA>", "NaT"} else text


def _number(value: float | Decimal) -> str:
    if not isinstance(value, Decimal):
        if value != value:  # noqa: PLR0124 - NaN is the one value that differs from itself
            return ""
        return str(int(value)) if value.is_integer() else repr(float(value))
    if value.is_nan():
        return ""
    whole = value.is_finite() and value.adjusted() < _DIGITS and value == int(value)
    return str(int(value)) if whole else str(value)
