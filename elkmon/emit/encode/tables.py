"""Columns and frames of any library, as lists: what a batch is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from importlib import import_module
from math import isnan
from typing import Any

import orjson

__all__ = ["Shapeless", "as_columns", "column", "frame", "height", "is_single", "own", "rows_of"]

_FOLDABLE = frozenset((str, int, float, bool))
_AS_THEY_ARE = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME


class Shapeless(ValueError):  # noqa: N818 - what it says is what is wrong
    """Columns that do not fit each other, or a table that cannot be read."""


def is_single(value: object) -> bool:
    """Return whether a value holds for all rows."""
    if value is None or isinstance(value, (str, bytes, bool, int, float, date, Mapping)):
        return True
    if getattr(value, "ndim", None) == 0:  # a scalar of numpy
        return True
    return not isinstance(value, Iterable) and not _readable(value)


def _readable(value: object) -> bool:
    return any(hasattr(value, name) for name in ("__arrow_c_stream__", "tolist", "to_list"))


def column(value: object) -> list[Any]:
    """Read one column: a list, as it is; an array, a series, or anything that can be gone through.

    Raises:
        Shapeless: it cannot be read.
    """
    if type(value) is list:
        return value
    dtype = getattr(value, "dtype", None)
    if isinstance(value, Iterable) and getattr(dtype, "kind", "") in {"m", "M"}:
        return list(value)  # numpy would make numbers of times with nanoseconds
    for name in ("to_pylist", "tolist", "to_list"):  # pyarrow; numpy and pandas; polars
        read = getattr(value, name, None)
        if callable(read):
            return _without_nan_texts(list(read()))
    if isinstance(value, Iterable):
        return list(value)
    if not hasattr(value, "__arrow_c_stream__"):
        raise Shapeless(f"a column cannot be read from {type(value).__name__}")
    return list(_arrow(value).chunked_array(value).to_pylist())


def _without_nan_texts(values: list[Any]) -> list[Any]:
    """Return None for NaN in a column of texts, where pandas has it for what is missing."""
    if set(map(type, values)) != {str, float}:
        return values
    return [None if isinstance(value, float) and isnan(value) else value for value in values]


def own(values: object) -> object:
    """Return the one value of a column that says the same in every row; else a copy of the column.

    Nobody can change a copy while it is written.
    """
    folded = _folded(values)
    return list(folded) if isinstance(folded, list) else folded


def _folded(values: object) -> object:
    """Return the one value of a column that says the same in every row; else the column.

    That it compares equal is seen at once where it is not; that it also looks equal in JSON tells
    1 from 1.0 and True.
    """
    if not isinstance(values, list) or not values or type(values[0]) not in _FOLDABLE:
        return values
    first = values[0]
    try:
        if values != [first] * len(values):
            return values
        one = orjson.dumps(first)
        text = orjson.dumps(values, option=_AS_THEY_ARE)
    except Exception:  # noqa: BLE001 - whatever is in it, its methods included
        return values
    return first if text == b"[" + (one + b",") * (len(values) - 1) + one + b"]" else values


def frame(value: object) -> dict[Any, Any] | list[Any]:
    """Read a table: names with columns, each a list or a single value; or a list of rows.

    Args:
        value: a mapping of names to columns, a list of mappings, a two-dimensional array, or
            anything of pandas, polars, pyarrow, or with ``__arrow_c_stream__``.

    Raises:
        Shapeless: it cannot be read.
    """
    if isinstance(value, Mapping):
        return {name: one if is_single(one) else column(one) for name, one in value.items()}
    if hasattr(value, "columns") and hasattr(value, "__getitem__"):  # pandas, polars
        names = getattr(value, "column_names", None) or list(value.columns)
        return {name: column(value[name]) for name in names}
    if hasattr(value, "column_names"):  # pyarrow
        return {name: column(value[name]) for name in value.column_names}  # type: ignore[index]  # as above
    if hasattr(value, "__arrow_c_stream__"):
        return frame(_arrow(value).table(value))
    if getattr(value, "ndim", 2) != 2:  # noqa: PLR2004 - rows and columns
        raise Shapeless("features are a table: an array needs two dimensions")
    rows = column(value)
    if rows and not isinstance(rows[0], Mapping):
        return {str(place): list(values) for place, values in enumerate(zip(*rows, strict=True))}
    return rows


def _arrow(value: object) -> Any:  # noqa: ANN401 - pyarrow is not ours to name
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise Shapeless(
            f"{type(value).__name__} can be read where pyarrow is installed: pip install pyarrow"
        ) from error


def height(values: Iterable[object]) -> int:
    """Return the number of rows that columns have in common.

    Raises:
        Shapeless: they differ, or no column tells it.
    """
    lengths = {len(value) for value in values if hasattr(value, "__len__") and not is_single(value)}
    if len(lengths) != 1:
        raise Shapeless(
            f"columns have {', '.join(f'{length:,}' for length in sorted(lengths))} rows"
            if lengths
            else "no column tells how many rows there are"
        )
    return lengths.pop()


def as_columns(table: dict[Any, Any] | list[Any] | None) -> dict[Any, Any] | None:
    """Return a table as named columns, each a list or a single value; None where rows differ."""
    if table is None:
        return {}
    if isinstance(table, dict):
        return table
    names = (*table[0],) if table else ()
    if not all(isinstance(row, dict) and (*row,) == names for row in table):
        return None
    return {name: [row[name] for row in table] for name in names}


def rows_of(table: dict[Any, Any] | list[Any] | None, number: int) -> list[Any]:
    """Return a table row by row, each a mapping; a single value holds for all rows."""
    if table is None:
        return [None] * number
    if isinstance(table, list):
        return table
    names = list(table)
    columns = [one if isinstance(one, list) else [one] * number for one in table.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] or (
        [{}] * number
    )
