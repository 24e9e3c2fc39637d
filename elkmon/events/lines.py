"""Read a line with bounded memory: of one beyond the limit only its beginning and its size."""

from __future__ import annotations

from sys import maxsize
from typing import NamedTuple, Protocol

from elkmon.events.limits import LINE, LINE_KEPT, MiB, too_long

__all__ = ["RawLine", "read_line"]


class RawLine(NamedTuple):
    """A line as it stands in a file.

    Attributes:
        data: its bytes, newline included; of a line beyond the limit only the beginning.
        size: bytes in the file, newline included.
        ended: whether its newline is there.
    """

    data: bytes
    size: int
    ended: bool

    @property
    def too_long(self) -> str | None:
        """Return why a line beyond the limit is no event; None within the limit."""
        length = self.size - self.ended
        return too_long(length) if length > LINE else None


class _Stream(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def read_line(stream: _Stream, most: int = maxsize) -> RawLine | None:
    """Return the next line; None at the end of the file.

    Args:
        stream: stands at the line's beginning.
        most: bytes to read at most; what follows is taken for not written yet.
    """
    data = stream.readline(min(LINE + 1, most))
    if not data:
        return None
    if data.endswith(b"\n") or len(data) <= LINE:
        return RawLine(data, len(data), data.endswith(b"\n"))
    data, size, ended = data[:LINE_KEPT], len(data), False
    while not ended and (rest := stream.readline(min(MiB, most - size))):
        size, ended = size + len(rest), rest.endswith(b"\n")
    return RawLine(data, size, ended)
