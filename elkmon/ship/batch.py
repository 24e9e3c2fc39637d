"""Batches of events on their way, and the position of each line in its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Batch", "Event", "Mark", "Position", "RejectedLine"]


class Position(NamedTuple):
    """Where a line is: its file's name, its number from 1, and the offset of its first byte."""

    file: str
    line: int
    offset: int


class Event(NamedTuple):
    """An event: its line without the newline, its id, its index, and its position."""

    line: bytes
    id: str
    index_name: str
    position: Position


class RejectedLine(NamedTuple):
    """A line that cannot be delivered, and why."""

    line: bytes
    reason: str
    position: Position
    cut: bool = False
    """Whether ``line`` is only its beginning."""


class Mark(NamedTuple):
    """How far a file was read, in bytes and in lines."""

    offset: int
    lines: int


@dataclass(slots=True)
class Batch:
    """Some lines, in the order of reading.

    Attributes:
        events: lines to send.
        rejected: lines not to send.
        marks: by file, how far it is read once all of these lines are settled.
        size: bytes of the lines.
    """

    events: list[Event] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    size: int = 0

    @property
    def lines(self) -> int:
        """Number of lines in it."""
        return len(self.events) + len(self.rejected)
