"""Notes on issues: when one was first seen, and what was decided of it, written into a store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from elkmon.emit import process_emitter as state
from elkmon.emit.emitter import Emitter
from elkmon.emit.recorder import Recorder, milliseconds
from elkmon.emit.to_json import Notes
from elkmon.events.errors import StoreError
from elkmon.events.fields import ISSUE

__all__ = ["IssueNote", "write_notes"]


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


def write_notes(store: Path, notes: Iterable[IssueNote]) -> None:
    """Write notes as ``elkmon.issue`` events into a folder, in a file of their own.

    Args:
        store: the folder of the events.
        notes: what to write.

    Raises:
        StoreError: they could not all be written.
    """
    given = state.settings()
    emitter = Emitter(replace(given, spool=store.absolute(), sink="spool", enabled=True))
    try:
        with state.installed(emitter):
            for note in notes:
                _write(emitter, note)
    finally:
        emitter.close()
    dropped = emitter.stats().dropped
    if dropped:
        raise StoreError(f"notes on issues could not be written to {store}: {dict(dropped)}")


def _write(emitter: Emitter, note: IssueNote) -> None:
    found = Notes()
    recorder = Recorder(note.model, note.version)
    emitter.submit(
        ISSUE,
        {
            "event": {"action": note.action},
            "error": {"fingerprint": note.fingerprint},
            "message": emitter.plain(note.title, "message", found),
            "ml": recorder.ml(),
        },
        found,
        at=None if note.at is None else milliseconds(note.at),
    )
