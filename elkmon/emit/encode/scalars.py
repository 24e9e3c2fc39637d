"""One value as every store takes it: a name, a category, a number, an id, a time, a duration."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timezone
from decimal import Decimal
from hashlib import blake2b
from numbers import Real
from typing import TYPE_CHECKING, Any

import orjson

from elkmon.emit.exceptions import text_of
from elkmon.emit.to_json import Notes, clean_text
from elkmon.events.classes import class_name
from elkmon.events.limits import ID, NAME, VALUE
from elkmon.events.times import from_iso

if TYPE_CHECKING:
    from elkmon.emit.emitter import Emitter

__all__ = [
    "LOG_BIN",
    "category",
    "clean_id",
    "clean_name",
    "duration_bin",
    "feature_name",
    "is_number",
    "milliseconds",
    "number",
    "python_scalar",
]

LOG_BIN = math.log(1.02)


def feature_name(name: object) -> str:
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
    """Return a category as text, redacted and cut; None where there is no value."""
    if type(value) is str and emitter.plain_texts[value]:
        return value
    value = python_scalar(value)
    text = class_name(value) if isinstance(value, (str, bool, float, int)) else None
    if text is None:
        plain = emitter.to_json(value, path, notes)
        if plain is None:
            return None
        text = plain if isinstance(plain, str) else orjson.dumps(plain).decode()
    text = str(emitter.to_json(text, path, notes))
    if len(text) > VALUE:
        notes.add("truncated", path)
        text = f"{text[: VALUE - 1]}…"
    return text


def number(value: object, path: str, notes: Notes) -> float | int | None:
    """Return a number that JSON and a double can hold; NaN and ±inf become None, and are noted."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    try:
        as_float = float(value)  # type: ignore[arg-type]  # whatever has __float__
    except OverflowError:
        as_float = math.inf
    if math.isfinite(as_float):
        return as_float
    notes.add("nonfinite", path)
    return None


def is_number(value: object) -> bool:
    """Return whether a value is a number, and no boolean."""
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        return False
    try:
        float(value)
    except OverflowError:
        return True
    except Exception:  # noqa: BLE001 - its methods are the application's
        return False
    return True


def python_scalar(value: Any) -> Any:  # noqa: ANN401 - whatever a feature is
    """Return a scalar of numpy as Python's; times stay: Python's have no nanoseconds."""
    if not hasattr(type(value), "dtype") or value.ndim != 0:
        return value
    if getattr(value.dtype, "kind", "") in {"m", "M"}:
        return value
    return value.item()


def clean_id(value: object) -> str:
    """Turn a caller's id into text: the one rule for predictions and labels.

    It is that of classes (a column of integers that a join made floats still links); None, NaN and
    the empty text are no id, and give the empty text. Lone surrogates and NUL are replaced; beyond
    200 characters the end is replaced by the hash of the whole.

    Raises:
        Exception: whatever the value's own methods raise.
    """
    return _short(value if type(value) is str else class_name(value) or "")


def clean_name(value: object) -> str | None:
    """Turn the name of a model or a version into text, as it is; None where there is none."""
    return None if value is None else _short(text_of(value)) or None


def _short(text: str) -> str:
    if not text.isascii() or "\0" in text:
        text = clean_text(text)
    if len(text) > ID:
        text = f"{text[:ID]}…{blake2b(text.encode(), digest_size=16).hexdigest()}"
    return text


def duration_bin(nanoseconds: int) -> int:
    """Return the log-spaced bin of a duration: 2 % wide, from 1 ns on."""
    return int(math.log(nanoseconds) / LOG_BIN) if nanoseconds > 1 else 0


def milliseconds(at: object) -> int:
    """Turn a time into milliseconds since 1970 UTC.

    Args:
        at: a datetime (naive ones are UTC), a date, seconds since 1970, or ISO 8601 text; numpy's
            and pandas' times count as Python's.

    Raises:
        ValueError: it is none of these, or not between the years 1000 and 9999.
    """
    if hasattr(at, "to_pydatetime"):  # pandas; it warns of nanoseconds that nobody asked for
        at = at.to_pydatetime(warn=False)
    elif hasattr(at, "dtype"):  # numpy
        scalar: Any = at
        at = (scalar.astype("datetime64[ms]") if scalar.dtype.kind == "M" else scalar).item()
    if isinstance(at, str):
        at = from_iso(at)
    elif isinstance(at, date) and not isinstance(at, datetime):
        at = datetime.combine(at, time(), timezone.utc)
    if isinstance(at, datetime):
        at = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at
        since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
        ms = (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000
    elif isinstance(at, (int, float)) and not isinstance(at, bool) and math.isfinite(at):
        ms = round(at * 1_000_000) // 1000  # as datetime reads seconds: 1.001 is not 1.000
    else:
        raise ValueError(f"{at!r} is no time: give a datetime, ISO 8601 text, or seconds")
    if not -30_610_224_000_000 <= ms < 253_402_300_800_000:  # noqa: PLR2004 - years 1000 to 9999
        raise ValueError(f"{at!r} is not between the years 1000 and 9999")
    return ms
