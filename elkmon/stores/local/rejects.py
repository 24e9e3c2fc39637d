"""Lines that a compaction rejects, kept whole with their number and the reason."""

from __future__ import annotations

import os
from codecs import getincrementaldecoder
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from elkmon.stores.local.line_scan import Line

__all__ = ["Rejects"]

_CHUNK = 1 << 20


class Rejects:
    """The file ``rejected/<file>``, with the lines of a file that are no events."""

    def __init__(self, file: Path) -> None:
        self._path = file.parent / "rejected" / file.name
        self._source = file.open("rb")
        self._file: BinaryIO | None = None
        self.count = 0

    def close(self) -> None:
        """Close the files."""
        self._source.close()
        if self._file is not None:
            self._file.close()

    def add(self, line: Line) -> None:
        """Write one line."""
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb")
        row = orjson.dumps({"line": line.number, "reason": line.reason, "raw": ""})
        self._file.write(row.removesuffix(b'"}'))
        for piece in self._pieces(line.start, line.size - line.ended):
            self._file.write(orjson.dumps(piece)[1:-1])
        self._file.write(b'"}\n')
        self.count += 1

    def _pieces(self, start: int, size: int) -> Iterator[str]:
        """Yield a line in pieces, as it may be too long for memory."""
        decoder = getincrementaldecoder("utf-8")("backslashreplace")
        self._source.seek(start)
        while size > 0 and (piece := self._source.read(min(size, _CHUNK))):
            size -= len(piece)
            yield decoder.decode(piece, final=size <= 0)
