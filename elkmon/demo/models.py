"""The models of the demo: trained with scikit-learn, served as an application would."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # it ships no types
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]  # it ships no types
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]  # it ships no types

from elkmon.demo.data import CONCAVITY, FEATURES, Split

__all__ = ["DigitReader", "IncompleteReadingError", "Triage", "TriageV1", "TriageV2"]

_MALIGNANT = "malignant"


class IncompleteReadingError(Exception):
    """A measurement is missing, because the scanner did not send it."""


class Triage(Protocol):
    """A version of the triage model."""

    def answer(self, measured: Mapping[str, float | None]) -> tuple[str, float]:
        """Return the class, and the probability that the tumour is malignant."""
        ...


def _complete(measured: Mapping[str, float | None]) -> list[float]:
    """Return the measurements in the model's order.

    Raises:
        IncompleteReadingError: a measurement is missing.
    """
    values = []
    for name in FEATURES:
        value = measured.get(name)
        if value is None:
            raise IncompleteReadingError(f"the scanner sent no {name}")
        values.append(value)
    return values


def _fit(rows: NDArray[np.float64], classes: NDArray[np.str_]) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(rows, classes)


def _decide(model: Pipeline, values: list[float]) -> tuple[str, float]:
    probabilities = model.predict_proba([values])[0]
    score = float(probabilities[list(model.classes_).index(_MALIGNANT)])
    return (_MALIGNANT if score >= 0.5 else "benign"), score  # noqa: PLR2004 - the likelier class


class TriageV1:
    """Version 1, which uses only the first two measurements."""

    _USED = 2

    def __init__(self, split: Split) -> None:
        self._model = _fit(split.train[:, : self._USED], split.train_class)

    def answer(self, measured: Mapping[str, float | None]) -> tuple[str, float]:
        """Return the class, and the probability that the tumour is malignant."""
        return _decide(self._model, _complete(measured)[: self._USED])


class TriageV2:
    """Version 2, which uses the logarithm of every measurement, and is better for it.

    It was trained on samples with some concavity. In a few samples the concavity is 0, which has
    no logarithm: nobody thought of them, and serving fails.
    """

    def __init__(self, split: Split) -> None:
        some = split.train[:, CONCAVITY] > 0.0
        self._model = _fit(np.log(split.train[some]), split.train_class[some])

    def answer(self, measured: Mapping[str, float | None]) -> tuple[str, float]:
        """Return the class, and the probability that the tumour is malignant."""
        return _decide(self._model, self._logarithms(_complete(measured)))

    def _logarithms(self, values: list[float]) -> list[float]:
        return [math.log(value) for value in values]


class DigitReader:
    """A model that reads a batch of digits at once."""

    def __init__(self, split: Split) -> None:
        self._model = _fit(split.train, split.train_class)

    @property
    def classes(self) -> list[str]:
        """The classes, in the order of the probabilities."""
        return [str(name) for name in self._model.classes_]

    def probabilities(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each class, one row for each image."""
        probabilities: NDArray[np.float64] = self._model.predict_proba(images)
        return probabilities
