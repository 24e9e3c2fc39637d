"""Read the rows of an NDJSON file: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import orjson

from elkmon.events.errors import StoreError
from elkmon.importing.lines import Lines
from elkmon.importing.record import BadRow, Record

__all__ = ["NdjsonSource"]

_SAMPLE = 1000
"""Rows whose keys are the columns of the table."""


class NdjsonSource:
    """A file with one JSON object a line; blank lines are not rows.

    Args:
        path: the file; ``.gz`` is unpacked.

    Raises:
        StoreError: the file cannot be read, or is one JSON array.
    """

    numeric: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        first = next(self._lines, None)
        if first is not None and first.data.lstrip().startswith(b"["):
            self._lines.close()
            raise StoreError(
                f"{path} is one JSON array, not one object a line: "
                f"convert it first, as with jq -c '.[]' {path.name}"
            )
        self._lines.hand_back([] if first is None else [first])
        rows = self._rows()
        sample = list(islice(rows, _SAMPLE))
        self._all = chain(sample, rows)
        names = [name for row in sample if isinstance(row, Record) for name in row.values]
        self.columns = tuple(dict.fromkeys(names))
        self.total = self._lines.total

    def position(self) -> int:
        """Return how many bytes have been read."""
        return self._lines.position()

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def __iter__(self) -> Iterator[Record | BadRow]:
        return self._all

    def _rows(self) -> Iterator[Record | BadRow]:
        for line in self._lines:
            if line.too_long is not None:
                yield BadRow(self._lines.number, line.too_long, line.data, cut=True)
            elif not line.data.isspace():
                yield _read(self._lines.number, line.data)


def _read(line: int, raw: bytes) -> Record | BadRow:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return BadRow(line, "not UTF-8", raw)
    try:
        values = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return BadRow(line, f"not JSON: {error.msg}", raw)
    if not isinstance(values, dict):
        return BadRow(line, "not a JSON object", raw)
    return Record(line, values, raw)
