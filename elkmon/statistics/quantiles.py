"""Weighted quantiles of values in bins, with their interval."""

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
    """Give what a bin stands for: its middle on the log scale, or half of what begins at 0."""
    return sqrt(low * high) if low > 0 else high / 2


def quantile(
    bins: Mapping[int, Sums], share: float, edge: Callable[[int], float], reason: str
) -> Estimate:
    """Give the smallest value that such a share of all does not exceed: ``inverted_cdf`` of NumPy.

    Args:
        bins: counts by number of the bin; higher numbers hold larger values.
        share: above 0, below 1.
        edge: gives where a bin begins; it ends where the next begins.
        reason: why there is none, where there are no values.
    """
    support = sum(bins.values(), Sums())
    if support.weight2 <= 0:
        return absent(reason, support)
    numbers = sorted(bins)

    def at(wanted: float) -> int:
        below = 0.0
        for number in numbers:
            below += bins[number].weight
            if below >= wanted * support.weight * (1 - _SLACK):
                return number
        return numbers[-1]

    return woodruff(at, share, edge, support)


def woodruff(
    at: Callable[[float], int], share: float, edge: Callable[[int], float], support: Sums
) -> Estimate:
    """Give a quantile with its interval, as R. S. Woodruff proposes (JASA 47, 1952).

    The number of observations below the true quantile is binomial: the interval reaches from the
    quantile of share − d to that of share + d + 1 / n_eff, d = z·√(share (1 − share) / n_eff), to
    the outer edges of their bins. With too few observations for either end there is none.

    Args:
        at: gives the bin of a quantile.
        share: above 0, below 1.
        edge: gives where a bin begins.
        support: what the quantile is of.
    """
    n_eff = effective(support.weight, support.weight2)
    number = at(share)
    value = middle(edge(number), edge(number + 1))
    parts = (support.count, support.weight, n_eff)
    found = Estimate(value, None, None, None, *parts, bound=edge(number + 1) - value)
    reach = Z95 * sqrt(share * (1 - share) / n_eff)
    low, high = share - reach, share + reach + 1 / n_eff
    if low * n_eff < 1 or high > 1:
        return replace(found, reason="no interval: too few lie beyond it")
    return replace(found, low=edge(at(low)), high=edge(at(high) + 1))
