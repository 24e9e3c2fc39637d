"""An erasure: which events a prediction or a user has, and what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from elkmon.events.datasets import PREDICTION

__all__ = ["ErasureReport", "ErasureRequest", "dataset_of"]


@dataclass(slots=True)
class ErasureRequest:
    """The predictions, or the user, whose events are to be erased.

    An event belongs to a prediction if it has its id and, where it names a model, the same model.

    Attributes:
        user: the value of ``user.hash``; None for one prediction.
        models: the models by the id of a prediction; None among them means any model.
    """

    user: str | None = None
    models: dict[str, set[str | None]] = field(default_factory=dict)

    def add(self, prediction: str, model: str | None) -> None:
        """Add a prediction."""
        self.models.setdefault(prediction, set()).add(model)

    def learn(self, event: object) -> None:
        """Add the prediction of an event, if the event is a prediction of the user."""
        if self.user is None or _text_at(event, "user", "hash") != self.user:
            return
        prediction = _text_at(event, "ml", "prediction", "id")
        if prediction is not None and dataset_of(event) == PREDICTION:
            self.add(prediction, _text_at(event, "ml", "model", "name"))

    def has(self, event: object) -> bool:
        """Return whether an event is to be erased."""
        if self.user is not None and _text_at(event, "user", "hash") == self.user:
            return True
        models = self.models.get(_text_at(event, "ml", "prediction", "id") or "", set())
        name = _text_at(event, "ml", "model", "name")
        return bool(models) and (name is None or bool(models & {None, name}))

    def mentioned_in(self, line: bytes | memoryview) -> bool:
        """Return whether a line that is no event holds the hash or an id as a whole word."""
        names = [*self.models] if self.user is None else [self.user, *self.models]
        forms = {form for name in names for form in (name.encode(), orjson.dumps(name)[1:-1])}
        return any(re.search(rb"(?<![\w-])%b(?![\w-])" % re.escape(form), line) for form in forms)

    def pairs(self) -> Iterator[tuple[str, str | None]]:
        """Yield the id and a model of each prediction; None for any model."""
        for prediction, models in self.models.items():
            for model in models:
                yield prediction, model


@dataclass(slots=True)
class ErasureReport:
    """What an erasure has erased, or would erase.

    Attributes:
        counts: events by dataset.
        left: sentences on what could not be erased yet, and what to do.
    """

    counts: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def add(self, dataset: str, count: int = 1) -> None:
        """Count events."""
        self.counts[dataset] = self.counts.get(dataset, 0) + count


def dataset_of(event: object) -> str:
    """Return the dataset of an event; ``no event`` for anything else."""
    return _text_at(event, "event", "dataset") or "no event"


def _text_at(event: Any, *path: str) -> str | None:  # noqa: ANN401 - any JSON
    """Return a nested value as text, which is how both stores read it; None if it is absent."""
    for part in path:
        event = event.get(part) if isinstance(event, Mapping) else None
    return None if event is None else str(event)
