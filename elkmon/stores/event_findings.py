"""Findings about events, the same for every store: missing, without a prediction, misdated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone

from elkmon.events.datasets import EMITTER, PREDICTION
from elkmon.events.fields import SCHEMA
from elkmon.stores.finding import Finding
from elkmon.stores.protocol import Catalog, Condition, Event, FieldValue, Filter, Measure, Store

__all__ = ["looked_for", "of_events"]

_PROCESSES = 100_000


def of_events(store: Store) -> list[Finding]:
    """Return what is wrong with the events of a store.

    Raises:
        StoreError: they cannot be read.
    """
    catalog = store.catalog()
    return [
        *_processes(store, catalog),
        *_models(catalog),
        *_waiting(catalog),
        *_nameless(store),
        *_times(store),
        *_schemas(store),
    ]


def looked_for(orphans: int, given_up: int, next_look: datetime | None) -> str:
    """Return a sentence on what the join does about labels without a prediction.

    Args:
        orphans: how many such labels there are.
        given_up: how many of them it no longer looks at.
        next_look: when it looks at the first of the others.
    """
    parts = []
    if next_look is not None:
        parts.append(
            f"elkmon join looks at {orphans - given_up:,} of them again, the next "
            f"at {next_look:%Y-%m-%d %H:%M} UTC"
        )
    if given_up:
        parts.append(f"it has given up {given_up:,}, for their age or for want of an id")
    return "; ".join(parts)


def _processes(store: Store, catalog: Catalog) -> Iterator[Finding]:
    """Compare the events that each process numbered with those stored and those it dropped."""
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
    """Return one group of counts of an emitter event; what is no count is left out."""
    counts = _get(event, "ml", "emitter", name)
    items = counts.items() if isinstance(counts, Mapping) else ()
    return {kind: count for kind, count in items if isinstance(count, (int, float))}


def _models(catalog: Catalog) -> Iterator[Finding]:
    for model in catalog.models:
        orphans = "are the ids those of the predictions? They may still come"
        if model.next_look is not None or model.given_up:
            counts = model.orphans, model.given_up, model.next_look
            orphans = f"are the ids those of the predictions? {looked_for(*counts)}"
        kinds = (
            (model.orphans, "labels whose prediction is not in the store", orphans),
            (model.differing, "predictions written again under their id, saying otherwise",
             "the first counts; give each attempt an id of its own"),
        )  # fmt: skip
        for count, what, advice in kinds:
            if count:
                yield Finding("warning", what, count, (f"model {model.name}",), advice)


def _nameless(store: Store) -> Iterator[Finding]:
    without = Filter(conditions=(Condition("ml.prediction.id", "missing"),))
    table = store.aggregate(PREDICTION, by=(), measures=(Measure("count"),), where=without)
    for (count,) in table.rows:
        what = "predictions without ml.prediction.id: no label can reach them"
        advice = "they count, each event.id once; let what writes them give each prediction an id"
        yield Finding("warning", what, int(str(count)), advice=advice)


def _times(store: Store) -> Iterator[Finding]:
    ahead = Filter(since=datetime.now(timezone.utc) + timedelta(days=1))
    table = store.aggregate(PREDICTION, by=(), measures=(Measure("count"),), where=ahead)
    for (count,) in table.rows:
        what = "predictions from the future, by more than a day"
        advice = "is a clock wrong, or a time zone?"
        yield Finding("problem", what, int(str(count)), advice=advice)


def _schemas(store: Store) -> Iterator[Finding]:
    table = store.aggregate(
        PREDICTION, by=(FieldValue("ml.schema"),), measures=(Measure("count"),), where=Filter()
    )
    for schema, count in table.rows:
        if schema != SCHEMA:
            version = "no schema version" if schema is None else f"schema version {schema}"
            advice = "a newer elkmon may know more fields" if schema is not None else ""
            what = f"predictions of {version}, read as {SCHEMA}"
            yield Finding("note", what, int(str(count)), advice=advice)


def _waiting(catalog: Catalog) -> Iterator[Finding]:
    if catalog.labels_waiting:
        what = "labels that are not joined to their prediction yet"
        advice = "elkmon join does it: until then no figure of quality counts them"
        yield Finding("warning", what, catalog.labels_waiting, advice=advice)
