"""Parts of an answer, predicted or true: class, value, id, time; what is unusable is misuse."""

from __future__ import annotations

from typing import Any

from elkmon.emit.emitter import Emitter
from elkmon.emit.encode.scalars import category, clean_id, duration_bin, milliseconds, number
from elkmon.emit.exceptions import brief_repr, text_of
from elkmon.emit.model import Model
from elkmon.emit.to_json import Notes
from elkmon.events.classes import class_name

__all__ = [
    "answer_label",
    "answer_number",
    "answer_text",
    "answer_value",
    "nanoseconds",
    "usable_id",
    "when",
]


def usable_id(emitter: Emitter, given: object) -> str | None:
    """Return a caller's id as it is stored; None where there is none, or it cannot be used."""
    if given is None:
        return None
    try:
        return clean_id(given) or None
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_id", f"an id cannot be used: {text_of(error)}")
        return None


def when(emitter: Emitter, at: object) -> int | None:
    """Turn a caller's time into milliseconds; wrong ones are counted, and now is taken."""
    if at is None:
        return None
    try:
        return milliseconds(at)
    except Exception as error:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("bad_time", f"a time cannot be used, and now is taken: {text_of(error)}")
        return None


def nanoseconds(emitter: Emitter, seconds: Any) -> tuple[int, int] | None:  # noqa: ANN401 - whatever was given
    """Turn a duration into nanoseconds, with their bin; None where it cannot be one."""
    try:
        duration = int(float(seconds) * 1e9)
    except Exception:  # noqa: BLE001 - whatever was given, its methods included
        duration = -1
    if 0 <= duration < 2**63:
        return duration, duration_bin(duration)
    emitter.misuse(
        "bad_duration", f"duration is in seconds and not negative, not {brief_repr(seconds)}"
    )
    return None


def answer_label(
    model: Model, emitter: Emitter, label: object, path: str, notes: Notes
) -> str | None:
    """Return a class, predicted or true, as it is stored: the same rule for both."""
    text = answer_text(emitter, label, path, notes)
    if text is not None and model.task == "regression":
        emitter.misuse(
            "label_for_regression",
            f"{model.name} is a regression: give value=, not label={brief_repr(label)}",
        )
        return None
    return text


def answer_text(emitter: Emitter, value: object, path: str, notes: Notes) -> str | None:
    """Return one word, such as a class, as it is stored; None where there is none."""
    try:
        text = class_name(value)
    except Exception:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("not_a_word", f"{path} is one value, not {brief_repr(value)}")
        return None
    return None if text is None else category(emitter, text, path, notes)


def answer_value(
    model: Model, emitter: Emitter, value: object, path: str, notes: Notes
) -> float | int | None:
    """Return a regression's value, predicted or true, as it is stored."""
    if value is not None and model.task in {"binary", "multiclass"}:
        emitter.misuse(
            "value_for_classification",
            f"{model.name} is a {model.task} model: give label=, not value={brief_repr(value)}",
        )
        return None
    return answer_number(emitter, value, path, notes)


def answer_number(emitter: Emitter, value: object, path: str, notes: Notes) -> float | int | None:
    """Return a number as it is stored; what is none is counted as wrong use."""
    if type(value) is float and value - value == 0.0:
        return value
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:  # pandas' missing values
        return None
    try:
        return number(value, path, notes)
    except Exception:  # noqa: BLE001 - whatever was given, its methods included
        emitter.misuse("not_a_number", f"{path} is a number, not {brief_repr(value)}")
        return None
