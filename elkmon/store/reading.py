"""Read the files of a folder by DuckDB: live, vanishing, or corrupt; never failing, never twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from elkmon.events.errors import StoreError
from elkmon.store.files import Listing, listing
from elkmon.store.lines import scan

__all__ = ["Reader"]

_TRIES = 50

Rows = list[tuple[Any, ...]]


class Reader:
    """The files of one folder, to be asked questions.

    Args:
        folder: that holds the events.
        scratch: an own folder, for cleaned copies of corrupt files.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self._scratch = scratch
        self._cleaned: dict[tuple[str, int, int], Path] = {}

    def run(self, ask: Callable[[Listing], Rows]) -> Rows:
        """Ask a question of the files as they are now.

        A file that vanishes meanwhile (compaction replaces it) makes it ask again; one that DuckDB
        gives up on is asked without its bad lines.

        Args:
            ask: puts the question to some files, by DuckDB.

        Raises:
            StoreError: the files cannot be read.
        """
        clean = False
        for _ in range(_TRIES):
            files = listing(self.folder)
            try:
                return ask(self._without_bad_lines(files) if clean else files)
            except (duckdb.IOException, FileNotFoundError) as error:
                if all(file.exists() for file in (*files.ndjson, *files.parquet)):
                    raise StoreError(f"{self.folder} cannot be read: {error}") from error
            except duckdb.InvalidInputException as error:
                if clean:
                    raise StoreError(f"{self.folder} cannot be read: {error}") from error
                clean = True
        raise StoreError(f"{self.folder} changes faster than it can be read: try again")

    def _without_bad_lines(self, files: Listing) -> Listing:
        """Put clean copies in place of NDJSON files that hold a line which is no event."""
        return Listing(tuple(map(self._clean, files.ndjson)), files.parquet)

    def _clean(self, file: Path) -> Path:
        state = file.stat()
        known = (file.name, state.st_size, state.st_mtime_ns)
        if known not in self._cleaned:
            self._cleaned[known] = self._copied(file) or file
        return self._cleaned[known]

    def _copied(self, file: Path) -> Path | None:
        """Copy the good lines; None where all are good."""
        if all(line.reason is None for line in scan(file)):
            return None
        copy = self._scratch / f"{len(self._cleaned)}-{file.name}"
        with copy.open("wb") as target:
            target.writelines(line.data for line in scan(file) if line.reason is None)
        return copy
