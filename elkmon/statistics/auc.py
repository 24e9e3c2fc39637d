"""Compute AUC-ROC and average precision from score bins, with their bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log, log1p, sqrt

from elkmon.statistics.estimate import Estimate, absent, around
from elkmon.statistics.intervals import Z95, effective
from elkmon.statistics.rate import Sums

__all__ = ["Blur", "ScoreBin", "auc", "average_precision", "blurs"]


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Predictions whose scores lie close together, by whether the positive class was true."""

    lowest: float
    highest: float
    """The lowest and highest score; where they are equal, the bin loses nothing."""
    negative: Sums
    positive: Sums

    @property
    def tied(self) -> bool:
        """Return whether all its scores are the same, so that it is exact."""
        return self.lowest == self.highest


@dataclass(frozen=True, slots=True)
class Blur:
    """What one bin adds to the bounds, which are sums over bins."""

    bin: ScoreBin
    auc: float
    above: float
    """How far average precision may lie above."""
    below: float


def blurs(bins: Iterable[ScoreBin]) -> list[Blur]:
    """Return what each bin adds to the bounds of both figures; none if a class is missing."""
    ordered, negative, positive = _ordered(bins)
    pairs, whole = negative.weight * positive.weight, positive.weight
    if pairs <= 0:
        return []
    return [
        Blur(scores, _lost(scores) / (2 * pairs), (highest - step) / whole, (step - lowest) / whole)
        for scores, step, lowest, highest in _steps(ordered)
    ]


def _lost(scores: ScoreBin) -> float:
    """Return what a bin adds to the bound of AUC, before division by 2·N⁺·N⁻: n⁺·n⁻, or 0."""
    return 0.0 if scores.tied else scores.negative.weight * scores.positive.weight


def auc(bins: Iterable[ScoreBin]) -> Estimate:
    """Return the area under the ROC curve, ties (and bins) counting one half.

    Σ_b n⁻_b (Σ_{j>b} n⁺_j + n⁺_b / 2) / (N⁺N⁻); it is off by Σ_b n⁺_b n⁻_b / (2 N⁺N⁻) at most, over
    the bins whose scores differ. Interval of J. A. Hanley and B. J. McNeil (Radiology 143, 1982),
    with effective numbers where predictions are weighted.

    Args:
        bins: apart from each other, in any order.

    Returns:
        The figure; absent where a class is missing.
    """
    ordered, negative, positive = _ordered(bins)
    if negative.weight2 <= 0 or positive.weight2 <= 0:
        return absent("both classes are needed", negative + positive)
    above, area, lost = positive.weight, 0.0, 0.0
    for scores in ordered:
        above -= scores.positive.weight
        area += scores.negative.weight * (max(above, 0.0) + scores.positive.weight / 2)
        lost += _lost(scores)
    pairs = negative.weight * positive.weight
    value = min(area / pairs, 1.0)
    estimate = around(
        value,
        _hanley_mcneil(
            value,
            effective(positive.weight, positive.weight2),
            effective(negative.weight, negative.weight2),
        ),
        negative + positive,
        bound=lost / (2 * pairs),
    )
    if estimate.low is None:
        why = "no interval: Hanley and McNeil's has no width if the classes do not overlap"
        return replace(estimate, reason=why)
    return estimate


def _hanley_mcneil(area: float, positive: float, negative: float) -> float:
    """Return the standard deviation of an area, from effective numbers of both classes."""
    both = area * (1 - area)
    two_positive = area / (2 - area) - area * area
    two_negative = 2 * area * area / (1 + area) - area * area
    variance = both + (positive - 1) * two_positive + (negative - 1) * two_negative
    return sqrt(max(variance, 0.0) / (positive * negative))


def average_precision(bins: Iterable[ScoreBin]) -> Estimate:
    """Return Σ (R_n − R_{n−1}) P_n over thresholds from the highest score on, one a bin.

    As scikit-learn's ``average_precision_score`` has it. The bound holds for any order within the
    bins: above all are the positives of a bin first and tied, below all they come last, one by one.
    Interval on the logit scale, as K. Boyd, K. H. Eng and C. D. Page (ECML PKDD 2013) propose.

    Args:
        bins: apart from each other, in any order.

    Returns:
        The figure; absent where no prediction is of the positive class.
    """
    ordered, negative, positive = _ordered(bins)
    if positive.weight2 <= 0:
        return absent("the positive class was never seen", negative)
    total = lowest = highest = 0.0
    for _, step, least, most in _steps(ordered):
        total, lowest, highest = total + step, lowest + least, highest + most
    whole = positive.weight
    value = min(total / whole, 1.0)
    bound = max(highest - total, total - lowest, 0.0) / whole
    return _on_logit(value, positive, negative + positive, bound)


def _steps(ordered: Sequence[ScoreBin]) -> Iterator[tuple[ScoreBin, float, float, float]]:
    """Return each bin's part of average precision, and the least and the most that it may be."""
    true = false = 0.0
    for scores in reversed(ordered):
        hits, misses = scores.positive.weight, scores.negative.weight
        step = lowest = highest = 0.0
        if hits > 0:
            step = lowest = highest = hits * (true + hits) / (true + hits + false + misses)
            if not scores.tied:
                lowest = _last(true, hits, false + misses)
                highest = hits * (true + hits) / (true + hits + false)
        yield scores, step, lowest, highest
        true, false = true + hits, false + misses


def _last(true: float, hits: float, false: float) -> float:
    """Integrate t / (t + false) from true to true + hits: precisions where the positives come last.

    With weights of any size the sum is never below the integral, as the precision rises.
    """
    if false <= 0:
        return hits
    return max(hits - false * log1p(hits / (true + false)), 0.0)


def _on_logit(value: float, positive: Sums, support: Sums, bound: float) -> Estimate:
    estimate = around(value, 0.0, support, bound=bound)
    if not 0 < value < 1:
        return replace(estimate, reason="no interval: the logit scale has none at 0 and 1")
    logit = log(value / (1 - value))
    reach = Z95 / sqrt(effective(positive.weight, positive.weight2) * value * (1 - value))
    low, high = (1 / (1 + exp(-min(max(x, -700), 700))) for x in (logit - reach, logit + reach))
    return replace(estimate, low=low, high=high, reason=None)


def _ordered(bins: Iterable[ScoreBin]) -> tuple[Sequence[ScoreBin], Sums, Sums]:
    ordered = sorted(bins, key=lambda scores: scores.lowest)
    negative = sum((scores.negative for scores in ordered), Sums())
    return ordered, negative, sum((scores.positive for scores in ordered), Sums())
