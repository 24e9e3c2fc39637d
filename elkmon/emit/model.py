"""A model as one logger knows it: its names, and what all its events have in common."""

from __future__ import annotations

from typing import Any

import orjson

from elkmon.emit import process_emitter as state
from elkmon.emit.emitter import Emitter
from elkmon.emit.encode.scalars import category, clean_name
from elkmon.emit.exceptions import brief_repr, text_of
from elkmon.emit.to_json import Notes
from elkmon.events.classes import TASKS, class_name
from elkmon.events.fields import SCHEMA
from elkmon.events.ids import prediction_keys

__all__ = ["Model"]


class Model:
    """A model, as one logger knows it.

    Args:
        name: its name.
        version: its version.
        task: binary, multiclass, regression or generation.
        positive: the positive class of a binary task.
        sample_rate: share of successful predictions to keep; the setting's where not given.

    Raises:
        UsageError: in strict mode, for a task that does not exist.
    """

    def __init__(
        self,
        name: str | None,
        version: object = None,
        task: str | None = None,
        positive: object = None,
        sample_rate: float | None = None,
    ) -> None:
        self.name = clean_name(name)
        self.version = clean_name(version)
        self.positive: str | None = None
        """The positive class, as a label would be stored."""
        self._given_positive = _word(positive)
        self.task = task if isinstance(task, str) and task in TASKS else None
        if task is not None and self.task is None:
            state.current().misuse(
                "unknown_task",
                f"no such task: {brief_repr(task)}; there are {', '.join(sorted(TASKS))}",
            )
        self._sample_rate = _rate(sample_rate)
        if sample_rate is not None and self._sample_rate is None:
            state.current().misuse(
                "sample_rate", f"sample_rate is above 0 and up to 1, not {brief_repr(sample_rate)}"
            )
        self._keys = prediction_keys(self.name or "")
        self._emitter: Emitter | None = None
        self.rate = 1.0
        self.common: dict[str, Any] = {}
        """What all its predictions have in common under ``ml``."""

    def ready(self) -> Emitter:
        """Return the emitter of this process: another one after a new configuration, or a fork."""
        emitter = state.current()
        if emitter is not self._emitter:
            self._take_over(emitter)
        return emitter

    def _take_over(self, emitter: Emitter) -> None:
        self.rate = self._sample_rate or emitter.settings.sample_rate
        if self._given_positive is not None:
            path = "ml.prediction.positive"
            self.positive = category(emitter, self._given_positive, path, Notes())
        common = {
            "schema": SCHEMA,
            **self.ml(),
            "task": self.task,
            "sample": {"rate": self.rate, "weight": 1.0 / self.rate},
        }
        self.common = {
            name: orjson.Fragment(orjson.dumps(value))
            for name, value in common.items()
            if value is not None
        }
        self._emitter = emitter

    def ml(self) -> dict[str, Any]:
        """Return what the model's events have in common under ``ml``."""
        names = {"name": self.name, "version": self.version}
        model = {name: value for name, value in names.items() if value is not None}
        return {"model": model} if model else {}

    def key(self, prediction_id: str) -> str:
        """Return the ``event.id`` of a prediction."""
        digest = self._keys.copy()
        digest.update(prediction_id.encode())
        return digest.hexdigest()  # type: ignore[no-any-return]  # hashlib does not export its type

    def keys(self, prediction_ids: list[str]) -> list[bytes]:
        """Return the ``event.id`` of each prediction of a batch."""
        digests = []
        copy = self._keys.copy
        for prediction_id in prediction_ids:
            key = copy()
            key.update(prediction_id.encode())
            digests.append(key.digest())
        return b"".join(digests).hex(",", 16).encode().split(b",")


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
