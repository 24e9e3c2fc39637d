"""One estimate: its value, its interval, the events it comes from, or why it is absent."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt

from elkmon.statistics.intervals import Z95, effective
from elkmon.statistics.rate import Rate, Sums

__all__ = ["Estimate", "Moments", "absent", "around", "mean", "of_rate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; both are None, with a reason, if they cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    k: int | None
    """If the figure is a share k / n, the stored events that count; else None."""
    n: int
    """Stored events that the figure is computed from."""
    weighted_n: float
    n_eff: float
    """(Σw)² / Σw²: n if nothing is sampled."""
    bound: float | None = None
    """The largest error by binning; None if the figure is exact."""
    reason: str | None = None
    """Why there is no value, or no interval."""

    @property
    def weighted(self) -> bool:
        """Return whether events are weighted because they were sampled."""
        return abs(self.weighted_n - self.n) > 1e-9 * self.n


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of a field: count, Σw, Σw², Σw·x, Σw·x²."""

    support: Sums
    total: float
    squares: float


def absent(reason: str, support: Sums | None = None) -> Estimate:
    """Return an estimate without a value.

    Args:
        reason: why it cannot be computed, to be read after "absent".
        support: the events that it would have been computed from.
    """
    sums = Sums() if support is None else support
    return Estimate(None, None, None, None, sums.count, sums.weight, _n_eff(sums), reason=reason)


def of_rate(rate: Rate) -> Estimate:
    """Return a share with its Wilson interval as an estimate."""
    return Estimate(
        *(rate.value, rate.low, rate.high, rate.k, rate.n, rate.weighted_n, rate.n_eff),
        reason=rate.reason,
    )


def around(
    value: float,
    deviation: float,
    support: Sums,
    *,
    lowest: float = 0.0,
    highest: float = 1.0,
    bound: float | None = None,
) -> Estimate:
    """Return an estimate with a normal interval, within the possible range.

    Args:
        value: of the figure.
        deviation: its standard deviation; if it is 0 or not finite, there is no interval.
        support: the events that it is computed from.
        lowest: the lowest possible value.
        highest: the highest possible value.
        bound: the largest error by binning.
    """
    if not isfinite(value):
        return absent("its sums are too large", support)
    parts = (support.count, support.weight, _n_eff(support), bound)
    if not (isfinite(deviation) and deviation > 0):
        why = "no interval: its values do not vary"
        return Estimate(value, None, None, None, *parts, why)
    low = max(value - Z95 * deviation, lowest)
    high = min(value + Z95 * deviation, highest)
    return Estimate(value, low, high, None, *parts)


def mean(moments: Moments, reason: str, *, lowest: float = float("-inf")) -> Estimate:
    """Return a weighted mean with its normal interval, x̄ ± z·s/√n_eff.

    s² is the variance with n_eff − 1 below it, as statsmodels' ``DescrStatsW`` has it for weights
    that add up to n_eff.

    Args:
        moments: of the values.
        reason: why there is no mean if there are no values.
        lowest: the lowest possible mean.
    """
    if moments.support.weight2 <= 0:
        return absent(reason, moments.support)
    value = moments.total / moments.support.weight
    variance = moments.squares / moments.support.weight - value * value
    n_eff = _n_eff(moments.support)
    # what is left of squares that cancel is rounding, not variance
    real = n_eff > 1 and variance > 1e-14 * value * value
    deviation = sqrt(variance / (n_eff - 1)) if real else 0.0
    return around(value, deviation, moments.support, lowest=lowest, highest=float("inf"))


def _n_eff(support: Sums) -> float:
    return effective(support.weight, support.weight2) if support.weight2 > 0 else 0.0
