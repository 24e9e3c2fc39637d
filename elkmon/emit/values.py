"""Sort what the application hands over: features by type, segments, scores, classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from numbers import Real
from typing import Any

import orjson

from elkmon.emit.emitter import Emitter
from elkmon.emit.exceptions import text_of
from elkmon.emit.to_json import JSON, Notes, clean_text
from elkmon.events.classes import class_name
from elkmon.events.limits import CLASSES, FEATURES, NAME, VALUE

__all__ = ["category", "named", "number", "scores_of", "segment_of", "split_features"]


def named(name: object) -> str:
    """Clean a name as every store takes it: not empty, no NUL, no dot at an end, 128 characters."""
    text = name if type(name) is str else text_of(name)
    if not text.isascii():
        text = clean_text(text)
    text = text.replace("\0", "_")
    if text.startswith(".") or text.endswith("."):
        text = "_".join(("", *text.strip(".").split("."), "")) if text.strip(".") else "_"
    if len(text) > NAME:
        text = f"{text[: NAME - 17]}…{blake2b(text.encode(), digest_size=8).hexdigest()}"
    return text or "_"


def category(emitter: Emitter, value: object, path: str, notes: Notes) -> str | None:
    """Give a category as text, redacted and cut; None where there is no value."""
    value = _scalar(value)
    text = class_name(value) if isinstance(value, (str, bool, float, int)) else None
    if text is None:
        made = emitter.plain(value, path, notes)
        if made is None:
            return None
        text = made if isinstance(made, str) else orjson.dumps(made).decode()
    clean = emitter.plain(text, path, notes)
    text = str(clean)
    if len(text) > VALUE:
        notes.truncated.append(path)
        text = f"{text[: VALUE - 1]}…"
    return text


def number(value: object, path: str, notes: Notes) -> float | int | None:
    """Give a number that JSON and a double can hold; NaN and ±inf become None, and are named."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    try:
        as_float = float(value)  # type: ignore[arg-type]  # whatever has __float__
    except OverflowError:
        as_float = math.inf
    if math.isfinite(as_float):
        return as_float
    notes.nonfinite.append(path)
    return None


def _pairs(values: object) -> Iterable[tuple[Any, Any]]:
    """Read names and values from a mapping, a row of a frame, or a plain sequence."""
    if isinstance(values, Mapping):
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


def _scalar(value: Any) -> Any:  # noqa: ANN401 - whatever a feature is
    """Give a scalar of numpy as Python's; times stay numpy's, whose nanoseconds Python has not."""
    if not hasattr(type(value), "dtype") or value.ndim != 0:
        return value
    if getattr(value.dtype, "kind", "") in {"m", "M"}:
        return value
    return value.item()


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        return False
    try:
        float(value)
    except OverflowError:
        return True
    except Exception:  # noqa: BLE001 - its methods are the application's
        return False
    return True


def split_features(emitter: Emitter, features: object, notes: Notes) -> dict[str, Any]:
    """Split features by type, as ``ml.features``.

    Args:
        emitter: whose redaction holds.
        features: a mapping, a row, a sequence (named 0, 1, …), or any object with fields.
        notes: takes what was found.
    """
    try:
        pairs = _pairs(features)
    except TypeError:
        made = emitter.plain(features, "ml.features", notes)
        pairs = list(made.items()) if isinstance(made, dict) else [("value", made)]
    numbers: dict[str, float | int | None] = {}
    categories: dict[str, str] = {}
    dropped = 0
    for raw, given in pairs:
        name = named(raw)
        value = _scalar(given)
        if value is None:
            continue
        made_value: JSON
        place: dict[str, Any] = categories
        if emitter.redactor.key(name):
            notes.redacted.append(f"ml.features.{name}")
            made_value = "[redacted]"
        elif _is_number(value):
            place = numbers
            made_value = number(value, f"ml.features.number.{name}", notes)
        else:
            made_value = category(emitter, value, f"ml.features.category.{name}", notes)
            if made_value is None:
                continue
        if name in numbers or name in categories or len(place) >= FEATURES:
            dropped += 1
        else:
            place[name] = made_value
    split: dict[str, Any] = {"number": numbers}
    if categories:
        split["category"] = categories
    if dropped:
        split["dropped"] = dropped
    return split


def segment_of(emitter: Emitter, segment: object, notes: Notes) -> dict[str, str]:
    """Give ``ml.segment``: texts by name."""
    made: dict[str, str] = {}
    for raw, value in _pairs(segment):
        name = named(raw)
        path = f"ml.segment.{name}"
        text = category(emitter, value, path, notes)
        if text is None:
            continue
        if len(made) >= FEATURES:
            notes.truncated.append(path)
            continue
        if emitter.redactor.key(name):
            notes.redacted.append(path)
            text = "[redacted]"
        made[name] = text
    return made


def scores_of(scores: object, notes: Notes) -> dict[str, float | int | None]:
    """Give ``ml.prediction.scores``: the probability of each class."""
    made: dict[str, float | int | None] = {}
    for raw, value in _pairs(scores):
        name = class_name(raw)
        if name is None:
            continue
        name = named(name)
        path = f"ml.prediction.scores.{name}"
        if len(made) >= CLASSES:
            notes.truncated.append(path)
            break
        made[name] = number(value, path, notes)
    return made
