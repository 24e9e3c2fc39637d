"""Figures of ranking, from score bins: AUC-ROC and average precision, with their bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
    """Of its scores; where both are the same, nothing is lost by the bin."""
    negative: Sums
    positive: Sums

    @property
    def tied(self) -> bool:
        """Say whether all its scores are the same, so that it is exact."""
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
    """Give what each bin adds to the bounds of both figures; nothing where a class is missing."""
    ordered, negative, positive = _ordered(bins)
    pairs, whole = negative.weight * positive.weight, positive.weight
    if pairs <= 0:
        return []
    return [
        Blur(each, _lost(each) / (2 * pairs), (highest - step) / whole, (step - lowest) / whole)
        for each, step, lowest, highest in _steps(ordered)
    ]


def _lost(scores: ScoreBin) -> float:
    """Give what a bin adds to the bound of AUC, before division by 2·N⁺·N⁻: n⁺·n⁻, or 0."""
    return 0.0 if scores.tied else scores.negative.weight * scores.positive.weight


def auc(bins: Iterable[ScoreBin]) -> Estimate:
    """Give the area under the ROC curve, ties (and bins) counting one half.

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
    for each in ordered:
        above -= each.positive.weight
        area += each.negative.weight * (max(above, 0.0) + each.positive.weight / 2)
        lost += _lost(each)
    pairs = negative.weight * positive.weight
    value = min(area / pairs, 1.0)
    found = around(
        value,
        _hanley_mcneil(
            value,
            effective(positive.weight, positive.weight2),
            effective(negative.weight, negative.weight2),
        ),
        negative + positive,
        bound=lost / (2 * pairs),
    )
    if found.low is None:
        why = "no interval: Hanley and McNeil's has no width where the classes lie wholly apart"
        return _because(found, why)
    return found


def _hanley_mcneil(area: float, positive: float, negative: float) -> float:
    """Give the standard deviation of an area, from effective numbers of both classes."""
    both = area * (1 - area)
    two_positive = area / (2 - area) - area * area
    two_negative = 2 * area * area / (1 + area) - area * area
    variance = both + (positive - 1) * two_positive + (negative - 1) * two_negative
    return sqrt(max(variance, 0.0) / (positive * negative))


def average_precision(bins: Iterable[ScoreBin]) -> Estimate:
    """Give Σ (R_n − R_{n−1}) P_n over thresholds from the highest score on, one a bin.

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
    found = lowest = highest = 0.0
    for _, step, least, most in _steps(ordered):
        found, lowest, highest = found + step, lowest + least, highest + most
    whole = positive.weight
    value = min(found / whole, 1.0)
    bound = max(highest - found, found - lowest, 0.0) / whole
    return _on_logit(value, positive, negative + positive, bound)


def _steps(ordered: Sequence[ScoreBin]) -> Iterator[tuple[ScoreBin, float, float, float]]:
    """Give each bin's part of average precision, and the least and the most that it may be."""
    true = false = 0.0
    for each in reversed(ordered):
        hits, misses = each.positive.weight, each.negative.weight
        step = lowest = highest = 0.0
        if hits > 0:
            step = lowest = highest = hits * (true + hits) / (true + hits + false + misses)
            if not each.tied:
                lowest = _last(true, hits, false + misses)
                highest = hits * (true + hits) / (true + hits + false)
        yield each, step, lowest, highest
        true, false = true + hits, false + misses


def _last(true: float, hits: float, false: float) -> float:
    """Integrate t / (t + false) from true to true + hits: precisions where the positives come last.

    With weights of any size the sum is never below the integral, as the precision rises.
    """
    if false <= 0:
        return hits
    return max(hits - false * log1p(hits / (true + false)), 0.0)


def _on_logit(value: float, positive: Sums, support: Sums, bound: float) -> Estimate:
    plain = around(value, 0.0, support, bound=bound)
    if not 0 < value < 1:
        return _because(plain, "no interval: on the logit scale there is none at 0 and 1")
    logit = log(value / (1 - value))
    reach = Z95 / sqrt(effective(positive.weight, positive.weight2) * value * (1 - value))
    low, high = (1 / (1 + exp(-min(max(x, -700), 700))) for x in (logit - reach, logit + reach))
    return Estimate(value, low, high, None, plain.n, plain.weighted_n, plain.n_eff, bound)


def _because(found: Estimate, reason: str) -> Estimate:
    return Estimate(
        *(found.value, None, None, found.k, found.n, found.weighted_n, found.n_eff, found.bound),
        reason=reason,
    )


def _ordered(bins: Iterable[ScoreBin]) -> tuple[Sequence[ScoreBin], Sums, Sums]:
    ordered = sorted(bins, key=lambda each: each.lowest)
    return ordered, _sum(b.negative for b in ordered), _sum(b.positive for b in ordered)


def _sum(parts: Iterator[Sums]) -> Sums:
    count, weight, weight2 = 0, 0.0, 0.0
    for each in parts:
        count, weight, weight2 = (
            count + each.count,
            weight + each.weight,
            weight2 + each.weight2,
        )
    return Sums(count, weight, weight2)
