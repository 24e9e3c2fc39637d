"""Compute figures of one class, averages over classes and MCC from a confusion matrix.

Of one class, precision, recall and specificity are shares with Wilson's interval. Everything else
is a function g of the shares p_ij of the cells, and has the delta method's interval: its variance
is Σ_ij (Σw²)_ij (∂g/∂p_ij)² / (Σw)², that of a multinomial distribution where all weights are
equal (A. Agresti, Categorical Data Analysis, 2013, section 16.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

from elkmon.statistics.estimate import Estimate, absent, around, of_rate
from elkmon.statistics.intervals import effective, wilson
from elkmon.statistics.natural_order import natural
from elkmon.statistics.rate import Rate, Sums

__all__ = ["AVERAGED", "ByClass", "Matrix"]

ByClass = Literal["precision", "recall", "f1", "specificity"]
AVERAGED: tuple[ByClass, ...] = ("precision", "recall", "f1", "specificity")


@dataclass
class _Slope:
    """∂g/∂p_ij = all + truth[i] + predicted[j], + same[i] where i = j."""

    all: float = 0.0
    truth: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    predicted: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    same: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def at(self, truth: str, predicted: str) -> float:
        slope = self.all + self.truth.get(truth, 0.0) + self.predicted.get(predicted, 0.0)
        return slope + self.same.get(truth, 0.0) if truth == predicted else slope

    def add(self, name: str, share: float, slopes: tuple[float, float, float, float]) -> None:
        """Add a share of a class's slopes: for all cells, its truth, its prediction, both."""
        self.all += share * slopes[0]
        self.truth[name] += share * slopes[1]
        self.predicted[name] += share * slopes[2]
        self.same[name] += share * slopes[3]


class Matrix:
    """Counts of truth × prediction.

    Args:
        cells: by true and predicted class; no cell means none.
        why_empty: the reason of all figures if there is no cell.
    """

    def __init__(
        self, cells: Mapping[tuple[str, str], Sums], why_empty: str = "no label yet"
    ) -> None:
        self._why_empty = why_empty
        self.cells = {key: sums for key, sums in cells.items() if sums.weight2 > 0}
        self.total = Sums()
        self.truth: dict[str, Sums] = {}
        self.predicted: dict[str, Sums] = {}
        for (truth, predicted), sums in self.cells.items():
            self.total += sums
            self.truth[truth] = self.truth.get(truth, Sums()) + sums
            self.predicted[predicted] = self.predicted.get(predicted, Sums()) + sums
        self.classes = tuple(sorted({*self.truth, *self.predicted}, key=natural))

    def of_class(self, metric: ByClass, name: str) -> Estimate:
        """Return a figure of one class, against all others together.

        Absent where a class is never true (of precision: never predicted; of specificity: always
        true): 0 / 0 says nothing.
        """
        truth, predicted = self.truth.get(name, Sums()), self.predicted.get(name, Sums())
        both = self.cells.get((name, name), Sums())
        if not self.cells:
            return absent(self._why_empty)
        never = f"class {name} was never true"
        if metric == "precision":
            return of_rate(both.out_of(predicted, f"class {name} was never predicted"))
        if metric == "recall":
            return of_rate(both.out_of(truth, never))
        if metric == "specificity":
            return of_rate(self._specificity(truth, predicted, both, name))
        if truth.weight2 <= 0:
            return absent(never, self.total)
        return self._f1(name, truth, predicted, both)

    def macro(self, metric: ByClass) -> tuple[Estimate, tuple[str, ...]]:
        """Return the plain mean over the classes, and the classes left out.

        A class that is never true is left out; of precision also one that is never predicted, of
        specificity one that is always true.
        """
        return self._averaged(metric, lambda _name: 1.0)

    def weighted(self, metric: ByClass) -> tuple[Estimate, tuple[str, ...]]:
        """Return the mean weighted by how often each class is true, and the classes left out."""
        return self._averaged(metric, lambda name: self.truth[name].weight, by_truth=True)

    def mcc(self) -> Estimate:
        """Return Matthews' correlation coefficient, of several classes by Gorodkin (2004)."""
        if not self.cells:
            return absent(self._why_empty)
        for seen, how in ((self.truth, "seen"), (self.predicted, "predicted")):
            if len(seen) == 1:
                return absent(f"only class {next(iter(seen))} was {how}", self.total)
        whole = self.total.weight
        truth = {name: sums.weight / whole for name, sums in self.truth.items()}
        predicted = {name: sums.weight / whole for name, sums in self.predicted.items()}
        right = sum(sums.weight for (t, p), sums in self.cells.items() if t == p) / whole
        chance = sum(share * predicted.get(name, 0.0) for name, share in truth.items())
        of_predicted = 1 - sum(share * share for share in predicted.values())
        of_truth = 1 - sum(share * share for share in truth.values())
        root = sqrt(of_predicted * of_truth)
        value = (right - chance) / root
        slope = _Slope(right / root - value * (1 / of_predicted + 1 / of_truth))
        for name in self.classes:
            t, p = truth.get(name, 0.0), predicted.get(name, 0.0)
            of_t, of_p = -p / root + value * t / of_truth, -t / root + value * p / of_predicted
            slope.add(name, 1.0, (0.0, of_t, of_p, 1 / root))
        return around(value, self._deviation(slope), self.total, lowest=-1.0)

    def _f1(self, name: str, truth: Sums, predicted: Sums, both: Sums) -> Estimate:
        slope = _Slope()
        value, slopes = self._at("f1", name)
        slope.add(name, 1.0, slopes)
        if 0 < both.weight < (truth.weight + predicted.weight) / 2:
            return around(value, self._deviation(slope), self.total)
        # at 0 and 1 the delta method has no width; there F1 = 2j / (1 + j) of a plain share j
        concerned = self._concerned(name)
        low, high = wilson(value, effective(concerned.weight, concerned.weight2))
        support = self.total
        return Estimate(
            *(value, 2 * low / (1 + low), 2 * high / (1 + high), None, support.count),
            *(support.weight, effective(support.weight, support.weight2)),
        )

    def _concerned(self, name: str) -> Sums:
        """Add up the cells in which a class is true or predicted."""
        return sum((sums for key, sums in self.cells.items() if name in key), Sums())

    def _specificity(self, truth: Sums, predicted: Sums, both: Sums, name: str) -> Rate:
        others = _less(self.total, truth)
        rejected = _less(others, _less(predicted, both))
        return rejected.out_of(others, f"only class {name} was seen")

    def _averaged(
        self, metric: ByClass, share: Callable[[str], float], *, by_truth: bool = False
    ) -> tuple[Estimate, tuple[str, ...]]:
        if not self.cells:
            return absent(self._why_empty), ()
        counted = [name for name in self.classes if self._defined(metric, name)]
        left_out = tuple(name for name in self.classes if name not in set(counted))
        if not counted:
            return absent("no class has support", self.total), left_out
        parts = {name: self._at(metric, name) for name in counted}
        whole = sum(share(name) for name in counted)
        value = sum(share(name) * parts[name][0] for name in counted) / whole
        slope = _Slope()
        for name, (value_of_class, slopes) in parts.items():
            slope.add(name, share(name) / whole, slopes)
            if by_truth:  # how much a class counts depends on the cells, too
                slope.truth[name] += (value_of_class - value) * self.total.weight / whole
        return around(value, self._deviation(slope), self.total), left_out

    def _defined(self, metric: ByClass, name: str) -> bool:
        if name not in self.truth:
            return False
        if metric == "precision":
            return name in self.predicted
        return metric != "specificity" or len(self.truth) > 1

    def _at(self, metric: ByClass, name: str) -> tuple[float, tuple[float, float, float, float]]:
        """Return a figure of one class, and its slopes by cell: all, its row, its column, both."""
        whole = self.total.weight
        truth = self.truth[name].weight / whole
        predicted = self.predicted.get(name, Sums()).weight / whole
        both = self.cells.get((name, name), Sums()).weight / whole
        if metric == "precision":
            return both / predicted, (0.0, 0.0, -both / predicted**2, 1 / predicted)
        if metric == "recall":
            return both / truth, (0.0, -both / truth**2, 0.0, 1 / truth)
        if metric == "f1":
            sides = truth + predicted
            down = -2 * both / sides**2
            return 2 * both / sides, (0.0, down, down, 2 / sides)
        others = 1 - truth
        value = (others - predicted + both) / others
        return value, ((1 - value) / others, (value - 1) / others, -1 / others, 1 / others)

    def _deviation(self, slope: _Slope) -> float:
        """Return the standard deviation of a figure with these slopes; 0 if it is only rounding."""
        whole = self.total.weight
        variance = sum(sums.weight2 * slope.at(*key) ** 2 for key, sums in self.cells.items())
        return sqrt(variance) / whole if variance > 1e-20 * whole * whole else 0.0


def _less(whole: Sums, part: Sums) -> Sums:
    count = whole.count - part.count
    if count <= 0:
        return Sums()
    return Sums(count, max(whole.weight - part.weight, 0.0), max(whole.weight2 - part.weight2, 0.0))
