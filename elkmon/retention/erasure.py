"""Which events are to be erased: those of one prediction, or of one user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from elkmon.events.fields import PREDICTION

__all__ = ["ErasureReport", "ErasureRequest", "dataset_of"]


@dataclass(slots=True)
class ErasureRequest:
    """What is to be erased.

    An event belongs to a prediction that has its id, and its model's name where it has one.

    Attributes:
        user: hash, as ``user.hash`` has it; None where one prediction is wanted.
        models: of each prediction's id its models; None among them means any.
    """

    user: str | None = None
    models: dict[str, set[str | None]] = field(default_factory=dict)

    def add(self, prediction: str, model: str | None) -> None:
        """Want a prediction, too."""
        self.models.setdefault(prediction, set()).add(model)

    def learn(self, event: object) -> None:
        """Want a prediction, too, if it is one of the user's."""
        if self.user is None or _at(event, "user", "hash") != self.user:
            return
        prediction = _at(event, "ml", "prediction", "id")
        if prediction is not None and dataset_of(event) == PREDICTION:
            self.add(prediction, _at(event, "ml", "model", "name"))

    def has(self, event: object) -> bool:
        """Say whether an event is to be erased."""
        if self.user is not None and _at(event, "user", "hash") == self.user:
            return True
        models = self.models.get(_at(event, "ml", "prediction", "id") or "", set())
        name = _at(event, "ml", "model", "name")
        return bool(models) and (name is None or bool(models & {None, name}))

    def mentioned_in(self, line: bytes) -> bool:
        """Say whether what is no event holds the user's hash or a prediction's id, as a word."""
        names = [*self.models] if self.user is None else [self.user, *self.models]
        forms = {form for name in names for form in (name.encode(), orjson.dumps(name)[1:-1])}
        return any(re.search(rb"(?<![\w-])%b(?![\w-])" % re.escape(form), line) for form in forms)

    def pairs(self) -> Iterator[tuple[str, str | None]]:
        """Give id and model of each prediction."""
        for prediction, models in self.models.items():
            for model in models:
                yield prediction, model


@dataclass(slots=True)
class ErasureReport:
    """What was erased, or would be.

    Attributes:
        counts: events by dataset.
        left: what could not be erased yet, in words, with what to do.
    """

    counts: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def add(self, dataset: str, count: int = 1) -> None:
        """Count events."""
        self.counts[dataset] = self.counts.get(dataset, 0) + count


def dataset_of(event: object) -> str:
    """Name the dataset of an event; of what is none say so."""
    return _at(event, "event", "dataset") or "no event"


def _at(event: Any, *path: str) -> str | None:  # noqa: ANN401 - any JSON
    """Give a value as text, as both stores read it."""
    for part in path:
        event = event.get(part) if isinstance(event, Mapping) else None
    return None if event is None else str(event)
