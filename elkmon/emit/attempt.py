"""One attempt at a prediction, whatever its values are: its fields, carefully made."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

from elkmon.emit.emitter import Emitter
from elkmon.emit.exceptions import Failure, shown, text_of
from elkmon.emit.recorder import LOG_BIN, Recorder, clean_id, milliseconds
from elkmon.emit.to_json import Notes
from elkmon.emit.values import category, number, scores_of, segment_of, split_features
from elkmon.events.classes import class_name
from elkmon.events.datasets import PREDICTION
from elkmon.events.ids import kept

__all__ = [
    "Attempt",
    "answer_label",
    "answer_number",
    "answer_text",
    "answer_value",
    "submit",
    "usable_id",
    "when",
]


@dataclass(slots=True)
class Attempt:
    """What a call of ``prediction`` was given; names and units are those of the logger."""

    id: str
    label: object = None
    score: object = None
    value: object = None
    scores: object = None
    features: object = None
    segment: object = None
    duration: object = None
    """Seconds."""
    at: object = None
    user: object = None
    failure: Failure | None = None


def submit(recorder: Recorder, attempt: Attempt, labels: dict[str, Any]) -> None:
    """Write a prediction event; a success may be left out by sampling, a failure never is.

    Raises:
        UsageError: in strict mode, on wrong use.
    """
    emitter = recorder.ready()
    failed = attempt.failure is not None
    if not failed and recorder.rate < 1.0 and not kept(attempt.id, recorder.rate):
        emitter.sampled_out += 1
        return
    notes = Notes()
    ml = recorder.ml(sampled=True)
    if failed:
        ml["sample"] = {"rate": 1.0, "weight": 1.0}
    ml["prediction"] = _answer(recorder, emitter, attempt, notes)
    if attempt.features is not None:
        ml["features"] = _features(emitter, attempt.features, notes)
    if attempt.segment is not None:
        segment = _segment(emitter, attempt.segment, notes)
        if segment:
            ml["segment"] = segment
    event: dict[str, Any] = {"outcome": "failure" if failed else "success"}
    if attempt.duration is not None:
        nanoseconds = _nanoseconds(emitter, attempt.duration)
        if nanoseconds is not None:
            event["duration"] = nanoseconds
            ml["duration_bin"] = duration_bin(nanoseconds)
    fields: dict[str, Any] = {"event": event, "ml": ml, **emitter.labels(labels, notes)}
    user = answer_text(emitter, attempt.user, "user", Notes())  # NaN in a column is nobody
    if user is not None:
        fields.update(emitter.user(user))
    if attempt.failure is not None:
        fields["error"] = {
            "type": attempt.failure.type,
            "fingerprint": attempt.failure.fingerprint,
        }
    emitter.submit(
        PREDICTION,
        fields,
        notes,
        at=when(emitter, attempt.at),
        event_id=recorder.key(attempt.id),
    )
    if not failed:
        recorder.plans.learn(attempt.features, attempt.segment, attempt.label, ml, notes)


def _nanoseconds(emitter: Emitter, seconds: Any) -> int | None:  # noqa: ANN401 - whatever was given
    try:
        nanoseconds = int(float(seconds) * 1e9)
    except Exception:  # noqa: BLE001 - whatever was given, its methods included
        nanoseconds = -1
    if 0 <= nanoseconds < 2**63:
        return nanoseconds
    emitter.misuse("bad_duration", f"duration is in seconds and not negative, not {shown(seconds)}")
    return None


def duration_bin(nanoseconds: int) -> int:
    """Give the log-spaced bin of a duration: 2 % wide, from 1 ns on."""
    return int(log(nanoseconds) / LOG_BIN) if nanoseconds > 1 else 0


def when(emitter: Emitter, at: object) -> int | None:
    """Turn a caller's time into milliseconds; wrong ones are counted, and now is taken."""
    if at is None:
        return None
    try:
        return milliseconds(at)
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_time", f"a time cannot be used, and now is taken: {text_of(error)}")
        return None


def usable_id(emitter: Emitter, given: object) -> str | None:
    """Give a caller's id as it is stored; None where there is none, or it cannot be used."""
    if given is None:
        return None
    try:
        return clean_id(given) or None
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_id", f"an id cannot be used: {text_of(error)}")
        return None


def answer_label(
    recorder: Recorder, emitter: Emitter, label: object, path: str, notes: Notes
) -> str | None:
    """Give a class, predicted or true, as it is stored: the same rule for both."""
    text = answer_text(emitter, label, path, notes)
    if text is not None and recorder.task == "regression":
        emitter.misuse(
            "label_for_regression",
            f"{recorder.model} is a regression: give value=, not label={shown(label)}",
        )
        return None
    return text


def answer_text(emitter: Emitter, value: object, path: str, notes: Notes) -> str | None:
    """Give one word, such as a class, as it is stored; None where there is none."""
    try:
        text = class_name(value)
    except Exception:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("not_a_word", f"{path} is one value, not {shown(value)}")
        return None
    return None if text is None else category(emitter, text, path, notes)


def answer_value(
    recorder: Recorder, emitter: Emitter, value: object, path: str, notes: Notes
) -> float | int | None:
    """Give a regression's value, predicted or true, as it is stored."""
    if value is not None and recorder.task in {"binary", "multiclass"}:
        emitter.misuse(
            "value_for_classification",
            f"{recorder.model} is a {recorder.task} model: give label=, not value={shown(value)}",
        )
        return None
    return answer_number(emitter, value, path, notes)


def _answer(recorder: Recorder, emitter: Emitter, attempt: Attempt, notes: Notes) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": attempt.id}
    if recorder.positive is not None:
        answer["positive"] = recorder.positive
    path = "ml.prediction."
    if attempt.label is not None:
        label = answer_label(recorder, emitter, attempt.label, path + "label", notes)
        if label is not None:
            answer["label"] = label
    score = answer_number(emitter, attempt.score, path + "score", notes)
    if score is not None or path + "score" in notes.nonfinite:
        answer["score"] = score
    value = answer_value(recorder, emitter, attempt.value, path + "value", notes)
    if value is not None or path + "value" in notes.nonfinite:
        answer["value"] = value
    if attempt.scores is not None:
        try:
            answer["scores"] = scores_of(attempt.scores, notes)
        except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
            emitter.misuse("bad_scores", f"scores= maps classes to numbers: {text_of(error)}")
    return answer


def _features(emitter: Emitter, features: object, notes: Notes) -> dict[str, Any]:
    try:
        return split_features(emitter, features, notes)
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_features", f"features= maps names to values: {text_of(error)}")
        return {"number": {}}


def _segment(emitter: Emitter, segment: object, notes: Notes) -> dict[str, str]:
    try:
        return segment_of(emitter, segment, notes)
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_segment", f"segment= maps names to values: {text_of(error)}")
        return {}


def answer_number(emitter: Emitter, value: object, path: str, notes: Notes) -> float | int | None:
    """Give a number as it is stored; what is none is counted as wrong use."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:  # pandas' missing values
        return None
    try:
        return number(value, path, notes)
    except Exception:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("not_a_number", f"{path} is a number, not {shown(value)}")
        return None
