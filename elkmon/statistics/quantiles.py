"""Compute weighted quantiles of binned values, with their interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import sqrt

from elkmon.statistics.estimate import Estimate, absent
from elkmon.statistics.intervals import Z95, effective
from elkmon.statistics.rate import Sums

__all__ = ["middle", "quantile", "woodruff"]

_SLACK = 1e-12
"""Shares within rounding of each other are the same."""


def middle(low: float, high: float) -> float:
    """Return the middle of a bin on the log scale; half its end if it begins at 0."""
    return sqrt(low * high) if low > 0 else high / 2


def quantile(
    bins: Mapping[int, Sums], share: float, edge: Callable[[int], float], reason: str
) -> Estimate:
    """Return a quantile as NumPy's ``inverted_cdf`` does: the smallest value that reaches it.

    Args:
        bins: counts by number of the bin; higher numbers hold larger values.
        share: above 0, below 1.
        edge: returns where a bin begins; it ends where the next one begins.
        reason: why there is no quantile if there are no values.
    """
    support = sum(bins.values(), Sums())
    if support.weight2 <= 0:
        return absent(reason, support)
    numbers = sorted(bins)

    def at(target: float) -> int:
        below = 0.0
        for number in numbers:
            below += bins[number].weight
            if below >= target * support.weight * (1 - _SLACK):
                return number
        return numbers[-1]

    return woodruff(at, share, edge, support)


def woodruff(
    at: Callable[[float], int], share: float, edge: Callable[[int], float], support: Sums
) -> Estimate:
    """Return a quantile with its interval, as R. S. Woodruff proposes (JASA 47, 1952).

    The number of observations below the true quantile is binomial: the interval reaches from the
    quantile of share − d to that of share + d + 1 / n_eff, d = z·√(share (1 − share) / n_eff), to
    the outer edges of their bins. With too few observations for either end there is none.

    Args:
        at: returns the bin of a quantile.
        share: above 0, below 1.
        edge: returns where a bin begins.
        support: the events that have a value.
    """
    n_eff = effective(support.weight, support.weight2)
    number = at(share)
    value = middle(edge(number), edge(number + 1))
    parts = (support.count, support.weight, n_eff)
    estimate = Estimate(value, None, None, None, *parts, bound=edge(number + 1) - value)
    reach = Z95 * sqrt(share * (1 - share) / n_eff)
    low, high = share - reach, share + reach + 1 / n_eff
    if low * n_eff < 1 or high > 1:
        return replace(estimate, reason="no interval: too few lie beyond it")
    return replace(estimate, low=edge(at(low)), high=edge(at(high) + 1))
