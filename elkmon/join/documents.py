"""Between documents and ``merge``: read labels and predictions, say what has to change."""

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
    "OF_LABELS",
    "OF_PREDICTIONS",
    "Told",
    "changes",
    "condensed",
    "iso",
    "moment",
    "prediction_of",
    "told_of",
]

OF_LABELS = ("@timestamp", "ml.model.name", "ml.prediction.id", "ml.truth", "ml.join")
OF_PREDICTIONS = (
    *("@timestamp", "event.outcome", "ml.task", "ml.prediction", "ml.truth", "ml.eval"),
)
"""What the join reads of a document; the rest stays where it is."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TRUTHS = ("label", "value", "correct", "rating", "source", "observed_at")


@dataclass(frozen=True, slots=True)
class Told:
    """One label as a document: where it is, whose it is, what it says, what became of it.

    Attributes:
        index: it is in.
        id: of the document.
        model: that its prediction is of; empty where it does not say.
        prediction_id: of its prediction; None where it does not say.
        key: id of the prediction's document.
        label: what it says.
        at: its own time.
        state: of its join; None where the join has not seen it.
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


def told_of(hit: Mapping[str, Any]) -> Told:
    """Read a label from what a search found."""
    source = hit["_source"]
    ml = _object(source.get("ml"))
    truth, mark = _object(ml.get("truth")), _object(ml.get("join"))
    model = _text(_object(ml.get("model")).get("name")) or ""
    prediction_id = _text(_object(ml.get("prediction")).get("id"))
    at = moment(source["@timestamp"]) or _EPOCH
    attempts = mark.get("attempts")
    return Told(
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


def prediction_of(source: Mapping[str, Any]) -> Prediction:
    """Read a prediction from its document."""
    ml = _object(source.get("ml"))
    made = _object(ml.get("prediction"))
    scores = made.get("scores")
    return Prediction(
        timestamp=moment(source["@timestamp"]) or _EPOCH,
        task=_text(ml.get("task")),
        label=_text(made.get("label")),
        positive=_text(made.get("positive")),
        value=_number(made.get("value")),
        score=_number(made.get("score")),
        scores={name: _number(value) for name, value in scores.items()}
        if isinstance(scores, dict)
        else None,
        failed=_object(source.get("event")).get("outcome") != "success",
    )


def changes(source: Mapping[str, Any], joined: Joined) -> dict[str, Any] | None:
    """Say what has to change in a prediction's document, so that it says what its labels say.

    Args:
        source: the document as it is.
        joined: what it should say.

    Returns:
        The fields that differ, nested; null for those that are to go. None where nothing differs.
    """
    ml = _object(source.get("ml"))
    changed: dict[str, dict[str, object]] = {}
    for name, value in asdict(joined).items():
        part = "truth" if name in _TRUTHS else "eval"
        said: object = iso(value) if isinstance(value, datetime) else value
        if isinstance(said, float) and not isfinite(said):
            said = None  # beyond what a number can be: absent, as everywhere
        if _object(ml.get(part)).get(name) != said:
            changed.setdefault(part, {})[name] = said
    return {"ml": changed} if changed else None


def condensed(labels: Iterable[Label]) -> list[Label]:
    """Leave out labels that decide nothing, so that any number of them takes little memory.

    ``merge`` says the same of what is left: the oldest, the newest, and the newest that has each
    truth field.
    """
    ordered = sorted(labels, key=lambda each: (each.observed_at, each.event_id))
    kept = {id(each): each for each in (*ordered[:1], *ordered[-1:])}
    for name in ("label", "value", "correct", "rating"):
        for each in reversed(ordered):
            if getattr(each, name) is not None:
                kept[id(each)] = each
                break
    return list(kept.values())


def moment(value: object) -> datetime | None:
    """Read a time as documents have it: ISO 8601, else milliseconds since 1970."""
    try:
        if isinstance(value, str):
            return from_iso(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _EPOCH + timedelta(milliseconds=value)
    except (ValueError, OverflowError):
        pass
    return None


def iso(at: datetime) -> str:
    """Write a time as events have it."""
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
    except OverflowError:  # a whole number of hundreds of digits
        return None
