"""Notes on issues: when one was first seen, and what was decided of it, as lines for a store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from elkmon.emit import process_emitter as state
from elkmon.emit.emitter import Emitter
from elkmon.emit.encode.scalars import milliseconds
from elkmon.emit.model import Model
from elkmon.emit.sinks.spool import Spool
from elkmon.emit.to_json import Notes
from elkmon.events.datasets import ISSUE
from elkmon.events.errors import StoreError

__all__ = ["IssueNote", "note_lines"]


@dataclass(frozen=True, slots=True)
class IssueNote:
    """What is noted of one issue."""

    fingerprint: str
    action: Literal["first_seen", "resolved", "ignored", "reopened"]
    title: str
    model: str | None = None
    version: str | None = None
    """The version that was current then."""
    at: datetime | None = None
    """When it was first seen; now where not given."""


def note_lines(notes: Iterable[IssueNote]) -> list[bytes]:
    """Return notes as ``elkmon.issue`` events, each a line with its newline.

    Raises:
        StoreError: one could not be encoded.
    """
    sink = _Lines()
    emitter = Emitter(replace(state.settings(), enabled=True), sink)
    with state.installed(emitter):
        for note in notes:
            _write(emitter, note)
    dropped = emitter.stats().dropped
    if dropped:
        raise StoreError(f"notes on issues could not be encoded: {dict(dropped)}")
    return sink.lines


class _Lines:
    """A sink that keeps lines in memory."""

    limit = Spool.limit

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.written = 0
        self.dropped: dict[str, int] = {}

    def write(self, data: bytes, ms: int, lines: int = 1) -> None:  # noqa: ARG002 - a sink
        """Take one line."""
        self.lines.append(data)
        self.written += lines

    def close(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """Nothing is held."""


def _write(emitter: Emitter, note: IssueNote) -> None:
    paths = Notes()
    model = Model(note.model, note.version)
    emitter.submit(
        ISSUE,
        {
            "event": {"action": note.action},
            "error": {"fingerprint": note.fingerprint},
            "message": emitter.to_json(note.title, "message", paths),
            "ml": model.ml(),
        },
        paths,
        at=None if note.at is None else milliseconds(note.at),
    )
