"""How much memory a question may take: no more for many compacted events than for few."""

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
"""A processor: with much less DuckDB gives up."""
_SMALL = 192 * MiB
"""Parquet of so many bytes needs no limit: with one, DuckDB goes to disk long before it has to."""
_LINES = 512 * MiB
"""A processor: lines are read once, and held while a question is answered."""
_UNITS = {"bytes": 1, "KiB": 1024, "MiB": MiB, "GiB": 1024 * MiB, "TiB": 1024 * 1024 * MiB}
_FULL = re.compile("max_temp_directory_size|No space left", re.IGNORECASE)


class Memory:
    """What DuckDB may hold in memory; the rest of a question it keeps in a folder meanwhile.

    Some parts of some questions cannot be kept there: then it may have what the machine has.

    Args:
        connection: DuckDB's.
        scratch: an own folder, for what does not fit.
        given: bytes that are allowed; as :mod:`elkmon.events.query_settings` says where not given.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, scratch: Path, given: int | None = None
    ) -> None:
        self._connection = connection
        self._scratch = scratch
        self._given = given
        ((threads, most),) = connection.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchall()
        self._threads = int(threads)
        self._most = _bytes(most)
        self._allowed = 0
        connection.execute("SET temp_directory = ?", [str(scratch)])

    def within(self, files: Listing, ask: Callable[[], Rows]) -> Rows:
        """Ask within what files of that size usually need; once more, with more, if that fails.

        Raises:
            StoreError: it does not fit into what the setting, or this machine, allows.
        """
        limits = [self._given] if self._given else [self._usual(files), self._most]
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
        lines, compacted = (_size(each) for each in (files.ndjson, files.parquet))
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
    """Read what DuckDB writes of a size: ``18.8 GiB``."""
    number, unit = size.split()
    return int(float(number) * _UNITS[unit])
