"""Look for what is wrong with a folder of events: what, where, how often, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from elkmon.events.errors import StoreError
from elkmon.events.fields import EMITTER, PREDICTION, SCHEMA
from elkmon.store.base import Catalog, Event, FieldValue, Filter, Measure
from elkmon.store.files import is_closed, listing, strangers
from elkmon.store.local import LocalStore
from elkmon.store.survey import Survey, survey

__all__ = ["Finding", "examine"]

_MANY = 256 * 1024 * 1024
_PROCESSES = 100_000
_PLACES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        level: a problem makes figures wrong or loses events; a warning may; a note is good to know.
        what: a sentence.
        count: how often.
        places: the first few, as ``file:line`` or the like.
        advice: what to do next.
    """

    level: Literal["problem", "warning", "note"]
    what: str
    count: int = 1
    places: tuple[str, ...] = ()
    advice: str = ""


def examine(folder: Path, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
    """Examine a folder.

    Args:
        folder: of the events.
        progress: is told how many files are read, of how many.

    Returns:
        The findings, problems first; none for a store in which nothing is wrong.

    Raises:
        StoreError: the events cannot be read at all.
    """
    if not folder.exists():
        advice = "say where the events are with --store; an application makes it when it logs"
        return [Finding("problem", f"there is no folder {folder}", advice=advice)]
    read = survey(folder, progress)
    found = [*_lines(read), *_names(folder), *_rejected(folder), *_permissions(folder)]
    with closing(LocalStore(folder)) as store:
        try:
            catalog = store.catalog()
            found += [*_processes(store, catalog), *_models(catalog)]
            found += [*_times(store), *_schemas(store)]
        except StoreError:
            if not read.unread.counts:  # else it is told already, and has to be seen to first
                raise
    found += _speed(folder)
    order = ("problem", "warning", "note")
    return sorted(found, key=lambda each: order.index(each.level))


def _lines(survey: Survey) -> Iterator[Finding]:
    apart = "no figure counts them; elkmon compact sets them apart in rejected/"
    absent = "figures take them for absent; the lines are kept whole. Mend what writes them"
    told = (
        (survey.bad, "lines that are no events", apart),
        (survey.misfit, "values that do not fit", absent),
        (
            survey.unread,
            "files that cannot be read",
            "see to their permissions: until then no question can be answered",
        ),
    )
    for tally, what, advice in told:
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


def _processes(store: LocalStore, catalog: Catalog) -> Iterator[Finding]:
    """Compare what each process numbered with what is there, and with what it says it dropped."""
    latest: dict[object, Event] = {}
    for event in store.events(EMITTER, where=Filter(), limit=_PROCESSES):
        entity = _get(event, "process", "entity_id")
        latest.setdefault(str(entity), event)  # the newest comes first
    for process in catalog.processes:
        dropped = _counts(latest.get(process.entity_id, {}), "dropped")
        where = f"{process.service or 'unknown'} on {process.host or '?'} ({process.entity_id})"
        reasons = ", ".join(f"{reason} {count:,.0f}" for reason, count in sorted(dropped.items()))
        if process.dropped:
            yield Finding(
                "problem",
                f"events that a process dropped: {reasons}",
                process.dropped,
                (where,),
                "see its standard error; the rates of its time have too small a denominator",
            )
        if process.missing > process.dropped:
            yield Finding(
                "problem",
                "events that are missing, and that no process says it dropped",
                process.missing - process.dropped,
                (where,),
                "was a file removed, or is it elsewhere? Its rates have too small a denominator",
            )
    misused: Counter[str] = Counter()
    for event in latest.values():
        misused.update({kind: int(count) for kind, count in _counts(event, "misused").items()})
    for kind, count in misused.most_common():
        advice = "run the application's tests with ELKMON_STRICT=1 to find them"
        yield Finding("warning", f"wrong uses of the logger: {kind}", count, advice=advice)


def _get(event: object, *names: str) -> object:
    for name in names:
        event = event.get(name) if isinstance(event, Mapping) else None
    return event


def _counts(event: Event, name: str) -> dict[str, float]:
    """Give the counts of an emitter event, as far as they are counts."""
    found = _get(event, "ml", "emitter", name)
    items = found.items() if isinstance(found, Mapping) else ()
    return {kind: count for kind, count in items if isinstance(count, (int, float))}


def _models(catalog: Catalog) -> Iterator[Finding]:
    for model in catalog.models:
        told = (
            (model.orphans, "labels whose prediction is not in the store",
             "are the ids those of the predictions? They may still come"),
            (model.differing, "predictions written again under their id, saying otherwise",
             "the first counts; give each attempt an id of its own"),
        )  # fmt: skip
        for count, what, advice in told:
            if count:
                yield Finding("warning", what, count, (f"model {model.name}",), advice)


def _times(store: LocalStore) -> Iterator[Finding]:
    ahead = Filter(since=datetime.now(timezone.utc) + timedelta(days=1))
    table = store.aggregate(PREDICTION, by=(), measures=(Measure("count"),), where=ahead)
    for (count,) in table.rows:
        what = "predictions from the future, by more than a day"
        advice = "is a clock wrong, or a time zone?"
        yield Finding("problem", what, int(str(count)), advice=advice)


def _schemas(store: LocalStore) -> Iterator[Finding]:
    table = store.aggregate(
        PREDICTION, by=(FieldValue("ml.schema"),), measures=(Measure("count"),), where=Filter()
    )
    for schema, count in table.rows:
        if schema != SCHEMA:
            told = "no schema version" if schema is None else f"schema version {schema}"
            advice = "a newer elkmon may know more fields" if schema is not None else ""
            what = f"predictions of {told}, read as {SCHEMA}"
            yield Finding("note", what, int(str(count)), advice=advice)


def _speed(folder: Path) -> Iterator[Finding]:
    files = listing(folder).ndjson
    bytes_ = 0
    for file in files:
        with suppress(OSError):  # compacted meanwhile, or told of above
            bytes_ += file.stat().st_size if is_closed(file) else 0
    if bytes_ >= _MANY:
        what = f"{bytes_ / 1024 / 1024:,.0f} MiB could be compacted"
        advice = f"elkmon compact --store {folder}: questions become several times faster"
        yield Finding("note", what, advice=advice)
