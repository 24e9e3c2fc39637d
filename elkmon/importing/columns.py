"""Are the columns that were asked for in the table?"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from elkmon.events.errors import ConfigError
from elkmon.importing.options import ImportOptions

__all__ = ["check_columns"]

_SHOWN = 40


def check_columns(options: ImportOptions, columns: Sequence[str], path: Path) -> None:
    """Compare the options with a table.

    Raises:
        ConfigError: a column is not there, or there twice; with the names that come close.
    """
    problems = []
    for what, name in options.columns():
        if name not in columns:
            close = get_close_matches(name, columns, n=3)
            lower = [each for each in columns if each.lower() == name.lower()]
            meant = " or ".join(map(repr, dict.fromkeys(lower + close)))
            problems.append(f"no column {name!r} ({what})" + (f", meant {meant}?" if meant else ""))
        elif columns.count(name) > 1:
            problems.append(f"the column {name!r} ({what}) is there twice: which one is unclear")
    if problems:
        shown = ", ".join(columns[:_SHOWN]) or "no columns at all"
        more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
        raise ConfigError(f"{path.name}: {'; '.join(problems)}. The table has: {shown}{more}")
