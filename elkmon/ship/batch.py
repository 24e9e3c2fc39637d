"""Events on their way: some lines of files, and where in the files they end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Batch", "Event", "Mark", "Place", "Unfit"]


class Place(NamedTuple):
    """Where a line is: its file's name, its number from 1, and its first byte."""

    file: str
    line: int
    offset: int


class Event(NamedTuple):
    """An event as its line has it, without the newline, and what a destination is told of it."""

    line: bytes
    id: str
    into: str
    """The index's name."""
    place: Place


class Unfit(NamedTuple):
    """A line that is not sent, and why."""

    line: bytes
    reason: str
    place: Place
    cut: bool = False
    """Whether only the line's beginning is here."""


class Mark(NamedTuple):
    """How far a file is read, in bytes and in lines."""

    offset: int
    lines: int


@dataclass(slots=True)
class Batch:
    """Some lines, in the order of reading.

    Attributes:
        events: to be sent.
        unfit: not to be sent.
        marks: by file, what is passed once all of them are settled.
        size: bytes of the lines.
    """

    events: list[Event] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    size: int = 0

    @property
    def lines(self) -> int:
        """How many lines it holds."""
        return len(self.events) + len(self.unfit)
