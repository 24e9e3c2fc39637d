"""Parquet as a source of rows, streamed by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from elkmon.events.errors import StoreError
from elkmon.importing.record import Bad, Record

__all__ = ["ParquetSource"]

_CHUNK = 2048


class ParquetSource:
    """Read a Parquet file.

    Args:
        path: the file.

    Raises:
        StoreError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = 0
        self._connection = duckdb.connect()
        self.total = 0
        # each in brackets of its own, so that no name is taken for a pattern
        pattern = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
        try:
            described = self._connection.execute(
                "SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet($1))", [pattern]
            ).fetchall()
            (self.total,) = self._connection.execute(
                "SELECT count(*) FROM read_parquet($1)", [pattern]
            ).fetchall()[0]
            chosen = ", ".join(_selected(name, kind) for name, kind in described)
            self._rows = self._connection.execute(
                f"SELECT {chosen} FROM read_parquet($1)", [pattern]
            )
        except duckdb.Error as error:
            self._connection.close()
            raise StoreError(f"cannot read {path} as Parquet: {error}") from error
        self.columns = tuple(name for name, _ in described)

    @property
    def numeric(self) -> frozenset[str]:
        """Say which columns are numbers written as text: values have types of their own here."""
        return frozenset()

    def position(self) -> int:
        """Say how many rows were read."""
        return self._done

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __iter__(self) -> Iterator[Record | Bad]:
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


def _selected(name: str, kind: str) -> str:
    """Select a column; times with a zone come in UTC without it, since Python would need pytz."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({quoted}))"
    return f"{quoted}::VARCHAR" if "WITH TIME ZONE" in kind else quoted
