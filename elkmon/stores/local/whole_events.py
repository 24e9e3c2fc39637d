"""Whole events as they were written; predictions with the fields that come from labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from math import isfinite
from typing import Any

import orjson

from elkmon.events.datasets import LABEL, PREDICTION
from elkmon.events.fields import BY_NAME, Kind
from elkmon.events.merge import Joined, Label, Prediction, merge
from elkmon.stores.local.columns import (
    RAW,
    STORED,
    Ref,
    listed,
    object_size,
    shape,
    structure,
    text,
)
from elkmon.stores.local.files import Listing

__all__ = ["IDENTITY", "contents"]

Rows = list[tuple[Any, ...]]
Row = Mapping[str, Any]
"""The columns of an event, as every question reads them."""
Event = dict[str, Any]

IDENTITY: tuple[Ref, ...] = tuple(
    Ref(BY_NAME[name])
    for name in (
        *("event.id", "event.dataset", "@timestamp", "event.created", "event.sequence"),
        *("ml.model.name", "ml.prediction.id"),
    )
)
"""Columns that tell an event from any other, also from its repeats."""
_NAMES = tuple(ref.field.name for ref in STORED)
_PATHS, _ = shape(STORED)
_COLUMNS = ", ".join(_PATHS[ref] for ref in STORED)
_STRUCTURE = text(structure(STORED))


def contents(
    rows: Callable[[str, Sequence[object]], Rows], files: Listing, chosen: Rows
) -> list[tuple[Event]]:
    """Return whole events.

    Args:
        rows: runs a query with bound values.
        files: that hold the events.
        chosen: the identity of each event, in the order of the result.
    """
    ids = [event_id for event_id, *_ in chosen]
    predictions = [row[-1] for row in chosen if row[1] == PREDICTION and row[-1] is not None]
    by_identity: dict[tuple[Any, ...], tuple[str | None, Row]] = {}
    labels: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for raw, row in _read(rows, files, ids, predictions) if ids else ():
        by_identity.setdefault(tuple(row[ref.field.name] for ref in IDENTITY), (raw, row))
        if row["event.dataset"] == LABEL and row["ml.prediction.id"] is not None:
            labels[_key(row)].append(row)
    events = []
    for raw, row in (by_identity[identity] for identity in chosen):
        event = _event(raw, row)
        if row["event.dataset"] == PREDICTION:
            for name, value in _joined(row, labels.get(_key(row), [])).items():
                _put(event, name, value)
        events.append((event,))
    return events


def _read(
    rows: Callable[[str, Sequence[object]], Rows],
    files: Listing,
    ids: list[str],
    predictions: list[str],
) -> Iterator[tuple[str | None, Row]]:
    """Yield the events of these ids and the labels of these predictions, as line and columns."""
    values = [ids, predictions]
    bound = "(SELECT unnest(?::VARCHAR[]))"
    queries = []
    if files.ndjson:
        queries.append(
            f"SELECT json, {_COLUMNS} FROM (SELECT json, unnest(json_transform(json, {_STRUCTURE}))"
            f" FROM read_ndjson_objects([{listed(files.ndjson)}], ignore_errors=true, "
            f"{object_size()}) WHERE (json ->> '$.event.id') IN {bound} "
            f"OR ((json ->> '$.event.dataset') = '{LABEL}' "
            f"AND (json ->> '$.ml.prediction.id') IN {bound}))"
        )
    if files.parquet:
        columns = ", ".join(ref.sql for ref in STORED)
        queries.append(
            f"SELECT {RAW}, {columns} FROM read_parquet([{listed(files.parquet)}], "
            f'union_by_name=true) WHERE "event.dataset" IS NOT NULL AND ("event.id" IN {bound} '
            f'OR ("event.dataset" = \'{LABEL}\' AND "ml.prediction.id" IN {bound}))'
        )
    for query in queries:
        for raw, *row in rows(query, values):
            yield raw, dict(zip(_NAMES, row, strict=True))


def _event(raw: str | None, row: Row) -> Event:
    """Return an event from its line; from its columns if that is absent, or no strict JSON."""
    if raw is not None:
        try:
            return orjson.loads(raw)  # type: ignore[no-any-return]  # it was read as an object
        except orjson.JSONDecodeError:
            pass
    event: Event = {}
    for ref in STORED:
        if row[ref.field.name] is not None:
            _put(event, ref.field.name, _as_written(ref.field.kind, row[ref.field.name]))
    return event


def _as_written(kind: Kind, value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if kind is Kind.DATE:
        return _iso(value)
    if kind is Kind.NUMBERS:
        return {
            name: number for name, number in value.items() if number is None or isfinite(number)
        }
    if kind is Kind.LABELS:
        return {name: None if entry is None else _json(entry) for name, entry in value.items()}
    return value


def _json(value: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _put(event: Event, name: str, value: Any) -> None:  # noqa: ANN401 - whatever a field holds
    *above, last = name.split(".")
    for part in above:
        if not isinstance(event.get(part), dict):
            event[part] = {}
        event = event[part]
    event[last] = value


def _iso(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _key(row: Row) -> tuple[str, str]:
    return row["ml.model.name"] or "", row["ml.prediction.id"]


def _joined(row: Row, labels: list[Row]) -> Event:
    """Return the joined fields of a prediction that are not absent, by name, as JSON."""
    joined = merge(_prediction(row), map(_label, _once(labels)))
    return {
        _JOINED[name]: _iso(value) if isinstance(value, datetime) else value
        for name, value in asdict(joined).items()
        if value is not None
    }


def _once(labels: list[Row]) -> list[Row]:
    """Return each label event (of a month) once, as it was written first."""
    first: dict[tuple[str, int, int], Row] = {}
    for row in sorted(labels, key=_written):
        time = row["@timestamp"]
        first.setdefault((row["event.id"], time.year, time.month), row)
    return list(first.values())


def _written(row: Row) -> tuple[Any, ...]:
    created, sequence = row["event.created"], row["event.sequence"]
    return created is None, created or datetime.min, sequence is None, sequence or 0  # noqa: DTZ901 - as the columns are


_JOINED = {
    name: f"ml.truth.{name}" if f"ml.truth.{name}" in BY_NAME else f"ml.eval.{name}"
    for name in Joined.__dataclass_fields__
}


def _prediction(row: Row) -> Prediction:
    return Prediction(
        timestamp=row["@timestamp"],
        task=row["ml.task"],
        label=row["ml.prediction.label"],
        positive=row["ml.prediction.positive"],
        value=row["ml.prediction.value"],
        score=row["ml.prediction.score"],
        scores=row["ml.prediction.scores"],
        failed=row["event.outcome"] != "success",
    )


def _label(row: Row) -> Label:
    return Label(
        event_id=row["event.id"],
        observed_at=row["ml.truth.observed_at"] or row["@timestamp"],
        label=row["ml.truth.label"],
        value=row["ml.truth.value"],
        correct=row["ml.truth.correct"],
        rating=row["ml.truth.rating"],
        source=row["ml.truth.source"],
    )
