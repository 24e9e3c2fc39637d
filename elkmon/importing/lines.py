"""Lines of a file, numbered, with bounded memory; ``.gz`` is unpacked on the way."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from elkmon.events.errors import StoreError
from elkmon.events.lines import RawLine, read_line

__all__ = ["Lines"]

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Lines:
    """Read a file line by line; lines may be handed back, to be read again.

    Raises:
        StoreError: the file cannot be opened, is UTF-16, or ends within its compression.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb")
            self.total = path.stat().st_size
        except OSError as error:
            raise StoreError(f"cannot open {path}: {error.strerror}") from error
        packed = path.suffix.lower() == ".gz"
        self._stream = gzip.GzipFile(fileobj=self._file) if packed else self._file
        self._back: list[RawLine] = []
        self._first = True
        self.number = 0
        """Number of lines that were read so far."""

    def position(self) -> int:
        """Return how many bytes of the file, as it is stored, were read."""
        return min(self._file.tell(), self.total)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> RawLine:
        line = self._back.pop() if self._back else self._read()
        if line is None:
            raise StopIteration
        self.number += 1
        return line

    def hand_back(self, lines: list[RawLine]) -> None:
        """Take lines back, in the order in which they were read; they are read again."""
        self._back.extend(reversed(lines))
        self.number -= len(lines)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()

    def _read(self) -> RawLine | None:
        try:
            line = read_line(self._stream)
        except (OSError, EOFError, zlib.error) as error:
            self.close()
            raise StoreError(
                f"cannot read {self._path} beyond line {self.number:,}: {error}; is it complete? "
                "Most rows before it are imported; with an id column the import can be repeated"
            ) from error
        if self._first and line is not None:
            self._first = False
            if line.data.startswith(_UTF16_MARKS):
                self.close()
                raise StoreError(f"{self._path} is UTF-16: convert it to UTF-8 first (iconv does)")
            line = line._replace(data=line.data.removeprefix(_UTF8_MARK) or b"\n")
        return line
