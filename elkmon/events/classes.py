"""One name for a class, wherever it comes from."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["TASKS", "class_name"]

TASKS = frozenset({"binary", "multiclass", "regression", "generation"})

_DIGITS = 400
"""Most digits of an integral Decimal: a few more than a float can have."""


def class_name(value: object) -> str | None:
    """Return a class as text: the one rule for predictions, labels, imports and positives.

    Integral floats and decimals become integers (``1.0`` → ``"1"``), booleans ``"true"`` and
    ``"false"``; ``None``, NaN and the empty string are no class. Scalars of numpy and pandas, and
    arrays of one element, are treated as Python's.

    Args:
        value: the class as the application has it.

    Returns:
        The class as text, or None if there is none.

    Raises:
        Exception: whatever the value's own methods raise, as an array of several elements does.
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
