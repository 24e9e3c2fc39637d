"""Turn a result of any question into a table of text, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from elkmon.present.formatting import ABSENT, cell, counts, when, with_interval
from elkmon.present.html_table import Table
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.rate import Rate

__all__ = ["result_table"]


def result_table(rows: Sequence[Any], caption: str) -> Table:
    """Return rows as a table: groups and times first, figures with interval and counts.

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
    """Return a part of a row as text; None if it does not fit a cell."""
    if isinstance(value, Rate):
        return value.reason or f"{with_interval(value)} {counts(value)}"
    if isinstance(value, Estimate):
        if value.value is None:
            return value.reason or ABSENT
        return f"{with_interval(value)} {counts(value)}"
    if isinstance(value, datetime):
        return when(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return ABSENT if value is None else cell(value)
    if isinstance(value, (tuple, list)) and all(isinstance(part, str) for part in value):
        return ", ".join(map(cell, value))
    if is_dataclass(value) and hasattr(value, "name"):
        return cell(value.name)
    return None
