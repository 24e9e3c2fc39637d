"""What a source of rows gives: a record, or a row that cannot be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Bad", "Record", "Source"]


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its values by column, and the row as it stands in the file."""

    line: int
    """The line it begins on, from 1; of a Parquet file the number of the row, from 1."""
    values: Mapping[str, object]
    raw: bytes | Mapping[str, object]
    """Its bytes; of a Parquet file its values."""


@dataclass(frozen=True, slots=True)
class Bad:
    """One row that cannot be read, and why."""

    line: int
    reason: str
    raw: bytes | Mapping[str, object]
    cut: bool = False
    """Whether ``raw`` is only its beginning: it has a line beyond the limit."""


class Source(Protocol):
    """A table that is read row by row, once."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        ...

    @property
    def numeric(self) -> frozenset[str]:
        """The columns that are numbers, although their values come as text."""
        ...

    @property
    def total(self) -> int:
        """How much there is to read: bytes of the file, or rows."""
        ...

    def position(self) -> int:
        """Say how much of ``total`` has been read."""
        ...

    def __iter__(self) -> Iterator[Record | Bad]: ...

    def close(self) -> None:
        """Close the file."""
        ...
