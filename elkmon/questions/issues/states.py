"""Read the notes on issues (``elkmon.issue`` events), and derive the state of each issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from elkmon.events.datasets import ISSUE
from elkmon.query.times import utc
from elkmon.questions.issues import State
from elkmon.stores.protocol import FieldValue, Filter, Measure, Store

__all__ = ["Note", "notes_of", "state_of", "still_resolved"]

FIRST_SEEN, RESOLVED, IGNORED, REOPENED = "first_seen", "resolved", "ignored", "reopened"


@dataclass(slots=True)
class Note:
    """The notes on one issue."""

    first_seen: datetime | None = None
    actions: dict[str, tuple[datetime, str | None]] = field(default_factory=dict)
    """The latest of each action: when, and in which version."""

    @property
    def last(self) -> tuple[str, datetime, str | None] | None:
        """Return the latest action, its time, and the version at that time."""
        latest = max(self.actions.items(), key=lambda item: item[1][0], default=None)
        return None if latest is None else (latest[0], *latest[1])


def notes_of(store: Store) -> dict[str, Note]:
    """Return all notes by fingerprint, however old they are.

    Raises:
        StoreError: the store cannot be read.
    """
    by = ("error.fingerprint", "event.action", "ml.model.version")
    table = store.aggregate(
        ISSUE,
        by=tuple(FieldValue(field_name) for field_name in by),
        measures=(Measure("min", "@timestamp"), Measure("max", "@timestamp")),
        where=Filter(),
    )
    notes: dict[str, Note] = {}
    for fingerprint, action, version, first, last in table.rows:
        if not isinstance(first, datetime) or not isinstance(last, datetime):
            continue  # an event without a time
        note = notes.setdefault(str(fingerprint), Note())
        if action == FIRST_SEEN:
            note.first_seen = min(utc(first), note.first_seen or utc(first))
        elif action in {RESOLVED, IGNORED, REOPENED}:
            before = note.actions.get(str(action))
            if before is None or before[0] < utc(last):
                version_name = None if version is None else str(version)
                note.actions[str(action)] = (utc(last), version_name)
    return notes


def still_resolved(note: Note, seen: Mapping[str | None, datetime], order: Sequence[str]) -> bool:
    """Return whether an issue has not come back since it was resolved.

    It came back if it was seen again in the same or a later version. Occurrences in an older
    version do not count: the fix is not in it.

    Args:
        note: the notes on the issue, which was resolved.
        seen: when it was last seen, by version.
        order: the versions in the order in which they went live; empty if there are several models.
    """
    if note.last is None:
        return False
    _, at, resolved_in = note.last
    place = {version: number for number, version in enumerate(order)}
    from_there = place.get(resolved_in or "", 0)
    return not any(
        last > at and place.get(version or "", from_there) >= from_there
        for version, last in seen.items()
    )


def state_of(
    note: Note | None, first_seen: datetime, new_since: datetime, *, came_back: bool
) -> State:
    """Return the state of an issue that occurred.

    Args:
        note: the notes on it.
        first_seen: when it first occurred, ever.
        new_since: from when on an issue is new: since the current version, or within the span.
        came_back: whether it was seen again since it was resolved.
    """
    last = None if note is None else note.last
    if last is not None and last[0] == IGNORED:
        return "ignored"
    if last is not None and last[0] == RESOLVED:
        return "regressed" if came_back else "resolved"
    return "new" if first_seen >= new_since else "ongoing"
