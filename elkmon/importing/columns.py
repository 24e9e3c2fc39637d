"""Check that a table has the columns that the options name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from elkmon.events.errors import ConfigError
from elkmon.importing.options import ImportOptions

__all__ = ["check_columns"]

_MOST = 40
"""Names of columns in a message."""


def check_columns(options: ImportOptions, columns: Sequence[str], path: Path) -> None:
    """Check that a table has each column that the options name, once.

    Raises:
        ConfigError: a column is missing, with similar names, or is there twice.
    """
    problems = []
    for role, name in options.columns():
        if name not in columns:
            close = get_close_matches(name, columns, n=3)
            lower = [column for column in columns if column.lower() == name.lower()]
            similar = " or ".join(map(repr, dict.fromkeys(lower + close)))
            hint = f", did you mean {similar}?" if similar else ""
            problems.append(f"no column {name!r} ({role}){hint}")
        elif columns.count(name) > 1:
            problems.append(f"there are two columns {name!r} ({role}): rename one")
    if problems:
        names = ", ".join(columns[:_MOST]) or "no columns at all"
        more = f" and {len(columns) - _MOST} more" if len(columns) > _MOST else ""
        raise ConfigError(f"{path.name}: {'; '.join(problems)}. The table has: {names}{more}")
