"""A table that is read row by row: each row is a record, or a bad row with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["BadRow", "Record", "Source"]


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its values by column, and the row as it is in the file."""

    line: int
    """Its first line, from 1; in a Parquet file the number of the row, from 1."""
    values: Mapping[str, object]
    raw: bytes | Mapping[str, object]
    """Its bytes; in a Parquet file its values."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used, and why."""

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
        """The columns that hold numbers written as text; only CSV has any."""
        ...

    @property
    def total(self) -> int:
        """How much there is to read: bytes of the file, or rows."""
        ...

    def position(self) -> int:
        """Return how much of ``total`` has been read."""
        ...

    def __iter__(self) -> Iterator[Record | BadRow]: ...

    def close(self) -> None:
        """Close the file."""
        ...
