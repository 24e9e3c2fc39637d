"""The data sets of the demo, from scikit-learn, each split into rows to train on and to serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits  # type: ignore[import-untyped]  # it ships no types
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]  # it ships no types

__all__ = ["CONCAVITY", "FEATURES", "Split", "digits", "tumours"]

FEATURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
"""Means of the measurements on the cells of a sample, in the order of the data set."""
CONCAVITY = FEATURES.index("concavity")
_DIGITS_LEARNT = 250
"""Rows to train on: few enough that the model makes mistakes worth counting."""


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to train on, and held-out rows that no model has seen."""

    train: NDArray[np.float64]
    train_class: NDArray[np.str_]
    held_out: NDArray[np.float64]
    held_out_class: NDArray[np.str_]


def tumours(seed: int) -> Split:
    """Split the breast cancer data: ten features, ``malignant`` or ``benign``."""
    bunch = load_breast_cancer()
    features = bunch.data[:, : len(FEATURES)]
    return _split(features, bunch.target_names[bunch.target], 0.5, seed)


def digits(seed: int) -> Split:
    """Split the handwritten digits: 64 pixels, ``0`` to ``9``."""
    bunch = load_digits()
    return _split(bunch.data, bunch.target.astype(str), _DIGITS_LEARNT, seed)


def _split(rows: NDArray[np.float64], classes: NDArray[np.str_], train: float, seed: int) -> Split:
    train_rows, held_out, train_class, held_class = train_test_split(
        rows, classes, train_size=train, random_state=seed, stratify=classes
    )
    return Split(train_rows, train_class, held_out, held_class)
