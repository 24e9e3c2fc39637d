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
        store: that holds the events.
        location: where it is, for messages.
        notes: what to write.

    Raises:
        StoreError: they could not all be written.
    """
    if not isinstance(store, Writable):
        raise StoreError(f"{location} cannot be written to: its store only answers questions")
    store.write(note_lines(notes))
