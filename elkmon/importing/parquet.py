"""Read the rows of a Parquet file, streamed by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from elkmon.events.errors import StoreError
from elkmon.importing.record import Record

__all__ = ["ParquetSource"]

_CHUNK = 2048


class ParquetSource:
    """A Parquet file.

    Args:
        path: the file.

    Raises:
        StoreError: the file cannot be read.
    """

    numeric: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = 0
        self._connection = duckdb.connect()
        self.total = 0
        # wildcards in brackets, so that DuckDB takes the name as it is
        pattern = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
        try:
            described = self._connection.execute(
                "SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet($1))", [pattern]
            ).fetchall()
            (self.total,) = self._connection.execute(
                "SELECT count(*) FROM read_parquet($1)", [pattern]
            ).fetchall()[0]
            columns = ", ".join(_column(name, kind) for name, kind in described)
            self._rows = self._connection.execute(
                f"SELECT {columns} FROM read_parquet($1)", [pattern]
            )
        except duckdb.Error as error:
            self._connection.close()
            raise StoreError(f"cannot read {path} as Parquet: {error}") from error
        self.columns = tuple(name for name, _ in described)

    def position(self) -> int:
        """Return how many rows have been read."""
        return self._done

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __iter__(self) -> Iterator[Record]:
        while True:
            try:
                rows = self._rows.fetchmany(_CHUNK)
            except duckdb.Error as error:
                raise StoreError(
                    f"cannot read {self._path} beyond row {self._done:,}: {error}"
                ) from error
            if not rows:
                return
            for row in rows:
                self._done += 1
                values = dict(zip(self.columns, row, strict=True))
                yield Record(self._done, values, values)


def _column(name: str, kind: str) -> str:
    """Return the SQL for a column; times with a zone are read as UTC, as Python would need pytz."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({quoted}))"
    return f"{quoted}::VARCHAR" if "WITH TIME ZONE" in kind else quoted
