"""A result as a table of text, whatever its rows are: for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from elkmon.present.formatting import (
    ABSENT,
    cell,
    counts,
    interval,
    limits,
    made_of,
    number,
    percent,
    when,
)
from elkmon.present.html_table import Table
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.rate import Rate

__all__ = ["result_table"]


def result_table(rows: Sequence[Any], caption: str) -> Table:
    """Lay rows out: groups and times first, figures with their interval and what they count.

    Args:
        rows: of one question.
        caption: of the table.
    """
    lines = [dict(_cells(row)) for row in rows]
    heads = tuple(dict.fromkeys(head for line in lines for head in line))
    return Table(
        tuple(head.replace("_", " ") for head in heads),
        tuple(tuple(line.get(head, "") for head in heads) for line in lines),
        caption,
        frozenset(
            place
            for place, head in enumerate(heads)
            if any(line.get(head, "")[:1].isdigit() for line in lines)
        ),
    )


def _cells(row: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a row of any question
    for field in fields(row):
        value = getattr(row, field.name)
        if isinstance(value, Mapping):
            yield from ((str(name), _text(part) or "") for name, part in value.items())
        elif not (field.name == "time" and value is None):
            text = _text(value)
            if text is not None:
                yield field.name, text


def _text(value: object) -> str | None:
    """Write a part of a row; None for what has no place in a cell."""
    if isinstance(value, Rate):
        return value.reason or f"{percent(value)} {interval(value)} {counts(value)}"
    if isinstance(value, Estimate):
        shown = f"{number(value)} {limits(value)}".strip()
        return f"{shown} {made_of(value)}" if value.value is not None else value.reason or ABSENT
    if isinstance(value, datetime):
        return when(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return ABSENT if value is None else cell(value)
    if isinstance(value, (tuple, list)) and all(isinstance(part, str) for part in value):
        return ", ".join(map(cell, value))
    if is_dataclass(value) and hasattr(value, "name"):
        return cell(value.name)
    return None
