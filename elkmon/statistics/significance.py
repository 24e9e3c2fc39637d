"""Test whether two shares differ: z, Fisher's exact test, Newcombe's interval, FDR."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, fsum, sqrt

from elkmon.statistics.intervals import Z95, wilson

__all__ = ["fisher", "fisher_rise", "newcombe", "normal_tail", "significant", "two_proportion_z"]

_NOTHING = 1e-300
"""A weight below which terms of a sum are left out."""
_TIE = 1e-10
"""Relative: two tables are equally likely, whichever way their weight was computed."""


def two_proportion_z(k1: float, n1: float, k2: float, n2: float) -> float:
    """Return the two-sided p-value of the pooled z test: are both shares equal?

    Args:
        k1: how many of the first, 0 to ``n1``; effective numbers where they are weighted.
        n1: out of how many, above 0.
        k2: how many of the second.
        n2: out of how many, above 0.
    """
    pooled = (k1 + k2) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    if variance <= 0:
        return 1.0
    return 2 * normal_tail(abs(k1 / n1 - k2 / n2) / sqrt(variance))


def normal_tail(z: float) -> float:
    """Return the probability that a standard normal number is above ``z``."""
    return erfc(z / sqrt(2)) / 2


def newcombe(
    share1: float, n1: float, share2: float, n2: float, z: float = Z95
) -> tuple[float, float]:
    """Return Newcombe's hybrid score interval of ``share2 − share1``.

    Method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998), from both Wilson intervals.

    Args:
        share1: the first, 0 to 1.
        n1: number of observations, above 0; the effective number where they are weighted.
        share2: the second.
        n2: its number of observations.
        z: quantile of the standard normal distribution.
    """
    low1, high1 = wilson(share1, n1, z)
    low2, high2 = wilson(share2, n2, z)
    difference = share2 - share1
    return (
        difference - sqrt((share2 - low2) ** 2 + (high1 - share1) ** 2),
        difference + sqrt((high2 - share2) ** 2 + (share1 - low1) ** 2),
    )


def fisher(k1: int, n1: int, k2: int, n2: int) -> float:
    """Return the two-sided p-value of Fisher's exact test.

    The probability of all tables with the same margins that are at most as likely as this one.

    Args:
        k1: how many of the first.
        n1: out of how many.
        k2: how many of the second.
        n2: out of how many.
    """
    lowest, weights = _hypergeometric(k1 + k2, n1, n2)
    position = k1 - lowest
    observed = weights[position] if 0 <= position < len(weights) else 0.0
    extreme = fsum(sorted(weight for weight in weights if weight <= observed * (1 + _TIE)))
    return min(extreme / fsum(weights), 1.0)


def fisher_rise(k1: int, n1: int, k2: int, n2: int) -> float:
    """Return the one-sided p-value of Fisher's exact test: is the second share above the first?

    The arguments are those of :func:`fisher`.
    """
    lowest, weights = _hypergeometric(k1 + k2, n1, n2)
    # the second has k2 or more where the first has k1 or fewer
    return min(fsum(weights[: max(k1 - lowest + 1, 0)]) / fsum(weights), 1.0)


def _hypergeometric(k: int, n1: int, n2: int) -> tuple[int, list[float]]:
    """Return the weights of how many of ``k`` belong to the first sample; the largest is 1.

    Each weight comes from its neighbour, so that no factorial and no logarithm costs digits.

    Returns:
        The lowest number that has a weight, and the weights from there on.
    """
    low, high = max(0, k - n2), min(k, n1)
    mode = min(max((k + 1) * (n1 + 1) // (n1 + n2 + 2), low), high)
    up, down = [1.0], [1.0]
    for x in range(mode, high):
        up.append(up[-1] * ((k - x) * (n1 - x)) / ((x + 1) * (n2 - k + x + 1)))
        if up[-1] < _NOTHING:
            break
    for x in range(mode, low, -1):
        down.append(down[-1] * (x * (n2 - k + x)) / ((k - x + 1) * (n1 - x + 1)))
        if down[-1] < _NOTHING:
            break
    return mode - len(down) + 1, [*reversed(down), *up[1:]]


def significant(p_values: Sequence[float], level: float, tried: int | None = None) -> float:
    """Return the largest significant p-value among this many tests; below 0 if there is none.

    Benjamini and Hochberg, JRSS B 57 (1995): in the long run at most a share of ``level`` of the
    significant ones is false.

    Args:
        p_values: of all tests, also those that are not significant.
        level: such as 0.01.
        tried: the number of tests, if some of them are not among the p-values.
    """
    ordered = sorted(p_values)
    number = len(ordered) if tried is None else tried
    return max((p for rank, p in enumerate(ordered, 1) if p <= level * rank / number), default=-1.0)
