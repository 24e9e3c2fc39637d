"""Ask the files of a folder by DuckDB while they grow, vanish, or hold corrupt lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from elkmon.events.errors import StoreError
from elkmon.stores.local.columns import UNREADABLE
from elkmon.stores.local.files import Listing, listing
from elkmon.stores.local.line_scan import has_long_line, scan

__all__ = ["Reader"]

_TRIES = 50
_STRIKES = 4
"""How often files are cleaned for one question: a live one may get a bad line meanwhile."""

_OLD = int(duckdb.__version__.split(".")[0]) < 2  # noqa: PLR2004 - the first that fails aloud
"""Whether DuckDB silently drops what follows 100,000 brackets or a byte order mark in a line."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Clean:
    """A file without its bad lines, for one size and time of change."""

    size: int
    changed: int
    path: Path
    bad_lines: int


class Reader:
    """Asks the files of a folder.

    Args:
        folder: that holds the events.
        scratch: a folder for clean copies of corrupt files.

    Attributes:
        bad_lines: lines that were left out of the last question.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.bad_lines = 0
        self._scratch = scratch
        self._cleaned: dict[str, _Clean] = {}
        self._numbers = count()

    def run(self, ask: Callable[[Listing], Rows]) -> Rows:
        """Ask the files as they are now.

        A file that vanishes meanwhile (compaction replaces it) makes it ask again; one that DuckDB
        gives up on, or that holds a line beyond the limit, is asked without its bad lines.

        Args:
            ask: asks some files by DuckDB.

        Raises:
            StoreError: the files cannot be read.
        """
        strikes = 0
        for _ in range(_TRIES):
            files = listing(self.folder)
            try:
                return ask(self._without_bad_lines(files, failed=strikes > 0))
            except (duckdb.Error, UnicodeDecodeError, OSError) as error:
                if isinstance(error, UNREADABLE) and strikes < _STRIKES:
                    strikes += 1
                elif all(file.exists() for file in (*files.ndjson, *files.parquet)):
                    raise StoreError(f"{self.folder} cannot be read: {error}") from error
            except RuntimeError as error:
                if "interrupted" in str(error).lower():  # what DuckDB makes of Ctrl-C
                    raise KeyboardInterrupt from error
                raise
        raise StoreError(f"{self.folder} changes faster than it can be read: try again")

    def _without_bad_lines(self, files: Listing, *, failed: bool) -> Listing:
        """Return the files, with clean copies in the place of those that hold bad lines."""
        self.bad_lines = 0
        paths = []
        for file in files.ndjson:
            if failed or _OLD or has_long_line(file):
                clean = self._clean(file)
                self.bad_lines += clean.bad_lines
                paths.append(clean.path)
            else:
                paths.append(file)
        return Listing(tuple(paths), files.parquet)

    def _clean(self, file: Path) -> _Clean:
        status = file.stat()
        clean = self._cleaned.get(file.name)
        if clean is None or (clean.size, clean.changed) != (status.st_size, status.st_mtime_ns):
            path, bad_lines = self._copied(file)
            clean = _Clean(status.st_size, status.st_mtime_ns, path, bad_lines)
            self._cleaned[file.name] = clean
        return clean

    def _copied(self, file: Path) -> tuple[Path, int]:
        """Copy the good lines, replacing an older copy; return the file itself if all are good."""
        bad_lines = marked = 0
        for line in scan(file):
            bad_lines += line.reason is not None
            marked += len(line.data) < line.size  # without a byte order mark
        if not bad_lines and not marked:
            return file, 0
        before = self._cleaned.get(file.name)
        if before is not None and before.path != file:
            copy = before.path
        else:
            copy = self._scratch / f"{next(self._numbers)}.ndjson"
        with copy.open("wb") as target:
            target.writelines(line.data for line in scan(file) if line.reason is None)
        return copy, bad_lines
