"""One event in a few words: its time, kind, model, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elkmon.present.output import clean
from elkmon.query.conditions import lookup

__all__ = ["COLOURS", "dataset_of", "in_words", "model_of", "time_of"]

COLOURS = {
    "prediction": "green",
    "label": "blue",
    "error": "red",
    "log": "yellow",
    "metric": "cyan",
    "deployment": "magenta",
    "issue": "magenta",
    "emitter": "dim",
}
"""Each kind's colour on a terminal."""

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
    """Give its kind in one word."""
    return clean(lookup(event, "event.dataset") or "?").removeprefix("elkmon.")


def model_of(event: _Event) -> str:
    """Give its model and version."""
    parts = (lookup(event, "ml.model.name"), lookup(event, "ml.model.version"))
    return clean(" ".join(str(part) for part in parts if part is not None))


def in_words(event: _Event) -> str:
    """Say what happened."""
    words = {
        "prediction": _prediction,
        "label": _label,
        "error": _error,
        "metric": _metric,
        "deployment": _action,
        "issue": _action,
        "emitter": _emitter,
    }.get(dataset_of(event), _line)(event)
    text = clean(words)
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


def _label(event: _Event) -> str:
    said = _given(
        event,
        truth="ml.truth.label",
        value="ml.truth.value",
        correct="ml.truth.correct",
        rating="ml.truth.rating",
        source="ml.truth.source",
        of="ml.prediction.id",
    )
    return ", ".join(said)


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
    lost = dropped if isinstance(dropped, Mapping) and dropped else None
    said = _given(event, accepted="ml.emitter.accepted", written="ml.emitter.written")
    said += [] if lost is None else [f"{reason} {count}" for reason, count in lost.items()]
    return ", ".join(said)


def _line(event: _Event) -> str:
    level, message = lookup(event, "log.level"), lookup(event, "message")
    labels = lookup(event, "labels")
    said = [str(each) for each in (level, message) if each is not None]
    if isinstance(labels, Mapping):
        said += [f"{name}={value}" for name, value in labels.items()]
    return " ".join(said)
