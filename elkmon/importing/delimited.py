"""Read the rows of a CSV file.

The csv module reads it, not DuckDB: only with csv is the line known on which a good row begins, and
a quote that is never closed costs one row, not the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from elkmon.events.errors import StoreError
from elkmon.events.lines import RawLine
from elkmon.importing.lines import Lines
from elkmon.importing.record import BadRow, Record

__all__ = ["DelimitedSource"]

_DELIMITERS = ",;\t|"
_SAMPLE = 1000
"""Rows that decide which columns are numbers."""
_NO_VALUE = frozenset({"", "nan", "null", "<na>"})
_LEADING_ZERO = re.compile(r"[+-]?0\d")


class _Text:
    """The lines of one record as text, and as they are.

    Attributes:
        record: the lines.
        bad: why the record cannot be used; None if it can.
        cut: whether a line is beyond the limit, so that only its beginning is here.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.record: list[RawLine] = []
        self.bad: str | None = None
        self.cut = False

    def begin(self) -> int:
        """Begin a record, and return the number of its first line."""
        self.record, self.bad, self.cut = [], None, False
        return self._lines.number + 1

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.record.append(line)
        if line.too_long is not None:
            self.bad, self.cut = line.too_long, True
            return "\n"
        try:
            return line.data.decode()
        except UnicodeDecodeError:
            self.bad = "not UTF-8"
            return line.data.decode(errors="replace")

    def keep_first(self) -> None:
        """Hand back all lines of the record except the first."""
        self._lines.hand_back(self.record[1:])
        del self.record[1:]


class DelimitedSource:
    """A CSV file with a header; the delimiter is the one that the header uses most.

    An empty cell, ``NaN``, ``NULL`` and ``<NA>`` are no value. A column is numeric if its first
    1,000 rows hold only numbers (``007`` is not a number).

    Args:
        path: the file; ``.gz`` is unpacked.

    Raises:
        StoreError: the file cannot be read, or has no header.
    """

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._text = _Text(self._lines)
        first = next(self._lines, None)
        self._lines.hand_back([] if first is None else [first])
        head = "" if first is None else first.data.decode(errors="replace")
        delimiter = max(_DELIMITERS, key=head.count)
        self._reader = csv.reader(self._text, delimiter=delimiter, strict=True)
        header = next(self._rows(), None)
        if header is None or isinstance(header, BadRow):
            self._lines.close()
            reason = "it is empty" if header is None else f"the first line: {header.reason}"
            raise StoreError(f"{path} has no header with the names of its columns: {reason}")
        self.columns = tuple(name.strip() for name in header[1])
        self.total = self._lines.total
        rows = self._rows()
        sample = list(islice(rows, _SAMPLE))
        self._all = chain(sample, rows)
        self.numeric = self._numeric([row[1] for row in sample if not isinstance(row, BadRow)])

    def position(self) -> int:
        """Return how many bytes have been read."""
        return self._lines.position()

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def __iter__(self) -> Iterator[Record | BadRow]:
        for row in self._all:
            if isinstance(row, BadRow):
                yield row
                continue
            line, cells, raw = row
            if len(cells) != len(self.columns):
                reason = f"{len(cells)} cells, where the header has {len(self.columns)}"
                yield BadRow(line, reason, raw)
                continue
            values = (None if _is_empty(cell) else cell for cell in cells)
            yield Record(line, dict(zip(self.columns, values, strict=True)), raw)

    def _rows(self) -> Iterator[tuple[int, list[str], bytes] | BadRow]:
        while True:
            line = self._text.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._text.keep_first()
                first = self._text.record[0]
                reason = f"not CSV: {_problem(error)}"
                yield BadRow(line, reason, first.data, cut=first.too_long is not None)
                continue
            raw = b"".join(line.data for line in self._text.record)
            if self._text.bad is not None:
                yield BadRow(line, self._text.bad, raw, cut=self._text.cut)
            elif cells:  # a blank line is not a row
                yield line, cells, raw

    def _numeric(self, sample: list[list[str]]) -> frozenset[str]:
        """Return the columns that hold numbers and nothing else."""
        rows = [cells for cells in sample if len(cells) == len(self.columns)]
        numeric = set()
        for position, name in enumerate(self.columns):
            cells = [row[position] for row in rows if not _is_empty(row[position])]
            if cells and all(map(_is_number, cells)):
                numeric.add(name)
        return frozenset(numeric)


def _problem(error: csv.Error) -> str:
    return "a quote is not closed" if "end of data" in str(error) else str(error)


def _is_empty(cell: str) -> bool:
    return cell.strip().lower() in _NO_VALUE


def _is_number(cell: str) -> bool:
    if "_" in cell or _LEADING_ZERO.match(cell):
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True
