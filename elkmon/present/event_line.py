"""One event in a few words: its time, kind, model, and what happened."""

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

__all__ = ["colour_of", "dataset_of", "in_words", "model_of", "time_of"]

_READINGS = {
    "cpu": "system.cpu.total.norm.pct",
    "memory": "system.memory.actual.used.pct",
    "load": "system.load.1",
    "of": "system.filesystem.mount_point",
    "used": "system.filesystem.used.pct",
    "gpu": "system.gpu.id",
    "working": "system.gpu.utilization.pct",
}
"""What says most of a host's readings."""

_Event = Mapping[str, Any]
_MS = 1_000_000
_WORDS = 200
"""Characters of what an event says that fit on a line."""


def time_of(event: _Event) -> str:
    """Give its time, to the millisecond."""
    return clean(lookup(event, "@timestamp") or "").replace("T", " ").removesuffix("Z")[:23]


def dataset_of(event: _Event) -> str:
    """Return its dataset's short name."""
    return clean(short_name(str(lookup(event, "event.dataset") or "?")))


def colour_of(event: _Event) -> str:
    """Return its dataset's colour on a terminal; that of plain text where there is no such one."""
    record = RECORDS.get(str(lookup(event, "event.dataset")))
    return "" if record is None else record.colour


def model_of(event: _Event) -> str:
    """Give its model and version."""
    parts = (lookup(event, "ml.model.name"), lookup(event, "ml.model.version"))
    return clean(" ".join(str(part) for part in parts if part is not None))


def in_words(event: _Event) -> str:
    """Say what happened."""
    dataset = str(lookup(event, "event.dataset"))
    text = clean(_SENTENCES.get(dataset, _line)(event))
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"


def _given(event: _Event, **names: str) -> list[str]:
    found = ((word, lookup(event, name)) for word, name in names.items())
    return [f"{word} {_number(value)}" for word, value in found if value is not None]


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _prediction(event: _Event) -> str:
    if lookup(event, "event.outcome") == "failure":
        said = [f"failed: {lookup(event, 'error.type') or 'no reason given'}"]
    else:
        answers = (lookup(event, "ml.prediction.label"), lookup(event, "ml.prediction.value"))
        said = [_number(each) for each in answers if each is not None]
        said += _given(event, score="ml.prediction.score")
    said += _given(event, truth="ml.truth.label") or _given(event, truth="ml.truth.value")
    outcome = lookup(event, "ml.eval.outcome")
    said += [] if outcome is None else [str(outcome)]
    duration = lookup(event, "event.duration")
    if isinstance(duration, (int, float)):
        said.append(f"{duration / _MS:.3g} ms")
    segments = lookup(event, "ml.segment")
    if isinstance(segments, Mapping):
        said += [f"{name}={value}" for name, value in segments.items()]
    return ", ".join([*said, *_given(event, id="ml.prediction.id")])


def _error(event: _Event) -> str:
    kind, message = lookup(event, "error.type"), lookup(event, "error.message")
    where = lookup(event, "error.culprit")
    said = f"{message}" if kind in {None, "message"} else f"{kind}: {message}"
    return said if where is None else f"{said} ({where})"


def _metric(event: _Event) -> str:
    if lookup(event, "metric.name") is None:
        return ", ".join(_given(event, **_READINGS))
    unit = lookup(event, "metric.unit")
    value = f"{lookup(event, 'metric.name')} = {_number(lookup(event, 'metric.value'))}"
    return value if unit is None else f"{value} {unit}"


def _action(event: _Event) -> str:
    said = [str(lookup(event, "event.action") or "")]
    said += [str(each) for each in [lookup(event, "error.fingerprint")] if each is not None]
    return " ".join(said)


def _emitter(event: _Event) -> str:
    dropped = lookup(event, "ml.emitter.dropped")
    lost = dropped.items() if isinstance(dropped, Mapping) else ()
    counts = _given(event, **RECORDS[EMITTER].words)
    return ", ".join([*counts, *(f"{reason} {count}" for reason, count in lost)])


def _line(event: _Event) -> str:
    record = RECORDS.get(str(lookup(event, "event.dataset")))
    if record is not None and record.words:
        return ", ".join(_given(event, **record.words))
    level, message = lookup(event, "log.level"), lookup(event, "message")
    labels = lookup(event, "labels")
    said = [str(each) for each in (level, message) if each is not None]
    if isinstance(labels, Mapping):
        said += [f"{name}={value}" for name, value in labels.items()]
    return " ".join(said)


_SENTENCES: Mapping[str, Callable[[_Event], str]] = {
    PREDICTION: _prediction,
    ERROR: _error,
    METRIC: _metric,
    DEPLOYMENT: _action,
    ISSUE: _action,
    EMITTER: _emitter,
}
"""Datasets that take more than the words of their records."""
