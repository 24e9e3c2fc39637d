"""What a logger knows of its model, and the events it makes of it, whatever the values."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timezone
from hashlib import blake2b
from typing import Any

import orjson

from elkmon.emit import process_emitter as state
from elkmon.emit.emitter import Emitter
from elkmon.emit.exceptions import shown, text_of
from elkmon.emit.fast import TAIL, Plans
from elkmon.emit.to_json import Notes, clean_text
from elkmon.emit.values import category
from elkmon.events.classes import TASKS, class_name
from elkmon.events.fields import SCHEMA
from elkmon.events.ids import prediction_keys
from elkmon.events.limits import ID
from elkmon.events.times import from_iso

__all__ = ["Recorder", "clean_id", "clean_name", "milliseconds"]

LOG_BIN = math.log(1.02)


def clean_id(value: object) -> str:
    """Turn a caller's id into text: the one rule for predictions and labels.

    It is that of classes (a column of integers that a join made floats still links); None, NaN and
    the empty text are no id, and give the empty text. Lone surrogates and NUL are replaced; beyond
    200 characters the end is replaced by the hash of the whole.

    Raises:
        Exception: whatever the value's own methods raise.
    """
    return _short(value if type(value) is str else class_name(value) or "")


def _short(text: str) -> str:
    if not text.isascii() or "\0" in text:
        text = clean_text(text)
    if len(text) > ID:
        text = f"{text[:ID]}…{blake2b(text.encode(), digest_size=16).hexdigest()}"
    return text


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


def clean_name(value: object) -> str | None:
    """Turn the name of a model or a version into text, as it is; None where there is none."""
    return None if value is None else _short(text_of(value)) or None


def _word(value: object) -> str | None:
    try:
        return class_name(value)
    except Exception:  # noqa: BLE001 - its methods are the application's
        return text_of(value)


def _rate(value: object) -> float | None:
    try:
        rate = float(value)  # type: ignore[arg-type]  # whatever has __float__, or is text
    except (TypeError, ValueError):
        return None
    return rate if 0.0 < rate <= 1.0 else None


class Recorder:
    """A model, as one logger knows it.

    Args:
        model: its name.
        version: its version.
        task: binary, multiclass, regression or generation.
        positive: the positive class of a binary task.
        sample_rate: share of successful predictions to keep; the setting's where not given.

    Raises:
        UsageError: in strict mode, for a task that does not exist.
    """

    def __init__(
        self,
        model: str | None,
        version: object = None,
        task: str | None = None,
        positive: object = None,
        sample_rate: float | None = None,
    ) -> None:
        self.model = clean_name(model)
        self.version = clean_name(version)
        self.positive: str | None = None
        """The positive class, as a label would be stored."""
        self._given_positive = _word(positive)
        self.task = task if isinstance(task, str) and task in TASKS else None
        if task is not None and self.task is None:
            state.current().misuse(
                "unknown_task", f"no such task: {shown(task)}; there are {', '.join(sorted(TASKS))}"
            )
        self._sample_rate = _rate(sample_rate)
        if sample_rate is not None and self._sample_rate is None:
            state.current().misuse(
                "sample_rate", f"sample_rate is above 0 and up to 1, not {shown(sample_rate)}"
            )
        self.keys = prediction_keys(self.model or "")
        self.plans = Plans()
        self.emitter: Emitter | None = None
        self.head = b""
        """What all its predictions have in common, up to the prediction's id."""
        self.rate = 1.0
        self.all_kept = False
        """Whether every prediction is written, as it is neither sampled nor switched off."""

    def renew(self, emitter: Emitter) -> None:
        """Take over an emitter: after the first use, a new configuration, or a fork."""
        self.rate = self._sample_rate or emitter.settings.sample_rate
        if self._given_positive is not None:
            path = "ml.prediction.positive"
            self.positive = category(emitter, self._given_positive, path, Notes())
        self.plans = Plans()  # another emitter may redact otherwise
        static = orjson.dumps({**emitter.static, "ml": {"schema": SCHEMA, **self.ml(sampled=True)}})
        self.head = static[1:-2] + b',"prediction":{"id":"'
        self.all_kept = self.rate == 1.0 and emitter.settings.enabled and len(self.head) <= TAIL
        self.emitter = emitter

    def ready(self) -> Emitter:
        """Give the emitter of this process, taken over."""
        emitter = state.current()
        if emitter is not self.emitter:
            self.renew(emitter)
        return emitter

    def ml(self, *, sampled: bool = False) -> dict[str, Any]:
        """Give what the model's events have in common under ``ml``."""
        names = {"name": self.model, "version": self.version}
        model = {name: value for name, value in names.items() if value is not None}
        fields: dict[str, Any] = {"model": model} if model else {}
        if sampled:
            if self.task is not None:
                fields["task"] = self.task
            fields["sample"] = {"rate": self.rate, "weight": 1.0 / self.rate}
        return fields

    def key(self, prediction_id: str) -> str:
        """Give the ``event.id`` of a prediction."""
        digest = self.keys.copy()
        digest.update(prediction_id.encode())
        return str(digest.hexdigest())

    def keys_of(self, prediction_ids: list[bytes]) -> list[bytes]:
        """Give the ``event.id`` of each prediction of a batch."""
        digests = []
        copy = self.keys.copy
        for each in prediction_ids:
            key = copy()
            key.update(each)
            digests.append(key.digest())
        return b"".join(digests).hex(",", 16).encode().split(b",")

    @property
    def positive_text(self) -> bytes:
        """Give the positive class as it follows the id in a line."""
        return b"" if self.positive is None else b',"positive":' + orjson.dumps(self.positive)
