"""Write notes on issues into a store: a file in its folder, or documents on a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from elkmon.emit.issue_notes import IssueNote, write_notes
from elkmon.events.cluster_settings import access
from elkmon.events.fields import ISSUE
from elkmon.stores.location import Place

__all__ = ["note"]


def note(place: Place, notes: Iterable[IssueNote]) -> None:
    """Write notes where the events are.

    Raises:
        StoreError: they could not all be written.
    """
    if isinstance(place, Path):
        write_notes(place, notes)
        return
    from elkmon.stores.elastic.write import create  # noqa: PLC0415 - its client is an extra

    with TemporaryDirectory(prefix="elkmon-") as folder:
        write_notes(Path(folder), notes)
        lines = [
            line
            for file in sorted(Path(folder).glob("*.ndjson"))
            for line in file.read_bytes().splitlines()
            if ISSUE.encode() in line
        ]
        create(place, access(), lines)
