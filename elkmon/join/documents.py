"""Read labels and predictions from documents, and say what has to change in a prediction's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from math import isfinite
from typing import Any

from elkmon.events.ids import prediction_key
from elkmon.events.merge import Joined, Label, Prediction
from elkmon.events.times import from_iso

__all__ = [
    "LABEL_FIELDS",
    "PREDICTION_FIELDS",
    "LabelDocument",
    "changes",
    "decisive",
    "iso",
    "moment",
    "read_label",
    "read_prediction",
]

LABEL_FIELDS = ["@timestamp", "ml.model.name", "ml.prediction.id", "ml.truth", "ml.join"]
"""The fields that the join reads of a label's document."""
PREDICTION_FIELDS = [
    *("@timestamp", "event.outcome", "ml.task", "ml.prediction", "ml.truth", "ml.eval"),
]
"""The fields that the join reads of a prediction's document."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TRUTHS = ("label", "value", "correct", "rating", "source", "observed_at")


@dataclass(frozen=True, slots=True)
class LabelDocument:
    """A label as Elasticsearch has it.

    Attributes:
        index: index of the document.
        id: id of the document.
        model: name of the model; empty if the label names none.
        prediction_id: id of the prediction; None if the label has none.
        key: id of the prediction's document.
        label: the label itself.
        at: time of the label.
        state: state of its join; None if no join has seen it.
        attempts: how often its prediction was looked for.
    """

    index: str
    id: str
    model: str
    prediction_id: str | None
    key: str
    label: Label
    at: datetime
    state: str | None
    attempts: int


def read_label(hit: Mapping[str, Any]) -> LabelDocument:
    """Read a label from a hit of a search."""
    source = hit["_source"]
    ml = _object(source.get("ml"))
    truth, mark = _object(ml.get("truth")), _object(ml.get("join"))
    model = _text(_object(ml.get("model")).get("name")) or ""
    prediction_id = _text(_object(ml.get("prediction")).get("id"))
    at = moment(source["@timestamp"]) or _EPOCH
    attempts = mark.get("attempts")
    return LabelDocument(
        index=hit["_index"],
        id=hit["_id"],
        model=model,
        prediction_id=prediction_id,
        key="" if prediction_id is None else prediction_key(model, prediction_id),
        label=Label(
            event_id=hit["_id"],
            observed_at=moment(truth.get("observed_at")) or at,
            label=_text(truth.get("label")),
            value=_number(truth.get("value")),
            correct=_flag(truth.get("correct")),
            rating=_number(truth.get("rating")),
            source=_text(truth.get("source")),
        ),
        at=at,
        state=_text(mark.get("state")),
        attempts=attempts if isinstance(attempts, int) else 0,
    )


def read_prediction(source: Mapping[str, Any]) -> Prediction:
    """Read a prediction from the source of its document."""
    ml = _object(source.get("ml"))
    prediction = _object(ml.get("prediction"))
    scores = prediction.get("scores")
    return Prediction(
        timestamp=moment(source["@timestamp"]) or _EPOCH,
        task=_text(ml.get("task")),
        label=_text(prediction.get("label")),
        positive=_text(prediction.get("positive")),
        value=_number(prediction.get("value")),
        score=_number(prediction.get("score")),
        scores={name: _number(value) for name, value in scores.items()}
        if isinstance(scores, dict)
        else None,
        failed=_object(source.get("event")).get("outcome") != "success",
    )


def changes(source: Mapping[str, Any], joined: Joined) -> dict[str, Any] | None:
    """Return what has to change in a prediction's document for it to agree with its labels.

    Args:
        source: the document as it is.
        joined: what it should say.

    Returns:
        The fields that differ, nested; null for those to remove. None if nothing differs.
    """
    ml = _object(source.get("ml"))
    changed: dict[str, dict[str, object]] = {}
    for name, value in asdict(joined).items():
        part = "truth" if name in _TRUTHS else "eval"
        target: object = iso(value) if isinstance(value, datetime) else value
        if isinstance(target, float) and not isfinite(target):
            target = None  # too large for a number: absent, as everywhere
        if _object(ml.get(part)).get(name) != target:
            changed.setdefault(part, {})[name] = target
    return {"ml": changed} if changed else None


def decisive(labels: Iterable[Label]) -> list[Label]:
    """Return the few labels that decide the result of ``merge``, which is the same as for all.

    They are the oldest, the newest, and the newest with each truth field.
    """
    ordered = sorted(labels, key=lambda label: (label.observed_at, label.event_id))
    selected = {id(label): label for label in (*ordered[:1], *ordered[-1:])}
    for name in ("label", "value", "correct", "rating"):
        for label in reversed(ordered):
            if getattr(label, name) is not None:
                selected[id(label)] = label
                break
    return list(selected.values())


def moment(value: object) -> datetime | None:
    """Return a time in a document (ISO 8601, or milliseconds since 1970); None if it is neither."""
    try:
        if isinstance(value, str):
            return from_iso(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _EPOCH + timedelta(milliseconds=value)
    except (ValueError, OverflowError):
        pass
    return None


def iso(at: datetime) -> str:
    """Return a time as events have it."""
    spec = "microseconds" if at.microsecond % 1000 else "milliseconds"
    return at.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
