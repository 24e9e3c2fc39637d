"""Write one event on a line: its time, dataset, model, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from elkmon.events.datasets import (
    DEPLOYMENT,
    EMITTER,
    ERROR,
    ISSUE,
    METRIC,
    PREDICTION,
    RECORDS,
    short_name,
)
from elkmon.present.output import clean
from elkmon.query.conditions import lookup

__all__ = ["colour_of", "dataset_of", "model_of", "summary_of", "time_of"]

_READINGS = {
    "cpu": "system.cpu.total.norm.pct",
    "memory": "system.memory.actual.used.pct",
    "load": "system.load.1",
    "of": "system.filesystem.mount_point",
    "used": "system.filesystem.used.pct",
    "gpu": "system.gpu.id",
    "working": "system.gpu.utilization.pct",
}
"""The most important readings of a host."""

_Event = Mapping[str, Any]
_MS = 1_000_000
_WORDS = 200
"""How many characters of an event are written."""


def time_of(event: _Event) -> str:
    """Return the time of an event, to the millisecond."""
    return clean(lookup(event, "@timestamp") or "").replace("T", " ").removesuffix("Z")[:23]


def dataset_of(event: _Event) -> str:
    """Return its dataset's short name."""
    return clean(short_name(str(lookup(event, "event.dataset") or "?")))


def colour_of(event: _Event) -> str:
    """Return the colour of its dataset on a terminal; none if the dataset is unknown."""
    record = RECORDS.get(str(lookup(event, "event.dataset")))
    return "" if record is None else record.colour


def model_of(event: _Event) -> str:
    """Return its model and version."""
    parts = (lookup(event, "ml.model.name"), lookup(event, "ml.model.version"))
    return clean(" ".join(str(part) for part in parts if part is not None))


def summary_of(event: _Event) -> str:
    """Return what happened, on one line."""
    dataset = str(lookup(event, "event.dataset"))
    text = clean(_SENTENCES.get(dataset, _line)(event))
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"


def _present(event: _Event, **names: str) -> list[str]:
    pairs = ((word, lookup(event, name)) for word, name in names.items())
    return [f"{word} {_number(value)}" for word, value in pairs if value is not None]


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _prediction(event: _Event) -> str:
    if lookup(event, "event.outcome") == "failure":
        parts = [f"failed: {lookup(event, 'error.type') or 'no reason given'}"]
    else:
        answers = (lookup(event, "ml.prediction.label"), lookup(event, "ml.prediction.value"))
        parts = [_number(value) for value in answers if value is not None]
        parts += _present(event, score="ml.prediction.score")
    parts += _present(event, truth="ml.truth.label") or _present(event, truth="ml.truth.value")
    outcome = lookup(event, "ml.eval.outcome")
    parts += [] if outcome is None else [str(outcome)]
    duration = lookup(event, "event.duration")
    if isinstance(duration, (int, float)):
        parts.append(f"{duration / _MS:.3g} ms")
    segments = lookup(event, "ml.segment")
    if isinstance(segments, Mapping):
        parts += [f"{name}={value}" for name, value in segments.items()]
    return ", ".join([*parts, *_present(event, id="ml.prediction.id")])


def _error(event: _Event) -> str:
    kind, message = lookup(event, "error.type"), lookup(event, "error.message")
    where = lookup(event, "error.culprit")
    text = f"{message}" if kind in {None, "message"} else f"{kind}: {message}"
    return text if where is None else f"{text} ({where})"


def _metric(event: _Event) -> str:
    if lookup(event, "metric.name") is None:
        return ", ".join(_present(event, **_READINGS))
    unit = lookup(event, "metric.unit")
    value = f"{lookup(event, 'metric.name')} = {_number(lookup(event, 'metric.value'))}"
    return value if unit is None else f"{value} {unit}"


def _action(event: _Event) -> str:
    fingerprint = lookup(event, "error.fingerprint")
    action = str(lookup(event, "event.action") or "")
    return action if fingerprint is None else f"{action} {fingerprint}"


def _emitter(event: _Event) -> str:
    dropped = lookup(event, "ml.emitter.dropped")
    lost = dropped.items() if isinstance(dropped, Mapping) else ()
    counts = _present(event, **RECORDS[EMITTER].words)
    return ", ".join([*counts, *(f"{reason} {count}" for reason, count in lost)])


def _line(event: _Event) -> str:
    record = RECORDS.get(str(lookup(event, "event.dataset")))
    if record is not None and record.words:
        return ", ".join(_present(event, **record.words))
    level, message = lookup(event, "log.level"), lookup(event, "message")
    labels = lookup(event, "labels")
    parts = [str(part) for part in (level, message) if part is not None]
    if isinstance(labels, Mapping):
        parts += [f"{name}={value}" for name, value in labels.items()]
    return " ".join(parts)


_SENTENCES: Mapping[str, Callable[[_Event], str]] = {
    PREDICTION: _prediction,
    ERROR: _error,
    METRIC: _metric,
    DEPLOYMENT: _action,
    ISSUE: _action,
    EMITTER: _emitter,
}
"""Datasets that take more than the words of their records."""
