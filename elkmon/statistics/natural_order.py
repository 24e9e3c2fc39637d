"""Sort groups as people expect: numbers by value, absent values last."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

__all__ = ["Key", "natural", "natural_all"]

Value = str | int | float | bool | datetime | None
Key = tuple[int, tuple[tuple[int, float, str], ...]]


def natural(cell: Value) -> Key:
    """Return the sort key of a group's value: absent last, and 2.9.0 before 2.10.0."""
    if cell is None:
        return 1, ()
    if isinstance(cell, datetime):
        return 0, ((0, cell.timestamp(), ""),)
    if isinstance(cell, (bool, int, float)):
        return 0, ((0, float(cell), ""),)
    parts = re.findall(r"\d+|\D+", cell)
    return 0, tuple((0, float(p), "") if p.isdecimal() else (1, 0.0, p) for p in parts)


def natural_all(cells: Iterable[Value]) -> list[Key]:
    """Return the sort key of a whole group."""
    return [natural(cell) for cell in cells]
