"""Look through the NDJSON files of a folder for lines and values that no figure counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import orjson

from elkmon.events.limits import TOO_LONG, mebibytes
from elkmon.stores.local.columns import REQUIRED, STORED, UNREADABLE, read_json, shape
from elkmon.stores.local.files import is_closed, listing
from elkmon.stores.local.line_scan import Line, has_long_line, scan
from elkmon.stores.local.schema_check import misfits

__all__ = ["Survey", "Tally", "survey"]

_PLACES = 3


@dataclass
class Tally:
    """Counts by kind, each with the first places."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        """Count one of a kind."""
        self.counts[kind] += 1
        known = self.places.setdefault(kind, [])
        if len(known) < _PLACES:
            known.append(place)


@dataclass
class Survey:
    """The counts of a survey.

    Attributes:
        bad: lines that are no events, by reason.
        misfit: values that do not fit, by field.
        unread: files that cannot be read, by reason.
        unfinished: last lines of live files, which are being written.
    """

    bad: Tally = field(default_factory=Tally)
    misfit: Tally = field(default_factory=Tally)
    unread: Tally = field(default_factory=Tally)
    unfinished: int = 0


def survey(folder: Path, progress: Callable[[int, int], None] | None = None) -> Survey:
    """Read each file strictly by DuckDB, and line by line those that fail or hold a long line.

    Args:
        folder: of the events.
        progress: called with how many files of how many are read.

    Raises:
        StoreError: the folder may not be read.
    """
    result = Survey()
    files = listing(folder).ndjson
    for number, file in enumerate(files, 1):
        try:
            if has_long_line(file) or not _is_sound(file):
                _by_lines(file, result)
        except FileNotFoundError:
            pass  # compacted meanwhile
        except OSError as error:
            result.unread.add(error.strerror or str(error), file.name)
        if progress is not None:
            progress(number, len(files))
    return result


def _by_lines(file: Path, result: Survey) -> None:
    for line in scan(file):
        if line.reason is None:
            _misfits(line, file, result.misfit)
        elif line.too_long:  # counted together, whatever their sizes
            size = mebibytes(line.size - line.ended)
            result.bad.add(TOO_LONG, f"{file.name}:{line.number} ({size})")
        elif line.ended or is_closed(file):
            result.bad.add(line.reason, f"{file.name}:{line.number}")
        else:
            result.unfinished += 1


def _is_sound(file: Path) -> bool:
    """Return whether every line is an event whose values all fit."""
    paths, lines = shape(STORED)
    there = ", ".join(f"count({path})" for path in paths.values())
    bad = " OR ".join(f"{paths[ref]} IS NULL" for ref in REQUIRED)
    with duckdb.connect() as connection:
        try:
            ((count, *_),) = connection.execute(
                f"SELECT count(*) FILTER ({bad}), {there} "
                f"FROM {read_json([file], lines, strict=True)}"
            ).fetchall()
        except (*UNREADABLE, duckdb.IOException):
            return False
    return bool(count == 0)


def _misfits(line: Line, file: Path, tally: Tally) -> None:
    try:
        event = orjson.loads(line.data)
    except orjson.JSONDecodeError as error:  # DuckDB reads it nevertheless
        tally.add(f"a line should be strict JSON: {error.msg}", f"{file.name}:{line.number}")
        return
    for name, expected in misfits(event):
        tally.add(f"{name} should be {expected}", f"{file.name}:{line.number}")
