"""One name for a class, wherever it comes from."""

from __future__ import annotations

__all__ = ["TASKS", "class_name"]

TASKS = frozenset({"binary", "multiclass", "regression", "generation"})


def class_name(value: object) -> str | None:
    """Turn a class into its string: the one rule for predictions, labels, imports and positives.

    Integral floats become integers (``1.0`` → ``"1"``), booleans ``"true"`` and ``"false"``;
    ``None``, NaN and the empty string are no label. Scalars of numpy and pandas count as Python's.

    Args:
        value: the class as the application has it.

    Returns:
        The class as a string, or None where there is none.
    """
    if type(value) is str:
        return value or None
    if value is None:
        return None
    item = getattr(value, "item", None)  # numpy scalars and zero-dimensional arrays
    if item is not None and not isinstance(value, type):
        value = item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN is the one value that differs from itself
            return None
        return str(int(value)) if value.is_integer() else repr(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") or None
    enum_value = getattr(value, "value", None)
    if enum_value is not None and hasattr(type(value), "__members__"):
        return class_name(enum_value)
    text = str(value)
    return None if text in {"", "<NA>", "NaT"} else text
