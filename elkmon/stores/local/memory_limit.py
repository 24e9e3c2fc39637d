"""The limit of a question's memory, which does not grow with the number of compacted events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

from elkmon.events.errors import StoreError
from elkmon.events.limits import MiB
from elkmon.stores.local.files import Listing
from elkmon.stores.local.reader import Rows

__all__ = ["Memory"]

_LEAST = 192 * MiB
_EACH = 96 * MiB
"""For each processor: with much less DuckDB gives up."""
_SMALL = 192 * MiB
"""Parquet up to this size needs no limit: with one, DuckDB uses the disk long before it must."""
_LINES = 512 * MiB
"""For each processor, at most: lines are held in memory while a question is answered."""
_UNITS = {"bytes": 1, "KiB": 1024, "MiB": MiB, "GiB": 1024 * MiB, "TiB": 1024 * 1024 * MiB}
_FULL = re.compile("max_temp_directory_size|No space left", re.IGNORECASE)


class Memory:
    """Limit what DuckDB holds in memory; it keeps the rest of a question in a folder meanwhile.

    Some parts of some questions cannot go there; then DuckDB gets all memory of the machine.

    Args:
        connection: of DuckDB.
        scratch: a folder for what does not fit.
        setting: the limit in bytes; see :mod:`elkmon.events.query_settings` for the default.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, scratch: Path, setting: int | None = None
    ) -> None:
        self._connection = connection
        self._scratch = scratch
        self._setting = setting
        ((threads, limit),) = connection.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchall()
        self._threads = int(threads)
        self._most = _bytes(limit)
        self._allowed = 0
        connection.execute("SET temp_directory = ?", [str(scratch)])

    def within(self, files: Listing, ask: Callable[[], Rows]) -> Rows:
        """Ask with the limit that files of their size need, and once more without it if that fails.

        Raises:
            StoreError: the question does not fit into what the setting, or this machine, allows.
        """
        limits = [self._setting] if self._setting else [self._usual(files), self._most]
        for limit in limits:
            self._allow(limit)
            try:
                return ask()
            except duckdb.Error as error:
                if _FULL.search(str(error)):
                    raise StoreError(
                        f"{self._scratch.parent} has no room for what a question keeps there "
                        "meanwhile: free some, or set TMPDIR to a folder with more"
                    ) from error
                if not isinstance(error, duckdb.OutOfMemoryException):
                    raise
                failed = error
        raise StoreError(
            f"the question does not fit into {limits[-1] // MiB:,} MiB of memory: ask for fewer "
            f"groups, a shorter span, or allow more, as with ELKMON_MEMORY_BYTES={2 * limits[-1]}"
        ) from failed

    def _usual(self, files: Listing) -> int:
        lines, compacted = (_size(paths) for paths in (files.ndjson, files.parquet))
        if compacted <= _SMALL:
            return self._most
        usual = max(_EACH * self._threads, _LEAST) + min(lines, _LINES * self._threads)
        return min(usual, self._most)

    def _allow(self, limit: int) -> None:
        if limit != self._allowed:
            self._connection.execute(f"SET memory_limit = '{limit // 1024} KiB'")
            self._allowed = limit


def _size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _bytes(size: str) -> int:
    """Return the bytes of a size as DuckDB writes it: ``18.8 GiB``."""
    number, unit = size.split()
    return int(float(number) * _UNITS[unit])
