"""Folders of events, written by hand: whole events, and lines that are none."""

from datetime import datetime, timezone
from pathlib import Path

import orjson

from elkmon.stores.local.compact import compact
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Filter, Measure

AT = "2026-11-24T12:00:00.000Z"
ENTITY = "p0c355"
"""The process that hand-written events are of."""
COUNT = Measure("count")
ALL = Filter()


def event(dataset, event_id, fields=None, *, at=AT):
    """Give an event: what all have, and fields by their dotted names; None leaves one out."""
    made = {}
    common = {
        "@timestamp": at,
        "event.id": event_id,
        "event.dataset": f"elkmon.{dataset}",
        "event.created": at,
        "process.entity_id": ENTITY,
        "ml.schema": 1,
    }
    for name, value in {**common, **(fields or {})}.items():
        if value is not None:
            *above, last = name.split(".") if name != "@timestamp" else [name]
            here = made
            for part in above:
                here = here.setdefault(part, {})
            here[last] = value
    return made


def prediction(prediction_id, fields=None, *, model="fraud", at=AT):
    own = {
        "ml.model.name": model,
        "ml.prediction.id": prediction_id,
        "event.outcome": "success",
    }
    return event("prediction", f"{model}/{prediction_id}", {**own, **(fields or {})}, at=at)


def label(event_id, prediction_id, fields=None, *, model="fraud", at=AT):
    own = {
        "ml.model.name": model,
        "ml.prediction.id": prediction_id,
        "ml.truth.observed_at": at,
    }
    return event("label", event_id, {**own, **(fields or {})}, at=at)


def line(made):
    return made if isinstance(made, bytes) else orjson.dumps(made) + b"\n"


def write(file, *made):
    """Append events, or bytes as they are, to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as target:
        target.writelines(map(line, made))
    return file


def variants(folder, kind, *made):
    """Write the same events to a folder in one of the ways that they can be kept."""
    half = len(made) // 2
    own = "other" if kind == "lines" else ENTITY  # only a process's own file is kept as columns
    write(folder / f"{own}-1.ndjson", *made[:half])
    if kind in {"columns", "lines"}:
        write(folder / f"{own}-2.ndjson", *made[half:])
    if kind != "ndjson":
        assert compact(folder).failed == ()
    if kind in {"ndjson", "mixed"}:
        write(folder / f"{own}-2.ndjson", *made[half:])
    return folder


KINDS = ("ndjson", "columns", "lines", "mixed")
"""NDJSON; Parquet of columns; Parquet of columns and lines; one file of each."""


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


def ask(folder, *by, dataset="elkmon.prediction", measures=(COUNT,), where=ALL):
    """Ask a folder, or an open store, and give the rows."""
    if not isinstance(folder, LocalStore):
        store = LocalStore(folder)
        try:
            return ask(store, *by, dataset=dataset, measures=measures, where=where)
        finally:
            store.close()
    return list(folder.aggregate(dataset, by=by, measures=measures, where=where).rows)


def count(folder, dataset="elkmon.prediction", where=ALL):
    rows = ask(folder, dataset=dataset, where=where)
    return rows[0][0] if rows else 0


def events(folder, dataset="elkmon.prediction", *, where=ALL, limit=1000, newest_first=False):
    store = LocalStore(folder)
    try:
        return list(store.events(dataset, where=where, limit=limit, newest_first=newest_first))
    finally:
        store.close()


def catalog(folder):
    store = LocalStore(folder)
    try:
        return store.catalog()
    finally:
        store.close()


def examine(folder, progress=None):
    store = LocalStore(folder)
    try:
        return store.examine(progress)
    finally:
        store.close()


def names(folder):
    """List what is in a folder, hidden files included; but not the lock, which stays."""
    return sorted(each.name for each in Path(folder).iterdir() if each.name != ".compact.lock")
