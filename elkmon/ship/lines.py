"""Read one line of a file that may still be written to, however long it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["MAX_LINE", "Line", "read_line"]

MAX_LINE = 16 * 1024 * 1024
"""A line of more bytes is no event; it is the local store's bound, too."""
_KEPT = 64 * 1024
"""So much of it is in its dead letter."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line.

    Attributes:
        data: its bytes without the newline; of one that is too long only the beginning.
        size: bytes in the file.
        trouble: why it is no event, as far as can be told from its length.
        cut: whether the data is only its beginning.
    """

    data: bytes
    size: int
    trouble: str | None = None
    cut: bool = False


def read_line(stream: BinaryIO, most: int, *, torn: bool) -> Line | None:
    """Read a line; None where it is not whole yet.

    Args:
        stream: stands at the line's beginning.
        most: bytes that are there.
        torn: give what does not end, too: nobody will end it.
    """
    data = stream.readline(min(MAX_LINE + 1, most))
    if data.endswith(b"\n"):
        return Line(data[:-1], len(data))
    if len(data) <= MAX_LINE:
        if not data or not torn:
            return None
        return Line(data, len(data), "cut short: its end was never written")
    size, ended = len(data), False
    while size < most and not ended and (rest := stream.readline(min(MAX_LINE, most - size))):
        size, ended = size + len(rest), rest.endswith(b"\n")
    if not ended and not torn:
        return None
    return Line(data[:_KEPT], size, f"longer than {MAX_LINE // 1024 // 1024} MiB", cut=True)
