"""One prediction becomes one event: whatever its values are, in one loop and one layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import modules
from typing import Any

from elkmon.emit.clock import iso
from elkmon.emit.emitter import Emitter, trace_fields
from elkmon.emit.encode.answers import (
    answer_label,
    answer_number,
    answer_text,
    answer_value,
    nanoseconds,
    when,
)
from elkmon.emit.encode.scalars import (
    category,
    feature_name,
    is_number,
    number,
    python_scalar,
)
from elkmon.emit.exceptions import Failure, text_of
from elkmon.emit.model import Model
from elkmon.emit.redaction.redactor import REDACTED
from elkmon.emit.to_json import Notes
from elkmon.events.classes import class_name
from elkmon.events.datasets import PREDICTION, RECORDS
from elkmon.events.ids import kept
from elkmon.events.limits import CLASSES, FEATURES

__all__ = ["lay_out", "write_prediction"]

_SCORE, _VALUE = "ml.prediction.score", "ml.prediction.value"
_KIND = RECORDS[PREDICTION].kind
_SECRET = object()
"""Stands for a value whose name says that it is secret."""
_LEAST, _MOST = -(2**63), 2**63 - 1


def write_prediction(  # noqa: C901, PLR0912, PLR0913, PLR0915 - calls take longer than what they do
    model: Model,
    emitter: Emitter,
    prediction_id: str,
    label: object = None,
    score: object = None,
    value: object = None,
    scores: object = None,
    features: object = None,
    segment: object = None,
    duration: object = None,
    at: object = None,
    user: object = None,
    *,
    labels: Mapping[str, object],
    failure: Failure | None = None,
) -> None:
    """Write a prediction event; a success may be left out by sampling, a failure never is.

    Values are as in ``log.prediction``; ``labels`` are what was bound. A value that is no plain
    number or text is handled where it is met.

    Raises:
        UsageError: in strict mode, on wrong use.
    """
    rate = model.rate
    if rate < 1.0 and failure is None and not kept(prediction_id, rate):
        emitter.sampled_out += 1
        return
    if not emitter.settings.enabled:
        return
    notes = Notes()
    texts = emitter.plain_texts
    answer: dict[str, Any] = {"id": prediction_id}
    if model.positive is not None:
        answer["positive"] = model.positive
    if type(label) is str and texts[label] and model.task != "regression":
        answer["label"] = label
    elif label is not None:
        text = answer_label(model, emitter, label, "ml.prediction.label", notes)
        if text is not None:
            answer["label"] = text
    if type(score) is float and score - score == 0.0:
        answer["score"] = score
    elif score is not None:
        _add_number(answer, "score", answer_number(emitter, score, _SCORE, notes), notes)
    if value is not None:
        _add_number(answer, "value", answer_value(model, emitter, value, _VALUE, notes), notes)
    if scores is not None:
        _add_scores(emitter, answer, scores, notes)
    kinds: dict[str, Any] | None = None
    if features is not None:
        dropped = 0
        if type(features) is dict and emitter.plain_names.issuperset(features):
            table = features.copy()  # another thread may change the dict meanwhile
        else:
            table, dropped = _named(emitter, features, notes)
        numbers = table.copy()
        categories: dict[str, Any] = {}
        for name, feature in table.items():
            kind = type(feature)
            if kind is float and feature - feature == 0.0:
                continue
            if kind is str and texts[feature]:
                del numbers[name]
                categories[name] = feature
            elif kind is not int or not _LEAST <= feature <= _MOST:
                _sort_odd(emitter, name, feature, numbers, categories, notes)
        if len(table) > FEATURES:
            dropped += _cut(numbers) + _cut(categories)
        kinds = {"number": numbers}
        if categories:
            kinds["category"] = categories
        if dropped:
            kinds["dropped"] = dropped
    parts = None if segment is None else _segment(emitter, segment, notes)
    took = None if duration is None else nanoseconds(emitter, duration)
    rest = emitter.labels(labels, notes) if labels else {}
    if user is not None:
        text = answer_text(emitter, user, "user", Notes())  # NaN in a column is nobody
        rest.update(emitter.user(text))
    ms = None if at is None else when(emitter, at)
    key = model.key(prediction_id)
    event = lay_out(emitter, model, key, answer, kinds, parts, took, next(emitter.sequence))
    if ms is not None:
        event["@timestamp"] = iso(ms)
    if notes:
        event["ml"].update(notes)
    if rest:
        event.update(rest)
    if failure is not None:
        event["event"]["outcome"] = "failure"
        event["ml"]["sample"] = {"rate": 1.0, "weight": 1.0}
        event["error"] = {"type": failure.type, "fingerprint": failure.fingerprint}
    emitter.send(event)


def lay_out(
    emitter: Emitter,
    model: Model,
    event_id: object,
    answer: dict[str, Any],
    features: object,
    segment: object,
    duration: tuple[object, object] | None,
    sequence: object,
) -> dict[str, Any]:
    """Return a successful prediction: the one place that knows its fields in their order.

    Args:
        emitter: what all events have in common.
        model: what all its predictions have in common.
        event_id: ``event.id``.
        answer: ``ml.prediction``.
        features: ``ml.features``; None where there are none, as for the next two.
        segment: ``ml.segment``.
        duration: ``event.duration`` and ``ml.duration_bin``.
        sequence: ``event.sequence``.
    """
    created = emitter.clock.instant().iso
    event: dict[str, object] = {
        "id": event_id,
        "dataset": PREDICTION,
        "kind": _KIND,
        "outcome": "success",
    }
    ml = {**model.common, "prediction": answer}
    if features is not None:
        ml["features"] = features
    if segment:
        ml["segment"] = segment
    if duration is not None:
        event["duration"], ml["duration_bin"] = duration
    event["created"] = created
    event["sequence"] = sequence
    complete = {"@timestamp": created, "event": event, "ml": ml, **emitter.static}
    if "opentelemetry.trace" in modules:
        complete.update(trace_fields())
    return complete


def _add_number(answer: dict[str, Any], name: str, value: float | None, notes: Notes) -> None:
    """Add a number to an answer, also one that is null as it is not finite."""
    if value is not None or f"ml.prediction.{name}" in notes.get("nonfinite", ()):
        answer[name] = value


def _add_scores(emitter: Emitter, answer: dict[str, Any], scores: object, notes: Notes) -> None:
    try:
        answer["scores"] = _scores(scores, notes)
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_scores", f"scores= maps classes to numbers: {text_of(error)}")


def _cut(values: dict[str, Any]) -> int:
    """Leave no more of the features of one type than are kept; return how many that were."""
    names = [*values][FEATURES:]
    for name in names:
        del values[name]
    return len(names)


def _sort_odd(
    emitter: Emitter,
    name: str,
    given: object,
    numbers: dict[str, Any],
    categories: dict[str, Any],
    notes: Notes,
) -> None:
    """Sort one value that is no plain number or text, such as NaN, a boolean, or a list.

    It stands among the numbers so far.
    """
    try:
        value = python_scalar(given)
        if is_number(value):
            numbers[name] = number(value, f"ml.features.number.{name}", notes)
            return
        del numbers[name]
        if value is _SECRET:
            notes.add("redacted", f"ml.features.{name}")
            categories[name] = REDACTED
        elif value is not None:
            text = category(emitter, value, f"ml.features.category.{name}", notes)
            if text is not None:
                categories[name] = text
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        numbers.pop(name, None)
        emitter.misuse("bad_features", f"feature {name} cannot be read: {text_of(error)}")


def _named(emitter: Emitter, features: object, notes: Notes) -> tuple[dict[str, Any], int]:
    """Return features by their clean names, and how many have no name of their own."""
    table: dict[str, Any] = {}
    dropped = 0
    try:
        for given, value in _feature_pairs(emitter, features, notes):
            if value is None:
                continue
            plain = emitter.plain_names.learn(given)
            name = given if plain else feature_name(given)
            if name in table:
                dropped += 1
            else:
                secret = not plain and emitter.redactor.key(name)
                table[name] = _SECRET if secret else value
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_features", f"features= maps names to values: {text_of(error)}")
        return {}, 0
    return table, dropped


def _feature_pairs(emitter: Emitter, features: object, notes: Notes) -> Iterable[tuple[Any, Any]]:
    """Read features from a mapping, a row, a sequence (named 0, 1, …), or an object with fields."""
    try:
        return _pairs(features)
    except TypeError:
        plain = emitter.to_json(features, "ml.features", notes)
        return plain.items() if isinstance(plain, dict) else [("value", plain)]


def _pairs(values: object) -> Iterable[tuple[Any, Any]]:
    """Read names and values from a mapping, a row of a frame, or a plain sequence."""
    if type(values) is dict or isinstance(values, Mapping):
        return list(values.items())
    items = getattr(values, "items", None)
    if callable(items):  # a row of pandas
        return list(items())
    tolist = getattr(values, "tolist", None)
    if callable(tolist):
        values = tolist()
    if isinstance(values, (list, tuple)):
        as_dict = getattr(values, "_asdict", None)
        return list(as_dict().items()) if callable(as_dict) else list(enumerate(values))
    raise TypeError(f"{type(values).__name__} has no names and values")


def _segment(emitter: Emitter, segment: object, notes: Notes) -> dict[str, str]:
    try:
        return _texts(emitter, segment, notes)
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_segment", f"segment= maps names to values: {text_of(error)}")
        return {}


def _texts(emitter: Emitter, segment: object, notes: Notes) -> dict[str, str]:
    """Return ``ml.segment``: texts by name."""
    names, plain_texts = emitter.plain_names, emitter.plain_texts
    texts: dict[str, str] = {}
    for given, value in _pairs(segment):
        plain = names.learn(given)
        if plain and type(value) is str and plain_texts[value] and len(texts) < FEATURES:
            texts[given] = value
            continue
        name = given if plain else feature_name(given)
        path = f"ml.segment.{name}"
        text = category(emitter, value, path, notes)
        if text is None:
            continue
        if len(texts) >= FEATURES:
            notes.add("truncated", path)
            continue
        if not plain and emitter.redactor.key(name):
            notes.add("redacted", path)
            text = REDACTED
        texts[name] = text
    return texts


def _scores(scores: object, notes: Notes) -> dict[str, float | int | None]:
    """Return ``ml.prediction.scores``: the probability of each class."""
    probabilities: dict[str, float | int | None] = {}
    for given, value in _pairs(scores):
        name = class_name(given)
        if name is None:
            continue
        name = feature_name(name)
        path = f"ml.prediction.scores.{name}"
        if len(probabilities) >= CLASSES:
            notes.add("truncated", path)
            break
        probabilities[name] = number(value, path, notes)
    return probabilities
