"""Read the files of a folder by DuckDB: live, vanishing, or corrupt; never failing, never twice."""

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
"""How often corrupt files may be looked at: a live one may grow a bad line behind our back."""

_OLD = int(duckdb.__version__.split(".")[0]) < 2  # noqa: PLR2004 - the first that fails aloud
"""Whether DuckDB drops what follows a line of a hundred thousand brackets, or a byte order mark."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Clean:
    """A file without its bad lines, as of one size and time of change."""

    size: int
    changed: int
    path: Path
    bad_lines: int


class Reader:
    """The files of one folder, to be asked questions.

    Args:
        folder: that holds the events.
        scratch: an own folder, for cleaned copies of corrupt files.

    Attributes:
        bad_lines: lines that were left out of the files of the last question.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.bad_lines = 0
        self._scratch = scratch
        self._cleaned: dict[str, _Clean] = {}
        self._numbers = count()

    def run(self, ask: Callable[[Listing], Rows]) -> Rows:
        """Ask a question of the files as they are now.

        A file that vanishes meanwhile (compaction replaces it) makes it ask again; one that DuckDB
        gives up on, or that holds a line beyond the limit, is asked without its bad lines.

        Args:
            ask: puts the question to some files, by DuckDB.

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
        """Put clean copies in place of NDJSON files with a line that DuckDB must not see."""
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
        state = file.stat()
        known = self._cleaned.get(file.name)
        if known is None or (known.size, known.changed) != (state.st_size, state.st_mtime_ns):
            path, bad_lines = self._copied(file)
            known = _Clean(state.st_size, state.st_mtime_ns, path, bad_lines)
            self._cleaned[file.name] = known
        return known

    def _copied(self, file: Path) -> tuple[Path, int]:
        """Copy the good lines, over the copy before; the file itself where it is nothing else."""
        bad_lines = marked = 0
        for line in scan(file):
            bad_lines += line.reason is not None
            marked += len(line.data) < line.size  # by a byte order mark
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
