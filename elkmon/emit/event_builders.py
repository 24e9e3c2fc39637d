"""Error, log, label, metric and deployment events, whichever door they come through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elkmon.emit.clock import iso
from elkmon.emit.emitter import Emitter
from elkmon.emit.encode.answers import (
    answer_label,
    answer_number,
    answer_text,
    answer_value,
    usable_id,
    when,
)
from elkmon.emit.encode.scalars import clean_name
from elkmon.emit.exceptions import (
    Failure,
    brief_repr,
    describe,
    describe_text,
    mark_written,
    text_of,
    type_name,
    written_as,
)
from elkmon.emit.model import Model
from elkmon.emit.predict_block import UNDER_WAY
from elkmon.emit.to_json import Notes
from elkmon.events.datasets import DEPLOYMENT, ERROR, LABEL, LOG, METRIC, Dataset
from elkmon.events.limits import STACK, TEXT, VALUE

__all__ = [
    "LogCall",
    "Truth",
    "deployment",
    "label",
    "log_call",
    "log_call_fields",
    "metric",
    "render_log_call",
]

_LIMITS = {"message": TEXT, "stack_trace": STACK}
"""Characters of what people and programs wrote; a stack loses its middle later, if it must."""
_FAILURES = frozenset({"error", "critical"})
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_ACTIONS = frozenset({"deployed", "rolled_back"})


def _linked(model: Model) -> dict[str, Any]:
    """Return the model, and the prediction that is under way, as ``ml``."""
    ml = model.ml()
    under_way = UNDER_WAY.get()
    if under_way is not None:
        prediction_id, its_model = under_way
        ml["prediction"] = {"id": prediction_id}
        if model.name is None:
            ml.update(its_model.ml())
    return ml


@dataclass(frozen=True, slots=True)
class LogCall:
    """A log call, whichever logger it was made with."""

    level: str
    """As structlog and logging call it, in lower case."""
    message: str | None = None
    logger: str | None = None
    exception: BaseException | None = None
    template: str | None = None
    """The constant part of the message, which groups errors that have no exception."""
    labels: Mapping[str, object] = field(default_factory=dict)
    at: object = None
    """When it happened; now where not given."""


def log_call_fields(model: Model, call: LogCall, notes: Notes) -> tuple[Dataset, dict[str, Any]]:
    """Make a log call into an event: an error where it reports one, else a log line.

    One exception object makes one error, however often it passes a logger: from the second time on
    it is a log line that names the exception's type.

    Args:
        model: the model it belongs to, if any.
        call: the call.
        notes: takes what was found in its values.

    Returns:
        The dataset, and the event's own fields.
    """
    emitter = model.ready()
    fields: dict[str, Any] = {"log": {"level": call.level}}
    if call.logger:
        fields["log"]["logger"] = call.logger
    if call.message is not None:
        fields["message"] = emitter.to_json(call.message, "message", notes)
    ml = _linked(model)
    if ml:
        fields["ml"] = ml
    fields.update(emitter.labels(call.labels, notes))
    exception = call.exception
    if exception is not None and written_as(exception) is not None:
        fields["error"] = {"type": type_name(exception)}
        return LOG, fields
    if exception is not None:
        fields["error"] = error_fields(emitter, describe(exception), notes)
        return ERROR, fields
    if call.level in _FAILURES:
        failure = describe_text(call.message or "", call.template)
        fields["error"] = error_fields(emitter, failure, notes)
        return ERROR, fields
    return LOG, fields


def error_fields(emitter: Emitter, failure: Failure, notes: Notes) -> dict[str, Any]:
    """Return ``error.*``: what people wrote is redacted, what was computed is not."""
    return {
        name: emitter.to_json(value, f"error.{name}", notes, _LIMITS[name])
        if name in _LIMITS
        else value
        for name, value in failure.fields().items()
    }


def log_call(model: Model, call: LogCall) -> None:
    """Write a log call as an event."""
    emitter = model.ready()
    line = render_log_call(model, call)
    if line is not None and emitter.settings.enabled:
        emitter.write(line, emitter.clock.now.ms)


def render_log_call(model: Model, call: LogCall, *, handed_on: bool = False) -> bytes | None:
    """Return the line of a log call; None where it had to be dropped."""
    notes = Notes()
    dataset, fields = log_call_fields(model, call, notes)
    emitter = model.ready()
    line = emitter.render(dataset, fields, notes, at=when(emitter, call.at), handed_on=handed_on)
    if call.exception is not None and dataset == ERROR:
        mark_written(call.exception, fields["error"]["fingerprint"])
    return line


@dataclass(frozen=True, slots=True)
class Truth:
    """What turned out to be true of a prediction, as the caller has it."""

    label: object = None
    value: object = None
    correct: object = None
    rating: object = None
    source: object = None
    observed_at: object = None


def label(model: Model, prediction_id: object, given: Truth, labels: Mapping[str, object]) -> None:
    """Write what turned out to be true of a prediction.

    Raises:
        UsageError: in strict mode, on wrong use.
    """
    emitter = model.ready()
    notes = Notes()
    name = usable_id(emitter, prediction_id)
    if name is None:
        emitter.misuse("label_without_id", "a label needs the id of its prediction: it is left out")
        return
    at = when(emitter, given.observed_at)
    if at is None:
        at = emitter.clock.instant().ms
    truth = _truth(model, emitter, given, notes)
    if not truth:
        emitter.misuse("empty_label", "a label needs one of label, value=, correct=, rating=")
        return
    if "label" in truth and "correct" in truth:
        emitter.misuse(
            "label_and_correct", "label= and correct= answer one question: label= is what counts"
        )
    truth["observed_at"] = iso(at)
    source = answer_text(emitter, given.source, "ml.truth.source", notes)
    if source is not None:
        truth["source"] = source
    ml: dict[str, Any] = {"prediction": {"id": name}, "truth": truth}
    if model.name is not None:
        ml["model"] = {"name": model.name}
    emitter.submit(LABEL, {"ml": ml, **emitter.labels(labels, notes)}, notes, at=at)


def _truth(model: Model, emitter: Emitter, given: Truth, notes: Notes) -> dict[str, Any]:
    truth: dict[str, Any] = {}
    if given.label is not None:
        truth["label"] = answer_label(model, emitter, given.label, "ml.truth.label", notes)
    if given.value is not None:
        truth["value"] = answer_value(model, emitter, given.value, "ml.truth.value", notes)
    if given.correct is not None:
        truth["correct"] = _flag(emitter, given.correct)
    if given.rating is not None:
        truth["rating"] = answer_number(emitter, given.rating, "ml.truth.rating", notes)
    return {name: value for name, value in truth.items() if value is not None}


def _flag(emitter: Emitter, correct: object) -> bool | None:
    name = answer_text(emitter, correct, "ml.truth.correct", Notes())
    if name is None:
        return None
    flag = _FLAGS.get(name.lower())
    if flag is None:
        emitter.misuse("bad_correct", f"correct= is true or false, not {brief_repr(correct)}")
    return flag


def metric(
    model: Model, name: object, value: object, unit: object, labels: Mapping[str, object]
) -> None:
    """Write a business or technical figure."""
    emitter = model.ready()
    notes = Notes()
    number = answer_number(emitter, value, "metric.value", notes)
    if number is None and not notes:
        if value is None:
            emitter.misuse(
                "empty_metric", f"metric {brief_repr(name)} has no value, and is left out"
            )
        return
    text = emitter.to_json(text_of(name), "metric.name", notes, VALUE)
    fields: dict[str, Any] = {
        "metric": {"name": text, "value": number},
        "ml": _linked(model),
        **emitter.labels(labels, notes),
    }
    if unit is not None:
        fields["metric"]["unit"] = emitter.to_json(text_of(unit), "metric.unit", notes, VALUE)
    emitter.submit(METRIC, fields, notes)


def deployment(
    model: Model, version: object, action: object, at: object, labels: Mapping[str, object]
) -> None:
    """Write that a version went live, or was rolled back."""
    emitter = model.ready()
    name = clean_name(version)
    if name is None or not isinstance(action, str) or action not in _ACTIONS:
        emitter.misuse(
            "bad_deployment",
            f"a deployment needs a version, and is one of {', '.join(sorted(_ACTIONS))}: "
            f"{brief_repr(version)} {brief_repr(action)} is left out",
        )
        return
    notes = Notes()
    ml = model.ml()
    ml["model"] = {**ml.get("model", {}), "version": name}
    emitter.submit(
        DEPLOYMENT,
        {"event": {"action": action}, "ml": ml, **emitter.labels(labels, notes)},
        notes,
        at=when(emitter, at),
    )
