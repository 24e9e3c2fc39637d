"""Note in the store when issues were first seen, for the commands that list them."""

from __future__ import annotations

from collections.abc import Iterable

from elkmon.cli.noting import note
from elkmon.emit.issue_notes import IssueNote
from elkmon.events.errors import StoreError
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.states import notes_of
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["note_first_sight"]


def note_first_sight(source: Store, location: Place, rows: Iterable[IssueRow]) -> list[str]:
    """Note each issue's first sight once, so that it is not new again when its events are gone.

    Args:
        source: the store; it is asked for its notes, and the new ones go there.
        location: where the store is.
        rows: the listed issues.

    Returns:
        Messages: what was noted, or why it could not be noted.
    """
    noted = {name for name, note in notes_of(source).items() if note.first_seen is not None}
    notes = [_note(row) for row in rows if row.id not in noted]
    if not notes:
        return []
    try:
        note(source, location, notes)
    except StoreError as error:
        return [f"when issues were first seen is not noted: {error}"]
    which = "one issue was" if len(notes) == 1 else f"{len(notes)} issues were"
    return [f"when {which} first seen is now noted in the store (--no-note does not)"]


def _note(row: IssueRow) -> IssueNote:
    return IssueNote(
        row.id,
        "first_seen",
        row.title,
        row.models[0] if len(row.models) == 1 else None,
        row.versions[0] if row.versions else None,
        row.first_seen,
    )
