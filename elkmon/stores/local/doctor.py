"""Findings about a folder of events: what is wrong, where, how often, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from elkmon.events.errors import StoreError
from elkmon.stores.event_findings import of_events
from elkmon.stores.finding import Finding, ordered
from elkmon.stores.local.files import is_closed, listing, strangers
from elkmon.stores.local.line_survey import Survey, survey
from elkmon.stores.protocol import Progress, Store

__all__ = ["examine"]

_MANY = 256 * 1024 * 1024
_PLACES = 3


def examine(folder: Path, store: Store, progress: Progress | None) -> list[Finding]:
    """Examine a folder.

    Args:
        folder: of the events.
        store: that answers questions about them.
        progress: called with how many files of how many are read.

    Returns:
        The findings, problems first.

    Raises:
        StoreError: the events cannot be read at all.
    """
    if not folder.exists():
        advice = "say where the events are with --store; an application makes it when it logs"
        return [Finding("problem", f"there is no folder {folder}", advice=advice)]
    read = survey(folder, progress)
    findings = [*_lines(read), *_names(folder), *_rejected(folder), *_permissions(folder)]
    try:
        findings += of_events(store)
    except StoreError:
        if not read.unread.counts:  # else there is a finding already, to be solved first
            raise
    findings += _speed(folder)
    return ordered(findings)


def _lines(survey: Survey) -> Iterator[Finding]:
    rejected = "no figure counts them; elkmon compact sets them apart in rejected/"
    absent = "figures take them for absent; the lines are kept whole. Mend what writes them"
    kinds = (
        (survey.bad, "lines that are no events", rejected),
        (survey.misfit, "values that do not fit", absent),
        (
            survey.unread,
            "files that cannot be read",
            "see to their permissions: until then no question can be answered",
        ),
    )
    for tally, what, advice in kinds:
        for kind, count in tally.counts.most_common():
            yield Finding("problem", f"{what}: {kind}", count, tuple(tally.places[kind]), advice)
    if survey.unfinished:
        yield Finding("note", "lines that are being written right now", survey.unfinished)


def _names(folder: Path) -> Iterator[Finding]:
    if names := strangers(folder):
        yield Finding(
            "warning",
            "names of files of events that are no regular files: they are not read",
            len(names),
            tuple(names[:_PLACES]),
            "copy what a link points to into the folder; move anything else away",
        )


def _rejected(folder: Path) -> Iterator[Finding]:
    for file in sorted((folder / "rejected").glob("*.ndjson")):
        with file.open("rb") as lines:
            count = sum(1 for _ in lines)
        yield Finding(
            "warning",
            "rows that an import or a compaction set apart",
            count,
            (f"rejected/{file.name}",),
            "each is there with its line and its reason; mend and import them, or remove the file",
        )


def _permissions(folder: Path) -> Iterator[Finding]:
    if folder.is_dir() and folder.stat().st_mode & 0o077:
        yield Finding(
            "warning",
            "others than its owner may look into the folder",
            places=(str(folder),),
            advice=f"chmod 700 {folder}",
        )


def _speed(folder: Path) -> Iterator[Finding]:
    files = listing(folder).ndjson
    size = 0
    for file in files:
        with suppress(OSError):  # compacted meanwhile, or a finding above
            size += file.stat().st_size if is_closed(file) else 0
    if size >= _MANY:
        what = f"{size / 1024 / 1024:,.0f} MiB could be compacted"
        advice = f"elkmon compact --store {folder}: questions become several times faster"
        yield Finding("note", what, advice=advice)
