"""One figure of quality: its value, its interval, what it stands on, or why it is absent."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt

from elkmon.statistics.intervals import Z95, effective
from elkmon.statistics.rate import Rate, Sums

__all__ = ["Estimate", "Moments", "absent", "around", "mean", "of_rate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; None, with the reason, where there is none."""

    value: float | None
    low: float | None
    high: float | None
    k: int | None
    """Stored events that count, where the figure is a share k / n; else None."""
    n: int
    """Stored events that the figure is made of."""
    weighted_n: float
    n_eff: float
    """(Σw)² / Σw²: n where nothing is sampled."""
    bound: float | None = None
    """The largest error by binning, where the figure is made of bins; else None: it is exact."""
    reason: str | None = None
    """Why there is no value, or no interval."""

    @property
    def weighted(self) -> bool:
        """Say whether sampling makes n predictions stand for more."""
        return abs(self.weighted_n - self.n) > 1e-9 * self.n


@dataclass(frozen=True, slots=True)
class Moments:
    """Values of one sort: how many, Σw, Σw², Σw·x, Σw·x²."""

    support: Sums
    total: float
    squares: float


def absent(reason: str, support: Sums | None = None) -> Estimate:
    """Give a figure that cannot be computed.

    Args:
        reason: why not, to be read behind "absent".
        support: what it would have been made of.
    """
    found = Sums() if support is None else support
    return Estimate(None, None, None, None, found.count, found.weight, _n_eff(found), reason=reason)


def of_rate(rate: Rate) -> Estimate:
    """Turn a share with its Wilson interval into a figure."""
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
    """Give a figure with a normal interval around it, within what is possible.

    Args:
        value: of the figure.
        deviation: its standard deviation; 0 or none where it cannot be told, which leaves the
            interval out.
        support: what it is made of.
        lowest: that it can be.
        highest: that it can be.
        bound: largest error by binning.
    """
    if not isfinite(value):
        return absent("its sums are too large to be told", support)
    parts = (support.count, support.weight, _n_eff(support), bound)
    if not (isfinite(deviation) and deviation > 0):
        why = "no interval: what it is made of does not vary"
        return Estimate(value, None, None, None, *parts, why)
    low = max(value - Z95 * deviation, lowest)
    high = min(value + Z95 * deviation, highest)
    return Estimate(value, low, high, None, *parts)


def mean(found: Moments, reason: str, *, lowest: float = float("-inf")) -> Estimate:
    """Give a weighted mean with its normal interval, x̄ ± z·s/√n_eff.

    s² is the variance with n_eff − 1 below it, as statsmodels' ``DescrStatsW`` has it for weights
    that add up to n_eff.

    Args:
        found: what the mean is of.
        reason: why there is none, where there are no values.
        lowest: below which no such mean can be.
    """
    if found.support.weight2 <= 0:
        return absent(reason, found.support)
    value = found.total / found.support.weight
    variance = found.squares / found.support.weight - value * value
    n_eff = _n_eff(found.support)
    # what is left of squares that cancel is rounding, not variance
    real = n_eff > 1 and variance > 1e-14 * value * value
    deviation = sqrt(variance / (n_eff - 1)) if real else 0.0
    return around(value, deviation, found.support, lowest=lowest, highest=float("inf"))


def _n_eff(support: Sums) -> float:
    return effective(support.weight, support.weight2) if support.weight2 > 0 else 0.0
