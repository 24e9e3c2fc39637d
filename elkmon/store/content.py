"""Events whole, as they were written, with what their labels make of a prediction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from math import isfinite
from typing import Any

import orjson

from elkmon.events.fields import BY_NAME, LABEL, PREDICTION, Kind
from elkmon.events.merge import Joined, Label, Prediction, merge
from elkmon.events.times import from_iso
from elkmon.store.columns import MAX_LINE, RAW, STORED, listed
from elkmon.store.files import Listing

__all__ = ["contents", "joined_fields"]

Rows = list[tuple[Any, ...]]
Found = dict[str, Any]

_EVENT_ID, _DATASET, _ID = "$.event.id", "$.event.dataset", "$.ml.prediction.id"


def contents(
    rows: Callable[[str, Sequence[object]], Rows], files: Listing, chosen: Rows
) -> list[tuple[Found]]:
    """Give events whole.

    Args:
        rows: runs a query with bound values.
        files: that hold them.
        chosen: event id, dataset and prediction id of each, in the order to give them.
    """
    ids = [event_id for event_id, _, _ in chosen]
    wanted = [each for _, dataset, each in chosen if dataset == PREDICTION and each is not None]
    events: dict[str, Found] = {}
    labels: dict[tuple[str | None, str], list[Found]] = defaultdict(list)
    for event in _found(rows, files, ids, wanted) if ids else ():
        event_id = _text(event["event"]["id"]) or ""
        if event_id not in events or _written(event) < _written(events[event_id]):
            events[event_id] = event
        if event["event"]["dataset"] == LABEL:
            labels[_key(event)].append(event)
    made = (events[event_id] for event_id in ids)
    return [(_with_truth(event, labels.get(_key(event), ())),) for event in made]


def _found(
    rows: Callable[[str, Sequence[object]], Rows],
    files: Listing,
    ids: list[str],
    predictions: list[str],
) -> Iterable[Found]:
    """Read the events of these ids, and the labels of these predictions."""
    values = [ids, predictions]
    wanted = "(SELECT unnest(?::VARCHAR[]))"
    if files.ndjson:
        for (line,) in rows(
            f"SELECT json FROM read_ndjson_objects([{listed(files.ndjson)}], ignore_errors=true, "
            f"maximum_object_size={MAX_LINE}) WHERE json ->> '{_EVENT_ID}' IN {wanted} "
            f"OR (json ->> '{_DATASET}' = '{LABEL}' AND json ->> '{_ID}' IN {wanted})",
            values,
        ):
            yield orjson.loads(line)
    if files.parquet:
        columns = ", ".join(ref.sql for ref in STORED)
        for raw, *row in rows(
            f"SELECT {RAW}, {columns} FROM read_parquet([{listed(files.parquet)}], "
            f'union_by_name=true) WHERE "event.dataset" IS NOT NULL AND ("event.id" IN {wanted} '
            f'OR ("event.dataset" = \'{LABEL}\' AND "ml.prediction.id" IN {wanted}))',
            values,
        ):
            yield _rebuilt(row) if raw is None else orjson.loads(raw)


def _rebuilt(row: Sequence[Any]) -> Found:
    """Nest the columns of an event as its line had them."""
    event: Found = {}
    for ref, value in zip(STORED, row, strict=True):
        if value is not None:
            _put(event, ref.field.name, _as_written(ref.field.kind, value))
    return event


def _as_written(kind: Kind, value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if kind is Kind.DATE:
        return _iso(value)
    if kind is Kind.LABELS:
        return {name: None if text is None else orjson.loads(text) for name, text in value.items()}
    return value


def _put(event: Found, name: str, value: Any) -> None:  # noqa: ANN401 - whatever a field holds
    *above, last = name.split(".")
    for part in above:
        event = event.setdefault(part, {})
    event[last] = value


def _iso(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _get(event: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever a field holds
    here: Any = event
    for part in name.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _written(event: Found) -> tuple[str, int]:
    """Order what was written under one id, as the store does."""
    sequence = _get(event, "event.sequence")
    return str(_get(event, "event.created") or ""), sequence if isinstance(sequence, int) else 0


def _key(event: Found) -> tuple[str | None, str]:
    return _get(event, "ml.model.name"), _get(event, "ml.prediction.id")


def _with_truth(event: Found, labels: Iterable[Found]) -> Found:
    """Add to a prediction what its labels make of it."""
    if event["event"]["dataset"] == PREDICTION:
        for name, value in joined_fields(event, labels).items():
            _put(event, name, value)
    return event


def joined_fields(event: Mapping[str, Any], labels: Iterable[Mapping[str, Any]]) -> Found:
    """Give the joined fields of a prediction by their dotted names, as JSON; absent ones not.

    Args:
        event: the prediction.
        labels: its labels.
    """
    joined = merge(_prediction(event), map(_label, labels))
    return {
        _JOINED[name]: _iso(value) if isinstance(value, datetime) else value
        for name, value in asdict(joined).items()
        if value is not None
    }


_JOINED = {
    name: f"ml.truth.{name}" if f"ml.truth.{name}" in BY_NAME else f"ml.eval.{name}"
    for name in Joined.__dataclass_fields__
}


def _prediction(event: Mapping[str, Any]) -> Prediction:
    scores = _get(event, "ml.prediction.scores")
    return Prediction(
        timestamp=from_iso(str(_get(event, "@timestamp"))),
        task=_text(_get(event, "ml.task")),
        label=_text(_get(event, "ml.prediction.label")),
        positive=_text(_get(event, "ml.prediction.positive")),
        value=_number(_get(event, "ml.prediction.value")),
        score=_number(_get(event, "ml.prediction.score")),
        scores={name: _number(each) for name, each in scores.items()}
        if isinstance(scores, Mapping)
        else None,
        failed=_get(event, "event.outcome") != "success",
    )


def _label(event: Mapping[str, Any]) -> Label:
    correct = _get(event, "ml.truth.correct")
    observed = _get(event, "ml.truth.observed_at") or _get(event, "@timestamp")
    return Label(
        event_id=str(_get(event, "event.id")),
        observed_at=from_iso(str(observed)),
        label=_text(_get(event, "ml.truth.label")),
        value=_number(_get(event, "ml.truth.value")),
        correct=correct if isinstance(correct, bool) else None,
        rating=_number(_get(event, "ml.truth.rating")),
        source=_text(_get(event, "ml.truth.source")),
    )


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever a line holds
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever a line holds
    fine = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    return float(value) if fine else None
