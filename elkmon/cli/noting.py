"""Write notes on issues into a store."""

from __future__ import annotations

from collections.abc import Iterable

from elkmon.emit.issue_notes import IssueNote, note_lines
from elkmon.events.errors import StoreError
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store, Writable

__all__ = ["note"]


def note(store: Store, location: Place, notes: Iterable[IssueNote]) -> None:
    """Write notes where the events are.

    Args:
        store: the store of the events.
        location: where the store is, for messages.
        notes: the notes to write.

    Raises:
        StoreError: not all notes could be written.
    """
    if not isinstance(store, Writable):
        raise StoreError(f"{location} cannot be written to: its store only answers questions")
    store.write(note_lines(notes))
